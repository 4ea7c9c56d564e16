//! The transactional API: run and commit at once, or keep a transaction open between requests.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{HOST, HeaderValue, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::task::{block_in_place, spawn_blocking};
use types::Failure;

use super::App;
use super::answer::{self, Answer, Refusal};
use super::auth::log_in;
use super::body::{read_bytes, read_statements};
use super::extract::Path;
use super::json::{Statement, Statements};
use super::run::{Ending, Outcome, options, run};
use super::transactions::{Lease, Owner};
use crate::sessions::Lent;

/// `POST /db/{database}/tx/commit`: runs statements in a transaction of their own.
pub(super) async fn run_and_commit(
    State(app): State<App>,
    Path(database): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let bytes = read_bytes(&app.config, &mut *session, body).await?;
    let (read, lent) = read_statements(&*session, &headers, &bytes)?;
    let Statements { statements, impersonated_user } = read;
    let options = options(&database, &headers, impersonated_user);
    block_in_place(|| session.resolve_as(Some(&database), options.impersonated_user.as_deref()))?;
    let (sink, answer) = answer::channel(session.interrupter());
    spawn_blocking(move || {
        // One statement alone commits by itself, which also lets it be one that no transaction may hold.
        let ending = if statements.len() > 1 { Ending::Commit } else { Ending::AutoCommit };
        if ending == Ending::Commit
            && let Err(failure) = session.begin(&options)
        {
            return run_failed(sink, &failure);
        }
        let (outcome, end) = run(&mut *session, statements, &options, &ending, sink);
        if outcome == Outcome::Failed {
            // An auto-commit statement has rolled itself back.
            let _ = session.rollback();
        }
        drop(lent);
        if let Some(end) = end {
            end.send();
        }
    });
    Ok(answer.into_response(StatusCode::OK, answer::JSON).await)
}

/// `POST /db/{database}/tx`: opens a transaction and runs the first statements in it.
pub(super) async fn open(
    State(app): State<App>,
    Path(database): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let bytes = read_bytes(&app.config, &mut *session, body).await?;
    let (read, lent) = read_statements(&*session, &headers, &bytes)?;
    let Statements { statements, impersonated_user } = read;
    let owner = Owner::new(&*session, &database, impersonated_user.as_deref());
    block_in_place(|| session.begin(&options(&database, &headers, impersonated_user)))?;
    let lease = app.transactions.enter(owner, session)?;
    let location = address(&headers, &database, lease.id());
    let answer = run_in(&app, lease, (statements, lent), &headers, &database, KeepOpen::Yes);
    let mut response = answer.into_response(StatusCode::CREATED, answer::JSON).await;
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// `POST /db/{database}/tx/{id}`: runs more statements; none keeps the transaction alive.
pub(super) async fn run_more(
    State(app): State<App>,
    Path((database, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    continue_with(&app, &database, &id, &headers, body, KeepOpen::Yes).await
}

/// `POST /db/{database}/tx/{id}/commit`: runs the last statements and commits.
pub(super) async fn commit(
    State(app): State<App>,
    Path((database, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    continue_with(&app, &database, &id, &headers, body, KeepOpen::No).await
}

/// `DELETE /db/{database}/tx/{id}`: rolls back.
pub(super) async fn roll_back(
    State(app): State<App>,
    Path((database, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let session = log_in(&*app.sessions, &headers)?;
    let lease = app.transactions.take(&id, &*session, &database, None)?;
    block_in_place(|| drop(lease));
    let body = r#"{"results":[],"errors":[]}"#;
    Ok((StatusCode::OK, [("content-type", "application/json")], body).into_response())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeepOpen {
    Yes,
    No,
}

async fn continue_with(
    app: &App,
    database: &str,
    id: &str,
    headers: &HeaderMap,
    body: Body,
    keep_open: KeepOpen,
) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, headers)?;
    let bytes = read_bytes(&app.config, &mut *session, body).await?;
    let (read, lent) = read_statements(&*session, headers, &bytes)?;
    let Statements { statements, impersonated_user } = read;
    let lease = app.transactions.take(id, &*session, database, impersonated_user.as_deref())?;
    let answer = run_in(app, lease, (statements, lent), headers, database, keep_open);
    Ok(answer.into_response(StatusCode::OK, answer::JSON).await)
}

/// Runs statements in an open transaction. A failure ends the transaction.
fn run_in(
    app: &App,
    mut lease: Lease,
    (statements, lent): (Vec<Statement>, Lent),
    headers: &HeaderMap,
    database: &str,
    keep_open: KeepOpen,
) -> Answer {
    let ending = match keep_open {
        KeepOpen::Yes => Ending::StayOpen {
            commit: format!("{}/commit", address(headers, database, lease.id())),
            expires: app.transactions.lapses_at_time().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        },
        KeepOpen::No => Ending::Commit,
    };
    let options = options(database, headers, None);
    let (sink, answer) = answer::channel(lease.session().interrupter());
    spawn_blocking(move || {
        let (outcome, end) = run(lease.session(), statements, &options, &ending, sink);
        drop(lent);
        let goes_on = outcome == Outcome::Succeeded && keep_open == KeepOpen::Yes;
        lease.end(goes_on, end);
    });
    answer
}

fn run_failed(mut sink: answer::Sink, failure: &Failure) {
    sink.json.begin_object();
    sink.json.key("results");
    sink.json.begin_list();
    sink.json.end_list();
    answer::write_errors(&mut sink.json, Some(failure));
    sink.json.end_object();
    sink.finish().send();
}

fn address(headers: &HeaderMap, database: &str, id: u64) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("http://{host}/db/{database}/tx/{id}")
}
