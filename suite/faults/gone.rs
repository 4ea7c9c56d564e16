//! Row D5: clients that vanish in the middle of a result, or before they hear of their commit.

use std::time::Duration;

use bolt::client::{Client, Connection};
use bolt::{Demand, Options, Request, Run};
use suite::faults::Seed;
use suite::process::{Process, now, parameters, run_in};
use types::Map;

use crate::pairs::{count, integer, unsigned};

const STREAMS: u64 = 20;
const COMMITS: u64 = 30;
/// What each transaction makes.
const PARTS: u64 = 20;
/// How long a statement without a client may go on. The promise is a second; the rest is the machine's.
const STOP_TIME_MAX: Duration = Duration::from_secs(3);
/// How long a statement may take until it is seen to work.
const WORK_TIME_MAX: Duration = Duration::from_secs(20);

#[test]
fn d5_a_statement_ends_when_its_client_is_gone() {
    let mut seed = Seed::of_this_run();
    let folder = tempfile::tempdir().expect("a folder");
    // One statement at a time: the next one runs only after the last one has ended.
    let server = Process::start(&folder.path().join("data"), [("SHEAF_RUNNING_MAX", "1")]).expect("starts");
    let mut watcher = server.connect().expect("connects");
    for round in 0..STREAMS {
        let mut client = server.connect().expect("connects");
        let text = match round % 2 {
            0 => "UNWIND range(1, 1000000000) AS number RETURN number",
            // No row ever comes, so nobody notices by writing.
            _ => "UNWIND range(1, 1000000000) AS number WITH number WHERE number < 0 RETURN number",
        };
        let before = server.processor_time().expect("asks");
        ask(client.connection(), &Request::Run(Run { text: text.to_owned(), ..Run::default() }));
        ask(client.connection(), &Request::Pull(Demand::default()));
        if round % 2 == 0 {
            for _ in 0..1 + seed.below(2_000) {
                client.connection().receive().expect("rows come");
            }
        } else {
            let asked = now();
            while server.processor_time().expect("asks") < before + Duration::from_millis(50) {
                assert!(asked.elapsed() < WORK_TIME_MAX, "round {round}: nothing runs; {}", server.log());
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        client.connection().abort().expect("hangs up");
        let left = now();
        assert_eq!(count(&mut watcher, "sheaf", "RETURN 1"), 1);
        assert!(
            left.elapsed() < STOP_TIME_MAX,
            "round {round}: it went on for {:?}; {}",
            left.elapsed(),
            seed.replay()
        );
    }
    assert!(server.stop().expect("stops").success());
}

#[test]
fn d5_a_commit_without_a_listener_is_whole_or_not_there() {
    let mut seed = Seed::of_this_run();
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Process::start(&data, [("", ""); 0]).expect("starts");
    let mut asked_for = Vec::new();
    for number in 0..COMMITS {
        let mut client = server.connect().expect("connects");
        client.begin(Options::default()).expect("begins");
        let text = "UNWIND range(1, $parts) AS part CREATE (:Part {number: $number, part: part})";
        let values = parameters([("number", integer(number)), ("parts", integer(PARTS))]);
        client.run(text, values).expect("writes");
        let commits = seed.below(4) > 0;
        if commits {
            ask(client.connection(), &Request::Commit);
        }
        if seed.below(2) > 0 {
            std::thread::sleep(Duration::from_micros(seed.below(30_000)));
        }
        client.connection().abort().expect("hangs up");
        asked_for.push(commits);
    }
    let (mut watcher, left) = (server.connect().expect("connects"), now());
    while open_transactions(&mut watcher) > 0 {
        assert!(left.elapsed() < STOP_TIME_MAX, "transactions without clients stay open; {}", seed.replay());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(server.stop().expect("stops").success());
    let server = Process::start(&data, [("", ""); 0]).expect("starts");
    let kept = kept_parts(&mut server.connect().expect("connects"));
    for (number, (parts, asked)) in kept.iter().zip(&asked_for).enumerate() {
        assert!([0, PARTS].contains(parts), "{parts} of {PARTS} parts of transaction {number}; {}", seed.replay());
        assert!(*parts == 0 || *asked, "nobody asked for a commit of transaction {number}; {}", seed.replay());
    }
    assert!(kept.contains(&PARTS), "no commit was ever heard: {kept:?}; {}", seed.replay());
    // What was seen once is there after the next crash.
    server.kill().expect("kills");
    let server = Process::start(&data, [("", ""); 0]).expect("starts");
    assert_eq!(kept_parts(&mut server.connect().expect("connects")), kept);
}

fn ask(connection: &mut Connection, request: &Request) {
    connection.send(request).expect("fits");
    connection.flush().expect("the server listens");
}

/// Counts the transactions of others.
fn open_transactions(client: &mut Client) -> usize {
    let text = "SHOW TRANSACTIONS YIELD currentQuery WHERE NOT currentQuery STARTS WITH 'SHOW'";
    run_in(client, "sheaf", text, Map::new()).expect("lists").len()
}

/// Counts what is there of each transaction.
fn kept_parts(client: &mut Client) -> Vec<u64> {
    let parts = |number| {
        let text = "MATCH (p:Part {number: $number}) RETURN count(p)";
        let rows = run_in(client, "sheaf", text, parameters([("number", integer(number))])).expect("reads");
        unsigned(&rows[0][0])
    };
    (0..COMMITS).map(parts).collect()
}
