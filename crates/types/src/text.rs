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
            Value::Map(entries) => map(entries, f),
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

fn map(entries: &Map, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('{')?;
    for (at, (key, value)) in entries.iter().enumerate() {
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
        map(&node.properties, f)?;
    }
    f.write_char(')')
}

fn relationship(relationship: &Relationship, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("[:")?;
    name(&relationship.kind, f)?;
    if !relationship.properties.is_empty() {
        f.write_char(' ')?;
        map(&relationship.properties, f)?;
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
