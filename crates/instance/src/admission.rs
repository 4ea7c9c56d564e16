//! Room to start: how many statements run at a time, and how long the next one waits.
//! Leaves who computes how much to `turns`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use rustc_hash::FxHashMap;
use types::{Code, DatabaseId};

/// Lets a bounded number of statements run at a time; the others wait in line, in order, for a bounded time.
///
/// No database fills the server: it gets a place while it has no more than [`SHARE`] times the places that would be free
/// behind it (the dynamic thresholds of Choudhury and Hahne, 1998), so that the last ones are for those who have none.
/// Commands get some places beyond, to see and end what fills the others.
#[derive(Clone)]
pub struct Admission {
    inner: Arc<Inner>,
    /// For whom a place is taken; nobody for commands.
    whose: Option<DatabaseId>,
}

struct Inner {
    running_max: usize,
    waiting_max: usize,
    wait_max: Duration,
    line: Mutex<Line>,
    moved: Condvar,
}

/// Who runs and who waits. Tickets keep the order: a late comer overtakes only those who may not run yet.
#[derive(Default)]
struct Line {
    running: usize,
    waiting: VecDeque<(u64, Option<DatabaseId>)>,
    next_ticket: u64,
    /// How many statements of each database run.
    of: FxHashMap<DatabaseId, usize>,
}

/// How many times the places that are free behind it a database may have.
const SHARE: usize = 7;
/// Places for commands, running and in line, beyond those for all.
const COMMANDS_MAX: usize = 4;
/// How often one that waits asks whether it still may.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Tells how much longer one may wait; nothing once it may not, because it was ended.
pub(crate) type Patience<'a> = &'a dyn Fn() -> Option<Duration>;

/// A place among the running statements, given back when it is dropped.
pub struct Permit {
    admission: Admission,
    is_held: bool,
}

/// Why a statement was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// The line is full; try again later.
    #[error(
        "{running_max} statements run and {waiting_max} wait, which is the most that the server takes: see the settings running_max and waiting_max"
    )]
    LineFull {
        /// Most statements that run at a time.
        running_max: usize,
        /// Most statements that wait.
        waiting_max: usize,
    },
    /// Nothing ended in time; try again later.
    #[error(
        "no statement ended within {wait_max:?}, and {running_max} is the most that run at a time: see the settings running_max and waiting_time_max"
    )]
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
    /// Makes room for `running_max` statements, with a line of `waiting_max` that waits `wait_max` at most; for commands
    /// until [`Admission::of`] says for whom.
    #[must_use]
    pub fn new(running_max: usize, waiting_max: usize, wait_max: Duration) -> Self {
        let (line, moved) = (Mutex::default(), Condvar::new());
        Self { inner: Arc::new(Inner { running_max, waiting_max, wait_max, line, moved }), whose: None }
    }

    /// Gives the same room for the statements of one database.
    #[must_use]
    pub(crate) fn of(&self, database: DatabaseId) -> Self {
        Self { inner: Arc::clone(&self.inner), whose: Some(database) }
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
        let mut line = self.inner.line.lock();
        let is_free = self.inner.has_room(&line, self.whose) && self.inner.first(&line).is_none();
        is_free.then(|| self.take(&mut line))
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
        let inner = &self.inner;
        let mut line = inner.line.lock();
        if !inner.may_wait(&line, self.whose) {
            let (running_max, waiting_max) = (inner.running_max, inner.waiting_max);
            return Err(AdmissionError::LineFull { running_max, waiting_max });
        }
        let ticket = line.next_ticket;
        line.next_ticket += 1;
        line.waiting.push_back((ticket, self.whose));
        let waited = inner.wait(&mut line, ticket, patience);
        line.waiting.retain(|(waiting, _)| *waiting != ticket);
        let permit = waited.map(|()| self.take(&mut line));
        drop(line);
        // Whoever stands behind this one may be first now.
        inner.moved.notify_all();
        permit
    }

    fn take(&self, line: &mut Line) -> Permit {
        line.running += 1;
        if let Some(database) = self.whose {
            *line.of.entry(database).or_insert(0) += 1;
        }
        Permit { admission: self.clone(), is_held: true }
    }

    /// Counts the statements that run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.inner.line.lock().running
    }
}

/// Tells whether one who has `own` of `max` places, of which `taken` are taken, may have another one.
fn may_take(own: usize, taken: usize, max: usize) -> bool {
    max.checked_sub(taken + 1).is_some_and(|left| own <= SHARE * left)
}

impl Inner {
    fn has_room(&self, line: &Line, whose: Option<DatabaseId>) -> bool {
        match whose {
            None => line.running < self.running_max + COMMANDS_MAX,
            Some(database) => may_take(line.of.get(&database).copied().unwrap_or(0), line.running, self.running_max),
        }
    }

    fn may_wait(&self, line: &Line, whose: Option<DatabaseId>) -> bool {
        if whose.is_none() {
            return line.waiting.len() < self.waiting_max + COMMANDS_MAX;
        }
        let own = line.waiting.iter().filter(|(_, waiting)| *waiting == whose).count();
        may_take(own, line.waiting.len(), self.waiting_max)
    }

