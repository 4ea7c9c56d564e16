//! Shortest trails by a search from both ends, a whole frontier at a time.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use rustc_hash::FxBuildHasher;
use smallvec::{SmallVec, smallvec};
use types::{Failure, NodeId, RelationshipId, RelationshipRef};

use super::{FoundPath, Search};
use crate::Batch;
use crate::expression::Context;
use crate::operator::{Shortest, Wanted};
use crate::source::RelationshipRecord;

/// A trail: its relationships in order.
pub(super) type Trail = Vec<RelationshipRef>;

/// Tells whether a search is as simple as that: one relationship that repeats, of which the shortest trails are wanted.
pub(super) fn fits(how: &Shortest) -> bool {
    matches!(how.parts.as_slice(), [part] if part.steps.len() == 1 && part.min <= 1) && how.wanted.only_shortest()
}

/// Bytes that a node costs in the table of those seen.
const SEEN_BYTES: usize = 96;

/// One side of the search.
pub(super) struct Side {
    from_start: bool,
    /// How far the frontier is from where the side began.
    depth: usize,
    /// The nodes at that depth.
    frontier: Vec<NodeId>,
    /// Every node seen so far, with its depth and the last steps of all shortest ways to it.
    seen: HashMap<NodeId, Seen, FxBuildHasher>,
    memory_bytes: usize,
}

struct Seen {
    depth: usize,
    /// Each the node before, and the relationship from there.
    ways: SmallVec<[(NodeId, RelationshipRef); 1]>,
}

impl Side {
    pub fn new(begin: NodeId, from_start: bool) -> Self {
        let seen = std::iter::once((begin, Seen { depth: 0, ways: smallvec![] })).collect();
        Self { from_start, depth: 0, frontier: vec![begin], seen, memory_bytes: 0 }
    }

    /// Goes one relationship further from every node of the frontier.
    pub fn step(&mut self, search: &Search<'_>, context: &mut Context<'_>) -> Result<(), Failure> {
        let frontier = std::mem::take(&mut self.frontier);
        self.depth += 1;
        follow(search, self.from_start, &frontier, context, &mut |at, found, context| {
            self.reach(frontier[at], found.neighbour, found.relationship, context)
        })
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
                self.memory_bytes += SEEN_BYTES;
                vacant.insert(Seen { depth: self.depth, ways: smallvec![(before, by)] });
                self.frontier.push(node);
            }
            Entry::Occupied(mut seen) if seen.get().depth == self.depth => {
                context.budget.take_memory(size_of::<(NodeId, RelationshipRef)>())?;
                self.memory_bytes += size_of::<(NodeId, RelationshipRef)>();
                seen.get_mut().ways.push((before, by));
            }
            // A shorter way leads there.
            Entry::Occupied(_) => {}
        }
        Ok(())
    }

    /// Gives how far the search has come, and the nodes that are that far away.
    pub fn reached(&self) -> (usize, &[NodeId]) {
        (self.depth, &self.frontier)
    }

    /// Lists the shortest trails to a node, at most `limit`; their memory is the caller's to take.
    pub fn trails(&self, node: NodeId, limit: usize, context: &mut Context<'_>) -> Result<Vec<Trail>, Failure> {
        let memory_bytes = context.budget.memory_used_bytes();
        let mut trails = self.ways(node, limit, context)?;
        context.budget.return_to(memory_bytes);
        trails.iter_mut().for_each(|trail| trail.reverse());
        Ok(trails)
    }

    /// Gives back what it holds.
    pub fn close(self, context: &mut Context<'_>) {
        context.budget.give_back_memory(self.memory_bytes);
    }

    /// Lists the ways from where the side began to a node, each with its last step first; at most `limit`.
    fn ways(&self, node: NodeId, limit: usize, context: &mut Context<'_>) -> Result<Vec<Trail>, Failure> {
        let mut done = Vec::new();
        let mut open = vec![(node, Trail::new())];
        while let Some((node, trail)) = open.pop() {
            context.budget.pay_rows(1)?;
            if self.seen[&node].ways.is_empty() {
                done.push(trail);
                if done.len() == limit {
                    break;
                }
                continue;
            }
            for (before, by) in self.seen[&node].ways.iter().rev() {
                context.budget.take_memory(trail_bytes(trail.len() + 1))?;
                let mut longer = Trail::with_capacity(trail.len() + 1);
                longer.extend_from_slice(&trail);
                longer.push(*by);
                open.push((*before, longer));
            }
            if !trail.is_empty() {
                context.budget.give_back_memory(trail_bytes(trail.len()));
            }
        }
        Ok(done)
    }
}

