//! Tests of shortest trails, also against all trails of a small graph.

use types::{Code, Direction, NodeId, NodeRef, Value};

use super::{hop, number, rows, scan, written};
use crate::expression::Compiled;
use crate::operator::{Expand, Part, PathTest, Plan, Shortest, Takes, Walk, Wanted};
use crate::testing::{Memory, World};

fn node(id: u64) -> Compiled {
    Compiled::Constant(Value::NodeRef(NodeRef { source: 0, id: NodeId(id) }))
}

/// The ids of the relationships of a trail in slot 1.
fn ids(plan: Plan) -> Plan {
    let id = Compiled::Entity(crate::functions::EntityFunction::Id, Box::new(Compiled::Slot(7)));
    let list = Box::new(Compiled::Slot(1));
    let ids = Compiled::Comprehension { list, item: 7, filter: None, projection: Some(Box::new(id)) };
    Plan::Keep(Plan::Compute(plan.into(), vec![(3, ids)]).into(), vec![3])
}

fn how(min: u64, max: Option<u64>, all: bool) -> Shortest {
    searched(Direction::Outgoing, &[], (min, max), if all { Wanted::Groups(1) } else { Wanted::Paths(1) })
}

fn searched(direction: Direction, types: &[&str], bounds: (u64, Option<u64>), wanted: Wanted) -> Shortest {
    let types: Vec<_> = types.iter().map(|name| (*name).into()).collect();
    let run = |direction| vec![Part::run(direction, types.clone(), bounds)];
    Shortest {
        source: 0,
        from: 0,
        to: 2,
        into: true,
        parts: run(direction),
        backward: run(direction.reversed()),
        lists: vec![(1, Takes::Many)],
        between: Vec::new(),
        end: None,
        wanted,
        filter: None,
        distinct_from: Vec::new(),
        turned: false,
        ends_differ: true,
    }
}

fn between(from: u64, to: u64, how: Shortest) -> Plan {
    ids(Plan::Shortest(Plan::Compute(Plan::Unit.into(), vec![(0, node(from)), (2, node(to))]).into(), how))
}

#[track_caller]
fn check(graph: &Memory, plan: &Plan, expected: &str) {
    assert_eq!(written(rows(plan, &mut World::of(graph.clone()))), expected);
}

/// Two ways of two from 0 to 3, one of them with a double step, and one way of one from 3 to 4.
fn diamond() -> Memory {
    let graph = (0..6).fold(Memory::new("g"), |graph, _| graph.node(&[], &[]));
    [(0, 1), (0, 2), (1, 3), (2, 3), (2, 3), (3, 4)]
        .into_iter()
        .fold(graph, |graph, (start, end)| graph.relationship(start, "T", end, &[("w", (end as i64).into())]))
}

#[test]
fn one_or_all_of_the_shortest_are_found() {
    let graph = diamond();
    check(&graph, &between(0, 3, how(1, None, true)), "[[0, 2]] [[1, 3]] [[1, 4]]");
    check(&graph, &between(0, 3, how(1, None, false)), "[[0, 2]]");
    check(&graph, &between(0, 4, how(1, None, true)), "[[0, 2, 5]] [[1, 3, 5]] [[1, 4, 5]]");
    check(&graph, &between(0, 4, how(1, Some(2), true)), "");
    check(&graph, &between(4, 0, how(1, None, true)), "");
    check(&graph, &between(0, 5, how(0, None, true)), "");
    let all = Wanted::Groups(1);
    let back = searched(Direction::Incoming, &[], (1, None), all);
    check(&graph, &between(4, 0, back), "[[5, 2, 0]] [[5, 3, 1]] [[5, 4, 1]]");
    let other = searched(Direction::Outgoing, &["U"], (1, None), all);
    check(&graph, &between(0, 3, other), "");
}

#[test]
fn a_node_is_reached_from_itself_by_nothing() {
    check(&diamond(), &between(0, 0, how(0, None, true)), "[[]]");
    check(&diamond(), &between(0, 0, how(1, None, true)), "");
    let null = Plan::Shortest(Plan::Unit.into(), how(0, None, true));
    check(&diamond(), &null, "");
}

