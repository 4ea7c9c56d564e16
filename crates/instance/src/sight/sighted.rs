//! The source of a user from whom something is hidden, or to whom something is refused.
//! Leaves what is hidden to `seeing`, counts to `counting` and refusals to `changing`.
//! Start reading at [`Sighted`].

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use catalog::GraphRights;
use catalog::graph_rights::SchemaRight;
use graph::keys::TokenKind;
use query::{
    Between, Budget, Column, Condition, Expansion, Hop, IndexInfo, IndexSize, NameKind, Search, Source, VectorIndex,
};
use rustc_hash::FxHashMap;
use types::{
    CompactString, Direction, Failure, IndexId, KeyId, LabelId, Map, NodeId, RelationshipId, RelationshipRef, TypeId,
    Value,
};

use super::counting::Looked;
use super::ids::IdRule;
use super::refusal::{blurred, no_index, no_schema};
use super::rules::Rules;
use crate::running::Allowance;
use crate::source::GraphSource;

/// A graph as one user sees it and may change it, in one statement.
pub(crate) struct Sighted {
    pub(super) graph: GraphSource,
    pub(super) rights: Arc<GraphRights>,
    pub(super) rules: Rules,
    /// Asked while something long is looked at: what is hidden costs time too.
    pub(super) allowance: Allowance,
    pub(super) looked: RefCell<FxHashMap<Looked, u64>>,
    pub(super) index_keys: RefCell<FxHashMap<IndexId, Option<Vec<KeyId>>>>,
    /// Whether it is there to plan with: then nothing is counted by looking, and indexes are known.
    pub(super) estimates: bool,
    /// Names that may not be made, each with a number from the highest down.
    pub(super) unmade: RefCell<Vec<(TokenKind, CompactString)>>,
    /// Reads and writes that were seen; those of the graph itself would tell how much is hidden.
    hits: Cell<u64>,
}

impl Sighted {
    pub(super) fn new(graph: GraphSource, rights: Arc<GraphRights>, allowance: Allowance) -> Self {
        let rules = Rules::of(&rights, &graph);
        let hits = Cell::new(graph.hits());
        let (looked, index_keys, unmade) = (RefCell::default(), RefCell::default(), RefCell::default());
        Self { graph, rights, rules, allowance, looked, index_keys, estimates: false, unmade, hits }
    }

    pub(super) fn estimating(mut self) -> Self {
        self.estimates = true;
        self
    }

    pub(super) fn hit(&self, times: usize) {
        self.hits.set(self.hits.get() + times as u64);
    }

    pub(super) fn read_rule_of_nodes(&self, key: KeyId) -> Arc<IdRule> {
        self.rules.nodes.read(key, &self.rights.nodes.read, &self.graph)
    }

    pub(super) fn read_rule_of_relationships(&self, key: KeyId) -> Arc<IdRule> {
        self.rules.relationships.read(key, &self.rights.relationships.read, &self.graph)
    }

    /// Changes the graph; what was counted by looking is forgotten.
    fn change<T>(&mut self, change: impl FnOnce(&mut GraphSource) -> Result<T, Failure>) -> Result<T, Failure> {
        self.hit(1);
        self.looked.borrow_mut().clear();
        change(&mut self.graph).map_err(|failure| blurred(failure, &self.rights))
    }

    /// Tells whether a plan takes any name for one that something has. Of those that are there it must not tell which are
    /// borne by what is hidden alone, and it reads nothing to find out: so it warns of none.
    fn is_guessed(&self, kind: NameKind) -> bool {
        let Rules { nodes, relationships, .. } = &self.rules;
        self.estimates
            && match kind {
                NameKind::Label => !nodes.found.is_everything(),
                NameKind::Type => !self.rules.find_every_relationship(),
                NameKind::Key => {
                    !(self.rules.find_every_relationship()
                        && nodes.reads_everything()
                        && relationships.reads_everything())
                }
            }
    }

    /// Tells whether a name may be found. A plan is told of none that is hidden; a statement that runs looks for it all the
    /// same, since what is found may have it too.
    fn knows(&self, kind: NameKind, name: &str) -> bool {
        !self.estimates || self.may_name(kind, name)
    }

