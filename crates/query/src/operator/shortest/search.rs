//! Paths in order of their length: between two nodes from both ends, or from one node to all others.

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;
use types::{Failure, NodeId};

use super::collect::Collector;
use super::layers::{Side, Taken};
use super::states::{Route, length_max};
use super::{FoundPath, Search, frontier};
use crate::expression::Context;
use crate::operator::{Shortest, Wanted};

/// Tells whether paths may have more than `length` relationships.
fn may_grow(search: &Search<'_>, length: usize) -> bool {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    length < search.length_max && length_max(search.how).is_none_or(|max| length < max)
}

/// Finds the paths from a node to another, searching from both ends; only those of more than `shorter` relationships.
pub(super) fn between(
    search: &mut Search<'_>,
    (from, to): (NodeId, NodeId),
    shorter: Option<usize>,
    context: &mut Context<'_>,
) -> Result<Vec<FoundPath>, Failure> {
    let mut shorter = shorter;
    let mut collector = Collector::new(to);
    if from == to && frontier::fits(search.how) && search.how.parts[0].min > 0 {
        let Some(first) = frontier::around(search, from, context)? else { return Ok(Vec::new()) };
        shorter = Some(first - 1);
    } else if search.how.wanted.only_shortest() && shorter.is_none() {
        // Longer walks to a place are of no use, as long as one of the shortest will do.
        let first = lengths(search, (from, to), (None, true), &mut collector, context)?;
        if collector.is_full(search.how.wanted) || first.is_none() {
            return Ok(collector.found);
        }
        shorter = first;
    }
    lengths(search, (from, to), (shorter, false), &mut collector, context)?;
    Ok(collector.found)
}

/// Tries length after length. Where `once`, it ends with the first length of which there are walks at all, and gives
/// it.
fn lengths(
    search: &mut Search<'_>,
    (from, to): (NodeId, NodeId),
    (shorter, once): (Option<usize>, bool),
    collector: &mut Collector,
    context: &mut Context<'_>,
) -> Result<Option<usize>, Failure> {
    let (mut start, mut end) = (Side::new(from, true, once), Side::new(to, false, once));
    let found = loop {
        let length = start.length() + end.length();
        if shorter.is_none_or(|shorter| length > shorter) {
            let walks = joined(search, (&start, &end), collector, context)?;
            collector.end_length(search, context)?;
            if collector.is_full(search.how.wanted) || (once && walks) {
                break Some(length);
            }
        }
        if start.width() == 0 || end.width() == 0 || !may_grow(search, length) {
            break None;
        }
        // The side with fewer places goes on: it has less to read.
        let near = if start.width() <= end.width() { &mut start } else { &mut end };
        near.grow(search, context)?;
    };
    start.close(context);
    end.close(context);
    Ok(found)
}

/// Puts the walks of both sides together where they meet; tells whether any do.
fn joined(
    search: &mut Search<'_>,
    (start, end): (&Side, &Side),
    collector: &mut Collector,
    context: &mut Context<'_>,
) -> Result<bool, Failure> {
    let mut places: HashMap<NodeId, Vec<usize>, FxBuildHasher> = HashMap::default();
    for (at, (node, _)) in end.places().enumerate() {
        places.entry(node).or_default().push(at);
    }
    let (ends, route) = (end.places().collect::<Vec<_>>(), Route::new(search.how, true));
    let mut meets = false;
    for (first, (node, state)) in start.places().enumerate() {
        for last in places.get(&node).into_iter().flatten() {
            if !route.joins(search, node, (state, ends[*last].1), context)? {
                continue;
            }
            meets = true;
            let firsts = start.length();
            let is_enough = start.each_way(firsts, first, &mut Vec::new(), context, &mut |trail, context| {
                end.each_way(end.length(), *last, trail, context, &mut |trail, context| {
                    // What leads back to the start comes first, from its last step.
                    let path = trail[..firsts].iter().rev().chain(&trail[firsts..]).copied();
                    collector.push(path.collect(), search, context)
                })
            })?;
            if is_enough {
                return Ok(true);
            }
        }
    }
    Ok(meets)
}

