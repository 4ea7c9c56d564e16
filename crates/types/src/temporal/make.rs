//! Makes values as the functions `date()`, `time()`, `duration()` and their kin do: from text, maps, other values.

use super::clock_time::split_nanos;
use super::error::TemporalError;
use super::fields::{Field, Fields, Kept, Room};
use super::{Date, DateTime, Duration, LocalDateTime, LocalTime, NANOS_PER_SECOND, Time, ZoneId};
use crate::value::{Map, Value};

/// A type of moment, named as the function that makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A day.
    Date,
    /// A time of day without a zone.
    LocalTime,
    /// A time of day with an offset.
    Time,
    /// A day and a time without a zone.
    LocalDateTime,
    /// An instant in a zone.
    DateTime,
}

impl Kind {
    /// Names the type as errors show it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Date => "Date",
            Self::LocalTime => "LocalTime",
            Self::Time => "Time",
            Self::LocalDateTime => "LocalDateTime",
            Self::DateTime => "DateTime",
        }
    }

    pub(super) fn room(self) -> Room {
        match self {
            Self::Date => Room { date: true, time: false, zone: false },
            Self::LocalTime => Room { date: false, time: true, zone: false },
            Self::Time => Room { date: false, time: true, zone: true },
            Self::LocalDateTime => Room { date: true, time: true, zone: false },
            Self::DateTime => Room { date: true, time: true, zone: true },
        }
    }
}

/// What "now" and "here" mean while a value is made.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub nanos: i128,
    /// The zone of values that name none.
    pub zone: ZoneId,
}

impl Moment {
    /// Takes an instant, with UTC as the zone of values that name none.
    #[must_use]
    pub fn utc(nanos: i128) -> Self {
        Self { nanos, zone: ZoneId::UTC }
    }

    fn in_zone(&self, zone: &ZoneId) -> Result<DateTime, TemporalError> {
        let (seconds, nanos) = split_nanos(self.nanos)?;
        DateTime::at(seconds, nanos, zone)
    }

    /// Gives the offset that a time of day gets from a zone: the one in use now.
    pub(super) fn offset_in(&self, zone: &ZoneId) -> Result<i32, TemporalError> {
        zone.offset_at_instant(split_nanos(self.nanos)?.0)
    }
}

/// Makes a value from text, a component map or another moment; null makes null.
///
/// A map that gives only a time zone means now, there.
pub fn make(kind: Kind, input: &Value, moment: &Moment) -> Result<Value, TemporalError> {
    match input {
        Value::Null => Ok(Value::Null),
        Value::String(text) => parse(kind, text, moment),
        Value::Map(map) => from_map(kind, map, moment),
        other => {
            let parts =
                Parts::of(other).ok_or(TemporalError::WrongType { expected: kind.name(), found: other.type_name() })?;
            parts.into_kind(kind, moment)
        }
    }
}

/// Makes a duration from text, a map of its parts or another duration; null makes null.
pub fn make_duration(input: &Value) -> Result<Value, TemporalError> {
    let duration = match input {
        Value::Null => return Ok(Value::Null),
        Value::String(text) => Duration::parse(text)?,
        Value::Map(map) => Duration::from_map(map)?,
        Value::Duration(duration) => **duration,
        other => return Err(TemporalError::WrongType { expected: "Duration", found: other.type_name() }),
    };
    Ok(Value::from(duration))
}

/// Gives the present moment, in the moment's own zone.
pub fn now(kind: Kind, moment: &Moment) -> Result<Value, TemporalError> {
    Parts::of_instant(&moment.in_zone(&moment.zone)?).into_kind(kind, moment)
}

/// Makes an instant in UTC from seconds since 1970 and nanoseconds of the second.
pub fn from_epoch(seconds: i64, nanos: i64) -> Result<DateTime, TemporalError> {
    let total = i128::from(seconds) * i128::from(NANOS_PER_SECOND) + i128::from(nanos);
    Moment::utc(total).in_zone(&ZoneId::UTC)
}

/// Makes an instant in UTC from milliseconds since 1970.
pub fn from_epoch_millis(millis: i64) -> Result<DateTime, TemporalError> {
    Moment::utc(i128::from(millis) * 1_000_000).in_zone(&ZoneId::UTC)
}

