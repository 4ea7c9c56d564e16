//! What a transaction adds and takes away, entry by entry, encoded on its own thread before it waits.
//! Leaves the order of commits to the sequencer and the writing to `apply`.
//! Start reading at [`Changes::of`].

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use types::{IndexId, KeyId, LabelId, NodeId, RelationshipId, TypeId, Value};

use super::overlay::{Change, Overlay};
use super::schema::{SchemaChange, Values, document_of_node, document_of_relationship, hash, of_node, of_relationship};
use super::state::{NodeState, RelationshipState};
use super::validate::{Mark, ReadSet, WriteSet};
use super::{IndexDefinition, pay};
use crate::GraphError;
use crate::batch::{Batch, Mode};
use crate::codec::adjacency::{self, Pair};
use crate::codec::fact::{IndexKind, IndexState};
use crate::codec::record::{Long, append_node, append_relationship, may_be_long};
use crate::engines::{Document, Documents, Fields};
use crate::index;
use crate::keys::{self, Counted, Entity, Side};
use crate::tokens::Token;
use crate::warm::PAGE;

/// Beyond this many marks a commit counts as having written everything.
const WRITTEN_MARKS_MAX: usize = 16_384;

/// Where a relationship stands in the lists of its ends; sorts as the keyspace does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub node: NodeId,
    pub side: Side,
    pub kind: TypeId,
    pub neighbour: NodeId,
    pub relationship: RelationshipId,
}

impl Place {
    /// Key of a block that begins here.
    pub fn key(&self) -> [u8; 30] {
        keys::adjacency(self.node, self.side, self.kind, self.neighbour, self.relationship)
    }

    /// What the keys of all blocks of its list begin with.
    pub fn list(&self) -> [u8; 14] {
        keys::adjacency_of_type(self.node, self.side, self.kind)
    }

    pub fn is_with(&self, other: &Self) -> bool {
        (self.node, self.side, self.kind) == (other.node, other.side, other.kind)
    }

    pub fn pair(&self) -> Pair {
        (self.neighbour, self.relationship)
    }
}

/// The whole of one transaction, ready to be checked and written.
#[derive(Debug)]
pub(crate) struct Changes {
    pub snapshot: u64,
    pub reads: ReadSet,
    pub written: Arc<WriteSet>,
    /// Entities whose older record may have left parts of long values.
    pub(super) shortened: Vec<Entity>,
    /// Keys of entries that go, before any is put.
    pub(super) deletes: Vec<Vec<u8>>,
    /// Entries that come without a look at what is there: records, index entries, lists of new nodes.
    pub(super) puts: Batch,
    /// Sorted; `true` adds the node to the label's nodes.
    pub(super) labels: Vec<(LabelId, NodeId, bool)>,
    /// Places in lists of nodes that were there before, sorted; `true` adds the relationship.
    pub(super) places: Vec<(Place, bool)>,
    /// Nodes whose lists change; some of them twice.
    pub joined: Vec<NodeId>,
    /// Pages of [`crate::warm`] with nodes that change.
    pub node_pages: Vec<u64>,
    /// The same of relationships.
    pub relationship_pages: Vec<u64>,
    pub(super) counts: FxHashMap<Counted, i64>,
    /// What happens in indexes that an engine keeps.
    pub documents: Vec<Documents>,
    /// By how much entities change the counts of indexes that were being filled: index, entity, by how much.
    pub(super) filling: Vec<(IndexId, u64, i64)>,
    pub schema: Vec<SchemaChange>,
    /// Names that the transaction made, used or not.
    pub names: Vec<Token>,
}

