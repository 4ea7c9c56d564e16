//! Who is joined to whom, in memory: the lists of all nodes of one version, one behind the other.
//! Never needed for an answer: what has changed since, and what it does not have, is read from the store.
//! Start reading at [`Topologies::of`].

mod build;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::RwLock;
use types::{Direction, NodeId, RelationshipId, TypeId};

use crate::keys::Side;
use crate::read::Neighbour;

/// Memory that the topologies of all databases of this process take now.
static USED_BYTES: AtomicU64 = AtomicU64::new(0);

/// Tells the memory that the topologies of all databases take.
pub(crate) fn used_bytes() -> u64 {
    USED_BYTES.load(Ordering::Relaxed)
}

/// How much of a graph may be kept in memory, and when it is worth it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TopologyBounds {
    /// Bytes that all topologies of this process may take together; 0 for none.
    pub max_bytes: u64,
    /// Nodes whose neighbours were read from the store before a topology is made, at least.
    pub reads_min: u64,
}

/// The topology of one database, if there is one, and how much it would be worth.
pub(crate) struct Topologies {
    bounds: TopologyBounds,
    state: RwLock<State>,
    is_building: AtomicBool,
    /// Nodes that were read from the store since the last topology.
    reads: AtomicU64,
}

/// Both under one lock: a change that is noted for neither would be lost.
#[derive(Default)]
struct State {
    current: Option<Arc<Topology>>,
    /// Notes changes for the topology that is being made.
    coming: Option<Arc<Dirty>>,
}

impl Topologies {
    pub fn new(bounds: TopologyBounds) -> Self {
        Self { bounds, state: RwLock::default(), is_building: AtomicBool::new(false), reads: AtomicU64::new(0) }
    }

    /// Gives a topology that a view of `version` may use.
    pub fn of(&self, version: u64) -> Option<Arc<Topology>> {
        let state = self.state.read();
        state.current.as_ref().filter(|topology| topology.version <= version).map(Arc::clone)
    }

    /// Says that the lists of these nodes are about to change, before anyone can see it.
    pub fn mark(&self, nodes: &[NodeId]) {
        let state = self.state.read();
        let current = state.current.iter().map(|current| &current.dirty);
        current.chain(&state.coming).for_each(|dirty| dirty.mark(nodes));
    }

    /// Forgets the topology: everything has changed.
    pub fn clear(&self) {
        *self.state.write() = State::default();
    }

    /// Counts nodes that were read from the store; tells whether a topology would have paid off by now.
    ///
    /// Making one takes about as long as reading a node for every 32 relationships does.
    pub fn is_due(&self, nodes: usize, relationships: impl FnOnce() -> u64) -> bool {
        let reads = self.reads.fetch_add(nodes as u64, Ordering::Relaxed) + nodes as u64;
        if self.bounds.max_bytes == 0 || reads < self.bounds.reads_min {
            return false;
        }
        if reads < self.bounds.reads_min + relationships() / 32 {
            return false;
        }
        // One that has few changes stays: what is read past it are nodes that changed.
        let is_needed = self.state.read().current.as_ref().is_none_or(|current| current.is_stale());
        if !is_needed {
            self.reads.store(0, Ordering::Relaxed);
        }
        is_needed
    }
}

/// The lists of all nodes in one version of the graph.
///
/// Takes 10 bytes for each of a relationship's two ends and 8 bytes for each node. Numbers are 32 bits wide, types 16;
/// a graph with larger ones has no topology.
pub(crate) struct Topology {
    version: u64,
    /// Where the outgoing list of node `n` begins, at `2 n`, and where its incoming list does, behind it.
    starts: Vec<u32>,
    /// As the store orders them: by node, side, type, neighbour, relationship.
    pairs: Vec<(u32, u32)>,
    kinds: Vec<u16>,
    dirty: Arc<Dirty>,
    reserved_bytes: u64,
}

impl Topology {
    /// Tells whether a node's lists are here, as every version since has them.
    pub fn has(&self, node: NodeId) -> bool {
        self.dirty.is_clean(node)
    }

    /// Hands a node's neighbours to `visit`, in the order of [`crate::read::View::each_neighbour`].
    pub fn each_neighbour(
        &self,
        node: NodeId,
        direction: Direction,
        types: Option<&[TypeId]>,
        mut visit: impl FnMut(Neighbour),
    ) {
        for side in sides(direction) {
            let range = self.range(node, *side);
            let mut give = |at| self.give(at, (node, direction, *side), &mut visit);
            match types {
                None => give(range),
                Some(types) => {
                    each_once(types, |kind| give(self.range_of(range.clone(), kind)));
                }
            }
        }
    }

