//! Why a client got no answer.

use std::io;

use types::Code;

use crate::frame::FrameError;
use crate::packstream::{PackError, UnpackError};

/// Why a call of the client failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server refused; the connection goes on after an automatic RESET.
    #[error("{message}")]
    Failed {
        /// The status code, such as `Neo.ClientError.Statement.SyntaxError`.
        code: String,
        /// The text for people.
        message: String,
    },
    /// The request was passed over because the conversation was interrupted; send it again.
    #[error("the request was interrupted")]
    Ignored,
    /// The server speaks none of the offered versions.
    #[error("the server speaks none of the offered Bolt versions")]
    NoVersion,
    /// The server answered with a message that cannot come here; close the connection.
    #[error("the server answered with an unexpected {got}")]
    Unexpected {
        /// The message.
        got: &'static str,
    },
    /// The server closed the connection; connect again.
    #[error("the server closed the connection")]
    Closed,
    /// The network failed; connect again.
    #[error("the connection failed: {0}")]
    Network(#[from] io::Error),
    /// The server's bytes break the protocol; close the connection.
    #[error("the server's answer is malformed: {0}")]
    Malformed(#[from] UnpackError),
    /// The server's answer is longer than we take; close the connection.
    #[error("the server's answer is too long: {0}")]
    TooLong(#[from] FrameError),
    /// A parameter cannot be written.
    #[error("a parameter cannot be sent: {0}")]
    Parameter(#[from] PackError),
}

impl ClientError {
    /// Gives the server's status code where the server refused.
    #[must_use]
    pub fn status(&self) -> Option<&str> {
        match self {
            Self::Failed { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Gives our own code for it, for callers that report both kinds of failure alike.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Failed { code, .. } => {
                Code::ALL.iter().copied().find(|known| known.row().neo4j == code).unwrap_or(Code::Internal)
            }
            Self::Ignored => Code::TransactionTerminated,
            Self::NoVersion | Self::Unexpected { .. } => Code::RequestInvalid,
            Self::Closed | Self::Network(_) => Code::DatabaseUnavailable,
            Self::Malformed(error) => error.code(),
            Self::TooLong(error) => error.code(),
            Self::Parameter(error) => error.code(),
        }
    }
}
