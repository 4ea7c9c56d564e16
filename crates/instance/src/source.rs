//! A native graph as `query` reads and writes it: one transaction of one database.
//! Leaves what a read means to `graph`; adds names of entities, the refusal of writes, and what was deleted.
//! Start reading at [`GraphSource`].

mod between;
mod look;
mod writes;

use std::cell::Cell;
use std::fmt::Write;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use graph::codec::fact::{IndexDefinition, IndexKind, IndexOn};
use graph::codec::record::Ends;
use graph::keys::{Counted, Entity, TokenKind};
use graph::transaction::{Step, property};
use graph::{GraphError, Transaction, read::Seek};
use parking_lot::Mutex;
use query::{
    Between, Budget, Column, Condition, Expansion, Hop, IndexInfo, IndexSize, IndexUse, NameKind, RelationshipRecord,
    Search, Source, VectorIndex,
};
use types::{
    Code, Direction, Failure, IndexId, KeyId, LabelId, Map, NodeId, RelationshipId, RelationshipRef, TypeId, Value,
};

use crate::error::of_graph;
use crate::open_database::OpenDatabase;
use crate::reach::Reached;
pub(crate) use writes::Writes;

/// How often one that waits for an index looks whether it is to stop.
const AWAIT_LOOK_EVERY: Duration = Duration::from_millis(20);

/// Where a transaction lies while no statement uses it.
pub(crate) type Home = Arc<Mutex<Option<Transaction>>>;

/// One database in one transaction.
pub(crate) struct GraphSource {
    database: Arc<OpenDatabase>,
    /// What the database was called when the statement began.
    name: CompactString,
    /// Its place among the statement's sources, which entity references carry.
    number: u16,
    transaction: Lent,
    writes: Writes,
    hides_indexes: bool,
    /// Reads and writes so far, for `PROFILE`.
    hits: Cell<u64>,
}

/// A transaction that goes back to its home, if it has one, when the source is dropped.
struct Lent {
    transaction: Option<Transaction>,
    home: Option<Home>,
}

impl Deref for Lent {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        self.transaction.as_ref().expect("it is taken only while dropping")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(home) = &self.home {
            *home.lock() = self.transaction.take();
        }
    }
}

impl GraphSource {
    /// Makes a source that ends its transaction when it is dropped.
    pub(crate) fn new(database: Arc<OpenDatabase>, number: u16, transaction: Transaction, writes: Writes) -> Self {
        Self::over(database, number, Lent { transaction: Some(transaction), home: None }, writes)
    }

    fn over(database: Arc<OpenDatabase>, number: u16, transaction: Lent, writes: Writes) -> Self {
        let name = database.name();
        Self { database, name, number, transaction, writes, hides_indexes: false, hits: Cell::new(0) }
    }

    /// Adds the steps of `nodes` nodes, which come node by node, to `out`.
    fn collect(
        &self,
        nodes: usize,
        out: &mut Expansion,
        each: impl FnOnce(&mut dyn FnMut(Step)) -> Result<(), GraphError>,
    ) -> Result<(), Failure> {
        let (source, first) = (self.number, out.ends.len());
        out.ends.resize(first + nodes, out.found.len());
        let mut reached = 0;
        let visited = each(&mut |step| {
            // What lies between two nodes with steps has none.
            while reached < step.input {
                out.ends[first + reached] = out.found.len();
                reached += 1;
            }
            let Step { neighbour, relationship: id, kind, start, end, .. } = step;
            let relationship = RelationshipRef { source, id, kind, start, end };
            out.found.push(RelationshipRecord { neighbour, relationship });
        });
        visited.map_err(|error| self.database.fail(error))?;
        out.ends[first + reached..].fill(out.found.len());
        self.hit(nodes + out.found.len());
        Ok(())
    }

    /// Makes a source of the transaction that lies in `home`, which gets it back when the source is dropped.
    pub(crate) fn lend(database: Arc<OpenDatabase>, number: u16, home: &Home, writes: Writes) -> Option<Self> {
        let transaction = Some(home.lock().take()?);
        Some(Self::over(database, number, Lent { transaction, home: Some(Arc::clone(home)) }, writes))
    }

