//! Zones: offsets from UTC, by number or by a name in the bundled zone database.

use std::sync::OnceLock;

use compact_str::CompactString;
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

use super::calendar::CYCLE_DAYS;
use super::error::{TemporalError, in_range};
use super::{DateTime, LocalDateTime, SECONDS_PER_DAY, Zone};

/// Java's bound, which Cypher inherited.
const OFFSET_MAX_SECONDS: i64 = 18 * 3_600;

/// A zone before it is asked about an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneId {
    /// Seconds east of UTC, all year round.
    Offset(i32),
    /// A name in the zone database, spelled as there.
    Named(CompactString),
}

impl ZoneId {
    /// Coordinated universal time.
    pub const UTC: Self = Self::Offset(0);

    /// Reads an offset (`Z`, `+01`, `+01:00`, `+0100`, `-02:05:07`) or a zone's name.
    pub fn parse(text: &str) -> Result<Self, TemporalError> {
        let unknown = || TemporalError::NoSuchZone { name: text.to_owned() };
        if text.starts_with(['+', '-']) || text.eq_ignore_ascii_case("z") {
            return parse_offset(text).map(Self::Offset).ok_or_else(unknown);
        }
        Self::named(text)
    }

    /// Looks a name up in the zone database; case does not matter, nor blanks for underscores.
    pub fn named(name: &str) -> Result<Self, TemporalError> {
        let zone = lookup(name)?;
        Ok(Self::Named(zone.iana_name().unwrap_or(name).into()))
    }

    /// Makes a zone from seconds east of UTC, at most 18 hours either way.
    pub fn from_offset(offset_seconds: i64) -> Result<Self, TemporalError> {
        in_range("ZoneOffset", offset_seconds, -OFFSET_MAX_SECONDS, OFFSET_MAX_SECONDS)?;
        Ok(Self::Offset(i32::try_from(offset_seconds).expect("18 hours of seconds fit 32 bits")))
    }

    /// Gives the offset in use at an instant, in seconds since 1970-01-01T00:00:00Z.
    pub fn offset_at_instant(&self, seconds: i64) -> Result<i32, TemporalError> {
        match self {
            Self::Offset(offset) => Ok(*offset),
            Self::Named(name) => Ok(lookup(name)?.to_offset(timestamp_near(seconds)).seconds()),
        }
    }

    /// Finds the instant that a wall clock means here, in seconds since 1970-01-01T00:00:00Z.
    ///
    /// A time that the clock skipped moves forward by the gap. Of a time that it shows twice the first is
    /// meant, unless `preferred` is the offset of the second.
    pub fn instant_of_local(&self, local_seconds: i64, preferred: Option<i32>) -> Result<i64, TemporalError> {
        let offset = match self {
            Self::Offset(offset) => *offset,
            Self::Named(name) => {
                let wall = Offset::UTC.to_datetime(timestamp_near(local_seconds));
                match lookup(name)?.to_ambiguous_timestamp(wall).offset() {
                    AmbiguousOffset::Unambiguous { offset } => offset.seconds(),
                    AmbiguousOffset::Gap { before, .. } => before.seconds(),
                    AmbiguousOffset::Fold { after, .. } if preferred == Some(after.seconds()) => after.seconds(),
                    AmbiguousOffset::Fold { before, .. } => before.seconds(),
                }
            }
        };
        local_seconds.checked_sub(i64::from(offset)).ok_or(TemporalError::Overflow { what: "DateTime" })
    }
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self { offset_seconds: 0, name: None };

    /// Gives the zone without its offset of the moment.
    #[must_use]
    pub fn id(&self) -> ZoneId {
        match &self.name {
            Some(name) => ZoneId::Named(name.clone()),
            None => ZoneId::Offset(self.offset_seconds),
        }
    }
}

impl DateTime {
    /// Shows an instant in a zone.
    pub fn at(seconds: i64, nanos: u32, zone: &ZoneId) -> Result<Self, TemporalError> {
        let offset_seconds = zone.offset_at_instant(seconds)?;
        let local =
            seconds.checked_add(i64::from(offset_seconds)).ok_or(TemporalError::Overflow { what: "DateTime" })?;
        LocalDateTime::from_seconds(local, nanos)?;
        let name = match zone {
            ZoneId::Offset(_) => None,
            ZoneId::Named(name) => Some(name.clone()),
        };
        Ok(Self { seconds, nanos, zone: Zone { offset_seconds, name } })
    }

    /// Hangs a wall clock in a zone; see [`ZoneId::instant_of_local`] for gaps and repeats.
    pub fn from_local(local: LocalDateTime, zone: &ZoneId, preferred: Option<i32>) -> Result<Self, TemporalError> {
        Self::at(zone.instant_of_local(local.seconds, preferred)?, local.nanos, zone)
    }

    /// Gives what the wall clock shows.
    #[must_use]
    pub fn local(&self) -> LocalDateTime {
        LocalDateTime { seconds: self.seconds + i64::from(self.zone.offset_seconds), nanos: self.nanos }
    }

    /// Shows the same instant in another zone.
    pub fn in_zone(&self, zone: &ZoneId) -> Result<Self, TemporalError> {
        Self::at(self.seconds, self.nanos, zone)
    }

