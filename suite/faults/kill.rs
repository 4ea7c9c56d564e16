//! Row A1: kill -9 at any moment, and at named places, under eight writers.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bolt::client::{Client, ClientError};
use suite::faults::{Ledger, Seed};
use suite::process::{Process, now, parameters, run_in, signal_of};
use types::{Map, Value, failpoint};

use crate::pairs;

const WRITERS: u64 = 8;
const RANDOM_KILLS: usize = 30;
/// How long a restart may take. The data is small; the rest is the machine's, which the tests share.
const RESTART_TIME_MAX: Duration = Duration::from_secs(5);

/// Where a round ends even if the writers are slow.
const ROUND_TIME_MAX: Duration = Duration::from_secs(20);

/// Places on the way of a commit.
const COMMIT_PLACES: [&str; 5] =
    ["store.commit.before", "store.commit.after", "graph.commit.checked", "graph.commit.half", "graph.commit.durable"];

/// Places that come once in a while, the file grows or an index is filled, and the batches of 20 MB before them.
const RARE_PLACES: [(&str, u64); 2] = [("store.grow", 20), ("graph.index.filled", 2)];

/// Places on the way of CREATE and DROP DATABASE.
const DATABASE_PLACES: [&str; 8] = [
    "catalog.create.recorded",
    "catalog.create.made",
    "catalog.drop.recorded",
    "catalog.drop.removed",
    "store.create.before",
    "store.create.after",
    "store.remove.before",
    "store.remove.after",
];

fn plain(data: &Path) -> Process {
    let process = Process::start(data, [("", ""); 0]).expect("starts without help");
    assert!(process.start_time < RESTART_TIME_MAX, "the restart took {:?}", process.start_time);
    process
}

#[test]
fn a1_no_acknowledged_transaction_is_lost() {
    let mut seed = Seed::of_this_run();
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = plain(&data);
    pairs::prepare(&mut server.connect().expect("connects")).expect("makes the index");
    server.kill().expect("kills");
    for round in 0..RANDOM_KILLS {
        let acknowledged_max = 1 + seed.below(150);
        println!("round {round}: kill after {acknowledged_max} transactions; {}", seed.replay());
        let server = plain(&data);
        let lasts = pairs::verify(&mut server.connect().expect("connects"), folder.path(), WRITERS);
        write_until_it_dies(server, folder.path(), &lasts, |server, acknowledged| {
            let started = now();
            while acknowledged.load(Ordering::Relaxed) < acknowledged_max && started.elapsed() < ROUND_TIME_MAX {
                std::thread::yield_now();
            }
            server.kill().expect("kills");
        });
    }
    for place in COMMIT_PLACES {
        let place = format!("{place}:{}", 1 + seed.below(80));
        println!("killed at {place}; {}", seed.replay());
        let server = plain(&data);
        let lasts = pairs::verify(&mut server.connect().expect("connects"), folder.path(), WRITERS);
        server.stop().expect("stops");
        let server = Process::start(&data, [(failpoint::VARIABLE, &place)]).expect("starts");
        write_until_it_dies(server, folder.path(), &lasts, |mut server, _| {
            let status = server.wait_for_end(Duration::from_secs(60));
            let signal = status.and_then(signal_of);
            assert_eq!(signal, Some(6), "the place {place} was not reached: {}", server.log());
        });
    }
    let server = plain(&data);
    let lasts = pairs::verify(&mut server.connect().expect("connects"), folder.path(), WRITERS);
    assert!(lasts.iter().sum::<u64>() > 100, "hardly anything was written: {lasts:?}");
    assert!(server.stop().expect("stops").success());
}

/// Lets all writers write on from `lasts` while `kill` ends the server.
fn write_until_it_dies(server: Process, folder: &Path, lasts: &[u64], kill: impl FnOnce(Process, &AtomicU64)) {
    let acknowledged = AtomicU64::new(0);
    let bolt = server.bolt;
    std::thread::scope(|scope| {
        for (writer, last) in lasts.iter().enumerate() {
            let acknowledged = &acknowledged;
            scope.spawn(move || {
                let Ok(mut client) = Client::connect(bolt, &Default::default()) else { return };
                let error = write_on(&mut client, folder, writer as u64, *last, acknowledged);
                assert!(matches!(error, ClientError::Closed | ClientError::Network(_)), "writer {writer}: {error}");
            });
        }
        kill(server, &acknowledged);
    });
}

