//! Answers of the Query API: runs the statement and writes fields, values and summary.

use crate::sessions::{Fetched, More, RunOptions, Session, Summary};
use types::{Failure, Map};

use super::answer::{End, Gone, Sink, write_errors};
use super::json::{Json, write_plain, write_typed};
use super::plan::{write_notifications, write_plan};
use super::stats::write_counters;

/// Records fetched at once.
const BATCH_ROWS: usize = 1_024;

/// What the client wants to see.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) form: Form,
    /// Its name, as the client asked for it.
    pub(super) media_type: &'static str,
    pub(super) counters: bool,
}

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As plain JSON.
    Plain,
    /// Each with its type.
    Typed,
}

/// In which transaction the statement runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Transaction {
    /// In one of its own.
    None,
    /// In one that goes on.
    StaysOpen {
        /// Its number.
        id: String,
        /// When it lapses unless it is used.
        expires: String,
    },
    /// In one that is committed after it.
    Commits,
}

impl Transaction {
    /// Writes where the transaction stands.
    pub(super) fn write(&self, json: &mut Json, bookmark: Option<&str>) {
        if let Self::StaysOpen { id, expires } = self {
            json.key("transaction");
            json.begin_object();
            json.key("id");
            json.string(id);
            json.key("expires");
            json.string(expires);
            json.end_object();
        } else {
            json.key("bookmarks");
            json.begin_list();
            if let Some(bookmark) = bookmark {
                json.string(bookmark);
            }
            json.end_list();
        }
    }
}

/// Why a statement stopped.
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

/// One statement to run.
pub(super) struct Call<'a> {
    pub(super) session: &'a mut dyn Session,
    pub(super) statement: &'a str,
    pub(super) parameters: Map,
    pub(super) options: RunOptions,
    pub(super) shape: Shape,
    pub(super) transaction: &'a Transaction,
}

/// Runs a statement and writes the whole answer; tells whether all went well.
///
/// A failure before the first bytes went out becomes a status of its own; a later one stands at the end. There is no
/// end to send where the client has gone.
pub(super) fn run(call: Call<'_>, mut sink: Sink) -> (bool, Option<End>) {
    let mut nesting = Nesting::Closed;
    match write_answer(call, &mut sink, &mut nesting) {
        Ok(()) => (true, Some(sink.finish())),
        Err(Stop::Gone) => (false, None),
        Err(Stop::Failure(failure)) if !sink.has_sent() => (false, Some(sink.refuse(failure))),
        Err(Stop::Failure(failure)) => {
            if nesting == Nesting::InValues {
                sink.json.end_list();
                sink.json.end_object();
            }
            write_errors(&mut sink.json, Some(&failure));
            sink.json.end_object();
            (false, Some(sink.finish()))
        }
    }
}

/// How far the answer's brackets are open, for closing them after a failure.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Closed,
    InValues,
}

fn write_answer(call: Call<'_>, sink: &mut Sink, nesting: &mut Nesting) -> Result<(), Stop> {
    let Call { session, statement, parameters, options, shape, transaction } = call;
    let ran = session.run(statement, parameters, &options);
    sink.charge(session.charged());
    let mut result = ran?;
    sink.json.begin_object();
    sink.json.key("data");
    sink.json.begin_object();
    sink.json.key("fields");
    sink.json.begin_list();
    result.columns().iter().for_each(|column| sink.json.string(column));
    sink.json.end_list();
    sink.json.key("values");
    sink.json.begin_list();
    *nesting = Nesting::InValues;
    let mut batch = Fetched::default();
    loop {
        batch.clear();
        let more = result.pull(BATCH_ROWS, &mut batch)?;
        for row in batch.iter() {
            sink.json.begin_list();
            row.iter().for_each(|value| match shape.form {
                Form::Plain => write_plain(&mut sink.json, value),
                Form::Typed => write_typed(&mut sink.json, value),
            });
            sink.json.end_list();
            sink.flush_if_full(&*result)?;
        }
        if more == More::No {
            break;
        }
    }
    sink.json.end_list();
    sink.json.end_object();
    *nesting = Nesting::Closed;
    let summary = result.summary();
    let bookmark = if *transaction == Transaction::Commits { session.commit()? } else { summary.bookmark.clone() };
    write_summary(&mut sink.json, &summary, shape);
    transaction.write(&mut sink.json, bookmark.as_deref());
    sink.json.end_object();
    Ok(())
}

fn write_summary(json: &mut Json, summary: &Summary, shape: Shape) {
    if summary.truncated {
        json.key("truncated");
        json.boolean(true);
    }
    if shape.counters {
        write_counters(json, &summary.counters);
    }
    if let Some(plan) = &summary.plan {
        json.key(if plan.profile.is_some() { "profiledQueryPlan" } else { "queryPlan" });
        write_plan(json, plan);
    }
    if !summary.notifications.is_empty() {
        write_notifications(json, &summary.notifications);
    }
    json.key("queryType");
    json.string(summary.kind.letters());
}
