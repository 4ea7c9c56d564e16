//! What others wrote, as it may be shown: nothing that a terminal would obey, no password in an address.
//! Leaves to logs and listings where to show it, and the passwords in statements to `cypher`.
//! Start reading at [`visible`] and [`without_user_info`].

use std::borrow::Cow;

/// Gives a text with those characters written out that nobody can see: ends of lines, what terminals obey, what turns the
/// direction of what follows.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(|character| !character.is_control() && !is_hidden(character)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_unicode());
        } else if character.is_control() {
            shown.extend(character.escape_debug());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// These turn the direction of what follows, or take no room.
fn is_hidden(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// What stands in the place of a secret.
const STARS: &str = "******";

/// Gives a text with stars in the place of user and password in every address: `http://******@host/x`.
///
/// The text may be an address, or hold some, as a statement does.
#[must_use]
pub fn without_user_info(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut from = 0;
    while let Some(found) = text[from..].find("://") {
        let begin = from + found + "://".len();
        let authority = authority(text, begin);
        let end = authority.rfind('@').map_or(begin, |at| begin + at);
        shown.push_str(&text[from..begin]);
        if end > begin {
            shown.push_str(STARS);
        }
        from = end;
    }
    if from == 0 || !shown.contains(STARS) {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[from..]);
    Cow::Owned(shown)
}

/// Gives the part of an address that begins at `begin` and may hold a user: to the next `/`, `?` or `#`, a space, or the
/// quote in which the address stands.
fn authority(text: &str, begin: usize) -> &str {
    let before = text[..begin - "://".len()]
        .trim_end_matches(|sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '+' | '.' | '-' | ':'));
    let opening = before.chars().next_back().filter(|sign| is_quote(*sign));
    let mut is_escaped = false;
    let end = text[begin..].find(|sign: char| {
        if std::mem::take(&mut is_escaped) {
            return false;
        }
        is_escaped = sign == '\\';
        let is_closing = opening.map_or(is_quote(sign), |opening| sign == opening);
        is_closing || sign.is_whitespace() || matches!(sign, '/' | '?' | '#')
    });
    &text[begin..end.map_or(text.len(), |end| begin + end)]
}

fn is_quote(sign: char) -> bool {
    matches!(sign, '\'' | '"' | '`')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f94_what_terminals_obey_is_written_out() {
        assert_eq!(visible("a b ä\u{1f600}"), "a b ä\u{1f600}");
        assert_eq!(visible("a\nb\u{1b}[2J\u{9b}x\u{202e}\0"), "a\\nb\\u{1b}[2J\\u{9b}x\\u{202e}\\0");
    }

    #[test]
    fn f97_addresses_lose_user_and_password() {
        let check = |text: &str, expected: &str| assert_eq!(without_user_info(text), expected, "{text}");
        check("http://user:secret@host/x?a@b", "http://******@host/x?a@b");
        check("https://host/@scope/x a@b", "https://host/@scope/x a@b");
        check("LOAD CSV FROM 'http://u:p@ss@h/x' AS r", "LOAD CSV FROM 'http://******@h/x' AS r");
        check("LOAD CSV FROM 'http://u:p\"x@h/x' AS r", "LOAD CSV FROM 'http://******@h/x' AS r");
        check("RETURN ['http://h','a@b']", "RETURN ['http://h','a@b']");
        check(r"RETURN 'http://u:p\'x@h', 1", "RETURN 'http://******@h', 1");
        check("'jdbc:mysql://u:p@h' 'ftp://t@h'", "'jdbc:mysql://******@h' 'ftp://******@h'");
        check("://://@", "://://@");
    }
}
