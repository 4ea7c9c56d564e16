//! Reads dates and times in the forms of ISO 8601, with and without separators, whole or cut short.

use super::error::TemporalError;
use super::zone::parse_offset;
use super::{Date, DateTime, LocalDateTime, LocalTime, NANOS_PER_DAY, Time, ZoneId};

impl Date {
    /// Reads a date: calendar, week, quarter or ordinal, as far as it goes (`2015`, `2015W30`, `2015-Q2-60`).
    pub fn parse(text: &str) -> Result<Self, TemporalError> {
        read_date(text).ok_or_else(|| unparsable("Date", text))?
    }
}

impl LocalTime {
    /// Reads a time of day: `21:40:32.142`, `214032.142`, `21:40`, `21`.
    pub fn parse(text: &str) -> Result<Self, TemporalError> {
        read_time(text).ok_or_else(|| unparsable("LocalTime", text))
    }
}

impl Time {
    /// Reads a time of day with an offset; without one it hangs at `zone`'s offset, which must be fixed.
    pub fn parse(text: &str, zone: &ZoneId) -> Result<Self, TemporalError> {
        let (clock, offset) = split_offset(text, 0);
        let local = read_time(clock).ok_or_else(|| unparsable("Time", text))?;
        let offset_seconds = match (offset, zone) {
            (Some(offset), _) => parse_offset(offset).ok_or_else(|| unparsable("Time", text))?,
            (None, ZoneId::Offset(seconds)) => *seconds,
            (None, ZoneId::Named(_)) => return Err(unparsable("Time", text)),
        };
        Ok(Self { nanos: local.nanos, offset_seconds })
    }
}

impl LocalDateTime {
    /// Reads a date and a time joined by `T`; without a time it is midnight.
    pub fn parse(text: &str) -> Result<Self, TemporalError> {
        let (date, clock) = split_clock(text);
        let failed = || unparsable("LocalDateTime", text);
        let time = clock.map_or(Some(LocalTime::MIDNIGHT), read_time).ok_or_else(failed)?;
        Ok(Self::from_parts(read_date(date).ok_or_else(failed)??, time))
    }
}

impl DateTime {
    /// Reads a date and a time with an offset, a zone's name in brackets, or both; without either it is in `zone`.
    pub fn parse(text: &str, zone: &ZoneId) -> Result<Self, TemporalError> {
        let failed = || unparsable("DateTime", text);
        let (wall, name) = match text.strip_suffix(']') {
            Some(open) => open.split_once('[').map(|(wall, name)| (wall, Some(name))).ok_or_else(failed)?,
            None => (text, None),
        };
        let (wall, offset) = split_offset(wall, wall.find(['T', 't']).unwrap_or(wall.len()));
        let (date, clock) = split_clock(wall);
        let time = clock.map_or(Some(LocalTime::MIDNIGHT), read_time).ok_or_else(failed)?;
        let local = LocalDateTime::from_parts(read_date(date).ok_or_else(failed)??, time);
        let offset = offset.map(|offset| parse_offset(offset).ok_or_else(failed)).transpose()?;
        match (name, offset) {
            (None, None) => Self::from_local(local, zone, None),
            (None, Some(offset)) => Self::from_local(local, &ZoneId::Offset(offset), None),
            (Some(name), None) => Self::from_local(local, &ZoneId::named(name)?, None),
            (Some(name), Some(offset)) => {
                let found = Self::from_local(local, &ZoneId::named(name)?, Some(offset))?;
                if found.zone.offset_seconds == offset {
                    Ok(found)
                } else {
                    Err(TemporalError::ZoneMismatch { text: text.to_owned() })
                }
            }
        }
    }
}

/// The text is no value of this kind.
pub(super) fn unparsable(kind: &'static str, text: &str) -> TemporalError {
    TemporalError::Unparsable { kind, text: text.to_owned() }
}

fn split_clock(text: &str) -> (&str, Option<&str>) {
    match text.split_once(['T', 't']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    }
}

