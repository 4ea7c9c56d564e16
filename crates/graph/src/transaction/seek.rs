//! Indexes of a transaction: which there are, how large, and what they have, own changes included.
//! Leaves ranges of keys to `read::seek`, and own entries to `entries`.
//! Start reading at [`Transaction::seek_index`].

use std::sync::Arc;

use types::{IndexId, NodeId, RelationshipId};

use super::entries::key_of;
use super::schema::{self, hash, of_node, of_relationship};
use super::validate::Mark;
use super::{IndexDefinition, Transaction};
use crate::GraphError;
use crate::codec::fact::{ConstraintDefinition, IndexKind};
use crate::index;
use crate::keys::{self, Entity};
use crate::read::{IndexSize, Seek};

/// A part of what an index has for a seek.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Where the page before ended; `None` for the first one.
    pub after: Option<&'a [u8]>,
    /// The most that it may have.
    pub limit: usize,
}

impl Page<'_> {
    /// Everything at once.
    const WHOLE: Self = Self { after: None, limit: usize::MAX };
}

impl Transaction {
    /// Lists the indexes, those that this transaction makes included.
    #[must_use]
    pub fn indexes(&self) -> Vec<IndexDefinition> {
        self.schema_now().0
    }

    /// Lists the constraints, those that this transaction makes included.
    #[must_use]
    pub fn constraints(&self) -> Vec<ConstraintDefinition> {
        self.schema_now().1
    }

    pub(super) fn schema_now(&self) -> (Vec<IndexDefinition>, Vec<ConstraintDefinition>) {
        self.note(Mark::Schema);
        let (mut indexes, mut constraints) = (self.schema.indexes.to_vec(), self.schema.constraints.to_vec());
        schema::change(&mut indexes, &mut constraints, &self.schema_changes);
        (indexes, constraints)
    }

    /// Lends the indexes that can be asked: the committed ones, as [`Transaction::schema_version`] numbers them.
    #[must_use]
    pub fn committed_indexes(&self) -> &Arc<[IndexDefinition]> {
        &self.schema.indexes
    }

    /// Counts the committed entries of an index, and estimates their different values; for who plans.
    ///
    /// Notes no read: a plan may be worse for an outdated size, but never wrong.
    pub fn index_size(&self, index: IndexId) -> Result<IndexSize, GraphError> {
        let definition = self.definition(index)?;
        let view = self.view();
        let entries = view.count_entries(index)?;
        if let Some(known) = self.database.schemas().size(index, entries) {
            return Ok(known.grown_to(entries));
        }
        let size = view.index_size(definition)?;
        self.database.schemas().keep_size(index, size);
        Ok(size)
    }

    /// Appends the nodes that an index has for `seek`, in its order; only indexes that are committed can be asked.
    pub fn seek_index(&self, index: IndexId, seek: &Seek, out: &mut Vec<NodeId>) -> Result<(), GraphError> {
        self.seek_page(index, seek, Page::WHOLE, out).map(drop)
    }

    /// As [`Transaction::seek_index`], page by page; gives where the next page goes on, `None` after the last one.
    pub fn seek_page(
        &self,
        index: IndexId,
        seek: &Seek,
        page: Page<'_>,
        out: &mut Vec<NodeId>,
    ) -> Result<Option<Vec<u8>>, GraphError> {
        self.seek_each(index, seek, page, &mut |id| out.push(NodeId(id)))
    }

    /// Appends the relationships that an index has for `seek`, in its order; only indexes that are committed can be
    /// asked.
    pub fn seek_relationship_index(
        &self,
        index: IndexId,
        seek: &Seek,
        out: &mut Vec<RelationshipId>,
    ) -> Result<(), GraphError> {
        self.seek_relationship_page(index, seek, Page::WHOLE, out).map(drop)
    }

    /// As [`Transaction::seek_page`], of relationships.
    pub fn seek_relationship_page(
        &self,
        index: IndexId,
        seek: &Seek,
        page: Page<'_>,
        out: &mut Vec<RelationshipId>,
    ) -> Result<Option<Vec<u8>>, GraphError> {
        self.seek_each(index, seek, page, &mut |id| out.push(RelationshipId(id)))
    }

