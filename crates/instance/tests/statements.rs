//! Statements and transactions in process.

mod world;

use instance::{Access, Fetched, More, RunOptions, Session};
use types::{Code, Map, Value};
use world::{check, failed, in_memory, run, run_with, session, take};

#[test]
fn writes_are_seen_by_the_next_statement() {
    let instance = in_memory();
    let mut session = session(&instance);
    check(&mut session, "RETURN 1 AS one", "1");
    check(
        &mut session,
        "CREATE (:A {x: 1})-[:T {y: 2}]->(:B)",
        "[nodes+ 2, relationships+ 1, properties 2, labels+ 2]",
    );
    check(&mut session, "MATCH (a:A)-[r:T]->(b) RETURN a, r, b", "(:A{x: 1}) | [:T{y: 2}] | (:B{})");
    check(&mut session, "MATCH (a:A) SET a.x = a.x + 1 RETURN a.x", "2\n[properties 1]");
    check(&mut session, "MATCH (n) RETURN count(n)", "2");
}

#[test]
fn the_second_run_takes_the_kept_plan() {
    let instance = in_memory();
    let mut session = session(&instance);
    for x in 0..3 {
        let parameters = Map::from_iter([("x".into(), Value::Integer(x))]);
        let got = run_with(&mut session, "CREATE (n:N {x: $x}) RETURN n.x", parameters, &RunOptions::default());
        assert_eq!(got.expect("runs"), format!("{x}\n[nodes+ 1, properties 1, labels+ 1]"));
    }
    check(&mut session, "MATCH (n:N) RETURN sum(n.x)", "3");
}

#[test]
fn a_failed_statement_leaves_nothing() {
    let instance = in_memory();
    let mut session = session(&instance);
    check(&mut session, "CREATE (:A {x: 1}) WITH 1 AS one RETURN one / 0", "ArithmeticError: / by zero");
    check(&mut session, "MATCH (n) RETURN count(n)", "0");
    check(&mut session, "CREATE (:A)-[:T]->(:B)", "[nodes+ 2, relationships+ 1, labels+ 2]");
    let failure = run(&mut session, "MATCH (a:A) DELETE a").expect_err("it has a relationship");
    assert_eq!(failure.code(), Code::ConstraintValidationFailed);
    check(&mut session, "MATCH (n) RETURN count(n)", "2");
}

#[test]
fn a_transaction_commits_as_a_whole_and_a_failed_statement_undoes_itself() {
    let instance = in_memory();
    let (mut session, mut other) = (session(&instance), session(&instance));
    session.begin(&RunOptions::default()).expect("begins");
    check(&mut session, "CREATE (:A {x: 1})", "[nodes+ 1, properties 1, labels+ 1]");
    check(&mut session, "CREATE (:B) WITH 1 AS one RETURN one / 0", "ArithmeticError: / by zero");
    check(&mut session, "MATCH (n) RETURN n", "(:A{x: 1})");
    check(&mut other, "MATCH (n) RETURN count(n)", "0");
    let bookmark = session.commit().expect("commits").expect("there is one");
    assert_eq!(bookmark, "sheaf:sheaf:1");
    check(&mut other, "MATCH (n) RETURN count(n)", "1");
    session.begin(&RunOptions { bookmarks: vec![bookmark], ..RunOptions::default() }).expect("knows its bookmark");
    check(&mut session, "MATCH (n) DELETE n", "[nodes- 1]");
    session.rollback().expect("rolls back");
    check(&mut session, "MATCH (n) RETURN count(n)", "1");
    let strange = RunOptions { bookmarks: vec!["FB:x".to_owned()], ..RunOptions::default() };
    assert_eq!(session.begin(&strange).expect_err("not ours").code(), Code::InvalidBookmark);
}

