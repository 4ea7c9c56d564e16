//! What a graph in memory holds, and how a test fills it.

use std::collections::BTreeSet;

use compact_str::CompactString;
use types::{Direction, IndexId, KeyId, LabelId, NodeId, RelationshipId, RelationshipRef, TypeId, Value, text};

use crate::Source;
use crate::source::{Expansion, IndexInfo};

/// A small graph; nodes and relationships are numbered from 0 in the order in which they are added.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    pub(super) name: String,
    pub(super) number: u16,
    pub(super) is_read_only: bool,
    pub(super) labels: Names,
    pub(super) types: Names,
    pub(super) keys: Names,
    pub(super) nodes: Vec<Option<Node>>,
    pub(super) relationships: Vec<Option<Relationship>>,
    pub(super) indexes: Vec<IndexInfo>,
}

/// Names by number.
#[derive(Clone, Default)]
pub(super) struct Names(Vec<CompactString>);

impl Names {
    pub fn find(&self, name: &str) -> Option<u32> {
        self.0.iter().position(|known| known == name).and_then(|at| u32::try_from(at).ok())
    }

    pub fn make(&mut self, name: &str) -> u32 {
        self.find(name).unwrap_or_else(|| {
            self.0.push(name.into());
            u32::try_from(self.0.len() - 1).expect("a test has few names")
        })
    }

    pub fn name(&self, id: u32) -> &CompactString {
        &self.0[id as usize]
    }

    pub fn all(&self) -> &[CompactString] {
        &self.0
    }
}

/// A node, and its relationships.
#[derive(Clone, Default)]
pub(super) struct Node {
    pub labels: BTreeSet<LabelId>,
    pub properties: Properties,
    pub outgoing: Vec<RelationshipId>,
    pub incoming: Vec<RelationshipId>,
}

/// A relationship.
#[derive(Clone)]
pub(super) struct Relationship {
    pub found: RelationshipRef,
    pub properties: Properties,
}

/// Properties in the order in which they were set.
#[derive(Clone, Default)]
pub(super) struct Properties(pub Vec<(KeyId, Value)>);

impl Properties {
    pub fn get(&self, key: KeyId) -> Value {
        self.0.iter().find(|(known, _)| *known == key).map_or(Value::Null, |(_, value)| value.clone())
    }

    /// Sets or, with null, removes; tells whether it is or was there.
    pub fn set(&mut self, key: KeyId, value: Value) -> bool {
        let place = self.0.iter().position(|(known, _)| *known == key);
        match (place, value) {
            (None, Value::Null) => false,
            (Some(place), Value::Null) => {
                self.0.remove(place);
                true
            }
            (Some(place), value) => {
                self.0[place].1 = value;
                true
            }
            (None, value) => {
                self.0.push((key, value));
                true
            }
        }
    }
}

impl Memory {
    /// Makes an empty graph of a database.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Makes a ring: `nodes` nodes with their `number`, each even one `Even`, each `NEXT` to the following.
    pub fn ring(nodes: usize) -> Self {
        let labels = |at: usize| if at.is_multiple_of(2) { &["Even"][..] } else { &[] };
        let number = |at: usize| Value::Integer(i64::try_from(at).expect("a test has few nodes"));
        let graph = (0..nodes).fold(Self::new("ring"), |graph, at| graph.node(labels(at), &[("number", number(at))]));
        (0..nodes).fold(graph, |graph, at| graph.relationship(at, "NEXT", (at + 1) % nodes, &[]))
    }

    /// Gives its place in a statement's list of sources; without this it is 0.
    #[must_use]
    pub fn numbered(mut self, number: u16) -> Self {
        self.number = number;
        for relationship in self.relationships.iter_mut().flatten() {
            relationship.found.source = number;
        }
        self
    }

