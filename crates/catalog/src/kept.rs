//! Values of Cypher as rows of the catalog keep them: those that a client can send, but nodes, paths and bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::temporal::{TemporalError, ZoneId};
use types::{Date, DateTime, Duration, LocalDateTime, LocalTime, Map, Point, Time, Value};

use crate::CatalogError;

/// One value that is kept. Moments are kept as their text, which is the whole of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kept {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    String(String),
    List(Vec<Kept>),
    Map(BTreeMap<String, Kept>),
    Date(String),
    LocalTime(String),
    Time(String),
    LocalDateTime(String),
    DateTime(String),
    Duration(String),
    Point { srid: u32, x: f64, y: f64, z: Option<f64> },
}

impl Kept {
    /// Takes a value; those of other kinds are given back as the name of their type.
    pub fn of(value: &Value) -> Result<Self, &'static str> {
        let text = || types::text::to_text(value).unwrap_or_default().to_string();
        Ok(match value {
            Value::Null => Self::Null,
            Value::Boolean(value) => Self::Boolean(*value),
            Value::Integer(value) => Self::Integer(*value),
            Value::Float(value) => Self::Float(*value),
            Value::String(text) => Self::String(text.to_string()),
            Value::List(items) => Self::List(items.iter().map(Self::of).collect::<Result<_, _>>()?),
            Value::Map(map) => Self::Map(Self::of_map(map)?),
            Value::Date(_) => Self::Date(text()),
            Value::LocalTime(_) => Self::LocalTime(text()),
            Value::Time(_) => Self::Time(text()),
            Value::LocalDateTime(_) => Self::LocalDateTime(text()),
            Value::DateTime(_) => Self::DateTime(text()),
            Value::Duration(_) => Self::Duration(text()),
            Value::Point(point) => Self::Point { srid: point.srid, x: point.x, y: point.y, z: point.z },
            other => return Err(other.type_name()),
        })
    }

    /// Takes a map.
    pub fn of_map(map: &Map) -> Result<BTreeMap<String, Self>, &'static str> {
        map.iter().map(|(key, value)| Ok((key.to_string(), Self::of(value)?))).collect()
    }

    /// Gives the value back.
    pub fn value(self) -> Result<Value, CatalogError> {
        let damaged = |error: TemporalError| CatalogError::damaged(format!("a moment in a row: {error}"));
        Ok(match self {
            Self::Null => Value::Null,
            Self::Boolean(value) => Value::Boolean(value),
            Self::Integer(value) => Value::Integer(value),
            Self::Float(value) => Value::Float(value),
            Self::String(text) => Value::string(text),
            Self::List(items) => Value::list(items.into_iter().map(Self::value).collect::<Result<_, _>>()?),
            Self::Map(map) => Value::map(Self::map(map)?),
            Self::Date(text) => Date::parse(&text).map_err(damaged)?.into(),
            Self::LocalTime(text) => LocalTime::parse(&text).map_err(damaged)?.into(),
            Self::Time(text) => Time::parse(&text, &ZoneId::UTC).map_err(damaged)?.into(),
            Self::LocalDateTime(text) => LocalDateTime::parse(&text).map_err(damaged)?.into(),
            Self::DateTime(text) => DateTime::parse(&text, &ZoneId::UTC).map_err(damaged)?.into(),
            Self::Duration(text) => Duration::parse(&text).map_err(damaged)?.into(),
            Self::Point { srid, x, y, z } => Value::Point(Box::new(Point { srid, x, y, z })),
        })
    }

    /// Gives a map back.
    pub fn map(map: BTreeMap<String, Self>) -> Result<Map, CatalogError> {
        map.into_iter().map(|(key, value)| Ok((key.into(), value.value()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{decode, encode};

    #[test]
    fn f37_values_come_back_as_they_were() {
        let check = |value: Value| {
            let kept = Kept::of(&value).expect("it can be kept");
            let kept: Kept = decode(b"a", &encode(b"a", &kept)).expect("sound");
            assert_eq!(kept.value().expect("sound"), value);
        };
        let paris = DateTime::parse("2024-10-25T10:00:00.123456789+02:00[Europe/Paris]", &ZoneId::UTC);
        let moments: Vec<Value> = vec![
            Date::parse("2020-01-01").expect("a date").into(),
            LocalTime::parse("10:00:00.5").expect("a time").into(),
            Time::parse("10:00+05:00", &ZoneId::UTC).expect("a time").into(),
            LocalDateTime::parse("2020-01-01T10:00").expect("a moment").into(),
            paris.expect("a moment").into(),
            Duration::parse("P1M2DT3.5S").expect("a duration").into(),
            Value::Point(Box::new(Point { srid: 9157, x: 1.5, y: -2.0, z: Some(0.0) })),
        ];
        moments.iter().cloned().for_each(check);
        check(Value::map([("Since".into(), Value::list(moments)), ("none".into(), Value::Null)].into_iter().collect()));
        check(Value::list(vec![true.into(), Value::Integer(i64::MIN), Value::Float(0.5), "it's".into()]));
        assert!(Kept::of(&Value::Bytes(vec![1, 2].into())).is_err());
    }
}
