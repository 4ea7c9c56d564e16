//! Values to bytes, appended to the output as they come.

use types::{Code, DateTime, Value};

use super::{marker, tag};
use crate::version::Dialect;

/// Lists and maps inside each other, as far as a client can be expected to follow.
const DEPTH_MAX: u32 = 1_000;

/// Why a value cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// Lists and maps lie too deep in each other; return less of the value.
    #[error("a result value is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// The protocol counts in 32 bits; return the value in parts.
    #[error("a result value has {length} bytes or items, which is more than the protocol can say")]
    TooLong {
        /// What was to be written.
        length: usize,
    },
}

impl PackError {
    /// Gives the code that the client is told.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::TooDeep | Self::TooLong { .. } => Code::ArgumentError,
        }
    }
}

/// Appends PackStream to a buffer.
#[derive(Debug)]
pub struct Packer<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) dialect: Dialect,
    depth: u32,
}

impl<'a> Packer<'a> {
    /// Appends to `out` in the form that `dialect` asks for.
    pub fn new(out: &'a mut Vec<u8>, dialect: Dialect) -> Self {
        Self { out, dialect, depth: 0 }
    }

    /// Writes any value.
    ///
    /// References to entities never leave a statement; one that does is a defect and is written as null.
    pub fn value(&mut self, value: &Value) -> Result<(), PackError> {
        match value {
            Value::Null => self.null(),
            Value::Boolean(truth) => self.boolean(*truth),
            Value::Integer(number) => self.integer(*number),
            Value::Float(number) => self.float(*number),
            Value::String(text) => return self.string(text),
            Value::Bytes(bytes) => return self.bytes(bytes),
            Value::List(items) => return self.nested(|packer| packer.list(items)),
            Value::Map(entries) => return self.nested(|packer| packer.map(entries)),
            Value::Date(date) => {
                self.structure(1, tag::DATE);
                self.integer(date.days);
            }
            Value::LocalTime(time) => {
                self.structure(1, tag::LOCAL_TIME);
                self.integer(time.nanos);
            }
            Value::Time(time) => {
                self.structure(2, tag::TIME);
                self.integer(time.nanos);
                self.integer(time.offset_seconds.into());
            }
            Value::LocalDateTime(moment) => {
                self.structure(2, tag::LOCAL_DATE_TIME);
                self.integer(moment.seconds);
                self.integer(moment.nanos.into());
            }
            Value::DateTime(moment) => return self.date_time(moment),
            Value::Duration(duration) => {
                self.structure(4, tag::DURATION);
                self.integer(duration.months);
                self.integer(duration.days);
                self.integer(duration.seconds);
                self.integer(duration.nanos.into());
            }
            Value::Point(point) => self.point(point),
            Value::Node(node) => return self.node(node),
            Value::Relationship(relationship) => return self.relationship(relationship),
            Value::Path(path) => return self.path(path),
            Value::NodeRef(_) | Value::RelationshipRef(_) | Value::PathRef(_) => {
                debug_assert!(false, "a reference to an entity reached the wire");
                self.null();
            }
        }
        Ok(())
    }

