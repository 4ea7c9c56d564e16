//! Many clients at once: no update is lost, no statement is refused for another's sake, and what runs can be ended.

mod world;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use instance::{Instance, RunOptions};
use types::{Clock, Code, Map, SystemClock};
use world::{check, in_memory, on_disk, run, run_with, session, together};

const CLIENTS: usize = 32;
const ROUNDS: usize = 20;

fn count_together(instance: &Instance) {
    check(&mut session(instance), "CREATE (:Counter {n: 0})", "[nodes+ 1, properties 1, labels+ 1]");
    together(instance, CLIENTS, |_, session| {
        for _ in 0..ROUNDS {
            run(session, "MATCH (c:Counter) SET c.n = c.n + 1").expect("a lone statement is tried again");
        }
    });
    check(&mut session(instance), "MATCH (c:Counter) RETURN c.n", &(CLIENTS * ROUNDS).to_string());
}

#[test]
fn f52_32_clients_lose_no_update_in_memory() {
    count_together(&in_memory());
}

#[test]
fn f52_32_clients_lose_no_update_on_disk() {
    let data = tempfile::tempdir().expect("a folder");
    count_together(&on_disk(data.path()));
}

#[test]
fn merges_at_once_make_one_node() {
    let instance = in_memory();
    together(&instance, CLIENTS, |_, session| {
        for key in 0..5 {
            run(session, &format!("MERGE (k:Key {{key: {key}}}) ON MATCH SET k.seen = true")).expect("is tried again");
        }
    });
    check(&mut session(&instance), "MATCH (k:Key) RETURN count(k), count(DISTINCT k.key)", "5 | 5");
}

#[test]
fn writers_of_different_nodes_do_not_meet() {
    let instance = in_memory();
    let mut first = session(&instance);
    check(&mut first, "CREATE INDEX FOR (n:N) ON (n.id)", "[indexes+ 1]");
    check(&mut first, "UNWIND range(0, 7) AS id CREATE (:N {id: id, n: 0})", "[nodes+ 8, properties 16, labels+ 8]");
    together(&instance, 8, |number, session| {
        for _ in 0..50 {
            let parameters = Map::from_iter([("id".into(), i64::try_from(number).expect("small").into())]);
            let text = "MATCH (n:N {id: $id}) SET n.n = n.n + 1";
            run_with(session, text, parameters, &RunOptions::default()).expect("runs");
        }
    });
    check(&mut first, "MATCH (n:N) RETURN sum(n.n)", "400");
}

#[test]
fn a_transaction_that_lost_a_race_is_told_to_try_again() {
    let instance = in_memory();
    let (mut first, mut second) = (session(&instance), session(&instance));
    check(&mut first, "CREATE (:Counter {n: 0})", "[nodes+ 1, properties 1, labels+ 1]");
    for session in [&mut first, &mut second] {
        session.begin(&RunOptions::default()).expect("begins");
        check(session, "MATCH (c:Counter) SET c.n = c.n + 1 RETURN c.n", "1\n[properties 1]");
    }
    first.commit().expect("came first");
    let failure = second.commit().expect_err("came second");
    assert_eq!((failure.code(), failure.code().row().retry), (Code::TransactionConflict, true));
    check(&mut second, "MATCH (c:Counter) RETURN c.n", "1");
}

#[test]
fn a_file_that_must_grow_waits_for_no_client() {
    let data = tempfile::tempdir().expect("a folder");
    let mut options = world::options(data.path());
    options.map_start_bytes = 1 << 20;
    let instance = Instance::open(options).expect("opens");
    let mut writer = session(&instance);
    check(&mut writer, "UNWIND range(1, 3000) AS x CREATE (:N {x: x})", "[nodes+ 3000, properties 3000, labels+ 3000]");
    let mut reader = session(&instance);
    let mut half_read = reader.run("MATCH (n:N) RETURN n.x", Map::new(), &RunOptions::default()).expect("runs");
    half_read.pull(10, &mut instance::Fetched::default()).expect("has rows");
    for _ in 0..10 {
        run(&mut writer, "UNWIND range(1, 3000) AS x CREATE (:M {x: x, text: 'some text to fill the file'})")
            .expect("fits");
    }
    let (rows, _) = world::take(&mut half_read).expect("goes on");
    assert_eq!(rows.len(), 2_990);
}

#[test]
fn one_opening_serves_all_who_wait_for_it() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    for number in 0..4 {
        check(&mut session(&instance), &format!("CREATE DATABASE d{number}"), "[system 1]");
    }
    instance.close();
    drop(instance);
    let instance = on_disk(data.path());
    together(&instance, 16, |number, session| {
        check(session, &format!("USE d{} CREATE ()", number % 4), "[nodes+ 1]");
    });
    for number in 0..4 {
        check(&mut session(&instance), &format!("USE d{number} MATCH (n) RETURN count(n)"), "4");
    }
}

