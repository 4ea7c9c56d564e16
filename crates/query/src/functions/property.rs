//! Properties of values that are no entities: keys of maps, parts of temporal values, coordinates of points.
//! Leaves properties of nodes and relationships to the executor, which asks their source.
//! Start reading at [`get`].

use types::{Code, Crs, Failure, Point, Value, temporal};

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
        | Value::Duration(_) => Ok(temporal::component(value, key)?),
        other => {
            let text = format!("Type mismatch: expected a map but was {} (InvalidArgumentType)", shown(other));
            Err(Failure::new(Code::TypeError, text))
        }
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

#[cfg(test)]
mod tests {
    use super::super::testing::{NULL, list, map, show, values};
    use super::*;

    #[track_caller]
    fn check(value: impl Into<Value>, key: &str, expected: &str) {
        assert_eq!(show(get(&value.into(), key)), expected);
    }

    #[test]
    fn keys_of_maps_are_case_sensitive() {
        let mats = || map([("name", "Mats".into()), ("Name", "Pontus".into()), ("no", NULL)]);
        check(mats(), "name", "'Mats'");
        check(mats(), "Name", "'Pontus'");
        check(mats(), "nAMe", "null");
        check(mats(), "no", "null");
        check(NULL, "name", "null");
        assert_eq!(show(keys(&mats())), "['name', 'Name', 'no']");
        assert_eq!(show(keys(&NULL)), "null");
    }

    #[test]
    fn parts_of_points() {
        let point = |srid, z| Value::Point(Box::new(Point { srid, x: 1.0, y: 2.0, z }));
        check(point(7203, None), "x", "1.0");
        check(point(7203, None), "z", "null");
        check(point(9157, Some(3.0)), "z", "3.0");
        check(point(4326, None), "longitude", "1.0");
        check(point(4326, None), "latitude", "2.0");
        check(point(4979, Some(3.0)), "height", "3.0");
        check(point(4979, Some(3.0)), "crs", "'wgs-84-3d'");
        check(point(4326, None), "srid", "4326");
        check(
            point(7203, None),
            "latitude",
            "ArgumentError: Field: latitude is not available on cartesian point: point({x: 1.0, y: 2.0, crs: 'cartesian'})",
        );
        check(point(7203, None), "w", "ArgumentError: No such field: w");
    }

    #[test]
    fn parts_of_temporal_values() {
        check(Value::Date(types::Date { days: 0 }), "year", "1970");
    }

    #[test]
    fn other_values_have_no_properties() {
        check(1, "x", "TypeError: Type mismatch: expected a map but was Integer(1) (InvalidArgumentType)");
        check(
            list(values![1]),
            "x",
            "TypeError: Type mismatch: expected a map but was List([1]) (InvalidArgumentType)",
        );
    }
}
