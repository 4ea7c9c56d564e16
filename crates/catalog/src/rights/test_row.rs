//! How a test of a value looks on disk: the test of a privilege that hangs on one.
//! Leaves what it means to [`crate::graph_rights::ValueTest`], and the row around it to [`super::rows`].
//! Start reading at [`TestRow`].

use serde::{Deserialize, Serialize};
use types::compare::Inequality;
use types::{CompactString, Value};

use crate::CatalogError;
use crate::graph_rights::{Asks, ValueTest};
use crate::kept::Kept;

/// A test: the property, and what is asked of it.
#[derive(Serialize, Deserialize)]
pub(super) struct TestRow {
    key: CompactString,
    negated: bool,
    asks: AsksRow,
}

#[derive(Serialize, Deserialize)]
enum AsksRow {
    Equal(Kept),
    Unequal(Kept),
    Less(Kept),
    LessOrEqual(Kept),
    Greater(Kept),
    GreaterOrEqual(Kept),
    IsNull,
    IsNotNull,
    In(Vec<Kept>),
    Holds(Kept),
}

impl From<&ValueTest> for TestRow {
    fn from(test: &ValueTest) -> Self {
        let asks = match test.asks() {
            Asks::Equal(value) => AsksRow::Equal(kept(value)),
            Asks::Unequal(value) => AsksRow::Unequal(kept(value)),
            Asks::Compare(Inequality::Less, value) => AsksRow::Less(kept(value)),
            Asks::Compare(Inequality::LessOrEqual, value) => AsksRow::LessOrEqual(kept(value)),
            Asks::Compare(Inequality::Greater, value) => AsksRow::Greater(kept(value)),
            Asks::Compare(Inequality::GreaterOrEqual, value) => AsksRow::GreaterOrEqual(kept(value)),
            Asks::IsNull => AsksRow::IsNull,
            Asks::IsNotNull => AsksRow::IsNotNull,
            Asks::In(values) => AsksRow::In(values.iter().map(kept).collect()),
            Asks::Holds(value) => AsksRow::Holds(kept(value)),
        };
        Self { key: test.key().into(), negated: test.is_negated(), asks }
    }
}

impl TestRow {
    pub(super) fn into_test(self) -> Result<ValueTest, CatalogError> {
        let compare =
            |operator, value: Kept| -> Result<Asks, CatalogError> { Ok(Asks::Compare(operator, value.value()?)) };
        let asks = match self.asks {
            AsksRow::Equal(value) => Asks::Equal(value.value()?),
            AsksRow::Unequal(value) => Asks::Unequal(value.value()?),
            AsksRow::Less(value) => compare(Inequality::Less, value)?,
            AsksRow::LessOrEqual(value) => compare(Inequality::LessOrEqual, value)?,
            AsksRow::Greater(value) => compare(Inequality::Greater, value)?,
            AsksRow::GreaterOrEqual(value) => compare(Inequality::GreaterOrEqual, value)?,
            AsksRow::IsNull => Asks::IsNull,
            AsksRow::IsNotNull => Asks::IsNotNull,
            AsksRow::In(values) => Asks::In(values.into_iter().map(Kept::value).collect::<Result<_, _>>()?),
            AsksRow::Holds(value) => Asks::Holds(value.value()?),
        };
        Ok(ValueTest::new(self.key, self.negated, asks))
    }
}

/// Keeps a value that something can be compared with.
fn kept(value: &Value) -> Kept {
    // What a command hands over can be kept: it refuses every other value.
    Kept::of(value).unwrap_or(Kept::Null)
}

#[cfg(test)]
mod tests {
    use types::temporal::ZoneId;
    use types::{Date, DateTime, Duration, Point};

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
