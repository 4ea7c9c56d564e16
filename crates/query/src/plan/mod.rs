//! From the tree of a statement to its plan: names bound, patterns ordered by cost.
//! Leaves the text to `cypher` and the running to [`crate::operator`].
//! Start reading at [`prepare`], then `clause` for one clause after the other and `solve` for the order of a pattern.

mod aggregate;
mod call;
mod check;
mod clause;
mod condition;
mod conjuncts;
mod cost;
mod describe;
mod eager;
#[cfg(test)]
mod forms;
mod graph;
mod hint;
mod join;
mod lift;
mod meet;
#[cfg(test)]
mod mutated;
mod notify;
mod order;
#[cfg(test)]
mod paths;
mod pattern;
mod project;
mod push;
mod quantified;
#[cfg(test)]
mod random;
mod scope;
mod seek;
#[cfg(test)]
mod shapes;
mod shortcut;
mod solve;
#[cfg(test)]
mod tests;
mod trails;
mod walk;
mod write;
#[cfg(test)]
mod written;

use std::sync::Arc;

use compact_str::CompactString;
use cypher::ast::{self, GraphReference, Span};
use types::{Code, Failure};

pub(crate) use describe::{Notes, describe};
use scope::Scope;

use crate::expression::{Compiled, Compiler, compile};
use crate::operator::Plan;
use crate::prepare::{Graphs, Kind, Notification, Prepared, Uses};

/// Most clauses of a statement: each makes its plan deeper, and plans are walked down.
const CLAUSES_MAX: usize = 10_000;

/// Plans one statement.
pub(crate) fn prepare(text: &str, query: &ast::Query, graphs: &mut dyn Graphs) -> Result<Prepared, Failure> {
    prepare_by(text, query, graphs, Order::ByCost)
}

/// In which order a statement is planned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// So that it is expected to take the least time.
    ByCost,
    /// As it is written: no index, no label, no hash table, no shortcut. Tests compare the two.
    #[cfg(test)]
    AsWritten,
}

fn prepare_by(text: &str, query: &ast::Query, graphs: &mut dyn Graphs, order: Order) -> Result<Prepared, Failure> {
    let mut planner = Planner {
        text,
        graphs,
        is_by_cost: order == Order::ByCost,
        next_slot: 0,
        graph: 0,
        about: 0,
        writes: None,
        in_transactions: false,
        hints: Vec::new(),
        outer: Vec::new(),
        in_value: false,
        clauses: 0,
        notes: Notes::default(),
        notifications: Vec::new(),
        uses: Uses::default(),
    };
    let planned = planner.query(query, &Pipe::start(), Place::Whole)?;
    let kind = match (planner.writes, planned.columns.is_empty()) {
        (None, _) => Kind::Read,
        (Some(_), true) => Kind::Write,
        (Some(_), false) => Kind::ReadWrite,
    };
    Ok(Prepared {
        columns: planned.columns,
        kind,
        about: planner.about,
        writes: planner.writes,
        in_transactions: planner.in_transactions,
        notifications: planner.notifications,
        uses: planner.uses,
        plan: planned.plan,
        notes: Arc::new(planner.notes),
    })
}

/// What is known while a statement is planned.
pub(super) struct Planner<'a> {
    text: &'a str,
    graphs: &'a mut dyn Graphs,
    /// Whether there is a choice, and not just the order of the text.
    is_by_cost: bool,
    /// The next slot that nothing uses.
    next_slot: usize,
    /// The graph of clauses that name none.
    graph: u16,
    /// The graph that the first part of the statement names.
    about: u16,
    /// The graph that is written.
    writes: Option<u16>,
    /// Whether batches of it commit on their own.
    in_transactions: bool,
    /// How the pattern that is being planned is to be read.
    hints: Vec<ast::Hint>,
    /// The variables of the outer row that stay in scope throughout the subquery that is being planned.
    outer: Vec<scope::Variable>,
    /// Whether a value is computed by the query that is being planned, which changes nothing then.
    in_value: bool,
    /// Clauses planned so far.
    clauses: usize,
    notes: Notes,
    notifications: Vec<Notification>,
    uses: Uses,
}

