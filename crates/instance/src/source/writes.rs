//! Whether a source may be written at all, and what is said where not.
//! Leaves what one user may change to `sight`.

use compact_str::CompactString;
use types::{Code, Failure};

/// Whether a source may be written, and what is said where not.
#[derive(Clone, Debug)]
pub(crate) enum Writes {
    /// It may.
    Allowed,
    /// The transaction was opened for reading.
    ReadMode,
    /// The database is read-only.
    ReadOnly,
    /// The statement or transaction writes to another database.
    Elsewhere(CompactString),
}

impl Writes {
    /// Says why a write to `database` is refused; nothing where it is not.
    pub(crate) fn check(&self, database: &str) -> Result<(), Failure> {
        match self {
            Self::Allowed => Ok(()),
            Self::ReadMode => Err(Failure::new(
                Code::WriteInReadMode,
                format!("Writing in read access mode not allowed. Attempted write to {database}"),
            )),
            Self::ReadOnly => Err(Failure::new(
                Code::DatabaseReadOnly,
                format!(
                    "No write operations are allowed on this database. The database '{database}' is in read-only mode."
                ),
            )),
            Self::Elsewhere(written) => Err(Failure::new(
                Code::WriteToManyDatabases,
                format!(
                    "Writing to more than one database per transaction is not allowed. Attempted write to {database}, \
                     currently writing to {written}"
                ),
            )),
        }
    }
}
