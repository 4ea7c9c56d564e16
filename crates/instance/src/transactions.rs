//! `SHOW TRANSACTIONS` and `TERMINATE TRANSACTIONS`.
//! Leaves what is under way to `under_way`, and `YIELD` to `tail`.
//! Start reading at [`show`].

use std::sync::Arc;
use std::time::Instant;

use catalog::{Action, Names, Principal};
use cypher::ast::{ClauseKind, Expression, ExpressionKind, ShowTail};
use types::privilege::Act;
use types::{Code, DatabaseName, Duration, Failure, Map, Value};

use crate::query_log::without_secrets;
use crate::records::Records;
use crate::show::instant;
use crate::statement::Statement;
use crate::tail::{self, Column, Listing, OwnEnd, expression, projection, usual};
use crate::turns::Spending;
use crate::under_way::{End, Entry};

const BETWEEN_DATABASE_AND_NUMBER: &str = "-transaction-";

/// Lists what is under way: everybody's for who manages databases, one's own for all others.
pub(crate) fn show(statement: &mut Statement<'_>, ids: &[Expression], tail: &ShowTail) -> Result<Records, Failure> {
    let ids = self::ids(statement, ids)?;
    listed(statement, Some(&ids).filter(|ids| !ids.is_empty()).map(Vec::as_slice)).answer(statement, tail, system())
}

/// Ends transactions; a row for each id tells what became of it.
pub(crate) fn terminate(
    statement: &mut Statement<'_>,
    ids: &[Expression],
    tail: &ShowTail,
) -> Result<Records, Failure> {
    let ids = self::ids(statement, ids)?;
    ended(statement, &ids)?.answer(statement, tail, system())
}

fn system() -> String {
    DatabaseName::system().to_string()
}

/// Lists what is under way by these ids, all of it without any.
pub(crate) fn listed(statement: &Statement<'_>, ids: Option<&[String]>) -> Listing {
    let names = statement.names;
    let chosen =
        |entry: &Arc<Entry>| ids.is_none_or(|ids| ids.iter().any(|id| entry.has_id(id, names, statement.principal)));
    let now = statement.shared.options.clock.now();
    let all = statement.shared.under_way.all().into_iter().filter(chosen);
    let visible = all.filter(|entry| may(statement, Act::ShowTransaction, entry));
    let rows = visible.map(|entry| row(&entry, (names, statement.principal), now)).collect();
    Listing::of(&columns(), rows)
}

/// Ends transactions. The one that the statement itself runs in goes on until that is answered.
pub(crate) fn ended(statement: &Statement<'_>, ids: &[String]) -> Result<Listing, Failure> {
    if ids.is_empty() {
        let text = "Missing transaction id to terminate, the transaction id can be found using `SHOW TRANSACTIONS`.";
        return Err(Failure::new(Code::TransactionIdMissing, text));
    }
    if let Some(other) = ids.iter().find(|id| !is_legal(id)) {
        let shown: String = other.chars().take(80).collect();
        let text = format!("Could not parse id '{shown}' (expected format: <databasename>-transaction-<id>)");
        return Err(Failure::new(Code::InvalidArguments, text));
    }
    let known = statement.shared.under_way.all();
    let (mut rows, mut ends_own) = (Vec::new(), None);
    for id in ids {
        let found = known.iter().find(|entry| {
            entry.has_id(id, statement.names, statement.principal) && may(statement, Act::TerminateTransaction, entry)
        });
        if let Some(entry) = found {
            tracing::info!(transaction = %id, "transaction terminated");
            if Arc::ptr_eq(entry, &statement.room.listed) {
                ends_own = Some(OwnEnd::Transaction);
            } else {
                entry.end(End::Asked);
            }
        }
        rows.push(vec![
            Value::string(id.as_str()),
            found.map_or(Value::Null, |entry| Value::string(entry.user(statement.names))),
            if found.is_some() { "Transaction terminated.".into() } else { "Transaction not found.".into() },
        ]);
    }
    // What waits for its client gives back what it holds at once, and hears of it when it comes back.
    statement.shared.databases.end_unattended(statement.shared);
    Ok(Listing { ends_own, ..Listing::of(ENDED_COLUMNS, rows) })
}

