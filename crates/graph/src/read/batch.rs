//! Reads of whole batches: records, single properties and labels of many entities at a time.

use types::{KeyId, LabelId, NodeId, RelationshipId, Value};

use super::View;
use crate::codec::label::Members;
use crate::codec::record::{NodeRecord, Properties, RelationshipRecord};
use crate::error::GraphError;
use crate::keys::{self, Entity, LABEL_BLOCK_NODES};

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

    fn pick(
        &self,
        entity: Entity,
        at: usize,
        properties: &Properties<'_>,
        keys: &[KeyId],
        put: PutValue<'_>,
    ) -> Result<(), GraphError> {
        for (place, key) in keys.iter().enumerate() {
            if let Some(value) = self.property(entity, properties, *key)? {
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

/// Tells of one node after the other whether it has a label; neighbours in id share what is read.
#[derive(Debug)]
pub struct LabelBlock {
    label: LabelId,
    block: Option<(u64, Members)>,
}

impl LabelBlock {
    /// Begins with nothing read.
    #[must_use]
    pub fn new(label: LabelId) -> Self {
        Self { label, block: None }
    }

    /// Tells whether a node has the label.
    pub fn contains(&mut self, view: View<'_>, node: NodeId) -> Result<bool, GraphError> {
        let number = node.0 / LABEL_BLOCK_NODES;
        let members = match self.block {
            Some((at, members)) if at == number => members,
            _ => {
                let sealed = view.reader.get(&keys::label_block(self.label, number))?;
                let members = sealed.map(Members::decode).transpose()?.unwrap_or_default();
                self.block = Some((number, members));
                members
            }
        };
        Ok(members.contains(Members::place(node)))
    }
}
