//! Tests of operators that keep rows, against plain lists: sorting, joining, grouping.

use types::compare::{Key, order};
use types::{NodeId, NodeRef, Value};

use super::{number, rows, scan, unwind, written};
use crate::expression::Compiled;
use crate::functions::AggregateKind;
use crate::operator::{Aggregate, HashJoin, Plan};
use crate::testing::{Memory, World};

/// Numbers that look random and are the same in every run.
fn numbers(count: usize, below: u64) -> Vec<u64> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    (0..count).map(|_| next()).collect()
}

/// A value of one of several types, many of them equal to others.
fn value(number: u64) -> Value {
    match number % 6 {
        0 => Value::Null,
        1 => Value::Float((number / 12) as f64),
        2 => Value::string(format!("text {}", number / 12)),
        3 => Value::NodeRef(NodeRef { source: 0, id: NodeId(number / 12) }),
        4 => Value::list(vec![Value::Integer((number / 12).cast_signed())]),
        _ => Value::Integer((number / 12).cast_signed()),
    }
}

fn world() -> World {
    World::of(Memory::ring(3_000))
}

fn all(plan: &Plan) -> Vec<Value> {
    rows(plan, &mut world()).expect("it runs")
}

/// Rows of a value, and its place among all.
fn numbered(values: &[Value]) -> Plan {
    let pair = |(at, value): (usize, &Value)| Value::list(vec![value.clone(), Value::Integer(at as i64)]);
    let pairs = unwind(values.iter().enumerate().map(pair).collect(), 2);
    let part = |at| Compiled::Index(Box::new(Compiled::Slot(2)), Box::new(number(at)));
    Plan::Keep(Plan::Compute(pairs.into(), vec![(0, part(0)), (1, part(1))]).into(), vec![0, 1])
}

#[test]
fn the_first_rows_are_those_of_all_rows_in_order() {
    let values: Vec<Value> = numbers(6_000, 120).into_iter().map(value).collect();
    for descending in [false, true] {
        let mut expected: Vec<(usize, &Value)> = values.iter().enumerate().collect();
        expected.sort_by(|(_, left), (_, right)| {
            let found = order(left, right);
            if descending { found.reverse() } else { found }
        });
        for limit in [None, Some(0), Some(1), Some(700), Some(1_024), Some(5_999), Some(9_000)] {
            let keys = vec![(Compiled::Slot(0), descending)];
            let sorted = Plan::Sort { input: numbered(&values).into(), keys, limit: limit.map(number) };
            let found: Vec<Value> = all(&sorted);
            let wanted = usize::try_from(limit.unwrap_or(i64::MAX)).expect("it fits").min(values.len());
            assert_eq!(found.len(), wanted);
            for (found, (at, value)) in found.iter().zip(&expected) {
                assert_eq!(*found, Value::list(vec![(*value).clone(), Value::Integer(*at as i64)]), "{limit:?}");
            }
        }
    }
}

#[test]
fn ties_are_broken_by_the_next_key() {
    let values: Vec<Value> = numbers(3_000, 4).into_iter().map(|number| Value::Integer(number as i64)).collect();
    let keys = vec![(Compiled::Slot(0), false), (Compiled::Slot(1), true)];
    let sorted = Plan::Sort { input: numbered(&values).into(), keys, limit: Some(number(2)) };
    let last_zero = values.iter().rposition(|value| *value == Value::Integer(0)).expect("there is one");
    assert_eq!(all(&sorted)[0], Value::list(vec![0.into(), Value::Integer(last_zero as i64)]));
}

#[test]
fn joins_pair_what_is_equal_in_the_order_of_both() {
    let (left, right): (Vec<Value>, Vec<Value>) =
        (numbers(400, 300).into_iter().map(value).collect(), numbers(900, 300).into_iter().map(value).collect());
    let side = |values: &[Value], slot| unwind(values.to_vec(), slot);
    let how = HashJoin { probe_keys: vec![Compiled::Slot(0)], build_keys: vec![Compiled::Slot(1)], kept: vec![1] };
    let found = all(&Plan::HashJoin(side(&left, 0).into(), side(&right, 1).into(), how));
    let equal = |left: &Value, right: &Value| types::compare::equals(left, right) == Some(true);
    let pairs = left
        .iter()
        .flat_map(|left| right.iter().filter(move |right| equal(left, right)).map(move |right| (left, right)));
    let expected: Vec<Value> = pairs.map(|(left, right)| Value::list(vec![left.clone(), right.clone()])).collect();
    assert_eq!(found, expected);
    assert!(found.len() > 500, "{} pairs", found.len());
}

