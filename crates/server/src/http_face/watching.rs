//! What those who watch a server ask over HTTP: metrics, health, limits and usage of a database, and one's own standing.
//! Leaves rights to the session: limits and usage are the statements that `SHOW` and `ALTER` them.
//! Start reading at [`routes`].

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, RETRY_AFTER,
};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio::task::block_in_place;
use types::{Code, CompactString, Failure, Map, Value};

use super::App;
use super::answer::{JSON, Refusal};
use super::auth::log_in;
use super::body::{Typed, lend_for, not_parsed, read_bytes};
use super::extract::{Path, Query};
use super::json::{Json, Pairs, parse_object, write_plain};
use crate::config::MetricsAccess;
use crate::sessions::{Charged, Fetched, More, RunOptions, Session, Standing};

/// Where a request comes from.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// Our end of it.
    pub(super) local: Option<SocketAddr>,
    /// Its number among the connections of this face.
    pub(super) number: u64,
    /// When it was made, in nanoseconds since 1970.
    pub(super) since_nanos: i128,
    /// The path that the request is for.
    pub(super) path: String,
}

tokio::task_local! {
    /// Where the request comes from that the task answers.
    pub(super) static PEER: Peer;
}

/// Adds the routes to those of statements.
pub(super) fn routes(router: Router<App>) -> Router<App> {
    router
        .route("/metrics", get(metrics))
        .route("/health", get(health))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/db/{database}/limits", get(limits).put(set_limits))
        .route("/db/{database}/usage", get(usage))
        .route("/cluster/stats/self", get(standing))
}

/// `GET /metrics`: text for Prometheus, to whoever the setting lets in.
///
/// Databases have their names in it for who may see them, and for everybody where the setting opens the page to everybody.
async fn metrics(State(app): State<App>, request: Request) -> Result<Response, Refusal> {
    let peer = PEER.try_with(|peer| peer.address.ip()).ok();
    let is_local = peer.is_some_and(|address: IpAddr| address.to_canonical().is_loopback());
    let is_let_in = app.config.metrics_access == MetricsAccess::Loopback && is_local;
    let text = match app.config.metrics_access {
        MetricsAccess::Off => return Err(refused(StatusCode::NOT_FOUND, Code::RequestInvalid, "Not Found")),
        MetricsAccess::Everybody => block_in_place(|| app.sessions.metrics()),
        MetricsAccess::Loopback if is_local && !request.headers().contains_key(AUTHORIZATION) => {
            block_in_place(|| app.sessions.metrics_in_total())
        }
        MetricsAccess::Loopback | MetricsAccess::Password => {
            let mut session = log_in(&*app.sessions, request.headers())?;
            match block_in_place(|| session.metrics()) {
                // He may have what he would have without his name.
                Err(failure) if is_let_in && failure.code() == Code::Forbidden => {
                    block_in_place(|| app.sessions.metrics_in_total())
                }
                text => text?,
            }
        }
    };
    let Some(text) = text else {
        return Err(refused(StatusCode::NOT_FOUND, Code::RequestInvalid, "Not Found"));
    };
    let media_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok((StatusCode::OK, [(CONTENT_TYPE, media_type)], text).into_response())
}

/// `GET /health/live`: the process answers.
async fn live() -> Response {
    (StatusCode::OK, [(CONTENT_TYPE, HeaderValue::from_static(JSON))], r#"{"status":"ok"}"#).into_response()
}

/// `GET /health/ready`: whether to send clients here.
async fn ready(State(app): State<App>) -> Response {
    let is_ready = block_in_place(|| app.sessions.health()).is_ready && !app.stop.is_set();
    let (status, word) = if is_ready { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "unready") };
    let mut json = Json::default();
    json.begin_object();
    text(&mut json, "status", word);
    json.end_object();
    no_store((status, [(CONTENT_TYPE, HeaderValue::from_static(JSON))], json.take()).into_response())
}

