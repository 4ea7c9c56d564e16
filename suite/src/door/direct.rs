//! In process: calls what the faces call, without a socket.

use std::sync::Arc;

use server::sessions::{Counters, Credentials, Fetched, More, Plan, RunOptions, Sessions};
use types::{Failure, Map};

use super::{Answer, Problem, Session, System};

/// How many records are pulled at a time.
const PULLED_ROWS: usize = 1_000;

/// Whatever opens sessions, called directly.
pub struct Direct(Arc<dyn Sessions>);

impl Direct {
    /// Speaks to these sessions.
    #[must_use]
    pub fn new(sessions: Arc<dyn Sessions>) -> Self {
        Self(sessions)
    }
}

impl System for Direct {
    fn session_with(&self, user: &str, password: &str) -> Result<Box<dyn Session>, Problem> {
        let credentials = Credentials::Basic { user: user.to_owned(), password: password.to_owned() };
        let session = self.0.log_in(&credentials).map_err(|failure| problem(&failure))?;
        Ok(Box::new(DirectSession(session)))
    }
}

struct DirectSession(Box<dyn server::sessions::Session>);

impl Session for DirectSession {
    fn run(&mut self, text: &str, parameters: Map) -> Result<Answer, Problem> {
        let outcome = self.answer(text, parameters);
        if outcome.is_err() {
            self.0.reset();
        }
        outcome.map_err(|failure| problem(&failure))
    }
}

fn problem(failure: &Failure) -> Problem {
    Problem { codes: vec![failure.code()], message: failure.message().to_owned() }
}

impl DirectSession {
    fn answer(&mut self, text: &str, parameters: Map) -> Result<Answer, Failure> {
        let mut records = self.0.run(text, parameters, &RunOptions::default())?;
        let mut answer =
            Answer { columns: records.columns().iter().map(ToString::to_string).collect(), ..Answer::default() };
        let mut batch = Fetched::default();
        loop {
            batch.clear();
            let more = records.pull(PULLED_ROWS, &mut batch)?;
            // A statement without columns may pass rows on; nobody sees them.
            if !answer.columns.is_empty() {
                answer.records.extend(batch.iter().map(<[types::Value]>::to_vec));
            }
            if more == More::No {
                break;
            }
        }
        let summary = records.summary();
        answer.changes = changes(&summary.counters);
        answer.plan = summary.plan.map(|plan| plan_text(&plan));
        Ok(answer)
    }
}

fn changes(counters: &Counters) -> Vec<(&'static str, u64)> {
    vec![
        ("nodes created", counters.nodes_created),
        ("nodes deleted", counters.nodes_deleted),
        ("relationships created", counters.relationships_created),
        ("relationships deleted", counters.relationships_deleted),
        ("properties set", counters.properties_set),
        ("labels added", counters.labels_added),
        ("labels removed", counters.labels_removed),
        ("indexes added", counters.indexes_added),
        ("indexes removed", counters.indexes_removed),
        ("constraints added", counters.constraints_added),
        ("constraints removed", counters.constraints_removed),
    ]
}

/// Writes one operator a line, sources indented below.
fn plan_text(plan: &Plan) -> String {
    let mut out = String::new();
    write_plan(plan, 0, &mut out);
    out
}

fn write_plan(plan: &Plan, depth: usize, out: &mut String) {
    let details = plan.arguments.get("Details").map(|value| types::text::to_text(value).unwrap_or_default());
    super::plan_line(&plan.operator, details.as_deref(), depth, out);
    plan.children.iter().for_each(|child| write_plan(child, depth + 1, out));
}
