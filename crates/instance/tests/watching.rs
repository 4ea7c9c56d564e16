//! What a server tells of the statements that run on it: what they spend, while they do.

mod world;

use std::time::Duration;

use instance::{RunOptions, Session};
use types::{Code, Map};
use world::{check, in_memory, run, run_with, session};

/// How long something may take that a busy machine does.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until the answer is yes.
fn until(session: &mut Session, text: &str) {
    let asked = now();
    while run(session, text).unwrap_or_else(|failure| panic!("{text}: {failure}")) != "true" {
        assert!(now().saturating_duration_since(asked) < PATIENCE, "{text}");
        std::thread::yield_now();
    }
}

fn now() -> std::time::Instant {
    types::Clock::now(&types::SystemClock)
}

#[test]
fn f63_transactions_tell_what_they_spend() {
    let instance = in_memory();
    std::thread::scope(|scope| {
        let running =
            scope.spawn(|| run(&mut session(&instance), "UNWIND range(1, 100000000) AS n RETURN collect(n)[0]"));
        let mut other = session(&instance);
        let spent = "SHOW TRANSACTIONS YIELD * WHERE currentQuery STARTS WITH 'UNWIND' RETURN \
                     cpuTime.milliseconds >= 20 AND currentQueryCpuTime.milliseconds >= 20 \
                     AND elapsedTime.milliseconds >= cpuTime.milliseconds AND waitTime.milliseconds >= 0 \
                     AND idleTime.milliseconds <= elapsedTime.milliseconds AND currentQueryWaitTime IS NOT NULL \
                     AND estimatedUsedHeapMemory > 1000000 AND currentQueryAllocatedBytes >= estimatedUsedHeapMemory AS spent";
        until(&mut other, spent);
        let ended = "SHOW TRANSACTIONS YIELD transactionId AS id, currentQuery AS text WHERE text STARTS WITH 'UNWIND' \
                     RETURN id";
        let id = run(&mut other, ended).expect("lists");
        run(&mut other, &format!("TERMINATE TRANSACTION {id}")).expect("ends it");
        let code = running.join().expect("no panic").err().map(|failure| failure.code());
        assert_eq!(code, Some(Code::TransactionTerminated));
    });
}

#[test]
fn f63_the_time_that_was_computed_never_falls() {
    let instance = in_memory();
    run(&mut session(&instance), "CREATE DATABASE other").expect("creates");
    std::thread::scope(|scope| {
        // Two databases that are busy: both take turns, and what they computed is settled many times.
        let texts = [
            "UNWIND range(1, 1000000000000) AS n RETURN count(n)",
            "USE other UNWIND range(1, 1000000000000) AS n RETURN sum(n)",
        ];
        let running = texts.map(|text| scope.spawn(|| run(&mut session(&instance), text)));
        let mut looks = session(&instance);
        let own = "currentQuery CONTAINS 'UNWIND' AND NOT currentQuery STARTS WITH 'SHOW'";
        let shown = format!(
            "SHOW TRANSACTIONS YIELD currentQuery, cpuTime AS all, currentQueryCpuTime AS own ORDER BY currentQuery \
             WHERE {own} RETURN all.microseconds AS all, \
             own.microseconds AS own"
        );
        let (mut before, mut grew, mut fell) = (vec![0; 4], 0, None);
        let began = now();
        while grew < 200 && fell.is_none() && now().saturating_duration_since(began) < PATIENCE {
            let told = run(&mut looks, &shown).unwrap_or_default();
            let times: Vec<u64> =
                told.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
            if times.len() == before.len() {
                fell = times
                    .iter()
                    .zip(&before)
                    .any(|(now, before)| now < before)
                    .then(|| (before.clone(), times.clone()));
                grew += usize::from(times.iter().zip(&before).all(|(now, before)| now > before));
                before = times;
            }
        }
        let end = format!(
            "SHOW TRANSACTIONS YIELD currentQuery, transactionId AS id WHERE {own} \
             TERMINATE TRANSACTIONS id YIELD message RETURN count(*)"
        );
        assert_eq!(run(&mut looks, &end).expect("ends them"), "2");
        for ended in running {
            let code = ended.join().expect("no panic").err().map(|failure| failure.code());
            assert_eq!(code, Some(Code::TransactionTerminated));
        }
        assert_eq!((grew, fell), (200, None));
    });
}