#[test]
fn two_results_of_one_transaction_are_read_in_turn() {
    let instance = in_memory();
    let mut session = session(&instance);
    session.begin(&RunOptions::default()).expect("begins");
    check(
        &mut session,
        "UNWIND range(1, 3000) AS x CREATE (:N {x: x})",
        "[nodes+ 3000, properties 3000, labels+ 3000]",
    );
    let text = "MATCH (n:N) RETURN n.x ORDER BY n.x";
    let mut first = session.run(text, Map::new(), &RunOptions::default()).expect("runs");
    let mut fetched = Fetched::default();
    assert_eq!(first.pull(10, &mut fetched).expect("has rows"), More::Yes);
    // The second one deletes what the first one still has to show.
    check(&mut session, "MATCH (n:N) DELETE n", "[nodes- 3000]");
    let (rest, _) = take(&mut first).expect("goes on");
    assert_eq!((fetched.len(), rest.len(), rest[0].as_str()), (10, 2_990, "11"));
    session.commit().expect("commits");
}

#[test]
fn what_was_deleted_cannot_be_read() {
    let instance = in_memory();
    let mut session = session(&instance);
    check(&mut session, "CREATE (:A {x: 1})", "[nodes+ 1, properties 1, labels+ 1]");
    let failure = run(&mut session, "MATCH (a:A) DELETE a RETURN a.x").expect_err("it is gone");
    assert_eq!(failure.code(), Code::EntityNotFound);
    assert!(failure.message().ends_with("has been deleted in this transaction (DeletedEntityAccess)"));
    check(&mut session, "MATCH (a:A) DELETE a RETURN a", "({})\n[nodes- 1]");
}

#[test]
fn reading_transactions_refuse_writes() {
    let instance = in_memory();
    let mut session = session(&instance);
    let read = RunOptions { access: Access::Read, ..RunOptions::default() };
    let refused = "WriteInReadMode: Writing in read access mode not allowed. Attempted write to sheaf";
    let failure = run_with(&mut session, "CREATE ()", Map::new(), &read).expect_err("reads only");
    assert_eq!(failed(&failure), refused);
    session.begin(&read).expect("begins");
    check(&mut session, "CREATE ()", refused);
    check(&mut session, "CREATE INDEX FOR (n:N) ON (n.x)", refused);
    session.rollback().expect("rolls back");
}

#[test]
fn schema_and_data_do_not_mix_in_one_transaction() {
    let instance = in_memory();
    let mut session = session(&instance);
    session.begin(&RunOptions::default()).expect("begins");
    check(&mut session, "CREATE (:A)", "[nodes+ 1, labels+ 1]");
    let refused = "ForbiddenTransactionType: Tried to execute Schema modification after executing Write query";
    check(&mut session, "CREATE INDEX a_x FOR (a:A) ON (a.x)", refused);
    let refused = "ForbiddenTransactionType: Tried to execute Administration command after executing Write query";
    check(&mut session, "CREATE DATABASE films", refused);
    session.commit().expect("commits");
    session.begin(&RunOptions::default()).expect("begins");
    check(&mut session, "CREATE INDEX a_x FOR (a:A) ON (a.x)", "[indexes+ 1]");
    check(
        &mut session,
        "CREATE INDEX a_x FOR (a:A) ON (a.y)",
        "IndexExists: There already exists an index called 'a_x'.",
    );
    let refused = "ForbiddenTransactionType: Tried to execute Write query after executing Schema modification";
    check(&mut session, "CREATE (:A)", refused);
    session.commit().expect("commits");
    check(&mut session, "SHOW RANGE INDEXES YIELD name, properties", "'a_x' | ['x']");
}

