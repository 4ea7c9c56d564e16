//! Reads nodes and relationships from CSV whose header says what each column is.
//! Leaves writing them to the store's loader; a row that cannot be read goes to a report, not to the loader.
//! Start reading at [`Reader::open`].

mod convert;
mod error;
mod header;
mod report;
mod rows;

pub use convert::Kind;
pub use error::{HeaderError, ImportError};
pub use header::{Column, Header, Role, Subject};
pub use report::Report;
pub use rows::{BadRow, Key, NodeRow, Reader, ReaderOptions, RelationshipRow, Row};
