//! Values as text: Cypher's `toString`, and literals for plans, tables and messages.
//! Leaves parsing to `cypher` and to the functions that convert.
//! Start reading at [`to_text`] and [`literal`].

use std::fmt::{self, Display, Write};

use compact_str::{CompactString, format_compact};

use crate::value::{Map, Node, Path, PathRef, Point, Relationship, Value};

/// Gives what Cypher's `toString` gives; `None` for types that have no text (lists, maps, entities, null).
#[must_use]
pub fn to_text(value: &Value) -> Option<CompactString> {
    Some(match value {
        Value::String(text) => text.clone(),
        Value::Boolean(truth) => CompactString::const_new(if *truth { "true" } else { "false" }),
        Value::Integer(integer) => format_compact!("{integer}"),
        Value::Float(float) => float_text(*float),
        Value::Date(_)
        | Value::LocalTime(_)
        | Value::Time(_)
        | Value::LocalDateTime(_)
        | Value::DateTime(_)
        | Value::Duration(_) => temporal_text(value)?,
        Value::Point(point) => point_text(point),
        _ => return None,
    })
}

/// Writes a float as Cypher shows it: `1.0`, `1.0E10`, `1.0E-5`, `NaN`, `-Infinity`.
///
/// The shortest digits that read back as the same float; scientific below 0.001 and from 10,000,000 on.
#[must_use]
pub fn float_text(float: f64) -> CompactString {
    if float.is_nan() {
        return CompactString::const_new("NaN");
    }
    if float.is_infinite() {
        return CompactString::const_new(if float > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let size = float.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        return format_compact!("{float:?}");
    }
    let scientific = format_compact!("{float:E}");
    match scientific.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format_compact!("{digits}.0E{exponent}"),
        _ => scientific,
    }
}

/// Writes any value as a Cypher literal: `'x'`, `[1, 2]`, `{a: 1}`, `(:Label {..})`, `[:TYPE {..}]`, `<..>`.
///
/// Entities by reference are shown by number: their contents are in their source.
#[must_use]
pub fn literal(value: &Value) -> String {
    Literal(value).to_string()
}

/// Shows a value as a Cypher literal, for `format!`.
pub struct Literal<'a>(pub &'a Value);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("null"),
            Value::String(text) => quoted(text, f),
            Value::Bytes(bytes) => {
                f.write_str("bytes(")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_char(')')
            }
            Value::List(items) => list(items, f),
            Value::Map(entries) => map(entries.iter(), f),
            Value::Date(_)
            | Value::LocalTime(_)
            | Value::Time(_)
            | Value::LocalDateTime(_)
            | Value::DateTime(_)
            | Value::Duration(_) => quoted(temporal_text(self.0).as_deref().unwrap_or_default(), f),
            Value::Boolean(_) | Value::Integer(_) | Value::Float(_) | Value::Point(_) => {
                f.write_str(to_text(self.0).as_deref().unwrap_or_default())
            }
            Value::NodeRef(node) => write!(f, "(#{})", node.id),
            Value::RelationshipRef(step) => write!(f, "[#{}]", step.id),
            Value::PathRef(path) => path_ref(path, f),
            Value::Node(whole) => node(whole, f),
            Value::Relationship(whole) => relationship(whole, f),
            Value::Path(whole) => path(whole, f),
        }
    }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('\'')?;
    for character in text.chars() {
        match character {
            '\'' => f.write_str("\\'")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            other if other.is_control() => write!(f, "\\u{:04X}", u32::from(other))?,
            other => f.write_char(other)?,
        }
    }
    f.write_char('\'')
}

fn list(items: &[Value], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('[')?;
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        Literal(item).fmt(f)?;
    }
    f.write_char(']')
}

fn map<'a>(
    entries: impl IntoIterator<Item = (&'a CompactString, &'a Value)>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    f.write_char('{')?;
    for (at, (key, value)) in entries.into_iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        name(key, f)?;
        f.write_str(": ")?;
        Literal(value).fmt(f)?;
    }
    f.write_char('}')
}

/// Writes a name, between back-quotes where Cypher needs them.
fn name(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let plain = text.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && text.chars().all(|character| character.is_alphanumeric() || character == '_');
    if plain { f.write_str(text) } else { write!(f, "`{}`", text.replace('`', "``")) }
}

/// Writes an entity's properties sorted by key: their stored order means nothing to a reader.
fn properties(properties: &Map, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut sorted: Vec<_> = properties.iter().collect();
    sorted.sort_unstable_by_key(|(key, _)| *key);
    map(sorted, f)
}

fn node(node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('(')?;
    for label in &node.labels {
        f.write_char(':')?;
        name(label, f)?;
    }
    if !node.properties.is_empty() {
        if !node.labels.is_empty() {
            f.write_char(' ')?;
        }
        properties(&node.properties, f)?;
    }
    f.write_char(')')
}

fn relationship(relationship: &Relationship, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("[:")?;
    name(&relationship.kind, f)?;
    if !relationship.properties.is_empty() {
        f.write_char(' ')?;
        properties(&relationship.properties, f)?;
    }
    f.write_char(']')
}

/// Turns each step the way it was walked: towards the node that comes next.
fn path(path: &Path, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('<')?;
    for (at, whole) in path.nodes.iter().enumerate() {
        node(whole, f)?;
        let Some(step) = path.relationships.get(at) else { continue };
        let forward = step.start == whole.id;
        f.write_str(if forward { "-" } else { "<-" })?;
        relationship(step, f)?;
        f.write_str(if forward { "->" } else { "-" })?;
    }
    f.write_char('>')
}

