//! The other process: this test binary, started again to do something that is going to kill it.
//! Start reading at [`child`], the test that does nothing unless it is the other process.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use graph::bulk::Loader;
use graph::codec::fact::{ConstraintKind, IndexKind, IndexOn};
use graph::keys::{Entity, TokenKind};
use graph::transaction::{NewConstraint, NewIndex, Older, Seek};
use graph::{Database, GraphError};
use types::{KeyId, LabelId, NodeId, TypeId, Value};

use super::open;

const JOB: &str = "GRAPH_TEST_JOB";
const FOLDER: &str = "GRAPH_TEST_FOLDER";

pub const WRITERS: u64 = 4;
pub const LABEL: LabelId = LabelId(0);
pub const RING: TypeId = TypeId(0);
pub const KEY: KeyId = KeyId(0);
const COUNTER: KeyId = KeyId(1);
const TEXT: KeyId = KeyId(2);
const NEAR: KeyId = KeyId(3);
/// Vectors that are enough for a graph of their own.
pub const NEAR_COUNT: u64 = 6_000;
/// Nodes, and relationships, of a load.
pub const LOADED: u64 = 50_000;

/// Starts this binary again, to do `job` in `folder`.
pub fn command(job: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test has a file"));
    command.args(["child::child", "--exact", "--nocapture"]).env(JOB, job).env(FOLDER, folder);
    command
}

/// What the three nodes of one transaction carry.
pub fn value(writer: u64, number: u64) -> i64 {
    (writer * 1_000_000 + number) as i64
}

#[test]
fn child() {
    let Ok(job) = std::env::var(JOB) else { return };
    let folder = std::env::var(FOLDER).expect("set with the job");
    match job.as_str() {
        "commit" => commit(&open(Path::new(&folder)).expect("opens")),
        "near" => near(&open(Path::new(&folder)).expect("opens")),
        "load" => load(&open(Path::new(&folder)).expect("opens")),
        "fill" => fill(&open(Path::new(&folder)).expect("opens")),
        other => panic!("no job {other}"),
    }
}

/// Four writers commit rings of three nodes for ever, and say so when a ring is durable.
fn commit(database: &Database) {
    let index = prepare(database);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || {
                let reading = database.begin_read().expect("a snapshot");
                let is_there = |number: u64| {
                    let (mut found, seek) = (Vec::new(), Seek::Equal(vec![value(writer, number).into()]));
                    reading.seek_index(index, &seek, &mut found).expect("sound");
                    !found.is_empty()
                };
                let first = (1..).find(|number| !is_there(*number)).expect("numbers do not end");
                drop(reading);
                for number in first.. {
                    while let Err(error) = add_ring(database, value(writer, number)) {
                        assert!(matches!(error, GraphError::Conflict), "{error}");
                    }
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "acknowledged {writer} {number}").and_then(|()| out.flush()).expect("somebody reads");
                }
            });
        }
    });
}

fn prepare(database: &Database) -> types::IndexId {
    for (kind, names) in [
        (TokenKind::Label, &["Ring"][..]),
        (TokenKind::Type, &["NEXT", "COUNTS"]),
        (TokenKind::Key, &["value", "counter", "text", "near"]),
    ] {
        for name in names {
            database.tokens().make(kind, name).expect("a short name");
        }
    }
    let mut transaction = database.begin().expect("a snapshot");
    if let Some(index) = transaction.indexes().iter().find(|index| index.name == "values") {
        return index.id;
    }
    let new = NewIndex::new("values", IndexOn::label(LABEL), vec![KEY], IndexKind::Range);
    let index = transaction.create_index(new).expect("there is none");
    for (name, key, kind) in [("words", TEXT, IndexKind::FullText), ("neighbours", NEAR, IndexKind::Vector)] {
        let new = NewIndex::new(name, IndexOn::label(LABEL), vec![key], kind);
        transaction.create_index(new).expect("there is none");
    }
    // Something to fill the index with, and a node that every transaction changes.
    transaction.create_node(&[LABEL], &[(KEY, (-1).into()), (COUNTER, 0.into())]).expect("a node");
    transaction.commit().expect("alone");
    index
}

fn add_ring(database: &Database, value: i64) -> Result<(), GraphError> {
    let mut transaction = database.begin()?;
    let long = "x".repeat(if value % 5 == 0 { 70_000 } else { 100 });
    let text = Value::string(format!("ring number {value} of many {long}"));
    let mut nodes = Vec::new();
    for at in 0..3 {
        let properties = [(KEY, value.into()), (TEXT, text.clone()), (NEAR, vector(value as u64 + at))];
        nodes.push(transaction.create_node(&[LABEL], &properties)?);
    }
    for (at, start) in nodes.iter().enumerate() {
        transaction.create_relationship(*start, RING, nodes[(at + 1) % 3], &[(KEY, value.into())])?;
    }
    let hub = NodeId(0);
    transaction.create_relationship(hub, TypeId(1), nodes[0], &[])?;
    // Every third one changes what all of them share, so that some conflict.
    if value % 3 == 0 {
        let counter = transaction.node(hub)?.map_or(0, |node| node.properties.len() as i64);
        transaction.set_property(Entity::Node(hub), COUNTER, (counter + value).into())?;
    }
    transaction.commit().map(drop)
}

/// Makes a vector out of a number, the same one every time.
pub fn vector(of: u64) -> Value {
    Value::list(numbers(of).into_iter().map(Value::Float).collect())
}

/// The numbers of [`vector`].
pub fn numbers(of: u64) -> Vec<f64> {
    (0..8).map(|at| ((of * 7 + at * 13) % 101) as f64 - 50.0 + of as f64 / 1e4).collect()
}

/// Commits vectors until the graph of their index is complete.
fn near(database: &Database) {
    prepare(database);
    for from in (0..NEAR_COUNT).step_by(1_000) {
        let mut transaction = database.begin().expect("a snapshot");
        for of in from..from + 1_000 {
            transaction.create_node(&[LABEL], &[(NEAR, vector(of))]).expect("a node");
        }
        transaction.commit().expect("alone");
    }
    while !database.wait_idle(std::time::Duration::from_secs(1)) {}
}

/// Loads, then makes an index and a constraint whose data is looked at after the commit.
fn fill(database: &Database) {
    load(database);
    let mut transaction = database.begin().expect("a snapshot");
    let new = NewIndex::new("rings", IndexOn::kind(RING), vec![KEY], IndexKind::Range);
    transaction.create_index(new).expect("there is none");
    let (on, keys, kind) = (IndexOn::label(LABEL), vec![KEY], ConstraintKind::Unique);
    transaction.create_constraint(NewConstraint { name: "once".into(), on, keys, kind }, Older::Later).expect("none");
    transaction.commit().expect("alone");
    while !database.wait_filled(std::time::Duration::from_secs(1)) {}
}

fn load(database: &Database) {
    let mut loader = Loader::new(database).expect("an empty database");
    loader.label("Ring").expect("a short name");
    loader.kind("NEXT").expect("a short name");
    loader.key("value").expect("a short name");
    for id in 0..LOADED {
        loader.node(&[LABEL], &[(KEY, (id as i64).into())]).expect("room");
    }
    for id in 0..LOADED {
        let properties = [(KEY, (id as i64).into())];
        loader.relationship(NodeId(id), RING, NodeId((id + 1) % LOADED), &properties).expect("both are there");
    }
    loader.finish().expect("room");
}
