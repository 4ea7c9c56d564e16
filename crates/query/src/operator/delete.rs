//! Entities deleted as rows go by.

use types::{Direction, Failure, NodeId, NodeRef, RelationshipId, Value};

use super::Operator;
use super::properties::source;
use crate::Batch;
use crate::expression::{Compiled, Context, evaluate, mismatch};
use crate::source::Expansion;

/// The rows, entities deleted as they go by.
pub(super) struct Delete {
    pub input: Box<dyn Operator>,
    pub targets: Vec<Compiled>,
    pub detach: bool,
}

/// What a batch deletes, each in one source; an entity may come more than once.
#[derive(Default)]
struct Doomed {
    nodes: Vec<NodeRef>,
    relationships: Vec<(u16, RelationshipId)>,
}

impl Operator for Delete {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        let Some(batch) = self.input.next(context)? else { return Ok(None) };
        let mut doomed = Doomed::default();
        for target in &self.targets {
            let column = evaluate(target, &batch, context)?;
            (0..batch.rows).try_for_each(|row| doomed.add(&column.get(row)))?;
        }
        if self.detach {
            doomed.add_attached(context)?;
        }
        doomed.delete(context)?;
        Ok(Some(batch))
    }
}

impl Doomed {
    fn add(&mut self, target: &Value) -> Result<(), Failure> {
        match target {
            Value::Null => {}
            Value::NodeRef(node) => self.nodes.push(*node),
            Value::RelationshipRef(found) => self.relationships.push((found.source, found.id)),
            Value::PathRef(path) => {
                self.nodes.extend(path.nodes());
                self.relationships.extend(path.relationships.iter().map(|found| (found.source, found.id)));
            }
            other => return Err(mismatch("Node, Path or Relationship", other)),
        }
        Ok(())
    }

    /// Adds the relationships that hang on the nodes.
    fn add_attached(&mut self, context: &mut Context<'_>) -> Result<(), Failure> {
        self.nodes.sort_unstable();
        self.nodes.dedup();
        for nodes in self.nodes.chunk_by(|left, right| left.source == right.source) {
            let number = nodes[0].source;
            let mut ids: Vec<NodeId> = Vec::with_capacity(nodes.len());
            for node in nodes {
                // An earlier row may have deleted it.
                if source(context, number).has_node(node.id)? {
                    ids.push(node.id);
                }
            }
            let mut attached = Expansion::default();
            source(context, number).expand(&ids, Direction::Both, None, &mut attached)?;
            context.budget.pay_rows(attached.found.len())?;
            self.relationships.extend(attached.found.iter().map(|found| (number, found.relationship.id)));
        }
        Ok(())
    }

    /// Deletes relationships first: a node may only go once nothing hangs on it.
    fn delete(mut self, context: &mut Context<'_>) -> Result<(), Failure> {
        context.budget.pay_rows(self.nodes.len() + self.relationships.len())?;
        self.relationships.sort_unstable();
        self.relationships.dedup();
        for (number, id) in self.relationships {
            let was_there = source(context, number).delete_relationship(id)?;
            context.counters.relationships_deleted += u64::from(was_there);
            context.hold_changes(number)?;
        }
        for node in self.nodes {
            let was_there = source(context, node.source).delete_node(node.id)?;
            context.counters.nodes_deleted += u64::from(was_there);
            context.hold_changes(node.source)?;
        }
        Ok(())
    }
}
