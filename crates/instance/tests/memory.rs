//! What statements hold, measured at the allocator: within their limit, and all of it known to the pool that they share.

mod world;

use std::path::Path;
use std::sync::Arc;

use instance::{Instance, InstanceOptions, RunOptions, Session};
use parking_lot::Mutex;
use peak_alloc::PeakAlloc;
use types::{Code, Failure, Map, Value};
use world::{check, in_memory, options, run, run_with, session};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What is measured is the whole process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

const LIMIT_BYTES: usize = 32_000_000;
/// What a batch of rows and its plan take, whatever the limit.
const BATCH_BYTES: usize = 1 << 20;

/// Each would take many times the limit.
const GIANTS: [&str; 40] = [
    "UNWIND range(1, 40000000) AS x WITH collect(x) AS l RETURN size(l)",
    "UNWIND range(1, 40000000) AS x WITH collect('text of row ' + x + ', which is a long one') AS l RETURN size(l)",
    "UNWIND range(1, 40000000) AS x WITH collect(DISTINCT x) AS l RETURN size(l)",
    "UNWIND range(1, 40000000) AS x WITH collect([x]) AS l RETURN size(l)",
    "UNWIND range(1, 40000000) AS x WITH collect({a: x}) AS l RETURN size(l)",
    "UNWIND range(1, 40000000) AS x WITH percentileDisc(x, 0.5) AS p RETURN p",
    "RETURN size(range(1, 60000000))",
    "RETURN size(reduce(s = '', x IN range(1, 100000) | s + 'a text that doubles' + s))",
    "RETURN size(reduce(s = [1], x IN range(1, 100000) | s + s))",
    "RETURN size(reduce(s = [], x IN range(1, 10000000) | s + x))",
    "RETURN size(reduce(s = [], x IN range(1, 100000) | s + [range(x, 20000)]))",
    "UNWIND range(1, 40000000) AS x WITH x ORDER BY -x RETURN count(x)",
    "UNWIND range(1, 40000000) AS x WITH 'text of row ' + x + ', which is a long one' AS t ORDER BY t RETURN count(t)",
    "UNWIND range(1, 40000000) AS x WITH x, x + 1 AS y, toString(x) AS z ORDER BY z, y DESC RETURN count(x)",
    "UNWIND range(1, 40000000) AS x WITH DISTINCT x RETURN count(x)",
    "UNWIND range(1, 40000000) AS x WITH DISTINCT 'text of row ' + x + ', which is a long one' AS t RETURN count(t)",
    "UNWIND range(1, 40000000) AS x WITH x, count(*) AS c RETURN max(c)",
    "UNWIND range(1, 40000000) AS x WITH x % 7 AS a, toString(x) AS b, sum(x) AS c RETURN max(c)",
    "UNWIND range(1, 40000000) AS x RETURN count(DISTINCT x)",
    "RETURN size([x IN range(1, 1000000) | toString(x) + ' and more than a few bytes'])",
    "RETURN size([x IN range(1, 1000000) WHERE x > 0])",
    "RETURN size(split(reduce(s = 'a,', y IN range(1, 22) | s + s), ','))",
    "RETURN size(replace(reduce(s = 'a', y IN range(1, 22) | s + s), 'a', 'abcdefgh'))",
    "RETURN size(toUpper(reduce(s = 'a', y IN range(1, 24) | s + s)))",
    "UNWIND range(1, 1000) AS x WITH {a: reduce(s = 'abcdefghij', y IN range(1, 12) | s + s), b: x} AS m \
     WITH collect(m {.*, c: m.a}) AS l RETURN size(l)",
    "RETURN size(COLLECT { UNWIND range(1, 40000000) AS x RETURN x })",
    "MATCH (n:Big) RETURN size(collect(n.t))",
    "MATCH (n:Big) WITH n.t AS t ORDER BY t RETURN count(t)",
    "MATCH (n:Big) RETURN size(collect(properties(n)))",
    "RETURN size(toUpper(reduce(s = 'ΐ', y IN range(1, 23) | s + s)))",
    "RETURN size(normalize(reduce(s = 'ﷺ', y IN range(1, 21) | s + s), NFKD))",
    "RETURN size(COLLECT { UNWIND range(1, 300) AS x RETURN range(x, 300000) AS l })",
    "UNWIND range(1, 300) AS x WITH range(x, 300000) AS l \
     CALL (l) { RETURN size(l) AS z } IN TRANSACTIONS OF 1000 ROWS RETURN sum(z)",
    "MATCH (n:Big) WITH n LIMIT 1 RETURN [x IN range(1, 1000) | n] AS l",
    "MATCH (n:Big) WITH collect(n) AS l RETURN {a: l} AS m",
    "MATCH p = (:Round {i: 0})-[:TO*1..9]->() WITH collect(p) AS l RETURN [x IN range(1, 20) | l] AS l",
    "MATCH (:Round {i: 0})-[r:TO*1..9]->() RETURN r ORDER BY size(r) DESC LIMIT 3000000",
    "MATCH p = (:Round {i: 0})-[:TO*1..9]->() WITH p ORDER BY length(p) DESC RETURN count(p)",
    "MATCH p = (:Round {i: 0})-[:TO*1..9]->() RETURN count(DISTINCT p)",
    "MATCH p = ALL SHORTEST (:Rung {i: 0})-[:UP]->+(:Rung {i: 18}) RETURN count(p)",
];

