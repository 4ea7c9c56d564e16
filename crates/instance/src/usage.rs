//! What bounds each database and how much of it is used, as rows.
//! Leaves the numbers to `limits` and `metrics`, and `YIELD` to `tail`.
//! Start reading at [`show_limits`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use catalog::limits::Unit;
use catalog::{Action, CatalogError, Database as Row, Limit, Limits, RoleLimits};
use cypher::ast::{LimitOwner, NameOrParameter, ShowTail};
use graph::keys::Counted;
use types::{DatabaseName, Failure, SetBy, Value};

use crate::commands;
use crate::databases::Counts;
use crate::instance::Shared;
use crate::limits::{effective, source_word};
use crate::metrics::Rates;
use crate::open_database::OpenDatabase;
use crate::records::Records;
use crate::show::instant;
use crate::statement::Statement;
use crate::tail::{self, Column};

const fn usual(name: &'static str) -> Column {
    Column { name, usual: true }
}

const fn extra(name: &'static str) -> Column {
    Column { name, usual: false }
}

const LIMIT_COLUMNS: &[Column] = &[
    usual("database"),
    usual("limit"),
    usual("value"),
    usual("description"),
    usual("current"),
    usual("percent"),
    usual("source"),
    extra("text"),
    extra("unit"),
    extra("rejections"),
];

/// Lists limits: of one database, or of every one that the user may see.
pub(crate) fn show_limits(
    statement: &mut Statement<'_>,
    owner: Option<&LimitOwner>,
    tail: &ShowTail,
) -> Result<Records, Failure> {
    match owner {
        Some(LimitOwner::Database(name)) => commands::allow_on(statement, &Action::ShowLimit, name)?,
        Some(LimitOwner::Role(_)) => commands::allow(statement, &Action::ShowLimit)?,
        None => {}
    }
    let rows = match owner {
        Some(LimitOwner::Database(name)) => {
            let databases = chosen(statement, name)?;
            databases.iter().for_each(|row| open_if_possible(statement.shared, row));
            limit_rows(statement, &databases)
        }
        Some(LimitOwner::Role(role)) => role_rows(statement, role)?,
        None => limit_rows(statement, &all_shown(statement)?),
    };
    tail::run(statement, LIMIT_COLUMNS, rows, tail, DatabaseName::system().to_string())
}

/// Finds the database that is meant; whoever asks may look at its limits.
fn chosen(statement: &Statement<'_>, name: &NameOrParameter) -> Result<Vec<Arc<Row>>, Failure> {
    let names = statement.names;
    let target = names.resolve(&commands::typed(name, &statement.parameters)?).map_err(Failure::from)?;
    Ok(names.database(target.database).cloned().into_iter().collect())
}

/// Finds the databases at whose limits the user may look; `system` has none.
///
/// Who may look at those of none hears that.
fn all_shown(statement: &Statement<'_>) -> Result<Vec<Arc<Row>>, Failure> {
    let names = statement.names;
    let visible =
        |row: &Arc<Row>| catalog::access::allow_on(names, statement.principal, &Action::ShowLimit, &row.name).is_ok();
    let shown: Vec<_> = names.databases_from("").filter(|row| !row.name.is_system() && visible(row)).cloned().collect();
    if shown.is_empty() {
        commands::allow(statement, &Action::ShowLimit)?;
    }
    Ok(shown)
}

fn limit_rows(statement: &Statement<'_>, databases: &[Arc<Row>]) -> Vec<Vec<Value>> {
    let (shared, roles) = (statement.shared, statement.room.role_limits.as_deref());
    databases.iter().flat_map(|row| Limit::ALL.map(|limit| limit_row(shared, row, roles, limit))).collect()
}

