//! Another process commits and dies; what it had acknowledged is there, everything else is whole or absent.

mod child;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use graph::codec::fact::IndexKind;
use graph::transaction::{Ends, Seek};
use graph::{Database, DatabaseOptions, GraphError, Transaction};
use store::lmdb::LmdbEngine;
use store::{Engine, OpenOptions};
use types::{Direction, NodeId};

use child::{KEY, LABEL, RING};

fn open(folder: &Path) -> Result<Database, GraphError> {
    let store = LmdbEngine.open(folder, &OpenOptions { create: true, ..OpenOptions::default() })?;
    Database::open(store, DatabaseOptions::default())
}

/// How the other process ends.
#[derive(Clone, Copy, Debug)]
enum Death {
    /// At a place in the code, the n-th time.
    At(&'static str, u32),
    /// By signal, once so many commits were acknowledged.
    After(usize),
}

/// Numbers of the transactions that each writer had acknowledged, by the last one.
type Ledger = BTreeMap<u64, u64>;

fn run(folder: &Path, death: Death, ledger: &mut Ledger) {
    let mut command = child::command("commit", folder);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    if let Death::At(name, time) = death {
        command.env(types::failpoint::VARIABLE, format!("{name}:{time}"));
    }
    let mut process = command.spawn().expect("starts");
    let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
    let mut seen = 0;
    for line in lines.map_while(Result::ok) {
        let Some(numbers) = line.strip_prefix("acknowledged ") else { continue };
        let (writer, number) = numbers.split_once(' ').expect("two numbers");
        ledger.insert(writer.parse().expect("a number"), number.parse().expect("a number"));
        seen += 1;
        if matches!(death, Death::After(count) if seen == count) {
            process.kill().expect("it runs");
        }
    }
    assert!(!process.wait().expect("it ended").success(), "{death:?}");
}

/// Compares the database with the ledger, and brings the ledger up to what was written without a word.
fn compare(folder: &Path, death: Death, ledger: &mut Ledger) {
    let database = open(folder).expect("opens without help");
    let report = database.check().expect("a snapshot");
    assert!(report.is_sound(), "{death:?}: {:?}", report.problems);
    let transaction = database.begin_read().expect("a snapshot");
    let Some(index) = transaction.indexes().into_iter().find(|index| index.name == "values").map(|index| index.id)
    else {
        assert!(ledger.is_empty());
        return;
    };
    for writer in 0..child::WRITERS {
        let acknowledged = ledger.get(&writer).copied().unwrap_or(0);
        for number in 1..=acknowledged {
            assert!(is_whole(&transaction, index, child::value(writer, number)), "{death:?}: {writer} {number}");
        }
        // One more may have been on its way: whole or absent.
        if is_whole(&transaction, index, child::value(writer, acknowledged + 1)) {
            ledger.insert(writer, acknowledged + 1);
        }
        assert!(!is_whole(&transaction, index, child::value(writer, acknowledged + 2)));
    }
}

/// Tells whether the ring of a transaction is there; panics if it is there by halves.
fn is_whole(transaction: &Transaction, index: types::IndexId, value: i64) -> bool {
    let mut nodes = Vec::new();
    transaction.seek_index(index, &Seek::Equal(vec![value.into()]), &mut nodes).expect("sound");
    if nodes.is_empty() {
        return false;
    }
    nodes.sort_unstable();
    assert_eq!(nodes.len(), 3, "half of {value}");
    let next = |node: NodeId| {
        let mut steps = Vec::new();
        transaction.expand(&[node], Direction::Outgoing, Some(&[RING]), &mut steps).expect("sound");
        assert_eq!(steps.len(), 1, "half of {value}");
        steps[0].neighbour
    };
    let ring = [next(nodes[0]), next(nodes[1]), next(nodes[2])];
    assert_eq!(ring, [nodes[1], nodes[2], nodes[0]], "half of {value}");
    true
}

#[test]
fn acknowledged_commits_survive_death() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ledger = Ledger::new();
    let places = [
        "graph.index.filled",
        "graph.commit.checked",
        "graph.commit.half",
        "store.commit.before",
        "store.commit.after",
        "graph.commit.durable",
    ];
    let mut deaths: Vec<Death> = places.map(|name| Death::At(name, 1)).into();
    deaths.extend([2, 7].iter().flat_map(|time| places[1..].iter().map(|name| Death::At(name, *time))));
    deaths.extend([1, 2, 3, 5, 9, 12, 16, 20, 30, 45].map(Death::After));
    for death in deaths {
        run(folder.path(), death, &mut ledger);
        compare(folder.path(), death, &mut ledger);
    }
    assert!(ledger.values().sum::<u64>() > 60, "{ledger:?}");
}