/// A text of 1 MiB, `LONG` in the statements below.
const LONG_TEXT: &str = "reduce(s = 'abcdefgh', y IN range(1, 17) | s + s)";

/// Each has a batch of rows that would take many times the limit, of which no row takes much.
const FEW_AT_A_TIME: [(&str, &str); 18] = [
    (
        "UNWIND range(1, 600) AS x WITH x, reduce(s = 'abcdefghij', y IN range(1, 14) | s + s) AS t RETURN max(size(t))",
        "163840",
    ),
    ("UNWIND range(1, 600) AS x RETURN size(max(reduce(s = 'abcdefghij' + x, y IN range(1, 13) | s + s)))", "90112"),
    (
        "UNWIND range(1, 600) AS x \
         WITH x WHERE size(reduce(s = 'abcdefghij' + x % 7, y IN range(1, 14) | s + s)) > 0 RETURN count(x)",
        "600",
    ),
    (
        "UNWIND range(1, 600) AS x WITH x ORDER BY size(reduce(s = 'a' + x, y IN range(1, 14) | s + s)), x LIMIT 1 RETURN x",
        "1",
    ),
    ("MATCH (n:Big) RETURN max(size(n.t))", "1048576"),
    ("MATCH (n:Big) WITH n, toUpper(n.t) AS t RETURN count(DISTINCT size(t)), min(size(n.t))", "1 | 1048576"),
    ("UNWIND range(1, 300) AS x CALL (x) { RETURN range(x, 100000) AS l } RETURN sum(size(l))", "29955150"),
    (
        "UNWIND range(1, 20) AS x CALL (x) { UNWIND range(1, 30) AS y RETURN range(y, 100000) AS l } RETURN sum(size(l))",
        "59991300",
    ),
    (
        "UNWIND range(1, 300) AS x WITH x, LONG AS t CALL (x) { RETURN x + 1 AS y } RETURN max(size(t)), max(y)",
        "1048576 | 301",
    ),
    ("UNWIND range(1, 300) AS x CREATE (i:I {w: size(range(1, 100000))}) RETURN count(i)", "300"),
    ("MATCH (i:I) SET i.z = size(range(1, 100000)) RETURN count(i)", "300"),
    ("MATCH (i:I) SET i += {z: size(range(1, 100000))} RETURN count(i)", "300"),
    ("MATCH (i:I) FOREACH (x IN [1] | SET i.k = size(range(1, 100000))) RETURN count(i)", "300"),
    ("WITH [LONG] AS l UNWIND range(1, 300) AS x RETURN max(size(l[0]))", "1048576"),
    ("WITH {a: LONG} AS m UNWIND range(1, 300) AS x RETURN max(size(m['a']))", "1048576"),
    (
        "WITH [x IN range(1, 8) | LONG] AS l UNWIND range(1, 99) AS y RETURN max(size(reduce(s = '', x IN l | x)))",
        "1048576",
    ),
    (
        "MATCH (n:Big) WITH collect(n) AS l \
         RETURN any(x IN l WHERE x.t = 'a'), size([x IN l WHERE size(x.t) > 5 | 1]) = size(l)",
        "false | true",
    ),
    ("MATCH (n:Big), (i:I) WITH n {.t, x: i.w} AS m LIMIT 300 RETURN max(size(m.t)), max(m.x)", "1048576 | 100000"),
];

