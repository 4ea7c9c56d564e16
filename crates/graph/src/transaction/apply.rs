//! Writes the changes of a group into the store's one write transaction.
//! Knows nothing of conflicts: whatever comes here was checked.
//! Start reading at [`apply`].

use rustc_hash::FxHashMap;
use store::{Reader, Writer};
use types::{LabelId, NodeId, failpoint};

use super::IndexDefinition;
use super::change::Changes;
use super::lists::put_places;
use super::schema::SchemaChange;
use crate::GraphError;
use crate::codec::fact::{encode_count, encode_name, encode_number};
use crate::codec::label::Members;
use crate::keys::{self, Counted, Meta, TokenKind};
use crate::read::View;

/// Entities that are read at a time while an index is filled.
const POPULATE_BATCH: usize = 1_024;

/// What a group stores besides its changes.
pub(crate) struct Facts {
    /// Version after the group.
    pub version: u64,
    /// The id that the next node gets.
    pub node_next: u64,
    /// The id that the next relationship gets.
    pub relationship_next: u64,
    /// Names that are not stored yet.
    pub tokens: Vec<(TokenKind, u32, types::CompactString)>,
}

/// Writes a group's changes in their order, then the facts; may run again from the start.
pub(crate) fn apply(writer: &mut dyn Writer, group: &[&Changes], facts: &Facts) -> Result<(), GraphError> {
    let mut counts: FxHashMap<Counted, i64> = FxHashMap::default();
    for changes in group {
        for entity in &changes.shortened {
            let long = keys::long_of_entity(*entity);
            writer.delete_range(&long[..]..&keys::after_prefix(&long)[..])?;
        }
        for key in &changes.deletes {
            writer.delete(key)?;
        }
        changes.puts.write(writer)?;
        failpoint::reach("graph.commit.half");
        put_labels(writer, &changes.labels)?;
        put_places(writer, &changes.places)?;
        for (counted, by) in &changes.counts {
            *counts.entry(*counted).or_default() += by;
        }
        changes.schema.iter().try_for_each(|change| put_schema(writer, change, &mut counts))?;
    }
    for (counted, by) in counts {
        let count = View::new(writer.as_reader()).count(counted)? + by;
        writer.put(&keys::count(counted), &encode_count(count))?;
    }
    put_facts(writer, facts)
}

/// Writes new names, the next ids and the version.
pub(crate) fn put_facts(writer: &mut dyn Writer, facts: &Facts) -> Result<(), GraphError> {
    for (kind, id, name) in &facts.tokens {
        writer.put(&keys::token(*kind, *id), &encode_name(name))?;
    }
    writer.put(&keys::meta(Meta::NodeNext), &encode_number(facts.node_next))?;
    writer.put(&keys::meta(Meta::RelationshipNext), &encode_number(facts.relationship_next))?;
    writer.put(&keys::meta(Meta::Version), &encode_number(facts.version))?;
    Ok(())
}

/// Lends a writer as a reader.
pub(super) trait AsReader {
    fn as_reader(&self) -> &dyn Reader;
}

impl AsReader for dyn Writer + '_ {
    fn as_reader(&self) -> &dyn Reader {
        self
    }
}

fn put_labels(writer: &mut dyn Writer, labels: &[(LabelId, NodeId, bool)]) -> Result<(), GraphError> {
    for block in labels.chunk_by(|left, right| keys::label(left.0, left.1) == keys::label(right.0, right.1)) {
        let key = keys::label(block[0].0, block[0].1);
        let mut members = writer.get(&key)?.map(Members::decode).transpose()?.unwrap_or_default();
        for (_, node, is_new) in block {
            if *is_new {
                members.insert(Members::place(*node));
            } else {
                members.remove(Members::place(*node));
            }
        }
        if members.is_empty() {
            writer.delete(&key)?;
        } else {
            writer.put(&key, &members.encode())?;
        }
    }
    Ok(())
}

fn put_schema(
    writer: &mut dyn Writer,
    change: &SchemaChange,
    counts: &mut FxHashMap<Counted, i64>,
) -> Result<(), GraphError> {
    match change {
        SchemaChange::Create(index) => {
            writer.put(&keys::index(index.id), &index.encode())?;
            let entries = populate(writer, index)?;
            counts.insert(Counted::Entries(index.id), entries);
            failpoint::reach("graph.index.filled");
            Ok(())
        }
        SchemaChange::Drop(id) => {
            writer.delete(&keys::index(*id))?;
            writer.delete(&keys::count(Counted::Entries(*id)))?;
            counts.remove(&Counted::Entries(*id));
            let entries = keys::entries_of_index(*id);
            writer.delete_range(&entries[..]..&keys::after_prefix(&entries)[..])?;
            Ok(())
        }
    }
}

/// Fills an index with what is there; gives how many entries it made.
fn populate(writer: &mut dyn Writer, index: &IndexDefinition) -> Result<i64, GraphError> {
    let (mut after, mut made) = (None, 0);
    loop {
        let view = View::new(writer.as_reader());
        let ids = view.candidates(index, after, POPULATE_BATCH)?;
        let mut entries = Vec::new();
        for id in &ids {
            if let Some(values) = view.values_of(index, *id)? {
                entries.push(keys::order::entry(index.id, &values, *id)?);
            }
        }
        entries.iter().try_for_each(|key| writer.put(key, &[]))?;
        made += entries.len() as i64;
        after = ids.last().copied();
        if ids.len() < POPULATE_BATCH {
            return Ok(made);
        }
    }
}
