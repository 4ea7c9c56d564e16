//! Over Bolt: a server in this process on a free port, and our own client.

use std::net::ToSocketAddrs;
use std::sync::Arc;

use bolt::AuthToken;
use bolt::client::{Client, ClientError, ConnectOptions};
use server::sessions::Sessions;
use server::{Server, ServerConfig};
use types::{Map, Value};

use super::{Answer, Problem, Session, System, credentials};

/// Keys of the summary's `stats`, and how a script names them.
const CHANGES: [(&str, &str); 11] = [
    ("nodes-created", "nodes created"),
    ("nodes-deleted", "nodes deleted"),
    ("relationships-created", "relationships created"),
    ("relationships-deleted", "relationships deleted"),
    ("properties-set", "properties set"),
    ("labels-added", "labels added"),
    ("labels-removed", "labels removed"),
    ("indexes-added", "indexes added"),
    ("indexes-removed", "indexes removed"),
    ("constraints-added", "constraints added"),
    ("constraints-removed", "constraints removed"),
];

/// A server that listens until it is dropped.
pub struct Bolt(Server);

impl Bolt {
    /// Starts a server over these sessions.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub fn start(sessions: Arc<dyn Sessions>) -> Result<Self, String> {
        let config = ServerConfig { http_addr: None, worker_threads: Some(1), ..ServerConfig::on_free_ports() };
        Server::start(sessions, config).map(Self).map_err(|error| error.to_string())
    }
}

impl System for Bolt {
    fn session_with(&self, user: &str, password: &str) -> Result<Box<dyn Session>, Problem> {
        let off = || Problem { codes: vec![types::Code::Internal], message: "Bolt is off".to_owned() };
        log_in(self.0.bolt_addr().ok_or_else(off)?, user, password)
    }
}

/// Opens a session on a server that listens.
///
/// # Errors
///
/// The reason, in words, where the server refuses.
pub fn connect(address: impl ToSocketAddrs, user: Option<&str>) -> Result<Box<dyn Session>, String> {
    let (user, password) = credentials(user);
    log_in(address, &user, &password).map_err(|problem| problem.message)
}

fn log_in(address: impl ToSocketAddrs, user: &str, password: &str) -> Result<Box<dyn Session>, Problem> {
    let options = ConnectOptions { auth: AuthToken::basic(user, password), ..ConnectOptions::default() };
    let client = Client::connect(address, &options).map_err(problem)?;
    Ok(Box::new(BoltSession(client)))
}

struct BoltSession(Client);

impl Session for BoltSession {
    fn run(&mut self, text: &str, parameters: Map) -> Result<Answer, Problem> {
        let answer = self.0.run(text, parameters).map_err(problem)?;
        let stats = match answer.summary.get("stats") {
            Some(Value::Map(stats)) => Map::clone(stats),
            _ => Map::default(),
        };
        let count = |key: &str| match stats.get(key) {
            Some(Value::Integer(count)) => u64::try_from(*count).unwrap_or_default(),
            _ => 0,
        };
        let changes = CHANGES.iter().map(|(key, name)| (*name, count(key))).collect();
        let plan = answer.summary.get("plan").or_else(|| answer.summary.get("profile"));
        let plan = plan.map(|plan| {
            let mut out = String::new();
            write_plan(plan, 0, &mut out);
            out
        });
        let records = if answer.columns.is_empty() { Vec::new() } else { answer.rows };
        Ok(Answer { columns: answer.columns, records, changes, plan })
    }
}

fn problem(error: ClientError) -> Problem {
    let message = error.to_string();
    match error.status() {
        Some(status) => Problem::from_status(status, message),
        None => Problem { codes: vec![error.code()], message },
    }
}

fn write_plan(plan: &Value, depth: usize, out: &mut String) {
    let Value::Map(plan) = plan else { return };
    let text = |value: Option<&Value>| value.and_then(types::text::to_text);
    let operator = text(plan.get("operatorType")).unwrap_or_default();
    let details = match plan.get("args") {
        Some(Value::Map(arguments)) => text(arguments.get("Details")),
        _ => None,
    };
    // The database stands behind the operator's name.
    let operator = operator.split('@').next().unwrap_or_default();
    super::plan_line(operator, details.as_deref(), depth, out);
    if let Some(Value::List(children)) = plan.get("children") {
        children.iter().for_each(|child| write_plan(child, depth + 1, out));
    }
}