fn limited() -> (Instance, Session) {
    let instance = in_memory();
    let mut one = session(&instance);
    let text = Value::from("01234567".repeat(1 << 17).as_str());
    for _ in 0..100 {
        run_with(
            &mut one,
            "CREATE (:Big {t: $t})",
            Map::from_iter([("t".into(), text.clone())]),
            &RunOptions::default(),
        )
        .expect("fits");
    }
    for text in [
        "UNWIND range(0, 12) AS i CREATE (:Round {i: i})",
        "MATCH (a:Round), (b:Round) WHERE a <> b CREATE (a)-[:TO]->(b)",
        "UNWIND range(0, 18) AS i CREATE (:Rung {i: i})",
        "MATCH (a:Rung), (b:Rung {i: a.i + 1}) CREATE (a)-[:UP]->(b), (a)-[:UP]->(b)",
    ] {
        run(&mut one, text).expect("fits");
    }
    run(&mut one, &format!("ALTER DATABASE sheaf SET LIMIT max_query_memory = {LIMIT_BYTES}")).expect("sets");
    (instance, one)
}

/// Runs a statement; gives what came of it, and the most that the process held meanwhile beside what it held before.
fn measured(session: &mut Session, text: &str) -> (Result<String, Failure>, usize) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let came = run(session, text);
    (came, ALLOCATOR.peak_usage() - before)
}

#[test]
fn f51_a_statement_holds_no_more_than_its_limit() {
    let _alone = ALONE.lock();
    let (_instance, mut one) = limited();
    // A tenth beside the limit, and another for room that lists have grown by and not filled: that is no memory yet.
    let most = LIMIT_BYTES + LIMIT_BYTES / 5 + BATCH_BYTES;
    for text in GIANTS {
        let (came, peak) = measured(&mut one, text);
        assert_eq!(came.expect_err(text).code(), Code::MemoryLimit, "{text}");
        assert!(peak <= most, "{text}: {peak} bytes");
    }
    for (text, expected) in FEW_AT_A_TIME {
        let text = text.replace("LONG", LONG_TEXT);
        let (came, peak) = measured(&mut one, &text);
        let came = came.unwrap_or_else(|failure| panic!("{text}: {failure}"));
        // What was changed stands below the rows.
        assert_eq!(came.lines().next(), Some(expected), "{text}");
        assert!(peak <= most, "{text}: {peak} bytes");
    }
    // All that was taken comes back.
    check(&mut one, "UNWIND range(1, 600000) AS x WITH collect(x) AS l RETURN size(l)", "600000");
}

#[test]
fn f51_lines_of_files_count_field_by_field() {
    let _alone = ALONE.lock();
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("writes");
    write("commas.csv", &",".repeat(10_000_000));
    write("cells.csv", &"ab,".repeat(3_000_000));
    write("names.csv", &format!("{}\n1\n2\n", (0..400_000).map(|name| format!("n{name},")).collect::<String>()));
    write("quote.csv", &format!("a\n\"{}", "b,\n".repeat(12_000_000)));
    write("wide.csv", &format!("{}1\n", "ab,".repeat(3_000)).repeat(2_000));
    write("long.csv", &format!("\"{0}\",\"{0}\"\n", "a,".repeat(1_000_000)).repeat(20));
    let import_folder = Some(folder.path().to_owned());
    let instance = Instance::in_memory(InstanceOptions { import_folder, ..options(Path::new("/nowhere")) });
    let mut one = session(&instance.expect("memory has room"));
    run(&mut one, &format!("ALTER DATABASE sheaf SET LIMIT max_query_memory = {LIMIT_BYTES}")).expect("sets");
    let most = LIMIT_BYTES + LIMIT_BYTES / 5 + BATCH_BYTES;
    for (file, headers) in
        [("commas", ""), ("commas", " WITH HEADERS"), ("cells", ""), ("names", " WITH HEADERS"), ("quote", "")]
    {
        let text = format!("LOAD CSV{headers} FROM 'file:///{file}.csv' AS r RETURN max(size(keys(r)))");
        let text = if headers.is_empty() { text.replace("keys(r)", "r") } else { text };
        let (came, peak) = measured(&mut one, &text);
        assert_eq!(came.expect_err(&text).code(), Code::MemoryLimit, "{text}");
        assert!(peak <= most, "{text}: {peak} bytes");
    }
    for (text, expected) in [
        ("LOAD CSV FROM 'file:///wide.csv' AS r RETURN count(*), max(size(r)), max(r[3000])", "2000 | 3001 | '1'"),
        (
            "LOAD CSV WITH HEADERS FROM 'file:///wide.csv' AS r RETURN count(*), max(r['1']), min(r.ab)",
            "1999 | '1' | 'ab'",
        ),
        (
            "LOAD CSV FROM 'file:///long.csv' AS r RETURN count(*), max(size(r[0])), min(size(r[1]))",
            "20 | 2000000 | 2000000",
        ),
    ] {
        let (came, peak) = measured(&mut one, text);
        assert_eq!(came.unwrap_or_else(|failure| panic!("{text}: {failure}")), expected, "{text}");
        assert!(peak <= most, "{text}: {peak} bytes");
    }
}