/// Computes the ids that a command names: expressions that give texts, or lists of them.
pub(crate) fn ids(statement: &mut Statement<'_>, named: &[Expression]) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    if named.is_empty() {
        return Ok(ids);
    }
    let bounded = statement.allowance_before();
    let returned = projection(vec![tail::named(expression(ExpressionKind::List(named.to_vec())), "  ids")]);
    let query = tail::query_of_clauses([ClauseKind::Return { projection: returned }]);
    let planned = tail::plan(statement, &query, &bounded)?;
    let found = tail::compute(statement, &planned, Value::Null, &bounded)?;
    found.iter().flatten().try_for_each(|value| add_ids(value, &mut ids))?;
    Ok(ids)
}

/// Adds the ids that a value holds.
pub(crate) fn add_ids(value: &Value, ids: &mut Vec<String>) -> Result<(), Failure> {
    match value {
        Value::String(text) => ids.push(text.to_string()),
        Value::List(items) => items.iter().try_for_each(|item| add_ids(item, ids))?,
        other => {
            let text = format!("Expected an id to have type String but was {}", other.type_name());
            return Err(Failure::new(Code::TypeError, text));
        }
    }
    Ok(())
}

fn is_legal(id: &str) -> bool {
    let number = id.rsplit_once(BETWEEN_DATABASE_AND_NUMBER).map(|(_, number)| number.parse::<u64>());
    number.is_some_and(|number| number.is_ok())
}

/// Tells whether somebody may do this to a transaction: it is his own, or he may to its user's on its database.
fn may(statement: &Statement<'_>, act: Act, entry: &Entry) -> bool {
    statement.principal.owns(&entry.owner)
        || DatabaseName::parse(&entry.database_in(statement.names)).is_ok_and(|database| {
            // Who is gone has no name any more to which a right could be.
            let name = statement.names.user_name_of(&entry.owner);
            let action = name.map_or(Action::Do(act), |name| Action::DoTo(act, name.into()));
            catalog::access::allow_on(statement.names, statement.principal, &action, &database).is_ok()
        })
}

/// What `TERMINATE TRANSACTIONS` tells of each.
pub(crate) const ENDED_COLUMNS: &[Column] = &[usual("transactionId"), usual("username"), usual("message")];

/// Gives the columns of `SHOW TRANSACTIONS`.
pub(crate) fn columns() -> Vec<Column> {
    COLUMNS.iter().map(|(name, usual)| Column { name, usual: *usual }).collect()
}

/// The columns that Neo4j has, in its order, and which of them are there without a `YIELD`.
const COLUMNS: [(&str, bool); 39] = [
    ("database", true),
    ("transactionId", true),
    ("currentQueryId", true),
    ("connectionId", true),
    ("clientAddress", true),
    ("username", true),
    ("currentQuery", true),
    ("startTime", true),
    ("status", true),
    ("elapsedTime", true),
    ("outerTransactionId", false),
    ("metaData", false),
    ("parameters", false),
    ("planner", false),
    ("runtime", false),
    ("indexes", false),
    ("currentQueryStartTime", false),
    ("protocol", false),
    ("requestUri", false),
    ("currentQueryStatus", false),
    ("statusDetails", false),
    ("resourceInformation", false),
    ("activeLockCount", false),
    ("currentQueryActiveLockCount", false),
    ("cpuTime", false),
    ("waitTime", false),
    ("idleTime", false),
    ("currentQueryElapsedTime", false),
    ("currentQueryCpuTime", false),
    ("currentQueryWaitTime", false),
    ("currentQueryIdleTime", false),
    ("currentQueryAllocatedBytes", false),
    ("allocatedDirectBytes", false),
    ("estimatedUsedHeapMemory", false),
    ("pageHits", false),
    ("pageFaults", false),
    ("currentQueryPageHits", false),
    ("currentQueryPageFaults", false),
    ("initializationStackTrace", false),
];

