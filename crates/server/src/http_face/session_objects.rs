//! Session objects: a session that requests come back to by its id, with a database of its own.
//! Leaves their life to the instance. A request names its session in the header `X-Sheaf-Session` or in a cookie.
//! Start reading at [`routes`].

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{COOKIE, HeaderValue, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde::Deserialize;
use tokio::task::block_in_place;
use types::{Code, CompactString, Failure, Map, Value};

use super::App;
use super::answer::Refusal;
use super::auth::log_in;
use super::body::{not_parsed, read_bytes};
use super::databases::answer;
use super::extract::Path;
use super::json::{Json, parse_object};
use super::watching::{rows, write_row};
use crate::sessions::Session;

const HEADER: &str = "x-sheaf-session";
const COOKIE_NAME: &str = "sheaf-session";

/// Adds the routes to those of statements.
pub(super) fn routes(router: Router<App>) -> Router<App> {
    router
        .route("/sessions", post(open).get(list))
        .route("/sessions/{id}", delete(end))
        .route("/session/database", get(database).put(set_database))
}

/// Goes on with the session object that a request names, if it names one.
pub(super) fn resume(session: &mut dyn Session, headers: &HeaderMap) -> Result<(), Failure> {
    match named_session(headers) {
        Some(id) => session.resume(&id),
        None => Ok(()),
    }
}

fn named_session(headers: &HeaderMap) -> Option<String> {
    if let Some(id) = headers.get(HEADER) {
        return Some(id.to_str().unwrap_or_default().to_owned());
    }
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, id)| id.to_owned())
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    database: Option<String>,
}

/// `POST /sessions`: opens one, on a database if `{"database": "films"}` says so.
async fn open(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let wanted = read(&app, &mut *session, body).await?;
    let (id, row) = block_in_place(|| -> Result<_, Failure> {
        // Where there is no such database, nothing is opened that would have to be ended again.
        wanted.database.as_ref().map_or(Ok(()), |database| session.resolve(Some(database)).map(drop))?;
        let id = session.open_object()?;
        let parameters = Map::from_iter([("id".into(), Value::string(id.as_str()))]);
        if let Some(database) = &wanted.database
            && let Err(failure) = choose(&mut *session, database)
        {
            // Whether it was there to be ended matters to nobody: the client never heard of it.
            let _ = rows(&mut *session, "TERMINATE SESSION $id", parameters);
            return Err(failure);
        }
        Ok((id, rows(&mut *session, "SHOW SESSIONS $id YIELD *", parameters)?))
    })?;
    let mut json = Json::default();
    write_row(&mut json, row.first().map_or(&[][..], Vec::as_slice));
    let mut response = answer(StatusCode::CREATED, &mut json);
    if let Ok(cookie) = HeaderValue::from_str(&format!("{COOKIE_NAME}={id}; Path=/; HttpOnly; SameSite=Strict")) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// `GET /sessions`: everybody's for who manages transactions, one's own for all others.
async fn list(State(app): State<App>, headers: HeaderMap) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let found = block_in_place(|| rows(&mut *session, "SHOW SESSIONS YIELD *", Map::new()))?;
    let mut json = Json::default();
    json.begin_object();
    json.key("sessions");
    json.begin_list();
    found.iter().for_each(|row| write_row(&mut json, row));
    json.end_list();
    json.end_object();
    Ok(answer(StatusCode::OK, &mut json))
}

/// `DELETE /sessions/{id}`: ends one, with its transaction.
async fn end(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let parameters = Map::from_iter([("id".into(), Value::string(id.as_str()))]);
    let told = block_in_place(|| rows(&mut *session, "TERMINATE SESSION $id YIELD username", parameters))?;
    match told.first().and_then(|row| row.first()) {
        Some((_, Value::String(_))) => Ok(StatusCode::NO_CONTENT.into_response()),
        _ => Err(Failure::new(Code::SessionNotFound, "There is no such session.").into()),
    }
}

/// `GET /session/database`: which database the session is on.
async fn database(State(app): State<App>, headers: HeaderMap) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let name = block_in_place(|| {
        // As any statement would hear it.
        if session.credentials_expired() {
            rows(&mut *session, "RETURN 1", Map::new())?;
        }
        session.resolve(None)
    })?;
    Ok(told(&name))
}

/// `PUT /session/database`: moves the session to another, `{"database": "films"}`.
async fn set_database(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let wanted = read(&app, &mut *session, body).await?;
    if named_session(&headers).is_none() {
        let text = "Which session? Open one with POST /sessions and send its id in the header X-Sheaf-Session.";
        return Err(Failure::new(Code::RequestInvalid, text).into());
    }
    let Some(database) = wanted.database else {
        return Err(Failure::new(Code::RequestFormat, "a database is missing").into());
    };
    let name = block_in_place(|| {
        choose(&mut *session, &database)?;
        session.resolve(None)
    })?;
    Ok(told(&name))
}

fn choose(session: &mut dyn Session, database: &str) -> Result<(), Failure> {
    rows(session, &format!("USE `{}`", database.replace('`', "``")), Map::new()).map(drop)
}

fn told(name: &str) -> Response {
    let mut json = Json::default();
    let row: [(CompactString, Value); 1] = [("database".into(), Value::string(name))];
    write_row(&mut json, &row);
    answer(StatusCode::OK, &mut json)
}

async fn read(app: &App, session: &mut dyn Session, body: Body) -> Result<Wanted, Refusal> {
    let bytes = read_bytes(&app.config, session, body).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Wanted::default());
    }
    parse_object(&bytes).map_err(|error| not_parsed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &'static str)], expected: Option<&str>) {
        let headers =
            headers.iter().map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value)));
        assert_eq!(named_session(&HeaderMap::from_iter(headers)).as_deref(), expected);
    }

    #[test]
    fn f31_a_session_is_named_by_a_header_or_a_cookie() {
        check(&[], None);
        check(&[("x-sheaf-session", "a")], Some("a"));
        check(&[("cookie", "x=1; sheaf-session=b; y=2")], Some("b"));
        check(&[("cookie", "sheaf-session=b"), ("x-sheaf-session", "a")], Some("a"));
        check(&[("cookie", "not-sheaf-session=b; sheaf-session")], None);
    }
}