    /// As [`Topology::each_neighbour`], only what leads to `end`: found by halving, not by looking at all.
    pub fn each_between(
        &self,
        node: NodeId,
        end: NodeId,
        direction: Direction,
        types: Option<&[TypeId]>,
        mut visit: impl FnMut(Neighbour),
    ) {
        for side in sides(direction) {
            let range = self.range(node, *side);
            // Within one type, neighbours are in order.
            let mut give = |of_type: Range<usize>| {
                let pairs = &self.pairs[of_type.clone()];
                let from = pairs.partition_point(|pair| u64::from(pair.0) < end.0);
                let size = pairs[from..].iter().take_while(|pair| u64::from(pair.0) == end.0).count();
                let first = of_type.start + from;
                self.give(first..first + size, (node, direction, *side), &mut visit);
            };
            match types {
                Some(types) => each_once(types, |kind| give(self.range_of(range.clone(), kind))),
                None => {
                    let mut rest = range;
                    while let Some(kind) = self.kinds[rest.clone()].first() {
                        let of_type = self.range_of(rest.clone(), TypeId((*kind).into()));
                        rest.start = of_type.end;
                        give(of_type);
                    }
                }
            }
        }
    }

    /// Lends a node's list of one type: neighbours and relationships, in order.
    pub fn pairs(&self, node: NodeId, (side, kind): (Side, TypeId)) -> &[(u32, u32)] {
        &self.pairs[self.range_of(self.range(node, side), kind)]
    }

    /// Hands the neighbours at some places of a node's list to `visit`.
    fn give(
        &self,
        at: Range<usize>,
        (node, direction, side): (NodeId, Direction, Side),
        visit: &mut impl FnMut(Neighbour),
    ) {
        for (pair, kind) in self.pairs[at.clone()].iter().zip(&self.kinds[at]) {
            let (neighbour, relationship) = (NodeId(pair.0.into()), RelationshipId(pair.1.into()));
            // A self-relationship stands in both lists of its node; of both, the second does not count.
            if direction == Direction::Both && side == Side::Incoming && neighbour == node {
                continue;
            }
            visit(Neighbour { node: neighbour, relationship, kind: TypeId((*kind).into()), side });
        }
    }

    /// Counts a node's relationships; one to itself counts once.
    pub fn degree(&self, node: NodeId, direction: Direction, types: Option<&[TypeId]>) -> u64 {
        match (direction, types) {
            (Direction::Outgoing, None) => self.range(node, Side::Outgoing).len() as u64,
            (Direction::Incoming, None) => self.range(node, Side::Incoming).len() as u64,
            _ => {
                let mut degree = 0;
                self.each_neighbour(node, direction, types, |_| degree += 1);
                degree
            }
        }
    }

    fn range(&self, node: NodeId, side: Side) -> Range<usize> {
        let at = usize::try_from(node.0).expect("only nodes that are here are asked for") * 2 + side as usize;
        self.starts[at] as usize..self.starts[at + 1] as usize
    }

    fn range_of(&self, range: Range<usize>, kind: TypeId) -> Range<usize> {
        let kinds = &self.kinds[range.clone()];
        let from = kinds.partition_point(|at| u32::from(*at) < kind.0);
        let size = kinds[from..].partition_point(|at| u32::from(*at) == kind.0);
        range.start + from..range.start + from + size
    }

    /// Tells whether so much has changed that a new one would be worth it.
    fn is_stale(&self) -> bool {
        self.dirty.count.load(Ordering::Relaxed) > self.dirty.nodes / 16
    }
}

impl Drop for Topology {
    fn drop(&mut self) {
        USED_BYTES.fetch_sub(self.reserved_bytes, Ordering::AcqRel);
    }
}

/// Which nodes' lists may have changed since a version: one bit each.
#[derive(Debug)]
pub(crate) struct Dirty {
    words: Vec<AtomicU64>,
    nodes: usize,
    count: AtomicUsize,
}

impl Dirty {
    fn new(nodes: usize) -> Self {
        let words = std::iter::repeat_with(AtomicU64::default).take(nodes.div_ceil(64)).collect();
        Self { words, nodes, count: AtomicUsize::new(0) }
    }

    fn mark(&self, nodes: &[NodeId]) {
        for node in nodes {
            if let Some((word, bit)) = self.place(*node)
                && word.fetch_or(bit, Ordering::AcqRel) & bit == 0
            {
                self.count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Tells whether a node was known and has not changed.
    fn is_clean(&self, node: NodeId) -> bool {
        self.place(node).is_some_and(|(word, bit)| word.load(Ordering::Acquire) & bit == 0)
    }

    fn place(&self, node: NodeId) -> Option<(&AtomicU64, u64)> {
        let node = usize::try_from(node.0).ok().filter(|node| *node < self.nodes)?;
        Some((&self.words[node / 64], 1 << (node % 64)))
    }
}

/// Hands each type to `give` once.
fn each_once(types: &[TypeId], mut give: impl FnMut(TypeId)) {
    for (at, kind) in types.iter().enumerate() {
        if !types[..at].contains(kind) {
            give(*kind);
        }
    }
}

fn sides(direction: Direction) -> &'static [Side] {
    match direction {
        Direction::Outgoing => &[Side::Outgoing],
        Direction::Incoming => &[Side::Incoming],
        Direction::Both => &[Side::Outgoing, Side::Incoming],
    }
}
