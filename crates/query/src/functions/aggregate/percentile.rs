//! `percentileCont` and `percentileDisc`: sort, then look at a place.

use types::compare::order;
use types::{Code, Failure, Value, effort};

use super::super::error::shown;
use super::Accumulator;
use super::kept::Kept;

/// Numbers that are sorted between two looks at the clock.
const NUMBERS_BETWEEN_LOOKS: usize = 1 << 18;

/// The numbers so far, and which of them is wanted.
#[derive(Debug)]
pub(super) struct Percentile {
    name: &'static str,
    continuous: bool,
    percentile: f64,
    numbers: Kept,
}

impl Percentile {
    pub(super) fn continuous() -> Self {
        Self { name: "percentileCont", continuous: true, percentile: 0.0, numbers: Kept::default() }
    }

    pub(super) fn discrete() -> Self {
        Self { name: "percentileDisc", continuous: false, ..Self::continuous() }
    }

    /// The value at the rounded place.
    fn at_place(&self, numbers: &[Value]) -> Value {
        let count = numbers.len();
        let place = (self.percentile * count as f64).ceil() as usize;
        numbers[place.saturating_sub(1).min(count - 1)].clone()
    }

    /// The value at the exact place, between its two neighbours.
    fn between(&self, numbers: &[Value]) -> Value {
        let place = self.percentile * (numbers.len() - 1) as f64;
        let (below, above) = (place.floor(), place.ceil());
        let number = |at: f64| as_float(&numbers[at as usize]).unwrap_or(f64::NAN);
        if below == above {
            return Value::Float(number(below));
        }
        Value::Float(number(below) * (above - place) + number(above) * (place - below))
    }
}

impl Accumulator for Percentile {
    fn update(&mut self, values: &[Value]) -> Result<(), Failure> {
        let [value, percentile] = values else { return Ok(()) };
        if value.is_null() {
            return Ok(());
        }
        self.percentile = checked_percentile(self.name, percentile)?;
        if as_float(value).is_none() {
            let message = format!("{}({}) can only handle numerical values, or null.", self.name, shown(value));
            return Err(Failure::new(Code::TypeError, message));
        }
        self.numbers.push(value);
        Ok(())
    }

    fn finish(&mut self) -> Result<Value, Failure> {
        if self.numbers.is_empty() {
            return Ok(Value::Null);
        }
        let mut numbers = self.numbers.take();
        effort::sort_by(&mut numbers, NUMBERS_BETWEEN_LOOKS, order);
        Ok(if self.continuous { self.between(&numbers) } else { self.at_place(&numbers) })
    }

    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.numbers.memory_bytes()
    }

    fn result_bytes(&self) -> usize {
        // Sorting has a second list to merge into.
        self.numbers.memory_bytes()
    }
}

fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(integer) => Some(*integer as f64),
        Value::Float(float) => Some(*float),
        _ => None,
    }
}

fn checked_percentile(name: &str, value: &Value) -> Result<f64, Failure> {
    let Some(percentile) = as_float(value) else {
        let message = format!("{name}() expects its percentile to be a number, got: {}", shown(value));
        return Err(Failure::new(Code::TypeError, message));
    };
    if (0.0..=1.0).contains(&percentile) {
        return Ok(percentile);
    }
    let shown = types::text::literal(value);
    let message = format!(
        "Invalid input '{shown}' is not a valid argument, must be a number in the range 0.0 to 1.0 (NumberOutOfRange)"
    );
    Err(Failure::new(Code::ArgumentError, message))
}
