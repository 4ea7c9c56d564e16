//! Two plans joined on equal values, by a hash table over the rows of one.

use std::hash::BuildHasherDefault;

use hashbrown::HashMap;
use rustc_hash::FxHasher;
use types::compare::Key;
use types::{Failure, Value};

use super::{HashJoin, Operator};
use crate::expression::{Compiled, Context, evaluate};
use crate::{Batch, Column};

/// Bytes that a kept row costs beside its values.
const ROW_BYTES: usize = 64;

/// The pairs of rows whose keys are equal; null equals nothing.
pub(super) struct Join {
    /// Its rows go through one batch at a time.
    probe: Box<dyn Operator>,
    /// Its rows are kept.
    build: Box<dyn Operator>,
    how: HashJoin,
    /// The kept slots of every row of `build`.
    kept: Vec<Vec<Value>>,
    /// The rows of `kept` by key.
    by_key: HashMap<Vec<Key>, Vec<usize>, BuildHasherDefault<FxHasher>>,
    is_built: bool,
    memory_bytes: usize,
    /// The batch under way, its pairs of rows, and how many of them have been handed on.
    under_way: Option<(Batch, Vec<Pair>, usize)>,
}

/// A row of the probed batch, and a kept row with the same key.
type Pair = (usize, usize);

impl Join {
    pub fn new(probe: Box<dyn Operator>, build: Box<dyn Operator>, how: HashJoin) -> Self {
        let (kept, by_key) = (Vec::new(), HashMap::default());
        Self { probe, build, how, kept, by_key, is_built: false, memory_bytes: 0, under_way: None }
    }

    fn build(&mut self, context: &mut Context<'_>) -> Result<(), Failure> {
        while let Some(batch) = self.build.next(context)? {
            context.budget.pay_rows(batch.rows)?;
            let keys = keys(&self.how.build_keys, &batch, context)?;
            for (row, key) in keys.into_iter().enumerate() {
                let Some(key) = key else { continue };
                let slot = |slot: &usize| batch.columns.get(*slot).map_or(Value::Null, |column| column.get(row));
                let values: Vec<Value> = self.how.kept.iter().map(slot).collect();
                let held = key.iter().map(|key| &key.0).chain(&values);
                let bytes = ROW_BYTES + held.map(Value::memory_bytes).sum::<usize>();
                context.budget.take_memory(bytes)?;
                self.memory_bytes += bytes;
                self.by_key.entry(key).or_default().push(self.kept.len());
                self.kept.push(values);
            }
        }
        self.is_built = true;
        Ok(())
    }

    /// Lists the pairs of a batch: a row of it, and a kept row with the same key.
    fn pairs(&self, batch: &Batch, context: &mut Context<'_>) -> Result<Vec<Pair>, Failure> {
        let mut pairs = Vec::new();
        for (row, key) in keys(&self.how.probe_keys, batch, context)?.into_iter().enumerate() {
            let found = key.and_then(|key| self.by_key.get(&key));
            pairs.extend(found.into_iter().flatten().map(|kept| (row, *kept)));
        }
        context.budget.pay_rows(pairs.len().max(1))?;
        Ok(pairs)
    }
}

impl Operator for Join {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        if !self.is_built {
            self.build(context)?;
        }
        loop {
            let Some((batch, pairs, done)) = &mut self.under_way else {
                let Some(batch) = self.probe.next(context)? else {
                    (self.kept, self.by_key) = (Vec::new(), HashMap::default());
                    context.budget.give_back_memory(std::mem::take(&mut self.memory_bytes));
                    return Ok(None);
                };
                let pairs = self.pairs(&batch, context)?;
                self.under_way = Some((batch, pairs, 0));
                continue;
            };
            let end = pairs.len().min(*done + Batch::ROWS_MAX);
            let run = &pairs[*done..end];
            if run.is_empty() {
                self.under_way = None;
                continue;
            }
            let mut out = batch.gather(&run.iter().map(|(row, _)| *row).collect::<Vec<_>>());
            for (at, slot) in self.how.kept.iter().enumerate() {
                out.set(*slot, Column::Values(run.iter().map(|(_, kept)| self.kept[*kept][at].clone()).collect()));
            }
            *done = end;
            return Ok(Some(out));
        }
    }
}

/// Computes the key of each row; `None` where a part is null or NaN, which equals nothing.
fn keys(parts: &[Compiled], batch: &Batch, context: &mut Context<'_>) -> Result<Vec<Option<Vec<Key>>>, Failure> {
    let columns = parts.iter().map(|part| evaluate(part, batch, context)).collect::<Result<Vec<_>, _>>()?;
    let key = |row: usize| {
        columns
            .iter()
            .map(|column| {
                let value = column.get(row);
                // Equality and equivalence part ways where a value does not equal itself: null, NaN, lists of them.
                (types::compare::equals(&value, &value) == Some(true)).then_some(Key(value))
            })
            .collect()
    };
    Ok((0..batch.rows).map(key).collect())
}
