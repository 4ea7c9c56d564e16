//! Reads a request's body, within its bounds of size and time.

use axum::body::{Body, to_bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use tokio::time::timeout;
use types::{Code, Failure};

use super::answer::Refusal;
use super::json::{Statements, parse_statements};
use crate::config::ServerConfig;

/// Reads the statements that a request carries.
pub(super) async fn read_statements(
    config: &ServerConfig,
    headers: &HeaderMap,
    body: Body,
) -> Result<Statements, Refusal> {
    let bytes = read_bytes(config, body).await?;
    if !bytes.is_empty() && media_type(headers) != "application/json" {
        return Err(wrong_type("the body must be of type application/json"));
    }
    parse_statements(&bytes).map_err(|error| not_parsed(&error))
}

/// Refuses a body of another type.
pub(super) fn wrong_type(message: &str) -> Refusal {
    Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Failure::new(Code::RequestFormat, message))
}

/// Refuses a body that is no JSON, or not the JSON that is asked for.
pub(super) fn not_parsed(error: &serde_json::Error) -> Refusal {
    let failure = Failure::new(Code::RequestFormat, format!("Could not parse the incoming JSON: {error}"));
    Refusal::new(StatusCode::BAD_REQUEST, failure)
}

/// Reads the body as it comes.
pub(super) async fn read_bytes(config: &ServerConfig, body: Body) -> Result<Bytes, Refusal> {
    let read = timeout(config.body_time_max, to_bytes(body, config.body_max_bytes)).await;
    match read {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => {
            let message = format!("the body could not be read, or is longer than {} bytes", config.body_max_bytes);
            Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, Failure::new(Code::RequestFormat, message)))
        }
        Err(_) => {
            let failure = Failure::new(Code::RequestFormat, "the body did not arrive in time");
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, failure))
        }
    }
}

/// Gives the body's media type in lower case, without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
