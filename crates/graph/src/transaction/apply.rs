//! Writes the changes of a group into the store's one write transaction.
//! Knows nothing of conflicts: whatever comes here was checked.
//! Start reading at [`apply`].

use rustc_hash::FxHashMap;
use store::{Reader, Writer};
use types::{IndexId, LabelId, NodeId, failpoint};

use super::change::Changes;
use super::lists::put_places;
use super::schema::SchemaChange;
use super::{IndexDefinition, pay};
use crate::GraphError;
use crate::codec::fact::{encode_count, encode_name, encode_number};
use crate::codec::label::Members;
use crate::engines::{self, Documents};
use crate::index::fill::fill;
use crate::keys::{self, Counted, Meta};
use crate::quota::Room;
use crate::read::View;
use crate::tokens::Token;

/// Entities that are looked at in one go while an index is filled.
pub(crate) const FILL_BATCH: usize = 1_024;

/// What a group stores besides its changes.
pub(crate) struct Facts {
    /// Version after the group.
    pub version: u64,
    /// The id that the next node gets.
    pub node_next: u64,
    /// The id that the next relationship gets.
    pub relationship_next: u64,
    /// Names that are not stored yet.
    pub tokens: Vec<Token>,
    /// How far the group and its new indexes may fill the store.
    pub room: Room,
}

/// Writes a group's changes in their order, then the facts; may run again from the start.
///
/// With `may_end` the thread is asked on the way whether it may go on, so the group must be its own transaction alone.
pub(crate) fn apply(
    writer: &mut dyn Writer,
    group: &[&Changes],
    facts: &Facts,
    may_end: bool,
) -> Result<(), GraphError> {
    let filling = facts.room.before(writer)?;
    let mut counts: FxHashMap<Counted, i64> = FxHashMap::default();
    for changes in group {
        for entity in &changes.shortened {
            let long = keys::long_of_entity(*entity);
            writer.delete_range(&long[..]..&keys::after_prefix(&long)[..])?;
        }
        for key in &changes.deletes {
            writer.delete(key)?;
        }
        changes.puts.write_while(writer, || if may_end { pay() } else { Ok(()) })?;
        failpoint::reach("graph.commit.half");
        put_labels(writer, &changes.labels)?;
        put_places(writer, &changes.places)?;
        for (counted, by) in &changes.counts {
            *counts.entry(*counted).or_default() += by;
        }
        put_documents(writer, changes, &mut counts)?;
        changes.schema.iter().try_for_each(|change| put_schema(writer, change, &mut counts, facts.room))?;
    }
    for (counted, by) in counts {
        let count = View::new(writer.as_reader()).count(counted)? + by;
        writer.put(&keys::count(counted), &encode_count(count))?;
    }
    put_facts(writer, facts)?;
    let adding = || group.iter().filter(|changes| changes.adds());
    match adding().next() {
        None => Ok(()),
        Some(_) if adding().all(|changes| changes.removes_more()) => filling.check_smaller(writer),
        Some(_) => filling.check(writer),
    }
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
pub(crate) trait AsReader {
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
        let mut members = writer.get(&key)?.as_deref().map(Members::decode).transpose()?.unwrap_or_default();
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
    room: Room,
) -> Result<(), GraphError> {
    match change {
        SchemaChange::Create(index) => {
            writer.put(&keys::index(index.id), &index.encode()?)?;
            put_next_number(writer, index.id.0)?;
            if index.is_online() {
                counts.insert(Counted::Entries(index.id), fill_whole(writer, index, room)?);
                failpoint::reach("graph.index.filled");
            } else {
                writer.put(&keys::progress(index.id), &encode_number(0))?;
            }
        }
        SchemaChange::Drop(index) => {
            remove_index(writer, index)?;
            counts.remove(&Counted::Entries(index.id));
        }
        SchemaChange::CreateConstraint(constraint) => {
            writer.put(&keys::constraint(constraint.id), &constraint.encode())?;
            put_next_number(writer, constraint.id.0)?;
        }
        SchemaChange::DropConstraint(constraint) => {
            writer.delete(&keys::constraint(constraint.id))?;
        }
    }
    Ok(())
}

/// Removes an index with all that it has.
pub(crate) fn remove_index(writer: &mut dyn Writer, index: &IndexDefinition) -> Result<(), GraphError> {
    writer.delete(&keys::index(index.id))?;
    writer.delete(&keys::progress(index.id))?;
    writer.delete(&keys::count(Counted::Entries(index.id)))?;
    if index.kind.has_engine() {
        engines::remove(writer, index)?;
    }
    let entries = keys::entries_of_index(index.id);
    writer.delete_range(&entries[..]..&keys::after_prefix(&entries)[..])?;
    Ok(())
}

/// Sees to it that a number is never given again.
fn put_next_number(writer: &mut dyn Writer, used: u32) -> Result<(), GraphError> {
    let next = View::new(writer.as_reader()).number(Meta::SchemaNext)?.max(u64::from(used) + 1);
    writer.put(&keys::meta(Meta::SchemaNext), &encode_number(next))?;
    Ok(())
}

/// Fills an index with all that is there; gives how many entities it has.
fn fill_whole(writer: &mut dyn Writer, index: &IndexDefinition, room: Room) -> Result<i64, GraphError> {
    let filling = room.before(writer)?;
    let (mut entities, mut from) = (0, Some(0));
    while let Some(at) = from {
        let filled = fill(writer, index, at, FILL_BATCH)?;
        filling.check(writer)?;
        entities += filled.entities;
        from = filled.next;
    }
    Ok(entities)
}

/// Tells the engines of indexes what changed, and counts for indexes that are being filled.
///
/// What comes behind the place up to which an index is filled is left to who fills it: it looks at every entity once.
fn put_documents(
    writer: &mut dyn Writer,
    changes: &Changes,
    counts: &mut FxHashMap<Counted, i64>,
) -> Result<(), GraphError> {
    for Documents { index, changed } in &changes.documents {
        let Some(done) = done_of(writer, index.id)? else {
            engines::change(writer, index, changed)?;
            continue;
        };
        let reached = changed.partition_point(|document| document.id < done);
        engines::change(writer, index, &changed[..reached])?;
    }
    for (index, id, by) in &changes.filling {
        if done_of(writer, *index)?.is_none_or(|done| *id < done) {
            *counts.entry(Counted::Entries(*index)).or_default() += by;
        }
    }
    Ok(())
}

/// Gives the first id that an index which is being filled has not come to; `None` if it is complete.
fn done_of(writer: &mut dyn Writer, index: IndexId) -> Result<Option<u64>, GraphError> {
    View::new(writer.as_reader()).progress(index)
}
