//! Indexes that an engine of their own keeps: words in strings, and nearest neighbours of vectors.
//! Leaves which entities changed to `transaction`, and how an engine keeps them to `fulltext` and `vector`.
//! Start reading at [`change`]; every write of such an index comes through here, inside the write of the commit.

use store::Writer;
use types::{KeyId, Value};

use crate::codec::fact::{IndexDefinition, IndexKind};
use crate::error::GraphError;
use crate::read::View;
use crate::{fulltext, keys, vector};

/// The values that an index keeps of one entity, for those of its keys that the entity has, ascending by key.
pub(crate) type Fields = Vec<(KeyId, Value)>;

/// What happens to one entity in an index; `None` is an entity that the index does not have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    /// Number of the node or relationship.
    pub id: u64,
    /// As the index has it.
    pub before: Option<Fields>,
    /// As the index is to have it.
    pub now: Option<Fields>,
}

/// What one transaction does to one index.
#[derive(Clone, Debug)]
pub(crate) struct Documents {
    /// The index.
    pub index: IndexDefinition,
    /// Ascending by id, each entity once, none with `before` and `now` alike.
    pub changed: Vec<Document>,
}

/// Brings an index up to date inside a commit, or adds a batch while it is filled (`before` is `None` then).
///
/// May run again from the start when the store had to grow: whatever it does, it does to `writer`.
pub(crate) fn change(
    writer: &mut dyn Writer,
    index: &IndexDefinition,
    documents: &[Document],
) -> Result<(), GraphError> {
    match index.kind {
        IndexKind::FullText => fulltext::change(writer, index, documents),
        IndexKind::Vector => vector::change(writer, index, documents),
        IndexKind::Range | IndexKind::Text | IndexKind::Point | IndexKind::Lookup => Ok(()),
    }
}

/// Removes what an engine keeps for an index that is dropped: everything under the index's own prefix.
///
/// An engine may use every key that begins with [`keys::entries_of_index`].
pub(crate) fn remove(writer: &mut dyn Writer, index: &IndexDefinition) -> Result<(), GraphError> {
    let entries = keys::entries_of_index(index.id);
    writer.delete_range(&entries[..]..&keys::after_prefix(&entries)[..])?;
    Ok(())
}

/// Hands each entity of an index, and what the index keeps of it, to what it is given.
pub(crate) type Entities<'e> = &'e mut dyn FnMut(&mut dyn FnMut(u64, Fields)) -> Result<(), GraphError>;

/// What a check of one index found.
#[derive(Default)]
pub(crate) struct Check {
    /// A sentence for each thing that is wrong.
    pub problems: Vec<String>,
}

impl Check {
    /// Notes what is wrong.
    pub fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }
}

/// Compares an index with the entities that it is about; gives how many of these there are.
pub(crate) fn check(view: View<'_>, index: &IndexDefinition) -> Result<(i64, Check), GraphError> {
    let (mut found, mut count) = (Check::default(), 0);
    // An index that is being filled has what comes before this id.
    let filled_to = view.progress(index.id)?;
    let mut entities = |take: &mut dyn FnMut(u64, Fields)| {
        let mut next = Some(0);
        while let Some(from) = next {
            let candidates = view.candidates(&index.on, from, CHECK_BATCH)?;
            for id in candidates.ids.into_iter().filter(|id| filled_to.is_none_or(|end| *id < end)) {
                // Damaged records are reported with themselves.
                if let Ok(Some(fields)) = view.document_of(index, id) {
                    count += 1;
                    take(id, fields);
                }
            }
            next = candidates.next;
        }
        Ok(())
    };
    match index.kind {
        IndexKind::FullText => fulltext::check(view, index, &mut entities, &mut found)?,
        IndexKind::Vector => vector::check(view, index, &mut entities, &mut found)?,
        IndexKind::Range | IndexKind::Text | IndexKind::Point | IndexKind::Lookup => {}
    }
    Ok((count, found))
}

/// Entities that are looked at in one go during a check.
const CHECK_BATCH: usize = 1_024;

/// Called once an index is complete, in the write that puts it online.
pub(crate) fn finish(writer: &mut dyn Writer, index: &IndexDefinition) -> Result<(), GraphError> {
    let _ = (writer, index);
    Ok(())
}
