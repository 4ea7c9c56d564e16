//! The listings of indexes and constraints, with the columns that Neo4j has.
//! Leaves `YIELD` and what follows it to `tail`.
//! Start reading at [`indexes`].

use cypher::ast::{ConstraintFilter, ConstraintKind as Asked};
use graph::codec::fact::{ConstraintDefinition, ConstraintKind, IndexDefinition, IndexKind, IndexOn, IndexState};
use graph::constraint::words::{constraint_name, kind_name};
use types::{DateTime, Value};

use crate::index_reads::IndexReads;
use crate::rules::Listed;
use crate::tail::{Column, Listing, extra, usual};

const NANOS: i128 = 1_000_000_000;

/// Makes the date and time of a moment in nanoseconds since 1970.
pub(crate) fn instant(nanos: Option<i128>) -> Value {
    let made = nanos.and_then(|nanos| {
        let seconds = i64::try_from(nanos.div_euclid(NANOS)).ok()?;
        let nanos = i64::try_from(nanos.rem_euclid(NANOS)).ok()?;
        types::temporal::from_epoch(seconds, nanos).ok()
    });
    made.map_or(Value::Null, |instant: DateTime| Value::DateTime(Box::new(instant)))
}

/// What `SHOW INDEXES` tells of each.
pub(crate) const INDEX_COLUMNS: &[Column] = &[
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

/// Lists indexes.
pub(crate) fn indexes(
    mut indexes: Vec<Listed<IndexDefinition>>,
    constraints: &[Listed<ConstraintDefinition>],
    reads: &IndexReads,
) -> Listing {
    indexes.sort_by(|a, b| a.definition.name.cmp(&b.definition.name));
    let rows = indexes.iter().map(|index| index_row(index, constraints, reads)).collect();
    Listing::of(INDEX_COLUMNS, rows)
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
        match index.definition.state {
            IndexState::Online => "ONLINE".into(),
            IndexState::Populating => "POPULATING".into(),
            IndexState::Failed => "FAILED".into(),
        },
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
        index.definition.failure().unwrap_or_default().into(),
        Value::string(index.statement(constraints)),
    ]
}

/// What `SHOW CONSTRAINTS` tells of each.
pub(crate) const CONSTRAINT_COLUMNS: &[Column] = &[
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

/// Lists constraints.
pub(crate) fn constraints(mut constraints: Vec<Listed<ConstraintDefinition>>, filter: &ConstraintFilter) -> Listing {
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
    Listing::of(CONSTRAINT_COLUMNS, rows)
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
