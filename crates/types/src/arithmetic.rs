//! Cypher's arithmetic over values: `+ - * / % ^` and the minus sign.
//! Leaves the calendar to [`crate::temporal`] and functions by name to `query`.
//! Start reading at [`add`].

use compact_str::CompactString;

use crate::code::{Code, Failure};
use crate::effort;
use crate::temporal::{self, TemporalError};
use crate::text::to_text;
use crate::value::Value;

/// What is shorter is made without a question.
const ASKED_FROM_BYTES: usize = 64 * 1_024;

/// Adds: numbers, text with text or a plain value, lists with anything, temporal values with durations.
pub fn add(left: &Value, right: &Value) -> Result<Value, Failure> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Integer(a), Value::Integer(b)) => whole(a.checked_add(*b), *a, "+", *b),
        // What is too large is not made; the statement fails, so that nobody sees what stands for it.
        (Value::String(a), Value::String(b)) if is_too_large(a.len() + b.len()) => Ok(Value::Null),
        (Value::String(a), Value::String(b)) => Ok(Value::String(joined(a, b))),
        (Value::List(a), Value::List(b)) => Ok(chained(a, b)),
        (Value::List(a), item) => Ok(chained(a, std::slice::from_ref(item))),
        (item, Value::List(b)) => Ok(chained(std::slice::from_ref(item), b)),
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

/// Makes one list of two; what is too large is not made, as with texts.
fn chained(first: &[Value], second: &[Value]) -> Value {
    if is_too_large(Value::copied_bytes(first) + Value::copied_bytes(second)) {
        return Value::Null;
    }
    Value::list(first.iter().chain(second).cloned().collect())
}

/// Tells whether a statement may not make so much at a time.
fn is_too_large(bytes: usize) -> bool {
    bytes >= ASKED_FROM_BYTES && !effort::may_copy(bytes)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::literal;
    use crate::value::Map;

    type Operator = fn(&Value, &Value) -> Result<Value, Failure>;

    fn check(operator: Operator, left: impl Into<Value>, right: impl Into<Value>, expected: &str) {
        let got = match operator(&left.into(), &right.into()) {
            Ok(value) => literal(&value),
            Err(failure) => format!("{:?}: {failure}", failure.code()),
        };
        assert_eq!(got, expected);
    }

    fn check_negate(value: impl Into<Value>, expected: &str) {
        check(|value, _| negate(value), value, Value::Null, expected);
    }

    fn list(items: &[i64]) -> Value {
        Value::list(items.iter().copied().map(Value::Integer).collect())
    }

    #[test]
    fn integers_stay_integers() {
        check(add, 1, 2, "3");
        check(subtract, 1, 2, "-1");
        check(multiply, 3, 2, "6");
        check(divide, 7, 2, "3");
        check(divide, -7, 2, "-3");
        check(modulo, -7, 2, "-1");
        check(power, 2, 3, "8.0");
    }

    #[test]
    fn overflow_is_an_error() {
        let check_overflow = |operator: Operator, left: i64, right: i64, shown: &str| {
            let message = format!("result of {shown} cannot be represented as an integer");
            check(operator, left, right, &format!("ArithmeticError: long overflow: {message}"));
        };
        check_overflow(add, i64::MAX, 1, "9223372036854775807 + 1");
        check_overflow(subtract, i64::MIN, 1, "-9223372036854775808 - 1");
        check_overflow(multiply, i64::MAX, 2, "9223372036854775807 * 2");
        check_overflow(divide, i64::MIN, -1, "-9223372036854775808 / -1");
        check_overflow(|value, _| negate(value), i64::MIN, 0, "0 - -9223372036854775808");
        check(modulo, i64::MIN, -1, "0");
    }

    #[test]
    fn division_by_zero() {
        check(divide, 1, 0, "ArithmeticError: / by zero");
        check(modulo, 1, 0, "ArithmeticError: / by zero");
        check(divide, 1, 0.0, "Infinity");
        check(divide, 0.0, 0, "NaN");
        check(modulo, 1.5, 0, "NaN");
    }

    #[test]
    fn floats_follow_ieee() {
        check(add, 1, 0.5, "1.5");
        check(multiply, 1e308, 10, "Infinity");
        check(modulo, 5.5, 2, "1.5");
        check(power, -1, 0.5, "NaN");
        check_negate(0.5, "-0.5");
    }

    #[test]
    fn null_wins() {
        check(add, Value::Null, 1, "null");
        check(add, list(&[1]), Value::Null, "null");
        check(power, 1, Value::Null, "null");
        check(divide, 1, Value::Null, "null");
        check_negate(Value::Null, "null");
    }

    #[test]
    fn text_joins_with_plain_values() {
        check(add, "a", "b", "'ab'");
        check(add, "a", 1, "'a1'");
        check(add, 1.5, "b", "'1.5b'");
        check(add, "is ", true, "'is true'");
        check(add, "a", Value::map(Map::new()), "TypeError: Cannot add `String` and `Map`");
    }

    #[test]
    fn lists_take_anything_in() {
        check(add, list(&[1]), list(&[2, 3]), "[1, 2, 3]");
        check(add, list(&[1]), 2, "[1, 2]");
        check(add, 0, list(&[1]), "[0, 1]");
        check(add, "a", list(&[1]), "['a', 1]");
    }

    #[test]
    fn other_types_are_refused() {
        check(add, true, 1, "TypeError: Cannot add `Boolean` and `Integer`");
        check(subtract, "a", 1, "TypeError: Cannot subtract `Integer` from `String`");
        check(multiply, "a", 1, "TypeError: Cannot multiply `String` and `Integer`");
        check(divide, "a", 1, "TypeError: Cannot divide `String` by `Integer`");
        check_negate("a", "TypeError: Cannot negate `String`");
    }
}
