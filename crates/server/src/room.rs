//! Who has a place among the connections of a face, and who gives his up for one that comes: those that do nothing, the one
//! that has for longest first.
//! Leaves to the faces what it is to do nothing.
//! Start reading at [`Room::enter`].

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The places of a face.
pub(crate) struct Room {
    places_max: usize,
    state: Mutex<State>,
    /// A place may have become free.
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Numbers seats, and the moments at which they begin to rest.
    next: u64,
    /// Since when each one rests, by its number; nothing of one that works.
    taken: HashMap<u64, Option<u64>>,
    /// Those that rest, by the moment.
    resting: BTreeMap<u64, (u64, Arc<Notify>)>,
}

impl Room {
    /// Makes room for so many connections.
    pub(crate) fn new(places_max: usize) -> Self {
        Self { places_max, state: Mutex::default(), changed: Notify::new() }
    }

    /// Takes a place for a connection, which rests until it says otherwise. If all are taken, the one that has rested for
    /// longest is told to leave and gives his up at once; if all work, there is none.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Seat> {
        let mut state = self.state.lock();
        if state.taken.len() >= self.places_max {
            let (_, (number, leave)) = state.resting.pop_first()?;
            state.taken.remove(&number);
            leave.notify_one();
        }
        state.next += 1;
        let (number, leave) = (state.next, Arc::new(Notify::new()));
        state.rest(number, &leave);
        let (working, used) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Some(Seat { room: Arc::clone(self), number, leave, working, used })
    }

    /// Waits until it may be worth asking again.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl State {
    fn rest(&mut self, number: u64, leave: &Arc<Notify>) {
        self.next += 1;
        let moment = self.next;
        self.taken.insert(number, Some(moment));
        self.resting.insert(moment, (number, Arc::clone(leave)));
    }

    /// Takes one from among those that rest; tells whether it has its place still.
    fn wake(&mut self, number: u64) -> bool {
        let Some(since) = self.taken.get_mut(&number) else { return false };
        if let Some(moment) = since.take() {
            self.resting.remove(&moment);
        }
        true
    }
}

/// A connection's place, given back when it is dropped.
pub(crate) struct Seat {
    room: Arc<Room>,
    number: u64,
    leave: Arc<Notify>,
    /// How much it works on.
    working: AtomicUsize,
    /// How often it began to.
    used: AtomicUsize,
}

impl Seat {
    /// Says that the connection works now. Tells whether it has its place still; who was told to leave should.
    pub(crate) fn works(&self) -> bool {
        self.working.fetch_add(1, Ordering::AcqRel);
        self.used.fetch_add(1, Ordering::AcqRel);
        self.room.state.lock().wake(self.number)
    }

    /// Says that what it worked on is over; with the last of it, it rests.
    pub(crate) fn rests(&self) {
        if self.working.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        let mut state = self.room.state.lock();
        if state.taken.contains_key(&self.number) && !self.is_working() {
            state.wake(self.number);
            state.rest(self.number, &self.leave);
            drop(state);
            self.room.changed.notify_one();
        }
    }

    /// Tells whether the connection works.
    pub(crate) fn is_working(&self) -> bool {
        self.working.load(Ordering::Acquire) > 0
    }

    /// Tells whether it ever did.
    pub(crate) fn was_used(&self) -> bool {
        self.used.load(Ordering::Acquire) > 0
    }

    /// Waits until the connection is told to leave, since another one has its place.
    pub(crate) async fn told_to_leave(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.room.state.lock();
        if state.wake(self.number) {
            state.taken.remove(&self.number);
            drop(state);
            self.room.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells whether somebody was told to leave.
    fn is_told(seat: &Seat) -> bool {
        let mut told = std::pin::pin!(seat.told_to_leave());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        told.as_mut().poll(&mut context).is_ready()
    }

    #[test]
    fn d3_who_rests_for_longest_goes_first_and_who_works_stays() {
        let room = Arc::new(Room::new(2));
        let [first, second] = [room.enter().expect("room"), room.enter().expect("room")];
        assert!(first.works());
        let third = room.enter().expect("the second does nothing");
        assert!(!is_told(&first) && is_told(&second) && !second.works(), "its place is another's");
        assert!(third.works());
        assert!(room.enter().is_none(), "all work");
        // What left gives nothing back.
        drop(second);
        assert!(room.enter().is_none(), "all work");
        first.rests();
        third.rests();
        assert!(third.works());
        third.rests();
        let fourth = room.enter().expect("the first has rested for longer");
        assert!(is_told(&first) && !is_told(&third));
        drop(fourth);
        assert!(third.works() && room.enter().is_some(), "its place is free");
    }
}
