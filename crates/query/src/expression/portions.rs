//! Rows of a batch that are computed together: all of them, or fewer where their values are large.
//! Leaves what is computed, and what becomes of it, to the operators.
//! Start reading at [`Portions::each`].

use types::{Code, Failure, effort};

use super::Context;
use crate::Batch;

/// How many rows an operator computes together. More than one row may take an eighth of what the statement has left, a
/// single one all of it.
pub struct Portions {
    rows_max: usize,
}

/// Rows that were computed together.
pub struct Portion<T> {
    /// The rows where they are not the whole batch.
    pub some: Option<Batch>,
    /// How many there are.
    pub rows: usize,
    /// What was made for them.
    pub made: T,
    /// What that takes; stays taken from the budget, for the caller to give back.
    pub held_bytes: usize,
}

impl Default for Portions {
    fn default() -> Self {
        Self { rows_max: Batch::ROWS_MAX }
    }
}

impl Portions {
    /// Makes something for the rows of a batch from `first` on, for as many of them as there is room.
    ///
    /// # Errors
    ///
    /// Those of `make`; [`Code::MemoryLimit`] and [`Code::MemoryPool`] only where one row alone takes too much.
    pub fn next<T>(
        &mut self,
        batch: &Batch,
        first: usize,
        context: &mut Context<'_>,
        make: impl Fn(&Batch, &mut Context<'_>) -> Result<T, Failure>,
    ) -> Result<Portion<T>, Failure> {
        if effort::forget_too_large() {
            // What stands in the batch for a text that was too large is nothing to go on with.
            return Err(context.budget.crowded());
        }
        loop {
            let rows = (batch.rows - first).min(self.rows_max);
            let some = (rows < batch.rows).then(|| batch.gather(&(first..first + rows).collect::<Vec<_>>()));
            let before_bytes = context.budget.memory_used_bytes();
            let bound = (rows > 1).then(|| context.budget.tighten());
            let made = make(some.as_ref().unwrap_or(batch), context);
            if let Some(bound) = bound {
                context.budget.loosen(bound);
            }
            let is_too_large = match &made {
                Err(failure) => matches!(failure.code(), Code::MemoryLimit | Code::MemoryPool),
                Ok(_) => false,
            };
            if rows > 1 && (effort::forget_too_large() || is_too_large) {
                context.budget.return_to(before_bytes);
                self.rows_max = (rows / 8).max(1);
                continue;
            }
            let made = made?;
            self.rows_max = (2 * self.rows_max).min(Batch::ROWS_MAX);
            let held_bytes = context.budget.memory_used_bytes() - before_bytes;
            return Ok(Portion { some, rows, made, held_bytes });
        }
    }

    /// As [`Portions::next`] for all rows; `take` takes what was made, of which nothing is left then.
    ///
    /// # Errors
    ///
    /// As [`Portions::next`], and those of `take`.
    pub fn each<T>(
        &mut self,
        batch: Batch,
        context: &mut Context<'_>,
        make: impl Fn(&Batch, &mut Context<'_>) -> Result<T, Failure>,
        mut take: impl FnMut(Batch, T, &mut Context<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (rows, mut batch, mut first) = (batch.rows, batch, 0);
        while first < rows {
            let portion = self.next(&batch, first, context, &make)?;
            first += portion.rows;
            take(portion.some.unwrap_or_else(|| std::mem::take(&mut batch)), portion.made, context)?;
            context.budget.give_back_memory(portion.held_bytes);
        }
        Ok(())
    }
}
