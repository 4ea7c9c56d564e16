//! A statement's text as it may be shown to others: without its passwords.
//! Leaves who shows it to logs, listings and the audit.
//! Start reading at [`without_secrets`].

use std::borrow::Cow;

use types::shown::without_user_info;

use crate::token::{self, Piece, Token};

/// Words that stand next to each other only in a command that may hold a password, wherever they stand: behind
/// `EXPLAIN`, `USE system` or another statement.
const COMMANDS: &[&[&str]] = &[
    &["CREATE", "USER"],
    &["REPLACE", "USER"],
    &["ALTER", "USER"],
    &["CURRENT", "USER"],
    &["CREATE", "ALIAS"],
    &["REPLACE", "ALIAS"],
    &["ALTER", "ALIAS"],
    &["SET", "PASSWORD"],
    &["PLAINTEXT", "PASSWORD"],
    &["ENCRYPTED", "PASSWORD"],
];
/// Keys of options that hold a secret; in lower case, in quotes or without.
const KEYS: &[&str] = &["seedcredentials", "seedconfig"];
/// Procedures of Neo4j that take passwords or settings, by how their names go on behind `dbms.`.
const PROCEDURES: &[&str] = &["security", "changepassword", "setconfigvalue"];
/// How a word begins that is meant to be `PASSWORD`.
const PASSWORD: &str = "PASSW";

/// Most tokens from `USER` to the `SET` of the same command: `USER $name IF EXISTS SET`.
const SET_TOKENS_MAX: usize = 5;
/// Longest text in which a command is looked for; no command that holds a password is longer.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// Tells whether what stands under a key of options is a secret.
#[must_use]
pub fn is_secret_key(key: &str) -> bool {
    KEYS.iter().any(|known| key.eq_ignore_ascii_case(known))
}

/// Gives the text with `'******'` in the place of every text in quotes, where the statement sets a password or hands over
/// credentials, and without user and password in addresses.
///
/// Every other statement comes back as it is. What does not parse is treated like what does: a slip of the pen must not
/// bring a password into a log.
#[must_use]
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    if !may_hold_secret(text) {
        return without_user_info(text);
    }
    if text.len() > TEXT_BYTES_MAX {
        return Cow::Borrowed("a command with a password, too long to be shown");
    }
    let pieces = token::tokenize(text);
    if !holds_secret(text, &pieces) {
        return without_user_info(text);
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
    // What stands in no quotes may be an address, too: in a comment.
    Cow::Owned(without_user_info(&shown).into_owned())
}

/// Tells whether the statement sets a password or hands over credentials, so that its parameters may hold them.
///
/// What does not parse, or is too long to be looked through, is taken for one that does.
#[must_use]
pub fn sets_secret(text: &str) -> bool {
    may_hold_secret(text) && (text.len() > TEXT_BYTES_MAX || holds_secret(text, &token::tokenize(text)))
}

/// Tells whether a command that may hold a password is among the words, also one that was mistyped.
fn holds_secret(text: &str, pieces: &[Piece]) -> bool {
    let word = |at: usize| {
        let piece = pieces.get(at).filter(|piece| piece.token == Token::Word)?;
        Some(&text[piece.span.start as usize..piece.span.end as usize])
    };
    let is = |at: usize, expected: &str| word(at).is_some_and(|word| word.eq_ignore_ascii_case(expected));
    let is_text = |at: usize| {
        let token = pieces.get(at).map(|piece| piece.token);
        matches!(token, Some(Token::Text | Token::Broken(token::LexicalError::TextOpen) | Token::Dollar))
    };
    (0..pieces.len()).any(|at| {
        let is_command = || COMMANDS.iter().any(|words| is(at, words[0]) && is(at + 1, words[1]));
        // `CREAT USER ann SET ...`
        let sets_user = || is(at, "USER") && (at + 2..=at + SET_TOKENS_MAX).any(|set| is(set, "SET"));
        // `SET PASSWRD 'open'`, `PASSWORD FROM 'old'`
        let is_password = || {
            let begins = word(at).and_then(|word| word.get(..PASSWORD.len()));
            begins.is_some_and(|begins| begins.eq_ignore_ascii_case(PASSWORD))
                && (is_text(at + 1) || (is(at + 1, "FROM") && is_text(at + 2)))
        };
        // `seedCredentials: 'open'`
        let is_key = || {
            let key =
                pieces.get(at).filter(|piece| matches!(piece.token, Token::Word | Token::QuotedName | Token::Text));
            let key = key
                .map(|piece| text[piece.span.start as usize..piece.span.end as usize].trim_matches(['`', '\'', '"']));
            key.is_some_and(is_secret_key)
        };
        // `dbms.security.createUser('ann', 'open')`
        let calls = || {
            let name = |word: &str| PROCEDURES.iter().any(|name| word.eq_ignore_ascii_case(name));
            let is_dot = pieces.get(at + 1).is_some_and(|piece| piece.token == Token::Dot);
            is(at, "dbms") && is_dot && word(at + 2).is_some_and(name)
        };
        is_command() || sets_user() || is_password() || is_key() || calls()
    })
}

