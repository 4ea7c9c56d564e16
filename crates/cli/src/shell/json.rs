//! Values as JSON: numbers stay numbers, moments become ISO text, entities become objects.

use serde_json::{Map as Object, Number, Value as Json, json};
use types::text::{literal, to_text};
use types::{Map, Node, Relationship, Value};

/// Gives a record as one object, a member for each column.
pub fn record(columns: &[String], row: &[Value]) -> Json {
    Json::Object(columns.iter().cloned().zip(row.iter().map(json)).collect())
}

/// Gives an object with one member.
pub fn member(key: &str, entries: &Map) -> Json {
    Json::Object(Object::from_iter([(key.to_owned(), object(entries))]))
}

/// Gives a value as JSON.
pub fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(truth) => Json::Bool(*truth),
        Value::Integer(integer) => Json::from(*integer),
        Value::Float(float) => match Number::from_f64(*float) {
            Some(number) => Json::Number(number),
            // JSON has no NaN and no infinity.
            None => Json::String(types::text::float_text(*float).into()),
        },
        Value::Bytes(bytes) => Json::from(bytes.to_vec()),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => object(entries),
        Value::Point(point) => {
            let mut shown = json!({"crs": point.crs_name(), "x": point.x, "y": point.y});
            if let Some(z) = point.z {
                shown["z"] = json!(z);
            }
            shown
        }
        Value::Node(node) => node_object(node),
        Value::Relationship(relationship) => relationship_object(relationship),
        Value::Path(path) => json!({
            "nodes": path.nodes.iter().map(|node| node_object(node)).collect::<Vec<_>>(),
            "relationships": path.relationships.iter().map(|step| relationship_object(step)).collect::<Vec<_>>(),
        }),
        other => Json::String(to_text(other).map_or_else(|| literal(other), Into::into)),
    }
}

fn object(entries: &Map) -> Json {
    Json::Object(entries.iter().map(|(key, value)| (key.to_string(), json(value))).collect::<Object<_, _>>())
}

fn node_object(node: &Node) -> Json {
    json!({
        "elementId": node.element_id.as_str(),
        "labels": node.labels.iter().map(types::CompactString::as_str).collect::<Vec<_>>(),
        "properties": object(&node.properties),
    })
}

fn relationship_object(relationship: &Relationship) -> Json {
    json!({
        "elementId": relationship.element_id.as_str(),
        "type": relationship.kind.as_str(),
        "startNodeElementId": relationship.start_element_id.as_str(),
        "endNodeElementId": relationship.end_element_id.as_str(),
        "properties": object(&relationship.properties),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use types::Date;

    use super::*;

    fn check(value: Value, expected: &str) {
        assert_eq!(json(&value).to_string(), expected);
    }

    #[test]
    fn f118_values_keep_their_types() {
        check(Value::Null, "null");
        check(Value::Integer(i64::MAX), "9223372036854775807");
        check(Value::Float(1.0), "1.0");
        check(Value::Float(f64::NAN), "\"NaN\"");
        check(Value::list(vec![Value::string("a\"b"), Value::Boolean(true)]), "[\"a\\\"b\",true]");
        check(Value::Date(Date::parse("2013-01-31").expect("a day")), "\"2013-01-31\"");
    }

    #[test]
    fn f118_nodes_are_objects() {
        let properties = Map::from_iter([("code".into(), Value::string("JFK"))]);
        let node = Node { id: 7, element_id: "4:a:7".into(), labels: vec!["Airport".into()], properties };
        check(Value::Node(Arc::new(node)), r#"{"elementId":"4:a:7","labels":["Airport"],"properties":{"code":"JFK"}}"#);
    }
}