    /// Gives nanoseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn total_nanos(&self) -> i128 {
        LocalDateTime { seconds: self.seconds, nanos: self.nanos }.total_nanos()
    }
}

/// Reads `Z`, `+hh`, `+hhmm`, `+hh:mm`, `+hhmmss` or `+hh:mm:ss`.
pub(super) fn parse_offset(text: &str) -> Option<i32> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let parts: Vec<&str> = if rest.contains(':') {
        rest.split(':').collect()
    } else {
        // Only ASCII digits may follow, so that cutting at every second byte is safe.
        if !rest.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        (0..rest.len()).step_by(2).map(|at| rest.get(at..at + 2).unwrap_or("")).collect()
    };
    let mut numbers = [0_i64; 3];
    if parts.is_empty() || parts.len() > numbers.len() {
        return None;
    }
    for (number, part) in numbers.iter_mut().zip(&parts) {
        if part.len() != 2 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    let [hours, minutes, seconds] = numbers;
    let total = hours * 3_600 + minutes * 60 + seconds;
    if minutes > 59 || seconds > 59 || total > OFFSET_MAX_SECONDS {
        return None;
    }
    i32::try_from(sign * total).ok()
}

fn lookup(name: &str) -> Result<TimeZone, TemporalError> {
    // Bundled, so that the host's zone files never change an answer.
    static ZONES: OnceLock<TimeZoneDatabase> = OnceLock::new();
    let zones = ZONES.get_or_init(TimeZoneDatabase::bundled);
    zones
        .get(name)
        .or_else(|_| zones.get(&name.replace(' ', "_")))
        .map_err(|_| TemporalError::NoSuchZone { name: name.to_owned() })
}

/// Finds an instant within `jiff`'s years at which zones behave as at `seconds`.
///
/// Far years repeat every 400: same weekdays, same leap years, same rules for summer time.
fn timestamp_near(seconds: i64) -> Timestamp {
    const CYCLE_SECONDS: i64 = CYCLE_DAYS * SECONDS_PER_DAY;
    /// 9200-01-01 and -9200-01-01, a few cycles inside `jiff`'s bounds.
    const LATE: i64 = 228_156_739_200;
    const EARLY: i64 = -352_491_177_600;
    let near = if seconds > LATE {
        LATE + (seconds - LATE).rem_euclid(CYCLE_SECONDS)
    } else if seconds < EARLY {
        EARLY - (EARLY - seconds).rem_euclid(CYCLE_SECONDS)
    } else {
        seconds
    };
    Timestamp::from_second(near).expect("years -9600 to 9600 lie within jiff's")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporal::Date;

    fn stockholm() -> ZoneId {
        ZoneId::parse("europe/stockholm").expect("a zone")
    }

    fn local(year: i64, month: i64, day: i64, hour: i64, minute: i64) -> i64 {
        Date::from_civil(year, month, day).expect("a day").days * SECONDS_PER_DAY + hour * 3_600 + minute * 60
    }

    fn check(wall: i64, preferred: Option<i32>, expected: &str) {
        let wall = LocalDateTime::from_seconds(wall, 0).expect("a time");
        assert_eq!(DateTime::from_local(wall, &stockholm(), preferred).expect("an instant").to_string(), expected);
    }

    #[test]
    fn names_have_one_spelling() {
        assert_eq!(stockholm(), ZoneId::Named("Europe/Stockholm".into()));
        assert_eq!(ZoneId::parse("America/Los Angeles"), ZoneId::parse("America/Los_Angeles"));
        assert!(ZoneId::parse("Europe/Atlantis").is_err());
    }

    #[test]
    fn a_skipped_time_moves_forward() {
        check(local(2017, 3, 26, 2, 30), None, "2017-03-26T03:30+02:00[Europe/Stockholm]");
    }

    #[test]
    fn of_a_repeated_time_the_first_is_meant() {
        check(local(2017, 10, 29, 2, 30), None, "2017-10-29T02:30+02:00[Europe/Stockholm]");
        check(local(2017, 10, 29, 2, 30), Some(3_600), "2017-10-29T02:30+01:00[Europe/Stockholm]");
    }

    #[test]
    fn far_years_keep_summer_time_and_old_ones_local_mean_time() {
        check(local(999_999_999, 7, 1, 12, 0), None, "+999999999-07-01T12:00+02:00[Europe/Stockholm]");
        check(local(999_999_999, 12, 1, 12, 0), None, "+999999999-12-01T12:00+01:00[Europe/Stockholm]");
        check(local(-999_999_999, 7, 1, 12, 0), None, "-999999999-07-01T12:00+00:53:28[Europe/Stockholm]");
        check(local(1818, 7, 21, 21, 40), None, "1818-07-21T21:40+00:53:28[Europe/Stockholm]");
    }

    #[test]
    fn reads_offsets_in_all_forms() {
        for (text, expected) in [
            ("Z", Some(0)),
            ("+01", Some(3_600)),
            ("+0100", Some(3_600)),
            ("-01:30", Some(-5_400)),
            ("-02:05:07", Some(-7_507)),
            ("+020559", Some(7_559)),
            ("+18:00", Some(64_800)),
            ("+18:01", None),
            ("+1", None),
            ("+01:60", None),
            ("+", None),
            ("+01:00:00:00", None),
        ] {
            assert_eq!(parse_offset(text), expected, "{text}");
        }
    }
}
