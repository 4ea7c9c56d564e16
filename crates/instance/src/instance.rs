//! An instance: the catalog, the open databases and everything that sessions share.
//! Leaves conversations to `session`.
//! Start reading at [`Instance::open`].

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use catalog::{
    Authentication, Catalog, Database as Row, DatabaseOptions, FirstStart, KeySource, Keyring, NewDatabase, Pending,
    Settings,
};
use parking_lot::Mutex;
use store::disk::DiskEngine;
use store::memory::MemoryEngine;
use store::{Engine, OpenOptions, StoreError};
use types::{Code, DatabaseId, DatabaseName, Failure, Value};

use crate::audit::{self, Audit};
use crate::auditing::{self, Lately};
use crate::backup::NamesMade;
use crate::backup::whole::unfinished;
use crate::commands::database::{Contents, create_database};
use crate::connections::Connections;
use crate::databases::{Bounds, Databases, Standing, TRIED};
use crate::encryption::ServerKeys;
use crate::limits::Meters;
use crate::memory::Memory;
use crate::metrics::{Metrics, count};
use crate::own_folder::HandOver;
use crate::plans::Plans;
use crate::procedures::Procedures;
use crate::query_log::QueryLog;
use crate::remote::Import;
use crate::session_list::SessionList;
use crate::staging::StagingLine;
use crate::turns::Turns;
use crate::under_way::{End, UnderWay};
use crate::{Admission, InstanceError, InstanceOptions, Session};

/// Plans that are kept.
const PLANS_MAX: usize = 1_000;
/// The folder of the catalog's own store.
pub(crate) const SYSTEM_FOLDER: &str = "system";
/// The keys that seal secrets, where no other place is named.
pub(crate) const KEYS_FILE: &str = "seal.key";
/// The largest size of the catalog's own store.
const SYSTEM_BYTES_MAX: u64 = 4 << 30;

/// One server's worth of databases; clones are the same instance.
#[derive(Clone)]
pub struct Instance {
    pub(crate) shared: Arc<Shared>,
}

/// What all sessions of an instance share.
pub(crate) struct Shared {
    pub(crate) options: InstanceOptions,
    pub(crate) catalog: Catalog,
    pub(crate) databases: Databases,
    pub(crate) plans: Plans,
    pub(crate) admission: Admission,
    /// What bounds each database, and what is used of it.
    pub(crate) meters: Arc<Meters>,
    /// What is counted of the server as a whole.
    pub(crate) metrics: Metrics,
    /// The log of statements, where there is one.
    pub(crate) query_log: Option<QueryLog>,
    /// Sessions so far.
    pub(crate) session_numbers: AtomicU64,
    pub(crate) turns: Arc<Turns>,
    /// What statements hold together.
    pub(crate) memory: Arc<Memory>,
    pub(crate) procedures: Procedures,
    pub(crate) under_way: UnderWay,
    pub(crate) sessions: SessionList,
    pub(crate) connections: Connections,
    /// Statements so far.
    pub(crate) statements: AtomicU64,
    pub(crate) server_id: DatabaseId,
    pub(crate) audit: Audit,
    /// What was noted of late.
    pub(crate) lately: Lately,
    /// What seals secrets.
    pub(crate) keyring: Arc<Keyring>,
    /// The names of backups that were made up.
    pub(crate) names_made: NamesMade,
    /// Databases that are being copied now.
    pub(crate) copies: Arc<AtomicUsize>,
    /// The files that statements may read, where there are any.
    pub(crate) import: Option<Arc<Import>>,
    /// Held through a command about databases: one at a time.
    pub(crate) changes: Mutex<()>,
    /// Whose turn it is to begin a change.
    pub(crate) staging_line: Arc<StagingLine>,
    /// The last to go: files are made up to the end.
    _owner: HandOver,
}

impl Instance {
    /// Opens the instance in the data folder, making it first if there is none.
    ///
    /// What a crash left half done is finished or removed before this returns. Databases are opened on first use.
    pub fn open(options: InstanceOptions) -> Result<Self, InstanceError> {
        if let Some(from) = unfinished(&options.folder) {
            return Err(InstanceError::RestoreUnfinished { folder: options.folder, from });
        }
        Self::open_restored(options)
    }

