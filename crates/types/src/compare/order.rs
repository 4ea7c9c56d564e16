//! The total order of `ORDER BY`, `min` and `max` over values of all types.

use std::cmp::Ordering;

use super::number::{integer_with_float, total_floats};
use crate::effort::pay;
use crate::value::{Map, Path, PathRef, Point, Value};

/// Orders any two values; `Equal` exactly where they are equivalent.
///
/// Types come in the order map, node, relationship, list, path, bytes, point, zoned date-time, local date-time, date,
/// zoned time, local time, duration, string, boolean, number, null. NaN is the largest number.
#[must_use]
pub fn order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => total_floats(*a, *b),
        (Value::Integer(a), Value::Float(b)) => integer_with_float(*a, *b).unwrap_or(Ordering::Less),
        (Value::Float(a), Value::Integer(b)) => integer_with_float(*b, *a).map_or(Ordering::Greater, Ordering::reverse),
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::LocalTime(a), Value::LocalTime(b)) => a.cmp(b),
        (Value::LocalDateTime(a), Value::LocalDateTime(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a.cmp(b),
        (Value::DateTime(a), Value::DateTime(b)) => a.cmp(b),
        (Value::Duration(a), Value::Duration(b)) => a.order(b),
        (Value::Point(a), Value::Point(b)) => points(a, b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => lists(a, b),
        (Value::Map(a), Value::Map(b)) => maps(a, b),
        _ => entities(left, right).unwrap_or_else(|| rank(left).cmp(&rank(right))),
    }
}

/// The place of a type among the types.
fn rank(value: &Value) -> u8 {
    match value {
        Value::Map(_) => 0,
        Value::NodeRef(_) | Value::Node(_) => 1,
        Value::RelationshipRef(_) | Value::Relationship(_) => 2,
        Value::List(_) => 3,
        Value::PathRef(_) | Value::Path(_) => 4,
        Value::Bytes(_) => 5,
        Value::Point(_) => 6,
        Value::DateTime(_) => 7,
        Value::LocalDateTime(_) => 8,
        Value::Date(_) => 9,
        Value::Time(_) => 10,
        Value::LocalTime(_) => 11,
        Value::Duration(_) => 12,
        Value::String(_) => 13,
        Value::Boolean(_) => 14,
        Value::Integer(_) | Value::Float(_) => 15,
        Value::Null => 16,
    }
}

/// Orders two entities of one kind by their ids; `None` for anything else.
///
/// A reference and a whole entity meet only inside one database, where the number alone names it.
fn entities(left: &Value, right: &Value) -> Option<Ordering> {
    Some(match (left, right) {
        (Value::NodeRef(a), Value::NodeRef(b)) => a.cmp(b),
        (Value::Node(a), Value::Node(b)) => a.id.cmp(&b.id).then_with(|| a.element_id.cmp(&b.element_id)),
        (Value::NodeRef(a), Value::Node(b)) => a.id.0.cmp(&b.id),
        (Value::Node(a), Value::NodeRef(b)) => a.id.cmp(&b.id.0),
        (Value::RelationshipRef(a), Value::RelationshipRef(b)) => (a.source, a.id).cmp(&(b.source, b.id)),
        (Value::Relationship(a), Value::Relationship(b)) => {
            a.id.cmp(&b.id).then_with(|| a.element_id.cmp(&b.element_id))
        }
        (Value::RelationshipRef(a), Value::Relationship(b)) => a.id.0.cmp(&b.id),
        (Value::Relationship(a), Value::RelationshipRef(b)) => a.id.cmp(&b.id.0),
        (Value::PathRef(a), Value::PathRef(b)) => path_refs(a, b),
        (Value::Path(a), Value::Path(b)) => paths(a, b),
        (Value::PathRef(a), Value::Path(b)) => ref_with_path(a, b),
        (Value::Path(a), Value::PathRef(b)) => ref_with_path(b, a).reverse(),
        _ => return None,
    })
}

fn path_refs(left: &PathRef, right: &PathRef) -> Ordering {
    let ids = |path: &PathRef, at: usize| (path.relationships[at].source, path.relationships[at].id);
    let steps = left.relationships.len().min(right.relationships.len());
    left.start
        .cmp(&right.start)
        .then_with(|| (0..steps).map(|at| ids(left, at)).cmp((0..steps).map(|at| ids(right, at))))
        .then_with(|| left.relationships.len().cmp(&right.relationships.len()))
}

fn paths(left: &Path, right: &Path) -> Ordering {
    let nodes = |path: &Path| path.nodes.first().map(|node| node.id);
    let steps = left.relationships.iter().map(|step| (step.id, &step.element_id));
    nodes(left)
        .cmp(&nodes(right))
        .then_with(|| steps.cmp(right.relationships.iter().map(|step| (step.id, &step.element_id))))
}

fn ref_with_path(left: &PathRef, right: &Path) -> Ordering {
    Some(left.start.id.0).cmp(&right.nodes.first().map(|node| node.id)).then_with(|| {
        left.relationships.iter().map(|step| step.id.0).cmp(right.relationships.iter().map(|step| step.id))
    })
}

fn points(left: &Point, right: &Point) -> Ordering {
    left.srid
        .cmp(&right.srid)
        .then_with(|| total_floats(left.x, right.x))
        .then_with(|| total_floats(left.y, right.y))
        .then_with(|| match (left.z, right.z) {
            (Some(a), Some(b)) => total_floats(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        })
}

fn lists(left: &[Value], right: &[Value]) -> Ordering {
    if !pay(left.len().min(right.len())) {
        return Ordering::Equal;
    }
    left.iter()
        .zip(right)
        .map(|(a, b)| order(a, b))
        .find(|found| found.is_ne())
        .unwrap_or_else(|| left.len().cmp(&right.len()))
}

/// Orders by size, then by the sorted keys, then by the values in that order of keys.
fn maps(left: &Map, right: &Map) -> Ordering {
    if !pay(left.len()) {
        return Ordering::Equal;
    }
    let sorted = |map: &Map| {
        let mut places: Vec<usize> = (0..map.len()).collect();
        places.sort_unstable_by(|a, b| {
            map.get_index(*a).map(|entry| entry.0).cmp(&map.get_index(*b).map(|entry| entry.0))
        });
        places
    };
    left.len().cmp(&right.len()).then_with(|| {
        let (in_left, in_right) = (sorted(left), sorted(right));
        let keys = in_left.iter().map(|at| left.get_index(*at).map(|entry| entry.0));
        keys.cmp(in_right.iter().map(|at| right.get_index(*at).map(|entry| entry.0))).then_with(|| {
            in_left
                .iter()
                .zip(&in_right)
                .map(|(a, b)| order(&left[*a], &right[*b]))
                .find(|found| found.is_ne())
                .unwrap_or(Ordering::Equal)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporal::{Date, Duration};
    use crate::text::literal;
    use crate::value::NodeRef;
    use crate::{NodeId, Value};

    fn list(items: &[Value]) -> Value {
        Value::list(items.to_vec())
    }

    fn map(entries: &[(&str, i64)]) -> Value {
        Value::map(entries.iter().map(|(key, value)| ((*key).into(), Value::Integer(*value))).collect())
    }

    /// Checks that the values come in exactly this order, each before all that follow.
    fn check(ascending: &[Value]) {
        for (at, low) in ascending.iter().enumerate() {
            assert_eq!(order(low, low), Ordering::Equal, "{} and itself", literal(low));
            for high in &ascending[at + 1..] {
                assert_eq!(order(low, high), Ordering::Less, "{} and {}", literal(low), literal(high));
                assert_eq!(order(high, low), Ordering::Greater, "{} and {}", literal(high), literal(low));
            }
        }
    }

    #[test]
    fn types_come_in_the_order_of_the_language() {
        check(&[
            map(&[("a", 1)]),
            Value::NodeRef(NodeRef { source: 0, id: NodeId(1) }),
            list(&["list".into()]),
            Value::Date(Date { days: 0 }),
            Value::Duration(Box::default()),
            "text".into(),
            false.into(),
            1.5.into(),
            f64::NAN.into(),
            Value::Null,
        ]);
    }

    #[test]
    fn numbers_are_ordered_exactly() {
        check(&[
            f64::NEG_INFINITY.into(),
            i64::MIN.into(),
            (-0.5).into(),
            0.into(),
            0.5.into(),
            1.into(),
            9_007_199_254_740_992.0.into(),
            9_007_199_254_740_993.into(),
            i64::MAX.into(),
            9_223_372_036_854_775_808.0.into(),
            f64::INFINITY.into(),
            f64::NAN.into(),
        ]);
        assert_eq!(order(&0.into(), &(-0.0).into()), Ordering::Equal);
    }

    #[test]
    fn lists_are_ordered_element_by_element() {
        let (one, a) = (Value::from(1), Value::from("a"));
        check(&[
            list(&[]),
            list(std::slice::from_ref(&a)),
            list(&[a.clone(), one.clone()]),
            list(std::slice::from_ref(&one)),
            list(&[one.clone(), a]),
            list(&[one.clone(), Value::Null]),
            list(&[Value::Null, one]),
            list(&[Value::Null, 2.into()]),
        ]);
    }

    #[test]
    fn maps_are_ordered_by_size_keys_values() {
        check(&[
            map(&[]),
            map(&[("a", 1)]),
            map(&[("a", 2)]),
            map(&[("b", 0)]),
            map(&[("b", 0), ("a", 1)]),
            map(&[("a", 1), ("b", 1)]),
        ]);
    }

    #[test]
    fn durations_are_ordered_by_their_average_length() {
        let duration = |months, days, seconds| Value::Duration(Box::new(Duration { months, days, seconds, nanos: 0 }));
        check(&[duration(0, -1, 0), duration(0, 0, 1), duration(0, 1, 0), duration(0, 30, 0), duration(1, 0, 0)]);
    }
}
