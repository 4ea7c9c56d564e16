//! Limits as statements meet them: set, shown, biting at once, exact while many write, and given back.

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use instance::{Access, Charged, Fetched, Instance, More, RunOptions, Session};
use types::{Clock, Code, Failure, Map, SystemClock, Value};
use world::{check, in_memory, on_disk, run, run_with, session, take, together};

const SYSTEM: &str = "[system 1]";

fn limit(session: &mut Session, limits: &str) {
    check(session, &format!("ALTER DATABASE sheaf SET LIMIT {limits}"), SYSTEM);
}

fn code(result: Result<String, Failure>) -> Option<Code> {
    result.err().map(|failure| failure.code())
}

#[track_caller]
fn refused(session: &mut Session, text: &str, code: Code, limit: &str) -> Failure {
    let failure = run(session, text).expect_err("a limit is in the way");
    let refusal = failure.refusal().unwrap_or_else(|| panic!("{failure}"));
    assert_eq!((failure.code(), refusal.limit, refusal.database.as_str()), (code, limit, "sheaf"), "{failure}");
    assert!(failure.code().is_limit());
    failure
}

#[test]
fn f46_limits_are_set_shown_and_removed() {
    let data = tempfile::tempdir().expect("a folder");
    {
        let instance = on_disk(data.path());
        let mut one = session(&instance);
        limit(&mut one, "max_nodes = 3, max_query_time = 60s, max_bytes = 10GB");
        check(&mut one, "ALTER DATABASE neo4j SET LIMIT max_nodes = 3", "");
        let unknown = run(&mut one, "ALTER DATABASE sheaf SET LIMIT max_edgse = 1").expect_err("no such limit");
        assert!(unknown.message().contains("max_edges, max_storage_bytes"), "{unknown}");
        assert_eq!(code(run(&mut one, "ALTER DATABASE nobody SET LIMIT max_nodes = 1")), Some(Code::DatabaseNotFound));
        check(&mut one, "ALTER DATABASE nobody IF EXISTS SET LIMIT max_nodes = 1", "");
        assert_eq!(code(run(&mut one, "ALTER DATABASE system SET LIMIT max_nodes = 1")), Some(Code::DatabaseProtected));
        instance.close();
    }
    let instance = on_disk(data.path());
    let mut one = session(&instance);
    check(&mut one, "CREATE (:A)", "[nodes+ 1, labels+ 1]");
    let shown = "SHOW LIMITS FOR DATABASE sheaf YIELD `limit`, value, current, percent, source, text \
                 WHERE source <> 'default' AND NOT `limit` CONTAINS 'memory' RETURN `limit`, value, text, source";
    check(
        &mut one,
        shown,
        "'max_nodes' | 3 | '3' | 'database'\n'max_storage_bytes' | 10000000000 | '10GB' | 'database'\n\
         'max_query_time' | 60000 | '1m' | 'database'",
    );
    let nodes = "SHOW LIMITS FOR DATABASE sheaf YIELD `limit`, current, percent WHERE `limit` = 'max_nodes'";
    check(&mut one, nodes, "'max_nodes' | 1 | 33.3");
    check(&mut one, "ALTER DATABASE sheaf REMOVE LIMIT max_nodes, max_bytes", SYSTEM);
    check(&mut one, shown, "'max_query_time' | 60000 | '1m' | 'database'");
}

#[test]
fn f47_limits_are_listed_with_use_percent_and_source() {
    let instance = with_passwords();
    let mut admin = instance.log_in(Some(("admin", "admin-password"))).expect("the first user");
    for text in [
        "CREATE USER bob SET PASSWORD 'bob-password' CHANGE NOT REQUIRED",
        "CREATE ROLE guest",
        "GRANT ROLE guest, reader TO bob",
        "GRANT SHOW LIMITS ON DATABASE * TO guest",
        "ALTER ROLE guest SET LIMIT max_query_time = 5s",
        "ALTER DATABASE sheaf SET LIMIT max_nodes = 8",
        "UNWIND [1, 2] AS n CREATE (:N)",
    ] {
        run(&mut admin, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    }
    let shown = "SHOW LIMITS FOR DATABASE sheaf YIELD `limit`, value, current, percent, source \
                 WHERE `limit` IN ['max_nodes', 'max_edges', 'max_query_time', 'max_results']";
    let common = "'max_nodes' | 8 | 2 | 25.0 | 'database'\n'max_edges' | 0 | 0 | null | 'default'";
    check(
        &mut admin,
        shown,
        &format!(
            "{common}\n'max_query_time' | 0 | null | null | 'default'\n'max_results' | 3 | null | null | 'server'"
        ),
    );
    // What a role says holds for its users, and is shown to them.
    let mut bob = instance.log_in(Some(("bob", "bob-password"))).expect("the user was made");
    check(
        &mut bob,
        shown,
        &format!(
            "{common}\n'max_query_time' | 5000 | null | null | 'role'\n'max_results' | 3 | null | null | 'server'"
        ),
    );
    check(&mut admin, "SHOW LIMITS FOR ROLE guest YIELD `limit`, value, source", "'max_query_time' | 5000 | 'role'");
    let described = "SHOW LIMITS FOR DATABASE sheaf YIELD description WHERE description = ''";
    check(&mut admin, described, "");
}

#[test]
fn f48_two_clients_at_one_below_max_nodes_add_one_node() {
    let instance = in_memory();
    limit(&mut session(&instance), "max_nodes = 10");
    check(&mut session(&instance), "UNWIND range(1, 9) AS n CREATE (:N)", "[nodes+ 9, labels+ 9]");
    let made = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&made);
    together(&instance, 8, move |_, session| match run(session, "CREATE (:N)") {
        Ok(_) => drop(counted.fetch_add(1, Ordering::Relaxed)),
        Err(failure) => assert_eq!(failure.code(), Code::LimitReached),
    });
    assert_eq!(made.load(Ordering::Relaxed), 1);
    let mut one = session(&instance);
    check(&mut one, "MATCH (n) RETURN count(n)", "10");
    let failure = refused(&mut one, "CREATE (:N)", Code::LimitReached, "max_nodes");
    assert_eq!(failure.message(), "The limit max_nodes of database 'sheaf' is 10, 10 are used, and 1 more is wanted.");
    // Freed by what is deleted, and by what is rolled back.
    check(&mut one, "MATCH (n) WITH n LIMIT 2 DELETE n", "[nodes- 2]");
    one.begin(&RunOptions::default()).expect("begins");
    run(&mut one, "UNWIND range(1, 2) AS n CREATE (:N)").expect("room");
    refused(&mut one, "CREATE (:N)", Code::LimitReached, "max_nodes");
    one.rollback().expect("rolls back");
    check(&mut one, "UNWIND range(1, 2) AS n CREATE (:N)", "[nodes+ 2, labels+ 2]");
    // A batch goes in wholly or not at all.
    limit(&mut one, "max_nodes = 15");
    refused(&mut one, "UNWIND range(1, 6) AS n CREATE (:N)", Code::LimitReached, "max_nodes");
    check(&mut one, "MATCH (n) RETURN count(n)", "10");
    let text = "UNWIND range(1, 6) AS n CALL (n) { CREATE (:N) } IN TRANSACTIONS OF 2 ROWS";
    refused(&mut one, text, Code::LimitReached, "max_nodes");
    check(&mut one, "MATCH (n) RETURN count(n)", "14");
    refused(&mut one, "PROFILE UNWIND range(1, 6) AS n CREATE (:N)", Code::LimitReached, "max_nodes");
    check(&mut one, "MATCH (n) RETURN count(n)", "14");
}

