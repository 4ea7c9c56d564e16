//! How long a statement of 40 lines takes to be understood: with a text that is new, and with a plan that is kept.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use suite::system;

/// A statement as an application sends it: 40 lines, patterns, subqueries, groups and an order.
const STATEMENT: &str = "\
MATCH (me:Person {id: $me})
OPTIONAL MATCH (me)-[:LIVES_IN]->(home:City)
WITH me, home
MATCH (me)-[knows:KNOWS]-(friend:Person)
WHERE knows.since > 2010
  AND NOT (me)-[:BLOCKED]->(friend)
WITH me, home, friend, knows
ORDER BY knows.since DESC
LIMIT 100
MATCH (friend)-[:KNOWS]-(other:Person)
WHERE other <> me
  AND NOT EXISTS {
    MATCH (me)-[:KNOWS]-(other)
  }
  AND other.age >= 18
WITH me, home, other,
     count(DISTINCT friend) AS common,
     collect(friend.name)[..3] AS through
OPTIONAL MATCH (other)-[:LIKES]->(thing:Thing)<-[:LIKES]-(me)
WITH me, home, other, common, through,
     count(thing) AS shared,
     collect(thing.name) AS things
CALL (other) {
  MATCH (other)-[:WROTE]->(post:Post)
  WHERE post.at > datetime() - duration('P30D')
  RETURN count(post) AS posts,
         max(post.at) AS latest
}
WITH me, home, other, common, through, shared, things, posts, latest,
     CASE
       WHEN common > 10 THEN 3.0
       WHEN common > 3 THEN 2.0
       ELSE 1.0
     END * (1 + shared) + log(1 + posts) AS score
WHERE score > 1.5
RETURN other {.id, .name, .age} AS person,
       common, through, things, latest, score,
       [(other)-[:LIVES_IN]->(city:City) WHERE city = home | city.name] AS near
ORDER BY score DESC, person.name
LIMIT 25";

fn plans(bench: &mut Criterion) {
    assert_eq!(STATEMENT.lines().count(), 40);
    let (_, open) = system::faces().remove(0);
    let system = open().expect("memory has room");
    let mut session = system.session(None).expect("nobody needs a password");
    let mut group = bench.benchmark_group("a statement of 40 lines");
    group.bench_function("parsed", |bench| bench.iter(|| cypher::parse(black_box(STATEMENT)).expect("it is Cypher")));
    let parameters = || [("me".into(), types::Value::Integer(1))].into_iter().collect();
    let mut number = 0;
    group.bench_function("parsed, planned and run over nothing", |bench| {
        bench.iter(|| {
            number += 1;
            // A comment makes it a text that nobody knows yet.
            session.run(&format!("{STATEMENT} // {number}"), parameters()).expect("it runs");
        });
    });
    group.bench_function("run over nothing, its plan kept", |bench| {
        bench.iter(|| session.run(STATEMENT, parameters()).expect("it runs"));
    });
    group.bench_function("one node by its id, its plan kept", |bench| {
        bench.iter(|| session.run("MATCH (n:Person {id: $me}) RETURN n.name", parameters()).expect("it runs"));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(1));
    targets = plans
}
criterion_main!(benches);
