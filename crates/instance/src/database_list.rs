//! `SHOW DATABASES`: each database that somebody may see, with the columns that Neo4j has and a few of our own.
//! Leaves `YIELD` and what follows it to `tail`, and whether a file is sound to `databases`.
//! Start reading at [`show`].

use std::sync::Arc;

use catalog::{Database as Row, DatabaseAccess, Language, Requested, Target, access};
use cypher::ast::{Expression, ExpressionKind, ShowTail};
use types::{DatabaseName, Failure, Map, Value};

use crate::databases::Standing;
use crate::index_options;
use crate::records::Records;
use crate::show::instant;
use crate::statement::Statement;
use crate::tail::{self, Column};

/// Which databases are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Every one that the user may see.
    All,
    /// One by name or alias, where there is one.
    Named(String),
    /// The default one.
    Default,
    /// The one that the user means who names none.
    Home,
}

/// What is known of one database while its row is made.
struct Look<'s> {
    statement: &'s Statement<'s>,
    row: &'s Row,
    standing: Standing,
}

type MakeValue = fn(&Look<'_>) -> Value;

/// Every column: its name, whether it is there without a `YIELD`, and what stands in it.
const COLUMNS: &[(&str, bool, MakeValue)] = &[
    ("name", true, |look| look.row.name.as_str().into()),
    ("type", true, |look| if look.row.name.is_system() { "system".into() } else { "standard".into() }),
    ("aliases", true, |look| {
        let aliases = look.statement.names.aliases_of(look.row.id);
        Value::list(aliases.iter().map(|alias| alias.as_str().into()).collect())
    }),
    ("access", true, |look| match look.row.access {
        DatabaseAccess::ReadWrite => "read-write".into(),
        DatabaseAccess::ReadOnly => "read-only".into(),
    }),
    ("databaseID", false, |look| Value::string(look.row.id.to_string())),
    ("serverID", false, |look| Value::string(look.statement.shared.server_id.to_string())),
    ("address", true, |look| look.statement.shared.options.address.as_str().into()),
    ("role", true, |_| "primary".into()),
    ("writer", true, |_| true.into()),
    ("requestedStatus", true, |look| match look.row.requested {
        Requested::Online => "online".into(),
        Requested::Offline => "offline".into(),
    }),
    ("currentStatus", true, |look| look.current_status().into()),
    ("statusMessage", true, |look| match &look.standing {
        Standing::Failed(failure) => Value::string(failure.message()),
        Standing::Open(_) | Standing::Opening | Standing::Closed => "".into(),
    }),
    ("default", true, |look| (look.row.id == look.statement.names.default_database().id).into()),
    ("home", true, |look| {
        let names = look.statement.names;
        let home = names.resolve(names.home_of(look.statement.principal).as_str());
        home.is_ok_and(|home| home.database == look.row.id).into()
    }),
    ("currentPrimariesCount", false, |_| 1.into()),
    ("currentSecondariesCount", false, |_| 0.into()),
    ("requestedPrimariesCount", false, |_| 1.into()),
    ("requestedSecondariesCount", false, |_| 0.into()),
    ("creationTime", false, |look| instant(Some(look.row.created_nanos))),
    ("lastStartTime", false, |look| instant(look.row.last_start_nanos)),
    ("lastStopTime", false, |look| instant(look.row.last_stop_nanos)),
    ("store", false, |_| "lmdb-sheaf-1.0".into()),
    ("lastCommittedTxn", false, |look| match &look.standing {
        Standing::Open(open) => i64::try_from(open.graph.version()).map_or(Value::Null, Value::Integer),
        Standing::Opening | Standing::Closed | Standing::Failed(_) => Value::Null,
    }),
    ("replicationLag", false, |_| 0.into()),
    ("constituents", true, |_| Value::list(Vec::new())),
    ("defaultLanguage", false, |look| match look.row.language {
        Language::Cypher5 => "CYPHER 5".into(),
        Language::Cypher25 => "CYPHER 25".into(),
    }),
    ("options", false, |look| Value::map(look.row.options.shown())),
    ("owner", false, |look| text(look.statement.names.owner_of(look.row.id))),
    ("createdBy", false, |look| text(look.row.creator.as_deref())),
    ("updatedTime", false, |look| instant(Some(look.row.updated_nanos))),
    ("suspended", false, |look| {
        let runs = look.row.requested == Requested::Online && !look.row.name.is_system();
        (runs && matches!(look.standing, Standing::Closed)).into()
    }),
];

fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::from)
}

