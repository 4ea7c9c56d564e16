//! How a limit that is in the way is said.

use std::sync::Arc;
use std::time::Duration;

use catalog::Limit;
use compact_str::CompactString;
use types::{Code, Failure, Refusal, SetBy};

use super::gate::{Gate, Shut};
use crate::error::RETRY_SOON;

/// What was in the way.
pub(crate) enum RefusedBy<'a> {
    /// Statements or writes come too fast.
    Rate { limit: Limit, max: u64, used: u64, retry_after: Duration },
    /// Too many statements run.
    Concurrency { shut: Shut, max: u64, gate: &'a Arc<Gate> },
    /// Too many sessions use the database, or too many of one user do.
    Connections { limit: Limit, max: u64, used: u64 },
}

impl RefusedBy<'_> {
    /// Says it.
    pub(super) fn failure(self, database: &str, set_by: impl Fn(Limit) -> SetBy) -> Failure {
        let refusal = |limit: Limit, max, used, retry_after| Refusal {
            limit: limit.about().name,
            database: database.to_owned(),
            set_by: set_by(limit),
            max,
            used,
            wanted: None,
            retry_after,
        };
        match self {
            Self::Rate { limit, max, used, retry_after } => {
                Failure::refused(Code::RateLimited, refusal(limit, max, used, Some(retry_after)))
            }
            Self::Concurrency { shut: Shut::Ended, .. } => {
                Failure::new(Code::TransactionTerminated, "Explicitly terminated by the user.")
            }
            Self::Concurrency { max, gate, .. } => {
                let refusal = refusal(Limit::MaxConcurrentQueries, max, gate.running(), Some(RETRY_SOON));
                Failure::refused(Code::TooManyTransactions, refusal)
            }
            Self::Connections { limit, max, used } => {
                Failure::refused(Code::TooManyConnections, refusal(limit, max, used, Some(RETRY_SOON)))
            }
        }
    }
}

/// What one database bounds a statement by.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) max: u64,
    /// The database, as whoever runs the statement knows it.
    pub(crate) database: CompactString,
    pub(crate) set_by: SetBy,
}

impl Bound {
    /// Names a limit and whose it is.
    pub(crate) fn named(&self, limit: Limit) -> String {
        format!("limit {limit}{}", self.set_by.of(&self.database))
    }

    /// Says that a statement took longer than it may.
    pub(crate) fn time_refused(&self, taken: Duration) -> Failure {
        let limit = Limit::MaxQueryTime;
        let used = u64::try_from(taken.as_millis()).unwrap_or(u64::MAX);
        let text = format!(
            "The transaction has been terminated. The {} is {}, and the statement has run for {used} ms; narrow what it \
             matches, or raise the limit.",
            self.named(limit),
            limit.show(self.max),
        );
        Failure::new(Code::TransactionTimedOut, text).because_of(self.refusal(limit, used, None))
    }

    /// Says that a statement gives more rows than it may.
    pub(crate) fn results_refused(&self) -> Failure {
        let (limit, max) = (Limit::MaxResults, self.max);
        let text = format!(
            "The {} is {max}, {max} are used, and the statement gives more rows; narrow what it returns, or set \
             max_results_policy = truncate.",
            self.named(limit),
        );
        Failure::new(Code::ResultsLimit, text).because_of(self.refusal(limit, max, Some(1)))
    }

    /// Says that a statement holds more memory than it may; `text` tells what it wanted.
    pub(crate) fn memory_refused(&self, text: &str) -> Failure {
        let limit = Limit::MaxQueryMemory;
        let text = format!("{text} The limit is {limit}{}.", self.set_by.of(&self.database));
        Failure::new(Code::MemoryLimit, text).because_of(self.refusal(limit, self.max, None))
    }

    fn refusal(&self, limit: Limit, used: u64, wanted: Option<u64>) -> Refusal {
        Refusal {
            limit: limit.about().name,
            database: self.database.to_string(),
            set_by: self.set_by.clone(),
            max: self.max,
            used,
            wanted,
            retry_after: None,
        }
    }
}
