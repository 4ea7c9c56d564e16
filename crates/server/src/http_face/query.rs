//! The Query API, version 2: one statement a request, with a status that tells how it went.

use std::time::Duration;

use crate::sessions::{Access, Lent, RunOptions, Session};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::task::{block_in_place, spawn_blocking};
use types::{Code, Failure, Map};

use super::App;
use super::answer::{self, Answer, End, Refusal, Sink};
use super::auth::log_in;
use super::body::{Typed, lend_for, media_type, not_parsed, read_bytes, wrong_type};
use super::extract::Path;
use super::json::{Parameters, check_keys, parse_object, read_typed_map};
use super::query_answer::{Call, Form, Shape, Transaction, run};
use super::transactions::{Lease, Owner};
use super::watching::RanOn;

/// A request of the Query API that was turned away.
#[derive(Debug)]
pub(super) struct QueryRefusal(Refusal);

impl<T: Into<Refusal>> From<T> for QueryRefusal {
    fn from(refusal: T) -> Self {
        Self(refusal.into())
    }
}

impl IntoResponse for QueryRefusal {
    fn into_response(self) -> Response {
        self.0.without_results()
    }
}

/// What a request asks for.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Query {
    #[serde(alias = "query")]
    statement: Option<String>,
    /// Where the path names none.
    database: Option<String>,
    parameters: Parameters,
    include_counters: bool,
    access_mode: Option<String>,
    max_execution_time: Option<u64>,
    bookmarks: Option<Vec<String>>,
    impersonated_user: Option<String>,
    tx_metadata: Parameters,
}

