//! Plans inside a plan that run anew for each outer row.
//!
//! An inner plan that groups, sorts, limits or writes means something else for one row than for many; so it gets one
//! row at a time, and what comes out is put together again to full batches.

use std::sync::Arc;

use types::Failure;

use super::inner::Running;
use super::{Apply, Operator, Plan, Site};
use crate::Batch;
use crate::expression::Context;

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

    /// Takes the outer row itself in where its inner plan has ended and it has to go on.
    fn end(&mut self, row: usize, has_rows: bool) {
        if self.how.unit {
            self.rows.push(row);
            self.filled.append(Batch { columns: Vec::new(), rows: 1 });
        } else if self.how.optional && !has_rows {
            self.take(row, &Batch { columns: Vec::new(), rows: 1 });
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
            let (mut running, has_rows) = self
                .running
                .take()
                .unwrap_or_else(|| (Running::new(self.site.build(&self.inner, Some(&batch.gather(&[at])))), false));
            let Some(rows) = running.next(context)? else {
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
