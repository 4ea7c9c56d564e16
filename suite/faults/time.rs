//! Group E: whatever a statement does, it ends soon after its time is over, and it takes no more than its memory.

use std::thread;
use std::time::Duration;

use bolt::client::Client;
use suite::process::{Process, now, run_in};
use types::{Code, Map, Value};

/// What the database says; what a statement may take longer is the machine's, which runs other tests too.
const TIME_MAX: Duration = Duration::from_secs(1);
const LATE_MAX: Duration = Duration::from_secs(3);
/// What the server may have in memory: four statements at a time hold a quarter of a gigabyte each, and as much again
/// is on its way through their operators.
const RESIDENT_MAX_BYTES: u64 = 3 << 30;
const CLIENTS: usize = 2;

/// A list of few bytes with 10^12 parts.
const ENDLESS: &str =
    "WITH range(1, 1000) AS a WITH a, [x IN a | a] AS b WITH a, [x IN a | b] AS c WITH [x IN a | c] AS d ";
/// A text of 8 MiB.
const LONG: &str = "WITH reduce(s = 'ab', x IN range(1, 22) | s + s) AS t ";

/// Statements by what of them takes so long. Each would take minutes, and some of them for ever.
const HEAVY: &[(&str, &str)] = &[
    ("rows of a range", "UNWIND range(1, 100000000000) AS n RETURN count(n)"),
    ("a product", "MATCH (a), (b), (c), (d) RETURN count(*)"),
    ("a join by a condition", "MATCH (a:N), (b:N), (c:N), (d:N) WHERE a.n + b.n + c.n = d.n + 0.5 RETURN count(*)"),
    ("a sort", "MATCH (a:N), (b:N), (c:N) WITH a, b ORDER BY a.n * b.n RETURN count(*)"),
    ("a sort by lists", "UNWIND range(1, 1000000) AS n WITH n ORDER BY [1, 2, 3, n % 7, n] RETURN count(n)"),
    ("a sort by endless lists", "ENDLESS UNWIND [d, d] AS e WITH e ORDER BY e RETURN count(e)"),
    ("different values", "UNWIND range(1, 1000000000) AS n RETURN count(DISTINCT n)"),
    ("groups", "UNWIND range(1, 1000000000) AS n RETURN n AS k, count(*) AS c ORDER BY c LIMIT 1"),
    ("percentiles", "UNWIND range(1, 1000000000) AS n RETURN percentileCont(n, 0.5)"),
    ("a collected list", "UNWIND range(1, 1000000000) AS n RETURN size(collect(n))"),
    ("equality", "ENDLESS RETURN d = d"),
    ("an inequality", "ENDLESS RETURN d < d"),
    ("a hash", "ENDLESS UNWIND [d, 1] AS e RETURN count(DISTINCT e)"),
    ("a list in a list", "ENDLESS RETURN d IN [d]"),
    ("a value in long lists", "WITH range(1, 1000000) AS l UNWIND range(1, 1000000) AS n RETURN count([n] IN l)"),
    ("a list that grows", "RETURN size(reduce(a = [], x IN range(1, 10000000) | a + x))"),
    ("a list of all pairs", "RETURN size([a IN range(1, 100000) | size([b IN range(1, 100000) | b * a])])"),
    ("a quantifier", "RETURN all(a IN range(1, 30000) WHERE any(b IN range(1, 30000) WHERE a * b < 0))"),
    ("a text that grows", "RETURN size(reduce(s = 'a', x IN range(1, 60) | s + s))"),
    ("texts replaced", "LONG UNWIND range(1, 1000000) AS n RETURN sum(size(replace(t, 'a', toString(n))))"),
    ("texts split", "LONG UNWIND range(1, 1000000) AS n RETURN sum(size(split(t, 'a')))"),
    ("texts compared", "LONG UNWIND range(1, 1000000) AS n RETURN count(t + n = t + 'b')"),
    ("patterns of texts", "LONG UNWIND range(1, 1000000) AS n RETURN count(t =~ '(a|b)*c')"),
    ("different patterns", "UNWIND range(1, 1000000) AS n RETURN count('a' =~ ('(a{1,500}){1,20}' + n))"),
    ("texts in order", "LONG UNWIND range(1, 1000000) AS n WITH t, n ORDER BY n RETURN count(t)"),
    ("texts in lists", "LONG UNWIND range(1, 1000000) AS n WITH [t, n] AS l RETURN count(DISTINCT l)"),
    (
        "texts chosen",
        "LONG UNWIND range(1, 1000000) AS n WITH CASE n % 2 WHEN 0 THEN t ELSE 'x' END AS c RETURN count(DISTINCT c)",
    ),
    ("texts in maps", "LONG UNWIND range(1, 1000000) AS n WITH {t: t, n: n} AS m RETURN count(DISTINCT m)"),
    (
        "texts in many rows",
        "LONG UNWIND range(1, 4) AS m WITH t + m AS t UNWIND range(1, 100000) AS n RETURN count(t + n)",
    ),
    ("trails", "MATCH p = (a:N)-[:R*]->(b:N) RETURN count(p)"),
    ("quantified trails", "MATCH p = (a:N) ((x)-[:R]->(y) WHERE x.n <> y.n){1,40} (b:N) RETURN count(p)"),
    ("shortest paths", "UNWIND range(1, 10000) AS n MATCH p = shortestPath((a:N)-[:R*]-(b:N)) RETURN count(p)"),
    ("all shortest", "MATCH p = ALL SHORTEST (a:N)-[:R]-+(b:N) MATCH q = ALL SHORTEST (b)-[:R]-+(c:N) RETURN count(q)"),
    (
        "a search for words",
        "UNWIND range(1, 1000000) AS n CALL db.index.fulltext.queryNodes('words', 'w* OR v*') YIELD node RETURN count(node)",
    ),
    (
        "a search for vectors",
        "UNWIND range(1, 1000000) AS n CALL db.index.vector.queryNodes('near', 100, [1.0, 2.0, n]) YIELD node RETURN count(node)",
    ),
    ("subqueries", "UNWIND range(1, 1000000) AS n CALL (n) { MATCH (a:N), (b:N) RETURN count(*) AS c } RETURN sum(c)"),
    ("counted subqueries", "MATCH (a:N) RETURN sum(COUNT { MATCH (a), (b:N), (c:N), (d:N) })"),
    ("a union", "RETURN 1 AS x UNION UNWIND range(1, 100000000000) AS n RETURN count(n) AS x"),
    ("what is made", "UNWIND range(1, 100000000) AS n CREATE (:M {n: n, text: toString(n)})"),
    ("what is made in a loop", "FOREACH (x IN range(1, 30000000) | CREATE (:M {x: x}))"),
    ("what is merged", "UNWIND range(1, 100000000) AS n MERGE (:M {n: n})"),
    ("what is set", "MATCH (a:N), (b:N), (c:N), (d:N) SET a.x = b.n + d.n"),
    ("what is made in batches", "UNWIND range(1, 100000000) AS n CALL (n) { CREATE (:B) } IN TRANSACTIONS OF 100 ROWS"),
    ("one long batch", "CALL () { UNWIND range(1, 100000000) AS n CREATE (:B) } IN TRANSACTIONS OF 1 ROW"),
    ("a listing", "SHOW FUNCTIONS YIELD name WHERE all(x IN range(1, 20000000) WHERE x > 0) RETURN count(name)"),
    ("a list without end", "RETURN reduce(l = [1], x IN range(1, 60) | [l, l]) AS endless"),
    ("a list without bottom", "RETURN size(reduce(l = [], x IN range(1, 10000000) | [l])) AS deep"),
    ("a map without bottom", "RETURN keys(reduce(m = {}, x IN range(1, 10000000) | {m: m})) AS deep"),
    ("nodes many times over", "MATCH (n:N) WITH collect(n) AS a WITH [x IN range(1, 10000) | a] AS b RETURN b"),
    ("a plan", "PLAN"),
    ("many plans", "MERGES"),
];

