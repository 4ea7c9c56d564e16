//! Reads a request's body, within its bounds of size and time.

use axum::body::{Body, to_bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use tokio::time::timeout;
use types::{Code, Failure};

use super::answer::Refusal;
use super::json::{Statements, parse_statements, weigh};
use crate::config::ServerConfig;
use crate::sessions::{Lent, Session, UNWEIGHED_MAX_BYTES};

/// The most that a body takes which brings no statements.
const SMALL_MAX_BYTES: usize = 1 << 20;

/// Reads the statements that a request carries; the memory is lent for what is in them.
pub(super) fn read_statements(
    session: &dyn Session,
    headers: &HeaderMap,
    bytes: &[u8],
) -> Result<(Statements, Lent), Refusal> {
    if !bytes.is_empty() && media_type(headers) != "application/json" {
        return Err(wrong_type("the body must be of type application/json"));
    }
    let lent = lend_for(session, bytes, 1)?;
    Ok((parse_statements(bytes).map_err(|error| not_parsed(&error))?, lent))
}

/// Lends memory for what is in a body, where its values are there so many times at once.
pub(super) fn lend_for(session: &dyn Session, body: &[u8], times: usize) -> Result<Lent, Refusal> {
    let is_large = body.len() > UNWEIGHED_MAX_BYTES;
    let bytes = if is_large { weigh(body).map_err(|error| not_parsed(&error))? } else { 0 };
    Ok(session.lend(bytes.saturating_mul(times))?)
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

/// Reads a body that brings no statements as it comes.
pub(super) async fn read_small(config: &ServerConfig, body: Body) -> Result<Bytes, Refusal> {
    read_up_to(config, config.body_max_bytes.min(SMALL_MAX_BYTES), body).await
}

/// Reads the body as it comes.
pub(super) async fn read_bytes(config: &ServerConfig, body: Body) -> Result<Bytes, Refusal> {
    read_up_to(config, config.body_max_bytes, body).await
}

async fn read_up_to(config: &ServerConfig, max_bytes: usize, body: Body) -> Result<Bytes, Refusal> {
    let read = timeout(config.body_time_max, to_bytes(body, max_bytes)).await;
    match read {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => {
            let message = format!("the body could not be read, or is longer than {max_bytes} bytes");
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
