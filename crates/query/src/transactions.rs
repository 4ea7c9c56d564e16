//! The way to transactions inside a statement: `CALL { } IN TRANSACTIONS` commits batch by batch.
//! Leaves what a transaction is to whoever implements [`Transactions`].
//! Start reading at [`Transactions::run`].

use std::time::Duration;

use compact_str::CompactString;
use types::Failure;

use crate::expression::Context;

/// Work on a batch of rows; it may be done more than once, of which only the last time counts.
pub type BatchWork<'a> = &'a mut dyn FnMut(&mut Context<'_>) -> Result<(), Failure>;

/// Transactions inside a statement that runs alone.
pub trait Transactions: Send + Sync {
    /// Does work in a transaction of its own and commits it, again where another transaction came first.
    ///
    /// While it works, the written source of the context is that transaction; afterwards it is the latest version.
    /// With `retry` a failure that may pass by itself is met by trying again, for so long or as long as seems fit.
    fn run(&self, context: &mut Context<'_>, retry: Option<Retry>, work: BatchWork<'_>) -> Ran;

    /// Is told of a failure after which the statement goes on with other batches; gives it as its client is to be told.
    fn passed_over(&self, failure: Failure) -> Failure;

    /// Makes the written source of the context one that the rest of the statement can write to.
    fn end(&self, context: &mut Context<'_>) -> Result<(), Failure>;
}

/// How long a failed transaction is tried again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    /// So long; `None` leaves it to whoever runs it.
    pub time_max: Option<Duration>,
}

/// What became of a batch.
#[derive(Debug)]
pub struct Ran {
    /// The name of its transaction, the last one where it was tried again.
    pub id: CompactString,
    /// Whether it is committed, or why it is not: then nothing of it is left.
    pub outcome: Result<(), Failure>,
}