fn text_of(text: &str) -> String {
    let joined = |part: &dyn Fn(usize) -> String, between: &str| (0..9_000).map(part).collect::<Vec<_>>().join(between);
    match text {
        "PLAN" => format!("MATCH (a), {} RETURN count(*)", joined(&|at| format!("(a)-[:R]->(b{at})"), ", ")),
        "MERGES" => joined(&|at| format!("MERGE (a{at}:L {{x: {at}}})"), " "),
        text => text.replace("ENDLESS ", ENDLESS).replace("LONG ", LONG),
    }
}

fn prepare(client: &mut Client) {
    for text in [
        "CREATE VECTOR INDEX near FOR (n:N) ON (n.v) OPTIONS {indexConfig: {`vector.dimensions`: 3}}",
        "CREATE FULLTEXT INDEX words FOR (n:N) ON EACH [n.words]",
        "UNWIND range(1, 300) AS n CREATE (:N {n: n, words: 'w' + n + ' v' + n % 7, v: [n, n % 7, 1.0]})",
        "MATCH (a:N), (b:N) WHERE a.n < b.n AND (a.n * b.n) % 11 = 1 CREATE (a)-[:R]->(b)",
        "CALL db.awaitIndexes(60)",
        "ALTER DATABASE sheaf SET LIMIT max_query_time = 1s, max_query_memory = 256MiB",
    ] {
        run_in(client, "sheaf", text, Map::new()).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn e_f51_whatever_takes_long_ends_in_time_and_within_its_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Process::start(&folder.path().join("data"), [("", ""); 0]).expect("starts");
    prepare(&mut server.connect().expect("connects"));
    let complaints: Vec<String> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let server = &server;
                scope.spawn(move || {
                    HEAVY.iter().skip(number).step_by(CLIENTS).filter_map(|heavy| try_one(server, heavy)).collect()
                })
            })
            .collect();
        clients
            .into_iter()
            .flat_map(|client| client.join().unwrap_or_else(|_| vec!["a client died".to_owned()]))
            .collect()
    });
    assert!(complaints.is_empty(), "{}\n{}", complaints.join("\n"), server.log());
    let mut client = server.connect().expect("it lives");
    for (label, expected) in [("N", 300), ("M", 0), ("L", 0)] {
        let text = format!("MATCH (n:{label}) RETURN count(n)");
        assert_eq!(run_in(&mut client, "sheaf", &text, Map::new()).expect("counts"), [[Value::Integer(expected)]]);
    }
    assert!(server.stop().expect("stops").success());
}

