//! The listings: databases and indexes, with the columns that Neo4j has.
//! Leaves `YIELD` and what follows it to `tail`.
//! Start reading at [`databases`].

use std::sync::Arc;

use catalog::{Access, Database as Row, DatabaseAccess, Requested, Target};
use cypher::ast::{ConstraintFilter, ConstraintKind as Asked, ShowTail};
use graph::codec::fact::{ConstraintDefinition, ConstraintKind, IndexDefinition, IndexKind, IndexOn};
use graph::constraint::words::{constraint_name, kind_name};
use types::{DatabaseName, DateTime, Failure, Value};

use crate::index_reads::IndexReads;
use crate::records::Records;
use crate::rules::Listed;
use crate::statement::Statement;
use crate::tail::{self, Column};

/// Which databases are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Every one that the user may see.
    All,
    /// One by name or alias, where there is one.
    Named(String),
    /// The default one, which is everybody's home.
    Default,
}

const NANOS: i128 = 1_000_000_000;

const fn usual(name: &'static str) -> Column {
    Column { name, usual: true }
}

const fn extra(name: &'static str) -> Column {
    Column { name, usual: false }
}

/// Lists databases.
pub(crate) fn databases(statement: &mut Statement<'_>, which: &Which, tail: &ShowTail) -> Result<Records, Failure> {
    let is_single = *which == Which::Default;
    let mut columns = vec![
        usual("name"),
        usual("type"),
        usual("aliases"),
        usual("access"),
        extra("databaseID"),
        extra("serverID"),
        usual("address"),
        usual("role"),
        usual("writer"),
        usual("requestedStatus"),
        usual("currentStatus"),
        usual("statusMessage"),
        usual("default"),
        usual("home"),
        extra("currentPrimariesCount"),
        extra("currentSecondariesCount"),
        extra("requestedPrimariesCount"),
        extra("requestedSecondariesCount"),
        extra("creationTime"),
        extra("lastStartTime"),
        extra("lastStopTime"),
        extra("store"),
        extra("lastCommittedTxn"),
        extra("replicationLag"),
        usual("constituents"),
        extra("defaultLanguage"),
        extra("options"),
    ];
    let mut rows: Vec<Vec<Value>> = chosen(statement, which).iter().map(|row| database_row(statement, row)).collect();
    if is_single {
        // Neo4j leaves these two out where they would say nothing.
        let kept: Vec<bool> = columns.iter().map(|column| !matches!(column.name, "default" | "home")).collect();
        let mut keep = kept.iter();
        columns.retain(|_| *keep.next().expect("one for each column"));
        for row in &mut rows {
            let mut keep = kept.iter();
            row.retain(|_| *keep.next().expect("one for each column"));
        }
    }
    tail::run(statement, &columns, rows, tail, DatabaseName::system().to_string())
}

fn chosen(statement: &Statement<'_>, which: &Which) -> Vec<Arc<Row>> {
    let names = statement.names;
    let found = match which {
        Which::All => names.databases(),
        Which::Default => vec![Arc::clone(names.default_database())],
        Which::Named(typed) => {
            let target = names.resolve(typed).ok();
            target.and_then(|target| names.database(target.database).cloned()).into_iter().collect()
        }
    };
    let visible = |row: &Arc<Row>| {
        let target = Target { database: row.id, name: row.name.clone(), alias: None };
        row.name.is_system() || catalog::grant(statement.names, statement.principal, &target, Access::Read).is_ok()
    };
    found.into_iter().filter(visible).collect()
}

fn database_row(statement: &Statement<'_>, row: &Row) -> Vec<Value> {
    let shared = statement.shared;
    let is_default = row.id == statement.names.default_database().id;
    let aliases = statement.names.aliases_of(row.id).iter().map(|alias| Value::from(alias.as_str())).collect();
    let failure = shared.databases.failure(row.id);
    let (requested, current) = match (row.requested, &failure) {
        (Requested::Online, None) => ("online", "online"),
        (Requested::Online, Some(_)) => ("online", "error"),
        (Requested::Offline, _) if shared.databases.peek(row.id).is_some() => ("offline", "stopping"),
        (Requested::Offline, _) => ("offline", "offline"),
    };
    let version = shared.databases.peek(row.id).and_then(|open| i64::try_from(open.graph.version()).ok());
    vec![
        row.name.as_str().into(),
        if row.name.is_system() { "system".into() } else { "standard".into() },
        Value::list(aliases),
        match row.access {
            DatabaseAccess::ReadWrite => "read-write".into(),
            DatabaseAccess::ReadOnly => "read-only".into(),
        },
        Value::string(row.id.to_string()),
        Value::string(shared.server_id.to_string()),
        shared.options.address.as_str().into(),
        "primary".into(),
        true.into(),
        requested.into(),
        current.into(),
        failure.map_or_else(|| "".into(), |failure| Value::string(failure.message())),
        is_default.into(),
        is_default.into(),
        1.into(),
        0.into(),
        1.into(),
        0.into(),
        instant(Some(row.created_nanos)),
        instant(row.last_start_nanos),
        instant(row.last_stop_nanos),
        "lmdb-sheaf-1.0".into(),
        version.map_or(Value::Null, Value::Integer),
        0.into(),
        Value::list(Vec::new()),
        "CYPHER 5".into(),
        Value::map(types::Map::new()),
    ]
}

