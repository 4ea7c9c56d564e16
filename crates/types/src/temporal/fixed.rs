//! Exact decimals for the fractions of durations: 18 places, as binary floats would lose nanoseconds.

/// One, in units.
const ONE: i128 = 1_000_000_000_000_000_000;
const PLACES: usize = 18;

/// A decimal number with 18 places; whole numbers to 64 bits and a bit more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fixed(i128);

impl Fixed {
    pub(super) fn from_integer(value: i64) -> Self {
        Self(i128::from(value) * ONE)
    }

    /// Takes the shortest decimal that names the float. `None` beyond the range, and for NaN.
    pub(super) fn from_float(value: f64) -> Option<Self> {
        if value.is_finite() { Self::parse(&format!("{value}")) } else { None }
    }

    /// Reads `[+-]digits[.digits]`, with `.` or `,`; places past the 18th are dropped.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = match digits.split_once(['.', ',']) {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (digits, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let kept = &fraction[..fraction.len().min(PLACES)];
        let units = whole.parse::<i128>().ok()?.checked_mul(ONE)?.checked_add(format!("{kept:0<18}").parse().ok()?)?;
        Some(Self(if negative { -units } else { units }))
    }

    pub(super) fn add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    pub(super) fn negate(self) -> Self {
        Self(-self.0)
    }

    /// Multiplies by a whole number.
    pub(super) fn times(self, factor: i64) -> Option<Self> {
        self.0.checked_mul(i128::from(factor)).map(Self)
    }

    /// Divides a whole number by this one. `None` for zero, and beyond the range.
    pub(super) fn divide(self, dividend: i64) -> Option<Self> {
        let scaled = i128::from(dividend) * ONE;
        let whole = scaled.checked_div(self.0)?;
        let mut units = whole.checked_mul(ONE)?;
        let mut rest = scaled % self.0;
        let mut place = ONE;
        // Long division: each step keeps the rest below the divisor.
        for _ in 0..PLACES {
            place /= 10;
            rest = rest.checked_mul(10)?;
            units = units.checked_add(rest / self.0 * place)?;
            rest %= self.0;
        }
        Some(Self(units))
    }

    /// Splits into the whole number, rounded to zero, and the fraction. `None` past 64 bits.
    pub(super) fn split(self) -> Option<(i64, Self)> {
        Some((i64::try_from(self.0 / ONE).ok()?, Self(self.0 % ONE)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(i64, i128)>) {
        assert_eq!(Fixed::parse(text).map(|fixed| fixed.split().expect("small")).map(|(a, b)| (a, b.0)), expected);
    }

    #[test]
    fn reads_decimals_exactly() {
        check("12", Some((12, 0)));
        check("-0.75", Some((0, -750_000_000_000_000_000)));
        check("+1,5", Some((1, 500_000_000_000_000_000)));
        check("0.1234567890123456789", Some((0, 123_456_789_012_345_678)));
        check("", None);
        check("-", None);
        check("1.", None);
        check(".5", None);
        check("1e3", None);
        assert_eq!(Fixed::from_float(0.1), Fixed::parse("0.1"));
        assert_eq!(Fixed::from_float(1e300), None);
        assert_eq!(Fixed::from_float(f64::NAN), None);
    }

    #[test]
    fn divides_to_the_last_place() {
        let third = Fixed::from_integer(3).divide(1).expect("a third");
        assert_eq!(third.0, 333_333_333_333_333_333);
        let half = Fixed::parse("0.5").expect("a half");
        assert_eq!(half.divide(i64::MAX), Fixed::from_integer(i64::MAX).times(2));
        assert_eq!(Fixed::default().divide(1), None);
    }
}
