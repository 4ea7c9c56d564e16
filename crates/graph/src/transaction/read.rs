//! Reads of a transaction: the snapshot and its own changes as one graph.
//! Leaves to `base` how the snapshot is read, and to `validate` what the noted reads are for.
//! Start reading at [`Transaction::scan_nodes`].

use std::sync::Arc;

use types::{CompactString, Direction, IndexId, KeyId, LabelId, NodeId, RelationshipId, TypeId, Value};

use super::base::Base;
use super::overlay::{NodeState, RelationshipState, property};
use super::schema::{self, hash, of_node, of_relationship};
use super::validate::Mark;
use super::{IndexDefinition, Transaction};
use crate::GraphError;
use crate::codec::fact::IndexOn;
use crate::keys::{Counted, Entity, Side, TokenKind};
use crate::read::{IndexSize, Seek, View};

/// One relationship seen from one of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step {
    /// The place of the node among those that were expanded.
    pub input: usize,
    /// The node at the other end.
    pub neighbour: NodeId,
    /// The relationship.
    pub relationship: RelationshipId,
    /// Its type.
    pub kind: TypeId,
    /// The node where it starts.
    pub start: NodeId,
    /// The node where it ends.
    pub end: NodeId,
}

impl Transaction {
    pub(super) fn base(&self) -> Base<'_> {
        Base::new(&*self.snapshot)
    }

    pub(super) fn note(&self, mark: Mark) {
        if self.is_writing {
            self.reads.lock().add(mark);
        }
    }

    /// Appends up to `limit` nodes after `after` in order of id; fewer means that there are no more.
    pub fn scan_nodes(
        &self,
        label: Option<LabelId>,
        after: Option<NodeId>,
        limit: usize,
        out: &mut Vec<NodeId>,
    ) -> Result<(), GraphError> {
        self.note(label.map_or(Mark::AllNodes, Mark::Label));
        let mut own = self.overlay.nodes_with(label, after).peekable();
        let mut left = limit;
        let mut base_after = after;
        while left > 0 {
            let mut batch = Vec::new();
            self.base().nodes(label, base_after, limit, &mut batch)?;
            let is_last = batch.len() < limit;
            base_after = batch.last().copied().or(base_after);
            for id in batch {
                while left > 0 && own.peek().is_some_and(|next| *next < id) {
                    out.extend(own.next());
                    left -= 1;
                }
                if left == 0 {
                    return Ok(());
                }
                if self.overlay.node(id).is_none() {
                    out.push(id);
                    left -= 1;
                }
            }
            if is_last {
                out.extend(own.take(left));
                return Ok(());
            }
        }
        Ok(())
    }

    /// Appends up to `limit` relationships after `after` in order of id; fewer means that there are no more.
    pub fn scan_relationships(
        &self,
        kind: Option<TypeId>,
        after: Option<RelationshipId>,
        limit: usize,
        out: &mut Vec<RelationshipId>,
    ) -> Result<(), GraphError> {
        self.note(kind.map_or(Mark::AllRelationships, Mark::Type));
        let base = self.base();
        let mut found = Vec::new();
        base.relationships(after, &mut |id, state| {
            let is_kind = kind.is_none_or(|kind| state.kind == kind);
            if is_kind && self.overlay.relationship(id).is_none() {
                found.push(id);
            }
            found.len() < limit
        })?;
        let is_new = |id: &RelationshipId| after.is_none_or(|after| *id > after);
        found.extend(self.overlay.relationships().filter_map(|(id, change)| {
            let now = change.now.as_ref()?;
            (is_new(&id) && kind.is_none_or(|kind| now.kind == kind)).then_some(id)
        }));
        found.sort_unstable();
        found.truncate(limit);
        out.append(&mut found);
        Ok(())
    }

    /// Gives a node's labels and properties; `None` if there is no such node.
    pub fn node(&self, id: NodeId) -> Result<Option<Arc<NodeState>>, GraphError> {
        if let Some(change) = self.overlay.node(id) {
            return Ok(change.now.clone());
        }
        self.note(Mark::Node(id));
        Ok(self.base().node(id)?.map(Arc::new))
    }

    /// Tells whether this transaction deleted a node.
    #[must_use]
    pub fn is_deleted_node(&self, id: NodeId) -> bool {
        self.overlay.node(id).is_some_and(|change| change.now.is_none())
    }

    /// Tells whether this transaction deleted a relationship.
    #[must_use]
    pub fn is_deleted_relationship(&self, id: RelationshipId) -> bool {
        self.overlay.relationship(id).is_some_and(|change| change.now.is_none())
    }

    /// Tells whether a node is there.
    pub fn has_node(&self, id: NodeId) -> Result<bool, GraphError> {
        if let Some(change) = self.overlay.node(id) {
            return Ok(change.now.is_some());
        }
        self.note(Mark::Existence(id));
        self.base().has_node(id)
    }

    /// Gives a node's labels, sorted; none if there is no such node.
    pub fn labels(&self, id: NodeId) -> Result<Vec<LabelId>, GraphError> {
        Ok(self.node(id)?.map(|node| node.labels.to_vec()).unwrap_or_default())
    }

    /// Appends for each node the values of `keys`, null where there is none.
    pub fn node_properties(&self, nodes: &[NodeId], keys: &[KeyId], out: &mut Vec<Value>) -> Result<(), GraphError> {
        for id in nodes {
            let node = self.node(*id)?;
            out.extend(keys.iter().map(|key| {
                node.as_ref().and_then(|node| property(&node.properties, *key)).cloned().unwrap_or_default()
            }));
        }
        Ok(())
    }

    /// Gives a relationship's type, ends and properties; `None` if there is no such relationship.
    pub fn relationship(&self, id: RelationshipId) -> Result<Option<Arc<RelationshipState>>, GraphError> {
        if let Some(change) = self.overlay.relationship(id) {
            return Ok(change.now.clone());
        }
        self.note(Mark::Relationship(id));
        Ok(self.base().relationship(id)?.map(Arc::new))
    }

    /// Appends the relationships of each node, by type if `types` are given; a self-relationship once.
    pub fn expand(
        &self,
        nodes: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        out: &mut Vec<Step>,
    ) -> Result<(), GraphError> {
        for (input, node) in nodes.iter().enumerate() {
            self.expand_one(input, *node, direction, types, out)?;
        }
        Ok(())
    }

    fn expand_one(
        &self,
        input: usize,
        node: NodeId,
        direction: Direction,
        types: Option<&[TypeId]>,
        out: &mut Vec<Step>,
    ) -> Result<(), GraphError> {
        let is_new = self.overlay.node(node).is_some_and(|change| change.before.is_none());
        if !is_new {
            self.note(Mark::Adjacency(node));
            for side in sides(direction) {
                self.base().adjacent(node, *side, types, &mut |kind, neighbour, relationship| {
                    let (start, end) = match side {
                        Side::Outgoing => (node, neighbour),
                        Side::Incoming => (neighbour, node),
                    };
                    let is_second = direction == Direction::Both && *side == Side::Incoming && start == end;
                    let is_gone = self.overlay.relationship(relationship).is_some_and(|change| change.now.is_none());
                    if !is_second && !is_gone {
                        out.push(Step { input, neighbour, relationship, kind, start, end });
                    }
                })?;
            }
        }
        for (relationship, state) in self.overlay.created_at(node) {
            let (kind, start, end) = (state.kind, state.start, state.end);
            let is_meant = match direction {
                Direction::Outgoing => start == node,
                Direction::Incoming => end == node,
                Direction::Both => true,
            };
            if is_meant && types.is_none_or(|types| types.contains(&kind)) {
                let neighbour = if start == node { end } else { start };
                out.push(Step { input, neighbour, relationship, kind, start, end });
            }
        }
        Ok(())
    }

    /// Gives the number of nodes, relationships, or those with a label or of a type.
    pub fn count(&self, counted: Counted) -> Result<u64, GraphError> {
        self.note(match counted {
            Counted::Nodes => Mark::AllNodes,
            Counted::Relationships => Mark::AllRelationships,
            Counted::Label(label) => Mark::Label(label),
            Counted::Type(kind) => Mark::Type(kind),
            Counted::Entries(index) => Mark::WholeIndex(index),
        });
        let base = self.base().count(counted)?;
        Ok(base.saturating_add_signed(self.overlay.count_change(counted)))
    }

    /// Lists the indexes, those that this transaction makes included.
    #[must_use]
    pub fn indexes(&self) -> Vec<IndexDefinition> {
        self.note(Mark::Schema);
        let mut indexes: Vec<IndexDefinition> = self.schema.indexes.to_vec();
        schema::change(&mut indexes, &self.schema_changes);
        indexes
    }

    /// Counts the committed entries of an index, and estimates their different values; for who plans.
    ///
    /// Notes no read: a plan may be worse for an outdated size, but never wrong.
    pub fn index_size(&self, index: IndexId) -> Result<IndexSize, GraphError> {
        let definition = self.schema.indexes.iter().find(|known| known.id == index);
        let definition = definition.ok_or_else(|| GraphError::IndexNotFound { name: index.to_string().into() })?;
        let view = View::new(&*self.snapshot);
        let entries = view.count_entries(index)?;
        if let Some(known) = self.database.schemas().size(index, entries) {
            return Ok(known.grown_to(entries));
        }
        let size = view.index_size(definition)?;
        self.database.schemas().keep_size(index, size);
        Ok(size)
    }

    /// Appends the nodes that an index has for `seek`; only indexes that are committed can be asked.
    pub fn seek_index(&self, index: IndexId, seek: &Seek, out: &mut Vec<NodeId>) -> Result<(), GraphError> {
        let (definition, found) = self.seek_base(index, seek)?;
        out.extend(found.into_iter().map(NodeId).filter(|id| self.overlay.node(*id).is_none()));
        let IndexOn::Label(label) = definition.on else { return Ok(()) };
        for id in self.overlay.nodes_with(Some(label), None) {
            let now = self.overlay.node(id).and_then(|change| change.now.as_deref());
            if of_node(definition, now).is_some_and(|values| seek.matches(&values)) {
                out.push(id);
            }
        }
        Ok(())
    }

    /// Appends the relationships that an index has for `seek`; only indexes that are committed can be asked.
    pub fn seek_relationship_index(
        &self,
        index: IndexId,
        seek: &Seek,
        out: &mut Vec<RelationshipId>,
    ) -> Result<(), GraphError> {
        let (definition, found) = self.seek_base(index, seek)?;
        let is_untouched = |id: &RelationshipId| self.overlay.relationship(*id).is_none();
        out.extend(found.into_iter().map(RelationshipId).filter(is_untouched));
        out.extend(self.overlay.relationships().filter_map(|(id, change)| {
            let values = of_relationship(definition, change.now.as_deref())?;
            seek.matches(&values).then_some(id)
        }));
        Ok(())
    }

    fn seek_base(&self, index: IndexId, seek: &Seek) -> Result<(&IndexDefinition, Vec<u64>), GraphError> {
        let Some(definition) = self.schema.indexes.iter().find(|known| known.id == index) else {
            return Err(GraphError::IndexNotFound { name: index.to_string().into() });
        };
        self.note(match schema::first_equal(seek) {
            Some(value) => Mark::Index(index, hash(value)),
            None => Mark::WholeIndex(index),
        });
        let mut found = Vec::new();
        self.base().seek(definition, seek, &mut found)?;
        Ok((definition, found))
    }

    /// Gives the number of a name, if there is such a name.
    #[must_use]
    pub fn find_token(&self, kind: TokenKind, name: &str) -> Option<u32> {
        self.database.tokens().find(kind, name)
    }

    /// Gives the name of a number.
    #[must_use]
    pub fn token_name(&self, kind: TokenKind, id: u32) -> Option<CompactString> {
        self.database.tokens().name(kind, id)
    }

    /// Gives the properties of a node or relationship, sorted by key; `None` if it is not there.
    pub fn properties(&self, entity: Entity) -> Result<Option<Vec<(KeyId, Value)>>, GraphError> {
        Ok(match entity {
            Entity::Node(id) => self.node(id)?.map(|node| node.properties.clone()),
            Entity::Relationship(id) => self.relationship(id)?.map(|relationship| relationship.properties.clone()),
        })
    }
}

fn sides(direction: Direction) -> &'static [Side] {
    match direction {
        Direction::Outgoing => &[Side::Outgoing],
        Direction::Incoming => &[Side::Incoming],
        Direction::Both => &[Side::Outgoing, Side::Incoming],
    }
}
