//! Expressions: compiled once for a statement, computed over batches.
//! Leaves patterns, subqueries and aggregates to the planner, which turns each into a slot before it asks here.
//! Start reading at [`Compiled`], then [`compile`] and [`evaluate`].

mod children;
mod compile;
mod entity;
mod evaluate;
mod membership;
mod over_lists;
mod portions;
mod select;
mod subquery;
#[cfg(test)]
mod testing;
mod whole;
mod within;

use std::sync::Arc;

use compact_str::CompactString;
use cypher::ast::QuantifierKind;
use types::compare::Inequality;
use types::{Failure, Value};

use crate::functions::operators::Pattern;
use crate::functions::typed::Type;
use crate::functions::{EntityFunction, ScalarFunction};
use crate::operator::Plan;

pub use compile::{Compiler, Lifted, compile};
pub(crate) use entity::{mismatch, properties_of, wanted_names};
pub(crate) use evaluate::over;
pub use evaluate::{Context, evaluate, make};
pub use over_lists::check_extent;
pub use portions::Portions;
pub use select::select;
pub use within::Part;

/// An operator over two values.
pub type Operator = fn(&Value, &Value) -> Result<Value, Failure>;

/// An expression with its names resolved to slots and its functions found.
#[derive(Clone, Debug)]
pub enum Compiled {
    /// A value known from the text.
    Constant(Value),
    /// The value of a slot.
    Slot(usize),
    /// `$p`.
    Parameter(CompactString),
    /// `[a, b]`.
    List(Vec<Compiled>),
    /// `{k: v}`.
    Map(Vec<(CompactString, Compiled)>),
    /// `e.k` of an entity, a map or a temporal value.
    Property(Box<Compiled>, CompactString),
    /// `e[i]`.
    Index(Box<Compiled>, Box<Compiled>),
    /// `e[a..b]`.
    Slice(Box<Compiled>, Option<Box<Compiled>>, Option<Box<Compiled>>),
    /// `e:A&!B`.
    HasLabels(Box<Compiled>, LabelTest),
    /// `NOT e`.
    Not(Box<Compiled>),
    /// `-e`.
    Negate(Box<Compiled>),
    /// `a AND b`: `b` is not computed where `a` is false.
    And(Box<Compiled>, Box<Compiled>),
    /// `a OR b`: `b` is not computed where `a` is true.
    Or(Box<Compiled>, Box<Compiled>),
    /// `a XOR b`.
    Xor(Box<Compiled>, Box<Compiled>),
    /// `a = b`, or `a <> b`.
    Equal {
        /// Whether it is asked to differ.
        negated: bool,
        /// Left side.
        left: Box<Compiled>,
        /// Right side.
        right: Box<Compiled>,
    },
    /// `a < b` and its siblings.
    Inequality(Inequality, Box<Compiled>, Box<Compiled>),
    /// `e IN list`.
    In(Box<Compiled>, Box<Compiled>),
    /// Arithmetic and string operators: a function of two values.
    Operator(Operator, Box<Compiled>, Box<Compiled>),
    /// `a =~ 'constant'`.
    Matches(Box<Compiled>, Pattern),
    /// `e IS NULL`, or `e IS NOT NULL`.
    IsNull(Box<Compiled>, bool),
    /// `e IS :: TYPE`, or `e IS NOT :: TYPE`.
    IsTyped(Box<Compiled>, Type, bool),
    /// `linenumber()`.
    LineNumber,
    /// `f(a, b)`.
    Call(ScalarFunction, Vec<Compiled>),
    /// `coalesce(a, b)`: `b` is computed only where `a` is null.
    Coalesce(Vec<Compiled>),
    /// A function that asks the source.
    Entity(EntityFunction, Box<Compiled>),
    /// `CASE`: only the branch that is taken is computed.
    Case {
        /// What is compared with each branch's first part.
        subject: Option<Box<Compiled>>,
        /// Conditions, or values to compare with, and results.
        branches: Vec<(Compiled, Compiled)>,
        /// Otherwise.
        otherwise: Box<Compiled>,
    },
    /// `[x IN list WHERE c | e]`.
    Comprehension {
        /// The list.
        list: Box<Compiled>,
        /// The slot of each item.
        item: usize,
        /// The condition.
        filter: Option<Box<Compiled>>,
        /// What becomes of each item.
        projection: Option<Box<Compiled>>,
    },
    /// `all(x IN list WHERE c)` and its siblings.
    Quantifier {
        /// Which one.
        kind: QuantifierKind,
        /// The list.
        list: Box<Compiled>,
        /// The slot of each item.
        item: usize,
        /// The condition.
        filter: Box<Compiled>,
    },
    /// `reduce(acc = init, x IN list | e)`.
    Reduce {
        /// The slot of the value that is carried along.
        accumulator: usize,
        /// Where it begins.
        initial: Box<Compiled>,
        /// The list.
        list: Box<Compiled>,
        /// The slot of each item.
        item: usize,
        /// The next value.
        step: Box<Compiled>,
        /// Whether that is what is carried along, plus something that does not read it.
        is_sum: bool,
    },
    /// `x {.a, .*, b: e}`.
    MapProjection(Box<Compiled>, Vec<Projected>),
    /// `EXISTS { }`, `COUNT { }`, `COLLECT { }`, or a pattern as a value.
    Subquery(Arc<Subquery>),
    /// A path out of the slots of its first node and of its relationships, each one or a list; null where one is null.
    Path {
        /// The slot of the first node.
        start: usize,
        /// The slots of the relationships in order.
        relationships: Vec<usize>,
    },
}

/// A plan inside an expression; begins at [`Plan::Argument`], which has the rows that the expression is computed for.
#[derive(Clone, Debug)]
pub struct Subquery {
    /// The plan.
    pub plan: Arc<Plan>,
    /// What becomes of its rows.
    pub wanted: Wanted,
    /// A slot for the number of the outer row, where the plan can run for many of them at once; `None` where it groups,
    /// sorts, skips or limits, so that it runs for each alone.
    pub number: Option<usize>,
}

/// What becomes of the rows of a subquery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Whether there are any.
    Exists,
    /// How many there are.
    Count,
    /// The list of the values of a slot.
    Collect(usize),
    /// The value of a slot of the first row; null without rows.
    First(usize),
}

/// One item of a map projection.
#[derive(Clone, Debug)]
pub enum Projected {
    /// `.*`.
    All,
    /// Every other form: a key and its value.
    Entry(CompactString, Compiled),
}

/// A condition on a node's labels or on a relationship's type.
#[derive(Clone, Debug)]
pub enum LabelTest {
    /// Has the label.
    Name(CompactString),
    /// Has any label.
    Any,
    /// Has the label that an expression names, or each of a list.
    Dynamic(Box<Compiled>),
    /// Has one of the labels that an expression names.
    DynamicAny(Box<Compiled>),
    /// Does not pass.
    Not(Box<LabelTest>),
    /// Passes all.
    And(Vec<LabelTest>),
    /// Passes one.
    Or(Vec<LabelTest>),
}
