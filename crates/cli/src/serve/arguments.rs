//! The flags and environment variables of `sheaf serve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::logging::LogFormat;
use crate::units::{Bytes, Time};

/// What `sheaf serve` takes. What is not given comes from the file, else from [`super::Settings::default`].
#[derive(Args, Clone, Debug, Default)]
pub struct Arguments {
    /// A TOML file with settings. In it a setting has the name of its flag, with _ for -.
    #[arg(long, env = "SHEAF_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) given: Given,
}

/// What was set in one place: by flags and environment, or by the file.
#[derive(Args, Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Given {
    /// The data folder; made if it is not there [default: ./data].
    #[arg(long, env = "SHEAF_DATA", value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Where Bolt listens: host:port, or off. Port 0 takes a free one [default: 127.0.0.1:7687].
    #[arg(long, env = "SHEAF_BOLT", value_name = "ADDRESS")]
    pub bolt: Option<String>,
    /// Where HTTP listens: host:port, or off [default: 127.0.0.1:7474].
    #[arg(long, env = "SHEAF_HTTP", value_name = "ADDRESS")]
    pub http: Option<String>,
    /// The host:port that clients are told to use for Bolt [default: the one they used].
    #[arg(long, env = "SHEAF_BOLT_ADVERTISED", value_name = "ADDRESS")]
    pub bolt_advertised: Option<String>,
    /// Who is let in: none lets everybody in and is for loopback addresses only; password asks for users
    /// [default: password where an initial password is given or the data folder has users, else none].
    #[arg(long, env = "SHEAF_AUTH", value_enum)]
    pub auth: Option<Auth>,
    /// The password of the user admin, at the first start with passwords; without it one is made up and printed
    /// once. Better given as the variable or the file, which other users of the machine cannot see.
    #[arg(long, env = "SHEAF_INITIAL_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    pub initial_password: Option<String>,
    /// A file whose first line is that password.
    #[arg(long, env = "SHEAF_INITIAL_PASSWORD_FILE", value_name = "FILE", conflicts_with = "initial_password")]
    pub initial_password_file: Option<PathBuf>,
    /// The folder from which LOAD CSV may read [default: no files].
    #[arg(long, env = "SHEAF_IMPORT_FOLDER", value_name = "FOLDER")]
    pub import_folder: Option<PathBuf>,
    /// The machines from which LOAD CSV may read over http and https: off, or a list of public (everything but the
    /// own network), names such as data.example.com or *.example.com, and addresses such as 10.1.0.0/16
    /// [default: public].
    #[arg(long, env = "SHEAF_IMPORT_HOSTS", value_name = "HOSTS")]
    pub import_hosts: Option<String>,
    /// How long LOAD CSV may read one file of another machine; 0 for as long as the statement may [default: 1h].
    #[arg(long, env = "SHEAF_IMPORT_TIME_MAX", value_name = "TIME", value_parser = Time::parse)]
    pub import_time_max: Option<Time>,
    /// How large one file of another machine may be, unpacked; 0 for no bound [default: 10GiB].
    #[arg(long, env = "SHEAF_IMPORT_SIZE_MAX", value_name = "SIZE", value_parser = Bytes::parse)]
    pub import_size_max: Option<Bytes>,
    /// A PEM file with the authorities that LOAD CSV trusts with https [default: those that Mozilla trusts].
    #[arg(long, env = "SHEAF_IMPORT_CA_FILE", value_name = "FILE")]
    pub import_ca_file: Option<PathBuf>,
    /// The folder that backups go into and come from [default: backups in the data folder].
    #[arg(long, env = "SHEAF_BACKUP_FOLDER", value_name = "FOLDER")]
    pub backup_folder: Option<PathBuf>,
    /// How large the audit may get; beyond that its oldest files go. 0 for no bound [default: 4GiB].
    #[arg(long, env = "SHEAF_AUDIT_SIZE_MAX", value_name = "SIZE", value_parser = Bytes::parse)]
    pub audit_size_max: Option<Bytes>,
    /// The file with the keys that seal secrets; made with one key if it is not there [default: seal.key in the data
    /// folder].
    #[arg(long, env = "SHEAF_SEAL_KEY_FILE", value_name = "FILE")]
    pub seal_key_file: Option<PathBuf>,
    /// Those keys themselves, each of 64 hexadecimal digits, apart by commas, the newest last; for the environment, since
    /// other users of the machine see flags.
    #[arg(
        long,
        env = "SHEAF_SEAL_KEYS",
        hide_env_values = true,
        value_name = "KEYS",
        conflicts_with = "seal_key_file"
    )]
    pub seal_keys: Option<String>,
    /// Whether databases that are made are encrypted on the disk where nobody says, each under a key of its own
    /// [default: false].
    #[arg(long, env = "SHEAF_ENCRYPT_NEW", value_name = "TRUE|FALSE", num_args = 0..=1, default_missing_value = "true")]
    pub encrypt_new: Option<bool>,
    /// How long a statement may take, such as 30s or 5m; 0 for as long as it likes [default: 0].
    #[arg(long, env = "SHEAF_STATEMENT_TIME_MAX", value_name = "TIME", value_parser = Time::parse)]
    pub statement_time_max: Option<Time>,
    /// What a statement may hold in memory, such as 512MiB; 0 for no bound [default: 1GiB].
    #[arg(long, env = "SHEAF_STATEMENT_MEMORY_MAX", value_name = "SIZE", value_parser = Bytes::parse)]
    pub statement_memory_max: Option<Bytes>,
    /// What all statements may hold in memory together, such as 8GiB; 0 for no bound [default: 70 % of what the process may
    /// have].
    #[arg(long, env = "SHEAF_STATEMENTS_MEMORY_MAX", value_name = "SIZE", value_parser = Bytes::parse)]
    pub statements_memory_max: Option<Bytes>,
    /// Statements that run at a time; further ones wait [default: 64].
    #[arg(long, env = "SHEAF_RUNNING_MAX", value_name = "NUMBER")]
    pub running_max: Option<usize>,
    /// Statements that wait to run; further ones are refused [default: 1024].
    #[arg(long, env = "SHEAF_WAITING_MAX", value_name = "NUMBER")]
    pub waiting_max: Option<usize>,
    /// Databases that may exist [default: 10000].
    #[arg(long, env = "SHEAF_DATABASES_MAX", value_name = "NUMBER")]
    pub databases_max: Option<usize>,
    /// Databases that are kept open; beyond them, those that nobody uses are closed [default: 256].
    #[arg(long, env = "SHEAF_OPEN_MAX", value_name = "NUMBER")]
    pub open_max: Option<usize>,
    /// How long a database that nobody uses stays open [default: 5m].
    #[arg(long, env = "SHEAF_IDLE_AFTER", value_name = "TIME", value_parser = Time::parse)]
    pub idle_after: Option<Time>,
    /// How long stopping a database waits for what is under way [default: 10s].
    #[arg(long, env = "SHEAF_DRAIN_TIME_MAX", value_name = "TIME", value_parser = Time::parse)]
    pub drain_time_max: Option<Time>,
    /// How long a session object that nobody uses is kept [default: 30m].
    #[arg(long, env = "SHEAF_SESSION_IDLE_MAX", value_name = "TIME", value_parser = Time::parse)]
    pub session_idle_max: Option<Time>,
    /// Session objects that one user may have at a time over HTTP; further ones are refused [default: 1000].
    #[arg(long, env = "SHEAF_SESSIONS_PER_USER_MAX", value_name = "NUMBER")]
    pub sessions_per_user_max: Option<usize>,
    /// Bolt connections at a time; further ones are refused [default: 4096].
    #[arg(long, env = "SHEAF_BOLT_CONNECTIONS_MAX", value_name = "NUMBER")]
    pub bolt_connections_max: Option<usize>,
    /// Bolt connections of one user at a time; further ones are refused. 0 for no bound [default: three quarters of all].
    #[arg(long, env = "SHEAF_BOLT_CONNECTIONS_PER_USER_MAX", value_name = "NUMBER")]
    pub bolt_connections_per_user_max: Option<usize>,
    /// HTTP connections at a time; further ones take the place of one that does nothing, or wait [default: 1024].
    #[arg(long, env = "SHEAF_HTTP_CONNECTIONS_MAX", value_name = "NUMBER")]
    pub http_connections_max: Option<usize>,
    /// How long a stop waits for what still runs [default: 5s].
    #[arg(long, env = "SHEAF_STOP_TIME_MAX", value_name = "TIME", value_parser = Time::parse)]
    pub stop_time_max: Option<Time>,
    /// The limits of databases that set none themselves, such as max_nodes=1000000,max_query_time=30s; the guide lists
    /// them [default: none].
    #[arg(long, env = "SHEAF_LIMITS", value_name = "LIMITS")]
    pub limits: Option<String>,
    /// How long a statement waits to run, for the server or for its database [default: 30s].
    #[arg(long, env = "SHEAF_WAITING_TIME_MAX", value_name = "TIME", value_parser = Time::parse)]
    pub waiting_time_max: Option<Time>,
    /// The default database; it is made at the first start, and a folder that has another is refused [default: sheaf].
    #[arg(long, env = "SHEAF_DEFAULT_DATABASE", value_name = "NAME")]
    pub default_database: Option<String>,
    /// Who may read /metrics: off, loopback (everybody on this machine, without the names of databases; with them, and from
    /// elsewhere, who may see limits), password (who may see limits, wherever he is), everybody (with all names)
    /// [default: loopback].
    #[arg(long, env = "SHEAF_METRICS", value_enum)]
    pub metrics: Option<Metrics>,
    /// Databases that have labels of their own in /metrics; the others are added up [default: 100].
    #[arg(long, env = "SHEAF_METRICS_DATABASES_MAX", value_name = "NUMBER")]
    pub metrics_databases_max: Option<usize>,
    /// The file for a line of JSON about each statement that took long, or failed [default: none].
    #[arg(long, env = "SHEAF_QUERY_LOG", value_name = "FILE")]
    pub query_log: Option<PathBuf>,
    /// Statements that took less are left out of it [default: 500ms].
    #[arg(long, env = "SHEAF_QUERY_LOG_THRESHOLD", value_name = "TIME", value_parser = Time::parse)]
    pub query_log_threshold: Option<Time>,
    /// Whether the values of parameters are written into it [default: false].
    #[arg(
        long,
        env = "SHEAF_QUERY_LOG_PARAMETERS",
        num_args = 0..=1,
        default_missing_value = "true",
        value_parser = clap::builder::BoolishValueParser::new(),
    )]
    pub query_log_parameters: Option<bool>,
    /// The size at which it is turned over; four older files are kept [default: 100MiB].
    #[arg(long, env = "SHEAF_QUERY_LOG_SIZE_MAX", value_name = "SIZE", value_parser = Bytes::parse)]
    pub query_log_size_max: Option<Bytes>,
    /// How the log on the standard error is written [default: text].
    #[arg(long, env = "SHEAF_LOG", value_enum)]
    pub log: Option<LogFormat>,
    /// What is logged: error, warn, info, debug or trace, also by place: warn,server=debug [default: info].
    #[arg(long, env = "SHEAF_LOG_LEVEL", value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Lets tests declare procedures; for the openCypher tests alone.
    #[arg(
        long,
        env = "SHEAF_TEST_PROCEDURES",
        hide = true,
        num_args = 0..=1,
        default_missing_value = "true",
        value_parser = clap::builder::BoolishValueParser::new(),
    )]
    #[serde(skip)]
    pub test_procedures: Option<bool>,
}

