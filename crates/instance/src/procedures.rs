//! The procedures of an instance: the built-in ones, and tables declared by tests.
//! Leaves calling them to `query`, and listing them to `listings`.
//! Start reading at [`Procedures::find`].

mod apoc_meta;
mod apoc_refactor;
mod apoc_schema;
mod apoc_util;
mod apoc_write;
mod built_in;
mod connections;
mod db_schema;
mod fulltext;
mod names;
mod sample;
mod server;
mod set_vector;
mod signature;
mod standing;
mod table;
mod vector;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;
use query::procedure::Procedure;
use rustc_hash::FxHashMap;
use types::{Code, Failure, Value};

use crate::instance::Shared;
use built_in::{BuiltIn, Home, Mode};
use table::TableProcedure;

pub(crate) use server::{NEO4J_VERSION, Setting, settings};

/// The statement by which those who play openCypher's tests empty a database before each of them.
const EMPTYING: &str = "MATCH (n) DETACH DELETE n";

/// The procedures by their names in lower case; clones are the same set.
#[derive(Clone)]
pub(crate) struct Procedures(Arc<Known>);

struct Known {
    by_name: RwLock<FxHashMap<String, Entry>>,
    /// Grows with every change: plans hold on to procedures.
    version: AtomicU64,
    home: Home,
    /// Whether tests may declare procedures.
    declares: bool,
}

#[derive(Clone)]
struct Entry {
    procedure: Arc<dyn Procedure>,
    description: &'static str,
    mode: Mode,
    /// Whether a test declared it.
    is_declared: bool,
}

/// A procedure as the listing shows it.
pub(crate) struct Listed {
    pub(crate) procedure: Arc<dyn Procedure>,
    pub(crate) description: &'static str,
    pub(crate) mode: &'static str,
    pub(crate) works_on_system: bool,
}

impl Listed {
    /// Writes a field of the signature: `name = default :: TYPE`.
    pub(crate) fn field(field: &query::procedure::Field) -> String {
        signature::shown(field)
    }
}

impl Procedures {
    /// Knows the built-in procedures; with `declares` also the one by which tests declare others.
    pub(crate) fn new(declares: bool) -> Self {
        let home = Home::default();
        let known = Known { by_name: RwLock::default(), version: AtomicU64::new(0), home: Arc::clone(&home), declares };
        let procedures = Self(Arc::new(known));
        for made in built_in::all(&home) {
            let row = made.row;
            let procedure: Arc<BuiltIn> = made;
            procedures.add(Entry { procedure, description: row.description, mode: row.mode, is_declared: false });
        }
        if declares {
            // It keeps the set alive for ever, which only tests do.
            procedures.add(Entry {
                procedure: table::register(&procedures),
                description: "Declares a procedure for a test.",
                mode: Mode::Dbms,
                is_declared: false,
            });
        }
        procedures
    }

    /// Tells the procedures of which instance they are, once it is whole.
    pub(crate) fn settle(&self, shared: &Arc<Shared>) {
        // A second instance over the same set cannot be: each makes its own.
        let _ = OnceLock::set(&self.0.home, Arc::downgrade(shared));
    }

    /// Finds a procedure by its name, in any case of letters.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<dyn Procedure>> {
        self.0.by_name.read().get(&name.to_lowercase()).map(|entry| Arc::clone(&entry.procedure))
    }

    /// Suggests the procedure whose name is nearest to a misspelt one.
    pub(crate) fn nearest(&self, name: &str) -> Option<String> {
        let known = self.0.by_name.read();
        let names = known.values().map(|entry| entry.procedure.signature().name.as_str());
        query::functions::nearest_of(name, names).map(str::to_owned)
    }

    /// Lists all procedures, sorted by name.
    pub(crate) fn all(&self) -> Vec<Listed> {
        let mut entries: Vec<Entry> = self.0.by_name.read().values().cloned().collect();
        entries.sort_by(|left, right| left.procedure.signature().name.cmp(&right.procedure.signature().name));
        let listed = |entry: Entry| Listed {
            procedure: entry.procedure,
            description: entry.description,
            mode: entry.mode.name(),
            works_on_system: entry.mode == Mode::Dbms,
        };
        entries.into_iter().map(listed).collect()
    }

    /// Adds a table, in place of an earlier one of the same name.
    pub(crate) fn register(&self, signature: &str, rows: Vec<Vec<Value>>) -> Result<(), Failure> {
        let procedure = Arc::new(TableProcedure::parse(signature, rows)?);
        let name = &query::procedure::Procedure::signature(&*procedure).name;
        if self.0.by_name.read().get(name.as_str().to_lowercase().as_str()).is_some_and(|entry| !entry.is_declared) {
            let text = format!("There is a procedure '{name}' already, and no test declared it.");
            return Err(Failure::new(Code::ArgumentError, text));
        }
        self.add(Entry { procedure, description: "", mode: Mode::Read, is_declared: true });
        Ok(())
    }

    /// Forgets what tests declared, where a statement begins the next test: it empties the database.
    pub(crate) fn forget_declared_before(&self, statement: &str) {
        if self.0.declares && statement == EMPTYING {
            let mut by_name = self.0.by_name.write();
            let before = by_name.len();
            by_name.retain(|_, entry| !entry.is_declared);
            if by_name.len() < before {
                self.0.version.fetch_add(1, Ordering::Release);
            }
        }
    }

    /// Gives a number that grows with every change.
    pub(crate) fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    fn add(&self, entry: Entry) {
        let name = entry.procedure.signature().name.as_str().to_lowercase();
        self.0.by_name.write().insert(name, entry);
        self.0.version.fetch_add(1, Ordering::Release);
    }
}
