//! Statements planned and run over graphs in memory.

use std::cell::Cell;
use std::sync::Arc;

use cypher::ast::{Body, GraphReference};
use types::{Code, Failure, Value, text};

use crate::prepare::{Graphs, Prepared};
use crate::procedure::Procedure;
use crate::source::Source;
use crate::testing::{Memory, World};

/// Graphs by name; where looks are counted, whoever waits gives up at the last one.
struct Named<'a>(&'a [Box<dyn Source>], Cell<Option<u64>>);

impl Graphs for Named<'_> {
    fn number(&mut self, reference: &GraphReference) -> Result<u16, Failure> {
        let wanted = reference.parts[0].text.as_str();
        let found = self.0.iter().position(|source| source.database() == wanted);
        let missing = || Failure::new(Code::DatabaseNotFound, format!("there is no database {wanted}"));
        found.map(|place| u16::try_from(place).expect("few")).ok_or_else(missing)
    }

    fn source(&self, number: u16) -> &dyn Source {
        self.0[usize::from(number)].as_ref()
    }

    fn procedure(&self, _: &str) -> Option<Arc<dyn Procedure>> {
        None
    }

    fn look(&self) -> Result<(), Failure> {
        match self.1.get() {
            Some(0) => Err(Failure::new(Code::TransactionTerminated, "nobody waits any more")),
            left => {
                self.1.set(left.map(|looks| looks - 1));
                Ok(())
            }
        }
    }
}

pub(super) fn prepared(world: &World, statement: &str) -> Result<Prepared, Failure> {
    let Body::Query(query) = cypher::parse(statement)?.body else { panic!("a query is wanted") };
    super::prepare(statement, &query, &mut Named(&world.sources, Cell::new(None)))
}

/// Plans a statement as it is written, clause by clause and node by node.
pub(super) fn prepared_as_written(world: &World, statement: &str) -> Result<Prepared, Failure> {
    let Body::Query(query) = cypher::parse(statement)?.body else { panic!("a query is wanted") };
    super::prepare_by(statement, &query, &mut Named(&world.sources, Cell::new(None)), super::Order::AsWritten)
}

pub(super) fn run(world: &mut World, statement: &str) -> Result<Vec<String>, Failure> {
    let prepared = prepared(world, statement)?;
    rows_of(world, &prepared)
}

/// Runs a plan; writes its rows.
pub(super) fn rows_of(world: &mut World, prepared: &Prepared) -> Result<Vec<String>, Failure> {
    world.run(|context| {
        let mut execution = prepared.start();
        let mut rows = Vec::new();
        while let Some(batch) = execution.next(context)? {
            for row in 0..batch.rows {
                let values = batch.columns.iter().map(|column| shown(&column.get(row)));
                rows.push(values.collect::<Vec<_>>().join(" | "));
            }
        }
        Ok(rows)
    })
}

fn shown(value: &Value) -> String {
    match value {
        Value::NodeRef(node) => format!("({})", node.id),
        Value::RelationshipRef(found) => format!("[{}]", found.id),
        Value::PathRef(path) => {
            let ids: Vec<String> = path.nodes().iter().map(|node| node.id.to_string()).collect();
            format!("<{}>", ids.join("-"))
        }
        Value::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        other => text::literal(other),
    }
}

#[track_caller]
fn check(world: &mut World, statement: &str, expected: &str) {
    let found = run(world, statement);
    let found =
        found.map_or_else(|failure| failure.message().lines().next().unwrap_or("").to_owned(), |rows| rows.join("\n"));
    assert_eq!(found, expected.replace("; ", "\n"), "{statement}");
}

/// Two companies, three people who know each other, two of whom work.
fn people() -> World {
    let name = |name: &str| [("name", Value::string(name))];
    let graph = Memory::new("people")
        .node(&["Person"], &[("name", "Ann".into()), ("age", 30.into())])
        .node(&["Person"], &[("name", "Bob".into()), ("age", 40.into())])
        .node(&["Person"], &[("name", "Cid".into()), ("age", 50.into())])
        .node(&["Firm"], &name("Acme"))
        .node(&["Firm"], &name("Bolt"))
        .relationship(0, "KNOWS", 1, &[("since", 2001.into())])
        .relationship(1, "KNOWS", 2, &[("since", 2002.into())])
        .relationship(2, "KNOWS", 0, &[("since", 2003.into())])
        .relationship(0, "WORKS_AT", 3, &[])
        .relationship(1, "WORKS_AT", 4, &[])
        .index("Person", &["name"]);
    World::of(graph)
}