#[test]
fn f48_a_limit_bites_through_another_database_and_an_alias() {
    let instance = in_memory();
    let mut one = session(&instance);
    check(&mut one, "CREATE DATABASE other", SYSTEM);
    limit(&mut one, "max_nodes = 1");
    check(&mut one, "USE other", "");
    refused(&mut one, "USE sheaf UNWIND range(1, 2) AS n CREATE (:N)", Code::LimitReached, "max_nodes");
    refused(&mut one, "USE neo4j UNWIND range(1, 2) AS n CREATE (:N)", Code::LimitReached, "max_nodes");
    check(&mut one, "USE sheaf MATCH (n) RETURN count(n)", "0");
}

#[test]
fn f49_relationships_are_bounded() {
    let instance = in_memory();
    let mut one = session(&instance);
    limit(&mut one, "max_edges = 1");
    check(&mut one, "CREATE (a:A)-[:R]->(b:B)", "[nodes+ 2, relationships+ 1, labels+ 2]");
    refused(&mut one, "MATCH (a:A), (b:B) CREATE (b)-[:R]->(a)", Code::LimitReached, "max_edges");
    check(&mut one, "MATCH ()-[r]->() DELETE r", "[relationships- 1]");
    check(&mut one, "MATCH (a:A), (b:B) CREATE (b)-[:R]->(a)", "[relationships+ 1]");
}

#[test]
fn f50_bytes_are_bounded_and_freed() {
    let instance = in_memory();
    let mut one = session(&instance);
    limit(&mut one, "max_storage_bytes = 200KB");
    let fill = "UNWIND range(1, 400) AS n CREATE (:N {text: '0123456789012345678901234567890123456789' + n})";
    let mut filled = 0;
    while run(&mut one, fill).is_ok() {
        filled += 1;
        assert!(filled < 100, "200 KB are reached some time");
    }
    refused(&mut one, fill, Code::LimitReached, "max_storage_bytes");
    check(&mut one, "RETURN 1", "1");
    run(&mut one, "MATCH (n) DELETE n").expect("less is always fine");
    run(&mut one, fill).expect("there is room again");
}

#[test]
fn f51_time_ends_whatever_the_operator() {
    let instance = in_memory();
    let mut one = session(&instance);
    limit(&mut one, "max_query_time = 200ms");
    for text in [
        "UNWIND range(1, 1000000000) AS n RETURN count(n)",
        "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b WITH a, b ORDER BY a * b RETURN count(*)",
        "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN a % 7 AS k, collect(b)[0]",
    ] {
        let failure = refused(&mut one, text, Code::TransactionTimedOut, "max_query_time");
        assert!(failure.message().contains("is 200ms, and the statement has run for 2"), "{failure}");
        let used = failure.refusal().expect("it is one").used;
        assert!((200..300).contains(&used), "{used} ms");
    }
    // A client may ask for less, never for more.
    let longer = RunOptions { timeout: Some(Duration::from_secs(60)), ..RunOptions::default() };
    let text = "UNWIND range(1, 1000000000) AS n RETURN count(n)";
    let ended = one.run(text, Map::new(), &longer).and_then(|mut records| take(&mut records));
    assert_eq!(ended.expect_err("the limit holds").code(), Code::TransactionTimedOut);
    let shorter = RunOptions { timeout: Some(Duration::from_millis(20)), ..RunOptions::default() };
    let ended = one.run(text, Map::new(), &shorter).and_then(|mut records| take(&mut records));
    assert_eq!(ended.expect_err("the client's own").code(), Code::TransactionTimedOutClient);
    // In a transaction each statement has the limit too.
    one.begin(&longer).expect("begins");
    assert_eq!(code(run(&mut one, text)), Some(Code::TransactionTimedOut));
}

#[test]
fn f51_a_transaction_whose_time_is_over_is_not_committed() {
    let instance = in_memory();
    let mut one = session(&instance);
    let begin = |one: &mut Session, millis| {
        let options = RunOptions { timeout: Some(Duration::from_millis(millis)), ..RunOptions::default() };
        one.begin(&options).expect("begins");
        run(one, "CREATE (:Late)").expect("in time");
    };
    begin(&mut one, 100);
    std::thread::sleep(Duration::from_millis(110));
    assert_eq!(one.commit().expect_err("too late").code(), Code::TransactionTimedOutClient);
    check(&mut one, "MATCH (n) RETURN count(n)", "0");
    begin(&mut one, 60_000);
    one.commit().expect("in time");
    check(&mut one, "MATCH (n) RETURN count(n)", "1");
}