    /// Goes on counting where another source left off.
    pub(crate) fn counting_from(self, hits: u64) -> Self {
        self.hits.set(hits);
        self
    }

    /// Names its database as the user knows it who reached it.
    pub(crate) fn called_as(mut self, reached: &Reached) -> Self {
        if let Some(known) = reached.known() {
            self.name = known.as_str().into();
        }
        self
    }

    /// Shows no indexes: for planning ahead of a transaction that began before the newest of them.
    pub(crate) fn without_indexes(mut self) -> Self {
        self.hides_indexes = true;
        self
    }

    /// Counts reads or writes.
    fn hit(&self, times: usize) {
        self.hits.set(self.hits.get() + times as u64);
    }

    fn writer(&mut self) -> Result<&mut Transaction, Failure> {
        self.hit(1);
        types::way::step();
        self.writes.check(&self.name)?;
        Ok(self.transaction.transaction.as_mut().expect("it is taken only while dropping"))
    }

    fn is_writing(&self) -> bool {
        matches!(self.writes, Writes::Allowed)
    }

    /// Refuses a node that this transaction deleted.
    fn check_node(&self, node: NodeId) -> Result<(), Failure> {
        if self.is_writing() && self.transaction.is_deleted_node(node) { Err(deleted("Node", node.0)) } else { Ok(()) }
    }

    /// Refuses a relationship that this transaction deleted.
    fn check_relationship(&self, relationship: RelationshipId) -> Result<(), Failure> {
        if self.is_writing() && self.transaction.is_deleted_relationship(relationship) {
            return Err(deleted("Relationship", relationship.0));
        }
        Ok(())
    }

    fn reference(&self, ends: Ends) -> RelationshipRef {
        let Ends { id, kind, start, end } = ends;
        RelationshipRef { source: self.number, id, kind, start, end }
    }

    fn references(&self, ids: &[RelationshipId], out: &mut Vec<RelationshipRef>) -> Result<(), Failure> {
        let mut found = Vec::new();
        self.transaction.ends(ids, &mut found).map_err(|error| self.database.fail(error))?;
        self.hit(ids.len() + 1);
        out.extend(found.into_iter().flatten().map(|ends| self.reference(ends)));
        Ok(())
    }

    fn map(&self, properties: Vec<(KeyId, Value)>) -> Map {
        let name = |key: KeyId| self.transaction.token_name(TokenKind::Key, key.0).unwrap_or_default();
        properties.into_iter().map(|(key, value)| (name(key), value)).collect()
    }

    fn index_info(&self, index: &IndexDefinition) -> IndexInfo {
        let name = |kind, id| self.transaction.token_name(kind, id).unwrap_or_default();
        let of = match &index.on {
            IndexOn::Labels(labels) => labels.first().map(|label| name(TokenKind::Label, label.0)),
            IndexOn::Types(kinds) => kinds.first().map(|kind| name(TokenKind::Type, kind.0)),
        };
        let (relationships, of) = (!index.on.is_nodes(), of.unwrap_or_default());
        let kind = match index.kind {
            IndexKind::Text => IndexUse::Text,
            IndexKind::Point => IndexUse::Point,
            _ => IndexUse::Range,
        };
        let keys = index.keys.iter().map(|key| name(TokenKind::Key, key.0)).collect();
        IndexInfo { id: index.id, name: index.name.clone(), relationships, of, keys, unique: index.is_unique(), kind }
    }
}

impl Source for GraphSource {
    fn database(&self) -> &str {
        &self.name
    }

    fn hits(&self) -> u64 {
        self.hits.get()
    }

    fn changes_bytes(&self) -> usize {
        self.transaction.held_bytes()
    }

    fn node_element_id(&self, id: NodeId) -> CompactString {
        element_id(&self.database.node_prefix, id.0)
    }

    fn relationship_element_id(&self, id: RelationshipId) -> CompactString {
        element_id(&self.database.relationship_prefix, id.0)
    }

    fn label_id(&self, name: &str) -> Option<LabelId> {
        self.transaction.find_token(TokenKind::Label, name).map(LabelId)
    }

    fn type_id(&self, name: &str) -> Option<TypeId> {
        self.transaction.find_token(TokenKind::Type, name).map(TypeId)
    }

