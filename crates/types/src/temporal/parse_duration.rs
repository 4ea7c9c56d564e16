//! Reads durations: by unit (`P1Y2M10DT2H30M`) or in the form of a date (`P2012-02-02T14:37:21.545`).

use super::duration::{Parts, Unit};
use super::error::TemporalError;
use super::fixed::Fixed;
use super::parse::unparsable;
use super::{Duration, LocalTime, NANOS_PER_SECOND};

const DATE_UNITS: [(char, Unit); 5] =
    [('Y', Unit::Years), ('Q', Unit::Quarters), ('M', Unit::Months), ('W', Unit::Weeks), ('D', Unit::Days)];
const TIME_UNITS: [(char, Unit); 3] = [('H', Unit::Hours), ('M', Unit::Minutes), ('S', Unit::Seconds)];

impl Duration {
    /// Reads a duration; a sign before `P` turns all parts, and each number may have its own.
    pub fn parse(text: &str) -> Result<Self, TemporalError> {
        let failed = || unparsable("Duration", text);
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let body = unsigned.strip_prefix(['P', 'p']).ok_or_else(failed)?;
        let parts = match read_dated(body) {
            Some(parts) => parts?,
            None => read_units(body).ok_or_else(failed)??,
        };
        if negative { parts.negate().finish() } else { parts.finish() }
    }
}

/// Reads number and unit pairs. `None`: not of this form. `Some(Err)`: too large.
fn read_units(body: &str) -> Option<Result<Parts, TemporalError>> {
    let (dates, times) = match body.split_once(['T', 't']) {
        Some((_, "")) => return None,
        Some((dates, times)) => (dates, times),
        None if body.is_empty() => return None,
        None => (body, ""),
    };
    let mut parts = Parts::default();
    for (group, units) in [(dates, &DATE_UNITS[..]), (times, &TIME_UNITS[..])] {
        if let Err(error) = read_group(group, units, &mut parts)? {
            return Some(Err(error));
        }
    }
    Some(Ok(parts))
}

/// Reads the pairs of one group; each unit at most once, greater before smaller.
fn read_group(group: &str, units: &[(char, Unit)], parts: &mut Parts) -> Option<Result<(), TemporalError>> {
    let mut rest = group;
    let mut units = units.iter();
    while !rest.is_empty() {
        let at = rest.find(|letter: char| letter.is_ascii_alphabetic())?;
        let letter = char::from(rest.as_bytes()[at]).to_ascii_uppercase();
        let (_, unit) = units.find(|(known, _)| *known == letter)?;
        let amount = Fixed::parse(&rest[..at])?;
        if let Err(error) = parts.add(*unit, amount) {
            return Some(Err(error));
        }
        rest = &rest[at + 1..];
    }
    Some(Ok(()))
}

/// Reads `2012-02-02T14:37:21.545` and `20120202T143721`. `None`: not of this form.
fn read_dated(body: &str) -> Option<Result<Parts, TemporalError>> {
    let (date, time) = match body.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (body, None),
    };
    let digits: String = match date.len() {
        10 if date.bytes().enumerate().all(|(at, byte)| (byte == b'-') == (at == 4 || at == 7)) => {
            date.replace('-', "")
        }
        8 => date.to_owned(),
        _ => return None,
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| digits[from..to].parse().map(Fixed::from_integer).ok();
    let clock = match time {
        Some(time) => LocalTime::parse(time).ok()?,
        None => LocalTime::MIDNIGHT,
    };
    let mut parts = Parts::default();
    let amounts = [
        (Unit::Years, number(0, 4)?),
        (Unit::Months, number(4, 6)?),
        (Unit::Days, number(6, 8)?),
        (Unit::Seconds, Fixed::from_integer(clock.nanos / NANOS_PER_SECOND)),
        (Unit::Nanoseconds, Fixed::from_integer(clock.nanosecond())),
    ];
    Some(amounts.into_iter().try_for_each(|(unit, amount)| parts.add(unit, amount)).map(|()| parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(Duration::parse(text).map(|duration| duration.to_string()), Ok(expected.to_owned()), "{text}");
    }

    #[test]
    fn reads_durations_in_all_forms() {
        check("P1Y2M10DT2H30M", "P1Y2M10DT2H30M");
        check("P5M1.5D", "P5M1DT12H");
        check("P0.75M", "P22DT19H51M49.5S");
        check("PT0.75M", "PT45S");
        check("P2.5W", "P17DT12H");
        check("P1Q", "P3M");
        check("P-1Y2M-3D", "P-10M-3D");
        check("-P1YT1.5S", "P-1YT-1.5S");
        check("PT-0.5S", "PT-0.5S");
        check("PT-1,25H", "PT-1H-15M");
        check("P2012-02-02T14:37:21.545", "P2012Y2M2DT14H37M21.545S");
        check("P20120202T143721", "P2012Y2M2DT14H37M21S");
        check("P2012-02-02", "P2012Y2M2D");
        check("PT0S", "PT0S");
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in [
            "",
            "P",
            "PT",
            "P1",
            "1Y",
            "P1YT",
            "P1M1Y",
            "P1Y1Y",
            "PT1D",
            "P1H",
            "PY",
            "P1.Y",
            "P1.5.5Y",
            "P 1Y",
            "P1Y ",
            "P99999999999999999999Y",
            "PéY",
        ] {
            assert!(Duration::parse(text).is_err(), "{text}");
        }
    }
}
