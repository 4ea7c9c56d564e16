//! Brings a full-text index up to date inside a commit.
//! Leaves what an entity's terms are to `document`, and the form of a block to `posting`.
//! Start reading at [`change`].

use std::collections::BTreeMap;

use store::{Reader, Writer};

use super::analyzer_of;
use super::document::Terms;
use super::keys::{self, Field};
use super::posting::{self, Posting};
use super::read::statistics;
use super::score::Statistics;
use crate::codec::fact::IndexDefinition;
use crate::codec::{put_signed, seal};
use crate::engines::Document;
use crate::error::GraphError;
use crate::keys::after_prefix;
use crate::read::View;

/// What happens to one entity in the list of one term: a posting, or none any more.
type Edit = (u64, Option<Box<[u8]>>);

/// Takes entities in, out, or anew.
pub(crate) fn change(
    writer: &mut dyn Writer,
    index: &IndexDefinition,
    documents: &[Document],
) -> Result<(), GraphError> {
    let analyzer = analyzer_of(index);
    let mut lists: BTreeMap<(Field, String), Vec<Edit>> = BTreeMap::new();
    let mut counted: BTreeMap<Field, Statistics> = BTreeMap::new();
    for document in documents {
        let before = Terms::of(index, analyzer, document.before.as_ref());
        let now = Terms::of(index, analyzer, document.now.as_ref());
        for (by, terms) in [(-1, &before), (1, &now)] {
            for (field, words) in &terms.words {
                let statistics = counted.entry(*field).or_default();
                statistics.documents += by;
                statistics.words += by * i64::from(*words);
            }
        }
        let gone = before.postings.keys().filter(|key| !now.postings.contains_key(key));
        for key in gone {
            lists.entry(key.clone()).or_default().push((document.id, None));
        }
        for (key, body) in now.postings {
            if before.postings.get(&key) != Some(&body) {
                lists.entry(key).or_default().push((document.id, Some(body)));
            }
        }
    }
    for ((field, term), edits) in lists {
        put_edits(writer, &keys::postings_of_term(index.id, field, &term), edits)?;
    }
    for (field, by) in counted {
        put_statistics(writer, index, field, by)?;
    }
    Ok(())
}

fn put_statistics(
    writer: &mut dyn Writer,
    index: &IndexDefinition,
    field: Field,
    by: Statistics,
) -> Result<(), GraphError> {
    let before = statistics(View::new(&*writer), index.id, field)?;
    let mut out = Vec::new();
    put_signed(before.documents + by.documents, &mut out);
    put_signed(before.words + by.words, &mut out);
    writer.put(&keys::statistics(index.id, field), &seal(out))?;
    Ok(())
}

/// Changes the list of one term, block by block.
fn put_edits(writer: &mut dyn Writer, list: &[u8], mut edits: Vec<Edit>) -> Result<(), GraphError> {
    edits.sort_unstable_by_key(|(id, _)| *id);
    let mut rest = &edits[..];
    while let Some((first, _)) = rest.first() {
        let block = Block::find(&*writer, list, *first)?;
        let size = rest.partition_point(|(id, _)| block.next.is_none_or(|next| *id < next));
        // The edit for which the block was found lies in it, so each round takes at least one.
        let (now, later) = rest.split_at(size.max(1));
        let postings = block.changed(now)?;
        let begins_at = postings.first().map(|posting| keys::block(list, posting.id));
        if let Some(key) = block.key.as_ref().filter(|key| begins_at.as_ref() != Some(key)) {
            writer.delete(key)?;
        }
        posting::blocks(&postings, |id, sealed| Ok(writer.put(&keys::block(list, id), sealed)?))?;
        rest = later;
    }
    Ok(())
}

/// The block in which an entity stands, or would stand.
#[derive(Default)]
struct Block {
    /// `None` if the list is empty.
    key: Option<Vec<u8>>,
    sealed: Vec<u8>,
    /// The first entity of the block behind it.
    next: Option<u64>,
}

impl Block {
    fn find(reader: &dyn Reader, list: &[u8], id: u64) -> Result<Self, GraphError> {
        let (at, end) = (keys::block(list, id), after_prefix(list));
        let mut behind = at;
        behind.push(0);
        let mut block = Self::default();
        reader.scan_back(list..&behind, &mut |key, sealed| {
            block.take(key, sealed);
            false
        })?;
        reader.scan(&behind[..]..&end, &mut |key, sealed| {
            if block.key.is_none() {
                // It comes before the first block, so that is where it goes.
                block.take(key, sealed);
                return true;
            }
            block.next = crate::keys::u64_at(key, key.len().saturating_sub(8));
            false
        })?;
        Ok(block)
    }

    fn take(&mut self, key: &[u8], sealed: &[u8]) {
        self.key = Some(key.to_vec());
        self.sealed = sealed.to_vec();
    }

    /// Merges edits in, both ascending.
    fn changed<'b>(&'b self, edits: &'b [Edit]) -> Result<Vec<Posting<'b>>, GraphError> {
        let mut out = Vec::new();
        let mut edits = edits.iter().peekable();
        let posting = |(id, body): &'b Edit| body.as_ref().map(|body| Posting { id: *id, body });
        if self.key.is_some() {
            posting::visit(&self.sealed, |id, body| {
                while let Some(edit) = edits.next_if(|(edited, _)| *edited < id) {
                    out.extend(posting(edit));
                }
                match edits.next_if(|(edited, _)| *edited == id) {
                    Some(edit) => out.extend(posting(edit)),
                    None => out.push(Posting { id, body }),
                }
                Ok(true)
            })?;
        }
        out.extend(edits.filter_map(posting));
        Ok(out)
    }
}
