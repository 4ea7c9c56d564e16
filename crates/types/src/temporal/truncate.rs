//! Cuts moments down to a unit: the first day of the century, the whole minute.

use super::error::TemporalError;
use super::fields::{Fields, Kept};
use super::make::{Kind, Moment, Parts};
use super::{Date, DateTime, LocalDateTime, LocalTime, NANOS_PER_DAY, NANOS_PER_SECOND, Time};
use crate::value::{Map, Value};

/// Cuts a moment down to `unit` and makes a value of `kind` from it, with the components in `changes` replaced.
///
/// A zone among the changes moves the wall clock to that zone as it is. Null is cut to null.
pub fn truncate(
    kind: Kind,
    unit: &str,
    input: &Value,
    changes: Option<&Map>,
    moment: &Moment,
) -> Result<Value, TemporalError> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let unit = Unit::named(unit).ok_or_else(|| TemporalError::NoSuchUnit { unit: unit.to_owned() })?;
    let parts = Parts::of(input).ok_or(TemporalError::WrongType { expected: kind.name(), found: input.type_name() })?;
    let mut cut = cut(&parts, unit, kind).ok_or(TemporalError::Truncation {
        from: input.type_name(),
        to: kind.name(),
        unit: unit.name(),
    })?;
    let empty = Map::default();
    let fields = Fields::read(changes.unwrap_or(&empty))?;
    fields.check_room(kind.room())?;
    if kind.room().date {
        cut.date = fields.day(Some(cut.date))?;
    }
    if kind.room().time {
        cut.time = fields.clock(Some(cut.time), unit.kept(cut.time))?;
    }
    let local = LocalDateTime::from_parts(cut.date, cut.time);
    let zone = fields.timezone.as_ref().or(parts.zone.as_ref()).unwrap_or(&moment.zone);
    let offset = if fields.timezone.is_none() { parts.offset } else { None };
    Ok(match kind {
        Kind::Date => cut.date.into(),
        Kind::LocalTime => cut.time.into(),
        Kind::LocalDateTime => local.into(),
        Kind::DateTime => DateTime::from_local(local, zone, offset)?.into(),
        Kind::Time => {
            let offset_seconds = match offset {
                Some(offset) => offset,
                None => moment.offset_in(zone)?,
            };
            Time { nanos: cut.time.nanos, offset_seconds }.into()
        }
    })
}

/// A unit that a moment can be cut to, greater ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Millennium,
    Century,
    Decade,
    Year,
    WeekYear,
    Quarter,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
}

const UNITS: [(Unit, &str); 14] = [
    (Unit::Millennium, "millennium"),
    (Unit::Century, "century"),
    (Unit::Decade, "decade"),
    (Unit::Year, "year"),
    (Unit::WeekYear, "weekYear"),
    (Unit::Quarter, "quarter"),
    (Unit::Month, "month"),
    (Unit::Week, "week"),
    (Unit::Day, "day"),
    (Unit::Hour, "hour"),
    (Unit::Minute, "minute"),
    (Unit::Second, "second"),
    (Unit::Millisecond, "millisecond"),
    (Unit::Microsecond, "microsecond"),
];

impl Unit {
    fn named(name: &str) -> Option<Self> {
        UNITS.into_iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(unit, _)| unit)
    }

    fn name(self) -> &'static str {
        UNITS[self as usize].1
    }

    /// Gives the unit's nanoseconds; everything from a day up clears the clock.
    fn nanos(self) -> i64 {
        match self {
            Self::Hour => 3_600 * NANOS_PER_SECOND,
            Self::Minute => 60 * NANOS_PER_SECOND,
            Self::Second => NANOS_PER_SECOND,
            Self::Millisecond => 1_000_000,
            Self::Microsecond => 1_000,
            _ => NANOS_PER_DAY,
        }
    }

    /// What is left of the second stays below the parts that are given anew.
    fn kept(self, time: LocalTime) -> Kept {
        match self {
            Self::Millisecond | Self::Microsecond => Kept { nanos: time.nanosecond(), room: self.nanos() },
            _ => Kept::NOTHING,
        }
    }
}

struct Cut {
    date: Date,
    time: LocalTime,
}

