//! Relationships of a source, a batch at a time.

use types::{Direction, Failure, NodeId, RelationshipId, RelationshipRef, TypeId, Value};

use super::expand::{is_taken, known_types};
use super::{Expand, Operator};
use crate::expression::Context;
use crate::{Batch, Column};

/// For each row of the input, the relationships of a source with their two nodes.
pub(super) struct ScanRelationships {
    input: Box<dyn Operator>,
    how: Expand,
    under_way: Option<Place>,
}

/// Where a scan stands.
struct Place {
    batch: Batch,
    row: usize,
    /// Which of the types that are read.
    kind: usize,
    after: Option<RelationshipId>,
}

/// A relationship as it goes into a row: where the pattern begins and ends.
type Found = (RelationshipRef, NodeId, NodeId);

impl ScanRelationships {
    pub fn new(input: Box<dyn Operator>, how: Expand) -> Self {
        Self { input, how, under_way: None }
    }

    /// Gives each relationship the way round that is wanted, or both ways, where it fits into the row.
    fn turned(&self, batch: &Batch, row: usize, read: &[RelationshipRef]) -> Vec<Found> {
        let mut found = Vec::with_capacity(read.len());
        for relationship in read {
            let (start, end) = (relationship.start, relationship.end);
            if self.how.direction != Direction::Incoming {
                found.push((*relationship, start, end));
            }
            // Both ways, a relationship from a node to itself is the same both ways.
            if self.how.direction == Direction::Incoming || (self.how.direction == Direction::Both && start != end) {
                found.push((*relationship, end, start));
            }
        }
        found.retain(|(relationship, from, to)| {
            (!self.how.into || self.ends_well(batch, row, *from, *to))
                && !is_taken(&self.how.distinct_from, self.how.source, batch, row, relationship.id)
        });
        found
    }

    /// Tells whether a relationship ends where it has to: at the node where it begins, or at a node of the row.
    fn ends_well(&self, batch: &Batch, row: usize, from: NodeId, to: NodeId) -> bool {
        if self.how.to == self.how.from {
            return from == to;
        }
        matches!(batch.value(self.how.to, row), Value::NodeRef(node) if node.id == to && node.source == self.how.source)
    }

    fn filled(&self, batch: &Batch, row: usize, found: Vec<Found>) -> Batch {
        let source = self.how.source;
        let mut out = batch.gather(&vec![row; found.len()]);
        out.set(self.how.from, Column::Nodes { source, ids: found.iter().map(|(_, from, _)| *from).collect() });
        out.set(self.how.to, Column::Nodes { source, ids: found.iter().map(|(_, _, to)| *to).collect() });
        let relationships = found.into_iter().map(|(relationship, ..)| relationship).collect();
        out.set(self.how.relationship, Column::Relationships(relationships));
        out
    }
}

impl Operator for ScanRelationships {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        // Turned both ways, a page makes two rows of each relationship.
        let page_rows = if self.how.direction == Direction::Both { Batch::ROWS_MAX / 2 } else { Batch::ROWS_MAX };
        loop {
            let Some(mut place) = self.under_way.take() else {
                let Some(batch) = self.input.next(context)? else { return Ok(None) };
                self.under_way = Some(Place { batch, row: 0, kind: 0, after: None });
                continue;
            };
            // Only asked once there are rows: what is below may be what makes the first relationship of a type.
            let Some(types) = known_types(&self.how, context) else { continue };
            let kinds: Vec<Option<TypeId>> =
                if types.is_empty() { vec![None] } else { types.into_iter().map(Some).collect() };
            let mut read = Vec::new();
            let source = &context.sources[usize::from(self.how.source)];
            source.scan_relationships(kinds[place.kind], place.after, page_rows, &mut read)?;
            context.budget.pay_rows(read.len().max(1))?;
            let Some(last) = read.last() else {
                (place.kind, place.after) = (place.kind + 1, None);
                if place.kind == kinds.len() {
                    (place.row, place.kind) = (place.row + 1, 0);
                }
                if place.row < place.batch.rows {
                    self.under_way = Some(place);
                }
                continue;
            };
            place.after = Some(last.id);
            let found = self.turned(&place.batch, place.row, &read);
            let out = (!found.is_empty()).then(|| self.filled(&place.batch, place.row, found));
            self.under_way = Some(place);
            if out.is_some() {
                return Ok(out);
            }
        }
    }
}