#[test]
fn f51_parameters_count_and_are_held_once() {
    let _alone = ALONE.lock();
    let (_instance, mut one) = limited();
    let nulls = Value::list(vec![Value::Null; 2_000_000]);
    for large in [nulls, Value::from("a".repeat(LIMIT_BYTES).as_str())] {
        let parameters = Map::from_iter([("x".into(), large)]);
        let failure = run_with(&mut one, "RETURN size($x)", parameters, &RunOptions::default()).expect_err("too large");
        assert_eq!(failure.code(), Code::MemoryLimit, "{failure}");
    }
    let parameters = Map::from_iter([("x".into(), Value::from("a".repeat(LIMIT_BYTES / 3).as_str()))]);
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let shown = run_with(&mut one, "RETURN size($x)", parameters, &RunOptions::default()).expect("fits");
    assert_eq!(shown, (LIMIT_BYTES / 3).to_string());
    // The client's own is there already; the column has a copy.
    assert!(ALLOCATOR.peak_usage() - before < LIMIT_BYTES * 4 / 10, "{}", ALLOCATOR.peak_usage() - before);
}

#[test]
fn f51_metadata_is_a_note() {
    let _alone = ALONE.lock();
    let (_instance, mut one) = limited();
    let with = |items: usize| RunOptions {
        metadata: Map::from_iter([("x".into(), Value::list(vec![Value::Null; items]))]),
        ..RunOptions::default()
    };
    let failure = run_with(&mut one, "RETURN 1", Map::new(), &with(1_000_000)).expect_err("too much");
    assert_eq!(failure.code(), Code::InvalidArguments);
    assert_eq!(one.begin(&with(1_000_000)).expect_err("too much").code(), Code::InvalidArguments);
    one.begin(&with(1_000)).expect("a note");
    one.rollback().expect("is open");
}

#[test]
fn f52_changes_of_open_transactions_are_in_the_pool() {
    let _alone = ALONE.lock();
    let mut options = world::options(std::path::Path::new("/nowhere"));
    options.statements_memory_max_bytes = 64 << 20;
    let instance = Arc::new(Instance::in_memory(options).expect("opens"));
    let text = "UNWIND range(1, 8) AS i CREATE (:B {t: $t})";
    let parameters = || Map::from_iter([("t".into(), Value::from("a".repeat(1 << 20).as_str()))]);
    let mut open = Vec::new();
    let failure = loop {
        let mut one = session(&instance);
        one.begin(&RunOptions::default()).expect("begins");
        match run_with(&mut one, text, parameters(), &RunOptions::default()) {
            Ok(_) => open.push(one),
            Err(failure) => break failure,
        }
        assert!(open.len() < 100, "the pool has an end");
    };
    assert_eq!(failure.code(), Code::MemoryPool, "{failure}");
    assert!((3..=6).contains(&open.len()), "three quarters of the pool hold so many: {}", open.len());
    let mut watching = session(&instance);
    let held = "SHOW TRANSACTIONS YIELD estimatedUsedHeapMemory AS held WHERE held > 8000000 RETURN count(*)";
    check(&mut watching, held, &open.len().to_string());
    // What they hold goes with them, however they end.
    open.pop().expect("some").commit().expect("commits");
    open.pop().expect("some").rollback().expect("rolls back");
    drop(open);
    let pools = "CALL dbms.listPools() YIELD pool, heapMemoryUsedBytes AS used WHERE pool = 'Statements' RETURN used";
    check(&mut watching, pools, "'0'");
    run_with(&mut watching, text, parameters(), &RunOptions::default()).expect("there is room again");
}

/// An instance whose pool has room for a few transactions of 8 MB.
fn pooled(change: impl FnOnce(&mut instance::InstanceOptions)) -> Instance {
    let mut options = world::options(std::path::Path::new("/nowhere"));
    options.statements_memory_max_bytes = 64 << 20;
    change(&mut options);
    Instance::in_memory(options).expect("opens")
}