    /// Lists indexes to who may list them; a plan is made with those that can find something.
    fn known_indexes(&self, all: impl FnOnce() -> Vec<IndexInfo>) -> Vec<IndexInfo> {
        if !self.estimates && !self.rights.may(SchemaRight::ShowIndex) {
            return Vec::new();
        }
        let mut indexes = all();
        if self.estimates {
            indexes.retain(|index| {
                let of = if index.relationships { NameKind::Type } else { NameKind::Label };
                self.may_name(of, &index.of) && index.keys.iter().all(|key| self.may_name(NameKind::Key, key))
            });
        }
        indexes
    }
}

impl Source for Sighted {
    fn database(&self) -> &str {
        self.graph.database()
    }

    fn hits(&self) -> u64 {
        if self.rights.sees_everything() { self.graph.hits() } else { self.hits.get() }
    }

    fn changes_bytes(&self) -> usize {
        self.graph.changes_bytes()
    }

    fn node_element_id(&self, id: NodeId) -> CompactString {
        self.graph.node_element_id(id)
    }

    fn relationship_element_id(&self, id: RelationshipId) -> CompactString {
        self.graph.relationship_element_id(id)
    }

    fn label_id(&self, name: &str) -> Option<LabelId> {
        let found = self.knows(NameKind::Label, name).then(|| self.graph.label_id(name)).flatten();
        found.or_else(|| self.is_guessed(NameKind::Label).then_some(LabelId(u32::MAX)))
    }

    fn type_id(&self, name: &str) -> Option<TypeId> {
        let found = self.knows(NameKind::Type, name).then(|| self.graph.type_id(name)).flatten();
        found.or_else(|| self.is_guessed(NameKind::Type).then_some(TypeId(u32::MAX)))
    }

    fn key_id(&self, name: &str) -> Option<KeyId> {
        let found = self.knows(NameKind::Key, name).then(|| self.graph.key_id(name)).flatten();
        found.or_else(|| self.is_guessed(NameKind::Key).then_some(KeyId(u32::MAX)))
    }

    fn label_to_remove(&self, name: &str) -> Option<LabelId> {
        Some(self.label_id(name).unwrap_or_else(|| LabelId(self.unmade(TokenKind::Label, name))))
    }

    fn key_to_remove(&self, name: &str) -> Option<KeyId> {
        Some(self.key_id(name).unwrap_or_else(|| KeyId(self.unmade(TokenKind::Key, name))))
    }

    fn type_name(&self, id: TypeId) -> Result<CompactString, Failure> {
        self.graph.type_name(id)
    }

    fn scan_nodes(
        &self,
        label: Option<LabelId>,
        after: Option<NodeId>,
        limit: usize,
        out: &mut Vec<NodeId>,
    ) -> Result<(), Failure> {
        if self.rules.nodes.found.is_everything() {
            let before = out.len();
            self.graph.scan_nodes(label, after, limit, out)?;
            self.hit(out.len() - before + 1);
            return Ok(());
        }
        let before = out.len();
        self.scan_seen(label, after, limit, out)?;
        self.hit(out.len() - before + 1);
        Ok(())
    }

    fn expand(
        &self,
        nodes: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        out: &mut Expansion,
    ) -> Result<(), Failure> {
        if self.rules.find_every_relationship() {
            let before = out.found.len();
            self.graph.expand(nodes, direction, types, out)?;
            self.hit(nodes.len() + out.found.len() - before);
            return Ok(());
        }
        self.expand_seen(nodes.len(), types, out, |types, all| self.graph.expand(nodes, direction, types, all))
    }

    fn expand_into(
        &self,
        nodes: &[NodeId],
        ends: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        out: &mut Expansion,
    ) -> Result<(), Failure> {
        if self.rules.find_every_relationship() {
            let before = out.found.len();
            self.graph.expand_into(nodes, ends, direction, types, out)?;
            self.hit(nodes.len() + out.found.len() - before);
            return Ok(());
        }
        self.expand_seen(nodes.len(), types, out, |types, all| {
            self.graph.expand_into(nodes, ends, direction, types, all)
        })
    }

    fn expand_between(
        &self,
        nodes: &[NodeId],
        ends: &[NodeId],
        hops: (Hop<'_>, Hop<'_>),
        out: &mut Between,
    ) -> Result<(), Failure> {
        if self.rules.find_every_relationship() {
            return self.graph.expand_between(nodes, ends, hops, out);
        }
        query::between_by_lists(self, nodes, ends, hops, out)
    }

