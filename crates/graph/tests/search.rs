//! Full-text and vector indexes within transactions: own changes, undone ones, conflicts, quotas, and filling.

use std::path::Path;
use std::time::Duration;

use graph::codec::fact::{IndexKind, IndexOn};
use graph::fulltext::Request;
use graph::keys::{Entity, TokenKind};
use graph::meter::Unmetered;
use graph::quota::Quota;
use graph::transaction::NewIndex;
use graph::{Database, DatabaseOptions, GraphError, Transaction};
use store::lmdb::LmdbEngine;
use store::memory::MemoryEngine;
use store::{Engine, OpenOptions};
use types::{IndexId, KeyId, LabelId, NodeId, TypeId, Value};

const PAGE: LabelId = LabelId(0);
const BOOK: LabelId = LabelId(1);
const LINKS: TypeId = TypeId(0);
const TEXT: KeyId = KeyId(0);
const PLACE: KeyId = KeyId(1);

fn database(options: DatabaseOptions) -> Database {
    database_in(&MemoryEngine::default(), Path::new("graph"), options)
}

fn database_in(engine: &dyn Engine, folder: &Path, options: DatabaseOptions) -> Database {
    let opening = OpenOptions { create: true, ..OpenOptions::default() };
    let store = engine.open(folder, &opening).expect("a store");
    let database = Database::open(store, options).expect("a database");
    for (kind, name) in [
        (TokenKind::Label, "Page"),
        (TokenKind::Label, "Book"),
        (TokenKind::Type, "LINKS"),
        (TokenKind::Key, "text"),
        (TokenKind::Key, "place"),
    ] {
        database.tokens().make(kind, name).expect("a short name");
    }
    database
}

/// Makes an index of the words and one of the places of pages and books.
fn index(database: &Database) -> (IndexId, IndexId) {
    let mut transaction = database.begin().expect("a transaction");
    let on = || IndexOn::Labels([PAGE, BOOK].into_iter().collect());
    let words = transaction.create_index(NewIndex::new("words", on(), vec![TEXT], IndexKind::FullText));
    let near = transaction.create_index(NewIndex::new("near", on(), vec![PLACE], IndexKind::Vector));
    transaction.commit().expect("alone");
    (words.expect("an index"), near.expect("an index"))
}

/// Makes a page whose place is an angle.
fn page(transaction: &mut Transaction, text: &str, place: f64) -> NodeId {
    let place = Value::list(vec![Value::Float(place.cos()), Value::Float(place.sin())]);
    transaction.create_node(&[PAGE], &[(TEXT, text.into()), (PLACE, place)]).expect("room")
}

fn words(transaction: &Transaction, index: IndexId, query: &str) -> Vec<u64> {
    let fields = ["text".into()];
    let request = Request { query, fields: &fields, analyzer: None, skip: 0, limit: usize::MAX };
    let found = transaction.search_words(index, request, &mut Unmetered).expect("an answer");
    let mut found: Vec<u64> = found.into_iter().map(|(id, _)| id).collect();
    found.sort_unstable();
    found
}

fn near(transaction: &Transaction, index: IndexId, place: f64, count: usize) -> Vec<u64> {
    let wanted = graph::vector::Similarity::Cosine.prepared(&[place.cos(), place.sin()]).expect("a vector");
    let found = transaction.search_near(index, &wanted, count, &mut Unmetered).expect("an answer");
    found.into_iter().map(|(id, _)| id).collect()
}

#[track_caller]
fn is_sound(database: &Database) {
    let report = database.check().expect("a snapshot");
    assert!(report.is_sound(), "{:?}", report.problems);
}