/// `GET /health`: how the server is; to who logs in also his databases, by their numbers and by name.
async fn health(State(app): State<App>, headers: HeaderMap) -> Result<Response, Refusal> {
    let health = block_in_place(|| app.sessions.health());
    let named = match headers.contains_key(AUTHORIZATION) {
        true => {
            let mut session = log_in(&*app.sessions, &headers)?;
            let shown = "SHOW DATABASES YIELD name, currentStatus, statusMessage";
            Some(block_in_place(|| rows(&mut *session, shown, Map::new()))?)
        }
        false => None,
    };
    let counts = match &named {
        Some(named) => Some(counted(named)),
        None => health.is_open.then_some([health.online, health.offline, health.failed]),
    };
    let mut json = Json::default();
    json.begin_object();
    // Who logs in hears of what he sees, and of nothing that is hidden from him.
    let failed = named.as_ref().map_or(health.failed, |named| counted(named)[2]);
    text(&mut json, "status", if failed == 0 && health.is_ready { "ok" } else { "degraded" });
    text(&mut json, "version", env!("CARGO_PKG_VERSION"));
    json.key("ready");
    json.boolean(health.is_ready && !app.stop.is_set());
    if let Some(counts) = counts {
        json.key("databases");
        json.begin_object();
        for (key, count) in ["online", "offline", "failed"].into_iter().zip(counts) {
            json.key(key);
            json.integer(i64::try_from(count).unwrap_or(i64::MAX));
        }
        json.end_object();
    }
    if let Some(named) = named {
        json.key("services");
        json.begin_list();
        named.iter().for_each(|row| write_row(&mut json, row));
        json.end_list();
    }
    json.end_object();
    Ok(no_store((StatusCode::OK, [(CONTENT_TYPE, HeaderValue::from_static(JSON))], json.take()).into_response()))
}

/// Counts the listed databases that are online, offline and failed, `system` left out.
fn counted(named: &[Row]) -> [usize; 3] {
    let column = |row: &Row, name: &str| {
        let found = row.iter().find(|(column, _)| column == name);
        found.and_then(|(_, value)| if let Value::String(text) = value { Some(text.to_string()) } else { None })
    };
    let mut counts = [0; 3];
    for row in named.iter().filter(|row| column(row, "name").as_deref() != Some("system")) {
        let is_well = column(row, "statusMessage").unwrap_or_default().is_empty();
        let place = match column(row, "currentStatus").as_deref() {
            Some("offline") if is_well => 1,
            _ if is_well => 0,
            _ => 2,
        };
        counts[place] += 1;
    }
    counts
}

/// A row with the names of its columns.
pub(super) type Row = Vec<(CompactString, Value)>;

/// Runs a statement of this module to its end.
pub(super) fn rows(session: &mut dyn Session, statement: &str, parameters: Map) -> Result<Vec<Row>, Failure> {
    let mut records = session.run(statement, parameters, &RunOptions::default())?;
    let columns = records.columns().to_vec();
    let (mut rows, mut fetched) = (Vec::new(), Fetched::default());
    loop {
        fetched.clear();
        let more = records.pull(1_024, &mut fetched)?;
        rows.extend(fetched.iter().map(|row| columns.iter().cloned().zip(row.iter().cloned()).collect()));
        if more == More::No {
            return Ok(rows);
        }
    }
}

pub(super) fn named(database: &str) -> Map {
    [("database".into(), Value::string(database))].into_iter().collect()
}

/// `GET /db/{database}/limits`.
async fn limits(State(app): State<App>, Path(database): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let limits = block_in_place(|| read_limits(&mut *session, &database))?;
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|marks| marks.to_str().ok());
    // A mark may be called weak by what stands in between.
    let is_known = known
        .flat_map(|marks| marks.split(','))
        .map(str::trim)
        .any(|mark| mark == "*" || mark.strip_prefix("W/").unwrap_or(mark) == limits.mark);
    Ok(if is_known { limits.unchanged() } else { limits.into_response() })
}

/// The limits of a database, and a mark of the state in which they are: of what was set, and of what is used.
struct Limits {
    rows: Vec<Row>,
    mark: String,
}

fn read_limits(session: &mut dyn Session, database: &str) -> Result<Limits, Failure> {
    let rows = rows(session, "SHOW LIMITS FOR DATABASE $database YIELD *", named(database))?;
    let is_set = |column: &str| matches!(column, "limit" | "value" | "source");
    let hash = |wanted: &dyn Fn(&str) -> bool| {
        let mut hasher = DefaultHasher::new();
        for (column, value) in rows.iter().flatten().filter(|(column, _)| wanted(column)) {
            (column.as_str(), types::text::literal(value)).hash(&mut hasher);
        }
        hasher.finish()
    };
    let (set, used) = (hash(&is_set), hash(&|column| !is_set(column)));
    Ok(Limits { rows, mark: format!("\"{set:016x}-{used:016x}\"") })
}

