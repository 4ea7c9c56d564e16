//! The tree of a statement, close to its text; every node knows its place.

mod admin;
mod schema;

use std::sync::Arc;

use compact_str::CompactString;

pub use admin::*;
pub use schema::*;

/// A piece of the statement's text: byte offsets, end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A name as it was meant (quotes taken off), with its place.
#[derive(Clone, Debug)]
pub struct Name {
    /// The name.
    pub text: CompactString,
    /// Where it stands.
    pub span: Span,
}

/// One statement, as sent.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Whether the plan is asked for, instead of or beside the rows.
    pub mode: Mode,
    /// What to do.
    pub body: Body,
}

/// `EXPLAIN` and `PROFILE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Run it.
    Run,
    /// Show the plan, run nothing.
    Explain,
    /// Run it and show the plan with what each operator did.
    Profile,
}

/// The kinds of statements.
#[derive(Clone, Debug)]
pub enum Body {
    /// Reads and writes data.
    Query(Query),
    /// Changes indexes of the session's database, or of the one named by `USE`.
    Schema {
        /// `USE x` in front.
        using: Option<GraphReference>,
        /// The command.
        command: SchemaCommand,
    },
    /// Manages databases; runs against `system`.
    Admin(AdminCommand),
    /// Lists and ends, a command for every row of the one before.
    Chain {
        /// `USE x` in front: the database whose indexes and constraints are listed.
        using: Option<GraphReference>,
        /// The commands.
        chain: CommandChain,
    },
    /// `USE x` or `:use x` alone: chooses the session's database; without a name it asks for it.
    UseDatabase {
        /// The database, or nothing to ask which one is current.
        name: Option<Name>,
    },
}

/// Single queries joined by `UNION`.
#[derive(Clone, Debug)]
pub struct Query {
    /// The first part.
    pub first: SingleQuery,
    /// The others; all kinds of union must agree.
    pub rest: Vec<(UnionKind, SingleQuery)>,
}

/// `UNION` or `UNION ALL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnionKind {
    /// Equal rows once.
    Distinct,
    /// Every row.
    All,
}

/// Clauses in order.
#[derive(Clone, Debug)]
pub struct SingleQuery {
    /// `USE x` in front: the graph of every clause that names none.
    pub using: Option<GraphReference>,
    /// The clauses.
    pub clauses: Vec<Clause>,
    /// The text from first to last clause.
    pub span: Span,
}

/// A graph by name: `USE x`, `FROM DATABASE x`, `IN x`, `GRAPH[x]`.
#[derive(Clone, Debug)]
pub struct GraphReference {
    /// The parts between dots, `comp.part` has two; a name with a dot in back-quotes is one part.
    pub parts: Vec<Name>,
    /// What finds it, where it is no name: then the parts are the name of a function.
    pub found_by: Option<Box<GraphFunction>>,
    /// Where it stands.
    pub span: Span,
}

/// A graph that is found: `graph.byName(e)`, `graph.byElementId(e)`.
#[derive(Clone, Debug)]
pub enum GraphFunction {
    /// By a name.
    Name(Expression),
    /// By the element id of something in it.
    ElementId(Expression),
}

