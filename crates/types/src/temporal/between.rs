//! The duration from one moment to another.

use super::error::TemporalError;
use super::make::Parts;
use super::{Date, DateTime, Duration, LocalDateTime, LocalTime, ZoneId};
use crate::value::Value;

/// Gives months, days and seconds from one moment to another; null where either is null.
///
/// A moment without a day takes the other's, one without a zone the other's; one without a time is at midnight.
pub fn between(from: &Value, to: &Value) -> Result<Value, TemporalError> {
    with_both(from, to, |from, to, dated| {
        if !dated {
            return Duration::from_total_nanos(to.total_nanos() - from.total_nanos());
        }
        let months = from.months_until(&to)?;
        let from = from.plus(&Duration { months, ..Duration::default() })?;
        let days = from.days_until(&to)?;
        let from = from.plus(&Duration { days, ..Duration::default() })?;
        let rest = Duration::from_total_nanos(to.total_nanos() - from.total_nanos())?;
        Ok(Duration { months, days, ..rest })
    })
}

/// Gives the whole months from one moment to another; null where either is null.
pub fn in_months(from: &Value, to: &Value) -> Result<Value, TemporalError> {
    with_both(from, to, |from, to, _| Ok(Duration { months: from.months_until(&to)?, ..Duration::default() }))
}

/// Gives the whole days from one moment to another; null where either is null.
pub fn in_days(from: &Value, to: &Value) -> Result<Value, TemporalError> {
    with_both(from, to, |from, to, _| Ok(Duration { days: from.days_until(&to)?, ..Duration::default() }))
}

/// Gives the seconds from one moment to another; null where either is null.
pub fn in_seconds(from: &Value, to: &Value) -> Result<Value, TemporalError> {
    with_both(from, to, |from, to, _| Duration::from_total_nanos(to.total_nanos() - from.total_nanos()))
}

/// Brings both moments to one form. The last argument of `measure` tells whether both have a day of their own.
fn with_both(
    from: &Value,
    to: &Value,
    measure: impl FnOnce(Wall, Wall, bool) -> Result<Duration, TemporalError>,
) -> Result<Value, TemporalError> {
    if from.is_null() || to.is_null() {
        return Ok(Value::Null);
    }
    let parts = |value: &Value| {
        Parts::of(value).ok_or(TemporalError::WrongType { expected: "Duration", found: value.type_name() })
    };
    let (first, second) = (parts(from)?, parts(to)?);
    let dated = first.date.is_some() && second.date.is_some();
    // Two times of day meet on any day.
    let any_day = Date { days: 0 };
    let start = Wall::of(&first, second.date.unwrap_or(any_day), second.zone.as_ref())?;
    let end = Wall::of(&second, first.date.unwrap_or(any_day), first.zone.as_ref())?;
    let end = start.same_zone(end)?;
    measure(start, end, dated).map(Value::from)
}

/// A moment with a day and a time, in a zone where one of the two moments has one.
#[derive(Clone, Debug)]
enum Wall {
    Local(LocalDateTime),
    Zoned(DateTime),
}

impl Wall {
    fn of(parts: &Parts, other_date: Date, other_zone: Option<&ZoneId>) -> Result<Self, TemporalError> {
        let date = parts.date.unwrap_or(other_date);
        let local = LocalDateTime::from_parts(date, parts.time.unwrap_or(LocalTime::MIDNIGHT));
        match parts.zone.as_ref().or(other_zone) {
            Some(zone) => DateTime::from_local(local, zone, parts.offset).map(Self::Zoned),
            None => Ok(Self::Local(local)),
        }
    }

    /// Shows `other` in this moment's zone.
    fn same_zone(&self, other: Self) -> Result<Self, TemporalError> {
        match (self, other) {
            (Self::Zoned(this), Self::Zoned(other)) => other.in_zone(&this.zone.id()).map(Self::Zoned),
            (_, other) => Ok(other),
        }
    }

    fn local(&self) -> LocalDateTime {
        match self {
            Self::Local(local) => *local,
            Self::Zoned(instant) => instant.local(),
        }
    }

    fn total_nanos(&self) -> i128 {
        match self {
            Self::Local(local) => local.total_nanos(),
            Self::Zoned(instant) => instant.total_nanos(),
        }
    }

    fn plus(&self, duration: &Duration) -> Result<Self, TemporalError> {
        match self {
            Self::Local(local) => local.plus(duration).map(Self::Local),
            Self::Zoned(instant) => instant.plus(duration).map(Self::Zoned),
        }
    }

