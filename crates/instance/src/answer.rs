//! What goes in and out of a session beside the text: options, rows, and what a statement did.

use std::fmt;
use std::time::Duration;

pub use query::{Counters, Description as Plan, Profile};
use types::{Failure, Map, Position, Value};

use crate::memory::Loan;

/// Whether a transaction may write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Reads only; a write fails.
    Read,
    /// Reads and writes.
    #[default]
    Write,
}

/// How a statement or a transaction is to run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunOptions {
    /// The database by name; `None` for the session's own choice.
    pub database: Option<String>,
    /// Whether it may write.
    pub access: Access,
    /// How long it may take, as the client asks.
    pub timeout: Option<Duration>,
    /// Commits that it must see.
    pub bookmarks: Vec<String>,
    /// What the client wants listed with the transaction.
    pub metadata: Map,
    /// The user on whose behalf to run.
    pub impersonated_user: Option<String>,
}

/// Whether records are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// There are more.
    Yes,
    /// That was all.
    No,
}

/// Records on their way to a client, one after the other in one piece of memory.
#[derive(Default)]
pub struct Fetched {
    values: Vec<Value>,
    rows: usize,
    /// What the server lent for rows that wait here.
    loan: Option<Loan>,
}

impl fmt::Debug for Fetched {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

impl Fetched {
    /// Appends a row.
    pub fn push(&mut self, row: impl IntoIterator<Item = Value>) {
        self.values.extend(row);
        self.rows += 1;
    }

    /// Appends a row whose values may fail to come; a row that failed is not there.
    pub(crate) fn try_push(&mut self, row: impl Iterator<Item = Result<Value, Failure>>) -> Result<(), Failure> {
        let before = self.values.len();
        for value in row {
            match value {
                Ok(value) => self.values.push(value),
                Err(failure) => {
                    self.values.truncate(before);
                    return Err(failure);
                }
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Lends the row that was appended last, which has `width` values.
    pub(crate) fn last_row(&self, width: usize) -> &[Value] {
        &self.values[self.values.len() - width..]
    }

    /// Keeps what was lent for the rows for as long as they are here.
    pub(crate) fn on_loan(&mut self, loan: Loan) {
        self.loan = Some(loan);
    }

    /// Estimates the bytes of the row at `row` of rows of `width` values.
    pub(crate) fn row_bytes(&self, row: usize, width: usize) -> usize {
        self.values[row * width..(row + 1) * width].iter().map(Value::memory_bytes).sum()
    }

    /// Takes the row at `row` out of rows of `width` values, leaving nulls.
    pub(crate) fn take_row(&mut self, row: usize, width: usize) -> impl Iterator<Item = Value> {
        self.values[row * width..(row + 1) * width].iter_mut().map(std::mem::take)
    }

    /// Counts the rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Tells whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Forgets the rows and keeps the memory.
    pub fn clear(&mut self) {
        self.values.clear();
        self.rows = 0;
    }

    /// Gives the rows, each as long as there are columns.
    pub fn iter(&self) -> impl Iterator<Item = &[Value]> {
        let width = self.values.len().checked_div(self.rows).unwrap_or_default();
        (0..self.rows).map(move |row| &self.values[row * width..(row + 1) * width])
    }
}

/// What a statement did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// What kind of statement it was.
    pub kind: Kind,
    /// The database in which it ran, by the name that the client used.
    pub database: String,
    /// The commit, for an auto-commit statement.
    pub bookmark: Option<String>,
    /// What it changed.
    pub counters: Counters,
    /// How it runs or ran, for `EXPLAIN` and `PROFILE`.
    pub plan: Option<Plan>,
    /// What its writer should know.
    pub notifications: Vec<Notification>,
    /// Whether rows were cut off, because they were more than may be.
    pub truncated: bool,
}

/// What kind of statement it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// It reads.
    #[default]
    Read,
    /// It reads and writes.
    ReadWrite,
    /// It writes.
    Write,
    /// It changes the schema or the server.
    Schema,
}

impl Kind {
    /// Gives the letters that stand for it on the wire.
    #[must_use]
    pub fn letters(self) -> &'static str {
        match self {
            Self::Read => "r",
            Self::ReadWrite => "rw",
            Self::Write => "w",
            Self::Schema => "s",
        }
    }
}

impl From<query::Kind> for Kind {
    fn from(kind: query::Kind) -> Self {
        match kind {
            query::Kind::Read => Self::Read,
            query::Kind::ReadWrite => Self::ReadWrite,
            query::Kind::Write => Self::Write,
        }
    }
}

/// Something that the writer of a statement should know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notification {
    /// Its status code.
    pub code: String,
    /// What it is about, in a few words.
    pub title: String,
    /// What it says.
    pub description: String,
    /// `WARNING` or `INFORMATION`.
    pub severity: String,
    /// `HINT`, `PERFORMANCE`, `DEPRECATION`, ...
    pub category: String,
    /// Where in the statement.
    pub position: Option<Position>,
}

impl From<&query::Notification> for Notification {
    fn from(found: &query::Notification) -> Self {
        Self {
            code: found.code.to_owned(),
            title: found.title.to_owned(),
            description: found.description.clone(),
            severity: found.severity.to_owned(),
            category: found.category.to_owned(),
            position: found.position,
        }
    }
}