/// Cuts day and time. `None` where the unit needs a part that the moment, or its kind, does not have.
fn cut(parts: &Parts, unit: Unit, kind: Kind) -> Option<Cut> {
    let room = kind.room();
    if room.date && (parts.date.is_none() || !room.time && unit > Unit::Day) || !room.date && unit < Unit::Day {
        return None;
    }
    let date = parts.date.unwrap_or(Date { days: 0 });
    if unit <= Unit::Day {
        return Some(Cut { date: cut_date(date, unit)?, time: LocalTime::MIDNIGHT });
    }
    let nanos = parts.time?.nanos;
    Some(Cut { date, time: LocalTime { nanos: nanos - nanos % unit.nanos() } })
}

fn cut_date(date: Date, unit: Unit) -> Option<Date> {
    let civil = date.civil();
    let first_of = |year: i64, month: i64| Date::from_civil(year, month, 1).ok();
    let year_of = |years: i64| first_of(civil.year - civil.year.rem_euclid(years), 1);
    match unit {
        Unit::Millennium => year_of(1_000),
        Unit::Century => year_of(100),
        Unit::Decade => year_of(10),
        Unit::Year => first_of(civil.year, 1),
        Unit::WeekYear => Date::from_week(date.week_date().year, 1, 1).ok(),
        Unit::Quarter => first_of(civil.year, date.quarter() * 3 - 2),
        Unit::Month => first_of(civil.year, civil.month),
        Unit::Week => date.plus_days(1 - date.weekday()).ok(),
        _ => Some(date),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporal::make;

    fn read(kind: Kind, text: &str) -> Value {
        make(kind, &Value::from(text), &Moment::utc(0)).expect("a moment")
    }

    fn check(kind: Kind, unit: &str, input: &Value, changes: &[(&str, Value)], expected: &str) {
        let changes: Map = changes.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
        let found = truncate(kind, unit, input, Some(&changes), &Moment::utc(0));
        assert_eq!(found, Ok(read(kind, expected)), "{unit}");
    }

    #[test]
    fn cuts_dates() {
        let date = read(Kind::Date, "1987-05-13");
        for (unit, expected) in [
            ("millennium", "1000-01-01"),
            ("century", "1900-01-01"),
            ("decade", "1980-01-01"),
            ("year", "1987-01-01"),
            ("weekYear", "1986-12-29"),
            ("quarter", "1987-04-01"),
            ("month", "1987-05-01"),
            ("week", "1987-05-11"),
            ("day", "1987-05-13"),
        ] {
            check(Kind::Date, unit, &date, &[], expected);
        }
        check(Kind::Date, "week", &date, &[("dayOfWeek", Value::Integer(3))], "1987-05-13");
    }

    #[test]
    fn small_parts_join_what_is_left_of_the_second() {
        let time = read(Kind::LocalTime, "12:31:14.645876123");
        check(Kind::LocalTime, "millisecond", &time, &[("nanosecond", Value::Integer(2))], "12:31:14.645000002");
        check(Kind::LocalTime, "millisecond", &time, &[("microsecond", Value::Integer(2))], "12:31:14.645002");
        check(Kind::LocalTime, "second", &time, &[("millisecond", Value::Integer(2))], "12:31:14.002");
        let too_large: Map = [("nanosecond".into(), Value::Integer(1_000_000))].into_iter().collect();
        assert!(truncate(Kind::LocalTime, "millisecond", &time, Some(&too_large), &Moment::utc(0)).is_err());
    }

    #[test]
    fn a_new_zone_keeps_the_wall_clock() {
        let instant = read(Kind::DateTime, "1987-07-13T12:31:14-01:00");
        let zone = [("timezone", Value::from("Europe/Stockholm"))];
        check(Kind::DateTime, "hour", &instant, &zone, "1987-07-13T12:00+02:00[Europe/Stockholm]");
        check(Kind::Time, "minute", &instant, &[], "12:31-01:00");
    }

    #[test]
    fn refuses_units_that_do_not_fit() {
        let date = read(Kind::Date, "1987-05-13");
        let time = read(Kind::LocalTime, "12:31");
        let refused = |kind, unit, value| truncate(kind, unit, value, None, &Moment::utc(0)).is_err();
        assert!(refused(Kind::Date, "hour", &date));
        assert!(refused(Kind::LocalDateTime, "hour", &date));
        assert!(refused(Kind::Date, "day", &time));
        assert!(refused(Kind::Time, "month", &time));
        assert!(refused(Kind::Date, "fortnight", &date));
        assert!(refused(Kind::Date, "day", &Value::Integer(1)));
    }
}
