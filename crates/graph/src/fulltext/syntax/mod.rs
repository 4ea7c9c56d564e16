//! The language of full-text queries: Lucene's classic syntax, read into a tree.
//! Leaves cutting the texts into terms to `search`, which knows the analyzer.
//! Start reading at [`parse`].

mod parser;
mod token;

/// Brackets in brackets that are read.
pub const DEPTH_MAX: usize = 100;
/// Clauses of one query that are read.
pub const CLAUSES_MAX: usize = 1_024;

/// What a query asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// Everything.
    All,
    /// Clauses that must, may or must not hold.
    Clauses(Vec<Clause>),
    /// Something in one field, or in any.
    In(Option<String>, Sought),
    /// A query that is worth more or less.
    Boost(Box<Query>, f32),
}

/// A part of a query, and what it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// Whether it must hold.
    pub occur: Occur,
    /// What holds.
    pub query: Query,
}

/// What a clause is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occur {
    /// Without it there is no match.
    Must,
    /// It makes a match better; without any that must hold, one is needed.
    Should,
    /// With it there is no match.
    MustNot,
}

/// What is looked for in a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Sought {
    /// A word, or several where the analyzer cuts it.
    Text(String),
    /// Words in their order, with up to `slop` steps of moving them.
    Phrase {
        /// The words.
        text: String,
        /// How far they may be moved.
        slop: u32,
    },
    /// Terms with this beginning.
    Prefix(String),
    /// Terms of this form.
    Wildcard(Vec<Piece>),
    /// Terms that are a few changes away.
    Fuzzy {
        /// The term.
        text: String,
        /// Changes, if it is 1 or more; otherwise the least similarity.
        similarity: f32,
    },
    /// Terms that a regular expression matches whole.
    Regex(String),
    /// Terms in order between two.
    Range {
        /// The lower end; `None` is open.
        low: Option<String>,
        /// The upper end; `None` is open.
        high: Option<String>,
        /// Whether the lower end itself is meant.
        with_low: bool,
        /// Whether the upper end itself is meant.
        with_high: bool,
    },
}

/// A part of a form with wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// These characters.
    Text(String),
    /// `?`: any one character.
    One,
    /// `*`: any characters.
    Any,
}

/// What is wrong with a query, worded as Lucene words it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{class}: {text}")]
pub struct SyntaxError {
    /// The class of Lucene's own error, which clients see.
    pub class: &'static str,
    /// What was met, and where.
    pub text: String,
}

impl SyntaxError {
    pub(super) fn parse(text: impl Into<String>) -> Self {
        Self { class: "org.apache.lucene.queryparser.classic.ParseException", text: text.into() }
    }

    fn lexical(text: impl Into<String>) -> Self {
        Self { class: "org.apache.lucene.queryparser.classic.TokenMgrError", text: text.into() }
    }
}

