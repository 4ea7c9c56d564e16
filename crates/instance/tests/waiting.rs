//! Waiting for a place among the statements of a database: it ends with the time of the statement, whoever bounds that.

mod world;

use std::time::Duration;

use instance::{Instance, RunOptions, Session};
use types::{Clock, Code, Map, SystemClock};
use world::run;

/// One database with a single place, and a user whose role bounds nothing yet.
fn world() -> (Instance, Session, Session) {
    let mut options = world::options(std::path::Path::new("/nowhere"));
    options.authentication = catalog::Authentication::Password { first: Some("admin-password".to_owned()) };
    let instance = Instance::in_memory(options).expect("memory has room");
    let mut admin = instance.log_in(Some(("admin", "admin-password"))).expect("the first user");
    for text in [
        "CREATE USER bob SET PASSWORD 'bob-password' CHANGE NOT REQUIRED",
        "CREATE ROLE guest",
        "GRANT ROLE guest, reader TO bob",
        "CREATE DATABASE films",
        "ALTER DATABASE films SET LIMIT max_concurrent_queries = 1",
    ] {
        run(&mut admin, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    }
    let bob = instance.log_in(Some(("bob", "bob-password"))).expect("logs in");
    (instance, admin, bob)
}

/// Asks for a place that nobody gives back; the limit of 300 ms, which `set_by` sets, has to end that in time.
#[track_caller]
fn ends_in_time(session: &mut Session, text: &str, options: &RunOptions, set_by: &str) {
    let begun = SystemClock.now();
    let failure = session.run(text, Map::new(), options).map(drop).expect_err("nobody gives a place back");
    let taken = SystemClock.now() - begun;
    assert_eq!(failure.code(), Code::TransactionTimedOut, "{failure}");
    assert!(failure.message().contains(set_by), "{failure}");
    assert!(taken >= Duration::from_millis(300), "{taken:?}");
    assert!(taken < Duration::from_secs(2), "{taken:?}");
}

#[test]
fn f51_f53_the_limit_of_a_role_or_of_what_is_used_ends_who_waits_for_a_place() {
    let (instance, mut admin, mut bob) = world();
    let films = RunOptions { database: Some("films".to_owned()), ..RunOptions::default() };
    let mut holder = instance.log_in(Some(("admin", "admin-password"))).expect("logs in");
    let long = "UNWIND range(1, 1000000) AS n RETURN n";
    let _held = holder.run(long, Map::new(), &films).expect("takes the place");
    let elsewhere = RunOptions::default();

    run(&mut admin, "ALTER ROLE guest SET LIMIT max_query_time = 300ms").expect("is set");
    let of_role = "max_query_time of role 'guest' for database 'films' is 300ms";
    ends_in_time(&mut bob, "RETURN 1", &films, of_role);
    ends_in_time(&mut bob, "USE films RETURN 1", &elsewhere, of_role);

    run(&mut admin, "ALTER DATABASE films SET LIMIT max_query_time = 300ms").expect("is set");
    let of_database = "max_query_time of database 'films' is 300ms";
    ends_in_time(&mut admin, "RETURN 1", &films, of_database);
    ends_in_time(&mut admin, "USE films RETURN 1", &elsewhere, of_database);
    let both = "CALL { USE sheaf RETURN 1 AS a } CALL { USE films RETURN 1 AS b } RETURN a, b";
    ends_in_time(&mut admin, both, &elsewhere, of_database);
}

#[test]
fn f51_f53_a_limit_that_is_set_while_somebody_waits_ends_him() {
    let (instance, mut admin, mut bob) = world();
    let films = RunOptions { database: Some("films".to_owned()), ..RunOptions::default() };
    let mut holder = instance.log_in(Some(("admin", "admin-password"))).expect("logs in");
    let long = "UNWIND range(1, 1000000) AS n RETURN n";
    let _held = holder.run(long, Map::new(), &films).expect("takes the place");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| bob.run("USE films RETURN 1", Map::new(), &RunOptions::default()).map(drop));
        while run(&mut admin, "SHOW USAGE FOR DATABASE films YIELD waitingStatements").expect("shows") != "1" {
            std::thread::yield_now();
        }
        let text = "ALTER DATABASE films SET LIMIT max_query_time = 1ms";
        run(&mut admin, text).expect("is set");
        let failure = waiting.join().expect("no panic").expect_err("his time is over");
        assert_eq!(failure.code(), Code::TransactionTimedOut, "{failure}");
    });
}

