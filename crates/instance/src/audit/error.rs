//! Why an audit could not be opened or read.

use std::io;

use types::{Code, Failure};

/// Why an audit could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The operating system refused.
    #[error("could not {action}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl AuditError {
    /// Gives the code that a client sees.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Io { .. } => Code::StorageFailed,
        }
    }

    pub(crate) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        let AuditError::Io { action, source } = &error;
        Self::new(error.code(), format!("could not {action}: {source}"))
    }
}