/// Reads a query; `None` is one without any words.
pub fn parse(text: &str) -> Result<Option<Query>, SyntaxError> {
    parser::Parser::new(text)?.whole()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(query: &Query) -> String {
        match query {
            Query::All => "*:*".to_owned(),
            Query::Boost(query, boost) => format!("{}^{boost}", shown(query)),
            Query::Clauses(clauses) => {
                let clause = |clause: &Clause| {
                    let sign = match clause.occur {
                        Occur::Must => "+",
                        Occur::Should => "",
                        Occur::MustNot => "-",
                    };
                    format!("{sign}{}", shown(&clause.query))
                };
                format!("({})", clauses.iter().map(clause).collect::<Vec<_>>().join(" "))
            }
            Query::In(field, sought) => {
                let field = field.as_ref().map_or_else(String::new, |field| format!("{field}:"));
                match sought {
                    Sought::Text(text) => format!("{field}{text}"),
                    Sought::Phrase { text, slop } => format!("{field}\"{text}\"~{slop}"),
                    Sought::Prefix(text) => format!("{field}{text}*"),
                    Sought::Wildcard(pieces) => format!("{field}{pieces:?}"),
                    Sought::Fuzzy { text, similarity } => format!("{field}{text}~{similarity}"),
                    Sought::Regex(text) => format!("{field}/{text}/"),
                    Sought::Range { low, high, with_low, with_high } => {
                        format!("{field}{low:?}{with_low}..{high:?}{with_high}")
                    }
                }
            }
        }
    }

    fn check(text: &str, expected: &str) {
        let read = match parse(text) {
            Ok(None) => "nothing".to_owned(),
            Ok(Some(query)) => shown(&query),
            Err(error) => format!("error: {}", error.text.lines().next().unwrap_or_default()),
        };
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn words_and_operators_are_read() {
        check("", "nothing");
        check("  \t ", "nothing");
        check("one", "one");
        check("one two", "(one two)");
        check("one AND two", "(+one +two)");
        check("one && two || three", "(+one +two three)");
        check("one OR two AND three", "(one +two +three)");
        check("one NOT two -three !four", "(one -two -three -four)");
        check("+one two", "(+one two)");
        check("(one OR two) AND three", "(+(one two) +three)");
        check("a-b c+d", "(a-b c+d)");
        check("one ((two))", "(one two)");
        check("*:*", "*:*");
        check("AND", "error: Encountered \" <AND> \"AND \"\" at line 1, column 0.");
    }

    #[test]
    fn fields_phrases_and_boosts_are_read() {
        check("name:one two", "(name:one two)");
        check("name:(one two)", "(name:one name:two)");
        check("name:(one other:two)^3", "(name:one other:two)^3");
        check("\"one two\"", "\"one two\"~0");
        check("\"one two\"~4^2.5", "\"one two\"~4^2.5");
        check("\"say \\\"one\\\"\"", "\"say \"one\"\"~0");
        check("one^2 two^0.5", "(one^2 two^0.5)");
        check("first\\:last \\(x\\) \\u0041", "(first:last (x) A)");
        check("title:\"The Right Way\" AND text:go", "(+title:\"The Right Way\"~0 +text:go)");
    }

    #[test]
    fn wildcards_ranges_and_fuzzy_words_are_read() {
        check("te?t", "[Text(\"te\"), One, Text(\"t\")]");
        check("test*", "test*");
        check("*test", "[Any, Text(\"test\")]");
        check("te\\*t*", "te*t*");
        check("roam~", "roam~2");
        check("roam~1 roam~0.8", "(roam~1 roam~0.8)");
        check("year:[1990 TO 2000}", "year:Some(\"1990\")true..Some(\"2000\")false");
        check("{* TO \"b c\"]", "Nonefalse..Some(\"b c\")true");
        check("/jo[hn]+/", "/jo[hn]+/");
        check("name:*", "name:[Any]");
        check("a~1.5", "error: Fractional edit distances are not allowed!");
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        check("one AND", "error: Encountered \"<EOF>\" at line 1, column 7.");
        check("a:b:c", "error: Encountered \" \":\" \": \"\" at line 1, column 3.");
        check("one)", "error: Encountered \" \")\" \") \"\" at line 1, column 3.");
        check("(one", "error: Encountered \"<EOF>\" at line 1, column 4.");
        check("\"one", "error: Lexical error at line 1, column 5.  Encountered: <EOF> after : \"\\\"one\"");
        check("[a TO", "error: Encountered \"<EOF>\" at line 1, column 5.");
        check("one\\", "error: Lexical error at line 1, column 5.  Encountered: <EOF> after : \"one\\\\\"");
        check("one^x", "error: Lexical error at line 1, column 5.  Encountered: \"x\" (120), after : \"\"");
        check(&"(".repeat(500), "error: Query has brackets in brackets beyond the limit of 100.");
        check(&"a ".repeat(2_000), "error: Query contains too many nested clauses; maxClauseCount is set to 1024");
    }
}
