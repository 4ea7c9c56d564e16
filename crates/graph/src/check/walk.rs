//! One walk over all entries in the order of their keys: what each holds, and what the others must hold for it.

use rustc_hash::{FxHashMap, FxHashSet};
use types::{IndexId, KeyId, LabelId, NodeId, RelationshipId, TypeId, effort};

use super::Report;
use super::sum::Pair;
use crate::codec::fact::{self, ConstraintDefinition, ConstraintId, IndexDefinition, IndexOn};
use crate::codec::label::Members;
use crate::codec::record::{NodeRecord, Properties, RelationshipRecord, Stored};
use crate::codec::{FORMAT, adjacency, open};
use crate::engines;
use crate::error::GraphError;
use crate::index;
use crate::keys::{self, Counted, Entity, LABEL_BLOCK_NODES, Meta, Side, Table, TokenKind};
use crate::read::View;
use crate::transaction::{Place, property};

/// A walk, with what it has met so far. Tables come in the order of their bytes: facts and names before records.
pub(super) struct Walk<'a, 'r> {
    view: View<'a>,
    pub report: &'r mut Report,
    node_next: u64,
    relationship_next: u64,
    node_last: u64,
    relationship_last: u64,
    /// How many names of each kind there are.
    names: [u32; 3],
    indexes: Vec<IndexDefinition>,
    stored: FxHashMap<Counted, i64>,
    counted: FxHashMap<Counted, i64>,
    labels: Pair,
    places: Pair,
    long: Pair,
    entries: FxHashMap<IndexId, Pair>,
    has_format: bool,
    /// Numbers without a name, met so far.
    unnamed: FxHashSet<(TokenKind, u32)>,
    /// Indexes without a definition, or with a damaged one.
    undefined: FxHashSet<IndexId>,
    /// The last place of the block before, and whether its node is there.
    last: Option<(Place, bool)>,
}

/// What has to be looked at more closely.
#[derive(Debug, Default)]
pub(super) struct Differing {
    pub labels: bool,
    pub places: bool,
    pub long: bool,
    pub indexes: Vec<IndexDefinition>,
}

impl<'a, 'r> Walk<'a, 'r> {
    pub fn new(view: View<'a>, report: &'r mut Report) -> Self {
        Self {
            view,
            report,
            node_next: 0,
            relationship_next: 0,
            node_last: 0,
            relationship_last: 0,
            names: [0; 3],
            indexes: Vec::new(),
            stored: FxHashMap::default(),
            counted: FxHashMap::default(),
            labels: Pair::default(),
            places: Pair::default(),
            long: Pair::default(),
            entries: FxHashMap::default(),
            has_format: false,
            unnamed: FxHashSet::default(),
            undefined: FxHashSet::default(),
            last: None,
        }
    }

    /// Walks everything; damage goes to the report, and the walk goes on.
    pub fn all(&mut self) -> Result<(), GraphError> {
        let view = self.view;
        view.scan(&[], &[u8::MAX; store::KEY_MAX_BYTES], |key, value| {
            self.report.entries += 1;
            if let Err(error) = self.entry(key, value) {
                self.report.add(format!("{}: {error}", Named(key)));
            }
            Ok(effort::pay(1))
        })?;
        if !self.has_format {
            self.report.add("the format of the graph is missing".to_owned());
        }
        for (what, count, last, next) in [
            ("node", self.report.nodes, self.node_last, self.node_next),
            ("relationship", self.report.relationships, self.relationship_last, self.relationship_next),
        ] {
            if count > 0 && last >= next {
                self.report.add(format!("{what} {last} is there and the next new one would be {next}"));
            }
        }
        Ok(())
    }

    /// Holds the indexes that engines keep against their entities.
    pub fn check_engines(&mut self) -> Result<(), GraphError> {
        for index in self.indexes.iter().filter(|index| index.kind.has_engine()) {
            let (entities, found) = engines::check(self.view, index)?;
            self.counted.insert(Counted::Entries(index.id), entities);
            found.problems.into_iter().for_each(|problem| self.report.add(problem));
        }
        Ok(())
    }

    pub fn compare_counts(&mut self) {
        self.counted.insert(Counted::Nodes, self.report.nodes as i64);
        self.counted.insert(Counted::Relationships, self.report.relationships as i64);
        let mut all: Vec<Counted> = self.stored.keys().chain(self.counted.keys()).copied().collect();
        all.sort_unstable_by_key(|counted| keys::count(*counted));
        all.dedup();
        let is_counted = |index: &IndexDefinition| index.is_online() && !index.kind.has_engine();
        let uncounted: Vec<Counted> =
            self.indexes.iter().filter(|index| !is_counted(index)).map(|index| Counted::Entries(index.id)).collect();
        all.retain(|counted| !uncounted.contains(counted));
        for counted in all {
            let of = |counts: &FxHashMap<Counted, i64>| counts.get(&counted).copied().unwrap_or(0);
            let (stored, found) = (of(&self.stored), of(&self.counted));
            if stored != found {
                self.report.add(format!("the count of {counted:?} is {stored} where {found} are there"));
            }
        }
    }

