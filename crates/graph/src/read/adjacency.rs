//! Who is joined to whom, from the packed blocks of both ends.

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
        for side in sides(direction) {
            self.blocks(node, *side, types, |kind, block| {
                adjacency::visit(block, |(neighbour, relationship)| {
                    if !is_second_sight(direction, *side, node, neighbour) {
                        out.push(Neighbour { node: neighbour, relationship, kind, side: *side });
                    }
                })
            })?;
        }
        Ok(())
    }

    /// Hands the neighbours of each of many nodes to `visit`, with the node's place in `nodes`.
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

    /// Counts a node's relationships; one to itself counts once.
    pub fn degree(&self, node: NodeId, direction: Direction, types: Option<&[TypeId]>) -> Result<u64, GraphError> {
        let mut degree = 0;
        for side in sides(direction) {
            self.blocks(node, *side, types, |_, block| {
                if direction == Direction::Both && *side == Side::Incoming {
                    return adjacency::visit(block, |(neighbour, _)| degree += u64::from(neighbour != node));
                }
                degree += adjacency::count(block)?;
                Ok(())
            })?;
        }
        Ok(degree)
    }

    /// Hands each stored block of one list to `visit`, in order, for who rewrites it.
    pub fn list_blocks(
        &self,
        node: NodeId,
        side: Side,
        kind: TypeId,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), GraphError>,
    ) -> Result<(), GraphError> {
        let prefix = keys::adjacency_of_type(node, side, kind);
        self.scan(&prefix, &keys::after_prefix(&prefix), |key, block| visit(key, block).map(|()| true))
    }

    fn blocks(
        &self,
        node: NodeId,
        side: Side,
        types: Option<&[TypeId]>,
        mut visit: impl FnMut(TypeId, &[u8]) -> Result<(), GraphError>,
    ) -> Result<(), GraphError> {
        if let Some(types) = types {
            for (at, kind) in types.iter().enumerate() {
                // `[:A|A]` means the type once.
                if !types[..at].contains(kind) {
                    self.list_blocks(node, side, *kind, |_, block| visit(*kind, block))?;
                }
            }
            return Ok(());
        }
        let prefix = keys::adjacency_of_node(node, side);
        self.scan(&prefix, &keys::after_prefix(&prefix), |key, block| {
            let kind = keys::u32_at(key, 10).ok_or_else(|| GraphError::damaged("the key of an adjacency block"))?;
            visit(TypeId(kind), block).map(|()| true)
        })
    }
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
