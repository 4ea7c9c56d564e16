//! Lets readers in while the map stands, and nobody while it is being replaced.
//! Knows neither LMDB nor files; `store` closes the gate, `snapshot` carries a pass.
//! Start reading at [`Gate::enter`].

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::StoreError;

/// How long a new snapshot stands back for somebody who wants to replace the map.
///
/// Not longer, because its thread may hold another snapshot already, and then both would wait for each other.
const STAND_BACK_MAX: Duration = Duration::from_millis(50);

/// Who may use the map now.
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
    readers_max: u32,
}

#[derive(Default)]
struct State {
    /// Everyone inside, snapshots included.
    inside: u32,
    /// Snapshots inside; these are bounded.
    readers: u32,
    door: Door,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Door {
    #[default]
    Open,
    /// Somebody waits to replace the map.
    Closing,
    /// Somebody replaces the map.
    Shut,
}

/// Why somebody goes in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Visit {
    /// A snapshot, one of at most `readers_max`.
    Snapshot,
    /// Our own look at the map: short, and not counted.
    Look,
}

impl Gate {
    pub(super) fn new(readers_max: u32) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), changed: Condvar::new(), readers_max })
    }

    /// Goes in, after waiting for a replacement of the map to end.
    pub(super) fn enter(self: &Arc<Self>, visit: Visit) -> Result<Pass, StoreError> {
        let mut state = self.state.lock();
        if visit == Visit::Snapshot {
            self.changed.wait_while_for(&mut state, |state| state.door == Door::Closing, STAND_BACK_MAX);
        }
        self.changed.wait_while(&mut state, |state| state.door == Door::Shut);
        if visit == Visit::Snapshot {
            if state.readers >= self.readers_max {
                return Err(StoreError::Readers { readers_max: self.readers_max });
            }
            state.readers += 1;
        }
        state.inside += 1;
        Ok(Pass { gate: Arc::clone(self), visit })
    }

    /// Closes the gate once everyone is out, or gives up after `wait_max`; one caller at a time.
    pub(super) fn close(&self, wait_max: Duration) -> Result<Closed<'_>, StoreError> {
        let mut state = self.state.lock();
        state.door = Door::Closing;
        self.changed.wait_while_for(&mut state, |state| state.inside > 0, wait_max);
        let readers = state.inside;
        if readers == 0 {
            state.door = Door::Shut;
        }
        drop(state);
        let closed = Closed { gate: self };
        if readers > 0 { Err(StoreError::Busy { readers }) } else { Ok(closed) }
    }

    /// Tells how many snapshots are open.
    pub(super) fn readers(&self) -> u32 {
        self.state.lock().readers
    }
}

/// Lets its holder use the map; going out is dropping it.
pub(super) struct Pass {
    gate: Arc<Gate>,
    visit: Visit,
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut state = self.gate.state.lock();
        state.inside -= 1;
        if self.visit == Visit::Snapshot {
            state.readers -= 1;
        }
        if state.inside == 0 {
            self.gate.changed.notify_all();
        }
    }
}

/// Keeps everybody out until dropped.
pub(super) struct Closed<'g> {
    gate: &'g Gate,
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.gate.state.lock().door = Door::Open;
        self.gate.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closes_when_the_last_reader_left() {
        let gate = Gate::new(8);
        let pass = gate.enter(Visit::Snapshot).expect("open");
        assert!(matches!(gate.close(Duration::from_millis(5)), Err(StoreError::Busy { readers: 1 })));
        std::thread::scope(|scope| {
            let closer = scope.spawn(|| gate.close(Duration::from_secs(30)).map(drop));
            drop(pass);
            assert!(closer.join().expect("no panic").is_ok());
        });
        assert!(gate.enter(Visit::Look).is_ok());
    }

    #[test]
    fn a_second_snapshot_of_one_thread_gets_through() {
        let gate = Gate::new(8);
        let first = gate.enter(Visit::Snapshot).expect("open");
        std::thread::scope(|scope| {
            let closer = scope.spawn(|| gate.close(Duration::from_secs(30)).map(drop));
            while gate.state.lock().door != Door::Closing {
                std::thread::yield_now();
            }
            let second = gate.enter(Visit::Snapshot).expect("in spite of the closer");
            drop((first, second));
            assert!(closer.join().expect("no panic").is_ok());
        });
    }

    #[test]
    fn bounds_snapshots_only() {
        let gate = Gate::new(1);
        let _one = gate.enter(Visit::Snapshot).expect("open");
        assert!(matches!(gate.enter(Visit::Snapshot), Err(StoreError::Readers { readers_max: 1 })));
        assert!(gate.enter(Visit::Look).is_ok());
        assert_eq!(gate.readers(), 1);
    }
}
