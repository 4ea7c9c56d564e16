//! The order in which a connected part of a pattern is read: where to begin, and which relationship comes next.
//! Leaves the operators to `solve`.
//! Start reading at [`Solver::order`].

use std::collections::BTreeSet;

use types::Failure;

use super::graph::PatternRelationship;
use super::seek::{Leaf, SeekLeaf, choices, relationship_choices};
use super::solve::{Solver, State};
use super::{cost, hint};

/// Nodes beyond which a part is long: only a few of its nodes are then tried as its beginning.
const LONG_PART_NODES: usize = 16;

/// How many are tried.
const LONG_PART_BEGINNINGS: usize = 2;

/// Nodes that an index finds for an end, at most, where a part is walked from both of its ends.
const END_ROWS_MAX: f64 = 8.0;

/// One step of reading a part.
#[derive(Clone)]
pub(super) enum Step {
    /// Finds the first node.
    Begin(usize, Leaf),
    /// Takes the first node from a relationship that rows have.
    BeginAt(usize),
    /// Follows a relationship from a node.
    Follow(usize, usize),
    /// Reads every relationship of a type, with both of its nodes.
    Relationships(usize),
    /// Finds relationships by an index, with both of their nodes.
    Sought(usize, Box<SeekLeaf>),
}

/// Where a walk through a part begins.
struct Begun {
    nodes: Vec<usize>,
    relationship: Option<usize>,
    /// Whether the rows are what is left of the conditions on what it begins with.
    is_sought: bool,
    rows: f64,
}

/// A relationship that could be followed next: its place among the open ones, from where, and what is then there.
struct Next {
    rows: f64,
    at: usize,
    from: usize,
    /// Slots that it fills.
    fills: Vec<usize>,
    /// Conditions that can then be judged.
    judged: Vec<usize>,
}

/// Steps of reading a part, the rows that it makes on the way, and the rows at its end.
pub(super) type Ordered = (Vec<Step>, f64, f64);

impl Solver<'_, '_> {
    /// Orders the reading of a part; gives its steps, the rows that it makes on the way, and the rows at its end.
    pub(super) fn order(&self, part: &[usize], solved: &BTreeSet<usize>) -> Result<Ordered, Failure> {
        let mut bound: Vec<usize> = part.iter().copied().filter(|place| self.graph.nodes[*place].is_bound).collect();
        if !bound.is_empty() {
            // By cost, a part is walked from all of its ends that are there.
            bound.truncate(if self.planner.is_by_cost { bound.len() } else { 1 });
            return self.walk(part, &Begun { nodes: bound, relationship: None, is_sought: false, rows: 1.0 }, solved);
        }
        let relationships = self.relationships_of(part);
        if let Some(found) = relationships.iter().find(|found| self.graph.relationships[**found].same_as.is_some()) {
            let begin = self.graph.relationships[*found].left;
            let begun = Begun { nodes: vec![begin], relationship: None, is_sought: true, rows: 1.0 };
            let (mut steps, cost, rows) = self.walk(part, &begun, solved)?;
            steps.insert(0, Step::BeginAt(*found));
            return Ok((steps, cost, rows));
        }
        let source = self.planner.graphs.source(self.graph.source);
        let mut best: Option<(Vec<Step>, f64, f64)> = None;
        let is_open = |at: usize| !self.met[at];
        let mut hinted: Vec<usize> = Vec::new();
        let cheapest = |place: &usize| {
            let mut leaves = choices(self.graph, *place, solved, &is_open, source);
            if hint::hinted(&self.hints, &self.graph.nodes[*place], &mut leaves) {
                hinted.push(*place);
            }
            let cheapest = leaves.into_iter().min_by(|left, right| left.1.total_cmp(&right.1));
            cheapest.map(|(leaf, rows)| (*place, leaf, rows))
        };
        let mut leaves: Vec<(usize, Leaf, f64)> = part.iter().filter_map(cheapest).collect();
        leaves.retain(|(place, ..)| hinted.is_empty() || hinted.contains(place));
        if !self.planner.is_by_cost {
            leaves = vec![(part[0], Leaf::Scan(None), 1.0)];
        }
        leaves.sort_by(|left, right| left.2.total_cmp(&right.2));
        let is_long = part.len() > LONG_PART_NODES;
        leaves.truncate(if is_long { LONG_PART_BEGINNINGS } else { part.len() });
        for (place, leaf, rows) in &leaves {
            let begun = Begun { nodes: vec![*place], relationship: None, is_sought: true, rows: *rows };
            let (mut steps, cost, end) = self.walk(part, &begun, solved)?;
            steps.insert(0, Step::Begin(*place, leaf.clone()));
            if best.as_ref().is_none_or(|(_, known, _)| cost < *known) {
                best = Some((steps, cost, end));
            }
        }
        if let Some((steps, cost, end)) = self.by_both_ends(part, &leaves, solved)?
            && best.as_ref().is_none_or(|(_, known, _)| cost < *known)
        {
            best = Some((steps, cost, end));
        }
        let is_free = self.planner.is_by_cost && !is_long && hinted.is_empty();
        for place in relationships.into_iter().filter(|_| is_free) {
            let relationship = &self.graph.relationships[place];
            if relationship.repeat.is_some() || relationship.types.len() > 1 || relationship.left == relationship.right
            {
                continue;
            }
            let nodes = vec![relationship.left, relationship.right];
            let mut ways = vec![(Step::Relationships(place), cost::relationships(relationship, source), false)];
            for (seek, rows) in relationship_choices(self.graph, place, solved, &is_open, source) {
                ways.push((Step::Sought(place, Box::new(seek)), rows, true));
            }
            for (step, rows, is_sought) in ways {
                let begun = Begun { nodes: nodes.clone(), relationship: Some(place), is_sought, rows };
                let (mut steps, cost, end) = self.walk(part, &begun, solved)?;
                steps.insert(0, step);
                if best.as_ref().is_none_or(|(_, known, _)| cost < *known) {
                    best = Some((steps, cost, end));
                }
            }
        }
        Ok(best.expect("a part has a node, and every node can be looked for"))
    }

