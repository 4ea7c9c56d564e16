//! Values of literals: numbers, texts and quoted names.

use compact_str::CompactString;

/// Why a literal has no value; the words in brackets are the ones openCypher's tests use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiteralError {
    /// Larger than 64 bits.
    #[error("integer is too large (IntegerOverflow)")]
    IntegerOverflow,
    /// Larger than the largest float.
    #[error("floating point number is too large (FloatingPointOverflow)")]
    FloatOverflow,
    /// Not a number.
    #[error("invalid literal number (InvalidNumberLiteral)")]
    Number,
    /// `\u` without four, or `\U` without eight hexadecimal digits of a character.
    #[error("invalid Unicode escape: expected '\\uXXXX' or '\\UXXXXXXXX' (InvalidUnicodeLiteral)")]
    Unicode,
    /// A backslash before a character that it does not change.
    #[error("invalid escape: expected one of \\b \\f \\n \\r \\t \\' \\\" \\` \\\\ \\uXXXX \\UXXXXXXXX")]
    Escape,
}

/// Reads a whole number in base 10, 16 (`0x`) or 8 (`0o`), with its sign.
pub fn integer(text: &str, negative: bool) -> Result<i64, LiteralError> {
    let (digits, base) = match text.get(..2) {
        Some("0x" | "0X") => (&text[2..], 16),
        Some("0o" | "0O") => (&text[2..], 8),
        _ => (text, 10),
    };
    let digits = without_underscores(digits)?;
    if !digits.chars().all(|digit| digit.is_digit(base)) {
        return Err(LiteralError::Number);
    }
    let size = i128::from(u64::from_str_radix(&digits, base).map_err(|_| LiteralError::IntegerOverflow)?);
    i64::try_from(if negative { -size } else { size }).map_err(|_| LiteralError::IntegerOverflow)
}

/// Reads a number with a point or an exponent.
pub fn float(text: &str) -> Result<f64, LiteralError> {
    let value: f64 = without_underscores(text)?.parse().map_err(|_| LiteralError::Number)?;
    if value.is_finite() { Ok(value) } else { Err(LiteralError::FloatOverflow) }
}

/// Takes single underscores between digits out of a number.
fn without_underscores(digits: &str) -> Result<CompactString, LiteralError> {
    let stray = digits.starts_with('_') || digits.ends_with('_') || digits.contains("__");
    if stray || digits.contains("_.") || digits.contains("._") {
        return Err(LiteralError::Number);
    }
    Ok(digits.chars().filter(|c| *c != '_').collect())
}

/// Takes the quotes off a text and resolves its escapes; an error comes with its place inside the text.
pub fn text(quoted: &str) -> Result<CompactString, (LiteralError, usize)> {
    let inner = &quoted[1..quoted.len() - 1];
    if !inner.contains('\\') {
        return Ok(inner.into());
    }
    let mut out = CompactString::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let place = 1 + inner.len() - rest.len() + at;
        let (character, used) = escape(&rest[at + 1..]).map_err(|error| (error, place))?;
        out.push(character);
        rest = &rest[at + 1 + used..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Reads one escape behind its backslash: the character, and how many bytes were used.
fn escape(rest: &str) -> Result<(char, usize), LiteralError> {
    let plain = match rest.bytes().next() {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(rest, 4),
        Some(b'U') => return unicode(rest, 8),
        Some(quote @ (b'\'' | b'"' | b'`' | b'\\')) => char::from(quote),
        _ => return Err(LiteralError::Escape),
    };
    Ok((plain, 1))
}

fn unicode(rest: &str, digits: usize) -> Result<(char, usize), LiteralError> {
    let high = hexadecimal(rest, 1, digits)?;
    if let Some(character) = char::from_u32(high) {
        return Ok((character, 1 + digits));
    }
    // Half of a surrogate pair: the other half must follow, as Java writes characters above U+FFFF.
    let paired = (0xD800..0xDC00).contains(&high) && rest.get(5..7) == Some("\\u");
    let low = if paired { hexadecimal(rest, 7, 4)? } else { 0 };
    if !(0xDC00..0xE000).contains(&low) {
        return Err(LiteralError::Unicode);
    }
    let joined = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    Ok((char::from_u32(joined).ok_or(LiteralError::Unicode)?, 11))
}

fn hexadecimal(rest: &str, start: usize, digits: usize) -> Result<u32, LiteralError> {
    let text = rest.get(start..start + digits).ok_or(LiteralError::Unicode)?;
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(LiteralError::Unicode);
    }
    u32::from_str_radix(text, 16).map_err(|_| LiteralError::Unicode)
}

/// Takes the back-quotes off a name.
pub fn quoted_name(quoted: &str) -> CompactString {
    let inner = &quoted[1..quoted.len() - 1];
    if inner.contains("``") { inner.replace("``", "`").into() } else { inner.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(quoted: &str, expected: &str) {
        let got = text(quoted).map_or_else(|(error, at)| format!("{error:?} at {at}"), |text| text.to_string());
        assert_eq!(got, expected);
    }

    #[test]
    fn texts_with_escapes() {
        check_text(r"'plain'", "plain");
        check_text(r"'a\'b\\c\n'", "a'b\\c\n");
        check_text(r#""\"""#, "\"");
        check_text(r"'\u0041\U0001F600'", "A😀");
        check_text(r"'\uD83D\uDE00'", "😀");
        check_text(r"'ab\uH'", "Unicode at 3");
        check_text(r"'\uD83D'", "Unicode at 1");
        check_text(r"'\q'", "Escape at 1");
    }

    fn check_integer(text: &str, negative: bool, expected: Result<i64, LiteralError>) {
        assert_eq!(integer(text, negative), expected, "{text}");
    }

    #[test]
    fn integers() {
        check_integer("0", false, Ok(0));
        check_integer("1_000_000", false, Ok(1_000_000));
        check_integer("0x1A", false, Ok(26));
        check_integer("0o17", false, Ok(15));
        check_integer("9223372036854775807", false, Ok(i64::MAX));
        check_integer("9223372036854775808", true, Ok(i64::MIN));
        check_integer("9223372036854775808", false, Err(LiteralError::IntegerOverflow));
        check_integer("0x8000000000000000", false, Err(LiteralError::IntegerOverflow));
        check_integer("0o1000000000000000000000", false, Err(LiteralError::IntegerOverflow));
        check_integer("0o18", false, Err(LiteralError::Number));
        check_integer("1__0", false, Err(LiteralError::Number));
        check_integer("1_", false, Err(LiteralError::Number));
    }

    #[test]
    fn floats() {
        assert_eq!(float("1.5e3"), Ok(1500.0));
        assert_eq!(float(".5"), Ok(0.5));
        assert_eq!(float("1_0.2_5"), Ok(10.25));
        assert_eq!(float("1.34E999"), Err(LiteralError::FloatOverflow));
    }
}
