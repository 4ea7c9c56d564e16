//! Cypher's arithmetic over values: `+ - * / % ^` and the minus sign.
//! Leaves the calendar to [`crate::temporal`] and functions by name to `query`.
//! Start reading at [`add`].

use std::sync::Arc;

use compact_str::CompactString;

use crate::code::{Code, Failure};
use crate::temporal::{self, TemporalError};
use crate::text::to_text;
use crate::value::Value;

/// Adds: numbers, text with text or a plain value, lists with anything, temporal values with durations.
pub fn add(left: &Value, right: &Value) -> Result<Value, Failure> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Integer(a), Value::Integer(b)) => whole(a.checked_add(*b), *a, "+", *b),
        (Value::String(a), Value::String(b)) => Ok(Value::String(joined(a, b))),
        (Value::List(a), Value::List(b)) => Ok(Value::list(a.iter().chain(b.iter()).cloned().collect())),
        (Value::List(a), item) => Ok(Value::list(a.iter().chain([item]).cloned().collect())),
        (item, Value::List(b)) => Ok(Value::list([item].into_iter().chain(b.iter()).cloned().collect())),
        (Value::String(a), other) => with_text(left, right, other, |text| joined(a, text)),
        (other, Value::String(b)) => with_text(left, right, other, |text| joined(text, b)),
        (Value::Duration(a), Value::Duration(b)) => known(a.plus(b)),
        (moment, Value::Duration(duration)) | (Value::Duration(duration), moment) => {
            moved(temporal::plus(moment, duration), || mismatch("add", left, "and", right))
        }
        _ => match floats(left, right) {
            Some((a, b)) => Ok(Value::Float(a + b)),
            None => Err(mismatch("add", left, "and", right)),
        },
    }
}

/// Subtracts: numbers, and durations from temporal values.
pub fn subtract(left: &Value, right: &Value) -> Result<Value, Failure> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Integer(a), Value::Integer(b)) => whole(a.checked_sub(*b), *a, "-", *b),
        (Value::Duration(a), Value::Duration(b)) => known(a.minus(b)),
        (moment, Value::Duration(duration)) => {
            moved(temporal::minus(moment, duration), || mismatch("subtract", right, "from", left))
        }
        _ => match floats(left, right) {
            Some((a, b)) => Ok(Value::Float(a - b)),
            None => Err(mismatch("subtract", right, "from", left)),
        },
    }
}

/// Multiplies: numbers, and a duration by a number.
pub fn multiply(left: &Value, right: &Value) -> Result<Value, Failure> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Integer(a), Value::Integer(b)) => whole(a.checked_mul(*b), *a, "*", *b),
        (Value::Duration(duration), Value::Integer(number)) | (Value::Integer(number), Value::Duration(duration)) => {
            known(duration.times_integer(*number))
        }
        (Value::Duration(duration), Value::Float(number)) | (Value::Float(number), Value::Duration(duration)) => {
            known(duration.times_float(*number))
        }
        _ => match floats(left, right) {
            Some((a, b)) => Ok(Value::Float(a * b)),
            None => Err(mismatch("multiply", left, "and", right)),
        },
    }
}

/// Divides: integers towards zero, floats as IEEE 754 says, a duration by a number.
pub fn divide(left: &Value, right: &Value) -> Result<Value, Failure> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Integer(_), Value::Integer(0)) => Err(by_zero()),
        (Value::Integer(a), Value::Integer(b)) => whole(a.checked_div(*b), *a, "/", *b),
        (Value::Duration(_), Value::Integer(0)) => Err(by_zero()),
        (Value::Duration(_), Value::Float(0.0)) => Err(by_zero()),
        (Value::Duration(duration), Value::Integer(number)) => known(duration.divided_by_integer(*number)),
        (Value::Duration(duration), Value::Float(number)) => known(duration.divided_by_float(*number)),
        _ => match floats(left, right) {
            Some((a, b)) => Ok(Value::Float(a / b)),
            None => Err(mismatch("divide", left, "by", right)),
        },
    }
}