    /// Orders a part that begins at two nodes, each of which an index finds, and is walked from both.
    fn by_both_ends(
        &self,
        part: &[usize],
        leaves: &[(usize, Leaf, f64)],
        solved: &BTreeSet<usize>,
    ) -> Result<Option<Ordered>, Failure> {
        let is_found = |(_, leaf, rows): &&(usize, Leaf, f64)| *rows <= END_ROWS_MAX && !matches!(leaf, Leaf::Scan(_));
        let mut ends = leaves.iter().filter(is_found);
        let (Some((first, leaf, rows)), Some((second, other, more))) = (ends.next(), ends.next()) else {
            return Ok(None);
        };
        if part.len() < 3 || !self.planner.is_by_cost {
            return Ok(None);
        }
        let nodes = vec![*first, *second];
        let begun = Begun { nodes, relationship: None, is_sought: true, rows: rows * more };
        let (mut steps, cost, end) = self.walk(part, &begun, solved)?;
        steps.splice(0..0, [Step::Begin(*first, leaf.clone()), Step::Begin(*second, other.clone())]);
        Ok(Some((steps, cost + rows, end)))
    }

    fn relationships_of(&self, part: &[usize]) -> Vec<usize> {
        let has_ends = |found: &PatternRelationship| part.contains(&found.left) && part.contains(&found.right);
        let is_in = |found: &PatternRelationship| found.search.is_none() && has_ends(found);
        (0..self.graph.relationships.len()).filter(|place| is_in(&self.graph.relationships[*place])).collect()
    }