fn parse(kind: Kind, text: &str, moment: &Moment) -> Result<Value, TemporalError> {
    Ok(match kind {
        Kind::Date => Date::parse(text)?.into(),
        Kind::LocalTime => LocalTime::parse(text)?.into(),
        Kind::Time => Time::parse(text, &ZoneId::Offset(moment.offset_in(&moment.zone)?))?.into(),
        Kind::LocalDateTime => LocalDateTime::parse(text)?.into(),
        Kind::DateTime => DateTime::parse(text, &moment.zone)?.into(),
    })
}

fn from_map(kind: Kind, map: &Map, moment: &Moment) -> Result<Value, TemporalError> {
    let fields = Fields::read(map)?;
    if fields.is_empty() {
        return Err(TemporalError::Empty);
    }
    fields.check_room(kind.room())?;
    if let (true, Some(zone)) = (fields.is_only_a_zone(), &fields.timezone) {
        return now(kind, &Moment { zone: zone.clone(), ..moment.clone() });
    }
    match kind {
        Kind::Date => Ok(fields.day(select_date(fields.date)?)?.into()),
        Kind::LocalTime => Ok(fields.clock(select_time(fields.time)?, Kept::NOTHING)?.into()),
        Kind::Time => time_from(&fields, moment).map(Value::from),
        Kind::LocalDateTime => {
            let date = fields.day(select_date(fields.date.or(fields.datetime))?)?;
            let time = fields.clock(select_time(fields.time.or(fields.datetime))?, Kept::NOTHING)?;
            Ok(LocalDateTime::from_parts(date, time).into())
        }
        Kind::DateTime => datetime_from(&fields, moment).map(Value::from),
    }
}

fn time_from(fields: &Fields<'_>, moment: &Moment) -> Result<Time, TemporalError> {
    let source = fields.time.and_then(Parts::of);
    let local = fields.clock(select_time(fields.time)?, Kept::NOTHING)?;
    let wanted = fields.timezone.as_ref().map(|zone| moment.offset_in(zone)).transpose()?;
    let here = moment.offset_in(&moment.zone)?;
    Ok(match (source.and_then(|parts| parts.offset), wanted) {
        // The source hangs at an offset: the same instant is shown at the other one.
        (Some(offset), Some(wanted)) => Time { nanos: local.nanos, offset_seconds: offset }.at_offset(wanted),
        (offset, wanted) => Time { nanos: local.nanos, offset_seconds: wanted.or(offset).unwrap_or(here) },
    })
}

fn datetime_from(fields: &Fields<'_>, moment: &Moment) -> Result<DateTime, TemporalError> {
    if let Some(instant) = epoch(fields)? {
        let local = instant.local();
        let date = fields.day(Some(local.date()))?;
        let time = fields.clock(Some(local.time()), Kept::NOTHING)?;
        let changed = DateTime::from_local(LocalDateTime::from_parts(date, time), &ZoneId::UTC, None)?;
        return changed.in_zone(fields.timezone.as_ref().unwrap_or(&moment.zone));
    }
    let timed = fields.time.or(fields.datetime);
    // The zone comes with the time, not with the day.
    let source = timed.and_then(Parts::of);
    let date = fields.day(select_date(fields.date.or(fields.datetime))?)?;
    let time = fields.clock(select_time(timed)?, Kept::NOTHING)?;
    let local = LocalDateTime::from_parts(date, time);
    let (zone, preferred) = match &source {
        Some(parts) => (parts.zone.clone(), parts.offset),
        None => (None, None),
    };
    match (zone, &fields.timezone) {
        // The source hangs in a zone: the same instant is shown in the other one.
        (Some(zone), Some(wanted)) => DateTime::from_local(local, &zone, preferred)?.in_zone(wanted),
        (Some(zone), None) => DateTime::from_local(local, &zone, preferred),
        (None, Some(wanted)) => DateTime::from_local(local, wanted, None),
        (None, None) => DateTime::from_local(local, &moment.zone, None),
    }
}

