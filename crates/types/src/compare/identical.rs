//! Sameness to the last bit: what tells whether a stored value changes.

use crate::value::Value;

/// Tells whether two values are of one type and cannot be told apart: 1 is not 1.0, 0.0 is not -0.0, NaN is NaN.
///
/// Of properties, that is; maps and entities are compared as [`super::equivalent`] does.
#[must_use]
pub fn identical(left: &Value, right: &Value) -> bool {
    let floats = |pairs: [(f64, f64); 2]| pairs.iter().all(|(a, b)| a.to_bits() == b.to_bits());
    match (left, right) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::Integer(_), Value::Float(_)) | (Value::Float(_), Value::Integer(_)) => false,
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| identical(a, b)),
        (Value::Point(a), Value::Point(b)) => {
            a.srid == b.srid && floats([(a.x, b.x), (a.y, b.y)]) && a.z.map(f64::to_bits) == b.z.map(f64::to_bits)
        }
        (Value::Time(a), Value::Time(b)) => a == b,
        (Value::DateTime(a), Value::DateTime(b)) => a == b,
        (Value::Duration(a), Value::Duration(b)) => a == b,
        _ => super::equivalent(left, right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporal::Duration;
    use crate::value::Point;

    #[test]
    fn what_can_be_told_apart_is_not_identical() {
        let point = |x: f64, z| Value::Point(Box::new(Point { srid: 7203, x, y: 1.0, z }));
        let duration = |days, seconds| Value::Duration(Box::new(Duration { months: 0, days, seconds, nanos: 0 }));
        let different: [Value; 12] = [
            1.into(),
            1.0.into(),
            0.0.into(),
            (-0.0).into(),
            0.into(),
            "1".into(),
            Value::list(vec![1.into()]),
            Value::list(vec![1.0.into()]),
            point(0.0, None),
            point(-0.0, None),
            duration(1, 0),
            duration(0, 86_400),
        ];
        for (at, one) in different.iter().enumerate() {
            for (place, other) in different.iter().enumerate() {
                assert_eq!(identical(one, other), at == place, "{one:?} and {other:?}");
            }
        }
        assert!(identical(&f64::NAN.into(), &f64::NAN.into()));
    }
}
