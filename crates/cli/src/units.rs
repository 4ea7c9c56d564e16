//! Times and sizes as people write them: `30s`, `5m`, `512MiB`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A time; `0` stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Text", into = "String")]
pub struct Time(pub Duration);

/// A number of bytes; `0` stands for no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Text", into = "String")]
pub struct Bytes(pub usize);

/// What a file may hold: text with a unit, or a bare number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Number(u64),
    Text(String),
}

const TIMES: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const SIZES: [(&str, u64); 10] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("K", 1 << 10),
    ("M", 1 << 20),
    ("G", 1 << 30),
];

impl Time {
    /// Reads a time; the error is a reason for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let millis = scaled(text, &TIMES, None)
            .ok_or_else(|| format!("\"{text}\" is no time. Write 500ms, 30s, 5m, 2h, 1d, or 0 for none."))?;
        Ok(Self(Duration::from_millis(millis)))
    }
}

impl Bytes {
    /// Reads a size; the error is a reason for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        scaled(text, &SIZES, Some(1))
            .and_then(|bytes| usize::try_from(bytes).ok())
            .map(Self)
            .ok_or_else(|| format!("\"{text}\" is no size. Write 512MiB, 2GiB, a number of bytes, or 0 for no bound."))
    }
}

impl From<Time> for String {
    /// Writes it in the largest unit that fits.
    fn from(Time(time): Time) -> Self {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let fits = |(_, factor): &&(&str, u64)| millis > 0 && millis.is_multiple_of(*factor);
        match TIMES.iter().rev().find(fits) {
            Some((unit, factor)) => format!("{}{unit}", millis / factor),
            None => "0".to_owned(),
        }
    }
}

impl From<Bytes> for String {
    fn from(Bytes(bytes): Bytes) -> Self {
        bytes.to_string()
    }
}

impl TryFrom<Text> for Time {
    type Error = String;

    fn try_from(text: Text) -> Result<Self, String> {
        Self::parse(&text.written())
    }
}

impl TryFrom<Text> for Bytes {
    type Error = String;

    fn try_from(text: Text) -> Result<Self, String> {
        Self::parse(&text.written())
    }
}

impl Text {
    fn written(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

/// Multiplies a number with its unit; a bare number other than 0 needs a `bare` factor.
fn scaled(text: &str, units: &[(&str, u64)], bare: Option<u64>) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let unit = unit.trim();
    let factor = match (unit, bare) {
        ("", Some(factor)) => factor,
        ("", None) if number == 0 => 1,
        ("", None) => return None,
        _ => units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1,
    };
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let check = |text: &str, millis: Option<u64>| {
            assert_eq!(Time::parse(text).ok(), millis.map(|millis| Time(Duration::from_millis(millis))), "{text}");
        };
        check("30s", Some(30_000));
        check(" 5 M ", Some(300_000));
        check("0", Some(0));
        check("250ms", Some(250));
        check("30", None);
        check("s", None);
        check("-1s", None);
        check("99999999999999999999d", None);
    }

    #[test]
    fn sizes_have_units_or_are_bytes() {
        let check = |text: &str, bytes: Option<usize>| assert_eq!(Bytes::parse(text).ok(), bytes.map(Bytes), "{text}");
        check("512MiB", Some(512 << 20));
        check("2 gb", Some(2_000_000_000));
        check("4096", Some(4096));
        check("0", Some(0));
        check("1.5G", None);
        check("lots", None);
    }
}
