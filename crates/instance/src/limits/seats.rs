//! Which sessions use which database: counted by database and by user, given back when a session ends or moves.
//! Leaves when a session moves to the statements, which ask with each database that they touch.
//! Start reading at [`Seats::take`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use catalog::{Limit, RoleLimits, UserId};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use types::Failure;

use super::{Meter, RefusedBy};

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
}

/// What one session uses: a seat in each database that its latest statement or transaction touched.
#[derive(Default)]
pub(crate) struct Seats(Vec<Seat>);

/// A seat in one database, given back when it is dropped.
struct Seat {
    meter: Arc<Meter>,
    user: Option<UserId>,
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
        user: Option<UserId>,
        roles: Option<&RoleLimits>,
    ) -> Result<(), Failure> {
        let mut wanted = 0;
        let mut all_held = true;
        for meter in meters.clone() {
            wanted += 1;
            all_held &= self.0.iter().any(|seat| Arc::ptr_eq(&seat.meter, meter));
        }
        if all_held && wanted == self.0.len() {
            return Ok(());
        }
        // Those that are not wanted go first: a session that moves needs no room for two.
        self.0.retain(|seat| meters.clone().any(|meter| Arc::ptr_eq(&seat.meter, meter)));
        for meter in meters {
            if !self.0.iter().any(|seat| Arc::ptr_eq(&seat.meter, meter)) {
                self.0.push(Seat::take(meter, user, roles)?);
            }
        }
        Ok(())
    }

    /// Adds a seat without giving up any: for a transaction that reaches further.
    pub(crate) fn add(
        &mut self,
        meter: &Arc<Meter>,
        user: Option<UserId>,
        roles: Option<&RoleLimits>,
    ) -> Result<(), Failure> {
        if !self.0.iter().any(|seat| Arc::ptr_eq(&seat.meter, meter)) {
            self.0.push(Seat::take(meter, user, roles)?);
        }
        Ok(())
    }
}

impl Seat {
    fn take(meter: &Arc<Meter>, user: Option<UserId>, roles: Option<&RoleLimits>) -> Result<Self, Failure> {
        let seating = &meter.seating;
        let mut taken = seating.taken.lock();
        let of_user = taken.users.get(&user).copied().unwrap_or(0);
        let bounds = [(Limit::MaxConnections, taken.all), (Limit::MaxConnectionsPerUser, of_user)];
        for (limit, used) in bounds {
            let (max, _) = meter.limit_for(limit, roles);
            if max > 0 && used >= max {
                drop(taken);
                return Err(meter.refuse(RefusedBy::Connections { limit, max, used }, roles));
            }
        }
        taken.all += 1;
        *taken.users.entry(user).or_insert(0) += 1;
        seating.peak.fetch_max(taken.all, Ordering::Relaxed);
        drop(taken);
        Ok(Self { meter: Arc::clone(meter), user })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.meter.seating.taken.lock();
        taken.all -= 1;
        if let Some(count) = taken.users.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                taken.users.remove(&self.user);
            }
        }
    }
}
