//! Prints trees as canonical Cypher: one line, keywords in capitals, no needless brackets.
//! What it prints parses to a tree that prints the same; places and spelling are not kept.
//! Start reading at `statement.rs`.

mod admin;
mod clause;
mod expression;
mod pattern;
mod schema;
mod statement;

use std::fmt::{self, Display, Formatter, Write};

use crate::ast::{GraphFunction, GraphReference, Name};

/// Words that a name is quoted for where a keyword could stand.
const KEYWORDS: &[&str] = &[
    "ALL",
    "ALLSHORTESTPATHS",
    "AND",
    "ANY",
    "AS",
    "ASC",
    "BOTH",
    "BY",
    "CALL",
    "CASE",
    "COLLECT",
    "CONTAINS",
    "COUNT",
    "CREATE",
    "CSV",
    "CYPHER",
    "DATABASE",
    "DELETE",
    "DESC",
    "DETACH",
    "DIFFERENT",
    "DISTINCT",
    "EACH",
    "ELSE",
    "END",
    "ENDS",
    "ERROR",
    "EXISTS",
    "EXPLAIN",
    "FALSE",
    "FIELDTERMINATOR",
    "FINISH",
    "FOR",
    "FOREACH",
    "FROM",
    "GRAPH",
    "HEADERS",
    "IF",
    "IN",
    "INDEX",
    "INF",
    "INFINITY",
    "IS",
    "LEADING",
    "LIMIT",
    "LOAD",
    "MATCH",
    "MERGE",
    "NAN",
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "NODETACH",
    "NOT",
    "NOWAIT",
    "NULL",
    "OF",
    "OFFSET",
    "ON",
    "OPTIONAL",
    "OPTIONS",
    "OR",
    "ORDER",
    "PROFILE",
    "REMOVE",
    "REPEATABLE",
    "REPORT",
    "RETURN",
    "SET",
    "SHORTEST",
    "SHORTESTPATH",
    "SHOW",
    "SKIP",
    "STARTS",
    "THEN",
    "TRAILING",
    "TRANSACTIONS",
    "TRUE",
    "UNION",
    "UNWIND",
    "USE",
    "USING",
    "WAIT",
    "WHEN",
    "WHERE",
    "WITH",
    "XOR",
    "YIELD",
];

/// A name where a keyword could stand.
struct Word<'a>(&'a Name);

impl Display for Word<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let keyword = KEYWORDS.iter().any(|word| word.eq_ignore_ascii_case(&self.0.text));
        quoted_if(f, &self.0.text, keyword)
    }
}

/// A name behind a mark that lets only a name follow.
struct Key<'a>(&'a Name);

impl Display for Key<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        quoted_if(f, &self.0.text, false)
    }
}

/// A name with dots between its parts.
struct Dotted<'a>(&'a Name);

impl Display for Dotted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.text.split('.').enumerate() {
            if at > 0 {
                f.write_char('.')?;
            }
            quoted_if(f, part, false)?;
        }
        Ok(())
    }
}

fn quoted_if(f: &mut Formatter<'_>, name: &str, keyword: bool) -> fmt::Result {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain && !keyword { f.write_str(name) } else { write!(f, "`{}`", name.replace('`', "``")) }
}

/// A pattern of names as a privilege has it: `apoc.*`. What is quoted in one counts as what is not.
pub struct NamePattern<'a>(pub &'a str);

impl Display for NamePattern<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let plain = self.0.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.*?-".contains(&byte));
        if plain { f.write_str(self.0) } else { write!(f, "`{}`", self.0.replace('`', "``")) }
    }
}

/// Items with a mark between them.
struct Joined<I>(I, &'static str);

impl<I: Iterator<Item = T> + Clone, T: Display> Display for Joined<I> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, item) in self.0.clone().enumerate() {
            if at > 0 {
                f.write_str(self.1)?;
            }
            item.fmt(f)?;
        }
        Ok(())
    }
}

fn commas<T: Display>(items: &[T]) -> impl Display {
    Joined(items.iter(), ", ")
}

fn words(names: &[Name]) -> impl Display {
    Joined(names.iter().map(Word), ", ")
}

/// Something that may be missing, with the words in front of it.
struct Optional<'a, T>(&'static str, &'a Option<T>);

impl<T: Display> Display for Optional<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(item) => write!(f, "{}{item}", self.0),
            None => Ok(()),
        }
    }
}

impl Display for GraphReference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Joined(self.parts.iter().map(Word), ".").fmt(f)?;
        match self.found_by.as_deref() {
            Some(GraphFunction::Name(of) | GraphFunction::ElementId(of)) => write!(f, "({of})"),
            None => Ok(()),
        }
    }
}