    /// Walks through a part from a node, always along the relationship after which the fewest rows are expected.
    fn walk(&self, part: &[usize], begun: &Begun, solved: &BTreeSet<usize>) -> Result<Ordered, Failure> {
        let graph = self.graph;
        let source = self.planner.graphs.source(graph.source);
        let mut counted: Vec<bool> = self.met.clone();
        let mut has: BTreeSet<usize> = solved.clone();
        has.extend(begun.nodes.iter().map(|place| graph.nodes[*place].slot));
        has.extend(begun.relationship.map(|place| graph.relationships[place].slot));
        let mut first_share = 1.0;
        for (at, predicate) in graph.predicates.iter().enumerate() {
            if !counted[at] && predicate.needs.is_subset(&has) {
                counted[at] = true;
                first_share *= cost::selectivity(graph, predicate, source);
            }
        }
        let is_looked_for = begun.is_sought && !graph.nodes[begun.nodes[0]].is_bound;
        // The conditions on a node that is looked for are part of what was expected of it.
        // A relationship read by itself costs several times one that is found at a node.
        let mut cost = begun.rows * if begun.relationship.is_some() && !begun.is_sought { 4.0 } else { 1.0 };
        let mut rows = if is_looked_for { begun.rows } else { begun.rows * first_share };
        let mut open = self.relationships_of(part);
        open.retain(|place| Some(*place) != begun.relationship);
        let mut reached = vec![false; graph.nodes.len()];
        begun.nodes.iter().for_each(|place| reached[*place] = true);
        let mut steps = Vec::new();
        while !open.is_empty() {
            self.planner.look()?;
            let Some(next) = self.next(&open, &reached, rows, (&has, &counted)) else { break };
            let (place, from) = (open.remove(next.at), next.from);
            steps.push(Step::Follow(place, from));
            // What is looked at costs, and not only what is left of it; one that is looked for in a list costs halvings.
            let relationship = &graph.relationships[place];
            let degree = cost::degree(graph, relationship, from, source);
            let is_sought = relationship.repeat.is_none() && reached[relationship.other(from)];
            cost += rows * if is_sought { degree.min(1.0 + degree.max(1.0).log2()) } else { degree } + next.rows;
            rows = next.rows.max(0.01);
            has.extend(next.fills);
            next.judged.iter().for_each(|at| counted[*at] = true);
            reached[graph.relationships[place].other(from)] = true;
        }
        Ok((steps, cost, rows))
    }

    /// Chooses the relationship to follow next: the first one in the order of the text where that is asked for.
    fn next(&self, open: &[usize], reached: &[bool], rows: f64, known: (&BTreeSet<usize>, &[bool])) -> Option<Next> {
        let graph = self.graph;
        let source = self.planner.graphs.source(graph.source);
        let mut best: Option<Next> = None;
        for (at, place) in open.iter().enumerate() {
            let relationship = &graph.relationships[*place];
            for from in [relationship.left, relationship.right] {
                if !reached[from] {
                    continue;
                }
                let to = relationship.other(from);
                let mut next = rows * cost::degree(graph, relationship, from, source);
                if reached[to] || graph.nodes[to].is_bound {
                    next /= source.count_nodes(None).unwrap_or(1).max(1) as f64;
                }
                let mut fills = graph.filled_by(*place);
                fills.push(graph.nodes[to].slot);
                let judged = self.judged_with(&fills, known);
                for at in &judged {
                    next *= cost::selectivity(graph, &graph.predicates[*at], source);
                }
                let is_better = |best: &Next| self.planner.is_by_cost && next < best.rows;
                if best.as_ref().is_none_or(is_better) {
                    best = Some(Next { rows: next, at, from, fills, judged });
                }
            }
        }
        best
    }

    /// Lists the conditions, not counted yet, that can be judged once `fills` are there too.
    fn judged_with(&self, fills: &[usize], (has, counted): (&BTreeSet<usize>, &[bool])) -> Vec<usize> {
        // Only those that look at what is new; all others were counted before, or wait for something else.
        let looking = fills.iter().filter_map(|slot| self.looking_at.get(slot)).flatten();
        let is_ready = |at: &&usize| {
            let needs = &self.graph.predicates[**at].needs;
            !counted[**at] && needs.iter().all(|slot| has.contains(slot) || fills.contains(slot))
        };
        let mut judged: Vec<usize> = looking.filter(is_ready).copied().collect();
        judged.sort_unstable();
        judged.dedup();
        judged
    }

    /// Forgets what was expected of the parts with a condition on something that rows have since `before`.
    pub(super) fn forget_costs(
        &self,
        parts: &[Vec<usize>],
        costs: &mut [Option<f64>],
        before: &BTreeSet<usize>,
        state: &State,
    ) {
        let new = state.solved.difference(before).filter_map(|slot| self.looking_at.get(slot)).flatten();
        let open = new.filter(|at| !self.met[**at]);
        let touched: BTreeSet<usize> = open.flat_map(|at| &self.graph.predicates[*at].needs).copied().collect();
        if touched.is_empty() {
            return;
        }
        for (part, cost) in parts.iter().zip(costs) {
            let nodes = part.iter().map(|place| self.graph.nodes[*place].slot);
            let relationships = self.relationships_of(part).into_iter().flat_map(|place| self.graph.filled_by(place));
            if nodes.chain(relationships).any(|slot| touched.contains(&slot)) {
                *cost = None;
            }
        }
    }
}
