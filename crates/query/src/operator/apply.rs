//! Plans inside a plan that run anew for each outer row.
//!
//! An inner plan that groups, sorts, limits or writes means something else for one row than for many; so it gets one
//! row at a time, and what comes out is put together again to full batches.

use std::sync::Arc;

use types::{Failure, Value};

use super::inner::Running;
use super::{Apply, Operator, Plan, Site};
use crate::budget::PARTS_OF_LEFT;
use crate::expression::Context;
use crate::{Batch, Column};

/// Rows that the first batch waits for; each next one waits for twice as many, so that a limit ends early.
const FIRST_ROWS: usize = 16;

/// Runs an inner plan for each outer row.
pub(super) struct RunApply {
    outer: Box<dyn Operator>,
    inner: Arc<Plan>,
    site: Site,
    how: Apply,
    /// The outer batch, and the row to go on at.
    under_way: Option<(Batch, usize)>,
    /// The inner plan at work on that row, and whether it gave any row.
    running: Option<(Running, bool)>,
    /// Outer rows of what is ready, and the inner columns that go with them.
    rows: Vec<usize>,
    filled: Batch,
    rows_wanted: usize,
    /// What was taken from the budget for what is ready.
    held_bytes: usize,
    /// Long texts that the outer rows of what is ready have, as often as they stand there.
    long_bytes: usize,
    /// What was taken for what was handed on last.
    out_bytes: usize,
}

impl RunApply {
    pub fn new(outer: Box<dyn Operator>, inner: Arc<Plan>, site: Site, how: Apply) -> Self {
        Self {
            outer,
            inner,
            site,
            how,
            under_way: None,
            running: None,
            rows: Vec::new(),
            filled: Batch::default(),
            rows_wanted: FIRST_ROWS,
            held_bytes: 0,
            long_bytes: 0,
            out_bytes: 0,
        }
    }

    /// Takes inner rows in: their slots in the order of `filled`.
    fn take(&mut self, row: usize, inner: Batch) {
        self.rows.resize(self.rows.len() + inner.rows, row);
        self.filled.append(inner);
    }

    /// Gives the slots that are filled, in their order.
    fn filled(&self, inner: &mut Batch) -> Batch {
        let filled = &self.how.filled;
        let column = |(place, (slot, _)): (usize, &(usize, usize))| match inner.columns.get_mut(*slot) {
            // The last place that a slot goes to takes the column itself.
            Some(column) if filled[place + 1..].iter().all(|(other, _)| other != slot) => {
                std::mem::replace(column, Column::Constant { value: Value::Null, rows: inner.rows })
            }
            _ => inner.column(*slot),
        };
        let columns = filled.iter().enumerate().map(column).collect();
        Batch { columns, rows: inner.rows }
    }

    /// Hands on what is ready.
    fn ready(&mut self, outer: &Batch, context: &mut Context<'_>) -> Result<Batch, Failure> {
        self.rows_wanted = (self.rows_wanted * 2).min(Batch::ROWS_MAX);
        let mut out = outer.gather(&std::mem::take(&mut self.rows));
        let long_bytes = out.long_bytes();
        context.budget.take_memory(long_bytes)?;
        self.out_bytes = std::mem::take(&mut self.held_bytes) + long_bytes;
        self.long_bytes = 0;
        let filled = std::mem::take(&mut self.filled);
        for ((_, slot), column) in self.how.filled.iter().zip(filled.columns) {
            out.set(*slot, column);
        }
        Ok(out)
    }

    /// Takes the outer row itself in where its inner plan has ended and it has to go on.
    fn end(&mut self, row: usize, has_rows: bool) {
        if self.how.unit {
            self.rows.push(row);
            self.filled.append(Batch { columns: Vec::new(), rows: 1 });
        } else if self.how.optional && !has_rows {
            let nothing = Column::Constant { value: Value::Null, rows: 1 };
            self.take(row, Batch { columns: vec![nothing; self.how.filled.len()], rows: 1 });
        }
    }
}

impl Operator for RunApply {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        context.budget.give_back_memory(std::mem::take(&mut self.out_bytes));
        loop {
            let Some((batch, at)) = self.under_way.take() else {
                let Some(batch) = self.outer.next(context)? else { return Ok(None) };
                self.under_way = Some((batch, 0));
                continue;
            };
            if self.rows.len() >= self.rows_wanted || (at == batch.rows && !self.rows.is_empty()) {
                let out = self.ready(&batch, context)?;
                self.under_way = Some((batch, at));
                return Ok(Some(out));
            }
            if at == batch.rows {
                continue;
            }
            let (mut running, has_rows) = match self.running.take() {
                Some(running) => running,
                None => (Running::begin(&self.inner, &self.site, &batch.gather(&[at]), context)?, false),
            };
            let Some(mut rows) = running.next(context)? else {
                running.end(context);
                self.end(at, has_rows);
                self.under_way = Some((batch, at + 1));
                continue;
            };
            context.budget.pay_rows(rows.rows)?;
            self.running = Some((running, true));
            if self.how.unit {
                self.under_way = Some((batch, at));
                continue;
            }
            let inner = self.filled(&mut rows);
            let (bytes, long_bytes) = (inner.memory_bytes(), inner.rows * batch.long_bytes_of(at));
            // What is ready goes first where both together would be more than a batch holds, or much.
            let share_bytes = (context.budget.memory_left_bytes() + self.held_bytes) / PARTS_OF_LEFT;
            let is_much = self.rows.len() + inner.rows > Batch::ROWS_MAX
                || self.held_bytes + bytes > share_bytes
                || self.long_bytes + long_bytes > Batch::LONG_MAX_BYTES;
            let out = (is_much && !self.rows.is_empty()).then(|| self.ready(&batch, context)).transpose()?;
            context.budget.take_memory(bytes)?;
            self.held_bytes += bytes;
            self.long_bytes += long_bytes;
            self.take(at, inner);
            self.under_way = Some((batch, at));
            if out.is_some() {
                return Ok(out);
            }
        }
    }
}
