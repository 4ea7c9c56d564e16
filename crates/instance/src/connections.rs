//! The connections that clients hold: each session that came from somewhere, with whom it belongs to.
//! Leaves sessions that others may end or come back to, to `session_list`.
//! Start reading at [`Connections::enter`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use catalog::{Names, Principal};
use parking_lot::Mutex;

use crate::instance::Shared;
use crate::under_way::Origin;

/// Every connection of an instance, by the number of its session.
#[derive(Default)]
pub(crate) struct Connections(Arc<Mutex<Listed>>);

type Listed = BTreeMap<u64, Arc<Connection>>;

/// One connection as others see it.
pub(crate) struct Connection {
    /// Who logged in.
    pub(crate) owner: Principal,
    pub(crate) origin: Arc<Origin>,
    /// When it began, in nanoseconds since 1970.
    pub(crate) since_nanos: i128,
    interrupted: Arc<AtomicBool>,
}

/// A connection's place in the list, gone when it is dropped.
pub(crate) struct Connected {
    number: u64,
    listed: Arc<Mutex<Listed>>,
}

impl Connections {
    /// Lists a connection until the place is dropped; `now_nanos` is when its session began.
    pub(crate) fn enter(
        &self,
        number: u64,
        owner: Principal,
        origin: Arc<Origin>,
        interrupted: &Arc<AtomicBool>,
        now_nanos: i128,
    ) -> Connected {
        let since_nanos = origin.since_nanos.unwrap_or(now_nanos);
        let connection = Connection { owner, origin, since_nanos, interrupted: Arc::clone(interrupted) };
        self.0.lock().insert(number, Arc::new(connection));
        Connected { number, listed: Arc::clone(&self.0) }
    }

    /// Gives all of them, the oldest first. One over HTTP is there once for each session that it has.
    pub(crate) fn all(&self) -> Vec<Arc<Connection>> {
        self.0.lock().values().cloned().collect()
    }
}

impl Connection {
    /// Names the user; empty while nobody needs a password.
    pub(crate) fn user<'n>(&'n self, names: &'n Names) -> &'n str {
        catalog::access::told_user(names, &self.owner).unwrap_or_default()
    }

    /// Ends what it does and whatever it would do next; its face closes it.
    ///
    /// The one from which that is asked has its answer first.
    pub(crate) fn end(&self, shared: &Shared, is_own: bool) {
        let all = shared.sessions.all(shared.options.clock.now());
        let listed = all.iter().find(|session| session.is_of(&self.interrupted));
        match (listed, is_own) {
            (Some(session), false) => shared.sessions.end(session),
            (Some(session), true) => session.end_next(),
            (None, false) => self.interrupted.store(true, Ordering::Relaxed),
            // A request over HTTP ends with its answer.
            (None, true) => {}
        }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.listed.lock().remove(&self.number);
    }
}
