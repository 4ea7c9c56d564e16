//! Relationships of nodes, whole batches of nodes at a time.

use types::{Failure, NodeRef, RelationshipId, TypeId, Value};

use super::{Expand, Operator};
use crate::expression::Context;
use crate::source::{Expansion, RelationshipRecord};
use crate::{Batch, Column};

/// For each row, the relationships of a node.
pub(super) struct ExpandAll {
    input: Box<dyn Operator>,
    how: Expand,
    /// The batch under way, what was found for it, and how much of that has been handed on.
    under_way: Option<(Batch, Vec<Step>, usize)>,
}

/// One relationship found, and the row that it was found for.
type Step = (usize, RelationshipRecord);

impl ExpandAll {
    pub fn new(input: Box<dyn Operator>, how: Expand) -> Self {
        Self { input, how, under_way: None }
    }

    /// Reads the relationships of every node of a batch; rows without a node have none.
    fn steps(&self, batch: &Batch, types: &[TypeId], context: &mut Context<'_>) -> Result<Vec<Step>, Failure> {
        let (mut rows, mut nodes) = (Vec::new(), Vec::new());
        for row in 0..batch.rows {
            if let Value::NodeRef(node) = batch.columns[self.how.from].get(row) {
                rows.push(row);
                nodes.push(node.id);
            }
        }
        let wanted = (!types.is_empty()).then_some(types);
        let mut found = Expansion::default();
        context.sources[usize::from(self.how.source)].expand(&nodes, self.how.direction, wanted, &mut found)?;
        context.budget.pay_rows(found.found.len().max(1))?;
        let mut steps = Vec::with_capacity(found.found.len());
        let mut start = 0;
        for (row, end) in rows.into_iter().zip(found.ends) {
            steps.extend(
                found.found[start..end].iter().filter(|step| self.fits(batch, row, step)).map(|step| (row, *step)),
            );
            start = end;
        }
        Ok(steps)
    }

    /// Tells whether a relationship may stand in a row: its end where that is given, and not there already.
    fn fits(&self, batch: &Batch, row: usize, step: &RelationshipRecord) -> bool {
        let holds = |slot: usize| batch.columns.get(slot).map_or(Value::Null, |column| column.get(row));
        if self.how.into {
            let end = NodeRef { source: self.how.source, id: step.neighbour };
            if !matches!(holds(self.how.to), Value::NodeRef(node) if node == end) {
                return false;
            }
        }
        let source = self.how.source;
        !self.how.distinct_from.iter().any(|slot| has_relationship(&holds(*slot), source, step.relationship.id))
    }
}

/// Finds the types that are followed; `None` where none of them ever was, so that nothing matches.
pub(super) fn known_types(how: &Expand, context: &Context<'_>) -> Option<Vec<TypeId>> {
    let source = &context.sources[usize::from(how.source)];
    let known: Vec<TypeId> = how.types.iter().filter_map(|name| source.type_id(name)).collect();
    (how.types.is_empty() || !known.is_empty()).then_some(known)
}

/// Tells whether a value is a relationship, or a list with it in it.
pub(super) fn has_relationship(value: &Value, source: u16, id: RelationshipId) -> bool {
    match value {
        Value::RelationshipRef(found) => found.id == id && found.source == source,
        Value::List(items) => items.iter().any(|item| has_relationship(item, source, id)),
        _ => false,
    }
}

impl Operator for ExpandAll {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        let Some(types) = known_types(&self.how, context) else { return Ok(None) };
        loop {
            let Some((batch, steps, done)) = &mut self.under_way else {
                let Some(batch) = self.input.next(context)? else { return Ok(None) };
                let steps = self.steps(&batch, &types, context)?;
                self.under_way = Some((batch, steps, 0));
                continue;
            };
            let end = steps.len().min(*done + Batch::ROWS_MAX);
            let run = &steps[*done..end];
            if run.is_empty() {
                self.under_way = None;
                continue;
            }
            let mut out = batch.gather(&run.iter().map(|(row, _)| *row).collect::<Vec<_>>());
            let relationships = run.iter().map(|(_, step)| Value::RelationshipRef(Box::new(step.relationship)));
            out.set(self.how.relationship, Column::Values(relationships.collect()));
            if !self.how.into {
                let ids = run.iter().map(|(_, step)| step.neighbour).collect();
                out.set(self.how.to, Column::Nodes { source: self.how.source, ids });
            }
            *done = end;
            return Ok(Some(out));
        }
    }
}