/// One clause and its place.
#[derive(Clone, Debug)]
pub struct Clause {
    /// What it does.
    pub kind: ClauseKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of clauses.
#[derive(Clone, Debug)]
pub enum ClauseKind {
    /// `[OPTIONAL] MATCH p, q FROM DATABASE d WHERE e`.
    Match {
        /// Whether rows without a match go on with nulls.
        optional: bool,
        /// The patterns, joined.
        patterns: Vec<PathPattern>,
        /// The graph to look in, where the clause names one.
        graph: Option<GraphReference>,
        /// How it is to be read.
        hints: Vec<Hint>,
        /// The condition.
        filter: Option<Expression>,
    },
    /// `UNWIND e AS x`.
    Unwind {
        /// The list.
        list: Expression,
        /// The variable for each item.
        variable: Name,
    },
    /// `WITH ...`.
    With {
        /// What goes on.
        projection: Projection,
        /// The condition on what goes on.
        filter: Option<Expression>,
    },
    /// `RETURN ...`.
    Return {
        /// What comes out.
        projection: Projection,
    },
    /// `FINISH`: runs everything and returns nothing.
    Finish,
    /// `CREATE p, q`.
    Create {
        /// What to make.
        patterns: Vec<PathPattern>,
        /// The graph to make it in, where the clause names one.
        graph: Option<GraphReference>,
    },
    /// `MERGE p ON CREATE SET ... ON MATCH SET ...`.
    Merge {
        /// What to find or make.
        pattern: PathPattern,
        /// The graph, where the clause names one.
        graph: Option<GraphReference>,
        /// Changes to what was made.
        on_create: Vec<SetItem>,
        /// Changes to what was found.
        on_match: Vec<SetItem>,
    },
    /// `SET ...`.
    Set {
        /// The changes, in order.
        items: Vec<SetItem>,
        /// The graph, where the clause names one.
        graph: Option<GraphReference>,
    },
    /// `REMOVE ...`.
    Remove {
        /// The changes, in order.
        items: Vec<RemoveItem>,
    },
    /// `[DETACH] DELETE e, f`.
    Delete {
        /// Whether relationships of a deleted node go too.
        detach: bool,
        /// Nodes, relationships and paths.
        targets: Vec<Expression>,
        /// The graph, where the clause names one.
        graph: Option<GraphReference>,
    },
    /// `FOREACH (x IN list | ...)`.
    Foreach {
        /// The variable for each item.
        variable: Name,
        /// The list.
        list: Expression,
        /// Writing clauses to run for each item.
        body: Vec<Clause>,
    },
    /// `LOAD CSV [WITH HEADERS] FROM e AS x [FIELDTERMINATOR 'c']`.
    LoadCsv {
        /// Whether the first line names the columns.
        headers: bool,
        /// The address.
        source: Expression,
        /// The variable for each line.
        variable: Name,
        /// The separator, where it is not a comma.
        terminator: Option<CompactString>,
    },
    /// `CALL name(...) YIELD a, b AS c WHERE e`.
    CallProcedure {
        /// The name with its dots.
        name: Name,
        /// The arguments; `None` without parentheses (taken from parameters, stand-alone calls only).
        arguments: Option<Vec<Expression>>,
        /// What is taken of the result.
        yields: Yield,
        /// The condition on what is taken.
        filter: Option<Expression>,
    },
    /// `CALL (x, y) { ... }`, or `CALL { WITH x ... }`.
    CallSubquery {
        /// The variables that go in: `None` for the old form (importing `WITH`), `Some` for `CALL (x)`.
        imports: Option<SubqueryImports>,
        /// What runs for each row.
        query: Box<Query>,
        /// `IN TRANSACTIONS ...`.
        transactions: Option<InTransactions>,
        /// `OPTIONAL CALL`.
        optional: bool,
    },
    /// `USE x` between clauses (only first in a part is legal; the binder says so).
    Use {
        /// The graph.
        graph: GraphReference,
    },
}

/// How a pattern is to be read.
#[derive(Clone, Debug)]
pub struct Hint {
    /// What it asks for.
    pub kind: HintKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of hints.
#[derive(Clone, Debug)]
pub enum HintKind {
    /// `USING INDEX n:L(k)`.
    Index {
        /// The variable of the node or relationship.
        variable: Name,
        /// Its label or type.
        label: Name,
        /// The keys of the index.
        keys: Vec<Name>,
        /// The kind of index, where the hint names one.
        kind: Option<IndexKind>,
    },
    /// `USING SCAN n:L`.
    Scan {
        /// The variable of the node or relationship.
        variable: Name,
        /// Its label or type.
        label: Name,
    },
    /// `USING JOIN ON n, m`.
    Join(Vec<Name>),
}

/// What `CALL (...) { }` takes in.
#[derive(Clone, Debug)]
pub enum SubqueryImports {
    /// `CALL (*)`: every variable in scope.
    All,
    /// `CALL (x, y)`.
    Names(Vec<Name>),
}

/// `IN TRANSACTIONS OF n ROWS ON ERROR c REPORT STATUS AS s`.
#[derive(Clone, Debug)]
pub struct InTransactions {
    /// Rows a transaction.
    pub rows: Option<Expression>,
    /// `ON ERROR RETRY`: what may pass by itself is tried again, before `on_error` decides.
    pub retry: Option<RetryTime>,
    /// What a failed transaction does to the rest.
    pub on_error: OnError,
    /// The variable for the report.
    pub report: Option<Name>,
    /// Where it stands, from `IN` on.
    pub span: Span,
}

/// How long a failed inner transaction is tried again.
#[derive(Clone, Debug)]
pub enum RetryTime {
    /// As long as the server thinks fit.
    Default,
    /// `FOR n SECONDS`.
    Seconds(Expression),
}

/// What a failed inner transaction does to the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// The statement fails.
    Fail,
    /// The next batch is tried.
    Continue,
    /// The rest is skipped.
    Break,
}

/// What is taken of a procedure's result.
#[derive(Clone, Debug)]
pub enum Yield {
    /// No `YIELD`.
    Nothing,
    /// `YIELD *`.
    All,
    /// `YIELD a, b AS c`.
    Items(Vec<(Name, Option<Name>)>),
}

/// The body of `WITH` and `RETURN`.
#[derive(Clone, Debug)]
pub struct Projection {
    /// Whether equal rows come once.
    pub distinct: bool,
    /// `*` in front: everything in scope.
    pub all: bool,
    /// The items after it.
    pub items: Vec<ProjectionItem>,
    /// `ORDER BY`.
    pub order: Vec<SortItem>,
    /// `SKIP` or `OFFSET`.
    pub skip: Option<Expression>,
    /// `LIMIT`.
    pub limit: Option<Expression>,
    /// Where it stands.
    pub span: Span,
}

impl Projection {
    /// Passes on everything in scope, with more items beside it.
    pub(crate) fn passing_on(items: Vec<ProjectionItem>) -> Self {
        let span = Span::default();
        Self { distinct: false, all: true, items, order: Vec::new(), skip: None, limit: None, span }
    }
}

impl ProjectionItem {
    /// Passes on a variable under its own name.
    pub(crate) fn of_variable(name: &Name) -> Self {
        let kind = ExpressionKind::Variable(name.clone());
        Self { expression: Expression::new(kind, name.span), alias: None, text: name.text.clone() }
    }
}

/// `e AS x`.
#[derive(Clone, Debug)]
pub struct ProjectionItem {
    /// The value.
    pub expression: Expression,
    /// Its name.
    pub alias: Option<Name>,
    /// The value's text exactly as written: the column's name where there is no alias.
    pub text: CompactString,
}

/// `e DESC`.
#[derive(Clone, Debug)]
pub struct SortItem {
    /// The key.
    pub expression: Expression,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// `x.k = e`, `x = e`, `x += e`, `x:L`.
#[derive(Clone, Debug)]
pub enum SetItem {
    /// `x.k = e`; the target may be any expression that gives an entity.
    Property {
        /// The entity.
        target: Expression,
        /// The key.
        key: Name,
        /// The value; null removes the property.
        value: Expression,
    },
    /// `x[e] = v`.
    DynamicProperty {
        /// The entity.
        target: Expression,
        /// The key.
        key: Expression,
        /// The value.
        value: Expression,
    },
    /// `x = e`: all properties.
    Replace {
        /// The entity's variable.
        variable: Name,
        /// A map or an entity.
        value: Expression,
    },
    /// `x += e`: some properties.
    Merge {
        /// The entity's variable.
        variable: Name,
        /// A map or an entity.
        value: Expression,
    },
    /// `x:A:B`.
    Labels {
        /// The node's variable.
        variable: Name,
        /// The labels.
        labels: Vec<LabelName>,
    },
}

/// `x.k`, `x:L`.
#[derive(Clone, Debug)]
pub enum RemoveItem {
    /// `x.k`.
    Property {
        /// The entity.
        target: Expression,
        /// The key.
        key: Name,
    },
    /// `x[e]`.
    DynamicProperty {
        /// The entity.
        target: Expression,
        /// The key.
        key: Expression,
    },
    /// `x:A:B`.
    Labels {
        /// The node's variable.
        variable: Name,
        /// The labels.
        labels: Vec<LabelName>,
    },
}

/// A label or type in a writing clause: a name, or `$(e)`.
#[derive(Clone, Debug)]
pub enum LabelName {
    /// `:A`.
    Name(Name),
    /// `:$(e)`.
    Dynamic(Expression),
}

/// `p = SHORTEST 2 (a)-[r]->(b)-->(c)`.
#[derive(Clone, Debug)]
pub struct PathPattern {
    /// The path's variable.
    pub variable: Option<Name>,
    /// Which of the matching paths are wanted.
    pub selector: PathSelector,
    /// Nodes and relationships in turn: node, relationship, node, ...; quantified parts between nodes.
    pub elements: Vec<PatternElement>,
    /// Whether a relationship may come more than once (`MATCH REPEATABLE ELEMENTS`).
    pub is_repeatable: bool,
    /// Where it stands.
    pub span: Span,
}

/// Which of the matching paths are wanted.
#[derive(Clone, Debug)]
pub enum PathSelector {
    /// Every path.
    All,
    /// `shortestPath(...)`: one of the shortest for each pair of ends.
    ShortestPath,
    /// `allShortestPaths(...)`: all of the shortest for each pair of ends.
    AllShortestPaths,
    /// `SHORTEST k`.
    Shortest(u64),
    /// `ALL SHORTEST`.
    AllShortest,
    /// `SHORTEST k GROUPS`.
    ShortestGroups(u64),
    /// `ANY k`.
    Any(u64),
}

/// One element of a path pattern.
#[derive(Clone, Debug)]
pub enum PatternElement {
    /// `(a:A {k: v} WHERE e)`.
    Node(NodePattern),
    /// `-[r:T*1..3 {k: v} WHERE e]->`.
    Relationship(RelationshipPattern),
    /// `((x)-[r]->(y) WHERE e){1,3}`.
    Quantified(QuantifiedPattern),
}

/// `(a:A {k: v} WHERE e)`.
#[derive(Clone, Debug)]
pub struct NodePattern {
    /// The variable.
    pub variable: Option<Name>,
    /// The condition on labels.
    pub labels: Option<LabelExpression>,
    /// `{k: v}` or `$p`.
    pub properties: Option<Expression>,
    /// Inline `WHERE`.
    pub filter: Option<Box<Expression>>,
    /// Where it stands.
    pub span: Span,
}

/// `-[r:T*1..3 {k: v} WHERE e]->`.
#[derive(Clone, Debug)]
pub struct RelationshipPattern {
    /// The variable.
    pub variable: Option<Name>,
    /// Which way it points, read from left to right.
    pub direction: types::Direction,
    /// The condition on the type.
    pub types: Option<LabelExpression>,
    /// `*`, `*2`, `*1..3`, `+`, `{1,3}`: a list of relationships.
    pub length: Option<Length>,
    /// Whether the length stands behind the arrow: `-[r:T]->{1,3}`, not `-[r:T*1..3]->`.
    pub is_quantified: bool,
    /// `{k: v}` or `$p`.
    pub properties: Option<Expression>,
    /// Inline `WHERE`.
    pub filter: Option<Box<Expression>>,
    /// Where it stands.
    pub span: Span,
}

/// How often a relationship is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// At least; 1 where `*` says nothing.
    pub min: Option<u64>,
    /// At most.
    pub max: Option<u64>,
}

/// `((x)-[r]->(y) WHERE e){1,3}`.
#[derive(Clone, Debug)]
pub struct QuantifiedPattern {
    /// The part that repeats.
    pub pattern: Box<PathPattern>,
    /// Its condition, on each repetition.
    pub filter: Option<Box<Expression>>,
    /// At least.
    pub min: u64,
    /// At most.
    pub max: Option<u64>,
    /// Where it stands.
    pub span: Span,
}

/// `A&!B|C`, `%`, `$(e)`; `:A:B` is a conjunction, `:A|B` (and `:A|:B`) a disjunction.
#[derive(Clone, Debug)]
pub enum LabelExpression {
    /// A label or type.
    Name(Name),
    /// `%`: any.
    Any(Span),
    /// `$(e)`: all of the names of `e`.
    Dynamic(Box<Expression>),
    /// `$any(e)`: one of the names of `e`.
    DynamicAny(Box<Expression>),
    /// `!a`.
    Not(Box<LabelExpression>),
    /// `a&b`, and `:A:B` in a node pattern.
    And(Vec<LabelExpression>),
    /// `a|b`.
    Or(Vec<LabelExpression>),
}

/// An expression and its place; a copy shares everything below it.
#[derive(Clone, Debug)]
pub struct Expression {
    /// What it computes.
    pub kind: Arc<ExpressionKind>,
    /// Where it stands.
    pub span: Span,
}

impl Expression {
    /// Makes one that stands at `span`.
    #[must_use]
    pub fn new(kind: ExpressionKind, span: Span) -> Self {
        Self { kind: Arc::new(kind), span }
    }