#[test]
fn explain_runs_nothing_and_profile_tells() {
    let instance = in_memory();
    let mut session = session(&instance);
    let mut records = session.run("EXPLAIN CREATE (n) RETURN n", Map::new(), &RunOptions::default()).expect("plans");
    assert_eq!(records.columns(), ["n"]);
    let (rows, summary) = take(&mut records).expect("ends");
    assert!(rows.is_empty() && summary.plan.is_some());
    check(&mut session, "MATCH (n) RETURN count(n)", "0");
    let text = "PROFILE UNWIND [1, 2] AS x RETURN x";
    let mut records = session.run(text, Map::new(), &RunOptions::default()).expect("runs");
    let (rows, summary) = take(&mut records).expect("ends");
    let plan = summary.plan.expect("it was asked for");
    assert_eq!(rows, ["1", "2"]);
    assert_eq!(plan.profile.map(|profile| profile.rows), Some(2), "{plan:?}");
    check(&mut session, "UNWIND range(1, 3) AS k CREATE (:Read {k: k})", "[nodes+ 3, properties 3, labels+ 3]");
    let text = "PROFILE MATCH (n:Read) WHERE n.k > 1 RETURN n.k";
    let mut records = session.run(text, Map::new(), &RunOptions::default()).expect("runs");
    let (rows, summary) = take(&mut records).expect("ends");
    assert_eq!(rows.len(), 2);
    // The operators from top to bottom, each with what it read itself: columns, properties, filter, scan.
    let (mut hits, mut next) = (Vec::new(), summary.plan.as_ref());
    while let Some(plan) = next {
        hits.push((plan.operator.as_str(), plan.profile.map_or(0, |profile| profile.db_hits)));
        next = plan.children.first();
    }
    assert!(hits.contains(&("Filter", 3)) && hits.contains(&("ProduceResults", 0)), "{hits:?}");
    assert!(hits.iter().any(|(name, hits)| *name == "NodeByLabelScan" && *hits >= 3), "{hits:?}");
}

#[test]
fn several_databases_in_one_statement() {
    let instance = in_memory();
    let mut session = session(&instance);
    check(&mut session, "CREATE DATABASE a", "[system 1]");
    check(&mut session, "CREATE DATABASE b", "[system 1]");
    check(&mut session, "USE a CREATE (:C {id: 1})", "[nodes+ 1, properties 1, labels+ 1]");
    check(&mut session, "USE b CREATE (:O {of: 1, total: 7})", "[nodes+ 1, properties 2, labels+ 1]");
    let text = "MATCH (c:C) FROM DATABASE a MATCH (o:O) FROM DATABASE b WHERE o.of = c.id RETURN c.id, o.total";
    check(&mut session, text, "1 | 7");
    check(&mut session, text, "1 | 7");
    let refused = "WriteToManyDatabases: Writing to more than one database per transaction is not allowed. Attempted \
                   write to b, currently writing to a";
    let failure = run(&mut session, "CREATE (:X) FROM DATABASE a CREATE (:Y) FROM DATABASE b").expect_err("two");
    assert_eq!(failure.code(), Code::WriteToManyDatabases);
    session.begin(&RunOptions::default()).expect("begins");
    check(&mut session, "USE a CREATE (:X)", "[nodes+ 1, labels+ 1]");
    check(&mut session, "USE b MATCH (n) RETURN count(n)", "1");
    check(&mut session, "USE b CREATE (:Y)", refused);
    check(&mut session, "CREATE (:Z)", &refused.replace("write to b", "write to sheaf"));
    session.commit().expect("commits");
    check(&mut session, "USE a MATCH (n:X) RETURN count(n)", "1");
    check(&mut session, "MATCH (n) RETURN count(n)", "0");
    check(
        &mut session,
        "MATCH (n) FROM DATABASE c RETURN n",
        "DatabaseNotFound: Database does not exist. Database name: 'c'.",
    );
}

#[test]
fn f27_use_alone_moves_the_session() {
    let instance = in_memory();
    let mut session = session(&instance);
    check(&mut session, "CREATE DATABASE films", "[system 1]");
    check(&mut session, ":use", "'sheaf'");
    check(&mut session, ":use films", "");
    check(&mut session, ":use", "'films'");
    check(&mut session, "CREATE (:Film)", "[nodes+ 1, labels+ 1]");
    check(&mut session, "USE neo4j", "");
    check(&mut session, "MATCH (n) RETURN count(n)", "0");
    check(&mut session, "USE nobody", "DatabaseNotFound: Database does not exist. Database name: 'nobody'.");
    check(&mut session, ":use", "'neo4j'");
    session.begin(&RunOptions::default()).expect("begins");
    let refused =
        "SemanticError: The database of an open transaction cannot be changed; commit it or roll it back first.";
    check(&mut session, "USE films", refused);
}

