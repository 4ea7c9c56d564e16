//! A statement's text as it may be shown to others: without its passwords.
//! Leaves who shows it to logs, listings and the audit.
//! Start reading at [`without_secrets`].

use std::borrow::Cow;

use crate::token::{self, Piece, Token};

/// Words that a command with a password in it begins with, behind `EXPLAIN` and the like.
const BEGINNINGS: &[&[&str]] = &[
    &["CREATE", "USER"],
    &["CREATE", "OR", "REPLACE", "USER"],
    &["ALTER", "USER"],
    &["ALTER", "CURRENT", "USER"],
    &["CREATE", "ALIAS"],
    &["CREATE", "OR", "REPLACE", "ALIAS"],
    &["ALTER", "ALIAS"],
];

/// Most tokens in front of a command's first word: `EXPLAIN CYPHER 5 runtime = slotted`.
const PREFIX_TOKENS_MAX: usize = 32;
/// Longest text in which a command is looked for; no command that holds a password is longer.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// Where a command's first words are looked for, unless a comment begins there.
const HEAD_BYTES: usize = 64 << 10;

/// Gives the text with `'******'` in the place of every text in quotes, where the statement sets a password.
///
/// Every other statement comes back as it is. What does not parse is treated like what does: a slip of the pen must not
/// bring a password into a log.
#[must_use]
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    if !may_hold_secret(text) {
        return Cow::Borrowed(text);
    }
    if text.len() > TEXT_BYTES_MAX {
        return Cow::Borrowed("a command with a password, too long to be shown");
    }
    let pieces = token::tokenize(text);
    if !begins_with_secret(text, &pieces) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut from = 0;
    for piece in &pieces {
        // A text without an end runs to the end of the statement.
        if matches!(piece.token, Token::Text | Token::Broken(token::LexicalError::TextOpen)) {
            shown.push_str(&text[from..piece.span.start as usize]);
            shown.push_str("'******'");
            from = piece.span.end as usize;
        }
    }
    shown.push_str(&text[from..]);
    Cow::Owned(shown)
}

/// Tells whether the statement sets a password, so that its parameters may hold one.
///
/// What does not parse, or is too long to be looked through, is taken for one that does.
#[must_use]
pub fn sets_secret(text: &str) -> bool {
    may_hold_secret(text) && (text.len() > TEXT_BYTES_MAX || begins_with_secret(text, &token::tokenize(text)))
}

/// Tells whether a command that may hold a password is among the first words.
fn begins_with_secret(text: &str, pieces: &[Piece]) -> bool {
    let word = |at: usize, word: &str| {
        let piece = pieces.get(at);
        piece.is_some_and(|piece| {
            piece.token == Token::Word
                && text[piece.span.start as usize..piece.span.end as usize].eq_ignore_ascii_case(word)
        })
    };
    let begins = |at: usize| {
        BEGINNINGS.iter().any(|words| words.iter().enumerate().all(|(ahead, expected)| word(at + ahead, expected)))
    };
    (0..PREFIX_TOKENS_MAX).any(begins)
}

/// Tells quickly that most statements hold none, by their first letter; the others must speak of users or aliases.
fn may_hold_secret(text: &str) -> bool {
    let bytes = &text.as_bytes()[..text.len().min(HEAD_BYTES)];
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace()).map(u8::to_ascii_lowercase);
    // CREATE, CYPHER, ALTER, EXPLAIN, PROFILE, a comment, and characters that are no ASCII.
    if !first.is_some_and(|byte| matches!(byte, b'c' | b'a' | b'e' | b'p' | b'/' | b':' | 0x80..)) {
        return false;
    }
    let has_comment = || bytes.windows(2).any(|window| matches!(window, b"/*" | b"//"));
    // A comment may be longer than the head, and stand in front of what tells or in the middle of it.
    let bytes = if text.len() > bytes.len() && has_comment() { text.as_bytes() } else { bytes };
    let holds = |word: &[u8]| bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    holds(b"user") || holds(b"alias")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(without_secrets(text), expected);
    }

    #[test]
    fn f97_passwords_are_stars() {
        check("CREATE USER ann SET PASSWORD 'secret'", "CREATE USER ann SET PASSWORD '******'");
        check(
            "/* x */ explain alter user a set password \"s\\\"x\"",
            "/* x */ explain alter user a set password '******'",
        );
        check(
            "CYPHER 5 CREATE OR REPLACE USER a SET PASSWORD 'open",
            "CYPHER 5 CREATE OR REPLACE USER a SET PASSWORD '******'",
        );
        check(
            "ALTER CURRENT USER SET PASSWORD FROM 'old' TO 'new'",
            "ALTER CURRENT USER SET PASSWORD FROM '******' TO '******'",
        );

        check("CREATE USER a SET PASSWRD 'typo'", "CREATE USER a SET PASSWRD '******'");
        check("MATCH (n {password: 'x'}) RETURN n", "MATCH (n {password: 'x'}) RETURN n");
        check("CREATE USER a SET PASSWORD $p", "CREATE USER a SET PASSWORD $p");
    }
}