/// `POST /db/{database}/query/v2`: runs a statement in a transaction of its own.
pub(super) async fn run_and_commit(
    State(app): State<App>,
    Path(database): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, QueryRefusal> {
    run_alone(&app, Some(database), &headers, body).await
}

/// `POST /cypher`: the same on the database that the body names, else on that of the session.
pub(super) async fn run_anywhere(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, QueryRefusal> {
    run_alone(&app, None, &headers, body).await
}

async fn run_alone(
    app: &App,
    database: Option<String>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, QueryRefusal> {
    let mut session = log_in(&*app.sessions, headers)?;
    // `/cypher` is ours alone; what newer clients of Neo4j's face say is not refused for that.
    let keys = if database.is_none() { Keys::Known } else { Keys::Any };
    let bytes = read_bytes(&app.config, &mut *session, body).await?;
    let (query, lent) = read(&*session, headers, &bytes, keys)?;
    let statement = query.statement.clone().ok_or_else(no_statement)?;
    let shape = shape(headers, &query)?;
    let database = database.or_else(|| query.database.clone());
    let options = query.options(database.as_deref())?;
    let name = block_in_place(|| session.resolve_as(database.as_deref(), options.impersonated_user.as_deref()))?;
    let (sink, answer) = answer::channel(session.interrupter());
    spawn_blocking(move || {
        let call = Call {
            session: &mut *session,
            statement: &statement,
            parameters: query.parameters.0,
            options,
            shape,
            transaction: &Transaction::None,
        };
        let (_, end) = run(call, sink);
        drop(lent);
        if let Some(end) = end {
            end.send();
        }
    });
    let mut response = respond(answer, shape).await;
    response.extensions_mut().insert(RanOn(name));
    Ok(response)
}

/// `POST /db/{database}/query/v2/tx`: opens a transaction, with a first statement or without.
pub(super) async fn open(
    State(app): State<App>,
    Path(database): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, QueryRefusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let bytes = read_bytes(&app.config, &mut *session, body).await?;
    let (query, lent) = read(&*session, &headers, &bytes, Keys::Any)?;
    let owner = Owner::new(&*session, &database, query.impersonated_user.as_deref());
    let options = query.options(Some(&database))?;
    block_in_place(|| session.begin(&options))?;
    let lease = app.transactions.enter(owner, session)?;
    run_in(&app, lease, (query, lent), &database, &headers, Then::StayOpen).await
}

/// `POST /db/{database}/query/v2/tx/{id}`: runs a statement; none keeps the transaction alive.
pub(super) async fn run_more(
    State(app): State<App>,
    Path((database, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, QueryRefusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let bytes = read_bytes(&app.config, &mut *session, body).await?;
    let (query, lent) = read(&*session, &headers, &bytes, Keys::Any)?;
    let lease = app.transactions.take(&id, &*session, &database, query.impersonated_user.as_deref())?;
    run_in(&app, lease, (query, lent), &database, &headers, Then::StayOpen).await
}

/// `POST /db/{database}/query/v2/tx/{id}/commit`: runs a last statement if there is one, and commits.
pub(super) async fn commit(
    State(app): State<App>,
    Path((database, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, QueryRefusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let bytes = read_bytes(&app.config, &mut *session, body).await?;
    let (query, lent) = read(&*session, &headers, &bytes, Keys::Any)?;
    let lease = app.transactions.take(&id, &*session, &database, query.impersonated_user.as_deref())?;
    run_in(&app, lease, (query, lent), &database, &headers, Then::Commit).await
}

/// `DELETE /db/{database}/query/v2/tx/{id}`: rolls back.
pub(super) async fn roll_back(
    State(app): State<App>,
    Path((database, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, QueryRefusal> {
    let session = log_in(&*app.sessions, &headers)?;
    let lease = app.transactions.take(&id, &*session, &database, None)?;
    block_in_place(|| drop(lease));
    Ok((StatusCode::OK, [("content-type", answer::JSON)], "{}").into_response())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    StayOpen,
    Commit,
}

async fn run_in(
    app: &App,
    mut lease: Lease,
    (query, lent): (Query, Lent),
    database: &str,
    headers: &HeaderMap,
    then: Then,
) -> Result<Response, QueryRefusal> {
    let shape = shape(headers, &query)?;
    let options = query.options(Some(database))?;
    let transaction = match then {
        Then::StayOpen => Transaction::StaysOpen {
            id: lease.id().to_string(),
            expires: app.transactions.lapses_at_time().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        },
        Then::Commit => Transaction::Commits,
    };
    let (sink, answer) = answer::channel(lease.session().interrupter());
    spawn_blocking(move || {
        let (succeeded, end) = match query.statement {
            Some(statement) => {
                let call = Call {
                    session: lease.session(),
                    statement: &statement,
                    parameters: query.parameters.0,
                    options,
                    shape,
                    transaction: &transaction,
                };
                run(call, sink)
            }
            None => finish_without(lease.session(), &transaction, sink),
        };
        drop(lent);
        lease.end(succeeded && then == Then::StayOpen, end);
    });
    Ok(respond(answer, shape).await)
}

/// Keeps a transaction alive, or commits it, without a statement.
fn finish_without(session: &mut dyn Session, transaction: &Transaction, mut sink: Sink) -> (bool, Option<End>) {
    let bookmark = match transaction {
        Transaction::Commits => match session.commit() {
            Ok(bookmark) => bookmark,
            Err(failure) => return (false, Some(sink.refuse(failure))),
        },
        Transaction::None | Transaction::StaysOpen { .. } => None,
    };
    sink.json.begin_object();
    transaction.write(&mut sink.json, bookmark.as_deref());
    sink.json.end_object();
    (true, Some(sink.finish()))
}

async fn respond(answer: Answer, shape: Shape) -> Response {
    answer.into_response(StatusCode::ACCEPTED, shape.media_type).await
}

/// Whether keys that nobody knows are passed over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    Known,
    Any,
}

/// The keys that a request may have.
const KEYS: &[&str] = &[
    "statement",
    "query",
    "database",
    "parameters",
    "includeCounters",
    "accessMode",
    "maxExecutionTime",
    "bookmarks",
    "impersonatedUser",
    "txMetadata",
];

/// Reads a request; the memory is lent for what is in it.
fn read(session: &dyn Session, headers: &HeaderMap, bytes: &[u8], keys: Keys) -> Result<(Query, Lent), Refusal> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok((Query::default(), session.lend(0)?));
    }
    let media_type = media_type(headers);
    let typed = typed(&media_type).is_some();
    if !typed && media_type != "application/json" {
        return Err(wrong_type("the body must be of type application/json or application/vnd.neo4j.query"));
    }
    if keys == Keys::Known {
        check_keys(bytes, KEYS).map_err(|error| not_parsed(&error))?;
    }
    let lent = lend_for(session, bytes, if typed { Typed::Yes } else { Typed::No })?;
    let mut query: Query = parse_object(bytes).map_err(|error| not_parsed(&error))?;
    if typed {
        query.parameters =
            Parameters(read_typed_map(&query.parameters.0).map_err(|error| Failure::new(Code::RequestFormat, error))?);
    }
    Ok((query, lent))
}

/// The typed form, as it is named with and without its version; all of them are the same here.
const TYPED: [&str; 4] = [
    "application/vnd.neo4j.query",
    "application/vnd.neo4j.query.v1.0",
    "application/vnd.neo4j.query.v1.1",
    "application/vnd.neo4j.query.v1.2",
];

/// Finds the form that a client accepts; refuses one who accepts only forms of this face that are not here.
fn shape(headers: &HeaderMap, query: &Query) -> Result<Shape, Refusal> {
    let accepted = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let mut kinds = accepted.split(',').map(|kind| kind.split(';').next().unwrap_or_default().trim());
    let counters = query.include_counters;
    if let Some(media_type) = kinds.clone().find_map(typed) {
        return Ok(Shape { form: Form::Typed, media_type, counters });
    }
    if !accepted.is_empty() && kinds.all(|kind| kind.starts_with(TYPED[0])) {
        let text = format!("There is no such form of answers; the typed ones are {}.", TYPED.join(", "));
        return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, Failure::new(Code::RequestFormat, text)));
    }
    Ok(Shape { form: Form::Plain, media_type: answer::JSON, counters })
}

fn typed(media_type: &str) -> Option<&'static str> {
    TYPED.into_iter().find(|typed| *typed == media_type)
}

fn no_statement() -> Refusal {
    Failure::new(Code::RequestFormat, "a statement is missing").into()
}

impl Query {
    fn options(&self, database: Option<&str>) -> Result<RunOptions, Refusal> {
        let access = match self.access_mode.as_deref() {
            Some(mode) if mode.eq_ignore_ascii_case("read") => Access::Read,
            Some(mode) if !mode.eq_ignore_ascii_case("write") => {
                return Err(Failure::new(Code::RequestFormat, "accessMode must be Read or Write").into());
            }
            _ => Access::Write,
        };
        Ok(RunOptions {
            database: database.map(str::to_owned),
            access,
            timeout: self.max_execution_time.filter(|seconds| *seconds > 0).map(Duration::from_secs),
            bookmarks: self.bookmarks.clone().unwrap_or_default(),
            metadata: Map::clone(&self.tx_metadata.0),
            impersonated_user: self.impersonated_user.clone(),
        })
    }
}