/// Tells the bytes of a trail, which has room for no more, and of its place.
fn trail_bytes(length: usize) -> usize {
    size_of::<(NodeId, Trail)>() + length * size_of::<RelationshipRef>()
}

/// Calls `visit` with each relationship that may be followed from nodes, and with the node's place.
fn follow(
    search: &Search<'_>,
    from_start: bool,
    nodes: &[NodeId],
    context: &mut Context<'_>,
    visit: Visit<'_>,
) -> Result<(), Failure> {
    let (parts, types) = match from_start {
        true => (&search.how.parts, search.types),
        false => (&search.how.backward, search.types_backward),
    };
    let step = &parts[0].steps[0];
    let Some(types) = types[0][0].as_deref() else { return Ok(()) };
    let mut places: Vec<usize> = (0..nodes.len()).collect();
    if let Some(test) = &step.ahead {
        places = search.around.passing(test, step.from, nodes.to_vec(), context)?;
    }
    for places in places.chunks(Batch::ROWS_MAX) {
        let asked: Vec<NodeId> = places.iter().map(|at| nodes[*at]).collect();
        let found = search.expand(&asked, step.direction, types, context)?;
        let mut start = 0;
        for (at, end) in places.iter().zip(found.ends) {
            let mut run = found.found[start..end].iter().filter(|found| search.is_free(found));
            start = end;
            if step.filter.is_none() {
                run.try_for_each(|found| visit(*at, found, context))?;
                continue;
            }
            let admitted = search.around.admit(step, &[], nodes[*at], run.copied().collect(), context)?;
            admitted.iter().try_for_each(|found| visit(*at, found, context))?;
        }
    }
    Ok(())
}

/// Takes what was found at the node of a place.
type Visit<'a> = &'a mut dyn FnMut(usize, &RelationshipRecord, &mut Context<'_>) -> Result<(), Failure>;

/// Gives the length of the shortest trail that leads from a node back to it; `None` where none does.
///
/// Each node keeps the first relationships of two walks that lead there, the shortest that begin differently: a trail
/// back is one that does not end with the relationship with which it began.
pub(super) fn around(search: &Search<'_>, from: NodeId, context: &mut Context<'_>) -> Result<Option<usize>, Failure> {
    let memory_bytes = context.budget.memory_used_bytes();
    let mut seen: HashMap<NodeId, SmallVec<[RelationshipId; 2]>, FxBuildHasher> = HashMap::default();
    let mut open: Vec<(NodeId, Option<RelationshipId>)> = vec![(from, None)];
    let max = search.how.parts[0].max;
    let (mut length, mut is_back) = (0, false);
    while !open.is_empty() && !is_back && max.is_none_or(|max| u64::try_from(length).is_ok_and(|length| length < max)) {
        length += 1;
        let nodes: Vec<NodeId> = open.iter().map(|(node, _)| *node).collect();
        let mut next = Vec::new();
        follow(search, true, &nodes, context, &mut |at, found, context| {
            let by = found.relationship.id;
            let first = open[at].1.unwrap_or(by);
            if found.neighbour == from {
                is_back |= length == 1 || first != by;
                return Ok(());
            }
            let firsts = seen.entry(found.neighbour).or_default();
            if firsts.len() < 2 && !firsts.contains(&first) {
                context.budget.take_memory(SEEN_BYTES)?;
                firsts.push(first);
                next.push((found.neighbour, Some(first)));
            }
            Ok(())
        })?;
        open = next;
    }
    context.budget.return_to(memory_bytes);
    Ok(is_back.then_some(length))
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
        // Both sides know all nodes up to their depth, so the first nodes in common lie on the shortest trails, and
        // each shortest trail has exactly one of them.
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
                context.budget.take_memory(trail_bytes(trail.len()))?;
                trails.push(trail);
                if trails.len() == limit {
                    return Ok(trails);
                }
            }
        }
    }
    Ok(trails)
}
