//! Equivalence, and the hash that goes with it: what `DISTINCT`, grouping and hash joins ask.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use super::number::{integer_with_float, whole};
use super::order::order;
use crate::effort::pay;
use crate::value::{Map, Value};

/// A value as a key of a hash table: equal where equivalent.
#[derive(Clone, Debug, Default)]
pub struct Key(pub Value);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        equivalent(&self.0, &other.0)
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_value(&self.0, state);
    }
}

/// Sameness for `DISTINCT` and grouping: null is null, NaN is NaN, 1 is 1.0.
#[must_use]
pub fn equivalent(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Integer(a), Value::Integer(b)) => a == b,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::NodeRef(a), Value::NodeRef(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
        (Value::Integer(a), Value::Float(b)) | (Value::Float(b), Value::Integer(a)) => {
            integer_with_float(*a, *b) == Some(Ordering::Equal)
        }
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && pay(a.len()) && a.iter().zip(b.iter()).all(|(a, b)| equivalent(a, b))
        }
        (Value::Map(a), Value::Map(b)) => equivalent_maps(a, b),
        _ => order(left, right) == Ordering::Equal,
    }
}

/// Looks each key up, so that the order of writing plays no part and nothing is sorted.
fn equivalent_maps(left: &Map, right: &Map) -> bool {
    left.len() == right.len()
        && pay(left.len())
        && left.iter().all(|(key, a)| right.get(key).is_some_and(|b| equivalent(a, b)))
}

/// Hashes a value so that equivalent values hash alike. Allocates nothing.
///
/// Integers, floats, strings and nodes are hashed bare: a clash between types costs one comparison and is rare.
pub fn hash_value<H: Hasher>(value: &Value, state: &mut H) {
    match value {
        Value::Null => state.write_u8(0),
        Value::Boolean(truth) => state.write_u8(1 + u8::from(*truth)),
        Value::Integer(integer) => state.write_i64(*integer),
        Value::Float(float) => hash_float(*float, state),
        Value::String(text) => text.as_str().hash(state),
        Value::Bytes(bytes) => bytes.hash(state),
        Value::List(items) => hash_list(items, state),
        Value::Map(entries) => hash_map(entries, state),
        Value::Date(date) => state.write_i64(date.days),
        Value::LocalTime(time) => state.write_i64(time.nanos),
        Value::Time(time) => time.hash(state),
        Value::LocalDateTime(moment) => moment.hash(state),
        Value::DateTime(moment) => moment.hash(state),
        Value::Duration(duration) => duration.hash(state),
        Value::Point(point) => {
            state.write_u32(point.srid);
            hash_float(point.x, state);
            hash_float(point.y, state);
        }
        // Only the number: the reference and the whole entity must hash alike.
        Value::NodeRef(node) => state.write_u64(node.id.0),
        Value::Node(node) => state.write_u64(node.id),
        Value::RelationshipRef(relationship) => state.write_u64(relationship.id.0),
        Value::Relationship(relationship) => state.write_u64(relationship.id),
        Value::PathRef(path) => {
            state.write_u64(path.start.id.0);
            path.relationships.iter().for_each(|step| state.write_u64(step.id.0));
        }
        Value::Path(path) => {
            state.write_u64(path.nodes.first().map_or(0, |node| node.id));
            path.relationships.iter().for_each(|step| state.write_u64(step.id));
        }
    }
}

/// A whole float hashes like its integer, every NaN like every other.
fn hash_float<H: Hasher>(float: f64, state: &mut H) {
    match whole(float) {
        Some(integer) => state.write_i64(integer),
        None if float.is_nan() => state.write_u64(f64::NAN.to_bits()),
        None => state.write_u64(float.to_bits()),
    }
}

fn hash_list<H: Hasher>(items: &[Value], state: &mut H) {
    state.write_usize(items.len());
    if pay(items.len()) {
        items.iter().for_each(|item| hash_value(item, state));
    }
}

/// Adds up the entries' hashes, because equal maps may be written in different orders.
fn hash_map<H: Hasher>(entries: &Map, state: &mut H) {
    if !pay(entries.len()) {
        return;
    }
    let sum = entries.iter().fold(0_u64, |sum, (key, value)| {
        let mut entry = FxHasher::default();
        key.as_str().hash(&mut entry);
        hash_value(value, &mut entry);
        sum.wrapping_add(entry.finish())
    });
    state.write_usize(entries.len());
    state.write_u64(sum);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::NodeId;
    use crate::value::{Node, NodeRef, Point};

    fn hash_of(value: &Value) -> u64 {
        let mut hasher = FxHasher::default();
        hash_value(value, &mut hasher);
        hasher.finish()
    }

    /// Checks that both values are one key.
    fn check(left: impl Into<Value>, right: impl Into<Value>) {
        let (left, right) = (left.into(), right.into());
        assert!(equivalent(&left, &right) && equivalent(&right, &left), "{left:?} and {right:?}");
        assert_eq!(hash_of(&left), hash_of(&right), "hashes of {left:?} and {right:?}");
    }

    #[test]
    fn equivalent_values_hash_alike() {
        check(1, 1.0);
        check(0.0, -0.0);
        check(i64::MIN, -9_223_372_036_854_775_808.0);
        check(f64::NAN, -f64::NAN);
        check(Value::Null, Value::Null);
        check(Value::list(vec![1.into(), Value::Null]), Value::list(vec![1.0.into(), Value::Null]));
        let map = |entries: [(&str, i64); 2]| {
            Value::map(entries.into_iter().map(|(key, value)| (key.into(), Value::Integer(value))).collect())
        };
        check(map([("a", 1), ("b", 2)]), map([("b", 2), ("a", 1)]));
        let node = Node { id: 3, element_id: "4:x:3".into(), labels: vec![], properties: Map::new() };
        check(Value::NodeRef(NodeRef { source: 0, id: NodeId(3) }), Value::Node(Arc::new(node)));
        let point = |x| Value::Point(Box::new(Point { srid: 7203, x, y: 0.0, z: None }));
        check(point(0.0), point(-0.0));
    }

    #[test]
    fn different_values_are_different_keys() {
        let differ = |left: Value, right: Value| assert!(!equivalent(&left, &right), "{left:?} and {right:?}");
        differ(1.into(), "1".into());
        differ(Value::Null, false.into());
        differ(9_007_199_254_740_993.into(), 9_007_199_254_740_992.0.into());
        differ(Value::list(vec![]), Value::map(Map::new()));
    }
}
