//! Index entries: values as bytes whose order is the order of the values.

use std::cmp::Ordering;

use store::KEY_MAX_BYTES;
use types::compare::total_floats;
use types::temporal::{Duration, NANOS_PER_SECOND, SECONDS_PER_DAY, SECONDS_PER_MONTH};
use types::{IndexId, Point, Value};

use super::entries_of_index;
use crate::error::GraphError;

/// Longest encoding of the values in a key; the rest is cut off, and the value itself decides.
pub const VALUES_MAX_BYTES: usize = KEY_MAX_BYTES - 5 - 8;

/// Ends a list; less than the tag of any element.
const LIST_END: u8 = 0x00;

/// Makes the key of an entity's entry in an index, with a value for each of the index's property keys.
pub fn entry<'v>(index: IndexId, values: impl IntoIterator<Item = &'v Value>, id: u64) -> Result<Vec<u8>, GraphError> {
    let mut key = entries_of_index(index).to_vec();
    for value in values {
        encode(value, &mut key)?;
    }
    key.truncate(KEY_MAX_BYTES - 8);
    key.extend_from_slice(&id.to_be_bytes());
    Ok(key)
}

/// Tells whether the values in an entry's key may have been cut.
#[must_use]
pub fn is_cut(entry: &[u8]) -> bool {
    entry.len() >= KEY_MAX_BYTES
}

/// Appends a value; the order of the bytes is [`types::compare::order`], and no encoding begins with another.
pub fn encode(value: &Value, out: &mut Vec<u8>) -> Result<(), GraphError> {
    out.push(tag(value)?);
    match value {
        Value::List(items) => {
            for item in items.iter() {
                encode(item, out)?;
            }
            out.push(LIST_END);
        }
        Value::Bytes(bytes) => put_text(bytes, out),
        Value::Point(point) => put_point(point, out),
        Value::DateTime(time) => {
            put_i64(time.seconds, out);
            out.extend_from_slice(&time.nanos.to_be_bytes());
            put_i64(time.zone.offset_seconds.into(), out);
            out.push(time.zone.name.is_some().into());
            if let Some(name) = &time.zone.name {
                put_text(name.as_bytes(), out);
            }
        }
        Value::LocalDateTime(time) => {
            put_i64(time.seconds, out);
            out.extend_from_slice(&time.nanos.to_be_bytes());
        }
        Value::Date(date) => put_i64(date.days, out),
        Value::Time(time) => {
            put_i64(time.utc_nanos(), out);
            put_i64(time.offset_seconds.into(), out);
        }
        Value::LocalTime(time) => put_i64(time.nanos, out),
        Value::Duration(duration) => put_duration(duration, out),
        Value::String(text) => put_text(text.as_bytes(), out),
        Value::Boolean(value) => out.push((*value).into()),
        Value::Integer(value) => put_integer(*value, out),
        Value::Float(value) => put_number(*value, 0, out),
        _ => unreachable!("tag() refuses every other type"),
    }
    Ok(())
}

/// What the encodings of all strings with this beginning start with.
#[must_use]
pub fn string_prefix(prefix: &str) -> Vec<u8> {
    let mut out = vec![STRING];
    put_escaped(prefix.as_bytes(), &mut out);
    out
}

const STRING: u8 = 0x1d;

/// The byte before a value: types in the order in which `ORDER BY` has them, integers and floats as one.
pub fn tag(value: &Value) -> Result<u8, GraphError> {
    Ok(match value {
        Value::List(_) => 0x13,
        Value::Bytes(_) => 0x15,
        Value::Point(_) => 0x16,
        Value::DateTime(_) => 0x17,
        Value::LocalDateTime(_) => 0x18,
        Value::Date(_) => 0x19,
        Value::Time(_) => 0x1a,
        Value::LocalTime(_) => 0x1b,
        Value::Duration(_) => 0x1c,
        Value::String(_) => STRING,
        Value::Boolean(_) => 0x1e,
        Value::Integer(_) | Value::Float(_) => 0x1f,
        other => return Err(GraphError::PropertyTypeRefused { type_name: other.type_name(), in_list: false }),
    })
}

fn put_text(bytes: &[u8], out: &mut Vec<u8>) {
    put_escaped(bytes, out);
    out.extend_from_slice(&[0x00, 0x01]);
}

