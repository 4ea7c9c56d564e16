//! Operators over values that are neither arithmetic nor comparison: strings, patterns, lists, three-valued logic.
//! Leaves `+` to `types::arithmetic` and `=`, `<` to `types::compare`.
//! Start reading at [`starts_with`] for strings, at [`index`] for lists.

use types::compare::equals;
use types::{Code, Failure, Value, effort};

use super::error::shown;
pub use super::pattern::Pattern;
use super::pattern::with_cached;

/// `text STARTS WITH prefix`; null unless both are strings.
#[must_use]
pub fn starts_with(text: &Value, prefix: &Value) -> Value {
    of_strings(text, prefix, |text, prefix| text.starts_with(prefix))
}

/// `text ENDS WITH suffix`; null unless both are strings.
#[must_use]
pub fn ends_with(text: &Value, suffix: &Value) -> Value {
    of_strings(text, suffix, |text, suffix| text.ends_with(suffix))
}

/// `text CONTAINS part`; null unless both are strings.
#[must_use]
pub fn contains(text: &Value, part: &Value) -> Value {
    of_strings(text, part, |text, part| text.contains(part))
}

fn of_strings(left: &Value, right: &Value, test: impl Fn(&str, &str) -> bool) -> Value {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Value::Boolean(test(left, right)),
        _ => Value::Null,
    }
}

/// `text =~ pattern`: whether the whole text matches; null unless both are strings.
///
/// Compiled patterns are kept per thread; for a constant one compile a [`Pattern`] once.
pub fn matches(text: &Value, pattern: &Value) -> Result<Value, Failure> {
    match (text, pattern) {
        (Value::String(text), Value::String(pattern)) => {
            Ok(Value::Boolean(with_cached(pattern, |pattern| pattern.matches(text))?))
        }
        _ => Ok(Value::Null),
    }
}

/// `left || right`: two strings, or two lists; null if one of them is null.
pub fn concatenate(left: &Value, right: &Value) -> Result<Value, Failure> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::String(_), Value::String(_)) | (Value::List(_), Value::List(_)) => types::arithmetic::add(left, right),
        _ => Err(type_error(format!("Cannot concatenate `{}` and `{}`", left.type_name(), right.type_name()))),
    }
}

/// `container[key]`: a list by place (negative from the end), a map by key; null beyond the end or without the key.
///
/// Entity references are the executor's.
pub fn index(container: &Value, key: &Value) -> Result<Value, Failure> {
    match (container, key) {
        (Value::Null, _) => Ok(Value::Null),
        (Value::List(_) | Value::Map(_) | Value::Node(_) | Value::Relationship(_), Value::Null) => Ok(Value::Null),
        (Value::List(items), Value::Integer(place)) => Ok(at_place(items, *place).cloned().unwrap_or_default()),
        (Value::List(_), other) => {
            Err(type_error(format!("Cannot access a list using a non-number index, got {}", shown(other))))
        }
        (Value::Map(_) | Value::Node(_) | Value::Relationship(_), Value::String(key)) => {
            super::property::get(container, key)
        }
        (Value::Map(_) | Value::Node(_) | Value::Relationship(_), other) => Err(type_error(format!(
            "Cannot access a map '{}' by key '{}': Expected a string key, got {} (MapElementAccessByNonString)",
            types::text::literal(container),
            types::text::literal(other),
            other.type_name()
        ))),
        (other, key) => Err(type_error(format!(
            "`{}` is not a collection or a map. Element access is only possible by performing a collection lookup \
             using an integer index, or by performing a map lookup using a string key (found: {}[{}]) (InvalidArgumentType)",
            shown(other),
            types::text::literal(other),
            types::text::literal(key)
        ))),
    }
}

fn at_place(items: &[Value], place: i64) -> Option<&Value> {
    let length = i64::try_from(items.len()).ok()?;
    let place = if place < 0 { place.checked_add(length)? } else { place };
    items.get(usize::try_from(place).ok()?)
}

/// `list[from..to]`: `None` for a bound that was not written; null where a written one is null.
pub fn slice(list: &Value, from: Option<&Value>, to: Option<&Value>) -> Result<Value, Failure> {
    if list.is_null() || from.is_some_and(Value::is_null) || to.is_some_and(Value::is_null) {
        return Ok(Value::Null);
    }
    let Value::List(items) = list else {
        return Err(type_error(format!("Type mismatch: expected a list but was {}", shown(list))));
    };
    let from = from.map_or(Ok(0), |bound| slice_bound(bound, items.len()))?;
    let to = to.map_or(Ok(items.len()), |bound| slice_bound(bound, items.len()))?;
    let part = items.get(from..to).unwrap_or_default();
    // Once copies are too large the statement fails, so that nobody sees what stands for them.
    Ok(if effort::may_copy(Value::copied_bytes(part)) { Value::list(part.to_vec()) } else { Value::Null })
}

/// Counts a negative bound from the end, and keeps every bound within the list.
fn slice_bound(bound: &Value, length: usize) -> Result<usize, Failure> {
    let Value::Integer(place) = bound else {
        return Err(type_error(format!(
            "Type mismatch: expected an Integer as bound of a slice but was {}",
            shown(bound)
        )));
    };
    let size = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
    Ok(if *place < 0 { length.saturating_sub(size) } else { size.min(length) })
}

/// `value IN list`: null where only a null stands in the way of a yes.
pub fn in_list(value: &Value, list: &Value) -> Result<Value, Failure> {
    let items = match list {
        Value::Null => return Ok(Value::Null),
        Value::List(items) => items,
        other => return Err(type_error(format!("Type mismatch: expected List but was {}", shown(other)))),
    };
    let mut result = Value::Boolean(false);
    for item in items.iter() {
        match equals(value, item) {
            Some(true) => return Ok(Value::Boolean(true)),
            Some(false) => {}
            None => result = Value::Null,
        }
    }
    Ok(result)
}

