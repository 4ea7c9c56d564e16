//! Times of day, and a day with its time.

use super::error::{TemporalError, in_range};
use super::{Date, LocalDateTime, LocalTime, NANOS_PER_DAY, NANOS_PER_SECOND, SECONDS_PER_DAY, Time};

impl LocalTime {
    /// The first time of a day.
    pub const MIDNIGHT: Self = Self { nanos: 0 };

    /// Makes a time from hour, minute, second and nanosecond of the second.
    pub fn from_parts(hour: i64, minute: i64, second: i64, nanosecond: i64) -> Result<Self, TemporalError> {
        in_range("HourOfDay", hour, 0, 23)?;
        in_range("MinuteOfHour", minute, 0, 59)?;
        in_range("SecondOfMinute", second, 0, 59)?;
        in_range("NanoOfSecond", nanosecond, 0, NANOS_PER_SECOND - 1)?;
        Ok(Self { nanos: ((hour * 60 + minute) * 60 + second) * NANOS_PER_SECOND + nanosecond })
    }

    /// Makes a time from nanoseconds since midnight.
    pub fn from_nanos(nanos: i64) -> Result<Self, TemporalError> {
        Ok(Self { nanos: in_range("NanoOfDay", nanos, 0, NANOS_PER_DAY - 1)? })
    }

    /// Gives the hour, 0 to 23.
    #[must_use]
    pub fn hour(self) -> i64 {
        self.nanos / (3_600 * NANOS_PER_SECOND)
    }

    /// Gives the minute of the hour.
    #[must_use]
    pub fn minute(self) -> i64 {
        self.nanos / (60 * NANOS_PER_SECOND) % 60
    }

    /// Gives the second of the minute.
    #[must_use]
    pub fn second(self) -> i64 {
        self.nanos / NANOS_PER_SECOND % 60
    }

    /// Gives the nanosecond of the second.
    #[must_use]
    pub fn nanosecond(self) -> i64 {
        self.nanos % NANOS_PER_SECOND
    }

    /// Adds nanoseconds, going round midnight.
    #[must_use]
    pub(super) fn plus_nanos(self, nanos: i128) -> Self {
        let day = i128::from(NANOS_PER_DAY);
        let sum = (i128::from(self.nanos) + nanos).rem_euclid(day);
        Self { nanos: i64::try_from(sum).expect("a remainder of a day's nanoseconds fits 64 bits") }
    }
}

impl Time {
    /// Gives the time of day on the wall.
    #[must_use]
    pub fn local(self) -> LocalTime {
        LocalTime { nanos: self.nanos }
    }

    /// Gives the nanoseconds since midnight in UTC, which may lie outside one day.
    #[must_use]
    pub fn utc_nanos(self) -> i64 {
        self.nanos - i64::from(self.offset_seconds) * NANOS_PER_SECOND
    }

    /// Shows the same instant at another offset.
    #[must_use]
    pub(super) fn at_offset(self, offset_seconds: i32) -> Self {
        let nanos = (self.utc_nanos() + i64::from(offset_seconds) * NANOS_PER_SECOND).rem_euclid(NANOS_PER_DAY);
        Self { nanos, offset_seconds }
    }
}

impl LocalDateTime {
    /// Joins a day and a time of day.
    #[must_use]
    pub fn from_parts(date: Date, time: LocalTime) -> Self {
        let nanos = u32::try_from(time.nanosecond()).expect("nanoseconds of a second fit 32 bits");
        Self { seconds: date.days * SECONDS_PER_DAY + time.nanos / NANOS_PER_SECOND, nanos }
    }

    /// Makes a value from wall-clock seconds since 1970-01-01T00:00:00, within the years we hold.
    pub fn from_seconds(seconds: i64, nanos: u32) -> Result<Self, TemporalError> {
        in_range("NanoOfSecond", i64::from(nanos), 0, NANOS_PER_SECOND - 1)?;
        Date::from_days(seconds.div_euclid(SECONDS_PER_DAY))?;
        Ok(Self { seconds, nanos })
    }

    /// Gives the day.
    #[must_use]
    pub fn date(self) -> Date {
        Date { days: self.seconds.div_euclid(SECONDS_PER_DAY) }
    }

    /// Gives the time of day.
    #[must_use]
    pub fn time(self) -> LocalTime {
        LocalTime { nanos: self.seconds.rem_euclid(SECONDS_PER_DAY) * NANOS_PER_SECOND + i64::from(self.nanos) }
    }

    /// Gives the wall clock's nanoseconds since 1970-01-01T00:00:00.
    #[must_use]
    pub fn total_nanos(self) -> i128 {
        i128::from(self.seconds) * i128::from(NANOS_PER_SECOND) + i128::from(self.nanos)
    }

    /// Makes a value from the wall clock's nanoseconds since 1970-01-01T00:00:00.
    pub fn from_total_nanos(nanos: i128) -> Result<Self, TemporalError> {
        let (seconds, nanos) = split_nanos(nanos)?;
        Self::from_seconds(seconds, nanos)
    }
}

/// Splits nanoseconds into whole seconds, rounded down, and the rest.
pub(super) fn split_nanos(nanos: i128) -> Result<(i64, u32), TemporalError> {
    let second = i128::from(NANOS_PER_SECOND);
    let seconds = i64::try_from(nanos.div_euclid(second)).map_err(|_| TemporalError::Overflow { what: "DateTime" })?;
    let rest = u32::try_from(nanos.rem_euclid(second)).expect("nanoseconds of a second fit 32 bits");
    Ok((seconds, rest))
}
