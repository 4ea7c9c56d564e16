//! The entries of a component map, and the day and the time that they name.

use super::error::{TemporalError, in_range};
use super::{Date, LocalTime, NANOS_PER_SECOND, ZoneId};
use crate::value::{Map, Value};

/// A component that a map can give, greater ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Year,
    Month,
    Day,
    Week,
    DayOfWeek,
    Quarter,
    DayOfQuarter,
    OrdinalDay,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
    EpochSeconds,
    EpochMillis,
}

const FIELDS: [(Field, &str); 16] = [
    (Field::Year, "year"),
    (Field::Month, "month"),
    (Field::Day, "day"),
    (Field::Week, "week"),
    (Field::DayOfWeek, "dayOfWeek"),
    (Field::Quarter, "quarter"),
    (Field::DayOfQuarter, "dayOfQuarter"),
    (Field::OrdinalDay, "ordinalDay"),
    (Field::Hour, "hour"),
    (Field::Minute, "minute"),
    (Field::Second, "second"),
    (Field::Millisecond, "millisecond"),
    (Field::Microsecond, "microsecond"),
    (Field::Nanosecond, "nanosecond"),
    (Field::EpochSeconds, "epochSeconds"),
    (Field::EpochMillis, "epochMillis"),
];

impl Field {
    fn name(self) -> &'static str {
        FIELDS[self as usize].1
    }

    fn named(name: &str) -> Option<Self> {
        FIELDS.into_iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(field, _)| field)
    }
}

/// The entries of a component map, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields<'a> {
    numbers: [Option<i64>; FIELDS.len()],
    pub(super) date: Option<&'a Value>,
    pub(super) time: Option<&'a Value>,
    pub(super) datetime: Option<&'a Value>,
    pub(super) timezone: Option<ZoneId>,
}

/// What the kind of value that is made has room for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) date: bool,
    pub(super) time: bool,
    pub(super) zone: bool,
}

impl<'a> Fields<'a> {
    /// Sorts the entries of a map; an entry that is null counts as missing.
    pub(super) fn read(map: &'a Map) -> Result<Self, TemporalError> {
        let mut fields = Self::default();
        for (name, value) in map {
            if value.is_null() {
                continue;
            }
            match name.as_str() {
                "date" => fields.date = Some(value),
                "time" => fields.time = Some(value),
                "datetime" => fields.datetime = Some(value),
                "timezone" => fields.timezone = Some(read_zone(value)?),
                _ => fields.read_number(name, value)?,
            }
        }
        Ok(fields)
    }

    fn read_number(&mut self, name: &str, value: &Value) -> Result<(), TemporalError> {
        let field = Field::named(name).ok_or_else(|| TemporalError::NoSuchField { name: name.to_owned() })?;
        let Value::Integer(number) = value else {
            let found = value.type_name();
            return Err(TemporalError::FieldType { field: field.name(), expected: "an integer value", found });
        };
        self.numbers[field as usize] = Some(*number);
        Ok(())
    }

    pub(super) fn number(&self, field: Field) -> Option<i64> {
        self.numbers[field as usize]
    }

    /// Tells whether nothing but a time zone is given.
    pub(super) fn is_only_a_zone(&self) -> bool {
        self.timezone.is_some() && !self.selects() && self.numbers.iter().all(Option::is_none)
    }

    /// Tells whether nothing at all is given.
    pub(super) fn is_empty(&self) -> bool {
        self.timezone.is_none() && !self.selects() && self.numbers.iter().all(Option::is_none)
    }

    fn selects(&self) -> bool {
        self.date.is_some() || self.time.is_some() || self.datetime.is_some()
    }

