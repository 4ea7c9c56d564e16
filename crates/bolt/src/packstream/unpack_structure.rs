//! Structures to values: dates, times, points, and the entities of results.

use std::sync::Arc;

use compact_str::CompactString;
use types::temporal::ZoneId;
use types::{Date, DateTime, Duration, LocalDateTime, LocalTime, Node, Path, Point, Relationship, Time, Value, Zone};

use super::tag;
use super::unpack::{UnpackError, Unpacker};

/// Days from 1970 to either end of the years that exist: -999,999,999 to 999,999,999.
const DAYS_MAX: i64 = 365_243_219_162;
const DAYS_MIN: i64 = -365_243_219_528;
const SECONDS_OF_DAY: i64 = 86_400;
const NANOS_OF_SECOND: i64 = 1_000_000_000;
/// Offsets reach 18 hours either way.
const OFFSET_MAX_SECONDS: i64 = 18 * 3_600;

impl Unpacker<'_> {
    /// Reads a structure as a value; the caller has counted its depth.
    pub(super) fn structure_value(&mut self) -> Result<Value, UnpackError> {
        let (fields, tag) = self.structure_header()?;
        let utc = self.dialect.has_utc_datetimes();
        let with_element_ids = self.dialect.has_element_ids();
        match (tag, fields) {
            (tag::DATE, 1) => self.date(),
            (tag::LOCAL_TIME, 1) => Ok(Value::LocalTime(LocalTime { nanos: self.nanos_of_day()? })),
            (tag::TIME, 2) => {
                let nanos = self.nanos_of_day()?;
                Ok(Value::Time(Time { nanos, offset_seconds: self.offset()? }))
            }
            (tag::LOCAL_DATE_TIME, 2) => {
                let (seconds, nanos) = self.seconds_and_nanos()?;
                Ok(Value::LocalDateTime(LocalDateTime { seconds, nanos }))
            }
            (tag::DATE_TIME, 3) if utc => self.date_time_at_offset(Hands::Utc),
            (tag::DATE_TIME_ZONE_ID, 3) if utc => self.date_time_in_zone(Hands::Utc),
            (tag::LEGACY_DATE_TIME, 3) if !utc => self.date_time_at_offset(Hands::WallClock),
            (tag::LEGACY_DATE_TIME_ZONE_ID, 3) if !utc => self.date_time_in_zone(Hands::WallClock),
            (tag::DURATION, 4) => self.duration(),
            (tag::POINT_2D, 3) | (tag::POINT_3D, 4) => self.point(fields == 4),
            (tag::NODE | tag::RELATIONSHIP | tag::UNBOUND_RELATIONSHIP | tag::PATH, _) if !self.entities => {
                Err(UnpackError::Entity(entity_name(tag)))
            }
            (tag::NODE, 4) if with_element_ids => self.node().map(|node| Value::Node(Arc::new(node))),
            (tag::NODE, 3) if !with_element_ids => self.node().map(|node| Value::Node(Arc::new(node))),
            (tag::RELATIONSHIP, 8) if with_element_ids => self.relationship(),
            (tag::RELATIONSHIP, 5) if !with_element_ids => self.relationship(),
            (tag::PATH, 3) => self.path(),
            _ => Err(UnpackError::Structure { tag, fields }),
        }
    }

    fn date(&mut self) -> Result<Value, UnpackError> {
        let days = self.integer()?;
        if (DAYS_MIN..=DAYS_MAX).contains(&days) {
            Ok(Value::Date(Date { days }))
        } else {
            Err(UnpackError::Range("a date"))
        }
    }

    fn nanos_of_day(&mut self) -> Result<i64, UnpackError> {
        let nanos = self.integer()?;
        if (0..SECONDS_OF_DAY * NANOS_OF_SECOND).contains(&nanos) {
            Ok(nanos)
        } else {
            Err(UnpackError::Range("a time of day"))
        }
    }

    fn offset(&mut self) -> Result<i32, UnpackError> {
        let seconds = self.integer()?;
        i32::try_from(seconds)
            .ok()
            .filter(|_| (-OFFSET_MAX_SECONDS..=OFFSET_MAX_SECONDS).contains(&seconds))
            .ok_or(UnpackError::Range("an offset from UTC"))
    }

    fn seconds_and_nanos(&mut self) -> Result<(i64, u32), UnpackError> {
        let seconds = self.integer()?;
        let nanos = self.integer()?;
        let in_range = (DAYS_MIN..=DAYS_MAX).contains(&seconds.div_euclid(SECONDS_OF_DAY));
        match u32::try_from(nanos) {
            Ok(nanos) if in_range && i64::from(nanos) < NANOS_OF_SECOND => Ok((seconds, nanos)),
            _ => Err(UnpackError::Range("a date and time")),
        }
    }

    fn date_time_at_offset(&mut self, hands: Hands) -> Result<Value, UnpackError> {
        let (seconds, nanos) = self.seconds_and_nanos()?;
        let offset_seconds = self.offset()?;
        let seconds = match hands {
            Hands::Utc => seconds,
            Hands::WallClock => seconds - i64::from(offset_seconds),
        };
        let zone = Zone { offset_seconds, name: None };
        Ok(Value::DateTime(Box::new(DateTime { seconds, nanos, zone })))
    }

    fn date_time_in_zone(&mut self, hands: Hands) -> Result<Value, UnpackError> {
        let (seconds, nanos) = self.seconds_and_nanos()?;
        let name = self.string()?;
        let zone = ZoneId::named(name).map_err(|_| UnpackError::Zone(name.into()))?;
        let moment = match hands {
            Hands::Utc => DateTime::at(seconds, nanos, &zone),
            Hands::WallClock => DateTime::from_local(LocalDateTime { seconds, nanos }, &zone, None),
        };
        moment.map(|moment| Value::DateTime(Box::new(moment))).map_err(|_| UnpackError::Range("a date and time"))
    }

    /// Clients may give the seconds and the nanoseconds different signs; ours are kept from 0 to 999,999,999.
    fn duration(&mut self) -> Result<Value, UnpackError> {
        let [months, days, seconds, nanos] = [self.integer()?, self.integer()?, self.integer()?, self.integer()?];
        let seconds = seconds.checked_add(nanos.div_euclid(NANOS_OF_SECOND)).ok_or(UnpackError::Range("a duration"))?;
        let nanos = i32::try_from(nanos.rem_euclid(NANOS_OF_SECOND)).expect("below a thousand million");
        Ok(Value::Duration(Box::new(Duration { months, days, seconds, nanos })))
    }

    fn point(&mut self, in_space: bool) -> Result<Value, UnpackError> {
        let srid = self.integer()?;
        let (x, y) = (self.float()?, self.float()?);
        let z = if in_space { Some(self.float()?) } else { None };
        let srid = match (srid, in_space) {
            (7203, false) => 7203,
            (4326, false) => 4326,
            (9157, true) => 9157,
            (4979, true) => 4979,
            _ => return Err(UnpackError::Range("a point's coordinate reference system")),
        };
        Ok(Value::Point(Box::new(Point { srid, x, y, z })))
    }

    fn node(&mut self) -> Result<Node, UnpackError> {
        let id = self.id()?;
        let mut labels = Vec::new();
        for _ in 0..self.list_header()? {
            labels.push(CompactString::from(self.string()?));
        }
        let properties = self.map()?;
        Ok(Node { id, labels, properties, element_id: self.element_id(id)? })
    }

    fn relationship(&mut self) -> Result<Value, UnpackError> {
        let (id, start, end) = (self.id()?, self.id()?, self.id()?);
        let kind = CompactString::from(self.string()?);
        let properties = self.map()?;
        let element_id = self.element_id(id)?;
        let start_element_id = self.element_id(start)?;
        let end_element_id = self.element_id(end)?;
        Ok(Value::Relationship(Arc::new(Relationship {
            id,
            element_id,
            kind,
            start,
            end,
            start_element_id,
            end_element_id,
            properties,
        })))
    }

    /// Puts the walk together again from the distinct entities and their places.
    fn path(&mut self) -> Result<Value, UnpackError> {
        let mut distinct_nodes = Vec::new();
        for _ in 0..self.list_header()? {
            self.expect_structure(tag::NODE)?;
            distinct_nodes.push(Arc::new(self.node()?));
        }
        let mut distinct_relationships = Vec::new();
        for _ in 0..self.list_header()? {
            distinct_relationships.push(self.unbound()?);
        }
        let mut at = distinct_nodes.first().cloned().ok_or(UnpackError::Expected { expected: "a node of a path" })?;
        let mut nodes = vec![Arc::clone(&at)];
        let mut relationships = Vec::new();
        for _ in 0..self.list_header()? / 2 {
            let place = self.integer()?;
            let relationship = usize::try_from(place.unsigned_abs())
                .ok()
                .and_then(|place| distinct_relationships.get(place.checked_sub(1)?))
                .ok_or(UnpackError::Range("a place in a path"))?;
            let next = usize::try_from(self.integer()?)
                .ok()
                .and_then(|place| distinct_nodes.get(place))
                .ok_or(UnpackError::Range("a place in a path"))?;
            let (start, end) = if place > 0 { (&at, next) } else { (next, &at) };
            relationships.push(Arc::new(Relationship {
                start: start.id,
                end: end.id,
                start_element_id: start.element_id.clone(),
                end_element_id: end.element_id.clone(),
                ..relationship.clone()
            }));
            at = Arc::clone(next);
            nodes.push(Arc::clone(&at));
        }
        Ok(Value::Path(Arc::new(Path { nodes, relationships })))
    }

    fn unbound(&mut self) -> Result<Relationship, UnpackError> {
        self.expect_structure(tag::UNBOUND_RELATIONSHIP)?;
        let id = self.id()?;
        let kind = CompactString::from(self.string()?);
        let properties = self.map()?;
        let element_id = self.element_id(id)?;
        let none = CompactString::default();
        Ok(Relationship {
            id,
            element_id,
            kind,
            start: 0,
            end: 0,
            start_element_id: none.clone(),
            end_element_id: none,
            properties,
        })
    }

    fn expect_structure(&mut self, expected: u8) -> Result<(), UnpackError> {
        let with_element_ids = u8::from(self.dialect.has_element_ids());
        match self.structure_header()? {
            (fields, tag) if tag == expected && fields == 3 + with_element_ids => Ok(()),
            (fields, tag) => Err(UnpackError::Structure { tag, fields }),
        }
    }

    fn id(&mut self) -> Result<u64, UnpackError> {
        u64::try_from(self.integer()?).map_err(|_| UnpackError::Range("an id"))
    }

    /// Before 5.0 there are none; drivers use the number as text, and so do we.
    fn element_id(&mut self, id: u64) -> Result<CompactString, UnpackError> {
        if self.dialect.has_element_ids() {
            self.string().map(CompactString::from)
        } else {
            Ok(compact_str::format_compact!("{id}"))
        }
    }
}

/// What the seconds of a date-time count.
#[derive(Clone, Copy)]
enum Hands {
    Utc,
    WallClock,
}

fn entity_name(tag: u8) -> &'static str {
    match tag {
        tag::NODE => "node",
        tag::PATH => "path",
        _ => "relationship",
    }
}
