//! Tests of plans built by hand, over a ring of nodes in memory.
//! Leaves text and planning to others.
//! Start reading at [`rows`] and [`check_on`].

mod csv;

mod merging;
mod reading;
mod shortest;
mod tables;
mod writing;

use std::sync::Arc;

use types::{Code, Direction, Failure, Value, arithmetic, text};

use super::{Aggregate, Expand, HashJoin, Inner, Plan, Walk, WhenInner, build};
use crate::Batch;
use crate::expression::Compiled;
use crate::functions::AggregateKind;
use crate::testing::{Memory, World};

/// Runs a plan; gives its rows as lists.
pub(super) fn rows(plan: &Plan, world: &mut World) -> Result<Vec<Value>, Failure> {
    world.run(|context| {
        let memory_max_bytes = context.budget.memory_left_bytes();
        let (mut operator, mut rows) = (build(plan), Vec::new());
        while let Some(batch) = operator.next(context)? {
            assert!((1..=Batch::ROWS_MAX).contains(&batch.rows), "a batch of {} rows", batch.rows);
            assert!(batch.columns.iter().all(|column| column.rows() == batch.rows), "columns of one length");
            let row = |row| Value::list(batch.columns.iter().map(|column| column.get(row)).collect());
            rows.extend((0..batch.rows).map(row));
        }
        // A limit ends before what lies below it has let go; the statement's end lets go of everything.
        if !matches!(plan, Plan::Limit(..)) {
            assert_eq!(context.budget.memory_left_bytes(), memory_max_bytes, "what was taken is given back");
        }
        Ok(rows)
    })
}

/// Writes rows as literals, or the code and text of a failure.
pub(super) fn written(rows: Result<Vec<Value>, Failure>) -> String {
    match rows {
        Ok(rows) => rows.iter().map(text::literal).collect::<Vec<_>>().join(" "),
        Err(failure) => format!("{:?}: {failure}", failure.code()),
    }
}

/// Checks the rows of a plan over a graph, and the graph after it.
#[track_caller]
pub(super) fn check_on(world: &mut World, plan: &Plan, expected: &str, graph: &str) {
    assert_eq!(written(rows(plan, world)), expected);
    assert_eq!(world.show(0), graph);
}

/// Runs a plan over a ring of `nodes` with `memory_max_bytes`; gives its rows as lists.
fn run(plan: &Plan, nodes: usize, memory_max_bytes: usize) -> Result<Vec<Value>, Failure> {
    rows(plan, &mut World { memory_max_bytes, ..World::of(Memory::ring(nodes)) })
}

#[track_caller]
fn check(plan: &Plan, nodes: usize, expected: &str) {
    assert_eq!(written(run(plan, nodes, 1 << 24)), expected);
}

/// A row for each item, in a slot.
pub(super) fn unwind(items: Vec<Value>, item: usize) -> Plan {
    Plan::Unwind { input: Plan::Unit.into(), list: Compiled::Constant(Value::list(items)), item }
}

pub(super) fn number(value: i64) -> Compiled {
    Compiled::Constant(Value::Integer(value))
}

pub(super) fn property(slot: usize) -> Compiled {
    Compiled::Property(Box::new(Compiled::Slot(slot)), "number".into())
}

pub(super) fn scan(input: Plan, label: Option<&str>, node: usize) -> Plan {
    Plan::Scan { input: input.into(), source: 0, label: label.map(Into::into), node }
}

pub(super) fn numbers_of(input: Plan, nodes: &[usize]) -> Plan {
    let values = nodes.iter().map(|slot| (10 + slot, property(*slot))).collect();
    Plan::Keep(Plan::Compute(input.into(), values).into(), nodes.iter().map(|slot| 10 + slot).collect())
}

pub(super) fn hop(from: usize, relationship: usize, to: usize) -> Expand {
    let (direction, types) = (Direction::Outgoing, vec!["NEXT".into()]);
    Expand { source: 0, from, direction, types, relationship, to, into: false, distinct_from: Vec::new() }
}

#[test]
fn scans_read_each_node_once_across_batches() {
    check(&numbers_of(scan(Plan::Unit, Some("Even"), 0), &[0]), 5, "[0] [2] [4]");
    check(&scan(Plan::Unit, Some("Odd"), 0), 5, "");
    let all = Plan::Aggregate {
        input: scan(scan(Plan::Unit, None, 0), None, 1).into(),
        keys: Vec::new(),
        aggregates: vec![Aggregate { kind: AggregateKind::Count, distinct: false, arguments: Vec::new() }],
    };
    check(&all, 1_500, "[2250000]");
    check(&all, 0, "[0]");
}

