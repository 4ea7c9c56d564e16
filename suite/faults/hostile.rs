//! Rows C3 and C6: statements that are large, deep or crooked, and values at the edges of what can be stored.

use std::time::Duration;

use bolt::client::{Client, ClientError};
use bolt::{Request, Response, Run};
use suite::process::{Process, now, parameters, run_in};
use types::{Map, Value};

use crate::pairs::{DATABASE, count, integer};

/// How long one of them may take on a machine that is busy with other tests; alone it is a second at most.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a statement may go on after its client gave it up. The promise is 200 ms; the rest is the machine's.
const STOP_TIME_MAX: Duration = Duration::from_secs(3);
/// How many keys, labels and relationships one node gets.
const KEYS: u64 = 5_000;
const LABELS: u64 = 10_000;
const RELATIONSHIPS: u64 = 300_000;
/// More keys than a node can have.
const KEYS_TOO_MANY: u64 = 100_000;

fn joined(size: usize, part: impl Fn(usize) -> String, between: &str) -> String {
    (0..size).map(part).collect::<Vec<_>>().join(between)
}

/// A pattern of so many relationships around one node, which is slow to plan.
fn star(size: usize) -> String {
    format!("MATCH (a), {} RETURN count(*)", joined(size, |at| format!("(a)-[:R]->(b{at})"), ", "))
}