fn write_on(client: &mut Client, folder: &Path, writer: u64, last: u64, acknowledged: &AtomicU64) -> ClientError {
    let mut ledger = Ledger::open(folder, writer).expect("the tester's own disk");
    // What the last round left without an answer, and `verify` found, counts as acknowledged now.
    ledger.note(last).expect("the tester's own disk");
    for number in last + 1.. {
        if let Err(error) = pairs::write(client, writer, number) {
            return error;
        }
        ledger.note(number).expect("the tester's own disk");
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
    unreachable!("the numbers do not end")
}

#[test]
fn a1_a_kill_while_a_file_grows_or_an_index_fills_loses_nothing() {
    const BATCH: u64 = 500;
    let fill = "UNWIND range(1, $batch) AS number CREATE (:Filler {number: number, text: $text})";
    let values = parameters([("batch", pairs::integer(BATCH)), ("text", Value::string("x".repeat(40_000)))]);
    for (place, batches) in RARE_PLACES {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        plain(&data).stop().expect("stops");
        let mut server = Process::start(&data, [(failpoint::VARIABLE, format!("{place}:1"))]).expect("starts");
        let mut client = server.connect().expect("connects");
        let acknowledged = (0..batches)
            .take_while(|_| run_in(&mut client, pairs::DATABASE, fill, values.clone()).is_ok())
            .count() as u64;
        // Whatever was not killed by now is killed by this.
        let index = "CREATE INDEX FOR (f:Filler) ON (f.number)";
        run_in(&mut client, pairs::DATABASE, index, Map::new()).expect_err("the server is killed");
        let signal = server.wait_for_end(Duration::from_secs(30)).and_then(signal_of);
        assert_eq!(signal, Some(6), "the place {place} was not reached: {}", server.log());
        let server = plain(&data);
        let mut client = server.connect().expect("connects");
        let mut counted = |text| pairs::count(&mut client, pairs::DATABASE, text);
        let kept = counted("MATCH (f:Filler) WHERE f.number + 0 > 0 RETURN count(f)");
        let expected = [acknowledged * BATCH, (acknowledged + 1) * BATCH];
        assert!(expected.contains(&kept), "{acknowledged} batches were acknowledged, {kept} nodes are there: {place}");
        assert_eq!(counted("MATCH (f:Filler) WHERE f.number > 0 RETURN count(f)"), kept, "the index after {place}");
        assert_eq!(counted("MATCH (n) RETURN count(n)"), kept, "the count after {place}");
        run_in(&mut client, pairs::DATABASE, &index.replace("INDEX", "INDEX IF NOT EXISTS"), Map::new())
            .expect("fills");
        assert_eq!(
            pairs::count(&mut client, pairs::DATABASE, "MATCH (f:Filler {number: 7}) RETURN count(f)"),
            kept / BATCH
        );
    }
}

#[test]
fn a1_a_kill_between_batches_keeps_whole_batches() {
    const BATCH: u64 = 100;
    let mut seed = Seed::of_this_run();
    let text = "UNWIND range(1, 1000000) AS x CALL (x) { CREATE (:Filler {number: x}) } IN TRANSACTIONS OF 100 ROWS";
    for place in COMMIT_PLACES {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        plain(&data).stop().expect("stops");
        let place = format!("{place}:{}", 3 + seed.below(40));
        println!("killed at {place}; {}", seed.replay());
        let mut server = Process::start(&data, [(failpoint::VARIABLE, &place)]).expect("starts");
        let mut client = server.connect().expect("connects");
        run_in(&mut client, pairs::DATABASE, text, Map::new()).expect_err("the server is killed");
        let signal = server.wait_for_end(Duration::from_secs(30)).and_then(signal_of);
        assert_eq!(signal, Some(6), "the place {place} was not reached: {}", server.log());
        let server = plain(&data);
        let mut client = server.connect().expect("connects");
        let mut counted = |text| pairs::count(&mut client, pairs::DATABASE, text);
        let kept = counted("MATCH (f:Filler) RETURN count(f)");
        assert!(kept > 0 && kept % BATCH == 0, "{kept} rows are there after {place}");
        assert_eq!(counted("MATCH (f:Filler) RETURN max(f.number)"), kept, "a batch is missing after {place}");
    }
}

#[test]
fn a1_databases_are_made_and_dropped_wholly() {
    let mut seed = Seed::of_this_run();
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    plain(&data).stop().expect("stops");
    for place in DATABASE_PLACES {
        let place = format!("{place}:{}", 1 + seed.below(3));
        println!("killed at {place}; {}", seed.replay());
        let mut server = Process::start(&data, [(failpoint::VARIABLE, &place)]).expect("starts");
        let (known, unsure) = make_and_drop(&mut server.connect().expect("connects"));
        let signal = server.wait_for_end(Duration::from_secs(30)).and_then(signal_of);
        assert_eq!(signal, Some(6), "the place {place} was not reached: {}", server.log());
        let server = plain(&data);
        let mut client = server.connect().expect("connects");
        let names = names(&mut client);
        let missing: Vec<_> = known.difference(&names).collect();
        let extra: Vec<_> = names.difference(&known).filter(|name| **name != unsure).collect();
        assert!(missing.is_empty() && extra.is_empty(), "missing {missing:?}, too many {extra:?} after {place}");
        for name in &names {
            // Also the one of which nobody knows whether it is there: if it is listed it works.
            pairs::count(&mut client, name, "MATCH (n) RETURN count(n)");
            run_in(&mut client, "system", &format!("DROP DATABASE {name} WAIT"), Map::new()).expect("drops");
        }
        run_in(&mut client, "system", &format!("CREATE DATABASE {unsure} WAIT"), Map::new()).expect("the name is free");
        run_in(&mut client, "system", &format!("DROP DATABASE {unsure} WAIT"), Map::new()).expect("drops");
        assert_eq!(files(&data), 2, "files of a dropped database are left after {place}");
        assert!(server.stop().expect("stops").success());
    }
}

/// Makes and drops databases until the server dies; gives those that must be there, and the one in question.
fn make_and_drop(client: &mut Client) -> (BTreeSet<String>, String) {
    let mut known = BTreeSet::new();
    for number in 0.. {
        let name = format!("made{number}");
        if run_in(client, "system", &format!("CREATE DATABASE {name} WAIT"), Map::new()).is_err() {
            return (known, name);
        }
        known.insert(name.clone());
        if run_in(client, &name, "CREATE (:Thing)", Map::new()).is_err() {
            return (known.clone(), name);
        }
        if number % 2 == 1 {
            known.remove(&name);
            if run_in(client, "system", &format!("DROP DATABASE {name} WAIT"), Map::new()).is_err() {
                return (known, name);
            }
        }
        assert!(number < 1_000, "the server should have ended by now");
    }
    unreachable!("the numbers do not end")
}

/// Lists the databases that the test made.
fn names(client: &mut Client) -> BTreeSet<String> {
    let rows = run_in(client, "system", "SHOW DATABASES YIELD name", Map::new()).expect("lists");
    let names = rows.into_iter().map(|mut row| match row.swap_remove(0) {
        Value::String(name) => name.to_string(),
        other => panic!("{other:?} is no name"),
    });
    names.filter(|name| name.starts_with("made")).collect()
}

/// Counts the folders that hold a database.
fn files(data: &Path) -> usize {
    let folders = fs::read_dir(data).expect("reads").map(|entry| entry.expect("reads").path());
    folders.filter(|folder| folder.join("data.mdb").exists()).count()
}

#[test]
fn a1_f212_a_database_whose_opening_kills_twice_harms_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = plain(&data);
    let mut client = server.connect().expect("connects");
    for (database, text) in [("system", "CREATE DATABASE bad"), ("bad", "CREATE (:N)"), ("sheaf", "CREATE (:N)")] {
        run_in(&mut client, database, text, Map::new()).expect("runs");
    }
    assert!(server.stop().expect("stops").success());
    for _ in 0..2 {
        // The first store that is opened is that of the catalog.
        let mut server = Process::start(&data, [(failpoint::VARIABLE, "store.open.mapped:2")]).expect("starts");
        let mut client = server.connect().expect("connects");
        run_in(&mut client, "bad", "MATCH (n) RETURN count(n)", Map::new()).expect_err("the server dies");
        let signal = server.wait_for_end(Duration::from_secs(30)).and_then(signal_of);
        assert_eq!(signal, Some(6), "{}", server.log());
    }
    let server = plain(&data);
    let mut client = server.connect().expect("connects");
    assert_eq!(pairs::count(&mut client, "sheaf", "MATCH (n) RETURN count(n)"), 1);
    let refused = run_in(&mut client, "bad", "MATCH (n) RETURN count(n)", Map::new()).expect_err("it is left alone");
    assert!(refused.status().is_some(), "{refused}");
    let state = "SHOW DATABASE bad YIELD currentStatus, statusMessage";
    let rows = run_in(&mut client, "system", state, Map::new()).expect("lists");
    assert!(!matches!(&rows[0][1], Value::Null) && rows[0][1] != Value::string(""), "the reason is told: {rows:?}");
    assert_eq!(pairs::count(&mut client, "sheaf", "MATCH (n) RETURN count(n)"), 1);
    assert!(server.stop().expect("stops").success());
}
