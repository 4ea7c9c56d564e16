//! How a test of a value looks on disk: the test of a privilege that hangs on one.
//! Leaves what it means to [`crate::graph_rights::ValueTest`], and the row around it to [`super::rows`].
//! Start reading at [`TestRow`].

use serde::{Deserialize, Serialize};
use types::compare::Inequality;
use types::temporal::{TemporalError, ZoneId};
use types::{CompactString, Date, DateTime, Duration, LocalDateTime, LocalTime, Point, Time, Value};

use crate::CatalogError;
use crate::graph_rights::{Asks, ValueTest};

/// A test: the property, and what is asked of it.
#[derive(Serialize, Deserialize)]
pub(super) struct TestRow {
    key: CompactString,
    negated: bool,
    asks: AsksRow,
}

#[derive(Serialize, Deserialize)]
enum AsksRow {
    Equal(ValueRow),
    Unequal(ValueRow),
    Less(ValueRow),
    LessOrEqual(ValueRow),
    Greater(ValueRow),
    GreaterOrEqual(ValueRow),
    IsNull,
    IsNotNull,
    In(Vec<ValueRow>),
    Holds(ValueRow),
}

/// A value that something can be compared with. Moments are kept as their text, which is the whole of them.
#[derive(Serialize, Deserialize)]
enum ValueRow {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    String(CompactString),
    Date(CompactString),
    LocalTime(CompactString),
    Time(CompactString),
    LocalDateTime(CompactString),
    DateTime(CompactString),
    Duration(CompactString),
    Point { srid: u32, x: f64, y: f64, z: Option<f64> },
}

impl From<&ValueTest> for TestRow {
    fn from(test: &ValueTest) -> Self {
        let asks = match test.asks() {
            Asks::Equal(value) => AsksRow::Equal(value.into()),
            Asks::Unequal(value) => AsksRow::Unequal(value.into()),
            Asks::Compare(Inequality::Less, value) => AsksRow::Less(value.into()),
            Asks::Compare(Inequality::LessOrEqual, value) => AsksRow::LessOrEqual(value.into()),
            Asks::Compare(Inequality::Greater, value) => AsksRow::Greater(value.into()),
            Asks::Compare(Inequality::GreaterOrEqual, value) => AsksRow::GreaterOrEqual(value.into()),
            Asks::IsNull => AsksRow::IsNull,
            Asks::IsNotNull => AsksRow::IsNotNull,
            Asks::In(values) => AsksRow::In(values.iter().map(ValueRow::from).collect()),
            Asks::Holds(value) => AsksRow::Holds(value.into()),
        };
        Self { key: test.key().into(), negated: test.is_negated(), asks }
    }
}

impl TestRow {
    pub(super) fn into_test(self) -> Result<ValueTest, CatalogError> {
        let compare = |operator, value: ValueRow| -> Result<Asks, CatalogError> {
            Ok(Asks::Compare(operator, value.into_value()?))
        };
        let asks = match self.asks {
            AsksRow::Equal(value) => Asks::Equal(value.into_value()?),
            AsksRow::Unequal(value) => Asks::Unequal(value.into_value()?),
            AsksRow::Less(value) => compare(Inequality::Less, value)?,
            AsksRow::LessOrEqual(value) => compare(Inequality::LessOrEqual, value)?,
            AsksRow::Greater(value) => compare(Inequality::Greater, value)?,
            AsksRow::GreaterOrEqual(value) => compare(Inequality::GreaterOrEqual, value)?,
            AsksRow::IsNull => Asks::IsNull,
            AsksRow::IsNotNull => Asks::IsNotNull,
            AsksRow::In(values) => Asks::In(values.into_iter().map(ValueRow::into_value).collect::<Result<_, _>>()?),
            AsksRow::Holds(value) => Asks::Holds(value.into_value()?),
        };
        Ok(ValueTest::new(self.key, self.negated, asks))
    }
}

impl From<&Value> for ValueRow {
    fn from(value: &Value) -> Self {
        let text = || types::text::to_text(value).unwrap_or_default();
        match value {
            Value::Boolean(truth) => Self::Boolean(*truth),
            Value::Integer(integer) => Self::Integer(*integer),
            Value::Float(float) => Self::Float(*float),
            Value::Date(_) => Self::Date(text()),
            Value::LocalTime(_) => Self::LocalTime(text()),
            Value::Time(_) => Self::Time(text()),
            Value::LocalDateTime(_) => Self::LocalDateTime(text()),
            Value::DateTime(_) => Self::DateTime(text()),
            Value::Duration(_) => Self::Duration(text()),
            Value::Point(point) => Self::Point { srid: point.srid, x: point.x, y: point.y, z: point.z },
            // What a command hands over is one of these: it refuses every other value.
            _ => Self::String(text()),
        }
    }
}

impl ValueRow {
    fn into_value(self) -> Result<Value, CatalogError> {
        let damaged = |error: TemporalError| CatalogError::damaged(format!("a moment in a privilege: {error}"));
        Ok(match self {
            Self::Boolean(truth) => Value::Boolean(truth),
            Self::Integer(integer) => Value::Integer(integer),
            Self::Float(float) => Value::Float(float),
            Self::String(text) => Value::String(text),
            Self::Date(text) => Date::parse(&text).map_err(damaged)?.into(),
            Self::LocalTime(text) => LocalTime::parse(&text).map_err(damaged)?.into(),
            Self::Time(text) => Time::parse(&text, &ZoneId::UTC).map_err(damaged)?.into(),
            Self::LocalDateTime(text) => LocalDateTime::parse(&text).map_err(damaged)?.into(),
            Self::DateTime(text) => DateTime::parse(&text, &ZoneId::UTC).map_err(damaged)?.into(),
            Self::Duration(text) => Duration::parse(&text).map_err(damaged)?.into(),
            Self::Point { srid, x, y, z } => Value::Point(Box::new(Point { srid, x, y, z })),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{decode, encode};

    #[test]
    fn f91_a_test_comes_back_as_it_was() {
        let check = |asks: Asks| {
            let test = ValueTest::new("level", true, asks);
            let row: TestRow = decode(b"p", &encode(b"p", &TestRow::from(&test))).expect("sound");
            assert_eq!(row.into_test().expect("sound"), test);
        };
        let day: Value = Date::parse("2024-10-25").expect("a day").into();
        let instant = DateTime::parse("2024-10-25T10:00:00.123456789+02:00[Europe/Paris]", &ZoneId::UTC);
        let point = Value::Point(Box::new(Point { srid: 7203, x: 1.5, y: -2.0, z: None }));
        check(Asks::IsNull);
        check(Asks::IsNotNull);
        check(Asks::Equal(true.into()));
        check(Asks::Unequal("it's".into()));
        check(Asks::In(vec![Value::Integer(1), Value::Float(1e300), "x".into(), day]));
        check(Asks::Holds(instant.expect("an instant").into()));
        check(Asks::Equal(point));
        check(Asks::Equal(Duration::parse("P1M2DT3.5S").expect("a duration").into()));
        for operator in [Inequality::Less, Inequality::LessOrEqual, Inequality::Greater, Inequality::GreaterOrEqual] {
            check(Asks::Compare(operator, Value::Float(f64::NEG_INFINITY)));
        }
    }
}
