//! Who works on a database now, so that stopping it can end the work.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use types::Failure;

use crate::instance::Shared;

/// Something that holds a database open: a transaction, or the rest of a result.
pub(crate) trait Work: Send + Sync {
    /// Lets go of the database; whoever comes back to the work is told `failure`. Gives up after `wait_max`.
    fn end(&self, failure: &Failure, wait_max: Duration);

    /// Lets go of old versions of the database without ending, where it can.
    fn let_go(&self, wait_max: Duration);

    /// Ends what is over its time while nobody asks for its rows; work that goes on looks by itself.
    fn end_unattended(&self, shared: &Shared);
}

/// The work on one database.
#[derive(Default)]
pub(crate) struct Leases {
    next: AtomicU64,
    held: Arc<Mutex<FxHashMap<u64, Held>>>,
}

struct Held {
    /// Interrupts the statement that runs.
    interrupted: Arc<AtomicBool>,
    work: Weak<dyn Work>,
}

/// An entry among the leases, gone when it is dropped.
pub(crate) struct Lease {
    number: u64,
    held: Arc<Mutex<FxHashMap<u64, Held>>>,
}

impl Leases {
    /// Lists some work until the lease is dropped.
    pub(crate) fn take(&self, interrupted: Arc<AtomicBool>, work: Weak<dyn Work>) -> Lease {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.held.lock().insert(number, Held { interrupted, work });
        Lease { number, held: Arc::clone(&self.held) }
    }

    /// Interrupts all work and makes it let go.
    pub(crate) fn end_all(&self, failure: &Failure, wait_max: Duration) {
        let work: Vec<_> = {
            let held = self.held.lock();
            held.values().for_each(|held| held.interrupted.store(true, Ordering::Relaxed));
            held.values().map(|held| Weak::clone(&held.work)).collect()
        };
        // Not under the lock: work that ends takes its lease off the list.
        work.iter().filter_map(Weak::upgrade).for_each(|work| work.end(failure, wait_max));
    }

    /// Ends work that is over its time and waits for its client.
    pub(crate) fn end_unattended(&self, shared: &Shared) {
        let work: Vec<_> = self.held.lock().values().map(|held| Weak::clone(&held.work)).collect();
        work.iter().filter_map(Weak::upgrade).for_each(|work| work.end_unattended(shared));
    }

    /// Makes results that wait for their clients let go of the version that they read.
    pub(crate) fn let_go(&self, wait_max: Duration) {
        let work: Vec<_> = self.held.lock().values().map(|held| Weak::clone(&held.work)).collect();
        work.iter().filter_map(Weak::upgrade).for_each(|work| work.let_go(wait_max));
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.held.lock().remove(&self.number);
    }
}