impl Look<'_> {
    fn current_status(&self) -> &'static str {
        match (self.row.requested, &self.standing) {
            (Requested::Online, Standing::Failed(_)) => "error",
            (Requested::Online, Standing::Opening) => "starting",
            // One that is closed opens when it is asked for.
            (Requested::Online, Standing::Open(_) | Standing::Closed) => "online",
            (Requested::Offline, Standing::Open(_) | Standing::Opening) => "stopping",
            (Requested::Offline, Standing::Closed | Standing::Failed(_)) => "offline",
        }
    }
}

/// Lists databases.
pub(crate) fn show(statement: &mut Statement<'_>, which: &Which, tail: &ShowTail) -> Result<Records, Failure> {
    // Neo4j leaves these two out where they would say nothing.
    let is_single = matches!(which, Which::Default | Which::Home);
    let is_there = |name: &str| !is_single || !matches!(name, "default" | "home");
    let columns: Vec<&(&str, bool, MakeValue)> =
        COLUMNS.iter().filter(|(name, usual, _)| is_there(name) && is_needed(statement, name, *usual, tail)).collect();
    let rows_max = rows_max(tail, &statement.parameters)?;
    let looks_at_files = columns.iter().any(|(name, _, _)| matches!(*name, "currentStatus" | "statusMessage"));
    let mut rows = Vec::new();
    for row in chosen(statement, which, rows_max) {
        let databases = &statement.shared.databases;
        let standing = if looks_at_files { databases.glance(&row) } else { databases.standing(row.id) };
        let look = Look { statement, row: &row, standing };
        rows.push(columns.iter().map(|(_, _, make)| make(&look)).collect());
    }
    let columns: Vec<Column> = columns.iter().map(|(name, usual, _)| Column { name, usual: *usual }).collect();
    tail::run(statement, &columns, rows, tail, DatabaseName::system().to_string())
}

/// Tells whether a column can matter: one whose name the statement does not hold cannot, unless it asks for all.
fn is_needed(statement: &Statement<'_>, name: &str, usual: bool, tail: &ShowTail) -> bool {
    let by_default = match &tail.yields {
        None => usual,
        Some(yields) => yields.all,
    };
    by_default || statement.text.contains(name)
}

/// Tells how many rows are enough, where the first ones by name are asked for: a page of ten thousand costs a page.
fn rows_max(tail: &ShowTail, parameters: &Map) -> Result<Option<usize>, Failure> {
    let Some(yields) = tail.yields.as_ref().filter(|yields| tail.filter.is_none() && !yields.distinct) else {
        return Ok(None);
    };
    let is_name = |expression: &Expression| match &*expression.kind {
        ExpressionKind::Variable(variable) => variable.text == "name",
        _ => false,
    };
    // `YIELD type AS name` orders by something else.
    let keeps_name = yields
        .items
        .iter()
        .all(|item| item.alias.as_ref().is_none_or(|alias| alias.text != "name") || is_name(&item.expression));
    let by_name = match yields.order.first() {
        None => true,
        Some(first) => !first.descending && is_name(&first.expression) && keeps_name,
    };
    let Some(limit) = yields.limit.as_ref().filter(|_| by_name) else { return Ok(None) };
    let count = |expression: Option<&Expression>| -> Result<Option<usize>, Failure> {
        let Some(expression) = expression else { return Ok(Some(0)) };
        // Whatever is no plain number is left to the query that the tail becomes.
        let value = match &*expression.kind {
            ExpressionKind::Integer(_) | ExpressionKind::Parameter(_) => index_options::value(expression, parameters)?,
            _ => Value::Null,
        };
        Ok(match value {
            Value::Integer(number) => usize::try_from(number).ok(),
            _ => None,
        })
    };
    let (skip, limit) = (count(yields.skip.as_ref())?, count(Some(limit))?);
    Ok(skip.zip(limit).map(|(skip, limit)| skip.saturating_add(limit)))
}

fn chosen(statement: &Statement<'_>, which: &Which, rows_max: Option<usize>) -> Vec<Arc<Row>> {
    let names = statement.names;
    let visible = |row: &Arc<Row>| {
        let target = Target { database: row.id, name: row.name.clone(), alias: None };
        access::sees(names, statement.principal, &target)
    };
    let named = |typed: &str| {
        let target = names.resolve(typed).ok();
        let row = target.and_then(|target| names.database(target.database).cloned());
        row.filter(visible).into_iter().collect()
    };
    match which {
        Which::All => {
            let found = names.databases_from("").filter(|row| visible(row)).cloned();
            found.take(rows_max.unwrap_or(usize::MAX)).collect()
        }
        Which::Default => named(names.default_database().name.as_str()),
        Which::Home => named(names.home_of(statement.principal).as_str()),
        Which::Named(typed) => named(typed),
    }
}