#[test]
fn patterns() {
    let world = &mut people();
    check(world, "RETURN 1 AS one, 'a' AS a", "1 | 'a'");
    check(world, "MATCH (n:Person) RETURN n.name ORDER BY n.age DESC", "'Cid'; 'Bob'; 'Ann'");
    check(world, "MATCH (n {name: 'Bob'})-[:KNOWS]->(m) RETURN m.name", "'Cid'");
    check(
        world,
        "MATCH (n:Person {name: 'Bob'})-[r:KNOWS]-(m) RETURN m.name, r.since ORDER BY r.since",
        "'Ann' | 2001; 'Cid' | 2002",
    );
    check(world, "MATCH (a)-[:KNOWS]->(b)-[:KNOWS]->(c) WHERE a.name = 'Ann' RETURN c.name", "'Cid'");
    check(world, "MATCH p = (a {name: 'Ann'})-[:KNOWS*1..2]->(b) RETURN p", "<0-1>; <0-1-2>");
    check(world, "MATCH p = (a)-[:KNOWS*2]->(b:Person {name: 'Ann'}) RETURN p", "<1-2-0>");
    check(
        world,
        "MATCH (a:Person) OPTIONAL MATCH (a)-[:WORKS_AT]->(f) RETURN a.name, f.name ORDER BY a.name",
        "'Ann' | 'Acme'; 'Bob' | 'Bolt'; 'Cid' | null",
    );
    check(world, "MATCH (a:Person), (f:Firm) RETURN count(*)", "6");
    check(
        world,
        "MATCH (a:Person), (b:Person) WHERE a.age + 10 = b.age RETURN a.name, b.name ORDER BY a.name",
        "'Ann' | 'Bob'; 'Bob' | 'Cid'",
    );
    check(world, "MATCH (a:Person) WHERE (a)-[:WORKS_AT]->() RETURN a.name ORDER BY a.name", "'Ann'; 'Bob'");
    check(world, "MATCH (a:Person) WHERE NOT EXISTS { (a)-[:WORKS_AT]->() } RETURN a.name", "'Cid'");
    check(
        world,
        "MATCH (a:Person) RETURN a.name AS name, [(a)-[:KNOWS]->(b) | b.name] AS known ORDER BY name",
        "'Ann' | ['Bob']; 'Bob' | ['Cid']; 'Cid' | ['Ann']",
    );
    check(
        world,
        "MATCH (a:Person) RETURN a.name, COUNT { (a)--() } AS n ORDER BY n DESC, a.name LIMIT 2",
        "'Ann' | 3; 'Bob' | 3",
    );
    check(
        world,
        "MATCH (a)-[r]->(b) WITH r MATCH (x)-[r]->(y:Firm) RETURN x.name, y.name ORDER BY x.name",
        "'Ann' | 'Acme'; 'Bob' | 'Bolt'",
    );
}

#[test]
fn projections() {
    let world = &mut people();
    check(
        world,
        "MATCH (n:Person) WITH n.name AS name, n.age AS age WHERE age > 30 RETURN name ORDER BY age",
        "'Bob'; 'Cid'",
    );
    check(world, "MATCH (n) RETURN labels(n) AS l, count(*) AS c ORDER BY c", "['Firm'] | 2; ['Person'] | 3");
    check(
        world,
        "MATCH (n:Person) RETURN sum(n.age) / count(*) AS mean, collect(n.name) AS names",
        "40 | ['Ann', 'Bob', 'Cid']",
    );
    check(world, "UNWIND [1, 2, 2, 3] AS x RETURN DISTINCT x ORDER BY x DESC SKIP 1 LIMIT 1", "2");
    check(world, "UNWIND [1, 2] AS x WITH x, x * 2 AS y RETURN x + y AS z", "3; 6");
    check(world, "RETURN 1 AS x UNION RETURN 1 AS x UNION RETURN 2 AS x", "1; 2");
    check(world, "RETURN 1 AS x UNION ALL RETURN 1 AS x", "1; 1");
    check(world, "MATCH (n:Person) RETURN count(n)", "3");
    check(world, "MATCH ()-[r:KNOWS]->() RETURN count(r)", "3");
    check(world, "UNWIND [3, 1, 2] AS x CALL { WITH x RETURN x * 10 AS y } RETURN y ORDER BY y", "10; 20; 30");
    check(
        world,
        "UNWIND [1, 2] AS x CALL (x) { UNWIND range(1, x) AS i RETURN sum(i) AS s } RETURN x, s",
        "1 | 1; 2 | 3",
    );
    check(
        world,
        "MATCH (n:Person) WITH n ORDER BY n.age LIMIT 1 MATCH (n)-[:KNOWS]->(m) RETURN n.name, m.name",
        "'Ann' | 'Bob'",
    );
    check(
        world,
        "RETURN [x IN [1,2,3] WHERE x > 1 | x * 2] AS l, reduce(a = 0, x IN [1,2] | a + x) AS r",
        "[4, 6] | 3",
    );
    check(
        world,
        "MATCH (n:Person) RETURN n.name AS name, count { MATCH (n)-[:KNOWS]->(m) RETURN m } AS c ORDER BY name LIMIT 1",
        "'Ann' | 1",
    );
    check(
        world,
        "MATCH (n:Person) RETURN n.name AS name, COLLECT { MATCH (n)-[:KNOWS]->(m) RETURN m.name ORDER BY m.name LIMIT 1 } AS c ORDER BY name LIMIT 1",
        "'Ann' | ['Bob']",
    );
}

