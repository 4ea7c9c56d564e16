//! Statements that write while they read, over more rows than go at a time: with rows read ahead and without, the graph is
//! the same in the end.

use types::Value;

use super::tests::{prepared, prepared_as_written, rows_of};
use crate::testing::{Memory, World};

/// Nodes of the graph: several batches.
const NODES: i64 = 2_600;

/// Each as often safe as it is not; none asks in which order its rows come.
const STATEMENTS: [&str; 32] = [
    "MATCH (a:A) CREATE (:A {v: a.v})",
    "MATCH (a:A) CREATE (:B {v: a.v})",
    "MATCH (a:A) CREATE (:C {v: a.v})",
    "MATCH (a:A) CREATE (:A:B {v: a.v})",
    "MATCH (a) CREATE (:C {v: a.v})",
    "MATCH (a:A {v: 7}) CREATE (:A {v: 7})",
    "MATCH (a:A) WITH a.v AS v CREATE (:A {v: v})",
    "MATCH (a:A) WITH a LIMIT 1500 CREATE (:A {v: a.v})",
    "MATCH (a:A), (b:B {v: 1}) CREATE (a)-[:S]->(b)",
    "MATCH (a)-[:R]->(b) CREATE (b)-[:R]->(a)",
    "MATCH (a)-[:R]->(b) CREATE (b)-[:S]->(a)",
    "MATCH (a)-[]->(b) CREATE (b)-[:S]->(a)",
    "MATCH (a:A)-[:R]->(b) CREATE (b)-[:S]->(:A {v: 0})",
    "MATCH (a:A)-[:R]->(b)-[:S]->(c) CREATE (a)-[:R]->(c)",
    "MATCH (a) WHERE (a)-[:R]->() CREATE (:A)-[:R]->(a)",
    "MATCH (a:A) SET a.v = a.v + 1",
    "MATCH (a:A) WHERE a.v > 10 SET a.v = 0",
    "MATCH (a:A {v: 9}) SET a.v = 10",
    "MATCH (a)-[:R]->(b) WHERE a.v > 5 SET b.v = 0",
    "MATCH (a)-[:R]->(b) WHERE a.v > 5 SET b.w = 0",
    "MATCH (a)-[:R]->(b) WHERE a.v > 5 SET b += {v: 0}",
    "MATCH (a)-[:R]->(b:A) SET b:B",
    "MATCH (a:A)-[:R]->(b) SET b:A, b.w = 1",
    "MATCH (a:A)-[:R]->(b) REMOVE b:A",
    "MATCH (a:A) SET a:B REMOVE a:A",
    "MATCH (a:A)-[:R]->(b) WITH a, b.v AS v SET a.v = 0 CREATE (:C {v: v})",
    "UNWIND range(0, 2599) AS v MATCH (a:A {v: v}) SET a.v = v + 1",
    "UNWIND range(0, 2599) AS v MATCH (a:A {v: v}) SET a.w = v",
    "MATCH (a:A) WHERE a.v % 3 = 0 DETACH DELETE a",
    "MATCH (a:A)-[r:R]->(b) WHERE b.v % 3 = 0 DELETE r",
    "MATCH (a:A)-[:R]->(b) SET b.w = 1, a.w = 1",
    "MATCH (a)-[:R]->(b) WITH b, a.v AS v ORDER BY v, b.v LIMIT 2000 SET b.v = 1",
];

/// Every third node in a label of its own, each with a way to the next one and to one far off.
fn graph(is_indexed: bool) -> World {
    let mut graph = Memory::new("written");
    for at in 0..NODES {
        let labels: &[&str] = if at % 3 == 0 { &["B"] } else { &["A"] };
        graph = graph.node(labels, &[("v", Value::Integer(at))]);
    }
    let place = |at: i64| usize::try_from(at % NODES).expect("small");
    for at in 0..NODES {
        let kind = if at % 4 == 0 { "S" } else { "R" };
        graph = graph.relationship(place(at), kind, place(at + 1), &[]);
        graph = graph.relationship(place(at), "R", place(at * 7 + 3), &[]);
    }
    World::of(if is_indexed { graph.index("A", &["v"]) } else { graph })
}

fn state(world: &mut World) -> Vec<String> {
    let mut all = Vec::new();
    for statement in ["MATCH (n) RETURN labels(n), n.v, n.w", "MATCH (a)-[r]->(b) RETURN a.v, type(r), b.v, b.w"] {
        let plan = prepared(world, statement).expect("it is right");
        all.extend(rows_of(world, &plan).expect("it runs"));
    }
    all.sort();
    all
}

#[test]
fn rows_that_are_not_read_ahead_change_nothing() {
    for (statement, is_indexed) in STATEMENTS.iter().flat_map(|statement| [(statement, false), (statement, true)]) {
        let after = |is_by_cost: bool| {
            let mut world = graph(is_indexed);
            let plan = if is_by_cost { prepared(&world, statement) } else { prepared_as_written(&world, statement) };
            rows_of(&mut world, &plan.expect("it is right")).expect("it runs");
            state(&mut world)
        };
        let (planned, written) = (after(true), after(false));
        assert!(planned == written, "index {is_indexed}: {statement}: {} and {} lines", planned.len(), written.len());
    }
}
