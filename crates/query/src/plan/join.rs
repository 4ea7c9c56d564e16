//! `USING JOIN ON n`: both sides of a node are read apart and joined on it.
//! Leaves the order within each side to `order`.
//! Start reading at [`sides`].

use std::collections::BTreeSet;

use cypher::ast::{HintKind, Name};
use types::Failure;

use super::graph::PatternGraph;
use super::solve::{Solver, State};

/// A connected part of a pattern in two, by the places of nodes.
pub(super) struct Sides {
    /// The nodes that both have.
    pub on: Vec<usize>,
    /// The nodes of each side, with those that both have.
    pub both: [Vec<usize>; 2],
}

/// Splits a part at the nodes of a hint; `None` where nothing falls apart there, or where rows have some of it already.
pub(super) fn sides(graph: &PatternGraph, names: &[Name]) -> Option<Sides> {
    let place = |name: &Name| graph.nodes.iter().position(|node| node.name == name.text);
    let on: Vec<usize> = names.iter().map(place).collect::<Option<_>>()?;
    let mut part_of: Vec<usize> = (0..graph.nodes.len()).collect();
    let mut whole = part_of.clone();
    let unite = |parts: &mut [usize], left: usize, right: usize| {
        let (left, right) = (parts[left], parts[right]);
        parts.iter_mut().filter(|part| **part == right).for_each(|part| *part = left);
    };
    for found in graph.relationships.iter().filter(|found| found.search.is_none()) {
        unite(&mut whole, found.left, found.right);
        match (on.contains(&found.left), on.contains(&found.right)) {
            // What hangs between two of them, or on one alone, belongs to neither side.
            (true, true) => return None,
            (false, false) => unite(&mut part_of, found.left, found.right),
            _ => {}
        }
    }
    let first = whole[*on.first()?];
    let is_free = |node: &usize| !graph.nodes[*node].is_bound;
    let nodes: Vec<usize> = (0..graph.nodes.len()).filter(|node| whole[*node] == first).collect();
    let inner = graph.relationships.iter().filter(|found| whole[found.left] == first);
    if !nodes.iter().all(is_free) || inner.clone().any(|found| found.same_as.is_some()) {
        return None;
    }
    let groups: BTreeSet<usize> = nodes.iter().filter(|node| !on.contains(node)).map(|node| part_of[*node]).collect();
    let one = *groups.first()?;
    if groups.len() < 2 || (on.len() > 1 && groups.len() > 2) {
        return None;
    }
    let touches = |node: usize, is_one: bool| {
        inner.clone().filter(|found| found.left == node || found.right == node).any(|found| {
            let other = found.other(node);
            !on.contains(&other) && (part_of[other] == one) == is_one
        })
    };
    if !on.iter().all(|node| touches(*node, true) && touches(*node, false)) {
        return None;
    }
    let side = |is_one: bool| {
        let is_in = |node: &&usize| on.contains(node) || (part_of[**node] == one) == is_one;
        nodes.iter().filter(is_in).copied().collect()
    };
    Some(Sides { both: [side(true), side(false)], on })
}

impl Solver<'_, '_> {
    /// Finds the hint that a part is to be joined by.
    pub(super) fn hinted_sides(&self, part: &[usize]) -> Option<Sides> {
        let names = self.hints.iter().filter_map(|hint| match &hint.kind {
            HintKind::Join(names) => Some(names),
            _ => None,
        });
        let mut found = names.filter_map(|names| sides(self.graph, names));
        found.find(|sides| self.planner.is_by_cost && part.contains(&sides.on[0]))
    }

    /// Reads both sides of a part and joins them; the side with fewer rows is the one that is kept.
    pub(super) fn split(&mut self, state: &mut State, Sides { on, both }: &Sides) -> Result<(), Failure> {
        let [one, other] = both;
        let rows = |side: &[usize], solved: &BTreeSet<usize>| self.order(side, solved).map(|(_, _, rows)| rows);
        let is_less = rows(one, &BTreeSet::new())? < rows(other, &BTreeSet::new())?;
        let (probed, kept) = if is_less { (other, one) } else { (one, other) };
        let (steps, ..) = self.order(probed, &state.solved)?;
        self.run(state, &steps)?;
        let (alone, ..) = self.order(kept, &BTreeSet::new())?;
        self.joined(state, &alone, on)
    }
}
