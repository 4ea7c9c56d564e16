//! Text of temporal values, in ISO 8601 as `toString()` gives it.

use std::fmt::{self, Display, Formatter};

use super::{Date, DateTime, Duration, LocalDateTime, LocalTime, NANOS_PER_SECOND, Time, Zone};

impl Display for Date {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let civil = self.civil();
        match civil.year {
            10_000.. => write!(f, "+{}", civil.year)?,
            0..10_000 => write!(f, "{:04}", civil.year)?,
            _ => write!(f, "-{:04}", -civil.year)?,
        }
        write!(f, "-{:02}-{:02}", civil.month, civil.day)
    }
}

impl Display for LocalTime {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour(), self.minute())?;
        let (second, nanosecond) = (self.second(), self.nanosecond());
        if second > 0 || nanosecond > 0 {
            write!(f, ":{second:02}")?;
        }
        write_fraction(f, nanosecond, Digits::Thousands)
    }
}

impl Display for Time {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.local(), Offset(self.offset_seconds))
    }
}

impl Display for LocalDateTime {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}", self.date(), self.time())
    }
}

impl Display for DateTime {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.local(), Offset(self.zone.offset_seconds))?;
        match &self.zone.name {
            Some(name) => write!(f, "[{name}]"),
            None => Ok(()),
        }
    }
}

/// The zone's name, or its offset where it has none.
impl Display for Zone {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => Offset(self.offset_seconds).fmt(f),
        }
    }
}

impl Display for Duration {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return f.write_str("PT0S");
        }
        f.write_str("P")?;
        write_part(f, self.months / 12, 'Y')?;
        write_part(f, self.months % 12, 'M')?;
        write_part(f, self.days, 'D')?;
        // Stored rounded down; shown with one sign for the seconds and their fraction.
        let borrow = self.seconds < 0 && self.nanos > 0;
        let seconds = if borrow { self.seconds + 1 } else { self.seconds };
        let nanos = i64::from(self.nanos) - if borrow { NANOS_PER_SECOND } else { 0 };
        if seconds == 0 && nanos == 0 {
            return Ok(());
        }
        f.write_str("T")?;
        write_part(f, seconds / 3_600, 'H')?;
        write_part(f, seconds / 60 % 60, 'M')?;
        if nanos == 0 {
            return write_part(f, seconds % 60, 'S');
        }
        if nanos < 0 {
            f.write_str("-")?;
        }
        write!(f, "{}", (seconds % 60).abs())?;
        write_fraction(f, nanos.abs(), Digits::Shortest)?;
        f.write_str("S")
    }
}

/// An offset as `Z`, `+01:00` or `-02:05:07`.
pub(super) struct Offset(pub(super) i32);

impl Display for Offset {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("Z");
        }
        let sign = if self.0 < 0 { '-' } else { '+' };
        let seconds = self.0.abs();
        write!(f, "{sign}{:02}:{:02}", seconds / 3_600, seconds / 60 % 60)?;
        if seconds % 60 != 0 {
            write!(f, ":{:02}", seconds % 60)?;
        }
        Ok(())
    }
}

/// How many digits a fraction of a second shows.
#[derive(Clone, Copy)]
enum Digits {
    /// Three, six or nine: times.
    Thousands,
    /// As few as it takes: durations.
    Shortest,
}

fn write_part(f: &mut Formatter<'_>, value: i64, unit: char) -> fmt::Result {
    if value == 0 { Ok(()) } else { write!(f, "{value}{unit}") }
}