/// A search from one node, length by length, to all others or to a certain one.
pub(super) struct Reach {
    side: Side,
    /// The side while only the shortest trails of a simple search are looked at, which is faster.
    simple: Option<frontier::Side>,
    from: NodeId,
    /// The only node that counts as an end, where there is one.
    target: Option<NodeId>,
    /// What was found for each end so far.
    ends: HashMap<NodeId, Collector, FxBuildHasher>,
    /// Ends that are known to be reached and that have not all that is wanted.
    missing: HashSet<NodeId, FxBuildHasher>,
    /// Nodes that were asked whether they may be an end.
    asked: HashMap<NodeId, bool, FxBuildHasher>,
    /// Whether the shortest walks are trails, save those that lead back to where they began.
    is_simple: bool,
    phase: Phase,
}

/// What a search looks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The shortest paths, and nodes that can be reached.
    Shortest,
    /// Paths of every length, to nodes that still miss some.
    Every,
    /// Paths back to where they began.
    Back,
    Done,
}

/// Bytes that an end costs.
const END_BYTES: usize = 160;

impl Reach {
    pub fn new(how: &Shortest, from: NodeId, target: Option<NodeId>) -> Self {
        Self {
            is_simple: frontier::fits(how),
            simple: frontier::fits(how).then(|| frontier::Side::new(from, true)),
            side: Side::new(from, true, true),
            from,
            target,
            ends: HashMap::default(),
            missing: HashSet::default(),
            asked: HashMap::default(),
            phase: Phase::Shortest,
        }
    }

    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Takes the paths of one length, then goes on to the next.
    pub fn advance(&mut self, search: &mut Search<'_>, context: &mut Context<'_>) -> Result<Vec<FoundPath>, Failure> {
        if self.phase == Phase::Back {
            self.phase = Phase::Done;
            return self.back(search, context);
        }
        if let Some(mut side) = self.simple.take() {
            let found = self.ended_simple(&side, search, context)?;
            let (length, reached) = side.reached();
            let is_found = self.target.is_some_and(|target| reached.contains(&target));
            if is_found || reached.is_empty() || !may_grow(search, length) {
                side.close(context);
                self.next_phase(context);
            } else {
                side.step(search, context)?;
                self.simple = Some(side);
            }
            return Ok(found);
        }
        let found = self.ended(search, context)?;
        let is_found = match self.phase {
            Phase::Shortest => self.target.is_some_and(|node| self.has_all(node, search.how.wanted)),
            _ => self.missing.is_empty(),
        };
        if is_found {
            self.phase = Phase::Back;
        } else if self.side.width() == 0 || !may_grow(search, self.side.length()) {
            self.next_phase(context);
        } else {
            self.side.grow(search, context)?;
        }
        Ok(found)
    }

    fn next_phase(&mut self, context: &mut Context<'_>) {
        if self.phase == Phase::Shortest && !self.missing.is_empty() {
            let side = std::mem::replace(&mut self.side, Side::new(self.from, true, false));
            side.close(context);
            self.phase = Phase::Every;
        } else {
            self.phase = Phase::Back;
        }
    }

    /// Takes the shortest trails to the nodes that a simple search has just reached.
    fn ended_simple(
        &mut self,
        side: &frontier::Side,
        search: &Search<'_>,
        context: &mut Context<'_>,
    ) -> Result<Vec<FoundPath>, Failure> {
        let (length, reached) = side.reached();
        // A path of no relationship is only wanted where that is asked for.
        let reached = if length == 0 && search.how.parts[0].min > 0 { &[] } else { reached };
        let is_target = |node: &&NodeId| self.target.is_none_or(|target| target == **node);
        let mut nodes: Vec<NodeId> = reached.iter().filter(is_target).copied().collect();
        if let Some(test) = &search.how.end {
            let passing = search.around.passing(test, search.how.to, nodes.clone(), context)?;
            nodes = passing.into_iter().map(|place| nodes[place]).collect();
        }
        let one = search.how.wanted == Wanted::Paths(1) && search.how.filter.is_none();
        let mut found = Vec::new();
        for node in nodes {
            let mut collector = Collector::new(node);
            for trail in side.trails(node, if one { 1 } else { usize::MAX }, context)? {
                let path = trail.into_iter().map(|by| (by, 1)).collect();
                if collector.push(path, search, context)? {
                    break;
                }
            }
            collector.end_length(search, context)?;
            found.append(&mut collector.found);
            if !collector.is_full(search.how.wanted) {
                collector.past = Some(length);
                self.missing.insert(node);
                self.ends.insert(node, collector);
            }
        }
        Ok(found)
    }

