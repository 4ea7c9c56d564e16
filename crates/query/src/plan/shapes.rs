//! Patterns of shapes that have operators of their own, planned by cost and as they are written: the rows are the same.

use super::forms::graph;
use super::tests::{prepared, prepared_as_written, rows_of};

/// Cycles, patterns with both ends known, and joins on a node.
const SHAPES: [&str; 19] = [
    "MATCH (a)-[x:R]->(b)-[y:R]->(c)-[z:R]->(a) RETURN a, b, c, x, y, z",
    "MATCH (a:A)-[:R]->(b)-[:S]->(c:B)-[:R]->(a) RETURN count(*)",
    "MATCH (a)-[x:R]->(b)<-[y:R]-(c)-[z:R]->(a) RETURN x, y, z",
    "MATCH (a)-[x:R]->(b)-[y:R]->(a) RETURN x, y",
    "MATCH (a)-[x:R]->(b), (a)-[y:R]->(c), (b)-[z:R]->(c) WHERE c.at > b.at RETURN x, y, z",
    "MATCH (a)-[x:R]->(b)-[y:R]->(c)-[z:S]->(d)-[w:R]->(a) RETURN x, y, z, w",
    "MATCH (a {k: 1})-[x:R]->(b)-[y:R]->(c {k: 2}) RETURN x, y",
    "MATCH (a:A {k: 1})-[x:R]->(b)-[y:S]->(c:B {at: 2}) RETURN x, y",
    "MATCH (a:B {at: 1})-[x]->(b)-[y]->(c)-[z]->(d:B {at: 3}) RETURN x, y, z",
    "MATCH (a:A), (c:B) MATCH (a)-[x:R]->(b)-[y:R]->(c) RETURN a, b, c, x, y",
    "MATCH (a:A), (d:B) MATCH (a)-[x]->(b)-[y]-(c)<-[z]-(d) RETURN x, y, z",
    "MATCH (a:A) OPTIONAL MATCH (a)-[:S]->(c:C) OPTIONAL MATCH (a)-[x:R]->(b)-[y:R]->(c) RETURN a, c, x, y",
    "MATCH (a)-[x:R]->(c) MATCH (a)-[y:R]->(b)-[z:R]->(c) RETURN x, y, z",
    "MATCH (a:A)-[x:R]->(b)<-[y:R]-(c:B) USING JOIN ON b RETURN x, y, a, b, c",
    "MATCH (a:A)-[x]->(b:C)-[y]->(c)-[z]->(d) USING JOIN ON b WHERE d.at > 1 RETURN x, y, z",
    "MATCH (a)-[x:R]->(b)-[y:R]->(c), (b)-[z:S]->(d) USING JOIN ON b RETURN x, y, z",
    "MATCH (a)-[x:R]->(b)-[y:R]->(c)-[z:R]->(d)-[w:R]->(a) USING JOIN ON b, d WHERE a.at < c.at RETURN x, y, z, w",
    "MATCH (a)-[x:R]->(b)-[y*1..2]->(c) USING JOIN ON b RETURN x, y",
    "UNWIND [0, 1, 2] AS at MATCH (a {at: at})-[x:R]->(b)-[y:S]->(c) USING JOIN ON b RETURN at, x, y, c",
];

#[test]
fn shapes_by_cost_give_what_the_text_says() {
    let mut with_rows = 0;
    for seed in 0..60 {
        for (statement, is_indexed) in SHAPES.iter().flat_map(|statement| [(statement, false), (statement, true)]) {
            let mut world = graph(seed, is_indexed);
            let mut sorted = |plan: Result<_, types::Failure>| {
                let mut rows = plan.and_then(|plan| rows_of(&mut world, &plan)).expect("a statement that runs");
                rows.sort();
                rows
            };
            let (written, planned) = (
                prepared_as_written(&graph(seed, is_indexed), statement),
                prepared(&graph(seed, is_indexed), statement),
            );
            let (written, planned) = (sorted(written), sorted(planned));
            assert_eq!(planned, written, "indexes {is_indexed}, graph {seed}: {statement}");
            with_rows += usize::from(!written.is_empty());
        }
    }
    assert!(with_rows > 60 * SHAPES.len() / 2, "{with_rows} gave rows");
}