/// Who may read the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Metrics {
    /// Nobody.
    Off,
    /// Everybody on this machine.
    Loopback,
    /// Who may see limits.
    Password,
    /// Everybody.
    Everybody,
}

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    /// Everybody.
    None,
    /// Users with a password.
    Password,
}

impl Given {
    /// Takes from `file` what is not set here.
    #[must_use]
    pub fn or(self, file: Self) -> Self {
        // A password given in one place is not joined with a password file given in the other.
        let has_password = self.initial_password.is_some() || self.initial_password_file.is_some();
        let (file_password, file_password_file) =
            if has_password { (None, None) } else { (file.initial_password, file.initial_password_file) };
        Self {
            data: self.data.or(file.data),
            bolt: self.bolt.or(file.bolt),
            http: self.http.or(file.http),
            bolt_advertised: self.bolt_advertised.or(file.bolt_advertised),
            auth: self.auth.or(file.auth),
            initial_password: self.initial_password.or(file_password),
            initial_password_file: self.initial_password_file.or(file_password_file),
            import_folder: self.import_folder.or(file.import_folder),
            import_hosts: self.import_hosts.or(file.import_hosts),
            import_time_max: self.import_time_max.or(file.import_time_max),
            import_size_max: self.import_size_max.or(file.import_size_max),
            import_ca_file: self.import_ca_file.or(file.import_ca_file),
            backup_folder: self.backup_folder.or(file.backup_folder),
            audit_size_max: self.audit_size_max.or(file.audit_size_max),
            seal_key_file: self.seal_key_file.or(file.seal_key_file),
            seal_keys: self.seal_keys.or(file.seal_keys),
            encrypt_new: self.encrypt_new.or(file.encrypt_new),
            statement_time_max: self.statement_time_max.or(file.statement_time_max),
            statement_memory_max: self.statement_memory_max.or(file.statement_memory_max),
            statements_memory_max: self.statements_memory_max.or(file.statements_memory_max),
            running_max: self.running_max.or(file.running_max),
            waiting_max: self.waiting_max.or(file.waiting_max),
            databases_max: self.databases_max.or(file.databases_max),
            open_max: self.open_max.or(file.open_max),
            idle_after: self.idle_after.or(file.idle_after),
            drain_time_max: self.drain_time_max.or(file.drain_time_max),
            session_idle_max: self.session_idle_max.or(file.session_idle_max),
            sessions_per_user_max: self.sessions_per_user_max.or(file.sessions_per_user_max),
            bolt_connections_max: self.bolt_connections_max.or(file.bolt_connections_max),
            bolt_connections_per_user_max: self.bolt_connections_per_user_max.or(file.bolt_connections_per_user_max),
            http_connections_max: self.http_connections_max.or(file.http_connections_max),
            stop_time_max: self.stop_time_max.or(file.stop_time_max),
            limits: self.limits.or(file.limits),
            waiting_time_max: self.waiting_time_max.or(file.waiting_time_max),
            default_database: self.default_database.or(file.default_database),
            metrics: self.metrics.or(file.metrics),
            metrics_databases_max: self.metrics_databases_max.or(file.metrics_databases_max),
            query_log: self.query_log.or(file.query_log),
            query_log_threshold: self.query_log_threshold.or(file.query_log_threshold),
            query_log_parameters: self.query_log_parameters.or(file.query_log_parameters),
            query_log_size_max: self.query_log_size_max.or(file.query_log_size_max),
            log: self.log.or(file.log),
            log_level: self.log_level.or(file.log_level),
            test_procedures: self.test_procedures.or(file.test_procedures),
        }
    }
}