#[test]
fn f51_memory_is_bounded() {
    let instance = in_memory();
    let mut one = session(&instance);
    limit(&mut one, "max_query_memory = 1MB");
    let text = "UNWIND range(1, 1000000) AS n RETURN size(collect(n))";
    let failure = refused(&mut one, text, Code::MemoryLimit, "max_query_memory");
    assert!(failure.message().contains("database 'sheaf'"), "{failure}");
    // What is written is held until the commit, over the statements of a transaction too; batches hold one batch.
    for text in [
        "UNWIND range(1, 1000000) AS n CREATE (:N)",
        "UNWIND range(1, 1000000) AS n MERGE (:N {n: n})",
        "FOREACH (n IN range(1, 20000) | CREATE (:N))",
        "CREATE (n:N) WITH n UNWIND range(1, 100000) AS x SET n.x = x",
        "CREATE (n:N) WITH n UNWIND range(1, 100000) AS x SET n += {x: x}",
        "CREATE (n:N) WITH n UNWIND range(1, 100000) AS x SET n:A REMOVE n:A",
    ] {
        refused(&mut one, text, Code::MemoryLimit, "max_query_memory");
    }
    check(&mut one, "MATCH (n:N) RETURN count(n)", "0");
    one.begin(&RunOptions::default()).expect("begins");
    let again = (0..100).map(|_| run(&mut one, "UNWIND range(1, 1000) AS n CREATE (:N)")).find(Result::is_err);
    assert_eq!(again.map(code), Some(Some(Code::MemoryLimit)));
    one.rollback().expect("is open");
    run(&mut one, "UNWIND range(1, 20000) AS n CALL (n) { CREATE (:N) } IN TRANSACTIONS OF 1000 ROWS")
        .expect("in batches");
    refused(&mut one, "MATCH (n:N) DELETE n", Code::MemoryLimit, "max_query_memory");
    run(&mut one, "MATCH (n:N) CALL (n) { DELETE n } IN TRANSACTIONS OF 1000 ROWS").expect("in batches");
    check(&mut one, "ALTER DATABASE sheaf REMOVE LIMIT max_query_memory", SYSTEM);
    check(&mut one, text, "1000000");
}

#[test]
fn f52_results_are_cut_off_or_refused() {
    let instance = in_memory();
    let mut one = session(&instance);
    limit(&mut one, "max_results = 5");
    for text in ["UNWIND range(1, 100000) AS n RETURN n", "UNWIND range(1, 9) AS n CREATE (a:A {n: n}) RETURN a.n"] {
        let mut records = one.run(text, Map::new(), &RunOptions::default()).expect("runs");
        let (rows, summary) = take(&mut records).expect("is cut off");
        assert_eq!((rows.len(), summary.truncated), (5, true), "{text}");
        let told = summary.notifications.iter().map(|told| told.description.as_str()).collect::<Vec<_>>().join("; ");
        assert_eq!(told, "The limit max_results of database 'sheaf' is 5, and the statement gave more rows.");
    }
    check(&mut one, "MATCH (a:A) RETURN count(a)", "9");
    let mut records = one.run("UNWIND range(1, 5) AS n RETURN n", Map::new(), &RunOptions::default()).expect("runs");
    let (rows, summary) = take(&mut records).expect("fits");
    assert_eq!((rows.len(), summary.truncated, summary.notifications.len()), (5, false, 0));
    limit(&mut one, "max_results_policy = fail");
    refused(&mut one, "UNWIND range(1, 6) AS n RETURN n", Code::ResultsLimit, "max_results");
    refused(&mut one, "UNWIND range(1, 6) AS n CREATE (b:B) RETURN n", Code::ResultsLimit, "max_results");
    check(&mut one, "MATCH (b:B) RETURN count(b)", "0");
}

#[test]
fn f53_concurrent_statements_wait_and_then_fail() {
    let mut options = world::options(std::path::Path::new("/nowhere"));
    options.waiting_time_max = Duration::from_millis(100);
    let instance = Instance::in_memory(options).expect("memory has room");
    let mut one = session(&instance);
    limit(&mut one, "max_concurrent_queries = 1");
    let mut slow = one.run("UNWIND range(1, 10000) AS n RETURN n", Map::new(), &RunOptions::default()).expect("runs");
    let mut fetched = Fetched::default();
    assert_eq!(slow.pull(10, &mut fetched).expect("rows"), More::Yes);
    let mut other = session(&instance);
    let failure = refused(&mut other, "RETURN 1", Code::TooManyTransactions, "max_concurrent_queries");
    assert!(failure.refusal().is_some_and(|refusal| refusal.retry_after.is_some()), "{failure}");
    // Commands on system are not statements of the database.
    check(&mut other, "SHOW USAGE FOR DATABASE sheaf YIELD runningStatements, waitingStatements", "1 | 0");
    // The line moves when the result ends, also by being dropped.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| run(&mut other, "RETURN 1"));
        drop(slow);
        assert_eq!(waiting.join().expect("no panic").expect("it is let in"), "1");
    });
    let shown = "SHOW USAGE FOR DATABASE sheaf YIELD runningStatements, runningStatementsPeak, rejectionsByLimit";
    check(&mut one, shown, "0 | 1 | {max_concurrent_queries: 1}");
}

#[test]
fn f53_f63_a_wait_is_told_while_it_lasts() {
    let instance = in_memory();
    let mut one = session(&instance);
    limit(&mut one, "max_concurrent_queries = 1");
    let slow = one.run("UNWIND range(1, 10000) AS n RETURN n", Map::new(), &RunOptions::default()).expect("runs");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| run(&mut session(&instance), "RETURN 1"));
        let mut other = session(&instance);
        let long = "SHOW TRANSACTIONS YIELD status, waitTime, currentQueryWaitTime, idleTime, elapsedTime \
                    WHERE status = 'Blocked' AND elapsedTime.milliseconds >= 50 \
                    RETURN waitTime.milliseconds >= 45, currentQueryWaitTime.milliseconds >= 45, idleTime.milliseconds < 45";
        let told = loop {
            let told = run(&mut other, long).expect("shows");
            if !told.is_empty() {
                break told;
            }
            std::thread::yield_now();
        };
        drop(slow);
        assert_eq!(waiting.join().expect("no panic").expect("it is let in"), "1");
        assert_eq!(told, "true | true | true");
    });
}

