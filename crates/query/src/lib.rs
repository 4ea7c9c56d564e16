//! Compiles what a statement says and computes it, a batch of rows at a time.
//! Knows no storage: it reads through [`Source`]. Leaves text to `cypher`, and sessions and names to `instance`.
//! Start reading at [`Source`] and [`expression::compile`].

mod batch;
mod between;
mod budget;
mod counters;
pub mod expression;
pub mod functions;
mod materialise;
pub mod operator;
mod plan;
mod prepare;
pub mod procedure;
mod remote;
mod source;
#[cfg(test)]
mod testing;
mod transactions;

pub use batch::{Batch, Column};
pub use between::{Between, Hop, by_lists as between_by_lists};
pub use budget::{Budget, Pace};
pub use counters::Counters;
pub use materialise::materialise;
pub use prepare::{Description, Execution, Graphs, Kind, Notification, Prepared, Profile, Uses, prepare};
pub use remote::Remote;
pub use source::{
    Condition, Expansion, IndexInfo, IndexSize, IndexUse, NameKind, RelationshipRecord, Search, Sought, Source,
    VectorIndex,
};
pub use transactions::{BatchWork, Ran, Retry, Transactions};