    /// Refuses entries that the kind of value has no room for.
    pub(super) fn check_room(&self, room: Room) -> Result<(), TemporalError> {
        let refuse = |name: &str| Err(TemporalError::NoSuchField { name: name.to_owned() });
        let both = room.date && room.time;
        let sources = [
            ("date", self.date.is_some(), room.date),
            ("time", self.time.is_some(), room.time),
            ("datetime", self.datetime.is_some(), both),
        ];
        for (name, given, fits) in sources {
            if given && !fits {
                return refuse(name);
            }
        }
        if self.timezone.is_some() && !room.zone && !self.is_only_a_zone() {
            return refuse("timezone");
        }
        for (field, given) in [("date", self.date.is_some()), ("time", self.time.is_some())] {
            if given && self.datetime.is_some() {
                return Err(TemporalError::Conflict { field, form: "datetime" });
            }
        }
        for (field, name) in FIELDS {
            let fits = match field {
                Field::EpochSeconds | Field::EpochMillis => both && room.zone,
                _ if (field as usize) < Field::Hour as usize => room.date,
                _ => room.time,
            };
            if self.number(field).is_some() && !fits {
                return refuse(name);
            }
        }
        Ok(())
    }

    /// Names the day: from scratch, or `base` with some components changed.
    pub(super) fn day(&self, base: Option<Date>) -> Result<Date, TemporalError> {
        let form = self.date_form()?;
        if base.is_none() {
            self.check_day_is_whole()?;
        }
        let year = |inherited: fn(Date) -> i64| {
            self.number(Field::Year).or(base.map(inherited)).ok_or(TemporalError::Required { field: "year" })
        };
        let part = |field, inherited: fn(Date) -> i64| self.number(field).unwrap_or_else(|| base.map_or(1, inherited));
        match form {
            DateForm::Calendar => {
                let month = part(Field::Month, |date| date.civil().month);
                match (self.number(Field::Day), base) {
                    // An inherited day gives way to the month; one that was asked for does not.
                    (None, Some(date)) => {
                        let year = in_range("Year", year(Date::year)?, super::YEAR_MIN, super::YEAR_MAX)?;
                        Date::clamped(year, month, date.civil().day)
                    }
                    (day, _) => Date::from_civil(year(Date::year)?, month, day.unwrap_or(1)),
                }
            }
            DateForm::Week => Date::from_week(
                year(|date| date.week_date().year)?,
                part(Field::Week, |date| date.week_date().week),
                part(Field::DayOfWeek, Date::weekday),
            ),
            DateForm::Quarter => self.day_of_quarter(base, year(Date::year)?),
            DateForm::Ordinal => Date::from_ordinal(year(Date::year)?, part(Field::OrdinalDay, Date::ordinal)),
        }
    }

    fn day_of_quarter(&self, base: Option<Date>, year: i64) -> Result<Date, TemporalError> {
        let quarter = self.number(Field::Quarter).unwrap_or_else(|| base.map_or(1, Date::quarter));
        match (self.number(Field::DayOfQuarter), base) {
            // Keeps the month's place in its quarter, and the day of the month.
            (None, Some(date)) => {
                in_range("QuarterOfYear", quarter, 1, 4)?;
                let civil = date.civil();
                Date::clamped(year, quarter * 3 - 2 + (civil.month - 1) % 3, civil.day)
            }
            (day, _) => Date::from_quarter(year, quarter, day.unwrap_or(1)),
        }
    }

    /// Tells in which way the day is named, and refuses a mixture.
    fn date_form(&self) -> Result<DateForm, TemporalError> {
        let mut form: Option<DateForm> = None;
        for (field, of) in [
            (Field::Month, DateForm::Calendar),
            (Field::Day, DateForm::Calendar),
            (Field::Week, DateForm::Week),
            (Field::DayOfWeek, DateForm::Week),
            (Field::Quarter, DateForm::Quarter),
            (Field::DayOfQuarter, DateForm::Quarter),
            (Field::OrdinalDay, DateForm::Ordinal),
        ] {
            if self.number(field).is_none() {
                continue;
            }
            match form {
                Some(chosen) if chosen != of => {
                    return Err(TemporalError::Conflict { field: field.name(), form: chosen.name() });
                }
                _ => form = Some(of),
            }
        }
        Ok(form.unwrap_or(DateForm::Calendar))
    }

    /// Refuses a smaller component whose greater one is missing.
    fn check_day_is_whole(&self) -> Result<(), TemporalError> {
        self.number(Field::Year).ok_or(TemporalError::Required { field: "year" })?;
        self.check_order(&[
            (Field::Month, Field::Day),
            (Field::Week, Field::DayOfWeek),
            (Field::Quarter, Field::DayOfQuarter),
        ])
    }

