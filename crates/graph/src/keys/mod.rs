//! Keys of the one ordered keyspace: a table's byte, then numbers, the highest byte first.
//! Leaves to `codec` what the values hold, and to `transaction` when they change.
//! Start reading at [`Table`]; [`order`] has the keys of index entries.

pub mod order;

use types::{IndexId, KeyId, LabelId, NodeId, RelationshipId, TypeId};

use crate::codec::fact::ConstraintId;

/// The first byte of every key: what kind of entry it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Table {
    /// Format version, database id, next ids, commit version.
    Meta = 0x00,
    /// Names of labels, types and property keys.
    Token = 0x01,
    /// How many nodes, relationships and index entries there are.
    Count = 0x02,
    /// Definitions of indexes.
    Index = 0x03,
    /// Definitions of constraints.
    Constraint = 0x04,
    /// How far indexes are filled that are not complete yet.
    Progress = 0x05,
    /// Nodes by id.
    Node = 0x10,
    /// Which nodes have a label.
    Label = 0x11,
    /// Relationships by id.
    Relationship = 0x12,
    /// Relationships by the nodes that they join.
    Adjacency = 0x13,
    /// Parts of values that are too long for a record.
    Long = 0x14,
    /// Entries of indexes.
    Entry = 0x20,
}

/// One of the single facts in the table [`Table::Meta`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Meta {
    /// Version of the format, `u32`.
    Format = 0,
    /// Id of the database, 16 bytes.
    Database = 1,
    /// The id that the next new node gets, `u64`.
    NodeNext = 2,
    /// The id that the next new relationship gets, `u64`.
    RelationshipNext = 3,
    /// How many commits there were, `u64`.
    Version = 4,
    /// There while the graph is being loaded, `u64` 1: what else there is may be half of it.
    Loading = 5,
    /// The number that the next index or constraint gets, `u64`; numbers are never used twice.
    SchemaNext = 6,
}

/// What a token names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TokenKind {
    /// A label of nodes.
    Label = 0,
    /// A type of relationships.
    Type = 1,
    /// A property key.
    Key = 2,
}

/// Something of which the number is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counted {
    /// All nodes.
    Nodes,
    /// All relationships.
    Relationships,
    /// Nodes with a label.
    Label(LabelId),
    /// Relationships of a type.
    Type(TypeId),
    /// Entries of an index.
    Entries(IndexId),
}

/// A node or a relationship: whatever has properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    /// A node.
    Node(NodeId),
    /// A relationship.
    Relationship(RelationshipId),
}

/// One of the two lists in which a relationship stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Side {
    /// The list of the node where it starts.
    Outgoing = 0,
    /// The list of the node where it ends.
    Incoming = 1,
}

/// How many nodes one block of a label speaks of.
pub const LABEL_BLOCK_NODES: u64 = 1 << 10;

/// Key of a single fact.
#[must_use]
pub fn meta(meta: Meta) -> [u8; 2] {
    [Table::Meta as u8, meta as u8]
}

/// Key of a name.
#[must_use]
pub fn token(kind: TokenKind, id: u32) -> [u8; 6] {
    join([&[Table::Token as u8, kind as u8], &id.to_be_bytes()])
}

/// Key of a count.
#[must_use]
pub fn count(counted: Counted) -> [u8; 6] {
    let (kind, id) = match counted {
        Counted::Nodes => (0, 0),
        Counted::Relationships => (1, 0),
        Counted::Label(label) => (2, label.0),
        Counted::Type(kind) => (3, kind.0),
        Counted::Entries(index) => (4, index.0),
    };
    join([&[Table::Count as u8, kind], &id.to_be_bytes()])
}

/// Key of an index's definition.
#[must_use]
pub fn index(index: IndexId) -> [u8; 5] {
    join([&[Table::Index as u8], &index.0.to_be_bytes()])
}

/// Key of a constraint's definition.
#[must_use]
pub fn constraint(constraint: ConstraintId) -> [u8; 5] {
    join([&[Table::Constraint as u8], &constraint.0.to_be_bytes()])
}

/// Key of how far an index is filled.
#[must_use]
pub fn progress(index: IndexId) -> [u8; 5] {
    join([&[Table::Progress as u8], &index.0.to_be_bytes()])
}

/// Key of a node's record.
#[must_use]
pub fn node(node: NodeId) -> [u8; 9] {
    join([&[Table::Node as u8], &node.0.to_be_bytes()])
}

/// Key of a relationship's record.
#[must_use]
pub fn relationship(relationship: RelationshipId) -> [u8; 9] {
    join([&[Table::Relationship as u8], &relationship.0.to_be_bytes()])
}

/// Key of the block that tells whether a node has a label.
#[must_use]
pub fn label(label: LabelId, node: NodeId) -> [u8; 13] {
    label_block(label, node.0 / LABEL_BLOCK_NODES)
}

