//! What the faces ask of whoever runs statements.
//! Says nothing about how that is done: `instance` does it for a server, a table of answers does it for tests.
//! Start reading at [`Sessions`] and [`Session`].

use std::sync::Arc;
use std::time::Duration;

use types::{CompactString, Failure, Map, Position, Value};

/// Opens sessions.
pub trait Sessions: Send + Sync {
    /// Opens a session for a client that proves who it is. May take long: passwords are hashed.
    fn log_in(&self, credentials: &Credentials) -> Result<Box<dyn Session>, Failure>;
}

/// What a client says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing, which a server without passwords accepts.
    None,
    /// A name and a password.
    Basic {
        /// The user's name.
        user: String,
        /// The password.
        password: String,
    },
}

/// One client's conversation. Dropping it ends what is open.
pub trait Session: Send {
    /// Names the user.
    fn user(&self) -> &str;

    /// Finds a database by name or alias, the user's home database without one; gives its name.
    fn resolve(&mut self, database: Option<&str>) -> Result<String, Failure>;

    /// Starts a statement: in the open transaction, or in one of its own.
    fn run(&mut self, text: &str, parameters: Map, options: &RunOptions) -> Result<Box<dyn Records>, Failure>;

    /// Opens a transaction.
    fn begin(&mut self, options: &RunOptions) -> Result<(), Failure>;

    /// Commits the open transaction and gives its bookmark. The transaction is over even if that fails.
    fn commit(&mut self) -> Result<Option<String>, Failure>;

    /// Rolls the open transaction back; without one there is nothing to do.
    fn rollback(&mut self) -> Result<(), Failure>;

    /// Ends what is open and forgets an interrupt.
    fn reset(&mut self);

    /// Gives what interrupts this session's statement, from any thread, for as long as it lives.
    fn interrupter(&self) -> Interrupter;
}

/// Interrupts a session's statement. The interrupt holds until the session is reset.
pub type Interrupter = Arc<dyn Fn() + Send + Sync>;

/// The records of a statement that was started.
pub trait Records: Send {
    /// Names the columns.
    fn columns(&self) -> &[CompactString];

    /// Appends at most `rows_max` rows to `fetched` and tells whether more may come.
    ///
    /// Once none come, an auto-commit statement has committed.
    fn pull(&mut self, rows_max: usize, fetched: &mut Fetched) -> Result<More, Failure>;

    /// Tells what the statement did, once no more records come.
    fn summary(&mut self) -> Summary;
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
#[derive(Debug, Default)]
pub struct Fetched {
    values: Vec<Value>,
    rows: usize,
}

impl Fetched {
    /// Appends a row.
    pub fn push(&mut self, row: impl IntoIterator<Item = Value>) {
        self.values.extend(row);
        self.rows += 1;
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

/// What a statement changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each counts what its name says")]
pub struct Counters {
    pub nodes_created: u64,
    pub nodes_deleted: u64,
    pub relationships_created: u64,
    pub relationships_deleted: u64,
    pub properties_set: u64,
    pub labels_added: u64,
    pub labels_removed: u64,
    pub indexes_added: u64,
    pub indexes_removed: u64,
    pub constraints_added: u64,
    pub constraints_removed: u64,
    pub system_updates: u64,
}

impl Counters {
    /// Tells whether data or schema changed.
    #[must_use]
    pub fn contains_updates(&self) -> bool {
        *self != Self { system_updates: self.system_updates, ..Self::default() }
    }
}

/// One operator of a plan, with those that feed it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Its name.
    pub operator: String,
    /// What is known of it: `Details`, `EstimatedRows`, ...
    pub arguments: Map,
    /// The variables that it passes on.
    pub identifiers: Vec<String>,
    /// What it did, for `PROFILE`.
    pub profile: Option<Profile>,
    /// Its sources.
    pub children: Vec<Plan>,
}

/// What an operator did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Rows that it passed on.
    pub rows: u64,
    /// Reads of the store.
    pub db_hits: u64,
    /// Nanoseconds that it took.
    pub time_nanos: u64,
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
