//! The tree of commands: about indexes and constraints, databases, and what a server lists.

use compact_str::CompactString;

use super::{Expression, Name, Projection};

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

/// Commands about databases.
#[derive(Clone, Debug)]
pub enum AdminCommand {
    /// `CREATE [OR REPLACE] DATABASE n [IF NOT EXISTS] [OPTIONS {}] [WAIT]`.
    CreateDatabase {
        /// The name.
        name: NameOrParameter,
        /// Whether it is fine when it is there already.
        if_not_exists: bool,
        /// Whether an old one goes first.
        or_replace: bool,
    },
    /// `DROP DATABASE n [IF EXISTS] [DESTROY DATA] [WAIT]`.
    DropDatabase {
        /// The name.
        name: NameOrParameter,
        /// Whether it is fine when it is not there.
        if_exists: bool,
    },
    /// `START DATABASE n`.
    StartDatabase {
        /// The name.
        name: NameOrParameter,
    },
    /// `STOP DATABASE n`.
    StopDatabase {
        /// The name.
        name: NameOrParameter,
    },
    /// `CHECK DATABASE n`: walks everything and reports.
    CheckDatabase {
        /// The name.
        name: NameOrParameter,
    },
    /// `SHOW DATABASES`, `SHOW DATABASE n`, `SHOW DEFAULT DATABASE`, `SHOW HOME DATABASE`.
    ShowDatabases {
        /// Which ones.
        which: ShowDatabases,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
    /// `SHOW TRANSACTIONS`, `SHOW TRANSACTION 'a', $b`.
    ShowTransactions {
        /// Which ones, by their ids; none for every one.
        ids: Vec<Expression>,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
    /// `SHOW FUNCTIONS`, `SHOW PROCEDURES`, `SHOW SETTINGS`.
    ShowKnown {
        /// What is shown.
        what: Known,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
    /// `TERMINATE TRANSACTIONS 'a', $b`.
    TerminateTransactions {
        /// Which ones, by their ids.
        ids: Vec<Expression>,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
}

/// What a server knows and can list.
#[derive(Clone, Debug)]
pub enum Known {
    /// `[ALL | BUILT IN | USER DEFINED] FUNCTIONS [EXECUTABLE [BY ...]]`.
    Functions {
        /// Which ones.
        which: Functions,
        /// Who may call them.
        executable: Executable,
    },
    /// `PROCEDURES [EXECUTABLE [BY ...]]`.
    Procedures {
        /// Who may call them.
        executable: Executable,
    },
    /// `SETTINGS ['a', $b]`.
    Settings {
        /// Which ones, by their names; none for every one.
        names: Vec<Expression>,
    },
}

/// Which functions are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Functions {
    /// Every one.
    All,
    /// Those of the language.
    BuiltIn,
    /// Those that came on top.
    UserDefined,
}

/// Who may call what is shown.
#[derive(Clone, Debug)]
pub enum Executable {
    /// Nobody is named.
    ByAnybody,
    /// Who asks.
    ByMe,
    /// A user.
    By(Name),
}

/// Which databases are shown.
#[derive(Clone, Debug)]
pub enum ShowDatabases {
    /// Every one.
    All,
    /// One by name.
    One(NameOrParameter),
    /// The default one.
    Default,
    /// The user's own.
    Home,
}

/// A name, or the parameter that holds it.
#[derive(Clone, Debug)]
pub enum NameOrParameter {
    /// `n`, or `a.b` as one text.
    Name(Name),
    /// `$n`.
    Parameter(Name),
}

/// `YIELD a, b AS c ORDER BY ... SKIP n LIMIT n WHERE e RETURN ...` after a `SHOW`.
#[derive(Clone, Debug, Default)]
pub struct ShowTail {
    /// `YIELD`: the body of a `WITH` over the command's columns.
    pub yields: Option<Projection>,
    /// `WHERE`.
    pub filter: Option<Expression>,
    /// `RETURN` after `YIELD`.
    pub returns: Option<Projection>,
}
