//! One open database: its graph, and what those who work on it share.
//! Leaves when it is opened and closed to `databases`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use catalog::{Database as Row, Limit};
use compact_str::CompactString;
use graph::quota::Quota;
use graph::{Database, DatabaseOptions, GraphError};
use parking_lot::{Mutex, RwLock};
use store::journal::{Journaled, Keep};
use store::{Engine, OpenOptions, Store};
use types::{Clock, Code, DatabaseId, Failure};

use crate::databases::Place;
use crate::error::{name_refusal, of_graph, of_store};
use crate::index_reads::IndexReads;
use crate::leases::Leases;
use crate::limits::Meter;
use crate::schema_turn::SchemaTurn;

/// How long a result that is half read may take to let go of its version.
const LET_GO_TIME_MAX: Duration = Duration::from_secs(1);

/// One open database; whoever holds one keeps it open.
pub(crate) struct OpenDatabase {
    pub(crate) graph: Database,
    /// The journal of its commits, on or off.
    pub(crate) journal: Arc<Journaled>,
    /// What bounds it, what is used of that, and what it is called now.
    pub(crate) meter: Arc<Meter>,
    /// Which files it has.
    place: (DatabaseId, PathBuf, bool),
    /// What the element ids of nodes begin with.
    pub(crate) node_prefix: String,
    /// What the element ids of relationships begin with.
    pub(crate) relationship_prefix: String,
    /// Who works on it, to be told when it is stopped.
    pub(crate) leases: Leases,
    /// Held by a writing statement that met conflicts again and again: one of them runs at a time.
    pub(crate) unlucky: Mutex<()>,
    /// Shared by writing statements; held alone by one that would never get through otherwise.
    pub(crate) gate: RwLock<()>,
    /// Whose turn it is to change the schema in an explicit transaction.
    pub(crate) schema_turn: Arc<SchemaTurn>,
    /// When somebody asked for it last, on the clock of the registry.
    pub(crate) used_at_millis: AtomicU64,
    /// Whether its store failed as it should not: it has to be opened again, which looks at the file first.
    is_worn: AtomicBool,
    /// How often its indexes were read.
    pub(crate) index_reads: IndexReads,
    /// What was found damaged while it was in use.
    pub(crate) damage: OnceLock<Failure>,
}

impl OpenDatabase {
    /// Opens the graph in `folder`, and confirms that the first reads went well.
    pub(crate) fn open(
        engine: &dyn Engine,
        folder: &Path,
        row: &Row,
        options: &OpenOptions,
        meter: Arc<Meter>,
        (keep, clock): (Option<Keep>, Arc<dyn Clock>),
    ) -> Result<Self, Failure> {
        let store = engine.open(folder, options).map_err(|error| of_store(&error))?;
        let journal = Journaled::open(store, folder.join(store::journal::FOLDER), row.id.0, keep, clock);
        let journal = Arc::new(journal.map_err(|error| of_store(&error))?);
        let store: Arc<dyn Store> = journal.clone();
        let graph_options = DatabaseOptions { id: Some(row.id), ..DatabaseOptions::default() };
        let graph = Database::open(Arc::clone(&store), graph_options).map_err(of_graph)?;
        // The first reads went well: a death from now on is not held against the file.
        store.confirm().map_err(|error| of_store(&error))?;
        let opened = Self {
            graph,
            journal,
            meter,
            place: (row.id, folder.to_owned(), row.options.is_encrypted()),
            node_prefix: format!("4:{}:", row.id),
            relationship_prefix: format!("5:{}:", row.id),
            leases: Leases::default(),
            unlucky: Mutex::default(),
            gate: RwLock::default(),
            schema_turn: Arc::default(),
            used_at_millis: AtomicU64::new(0),
            is_worn: AtomicBool::new(false),
            index_reads: IndexReads::new(),
            damage: OnceLock::new(),
        };
        opened.follow_limits();
        Ok(opened)
    }

    /// Gives the database's own number.
    pub(crate) fn id(&self) -> DatabaseId {
        self.place.0
    }

    /// Tells which files it has.
    pub(crate) fn place(&self) -> Place {
        let (id, folder, is_encrypted) = self.place.clone();
        Place { id, folder, is_encrypted }
    }

    /// Gives the name that the database has now.
    pub(crate) fn name(&self) -> CompactString {
        self.meter.name()
    }

    /// Tells whether it has to be opened again, as soon as nobody uses it.
    pub(crate) fn is_worn(&self) -> bool {
        self.is_worn.load(Ordering::Relaxed) || !self.graph.store().takes_writes()
    }

    /// Bounds the graph by the limits that the database has now.
    pub(crate) fn follow_limits(&self) {
        let bound = |limit| Some(self.meter.limit(limit)).filter(|max| *max > 0);
        self.graph.set_quota(Quota {
            nodes_max: bound(Limit::MaxNodes),
            relationships_max: bound(Limit::MaxEdges),
            bytes_max: bound(Limit::MaxStorageBytes),
        });
    }

    /// Tells a client of what the graph reported; a damaged graph is refused from now on.
    pub(crate) fn fail(&self, error: GraphError) -> Failure {
        let failure = name_refusal(of_graph(error), &self.meter);
        if failure.code() == Code::ResourceExhausted {
            // The file has to grow, and results that wait for their clients hold the old map.
            self.leases.let_go(LET_GO_TIME_MAX);
        }
        match failure.code() {
            Code::StorageDamaged => {
                let folder = self.place.1.display();
                tracing::error!(database = %self.name(), %folder, reason = %failure, "database is damaged");
                let _ = self.damage.set(failure.clone());
            }
            Code::StorageFailed => {
                tracing::error!(database = %self.name(), reason = %failure, "database is opened again when nobody uses it");
                self.is_worn.store(true, Ordering::Relaxed);
            }
            _ => {}
        }
        failure
    }
}
