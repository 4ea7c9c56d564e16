//! Transactions on a whole database, on both engines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use store::lmdb::LmdbEngine;
use store::memory::MemoryEngine;
use store::{Engine, OpenOptions, Snapshot, Store, StoreError, Usage, Writer};
use types::{Code, Direction, KeyId, LabelId, NodeId, RelationshipId, TypeId, Value};

use super::{NewIndex, Seek, Step, Transaction};
use crate::GraphError;
use crate::codec::fact::{IndexKind, IndexOn};
use crate::database::{Database, DatabaseOptions};
use crate::keys::{Counted, Entity, TokenKind};
use crate::quota::Quota;

mod kept;
mod kinds;
mod schema;

const LABEL: LabelId = LabelId(0);
const KIND: TypeId = TypeId(0);
const KEY: KeyId = KeyId(0);

fn open(engine: &dyn Engine, folder: &Path) -> Database {
    let store = engine.open(folder, &OpenOptions { create: true, ..OpenOptions::default() }).expect("a store");
    // Small enough that lists come out of memory in some tests, and out of the store in others.
    let options = DatabaseOptions { topology_reads_min: 300, ..DatabaseOptions::default() };
    let database = Database::open(store, options).expect("a database");
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

fn memory() -> Database {
    open(&MemoryEngine::default(), Path::new("graph"))
}

fn add(database: &Database, value: i64) -> NodeId {
    let mut transaction = database.begin().expect("a transaction");
    let id = transaction.create_node(&[LABEL], &[(KEY, value.into())]).expect("a node");
    transaction.commit().expect("alone");
    id
}

fn value(transaction: &Transaction, id: NodeId) -> Value {
    let mut out = Vec::new();
    transaction.node_properties(&[id], &[KEY], &mut out).expect("a sound store");
    out.remove(0)
}

fn integer(transaction: &Transaction, id: NodeId) -> i64 {
    match value(transaction, id) {
        Value::Integer(integer) => integer,
        other => panic!("{other:?}"),
    }
}

fn all(transaction: &Transaction, label: Option<LabelId>) -> Vec<u64> {
    let (mut out, mut after) = (Vec::new(), None);
    loop {
        let before = out.len();
        transaction.scan_nodes(label, after, 3, &mut out).expect("a sound store");
        if out.len() < before + 3 {
            return out.iter().map(|id| id.0).collect();
        }
        after = out.last().copied();
    }
}

fn steps(transaction: &Transaction, node: NodeId, direction: Direction) -> Vec<Step> {
    let mut out = Vec::new();
    transaction.expand(&[node], direction, None, &mut out).expect("a sound store");
    out.sort_unstable();
    out
}

fn is_conflict(outcome: &Result<u64, GraphError>) -> bool {
    matches!(outcome, Err(GraphError::Conflict))
}

fn index(database: &Database) -> types::IndexId {
    let mut transaction = database.begin().expect("a transaction");
    let new = NewIndex::new("by_key", IndexOn::label(LABEL), vec![KEY], IndexKind::Range);
    let id = transaction.create_index(new).expect("an index");
    transaction.commit().expect("alone");
    id
}

fn sought(transaction: &Transaction, index: types::IndexId, seek: &Seek) -> Vec<u64> {
    let mut out = Vec::new();
    transaction.seek_index(index, seek, &mut out).expect("an index");
    let mut ids: Vec<u64> = out.iter().map(|id| id.0).collect();
    ids.sort_unstable();
    ids
}

/// Says no from some question on.
struct Patience(AtomicUsize);

impl types::effort::Watch for Patience {
    fn may_go_on(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

#[test]
fn f51_a_commit_that_takes_too_long_is_given_up_without_a_trace() {
    const NODES: i64 = 20_000;
    let database = memory();
    let mut outcomes = Vec::new();
    // Each time it is asked once more until it is enough: before it begins, while it is encoded, while it is written.
    for questions in 0.. {
        let mut transaction = database.begin().expect("a transaction");
        for value in 0..NODES {
            transaction.create_node(&[LABEL], &[(KEY, value.into())]).expect("a node");
        }
        let watched = types::effort::watch(Arc::new(Patience(AtomicUsize::new(questions))), usize::MAX);
        let committed = transaction.commit();
        assert_eq!(watched.is_over(), committed.is_err());
        drop(watched);
        let reader = database.begin_read().expect("a transaction");
        assert_eq!(all(&reader, Some(LABEL)).len(), if committed.is_ok() { 20_000 } else { 0 });
        outcomes.push(committed);
        if outcomes.last().is_some_and(Result::is_ok) {
            break;
        }
    }
    assert!(outcomes.len() > 5, "it was asked {} times", outcomes.len() - 1);
    assert!(outcomes.iter().rev().skip(1).all(|outcome| matches!(outcome, Err(GraphError::Stopped))));
    add(&database, 1);
    check_sound(&database);
}

#[test]
fn reads_its_own_writes() {
    let database = memory();
    let old = add(&database, 1);
    let index = index(&database);
    let mut transaction = database.begin().expect("a transaction");
    let new = transaction.create_node(&[LABEL], &[(KEY, 2.into())]).expect("a node");
    let relationship = transaction.create_relationship(old, KIND, new, &[(KEY, 9.into())]).expect("both are there");
    let own = transaction.create_relationship(old, KIND, old, &[]).expect("both are there");
    assert_eq!(all(&transaction, Some(LABEL)), [old.0, new.0]);
    let found =
        |direction| steps(&transaction, old, direction).iter().map(|step| step.relationship).collect::<Vec<_>>();
    assert_eq!(found(Direction::Outgoing), [own, relationship]);
    assert_eq!(found(Direction::Incoming), [own]);
    assert_eq!(found(Direction::Both), [own, relationship]);
    assert_eq!(sought(&transaction, index, &Seek::Equal(vec![2.into()])), [new.0]);
    transaction.set_property(Entity::Node(old), KEY, 2.into()).expect("it is there");
    transaction.add_label(old, LabelId(5)).expect("it is there");
    assert_eq!(sought(&transaction, index, &Seek::Equal(vec![2.into()])), [old.0, new.0]);
    assert_eq!(sought(&transaction, index, &Seek::Equal(vec![1.into()])), [0_u64; 0]);
    assert_eq!(transaction.labels(old).expect("sound"), [LABEL, LabelId(5)]);
    let properties = transaction.properties(Entity::Relationship(relationship)).expect("sound");
    assert_eq!(properties, Some(vec![(KEY, 9.into())]));
    for (counted, count) in [(Counted::Nodes, 2), (Counted::Label(LABEL), 2), (Counted::Type(KIND), 2)] {
        assert_eq!(transaction.count(counted).expect("sound"), count);
    }
    transaction.delete_relationship(own).expect("it is there");
    transaction.delete_relationship(relationship).expect("it is there");
    transaction.delete_node(new).expect("it is there");
    assert_eq!(all(&transaction, None), [old.0]);
    transaction.commit().expect("alone");
    let after = database.begin_read().expect("a transaction");
    assert_eq!((integer(&after, old), after.count(Counted::Relationships).expect("sound")), (2, 0));
    assert_eq!(sought(&after, index, &Seek::Equal(vec![2.into()])), [old.0]);
}

#[test]
fn a_failed_statement_undoes_only_itself() {
    let database = memory();
    let mut transaction = database.begin().expect("a transaction");
    let first = transaction.create_node(&[LABEL], &[(KEY, 1.into())]).expect("a node");
    let place = transaction.savepoint();
    transaction.set_property(Entity::Node(first), KEY, 2.into()).expect("it is there");
    let second = transaction.create_node(&[LABEL], &[]).expect("a node");
    transaction.create_relationship(first, KIND, second, &[]).expect("both are there");
    transaction.rollback_to(place);
    assert_eq!((integer(&transaction, first), all(&transaction, Some(LABEL))), (1, vec![first.0]));
    assert!(steps(&transaction, first, Direction::Both).is_empty());
    transaction.commit().expect("alone");
    assert_eq!(database.begin_read().expect("a transaction").count(Counted::Nodes).expect("sound"), 1);
}

#[test]
fn a_node_with_relationships_stays() {
    let database = memory();
    let (left, right) = (add(&database, 1), add(&database, 2));
    let mut transaction = database.begin().expect("a transaction");
    transaction.create_relationship(left, KIND, right, &[]).expect("both are there");
    transaction.commit().expect("alone");
    let mut transaction = database.begin().expect("a transaction");
    transaction.delete_node(right).expect("it is there");
    assert!(matches!(transaction.commit(), Err(GraphError::StillHasRelationships { node }) if node == right));
}

/// Runs two transactions side by side and tells whether the second one conflicts.
fn second_conflicts(database: &Database, first: impl Fn(&mut Transaction), second: impl Fn(&mut Transaction)) -> bool {
    let mut one = database.begin().expect("a transaction");
    let mut two = database.begin().expect("a transaction");
    first(&mut one);
    second(&mut two);
    one.commit().expect("the first wins");
    is_conflict(&two.commit())
}

fn set(transaction: &mut Transaction, id: NodeId, value: i64) {
    transaction.set_property(Entity::Node(id), KEY, value.into()).expect("it is there");
}

fn create(transaction: &mut Transaction, value: i64) {
    transaction.create_node(&[LABEL], &[(KEY, value.into())]).expect("a node");
}

#[test]
fn finds_conflicts() {
    let database = memory();
    let (a, b) = (add(&database, 1), add(&database, 1));
    let index = index(&database);
    let lost_update = |transaction: &mut Transaction| set(transaction, a, integer(transaction, a) + 1);
    assert!(second_conflicts(&database, lost_update, lost_update));
    let skew = |from, to| move |transaction: &mut Transaction| set(transaction, to, integer(transaction, from));
    assert!(second_conflicts(&database, skew(a, b), skew(b, a)));
    let by_label = |transaction: &mut Transaction| {
        let count = all(transaction, Some(LABEL)).len() as i64;
        create(transaction, count);
    };
    assert!(second_conflicts(&database, by_label, by_label));
    let by_index = |value: i64| {
        move |transaction: &mut Transaction| {
            sought(transaction, index, &Seek::Equal(vec![value.into()]));
            create(transaction, value);
        }
    };
    assert!(second_conflicts(&database, by_index(77), by_index(77)));
    assert!(!second_conflicts(&database, by_index(78), by_index(79)));
    let join = |transaction: &mut Transaction| {
        transaction.create_relationship(a, KIND, b, &[]).expect("both are there");
    };
    assert!(!second_conflicts(&database, join, join));
    assert!(!second_conflicts(&database, |transaction| set(transaction, a, 5), join));
}

#[test]
fn a_deleted_node_and_a_new_relationship_conflict() {
    let delete = |node| move |transaction: &mut Transaction| transaction.delete_node(node).expect("it is there");
    let join = |node| {
        move |transaction: &mut Transaction| {
            transaction.create_relationship(node, KIND, node, &[]).expect("it is there");
        }
    };
    let database = memory();
    let node = add(&database, 1);
    assert!(second_conflicts(&database, delete(node), join(node)));
    let node = add(&database, 1);
    assert!(second_conflicts(&database, join(node), delete(node)));
}

/// A store that is slow, and counts its writes.
struct Slow {
    store: Arc<dyn Store>,
    writes: AtomicUsize,
    fails: bool,
}

impl Store for Slow {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        self.store.snapshot()
    }

    fn write(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(std::time::Duration::from_millis(2));
        self.store.write(&mut |writer| {
            work(writer)?;
            if self.fails && self.writes.load(Ordering::Relaxed) > 1 { Err(StoreError::Aborted) } else { Ok(()) }
        })
    }

    fn usage(&self) -> Result<Usage, StoreError> {
        self.store.usage()
    }

    fn image(
        &self,
        look: &mut dyn FnMut(&dyn store::Reader) -> Result<(), StoreError>,
    ) -> Result<Box<dyn store::Image>, StoreError> {
        self.store.image(look)
    }

    fn check(&self) -> Result<(), StoreError> {
        self.store.check()
    }
}

fn slow(fails: bool) -> (Arc<Slow>, Database) {
    let options = OpenOptions { create: true, ..OpenOptions::default() };
    let store = MemoryEngine::default().open(Path::new("graph"), &options).expect("a store");
    let slow = Arc::new(Slow { store, writes: AtomicUsize::new(0), fails });
    let database = Database::open(Arc::clone(&slow) as Arc<dyn Store>, DatabaseOptions::default());
    (slow, database.expect("a database"))
}

#[test]
fn commits_share_writes() {
    let (slow, database) = slow(false);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for value in 0..5 {
                    add(&database, value);
                }
            });
        }
    });
    let after = database.begin_read().expect("a transaction");
    assert_eq!((after.count(Counted::Nodes).expect("sound"), database.version()), (80, 80));
    assert!(slow.writes.load(Ordering::Relaxed) < 60);
}

