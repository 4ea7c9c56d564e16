//! `collect`: the values in the order in which they came.

use types::{Failure, Value};

use super::Accumulator;
use super::kept::Kept;

/// The values so far, without nulls.
#[derive(Debug, Default)]
pub(super) struct Collect(Kept);

impl Accumulator for Collect {
    fn update(&mut self, values: &[Value]) -> Result<(), Failure> {
        if let Some(value) = values.first().filter(|value| !value.is_null()) {
            self.0.push(value);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value, Failure> {
        Ok(Value::list(self.0.take()))
    }

    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.0.memory_bytes()
    }

    fn result_bytes(&self) -> usize {
        self.0.whole_bytes()
    }
}
