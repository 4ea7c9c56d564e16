//! Turns at computing: where several databases are busy, the long statements of one leave cores to the others.
//! Leaves how many statements there may be at all to `admission`.
//! Start reading at [`Turn::look`].

mod line;
mod shares;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use compact_str::CompactString;
use line::Line;
use parking_lot::Mutex;
use shares::{Beginning, Share, Shares};
use types::{Clock, DatabaseId, Failure, effort};

use crate::memory::{Loan, Memory};
use crate::priority;
use crate::under_way::Entry;

/// How long a statement computes before it is a long one. Shorter ones never wait in line.
const SHORT_MAX: Duration = Duration::from_micros(150);
/// How long a turn lasts while others wait for theirs.
const TURN_TIME: Duration = Duration::from_millis(1);
/// How often one that waits looks whether it was interrupted.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long one waits. Then it goes on without a turn: who has it may wait for what this one holds.
const WAIT_MAX: Duration = Duration::from_millis(250);

/// Who computes for long, and who waits for it: start-time fair queueing (Goyal, Vin and Cheng, 1996) over databases.
///
/// While statements of one database only run, nobody waits: the system's scheduler shares the cores among them. Once
/// another database is asked too, long statements hold a turn to go on, of which there is one less than cores; who
/// has computed least gets the next one. So a core is left for short statements, whatever a neighbour does. And the
/// threads of a database that lately computed more than its share step back: the system's scheduler runs those of the
/// others first, and one core is theirs alone.
pub(crate) struct Turns {
    clock: Arc<dyn Clock>,
    shares: Shares,
    line: Mutex<Line>,
    /// Statements in line: then those that have a turn give it back, whoever else is asked.
    waiting: AtomicUsize,
    /// What statements hold together.
    memory: Arc<Memory>,
}

/// A statement's part in it; given back when it is dropped.
pub(crate) struct Turn {
    turns: Arc<Turns>,
    /// The database that what it holds is counted to.
    database: DatabaseId,
    share: Arc<Share>,
    interrupted: Arc<AtomicBool>,
    /// When the statement ends at the latest.
    deadline: Option<Instant>,
    state: Mutex<Computing>,
    spent: Spent,
    /// How its transaction is listed, which keeps what was spent.
    listed: Option<Arc<Entry>>,
}

/// What a statement has spent so far, for those who look at it from elsewhere.
#[derive(Default)]
struct Spent {
    computed_nanos: AtomicU64,
    waited_nanos: AtomicU64,
    held_bytes: AtomicUsize,
    held_bytes_max: AtomicUsize,
}

/// What a statement has spent at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spending {
    /// Time in which it computed.
    pub(crate) computed: Duration,
    /// Time in which it waited for its turn.
    pub(crate) waited: Duration,
    /// Bytes that its operators hold, and the most that they ever held.
    pub(crate) held_bytes: usize,
    pub(crate) held_bytes_max: usize,
}

/// Since when it computes without being counted, whether it goes on, and whether it holds a turn.
struct Computing {
    since: Instant,
    runs: bool,
    holds: bool,
    /// What it computed before that, since it began or its client asked for more.
    before: Duration,
    /// What its thread had computed then, where that was asked: a thread that steps back waits for the core most of the time.
    thread: Option<Duration>,
}

impl Computing {
    /// Gives what was computed up to `now`, and begins to count anew.
    ///
    /// To ask for the time of a thread costs as much as a short statement, so only of those that look it is asked.
    fn count(&mut self, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.since);
        let thread = self.thread.map(|before| priority::computed().saturating_sub(before));
        self.since = now;
        thread.map_or(passed, |computed| computed.min(passed))
    }
}

impl Turns {
    /// Makes turns for a machine of `cores` cores.
    pub(crate) fn new(clock: Arc<dyn Clock>, cores: usize, memory: Arc<Memory>) -> Self {
        let line = Mutex::new(Line::new(cores.saturating_sub(1).max(1)));
        let shares = Shares::new(clock.now());
        priority::prepare();
        Self { clock, shares, line, waiting: AtomicUsize::new(0), memory }
    }

    /// Tells what one value may take.
    pub(crate) fn made_max_bytes(&self) -> usize {
        self.memory.made_max_bytes()
    }