/// A zero byte becomes `00 ff`, so that the end, `00 01`, is less than whatever could follow.
fn put_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.push(*byte);
        if *byte == 0 {
            out.push(0xff);
        }
    }
}

fn put_i64(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&(value.cast_unsigned() ^ (1 << 63)).to_be_bytes());
}

fn put_i128(value: i128, out: &mut Vec<u8>) {
    out.extend_from_slice(&(value.cast_unsigned() ^ (1 << 127)).to_be_bytes());
}

/// An integer is the greatest float that is not greater, and what is left, at most 1,023.
fn put_integer(value: i64, out: &mut Vec<u8>) {
    let near = value as f64;
    let floor = if near as i128 > i128::from(value) { near.next_down() } else { near };
    let rest = i128::from(value) - floor as i128;
    put_number(floor, u16::try_from(rest).expect("floats lie at most 1,024 apart below 2^63"), out);
}

fn put_number(floor: f64, rest: u16, out: &mut Vec<u8>) {
    put_float(floor, out);
    out.extend_from_slice(&rest.to_be_bytes());
}

/// Both zeros alike, NaN greatest.
fn put_float(value: f64, out: &mut Vec<u8>) {
    let value = if total_floats(value, 0.0) == Ordering::Equal {
        0.0
    } else if value.is_nan() {
        f64::NAN.copysign(1.0)
    } else {
        value
    };
    let bits = value.to_bits();
    let ordered = if value.is_sign_negative() { !bits } else { bits | 1 << 63 };
    out.extend_from_slice(&ordered.to_be_bytes());
}

fn put_point(point: &Point, out: &mut Vec<u8>) {
    out.extend_from_slice(&point.srid.to_be_bytes());
    put_float(point.x, out);
    put_float(point.y, out);
    out.push(point.z.is_some().into());
    if let Some(z) = point.z {
        put_float(z, out);
    }
}

/// By length with average months, then by the larger parts; the smaller ones follow from these.
fn put_duration(duration: &Duration, out: &mut Vec<u8>) {
    let seconds = i128::from(duration.months) * i128::from(SECONDS_PER_MONTH)
        + i128::from(duration.days) * i128::from(SECONDS_PER_DAY)
        + i128::from(duration.seconds);
    put_i128(seconds * i128::from(NANOS_PER_SECOND) + i128::from(duration.nanos), out);
    put_i64(duration.months, out);
    put_i64(duration.days, out);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use types::compare::order;

    use super::*;
    use crate::codec::strategy;

    fn bytes(value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        encode(value, &mut out).expect("a storable value");
        out
    }

    proptest! {
        #[test]
        fn bytes_are_ordered_as_the_values(left in strategy::value(), right in strategy::value()) {
            prop_assert_eq!(bytes(&left).cmp(&bytes(&right)), order(&left, &right));
        }

        #[test]
        fn numbers_are_ordered_exactly(left in strategy::number(), right in strategy::number()) {
            prop_assert_eq!(bytes(&left).cmp(&bytes(&right)), order(&left, &right));
        }

        #[test]
        fn no_encoding_begins_with_another(left in strategy::value(), right in strategy::value()) {
            let (left_bytes, right_bytes) = (bytes(&left), bytes(&right));
            prop_assert!(left_bytes == right_bytes || !left_bytes.starts_with(&right_bytes));
        }
    }

    #[test]
    fn long_values_are_cut_to_the_longest_key() {
        let key = entry(IndexId(1), &[Value::string("x".repeat(10_000))], 7).expect("a key");
        assert_eq!(key.len(), KEY_MAX_BYTES);
        assert!(is_cut(&key));
        assert!(!is_cut(&entry(IndexId(1), &["x".into()], 7).expect("a key")));
    }

    #[test]
    fn keys_have_these_bytes() {
        let key = entry(IndexId(1), &[1.into(), "a\0".into()], 2).expect("a key");
        assert_eq!(
            key,
            [
                0x20, 0, 0, 0, 1, 0x1f, 0xbf, 0xf0, 0, 0, 0, 0, 0, 0, 0, 0, 0x1d, b'a', 0, 0xff, 0, 1, 0, 0, 0, 0, 0,
                0, 0, 2
            ]
        );
    }
}
