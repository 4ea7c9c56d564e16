//! What takes as long as it has rows: none of it grows with their square.

mod world;

use std::time::{Duration, Instant};

use instance::Session;
use world::{check, in_memory, run, session};

/// What a square would be far beyond, and a busy machine is not.
const TIMES_MAX: u32 = 20;
const ALWAYS_FINE: Duration = Duration::from_millis(300);

fn now() -> Instant {
    types::Clock::now(&types::SystemClock)
}

fn time(session: &mut Session, text: &str) -> Duration {
    let begun = now();
    run(session, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    now().saturating_duration_since(begun)
}

/// Tells whether each statement takes about as long as the first one.
fn compare(session: &mut Session, texts: &[&str]) {
    let first = time(session, texts[0]);
    for text in &texts[1..] {
        let taken = time(session, text);
        assert!(taken < first * TIMES_MAX + ALWAYS_FINE, "{text}: {taken:?}, where {} takes {first:?}", texts[0]);
    }
}

#[test]
fn f213_a_star_is_merged_as_fast_from_either_end() {
    let instance = in_memory();
    let mut one = session(&instance);
    run(&mut one, "UNWIND range(1, 20000) AS i CREATE (:T {i: i})").expect("creates");
    let ways = [
        "CREATE (h:Hub) WITH h MATCH (t:T) MERGE (t)-[:S]->(h)",
        "CREATE (h:Hub) WITH h MATCH (t:T) MERGE (h)-[:S]->(t)",
        "CREATE (h:Hub) WITH h MATCH (t:T) MERGE (h)-[:S]-(t)",
        // They are there, and half of the second hub's own changes.
        "MATCH (h:Hub) MATCH (t:T) MERGE (h)-[:S]-(t)",
        "MATCH (h:Hub) MATCH (t:T) WHERE (h)-[:S]->(t) RETURN count(*)",
        "MATCH (h:Hub)-[s:S]-(t:T) WHERE t.i % 2 = 0 DELETE s WITH DISTINCT h MATCH (t:T) MERGE (h)-[:S]->(t)",
    ];
    compare(&mut one, &ways);
    check(&mut one, "MATCH (h:Hub)-[s:S]-(t:T) RETURN count(s), count(DISTINCT t)", "70000 | 20000");
}

#[test]
fn f213_lists_grow_item_by_item() {
    let instance = in_memory();
    let mut one = session(&instance);
    let grow = |step: &str| format!("RETURN size(reduce(s = [], x IN range(1, 100000) | {step}))");
    let ways = ["UNWIND range(1, 100000) AS x WITH collect([x, x]) AS s RETURN size(s)".to_owned()];
    let steps = ["s + x", "s + [x, -x]", "s + [[x]]", "s + toString(x)"].map(grow);
    let ways: Vec<&str> = ways.iter().chain(&steps).map(String::as_str).collect();
    compare(&mut one, &ways);
    for (text, expected) in [
        ("WITH [1] AS l RETURN reduce(s = l, x IN [2, 3] | s + x), l", "[1, 2, 3] | [1]"),
        ("RETURN reduce(s = [], x IN [1, [2, 3], [], [[4]]] | s + x)", "[1, 2, 3, [4]]"),
        ("RETURN reduce(s = [], x IN [1, null, 2] | s + x)", "null"),
        ("UNWIND [[1, 2], [], null, [3]] AS l RETURN reduce(s = [0], x IN l | s + x)", "[0, 1, 2]\n[0]\nnull\n[0, 3]"),
        ("UNWIND [[], 0, 'a'] AS b RETURN reduce(s = b, x IN [1, 2] | s + x)", "[1, 2]\n3\n'a12'"),
        ("RETURN reduce(s = [1], x IN [1, 2] | s + s)", "[1, 1, 1, 1]"),
        ("WITH [7] AS l RETURN reduce(s = [], x IN [1, 2] | s + l), l", "[7, 7] | [7]"),
        ("RETURN reduce(s = [], x IN [1, 2] | s + reduce(s = [], y IN [x] | s + y))", "[1, 2]"),
    ] {
        check(&mut one, text, expected);
    }
}