#[test]
fn ranges_and_long_lists_are_not_held() {
    let world = &mut people();
    check(world, "UNWIND range(1, 1000000000000) AS x WITH x LIMIT 3 RETURN x", "1; 2; 3");
    check(
        world,
        "UNWIND range(1, 2000) AS a UNWIND range(1, 1000) AS b RETURN count(*), sum(a), sum(b)",
        "2000000 | 2001000000 | 1001000000",
    );
    check(world, "UNWIND range(1, 2000) AS a UNWIND [x IN range(1, 1000) | x] AS b RETURN count(*)", "2000000");
    check(world, "UNWIND range(5, 1, -2) AS x RETURN x", "5; 3; 1");
    check(world, "UNWIND range(1, null) AS x RETURN x", "");
    check(world, "UNWIND [[1, 2], null, 3] AS x UNWIND x AS y RETURN y", "1; 2; 3");
    let refused = run(world, "UNWIND range(1, 2, 0) AS x RETURN x").expect_err("a step of zero");
    assert_eq!(refused.code(), Code::ArgumentError);
}

#[test]
fn expressions_stay_within_their_memory() {
    let world = &mut people();
    for statement in [
        "RETURN size(reduce(s = 'x', i IN range(1, 40) | s + s))",
        "RETURN size(reduce(s = [1], i IN range(1, 40) | s + s))",
        "WITH reduce(s = 'x', i IN range(1, 20) | s + s) AS b RETURN size([x IN range(1, 400) | b + x])",
    ] {
        let refused = run(world, statement).expect_err(statement);
        assert_eq!(refused.code(), Code::MemoryLimit, "{statement}");
    }
    check(world, "RETURN all(x IN range(1, 5000) WHERE any(y IN range(1, 100) WHERE y > 99)) AS a", "true");
    check(world, "RETURN size([x IN range(1, 3000) WHERE x % 2 = 0 | x]) AS n", "1500");
}

#[test]
fn what_is_too_long_is_refused() {
    let world = &mut people();
    for statement in
        [format!("RETURN 1{}", "<1".repeat(2_000)), format!("RETURN 1 AS a{}", " UNION RETURN 1 AS a".repeat(10_001))]
    {
        let refused = prepared(world, &statement).expect_err("too long");
        assert_eq!(refused.code(), Code::SyntaxError);
        assert!(refused.message().contains("at most"), "{}", refused.message().lines().next().unwrap_or(""));
    }
}

#[test]
fn each_part_knows_its_database() {
    let world = &mut people().and(Memory::new("other").node(&["Order"], &[]));
    check(world, "RETURN database() AS d UNION USE other RETURN database() AS d", "'people'; 'other'");
    let plan = prepared(world, "MATCH (o:Order) FROM DATABASE other RETURN o").expect("a plan").describe();
    assert_eq!(plan.arguments.get("Database"), Some(&Value::string("other")));
}

#[test]
fn a_range_finds_what_a_comparison_does() {
    let node = |graph: Memory, text: &str| graph.node(&["V"], &[("v", Value::string(text))]);
    let graph = ["b", "a", "c"].into_iter().fold(Memory::new("values"), node);
    let world = &mut World::of(graph.index("V", &["v"]));
    check(
        world,
        "MATCH (n:V) SET n.v = duration({days: 1}) WITH n MATCH (m:V) WHERE m.v < duration({days: 9}) RETURN m",
        "",
    );
    check(
        world,
        "MATCH (n:V) SET n.v = 'b' WITH DISTINCT 1 AS x MATCH (m:V) WHERE 'a' < m.v <= 'b' RETURN count(m)",
        "3",
    );
}

