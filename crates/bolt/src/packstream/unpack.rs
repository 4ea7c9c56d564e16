//! Bytes to values: every size is checked against the bytes that are left before anything is allocated.

use std::sync::Arc;

use compact_str::CompactString;
use types::{Code, Map, Value};

use super::marker;
use crate::version::Dialect;

/// Lists, maps and structures inside each other that a message may hold.
///
/// Deep enough for any document; shallow enough for the smallest stack.
pub const DEPTH_MAX: u32 = 200;

/// Values that one message may hold; a null is one byte on the wire and thirty in memory.
pub const VALUES_MAX: u32 = 16 * 1024 * 1024;

/// Items for which there is room before they are read, at most: what a header says may not be so.
pub(super) const READ_AHEAD_ITEMS: usize = 1_024;

/// Why bytes are no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// The bytes end inside a value, or a size is larger than what is left.
    #[error("the message ends before its values do")]
    Truncated,
    /// Bytes follow the last value.
    #[error("the message goes on after its last value")]
    Trailing,
    /// A byte that begins no value.
    #[error("0x{0:02X} begins no value")]
    Marker(u8),
    /// A structure that the protocol does not know, or with the wrong number of fields.
    #[error("structure 0x{tag:02X} with {fields} fields is not known here")]
    Structure {
        /// The byte that names it.
        tag: u8,
        /// How many fields it claims.
        fields: u8,
    },
    /// A string that is not UTF-8.
    #[error("a string is not valid UTF-8")]
    Utf8,
    /// A value of another type than this place asks for.
    #[error("expected {expected}")]
    Expected {
        /// What may stand here.
        expected: &'static str,
    },
    /// Nested beyond [`DEPTH_MAX`].
    #[error("values are nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// More values than [`VALUES_MAX`].
    #[error("the message holds more than {VALUES_MAX} values")]
    TooMany,
    /// A node, relationship or path as a parameter; pass its id or its properties instead.
    #[error("a {0} cannot be a parameter")]
    Entity(&'static str),
    /// A date, time or point that does not exist.
    #[error("{0} is out of range")]
    Range(&'static str),
    /// A time zone that nobody knows.
    #[error("unknown time zone '{0}'")]
    Zone(CompactString),
}

impl UnpackError {
    /// Gives the code that the client is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Entity(_) => Code::TypeError,
            Self::Range(_) | Self::Zone(_) => Code::ArgumentError,
            Self::Truncated
            | Self::Trailing
            | Self::Marker(_)
            | Self::Structure { .. }
            | Self::Utf8
            | Self::Expected { .. }
            | Self::TooDeep
            | Self::TooMany => Code::RequestInvalid,
        }
    }

    /// Tells whether the bytes break the protocol, rather than name something we cannot take.
    #[must_use]
    pub fn is_malformed(&self) -> bool {
        self.code() == Code::RequestInvalid
    }
}

/// Reads PackStream from a slice.
#[derive(Debug)]
pub struct Unpacker<'a> {
    bytes: &'a [u8],
    pub(super) dialect: Dialect,
    /// Whether nodes, relationships and paths may occur: in results, not in parameters.
    pub(super) entities: bool,
    depth: u32,
    values_left: u32,
}

impl<'a> Unpacker<'a> {
    /// Reads what a client sends: no entities.
    #[must_use]
    pub fn of_request(bytes: &'a [u8], dialect: Dialect) -> Self {
        Self { bytes, dialect, entities: false, depth: 0, values_left: VALUES_MAX }
    }

    /// Reads what a server sends: entities too.
    #[must_use]
    pub fn of_response(bytes: &'a [u8], dialect: Dialect) -> Self {
        Self { entities: true, ..Self::of_request(bytes, dialect) }
    }

    /// Makes sure that nothing is left.
    pub fn finish(&self) -> Result<(), UnpackError> {
        if self.bytes.is_empty() { Ok(()) } else { Err(UnpackError::Trailing) }
    }

    /// Reads any value.
    pub fn value(&mut self) -> Result<Value, UnpackError> {
        self.values_left = self.values_left.checked_sub(1).ok_or(UnpackError::TooMany)?;
        let first = self.peek()?;
        match first {
            0x00..=0x7F | 0xF0..=0xFF | marker::INTEGER_8..=marker::INTEGER_64 => self.integer().map(Value::Integer),
            0x80..=0x8F | marker::STRING_8..=marker::STRING_32 => {
                self.string().map(|text| Value::String(CompactString::from(text)))
            }
            0x90..=0x9F | marker::LIST_8..=marker::LIST_32 => self.nested(Self::list),
            0xA0..=0xAF | marker::MAP_8..=marker::MAP_32 => self.nested(|reader| reader.map().map(Value::map)),
            0xB0..=0xBF => self.nested(Self::structure_value),
            marker::BYTES_8..=marker::BYTES_32 => self.bytes().map(|bytes| Value::Bytes(Arc::from(bytes))),
            marker::NULL => self.constant(Value::Null),
            marker::TRUE => self.constant(Value::Boolean(true)),
            marker::FALSE => self.constant(Value::Boolean(false)),
            marker::FLOAT => self.float().map(Value::Float),
            _ => Err(UnpackError::Marker(first)),
        }
    }

