//! One explicit transaction at a time changes the schema of a database; the others wait for it to end.
//!
//! Tools make dozens of indexes at once, each in a transaction of its own. Without turns all but one of them would fail
//! at their commits, and their drivers would wait a second and more before each new attempt.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use types::Failure;

/// How often one that waits looks whether it was interrupted.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How often it looks before it goes on without a turn: whoever has it may wait for a person.
const LOOKS_MAX: usize = 500;

/// Whose turn it is.
#[derive(Default)]
pub(crate) struct SchemaTurn {
    is_taken: Mutex<bool>,
    given_back: Condvar,
}

/// A turn; given back when it is dropped.
pub(crate) struct HeldTurn(Arc<SchemaTurn>);

impl SchemaTurn {
    /// Waits for a turn; nothing where it takes too long, and the commit tells then who was first.
    pub(crate) fn take(self: &Arc<Self>, check: impl Fn() -> Result<(), Failure>) -> Result<Option<HeldTurn>, Failure> {
        let mut is_taken = self.is_taken.lock();
        for _ in 0..LOOKS_MAX {
            if !*is_taken {
                *is_taken = true;
                return Ok(Some(HeldTurn(Arc::clone(self))));
            }
            self.given_back.wait_for(&mut is_taken, LOOK_EVERY);
            check()?;
        }
        Ok(None)
    }
}

impl Drop for HeldTurn {
    fn drop(&mut self) {
        *self.0.is_taken.lock() = false;
        self.0.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use types::Code;

    use super::*;

    #[test]
    fn a_turn_is_waited_for_and_given_back() {
        let turn = Arc::new(SchemaTurn::default());
        let held = turn.take(|| Ok(())).expect("nobody interrupts");
        assert!(held.is_some());
        let interrupted = turn.take(|| Err(Failure::new(Code::TransactionTerminated, "stop")));
        assert!(interrupted.is_err(), "who waits can be interrupted");
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| turn.take(|| Ok(())).map(|held| held.is_some()));
            drop(held);
            assert_eq!(waits.join().expect("no panic").ok(), Some(true));
        });
    }
}