#[test]
fn a_group_that_cannot_be_written_leaves_nothing() {
    let (_, database) = slow(true);
    let mut transaction = database.begin().expect("a transaction");
    create(&mut transaction, 1);
    assert!(matches!(transaction.commit(), Err(GraphError::CommitFailed { .. })));
    let after = database.begin_read().expect("a transaction");
    assert_eq!((after.count(Counted::Nodes).expect("sound"), database.version()), (0, 0));
}

fn counts_up_without_loss(database: &Database) {
    let counter = add(database, 0);
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                for _ in 0..4 {
                    loop {
                        let mut transaction = database.begin().expect("a transaction");
                        let next = integer(&transaction, counter) + 1;
                        set(&mut transaction, counter, next);
                        match transaction.commit() {
                            Ok(_) => break,
                            Err(GraphError::Conflict) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            });
        }
    });
    assert_eq!(integer(&database.begin_read().expect("a transaction"), counter), 128);
}

#[test]
fn many_threads_lose_nothing() {
    counts_up_without_loss(&memory());
    let folder = tempfile::tempdir().expect("a folder");
    counts_up_without_loss(&open(&LmdbEngine, &folder.path().join("graph")));
}

/// The same graph in plain maps.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    nodes: BTreeMap<NodeId, ModelNode>,
    relationships: BTreeMap<RelationshipId, (NodeId, TypeId, NodeId)>,
}