#[test]
fn system_has_no_graph() {
    let instance = in_memory();
    let mut session = session(&instance);
    check(&mut session, ":use system", "");
    check(&mut session, "RETURN 1 AS one", "1");
    let failure = run(&mut session, "MATCH (n) RETURN n").expect_err("no graph");
    assert_eq!(failure.code(), Code::NotOnSystemDatabase);
    let failure = run(&mut session, "MATCH (n:Person {name: 'x'}) RETURN n").expect_err("no graph");
    assert_eq!(failure.code(), Code::NotOnSystemDatabase);
    let failure = run(&mut session, "CREATE (n)").expect_err("no graph");
    assert_eq!(failure.code(), Code::NotOnSystemDatabase);
    check(&mut session, "SHOW DEFAULT DATABASE YIELD name", "'sheaf'");
}

#[test]
fn procedures_of_tests_are_there_for_tests_only() {
    let mut options = world::options(std::path::Path::new("/nowhere"));
    let plain = instance::Instance::in_memory(options.clone()).expect("opens");
    let rows = vec![vec![Value::Integer(1), Value::from("one")]];
    let signature = "test.my.proc(in :: INTEGER?) :: (out :: STRING?)";
    assert!(plain.register_procedure(signature, rows.clone()).is_err());
    let text = "CALL tck.registerProcedure('p() :: ()', [])";
    let failure = run(&mut session(&plain), text).expect_err("nobody knows it");
    assert_eq!(failure.code(), Code::ProcedureNotFound);
    options.test_procedures = true;
    let tested = instance::Instance::in_memory(options).expect("opens");
    let mut session = session(&tested);
    tested.register_procedure(signature, rows).expect("a table");
    check(&mut session, "CALL test.my.proc(1) YIELD out RETURN out", "'one'");
    check(&mut session, "CALL test.my.proc(2) YIELD out RETURN out", "");
    let text = "CALL tck.registerProcedure('test.my.proc(in :: INTEGER?) :: (out :: STRING?)', [{in: 1, out: 'uno'}])";
    check(&mut session, text, "");
    check(&mut session, "CALL test.my.proc(1) YIELD out RETURN out", "'uno'");
    check(&mut session, "CALL db.ping()", "true");
    check(&mut session, "CALL db.awaitIndexes(10)", "");
    check(&mut session, "CALL db.awaitIndexes()", "");
    check(&mut session, "CREATE (:A)-[:T {k: 1}]->(:B)", "[nodes+ 2, relationships+ 1, properties 1, labels+ 2]");
    check(&mut session, "MATCH (b:B) DETACH DELETE b", "[nodes- 1, relationships- 1]");
    check(&mut session, "CALL db.labels()", "'A'");
    check(&mut session, "CALL db.relationshipTypes()", "");
    check(&mut session, "CALL db.propertyKeys() YIELD propertyKey RETURN propertyKey", "'k'");
    check(&mut session, "CALL dbms.components() YIELD versions RETURN versions", "['5.26.0']");
}

#[test]
fn a_kept_plan_finds_names_that_came_later() {
    let instance = in_memory();
    let mut session = session(&instance);
    let texts = [
        "MATCH (n:Later) RETURN count(n)",
        "MATCH (n:Later) RETURN count(n.x)",
        "MATCH ()-[r:LATER]->() RETURN count(r)",
        "MATCH (n:Later {x: 1})-[:LATER]->(m) RETURN count(m)",
    ];
    texts.iter().for_each(|text| check(&mut session, text, "0"));
    check(&mut session, "CREATE (:Later {x: 1})-[:LATER]->()", "[nodes+ 2, relationships+ 1, properties 1, labels+ 1]");
    texts.iter().for_each(|text| check(&mut session, text, "1"));
}

