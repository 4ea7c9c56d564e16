//! Rows in order, all of them or the first few.

use std::cmp::Ordering;

use types::compare::order;
use types::{Failure, Value};

use super::Operator;
use super::flow::row_count;
use crate::expression::{Compiled, Context, evaluate};
use crate::{Batch, Column};

/// Bytes that a kept row costs beside its values.
const ROW_BYTES: usize = 48;

/// The rows in order; with a limit no more than twice that many are ever kept.
pub(super) struct Sort {
    input: Box<dyn Operator>,
    keys: Vec<(Compiled, bool)>,
    limit: Option<Compiled>,
    rows: Vec<Row>,
    memory_bytes: usize,
    /// How many rows have been handed on; `None` until all were read.
    done: Option<usize>,
}

struct Row {
    keys: Vec<Value>,
    values: Vec<Value>,
}

impl Row {
    fn memory_bytes(&self) -> usize {
        ROW_BYTES + self.keys.iter().chain(&self.values).map(Value::memory_bytes).sum::<usize>()
    }
}

impl Sort {
    pub fn new(input: Box<dyn Operator>, keys: Vec<(Compiled, bool)>, limit: Option<Compiled>) -> Self {
        Self { input, keys, limit, rows: Vec::new(), memory_bytes: 0, done: None }
    }

    fn read(&mut self, context: &mut Context<'_>) -> Result<(), Failure> {
        let limit = match &self.limit {
            Some(limit) => row_count(limit, "LIMIT", context)?,
            None => usize::MAX,
        };
        while let Some(batch) = self.input.next(context)? {
            context.budget.pay_rows(batch.rows)?;
            let keys =
                self.keys.iter().map(|(key, _)| evaluate(key, &batch, context)).collect::<Result<Vec<Column>, _>>()?;
            for row in 0..batch.rows {
                let of = |columns: &[Column]| columns.iter().map(|column| column.get(row)).collect();
                let row = Row { keys: of(&keys), values: of(&batch.columns) };
                let bytes = row.memory_bytes();
                context.budget.take_memory(bytes)?;
                self.memory_bytes += bytes;
                self.rows.push(row);
            }
            if self.rows.len() >= limit.saturating_mul(2).max(Batch::ROWS_MAX) {
                self.cut(limit, context);
            }
        }
        self.cut(limit, context);
        Ok(())
    }

    /// Sorts what is kept and lets go of what lies beyond the limit. Stable: equal rows keep their order.
    fn cut(&mut self, limit: usize, context: &mut Context<'_>) {
        let keys = &self.keys;
        self.rows.sort_by(|left, right| {
            let mut pairs = left.keys.iter().zip(&right.keys).zip(keys);
            pairs
                .find_map(|((left, right), (_, descending))| {
                    let found = order(left, right);
                    let found = if *descending { found.reverse() } else { found };
                    (found != Ordering::Equal).then_some(found)
                })
                .unwrap_or(Ordering::Equal)
        });
        if self.rows.len() > limit {
            let bytes = self.rows.drain(limit..).map(|row| row.memory_bytes()).sum();
            context.budget.give_back_memory(bytes);
            self.memory_bytes -= bytes;
        }
    }
}

impl Operator for Sort {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        if self.done.is_none() {
            self.read(context)?;
        }
        let start = self.done.unwrap_or(0);
        let end = self.rows.len().min(start + Batch::ROWS_MAX);
        self.done = Some(end);
        if start == end {
            self.rows = Vec::new();
            self.done = Some(0);
            context.budget.give_back_memory(std::mem::take(&mut self.memory_bytes));
            return Ok(None);
        }
        let slots = self.rows[start].values.len();
        let column =
            |slot: usize| Column::Values(self.rows[start..end].iter().map(|row| row.values[slot].clone()).collect());
        Ok(Some(Batch { columns: (0..slots).map(column).collect(), rows: end - start }))
    }
}
