//! HTTP: discovery, health, the transactional API and the Query API.
//! Statements are the session's work; this turns requests into calls and results into JSON.
//! Start reading at [`Listener::run`], then [`run`].

mod answer;
mod auth;
mod body;
mod discovery;
mod json;
mod listener;
mod plan;
mod query;
mod query_answer;
mod run;
mod stats;
mod transactions;
mod tx;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::sessions::Sessions;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

pub(crate) use listener::Listener;

use crate::config::ServerConfig;
use transactions::Transactions;

/// What every request handler may use.
#[derive(Clone)]
struct App {
    sessions: Arc<dyn Sessions>,
    config: Arc<ServerConfig>,
    transactions: Arc<Transactions>,
    /// Where Bolt listens, for discovery.
    bolt_addr: Option<SocketAddr>,
}

fn router(app: App) -> Router {
    Router::new()
        .route("/", get(discovery::discover))
        .route("/health", get(health))
        .route("/db/{database}/tx", post(tx::open))
        .route("/db/{database}/tx/commit", post(tx::run_and_commit))
        .route("/db/{database}/tx/{id}", post(tx::run_more).delete(tx::roll_back))
        .route("/db/{database}/tx/{id}/commit", post(tx::commit))
        .route("/db/{database}/query/v2", post(query::run_and_commit))
        .route("/db/{database}/query/v2/tx", post(query::open))
        .route("/db/{database}/query/v2/tx/{id}", post(query::run_more).delete(tx::roll_back))
        .route("/db/{database}/query/v2/tx/{id}/commit", post(query::commit))
        .with_state(app)
}

async fn health() -> Response {
    (StatusCode::OK, [("content-type", "application/json")], r#"{"status":"ok"}"#).into_response()
}
