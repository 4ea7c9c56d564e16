//! What a graph can fail with.

use store::StoreError;
use types::Code;

/// Why reading or changing a graph failed.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The store refused, or its file is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record fails its checksum or its shape; restore the database from a backup.
    #[error("the database is damaged: {what}")]
    Damaged {
        /// Which record, and what is wrong with it.
        what: String,
    },
    /// The store holds a graph in a format of a later version.
    #[error("the graph has format {found}; this version reads formats up to {known}")]
    FormatUnknown {
        /// The format in the store.
        found: u32,
        /// The newest that this version knows.
        known: u32,
    },
    /// A value that no property can hold; store its parts instead.
    #[error(
        "Property values can only be of primitive types or arrays thereof. Encountered: {type_name}{}",
        if *.in_list { " inside a list" } else { "" }
    )]
    PropertyTypeRefused {
        /// Name of the refused type.
        type_name: &'static str,
        /// Whether it was an element of a list.
        in_list: bool,
    },
    /// A node or relationship with more labels and properties than one record holds; spread it over several.
    #[error("{what} needs {bytes} bytes where {max_bytes} fit")]
    TooLarge {
        /// What was to be stored.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The largest size.
        max_bytes: usize,
    },
}

impl GraphError {
    /// Gives the code that a client sees.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Damaged { .. } => Code::StorageDamaged,
            Self::FormatUnknown { .. } => Code::DatabaseStartFailed,
            Self::PropertyTypeRefused { .. } => Code::TypeError,
            Self::TooLarge { .. } => Code::ArgumentError,
        }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}
