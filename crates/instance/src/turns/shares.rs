//! What databases computed of late, and who of them had more than its share.
//! What a statement does here are steps on single numbers: no thread waits for another one's, which may have stepped
//! back and stay without a core for long. Leaves who waits for whom to `line`.
//! Start reading at [`Shares::add_up`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use catalog::WEIGHT_USUAL;
use compact_str::CompactString;
use parking_lot::{Mutex, RwLock};
use rustc_hash::FxHashMap;

use super::SHORT_MAX;

/// How long after its last statement a database still counts as one that is asked.
const ASKED_FOR: Duration = Duration::from_millis(20);
/// What a statement counts at most for what its database's statements usually take: one alone makes none of them long.
const TYPICAL_MAX: Duration = Duration::from_micros(600);
/// Databases that are remembered although nobody asks them.
const REMEMBERED_MAX: usize = 1_024;
/// What was computed this long ago counts a third of what was computed now.
const FADES_IN: Duration = Duration::from_millis(30);
/// How often it is added up what a fair share would be.
const ADDS_UP_EVERY: Duration = Duration::from_millis(3);
/// A database that computes less than this part of one core is never in anybody's way.
const CALM_PART: f64 = 0.1;

/// The shares of all databases that were asked of late.
pub(super) struct Shares {
    /// Moments are told in nanoseconds since then.
    began: Instant,
    known: RwLock<Known>,
    /// Held by the one who adds up; the others go on with what was found before.
    adding: Mutex<()>,
    added_up_at: AtomicU64,
    /// How many databases were asked when it was added up.
    asked: AtomicUsize,
    /// Whether several were.
    is_shared: AtomicBool,
}

#[derive(Default)]
struct Known {
    databases: FxHashMap<CompactString, Arc<Share>>,
    /// What databases weigh that were given a weight; 1 is what the others weigh.
    weights: FxHashMap<CompactString, f64>,
}

/// What one database has of the machine.
pub(super) struct Share {
    pub(super) database: CompactString,
    weight: Real,
    /// Statements that compute now.
    running: AtomicUsize,
    /// When the last one began; 0 if none ever did.
    asked_at: AtomicU64,
    /// What it computed since it is known, in nanoseconds.
    computed: AtomicU64,
    /// How much of that was added up.
    counted: AtomicU64,
    /// What it computed of late, in seconds: an average that fades.
    recent: Real,
    is_ahead: AtomicBool,
    /// How long its statements took of late, in nanoseconds. Two that end at once may count as one.
    typical: AtomicU64,
}

/// How a statement begins to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// As it likes.
    Free,
    /// Behind those of other databases: the scheduler lets them go first.
    Behind,
    /// Behind those of others, and with a turn from its first moment: statements of its database take long.
    InLine,
}

/// A number with a fraction that one thread writes and others read.
struct Real(AtomicU64);

impl Real {
    fn new(value: f64) -> Self {
        Self(AtomicU64::new(value.to_bits()))
    }

    fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }

    fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Relaxed);
    }
}

