//! What a transaction writes, held against the constraints: equal values at once, the rest at the end.
//! Leaves the wording to `constraint`, and concurrent transactions to the marks of the reads that are made here.
//! Start reading at [`Transaction::unless_taken`].

use std::sync::Arc;

use types::{IndexId, KeyId, NodeId, RelationshipId, Value};

use super::schema::{Values, of_node, of_relationship};
use super::state::property;
use super::{OverlaySavepoint, Page, Transaction, pay};
use crate::GraphError;
use crate::codec::fact::{ConstraintDefinition, IndexDefinition};
use crate::constraint::words::Words;
use crate::constraint::{Violation, hold};
use crate::keys::Entity;
use crate::read::Seek;

impl Transaction {
    /// Goes back to `place` if what was written since is against a constraint.
    pub(super) fn unless_taken(&mut self, place: OverlaySavepoint, entity: Entity) -> Result<(), GraphError> {
        self.enforce_unique(entity).inspect_err(|_| {
            self.overlay.rollback_to(place);
            self.own.get_mut().clear();
        })
    }

    /// Refuses what an entity has become if another one has the same values under a constraint.
    ///
    /// The look into the index is noted as a read of that value, so that of two transactions that write it at the
    /// same time only one commits.
    fn enforce_unique(&self, entity: Entity) -> Result<(), GraphError> {
        if self.schema.constraints.is_empty() {
            return Ok(());
        }
        let constraints = Arc::clone(&self.schema.constraints);
        for constraint in constraints.iter() {
            let Some(index) = constraint.index.and_then(|index| self.index_of(index)) else { continue };
            let Some(values) = self.new_values(index, entity) else { continue };
            let others = self.seek_two(index.id, values.clone())?;
            if let Some(other) = others.into_iter().find(|other| *other != entity) {
                return Err(GraphError::Violated(Box::new(Violation::taken(self.words(), constraint, other, values))));
            }
        }
        Ok(())
    }

    /// Checks that what was changed has the values and types that constraints ask for.
    pub(super) fn enforce_values(&self) -> Result<(), GraphError> {
        if self.schema.constraints.is_empty() {
            return Ok(());
        }
        let asked = |it: &&ConstraintDefinition| it.index.is_none() || it.kind.needs_values();
        let constraints: Vec<&ConstraintDefinition> = self.schema.constraints.iter().filter(asked).collect();
        if constraints.is_empty() {
            return Ok(());
        }
        let refused = GraphError::Violated;
        for (id, change) in self.overlay.nodes() {
            pay()?;
            let Some(now) = change.now.as_deref() else { continue };
            for it in constraints.iter().filter(|it| it.on.takes_node(|label| now.has(label))) {
                let value = |key: KeyId| property(&now.properties, key).cloned();
                hold(self.words(), it, Entity::Node(id), value).map_err(refused)?;
            }
        }
        for (id, change) in self.overlay.relationships() {
            pay()?;
            let Some(now) = change.now.as_deref() else { continue };
            for it in constraints.iter().filter(|it| it.on.takes_kind(now.kind)) {
                let value = |key: KeyId| property(&now.properties, key).cloned();
                hold(self.words(), it, Entity::Relationship(id), value).map_err(refused)?;
            }
        }
        Ok(())
    }

    pub(super) fn words(&self) -> Words<'_> {
        Words(self.database.tokens())
    }

    fn index_of(&self, index: IndexId) -> Option<&IndexDefinition> {
        self.schema.indexes.iter().find(|known| known.id == index)
    }

    /// Gives what an index is to have of a changed entity, unless it had that before.
    fn new_values(&self, index: &IndexDefinition, entity: Entity) -> Option<Vec<Value>> {
        let owned = |values: Values<'_>| values.into_iter().cloned().collect::<Vec<Value>>();
        let (before, now) = match entity {
            Entity::Node(id) => {
                let change = self.overlay.node(id)?;
                (of_node(index, change.before.as_deref()), of_node(index, change.now.as_deref()))
            }
            Entity::Relationship(id) => {
                let change = self.overlay.relationship(id)?;
                (of_relationship(index, change.before.as_deref()), of_relationship(index, change.now.as_deref()))
            }
        };
        let now = now?;
        // What it had before was unique when it got it, and its old entry still stands for it.
        if before.as_ref() == Some(&now) { None } else { Some(owned(now)) }
    }

    fn seek_two(&self, index: IndexId, values: Vec<Value>) -> Result<Vec<Entity>, GraphError> {
        let (seek, page) = (Seek::Equal(values), Page { after: None, limit: 2 });
        if self.index_of(index).is_some_and(|index| index.on.is_nodes()) {
            let mut found: Vec<NodeId> = Vec::new();
            self.seek_page(index, &seek, page, &mut found)?;
            Ok(found.into_iter().map(Entity::Node).collect())
        } else {
            let mut found: Vec<RelationshipId> = Vec::new();
            self.seek_relationship_page(index, &seek, page, &mut found)?;
            Ok(found.into_iter().map(Entity::Relationship).collect())
        }
    }
}