#[test]
fn a_load_that_died_is_known() {
    for (place, is_whole) in [("graph.load.begun", false), ("graph.load.written", false), ("graph.load.durable", true)]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = child::command("load", folder.path());
        let status =
            command.env(types::failpoint::VARIABLE, place).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(!status.expect("starts").success());
        match open(folder.path()) {
            Ok(database) => {
                assert!(is_whole, "{place}");
                let report = database.check().expect("a snapshot");
                assert!(report.is_sound(), "{:?}", report.problems);
                assert_eq!((report.nodes, report.relationships), (child::LOADED, child::LOADED));
                let mut ends: Vec<Ends> = Vec::new();
                let transaction = database.begin_read().expect("a snapshot");
                transaction.scan_ends(Some(RING), None, 10, &mut ends).expect("sound");
                assert_eq!(ends.len(), 10);
                let mut values = Vec::new();
                transaction.node_properties(&[ends[7].start], &[KEY], &mut values).expect("sound");
                assert_eq!(values, [7.into()]);
                transaction.scan_nodes(Some(LABEL), None, 10, &mut Vec::new()).expect("sound");
            }
            Err(error) => assert!(!is_whole && matches!(error, GraphError::LoadUnfinished), "{place}: {error}"),
        }
    }
}

#[test]
fn an_index_that_is_filled_goes_on_after_a_death() {
    for place in ["graph.index.slice:1", "graph.index.slice:9", "graph.index.online:1", "graph.index.online:2"] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = child::command("fill", folder.path());
        let status =
            command.env(types::failpoint::VARIABLE, place).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(!status.expect("starts").success(), "{place}");
        let database = open(folder.path()).expect("opens without help");
        // Writes are kept from equal values already, whether their first owner is in the index or not.
        let mut committed = Err(GraphError::Conflict);
        while matches!(committed, Err(GraphError::Conflict)) {
            let mut transaction = database.begin().expect("a snapshot");
            transaction.create_node(&[LABEL], &[(KEY, (-1).into())]).expect("nobody has it");
            committed = transaction.commit();
        }
        committed.expect("the constraint may have gone online, and nothing else");
        while !database.wait_filled(std::time::Duration::from_secs(1)) {}
        let report = database.check().expect("a snapshot");
        assert!(report.is_sound(), "{place}: {:?}", report.problems);
        let mut transaction = database.begin().expect("a snapshot");
        assert!(transaction.constraints().iter().all(|it| it.is_online()) && transaction.constraints().len() == 1);
        for index in transaction.indexes().iter().filter(|index| index.kind == IndexKind::Range) {
            let more = u64::from(index.name == "once");
            let entries = transaction.index_size(index.id).expect("a size").entries;
            assert_eq!((index.is_online(), entries), (true, child::LOADED + more), "{place} {}", index.name);
        }
        transaction.create_node(&[LABEL], &[(KEY, 49_999.into())]).expect_err("it was loaded");
    }
}

#[test]
fn a_graph_of_vectors_goes_on_growing_after_a_death() {
    for time in [1, 4] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = child::command("near", folder.path());
        let place = format!("graph.vector.grown:{time}");
        let status =
            command.env(types::failpoint::VARIABLE, place).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(!status.expect("starts").success());
        let database = open(folder.path()).expect("opens without help");
        let is_sound = || {
            let report = database.check().expect("a snapshot");
            assert!(report.is_sound(), "{:?}", report.problems);
        };
        is_sound();
        while !database.wait_idle(std::time::Duration::from_secs(1)) {}
        is_sound();
        let transaction = database.begin_read().expect("a snapshot");
        let index = transaction.indexes().into_iter().find(|index| index.name == "neighbours").expect("it was made");
        let wanted = graph::vector::Similarity::Cosine.prepared(&child::numbers(17)).expect("a vector");
        let found = transaction.search_near(index.id, &wanted, 1, &mut graph::meter::Unmetered).expect("sound");
        assert!(found[0].1 > 0.9999, "{found:?}");
    }
}
