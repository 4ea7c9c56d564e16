//! Walking and joining in a graph of levels: few far neighbours above, many near ones below (HNSW).
//! Leaves where vectors and neighbours are kept to a [`Space`].
//! Start reading at [`nearest`].

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::error::GraphError;

/// Levels that a graph has at most, whatever its size.
pub(super) const LEVELS_MAX: u8 = 16;

/// Where vectors and their neighbours are kept.
pub(super) trait Space {
    /// One vector's name.
    type Node: Copy + Ord;

    /// Forgets which nodes were visited.
    fn begin(&mut self);

    /// Notes a visit; tells whether it is the first.
    fn visit(&mut self, node: Self::Node) -> bool;

    /// Tells how far nodes are from a vector, each with its distance; `None` if there is no vector by that name any more.
    fn distances(
        &mut self,
        from: &[f32],
        nodes: &[Self::Node],
        out: &mut Vec<(Self::Node, Option<f32>)>,
    ) -> Result<(), GraphError>;

    /// Appends the neighbours of a node on a level.
    fn neighbours(&mut self, node: Self::Node, level: u8, out: &mut Vec<Self::Node>) -> Result<(), GraphError>;
}

/// A node and how far it is; nearer ones come first, and equally near ones by name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Near<N> {
    pub distance: f32,
    pub node: N,
}

impl<N: PartialEq> Eq for Near<N> {}

impl<N: Ord> Ord for Near<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.distance.total_cmp(&other.distance).then_with(|| self.node.cmp(&other.node))
    }
}

impl<N: Ord> PartialOrd for Near<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What is looked for.
#[derive(Clone, Copy)]
pub(super) struct Goal<'v> {
    pub vector: &'v [f32],
    /// Nodes that are kept while searching: more finds better ones.
    pub width: usize,
}

/// Walks from `entry` on the level `top` down to `bottom`, and gives the nearest nodes found there.
///
/// Only nodes that `is_wanted` wants are given; all are walked over.
pub(super) fn nearest<S: Space>(
    space: &mut S,
    entry: S::Node,
    (top, bottom): (u8, u8),
    goal: Goal<'_>,
    is_wanted: impl FnMut(S::Node) -> bool,
) -> Result<Vec<Near<S::Node>>, GraphError> {
    let mut starts = vec![entry];
    for level in (bottom + 1..=top).rev() {
        let found = on_level(space, &starts, level, Goal { width: 1, ..goal }, |_| true)?;
        if !found.is_empty() {
            starts = found.into_iter().map(|near| near.node).collect();
        }
    }
    on_level(space, &starts, bottom, goal, is_wanted)
}

/// Searches one level from some nodes on; the nearest come first.
pub(super) fn on_level<S: Space>(
    space: &mut S,
    starts: &[S::Node],
    level: u8,
    goal: Goal<'_>,
    mut is_wanted: impl FnMut(S::Node) -> bool,
) -> Result<Vec<Near<S::Node>>, GraphError> {
    space.begin();
    let mut best: BinaryHeap<Near<S::Node>> = BinaryHeap::new();
    let mut open = BinaryHeap::new();
    let (mut ahead, mut measured) = (starts.to_vec(), Vec::new());
    loop {
        while !ahead.is_empty() {
            ahead.retain(|node| space.visit(*node));
            measured.clear();
            space.distances(goal.vector, &ahead, &mut measured)?;
            ahead.clear();
            for (node, distance) in &measured {
                let Some(distance) = *distance else {
                    // It is gone, and its neighbours take its place: no part of the graph gets lost with it.
                    space.neighbours(*node, level, &mut ahead)?;
                    continue;
                };
                let near = Near { distance, node: *node };
                if best.len() < goal.width || best.peek().is_some_and(|worst| near < *worst) {
                    open.push(Reverse(near));
                    if is_wanted(*node) {
                        best.push(near);
                        if best.len() > goal.width {
                            best.pop();
                        }
                    }
                }
            }
        }
        let Some(Reverse(near)) = open.pop() else { break };
        if best.len() >= goal.width && best.peek().is_some_and(|worst| near > *worst) {
            break;
        }
        space.neighbours(near.node, level, &mut ahead)?;
    }
    Ok(best.into_sorted_vec())
}

/// Chooses up to `count` neighbours, the nearest first, each nearer to the node than to those chosen before it.
///
/// That way they lie in different directions, and the walk does not end in a heap. At most half of them are equally
/// far: where many vectors are the same, they would have nobody else for a neighbour.
pub(super) fn choose<N: Copy>(
    candidates: &[Near<N>],
    count: usize,
    mut between: impl FnMut(N, N) -> Result<f32, GraphError>,
) -> Result<Vec<N>, GraphError> {
    let mut chosen: Vec<N> = Vec::with_capacity(count);
    let (mut last, mut alike) = (f32::NAN, 0);
    for candidate in candidates {
        if chosen.len() == count {
            break;
        }
        if candidate.distance == last && alike >= count / 2 {
            continue;
        }
        let mut is_apart = true;
        for other in &chosen {
            if between(candidate.node, *other)? < candidate.distance {
                is_apart = false;
                break;
            }
        }
        if is_apart {
            alike = if candidate.distance == last { alike + 1 } else { 1 };
            last = candidate.distance;
            chosen.push(candidate.node);
        }
    }
    Ok(chosen)
}

/// Gives the highest level of an entity: by its id, so that the same data always makes the same levels.
pub(super) fn level_of(id: u64, m: usize) -> u8 {
    // The mixing steps of SplitMix64.
    let mut mixed = id.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    let unit = ((mixed >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
    let level = -unit.ln() / (m.max(2) as f64).ln();
    (level as u8).min(LEVELS_MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_become_rare_upwards() {
        let levels: Vec<u8> = (0..100_000).map(|id| level_of(id, 16)).collect();
        let above = |level: u8| levels.iter().filter(|it| **it > level).count();
        assert!((5_500..7_000).contains(&above(0)) && (300..480).contains(&above(1)), "{} {}", above(0), above(1));
        assert_eq!(level_of(17, 16), level_of(17, 16));
    }
}
