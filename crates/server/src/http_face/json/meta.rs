//! The `meta` form: for each cell, which entities it shows.

use types::{Node, Path, Relationship, Value};

use super::Json;

/// Writes null for a plain value, `{id, elementId, type, deleted}` for an entity, a list of them for more.
pub(in crate::http_face) fn write_meta(json: &mut Json, value: &Value) {
    match value {
        Value::Node(node) => write_node(json, node),
        Value::Relationship(relationship) => write_relationship(json, relationship),
        Value::Path(path) => write_path(json, path),
        Value::List(items) => {
            json.begin_list();
            items.iter().for_each(|item| write_meta(json, item));
            json.end_list();
        }
        Value::Map(entries) if entries.values().any(holds_entity) => {
            json.begin_list();
            entries.values().for_each(|item| write_meta(json, item));
            json.end_list();
        }
        _ => json.null(),
    }
}

fn holds_entity(value: &Value) -> bool {
    match value {
        Value::Node(_) | Value::Relationship(_) | Value::Path(_) => true,
        Value::List(items) => items.iter().any(holds_entity),
        Value::Map(entries) => entries.values().any(holds_entity),
        _ => false,
    }
}

fn write_path(json: &mut Json, path: &Path) {
    json.begin_list();
    for (at, node) in path.nodes.iter().enumerate() {
        write_node(json, node);
        if let Some(relationship) = path.relationships.get(at) {
            write_relationship(json, relationship);
        }
    }
    json.end_list();
}

fn write_node(json: &mut Json, node: &Node) {
    write_entity(json, node.id, &node.element_id, "node");
}

fn write_relationship(json: &mut Json, relationship: &Relationship) {
    write_entity(json, relationship.id, &relationship.element_id, "relationship");
}

fn write_entity(json: &mut Json, id: u64, element_id: &str, kind: &str) {
    json.begin_object();
    json.key("id");
    json.integer(i64::try_from(id).unwrap_or(i64::MAX));
    json.key("elementId");
    json.string(element_id);
    json.key("type");
    json.string(kind);
    json.key("deleted");
    json.boolean(false);
    json.end_object();
}