    /// As [`Instance::open`], on a folder that a whole server is being restored into.
    pub(crate) fn open_restored(options: InstanceOptions) -> Result<Self, InstanceError> {
        let folder = options.folder.clone();
        let failed = |action| {
            let folder = folder.clone();
            move |source| InstanceError::Folder { action, folder, source }
        };
        crate::own_folder::make(&options.folder).map_err(failed("make"))?;
        let keys = Arc::new(ServerKeys::default());
        let engine: Arc<dyn Engine> = Arc::new(DiskEngine::new(Arc::clone(&keys) as _));
        let mut folders = folders_in(&options.folder).map_err(failed("list"))?;
        if !engine.exists(&options.folder.join(SYSTEM_FOLDER)) {
            // Made anew, the catalog would hide them.
            folders.retain(|folder| catalog::is_database_folder(folder));
            folders.sort_unstable();
            if !folders.is_empty() {
                return Err(InstanceError::CatalogGone { folder: options.folder, found: folders });
            }
        }
        let instance = Self::over(engine, &keys, options)?;
        instance.sweep(&folders);
        crate::backup::sweep(&instance.shared);
        Ok(instance)
    }

    /// Tells whether an instance was ever opened in a folder; nothing is opened or made.
    #[must_use]
    pub fn is_in(folder: &Path) -> bool {
        folder.join(SYSTEM_FOLDER).is_dir()
    }

    /// Makes an instance that keeps everything in memory, for tests.
    pub fn in_memory(options: InstanceOptions) -> Result<Self, InstanceError> {
        Self::over(Arc::new(MemoryEngine::default()), &ServerKeys::default(), options)
    }

    fn over(engine: Arc<dyn Engine>, keys: &ServerKeys, mut options: InstanceOptions) -> Result<Self, InstanceError> {
        let folder = options.folder.clone();
        let owner = HandOver::of(options.hands_over.then_some(&folder));
        let store_options =
            OpenOptions { create: true, map_max_bytes: SYSTEM_BYTES_MAX, confirm: true, ..OpenOptions::default() };
        let store = engine.open(&folder.join(SYSTEM_FOLDER), &store_options).map_err(|error| match error {
            StoreError::InUse { .. } => InstanceError::InUse { folder: folder.clone() },
            other => InstanceError::System(other),
        })?;
        let settings = Settings {
            first_start: FirstStart {
                default_database: options.default_database.clone(),
                options: first_options(&*engine, &options),
                ..FirstStart::default()
            },
            authentication: options.authentication.clone(),
            databases_max: options.databases_max,
            clock: Arc::clone(&options.clock),
        };
        let (keyring, audit) = sealing(&*engine, &options)?;
        keys.set(&keyring);
        let catalog = Catalog::open(Arc::clone(&store), settings)?;
        check_default(&catalog, &options)?;
        if matches!(options.authentication, Authentication::IfUsers) {
            options.authentication = match catalog.needs_password() {
                true => Authentication::Password { first: None },
                false => Authentication::Off,
            };
        }
        store.confirm().map_err(InstanceError::System)?;
        let system = catalog.resolve(SYSTEM_FOLDER)?;
        let clock = Arc::clone(&options.clock);
        let InstanceOptions { open_max, idle_after, map_start_bytes, .. } = options;
        let query_log = options.query_log.as_ref().map(QueryLog::open).transpose();
        let query_log = query_log.map_err(|source| InstanceError::Folder {
            action: "write the log of statements beside",
            folder: folder.clone(),
            source,
        })?;
        let limits = options.default_limits();
        let memory = Arc::new(Memory::new(options.statements_memory_max_bytes));
        let InstanceOptions { waiting_max, waiting_time_max, .. } = options;
        let meters = Arc::new(Meters::new(Arc::clone(&clock), limits, waiting_max, waiting_time_max));
        let bounds = Bounds { open_max, idle_after, map_start_bytes };
        let databases = Databases::new(engine, folder, clock, bounds, Arc::clone(&meters));
        let shared = Shared {
            catalog,
            databases,
            plans: Plans::new(PLANS_MAX),
            turns: Arc::new(Turns::new(Arc::clone(&options.clock), options.cores, Arc::clone(&memory))),
            memory,
            admission: Admission::new(options.running_max, options.waiting_max, options.waiting_time_max),
            meters,
            metrics: Metrics::default(),
            query_log,
            session_numbers: AtomicU64::new(0),
            procedures: Procedures::new(options.test_procedures),
            under_way: UnderWay::default(),
            sessions: SessionList::default(),
            connections: Connections::default(),
            statements: AtomicU64::new(0),
            server_id: system.database,
            audit,
            lately: Lately::default(),
            keyring,
            names_made: NamesMade::default(),
            copies: Arc::default(),
            import: Import::of(&options),
            changes: Mutex::default(),
            staging_line: Arc::default(),
            options,
            _owner: owner,
        };
        let instance = Self { shared: Arc::new(shared) };
        instance.shared.procedures.settle(&instance.shared);
        instance.finish_pending()?;
        let names = instance.shared.catalog.names();
        let weighed = names.databases_from("").filter(|row| row.options.weight.is_some());
        weighed.for_each(|row| instance.shared.weighed(row));
        auditing::life(&instance.shared, audit::Kind::Start);
        Ok(instance)
    }

