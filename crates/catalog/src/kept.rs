//! Values of Cypher as rows of the catalog keep them: those that any client can write into a map.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::{Map, Value};

/// One value that is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kept {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    String(String),
    List(Vec<Kept>),
    Map(BTreeMap<String, Kept>),
}

impl Kept {
    /// Takes a value; those of other kinds are given back as the name of their type.
    pub fn of(value: &Value) -> Result<Self, &'static str> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Boolean(value) => Self::Boolean(*value),
            Value::Integer(value) => Self::Integer(*value),
            Value::Float(value) => Self::Float(*value),
            Value::String(text) => Self::String(text.to_string()),
            Value::List(items) => Self::List(items.iter().map(Self::of).collect::<Result<_, _>>()?),
            Value::Map(map) => Self::Map(Self::of_map(map)?),
            other => return Err(other.type_name()),
        })
    }

    /// Takes a map.
    pub fn of_map(map: &Map) -> Result<BTreeMap<String, Self>, &'static str> {
        map.iter().map(|(key, value)| Ok((key.to_string(), Self::of(value)?))).collect()
    }

    /// Gives the value back.
    pub fn value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(value) => Value::Boolean(value),
            Self::Integer(value) => Value::Integer(value),
            Self::Float(value) => Value::Float(value),
            Self::String(text) => Value::string(text),
            Self::List(items) => Value::list(items.into_iter().map(Self::value).collect()),
            Self::Map(map) => Value::map(Self::map(map)),
        }
    }

    /// Gives a map back.
    pub fn map(map: BTreeMap<String, Self>) -> Map {
        map.into_iter().map(|(key, value)| (key.into(), value.value())).collect()
    }
}
