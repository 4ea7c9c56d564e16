//! Integers and floats in one order, without rounding.

use std::cmp::Ordering;

/// 2^63 as a float; every `i64` lies below it.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

/// Compares an integer with a float exactly; `None` for NaN.
///
/// Turning the integer into a float would call 2^53 and 2^53 + 1 equal.
#[must_use]
pub fn integer_with_float(integer: i64, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if float >= TWO_TO_63 {
        return Some(Ordering::Less);
    }
    if float < -TWO_TO_63 {
        return Some(Ordering::Greater);
    }
    // In range now, so the cut is exact; what it cuts off decides between equal integers.
    let whole = float.trunc();
    let by_whole = integer.cmp(&(whole as i64));
    Some(by_whole.then_with(|| 0.0_f64.partial_cmp(&(float - whole)).unwrap_or(Ordering::Equal)))
}

/// Gives the integer that a float equals exactly, where there is one.
pub(super) fn whole(float: f64) -> Option<i64> {
    (float.trunc() == float && (-TWO_TO_63..TWO_TO_63).contains(&float)).then_some(float as i64)
}

/// Orders floats totally: both zeros alike, NaN behind infinity and like itself.
#[must_use]
pub fn total_floats(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}
