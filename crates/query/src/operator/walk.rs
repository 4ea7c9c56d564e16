//! Relationships followed again and again: `-[r:T*1..3]->`.

use std::sync::Arc;

use types::{Failure, NodeId, NodeRef, RelationshipRef, TypeId, Value};

use super::expand::{is_taken, known_types};
use super::{Expand, Operator};
use crate::expression::Context;
use crate::source::{Expansion, RelationshipRecord};
use crate::{Batch, Column};

/// For each row, every trail from a node whose length lies within bounds: no relationship comes twice in one.
///
/// Trails are found depth first, so that what is kept is one trail and what lies open beside it.
pub(super) struct Walk {
    input: Box<dyn Operator>,
    how: Expand,
    min: u64,
    max: Option<u64>,
    /// The types that are followed, found anew for each batch of the input; `None` where there are none.
    types: Option<Vec<TypeId>>,
    /// The batch under way, and the row that comes next.
    batch: Option<(Batch, usize)>,
    /// The trail under way, and the row that it is for.
    trail: Option<(usize, Trail)>,
}

/// A trail, and the relationships still to try at each of its nodes.
struct Trail {
    walked: Vec<RelationshipRef>,
    open: Vec<Vec<RelationshipRecord>>,
}

/// What a trail that was found puts into its row.
struct Found {
    row: usize,
    relationships: Value,
    end: NodeId,
}

impl Walk {
    pub fn new(input: Box<dyn Operator>, how: Expand, (min, max): (u64, Option<u64>)) -> Self {
        Self { input, how, min, max, types: None, batch: None, trail: None }
    }

    /// Reads the relationships of the node where a trail of `length` ends, unless it is as long as it may be.
    fn open(&self, node: NodeId, length: usize, context: &mut Context<'_>) -> Result<Vec<RelationshipRecord>, Failure> {
        let is_longest = self.max.is_some_and(|max| u64::try_from(length).is_ok_and(|length| length >= max));
        let (Some(types), false) = (&self.types, is_longest) else { return Ok(Vec::new()) };
        let wanted = (!types.is_empty()).then_some(types.as_slice());
        let mut found = Expansion::default();
        context.sources[usize::from(self.how.source)].expand(&[node], self.how.direction, wanted, &mut found)?;
        context.budget.pay_rows(found.found.len().max(1))?;
        // The last is tried first; turned round, trails come in the order of the source.
        found.found.reverse();
        Ok(found.found)
    }

    /// Begins the next row's trails; tells the trail of no relationship where that counts. `None` after the last row.
    fn begin(&mut self, context: &mut Context<'_>) -> Result<Option<Option<Found>>, Failure> {
        let Some((batch, row)) = &mut self.batch else { return Ok(None) };
        let row = std::mem::replace(row, *row + 1);
        if row >= batch.rows {
            return Ok(None);
        }
        let Value::NodeRef(start) = batch.columns[self.how.from].get(row) else { return Ok(Some(None)) };
        let open = vec![self.open(start.id, 0, context)?];
        self.trail = Some((row, Trail { walked: Vec::new(), open }));
        let none = Found { row, relationships: Value::list(Vec::new()), end: start.id };
        Ok(Some((self.min == 0 && self.ends_well(&none)).then_some(none)))
    }

    /// Goes one relationship on, or one back; gives the trail where it counts.
    fn step(&mut self, row: usize, trail: &mut Trail, context: &mut Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(next) = trail.open.last_mut().and_then(Vec::pop) else {
            trail.open.pop();
            trail.walked.pop();
            return Ok(None);
        };
        if trail.walked.iter().any(|walked| walked.id == next.relationship.id) || self.is_taken(row, &next) {
            return Ok(None);
        }
        trail.walked.push(next.relationship);
        trail.open.push(self.open(next.neighbour, trail.walked.len(), context)?);
        if u64::try_from(trail.walked.len()).is_ok_and(|length| length < self.min) {
            return Ok(None);
        }
        let walked = trail.walked.iter().map(|walked| Value::RelationshipRef(Box::new(*walked)));
        let found = Found { row, relationships: Value::List(Arc::new(walked.collect())), end: next.neighbour };
        Ok(self.ends_well(&found).then_some(found))
    }

    fn held(&self, slot: usize, row: usize) -> Value {
        let column = self.batch.as_ref().and_then(|(batch, _)| batch.columns.get(slot));
        column.map_or(Value::Null, |column| column.get(row))
    }

    /// Tells whether a trail ends at the node that is wanted, where one is.
    fn ends_well(&self, found: &Found) -> bool {
        let end = NodeRef { source: self.how.source, id: found.end };
        !self.how.into || matches!(self.held(self.how.to, found.row), Value::NodeRef(wanted) if wanted == end)
    }

    /// Tells whether another part of the pattern has the relationship, alone or in a list.
    fn is_taken(&self, row: usize, next: &RelationshipRecord) -> bool {
        let batch = self.batch.as_ref().map(|(batch, _)| batch);
        batch.is_some_and(|batch| is_taken(&self.how, batch, row, next.relationship.id))
    }

    /// Finds trails of the batch under way, a batch of them at most.
    fn found(&mut self, context: &mut Context<'_>) -> Result<Vec<Found>, Failure> {
        let mut all = Vec::new();
        while all.len() < Batch::ROWS_MAX {
            if let Some((row, mut trail)) = self.trail.take() {
                all.extend(self.step(row, &mut trail, context)?);
                if !trail.open.is_empty() {
                    self.trail = Some((row, trail));
                }
                continue;
            }
            match self.begin(context)? {
                Some(found) => all.extend(found),
                None => break,
            }
        }
        Ok(all)
    }
}

impl Operator for Walk {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            if self.batch.is_none() {
                let Some(batch) = self.input.next(context)? else { return Ok(None) };
                self.types = known_types(&self.how, context);
                self.batch = Some((batch, 0));
            }
            let found = self.found(context)?;
            let Some((batch, _)) = self.batch.as_ref().filter(|_| !found.is_empty()) else {
                self.batch = None;
                continue;
            };
            let mut out = batch.gather(&found.iter().map(|found| found.row).collect::<Vec<_>>());
            if !self.how.into {
                let ids = found.iter().map(|found| found.end).collect();
                out.set(self.how.to, Column::Nodes { source: self.how.source, ids });
            }
            let relationships = found.into_iter().map(|found| found.relationships);
            out.set(self.how.relationship, Column::Values(relationships.collect()));
            return Ok(Some(out));
        }
    }
}