    pub fn differing(self) -> Differing {
        let differs = |index: &IndexDefinition| self.entries.get(&index.id).is_some_and(|pair| pair.differs());
        Differing {
            labels: self.labels.differs(),
            places: self.places.differs(),
            long: self.long.differs(),
            indexes: self.indexes.into_iter().filter(differs).collect(),
        }
    }

    fn entry(&mut self, key: &[u8], value: &[u8]) -> Result<(), GraphError> {
        match (key[0], key.len()) {
            // The store's own, not the graph's.
            _ if key == store::journal::KEY => Ok(()),
            (table, 2) if table == Table::Meta as u8 => self.meta(key[1], value),
            (table, 6) if table == Table::Token as u8 => self.name(key[1], id32(key, 2), value),
            (table, 6) if table == Table::Count as u8 => self.count(key[1], id32(key, 2), value),
            (table, 5) if table == Table::Index as u8 => self.index(IndexId(id32(key, 1)), value),
            (table, 5) if table == Table::Constraint as u8 => self.constraint(ConstraintId(id32(key, 1)), value),
            (table, 5) if table == Table::Progress as u8 => fact::decode_number(value).map(drop),
            (table, 9) if table == Table::Node as u8 => self.node(NodeId(id64(key, 1)), value),
            (table, 13) if table == Table::Label as u8 => self.label(LabelId(id32(key, 1)), id64(key, 5), value),
            (table, 9) if table == Table::Relationship as u8 => self.relationship(RelationshipId(id64(key, 1)), value),
            (table, 30) if table == Table::Adjacency as u8 => self.adjacency(key, value),
            (table, 18) if table == Table::Long as u8 => {
                self.long.found.add(key);
                open(value, "a part of a long value").map(drop)
            }
            (table, 14..) if table == Table::Entry as u8 => self.index_entry(key, value),
            (table, 6..) if table == Table::Entry as u8 && self.has_engine(key) => self.index_entry(key, value),
            _ => Err(GraphError::damaged("no table has such a key")),
        }
    }

    fn meta(&mut self, which: u8, value: &[u8]) -> Result<(), GraphError> {
        match which {
            which if which == Meta::Format as u8 => match fact::decode_format(value)? {
                1..=FORMAT => {
                    self.has_format = true;
                    Ok(())
                }
                found => Err(GraphError::FormatUnknown { found, known: FORMAT }),
            },
            which if which == Meta::Database as u8 => fact::decode_database(value).map(drop),
            which if which == Meta::NodeNext as u8 => next(value, &mut self.node_next),
            which if which == Meta::RelationshipNext as u8 => next(value, &mut self.relationship_next),
            which if which == Meta::Version as u8 => fact::decode_number(value).map(drop),
            which if which == Meta::SchemaNext as u8 => fact::decode_number(value).map(drop),
            which if which == Meta::Loading as u8 => Err(GraphError::LoadUnfinished),
            _ => Err(GraphError::damaged("there is no such fact")),
        }
    }

    fn name(&mut self, kind: u8, id: u32, value: &[u8]) -> Result<(), GraphError> {
        let Some(count) = self.names.get_mut(usize::from(kind)) else {
            return Err(GraphError::damaged("there is no such kind of name"));
        };
        let expected = *count;
        *count = id.saturating_add(1);
        fact::decode_name(value)?;
        if id == expected { Ok(()) } else { Err(GraphError::damaged(format!("name {expected} before it is missing"))) }
    }

    fn count(&mut self, kind: u8, id: u32, value: &[u8]) -> Result<(), GraphError> {
        let counted = match (kind, id) {
            (0, 0) => Counted::Nodes,
            (1, 0) => Counted::Relationships,
            (2, id) => Counted::Label(LabelId(id)),
            (3, id) => Counted::Type(TypeId(id)),
            (4, id) => Counted::Entries(IndexId(id)),
            _ => return Err(GraphError::damaged("there is no such count")),
        };
        self.stored.insert(counted, fact::decode_count(value)?);
        Ok(())
    }