    /// Tells what one statement is refused that may hold `max_bytes`, where all may hold less; nothing where they may not.
    pub(crate) fn refused_below(&self, max_bytes: usize) -> Option<Failure> {
        self.memory.is_below(max_bytes).then(|| self.memory.too_small())
    }

    /// Begins to count for a statement of `database`, which is called `name`.
    pub(crate) fn begin(
        self: &Arc<Self>,
        database: DatabaseId,
        name: &CompactString,
        interrupted: Arc<AtomicBool>,
    ) -> Turn {
        let now = self.clock.now();
        let state =
            Mutex::new(Computing { since: now, runs: false, holds: false, before: Duration::ZERO, thread: None });
        let (turns, share) = (Arc::clone(self), self.shares.of(name, now));
        Turn { turns, database, share, interrupted, deadline: None, state, spent: Spent::default(), listed: None }
    }

    /// Says what a database weighs, [`catalog::WEIGHT_USUAL`] without a weight; it holds at once.
    pub(crate) fn weigh(&self, database: &str, weight: Option<u32>) {
        self.shares.weigh(database, weight);
    }
}

impl Turn {
    /// Says when its statement ends at the latest.
    pub(crate) fn until(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self
    }

    /// Says how its transaction is listed.
    pub(crate) fn listed(mut self, listed: Option<Arc<Entry>>) -> Self {
        self.listed = listed;
        self
    }

    /// Makes a loan of bytes that were lent to the statement.
    pub(crate) fn loan(&self, bytes: usize) -> Loan {
        Loan::of(Arc::clone(&self.turns.memory), self.database, bytes)
    }

    /// Tells what was spent so far.
    pub(crate) fn spending(&self, now: Instant) -> Spending {
        // Who waits in line holds the state, and computes nothing.
        let since = self.state.try_lock().filter(|state| state.runs).map(|state| state.since);
        let lately = since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let spent = self.spent.now();
        Spending { computed: spent.computed + lately, ..spent }
    }

    /// Begins a stretch of computing; gives the time when it began.
    pub(crate) fn start(&self) -> Instant {
        let now = self.turns.clock.now();
        let mut state = self.state.lock();
        let runs = std::mem::replace(&mut state.runs, true);
        let beginning = if runs { Beginning::Free } else { self.turns.shares.enter(&self.share, now) };
        state.since = now;
        state.before = Duration::ZERO;
        state.thread = None;
        step(beginning != Beginning::Free);
        match beginning {
            Beginning::Free => {}
            Beginning::Behind => state.thread = Some(priority::computed()),
            Beginning::InLine => self.line_up(&mut state, now),
        }
        state.since
    }

    /// Goes on with a turn, or with none after a long wait, and is counted anew.
    fn line_up(&self, state: &mut Computing, now: Instant) {
        state.holds = self.take_or_wait();
        state.since = self.turns.clock.now();
        state.thread = Some(priority::computed());
        // Who waited for long may have less than its share by now.
        self.turns.shares.look_around(state.since);
        step(self.share.is_ahead());
        add(&self.spent.waited_nanos, state.since.saturating_duration_since(now));
    }

    /// Ends a stretch of computing: the statement waits for its client, or is at its end.
    pub(crate) fn rest(&self) {
        let mut state = self.state.lock();
        if !std::mem::take(&mut state.runs) {
            return;
        }
        let computed = self.settle(&mut state);
        self.share.leave(state.before + computed);
        // A thread that stepped back stays there until its next statement begins: its answers are no more urgent.
    }

    /// Gives a turn back and goes on: a commit waits for the disk, for other commits, and for readers who wait for turns.
    pub(crate) fn commits(&self) {
        let mut state = self.state.lock();
        if state.holds {
            let computed = self.settle(&mut state);
            state.thread = Some(priority::computed());
            state.before += computed;
        }
    }

    /// Counts what was computed since it was counted last, and gives back the turn, if there is one.
    fn settle(&self, state: &mut Computing) -> Duration {
        let computed = state.count(self.turns.clock.now());
        self.share.add(computed);
        add(&self.spent.computed_nanos, computed);
        if std::mem::take(&mut state.holds) {
            self.turns.line.lock().give_back(&self.share, computed);
        }
        computed
    }

