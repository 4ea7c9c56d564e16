//! `SHOW SESSIONS` and `TERMINATE SESSIONS`: everybody's for who manages transactions, one's own for all others.
//! Leaves what is listed to `session_list`.
//! Start reading at [`run`].

use std::sync::Arc;

use catalog::Action;
use cypher::ast::SessionCommand;
use types::{Code, DatabaseName, Failure, Value};

use crate::records::Records;
use crate::session_list::ListedSession;
use crate::show::instant;
use crate::statement::Statement;
use crate::tail::{Column, Listing, OwnEnd, extra, usual};
use crate::transactions;

/// Runs a command about sessions.
pub(crate) fn run(statement: &mut Statement<'_>, command: &SessionCommand) -> Result<Records, Failure> {
    let system = DatabaseName::system().to_string();
    match command {
        SessionCommand::Show { ids, tail } => {
            let ids = transactions::ids(statement, ids)?;
            let ids = Some(ids.as_slice()).filter(|ids| !ids.is_empty());
            listed(statement, ids).answer(statement, tail, system)
        }
        SessionCommand::Terminate { ids, tail } => {
            let ids = transactions::ids(statement, ids)?;
            ended(statement, &ids)?.answer(statement, tail, system)
        }
    }
}

/// What `SHOW SESSIONS` tells of each.
pub(crate) const COLUMNS: &[Column] = &[
    usual("sessionId"),
    usual("username"),
    usual("connector"),
    usual("database"),
    usual("clientAddress"),
    extra("connectionId"),
    usual("startTime"),
    usual("lastUseTime"),
    usual("expiryTime"),
    usual("status"),
];

/// What `TERMINATE SESSIONS` tells of each.
pub(crate) const ENDED_COLUMNS: &[Column] = &[usual("sessionId"), usual("username"), usual("message")];

/// Lists the sessions by these ids, all of them without any.
pub(crate) fn listed(statement: &Statement<'_>, ids: Option<&[String]>) -> Listing {
    let now = statement.shared.options.clock.now();
    let all = statement.shared.sessions.all(now).into_iter();
    let chosen = all.filter(|session| ids.is_none_or(|ids| ids.contains(&session.id)));
    let visible = chosen.filter(|session| may(statement, session, &Action::ShowTransactions));
    let rows = visible.map(|session| row(statement, &session)).collect();
    Listing::of(COLUMNS, rows)
}

fn row(statement: &Statement<'_>, session: &ListedSession) -> Vec<Value> {
    let used = session.used_nanos();
    let expires =
        session.idle_max.map(|idle_max| used.saturating_add(i128::try_from(idle_max.as_nanos()).unwrap_or(i128::MAX)));
    let expires = expires.map(|expires| session.ends.map_or(expires, |ends| expires.min(ends.nanos)));
    let database = session.chosen().map_or(Value::Null, |chosen| Value::string(chosen.name));
    let is_own = statement.principal.owns(&session.owner);
    let home =
        if is_own { Value::string(statement.names.home_of(statement.principal).to_string()) } else { Value::Null };
    vec![
        Value::string(session.id.as_str()),
        Value::string(session.user(statement.names)),
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

/// Ends sessions; a row for each id tells what became of it. The statement's own goes on until that is answered.
pub(crate) fn ended(statement: &Statement<'_>, ids: &[String]) -> Result<Listing, Failure> {
    if ids.is_empty() {
        let text = "Missing session id to terminate, the session id can be found using `SHOW SESSIONS`.";
        return Err(Failure::new(Code::SemanticError, text));
    }
    let all = statement.shared.sessions.all(statement.shared.options.clock.now());
    let (mut rows, mut ends_own) = (Vec::new(), None);
    for id in ids {
        let found = all.iter().find(|it| it.id == *id && may(statement, it, &Action::TerminateTransactions));
        if let Some(session) = found {
            tracing::info!(session = %id, "session terminated");
            if session.is_of(statement.interrupted) {
                ends_own = Some(OwnEnd::Session(Arc::clone(session)));
            } else {
                statement.shared.sessions.end(session);
            }
        }
        // What is no id is not sent back in full.
        let shown: String = id.chars().take(80).collect();
        rows.push(vec![
            Value::string(shown),
            found.map_or(Value::Null, |session| Value::string(session.user(statement.names))),
            if found.is_some() { "Session terminated.".into() } else { "Session not found.".into() },
        ]);
    }
    Ok(Listing { ends_own, ..Listing::of(ENDED_COLUMNS, rows) })
}

fn may(statement: &Statement<'_>, session: &Arc<ListedSession>, action: &Action) -> bool {
    statement.principal.owns(&session.owner) || super::allow(statement, action).is_ok()
}
