//! One way into functions for their tests.

use types::{Failure, Map, Value};

use super::{FunctionContext, Kind, accumulator, find};

/// Makes a list of values from plain Rust ones.
macro_rules! values {
    ($($value:expr),* $(,)?) => { [$(types::Value::from($value)),*] };
}
pub(super) use values;

pub(super) const NULL: Value = Value::Null;

pub(super) fn list(items: impl IntoIterator<Item = Value>) -> Value {
    Value::list(items.into_iter().collect())
}

pub(super) fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect::<Map>())
}

/// A context whose clock, chance and database are fixed.
pub(super) fn context(random: &mut dyn FnMut() -> u64) -> FunctionContext<'_> {
    FunctionContext {
        statement_nanos: 1_500_000_000_123_456_789,
        transaction_nanos: 1_500_000_000_000_000_000,
        realtime_nanos: &|| 1_500_000_001_000_000_000,
        random,
        database: "films",
        linenumber: Some(3),
        file: None,
        memory_max_bytes: 1 << 20,
        limit_bytes: 1 << 21,
    }
}

/// Shows a result as a literal, a failure as its code and text.
pub(super) fn show(result: Result<Value, Failure>) -> String {
    match result {
        Ok(value) => types::text::literal(&value),
        Err(failure) => format!("{:?}: {failure}", failure.code()),
    }
}

/// Calls a function by its name and compares what it gives.
#[track_caller]
pub(super) fn check(name: &str, arguments: impl AsRef<[Value]>, expected: &str) {
    let arguments = arguments.as_ref();
    let function = find(name).unwrap_or_else(|| panic!("no function {name}"));
    let (fewest, most) = function.arity;
    assert!((fewest..=most).contains(&arguments.len()), "{name} does not take {} arguments", arguments.len());
    let Kind::Scalar(call) = function.kind else { panic!("{name} is no scalar function") };
    let mut random = || 1 << 63;
    assert_eq!(show(call(&mut context(&mut random), arguments)), expected, "{name}");
}

/// Folds rows of arguments with an aggregate and compares what it gives.
#[track_caller]
pub(super) fn check_aggregate(name: &str, distinct: bool, rows: &[&[Value]], expected: &str) {
    let Some(Kind::Aggregate(kind)) = find(name).map(|function| function.kind) else {
        panic!("{name} is no aggregate")
    };
    let mut accumulator = accumulator(kind, distinct);
    let fed = rows.iter().try_for_each(|row| accumulator.update(row));
    assert_eq!(show(fed.and_then(|()| accumulator.finish())), expected, "{name}");
}
