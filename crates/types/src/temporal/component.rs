//! Components of temporal values, as `d.year` or `d.monthsOfYear` asks for them.

use super::error::TemporalError;
use super::format::Offset;
use super::make::Parts;
use super::{DateTime, Duration, NANOS_PER_SECOND};
use crate::value::Value;

/// Gives a component of a temporal value; an unknown name is an error, as is one that the type does not have.
pub fn component(value: &Value, name: &str) -> Result<Value, TemporalError> {
    let found = match value {
        Value::Null => return Ok(Value::Null),
        Value::Duration(duration) => of_duration(duration, name)?.map(Value::Integer),
        Value::DateTime(instant) => match of_instant(instant, name)? {
            Some(found) => Some(Value::Integer(found)),
            None => of_moment(value, name),
        },
        _ => of_moment(value, name),
    };
    found.ok_or_else(|| TemporalError::NoSuchField { name: name.to_owned() })
}

fn of_moment(value: &Value, name: &str) -> Option<Value> {
    let parts = Parts::of(value)?;
    of_zone(&parts, name).or_else(|| of_date_or_time(&parts, name).map(Value::Integer))
}

fn of_date_or_time(parts: &Parts, name: &str) -> Option<i64> {
    if let Some(date) = parts.date {
        match name {
            "year" => return Some(date.year()),
            "quarter" => return Some(date.quarter()),
            "month" => return Some(date.civil().month),
            "week" => return Some(date.week_date().week),
            "weekYear" => return Some(date.week_date().year),
            "day" => return Some(date.civil().day),
            "ordinalDay" => return Some(date.ordinal()),
            "dayOfWeek" | "weekDay" => return Some(date.weekday()),
            "dayOfQuarter" => return Some(date.day_of_quarter()),
            _ => {}
        }
    }
    let time = parts.time?;
    Some(match name {
        "hour" => time.hour(),
        "minute" => time.minute(),
        "second" => time.second(),
        "millisecond" => time.nanosecond() / 1_000_000,
        "microsecond" => time.nanosecond() / 1_000,
        "nanosecond" => time.nanosecond(),
        _ => return None,
    })
}

fn of_zone(parts: &Parts, name: &str) -> Option<Value> {
    let offset = parts.offset?;
    Some(match (name, &parts.zone) {
        ("timezone", Some(super::ZoneId::Named(zone))) => Value::String(zone.clone()),
        ("timezone" | "offset", _) => Value::string(Offset(offset).to_string()),
        ("offsetMinutes", _) => Value::Integer(i64::from(offset / 60)),
        ("offsetSeconds", _) => Value::Integer(i64::from(offset)),
        _ => return None,
    })
}

fn of_instant(instant: &DateTime, name: &str) -> Result<Option<i64>, TemporalError> {
    match name {
        "epochSeconds" => Ok(Some(instant.seconds)),
        "epochMillis" => narrow(instant.total_nanos().div_euclid(1_000_000)).map(Some),
        _ => Ok(None),
    }
}

fn of_duration(duration: &Duration, name: &str) -> Result<Option<i64>, TemporalError> {
    let (months, days, seconds) = (duration.months, duration.days, duration.seconds);
    let nanos = i64::from(duration.nanos);
    let total = i128::from(seconds) * i128::from(NANOS_PER_SECOND) + i128::from(nanos);
    Ok(Some(match name {
        "years" => months / 12,
        "quarters" => months / 3,
        "months" => months,
        "weeks" => days / 7,
        "days" => days,
        "hours" => seconds / 3_600,
        "minutes" => seconds / 60,
        "seconds" => seconds,
        "milliseconds" => narrow(total.div_euclid(1_000_000))?,
        "microseconds" => narrow(total.div_euclid(1_000))?,
        "nanoseconds" => narrow(total)?,
        "quartersOfYear" => months / 3 % 4,
        "monthsOfYear" => months % 12,
        "monthsOfQuarter" => months % 3,
        "daysOfWeek" => days % 7,
        "minutesOfHour" => seconds / 60 % 60,
        "secondsOfMinute" => seconds % 60,
        "millisecondsOfSecond" => nanos / 1_000_000,
        "microsecondsOfSecond" => nanos / 1_000,
        "nanosecondsOfSecond" => nanos,
        _ => return Ok(None),
    }))
}

fn narrow(value: i128) -> Result<i64, TemporalError> {
    i64::try_from(value).map_err(|_| TemporalError::Overflow { what: "Component" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporal::{Kind, Moment, make};

    fn check(value: &Value, expected: &[(&str, i64)]) {
        for (name, number) in expected {
            assert_eq!(component(value, name), Ok(Value::Integer(*number)), "{name}");
        }
    }

    fn made(kind: Kind, text: &str) -> Value {
        make(kind, &Value::from(text), &Moment::utc(0)).expect("a value")
    }

    #[test]
    fn a_date_knows_its_weeks_and_quarters() {
        let date = made(Kind::Date, "2010-01-03");
        check(&date, &[("year", 2010), ("quarter", 1), ("week", 53), ("weekYear", 2009), ("weekDay", 7)]);
        check(&date, &[("day", 3), ("ordinalDay", 3), ("dayOfWeek", 7), ("dayOfQuarter", 3)]);
        assert!(component(&date, "hour").is_err());
        assert!(component(&date, "timezone").is_err());
    }

    #[test]
    fn an_instant_knows_its_zone_and_epoch() {
        let instant =
            made(Kind::DateTime, "1969-12-31T23:59:59.5-02:05:07[America/Nowhere]".split('[').next().expect("text"));
        check(
            &instant,
            &[("offsetMinutes", -125), ("offsetSeconds", -7507), ("epochSeconds", 7506), ("epochMillis", 7_506_500)],
        );
        assert_eq!(component(&instant, "timezone"), Ok(Value::from("-02:05:07")));
        let named = made(Kind::DateTime, "2017-07-01T00:00[Europe/Stockholm]");
        assert_eq!(component(&named, "timezone"), Ok(Value::from("Europe/Stockholm")));
        assert_eq!(component(&named, "offset"), Ok(Value::from("+02:00")));
    }

    #[test]
    fn parts_of_a_duration_count_down_from_below() {
        let duration = Value::from(Duration::parse("P-1Y-4M10DT-0.9S").expect("a duration"));
        check(&duration, &[("years", -1), ("months", -16), ("monthsOfYear", -4), ("quarters", -5), ("weeks", 1)]);
        check(&duration, &[("seconds", -1), ("nanosecondsOfSecond", 100_000_000), ("milliseconds", -900)]);
        let long = Value::from(Duration::new(0, 0, i64::MAX, 0).expect("a duration"));
        assert!(component(&long, "nanoseconds").is_err());
    }
}
