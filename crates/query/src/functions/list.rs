//! Functions over lists: their ends, and lists made from a range.

use std::sync::Arc;

use types::{Code, Failure, Value, effort};

use super::error::{shown, wrong_type};
use super::{Function, FunctionContext};

/// Items of a range that are made between two questions whether to go on.
const ITEMS_BETWEEN_LOOKS: usize = 1_024;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::pure(
        "head",
        (1, 1),
        |context, arguments| context.copy(items("head", &arguments[0])?.and_then(|items| items.first())),
        "head(list :: LIST<ANY>) :: ANY",
        "Returns the first element of a list.",
    ),
    Function::pure(
        "last",
        (1, 1),
        |context, arguments| context.copy(items("last", &arguments[0])?.and_then(|items| items.last())),
        "last(list :: LIST<ANY>) :: ANY",
        "Returns the last element of a list.",
    ),
    Function::pure(
        "tail",
        (1, 1),
        |context, arguments| match items("tail", &arguments[0])? {
            None => Ok(Value::Null),
            Some(items) => {
                context.reserve_copies(items)?;
                Ok(Value::list(items.iter().skip(1).cloned().collect()))
            }
        },
        "tail(input :: LIST<ANY>) :: LIST<ANY>",
        "Returns all but the first element of a list.",
    ),
    Function::pure(
        "reverse",
        (1, 1),
        |context, arguments| reverse(context, &arguments[0]),
        "reverse(input :: STRING | LIST<ANY>) :: STRING | LIST<ANY>",
        "Returns a string or a list from its end to its start.",
    ),
    Function::pure(
        "range",
        (2, 3),
        range,
        "range(start :: INTEGER, end :: INTEGER, step = 1 :: INTEGER) :: LIST<INTEGER>",
        "Returns the integers from start to end, both inclusive.",
    ),
];

/// Reads a list; `None` for null.
fn items<'a>(name: &str, value: &'a Value) -> Result<Option<&'a Arc<Vec<Value>>>, Failure> {
    match value {
        Value::Null => Ok(None),
        Value::List(items) => Ok(Some(items)),
        other => Err(wrong_type(name, "a List", other)),
    }
}

fn reverse(context: &mut FunctionContext<'_>, value: &Value) -> Result<Value, Failure> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::String(text) => {
            context.reserve_bytes(text.len())?;
            let mut reversed = String::with_capacity(text.len());
            reversed.extend(text.chars().rev());
            Ok(Value::string(reversed))
        }
        Value::List(items) => {
            context.reserve_copies(items)?;
            Ok(Value::list(items.iter().rev().cloned().collect()))
        }
        other => Err(wrong_type("reverse", "a String or List", other)),
    }
}

/// Reads the arguments of `range`: gives the first number, the step and how many numbers there are; `None` for null.
pub fn range_bounds(arguments: &[Value]) -> Result<Option<(i64, i64, usize)>, Failure> {
    if arguments.iter().any(Value::is_null) {
        return Ok(None);
    }
    let start = bound(&arguments[0])?;
    let end = bound(&arguments[1])?;
    let step = arguments.get(2).map_or(Ok(1), bound)?;
    if step == 0 {
        return Err(Failure::new(Code::ArgumentError, "Step argument to 'range()' cannot be zero (NumberOutOfRange)"));
    }
    Ok(Some((start, step, range_length(start, end, step))))
}

fn range(context: &mut FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let Some((start, step, count)) = range_bounds(arguments)? else { return Ok(Value::Null) };
    context.reserve_bytes(count.saturating_mul(size_of::<Value>()))?;
    let item = |at: usize| Value::Integer((i128::from(start) + at as i128 * i128::from(step)) as i64);
    let mut items = Vec::with_capacity(count);
    // A long one takes a while: the statement may be over before it is made.
    while items.len() < count && effort::pay(ITEMS_BETWEEN_LOOKS) {
        items.extend((items.len()..count).take(ITEMS_BETWEEN_LOOKS).map(item));
    }
    Ok(Value::list(items))
}

/// Counts the integers of a range without making them.
#[must_use]
fn range_length(start: i64, end: i64, step: i64) -> usize {
    let distance = i128::from(end) - i128::from(start);
    if distance != 0 && (distance > 0) != (step > 0) {
        return 0;
    }
    usize::try_from(distance / i128::from(step) + 1).unwrap_or(usize::MAX)
}

/// Refuses anything but an integer, floats without decimals included.
fn bound(value: &Value) -> Result<i64, Failure> {
    match value {
        Value::Integer(integer) => Ok(*integer),
        other => {
            let shown = shown(other);
            let message = format!(
                "Invalid input for function 'range()': Expected an Integer, got: {shown} (InvalidArgumentType)"
            );
            Err(Failure::new(Code::ArgumentError, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NULL, check, list, values};

    #[test]
    fn ends_of_lists() {
        check("head", [list(values![1, 2])], "1");
        check("head", [list([])], "null");
        check("last", [list(values![1, 2])], "2");
        check("last", values![NULL], "null");
        check("tail", [list(values![1, 2, 3])], "[2, 3]");
        check("tail", [list([])], "[]");
        check("reverse", [list(values![1, 2])], "[2, 1]");
        check("reverse", values!["raksÖ"], "'Öskar'");
        check(
            "head",
            values!["x"],
            "TypeError: Invalid input for function 'head()': Expected a List, got: String('x') (InvalidArgumentType)",
        );
    }

    #[test]
    fn ranges() {
        check("range", values![0, 3], "[0, 1, 2, 3]");
        check("range", values![3, 0], "[]");
        check("range", values![3, 0, -2], "[3, 1]");
        check("range", values![0, -1, 1], "[]");
        check("range", values![5, 5, -3], "[5]");
        check("range", values![i64::MAX - 1, i64::MAX, 1], "[9223372036854775806, 9223372036854775807]");
        check("range", values![i64::MIN, i64::MAX, i64::MAX], "[-9223372036854775808, -1, 9223372036854775806]");
        check("range", values![2, 8, 0], "ArgumentError: Step argument to 'range()' cannot be zero (NumberOutOfRange)");
        check(
            "range",
            values![0.0, 1],
            "ArgumentError: Invalid input for function 'range()': Expected an Integer, got: Float(0.0) (InvalidArgumentType)",
        );
        check("range", values![NULL, 1], "null");
    }

    #[test]
    fn a_range_beyond_the_limit_is_not_made() {
        let bytes = 1_000_000_000_001 * size_of::<types::Value>();
        let message = format!(
            "MemoryLimit: The result needs {bytes} bytes, more than the 1048576 bytes that it may take now of the limit of 2097152 bytes."
        );
        check("range", values![0, 1_000_000_000_000_i64], &message);
    }
}
