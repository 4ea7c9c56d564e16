//! Values in the Query API's typed form: `{"$type": .., "_value": ..}`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use types::temporal::{Kind, Moment, make, make_duration};
use types::{CompactString, Crs, Map, Node, Path, Point, Relationship, Value};

/// Writes a parameter. Entities are none.
pub(super) fn write(value: &Value) -> Json {
    let value_json = match value {
        Value::Null => Json::Null,
        Value::Boolean(truth) => json!(truth),
        Value::Bytes(bytes) => json!(STANDARD.encode(bytes)),
        Value::List(items) => Json::Array(items.iter().map(write).collect()),
        Value::Map(entries) => entries.iter().map(|(key, value)| (key.to_string(), write(value))).collect(),
        Value::Point(point) => json!(point_text(point)),
        other => json!(types::text::to_text(other)),
    };
    let kind = match value {
        Value::Bytes(_) => "Base64",
        Value::DateTime(moment) if moment.zone.name.is_none() => "OffsetDateTime",
        Value::DateTime(_) => "ZonedDateTime",
        other => other.type_name(),
    };
    json!({"$type": kind, "_value": value_json})
}

fn point_text(point: &Point) -> String {
    match point.z {
        None => format!("SRID={};POINT ({:?} {:?})", point.srid, point.x, point.y),
        Some(z) => format!("SRID={};POINT Z ({:?} {:?} {z:?})", point.srid, point.x, point.y),
    }
}

/// Reads a value of an answer.
pub(super) fn read(typed: &Json) -> Result<Value, String> {
    let (kind, value) = (typed["$type"].as_str().unwrap_or_default(), &typed["_value"]);
    read_as(kind, value).ok_or_else(|| format!("'{value}' is no {kind}"))
}

fn read_as(kind: &str, value: &Json) -> Option<Value> {
    let text = || value.as_str();
    let temporal = |kind| make(kind, &Value::string(text()?), &Moment::utc(0)).ok();
    Some(match kind {
        "Null" => Value::Null,
        "Boolean" => Value::Boolean(value.as_bool()?),
        "Integer" => Value::Integer(text()?.parse().ok()?),
        // Rust reads `NaN` and `Infinity` too.
        "Float" => Value::Float(text()?.parse().ok()?),
        "String" => Value::string(text()?),
        "Base64" => Value::Bytes(Arc::from(STANDARD.decode(text()?).ok()?)),
        "List" => Value::list(read_list(value)?),
        "Map" => Value::map(read_map(value)?),
        "Date" => temporal(Kind::Date)?,
        "Time" => temporal(Kind::Time)?,
        "LocalTime" => temporal(Kind::LocalTime)?,
        "LocalDateTime" => temporal(Kind::LocalDateTime)?,
        "OffsetDateTime" | "ZonedDateTime" => temporal(Kind::DateTime)?,
        "Duration" => make_duration(&Value::string(text()?)).ok()?,
        "Point" => read_point(text()?)?,
        "Node" => Value::Node(Arc::new(read_node(value)?)),
        "Relationship" => Value::Relationship(Arc::new(read_relationship(value)?)),
        "Path" => read_path(value)?,
        _ => return None,
    })
}

fn read_list(value: &Json) -> Option<Vec<Value>> {
    value.as_array()?.iter().map(|item| read(item).ok()).collect()
}

fn read_map(value: &Json) -> Option<Map> {
    value.as_object()?.iter().map(|(key, value)| Some((CompactString::from(key), read(value).ok()?))).collect()
}

fn read_point(text: &str) -> Option<Value> {
    let (srid, rest) = text.strip_prefix("SRID=")?.split_once(';')?;
    let srid: u32 = srid.parse().ok()?;
    Crs::by_srid(srid)?;
    let (_, inside) = rest.split_once('(')?;
    let numbers: Vec<f64> =
        inside.trim_end_matches(')').split_whitespace().map(|number| number.parse().ok()).collect::<Option<_>>()?;
    let (x, y) = (*numbers.first()?, *numbers.get(1)?);
    Some(Value::Point(Box::new(Point { srid, x, y, z: numbers.get(2).copied() })))
}

fn text_of(value: &Json, key: &str) -> Option<CompactString> {
    value[key].as_str().map(CompactString::from)
}

/// Reads the number at the end of an element id.
fn number(element_id: &str) -> u64 {
    element_id.rsplit(':').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn read_node(value: &Json) -> Option<Node> {
    let element_id = text_of(value, "_element_id")?;
    let labels = value["_labels"].as_array()?.iter().map(|label| label.as_str().map(CompactString::from));
    Some(Node {
        id: number(&element_id),
        element_id,
        labels: labels.collect::<Option<_>>()?,
        properties: read_map(&value["_properties"])?,
    })
}

fn read_relationship(value: &Json) -> Option<Relationship> {
    let element_id = text_of(value, "_element_id")?;
    let start_element_id = text_of(value, "_start_node_element_id")?;
    let end_element_id = text_of(value, "_end_node_element_id")?;
    Some(Relationship {
        id: number(&element_id),
        element_id,
        kind: text_of(value, "_type")?,
        start: number(&start_element_id),
        end: number(&end_element_id),
        start_element_id,
        end_element_id,
        properties: read_map(&value["_properties"])?,
    })
}

/// Reads nodes and relationships in turn.
fn read_path(value: &Json) -> Option<Value> {
    let mut path = Path { nodes: Vec::new(), relationships: Vec::new() };
    for part in read_list(value)? {
        match part {
            Value::Node(node) => path.nodes.push(node),
            Value::Relationship(relationship) => path.relationships.push(relationship),
            _ => return None,
        }
    }
    Some(Value::Path(Arc::new(path)))
}
