//! One graph database kept in a store: layout, reads, transactions, indexes and counts.
//! Leaves users and names of databases to `catalog`, and Cypher to `query`; knows no storage engine.
//! Start reading at [`keys`] for the layout, [`codec`] for the bytes, [`read`] for what can be asked.

mod batch;
pub mod bulk;
pub mod check;
pub mod codec;
mod column;
pub mod constraint;
pub mod database;
mod engines;
pub mod error;
pub mod fulltext;
mod index;
pub mod keys;
pub mod meter;
pub mod quota;
pub mod read;
mod schema;
pub mod tokens;
mod topology;
pub mod transaction;
pub mod vector;
mod warm;

/// What is kept in memory of all databases of this process, beside what the system keeps of their files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Bytes of topologies: who is joined to whom.
    pub topology_bytes: u64,
    /// Bytes of warm pages: decoded properties and labels.
    pub warm_bytes: u64,
}

impl Kept {
    /// Tells what is kept now.
    #[must_use]
    pub fn now() -> Self {
        Self { topology_bytes: topology::used_bytes(), warm_bytes: warm::used_bytes() }
    }
}

pub use column::Column;
pub use database::{Database, DatabaseOptions, Pictured};
pub use error::GraphError;
pub use transaction::Transaction;