    fn key_id(&self, name: &str) -> Option<KeyId> {
        self.transaction.find_token(TokenKind::Key, name).map(KeyId)
    }

    fn type_name(&self, id: TypeId) -> Result<CompactString, Failure> {
        let name = self.transaction.token_name(TokenKind::Type, id.0);
        name.ok_or_else(|| Failure::new(Code::StorageDamaged, format!("the name of relationship type {id} is missing")))
    }

    fn scan_nodes(
        &self,
        label: Option<LabelId>,
        after: Option<NodeId>,
        limit: usize,
        out: &mut Vec<NodeId>,
    ) -> Result<(), Failure> {
        let before = out.len();
        self.transaction.scan_nodes(label, after, limit, out).map_err(|error| self.database.fail(error))?;
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
        self.collect(nodes.len(), out, |visit| self.transaction.expand_each(nodes, direction, types, visit))
    }

    fn expand_into(
        &self,
        nodes: &[NodeId],
        ends: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        out: &mut Expansion,
    ) -> Result<(), Failure> {
        self.collect(nodes.len(), out, |visit| self.transaction.expand_into(nodes, ends, direction, types, visit))
    }

    fn expand_between(
        &self,
        nodes: &[NodeId],
        ends: &[NodeId],
        hops: (Hop<'_>, Hop<'_>),
        out: &mut Between,
    ) -> Result<(), Failure> {
        self.collect_between(nodes, ends, hops, out).map_err(|error| self.database.fail(error))
    }

    fn degrees(
        &self,
        nodes: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        label: Option<LabelId>,
        out: &mut Vec<u64>,
    ) -> Result<(), Failure> {
        self.hit(nodes.len());
        let counted = match label {
            Some(label) => self.transaction.degrees_to(nodes, direction, types, label, out),
            None => self.transaction.degrees(nodes, direction, types, out),
        };
        counted.map_err(|error| self.database.fail(error))
    }

    fn node_property(&self, nodes: &[NodeId], key: KeyId, out: &mut Vec<Value>) -> Result<(), Failure> {
        self.hit(nodes.len());
        nodes.iter().try_for_each(|node| self.check_node(*node))?;
        self.transaction.node_properties(nodes, &[key], out).map_err(|error| self.database.fail(error))
    }

    fn relationship_property(
        &self,
        relationships: &[RelationshipId],
        key: KeyId,
        out: &mut Vec<Value>,
    ) -> Result<(), Failure> {
        self.hit(relationships.len());
        relationships.iter().try_for_each(|id| self.check_relationship(*id))?;
        self.transaction.relationship_properties(relationships, &[key], out).map_err(|error| self.database.fail(error))
    }

    fn node_column(&self, nodes: &[NodeId], key: KeyId) -> Result<Column, Failure> {
        self.hit(nodes.len());
        if self.is_writing() {
            nodes.iter().try_for_each(|node| self.check_node(*node))?;
        }
        self.transaction.node_column(nodes, key).map(column_of).map_err(|error| self.database.fail(error))
    }

    fn relationship_column(&self, relationships: &[RelationshipId], key: KeyId) -> Result<Column, Failure> {
        self.hit(relationships.len());
        if self.is_writing() {
            relationships.iter().try_for_each(|id| self.check_relationship(*id))?;
        }
        self.transaction
            .relationship_column(relationships, key)
            .map(column_of)
            .map_err(|error| self.database.fail(error))
    }

    fn labels(&self, node: NodeId) -> Result<Vec<CompactString>, Failure> {
        self.hit(1);
        self.check_node(node)?;
        let labels = self.transaction.labels(node).map_err(|error| self.database.fail(error))?;
        let name = |label: &LabelId| self.transaction.token_name(TokenKind::Label, label.0).unwrap_or_default();
        let mut names: Vec<CompactString> = labels.iter().map(name).collect();
        names.sort_unstable();
        Ok(names)
    }

    fn node_properties(&self, node: NodeId) -> Result<Map, Failure> {
        self.hit(1);
        self.check_node(node)?;
        let state = self.transaction.node(node).map_err(|error| self.database.fail(error))?;
        // What was read just now is nobody else's, and large values need not be there twice.
        let properties = state.map(|state| Arc::unwrap_or_clone(state).properties);
        Ok(properties.map(|properties| self.map(properties)).unwrap_or_default())
    }