impl Shares {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            known: RwLock::default(),
            adding: Mutex::default(),
            added_up_at: AtomicU64::new(0),
            asked: AtomicUsize::new(0),
            is_shared: AtomicBool::new(false),
        }
    }

    /// Finds a database's share, or begins one.
    pub(super) fn of(&self, database: &CompactString, now: Instant) -> Arc<Share> {
        if let Some(share) = self.known.read().databases.get(database) {
            return Arc::clone(share);
        }
        let mut known = self.known.write();
        if known.databases.len() >= REMEMBERED_MAX {
            let now = self.moment(now);
            known.databases.retain(|_, share| Arc::strong_count(share) > 1 || share.is_asked(now));
        }
        let weight = known.weights.get(database).copied().unwrap_or(1.0);
        let new = || Arc::new(Share::new(database.clone(), weight));
        Arc::clone(known.databases.entry(database.clone()).or_insert_with(new))
    }

    /// Says what a database weighs, [`WEIGHT_USUAL`] without a weight.
    pub(super) fn weigh(&self, database: &str, weight: Option<u32>) {
        let relative = weight.map(|weight| f64::from(weight.max(1)) / f64::from(WEIGHT_USUAL));
        let mut known = self.known.write();
        match relative {
            Some(relative) => drop(known.weights.insert(database.into(), relative)),
            None => drop(known.weights.remove(database)),
        }
        if let Some(share) = known.databases.get(database) {
            share.weight.set(relative.unwrap_or(1.0));
        }
    }

    /// Tells whether several databases are asked.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared.load(Relaxed)
    }

    /// Notes that a statement computes; tells how.
    pub(super) fn enter(&self, share: &Share, now: Instant) -> Beginning {
        let at = self.moment(now);
        let was_away = !share.is_asked(at);
        share.running.fetch_add(1, Relaxed);
        share.asked_at.store(at, Relaxed);
        let added_up = self.look_around(now);
        // Who was away is not among those that were asked when it was added up earlier.
        if !added_up && was_away && self.asked.load(Relaxed) > 0 {
            self.is_shared.store(true, Relaxed);
        }
        match self.is_shared() && share.is_ahead() {
            // Until its first look one that takes long would hold a core, and as many of them as there are all cores.
            true if share.typical.load(Relaxed) > nanos(SHORT_MAX) => Beginning::InLine,
            true => Beginning::Behind,
            false => Beginning::Free,
        }
    }

    /// Adds up unless it was done just now; tells whether it did.
    pub(super) fn look_around(&self, now: Instant) -> bool {
        self.moment(now).saturating_sub(self.added_up_at.load(Relaxed)) >= nanos(ADDS_UP_EVERY) && self.add_up(now)
    }

    /// Finds who lately computed more than a fair share by its weight; false if somebody else is at it.
    fn add_up(&self, now: Instant) -> bool {
        let Some(_adding) = self.adding.try_lock() else { return false };
        let at = self.moment(now);
        let passed = at.saturating_sub(self.added_up_at.swap(at, Relaxed));
        let fading = (-Duration::from_nanos(passed).as_secs_f64() / FADES_IN.as_secs_f64()).exp();
        let calm = CALM_PART * FADES_IN.as_secs_f64();
        let known = self.known.read();
        let (mut asked, mut all, mut weights) = (0, 0.0, 0.0);
        for share in known.databases.values() {
            let computed = share.computed.load(Relaxed);
            let more = Duration::from_nanos(computed - share.counted.swap(computed, Relaxed));
            let recent = share.recent.get() * fading + more.as_secs_f64();
            share.recent.set(recent);
            all += recent;
            let is_asked = share.is_asked(at);
            asked += usize::from(is_asked);
            if is_asked || recent > calm {
                weights += share.weight.get();
            }
        }
        let fair = if weights > 0.0 { all / weights } else { f64::INFINITY };
        for share in known.databases.values() {
            share.is_ahead.store(share.recent.get() > (fair * share.weight.get()).max(calm), Relaxed);
        }
        self.asked.store(asked, Relaxed);
        self.is_shared.store(asked > 1, Relaxed);
        true
    }

    /// Counted from a while before anything began, so that 0 is long ago.
    fn moment(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.began) + 2 * ASKED_FOR)
    }
}

impl Share {
    fn new(database: CompactString, weight: f64) -> Self {
        Self {
            database,
            weight: Real::new(weight),
            running: AtomicUsize::new(0),
            asked_at: AtomicU64::new(0),
            computed: AtomicU64::new(0),
            counted: AtomicU64::new(0),
            recent: Real::new(0.0),
            is_ahead: AtomicBool::new(false),
            typical: AtomicU64::new(0),
        }
    }

    /// Gives what it weighs; 1 is usual.
    pub(super) fn weight(&self) -> f64 {
        self.weight.get()
    }

    /// Tells whether it lately computed more than its share.
    pub(super) fn is_ahead(&self) -> bool {
        self.is_ahead.load(Relaxed)
    }

