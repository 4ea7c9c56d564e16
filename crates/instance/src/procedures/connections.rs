//! What tools ask about connections, and by which they end them.
//! Everybody sees and ends his own; those of others take the right to list, or to end, their transactions.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog::{Action, Names, access};
use types::{CompactString, Failure, Value};

use super::built_in::{Call, Mode, Row, Rows};
use crate::audit::{self, Durable, Outcome, Told};
use crate::connections::Connection;
use crate::instance::Shared;
use crate::show::instant;

pub(super) const ROWS: &[Row] = &[
    Row {
        signature: "dbms.killConnection(id :: STRING) :: \
                    (connectionId :: STRING, username :: STRING, message :: STRING)",
        description: "Ends a connection by its id, and what it does.",
        mode: Mode::Dbms,
        run: |call| {
            let id = call.text(0);
            kill(call, vec![id])
        },
    },
    Row {
        signature: "dbms.killConnections(ids :: LIST<STRING>) :: \
                    (connectionId :: STRING, username :: STRING, message :: STRING)",
        description: "Ends connections by their ids, and what they do.",
        mode: Mode::Dbms,
        run: |call| {
            let ids = call.texts(0)?;
            kill(call, ids)
        },
    },
    Row {
        signature: "dbms.listConnections() :: (connectionId :: STRING, connectTime :: STRING, connector :: STRING, \
                    username :: STRING, userAgent :: STRING, serverAddress :: STRING, clientAddress :: STRING)",
        description: "Lists the connections of those who are logged in: all over Bolt, over HTTP those in use.",
        mode: Mode::Dbms,
        run: |call| {
            let shared = call.instance()?;
            let (names, seen) = (shared.catalog.names(), seen(call, &shared, &Action::ShowTransactions));
            Ok(seen
                .values()
                .filter_map(|sessions| sessions.first())
                .map(|connection| row(&names, connection))
                .collect())
        },
    },
];

fn row(names: &Names, connection: &Connection) -> Vec<Value> {
    let since = types::text::to_text(&instant(Some(connection.since_nanos))).map_or(Value::Null, Value::string);
    let origin = &connection.origin;
    vec![
        origin.connection.as_str().into(),
        since,
        origin.protocol.into(),
        connection.user(names).into(),
        origin.agent.as_str().into(),
        origin.server.as_str().into(),
        origin.address.as_str().into(),
    ]
}

/// Gives the sessions of each connection that the caller may list or end, by the connection's id.
fn seen(call: &Call<'_, '_>, shared: &Shared, action: &Action) -> BTreeMap<String, Vec<Arc<Connection>>> {
    let user = call.context.user;
    let may_all = access::allows_as(&shared.catalog.names(), user, action);
    let mut seen: BTreeMap<String, Vec<Arc<Connection>>> = BTreeMap::new();
    for connection in shared.connections.all() {
        if may_all || access::owns_as(user, &connection.owner) {
            seen.entry(connection.origin.connection.clone()).or_default().push(connection);
        }
    }
    seen
}

fn kill(call: &mut Call<'_, '_>, ids: Vec<CompactString>) -> Rows {
    let shared = call.instance()?;
    // Nobody ends anything in another's name.
    let names = shared.catalog.names();
    access::allow_any_as(&names, call.context.user, &[])?;
    let found = seen(call, &shared, &Action::TerminateTransactions);
    let own = call.context.transaction.and_then(|number| shared.under_way.find(number));
    let own = own.as_ref().map(|entry| entry.origin.connection.as_str());
    call.context.budget.pay_rows(ids.len())?;
    let mut ended = |id: CompactString| -> Result<Vec<Value>, Failure> {
        let Some(sessions) = found.get(id.as_str()) else {
            return Ok(vec![Value::String(id), "n/a".into(), "No connection found with this id".into()]);
        };
        let is_own = own == Some(id.as_str());
        sessions.iter().for_each(|session| session.end(&shared, is_own));
        let user = sessions.first().map_or("", |session| session.user(&names));
        tracing::info!(connection = %id, "connection ended");
        let told = Told {
            impersonated: None,
            user: call.context.user.and_then(|key| access::user_of_key(&names, key)).map(|user| user.name.as_str()),
            address: None,
            databases: &[],
            operation: &format!("CALL dbms.killConnection('{id}')"),
        };
        shared.audit.note(audit::Kind::Admin, told, Outcome::Done, Durable::Now);
        Ok(vec![Value::String(id), user.into(), "Connection found".into()])
    };
    ids.into_iter().map(&mut ended).collect()
}
