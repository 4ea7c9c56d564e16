//! Values as JSON that loses nothing, and as Cypher that any server reads.
//! Start reading at [`to_json`] and [`of_json`].

use serde_json::{Map as Object, Number, Value as Json, json};
use types::temporal::ZoneId;
use types::{CompactString, Date, DateTime, Duration, LocalDateTime, LocalTime, Map, Point, Time, Value, text};

/// What stands beside the value of a type that JSON does not have.
const TYPE: &str = "$type";
const VALUE: &str = "_value";
/// Lists within lists, at most.
const DEPTH_MAX: usize = 64;

/// Turns a property into JSON; types that JSON lacks become `{"$type": ..., "_value": ...}`.
pub(super) fn to_json(value: &Value) -> Json {
    let typed = |kind: &str, value: Json| json!({ TYPE: kind, VALUE: value });
    let written = |kind: &str| typed(kind, text::to_text(value).unwrap_or_default().as_str().into());
    match value {
        Value::Boolean(truth) => (*truth).into(),
        Value::Integer(integer) => (*integer).into(),
        Value::Float(float) => match Number::from_f64(*float) {
            Some(number) => Json::Number(number),
            None => written("Float"),
        },
        Value::String(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Bytes(bytes) => {
            typed("Bytes", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
        }
        Value::Date(_) => written("Date"),
        Value::LocalTime(_) => written("LocalTime"),
        Value::Time(_) => written("Time"),
        Value::LocalDateTime(_) => written("LocalDateTime"),
        Value::DateTime(_) => written("ZonedDateTime"),
        Value::Duration(_) => written("Duration"),
        Value::Point(point) => {
            let mut coordinates = vec![point.x, point.y];
            coordinates.extend(point.z);
            let coordinates = coordinates.into_iter().map(|it| to_json(&Value::Float(it))).collect::<Vec<Json>>();
            typed("Point", json!({ "srid": point.srid, "coordinates": coordinates }))
        }
        // Properties are none of these.
        Value::Null
        | Value::Map(_)
        | Value::Node(_)
        | Value::Relationship(_)
        | Value::Path(_)
        | Value::NodeRef(_)
        | Value::RelationshipRef(_)
        | Value::PathRef(_) => Json::Null,
    }
}

/// Reads what [`to_json`] wrote, and what APOC writes: points as maps, everything temporal as text.
pub(super) fn of_json(json: &Json) -> Result<Value, String> {
    read(json, 0)
}

fn read(json: &Json, depth: usize) -> Result<Value, String> {
    if depth > DEPTH_MAX {
        return Err(format!("lists are nested deeper than {DEPTH_MAX}"));
    }
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Boolean(*truth),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::Integer(integer),
            None => Value::Float(number.as_f64().ok_or_else(|| format!("{number} is no number of this server"))?),
        },
        Json::String(text) => Value::string(text.as_str()),
        Json::Array(items) => Value::list(items.iter().map(|item| read(item, depth + 1)).collect::<Result<_, _>>()?),
        Json::Object(object) => match (object.get(TYPE).and_then(Json::as_str), object.get(VALUE)) {
            (Some(kind), Some(value)) => typed(kind, value)?,
            _ => Value::Point(Box::new(apoc_point(object).ok_or("a map is no property")?)),
        },
    })
}

fn typed(kind: &str, value: &Json) -> Result<Value, String> {
    if kind == "Point" {
        return point(value)
            .map(|point| Value::Point(Box::new(point)))
            .ok_or_else(|| "a point lacks coordinates".to_owned());
    }
    let text = value.as_str().ok_or_else(|| format!("the value of a {kind} is no text"))?;
    let failed = |error: types::temporal::TemporalError| error.to_string();
    Ok(match kind {
        "Float" => Value::Float(match text {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            text => text.parse().map_err(|_| format!("\"{text}\" is no float"))?,
        }),
        "Bytes" => {
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
            let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
            Value::Bytes(bytes.ok_or("bytes are no hexadecimal digits")?.into())
        }
        "Date" => Value::Date(Date::parse(text).map_err(failed)?),
        "LocalTime" => Value::LocalTime(LocalTime::parse(text).map_err(failed)?),
        "Time" => Value::Time(Time::parse(text, &ZoneId::UTC).map_err(failed)?),
        "LocalDateTime" => Value::LocalDateTime(LocalDateTime::parse(text).map_err(failed)?),
        "ZonedDateTime" => Value::DateTime(Box::new(DateTime::parse(text, &ZoneId::UTC).map_err(failed)?)),
        "Duration" => Value::Duration(Box::new(Duration::parse(text).map_err(failed)?)),
        other => return Err(format!("\"{other}\" is no type of this server")),
    })
}

fn point(value: &Json) -> Option<Point> {
    let srid = u32::try_from(value.get("srid")?.as_u64()?).ok()?;
    let coordinates = value.get("coordinates")?.as_array()?;
    let number = |at: usize| match of_json(coordinates.get(at)?) {
        Ok(Value::Float(float)) => Some(float),
        #[expect(clippy::cast_precision_loss, reason = "a coordinate is a float, however it was written")]
        Ok(Value::Integer(integer)) => Some(integer as f64),
        _ => None,
    };
    let is_known = matches!((srid, coordinates.len()), (7203 | 4326, 2) | (9157 | 4979, 3));
    if is_known { Some(Point { srid, x: number(0)?, y: number(1)?, z: number(2) }) } else { None }
}