#[test]
fn a_transaction_finds_its_own_changes_and_nobody_else_does() {
    let database = database(DatabaseOptions::default());
    let (text, place) = index(&database);
    let mut transaction = database.begin().expect("a transaction");
    let (one, two) = (page(&mut transaction, "red apple", 1.0), page(&mut transaction, "green apple", 2.0));
    transaction.commit().expect("alone");
    let mut transaction = database.begin().expect("a transaction");
    let three = page(&mut transaction, "red pear", 3.0);
    transaction.set_property(Entity::Node(one), TEXT, "blue apple".into()).expect("it is there");
    let before = transaction.savepoint();
    transaction.remove_label(two, PAGE).expect("it is there");
    transaction.delete_node(three).expect("it is there");
    assert_eq!(words(&transaction, text, "red OR apple"), [one.0]);
    assert_eq!(near(&transaction, place, 3.0, 9), [one.0]);
    // A failed statement leaves nothing.
    transaction.rollback_to(before);
    assert_eq!(words(&transaction, text, "red"), [three.0]);
    assert_eq!(words(&transaction, text, "apple"), [one.0, two.0]);
    assert_eq!(near(&transaction, place, 3.0, 2), [three.0, two.0]);
    // Nobody else sees it, and once it is given up nobody ever does.
    let other = database.begin_read().expect("a transaction");
    assert_eq!(words(&other, text, "red"), [one.0]);
    assert_eq!(near(&other, place, 3.0, 9), [two.0, one.0]);
    drop((transaction, other));
    is_sound(&database);
    let mut transaction = database.begin().expect("a transaction");
    transaction.add_label(two, BOOK).expect("it is there");
    transaction.remove_label(two, PAGE).expect("it is there");
    transaction.delete_node(one).expect("it is there");
    transaction.commit().expect("alone");
    let transaction = database.begin_read().expect("a transaction");
    assert_eq!((words(&transaction, text, "apple"), near(&transaction, place, 0.0, 9)), (vec![two.0], vec![two.0]));
    is_sound(&database);
}

#[test]
fn relationships_are_found_by_their_words() {
    let database = database(DatabaseOptions::default());
    let mut transaction = database.begin().expect("a transaction");
    let new = NewIndex::new("links", IndexOn::kind(LINKS), vec![TEXT], IndexKind::FullText);
    let index = transaction.create_index(new).expect("an index");
    let (one, two) = (page(&mut transaction, "", 0.0), page(&mut transaction, "", 0.0));
    let link = transaction.create_relationship(one, LINKS, two, &[(TEXT, "see also".into())]).expect("both are there");
    transaction.commit().expect("alone");
    let mut transaction = database.begin().expect("a transaction");
    assert_eq!(words(&transaction, index, "also"), [link.0]);
    transaction.set_property(Entity::Relationship(link), TEXT, "see nothing".into()).expect("it is there");
    assert_eq!(words(&transaction, index, "also"), [] as [u64; 0]);
    transaction.commit().expect("alone");
    let mut transaction = database.begin().expect("a transaction");
    assert_eq!(words(&transaction, index, "nothing"), [link.0]);
    transaction.delete_relationship(link).expect("it is there");
    transaction.commit().expect("alone");
    assert_eq!(words(&database.begin_read().expect("a transaction"), index, "see"), [] as [u64; 0]);
    is_sound(&database);
}

#[test]
fn who_searched_conflicts_with_who_changed_the_index() {
    let database = database(DatabaseOptions::default());
    let (text, _) = index(&database);
    let mut searching = database.begin().expect("a transaction");
    assert!(words(&searching, text, "apple").is_empty());
    searching.create_node(&[], &[]).expect("room");
    let mut other = database.begin().expect("a transaction");
    page(&mut other, "apple", 1.0);
    other.commit().expect("it came first");
    assert!(matches!(searching.commit(), Err(GraphError::Conflict)));
}

#[test]
fn f50_words_and_vectors_count_for_the_quota() {
    let database = database(DatabaseOptions::default());
    index(&database);
    let long: String = (0..2_000).map(|at| format!("word{at} ")).collect();
    let mut transaction = database.begin().expect("a transaction");
    page(&mut transaction, &long, 1.0);
    transaction.commit().expect("no bound");
    let used = database.store().usage().expect("a store").used_bytes;
    // The text itself has some 17,000 bytes, and the index has each word with its place.
    assert!(used > 60_000, "{used}");
    database.set_quota(Quota { bytes_max: Some(used + 5_000), ..Quota::default() });
    let mut transaction = database.begin().expect("a transaction");
    page(&mut transaction, &long, 2.0);
    assert!(matches!(transaction.commit(), Err(GraphError::QuotaReached { limit: "max_storage_bytes", .. })));
}

