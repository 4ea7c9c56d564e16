//! How a limit that is in the way is said.

use std::sync::Arc;
use std::time::Duration;

use catalog::Limit;
use types::{Code, Failure, Refusal};

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
    pub(super) fn failure(self, database: &str) -> Failure {
        let refusal = |limit: Limit, max, used, retry_after| Refusal {
            limit: limit.about().name,
            database: database.to_owned(),
            max,
            used,
            wanted: None,
            retry_after,
        };
        match self {
            Self::Rate { limit, max, used, retry_after } => {
                Failure::refused(Code::RateLimited, refusal(limit, max, used, Some(retry_after)))
            }
            Self::Concurrency { shut: Shut::Interrupted, .. } => {
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

/// Says that a statement took longer than it may.
pub(crate) fn time_refused(database: &str, max: Duration, taken: Duration) -> Failure {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let limit = Limit::MaxQueryTime;
    let (max, used) = (millis(max), millis(taken));
    let text = format!(
        "The transaction has been terminated. The limit {limit} of database '{database}' is {}, and the statement has \
         run for {used} ms; narrow what it matches, or raise the limit.",
        limit.show(max),
    );
    let (limit, database) = (limit.about().name, database.to_owned());
    let refusal = Refusal { limit, database, max, used, wanted: None, retry_after: None };
    Failure::new(Code::TransactionTimedOut, text).because_of(refusal)
}

/// Says that a statement gives more rows than it may.
pub(crate) fn results_refused(database: &str, max: u64) -> Failure {
    let limit = Limit::MaxResults;
    let text = format!(
        "The limit {limit} of database '{database}' is {max}, {max} are used, and the statement gives more rows; narrow \
         what it returns, or set max_results_policy = truncate."
    );
    let used = max;
    let (limit, database) = (limit.about().name, database.to_owned());
    let refusal = Refusal { limit, database, max, used, wanted: Some(1), retry_after: None };
    Failure::new(Code::ResultsLimit, text).because_of(refusal)
}
