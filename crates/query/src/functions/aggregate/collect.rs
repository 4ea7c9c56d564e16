//! `collect`: the values in the order in which they came.

use types::{Failure, Value};

use super::Accumulator;

/// The values so far, without nulls.
#[derive(Debug, Default)]
pub(super) struct Collect {
    items: Vec<Value>,
    held_bytes: usize,
}

impl Accumulator for Collect {
    fn update(&mut self, values: &[Value]) -> Result<(), Failure> {
        if let Some(value) = values.first().filter(|value| !value.is_null()) {
            self.held_bytes += value.memory_bytes();
            self.items.push(value.clone());
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value, Failure> {
        self.held_bytes = 0;
        Ok(Value::list(std::mem::take(&mut self.items)))
    }

    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.held_bytes
    }
}
