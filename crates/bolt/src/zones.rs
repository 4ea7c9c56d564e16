//! Offsets of named zones, which the wire leaves to whoever reads it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Gives the seconds east of UTC in a zone, at an instant in UTC seconds.
///
/// `None` when nobody knows the zone. Outside the years that the zone's rules cover, the nearest rule holds.
pub(crate) fn offset_at(name: &str, utc_seconds: i64) -> Option<i32> {
    let zone = TimeZone::get(name).ok()?;
    let instant = Timestamp::from_second(clamped(utc_seconds)).ok()?;
    Some(zone.to_offset(instant).seconds())
}

/// As [`offset_at`], for seconds of the zone's own wall clock.
///
/// A wall clock that shows a time twice means the first; one that skips it is read with the offset before.
pub(crate) fn offset_at_wall_clock(name: &str, wall_seconds: i64) -> Option<i32> {
    let zone = TimeZone::get(name).ok()?;
    let civil: DateTime = TimeZone::UTC.to_datetime(Timestamp::from_second(clamped(wall_seconds)).ok()?);
    let instant = zone.to_ambiguous_timestamp(civil).compatible().ok()?;
    Some(zone.to_offset(instant).seconds())
}

/// Years that `jiff` can name, less a day so that any offset still fits.
fn clamped(seconds: i64) -> i64 {
    const DAY: i64 = 86_400;
    seconds.clamp(Timestamp::MIN.as_second() + 2 * DAY, Timestamp::MAX.as_second() - 2 * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_follow_the_zone() {
        let (winter, summer) = (1_705_320_000, 1_721_044_800);
        assert_eq!(offset_at("Europe/Berlin", winter), Some(3_600));
        assert_eq!(offset_at("Europe/Berlin", summer), Some(7_200));
        assert_eq!(offset_at_wall_clock("Europe/Berlin", summer + 7_200), Some(7_200));
        assert_eq!(offset_at("Nowhere/Nothing", 0), None);
        assert!(offset_at("Europe/Berlin", i64::MAX).is_some());
        assert!(offset_at_wall_clock("Asia/Tokyo", i64::MIN).is_some());
    }
}
