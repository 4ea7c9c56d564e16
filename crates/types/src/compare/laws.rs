//! Laws that hold between the four ways to compare, over random values of all types.

use std::cmp::Ordering;
use std::hash::Hasher;

use proptest::prelude::*;
use rustc_hash::FxHasher;

use super::{compare, equals, equivalent, hash_value, order};
use crate::temporal::{Date, Duration, LocalDateTime, LocalTime, Time};
use crate::value::{NodeRef, Point, Value};
use crate::{NodeId, Zone};

/// Numbers around the places where integers and floats part.
fn number() -> impl Strategy<Value = Value> {
    let edges = [0, 1, 1 << 53, (1 << 53) + 1, i64::MAX, i64::MIN];
    prop_oneof![
        (-3_i64..3).prop_map(Value::Integer),
        (0..edges.len(), -2_i64..2).prop_map(move |(at, by)| Value::Integer(edges[at].saturating_add(by))),
        (0..edges.len()).prop_map(move |at| Value::Float(edges[at] as f64)),
        any::<f64>().prop_map(Value::Float),
        (-6_i64..6).prop_map(|halves| Value::Float(halves as f64 / 2.0)),
        Just(Value::Float(f64::NAN)),
        Just(Value::Float(-0.0)),
    ]
}

fn temporal() -> impl Strategy<Value = Value> {
    let small = -2_i64..2;
    prop_oneof![
        small.clone().prop_map(|days| Value::Date(Date { days })),
        (0_i64..3).prop_map(|nanos| Value::LocalTime(LocalTime { nanos })),
        (0_i64..3, -1_i32..2).prop_map(|(hours, offset_hours)| Value::Time(Time {
            nanos: hours * 3_600_000_000_000,
            offset_seconds: offset_hours * 3600
        })),
        (small.clone(), 0_u32..2).prop_map(|(seconds, nanos)| Value::LocalDateTime(LocalDateTime { seconds, nanos })),
        (small.clone(), -1_i32..2, any::<bool>()).prop_map(|(seconds, offset_seconds, named)| {
            let zone = Zone { offset_seconds, name: named.then(|| "Europe/Stockholm".into()) };
            Value::DateTime(Box::new(crate::DateTime { seconds, nanos: 0, zone }))
        }),
        (small.clone(), small.clone(), small).prop_map(|(months, days, seconds)| {
            Value::Duration(Box::new(Duration { months, days, seconds: seconds * 86_400, nanos: 0 }))
        }),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let flat = prop_oneof![
        4 => number(),
        2 => temporal(),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Boolean),
        2 => "[ab]{0,2}".prop_map(Value::string),
        1 => (0_u16..2, 0_u64..3).prop_map(|(source, id)| Value::NodeRef(NodeRef { source, id: NodeId(id) })),
        1 => (0_u8..3, any::<bool>()).prop_map(|(x, deep)| Value::Point(Box::new(Point {
            srid: if deep { 9157 } else { 7203 },
            x: f64::from(x),
            y: 0.0,
            z: deep.then_some(0.0),
        }))),
    ];
    flat.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::list),
            prop::collection::vec(("[abc]", inner), 0..3)
                .prop_map(|entries| Value::map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())),
        ]
    })
}

fn hash_of(value: &Value) -> u64 {
    let mut hasher = FxHasher::default();
    hash_value(value, &mut hasher);
    hasher.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn order_is_total(a in value(), b in value(), c in value()) {
        prop_assert_eq!(order(&a, &a), Ordering::Equal);
        prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
        if order(&a, &b).is_le() && order(&b, &c).is_le() {
            prop_assert!(order(&a, &c).is_le());
        }
    }

    #[test]
    fn equivalence_is_a_tie_in_the_order_and_hashes_alike(a in value(), b in value()) {
        prop_assert_eq!(equivalent(&a, &b), order(&a, &b).is_eq());
        if equivalent(&a, &b) {
            prop_assert_eq!(hash_of(&a), hash_of(&b));
        }
    }

    #[test]
    fn numbers_keep_the_laws(a in number(), b in number(), c in number()) {
        prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
        if order(&a, &b).is_le() && order(&b, &c).is_le() {
            prop_assert!(order(&a, &c).is_le());
        }
        prop_assert_eq!(equivalent(&a, &b), order(&a, &b).is_eq());
        if equivalent(&a, &b) {
            prop_assert_eq!(hash_of(&a), hash_of(&b));
        }
    }

    #[test]
    fn what_is_known_agrees_with_the_order(a in value(), b in value()) {
        prop_assert_eq!(equals(&a, &b), equals(&b, &a));
        if equals(&a, &b) == Some(true) {
            prop_assert!(equivalent(&a, &b));
        }
        if let Some(found) = compare(&a, &b) {
            prop_assert_eq!(found, order(&a, &b));
        }
    }
}
