//! Whether a write may work while the rows that it works on are still being read.
//! Leaves what is read and written to the operators; asks only whether the two can meet.
//! Start reading at [`Written::meets`].

use std::sync::Arc;

use compact_str::CompactString;
use cypher::ast::{
    Expression, ExpressionKind, LabelExpression, LabelName, NodePattern, PathPattern, PatternElement, RemoveItem,
    SetItem,
};

use super::scope::Scope;
use crate::expression::{Compiled, Projected};
use crate::operator::{Expand, Plan, SeekNext};

/// What a clause changes.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// The labels of each new node; `None` where only a row tells them.
    nodes: Vec<Option<Vec<CompactString>>>,
    /// The types of new relationships; `None` where only a row tells one.
    types: Vec<Option<CompactString>>,
    /// Keys of entities that are there; `None` where it may be any.
    keys: Vec<Option<CompactString>>,
    /// Labels of nodes that are there; `None` where only a row tells one.
    labels: Vec<Option<CompactString>>,
    /// Whether entities go.
    deletes: bool,
    /// The slots of the entities that are changed; `None` where a row tells which.
    targets: Vec<Option<usize>>,
}

impl Written {
    /// Tells what `CREATE` makes; variables of the scope are there already.
    pub fn created(patterns: &[PathPattern], scope: &Scope) -> Self {
        let mut written = Self::default();
        for element in patterns.iter().flat_map(|pattern| &pattern.elements) {
            match element {
                PatternElement::Node(node) if !is_there(node, scope) => written.nodes.push(plain(node.labels.as_ref())),
                PatternElement::Node(_) => {}
                PatternElement::Relationship(found) => {
                    let mut types = plain(found.types.as_ref()).unwrap_or_default();
                    written.types.push(types.pop());
                }
                PatternElement::Quantified(_) => written.types.push(None),
            }
        }
        written
    }

    /// Tells what `SET` changes.
    pub fn set(items: &[SetItem], scope: &Scope) -> Self {
        let mut written = Self::default();
        for item in items {
            match item {
                SetItem::Property { target, key, .. } => written.key(slot_of(&target.kind, scope), Some(&key.text)),
                SetItem::DynamicProperty { target, .. } => written.key(slot_of(&target.kind, scope), None),
                SetItem::Replace { variable, .. } | SetItem::Merge { variable, .. } => {
                    written.key(scope.slot(&variable.text), None);
                }
                SetItem::Labels { variable, labels } => written.label(scope.slot(&variable.text), labels),
            }
        }
        written
    }

    /// Tells what `REMOVE` changes.
    pub fn removed(items: &[RemoveItem], scope: &Scope) -> Self {
        let mut written = Self::default();
        for item in items {
            match item {
                RemoveItem::Property { target, key } => written.key(slot_of(&target.kind, scope), Some(&key.text)),
                RemoveItem::DynamicProperty { target, .. } => written.key(slot_of(&target.kind, scope), None),
                RemoveItem::Labels { variable, labels } => written.label(scope.slot(&variable.text), labels),
            }
        }
        written
    }

    /// Tells what `DELETE` takes away.
    pub fn deleted(targets: &[Expression], scope: &Scope) -> Self {
        let targets = targets.iter().map(|target| slot_of(&target.kind, scope)).collect();
        Self { targets, deletes: true, ..Self::default() }
    }

    /// Notes a change of a property.
    fn key(&mut self, target: Option<usize>, key: Option<&CompactString>) {
        self.targets.push(target);
        self.keys.push(key.cloned());
    }

    /// Notes labels that come or go.
    fn label(&mut self, target: Option<usize>, labels: &[LabelName]) {
        self.targets.push(target);
        self.labels.extend(labels.iter().map(|label| match label {
            LabelName::Name(name) => Some(name.text.clone()),
            LabelName::Dynamic(_) => None,
        }));
    }

    /// Tells whether what is changed for one row could be read for a later one.
    pub fn meets(&self, plan: &Arc<Plan>) -> bool {
        let mut reads = Reads::default();
        reads.plan(plan);
        if reads.anything {
            return true;
        }
        // Each node comes once, and nothing but the node itself is asked.
        if self.nodes.is_empty() && self.types.is_empty() && own_node(plan).is_some_and(|own| self.only_of(own)) {
            return false;
        }
        let is_found = |labels: &Option<Vec<CompactString>>| match labels {
            None => true,
            Some(labels) => {
                (reads.seeks && !labels.is_empty()) || labels.iter().any(|label| reads.labels.contains(label))
            }
        };
        let is_walked = |kind: &Option<CompactString>| match kind {
            None => reads.walks(),
            Some(kind) => reads.every_type || reads.types.contains(kind),
        };
        let is_asked = |key: &Option<CompactString>| {
            reads.seeks
                || reads.every_key
                || key.as_ref().map_or(!reads.keys.is_empty(), |key| reads.keys.contains(key))
        };
        let is_tested = |label: &Option<CompactString>| {
            reads.seeks || reads.tests || label.as_ref().is_none_or(|label| reads.labels.contains(label))
        };
        self.deletes
            || (!self.nodes.is_empty() && reads.every_node)
            || self.nodes.iter().any(is_found)
            || self.types.iter().any(is_walked)
            || self.keys.iter().any(is_asked)
            || self.labels.iter().any(is_tested)
    }

