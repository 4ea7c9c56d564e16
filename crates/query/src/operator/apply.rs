//! Plans inside a plan that run anew for each outer row.
//!
//! An inner plan that groups, sorts, limits or writes means something else for one row than for many; so it gets one
//! row at a time, and what comes out is put together again to full batches.

use std::sync::Arc;

use types::{Failure, Value};

use super::{Apply, Operator, Plan, Site};
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
    /// The inner plan at work on the row before.
    running: Option<Running>,
    /// Outer rows of what is ready, and the inner columns that go with them.
    rows: Vec<usize>,
    filled: Batch,
    rows_wanted: usize,
}

/// An inner plan at work.
struct Running {
    plan: Box<dyn Operator>,
    memory_bytes: usize,
    has_rows: bool,
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
        }
    }

    /// Takes inner rows in: their slots in the order of `filled`.
    fn take(&mut self, row: usize, inner: &Batch) {
        let columns = self.how.filled.iter().map(|(slot, _)| inner.column(*slot)).collect();
        self.rows.resize(self.rows.len() + inner.rows, row);
        self.filled.append(Batch { columns, rows: inner.rows });
    }

    /// Hands on what is ready.
    fn ready(&mut self, outer: &Batch) -> Batch {
        self.rows_wanted = (self.rows_wanted * 2).min(Batch::ROWS_MAX);
        let mut out = outer.gather(&std::mem::take(&mut self.rows));
        let filled = std::mem::take(&mut self.filled);
        for ((_, slot), column) in self.how.filled.iter().zip(filled.columns) {
            out.set(*slot, column);
        }
        out
    }

    /// Ends the inner plan of a row: what it held is given back, and the row itself goes on where it has to.
    fn end(&mut self, running: Running, row: usize, context: &mut Context<'_>) {
        drop(running.plan);
        context.budget.return_to(running.memory_bytes);
        if self.how.unit {
            self.rows.push(row);
            self.filled.append(Batch { columns: Vec::new(), rows: 1 });
        } else if self.how.optional && !running.has_rows {
            let empty = Column::Constant { value: Value::Null, rows: 1 };
            self.take(row, &Batch { columns: vec![empty; self.how.filled.len()], rows: 1 });
        }
    }
}

impl Operator for RunApply {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            let Some((batch, at)) = self.under_way.take() else {
                let Some(batch) = self.outer.next(context)? else { return Ok(None) };
                self.under_way = Some((batch, 0));
                continue;
            };
            if self.rows.len() >= self.rows_wanted || (at == batch.rows && !self.rows.is_empty()) {
                let out = self.ready(&batch);
                self.under_way = Some((batch, at));
                return Ok(Some(out));
            }
            if at == batch.rows {
                continue;
            }
            let mut running = self.running.take().unwrap_or_else(|| Running {
                plan: self.site.build(&self.inner, Some(&batch.gather(&[at]))),
                memory_bytes: context.budget.memory_used_bytes(),
                has_rows: false,
            });
            let Some(rows) = running.plan.next(context)? else {
                self.end(running, at, context);
                self.under_way = Some((batch, at + 1));
                continue;
            };
            context.budget.pay_rows(rows.rows)?;
            running.has_rows = true;
            self.running = Some(running);
            if self.how.unit {
                self.under_way = Some((batch, at));
                continue;
            }
            // What is ready goes first where both together would be more than a batch holds.
            let out = (self.rows.len() + rows.rows > Batch::ROWS_MAX).then(|| self.ready(&batch));
            self.take(at, &rows);
            self.under_way = Some((batch, at));
            if out.is_some() {
                return Ok(out);
            }
        }
    }
}
