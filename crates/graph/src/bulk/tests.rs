//! Loads compared with the same graph made by transactions, on both engines.

use std::path::Path;
use std::sync::Arc;

use store::lmdb::LmdbEngine;
use store::memory::MemoryEngine;
use store::{Engine, OpenOptions, Snapshot, Store};
use types::{KeyId, LabelId, NodeId, TypeId, Value};

use super::{Loaded, Loader, LoaderOptions};
use crate::codec::fact::{IndexKind, IndexOn};
use crate::database::{Database, DatabaseOptions};
use crate::error::GraphError;
use crate::keys::{self, Table, TokenKind};
use crate::transaction::{NewIndex, Seek};

/// What both ways of making a graph take.
trait Makes {
    fn node(&mut self, labels: &[LabelId], properties: &[(KeyId, Value)]);
    fn join(&mut self, start: u64, kind: TypeId, end: u64, properties: &[(KeyId, Value)]);
    fn index(&mut self, new: NewIndex);
}

impl Makes for Loader {
    fn node(&mut self, labels: &[LabelId], properties: &[(KeyId, Value)]) {
        self.node(labels, properties).expect("a node");
    }

    fn join(&mut self, start: u64, kind: TypeId, end: u64, properties: &[(KeyId, Value)]) {
        self.relationship(NodeId(start), kind, NodeId(end), properties).expect("a relationship");
    }

    fn index(&mut self, new: NewIndex) {
        self.create_index(new).expect("an index");
    }
}

impl Makes for crate::Transaction {
    fn node(&mut self, labels: &[LabelId], properties: &[(KeyId, Value)]) {
        self.create_node(labels, properties).expect("a node");
    }

    fn join(&mut self, start: u64, kind: TypeId, end: u64, properties: &[(KeyId, Value)]) {
        self.create_relationship(NodeId(start), kind, NodeId(end), properties).expect("a relationship");
    }

    fn index(&mut self, new: NewIndex) {
        self.create_index(new).expect("an index");
    }
}

fn index(name: &str, on: IndexOn, key: u32) -> NewIndex {
    NewIndex::new(name, on, vec![KeyId(key)], IndexKind::Range)
}

/// A hub, a ring, long values, properties out of order and of null, and indexes before, amid and after.
fn make(graph: &mut dyn Makes, is_mixed: bool) {
    graph.index(index("before", IndexOn::label(LabelId(0)), 1));
    for id in 0..3_000_u64 {
        let name = Value::string(format!("node {id}"));
        let labels = [LabelId((id % 3) as u32), LabelId(0)];
        let last = if id % 700 == 0 { Value::string("long".repeat(40_000)) } else { Value::Null };
        graph.node(&labels, &[(KeyId(1), name), (KeyId(3), last), (KeyId(0), (id as i64).into())]);
        if is_mixed && id > 0 {
            graph.join(id - 1, TypeId(0), id, &[]);
        }
    }
    graph.index(index("amid", IndexOn::label(LabelId(2)), 0));
    graph.index(index("on joins", IndexOn::kind(TypeId(1)), 0));
    for id in 0..3_000_u64 {
        graph.join(0, TypeId(1), id, &[(KeyId(0), ((id % 7) as i64).into())]);
        graph.join(id, TypeId((id % 2) as u32), (id * 7) % 3_000, &[]);
    }
    graph.index(index("after", IndexOn::kind(TypeId(1)), 0).of_kind(IndexKind::Text));
}

impl NewIndex {
    fn of_kind(self, kind: IndexKind) -> Self {
        Self { kind, ..self }
    }
}

fn open(engine: &dyn Engine, folder: &Path) -> Database {
    let store = engine.open(folder, &OpenOptions { create: true, ..OpenOptions::default() }).expect("a store");
    let database = Database::open(store, DatabaseOptions::default()).expect("a database");
    // The tests speak of numbers; a sound database has names for them.
    for kind in [TokenKind::Label, TokenKind::Type, TokenKind::Key] {
        for name in ["Person", "one", "two", "three", "four", "five"] {
            database.tokens().make(kind, name).expect("a short name");
        }
    }
    database
}

fn check_sound(database: &Database) {
    assert_eq!(database.check().expect("a snapshot").problems, [""; 0]);
}

/// Every entry but blocks of neighbours, which depend on how they grew, and the version.
fn entries(snapshot: &Arc<dyn Snapshot>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut entries = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        if key[0] != Table::Adjacency as u8 && key != keys::meta(keys::Meta::Version) {
            entries.push((key.to_vec(), value.to_vec()));
        }
        true
    };
    snapshot.scan(&[]..&[0xff], visit).expect("a sound store");
    entries
}

