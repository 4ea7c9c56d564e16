//! Cypher's four ways to compare: equality, comparability, order and equivalence.
//! Knows values only; entities compare by their ids, wherever their contents are.
//! Start reading at [`equals`], then [`holds`], [`order`] and [`equivalent`].

mod key;
mod number;
mod order;

use std::cmp::Ordering;
use std::sync::Arc;

pub use key::{Key, equivalent, hash_value};
pub use number::{integer_with_float, total_floats};
pub use order::order;

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
    all(left.iter().zip(right.iter()).map(|(a, b)| equals(a, b)))
}

/// Maps with different keys differ, even where the extra key is null.
fn equal_maps(left: &Map, right: &Map) -> Option<bool> {
    if left.len() != right.len() || left.keys().any(|key| !right.contains_key(key)) {
        return Some(false);
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
