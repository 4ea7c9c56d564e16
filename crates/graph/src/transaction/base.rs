//! Whole states of entities as one reader has them: what a transaction lays its changes over.
//! Leaves the bytes to `codec` and `keys`; knows nothing of transactions.
//! Start reading at [`Base`].

use std::ops::Bound;

use store::{KEY_MAX_BYTES, Reader};
use types::{IndexId, KeyId, LabelId, NodeId, RelationshipId, TypeId, Value};

use super::IndexDefinition;
use super::overlay::{NodeState, RelationshipState};
use super::schema::{Seek, of_node, of_relationship};
use crate::GraphError;
use crate::codec::adjacency;
use crate::codec::fact::{IndexOn, decode_count, decode_number};
use crate::codec::label::Members;
use crate::codec::record::{NodeRecord, Properties, RelationshipRecord, Stored, join_parts};
use crate::codec::value;
use crate::keys::{self, Counted, Entity, Meta, Side};

/// Reads whole entities out of a snapshot or a write transaction.
#[derive(Clone, Copy)]
pub(crate) struct Base<'a> {
    reader: &'a dyn Reader,
}

impl<'a> Base<'a> {
    pub fn new(reader: &'a dyn Reader) -> Self {
        Self { reader }
    }

    pub fn number(self, meta: Meta) -> Result<u64, GraphError> {
        self.reader.get(&keys::meta(meta))?.map_or(Ok(0), decode_number)
    }

    pub fn count_signed(self, counted: Counted) -> Result<i64, GraphError> {
        self.reader.get(&keys::count(counted))?.map_or(Ok(0), decode_count)
    }

    pub fn count(self, counted: Counted) -> Result<u64, GraphError> {
        u64::try_from(self.count_signed(counted)?).map_err(|_| GraphError::damaged("a count is negative"))
    }

    pub fn has_node(self, id: NodeId) -> Result<bool, GraphError> {
        Ok(self.reader.get(&keys::node(id))?.is_some())
    }

    pub fn node(self, id: NodeId) -> Result<Option<NodeState>, GraphError> {
        let Some(bytes) = self.reader.get(&keys::node(id))? else { return Ok(None) };
        let record = NodeRecord::decode(id, bytes)?;
        let properties = self.properties(Entity::Node(id), record.properties)?;
        Ok(Some(NodeState { labels: record.labels, properties }))
    }

    pub fn relationship(self, id: RelationshipId) -> Result<Option<RelationshipState>, GraphError> {
        let bytes = self.reader.get(&keys::relationship(id))?;
        bytes.map(|bytes| self.relationship_of(id, bytes)).transpose()
    }

    fn relationship_of(self, id: RelationshipId, bytes: &[u8]) -> Result<RelationshipState, GraphError> {
        let RelationshipRecord { start, end, kind, properties, .. } = RelationshipRecord::decode(id, bytes)?;
        let properties = self.properties(Entity::Relationship(id), properties)?;
        Ok(RelationshipState { kind, start, end, properties })
    }

    fn properties(self, entity: Entity, properties: Properties<'_>) -> Result<Vec<(KeyId, Value)>, GraphError> {
        let mut out = Vec::with_capacity(properties.len());
        for property in properties.iter() {
            let (key, stored) = property?;
            let value = match stored {
                Stored::Here(bytes) => value::decode(bytes)?,
                Stored::Long { parts } => self.long(entity, key, parts)?,
            };
            out.push((key, value));
        }
        Ok(out)
    }

    fn long(self, entity: Entity, key: KeyId, parts: u32) -> Result<Value, GraphError> {
        let mut found = Vec::new();
        for part in 0..parts {
            let bytes = self.reader.get(&keys::long(entity, key, part))?;
            found.push(bytes.ok_or_else(|| GraphError::damaged("a part of a long value is missing"))?);
        }
        join_parts(found)
    }

