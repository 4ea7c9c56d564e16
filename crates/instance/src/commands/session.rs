//! `SHOW SESSIONS` and `TERMINATE SESSIONS`: everybody's for who manages transactions, one's own for all others.
//! Leaves what is listed to `session_list`.
//! Start reading at [`run`].

use std::sync::Arc;

use catalog::Action;
use cypher::ast::{SessionCommand, ShowTail};
use types::{Code, DatabaseName, Failure, Value};

use crate::records::Records;
use crate::session_list::ListedSession;
use crate::show::instant;
use crate::statement::Statement;
use crate::tail::{self, Column};
use crate::transactions;

/// Runs a command about sessions.
pub(crate) fn run(statement: &mut Statement<'_>, command: &SessionCommand) -> Result<Records, Failure> {
    match command {
        SessionCommand::Show { ids, tail } => {
            let ids = transactions::ids(ids, &statement.parameters)?;
            show(statement, &ids, tail)
        }
        SessionCommand::Terminate { ids, tail } => {
            let ids = transactions::ids(ids, &statement.parameters)?;
            terminate(statement, &ids, tail)
        }
    }
}

fn show(statement: &mut Statement<'_>, ids: &[String], tail: &ShowTail) -> Result<Records, Failure> {
    let usual = |name| Column { name, usual: true };
    let columns = [
        usual("sessionId"),
        usual("username"),
        usual("connector"),
        usual("database"),
        usual("clientAddress"),
        Column { name: "connectionId", usual: false },
        usual("startTime"),
        usual("lastUseTime"),
        usual("expiryTime"),
        usual("status"),
    ];
    let now = statement.shared.options.clock.now();
    let all = statement.shared.sessions.all(now).into_iter();
    let chosen = all.filter(|session| ids.is_empty() || ids.contains(&session.id));
    let visible = chosen.filter(|session| may(statement, session, &Action::ShowTransactions));
    let rows = visible.map(|session| row(statement, &session)).collect();
    tail::run(statement, &columns, rows, tail, DatabaseName::system().to_string())
}

fn row(statement: &Statement<'_>, session: &ListedSession) -> Vec<Value> {
    let used = session.used_nanos();
    let expires =
        session.idle_max.map(|idle_max| used.saturating_add(i128::try_from(idle_max.as_nanos()).unwrap_or(i128::MAX)));
    let database = session.chosen().map_or(Value::Null, Value::string);
    let is_own = statement.principal.owns(&session.owner);
    let home =
        if is_own { Value::string(statement.names.home_of(statement.principal).to_string()) } else { Value::Null };
    vec![
        Value::string(session.id.as_str()),
        Value::string(session.user()),
        Value::string(session.origin.protocol),
        if database == Value::Null { home } else { database },
        Value::string(session.origin.address.as_str()),
        Value::string(session.origin.connection.as_str()),
        instant(Some(session.begun_nanos)),
        instant(Some(used)),
        instant(expires),
        if session.has_transaction() { "in transaction".into() } else { "ready".into() },
    ]
}

/// Ends sessions; a row for each id tells what became of it.
fn terminate(statement: &mut Statement<'_>, ids: &[String], tail: &ShowTail) -> Result<Records, Failure> {
    if ids.is_empty() {
        let text = "Missing session id to terminate, the session id can be found using `SHOW SESSIONS`.";
        return Err(Failure::new(Code::SemanticError, text));
    }
    let columns = ["sessionId", "username", "message"].map(|name| Column { name, usual: true });
    let all = statement.shared.sessions.all(statement.shared.options.clock.now());
    let mut rows = Vec::new();
    for id in ids {
        let found = all.iter().find(|it| it.id == *id && may(statement, it, &Action::TerminateTransactions));
        if let Some(session) = found {
            tracing::info!(session = %id, "session terminated");
            statement.shared.sessions.end(session);
        }
        rows.push(vec![
            Value::string(id.as_str()),
            found.map_or(Value::Null, |session| Value::string(session.user())),
            if found.is_some() { "Session terminated.".into() } else { "Session not found.".into() },
        ]);
    }
    tail::run(statement, &columns, rows, tail, DatabaseName::system().to_string())
}

fn may(statement: &Statement<'_>, session: &Arc<ListedSession>, action: &Action) -> bool {
    statement.principal.owns(&session.owner) || super::allow(statement, action).is_ok()
}