/// Gives the part of a mark that stands for what was set.
fn set_part(mark: &str) -> &str {
    mark.split_once('-').map_or(mark, |(set, _)| set)
}

impl Limits {
    /// Answers who has them already.
    fn unchanged(&self) -> Response {
        no_store(self.marked(StatusCode::NOT_MODIFIED.into_response()))
    }

    fn marked(&self, mut response: Response) -> Response {
        if let Ok(mark) = HeaderValue::from_str(&self.mark) {
            response.headers_mut().insert(ETAG, mark);
        }
        response
    }
}

impl IntoResponse for Limits {
    fn into_response(self) -> Response {
        let mut json = Json::default();
        json.begin_object();
        if let Some((_, database)) = self.rows.first().and_then(|row| row.first()) {
            json.key("database");
            write_plain(&mut json, database);
        }
        json.key("limits");
        json.begin_object();
        for row in &self.rows {
            let is_name = |(column, _): &&(CompactString, Value)| column == "limit";
            if let Some((_, Value::String(name))) = row.iter().find(is_name) {
                json.key(name);
                let kept = |column: &str| !matches!(column, "database" | "limit");
                let row: Row = row.iter().filter(|(column, _)| kept(column)).cloned().collect();
                write_row(&mut json, &row);
            }
        }
        json.end_object();
        json.end_object();
        let response = (StatusCode::OK, [(CONTENT_TYPE, HeaderValue::from_static(JSON))], json.take()).into_response();
        no_store(self.marked(response))
    }
}

/// `PUT /db/{database}/limits`: an object of limits and their values; null takes one back. All of it, or nothing.
async fn set_limits(
    State(app): State<App>,
    Path(database): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let bytes = read_bytes(&app.config, &mut *session, body).await?;
    let _lent = lend_for(&*session, &bytes, Typed::No)?;
    let Pairs(wanted) = parse_object(&bytes).map_err(|error| not_parsed(&error))?;
    let wanted_mark = headers.get(IF_MATCH).map(|mark| mark.to_str().unwrap_or_default().to_owned());
    let set = block_in_place(|| -> Result<Option<Limits>, Refusal> {
        // Requests that look and then change take turns, so that none overwrites what it has not seen.
        let _turn = app.limits_turn.lock();
        if let Some(mark) = wanted_mark.filter(|mark| mark != "*") {
            let before = read_limits(&mut *session, &database)?;
            // What is used of them may be another by now.
            if !mark.split(',').any(|one| set_part(one.trim()) == set_part(&before.mark)) {
                let text = "The limits were changed since they were read; read them again.";
                return Err(refused(StatusCode::PRECONDITION_FAILED, Code::RequestInvalid, text));
            }
        }
        if !wanted.is_empty() {
            let (statement, parameters) = setting(&database, &wanted);
            rows(&mut *session, &statement, parameters)?;
        }
        match read_limits(&mut *session, &database) {
            // Who may set them and not see them is not told what they are.
            Err(failure) if failure.code() == Code::Forbidden && !wanted.is_empty() => Ok(None),
            limits => Ok(Some(limits?)),
        }
    })?;
    Ok(set.map_or_else(|| no_store(StatusCode::NO_CONTENT.into_response()), Limits::into_response))
}

/// Writes the statement that sets limits; names are quoted, values are parameters.
fn setting(database: &str, wanted: &[(CompactString, Value)]) -> (String, Map) {
    let (mut parameters, mut parts) = (named(database), Vec::new());
    for (number, (name, value)) in wanted.iter().enumerate() {
        parts.push(format!("`{}` = $v{number}", name.replace('`', "``")));
        parameters.insert(format!("v{number}").into(), value.clone());
    }
    (format!("ALTER DATABASE $database SET LIMIT {}", parts.join(", ")), parameters)
}