    /// Gives what it computes, without a copy where nobody else has it.
    #[must_use]
    pub fn into_kind(self) -> ExpressionKind {
        Arc::unwrap_or_clone(self.kind)
    }
}

/// The kinds of expressions.
#[derive(Clone, Debug)]
pub enum ExpressionKind {
    /// `null`.
    Null,
    /// `true`, `false`.
    Boolean(bool),
    /// `42`, `0x2A`, `0o52`; a leading minus is part of it.
    Integer(i64),
    /// `4.2`, `1e9`, `NaN`, `Infinity`.
    Float(f64),
    /// `'text'`, escapes resolved.
    String(CompactString),
    /// `$p`.
    Parameter(Name),
    /// `x`.
    Variable(Name),
    /// `[a, b]`.
    List(Vec<Expression>),
    /// `{k: v}`.
    Map(Vec<(Name, Expression)>),
    /// `x {.a, b: e, .*, y}`.
    MapProjection {
        /// The entity or map.
        variable: Name,
        /// What is taken of it.
        items: Vec<MapProjectionItem>,
    },
    /// `e.k`.
    Property(Expression, Name),
    /// `e[i]`: list place, map key or property.
    Index(Expression, Expression),
    /// `e[a..b]`.
    Slice(Expression, Option<Expression>, Option<Expression>),
    /// `e:A:B`, `e IS A&B`.
    HasLabels(Expression, LabelExpression),
    /// `NOT e`, `-e`, `+e`.
    Unary(UnaryOperator, Expression),
    /// `a + b`, `a AND b`, `a IN b`, `a =~ b`, ...
    Binary(BinaryOperator, Expression, Expression),
    /// `a < b <= c`: at least two comparisons in a chain.
    Comparison(Expression, Vec<(BinaryOperator, Expression)>),
    /// `e IS NULL`.
    IsNull(Expression),
    /// `e IS NOT NULL`.
    IsNotNull(Expression),
    /// `e IS [NOT] :: TYPE`: the type as written, in upper case with single spaces.
    IsTyped {
        /// The value.
        value: Expression,
        /// Whether it is asked to differ.
        negated: bool,
        /// The type.
        type_name: CompactString,
    },
    /// `f(a, b)`, `f(DISTINCT a)`.
    Call {
        /// The name with its dots, as written.
        name: Name,
        /// Whether equal arguments count once.
        distinct: bool,
        /// The arguments.
        arguments: Vec<Expression>,
    },
    /// `count(*)`.
    CountAll,
    /// `CASE WHEN c THEN v ... ELSE e END`, with or without a subject.
    Case {
        /// What is compared with each `WHEN`.
        subject: Option<Expression>,
        /// Conditions (or values to compare with) and results.
        branches: Vec<(Expression, Expression)>,
        /// Otherwise.
        otherwise: Option<Expression>,
    },
    /// `[x IN list WHERE c | e]`.
    ListComprehension {
        /// The variable for each item.
        variable: Name,
        /// The list.
        list: Expression,
        /// The condition.
        filter: Option<Expression>,
        /// What becomes of each item; the item itself where it is missing.
        projection: Option<Expression>,
    },
    /// `[p = (a)-->(b) WHERE c | e]`.
    PatternComprehension {
        /// The pattern, its path variable included.
        pattern: Box<PathPattern>,
        /// The condition.
        filter: Option<Expression>,
        /// What becomes of each match.
        projection: Expression,
    },
    /// `all(x IN list WHERE c)` and its siblings.
    Quantifier {
        /// Which one.
        kind: QuantifierKind,
        /// The variable for each item.
        variable: Name,
        /// The list.
        list: Expression,
        /// The condition; some forms may leave it out (an error that the binder reports).
        filter: Option<Expression>,
    },
    /// `reduce(acc = init, x IN list | e)`.
    Reduce {
        /// The variable that is carried along.
        accumulator: Name,
        /// Where it begins.
        initial: Expression,
        /// The variable for each item.
        variable: Name,
        /// The list.
        list: Expression,
        /// The next value.
        step: Expression,
    },
    /// `(a)-->(b)` as a condition.
    PatternPredicate(Box<PathPattern>),
    /// `shortestPath((a)-[*]-(b))` and `allShortestPaths(...)` as values.
    ShortestPath(Box<PathPattern>),
    /// `EXISTS { ... }`.
    Exists(Box<SubqueryExpression>),
    /// `COUNT { ... }`.
    Count(Box<SubqueryExpression>),
    /// `COLLECT { ... }`.
    Collect(Box<SubqueryExpression>),
}

/// The inside of `EXISTS { }` and its siblings.
#[derive(Clone, Debug)]
pub enum SubqueryExpression {
    /// `{ (a)-->(b), (b)-->(c) FROM x WHERE e }`, with or without the word `MATCH` in front.
    Pattern {
        /// The patterns.
        patterns: Vec<PathPattern>,
        /// The condition.
        filter: Option<Expression>,
    },
    /// A query of its own.
    Query(Query),
}

/// One item of a map projection.
#[derive(Clone, Debug)]
pub enum MapProjectionItem {
    /// `.k`.
    Property(Name),
    /// `.*`.
    All,
    /// `k: e`.
    Entry(Name, Expression),
    /// `x`.
    Variable(Name),
}

/// Operators with one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `NOT`.
    Not,
    /// `-`.
    Negate,
    /// `+`.
    Plus,
}