    /// Reads an integer.
    pub fn integer(&mut self) -> Result<i64, UnpackError> {
        match self.byte()? {
            tiny @ (0x00..=0x7F | 0xF0..=0xFF) => Ok(i64::from(tiny.cast_signed())),
            marker::INTEGER_8 => Ok(i8::from_be_bytes(self.array()?).into()),
            marker::INTEGER_16 => Ok(i16::from_be_bytes(self.array()?).into()),
            marker::INTEGER_32 => Ok(i32::from_be_bytes(self.array()?).into()),
            marker::INTEGER_64 => Ok(i64::from_be_bytes(self.array()?)),
            _ => Err(UnpackError::Expected { expected: "an integer" }),
        }
    }

    /// Reads a float.
    pub fn float(&mut self) -> Result<f64, UnpackError> {
        match self.byte()? {
            marker::FLOAT => Ok(f64::from_be_bytes(self.array()?)),
            _ => Err(UnpackError::Expected { expected: "a float" }),
        }
    }

    /// Reads a string where it lies.
    pub fn string(&mut self) -> Result<&'a str, UnpackError> {
        let length = match self.byte()? {
            tiny @ 0x80..=0x8F => usize::from(tiny & 0x0F),
            marker::STRING_8 => self.length_8()?,
            marker::STRING_16 => self.length_16()?,
            marker::STRING_32 => self.length_32()?,
            _ => return Err(UnpackError::Expected { expected: "a string" }),
        };
        std::str::from_utf8(self.take(length)?).map_err(|_| UnpackError::Utf8)
    }

    /// Reads a list's length; as many values follow. Each needs a byte, so a length beyond that is refused.
    pub fn list_header(&mut self) -> Result<usize, UnpackError> {
        let length = match self.byte()? {
            tiny @ 0x90..=0x9F => usize::from(tiny & 0x0F),
            marker::LIST_8 => self.length_8()?,
            marker::LIST_16 => self.length_16()?,
            marker::LIST_32 => self.length_32()?,
            _ => return Err(UnpackError::Expected { expected: "a list" }),
        };
        self.has_room_for(length)
    }

    /// Reads a map's length; as many pairs of a string and a value follow.
    pub fn map_header(&mut self) -> Result<usize, UnpackError> {
        let length = match self.byte()? {
            tiny @ 0xA0..=0xAF => usize::from(tiny & 0x0F),
            marker::MAP_8 => self.length_8()?,
            marker::MAP_16 => self.length_16()?,
            marker::MAP_32 => self.length_32()?,
            _ => return Err(UnpackError::Expected { expected: "a map" }),
        };
        self.has_room_for(length.saturating_mul(2)).map(|_| length)
    }

    /// Reads a structure's number of fields and its tag.
    pub fn structure_header(&mut self) -> Result<(u8, u8), UnpackError> {
        match self.byte()? {
            first @ 0xB0..=0xBF => Ok((first & 0x0F, self.byte()?)),
            _ => Err(UnpackError::Expected { expected: "a structure" }),
        }
    }

    /// Reads a map. A key that comes twice keeps its last value.
    pub fn map(&mut self) -> Result<Map, UnpackError> {
        let length = self.map_header()?;
        let mut entries = Map::with_capacity(length.min(self.values_left as usize).min(READ_AHEAD_ITEMS));
        for _ in 0..length {
            let key = CompactString::from(self.string()?);
            entries.insert(key, self.value()?);
        }
        Ok(entries)
    }

    /// Reads a null if there is one here, and tells whether it did.
    pub fn skip_null(&mut self) -> Result<bool, UnpackError> {
        let is_null = self.peek()? == marker::NULL;
        if is_null {
            self.byte()?;
        }
        Ok(is_null)
    }

    fn list(&mut self) -> Result<Value, UnpackError> {
        let length = self.list_header()?;
        let mut items = Vec::with_capacity(length.min(READ_AHEAD_ITEMS));
        for _ in 0..length {
            items.push(self.value()?);
        }
        Ok(Value::list(items))
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], UnpackError> {
        let length = match self.byte()? {
            marker::BYTES_8 => self.length_8()?,
            marker::BYTES_16 => self.length_16()?,
            marker::BYTES_32 => self.length_32()?,
            _ => return Err(UnpackError::Expected { expected: "bytes" }),
        };
        self.take(length)
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, UnpackError>) -> Result<T, UnpackError> {
        if self.depth == DEPTH_MAX {
            return Err(UnpackError::TooDeep);
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn constant(&mut self, value: Value) -> Result<Value, UnpackError> {
        self.byte()?;
        Ok(value)
    }

    fn has_room_for(&self, values: usize) -> Result<usize, UnpackError> {
        if values > self.bytes.len() { Err(UnpackError::Truncated) } else { Ok(values) }
    }

    pub(super) fn peek(&self) -> Result<u8, UnpackError> {
        self.bytes.first().copied().ok_or(UnpackError::Truncated)
    }

    pub(super) fn byte(&mut self) -> Result<u8, UnpackError> {
        let (&first, rest) = self.bytes.split_first().ok_or(UnpackError::Truncated)?;
        self.bytes = rest;
        Ok(first)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], UnpackError> {
        let (array, rest) = self.bytes.split_first_chunk().ok_or(UnpackError::Truncated)?;
        self.bytes = rest;
        Ok(*array)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], UnpackError> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(UnpackError::Truncated)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn length_8(&mut self) -> Result<usize, UnpackError> {
        self.byte().map(usize::from)
    }

    fn length_16(&mut self) -> Result<usize, UnpackError> {
        Ok(u16::from_be_bytes(self.array()?).into())
    }

    fn length_32(&mut self) -> Result<usize, UnpackError> {
        Ok(u32::from_be_bytes(self.array()?) as usize)
    }
}
