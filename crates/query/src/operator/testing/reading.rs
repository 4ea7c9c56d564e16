//! Tests of operators that find entities: seeks, numbers, relationships, counts, and of rows that are held back.

use std::ops::Bound;
use std::sync::Arc;

use types::{Code, Direction, IndexId, Value};

use super::{check_on, hop, number, numbers_of, property, rows, scan, unwind, written};
use crate::expression::Compiled;
use crate::functions::AggregateKind;
use crate::operator::{Aggregate, Apply, Expand, Plan, Seek, SeekNext, build};
use crate::testing::{Memory, World};

fn check(world: &mut World, plan: &Plan, expected: &str) {
    assert_eq!(written(rows(plan, world)), expected);
}

fn seek(equal: Vec<Compiled>, next: SeekNext) -> Seek {
    let (name, unique, otherwise) = ("i".into(), false, None);
    Seek { source: 0, index: IndexId(0), name, ends: None, equal, next, slot: 1, both: false, unique, otherwise }
}

fn films() -> World {
    let film = |graph: Memory, title: &str, year: i64| {
        graph.node(&["Film"], &[("title", title.into()), ("year", year.into())])
    };
    let graph = film(film(film(Memory::new("films"), "Alien", 1979), "Aliens", 1986), "Brazil", 1985);
    World::of(graph.node(&["Film"], &[("title", "Untitled".into())]).index("Film", &["year"]).index("Film", &["title"]))
}

fn titles(input: Plan, slot: usize) -> Plan {
    let title = Compiled::Property(Box::new(Compiled::Slot(slot)), "title".into());
    Plan::Keep(Plan::Compute(input.into(), vec![(9, title)]).into(), vec![9])
}

#[test]
fn indexes_are_asked_for_each_row() {
    let mut world = films();
    let years: Vec<Value> = vec![1986.into(), Value::Null, 1979.0.into(), f64::NAN.into(), 1979.into(), 3.into()];
    let plan = Plan::Seek(unwind(years, 0).into(), seek(vec![Compiled::Slot(0)], SeekNext::Any));
    check(&mut world, &titles(plan, 1), "['Aliens'] ['Alien'] ['Alien']");
    let after = SeekNext::Range(Bound::Excluded(number(1979)), Bound::Unbounded);
    let plan = Plan::Seek(Plan::Unit.into(), seek(Vec::new(), after));
    check(&mut world, &titles(plan, 1), "['Brazil'] ['Aliens']");
    let none = SeekNext::Range(Bound::Excluded(number(1979)), Bound::Included(Compiled::Constant(Value::Null)));
    check(&mut world, &Plan::Seek(Plan::Unit.into(), seek(Vec::new(), none)), "");
    let prefix = |prefix: Value| {
        let next = SeekNext::Prefix(Compiled::Constant(prefix));
        Plan::Seek(Plan::Unit.into(), Seek { index: IndexId(1), ..seek(Vec::new(), next) })
    };
    check(&mut world, &titles(prefix("Al".into()), 1), "['Alien'] ['Aliens']");
    check(&mut world, &prefix(7.into()), "");
    check(&mut world, &prefix(Value::map(types::Map::new())), "");
}

#[test]
fn what_an_index_has_comes_in_pages() {
    let graph = (0..3_000).fold(Memory::new("many"), |graph, at: i64| graph.node(&["L"], &[("k", (at % 2).into())]));
    let mut world = World::of(graph.index("L", &["k"]));
    let keys = vec![1.into(), 1.into(), 0.into()];
    let plan = Plan::Seek(unwind(keys, 0).into(), seek(vec![Compiled::Slot(0)], SeekNext::Any));
    assert_eq!(rows(&plan, &mut world).map(|rows| rows.len()), Ok(4_500));
}

#[test]
fn relationships_are_found_by_their_index() {
    let graph = Memory::new("g").node(&[], &[]).node(&[], &[]).relationship(1, "KNOWS", 0, &[("since", 1999.into())]);
    let mut world = World::of(graph.relationship_index("KNOWS", &["since"]));
    let how = Seek { ends: Some((2, 3)), ..seek(vec![number(1999)], SeekNext::Any) };
    let id = |slot| Compiled::Entity(crate::functions::EntityFunction::Id, Box::new(Compiled::Slot(slot)));
    let values = vec![(4, id(1)), (5, id(2)), (6, id(3))];
    let plan = Plan::Compute(Plan::Seek(Plan::Unit.into(), how).into(), values);
    check(&mut world, &Plan::Keep(plan.into(), vec![4, 5, 6]), "[0, 1, 0]");
}

