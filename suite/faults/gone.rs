//! Row D5: clients that vanish in the middle of a result, or before they hear of their commit.

use std::time::Duration;

use bolt::client::{Client, Connection};
use bolt::{Demand, Options, Request, Run};
use suite::faults::Seed;
use suite::process::{Process, now, parameters, run_in};
use types::{Map, Value};

use crate::pairs::{count, integer};

const STREAMS: u64 = 20;
const COMMITS: u64 = 30;
/// How long a statement without a client may go on.
const STOP_TIME_MAX: Duration = Duration::from_secs(3);

#[test]
fn d5_a_statement_ends_when_its_client_is_gone() {
    let mut seed = Seed::of_this_run();
    let folder = tempfile::tempdir().expect("a folder");
    let server = Process::start(&folder.path().join("data"), [("", ""); 0]).expect("starts");
    let mut watcher = server.connect().expect("connects");
    for round in 0..STREAMS {
        let mut client = server.connect().expect("connects");
        let text = match round % 2 {
            0 => "UNWIND range(1, 1000000000) AS number RETURN number",
            // No row ever comes, so nobody notices by writing.
            _ => "UNWIND range(1, 1000000000) AS number WITH number WHERE number < 0 RETURN number",
        };
        ask(client.connection(), &Request::Run(Run { text: text.to_owned(), ..Run::default() }));
        ask(client.connection(), &Request::Pull(Demand::default()));
        if round % 2 == 0 {
            for _ in 0..seed.below(2_000) {
                client.connection().receive().expect("rows come");
            }
        }
        client.connection().abort().expect("hangs up");
        let left = now();
        while running(&mut watcher) > 0 {
            assert!(left.elapsed() < STOP_TIME_MAX, "round {round}: still running; {}", seed.replay());
            std::thread::yield_now();
        }
    }
    assert!(server.stop().expect("stops").success());
}

#[test]
fn d5_a_commit_without_a_listener_is_whole_or_not_there() {
    let mut seed = Seed::of_this_run();
    let folder = tempfile::tempdir().expect("a folder");
    let server = Process::start(&folder.path().join("data"), [("", ""); 0]).expect("starts");
    let mut watcher = server.connect().expect("connects");
    let mut kept = 0;
    for number in 0..COMMITS {
        let mut client = server.connect().expect("connects");
        client.begin(Options::default()).expect("begins");
        let text = "UNWIND range(1, 20) AS part CREATE (:Part {number: $number, part: part})";
        client.run(text, parameters([("number", integer(number))])).expect("writes");
        if seed.below(4) > 0 {
            ask(client.connection(), &Request::Commit);
        }
        if seed.below(2) > 0 {
            std::thread::sleep(Duration::from_micros(seed.below(3_000)));
        }
        client.connection().abort().expect("hangs up");
        let left = now();
        while running(&mut watcher) > 0 {
            assert!(left.elapsed() < STOP_TIME_MAX, "transaction {number} is still open; {}", seed.replay());
            std::thread::yield_now();
        }
        let text = "MATCH (p:Part {number: $number}) RETURN count(p)";
        let rows = run_in(&mut watcher, "sheaf", text, parameters([("number", integer(number))])).expect("reads");
        match rows[0][0] {
            Value::Integer(0) => {}
            Value::Integer(20) => kept += 20,
            ref other => panic!("{other:?} parts of 20; {}", seed.replay()),
        }
    }
    assert!(server.stop().expect("stops").success());
    // What was seen before is what is there after a restart.
    let server = Process::start(&folder.path().join("data"), [("", ""); 0]).expect("starts");
    assert_eq!(count(&mut server.connect().expect("connects"), "sheaf", "MATCH (n) RETURN count(n)"), kept);
}

fn ask(connection: &mut Connection, request: &Request) {
    connection.send(request).expect("fits");
    connection.flush().expect("the server listens");
}

/// Counts the transactions of others.
fn running(client: &mut Client) -> u64 {
    let text = "SHOW TRANSACTIONS YIELD currentQuery WHERE NOT currentQuery STARTS WITH 'SHOW' RETURN count(*)";
    let rows = run_in(client, "sheaf", text, Map::new()).expect("lists");
    match rows[0][0] {
        Value::Integer(count) => u64::try_from(count).expect("never negative"),
        ref other => panic!("{other:?} is no number"),
    }
}
