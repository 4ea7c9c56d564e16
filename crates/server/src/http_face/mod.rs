//! HTTP: discovery, health, the transactional API and the Query API.
//! Statements are the session's work; this turns requests into calls and results into JSON.
//! Start reading at [`Listener::run`], then [`run`].

mod answer;
mod auth;
mod body;
mod databases;
mod discovery;
mod extract;
mod json;
mod levels;
mod listener;
mod plan;
mod query;
mod query_answer;
mod run;
mod session_objects;
mod stats;
mod transactions;
mod tx;
mod watching;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::sessions::Sessions;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};

pub(crate) use listener::Listener;
use parking_lot::Mutex;
use types::{Code, Failure};

use crate::config::ServerConfig;
use crate::stop::Stop;
use answer::Refusal;
use transactions::Transactions;

/// What every request handler may use.
#[derive(Clone)]
struct App {
    sessions: Arc<dyn Sessions>,
    config: Arc<ServerConfig>,
    transactions: Arc<Transactions>,
    /// Where Bolt listens, for discovery.
    bolt_addr: Option<SocketAddr>,
    /// Whether the server is about to stop.
    stop: Stop,
    /// Held through a change of limits.
    limits_turn: Arc<Mutex<()>>,
}

fn router(app: App) -> Router {
    let statements = Router::new()
        .route("/db/{database}/tx", post(tx::open))
        .route("/db/{database}/tx/commit", post(tx::run_and_commit))
        .route("/db/{database}/tx/{id}", post(tx::run_more).delete(tx::roll_back))
        .route("/db/{database}/tx/{id}/commit", post(tx::commit))
        .route("/cypher", post(query::run_anywhere))
        .route("/db/{database}/query/v2", post(query::run_and_commit))
        .route("/db/{database}/query/v2/tx", post(query::open))
        .route("/db/{database}/query/v2/tx/{id}", post(query::run_more).delete(query::roll_back))
        .route("/db/{database}/query/v2/tx/{id}/commit", post(query::commit))
        .route_layer(from_fn_with_state(app.clone(), watching::with_quota));
    let things = session_objects::routes(databases::routes(statements));
    watching::routes(levels::routes(things))
        .route("/", get(discovery::discover))
        .method_not_allowed_fallback(wrong_method)
        .fallback(nothing_there)
        .with_state(app)
}

async fn nothing_there() -> Response {
    Refusal::new(StatusCode::NOT_FOUND, Failure::new(Code::RequestInvalid, "Not Found")).without_results()
}

async fn wrong_method() -> Response {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, Failure::new(Code::RequestInvalid, "Method Not Allowed"))
        .without_results()
}
