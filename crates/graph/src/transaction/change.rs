//! What a transaction adds and takes away, entry by entry, encoded on its own thread before it waits.
//! Leaves the order of commits to the sequencer and the writing to `apply`.
//! Start reading at [`Changes::of`].

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use types::{LabelId, NodeId, RelationshipId, TypeId};

use super::IndexDefinition;
use super::overlay::{Change, Overlay};
use super::schema::{SchemaChange, Values, hash, of_node, of_relationship};
use super::state::{NodeState, RelationshipState};
use super::validate::{Mark, ReadSet, WriteSet};
use crate::GraphError;
use crate::codec::record::{Encoded, encode_node, encode_relationship};
use crate::keys::{Counted, Entity, Side, order};

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

/// One record to be written, or removed if there is nothing to write.
#[derive(Debug)]
pub(crate) struct Record {
    pub entity: Entity,
    pub encoded: Option<Encoded>,
    /// Whether an older record may have left parts of long values.
    pub is_old: bool,
}

/// The whole of one transaction, ready to be checked and written.
#[derive(Debug)]
pub(crate) struct Changes {
    pub snapshot: u64,
    pub reads: ReadSet,
    pub written: Arc<WriteSet>,
    pub(super) records: Vec<Record>,
    /// Sorted; `true` adds the node to the label's nodes.
    pub(super) labels: Vec<(LabelId, NodeId, bool)>,
    /// Sorted; `true` adds the relationship to the list.
    pub(super) places: Vec<(Place, bool)>,
    /// Keys of index entries; `true` adds the entry.
    pub(super) entries: Vec<(Vec<u8>, bool)>,
    pub(super) counts: FxHashMap<Counted, i64>,
    pub schema: Vec<SchemaChange>,
}

impl Changes {
    /// Encodes what `overlay` changed, for a graph with `indexes`.
    pub(super) fn of(
        snapshot: u64,
        reads: ReadSet,
        overlay: &Overlay,
        indexes: &[IndexDefinition],
        schema: Vec<SchemaChange>,
    ) -> Result<Self, GraphError> {
        let mut collect = Collect { indexes, marks: FxHashSet::default(), changes: Self::empty(snapshot, reads) };
        for (id, change) in overlay.nodes() {
            collect.node(id, change)?;
        }
        for (id, change) in overlay.relationships() {
            collect.relationship(id, change)?;
        }
        let Collect { mut marks, mut changes, .. } = collect;
        if !schema.is_empty() {
            marks.insert(Mark::Schema);
        }
        changes.schema = schema;
        changes.written = Arc::new(WriteSet::of(marks, WRITTEN_MARKS_MAX));
        changes.labels.sort_unstable();
        changes.places.sort_unstable();
        // An entry that is removed and added again must end up added: false sorts first.
        changes.entries.sort_unstable();
        Ok(changes)
    }

    fn empty(snapshot: u64, reads: ReadSet) -> Self {
        Self {
            snapshot,
            reads,
            written: Arc::new(WriteSet::Everything),
            records: Vec::new(),
            labels: Vec::new(),
            places: Vec::new(),
            entries: Vec::new(),
            counts: FxHashMap::default(),
            schema: Vec::new(),
        }
    }
}

struct Collect<'a> {
    indexes: &'a [IndexDefinition],
    marks: FxHashSet<Mark>,
    changes: Changes,
}

impl Collect<'_> {
    fn node(&mut self, id: NodeId, change: &Change<NodeState>) -> Result<(), GraphError> {
        let (before, now) = (change.before.as_deref(), change.now.as_deref());
        if before == now {
            return Ok(());
        }
        let encoded = now.map(|node| encode_node(&node.labels, &node.properties)).transpose()?;
        self.changes.records.push(Record { entity: Entity::Node(id), encoded, is_old: before.is_some() });
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
        for index in self.indexes {
            self.entry(index, id.0, of_node(index, before), of_node(index, now))?;
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
        self.count(Counted::Entries(index.id), old.is_some(), new.is_some());
        for (values, is_new) in [(old, false), (new, true)] {
            let Some(values) = values else { continue };
            self.marks.extend([Mark::Index(index.id, hash(values[0])), Mark::WholeIndex(index.id)]);
            self.changes.entries.push((order::entry(index.id, values, id)?, is_new));
        }
        Ok(())
    }

    fn relationship(&mut self, id: RelationshipId, change: &Change<RelationshipState>) -> Result<(), GraphError> {
        let (before, now) = (change.before.as_deref(), change.now.as_deref());
        let Some(some) = now.or(before) else { return Ok(()) };
        if before == now {
            return Ok(());
        }
        let encode = |it: &RelationshipState| encode_relationship(it.start, it.end, it.kind, &it.properties);
        let encoded = now.map(encode).transpose()?;
        self.changes.records.push(Record { entity: Entity::Relationship(id), encoded, is_old: before.is_some() });
        self.marks.insert(Mark::Relationship(id));
        for index in self.indexes {
            self.entry(index, id.0, of_relationship(index, before), of_relationship(index, now))?;
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
            let place = Place { node, side, kind: some.kind, neighbour, relationship: id };
            self.changes.places.push((place, now.is_some()));
        }
        Ok(())
    }

    fn count(&mut self, counted: Counted, had: bool, has: bool) {
        if had != has {
            *self.changes.counts.entry(counted).or_default() += i64::from(has) - i64::from(had);
        }
    }
}
