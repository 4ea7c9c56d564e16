//! The `row` form: entities as their properties, temporals as text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use types::{Crs, Map, Path, Point, Value};

use super::Json;

/// Writes a value as a cell of a row.
pub(in crate::http_face) fn write_value(json: &mut Json, value: &Value) {
    match value {
        Value::Null => json.null(),
        Value::Boolean(truth) => json.boolean(*truth),
        Value::Integer(number) => json.integer(*number),
        Value::Float(number) => json.float(*number),
        Value::String(text) => json.string(text),
        Value::Bytes(bytes) => json.string(&STANDARD.encode(bytes)),
        Value::List(items) => {
            json.begin_list();
            items.iter().for_each(|item| write_value(json, item));
            json.end_list();
        }
        Value::Map(entries) => write_map(json, entries),
        Value::Date(date) => json.string(&date.to_string()),
        Value::LocalTime(time) => json.string(&time.to_string()),
        Value::Time(time) => json.string(&time.to_string()),
        Value::LocalDateTime(moment) => json.string(&moment.to_string()),
        Value::DateTime(moment) => json.string(&moment.to_string()),
        Value::Duration(duration) => json.string(&duration.to_string()),
        Value::Point(point) => write_point(json, point),
        Value::Node(node) => write_map(json, &node.properties),
        Value::Relationship(relationship) => write_map(json, &relationship.properties),
        Value::Path(path) => write_path(json, path),
        Value::NodeRef(_) | Value::RelationshipRef(_) | Value::PathRef(_) => {
            debug_assert!(false, "a reference to an entity reached the wire");
            json.null();
        }
    }
}

/// Writes a map with its keys.
pub(super) fn write_map(json: &mut Json, entries: &Map) {
    json.begin_object();
    for (key, value) in entries {
        json.key(key);
        write_value(json, value);
    }
    json.end_object();
}

/// Node, relationship, node, ...: the properties of each.
fn write_path(json: &mut Json, path: &Path) {
    json.begin_list();
    for (at, node) in path.nodes.iter().enumerate() {
        write_map(json, &node.properties);
        if let Some(relationship) = path.relationships.get(at) {
            write_map(json, &relationship.properties);
        }
    }
    json.end_list();
}

fn write_point(json: &mut Json, point: &Point) {
    json.begin_object();
    json.key("type");
    json.string("Point");
    json.key("coordinates");
    json.begin_list();
    [Some(point.x), Some(point.y), point.z].into_iter().flatten().for_each(|coordinate| json.float(coordinate));
    json.end_list();
    json.key("crs");
    json.begin_object();
    json.key("srid");
    json.integer(point.srid.into());
    json.key("name");
    json.string(point.crs_name());
    json.key("type");
    json.string("link");
    json.key("properties");
    json.begin_object();
    json.key("href");
    let authority = if point.crs().is_some_and(Crs::is_geographic) { "epsg" } else { "sr-org" };
    json.string(&format!("http://spatialreference.org/ref/{authority}/{}/ogcwkt/", point.srid));
    json.key("type");
    json.string("ogcwkt");
    json.end_object();
    json.end_object();
    json.end_object();
}