/// Reads a truth value for logic: `None` for null; anything else is a `TypeError`.
pub fn truth(value: &Value) -> Result<Option<bool>, Failure> {
    match value {
        Value::Boolean(truth) => Ok(Some(*truth)),
        Value::Null => Ok(None),
        other => Err(type_error(format!("Type mismatch: expected Boolean but was {}", shown(other)))),
    }
}

/// `left AND right` over three values.
#[must_use]
pub fn and(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// `left OR right` over three values.
#[must_use]
pub fn or(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

/// `left XOR right` over three values.
#[must_use]
pub fn xor(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    Some(left? != right?)
}

#[cold]
fn type_error(message: String) -> Failure {
    Failure::new(Code::TypeError, message)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NULL, list, map, show, values};
    use super::*;

    #[track_caller]
    fn check(result: Result<Value, Failure>, expected: &str) {
        assert_eq!(show(result), expected);
    }

    #[test]
    fn strings() {
        check(Ok(starts_with(&"ABC".into(), &"AB".into())), "true");
        check(Ok(ends_with(&"ABC".into(), &"AB".into())), "false");
        check(Ok(contains(&"ABC".into(), &"".into())), "true");
        check(Ok(contains(&"ABC".into(), &NULL)), "null");
        check(Ok(contains(&1.into(), &"1".into())), "null");
    }

    #[test]
    fn patterns_match_the_whole_text() {
        check(matches(&"abc".into(), &"a.*".into()), "true");
        check(matches(&"abc".into(), &"b".into()), "false");
        check(matches(&"abc".into(), &"a|abc".into()), "true");
        check(matches(&NULL, &"a".into()), "null");
        check(matches(&1.into(), &"1".into()), "null");
    }

    #[test]
    fn concatenation_joins_like_with_like() {
        check(concatenate(&"a".into(), &"b".into()), "'ab'");
        check(concatenate(&list(values![1]), &list(values![2])), "[1, 2]");
        check(concatenate(&"a".into(), &NULL), "null");
        check(concatenate(&"a".into(), &1.into()), "TypeError: Cannot concatenate `String` and `Integer`");
    }

    #[test]
    fn places_in_lists() {
        let items = list(values![1, 2, 3]);
        check(index(&items, &0.into()), "1");
        check(index(&items, &(-1).into()), "3");
        check(index(&items, &3.into()), "null");
        check(index(&items, &(-4).into()), "null");
        check(index(&items, &i64::MIN.into()), "null");
        check(index(&items, &NULL), "null");
        check(index(&NULL, &0.into()), "null");
        check(index(&items, &4.7.into()), "TypeError: Cannot access a list using a non-number index, got Float(4.7)");
        check(
            index(&true.into(), &0.into()),
            "TypeError: `Boolean(true)` is not a collection or a map. Element access is only possible by performing a \
             collection lookup using an integer index, or by performing a map lookup using a string key \
             (found: true[0]) (InvalidArgumentType)",
        );
    }

    #[test]
    fn keys_in_maps() {
        let entries = map([("name", "Apa".into())]);
        check(index(&entries, &"name".into()), "'Apa'");
        check(index(&entries, &"Name".into()), "null");
        check(index(&entries, &NULL), "null");
        check(
            index(&entries, &0.into()),
            "TypeError: Cannot access a map '{name: 'Apa'}' by key '0': Expected a string key, got Integer \
             (MapElementAccessByNonString)",
        );
    }

    #[test]
    fn slices() {
        let items = list(values![1, 2, 3]);
        let (one, two, three, back) = (Value::from(1), Value::from(2), Value::from(3), Value::from(-3));
        check(slice(&items, Some(&one), Some(&three)), "[2, 3]");
        check(slice(&items, Some(&one), None), "[2, 3]");
        check(slice(&items, None, Some(&two)), "[1, 2]");
        check(slice(&items, Some(&back), Some(&(-1).into())), "[1, 2]");
        check(slice(&items, Some(&three), Some(&one)), "[]");
        check(slice(&items, Some(&(-5).into()), Some(&5.into())), "[1, 2, 3]");
        check(slice(&items, Some(&NULL), Some(&three)), "null");
        check(slice(&NULL, Some(&one), None), "null");
        check(slice(&one, None, None), "TypeError: Type mismatch: expected a list but was Integer(1)");
    }

    #[test]
    fn membership() {
        check(in_list(&1.into(), &list(values!["1", 2])), "false");
        check(in_list(&4.into(), &list(values![1, NULL, 3])), "null");
        check(in_list(&1.into(), &list(values![NULL, 1])), "true");
        check(in_list(&NULL, &list([])), "false");
        check(in_list(&NULL, &list(values![1])), "null");
        check(in_list(&1.into(), &NULL), "null");
        check(in_list(&list(values![1]), &list([list(values![1, NULL])])), "false");
        check(in_list(&1.into(), &1.into()), "TypeError: Type mismatch: expected List but was Integer(1)");
    }

    #[test]
    fn logic_over_three_values() {
        let (yes, no, unknown) = (Some(true), Some(false), None);
        assert_eq!(
            [and(yes, yes), and(yes, unknown), and(no, unknown), and(unknown, unknown)],
            [yes, unknown, no, unknown]
        );
        assert_eq!([or(no, no), or(yes, unknown), or(no, unknown), or(unknown, yes)], [no, yes, unknown, yes]);
        assert_eq!([xor(yes, no), xor(yes, yes), xor(yes, unknown)], [yes, no, unknown]);
        assert_eq!(truth(&1.into()).map_err(|failure| failure.code()), Err(Code::TypeError));
    }
}
