//! Rows in order, all of them or the first few.

use std::cmp::Ordering;

use types::compare::{order, total_floats};
use types::{Failure, Value, effort};

use super::Operator;
use super::flow::row_count;
use crate::expression::{Compiled, Context, evaluate};
use crate::{Batch, Column};

/// Bytes that a kept row costs beside its values: its place in the order.
const ROW_BYTES: usize = 8;
/// Rows that are sorted between two looks at the clock.
const ROWS_BETWEEN_LOOKS: usize = 1 << 18;

/// The rows in order; with a limit, few more than twice that many are ever kept.
pub(super) struct Sort {
    input: Box<dyn Operator>,
    keys: Vec<(Compiled, bool)>,
    limit: Option<Compiled>,
    /// The kept rows, and their keys as columns of their own.
    rows: Batch,
    row_keys: Vec<Column>,
    memory_bytes: usize,
    /// The kept rows in order, and how many of them have been handed on; `None` until all were read.
    sorted: Option<(Vec<usize>, usize)>,
}

impl Sort {
    pub fn new(input: Box<dyn Operator>, keys: Vec<(Compiled, bool)>, limit: Option<Compiled>) -> Self {
        let (rows, row_keys) = (Batch::default(), Vec::new());
        Self { input, keys, limit, rows, row_keys, memory_bytes: 0, sorted: None }
    }

    fn read(&mut self, context: &mut Context<'_>) -> Result<Vec<usize>, Failure> {
        let limit = match &self.limit {
            Some(limit) => row_count(limit, "LIMIT", context)?,
            None => usize::MAX,
        };
        // Once the first rows are known, whatever does not come before the last of them is let go at once.
        let mut worst: Option<Vec<Value>> = None;
        while let Some(batch) = self.input.next(context)? {
            context.budget.pay_rows(batch.rows)?;
            let keys =
                self.keys.iter().map(|(key, _)| evaluate(key, &batch, context)).collect::<Result<Vec<_>, _>>()?;
            match &worst {
                None => self.keep(batch, keys, context)?,
                Some(worst) => {
                    let better: Vec<usize> = (0..batch.rows).filter(|row| self.is_before(&keys, *row, worst)).collect();
                    if !better.is_empty() {
                        let keys = keys.iter().map(|column| column.gather(&better)).collect();
                        self.keep(batch.gather(&better), keys, context)?;
                    }
                }
            }
            if self.rows.rows >= limit.saturating_mul(2).max(Batch::ROWS_MAX) {
                self.cut(limit, context);
                worst = limit.checked_sub(1).map(|last| self.row_keys.iter().map(|column| column.get(last)).collect());
            }
        }
        Ok(self.order(limit))
    }

    fn keep(&mut self, batch: Batch, keys: Vec<Column>, context: &mut Context<'_>) -> Result<(), Failure> {
        let bytes = memory_bytes(&batch, &keys);
        context.budget.take_memory(bytes)?;
        self.memory_bytes += bytes;
        if self.rows.rows == 0 {
            self.row_keys = keys;
        } else {
            self.row_keys.iter_mut().zip(keys).for_each(|(column, more)| column.append(more));
        }
        self.rows.append(batch);
        Ok(())
    }

    /// Orders what is kept, or the first `limit` rows of it. Stable: equal rows keep their order.
    fn order(&self, limit: usize) -> Vec<usize> {
        let mut sorted: Vec<usize> = (0..self.rows.rows).collect();
        // What lies in lists and maps may take for ever to compare, and then gives no order.
        let is_plain = self.row_keys.iter().all(|column| match column {
            Column::Values(values) => !values.iter().any(|value| matches!(value, Value::List(_) | Value::Map(_))),
            Column::Trails { .. } => false,
            _ => true,
        });
        let compare = |left: &usize, right: &usize| {
            let mut keys = self.row_keys.iter().zip(&self.keys);
            let found = keys.find_map(|(column, (_, descending))| {
                Some(turned(compare(column, *left, *right), *descending)).filter(|found| found.is_ne())
            });
            // Rows that are equal stand as they came, also where the sort does not see to that.
            found.unwrap_or_else(|| left.cmp(right))
        };
        if limit < sorted.len() / 2 && is_plain {
            if limit > 0 {
                sorted.select_nth_unstable_by(limit - 1, compare);
            }
            sorted.truncate(limit);
        }
        match is_plain {
            true if sorted.len() <= ROWS_BETWEEN_LOOKS => sorted.sort_unstable_by(compare),
            true => effort::sort_by(&mut sorted, ROWS_BETWEEN_LOOKS, compare),
            false => effort::sort_by(&mut sorted, 1, compare),
        }
        sorted.truncate(limit);
        sorted
    }

    /// Tells whether a row comes before one with the given keys.
    fn is_before(&self, keys: &[Column], row: usize, worst: &[Value]) -> bool {
        let mut made = Value::Null;
        let pairs = keys.iter().zip(worst).zip(&self.keys);
        let mut found = pairs
            .map(|((column, worst), (_, descending))| turned(order(column.lend(row, &mut made), worst), *descending));
        found.find(|found| found.is_ne()) == Some(Ordering::Less)
    }

    /// Sorts what is kept and lets go of what lies beyond the limit.
    fn cut(&mut self, limit: usize, context: &mut Context<'_>) {
        let sorted = self.order(limit);
        self.rows = self.rows.gather(&sorted);
        self.row_keys = self.row_keys.iter().map(|column| column.gather(&sorted)).collect();
        let bytes = memory_bytes(&self.rows, &self.row_keys);
        context.budget.give_back_memory(self.memory_bytes.saturating_sub(bytes));
        self.memory_bytes = self.memory_bytes.min(bytes);
    }
}

fn memory_bytes(rows: &Batch, keys: &[Column]) -> usize {
    rows.rows * ROW_BYTES + rows.memory_bytes() + keys.iter().map(Column::memory_bytes).sum::<usize>()
}

/// Compares two rows of a column; numbers of one type never become values.
fn compare(column: &Column, left: usize, right: usize) -> Ordering {
    match column {
        Column::Integers(values) => values[left].cmp(&values[right]),
        Column::Floats(values) => total_floats(values[left], values[right]),
        Column::Values(values) => order(&values[left], &values[right]),
        other => order(&other.get(left), &other.get(right)),
    }
}

fn turned(found: Ordering, descending: bool) -> Ordering {
    if descending { found.reverse() } else { found }
}

impl Operator for Sort {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        if self.sorted.is_none() {
            self.sorted = Some((self.read(context)?, 0));
        }
        let Some((sorted, done)) = &mut self.sorted else { return Ok(None) };
        let end = sorted.len().min(*done + Batch::ROWS_MAX);
        if *done == end {
            (self.rows, self.row_keys, self.sorted) = (Batch::default(), Vec::new(), Some((Vec::new(), 0)));
            context.budget.give_back_memory(std::mem::take(&mut self.memory_bytes));
            return Ok(None);
        }
        let out = self.rows.gather(&sorted[*done..end]);
        *done = end;
        Ok(Some(out))
    }
}