#[test]
fn what_is_under_way_is_listed_and_ended() {
    let instance = in_memory();
    let (mut watcher, mut busy) = (session(&instance), session(&instance));
    let listed = "SHOW TRANSACTIONS YIELD transactionId AS id, currentQuery AS text WHERE NOT text STARTS WITH 'SHOW'";
    let listed = format!("{listed} RETURN id, text");
    check(&mut watcher, &listed, "");
    busy.begin(&RunOptions::default()).expect("begins");
    check(&mut busy, "CREATE ()", "[nodes+ 1]");
    let id = run(&mut watcher, &listed).expect("lists");
    assert!(id.starts_with("'sheaf-transaction-") && id.ends_with("' | ''"), "{id}");
    let id = id.trim_end_matches(" | ''");
    check(&mut watcher, &format!("TERMINATE TRANSACTION {id}"), &format!("{id} | '' | 'Transaction terminated.'"));
    check(&mut watcher, &format!("SHOW TRANSACTION {id} YIELD status"), "'Terminated'");
    let failure = busy.commit().expect_err("it was ended");
    assert_eq!(failure.code(), Code::TransactionTerminated);
    busy.reset();
    check(&mut watcher, &listed, "");
    check(&mut watcher, "MATCH (n) RETURN count(n)", "0");
    let text = "UNWIND range(1, 5000) AS x RETURN x";
    let mut half_read = busy.run(text, Map::new(), &RunOptions::default()).expect("runs");
    half_read.pull(10, &mut Fetched::default()).expect("has rows");
    assert!(run(&mut watcher, &listed).expect("lists").ends_with(&format!("| '{text}'")));
    drop(half_read);
    check(&mut watcher, &listed, "");
    let unknown = "'sheaf-transaction-999' | null | 'Transaction not found.'";
    check(&mut watcher, "TERMINATE TRANSACTIONS 'sheaf-transaction-999'", unknown);
    let wrong = "InvalidArguments: Could not parse id 'x' (expected format: <databasename>-transaction-<id>)";
    check(&mut watcher, "TERMINATE TRANSACTIONS 'x'", wrong);
}

#[test]
fn what_ends_a_transaction_does_not_hit_the_next_one() {
    let instance = in_memory();
    let (mut watcher, mut busy) = (session(&instance), session(&instance));
    run(&mut watcher, "CREATE DATABASE other").expect("makes");
    let ids = "SHOW TRANSACTIONS YIELD transactionId AS id, currentQuery AS text WHERE text = '' RETURN id";
    let other = RunOptions { database: Some("other".to_owned()), ..RunOptions::default() };
    let leave: [fn(&mut Session); 3] = [
        |one: &mut Session| one.rollback().expect("is over"),
        |one| _ = one.commit().expect_err("was ended"),
        Session::reset,
    ];
    for leave in leave {
        busy.begin(&RunOptions::default()).expect("begins");
        check(&mut busy, "RETURN 1", "1");
        let id = run(&mut watcher, ids).expect("lists");
        run(&mut watcher, &format!("TERMINATE TRANSACTION {id}")).expect("ends it");
        leave(&mut busy);
        check(&mut busy, "RETURN 2", "2");
        busy.begin(&other).expect("begins");
        check(&mut busy, "RETURN 3", "3");
        run(&mut watcher, "STOP DATABASE other").expect("stops");
        leave(&mut busy);
        check(&mut busy, "RETURN 4", "4");
        run(&mut watcher, "START DATABASE other").expect("starts");
    }
}