    /// Names the time of day: from scratch, or `base` with some components changed.
    ///
    /// `kept` are nanoseconds of the second to which smaller components are added; see `truncate`.
    pub(super) fn clock(&self, base: Option<LocalTime>, kept: Kept) -> Result<LocalTime, TemporalError> {
        if base.is_none() {
            self.check_order(&[(Field::Hour, Field::Minute), (Field::Minute, Field::Second)])?;
            for part in [Field::Millisecond, Field::Microsecond, Field::Nanosecond] {
                self.check_order(&[(Field::Second, part)])?;
            }
        }
        let base = base.unwrap_or(LocalTime::MIDNIGHT);
        LocalTime::from_parts(
            self.number(Field::Hour).unwrap_or_else(|| base.hour()),
            self.number(Field::Minute).unwrap_or_else(|| base.minute()),
            self.number(Field::Second).unwrap_or_else(|| base.second()),
            self.nanos_of_second(kept)?.unwrap_or_else(|| base.nanosecond()),
        )
    }

    fn nanos_of_second(&self, kept: Kept) -> Result<Option<i64>, TemporalError> {
        let mut room = kept.room;
        let mut nanos = kept.nanos;
        let mut given = false;
        for (field, name, unit) in [
            (Field::Millisecond, "MilliOfSecond", 1_000_000),
            (Field::Microsecond, "MicroOfSecond", 1_000),
            (Field::Nanosecond, "NanoOfSecond", 1),
        ] {
            if let Some(number) = self.number(field) {
                // Next to a greater part, a part counts only what that one leaves over.
                in_range(name, number, 0, (room / unit - 1).max(0))?;
                nanos += number * unit;
                room = unit;
                given = true;
            }
        }
        Ok(given.then_some(nanos))
    }

    fn check_order(&self, pairs: &[(Field, Field)]) -> Result<(), TemporalError> {
        for (greater, smaller) in pairs {
            if self.number(*smaller).is_some() && self.number(*greater).is_none() {
                return Err(TemporalError::MissingField { field: smaller.name(), without: greater.name() });
            }
        }
        Ok(())
    }
}

/// What of a second stays when smaller parts are given, and how much room those have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) nanos: i64,
    pub(super) room: i64,
}

impl Kept {
    /// Nothing stays: the parts given are all of the second.
    pub(super) const NOTHING: Self = Self { nanos: 0, room: NANOS_PER_SECOND };
}

/// The four ways to name a day of a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DateForm {
    Calendar,
    Week,
    Quarter,
    Ordinal,
}

impl DateForm {
    fn name(self) -> &'static str {
        match self {
            Self::Calendar => "calendar date",
            Self::Week => "week date",
            Self::Quarter => "quarter date",
            Self::Ordinal => "ordinal date",
        }
    }
}

/// Reads a zone from its text.
pub(super) fn read_zone(value: &Value) -> Result<ZoneId, TemporalError> {
    match value {
        Value::String(text) => ZoneId::parse(text),
        other => Err(TemporalError::FieldType { field: "timezone", expected: "a string", found: other.type_name() }),
    }
}

#[cfg(test)]
mod tests {
    use crate::temporal::{Kind, Moment, make};
    use crate::text::to_text;
    use crate::value::{Map, Value};

    fn made(kind: Kind, entries: &[(&str, Value)]) -> Result<String, String> {
        let map: Map = entries.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
        let value = make(kind, &Value::map(map), &Moment::utc(0)).map_err(|error| error.to_string())?;
        Ok(to_text(&value).expect("a text").to_string())
    }

