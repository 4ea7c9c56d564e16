//! What is counted while the server runs: of each database, and of the server as a whole.
//! Leaves how it is shown to `usage` and to the Prometheus text in [`text`].
//! Start reading at [`Counts`].

mod histogram;
mod rates;
pub(crate) mod text;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use catalog::Limit;
use catalog::limits::LIMITS;
use types::{Code, SetBy};

pub(crate) use histogram::Histogram;
pub(crate) use rates::Rates;

/// Whose limits refuse: the words of [`SetBy::word`].
pub(crate) const SOURCES: [&str; 3] = ["database", "role", "server"];

/// What became of the statements of one database.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) statements: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) rows: AtomicU64,
    pub(crate) queries: Rates,
    pub(crate) writes: Rates,
    pub(crate) times: Histogram,
    waited_micros: AtomicU64,
    /// By whose limit it was, in the order of [`SOURCES`].
    refused: [[AtomicU64; LIMITS]; SOURCES.len()],
}

/// What became of all statements and logins of the server.
pub(crate) struct Metrics {
    failures: Vec<AtomicU64>,
    pub(crate) logins: AtomicU64,
    pub(crate) logins_refused: AtomicU64,
    pub(crate) sessions: AtomicU64,
    pub(crate) transactions: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) rollbacks: AtomicU64,
    pub(crate) plans_found: AtomicU64,
    pub(crate) plans_made: AtomicU64,
}

impl Counts {
    /// Counts a statement that was refused by a limit, and by whose.
    pub(crate) fn refused(&self, limit: Limit, set_by: &SetBy) {
        let source = SOURCES.iter().position(|word| *word == set_by.word()).unwrap_or_default();
        self.refused[source][limit as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the refusals by one limit, whosever it was.
    pub(crate) fn refusals(&self, limit: Limit) -> u64 {
        self.refusals_by_source(limit).iter().sum()
    }

    /// Counts the refusals by one limit for each of [`SOURCES`].
    pub(crate) fn refusals_by_source(&self, limit: Limit) -> [u64; SOURCES.len()] {
        self.refused.each_ref().map(|of| of[limit as usize].load(Ordering::Relaxed))
    }

    /// Counts a wait in line.
    pub(crate) fn waited(&self, time: Duration) {
        self.waited_micros.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Gives the time that statements waited in line, together.
    pub(crate) fn waited_time(&self) -> Duration {
        Duration::from_micros(self.waited_micros.load(Ordering::Relaxed))
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            failures: Code::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            logins: AtomicU64::new(0),
            logins_refused: AtomicU64::new(0),
            sessions: AtomicU64::new(0),
            transactions: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            rollbacks: AtomicU64::new(0),
            plans_found: AtomicU64::new(0),
            plans_made: AtomicU64::new(0),
        }
    }
}

impl Metrics {
    /// Counts a failure that a client was told.
    pub(crate) fn failed(&self, code: Code) {
        self.failures[code as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Gives the codes that clients were told, with how often.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (Code, u64)> {
        let counts = self.failures.iter().map(|count| count.load(Ordering::Relaxed));
        Code::ALL.iter().copied().zip(counts).filter(|(_, count)| *count > 0)
    }
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