/// Tells quickly that most statements hold none: only those may in which a telling word stands by itself.
fn may_hold_secret(text: &str) -> bool {
    let bytes = text.as_bytes();
    // What stands around a word is told apart from `(:User` and `{password:`; a comment may stand there.
    let ends = |byte: Option<&u8>| {
        byte.is_none_or(|byte| {
            byte.is_ascii_whitespace() || matches!(byte, b'/' | b'`' | b'$' | b'\'' | b'"' | b';' | 0x80..)
        })
    };
    let stands = |at: usize, word: &[u8], is_whole: bool| {
        let found = bytes.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word));
        found
            && ends(at.checked_sub(1).and_then(|before| bytes.get(before)))
            && (!is_whole || ends(bytes.get(at + word.len())))
    };
    // Keys of maps and names of procedures have signs around them, but are no part of a longer word.
    let begins = |at: usize, word: &[u8]| {
        let is_in_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let found = bytes.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word));
        found && !at.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(is_in_word)
    };
    let is_begun = |word: &'static [u8]| {
        memchr::memchr2_iter(word[0], word[0].to_ascii_uppercase(), bytes).any(|at| begins(at, word))
    };
    let is_there = |word: &'static [u8], is_whole: bool| {
        let (lower, upper) = (word[0].to_ascii_lowercase(), word[0].to_ascii_uppercase());
        memchr::memchr2_iter(lower, upper, bytes).any(|at| stands(at, word, is_whole))
    };
    is_there(b"user", true)
        || is_there(b"passw", false)
        || is_there(b"alias", true)
        || is_begun(b"seedc")
        || is_begun(b"dbms")
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
        check("USE system CREATE USER a SET PASSWORD 'x'", "USE system CREATE USER a SET PASSWORD '******'");
        check(
            "USE GRAPH[`system`]/**/ALTER/**/USER/**/a SET AUTH 'native' {SET PASSWORD 'x'}",
            "USE GRAPH[`system`]/**/ALTER/**/USER/**/a SET AUTH '******' {SET PASSWORD '******'}",
        );
        check(
            "RETURN 1; ALTER CURRENT USER SET PASSWORD FROM 'x' TO 'y'",
            "RETURN 1; ALTER CURRENT USER SET PASSWORD FROM '******' TO '******'",
        );
        check("WITH 1 AS x CREATE USER a SET PASSWORD 'x'", "WITH 1 AS x CREATE USER a SET PASSWORD '******'");
        check("CREAT USER a SET PASWORD 'x'", "CREAT USER a SET PASWORD '******'");
        check("ALTR USER $a IF EXISTS SET PASWORD 'x'", "ALTR USER $a IF EXISTS SET PASWORD '******'");
        check("CREATE OR REPLCE USER a SET PASSWORD 'x'", "CREATE OR REPLCE USER a SET PASSWORD '******'");
        check("ALTER USR a SET PASWD 1 SET PASSWORT 'x'", "ALTER USR a SET PASWD 1 SET PASSWORT '******'");

        check("MATCH (n {password: 'x'}) RETURN n", "MATCH (n {password: 'x'}) RETURN n");
        check("MATCH (u:User {name: 'x'}) SET u.password = 'y'", "MATCH (u:User {name: 'x'}) SET u.password = 'y'");
        check("MATCH (n) WITH n AS user RETURN user, 'x'", "MATCH (n) WITH n AS user RETURN user, 'x'");
        check("CREATE USER a SET PASSWORD $p", "CREATE USER a SET PASSWORD $p");
    }

    #[test]
    fn f97_credentials_of_seeds_and_of_old_procedures_are_stars() {
        check(
            "CREATE DATABASE s OPTIONS {seedCredentials: 'a', `seedConfig`: \"b\"}",
            "CREATE DATABASE s OPTIONS {seedCredentials: '******', `seedConfig`: '******'}",
        );
        check("CREAT DATABASE s OPTIONS {SEEDCONFIG:'open", "CREAT DATABASE s OPTIONS {SEEDCONFIG:'******'");
        check("CALL dbms.setConfigValue('k', 'a')", "CALL dbms.setConfigValue('******', '******')");
        check(
            "call DBMS . security . createUser('x', 'a', false)",
            "call DBMS . security . createUser('******', '******', false)",
        );
        check(
            "USE system CALL dbms.security.changePassword('a')",
            "USE system CALL dbms.security.changePassword('******')",
        );
        check("CALL dbms.showCurrentUser() RETURN 'x'", "CALL dbms.showCurrentUser() RETURN 'x'");
        check("MATCH (n) WHERE n.seedcorn = 'x' RETURN n", "MATCH (n) WHERE n.seedcorn = 'x' RETURN n");
        assert!(sets_secret("CREATE DATABASE s OPTIONS {seedCredentials: $c}"));
        assert!(sets_secret("CALL dbms.security.createUser($n, $p, false)"));
        assert!(!sets_secret("CREATE DATABASE s OPTIONS {seedURI: $c}"));
    }

    #[test]
    fn f97_addresses_are_shown_without_who_asks() {
        check("LOAD CSV FROM 'http://user:a@h/x' AS r RETURN r", "LOAD CSV FROM 'http://******@h/x' AS r RETURN r");
        check(
            "CREATE DATABASE s OPTIONS {seedURI: 'http://user:a@h/x'} // user of ftp://u:a@h",
            "CREATE DATABASE s OPTIONS {seedURI: 'http://******@h/x'} // user of ftp://******@h",
        );
        check("CREATE USER a SET PASSWORD 'b' // ftp://u:a@h", "CREATE USER a SET PASSWORD '******' // ftp://******@h");
        check("CREATE ({mail: 'a@b', page: 'http://h'})", "CREATE ({mail: 'a@b', page: 'http://h'})");
    }

    #[test]
    fn f97_parameters_of_commands_that_set_passwords_are_secret() {
        let check = |text: &str, expected: bool| assert_eq!(sets_secret(text), expected, "{text}");
        check("CREAT USER $n SET PASSWORD $leak", true);
        check("RETURN 1; CREATE USER $n SET PASSWORD $leak", true);
        check("USE system ALTER CURRENT USER SET PASSWORD FROM $a TO $b", true);
        check("MATCH (u:User {name: $n}) RETURN u.password", false);
    }
}