type ModelNode = (BTreeSet<LabelId>, BTreeMap<KeyId, i64>);

/// Numbers that are the same each time (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: impl ExactSizeIterator<Item = T>) -> Option<T> {
        let at = self.below(from.len());
        from.into_iter().nth(at)
    }
}

fn change(dice: &mut Dice, model: &mut Model, transaction: &mut Transaction) -> Option<()> {
    let number = dice.below(6);
    let (label, key, kind) = (LabelId(number as u32 % 3), KeyId(number as u32 % 2), TypeId(number as u32 % 2));
    match dice.below(9) {
        0 | 1 => {
            let id = transaction.create_node(&[label], &[(key, (number as i64).into())]).expect("a node");
            model.nodes.insert(id, ([label].into(), [(key, number as i64)].into()));
        }
        2..=4 => {
            let (start, end) = (dice.pick(model.nodes.keys().copied())?, dice.pick(model.nodes.keys().copied())?);
            let id = transaction.create_relationship(start, kind, end, &[]).expect("both are there");
            model.relationships.insert(id, (start, kind, end));
        }
        5 => {
            let id = dice.pick(model.relationships.keys().copied())?;
            transaction.delete_relationship(id).expect("it is there");
            model.relationships.remove(&id);
        }
        6 => {
            let id = dice.pick(model.nodes.keys().copied())?;
            transaction.set_property(Entity::Node(id), key, (number as i64).into()).expect("it is there");
            model.nodes.get_mut(&id)?.1.insert(key, number as i64);
        }
        7 => {
            let id = dice.pick(model.nodes.keys().copied())?;
            transaction.remove_label(id, label).expect("it is there");
            transaction.add_label(id, LABEL).expect("it is there");
            let labels = &mut model.nodes.get_mut(&id)?.0;
            labels.remove(&label);
            labels.insert(LABEL);
        }
        _ => {
            let id = dice.pick(model.nodes.keys().copied())?;
            let hangs = |(start, _, end): &(NodeId, TypeId, NodeId)| *start == id || *end == id;
            let hanging: Vec<_> = model.relationships.iter().filter(|(_, it)| hangs(it)).map(|(id, _)| *id).collect();
            for relationship in hanging {
                transaction.delete_relationship(relationship).expect("it is there");
                model.relationships.remove(&relationship);
            }
            transaction.delete_node(id).expect("it is there");
            model.nodes.remove(&id);
        }
    }
    Some(())
}

