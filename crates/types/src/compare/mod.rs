//! Cypher's four ways to compare: equality, comparability, order and equivalence; and sameness to the last bit.
//! Knows values only; entities compare by their ids, wherever their contents are.
//! Start reading at [`equals`], then [`holds`], [`order`] and [`equivalent`].

mod identical;
mod key;
#[cfg(test)]
mod laws;
mod number;
mod order;

use std::cmp::Ordering;
use std::sync::Arc;

pub use identical::identical;
pub use key::{Key, equivalent, hash_value};
pub use number::{integer_with_float, total_floats};
pub use order::order;

use crate::effort::pay;
use crate::value::{Map, Point, Value};

/// One of Cypher's four inequality operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Inequality {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Inequality {
    /// Tells whether the operator accepts two values that stand so.
    #[must_use]
    pub fn accepts(self, found: Ordering) -> bool {
        match self {
            Self::Less => found.is_lt(),
            Self::LessOrEqual => found.is_le(),
            Self::Greater => found.is_gt(),
            Self::GreaterOrEqual => found.is_ge(),
        }
    }
}

/// How two values stand to each other for `<` and its siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The values have an order.
    Known(Ordering),
    /// One of them is NaN: every inequality is false.
    Unordered,
    /// The types have no common order, or null takes part: every inequality is null.
    Unknown,
}

/// Cypher's `=`: `None` where the answer is null.
///
/// Integers and floats are compared exactly, also beyond 2^53. Values of different types are never equal.
#[must_use]
pub fn equals(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Float(a), Value::Float(b)) => Some(a == b),
        (Value::Integer(a), Value::Float(b)) | (Value::Float(b), Value::Integer(a)) => {
            Some(integer_with_float(*a, *b) == Some(Ordering::Equal))
        }
        (Value::List(a), Value::List(b)) => equal_lists(a, b),
        (Value::Map(a), Value::Map(b)) => equal_maps(a, b),
        (Value::Point(a), Value::Point(b)) => Some(equal_points(a, b)),
        _ => Some(equivalent(left, right)),
    }
}

/// Cypher's `<`, `<=`, `>` and `>=`: `None` where the answer is null.
#[must_use]
pub fn holds(operator: Inequality, left: &Value, right: &Value) -> Option<bool> {
    match standing(left, right) {
        Standing::Known(found) => Some(operator.accepts(found)),
        Standing::Unordered => Some(false),
        Standing::Unknown => None,
    }
}

/// The order behind `<`: `None` where there is none.
///
/// NaN and null both give `None`, although an inequality with NaN is false and one with null is null: operators
/// ask [`holds`].
#[must_use]
pub fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match standing(left, right) {
        Standing::Known(found) => Some(found),
        Standing::Unordered | Standing::Unknown => None,
    }
}