/// Gives the remainder, with the sign of the left side.
pub fn modulo(left: &Value, right: &Value) -> Result<Value, Failure> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Integer(_), Value::Integer(0)) => Err(by_zero()),
        // The smallest integer modulo -1 is 0; only the division behind it would overflow.
        (Value::Integer(a), Value::Integer(b)) => Ok(Value::Integer(a.wrapping_rem(*b))),
        _ => match floats(left, right) {
            Some((a, b)) => Ok(Value::Float(a % b)),
            None => Err(mismatch("calculate modulus of", left, "and", right)),
        },
    }
}

/// Raises to a power; the result is always a float.
pub fn power(left: &Value, right: &Value) -> Result<Value, Failure> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        _ => match floats(left, right) {
            Some((a, b)) => Ok(Value::Float(a.powf(b))),
            None => Err(mismatch("raise", left, "to the power of", right)),
        },
    }
}

/// Turns the sign round.
pub fn negate(value: &Value) -> Result<Value, Failure> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::Integer(integer) => whole(integer.checked_neg(), 0, "-", *integer),
        Value::Float(float) => Ok(Value::Float(-float)),
        Value::Duration(duration) => known(duration.negate()),
        other => Err(Failure::new(Code::TypeError, format!("Cannot negate `{}`", other.type_name()))),
    }
}

/// Takes a duration that was computed.
fn known(duration: Result<temporal::Duration, TemporalError>) -> Result<Value, Failure> {
    Ok(Value::from(duration?))
}

/// Takes a moment that was moved, where there was a moment.
fn moved(moment: Option<Result<Value, TemporalError>>, mismatch: impl FnOnce() -> Failure) -> Result<Value, Failure> {
    Ok(moment.ok_or_else(mismatch)??)
}

/// Takes the result of a checked operation, or says which one did not fit.
fn whole(result: Option<i64>, left: i64, sign: &str, right: i64) -> Result<Value, Failure> {
    result.map(Value::Integer).ok_or_else(|| overflow(left, sign, right))
}

#[cold]
fn overflow(left: i64, sign: &str, right: i64) -> Failure {
    let message = format!("long overflow: result of {left} {sign} {right} cannot be represented as an integer");
    Failure::new(Code::ArithmeticError, message)
}

#[cold]
fn by_zero() -> Failure {
    Failure::new(Code::ArithmeticError, "/ by zero")
}

#[cold]
fn mismatch(verb: &str, first: &Value, word: &str, second: &Value) -> Failure {
    let (first, second) = (first.type_name(), second.type_name());
    Failure::new(Code::TypeError, format!("Cannot {verb} `{first}` {word} `{second}`"))
}

/// Gives both sides as floats, where both are numbers.
fn floats(left: &Value, right: &Value) -> Option<(f64, f64)> {
    Some((as_float(left)?, as_float(right)?))
}

fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(integer) => Some(*integer as f64),
        Value::Float(float) => Some(*float),
        _ => None,
    }
}

fn joined(left: &str, right: &str) -> CompactString {
    let mut text = CompactString::with_capacity(left.len() + right.len());
    text.push_str(left);
    text.push_str(right);
    text
}

/// Joins text with a value that has a text of its own.
fn with_text(
    left: &Value,
    right: &Value,
    other: &Value,
    join: impl FnOnce(&str) -> CompactString,
) -> Result<Value, Failure> {
    match to_text(other) {
        Some(text) => Ok(Value::String(join(&text))),
        None => Err(mismatch("add", left, "and", right)),
    }
}

/// Appends in place where the list has no other owner: `list + item` in a loop stays linear.
pub fn append(list: Arc<Vec<Value>>, item: Value) -> Value {
    let mut items = Arc::unwrap_or_clone(list);
    items.push(item);
    Value::list(items)
}
