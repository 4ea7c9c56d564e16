//! Rows in order, all of them or the first few.

use std::cmp::Ordering;

use types::compare::{order, total_floats};
use types::{Failure, Value, effort};

use super::Operator;
use super::flow::row_count;
use super::rows::Rows;
use crate::expression::{Compiled, Context, Portions, make};
use crate::{Batch, Column};

/// Bytes that a kept row costs beside its values: its place in the order, twice while that is made.
const ROW_BYTES: usize = 8;
/// Rows that are sorted between two looks at the clock.
const ROWS_BETWEEN_LOOKS: usize = 1 << 18;

/// The rows in order; with a limit, few more than twice that many are ever kept.
pub(super) struct Sort {
    input: Box<dyn Operator>,
    keys: Vec<(Compiled, bool)>,
    limit: Option<Compiled>,
    /// The kept rows, and their keys as columns of their own.
    rows: Rows,
    row_keys: Vec<Column>,
    portions: Portions,
    memory_bytes: usize,
    /// The kept rows in order, and how many of them have been handed on; `None` until all were read.
    sorted: Option<(Vec<u32>, usize)>,
}

impl Sort {
    pub fn new(input: Box<dyn Operator>, keys: Vec<(Compiled, bool)>, limit: Option<Compiled>) -> Self {
        let (rows, row_keys, portions) = (Rows::default(), Vec::new(), Portions::default());
        Self { input, keys, limit, rows, row_keys, portions, memory_bytes: 0, sorted: None }
    }

    fn read(&mut self, context: &mut Context<'_>) -> Result<Vec<u32>, Failure> {
        let limit = match &self.limit {
            Some(limit) => row_count(limit, "LIMIT", context)?,
            None => usize::MAX,
        };
        // Once the first rows are known, whatever does not come before the last of them is let go at once.
        let mut worst: Option<Vec<Value>> = None;
        while let Some(batch) = self.input.next(context)? {
            context.budget.pay_rows(batch.rows)?;
            let (mut first, rows) = (0, batch.rows);
            let mut batch = batch;
            while first < rows {
                let keys = |rows: &Batch, context: &mut Context<'_>| {
                    self.keys.iter().map(|(key, _)| make(key, rows, context)).collect::<Result<Vec<_>, _>>()
                };
                let portion = self.portions.next(&batch, first, context, keys)?;
                first += portion.rows;
                // They are counted with their rows from here on.
                context.budget.give_back_memory(portion.held_bytes);
                let (some, keys) = (portion.some.unwrap_or_else(|| std::mem::take(&mut batch)), portion.made);
                match &worst {
                    None => self.keep(some, keys, context)?,
                    Some(worst) => {
                        let better: Vec<usize> =
                            (0..some.rows).filter(|row| self.is_before(&keys, *row, worst)).collect();
                        if !better.is_empty() {
                            let keys = keys.iter().map(|column| column.gather(&better)).collect();
                            self.keep(some.gather(&better), keys, context)?;
                        }
                    }
                }
            }
            if self.rows.len() >= limit.saturating_mul(2).max(Batch::ROWS_MAX) {
                self.cut(limit, context);
                worst = limit.checked_sub(1).map(|last| self.row_keys.iter().map(|column| column.get(last)).collect());
            }
        }
        Ok(self.order(limit))
    }

    fn keep(&mut self, batch: Batch, keys: Vec<Column>, context: &mut Context<'_>) -> Result<(), Failure> {
        let bytes = memory_bytes(batch.rows, batch.memory_bytes(), &keys);
        context.budget.take_memory(bytes)?;
        self.memory_bytes += bytes;
        if self.rows.len() == 0 {
            self.row_keys = keys;
        } else {
            for (column, more) in self.row_keys.iter_mut().zip(keys) {
                context.budget.ask_for(column.growth_bytes(more.rows()))?;
                column.append(more);
            }
        }
        self.rows.push(batch);
        Ok(())
    }

    /// Orders what is kept, or the first `limit` rows of it. Stable: equal rows keep their order.
    fn order(&self, limit: usize) -> Vec<u32> {
        let rows = u32::try_from(self.rows.len()).expect("memory ends before numbers do");
        let mut sorted: Vec<u32> = (0..rows).collect();
        // What lies in lists and maps may take for ever to compare, and then gives no order.
        let is_plain = self.row_keys.iter().all(|column| match column {
            Column::Values(values) => !values.iter().any(|value| matches!(value, Value::List(_) | Value::Map(_))),
            Column::Trails { .. } => false,
            _ => true,
        });
        let compare = |left: &u32, right: &u32| {
            let mut keys = self.row_keys.iter().zip(&self.keys);
            let found = keys.find_map(|(column, (_, descending))| {
                Some(turned(compare(column, *left as usize, *right as usize), *descending))
                    .filter(|found| found.is_ne())
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
        let mut rows = Rows::default();
        sorted.chunks(Batch::ROWS_MAX).for_each(|some| rows.push(self.rows.take(some)));
        self.rows = rows;
        let sorted: Vec<usize> = sorted.into_iter().map(|number| number as usize).collect();
        self.row_keys = self.row_keys.iter().map(|column| column.gather(&sorted)).collect();
        let bytes = memory_bytes(self.rows.len(), self.rows.memory_bytes(), &self.row_keys);
        context.budget.give_back_memory(self.memory_bytes.saturating_sub(bytes));
        self.memory_bytes = self.memory_bytes.min(bytes);
    }
}

fn memory_bytes(rows: usize, rows_bytes: usize, keys: &[Column]) -> usize {
    rows * ROW_BYTES + rows_bytes + keys.iter().map(Column::memory_bytes).sum::<usize>()
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
            (self.rows, self.row_keys, self.sorted) = (Rows::default(), Vec::new(), Some((Vec::new(), 0)));
            context.budget.give_back_memory(std::mem::take(&mut self.memory_bytes));
            return Ok(None);
        }
        let out = self.rows.take(&sorted[*done..end]);
        *done = end;
        Ok(Some(out))
    }
}