/// Operators with two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOperator {
    /// `OR`.
    Or,
    /// `XOR`.
    Xor,
    /// `AND`.
    And,
    /// `=`.
    Equal,
    /// `<>`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `=~`.
    Matches,
    /// `IN`.
    In,
    /// `STARTS WITH`.
    StartsWith,
    /// `ENDS WITH`.
    EndsWith,
    /// `CONTAINS`.
    Contains,
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`.
    Divide,
    /// `%`.
    Modulo,
    /// `^`.
    Power,
    /// `||`.
    Concatenate,
}

/// `all`, `any`, `none`, `single`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantifierKind {
    /// Every item.
    All,
    /// At least one item.
    Any,
    /// No item.
    None,
    /// Exactly one item.
    Single,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_an_expression_shares_what_lies_below() {
        let items = (0..1_000).map(|item| Expression::new(ExpressionKind::Integer(item), Span::default())).collect();
        let list = Expression::new(ExpressionKind::List(items), Span::default());
        let copy = list.clone();
        assert!(Arc::ptr_eq(&list.kind, &copy.kind));
        // Who takes one of two apart leaves the other as it is, and still copies no more than one level.
        let (ExpressionKind::List(taken), ExpressionKind::List(left)) = (copy.into_kind(), &*list.kind) else {
            unreachable!("both are lists");
        };
        assert!(taken.len() == 1_000 && Arc::ptr_eq(&taken[9].kind, &left[9].kind));
    }
}