impl Changes {
    /// Encodes what `overlay` changed, for a graph with `indexes`.
    pub(super) fn of(
        snapshot: u64,
        reads: ReadSet,
        overlay: &Overlay,
        indexes: &[IndexDefinition],
        schema: Vec<SchemaChange>,
        names: &[Token],
    ) -> Result<Self, GraphError> {
        let (marks, entries, new_places) = Default::default();
        let mut changes = Self::empty(snapshot, reads, schema);
        changes.names = names.to_vec();
        changes.node_pages = pages(overlay.nodes().map(|(id, _)| id.0));
        changes.relationship_pages = pages(overlay.relationships().map(|(id, _)| id.0));
        let documents = vec![Vec::new(); indexes.len()];
        let mut collect = Collect { overlay, indexes, marks, entries, documents, new_places, changes };
        for (id, change) in overlay.nodes() {
            pay()?;
            collect.node(id, change)?;
        }
        for (id, change) in overlay.relationships() {
            pay()?;
            collect.relationship(id, change)?;
        }
        Ok(collect.finish())
    }

    /// Tells about how many bytes the store is going to be given.
    pub fn bytes(&self) -> usize {
        let deletes: usize = self.deletes.iter().map(Vec::len).sum();
        let names: usize = self.names.iter().map(|(_, _, name)| name.len()).sum();
        let lists = size_of_val(&*self.labels) + size_of_val(&*self.places);
        self.puts.bytes() + deletes + names + lists + self.document_bytes()
    }

    /// Tells about how many bytes the engines of indexes are told.
    fn document_bytes(&self) -> usize {
        let bytes =
            |document: &Document| document.now.iter().flatten().map(|(_, value)| value.memory_bytes()).sum::<usize>();
        self.documents.iter().flat_map(|documents| &documents.changed).map(bytes).sum()
    }

    /// Tells whether the store is given anything; else all it does is to remove.
    pub fn adds(&self) -> bool {
        self.puts.bytes() > 0
            || !self.names.is_empty()
            || self.labels.iter().any(|(_, _, is_new)| *is_new)
            || self.places.iter().any(|(_, is_new)| *is_new)
            || self.document_bytes() > 0
    }

    /// Tells whether nodes and relationships together become fewer by it.
    pub fn removes_more(&self) -> bool {
        self.by(Counted::Nodes) + self.by(Counted::Relationships) < 0
    }

    /// Tells whether it makes an index or a constraint that is completed after the commit.
    pub fn leaves_work(&self) -> bool {
        self.schema.iter().any(|change| match change {
            SchemaChange::Create(index) => index.is_populating(),
            SchemaChange::CreateConstraint(constraint) => constraint.state == IndexState::Populating,
            SchemaChange::Drop(_) | SchemaChange::DropConstraint(_) => false,
        })
    }

    /// Tells whether the graph of a vector index may have to grow after the commit.
    pub fn has_vectors(&self) -> bool {
        let is_new =
            |change: &SchemaChange| matches!(change, SchemaChange::Create(index) if index.kind == IndexKind::Vector);
        self.documents.iter().any(|documents| documents.index.kind == IndexKind::Vector)
            || self.schema.iter().any(is_new)
    }

    /// Tells by how much a count changes.
    pub fn by(&self, counted: Counted) -> i64 {
        self.counts.get(&counted).copied().unwrap_or(0)
    }

    fn empty(snapshot: u64, reads: ReadSet, schema: Vec<SchemaChange>) -> Self {
        Self {
            snapshot,
            reads,
            written: Arc::new(WriteSet::Everything),
            shortened: Vec::new(),
            deletes: Vec::new(),
            puts: Batch::new(Mode::Put),
            labels: Vec::new(),
            places: Vec::new(),
            joined: Vec::new(),
            node_pages: Vec::new(),
            relationship_pages: Vec::new(),
            counts: FxHashMap::default(),
            documents: Vec::new(),
            filling: Vec::new(),
            schema,
            names: Vec::new(),
        }
    }
}

