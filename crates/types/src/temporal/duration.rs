//! Durations: made from parts with fractions, added, multiplied, divided.

use super::error::TemporalError;
use super::fixed::Fixed;
use super::{Duration, NANOS_PER_SECOND, SECONDS_PER_DAY, SECONDS_PER_MONTH};
use crate::value::{Map, Value};

const OVERFLOW: TemporalError = TemporalError::Overflow { what: "Duration" };

impl Duration {
    /// Makes a duration; nanoseconds past a second, or negative ones, move into the seconds.
    pub fn new(months: i64, days: i64, seconds: i64, nanos: i64) -> Result<Self, TemporalError> {
        let seconds = seconds.checked_add(nanos.div_euclid(NANOS_PER_SECOND)).ok_or(OVERFLOW)?;
        let nanos = i32::try_from(nanos.rem_euclid(NANOS_PER_SECOND)).expect("nanoseconds of a second fit 32 bits");
        Ok(Self { months, days, seconds, nanos })
    }

    /// Makes a duration of seconds and their nanoseconds from a count of nanoseconds.
    pub(super) fn from_total_nanos(nanos: i128) -> Result<Self, TemporalError> {
        let second = i128::from(NANOS_PER_SECOND);
        let seconds = i64::try_from(nanos.div_euclid(second)).map_err(|_| OVERFLOW)?;
        let nanos = i32::try_from(nanos.rem_euclid(second)).expect("nanoseconds of a second fit 32 bits");
        Ok(Self { seconds, nanos, ..Self::default() })
    }

    /// Makes a duration from a map of `years`, `quarters`, `months`, `weeks`, `days`, `hours`, ..., `nanoseconds`.
    ///
    /// A fraction moves into the smaller parts: of a month as 30.436875 days, of a day as 24 hours.
    pub fn from_map(map: &Map) -> Result<Self, TemporalError> {
        if map.is_empty() {
            return Err(TemporalError::Empty);
        }
        let mut parts = Parts::default();
        for (name, value) in map {
            let unit = Unit::named(name).ok_or_else(|| TemporalError::NoSuchField { name: name.to_string() })?;
            let amount = match value {
                Value::Null => continue,
                Value::Integer(number) => Some(Fixed::from_integer(*number)),
                Value::Float(number) => Fixed::from_float(*number),
                other => {
                    return Err(TemporalError::FieldType {
                        field: unit.name(),
                        expected: "a number",
                        found: other.type_name(),
                    });
                }
            };
            parts.add(unit, amount.ok_or(OVERFLOW)?)?;
        }
        parts.finish()
    }

    /// Adds part by part.
    pub fn plus(&self, other: &Self) -> Result<Self, TemporalError> {
        Self::new(
            self.months.checked_add(other.months).ok_or(OVERFLOW)?,
            self.days.checked_add(other.days).ok_or(OVERFLOW)?,
            self.seconds.checked_add(other.seconds).ok_or(OVERFLOW)?,
            i64::from(self.nanos) + i64::from(other.nanos),
        )
    }

    /// Subtracts part by part.
    pub fn minus(&self, other: &Self) -> Result<Self, TemporalError> {
        Self::new(
            self.months.checked_sub(other.months).ok_or(OVERFLOW)?,
            self.days.checked_sub(other.days).ok_or(OVERFLOW)?,
            self.seconds.checked_sub(other.seconds).ok_or(OVERFLOW)?,
            i64::from(self.nanos) - i64::from(other.nanos),
        )
    }

    /// Turns the sign of every part.
    pub fn negate(&self) -> Result<Self, TemporalError> {
        Self::default().minus(self)
    }

    /// Multiplies by a whole number.
    pub fn times_integer(&self, factor: i64) -> Result<Self, TemporalError> {
        self.scaled(|part| Fixed::from_integer(part).times(factor))
    }

    /// Multiplies by a float; fractions move into the smaller parts.
    pub fn times_float(&self, factor: f64) -> Result<Self, TemporalError> {
        let factor = Fixed::from_float(factor).ok_or(OVERFLOW)?;
        self.scaled(|part| factor.times(part))
    }

    /// Divides by a whole number; fractions move into the smaller parts.
    pub fn divided_by_integer(&self, divisor: i64) -> Result<Self, TemporalError> {
        self.scaled(|part| Fixed::from_integer(divisor).divide(part))
    }

    /// Divides by a float; fractions move into the smaller parts.
    pub fn divided_by_float(&self, divisor: f64) -> Result<Self, TemporalError> {
        let divisor = Fixed::from_float(divisor).ok_or(OVERFLOW)?;
        self.scaled(|part| divisor.divide(part))
    }

    /// Applies one factor to every part; `None` from `scale` means that a part does not fit.
    fn scaled(&self, scale: impl Fn(i64) -> Option<Fixed>) -> Result<Self, TemporalError> {
        Parts {
            months: scale(self.months).ok_or(OVERFLOW)?,
            days: scale(self.days).ok_or(OVERFLOW)?,
            seconds: scale(self.seconds).ok_or(OVERFLOW)?,
            nanos: scale(i64::from(self.nanos)).ok_or(OVERFLOW)?,
        }
        .finish()
    }
}

