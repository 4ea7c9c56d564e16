//! The `graph` form: the distinct nodes and relationships of a row.

use std::collections::HashSet;

use types::{Node, Relationship, Value};

use super::Json;
use super::row::write_map;

/// Writes `{nodes: [..], relationships: [..]}` with everything that the row shows, however deep.
pub(in crate::http_face) fn write_graph<'a>(json: &mut Json, row: impl Iterator<Item = &'a Value>) {
    let mut found = Found::default();
    row.for_each(|value| found.look_into(value));
    json.begin_object();
    json.key("nodes");
    json.begin_list();
    found.nodes.iter().for_each(|node| write_node(json, node));
    json.end_list();
    json.key("relationships");
    json.begin_list();
    found.relationships.iter().for_each(|relationship| write_relationship(json, relationship));
    json.end_list();
    json.end_object();
}

#[derive(Default)]
struct Found<'a> {
    seen: HashSet<&'a str>,
    nodes: Vec<&'a Node>,
    relationships: Vec<&'a Relationship>,
}

impl<'a> Found<'a> {
    fn look_into(&mut self, value: &'a Value) {
        match value {
            Value::Node(node) => self.add_node(node),
            Value::Relationship(relationship) => self.add_relationship(relationship),
            Value::Path(path) => {
                path.nodes.iter().for_each(|node| self.add_node(node));
                path.relationships.iter().for_each(|relationship| self.add_relationship(relationship));
            }
            Value::List(items) => items.iter().for_each(|item| self.look_into(item)),
            Value::Map(entries) => entries.values().for_each(|item| self.look_into(item)),
            _ => {}
        }
    }

    fn add_node(&mut self, node: &'a Node) {
        if self.seen.insert(&node.element_id) {
            self.nodes.push(node);
        }
    }

    fn add_relationship(&mut self, relationship: &'a Relationship) {
        if self.seen.insert(&relationship.element_id) {
            self.relationships.push(relationship);
        }
    }
}

fn write_node(json: &mut Json, node: &Node) {
    json.begin_object();
    write_text(json, "id", &node.id.to_string());
    write_text(json, "elementId", &node.element_id);
    json.key("labels");
    json.begin_list();
    node.labels.iter().for_each(|label| json.string(label));
    json.end_list();
    json.key("properties");
    write_map(json, &node.properties);
    json.end_object();
}

fn write_relationship(json: &mut Json, relationship: &Relationship) {
    json.begin_object();
    write_text(json, "id", &relationship.id.to_string());
    write_text(json, "elementId", &relationship.element_id);
    write_text(json, "type", &relationship.kind);
    write_text(json, "startNode", &relationship.start.to_string());
    write_text(json, "startNodeElementId", &relationship.start_element_id);
    write_text(json, "endNode", &relationship.end.to_string());
    write_text(json, "endNodeElementId", &relationship.end_element_id);
    json.key("properties");
    write_map(json, &relationship.properties);
    json.end_object();
}

fn write_text(json: &mut Json, key: &str, text: &str) {
    json.key(key);
    json.string(text);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{write_meta, write_value};
    use super::*;
    use types::{Map, Path};

    fn path() -> Value {
        let node = |id: u64| {
            let mut properties = Map::new();
            properties.insert("name".into(), Value::string(format!("n{id}")));
            Arc::new(Node { id, element_id: format!("4:d:{id}").into(), labels: vec!["A".into()], properties })
        };
        let relationship = Arc::new(Relationship {
            id: 5,
            element_id: "5:d:5".into(),
            kind: "KNOWS".into(),
            start: 1,
            end: 2,
            start_element_id: "4:d:1".into(),
            end_element_id: "4:d:2".into(),
            properties: Map::new(),
        });
        Value::Path(Arc::new(Path { nodes: vec![node(1), node(2)], relationships: vec![relationship] }))
    }

    fn check(write: impl FnOnce(&mut Json), expected: &str) {
        let mut json = Json::default();
        write(&mut json);
        assert_eq!(String::from_utf8(json.take()).expect("JSON is UTF-8"), expected);
    }

    #[test]
    fn a_path_in_three_forms() {
        check(|json| write_value(json, &path()), r#"[{"name":"n1"},{},{"name":"n2"}]"#);
        check(
            |json| write_meta(json, &path()),
            concat!(
                r#"[{"id":1,"elementId":"4:d:1","type":"node","deleted":false},"#,
                r#"{"id":5,"elementId":"5:d:5","type":"relationship","deleted":false},"#,
                r#"{"id":2,"elementId":"4:d:2","type":"node","deleted":false}]"#
            ),
        );
        check(
            |json| write_graph(json, [path(), path()].iter()),
            concat!(
                r#"{"nodes":[{"id":"1","elementId":"4:d:1","labels":["A"],"properties":{"name":"n1"}},"#,
                r#"{"id":"2","elementId":"4:d:2","labels":["A"],"properties":{"name":"n2"}}],"#,
                r#""relationships":[{"id":"5","elementId":"5:d:5","type":"KNOWS","startNode":"1","#,
                r#""startNodeElementId":"4:d:1","endNode":"2","endNodeElementId":"4:d:2","properties":{}}]}"#
            ),
        );
    }
}
