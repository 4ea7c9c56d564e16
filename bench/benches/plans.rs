//! How long a statement of 40 lines takes to be understood: with a text that is new, and with a plan that is kept.

use std::hint::black_box;
use std::time::Duration;

use bench::statement::{GRAPH, STATEMENT};
use criterion::{Criterion, criterion_group, criterion_main};
use suite::system;

fn plans(bench: &mut Criterion) {
    let (_, open) = system::faces().remove(0);
    let system = open(system::Wanted { users: system::Users::Unknown, disk: false }).expect("memory has room");
    let mut session = system.session(None).expect("nobody needs a password");
    // A plan with names that nothing has is not kept.
    session.run(GRAPH, types::Map::new()).expect("it makes a graph");
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
