//! Who is joined to whom, from the packed blocks of both ends.

use std::ops::Range;

use smallvec::SmallVec;
use types::{Direction, NodeId, RelationshipId, TypeId};

use super::View;
use crate::codec::adjacency;
use crate::error::GraphError;
use crate::keys::{self, Side};

/// One relationship seen from one of its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Neighbour {
    /// The node at the other end.
    pub node: NodeId,
    /// The relationship.
    pub relationship: RelationshipId,
    /// Its type.
    pub kind: TypeId,
    /// In which of the two lists it stands.
    pub side: Side,
}

impl View<'_> {
    /// Appends the neighbours of a node by side, type, neighbour; `types: None` stands for all types.
    ///
    /// Of both directions, a self-relationship comes once.
    pub fn neighbours(
        &self,
        node: NodeId,
        direction: Direction,
        types: Option<&[TypeId]>,
        out: &mut Vec<Neighbour>,
    ) -> Result<(), GraphError> {
        self.each_neighbour(node, direction, types, |found| out.push(found))
    }

    /// As [`View::neighbours`], but hands each one to `visit`.
    pub fn each_neighbour(
        &self,
        node: NodeId,
        direction: Direction,
        types: Option<&[TypeId]>,
        mut visit: impl FnMut(Neighbour),
    ) -> Result<(), GraphError> {
        self.each_neighbour_of(&[node], direction, types, |_, found| visit(found))
    }

    /// Hands the neighbours of each of many nodes to `visit`, with the node's place in `nodes`; in their order.
    pub fn each_neighbour_of(
        &self,
        nodes: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        mut visit: impl FnMut(usize, Neighbour),
    ) -> Result<(), GraphError> {
        self.each_block(nodes, direction, types, |at, side, kind, block| {
            let node = nodes[at];
            adjacency::visit(block, |(neighbour, relationship)| {
                if !is_second_sight(direction, side, node, neighbour) {
                    visit(at, Neighbour { node: neighbour, relationship, kind, side });
                }
            })
        })
    }

    /// As [`View::each_neighbour_of`], but hands over all neighbours of a node at once.
    pub fn neighbours_of_many(
        &self,
        nodes: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        visit: &mut dyn FnMut(usize, &[Neighbour]),
    ) -> Result<(), GraphError> {
        let mut found = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            found.clear();
            self.neighbours(*node, direction, types, &mut found)?;
            visit(at, &found);
        }
        Ok(())
    }

    /// As [`View::each_neighbour_of`], of each node only what leads to the node at the same place in `ends`: sought in lists
    /// of many blocks.
    pub fn each_between(
        &self,
        nodes: &[NodeId],
        ends: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        mut visit: impl FnMut(usize, Neighbour),
    ) -> Result<(), GraphError> {
        /// Nearly every node has fewer: reading them all is one search in the store.
        const BLOCKS_MAX: usize = 2;
        let mut bounds = SmallVec::<[(Bound, Bound); 4]>::new();
        for node in nodes {
            bounds_of(*node, direction, types, &mut bounds);
        }
        let ranges: SmallVec<[_; 4]> = bounds.iter().map(|(start, end)| &start[..]..&end[..]).collect();
        let ranges_each = (ranges.len() / nodes.len().max(1)).max(1);
        // What was found in each range, and whether the range was read to its end.
        let mut found = Vec::new();
        let (mut long, mut blocks, mut last) = (Vec::new(), 0, None);
        let mut failed = None;
        self.reader.scan_many(&ranges, &mut |place, key, block| {
            blocks = if last == Some(place) { blocks + 1 } else { 1 };
            last = Some(place);
            if blocks > BLOCKS_MAX {
                long.push(place);
                return false;
            }
            let end = ends[place / ranges_each];
            failed = failed.take().or_else(|| to_end(key, block, end, |to| found.push((place, to))).err());
            failed.is_none()
        })?;
        failed.map_or(Ok(()), Err)?;
        if !long.is_empty() {
            long.sort_unstable();
            found.retain(|(place, _)| long.binary_search(place).is_err());
            for place in long {
                self.seek_between(ranges[place].clone(), ends[place / ranges_each], |to| found.push((place, to)))?;
            }
        }
        found.sort_by_key(|(place, _)| *place);
        for (place, to) in found {
            let at = place / ranges_each;
            if !is_second_sight(direction, to.side, nodes[at], to.node) {
                visit(at, to);
            }
        }
        Ok(())
    }

    /// Finds what leads to `end` in the lists of a range: of each list the block in which that would begin, and those
    /// behind it that begin with `end`.
    fn seek_between(
        &self,
        range: Range<&[u8]>,
        end: NodeId,
        mut visit: impl FnMut(Neighbour),
    ) -> Result<(), GraphError> {
        const LIST_BYTES: usize = 14;
        let mut start = range.start.to_vec();
        loop {
            let mut list = Vec::new();
            self.scan(&start, range.end, |key, _| {
                list_of(key)?;
                list.extend_from_slice(&key[..LIST_BYTES]);
                Ok(false)
            })?;
            if list.is_empty() {
                return Ok(());
            }
            let first = [&list[..], &end.0.to_be_bytes()].concat();
            let mut failed = None;
            self.reader.scan_back(&list[..]..&first[..], &mut |key, block| {
                failed = to_end(key, block, end, &mut visit).err();
                false
            })?;
            failed.map_or(Ok(()), Err)?;
            self.scan(&first, &keys::after_prefix(&first), |key, block| {
                to_end(key, block, end, &mut visit).map(|()| true)
            })?;
            start = keys::after_prefix(&list);
        }
    }

    /// Counts a node's relationships; one to itself counts once.
    pub fn degree(&self, node: NodeId, direction: Direction, types: Option<&[TypeId]>) -> Result<u64, GraphError> {
        let mut degree = [0];
        self.degrees(&[node], direction, types, &mut degree)?;
        Ok(degree[0])
    }

    /// Adds to each place of `out` the number of relationships of the node at that place; one to itself counts once.
    pub fn degrees(
        &self,
        nodes: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        out: &mut [u64],
    ) -> Result<(), GraphError> {
        self.each_block(nodes, direction, types, |at, side, _, block| {
            if direction == Direction::Both && side == Side::Incoming {
                return adjacency::visit(block, |(neighbour, _)| out[at] += u64::from(neighbour != nodes[at]));
            }
            out[at] += adjacency::count(block)?;
            Ok(())
        })
    }

    /// Hands each stored block of one list to `visit`, in order.
    pub fn list_blocks(
        &self,
        node: NodeId,
        side: Side,
        kind: TypeId,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), GraphError>,
    ) -> Result<(), GraphError> {
        let prefix = keys::adjacency_of_type(node, side, kind);
        self.scan(&prefix, &next(prefix), |key, block| visit(key, block).map(|()| true))
    }

    /// Hands each block of each node to `visit`, with the node's place, in the order of `nodes`.
    fn each_block(
        &self,
        nodes: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        mut visit: impl FnMut(usize, Side, TypeId, &[u8]) -> Result<(), GraphError>,
    ) -> Result<(), GraphError> {
        let mut bounds = SmallVec::<[(Bound, Bound); 4]>::new();
        for node in nodes {
            bounds_of(*node, direction, types, &mut bounds);
        }
        let ranges: SmallVec<[_; 4]> = bounds.iter().map(|(start, end)| &start[..]..&end[..]).collect();
        let ranges_each = ranges.len() / nodes.len().max(1);
        let mut failed = None;
        self.reader.scan_many(&ranges, &mut |place, key, block| {
            let mut take = || {
                let (side, kind) = list_of(key)?;
                visit(place / ranges_each, side, kind, block)
            };
            failed = failed.take().or_else(|| take().err());
            failed.is_none()
        })?;
        failed.map_or(Ok(()), Err)
    }
}

