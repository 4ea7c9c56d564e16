//! The typed form of the Query API: `{"$type": .., "_value": ..}`, both ways.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use types::temporal::{Kind, Moment, make, make_duration};
use types::{Map, Node, Path, Point, Relationship, Value};

use super::Json;

/// Writes a value with its type.
pub(in crate::http_face) fn write_typed(json: &mut Json, value: &Value) {
    json.begin_object();
    json.key("$type");
    json.string(type_name(value));
    json.key("_value");
    match value {
        Value::Boolean(truth) => json.boolean(*truth),
        Value::Bytes(bytes) => json.string(&STANDARD.encode(bytes)),
        Value::List(items) => {
            json.begin_list();
            items.iter().for_each(|item| write_typed(json, item));
            json.end_list();
        }
        Value::Map(entries) => write_entries(json, entries),
        Value::Point(point) => json.string(&point_text(point)),
        Value::Node(node) => write_node(json, node),
        Value::Relationship(relationship) => write_relationship(json, relationship),
        Value::Path(path) => write_path(json, path),
        // Numbers are text here, so that no client rounds them.
        other => match types::text::to_text(other) {
            Some(text) => json.string(&text),
            None => json.null(),
        },
    }
    json.end_object();
}

/// Writes a point as extended well-known text: `SRID=7203;POINT (1.0 2.0)`.
pub(super) fn point_text(point: &Point) -> String {
    let float = types::text::float_text;
    match point.z {
        None => format!("SRID={};POINT ({} {})", point.srid, float(point.x), float(point.y)),
        Some(z) => format!("SRID={};POINT Z ({} {} {})", point.srid, float(point.x), float(point.y), float(z)),
    }
}

/// Reads a value that was written with its type.
pub(in crate::http_face) fn read_typed(value: &Value) -> Result<Value, String> {
    let parts = match value {
        Value::Map(entries) => entries.get("$type").zip(entries.get("_value")),
        _ => None,
    };
    let Some((Value::String(kind), value)) = parts else {
        return Err("a typed value must be an object with $type and _value".to_owned());
    };
    read_as(kind, value).ok_or_else(|| format!("the given value is no {kind}"))
}

/// Reads parameters that were written with their types.
pub(in crate::http_face) fn read_typed_map(entries: &Map) -> Result<Map, String> {
    entries.iter().map(|(key, value)| Ok((key.clone(), read_typed(value)?))).collect()
}

fn read_as(kind: &str, value: &Value) -> Option<Value> {
    // No time zone of a session reaches here; a text without one is a local value.
    let temporal = |kind| make(kind, value, &Moment::utc(0)).ok();
    match (kind, value) {
        ("Null", Value::Null) => Some(Value::Null),
        ("Boolean", Value::Boolean(_)) | ("String", Value::String(_)) => Some(value.clone()),
        ("Integer", Value::String(text)) => text.parse().ok().map(Value::Integer),
        ("Integer", Value::Integer(_)) => Some(value.clone()),
        ("Float", Value::String(text)) => read_float(text).map(Value::Float),
        ("Float", Value::Float(_)) => Some(value.clone()),
        ("Base64", Value::String(text)) => STANDARD.decode(text).ok().map(|bytes| Value::Bytes(Arc::from(bytes))),
        ("List", Value::List(items)) => items.iter().map(read_typed).collect::<Result<_, _>>().ok().map(Value::list),
        ("Map", Value::Map(entries)) => read_typed_map(entries).ok().map(Value::map),
        ("Date", Value::String(_)) => temporal(Kind::Date),
        ("Time", Value::String(_)) => temporal(Kind::Time),
        ("LocalTime", Value::String(_)) => temporal(Kind::LocalTime),
        ("LocalDateTime", Value::String(_)) => temporal(Kind::LocalDateTime),
        ("OffsetDateTime" | "ZonedDateTime", Value::String(_)) => temporal(Kind::DateTime),
        ("Duration", Value::String(_)) => make_duration(value).ok(),
        ("Point", Value::String(text)) => read_point(text),
        _ => None,
    }
}

fn read_float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // Rust would also read `inf` and `nan`, in any case.
        _ if text.contains(['n', 'N']) => None,
        _ => text.parse().ok(),
    }
}