#[test]
fn writes() {
    let mut world = World::of(Memory::new("empty"));
    check(&mut world, "CREATE (a:A {k: 1})-[r:R {w: 2}]->(b:B) RETURN a.k, r.w, labels(b) AS l", "1 | 2 | ['B']");
    assert_eq!(world.show(0), "(0:A {k: 1}) (1:B) 0-[0:R {w: 2}]->1");
    check(
        &mut world,
        "UNWIND [1, 2, 1] AS k MERGE (c:C {k: k}) ON CREATE SET c.new = true ON MATCH SET c.new = false RETURN c.k",
        "1; 2; 1",
    );
    check(&mut world, "MATCH (c:C) RETURN c.k, c.new ORDER BY c.k", "1 | false; 2 | true");
    check(
        &mut world,
        "MATCH (c:C) SET c.k = c.k + 1, c:D REMOVE c.new RETURN c.k, labels(c) AS l ORDER BY c.k",
        "2 | ['C', 'D']; 3 | ['C', 'D']",
    );
    check(&mut world, "MATCH (a:A), (b:B) MERGE (a)-[r:R]->(b) RETURN r.w", "2");
    check(&mut world, "MATCH (a:A), (b:B) MERGE p = (b)-[:BACK]->(a) RETURN p", "<1-0>");
    check(&mut world, "MATCH (n) CREATE (m:M) RETURN count(*)", "4");
    check(&mut world, "FOREACH (i IN [1, 2] | CREATE (:F {i: i}))", "");
    check(&mut world, "MATCH (f:F) RETURN f.i ORDER BY f.i", "1; 2");
    check(&mut world, "CREATE (n:New) WITH n MATCH (m:New) RETURN m = n AS same", "true");
    check(&mut world, "CREATE (n)-[:NEW]->(n) WITH n MATCH (n)-[:NEW]->(m) RETURN m = n AS same", "true");
    check(&mut world, "CREATE (n:O {k: 5}) WITH n MATCH (m:C), (o:O) WHERE o.k = 5 RETURN count(*) AS c", "2");
    check(&mut world, "CREATE (a:Z {v: 1}), (:Z {v: a.v + 1})", "");
    check(&mut world, "MATCH (z:Z) RETURN z.v ORDER BY z.v", "1; 2");
    check(&mut world, "CREATE (:L0) RETURN 1 AS x LIMIT 0", "");
    check(&mut world, "MATCH (n:L0) RETURN count(*) AS c", "1");
    check(&mut world, "MATCH (n) DETACH DELETE n", "");
    check(&mut world, "MATCH (n) RETURN count(*)", "0");
}

#[test]
fn many_databases() {
    let other = Memory::new("other")
        .node(&["Order"], &[("buyer", "Ann".into()), ("sum", 7.into())])
        .node(&["Order"], &[("buyer", "Cid".into()), ("sum", 9.into())]);
    let world = &mut people().and(other);
    check(
        world,
        "MATCH (p:Person) MATCH (o:Order) FROM DATABASE other WHERE o.buyer = p.name RETURN p.age, o.sum ORDER BY o.sum",
        "30 | 7; 50 | 9",
    );
    check(world, "USE other MATCH (o) RETURN count(*)", "2");
    check(world, "MATCH (o:Order) FROM DATABASE other MATCH (o)-->(x) RETURN x", "");
    check(
        world,
        "USE other MATCH (o) RETURN o.sum AS v UNION ALL MATCH (p:Person) RETURN p.age AS v",
        "7; 9; 30; 40; 50",
    );
    let failure = run(world, "CREATE (:A) WITH 1 AS x CREATE (:B) IN DATABASE other").expect_err("two are written");
    assert_eq!(failure.code(), Code::WriteToManyDatabases);
}