    /// Gives the password that this start made up for `admin`, the first time it is asked.
    #[must_use]
    pub fn take_password(&self) -> Option<String> {
        self.shared.catalog.take_password()
    }

    /// Opens a session for somebody who proves who he is by name and password. Hashing takes tens of milliseconds.
    pub fn log_in(&self, user: Option<(&str, &str)>) -> Result<Session, Failure> {
        self.log_in_from(user, None)
    }

    /// As [`Instance::log_in`], for somebody at an address, which the audit keeps.
    pub fn log_in_from(&self, user: Option<(&str, &str)>, address: Option<&str>) -> Result<Session, Failure> {
        let principal = match user {
            Some((name, password)) => self.shared.catalog.authenticate(name, password),
            None => self.shared.catalog.anonymous(),
        };
        let principal = principal.map_err(Failure::from);
        match &principal {
            Ok(_) => count(&self.shared.metrics.logins),
            Err(failure) => {
                count(&self.shared.metrics.logins_refused);
                self.shared.metrics.failed(failure.code());
            }
        }
        if let Some(user) = user.filter(|_| !matches!(self.shared.options.authentication, Authentication::Off)) {
            auditing::login(&self.shared, user, address, principal.as_ref());
        }
        Ok(Session::new(Arc::clone(&self.shared), principal?))
    }

    /// Makes a database that exists only if `fill` succeeds: until then nobody finds its name.
    ///
    /// With `replace`, it then comes into the place of a database of that name.
    pub fn import_database(
        &self,
        name: &str,
        replace: bool,
        fill: &mut dyn FnMut(&graph::Database) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let name = DatabaseName::parse(name).map_err(catalog::CatalogError::from)?;
        let new = NewDatabase { replace, ..NewDatabase::default() };
        let databases = &self.shared.databases;
        let fill = &mut |row: &Row| databases.make(row).and_then(|database| fill(&database.graph)).map(|()| None);
        create_database(&self.shared, &name, new, Contents::Added, fill).map(drop)
    }

    /// Tells whether [`Instance::import_database`] may put a new database in the place of this one.
    #[must_use]
    pub fn can_replace(&self, name: &DatabaseName) -> bool {
        let names = self.shared.catalog.names();
        let is_default = *name == names.default_database().name;
        !is_default && !name.is_system() && names.databases().iter().any(|row| row.name == *name)
    }

    /// Sets a user's password anew.
    pub fn set_password(&self, user: &str, password: &str) -> Result<(), Failure> {
        self.shared.catalog.set_password(user, password).map_err(Failure::from)
    }

    /// Adds a procedure that looks its rows up in a table: each row has the inputs, then the outputs.
    ///
    /// # Errors
    ///
    /// [`Code::ProcedureNotFound`] unless the instance was opened with `test_procedures`.
    pub fn register_procedure(&self, signature: &str, rows: Vec<Vec<Value>>) -> Result<(), Failure> {
        if !self.shared.options.test_procedures {
            return Err(Failure::new(Code::ProcedureNotFound, "Procedures cannot be declared on this server."));
        }
        self.shared.procedures.register(signature, rows)
    }

    /// Closes the databases that nobody used for a while; counts them. Call it from time to time.
    pub fn close_idle(&self) -> usize {
        self.shared.meters.follow(&self.shared.catalog.names());
        self.shared.end_over_lowered_limit();
        self.shared.sessions.sweep(self.shared.options.clock.now());
        self.shared.end_shut_out();
        let names = self.shared.catalog.names();
        self.shared.databases.look_at_journals(&names);
        self.shared.databases.close_idle(&names)
    }