    fn relationship_properties(&self, relationship: RelationshipId) -> Result<Map, Failure> {
        self.hit(1);
        self.check_relationship(relationship)?;
        let state = self.transaction.relationship(relationship).map_err(|error| self.database.fail(error))?;
        let properties = state.map(|state| Arc::unwrap_or_clone(state).properties);
        Ok(properties.map(|properties| self.map(properties)).unwrap_or_default())
    }

    fn count_nodes(&self, label: Option<LabelId>) -> Result<u64, Failure> {
        self.hit(1);
        self.transaction.count(label.map_or(Counted::Nodes, Counted::Label)).map_err(|error| self.database.fail(error))
    }

    fn count_relationships(&self, kind: Option<TypeId>) -> Result<u64, Failure> {
        self.hit(1);
        self.transaction
            .count(kind.map_or(Counted::Relationships, Counted::Type))
            .map_err(|error| self.database.fail(error))
    }

    fn names(&self, kind: NameKind) -> Vec<CompactString> {
        self.transaction.token_names(match kind {
            NameKind::Label => TokenKind::Label,
            NameKind::Type => TokenKind::Type,
            NameKind::Key => TokenKind::Key,
        })
    }

    fn await_indexes(&self, name: Option<&str>, seconds: u64, budget: &mut Budget) -> Result<bool, Failure> {
        let end = budget.now().checked_add(Duration::from_secs(seconds));
        loop {
            // Later commits count: this transaction may have begun before the index was complete.
            let latest = self.database.graph.begin_read().map_err(|error| self.database.fail(error))?;
            let indexes = latest.indexes();
            let wanted = |index: &&IndexDefinition| name.is_none_or(|name| index.name == name);
            let mut found = indexes.iter().filter(wanted).peekable();
            if let (None, Some(name)) = (found.peek(), name) {
                let text = format!("There is no such index '{name}'.");
                return Err(Failure::new(Code::IndexNotFound, text));
            }
            if let Some((index, why)) = found.clone().find_map(|index| index.failure().map(|why| (index, why))) {
                let text = format!("The index '{}' was given up: {why}.", index.name);
                return Err(Failure::new(Code::ProcedureCallFailed, text));
            }
            if found.all(IndexDefinition::is_online) {
                return Ok(true);
            }
            drop(latest);
            if end.is_some_and(|end| budget.now() >= end) {
                return Ok(false);
            }
            if self.database.graph.wait_filled(AWAIT_LOOK_EVERY) {
                // Nobody fills it just now; the look that follows may find it complete.
                std::thread::sleep(AWAIT_LOOK_EVERY);
            }
            budget.pay_rows(1)?;
        }
    }

    fn narrow_indexes(&self) -> Vec<IndexInfo> {
        if self.hides_indexes {
            return Vec::new();
        }
        let indexes = self.transaction.committed_indexes().iter();
        let narrow = indexes.filter(|index| matches!(index.kind, IndexKind::Text | IndexKind::Point));
        narrow.filter(|index| index.is_online()).map(|index| self.index_info(index)).collect()
    }

    fn indexes(&self) -> Vec<IndexInfo> {
        if self.hides_indexes {
            return Vec::new();
        }
        let indexes = self.transaction.indexes();
        let online = indexes.iter().filter(|index| index.is_online() && index.kind == IndexKind::Range);
        online.map(|index| self.index_info(index)).collect()
    }

    fn index_size(&self, index: IndexId) -> Result<IndexSize, Failure> {
        let size = self.transaction.index_size(index).map_err(|error| self.database.fail(error))?;
        Ok(IndexSize { entries: size.entries, distinct: size.distinct })
    }

    fn seek_nodes(&self, index: IndexId, seek: &Condition, out: &mut Vec<NodeId>) -> Result<(), Failure> {
        let before = out.len();
        self.database.index_reads.note(index);
        self.transaction.seek_index(index, &seek_of(seek), out).map_err(|error| self.database.fail(error))?;
        self.hit(out.len() - before + 1);
        Ok(())
    }