#[test]
fn errors() {
    let world = &mut people();
    for (statement, wanted) in [
        ("RETURN x", "UndefinedVariable"),
        ("MATCH (a) RETURN a.x AS x, a.y AS x", "ColumnNameConflict"),
        ("MATCH (r)-[r]->() RETURN r", "VariableTypeConflict"),
        ("MATCH (a) CREATE (a)", "VariableAlreadyBound"),
        ("RETURN 1 AS x UNION RETURN 2 AS y", "DifferentColumnsInUnion"),
        ("MATCH (a) RETURN a.x + count(*)", "AmbiguousAggregationExpression"),
        ("RETURN count(count(1))", "NestedAggregation"),
        ("MATCH (a) RETURN a LIMIT a.x", "NonConstantExpression"),
        ("MATCH (a) WHERE count(a) > 1 RETURN a", "InvalidAggregation"),
        ("RETURN *", "NoVariablesInScope"),
        ("CALL no.such()", "ProcedureNotFound"),
        ("MATCH (a) WHERE (a)-->(b) RETURN a", "UndefinedVariable"),
    ] {
        match run(world, statement) {
            Ok(rows) => panic!("{statement}: {rows:?}"),
            Err(failure) => assert!(failure.message().contains(wanted), "{statement}: {}", failure.message()),
        }
    }
}

#[test]
fn an_index_is_used() {
    let world = people();
    let plan = |statement: &str| {
        let prepared = prepared(&world, statement).expect("a plan");
        let mut names = Vec::new();
        let mut open = vec![prepared.describe()];
        while let Some(next) = open.pop() {
            names.push(next.operator.clone());
            open.extend(next.children);
        }
        names.join(" ")
    };
    assert_eq!(plan("MATCH (n:Person {name: $n}) RETURN n"), "ProduceResults NodeIndexSeek");
    assert_eq!(plan("MATCH (n:Person) WHERE n.name STARTS WITH 'A' RETURN n"), "ProduceResults NodeIndexSeekByRange");
    assert_eq!(plan("MATCH (n:Firm) RETURN n"), "ProduceResults NodeByLabelScan");
    assert_eq!(plan("MATCH (n) RETURN count(n)"), "ProduceResults NodeCountFromCountStore");
}

/// Statements whose patterns are large: a star, a chain, parts without a connection, and nodes with many labels.
fn large(size: usize) -> [String; 5] {
    let all = |of: &dyn Fn(usize) -> String, between: &str| (0..size).map(of).collect::<Vec<_>>().join(between);
    [
        format!("MATCH (a), {} RETURN count(*)", all(&|at| format!("(a)-[:R]->(b{at})"), ", ")),
        format!("MATCH (a){} RETURN count(*)", "-->()".repeat(size)),
        format!("MATCH {} WHERE n0.k = 1 RETURN count(*)", all(&|at| format!("(n{at}:A)"), ", ")),
        format!("MATCH (n:{}) RETURN count(*)", all(&|at| format!("L{at}"), "&")),
        format!("MATCH (n) WHERE {} RETURN count(*)", all(&|at| format!("n.k{at} = {at}"), " AND ")),
    ]
}

#[test]
fn large_patterns_are_planned_in_time_and_not_for_those_who_left() {
    let world = super::forms::graph(5, false);
    for text in large(1_000) {
        let before = types::Clock::now(&types::SystemClock);
        prepared(&world, &text).expect("it can be planned");
        let time = types::Clock::now(&types::SystemClock).duration_since(before);
        // Cubic time would be minutes.
        assert!(time.as_secs() < 20, "{}...: {time:?}", &text[..40]);
        let Body::Query(query) = cypher::parse(&text).expect("it is well formed").body else { panic!("a query") };
        for looks in [0, 10, 500] {
            let mut left = Named(&world.sources, Cell::new(Some(looks)));
            let failure = super::prepare(&text, &query, &mut left).expect_err("nobody waits for it");
            assert_eq!(failure.code(), Code::TransactionTerminated, "{failure}");
        }
    }
    for text in large(10_001) {
        let failure = prepared(&world, &text).expect_err("it is too large");
        assert_eq!(failure.code(), Code::SyntaxError, "{failure}");
        assert!(failure.message().contains("at most 10000"), "{failure}");
    }
}

#[test]
fn a_field_terminator_neither_quotes_nor_ends_a_line() {
    let world = super::forms::graph(5, false);
    let load = |terminator: &str| format!("LOAD CSV FROM 'file:///a' AS l FIELDTERMINATOR {terminator} RETURN l");
    for terminator in ["'\"'", "'\\n'", "'\\r'", "'\\\\'", "'ab'", "''", "'é'"] {
        let failure = prepared(&world, &load(terminator)).expect_err("no terminator");
        assert!(failure.message().contains("A field terminator is one ASCII character"), "{failure}");
    }
    for terminator in ["';'", "'\\t'", "'\\u003B'", "'|'"] {
        prepared(&world, &load(terminator)).expect("a terminator");
    }
}