fn compare(model: &Model, transaction: &Transaction, index: types::IndexId) {
    let ids = |keep: &dyn Fn(&ModelNode) -> bool| -> Vec<u64> {
        model.nodes.iter().filter(|(_, node)| keep(node)).map(|(id, _)| id.0).collect()
    };
    let count = |counted| transaction.count(counted).expect("sound") as usize;
    assert_eq!(all(transaction, None), ids(&|_| true));
    for label in (0..3).map(LabelId) {
        let with = ids(&|(labels, _)| labels.contains(&label));
        assert_eq!(count(Counted::Label(label)), with.len());
        assert_eq!(all(transaction, Some(label)), with);
    }
    for number in 0..6 {
        let with = ids(&|(labels, values)| labels.contains(&LABEL) && values.get(&KEY) == Some(&number));
        assert_eq!(sought(transaction, index, &Seek::Equal(vec![number.into()])), with);
    }
    compare_batches(model, transaction);
    compare_pages(model, transaction, index);
    for (id, (_, values)) in &model.nodes {
        assert_eq!(value(transaction, *id), values.get(&KEY).map_or(Value::Null, |value| (*value).into()));
        let of = |is_meant: &dyn Fn(NodeId, NodeId) -> bool| -> BTreeSet<RelationshipId> {
            let meant = model.relationships.iter().filter(|(_, (start, _, end))| is_meant(*start, *end));
            meant.map(|(id, _)| *id).collect()
        };
        for (direction, expected) in [
            (Direction::Outgoing, of(&|start, _| start == *id)),
            (Direction::Incoming, of(&|_, end| end == *id)),
            (Direction::Both, of(&|start, end| start == *id || end == *id)),
        ] {
            let found = steps(transaction, *id, direction);
            assert_eq!(found.len(), expected.len());
            assert_eq!(found.iter().map(|step| step.relationship).collect::<BTreeSet<_>>(), expected);
        }
    }
    assert_eq!(count(Counted::Relationships), model.relationships.len());
    assert_eq!(count(Counted::Nodes), model.nodes.len());
    let mut scanned = Vec::new();
    transaction.scan_relationships(None, None, 100_000, &mut scanned).expect("sound");
    assert!(scanned.iter().eq(model.relationships.keys()));
}