    /// Counts whole months on the wall clocks, towards zero.
    fn months_until(&self, other: &Self) -> Result<i64, TemporalError> {
        let (from, to) = (self.local(), self.end_date(other)?);
        let month = |date: Date| date.civil().year * 12 + date.civil().month;
        let (start, end) = (from.date(), to);
        let months = month(end) - month(start);
        let day = end.civil().day.cmp(&start.civil().day);
        Ok(match (months.signum(), day) {
            (1, std::cmp::Ordering::Less) => months - 1,
            (-1, std::cmp::Ordering::Greater) => months + 1,
            _ => months,
        })
    }

    /// Counts whole days on the wall clocks, towards zero.
    fn days_until(&self, other: &Self) -> Result<i64, TemporalError> {
        Ok(self.end_date(other)?.days - self.local().date().days)
    }

    /// Gives the day of `other`, less the day that is begun and not ended when seen from here.
    fn end_date(&self, other: &Self) -> Result<Date, TemporalError> {
        let (from, to) = (self.local(), other.local());
        let date = to.date();
        if date > from.date() && to.time() < from.time() {
            date.plus_days(-1)
        } else if date < from.date() && to.time() > from.time() {
            date.plus_days(1)
        } else {
            Ok(date)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporal::{Kind, Moment, make};

    type Measure = fn(&Value, &Value) -> Result<Value, TemporalError>;

    fn moment(text: &str) -> Value {
        let kind = match (text.contains('-') && text.len() > 6, text.contains(':'), text.contains(['+', 'Z', '['])) {
            (true, false, _) => Kind::Date,
            (true, true, false) => Kind::LocalDateTime,
            (true, true, true) => Kind::DateTime,
            (false, _, false) => Kind::LocalTime,
            (false, _, true) => Kind::Time,
        };
        make(kind, &Value::from(text), &Moment::utc(0)).expect("a moment")
    }

    fn check(measure: Measure, from: &str, to: &str, expected: &str) {
        match measure(&moment(from), &moment(to)) {
            Ok(Value::Duration(found)) => assert_eq!(found.to_string(), expected, "{from} to {to}"),
            other => panic!("{from} to {to}: {other:?}"),
        }
    }

    #[test]
    fn counts_months_then_days_then_seconds() {
        check(between, "2000-01-31", "2001-03-01", "P1Y1M1D");
        check(between, "2001-03-01", "2000-01-31", "P-1Y-1M-1D");
        check(between, "2000-01-01", "2000-02-01T12:00:00.5", "P1MT12H0.5S");
        check(between, "2000-01-02T10:00", "2000-01-01T12:00", "PT-22H");
    }

    #[test]
    fn a_time_meets_a_moment_on_its_day() {
        check(between, "14:30", "2000-01-01", "PT-14H-30M");
        check(between, "14:30Z", "16:30+01:00", "PT1H");
        check(between, "2000-01-01T01:00", "00:59", "PT-1M");
        check(in_months, "14:30", "2000-01-01", "PT0S");
        check(in_days, "2000-01-01T10:00", "11:00", "PT0S");
    }

    #[test]
    fn whole_units_round_to_zero() {
        check(in_days, "2000-01-01T10:00", "2000-01-03T09:59", "P1D");
        check(in_days, "2000-01-03T09:59", "2000-01-01T10:00", "P-1D");
        check(in_months, "2000-03-31", "2000-02-29", "P-1M");
        check(in_months, "2000-01-15", "1999-12-16", "PT0S");
        check(in_seconds, "2000-01-01T10:00:00.1", "2000-01-01T10:00:00.05", "PT-0.05S");
    }

    #[test]
    fn changes_of_the_clocks_count_in_seconds_only() {
        check(in_seconds, "2017-10-29T00:00[Europe/Stockholm]", "2017-10-30", "PT25H");
        check(between, "2017-10-29T00:00[Europe/Stockholm]", "2017-10-30", "P1D");
        check(in_seconds, "2017-03-26", "2017-03-26T04:00[Europe/Stockholm]", "PT3H");
    }

    #[test]
    fn reaches_from_the_first_year_to_the_last() {
        check(in_seconds, "-999999999-01-01", "+999999999-12-31", "PT17531639991192H");
        assert_eq!(between(&Value::Null, &moment("2000-01-01")), Ok(Value::Null));
        assert!(between(&Value::Integer(1), &moment("2000-01-01")).is_err());
    }
}