#[test]
fn f63_transactions_are_listed_with_their_parameters() {
    let instance = in_memory();
    for (text, expected) in [
        ("CREATE (a) SET a.x = $x WITH a UNWIND range(1, 100000000) AS n RETURN count(n)", "{x: 'a-secret'}"),
        // It reads like a command that sets a password.
        (
            "CREATE (a) WITH a AS user WHERE true SET user.x = $x WITH user UNWIND range(1, 100000000) AS n \
             RETURN count(n)",
            "{}",
        ),
    ] {
        std::thread::scope(|scope| {
            let running = scope.spawn(|| {
                let parameters = Map::from_iter([("x".into(), "a-secret".into())]);
                run_with(&mut session(&instance), text, parameters, &RunOptions::default()).err()
            });
            let mut other = session(&instance);
            let of = "SHOW TRANSACTIONS YIELD *";
            let own = "currentQuery STARTS WITH 'CREATE (a)'";
            until(&mut other, &format!("{of} WHERE {own} AND cpuTime.milliseconds > 0 RETURN count(*) = 1"));
            check(&mut other, &format!("{of} WHERE {own} RETURN parameters"), expected);
            let id = run(&mut other, &format!("{of} WHERE {own} RETURN transactionId")).expect("lists");
            run(&mut other, &format!("TERMINATE TRANSACTION {id}")).expect("ends it");
            running.join().expect("no panic").expect("it was ended");
        });
    }
}

#[test]
fn f63_a_transaction_keeps_what_its_statements_spent() {
    let instance = in_memory();
    let (mut one, mut other) = (session(&instance), session(&instance));
    one.begin(&RunOptions::default()).expect("begins");
    check(&mut one, "UNWIND range(1, 300000) AS n RETURN count(n)", "300000");
    let spent = "SHOW TRANSACTIONS YIELD currentQuery AS text, cpuTime AS cpu, idleTime AS idle, elapsedTime AS all, \
                 currentQueryCpuTime AS own WHERE text = '' RETURN cpu.microseconds > 0 AND own IS NULL \
                 AND idle.microseconds > 0 AND idle.microseconds + cpu.microseconds <= all.microseconds AS spent";
    until(&mut other, spent);
    // Every column that Neo4j has, in its order.
    let all = other.run("SHOW TRANSACTIONS YIELD *", Map::new(), &RunOptions::default()).expect("lists");
    let columns: Vec<String> = all.columns().iter().map(ToString::to_string).collect();
    assert_eq!((columns.len(), columns[38].as_str()), (39, "initializationStackTrace"), "{columns:?}");
    drop(all);
    let trace =
        "SHOW TRANSACTIONS YIELD currentQuery AS text, initializationStackTrace AS trace WHERE text = '' RETURN trace";
    check(&mut other, trace, "''");
    one.rollback().expect("rolls back");
}

#[test]
fn f98_a_database_cannot_be_made_to_look_encrypted() {
    let instance = in_memory();
    let mut one = session(&instance);
    for (text, part) in [
        ("CREATE DATABASE vault OPTIONS {encrypted: true}", "The option is encryption"),
        ("CREATE DATABASE vault OPTIONS {encryptionKey: 'k'}", "the server makes the key"),
        ("CREATE DATABASE vault OPTIONS {encryption: true}", "has nothing to encrypt"),
        ("ALTER DATABASE sheaf SET OPTION encryption 'aes'", "from its beginning or not at all"),
    ] {
        let failure = run(&mut one, text).expect_err("it would promise what is not done");
        assert_eq!(failure.code(), Code::ArgumentError, "{failure}");
        assert!(failure.message().contains(part), "{failure}");
    }
    check(&mut one, "SHOW DATABASES YIELD name WHERE name = 'vault'", "");
}
