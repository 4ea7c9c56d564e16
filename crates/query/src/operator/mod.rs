//! Operators: each pulls batches from the one below it and hands batches on.
//! Leaves which operator stands where to the planner, and what an expression is worth to [`crate::expression`].
//! Start reading at [`Operator`], then [`build`].

mod aggregate;
mod expand;
mod flow;
mod inner;
mod join;
mod scan;
mod sort;
#[cfg(test)]
mod testing;
mod walk;

use std::sync::Arc;

use compact_str::CompactString;
use types::{Direction, Failure};

use crate::Batch;
use crate::expression::{Compiled, Context};
use crate::functions::AggregateKind;

/// What will run: a tree of operators, each with the slots that it fills.
#[derive(Clone, Debug)]
pub enum Plan {
    /// One row without values: where a statement begins.
    Unit,
    /// For each row, the nodes of a source, those with a label where one is given.
    Scan {
        /// Where the rows come from.
        input: Arc<Plan>,
        /// The source's place in the statement's list.
        source: u16,
        /// The label.
        label: Option<CompactString>,
        /// The slot of the node.
        node: usize,
    },
    /// For each row, the relationships of a node.
    Expand(Arc<Plan>, Expand),
    /// For each row, the trails from a node: at least and at most so many relationships, which fill a slot as a list.
    Walk(Arc<Plan>, Expand, (u64, Option<u64>)),
    /// The rows for which a condition holds.
    Filter(Arc<Plan>, Compiled),
    /// Each row with more slots filled.
    Compute(Arc<Plan>, Vec<(usize, Compiled)>),
    /// Each row with only these slots left, at the places of the list.
    Keep(Arc<Plan>, Vec<usize>),
    /// For each row, the items of a list.
    Unwind {
        /// Where the rows come from.
        input: Arc<Plan>,
        /// The list.
        list: Compiled,
        /// The slot of the item.
        item: usize,
    },
    /// One row for each group; keys take the first slots, aggregates the next.
    Aggregate {
        /// Where the rows come from.
        input: Arc<Plan>,
        /// What makes a group.
        keys: Vec<Compiled>,
        /// What is computed over each.
        aggregates: Vec<Aggregate>,
    },
    /// Equal rows once; every slot counts.
    Distinct(Arc<Plan>),
    /// The rows in order; only the first `limit` of them where one is given.
    Sort {
        /// Where the rows come from.
        input: Arc<Plan>,
        /// The keys, and whether the greatest comes first.
        keys: Vec<(Compiled, bool)>,
        /// How many rows are wanted.
        limit: Option<Compiled>,
    },
    /// The rows after the first few.
    Skip(Arc<Plan>, Compiled),
    /// The first few rows.
    Limit(Arc<Plan>, Compiled),
    /// The rows of one plan, then of the other.
    Append(Arc<Plan>, Arc<Plan>),
    /// The pairs of rows of two plans whose keys are equal; the second plan's rows are kept in memory.
    HashJoin(Arc<Plan>, Arc<Plan>, HashJoin),
    /// The outer rows, inside an inner plan.
    Argument,
    /// An inner plan for the rows of an outer one. The inner plan may not group, sort, skip or limit: it runs for many
    /// outer rows at once.
    Inner(Arc<Plan>, Arc<Plan>, Inner),
}

/// How two plans are joined.
#[derive(Clone, Debug)]
pub struct HashJoin {
    /// The keys of the first plan's rows.
    pub probe_keys: Vec<Compiled>,
    /// The keys of the second plan's rows, in the same order.
    pub build_keys: Vec<Compiled>,
    /// The slots that the second plan fills.
    pub kept: Vec<usize>,
}

/// How an inner plan is run.
#[derive(Clone, Debug)]
pub struct Inner {
    /// What the inner rows decide.
    pub when: WhenInner,
    /// A slot that nothing else uses, for the number of the outer row.
    pub number: usize,
    /// The slots that the inner plan fills; null in rows that are handed on without an inner one.
    pub filled: Vec<usize>,
}

/// What inner rows decide about outer rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenInner {
    /// Inner rows go on; an outer row without any goes on with nulls (`OPTIONAL MATCH`).
    Optional,
    /// An outer row goes on, once, where there is an inner row (`EXISTS`).
    Exists,
    /// An outer row goes on where there is no inner row (`NOT EXISTS`).
    Missing,
}

/// How relationships of a node are followed.
#[derive(Clone, Debug)]
pub struct Expand {
    /// The source's place in the statement's list.
    pub source: u16,
    /// The slot of the node.
    pub from: usize,
    /// Which way.
    pub direction: Direction,
    /// The types; none means all.
    pub types: Vec<CompactString>,
    /// The slot of the relationship.
    pub relationship: usize,
    /// The slot of the node at the other end.
    pub to: usize,
    /// Whether `to` is filled already, so that only relationships to that node count.
    pub into: bool,
    /// Slots of relationships of the same pattern, which may not come again.
    pub distinct_from: Vec<usize>,
}

/// One aggregate of a group.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// Which function.
    pub kind: AggregateKind,
    /// Whether equal arguments count once.
    pub distinct: bool,
    /// The arguments; none for `count(*)`.
    pub arguments: Vec<Compiled>,
}

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
fn build_on(plan: &Plan, argument: Option<&Batch>) -> Box<dyn Operator> {
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
    }
}
