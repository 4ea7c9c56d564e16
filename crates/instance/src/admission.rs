//! Room to start: how many statements run at a time, and how long the next one waits.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use types::Code;

/// Lets a bounded number of statements run at a time; the others wait in line, in order, for a bounded time.
#[derive(Clone)]
pub struct Admission(Arc<Inner>);

struct Inner {
    running_max: usize,
    waiting_max: usize,
    wait_max: Duration,
    line: Mutex<Line>,
    moved: Condvar,
}

/// Who runs and who waits. Tickets keep the order: a late comer never overtakes.
#[derive(Default)]
struct Line {
    running: usize,
    waiting: std::collections::VecDeque<u64>,
    next_ticket: u64,
}

/// How often one that waits asks whether it still may.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Tells how much longer one may wait; nothing once it may not, because it was ended.
pub(crate) type Patience<'a> = &'a dyn Fn() -> Option<Duration>;

/// A place among the running statements, given back when it is dropped.
pub struct Permit {
    inner: Arc<Inner>,
    is_held: bool,
}

/// Why a statement was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// The line is full; try again later.
    #[error("{running_max} statements run and {waiting_max} wait, which is the most that the server takes")]
    LineFull {
        /// Most statements that run at a time.
        running_max: usize,
        /// Most statements that wait.
        waiting_max: usize,
    },
    /// Nothing ended in time; try again later.
    #[error("no statement ended within {wait_max:?}, and {running_max} is the most that run at a time")]
    WaitedTooLong {
        /// Most statements that run at a time.
        running_max: usize,
        /// How long a statement waits.
        wait_max: Duration,
    },
    /// Its client gave it up, or its own time was over.
    #[error("the statement was ended while it waited to run")]
    Ended,
}

impl AdmissionError {
    /// Gives the code that a client sees.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::LineFull { .. } | Self::WaitedTooLong { .. } => Code::TooManyTransactions,
            Self::Ended => Code::TransactionTerminated,
        }
    }
}

impl Admission {
    /// Makes room for `running_max` statements, with a line of `waiting_max` that waits `wait_max` at most.
    #[must_use]
    pub fn new(running_max: usize, waiting_max: usize, wait_max: Duration) -> Self {
        let (line, moved) = (Mutex::default(), Condvar::new());
        Self(Arc::new(Inner { running_max, waiting_max, wait_max, line, moved }))
    }

    /// Takes a place, or waits for one in line.
    ///
    /// # Errors
    ///
    /// [`AdmissionError::LineFull`] at once, [`AdmissionError::WaitedTooLong`] after the wait.
    pub fn enter(&self) -> Result<Permit, AdmissionError> {
        self.enter_while(&|| Some(Duration::MAX))
    }

    /// Takes a place if there is one now and nobody waits for it.
    pub(crate) fn try_enter(&self) -> Option<Permit> {
        let inner = &self.0;
        let mut line = inner.line.lock();
        let has_room = line.running < inner.running_max && line.waiting.is_empty();
        has_room.then(|| {
            line.running += 1;
            Permit::new(inner)
        })
    }

    /// As [`Admission::enter`], for one who may have to go before the wait is over.
    ///
    /// # Errors
    ///
    /// [`AdmissionError::Ended`] too.
    pub(crate) fn enter_while(&self, patience: Patience<'_>) -> Result<Permit, AdmissionError> {
        if let Some(permit) = self.try_enter() {
            return Ok(permit);
        }
        let inner = &self.0;
        let mut line = inner.line.lock();
        if line.waiting.len() >= inner.waiting_max {
            let (running_max, waiting_max) = (inner.running_max, inner.waiting_max);
            return Err(AdmissionError::LineFull { running_max, waiting_max });
        }
        let ticket = line.next_ticket;
        line.next_ticket += 1;
        line.waiting.push_back(ticket);
        let waited = inner.wait(&mut line, ticket, patience);
        line.waiting.retain(|waiting| *waiting != ticket);
        line.running += usize::from(waited.is_ok());
        drop(line);
        // Whoever stands behind this one may be first now.
        inner.moved.notify_all();
        waited.map(|()| Permit::new(inner))
    }

