//! `GET /`: where everything is.

use axum::extract::State;
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::App;
use super::json::Json;
use crate::NEO4J_VERSION;

/// Answers with the addresses of the other faces, as seen from where the client stands.
pub(super) async fn discover(State(app): State<App>, headers: HeaderMap) -> Response {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let mut json = Json::default();
    json.begin_object();
    if let Some(bolt) = bolt_address(&app, host) {
        write_text(&mut json, "bolt_routing", &format!("neo4j://{bolt}"));
        write_text(&mut json, "bolt_direct", &format!("bolt://{bolt}"));
    }
    write_text(&mut json, "transaction", &format!("http://{host}/db/{{databaseName}}/tx"));
    write_text(&mut json, "query", &format!("http://{host}/db/{{databaseName}}/query/v2"));
    write_text(&mut json, "neo4j_version", NEO4J_VERSION);
    write_text(&mut json, "neo4j_edition", "enterprise");
    json.end_object();
    (StatusCode::OK, [("content-type", "application/json")], json.take()).into_response()
}

/// The advertised address, or the host that the client used with Bolt's port.
fn bolt_address(app: &App, host: &str) -> Option<String> {
    let address = app.bolt_addr?;
    match &app.config.bolt_advertised {
        Some(advertised) => Some(advertised.clone()),
        None => Some(format!("{}:{}", without_port(host), address.port())),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // The colons of `[::1]` belong to the address.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn write_text(json: &mut Json, key: &str, text: &str) {
    json.key(key);
    json.string(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lose_their_port() {
        assert_eq!(without_port("localhost:7474"), "localhost");
        assert_eq!(without_port("localhost"), "localhost");
        assert_eq!(without_port("[::1]:7474"), "[::1]");
        assert_eq!(without_port("[::1]"), "[::1]");
    }
}
