//! Property values as bytes: a tag, then the value.

use std::sync::Arc;

use types::{Date, DateTime, Duration, LocalDateTime, LocalTime, Point, Time, Value, Zone, effort};

use super::{Fields, put_bytes, put_signed, put_varint};
use crate::error::GraphError;

const FALSE: u8 = 0x01;
const TRUE: u8 = 0x02;
const INTEGER: u8 = 0x03;
const FLOAT: u8 = 0x04;
const STRING: u8 = 0x05;
const BYTES: u8 = 0x06;
const LIST: u8 = 0x07;
const DATE: u8 = 0x08;
const LOCAL_TIME: u8 = 0x09;
const TIME: u8 = 0x0a;
const LOCAL_DATE_TIME: u8 = 0x0b;
const DATE_TIME: u8 = 0x0c;
const DURATION: u8 = 0x0d;
const POINT: u8 = 0x0e;
/// The value is elsewhere, in parts; see [`super::record`].
pub(super) const LONG: u8 = 0x0f;

/// Items that a list may have without a thought of what it takes.
const LIST_SHORT: usize = 4_096;

/// Tells whether a property can hold the value: no null, map or entity, and no list inside a list.
pub fn check_storable(value: &Value) -> Result<(), GraphError> {
    match value {
        Value::List(items) => items.iter().try_for_each(|item| check_simple(item, true)),
        other => check_simple(other, false),
    }
}

/// Appends a value.
///
/// Errors: [`GraphError::PropertyTypeRefused`] as [`check_storable`] has it.
pub fn encode(value: &Value, out: &mut Vec<u8>) -> Result<(), GraphError> {
    check_storable(value)?;
    put(value, out);
    Ok(())
}

/// Reads a value that fills `bytes`.
pub fn decode(bytes: &[u8]) -> Result<Value, GraphError> {
    let mut fields = Fields::new(bytes, "a property value");
    let value = read(&mut fields, true)?;
    fields.end()?;
    Ok(value)
}

/// As [`decode`]; a text keeps the room that it was read into.
pub fn decode_owned(mut bytes: Vec<u8>) -> Result<Value, GraphError> {
    if bytes.first() != Some(&STRING) {
        return decode(&bytes);
    }
    let mut fields = Fields::new(&bytes[1..], "a property value");
    let (length, text) = (fields.narrow()?, fields.rest());
    if text.len() != length {
        return Err(GraphError::damaged("a property value is malformed"));
    }
    bytes.drain(..bytes.len() - length);
    let text = String::from_utf8(bytes).map_err(|_| GraphError::damaged("a property value is not a text"))?;
    Ok(Value::string(text))
}

fn check_simple(value: &Value, in_list: bool) -> Result<(), GraphError> {
    match value {
        Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::String(_)
        | Value::Bytes(_)
        | Value::Date(_)
        | Value::LocalTime(_)
        | Value::Time(_)
        | Value::LocalDateTime(_)
        | Value::DateTime(_)
        | Value::Duration(_)
        | Value::Point(_) => Ok(()),
        other => Err(GraphError::PropertyTypeRefused { type_name: other.type_name(), in_list }),
    }
}

fn put(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Boolean(value) => out.push(if *value { TRUE } else { FALSE }),
        Value::Integer(value) => {
            out.push(INTEGER);
            put_signed(*value, out);
        }
        Value::Float(value) => {
            out.push(FLOAT);
            put_float(*value, out);
        }
        Value::String(text) => {
            out.push(STRING);
            put_bytes(text.as_bytes(), out);
        }
        Value::Bytes(bytes) => {
            out.push(BYTES);
            put_bytes(bytes, out);
        }
        Value::List(items) => {
            out.push(LIST);
            put_varint(items.len() as u64, out);
            items.iter().for_each(|item| put(item, out));
        }
        Value::Point(point) => put_point(point, out),
        temporal => put_temporal(temporal, out),
    }
}

fn put_float(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_bits().to_be_bytes());
}

fn put_point(point: &Point, out: &mut Vec<u8>) {
    out.push(POINT);
    put_varint(point.srid.into(), out);
    put_float(point.x, out);
    put_float(point.y, out);
    out.push(point.z.is_some().into());
    if let Some(z) = point.z {
        put_float(z, out);
    }
}

fn put_temporal(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Date(date) => {
            out.push(DATE);
            put_signed(date.days, out);
        }
        Value::LocalTime(time) => {
            out.push(LOCAL_TIME);
            put_signed(time.nanos, out);
        }
        Value::Time(time) => {
            out.push(TIME);
            put_signed(time.nanos, out);
            put_signed(time.offset_seconds.into(), out);
        }
        Value::LocalDateTime(time) => {
            out.push(LOCAL_DATE_TIME);
            put_signed(time.seconds, out);
            put_varint(time.nanos.into(), out);
        }
        Value::DateTime(time) => {
            out.push(DATE_TIME);
            put_signed(time.seconds, out);
            put_varint(time.nanos.into(), out);
            put_signed(time.zone.offset_seconds.into(), out);
            // No zone has an empty name, so that empty can stand for none.
            put_bytes(time.zone.name.as_deref().unwrap_or("").as_bytes(), out);
        }
        Value::Duration(duration) => {
            out.push(DURATION);
            put_signed(duration.months, out);
            put_signed(duration.days, out);
            put_signed(duration.seconds, out);
            put_signed(duration.nanos.into(), out);
        }
        _ => unreachable!("check_storable() refuses every other type"),
    }
}

