//! The plain form of the Query API: as the `row` form, but entities and points keep what they are.

use types::{Map, Node, Relationship, Value};

use super::Json;
use super::row::write_value;
use super::typed::point_text;

/// Writes a value as the Query API shows it to clients that read plain JSON.
pub(in crate::http_face) fn write_plain(json: &mut Json, value: &Value) {
    match value {
        Value::List(items) => {
            json.begin_list();
            items.iter().for_each(|item| write_plain(json, item));
            json.end_list();
        }
        Value::Map(entries) => write_entries(json, entries),
        Value::Point(point) => json.string(&point_text(point)),
        Value::Node(node) => write_node(json, node),
        Value::Relationship(relationship) => write_relationship(json, relationship),
        Value::Path(path) => {
            json.begin_list();
            for (at, node) in path.nodes.iter().enumerate() {
                write_node(json, node);
                if let Some(relationship) = path.relationships.get(at) {
                    write_relationship(json, relationship);
                }
            }
            json.end_list();
        }
        other => write_value(json, other),
    }
}

fn write_entries(json: &mut Json, entries: &Map) {
    json.begin_object();
    for (key, value) in entries {
        json.key(key);
        write_plain(json, value);
    }
    json.end_object();
}

fn write_node(json: &mut Json, node: &Node) {
    json.begin_object();
    json.key("elementId");
    json.string(&node.element_id);
    json.key("labels");
    json.begin_list();
    node.labels.iter().for_each(|label| json.string(label));
    json.end_list();
    json.key("properties");
    write_entries(json, &node.properties);
    json.end_object();
}

fn write_relationship(json: &mut Json, relationship: &Relationship) {
    json.begin_object();
    for (key, text) in [
        ("elementId", &relationship.element_id),
        ("startNodeElementId", &relationship.start_element_id),
        ("endNodeElementId", &relationship.end_element_id),
        ("type", &relationship.kind),
    ] {
        json.key(key);
        json.string(text);
    }
    json.key("properties");
    write_entries(json, &relationship.properties);
    json.end_object();
}