/// Where a query stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is the statement.
    Whole,
    /// It is inside of `CALL { }`, `EXISTS { }` and the like: it begins at the outer rows.
    Inside,
    /// It is inside of `CALL { }`, and each of its parts takes in what its first `WITH` names.
    ByWith,
}

/// A query that has been planned: its columns are the first slots of its plan's rows.
pub(super) struct Planned {
    plan: Arc<Plan>,
    columns: Vec<CompactString>,
    scope: Scope,
    rows: f64,
}

/// What has been planned of a single query so far.
#[derive(Clone)]
pub(super) struct Pipe {
    plan: Arc<Plan>,
    scope: Scope,
    /// How many rows are expected.
    rows: f64,
    /// Whether rows are still being read from the graph while the next operator works.
    reads: bool,
    /// Whether the rows change the graph as they go by.
    writes: bool,
}

impl Pipe {
    fn start() -> Self {
        Self { plan: Arc::new(Plan::Unit), scope: Scope::default(), rows: 1.0, reads: false, writes: false }
    }

    /// Begins inside another query, at its rows.
    fn inside(scope: Scope, rows: f64) -> Self {
        Self { plan: Arc::new(Plan::Argument), scope, rows, reads: false, writes: false }
    }
}

impl Planner<'_> {
    fn fresh_slot(&mut self) -> usize {
        self.next_slot += 1;
        self.next_slot - 1
    }

    fn error(&self, span: Span, code: Code, message: &str) -> Failure {
        cypher::error_at(self.text, span, code, message)
    }

    fn syntax(&self, span: Span, message: &str) -> Failure {
        self.error(span, Code::SyntaxError, message)
    }

    /// Puts an operator on top, with what people see of it.
    fn put(&mut self, plan: Plan, rows: f64, details: impl Into<String>) -> Arc<Plan> {
        let database = describe::source(&plan).map(|source| self.graphs.source(source).database().to_owned());
        let plan = Arc::new(plan);
        self.notes.add(&plan, rows, details.into(), database);
        plan
    }

    /// Compiles an expression of a scope.
    fn compile(&mut self, expression: &ast::Expression, scope: &Scope) -> Result<Compiled, Failure> {
        self.compile_with(expression, scope, &[])
    }

    /// Compiles an expression; those whose text is `known` are not computed again.
    fn compile_with(
        &mut self,
        expression: &ast::Expression,
        scope: &Scope,
        known: &[lift::Known],
    ) -> Result<Compiled, Failure> {
        self.look()?;
        self.checked(expression, scope)?;
        self.notify_of_expression(expression, scope);
        let text = self.text;
        let mut lifter = lift::Lifter { planner: self, scope, known };
        let mut compiler = Compiler { text, scope: scope.pairs(), lifted: &mut lifter };
        compile(&mut compiler, expression)
    }

    /// Finds the graph that a clause names; the one of its part where it names none.
    fn graph_of(&mut self, reference: Option<&GraphReference>) -> Result<u16, Failure> {
        match reference {
            None => Ok(self.graph),
            Some(reference) => {
                let found = self.graphs.number(reference);
                found.map_err(|failure| self.error(reference.span, failure.code(), failure.message()))
            }
        }
    }

    /// Fails where whoever waits for the plan does not want it any more, or has no time left.
    fn look(&self) -> Result<(), Failure> {
        self.graphs.look()
    }

    /// Counts a clause.
    fn another_clause(&mut self, span: Span) -> Result<(), Failure> {
        self.look()?;
        self.clauses += 1;
        if self.clauses <= CLAUSES_MAX {
            return Ok(());
        }
        let message = format!("A statement has at most {CLAUSES_MAX} clauses; send several, or rows with UNWIND");
        Err(self.syntax(span, &message))
    }

    /// Notes that a graph is written; one statement writes one.
    fn writes(&mut self, source: u16, span: Span) -> Result<(), Failure> {
        match self.writes.replace(source) {
            Some(other) if other != source => {
                let name = |number| self.graphs.source(number).database().to_owned();
                let message = format!(
                    "A statement can write to one database only, and this one writes to `{}` and to `{}`; \
                     write to each in a statement of its own",
                    name(other),
                    name(source)
                );
                Err(self.error(span, Code::WriteToManyDatabases, &message))
            }
            _ => Ok(()),
        }
    }
}