fn check(engine: &dyn Engine, folder: &Path, is_mixed: bool, sort_max_bytes: usize) {
    let (loaded, made) = (open(engine, &folder.join("loaded")), open(engine, &folder.join("made")));
    let options = LoaderOptions { sort_max_bytes, ..LoaderOptions::default() };
    let mut loader = Loader::with_options(&loaded, options).expect("an empty database");
    make(&mut loader, is_mixed);
    assert!(matches!(loaded.begin(), Err(GraphError::Loading)));
    let counts = loader.finish().expect("room");
    assert_eq!(counts, Loaded { nodes: 3_000, relationships: if is_mixed { 8_999 } else { 6_000 } });
    let mut transaction = made.begin().expect("a transaction");
    make(&mut transaction, is_mixed);
    transaction.commit().expect("alone");
    let (left, right) = (loaded.begin_read().expect("open"), made.begin_read().expect("open"));
    let (one, other) = (loaded.store().snapshot().expect("a place"), made.store().snapshot().expect("a place"));
    assert!(entries(&one) == entries(&other));
    let nodes: Vec<NodeId> = (0..3_000).map(NodeId).collect();
    let expand = |transaction: &crate::Transaction| {
        let mut steps = Vec::new();
        transaction.expand(&nodes, types::Direction::Both, None, &mut steps).expect("sound");
        steps
    };
    assert!(expand(&left) == expand(&right));
    drop((left, right, one, other));
    // What comes after goes on as usual.
    let mut transaction = loaded.begin().expect("open");
    let id = transaction.create_node(&[LabelId(2)], &[(KeyId(0), 5_000.into())]).expect("a node");
    transaction.commit().expect("alone");
    assert_eq!(id, NodeId(3_000));
    check_sound(&loaded);
    drop(loaded);
    let loaded = open(engine, &folder.join("loaded"));
    let transaction = loaded.begin_read().expect("open");
    let amid = transaction.indexes().into_iter().find(|index| index.name == "amid").expect("it was made").id;
    let mut found = Vec::new();
    transaction.seek_index(amid, &Seek::Equal(vec![5_000.into()]), &mut found).expect("sound");
    assert_eq!(found, [id]);
}

#[test]
fn loads_like_transactions() {
    let engine = MemoryEngine::default();
    for (at, (is_mixed, sort_max_bytes)) in [(false, 1 << 20), (true, 1 << 20), (true, 10_000)].into_iter().enumerate()
    {
        check(&engine, Path::new(&format!("{at}")), is_mixed, sort_max_bytes);
    }
    let folder = tempfile::tempdir().expect("a folder");
    check(&LmdbEngine, folder.path(), true, 10_000);
}

#[test]
fn an_unfinished_load_is_known() {
    let engine = MemoryEngine::default();
    let database = open(&engine, Path::new("graph"));
    let mut loader = Loader::new(&database).expect("an empty database");
    loader.node(&[], &[]).expect("a node");
    assert!(matches!(Loader::new(&database), Err(GraphError::Loading)));
    assert!(matches!(
        loader.relationship(NodeId(0), TypeId(0), NodeId(1), &[]),
        Err(GraphError::NotFound { entity: keys::Entity::Node(NodeId(1)) })
    ));
    drop((loader, database));
    let store: Arc<dyn Store> = engine.open(Path::new("graph"), &OpenOptions::default()).expect("a store");
    assert!(matches!(Database::open(store, DatabaseOptions::default()), Err(GraphError::LoadUnfinished)));
}

#[test]
fn only_an_empty_database_is_loaded() {
    let database = open(&MemoryEngine::default(), Path::new("graph"));
    let before = database.begin().expect("a transaction");
    let mut transaction = database.begin().expect("a transaction");
    transaction.create_node(&[], &[]).expect("a node");
    assert!(matches!(Loader::new(&database), Err(GraphError::NotEmpty)));
    drop((transaction, before));
}

#[test]
fn names_have_a_length() {
    let database = open(&MemoryEngine::default(), Path::new("graph"));
    let long = "x".repeat(crate::tokens::NAME_MAX_BYTES + 1);
    let mut transaction = database.begin().expect("a transaction");
    let refused = transaction.make_token(keys::TokenKind::Label, &long).expect_err("too long");
    assert_eq!(refused.code(), types::Code::ArgumentError);
    let refused = transaction.create_node(&[LabelId(crate::tokens::REFUSED)], &[]);
    assert!(matches!(refused, Err(GraphError::NameTooLong { .. })));
    transaction.make_token(keys::TokenKind::Label, &long[1..]).expect("just short enough");
    transaction.create_node(&[LabelId(0)], &[]).expect("a node");
    transaction.commit().expect("alone");
}
