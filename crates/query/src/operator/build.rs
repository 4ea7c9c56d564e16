//! Operators made from a plan.
//! Leaves what each does to its own file.
//! Start reading at [`build`].

use std::sync::Arc;

use super::measure::Measured;
use super::*;
use crate::Batch;
use crate::expression::Portions;

/// Makes the operators of a plan, ready to run once.
#[must_use]
pub fn build(plan: &Plan) -> Box<dyn Operator> {
    Site::of(plan, None).build(plan, None)
}

/// Makes the operators of a plan, each measured; [`Measures::get`] tells at any time what each did so far.
#[must_use]
pub fn build_measured(plan: &Plan) -> (Box<dyn Operator>, Arc<Measures>) {
    let measures = Arc::new(Measures::of(plan));
    (Site::of(plan, Some(Arc::clone(&measures))).build(plan, None), measures)
}

/// Makes the operators of a plan; an inner plan begins at the outer rows of `argument`.
pub(crate) fn build_on(plan: &Plan, argument: Option<&Batch>) -> Box<dyn Operator> {
    Site::default().build(plan, argument)
}

/// Where in the whole plan operators are made, and what it asks of all of them.
#[derive(Clone, Default)]
pub(super) struct Site {
    /// Where each operator is measured, by its number.
    measures: Option<Arc<Measures>>,
    number: usize,
    /// Whether lines of CSV come one by one, so that each has a number while it is looked at.
    single_lines: bool,
}

impl Site {
    /// Gives the place where a whole plan begins.
    fn of(plan: &Plan, measures: Option<Arc<Measures>>) -> Self {
        Self { measures, number: 0, single_lines: plan.reads_lines() && plan.asks_for_lines() }
    }

    /// Makes the operators of a plan that stands here.
    pub fn build(&self, plan: &Plan, argument: Option<&Batch>) -> Box<dyn Operator> {
        let inner = self.operator(plan, argument);
        match &self.measures {
            None => inner,
            Some(measures) => Box::new(Measured { inner, measures: Arc::clone(measures), number: self.number }),
        }
    }

    /// Gives the place of a plan's child.
    fn child(&self, plan: &Plan, which: usize) -> Self {
        // Nobody asks for a number that nothing is measured by.
        let Some(measures) = &self.measures else { return self.clone() };
        let before: usize = plan.children().iter().take(which).map(|child| child.operators()).sum();
        Self { measures: Some(Arc::clone(measures)), number: self.number + 1 + before, ..*self }
    }

