//! How long the text of a statement takes to become a tree.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Statements as people send them, short to long.
const STATEMENTS: [(&str, &str); 4] = [
    ("RETURN 1", "RETURN 1"),
    ("a lookup", "MATCH (p:Person {number: $number}) RETURN p.name"),
    (
        "friends of friends",
        "MATCH (p:Person {name: $name})-[:KNOWS]->(f)-[:KNOWS]->(other:Person) \
         WHERE other <> p AND NOT (p)-[:KNOWS]->(other) AND other.age > 18 \
         WITH other, count(*) AS common ORDER BY common DESC, other.name LIMIT 10 \
         RETURN other.name AS name, common, [(other)-[:LIVES_IN]->(c:City) | c.name] AS cities",
    ),
    (
        "an upsert",
        "UNWIND $rows AS row MERGE (p:Person {id: row.id}) \
         ON CREATE SET p.created = datetime(), p.name = row.name ON MATCH SET p += row.changes \
         WITH p, row FOREACH (tag IN row.tags | MERGE (t:Tag {name: tag}) MERGE (p)-[:TAGGED]->(t)) \
         RETURN count(p) AS people",
    ),
];

fn parser(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("parse");
    for (name, text) in STATEMENTS {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bench| bench.iter(|| cypher::parse(black_box(text)).expect("it is Cypher")));
    }
    // Ten times the text should take ten times as long.
    for items in [1_000, 10_000] {
        let list: Vec<String> =
            (0..items).map(|number| format!("{{number: {number}, name: 'item {number}'}}")).collect();
        let text = format!("UNWIND [{}] AS item RETURN item", list.join(", "));
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("a list of {items} maps"), |bench| {
            bench.iter(|| cypher::parse(black_box(&text)).expect("it is Cypher"));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(1));
    targets = parser
}
criterion_main!(benches);
