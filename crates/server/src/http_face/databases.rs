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
use super::watching::{named, rows};
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

/// What a row has by the names of its columns.
type Row = Vec<(CompactString, Value)>;

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

/// `GET /databases?skip=0&limit=100`: by name, those that the user may see.
async fn list(State(app): State<App>, Query(page): Query<Page>, headers: HeaderMap) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let skip = count("skip", page.skip.as_deref(), 0)?;
    let limit = count("limit", page.limit.as_deref(), PAGE_USUAL)?.min(PAGE_MAX);
    let integer = |number: usize| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    // One more than is asked for tells whether there is another page.
    let parameters = Map::from_iter([("skip".into(), integer(skip)), ("limit".into(), integer(limit + 1))]);
    let statement = "SHOW DATABASES YIELD * ORDER BY name SKIP $skip LIMIT $limit";
    let (mut found, default) = block_in_place(|| -> Result<_, Failure> {
        let found = rows(&mut *session, statement, parameters)?;
        Ok((found, rows(&mut *session, "SHOW DEFAULT DATABASE YIELD name", Map::new())?))
    })?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let mut json = Json::default();
    json.begin_object();
    json.key("databases");
    json.begin_list();
    found.iter().for_each(|row| write_info(&mut json, row));
    json.end_list();
    json.key("default_database");
    write_plain(&mut json, default.first().and_then(|row| row.first()).map_or(&Value::Null, |(_, name)| name));
    for (key, value) in [("skip", integer(skip)), ("limit", integer(limit))] {
        json.key(key);
        write_plain(&mut json, &value);
    }
    json.key("next");
    write_plain(&mut json, &if has_more { integer(skip.saturating_add(limit)) } else { Value::Null });
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
    let bytes = read_bytes(&app.config, body).await?;
    let wanted: Wanted = parse_object(&bytes).map_err(|error| not_parsed(&error))?;
    let statement = match wanted.if_not_exists {
        true => "CREATE DATABASE $database IF NOT EXISTS",
        false => "CREATE DATABASE $database",
    };
    let row = block_in_place(|| {
        rows(&mut *session, statement, named(&wanted.name))?;
        info(&mut *session, &wanted.name)
    })?;
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
    block_in_place(|| rows(&mut *session, statement, named(&name)))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /databases/{database}/start`.
async fn start(State(app): State<App>, Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    change(&app, &name, &headers, "START DATABASE $database")
}

/// `POST /databases/{database}/stop`: answers when it has stopped.
async fn stop(State(app): State<App>, Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    change(&app, &name, &headers, "STOP DATABASE $database")
}

/// Changes a database and answers with how it is then.
fn change(app: &App, name: &str, headers: &HeaderMap, statement: &str) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, headers)?;
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
