//! `sum`, and the exact sums that `avg` shares.

use types::{Code, Duration, Failure, Value};

/// Floats added up with the rounding errors kept apart (Neumaier's method).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FloatSum {
    total: f64,
    lost: f64,
}

impl FloatSum {
    #[inline]
    pub(super) fn add(&mut self, float: f64) {
        let total = self.total + float;
        if total.is_finite() {
            // The smaller of the two lost its low bits.
            let (large, small) =
                if self.total.abs() >= float.abs() { (self.total, float) } else { (float, self.total) };
            self.lost += (large - total) + small;
        }
        self.total = total;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.add(other.total);
        self.lost += other.lost;
    }

    /// Gives the sum; infinity and NaN as plain addition gives them.
    pub(super) fn value(&self) -> f64 {
        if self.total.is_finite() { self.total + self.lost } else { self.total }
    }
}

const SECOND_NANOS: i128 = types::temporal::NANOS_PER_SECOND as i128;
const DAY_SECONDS: i128 = types::temporal::SECONDS_PER_DAY as i128;
const MONTH_SECONDS: i128 = types::temporal::SECONDS_PER_MONTH as i128;

/// Durations added up part by part.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DurationSum {
    months: i128,
    days: i128,
    seconds: i128,
    nanos: i128,
}

impl DurationSum {
    pub(super) fn add(&mut self, duration: &Duration) {
        self.months += i128::from(duration.months);
        self.days += i128::from(duration.days);
        self.seconds += i128::from(duration.seconds);
        self.nanos += i128::from(duration.nanos);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.months += other.months;
        self.days += other.days;
        self.seconds += other.seconds;
        self.nanos += other.nanos;
    }

    /// Gives the sum as one duration; `None` where a part does not fit.
    pub(super) fn value(&self) -> Option<Duration> {
        Some(Duration {
            months: i64::try_from(self.months).ok()?,
            days: i64::try_from(self.days).ok()?,
            seconds: i64::try_from(self.seconds + self.nanos.div_euclid(SECOND_NANOS)).ok()?,
            nanos: i32::try_from(self.nanos.rem_euclid(SECOND_NANOS)).ok()?,
        })
    }

    /// Gives the sum divided by a count; what months and days leave over goes into the smaller parts.
    pub(super) fn divided(&self, count: i128) -> Option<Duration> {
        let month_seconds = self.months % count * MONTH_SECONDS;
        let days = self.days + month_seconds / DAY_SECONDS;
        let seconds = days % count * DAY_SECONDS + month_seconds % DAY_SECONDS + self.seconds;
        let nanos = (seconds * SECOND_NANOS + self.nanos) / count;
        Self { months: self.months / count, days: days / count, seconds: 0, nanos }.value()
    }
}

/// What has been added up so far; the first value decides between numbers and durations.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Total {
    /// Nothing yet.
    #[default]
    Empty,
    /// Only integers.
    Integers(i128),
    /// Integers kept exact, and floats.
    Mixed(i128, FloatSum),
    /// Durations.
    Durations(DurationSum),
}

impl Total {
    /// Adds a value; null is skipped. `name` is the aggregate's, for the message.
    #[inline]
    pub(super) fn add(&mut self, value: &Value, name: &str) -> Result<bool, Failure> {
        match value {
            Value::Null => return Ok(false),
            Value::Integer(integer) => self.add_integer(i128::from(*integer), name)?,
            Value::Float(float) => self.floats(name)?.add(*float),
            Value::Duration(duration) => self.durations(name)?.add(duration),
            other => return Err(not_a_number(name, other)),
        }
        Ok(true)
    }

    /// Adds integers whose sum is known.
    #[inline]
    pub(super) fn add_integer(&mut self, integer: i128, name: &str) -> Result<(), Failure> {
        match self {
            Self::Empty => *self = Self::Integers(integer),
            Self::Integers(total) | Self::Mixed(total, _) => *total += integer,
            Self::Durations(_) => return Err(mixed(name)),
        }
        Ok(())
    }

    /// Gives the sum of floats to add to.
    pub(super) fn floats(&mut self, name: &str) -> Result<&mut FloatSum, Failure> {
        match self {
            Self::Empty => *self = Self::Mixed(0, FloatSum::default()),
            Self::Integers(total) => *self = Self::Mixed(*total, FloatSum::default()),
            Self::Mixed(..) | Self::Durations(_) => {}
        }
        match self {
            Self::Mixed(_, floats) => Ok(floats),
            _ => Err(mixed(name)),
        }
    }

    /// Gives the sum of durations to add to.
    fn durations(&mut self, name: &str) -> Result<&mut DurationSum, Failure> {
        if matches!(self, Self::Empty) {
            *self = Self::Durations(DurationSum::default());
        }
        match self {
            Self::Durations(durations) => Ok(durations),
            _ => Err(mixed(name)),
        }
    }

    /// Takes in what another total gathered.
    pub(super) fn merge(&mut self, other: &Self, name: &str) -> Result<(), Failure> {
        match other {
            Self::Empty => {}
            Self::Integers(total) => self.add_integer(*total, name)?,
            Self::Mixed(total, floats) => {
                self.floats(name)?.merge(floats);
                self.add_integer(*total, name)?;
            }
            Self::Durations(durations) => self.durations(name)?.merge(durations),
        }
        Ok(())
    }
}

/// `sum(x)`: 0 over nothing; an integer while only integers came.
#[derive(Clone, Debug, Default)]
pub struct Sum(Total);

const NAME: &str = "sum";

impl Sum {
    #[inline]
    pub(super) fn add(&mut self, value: &Value) -> Result<(), Failure> {
        self.0.add(value, NAME).map(drop)
    }

    pub(super) fn add_integers(&mut self, column: &[i64]) -> Result<(), Failure> {
        if column.is_empty() {
            return Ok(());
        }
        self.0.add_integer(exact_sum(column), NAME)
    }

    pub(super) fn add_floats(&mut self, column: &[f64]) -> Result<(), Failure> {
        if column.is_empty() {
            return Ok(());
        }
        let floats = self.0.floats(NAME)?;
        column.iter().for_each(|float| floats.add(*float));
        Ok(())
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<(), Failure> {
        self.0.merge(&other.0, NAME)
    }

    pub(super) fn result(&self) -> Result<Value, Failure> {
        Ok(match &self.0 {
            Total::Empty => Value::Integer(0),
            Total::Integers(total) => Value::Integer(i64::try_from(*total).map_err(|_| overflow())?),
            Total::Mixed(integers, floats) => {
                let mut sum = *floats;
                sum.add(*integers as f64);
                Value::Float(sum.value())
            }
            Total::Durations(durations) => Value::Duration(Box::new(durations.value().ok_or_else(overflow)?)),
        })
    }
}

/// Adds up a column without overflow.
pub(super) fn exact_sum(column: &[i64]) -> i128 {
    column.iter().map(|integer| i128::from(*integer)).sum()
}

#[cold]
fn overflow() -> Failure {
    Failure::new(Code::ArithmeticError, "long overflow: the sum does not fit")
}

#[cold]
fn mixed(name: &str) -> Failure {
    Failure::new(Code::TypeError, format!("{name}() cannot mix number and duration"))
}

#[cold]
fn not_a_number(name: &str, value: &Value) -> Failure {
    let shown = super::super::error::shown(value);
    Failure::new(Code::TypeError, format!("{name}({shown}) can only handle numerical values, duration, or null."))
}
