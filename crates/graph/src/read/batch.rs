//! Reads of whole batches: records, single properties and labels of many entities at a time.

use std::ops::Range;

use types::{KeyId, LabelId, NodeId, RelationshipId, Value, effort};

use super::View;
use crate::codec::label::Members;
use crate::codec::record::{NodeRecord, Properties, RelationshipRecord};
use crate::error::GraphError;
use crate::keys::{self, Entity};

/// What large values of a page may take together for it to be read whole.
const PAGE_LONG_MAX_BYTES: usize = 1 << 20;

/// A column of values for each of several keys.
pub(crate) type Columns = Vec<Box<[Value]>>;

/// Takes one value: the entity's place in the batch, the key's place among the keys, the value.
pub type PutValue<'p> = &'p mut dyn FnMut(usize, usize, Value);

impl<'a> View<'a> {
    /// Hands the record of each node that is there to `visit`, with the node's place in `ids`; in any order.
    pub fn each_node(
        &self,
        ids: &[NodeId],
        mut visit: impl FnMut(usize, NodeRecord<'_>) -> Result<(), GraphError>,
    ) -> Result<(), GraphError> {
        let stored: Vec<_> = ids.iter().map(|id| keys::node(*id)).collect();
        self.get_many(&stored, |at, sealed| visit(at, NodeRecord::decode(ids[at], sealed)?))
    }

    /// As [`View::each_node`], of relationships.
    pub fn each_relationship(
        &self,
        ids: &[RelationshipId],
        mut visit: impl FnMut(usize, RelationshipRecord<'_>) -> Result<(), GraphError>,
    ) -> Result<(), GraphError> {
        let stored: Vec<_> = ids.iter().map(|id| keys::relationship(*id)).collect();
        self.get_many(&stored, |at, sealed| visit(at, RelationshipRecord::decode(ids[at], sealed)?))
    }

    /// Hands the values that each node has for `keys` to `put`; where there is none, nothing.
    pub fn properties_of_nodes(&self, ids: &[NodeId], keys: &[KeyId], put: PutValue<'_>) -> Result<(), GraphError> {
        self.each_node(ids, |at, record| self.pick(Entity::Node(ids[at]), at, &record.properties, keys, put))
    }

    /// As [`View::properties_of_nodes`], of relationships.
    pub fn properties_of_relationships(
        &self,
        ids: &[RelationshipId],
        keys: &[KeyId],
        put: PutValue<'_>,
    ) -> Result<(), GraphError> {
        self.each_relationship(ids, |at, record| {
            self.pick(Entity::Relationship(ids[at]), at, &record.properties, keys, put)
        })
    }

    /// Appends one property of each node in the order of `ids`; null where it, or the node, is not there.
    pub fn property_of_nodes(&self, ids: &[NodeId], key: KeyId, out: &mut Vec<Value>) -> Result<(), GraphError> {
        let first = out.len();
        out.resize(first + ids.len(), Value::Null);
        self.properties_of_nodes(ids, &[key], &mut |at, _, value| out[first + at] = value)
    }

    /// Appends one property of each relationship, as [`View::property_of_nodes`] does of nodes.
    pub fn property_of_relationships(
        &self,
        ids: &[RelationshipId],
        key: KeyId,
        out: &mut Vec<Value>,
    ) -> Result<(), GraphError> {
        let first = out.len();
        out.resize(first + ids.len(), Value::Null);
        self.properties_of_relationships(ids, &[key], &mut |at, _, value| out[first + at] = value)
    }

    /// Reads a column of values for each of `keys`: of all nodes with these ids, null where there is none. Nothing where
    /// that would be too much.
    pub(crate) fn node_columns(&self, ids: Range<u64>, keys: &[KeyId]) -> Result<Option<Columns>, GraphError> {
        let (mut columns, mut long) = (empty_columns(&ids, keys), 0);
        let (start, end) = (keys::node(NodeId(ids.start)), keys::node(NodeId(ids.end)));
        self.scan(&start, &end, |key, sealed| {
            let id = NodeId(id_in(key, &ids)?);
            let properties = NodeRecord::decode(id, sealed)?.properties;
            for (column, key) in columns.iter_mut().zip(keys) {
                if let Some(value) = self.property(Entity::Node(id), &properties, *key)? {
                    long += long_bytes(&value);
                    column[(id.0 - ids.start) as usize] = value;
                }
            }
            Ok(long <= PAGE_LONG_MAX_BYTES)
        })?;
        Ok((long <= PAGE_LONG_MAX_BYTES).then_some(columns))
    }

    /// As [`View::node_columns`], of relationships.
    pub(crate) fn relationship_columns(&self, ids: Range<u64>, keys: &[KeyId]) -> Result<Option<Columns>, GraphError> {
        let (mut columns, mut long) = (empty_columns(&ids, keys), 0);
        let (start, end) = (keys::relationship(RelationshipId(ids.start)), keys::relationship(RelationshipId(ids.end)));
        self.scan(&start, &end, |key, sealed| {
            let id = RelationshipId(id_in(key, &ids)?);
            let properties = RelationshipRecord::decode(id, sealed)?.properties;
            for (column, key) in columns.iter_mut().zip(keys) {
                if let Some(value) = self.property(Entity::Relationship(id), &properties, *key)? {
                    long += long_bytes(&value);
                    column[(id.0 - ids.start) as usize] = value;
                }
            }
            Ok(long <= PAGE_LONG_MAX_BYTES)
        })?;
        Ok((long <= PAGE_LONG_MAX_BYTES).then_some(columns))
    }

    /// Reads which of 1,024 nodes have a label.
    pub(crate) fn label_block(&self, label: LabelId, block: u64) -> Result<Members, GraphError> {
        let sealed = self.reader.get(&keys::label_block(label, block))?;
        Ok(sealed.as_deref().map(Members::decode).transpose()?.unwrap_or_default())
    }

    fn pick(
        &self,
        entity: Entity,
        at: usize,
        properties: &Properties<'_>,
        keys: &[KeyId],
        put: PutValue<'_>,
    ) -> Result<(), GraphError> {
        for (place, key) in keys.iter().enumerate() {
            if let Some(value) = self.property(entity, properties, *key)?
                && may_read(&value)
            {
                put(at, place, value);
            }
        }
        Ok(())
    }

    /// As [`store::Reader::get_many`] for those that are there, with a visit that can fail.
    fn get_many<const N: usize>(
        &self,
        keys: &[[u8; N]],
        mut visit: impl FnMut(usize, &[u8]) -> Result<(), GraphError>,
    ) -> Result<(), GraphError> {
        let lent: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
        let mut failed = None;
        self.reader.get_many(&lent, &mut |at, sealed| {
            let Some(sealed) = sealed.filter(|_| failed.is_none()) else { return };
            failed = visit(at, sealed).err();
        })?;
        failed.map_or(Ok(()), Err)
    }
}

fn empty_columns(ids: &Range<u64>, keys: &[KeyId]) -> Columns {
    let rows = usize::try_from(ids.end - ids.start).expect("a page is short");
    keys.iter().map(|_| vec![Value::Null; rows].into_boxed_slice()).collect()
}

/// Tells whether a statement may read one more value beside those that it has read for this batch; once it may not, it
/// fails.
fn may_read(value: &Value) -> bool {
    let bytes = long_bytes(value);
    bytes == 0 || effort::may_make(bytes)
}

/// Tells what a value takes that is so large that reading many of them has to be thought of; 0 for all others.
fn long_bytes(value: &Value) -> usize {
    match value {
        Value::List(_) => Some(value.memory_bytes()).filter(|bytes| *bytes > Value::SHORT_BYTES).unwrap_or(0),
        other => other.long_bytes(),
    }
}

/// Reads the id in a record's key, which is one of `ids`.
fn id_in(key: &[u8], ids: &Range<u64>) -> Result<u64, GraphError> {
    let id = keys::u64_at(key, 1).filter(|id| ids.contains(id));
    id.ok_or_else(|| GraphError::damaged("the key of a record"))
}
