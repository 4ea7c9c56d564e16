//! Orders of times, instants and durations; each agrees with equality.

use std::cmp::Ordering;

use super::{DateTime, Duration, NANOS_PER_SECOND, SECONDS_PER_DAY, SECONDS_PER_MONTH, Time};

/// By instant, then by offset.
impl Ord for Time {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.utc_nanos(), self.offset_seconds).cmp(&(other.utc_nanos(), other.offset_seconds))
    }
}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By instant, then by offset, then by the zone's name.
impl Ord for DateTime {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.seconds, self.nanos, self.zone.offset_seconds, &self.zone.name).cmp(&(
            other.seconds,
            other.nanos,
            other.zone.offset_seconds,
            &other.zone.name,
        ))
    }
}

impl PartialOrd for DateTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Duration {
    /// Orders for `ORDER BY`: by length with average months, then by the larger parts.
    ///
    /// Cypher's `<` has no answer for durations, so this is not `Ord`.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        (self.average_nanos(), self.months, self.days).cmp(&(other.average_nanos(), other.months, other.days))
    }

    fn average_nanos(&self) -> i128 {
        let seconds = i128::from(self.months) * i128::from(SECONDS_PER_MONTH)
            + i128::from(self.days) * i128::from(SECONDS_PER_DAY)
            + i128::from(self.seconds);
        seconds * i128::from(NANOS_PER_SECOND) + i128::from(self.nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporal::{Kind, Moment, make};
    use crate::value::Value;

    fn datetime(text: &str) -> DateTime {
        match make(Kind::DateTime, &Value::from(text), &Moment::utc(0)) {
            Ok(Value::DateTime(value)) => *value,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn instants_come_before_zones() {
        assert!(datetime("2015-01-01T10:00+05:00") < datetime("2015-01-01T06:00Z"));
        let equal_instants = [datetime("2015-01-01T10:00+01:00"), datetime("2015-01-01T09:00Z")];
        assert!(equal_instants[0] > equal_instants[1]);
        assert_ne!(equal_instants[0], equal_instants[1]);
    }

    #[test]
    fn a_month_is_longer_than_thirty_days_and_shorter_than_thirty_one() {
        let days = |days| Duration { days, ..Duration::default() };
        let month = Duration { months: 1, ..Duration::default() };
        assert_eq!(month.order(&days(30)), Ordering::Greater);
        assert_eq!(month.order(&days(31)), Ordering::Less);
        assert_eq!(days(1).order(&Duration { seconds: SECONDS_PER_DAY, ..Duration::default() }), Ordering::Greater);
    }
}
