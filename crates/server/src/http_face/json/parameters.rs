//! JSON from clients: statements with their parameters.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use types::{CompactString, Map, Value};

/// One statement of a request.
#[derive(Debug, serde::Deserialize)]
pub(in crate::http_face) struct Statement {
    /// Its text.
    pub(in crate::http_face) statement: String,
    /// Its `$parameters`.
    #[serde(default)]
    pub(in crate::http_face) parameters: Parameters,
    /// Whether the client wants the counters.
    #[serde(default, rename = "includeStats")]
    pub(in crate::http_face) include_stats: bool,
    /// `row` and `graph`; nothing means `row`.
    #[serde(default, rename = "resultDataContents")]
    pub(in crate::http_face) contents: Option<Vec<String>>,
}

impl Statement {
    /// Tells whether the client wants this form of the data.
    pub(in crate::http_face) fn wants(&self, form: &str) -> bool {
        match &self.contents {
            Some(contents) if !contents.is_empty() => contents.iter().any(|wanted| wanted.eq_ignore_ascii_case(form)),
            _ => form == "row",
        }
    }
}

/// The statements of a request, and as whom they run.
#[derive(Debug, Default)]
pub(in crate::http_face) struct Statements {
    /// In their order.
    pub(in crate::http_face) statements: Vec<Statement>,
    /// Another user in whose name the client speaks.
    pub(in crate::http_face) impersonated_user: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    statements: Vec<Object<Statement>>,
    impersonated_user: Option<String>,
}

/// Reads the statements of a body; an empty body has none.
///
/// `serde_json` refuses to nest deeper than 128, so depth is bounded.
pub(in crate::http_face) fn parse_statements(body: &[u8]) -> Result<Statements, serde_json::Error> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Statements::default());
    }
    let Body { statements, impersonated_user } = parse_object(body)?;
    let statements = statements.into_iter().map(|Object(statement)| statement).collect();
    Ok(Statements { statements, impersonated_user })
}

/// Refuses an object with a key that is not among those that are known; names it and them.
pub(in crate::http_face) fn check_keys(body: &[u8], known: &'static [&'static str]) -> Result<(), serde_json::Error> {
    let keys: std::collections::BTreeMap<String, serde::de::IgnoredAny> = parse_object(body)?;
    let unknown = keys.keys().find(|key| !known.contains(&key.as_str()));
    unknown.map_or(Ok(()), |key| Err(serde_json::Error::unknown_field(key, known)))
}

/// Reads a body that is one JSON object.
pub(in crate::http_face) fn parse_object<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(body).map(|Object(found)| found)
}

/// A JSON object and nothing else. A list in its place would pass for the object's values in turn.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries))
    }
}

/// A statement's parameters; null means none.
#[derive(Debug, Default)]
pub(in crate::http_face) struct Parameters(pub(in crate::http_face) Map);

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Parameter::deserialize(deserializer)?.0 {
            Value::Null => Ok(Self::default()),
            Value::Map(entries) => Ok(Self(Map::clone(&entries))),
            _ => Err(D::Error::custom("parameters must be an object")),
        }
    }
}

/// The keys of an object with their values, in their order, those that stand twice too.
#[derive(Debug, Default)]
pub(in crate::http_face) struct Pairs(pub(in crate::http_face) Vec<(CompactString, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some((key, Parameter(value))) = entries.next_entry::<CompactString, Parameter>()? {
            pairs.push((key, value));
        }
        Ok(Pairs(pairs))
    }
}

/// Any JSON as a value, without a tree of JSON in between.
pub(super) struct Parameter(pub(super) Value);

impl<'de> Deserialize<'de> for Parameter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParameterVisitor).map(Self)
    }
}

struct ParameterVisitor;

impl<'de> Visitor<'de> for ParameterVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Boolean(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        i64::try_from(number).map(Value::Integer).map_err(|_| E::custom("integer is out of range"))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::string(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Parameter(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::list(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut entries = Map::new();
        while let Some((key, Parameter(value))) = object.next_entry::<CompactString, Parameter>()? {
            entries.insert(key, value);
        }
        Ok(Value::map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &str) {
        let got = match parse_statements(body.as_bytes()) {
            Ok(Statements { statements, .. }) => statements
                .iter()
                .map(|statement| format!("{} {:?}", statement.statement, statement.parameters.0))
                .collect::<Vec<_>>()
                .join("; "),
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn parameters_keep_their_types() {
        check("", "");
        check("{}", "");
        check(r#"{"statements":[{"statement":"RETURN 1"}]}"#, "RETURN 1 {}");
        check(
            r#"{"statements":[{"statement":"x","parameters":{"a":9007199254740993,"b":1.0,"c":[null,true],"d":{"e":"f"}}}]}"#,
            r#"x {"a": Integer(9007199254740993), "b": Float(1.0), "c": List([Null, Boolean(true)]), "d": Map({"e": String("f")})}"#,
        );
    }

    #[test]
    fn keys_that_nobody_knows_are_named() {
        let check = |body: &str, expected: &str| {
            let got = check_keys(body.as_bytes(), &["statement", "database"]).err().map(|error| error.to_string());
            assert_eq!(got.unwrap_or_default(), expected, "{body}");
        };
        check(r#"{"statement": "x", "database": null}"#, "");
        check(r#"{"databse": "x"}"#, "unknown field `databse`, expected `statement` or `database`");
    }

    #[test]
    fn wrong_bodies_are_refused() {
        check(" []", "error: invalid type: sequence, expected an object at line 1 column 1");
        check(r#"{"statements":[{"parameters":{}}]}"#, "error: missing field `statement` at line 1 column 32");
        check(
            r#"{"statements":[{"statement":"x","parameters":[1]}]}"#,
            "error: parameters must be an object at line 1 column 49",
        );
        check(
            r#"{"statements":[{"statement":"x","parameters":{"a":9223372036854775808}}]}"#,
            "error: integer is out of range at line 1 column 69",
        );
        let deep = format!(r#"{{"statements":[{{"statement":"x","parameters":{}"#, "[".repeat(100_000));
        check(&deep, "error: recursion limit exceeded at line 1 column 170");
        check(
            r#"{"statements":[{"statement":"x","parameters":{"a":1e400}}]}"#,
            "error: number out of range at line 1 column 55",
        );
    }
}