/// Tells what holds for who asks: a role's limit is one of each of its users, and nobody counts what all use of it.
fn limit_row(shared: &Shared, row: &Row, roles: Option<&RoleLimits>, limit: Limit) -> Vec<Value> {
    let (value, source) = effective(limit, &row.limits, roles, &shared.meters.defaults);
    let used = if matches!(source, Some(SetBy::Role(_))) { None } else { used(shared, row, limit) };
    let percent = used.filter(|_| value > 0).map(|used| (used as f64 / value as f64 * 1_000.0).round() / 10.0);
    let rejections = shared.meters.find(row.id).map_or(0, |meter| meter.counts.refusals(limit));
    vec![
        row.name.as_str().into(),
        limit.about().name.into(),
        value_of(limit, value),
        limit.about().description.into(),
        used.map_or(Value::Null, integer),
        percent.map_or(Value::Null, Value::Float),
        source_word(source.as_ref()).into(),
        Value::string(limit.show(value)),
        unit(limit).into(),
        integer(rejections),
    ]
}

/// Lists the limits that a role has, under its name; what it does not bound is not listed.
fn role_rows(statement: &Statement<'_>, role: &NameOrParameter) -> Result<Vec<Vec<Value>>, Failure> {
    let role = commands::typed(role, &statement.parameters)?;
    if !statement.names.has_role(&role) {
        return Err(CatalogError::RoleMissing { verb: "show", role }.into());
    }
    let limits = statement.names.role_limits(&role).map(|limits| Limits::clone(limits)).unwrap_or_default();
    let row = |(limit, value): (Limit, u64)| {
        vec![
            Value::Null,
            limit.about().name.into(),
            value_of(limit, value),
            limit.about().description.into(),
            Value::Null,
            Value::Null,
            "role".into(),
            Value::string(limit.show(value)),
            unit(limit).into(),
            Value::Null,
        ]
    };
    Ok(limits.iter().map(row).collect())
}

pub(crate) fn value_of(limit: Limit, value: u64) -> Value {
    match limit.about().unit {
        Unit::Choice(_) => Value::string(limit.show(value)),
        Unit::Count | Unit::Bytes | Unit::Time => integer(value),
    }
}

fn unit(limit: Limit) -> &'static str {
    match limit.about().unit {
        Unit::Count => "count",
        Unit::Bytes => "bytes",
        Unit::Time => "milliseconds",
        Unit::Choice(_) => "choice",
    }
}

pub(crate) fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Tells what is used of a limit; nothing where that is not a number, or is not known of a closed database.
fn used(shared: &Shared, row: &Row, limit: Limit) -> Option<u64> {
    let meter = shared.meters.find(row.id);
    let second = shared.meters.second(shared.options.clock.now());
    match limit {
        Limit::MaxNodes => Holdings::of(shared, row).map(|holdings| holdings.nodes),
        Limit::MaxEdges => Holdings::of(shared, row).map(|holdings| holdings.relationships),
        Limit::MaxStorageBytes => Holdings::of(shared, row).map(|holdings| holdings.used_bytes),
        Limit::MaxConcurrentQueries => Some(meter.map_or(0, |meter| meter.running().0)),
        Limit::MaxConnections => Some(meter.map_or(0, |meter| meter.seating.count().0)),
        Limit::MaxQueriesPerSecond => Some(meter.map_or(0, |meter| meter.counts.queries.last_second(second))),
        Limit::MaxWritesPerSecond => Some(meter.map_or(0, |meter| meter.counts.writes.last_second(second))),
        Limit::MaxQueryTime
        | Limit::MaxResults
        | Limit::MaxResultsPolicy
        | Limit::MaxQueryMemory
        | Limit::MaxConnectionsPerUser
        | Limit::MaxQueriesBurst
        | Limit::MaxWritesBurst
        | Limit::MaxWritesCounted => None,
    }
}

/// What a database holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Holdings {
    pub(crate) nodes: u64,
    pub(crate) relationships: u64,
    /// Bytes of live data.
    pub(crate) used_bytes: u64,
    /// Bytes of the file.
    pub(crate) file_bytes: u64,
    /// Bytes of the journal; nothing where none is kept, or while the database is closed.
    pub(crate) journal_bytes: Option<u64>,
}

