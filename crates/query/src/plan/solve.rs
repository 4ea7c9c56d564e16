//! The order in which a pattern is read: where to begin, where to go on, what to join.
//!
//! Each connected part begins at the node from which a greedy walk along its relationships is expected to make the
//! fewest rows. Parts without a connection are joined by a hash table where an equality links them, by an index where
//! one has the key, and by pairing every row with every row at last.

use std::collections::BTreeSet;
use std::sync::Arc;

use cypher::ast::{BinaryOperator, Expression, ExpressionKind, Hint, QuantifierKind, Span};
use rustc_hash::FxHashMap;
use types::compare::Key;
use types::{Direction, Failure, Value, effort};

use super::graph::{PatternGraph, PatternRelationship, Repeat};
use super::order::Step;
use super::pattern::{binary, variable_of};
use super::seek::{Leaf, NextKey, SeekLeaf};
use super::{Pipe, Planner, cost};
use crate::expression::Compiled;
use crate::functions::{EntityFunction, FunctionContext, operators};
use crate::operator::{Expand, HashJoin, Plan, Seek, SeekNext};

/// Rows of a part of a pattern, and what they have.
pub(super) struct State {
    pub plan: Arc<Plan>,
    pub rows: f64,
    /// Slots of the pattern, and those from before, that rows have.
    pub solved: BTreeSet<usize>,
    /// Relationships that rows have, by place.
    pub relationships: Vec<usize>,
}

/// Chooses the order of a pattern, and puts its operators on top of each other.
pub(super) struct Solver<'s, 'a> {
    pub planner: &'s mut Planner<'a>,
    pub graph: &'s PatternGraph,
    /// Conditions that are met.
    pub met: Vec<bool>,
    /// How nodes are to be found.
    pub hints: Vec<Hint>,
    /// Conditions by the slots that they look at.
    pub looking_at: FxHashMap<usize, Vec<usize>>,
}

impl Planner<'_> {
    /// Plans the reading of a pattern on top of what there is.
    pub(super) fn solved(&mut self, pipe: Pipe, graph: PatternGraph) -> Result<Pipe, Failure> {
        let hints = self.check_hints(&graph)?;
        let met = vec![false; graph.predicates.len()];
        let mut looking_at: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        for (at, predicate) in graph.predicates.iter().enumerate() {
            predicate.needs.iter().for_each(|slot| looking_at.entry(*slot).or_default().push(at));
        }
        let mut solver = Solver { planner: self, graph: &graph, met, hints, looking_at };
        let mut state = State {
            plan: pipe.plan,
            rows: pipe.rows,
            solved: pipe.scope.0.iter().map(|variable| variable.slot).collect(),
            relationships: Vec::new(),
        };
        solver.all(&mut state)?;
        let State { plan, rows, .. } = state;
        Ok(Pipe { plan, scope: graph.scope, rows, reads: true, writes: pipe.writes })
    }
}

impl Solver<'_, '_> {
    fn all(&mut self, state: &mut State) -> Result<(), Failure> {
        let graph = self.graph;
        self.bound_nodes(state)?;
        self.filtered(state)?;
        let mut parts = parts(graph);
        if let Some(end) = self.open_end(state)? {
            parts.retain(|part| part.as_slice() != [end]);
        }
        let is_bound = |part: &Vec<usize>| part.iter().any(|place| graph.nodes[*place].is_bound);
        parts.sort_by_key(|part| !is_bound(part));
        let mut costs = vec![None; parts.len()];
        while !parts.is_empty() {
            let next = self.next_part(&parts, &mut costs, state)?;
            let part = parts.remove(next);
            costs.remove(next);
            let before = state.solved.clone();
            self.part(state, &part)?;
            self.forget_costs(&parts, &mut costs, &before, state);
        }
        for search in 0..graph.searches.len() {
            self.searched(state, search)?;
        }
        self.paths(state)?;
        self.filtered(state)
    }

    /// A node from before that stands alone must still be there: null matches nothing.
    fn bound_nodes(&mut self, state: &mut State) -> Result<(), Failure> {
        for (place, node) in self.graph.nodes.iter().enumerate() {
            let is_alone = !self.graph.relationships.iter().any(|found| found.left == place || found.right == place);
            if node.is_bound && is_alone {
                let condition = Compiled::IsNull(Box::new(Compiled::Slot(node.slot)), true);
                let details = format!("{} IS NOT NULL", node.name);
                state.plan = self.planner.put(Plan::Filter(Arc::clone(&state.plan), condition), state.rows, details);
            }
        }
        Ok(())
    }