/// What is not measured is null; there are no locks, and pages are the operating system's affair. The time of the processor
/// is the time in which it computed, which is longer where the system ran something else meanwhile.
fn row(entry: &Entry, (names, viewer): (&Names, &Principal), now: Instant) -> Vec<Value> {
    let statement = entry.statement();
    let (is_waiting, (waited, waited_now)) = (entry.is_waiting(), entry.waited_time(now));
    let status = match (entry.is_terminated(), is_waiting) {
        (true, _) => "Terminated",
        (false, true) => "Blocked",
        (false, false) => "Running",
    };
    let since = |at: Instant| now.saturating_duration_since(at);
    let running_since = statement.as_ref().map(|(_, at, _)| *at);
    let query_time = running_since.map(since);
    let (all, own) = entry.spending(now);
    let of_query = |tell: &dyn Fn(&Spending) -> Value| if statement.is_some() { tell(&own) } else { Value::Null };
    let moment = |nanos: i128| types::text::to_text(&instant(Some(nanos))).map_or(Value::Null, Value::string);
    let began = |at: Instant| {
        let later = i128::try_from(at.saturating_duration_since(entry.begun_at).as_nanos()).unwrap_or_default();
        moment(entry.begun_nanos.saturating_add(later))
    };
    let nothing = || Value::string("");
    let details = if is_waiting { "waits for a place among the statements of a database" } else { "" };
    vec![
        Value::string(entry.database_told_to(names, viewer)),
        Value::string(entry.id_told_to(names, viewer)),
        statement.as_ref().map_or_else(nothing, |(number, ..)| Value::string(format!("query-{number}"))),
        entry.origin.connection.as_str().into(),
        entry.origin.address.as_str().into(),
        entry.user(names).into(),
        statement.as_ref().map_or_else(nothing, |(_, _, text)| Value::string(&**text)),
        moment(entry.begun_nanos),
        status.into(),
        duration(since(entry.begun_at)),
        nothing(),
        Value::map(entry.metadata()),
        without_secrets(&Value::Map(if statement.is_some() { entry.parameters() } else { Arc::default() })),
        if statement.is_some() { "COST".into() } else { nothing() },
        if statement.is_some() { "BATCHED".into() } else { nothing() },
        Value::list(Vec::new()),
        running_since.map_or(Value::Null, began),
        if entry.origin.protocol.is_empty() { "embedded".into() } else { entry.origin.protocol.into() },
        entry.origin.path.as_deref().map_or(Value::Null, Value::string),
        match (&statement, is_waiting) {
            (None, _) => nothing(),
            (Some(_), true) => "waiting".into(),
            (Some(_), false) => "running".into(),
        },
        details.into(),
        Value::map(Map::new()),
        0.into(),
        0.into(),
        duration(all.computed),
        duration(waited + all.waited),
        duration(idle(since(entry.begun_at), waited, &all)),
        query_time.map_or(Value::Null, duration),
        of_query(&|own| duration(own.computed)),
        of_query(&|own| duration(waited_now + own.waited)),
        of_query(&|own| duration(idle(query_time.unwrap_or_default(), waited_now, own))),
        of_query(&|own| bytes(own.held_bytes_max)),
        Value::Null,
        bytes(all.held_bytes),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        nothing(),
    ]
}

/// Tells how long neither it nor a line kept the client waiting: the time was the client's.
fn idle(time: std::time::Duration, waited: std::time::Duration, spent: &Spending) -> std::time::Duration {
    time.saturating_sub(waited + spent.waited + spent.computed)
}

fn bytes(bytes: usize) -> Value {
    Value::Integer(i64::try_from(bytes).unwrap_or(i64::MAX))
}

fn duration(time: std::time::Duration) -> Value {
    Value::Duration(Box::new(Duration {
        months: 0,
        days: 0,
        seconds: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(time.subsec_nanos()).expect("less than a second"),
    }))
}