    /// Merges what is committed with what is the transaction's own, both in the order of their keys.
    fn seek_each(
        &self,
        index: IndexId,
        seek: &Seek,
        page: Page<'_>,
        take: &mut dyn FnMut(u64),
    ) -> Result<Option<Vec<u8>>, GraphError> {
        let definition = self.definition(index)?;
        if definition.kind != IndexKind::Range {
            return self.seek_found(definition, seek, page, take);
        }
        self.note(match schema::first_equal(seek) {
            Some(value) => Mark::Index(index, hash(value)),
            None => Mark::WholeIndex(index),
        });
        let Some((start, end)) = seek.span_after(index, page.after) else { return Ok(None) };
        let mut own = self.own_keys(definition, seek, (&start, &end), page.limit)?.into_iter().peekable();
        let (mut left, mut last) = (page.limit, None);
        let mut give = |key: &[u8]| {
            take(id_of(key));
            left -= 1;
            if left == 0 {
                last = Some(key.to_vec());
            }
            left > 0
        };
        let mut goes_on = page.limit > 0;
        if goes_on {
            self.view().seek_each(definition, seek, (&start, &end), |key, id| {
                while let Some(before) = own.next_if(|own| own[..] < *key) {
                    goes_on = give(&before);
                    if !goes_on {
                        return Ok(false);
                    }
                }
                if !self.is_touched(definition, id) {
                    goes_on = give(key);
                }
                Ok(goes_on)
            })?;
        }
        while goes_on {
            let Some(key) = own.next() else { break };
            goes_on = give(&key);
        }
        Ok(last)
    }

    /// Seeks in a text or point index: what may fit, in order of id.
    fn seek_found(
        &self,
        definition: &IndexDefinition,
        seek: &Seek,
        page: Page<'_>,
        take: &mut dyn FnMut(u64),
    ) -> Result<Option<Vec<u8>>, GraphError> {
        self.note(Mark::WholeIndex(definition.id));
        let mut ids = index::find(self.view(), definition, seek)?;
        ids.retain(|id| !self.is_touched(definition, *id));
        if definition.on.is_nodes() {
            ids.extend(self.overlay.nodes().map(|(id, _)| id.0).filter(|id| self.is_own(definition, seek, *id)));
        } else {
            let own = self.overlay.relationships().map(|(id, _)| id.0);
            ids.extend(own.filter(|id| self.is_own(definition, seek, *id)));
        }
        ids.sort_unstable();
        let after = page.after.and_then(|after| keys::u64_at(after, 0));
        let first = after.map_or(0, |after| ids.partition_point(|id| *id <= after));
        let rest = &ids[first..];
        let given = &rest[..rest.len().min(page.limit)];
        given.iter().for_each(|id| take(*id));
        let last = given.last().filter(|_| given.len() < rest.len());
        Ok(last.map(|last| last.to_be_bytes().to_vec()))
    }

    fn is_own(&self, definition: &IndexDefinition, seek: &Seek, id: u64) -> bool {
        self.matches(definition, seek, entity_of(definition, id))
    }

    /// Lists keys of the transaction's own entries in a span, for what it changed as it is now.
    fn own_keys(
        &self,
        definition: &IndexDefinition,
        seek: &Seek,
        (start, end): (&Vec<u8>, &Vec<u8>),
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, GraphError> {
        if !self.has_touched(definition) {
            return Ok(Vec::new());
        }
        let mut own = self.own.lock();
        let mut found = Vec::new();
        for key in own.of(definition, &self.overlay)?.range(start.clone()..end.clone()) {
            if found.len() == limit {
                break;
            }
            let entity = entity_of(definition, id_of(key));
            let is_now = key_of(definition, &self.overlay, entity)?.as_ref() == Some(key);
            if is_now && self.matches(definition, seek, entity) {
                found.push(key.clone());
            }
        }
        Ok(found)
    }

    fn matches(&self, definition: &IndexDefinition, seek: &Seek, entity: Entity) -> bool {
        let values = match entity {
            Entity::Node(id) => of_node(definition, self.overlay.node(id).and_then(|change| change.now.as_deref())),
            Entity::Relationship(id) => {
                of_relationship(definition, self.overlay.relationship(id).and_then(|change| change.now.as_deref()))
            }
        };
        values.is_some_and(|values| seek.matches(&values))
    }

    fn has_touched(&self, definition: &IndexDefinition) -> bool {
        if definition.on.is_nodes() { !self.overlay.has_no_nodes() } else { !self.overlay.has_no_relationships() }
    }

    fn is_touched(&self, definition: &IndexDefinition, id: u64) -> bool {
        match entity_of(definition, id) {
            Entity::Node(id) => self.overlay.node(id).is_some(),
            Entity::Relationship(id) => self.overlay.relationship(id).is_some(),
        }
    }

    fn definition(&self, index: IndexId) -> Result<&IndexDefinition, GraphError> {
        let definition = self.schema.indexes.iter().find(|known| known.id == index);
        // It was there when the statement was planned.
        definition.ok_or(GraphError::Conflict)
    }
}

fn entity_of(definition: &IndexDefinition, id: u64) -> Entity {
    if definition.on.is_nodes() { Entity::Node(NodeId(id)) } else { Entity::Relationship(RelationshipId(id)) }
}

/// Reads the id at the end of an entry's key.
fn id_of(key: &[u8]) -> u64 {
    key.len().checked_sub(8).and_then(|at| keys::u64_at(key, at)).expect("the key of an entry ends with an id")
}
