//! `min` and `max`: the first or last value in the order of `ORDER BY`.

use std::cmp::Ordering;

use types::Value;
use types::compare::order;

/// The smallest or largest value so far; null before the first.
#[derive(Clone, Debug)]
pub struct Extreme {
    best: Value,
    /// How a newcomer must stand to the best so far to replace it.
    wanted: Ordering,
}

impl Extreme {
    pub(super) fn smallest() -> Self {
        Self { best: Value::Null, wanted: Ordering::Less }
    }

    pub(super) fn largest() -> Self {
        Self { best: Value::Null, wanted: Ordering::Greater }
    }

    /// Keeps the value if it beats the best so far; null never does.
    #[inline]
    pub(super) fn offer(&mut self, value: &Value) {
        let better = match (value, &self.best) {
            (Value::Null, _) => false,
            (_, Value::Null) => true,
            (Value::Integer(new), Value::Integer(old)) => new.cmp(old) == self.wanted,
            (new, old) => order(new, old) == self.wanted,
        };
        if better {
            self.best = value.clone();
        }
    }

    pub(super) fn found(&self) -> &Value {
        &self.best
    }
}
