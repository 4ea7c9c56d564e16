//! Operators: each pulls batches from the one below it and hands batches on.
//! Leaves which operator stands where to the planner, and what an expression is worth to [`crate::expression`].
//! Start reading at [`Plan`], then [`Operator`] and [`build`].

mod aggregate;
mod apply;
mod between;
mod build;
mod by_id;
mod call;
mod change;
mod create;
mod degree;
mod delete;
mod eager;
mod expand;
mod expressions;
mod flow;
mod foreach;
mod groups;
mod inner;
mod join;
mod load_csv;
mod measure;
mod merge;
mod plan;
mod properties;
mod reads;
mod relationships;
mod rows;
mod scan;
mod seek;
mod shortest;
mod sort;
mod steps;
mod stored;
#[cfg(test)]
mod testing;
mod transactions;
mod unwind;
mod walk;

use types::Failure;

use crate::Batch;
use crate::expression::Context;

use build::Site;
pub(crate) use build::build_on;
pub use build::{build, build_measured};
pub use measure::Measures;
pub use plan::*;
pub use steps::{Part, PathTest, Shortest, Step, Takes, Test, Walk, Wanted};
pub use stored::stored;

/// A running operator.
pub trait Operator: Send {
    /// Gives the next rows: at least one, or `None` when there are no more.
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure>;
}