#[test]
fn one_key_may_have_more_rows_than_a_batch() {
    let how = HashJoin { probe_keys: vec![number(1)], build_keys: vec![number(1)], kept: vec![1] };
    let joined = Plan::HashJoin(unwind(vec![1.into(), 2.into()], 0).into(), scan(Plan::Unit, None, 1).into(), how);
    assert_eq!(all(&joined).len(), 6_000);
}

#[test]
fn groups_are_those_of_a_plain_table() {
    let values: Vec<Value> = numbers(5_000, 400).into_iter().map(value).collect();
    let mut expected: Vec<(Key, i64, i64)> = Vec::new();
    for (at, value) in values.iter().enumerate() {
        let key = Key(value.clone());
        let place = expected.iter().position(|(known, ..)| *known == key).unwrap_or_else(|| {
            expected.push((key, 0, 0));
            expected.len() - 1
        });
        expected[place].1 += 1;
        expected[place].2 = expected[place].2.max(at as i64);
    }
    let of = |kind, distinct, arguments| Aggregate { kind, distinct, arguments };
    let parity = Compiled::Operator(types::arithmetic::modulo, Box::new(Compiled::Slot(1)), Box::new(number(3)));
    let aggregates = vec![
        of(AggregateKind::Count, false, Vec::new()),
        of(AggregateKind::Max, false, vec![Compiled::Slot(1)]),
        of(AggregateKind::Count, true, vec![parity.clone()]),
        of(AggregateKind::Collect, true, vec![parity]),
    ];
    let grouped = Plan::Aggregate { input: numbered(&values).into(), keys: vec![Compiled::Slot(0)], aggregates };
    let found = all(&grouped);
    assert_eq!(found.len(), expected.len());
    for (row, (key, count, last)) in found.iter().zip(&expected) {
        let Value::List(row) = row else { panic!("rows are lists") };
        assert_eq!(row[..3], [key.0.clone(), (*count).into(), (*last).into()]);
        let Value::List(different) = &row[4] else { panic!("collect gives a list") };
        assert_eq!(row[3], Value::Integer(different.len() as i64));
    }
    let distinct = Plan::Distinct(Plan::Keep(numbered(&values).into(), vec![0]).into());
    let keys: Vec<Value> = expected.iter().map(|(key, ..)| Value::list(vec![key.0.clone()])).collect();
    assert_eq!(all(&distinct), keys);
}

#[test]
fn different_values_are_counted_for_each_group() {
    // One group at first, then more; nodes at first, then other values; null is none.
    let nodes = Plan::Compute(scan(Plan::Unit, None, 0).into(), vec![(1, number(0))]);
    let pair = |value: Value, group: i64| Value::list(vec![value, group.into()]);
    let pairs = vec![
        pair(Value::NodeRef(NodeRef { source: 0, id: NodeId(1) }), 0),
        pair(Value::NodeRef(NodeRef { source: 0, id: NodeId(1) }), 1),
        pair(7.into(), 1),
        pair(7.0.into(), 1),
        pair(Value::Null, 1),
        pair(7.into(), 0),
    ];
    let part = |at| Compiled::Index(Box::new(Compiled::Slot(2)), Box::new(number(at)));
    let others = Plan::Compute(unwind(pairs, 2).into(), vec![(0, part(0)), (1, part(1))]);
    let both = Plan::Append(nodes.into(), Plan::Keep(others.into(), vec![0, 1]).into());
    let aggregates = vec![Aggregate { kind: AggregateKind::Count, distinct: true, arguments: vec![Compiled::Slot(0)] }];
    let counted = Plan::Aggregate { input: both.into(), keys: vec![Compiled::Slot(1)], aggregates };
    assert_eq!(written(rows(&counted, &mut world())), "[0, 3001] [1, 2]");
}