/// Reads everything at once, something that is not there included.
fn compare_batches(model: &Model, transaction: &Transaction) {
    let nodes: Vec<NodeId> = model.nodes.keys().rev().copied().chain([NodeId(1 << 40)]).collect();
    let of =
        |id: &NodeId, key: &KeyId| model.nodes.get(id).and_then(|node| node.1.get(key)).map(|value| (*value).into());
    let keys = [KeyId(1), KEY];
    let expected: Vec<Value> = nodes.iter().flat_map(|id| keys.map(|key| of(id, &key).unwrap_or_default())).collect();
    let mut values = Vec::new();
    transaction.node_properties(&nodes, &keys, &mut values).expect("sound");
    assert_eq!(values, expected);
    let has = |id: &NodeId| model.nodes.get(id).is_some_and(|node| node.0.contains(&LABEL));
    let mut found = Vec::new();
    transaction.has_label(&nodes, LABEL, &mut found).expect("sound");
    assert!(found.iter().copied().eq(nodes.iter().map(has)));
    transaction
        .labels_of_nodes(&nodes, |at, labels| assert!(labels.iter().eq(model.nodes[&nodes[at]].0.iter())))
        .expect("sound");
    let relationships: Vec<_> = model.relationships.keys().copied().chain([RelationshipId(1 << 40)]).collect();
    let mut ends = Vec::new();
    transaction.ends(&relationships, &mut ends).expect("sound");
    let ends: Vec<_> = ends.iter().map(|ends| ends.map(|ends| (ends.start, ends.kind, ends.end))).collect();
    assert!(
        ends.iter().eq(relationships.iter().map(|id| model.relationships.get(id).copied()).collect::<Vec<_>>().iter())
    );
    for kind in (0..2).map(TypeId) {
        let (mut scanned, mut after) = (Vec::new(), None);
        loop {
            let before = scanned.len();
            transaction.scan_ends(Some(kind), after, 3, &mut scanned).expect("sound");
            after = scanned.last().map(|ends| ends.id);
            if scanned.len() < before + 3 {
                break;
            }
        }
        let expected = model.relationships.iter().filter(|(_, it)| it.1 == kind).map(|(id, _)| *id);
        assert!(scanned.iter().map(|ends| ends.id).eq(expected));
    }
}

/// Seeks page by page, in the order of the values.
fn compare_pages(model: &Model, transaction: &Transaction, index: types::IndexId) {
    let mut expected: Vec<(i64, u64)> = model
        .nodes
        .iter()
        .filter(|(_, (labels, _))| labels.contains(&LABEL))
        .filter_map(|(id, (_, values))| Some((*values.get(&KEY)?, id.0)))
        .collect();
    expected.sort_unstable();
    let seek = Seek::Equal(vec![]);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = super::Page { after: after.as_deref(), limit: 4 };
        after = transaction.seek_page(index, &seek, page, &mut found).expect("sound");
        if after.is_none() {
            break;
        }
    }
    assert!(found.iter().map(|id| id.0).eq(expected.iter().map(|(_, id)| *id)));
}

fn plays_like_the_model(engine: &dyn Engine, folder: &Path, seed: u64) {
    let mut database = open(engine, folder);
    let (index, mut model, mut dice) = (index(&database), Model::default(), Dice(seed));
    for round in 0..40 {
        let mut transaction = database.begin().expect("a transaction");
        for _ in 0..dice.below(60) {
            let (place, before) = (transaction.savepoint(), model.clone());
            change(&mut dice, &mut model, &mut transaction);
            if dice.below(5) == 0 {
                if dice.below(2) == 0 {
                    compare(&model, &transaction, index);
                }
                transaction.rollback_to(place);
                model = before;
            }
        }
        compare(&model, &transaction, index);
        transaction.commit().expect("alone");
        check_sound(&database);
        if round % 10 == 9 {
            drop(database);
            database = open(engine, folder);
            assert_eq!(database.tokens().find(TokenKind::Label, "Person"), Some(0));
        }
        compare(&model, &database.begin_read().expect("a transaction"), index);
    }
}