    /// Lets others go first where it is their turn; called between two parts of a computation.
    pub(crate) fn look(&self) {
        let turns = &*self.turns;
        let is_contended = || turns.shares.is_shared() || turns.waiting.load(Ordering::Relaxed) > 0;
        if !is_contended() {
            return;
        }
        let mut state = self.state.lock();
        let now = turns.clock.now();
        let computed = now.saturating_duration_since(state.since);
        if computed < if state.holds { TURN_TIME } else { SHORT_MAX } {
            types::way::now();
            return;
        }
        turns.shares.look_around(now);
        if is_contended() {
            let computed = self.settle(&mut state);
            self.line_up(&mut state, now);
            types::way::now();
            state.before += computed;
        }
    }

    /// Takes a turn that is free, or waits for one; tells whether it has one.
    ///
    /// It has none where it took too long, or the statement was interrupted.
    fn take_or_wait(&self) -> bool {
        let mut line = self.turns.line.lock();
        if line.try_take(&self.share) {
            return true;
        }
        self.turns.waiting.fetch_add(1, Ordering::Relaxed);
        let seat = line.wait(&self.share);
        for _ in 0..WAIT_MAX.as_millis() / LOOK_EVERY.as_millis() {
            if !seat.is_called() && !self.interrupted.load(Ordering::Relaxed) {
                seat.wake.wait_for(&mut line, LOOK_EVERY);
            }
        }
        self.turns.waiting.fetch_sub(1, Ordering::Relaxed);
        let is_called = seat.is_called();
        if !is_called {
            line.give_up(&self.share, &seat);
        }
        is_called
    }
}

impl query::Pace for Turn {
    fn look(&self) {
        Self::look(self);
    }

    fn holds(&self, bytes: usize) {
        self.spent.held_bytes.store(bytes, Ordering::Relaxed);
        if bytes > self.spent.held_bytes_max.load(Ordering::Relaxed) {
            self.spent.held_bytes_max.store(bytes, Ordering::Relaxed);
        }
    }

    fn lend(&self, bytes: usize) -> Result<(), Failure> {
        self.turns.memory.lend_to(self.database, self.spent.held_bytes.load(Ordering::Relaxed), bytes)
    }

    fn take_back(&self, bytes: usize) {
        self.turns.memory.take_back(self.database, bytes);
    }

    fn lend_for_changes(&self, bytes: usize) -> Result<(), Failure> {
        match &self.listed {
            Some(listed) => listed.lend_for_changes(bytes, || self.loan(0)),
            None => Ok(()),
        }
    }
}

impl effort::Watch for Turn {
    fn may_go_on(&self) -> bool {
        Self::look(self);
        !self.interrupted.load(Ordering::Relaxed)
            && self.deadline.is_none_or(|deadline| self.turns.clock.now() < deadline)
    }
}

/// Has the scheduler run this thread behind those of others, or among them.
fn step(back: bool) {
    if back { priority::step_back() } else { priority::come_forward() }
}

fn add(nanos: &AtomicU64, time: Duration) {
    nanos.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

impl Spent {
    fn now(&self) -> Spending {
        let load = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Ordering::Relaxed));
        Spending {
            computed: load(&self.computed_nanos),
            waited: load(&self.waited_nanos),
            held_bytes: self.held_bytes.load(Ordering::Relaxed),
            held_bytes_max: self.held_bytes_max.load(Ordering::Relaxed),
        }
    }
}

