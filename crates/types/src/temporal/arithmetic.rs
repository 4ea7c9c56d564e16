//! Moments plus and minus durations.

use super::error::TemporalError;
use super::{Date, DateTime, Duration, LocalDateTime, LocalTime, NANOS_PER_SECOND, SECONDS_PER_DAY, Time};
use crate::value::Value;

/// Adds a duration to a moment. `None` where `moment` is no moment.
pub fn plus(moment: &Value, duration: &Duration) -> Option<Result<Value, TemporalError>> {
    Some(match moment {
        Value::Date(date) => date.plus(duration).map(Value::from),
        Value::LocalTime(time) => Ok(time.plus(duration).into()),
        Value::Time(time) => Ok(time.plus(duration).into()),
        Value::LocalDateTime(local) => local.plus(duration).map(Value::from),
        Value::DateTime(instant) => instant.plus(duration).map(Value::from),
        _ => return None,
    })
}

/// Subtracts a duration from a moment. `None` where `moment` is no moment.
pub fn minus(moment: &Value, duration: &Duration) -> Option<Result<Value, TemporalError>> {
    match duration.negate() {
        Ok(negated) => plus(moment, &negated),
        Err(error) => Some(Err(error)),
    }
}

impl Duration {
    /// Gives the seconds and their fraction as nanoseconds.
    pub(super) fn clock_nanos(&self) -> i128 {
        i128::from(self.seconds) * i128::from(NANOS_PER_SECOND) + i128::from(self.nanos)
    }
}

impl Date {
    /// Adds months, then days, then the whole days among the seconds.
    pub fn plus(self, duration: &Duration) -> Result<Self, TemporalError> {
        let clock_days = duration.clock_nanos() / (i128::from(SECONDS_PER_DAY) * i128::from(NANOS_PER_SECOND));
        let clock_days = i64::try_from(clock_days).expect("64-bit seconds make fewer days");
        self.plus_months(duration.months)?.plus_days(duration.days)?.plus_days(clock_days)
    }
}

impl LocalTime {
    /// Adds seconds and their fraction, going round midnight; days and months do not matter.
    #[must_use]
    pub fn plus(self, duration: &Duration) -> Self {
        self.plus_nanos(duration.clock_nanos())
    }
}

impl Time {
    /// Adds seconds and their fraction, going round midnight; days and months do not matter.
    #[must_use]
    pub fn plus(self, duration: &Duration) -> Self {
        Self { nanos: self.local().plus(duration).nanos, ..self }
    }
}

impl LocalDateTime {
    /// Adds months, then days, then seconds.
    pub fn plus(self, duration: &Duration) -> Result<Self, TemporalError> {
        let moved = self.plus_date_parts(duration)?;
        Self::from_total_nanos(moved.total_nanos() + duration.clock_nanos())
    }

    /// Adds months, then days; the time of day stays.
    pub(super) fn plus_date_parts(self, duration: &Duration) -> Result<Self, TemporalError> {
        let date = self.date().plus_months(duration.months)?.plus_days(duration.days)?;
        Ok(Self::from_parts(date, self.time()))
    }
}

impl DateTime {
    /// Adds months and days on the wall clock, then seconds on the time line.
    pub fn plus(&self, duration: &Duration) -> Result<Self, TemporalError> {
        let zone = self.zone.id();
        let moved = if duration.months == 0 && duration.days == 0 {
            self.clone()
        } else {
            let local = self.local().plus_date_parts(duration)?;
            Self::from_local(local, &zone, Some(self.zone.offset_seconds))?
        };
        let total = moved.total_nanos() + duration.clock_nanos();
        let instant = LocalDateTime::from_total_nanos(total)?;
        Self::at(instant.seconds, instant.nanos, &zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporal::{Kind, Moment, make};

    fn check(kind: Kind, moment: &str, duration: &str, sum: &str, difference: &str) {
        let moment = make(kind, &Value::from(moment), &Moment::utc(0)).expect("a moment");
        let duration = Duration::parse(duration).expect("a duration");
        let read = |text| make(kind, &Value::from(text), &Moment::utc(0)).expect("a moment");
        assert_eq!(plus(&moment, &duration), Some(Ok(read(sum))), "sum");
        assert_eq!(minus(&moment, &duration), Some(Ok(read(difference))), "difference");
    }

    #[test]
    fn a_date_takes_whole_days_of_the_seconds() {
        check(Kind::Date, "2016-01-31", "P1MT47H", "2016-03-01", "2015-12-30");
        check(Kind::Date, "2016-01-31", "PT-1H", "2016-01-31", "2016-01-31");
    }

    #[test]
    fn times_go_round_midnight() {
        check(Kind::LocalTime, "23:30", "P5DT1H", "00:30", "22:30");
        check(Kind::Time, "00:30+01:00", "PT-1.5S", "00:29:58.5+01:00", "00:30:01.5+01:00");
    }

    #[test]
    fn a_day_is_on_the_wall_and_an_hour_on_the_time_line() {
        let before = "2017-10-28T12:00[Europe/Stockholm]";
        check(
            Kind::DateTime,
            before,
            "P1D",
            "2017-10-29T12:00[Europe/Stockholm]",
            "2017-10-27T12:00[Europe/Stockholm]",
        );
        check(
            Kind::DateTime,
            before,
            "PT24H",
            "2017-10-29T11:00[Europe/Stockholm]",
            "2017-10-27T12:00[Europe/Stockholm]",
        );
        check(Kind::LocalDateTime, "2016-02-29T00:00", "P1YT1S", "2017-02-28T00:00:01", "2015-02-27T23:59:59");
    }

    #[test]
    fn only_moments_can_be_moved() {
        assert_eq!(plus(&Value::Integer(1), &Duration::default()), None);
        let end = Value::from(Date::MAX);
        assert!(plus(&end, &Duration::parse("P1D").expect("a duration")).is_some_and(|sum| sum.is_err()));
    }
}
