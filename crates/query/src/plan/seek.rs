//! Conditions that an index, a label or a number can answer, of nodes and of relationships.
//! Leaves the choice among them to `solve`.
//! Start reading at [`forms`] and [`choices`].

use std::collections::BTreeSet;
use std::ops::Bound;

use compact_str::CompactString;
use cypher::ast::{BinaryOperator, Expression, ExpressionKind, LabelExpression};
use rustc_hash::FxHashMap;
use types::Direction;

use super::graph::{Form, PatternGraph, PatternRelationship, Wants};
use super::pattern::needs;
use crate::source::{IndexInfo, IndexUse, Source};

/// Lists the ways in which a condition could be answered without looking at every node or relationship.
pub(super) fn forms(graph: &PatternGraph, condition: &Expression) -> Vec<Form> {
    let mut found = Found { graph, forms: Vec::new() };
    match &*condition.kind {
        ExpressionKind::Binary(operator, left, right) => {
            found.compared(*operator, left, right);
            if let Some(turned) = turned(*operator) {
                found.compared(turned, right, left);
            }
        }
        ExpressionKind::HasLabels(of, LabelExpression::Name(label)) => {
            if let Some(node) = found.node(of) {
                found.forms.push(Form { node, wants: Wants::Label(label.text.clone()), needs: BTreeSet::new() });
            }
        }
        ExpressionKind::Call { name, arguments, .. } if name.text.eq_ignore_ascii_case("point.withinBBox") => {
            if let [point, low, high] = arguments.as_slice()
                && let Some((slot, key)) = found.property(point)
            {
                found.add(slot, Wants::Within(key, low.clone(), high.clone()), &[low, high]);
            }
        }
        _ => {}
    }
    found.forms
}

struct Found<'g> {
    graph: &'g PatternGraph,
    forms: Vec<Form>,
}

impl Found<'_> {
    fn add(&mut self, slot: usize, wants: Wants, values: &[&Expression]) {
        let needs: BTreeSet<usize> = values.iter().flat_map(|value| needs(self.graph, value)).collect();
        if !needs.contains(&slot) {
            self.forms.push(Form { node: slot, wants, needs });
        }
    }

    /// Gives the slot of a node that is looked for.
    fn node(&self, expression: &Expression) -> Option<usize> {
        let ExpressionKind::Variable(name) = &*expression.kind else { return None };
        let node = self.graph.nodes.iter().find(|node| node.name == name.text && !node.is_bound);
        node.map(|node| node.slot)
    }

    /// Gives the slot and the key of a property of a node, or of a relationship, that is looked for.
    fn property(&self, expression: &Expression) -> Option<(usize, CompactString)> {
        let ExpressionKind::Property(of, key) = &*expression.kind else { return None };
        let slot = self.node(of).or_else(|| {
            let ExpressionKind::Variable(name) = &*of.kind else { return None };
            let single = |it: &&PatternRelationship| {
                it.name == name.text && it.repeat.is_none() && it.search.is_none() && it.same_as.is_none()
            };
            self.graph.relationships.iter().find(single).map(|relationship| relationship.slot)
        })?;
        Some((slot, key.text.clone()))
    }

    fn compared(&mut self, operator: BinaryOperator, left: &Expression, right: &Expression) {
        if let Some((slot, key)) = self.property(left) {
            let value = right.clone();
            let wants = match operator {
                BinaryOperator::Equal => Wants::Equal(key, value),
                BinaryOperator::In => Wants::Among(key, value),
                BinaryOperator::StartsWith => Wants::Begins(key, value),
                BinaryOperator::Contains => Wants::Holds(key, value),
                BinaryOperator::EndsWith => Wants::Ends(key, value),
                BinaryOperator::Less
                | BinaryOperator::LessOrEqual
                | BinaryOperator::Greater
                | BinaryOperator::GreaterOrEqual => Wants::Beyond(key, operator, value),
                _ => return,
            };
            return self.add(slot, wants, &[right]);
        }
        let ExpressionKind::Call { name, arguments, .. } = &*left.kind else { return };
        let is_one_of = |known: &[&str]| known.iter().any(|known| name.text.eq_ignore_ascii_case(known));
        if is_one_of(&["id", "elementId"]) {
            let Some(node) = arguments.first().and_then(|of| self.node(of)) else { return };
            match operator {
                BinaryOperator::Equal => self.add(node, Wants::Number(right.clone()), &[right]),
                BinaryOperator::In => self.add(node, Wants::NumberAmong(right.clone()), &[right]),
                _ => {}
            }
        } else if is_one_of(&["point.distance", "distance"])
            && matches!(operator, BinaryOperator::Less | BinaryOperator::LessOrEqual)
            && let [one, other] = arguments.as_slice()
        {
            for (point, center) in [(one, other), (other, one)] {
                if let Some((slot, key)) = self.property(point) {
                    self.add(slot, Wants::Near(key, center.clone(), right.clone()), &[center, right]);
                }
            }
        }
    }
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
    Holds(Expression),
    Ends(Expression),
    Within(Expression, Expression),
    Near(Expression, Expression),
}

