//! A statement made ready: its plan, its columns and what it touches, to be run any number of times.
//! Leaves names of databases and their opening to whoever implements [`Graphs`].
//! Start reading at [`prepare`], then [`Prepared::start`].

use std::sync::Arc;

use compact_str::CompactString;
use cypher::ast::{self, GraphReference};
use types::{Failure, Map, Position, Value};

use crate::expression::Context;
use crate::operator::{Measures, Operator, Plan, build, build_measured};
use crate::plan::{Notes, describe};
use crate::procedure::Procedure;
use crate::source::Source;
use crate::{Batch, Column};

/// The graphs that a statement reaches while it is prepared, by number; number 0 is the session's own.
pub trait Graphs {
    /// Gives the number of the graph that a statement names; the same graph gets the same number.
    fn number(&mut self, reference: &GraphReference) -> Result<u16, Failure>;

    /// Lends the graph of a number, for its counts and indexes.
    fn source(&self, number: u16) -> &dyn Source;

    /// Finds a procedure by its name.
    fn procedure(&self, name: &str) -> Option<Arc<dyn Procedure>>;

    /// Hears that a procedure is called on the graph of a number, which it may or may not look at.
    fn calls_on(&self, _number: u16) {}

    /// Suggests the procedure whose name is nearest to a misspelt one.
    fn nearest_procedure(&self, _name: &str) -> Option<String> {
        None
    }

    /// Fails where the statement was interrupted or its time is over. It is asked often, between two parts of the work.
    fn look(&self) -> Result<(), Failure> {
        Ok(())
    }
}

/// What a statement does to data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It reads.
    Read,
    /// It reads and writes.
    ReadWrite,
    /// It writes and returns nothing.
    Write,
}

/// Something that the writer of a statement should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its status code: `Neo.ClientNotification....`.
    pub code: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// What it says.
    pub description: String,
    /// `WARNING` or `INFORMATION`.
    pub severity: &'static str,
    /// `HINT`, `PERFORMANCE`, `DEPRECATION`, ...
    pub category: &'static str,
    /// Where in the statement.
    pub position: Option<Position>,
}

impl Notification {
    /// The category of names that nothing has; somebody may make them at any time.
    pub const UNRECOGNIZED: &'static str = "UNRECOGNIZED";
}

/// A statement made ready; run it with [`Prepared::start`].
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The names of its columns; none where it returns nothing.
    pub columns: Vec<CompactString>,
    /// What it does to data.
    pub kind: Kind,
    /// The graph that it is about, by number: the one that its first part names, else the session's own.
    pub about: u16,
    /// The one graph that it writes, by number.
    pub writes: Option<u16>,
    /// Whether batches of its rows commit on their own: it runs alone, with [`crate::Transactions`] in its context.
    pub in_transactions: bool,
    /// What its writer should know.
    pub notifications: Vec<Notification>,
    /// What it calls and loads.
    pub uses: Uses,
    /// Its plan; the columns are the first slots of what it gives.
    pub(crate) plan: Arc<Plan>,
    /// What the planner knew of it.
    pub(crate) notes: Arc<Notes>,
}

/// What a statement calls and loads: what somebody may have to be allowed beside reading and writing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Procedures, by the names of their signatures.
    pub procedures: Vec<CompactString>,
    /// Functions of libraries, which Neo4j calls user-defined: `apoc.*`.
    pub functions: Vec<&'static str>,
    /// Whether it loads files.
    pub loads: bool,
}

impl Uses {
    /// Tells whether it is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.procedures.is_empty() && self.functions.is_empty() && !self.loads
    }
}

/// One operator of a plan as people see it, with those that feed it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// Its name, as Neo4j names it where it has the like.
    pub operator: String,
    /// What is known of it: `Details`, `EstimatedRows`, ...
    pub arguments: Map,
    /// The variables that it passes on.
    pub identifiers: Vec<String>,
    /// What it did, where it ran with [`Prepared::start_profiled`].
    pub profile: Option<Profile>,
    /// Its sources.
    pub children: Vec<Description>,
}

/// What an operator did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Rows that it passed on.
    pub rows: u64,
    /// Reads and writes of the graph that it made itself, those of the operators that feed it left out.
    pub db_hits: u64,
    /// Nanoseconds that it took, its sources included.
    pub time_nanos: u64,
}

/// Makes a statement ready: binds its names, then plans it by the counts and indexes of its graphs.
///
/// # Errors
///
/// Names that are not there, clauses that cannot follow each other, wrong types known from the text; each points into
/// `text`. [`types::Code::WriteToManyDatabases`] where it writes to two graphs.
pub fn prepare(text: &str, query: &ast::Query, graphs: &mut dyn Graphs) -> Result<Prepared, Failure> {
    crate::plan::prepare(text, query, graphs)
}

impl Prepared {
    /// Begins to run it.
    #[must_use]
    pub fn start(&self) -> Execution {
        Execution {
            operator: build(&self.plan),
            columns: self.columns.clone(),
            plan: Arc::clone(&self.plan),
            notes: Arc::clone(&self.notes),
            measures: None,
        }
    }

    /// Begins to run it, each operator measured.
    #[must_use]
    pub fn start_profiled(&self) -> Execution {
        let (operator, measures) = build_measured(&self.plan);
        Execution {
            operator,
            columns: self.columns.clone(),
            plan: Arc::clone(&self.plan),
            notes: Arc::clone(&self.notes),
            measures: Some(measures),
        }
    }

    /// Shows the plan.
    #[must_use]
    pub fn describe(&self) -> Description {
        describe(&self.plan, &self.columns, &self.notes, None)
    }
}

/// A statement that runs.
pub struct Execution {
    operator: Box<dyn Operator>,
    columns: Vec<CompactString>,
    plan: Arc<Plan>,
    notes: Arc<Notes>,
    measures: Option<Arc<Measures>>,
}

impl Execution {
    /// Gives the next rows, `None` after the last: exactly the statement's columns, entities by reference.
    ///
    /// A statement without columns gives no rows, but must be run to its end all the same.
    pub fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        while let Some(mut batch) = self.operator.next(context)? {
            if !self.columns.is_empty() {
                batch.columns.truncate(self.columns.len());
                while batch.columns.len() < self.columns.len() {
                    batch.columns.push(Column::Constant { value: Value::Null, rows: batch.rows });
                }
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// Shows the plan, with what each operator did so far where it is measured.
    #[must_use]
    pub fn describe(&self) -> Description {
        describe(&self.plan, &self.columns, &self.notes, self.measures.as_deref())
    }
}