#[test]
fn expanding_follows_ends_and_never_a_relationship_twice() {
    let first = hop(0, 1, 2);
    let one = Plan::Expand(scan(Plan::Unit, Some("Even"), 0).into(), first.clone());
    check(&numbers_of(one.clone(), &[0, 2]), 4, "[0, 1] [2, 3]");
    let back =
        Expand { direction: Direction::Both, distinct_from: vec![1], from: 2, relationship: 3, to: 4, ..first.clone() };
    check(&numbers_of(Plan::Expand(one.clone().into(), back), &[0, 2, 4]), 4, "[0, 1, 2] [2, 3, 0]");
    let closing = Expand { into: true, from: 2, relationship: 3, to: 0, ..first };
    check(&numbers_of(Plan::Expand(one.into(), closing), &[0, 2]), 2, "[0, 1]");
}

#[test]
fn rows_are_sorted_cut_and_grouped() {
    let nodes = || numbers_of(scan(Plan::Unit, None, 0), &[0]);
    let sorted = |limit| Plan::Sort { input: nodes().into(), keys: vec![(Compiled::Slot(0), true)], limit };
    check(&Plan::Skip(sorted(Some(number(4))).into(), number(1)), 5_000, "[4998] [4997] [4996]");
    check(&Plan::Limit(sorted(None).into(), number(2)), 5_000, "[4999] [4998]");
    check(
        &Plan::Limit(nodes().into(), number(-1)),
        1,
        "SyntaxError: LIMIT must not be negative, but was -1 (NegativeIntegerArgument)",
    );
    let modulo = Compiled::Operator(arithmetic::modulo, Box::new(Compiled::Slot(0)), Box::new(number(3)));
    let argument = vec![Compiled::Slot(0)];
    let grouped = Plan::Aggregate {
        input: nodes().into(),
        keys: vec![modulo.clone()],
        aggregates: vec![Aggregate { kind: AggregateKind::Sum, distinct: false, arguments: argument }],
    };
    check(&grouped, 10, "[0, 18] [1, 12] [2, 15]");
    let distinct = Plan::Distinct(Plan::Keep(Plan::Compute(nodes().into(), vec![(1, modulo)]).into(), vec![1]).into());
    check(&distinct, 3_000, "[0] [1] [2]");
    check(&Plan::Append(distinct.clone().into(), distinct.into()), 2, "[0] [1] [0] [1]");
}

#[test]
fn lists_become_rows() {
    let list =
        |items: &[i64]| Compiled::Constant(Value::list(items.iter().map(|item| Value::Integer(*item)).collect()));
    let unwind = |list| Plan::Unwind { input: Plan::Unit.into(), list, item: 0 };
    check(&unwind(list(&[7, 8])), 1, "[7] [8]");
    check(&unwind(Compiled::Constant(Value::Null)), 1, "");
    check(&unwind(number(3)), 1, "[3]");
    let many: Vec<i64> = (0..3_000).collect();
    let filtered = Plan::Filter(
        unwind(list(&many)).into(),
        Compiled::Inequality(types::compare::Inequality::Greater, Box::new(Compiled::Slot(0)), Box::new(number(2_997))),
    );
    check(&filtered, 1, "[2998] [2999]");
}

#[test]
fn what_is_kept_is_bounded() {
    let sorted = Plan::Sort { input: scan(Plan::Unit, None, 0).into(), keys: vec![(property(0), false)], limit: None };
    let code = run(&sorted, 5_000, 10_000).err().map(|failure| failure.code());
    assert_eq!(code, Some(Code::MemoryLimit));
    let few =
        Plan::Sort { input: scan(Plan::Unit, None, 0).into(), keys: vec![(property(0), true)], limit: Some(number(1)) };
    assert_eq!(run(&few, 50_000, 1 << 20).map(|rows| rows.len()), Ok(1));
}