    /// Puts the conditions that can be judged now on top.
    fn filtered(&mut self, state: &mut State) -> Result<(), Failure> {
        let mut conditions = Vec::new();
        let mut ready: Vec<usize> = (0..self.met.len())
            .filter(|at| !self.met[*at] && self.graph.predicates[*at].needs.is_subset(&state.solved))
            .collect();
        // What is cheap to judge comes first.
        ready.sort_by_key(|at| weight(&self.graph.predicates[*at].expression));
        for at in ready {
            self.met[at] = true;
            let predicate = &self.graph.predicates[at];
            state.rows *= cost::selectivity(self.graph, predicate, self.planner.graphs.source(self.graph.source));
            let compiled = self.planner.compile(&predicate.expression, &self.graph.scope)?;
            conditions.push((compiled, predicate.expression.to_string()));
        }
        if !conditions.is_empty() {
            state.rows = state.rows.max(0.01);
            state.plan = self.planner.keep_where(Arc::clone(&state.plan), conditions, state.rows);
        }
        Ok(())
    }

    /// Chooses the part that is read next: one with a node from before, else the one with the fewest rows.
    fn next_part(&self, parts: &[Vec<usize>], costs: &mut [Option<f64>], state: &State) -> Result<usize, Failure> {
        if parts[0].iter().any(|place| self.graph.nodes[*place].is_bound) {
            return Ok(0);
        }
        for (part, cost) in parts.iter().zip(&mut *costs).filter(|(_, cost)| cost.is_none()) {
            self.planner.look()?;
            *cost = Some(self.order(part, &state.solved)?.1);
        }
        let known = |at: usize| costs[at].unwrap_or(f64::MAX);
        Ok((0..parts.len()).min_by(|left, right| known(*left).total_cmp(&known(*right))).unwrap_or(0))
    }

    fn part(&mut self, state: &mut State, part: &[usize]) -> Result<(), Failure> {
        if let Some(sides) = self.hinted_sides(part) {
            return self.split(state, &sides);
        }
        let (steps, nested, _) = self.order(part, &state.solved)?;
        let is_first = matches!(*state.plan, Plan::Unit) || state.rows <= 1.0;
        let begins_before = !matches!(steps.first(), Some(Step::Begin(..)));
        if !begins_before && !is_first && self.planner.is_by_cost {
            let (alone, alone_cost, alone_rows) = self.order(part, &BTreeSet::new())?;
            if alone_cost + alone_rows + state.rows < nested * state.rows {
                return self.joined(state, &alone, &[]);
            }
        }
        self.run(state, &steps)
    }

    pub(super) fn run(&mut self, state: &mut State, steps: &[Step]) -> Result<(), Failure> {
        let mut steps = steps.iter().peekable();
        while let Some(step) = steps.next() {
            self.planner.look()?;
            if let Some(both) = self.meeting(state, step, steps.peek().copied()) {
                self.met_between(state, both)?;
                self.filtered(state)?;
                steps.next();
                continue;
            }
            match step {
                Step::Begin(place, leaf) => self.begin(state, *place, leaf)?,
                Step::BeginAt(relationship) => self.begin_at(state, *relationship),
                Step::Follow(relationship, from) => self.follow(state, *relationship, *from)?,
                Step::Relationships(relationship) => self.relationships(state, *relationship),
                Step::Sought(relationship, seek) => self.sought(state, *relationship, seek)?,
            }
            self.filtered(state)?;
        }
        Ok(())
    }

