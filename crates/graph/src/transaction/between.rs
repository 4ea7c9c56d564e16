//! Nodes between two others: reached by a relationship from the one, and by another one leading on to the other.
//! Leaves single steps to `expand`.
//! Start reading at [`Transaction::expand_between`].

use types::{Direction, NodeId, TypeId};

use super::Transaction;
use super::expand::Step;
use super::validate::Mark;
use crate::GraphError;
use crate::keys::Side;
use crate::read::Neighbour;
use crate::topology::Topology;

/// Which relationships are followed.
#[derive(Clone, Copy, Debug)]
pub struct Hop<'t> {
    /// Which way.
    pub direction: Direction,
    /// The types; `None` means all.
    pub types: Option<&'t [TypeId]>,
}

impl Transaction {
    /// Hands to `visit` each way from a node by `first` to any node, and on by `second` to the end at the same place.
    ///
    /// Both steps have the node between as their neighbour. They may be the same relationship.
    pub fn expand_between(
        &self,
        nodes: &[NodeId],
        ends: &[NodeId],
        (first, second): (Hop<'_>, Hop<'_>),
        mut visit: impl FnMut(Step, Step),
    ) -> Result<(), GraphError> {
        // The second one is found from its end.
        let second = Hop { direction: second.direction.reversed(), ..second };
        let topology = self.database.topology(self.version).filter(|_| self.overlay.has_no_relationships());
        let sides = side(first).zip(side(second));
        let (mut near, mut far) = (Sorted::default(), Sorted::default());
        for (input, (node, end)) in nodes.iter().zip(ends).enumerate() {
            let (node, end) = (*node, *end);
            if let (Some(topology), Some((first, second))) = (&topology, sides)
                && topology.has(node)
                && topology.has(end)
            {
                self.note_all([Mark::Adjacency(node), Mark::Adjacency(end)]);
                meet_in_memory(topology, (node, first), (end, second), |near, far| {
                    visit(Step::of(input, node, near), Step::of(input, end, far));
                });
                continue;
            }
            near.fill(self, node, first)?;
            far.fill(self, end, second)?;
            let neighbour = |step: &Step| step.neighbour.0;
            meet(&near.steps, &far.steps, (neighbour, neighbour), |near, far| {
                visit(Step { input, ..*near }, Step { input, ..*far });
            });
        }
        Ok(())
    }
}

/// Gives the side of a node and the one type that are followed; `None` where there are several.
fn side(hop: Hop<'_>) -> Option<(Side, TypeId)> {
    let side = match hop.direction {
        Direction::Outgoing => Side::Outgoing,
        Direction::Incoming => Side::Incoming,
        Direction::Both => return None,
    };
    match hop.types {
        Some([kind]) => Some((side, *kind)),
        _ => None,
    }
}

/// The relationships of the node that was asked for last, by the node that they lead to.
#[derive(Default)]
struct Sorted {
    node: Option<NodeId>,
    steps: Vec<Step>,
}

impl Sorted {
    fn fill(&mut self, transaction: &Transaction, node: NodeId, hop: Hop<'_>) -> Result<(), GraphError> {
        if self.node == Some(node) {
            return Ok(());
        }
        self.node = None;
        self.steps.clear();
        transaction.expand(&[node], hop.direction, hop.types, &mut self.steps)?;
        self.steps.sort_by_key(|step| step.neighbour);
        self.node = Some(node);
        Ok(())
    }
}

fn meet_in_memory(
    topology: &Topology,
    (node, first): (NodeId, (Side, TypeId)),
    (end, second): (NodeId, (Side, TypeId)),
    mut visit: impl FnMut(Neighbour, Neighbour),
) {
    let (near, far) = (topology.pairs(node, first), topology.pairs(end, second));
    let neighbour = |pair: &(u32, u32)| u64::from(pair.0);
    let found = |pair: &(u32, u32), (side, kind)| Neighbour {
        node: NodeId(pair.0.into()),
        relationship: types::RelationshipId(pair.1.into()),
        kind,
        side,
    };
    meet(near, far, (neighbour, neighbour), |near, far| visit(found(near, first), found(far, second)));
}

/// Hands each pair of items with one key to `visit`; both lists are sorted by it.
fn meet<T>(
    left: &[T],
    right: &[T],
    (left_key, right_key): (impl Fn(&T) -> u64, impl Fn(&T) -> u64),
    mut visit: impl FnMut(&T, &T),
) {
    // The shorter list leads; in the longer one its items are looked for in leaps.
    if left.len() <= right.len() {
        lead(left, right, (left_key, right_key), visit);
    } else {
        lead(right, left, (right_key, left_key), |right, left| visit(left, right));
    }
}

fn lead<T>(
    mut short: &[T],
    mut long: &[T],
    (short_key, long_key): (impl Fn(&T) -> u64, impl Fn(&T) -> u64),
    mut visit: impl FnMut(&T, &T),
) {
    while let Some(first) = short.first() {
        let wanted = short_key(first);
        let mut leap = 1;
        while leap < long.len() && long_key(&long[leap]) < wanted {
            leap *= 2;
        }
        let (from, to) = (leap / 2, long.len().min(leap + 1));
        long = &long[from.min(to)..];
        long = &long[long[..to - from.min(to)].partition_point(|item| long_key(item) < wanted)..];
        if long.is_empty() {
            return;
        }
        let same = short.iter().take_while(|item| short_key(item) == wanted).count();
        for item in &short[..same] {
            long.iter().take_while(|other| long_key(other) == wanted).for_each(|other| visit(item, other));
        }
        short = &short[same..];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lists_meet_where_their_keys_are_equal(
            mut left in proptest::collection::vec(0_u64..40, 0..60),
            mut right in proptest::collection::vec(0_u64..40, 0..12),
        ) {
            left.sort_unstable();
            right.sort_unstable();
            let mut expected: Vec<(u64, u64)> = Vec::new();
            for item in &left {
                expected.extend(right.iter().filter(|other| *other == item).map(|other| (*item, *other)));
            }
            let key = |item: &u64| *item;
            for (short, long) in [(&left, &right), (&right, &left)] {
                let mut found = Vec::new();
                meet(short, long, (key, key), |left, right| found.push((*left, *right)));
                prop_assert_eq!(&found, &expected);
            }
        }
    }
}
