//! The procedures of an instance: the built-in ones, and tables declared by tests.
//! Leaves calling them to `query`.
//! Start reading at [`Procedures::find`].

mod built_in;
mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use query::procedure::Procedure;
use rustc_hash::FxHashMap;
use types::{Failure, Value};

use table::TableProcedure;

/// The procedures by their names in lower case; clones are the same set.
#[derive(Clone)]
pub(crate) struct Procedures(Arc<Known>);

struct Known {
    by_name: RwLock<FxHashMap<String, Arc<dyn Procedure>>>,
    /// Grows with every change: plans hold on to procedures.
    version: AtomicU64,
}

impl Procedures {
    /// Knows the built-in procedures; with `declares` also the one by which tests declare others.
    pub(crate) fn new(declares: bool) -> Self {
        let procedures = Self(Arc::new(Known { by_name: RwLock::default(), version: AtomicU64::new(0) }));
        built_in::all().into_iter().for_each(|procedure| procedures.add(procedure));
        if declares {
            // It keeps the set alive for ever, which only tests do.
            procedures.add(table::register(&procedures));
        }
        procedures
    }

    /// Finds a procedure by its name, in any case of letters.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<dyn Procedure>> {
        self.0.by_name.read().get(&name.to_lowercase()).cloned()
    }

    /// Adds a table, in place of an earlier one of the same name.
    pub(crate) fn register(&self, signature: &str, rows: Vec<Vec<Value>>) -> Result<(), Failure> {
        self.add(Arc::new(TableProcedure::parse(signature, rows)?));
        Ok(())
    }

    /// Gives a number that grows with every change.
    pub(crate) fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    fn add(&self, procedure: Arc<dyn Procedure>) {
        self.0.by_name.write().insert(procedure.signature().name.as_str().to_lowercase(), procedure);
        self.0.version.fetch_add(1, Ordering::Release);
    }
}
