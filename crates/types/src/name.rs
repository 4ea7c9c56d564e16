//! Names of databases, checked once at the edge.

use std::fmt;

use compact_str::CompactString;

/// A legal database name: lower case, 1 to 63 of letters, digits, `.`, `-`, `_`.
///
/// The rules are in `docs/glossary.md` under "database name".
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DatabaseName(CompactString);

/// Why a text is no database name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given; give 1 to 63 characters.
    #[error("The provided database name is empty.")]
    Empty,
    /// Longer than 63 characters; shorten it.
    #[error("The provided database name must have a length between 1 and 63 characters.")]
    TooLong,
    /// Starts with something other than a letter or a digit.
    #[error("Database name '{name}' is not starting with an ASCII alphabetic character or digit.")]
    FirstCharacter {
        /// The text as it was typed, cut to 80 characters.
        name: String,
    },
    /// Holds a character outside letters, digits, `.`, `-`, `_`.
    #[error(
        "Database name '{name}' contains illegal characters. Use simple ascii characters, numbers, dots, dashes and underscores."
    )]
    Character {
        /// The text as it was typed, cut to 80 characters.
        name: String,
    },
    /// Ends in `.` or `-`.
    #[error("Database name '{name}' ends with '.' or '-', which is not allowed.")]
    LastCharacter {
        /// The text as it was typed, cut to 80 characters.
        name: String,
    },
    /// Starts with a reserved prefix (`system` or `_`).
    #[error("Database name '{name}' is invalid, due to the prefix '{prefix}'.")]
    Reserved {
        /// The text as it was typed, cut to 80 characters.
        name: String,
        /// The prefix that is reserved.
        prefix: &'static str,
    },
}

impl DatabaseName {
    /// Longest name, in bytes.
    pub const LENGTH_MAX: usize = 63;

    /// Checks a typed name and turns it to lower case; `system` itself is legal.
    pub fn parse(typed: &str) -> Result<Self, NameError> {
        if typed.is_empty() {
            return Err(NameError::Empty);
        }
        if typed.len() > Self::LENGTH_MAX {
            return Err(NameError::TooLong);
        }
        let name = || Self::shown(typed);
        if typed.starts_with('_') {
            return Err(NameError::Reserved { name: name(), prefix: "_" });
        }
        if !typed.starts_with(|first: char| first.is_ascii_alphanumeric()) {
            return Err(NameError::FirstCharacter { name: name() });
        }
        if !typed.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')) {
            return Err(NameError::Character { name: name() });
        }
        if typed.ends_with(['.', '-']) {
            return Err(NameError::LastCharacter { name: name() });
        }
        let lower = CompactString::from(typed).to_ascii_lowercase();
        if lower.starts_with("system") && lower != "system" {
            return Err(NameError::Reserved { name: name(), prefix: "system" });
        }
        Ok(Self(lower))
    }

    /// Gives what was typed as errors show it: at most 80 characters, with those written out that nobody can see.
    #[must_use]
    pub fn shown(typed: &str) -> String {
        let cut = typed.char_indices().nth(80).map_or(typed, |(at, _)| &typed[..at]);
        crate::shown::visible(cut).into_owned()
    }

    /// Gives the name of the database that holds the catalog.
    #[must_use]
    pub fn system() -> Self {
        Self(CompactString::const_new("system"))
    }

    /// Tells whether this names the catalog's own database.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.0 == "system"
    }

    /// Gives the name as text, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str, expected: &str) {
        let got = match DatabaseName::parse(typed) {
            Ok(name) => format!("ok: {name}"),
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn f20_name_rules() {
        check("Films", "ok: films");
        check("9lives", "ok: 9lives");
        check("a_b.c-d", "ok: a_b.c-d");
        check("system", "ok: system");
        check("", "error: The provided database name is empty.");
        check(&"a".repeat(63), &format!("ok: {}", "a".repeat(63)));
        check(&"a".repeat(64), "error: The provided database name must have a length between 1 and 63 characters.");
        check("systemic", "error: Database name 'systemic' is invalid, due to the prefix 'system'.");
        check("_x", "error: Database name '_x' is invalid, due to the prefix '_'.");
        check("-x", "error: Database name '-x' is not starting with an ASCII alphabetic character or digit.");
        check("x-", "error: Database name 'x-' ends with '.' or '-', which is not allowed.");
        check(
            "a/b",
            "error: Database name 'a/b' contains illegal characters. Use simple ascii characters, numbers, dots, dashes and underscores.",
        );
        let characters =
            "contains illegal characters. Use simple ascii characters, numbers, dots, dashes and underscores.";
        check("a\0b\n", &format!("error: Database name 'a\\0b\\n' {characters}"));
        check("a\u{202e}b", &format!("error: Database name 'a\\u{{202e}}b' {characters}"));
        check("..", "error: Database name '..' is not starting with an ASCII alphabetic character or digit.");
    }
}
