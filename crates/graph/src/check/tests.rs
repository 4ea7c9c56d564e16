//! Single entries are damaged through the store, and each damage is found.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use store::memory::MemoryEngine;
use store::{Engine, OpenOptions, StoreError, Writer};
use types::{KeyId, LabelId, NodeId, RelationshipId, TypeId, Value, effort};

use super::Report;
use crate::codec::fact::{IndexKind, IndexOn, encode_count, encode_number};
use crate::codec::label::Members;
use crate::codec::{adjacency, record, seal};
use crate::database::{Database, DatabaseOptions};
use crate::error::GraphError;
use crate::keys::{self, Counted, Entity, Meta, Side, TokenKind, order};
use crate::transaction::NewIndex;

fn sound() -> Database {
    let options = OpenOptions { create: true, ..OpenOptions::default() };
    let store = MemoryEngine::default().open(Path::new("graph"), &options).expect("a store");
    let database = Database::open(store, DatabaseOptions::default()).expect("a database");
    for (kind, name) in [(TokenKind::Label, "Person"), (TokenKind::Type, "KNOWS"), (TokenKind::Key, "name")] {
        database.tokens().make(kind, name).expect("a short name");
    }
    let mut transaction = database.begin().expect("a transaction");
    for (name, on) in [("nodes", IndexOn::label(LabelId(0))), ("joins", IndexOn::kind(TypeId(0)))] {
        let new = NewIndex::new(name, on, vec![KeyId(0)], IndexKind::Range);
        transaction.create_index(new).expect("an index");
    }
    for id in 0..2_000_i64 {
        let value = if id == 7 { Value::string("x".repeat(100_000)) } else { id.into() };
        let node = transaction.create_node(&[LabelId(0)], &[(KeyId(0), value)]).expect("a node");
        transaction.create_relationship(NodeId(0), TypeId(0), node, &[(KeyId(0), id.into())]).expect("both are there");
    }
    transaction.commit().expect("alone");
    database
}

fn check_damaged(damage: impl Fn(&mut dyn Writer) -> Result<(), StoreError>) -> Report {
    let database = sound();
    database.store().write(&mut |writer| damage(writer)).expect("a write");
    database.check().expect("a snapshot")
}

/// Damages a database and expects a problem with these words.
fn check(damage: impl Fn(&mut dyn Writer) -> Result<(), StoreError>, words: &str) {
    let report = check_damaged(damage);
    assert!(report.problems.iter().any(|problem| problem.contains(words)), "{words}: {:?}", report.problems);
    assert!(report.problems.len() < 8, "one damage is not a flood: {:?}", report.problems);
}

#[test]
fn a_sound_database_has_no_problems() {
    let report = sound().check().expect("a snapshot");
    assert_eq!(report.problems, [""; 0]);
    assert_eq!((report.nodes, report.relationships, report.index_entries), (2_000, 2_000, 4_000));
    assert!(report.adjacency_blocks > 2_000 && report.entries > 10_000);
}

/// Says no from the question of this number on.
struct Impatient(AtomicUsize);

impl effort::Watch for Impatient {
    fn may_go_on(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) > 1
    }
}

#[test]
fn f51_a_check_ends_when_its_statement_does() {
    let database = sound();
    for question in 1..=2 {
        let _watched = effort::watch(Arc::new(Impatient(AtomicUsize::new(question))), usize::MAX);
        let error = database.check().expect_err("it is over");
        assert!(matches!(error, GraphError::Stopped), "question {question}: {error}");
    }
    assert!(database.check().expect("nobody ends it").is_sound());
}

/// The store sees keys that are out of order or double; these are neither.
#[test]
fn a7_keys_with_numbers_that_were_never_given_are_found_when_a_graph_is_opened() {
    let fallen_over = |key: &[u8]| {
        let options = OpenOptions { create: true, ..OpenOptions::default() };
        let store = MemoryEngine::default().open(Path::new("graph"), &options).expect("a store");
        let database = Database::open(std::sync::Arc::clone(&store), DatabaseOptions::default()).expect("sound so far");
        let mut transaction = database.begin().expect("a transaction");
        for _ in 0..3 {
            transaction.create_node(&[], &[]).expect("a node");
        }
        transaction.commit().expect("alone");
        drop(database);
        Database::open(std::sync::Arc::clone(&store), DatabaseOptions::default()).expect("sound so far");
        store.write(&mut |writer| writer.put(key, &seal(Vec::new()))).expect("a write");
        Database::open(store, DatabaseOptions::default()).is_err_and(|error| error.to_string().contains("never given"))
    };
    assert!(fallen_over(&keys::node(NodeId(66))));
    assert!(fallen_over(&keys::relationship(RelationshipId(0))));
    assert!(fallen_over(&keys::adjacency(NodeId(66), Side::Incoming, TypeId(0), NodeId(0), RelationshipId(0))));
    assert!(fallen_over(&keys::long(Entity::Node(NodeId(3)), KeyId(0), 0)));
    assert!(fallen_over(&keys::long(Entity::Relationship(RelationshipId(1)), KeyId(0), 0)));
    assert!(!fallen_over(&keys::node(NodeId(2))));
}