impl Spending {
    /// Adds two up; what is held at most is the more of both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            computed: self.computed + other.computed,
            waited: self.waited + other.waited,
            held_bytes: self.held_bytes + other.held_bytes,
            held_bytes_max: self.held_bytes_max.max(other.held_bytes_max),
        }
    }

    /// Takes the time away that was spent before.
    pub(crate) fn since(self, before: Self) -> Self {
        let computed = self.computed.saturating_sub(before.computed);
        Self { computed, waited: self.waited.saturating_sub(before.waited), ..self }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.rest();
        if let Some(listed) = self.listed.take() {
            // It computes no more, so the time of asking plays no part.
            listed.computed(self.spent.now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use types::SystemClock;

    use super::*;

    fn turns() -> Arc<Turns> {
        Arc::new(Turns::new(Arc::new(SystemClock), 2, Arc::new(Memory::new(usize::MAX))))
    }

    fn begin(turns: &Arc<Turns>, database: &str) -> Turn {
        let turn = turns.begin(DatabaseId([1; 16]), &database.into(), Arc::default());
        turn.start();
        turn
    }

    fn compute(turn: &Turn) {
        let until = SystemClock.now() + TURN_TIME;
        while SystemClock.now() < until {
            std::hint::spin_loop();
        }
        turn.look();
    }

    #[test]
    fn alone_nobody_takes_turns() {
        let turns = turns();
        let (one, other) = (begin(&turns, "a"), begin(&turns, "a"));
        compute(&one);
        compute(&other);
        assert_eq!(turns.line.lock().taken, 0);
    }

    #[test]
    fn long_statements_of_several_databases_take_turns_by_what_they_computed() {
        let turns = turns();
        let (told, heard) = channel();
        let busy = begin(&turns, "busy");
        let calm = begin(&turns, "calm");
        compute(&busy);
        assert_eq!(turns.line.lock().taken, 1, "one core of two is left");
        std::thread::scope(|scope| {
            for (name, turn) in [("busy", begin(&turns, "busy")), ("calm", calm)] {
                let told = told.clone();
                scope.spawn(move || {
                    compute(&turn);
                    told.send(name).expect("the test listens");
                    turn.rest();
                });
                while turns.line.lock().waiting.iter().all(|waiting| waiting != name) {
                    std::thread::yield_now();
                }
            }
            assert!(heard.try_recv().is_err(), "both wait for the turn that is taken");
            busy.rest();
        });
        let order: Vec<_> = heard.try_iter().collect();
        assert_eq!(order, ["calm", "busy"]);
        assert_eq!(turns.line.lock().taken, 0);
    }

    #[test]
    fn one_that_is_interrupted_leaves_the_line() {
        let turns = turns();
        let holder = begin(&turns, "a");
        let interrupted = Arc::new(AtomicBool::new(true));
        let waiting = turns.begin(DatabaseId([1; 16]), &"b".into(), Arc::clone(&interrupted));
        waiting.start();
        compute(&holder);
        compute(&waiting);
        let line = turns.line.lock();
        assert!(line.waiting.is_empty() && line.taken == 1);
    }

    #[test]
    fn what_is_spent_can_be_seen_from_outside() {
        let turns = turns();
        let turn = begin(&turns, "films");
        query::Pace::holds(&turn, 5_000);
        query::Pace::holds(&turn, 1_000);
        let later = turns.clock.now() + Duration::from_secs(3);
        assert!(turn.spending(later).computed >= Duration::from_secs(3), "while it computes");
        turn.rest();
        let rested = turn.spending(later);
        assert!(rested.computed > Duration::ZERO && rested.computed < Duration::from_secs(3), "{rested:?}");
        assert_eq!((rested.held_bytes, rested.held_bytes_max), (1_000, 5_000));
    }

    #[test]
    fn a_statement_that_is_over_may_not_go_on() {
        let turns = turns();
        let now = turns.clock.now();
        let may = |deadline| {
            effort::Watch::may_go_on(&turns.begin(DatabaseId([1; 16]), &"films".into(), Arc::default()).until(deadline))
        };
        assert!(may(None) && may(Some(now + Duration::from_secs(60))) && !may(Some(now)));
        let turn = turns.begin(DatabaseId([1; 16]), &"films".into(), Arc::new(AtomicBool::new(true)));
        assert!(!effort::Watch::may_go_on(&turn));
    }

    #[test]
    fn nobody_waits_for_ever() {
        let turns = turns();
        let (holder, waiting) = (begin(&turns, "a"), begin(&turns, "b"));
        compute(&holder);
        compute(&waiting);
        let line = turns.line.lock();
        assert!(line.waiting.is_empty() && line.taken == 1);
    }

    #[test]
    fn a_dropped_turn_is_given_back() {
        let turns = turns();
        let (_, holder) = (begin(&turns, "b"), begin(&turns, "a"));
        compute(&holder);
        assert_eq!(turns.line.lock().taken, 1);
        drop(holder);
        assert_eq!(turns.line.lock().taken, 0);
    }
}
