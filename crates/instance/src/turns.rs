//! Turns at computing: where several databases are busy, the long statements of one leave cores to the others.
//! Leaves how many statements there may be at all to `admission`.
//! Start reading at [`Turn::look`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use compact_str::CompactString;
use parking_lot::{Condvar, Mutex, MutexGuard};
use rustc_hash::FxHashMap;
use types::Clock;

/// How long a statement computes before it is a long one. Shorter ones never wait and are never counted.
const SHORT_MAX: Duration = Duration::from_micros(150);
/// How long after the last statement of another database this one has the machine to itself.
const SHARED_FOR: Duration = Duration::from_millis(20);
/// How long a turn lasts while others wait for theirs.
const TURN_TIME: Duration = Duration::from_millis(1);
/// How often one that waits looks whether it was interrupted.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long one waits. Then it goes on without a turn: who has it may wait for what this one holds.
const WAIT_MAX: Duration = Duration::from_millis(250);
/// Databases that are remembered although they are ahead of the others.
const REMEMBERED_MAX: usize = 1_024;

/// Who computes for long, and who waits for it: start-time fair queueing (Goyal, Vin and Cheng, 1996) over databases.
///
/// While statements of one database only run, nobody waits: the system's scheduler shares the cores among them. Once
/// another database is asked too, long statements hold a turn to go on, of which there is one less than cores; who
/// has computed least gets the next one. So a core is left for short statements, whatever a neighbour does.
pub(crate) struct Turns {
    clock: Arc<dyn Clock>,
    long_max: usize,
    /// Whether long statements have to look at the line: several databases are busy, or somebody waits.
    is_shared: AtomicBool,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    /// Turns that are taken.
    taken: usize,
    databases: FxHashMap<CompactString, Share>,
    /// Databases with somebody in line.
    waiting: Vec<CompactString>,
    /// The database that was asked last, and when another one was asked before it.
    latest: CompactString,
    shared_at: Option<Instant>,
    /// What the database had computed whose statement got the latest turn.
    reached: Duration,
}

/// What one database has of the machine.
#[derive(Default)]
struct Share {
    computed: Duration,
    taken: usize,
    waiting: VecDeque<Arc<Seat>>,
}

/// Where one statement waits.
#[derive(Default)]
struct Seat {
    is_called: AtomicBool,
    wake: Condvar,
}

/// A statement's part in it; given back when it is dropped.
pub(crate) struct Turn {
    turns: Arc<Turns>,
    database: CompactString,
    interrupted: Arc<AtomicBool>,
    state: Mutex<Computing>,
}

/// When the present computation began, and whether it holds a turn.
struct Computing {
    since: Instant,
    holds: bool,
}

impl Turns {
    /// Makes turns for a machine of `cores` cores.
    pub(crate) fn new(clock: Arc<dyn Clock>, cores: usize) -> Self {
        let long_max = cores.saturating_sub(1).max(1);
        Self { clock, long_max, is_shared: AtomicBool::new(false), line: Mutex::default() }
    }

    /// Begins to count for a statement of `database`.
    pub(crate) fn begin(self: &Arc<Self>, database: CompactString, interrupted: Arc<AtomicBool>) -> Turn {
        let state = Mutex::new(Computing { since: self.clock.now(), holds: false });
        Turn { turns: Arc::clone(self), database, interrupted, state }
    }

    /// Notes that a database is asked.
    fn note(&self, database: &CompactString, now: Instant) {
        let mut line = self.line.lock();
        if line.latest != *database {
            line.shared_at = (!line.latest.is_empty()).then_some(now);
            line.latest = database.clone();
            self.is_shared.store(line.shared_at.is_some(), Ordering::Relaxed);
        }
    }

    fn give_back(&self, line: &mut Line, database: &CompactString, computed: Duration) {
        line.taken -= 1;
        if let Some(share) = line.databases.get_mut(database) {
            share.taken -= 1;
            share.computed += computed;
        }
        self.call_next(line);
        if line.databases.len() > REMEMBERED_MAX {
            line.databases.retain(|_, share| share.taken > 0 || !share.waiting.is_empty());
        }
    }

    /// Gives free turns to those whose databases computed least.
    fn call_next(&self, line: &mut Line) {
        while line.taken < self.long_max {
            let Some((at, computed)) = line.first() else { return };
            line.reached = line.reached.max(computed);
            let name = line.waiting[at].clone();
            let Some(share) = line.databases.get_mut(&name) else { return };
            let seat = share.waiting.pop_front();
            let is_last = share.waiting.is_empty();
            if is_last {
                line.waiting.swap_remove(at);
            }
            if let Some(seat) = seat {
                line.take(&name);
                seat.is_called.store(true, Ordering::Release);
                seat.wake.notify_one();
            }
        }
    }
}