    fn degrees(
        &self,
        nodes: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        label: Option<LabelId>,
        out: &mut Vec<u64>,
    ) -> Result<(), Failure> {
        if self.rules.find_every_relationship() {
            self.hit(nodes.len());
            return self.graph.degrees(nodes, direction, types, label, out);
        }
        self.degrees_seen(nodes, direction, types, label, out)
    }

    fn node_property(&self, nodes: &[NodeId], key: KeyId, out: &mut Vec<Value>) -> Result<(), Failure> {
        self.hit(nodes.len());
        let before = out.len();
        self.graph.node_property(nodes, key, out)?;
        self.hide_values(nodes, key, &mut out[before..])
    }

    fn relationship_property(
        &self,
        relationships: &[RelationshipId],
        key: KeyId,
        out: &mut Vec<Value>,
    ) -> Result<(), Failure> {
        self.hit(relationships.len());
        let before = out.len();
        self.graph.relationship_property(relationships, key, out)?;
        self.hide_relationship_values(relationships, key, &mut out[before..])
    }

    fn node_column(&self, nodes: &[NodeId], key: KeyId) -> Result<Column, Failure> {
        if self.rules.nodes.found.is_everything() && self.read_rule_of_nodes(key).is_everything() {
            self.hit(nodes.len());
            return self.graph.node_column(nodes, key);
        }
        let mut values = Vec::with_capacity(nodes.len());
        self.node_property(nodes, key, &mut values)?;
        Ok(Column::Values(values))
    }

    fn relationship_column(&self, relationships: &[RelationshipId], key: KeyId) -> Result<Column, Failure> {
        if self.rules.relationships.found.is_everything() && self.read_rule_of_relationships(key).is_everything() {
            self.hit(relationships.len());
            return self.graph.relationship_column(relationships, key);
        }
        let mut values = Vec::with_capacity(relationships.len());
        self.relationship_property(relationships, key, &mut values)?;
        Ok(Column::Values(values))
    }

    fn labels(&self, node: NodeId) -> Result<Vec<CompactString>, Failure> {
        self.hit(1);
        let labels = self.graph.labels(node)?;
        Ok(if self.sees(node)? { labels } else { Vec::new() })
    }

    fn node_properties(&self, node: NodeId) -> Result<Map, Failure> {
        self.hit(1);
        let mut properties = self.graph.node_properties(node)?;
        if !(self.rules.nodes.found.is_everything() && self.rules.nodes.reads_everything()) {
            self.hide_properties(node, &mut properties)?;
        }
        Ok(properties)
    }

    fn relationship_properties(&self, relationship: RelationshipId) -> Result<Map, Failure> {
        self.hit(1);
        let mut properties = self.graph.relationship_properties(relationship)?;
        if !(self.rules.relationships.found.is_everything() && self.rules.relationships.reads_everything()) {
            self.hide_relationship_properties(relationship, &mut properties)?;
        }
        Ok(properties)
    }

    fn count_nodes(&self, label: Option<LabelId>) -> Result<u64, Failure> {
        self.hit(1);
        self.nodes_seen(label)
    }

    fn count_relationships(&self, kind: Option<TypeId>) -> Result<u64, Failure> {
        self.hit(1);
        self.relationships_seen(kind)
    }

    fn names(&self, kind: NameKind) -> Vec<CompactString> {
        let mut names = self.graph.names(kind);
        self.keep_names(kind, &mut names);
        if kind == NameKind::Key && !self.estimates {
            self.keep_keys_in_sight(&mut names);
        }
        names
    }

    fn indexes(&self) -> Vec<IndexInfo> {
        self.known_indexes(|| self.graph.indexes())
    }

    fn narrow_indexes(&self) -> Vec<IndexInfo> {
        self.known_indexes(|| self.graph.narrow_indexes())
    }

    fn index_size(&self, index: IndexId) -> Result<IndexSize, Failure> {
        let known = self.graph.indexes().into_iter().chain(self.graph.narrow_indexes());
        match known.into_iter().find(|known| known.id == index) {
            Some(info) => self.index_seen(&info),
            None => Ok(IndexSize { entries: 0, distinct: 0 }),
        }
    }

