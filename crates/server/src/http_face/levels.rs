//! Levels over HTTP: who has how much of a database, and what roles and users may use, by patterns of names.
//! Each change is the `GRANT LEVEL` and `REVOKE LEVEL` that it stands for, so rights, refusals and audit are those of statements.
//! Start reading at [`routes`].

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio::task::block_in_place;
use types::{Code, Failure, Map, Value};

use super::App;
use super::answer::Refusal;
use super::auth::log_in;
use super::body::{Typed, lend_for, not_parsed, read_bytes};
use super::databases::{Paging, answer};
use super::extract::{Path, Query};
use super::json::{Json, Parameters, parse_object};
use super::watching::{Row, named, no_store, rows, write_row};
use crate::sessions::{Level, RunOptions, Session};

/// Most databases and patterns whose level one request sets.
const CHANGES_MAX: usize = 1_000;
/// How often a change is tried that somebody else's got in the way of.
const TRIES_MAX: usize = 5;

/// Adds the routes to those of statements.
pub(super) fn routes(router: Router<App>) -> Router<App> {
    router.route("/levels", get(list).put(set_many)).route("/db/{database}/levels", get(look).put(set).delete(take))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    user: Option<String>,
    role: Option<String>,
    skip: Option<String>,
    limit: Option<String>,
}

/// `GET /levels?role=support&skip=0&limit=100`: what was granted, to one user or role or to everybody.
async fn list(State(app): State<App>, Query(page): Query<Page>, headers: HeaderMap) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let paging = Paging::read(page.skip.as_deref(), page.limit.as_deref())?;
    let holder = match (page.user, page.role) {
        (None, None) => None,
        (user, role) => Some(Holder::of(user, role)?),
    };
    let mut parameters = paging.parameters();
    let mut wanted = "";
    if let Some(holder) = &holder {
        wanted = " WHERE kind = $kind AND name = $name";
        parameters.extend([("kind".into(), holder.kind.into()), ("name".into(), Value::string(holder.name.as_str()))]);
    }
    let columns = "kind, name, level, database, owner";
    let text = format!("SHOW GRANTED LEVELS YIELD {columns}{wanted} RETURN {columns} SKIP $skip LIMIT $limit");
    let found = block_in_place(|| rows(&mut *session, &text, parameters))?;
    let mut json = Json::default();
    json.begin_object();
    paging.write(&mut json, "levels", &found, write_row);
    json.end_object();
    Ok(no_store(answer(StatusCode::OK, &mut json)))
}

/// `GET /db/{database}/levels`: what was granted there, and how much each user has in the end.
async fn look(State(app): State<App>, Path(database): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    Ok(block_in_place(|| read(&mut *session, &database))?)
}

fn read(session: &mut dyn Session, database: &str) -> Result<Response, Failure> {
    let granted = rows(session, "SHOW GRANTED LEVELS FOR DATABASE $database", named(database))?;
    let held = "SHOW LEVELS FOR DATABASE $database YIELD user, level, crossDatabase, owner";
    let held = rows(session, held, named(database))?;
    let mut json = Json::default();
    json.begin_object();
    list_of(&mut json, "levels", &granted);
    list_of(&mut json, "users", &held);
    json.end_object();
    Ok(no_store(answer(StatusCode::OK, &mut json)))
}

fn list_of(json: &mut Json, key: &str, rows: &[Row]) {
    json.key(key);
    json.begin_list();
    rows.iter().for_each(|row| write_row(json, row));
    json.end_list();
}

/// Who is meant: a user or a role.
struct Holder {
    kind: &'static str,
    name: String,
}

impl Holder {
    fn of(user: Option<String>, role: Option<String>) -> Result<Self, Failure> {
        match (user, role) {
            (Some(name), None) => Ok(Self { kind: "user", name }),
            (None, Some(name)) => Ok(Self { kind: "role", name }),
            _ => Err(wrong("name either a user or a role")),
        }
    }