impl Line {
    /// Finds who is next, and what the database has computed so far.
    fn first(&self) -> Option<(usize, Duration)> {
        let computed = |name| self.databases.get(name).map_or(Duration::ZERO, |share| share.computed);
        let places = self.waiting.iter().enumerate();
        places.map(|(at, name)| (at, computed(name))).min_by_key(|(_, computed)| *computed)
    }

    fn take(&mut self, database: &CompactString) {
        self.taken += 1;
        self.share(database).taken += 1;
    }

    /// Finds a database's share; one that was away starts where the others are now.
    fn share(&mut self, database: &CompactString) -> &mut Share {
        let reached = self.reached;
        let share = self.databases.entry(database.clone()).or_default();
        if share.taken == 0 && share.waiting.is_empty() {
            share.computed = share.computed.max(reached);
        }
        share
    }

    fn is_shared(&self, now: Instant) -> bool {
        self.shared_at.is_some_and(|at| now.saturating_duration_since(at) < SHARED_FOR)
    }
}

impl Turn {
    /// Begins a stretch of computing.
    pub(crate) fn start(&self) {
        let now = self.turns.clock.now();
        self.turns.note(&self.database, now);
        self.state.lock().since = now;
    }

    /// Ends a stretch of computing: the statement waits for its client, or is at its end.
    pub(crate) fn rest(&self) {
        let mut state = self.state.lock();
        if std::mem::take(&mut state.holds) {
            let computed = self.turns.clock.now().saturating_duration_since(state.since);
            self.turns.give_back(&mut self.turns.line.lock(), &self.database, computed);
        }
    }

    /// Lets others go first where it is their turn; called between two parts of a computation.
    pub(crate) fn look(&self) {
        if !self.turns.is_shared.load(Ordering::Relaxed) {
            return;
        }
        let mut state = self.state.lock();
        let now = self.turns.clock.now();
        let computed = now.saturating_duration_since(state.since);
        if computed < if state.holds { TURN_TIME } else { SHORT_MAX } {
            return;
        }
        let mut line = self.turns.line.lock();
        if line.waiting.is_empty() && !line.is_shared(now) {
            self.turns.is_shared.store(false, Ordering::Relaxed);
            return;
        }
        if std::mem::take(&mut state.holds) {
            self.turns.give_back(&mut line, &self.database, computed);
        }
        let waited = if line.waiting.is_empty() && line.taken < self.turns.long_max {
            line.take(&self.database);
            true
        } else {
            self.wait(&mut line)
        };
        state.holds = waited;
        drop(line);
        state.since = self.turns.clock.now();
    }

    /// Waits in line; gives false where it took too long, or the statement was interrupted.
    fn wait(&self, line: &mut MutexGuard<'_, Line>) -> bool {
        let seat = Arc::new(Seat::default());
        let share = line.share(&self.database);
        share.waiting.push_back(Arc::clone(&seat));
        if share.waiting.len() == 1 {
            line.waiting.push(self.database.clone());
        }
        // Who gave back its turn just now may be the first again.
        self.turns.call_next(line);
        for _ in 0..WAIT_MAX.as_millis() / LOOK_EVERY.as_millis() {
            if !seat.is_called.load(Ordering::Acquire) && !self.interrupted.load(Ordering::Relaxed) {
                seat.wake.wait_for(line, LOOK_EVERY);
            }
        }
        let is_called = seat.is_called.load(Ordering::Acquire);
        if !is_called {
            self.leave(line, &seat);
        }
        is_called
    }

    fn leave(&self, line: &mut Line, seat: &Arc<Seat>) {
        let share = line.share(&self.database);
        share.waiting.retain(|other| !Arc::ptr_eq(other, seat));
        if share.waiting.is_empty() {
            line.waiting.retain(|name| *name != self.database);
        }
    }
}

impl query::Pace for Turn {
    fn look(&self) {
        Self::look(self);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.rest();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use types::SystemClock;

    use super::*;

    fn turns() -> Arc<Turns> {
        Arc::new(Turns::new(Arc::new(SystemClock), 2))
    }

    fn begin(turns: &Arc<Turns>, database: &str) -> Turn {
        let turn = turns.begin(database.into(), Arc::default());
        turn.start();
        turn
    }

    fn compute(turn: &Turn) {
        std::thread::sleep(TURN_TIME);
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
        let waiting = turns.begin("b".into(), Arc::clone(&interrupted));
        waiting.start();
        compute(&holder);
        compute(&waiting);
        let line = turns.line.lock();
        assert!(line.waiting.is_empty() && line.taken == 1);
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
