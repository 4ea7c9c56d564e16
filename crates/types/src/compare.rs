//! Cypher's four ways to compare: equality, comparability, equivalence and order.

use std::cmp::Ordering;

use crate::value::Value;

/// Cypher's `=`: `None` where the answer is null.
#[must_use]
pub fn equals(left: &Value, right: &Value) -> Option<bool> {
    if left.is_null() || right.is_null() {
        return None;
    }
    Some(equivalent(left, right))
}

/// Cypher's `<`, `<=`, `>`, `>=`: `None` where the answer is null.
#[must_use]
pub fn compare(_left: &Value, _right: &Value) -> Option<Ordering> {
    None
}

/// The total order of `ORDER BY`, over values of all types.
#[must_use]
pub fn order(_left: &Value, _right: &Value) -> Ordering {
    Ordering::Equal
}

/// Sameness for `DISTINCT` and grouping: null is null, NaN is NaN.
#[must_use]
pub fn equivalent(left: &Value, right: &Value) -> bool {
    order(left, right) == Ordering::Equal
}