/// Tells how two values stand to each other for `<` and its siblings.
#[must_use]
pub fn standing(left: &Value, right: &Value) -> Standing {
    let numbers = |found: Option<Ordering>| found.map_or(Standing::Unordered, Standing::Known);
    match (left, right) {
        (Value::Integer(a), Value::Integer(b)) => Standing::Known(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => numbers(a.partial_cmp(b)),
        (Value::Integer(a), Value::Float(b)) => numbers(integer_with_float(*a, *b)),
        (Value::Float(a), Value::Integer(b)) => numbers(integer_with_float(*b, *a).map(Ordering::reverse)),
        (Value::List(a), Value::List(b)) => lists(a, b),
        (Value::String(_), Value::String(_))
        | (Value::Boolean(_), Value::Boolean(_))
        | (Value::Date(_), Value::Date(_))
        | (Value::LocalTime(_), Value::LocalTime(_))
        | (Value::Time(_), Value::Time(_))
        | (Value::LocalDateTime(_), Value::LocalDateTime(_))
        | (Value::DateTime(_), Value::DateTime(_)) => Standing::Known(order(left, right)),
        _ => Standing::Unknown,
    }
}

/// Decides at the first pair of elements that differ; a shorter list that is a prefix comes first.
fn lists(left: &[Value], right: &[Value]) -> Standing {
    if !pay(left.len().min(right.len())) {
        return Standing::Unknown;
    }
    for (a, b) in left.iter().zip(right) {
        match equals(a, b) {
            Some(true) => {}
            Some(false) => return standing(a, b),
            None => return Standing::Unknown,
        }
    }
    Standing::Known(left.len().cmp(&right.len()))
}

/// Lists of different lengths differ, whatever they hold; one pair that differs decides over any null.
fn equal_lists(left: &Arc<Vec<Value>>, right: &Arc<Vec<Value>>) -> Option<bool> {
    if left.len() != right.len() {
        return Some(false);
    }
    if !pay(left.len()) {
        return None;
    }
    all(left.iter().zip(right.iter()).map(|(a, b)| equals(a, b)))
}

/// Maps with different keys differ, even where the extra key is null.
fn equal_maps(left: &Map, right: &Map) -> Option<bool> {
    if left.len() != right.len() || left.keys().any(|key| !right.contains_key(key)) {
        return Some(false);
    }
    if !pay(left.len()) {
        return None;
    }
    all(left.iter().filter_map(|(key, a)| right.get(key).map(|b| equals(a, b))))
}

fn equal_points(left: &Point, right: &Point) -> bool {
    left.srid == right.srid && left.x == right.x && left.y == right.y && left.z == right.z
}

/// Three-valued AND over a sequence.
fn all(answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for answer in answers {
        match answer {
            Some(false) => return Some(false),
            Some(true) => {}
            None => result = None,
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporal::{Date, LocalTime, Time};
    use crate::value::{Node, NodeRef, PathRef, RelationshipRef};
    use crate::{NodeId, RelationshipId, TypeId};

    const NULL: Value = Value::Null;

    fn list(items: &[Value]) -> Value {
        Value::list(items.to_vec())
    }

    fn map(entries: &[(&str, Value)]) -> Value {
        Value::map(entries.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
    }

    fn show(answer: Option<bool>) -> &'static str {
        answer.map_or("null", |answer| if answer { "true" } else { "false" })
    }

    /// Checks `=` both ways round.
    fn check_equal(left: impl Into<Value>, right: impl Into<Value>, expected: &str) {
        let (left, right) = (left.into(), right.into());
        assert_eq!(show(equals(&left, &right)), expected, "{left:?} = {right:?}");
        assert_eq!(show(equals(&right, &left)), expected, "{right:?} = {left:?}");
    }

    /// Checks `<`, `<=`, `>`, `>=` in this order.
    fn check(left: impl Into<Value>, right: impl Into<Value>, expected: &str) {
        let (left, right) = (left.into(), right.into());
        let operators = [Inequality::Less, Inequality::LessOrEqual, Inequality::Greater, Inequality::GreaterOrEqual];
        let got = operators.map(|operator| show(holds(operator, &left, &right)));
        assert_eq!(got.join(" "), expected, "{left:?} and {right:?}");
    }

    #[test]
    fn equality_of_numbers_is_exact() {
        check_equal(1, 1.0, "true");
        check_equal(0, -0.0, "true");
        check_equal(1, 1.5, "false");
        check_equal(9_007_199_254_740_993, 9_007_199_254_740_992.0, "false");
        check_equal(i64::MAX, 9_223_372_036_854_775_808.0, "false");
        check_equal(i64::MIN, -9_223_372_036_854_775_808.0, "true");
        check_equal(f64::NAN, f64::NAN, "false");
        check_equal(f64::NAN, 1, "false");
        check_equal(f64::NAN, "a", "false");
    }

    #[test]
    fn equality_over_types_and_nulls() {
        check_equal(NULL, NULL, "null");
        check_equal(NULL, 1, "null");
        check_equal("1", 1, "false");
        check_equal(list(&[1.into()]), "a", "false");
        check_equal(true, 1, "false");
    }

    #[test]
    fn equality_of_lists() {
        let one = || Value::from(1);
        check_equal(list(&[one(), 2.into()]), list(&[one()]), "false");
        check_equal(list(&[NULL]), list(&[one()]), "null");
        check_equal(list(&[one(), 2.into()]), list(&[NULL, "foo".into()]), "false");
        check_equal(list(&[one(), 2.into()]), list(&[NULL, 2.into()]), "null");
        check_equal(list(&[list(&[one()])]), list(&[list(&[one()]), list(&[NULL])]), "false");
        check_equal(list(&[one()]), list(&[1.0.into()]), "true");
    }

    #[test]
    fn equality_of_maps() {
        check_equal(map(&[]), map(&[("k", NULL)]), "false");
        check_equal(map(&[("k", NULL)]), map(&[("k", NULL)]), "null");
        check_equal(map(&[("k", 1.into()), ("l", NULL)]), map(&[("k", NULL), ("l", 1.into())]), "null");
        check_equal(map(&[("k", 1.into()), ("l", NULL)]), map(&[("k", 2.into()), ("l", 1.into())]), "false");
        check_equal(map(&[("k", 1.into()), ("l", 2.into())]), map(&[("l", 2.into()), ("k", 1.into())]), "true");
    }

    #[test]
    fn equality_of_entities_is_by_id() {
        let node = |source, id| Value::NodeRef(NodeRef { source, id: NodeId(id) });
        let whole = |id| {
            let element_id = format!("4:x:{id}").into();
            Value::Node(Arc::new(Node { id, element_id, labels: vec![], properties: Map::new() }))
        };
        check_equal(node(0, 1), node(0, 1), "true");
        check_equal(node(0, 1), node(1, 1), "false");
        check_equal(node(0, 1), whole(1), "true");
        check_equal(node(0, 1), whole(2), "false");
        check_equal(whole(2), whole(2), "true");
        check_equal(node(0, 1), 1, "false");
    }

    #[test]
    fn equality_of_paths_is_by_their_steps() {
        let (start, end) = (NodeId(1), NodeId(1));
        let step = RelationshipRef { source: 0, id: RelationshipId(7), kind: TypeId(0), start, end };
        let path = |steps: &[RelationshipRef]| {
            let start = NodeRef { source: 0, id: NodeId(1) };
            Value::PathRef(Arc::new(PathRef { start, relationships: steps.to_vec() }))
        };
        check_equal(path(&[step]), path(&[step]), "true");
        check_equal(path(&[step]), path(&[]), "false");
        check_equal(Value::RelationshipRef(Box::new(step)), Value::RelationshipRef(Box::new(step)), "true");
    }

    #[test]
    fn inequality_over_numbers_and_strings() {
        check(1, 2.5, "true true false false");
        check(2.5, 1, "false false true true");
        check(1, 1.0, "false true false true");
        check("a", "b", "true true false false");
        check(false, true, "true true false false");
    }

    #[test]
    fn inequality_with_nan_is_false_with_another_type_null() {
        check(f64::NAN, 1, "false false false false");
        check(f64::NAN, f64::NAN, "false false false false");
        check(f64::NAN, "a", "null null null null");
        check(1, "a", "null null null null");
        check(1, NULL, "null null null null");
        check(map(&[]), map(&[]), "null null null null");
    }

    #[test]
    fn inequality_of_lists() {
        let one = || Value::from(1);
        check(list(&[one(), 0.into()]), list(&[one()]), "false false true true");
        check(list(&[one(), NULL]), list(&[one()]), "false false true true");
        check(list(&[one(), 2.into()]), list(&[one(), NULL]), "null null null null");
        check(list(&[one(), "a".into()]), list(&[one(), NULL]), "null null null null");
        check(list(&[one(), 2.into()]), list(&[3.into(), NULL]), "true true false false");
    }

    #[test]
    fn inequality_of_temporal_values() {
        check(Value::Date(Date { days: 1 }), Value::Date(Date { days: 2 }), "true true false false");
        check(Value::Date(Date { days: 1 }), Value::LocalTime(LocalTime { nanos: 2 }), "null null null null");
        let time = |hours: i64, offset_hours: i32| {
            Value::Time(Time { nanos: hours * 3_600_000_000_000, offset_seconds: offset_hours * 3600 })
        };
        check(time(12, 2), time(11, 0), "true true false false");
        check_equal(time(12, 1), time(11, 0), "false");
        check(Value::Duration(Box::default()), Value::Duration(Box::default()), "null null null null");
        check_equal(Value::Duration(Box::default()), Value::Duration(Box::default()), "true");
    }

    #[test]
    fn points_are_equal_but_have_no_order() {
        let point = |x| Value::Point(Box::new(Point { srid: 7203, x, y: 0.0, z: None }));
        check_equal(point(1.0), point(1.0), "true");
        check_equal(point(1.0), point(2.0), "false");
        check(point(1.0), point(2.0), "null null null null");
    }
}