impl Holdings {
    /// Looks at a database, or tells what it held when it was closed; listing many must not open them all.
    pub(crate) fn of(shared: &Shared, row: &Row) -> Option<Self> {
        if let Some(open) = shared.databases.peek(row.id) {
            return Self::look(&open);
        }
        let Counts { nodes, relationships, used_bytes, file_bytes, .. } = shared.databases.counts(row)?;
        Some(Self { nodes, relationships, used_bytes, file_bytes, journal_bytes: None })
    }

    /// Looks at an open database; one that cannot be read has nothing to show.
    pub(crate) fn look(open: &OpenDatabase) -> Option<Self> {
        let read = open.graph.begin_read().ok()?;
        let store = open.graph.store().usage().ok()?;
        Some(Self {
            nodes: read.count(Counted::Nodes).ok()?,
            relationships: read.count(Counted::Relationships).ok()?,
            used_bytes: store.used_bytes,
            file_bytes: store.file_bytes,
            journal_bytes: open.journal.bytes(),
        })
    }
}

/// Tells how many of the bytes of live data indexes take; of a closed database, when it was closed.
fn index_bytes(shared: &Shared, row: &Row) -> Option<u64> {
    match shared.databases.peek(row.id) {
        Some(open) => open.graph.index_bytes().ok(),
        None => shared.databases.counts(row)?.index_bytes,
    }
}

const USAGE_COLUMNS: &[Column] = &[
    usual("database"),
    usual("nodes"),
    usual("relationships"),
    usual("storageBytes"),
    usual("runningStatements"),
    usual("waitingStatements"),
    usual("connections"),
    usual("queriesPerSecond"),
    usual("writesPerSecond"),
    usual("rejections"),
    usual("p99Millis"),
    extra("fileBytes"),
    extra("queriesPerSecondLastMinute"),
    extra("writesPerSecondLastMinute"),
    extra("statements"),
    extra("failures"),
    extra("rows"),
    extra("waitMillis"),
    extra("p50Millis"),
    extra("runningStatementsPeak"),
    extra("connectionsPeak"),
    extra("queriesPerSecondPeak"),
    extra("writesPerSecondPeak"),
    extra("rejectionsByLimit"),
    extra("isOpen"),
    extra("indexBytes"),
    extra("journalBytes"),
    extra("journalFrom"),
];

/// Lists what is used of each database: of one, which is opened for it, or of every one that the user may see.
pub(crate) fn show_usage(
    statement: &mut Statement<'_>,
    database: Option<&NameOrParameter>,
    tail: &ShowTail,
) -> Result<Records, Failure> {
    let databases = match database {
        Some(name) => {
            commands::allow_on(statement, &Action::ShowLimit, name)?;
            chosen(statement, name)?
        }
        None => all_shown(statement)?,
    };
    // Of what a transaction has not committed yet there may be no files.
    if database.is_some() && !statement.names.is_staged() {
        databases.iter().for_each(|row| open_if_possible(statement.shared, row));
    }
    let rows = databases.iter().map(|row| {
        let journal = statement.shared.databases.journal_outline(row);
        let bytes = journal.as_ref().map_or(Value::Null, |journal| integer(journal.bytes));
        let from = instant(journal.and_then(|journal| journal.begins()).map(i128::from));
        let indexes = index_bytes(statement.shared, row).map_or(Value::Null, integer);
        let mut usage = Usage::of(statement.shared, row).row();
        usage.extend([indexes, bytes, from]);
        usage
    });
    let rows = rows.collect();
    tail::run(statement, USAGE_COLUMNS, rows, tail, DatabaseName::system().to_string())
}

/// Opens a database to look into it; one that cannot be opened has nothing to show, and `SHOW DATABASES` says why.
fn open_if_possible(shared: &Shared, row: &Row) {
    if !row.name.is_system() {
        let _ = shared.open(row);
    }
}