#[test]
fn nodes_are_found_by_their_numbers() {
    let mut world = World::of(Memory::ring(4));
    let by_id = |ids: Value| {
        let plan = Plan::NodesById { input: Plan::Unit.into(), source: 0, ids: Compiled::Constant(ids), node: 0 };
        numbers_of(plan, &[0])
    };
    check(&mut world, &by_id(2.into()), "[2]");
    check(&mut world, &by_id("4:ring:3".into()), "[3]");
    let mixed = vec![3.into(), "4:other:2".into(), 9.into(), (-1).into(), Value::Null, 3.into(), 0.into(), "x".into()];
    check(&mut world, &by_id(Value::list(mixed)), "[3] [0]");
    check(&mut world, &by_id(Value::Null), "");
}

#[test]
fn relationships_are_read_each_once_or_both_ways() {
    let mut world = World::of(Memory::ring(3));
    let read = |how: Expand| Plan::ScanRelationships(Plan::Unit.into(), how);
    check(&mut world, &numbers_of(read(hop(0, 1, 2)), &[0, 2]), "[0, 1] [1, 2] [2, 0]");
    let back = Expand { direction: Direction::Incoming, ..hop(0, 1, 2) };
    check(&mut world, &numbers_of(read(back), &[0, 2]), "[1, 0] [2, 1] [0, 2]");
    let both = Expand { direction: Direction::Both, ..hop(0, 1, 2) };
    check(&mut world, &numbers_of(read(both.clone()), &[0, 2]), "[0, 1] [1, 0] [1, 2] [2, 1] [2, 0] [0, 2]");
    check(&mut world, &read(Expand { types: vec!["NEVER".into()], ..hop(0, 1, 2) }), "");
    let mut one = World::of(Memory::ring(1));
    check(&mut one, &numbers_of(read(both.clone()), &[0, 2]), "[0, 0]");
    let loops = read(Expand { to: 0, into: true, ..both.clone() });
    check(&mut one, &numbers_of(loops.clone(), &[0]), "[0]");
    check(&mut world, &loops, "");
    let again = Plan::ScanRelationships(read(hop(0, 1, 2)).into(), Expand { distinct_from: vec![1], ..hop(3, 4, 5) });
    check(&mut one, &again, "");
    let mut many = World::of(Memory::ring(3_000));
    assert_eq!(rows(&read(both), &mut many).map(|rows| rows.len()), Ok(6_000));
}

#[test]
fn counts_are_read_not_counted() {
    let mut world = World::of(Memory::ring(5));
    let count =
        |relationships, of: Option<&str>| Plan::Count { source: 0, relationships, of: of.map(Into::into), slot: 0 };
    check(&mut world, &count(false, None), "[5]");
    check(&mut world, &count(false, Some("Even")), "[3]");
    check(&mut world, &count(true, Some("NEXT")), "[5]");
    check(&mut world, &count(true, Some("NEVER")), "[0]");
    check(&mut world, &count(false, Some("Never")), "[0]");
}

#[test]
fn all_rows_are_read_before_the_first_goes_on() {
    let eager = Plan::Eager(scan(Plan::Unit, None, 0).into());
    let mut world = World::of(Memory::ring(5_000));
    assert_eq!(rows(&eager, &mut world).map(|rows| rows.len()), Ok(5_000));
    world.memory_max_bytes = 10_000;
    assert_eq!(rows(&eager, &mut world).err().map(|failure| failure.code()), Some(Code::MemoryLimit));
}

/// Runs `inner` for each of the rows 0 to `outer` - 1.
fn applied(outer: i64, inner: Plan, filled: Vec<(usize, usize)>, (optional, unit): (bool, bool)) -> Plan {
    let items = (0..outer).map(Value::Integer).collect();
    Plan::Apply(unwind(items, 0).into(), inner.into(), Apply { filled, optional, unit })
}

#[test]
fn inner_plans_run_anew_for_each_row() {
    let mut world = World::of(Memory::ring(4));
    // The two greatest numbers up to the outer one.
    let small = Compiled::Inequality(
        types::compare::Inequality::LessOrEqual,
        Box::new(property(5)),
        Box::new(Compiled::Slot(0)),
    );
    let inner = || {
        let found = Plan::Filter(scan(Plan::Argument, Some("Even"), 5).into(), small.clone());
        let numbered = Plan::Compute(found.into(), vec![(6, property(5))]);
        Plan::Sort { input: numbered.into(), keys: vec![(Compiled::Slot(6), true)], limit: Some(number(2)) }
    };
    let plain = applied(4, inner(), vec![(6, 1)], (false, false));
    check(&mut world, &plain, "[0, 0] [1, 0] [2, 2] [2, 0] [3, 2] [3, 0]");
    let odd = Plan::Filter(
        inner().into(),
        Compiled::Equal { negated: false, left: Box::new(Compiled::Slot(6)), right: Box::new(number(2)) },
    );
    check(&mut world, &applied(4, odd.clone(), vec![(6, 1)], (true, false)), "[0, null] [1, null] [2, 2] [3, 2]");
    check(&mut world, &applied(4, odd, vec![(6, 1)], (false, false)), "[2, 2] [3, 2]");
    let counted = Plan::Aggregate {
        input: inner().into(),
        keys: Vec::new(),
        aggregates: vec![Aggregate { kind: AggregateKind::Count, distinct: false, arguments: Vec::new() }],
    };
    check(&mut world, &applied(3, counted.clone(), vec![(0, 1)], (false, false)), "[0, 1] [1, 1] [2, 2]");
    check(&mut world, &applied(3, inner(), Vec::new(), (false, true)), "[0] [1] [2]");
    let many = applied(3_000, counted, vec![(0, 1)], (false, false));
    assert_eq!(rows(&many, &mut world).map(|rows| rows.len()), Ok(3_000));
}

