//! Plans that are kept by the text of their statement, and when they are stale.
//! Leaves making them to `planning`.
//! Start reading at [`Plans::find`].

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use catalog::Target;
use cypher::ast::Mode;
use graph::Database;
use graph::keys::Counted;
use parking_lot::Mutex;
use query::Prepared;
use rustc_hash::FxHashMap;
use types::{DatabaseId, Failure};

use crate::error::of_graph;
use crate::planning::First;

/// Longest text whose plan is kept: longer ones are data, and come once.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// By how much a count may differ before a plan made for it is made again, beside doubling.
const COUNT_SLACK: u64 = 1_000;

/// The plans of an instance; a bounded number, the longest unused goes first.
pub(crate) struct Plans {
    hasher: RandomState,
    kept_max: usize,
    tick: AtomicU64,
    kept: Mutex<FxHashMap<u64, Kept>>,
}

struct Kept {
    database: DatabaseId,
    text: Box<str>,
    used_at: u64,
    planned: Arc<Planned>,
}

/// A plan, and what it was made for.
pub(crate) struct Planned {
    pub(crate) prepared: Prepared,
    pub(crate) mode: Mode,
    /// The databases by number; the first is the session's own.
    pub(crate) sources: Vec<PlannedSource>,
    /// By what name it means the first.
    pub(crate) first: First,
    /// The first of them that it asks anything of: the second where `USE` stands in place of the session's own.
    pub(crate) touched: usize,
    pub(crate) versions: Versions,
    /// Whether it may ask for the number of the line that `LOAD CSV` read last.
    pub(crate) counts_lines: bool,
    /// Whether it may ask which graphs there are.
    pub(crate) asks_graphs: bool,
    /// Whether it serves these parameters only: they name a database.
    pub(crate) is_personal: bool,
}

/// What every plan relies on, whatever its databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Versions {
    /// Which names there are.
    pub(crate) catalog: u64,
    /// Which procedures there are.
    pub(crate) procedures: u64,
}

/// A database that a plan reads or writes.
pub(crate) struct PlannedSource {
    pub(crate) target: Target,
    /// As what else the statement names it; whoever uses the plan has the same rights under each.
    pub(crate) names: Vec<Target>,
    /// What the plan relies on; `system` has nothing to rely on.
    pub(crate) basis: Option<Basis>,
    /// Which rights it was made by: plans follow the counts that their user may know.
    pub(crate) sight: u64,
}

/// What a plan relies on in one database.
pub(crate) struct Basis {
    schema_version: u64,
    nodes: u64,
    relationships: u64,
    /// The version of the database at which the counts were compared last.
    compared_at: AtomicU64,
}

impl Plans {
    /// Keeps at most `kept_max` plans.
    pub(crate) fn new(kept_max: usize) -> Self {
        Self { hasher: RandomState::new(), kept_max, tick: AtomicU64::new(0), kept: Mutex::default() }
    }

    /// Finds the plan of a text, if names and procedures are still as they were then.
    ///
    /// `sight` is the fingerprint of the rights that the user has in the database.
    pub(crate) fn find(
        &self,
        database: DatabaseId,
        sight: u64,
        text: &str,
        versions: Versions,
    ) -> Option<Arc<Planned>> {
        let key = self.hasher.hash_one((database, sight, text));
        let mut kept = self.kept.lock();
        let found = kept.get_mut(&key)?;
        if found.database != database || *found.text != *text || found.planned.versions != versions {
            return None;
        }
        found.used_at = self.tick.fetch_add(1, Ordering::Relaxed);
        Some(Arc::clone(&found.planned))
    }

    /// Keeps a plan, as made by somebody of this `sight`.
    pub(crate) fn keep(&self, database: DatabaseId, sight: u64, text: &str, planned: &Arc<Planned>) {
        if text.len() > TEXT_BYTES_MAX {
            return;
        }
        let key = self.hasher.hash_one((database, sight, text));
        let used_at = self.tick.fetch_add(1, Ordering::Relaxed);
        let mut kept = self.kept.lock();
        if kept.len() >= self.kept_max
            && !kept.contains_key(&key)
            && let Some(oldest) = kept.iter().min_by_key(|(_, kept)| kept.used_at).map(|(key, _)| *key)
        {
            kept.remove(&oldest);
        }
        kept.insert(key, Kept { database, text: text.into(), used_at, planned: Arc::clone(planned) });
    }

    /// Counts the plans that are kept.
    pub(crate) fn count(&self) -> usize {
        self.kept.lock().len()
    }
}

impl Basis {
    /// Notes what a plan that is about to be made relies on.
    pub(crate) fn of(database: &Database) -> Result<Self, Failure> {
        let transaction = database.begin_read().map_err(of_graph)?;
        let count = |counted| transaction.count(counted).map_err(of_graph);
        Ok(Self {
            schema_version: transaction.schema_version(),
            nodes: count(Counted::Nodes)?,
            relationships: count(Counted::Relationships)?,
            compared_at: AtomicU64::new(transaction.version()),
        })
    }

    /// Tells whether indexes and constraints are as they were.
    pub(crate) fn has_schema(&self, version: u64) -> bool {
        self.schema_version == version
    }

    /// Tells whether a plan made on this basis suits the database as it is now.
    pub(crate) fn holds(&self, database: &Database) -> Result<bool, Failure> {
        if !self.has_schema(database.schema_version()) {
            return Ok(false);
        }
        if self.compared_at.load(Ordering::Relaxed) == database.version() {
            return Ok(true);
        }
        let now = Self::of(database)?;
        let alike = is_alike(self.nodes, now.nodes) && is_alike(self.relationships, now.relationships);
        if alike {
            self.compared_at.store(now.compared_at.into_inner(), Ordering::Relaxed);
        }
        Ok(alike)
    }
}

fn is_alike(then: u64, now: u64) -> bool {
    let (less, more) = (then.min(now), then.max(now));
    more <= less.saturating_mul(2).saturating_add(COUNT_SLACK)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use types::Map;

    use super::*;
    use crate::{Instance, InstanceOptions, RunOptions};

    #[test]
    fn the_longest_unused_plan_goes_first() {
        let instance = Instance::in_memory(InstanceOptions::new(Path::new("/nowhere"))).expect("memory has room");
        let mut session = instance.log_in(None).expect("there are no passwords");
        let names = instance.shared.catalog.names();
        let (own, catalog) = (names.default_database().id, names.version());
        let versions = Versions { catalog, procedures: instance.shared.procedures.version() };
        let texts = ["RETURN 1 AS x", "RETURN 2 AS x", "RETURN 3 AS x"];
        let plans = Plans::new(2);
        for text in texts {
            session.run(text, Map::new(), &RunOptions::default()).expect("runs");
            let planned = instance.shared.plans.find(own, 0, text, versions).expect("it was kept");
            plans.keep(own, 0, text, &planned);
            plans.find(own, 0, texts[0], versions);
        }
        let kept = texts.map(|text| plans.find(own, 0, text, versions).is_some());
        assert_eq!((plans.count(), kept), (2, [true, false, true]));
        let other = Versions { catalog: catalog + 1, ..versions };
        assert!(plans.find(own, 0, texts[0], other).is_none(), "a name may mean something else now");
    }

    #[test]
    fn counts_are_alike_within_twice_and_a_thousand() {
        let check = |then, now, expected| assert_eq!((is_alike(then, now), is_alike(now, then)), (expected, expected));
        check(0, 1_000, true);
        check(0, 1_001, false);
        check(10_000, 21_000, true);
        check(10_000, 21_001, false);
        check(u64::MAX, u64::MAX / 2, true);
    }
}