#[test]
fn transactions_are_shown_and_ended_in_one_statement() {
    let instance = in_memory();
    let [mut busy, mut watcher] = [session(&instance), session(&instance)];
    busy.begin(&RunOptions::default()).expect("begins");
    check(&mut busy, "CREATE (:A)", "[nodes+ 1, labels+ 1]");
    // The statement's own transaction is among those that are ended, and it has its rows all the same.
    let all = "SHOW TRANSACTIONS YIELD transactionId AS t TERMINATE TRANSACTIONS t YIELD message \
               RETURN message, count(*)";
    check(&mut watcher, all, "'Transaction terminated.' | 2");
    check(&mut watcher, "RETURN 1", "1");
    assert_eq!(busy.commit().expect_err("it was ended").code(), Code::TransactionTerminated);
    busy.reset();
    // In an open transaction the answer comes first, and the end then.
    busy.begin(&RunOptions::default()).expect("begins");
    check(&mut busy, all, "'Transaction terminated.' | 1");
    let failure = run(&mut busy, "RETURN 1").expect_err("it is over");
    assert_eq!(failure.code(), Code::TransactionTerminated);
    busy.reset();
    // What is wrong further behind is told before anything is ended.
    busy.begin(&RunOptions::default()).expect("begins");
    let wrong = "SHOW TRANSACTIONS YIELD transactionId AS t TERMINATE TRANSACTIONS t YIELD message RETURN nothing";
    assert_eq!(run(&mut watcher, wrong).expect_err("no such variable").code(), Code::SyntaxError);
    check(&mut busy, "RETURN 1", "1");
    check(&mut watcher, "SHOW AUDIT YIELD operation WHERE operation CONTAINS 'TERMINATE' RETURN count(*)", "2");
}

#[test]
fn a_command_gives_a_bookmark_of_system() {
    let instance = in_memory();
    let mut one = session(&instance);
    let mut version = 0;
    for (text, grows) in [
        ("CREATE DATABASE films", true),
        ("SHOW DATABASES", false),
        ("DROP DATABASE films", true),
        ("SHOW USERS", false),
    ] {
        let mut records = one.run(text, Map::new(), &RunOptions::default()).expect("runs");
        take(&mut records).expect("gives its rows");
        let bookmark = records.summary().bookmark.expect("has one");
        let now: u64 =
            bookmark.strip_prefix("sheaf:system:").and_then(|number| number.parse().ok()).expect("of system");
        assert!(if grows { now > version } else { now == version }, "{text}: {bookmark}");
        version = now;
        let after = RunOptions { bookmarks: vec![bookmark], ..RunOptions::default() };
        one.run("RETURN 1", Map::new(), &after).expect("takes it");
    }
    let mut explained = one.run("EXPLAIN CREATE DATABASE films", Map::new(), &RunOptions::default()).expect("runs");
    assert_eq!(explained.summary().bookmark, None);
}

#[test]
fn f87_a_procedure_that_writes_is_no_part_of_a_value() {
    let instance = in_memory();
    let mut session = session(&instance);
    run(&mut session, "UNWIND range(1, 20) AS i CREATE (:N {i: i})").expect("writes");
    let refused = "SyntaxError: An EXISTS, COUNT or COLLECT subquery cannot contain updating clauses \
                   (InvalidClauseComposition): the procedure `apoc.create.node` changes data";
    let call = "CALL apoc.create.node(['P'], {k: 1}) YIELD node";
    for inside in [
        format!("{call} RETURN node"),
        format!("WITH 1 AS x {call} RETURN node"),
        format!("CALL {{ {call} RETURN node }} RETURN node"),
        format!("UNWIND [1] AS x CALL (x) {{ {call} RETURN node UNION ALL RETURN 1 AS node }} RETURN node"),
    ] {
        for value in ["EXISTS", "COUNT", "COLLECT"] {
            check(&mut session, &format!("RETURN {value} {{ {inside} }} AS x"), refused);
            check(&mut session, &format!("MATCH (n) RETURN {value} {{ {inside} }} AS x"), refused);
        }
        check(&mut session, &format!("MATCH (n) WHERE EXISTS {{ {inside} }} RETURN count(*)"), refused);
    }
    check(&mut session, "MATCH (n) RETURN count(*), EXISTS { CALL db.labels() YIELD label RETURN label }", "20 | true");
    check(
        &mut session,
        &format!("MATCH (n) WHERE n.i < 3 {call} RETURN count(*)"),
        "2\n[nodes+ 2, properties 2, labels+ 2]",
    );
    check(&mut session, "MATCH (n) RETURN count(*)", "22");
}

