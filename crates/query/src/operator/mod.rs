//! Operators: each pulls batches from the one below it and hands batches on.
//! Leaves which operator stands where to the planner, and what an expression is worth to [`crate::expression`].
//! Start reading at [`Plan`], then [`Operator`] and [`build`].

mod aggregate;
mod expand;
mod flow;
mod inner;
mod join;
mod plan;
mod scan;
mod sort;
#[cfg(test)]
mod testing;
mod walk;

use std::sync::Arc;

use types::Failure;

use crate::Batch;
use crate::expression::Context;

pub use plan::*;

/// A running operator.
pub trait Operator: Send {
    /// Gives the next rows: at least one, or `None` when there are no more.
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure>;
}

/// Makes the operators of a plan, ready to run once.
#[must_use]
pub fn build(plan: &Plan) -> Box<dyn Operator> {
    build_on(plan, None)
}

/// Makes the operators of a plan; an inner plan begins at the outer rows of `argument`.
pub(crate) fn build_on(plan: &Plan, argument: Option<&Batch>) -> Box<dyn Operator> {
    let build = |plan: &Plan| build_on(plan, argument);
    match plan {
        Plan::Unit => Box::new(flow::Unit(false)),
        Plan::Scan { input, source, label, node } => {
            Box::new(scan::Scan::new(build(input), *source, label.clone(), *node))
        }
        Plan::Expand(input, how) => Box::new(expand::ExpandAll::new(build(input), how.clone())),
        Plan::Walk(input, how, bounds) => Box::new(walk::Walk::new(build(input), how.clone(), *bounds)),
        Plan::Filter(input, condition) => Box::new(flow::Filter { input: build(input), condition: condition.clone() }),
        Plan::Compute(input, values) => Box::new(flow::Compute { input: build(input), values: values.clone() }),
        Plan::Keep(input, slots) => Box::new(flow::Keep { input: build(input), slots: slots.clone() }),
        Plan::Unwind { input, list, item } => Box::new(flow::Unwind::new(build(input), list.clone(), *item)),
        Plan::Aggregate { input, keys, aggregates } => {
            Box::new(aggregate::Aggregation::new(build(input), keys.clone(), aggregates.clone()))
        }
        Plan::Distinct(input) => Box::new(aggregate::Distinct::new(build(input))),
        Plan::Sort { input, keys, limit } => Box::new(sort::Sort::new(build(input), keys.clone(), limit.clone())),
        Plan::Skip(input, rows) => Box::new(flow::Skip { input: build(input), rows: rows.clone(), left: None }),
        Plan::Limit(input, rows) => Box::new(flow::Limit { input: build(input), rows: rows.clone(), left: None }),
        Plan::Append(first, second) => Box::new(flow::Append { first: Some(build(first)), second: build(second) }),
        Plan::HashJoin(probe, other, how) => Box::new(join::Join::new(build(probe), build(other), how.clone())),
        Plan::Argument => Box::new(inner::Argument(argument.cloned())),
        Plan::Inner(outer, inner, how) => Box::new(inner::RunInner::new(build(outer), Arc::clone(inner), how.clone())),
        // HELPER: the rest
        _ => unreachable!(),
    }
}
