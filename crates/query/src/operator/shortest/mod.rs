//! The shortest trails between two nodes that are given.
//! Leaves paths of a bounded length to `walk`.
//! Start reading at [`FindShortest::found`].

mod frontier;
mod trails;

use types::{Failure, NodeId, RelationshipRef, TypeId, Value};

use super::expand::known_types;
use super::{Operator, Shortest};
use crate::expression::{Context, evaluate};
use crate::functions::operators::truth;
use crate::source::{Expansion, RelationshipRecord};
use crate::{Batch, Column};

/// For each row, the shortest trails from one node to another.
pub(super) struct FindShortest {
    input: Box<dyn Operator>,
    how: Shortest,
    /// The batch under way and the row to go on at.
    under_way: Option<(Batch, usize)>,
    /// Trails that were found and not handed on, with their rows.
    found: std::vec::IntoIter<(usize, Value)>,
    memory_bytes: usize,
}

/// A trail: its relationships in order.
type Trail = Vec<RelationshipRef>;

/// Where a search begins and ends, and what it may follow.
struct Search<'a> {
    how: &'a Shortest,
    from: NodeId,
    to: NodeId,
    /// The types that are followed; none means all.
    types: Vec<TypeId>,
    /// Relationships that belong to other parts of the pattern.
    taken: Vec<RelationshipRef>,
}

impl FindShortest {
    pub fn new(input: Box<dyn Operator>, how: Shortest) -> Self {
        let found = Vec::new().into_iter();
        Self { input, how, under_way: None, found, memory_bytes: 0 }
    }

    /// Finds the trails of one row.
    fn found(&self, batch: &Batch, row: usize, context: &mut Context<'_>) -> Result<Vec<Value>, Failure> {
        let source = self.how.expand.source;
        let node = |slot: usize| match batch.value(slot, row) {
            Value::NodeRef(node) if node.source == source => Some(node.id),
            _ => None,
        };
        let (Some(from), Some(to)) = (node(self.how.expand.from), node(self.how.expand.to)) else {
            return Ok(Vec::new());
        };
        if from == to {
            // Only the trail of no relationship leads from a node to itself.
            let none = if self.how.min == 0 { vec![Trail::new()] } else { Vec::new() };
            return self.passing(none, batch, row, context);
        }
        let Some(types) = known_types(&self.how.expand, context) else { return Ok(Vec::new()) };
        let taken = self.how.expand.distinct_from.iter().map(|slot| batch.value(*slot, row));
        let search = Search { how: &self.how, from, to, types, taken: taken.flat_map(relationships).collect() };
        let mut shorter = 0;
        if self.how.min <= 1 {
            let wants_all = self.how.all || self.how.filter.is_some();
            let trails = frontier::shortest(&search, wants_all, context)?;
            // No trail at all, or none that is not longer than allowed: a longer search finds nothing either.
            let Some(first) = trails.first() else { return Ok(Vec::new()) };
            shorter = first.len();
            let passing = self.passing(trails, batch, row, context)?;
            if !passing.is_empty() {
                return Ok(passing);
            }
        }
        trails::shortest(&search, shorter, context, |found, context| self.passing(found, batch, row, context))
    }

    /// Gives the trails that pass the filter as lists; only the first where one is enough.
    fn passing(
        &self,
        trails: Vec<Trail>,
        batch: &Batch,
        row: usize,
        context: &mut Context<'_>,
    ) -> Result<Vec<Value>, Failure> {
        let list = |trail: Trail| {
            Value::list(trail.into_iter().map(|found| Value::RelationshipRef(Box::new(found))).collect())
        };
        let mut lists: Vec<Value> = trails.into_iter().map(list).collect();
        if let Some(filter) = &self.how.filter {
            let mut passing = Vec::new();
            for lists in lists.chunks(Batch::ROWS_MAX) {
                let mut tested = batch.gather(&vec![row; lists.len()]);
                tested.set(self.how.expand.relationship, Column::Values(lists.to_vec()));
                let truths = evaluate(filter, &tested, context)?;
                for (at, list) in lists.iter().enumerate() {
                    if truth(&truths.get(at))? == Some(true) {
                        passing.push(list.clone());
                    }
                }
            }
            lists = passing;
        }
        if !self.how.all {
            lists.truncate(1);
        }
        Ok(lists)
    }
}

/// Lists the relationships that a value of a pattern's part holds.
fn relationships(value: Value) -> Vec<RelationshipRef> {
    match value {
        Value::RelationshipRef(found) => vec![*found],
        Value::List(items) => items.iter().cloned().flat_map(relationships).collect(),
        _ => Vec::new(),
    }
}

impl Search<'_> {
    /// Reads the relationships of nodes, from the start's side or from the end's; a run for each node.
    fn expand(&self, nodes: &[NodeId], from_start: bool, context: &mut Context<'_>) -> Result<Expansion, Failure> {
        let direction = self.how.expand.direction;
        let direction = if from_start { direction } else { direction.reversed() };
        let wanted = (!self.types.is_empty()).then_some(self.types.as_slice());
        let mut found = Expansion::default();
        let source = &context.sources[usize::from(self.how.expand.source)];
        source.expand(nodes, direction, wanted, &mut found)?;
        context.budget.pay_rows(found.found.len().max(1))?;
        Ok(found)
    }

    /// Tells whether a relationship is free to be followed.
    fn is_free(&self, step: &RelationshipRecord) -> bool {
        self.taken.iter().all(|taken| (taken.id, taken.source) != (step.relationship.id, step.relationship.source))
    }

    /// Tells whether a trail may be longer than `length`.
    fn may_grow(&self, length: usize) -> bool {
        self.how.max.is_none_or(|max| u64::try_from(length).is_ok_and(|length| length < max))
    }
}

impl Operator for FindShortest {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            let Some((batch, mut at)) = self.under_way.take() else {
                let Some(batch) = self.input.next(context)? else { return Ok(None) };
                self.under_way = Some((batch, 0));
                continue;
            };
            let (mut rows, mut lists) = (Vec::new(), Vec::new());
            while rows.len() < Batch::ROWS_MAX {
                if let Some((row, list)) = self.found.next() {
                    rows.push(row);
                    lists.push(list);
                    continue;
                }
                context.budget.give_back_memory(std::mem::take(&mut self.memory_bytes));
                if at == batch.rows {
                    break;
                }
                context.budget.pay_rows(1)?;
                let found = self.found(&batch, at, context)?;
                let bytes = found.iter().map(Value::memory_bytes).sum();
                context.budget.take_memory(bytes)?;
                self.memory_bytes = bytes;
                self.found = found.into_iter().map(|list| (at, list)).collect::<Vec<_>>().into_iter();
                at += 1;
            }
            let out = (!rows.is_empty()).then(|| {
                let mut out = batch.gather(&rows);
                out.set(self.how.expand.relationship, Column::Values(lists));
                out
            });
            if at < batch.rows || self.memory_bytes > 0 {
                self.under_way = Some((batch, at));
            }
            if out.is_some() {
                return Ok(out);
            }
        }
    }
}