#[test]
fn damaged_records_are_found() {
    let flip = |key: Vec<u8>| {
        move |writer: &mut dyn Writer| {
            let mut value = writer.get(&key)?.expect("it is there").into_owned();
            value[0] ^= 1;
            writer.put(&key, &value)
        }
    };
    check(flip(keys::node(NodeId(5)).into()), "node 5: the database is damaged: a node fails its checksum");
    check(flip(keys::relationship(RelationshipId(5)).into()), "relationship 5: the database is damaged");
    check(flip(keys::label_block(LabelId(0), 1).into()), "block 1 of label 0");
    check(flip(keys::long(Entity::Node(NodeId(7)), KeyId(0), 1).into()), "a part of a long value fails its checksum");
    check(flip(keys::meta(Meta::NodeNext).into()), "key 0002");
    check(flip(keys::count(Counted::Nodes).into()), "a count fails its checksum");
    check(flip(keys::token(TokenKind::Key, 0).into()), "a name fails its checksum");
    check(flip(keys::index(types::IndexId(3)).into()), "index 3");
    let block = Side::Incoming;
    let key = keys::adjacency(NodeId(9), block, TypeId(0), NodeId(0), RelationshipId(9));
    check(flip(key.into()), "a block of neighbours of node 9");
}

#[test]
fn what_is_missing_or_too_much_is_found() {
    let delete = |key: Vec<u8>| move |writer: &mut dyn Writer| writer.delete(&key).map(drop);
    check(delete(keys::node(NodeId(5)).into()), "node 5 stands among the nodes with label 0 and does not have it");
    check(delete(keys::node(NodeId(5)).into()), "there is no such node");
    check(delete(keys::relationship(RelationshipId(5)).into()), "relationship 5 stands in the Outgoing list of node 0");
    check(delete(keys::long(Entity::Node(NodeId(7)), KeyId(0), 0).into()), "a part of a long value is missing");
    check(delete(keys::meta(Meta::Format).into()), "the format of the graph is missing");
    check(delete(keys::token(TokenKind::Label, 0).into()), "has no name");
    let entry = order::entry(types::IndexId(3), &[5.into()], 5).expect("a key");
    check(delete(entry.clone()), "index nodes has no entry of Node 5");
    let other = order::entry(types::IndexId(3), &[6.into()], 5).expect("a key");
    check(move |writer| writer.put(&other, &[]), "index nodes has an entry of 5 that does not fit");
    check(delete(keys::index(types::IndexId(4)).into()), "entries of index 4, which is not defined");
    check(|writer| writer.put(&[0x77], &[]), "no table has such a key");
    check(|writer| writer.put(&keys::meta(Meta::Loading), &encode_number(1)), "not loaded to the end");
    let part = keys::long(Entity::Node(NodeId(7)), KeyId(0), 2);
    check(move |writer| writer.put(&part, &seal(vec![1])), "belongs to no property");
}

#[test]
fn what_disagrees_is_found() {
    let count = encode_count(1_999);
    for counted in [Counted::Nodes, Counted::Type(TypeId(0)), Counted::Entries(types::IndexId(4))] {
        let words = format!("the count of {counted:?} is 1999 where 2000 are there");
        check(|writer| writer.put(&keys::count(counted), &count), &words);
    }
    let block = keys::label_block(LabelId(0), 0);
    let forget = |writer: &mut dyn Writer| {
        let mut members = Members::decode(&writer.get(&block)?.expect("it is there")).expect("sound");
        members.remove(3);
        writer.put(&block, &members.encode())
    };
    check(forget, "node 3 is missing among the nodes with label 0");
    let key = keys::adjacency(NodeId(9), Side::Incoming, TypeId(0), NodeId(0), RelationshipId(9));
    let wrong = adjacency::encode(&[(NodeId(0), RelationshipId(10))]).remove(0).1;
    check(move |writer| writer.put(&key, &wrong), "relationship 9 is missing in the Incoming list of node 9");
    check(
        |writer| {
            let record = record::encode_node(&[], &[(KeyId(0), 4.into())]).expect("a record");
            writer.put(&keys::node(NodeId(5_000)), &record.bytes)
        },
        "node 5000 is there and the next new one would be 2000",
    );
    let record = record::encode_relationship(NodeId(1), NodeId(5), TypeId(0), &[(KeyId(0), 5.into())]);
    let record = record.expect("a record").bytes;
    check(
        move |writer| writer.put(&keys::relationship(RelationshipId(5)), &record),
        "relationship 5 is missing in the Outgoing list of node 1",
    );
}

#[test]
fn problems_are_bounded() {
    let report = check_damaged(|writer| {
        (0..1_000_u64).try_for_each(|id| writer.put(&keys::node(NodeId(id)), &seal(vec![200])).map(drop))
    });
    assert_eq!(report.problems.len(), super::PROBLEMS_MAX);
    assert!(report.problems_left_out >= 900);
}
