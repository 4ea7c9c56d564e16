//! Looks at running connections: is the client still there, does it want an interrupt?

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{MissedTickBehavior, interval};

use super::wire::Wire;

/// All open connections by number.
#[derive(Default)]
pub(super) struct Watch {
    wires: Mutex<HashMap<u64, Arc<Wire>>>,
    last: AtomicU64,
}

impl Watch {
    /// Takes a connection in; it is watched until the result is dropped.
    pub(super) fn enter(self: &Arc<Self>, wire: Arc<Wire>) -> Watched {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        self.wires.lock().insert(number, wire);
        Watched { watch: Arc::clone(self), number }
    }

    /// Looks at all connections, for ever, once an interval.
    pub(super) async fn run(self: Arc<Self>, every: Duration) {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.wires.lock().values().for_each(|wire| wire.look_ahead());
        }
    }

    /// Interrupts everything that runs.
    pub(super) fn interrupt_all(&self) {
        self.wires.lock().values().for_each(|wire| wire.interrupt());
    }
}

/// A connection's place among the watched ones.
pub(super) struct Watched {
    watch: Arc<Watch>,
    number: u64,
}

impl Watched {
    /// Gives the connection's number, which no other connection of this server has.
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watch.wires.lock().remove(&self.number);
    }
}
