//! Group E, and row A1 for limits: many clients at the edge of a limit never go over it, and a command about limits that
//! is killed happened wholly or not at all.

use std::thread;
use std::time::Duration;

use suite::process::{Process, now};
use types::Value;

use crate::whole::{Commands, run};

/// Each makes one change of the catalog.
const COMMANDS: [&str; 12] = [
    "ALTER DATABASE sheaf SET LIMIT max_nodes = 1000, max_edges = 2000",
    "ALTER DATABASE neo4j SET LIMIT max_query_time = 60s, max_bytes = 10GB",
    "CREATE ROLE guest",
    "ALTER ROLE guest SET LIMIT max_results = 100, max_queries_per_second = 5",
    "ALTER DATABASE sheaf SET LIMIT max_results = 10, max_results_policy = fail",
    "ALTER ROLE guest SET LIMIT max_results = 200, max_query_time = 'PT1M'",
    "ALTER DATABASE sheaf REMOVE LIMIT max_nodes, max_bytes",
    "ALTER ROLE reader SET LIMIT max_concurrent_queries = 3",
    "ALTER ROLE guest REMOVE LIMIT max_results",
    "RENAME ROLE guest TO visitor",
    "ALTER DATABASE sheaf SET LIMIT max_writes_per_second = 7",
    "DROP ROLE visitor",
];

const ABOUT_LIMITS: Commands = Commands {
    texts: &COMMANDS,
    listings: &[
        "SHOW LIMITS FOR DATABASE sheaf YIELD limit, value, source",
        "SHOW ROLES YIELD role",
        "SHOW LIMITS FOR ROLE reader YIELD limit, value",
        "SHOW LIMITS FOR ROLE guest YIELD limit, value",
        "SHOW LIMITS FOR ROLE visitor YIELD limit, value",
    ],
    // A role that is not there has no limits to show.
    may_miss: true,
};

/// The changes of the catalog during which the server is killed: the first one is its own.
const CHANGES: std::ops::RangeInclusive<u32> = 3..=12;

#[test]
fn a1_f46_commands_about_limits_happen_wholly_or_not_at_all() {
    let states = ABOUT_LIMITS.states();
    for place in CHANGES.flat_map(|number| ["planned", "written"].map(|when| format!("catalog.change.{when}:{number}")))
    {
        ABOUT_LIMITS.die_at(&place, &states);
    }
}

#[test]
fn a1_f212_commands_survive_a_death_in_the_audit() {
    let states = ABOUT_LIMITS.states();
    // The change is on the disk, and so is the line that tells of it; nobody was answered.
    for number in [2, 4, 7] {
        ABOUT_LIMITS.die_at(&format!("audit.synced:{number}"), &states);
    }
}

#[test]
fn e_f48_fifty_clients_at_one_below_the_limit_add_one_node() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Process::start(&folder.path().join("data"), [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    run(&mut client, "ALTER DATABASE sheaf SET LIMIT max_nodes = 20, max_edges = 0").expect("is set");
    run(&mut client, "UNWIND range(1, 19) AS n CREATE (:N)").expect("room");
    // Through the name, the alias, a nested USE and a batch.
    let ways = [
        "CREATE (:N)",
        "USE neo4j CREATE (:N)",
        "CALL () { USE sheaf CREATE (:N) }",
        "UNWIND [1] AS n CALL (n) { CREATE (:N) } IN TRANSACTIONS",
        "PROFILE CREATE (:N)",
    ];
    let made = thread::scope(|scope| {
        let clients: Vec<_> = (0..50)
            .map(|number| {
                let mut client = server.connect().expect("connects");
                scope.spawn(move || usize::from(run(&mut client, ways[number % ways.len()]).is_some()))
            })
            .collect();
        clients.into_iter().map(|client| client.join().expect("no panic")).sum::<usize>()
    });
    assert_eq!(made, 1, "one was added");
    let counted = run(&mut client, "MATCH (n) RETURN count(n)").expect("counts");
    assert_eq!(counted, [[Value::Integer(20)]]);
    // A restart forgets nothing of it.
    assert!(server.stop().expect("stops").success());
    let server = Process::start(&folder.path().join("data"), [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    assert_eq!(run(&mut client, "CREATE (:N)"), None);
    assert!(server.stop().expect("stops").success());
}

#[test]
fn e_f51_no_statement_outlives_its_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Process::start(&folder.path().join("data"), [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    run(&mut client, "UNWIND range(1, 200) AS n CREATE (:N {n: n})").expect("room");
    run(&mut client, "ALTER DATABASE sheaf SET LIMIT max_query_time = 200ms").expect("is set");
    for text in [
        "MATCH (a), (b), (c), (d) RETURN count(*)",
        "MATCH (a), (b), (c) WITH a, b, c ORDER BY a.n * b.n * c.n RETURN count(*)",
        "MATCH (a), (b), (c), (d) WITH DISTINCT a.n + b.n + c.n + d.n AS s RETURN max(s)",
        "UNWIND range(1, 1000000) AS n CREATE (:M {n: n, text: toString(n)})",
        "MATCH (a), (b), (c), (d) CALL (a) { RETURN a.n AS x } RETURN sum(x)",
    ] {
        let begun = now();
        assert_eq!(run(&mut client, text), None, "{text}");
        let taken = begun.elapsed();
        // Generous: the machine may be busy, and what was allocated has to be freed.
        assert!(taken < Duration::from_secs(5), "{text} took {taken:?}");
    }
    assert_eq!(run(&mut client, "MATCH (m:M) RETURN count(m)").expect("counts"), [[Value::Integer(0)]]);
    assert!(server.stop().expect("stops").success());
}