    fn await_indexes(&self, name: Option<&str>, seconds: u64, budget: &mut Budget) -> Result<bool, Failure> {
        // Whether there is an index of a name is told to who may list them.
        if let Some(name) = name.filter(|_| !self.rights.may(SchemaRight::ShowIndex)) {
            return Err(no_index(name));
        }
        self.graph.await_indexes(name, seconds, budget)
    }

    fn seek_nodes(&self, index: IndexId, seek: &Condition, out: &mut Vec<NodeId>) -> Result<(), Failure> {
        let Some(keys) = self.keys_of(index) else { return Ok(()) };
        let mut found = Vec::new();
        self.graph.seek_nodes(index, seek, &mut found)?;
        self.keep_readable(&mut found, &keys)?;
        self.hit(found.len() + 1);
        out.append(&mut found);
        Ok(())
    }

    fn seek_relationships(
        &self,
        index: IndexId,
        seek: &Condition,
        out: &mut Vec<RelationshipRef>,
    ) -> Result<(), Failure> {
        let Some(keys) = self.keys_of(index) else { return Ok(()) };
        let mut found = Vec::new();
        self.graph.seek_relationships(index, seek, &mut found)?;
        self.keep_readable_relationships(&mut found, &keys)?;
        self.hit(found.len() + 1);
        out.append(&mut found);
        Ok(())
    }

    fn search(&self, search: &Search<'_>, budget: &mut Budget) -> Result<Vec<(u64, f32)>, Failure> {
        if self.rights.sees_everything() {
            return self.graph.search(search, budget);
        }
        let found = self.search_seen(search, budget)?;
        self.hit(found.len() + 1);
        Ok(found)
    }

    fn scan_relationships(
        &self,
        kind: Option<TypeId>,
        after: Option<RelationshipId>,
        limit: usize,
        out: &mut Vec<RelationshipRef>,
    ) -> Result<(), Failure> {
        let before = out.len();
        if self.rules.find_every_relationship() {
            self.graph.scan_relationships(kind, after, limit, out)?;
        } else {
            self.scan_relationships_seen(kind, after, limit, out)?;
        }
        self.hit(out.len() - before + 1);
        Ok(())
    }

    fn has_node(&self, id: NodeId) -> Result<bool, Failure> {
        self.hit(1);
        Ok(self.graph.has_node(id)? && self.sees(id)?)
    }

    fn relationship(&self, id: RelationshipId) -> Result<Option<RelationshipRef>, Failure> {
        self.hit(1);
        let mut found: Vec<RelationshipRef> = self.graph.relationship(id)?.into_iter().collect();
        self.keep_relationships(&mut found)?;
        Ok(found.pop())
    }

    fn has_label(&self, nodes: &[NodeId], label: LabelId, out: &mut Vec<bool>) -> Result<(), Failure> {
        self.hit(nodes.len());
        let before = out.len();
        self.graph.has_label(nodes, label, out)?;
        if !self.rules.nodes.found.is_everything() {
            let seen = self.visible(nodes)?;
            out[before..].iter_mut().zip(seen).for_each(|(has, seen)| *has &= seen);
        }
        Ok(())
    }

    fn make_label(&mut self, name: &str) -> Result<LabelId, Failure> {
        self.made(TokenKind::Label, name, LabelId, |graph| graph.make_label(name))
    }

    fn make_type(&mut self, name: &str) -> Result<TypeId, Failure> {
        self.made(TokenKind::Type, name, TypeId, |graph| graph.make_type(name))
    }

    fn make_key(&mut self, name: &str) -> Result<KeyId, Failure> {
        self.made(TokenKind::Key, name, KeyId, |graph| graph.make_key(name))
    }

    fn make_name(&mut self, kind: NameKind, name: &str) -> Result<(), Failure> {
        let token = match kind {
            NameKind::Label => TokenKind::Label,
            NameKind::Type => TokenKind::Type,
            NameKind::Key => TokenKind::Key,
        };
        self.check_name(token, name)?;
        self.change(|graph| graph.make_name(kind, name))?;
        self.rules = Rules::of(&self.rights, &self.graph);
        Ok(())
    }