    /// Writes it as statements do, quoted, whatever is in the name.
    fn written(&self) -> String {
        format!("{} {}", self.kind.to_ascii_uppercase(), quoted(&self.name))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    user: Option<String>,
    role: Option<String>,
    level: String,
}

/// `PUT /db/{database}/levels`: `{"user": "bob", "level": "write"}`; the level is what was granted there from then on.
async fn set(
    State(app): State<App>,
    Path(database): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let bytes = read_bytes(&app.config, &mut *session, body).await?;
    let wanted: Wanted = parse_object(&bytes).map_err(|error| not_parsed(&error))?;
    let holder = Holder::of(wanted.user, wanted.role)?;
    let statements = setting(&wanted.level, "$database", &holder);
    Ok(block_in_place(|| {
        together(&mut *session, &statements, &named(&database)).map_err(of_setting)?;
        // Who may change it and not see it hears that it is done.
        Ok::<_, Failure>(read(&mut *session, &database).unwrap_or_else(|_| StatusCode::NO_CONTENT.into_response()))
    })?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Taken {
    user: Option<String>,
    role: Option<String>,
    level: Option<String>,
}

/// `DELETE /db/{database}/levels?user=bob`: takes back what was granted there, or the one that `&level=` names.
async fn take(
    State(app): State<App>,
    Path(database): Path<String>,
    Query(taken): Query<Taken>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let holder = Holder::of(taken.user, taken.role)?;
    let statements = match &taken.level {
        Some(level) => vec![revoking(level, "$database", &holder)],
        None => taking("$database", &holder),
    };
    block_in_place(|| together(&mut *session, &statements, &named(&database)))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedMany {
    user: Option<String>,
    role: Option<String>,
    levels: Parameters,
}

/// `PUT /levels`: `{"role": "support", "levels": {"tenant_*": "read", "old": null}}`. All of it, or nothing.
async fn set_many(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let bytes = read_bytes(&app.config, &mut *session, body).await?;
    let _lent = lend_for(&*session, &bytes, Typed::No)?;
    let wanted: WantedMany = parse_object(&bytes).map_err(|error| not_parsed(&error))?;
    let holder = Holder::of(wanted.user, wanted.role)?;
    let Parameters(levels) = wanted.levels;
    if levels.len() > CHANGES_MAX {
        return Err(
            wrong(&format!("{} levels are too many for one request; {CHANGES_MAX} is the most", levels.len())).into()
        );
    }
    let mut statements = Vec::new();
    let mut known = std::collections::HashSet::new();
    for (database, level) in &levels {
        // Letters of either case name the same database, of which only one thing can be wanted.
        if !known.insert(database.to_lowercase()) {
            return Err(wrong(&format!("\"{database}\" is named twice, in other letters")).into());
        }
        match level {
            Value::String(level) => statements.extend(setting(level, &quoted(database), &holder)),
            Value::Null => statements.extend(taking(&quoted(database), &holder)),
            _ => return Err(wrong("a level is a text such as \"read\", or null to take back what was granted").into()),
        }
    }
    block_in_place(|| together(&mut *session, &statements, &Map::new())).map_err(of_setting)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Writes the statements after which this level is what was granted, no more.
///
/// What is above it goes first: the levels share privileges, and those that both have must stay.
fn setting(level: &str, database: &str, holder: &Holder) -> Vec<String> {
    let above: &[&str] = match Level::parse(level) {
        Some(Level::Read | Level::Write) => &["owner", "admin"],
        Some(Level::Admin) => &["owner"],
        // What is no level is refused by the statement.
        Some(Level::Owner | Level::CrossDatabase) | None => &[],
    };
    let mut statements: Vec<String> = above.iter().map(|above| revoking(above, database, holder)).collect();
    statements.push(format!("GRANT LEVEL {} ON DATABASE {database} TO {}", quoted(level), holder.written()));
    statements
}

/// Words a failure of what is taken back first as one of what was asked for.
fn of_setting(failure: Failure) -> Failure {
    match failure.message().strip_prefix("Failed to revoke privilege from ") {
        Some(rest) => Failure::new(failure.code(), format!("Failed to grant privilege to {rest}")),
        None => failure,
    }
}

/// Writes the statements after which no level is granted there.
fn taking(database: &str, holder: &Holder) -> Vec<String> {
    ["owner", "admin", "cross_db"].map(|level| revoking(level, database, holder)).to_vec()
}

fn revoking(level: &str, database: &str, holder: &Holder) -> String {
    format!("REVOKE LEVEL {} ON DATABASE {database} FROM {}", quoted(level), holder.written())
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Runs commands in one transaction, again where somebody else's change came first.
fn together(session: &mut dyn Session, statements: &[String], parameters: &Map) -> Result<(), Failure> {
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt(session, statements, parameters) {
            Err(failure) if failure.code() == Code::TransactionConflict && tries < TRIES_MAX => session.rollback()?,
            done => return done,
        }
    }
}

fn attempt(session: &mut dyn Session, statements: &[String], parameters: &Map) -> Result<(), Failure> {
    if let [statement] = statements {
        return rows(session, statement, parameters.clone()).map(drop);
    }
    session.begin(&RunOptions { database: Some("system".to_owned()), ..RunOptions::default() })?;
    for statement in statements {
        rows(session, statement, parameters.clone())?;
    }
    session.commit().map(drop)
}

fn wrong(text: &str) -> Failure {
    Failure::new(Code::RequestFormat, text)
}
