//! A question that a right asks of one property of an element: `level <= 3`, `secret IS NULL`, `kind IN ['a', 'b']`.
//! Leaves reading the property to `instance`, and the grammar to `cypher`.
//! Start reading at [`ValueTest::holds`].

use std::cmp::Ordering;
use std::fmt::Write;
use std::hash::{Hash, Hasher};

use types::compare::{self, Inequality};
use types::text::Literal;
use types::{CompactString, Value};

/// A question about the value of one property, answered by true for the elements that a privilege is about.
///
/// Two that read the same are the same.
#[derive(Clone, Debug)]
pub struct ValueTest {
    key: CompactString,
    negated: bool,
    asks: Asks,
    /// All of it, as [`ValueTest::written`] writes it of `n`.
    text: CompactString,
}

/// What is asked of the value.
#[derive(Clone, Debug)]
pub enum Asks {
    /// `= v`.
    Equal(Value),
    /// `<> v`.
    Unequal(Value),
    /// `< v` and its siblings.
    Compare(Inequality, Value),
    /// `IS NULL`.
    IsNull,
    /// `IS NOT NULL`.
    IsNotNull,
    /// `IN [v, ...]`.
    In(Vec<Value>),
    /// `v IN` the property, which has to be a list.
    Holds(Value),
}

impl ValueTest {
    /// Asks this of the property `key`, or the opposite of it.
    #[must_use]
    pub fn new(key: impl Into<CompactString>, negated: bool, asks: Asks) -> Self {
        let mut made = Self { key: key.into(), negated, asks, text: CompactString::default() };
        made.text = made.written("n").into();
        made
    }

    /// Gives the property that is asked for.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Tells whether the opposite is asked.
    #[must_use]
    pub fn is_negated(&self) -> bool {
        self.negated
    }

    /// Gives what is asked, or whose opposite is.
    #[must_use]
    pub fn asks(&self) -> &Asks {
        &self.asks
    }

    /// Tells whether the answer is true. One that is null, as of a comparison with a property that is not there, is not,
    /// and neither is its opposite.
    #[must_use]
    pub fn holds(&self, value: &Value) -> bool {
        self.answer(value) == Some(!self.negated)
    }

    fn answer(&self, value: &Value) -> Option<bool> {
        match &self.asks {
            Asks::Equal(other) => compare::equals(value, other),
            Asks::Unequal(other) => compare::equals(value, other).map(|equal| !equal),
            Asks::Compare(operator, other) => compare::holds(*operator, value, other),
            Asks::IsNull => Some(value.is_null()),
            Asks::IsNotNull => Some(!value.is_null()),
            Asks::In(list) => among(value, list),
            Asks::Holds(item) => match value {
                Value::List(list) => among(item, list),
                _ => None,
            },
        }
    }

    /// Writes it as Cypher, of an element that is called so: ``NOT n.`the key` = 3``.
    #[must_use]
    pub fn written(&self, variable: &str) -> String {
        let not = if self.negated { "NOT " } else { "" };
        let property = format!("{variable}.{}", name(&self.key));
        let asked = match &self.asks {
            Asks::Equal(value) => format!("{property} = {}", value_text(value)),
            Asks::Unequal(value) => format!("{property} <> {}", value_text(value)),
            Asks::Compare(operator, value) => format!("{property} {} {}", sign(*operator), value_text(value)),
            Asks::IsNull => format!("{property} IS NULL"),
            Asks::IsNotNull => format!("{property} IS NOT NULL"),
            Asks::In(values) => {
                let values: Vec<String> = values.iter().map(value_text).collect();
                format!("{property} IN [{}]", values.join(", "))
            }
            Asks::Holds(value) => format!("{} IN {property}", value_text(value)),
        };
        format!("{not}{asked}")
    }
}

impl PartialEq for ValueTest {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for ValueTest {}

impl Hash for ValueTest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl PartialOrd for ValueTest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ValueTest {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

/// Cypher's `IN`.
fn among(value: &Value, list: &[Value]) -> Option<bool> {
    let mut unknown = false;
    for item in list {
        match compare::equals(value, item) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => unknown = true,
        }
    }
    if unknown { None } else { Some(false) }
}

/// Writes an inequality.
#[must_use]
pub fn sign(operator: Inequality) -> &'static str {
    match operator {
        Inequality::Less => "<",
        Inequality::LessOrEqual => "<=",
        Inequality::Greater => ">",
        Inequality::GreaterOrEqual => ">=",
    }
}

