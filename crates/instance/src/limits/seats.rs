//! Which sessions use which database: counted by database and by user, given back when a session ends or moves.
//! A session that rests keeps its seat as long as nobody else needs it.
//! Leaves when a session moves to the statements, which ask with each database that they touch.
//! Start reading at [`Seats::take`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use catalog::{Limit, RoleLimits, UserId};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use types::Failure;

use super::{Meter, Meters, RefusedBy};

/// How long a session rests before somebody else may have its seat.
const REST_MIN_NANOS: u64 = 1_000_000_000;
/// In [`Rest::since`]: it does not rest.
const WORKS: u64 = u64::MAX;
/// In [`Rest::since`]: somebody else has the seat.
const LOST: u64 = u64::MAX - 1;

/// The sessions of one database.
#[derive(Default)]
pub(crate) struct Seating {
    taken: Mutex<Taken>,
    peak: AtomicU64,
}

#[derive(Default)]
struct Taken {
    all: u64,
    /// Nobody stands for everybody while authentication is off.
    users: FxHashMap<Option<UserId>, u64>,
    /// Those that have rested at least once, by their numbers.
    rests: FxHashMap<u64, Arc<Rest>>,
    last_number: u64,
}

/// Since when a session rests; who takes its seat over says so here.
struct Rest {
    number: u64,
    user: Option<UserId>,
    /// In nanoseconds since the start of the server, or [`WORKS`] or [`LOST`].
    since: AtomicU64,
}

/// Who asks for seats.
#[derive(Clone, Copy)]
pub(crate) struct Guest<'a> {
    pub(crate) user: Option<UserId>,
    /// What his roles say of limits, where one says anything.
    pub(crate) roles: Option<&'a RoleLimits>,
    /// Tells the time.
    pub(crate) meters: &'a Meters,
}

/// What one session uses: a seat in each database that its latest statement or transaction touched.
#[derive(Default)]
pub(crate) struct Seats(Vec<Seat>);

/// A seat in one database, given back when it is dropped.
struct Seat {
    meter: Arc<Meter>,
    user: Option<UserId>,
    /// Made when the session rests for the first time.
    rest: Option<Arc<Rest>>,
}

impl Seating {
    /// Counts the sessions, and the most that there ever were.
    pub(crate) fn count(&self) -> (u64, u64) {
        (self.taken.lock().all, self.peak.load(Ordering::Relaxed))
    }

    /// Counts the sessions of one user.
    pub(crate) fn count_of(&self, user: Option<UserId>) -> u64 {
        self.taken.lock().users.get(&user).copied().unwrap_or(0)
    }
}

impl Seats {
    /// Makes sure of a seat in each of these databases, and gives up the others.
    pub(crate) fn take<'m>(
        &mut self,
        meters: impl Iterator<Item = &'m Arc<Meter>> + Clone,
        guest: Guest<'_>,
    ) -> Result<(), Failure> {
        let mut wanted = 0;
        let mut all_held = true;
        for meter in meters.clone() {
            wanted += 1;
            all_held &= self.holds(meter);
        }
        if all_held && wanted == self.0.len() {
            return Ok(());
        }
        // Those that are not wanted go first: a session that moves needs no room for two.
        self.0.retain(|seat| meters.clone().any(|meter| Arc::ptr_eq(&seat.meter, meter)));
        for meter in meters {
            self.add(meter, guest)?;
        }
        Ok(())
    }

    /// Adds a seat without giving up any: for a transaction that reaches further.
    pub(crate) fn add(&mut self, meter: &Arc<Meter>, guest: Guest<'_>) -> Result<(), Failure> {
        if !self.holds(meter) {
            self.0.retain(|seat| !Arc::ptr_eq(&seat.meter, meter));
            self.0.push(Seat::take(meter, guest)?);
        }
        Ok(())
    }

    /// Lets others have the seats when they need them, once the session has rested for a while.
    pub(crate) fn rest(&mut self, meters: &Meters) {
        if self.0.iter().any(Seat::works) {
            let now = meters.nanos();
            self.0.iter_mut().for_each(|seat| seat.rest(now));
        }
    }

    /// Tells whether there is a seat in a database; from here on nobody takes it over.
    fn holds(&self, meter: &Arc<Meter>) -> bool {
        self.0.iter().any(|seat| Arc::ptr_eq(&seat.meter, meter) && seat.work())
    }
}