#[test]
fn an_index_answers_as_a_scan_does_whatever_a_list_is_compared_with() {
    let instance = in_memory();
    let mut one = session(&instance);
    run(&mut one, "CREATE INDEX FOR (n:L) ON (n.a)").expect("makes");
    run(
        &mut one,
        "UNWIND [[], [0.5], [1.0], [2.0], [2.0, 1.0], [2.0, 0.0 / 0.0], [0.0 / 0.0], [3.0, 1.0], ['a'], ['a', 'b'], [true], 1, 'a', \
         0.0 / 0.0] AS a CREATE (:L {a: a})",
    )
    .expect("makes");
    run(&mut one, "CALL db.awaitIndexes()").expect("waits");
    let with = [
        "[2.0, 0.0 / 0.0]",
        "[2.0, null]",
        "[2.0, null, 1.0]",
        "[0.0 / 0.0]",
        "[null]",
        "[2.0, {k: 1}]",
        "[2.0, [null]]",
        "[2.0]",
        "[]",
        "['a', null]",
        "0.0 / 0.0",
        "null",
        "1",
    ];
    for value in with {
        for operator in ["<", "<=", ">", ">=", "=", "<>", "IN"] {
            let value = if operator == "IN" { format!("[{value}, [1.0], 7]") } else { value.to_owned() };
            let ask = |how: &str| {
                format!("WITH {value} AS v MATCH (n:L) {how} WHERE n.a {operator} v RETURN collect(id(n)) AS found")
            };
            let by_index = run(&mut one, &ask("")).expect("asks");
            let by_scan = run(&mut one, &ask("USING SCAN n:L")).expect("asks");
            let sorted = |ids: &str| {
                let mut ids: Vec<String> = ids.trim_matches(['[', ']']).split(", ").map(str::to_owned).collect();
                ids.sort();
                ids
            };
            assert_eq!(sorted(&by_index), sorted(&by_scan), "n.a {operator} {value}");
        }
    }
}

#[test]
fn a_lone_statement_is_planned_again_where_its_index_is_dropped() {
    let instance = in_memory();
    let mut admin = session(&instance);
    run(&mut admin, "UNWIND range(1, 100) AS n CREATE (:N {u: n})").expect("makes");
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let written: u64 = std::thread::scope(|scope| {
        let write = || {
            let (mut writer, mut written) = (session(&instance), 0);
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                run(&mut writer, "MATCH (n:N {u: 5}) SET n.x = coalesce(n.x, 0) + 1").expect("writes");
                run(&mut writer, "MERGE (n:N {u: 7}) SET n.x = coalesce(n.x, 0) + 1").expect("merges");
                for _ in 0..10 {
                    check(&mut writer, "MATCH (n:N {u: 9}) RETURN count(n)", "1");
                }
                written += 2;
            }
            written
        };
        let writers = [scope.spawn(write), scope.spawn(write)];
        let changed = (0..40).try_for_each(|round| {
            run(&mut admin, "CREATE INDEX by_u FOR (n:N) ON (n.u)")?;
            if round % 2 == 0 {
                run(&mut admin, "CALL db.awaitIndexes()")?;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
            run(&mut admin, "DROP INDEX by_u").map(drop)
        });
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        changed.expect("changes the index");
        writers.into_iter().map(|writer| writer.join().expect("writes")).sum()
    });
    check(&mut admin, "MATCH (n:N) WHERE n.x IS NOT NULL RETURN sum(n.x)", &written.to_string());
}