/// Cuts an offset off the end; it begins at the first `Z`, `+` or `-` after byte `from`.
fn split_offset(text: &str, from: usize) -> (&str, Option<&str>) {
    match text[from..].find(['Z', 'z', '+', '-']) {
        Some(at) => (&text[..from + at], Some(&text[from + at..])),
        None => (text, None),
    }
}

/// A place in a text of ASCII; every step either takes what it asks for or leaves the place alone.
struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.as_bytes() }
    }

    fn take(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if first.eq_ignore_ascii_case(&byte) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn digits_ahead(&self) -> usize {
        self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }

    /// Takes exactly `count` digits, at most 18.
    fn number(&mut self, count: usize) -> Option<i64> {
        if self.digits_ahead() < count {
            return None;
        }
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        Some(digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    /// Asks that nothing is left.
    fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }
}

/// `None`: not the form of a date. `Some(Err)`: the form of a date, and no such day.
fn read_date(text: &str) -> Option<Result<Date, TemporalError>> {
    let mut scanner = Scanner::new(text);
    let year = read_year(&mut scanner)?;
    let dash = scanner.take(b'-');
    if dash && scanner.rest.is_empty() {
        return None;
    }
    let date = if scanner.take(b'W') {
        let week = scanner.number(2)?;
        Date::from_week(year, week, read_last(&mut scanner, dash, 1)?)
    } else if scanner.take(b'Q') {
        let quarter = scanner.number(1)?;
        Date::from_quarter(year, quarter, read_last(&mut scanner, dash, 2)?)
    } else {
        match (scanner.digits_ahead(), dash) {
            (0, false) => Date::from_civil(year, 1, 1),
            (3, _) => Date::from_ordinal(year, scanner.number(3)?),
            (2, _) | (4, false) => {
                let month = scanner.number(2)?;
                Date::from_civil(year, month, read_last(&mut scanner, dash, 2)?)
            }
            _ => return None,
        }
    };
    scanner.end()?;
    Some(date)
}

/// Reads four digits, or a sign and up to nine digits.
fn read_year(scanner: &mut Scanner<'_>) -> Option<i64> {
    let sign = match (scanner.take(b'+'), scanner.take(b'-')) {
        (false, false) => return scanner.number(4),
        (true, true) => return None,
        (plus, _) => {
            if plus {
                1
            } else {
                -1
            }
        }
    };
    let digits = scanner.digits_ahead();
    if digits == 0 || digits > 9 { None } else { scanner.number(digits).map(|year| sign * year) }
}

/// Reads the day of a week, month or quarter: 1 where the text ends before it.
fn read_last(scanner: &mut Scanner<'_>, dash: bool, digits: usize) -> Option<i64> {
    if scanner.rest.is_empty() {
        return Some(1);
    }
    // With separators everywhere, or nowhere.
    if scanner.take(b'-') == dash { scanner.number(digits) } else { None }
}

fn read_time(text: &str) -> Option<LocalTime> {
    let mut scanner = Scanner::new(text);
    let (colons, hour) = match scanner.digits_ahead() {
        // With colons an hour below ten may stand alone.
        digits @ 1..=2 => (true, scanner.number(digits)?),
        4 | 6 => (false, scanner.number(2)?),
        _ => return None,
    };
    let mut lesser = [0, 0];
    let mut whole = false;
    for (index, part) in lesser.iter_mut().enumerate() {
        let separator = !colons || scanner.take(b':');
        if !separator || scanner.rest.is_empty() {
            if colons && separator {
                return None;
            }
            break;
        }
        let digits = scanner.digits_ahead();
        *part = scanner.number(if colons { digits.clamp(1, 2) } else { 2 })?;
        whole = index == 1;
    }
    let fraction = if whole && (scanner.take(b'.') || scanner.take(b',')) { read_fraction(&mut scanner)? } else { 0 };
    scanner.end()?;
    let [minute, second] = lesser;
    LocalTime::from_parts(hour, minute, second, fraction).ok().filter(|time| time.nanos < NANOS_PER_DAY)
}

/// Reads one to nine digits as nanoseconds.
fn read_fraction(scanner: &mut Scanner<'_>) -> Option<i64> {
    let digits = scanner.digits_ahead();
    if digits == 0 || digits > 9 {
        return None;
    }
    let missing = u32::try_from(9 - digits).expect("at most nine digits");
    scanner.number(digits).map(|number| number * 10_i64.pow(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_dates(expected: &str, texts: &[&str]) {
        for text in texts {
            assert_eq!(Date::parse(text).map(|date| date.to_string()), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn reads_dates_in_all_forms() {
        check_dates(
            "2016-02-29",
            &["2016-02-29", "20160229", "2016-060", "2016060", "2016-W09-1", "2016W091", "2016W09", "2016-Q1-60"],
        );
        check_dates("2016-02-01", &["2016-02", "201602"]);
        check_dates("2016-04-01", &["2016-Q2", "2016Q2", "2016Q201"]);
        check_dates("2016-01-01", &["2016", "+2016-01-01", "+2016"]);
        check_dates("+999999999-12-31", &["+999999999-12-31"]);
        check_dates("-0001-01-01", &["-1-01-01", "-0001-001", "-1"]);
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "16",
            "2016-",
            "2016-2",
            "2016-02-",
            "2016-0229",
            "201602-29",
            "2016-W9",
            "2016-W09-8",
            "2016-13",
            "2015-02-29",
            "20160",
            "2016-02-29T",
            "x2016",
            "2016-02-29 ",
            "+1234567890-01-01",
            "２０１６",
        ] {
            assert!(Date::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_times_in_all_forms() {
        let check = |expected: &str, text: &str| {
            assert_eq!(LocalTime::parse(text).map(|time| time.to_string()), Ok(expected.to_owned()), "{text}");
        };
        check("01:02:03.400", "01:02:03.4");
        check("01:02:03.400", "010203.4");
        check("01:02:03", "1:2:3");
        check("01:02", "0102");
        check("01:00", "01");
        check("23:59:59.999999999", "23:59:59,999999999");
        for text in
            ["", "24", "1:", "01:02:", "010", "01020", "01:02.5", "0102.5", "01:02:03.", "01:02:03.1234567890", "01:60"]
        {
            assert!(LocalTime::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_instants_in_all_forms() {
        let check = |expected: &str, text: &str| {
            let found = DateTime::parse(text, &ZoneId::UTC).map(|instant| instant.to_string());
            assert_eq!(found, Ok(expected.to_owned()), "{text}");
        };
        check("2016-02-29T01:02Z", "2016-02-29T01:02");
        check("2016-02-29T00:00Z", "2016-02-29");
        check("2016-02-29T01:02:03.500-02:05:07", "2016060T010203.5-020507");
        check("2016-02-29T01:02+01:00[Europe/Stockholm]", "2016-02-29T01:02[Europe/Stockholm]");
        check("2016-07-29T01:02+08:45[Australia/Eucla]", "2016-07-29T01:02+0845[Australia/Eucla]");
        check("-0005-02-28T01:02+03:00", "-0005-02-28T01:02+03");
        for text in [
            "2016-02-29T01:02+01:00[Europe/London]",
            "2016-02-29T01:02[Nowhere]",
            "2016-02-29T01:02[",
            "T01:02",
            "2016-02-29T01:02Z+01",
        ] {
            assert!(DateTime::parse(text, &ZoneId::UTC).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_times_with_offsets() {
        let check = |expected: &str, text: &str| {
            assert_eq!(Time::parse(text, &ZoneId::UTC).map(|time| time.to_string()), Ok(expected.to_owned()), "{text}");
        };
        check("21:40-01:30", "21:40-01:30");
        check("21:40Z", "2140-00:00");
        check("22:00+18:00", "22+18:00");
        check("22:00Z", "22");
        assert!(Time::parse("22:00+19:00", &ZoneId::UTC).is_err());
    }
}