struct Collect<'a> {
    overlay: &'a Overlay,
    indexes: &'a [IndexDefinition],
    marks: FxHashSet<Mark>,
    /// Keys of index entries; `true` adds the entry.
    entries: Vec<(Vec<u8>, bool)>,
    /// For each index, what its engine is told.
    documents: Vec<Vec<Document>>,
    /// Places in lists of nodes that the transaction made: nothing is there that they could go between.
    new_places: Vec<Place>,
    changes: Changes,
}

impl Collect<'_> {
    fn node(&mut self, id: NodeId, change: &Change<NodeState>) -> Result<(), GraphError> {
        let (before, now) = (change.before.as_deref(), change.now.as_deref());
        if before == now {
            return Ok(());
        }
        let append = |now: &NodeState, out: &mut Vec<u8>| append_node(&now.labels, &now.properties, out);
        let (old, new) = (before.map(|node| &node.properties[..]), now);
        self.record(Entity::Node(id), &keys::node(id), old, new.map(|new| |out: &mut Vec<u8>| append(new, out)))?;
        self.marks.insert(Mark::Node(id));
        if before.is_some() != now.is_some() {
            self.marks.extend([Mark::Existence(id), Mark::AllNodes]);
        }
        self.count(Counted::Nodes, before.is_some(), now.is_some());
        for label in before.into_iter().chain(now).flat_map(|node| node.labels.iter().copied()) {
            let (had, has) = (before.is_some_and(|node| node.has(label)), now.is_some_and(|node| node.has(label)));
            // A label on both sides comes by twice, and changes nothing either time.
            if had != has {
                self.count(Counted::Label(label), had, has);
                self.marks.insert(Mark::Label(label));
                self.changes.labels.push((label, id, has));
            }
        }
        for (at, index) in self.indexes.iter().enumerate().filter(|(_, index)| !index.is_failed()) {
            if index.kind.has_engine() {
                self.document(at, id.0, document_of_node(index, before), document_of_node(index, now));
            } else {
                self.entry(index, id.0, of_node(index, before), of_node(index, now))?;
            }
        }
        Ok(())
    }

    /// Encodes a record, or notes that it goes.
    fn record(
        &mut self,
        entity: Entity,
        key: &[u8],
        old: Option<&[(KeyId, Value)]>,
        append: Option<impl FnOnce(&mut Vec<u8>) -> Result<Long, GraphError>>,
    ) -> Result<(), GraphError> {
        if old.is_some_and(may_be_long) {
            self.changes.shortened.push(entity);
        }
        let Some(append) = append else {
            self.changes.deletes.push(key.to_vec());
            return Ok(());
        };
        for (property, parts) in self.changes.puts.add(key, append)? {
            for (at, part) in (0_u32..).zip(parts) {
                self.changes.puts.put(&keys::long(entity, property, at), &part);
            }
        }
        Ok(())
    }

    fn entry<'v>(
        &mut self,
        index: &IndexDefinition,
        id: u64,
        old: Option<Values<'v>>,
        new: Option<Values<'v>>,
    ) -> Result<(), GraphError> {
        self.count_entry(index, id, old.is_some(), new.is_some());
        if old == new {
            return Ok(());
        }
        for (values, is_new) in [(old, false), (new, true)] {
            let Some(values) = values else { continue };
            self.marks.extend([Mark::Index(index.id, hash(values[0])), Mark::WholeIndex(index.id)]);
            index::entries(index, &values, id, |key| {
                self.entries.push((key, is_new));
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Notes what an engine is told of an entity.
    fn document(&mut self, at: usize, id: u64, before: Option<Fields>, now: Option<Fields>) {
        if before == now {
            return;
        }
        let index = &self.indexes[at];
        self.count_entry(index, id, before.is_some(), now.is_some());
        self.marks.insert(Mark::WholeIndex(index.id));
        self.documents[at].push(Document { id, before, now });
    }

    /// Counts for an index; while it is being filled, who fills it counts whatever it has not come to.
    fn count_entry(&mut self, index: &IndexDefinition, id: u64, had: bool, has: bool) {
        if index.is_online() {
            self.count(Counted::Entries(index.id), had, has);
        } else if had != has {
            self.changes.filling.push((index.id, id, i64::from(has) - i64::from(had)));
        }
    }

    fn relationship(&mut self, id: RelationshipId, change: &Change<RelationshipState>) -> Result<(), GraphError> {
        let (before, now) = (change.before.as_deref(), change.now.as_deref());
        let Some(some) = now.or(before) else { return Ok(()) };
        if before == now {
            return Ok(());
        }
        let append = |now: &RelationshipState, out: &mut Vec<u8>| {
            append_relationship(now.start, now.end, now.kind, &now.properties, out)
        };
        let (old, new) = (before.map(|it| &it.properties[..]), now);
        let append = new.map(|new| |out: &mut Vec<u8>| append(new, out));
        self.record(Entity::Relationship(id), &keys::relationship(id), old, append)?;
        self.marks.insert(Mark::Relationship(id));
        for (at, index) in self.indexes.iter().enumerate().filter(|(_, index)| !index.is_failed()) {
            if index.kind.has_engine() {
                let old = document_of_relationship(index, before);
                self.document(at, id.0, old, document_of_relationship(index, now));
            } else {
                self.entry(index, id.0, of_relationship(index, before), of_relationship(index, now))?;
            }
        }
        if before.is_some() == now.is_some() {
            return Ok(());
        }
        self.count(Counted::Relationships, before.is_some(), now.is_some());
        self.count(Counted::Type(some.kind), before.is_some(), now.is_some());
        self.marks.extend([Mark::Type(some.kind), Mark::AllRelationships]);
        for (node, side, neighbour) in [(some.start, Side::Outgoing, some.end), (some.end, Side::Incoming, some.start)]
        {
            self.marks.insert(Mark::Adjacency(node));
            self.changes.joined.push(node);
            let place = Place { node, side, kind: some.kind, neighbour, relationship: id };
            if self.overlay.node(node).is_some_and(|change| change.before.is_none()) {
                // What a new node never had cannot go.
                self.new_places.extend(now.map(|_| place));
            } else {
                self.changes.places.push((place, now.is_some()));
            }
        }
        Ok(())
    }

    fn count(&mut self, counted: Counted, had: bool, has: bool) {
        if had != has {
            *self.changes.counts.entry(counted).or_default() += i64::from(has) - i64::from(had);
        }
    }

    fn finish(mut self) -> Changes {
        if !self.changes.schema.is_empty() {
            self.marks.insert(Mark::Schema);
        }
        self.changes.written = Arc::new(WriteSet::of(self.marks, WRITTEN_MARKS_MAX));
        self.changes.labels.sort_unstable();
        self.changes.places.sort_unstable();
        self.new_places.sort_unstable();
        let (mut pairs, mut scratch) = (Vec::new(), Vec::new());
        for list in self.new_places.chunk_by(Place::is_with) {
            pairs.clear();
            pairs.extend(list.iter().map(Place::pair));
            adjacency::encode_each(&pairs, &mut scratch, |(neighbour, relationship), block| {
                self.changes.puts.put(&Place { neighbour, relationship, ..list[0] }.key(), block);
            });
        }
        for (index, changed) in self.indexes.iter().zip(self.documents).filter(|(_, changed)| !changed.is_empty()) {
            self.changes.documents.push(Documents { index: index.clone(), changed });
        }
        // An entry that is removed and added again ends up added: what goes goes first.
        self.entries.sort_unstable();
        for (key, is_new) in self.entries {
            if is_new {
                self.changes.puts.put(&key, &[]);
            } else {
                self.changes.deletes.push(key);
            }
        }
        self.changes
    }
}

/// Gives the pages of ids that come in order.
fn pages(ids: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut pages: Vec<u64> = Vec::new();
    for page in ids.map(|id| id / PAGE) {
        if pages.last() != Some(&page) {
            pages.push(page);
        }
    }
    pages
}
