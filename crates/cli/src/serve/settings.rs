//! What a server is told, put together from flags, environment, file and defaults.

use std::fs;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use catalog::{Authentication, KeySource, Limit, LimitError, Limits};
use instance::{Authorities, Hosts, HostsError, InstanceOptions, QueryLogOptions, RemoteOptions};
use server::{MetricsAccess, ServerConfig};
use types::{Code, DatabaseName};

use super::arguments::{Arguments, Auth, Given, Metrics};
use super::sources::Sources;
use crate::logging::{self, LogFormat};
use crate::units::Bytes;

/// The word that switches a face off.
const OFF: &str = "off";
/// Statements that took less are not in the log of statements.
const QUERY_LOG_THRESHOLD: Duration = Duration::from_millis(500);
/// The size at which that log is turned over.
const QUERY_LOG_BYTES_MAX: u64 = 100 << 20;
/// Files of that log that are kept beside the one that is written.
const QUERY_LOG_FILES_MAX: u32 = 4;
/// The least that a statement needs to get anywhere, and that all of them do.
const STATEMENT_MEMORY_MIN_BYTES: usize = 1 << 20;
const STATEMENTS_MEMORY_MIN_BYTES: usize = 10 << 20;

/// Why the settings cannot be used. Correct what the message names.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read \"{}\"", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no TOML, or has a setting that is not known; the message shows the line.
    #[error("the settings in \"{}\" are wrong: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// The text is no address.
    #[error("{setting} \"{text}\" is no address. Write host:port, such as 127.0.0.1:7687, or off.")]
    Address {
        /// The setting.
        setting: &'static str,
        /// What was given.
        text: String,
    },
    /// Both faces are off: nobody could reach the server.
    #[error("bolt and http are both off. Leave one of them on.")]
    NoFace,
    /// Anybody on the network could read and change everything.
    #[error(
        "{setting} {address} can be reached from other machines, and without passwords everybody there may read \
         and change everything. Ask for passwords with --auth password (SHEAF_AUTH=password, or auth = \"password\" \
         in the file), or listen on 127.0.0.1."
    )]
    Open {
        /// The setting.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// A number that leaves nothing to work with.
    #[error("{setting} is 0, with which nothing works. Give at least 1.")]
    Zero {
        /// The setting.
        setting: &'static str,
    },
    /// Statements would fail one after the other.
    #[error(
        "{setting} is {bytes} bytes, with which hardly a statement runs. Give at least {}MiB, or 0 for no bound.",
        min_bytes >> 20
    )]
    LittleMemory {
        /// The setting.
        setting: &'static str,
        /// The least that helps.
        min_bytes: usize,
        /// What was given.
        bytes: usize,
    },
    /// `LOAD CSV` would find nothing.
    #[error("import_folder \"{}\" is no folder. Make it, or name a folder that is there.", path.display())]
    NoFolder {
        /// What was given.
        path: PathBuf,
    },
    /// `LOAD CSV` would read what the server keeps for itself.
    #[error(
        "import_folder \"{}\" lies in the folder of the setting {setting}, from which no statement may read. Name another.",
        path.display()
    )]
    OwnFolder {
        /// What was given.
        path: PathBuf,
        /// The setting whose folder it lies in.
        setting: &'static str,
    },
    /// The list of hosts holds what is no host.
    #[error("import_hosts: {0}")]
    Hosts(HostsError),
    /// Nobody could be trusted.
    #[error("import_ca_file \"{}\" holds no certificates in PEM form, or a damaged one", path.display())]
    NoAuthorities {
        /// The file.
        path: PathBuf,
    },
    /// A limit is not known, or its value is none.
    #[error("limits: {reason}")]
    Limit {
        /// Which, and what to write.
        reason: String,
    },
    /// The name of the default database is none.
    #[error("default_database: {reason}")]
    Database {
        /// Why.
        reason: String,
    },
    /// Environment variables that look like settings and are none.
    #[error("{names} is no setting of this server; sheaf serve --help lists them. Take it out of the environment.")]
    Variable {
        /// Their names.
        names: String,
    },
    /// An environment variable with a name of Neo4j's has a value that cannot be taken over.
    #[error("{name}: {reason}")]
    Neo4jVariable {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The log level is none.
    #[error("{0}")]
    LogLevel(String),
    /// The password's file is empty.
    #[error("\"{}\" holds no password", path.display())]
    NoPassword {
        /// The file.
        path: PathBuf,
    },
}