    /// Gives the ticket whose turn it is.
    fn first(&self, line: &Line) -> Option<u64> {
        // Many of one database may stand in a row, and what holds for one holds for all.
        let mut refused = None;
        let mut may = |whose: Option<DatabaseId>| {
            let may = refused != Some(whose) && self.has_room(line, whose);
            if !may {
                refused = Some(whose);
            }
            may
        };
        line.waiting.iter().find(|(_, whose)| may(*whose)).map(|(ticket, _)| *ticket)
    }

    /// Waits until it is the turn of a ticket.
    fn wait(&self, line: &mut MutexGuard<'_, Line>, ticket: u64, patience: Patience<'_>) -> Result<(), AdmissionError> {
        let my_turn = |line: &Line| self.first(line) == Some(ticket);
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
    /// Leaves the place to others while this one waits for something else, then takes one again.
    ///
    /// # Errors
    ///
    /// As [`Admission::enter_while`], if there is no place afterwards.
    pub(crate) fn pause<T>(&mut self, patience: Patience<'_>, wait: impl FnOnce() -> T) -> Result<T, AdmissionError> {
        self.give_back();
        let waited = wait();
        let admission = self.admission.clone();
        *self = admission.enter_while(patience)?;
        Ok(waited)
    }

    fn give_back(&mut self) {
        if !std::mem::take(&mut self.is_held) {
            return;
        }
        let Admission { inner, whose } = &self.admission;
        let mut line = inner.line.lock();
        line.running -= 1;
        if let Some(database) = whose
            && let Some(running) = line.of.get_mut(database)
        {
            *running -= 1;
            if *running == 0 {
                line.of.remove(database);
            }
        }
        drop(line);
        inner.moved.notify_all();
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

    /// Room for the statements of one database.
    fn room(running_max: usize, waiting_max: usize, wait_max: Duration) -> Admission {
        Admission::new(running_max, waiting_max, wait_max).of(DatabaseId([1; 16]))
    }

    #[test]
    fn a_full_line_refuses_at_once() {
        let admission = room(1, 0, Duration::from_secs(60));
        let permit = admission.enter().expect("the first has room");
        let refused = admission.enter().err();
        assert_eq!(refused, Some(AdmissionError::LineFull { running_max: 1, waiting_max: 0 }));
        drop(permit);
        assert!(admission.enter().is_ok());
    }

    #[test]
    fn who_waits_elsewhere_holds_no_place() {
        let admission = room(1, 0, Duration::from_secs(60));
        let mut permit = admission.enter().expect("the first has room");
        let patience = || Some(Duration::MAX);
        permit.pause(&patience, || drop(admission.enter().expect("the place is free"))).expect("it is free again");
        assert_eq!(admission.running(), 1);
        drop(permit);
        assert_eq!(admission.running(), 0);
    }

    #[test]
    fn a_wait_ends_at_its_bound() {
        let admission = room(1, 1, Duration::from_millis(5));
        let _permit = admission.enter().expect("the first has room");
        assert!(matches!(admission.enter(), Err(AdmissionError::WaitedTooLong { .. })));
        assert_eq!(admission.running(), 1);
    }

    #[test]
    fn f51_a_wait_ends_when_its_statement_does() {
        let admission = room(1, 1, Duration::from_secs(60));
        let _permit = admission.enter().expect("the first has room");
        let looks = std::cell::Cell::new(0);
        let patience = || {
            looks.set(looks.get() + 1);
            (looks.get() < 3).then_some(Duration::from_millis(1))
        };
        assert_eq!(admission.enter_while(&patience).err(), Some(AdmissionError::Ended));
        assert!(admission.inner.line.lock().waiting.is_empty(), "it left the line");
    }

    #[test]
    fn who_waits_gets_the_place_that_is_given_back() {
        let admission = room(1, 16, Duration::from_secs(60));
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

    #[test]
    fn no_database_fills_the_server_and_commands_always_come_through() {
        let greedy = room(64, 16, Duration::from_millis(1));
        let held: Vec<Permit> = (0..64).map_while(|_| greedy.try_enter()).collect();
        assert_eq!(held.len(), 56);
        assert!(matches!(greedy.enter(), Err(AdmissionError::WaitedTooLong { .. })));
        let others: Vec<Permit> = (2..10).map_while(|number| greedy.of(DatabaseId([number; 16])).try_enter()).collect();
        assert_eq!(others.len(), 8, "each of eight others gets a place, down to the last one");
        let commands = Admission { whose: None, ..greedy.clone() };
        let kept: Vec<Permit> = (0..8).map_while(|_| commands.try_enter()).collect();
        assert_eq!(kept.len(), COMMANDS_MAX);
        drop((held, others, kept));
        assert_eq!((greedy.running(), greedy.inner.line.lock().of.len()), (0, 0));
    }

    #[test]
    fn who_may_not_run_yet_holds_up_nobody_of_another_database() {
        let greedy = room(2, 8, Duration::from_secs(60));
        let calm = greedy.of(DatabaseId([2; 16]));
        let permit = greedy.enter().expect("the first has room");
        std::thread::scope(|scope| {
            let next = scope.spawn(|| greedy.enter().expect("waits until its database has none"));
            while greedy.inner.line.lock().waiting.is_empty() {
                std::thread::yield_now();
            }
            drop(calm.try_enter().expect("the last place is for who has none"));
            drop(permit);
            drop(next.join().expect("no panic"));
        });
        assert_eq!(greedy.running(), 0);
    }
}
