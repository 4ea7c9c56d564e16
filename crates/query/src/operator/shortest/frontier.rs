//! Shortest trails by a search from both ends, a whole frontier at a time.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use rustc_hash::FxBuildHasher;
use smallvec::{SmallVec, smallvec};
use types::{Failure, NodeId, RelationshipRef};

use super::{FoundPath, Search};
use crate::Batch;
use crate::expression::Context;
use crate::operator::{Shortest, Wanted};

/// A trail: its relationships in order.
type Trail = Vec<RelationshipRef>;

/// Tells whether a search is as simple as that: one relationship that repeats, of which the shortest trails are wanted.
pub(super) fn fits(how: &Shortest) -> bool {
    matches!(how.parts.as_slice(), [part] if part.steps.len() == 1 && part.min <= 1) && how.wanted.only_shortest()
}

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
        let mut frontier = std::mem::take(&mut self.frontier);
        self.depth += 1;
        let (parts, types) = match self.from_start {
            true => (&search.how.parts, search.types),
            false => (&search.how.backward, search.types_backward),
        };
        let step = &parts[0].steps[0];
        let Some(types) = types[0][0].as_deref() else { return Ok(()) };
        if let Some(test) = &step.ahead {
            let passing = search.around.passing(test, step.from, frontier.clone(), context)?;
            frontier = passing.into_iter().map(|place| frontier[place]).collect();
        }
        for nodes in frontier.chunks(Batch::ROWS_MAX) {
            let found = search.expand(nodes, step.direction, types, context)?;
            let mut start = 0;
            for (node, end) in nodes.iter().zip(found.ends) {
                let run = &found.found[start..end];
                start = end;
                if step.filter.is_none() {
                    for found in run.iter().filter(|found| search.is_free(found)) {
                        self.reach(*node, found.neighbour, found.relationship, context)?;
                    }
                    continue;
                }
                let free = run.iter().filter(|found| search.is_free(found)).copied().collect();
                for found in search.around.admit(step, &[], *node, free, context)? {
                    self.reach(*node, found.neighbour, found.relationship, context)?;
                }
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

/// Finds the shortest trails between two nodes, as paths of which the memory is taken: all of them, or one where one is
/// wanted and no condition on whole paths can refuse it.
pub(super) fn shortest(
    search: &Search<'_>,
    (from, to): (NodeId, NodeId),
    context: &mut Context<'_>,
) -> Result<Vec<Trail>, Failure> {
    let memory_bytes = context.budget.memory_used_bytes();
    let all = search.how.wanted != Wanted::Paths(1) || search.how.filter.is_some();
    let max = search.how.parts[0].max;
    let may_grow = |length: usize| max.is_none_or(|max| u64::try_from(length).is_ok_and(|length| length < max));
    let mut sides = [Side::new(from, true), Side::new(to, false)];
    let found = loop {
        let [start, end] = &mut sides;
        if start.frontier.is_empty() || end.frontier.is_empty() || !may_grow(start.depth + end.depth) {
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
    context.budget.take_memory(found.iter().map(|trail| FoundPath::memory_bytes(trail.len())).sum())?;
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