    /// Finds the paths that lead back to where they began, where they were left out before.
    fn back(&mut self, search: &mut Search<'_>, context: &mut Context<'_>) -> Result<Vec<FoundPath>, Failure> {
        let is_wanted = self.is_simple
            && self.target.is_none_or(|target| target == self.from)
            && search.how.parts[0].min > 0
            && may_end(&mut self.asked, search, self.from, context)?;
        if is_wanted { between(search, (self.from, self.from), None, context) } else { Ok(Vec::new()) }
    }

    fn has_all(&self, node: NodeId, wanted: Wanted) -> bool {
        self.ends.get(&node).is_some_and(|collector| collector.is_full(wanted))
    }

    /// Takes the paths that end with the length reached.
    fn ended(&mut self, search: &mut Search<'_>, context: &mut Context<'_>) -> Result<Vec<FoundPath>, Failure> {
        let wanted = search.how.wanted;
        let takes = self.phase == Phase::Every || wanted.only_shortest();
        let route = Route::new(search.how, true);
        let mut touched: Vec<NodeId> = Vec::new();
        for (at, (node, state)) in self.side.places().enumerate() {
            let is_back = self.is_simple && search.how.parts[0].min > 0 && node == self.from && self.side.length() > 0;
            if self.target.is_some_and(|target| target != node)
                || is_back
                || self.has_all(node, wanted)
                || (self.phase == Phase::Every && !self.missing.contains(&node))
                || !route.openings(search, node, state, context)?.ends
                || !may_end(&mut self.asked, search, node, context)?
            {
                continue;
            }
            if self.phase == Phase::Shortest {
                self.missing.insert(node);
            }
            let collector = self.ends.entry(node).or_insert_with(|| Collector::new(node));
            // Paths of one length only are all known at first: of the shortest walks to the node.
            let is_past = match self.phase {
                Phase::Every => collector.past.is_some_and(|past| self.side.length() <= past),
                _ => collector.past.is_some(),
            };
            if !takes || is_past {
                continue;
            }
            if touched.last() != Some(&node) {
                touched.push(node);
            }
            self.side.each_way(self.side.length(), at, &mut Vec::new(), context, &mut |trail, context| {
                let path: Vec<Taken> = trail.iter().rev().copied().collect();
                collector.push(path, search, context)
            })?;
        }
        touched.sort_unstable();
        touched.dedup();
        let mut found = Vec::new();
        for node in touched {
            let Some(collector) = self.ends.get_mut(&node) else { continue };
            collector.end_length(search, context)?;
            collector.past = Some(self.side.length());
            found.append(&mut collector.found);
            if collector.is_full(wanted) {
                self.missing.remove(&node);
            }
        }
        Ok(found)
    }

    /// Gives back what it holds.
    pub fn close(self, context: &mut Context<'_>) {
        self.side.close(context);
        self.simple.into_iter().for_each(|side| side.close(context));
        context.budget.give_back_memory(self.asked.len() * END_BYTES);
    }
}

/// Tells whether a node may be an end; each is asked once.
fn may_end(
    asked: &mut HashMap<NodeId, bool, FxBuildHasher>,
    search: &Search<'_>,
    node: NodeId,
    context: &mut Context<'_>,
) -> Result<bool, Failure> {
    if let Some(known) = asked.get(&node) {
        return Ok(*known);
    }
    let passes = search.around.passes(search.how.end.as_ref(), search.how.to, node, context)?;
    context.budget.take_memory(END_BYTES)?;
    asked.insert(node, passes);
    Ok(passes)
}
