//! `SHOW TRANSACTIONS` and `TERMINATE TRANSACTIONS`.
//! Leaves what is under way to `under_way`, and `YIELD` to `tail`.
//! Start reading at [`show`].

use std::sync::Arc;
use std::time::Instant;

use catalog::{Action, Names};
use cypher::ast::{Expression, ExpressionKind, ShowTail};
use types::privilege::Act;
use types::{Code, DatabaseName, Duration, Failure, Map, Value};

use crate::records::Records;
use crate::show::instant;
use crate::statement::Statement;
use crate::tail::{self, Column};
use crate::turns::Spending;
use crate::under_way::Entry;

const BETWEEN_DATABASE_AND_NUMBER: &str = "-transaction-";

/// Lists what is under way: everybody's for who manages databases, one's own for all others.
pub(crate) fn show(statement: &mut Statement<'_>, ids: &[String], tail: &ShowTail) -> Result<Records, Failure> {
    let columns = COLUMNS.map(|(name, usual)| Column { name, usual });
    let names = statement.names;
    let chosen = |entry: &Arc<Entry>| ids.is_empty() || ids.iter().any(|id| entry.has_id(id, names));
    let now = statement.shared.options.clock.now();
    let all = statement.shared.under_way.all().into_iter();
    let visible = all.filter(|entry| may(statement, Act::ShowTransaction, entry));
    let rows = visible.filter(chosen).map(|entry| row(&entry, names, now)).collect();
    tail::run(statement, &columns, rows, tail, DatabaseName::system().to_string())
}

/// Ends transactions; a row for each id tells what became of it.
pub(crate) fn terminate(statement: &mut Statement<'_>, ids: &[String], tail: &ShowTail) -> Result<Records, Failure> {
    if ids.is_empty() {
        let text = "Missing transaction id to terminate, the transaction id can be found using `SHOW TRANSACTIONS`.";
        return Err(Failure::new(Code::SemanticError, text));
    }
    if let Some(other) = ids.iter().find(|id| !is_legal(id)) {
        let shown: String = other.chars().take(80).collect();
        let text = format!("Could not parse id '{shown}' (expected format: <databasename>-transaction-<id>)");
        return Err(Failure::new(Code::ArgumentError, text));
    }
    let columns = ["transactionId", "username", "message"].map(|name| Column { name, usual: true });
    let known = statement.shared.under_way.all();
    let mut rows = Vec::new();
    for id in ids {
        let found = known
            .iter()
            .find(|entry| entry.has_id(id, statement.names) && may(statement, Act::TerminateTransaction, entry));
        if let Some(entry) = found {
            tracing::info!(transaction = %id, "transaction terminated");
            entry.terminate();
        }
        rows.push(vec![
            Value::string(id.as_str()),
            found.map_or(Value::Null, |entry| Value::string(entry.user())),
            if found.is_some() { "Transaction terminated.".into() } else { "Transaction not found.".into() },
        ]);
    }
    tail::run(statement, &columns, rows, tail, DatabaseName::system().to_string())
}

/// Reads the ids that a command names: texts, parameters that hold texts, and lists of them.
pub(crate) fn ids(named: &[Expression], parameters: &Map) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    for expression in named {
        match &*expression.kind {
            ExpressionKind::String(id) => ids.push(id.to_string()),
            ExpressionKind::List(items) => ids.extend(self::ids(items, parameters)?),
            ExpressionKind::Parameter(name) => match parameters.get(&name.text) {
                Some(Value::List(items)) => {
                    ids.extend(items.iter().map(text_of).collect::<Result<Vec<String>, Failure>>()?);
                }
                Some(other) => ids.push(text_of(other)?),
                None => {
                    let text = format!("Expected parameter(s): {}", name.text);
                    return Err(Failure::new(Code::ParameterMissing, text));
                }
            },
            _ => {
                let text = "A transaction is named by its id: a string, a parameter, or a list of them.";
                return Err(Failure::new(Code::SemanticError, text));
            }
        }
    }
    Ok(ids)
}

fn text_of(value: &Value) -> Result<String, Failure> {
    match value {
        Value::String(text) => Ok(text.to_string()),
        other => {
            let text = format!("Expected the id of a transaction to have type String but was {}", other.type_name());
            Err(Failure::new(Code::TypeError, text))
        }
    }
}

fn is_legal(id: &str) -> bool {
    let number = id.rsplit_once(BETWEEN_DATABASE_AND_NUMBER).map(|(_, number)| number.parse::<u64>());
    number.is_some_and(|number| number.is_ok())
}

/// Tells whether somebody may do this to a transaction: it is his own, or he may to its user's on its database.
fn may(statement: &Statement<'_>, act: Act, entry: &Entry) -> bool {
    statement.principal.owns(&entry.owner)
        || DatabaseName::parse(&entry.database_in(statement.names)).is_ok_and(|database| {
            let action = Action::DoTo(act, entry.user().into());
            catalog::access::allow_on(statement.names, statement.principal, &action, &database).is_ok()
        })
}

/// The columns that Neo4j has, in its order, and which of them are there without a `YIELD`.
const COLUMNS: [(&str, bool); 38] = [
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
];

/// What is not measured is null; there are no locks, and pages are the operating system's affair. The time of the processor
/// is the time in which it computed, which is longer where the system ran something else meanwhile.
fn row(entry: &Entry, names: &Names, now: Instant) -> Vec<Value> {
    let statement = entry.statement();
    let (is_waiting, waited) = (entry.is_waiting(), entry.waited_time());
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
        Value::string(entry.database_in(names)),
        Value::string(entry.id_in(names)),
        statement.as_ref().map_or_else(nothing, |(number, ..)| Value::string(format!("query-{number}"))),
        entry.origin.connection.as_str().into(),
        entry.origin.address.as_str().into(),
        entry.user().into(),
        statement.as_ref().map_or_else(nothing, |(_, _, text)| Value::string(&**text)),
        moment(entry.begun_nanos),
        status.into(),
        duration(since(entry.begun_at)),
        nothing(),
        Value::map(entry.metadata.clone()),
        Value::map(Map::new()),
        if statement.is_some() { "COST".into() } else { nothing() },
        if statement.is_some() { "BATCHED".into() } else { nothing() },
        Value::list(Vec::new()),
        running_since.map_or(Value::Null, began),
        if entry.origin.protocol.is_empty() { "embedded".into() } else { entry.origin.protocol.into() },
        Value::Null,
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
        of_query(&|own| duration(waited + own.waited)),
        of_query(&|own| duration(idle(query_time.unwrap_or_default(), waited, own))),
        of_query(&|own| bytes(own.held_bytes_max)),
        Value::Null,
        bytes(all.held_bytes),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
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
