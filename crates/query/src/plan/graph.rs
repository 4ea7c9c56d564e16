//! The logical form of what a `MATCH` looks for: nodes, relationships and conditions, in no order.
//! Leaves the making of it to `pattern` and the order of reading to `solve`.
//! Start reading at [`PatternGraph`].

use std::collections::BTreeSet;

use compact_str::CompactString;
use cypher::ast::{BinaryOperator, Expression, Span};
use types::Direction;

use super::scope::Scope;
use crate::operator::Wanted;

/// What one `MATCH` looks for in one graph.
pub(super) struct PatternGraph {
    pub source: u16,
    /// The variables around and those of the pattern.
    pub scope: Scope,
    pub nodes: Vec<PatternNode>,
    pub relationships: Vec<PatternRelationship>,
    pub predicates: Vec<Predicate>,
    pub paths: Vec<PatternPath>,
    pub searches: Vec<Search>,
    /// Whether a relationship may come more than once.
    pub is_repeatable: bool,
}

impl PatternGraph {
    /// Lists the slots that a relationship fills: its own, and those of the lists of what repeats in it.
    pub fn filled_by(&self, relationship: usize) -> Vec<usize> {
        let relationship = &self.relationships[relationship];
        let lists = relationship.repeat.iter().flat_map(|repeat| repeat.things().map(|thing| thing.list));
        std::iter::once(relationship.slot).chain(lists).collect()
    }
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
    /// What repeats, where it is not one relationship.
    pub repeat: Option<Repeat>,
    /// The search that it belongs to, by place, where only some of the paths are wanted.
    pub search: Option<usize>,
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

/// What repeats: `-[r:T*1..3]-`, or `((a)-[r:T]->(b) WHERE ...){1,3}`.
pub(super) struct Repeat {
    /// At least so many rounds.
    pub min: u64,
    /// At most so many.
    pub max: Option<u64>,
    /// The nodes of one round, one more than relationships.
    pub nodes: Vec<Repeated>,
    /// The relationships of one round, and how each is followed from left to right.
    pub steps: Vec<(Repeated, Direction, Vec<CompactString>)>,
    /// What was written and where, where it was a path in parentheses.
    pub text: Option<(String, Span)>,
}

impl Repeat {
    /// Lists the nodes and relationships of a round.
    pub fn things(&self) -> impl Iterator<Item = &Repeated> {
        self.nodes.iter().chain(self.steps.iter().map(|(relationship, ..)| relationship))
    }

    /// Gives the node or relationship of a name.
    pub fn find(&self, name: &str) -> Option<&Repeated> {
        self.things().find(|thing| thing.name == name)
    }
}

/// A node or relationship of what repeats.
pub(super) struct Repeated {
    pub name: CompactString,
    /// Its slot within a round.
    pub slot: usize,
    /// The slot of the list of all rounds.
    pub list: usize,
}

/// A path of which only some are wanted for each pair of ends.
pub(super) struct Search {
    pub wanted: Wanted,
    /// The nodes along it, by place.
    pub nodes: Vec<usize>,
    /// The relationships along it, by place.
    pub relationships: Vec<usize>,
    /// Whether it was written `shortestPath(...)`: then every condition on the path decides which are the shortest.
    pub is_function: bool,
    /// What was written.
    pub text: String,
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
    /// Where it is said of each round of what repeats: the same in words of one round.
    pub each: Option<Box<Each>>,
    /// Whether it stands inside of the pattern, not behind its `WHERE`.
    pub is_inside: bool,
}

/// A condition on each round of what repeats.
pub(super) struct Each {
    /// The relationship that repeats, by place.
    pub of: usize,
    pub condition: Expression,
    /// Names of the round that it looks at.
    pub names: Vec<CompactString>,
    /// Slots around the round that it looks at.
    pub around: BTreeSet<usize>,
}

/// One side of an equality, with the slots that it looks at.
pub(super) type EqualSide = (Expression, BTreeSet<usize>);

/// A way in which an index, a label or a number answers a condition on a node; `needs` are slots of the values.
#[derive(Clone)]
pub(super) struct Form {
    /// The slot of the node, or of the relationship.
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
    /// The property is a string that holds this.
    Holds(CompactString, Expression),
    /// The property is a string with this end.
    Ends(CompactString, Expression),
    /// The property is a point between two.
    Within(CompactString, Expression, Expression),
    /// The property is a point no farther from one than a distance.
    Near(CompactString, Expression, Expression),
    /// The number or element id is this one.
    Number(Expression),
    /// The number or element id is among these.
    NumberAmong(Expression),
}