/// Begins a transaction that holds 8 MB of changes.
fn hold(session: &mut Session) {
    session.begin(&RunOptions::default()).expect("begins");
    let parameters = Map::from_iter([("t".into(), Value::from("a".repeat(1 << 20).as_str()))]);
    run_with(session, "UNWIND range(1, 8) AS i CREATE (:B {t: $t})", parameters, &RunOptions::default()).expect("fits");
}

const HELD: &str =
    "CALL dbms.listPools() YIELD pool, heapMemoryUsedBytes AS used WHERE pool = 'Statements' RETURN used <> '0'";
const IDLE: &str = "SHOW TRANSACTIONS YIELD transactionId AS id, currentQuery AS text, status, estimatedUsedHeapMemory AS held \
                    WHERE text = '' RETURN";

#[test]
fn f52_what_an_operator_ends_gives_back_at_once_what_it_holds() {
    let _alone = ALONE.lock();
    let instance = pooled(|options| {
        options.authentication = catalog::Authentication::Password { first: Some("admin-password".to_owned()) };
    });
    let mut admin = world::log_in(&instance, "admin");
    for user in ["ann", "bob"] {
        world::make(&mut admin, user);
        run(&mut admin, &format!("GRANT ROLE editor TO {user}")).expect("grants");
    }
    let [mut ann, mut bob] = ["ann", "bob"].map(|user| world::log_in(&instance, user));
    run(&mut admin, "CREATE (:B {t: 1})").expect("names are there");
    hold(&mut ann);
    check(&mut admin, HELD, "true");
    let id = run(&mut admin, &format!("{IDLE} id")).expect("lists");
    run(&mut admin, &format!("TERMINATE TRANSACTION {id}")).expect("ends it");
    check(&mut admin, HELD, "false");
    check(&mut admin, &format!("{IDLE} status, held"), "'Terminated' | 0");
    let heard = run(&mut ann, "RETURN 1").expect_err("it was ended");
    assert_eq!(heard.code(), Code::TransactionTerminated, "{heard}");
    ann.reset();
    check(&mut ann, "MATCH (n:B) RETURN count(n)", "1");
    // So does what somebody leaves open who is gone.
    hold(&mut bob);
    check(&mut admin, HELD, "true");
    run(&mut admin, "DROP USER bob").expect("drops");
    check(&mut admin, HELD, "false");
    bob.commit().expect_err("he is gone");
    check(&mut admin, "MATCH (n:B) RETURN count(n)", "1");
}

#[test]
fn f51_a_transaction_whose_time_is_over_ends_without_its_client() {
    let _alone = ALONE.lock();
    let instance = pooled(|options| options.statement_time_max = Some(std::time::Duration::from_millis(300)));
    let [mut idle, mut watching] = [session(&instance), session(&instance)];
    hold(&mut idle);
    check(&mut watching, &format!("{IDLE} status, held > 8000000"), "'Running' | true");
    std::thread::sleep(std::time::Duration::from_millis(350));
    // As a server does every second.
    instance.end_unattended();
    check(&mut watching, &format!("{IDLE} status, held"), "'Terminated' | 0");
    let heard = run(&mut idle, "RETURN 1").expect_err("its time is over");
    assert_eq!(heard.code(), Code::TransactionTimedOut, "{heard}");
}

#[test]
fn f52_a_statement_that_the_pool_never_has_room_for_hears_that_it_is_the_pool() {
    let _alone = ALONE.lock();
    let instance = pooled(|_| ());
    let mut one = session(&instance);
    for text in [
        "UNWIND range(1, 40000000) AS x WITH collect(x) AS l RETURN size(l)",
        "RETURN size(range(1, 60000000))",
        "RETURN size(reduce(s = '', x IN range(1, 100000) | s + 'a text that doubles' + s))",
    ] {
        let failure = run(&mut one, text).expect_err("64 MiB are not enough");
        let refusal = failure.refusal().unwrap_or_else(|| panic!("{failure}"));
        // Nobody else holds anything: to try again does not help.
        assert_eq!(
            (failure.code(), refusal.limit, refusal.max),
            (Code::MemoryLimit, "statements_memory_max", 64 << 20)
        );
        assert!(failure.message().contains("67108864 bytes for all statements"), "{failure}");
    }
    // A limit of the statement below that is named as ever.
    run(&mut one, "ALTER DATABASE sheaf SET LIMIT max_query_memory = 8MB").expect("sets");
    let failure =
        run(&mut one, "UNWIND range(1, 40000000) AS x WITH collect(x) AS l RETURN size(l)").expect_err("8 MB");
    assert_eq!(failure.refusal().map(|refusal| refusal.limit), Some("max_query_memory"), "{failure}");
}