fn read(fields: &mut Fields<'_>, list_allowed: bool) -> Result<Value, GraphError> {
    Ok(match fields.byte()? {
        FALSE => Value::Boolean(false),
        TRUE => Value::Boolean(true),
        INTEGER => Value::Integer(fields.signed()?),
        FLOAT => Value::Float(read_float(fields)?),
        STRING => Value::string(fields.text()?),
        BYTES => Value::Bytes(fields.bytes()?.into()),
        LIST if list_allowed => read_list(fields)?,
        DATE => Value::Date(Date { days: fields.signed()? }),
        LOCAL_TIME => Value::LocalTime(LocalTime { nanos: fields.signed()? }),
        TIME => Value::Time(Time { nanos: fields.signed()?, offset_seconds: fields.narrow_signed()? }),
        LOCAL_DATE_TIME => Value::LocalDateTime(LocalDateTime { seconds: fields.signed()?, nanos: fields.narrow()? }),
        DATE_TIME => {
            let (seconds, nanos) = (fields.signed()?, fields.narrow()?);
            let (offset_seconds, name) = (fields.narrow_signed()?, fields.text()?);
            let zone = Zone { offset_seconds, name: (!name.is_empty()).then(|| name.into()) };
            Value::DateTime(Box::new(DateTime { seconds, nanos, zone }))
        }
        DURATION => Value::Duration(Box::new(Duration {
            months: fields.signed()?,
            days: fields.signed()?,
            seconds: fields.signed()?,
            nanos: fields.narrow_signed()?,
        })),
        POINT => {
            let (srid, x, y) = (fields.narrow()?, read_float(fields)?, read_float(fields)?);
            let z = if fields.byte()? == 0 { None } else { Some(read_float(fields)?) };
            Value::Point(Box::new(Point { srid, x, y, z }))
        }
        _ => return Err(fields.damaged()),
    })
}

fn read_float(fields: &mut Fields<'_>) -> Result<f64, GraphError> {
    Ok(f64::from_bits(u64::from_be_bytes(fields.array()?)))
}

fn read_list(fields: &mut Fields<'_>) -> Result<Value, GraphError> {
    let count: usize = fields.narrow()?;
    // A damaged count must not reserve more memory than the value can fill.
    let count_max = fields.left();
    // A long list takes many times what it is stored in.
    if count > LIST_SHORT && !effort::may_copy(count.min(count_max) * size_of::<Value>()) {
        return Err(GraphError::Stopped);
    }
    let mut items = Vec::with_capacity(count.min(count_max));
    for _ in 0..count {
        items.push(read(fields, false)?);
    }
    Ok(Value::List(Arc::new(items)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use types::{Code, Map};

    use super::*;
    use crate::codec::strategy;

    fn bytes(value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        encode(value, &mut out).expect("a storable value");
        out
    }

    proptest! {
        #[test]
        fn values_come_back(value in strategy::value()) {
            let back = decode(&bytes(&value)).expect("what was just encoded");
            prop_assert_eq!(back.type_name(), value.type_name());
            // The text form also tells -0.0 from 0.0.
            prop_assert_eq!(format!("{back:?}"), format!("{value:?}"));
        }

        #[test]
        fn damaged_bytes_never_panic(noise in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = decode(&noise);
        }

        #[test]
        fn cut_values_are_damaged(value in strategy::value(), at: usize) {
            let bytes = bytes(&value);
            prop_assert!(decode(&bytes[..at % bytes.len()]).is_err());
        }
    }

    #[test]
    fn refuses_what_no_property_holds() {
        for value in [
            Value::Null,
            Value::map(Map::new()),
            Value::list(vec![Value::Null]),
            Value::list(vec![Value::list(vec![])]),
        ] {
            let error = encode(&value, &mut Vec::new()).expect_err("not storable");
            assert_eq!(error.code(), Code::TypeError, "{error}");
        }
    }

    #[test]
    fn values_have_these_bytes() {
        assert_eq!(bytes(&(-3).into()), [0x03, 5]);
        assert_eq!(bytes(&1.0.into()), [0x04, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes(&Value::list(vec!["å".into(), true.into()])), [0x07, 2, 0x05, 2, 0xc3, 0xa5, 0x02]);
        assert_eq!(bytes(&Value::Date(Date { days: 300 })), [0x08, 0xd8, 0x04]);
    }
}
