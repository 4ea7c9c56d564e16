//! What an index has of data that is there already, batch by batch.

use store::Writer;
use types::{KeyId, NodeId, RelationshipId, Value};

use super::{entries, takes};
use crate::codec::fact::{IndexDefinition, IndexOn};
use crate::codec::record::{Properties, RelationshipRecord};
use crate::engines::{self, Document, Fields};
use crate::error::GraphError;
use crate::keys::{self, Entity, Table};
use crate::read::View;
use crate::transaction::AsReader;

/// A part of the entities of which some may have an entry.
pub(crate) struct Candidates {
    /// Their ids, ascending.
    pub ids: Vec<u64>,
    /// Where the next part begins; `None` if there is none.
    pub next: Option<u64>,
}

impl View<'_> {
    /// Lists entities from the id `from` on of which some may have an entry, looking at about `limit` of them.
    pub(crate) fn candidates(&self, on: &IndexOn, from: u64, limit: usize) -> Result<Candidates, GraphError> {
        let after = from.checked_sub(1);
        let mut ids = Vec::new();
        let (mut looked_at, mut last) = (0, None);
        match on {
            IndexOn::Labels(_) => {
                let mut nodes = Vec::new();
                match on.one_label() {
                    Some(label) => self.scan_label(label, after.map(NodeId), limit, &mut nodes)?,
                    None => self.scan_nodes(after.map(NodeId), limit, &mut nodes)?,
                }
                ids.extend(nodes.into_iter().map(|id| id.0));
                (looked_at, last) = (ids.len(), ids.last().copied());
            }
            IndexOn::Types(_) => {
                let start = keys::relationship(RelationshipId(from));
                self.scan(&start, &[Table::Relationship as u8 + 1], |key, sealed| {
                    let id = keys::u64_at(key, 1).ok_or_else(|| GraphError::damaged("the key of a record"))?;
                    if on.takes_kind(RelationshipRecord::decode(RelationshipId(id), sealed)?.kind) {
                        ids.push(id);
                    }
                    last = Some(id);
                    looked_at += 1;
                    Ok(looked_at < limit)
                })?;
            }
        }
        let next = last.filter(|_| looked_at >= limit).and_then(|last| last.checked_add(1));
        Ok(Candidates { ids, next })
    }

    /// Reads what an index keeps of an entity: a value for each of its keys; `None` if it has no entry.
    pub fn values_of(&self, definition: &IndexDefinition, id: u64) -> Result<Option<Vec<Value>>, GraphError> {
        let values = self.fields_at(&definition.on, id, |entity, properties| {
            definition.keys.iter().map(|key: &KeyId| self.property(entity, properties, *key)).collect()
        })?;
        Ok(values.flatten().filter(|values: &Vec<Value>| takes(definition, values)))
    }

    /// Reads what an engine keeps of an entity: a value for each key that it has; `None` if it has none of them.
    pub(crate) fn document_of(&self, definition: &IndexDefinition, id: u64) -> Result<Option<Fields>, GraphError> {
        let mut fields = self.properties_of(&definition.on, id, &definition.keys)?;
        fields.sort_unstable_by_key(|(key, _)| *key);
        Ok((!fields.is_empty()).then_some(fields))
    }

    /// Reads those of some properties that an entity has, if it is one that `on` is about.
    pub(crate) fn properties_of(&self, on: &IndexOn, id: u64, keys: &[KeyId]) -> Result<Fields, GraphError> {
        let fields = self.fields_at(on, id, |entity, properties| {
            let mut fields = Vec::new();
            for key in keys {
                fields.extend(self.property(entity, properties, *key)?.map(|value| (*key, value)));
            }
            Ok(fields)
        })?;
        Ok(fields.unwrap_or_default())
    }

    /// Reads something of an entity's record, if it is one of those that `on` is about.
    fn fields_at<T>(
        &self,
        on: &IndexOn,
        id: u64,
        read: impl FnOnce(Entity, &Properties<'_>) -> Result<T, GraphError>,
    ) -> Result<Option<T>, GraphError> {
        let found = if on.is_nodes() {
            self.node(NodeId(id), |record| {
                let is_wanted = on.takes_node(|label| record.has_label(label));
                is_wanted.then(|| read(Entity::Node(NodeId(id)), &record.properties)).transpose()
            })
        } else {
            self.relationship(RelationshipId(id), |record| {
                let is_wanted = on.takes_kind(record.kind);
                is_wanted.then(|| read(Entity::Relationship(RelationshipId(id)), &record.properties)).transpose()
            })
        };
        Ok(found?.flatten())
    }
}

/// What one step of filling an index did.
pub(crate) struct Filled {
    /// Entities that the index has now and had not before.
    pub entities: i64,
    /// Where the next step begins; `None` if the index is complete.
    pub next: Option<u64>,
}

/// Adds what an index has of about `limit` entities from the id `from` on.
pub(crate) fn fill(
    writer: &mut dyn Writer,
    index: &IndexDefinition,
    from: u64,
    limit: usize,
) -> Result<Filled, GraphError> {
    let view = View::new(writer.as_reader());
    let Candidates { ids, next } = view.candidates(&index.on, from, limit)?;
    let (mut keys, mut documents, mut entities) = (Vec::new(), Vec::new(), 0);
    for id in ids {
        if index.kind.has_engine() {
            let now = view.document_of(index, id)?;
            documents.extend(now.map(|now| Document { id, before: None, now: Some(now) }));
        } else if let Some(values) = view.values_of(index, id)? {
            entities += 1;
            entries(index, &values, id, |key| {
                keys.push(key);
                Ok(())
            })?;
        }
    }
    entities += documents.len() as i64;
    keys.iter().try_for_each(|key| writer.put(key, &[]))?;
    if !documents.is_empty() {
        engines::change(writer, index, &documents)?;
    }
    if next.is_none() && index.kind.has_engine() {
        engines::finish(writer, index)?;
    }
    Ok(Filled { entities, next })
}