#[test]
fn f51_f53_the_limit_that_a_role_gets_ends_what_waits_and_what_runs() {
    let (instance, mut admin, mut bob) = world();
    let films = RunOptions { database: Some("films".to_owned()), ..RunOptions::default() };
    for is_waiting in [true, false] {
        let mut holder = instance.log_in(Some(("admin", "admin-password"))).expect("logs in");
        let held = holder.run("UNWIND range(1, 1000000) AS n RETURN n", Map::new(), &films).expect("takes the place");
        let held = is_waiting.then_some(held);
        let ended = std::thread::scope(|scope| {
            let endless = "UNWIND range(1, 100000000000) AS n RETURN count(n)";
            let asked = scope.spawn(|| world::run_with(&mut bob, endless, Map::new(), &films));
            let listed = "SHOW TRANSACTIONS YIELD username WHERE username = 'bob'";
            while run(&mut admin, listed).expect("shows").is_empty() {
                std::thread::yield_now();
            }
            std::thread::sleep(Duration::from_millis(150));
            run(&mut admin, "ALTER ROLE guest SET LIMIT max_query_time = 10ms").expect("is set");
            asked.join().expect("no panic")
        });
        let failure = ended.expect_err("it takes too long by now");
        assert_eq!(failure.code(), Code::TransactionTimedOut, "{failure}");
        assert!(failure.message().contains("max_query_time of role 'guest' for database 'films' is 10ms"), "{failure}");
        run(&mut admin, "ALTER ROLE guest REMOVE LIMIT max_query_time").expect("is removed");
        drop(held);
    }
}

#[test]
fn f51_what_another_database_bounds_is_not_ended_by_ones_own() {
    let (instance, mut admin, mut bob) = world();
    for text in
        ["CREATE DATABASE slow", "GRANT ACCESS ON DATABASE slow TO guest", "ALTER USER bob SET HOME DATABASE films"]
    {
        run(&mut admin, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    }
    std::thread::scope(|scope| {
        let long = "USE slow UNWIND range(1, 100000000000) AS n RETURN count(n)";
        let asked = scope.spawn(|| run(&mut bob, long));
        let listed = "SHOW TRANSACTIONS YIELD username WHERE username = 'bob'";
        while run(&mut admin, listed).expect("shows").is_empty() {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(150));
        run(&mut admin, "ALTER DATABASE films SET LIMIT max_query_time = 10ms").expect("is set");
        instance.close_idle();
        std::thread::sleep(Duration::from_millis(50));
        assert_ne!(run(&mut admin, listed).expect("shows"), "", "it goes on");
        run(&mut admin, "ALTER DATABASE slow SET LIMIT max_query_time = 10ms").expect("is set");
        let failure = asked.join().expect("no panic").expect_err("it takes too long by now");
        assert!(failure.message().contains("max_query_time of database 'slow' is 10ms"), "{failure}");
    });
}

#[test]
fn f51_a_limit_that_ends_a_result_which_stands_open_is_told() {
    let (instance, mut admin, mut bob) = world();
    let films = RunOptions { database: Some("films".to_owned()), ..RunOptions::default() };
    let owners = [("ROLE guest", "role 'guest' for database 'films'"), ("DATABASE films", "database 'films'")];
    for (owner, told) in owners {
        let text = "UNWIND range(1, 1000000000) AS n RETURN n";
        let mut rows = bob.run(text, Map::new(), &films).expect("runs");
        rows.pull(10, &mut instance::Fetched::default()).expect("has rows");
        run(&mut admin, &format!("ALTER {owner} SET LIMIT max_query_time = 50ms")).expect("is set");
        std::thread::sleep(Duration::from_millis(250));
        instance.close_idle();
        instance.end_unattended();
        let failure = rows.pull(10, &mut instance::Fetched::default()).expect_err("it takes too long by now");
        assert_eq!(failure.code(), Code::TransactionTimedOut, "{failure}");
        assert!(failure.message().contains(&format!("max_query_time of {told} is 50ms")), "{failure}");
        run(&mut admin, &format!("ALTER {owner} REMOVE LIMIT max_query_time")).expect("is removed");
    }
}