    /// Reads a part by itself and joins it with what there is: on equal values, and on nodes that both have.
    pub(super) fn joined(&mut self, state: &mut State, steps: &[Step], on: &[usize]) -> Result<(), Failure> {
        let plan = Arc::new(Plan::Unit);
        let mut other = State { plan, rows: 1.0, solved: BTreeSet::new(), relationships: Vec::new() };
        self.run(&mut other, steps)?;
        let nodes = on.iter().map(|place| &self.graph.nodes[*place]);
        let (mut probe_keys, mut details): (Vec<_>, Vec<_>) =
            nodes.map(|node| (Compiled::Slot(node.slot), node.name.to_string())).unzip();
        let mut build_keys = probe_keys.clone();
        for (at, predicate) in self.graph.predicates.iter().enumerate() {
            let Some(sides) = predicate.sides.as_deref().filter(|_| !self.met[at]) else { continue };
            let [left, right] = sides;
            for (probe, build) in [(left, right), (right, left)] {
                let fits = probe.1.is_subset(&state.solved)
                    && build.1.is_subset(&other.solved)
                    && !build.1.is_empty()
                    && !probe.1.is_empty();
                if fits && !self.met[at] {
                    probe_keys.push(self.planner.compile(&probe.0, &self.graph.scope)?);
                    build_keys.push(self.planner.compile(&build.0, &self.graph.scope)?);
                    details.push(predicate.expression.to_string());
                    self.met[at] = true;
                }
            }
        }
        let rows = state.rows * other.rows;
        state.rows = if probe_keys.is_empty() { rows } else { state.rows.max(other.rows) };
        let kept: Vec<usize> = other.solved.iter().copied().collect();
        let join = HashJoin { probe_keys, build_keys, kept };
        let plan = Plan::HashJoin(Arc::clone(&state.plan), other.plan, join);
        state.plan = self.planner.put(plan, state.rows, details.join(" AND "));
        self.differ(state, &other.relationships)?;
        state.solved.extend(other.solved);
        state.relationships.extend(other.relationships);
        self.filtered(state)
    }

    /// Relationships of one pattern differ, also where its parts were read apart.
    fn differ(&mut self, state: &mut State, others: &[usize]) -> Result<(), Failure> {
        for left in state.relationships.clone() {
            for right in others {
                let (left, right) = (&self.graph.relationships[left], &self.graph.relationships[*right]);
                if self.graph.is_repeatable || !left.may_equal(right) {
                    continue;
                }
                let condition = different(left, right);
                let compiled = self.planner.compile(&condition, &self.graph.scope)?;
                let plan = Plan::Filter(Arc::clone(&state.plan), compiled);
                state.plan = self.planner.put(plan, state.rows, condition.to_string());
            }
        }
        Ok(())
    }

    /// Tells how many rows are expected of a node that is looked for by itself.
    pub(super) fn rows_of(&self, node: usize, state: &State) -> Result<f64, Failure> {
        Ok(self.order(&[node], &state.solved)?.2)
    }

    fn begin(&mut self, state: &mut State, place: usize, leaf: &Leaf) -> Result<(), Failure> {
        let node = &self.graph.nodes[place];
        let source = self.graph.source;
        let input = Arc::clone(&state.plan);
        let name = &node.name;
        match leaf {
            Leaf::Scan(label) => {
                let kind = label.as_ref().map(|(label, _)| label.clone());
                let graph_source = self.planner.graphs.source(source);
                let id = kind.as_ref().map(|label| graph_source.label_id(label));
                let count = match id {
                    Some(None) => 0,
                    Some(id) => graph_source.count_nodes(id).unwrap_or(0),
                    None => graph_source.count_nodes(None).unwrap_or(0),
                };
                state.rows *= count as f64;
                let details = kind.as_ref().map_or_else(|| name.to_string(), |label| format!("{name}:{label}"));
                let plan = Plan::Scan { input, source, label: kind, node: node.slot };
                state.plan = self.planner.put(plan, state.rows, details);
                if let Some((_, Some(met))) = label {
                    self.met[*met] = true;
                }
            }
            Leaf::Number { value, predicate } => {
                self.met[*predicate] = true;
                let details = format!("{name} WHERE {}", self.graph.predicates[*predicate].expression);
                let ids = self.planner.compile(value, &self.graph.scope)?;
                let plan = Plan::NodesById { input, source, ids, node: node.slot };
                state.plan = self.planner.put(plan, state.rows, details);
            }
            Leaf::Seek(seek) => self.seek(state, place, seek)?,
        }
        state.solved.insert(node.slot);
        Ok(())
    }

    fn seek(&mut self, state: &mut State, place: usize, seek: &SeekLeaf) -> Result<(), Failure> {
        let graph = self.graph;
        let node = &graph.nodes[place];
        self.seek_at(state, seek, (&node.name, node.slot), None)
    }