/// Rows that a scan is taken to have at least, where there is an index to choose instead.
const SCANNED_MIN: f64 = 2.0;

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
    let mut asked: FxHashMap<&str, usize> = FxHashMap::default();
    for (at, predicate) in graph.predicates.iter().enumerate().filter(|_| !node.labels.is_empty()) {
        for form in predicate.forms.iter().filter(|form| form.node == node.slot) {
            if let Wants::Label(label) = &form.wants {
                asked.entry(label).or_insert(at);
            }
        }
    }
    for label in &node.labels {
        let count = source.label_id(label).map_or(0, |id| source.count_nodes(Some(id)).unwrap_or(0));
        let met = asked.get(label.as_str()).copied();
        found.push((Leaf::Scan(Some((label.clone(), met))), count as f64));
        for index in source.indexes().into_iter().chain(source.narrow_indexes()) {
            if !index.relationships
                && index.of == *label
                && let Some(mut seek) = seek_of(graph, &index, node.slot, &usable, is_open)
            {
                seek.predicates.extend(met);
                let rows = expected(&seek, source, count as f64);
                found.push((Leaf::Seek(Box::new(seek)), rows));
            }
        }
    }
    found.push((Leaf::Scan(None), source.count_nodes(None).unwrap_or(0) as f64));
    // A plan made while there is hardly anything is used for a while: where an index fits, it is not scanned then.
    if found.iter().any(|(leaf, _)| matches!(leaf, Leaf::Seek(_))) {
        let scans = found.iter_mut().filter(|(leaf, _)| matches!(leaf, Leaf::Scan(_)));
        scans.for_each(|(_, rows)| *rows = rows.max(SCANNED_MIN));
    }
    found
}

/// Lists the indexes by which a relationship can be found, with how many are expected.
pub(super) fn relationship_choices(
    graph: &PatternGraph,
    place: usize,
    solved: &BTreeSet<usize>,
    is_open: &dyn Fn(usize) -> bool,
    source: &dyn Source,
) -> Vec<(SeekLeaf, f64)> {
    let relationship = &graph.relationships[place];
    let [kind] = relationship.types.as_slice() else { return Vec::new() };
    let usable = |form: &Form| form.node == relationship.slot && form.needs.is_subset(solved);
    let count = super::cost::relationships(relationship, source);
    let mut found = Vec::new();
    for index in source.indexes().into_iter().chain(source.narrow_indexes()) {
        if index.relationships
            && index.of == *kind
            && let Some(seek) = seek_of(graph, &index, relationship.slot, &usable, is_open)
        {
            let turns = if relationship.direction == Direction::Both { 2.0 } else { 1.0 };
            let rows = expected(&seek, source, count) * turns;
            found.push((seek, rows));
        }
    }
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
    if index.kind != IndexUse::Range {
        return narrow_seek(seek, forms());
    }
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

/// Finds what a text or point index can be asked; the condition is always asked again.
fn narrow_seek<'f>(mut seek: SeekLeaf, forms: impl Iterator<Item = (usize, &'f Form)>) -> Option<SeekLeaf> {
    let key = seek.index.keys.first()?.clone();
    let is_text = seek.index.kind == IndexUse::Text;
    // The most telling condition first: a whole value, an end or a beginning, a part.
    let mut best: Option<(u8, usize, NextKey, Vec<Expression>)> = None;
    for (at, form) in forms {
        let (rank, next, equal) = match &form.wants {
            // What is no string is in no text index: for another value the seek scans instead.
            Wants::Equal(name, value) if *name == key && is_text && may_be_text(value) => {
                (0, NextKey::Any, vec![value.clone()])
            }
            Wants::Begins(name, text) if *name == key && is_text => (1, NextKey::Begins(text.clone()), Vec::new()),
            Wants::Ends(name, text) if *name == key && is_text => (1, NextKey::Ends(text.clone()), Vec::new()),
            Wants::Holds(name, text) if *name == key && is_text => (2, NextKey::Holds(text.clone()), Vec::new()),
            Wants::Within(name, low, high) if *name == key && !is_text => {
                (0, NextKey::Within(low.clone(), high.clone()), Vec::new())
            }
            Wants::Near(name, center, distance) if *name == key && !is_text => {
                (0, NextKey::Near(center.clone(), distance.clone()), Vec::new())
            }
            _ => continue,
        };
        if best.as_ref().is_none_or(|(known, ..)| rank < *known) {
            best = Some((rank, at, next, equal));
        }
    }
    let (_, at, next, equal) = best?;
    (seek.next, seek.equal) = (next, equal);
    seek.narrowed.push(at);
    Some(seek)
}

/// Tells whether a value could be a text, as far as it is written.
fn may_be_text(value: &Expression) -> bool {
    let is_other = matches!(
        &*value.kind,
        ExpressionKind::Integer(_)
            | ExpressionKind::Float(_)
            | ExpressionKind::Boolean(_)
            | ExpressionKind::List(_)
            | ExpressionKind::Map(_)
            | ExpressionKind::Null
    );
    !is_other
}

/// Tells how many an index is expected to have for what it is asked; `count` is all that it is about.
pub(super) fn expected(seek: &SeekLeaf, source: &dyn Source, count: f64) -> f64 {
    let size = source.index_size(seek.index.id).ok();
    let entries = size.map_or(count, |size| size.entries as f64);
    let distinct = size.map_or(1.0, |size| size.distinct as f64);
    let one = (entries / distinct.max(1.0)).max(0.1);
    match (&seek.next, &seek.among) {
        (_, Some(_)) => one * 10.0,
        (NextKey::Any, None) => one,
        (NextKey::Range(lower, upper), None) => {
            let is_open = matches!(lower, Bound::Unbounded) || matches!(upper, Bound::Unbounded);
            entries * if is_open { 0.3 } else { 0.1 }
        }
        (NextKey::Begins(_) | NextKey::Ends(_), None) => entries * 0.05,
        (NextKey::Holds(_) | NextKey::Within(..) | NextKey::Near(..), None) => entries * 0.1,
    }
}