#[test]
fn random_changes_play_like_the_model() {
    let engine = MemoryEngine::default();
    for seed in 1..6 {
        plays_like_the_model(&engine, Path::new(&format!("graph{seed}")), seed * 7_919);
    }
    let folder = tempfile::tempdir().expect("a folder");
    plays_like_the_model(&LmdbEngine, &folder.path().join("graph"), 4_711);
}

#[test]
fn a_hub_keeps_its_list_in_order() {
    let database = memory();
    let hub = add(&database, 0);
    for _ in 0..4 {
        let mut transaction = database.begin().expect("a transaction");
        for value in 0..1_000 {
            let node = transaction.create_node(&[], &[(KEY, value.into())]).expect("a node");
            transaction.create_relationship(hub, KIND, node, &[]).expect("both are there");
        }
        transaction.commit().expect("alone");
    }
    let mut transaction = database.begin().expect("a transaction");
    let steps = steps(&transaction, hub, Direction::Outgoing);
    assert_eq!(steps.len(), 4_000);
    steps.iter().skip(1).for_each(|step| transaction.delete_relationship(step.relationship).expect("it is there"));
    transaction.commit().expect("alone");
    let after = database.begin_read().expect("a transaction");
    let mut left = Vec::new();
    after.expand(&[hub], Direction::Both, Some(&[KIND, KIND]), &mut left).expect("sound");
    assert_eq!(left, steps[..1]);
    check_sound(&database);
}

#[test]
fn the_schema_has_a_version() {
    let database = memory();
    let before = database.begin().expect("a transaction");
    let at_first = database.schema_version();
    add(&database, 1);
    assert_eq!((database.schema_version(), before.schema_version()), (at_first, at_first));
    index(&database);
    let after = database.begin().expect("a transaction");
    assert_ne!(after.schema_version(), at_first);
    assert_eq!(database.schema_version(), after.schema_version());
    assert_eq!((before.indexes().len(), after.indexes().len()), (2, 3));
    let mut dropping = database.begin().expect("a transaction");
    dropping.drop_index("by_key").expect("it is there");
    dropping.commit().expect("alone");
    assert_ne!(database.schema_version(), after.schema_version());
    assert_eq!(database.begin().expect("a transaction").indexes().len(), 2);
}

#[test]
fn equal_indexes_are_refused() {
    let database = memory();
    index(&database);
    let new = |name: &str, kind| NewIndex::new(name, IndexOn::label(LABEL), vec![KEY], kind);
    let mut transaction = database.begin().expect("a transaction");
    let refused = transaction.create_index(new("other", IndexKind::Range)).expect_err("the same twice");
    assert_eq!(refused.code(), types::Code::EquivalentIndexExists);
    transaction.create_index(new("other", IndexKind::Text)).expect("another kind");
}

#[test]
fn indexes_know_their_size() {
    let database = memory();
    let mut transaction = database.begin().expect("a transaction");
    for value in 0..3_000 {
        create(&mut transaction, value / 3);
    }
    transaction.commit().expect("alone");
    let index = index(&database);
    let size = database.begin_read().expect("a transaction").index_size(index).expect("an index");
    assert_eq!(size.entries, 3_000);
    assert!((800..1_400).contains(&size.distinct), "{size:?}");
    for (values, expected) in [(2, 2..3), (300, 300..301), (1, 1..2)] {
        let database = memory();
        let mut transaction = database.begin().expect("a transaction");
        for value in 0..3_000 {
            create(&mut transaction, value % values);
        }
        transaction.commit().expect("alone");
        let of = self::index(&database);
        let size = database.begin_read().expect("a transaction").index_size(of).expect("an index");
        assert!(expected.contains(&size.distinct), "{size:?}");
    }
    let mut transaction = database.begin().expect("a transaction");
    let some = all(&transaction, None)[..1_000].to_vec();
    some.iter().for_each(|id| transaction.delete_node(NodeId(*id)).expect("it is there"));
    assert!(transaction.is_deleted_node(NodeId(some[0])) && !transaction.is_deleted_node(NodeId(5_000)));
    transaction.commit().expect("alone");
    let transaction = database.begin_read().expect("a transaction");
    assert_eq!(transaction.index_size(index).expect("an index").entries, 2_000);
    assert_eq!(transaction.count(Counted::Entries(index)).expect("sound"), 2_000);
}

/// What a transaction says of all nodes in batches, as pages of memory may answer it.
fn in_batches(transaction: &Transaction, nodes: &[NodeId]) -> (Vec<Value>, Vec<bool>) {
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        values.clear();
        labels.clear();
        transaction.node_properties(nodes, &[KEY, KeyId(1)], &mut values).expect("a sound store");
        transaction.has_label(nodes, LabelId(1), &mut labels).expect("a sound store");
    }
    (values, labels)
}

