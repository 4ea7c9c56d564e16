//! Why an import stops.

use std::io;
use std::path::PathBuf;

use types::{Code, Failure};

/// Why a header says nothing that we can follow. Correct the header's line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// A column needs a name, or a role such as `:ID`.
    #[error("column {0} has neither name nor role")]
    Nameless(usize),
    /// What follows the colon is neither a role nor a type.
    #[error("column \"{0}\" has an unknown type")]
    UnknownType(String),
    /// Two columns write the same property or have the same role.
    #[error("column \"{0}\" comes twice")]
    Twice(String),
    /// A file holds either nodes or relationships.
    #[error("a header has either :ID and :LABEL or :START_ID, :END_ID and :TYPE")]
    Mixed,
    /// A relationship needs both of its ends.
    #[error("a header of relationships needs both :START_ID and :END_ID")]
    OneEnd,
}

/// Why an import stops.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be opened or read.
    #[error("cannot read \"{}\"", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is empty; its first line has to say what the columns are.
    #[error("\"{}\" has no header. Its first line has to say what the columns are, such as :ID,name,:LABEL.", path.display())]
    NoHeader {
        /// The file.
        path: PathBuf,
    },
    /// A quote is never closed, so that whatever follows it would be one field.
    #[error("\"{}\": the quote that opens in line {line} is never closed", path.display())]
    OpenQuote {
        /// The file.
        path: PathBuf,
        /// The line in which the field begins.
        line: u64,
    },
    /// The header cannot be followed.
    #[error("the header of \"{}\" is wrong: {source}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// Why.
        source: HeaderError,
    },
    /// Nodes where relationships are wanted, or the other way round; give the file to the other option.
    #[error("\"{}\" holds no {wanted}", path.display())]
    WrongSubject {
        /// The file.
        path: PathBuf,
        /// What was wanted of it.
        wanted: &'static str,
    },
    /// No type in the header and none before the file's name; write `TYPE=FILE`.
    #[error("the relationships of \"{}\" have no type. Add a column :TYPE, or write TYPE=FILE.", path.display())]
    NoType {
        /// The file.
        path: PathBuf,
    },
    /// The database refused; nothing of it is kept.
    #[error("{0}")]
    Refused(#[from] Failure),
    /// The report of bad rows cannot be written.
    #[error("cannot write the report \"{}\"", path.display())]
    Report {
        /// The report.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// More rows are bad than were allowed; read the report, correct the file.
    #[error("more than {bad_rows_max} rows are bad. The report \"{}\" lists them.", path.display())]
    TooManyBad {
        /// The report.
        path: PathBuf,
        /// Rows that were allowed to be bad.
        bad_rows_max: u64,
    },
}

impl ImportError {
    /// Gives the public code of this failure.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Read { .. } => Code::ExternalResourceFailed,
            Self::NoHeader { .. }
            | Self::OpenQuote { .. }
            | Self::Header { .. }
            | Self::WrongSubject { .. }
            | Self::NoType { .. }
            | Self::TooManyBad { .. } => Code::ArgumentError,
            Self::Refused(failure) => failure.code(),
            Self::Report { .. } => Code::StorageFailed,
        }
    }
}
