//! Properties of values that are no entities: keys of maps, parts of temporal values, coordinates of points.
//! Leaves properties of nodes and relationships to the executor, which asks their source.
//! Start reading at [`get`].

use types::{Code, Crs, Failure, Point, Value};

use super::error::shown;

/// Gives `value.key` for a value that is no entity reference; null where a map has no such key.
///
/// Whole entities are read from what they carry. A type without properties is a `TypeError`.
pub fn get(value: &Value, key: &str) -> Result<Value, Failure> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::Map(entries) => Ok(entries.get(key).cloned().unwrap_or_default()),
        Value::Node(node) => Ok(node.properties.get(key).cloned().unwrap_or_default()),
        Value::Relationship(relationship) => Ok(relationship.properties.get(key).cloned().unwrap_or_default()),
        Value::Point(point) => coordinate(point, key),
        Value::Date(_)
        | Value::LocalTime(_)
        | Value::Time(_)
        | Value::LocalDateTime(_)
        | Value::DateTime(_)
        | Value::Duration(_) => component(value, key),
        other => Err(Failure::new(Code::TypeError, format!("Type mismatch: expected a map but was {}", shown(other)))),
    }
}

/// Lists the keys of a map, or of a whole entity; null for null.
pub fn keys(value: &Value) -> Result<Value, Failure> {
    let entries = match value {
        Value::Null => return Ok(Value::Null),
        Value::Map(entries) => entries.as_ref(),
        Value::Node(node) => &node.properties,
        Value::Relationship(relationship) => &relationship.properties,
        other => return Err(super::error::wrong_type("keys", "a Node, Relationship or Map", other)),
    };
    Ok(Value::list(entries.keys().cloned().map(Value::String).collect()))
}

/// Gives one coordinate, the system's name or its number.
fn coordinate(point: &Point, key: &str) -> Result<Value, Failure> {
    let geographic = point.crs().is_some_and(Crs::is_geographic);
    Ok(match key {
        "x" => Value::Float(point.x),
        "y" => Value::Float(point.y),
        "z" => point.z.map_or(Value::Null, Value::Float),
        "longitude" if geographic => Value::Float(point.x),
        "latitude" if geographic => Value::Float(point.y),
        "height" if geographic => point.z.map_or(Value::Null, Value::Float),
        "crs" => Value::from(point.crs_name()),
        "srid" => Value::Integer(i64::from(point.srid)),
        "longitude" | "latitude" | "height" => {
            let message = format!(
                "Field: {key} is not available on cartesian point: {}",
                types::text::literal(&Value::Point(Box::new(*point)))
            );
            return Err(Failure::new(Code::ArgumentError, message));
        }
        _ => return Err(Failure::new(Code::ArgumentError, format!("No such field: {key}"))),
    })
}

/// Gives one part of a temporal value: `year`, `epochSeconds`, `timezone`, ...
fn component(value: &Value, key: &str) -> Result<Value, Failure> {
    types::temporal::component(value, key).map_err(|error| Failure::new(error.code(), error.to_string()))
}
