//! Databases as things: listed by pages, looked at, made and dropped.
//! Leaves rights and rules to the statements that this sends; what somebody may not see is not there.
//! Start reading at [`routes`].

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tokio::task::block_in_place;
use types::{Code, CompactString, DatabaseName, Failure, Map, Value};

use super::App;
use super::answer::{JSON, Refusal};
use super::auth::log_in;
use super::body::{not_parsed, read_bytes};
use super::extract::{Path, Query};
use super::json::{Json, parse_object, write_plain};
use super::watching::{Row, named, rows};
use crate::sessions::Session;

/// Databases of a page, where the request does not say.
const PAGE_USUAL: usize = 100;
/// Most databases of a page.
const PAGE_MAX: usize = 1_000;

/// How our columns are called by clients of others: a column, then its other names.
const SYNONYMS: &[(&str, &[&str])] = &[
    ("databaseID", &["id"]),
    ("currentStatus", &["status", "state"]),
    ("creationTime", &["created_at", "createdAt"]),
    ("updatedTime", &["updated_at", "updatedAt"]),
    ("createdBy", &["created_by"]),
    ("lastStartTime", &["last_start", "lastStart"]),
    ("lastWriteTime", &["last_write", "lastWrite"]),
    ("nodes", &["nodeCount", "node_count"]),
    ("relationships", &["relationshipCount", "relationship_count", "edgeCount"]),
    ("storageBytes", &["storageSize", "storage_size"]),
];

/// Adds the routes to those of statements.
pub(super) fn routes(router: Router<App>) -> Router<App> {
    router
        .route("/databases", get(list).post(create))
        .route("/databases/{database}", get(look).delete(drop_it))
        .route("/databases/{database}/start", post(start))
        .route("/databases/{database}/stop", post(stop))
        .route("/db/{database}", get(look))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    skip: Option<String>,
    limit: Option<String>,
}

/// Reads a number that a query string has.
fn count(name: &str, text: Option<&str>, usual: usize) -> Result<usize, Failure> {
    let Some(text) = text else { return Ok(usual) };
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(80).collect();
        Failure::new(Code::RequestFormat, format!("{name} must be a whole number from 0 on, and is '{shown}'"))
    })
}

/// Which part of a list is wanted.
pub(super) struct Paging {
    skip: usize,
    limit: usize,
}

impl Paging {
    /// Reads what a query string says of it.
    pub(super) fn read(skip: Option<&str>, limit: Option<&str>) -> Result<Self, Failure> {
        Ok(Self { skip: count("skip", skip, 0)?, limit: count("limit", limit, PAGE_USUAL)?.min(PAGE_MAX) })
    }

    /// Gives the parameters of a statement with `SKIP $skip LIMIT $limit`.
    ///
    /// One more than is asked for tells whether there is another page.
    pub(super) fn parameters(&self) -> Map {
        Map::from_iter([("skip".into(), integer(self.skip)), ("limit".into(), integer(self.limit + 1))])
    }

    /// Writes what was found into an open object, and where the next page begins.
    pub(super) fn write(
        &self,
        json: &mut Json,
        key: &str,
        found: &[Row],
        each: fn(&mut Json, &[(CompactString, Value)]),
    ) {
        json.key(key);
        json.begin_list();
        found.iter().take(self.limit).for_each(|row| each(json, row));
        json.end_list();
        let next = (found.len() > self.limit).then(|| integer(self.skip.saturating_add(self.limit)));
        for (key, value) in
            [("skip", integer(self.skip)), ("limit", integer(self.limit)), ("next", next.unwrap_or(Value::Null))]
        {
            json.key(key);
            write_plain(json, &value);
        }
    }
}

fn integer(number: usize) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// `GET /databases?skip=0&limit=100`: by name, those that the user may see.
async fn list(State(app): State<App>, Query(page): Query<Page>, headers: HeaderMap) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let paging = Paging::read(page.skip.as_deref(), page.limit.as_deref())?;
    let statement = "SHOW DATABASES YIELD * ORDER BY name SKIP $skip LIMIT $limit";
    let (found, default) = block_in_place(|| -> Result<_, Failure> {
        let found = rows(&mut *session, statement, paging.parameters())?;
        Ok((found, rows(&mut *session, "SHOW DEFAULT DATABASE YIELD name", Map::new())?))
    })?;
    let mut json = Json::default();
    json.begin_object();
    paging.write(&mut json, "databases", &found, write_info);
    json.key("default_database");
    write_plain(&mut json, default.first().and_then(|row| row.first()).map_or(&Value::Null, |(_, name)| name));
    json.end_object();
    Ok(answer(StatusCode::OK, &mut json))
}

