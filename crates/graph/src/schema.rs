//! The indexes and constraints of one open database, by the version of the commit that last changed them.
//! Leaves their bytes to `codec` and their entries to the commit; an optimisation of asking the store each time.
//! Start reading at [`Schemas::of`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use types::IndexId;

use crate::codec::fact::{ConstraintDefinition, IndexDefinition};
use crate::error::GraphError;
use crate::read::{IndexSize, View};

/// Schemas that are remembered: the current one, and those that a snapshot taken just now may still have.
const KEPT_MAX: usize = 4;

/// The indexes and constraints as the commits since some version have them.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    /// The first commit version that has exactly these, as far as this process knows.
    pub since: u64,
    pub indexes: Arc<[IndexDefinition]>,
    pub constraints: Arc<[ConstraintDefinition]>,
}

/// The latest schemas of a database, and what was estimated about their indexes.
#[derive(Debug)]
pub(crate) struct Schemas {
    /// Ascending by version.
    kept: Mutex<Vec<Schema>>,
    current: AtomicU64,
    sizes: Mutex<FxHashMap<IndexId, IndexSize>>,
}

impl Schemas {
    /// Begins with nothing known about a database of this version.
    pub fn new(version: u64) -> Self {
        Self { kept: Mutex::default(), current: AtomicU64::new(version), sizes: Mutex::default() }
    }

    /// Gives the version of the last commit that changed the indexes.
    pub fn current(&self) -> u64 {
        self.current.load(Ordering::Acquire)
    }

    /// Gives the indexes of a view whose version is `version`, reading them only if nobody did before.
    pub fn of(&self, version: u64, view: View<'_>) -> Result<Schema, GraphError> {
        if let Some(known) = self.kept.lock().iter().rev().find(|schema| schema.since <= version) {
            return Ok(known.clone());
        }
        let schema =
            Schema { since: version, indexes: view.indexes()?.into(), constraints: view.constraints()?.into() };
        self.keep(schema.clone());
        // After [`Schemas::forget`] it has another number than it had.
        self.current.fetch_max(version, Ordering::AcqRel);
        Ok(schema)
    }

    /// Announces what the commit that is about to be written has: a snapshot may see it before the writer returns.
    pub fn announce(&self, schema: Schema) {
        self.keep(schema);
    }

    /// Says that the announced schema of `version` is durable.
    pub fn publish(&self, version: u64) {
        self.sizes.lock().clear();
        self.current.store(version, Ordering::Release);
    }

    /// Forgets everything after a write whose outcome may be unclear; the store is asked again.
    pub fn forget(&self) {
        self.kept.lock().clear();
    }

    /// Gives what was estimated about an index, if it had about as many entries then.
    pub fn size(&self, index: IndexId, entries: u64) -> Option<IndexSize> {
        let size = *self.sizes.lock().get(&index)?;
        (size.entries.abs_diff(entries) <= size.entries / 8).then_some(size)
    }

    /// Remembers an estimate.
    pub fn keep_size(&self, index: IndexId, size: IndexSize) {
        self.sizes.lock().insert(index, size);
    }

    fn keep(&self, schema: Schema) {
        let mut kept = self.kept.lock();
        let at = kept.partition_point(|known| known.since <= schema.since);
        if at.checked_sub(1).is_some_and(|before| kept[before].since == schema.since) {
            kept[at - 1] = schema;
        } else {
            kept.insert(at, schema);
        }
        if kept.len() > KEPT_MAX {
            kept.remove(0);
        }
    }
}
