//! What a limit refused: which one, how much of it is used, and when to try again.

use std::fmt;
use std::time::Duration;

use compact_str::CompactString;

/// Tells of a limit that was in the way; faces show it beside the failure's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The limit as it is set: `max_nodes`.
    pub limit: &'static str,
    /// The database that it bounds; empty for a bound of the server as a whole.
    pub database: String,
    /// Whose limit it is.
    pub set_by: SetBy,
    /// Its value.
    pub max: u64,
    /// What is used of it, in the same unit.
    pub used: u64,
    /// What was wanted on top of that, as far as it came, where that is known.
    pub wanted: Option<u64>,
    /// When the same may succeed, where waiting helps.
    pub retry_after: Option<Duration>,
}

/// Whose limit it is: who changes it has to know where it was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetBy {
    /// It was set on the database.
    Database,
    /// The role of that name has it.
    Role(CompactString),
    /// It is a setting of the server.
    Server,
}

impl SetBy {
    /// Gives the word for it: `database`, `role` or `server`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Role(_) => "role",
            Self::Server => "server",
        }
    }

    /// Names the role.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        match self {
            Self::Role(role) => Some(role),
            Self::Database | Self::Server => None,
        }
    }

    /// Says whose limit it is that bounds a database, to be put behind the limit's name.
    #[must_use]
    pub fn of(&self, database: &str) -> String {
        match self {
            _ if database.is_empty() => String::new(),
            Self::Database => format!(" of database '{database}'"),
            Self::Role(role) => format!(" of role '{role}' for database '{database}'"),
            Self::Server => format!(" of the server for database '{database}'"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, database, set_by, max, used, wanted, retry_after } = self;
        write!(f, "The limit {limit}{}", set_by.of(database))?;
        match wanted {
            None => write!(f, " is {max}, and {used} are used.")?,
            Some(1) => write!(f, " is {max}, {used} are used, and 1 more is wanted.")?,
            Some(wanted) => write!(f, " is {max}, {used} are used, and {wanted} more are wanted.")?,
        }
        match retry_after {
            Some(time) => write!(f, " Retry after {:.3} seconds.", time.as_secs_f64()),
            None => Ok(()),
        }
    }
}