/// `GET /db/{database}/usage`.
async fn usage(State(app): State<App>, Path(database): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let statement = "SHOW USAGE FOR DATABASE $database YIELD *";
    let rows = block_in_place(|| rows(&mut *session, statement, named(&database)))?;
    let mut json = Json::default();
    match rows.first() {
        Some(row) => write_row(&mut json, row),
        None => write_row(&mut json, &Row::new()),
    }
    Ok(no_store((StatusCode::OK, [(CONTENT_TYPE, HeaderValue::from_static(JSON))], json.take()).into_response()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    database: Option<String>,
}

/// `GET /cluster/stats/self?database=d`: how the caller stands with a database, his home without one.
async fn standing(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut session = log_in(&*app.sessions, &headers)?;
    let found = block_in_place(|| session.standing(wanted.database.as_deref()))?;
    let mut json = Json::default();
    write_standing(&mut json, &found);
    Ok(no_store((StatusCode::OK, [(CONTENT_TYPE, HeaderValue::from_static(JSON))], json.take()).into_response()))
}

fn write_standing(json: &mut Json, found: &Standing) {
    let integer = |json: &mut Json, key: &str, value: u64| {
        json.key(key);
        json.integer(i64::try_from(value).unwrap_or(i64::MAX));
    };
    json.begin_object();
    text(json, "database", &found.database);
    text(json, "user", &found.user);
    integer(json, "connections", found.connections);
    json.key("limits");
    json.begin_object();
    for (name, max, used, source) in &found.limits {
        json.key(name);
        json.begin_object();
        json.key("value");
        write_plain(json, max);
        if let (Some(used), Value::Integer(max)) = (used, max) {
            integer(json, "used", *used);
            integer(json, "remaining", u64::try_from(*max).unwrap_or_default().saturating_sub(*used));
        }
        text(json, "source", source);
        json.end_object();
    }
    json.end_object();
    if let Some(quota) = found.queries {
        json.key("queries");
        json.begin_object();
        integer(json, "limit", quota.limit);
        integer(json, "remaining", quota.remaining);
        integer(json, "reset_ms", u64::try_from(quota.reset.as_millis()).unwrap_or(u64::MAX));
        json.end_object();
    }
    json.end_object();
}

pub(super) fn write_row(json: &mut Json, row: &[(CompactString, Value)]) {
    json.begin_object();
    for (column, value) in row {
        json.key(column);
        write_plain(json, value);
    }
    json.end_object();
}

fn text(json: &mut Json, key: &str, value: &str) {
    json.key(key);
    json.string(value);
}

fn refused(status: StatusCode, code: Code, text: &str) -> Refusal {
    Refusal::new(status, Failure::new(code, text))
}

/// Numbers of now are of no use later.
pub(super) fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Tells a refused client when to come again.
pub(super) fn add_retry_after(response: &mut Response, failure: &Failure) {
    if let Some(seconds) = instance::retry_after_seconds(failure) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// The database that a request was about, where its path does not name it.
#[derive(Clone)]
pub(super) struct RanOn(pub(super) String);

/// Tells with each answer about statements how much is left of the rate of the database that counted them, which `USE` may
/// have chosen; of the request's own where none was counted.
pub(super) async fn with_quota(State(app): State<App>, request: Request, next: Next) -> Response {
    let database = request.uri().path().strip_prefix("/db/").and_then(|rest| rest.split('/').next()).map(str::to_owned);
    let mut response = next.run(request).await;
    // Who may not know of the database is told nothing of it here either.
    let may_know = response.status().is_success() || response.status() == StatusCode::TOO_MANY_REQUESTS;
    let database = response.extensions().get().map(|RanOn(name)| name.clone()).or(database);
    let quota = match response.extensions().get::<Charged>() {
        Some(Charged::Bounded(quota)) => Some(*quota),
        Some(Charged::Unbounded) => None,
        Some(Charged::Nowhere) | None => database.and_then(|database| app.sessions.quota(&database)),
    };
    if let Some(quota) = quota.filter(|_| may_know) {
        let seconds = quota.reset.as_secs() + u64::from(quota.reset.subsec_nanos() > 0);
        for (name, value) in [
            ("x-ratelimit-limit", quota.limit),
            ("x-ratelimit-remaining", quota.remaining),
            ("x-ratelimit-reset", seconds),
        ] {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
    response
}