    /// Ends what is over its time while its client asks for nothing: results that are not fetched, transactions that
    /// are left open. Call it about every second; what computes looks by itself.
    pub fn end_unattended(&self) {
        self.shared.databases.end_unattended(&self.shared);
    }

    /// Counts the open databases, `system` left out.
    #[must_use]
    pub fn open_databases(&self) -> usize {
        self.shared.databases.count()
    }

    /// Ends all work and closes every database; the instance takes no more statements.
    pub fn close(&self) {
        self.shared.databases.close_all(&self.shared.catalog.names().databases());
        auditing::life(&self.shared, audit::Kind::Stop);
    }

    /// Finishes what a crash left half made, and removes what it left half dropped.
    fn finish_pending(&self) -> Result<(), InstanceError> {
        for pending in self.shared.catalog.pending() {
            match pending {
                Pending::Finish(row) => {
                    let named = |source| InstanceError::Making { name: row.name.to_string(), source };
                    self.shared.make(&row).map_err(named)?;
                }
                Pending::Remove(row) => self.remove_rest(&row),
            }
        }
        Ok(())
    }

    /// Removes the rest of a database; if that does not go, the next start tries again.
    fn remove_rest(&self, row: &Row) {
        let removed = self.shared.databases.remove(row);
        match removed.and_then(|()| self.shared.catalog.database_removed(row.id).map_err(Failure::from)) {
            Ok(()) => tracing::info!(database = %row.name, "removed what was left of a database"),
            Err(failure) => tracing::warn!(database = %row.name, reason = %failure, "the rest of a database stays"),
        }
    }

    /// Removes what was only tried when a process died; tells of folders that no database has, which may be somebody's.
    fn sweep(&self, folders: &[String]) {
        for tried in folders.iter().filter(|folder| folder.starts_with(TRIED)) {
            if let Err(failure) = self.shared.databases.remove_tried(tried) {
                tracing::warn!(folder = %tried, reason = %failure, "a folder that is of no use any more stays");
            }
        }
        for orphan in self.shared.catalog.orphans(folders) {
            tracing::warn!(folder = %orphan, "no database has this folder: `sheaf admin adopt` takes it over");
        }
    }
}

impl Shared {
    /// Takes over limits that were changed: they bite from here on.
    pub(crate) fn limits_changed(&self) {
        let names = self.catalog.names();
        self.meters.follow(&names);
        self.databases.follow_limits();
        self.end_over_lowered_limit();
    }

    /// Has those who know a database by its name know the new one: meters, and the turns at computing.
    pub(crate) fn renamed(&self, from: &DatabaseName, row: &Row) {
        if self.meters.find(row.id).is_some() {
            self.meters.of(row);
        }
        self.turns.weigh(from.as_str(), None);
        self.weighed(row);
    }

    /// Tells how a database stands, as far as this process knows; of `system` too, which is always open.
    pub(crate) fn standing(&self, row: &Row) -> Standing {
        if row.name.is_system() && !self.catalog.takes_changes() {
            let text = "an earlier change could not be made durable; nothing that it holds can be changed until the server is \
                        restarted";
            return Standing::Failed(Failure::new(Code::StorageFailed, text));
        }
        self.databases.standing(row.id)
    }

    /// As [`Shared::standing`]; of a closed database its file is looked at, every now and then.
    pub(crate) fn glance(&self, row: &Row) -> Standing {
        self.databases.glance(row, &|| self.is_there(row.id))
    }

    /// Gives the room for the statements of a database; those on `system` are commands.
    pub(crate) fn room_of(&self, target: &catalog::Target) -> Admission {
        if target.name.is_system() { self.admission.clone() } else { self.admission.of(target.database) }
    }

    /// Takes over what a database weighs.
    pub(crate) fn weighed(&self, row: &Row) {
        self.turns.weigh(row.name.as_str(), row.options.weight);
    }