    /// Appends up to `limit` nodes after `after`, in order of id.
    pub fn nodes(
        self,
        label: Option<LabelId>,
        after: Option<NodeId>,
        limit: usize,
        out: &mut Vec<NodeId>,
    ) -> Result<(), GraphError> {
        let Some(first) = after.map_or(Some(0), |after| after.0.checked_add(1)) else { return Ok(()) };
        let end = out.len() + limit;
        let Some(label) = label else {
            let (from, to) = (keys::node(NodeId(first)), keys::after_prefix(&[keys::Table::Node as u8]));
            return Ok(self.reader.scan(&from[..]..&to[..], &mut |key, _| {
                out.extend(keys::u64_at(key, 1).map(NodeId));
                out.len() < end
            })?);
        };
        let from = keys::label(label, NodeId(first));
        let to = keys::after_prefix(&from[..5]);
        let mut failed = None;
        self.reader.scan(&from[..]..&to[..], &mut |key, block| {
            let start = keys::u64_at(key, 5).unwrap_or_default() * keys::LABEL_BLOCK_NODES;
            match Members::decode(block) {
                Ok(members) => {
                    let ids = members.iter().map(|place| start + u64::from(place)).filter(|id| *id >= first);
                    out.extend(ids.take(end - out.len()).map(NodeId));
                }
                Err(error) => failed = Some(error),
            }
            out.len() < end && failed.is_none()
        })?;
        failed.map_or(Ok(()), Err)
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
            match self.relationship_of(id, bytes) {
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

    pub fn indexes(self) -> Result<Vec<IndexDefinition>, GraphError> {
        let from = [keys::Table::Index as u8];
        let mut indexes = Ok(Vec::new());
        self.reader.scan(&from[..]..&keys::after_prefix(&from)[..], &mut |key, bytes| {
            let id = IndexId(keys::u32_at(key, 1).unwrap_or_default());
            match (&mut indexes, IndexDefinition::decode(id, bytes)) {
                (Ok(list), Ok(index)) => list.push(index),
                (_, Err(error)) => indexes = Err(error),
                (Err(_), _) => {}
            }
            indexes.is_ok()
        })?;
        indexes
    }

    /// Appends the ids that an index has for `seek`, in the index's order.
    pub fn seek(self, index: &IndexDefinition, seek: &Seek, out: &mut Vec<u64>) -> Result<(), GraphError> {
        let (from, to) = bounds(index.id, seek)?;
        if from >= to {
            return Ok(());
        }
        let mut cut = Vec::new();
        self.reader.scan(&from[..]..&to[..], &mut |key, _| {
            if let Some(id) = key.len().checked_sub(8).and_then(|at| keys::u64_at(key, at)) {
                if keys::order::is_cut(key) {
                    cut.push(id);
                } else {
                    out.push(id);
                }
            }
            true
        })?;
        for id in cut {
            let values = match index.on {
                IndexOn::Label(_) => of_node(index, self.node(NodeId(id))?.as_ref()),
                IndexOn::Type(_) => of_relationship(index, self.relationship(RelationshipId(id))?.as_ref()),
            };
            if values.is_some_and(|values| seek.accepts(&values)) {
                out.push(id);
            }
        }
        Ok(())
    }
}

/// Gives the keys between which the entries lie; values that were cut are compared afterwards.
fn bounds(index: IndexId, seek: &Seek) -> Result<(Vec<u8>, Vec<u8>), GraphError> {
    let all = keys::entries_of_index(index);
    let key_of = |values: &[Value]| {
        let mut key = all.to_vec();
        values.iter().try_for_each(|value| keys::order::encode(value, &mut key))?;
        let is_cut = key.len() > KEY_MAX_BYTES - 8;
        key.truncate(KEY_MAX_BYTES - 8);
        Ok::<_, GraphError>((key, is_cut))
    };
    Ok(match seek {
        Seek::All => (all.to_vec(), keys::after_prefix(&all)),
        Seek::Equal(values) => {
            let (key, _) = key_of(values)?;
            let end = keys::after_prefix(&key);
            (key, end)
        }
        Seek::Prefix(prefix) => {
            let mut key = [&all[..], &keys::order::string_prefix(prefix)].concat();
            key.truncate(KEY_MAX_BYTES - 8);
            let end = keys::after_prefix(&key);
            (key, end)
        }
        Seek::Range { lower, upper } => {
            let of_type = |value: &Value| Ok::<_, GraphError>([&all[..], &[keys::order::tag(value)?]].concat());
            let from = match (lower, upper) {
                (Bound::Included(value), _) => key_of(std::slice::from_ref(value))?.0,
                (Bound::Excluded(value), _) => match key_of(std::slice::from_ref(value))? {
                    (key, true) => key,
                    (key, false) => keys::after_prefix(&key),
                },
                (Bound::Unbounded, Bound::Included(value) | Bound::Excluded(value)) => of_type(value)?,
                (Bound::Unbounded, Bound::Unbounded) => all.to_vec(),
            };
            let to = match (upper, lower) {
                (Bound::Included(value), _) => keys::after_prefix(&key_of(std::slice::from_ref(value))?.0),
                (Bound::Excluded(value), _) => match key_of(std::slice::from_ref(value))? {
                    (key, true) => keys::after_prefix(&key),
                    (key, false) => key,
                },
                (Bound::Unbounded, Bound::Included(value) | Bound::Excluded(value)) => {
                    keys::after_prefix(&of_type(value)?)
                }
                (Bound::Unbounded, Bound::Unbounded) => keys::after_prefix(&all),
            };
            (from, to)
        }
    })
}
