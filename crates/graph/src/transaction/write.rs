//! Writes of a transaction: each goes to the overlay, and is seen by the next read.
//! Leaves the check of conflicts and the store to the commit.
//! Start reading at [`Transaction::create_node`].

use std::sync::Arc;

use types::{CompactString, KeyId, LabelId, NodeId, RelationshipId, TypeId, Value};

use super::state::{NodeState, RelationshipState, set_properties};
use super::{IndexDefinition, Transaction};
use crate::GraphError;
use crate::codec::fact::{IndexKind, IndexOn, IndexOptions};
use crate::codec::value::check_storable;
use crate::keys::{Counted, Entity, TokenKind};
use crate::tokens::REFUSED;

/// What a new index is to be.
#[derive(Clone, Debug)]
pub struct NewIndex {
    /// Its name.
    pub name: CompactString,
    /// Whose entries it has.
    pub on: IndexOn,
    /// The property keys, one or more.
    pub keys: Vec<KeyId>,
    /// What it is made for.
    pub kind: IndexKind,
    /// Settings that its kind knows, by name.
    pub options: IndexOptions,
}

impl NewIndex {
    /// Describes an index without settings.
    pub fn new(name: impl Into<CompactString>, on: IndexOn, keys: Vec<KeyId>, kind: IndexKind) -> Self {
        Self { name: name.into(), on, keys, kind, options: IndexOptions::new() }
    }

    /// Refuses a name that is taken, and an index that would be another one over again.
    pub(crate) fn check_against<'i>(
        &self,
        indexes: impl IntoIterator<Item = &'i IndexDefinition>,
    ) -> Result<(), GraphError> {
        for index in indexes {
            if index.name == self.name {
                return Err(GraphError::IndexExists { name: self.name.clone() });
            }
            if index.on == self.on && index.keys == self.keys && index.kind == self.kind {
                return Err(GraphError::EquivalentIndexExists { name: index.name.clone() });
            }
        }
        if self.keys.is_empty() && self.kind != IndexKind::Lookup {
            Err(GraphError::IndexNeedsKeys { name: self.name.clone() })
        } else {
            Ok(())
        }
    }
}

impl Transaction {
    /// Gives the number of a name, a new one if nobody used the name before.
    ///
    /// A new name is stored with the commit, used or not; it is forgotten where there is none, and where what made it is
    /// undone.
    /// Errors: [`GraphError::NameTooLong`] beyond [`crate::tokens::NAME_MAX_BYTES`], [`GraphError::NameRefused`].
    pub fn make_token(&self, kind: TokenKind, name: &str) -> Result<u32, GraphError> {
        // Nearly every name is there already.
        let stored = self.database.tokens().find(kind, name);
        stored.map_or_else(|| self.made.lock().make(kind, name), Ok)
    }

    /// Makes a node; properties that are null are left out.
    pub fn create_node(&mut self, labels: &[LabelId], properties: &[(KeyId, Value)]) -> Result<NodeId, GraphError> {
        labels.iter().try_for_each(|label| check_token(label.0))?;
        self.database.quotas().check_node(self.overlay.count_change(Counted::Nodes))?;
        let mut node = NodeState { labels: labels.into(), properties: collect(properties)? };
        node.labels.sort_unstable();
        node.labels.dedup();
        let id = self.database.next_node();
        let place = self.overlay.savepoint();
        self.overlay.put_node(id, None, Some(Arc::new(node)));
        self.unless_taken(place, Entity::Node(id))?;
        Ok(id)
    }

    /// Makes a relationship between two nodes; properties that are null are left out.
    pub fn create_relationship(
        &mut self,
        start: NodeId,
        kind: TypeId,
        end: NodeId,
        properties: &[(KeyId, Value)],
    ) -> Result<RelationshipId, GraphError> {
        for node in [start, end] {
            if !self.has_node(node)? {
                return Err(GraphError::NotFound { entity: Entity::Node(node) });
            }
        }
        check_token(kind.0)?;
        self.database.quotas().check_relationship(self.overlay.count_change(Counted::Relationships))?;
        let state = RelationshipState { kind, start, end, properties: collect(properties)? };
        let id = self.database.next_relationship();
        let place = self.overlay.savepoint();
        self.overlay.put_relationship(id, None, Some(Arc::new(state)));
        self.unless_taken(place, Entity::Relationship(id))?;
        Ok(id)
    }