    /// Finds relationships by an index, in either direction where the pattern has none.
    fn sought(&mut self, state: &mut State, place: usize, seek: &SeekLeaf) -> Result<(), Failure> {
        let graph = self.graph;
        let relationship = &graph.relationships[place];
        let [left, right] = [relationship.left, relationship.right].map(|node| graph.nodes[node].slot);
        let ends = if relationship.direction == Direction::Incoming { (right, left) } else { (left, right) };
        let picture = self.picture(place, relationship.left).into();
        let both = relationship.direction == Direction::Both;
        self.seek_at(state, seek, (&picture, relationship.slot), Some((ends, both)))?;
        state.rows *= if both { 2.0 } else { 1.0 };
        state.solved.extend([left, right, relationship.slot]);
        self.differ(state, &[place])?;
        state.relationships.push(place);
        Ok(())
    }

    fn seek_at(
        &mut self,
        state: &mut State,
        seek: &SeekLeaf,
        (name, slot): (&compact_str::CompactString, usize),
        ends: Option<((usize, usize), bool)>,
    ) -> Result<(), Failure> {
        let graph = self.graph;
        let mut compile = |value: &Expression| self.planner.compile(value, &graph.scope);
        let mut equal = seek.equal.iter().map(&mut compile).collect::<Result<Vec<_>, _>>()?;
        let next = match &seek.next {
            NextKey::Any => SeekNext::Any,
            NextKey::Begins(prefix) => SeekNext::Prefix(compile(prefix)?),
            NextKey::Holds(part) => SeekNext::Holds(compile(part)?),
            NextKey::Ends(end) => SeekNext::Ends(compile(end)?),
            NextKey::Within(low, high) => SeekNext::Within(compile(low)?, compile(high)?),
            NextKey::Near(center, distance) => SeekNext::Near(compile(center)?, compile(distance)?),
            NextKey::Range(lower, upper) => {
                let mut bound = |bound: &std::ops::Bound<Expression>| {
                    Ok::<_, Failure>(match bound {
                        std::ops::Bound::Unbounded => std::ops::Bound::Unbounded,
                        std::ops::Bound::Included(value) => std::ops::Bound::Included(compile(value)?),
                        std::ops::Bound::Excluded(value) => std::ops::Bound::Excluded(compile(value)?),
                    })
                };
                SeekNext::Range(bound(lower)?, bound(upper)?)
            }
        };
        let mut input = Arc::clone(&state.plan);
        if let Some(list) = &seek.among {
            let list = Compiled::Call(different_items, vec![compile(list)?]);
            let item = self.planner.fresh_slot();
            input = self.planner.put(Plan::Unwind { input, list, item }, state.rows * 10.0, "");
            equal.push(Compiled::Slot(item));
            state.rows *= 10.0;
        }
        for at in &seek.predicates {
            self.met[*at] = true;
        }
        let size = self.planner.graphs.source(graph.source).index_size(seek.index.id).ok();
        let one = size.map_or(1.0, |size| size.entries as f64 / (size.distinct.max(1) as f64));
        state.rows *= match next {
            SeekNext::Any => one,
            _ => size.map_or(1.0, |size| size.entries as f64) * 0.1,
        };
        let texts = seek.predicates.iter().chain(&seek.narrowed).map(|at| graph.predicates[*at].expression.to_string());
        let details = format!("{name} USING {} WHERE {}", seek.index.name, texts.collect::<Vec<_>>().join(" AND "));
        let plan = Seek {
            source: graph.source,
            index: seek.index.id,
            name: seek.index.name.clone(),
            ends: ends.map(|(ends, _)| ends),
            equal,
            next,
            slot,
            both: ends.is_some_and(|(_, both)| both),
            unique: seek.index.unique,
            otherwise: (seek.index.kind == crate::source::IndexUse::Text).then(|| seek.index.of.clone()),
        };
        state.plan = self.planner.put(Plan::Seek(input, plan), state.rows, details);
        Ok(())
    }

    /// Takes the left node from a relationship that rows have, or from the first of a list of them.
    fn begin_at(&mut self, state: &mut State, place: usize) {
        let relationship = &self.graph.relationships[place];
        let same_as = relationship.same_as.expect("a part begins here only at a relationship from before");
        let node = &self.graph.nodes[relationship.left];
        let first =
            |slot| Compiled::Index(Box::new(Compiled::Slot(slot)), Box::new(Compiled::Constant(Value::Integer(0))));
        let of = if relationship.repeat.is_some() { first(same_as) } else { Compiled::Slot(same_as) };
        let end = |function| Compiled::Entity(function, Box::new(of.clone()));
        let (start, end) = (end(EntityFunction::StartNode), end(EntityFunction::EndNode));
        let list = match relationship.direction {
            Direction::Outgoing => Compiled::List(vec![start]),
            Direction::Incoming => Compiled::List(vec![end]),
            Direction::Both => Compiled::Call(different_items, vec![Compiled::List(vec![start, end])]),
        };
        let input = Arc::clone(&state.plan);
        let details = node.name.to_string();
        state.plan = self.planner.put(Plan::Unwind { input, list, item: node.slot }, state.rows, details);
        state.solved.insert(node.slot);
    }