    fn seek_relationships(
        &self,
        index: IndexId,
        seek: &Condition,
        out: &mut Vec<RelationshipRef>,
    ) -> Result<(), Failure> {
        let mut ids = Vec::new();
        self.database.index_reads.note(index);
        self.transaction
            .seek_relationship_index(index, &seek_of(seek), &mut ids)
            .map_err(|error| self.database.fail(error))?;
        self.references(&ids, out)
    }

    fn search(&self, search: &Search<'_>, budget: &mut Budget) -> Result<Vec<(u64, f32)>, Failure> {
        let found = crate::search::search(&self.database, &self.transaction, search, budget)?;
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
        let mut found = Vec::new();
        self.transaction.scan_ends(kind, after, limit, &mut found).map_err(|error| self.database.fail(error))?;
        self.hit(found.len() + 1);
        out.extend(found.into_iter().map(|ends| self.reference(ends)));
        Ok(())
    }

    fn has_node(&self, id: NodeId) -> Result<bool, Failure> {
        self.hit(1);
        self.transaction.has_node(id).map_err(|error| self.database.fail(error))
    }

    fn relationship(&self, id: RelationshipId) -> Result<Option<RelationshipRef>, Failure> {
        self.hit(1);
        let mut found = Vec::new();
        self.references(&[id], &mut found)?;
        Ok(found.pop())
    }

    fn has_label(&self, nodes: &[NodeId], label: LabelId, out: &mut Vec<bool>) -> Result<(), Failure> {
        self.hit(nodes.len());
        nodes.iter().try_for_each(|node| self.check_node(*node))?;
        self.transaction.has_label(nodes, label, out).map_err(|error| self.database.fail(error))
    }

    fn make_label(&mut self, name: &str) -> Result<LabelId, Failure> {
        self.writer()?.make_token(TokenKind::Label, name).map(LabelId).map_err(of_graph)
    }

    fn make_type(&mut self, name: &str) -> Result<TypeId, Failure> {
        self.writer()?.make_token(TokenKind::Type, name).map(TypeId).map_err(of_graph)
    }

    fn make_key(&mut self, name: &str) -> Result<KeyId, Failure> {
        self.writer()?.make_token(TokenKind::Key, name).map(KeyId).map_err(of_graph)
    }

    fn create_node(&mut self, labels: &[LabelId], properties: &[(KeyId, Value)]) -> Result<NodeId, Failure> {
        self.writer()?.create_node(labels, properties).map_err(of_graph)
    }

    fn create_relationship(
        &mut self,
        start: NodeId,
        kind: TypeId,
        end: NodeId,
        properties: &[(KeyId, Value)],
    ) -> Result<RelationshipId, Failure> {
        self.check_node(start)?;
        self.check_node(end)?;
        self.writer()?.create_relationship(start, kind, end, properties).map_err(of_graph)
    }

    fn set_node_property(&mut self, node: NodeId, key: KeyId, value: Value) -> Result<bool, Failure> {
        self.check_node(node)?;
        let transaction = self.writer()?;
        let changes = !value.is_null() || {
            let state = transaction.node(node).map_err(of_graph)?;
            state.is_some_and(|state| property(&state.properties, key).is_some())
        };
        transaction.set_property(Entity::Node(node), key, value).map_err(of_graph)?;
        Ok(changes)
    }

    fn set_node_properties(&mut self, node: NodeId, changes: &[(KeyId, Value)]) -> Result<u64, Failure> {
        self.check_node(node)?;
        let transaction = self.writer()?;
        let state = transaction.node(node).map_err(of_graph)?;
        let changed = state.map_or(0, |state| there(changes, &state.properties));
        transaction.set_properties(Entity::Node(node), changes).map_err(of_graph)?;
        Ok(changed)
    }

    fn set_relationship_properties(
        &mut self,
        relationship: RelationshipId,
        changes: &[(KeyId, Value)],
    ) -> Result<u64, Failure> {
        self.check_relationship(relationship)?;
        let transaction = self.writer()?;
        let state = transaction.relationship(relationship).map_err(of_graph)?;
        let changed = state.map_or(0, |state| there(changes, &state.properties));
        transaction.set_properties(Entity::Relationship(relationship), changes).map_err(of_graph)?;
        Ok(changed)
    }

