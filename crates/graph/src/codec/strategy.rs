//! Random storable values for the tests of codecs and keys.

use proptest::collection::vec;
use proptest::prelude::*;
use types::{Date, DateTime, Duration, LocalDateTime, LocalTime, Point, Time, Value, Zone};

/// Numbers around the places where integers and floats part.
pub fn number() -> impl Strategy<Value = Value> {
    let edges = [0, 1, 1 << 53, (1 << 53) + 1, 1 << 62, i64::MAX, i64::MIN, -(1 << 53) - 1];
    prop_oneof![
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_map(Value::Float),
        (0..edges.len(), -2_i64..2).prop_map(move |(at, by)| Value::Integer(edges[at].saturating_add(by))),
        (0..edges.len()).prop_map(move |at| Value::Float(edges[at] as f64)),
        any::<i64>().prop_map(|value| Value::Float(value as f64)),
        (-6_i64..6).prop_map(|halves| Value::Float(halves as f64 / 2.0)),
        Just(Value::Float(f64::NAN)),
        Just(Value::Float(-0.0)),
        Just(Value::Float(f64::NEG_INFINITY)),
    ]
}

fn temporal() -> impl Strategy<Value = Value> {
    let seconds = -40_000_000_000_i64..40_000_000_000;
    let small = -2_i64..2;
    prop_oneof![
        (-400_000_000_000_i64..400_000_000_000).prop_map(|days| Value::Date(Date { days })),
        (0_i64..86_400_000_000_000).prop_map(|nanos| Value::LocalTime(LocalTime { nanos })),
        (0_i64..3, -1_i32..2).prop_map(|(hours, offset_hours)| Value::Time(Time {
            nanos: hours * 3_600_000_000_000,
            offset_seconds: offset_hours * 3600
        })),
        (seconds.clone(), 0_u32..1_000_000_000)
            .prop_map(|(seconds, nanos)| Value::LocalDateTime(LocalDateTime { seconds, nanos })),
        (prop_oneof![seconds, small.clone()], -1_i32..2, any::<bool>()).prop_map(|(seconds, offset_seconds, named)| {
            let zone = Zone { offset_seconds, name: named.then(|| "Europe/Stockholm".into()) };
            Value::DateTime(Box::new(DateTime { seconds, nanos: 5, zone }))
        }),
        (small.clone(), small.clone(), small, 0_i32..2).prop_map(|(months, days, days_of_seconds, nanos)| {
            Value::Duration(Box::new(Duration { months, days, seconds: days_of_seconds * 86_400, nanos }))
        }),
    ]
}

fn flat() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => number(),
        3 => temporal(),
        1 => any::<bool>().prop_map(Value::Boolean),
        2 => "[\0\u{1}ab]{0,3}".prop_map(Value::string),
        1 => ".{0,40}".prop_map(Value::string),
        1 => vec(any::<u8>(), 0..4).prop_map(|bytes| Value::Bytes(bytes.into())),
        1 => (-2_i8..3, any::<bool>()).prop_map(|(x, deep)| Value::Point(Box::new(Point {
            srid: if deep { 9157 } else { 7203 },
            x: f64::from(x),
            y: 0.5,
            z: deep.then_some(-1.0),
        }))),
    ]
}

/// Any value that a property can hold.
pub fn value() -> impl Strategy<Value = Value> {
    prop_oneof![5 => flat(), 1 => vec(flat(), 0..4).prop_map(Value::list)]
}