#[test]
fn c3_large_statements_are_answered_or_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Process::start(&folder.path().join("data"), [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    run_in(&mut client, DATABASE, "CREATE (:N {name: 'a'})-[:R]->(:N {name: 'b'})", Map::new()).expect("writes");
    let statements = [
        format!("RETURN {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("RETURN {}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("RETURN {}1{}", "{a: ".repeat(100_000), "}".repeat(100_000)),
        format!("RETURN {}true", "NOT ".repeat(100_000)),
        format!("RETURN {}true AS x", "true AND ".repeat(100_000)),
        format!("MATCH (n:{}A) RETURN n", "!".repeat(100_000)),
        format!("RETURN 1 AS x{}", " UNION RETURN 1 AS x".repeat(10_000)),
        format!("RETURN size('{}') AS x", "x".repeat(1_000_000)),
        format!("RETURN 1 AS x // {}", "x".repeat(1_000_000)),
        format!("RETURN '{}", "x".repeat(1_000_000)),
        format!("UNWIND [{}] AS r RETURN count(r) AS x", joined(30_000, |at| format!("{{id: {at}, name: 'n'}}"), ", ")),
        format!("CREATE {}", joined(30_000, |at| format!("(:L {{id: {at}}})"), ", ")),
        format!("MATCH (a){} RETURN count(*) AS x", "-->()".repeat(1_000)),
        format!("MATCH {} WHERE n0.x = 1 RETURN count(*) AS x", joined(1_000, |at| format!("(n{at}:N)"), ", ")),
        format!("MATCH (n:{}) RETURN n", joined(100_000, |at| format!("L{at}"), "&")),
        format!("MATCH (n:{}) RETURN n", joined(5_000, |at| format!("L{at}"), "|")),
        format!("MATCH (n) WHERE {} RETURN n", joined(10_000, |at| format!("n.name = '{at}'"), " OR ")),
        star(1_000),
        star(20_000),
    ];
    for text in statements {
        let (shown, asked): (String, _) = (text.chars().take(40).collect(), now());
        match run_in(&mut client, DATABASE, &text, Map::new()) {
            Ok(rows) => assert!(rows.len() <= 1, "{shown}...: {} rows", rows.len()),
            Err(error) => {
                assert!(error.status().is_some(), "{shown}...: {error}; {}", server.log());
                assert_eq!(error.code(), types::Code::SyntaxError, "{shown}...: {error}");
                client = server.connect().expect("connects again");
            }
        }
        assert!(asked.elapsed() < ANSWER_TIME_MAX, "{shown}... took {:?}", asked.elapsed());
    }
    assert_eq!(count(&mut client, DATABASE, "MATCH (n:N) RETURN count(n)"), 2);
    assert!(server.stop().expect("stops").success());
}

#[test]
fn c3_a_reset_ends_a_statement_that_is_planned() {
    let folder = tempfile::tempdir().expect("a folder");
    // One statement at a time: whoever comes next waits for the end of the one before.
    let server = Process::start(&folder.path().join("data"), [("SHEAF_RUNNING_MAX", "1")]).expect("starts");
    let mut watcher = server.connect().expect("connects");
    let text = star(9_000);
    for _ in 0..3 {
        let mut client = server.connect().expect("connects");
        let before = server.processor_time().expect("asks");
        let connection = client.connection();
        connection.send(&Request::Run(Run { text: text.clone(), ..Run::default() })).expect("fits");
        connection.flush().expect("the server listens");
        let asked = now();
        while server.processor_time().expect("asks") < before + Duration::from_millis(300) {
            assert!(asked.elapsed() < ANSWER_TIME_MAX, "nothing is planned; {}", server.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        let left = now();
        connection.send(&Request::Reset).expect("fits");
        connection.flush().expect("the server listens");
        let first = connection.receive().expect("the statement is answered");
        assert!(matches!(first, Response::Failure { .. } | Response::Ignored), "it was planned already: {first:?}");
        assert!(matches!(connection.receive(), Ok(Response::Success(_))));
        assert_eq!(count(&mut watcher, DATABASE, "RETURN 1"), 1);
        assert!(left.elapsed() < STOP_TIME_MAX, "it went on for {:?}", left.elapsed());
    }
    assert!(server.stop().expect("stops").success());
}

/// Runs a statement that gives one value.
fn one(client: &mut Client, text: &str, values: Map) -> Result<Value, ClientError> {
    let mut rows = run_in(client, DATABASE, text, values)?;
    Ok(rows.pop().and_then(|mut row| row.pop()).unwrap_or(Value::Null))
}

#[test]
fn c6_values_at_the_edges_come_back_as_they_went() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Process::start(&folder.path().join("data"), [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    let texts = ["", "\0", "a\0b", "\u{fffe}", "\u{10ffff}", "e\u{301}"].map(Value::string);
    let numbers = [i64::MIN, i64::MAX, 0, -1].map(Value::Integer);
    let floats =
        [f64::NAN, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, 5e-324, f64::MAX].map(Value::Float);
    let long = Value::string("x".repeat(16 << 20));
    let values = texts.into_iter().chain(numbers).chain(floats).chain([long]);
    for value in values {
        // Bits, because a NaN equals nothing and zeros equal each other.
        let bits = |value: &Value| match value {
            Value::Float(float) => format!("{:x}", float.to_bits()),
            other => format!("{other:?}"),
        };
        let text = "CREATE (n:Edge {value: $value}) RETURN n.value";
        let made = one(&mut client, text, parameters([("value", value.clone())])).expect("is stored");
        assert_eq!(bits(&made), bits(&value));
        let kept = one(&mut client, "MATCH (n:Edge) RETURN n.value", Map::new()).expect("is read");
        assert_eq!(bits(&kept), bits(&value));
        run_in(&mut client, DATABASE, "MATCH (n:Edge) DELETE n", Map::new()).expect("is deleted");
    }
    assert!(server.stop().expect("stops").success());
}

#[test]
fn c6_a_node_has_many_keys_labels_and_relationships() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Process::start(&folder.path().join("data"), [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    let asked = now();
    let keys = |many| -> Map { (0..many).map(|at| (format!("key{at}").into(), integer(at))).collect() };
    let too_wide = parameters([("wide", Value::map(keys(KEYS_TOO_MANY)))]);
    let refused = run_in(&mut client, DATABASE, "CREATE (n:Wide) SET n = $wide", too_wide).expect_err("is too wide");
    assert_eq!(refused.code(), types::Code::ArgumentError, "{refused}");
    let wide = keys(KEYS);
    let values = || parameters([("wide", Value::map(wide.clone()))]);
    run_in(&mut client, DATABASE, "CREATE (n:Wide) SET n = $wide", values()).expect("is stored");
    run_in(&mut client, DATABASE, "MATCH (n:Wide) SET n += $wide, n.key7 = null", values()).expect("is changed");
    let read = one(&mut client, "MATCH (n:Wide) RETURN properties(n)", Map::new()).expect("is read");
    let Value::Map(read) = read else { panic!("a map is wanted") };
    assert_eq!(read.len() as u64, KEYS - 1);
    assert!(read.iter().all(|(key, value)| wide.get(key) == Some(value)));

    let labels = Value::list((0..LABELS).map(|at| Value::string(format!("L{at}"))).collect());
    run_in(&mut client, DATABASE, "CREATE (n:Much) SET n:$($labels)", parameters([("labels", labels)]))
        .expect("is stored");
    assert_eq!(count(&mut client, DATABASE, "MATCH (n:L9999) RETURN size(labels(n))"), LABELS + 1);

    let hub = "CREATE (hub:Hub) WITH hub UNWIND range(1, $many) AS i CREATE (hub)-[:SPOKE {i: i}]->(:Leaf)";
    run_in(&mut client, DATABASE, hub, parameters([("many", integer(RELATIONSHIPS))])).expect("is stored");
    let text = "MATCH (:Hub)-[r:SPOKE]->(:Leaf) RETURN sum(r.i)";
    assert_eq!(count(&mut client, DATABASE, text), RELATIONSHIPS * (RELATIONSHIPS + 1) / 2);
    run_in(&mut client, DATABASE, "MATCH (hub:Hub) DETACH DELETE hub", Map::new()).expect("is deleted");
    assert_eq!(count(&mut client, DATABASE, "MATCH ()-[r:SPOKE]->() RETURN count(r)"), 0);
    // Quadratic time would be hours.
    assert!(asked.elapsed() < ANSWER_TIME_MAX * 4, "it took {:?}", asked.elapsed());
    assert!(server.stop().expect("stops").success());
}