impl SettingsError {
    /// Gives the public code of this failure.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Read { .. } => Code::ExternalResourceFailed,
            Self::File { .. }
            | Self::Address { .. }
            | Self::NoFace
            | Self::Open { .. }
            | Self::Zero { .. }
            | Self::LittleMemory { .. }
            | Self::NoFolder { .. }
            | Self::OwnFolder { .. }
            | Self::Hosts(_)
            | Self::NoAuthorities { .. }
            | Self::LogLevel(_)
            | Self::Limit { .. }
            | Self::Database { .. }
            | Self::Variable { .. }
            | Self::Neo4jVariable { .. }
            | Self::NoPassword { .. } => Code::ArgumentError,
        }
    }
}

/// What a server is told.
#[derive(Clone)]
pub struct Settings {
    /// How the instance is opened.
    pub instance: InstanceOptions,
    /// How the faces are started.
    pub server: ServerConfig,
    /// How the log is written.
    pub log: LogFormat,
    /// What is logged, in words that [`logging::parse_level`] takes.
    pub log_level: String,
}

impl Default for Settings {
    /// A server on the usual loopback ports without passwords, with its data in `./data`.
    fn default() -> Self {
        let server = ServerConfig { drain_time_max: Duration::from_secs(5), ..ServerConfig::default() };
        Self { instance: InstanceOptions::new("data"), server, log: LogFormat::Text, log_level: "info".to_owned() }
    }
}

impl Settings {
    /// Puts flags, environment, file and defaults together, in this order, and checks them.
    pub fn gather(arguments: &Arguments) -> Result<Self, SettingsError> {
        let file = arguments.config.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let found = Sources::look(std::env::args_os(), std::env::vars_os())?;
        // What Neo4j's variable names is the default at the first start; ours says what it is.
        let holds = arguments.given.default_database.is_some()
            || (found.neo4j.default_database.is_none() && file.default_database.is_some());
        let given = arguments.given.clone().or(found.neo4j.clone()).or(file);
        let shown = found.settings(&given);
        let mut settings = Self::of(given)?;
        settings.instance.settings = shown;
        settings.instance.private_files.extend(arguments.config.clone());
        settings.instance.default_database_holds = holds;
        Ok(settings)
    }

