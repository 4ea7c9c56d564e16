//! Constraints and indexes of a real server: clients that compete for a value, and a kill while an index is filled.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bolt::client::{Client, ClientError};
use suite::process::{Process, now, parameters, run_in, signal_of};
use types::{Code, Map, failpoint};

use crate::pairs::{DATABASE, count, integer};

const CLIENTS: u64 = 4;
const VALUES: u64 = 60;
/// Enough that an index is filled slice by slice behind the commit that makes it.
const MANY: u64 = 60_000;
/// How long an index may take on a machine that is busy with other tests.
const FILLED_TIME_MAX: Duration = Duration::from_secs(60);

/// Runs a statement again for as long as the server says that it may help.
fn insist(client: &mut Client, text: &str, values: &Map) -> Result<(), ClientError> {
    loop {
        match run_in(client, DATABASE, text, values.clone()) {
            Err(error) if error.status().is_some() && error.code().row().retry => {}
            other => return other.map(drop),
        }
    }
}

#[test]
fn clients_that_write_one_value_make_one_node() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Process::start(&folder.path().join("data"), [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    for text in [
        "CREATE CONSTRAINT FOR (n:Merged) REQUIRE n.id IS UNIQUE",
        "CREATE CONSTRAINT FOR (n:Created) REQUIRE (n.id, n.kind) IS NODE KEY",
    ] {
        run_in(&mut client, DATABASE, text, Map::new()).expect("makes the constraint");
    }
    let created = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let (created, bolt) = (&created, server.bolt);
            scope.spawn(move || {
                let mut client = Client::connect(bolt, &Default::default()).expect("connects");
                for id in 0..VALUES {
                    let values = parameters([("id", integer(id))]);
                    insist(&mut client, "MERGE (n:Merged {id: $id}) SET n.seen = true", &values).expect("merges");
                    match insist(&mut client, "CREATE (:Created {id: $id, kind: 1})", &values) {
                        Ok(()) => {
                            created.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => {
                            assert_eq!(error.code(), Code::ConstraintValidationFailed, "{error}");
                            assert!(error.to_string().contains("already exists with label `Created`"), "{error}");
                        }
                    }
                }
            });
        }
    });
    assert_eq!(created.into_inner(), VALUES);
    for label in ["Merged", "Created"] {
        let text = format!("MATCH (n:{label}) RETURN count(n)");
        assert_eq!(count(&mut client, DATABASE, &text), VALUES, "{label}");
        let text = format!("MATCH (n:{label}) RETURN count(DISTINCT n.id)");
        assert_eq!(count(&mut client, DATABASE, &text), VALUES, "{label}");
    }
    assert!(server.stop().expect("stops").success());
}

#[test]
fn a1_an_index_that_is_filled_goes_on_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut server = Process::start(&data, [(failpoint::VARIABLE, "graph.index.slice:4")]).expect("starts");
    let mut client = server.connect().expect("connects");
    let fill = "UNWIND range(1, $many) AS id CREATE (:Many {id: id, even: id % 2})";
    run_in(&mut client, DATABASE, fill, parameters([("many", integer(MANY))])).expect("fills");
    let constraint = "CREATE CONSTRAINT many FOR (n:Many) REQUIRE n.id IS UNIQUE";
    run_in(&mut client, DATABASE, "CREATE INDEX evens FOR (n:Many) ON (n.even)", Map::new()).expect("answers at once");
    run_in(&mut client, DATABASE, constraint, Map::new()).expect_err("the server is killed");
    let signal = server.wait_for_end(Duration::from_secs(60)).and_then(signal_of);
    assert_eq!(signal, Some(6), "no index was filled: {}", server.log());

    let server = Process::start(&data, [("", ""); 0]).expect("starts without help");
    let mut client = server.connect().expect("connects");
    // It was never acknowledged: either it is there in the end, or it never was and can be made.
    let constraint = format!("{} IF NOT EXISTS {}", &constraint[..22], &constraint[23..]);
    insist(&mut client, &constraint, &Map::new()).expect("the data keeps it");
    let started = now();
    let waiting = "SHOW INDEXES YIELD state WHERE state <> 'ONLINE' RETURN count(*)";
    while count(&mut client, DATABASE, waiting) > 0 {
        assert!(started.elapsed() < FILLED_TIME_MAX, "an index is not filled");
        // Whoever reads and writes meanwhile is not in its way.
        assert_eq!(count(&mut client, DATABASE, "MATCH (n:Many {id: 7}) RETURN count(n)"), 1);
        std::thread::sleep(Duration::from_millis(20));
    }
    let evens = "MATCH (n:Many) USING INDEX n:Many(even) WHERE n.even = 0 RETURN count(n)";
    assert_eq!(count(&mut client, DATABASE, evens), MANY / 2);
    let taken = run_in(&mut client, DATABASE, "CREATE (:Many {id: 7})", Map::new()).expect_err("it is taken");
    assert_eq!(taken.code(), Code::ConstraintValidationFailed, "{taken}");
    let problems = run_in(&mut client, DATABASE, &format!("CHECK DATABASE {DATABASE}"), Map::new()).expect("checks");
    assert!(!format!("{problems:?}").contains("missing"), "{problems:?}");
    assert!(server.stop().expect("stops").success());
}
