//! Reads over a small graph that is written entry by entry, from a snapshot and inside a write.

use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use store::memory::MemoryEngine;
use store::{Engine, OpenOptions, Store, Writer};
use types::{Code, Direction, IndexId, KeyId, LabelId, NodeId, RelationshipId, TypeId, Value, effort};

use super::{Seek, View};
use crate::codec::FORMAT;
use crate::codec::fact::{self, IndexDefinition, IndexKind, IndexOn, IndexState};
use crate::codec::label::Members;
use crate::codec::{adjacency, record};
use crate::keys::{self, Counted, Entity, Meta, Side, TokenKind};
use crate::tokens::Tokens;

const LABEL: LabelId = LabelId(3);
const NAME: KeyId = KeyId(1);
const TYPES: [TypeId; 2] = [TypeId(0), TypeId(1)];

/// Keeps what `work` writes, in a store in memory.
fn stored(mut work: impl FnMut(&mut dyn Writer)) -> Arc<dyn Store> {
    let options = OpenOptions { create: true, ..OpenOptions::default() };
    let store = MemoryEngine::default().open(Path::new("graph"), &options).expect("a store");
    store
        .write(&mut |writer| {
            work(writer);
            Ok(())
        })
        .expect("a write");
    store
}

/// Asks a snapshot, and the write transaction itself.
fn check(write: impl Fn(&mut dyn Writer), ask: impl Fn(View<'_>)) {
    let store = stored(|writer| {
        write(writer);
        ask(View::new(&*writer));
    });
    let snapshot = store.snapshot().expect("a snapshot");
    ask(View::new(&*snapshot));
}

fn put(writer: &mut dyn Writer, key: &[u8], value: &[u8]) {
    writer.put(key, value).expect("a put");
}

fn put_node(writer: &mut dyn Writer, id: u64, properties: &[(KeyId, Value)]) {
    let encoded = record::encode_node(&[LABEL], properties).expect("a record");
    put(writer, &keys::node(NodeId(id)), &encoded.bytes);
    for (key, parts) in encoded.long {
        for (at, part) in (0..).zip(parts) {
            put(writer, &keys::long(Entity::Node(NodeId(id)), key, at), &part);
        }
    }
}

fn put_list(writer: &mut dyn Writer, node: u64, side: Side, kind: TypeId, pairs: &[(u64, u64)]) {
    let pairs: Vec<_> = pairs.iter().map(|(node, by)| (NodeId(*node), RelationshipId(*by))).collect();
    for ((neighbour, relationship), block) in adjacency::encode(&pairs) {
        put(writer, &keys::adjacency(NodeId(node), side, kind, neighbour, relationship), &block);
    }
}

fn definition() -> IndexDefinition {
    IndexDefinition {
        id: IndexId(4),
        name: "names".into(),
        on: IndexOn::label(LABEL),
        keys: vec![NAME],
        kind: IndexKind::Range,
        constraint: None,
        options: vec![],
        state: IndexState::Online,
    }
}

#[test]
fn facts_names_and_definitions_are_read() {
    let write = |writer: &mut dyn Writer| {
        put(writer, &keys::meta(Meta::Format), &fact::encode_format(FORMAT));
        put(writer, &keys::meta(Meta::NodeNext), &fact::encode_number(9));
        put(writer, &keys::count(Counted::Label(LABEL)), &fact::encode_count(2));
        put(writer, &keys::token(TokenKind::Type, 0), &fact::encode_name("KNOWS"));
        put(writer, &keys::token(TokenKind::Type, 1), &fact::encode_name("LIKES"));
        put(writer, &keys::index(IndexId(4)), &definition().encode().expect("a definition"));
    };
    check(write, |view| {
        assert!(view.check_format().expect("a format"));
        assert_eq!(view.number(Meta::NodeNext).expect("a number"), 9);
        assert_eq!(view.number(Meta::Version).expect("a number"), 0);
        assert_eq!(view.count(Counted::Label(LABEL)).expect("a count"), 2);
        assert_eq!(view.count(Counted::Nodes).expect("a count"), 0);
        let tokens = Tokens::load(view.reader()).expect("names");
        assert_eq!(tokens.find(TokenKind::Type, "LIKES"), Some(1));
        assert_eq!(tokens.name(TokenKind::Type, 0).as_deref(), Some("KNOWS"));
        assert_eq!((tokens.names(TokenKind::Type).len(), tokens.names(TokenKind::Label).len()), (2, 0));
        assert_eq!(view.indexes().expect("indexes"), [definition()]);
    });
}

#[test]
fn a_newer_format_and_missing_names_are_refused() {
    let store = stored(|writer| {
        put(writer, &keys::meta(Meta::Format), &fact::encode_format(FORMAT + 1));
        put(writer, &keys::token(TokenKind::Key, 1), &fact::encode_name("name"));
    });
    let snapshot = store.snapshot().expect("a snapshot");
    let view = View::new(&*snapshot);
    assert_eq!(view.check_format().expect_err("too new").code(), Code::DatabaseStartFailed);
    assert_eq!(Tokens::load(&*snapshot).expect_err("a gap").code(), Code::StorageDamaged);
}

#[test]
fn records_and_single_properties_are_read() {
    let long = Value::string("å".repeat(70_000));
    let write = |writer: &mut dyn Writer| {
        put_node(writer, 1, &[(NAME, "Ann".into()), (KeyId(2), 40.into())]);
        put_node(writer, 2, &[(NAME, Value::string("å".repeat(70_000)))]);
        put_node(writer, 5, &[]);
        let likes = record::encode_relationship(NodeId(1), NodeId(2), TYPES[1], &[(NAME, 7.into())]).expect("a record");
        put(writer, &keys::relationship(RelationshipId(8)), &likes.bytes);
    };
    check(write, |view| {
        let entity = Entity::Node(NodeId(1));
        let seen = view.node(NodeId(1), |node| {
            assert!(node.has_label(LABEL));
            assert_eq!(view.property(entity, &node.properties, KeyId(2))?, Some(40.into()));
            view.properties(entity, &node.properties)
        });
        let all = vec![(NAME, "Ann".into()), (KeyId(2), 40.into())];
        assert_eq!(seen.expect("sound"), Some(all));
        assert!(view.node(NodeId(3), |_| Ok(())).expect("sound").is_none());
        assert!(view.has_node(NodeId(5)).expect("sound"));

        let mut names = Vec::new();
        let ids = [5, 2, 3, 1].map(NodeId);
        view.property_of_nodes(&ids, NAME, &mut names).expect("sound");
        assert_eq!(names, [Value::Null, long.clone(), Value::Null, "Ann".into()]);

        let likes = view.relationship(RelationshipId(8), |likes| Ok((likes.start, likes.end, likes.kind)));
        assert_eq!(likes.expect("sound"), Some((NodeId(1), NodeId(2), TYPES[1])));
        let mut weights = Vec::new();
        view.property_of_relationships(&[RelationshipId(8)], NAME, &mut weights).expect("sound");
        assert_eq!(weights, [Value::from(7)]);
    });
}

/// Lets a statement go on for ever.
struct Unhurried;

impl effort::Watch for Unhurried {
    fn may_go_on(&self) -> bool {
        true
    }
}

#[test]
fn f53_a_value_that_a_statement_has_no_room_for_is_not_read() {
    let text = Value::string("long".repeat(50_000));
    let numbers = Value::list((0..50_000).map(|number| Value::Integer(number % 7)).collect());
    let values = [(NAME, text, 200_000), (KeyId(2), numbers, 50_000 * size_of::<Value>())];
    let write = |writer: &mut dyn Writer| {
        values.iter().for_each(|(key, value, _)| put_node(writer, key.0.into(), &[(*key, value.clone())]))
    };
    check(write, |view| {
        for (key, value, bytes) in &values {
            let entity = Entity::Node(NodeId(key.0.into()));
            let read = || view.node(NodeId(key.0.into()), |node| view.property(entity, &node.properties, *key));
            assert_eq!(read().expect("sound").flatten().as_ref(), Some(value), "without a bound");
            for (room, may) in [(2 * bytes, true), (bytes / 2, false)] {
                let watched = effort::watch(Arc::new(Unhurried), room);
                let is_read = read().is_ok();
                assert_eq!((is_read, watched.is_too_large()), (may, !may), "{bytes} bytes with room for {room}");
            }
        }
    });
}

#[test]
fn scans_go_on_where_they_stopped() {
    let ids = [0, 1, 1_023, 1_024, 5_000];
    let write = |writer: &mut dyn Writer| {
        for block in [0, 1, 4] {
            let mut members = Members::default();
            for id in ids.iter().filter(|id| **id / 1_024 == block) {
                members.insert(Members::place(NodeId(*id)));
            }
            put(writer, &keys::label_block(LABEL, block), &members.encode());
        }
        ids.iter().for_each(|id| put_node(writer, *id, &[]));
    };
    check(write, |view| {
        for limit in 1..7 {
            let (mut all, mut labelled) = (Vec::new(), Vec::new());
            for _ in 0..6 {
                view.scan_nodes(all.last().copied(), limit, &mut all).expect("a scan");
                view.scan_label(LABEL, labelled.last().copied(), limit, &mut labelled).expect("a scan");
            }
            assert_eq!(all, ids.map(NodeId));
            assert_eq!(labelled, ids.map(NodeId));
        }
        assert!(view.has_label(NodeId(1_024), LABEL).expect("sound"));
        assert!(!view.has_label(NodeId(2), LABEL).expect("sound"));
    });
}

#[test]
fn neighbours_come_by_side_and_type() {
    let many: Vec<_> = (10..3_000).map(|id| (id, id * 7)).collect();
    let write = |writer: &mut dyn Writer| {
        put_list(writer, 1, Side::Outgoing, TYPES[0], &[(1, 5), (2, 3), (2, 4)]);
        put_list(writer, 1, Side::Incoming, TYPES[0], &[(1, 5), (9, 6)]);
        put_list(writer, 1, Side::Outgoing, TYPES[1], &many);
        put_list(writer, 2, Side::Incoming, TYPES[0], &[(1, 3), (1, 4)]);
    };
    let list = |view: View<'_>, direction, types: Option<&[TypeId]>| {
        let mut out = Vec::new();
        view.neighbours(NodeId(1), direction, types, &mut out).expect("neighbours");
        let degree = view.degree(NodeId(1), direction, types).expect("a degree");
        assert_eq!(degree, out.len() as u64);
        out.iter().map(|found| (found.node.0, found.relationship.0)).collect::<Vec<_>>()
    };
    check(write, |view| {
        let first = Some(&TYPES[..1]);
        assert_eq!(list(view, Direction::Outgoing, first), [(1, 5), (2, 3), (2, 4)]);
        assert_eq!(list(view, Direction::Incoming, None), [(1, 5), (9, 6)]);
        assert_eq!(list(view, Direction::Both, first), [(1, 5), (2, 3), (2, 4), (9, 6)]);
        assert_eq!(list(view, Direction::Outgoing, Some(&[TYPES[1], TYPES[1]])), many);
        assert!(list(view, Direction::Both, Some(&[])).is_empty());
        let mut counts = Vec::new();
        let nodes = [2, 1, 7].map(NodeId);
        let take = &mut |at, found: &[super::Neighbour]| counts.push((at, found.len()));
        view.neighbours_of_many(&nodes, Direction::Incoming, None, take).expect("neighbours");
        assert_eq!(counts, [(0, 2), (1, 2), (2, 0)]);
    });
}

