//! `SHOW TRANSACTIONS` and `TERMINATE TRANSACTIONS`.
//! Leaves what is under way to `under_way`, and `YIELD` to `tail`.
//! Start reading at [`show`].

use std::sync::Arc;
use std::time::Instant;

use catalog::Action;
use cypher::ast::{Expression, ExpressionKind, ShowTail};
use types::{Code, DatabaseName, Duration, Failure, Map, Value};

use crate::commands;
use crate::records::Records;
use crate::show::instant;
use crate::statement::Statement;
use crate::tail::{self, Column};
use crate::under_way::Entry;

const BETWEEN_DATABASE_AND_NUMBER: &str = "-transaction-";

/// Lists what is under way: everybody's for who manages databases, one's own for all others.
pub(crate) fn show(statement: &mut Statement<'_>, ids: &[String], tail: &ShowTail) -> Result<Records, Failure> {
    let usual = |name| Column { name, usual: true };
    let extra = |name| Column { name, usual: false };
    let columns = [
        usual("database"),
        usual("transactionId"),
        usual("currentQueryId"),
        usual("connectionId"),
        usual("clientAddress"),
        usual("username"),
        usual("currentQuery"),
        usual("startTime"),
        usual("status"),
        usual("elapsedTime"),
        extra("metaData"),
        extra("currentQueryStatus"),
    ];
    let chosen = |entry: &Arc<Entry>| ids.is_empty() || ids.contains(&entry.id());
    let now = statement.shared.options.clock.now();
    let visible = statement.shared.under_way.all().into_iter().filter(|entry| may_see(statement, entry));
    let rows = visible.filter(chosen).map(|entry| row(&entry, now)).collect();
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
        let found = known.iter().find(|entry| entry.id() == *id && may_see(statement, entry));
        if let Some(entry) = found {
            tracing::info!(transaction = %id, "transaction terminated");
            entry.terminate();
        }
        rows.push(vec![
            Value::string(id.as_str()),
            found.map_or(Value::Null, |entry| Value::string(entry.user.as_str())),
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

fn may_see(statement: &Statement<'_>, entry: &Entry) -> bool {
    let is_own = statement.principal.name().unwrap_or_default() == entry.user;
    is_own || commands::allow(statement, &Action::ShowTransactions).is_ok()
}

fn row(entry: &Entry, now: Instant) -> Vec<Value> {
    let (number, text) = entry.statement().map_or((None, String::new()), |(number, text)| (Some(number), text));
    let status = if entry.is_terminated() { "Terminated" } else { "Running" };
    let elapsed = now.saturating_duration_since(entry.begun_at);
    let elapsed = Duration {
        months: 0,
        days: 0,
        seconds: i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(elapsed.subsec_nanos()).expect("less than a second"),
    };
    vec![
        Value::string(entry.database.as_str()),
        Value::string(entry.id()),
        number.map_or_else(|| "".into(), |number| Value::string(format!("query-{number}"))),
        "".into(),
        "".into(),
        Value::string(entry.user.as_str()),
        Value::string(text),
        types::text::to_text(&instant(Some(entry.begun_nanos))).map_or(Value::Null, Value::string),
        status.into(),
        Value::Duration(Box::new(elapsed)),
        Value::map(entry.metadata.clone()),
        if number.is_some() { "running".into() } else { "".into() },
    ]
}
