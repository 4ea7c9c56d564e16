//! The line of those who wait for a turn: start-time fair queueing over databases.
//! Leaves what counts as long, and who has to wait at all, to its callers.
//! Start reading at [`Line::call_next`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use compact_str::CompactString;
use parking_lot::Condvar;
use rustc_hash::FxHashMap;

use super::shares::Share;

/// Databases that are remembered although none of their statements waits or has a turn.
const REMEMBERED_MAX: usize = 1_024;

/// Turns that are taken, and who waits for one.
pub(super) struct Line {
    turns_max: usize,
    pub(super) taken: usize,
    queues: FxHashMap<CompactString, Queue>,
    /// Databases with somebody in line.
    pub(super) waiting: Vec<CompactString>,
    /// What the database had computed whose statement got the latest turn.
    reached: Duration,
}

/// What one database has of the turns.
#[derive(Default)]
struct Queue {
    /// By its weight: who weighs twice as much has half of what it took.
    computed: Duration,
    taken: usize,
    waiting: VecDeque<Arc<Seat>>,
}

/// Where one statement waits.
#[derive(Default)]
pub(super) struct Seat {
    is_called: AtomicBool,
    pub(super) wake: Condvar,
}

impl Seat {
    pub(super) fn is_called(&self) -> bool {
        self.is_called.load(Ordering::Acquire)
    }
}

impl Line {
    pub(super) fn new(turns_max: usize) -> Self {
        Self { turns_max, taken: 0, queues: FxHashMap::default(), waiting: Vec::new(), reached: Duration::ZERO }
    }

    /// Takes a turn if there is one that nobody waits for.
    pub(super) fn try_take(&mut self, share: &Share) -> bool {
        let is_free = self.waiting.is_empty() && self.taken < self.turns_max;
        if is_free {
            self.take(&share.database);
        }
        is_free
    }

    /// Waits at the end of the database's part of the line; who is next is called.
    pub(super) fn wait(&mut self, share: &Share) -> Arc<Seat> {
        let seat = Arc::new(Seat::default());
        let queue = self.queue(&share.database);
        queue.waiting.push_back(Arc::clone(&seat));
        if queue.waiting.len() == 1 {
            self.waiting.push(share.database.clone());
        }
        // Who gave back its turn just now may be the first again.
        self.call_next();
        seat
    }

    /// Waits no more.
    pub(super) fn give_up(&mut self, share: &Share, seat: &Arc<Seat>) {
        let queue = self.queue(&share.database);
        queue.waiting.retain(|other| !Arc::ptr_eq(other, seat));
        if queue.waiting.is_empty() {
            self.waiting.retain(|name| *name != share.database);
        }
    }

    /// Gives a turn back, in which so much was computed.
    pub(super) fn give_back(&mut self, share: &Share, computed: Duration) {
        self.taken -= 1;
        if let Some(queue) = self.queues.get_mut(&share.database) {
            queue.taken -= 1;
            queue.computed += computed.div_f64(share.weight());
        }
        if self.queues.len() > REMEMBERED_MAX {
            self.queues.retain(|_, queue| queue.taken > 0 || !queue.waiting.is_empty());
        }
        self.call_next();
    }

    /// Gives free turns to those whose databases computed least.
    fn call_next(&mut self) {
        while self.taken < self.turns_max {
            let Some((at, computed)) = self.first() else { return };
            self.reached = self.reached.max(computed);
            let name = self.waiting[at].clone();
            let Some(queue) = self.queues.get_mut(&name) else { return };
            let seat = queue.waiting.pop_front();
            if queue.waiting.is_empty() {
                self.waiting.swap_remove(at);
            }
            if let Some(seat) = seat {
                self.take(&name);
                seat.is_called.store(true, Ordering::Release);
                seat.wake.notify_one();
            }
        }
    }

    /// Finds who is next, and what the database has computed so far.
    fn first(&self) -> Option<(usize, Duration)> {
        let computed = |name| self.queues.get(name).map_or(Duration::ZERO, |queue| queue.computed);
        let places = self.waiting.iter().enumerate();
        places.map(|(at, name)| (at, computed(name))).min_by_key(|(_, computed)| *computed)
    }

    fn take(&mut self, database: &CompactString) {
        self.taken += 1;
        self.queue(database).taken += 1;
    }

    /// Finds a database's queue; one that was away starts where the others are now.
    fn queue(&mut self, database: &CompactString) -> &mut Queue {
        if !self.queues.contains_key(database) {
            self.queues.insert(database.clone(), Queue::default());
        }
        let queue = self.queues.get_mut(database).expect("it was put there");
        if queue.taken == 0 && queue.waiting.is_empty() {
            queue.computed = queue.computed.max(self.reached);
        }
        queue
    }
}

#[cfg(test)]
mod tests {
    use types::{Clock, SystemClock};

    use super::super::shares::Shares;
    use super::*;

    #[test]
    fn who_weighs_more_has_taken_less() {
        let now = SystemClock.now();
        let shares = Shares::new(now);
        shares.weigh("heavy", Some(300));
        let (heavy, light) = (shares.of(&"heavy".into(), now), shares.of(&"light".into(), now));
        let mut line = Line::new(1);
        assert!(line.try_take(&heavy) && !line.try_take(&light));
        line.give_back(&heavy, Duration::from_millis(3));
        assert!(line.try_take(&light));
        let seats = [line.wait(&light), line.wait(&heavy)];
        line.give_back(&light, Duration::from_millis(2));
        assert_eq!(seats.map(|seat| seat.is_called()), [false, true], "3 ms of three times the weight are 1 ms");
    }
}
