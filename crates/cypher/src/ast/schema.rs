//! Commands about indexes and constraints.

use compact_str::CompactString;

use super::{Expression, Name, NameOrParameter, ShowTail};

/// Commands about indexes and constraints.
#[derive(Clone, Debug)]
pub enum SchemaCommand {
    /// `CREATE [RANGE] INDEX [name] [IF NOT EXISTS] FOR (n:L) ON (n.a, n.b)`.
    CreateIndex {
        /// The index's name; one is made up where it is missing.
        name: Option<NameOrParameter>,
        /// Whether it is fine when it is there already.
        if_not_exists: bool,
        /// `RANGE`, `TEXT`, `POINT`, `LOOKUP`, `FULLTEXT`, `VECTOR`.
        kind: IndexKind,
        /// The label or type.
        target: IndexTarget,
        /// The property keys.
        keys: Vec<Name>,
        /// `OPTIONS {...}`.
        options: Option<Expression>,
    },
    /// `DROP INDEX name [IF EXISTS]`.
    DropIndex {
        /// The index.
        name: NameOrParameter,
        /// Whether it is fine when it is not there.
        if_exists: bool,
    },
    /// `SHOW [ALL | RANGE | ...] INDEXES [YIELD ...] [WHERE ...]`.
    ShowIndexes {
        /// Which kind; all without one.
        kind: Option<IndexKind>,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
    /// `CREATE CONSTRAINT [name] [IF NOT EXISTS] FOR (n:L) REQUIRE (n.a, n.b) IS UNIQUE`.
    CreateConstraint {
        /// The constraint's name; one is made up where it is missing.
        name: Option<NameOrParameter>,
        /// Whether it is fine when it is there already.
        if_not_exists: bool,
        /// The label or type.
        target: IndexTarget,
        /// The property keys.
        keys: Vec<Name>,
        /// What is asked of them.
        kind: ConstraintKind,
        /// `OPTIONS {...}`.
        options: Option<Expression>,
    },
    /// `DROP CONSTRAINT name [IF EXISTS]`.
    DropConstraint {
        /// The constraint.
        name: NameOrParameter,
        /// Whether it is fine when it is not there.
        if_exists: bool,
    },
    /// `SHOW [NODE UNIQUENESS | ...] CONSTRAINTS [YIELD ...] [WHERE ...]`.
    ShowConstraints {
        /// Which ones.
        filter: ConstraintFilter,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
}

/// What a constraint asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConstraintKind {
    /// `IS UNIQUE`.
    Unique,
    /// `IS NODE KEY`, `IS RELATIONSHIP KEY`.
    Key,
    /// `IS NOT NULL`.
    Exists,
    /// `IS :: T`: the type as [`ExpressionKind::IsTyped`] has it.
    Typed(CompactString),
}

/// Which constraints are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConstraintFilter {
    /// Those of nodes, or those of relationships; both without one.
    pub nodes: Option<bool>,
    /// Of one kind, whatever the type.
    pub kind: Option<ConstraintKind>,
}

/// The kinds of indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexKind {
    /// Ordered by value.
    Range,
    /// Text.
    Text,
    /// Points.
    Point,
    /// Labels or types.
    Lookup,
    /// Words.
    Fulltext,
    /// Nearness.
    Vector,
}

/// What an index is for.
#[derive(Clone, Debug)]
pub enum IndexTarget {
    /// Nodes with a label, or with one of several.
    Node(Vec<Name>),
    /// Relationships of a type, or of one of several.
    Relationship(Vec<Name>),
}