    /// Ends statements that run longer than their databases and roles let them by now: a limit was lowered since they began.
    pub(crate) fn end_over_lowered_limit(&self) {
        let now = self.options.clock.now();
        for entry in self.under_way.all() {
            let Some((bound, since)) = self.time_of(&entry) else { continue };
            // Those that began under the limit end by themselves, with a better reason; they get a moment for it.
            let grace = std::time::Duration::from_millis(bound.max.saturating_add(bound.max / 10).saturating_add(100));
            if now.saturating_duration_since(since) > grace {
                tracing::info!(transaction = %entry.id_in(&self.catalog.names()), "a statement is over its time");
                entry.end(End::Overdue);
            }
        }
    }

    /// Ends the session objects of who is shut out by now. Conversations hear it at their next statement.
    pub(crate) fn end_shut_out(&self) {
        let names = self.catalog.names();
        let ended = self.sessions.end_objects(|owner| catalog::access::is_shut_out(&names, owner));
        if ended > 0 {
            tracing::info!(ended, "sessions of users or tokens that are gone have ended");
        }
    }

    /// Makes the files of a database that the catalog has recorded, and tells the catalog.
    pub(crate) fn make(&self, row: &Row) -> Result<(), Failure> {
        self.databases.make(row)?;
        self.catalog.database_made(row.id).map(drop).map_err(Failure::from)
    }
}

/// Gives the options of the default database, which nobody asks for.
fn first_options(engine: &dyn Engine, options: &InstanceOptions) -> DatabaseOptions {
    let is_on_disk = engine.kind() != store::memory::KIND;
    DatabaseOptions { encryption: (options.encrypt_new && is_on_disk).then_some(true), ..DatabaseOptions::default() }
}

/// Opens what seals secrets and what keeps the audit; the data folder is ours by now.
fn sealing(engine: &dyn Engine, options: &InstanceOptions) -> Result<(Arc<Keyring>, Audit), InstanceError> {
    let is_on_disk = engine.kind() != store::memory::KIND;
    let source = match (&options.seal_keys, is_on_disk) {
        (None, false) => KeySource::Passing,
        _ => options.key_source(),
    };
    if is_on_disk && !options.keys_lost {
        refuse_without_keys(engine, options, &source)?;
    }
    let keyring = Arc::new(Keyring::open(source).map_err(InstanceError::Seal)?);
    let clock = Arc::clone(&options.clock);
    let audit = if is_on_disk {
        Audit::open(options.folder.join(audit::FOLDER), options.audit, Arc::clone(&keyring), clock)?
    } else {
        Audit::in_memory(clock)
    };
    Ok((keyring, audit))
}

/// Refuses to make a new key where an older one sealed something: who mislaid it brings it back, and nothing is lost.
fn refuse_without_keys(
    engine: &dyn Engine,
    options: &InstanceOptions,
    source: &KeySource,
) -> Result<(), InstanceError> {
    let KeySource::File(file) = source else { return Ok(()) };
    // One that cannot be looked at is no missing one; whoever reads it says what is wrong.
    if !matches!(fs::exists(file), Ok(false)) {
        return Ok(());
    }
    let folder = &options.folder;
    let failed = |source| InstanceError::Folder { action: "list", folder: folder.clone(), source };
    let mut encrypted = folders_in(folder).map_err(failed)?;
    encrypted.retain(|name| catalog::is_database_folder(name) && engine.is_encrypted(&folder.join(name)));
    if encrypted.is_empty() && !audit::is_sealed(&folder.join(audit::FOLDER)) {
        return Ok(());
    }
    encrypted.sort_unstable();
    Err(InstanceError::KeysGone { folder: folder.clone(), file: file.clone(), encrypted })
}

fn folders_in(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir()
            && let Ok(name) = entry.file_name().into_string()
        {
            folders.push(name);
        }
    }
    Ok(folders)
}

/// Refuses a folder whose default database is another than the one that is meant.
fn check_default(catalog: &Catalog, options: &InstanceOptions) -> Result<(), InstanceError> {
    let names = catalog.names();
    let (found, wanted) = (names.default_database(), &options.default_database);
    // At the first start it has no files yet, and nobody would find it by its name.
    let is_called_so = || names.resolve(wanted.as_str()).is_ok_and(|target| target.database == found.id);
    let is_it = found.name == *wanted || is_called_so();
    if is_it || !options.default_database_holds {
        return Ok(());
    }
    Err(InstanceError::OtherDefault { wanted: wanted.to_string(), found: found.name.to_string() })
}
