//! Shortest trails by a search from both ends, a whole frontier at a time.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use rustc_hash::FxBuildHasher;
use smallvec::{SmallVec, smallvec};
use types::{Failure, NodeId, RelationshipRef};

use super::{Search, Trail};
use crate::Batch;
use crate::expression::Context;

/// Bytes that a node costs in the table of those seen.
const SEEN_BYTES: usize = 96;

/// One side of the search.
struct Side {
    from_start: bool,
    /// How far the frontier is from where the side began.
    depth: usize,
    /// The nodes at that depth.
    frontier: Vec<NodeId>,
    /// Every node seen so far, with its depth and the last steps of all shortest ways to it.
    seen: HashMap<NodeId, Seen, FxBuildHasher>,
}

struct Seen {
    depth: usize,
    /// Each the node before, and the relationship from there.
    ways: SmallVec<[(NodeId, RelationshipRef); 1]>,
}

impl Side {
    fn new(begin: NodeId, from_start: bool) -> Self {
        let seen = std::iter::once((begin, Seen { depth: 0, ways: smallvec![] })).collect();
        Self { from_start, depth: 0, frontier: vec![begin], seen }
    }

    /// Goes one relationship further from every node of the frontier.
    fn step(&mut self, search: &Search<'_>, context: &mut Context<'_>) -> Result<(), Failure> {
        let frontier = std::mem::take(&mut self.frontier);
        self.depth += 1;
        for nodes in frontier.chunks(Batch::ROWS_MAX) {
            let found = search.expand(nodes, self.from_start, context)?;
            let mut start = 0;
            for (node, end) in nodes.iter().zip(found.ends) {
                for step in found.found[start..end].iter().filter(|step| search.is_free(step)) {
                    self.reach(*node, step.neighbour, step.relationship, context)?;
                }
                start = end;
            }
        }
        Ok(())
    }

    fn reach(
        &mut self,
        before: NodeId,
        node: NodeId,
        by: RelationshipRef,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        match self.seen.entry(node) {
            Entry::Vacant(vacant) => {
                context.budget.take_memory(SEEN_BYTES)?;
                vacant.insert(Seen { depth: self.depth, ways: smallvec![(before, by)] });
                self.frontier.push(node);
            }
            Entry::Occupied(mut seen) if seen.get().depth == self.depth => {
                context.budget.take_memory(size_of::<(NodeId, RelationshipRef)>())?;
                seen.get_mut().ways.push((before, by));
            }
            // A shorter way leads there.
            Entry::Occupied(_) => {}
        }
        Ok(())
    }

    /// Lists the ways from where the side began to a node, each with its last step first; at most `limit`.
    fn ways(&self, node: NodeId, limit: usize, context: &mut Context<'_>) -> Result<Vec<Trail>, Failure> {
        let mut done = Vec::new();
        let mut open = vec![(node, Trail::new())];
        while let Some((node, trail)) = open.pop() {
            context.budget.pay_rows(1)?;
            if self.seen[&node].ways.is_empty() {
                context.budget.take_memory(size_of::<Trail>() + trail.len() * size_of::<RelationshipRef>())?;
                done.push(trail);
                if done.len() == limit {
                    break;
                }
                continue;
            }
            for (before, by) in self.seen[&node].ways.iter().rev() {
                let mut longer = trail.clone();
                longer.push(*by);
                open.push((*before, longer));
            }
        }
        Ok(done)
    }
}

/// Finds the shortest trails of a search, all of them or one; memory is given back at the end.
pub(super) fn shortest(search: &Search<'_>, all: bool, context: &mut Context<'_>) -> Result<Vec<Trail>, Failure> {
    let memory_bytes = context.budget.memory_used_bytes();
    let mut sides = [Side::new(search.from, true), Side::new(search.to, false)];
    let found = loop {
        let [start, end] = &mut sides;
        if start.frontier.is_empty() || end.frontier.is_empty() || !search.may_grow(start.depth + end.depth) {
            break Vec::new();
        }
        // The side with fewer nodes goes on: it has fewer to read.
        let (near, far) = if start.frontier.len() <= end.frontier.len() { (start, end) } else { (end, start) };
        near.step(search, context)?;
        // Both sides know all nodes up to their depth, so the first nodes in common lie on the shortest trails, and each
        // shortest trail has exactly one of them.
        let common: Vec<NodeId> = near.frontier.iter().copied().filter(|node| far.seen.contains_key(node)).collect();
        if !common.is_empty() {
            let [start, end] = &sides;
            break joined(start, end, &common, all, context)?;
        }
    };
    context.budget.return_to(memory_bytes);
    Ok(found)
}

/// Puts the ways of both sides together at the nodes that they have in common.
fn joined(
    start: &Side,
    end: &Side,
    common: &[NodeId],
    all: bool,
    context: &mut Context<'_>,
) -> Result<Vec<Trail>, Failure> {
    let limit = if all { usize::MAX } else { 1 };
    let mut trails = Vec::new();
    for node in common {
        let (firsts, seconds) = (start.ways(*node, limit, context)?, end.ways(*node, limit, context)?);
        for first in &firsts {
            for second in &seconds {
                let trail: Trail = first.iter().rev().chain(second).copied().collect();
                context.budget.pay_rows(1)?;
                context.budget.take_memory(size_of::<Trail>() + trail.len() * size_of::<RelationshipRef>())?;
                trails.push(trail);
                if trails.len() == limit {
                    return Ok(trails);
                }
            }
        }
    }
    Ok(trails)
}