#[test]
fn longer_trails_are_tried_where_the_shortest_will_not_do() {
    let graph = diamond().relationship(0, "T", 4, &[]).relationship(4, "T", 0, &[]);
    // Straight to 4, or at least two relationships.
    check(&graph, &between(0, 4, how(1, None, true)), "[[6]]");
    check(&graph, &between(0, 4, how(2, None, true)), "[[0, 2, 5]] [[1, 3, 5]] [[1, 4, 5]]");
    check(&graph, &between(0, 4, how(4, None, false)), "[[0, 2, 5, 7, 6]]");
    // Its first relationship ends at 2.
    let first = Compiled::Index(Box::new(Compiled::Slot(1)), Box::new(number(0)));
    let at_two = Compiled::Equal {
        negated: false,
        left: Box::new(Compiled::Property(Box::new(first), "w".into())),
        right: Box::new(number(2)),
    };
    let filtered = |all, max| Shortest {
        filter: Some(PathTest { values: Vec::new(), condition: at_two.clone() }),
        ..how(1, max, all)
    };
    check(&graph, &between(0, 4, filtered(true, None)), "[[1, 3, 5]] [[1, 4, 5]]");
    check(&graph, &between(0, 4, filtered(false, None)), "[[1, 3, 5]]");
    check(&graph, &between(0, 4, filtered(true, Some(2))), "");
}

#[test]
fn relationships_of_the_pattern_are_not_walked_again() {
    let pair = Plan::Compute(Plan::Unit.into(), vec![(0, node(0)), (2, node(3))]);
    let taken = Plan::Expand(pair.into(), Expand { types: Vec::new(), ..hop(0, 4, 5) });
    let free = Shortest { distinct_from: vec![4], ..how(1, None, true) };
    check(&diamond(), &ids(Plan::Shortest(taken.into(), free)), "[[1, 3]] [[1, 4]] [[0, 2]]");
}

#[test]
fn searches_agree_with_all_trails() {
    // A ring with chords, walked both ways, from every node to every node.
    let ring = Memory::ring(9).relationship(0, "NEXT", 4, &[]).relationship(7, "NEXT", 2, &[]);
    let both = |bounds| searched(Direction::Both, &[], bounds, Wanted::Groups(1));
    let pairs = || scan(scan(Plan::Unit, None, 0), None, 2);
    let mut world = World::of(ring);
    let mut sorted = |how: Shortest| {
        let found = rows(&ids(Plan::Shortest(pairs().into(), how)), &mut world).expect("it runs");
        let mut written: Vec<String> = found.iter().map(types::text::literal).collect();
        written.sort();
        written
    };
    let anything = Compiled::Constant(Value::Boolean(true));
    let fast = sorted(both((1, Some(9))));
    assert_eq!(
        fast,
        sorted(Shortest { filter: Some(PathTest { values: Vec::new(), condition: anything }), ..both((1, Some(9))) })
    );
    let both = Expand { direction: Direction::Both, types: Vec::new(), into: true, ..hop(0, 1, 2) };
    let walked = Plan::Walk(pairs().into(), Walk::run(both, (1, Some(5))));
    let walked = rows(&ids(walked), &mut world).expect("it runs");
    let mut all: Vec<String> = walked.iter().map(types::text::literal).collect();
    all.sort();
    assert!(fast.iter().all(|trail| all.contains(trail)) && fast.len() > 72, "{} trails", fast.len());
}

#[test]
fn searches_are_bounded() {
    // Twelve diamonds in a row: 4,096 shortest trails.
    let graph = (0..25).fold(Memory::new("g"), |graph, _| graph.node(&[], &[]));
    let graph = (0..12).fold(graph, |graph, at| {
        (0..2).fold(graph, |graph, _| graph.relationship(at * 2, "T", at * 2 + 1, &[])).relationship(
            at * 2 + 1,
            "T",
            at * 2 + 2,
            &[],
        )
    });
    let plan = between(0, 24, how(1, None, true));
    let mut world = World::of(graph.clone());
    assert_eq!(rows(&plan, &mut world).map(|rows| rows.len()), Ok(4_096));
    world.memory_max_bytes = 1 << 16;
    assert_eq!(rows(&plan, &mut world).err().map(|failure| failure.code()), Some(Code::MemoryLimit));
    check(
        &graph,
        &between(0, 24, how(24, None, false)),
        "[[0, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 23, 24, 26, 27, 29, 30, 32, 33, 35]]",
    );
}
