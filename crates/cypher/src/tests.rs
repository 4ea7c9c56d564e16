//! Tests of the parser as a whole: what is accepted, how it prints, what is refused and how.

mod errors;
mod forms;
mod rights;
mod sizes;

use crate::parse;

/// Parses and prints; an error gives its first line.
fn outcome(text: &str) -> String {
    match parse(text) {
        Ok(statement) => {
            let printed = statement.to_string();
            let again = parse(&printed).unwrap_or_else(|error| panic!("{printed}\nis not parsed again: {error}"));
            assert_eq!(again.to_string(), printed, "printing is stable");
            printed
        }
        Err(error) => format!("error: {}", error.to_string().lines().next().unwrap_or_default()),
    }
}

/// Checks the canonical print of a statement, or the first line of its error.
fn check(text: &str, expected: &str) {
    assert_eq!(outcome(text), expected, "\nof: {text}");
}

/// Checks a statement that prints as it is written.
fn same(text: &str) {
    check(text, text);
}
