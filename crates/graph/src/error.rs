//! What a graph can fail with.

use store::StoreError;
use types::Code;

use crate::constraint::Violation;

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
    /// Another transaction changed what this one read; begin again.
    #[error("the transaction read data that another one has changed since")]
    Conflict,
    /// The group could not be written; nothing of it is kept.
    #[error("the commit failed: {reason}")]
    CommitFailed {
        /// The code of the cause.
        code: Code,
        /// The cause, which all transactions of the group share.
        reason: String,
    },
    /// The thread that led the commit ended before it knew the outcome; look before trying again.
    #[error("the outcome of the commit is not known")]
    LeaderDied,
    /// A write in a transaction that only reads; begin one that writes.
    #[error("the transaction only reads")]
    ReadOnly,
    /// A deleted node has relationships; delete them first.
    #[error(
        "Cannot delete node<{node}>, because it still has relationships. To delete this node, you must first delete its relationships."
    )]
    StillHasRelationships {
        /// The node.
        node: types::NodeId,
    },
    /// A node or relationship that is not there.
    #[error("{entity:?} was not found")]
    NotFound {
        /// Which.
        entity: crate::keys::Entity,
    },
    /// No index by that name; nothing to drop or to seek in.
    #[error("there is no index {name}")]
    IndexNotFound {
        /// The name.
        name: types::CompactString,
    },
    /// An index by that name is there already; choose another name.
    #[error("there is an index {name} already")]
    IndexExists {
        /// The name.
        name: types::CompactString,
    },
    /// An index of this kind over the same entities and keys is there already; use that one.
    #[error("there is an equivalent index {name} already")]
    EquivalentIndexExists {
        /// The name of the one that is there.
        name: types::CompactString,
    },
    /// An index without property keys; give it one or more.
    #[error("index {name} needs one property key or more")]
    IndexNeedsKeys {
        /// The name.
        name: types::CompactString,
    },
    /// A node or relationship that a constraint refuses; change its values, or drop the constraint.
    #[error("{0}")]
    Violated(Box<Violation>),
    /// A constraint that data which is there does not keep; change the data first.
    #[error("Unable to create {constraint}:\n{violation}. Note that only the first found violation is shown.")]
    ConstraintRefused {
        /// The constraint in words.
        constraint: String,
        /// Who is against it.
        violation: Box<Violation>,
    },
    /// Another index or constraint stands in the way of a change of the schema; drop that one first.
    #[error("{text}")]
    SchemaRefused {
        /// In which way.
        code: Code,
        /// Which one, and why.
        text: String,
    },
    /// A name of a label, type or property key that no record holds; choose a shorter one.
    #[error("a name of {bytes} bytes is too long; names have at most {} bytes", crate::tokens::NAME_MAX_BYTES)]
    NameTooLong {
        /// Its length; 0 where the number of a refused name was used later.
        bytes: usize,
    },
    /// A name of a label, type or property key that is empty or has zero bytes; choose another one.
    #[error("'{name}' is not a valid token name. Token names cannot be empty or contain any null-bytes.")]
    NameRefused {
        /// Which one.
        name: String,
    },
    /// The database is being loaded; wait until that is done.
    #[error("the database is being loaded")]
    Loading,
    /// A load of this database ended half way; remove the database and load again.
    #[error("the database was not loaded to the end")]
    LoadUnfinished,
    /// Only an empty database can be loaded; use transactions, or another database.
    #[error("the database is not empty")]
    NotEmpty,
    /// A temporary file of a load failed; make room where they are kept.
    #[error("could not sort in a temporary file")]
    TemporaryFile {
        /// Why.
        source: std::io::Error,
    },
    /// The database holds as much as it may; delete something, or raise the limit.
    #[error("the limit {limit} of the database, {max}, is reached: {used} are used, and {wanted} more were wanted")]
    QuotaReached {
        /// Which limit, as it is set.
        limit: &'static str,
        /// Its value.
        max: u64,
        /// What is used of it by what was committed.
        used: u64,
        /// What the transaction wanted on top of that, as far as it came.
        wanted: u64,
    },
    /// A full-text query that cannot be read; write it otherwise.
    #[error("{class}: {text}")]
    QueryRefused {
        /// The class of Lucene's own error, which clients see.
        class: &'static str,
        /// What is wrong, and where.
        text: String,
    },
    /// Whoever asked stopped the search; it knows why.
    #[error("the search was stopped")]
    Stopped,
    /// A node or relationship with more labels and properties than one record holds; spread it over several.
    #[error(
        "{what} needs {bytes} bytes where {max_bytes} fit: spread its labels and properties over several nodes, or keep them in lists"
    )]
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
            Self::Violated(_) => Code::ConstraintValidationFailed,
            Self::ConstraintRefused { .. } => Code::ConstraintCreationFailed,
            Self::SchemaRefused { code, .. } => *code,
            Self::Conflict => Code::TransactionConflict,
            Self::CommitFailed { code, .. } => *code,
            Self::LeaderDied => Code::CommitFailed,
            Self::ReadOnly => Code::WriteInReadMode,
            Self::StillHasRelationships { .. } => Code::ConstraintValidationFailed,
            Self::NotFound { .. } => Code::EntityNotFound,
            Self::IndexNotFound { .. } => Code::IndexNotFound,
            Self::IndexExists { .. } => Code::IndexExists,
            Self::NameRefused { .. } => Code::TokenNameInvalid,
            Self::NameTooLong { .. } | Self::NotEmpty | Self::IndexNeedsKeys { .. } => Code::ArgumentError,
            Self::QuotaReached { .. } => Code::LimitReached,
            Self::Loading => Code::DatabaseUnavailable,
            Self::LoadUnfinished => Code::DatabaseStartFailed,
            Self::TemporaryFile { source } if source.kind() == std::io::ErrorKind::StorageFull => Code::StorageFull,
            Self::TemporaryFile { .. } => Code::StorageFailed,
            Self::EquivalentIndexExists { .. } => Code::EquivalentIndexExists,
            Self::QueryRefused { .. } => Code::ProcedureCallFailed,
            Self::Stopped => Code::TransactionTerminated,
        }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}