#[test]
fn indexes_are_sought_exactly() {
    let long = |end: &str| Value::string("x".repeat(600) + end);
    let values: Vec<Value> = vec![
        "Ann".into(),
        "Anna".into(),
        "Bo".into(),
        1.into(),
        1.5.into(),
        2.0.into(),
        f64::NAN.into(),
        true.into(),
        long("a"),
        long("b"),
        Value::list(vec![1.into()]),
    ];
    let write = |writer: &mut dyn Writer| {
        for (id, value) in (0..).zip(&values) {
            put_node(writer, id, &[(NAME, value.clone())]);
            let key = keys::order::entry(IndexId(4), std::slice::from_ref(value), id).expect("a key");
            put(writer, &key, &[]);
        }
    };
    let range = |lower, upper| Seek::Range { equal: vec![], lower, upper };
    let seeks = [
        Seek::Equal(vec![]),
        Seek::Equal(vec!["Ann".into()]),
        Seek::Equal(vec![2.into()]),
        Seek::Equal(vec![f64::NAN.into()]),
        Seek::Equal(vec![Value::Null]),
        Seek::Equal(vec![long("b")]),
        Seek::Prefix { equal: vec![], prefix: "Ann".into() },
        Seek::Prefix { equal: vec![], prefix: ("x".repeat(600) + "b").into() },
        range(Bound::Excluded(1.into()), Bound::Unbounded),
        range(Bound::Unbounded, Bound::Excluded(1.5.into())),
        range(Bound::Included(1.0.into()), Bound::Included(2.into())),
        range(Bound::Excluded("Ann".into()), Bound::Unbounded),
        range(Bound::Excluded(long("a")), Bound::Unbounded),
        range(Bound::Unbounded, Bound::Excluded(long("b"))),
        range(Bound::Included("Ann".into()), Bound::Included(1.into())),
        range(Bound::Included(2.into()), Bound::Excluded(1.into())),
        range(Bound::Unbounded, Bound::Unbounded),
    ];
    check(write, |view| {
        for seek in &seeks {
            for limit in [1, 3, 100] {
                let (mut found, mut after) = (Vec::new(), None);
                loop {
                    after = view.seek_index(&definition(), seek, after.as_deref(), limit, &mut found).expect("a seek");
                    if after.is_none() {
                        break;
                    }
                }
                found.sort_unstable();
                let matching = (0..).zip(&values).filter(|(_, value)| seek.matches(std::slice::from_ref(value)));
                let expected: Vec<u64> = matching.map(|(id, _)| id).collect();
                assert_eq!(found, expected, "{seek:?}, {limit} at a time");
            }
        }
    });
}

#[test]
fn a_flipped_byte_is_damage_and_no_answer() {
    let store = stored(|writer| {
        put_node(writer, 1, &[(NAME, "Ann".into())]);
        let mut sealed = record::encode_node(&[], &[(NAME, "Bo".into())]).expect("a record").bytes;
        sealed[3] ^= 1;
        put(writer, &keys::node(NodeId(2)), &sealed);
    });
    let snapshot = store.snapshot().expect("a snapshot");
    let view = View::new(&*snapshot);
    assert_eq!(view.node(NodeId(2), |_| Ok(())).expect_err("damage").code(), Code::StorageDamaged);
    let error = view.property_of_nodes(&[NodeId(1), NodeId(2)], NAME, &mut Vec::new()).expect_err("damage");
    assert_eq!(error.code(), Code::StorageDamaged);
}
