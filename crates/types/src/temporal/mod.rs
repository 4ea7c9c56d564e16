//! Dates, times and durations, years -999,999,999 to 999,999,999.
//! Zones by name come from `jiff`; the calendar is our own, because no crate reaches those years.
//! Start reading at [`Date`], and at [`make`] for what the functions of Cypher do.

mod arithmetic;
mod between;
mod calendar;
mod clock_time;
mod component;
mod duration;
mod error;
mod fields;
mod fixed;
mod format;
mod make;
mod order;
mod parse;
mod parse_duration;
mod truncate;
mod zone;

use compact_str::CompactString;

pub use arithmetic::{minus, plus};
pub use between::{between, in_days, in_months, in_seconds};
pub use calendar::{Civil, WeekDate, is_leap_year};
pub use component::component;
pub use error::TemporalError;
pub use make::{Kind, Moment, from_epoch, from_epoch_millis, make, make_duration, now};
pub use truncate::truncate;
pub use zone::ZoneId;

/// The first year that a date can have.
pub const YEAR_MIN: i64 = -999_999_999;
/// The last year that a date can have.
pub const YEAR_MAX: i64 = 999_999_999;
/// Nanoseconds of a second.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// Seconds of a day without a change of the clocks.
pub const SECONDS_PER_DAY: i64 = 86_400;
/// Nanoseconds of a day without a change of the clocks.
pub const NANOS_PER_DAY: i64 = SECONDS_PER_DAY * NANOS_PER_SECOND;
/// Seconds of the average month: 30.436875 days, a twelfth of 365.2425.
pub const SECONDS_PER_MONTH: i64 = 2_629_746;

/// A calendar day (proleptic Gregorian).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date {
    /// Days since 1970-01-01.
    pub days: i64,
}

/// A time of day without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalTime {
    /// Nanoseconds since midnight.
    pub nanos: i64,
}

/// A time of day at an offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Time {
    /// Nanoseconds since local midnight.
    pub nanos: i64,
    /// Seconds east of UTC.
    pub offset_seconds: i32,
}

/// A day and a time of day without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalDateTime {
    /// Seconds of the wall clock since 1970-01-01T00:00:00, as if it were UTC.
    pub seconds: i64,
    /// Nanoseconds within the second, 0 to 999,999,999.
    pub nanos: u32,
}

/// An instant, and the zone in which it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds within the second, 0 to 999,999,999.
    pub nanos: u32,
    /// Where its wall clock hangs.
    pub zone: Zone,
}

/// An offset from UTC, with the name of the zone where there is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Zone {
    /// Seconds east of UTC at this instant.
    pub offset_seconds: i32,
    /// The IANA name, for a zone given by name.
    pub name: Option<CompactString>,
}

/// A length of time whose parts are kept apart, as Cypher asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Duration {
    /// Whole months; 12 are a year.
    pub months: i64,
    /// Whole days; not always 24 hours.
    pub days: i64,
    /// Whole seconds.
    pub seconds: i64,
    /// Nanoseconds within the second, 0 to 999,999,999.
    pub nanos: i32,
}