    fn follow(&mut self, state: &mut State, place: usize, from: usize) -> Result<(), Failure> {
        let graph = self.graph;
        let relationship = &graph.relationships[place];
        let to = relationship.other(from);
        let into = state.solved.contains(&graph.nodes[to].slot);
        let source = self.planner.graphs.source(graph.source);
        state.rows *= cost::degree(graph, relationship, from, source);
        if into {
            state.rows /= source.count_nodes(None).unwrap_or(1).max(1) as f64;
        }
        state.rows = state.rows.max(0.01);
        if relationship.repeat.is_some() {
            self.walked(state, place, from)?;
        } else {
            let plan = Plan::Expand(Arc::clone(&state.plan), self.expand(state, place, from));
            let details = self.picture(place, from);
            state.plan = self.planner.put(plan, state.rows, details);
            state.solved.extend([relationship.slot, graph.nodes[to].slot]);
        }
        state.relationships.push(place);
        Ok(())
    }

    fn relationships(&mut self, state: &mut State, place: usize) {
        let relationship = &self.graph.relationships[place];
        state.rows *= cost::relationships(relationship, self.planner.graphs.source(self.graph.source));
        let expand = self.expand(state, place, relationship.left);
        let details = self.picture(place, relationship.left);
        let plan = Plan::ScanRelationships(Arc::clone(&state.plan), expand);
        state.plan = self.planner.put(plan, state.rows, details);
        let ends = [relationship.left, relationship.right].map(|node| self.graph.nodes[node].slot);
        state.solved.extend(ends);
        state.solved.insert(relationship.slot);
        state.relationships.push(place);
    }

    pub(super) fn expand(&self, state: &State, place: usize, from: usize) -> Expand {
        let graph = self.graph;
        let relationship = &graph.relationships[place];
        let to = relationship.other(from);
        let is_turned = relationship.left != from;
        let others = state.relationships.iter().map(|other| &graph.relationships[*other]);
        Expand {
            source: graph.source,
            from: graph.nodes[from].slot,
            direction: if is_turned { relationship.direction.reversed() } else { relationship.direction },
            types: relationship.types.clone(),
            relationship: relationship.slot,
            to: graph.nodes[to].slot,
            into: state.solved.contains(&graph.nodes[to].slot),
            distinct_from: others
                .filter(|other| !graph.is_repeatable && other.may_equal(relationship))
                .map(|other| other.slot)
                .collect(),
        }
    }

    /// Draws a relationship as it is followed.
    pub(super) fn picture(&self, place: usize, from: usize) -> String {
        let graph = self.graph;
        let relationship = &graph.relationships[place];
        let name = |place: usize| graph.nodes[place].name.trim_start();
        if let Some((text, _)) = relationship.repeat.as_ref().and_then(|repeat| repeat.text.as_ref()) {
            return format!("({}) {text} ({})", name(relationship.left), name(relationship.right));
        }
        let direction =
            if relationship.left == from { relationship.direction } else { relationship.direction.reversed() };
        let (before, behind) = match direction {
            Direction::Outgoing => ("-", "->"),
            Direction::Incoming => ("<-", "-"),
            Direction::Both => ("-", "-"),
        };
        let mut inner = String::new();
        if !relationship.name.starts_with(' ') {
            inner.push_str(&relationship.name);
        }
        if !relationship.types.is_empty() {
            inner.push(':');
            inner.push_str(&relationship.types.join("|"));
        }
        if let Some(Repeat { min, max, .. }) = &relationship.repeat {
            let max = max.map_or(String::new(), |max| max.to_string());
            inner.push_str(&format!("*{min}..{max}"));
        }
        format!("({}){before}[{inner}]{behind}({})", name(from), name(relationship.other(from)))
    }