fn read_point(text: &str) -> Option<Value> {
    let (srid, rest) = text.strip_prefix("SRID=")?.split_once(';')?;
    let srid: u32 = srid.parse().ok()?;
    let crs = types::Crs::by_srid(srid)?;
    let rest = rest.strip_prefix("POINT")?.trim_start();
    let rest = rest.strip_prefix('Z').unwrap_or(rest).trim();
    let inside = rest.strip_prefix('(')?.strip_suffix(')')?;
    let numbers = inside.split_whitespace().map(read_float).collect::<Option<Vec<_>>>()?;
    let (x, y, z) = match (numbers.as_slice(), crs.has_height()) {
        ([x, y], false) => (*x, *y, None),
        ([x, y, z], true) => (*x, *y, Some(*z)),
        _ => return None,
    };
    Some(Value::Point(Box::new(Point { srid, x, y, z })))
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Bytes(_) => "Base64",
        Value::DateTime(moment) if moment.zone.name.is_none() => "OffsetDateTime",
        Value::DateTime(_) => "ZonedDateTime",
        other => other.type_name(),
    }
}

fn write_entries(json: &mut Json, entries: &Map) {
    json.begin_object();
    for (key, value) in entries {
        json.key(key);
        write_typed(json, value);
    }
    json.end_object();
}

fn write_node(json: &mut Json, node: &Node) {
    json.begin_object();
    json.key("_element_id");
    json.string(&node.element_id);
    json.key("_labels");
    json.begin_list();
    node.labels.iter().for_each(|label| json.string(label));
    json.end_list();
    json.key("_properties");
    write_entries(json, &node.properties);
    json.end_object();
}

fn write_relationship(json: &mut Json, relationship: &Relationship) {
    json.begin_object();
    for (key, text) in [
        ("_element_id", &relationship.element_id),
        ("_start_node_element_id", &relationship.start_element_id),
        ("_end_node_element_id", &relationship.end_element_id),
        ("_type", &relationship.kind),
    ] {
        json.key(key);
        json.string(text);
    }
    json.key("_properties");
    write_entries(json, &relationship.properties);
    json.end_object();
}

fn write_path(json: &mut Json, path: &Path) {
    json.begin_list();
    for (at, node) in path.nodes.iter().enumerate() {
        write_typed(json, &Value::Node(Arc::clone(node)));
        if let Some(relationship) = path.relationships.get(at) {
            write_typed(json, &Value::Relationship(Arc::clone(relationship)));
        }
    }
    json.end_list();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str) {
        let value: super::super::parameters::Parameter = serde_json::from_str(typed).expect("JSON");
        let read = read_typed(&value.0).expect("a typed value");
        let mut json = Json::default();
        write_typed(&mut json, &read);
        assert_eq!(String::from_utf8(json.take()).expect("JSON is UTF-8"), typed);
    }

    #[test]
    fn typed_values_come_back() {
        check(r#"{"$type":"Null","_value":null}"#);
        check(r#"{"$type":"Boolean","_value":true}"#);
        check(r#"{"$type":"Integer","_value":"9223372036854775807"}"#);
        check(r#"{"$type":"Float","_value":"1.5"}"#);
        check(r#"{"$type":"Float","_value":"-Infinity"}"#);
        check(r#"{"$type":"String","_value":"x"}"#);
        check(r#"{"$type":"Base64","_value":"AAEC"}"#);
        check(r#"{"$type":"List","_value":[{"$type":"Integer","_value":"1"}]}"#);
        check(r#"{"$type":"Map","_value":{"a":{"$type":"Integer","_value":"1"}}}"#);
        check(r#"{"$type":"Date","_value":"2024-02-29"}"#);
        check(r#"{"$type":"LocalTime","_value":"12:34:56.123456789"}"#);
        check(r#"{"$type":"Time","_value":"12:34:56+01:00"}"#);
        check(r#"{"$type":"LocalDateTime","_value":"2024-02-29T12:34:56"}"#);
        check(r#"{"$type":"OffsetDateTime","_value":"2024-02-29T12:34:56+01:00"}"#);
        check(r#"{"$type":"ZonedDateTime","_value":"2024-02-29T12:34:56+01:00[Europe/Berlin]"}"#);
        check(r#"{"$type":"Duration","_value":"P1Y2M3DT4S"}"#);
        check(r#"{"$type":"Point","_value":"SRID=7203;POINT (1.2 3.4)"}"#);
        check(r#"{"$type":"Point","_value":"SRID=4979;POINT Z (1.0 2.0 3.0)"}"#);
    }

    #[test]
    fn wrong_values_are_refused() {
        for (typed, expected) in [
            ("1", "a typed value must be an object with $type and _value"),
            (r#"{"$type":"Integer","_value":"x"}"#, "the given value is no Integer"),
            (r#"{"$type":"Node","_value":{}}"#, "the given value is no Node"),
            (r#"{"$type":"Point","_value":"SRID=7203;POINT (1 2 3)"}"#, "the given value is no Point"),
        ] {
            let value: super::super::parameters::Parameter = serde_json::from_str(typed).expect("JSON");
            assert_eq!(read_typed(&value.0), Err(expected.to_owned()));
        }
    }
}
