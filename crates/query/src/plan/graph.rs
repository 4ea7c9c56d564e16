//! The logical form of what a `MATCH` looks for: nodes, relationships and conditions, in no order.
//! Leaves the making of it to `pattern` and the order of reading to `solve`.
//! Start reading at [`PatternGraph`].

use std::collections::BTreeSet;

use compact_str::CompactString;
use cypher::ast::{BinaryOperator, Expression};
use types::Direction;

use super::scope::Scope;

/// What one `MATCH` looks for in one graph.
pub(super) struct PatternGraph {
    pub source: u16,
    /// The variables around and those of the pattern.
    pub scope: Scope,
    pub nodes: Vec<PatternNode>,
    pub relationships: Vec<PatternRelationship>,
    pub predicates: Vec<Predicate>,
    pub paths: Vec<PatternPath>,
}

/// A node of a pattern.
pub(super) struct PatternNode {
    pub name: CompactString,
    pub slot: usize,
    /// Whether a row has it before.
    pub is_bound: bool,
    /// Labels that it must have.
    pub labels: Vec<CompactString>,
}

/// A relationship of a pattern, or a run of them.
pub(super) struct PatternRelationship {
    pub name: CompactString,
    pub slot: usize,
    /// The node on the left, by place.
    pub left: usize,
    /// The node on the right, by place.
    pub right: usize,
    /// Which way it points from left to right.
    pub direction: Direction,
    /// Its types; none means all.
    pub types: Vec<CompactString>,
    /// Bounds of a run.
    pub length: Option<(u64, Option<u64>)>,
    /// Whether only the shortest are wanted, and then whether all of them.
    pub shortest: Option<bool>,
    /// The slot of a value from before that it must equal.
    pub same_as: Option<usize>,
}

impl PatternRelationship {
    /// Gives the node at the other end.
    pub fn other(&self, node: usize) -> usize {
        if self.left == node { self.right } else { self.left }
    }

    /// Tells whether a relationship could stand for both.
    pub fn may_equal(&self, other: &Self) -> bool {
        self.types.is_empty() || other.types.is_empty() || self.types.iter().any(|kind| other.types.contains(kind))
    }
}

/// A path of a pattern: the nodes and relationships along it, by place.
pub(super) struct PatternPath {
    pub slot: usize,
    pub name: CompactString,
    pub start: usize,
    pub relationships: Vec<usize>,
}

/// A condition that must hold.
pub(super) struct Predicate {
    pub expression: Expression,
    /// Slots of the pattern that it looks at.
    pub needs: BTreeSet<usize>,
    /// Ways in which an index or a number could answer it.
    pub forms: Vec<Form>,
    /// Its two sides, where it says that they are equal: each with the slots that it looks at.
    pub sides: Option<Box<[EqualSide; 2]>>,
}

/// One side of an equality, with the slots that it looks at.
pub(super) type EqualSide = (Expression, BTreeSet<usize>);

/// A way in which an index, a label or a number answers a condition on a node; `needs` are slots of the values.
#[derive(Clone)]
pub(super) struct Form {
    /// The node's slot.
    pub node: usize,
    pub wants: Wants,
    pub needs: BTreeSet<usize>,
}

/// What a condition wants of a node.
#[derive(Clone)]
pub(super) enum Wants {
    /// The label.
    Label(CompactString),
    /// The property equals a value.
    Equal(CompactString, Expression),
    /// The property is among values.
    Among(CompactString, Expression),
    /// The property is less or greater than a value.
    Beyond(CompactString, BinaryOperator, Expression),
    /// The property is a string with this beginning.
    Begins(CompactString, Expression),
    /// The number or element id is this one.
    Number(Expression),
    /// The number or element id is among these.
    NumberAmong(Expression),
}