    /// Makes the paths that have a name.
    fn paths(&mut self, state: &mut State) -> Result<(), Failure> {
        let graph = self.graph;
        let mut values = Vec::new();
        for path in &graph.paths {
            let mut at = path.start;
            let mut relationships = Vec::new();
            for place in &path.relationships {
                let relationship = &graph.relationships[*place];
                relationships.push(relationship.slot);
                at = relationship.other(at);
            }
            let start = graph.nodes[path.start].slot;
            values.push((path.slot, Compiled::Path { start, relationships }));
            state.solved.insert(path.slot);
        }
        if !values.is_empty() {
            let details = graph.paths.iter().map(|path| path.name.to_string()).collect::<Vec<_>>().join(", ");
            state.plan = self.planner.put(Plan::Compute(Arc::clone(&state.plan), values), state.rows, details);
        }
        Ok(())
    }
}

/// Lists the connected parts of a pattern, each by its nodes' places.
fn parts(graph: &PatternGraph) -> Vec<Vec<usize>> {
    let mut part_of: Vec<usize> = (0..graph.nodes.len()).collect();
    for relationship in graph.relationships.iter().filter(|found| found.search.is_none()) {
        let (left, right) = (part_of[relationship.left], part_of[relationship.right]);
        part_of.iter_mut().filter(|part| **part == right).for_each(|part| *part = left);
    }
    let mut parts: Vec<Vec<usize>> = Vec::new();
    // Nodes between the ends of a search are found by it.
    let between = |node: usize| {
        graph
            .searches
            .iter()
            .any(|search| search.nodes.get(1..search.nodes.len() - 1).is_some_and(|inner| inner.contains(&node)))
    };
    for first in 0..graph.nodes.len() {
        let part: Vec<usize> = (0..graph.nodes.len()).filter(|node| part_of[*node] == first).collect();
        // A node from before that has no relationship needs no reading.
        let is_read = part.len() > 1
            || part.iter().any(|node| {
                !graph.nodes[*node].is_bound
                    || graph.relationships.iter().any(|found| found.search.is_none() && found.left == *node)
            });
        if !part.is_empty() && is_read && !between(first) {
            parts.push(part);
        }
    }
    parts
}

/// Says that two relationships, or runs of them, have none in common.
fn different(left: &PatternRelationship, right: &PatternRelationship) -> Expression {
    let span = Span::default();
    let of = |relationship: &PatternRelationship| variable_of(&relationship.name, span);
    let none = |list: &PatternRelationship, condition: Expression| {
        let kind = ExpressionKind::Quantifier {
            kind: QuantifierKind::None,
            variable: cypher::ast::Name { text: " each".into(), span },
            list: of(list),
            filter: Some(condition),
        };
        Expression::new(kind, span)
    };
    let each = variable_of(&" each".into(), span);
    match (&left.repeat, &right.repeat) {
        (None, None) => binary(BinaryOperator::NotEqual, of(left), of(right)),
        (Some(_), None) => none(left, binary(BinaryOperator::Equal, each, of(right))),
        (None, Some(_)) => none(right, binary(BinaryOperator::Equal, each, of(left))),
        (Some(_), Some(_)) => none(left, binary(BinaryOperator::In, each, of(right))),
    }
}

/// Tells how much it costs to judge a condition, roughly.
fn weight(condition: &Expression) -> u8 {
    let mut weight = 0;
    super::walk::each(condition, &mut |part| {
        weight = weight.max(match &*part.kind {
            ExpressionKind::Exists(_)
            | ExpressionKind::Count(_)
            | ExpressionKind::Collect(_)
            | ExpressionKind::PatternPredicate(_)
            | ExpressionKind::PatternComprehension { .. }
            | ExpressionKind::ShortestPath(_) => 3,
            ExpressionKind::Quantifier { .. } | ExpressionKind::Reduce { .. } => 2,
            ExpressionKind::HasLabels(..) => 1,
            _ => 0,
        });
        weight < 3
    });
    weight
}

/// Gives the items of a list, each once; what is no list is an error as it is for `IN`.
fn different_items(_: &mut FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    match &arguments[0] {
        Value::Null => Ok(Value::list(Vec::new())),
        Value::List(items) => {
            let mut seen = rustc_hash::FxHashSet::default();
            let different =
                items.iter().take_while(|_| effort::pay(1)).filter(|item| seen.insert(Key((*item).clone())));
            Ok(Value::list(different.cloned().collect()))
        }
        other => operators::in_list(&Value::Null, other),
    }
}