/// The same one by one, which no page answers.
fn one_by_one(transaction: &Transaction, nodes: &[NodeId]) -> (Vec<Value>, Vec<bool>) {
    let states: Vec<_> = nodes.iter().map(|id| transaction.node(*id).expect("a sound store")).collect();
    let value = |key: KeyId, state: &Option<_>| {
        let properties: &[(KeyId, Value)] =
            state.as_ref().map_or(&[], |state: &Arc<super::NodeState>| &state.properties);
        super::property(properties, key).cloned().unwrap_or_default()
    };
    let values = states.iter().flat_map(|state| [value(KEY, state), value(KeyId(1), state)]).collect();
    let labels = states.iter().map(|state| state.as_ref().is_some_and(|state| state.has(LabelId(1)))).collect();
    (values, labels)
}

#[test]
fn pages_in_memory_show_each_version_as_the_store_has_it() {
    const NODES: u64 = 2_500;
    let database = memory();
    let mut first = database.begin().expect("a transaction");
    for number in 0..NODES {
        first.create_node(&[LABEL], &[(KEY, Value::Integer(number.cast_signed()))]).expect("a node");
    }
    first.commit().expect("alone");
    let nodes: Vec<NodeId> = (0..NODES).map(NodeId).collect();
    let mut older: Vec<Transaction> = Vec::new();
    for round in 0..40_u64 {
        let mut writing = database.begin().expect("a transaction");
        for step in 0..3 {
            let id = NodeId((round * 7_919 + step * 104_729) % NODES);
            if writing.node(id).expect("a sound store").is_none() {
                continue;
            }
            match (round + step) % 4 {
                0 => writing.set_property(Entity::Node(id), KEY, Value::Integer(-1)),
                1 => writing.set_property(Entity::Node(id), KeyId(1), Value::string("long ".repeat(60))),
                2 => writing.add_label(id, LabelId(1)),
                _ => writing.delete_node(id),
            }
            .expect("the node is there");
        }
        assert_eq!(in_batches(&writing, &nodes), one_by_one(&writing, &nodes), "own changes of round {round}");
        if round % 5 != 0 {
            writing.commit().expect("alone");
        }
        older.push(database.begin_read().expect("a snapshot"));
        if older.len() > 4 {
            older.remove(0);
        }
        for transaction in &older {
            assert_eq!(in_batches(transaction, &nodes), one_by_one(transaction, &nodes), "round {round}");
        }
    }
}

#[test]
fn who_was_told_that_there_is_no_such_name_conflicts_with_its_first_user() {
    for (kind, name) in [(TokenKind::Label, "New"), (TokenKind::Type, "NEW"), (TokenKind::Key, "new")] {
        let database = memory();
        let node = add(&database, 1);
        let (mut first, mut second) = (database.begin().expect("one"), database.begin().expect("two"));
        assert_eq!(second.find_token(kind, name), None);
        let number = database.tokens().make(kind, name).expect("a short name");
        match kind {
            TokenKind::Label => first.create_node(&[LabelId(number)], &[]).map(drop),
            TokenKind::Type => first.create_relationship(node, TypeId(number), node, &[]).map(drop),
            TokenKind::Key => first.set_property(Entity::Node(node), KeyId(number), Value::Integer(2)),
        }
        .expect("the node is there");
        second.create_node(&[LABEL], &[]).expect("a node");
        first.commit().expect("came first");
        assert!(matches!(second.commit(), Err(GraphError::Conflict)), "{name}");
    }
}

const KINDS: [TokenKind; 3] = [TokenKind::Label, TokenKind::Type, TokenKind::Key];

#[test]
fn f50_names_of_what_came_to_nothing_are_forgotten() {
    let database = memory();
    add(&database, 1);
    for kind in KINDS {
        let (mut first, second) = (database.begin().expect("one"), database.begin().expect("two"));
        let place = first.savepoint();
        let before = first.held_bytes();
        let number = first.make_token(kind, "undone").expect("a short name");
        assert_eq!((first.find_token(kind, "undone"), second.find_token(kind, "undone")), (Some(number), None));
        assert!(first.held_bytes() > before && first.has_changes());
        first.rollback_to(place);
        assert_eq!((first.find_token(kind, "undone"), first.token_name(kind, number)), (None, None));
        assert!(first.held_bytes() == before && !first.has_changes());
        // The number is free for the next name; what two make has one number, and stays while one of them is there.
        assert_eq!(first.make_token(kind, "shared").expect("a short name"), number);
        assert_eq!(second.make_token(kind, "shared").expect("a short name"), number);
        drop(first);
        assert_eq!(second.token_name(kind, number).as_deref(), Some("shared"));
        assert_eq!(database.tokens().find(kind, "shared"), None);
        drop(second);
        assert_eq!((database.tokens().name(kind, number), database.tokens().names(kind).len()), (None, 6));
    }
    let stored = database.begin_read().expect("a transaction").version();
    database.begin().expect("a transaction").commit().expect("nothing to do");
    assert_eq!(database.version(), stored);
}

