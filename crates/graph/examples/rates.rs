//! Prints how fast a graph is loaded, read and written on this machine.
//! `cargo run --release -p graph --example rates [read] [write] [commit] [merge]`; `TMPDIR=/dev/shm` leaves the disk out.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::path::Path;

use graph::bulk::Loader;
use graph::codec::fact::{IndexKind, IndexOn};
use graph::keys::TokenKind;
use graph::transaction::{NewIndex, Seek};
use graph::{Database, DatabaseOptions, Transaction};
use store::lmdb::LmdbEngine;
use store::{Engine, OpenOptions};
use types::{Clock, Direction, KeyId, LabelId, NodeId, SystemClock, TypeId, Value};

const NODES: u64 = 500_000;
const DEGREE: u64 = 4;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let parts: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    if is_wanted("read") {
        let loaded = load(&folder.path().join("loaded"))?;
        read(&loaded)?;
        check(&loaded)?;
    }
    if is_wanted("write") {
        write(&folder.path().join("written"))?;
    }
    if is_wanted("commit") {
        commit(&folder.path().join("committed"))?;
    }
    if is_wanted("merge") {
        merge(&folder.path().join("merged"))?;
    }
    Ok(())
}

fn open(folder: &Path) -> Outcome<Database> {
    let store = LmdbEngine.open(folder, &OpenOptions { create: true, ..OpenOptions::default() })?;
    Ok(Database::open(store, DatabaseOptions::default())?)
}

fn seconds<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(T, f64)> {
    let start = SystemClock.now();
    let made = work()?;
    Ok((made, SystemClock.now().duration_since(start).as_secs_f64()))
}

fn properties(id: u64) -> [(KeyId, Value); 5] {
    [
        (KeyId(0), Value::Integer(id as i64)),
        (KeyId(1), Value::string(format!("name {id}"))),
        (KeyId(2), Value::Float(id as f64 / 3.0)),
        (KeyId(3), Value::Boolean(id.is_multiple_of(2))),
        (KeyId(4), Value::string("somewhere in town")),
    ]
}

/// Spreads numbers so that neighbours are anywhere.
fn far(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20
}

fn load(folder: &Path) -> Outcome<Database> {
    let database = open(folder)?;
    let mut loader = Loader::new(&database)?;
    let on = IndexOn::label(loader.label("Person")?);
    loader.create_index(NewIndex::new("ids", on, vec![KeyId(0)], IndexKind::Range))?;
    let (_, nodes) = seconds(|| {
        (0..NODES).try_for_each(|id| loader.node(&[LabelId(0)], &properties(id)).map(drop))?;
        Ok(())
    })?;
    let (_, relationships) = seconds(|| {
        for id in 0..NODES * DEGREE {
            let end = NodeId(far(id) % NODES);
            loader.relationship(NodeId(id / DEGREE), TypeId(0), end, &properties(id))?;
        }
        Ok(())
    })?;
    let (loaded, finish) = seconds(|| Ok(loader.finish()?))?;
    let records = (loaded.nodes + loaded.relationships) as f64;
    println!("load: nodes {nodes:.2} s, relationships {relationships:.2} s, finish {finish:.2} s");
    println!("load: {:.0} records/s", records / (nodes + relationships + finish));
    Ok(database)
}

fn read(database: &Database) -> Outcome<()> {
    let rounds = 100_000;
    let (_, time) = seconds(|| {
        for _ in 0..rounds {
            drop(database.begin_read()?);
        }
        Ok(())
    })?;
    println!("begin: {:.2} us", time / f64::from(rounds) * 1e6);
    let transaction = database.begin_read()?;
    // The first time out of the store, until that was long enough to keep all lists in memory.
    two_hops(&transaction, "two hops")?;
    two_hops(&transaction, "two hops, then kept")?;
    two_hops(&transaction, "two hops from memory")?;
    let nodes: Vec<NodeId> = (0..200_000).map(NodeId).collect();
    let (_, time) = seconds(|| {
        let mut values = Vec::new();
        for batch in nodes.chunks(1_024) {
            values.clear();
            transaction.node_properties(batch, &[KeyId(0)], &mut values)?;
        }
        Ok(())
    })?;
    println!("one property: {:.3} us a node", time / nodes.len() as f64 * 1e6);
    let (_, time) = seconds(|| {
        let mut steps = Vec::new();
        for batch in nodes.chunks(1_024) {
            steps.clear();
            transaction.expand(batch, Direction::Outgoing, None, &mut steps)?;
        }
        Ok(())
    })?;
    println!("expand in order: {:.3} us a node", time / nodes.len() as f64 * 1e6);
    Ok(())
}