    /// Refuses writes.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.is_read_only = true;
        self
    }

    /// Adds a node.
    #[must_use]
    pub fn node(mut self, labels: &[&str], properties: &[(&str, Value)]) -> Self {
        let labels: Vec<LabelId> = labels.iter().map(|name| LabelId(self.labels.make(name))).collect();
        let properties = self.keyed(properties);
        self.add_node(&labels, properties);
        self
    }

    /// Adds a relationship between two nodes.
    #[must_use]
    pub fn relationship(mut self, start: usize, kind: &str, end: usize, properties: &[(&str, Value)]) -> Self {
        let kind = TypeId(self.types.make(kind));
        let properties = self.keyed(properties);
        self.add_relationship(NodeId(start as u64), kind, NodeId(end as u64), properties);
        self
    }

    /// Adds a range index over nodes with a label; its number is its place among the indexes.
    #[must_use]
    pub fn index(self, label: &str, keys: &[&str]) -> Self {
        self.any_index(label, keys, false)
    }

    /// Adds a range index over relationships of a type.
    #[must_use]
    pub fn relationship_index(self, kind: &str, keys: &[&str]) -> Self {
        self.any_index(kind, keys, true)
    }

    fn any_index(mut self, of: &str, keys: &[&str], relationships: bool) -> Self {
        let id = IndexId(u32::try_from(self.indexes.len()).expect("a test has few indexes"));
        let name = format!("{of}_{}", keys.join("_")).into();
        let keys = keys.iter().map(|key| (*key).into()).collect();
        self.indexes.push(IndexInfo {
            id,
            name,
            relationships,
            of: of.into(),
            keys,
            unique: false,
            kind: crate::source::IndexUse::Range,
        });
        self
    }

    fn keyed(&mut self, properties: &[(&str, Value)]) -> Properties {
        Properties(properties.iter().map(|(key, value)| (KeyId(self.keys.make(key)), value.clone())).collect())
    }

    pub(super) fn add_node(&mut self, labels: &[LabelId], properties: Properties) -> NodeId {
        let labels = labels.iter().copied().collect();
        self.nodes.push(Some(Node { labels, properties, ..Node::default() }));
        NodeId(self.nodes.len() as u64 - 1)
    }

    pub(super) fn add_relationship(
        &mut self,
        start: NodeId,
        kind: TypeId,
        end: NodeId,
        properties: Properties,
    ) -> RelationshipId {
        let id = RelationshipId(self.relationships.len() as u64);
        let found = RelationshipRef { source: self.number, id, kind, start, end };
        self.relationships.push(Some(Relationship { found, properties }));
        self.at_mut(start).expect("the start is there").outgoing.push(id);
        self.at_mut(end).expect("the end is there").incoming.push(id);
        id
    }

    pub(super) fn at(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(usize::try_from(id.0).ok()?)?.as_ref()
    }

    pub(super) fn at_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(usize::try_from(id.0).ok()?)?.as_mut()
    }

    pub(super) fn held(&self, id: RelationshipId) -> Option<&Relationship> {
        self.relationships.get(usize::try_from(id.0).ok()?)?.as_ref()
    }

    pub(super) fn held_mut(&mut self, id: RelationshipId) -> Option<&mut Relationship> {
        self.relationships.get_mut(usize::try_from(id.0).ok()?)?.as_mut()
    }
}

/// Writes a whole graph in one line: `(0:L {k: 1}) (1) 0-[0:T]->1`.
pub(super) fn show(graph: &dyn Source) -> String {
    let mut nodes = Vec::new();
    graph.scan_nodes(None, None, usize::MAX, &mut nodes).expect("memory does not fail");
    let mut parts = Vec::new();
    for node in &nodes {
        let labels: String = graph.labels(*node).expect("it is there").iter().map(|name| format!(":{name}")).collect();
        let properties = graph.node_properties(*node).expect("it is there");
        parts.push(format!("({node}{labels}{})", shown(properties)));
    }
    let mut found = Expansion::default();
    graph.expand(&nodes, Direction::Outgoing, None, &mut found).expect("memory does not fail");
    for RelationshipRef { id, kind, start, end, .. } in found.found.iter().map(|found| found.relationship) {
        let kind = graph.type_name(kind).expect("it has a name");
        let properties = graph.relationship_properties(id).expect("it is there");
        parts.push(format!("{start}-[{id}:{kind}{}]->{end}", shown(properties)));
    }
    parts.join(" ")
}

fn shown(properties: types::Map) -> String {
    if properties.is_empty() { String::new() } else { format!(" {}", text::literal(&Value::map(properties))) }
}
