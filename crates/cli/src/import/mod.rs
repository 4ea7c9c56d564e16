//! `sheaf import`: a new database from CSV whose header says what each column is.
//! Leaves writing to the bulk loader of `graph`; a row that cannot be read goes to a report, not to the loader.
//! Start reading at [`run`], then [`Opened::load`].

mod batch;
mod command;
mod convert;
mod error;
mod fill;
mod header;
mod ids;
mod loading;
mod pipeline;
mod report;
mod rows;
mod source;
#[cfg(test)]
pub(crate) mod testing;

pub use batch::BadRow;
pub use command::{Arguments, run};
pub use convert::Kind;
pub use error::{HeaderError, ImportError};
pub use fill::Fill;
pub use header::{Column, Header, Role, Subject};
pub use loading::{IndexWish, load};
pub use pipeline::{Opened, Progress};
pub use report::Report;
pub use rows::ReaderOptions;
pub(crate) use source::Input;
pub use source::Source;