    fn index(&mut self, id: IndexId, value: &[u8]) -> Result<(), GraphError> {
        let index = IndexDefinition::decode(id, value).inspect_err(|_| {
            self.undefined.insert(id);
        })?;
        match &index.on {
            IndexOn::Labels(labels) => labels.iter().for_each(|label| self.check_name(TokenKind::Label, label.0)),
            IndexOn::Types(kinds) => kinds.iter().for_each(|kind| self.check_name(TokenKind::Type, kind.0)),
        }
        index.keys.iter().for_each(|key| self.check_name(TokenKind::Key, key.0));
        if index.is_online() {
            self.entries.insert(id, Pair::default());
        }
        self.indexes.push(index);
        Ok(())
    }

    fn constraint(&mut self, id: ConstraintId, value: &[u8]) -> Result<(), GraphError> {
        let constraint = ConstraintDefinition::decode(id, value)?;
        match &constraint.on {
            IndexOn::Labels(labels) => labels.iter().for_each(|label| self.check_name(TokenKind::Label, label.0)),
            IndexOn::Types(kinds) => kinds.iter().for_each(|kind| self.check_name(TokenKind::Type, kind.0)),
        }
        constraint.keys.iter().for_each(|key| self.check_name(TokenKind::Key, key.0));
        Ok(())
    }

    fn node(&mut self, id: NodeId, value: &[u8]) -> Result<(), GraphError> {
        self.report.nodes += 1;
        self.node_last = id.0;
        let record = NodeRecord::decode(id, value)?;
        for label in &record.labels {
            self.check_name(TokenKind::Label, label.0);
            *self.counted.entry(Counted::Label(*label)).or_default() += 1;
            self.labels.expected.add(&member(*label, id));
        }
        if !record.labels.is_sorted_by(|a, b| a < b) {
            return Err(GraphError::damaged("its labels do not ascend"));
        }
        let is_on = |on: &IndexOn| on.takes_node(|label| record.has_label(label));
        self.properties(Entity::Node(id), id.0, &record.properties, is_on)
    }

    fn relationship(&mut self, id: RelationshipId, value: &[u8]) -> Result<(), GraphError> {
        self.report.relationships += 1;
        self.relationship_last = id.0;
        let record = RelationshipRecord::decode(id, value)?;
        self.check_name(TokenKind::Type, record.kind.0);
        *self.counted.entry(Counted::Type(record.kind)).or_default() += 1;
        for place in places(&record) {
            self.places.expected.add(&place.key());
        }
        self.properties(Entity::Relationship(id), id.0, &record.properties, |on| on.takes_kind(record.kind))
    }

