//! Walking through the expressions of a plan.
//! Leaves what is looked for to its users.
//! Start reading at [`Plan::each_expression`].

use std::ops::Bound;

use super::{Change, Create, LabelSource, Merge, PathTest, Plan, PropertySource, Seek, SeekNext, Shortest};
use crate::expression::Compiled;

type Visit<'a> = &'a mut dyn FnMut(&Compiled);

impl Plan {
    /// Visits the expressions of this operator, not those of the operators that feed it.
    pub fn each_expression(&self, visit: Visit<'_>) {
        match self {
            Self::Unit
            | Self::Argument
            | Self::Scan { .. }
            | Self::Expand(..)
            | Self::Degree(..)
            | Self::Meet(..)
            | Self::Keep(..)
            | Self::Recall(..)
            | Self::Distinct(_)
            | Self::Append(..)
            | Self::Inner(..)
            | Self::Apply(..)
            | Self::ScanRelationships(..)
            | Self::Eager(_)
            | Self::Count { .. } => {}
            Self::Transactions(_, _, how) => how.rows.iter().chain(how.retry.iter().flatten()).for_each(visit),
            Self::Filter(_, value) | Self::Skip(_, value) | Self::Limit(_, value) => visit(value),
            Self::Unwind { list: value, .. }
            | Self::NodesById { ids: value, .. }
            | Self::LoadCsv { address: value, .. }
            | Self::Foreach { list: value, .. } => visit(value),
            Self::Compute(_, values) => values.iter().for_each(|(_, value)| visit(value)),
            Self::Aggregate { keys, aggregates, .. } => {
                keys.iter().for_each(&mut *visit);
                aggregates.iter().flat_map(|aggregate| &aggregate.arguments).for_each(visit);
            }
            Self::Sort { keys, limit, .. } => {
                keys.iter().map(|(key, _)| key).chain(limit).for_each(visit);
            }
            Self::HashJoin(_, _, how) => how.probe_keys.iter().chain(&how.build_keys).for_each(visit),
            Self::Seek(_, how) => seek(how, visit),
            Self::Walk(_, how) => how.part.tests().for_each(|test| visit(&test.condition)),
            Self::Shortest(_, how) => shortest(how, visit),
            Self::Range { bounds: values, .. }
            | Self::Call { arguments: values, .. }
            | Self::Delete { targets: values, .. } => {
                values.iter().for_each(visit);
            }
            Self::Create(_, how) => create(how, visit),
            Self::Merge(_, how) => merge(how, visit),
            Self::Change(_, changes) => changes.iter().for_each(|each| change(each, &mut *visit)),
        }
    }

    /// Tells whether this plan, or one that feeds it, asks for the number of a line.
    pub(super) fn asks_for_lines(&self) -> bool {
        let mut found = false;
        self.each_expression(&mut |value| found |= asks_for_lines(value));
        found || self.children().iter().any(|child| child.asks_for_lines())
    }

    /// Tells whether this plan, or one that feeds it, reads CSV.
    pub(super) fn reads_lines(&self) -> bool {
        matches!(self, Self::LoadCsv { .. }) || self.children().iter().any(|child| child.reads_lines())
    }
}

fn asks_for_lines(value: &Compiled) -> bool {
    let mut found = match value {
        Compiled::LineNumber => true,
        Compiled::Subquery(subquery) => subquery.plan.asks_for_lines(),
        _ => false,
    };
    value.each_child(&mut |child| found |= asks_for_lines(child));
    found
}

fn shortest(how: &Shortest, visit: Visit<'_>) {
    let of_parts = how.parts.iter().chain(&how.backward).flat_map(|part| part.tests());
    let of_nodes = how.between.iter().filter_map(|(_, test)| test.as_ref()).chain(&how.end);
    of_parts.chain(of_nodes).for_each(|test| visit(&test.condition));
    if let Some(PathTest { values, condition }) = &how.filter {
        values.iter().for_each(|(_, value)| visit(value));
        visit(condition);
    }
}

fn seek(how: &Seek, visit: Visit<'_>) {
    how.equal.iter().for_each(&mut *visit);
    match &how.next {
        SeekNext::Any => {}
        SeekNext::Range(low, high) => [low, high].into_iter().for_each(|bound| match bound {
            Bound::Included(value) | Bound::Excluded(value) => visit(value),
            Bound::Unbounded => {}
        }),
        SeekNext::Prefix(text) | SeekNext::Holds(text) | SeekNext::Ends(text) => visit(text),
        SeekNext::Within(one, other) | SeekNext::Near(one, other) => [one, other].into_iter().for_each(visit),
    }
}

fn create(how: &Create, visit: Visit<'_>) {
    for node in &how.nodes {
        labels(&node.labels, &mut *visit);
        properties(&node.properties, &mut *visit);
    }
    for relationship in &how.relationships {
        labels(std::slice::from_ref(&relationship.kind), &mut *visit);
        properties(&relationship.properties, &mut *visit);
    }
}

fn merge(how: &Merge, visit: Visit<'_>) {
    create(&how.create, &mut *visit);
    how.made.iter().for_each(|(_, value)| visit(value));
    how.on_create.iter().chain(&how.on_match).for_each(|each| change(each, &mut *visit));
}

/// Visits the expressions of a change, its target first.
pub(super) fn change(change: &Change, visit: Visit<'_>) {
    match change {
        Change::Property(target, _, value) | Change::Replace(target, value) | Change::Merge(target, value) => {
            visit(target);
            visit(value);
        }
        Change::DynamicProperty(target, key, value) => [target, key, value].into_iter().for_each(visit),
        Change::AddLabels(target, names) | Change::RemoveLabels(target, names) => {
            visit(target);
            labels(names, visit);
        }
    }
}

fn labels(labels: &[LabelSource], visit: Visit<'_>) {
    labels.iter().for_each(|label| match label {
        LabelSource::Name(_) => {}
        LabelSource::Dynamic(names) => visit(names),
    });
}

fn properties(properties: &PropertySource, visit: Visit<'_>) {
    match properties {
        PropertySource::Each(entries) => entries.iter().for_each(|(_, value)| visit(value)),
        PropertySource::Map(map) => visit(map),
    }
}