/// Runs one of them; complains where it goes on for too long, takes too much, or ends with something else.
fn try_one(server: &Process, (what, text): &(&str, &str)) -> Option<String> {
    let mut client = server.connect().ok()?;
    let begun = now();
    let ended = run_in(&mut client, "sheaf", &text_of(text), Map::new());
    let taken = begun.elapsed();
    let resident = server.resident_bytes().unwrap_or(u64::MAX);
    let code = match &ended {
        Ok(rows) => return Some(format!("{what}: it was done, with {} rows", rows.len())),
        Err(error) => error.code(),
    };
    println!("{what}: {code:?} after {taken:?}, {} MiB", resident >> 20);
    let is_right = matches!(code, Code::TransactionTimedOut | Code::MemoryLimit);
    (!is_right || taken > TIME_MAX + LATE_MAX || resident > RESIDENT_MAX_BYTES)
        .then(|| format!("{what}: {code:?} after {taken:?}, {} MiB in memory", resident >> 20))
}

#[test]
fn e_f51_time_counts_while_a_statement_waits_to_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Process::start(&folder.path().join("data"), [("SHEAF_RUNNING_MAX", "1")]).expect("starts");
    let mut client = server.connect().expect("connects");
    for text in [
        "CREATE DATABASE other",
        "ALTER DATABASE sheaf SET LIMIT max_query_time = 1s",
        "ALTER DATABASE other SET LIMIT max_query_time = 10s",
    ] {
        run_in(&mut client, "sheaf", text, Map::new()).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    let before = server.processor_time().expect("asks");
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut other = server.connect().expect("connects");
            run_in(&mut other, "other", "UNWIND range(1, 100000000000) AS n RETURN count(n)", Map::new())
        });
        // It has the only place by now.
        while server.processor_time().expect("asks") < before + Duration::from_millis(300) {
            thread::sleep(Duration::from_millis(20));
        }
        let begun = now();
        let ended = run_in(&mut client, "sheaf", "RETURN 1", Map::new());
        let taken = begun.elapsed();
        assert_eq!(ended.err().map(|error| error.code()), Some(Code::TransactionTimedOut));
        assert!(taken < TIME_MAX + LATE_MAX, "it waited {taken:?}");
    });
    assert!(server.stop().expect("stops").success());
}
