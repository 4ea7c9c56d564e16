//! `stDev` and `stDevP`: spread around the mean, in one pass.

use types::{Code, Failure, Value};

use super::super::error::shown;
use super::Accumulator;

/// Mean and squared distances so far (Welford's method).
#[derive(Debug)]
pub(super) struct Deviation {
    name: &'static str,
    /// What is taken from the count before dividing: 1 for a sample.
    less: u64,
    count: u64,
    mean: f64,
    squares: f64,
}

impl Deviation {
    pub(super) fn sample() -> Self {
        Self { name: "stDev", less: 1, count: 0, mean: 0.0, squares: 0.0 }
    }

    pub(super) fn population() -> Self {
        Self { name: "stDevP", less: 0, ..Self::sample() }
    }
}

impl Accumulator for Deviation {
    fn update(&mut self, values: &[Value]) -> Result<(), Failure> {
        let number = match values.first() {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Integer(integer)) => *integer as f64,
            Some(Value::Float(float)) => *float,
            Some(other) => {
                let message = format!("{}({}) can only handle numerical values, or null.", self.name, shown(other));
                return Err(Failure::new(Code::TypeError, message));
            }
        };
        self.count += 1;
        let before = number - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (number - self.mean);
        Ok(())
    }

    fn finish(&mut self) -> Result<Value, Failure> {
        if self.count < 2 {
            return Ok(Value::Float(0.0));
        }
        Ok(Value::Float((self.squares / (self.count - self.less) as f64).sqrt()))
    }

    fn memory_bytes(&self) -> usize {
        size_of::<Self>()
    }
}