#[test]
fn f53_a_limit_that_changes_bites_at_once() {
    let instance = in_memory();
    let mut one = session(&instance);
    limit(&mut one, "max_concurrent_queries = 1");
    let slow = one.run("UNWIND range(1, 10000) AS n RETURN n", Map::new(), &RunOptions::default()).expect("runs");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| run(&mut session(&instance), "RETURN 1"));
        let mut other = session(&instance);
        while run(&mut other, "SHOW USAGE YIELD waitingStatements").expect("shows") != "1" {
            std::thread::yield_now();
        }
        limit(&mut other, "max_concurrent_queries = 2");
        assert_eq!(waiting.join().expect("no panic").expect("it is let in"), "1");
    });
    drop(slow);
}

#[test]
fn f51_a_time_that_is_lowered_ends_what_runs() {
    let instance = in_memory();
    std::thread::scope(|scope| {
        let running =
            scope.spawn(|| run(&mut session(&instance), "UNWIND range(1, 100000000000) AS n RETURN count(n)"));
        let mut other = session(&instance);
        let listed = "SHOW TRANSACTIONS YIELD currentQuery WHERE currentQuery STARTS WITH 'UNWIND'";
        while run(&mut other, listed).expect("shows").is_empty() {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(150));
        limit(&mut other, "max_query_time = 1ms");
        assert_eq!(code(running.join().expect("no panic")), Some(Code::TransactionTimedOut));
    });
}

#[test]
fn f51_a_constraint_whose_statement_is_over_is_not_made() {
    let instance = in_memory();
    let mut one = session(&instance);
    run(&mut one, "UNWIND range(1, 200000) AS x CREATE (:N {x: x, s: toString(x)})").expect("room");
    for rule in ["n.x IS UNIQUE", "n.x IS NOT NULL", "n.s IS :: STRING", "(n.x, n.s) IS NODE KEY"] {
        limit(&mut one, "max_query_time = 20ms");
        refused(
            &mut one,
            &format!("CREATE CONSTRAINT c FOR (n:N) REQUIRE {rule}"),
            Code::TransactionTimedOut,
            "max_query_time",
        );
        check(&mut one, "ALTER DATABASE sheaf REMOVE LIMIT max_query_time", SYSTEM);
        check(&mut one, "SHOW CONSTRAINTS YIELD name", "");
        check(&mut one, "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP'", "");
    }
    // It is not there later either.
    check(&mut one, "CREATE (:N {x: 1, s: 1})", "[nodes+ 1, properties 2, labels+ 1]");
    check(&mut one, "CREATE CONSTRAINT c FOR (n:N) REQUIRE n.x IS NOT NULL", "");
    check(&mut one, "SHOW CONSTRAINTS YIELD name", "'c'");
}

#[test]
fn f56_what_cannot_run_counts_too() {
    let instance = in_memory();
    let mut one = session(&instance);
    limit(&mut one, "max_queries_per_second = 1, max_queries_burst = 3");
    for text in ["BOGUS", "MATCH (n) RETURN m", "RETURN 1"] {
        assert!(!matches!(run(&mut one, text), Err(failure) if failure.code() == Code::RateLimited), "{text}");
    }
    for text in ["BOGUS", "MATCH (n) RETURN m", "RETURN 1"] {
        refused(&mut one, text, Code::RateLimited, "max_queries_per_second");
    }
}

#[test]
fn f56_rates_are_bounded_with_a_burst() {
    let instance = in_memory();
    let mut one = session(&instance);
    limit(&mut one, "max_queries_per_second = 1, max_queries_burst = 3");
    for _ in 0..3 {
        check(&mut one, "RETURN 1", "1");
    }
    let failure = refused(&mut one, "RETURN 1", Code::RateLimited, "max_queries_per_second");
    let retry_after = failure.refusal().and_then(|refusal| refusal.retry_after).expect("it says when");
    assert!(retry_after <= Duration::from_secs(1), "{retry_after:?}");
    assert!(failure.code().row().retry && failure.code().row().neo4j.contains("TransientError"));
    // What takes the limit away always works: commands are not bounded by it.
    check(&mut one, "ALTER DATABASE sheaf REMOVE LIMIT max_queries_per_second", SYSTEM);
    check(&mut one, "RETURN 1", "1");
}

#[test]
fn f56_a_burst_below_a_seconds_worth_is_what_is_told() {
    let instance = in_memory();
    let mut one = session(&instance);
    limit(&mut one, "max_queries_per_second = 5, max_queries_burst = 2");
    check(&mut one, "RETURN 1", "1");
    check(&mut one, "RETURN 1", "1");
    let failure = refused(&mut one, "RETURN 1", Code::RateLimited, "max_queries_burst");
    let refusal = failure.refusal().expect("a limit is in the way");
    assert_eq!((refusal.max, refusal.used), (2, 2), "{failure}");
    let quota = instance.quota("sheaf").expect("it is bounded");
    assert!(quota.limit == 2 && quota.remaining < 2, "{quota:?}");
}

#[test]
fn f57_what_is_only_explained_is_no_write() {
    let instance = in_memory();
    let mut one = session(&instance);
    limit(&mut one, "max_writes_per_second = 1");
    for _ in 0..3 {
        run(&mut one, "EXPLAIN CREATE (:A)").expect("it writes nothing");
    }
    check(&mut one, "CREATE (:A)", "[nodes+ 1, labels+ 1]");
    refused(&mut one, "CREATE (:A)", Code::RateLimited, "max_writes_per_second");
}

#[test]
fn f46_one_command_says_each_limit_once() {
    let instance = in_memory();
    let mut one = session(&instance);
    for twice in ["max_nodes = 1, max_nodes = 2", "max_storage_bytes = 1GB, max_bytes = 2GB"] {
        let failure = run(&mut one, &format!("ALTER DATABASE sheaf SET LIMIT {twice}")).expect_err("which of them?");
        assert!(failure.message().ends_with("is named twice."), "{failure}");
    }
    limit(&mut one, "max_query_time = 1h30m, max_bytes = 1.5GiB");
    check(
        &mut one,
        "SHOW LIMITS FOR DATABASE sheaf YIELD limit, value WHERE value > 0 AND limit IN ['max_query_time', 'max_storage_bytes'] \
         RETURN value",
        "1610612736\n5400000",
    );
}

