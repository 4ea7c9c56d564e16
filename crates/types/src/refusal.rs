//! What a limit refused: which one, how much of it is used, and when to try again.

use std::fmt;
use std::time::Duration;

/// Tells of a limit that was in the way; faces show it beside the failure's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The limit as it is set: `max_nodes`.
    pub limit: &'static str,
    /// The database that it bounds; empty for a limit of the server.
    pub database: String,
    /// Its value.
    pub max: u64,
    /// What is used of it, in the same unit.
    pub used: u64,
    /// What was wanted on top of that, as far as it came, where that is known.
    pub wanted: Option<u64>,
    /// When the same may succeed, where waiting helps.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, database, max, used, wanted, retry_after } = self;
        write!(f, "The limit {limit}")?;
        if !database.is_empty() {
            write!(f, " of database '{database}'")?;
        }
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
