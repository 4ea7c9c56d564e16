//! Who is logged in, within bounds: all of them together, and each user.
//! Leaves who he is to the session, and connections that are nobody's yet to `room`.
//! Start reading at [`Logins::enter`].

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use types::{Code, Failure, Refusal, SetBy};

use crate::sessions::Session;

/// What somebody hears for whom there is no place.
pub(super) const NO_ROOM: &str = "the server has no room for another connection; try again later";

/// The connections that are somebody's.
pub(super) struct Logins {
    all_max: usize,
    /// Those of one user; nothing for no bound.
    user_max: Option<usize>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    all: usize,
    /// By what stands for them, whatever they are called.
    users: HashMap<String, usize>,
}

impl Logins {
    /// Begins with nobody.
    pub(super) fn new(all_max: usize, user_max: Option<usize>) -> Self {
        Self { all_max, user_max, state: Mutex::default() }
    }

    /// Counts somebody until the result is dropped, or refuses him. An operator finds a place where others do not: there are
    /// more connections than logins.
    pub(super) fn enter(self: &Arc<Self>, session: &dyn Session) -> Result<LoggedIn, Failure> {
        let (user, is_operator) = (session.identity(), session.is_operator());
        let mut state = self.state.lock();
        if state.all >= self.all_max && !is_operator {
            return Err(no_room());
        }
        let own = state.users.get(&user).copied().unwrap_or_default();
        // Where nobody needs a password, all are nobody.
        let user_max = self.user_max.filter(|_| !is_operator && !user.is_empty());
        if let Some(max) = user_max.filter(|max| own >= *max) {
            return Err(too_many(&session.user(), max));
        }
        state.all += 1;
        state.users.insert(user.clone(), own + 1);
        Ok(LoggedIn { logins: Arc::clone(self), user })
    }
}

#[cold]
fn too_many(user: &str, max: usize) -> Failure {
    let text = format!(
        "User '{user}' has {max} connections to the server, as many as one user may have; close some. The setting \
         bolt_connections_per_user_max says how many there may be."
    );
    let used = max as u64;
    let (limit, database, set_by) = ("bolt_connections_per_user_max", String::new(), SetBy::Server);
    let refusal = Refusal { limit, database, set_by, max: used, used, wanted: Some(1), retry_after: None };
    Failure::new(Code::TooManyConnections, text).because_of(refusal)
}

/// Says that there is no place.
pub(super) fn no_room() -> Failure {
    Failure::new(Code::ResourceExhausted, NO_ROOM)
}

/// Somebody who is counted.
pub(super) struct LoggedIn {
    logins: Arc<Logins>,
    user: String,
}

impl Drop for LoggedIn {
    fn drop(&mut self) {
        let mut state = self.logins.state.lock();
        state.all -= 1;
        if let Some(own) = state.users.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                state.users.remove(&self.user);
            }
        }
    }
}