/// What is used of one database, and what became of its statements since the server began.
#[derive(Clone, Debug)]
pub struct Usage {
    /// The database's own name.
    pub database: String,
    /// What it holds, or held when it was closed; nothing where that is not known.
    pub(crate) holdings: Option<Holdings>,
    pub(crate) is_open: bool,
    /// Statements that run, and the most that ever did.
    pub(crate) running: (u64, u64),
    pub(crate) waiting: u64,
    /// Sessions that use it, and the most that ever did.
    pub(crate) connections: (u64, u64),
    /// In the last second, a second over the last minute, and the most in a second.
    pub(crate) queries: (u64, f64, u64),
    pub(crate) writes: (u64, f64, u64),
    pub(crate) statements: u64,
    pub(crate) failures: u64,
    pub(crate) rows: u64,
    pub(crate) waited: Duration,
    pub(crate) p50: Option<Duration>,
    pub(crate) p99: Option<Duration>,
    /// Refusals by each limit that refused something.
    pub(crate) rejections: Vec<(Limit, u64)>,
}

impl Usage {
    pub(crate) fn of(shared: &Shared, row: &Row) -> Self {
        let second = shared.meters.second(shared.options.clock.now());
        let empty = Self {
            database: row.name.to_string(),
            holdings: Holdings::of(shared, row),
            is_open: shared.databases.peek(row.id).is_some(),
            running: (0, 0),
            waiting: 0,
            connections: (0, 0),
            queries: (0, 0.0, 0),
            writes: (0, 0.0, 0),
            statements: 0,
            failures: 0,
            rows: 0,
            waited: Duration::ZERO,
            p50: None,
            p99: None,
            rejections: Vec::new(),
        };
        let Some(meter) = shared.meters.find(row.id) else { return empty };
        let counts = &meter.counts;
        let rates = |rates: &Rates| (rates.last_second(second), rates.last_minute(second), rates.peak(second));
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let rejections = Limit::ALL.map(|limit| (limit, counts.refusals(limit)));
        Self {
            running: meter.running(),
            waiting: meter.waiting(),
            connections: meter.seating.count(),
            queries: rates(&counts.queries),
            writes: rates(&counts.writes),
            statements: load(&counts.statements),
            failures: load(&counts.failures),
            rows: load(&counts.rows),
            waited: counts.waited_time(),
            p50: counts.times.quantile(0.5),
            p99: counts.times.quantile(0.99),
            rejections: rejections.into_iter().filter(|(_, count)| *count > 0).collect(),
            ..empty
        }
    }

    fn row(&self) -> Vec<Value> {
        let held = |get: fn(&Holdings) -> u64| self.holdings.as_ref().map_or(Value::Null, |held| integer(get(held)));
        let rounded = |rate: f64| Value::Float((rate * 1_000.0).round() / 1_000.0);
        let time = |time: Option<Duration>| time.map_or(Value::Null, millis);
        let by_limit = self.rejections.iter().map(|(limit, count)| (limit.about().name.into(), integer(*count)));
        vec![
            self.database.as_str().into(),
            held(|held| held.nodes),
            held(|held| held.relationships),
            held(|held| held.used_bytes),
            integer(self.running.0),
            integer(self.waiting),
            integer(self.connections.0),
            integer(self.queries.0),
            integer(self.writes.0),
            integer(self.rejections.iter().map(|(_, count)| count).sum()),
            time(self.p99),
            held(|held| held.file_bytes),
            rounded(self.queries.1),
            rounded(self.writes.1),
            integer(self.statements),
            integer(self.failures),
            integer(self.rows),
            millis(self.waited),
            time(self.p50),
            integer(self.running.1),
            integer(self.connections.1),
            integer(self.queries.2),
            integer(self.writes.2),
            Value::map(by_limit.collect()),
            self.is_open.into(),
        ]
    }
}

/// Times are numbers here, since durations of Cypher cannot be compared.
fn millis(time: Duration) -> Value {
    Value::Float((time.as_secs_f64() * 1_000_000.0).round() / 1_000.0)
}
