//! Reads a request's body, within its bounds of size and time.

use std::future::poll_fn;
use std::ops::Deref;
use std::pin::Pin;

use axum::body::{Body, HttpBody};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use tokio::time::timeout;
use types::{Code, Failure};

use super::answer::Refusal;
use super::json::{Statements, parse_statements, weigh};
use crate::config::ServerConfig;
use crate::sessions::{Lent, Session, UNWEIGHED_MAX_BYTES, buffer_bytes};

/// Reads the statements that a request carries; the memory is lent for what is in them.
pub(super) fn read_statements(
    session: &dyn Session,
    headers: &HeaderMap,
    bytes: &[u8],
) -> Result<(Statements, Lent), Refusal> {
    if !bytes.is_empty() && media_type(headers) != "application/json" {
        return Err(wrong_type("the body must be of type application/json"));
    }
    let lent = lend_for(session, bytes, Typed::No)?;
    Ok((parse_statements(bytes).map_err(|error| not_parsed(&error))?, lent))
}

/// Whether the values of a body are typed: each is a map with its type, and is read from that.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Typed {
    Yes,
    No,
}

/// Lends memory for what is in a body.
pub(super) fn lend_for(session: &dyn Session, body: &[u8], typed: Typed) -> Result<Lent, Refusal> {
    let is_large = body.len() > UNWEIGHED_MAX_BYTES;
    let bytes = if is_large { weigh(body).map_err(|error| not_parsed(&error))? } else { 0 };
    // Beside a map, what it stands for is a quarter at most, but for the texts.
    let beside = if is_large && typed == Typed::Yes { bytes / 4 + body.len() } else { 0 };
    Ok(session.lend(bytes + beside)?)
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

/// A body, and the memory that it takes.
pub(super) struct Bytes {
    bytes: Vec<u8>,
    /// Of how many bytes, where it is large.
    lent: Option<(usize, Lent)>,
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads the body as it comes; the memory is lent for it as it grows.
pub(super) async fn read_bytes(config: &ServerConfig, session: &mut dyn Session, body: Body) -> Result<Bytes, Refusal> {
    let read = timeout(config.body_time_max, read_pieces(config.body_max_bytes, session, body)).await;
    read.unwrap_or_else(|_| {
        let failure = Failure::new(Code::RequestFormat, "the body did not arrive in time");
        Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, failure))
    })
}

async fn read_pieces(max_bytes: usize, session: &mut dyn Session, mut body: Body) -> Result<Bytes, Refusal> {
    let mut read = Bytes { bytes: Vec::new(), lent: None };
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        // What is no data are trailers, which say nothing here.
        let Ok(piece) = frame.map_err(|_| not_read(max_bytes))?.into_data() else { continue };
        let held = read.bytes.len() + piece.len();
        if held > max_bytes {
            return Err(not_read(max_bytes));
        }
        let room_bytes = buffer_bytes(held);
        if held > UNWEIGHED_MAX_BYTES && read.lent.as_ref().is_none_or(|(lent_bytes, _)| *lent_bytes < room_bytes) {
            read.lent = None;
            read.lent = Some((room_bytes, session.lend(room_bytes)?));
        }
        read.bytes.extend_from_slice(&piece);
    }
    Ok(read)
}

fn not_read(max_bytes: usize) -> Refusal {
    let message = format!("the body could not be read, or is longer than {max_bytes} bytes");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, Failure::new(Code::RequestFormat, message))
}

/// Gives the body's media type in lower case, without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