#[test]
fn f67_plans_are_joined_on_equal_keys() {
    let list = |items: Vec<Value>| Compiled::Constant(Value::list(items));
    let left = list(vec![Value::Integer(4), Value::Null, Value::Float(2.0), Value::Integer(2), Value::Float(f64::NAN)]);
    let left = Plan::Unwind { input: Plan::Unit.into(), list: left, item: 3 };
    let how = HashJoin { probe_keys: vec![Compiled::Slot(3)], build_keys: vec![property(0)], kept: vec![0] };
    let joined = Plan::HashJoin(left.into(), scan(Plan::Unit, None, 0).into(), how.clone());
    check(&Plan::Keep(Plan::Compute(joined.into(), vec![(1, property(0))]).into(), vec![3, 1]), 4, "[2.0, 2] [2, 2]");
    let one = HashJoin { probe_keys: vec![number(1)], build_keys: vec![number(1)], ..how };
    let all = Plan::HashJoin(scan(Plan::Unit, None, 1).into(), scan(Plan::Unit, None, 0).into(), one);
    assert_eq!(run(&all, 100, 1 << 20).map(|rows| rows.len()), Ok(10_000));
    assert_eq!(run(&all, 100, 1 << 10).err().map(|failure| failure.code()), Some(Code::MemoryLimit));
}

#[test]
fn inner_plans_decide_about_outer_rows() {
    // The inner plan: the next node, where it is even.
    let next = Plan::Expand(Plan::Argument.into(), hop(0, 1, 2));
    let even = Compiled::HasLabels(Box::new(Compiled::Slot(2)), crate::expression::LabelTest::Name("Even".into()));
    let inner = Arc::new(Plan::Filter(next.into(), even));
    let with = |when| {
        let outer = scan(Plan::Unit, None, 0).into();
        Plan::Inner(outer, Arc::clone(&inner), Inner { when, number: 3, filled: vec![1, 2] })
    };
    check(&numbers_of(with(WhenInner::Optional), &[0, 2]), 4, "[1, 2] [3, 0] [0, null] [2, null]");
    check(&numbers_of(with(WhenInner::Exists), &[0]), 4, "[1] [3]");
    check(&numbers_of(with(WhenInner::Missing), &[0]), 4, "[0] [2]");
    assert_eq!(run(&with(WhenInner::Exists), 5_000, 0).map(|rows| rows.len()), Ok(2_500));
}

#[test]
fn walks_are_trails_within_bounds() {
    let one = || Plan::Limit(scan(Plan::Unit, None, 0).into(), number(1)).into();
    let walk = |bounds| numbers_of(Plan::Walk(one(), Walk::run(hop(0, 1, 2), bounds)), &[2]);
    check(&walk((1, Some(3))), 5, "[1] [2] [3]");
    check(&walk((0, Some(1))), 5, "[0] [1]");
    check(&walk((2, Some(2))), 5, "[2]");
    check(&walk((0, Some(0))), 5, "[0]");
    // Once round the ring: the sixth step would walk the first relationship again.
    check(&walk((1, None)), 5, "[1] [2] [3] [4] [0]");
    let both = Expand { direction: Direction::Both, ..hop(0, 1, 2) };
    check(&numbers_of(Plan::Walk(one(), Walk::run(both.clone(), (1, Some(2)))), &[2]), 4, "[1] [2] [3] [2]");
    let first = Plan::Expand(one(), hop(0, 3, 4));
    let rest = Expand { from: 4, distinct_from: vec![3], ..both.clone() };
    check(&numbers_of(Plan::Walk(first.into(), Walk::run(rest, (1, Some(1)))), &[4, 2]), 4, "[1, 2]");
    let after =
        Expand { from: 2, relationship: 3, to: 4, direction: Direction::Both, distinct_from: vec![1], ..hop(0, 1, 2) };
    let walked = Plan::Walk(one(), Walk::run(hop(0, 1, 2), (2, Some(2)))).into();
    check(&numbers_of(Plan::Expand(walked, after), &[2, 4]), 4, "[2, 3]");
    let back = Expand { into: true, to: 0, ..both };
    assert_eq!(run(&Plan::Walk(one(), Walk::run(back, (1, None))), 3_000, 1 << 20).map(|rows| rows.len()), Ok(2));
    let unknown = Expand { types: vec!["NEVER".into()], ..hop(0, 1, 2) };
    check(&numbers_of(Plan::Walk(one(), Walk::run(unknown, (0, None))), &[2]), 4, "[0]");
}
