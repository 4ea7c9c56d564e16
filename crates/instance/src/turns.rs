//! Turns at computing: where several databases are busy, the long statements of one leave cores to the others.
//! Leaves how many statements there may be at all to `admission`.
//! Start reading at [`Turn::look`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use catalog::WEIGHT_USUAL;
use compact_str::CompactString;
use parking_lot::{Condvar, Mutex, MutexGuard};
use rustc_hash::FxHashMap;
use types::{Clock, effort};

use crate::priority;
use crate::under_way::Entry;

/// How long a statement computes before it is a long one. Shorter ones never wait in line.
const SHORT_MAX: Duration = Duration::from_micros(150);
/// How long after its last statement a database still counts as one that is asked.
const ASKED_FOR: Duration = Duration::from_millis(20);
/// How long a turn lasts while others wait for theirs.
const TURN_TIME: Duration = Duration::from_millis(1);
/// How often one that waits looks whether it was interrupted.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long one waits. Then it goes on without a turn: who has it may wait for what this one holds.
const WAIT_MAX: Duration = Duration::from_millis(250);
/// Databases that are remembered although nobody asks them.
const REMEMBERED_MAX: usize = 1_024;
/// What was computed this long ago counts a third of what was computed now.
const FADES_IN: Duration = Duration::from_millis(30);
/// How often it is added up what a fair share would be.
const ADDS_UP_EVERY: Duration = Duration::from_millis(3);
/// A database that computes less than this part of one core is never in anybody's way.
const CALM_PART: f64 = 0.1;

/// Who computes for long, and who waits for it: start-time fair queueing (Goyal, Vin and Cheng, 1996) over databases.
///
/// While statements of one database only run, nobody waits: the system's scheduler shares the cores among them. Once
/// another database is asked too, long statements hold a turn to go on, of which there is one less than cores; who
/// has computed least gets the next one. So a core is left for short statements, whatever a neighbour does. And the
/// threads of a database that lately computed more than its share step back: the system's scheduler runs those of the
/// others first.
pub(crate) struct Turns {
    clock: Arc<dyn Clock>,
    long_max: usize,
    /// Whether threads may step back, as the system's scheduler sees it.
    steps_back: bool,
    /// Whether long statements have to look at the line: several databases are busy, or somebody waits.
    is_shared: AtomicBool,
    line: Mutex<Line>,
}

struct Line {
    /// Turns that are taken.
    taken: usize,
    databases: FxHashMap<CompactString, Share>,
    /// What databases weigh that were given a weight; 1 is what the others weigh.
    weights: FxHashMap<CompactString, f64>,
    /// Databases with somebody in line.
    waiting: Vec<CompactString>,
    /// The database that was asked last, and the one before it.
    latest: CompactString,
    second: CompactString,
    /// What the database had computed whose statement got the latest turn.
    reached: Duration,
    /// What a database of the usual weight may have computed of late before it steps back, in seconds, and since when
    /// that holds.
    fair: f64,
    added_up_at: Instant,
}

/// What one database has of the machine.
struct Share {
    weight: f64,
    /// By its weight: who weighs twice as much has half of what it took.
    computed: Duration,
    taken: usize,
    waiting: VecDeque<Arc<Seat>>,
    /// Statements that compute now.
    running: usize,
    asked_at: Instant,
    recent: Recent,
    /// How long its statements took of late.
    typical: Duration,
}

/// What was computed of late: an average that fades, in seconds.
#[derive(Clone, Copy)]
struct Recent {
    seconds: f64,
    at: Instant,
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

/// How a statement begins to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beginning {
    /// As it likes.
    Free,
    /// Behind those of other databases: the scheduler lets them go first.
    Behind,
    /// Behind those of others, and with a turn from its first moment: statements of its database take long.
    InLine,
}

impl Recent {
    /// Fades to `now`.
    fn faded(self, now: Instant) -> f64 {
        let ago = now.saturating_duration_since(self.at).as_secs_f64();
        self.seconds * (-ago / FADES_IN.as_secs_f64()).exp()
    }

    fn add(&mut self, computed: Duration, now: Instant) {
        *self = Self { seconds: self.faded(now) + computed.as_secs_f64(), at: now };
    }
}

impl Turns {
    /// Makes turns for a machine of `cores` cores.
    pub(crate) fn new(clock: Arc<dyn Clock>, cores: usize) -> Self {
        let long_max = cores.saturating_sub(1).max(1);
        let line = Mutex::new(Line::new(clock.now()));
        Self { clock, long_max, steps_back: priority::may_change(), is_shared: AtomicBool::new(false), line }
    }