    fn only_of(&self, own: usize) -> bool {
        self.targets.iter().all(|target| *target == Some(own))
    }
}

/// Gives the slot of the node that each row has for its own, read in the order in which nodes are kept; nothing where rows
/// are about more than that.
pub(super) fn own_node(plan: &Plan) -> Option<usize> {
    match plan {
        Plan::Scan { input, node, .. } => matches!(**input, Plan::Unit).then_some(*node),
        Plan::Filter(input, condition) if !condition.runs_plan() => own_node(input),
        Plan::Compute(input, values) if !values.iter().any(|(_, value)| value.runs_plan()) => own_node(input),
        Plan::Keep(input, slots) => own_node(input).and_then(|own| slots.iter().position(|slot| *slot == own)),
        Plan::Recall(input, _) => own_node(input),
        _ => None,
    }
}

fn is_there(node: &NodePattern, scope: &Scope) -> bool {
    node.variable.as_ref().is_some_and(|name| scope.find(&name.text).is_some())
}

fn slot_of(kind: &ExpressionKind, scope: &Scope) -> Option<usize> {
    match kind {
        ExpressionKind::Variable(name) => scope.slot(&name.text),
        _ => None,
    }
}

/// Gives the labels that a pattern names; nothing where a row tells one.
fn plain(labels: Option<&LabelExpression>) -> Option<Vec<CompactString>> {
    match labels {
        None => Some(Vec::new()),
        Some(LabelExpression::Name(name)) => Some(vec![name.text.clone()]),
        Some(LabelExpression::And(parts)) => {
            let parts: Option<Vec<_>> = parts.iter().map(|part| plain(Some(part))).collect();
            parts.map(|parts| parts.concat())
        }
        Some(_) => None,
    }
}

/// What rows read of the graph while those before them have gone on already.
#[derive(Debug, Default)]
struct Reads {
    /// Something that is not worth a closer look.
    anything: bool,
    every_node: bool,
    /// Labels that are scanned for.
    labels: Vec<CompactString>,
    /// Whether labels of nodes are asked for.
    tests: bool,
    /// Whether an index is asked.
    seeks: bool,
    every_type: bool,
    types: Vec<CompactString>,
    every_key: bool,
    keys: Vec<CompactString>,
}

impl Reads {
    fn walks(&self) -> bool {
        self.every_type || !self.types.is_empty()
    }

    fn plan(&mut self, plan: &Plan) {
        match plan {
            // They hand on their first row when they have read the last.
            Plan::Eager(_) | Plan::Sort { .. } | Plan::Aggregate { .. } => return,
            Plan::Unit | Plan::Argument | Plan::Keep(..) | Plan::Recall(..) | Plan::Distinct(_) | Plan::Append(..) => {}
            // Numbers that are kept, read once.
            Plan::Count { .. } => {}
            Plan::Scan { label: Some(label), .. } => self.labels.push(label.clone()),
            Plan::Scan { label: None, .. } => self.every_node = true,
            Plan::Expand(_, how) | Plan::ScanRelationships(_, how) => self.expand(how),
            Plan::Degree(_, how) => {
                self.expand(&how.expand);
                self.tests |= how.label.is_some();
            }
            Plan::Meet(_, how) => {
                self.expand(&how.first);
                self.expand(&how.second);
            }
            Plan::Seek(_, how) => {
                self.seeks = true;
                how.equal.iter().for_each(|value| self.expression(value));
                self.anything |= !matches!(how.next, SeekNext::Any);
            }
            Plan::NodesById { ids, .. } => {
                self.every_node = true;
                self.expression(ids);
            }
            Plan::Filter(_, condition) => self.expression(condition),
            Plan::Compute(_, values) => values.iter().for_each(|(_, value)| self.expression(value)),
            Plan::Unwind { list, .. } => self.expression(list),
            Plan::Range { bounds, .. } => bounds.iter().for_each(|bound| self.expression(bound)),
            Plan::Skip(_, rows) | Plan::Limit(_, rows) => self.expression(rows),
            Plan::LoadCsv { address, .. } => self.expression(address),
            Plan::HashJoin(_, _, how) => {
                how.probe_keys.iter().chain(&how.build_keys).for_each(|key| self.expression(key));
            }
            Plan::Inner(..)
            | Plan::Apply(..)
            | Plan::Transactions(..)
            | Plan::Walk(..)
            | Plan::Shortest(..)
            | Plan::Call { .. }
            | Plan::Create(..)
            | Plan::Merge(..)
            | Plan::Change(..)
            | Plan::Delete { .. }
            | Plan::Foreach { .. } => self.anything = true,
        }
        if !self.anything {
            plan.children().iter().for_each(|child| self.plan(child));
        }
    }

    fn expand(&mut self, how: &Expand) {
        self.every_type |= how.types.is_empty();
        self.types.extend(how.types.iter().cloned());
    }

    fn expression(&mut self, expression: &Compiled) {
        match expression {
            Compiled::Property(_, key) => self.keys.push(key.clone()),
            Compiled::Index(..) => self.every_key = true,
            Compiled::HasLabels(..) => self.tests = true,
            Compiled::MapProjection(_, items) => {
                self.every_key |= items.iter().any(|item| matches!(item, Projected::All));
            }
            Compiled::Entity(..) | Compiled::Subquery(_) => self.anything = true,
            _ => {}
        }
        expression.each_child(&mut |child| self.expression(child));
    }
}
