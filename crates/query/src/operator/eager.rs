//! All rows, read before the first one goes on.

use std::collections::VecDeque;

use types::Failure;

use super::Operator;
use crate::Batch;
use crate::expression::Context;

/// Reads every row, then hands them on in full batches: what follows may change what the rows were read from.
pub(super) struct Eager {
    input: Box<dyn Operator>,
    /// What was read, each batch with the bytes paid for it; `None` until it was.
    read: Option<VecDeque<(Batch, usize)>>,
}

impl Eager {
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input, read: None }
    }

    fn read(&mut self, context: &mut Context<'_>) -> Result<VecDeque<(Batch, usize)>, Failure> {
        let mut read: VecDeque<(Batch, usize)> = VecDeque::new();
        while let Some(batch) = self.input.next(context)? {
            context.budget.pay_rows(batch.rows)?;
            let bytes = size_of::<Batch>() + batch.memory_bytes();
            context.budget.take_memory(bytes)?;
            match read.back_mut().filter(|(last, _)| last.rows + batch.rows <= Batch::ROWS_MAX) {
                Some((last, last_bytes)) => {
                    last.append(batch);
                    *last_bytes += bytes;
                }
                None => read.push_back((batch, bytes)),
            }
        }
        Ok(read)
    }
}

impl Operator for Eager {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        if self.read.is_none() {
            self.read = Some(self.read(context)?);
        }
        let Some((batch, bytes)) = self.read.as_mut().and_then(VecDeque::pop_front) else { return Ok(None) };
        context.budget.give_back_memory(bytes);
        Ok(Some(batch))
    }
}