    /// Begins to count for a statement of `database`.
    pub(crate) fn begin(self: &Arc<Self>, database: CompactString, interrupted: Arc<AtomicBool>) -> Turn {
        let now = self.clock.now();
        let state =
            Mutex::new(Computing { since: now, runs: false, holds: false, before: Duration::ZERO, thread: None });
        let (deadline, spent, listed) = (None, Spent::default(), None);
        Turn { turns: Arc::clone(self), database, interrupted, deadline, state, spent, listed }
    }

    /// Says what a database weighs, [`WEIGHT_USUAL`] without a weight; it holds at once.
    pub(crate) fn weigh(&self, database: &str, weight: Option<u32>) {
        let mut line = self.line.lock();
        let relative = weight.map(|weight| f64::from(weight.max(1)) / f64::from(WEIGHT_USUAL));
        match relative {
            Some(relative) => drop(line.weights.insert(database.into(), relative)),
            None => drop(line.weights.remove(database)),
        }
        if let Some(share) = line.databases.get_mut(database) {
            share.weight = relative.unwrap_or(1.0);
        }
    }

    /// Notes that a statement of a database computes; tells how.
    fn enter(&self, database: &CompactString, now: Instant) -> Beginning {
        let mut line = self.line.lock();
        if line.latest != *database {
            let before = std::mem::replace(&mut line.latest, database.clone());
            line.second = before;
        }
        let share = line.share(database, now);
        share.running += 1;
        share.asked_at = now;
        let takes_long = share.typical > SHORT_MAX;
        if !line.is_shared(database, now) {
            return Beginning::Free;
        }
        self.is_shared.store(true, Ordering::Relaxed);
        match line.is_ahead(database, now) {
            // Until its first look one that takes long would hold a core, and as many of them as there are all cores.
            true if takes_long => Beginning::InLine,
            true => Beginning::Behind,
            false => Beginning::Free,
        }
    }

    /// Notes that it computes no more.
    fn leave(&self, database: &CompactString, before: Duration, computed: Duration, now: Instant) {
        let mut line = self.line.lock();
        let share = line.share(database, now);
        share.running = share.running.saturating_sub(1);
        share.recent.add(computed, now);
        share.typical = (share.typical * 7 + before + computed) / 8;
        if line.databases.len() > REMEMBERED_MAX {
            line.databases.retain(|_, share| !share.is_idle());
        }
    }

    fn give_back(&self, line: &mut Line, database: &CompactString, computed: Duration) {
        line.taken -= 1;
        if let Some(share) = line.databases.get_mut(database) {
            share.taken -= 1;
            share.computed += computed.div_f64(share.weight);
        }
        self.call_next(line);
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
                line.take(&name, self.clock.now());
                seat.is_called.store(true, Ordering::Release);
                seat.wake.notify_one();
            }
        }
    }
}

impl Line {
    fn new(now: Instant) -> Self {
        Self {
            taken: 0,
            databases: FxHashMap::default(),
            weights: FxHashMap::default(),
            waiting: Vec::new(),
            latest: CompactString::default(),
            second: CompactString::default(),
            reached: Duration::ZERO,
            fair: f64::INFINITY,
            added_up_at: now,
        }
    }

    /// Finds who is next, and what the database has computed so far.
    fn first(&self) -> Option<(usize, Duration)> {
        let computed = |name| self.databases.get(name).map_or(Duration::ZERO, |share| share.computed);
        let places = self.waiting.iter().enumerate();
        places.map(|(at, name)| (at, computed(name))).min_by_key(|(_, computed)| *computed)
    }

    fn take(&mut self, database: &CompactString, now: Instant) {
        self.taken += 1;
        self.share(database, now).taken += 1;
    }

    /// Finds a database's share; one that was away starts where the others are now.
    fn share(&mut self, database: &CompactString, now: Instant) -> &mut Share {
        let reached = self.reached;
        if !self.databases.contains_key(database) {
            let weight = self.weights.get(database).copied().unwrap_or(1.0);
            self.databases.insert(database.clone(), Share::new(weight, now));
        }
        let share = self.databases.get_mut(database).expect("it was put there");
        if share.taken == 0 && share.waiting.is_empty() {
            share.computed = share.computed.max(reached);
        }
        share
    }

    /// Tells whether another database than this one is asked too.
    fn is_shared(&self, database: &CompactString, now: Instant) -> bool {
        let other = if self.latest == *database { &self.second } else { &self.latest };
        self.databases
            .get(other)
            .is_some_and(|share| share.running > 0 || now.saturating_duration_since(share.asked_at) < ASKED_FOR)
    }