    fn properties(
        &mut self,
        entity: Entity,
        id: u64,
        stored: &Properties<'_>,
        is_on: impl Fn(&IndexOn) -> bool,
    ) -> Result<(), GraphError> {
        let properties = self.view.properties(entity, stored)?;
        if !properties.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Err(GraphError::damaged("its properties do not ascend"));
        }
        for line in stored.iter() {
            let (key, value) = line?;
            self.check_name(TokenKind::Key, key.0);
            if let Stored::Long { parts } = value {
                (0..parts).for_each(|part| self.long.expected.add(&keys::long(entity, key, part)));
            }
        }
        for index in self.indexes.iter().filter(|index| index.kind.has_entries() && is_on(&index.on)) {
            let values: Option<Vec<_>> = index.keys.iter().map(|key: &KeyId| property(&properties, *key)).collect();
            if let (Some(values), Some(pair)) = (values, self.entries.get_mut(&index.id))
                && index::takes(index, &values)
            {
                index::entries(index, &values, id, |key| {
                    pair.expected.add(&key);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    fn label(&mut self, label: LabelId, block: u64, value: &[u8]) -> Result<(), GraphError> {
        let members = Members::decode(value)?;
        let first =
            block.checked_mul(LABEL_BLOCK_NODES).ok_or_else(|| GraphError::damaged("no node has such an id"))?;
        for place in members.iter() {
            self.labels.found.add(&member(label, NodeId(first + u64::from(place))));
        }
        if members.is_empty() { Err(GraphError::damaged("a block of no node")) } else { Ok(()) }
    }

    fn adjacency(&mut self, key: &[u8], value: &[u8]) -> Result<(), GraphError> {
        self.report.adjacency_blocks += 1;
        let first = place_of(key)?;
        let mut pairs = Vec::new();
        adjacency::decode(value, &mut pairs)?;
        let at = |pair: &adjacency::Pair| Place { neighbour: pair.0, relationship: pair.1, ..first };
        let (Some(begin), Some(end)) = (pairs.first().map(at), pairs.last().map(at)) else {
            return Err(GraphError::damaged("a block of no relationship"));
        };
        pairs.iter().for_each(|pair| self.places.found.add(&at(pair).key()));
        let before = self.last.replace((end, true));
        let is_there = match before {
            Some((before, is_there)) if before.node == first.node => is_there,
            _ => self.view.has_node(first.node)?,
        };
        self.last = Some((end, is_there));
        if begin != first {
            return Err(GraphError::damaged("its key is not its first pair"));
        }
        if before.is_some_and(|(before, _)| before >= first) {
            return Err(GraphError::damaged("it overlaps with the block before it"));
        }
        if is_there { Ok(()) } else { Err(GraphError::damaged("there is no such node")) }
    }

    /// Tells whether a key is one of an index whose engine makes keys of its own.
    fn has_engine(&self, key: &[u8]) -> bool {
        let id = IndexId(id32(key, 1));
        self.indexes.iter().any(|index| index.id == id && index.kind.has_engine())
    }

    fn index_entry(&mut self, key: &[u8], value: &[u8]) -> Result<(), GraphError> {
        self.report.index_entries += 1;
        let id = IndexId(id32(key, 1));
        let definition = self.indexes.iter().find(|index| index.id == id);
        // What is being filled is compared with nothing yet.
        if definition.is_some_and(|index| index.kind.has_engine() || !index.is_online()) {
            return Ok(());
        }
        match self.entries.get_mut(&id) {
            Some(pair) => pair.found.add(key),
            None if self.undefined.insert(id) => {
                self.report.add(format!("there are entries of index {id}, which is not defined"));
            }
            None => {}
        }
        if definition.is_none_or(|index| index::is_counted(index, key)) {
            *self.counted.entry(Counted::Entries(id)).or_default() += 1;
        }
        if value.is_empty() { Ok(()) } else { Err(GraphError::damaged("an entry of an index with a value")) }
    }

    /// Reports a number without a name once, however many carry it.
    fn check_name(&mut self, kind: TokenKind, id: u32) {
        if id >= self.names[kind as usize] && self.unnamed.insert((kind, id)) {
            self.report.add(format!("{kind:?} {id} is used and has no name"));
        }
    }
}

/// Reads the id of the next new entity; of a damaged one nothing is known.
fn next(value: &[u8], next: &mut u64) -> Result<(), GraphError> {
    *next = u64::MAX;
    *next = fact::decode_number(value)?;
    Ok(())
}

/// The two lists in which a relationship stands.
pub(super) fn places(record: &RelationshipRecord<'_>) -> [Place; 2] {
    let (start, end, kind, relationship) = (record.start, record.end, record.kind, record.id);
    [
        Place { node: start, side: Side::Outgoing, kind, neighbour: end, relationship },
        Place { node: end, side: Side::Incoming, kind, neighbour: start, relationship },
    ]
}

/// Reads the key of an adjacency block.
pub(super) fn place_of(key: &[u8]) -> Result<Place, GraphError> {
    let side = match key[9] {
        0 => Side::Outgoing,
        1 => Side::Incoming,
        _ => return Err(GraphError::damaged("there is no such side")),
    };
    let (node, kind) = (NodeId(id64(key, 1)), TypeId(id32(key, 10)));
    Ok(Place { node, side, kind, neighbour: NodeId(id64(key, 14)), relationship: RelationshipId(id64(key, 22)) })
}

fn member(label: LabelId, node: NodeId) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&label.0.to_be_bytes());
    bytes[4..].copy_from_slice(&node.0.to_be_bytes());
    bytes
}

fn id32(key: &[u8], at: usize) -> u32 {
    keys::u32_at(key, at).expect("the length of the key was looked at")
}

fn id64(key: &[u8], at: usize) -> u64 {
    keys::u64_at(key, at).expect("the length of the key was looked at")
}

/// Words a key for a problem.
struct Named<'k>(&'k [u8]);

impl std::fmt::Display for Named<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = self.0;
        match (key[0], key.len()) {
            (table, 9) if table == Table::Node as u8 => write!(out, "node {}", id64(key, 1)),
            (table, 9) if table == Table::Relationship as u8 => write!(out, "relationship {}", id64(key, 1)),
            (table, 5) if table == Table::Index as u8 => write!(out, "index {}", id32(key, 1)),
            (table, 13) if table == Table::Label as u8 => {
                write!(out, "block {} of label {}", id64(key, 5), id32(key, 1))
            }
            (table, 30) if table == Table::Adjacency as u8 => {
                write!(out, "a block of neighbours of node {}", id64(key, 1))
            }
            _ => {
                write!(out, "key ")?;
                key.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
            }
        }
    }
}
