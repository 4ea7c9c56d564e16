//! Operators that group rows in a hash table: aggregation and `DISTINCT`.

use std::hash::BuildHasherDefault;

use indexmap::{IndexMap, IndexSet};
use rustc_hash::FxHasher;
use types::compare::Key;
use types::{Failure, Value};

use super::{Aggregate, Operator};
use crate::expression::{Compiled, Context, evaluate};
use crate::functions::{Accumulator, accumulator};
use crate::{Batch, Column};

type Hasher = BuildHasherDefault<FxHasher>;

/// Bytes that a group costs beside its values: its place in the table.
const GROUP_BYTES: usize = 64;

/// One row for each group: its keys, then its aggregates. Groups come in the order in which they were first seen.
pub(super) struct Aggregation {
    input: Box<dyn Operator>,
    keys: Vec<Compiled>,
    aggregates: Vec<Aggregate>,
    groups: IndexMap<Vec<Key>, Vec<Box<dyn Accumulator>>, Hasher>,
    memory_bytes: usize,
    /// How many groups have been handed on; `None` until all rows were read.
    done: Option<usize>,
}

impl Aggregation {
    pub fn new(input: Box<dyn Operator>, keys: Vec<Compiled>, aggregates: Vec<Aggregate>) -> Self {
        Self { input, keys, aggregates, groups: IndexMap::default(), memory_bytes: 0, done: None }
    }

    fn read(&mut self, context: &mut Context<'_>) -> Result<(), Failure> {
        while let Some(batch) = self.input.next(context)? {
            context.budget.pay_rows(batch.rows)?;
            self.take_in(&batch, context)?;
        }
        // Without keys there is one group, even of no rows.
        if self.keys.is_empty() && self.groups.is_empty() {
            self.groups.insert(Vec::new(), accumulators(&self.aggregates));
        }
        Ok(())
    }

    fn take_in(&mut self, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        let keys = evaluate_all(&self.keys, batch, context)?;
        let arguments = self
            .aggregates
            .iter()
            .map(|aggregate| evaluate_all(&aggregate.arguments, batch, context))
            .collect::<Result<Vec<_>, _>>()?;
        let mut values = Vec::new();
        for row in 0..batch.rows {
            let key: Vec<Key> = keys.iter().map(|column| Key(column.get(row))).collect();
            let entry = self.groups.entry(key);
            let mut grown = 0;
            if let indexmap::map::Entry::Vacant(vacant) = &entry {
                grown += GROUP_BYTES + vacant.key().iter().map(|key| key.0.memory_bytes()).sum::<usize>();
            }
            let group = entry.or_insert_with(|| accumulators(&self.aggregates));
            for (accumulator, columns) in group.iter_mut().zip(&arguments) {
                let before = accumulator.memory_bytes();
                values.clear();
                values.extend(columns.iter().map(|column| column.get(row)));
                if values.is_empty() {
                    // `count(*)` counts the row itself.
                    values.push(Value::Boolean(true));
                }
                accumulator.update(&values)?;
                grown += accumulator.memory_bytes().saturating_sub(before);
            }
            context.budget.take_memory(grown)?;
            self.memory_bytes += grown;
        }
        Ok(())
    }
}

impl Operator for Aggregation {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        if self.done.is_none() {
            self.read(context)?;
        }
        let start = self.done.unwrap_or(0);
        let end = self.groups.len().min(start + Batch::ROWS_MAX);
        self.done = Some(end);
        if start == end {
            context.budget.give_back_memory(std::mem::take(&mut self.memory_bytes));
            return Ok(None);
        }
        let mut columns = vec![Vec::with_capacity(end - start); self.keys.len() + self.aggregates.len()];
        for at in start..end {
            let (key, group) = self.groups.get_index_mut(at).expect("the range lies within the groups");
            let aggregated = group.iter_mut().map(|accumulator| accumulator.finish());
            let row = key.iter().map(|key| Ok(key.0.clone())).chain(aggregated);
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value?);
            }
        }
        Ok(Some(Batch { columns: columns.into_iter().map(Column::Values).collect(), rows: end - start }))
    }
}

fn accumulators(aggregates: &[Aggregate]) -> Vec<Box<dyn Accumulator>> {
    aggregates.iter().map(|aggregate| accumulator(aggregate.kind, aggregate.distinct)).collect()
}

fn evaluate_all(values: &[Compiled], batch: &Batch, context: &mut Context<'_>) -> Result<Vec<Column>, Failure> {
    values.iter().map(|value| evaluate(value, batch, context)).collect()
}

/// Equal rows once, the first of each.
pub(super) struct Distinct {
    input: Box<dyn Operator>,
    seen: IndexSet<Vec<Key>, Hasher>,
    memory_bytes: usize,
}

impl Distinct {
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input, seen: IndexSet::default(), memory_bytes: 0 }
    }
}

impl Operator for Distinct {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        while let Some(batch) = self.input.next(context)? {
            context.budget.pay_rows(batch.rows)?;
            let mut kept = Vec::new();
            for row in 0..batch.rows {
                let key: Vec<Key> = batch.columns.iter().map(|column| Key(column.get(row))).collect();
                let bytes = GROUP_BYTES + key.iter().map(|key| key.0.memory_bytes()).sum::<usize>();
                if self.seen.insert(key) {
                    context.budget.take_memory(bytes)?;
                    self.memory_bytes += bytes;
                    kept.push(row);
                }
            }
            if !kept.is_empty() {
                return Ok(Some(batch.gather(&kept)));
            }
        }
        self.seen = IndexSet::default();
        context.budget.give_back_memory(std::mem::take(&mut self.memory_bytes));
        Ok(None)
    }
}