    /// Tells whether a database lately computed more than its share, which is by its weight.
    fn is_ahead(&mut self, database: &CompactString, now: Instant) -> bool {
        let calm = CALM_PART * FADES_IN.as_secs_f64();
        if now.saturating_duration_since(self.added_up_at) >= ADDS_UP_EVERY {
            let (mut all, mut weights) = (0.0, 0.0);
            for share in self.databases.values() {
                let recent = share.recent.faded(now);
                all += recent;
                if recent > calm || share.is_asked(now) {
                    weights += share.weight;
                }
            }
            self.fair = if weights > 0.0 { all / weights } else { f64::INFINITY };
            self.added_up_at = now;
        }
        self.databases.get(database).is_some_and(|share| share.recent.faded(now) > (self.fair * share.weight).max(calm))
    }
}

impl Share {
    fn new(weight: f64, now: Instant) -> Self {
        let recent = Recent { seconds: 0.0, at: now };
        Self {
            weight,
            computed: Duration::ZERO,
            taken: 0,
            waiting: VecDeque::new(),
            running: 0,
            asked_at: now,
            recent,
            typical: Duration::ZERO,
        }
    }

    fn is_asked(&self, now: Instant) -> bool {
        self.running > 0 || now.saturating_duration_since(self.asked_at) < ASKED_FOR
    }

    fn is_idle(&self) -> bool {
        self.taken == 0 && self.waiting.is_empty() && self.running == 0
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

    /// Tells what was spent so far.
    pub(crate) fn spending(&self, now: Instant) -> Spending {
        // Who waits in line holds the state, and computes nothing.
        let since = self.state.try_lock().filter(|state| state.runs).map(|state| state.since);
        let lately = since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let spent = self.spent.now();
        Spending { computed: spent.computed + lately, ..spent }
    }

    /// Begins a stretch of computing.
    pub(crate) fn start(&self) {
        let now = self.turns.clock.now();
        let mut state = self.state.lock();
        let runs = std::mem::replace(&mut state.runs, true);
        let beginning = if runs { Beginning::Free } else { self.turns.enter(&self.database, now) };
        state.since = now;
        state.before = Duration::ZERO;
        state.thread = None;
        self.step(beginning != Beginning::Free);
        if beginning == Beginning::InLine {
            self.line_up(&mut state, self.turns.line.lock(), now);
        }
    }

    /// Goes on with a turn, or with none after a long wait, and is counted anew.
    fn line_up(&self, state: &mut Computing, mut line: MutexGuard<'_, Line>, now: Instant) {
        state.holds = self.take_or_wait(&mut line, now);
        state.since = self.turns.clock.now();
        state.thread = Some(priority::computed());
        // Who waited for long may have less than its share by now.
        let is_ahead = line.is_ahead(&self.database, state.since);
        drop(line);
        self.step(is_ahead);
        add(&self.spent.waited_nanos, state.since.saturating_duration_since(now));
    }

    /// Has the scheduler run this thread behind those of others, or among them.
    fn step(&self, back: bool) {
        match self.turns.steps_back && back {
            true => priority::step_back(),
            false => priority::come_forward(),
        }
    }

    /// Ends a stretch of computing: the statement waits for its client, or is at its end.
    pub(crate) fn rest(&self) {
        let mut state = self.state.lock();
        if !std::mem::take(&mut state.runs) {
            return;
        }
        let now = self.turns.clock.now();
        let computed = state.count(now);
        if std::mem::take(&mut state.holds) {
            self.turns.give_back(&mut self.turns.line.lock(), &self.database, computed);
        }
        self.turns.leave(&self.database, state.before, computed, now);
        add(&self.spent.computed_nanos, computed);
        // A thread that stepped back stays there until its next statement begins: its answers are no more urgent.
    }

    /// Gives a turn back and goes on: a commit waits for the disk, for other commits, and for readers who wait for turns.
    pub(crate) fn commits(&self) {
        let mut state = self.state.lock();
        if !std::mem::take(&mut state.holds) {
            return;
        }
        let now = self.turns.clock.now();
        let computed = state.count(now);
        state.thread = Some(priority::computed());
        state.before += computed;
        let mut line = self.turns.line.lock();
        line.share(&self.database, now).recent.add(computed, now);
        self.turns.give_back(&mut line, &self.database, computed);
        add(&self.spent.computed_nanos, computed);
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
            types::way::now();
            return;
        }
        let mut line = self.turns.line.lock();
        if line.waiting.is_empty() && !line.is_shared(&self.database, now) {
            self.turns.is_shared.store(false, Ordering::Relaxed);
            return;
        }
        let computed = state.count(now);
        line.share(&self.database, now).recent.add(computed, now);
        if std::mem::take(&mut state.holds) {
            self.turns.give_back(&mut line, &self.database, computed);
        }
        self.line_up(&mut state, line, now);
        types::way::now();
        state.before += computed;
        add(&self.spent.computed_nanos, computed);
    }