#[test]
fn f57_writes_are_bounded_by_what_the_plan_does() {
    let instance = in_memory();
    let mut one = session(&instance);
    limit(&mut one, "max_writes_per_second = 1");
    check(&mut one, "MATCH (n) RETURN count(n)", "0");
    check(&mut one, "/* MATCH */ FOREACH (x IN [1] | CREATE (:A))", "[nodes+ 1, labels+ 1]");
    check(&mut one, "RETURN 'CREATE'", "'CREATE'");
    refused(&mut one, "MATCH (a:A) SET a.x = 1", Code::RateLimited, "max_writes_per_second");
    refused(&mut one, "CREATE INDEX FOR (a:A) ON (a.x)", Code::RateLimited, "max_writes_per_second");
    check(&mut one, "MATCH (a:A) RETURN a.x", "null");
    // Counted by rows, a large write is paid for afterwards.
    limit(&mut one, "max_writes_per_second = 10, max_writes_counted = row");
    std::thread::sleep(Duration::from_millis(150));
    check(&mut one, "UNWIND range(1, 30) AS n CREATE (:B)", "[nodes+ 30, labels+ 30]");
    let failure = refused(&mut one, "CREATE (:B)", Code::RateLimited, "max_writes_per_second");
    let retry_after = failure.refusal().and_then(|refusal| refusal.retry_after).expect("it says when");
    assert!(retry_after > Duration::from_secs(1), "{retry_after:?}");
}

