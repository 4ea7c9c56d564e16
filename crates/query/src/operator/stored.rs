//! What a property may hold.
//! Leaves how it is kept to the source.
//! Start reading at [`stored`].

use types::{Code, Failure, Value};

/// Gives a value as a property holds it, or says why none does.
///
/// A list holds values of one type, none of them null or a list; integers beside floats become floats.
///
/// # Errors
///
/// [`Code::TypeError`] for what no property holds.
pub fn stored(value: Value) -> Result<Value, Failure> {
    match &value {
        Value::List(items) => match items.as_slice() {
            [] => Ok(value),
            [first, rest @ ..] => {
                items.iter().try_for_each(item)?;
                if rest.iter().all(|other| is_alike(first, other)) {
                    return Ok(value);
                }
                floats(items).ok_or_else(|| {
                    let text = "Neo4j only supports a subset of Cypher types for storage as singleton or array \
                                properties: the values of a list are all of one type";
                    refused(text)
                })
            }
        },
        Value::Map(_) | Value::NodeRef(_) | Value::RelationshipRef(_) | Value::PathRef(_) => Err(not_plain(&value)),
        _ => Ok(value),
    }
}

fn item(value: &Value) -> Result<(), Failure> {
    match value {
        Value::Null => Err(refused("Collections containing null values can not be stored in properties.")),
        Value::List(_) => Err(refused("Collections containing collections can not be stored in properties.")),
        Value::Map(_) | Value::NodeRef(_) | Value::RelationshipRef(_) | Value::PathRef(_) => Err(not_plain(value)),
        _ => Ok(()),
    }
}

fn is_alike(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Point(left), Value::Point(right)) => left.srid == right.srid,
        _ => left.type_name() == right.type_name(),
    }
}

/// Gives numbers as floats; nothing where one is no number.
fn floats(items: &[Value]) -> Option<Value> {
    let float = |item: &Value| match item {
        #[expect(clippy::cast_precision_loss, reason = "a float is the nearest that one list can hold")]
        Value::Integer(number) => Some(Value::Float(*number as f64)),
        Value::Float(_) => Some(item.clone()),
        _ => None,
    };
    items.iter().map(float).collect::<Option<Vec<_>>>().map(Value::list)
}

#[cold]
fn not_plain(value: &Value) -> Failure {
    refused(&format!(
        "Property values can only be of primitive types or arrays thereof. Encountered: {}. (InvalidPropertyType)",
        value.type_name()
    ))
}

#[cold]
fn refused(text: &str) -> Failure {
    Failure::new(Code::TypeError, text)
}

#[cfg(test)]
mod tests {
    use types::text;

    use super::*;

    #[track_caller]
    fn check(value: Value, expected: &str) {
        let shown = match stored(value) {
            Ok(value) => text::literal(&value),
            Err(failure) => failure.message().split(':').next().unwrap_or_default().to_owned(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn lists_hold_one_type() {
        let list = |items: &[Value]| Value::list(items.to_vec());
        let (one, half, word) = (Value::Integer(1), Value::Float(0.5), Value::string("a"));
        check(list(&[]), "[]");
        check(list(&[one.clone(), one.clone()]), "[1, 1]");
        check(list(&[one.clone(), half]), "[1.0, 0.5]");
        let mixed = "Neo4j only supports a subset of Cypher types for storage as singleton or array properties";
        check(list(&[one.clone(), word]), mixed);
        check(list(&[one.clone(), Value::Null]), "Collections containing null values can not be stored in properties.");
        let nested = list(&[list(&[one])]);
        check(nested, "Collections containing collections can not be stored in properties.");
    }
}