    /// Takes a turn that is free, or waits for one; tells whether it has one.
    fn take_or_wait(&self, line: &mut MutexGuard<'_, Line>, now: Instant) -> bool {
        if line.waiting.is_empty() && line.taken < self.turns.long_max {
            line.take(&self.database, now);
            return true;
        }
        self.wait(line, now)
    }

    /// Waits in line; gives false where it took too long, or the statement was interrupted.
    fn wait(&self, line: &mut MutexGuard<'_, Line>, now: Instant) -> bool {
        let seat = Arc::new(Seat::default());
        let share = line.share(&self.database, now);
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
            self.give_up(line, &seat, now);
        }
        is_called
    }

    fn give_up(&self, line: &mut Line, seat: &Arc<Seat>, now: Instant) {
        let share = line.share(&self.database, now);
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

    fn holds(&self, bytes: usize) {
        self.spent.held_bytes.store(bytes, Ordering::Relaxed);
        if bytes > self.spent.held_bytes_max.load(Ordering::Relaxed) {
            self.spent.held_bytes_max.store(bytes, Ordering::Relaxed);
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
        Arc::new(Turns::new(Arc::new(SystemClock), 2))
    }

    fn begin(turns: &Arc<Turns>, database: &str) -> Turn {
        let turn = turns.begin(database.into(), Arc::default());
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
        let waiting = turns.begin("b".into(), Arc::clone(&interrupted));
        waiting.start();
        compute(&holder);
        compute(&waiting);
        let line = turns.line.lock();
        assert!(line.waiting.is_empty() && line.taken == 1);
    }

    #[test]
    fn who_computes_more_than_its_share_is_ahead() {
        let turns = turns();
        let (busy, calm) = (begin(&turns, "busy"), begin(&turns, "calm"));
        std::thread::sleep(FADES_IN);
        busy.rest();
        let now = turns.clock.now() + ADDS_UP_EVERY;
        let mut line = turns.line.lock();
        assert!(line.is_shared(&"busy".into(), now) && line.is_ahead(&"busy".into(), now));
        assert!(!line.is_ahead(&"calm".into(), now));
        let later = now + FADES_IN * 5;
        assert!(!line.is_ahead(&"busy".into(), later), "what was computed long ago is forgotten");
        drop(line);
        drop(calm);
        let line = turns.line.lock();
        assert!(!line.is_shared(&"busy".into(), now + ASKED_FOR * 2), "nobody asks the other one any more");
    }

    #[test]
    fn long_statements_of_who_is_ahead_begin_in_line() {
        let turns = turns();
        let calm = begin(&turns, "calm");
        let now = turns.clock.now();
        let enter = |name: &str| turns.enter(&name.into(), now + ADDS_UP_EVERY);
        turns.line.lock().share(&"busy".into(), now).recent.add(Duration::from_millis(20), now);
        assert_eq!(enter("busy"), Beginning::Behind, "its statements are short as far as anybody knows");
        (0..20).for_each(|_| turns.leave(&"busy".into(), SHORT_MAX, SHORT_MAX, now));
        assert_eq!(enter("busy"), Beginning::InLine);
        assert_eq!(enter("calm"), Beginning::Free);
        turns.line.lock().databases.get_mut("busy").expect("known").recent.seconds = 0.0;
        assert_eq!(enter("busy"), Beginning::Free, "it has computed no more than its share");
        drop(calm);
    }

    #[test]
    fn who_weighs_more_may_compute_more() {
        let turns = turns();
        turns.weigh("heavy", Some(300));
        let (heavy, light) = (begin(&turns, "heavy"), begin(&turns, "light"));
        let now = turns.clock.now();
        let mut line = turns.line.lock();
        for (name, millis) in [("heavy", 14), ("light", 6)] {
            line.share(&name.into(), now).recent.add(Duration::from_millis(millis), now);
        }
        let later = now + ADDS_UP_EVERY;
        // A fair share is three quarters of it, and the light one has more than a quarter.
        assert!(!line.is_ahead(&"heavy".into(), later) && line.is_ahead(&"light".into(), later));
        line.take(&"heavy".into(), now);
        turns.give_back(&mut line, &"heavy".into(), Duration::from_millis(3));
        assert_eq!(line.share(&"heavy".into(), later).computed, Duration::from_millis(1));
        drop(line);
        turns.weigh("heavy", None);
        let mut line = turns.line.lock();
        let last = later + ADDS_UP_EVERY;
        assert!(line.is_ahead(&"heavy".into(), last) && !line.is_ahead(&"light".into(), last));
        drop(line);
        drop((heavy, light));
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
        let may = |deadline| effort::Watch::may_go_on(&turns.begin("films".into(), Arc::default()).until(deadline));
        assert!(may(None) && may(Some(now + Duration::from_secs(60))) && !may(Some(now)));
        let turn = turns.begin("films".into(), Arc::new(AtomicBool::new(true)));
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