    /// Sets a property; null removes it.
    pub fn set_property(&mut self, entity: Entity, key: KeyId, value: Value) -> Result<(), GraphError> {
        self.set_properties(entity, &[(key, value)])
    }

    /// Sets many properties as one change; null removes one, and the last of several values counts.
    pub fn set_properties(&mut self, entity: Entity, changes: &[(KeyId, Value)]) -> Result<(), GraphError> {
        for (key, value) in changes.iter().filter(|(_, value)| !value.is_null()) {
            check_token(key.0)?;
            check_storable(value)?;
        }
        match entity {
            Entity::Node(id) => self.change_node(id, |node| set_properties(&mut node.properties, changes)),
            Entity::Relationship(id) => {
                let before = self.relationship(id)?.ok_or(GraphError::NotFound { entity })?;
                let mut now = RelationshipState::clone(&before);
                set_properties(&mut now.properties, changes);
                let place = self.overlay.savepoint();
                self.overlay.put_relationship(id, Some(before), Some(Arc::new(now)));
                self.unless_taken(place, entity)
            }
        }
    }

    /// Removes a property, if it is there.
    pub fn remove_property(&mut self, entity: Entity, key: KeyId) -> Result<(), GraphError> {
        self.set_property(entity, key, Value::Null)
    }

    /// Adds a label to a node, if it is not there.
    pub fn add_label(&mut self, id: NodeId, label: LabelId) -> Result<(), GraphError> {
        self.add_labels(id, &[label])
    }

    /// Adds those of many labels that a node does not have, as one change.
    pub fn add_labels(&mut self, id: NodeId, labels: &[LabelId]) -> Result<(), GraphError> {
        labels.iter().try_for_each(|label| check_token(label.0))?;
        self.change_node(id, |node| {
            node.labels.extend_from_slice(labels);
            node.labels.sort_unstable();
            node.labels.dedup();
        })
    }

    /// Removes a label from a node, if it is there.
    pub fn remove_label(&mut self, id: NodeId, label: LabelId) -> Result<(), GraphError> {
        self.change_node(id, |node| node.labels.retain(|own| *own != label))
    }

    /// Deletes a node; its relationships must be gone when the transaction commits.
    pub fn delete_node(&mut self, id: NodeId) -> Result<(), GraphError> {
        let before = self.node(id)?.ok_or(GraphError::NotFound { entity: Entity::Node(id) })?;
        self.overlay.put_node(id, Some(before), None);
        Ok(())
    }

    /// Deletes a relationship.
    pub fn delete_relationship(&mut self, id: RelationshipId) -> Result<(), GraphError> {
        let before = self.relationship(id)?.ok_or(GraphError::NotFound { entity: Entity::Relationship(id) })?;
        self.overlay.put_relationship(id, Some(before), None);
        Ok(())
    }

    fn change_node(&mut self, id: NodeId, change: impl FnOnce(&mut NodeState)) -> Result<(), GraphError> {
        let before = self.node(id)?.ok_or(GraphError::NotFound { entity: Entity::Node(id) })?;
        let mut now = NodeState::clone(&before);
        change(&mut now);
        let place = self.overlay.savepoint();
        self.overlay.put_node(id, Some(before), Some(Arc::new(now)));
        self.unless_taken(place, Entity::Node(id))
    }
}

/// Refuses the number that stands for a name that was too long.
fn check_token(id: u32) -> Result<(), GraphError> {
    if id == REFUSED { Err(GraphError::NameTooLong { bytes: 0 }) } else { Ok(()) }
}

/// Sorts properties by key; the last of several values counts, and null leaves none.
pub(crate) fn collect(properties: &[(KeyId, Value)]) -> Result<Vec<(KeyId, Value)>, GraphError> {
    let mut out = Vec::with_capacity(properties.len());
    for (key, value) in properties {
        if !value.is_null() {
            check_token(key.0)?;
            check_storable(value)?;
        }
    }
    set_properties(&mut out, properties);
    Ok(out)
}
