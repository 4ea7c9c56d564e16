//! How many statements of one database run at a time; the others wait in line, for a bounded time.
//! Leaves what the bound is to the caller, who may change it at any time.
//! Start reading at [`Gate::enter`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use types::Clock;

use crate::admission::Patience;

/// How often one that waits looks whether it still may, or the bound was raised.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Counts who runs, and lines up who waits.
#[derive(Default)]
pub(crate) struct Gate {
    running: AtomicU64,
    running_peak: AtomicU64,
    waiting: AtomicU64,
    line: Mutex<Line>,
    moved: Condvar,
}

#[derive(Default)]
struct Line {
    tickets: VecDeque<u64>,
    next: u64,
}

/// How one waits.
pub(crate) struct Wait<'a> {
    pub(crate) clock: &'a dyn Clock,
    pub(crate) waiting_max: usize,
    pub(crate) until: Instant,
    pub(crate) patience: Patience<'a>,
}

/// Why nobody was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// Too many wait already.
    LineFull,
    /// Nobody left in time.
    TimeOver,
    /// The one who waited was interrupted, or his own time was over.
    Ended,
}

/// A place among those who run, given back when it is dropped.
pub(crate) struct Place(Arc<Gate>);

impl Gate {
    /// Takes a place if there is one at once; a bound of 0 is none.
    pub(crate) fn try_enter(self: &Arc<Self>, running_max: u64) -> Option<Place> {
        if running_max == 0 {
            let running = self.running.fetch_add(1, Ordering::AcqRel) + 1;
            self.note_peak(running);
            return Some(Place(Arc::clone(self)));
        }
        (self.waiting.load(Ordering::Acquire) == 0 && self.count_in(running_max)).then(|| Place(Arc::clone(self)))
    }

    /// Waits in line for a place.
    pub(crate) fn enter(self: &Arc<Self>, running_max: impl Fn() -> u64, wait: &Wait<'_>) -> Result<Place, Shut> {
        let mut line = self.line.lock();
        if line.tickets.len() >= wait.waiting_max {
            return Err(Shut::LineFull);
        }
        let ticket = line.next;
        line.next += 1;
        line.tickets.push_back(ticket);
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let outcome = loop {
            let is_first = line.tickets.front() == Some(&ticket);
            if is_first && self.count_in(running_max()) {
                break Ok(Place(Arc::clone(self)));
            }
            let Some(may) = (wait.patience)() else { break Err(Shut::Ended) };
            let now = wait.clock.now();
            if now >= wait.until {
                break Err(Shut::TimeOver);
            }
            self.moved.wait_for(&mut line, LOOK_EVERY.min(may).min(wait.until - now));
        };
        line.tickets.retain(|waiting| *waiting != ticket);
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        drop(line);
        // Whoever stands behind this one may be first now.
        self.moved.notify_all();
        outcome
    }

    fn count_in(&self, running_max: u64) -> bool {
        let room = |running: u64| (running_max == 0 || running < running_max).then_some(running + 1);
        match self.running.fetch_update(Ordering::AcqRel, Ordering::Acquire, room) {
            Ok(before) => {
                self.note_peak(before + 1);
                true
            }
            Err(_) => false,
        }
    }

    fn note_peak(&self, running: u64) {
        if self.running_peak.load(Ordering::Relaxed) < running {
            self.running_peak.fetch_max(running, Ordering::Relaxed);
        }
    }

    /// Counts who runs.
    pub(crate) fn running(&self) -> u64 {
        self.running.load(Ordering::Acquire)
    }

    /// Gives the most that ran at a time.
    pub(crate) fn running_peak(&self) -> u64 {
        self.running_peak.load(Ordering::Relaxed)
    }

    /// Counts who waits.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Acquire)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
        if self.0.waiting.load(Ordering::Acquire) > 0 {
            // Under the lock, so that it cannot fall between somebody's look and his sleep.
            let _line = self.0.line.lock();
            self.0.moved.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use types::SystemClock;

    use super::*;

    const CALM: Patience<'static> = &|| Some(Duration::MAX);

    fn wait(patience: Patience<'_>, millis: u64, waiting_max: usize) -> Wait<'_> {
        let until = SystemClock.now() + Duration::from_millis(millis);
        Wait { clock: &SystemClock, waiting_max, until, patience }
    }

    #[test]
    fn f53_the_line_is_bounded_in_length_and_time() {
        let gate = Arc::new(Gate::default());
        let place = gate.try_enter(1).expect("nobody is there");
        assert!(gate.try_enter(1).is_none());
        assert_eq!(gate.enter(|| 1, &wait(CALM, 5_000, 0)).err(), Some(Shut::LineFull));
        assert_eq!(gate.enter(|| 1, &wait(CALM, 5, 1)).err(), Some(Shut::TimeOver));
        let over = SystemClock.now() + Duration::from_millis(5);
        let patience = || over.checked_duration_since(SystemClock.now());
        assert_eq!(gate.enter(|| 1, &wait(&patience, 60_000, 1)).err(), Some(Shut::Ended));
        assert!(gate.enter(|| 2, &wait(CALM, 5_000, 1)).is_ok(), "a bound that was raised lets the first in");
        drop(place);
        assert_eq!((gate.running(), gate.running_peak(), gate.waiting()), (0, 2, 0));
    }

    #[test]
    fn f53_never_more_than_the_bound_and_nobody_is_forgotten() {
        let gate = Arc::new(Gate::default());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let place = gate.try_enter(2);
                        let _place =
                            place.map_or_else(|| gate.enter(|| 2, &wait(CALM, 60_000, 64)), Ok).expect("in time");
                        assert!(gate.running() <= 2);
                    }
                });
            }
        });
        assert_eq!((gate.running(), gate.waiting()), (0, 0));
    }
}