/// A unit in which a duration can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Years,
    Quarters,
    Months,
    Weeks,
    Days,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Unit {
    const ALL: [Self; 11] = [
        Self::Years,
        Self::Quarters,
        Self::Months,
        Self::Weeks,
        Self::Days,
        Self::Hours,
        Self::Minutes,
        Self::Seconds,
        Self::Milliseconds,
        Self::Microseconds,
        Self::Nanoseconds,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Years => "years",
            Self::Quarters => "quarters",
            Self::Months => "months",
            Self::Weeks => "weeks",
            Self::Days => "days",
            Self::Hours => "hours",
            Self::Minutes => "minutes",
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Microseconds => "microseconds",
            Self::Nanoseconds => "nanoseconds",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.name().eq_ignore_ascii_case(name))
    }
}

/// The four parts while they may still have fractions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    months: Fixed,
    days: Fixed,
    seconds: Fixed,
    nanos: Fixed,
}

impl Parts {
    pub(super) fn add(&mut self, unit: Unit, amount: Fixed) -> Result<(), TemporalError> {
        let (part, factor) = match unit {
            Unit::Years => (&mut self.months, 12),
            Unit::Quarters => (&mut self.months, 3),
            Unit::Months => (&mut self.months, 1),
            Unit::Weeks => (&mut self.days, 7),
            Unit::Days => (&mut self.days, 1),
            Unit::Hours => (&mut self.seconds, 3_600),
            Unit::Minutes => (&mut self.seconds, 60),
            Unit::Seconds => (&mut self.seconds, 1),
            Unit::Milliseconds => (&mut self.nanos, 1_000_000),
            Unit::Microseconds => (&mut self.nanos, 1_000),
            Unit::Nanoseconds => (&mut self.nanos, 1),
        };
        *part = amount.times(factor).and_then(|scaled| part.add(scaled)).ok_or(OVERFLOW)?;
        Ok(())
    }

    /// Turns the sign of every part.
    pub(super) fn negate(self) -> Self {
        Self {
            months: self.months.negate(),
            days: self.days.negate(),
            seconds: self.seconds.negate(),
            nanos: self.nanos.negate(),
        }
    }

    /// Carries fractions downwards: months to days, days to seconds, seconds to nanoseconds.
    pub(super) fn finish(self) -> Result<Duration, TemporalError> {
        let (months, days, seconds, nanos) = self.carry().ok_or(OVERFLOW)?;
        Duration::new(months, days, seconds, nanos)
    }

    fn carry(self) -> Option<(i64, i64, i64, i64)> {
        let (months, of_month) = self.months.split()?;
        let (days, of_day) = self.days.split()?;
        // In seconds, so that nothing is rounded: 2,629,746 make the average month.
        let (whole, of_second) = of_month.times(SECONDS_PER_MONTH)?.add(of_day.times(SECONDS_PER_DAY)?)?.split()?;
        let (days, rest) = one_sign(days.checked_add(whole / SECONDS_PER_DAY)?, whole % SECONDS_PER_DAY);
        let (seconds, of_second) = self.seconds.add(Fixed::from_integer(rest))?.add(of_second)?.split()?;
        let (nanos, _) = of_second.times(NANOS_PER_SECOND)?.add(self.nanos)?.split()?;
        Some((months, days, seconds, nanos))
    }
}

/// Moves a day between the two, so that days and the seconds left over agree in sign.
fn one_sign(days: i64, seconds: i64) -> (i64, i64) {
    match (days.signum(), seconds.signum()) {
        (1, -1) => (days - 1, seconds + SECONDS_PER_DAY),
        (-1, 1) => (days + 1, seconds - SECONDS_PER_DAY),
        _ => (days, seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, f64)]) -> Map {
        entries.iter().map(|(name, amount)| ((*name).into(), Value::Float(*amount))).collect()
    }

    fn check(entries: &[(&str, f64)], expected: &str) {
        assert_eq!(Duration::from_map(&map(entries)).expect("a duration").to_string(), expected);
    }

    #[test]
    fn fractions_move_into_smaller_parts() {
        check(&[("months", 0.75)], "P22DT19H51M49.5S");
        check(&[("weeks", 2.5)], "P17DT12H");
        check(&[("quarters", 1.5)], "P4M15DT5H14M33S");
        check(&[("days", 14.0), ("seconds", 70.0), ("microseconds", 1.0)], "P14DT1M10.000001S");
        check(&[("days", 20.0), ("months", -0.5)], "P4DT18H45M27S");
        check(&[("nanoseconds", 1.9)], "PT0.000000001S");
        check(&[("hours", -0.5)], "PT-30M");
    }

    #[test]
    fn products_and_quotients_carry_too() {
        let duration = Duration::new(149, 14, 58_390, 1).expect("a duration");
        assert_eq!(duration.times_float(0.5), duration.divided_by_integer(2));
        assert_eq!(duration.divided_by_float(0.5), duration.times_integer(2));
        assert_eq!(duration.times_float(0.5).expect("half").to_string(), "P6Y2M22DT13H21M8S");
        assert_eq!(duration.minus(&duration), Ok(Duration::default()));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let long = Duration::new(i64::MAX, i64::MAX, i64::MAX, 0).expect("a duration");
        assert!(long.plus(&long).is_err());
        assert!(long.times_integer(2).is_err());
        assert!(long.times_float(f64::NAN).is_err());
        assert!(long.divided_by_integer(0).is_err());
        assert!(long.divided_by_float(0.1).is_err());
        assert_eq!(long.divided_by_integer(1), Ok(long));
        assert!(Duration::from_map(&map(&[("eons", 1.0)])).is_err());
        assert!(Duration::from_map(&map(&[])).is_err());
    }
}
