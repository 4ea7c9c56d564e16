//! Count, sum, average, minimum and maximum without a virtual call, for columns of numbers.

use types::{Failure, Value};

use super::average::Average;
use super::extreme::Extreme;
use super::sum::Sum;
use super::{Accumulator, AggregateKind};

/// An aggregate that takes whole columns of integers or floats in.
#[derive(Clone, Debug)]
pub enum Fast {
    /// Counts values that are not null.
    Count(u64),
    /// Adds up.
    Sum(Sum),
    /// Averages.
    Avg(Average),
    /// Keeps the smallest.
    Min(Extreme),
    /// Keeps the largest.
    Max(Extreme),
}

impl Fast {
    /// Makes an empty one; `None` for the kinds that have no fast form.
    #[must_use]
    pub fn new(kind: AggregateKind) -> Option<Self> {
        Some(match kind {
            AggregateKind::Count => Self::Count(0),
            AggregateKind::Sum => Self::Sum(Sum::default()),
            AggregateKind::Avg => Self::Avg(Average::default()),
            AggregateKind::Min => Self::Min(Extreme::smallest()),
            AggregateKind::Max => Self::Max(Extreme::largest()),
            AggregateKind::Collect
            | AggregateKind::StDev
            | AggregateKind::StDevP
            | AggregateKind::PercentileCont
            | AggregateKind::PercentileDisc => return None,
        })
    }

    /// Takes one value in; null is skipped.
    #[inline]
    pub fn update_value(&mut self, value: &Value) -> Result<(), Failure> {
        match self {
            Self::Count(count) => *count += u64::from(!value.is_null()),
            Self::Sum(sum) => sum.add(value)?,
            Self::Avg(average) => average.add(value)?,
            Self::Min(extreme) | Self::Max(extreme) => extreme.offer(value),
        }
        Ok(())
    }

    /// Takes a column of integers in.
    pub fn update_integers(&mut self, column: &[i64]) -> Result<(), Failure> {
        match self {
            Self::Count(count) => *count += column.len() as u64,
            Self::Sum(sum) => sum.add_integers(column)?,
            Self::Avg(average) => average.add_integers(column)?,
            Self::Min(extreme) => {
                if let Some(least) = column.iter().min() {
                    extreme.offer(&Value::Integer(*least));
                }
            }
            Self::Max(extreme) => {
                if let Some(most) = column.iter().max() {
                    extreme.offer(&Value::Integer(*most));
                }
            }
        }
        Ok(())
    }

    /// Takes a column of floats in.
    pub fn update_floats(&mut self, column: &[f64]) -> Result<(), Failure> {
        let by_order = |a: &&f64, b: &&f64| types::compare::total_floats(**a, **b);
        match self {
            Self::Count(count) => *count += column.len() as u64,
            Self::Sum(sum) => sum.add_floats(column)?,
            Self::Avg(average) => average.add_floats(column)?,
            Self::Min(extreme) => {
                if let Some(least) = column.iter().min_by(by_order) {
                    extreme.offer(&Value::Float(*least));
                }
            }
            Self::Max(extreme) => {
                if let Some(most) = column.iter().max_by(by_order) {
                    extreme.offer(&Value::Float(*most));
                }
            }
        }
        Ok(())
    }

    /// Adds rows to a count without looking at them; other aggregates ignore it.
    #[inline]
    pub fn add_rows(&mut self, rows: u64) {
        if let Self::Count(count) = self {
            *count += rows;
        }
    }

    /// Takes in what another one of the same kind gathered; other kinds are ignored.
    pub fn merge(&mut self, other: &Self) -> Result<(), Failure> {
        match (self, other) {
            (Self::Count(count), Self::Count(more)) => *count += more,
            (Self::Sum(sum), Self::Sum(more)) => sum.merge(more)?,
            (Self::Avg(average), Self::Avg(more)) => average.merge(more)?,
            (Self::Min(extreme), Self::Min(other)) | (Self::Max(extreme), Self::Max(other)) => {
                extreme.offer(other.found());
            }
            _ => {}
        }
        Ok(())
    }

    /// Gives the result over all rows taken in.
    pub fn result(&self) -> Result<Value, Failure> {
        match self {
            Self::Count(count) => Ok(Value::Integer(i64::try_from(*count).unwrap_or(i64::MAX))),
            Self::Sum(sum) => sum.result(),
            Self::Avg(average) => average.result(),
            Self::Min(extreme) | Self::Max(extreme) => Ok(extreme.found().clone()),
        }
    }
}

impl Accumulator for Fast {
    fn update(&mut self, values: &[Value]) -> Result<(), Failure> {
        values.first().map_or(Ok(()), |value| self.update_value(value))
    }

    fn finish(&mut self) -> Result<Value, Failure> {
        self.result()
    }

    fn memory_bytes(&self) -> usize {
        let held = match self {
            Self::Count(_) | Self::Sum(_) | Self::Avg(_) => 0,
            Self::Min(extreme) | Self::Max(extreme) => extreme.found().memory_bytes(),
        };
        size_of::<Self>() + held
    }
}