#[test]
fn f50_a_commit_stores_its_own_names_and_no_others() {
    let engine = MemoryEngine::default();
    let folder = Path::new("graph");
    let database = open(&engine, folder);
    add(&database, 1);
    let held = database.begin().expect("a transaction");
    let long = "x".repeat(1_000);
    for kind in KINDS {
        assert_eq!(held.make_token(kind, &long).expect("a short name"), 6);
        let mut transaction = database.begin().expect("a transaction");
        let number = transaction.make_token(kind, "kept").expect("a short name");
        assert_eq!(number, 7, "another one holds the number before it");
        match kind {
            TokenKind::Label => transaction.create_node(&[LabelId(number)], &[]).map(drop),
            TokenKind::Key => transaction.create_node(&[], &[(KeyId(number), 1.into())]).map(drop),
            TokenKind::Type => {
                let node = transaction.create_node(&[], &[]).expect("a node");
                transaction.create_relationship(node, TypeId(number), node, &[]).map(drop)
            }
        }
        .expect("a name of its own");
        let before = database.store().usage().expect("a size").used_bytes;
        transaction.commit().expect("alone");
        let wrote = database.store().usage().expect("a size").used_bytes - before;
        assert!(wrote < 500, "{wrote}: the long name was none of it");
        assert_eq!((database.tokens().find(kind, "kept"), database.tokens().find(kind, &long)), (Some(7), None));
    }
    check_sound(&database);
    drop((held, database));
    let database = open(&engine, folder);
    check_sound(&database);
    for kind in KINDS {
        assert_eq!((database.tokens().find(kind, "kept"), database.tokens().name(kind, 6)), (Some(7), None));
        assert_eq!(database.tokens().names(kind).len(), 7);
        // The next name gets the number that was nobody's, used by anything or not.
        let transaction = database.begin().expect("a transaction");
        assert_eq!(transaction.make_token(kind, "next").expect("a short name"), 6);
        transaction.commit().expect("alone");
    }
    drop(database);
    let database = open(&engine, folder);
    for kind in KINDS {
        assert_eq!(database.tokens().names(kind)[5..], ["five", "next", "kept"]);
    }
    check_sound(&database);
}

#[test]
fn f50_names_count_where_the_statement_left_nothing_else() {
    let database = memory();
    add(&database, 1);
    let used = || database.store().usage().expect("a size").used_bytes;
    let quota = Quota { bytes_max: Some(used() + 5_000), ..Quota::default() };
    database.set_quota(quota);
    let many = |transaction: &mut Transaction, leaves: bool| {
        for at in 0..100 {
            let label = transaction.make_token(TokenKind::Label, &format!("{at:x>200}")).expect("a short name");
            let node = transaction.create_node(&[LabelId(label)], &[]).expect("a node");
            if !leaves {
                transaction.delete_node(node).expect("it is there");
            }
        }
    };
    for leaves in [false, true] {
        let before = used();
        let mut transaction = database.begin().expect("a transaction");
        many(&mut transaction, leaves);
        let refused = transaction.commit().expect_err("no room for so many names");
        assert_eq!(refused.code(), Code::LimitReached);
        assert_eq!((used(), database.tokens().names(TokenKind::Label).len()), (before, 6));
        // Who comes next pays for his own.
        add(&database, 2);
    }
    database.set_quota(Quota::default());
    let mut transaction = database.begin().expect("a transaction");
    many(&mut transaction, false);
    transaction.commit().expect("no bound");
    assert_eq!(database.tokens().names(TokenKind::Label).len(), 106);
    check_sound(&database);
}

#[test]
fn f46_names_are_neither_empty_nor_have_zero_bytes() {
    let database = memory();
    let transaction = database.begin().expect("a transaction");
    for kind in KINDS {
        for (name, shown) in [("", "''"), ("\0", "'\0'"), ("a\0b", "'a\0b'")] {
            let refused = transaction.make_token(kind, name).expect_err("no name");
            let text = "is not a valid token name. Token names cannot be empty or contain any null-bytes.";
            assert_eq!((refused.code(), refused.to_string()), (Code::TokenNameInvalid, format!("{shown} {text}")));
            assert_eq!(database.tokens().make(kind, name).expect_err("no name").code(), Code::TokenNameInvalid);
        }
        transaction.make_token(kind, " ").expect("a blank is one");
    }
}