fn epoch(fields: &Fields<'_>) -> Result<Option<DateTime>, TemporalError> {
    match (fields.number(Field::EpochSeconds), fields.number(Field::EpochMillis)) {
        (Some(_), Some(_)) => Err(TemporalError::Conflict { field: "epochMillis", form: "epochSeconds" }),
        (Some(seconds), None) => from_epoch(seconds, 0).map(Some),
        (None, Some(millis)) => from_epoch_millis(millis).map(Some),
        (None, None) => Ok(None),
    }
}

pub(super) fn select_date(source: Option<&Value>) -> Result<Option<Date>, TemporalError> {
    let Some(value) = source else { return Ok(None) };
    let date = Parts::of(value).and_then(|parts| parts.date);
    date.map(Some).ok_or(TemporalError::WrongType { expected: "Date", found: value.type_name() })
}

fn select_time(source: Option<&Value>) -> Result<Option<LocalTime>, TemporalError> {
    let Some(value) = source else { return Ok(None) };
    let time = Parts::of(value).and_then(|parts| parts.time);
    time.map(Some).ok_or(TemporalError::WrongType { expected: "Time", found: value.type_name() })
}

/// What a moment of any type has: a day, a time, a zone.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    pub(super) date: Option<Date>,
    pub(super) time: Option<LocalTime>,
    pub(super) zone: Option<ZoneId>,
    /// The offset in use, where there is a zone.
    pub(super) offset: Option<i32>,
}

impl Parts {
    /// Takes a moment apart. `None` for values of other types.
    pub(super) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Date(date) => Self { date: Some(*date), ..Self::default() },
            Value::LocalTime(time) => Self { time: Some(*time), ..Self::default() },
            Value::Time(time) => Self {
                time: Some(time.local()),
                zone: Some(ZoneId::Offset(time.offset_seconds)),
                offset: Some(time.offset_seconds),
                ..Self::default()
            },
            Value::LocalDateTime(local) => {
                Self { date: Some(local.date()), time: Some(local.time()), ..Self::default() }
            }
            Value::DateTime(instant) => Self::of_instant(instant),
            _ => return None,
        })
    }

    fn of_instant(instant: &DateTime) -> Self {
        let local = instant.local();
        Self {
            date: Some(local.date()),
            time: Some(local.time()),
            zone: Some(instant.zone.id()),
            offset: Some(instant.zone.offset_seconds),
        }
    }

    /// Builds a value of `kind` from these parts; a missing time is midnight, a missing zone the moment's.
    pub(super) fn into_kind(self, kind: Kind, moment: &Moment) -> Result<Value, TemporalError> {
        let room = kind.room();
        let found = self.type_name();
        let missing = TemporalError::WrongType { expected: kind.name(), found };
        if room.date && self.date.is_none() || !room.date && self.time.is_none() {
            return Err(missing);
        }
        // One of the two is there: checked above.
        let date = self.date.unwrap_or(Date { days: 0 });
        let time = self.time.unwrap_or(LocalTime::MIDNIGHT);
        let zone = self.zone.as_ref().unwrap_or(&moment.zone);
        Ok(match kind {
            Kind::Date => date.into(),
            Kind::LocalTime => time.into(),
            Kind::Time => {
                let offset_seconds = match self.offset {
                    Some(offset) => offset,
                    None => moment.offset_in(zone)?,
                };
                Time { nanos: time.nanos, offset_seconds }.into()
            }
            Kind::LocalDateTime => LocalDateTime::from_parts(date, time).into(),
            Kind::DateTime => DateTime::from_local(LocalDateTime::from_parts(date, time), zone, self.offset)?.into(),
        })
    }

    fn type_name(&self) -> &'static str {
        match (self.date, self.time, &self.zone) {
            (Some(_), None, _) => "Date",
            (Some(_), Some(_), None) => "LocalDateTime",
            (Some(_), Some(_), Some(_)) => "DateTime",
            (None, _, None) => "LocalTime",
            (None, _, Some(_)) => "Time",
        }
    }
}

macro_rules! into_value {
    ($($kind:ident),*) => {$(
        impl From<$kind> for Value {
            fn from(value: $kind) -> Self {
                Self::$kind(value.into())
            }
        }
    )*};
}

into_value!(Date, LocalTime, Time, LocalDateTime, DateTime, Duration);
