//! Why a text is no statement.

use types::{Code, Failure, Position};

use crate::ast::Span;
use crate::place;

/// Why a text could not be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text breaks a rule of the grammar; the message says what was expected, where, and draws it.
    #[error("{message}")]
    Syntax {
        /// What is wrong, with the line and a caret.
        message: String,
        /// Where.
        position: Position,
    },
    /// An option behind `CYPHER` that there is not; the message lists those that there are.
    #[error("{message}")]
    Option {
        /// What is wrong, with the line and a caret.
        message: String,
        /// Where.
        position: Position,
    },
    /// `WHERE` stands where only `YIELD` lets it; the message says how to write it.
    #[error("{message}")]
    YieldMissing {
        /// What is wrong, with the line and a caret.
        message: String,
        /// Where.
        position: Position,
    },
    /// A command that Neo4j knows and this server does not; nothing ran.
    #[error("Unsupported administration command: {command}")]
    Unsupported {
        /// The command's first words.
        command: String,
        /// Where it starts.
        position: Position,
    },
}

impl ParseError {
    /// Gives the public code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Syntax { .. } => Code::SyntaxError,
            Self::Option { .. } => Code::ArgumentError,
            Self::YieldMissing { .. } => Code::YieldMissing,
            Self::Unsupported { .. } => Code::UnsupportedCommand,
        }
    }

    /// Gives the place in the statement.
    #[must_use]
    pub fn position(&self) -> Position {
        match self {
            Self::Syntax { position, .. }
            | Self::Option { position, .. }
            | Self::YieldMissing { position, .. }
            | Self::Unsupported { position, .. } => *position,
        }
    }

    pub(crate) fn syntax(text: &str, span: Span, message: &str) -> Self {
        let position = place::position(text, span);
        Self::Syntax { message: place::pointed(text, position, message), position }
    }

    pub(crate) fn yield_missing(text: &str, span: Span, message: &str) -> Self {
        let position = place::position(text, span);
        Self::YieldMissing { message: place::pointed(text, position, message), position }
    }

    pub(crate) fn option(text: &str, span: Span, message: &str) -> Self {
        let position = place::position(text, span);
        Self::Option { message: place::pointed(text, position, message), position }
    }
}

impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        Failure::new(error.code(), error.to_string()).at(error.position())
    }
}