    fn set_relationship_property(
        &mut self,
        relationship: RelationshipId,
        key: KeyId,
        value: Value,
    ) -> Result<bool, Failure> {
        self.check_relationship(relationship)?;
        let transaction = self.writer()?;
        let changes = !value.is_null() || {
            let state = transaction.relationship(relationship).map_err(of_graph)?;
            state.is_some_and(|state| property(&state.properties, key).is_some())
        };
        transaction.set_property(Entity::Relationship(relationship), key, value).map_err(of_graph)?;
        Ok(changes)
    }

    fn add_label(&mut self, node: NodeId, label: LabelId) -> Result<bool, Failure> {
        self.check_node(node)?;
        let transaction = self.writer()?;
        let has = transaction.labels(node).map_err(of_graph)?.contains(&label);
        transaction.add_label(node, label).map_err(of_graph)?;
        Ok(!has)
    }

    fn add_labels(&mut self, node: NodeId, labels: &[LabelId]) -> Result<u64, Failure> {
        self.check_node(node)?;
        let transaction = self.writer()?;
        let before = transaction.labels(node).map_err(of_graph)?.len();
        transaction.add_labels(node, labels).map_err(of_graph)?;
        let now = transaction.labels(node).map_err(of_graph)?.len();
        Ok((now - before) as u64)
    }

    fn remove_label(&mut self, node: NodeId, label: LabelId) -> Result<bool, Failure> {
        self.check_node(node)?;
        let transaction = self.writer()?;
        let has = transaction.labels(node).map_err(of_graph)?.contains(&label);
        transaction.remove_label(node, label).map_err(of_graph)?;
        Ok(has)
    }

    fn delete_node(&mut self, node: NodeId) -> Result<bool, Failure> {
        let transaction = self.writer()?;
        let is_there = transaction.has_node(node).map_err(of_graph)?;
        if is_there {
            transaction.delete_node(node).map_err(of_graph)?;
        }
        Ok(is_there)
    }

    fn make_vector_index(&mut self, index: &VectorIndex<'_>) -> Result<(), Failure> {
        self.writer()?;
        crate::search::make_vector_index(&self.database, index)
    }

    fn delete_relationship(&mut self, relationship: RelationshipId) -> Result<bool, Failure> {
        let transaction = self.writer()?;
        let is_there = transaction.relationship(relationship).map_err(of_graph)?.is_some();
        if is_there {
            transaction.delete_relationship(relationship).map_err(of_graph)?;
        }
        Ok(is_there)
    }
}

fn column_of(column: graph::Column) -> Column {
    match column {
        graph::Column::Values(values) => Column::Values(values),
        graph::Column::Integers(values) => Column::Integers(values),
        graph::Column::Floats(values) => Column::Floats(values),
    }
}

fn seek_of(condition: &Condition) -> Seek {
    match condition.clone() {
        Condition::Equal(values) => Seek::Equal(values),
        Condition::Range(equal, lower, upper) => Seek::Range { equal, lower, upper },
        Condition::Prefix(equal, prefix) => Seek::Prefix { equal, prefix },
        Condition::Holds(part) => Seek::Holds(part),
        Condition::Ends(end) => Seek::Ends(end),
        Condition::Within(low, high) => Seek::Within(low, high),
        Condition::Near(center, distance) => Seek::Near(center, distance),
    }
}

fn element_id(prefix: &str, id: u64) -> CompactString {
    let mut text = CompactString::with_capacity(prefix.len() + 8);
    text.push_str(prefix);
    write!(text, "{id}").expect("writing to memory");
    text
}

fn deleted(kind: &str, id: u64) -> Failure {
    let text = format!("{kind} with id {id} has been deleted in this transaction (DeletedEntityAccess)");
    Failure::new(Code::EntityNotFound, text)
}

/// Counts the changes of properties that set one, or remove one that is there.
fn there(changes: &[(KeyId, Value)], properties: &[(KeyId, Value)]) -> u64 {
    let counts = |(key, value): &&(KeyId, Value)| !value.is_null() || property(properties, *key).is_some();
    changes.iter().filter(counts).count() as u64
}