fn write_fraction(f: &mut Formatter<'_>, nanos: i64, digits: Digits) -> fmt::Result {
    if nanos == 0 {
        return Ok(());
    }
    let all = format!("{nanos:09}");
    let needed = all.trim_end_matches('0').len();
    let shown = match digits {
        Digits::Shortest => needed,
        Digits::Thousands => needed.div_ceil(3) * 3,
    };
    write!(f, ".{}", &all[..shown])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::temporal::{NANOS_PER_DAY, ZoneId};

    const ZONES: [&str; 6] = ["Z", "+01:00", "-02:05:07", "Europe/Stockholm", "America/New_York", "Australia/Eucla"];

    proptest! {
        #[test]
        fn what_is_written_can_be_read(
            days in Date::MIN.days + 1..Date::MAX.days,
            nanos in 0..NANOS_PER_DAY,
            zone in 0..ZONES.len(),
        ) {
            let (date, time) = (Date { days }, LocalTime { nanos });
            prop_assert_eq!(Date::parse(&date.to_string()), Ok(date));
            prop_assert_eq!(LocalTime::parse(&time.to_string()), Ok(time));
            let local = LocalDateTime::from_parts(date, time);
            prop_assert_eq!(LocalDateTime::parse(&local.to_string()), Ok(local));
            let zone = ZoneId::parse(ZONES[zone]).expect("a zone");
            let instant = DateTime::from_local(local, &zone, None).expect("an instant");
            prop_assert_eq!(DateTime::parse(&instant.to_string(), &ZoneId::UTC), Ok(instant));
        }

        #[test]
        fn what_is_written_of_a_duration_can_be_read(months: i64, days: i64, seconds: i64, nanos in 0..NANOS_PER_SECOND) {
            let duration = Duration::new(months, days, seconds, nanos).expect("a duration");
            prop_assert_eq!(Duration::parse(&duration.to_string()), Ok(duration));
        }

        #[test]
        fn no_text_makes_the_readers_panic(text in "[-+PTWQYMDHSZ0-9:.,\\[\\]/a-z \u{e9}]{0,24}") {
            let _ = Date::parse(&text);
            let _ = LocalTime::parse(&text);
            let _ = Time::parse(&text, &ZoneId::UTC);
            let _ = LocalDateTime::parse(&text);
            let _ = DateTime::parse(&text, &ZoneId::UTC);
            let _ = Duration::parse(&text);
        }
    }

    fn check_duration(months: i64, days: i64, seconds: i64, nanos: i64, expected: &str) {
        let duration = Duration::new(months, days, seconds, nanos).expect("a duration");
        assert_eq!(duration.to_string(), expected);
    }

    #[test]
    fn durations_show_each_part_with_its_sign() {
        check_duration(0, 0, 0, 0, "PT0S");
        check_duration(149, 14, 58_390, 1, "P12Y5M14DT16H13M10.000000001S");
        check_duration(-8, -14, 0, 0, "P-8M-14D");
        check_duration(0, 1, 0, -1_000_000, "P1DT-0.001S");
        check_duration(0, 0, -2, 1_000_000, "PT-1.999S");
        check_duration(0, 0, -60, -1_000_000, "PT-1M-0.001S");
        check_duration(0, 0, 2, -1_000_000, "PT1.999S");
        check_duration(0, 0, i64::MIN, 0, "PT-2562047788015215H-30M-8S");
    }

    #[test]
    fn times_leave_out_seconds_that_are_zero() {
        let time = |h, m, s, n| LocalTime::from_parts(h, m, s, n).expect("a time").to_string();
        assert_eq!(time(21, 40, 0, 0), "21:40");
        assert_eq!(time(21, 40, 32, 0), "21:40:32");
        assert_eq!(time(0, 0, 0, 2), "00:00:00.000000002");
        assert_eq!(time(1, 2, 3, 140_000_000), "01:02:03.140");
        assert_eq!(time(1, 2, 3, 645_876_000), "01:02:03.645876");
    }

    #[test]
    fn years_take_a_sign_where_four_digits_do_not_do() {
        let date = |year| Date::from_civil(year, 1, 2).expect("a day").to_string();
        assert_eq!(date(28), "0028-01-02");
        assert_eq!(date(-28), "-0028-01-02");
        assert_eq!(date(12_345), "+12345-01-02");
        assert_eq!(date(-999_999_999), "-999999999-01-02");
    }
}