fn two_hops(transaction: &Transaction, name: &str) -> Outcome<()> {
    let (mut steps, mut visited, mut found) = (Vec::new(), 0, 0);
    let (_, time) = seconds(|| {
        for start in 0..20_000 {
            steps.clear();
            transaction.expand(&[NodeId(start * 7)], Direction::Outgoing, None, &mut steps)?;
            let next: Vec<NodeId> = steps.iter().map(|step| step.neighbour).collect();
            steps.clear();
            transaction.expand(&next, Direction::Both, None, &mut steps)?;
            visited += 1 + next.len();
            found += next.len() + steps.len();
        }
        Ok(())
    })?;
    println!(
        "{name}: {:.2} us a node, {:.3} us a relationship",
        time / visited as f64 * 1e6,
        time / found as f64 * 1e6
    );
    Ok(())
}

fn check(database: &Database) -> Outcome<()> {
    let (report, time) = seconds(|| Ok(database.check()?))?;
    println!("check: {:.0} entries/s, {} problems", report.entries as f64 / time, report.problems.len());
    Ok(())
}

/// Small transactions from several threads, each waiting for its own.
fn commit(folder: &Path) -> Outcome<()> {
    const EACH: u64 = 300;
    let database = open(folder)?;
    for threads in [1, 8, 64] {
        let (_, time) = seconds(|| {
            std::thread::scope(|scope| {
                let work = || {
                    (0..EACH).try_for_each(|id| {
                        let mut transaction = database.begin()?;
                        transaction.create_node(&[LabelId(0)], &properties(id))?;
                        transaction.commit().map(drop)
                    })
                };
                let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
                running.into_iter().try_for_each(|thread| thread.join().expect("it does not panic"))
            })?;
            Ok(())
        })?;
        println!("commits of one node, {threads} threads: {:.0}/s", (threads * EACH) as f64 / time);
    }
    Ok(())
}

fn write(folder: &Path) -> Outcome<()> {
    const COMMITS: u64 = 300;
    let database = open(folder)?;
    for key in 0..5 {
        database.tokens().make(TokenKind::Key, &format!("key{key}"))?;
    }
    let (mut fill, mut commit) = (0.0, 0.0);
    for round in 0..COMMITS {
        let (transaction, time) = seconds(|| {
            let mut transaction = database.begin()?;
            let mut last = None;
            for number in 0..500 {
                let id = round * 500 + number;
                let node = transaction.create_node(&[LabelId(0)], &properties(id))?;
                let other = NodeId(far(id) % (node.0 + 1).min(round * 500 + 1));
                transaction.create_relationship(
                    last.unwrap_or(node),
                    TypeId(0),
                    if round > 0 { other } else { node },
                    &[],
                )?;
                last = Some(node);
            }
            Ok(transaction)
        })?;
        fill += time;
        commit += seconds(|| Ok(transaction.commit()?))?.1;
    }
    let records = (COMMITS * 1_000) as f64;
    println!(
        "transactions of 1,000: {:.0} records/s filled, {:.0} records/s committed",
        records / fill,
        records / commit
    );
    Ok(())
}

fn merge(folder: &Path) -> Outcome<()> {
    let database = open(folder)?;
    let mut transaction = database.begin()?;
    let new = NewIndex::new("ids", IndexOn::label(LabelId(0)), vec![KeyId(0)], IndexKind::Range);
    let index = transaction.create_index(new)?;
    transaction.commit()?;
    let mut transaction = database.begin()?;
    let (_, time) = seconds(|| {
        let mut found = Vec::new();
        for id in 0..10_000 {
            found.clear();
            transaction.seek_index(index, &Seek::Equal(vec![Value::Integer(id)]), &mut found)?;
            if found.is_empty() {
                transaction.create_node(&[LabelId(0)], &[(KeyId(0), Value::Integer(id))])?;
            }
        }
        Ok(())
    })?;
    println!("merge of 10,000 in one transaction: {:.2} us each", time / 10_000.0 * 1e6);
    Ok(())
}
