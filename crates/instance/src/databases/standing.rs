//! How databases stand, asked without opening them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::Database as Row;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use store::StoreError;
use types::{DatabaseId, Failure};

use super::{Databases, Refusal, State, Trust, kind_of};
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
    /// Its files cannot be had, and whoever asks next tries again.
    Unopened(Failure),
    /// It cannot be used, although it should run.
    Failed(Failure),
}

impl Standing {
    /// Of a database with which something is wrong.
    fn of(failure: Failure) -> Self {
        if kind_of(&failure) == Refusal::Lasting { Self::Failed(failure) } else { Self::Unopened(failure) }
    }

    /// Says what is wrong with it, if anything is.
    pub(crate) fn trouble(&self) -> Option<Failure> {
        match self {
            Self::Failed(failure) | Self::Unopened(failure) => Some(failure.clone()),
            Self::Open(database) if !database.graph.store().takes_writes() => Some(of_store(&StoreError::Poisoned)),
            Self::Open(_) | Self::Opening | Self::Closed => None,
        }
    }
}

impl Databases {
    /// Tells how a database stands, as far as this process knows.
    pub(crate) fn standing(&self, id: DatabaseId) -> Standing {
        let Some(slot) = self.slots.lock().get(&id).cloned() else { return Standing::Closed };
        let state = slot.state.lock();
        match &*state {
            State::Closed => Standing::Closed,
            State::Opening => Standing::Opening,
            State::Unopened(failure) => Standing::Unopened(failure.clone()),
            State::Failed(failure) => Standing::Failed(failure.clone()),
            State::Open(database) => match database.damage.get() {
                Some(failure) => Standing::Failed(failure.clone()),
                None => Standing::Open(Arc::clone(database)),
            },
        }
    }

    /// As [`Databases::standing`]; of a closed one the first pages of its file are looked at, every now and then.
    ///
    /// `is_there` tells whether it is still to be had: the files of one that is dropped go while they are looked at.
    pub(crate) fn glance(&self, row: &Row, is_there: &dyn Fn() -> bool) -> Standing {
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
                let found = looked.err().filter(StoreError::is_of_files).map(|error| of_store(&error));
                if found.is_some() && !is_there() {
                    return standing;
                }
                self.glances.lock().insert(row.id, (now, found.clone()));
                found
            }
        };
        match (found, self.standing(row.id)) {
            (Some(failure), Standing::Closed) => Standing::of(failure),
            // Somebody opened it meanwhile, and knows better.
            (_, standing) => standing,
        }
    }
}