impl Seat {
    fn take(meter: &Arc<Meter>, guest: Guest<'_>) -> Result<Self, Failure> {
        let seating = &meter.seating;
        let Guest { user, roles, meters } = guest;
        let max = |limit| Some(meter.limit_for(limit, roles).0).filter(|max| *max > 0);
        let (all_max, of_user_max) = (max(Limit::MaxConnections), max(Limit::MaxConnectionsPerUser));
        let mut taken = seating.taken.lock();
        while let Some(over) = taken.over(user, all_max, of_user_max) {
            if let Err(refused_by) = taken.take_over(user, &over, meters.nanos()) {
                drop(taken);
                return Err(meter.refuse(refused_by, roles));
            }
        }
        taken.all += 1;
        *taken.users.entry(user).or_insert(0) += 1;
        seating.peak.fetch_max(taken.all, Ordering::Relaxed);
        drop(taken);
        Ok(Self { meter: Arc::clone(meter), user, rest: None })
    }

    fn works(&self) -> bool {
        self.rest.as_ref().is_none_or(|rest| rest.since.load(Ordering::Relaxed) == WORKS)
    }

    fn rest(&mut self, now: u64) {
        let rest = self.rest.get_or_insert_with(|| self.meter.seating.taken.lock().list(self.user));
        // One that rests already, or is lost, stays so.
        let _ = rest.since.compare_exchange(WORKS, now, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Ends the rest; tells whether the seat was still there.
    fn work(&self) -> bool {
        let Some(rest) = &self.rest else { return true };
        let works = |since| (since != LOST).then_some(WORKS);
        rest.since.fetch_update(Ordering::AcqRel, Ordering::Relaxed, works).is_ok()
    }
}

/// How many seats are in the way of one more, and of which limits.
struct Over {
    /// Of the database: seats too many, and the limit.
    all: (u64, u64),
    /// Of the user.
    of_user: (u64, u64),
}

impl Taken {
    /// Tells what is in the way of one more seat.
    fn over(&self, user: Option<UserId>, all_max: Option<u64>, of_user_max: Option<u64>) -> Option<Over> {
        let over = |used: u64, max: Option<u64>| max.map_or((0, 0), |max| ((used + 1).saturating_sub(max), max));
        let over = Over { all: over(self.all, all_max), of_user: over(self.of(user), of_user_max) };
        (over.all.0 > 0 || over.of_user.0 > 0).then_some(over)
    }

    /// Takes from those who rest what is in the way of one more seat: the longest rest first. Nobody loses anything where
    /// that would not be enough.
    fn take_over(&mut self, user: Option<UserId>, over: &Over, now: u64) -> Result<(), RefusedBy<'static>> {
        let is_long = |since: &u64| now.saturating_sub(*since) >= REST_MIN_NANOS;
        let since = |rest: &Arc<Rest>| Some(rest.since.load(Ordering::Relaxed)).filter(is_long);
        let rested = self.rests.values().filter_map(|rest| Some((since(rest)?, Arc::clone(rest))));
        let (mut own, mut others): (Vec<_>, Vec<_>) = rested.partition(|(_, rest)| rest.user == user);
        if over.all.0 > (own.len() + others.len()) as u64 {
            return Err(RefusedBy::Connections { limit: Limit::MaxConnections, max: over.all.1, used: self.all });
        }
        if over.of_user.0 > own.len() as u64 {
            let (max, used) = (over.of_user.1, self.of(user));
            return Err(RefusedBy::Connections { limit: Limit::MaxConnectionsPerUser, max, used });
        }
        let longest_first =
            |rested: &mut Vec<(u64, Arc<Rest>)>| rested.sort_by_key(|(since, rest)| (*since, rest.number));
        longest_first(&mut own);
        // Where others too are in the way, all the same whose.
        others.extend(own.drain(over.of_user.0 as usize..));
        longest_first(&mut others);
        others.truncate(over.all.0.saturating_sub(over.of_user.0) as usize);
        for (since, rest) in own.iter().chain(&others) {
            // Who goes on this very moment keeps it, and whoever asks looks again.
            if rest.since.compare_exchange(*since, LOST, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                self.rests.remove(&rest.number);
                self.leave(rest.user);
            }
        }
        Ok(())
    }

    fn of(&self, user: Option<UserId>) -> u64 {
        self.users.get(&user).copied().unwrap_or(0)
    }

    /// Lists a seat whose session rests for the first time.
    fn list(&mut self, user: Option<UserId>) -> Arc<Rest> {
        self.last_number += 1;
        let rest = Arc::new(Rest { number: self.last_number, user, since: AtomicU64::new(WORKS) });
        self.rests.insert(rest.number, Arc::clone(&rest));
        rest
    }

    fn leave(&mut self, user: Option<UserId>) {
        self.all -= 1;
        if let Some(count) = self.users.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                self.users.remove(&user);
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.meter.seating.taken.lock();
        let listed = self.rest.as_ref().map(|rest| taken.rests.remove(&rest.number).is_some());
        // One that is not listed any more is somebody else's.
        if listed != Some(false) {
            taken.leave(self.user);
        }
    }
}