    fn of(given: Given) -> Result<Self, SettingsError> {
        let mut settings = Self::default();
        let Self { instance, server, log, log_level } = &mut settings;
        instance.import_remote = Arc::new(remote(&given)?);
        set(&mut instance.folder, given.data);
        set(&mut server.bolt_addr, given.bolt.map(|text| address("bolt", &text)).transpose()?);
        set(&mut server.http_addr, given.http.map(|text| address("http", &text)).transpose()?);
        server.bolt_advertised = given.bolt_advertised;
        instance.private_files.extend(given.initial_password_file.clone());
        let first = first_password(given.initial_password, given.initial_password_file.as_deref())?;
        let auth = given.auth.unwrap_or(if first.is_some() { Auth::Password } else { Auth::None });
        instance.authentication = match (auth, given.auth) {
            // Who has made users wants them to log in, also after a start that says nothing of it.
            (Auth::None, None) => Authentication::IfUsers,
            (Auth::None, Some(_)) => Authentication::Off,
            (Auth::Password, _) => Authentication::Password { first },
        };
        instance.import_folder = given.import_folder.map(a_folder).transpose()?;
        instance.backup_folder = given.backup_folder;
        check_import(instance)?;
        set(&mut instance.audit.keep_max_bytes, given.audit_size_max.map(|bytes| bytes.0 as u64));
        instance.seal_keys = given.seal_keys.map(KeySource::Text).or(given.seal_key_file.map(KeySource::File));
        set(&mut instance.encrypt_new, given.encrypt_new);
        let time = given.statement_time_max.map(|time| time.0);
        instance.statement_time_max = time.filter(|time| !time.is_zero());
        let one = memory_bound("statement_memory_max", STATEMENT_MEMORY_MIN_BYTES, given.statement_memory_max)?;
        set(&mut instance.statement_memory_max_bytes, one);
        let all = memory_bound("statements_memory_max", STATEMENTS_MEMORY_MIN_BYTES, given.statements_memory_max)?;
        set(&mut instance.statements_memory_max_bytes, all);
        set(&mut instance.running_max, at_least_one("running_max", given.running_max)?);
        set(&mut instance.waiting_max, given.waiting_max);
        set(&mut instance.databases_max, at_least_one("databases_max", given.databases_max)?);
        set(&mut instance.open_max, at_least_one("open_max", given.open_max)?);
        set(&mut instance.idle_after, given.idle_after.map(|time| time.0));
        set(&mut instance.stop_drain_max, given.drain_time_max.map(|time| time.0));
        set(&mut instance.session_idle_max, given.session_idle_max.map(|time| time.0));
        let sessions_max = at_least_one("sessions_per_user_max", given.sessions_per_user_max)?;
        set(&mut instance.sessions_per_user_max, sessions_max);
        set(&mut instance.waiting_time_max, given.waiting_time_max.map(|time| time.0));
        instance.limits = given.limits.as_deref().map(limits).transpose()?.unwrap_or_default();
        set(&mut instance.default_database, given.default_database.as_deref().map(a_database).transpose()?);
        set(&mut instance.metrics_databases_max, given.metrics_databases_max);
        instance.query_log = given.query_log.map(|file| QueryLogOptions {
            file,
            threshold: given.query_log_threshold.map_or(QUERY_LOG_THRESHOLD, |time| time.0),
            parameters: given.query_log_parameters.unwrap_or_default(),
            bytes_max: given.query_log_size_max.map_or(QUERY_LOG_BYTES_MAX, |bytes| bytes.0 as u64),
            files_max: QUERY_LOG_FILES_MAX,
        });
        server.metrics_access = match given.metrics.unwrap_or(Metrics::Loopback) {
            Metrics::Off => MetricsAccess::Off,
            Metrics::Loopback => MetricsAccess::Loopback,
            Metrics::Password => MetricsAccess::Password,
            Metrics::Everybody => MetricsAccess::Everybody,
        };
        instance.test_procedures = given.test_procedures.unwrap_or_default();
        set(&mut server.bolt_connections_max, at_least_one("bolt_connections_max", given.bolt_connections_max)?);
        server.bolt_connections_per_user_max = given.bolt_connections_per_user_max;
        set(&mut server.http_connections_max, at_least_one("http_connections_max", given.http_connections_max)?);
        set(&mut server.drain_time_max, given.stop_time_max.map(|time| time.0));
        set(log, given.log);
        set(log_level, given.log_level);
        logging::parse_level(log_level).map_err(SettingsError::LogLevel)?;
        check_faces(server, auth)?;
        Ok(settings)
    }
}

/// Reads `max_nodes=1000000,max_query_time=30s`.
fn limits(list: &str) -> Result<Limits, SettingsError> {
    let (mut limits, mut named) = (Limits::default(), Vec::new());
    for one in list.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        let (name, value) = one.split_once('=').ok_or_else(|| SettingsError::Limit {
            reason: format!("\"{one}\" has no value; write name=value, apart by commas"),
        })?;
        let wrong = |error: LimitError| SettingsError::Limit { reason: error.to_string() };
        let limit = Limit::parse(name.trim()).map_err(wrong)?;
        named.push(limit);
        catalog::limits::check_once(named.iter().copied()).map_err(wrong)?;
        limits.set(limit, Some(limit.read(&value.trim().into()).map_err(wrong)?));
    }
    Ok(limits)
}