/// Reads a point as `apoc.export.json` writes it.
fn apoc_point(object: &Object<String, Json>) -> Option<Point> {
    let number = |names: [&str; 2]| names.iter().find_map(|name| object.get(*name)?.as_f64());
    let srid = match object.get("crs")?.as_str()? {
        "cartesian" => 7203,
        "cartesian-3d" => 9157,
        "wgs-84" => 4326,
        "wgs-84-3d" => 4979,
        _ => return None,
    };
    let z = if matches!(srid, 9157 | 4979) { Some(number(["z", "height"])?) } else { None };
    Some(Point { srid, x: number(["x", "longitude"])?, y: number(["y", "latitude"])?, z })
}

/// Writes a property as Cypher on one line; nothing for bytes, which have no literal.
pub(super) fn to_cypher(value: &Value, out: &mut String) -> Option<()> {
    let call = |name: &str, out: &mut String| {
        out.push_str(name);
        out.push('(');
        quote(text::to_text(value).unwrap_or_default().as_str(), out);
        out.push(')');
    };
    match value {
        Value::Null => out.push_str("null"),
        Value::String(text) => quote(text, out),
        Value::Boolean(_) | Value::Integer(_) => out.push_str(&text::to_text(value)?),
        Value::Float(float) if float.is_nan() => out.push_str("(0.0 / 0.0)"),
        Value::Float(float) if float.is_infinite() => {
            out.push_str(if *float > 0.0 { "(1.0 / 0.0)" } else { "(-1.0 / 0.0)" });
        }
        Value::Float(float) => out.push_str(&format!("{float:?}")),
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                to_cypher(item, out)?;
            }
            out.push(']');
        }
        Value::Date(_) => call("date", out),
        Value::LocalTime(_) => call("localtime", out),
        Value::Time(_) => call("time", out),
        Value::LocalDateTime(_) => call("localdatetime", out),
        Value::DateTime(_) => call("datetime", out),
        Value::Duration(_) => call("duration", out),
        Value::Point(point) => {
            out.push_str(&format!("point({{x: {:?}, y: {:?}", point.x, point.y));
            if let Some(z) = point.z {
                out.push_str(&format!(", z: {z:?}"));
            }
            out.push_str(&format!(", srid: {}}})", point.srid));
        }
        _ => return None,
    }
    Some(())
}

/// Writes a map of properties, sorted by key; nothing if one of them has no literal.
pub(super) fn map_to_cypher(properties: &Map, out: &mut String) -> Option<()> {
    out.push('{');
    for (at, (key, value)) in sorted(properties).into_iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        name(key, out);
        out.push_str(": ");
        to_cypher(value, out)?;
    }
    out.push('}');
    Some(())
}

/// Writes a name in back-quotes.
pub(super) fn name(text: &str, out: &mut String) {
    out.push('`');
    out.push_str(&text.replace('`', "``"));
    out.push('`');
}

/// Sorts properties by key, so that the same graph always gives the same file.
pub(super) fn sorted(properties: &Map) -> Vec<(&CompactString, &Value)> {
    let mut entries: Vec<_> = properties.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
}

fn quote(text: &str, out: &mut String) {
    out.push('\'');
    for sign in text.chars() {
        match sign {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            sign if sign.is_control() || matches!(sign, '\u{2028}' | '\u{2029}') => {
                out.push_str(&format!("\\u{:04X}", u32::from(sign)));
            }
            sign => out.push(sign),
        }
    }
    out.push('\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &Value, json: &str) {
        let written = to_json(value);
        assert_eq!(written.to_string(), json);
        let back = of_json(&serde_json::from_str(json).expect("JSON")).expect("reads");
        assert_eq!(format!("{back:?}"), format!("{value:?}"));
    }

    #[test]
    fn f24_every_type_comes_back() {
        check(&Value::Integer(i64::MIN), "-9223372036854775808");
        check(&Value::Float(1.0), "1.0");
        check(&Value::Float(-0.0), "-0.0");
        check(&Value::Float(0.1 + 0.2), "0.30000000000000004");
        check(&Value::Float(f64::MIN_POSITIVE / 8.0), "2.781342323134e-309");
        check(&Value::Float(f64::NAN), r#"{"$type":"Float","_value":"NaN"}"#);
        check(&Value::Float(f64::NEG_INFINITY), r#"{"$type":"Float","_value":"-Infinity"}"#);
        check(&Value::string("it's \"\n\u{1F600}"), "\"it's \\\"\\n😀\"");
        check(&Value::Bytes(vec![0, 255].into()), r#"{"$type":"Bytes","_value":"00ff"}"#);
        check(&Value::list(vec![Value::Boolean(true), Value::Boolean(false)]), "[true,false]");
        let date = Date::parse("-0044-03-15").expect("a date");
        check(&Value::Date(date), r#"{"$type":"Date","_value":"-0044-03-15"}"#);
        let zoned = DateTime::parse("2024-10-27T02:30:00.000000001+01:00[Europe/Oslo]", &ZoneId::UTC).expect("a time");
        check(
            &Value::DateTime(Box::new(zoned)),
            r#"{"$type":"ZonedDateTime","_value":"2024-10-27T02:30:00.000000001+01:00[Europe/Oslo]"}"#,
        );
        let point = Point { srid: 4979, x: 10.5, y: 59.0, z: Some(0.1) };
        check(
            &Value::Point(Box::new(point)),
            r#"{"$type":"Point","_value":{"srid":4979,"coordinates":[10.5,59.0,0.1]}}"#,
        );
    }

    #[test]
    fn f24_what_makes_no_sense_is_refused() {
        for bad in [
            r#"{"$type":"Point","_value":{"srid":4979,"coordinates":[1,2]}}"#,
            r#"{"$type":"Date","_value":"soon"}"#,
            r#"{"$type":"Number","_value":"1"}"#,
            r#"{"a":1}"#,
        ] {
            assert!(of_json(&serde_json::from_str(bad).expect("JSON")).is_err(), "{bad}");
        }
    }
}