#[test]
fn f57_changes_of_a_roles_user_are_counted_by_himself() {
    let instance = with_passwords();
    let mut admin = instance.log_in(Some(("admin", "admin-password"))).expect("the first user");
    for text in [
        "CREATE USER bob SET PASSWORD 'bob-password' CHANGE NOT REQUIRED",
        "CREATE ROLE guest",
        "GRANT ROLE guest, publisher TO bob",
        "ALTER ROLE guest SET LIMIT max_writes_per_second = 10, max_writes_counted = row",
        "CREATE (:B)",
    ] {
        run(&mut admin, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    }
    let mut bob = instance.log_in(Some(("bob", "bob-password"))).expect("the user was made");
    run(&mut bob, "UNWIND range(1, 30) AS n CREATE (:B)").expect("is paid for afterwards");
    refused(&mut bob, "CREATE (:B)", Code::RateLimited, "max_writes_per_second");
    run(&mut admin, "CREATE (:B)").expect("he is not bounded");
}

#[test]
fn f60_usage_is_counted() {
    let instance = in_memory();
    let mut one = session(&instance);
    check(&mut one, "CREATE (:A)-[:R]->(:B)", "[nodes+ 2, relationships+ 1, labels+ 2]");
    check(&mut one, "UNWIND [1, 2, 3] AS n RETURN n", "1\n2\n3");
    assert_eq!(code(run(&mut one, "RETURN 1 / 0")), Some(Code::ArithmeticError));
    let shown = "SHOW USAGE FOR DATABASE sheaf YIELD nodes, relationships, storageBytes, statements, failures, rows, \
                 connections, p99Millis, isOpen RETURN nodes, relationships, storageBytes > 0, statements, failures, rows, \
                 connections, p99Millis > 0, isOpen";
    check(&mut one, shown, "2 | 1 | true | 3 | 1 | 3 | 1 | true | true");
    // What fails before it runs was read and planned here all the same, and its rate is charged for it.
    for text in ["RETUR 1", "RETURN nope", "CALL nix()", "CALL () { USE nixdb RETURN 1 AS x } RETURN x"] {
        run(&mut one, text).expect_err(text);
    }
    check(&mut one, shown, "2 | 1 | true | 7 | 5 | 3 | 1 | true | true");
    let read = RunOptions { access: Access::Read, ..RunOptions::default() };
    one.run("SHOW USAGE", Map::new(), &read).expect("looking needs no right to write");
}

fn with_passwords() -> Instance {
    let mut options = world::options(std::path::Path::new("/nowhere"));
    options.authentication = catalog::Authentication::Password { first: Some("admin-password".to_owned()) };
    options.limits.set(catalog::Limit::MaxResults, Some(3));
    Instance::in_memory(options).expect("memory has room")
}

fn rows(session: &mut Session, text: &str) -> usize {
    run(session, text).expect("runs").lines().count()
}

#[test]
fn f59_the_database_wins_over_the_role_and_that_over_the_server() {
    let instance = with_passwords();
    let mut admin = instance.log_in(Some(("admin", "admin-password"))).expect("the first user");
    let five = "UNWIND [1, 2, 3, 4, 5] AS n RETURN n";
    assert_eq!(rows(&mut admin, five), 3, "the server's default");
    for text in [
        "CREATE USER bob SET PASSWORD 'bob-password' CHANGE NOT REQUIRED",
        "CREATE ROLE guest",
        "CREATE ROLE friend",
        "GRANT ROLE guest, reader TO bob",
        "ALTER ROLE guest SET LIMIT max_results = 2, max_queries_per_second = 100, max_concurrent_queries = 1",
    ] {
        run(&mut admin, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    }
    let mut bob = instance.log_in(Some(("bob", "bob-password"))).expect("the user was made");
    assert_eq!((rows(&mut bob, five), rows(&mut admin, five)), (2, 3), "the role's value, for its users alone");
    // One user of a role is bounded by himself.
    let slow = bob.run("UNWIND range(1, 10000) AS n RETURN n", Map::new(), &RunOptions::default()).expect("runs");
    run(&mut admin, "RETURN 1").expect("others go on");
    drop(slow);
    run(&mut admin, "ALTER ROLE friend SET LIMIT max_results = 4").expect("is set");
    run(&mut admin, "GRANT ROLE friend TO bob").expect("is granted");
    assert_eq!(rows(&mut bob, five), 4, "of several roles the most generous");
    run(&mut admin, "ALTER DATABASE sheaf SET LIMIT max_results = 1").expect("is set");
    assert_eq!((rows(&mut bob, five), rows(&mut admin, five)), (1, 1), "the database's own");
    run(&mut admin, "ALTER DATABASE sheaf SET LIMIT max_results = 0").expect("is set");
    assert_eq!((rows(&mut bob, five), rows(&mut admin, five)), (5, 5), "which may be none");
    // Who may not manage limits neither sets nor lists them.
    for text in ["ALTER DATABASE sheaf SET LIMIT max_results = 9", "ALTER ROLE guest REMOVE LIMIT max_results"] {
        assert_eq!(code(run(&mut bob, text)), Some(Code::Forbidden), "{text}");
    }
}

#[test]
fn f59_a_refusal_says_whose_limit_it_is() {
    let instance = with_passwords();
    let mut admin = instance.log_in(Some(("admin", "admin-password"))).expect("the first user");
    let long = "UNWIND range(1, 1000000000) AS n WITH n WHERE n < 0 RETURN count(n)";
    let much = "UNWIND range(1, 1000000) AS n RETURN size(collect(n))";
    for text in [
        "CREATE USER bob SET PASSWORD 'bob-password' CHANGE NOT REQUIRED",
        "CREATE ROLE guest",
        // It is called as the database is.
        "CREATE ROLE sheaf",
        "GRANT ROLE guest, sheaf, publisher TO bob",
        "CREATE ALIAS films FOR DATABASE sheaf",
        "ALTER ROLE guest SET LIMIT max_query_time = 50ms, max_results = 1, max_results_policy = fail, max_query_memory = 1MB",
        "ALTER ROLE sheaf SET LIMIT max_results = 2, max_connections_per_user = 1, max_writes_per_second = 1",
        "ALTER DATABASE sheaf SET LIMIT max_nodes = 1",
    ] {
        run(&mut admin, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    }
    let log_in = || instance.log_in(Some(("bob", "bob-password"))).expect("the user was made");
    let mut bob = log_in();
    let of_role = |role: &str| types::SetBy::Role(role.into());
    let says = |session: &mut Session, text: &str, limit: &str, set_by: types::SetBy, told: &str| {
        let failure = run(session, text).expect_err("a limit is in the way");
        let refusal = failure.refusal().unwrap_or_else(|| panic!("{failure}"));
        assert_eq!((refusal.limit, &refusal.set_by, refusal.database.as_str()), (limit, &set_by, "sheaf"), "{failure}");
        assert!(failure.message().contains(told), "{failure}");
    };
    let time = "The limit max_query_time of role 'guest' for database 'sheaf' is 50ms, and the statement has run";
    says(&mut bob, long, "max_query_time", of_role("guest"), time);
    let memory = "The limit is max_query_memory of role 'guest' for database 'sheaf'.";
    says(&mut bob, much, "max_query_memory", of_role("guest"), memory);
    // Of two roles the one that is more generous.
    let results = "The limit max_results of role 'sheaf' for database 'sheaf' is 2, 2 are used";
    says(&mut bob, "UNWIND [1, 2, 3] AS n RETURN n", "max_results", of_role("sheaf"), results);
    let connections = "The limit max_connections_per_user of role 'sheaf' for database 'sheaf' is 1, and 1 are used.";
    says(&mut log_in(), "RETURN 1", "max_connections_per_user", of_role("sheaf"), connections);
    check(&mut bob, "CREATE (:A)", "[nodes+ 1, labels+ 1]");
    let writes = "The limit max_writes_per_second of role 'sheaf' for database 'sheaf' is 1, and 1 are used.";
    says(&mut bob, "CREATE (:A)", "max_writes_per_second", of_role("sheaf"), writes);
    let nodes = "The limit max_nodes of database 'sheaf' is 1, 1 are used";
    says(&mut admin, "CREATE (:A)", "max_nodes", types::SetBy::Database, nodes);
    // Who calls the database by an alias is told that, and no role changes its name with it.
    let aliased = RunOptions { database: Some("films".to_owned()), ..RunOptions::default() };
    let failure =
        run_with(&mut bob, "UNWIND [1, 2, 3] AS n RETURN n", Map::new(), &aliased).expect_err("too many rows");
    assert!(failure.message().starts_with("The limit max_results of role 'sheaf' for database "), "{failure}");

    // The server's own, and what tells of it once it only cuts off.
    let mut records = admin.run("UNWIND [1, 2, 3, 4] AS n RETURN n", Map::new(), &RunOptions::default()).expect("runs");
    let (_, summary) = take(&mut records).expect("runs");
    let told = "The limit max_results of the server for database 'sheaf' is 3, and the statement gave more rows.";
    assert_eq!(summary.notifications[0].description, told);
    run(&mut admin, "ALTER DATABASE sheaf SET LIMIT max_results_policy = fail").expect("is set");
    let results = "The limit max_results of the server for database 'sheaf' is 3, 3 are used";
    says(&mut admin, "UNWIND [1, 2, 3, 4] AS n RETURN n", "max_results", types::SetBy::Server, results);

    let counted = instance.metrics();
    for source in ["database", "role", "server"] {
        let limit = if source == "database" { "max_nodes" } else { "max_results" };
        let line = format!(r#"sheaf_database_refusals_total{{database="sheaf",limit="{limit}",source="{source}"}}"#);
        assert!(counted.contains(&line), "{line} in {counted}");
    }
    check(
        &mut admin,
        "SHOW USAGE FOR DATABASE sheaf YIELD rejectionsByLimit AS by RETURN by.max_results, by.max_query_time",
        "3 | 1",
    );
    let lines = "SHOW AUDIT YIELD kind, user, reason WHERE kind = 'refusal' AND user = 'bob' \
                 AND reason CONTAINS 'of role ' RETURN count(*) > 3";
    let is_noted = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        run(&mut admin, lines).expect("lists") == "true"
    });
    assert!(is_noted, "{:?}", run(&mut admin, "SHOW AUDIT YIELD user, reason"));
}

#[test]
fn f58_f63_everybody_sees_how_he_stands() {
    let instance = in_memory();
    let mut one = session(&instance);
    limit(&mut one, "max_queries_per_second = 10, max_nodes = 5");
    check(&mut one, "CREATE (:A)", "[nodes+ 1, labels+ 1]");
    let standing = one.standing(Some("neo4j")).expect("he may use it");
    assert_eq!((standing.database.as_str(), standing.connections), ("sheaf", 1));
    assert_eq!(standing.limits[0], ("max_nodes", 5.into(), Some(1), "database"));
    let quota = standing.queries.expect("it is bounded");
    assert_eq!(quota.limit, 10);
    assert!((9..=10).contains(&quota.remaining), "{quota:?}");
    assert!(one.standing(Some("nobody")).is_err());
    assert_eq!(instance.quota("sheaf").map(|quota| quota.limit), Some(10));
}

#[test]
fn f58_what_is_left_is_told_of_the_databases_that_were_charged() {
    let instance = with_passwords();
    let mut admin = instance.log_in(Some(("admin", "admin-password"))).expect("the first user");
    let left = |session: &Session| match session.charged() {
        Charged::Bounded(quota) => Some((quota.limit, quota.remaining)),
        Charged::Unbounded => Some((0, 0)),
        Charged::Nowhere => None,
    };
    for text in [
        "CREATE DATABASE films",
        "CREATE DATABASE books",
        "ALTER DATABASE films SET LIMIT max_queries_per_second = 1, max_queries_burst = 1000",
        "ALTER DATABASE books SET LIMIT max_queries_per_second = 1, max_queries_burst = 500",
        "CREATE USER bob SET PASSWORD 'bob-password' CHANGE NOT REQUIRED",
        "CREATE ROLE guest",
        "GRANT ROLE guest, reader TO bob",
        "ALTER ROLE guest SET LIMIT max_queries_per_second = 1, max_queries_burst = 50",
    ] {
        run(&mut admin, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
        assert_eq!(left(&admin), None, "commands on no database in particular: {text}");
    }
    run(&mut admin, "RETURN 1").expect("runs");
    assert_eq!(left(&admin), Some((0, 0)), "its own bounds nothing");
    run(&mut admin, "USE films RETURN 1").expect("runs");
    assert_eq!(left(&admin), Some((1_000, 999)));
    let across = "CALL { USE films RETURN 1 AS a } CALL { USE books RETURN 1 AS b } RETURN a, b";
    run(&mut admin, across).expect("runs");
    assert_eq!(left(&admin), Some((500, 499)), "of several the tightest");
    run(&mut admin, "SHOW DATABASES").expect("runs");
    assert_eq!(left(&admin), None);
    // Who has a rate of his own by a role hears of that.
    let mut bob = instance.log_in(Some(("bob", "bob-password"))).expect("the user was made");
    run(&mut bob, "RETURN 1").expect("runs");
    run(&mut bob, "RETURN 1").expect("runs");
    assert_eq!(left(&bob), Some((50, 48)));
    let standing = bob.standing(None).expect("he may use it").queries.expect("his role bounds it");
    assert_eq!(standing.limit, 50);
    run(&mut bob, "RETURN nothing").expect_err("no such variable");
    assert_eq!(left(&bob), Some((50, 47)), "it is counted too");
}

#[test]
fn f46_one_pattern_over_one_long_text_ends_in_time() {
    let instance = in_memory();
    let mut session = session(&instance);
    check(&mut session, "ALTER DATABASE sheaf SET LIMIT max_query_time = '1s'", "[system 1]");
    // Letters in no order, so that hardly any state comes twice; with one that only the slow way reads, and without it.
    let text = |letters: [char; 8]| -> String {
        let mut random = 7_u32;
        let next = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            letters[(random >> 29) as usize]
        };
        std::iter::repeat_with(next).take(50_000_000).collect()
    };
    let tries = [
        (text(['a', 'b', 'c', 'ö', ' ', 'a', 'b', 'o']), r"(?s).*\ba.{25}x"),
        (text(['a', 'b', 'c', 'd', ' ', 'a', 'b', 'o']), "(?s)(.*a.{40}b){10}x"),
    ];
    for (text, pattern) in tries {
        let parameters = Map::from_iter([("text".into(), Value::string(text)), ("pattern".into(), pattern.into())]);
        let begun = SystemClock.now();
        let ran = run_with(&mut session, "RETURN $text =~ $pattern", parameters, &RunOptions::default());
        let took = SystemClock.now().duration_since(begun);
        let failure = ran.expect_err("it takes far longer");
        assert_eq!(failure.code(), Code::TransactionTimedOut, "{pattern}: {failure}");
        assert!(took < Duration::from_millis(1_500), "{pattern} took {took:?}");
    }
    // One that is read once is through in time.
    let text = Value::string(format!("{}x", "größe, and more of it. ".repeat(200_000)));
    let parameters = Map::from_iter([("text".into(), text)]);
    let ran = run_with(&mut session, "RETURN $text =~ '(?s).*more.*x'", parameters, &RunOptions::default());
    assert_eq!(ran.expect("is through"), "true");
}

#[test]
fn f51_the_time_of_a_statement_is_not_that_of_its_transaction() {
    let instance = in_memory();
    let mut one = session(&instance);
    run(&mut one, "ALTER DATABASE sheaf SET LIMIT max_query_time = 300ms").expect("is set");
    one.begin(&RunOptions::default()).expect("begins");
    run(&mut one, "CREATE (:Slow)").expect("runs");
    std::thread::sleep(Duration::from_millis(400));
    run(&mut one, "CREATE (:Slow)").expect("each statement has its own time");
    let failure = run(&mut one, "UNWIND range(1, 1000000000) AS n RETURN count(n)").expect_err("takes longer");
    assert_eq!(failure.code(), Code::TransactionTimedOut, "{failure}");
    assert!(failure.message().contains("max_query_time"), "{failure}");
    std::thread::sleep(Duration::from_millis(400));
    one.commit().expect("its statements were in time");
    check(&mut one, "MATCH (n:Slow) RETURN count(n)", "2");
}

#[test]
fn f51_f52_f53_large_rows_belong_to_their_statement_until_they_are_sent() {
    let instance = in_memory();
    let [mut slow, mut other] = [session(&instance), session(&instance)];
    let held = "CALL dbms.listPools() YIELD pool, heapMemoryUsedBytes AS used WHERE pool = 'Statements' \
                RETURN toInteger(used) >= 2000000 AS much";
    let listed = "SHOW TRANSACTIONS YIELD currentQuery WHERE currentQuery STARTS WITH 'UNWIND' RETURN count(*)";
    let running = "SHOW USAGE FOR DATABASE sheaf YIELD runningStatements";
    let text = "UNWIND range(1, 3) AS y RETURN [x IN range(1, 100000) | x + y] AS l";
    let mut rows = slow.run(text, Map::new(), &RunOptions::default()).expect("runs");
    for _ in 0..3 {
        let mut fetched = Fetched::default();
        assert_eq!(rows.pull(1_000, &mut fetched).expect("has rows"), More::Yes);
        assert_eq!(fetched.len(), 1, "a large one comes alone");
        // The last one, too, while nobody has asked for what comes after it.
        check(&mut other, listed, "1");
        check(&mut other, running, "1");
        check(&mut other, held, "true");
    }
    assert_eq!(rows.pull(1_000, &mut Fetched::default()).expect("all came"), More::No);
    for (text, expected) in [(listed, "0"), (running, "0"), (held, "false")] {
        check(&mut other, text, expected);
    }
    // It ends within its last row as within any other.
    check(&mut other, "ALTER DATABASE sheaf SET LIMIT max_query_time = 3s", SYSTEM);
    let mut rows = slow.run(text, Map::new(), &RunOptions::default()).expect("runs");
    (0..3).for_each(|_| _ = rows.pull(1_000, &mut Fetched::default()).expect("has rows"));
    std::thread::sleep(Duration::from_millis(3_100));
    assert!(!rows.is_ended());
    instance.end_unattended();
    assert!(rows.is_ended());
    check(&mut other, running, "0");
    check(&mut other, held, "false");
    check(&mut other, "ALTER DATABASE sheaf REMOVE LIMIT max_query_time", SYSTEM);
    // What a write returns is there at once; it is counted for as long.
    let text = "UNWIND range(1, 3) AS y CREATE (:N) RETURN [x IN range(1, 100000) | x + y] AS l";
    let mut rows = slow.run(text, Map::new(), &RunOptions::default()).expect("runs");
    assert_eq!(rows.pull(1, &mut Fetched::default()).expect("has rows"), More::Yes);
    check(&mut other, held, "true");
    drop(rows);
    check(&mut other, held, "false");
}

#[test]
fn f51_f53_a_result_that_nobody_fetches_ends_with_its_time() {
    let instance = in_memory();
    let [mut idle, mut other] = [session(&instance), session(&instance)];
    run(&mut other, "ALTER DATABASE sheaf SET LIMIT max_query_time = 200ms, max_concurrent_queries = 1")
        .expect("is set");
    let text = "UNWIND range(1, 1000000000) AS n RETURN n";
    for in_transaction in [false, true] {
        if in_transaction {
            idle.begin(&RunOptions::default()).expect("begins");
        }
        let mut half_read = idle.run(text, Map::new(), &RunOptions::default()).expect("runs");
        half_read.pull(10, &mut Fetched::default()).expect("has rows");
        std::thread::sleep(Duration::from_millis(300));
        instance.end_unattended();
        check(&mut other, "RETURN 1", "1");
        let failure = half_read.pull(10, &mut Fetched::default()).expect_err("its time is over");
        assert_eq!(failure.code(), Code::TransactionTimedOut, "{failure}");
        idle.reset();
    }
    let options = RunOptions { timeout: Some(Duration::from_millis(50)), ..RunOptions::default() };
    idle.begin(&options).expect("begins");
    run(&mut idle, "CREATE (:Left)").expect("runs");
    std::thread::sleep(Duration::from_millis(60));
    instance.end_unattended();
    let failure = idle.commit().expect_err("it was left open for too long");
    assert_eq!(failure.code(), Code::TransactionTimedOutClient, "{failure}");
}

/// A condition of so many alternatives, each of which asks for names that nothing has.
fn alternatives(count: usize) -> String {
    let all: Vec<String> = (0..count).map(|at| format!("n.a{at} = 1 AND n.b{at} = 2")).collect();
    format!("MATCH (n) WHERE {} RETURN count(*)", all.join(" OR "))
}

#[test]
fn f51_a_plan_takes_as_long_as_its_text_and_ends_with_its_time() {
    let instance = in_memory();
    let mut one = session(&instance);
    let time = |session: &mut Session, count: usize| {
        let text = alternatives(count);
        let begun = SystemClock.now();
        check(session, &text, "0");
        SystemClock.now().duration_since(begun)
    };
    time(&mut one, 1_000);
    let (few, many) = (time(&mut one, 2_000), time(&mut one, 32_000));
    // Sixteen times as long, where the square would be 256 times.
    assert!(many < few * 64, "{few:?} for 2,000 alternatives and {many:?} for 32,000");
    limit(&mut one, "max_query_time = 50ms");
    let text = alternatives(200_000);
    let parsed = SystemClock.now();
    cypher::parse(&text).expect("it is well formed");
    let parsed = SystemClock.now().duration_since(parsed);
    let begun = SystemClock.now();
    refused(&mut one, &text, Code::TransactionTimedOut, "max_query_time");
    let spent = SystemClock.now().duration_since(begun);
    assert!(spent < parsed / 2 + Duration::from_millis(150), "{spent:?}, where {parsed:?} are needed to read it");
}

#[test]
fn f46_a_literal_says_of_a_limit_what_a_parameter_says() {
    let instance = in_memory();
    let mut one = session(&instance);
    let limits =
        "SHOW LIMITS FOR DATABASE sheaf YIELD `limit`, value, source WHERE source = 'database' RETURN `limit`, value";
    limit(&mut one, "max_nodes = 3, max_query_time = duration('PT1M')");
    check(&mut one, limits, "'max_nodes' | 3\n'max_query_time' | 60000");
    limit(&mut one, "max_nodes = null, max_query_time = Duration('PT2M')");
    check(&mut one, limits, "'max_query_time' | 120000");
    limit(&mut one, "max_query_time = NULL");
    check(&mut one, limits, "");
    for bad in ["max_nodes = duration('PT1M')", "max_query_time = duration('soon')", "max_query_time = duration(1)"] {
        run(&mut one, &format!("ALTER DATABASE sheaf SET LIMIT {bad}")).expect_err(bad);
    }
}
