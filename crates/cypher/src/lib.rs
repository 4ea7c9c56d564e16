//! Text to tree: tokens, a parser with spans, and errors that say what was expected and where.
//! Knows no names of databases, no types of values and no plans; `query` binds what the tree means.
//! Start reading at [`parse`] and [`ast::Statement`].

pub mod ast;
mod error;
mod literal;
mod parser;
mod place;
mod print;
mod secret;
mod suggest;
#[cfg(test)]
mod tests;
mod token;

pub use error::ParseError;
pub use place::{error_at, position};
pub use print::NamePattern;
pub use secret::{is_secret_key, sets_secret, without_secrets};

/// Longest text of a statement.
pub const TEXT_BYTES_MAX: usize = 64 << 20;

/// Parses one statement; a `;` may end it. Takes time linear in the text and a bounded stack.
///
/// # Errors
///
/// The text is no statement, or it is a command that this server does not have.
pub fn parse(text: &str) -> Result<ast::Statement, ParseError> {
    // Places are 32-bit numbers, and a tree takes many times the memory of its text.
    if text.len() > TEXT_BYTES_MAX {
        return Err(ParseError::syntax("", ast::Span::default(), "the statement is longer than 64 MiB"));
    }
    parser::Parser::new(text).statement().map_err(|error| *error)
}