    fn check(kind: Kind, entries: &[(&str, i64)], expected: Result<&str, &str>) {
        let entries: Vec<_> = entries.iter().map(|(name, number)| (*name, Value::Integer(*number))).collect();
        assert_eq!(made(kind, &entries).as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn smaller_parts_need_their_greater_ones() {
        check(Kind::Date, &[("year", 2015), ("day", 3)], Err("day cannot be specified without month"));
        check(Kind::Date, &[("month", 3)], Err("year must be specified"));
        check(Kind::LocalTime, &[("hour", 3), ("second", 3)], Err("second cannot be specified without minute"));
        check(Kind::LocalTime, &[("hour", 3), ("nanosecond", 3)], Err("nanosecond cannot be specified without second"));
        check(Kind::Date, &[], Err("At least one temporal unit must be specified."));
    }

    #[test]
    fn a_day_is_named_in_one_way() {
        check(Kind::Date, &[("year", 2015), ("month", 3), ("week", 3)], Err("Cannot assign week to calendar date"));
        check(
            Kind::Date,
            &[("year", 2015), ("week", 3), ("ordinalDay", 3)],
            Err("Cannot assign ordinalDay to week date"),
        );
        check(Kind::Date, &[("year", 2015), ("hour", 3)], Err("No such field: hour"));
        check(Kind::Date, &[("year", 2015), ("eon", 3)], Err("No such field: eon"));
    }

    #[test]
    fn parts_stay_in_their_ranges() {
        check(
            Kind::Date,
            &[("year", 2015), ("month", 13)],
            Err("Invalid value for MonthOfYear (valid values 1 - 12): 13"),
        );
        check(Kind::Date, &[("year", 2015), ("month", 2), ("day", 29)], Err("Invalid date: 2015-02-29"));
        check(Kind::LocalTime, &[("hour", 24)], Err("Invalid value for HourOfDay (valid values 0 - 23): 24"));
        let parts = [("hour", 1), ("minute", 2), ("second", 3), ("millisecond", 4), ("microsecond", 1_000)];
        check(Kind::LocalTime, &parts, Err("Invalid value for MicroOfSecond (valid values 0 - 999): 1000"));
        check(
            Kind::Date,
            &[("year", 1_000_000_000)],
            Err("Invalid value for Year (valid values -999999999 - 999999999): 1000000000"),
        );
    }

    #[test]
    fn an_inherited_day_gives_way_to_the_month() {
        let end_of_may = make(Kind::Date, &Value::from("2015-05-31"), &Moment::utc(0)).expect("a date");
        let changed = |name, number| made(Kind::Date, &[("date", end_of_may.clone()), (name, Value::Integer(number))]);
        assert_eq!(changed("month", 2).as_deref(), Ok("2015-02-28"));
        assert_eq!(changed("quarter", 1).as_deref(), Ok("2015-02-28"));
        assert_eq!(changed("dayOfWeek", 1).as_deref(), Ok("2015-05-25"));
        assert!(changed("day", 32).is_err());
    }

    #[test]
    fn a_zone_of_the_source_moves_the_clock_to_the_new_one() {
        let time = make(Kind::Time, &Value::from("23:30-01:00"), &Moment::utc(0)).expect("a time");
        let day = [("year", Value::Integer(2015)), ("month", Value::Integer(7)), ("day", Value::Integer(1))];
        let zone = ("timezone", Value::from("Europe/Stockholm"));
        let entries = [&day[..], &[("time", time.clone()), zone.clone()]].concat();
        assert_eq!(made(Kind::DateTime, &entries).as_deref(), Ok("2015-07-02T02:30+02:00[Europe/Stockholm]"));
        assert_eq!(
            made(Kind::Time, &[("time", time.clone()), ("timezone", Value::from("+01:00"))]).as_deref(),
            Ok("01:30+01:00")
        );
        assert_eq!(made(Kind::LocalTime, &[("time", time)]).as_deref(), Ok("23:30"));
        assert_eq!(
            made(Kind::DateTime, std::slice::from_ref(&zone)).as_deref(),
            Ok("1970-01-01T01:00+01:00[Europe/Stockholm]")
        );
        let epoch = [("epochSeconds", Value::Integer(1)), ("nanosecond", Value::Integer(2)), zone];
        assert_eq!(
            made(Kind::DateTime, &epoch).as_deref(),
            Ok("1970-01-01T01:00:01.000000002+01:00[Europe/Stockholm]")
        );
    }
}
