//! A column's text as a value.

use types::temporal::ZoneId;
use types::{Crs, Date, DateTime, Duration, LocalDateTime, LocalTime, Point, Time, Value};

/// What a column's text is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `byte`, `short`, `int`, `long`: a whole number.
    Integer,
    /// `float`, `double`: a number.
    Float,
    /// `boolean`: `true` or `false`.
    Boolean,
    /// `string`, `char`: the text itself.
    String,
    /// `date`.
    Date,
    /// `localtime`.
    LocalTime,
    /// `time`; UTC without an offset.
    Time,
    /// `localdatetime`.
    LocalDateTime,
    /// `datetime`; UTC without an offset or a zone.
    DateTime,
    /// `duration`.
    Duration,
    /// `point`: `{x: 1, y: 2}` or `{latitude: 1, longitude: 2}`, with an optional height and `crs`.
    Point,
}

impl Kind {
    /// Finds a type by the name that headers use, in any case.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "byte" | "short" | "int" | "integer" | "long" => Self::Integer,
            "float" | "double" => Self::Float,
            "boolean" => Self::Boolean,
            "string" | "char" => Self::String,
            "date" => Self::Date,
            "localtime" => Self::LocalTime,
            "time" => Self::Time,
            "localdatetime" => Self::LocalDateTime,
            "datetime" => Self::DateTime,
            "duration" => Self::Duration,
            "point" => Self::Point,
            _ => return None,
        })
    }

    /// Reads a field; the error is a reason for people.
    pub fn read(self, text: &str) -> Result<Value, String> {
        let utc = ZoneId::Offset(0);
        let text = if self == Self::String { text } else { text.trim() };
        match self {
            Self::String => Ok(Value::string(text)),
            Self::Integer => text.parse().map(Value::Integer).map_err(|_| not_a("whole number of 64 bits", text)),
            Self::Float => text.parse().map(Value::Float).map_err(|_| not_a("number", text)),
            Self::Boolean if text.eq_ignore_ascii_case("true") => Ok(Value::Boolean(true)),
            Self::Boolean if text.eq_ignore_ascii_case("false") => Ok(Value::Boolean(false)),
            Self::Boolean => Err(not_a("boolean", text)),
            Self::Date => Date::parse(text).map(Value::Date).map_err(reason),
            Self::LocalTime => LocalTime::parse(text).map(Value::LocalTime).map_err(reason),
            Self::Time => Time::parse(text, &utc).map(Value::Time).map_err(reason),
            Self::LocalDateTime => LocalDateTime::parse(text).map(Value::LocalDateTime).map_err(reason),
            Self::DateTime => DateTime::parse(text, &utc).map(|at| Value::DateTime(Box::new(at))).map_err(reason),
            Self::Duration => Duration::parse(text).map(|long| Value::Duration(Box::new(long))).map_err(reason),
            Self::Point => point(text).map(|point| Value::Point(Box::new(point))).ok_or_else(|| not_a("point", text)),
        }
    }
}

fn not_a(what: &str, text: &str) -> String {
    format!("\"{text}\" is no {what}")
}

#[expect(clippy::needless_pass_by_value, reason = "taken by `map_err`")]
fn reason(error: types::temporal::TemporalError) -> String {
    error.to_string()
}

fn point(text: &str) -> Option<Point> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let (mut x, mut y, mut z, mut named) = (None, None, None, None);
    let mut on_globe = false;
    for entry in inner.split(',') {
        let (key, value) = entry.split_once(':')?;
        let value = value.trim().trim_matches(['\'', '"']);
        let key = key.trim().to_ascii_lowercase();
        on_globe |= key == "longitude" || key == "latitude";
        let place = match key.as_str() {
            "crs" => {
                named = Some(Crs::by_name(value)?);
                continue;
            }
            "srid" => {
                named = Some(Crs::by_srid(value.parse().ok()?)?);
                continue;
            }
            "x" | "longitude" => &mut x,
            "y" | "latitude" => &mut y,
            "z" | "height" => &mut z,
            _ => return None,
        };
        let number: f64 = value.parse().ok()?;
        if place.replace(number).is_some() {
            return None;
        }
    }
    let (x, y) = (x?, y?);
    let crs = named.unwrap_or(match (on_globe, z.is_some()) {
        (false, false) => Crs::Cartesian,
        (false, true) => Crs::Cartesian3D,
        (true, false) => Crs::Wgs84,
        (true, true) => Crs::Wgs84With3D,
    });
    let in_range = !crs.is_geographic() || (x.abs() <= 180.0 && y.abs() <= 90.0);
    (crs.has_height() == z.is_some() && in_range).then_some(Point { srid: crs.srid(), x, y, z })
}

#[cfg(test)]
mod tests {
    use types::text::literal;

    use super::*;

    fn check(kind: &str, text: &str, expected: &str) {
        let kind = Kind::by_name(kind).expect("a type of headers");
        let shown = kind.read(text).map_or_else(|reason| format!("error: {reason}"), |value| literal(&value));
        assert_eq!(shown, expected);
    }

    #[test]
    fn numbers_and_text() {
        check("long", " 42 ", "42");
        check("int", "4.2", "error: \"4.2\" is no whole number of 64 bits");
        check("double", "1e3", "1000.0");
        check("boolean", "TRUE", "true");
        check("boolean", "yes", "error: \"yes\" is no boolean");
        check("string", " a ", "' a '");
    }

    #[test]
    fn moments() {
        check("date", "2013-01-31", "'2013-01-31'");
        check("localtime", "05:15", "'05:15'");
        check("datetime", "2013-01-01T10:00", "'2013-01-01T10:00Z'");
        check("duration", "PT90M", "'PT1H30M'");
        assert!(Kind::Date.read("2013-02-30").is_err());
    }

    #[test]
    fn points() {
        check("point", "{x: 1, y: 2}", "point({x: 1.0, y: 2.0, crs: 'cartesian'})");
        check("point", "{latitude:40.6, longitude:-73.8}", "point({x: -73.8, y: 40.6, crs: 'wgs-84'})");
        check("point", "{x: 1}", "error: \"{x: 1}\" is no point");
        check("point", "{x: 1, y: 2, crs: wgs-84-3d}", "error: \"{x: 1, y: 2, crs: wgs-84-3d}\" is no point");
    }
}