/// `GET /databases/{database}` and `GET /db/{database}`: one, by its name or an alias, with what it holds.
async fn look(State(app): State<App>, Path(database): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let row = block_in_place(|| info(&mut *session, &database))?;
    let mut json = Json::default();
    write_info(&mut json, &row);
    Ok(answer(StatusCode::OK, &mut json))
}

fn info(session: &mut dyn Session, database: &str) -> Result<Row, Failure> {
    let found = rows(session, "SHOW DATABASE $database YIELD *", named(database))?;
    let Some(mut row) = found.into_iter().next() else {
        // Asking for it by name, which is kept count of, says the same.
        session.resolve(Some(database))?;
        let text = format!("Database does not exist. Database name: '{}'.", DatabaseName::shown(database));
        return Err(Failure::new(Code::DatabaseNotFound, text));
    };
    // What it holds is for those who may ask for its use; for others the rest is still true.
    let held = "SHOW USAGE FOR DATABASE $database YIELD nodes, relationships, storageBytes";
    match rows(session, held, named(database)).map(|held| held.into_iter().next()) {
        Ok(Some(held)) => {
            row.retain(|(key, _)| held.iter().all(|(other, _)| other != key));
            row.extend(held);
        }
        Ok(None) | Err(_) => row.push(("storageBytes".into(), Value::Null)),
    }
    Ok(row)
}

/// What a new database is asked to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    #[serde(default, alias = "ifNotExists")]
    if_not_exists: bool,
}

/// `POST /databases`: makes one, `{"name": "films"}`.
async fn create(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let bytes = read_bytes(&app.config, &mut *session, body).await?;
    let wanted: Wanted = parse_object(&bytes).map_err(|error| not_parsed(&error))?;
    let statement = match wanted.if_not_exists {
        true => "CREATE DATABASE $database IF NOT EXISTS",
        false => "CREATE DATABASE $database",
    };
    let row = block_in_place(|| {
        rows(&mut *session, statement, named(&wanted.name))?;
        info(&mut *session, &wanted.name)
    })
    .map_err(Refusal::of_thing)?;
    let mut json = Json::default();
    write_info(&mut json, &row);
    Ok(answer(StatusCode::CREATED, &mut json))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dropping {
    #[serde(default)]
    cascade: bool,
}

/// `DELETE /databases/{database}`; its aliases go with it where `?cascade=true` says so.
async fn drop_it(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(dropping): Query<Dropping>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let statement =
        if dropping.cascade { "DROP DATABASE $database CASCADE ALIASES" } else { "DROP DATABASE $database" };
    block_in_place(|| rows(&mut *session, statement, named(&name))).map_err(Refusal::of_thing)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A body that says nothing: none, or an object without keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn expect_nothing(app: &App, session: &mut dyn Session, body: Body) -> Result<(), Refusal> {
    let bytes = read_bytes(&app.config, session, body).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    parse_object::<Nothing>(&bytes).map(drop).map_err(|error| not_parsed(&error))
}

/// `POST /databases/{database}/start`.
async fn start(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    change(&app, &name, &headers, body, "START DATABASE $database").await
}

/// `POST /databases/{database}/stop`: answers when it has stopped.
async fn stop(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    change(&app, &name, &headers, body, "STOP DATABASE $database").await
}

/// Changes a database and answers with how it is then.
async fn change(app: &App, name: &str, headers: &HeaderMap, body: Body, statement: &str) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, headers)?;
    expect_nothing(app, &mut *session, body).await?;
    let row = block_in_place(|| {
        rows(&mut *session, statement, named(name))?;
        info(&mut *session, name)
    })?;
    let mut json = Json::default();
    write_info(&mut json, &row);
    Ok(answer(StatusCode::OK, &mut json))
}

/// Writes a database under all the names that clients know.
fn write_info(json: &mut Json, row: &[(CompactString, Value)]) {
    json.begin_object();
    for (column, value) in row {
        json.key(column);
        write_plain(json, value);
        let others = SYNONYMS.iter().find(|(name, _)| *name == column).map_or(&[][..], |(_, others)| others);
        for other in others {
            json.key(other);
            write_plain(json, value);
        }
    }
    json.end_object();
}

/// Answers with what was written.
pub(super) fn answer(status: StatusCode, json: &mut Json) -> Response {
    (status, [(CONTENT_TYPE, HeaderValue::from_static(JSON))], json.take()).into_response()
}