    /// Gives the buffer, for writers that fill in a size later.
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// Gives the buffer back.
    pub(crate) fn into_out(self) -> &'a mut Vec<u8> {
        self.out
    }

    /// Tells how this packer writes.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Writes null.
    pub fn null(&mut self) {
        self.out.push(marker::NULL);
    }

    /// Writes a truth value.
    pub fn boolean(&mut self, truth: bool) {
        self.out.push(if truth { marker::TRUE } else { marker::FALSE });
    }

    /// Writes an integer in as few bytes as it needs.
    #[expect(clippy::cast_possible_truncation, reason = "each arm's range fits its width")]
    pub fn integer(&mut self, number: i64) {
        match number {
            -16..=127 => self.out.push(number as u8),
            -128..=127 => self.out.extend_from_slice(&[marker::INTEGER_8, number as u8]),
            -0x8000..=0x7FFF => self.marked(marker::INTEGER_16, (number as i16).to_be_bytes()),
            -0x8000_0000..=0x7FFF_FFFF => self.marked(marker::INTEGER_32, (number as i32).to_be_bytes()),
            _ => self.marked(marker::INTEGER_64, number.to_be_bytes()),
        }
    }

    /// Writes a float.
    pub fn float(&mut self, number: f64) {
        self.marked(marker::FLOAT, number.to_be_bytes());
    }

    /// Writes a string.
    pub fn string(&mut self, text: &str) -> Result<(), PackError> {
        let widths = Widths {
            tiny: Some(marker::STRING_TINY),
            by_width: [marker::STRING_8, marker::STRING_16, marker::STRING_32],
        };
        self.length(text.len(), widths)?;
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// Writes raw bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), PackError> {
        let widths = Widths { tiny: None, by_width: [marker::BYTES_8, marker::BYTES_16, marker::BYTES_32] };
        self.length(bytes.len(), widths)?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Announces a list; its items follow.
    pub fn list_header(&mut self, length: usize) -> Result<(), PackError> {
        let widths =
            Widths { tiny: Some(marker::LIST_TINY), by_width: [marker::LIST_8, marker::LIST_16, marker::LIST_32] };
        self.length(length, widths)
    }

    /// Announces a map; a string and a value for each entry follow.
    pub fn map_header(&mut self, length: usize) -> Result<(), PackError> {
        let widths = Widths { tiny: Some(marker::MAP_TINY), by_width: [marker::MAP_8, marker::MAP_16, marker::MAP_32] };
        self.length(length, widths)
    }

    /// Announces a structure of at most 15 fields, which follow.
    pub fn structure(&mut self, fields: u8, tag: u8) {
        debug_assert!(fields < 16, "a structure has at most 15 fields");
        self.out.extend_from_slice(&[marker::STRUCTURE_TINY | fields, tag]);
    }

    /// Writes a list and its items.
    pub fn list(&mut self, items: &[Value]) -> Result<(), PackError> {
        self.list_header(items.len())?;
        items.iter().try_for_each(|item| self.value(item))
    }

    /// Writes a map and its entries.
    pub fn map(&mut self, entries: &types::Map) -> Result<(), PackError> {
        self.map_header(entries.len())?;
        for (key, value) in entries {
            self.string(key)?;
            self.value(value)?;
        }
        Ok(())
    }

    fn nested(&mut self, write: impl FnOnce(&mut Self) -> Result<(), PackError>) -> Result<(), PackError> {
        if self.depth == DEPTH_MAX {
            return Err(PackError::TooDeep);
        }
        self.depth += 1;
        let written = write(self);
        self.depth -= 1;
        written
    }

    fn date_time(&mut self, moment: &DateTime) -> Result<(), PackError> {
        let utc = self.dialect.has_utc_datetimes();
        let offset = i64::from(moment.zone.offset_seconds);
        let seconds = if utc { moment.seconds } else { moment.seconds.saturating_add(offset) };
        let tag = match (&moment.zone.name, utc) {
            (Some(_), true) => tag::DATE_TIME_ZONE_ID,
            (Some(_), false) => tag::LEGACY_DATE_TIME_ZONE_ID,
            (None, true) => tag::DATE_TIME,
            (None, false) => tag::LEGACY_DATE_TIME,
        };
        self.structure(3, tag);
        self.integer(seconds);
        self.integer(moment.nanos.into());
        match &moment.zone.name {
            Some(name) => self.string(name),
            None => {
                self.integer(offset);
                Ok(())
            }
        }
    }

    fn point(&mut self, point: &types::Point) {
        match point.z {
            None => self.structure(3, tag::POINT_2D),
            Some(_) => self.structure(4, tag::POINT_3D),
        }
        self.integer(point.srid.into());
        self.float(point.x);
        self.float(point.y);
        if let Some(z) = point.z {
            self.float(z);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "each arm's range fits its width")]
    fn length(&mut self, length: usize, widths: Widths) -> Result<(), PackError> {
        let [marker_8, marker_16, marker_32] = widths.by_width;
        match (length, widths.tiny) {
            (0..=15, Some(tiny)) => self.out.push(tiny | length as u8),
            (0..=0xFF, _) => self.out.extend_from_slice(&[marker_8, length as u8]),
            (0..=0xFFFF, _) => self.marked(marker_16, (length as u16).to_be_bytes()),
            (0..=0xFFFF_FFFF, _) => self.marked(marker_32, (length as u32).to_be_bytes()),
            _ => return Err(PackError::TooLong { length }),
        }
        Ok(())
    }

    fn marked<const N: usize>(&mut self, marker: u8, bytes: [u8; N]) {
        self.out.push(marker);
        self.out.extend_from_slice(&bytes);
    }
}

/// The markers of one sized type, by the width of its length.
#[derive(Clone, Copy)]
struct Widths {
    tiny: Option<u8>,
    by_width: [u8; 3],
}
