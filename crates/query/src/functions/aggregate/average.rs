//! `avg`: an exact sum over the number of values.

use types::{Code, Failure, Value};

use super::sum::{FloatSum, Total, exact_sum};

/// `avg(x)`: null over nothing, a float over numbers, a duration over durations.
#[derive(Clone, Debug, Default)]
pub struct Average {
    total: Total,
    count: u64,
    /// The same floats made smaller, so that their sum stays finite where the plain one does not.
    scaled: FloatSum,
}

const NAME: &str = "avg";
/// A power of two, so that scaling is exact.
const SCALE: f64 = 1.0 / 18_446_744_073_709_551_616.0;

impl Average {
    #[inline]
    pub(super) fn add(&mut self, value: &Value) -> Result<(), Failure> {
        if let Value::Float(float) = value {
            self.scaled.add(float * SCALE);
        }
        self.count += u64::from(self.total.add(value, NAME)?);
        Ok(())
    }

    pub(super) fn add_integers(&mut self, column: &[i64]) -> Result<(), Failure> {
        if column.is_empty() {
            return Ok(());
        }
        self.count += column.len() as u64;
        self.total.add_integer(exact_sum(column), NAME)
    }

    pub(super) fn add_floats(&mut self, column: &[f64]) -> Result<(), Failure> {
        if column.is_empty() {
            return Ok(());
        }
        self.count += column.len() as u64;
        let floats = self.total.floats(NAME)?;
        for float in column {
            floats.add(*float);
            self.scaled.add(float * SCALE);
        }
        Ok(())
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<(), Failure> {
        self.count += other.count;
        self.scaled.merge(&other.scaled);
        self.total.merge(&other.total, NAME)
    }

    pub(super) fn result(&self) -> Result<Value, Failure> {
        let count = self.count as f64;
        Ok(match &self.total {
            Total::Empty => Value::Null,
            Total::Integers(total) => Value::Float(exact_quotient(*total, self.count)),
            Total::Mixed(integers, floats) => {
                let mut sum = *floats;
                sum.add(*integers as f64);
                let sum = sum.value();
                if sum.is_infinite() && self.scaled.value().is_finite() {
                    Value::Float((self.scaled.value() + *integers as f64 * SCALE) / count / SCALE)
                } else {
                    Value::Float(sum / count)
                }
            }
            Total::Durations(durations) => {
                let average = durations.divided(i128::from(self.count)).ok_or_else(overflow)?;
                Value::Duration(Box::new(average))
            }
        })
    }
}

/// Divides; whole part and rest apart where the sum is beyond 2^53, so that it keeps its low digits.
fn exact_quotient(total: i128, count: u64) -> f64 {
    if total.unsigned_abs() <= 1 << 53 {
        return total as f64 / count as f64;
    }
    let count = i128::from(count);
    (total / count) as f64 + (total % count) as f64 / count as f64
}

#[cold]
fn overflow() -> Failure {
    Failure::new(Code::ArithmeticError, "long overflow: the average does not fit")
}