/// Key of a label's block by its number, a 1,024th of its nodes' ids.
#[must_use]
pub fn label_block(label: LabelId, block: u64) -> [u8; 13] {
    join([&[Table::Label as u8], &label.0.to_be_bytes(), &block.to_be_bytes()])
}

/// What the keys of all adjacency blocks of one node and side begin with.
#[must_use]
pub fn adjacency_of_node(node: NodeId, side: Side) -> [u8; 10] {
    join([&[Table::Adjacency as u8], &node.0.to_be_bytes(), &[side as u8]])
}

/// What the keys of all adjacency blocks of one node, side and type begin with.
#[must_use]
pub fn adjacency_of_type(node: NodeId, side: Side, kind: TypeId) -> [u8; 14] {
    join([&adjacency_of_node(node, side), &kind.0.to_be_bytes()])
}

/// Key of the adjacency block that begins at a neighbour and relationship.
#[must_use]
pub fn adjacency(node: NodeId, side: Side, kind: TypeId, neighbour: NodeId, relationship: RelationshipId) -> [u8; 30] {
    join([&adjacency_of_type(node, side, kind), &neighbour.0.to_be_bytes(), &relationship.0.to_be_bytes()])
}

/// What the keys of all long values of an entity begin with.
#[must_use]
pub fn long_of_entity(entity: Entity) -> [u8; 10] {
    let (kind, id) = match entity {
        Entity::Node(node) => (0, node.0),
        Entity::Relationship(relationship) => (1, relationship.0),
    };
    join([&[Table::Long as u8, kind], &id.to_be_bytes()])
}

/// Key of one part of a long value.
#[must_use]
pub fn long(entity: Entity, key: KeyId, part: u32) -> [u8; 18] {
    join([&long_of_entity(entity), &key.0.to_be_bytes(), &part.to_be_bytes()])
}

/// What the keys of all entries of an index begin with.
#[must_use]
pub fn entries_of_index(index: IndexId) -> [u8; 5] {
    join([&[Table::Entry as u8], &index.0.to_be_bytes()])
}

/// What the keys of all entries of all indexes begin with.
pub const ENTRIES: u8 = Table::Entry as u8;

/// The first key behind all keys that begin with `prefix`; empty if there is none.
#[must_use]
pub fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    end
}

/// Reads a `u64` out of a key; `None` if the key is too short.
#[must_use]
pub fn u64_at(key: &[u8], at: usize) -> Option<u64> {
    key.get(at..at + 8).map(|bytes| u64::from_be_bytes(bytes.try_into().expect("eight bytes were cut")))
}

/// Reads a `u32` out of a key; `None` if the key is too short.
#[must_use]
pub fn u32_at(key: &[u8], at: usize) -> Option<u32> {
    key.get(at..at + 4).map(|bytes| u32::from_be_bytes(bytes.try_into().expect("four bytes were cut")))
}

/// Puts the parts of a key one behind the other; the lengths are constants, so a wrong sum fails every test.
fn join<const N: usize, const PARTS: usize>(parts: [&[u8]; PARTS]) -> [u8; N] {
    let mut key = [0; N];
    let mut at = 0;
    for part in parts {
        key[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    debug_assert_eq!(at, N);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_these_bytes() {
        assert_eq!(meta(Meta::Version), [0, 4]);
        assert_eq!(meta(Meta::Loading), [0, 5]);
        assert_eq!(token(TokenKind::Key, 258), [1, 2, 0, 0, 1, 2]);
        assert_eq!(count(Counted::Type(TypeId(7))), [2, 3, 0, 0, 0, 7]);
        assert_eq!(count(Counted::Entries(IndexId(7))), [2, 4, 0, 0, 0, 7]);
        assert_eq!(index(IndexId(1)), [3, 0, 0, 0, 1]);
        assert_eq!(constraint(ConstraintId(1)), [4, 0, 0, 0, 1]);
        assert_eq!(progress(IndexId(1)), [5, 0, 0, 0, 1]);
        assert_eq!(meta(Meta::SchemaNext), [0, 6]);
        assert_eq!(node(NodeId(258)), [0x10, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(relationship(RelationshipId(1)), [0x12, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(label(LabelId(3), NodeId(2048)), [0x11, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(
            adjacency(NodeId(1), Side::Incoming, TypeId(2), NodeId(3), RelationshipId(4)),
            [0x13, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4]
        );
        assert_eq!(
            long(Entity::Relationship(RelationshipId(1)), KeyId(2), 3),
            [0x14, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]
        );
    }

    #[test]
    fn the_key_after_a_prefix_carries() {
        assert_eq!(after_prefix(&[1, 2]), [1, 3]);
        assert_eq!(after_prefix(&[1, 255, 255]), [2]);
        assert_eq!(after_prefix(&[255]), [0_u8; 0]);
    }
}