    /// Adds what one of its statements computed.
    pub(super) fn add(&self, computed: Duration) {
        self.computed.fetch_add(nanos(computed), Relaxed);
    }

    /// Notes that a statement computes no more, and what it computed as a whole.
    pub(super) fn leave(&self, whole: Duration) {
        let typical = self.typical.load(Relaxed);
        self.typical.store((typical * 7 + nanos(whole.min(TYPICAL_MAX))) / 8, Relaxed);
        self.running.fetch_sub(1, Relaxed);
    }

    fn is_asked(&self, at: u64) -> bool {
        self.running.load(Relaxed) > 0 || at.saturating_sub(self.asked_at.load(Relaxed)) < nanos(ASKED_FOR)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use types::{Clock, SystemClock};

    use super::*;

    /// Shares of databases that were asked just now, and of what each computed, in milliseconds.
    fn shares<const N: usize>(of: [(&str, u64); N]) -> (Shares, Instant, [Arc<Share>; N]) {
        let now = SystemClock.now();
        let shares = Shares::new(now);
        let each = of.map(|(name, millis)| {
            let share = shares.of(&name.into(), now);
            assert_eq!(shares.enter(&share, now), Beginning::Free);
            share.add(Duration::from_millis(millis));
            share
        });
        (shares, now + ADDS_UP_EVERY, each)
    }

    #[test]
    fn who_computes_more_than_its_share_is_ahead() {
        let (shares, now, [busy, calm]) = shares([("busy", 30), ("calm", 0)]);
        shares.look_around(now);
        assert!(shares.is_shared() && busy.is_ahead() && !calm.is_ahead());
        shares.look_around(now + FADES_IN * 5);
        assert!(!busy.is_ahead(), "what was computed long ago is forgotten");
        calm.leave(Duration::ZERO);
        shares.look_around(now + FADES_IN * 10);
        assert!(!shares.is_shared(), "nobody asks the other one any more");
        assert_eq!(shares.enter(&calm, now + FADES_IN * 10), Beginning::Free);
        assert!(shares.is_shared(), "who comes back is noticed at once");
    }

    #[test]
    fn long_statements_of_who_is_ahead_begin_in_line() {
        let (shares, now, [busy, calm]) = shares([("busy", 20), ("calm", 0)]);
        assert_eq!(shares.enter(&busy, now), Beginning::Behind, "its statements are short as far as anybody knows");
        busy.leave(Duration::from_secs(1));
        assert_eq!(shares.enter(&busy, now), Beginning::Behind, "one long statement makes none of the others long");
        (0..20).for_each(|_| busy.leave(SHORT_MAX * 2));
        assert_eq!(shares.enter(&busy, now), Beginning::InLine);
        assert_eq!(shares.enter(&calm, now), Beginning::Free);
        calm.add(Duration::from_millis(20));
        assert_eq!(shares.enter(&busy, now + ADDS_UP_EVERY), Beginning::Free, "it has computed no more than its share");
    }

    #[test]
    fn who_weighs_more_may_compute_more() {
        let (shares, now, [heavy, light]) = shares([("heavy", 14), ("light", 6)]);
        shares.weigh("heavy", Some(300));
        shares.look_around(now);
        // A fair share is three quarters of it, and the light one has more than a quarter.
        assert!(!heavy.is_ahead() && light.is_ahead());
        shares.weigh("heavy", None);
        shares.look_around(now + ADDS_UP_EVERY);
        assert!(heavy.is_ahead() && !light.is_ahead());
    }

    #[test]
    fn databases_that_nobody_asks_are_forgotten() {
        let (shares, now, [kept]) = shares([("kept", 0)]);
        for number in 0..REMEMBERED_MAX * 2 {
            drop(shares.of(&format!("db{number}").into(), now));
        }
        assert!(shares.known.read().databases.len() <= REMEMBERED_MAX);
        assert!(Arc::ptr_eq(&kept, &shares.of(&"kept".into(), now)));
    }
}
