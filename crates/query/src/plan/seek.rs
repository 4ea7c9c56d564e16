//! Conditions that an index, a label or a number can answer.
//! Leaves the choice among them to `solve`.
//! Start reading at [`forms`] and [`choices`].

use std::collections::BTreeSet;
use std::ops::Bound;

use compact_str::CompactString;
use cypher::ast::{BinaryOperator, Expression, ExpressionKind, LabelExpression};

use super::graph::{Form, PatternGraph, Predicate, Wants};
use super::pattern::needs;
use crate::source::{IndexInfo, Source};

/// Lists the ways in which a condition could be answered without looking at every node.
pub(super) fn forms(graph: &PatternGraph, condition: &Expression) -> Vec<Form> {
    let node = |expression: &Expression| match &*expression.kind {
        ExpressionKind::Variable(name) => {
            graph.nodes.iter().find(|node| node.name == name.text && !node.is_bound).map(|node| node.slot)
        }
        _ => None,
    };
    let mut forms = Vec::new();
    let mut add = |node: usize, wants: Wants, value: &Expression| {
        let needs = needs(graph, value);
        if !needs.contains(&node) {
            forms.push(Form { node, wants, needs });
        }
    };
    let mut compared = |operator: BinaryOperator, left: &Expression, right: &Expression| {
        match &*left.kind {
            ExpressionKind::Property(of, key) => {
                let Some(node) = node(of) else { return };
                let (key, value) = (key.text.clone(), right.clone());
                let wants = match operator {
                    BinaryOperator::Equal => Wants::Equal(key, value),
                    BinaryOperator::In => Wants::Among(key, value),
                    BinaryOperator::StartsWith => Wants::Begins(key, value),
                    BinaryOperator::Less
                    | BinaryOperator::LessOrEqual
                    | BinaryOperator::Greater
                    | BinaryOperator::GreaterOrEqual => Wants::Beyond(key, operator, value),
                    _ => return,
                };
                add(node, wants, right);
            }
            ExpressionKind::Call { name, arguments, .. }
                if ["id", "elementid"].iter().any(|known| name.text.eq_ignore_ascii_case(known)) =>
            {
                let Some(node) = arguments.first().and_then(node) else { return };
                match operator {
                    BinaryOperator::Equal => add(node, Wants::Number(right.clone()), right),
                    BinaryOperator::In => add(node, Wants::NumberAmong(right.clone()), right),
                    _ => {}
                }
            }
            _ => {}
        };
    };
    match &*condition.kind {
        ExpressionKind::Binary(operator, left, right) => {
            compared(*operator, left, right);
            if let Some(turned) = turned(*operator) {
                compared(turned, right, left);
            }
        }
        ExpressionKind::HasLabels(of, LabelExpression::Name(label)) => {
            if let Some(node) = node(of) {
                forms.push(Form { node, wants: Wants::Label(label.text.clone()), needs: BTreeSet::new() });
            }
        }
        _ => {}
    }
    forms
}

/// Gives the comparison with its sides exchanged.
fn turned(operator: BinaryOperator) -> Option<BinaryOperator> {
    Some(match operator {
        BinaryOperator::Equal => BinaryOperator::Equal,
        BinaryOperator::Less => BinaryOperator::Greater,
        BinaryOperator::LessOrEqual => BinaryOperator::GreaterOrEqual,
        BinaryOperator::Greater => BinaryOperator::Less,
        BinaryOperator::GreaterOrEqual => BinaryOperator::LessOrEqual,
        _ => return None,
    })
}

/// A way to find the first node of a pattern.
#[derive(Clone)]
pub(super) enum Leaf {
    /// Every node, or every one with a label; the condition that asks for the label is then met.
    Scan(Option<(CompactString, Option<usize>)>),
    /// By an index.
    Seek(Box<SeekLeaf>),
    /// By number: one, or a list of them.
    Number { value: Expression, predicate: usize },
}

/// How an index is asked.
#[derive(Clone)]
pub(super) struct SeekLeaf {
    pub index: IndexInfo,
    pub equal: Vec<Expression>,
    pub next: NextKey,
    /// A list over which the last equal key runs.
    pub among: Option<Expression>,
    /// Conditions that are met by it.
    pub predicates: Vec<usize>,
    /// Conditions that it narrows and that are still to be asked.
    pub narrowed: Vec<usize>,
}

/// What is asked of the key after the equal ones.
#[derive(Clone)]
pub(super) enum NextKey {
    Any,
    Range(Bound<Expression>, Bound<Expression>),
    Begins(Expression),
}

