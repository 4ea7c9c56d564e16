//! `CALL { } IN TRANSACTIONS`: batches that commit on their own, whatever becomes of the rest.

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use instance::{Access, Instance, InstanceOptions, RunOptions};
use types::{Code, Map};
use world::{check, failed, in_memory, on_disk, options, run, run_with, session, together};

#[test]
fn only_a_lone_statement_has_them() {
    let instance = in_memory();
    let mut session = session(&instance);
    session.begin(&RunOptions::default()).expect("begins");
    let failure = run(&mut session, "UNWIND [1] AS x CALL (x) { CREATE (:N) } IN TRANSACTIONS").expect_err("refused");
    assert_eq!(failure.code(), Code::ImplicitTransactionRequired);
    assert!(failure.message().contains("can only be executed in an implicit transaction"), "{failure}");
    // Its plan can be looked at all the same.
    run(&mut session, "EXPLAIN UNWIND [1] AS x CALL (x) { CREATE (:N) } IN TRANSACTIONS").expect("runs nothing");
    session.rollback().expect("rolls back");
    check(&mut session, "MATCH (n:N) RETURN count(n)", "0");
}

#[test]
fn a_session_that_reads_has_none_that_write() {
    let instance = in_memory();
    let mut session = session(&instance);
    let reads = RunOptions { access: Access::Read, ..RunOptions::default() };
    let write = "UNWIND [1] AS x CALL (x) { CREATE (:N) } IN TRANSACTIONS";
    let failure = run_with(&mut session, write, Map::new(), &reads).expect_err("refused");
    assert_eq!(failure.code(), Code::WriteInReadMode);
    let read = "UNWIND [1, 2] AS x CALL (x) { MATCH (n) RETURN count(n) AS n } IN TRANSACTIONS RETURN x, n";
    assert_eq!(run_with(&mut session, read, Map::new(), &reads).expect("reads"), "1 | 0\n2 | 0");
}

/// Rows go by in batches, so that their number does not matter.
#[test]
fn a_million_rows_need_little_memory() {
    let small = InstanceOptions { statement_memory_max_bytes: 4 << 20, ..options("/nowhere".as_ref()) };
    let instance = Instance::in_memory(small).expect("memory has room");
    let mut session = session(&instance);
    check(&mut session, "CREATE (:Counter {n: 0})", "[nodes+ 1, properties 1, labels+ 1]");
    let text = "UNWIND range(1, 1000000) AS x CALL (x) { WITH x WHERE x % 50000 = 0 MATCH (c:Counter) \
                SET c.n = c.n + 1 } IN TRANSACTIONS OF 20000 ROWS";
    check(&mut session, text, "[properties 20]");
    check(&mut session, "MATCH (c:Counter) RETURN c.n", "20");
    let all_at_once = "UNWIND range(1, 200000) AS x CREATE (:N {x: x}) RETURN collect(x) AS all";
    let failure = run(&mut session, all_at_once).expect_err("is more than the statement may hold");
    assert_eq!(failure.code(), Code::MemoryLimit);
}

/// The file grows again and again while batches commit, and no snapshot of the statement itself is in the way.
#[test]
fn files_grow_between_batches() {
    let data = tempfile::tempdir().expect("a folder");
    let small = InstanceOptions { map_start_bytes: 1 << 20, ..options(data.path()) };
    let instance = Instance::open(small).expect("the folder is the test's own");
    let mut session = session(&instance);
    let text = "UNWIND range(1, 30000) AS x CALL (x) { CREATE (:N {x: x, text: 'some text that takes room ' + x}) } \
                IN TRANSACTIONS OF 1000 ROWS";
    check(&mut session, text, "[nodes+ 30000, properties 60000, labels+ 30000]");
    let grown = "MATCH (n:N) CALL (n) { SET n.text = n.text + n.text } IN TRANSACTIONS OF 3000 ROWS RETURN count(*)";
    check(&mut session, grown, "30000\n[properties 30000]");
    let gone = "MATCH (n:N) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS";
    check(&mut session, gone, "[nodes- 30000]");
    check(&mut session, "MATCH (n) RETURN count(n)", "0");
}