#[test]
fn indexes_are_filled_while_others_write() {
    let database = database(DatabaseOptions { fill_at_once_max: 10, ..DatabaseOptions::default() });
    let mut transaction = database.begin().expect("a transaction");
    for at in 0..6_000 {
        page(&mut transaction, &format!("page{at} all"), f64::from(at) / 1e3);
    }
    transaction.commit().expect("alone");
    let (text, place) = index(&database);
    // While it is filled some go, some change and some come, before and behind the place that it has come to.
    for round in 0..20 {
        let mut transaction = database.begin().expect("a transaction");
        for id in [round, 3_000 + round, 5_900 + round] {
            transaction.delete_node(NodeId(id)).expect("it is there");
            let changed = NodeId(id + 40);
            transaction.set_property(Entity::Node(changed), TEXT, "all changed".into()).expect("it is there");
        }
        page(&mut transaction, "all new", 6.1 + round as f64 / 1e3);
        transaction.commit().expect("nobody reads what it changes");
    }
    while !database.wait_filled(Duration::from_secs(1)) {}
    is_sound(&database);
    let transaction = database.begin_read().expect("a transaction");
    assert_eq!(words(&transaction, text, "all").len(), 6_000 - 60 + 20);
    assert_eq!((words(&transaction, text, "changed").len(), words(&transaction, text, "new").len()), (60, 20));
    assert_eq!(near(&transaction, place, 6.119, 1), [6_019]);
    drop(transaction);
    while !database.wait_idle(Duration::from_secs(1)) {}
    is_sound(&database);
    let mut transaction = database.begin().expect("a transaction");
    transaction.drop_index("words").expect("it is there");
    transaction.drop_index("near").expect("it is there");
    transaction.commit().expect("alone");
    is_sound(&database);
    assert_eq!(database.check().expect("a snapshot").index_entries, 0);
}

/// Several write and search at once while the graph of the vectors grows beside them.
#[test]
fn many_write_and_search_while_a_graph_grows() {
    const WRITERS: u64 = 4;
    const ROUNDS: u64 = 40;
    let folder = tempfile::tempdir().expect("a folder");
    let database = database_in(&LmdbEngine, folder.path(), DatabaseOptions::default());
    let (text, place) = index(&database);
    let angle = |at: u64| at as f64 / 2e3;
    let mut transaction = database.begin().expect("a transaction");
    for at in 0..4_000 {
        page(&mut transaction, "old all", angle(at));
    }
    transaction.commit().expect("alone");
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let database = &database;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let write = || {
                        let mut transaction = database.begin()?;
                        for at in 0..20 {
                            page(&mut transaction, "new all", angle(4_000 + (writer * ROUNDS + round) * 20 + at));
                        }
                        let own = NodeId(writer * 1_000 + round);
                        transaction.set_property(Entity::Node(own), TEXT, "changed all".into())?;
                        transaction.delete_node(NodeId(own.0 + 500))?;
                        transaction.commit()
                    };
                    while let Err(error) = write() {
                        assert!(matches!(error, GraphError::Conflict), "{error}");
                    }
                    let transaction = database.begin_read().expect("a transaction");
                    assert!(words(&transaction, text, "changed").contains(&(writer * 1_000 + round)));
                    assert_eq!(near(&transaction, place, angle(round * 7), 3).len(), 3);
                }
            });
        }
    });
    while !database.wait_idle(Duration::from_secs(1)) {}
    is_sound(&database);
    let transaction = database.begin_read().expect("a transaction");
    let left = usize::try_from(4_000 - WRITERS * ROUNDS).expect("a small number");
    assert_eq!(words(&transaction, text, "old OR changed").len(), left);
    assert_eq!(words(&transaction, text, "new").len(), usize::try_from(WRITERS * ROUNDS * 20).expect("a small number"));
    assert_eq!(near(&transaction, place, angle(100), 1), [100]);
    // Deleted: its neighbours are the nearest now.
    let mut around = near(&transaction, place, angle(520), 2);
    around.sort_unstable();
    assert_eq!(around, [499, 540]);
}
