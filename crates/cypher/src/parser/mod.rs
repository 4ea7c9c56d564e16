//! The parser: one function per rule, no backtracking, bounded nesting.
//! Leaves scope and types to the binder; what can be told from the text alone is refused here.
//! Start reading at [`Parser::statement`] in `statement.rs`.

mod admin;
mod atom;
mod bracket;
mod case;
mod clause;
mod constraint;
mod cursor;
mod expression;
mod graph;
mod label;
mod pattern;
mod projection;
mod rules;
mod schema;
mod statement;
mod subquery;

use compact_str::CompactString;

use crate::ast::{Language, Name};
use crate::error::ParseError;
use crate::token::{self, Piece};

/// What a rule gives: the error is boxed, since every level of nesting keeps room for it.
type Parsed<T> = Result<T, Box<ParseError>>;

/// Deepest nesting of brackets, subqueries and prefix operators.
const DEPTH_MAX: u32 = 200;

/// Greatest height of an expression's tree, which later stages walk recursively.
const HEIGHT_MAX: u32 = 1_000;

/// A walk over the tokens of one statement.
pub struct Parser<'a> {
    text: &'a str,
    pieces: Vec<Piece>,
    at: usize,
    depth: u32,
    /// Height of the tallest expression finished since the enclosing one began.
    height: u32,
    stops: Stops,
    /// `USE DATABASE a AS x, b AS y`: what `x` and `y` stand for.
    aliases: Vec<(CompactString, Vec<Name>)>,
    /// Tokens whose trees were copied; bounded, since copies of copies grow fast.
    copied: usize,
    /// The version that a prefix asks for.
    language: Language,
}

/// Operators that end an expression where the clause around it claims them; brackets lift all stops.
#[derive(Clone, Copy, Default)]
struct Stops {
    /// `|` belongs to a comprehension, not to a label expression.
    bar: bool,
    /// `IN DATABASE x` names the clause's graph.
    in_database: bool,
    /// Any `IN` names the clause's graph.
    in_any: bool,
}

impl<'a> Parser<'a> {
    /// Cuts the text into tokens and stands before the first.
    pub fn new(text: &'a str) -> Self {
        let pieces = token::tokenize(text);
        let language = Language::Cypher5;
        let stops = Stops::default();
        Self { text, pieces, at: 0, depth: 0, height: 0, stops, aliases: Vec::new(), copied: 0, language }
    }
}