#[test]
fn an_interrupt_ends_it_between_rows_and_keeps_whole_batches() {
    let instance = in_memory();
    let mut first = session(&instance);
    let interrupter = first.interrupter();
    let is_over = Arc::new(AtomicBool::new(false));
    let watcher = {
        let (mut second, is_over) = (session(&instance), Arc::clone(&is_over));
        std::thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                let done = run(&mut second, "MATCH (n:N) RETURN count(n) > 300").expect("reads");
                if done == "true" {
                    interrupter.interrupt();
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        })
    };
    let text = "UNWIND range(1, 100000000) AS x CALL (x) { CREATE (:N) } IN TRANSACTIONS OF 100 ROWS \
                ON ERROR CONTINUE";
    let failure = run(&mut first, text).expect_err("is interrupted");
    is_over.store(true, Ordering::Relaxed);
    watcher.join().expect("the watcher does not panic");
    assert_eq!(failure.code(), Code::TransactionTerminated);
    first.reset();
    check(&mut first, "MATCH (n:N) RETURN count(n) % 100, count(n) > 300", "0 | true");
}

#[test]
fn batches_that_meet_others_run_again() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    check(&mut session(&instance), "CREATE (:Counter {n: 0})", "[nodes+ 1, properties 1, labels+ 1]");
    together(&instance, 4, |_, session| {
        let text =
            "UNWIND range(1, 50) AS x CALL (x) { MATCH (c:Counter) SET c.n = c.n + 1 } IN TRANSACTIONS OF 5 ROWS";
        run(session, text).expect("a batch that came second runs again");
    });
    check(&mut session(&instance), "MATCH (c:Counter) RETURN c.n", "200");
}

#[test]
fn what_is_read_of_another_database_stays_as_it_was() {
    let instance = in_memory();
    let mut session = session(&instance);
    check(&mut session, "CREATE DATABASE other", "[system 1]");
    check(&mut session, "USE other UNWIND [1, 2, 3] AS k CREATE (:K {k: k})", "[nodes+ 3, properties 3, labels+ 3]");
    let text = "MATCH (k:K) IN DATABASE other CALL (k) { CREATE (:Copy {k: k.k}) } IN TRANSACTIONS OF 2 ROWS \
                RETURN count(k)";
    check(&mut session, text, "3\n[nodes+ 3, properties 3, labels+ 3]");
    check(&mut session, "MATCH (c:Copy) RETURN collect(c.k)", "[1, 2, 3]");
}

#[test]
fn a_profile_adds_up_over_batches() {
    let instance = in_memory();
    let mut session = session(&instance);
    let text = "PROFILE UNWIND range(1, 10) AS x CALL (x) { CREATE (:N {x: x}) } IN TRANSACTIONS OF 3 ROWS";
    let mut records = session.run(text, Map::new(), &RunOptions::default()).map_err(|failure| failed(&failure));
    let plan = records.as_mut().expect("runs").summary().plan.expect("it is asked for");
    let profile = plan.children[0].children[1].profile.expect("it was measured");
    assert_eq!((plan.children[0].operator.as_str(), profile.rows), ("TransactionForeach", 10));
    assert!(profile.db_hits >= 10, "{profile:?}");
}

#[test]
fn f62_a_batch_that_is_refused_and_passed_over_is_counted_and_noted() {
    let instance = in_memory();
    let mut one = session(&instance);
    check(&mut one, "ALTER DATABASE sheaf SET LIMIT max_nodes = 2", "[system 1]");
    let batches = |on_error: &str| {
        format!(
            "UNWIND range(1, 5) AS i CALL (i) {{ CREATE (:X) }} IN TRANSACTIONS OF 1 ROW ON ERROR {on_error} \
             REPORT STATUS AS s RETURN s.committed, s.errorMessage"
        )
    };
    let text = "'The limit max_nodes of database 'sheaf' is 2, 2 are used, and 1 more is wanted.'";
    let said = run(&mut one, &batches("CONTINUE")).expect("goes on");
    assert_eq!(
        said.replace('"', "'"),
        format!("true | null\ntrue | null{}\n[nodes+ 2, labels+ 2]", format!("\nfalse | {text}").repeat(3))
    );
    check(&mut one, "SHOW USAGE FOR DATABASE sheaf YIELD rejections", "3");
    run(&mut one, &batches("BREAK")).expect("goes on");
    check(&mut one, "SHOW USAGE FOR DATABASE sheaf YIELD rejections", "4");
    run(&mut one, &batches("FAIL").replace("REPORT STATUS AS s RETURN s.committed, s.errorMessage", ""))
        .expect_err("fails");
    check(&mut one, "SHOW USAGE FOR DATABASE sheaf YIELD rejections", "5");
    let noted = "SHOW AUDIT YIELD kind, databases, operation WHERE kind = 'refusal' \
                 RETURN DISTINCT databases, left(operation, 25)";
    let mut listed = String::new();
    for _ in 0..100 {
        listed = run(&mut one, noted).expect("lists");
        if !listed.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(listed, "['sheaf'] | 'UNWIND range(1, 5) AS i C'");
}
