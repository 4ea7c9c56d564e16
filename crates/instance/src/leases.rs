//! Who works on a database now, so that stopping it can end the work.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use types::{DatabaseName, Failure};

use crate::instance::Shared;
use crate::under_way::{End, Entry};

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

/// Who works on it.
pub(crate) enum Worker {
    /// What is listed as under way, and the alias under which its user knows the database, if he knows it by that alone.
    Listed(Arc<Entry>, Option<DatabaseName>),
    /// Something that nobody sees, by what interrupts it.
    Unseen(Arc<AtomicBool>),
}

impl Worker {
    /// Interrupts it, and whatever comes next of what is listed until that is over.
    fn interrupt(&self, own: &DatabaseName, failure: &Failure) {
        match self {
            Self::Listed(entry, None) => entry.end(End::Database(failure.clone())),
            Self::Listed(entry, Some(known)) => {
                entry.end(End::Database(failure.clone().calling(own.as_str(), known.as_str())));
            }
            Self::Unseen(interrupted) => interrupted.store(true, Ordering::Relaxed),
        }
    }
}

struct Held {
    worker: Worker,
    work: Weak<dyn Work>,
}

/// An entry among the leases, gone when it is dropped.
pub(crate) struct Lease {
    number: u64,
    held: Arc<Mutex<FxHashMap<u64, Held>>>,
}

impl Leases {
    /// Lists some work until the lease is dropped.
    pub(crate) fn take(&self, worker: Worker, work: Weak<dyn Work>) -> Lease {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.held.lock().insert(number, Held { worker, work });
        Lease { number, held: Arc::clone(&self.held) }
    }

    /// Interrupts all work on a database of this name and makes it let go.
    pub(crate) fn end_all(&self, own: &DatabaseName, failure: &Failure, wait_max: Duration) {
        let work: Vec<_> = {
            let held = self.held.lock();
            held.values().for_each(|held| held.worker.interrupt(own, failure));
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
