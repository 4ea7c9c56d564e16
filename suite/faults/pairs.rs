//! The transactions that the tests write, and how to see that each is there wholly or not at all.

use std::path::Path;

use bolt::client::{Client, ClientError};
use suite::faults::Ledger;
use suite::process::{parameters, run_in};
use types::{Map, Value};

/// Each writes two nodes, a relationship and a counter, under an index.
const WRITE: &str = "MERGE (c:Counter {writer: $writer}) SET c.number = $number \
    CREATE (:Entry {writer: $writer, number: $number})-[:OF]->(:Twin {writer: $writer, number: $number})";

pub const DATABASE: &str = "sheaf";

/// Makes the index that the pairs are found by.
pub fn prepare(client: &mut Client) -> Result<(), ClientError> {
    for index in ["FOR (e:Entry) ON (e.number)", "FOR (c:Counter) ON (c.writer)"] {
        run_in(client, DATABASE, &format!("CREATE INDEX IF NOT EXISTS {index}"), Map::new())?;
    }
    Ok(())
}

/// Writes transaction `number` of `writer`; tries again where the server says that it may help.
pub fn write(client: &mut Client, writer: u64, number: u64) -> Result<(), ClientError> {
    loop {
        let values = [("writer", integer(writer)), ("number", integer(number))];
        match run_in(client, DATABASE, WRITE, parameters(values)) {
            Err(error) if error.status().is_some() && error.code().row().retry => {}
            other => return other.map(drop),
        }
    }
}

/// Checks everything that `writers` ledgers say against the database; gives the last number of each writer.
pub fn verify(client: &mut Client, folder: &Path, writers: u64) -> Vec<u64> {
    let lasts: Vec<u64> = (0..writers).map(|writer| verify_writer(client, folder, writer)).collect();
    let pairs: u64 = lasts.iter().sum();
    for (what, text) in [
        ("entries", "MATCH (e:Entry) RETURN count(e)"),
        ("twins", "MATCH (t:Twin) RETURN count(t)"),
        ("relationships", "MATCH ()-[r:OF]->() RETURN count(r)"),
        (
            "whole pairs",
            "MATCH (e:Entry)-[:OF]->(t:Twin) WHERE e.writer = t.writer AND e.number = t.number RETURN count(*)",
        ),
        ("entries that the index finds", "MATCH (e:Entry) WHERE e.number > 0 RETURN count(e)"),
        ("entries that a scan finds", "MATCH (e:Entry) WHERE e.number + 0 > 0 RETURN count(e)"),
    ] {
        assert_eq!(count(client, DATABASE, text), pairs, "{what}");
    }
    let counters = lasts.iter().filter(|last| **last > 0).count() as u64;
    assert_eq!(count(client, DATABASE, "MATCH (n) RETURN count(n)"), 2 * pairs + counters, "nodes");
    lasts
}

/// The numbers of a writer have to be 1, 2, 3, ... without a gap, up to the last acknowledged one or the next.
fn verify_writer(client: &mut Client, folder: &Path, writer: u64) -> u64 {
    let acknowledged = Ledger::open(folder, writer).and_then(|ledger| ledger.last()).expect("the tester's own disk");
    let text = "MATCH (e:Entry {writer: $writer}) RETURN e.number ORDER BY e.number";
    let rows = run_in(client, DATABASE, text, parameters([("writer", integer(writer))])).expect("reads");
    let numbers: Vec<u64> = rows.iter().map(|row| unsigned(&row[0])).collect();
    let last = numbers.len() as u64;
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "writer {writer} has a gap or a pair twice");
    assert!(
        last == acknowledged || last == acknowledged + 1,
        "writer {writer}: {acknowledged} transactions were acknowledged, {last} are there"
    );
    let text = "MATCH (c:Counter {writer: $writer}) RETURN c.number";
    let rows = run_in(client, DATABASE, text, parameters([("writer", integer(writer))])).expect("reads");
    let counter = rows.first().map_or(0, |row| unsigned(&row[0]));
    assert_eq!(counter, last, "the counter of writer {writer} is from another transaction");
    assert!(rows.len() <= 1, "writer {writer} has {} counters", rows.len());
    last
}

/// Runs a statement that gives one number.
pub fn count(client: &mut Client, database: &str, text: &str) -> u64 {
    let rows = run_in(client, database, text, Map::new()).unwrap_or_else(|error| panic!("{text}: {error}"));
    unsigned(&rows[0][0])
}

pub fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).expect("test numbers are small"))
}

pub fn unsigned(value: &Value) -> u64 {
    match value {
        Value::Integer(number) => u64::try_from(*number).expect("never negative"),
        other => panic!("{other:?} is no number"),
    }
}
