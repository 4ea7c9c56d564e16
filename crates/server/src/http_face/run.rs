//! Runs a request's statements on a thread of their own and writes the answer as it comes.

use crate::sessions::{Access, Fetched, More, Notification, RunOptions, Session};
use axum::http::HeaderMap;
use types::{Failure, Value};

use super::answer::{End, Gone, Sink, write_errors};
use super::json::{Statement, write_graph, write_meta, write_value};
use super::plan::{write_notifications, write_plan};
use super::stats::write_stats;

/// Records fetched at once.
const BATCH_ROWS: usize = 1_024;

/// What is done once the statements have run without a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Each statement commits by itself: there is one at most.
    AutoCommit,
    /// The transaction is committed.
    Commit,
    /// The transaction stays open; the client is told where and for how long.
    StayOpen {
        /// Address of the transaction's commit.
        commit: String,
        /// When it lapses, in the form of HTTP dates.
        expires: String,
    },
}

/// Whether the transaction goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Succeeded,
    Failed,
}

/// Why statements stopped.
enum Stop {
    Failure(Failure),
    Gone,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// Runs the statements in their order and writes the whole answer. The first failure ends it.
///
/// There is no end to send where the client has gone.
pub(super) fn run(
    session: &mut dyn Session,
    statements: Vec<Statement>,
    options: &RunOptions,
    ending: &Ending,
    mut sink: Sink,
) -> (Outcome, Option<End>) {
    sink.json.begin_object();
    sink.json.key("results");
    sink.json.begin_list();
    let mut bookmark = None;
    let mut notifications = Vec::new();
    let mut ran = statements.into_iter().try_for_each(|statement| {
        bookmark = run_one(session, statement, options, &mut sink, &mut notifications)?;
        Ok(())
    });
    sink.json.end_list();
    if ran.is_ok() && *ending == Ending::Commit {
        ran = session.commit().map(|committed| bookmark = committed).map_err(Stop::from);
    }
    let failure = match ran {
        Ok(()) => None,
        Err(Stop::Failure(failure)) => Some(failure),
        Err(Stop::Gone) => return (Outcome::Failed, None),
    };
    // Who comes too soon is told by the status, which clients of HTTP wait by; other failures come with 200 here.
    if let Some(failure) = failure.as_ref().filter(|failure| is_too_soon(failure) && !sink.has_sent()) {
        return (Outcome::Failed, Some(sink.refuse_with_results(failure.clone())));
    }
    if !notifications.is_empty() {
        write_notifications(&mut sink.json, &notifications);
    }
    write_errors(&mut sink.json, failure.as_ref());
    if failure.is_none() {
        write_ending(&mut sink, ending, bookmark.as_deref());
    }
    sink.json.end_object();
    let outcome = if failure.is_none() { Outcome::Succeeded } else { Outcome::Failed };
    (outcome, Some(sink.finish()))
}

fn is_too_soon(failure: &Failure) -> bool {
    failure.code().row().http == 429 && failure.refusal().is_some()
}

fn write_ending(sink: &mut Sink, ending: &Ending, bookmark: Option<&str>) {
    let json = &mut sink.json;
    if let Ending::StayOpen { commit, expires } = ending {
        json.key("commit");
        json.string(commit);
        json.key("transaction");
        json.begin_object();
        json.key("expires");
        json.string(expires);
        json.end_object();
        return;
    }
    json.key("lastBookmarks");
    json.begin_list();
    if let Some(bookmark) = bookmark {
        json.string(bookmark);
    }
    json.end_list();
}

/// Runs one statement; gives the bookmark if that committed it.
fn run_one(
    session: &mut dyn Session,
    statement: Statement,
    options: &RunOptions,
    sink: &mut Sink,
    notifications: &mut Vec<Notification>,
) -> Result<Option<String>, Stop> {
    let with_rows = statement.wants("row");
    let with_graph = statement.wants("graph");
    let include_stats = statement.include_stats;
    let ran = session.run(&statement.statement, statement.parameters.0, options);
    sink.charge(session.charged());
    let mut result = ran?;
    sink.json.begin_object();
    sink.json.key("columns");
    sink.json.begin_list();
    result.columns().iter().for_each(|column| sink.json.string(column));
    sink.json.end_list();
    sink.json.key("data");
    sink.json.begin_list();
    // Whatever happens, the lists and the object are closed: the answer stays well-formed.
    let mut batch = Fetched::default();
    let fetched = loop {
        batch.clear();
        match result.pull(BATCH_ROWS, &mut batch) {
            Ok(more) => {
                for row in batch.iter() {
                    write_row(sink, row, with_rows, with_graph);
                    sink.flush_if_full(&*result)?;
                }
                if more == More::No {
                    break Ok(());
                }
            }
            Err(failure) => break Err(failure),
        }
    };
    sink.json.end_list();
    let ended = fetched.map(|()| result.summary());
    if let Ok(summary) = &ended {
        if summary.truncated {
            sink.json.key("truncated");
            sink.json.boolean(true);
        }
        if include_stats {
            write_stats(&mut sink.json, &summary.counters);
        }
        if let Some(plan) = &summary.plan {
            sink.json.key("plan");
            sink.json.begin_object();
            sink.json.key("root");
            write_plan(&mut sink.json, plan);
            sink.json.end_object();
        }
    }
    sink.json.end_object();
    let summary = ended?;
    notifications.extend(summary.notifications);
    Ok(summary.bookmark)
}

fn write_row(sink: &mut Sink, row: &[Value], with_rows: bool, with_graph: bool) {
    let json = &mut sink.json;
    json.begin_object();
    if with_rows {
        json.key("row");
        json.begin_list();
        row.iter().for_each(|value| write_value(json, value));
        json.end_list();
        json.key("meta");
        json.begin_list();
        row.iter().for_each(|value| write_meta(json, value));
        json.end_list();
    }
    if with_graph {
        json.key("graph");
        write_graph(json, row.iter());
    }
    json.end_object();
}

/// Reads how to run from the path and the headers; the body says as whom.
pub(super) fn options(database: &str, headers: &HeaderMap, impersonated_user: Option<String>) -> RunOptions {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let reads = header("access-mode").is_some_and(|mode| mode.eq_ignore_ascii_case("read"));
    let bookmarks = header("bookmarks").and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default();
    RunOptions {
        database: Some(database.to_owned()),
        access: if reads { Access::Read } else { Access::Write },
        timeout: None,
        bookmarks,
        metadata: types::Map::new(),
        impersonated_user,
    }
}