/// Lists the ways to find a node, with how many are expected; `solved` are the slots that rows have.
pub(super) fn choices(
    graph: &PatternGraph,
    place: usize,
    solved: &BTreeSet<usize>,
    is_open: &dyn Fn(usize) -> bool,
    source: &dyn Source,
) -> Vec<(Leaf, f64)> {
    let node = &graph.nodes[place];
    let usable = |form: &Form| form.node == node.slot && form.needs.is_subset(solved);
    let mut found = Vec::new();
    for (at, predicate) in graph.predicates.iter().enumerate().filter(|(at, _)| is_open(*at)) {
        for form in predicate.forms.iter().filter(|form| usable(form)) {
            match &form.wants {
                Wants::Number(value) => found.push((Leaf::Number { value: value.clone(), predicate: at }, 1.0)),
                Wants::NumberAmong(value) => found.push((Leaf::Number { value: value.clone(), predicate: at }, 10.0)),
                _ => {}
            }
        }
    }
    for label in &node.labels {
        let count = source.label_id(label).map_or(0, |id| source.count_nodes(Some(id)).unwrap_or(0));
        let asks = |predicate: &Predicate| {
            predicate
                .forms
                .iter()
                .any(|form| form.node == node.slot && matches!(&form.wants, Wants::Label(wanted) if wanted == label))
        };
        let met = graph.predicates.iter().position(asks);
        found.push((Leaf::Scan(Some((label.clone(), met))), count as f64));
        for index in source.indexes() {
            if !index.relationships
                && index.of == *label
                && let Some(mut seek) = seek_of(graph, &index, node.slot, &usable, is_open)
            {
                let size = source.index_size(index.id).ok();
                seek.predicates.extend(met);
                let rows = expected(
                    &seek,
                    size.map_or(count as f64, |size| size.entries as f64),
                    size.map_or(1.0, |size| size.distinct as f64),
                );
                found.push((Leaf::Seek(Box::new(seek)), rows));
            }
        }
    }
    found.push((Leaf::Scan(None), source.count_nodes(None).unwrap_or(0) as f64));
    found
}

/// Finds what an index can be asked; every key must have a condition, for nodes without one are not in the index.
fn seek_of(
    graph: &PatternGraph,
    index: &IndexInfo,
    node: usize,
    usable: &dyn Fn(&Form) -> bool,
    is_open: &dyn Fn(usize) -> bool,
) -> Option<SeekLeaf> {
    let forms = || {
        let open = graph.predicates.iter().enumerate().filter(|(at, _)| is_open(*at));
        open.flat_map(|(at, predicate)| predicate.forms.iter().map(move |form| (at, form)))
            .filter(|(_, form)| form.node == node && usable(form))
    };
    let mut seek = SeekLeaf {
        index: index.clone(),
        equal: Vec::new(),
        next: NextKey::Any,
        among: None,
        predicates: Vec::new(),
        narrowed: Vec::new(),
    };
    for (place, key) in index.keys.iter().enumerate() {
        let equal = forms().find_map(|(at, form)| match &form.wants {
            Wants::Equal(name, value) if name == key => Some((at, value)),
            _ => None,
        });
        if let Some((at, value)) = equal {
            seek.equal.push(value.clone());
            seek.predicates.push(at);
            continue;
        }
        // Only the last key may be asked for more than one value.
        if place + 1 != index.keys.len() {
            return None;
        }
        for (at, form) in forms() {
            match &form.wants {
                Wants::Among(name, list) if name == key => {
                    seek.among = Some(list.clone());
                    seek.predicates.push(at);
                    return Some(seek);
                }
                Wants::Begins(name, prefix) if name == key => {
                    seek.next = NextKey::Begins(prefix.clone());
                    seek.predicates.push(at);
                    return Some(seek);
                }
                _ => {}
            }
        }
        let (mut lower, mut upper) = (Bound::Unbounded, Bound::Unbounded);
        for (at, form) in forms() {
            let Wants::Beyond(name, operator, value) = &form.wants else { continue };
            if name != key {
                continue;
            }
            let bound = match operator {
                BinaryOperator::Greater => (&mut lower, Bound::Excluded(value.clone())),
                BinaryOperator::GreaterOrEqual => (&mut lower, Bound::Included(value.clone())),
                BinaryOperator::Less => (&mut upper, Bound::Excluded(value.clone())),
                _ => (&mut upper, Bound::Included(value.clone())),
            };
            if matches!(bound.0, Bound::Unbounded) {
                *bound.0 = bound.1;
                // The condition is asked again: an index also orders what no comparison does, points and durations.
                seek.narrowed.push(at);
            }
        }
        if matches!((&lower, &upper), (Bound::Unbounded, Bound::Unbounded)) {
            return None;
        }
        seek.next = NextKey::Range(lower, upper);
    }
    Some(seek)
}

fn expected(seek: &SeekLeaf, entries: f64, distinct: f64) -> f64 {
    let one = (entries / distinct.max(1.0)).max(0.1);
    match (&seek.next, &seek.among) {
        (_, Some(_)) => one * 10.0,
        (NextKey::Any, None) => one,
        (NextKey::Range(lower, upper), None) => {
            let is_open = matches!(lower, Bound::Unbounded) || matches!(upper, Bound::Unbounded);
            entries * if is_open { 0.3 } else { 0.1 }
        }
        (NextKey::Begins(_), None) => entries * 0.05,
    }
}
