//! How databases stand, asked without opening them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::Database as Row;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use types::{DatabaseId, Failure};

use super::{Databases, State, Trust, is_lasting};
use crate::error::of_store;
use crate::open_database::OpenDatabase;

/// How long what a file looked like is believed.
const GLANCE_AGE_MAX: Duration = Duration::from_secs(30);

/// What the files of closed databases looked like, and when.
pub(super) type Glances = Mutex<FxHashMap<DatabaseId, (Instant, Option<Failure>)>>;

/// How a database stands.
pub(crate) enum Standing {
    /// Nobody uses it.
    Closed,
    /// Somebody opens it.
    Opening,
    /// It is open.
    Open(Arc<OpenDatabase>),
    /// It cannot be used, although it should run.
    Failed(Failure),
}

impl Databases {
    /// Tells how a database stands, as far as this process knows.
    pub(crate) fn standing(&self, id: DatabaseId) -> Standing {
        let Some(slot) = self.slots.lock().get(&id).cloned() else { return Standing::Closed };
        let state = slot.state.lock();
        match &*state {
            State::Closed => Standing::Closed,
            State::Opening => Standing::Opening,
            State::Failed(failure) => Standing::Failed(failure.clone()),
            State::Open(database) => match database.damage.get() {
                Some(failure) => Standing::Failed(failure.clone()),
                None => Standing::Open(Arc::clone(database)),
            },
        }
    }

    /// As [`Databases::standing`]; of a closed one the first pages of its file are looked at, every now and then.
    pub(crate) fn glance(&self, row: &Row) -> Standing {
        let standing = self.standing(row.id);
        if !matches!(standing, Standing::Closed) || row.name.is_system() {
            return standing;
        }
        let now = self.clock.now();
        let last = self.glances.lock().get(&row.id).cloned();
        let found = match last {
            Some((at, found)) if now.saturating_duration_since(at) < GLANCE_AGE_MAX => found,
            _ => {
                let looked = self.engine.glance(&self.folder.join(&row.folder), &self.options(row, Trust::Usual));
                let found = looked.err().map(|error| of_store(&error)).filter(is_lasting);
                self.glances.lock().insert(row.id, (now, found.clone()));
                found
            }
        };
        match (found, self.standing(row.id)) {
            (Some(failure), Standing::Closed) => Standing::Failed(failure),
            // Somebody opened it meanwhile, and knows better.
            (_, standing) => standing,
        }
    }
}
