//! Patterns found or made, row by row.
//!
//! Each row looks for its pattern in the graph as the rows before it left it, so rows are never taken together; what
//! they found or made goes on in full batches.

use std::collections::VecDeque;

use types::Failure;

use super::change::change;
use super::create::{Nulls, create};
use super::{Merge, Operator, Site};
use crate::Batch;
use crate::expression::{Context, Portions, evaluate};

/// For each row, what an inner plan matches, or else what is made.
pub(super) struct MergeAll {
    input: Box<dyn Operator>,
    how: Merge,
    site: Site,
    /// What the last batch of the input came to, each batch with the bytes paid for it.
    ready: VecDeque<(Batch, usize)>,
}

/// What the rows of a batch found or made, put together.
#[derive(Default)]
struct Gathered {
    /// The outer row of each.
    rows: Vec<usize>,
    /// The slots that the pattern fills.
    filled: Batch,
    memory_bytes: usize,
}

impl MergeAll {
    pub fn new(input: Box<dyn Operator>, how: Merge, site: Site) -> Self {
        Self { input, how, site, ready: VecDeque::new() }
    }

    fn merge(&mut self, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        let mut gathered = Gathered::default();
        for row in 0..batch.rows {
            context.budget.pay_rows(1)?;
            let one = batch.gather(&[row]);
            for found in self.find(&one, context)? {
                if gathered.rows.len() + found.rows > Batch::ROWS_MAX {
                    self.hand_on(std::mem::take(&mut gathered), batch);
                }
                gathered.take(row, &self.how.filled, &found, context)?;
            }
        }
        self.hand_on(gathered, batch);
        Ok(())
    }

    /// Finds the pattern for one row, or makes it, and changes it as is wanted.
    fn find(&self, one: &Batch, context: &mut Context<'_>) -> Result<Vec<Batch>, Failure> {
        let memory_bytes = context.budget.memory_used_bytes();
        let mut plan = self.site.build(&self.how.find, Some(one));
        let mut found = Vec::new();
        // All is found before anything is changed: a change could make the search go on for ever.
        while let Some(batch) = plan.next(context)? {
            context.budget.take_memory(batch.memory_bytes())?;
            found.push(batch);
        }
        drop(plan);
        context.budget.return_to(memory_bytes);
        if !found.is_empty() {
            found.iter().try_for_each(|batch| change(&self.how.on_match, batch, &mut Portions::default(), context))?;
            return Ok(found);
        }
        let mut made = one.clone();
        create(&self.how.create, Nulls::Refused, &mut made, &mut Portions::default(), context)?;
        for (slot, value) in &self.how.made {
            let column = evaluate(value, &made, context)?;
            made.set(*slot, column);
        }
        change(&self.how.on_create, &made, &mut Portions::default(), context)?;
        Ok(vec![made])
    }

    fn hand_on(&mut self, gathered: Gathered, batch: &Batch) {
        if gathered.rows.is_empty() {
            return;
        }
        let mut out = batch.gather(&gathered.rows);
        for (slot, column) in self.how.filled.iter().zip(gathered.filled.columns) {
            out.set(*slot, column);
        }
        self.ready.push_back((out, gathered.memory_bytes));
    }
}

impl Gathered {
    fn take(&mut self, row: usize, filled: &[usize], found: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        let columns = filled.iter().map(|slot| found.column(*slot)).collect();
        let found = Batch { columns, rows: found.rows };
        let bytes = found.memory_bytes();
        context.budget.take_memory(bytes)?;
        self.memory_bytes += bytes;
        self.rows.resize(self.rows.len() + found.rows, row);
        self.filled.append(found);
        Ok(())
    }
}

impl Operator for MergeAll {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        while self.ready.is_empty() {
            let Some(batch) = self.input.next(context)? else { return Ok(None) };
            self.merge(&batch, context)?;
        }
        let Some((batch, bytes)) = self.ready.pop_front() else { return Ok(None) };
        context.budget.give_back_memory(bytes);
        Ok(Some(batch))
    }
}