fn path_ref(path: &PathRef, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut at = path.start.id;
    write!(f, "<(#{at})")?;
    for step in &path.relationships {
        let forward = step.start == at;
        at = if forward { step.end } else { step.start };
        let (before, after) = if forward { ("-", "->") } else { ("<-", "-") };
        write!(f, "{before}[#{}]{after}(#{at})", step.id)?;
    }
    f.write_char('>')
}

fn point_text(point: &Point) -> CompactString {
    let (x, y) = (float_text(point.x), float_text(point.y));
    let crs = point.crs_name();
    match point.z {
        Some(z) => format_compact!("point({{x: {x}, y: {y}, z: {}, crs: '{crs}'}})", float_text(z)),
        None => format_compact!("point({{x: {x}, y: {y}, crs: '{crs}'}})"),
    }
}

/// Writes a temporal value in its ISO 8601 form.
fn temporal_text(value: &Value) -> Option<CompactString> {
    Some(match value {
        Value::Date(date) => format_compact!("{date}"),
        Value::LocalTime(time) => format_compact!("{time}"),
        Value::Time(time) => format_compact!("{time}"),
        Value::LocalDateTime(moment) => format_compact!("{moment}"),
        Value::DateTime(moment) => format_compact!("{moment}"),
        Value::Duration(duration) => format_compact!("{duration}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::value::{NodeRef, RelationshipRef};
    use crate::{NodeId, RelationshipId, TypeId};

    fn check_float(float: f64, expected: &str) {
        assert_eq!(float_text(float), expected);
    }

    fn check_text(value: impl Into<Value>, expected: Option<&str>) {
        assert_eq!(to_text(&value.into()).as_deref(), expected);
    }

    fn check(value: impl Into<Value>, expected: &str) {
        assert_eq!(literal(&value.into()), expected);
    }

    #[test]
    fn floats_as_cypher_prints_them() {
        check_float(1.0, "1.0");
        check_float(-0.0, "-0.0");
        check_float(2.3, "2.3");
        check_float(0.001, "0.001");
        check_float(0.0009, "9.0E-4");
        check_float(1e-5, "1.0E-5");
        check_float(9_999_999.0, "9999999.0");
        check_float(1e7, "1.0E7");
        check_float(1.5e10, "1.5E10");
        check_float(-1.23e-8, "-1.23E-8");
        check_float(f64::MAX, "1.7976931348623157E308");
        check_float(f64::MIN_POSITIVE, "2.2250738585072014E-308");
        check_float(f64::NAN, "NaN");
        check_float(f64::NEG_INFINITY, "-Infinity");
    }

    #[test]
    fn text_of_values() {
        check_text(true, Some("true"));
        check_text(42, Some("42"));
        check_text("it's", Some("it's"));
        check_text(Value::Null, None);
        check_text(Value::list(vec![]), None);
        let point = Point { srid: 7203, x: 1.0, y: 2.5, z: None };
        check_text(Value::Point(Box::new(point)), Some("point({x: 1.0, y: 2.5, crs: 'cartesian'})"));
    }

    #[test]
    fn literals() {
        check(Value::Null, "null");
        check("it's a\\b\n", r"'it\'s a\\b\n'");
        check(Value::list(vec![1.into(), "x".into(), Value::list(vec![])]), "[1, 'x', []]");
        let entries = [("a", Value::from(1)), ("b c", Value::from(2.0))];
        check(Value::map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect()), "{a: 1, `b c`: 2.0}");
        check(Value::Date(crate::Date { days: 0 }), "'1970-01-01'");
    }

    #[test]
    fn entities_by_reference_are_shown_by_number() {
        let start = NodeRef { source: 0, id: NodeId(1) };
        let step = |id, start, end| RelationshipRef {
            source: 0,
            id: RelationshipId(id),
            kind: TypeId(0),
            start: NodeId(start),
            end: NodeId(end),
        };
        check(Value::NodeRef(start), "(#1)");
        let path = PathRef { start, relationships: vec![step(7, 1, 2), step(8, 3, 2)] };
        check(Value::PathRef(Arc::new(path)), "<(#1)-[#7]->(#2)<-[#8]-(#3)>");
    }

    #[test]
    fn whole_entities_are_shown_with_their_contents() {
        let node = |id, labels: &[&str]| {
            let labels = labels.iter().map(|label| (*label).into()).collect();
            let properties =
                if id == 0 { ["n", "m"].map(|key| (key.into(), Value::from(1))).into() } else { Map::new() };
            Arc::new(Node { id, element_id: format_compact!("4:x:{id}"), labels, properties })
        };
        check(Value::Node(node(0, &["A", "B"])), "(:A:B {m: 1, n: 1})");
        check(Value::Node(node(0, &[])), "({m: 1, n: 1})");
        check(Value::Node(node(1, &[])), "()");
        let step = Arc::new(Relationship {
            id: 5,
            element_id: "5:x:5".into(),
            kind: "KNOWS".into(),
            start: 1,
            end: 0,
            start_element_id: "4:x:1".into(),
            end_element_id: "4:x:0".into(),
            properties: [("since".into(), Value::from(1999))].into_iter().collect(),
        });
        check(Value::Relationship(step.clone()), "[:KNOWS {since: 1999}]");
        let path = Path { nodes: vec![node(0, &["A"]), node(1, &[])], relationships: vec![step] };
        check(Value::Path(Arc::new(path)), "<(:A {m: 1, n: 1})<-[:KNOWS {since: 1999}]-()>");
    }
}