#[test]
fn f51_an_interrupt_ends_a_statement_and_holds_until_reset() {
    let instance = in_memory();
    let mut session = session(&instance);
    let interrupter = session.interrupter();
    let begun = Arc::new(AtomicBool::new(false));
    let waiter = {
        let begun = Arc::clone(&begun);
        std::thread::spawn(move || {
            while !begun.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            interrupter.interrupt();
        })
    };
    begun.store(true, Ordering::Release);
    let text = "UNWIND range(1, 1000) AS x UNWIND range(1, 1000) AS y UNWIND range(1, 1000) AS z RETURN sum(x * y % 7)";
    let failure = run(&mut session, text).expect_err("it would take for ever");
    assert_eq!(failure.code(), Code::TransactionTerminated);
    waiter.join().expect("no panic");
    assert_eq!(run(&mut session, "RETURN 1").expect_err("holds").code(), Code::TransactionTerminated);
    session.reset();
    check(&mut session, "RETURN 1", "1");
}

/// A clock that jumps an hour with each look.
struct Racing(Mutex<Instant>);

impl Clock for Racing {
    fn now(&self) -> Instant {
        let mut now = self.0.lock().expect("no test panics while it holds the clock");
        *now += Duration::from_secs(3_600);
        *now
    }

    fn wall_nanos(&self) -> i128 {
        SystemClock.wall_nanos()
    }
}

#[test]
fn time_ends_a_statement_in_the_words_of_who_set_it() {
    let text = "UNWIND range(1, 1000) AS x UNWIND range(1, 1000) AS y RETURN sum(x * y % 7)";
    let code = |server: Option<u64>, client: Option<u64>| {
        let mut options = world::options(std::path::Path::new("/nowhere"));
        options.clock = Arc::new(Racing(Mutex::new(SystemClock.now())));
        options.statement_time_max = server.map(Duration::from_secs);
        let instance = Instance::in_memory(options).expect("opens");
        let run = RunOptions { timeout: client.map(Duration::from_secs), ..RunOptions::default() };
        run_with(&mut session(&instance), text, Map::new(), &run).err().map(|failure| failure.code())
    };
    assert_eq!(code(Some(7_200), None), Some(Code::TransactionTimedOut));
    assert_eq!(code(Some(7_200), Some(90_000)), Some(Code::TransactionTimedOut));
    assert_eq!(code(Some(90_000), Some(7_200)), Some(Code::TransactionTimedOutClient));
    assert_eq!(code(None, None), None);
}

#[test]
fn memory_ends_a_statement_and_nothing_else() {
    let mut options = world::options(std::path::Path::new("/nowhere"));
    options.statement_memory_max_bytes = 1 << 20;
    let instance = Instance::in_memory(options).expect("opens");
    let mut session = session(&instance);
    let failure = run(&mut session, "UNWIND range(1, 1000000) AS x RETURN collect(x)").expect_err("too much");
    assert_eq!(failure.code(), Code::MemoryLimit);
    check(&mut session, "UNWIND range(1, 1000) AS x UNWIND range(1, 1000) AS y RETURN count(y)", "1000000");
}

#[test]
fn a_full_line_refuses_statements() {
    let mut options = world::options(std::path::Path::new("/nowhere"));
    (options.running_max, options.waiting_max) = (1, 0);
    let instance = Instance::in_memory(options).expect("opens");
    let mut busy = session(&instance);
    let interrupter = busy.interrupter();
    let long = std::thread::spawn(move || {
        loop {
            let text = "UNWIND range(1, 1000) AS x UNWIND range(1, 1000) AS y UNWIND range(1, 1000) AS z RETURN sum(x * y % 7)";
            match run(&mut busy, text) {
                // The other one was there first.
                Err(failure) if failure.code() == Code::TooManyTransactions => {}
                outcome => return outcome,
            }
        }
    });
    let mut other = session(&instance);
    let failure = loop {
        if let Err(failure) = run(&mut other, "RETURN 1") {
            break failure;
        }
    };
    assert_eq!(failure.code(), Code::TooManyTransactions);
    interrupter.interrupt();
    assert!(long.join().expect("no panic").is_err());
    check(&mut other, "RETURN 1", "1");
}

#[test]
fn f52_f56_what_a_database_bounds_is_what_it_is_asked() {
    let instance = in_memory();
    let mut one = session(&instance);
    for text in [
        "CREATE DATABASE other",
        "USE other UNWIND range(1, 5) AS i CREATE (:N {i: i})",
        "ALTER DATABASE sheaf SET LIMIT max_results = 2, max_queries_per_second = 3, max_queries_burst = 3, max_connections = 1",
    ] {
        run(&mut one, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    }
    // The session stands on the default database and asks nothing of it: not its rows, its rate, its places.
    for _ in 0..9 {
        check(&mut one, "USE other MATCH (n) RETURN n.i ORDER BY n.i", "1\n2\n3\n4\n5");
    }
    let mut two = session(&instance);
    check(&mut two, "USE other MATCH (n) RETURN count(n)", "5");
    check(&mut one, "UNWIND range(1, 5) AS x RETURN x", "1\n2");
    check(
        &mut one,
        "CALL () { USE other MATCH (n) RETURN n.i AS i } CALL () { USE sheaf RETURN 1 AS x } RETURN i ORDER BY i",
        "1\n2",
    );
    check(&mut one, "SHOW USAGE YIELD database, statements WHERE database = 'sheaf' RETURN statements", "2");
    assert_eq!(run(&mut two, "RETURN 1").expect_err("one place").code(), Code::TooManyConnections);
}
