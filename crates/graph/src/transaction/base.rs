//! Whole states of entities as one reader has them: what a transaction lays its changes over.
//! Leaves the bytes to `codec` and `keys`; knows nothing of transactions.
//! Start reading at [`Base`].

use store::Reader;
use types::{LabelId, NodeId, RelationshipId, TypeId};

use super::IndexDefinition;
use super::overlay::{NodeState, RelationshipState};
use crate::GraphError;
use crate::codec::adjacency;
use crate::codec::record::RelationshipRecord;
use crate::keys::{self, Counted, Entity, Meta, Side};
use crate::read::{Seek, View};

/// Reads whole entities out of a snapshot or a write transaction.
#[derive(Clone, Copy)]
pub(crate) struct Base<'a> {
    reader: &'a dyn Reader,
    view: View<'a>,
}

impl<'a> Base<'a> {
    pub fn new(reader: &'a dyn Reader) -> Self {
        Self { reader, view: View::new(reader) }
    }

    pub fn number(self, meta: Meta) -> Result<u64, GraphError> {
        self.view.number(meta)
    }

    pub fn count_signed(self, counted: Counted) -> Result<i64, GraphError> {
        self.view.count(counted)
    }

    pub fn count(self, counted: Counted) -> Result<u64, GraphError> {
        u64::try_from(self.count_signed(counted)?).map_err(|_| GraphError::damaged("a count is negative"))
    }

    pub fn has_node(self, id: NodeId) -> Result<bool, GraphError> {
        self.view.has_node(id)
    }

    pub fn node(self, id: NodeId) -> Result<Option<NodeState>, GraphError> {
        let Some(record) = self.view.node(id)? else { return Ok(None) };
        let properties = self.view.properties(Entity::Node(id), &record.properties)?;
        Ok(Some(NodeState { labels: record.labels, properties }))
    }

    pub fn relationship(self, id: RelationshipId) -> Result<Option<RelationshipState>, GraphError> {
        let Some(record) = self.view.relationship(id)? else { return Ok(None) };
        self.relationship_of(&record).map(Some)
    }

    fn relationship_of(self, record: &RelationshipRecord<'_>) -> Result<RelationshipState, GraphError> {
        let properties = self.view.properties(Entity::Relationship(record.id), &record.properties)?;
        Ok(RelationshipState { kind: record.kind, start: record.start, end: record.end, properties })
    }

    /// Appends up to `limit` nodes after `after`, in order of id.
    pub fn nodes(
        self,
        label: Option<LabelId>,
        after: Option<NodeId>,
        limit: usize,
        out: &mut Vec<NodeId>,
    ) -> Result<(), GraphError> {
        match label {
            Some(label) => self.view.scan_label(label, after, limit, out),
            None => self.view.scan_nodes(after, limit, out),
        }
    }

    /// Hands relationships after `after` to `visit`, in order of id, until it returns `false`.
    pub fn relationships(
        self,
        after: Option<RelationshipId>,
        visit: &mut dyn FnMut(RelationshipId, &RelationshipState) -> bool,
    ) -> Result<(), GraphError> {
        let Some(first) = after.map_or(Some(0), |after| after.0.checked_add(1)) else { return Ok(()) };
        let (from, to) =
            (keys::relationship(RelationshipId(first)), keys::after_prefix(&[keys::Table::Relationship as u8]));
        let mut failed = None;
        self.reader.scan(&from[..]..&to[..], &mut |key, bytes| {
            let id = RelationshipId(keys::u64_at(key, 1).unwrap_or_default());
            match RelationshipRecord::decode(id, bytes).and_then(|record| self.relationship_of(&record)) {
                Ok(state) => visit(id, &state),
                Err(error) => {
                    failed = Some(error);
                    false
                }
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// Hands type, neighbour and relationship of one side of a node to `visit`.
    pub fn adjacent(
        self,
        node: NodeId,
        side: Side,
        types: Option<&[TypeId]>,
        visit: &mut dyn FnMut(TypeId, NodeId, RelationshipId),
    ) -> Result<(), GraphError> {
        match types {
            None => self.adjacent_in(&keys::adjacency_of_node(node, side), visit),
            Some(types) => types
                .iter()
                .enumerate()
                .filter(|(at, kind)| !types[..*at].contains(kind))
                .try_for_each(|(_, kind)| self.adjacent_in(&keys::adjacency_of_type(node, side, *kind), visit)),
        }
    }

    fn adjacent_in(
        self,
        prefix: &[u8],
        visit: &mut dyn FnMut(TypeId, NodeId, RelationshipId),
    ) -> Result<(), GraphError> {
        let mut failed = None;
        self.reader.scan(prefix..&keys::after_prefix(prefix)[..], &mut |key, block| {
            let kind = TypeId(keys::u32_at(key, 10).unwrap_or_default());
            failed = adjacency::visit(block, |(neighbour, relationship)| visit(kind, neighbour, relationship)).err();
            failed.is_none()
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// Appends the ids that an index has for `seek`, in the index's order.
    pub fn seek(self, index: &IndexDefinition, seek: &Seek, out: &mut Vec<u64>) -> Result<(), GraphError> {
        self.view.seek_index(index, seek, None, usize::MAX, out).map(drop)
    }
}
