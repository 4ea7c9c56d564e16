//! Signatures as text: `name(in = 1 :: INTEGER) :: (out :: STRING)`.
//! Leaves what is called to the tables of procedures.
//! Start reading at [`parse`].

use query::procedure::{Field, Signature};
use types::{Map, Value};

/// Reads a signature; nothing where the text is none.
pub(super) fn parse(text: &str) -> Option<Signature> {
    let (name, rest) = text.trim().trim_end_matches(':').trim_end().split_once('(')?;
    let (inputs, rest) = rest.split_once(')')?;
    let outputs = match rest.trim().strip_prefix("::").map(str::trim) {
        None | Some("VOID") => "",
        Some(outputs) => outputs.strip_prefix('(')?.strip_suffix(')')?,
    };
    let legal = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_');
    (!name.is_empty() && name.chars().all(legal)).then_some(())?;
    Some(Signature { name: name.into(), inputs: fields(inputs)?, outputs: fields(outputs)?, writes: false })
}

fn fields(text: &str) -> Option<Vec<Field>> {
    let field = |text: &str| {
        let (name, kind) = text.split_once("::")?;
        let (name, default) = match name.split_once('=') {
            Some((name, default)) => (name, Some(literal(default.trim())?)),
            None => (name, None),
        };
        Some(Field { name: name.trim().into(), kind: kind.trim().into(), default })
    };
    text.split(',').filter(|field| !field.trim().is_empty()).map(field).collect()
}

/// Reads the few literals that stand in for an argument.
fn literal(text: &str) -> Option<Value> {
    Some(match text {
        "null" => Value::Null,
        "true" => Value::Boolean(true),
        "false" => Value::Boolean(false),
        "{}" => Value::map(Map::default()),
        "[]" => Value::list(Vec::new()),
        "''" => Value::string(""),
        number => Value::Integer(number.parse().ok()?),
    })
}

/// Tells whether a value may be an argument of a type; null always may.
pub(super) fn fits(kind: &str, value: &Value) -> bool {
    let kind = kind.trim_end_matches('?');
    match value {
        Value::Null => true,
        Value::Boolean(_) => matches!(kind, "BOOLEAN" | "ANY"),
        Value::Integer(_) => matches!(kind, "INTEGER" | "FLOAT" | "NUMBER" | "ANY"),
        Value::Float(_) => matches!(kind, "FLOAT" | "NUMBER" | "ANY"),
        Value::String(_) => matches!(kind, "STRING" | "ANY"),
        Value::List(_) => kind.starts_with("LIST") || kind == "ANY",
        Value::Map(_) => matches!(kind, "MAP" | "ANY"),
        Value::NodeRef(_) | Value::Node(_) => matches!(kind, "NODE" | "ANY" | "MAP"),
        Value::RelationshipRef(_) | Value::Relationship(_) => matches!(kind, "RELATIONSHIP" | "ANY" | "MAP"),
        _ => kind == "ANY",
    }
}

/// A field of a signature as text, for the listings.
pub(super) fn shown(field: &Field) -> String {
    match &field.default {
        Some(default) => format!("{} = {} :: {}", field.name, types::text::literal(default), field.kind),
        None => format!("{} :: {}", field.name, field.kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = parse(text).map_or_else(
            || "nothing".to_owned(),
            |signature| {
                let list = |fields: &[Field]| fields.iter().map(shown).collect::<Vec<_>>().join(", ");
                format!("{} | {} | {}", signature.name, list(&signature.inputs), list(&signature.outputs))
            },
        );
        assert_eq!(shown, expected);
    }

    #[test]
    fn signatures_are_read() {
        check(
            "test.my.proc(in :: INTEGER?) :: (a :: STRING?, b :: ANY?)",
            "test.my.proc | in :: INTEGER? | a :: STRING?, b :: ANY?",
        );
        check("test.doNothing() :: ()", "test.doNothing |  | ");
        check("test.doNothing() :: VOID :", "test.doNothing |  | ");
        check("test.labels() :: (label :: STRING?) :", "test.labels |  | label :: STRING?");
        check("p(a = 3 :: INTEGER, b = {} :: MAP)", "p | a = 3 :: INTEGER, b = {} :: MAP | ");
        check("no signature", "nothing");
        check("bad name(x) :: ()", "nothing");
    }

    #[test]
    fn arguments_fit_their_types() {
        assert!(fits("FLOAT", &1.into()) && !fits("INTEGER", &Value::Float(1.5)));
        assert!(fits("LIST<STRING>", &Value::list(Vec::new())) && !fits("STRING", &1.into()));
        assert!(fits("STRING?", &Value::Null));
    }
}