/// Writes a name, between back-quotes where Cypher needs them.
#[must_use]
pub fn name(text: &str) -> String {
    let begins = |first: char| first.is_ascii_alphabetic() || first == '_';
    let plain = text.starts_with(begins) && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if plain { text.to_owned() } else { format!("`{}`", text.replace('`', "``")) }
}

/// Writes a value so that it can be read back: moments by the function that makes them.
fn value_text(value: &Value) -> String {
    let function = match value {
        Value::Date(_) => "date",
        Value::LocalTime(_) => "localtime",
        Value::Time(_) => "time",
        Value::LocalDateTime(_) => "localdatetime",
        Value::DateTime(_) => "datetime",
        Value::Duration(_) => "duration",
        Value::Point(point) => {
            let mut text = format!("point({{srid: {}, x: {:?}, y: {:?}", point.srid, point.x, point.y);
            if let Some(z) = point.z {
                write!(text, ", z: {z:?}").expect("writing to memory");
            }
            return text + "})";
        }
        _ => return Literal(value).to_string(),
    };
    format!("{function}({})", Literal(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(values: &[i64]) -> Vec<Value> {
        values.iter().map(|value| Value::Integer(*value)).collect()
    }

    #[test]
    fn f91_a_test_is_true_false_or_unknown() {
        let three = || Value::Integer(3);
        let check = |asks: Asks, value: Value, holds: bool, opposite: bool| {
            let (test, not) = (ValueTest::new("k", false, asks.clone()), ValueTest::new("k", true, asks));
            assert_eq!((test.holds(&value), not.holds(&value)), (holds, opposite), "{} of {value:?}", test.text);
        };
        check(Asks::Equal(three()), three(), true, false);
        check(Asks::Equal(three()), Value::Float(3.0), true, false);
        check(Asks::Equal(three()), "3".into(), false, true);
        check(Asks::Equal(three()), Value::Null, false, false);
        check(Asks::Unequal(three()), Value::Integer(4), true, false);
        check(Asks::Unequal(three()), Value::Null, false, false);
        check(Asks::Compare(Inequality::LessOrEqual, three()), three(), true, false);
        check(Asks::Compare(Inequality::Greater, three()), three(), false, true);
        check(Asks::Compare(Inequality::Less, three()), "a".into(), false, false);
        check(Asks::IsNull, Value::Null, true, false);
        check(Asks::IsNotNull, Value::Null, false, true);
        check(Asks::In(list(&[1, 3])), three(), true, false);
        check(Asks::In(list(&[1, 2])), three(), false, true);
        check(Asks::In(list(&[])), Value::Null, false, true);
        check(Asks::In(list(&[1])), Value::Null, false, false);
        check(Asks::Holds(three()), Value::list(list(&[1, 3])), true, false);
        check(Asks::Holds(three()), Value::list(list(&[1])), false, true);
        check(Asks::Holds(three()), three(), false, false);
    }

    #[test]
    fn f91_a_test_is_written_so_that_it_reads_back() {
        let check = |key: &str, negated, asks: Asks, expected: &str| {
            assert_eq!(ValueTest::new(key, negated, asks).written("n"), expected);
        };
        check("level", false, Asks::Compare(Inequality::LessOrEqual, Value::Integer(3)), "n.level <= 3");
        check("the key", true, Asks::Equal("it's".into()), "NOT n.`the key` = 'it\\'s'");
        check("k", false, Asks::In(list(&[1, 2])), "n.k IN [1, 2]");
        check("k", false, Asks::Holds(Value::Float(1.5)), "1.5 IN n.k");
        check("k", false, Asks::IsNotNull, "n.k IS NOT NULL");
        let day = types::Date::parse("2024-10-25").expect("a day");
        check("at", false, Asks::Compare(Inequality::Greater, day.into()), "n.at > date('2024-10-25')");
        let same = |text: &str| ValueTest::new("k", false, Asks::Equal(text.into()));
        assert!(same("a") == same("a") && same("a") < same("b"));
    }
}