    fn operator(&self, plan: &Plan, argument: Option<&Batch>) -> Box<dyn Operator> {
        let build = |input: &Plan| self.child(plan, 0).build(input, argument);
        let second = |input: &Plan| self.child(plan, 1).build(input, argument);
        match plan {
            Plan::Unit => Box::new(flow::Unit(false)),
            Plan::Scan { input, source, label, node } => {
                Box::new(scan::Scan::new(build(input), *source, label.clone(), *node))
            }
            Plan::Expand(input, how) => Box::new(expand::ExpandAll::new(build(input), how.clone())),
            Plan::Meet(input, how) => Box::new(between::ExpandBetween::new(build(input), how.clone())),
            Plan::Degree(input, how) => Box::new(degree::CountRelationships { input: build(input), how: how.clone() }),
            Plan::Walk(input, how) => Box::new(walk::FindWalks::new(build(input), how.clone())),
            Plan::Filter(input, condition) => Box::new(flow::Filter::new(build(input), condition)),
            Plan::Compute(input, values) => Box::new(flow::Compute::new(build(input), values.clone())),
            Plan::Keep(input, slots) => Box::new(flow::Keep { input: build(input), slots: slots.clone() }),
            Plan::Unwind { input, list, item } => Box::new(unwind::Unwind::new(build(input), list.clone(), *item)),
            Plan::Range { input, bounds, item } => Box::new(unwind::Range::new(build(input), bounds.clone(), *item)),
            Plan::Aggregate { input, keys, aggregates } => {
                Box::new(aggregate::Aggregation::new(build(input), keys.clone(), aggregates.clone()))
            }
            Plan::Distinct(input) => Box::new(aggregate::Distinct::new(build(input))),
            Plan::Sort { input, keys, limit } => Box::new(sort::Sort::new(build(input), keys.clone(), limit.clone())),
            Plan::Skip(input, rows) => Box::new(flow::Skip { input: build(input), rows: rows.clone(), left: None }),
            Plan::Limit(input, rows) => Box::new(flow::Limit { input: build(input), rows: rows.clone(), left: None }),
            Plan::Append(first, other) => Box::new(flow::Append { first: Some(build(first)), second: second(other) }),
            Plan::HashJoin(probe, other, how) => Box::new(join::Join::new(build(probe), second(other), how.clone())),
            Plan::Argument => Box::new(inner::Argument(argument.cloned())),
            Plan::Recall(input, slots) => Box::new(inner::Recall::new(build(input), argument, slots)),
            Plan::Inner(outer, inner, how) => {
                let site = self.child(plan, 1);
                Box::new(inner::RunInner::new(build(outer), Arc::clone(inner), site, how.clone()))
            }
            Plan::Apply(outer, inner, how) => {
                let site = self.child(plan, 1);
                Box::new(apply::RunApply::new(build(outer), Arc::clone(inner), site, how.clone()))
            }
            Plan::Transactions(outer, inner, how) => {
                let site = self.child(plan, 1);
                let (outer, inner) = (build(outer), Arc::clone(inner));
                Box::new(transactions::RunInTransactions::new(outer, inner, site, how.clone()))
            }
            Plan::Seek(input, how) => Box::new(seek::SeekAll::new(build(input), how.clone())),
            Plan::NodesById { input, source, ids, node } => {
                Box::new(by_id::NodesById::new(build(input), *source, ids.clone(), *node))
            }
            Plan::ScanRelationships(input, how) => {
                Box::new(relationships::ScanRelationships::new(build(input), how.clone()))
            }
            Plan::Eager(input) => Box::new(eager::Eager::new(build(input))),
            Plan::Create(input, how) => {
                Box::new(create::CreateAll { input: build(input), how: how.clone(), portions: Portions::default() })
            }
            Plan::Change(input, changes) => Box::new(change::ChangeAll {
                input: build(input),
                changes: changes.clone(),
                portions: Portions::default(),
            }),
            Plan::Delete { input, targets, detach } => {
                Box::new(delete::Delete { input: build(input), targets: targets.clone(), detach: *detach })
            }
            Plan::Count { source, relationships, of, slot } => Box::new(by_id::Count {
                source: *source,
                relationships: *relationships,
                of: of.clone(),
                slot: *slot,
                is_done: false,
            }),
            Plan::Merge(input, how) => Box::new(merge::MergeAll::new(build(input), how.clone(), self.child(plan, 1))),
            Plan::Foreach { input, list, item, body } => Box::new(foreach::Foreach {
                input: build(input),
                list: list.clone(),
                item: *item,
                body: Arc::clone(body),
                site: self.child(plan, 1),
                portions: Portions::default(),
            }),
            Plan::Call { input, procedure, arguments, outputs } => {
                Box::new(call::Call::new(build(input), Arc::clone(procedure), arguments.clone(), outputs.clone()))
            }
            Plan::Shortest(input, how) => Box::new(shortest::FindShortest::new(build(input), how.clone())),
            Plan::LoadCsv { input, address, headers, terminator, line } => Box::new(load_csv::LoadCsv {
                input: build(input),
                address: address.clone(),
                headers: *headers,
                terminator: *terminator,
                line: *line,
                single_lines: self.single_lines,
                under_way: None,
                open: None,
                memory_bytes: 0,
            }),
        }
    }
}
