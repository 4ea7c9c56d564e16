//! How an instance is set up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use catalog::{Authentication, FirstStart, KeySource, Limit, Limits};
use types::{Clock, DatabaseName, SystemClock};

use crate::audit::AuditOptions;
use crate::instance::KEYS_FILE;
use crate::query_log::QueryLogOptions;
use crate::remote::RemoteOptions;

/// How an instance is set up; [`InstanceOptions::new`] gives what suits most.
#[derive(Clone)]
pub struct InstanceOptions {
    /// The data folder: `system` and a folder for each database lie below it.
    pub folder: PathBuf,
    /// Who is let in.
    pub authentication: Authentication,
    /// The default database, which the first start makes.
    pub default_database: DatabaseName,
    /// Whether a folder with another default database is refused; otherwise only the first start goes by the name.
    pub default_database_holds: bool,
    /// Most databases, `system` and stopped ones counted.
    pub databases_max: usize,
    /// Open databases that are kept; beyond them, those that nobody uses are closed.
    pub open_max: usize,
    /// How long a database that nobody uses stays open.
    pub idle_after: Duration,
    /// How long a session object that nobody uses is kept.
    pub session_idle_max: Duration,
    /// Session objects that one user may have at a time.
    pub sessions_per_user_max: usize,
    /// How long stopping a database waits for what is under way.
    pub stop_drain_max: Duration,
    /// How long a statement may take; `None` for as long as it likes.
    pub statement_time_max: Option<Duration>,
    /// What a database may hold and how hard it may be used, where neither it nor a role says anything.
    pub limits: Limits,
    /// What a statement may hold in memory.
    pub statement_memory_max_bytes: usize,
    /// What all statements may hold together, of which a database gets three quarters at most.
    pub statements_memory_max_bytes: usize,
    /// Statements that run at a time.
    pub running_max: usize,
    /// Statements that wait to run.
    pub waiting_max: usize,
    /// How long a statement waits to run.
    pub waiting_time_max: Duration,
    /// Cores that statements compute on.
    pub cores: usize,
    /// The folder that `LOAD CSV` may read; `None` where it may read none.
    pub import_folder: Option<PathBuf>,
    /// Files beside the instance's own that no statement may read, such as that of the settings.
    pub private_files: Vec<PathBuf>,
    /// What `LOAD CSV` may read from other machines.
    pub import_remote: Arc<RemoteOptions>,
    /// The folder that backups go into and come from; `backups` below the data folder where none is named.
    pub backup_folder: Option<PathBuf>,
    /// How the audit is kept.
    pub audit: AuditOptions,
    /// Where the keys are that seal secrets; `seal.key` in the data folder where nothing is said.
    pub seal_keys: Option<KeySource>,
    /// Whether a new key is made although things are sealed that no key is there for: somebody says that it is lost.
    pub keys_lost: bool,
    /// Whether what root makes in the data folder becomes that of whom the folder belongs to, at the end: for tools.
    pub hands_over: bool,
    /// Whether databases that are made are encrypted where nobody says.
    pub encrypt_new: bool,
    /// What was set where, to be shown by `SHOW SETTINGS`.
    pub settings: Vec<KnownSetting>,
    /// The log of statements; `None` for none.
    pub query_log: Option<QueryLogOptions>,
    /// Databases that have labels of their own among the metrics; the others share one.
    pub metrics_databases_max: usize,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where clients find this server, as `SHOW DATABASES` tells it.
    pub address: String,
    /// Address space of a database's file to begin with; it grows by doubling.
    pub map_start_bytes: u64,
    /// Whether procedures may be declared from outside, as the openCypher tests do. Never set it in production.
    pub test_procedures: bool,
}

/// A setting as whoever started the server knows it.
#[derive(Clone, Debug)]
pub struct KnownSetting {
    /// Its name: `sheaf.open_max`.
    pub name: String,
    /// What holds.
    pub value: String,
    /// What would hold if nobody had set it.
    pub default: String,
    /// Who set it: `flag`, `environment`, `file`, `default`, or `command` where it was changed since.
    pub source: &'static str,
    /// What it does.
    pub description: String,
}

impl InstanceOptions {
    /// Says where the keys are that seal secrets of a server on a disk.
    #[must_use]
    pub fn key_source(&self) -> KeySource {
        self.seal_keys.clone().unwrap_or_else(|| KeySource::File(self.folder.join(KEYS_FILE)))
    }

    /// Lists every folder and file of the server's own: what lies there no statement reads.
    ///
    /// Journals and the audit lie in the data folder.
    pub(crate) fn own_places(&self) -> Vec<PathBuf> {
        let key_file = match self.key_source() {
            KeySource::File(file) => Some(file),
            KeySource::Text(_) | KeySource::Passing => None,
        };
        let log = self.query_log.as_ref().map(|log| log.file.clone());
        let places = [Some(self.folder.clone()), self.backup_folder.clone(), key_file, log];
        places.into_iter().flatten().chain(self.private_files.iter().cloned()).collect()
    }

    /// Gives the usual set-up over a data folder, without passwords.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            authentication: Authentication::Off,
            default_database: FirstStart::default().default_database,
            default_database_holds: false,
            databases_max: 10_000,
            open_max: 256,
            idle_after: Duration::from_secs(300),
            session_idle_max: Duration::from_secs(1_800),
            sessions_per_user_max: 1_000,
            stop_drain_max: Duration::from_secs(10),
            statement_time_max: None,
            limits: Limits::default(),
            statement_memory_max_bytes: 1 << 30,
            statements_memory_max_bytes: crate::memory::usual_max_bytes(),
            running_max: 64,
            waiting_max: 1_024,
            waiting_time_max: Duration::from_secs(30),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            import_folder: None,
            private_files: Vec::new(),
            import_remote: Arc::default(),
            backup_folder: None,
            audit: AuditOptions::default(),
            seal_keys: None,
            keys_lost: false,
            hands_over: false,
            encrypt_new: false,
            settings: Vec::new(),
            query_log: None,
            metrics_databases_max: 100,
            clock: Arc::new(SystemClock),
            address: "localhost:7687".to_owned(),
            map_start_bytes: store::OpenOptions::default().map_start_bytes,
            test_procedures: false,
        }
    }

    /// Gives the limits that hold where nobody set others: the bounds of one statement are among them.
    pub(crate) fn default_limits(&self) -> Limits {
        let mut limits = self.limits.clone();
        let time = self.statement_time_max.and_then(|time| u64::try_from(time.as_millis()).ok());
        let memory = u64::try_from(self.statement_memory_max_bytes).ok().filter(|bytes| *bytes < u64::MAX / 2);
        for (limit, value) in [(Limit::MaxQueryTime, time), (Limit::MaxQueryMemory, memory)] {
            if limits.get(limit).is_none() {
                limits.set(limit, value.map(|value| value.max(1)));
            }
        }
        limits
    }
}
