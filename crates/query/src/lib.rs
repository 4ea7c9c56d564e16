//! Compiles what a statement says and computes it, a batch of rows at a time.
//! Knows no storage: it reads through [`Source`]. Leaves text to `cypher`, and sessions and names to `instance`.
//! Start reading at [`Source`] and [`expression::compile`].

mod batch;
mod budget;
pub mod expression;
pub mod functions;
pub mod operator;
mod source;

pub use batch::{Batch, Column};
pub use budget::Budget;
pub use source::{Expansion, RelationshipRecord, Source};