    /// Counts the statements that run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.line.lock().running
    }
}

impl Inner {
    /// Waits until it is the turn of a ticket.
    fn wait(&self, line: &mut MutexGuard<'_, Line>, ticket: u64, patience: Patience<'_>) -> Result<(), AdmissionError> {
        let my_turn = |line: &Line| line.running < self.running_max && line.waiting.front() == Some(&ticket);
        let mut left = self.wait_max;
        loop {
            let may = patience().ok_or(AdmissionError::Ended)?;
            let part = left.min(LOOK_EVERY).min(may);
            let waited = self.moved.wait_while_for(line, |line| !my_turn(line), part);
            if !waited.timed_out() || my_turn(line) {
                return Ok(());
            }
            left -= part;
            if left.is_zero() {
                return Err(AdmissionError::WaitedTooLong { running_max: self.running_max, wait_max: self.wait_max });
            }
        }
    }
}

impl Permit {
    fn new(inner: &Arc<Inner>) -> Self {
        Self { inner: Arc::clone(inner), is_held: true }
    }

    /// Leaves the place to others while this one waits for something else, then takes one again.
    ///
    /// # Errors
    ///
    /// As [`Admission::enter_while`], if there is no place afterwards.
    pub(crate) fn pause<T>(&mut self, patience: Patience<'_>, wait: impl FnOnce() -> T) -> Result<T, AdmissionError> {
        self.give_back();
        let waited = wait();
        *self = Admission(Arc::clone(&self.inner)).enter_while(patience)?;
        Ok(waited)
    }

    fn give_back(&mut self) {
        if std::mem::take(&mut self.is_held) {
            self.inner.line.lock().running -= 1;
            self.inner.moved.notify_all();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_full_line_refuses_at_once() {
        let admission = Admission::new(1, 0, Duration::from_secs(60));
        let permit = admission.enter().expect("the first has room");
        let refused = admission.enter().err();
        assert_eq!(refused, Some(AdmissionError::LineFull { running_max: 1, waiting_max: 0 }));
        drop(permit);
        assert!(admission.enter().is_ok());
    }

    #[test]
    fn who_waits_elsewhere_holds_no_place() {
        let admission = Admission::new(1, 0, Duration::from_secs(60));
        let mut permit = admission.enter().expect("the first has room");
        let patience = || Some(Duration::MAX);
        permit.pause(&patience, || drop(admission.enter().expect("the place is free"))).expect("it is free again");
        assert_eq!(admission.running(), 1);
        drop(permit);
        assert_eq!(admission.running(), 0);
    }

    #[test]
    fn a_wait_ends_at_its_bound() {
        let admission = Admission::new(1, 1, Duration::from_millis(5));
        let _permit = admission.enter().expect("the first has room");
        assert!(matches!(admission.enter(), Err(AdmissionError::WaitedTooLong { .. })));
        assert_eq!(admission.running(), 1);
    }

    #[test]
    fn f51_a_wait_ends_when_its_statement_does() {
        let admission = Admission::new(1, 1, Duration::from_secs(60));
        let _permit = admission.enter().expect("the first has room");
        let looks = std::cell::Cell::new(0);
        let patience = || {
            looks.set(looks.get() + 1);
            (looks.get() < 3).then_some(Duration::from_millis(1))
        };
        assert_eq!(admission.enter_while(&patience).err(), Some(AdmissionError::Ended));
        assert!(admission.0.line.lock().waiting.is_empty(), "it left the line");
    }

    #[test]
    fn who_waits_gets_the_place_that_is_given_back() {
        let admission = Admission::new(1, 8, Duration::from_secs(60));
        let permit = admission.enter().expect("the first has room");
        let (done, finished) = mpsc::channel();
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (admission, done) = (admission.clone(), done.clone());
                scope.spawn(move || {
                    let permit = admission.enter().expect("the wait is long enough");
                    assert_eq!(admission.running(), 1);
                    drop(permit);
                    done.send(number).expect("the test listens");
                });
            }
            drop(permit);
        });
        assert_eq!(finished.try_iter().count(), 8);
        assert_eq!(admission.running(), 0);
    }
}