    fn create_node(&mut self, labels: &[LabelId], properties: &[(KeyId, Value)]) -> Result<NodeId, Failure> {
        self.check_create_node(labels, properties)?;
        self.check_made(TokenKind::Label, labels.iter().map(|label| label.0))?;
        self.check_made(TokenKind::Key, properties.iter().map(|(key, _)| key.0))?;
        self.change(|graph| graph.create_node(labels, properties))
    }

    fn create_relationship(
        &mut self,
        start: NodeId,
        kind: TypeId,
        end: NodeId,
        properties: &[(KeyId, Value)],
    ) -> Result<RelationshipId, Failure> {
        self.check_create_relationship(kind, properties)?;
        self.check_made(TokenKind::Type, [kind.0])?;
        self.check_made(TokenKind::Key, properties.iter().map(|(key, _)| key.0))?;
        self.change(|graph| graph.create_relationship(start, kind, end, properties))
    }

    fn set_node_property(&mut self, node: NodeId, key: KeyId, value: Value) -> Result<bool, Failure> {
        Ok(self.set_node_properties(node, &[(key, value)])? > 0)
    }

    fn set_node_properties(&mut self, node: NodeId, changes: &[(KeyId, Value)]) -> Result<u64, Failure> {
        changes.iter().try_for_each(|(key, _)| self.check_set_node(node, *key))?;
        let (seen, hidden) = self.split(changes, |sighted, key, value| sighted.hide_values(&[node], key, value))?;
        let counted = self.change(|graph| graph.set_node_properties(node, &seen))?;
        if !hidden.is_empty() {
            self.change(|graph| graph.set_node_properties(node, &hidden))?;
        }
        Ok(counted + hidden.len() as u64)
    }

    fn set_relationship_properties(
        &mut self,
        relationship: RelationshipId,
        changes: &[(KeyId, Value)],
    ) -> Result<u64, Failure> {
        changes.iter().try_for_each(|(key, _)| self.check_set_relationship(relationship, *key))?;
        let hide =
            |sighted: &Self, key, value: &mut [Value]| sighted.hide_relationship_values(&[relationship], key, value);
        let (seen, hidden) = self.split(changes, hide)?;
        let counted = self.change(|graph| graph.set_relationship_properties(relationship, &seen))?;
        if !hidden.is_empty() {
            self.change(|graph| graph.set_relationship_properties(relationship, &hidden))?;
        }
        Ok(counted + hidden.len() as u64)
    }

    fn set_relationship_property(
        &mut self,
        relationship: RelationshipId,
        key: KeyId,
        value: Value,
    ) -> Result<bool, Failure> {
        Ok(self.set_relationship_properties(relationship, &[(key, value)])? > 0)
    }

    fn add_labels(&mut self, node: NodeId, labels: &[LabelId]) -> Result<u64, Failure> {
        labels.iter().try_for_each(|label| self.check_add_label(*label))?;
        self.check_made(TokenKind::Label, labels.iter().map(|label| label.0))?;
        self.change(|graph| graph.add_labels(node, labels))
    }

    fn add_label(&mut self, node: NodeId, label: LabelId) -> Result<bool, Failure> {
        Ok(self.add_labels(node, &[label])? > 0)
    }

    fn remove_label(&mut self, node: NodeId, label: LabelId) -> Result<bool, Failure> {
        self.check_remove_label(label)?;
        if self.is_unmade(label.0) {
            return Ok(false);
        }
        self.change(|graph| graph.remove_label(node, label))
    }

    fn delete_node(&mut self, node: NodeId) -> Result<bool, Failure> {
        self.check_delete_node(node)?;
        self.change(|graph| graph.delete_node(node))
    }

    fn make_vector_index(&mut self, index: &VectorIndex<'_>) -> Result<(), Failure> {
        if !self.rights.may(SchemaRight::CreateIndex) {
            return Err(no_schema(self.graph.database(), &self.rights));
        }
        self.check_name(TokenKind::Label, index.label)?;
        self.check_name(TokenKind::Key, index.key)?;
        self.change(|graph| graph.make_vector_index(index))
    }

    fn delete_relationship(&mut self, relationship: RelationshipId) -> Result<bool, Failure> {
        self.check_delete_relationship(relationship)?;
        self.change(|graph| graph.delete_relationship(relationship))
    }
}