/// Makes the date and time of a moment in nanoseconds since 1970.
pub(crate) fn instant(nanos: Option<i128>) -> Value {
    let made = nanos.and_then(|nanos| {
        let seconds = i64::try_from(nanos.div_euclid(NANOS)).ok()?;
        let nanos = i64::try_from(nanos.rem_euclid(NANOS)).ok()?;
        types::temporal::from_epoch(seconds, nanos).ok()
    });
    made.map_or(Value::Null, |instant: DateTime| Value::DateTime(Box::new(instant)))
}

/// Lists the indexes of the statement's database.
pub(crate) fn indexes(
    statement: &mut Statement<'_>,
    mut indexes: Vec<Listed<IndexDefinition>>,
    constraints: &[Listed<ConstraintDefinition>],
    reads: &IndexReads,
    tail: &ShowTail,
) -> Result<Records, Failure> {
    let columns = [
        usual("id"),
        usual("name"),
        usual("state"),
        usual("populationPercent"),
        usual("type"),
        usual("entityType"),
        usual("labelsOrTypes"),
        usual("properties"),
        usual("indexProvider"),
        usual("owningConstraint"),
        usual("lastRead"),
        usual("readCount"),
        extra("trackedSince"),
        extra("options"),
        extra("failureMessage"),
        extra("createStatement"),
    ];
    indexes.sort_by(|a, b| a.definition.name.cmp(&b.definition.name));
    let rows = indexes.iter().map(|index| index_row(index, constraints, reads)).collect();
    let database = statement.shown_database();
    tail::run(statement, &columns, rows, tail, database)
}

fn index_row(
    index: &Listed<IndexDefinition>,
    constraints: &[Listed<ConstraintDefinition>],
    reads: &IndexReads,
) -> Vec<Value> {
    let IndexDefinition { id, name, on, kind, .. } = &index.definition;
    let is_lookup = *kind == IndexKind::Lookup;
    let own_reads = reads.of(*id);
    // What is looked up without an index of its own, or by a procedure, is not counted.
    let is_counted = kind.has_entries();
    let owner = constraints.iter().find(|it| Some(it.definition.id) == index.definition.constraint);
    vec![
        i64::from(id.0).into(),
        name.as_str().into(),
        if index.definition.is_online() { "ONLINE".into() } else { "POPULATING".into() },
        // Two digits are what a person reads, and the last step is not done before it is done.
        if index.definition.is_online() { 100.0.into() } else { ((index.filled_share * 1e4).floor() / 1e2).into() },
        kind_name(*kind).into(),
        entity_type(on),
        if is_lookup { Value::Null } else { strings(&index.of) },
        if is_lookup { Value::Null } else { strings(&index.keys) },
        crate::index_options::shown_provider(*kind).into(),
        owner.map_or(Value::Null, |owner| owner.definition.name.as_str().into()),
        instant(own_reads.last_nanos),
        if is_counted { i64::try_from(own_reads.count).unwrap_or(i64::MAX).into() } else { Value::Null },
        instant(is_counted.then_some(reads.since_nanos)),
        Value::map(crate::index_options::shown(&index.definition)),
        "".into(),
        Value::string(index.statement(constraints)),
    ]
}

/// Lists the constraints of the statement's database.
pub(crate) fn constraints(
    statement: &mut Statement<'_>,
    mut constraints: Vec<Listed<ConstraintDefinition>>,
    filter: &ConstraintFilter,
    tail: &ShowTail,
) -> Result<Records, Failure> {
    let columns = [
        usual("id"),
        usual("name"),
        usual("type"),
        usual("entityType"),
        usual("labelsOrTypes"),
        usual("properties"),
        usual("ownedIndex"),
        usual("propertyType"),
        extra("options"),
        extra("createStatement"),
    ];
    let is_shown = |it: &Listed<ConstraintDefinition>| {
        let ConstraintDefinition { on, kind, .. } = &it.definition;
        let is_kind = match (&filter.kind, kind) {
            (None, _)
            | (Some(Asked::Unique), ConstraintKind::Unique)
            | (Some(Asked::Key), ConstraintKind::Key)
            | (Some(Asked::Exists), ConstraintKind::Exists)
            | (Some(Asked::Typed(_)), ConstraintKind::Typed(_)) => true,
            (Some(_), _) => false,
        };
        is_kind && filter.nodes.is_none_or(|nodes| nodes == on.is_nodes())
    };
    constraints.retain(is_shown);
    constraints.sort_by(|a, b| a.definition.name.cmp(&b.definition.name));
    let rows = constraints.iter().map(constraint_row).collect();
    let database = statement.shown_database();
    tail::run(statement, &columns, rows, tail, database)
}

fn constraint_row(it: &Listed<ConstraintDefinition>) -> Vec<Value> {
    let ConstraintDefinition { id, name, on, kind, index, .. } = &it.definition;
    let options = index.map(|_| {
        let mut options = types::Map::new();
        options.insert("indexConfig".into(), Value::map(types::Map::new()));
        options.insert("indexProvider".into(), "range-1.0".into());
        Value::map(options)
    });
    vec![
        i64::from(id.0).into(),
        name.as_str().into(),
        Value::string(constraint_name(&it.definition).replace(' ', "_")),
        entity_type(on),
        strings(&it.of),
        strings(&it.keys),
        index.map_or(Value::Null, |_| name.as_str().into()),
        match kind {
            ConstraintKind::Typed(types) => Value::string(types.to_string()),
            _ => Value::Null,
        },
        options.unwrap_or(Value::Null),
        Value::string(it.statement()),
    ]
}

fn entity_type(on: &IndexOn) -> Value {
    if on.is_nodes() { "NODE".into() } else { "RELATIONSHIP".into() }
}

fn strings(names: &[compact_str::CompactString]) -> Value {
    Value::list(names.iter().map(|name| Value::from(name.as_str())).collect())
}