#[test]
fn what_an_inner_plan_holds_is_given_back_with_it() {
    // Each inner plan sorts the whole ring and is let go after its first row.
    let sorted =
        Plan::Sort { input: scan(Plan::Argument, None, 5).into(), keys: vec![(property(5), true)], limit: None };
    let first = Plan::Compute(Plan::Limit(sorted.into(), number(1)).into(), vec![(6, property(5))]);
    let plan = applied(200, first, vec![(6, 1)], (false, false));
    let mut world = World { memory_max_bytes: 40_000, ..World::of(Memory::ring(100)) };
    assert_eq!(rows(&plan, &mut world).map(|rows| rows.len()), Ok(200));
}

#[test]
fn what_is_held_above_an_inner_plan_stays_paid_for() {
    let inner: Arc<Plan> = Plan::Filter(
        Plan::Argument.into(),
        Compiled::Equal { negated: false, left: Box::new(Compiled::Slot(9)), right: Box::new(number(1)) },
    )
    .into();
    let how = crate::operator::Inner { when: crate::operator::WhenInner::Optional, number: 3, filled: vec![4] };
    let rows_of = Plan::Inner(scan(Plan::Unit, None, 0).into(), inner, how);
    let sorted = Plan::Sort { input: rows_of.into(), keys: vec![(property(0), false)], limit: None };
    let mut world = World { memory_max_bytes: 100_000, ..World::of(Memory::ring(5_000)) };
    assert_eq!(rows(&sorted, &mut world).err().map(|failure| failure.code()), Some(Code::MemoryLimit));
}

#[test]
fn failures_of_inner_plans_come_through() {
    let wrong =
        Plan::Compute(Plan::Argument.into(), vec![(1, Compiled::Negate(Box::new(Compiled::Constant("a".into()))))]);
    let mut world = World::of(Memory::ring(1));
    let failed = rows(&applied(2, wrong, vec![(1, 1)], (false, false)), &mut world);
    assert_eq!(failed.err().map(|failure| failure.code()), Some(Code::TypeError));
}

#[test]
fn operators_are_measured_in_the_order_of_the_plan() {
    let even = Arc::new(scan(Plan::Argument, Some("Even"), 1));
    let how = Apply { filled: vec![(1, 1)], optional: false, unit: false };
    let plan = Plan::Limit(Plan::Apply(unwind(vec![1.into(), 2.into()], 0).into(), even, how).into(), number(5));
    let mut world = World::of(Memory::ring(4));
    let (mut operator, measures) = crate::operator::build_measured(&plan);
    world.run(|context| while operator.next(context).expect("it runs").is_some() {});
    // Limit, Apply, Unwind, Unit, then inside: Scan, Argument.
    let rows: Vec<u64> = (0..plan.operators()).map(|number| measures.get(number).0).collect();
    assert_eq!(rows, [4, 4, 2, 1, 4, 2]);
    assert!(measures.get(0).1 >= measures.get(2).1, "the time of children is within");
    assert!(build(&plan).next_is_some(&mut world));
}

/// Lets a test ask an operator once.
trait Once {
    fn next_is_some(self, world: &mut World) -> bool;
}

impl Once for Box<dyn crate::operator::Operator> {
    fn next_is_some(mut self, world: &mut World) -> bool {
        world.run(|context| self.next(context).is_ok_and(|batch| batch.is_some()))
    }
}

#[test]
fn several_sources_keep_apart() {
    let other = Memory::new("other").node(&["Even"], &[("number", 70.into())]);
    let mut world = World::of(Memory::ring(2)).and(other);
    let second = Plan::Scan { input: scan(Plan::Unit, None, 0).into(), source: 1, label: Some("Even".into()), node: 1 };
    check_on(
        &mut world,
        &numbers_of(second, &[0, 1]),
        "[0, 70] [1, 70]",
        "(0:Even {number: 0}) (1 {number: 1}) 0-[0:NEXT]->1 1-[1:NEXT]->0",
    );
}