/// Hands to `visit` what leads to `end` in one block.
fn to_end(key: &[u8], block: &[u8], end: NodeId, mut visit: impl FnMut(Neighbour)) -> Result<(), GraphError> {
    let (side, kind) = list_of(key)?;
    adjacency::visit(block, |(node, relationship)| {
        if node == end {
            visit(Neighbour { node, relationship, kind, side });
        }
    })
}

/// Reads side and type out of the key of a block.
fn list_of(key: &[u8]) -> Result<(Side, TypeId), GraphError> {
    let kind = keys::u32_at(key, 10).ok_or_else(|| GraphError::damaged("the key of an adjacency block"))?;
    let side = if key[9] == Side::Outgoing as u8 { Side::Outgoing } else { Side::Incoming };
    Ok((side, TypeId(kind)))
}

/// A beginning of keys: table, node, side, and a type if the length says so.
type Bound = SmallVec<[u8; 16]>;

/// Appends the ranges in which the blocks of one node lie; as many for each node.
fn bounds_of(node: NodeId, direction: Direction, types: Option<&[TypeId]>, out: &mut SmallVec<[(Bound, Bound); 4]>) {
    let Some(types) = types else {
        // Both sides of a node lie together: one scan has them.
        let (first, last) = match direction {
            Direction::Outgoing => (Side::Outgoing, Side::Outgoing),
            Direction::Incoming => (Side::Incoming, Side::Incoming),
            Direction::Both => (Side::Outgoing, Side::Incoming),
        };
        let (start, end) = (keys::adjacency_of_node(node, first), next(keys::adjacency_of_node(node, last)));
        out.push((Bound::from_slice(&start), Bound::from_slice(&end)));
        return;
    };
    for side in sides(direction) {
        for (at, kind) in types.iter().enumerate() {
            // `[:A|A]` means the type once.
            if !types[..at].contains(kind) {
                let start = keys::adjacency_of_type(node, *side, *kind);
                out.push((Bound::from_slice(&start), Bound::from_slice(&next(start))));
            }
        }
    }
}

/// The first key behind all that begin with `prefix`, of the same length; the first byte is a table, never the last.
fn next<const N: usize>(mut prefix: [u8; N]) -> [u8; N] {
    for byte in prefix.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
    prefix
}

fn sides(direction: Direction) -> &'static [Side] {
    match direction {
        Direction::Outgoing => &[Side::Outgoing],
        Direction::Incoming => &[Side::Incoming],
        Direction::Both => &[Side::Outgoing, Side::Incoming],
    }
}

/// A self-relationship stands in both lists of its node; of both, the second does not count.
fn is_second_sight(direction: Direction, side: Side, node: NodeId, neighbour: NodeId) -> bool {
    direction == Direction::Both && side == Side::Incoming && node == neighbour
}