fn a_database(name: &str) -> Result<DatabaseName, SettingsError> {
    let name = DatabaseName::parse(name).map_err(|error| SettingsError::Database { reason: error.to_string() })?;
    if name.is_system() {
        let reason = "system cannot be the default database; name another".to_owned();
        return Err(SettingsError::Database { reason });
    }
    Ok(name)
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn read_file(path: &Path) -> Result<Given, SettingsError> {
    let text = fs::read_to_string(path).map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
    toml::from_str(&text)
        .map_err(|error| SettingsError::File { path: path.to_owned(), reason: error.to_string().trim_end().to_owned() })
}

fn address(setting: &'static str, text: &str) -> Result<Option<SocketAddr>, SettingsError> {
    if text == OFF {
        return Ok(None);
    }
    let found = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    found.map(Some).ok_or_else(|| SettingsError::Address { setting, text: text.to_owned() })
}

fn first_password(given: Option<String>, file: Option<&Path>) -> Result<Option<String>, SettingsError> {
    let Some(path) = file else { return Ok(given) };
    let text = fs::read_to_string(path).map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
    match text.lines().next() {
        Some(password) if !password.is_empty() => Ok(Some(password.to_owned())),
        _ => Err(SettingsError::NoPassword { path: path.to_owned() }),
    }
}

fn a_folder(path: PathBuf) -> Result<PathBuf, SettingsError> {
    if path.is_dir() { Ok(path) } else { Err(SettingsError::NoFolder { path }) }
}

/// Refuses an import folder that is the server's own: every user could read what is kept there.
fn check_import(instance: &InstanceOptions) -> Result<(), SettingsError> {
    let Some(folder) = instance.import_folder.as_ref().and_then(|folder| folder.canonicalize().ok()) else {
        return Ok(());
    };
    let own = [("data", Some(&instance.folder)), ("backup_folder", instance.backup_folder.as_ref())];
    for (setting, other) in own {
        // One that is not there yet holds nothing.
        let other = other.and_then(|other| other.canonicalize().ok());
        if other.is_some_and(|other| folder.starts_with(other)) {
            return Err(SettingsError::OwnFolder { path: folder, setting });
        }
    }
    Ok(())
}

/// Puts together what `LOAD CSV` may read from other machines.
fn remote(given: &Given) -> Result<RemoteOptions, SettingsError> {
    let mut remote = RemoteOptions::default();
    let hosts =
        given.import_hosts.as_deref().map(|list| Hosts::parse(list).map(Arc::new).map_err(SettingsError::Hosts));
    set(&mut remote.hosts, hosts.transpose()?);
    set(&mut remote.time_max, given.import_time_max.map(|time| Some(time.0).filter(|time| !time.is_zero())));
    let size = |bytes: usize| u64::try_from(bytes).ok().filter(|bytes| *bytes > 0);
    set(&mut remote.bytes_max, given.import_size_max.map(|bytes| size(bytes.0)));
    remote.authorities = given.import_ca_file.as_deref().map(authorities).transpose()?;
    Ok(remote)
}

fn authorities(path: &Path) -> Result<Authorities, SettingsError> {
    let pem = fs::read(path).map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
    Authorities::parse(&pem).ok_or_else(|| SettingsError::NoAuthorities { path: path.to_owned() })
}

fn memory_bound(setting: &'static str, min_bytes: usize, given: Option<Bytes>) -> Result<Option<usize>, SettingsError> {
    match given {
        Some(Bytes(0)) => Ok(Some(usize::MAX)),
        Some(Bytes(bytes)) if bytes < min_bytes => Err(SettingsError::LittleMemory { setting, min_bytes, bytes }),
        given => Ok(given.map(|bytes| bytes.0)),
    }
}

fn at_least_one(setting: &'static str, number: Option<usize>) -> Result<Option<usize>, SettingsError> {
    if number == Some(0) { Err(SettingsError::Zero { setting }) } else { Ok(number) }
}

/// Refuses a server that nobody can reach, and one that everybody can.
fn check_faces(server: &ServerConfig, auth: Auth) -> Result<(), SettingsError> {
    let faces = [("bolt", server.bolt_addr), ("http", server.http_addr)];
    if faces.iter().all(|(_, address)| address.is_none()) {
        return Err(SettingsError::NoFace);
    }
    let open = |address: &SocketAddr| auth == Auth::None && !address.ip().to_canonical().is_loopback();
    match faces.into_iter().find_map(|(setting, address)| Some((setting, address.filter(open)?))) {
        Some((setting, address)) => Err(SettingsError::Open { setting, address }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Given {
        toml::from_str(text).expect("tests write known settings")
    }

    /// Gathers flags, written like a file, over a file.
    fn check(flags: &str, file: &str, expected: &str) {
        let shown = match Settings::of(given(flags).or(given(file))) {
            Ok(Settings { instance, server, log, log_level }) => {
                let auth = match &instance.authentication {
                    Authentication::Off => "none".to_owned(),
                    Authentication::IfUsers => "users".to_owned(),
                    Authentication::Password { first } => format!("password {first:?}"),
                };
                let face = |address: Option<SocketAddr>| address.map_or(OFF.to_owned(), |address| address.to_string());
                let (bolt, http) = (face(server.bolt_addr), face(server.http_addr));
                let time = instance.statement_time_max;
                format!("{} {bolt} {http} {auth} {time:?} {log:?} {log_level}", instance.folder.display())
            }
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn defaults_are_loopback_without_passwords() {
        check("", "", "data 127.0.0.1:7687 127.0.0.1:7474 users None Text info");
    }

    #[test]
    fn flags_win_over_the_file() {
        check(
            "data = 'a'\nstatement_time_max = '0'",
            "data = 'b'\nhttp = 'off'\nstatement_time_max = '30s'\nlog = 'json'\nlog_level = 'warn,server=debug'",
            "a 127.0.0.1:7687 off users None Json warn,server=debug",
        );
        check("", "statement_time_max = '1m'", "data 127.0.0.1:7687 127.0.0.1:7474 users Some(60s) Text info");
    }

    #[test]
    fn other_machines_need_a_password() {
        check(
            "http = '0.0.0.0:7474'",
            "",
            "error: http 0.0.0.0:7474 can be reached from other machines, and without passwords everybody there may \
             read and change everything. Ask for passwords with --auth password (SHEAF_AUTH=password, or auth = \
             \"password\" in the file), or listen on 127.0.0.1.",
        );
        check(
            "bolt = '[::1]:1'\nhttp = '0.0.0.0:7474'",
            "initial_password = 'secret of tests'",
            "data [::1]:1 0.0.0.0:7474 password Some(\"secret of tests\") None Text info",
        );
        check("auth = 'password'", "", "data 127.0.0.1:7687 127.0.0.1:7474 password None None Text info");
    }

    #[test]
    fn wrong_settings_say_what_to_write() {
        check(
            "bolt = '7687'",
            "",
            "error: bolt \"7687\" is no address. Write host:port, such as 127.0.0.1:7687, or off.",
        );
        check("bolt = 'off'\nhttp = 'off'", "", "error: bolt and http are both off. Leave one of them on.");
        check("open_max = 0", "", "error: open_max is 0, with which nothing works. Give at least 1.");
        check(
            "import_folder = '/nowhere/at all'",
            "",
            "error: import_folder \"/nowhere/at all\" is no folder. Make it, or name a folder that is there.",
        );
        check(
            "import_hosts = 'public,http://x'",
            "",
            "error: import_hosts: \"http://x\" is no host. Write off, or a list of public, names such as \
             data.example.com or *.example.com, and addresses such as 10.1.0.0/16 or 127.0.0.1.",
        );
        check(
            "statement_memory_max = '1000'",
            "",
            "error: statement_memory_max is 1000 bytes, with which hardly a statement runs. Give at least 1MiB, or 0 for \
             no bound.",
        );
        let bound = |text: &str| Settings::of(given(text)).expect("sound").instance.statement_memory_max_bytes;
        assert_eq!(bound("statement_memory_max = '1MiB'"), 1 << 20);
        assert_eq!(bound("statement_memory_max = '0'"), usize::MAX);
        let all = |text: &str| Settings::of(given(text)).expect("sound").instance.statements_memory_max_bytes;
        assert_eq!(
            [all("statements_memory_max = '10MiB'"), all("statements_memory_max = '0'")],
            [10 << 20, usize::MAX]
        );
        let level = Settings::of(given("log_level = 'a=b=c'")).err().expect("no level").to_string();
        assert!(level.starts_with("\"a=b=c\" is no log level"), "{level}");
        let level = Settings::of(given("log_level = 'inof'")).err().expect("no level").to_string();
        assert!(level.starts_with("\"inof\" is no log level: \"inof\" is none of off, error, warn"), "{level}");
        assert!(Settings::of(given("log_level = 'WARN,server=debug'")).is_ok());
    }

    #[test]
    fn f46_limits_stand_once_and_system_is_no_default() {
        let wrong = |text: &str| Settings::of(given(text)).err().map(|error| error.to_string()).unwrap_or_default();
        let twice = wrong("limits = 'max_nodes=1, max_nodes=2'");
        assert!(twice.ends_with("The limit max_nodes is named twice."), "{twice}");
        let twice = wrong("limits = 'max_bytes=1,max_storage_bytes=2'");
        assert!(twice.ends_with("The limit max_storage_bytes is named twice."), "{twice}");
        let system = wrong("default_database = 'system'");
        assert!(system.contains("system cannot be the default database"), "{system}");
    }

    #[test]
    fn f102_the_import_folder_is_not_the_servers_own() {
        let folder = std::env::temp_dir();
        let here = folder.display();
        let wrong = |text: &str| Settings::of(given(text)).err().map(|error| error.to_string()).unwrap_or_default();
        let same = wrong(&format!("data = '{here}'\nimport_folder = '{here}/.'"));
        assert!(
            same.ends_with("lies in the folder of the setting data, from which no statement may read. Name another.")
        );
        let above = folder.parent().expect("it is no root").display();
        let below = wrong(&format!("backup_folder = '{above}'\nimport_folder = '{here}'"));
        assert!(below.contains("lies in the folder of the setting backup_folder"), "{below}");
        assert_eq!(wrong(&format!("data = '{here}/no such folder'\nimport_folder = '{here}'")), "");
    }

    #[test]
    fn the_file_shows_the_line_of_an_unknown_setting() {
        let folder = tempfile::tempdir().expect("a folder for tests");
        let path = folder.path().join("sheaf.toml");
        let reason = |text: &str| {
            fs::write(&path, text).expect("a folder for tests");
            read_file(&path).expect_err("a wrong file").to_string()
        };
        let unknown = reason("data = 'x'\nprot = 1\n");
        assert!(unknown.contains("line 2") && unknown.contains("unknown field `prot`"), "{unknown}");
        let wrong = reason("statement_time_max = 'soon'\n");
        assert!(wrong.contains("line 1") && wrong.contains("\"soon\" is no time"), "{wrong}");
    }

    #[test]
    fn the_password_may_lie_in_a_file() {
        let folder = tempfile::tempdir().expect("a folder for tests");
        let path = folder.path().join("password");
        fs::write(&path, "secret\n").expect("a folder for tests");
        assert_eq!(first_password(None, Some(&path)).expect("a password"), Some("secret".to_owned()));
        fs::write(&path, "\n").expect("a folder for tests");
        assert!(matches!(first_password(None, Some(&path)), Err(SettingsError::NoPassword { .. })));
    }
}
