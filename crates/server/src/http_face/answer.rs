//! Answers: refusals as JSON, and bodies that are sent while they are made.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::sessions::{Charged, Interrupter, Records};
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::Frame;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::timeout;
use types::{Code, Failure};

use super::json::Json;
use super::watching::add_retry_after;

/// Parts of an answer that may wait for the client; more makes the statement wait.
const PARTS_MAX: usize = 4;

/// Parts are sent once so many bytes are ready; what is larger goes in pieces of that size.
const PART_BYTES: usize = 64 * 1024;

/// How often a slow client's statement is looked at: it may be over.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A request that was turned away before a statement ran.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    failure: Failure,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, failure: Failure) -> Self {
        Self { status, failure }
    }

    /// As from a failure, where the address names a thing: what is there already, or still leads to it, is in conflict with
    /// the request. A statement that says the same is a wrong one, as Neo4j's clients know it.
    pub(super) fn of_thing(failure: Failure) -> Self {
        match failure.code() {
            Code::DatabaseExists | Code::AliasExists => Self::new(StatusCode::CONFLICT, failure),
            _ => failure.into(),
        }
    }
}

/// A failure's own status, as the table of codes has it.
impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let status = StatusCode::from_u16(failure.code().row().http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, failure }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.written(|json| {
            json.key("results");
            json.begin_list();
            json.end_list();
        })
    }
}

impl Refusal {
    /// Answers with the error alone: only the transactional API has results beside it.
    pub(super) fn without_results(self) -> Response {
        self.written(|_| {})
    }

    fn written(self, write_first: impl FnOnce(&mut Json)) -> Response {
        let mut json = Json::default();
        json.begin_object();
        write_first(&mut json);
        write_errors(&mut json, Some(&self.failure));
        json.end_object();
        let mut response = (self.status, json.take()).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        add_retry_after(&mut response, &self.failure);
        if matches!(self.failure.code(), Code::Unauthorized | Code::TokenExpired | Code::AuthorizationExpired) {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Neo4j\""));
        }
        response
    }
}

/// Writes the list of errors: empty, or the one that ended everything.
pub(super) fn write_errors(json: &mut Json, failure: Option<&Failure>) {
    json.key("errors");
    json.begin_list();
    if let Some(failure) = failure {
        json.begin_object();
        json.key("code");
        json.string(failure.code().row().neo4j);
        json.key("message");
        json.string(failure.message());
        write_refusal(json, failure);
        json.end_object();
    }
    json.end_list();
}

/// Writes which limit was in the way, as fields of their own: the same that the text says.
fn write_refusal(json: &mut Json, failure: &Failure) {
    let mut number = |key: &str, value: u64| {
        json.key(key);
        json.integer(i64::try_from(value).unwrap_or(i64::MAX));
    };
    if let Some(refusal) = failure.refusal() {
        number("value", refusal.max);
        number("use", refusal.used);
        refusal.wanted.into_iter().for_each(|wanted| number("wanted", wanted));
        json.key("limit");
        json.string(refusal.limit);
        json.key("database");
        json.string(&refusal.database);
        json.key("source");
        json.string(refusal.set_by.word());
        if let Some(role) = refusal.set_by.role() {
            json.key("role");
            json.string(role);
        }
    }
    if let Some(time) = failure.retry_after() {
        json.key("retry_after");
        json.float(time.as_secs_f64());
    }
}

/// The type of most answers.
pub(super) const JSON: &str = "application/json";

/// The client has gone; nobody reads the rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone;

/// Where a worker puts the answer as it makes it.
pub(super) struct Sink {
    pub(super) json: Json,
    parts: mpsc::Sender<Part>,
    sent: bool,
    charged: Arc<Mutex<Charged>>,
    /// Set where the answer ends in the midst of a value.
    is_cut: Arc<AtomicBool>,
}

enum Part {
    More(Bytes),
    Last(Bytes),
    Refused(Failure),
    RefusedWithResults(Failure),
}

impl Sink {
    /// Tells what a statement was counted in, for the headers; of several statements the tightest is told.
    pub(super) fn charge(&self, charged: Charged) {
        let mut told = self.charged.lock();
        *told = told.tighter(charged);
    }

    /// Sends what is ready if that is worth it; waits for a slow client.
    ///
    /// What is much more than a part waits here, with its statement, and is given up where that was ended meanwhile: the
    /// client then finds the answer cut off.
    pub(super) fn flush_if_full(&mut self, records: &dyn Records) -> Result<(), Gone> {
        let ready = self.json.len();
        if ready < PART_BYTES {
            return Ok(());
        }
        self.sent = true;
        let ready_bytes = Bytes::from(self.json.take());
        if ready <= PARTS_MAX * PART_BYTES {
            return self.parts.blocking_send(Part::More(ready_bytes)).map_err(|_| Gone);
        }
        // Copies: a piece that waits for the client must not keep the whole.
        ready_bytes.chunks(PART_BYTES).try_for_each(|piece| self.send_piece(Bytes::copy_from_slice(piece), records))
    }

    fn send_piece(&self, piece: Bytes, records: &dyn Records) -> Result<(), Gone> {
        let mut part = Part::More(piece);
        loop {
            part = match self.parts.try_send(part) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Closed(_)) => return Err(Gone),
                Err(TrySendError::Full(part)) => part,
            };
            // This thread is one for work that blocks.
            let waited =
                Handle::current().block_on(async { timeout(LOOK_EVERY, self.parts.reserve()).await.map(drop) });
            if waited.is_err() && records.is_ended() {
                self.is_cut.store(true, Ordering::Release);
                return Err(Gone);
            }
        }
    }

    /// Tells whether a part has gone out, and with it the status.
    pub(super) fn has_sent(&self) -> bool {
        self.sent
    }

    /// Answers with a failure's own status, instead of anything written. Only before the first part has gone out.
    pub(super) fn refuse(self, failure: Failure) -> End {
        debug_assert!(!self.sent, "the status is out already");
        End { parts: self.parts, part: Part::Refused(failure) }
    }

    /// As [`Sink::refuse`], with the empty results of the transactional API.
    pub(super) fn refuse_with_results(self, failure: Failure) -> End {
        debug_assert!(!self.sent, "the status is out already");
        End { parts: self.parts, part: Part::RefusedWithResults(failure) }
    }

    /// Makes the rest ready to be sent.
    pub(super) fn finish(mut self) -> End {
        End { part: Part::Last(self.json.take().into()), parts: self.parts }
    }
}

/// The end of an answer, held back until the transaction is where the client will look for it.
#[must_use]
pub(super) struct End {
    parts: mpsc::Sender<Part>,
    part: Part,
}

impl End {
    /// Tells whether somebody still waits for it.
    pub(super) fn is_awaited(&self) -> bool {
        !self.parts.is_closed()
    }

    /// Sends it. The client may ask for the next thing at once.
    pub(super) fn send(self) {
        // Nobody is left to tell if this fails.
        let _ = self.parts.blocking_send(self.part);
    }
}

/// The reading end of a [`Sink`]. Dropping it early interrupts the statement.
pub(super) struct Answer {
    parts: mpsc::Receiver<Part>,
    ready: Option<Bytes>,
    interrupter: Option<Interrupter>,
    charged: Arc<Mutex<Charged>>,
    is_cut: Arc<AtomicBool>,
}

/// Makes the two ends of an answer.
pub(super) fn channel(interrupter: Interrupter) -> (Sink, Answer) {
    let (sender, parts) = mpsc::channel(PARTS_MAX);
    let charged: Arc<Mutex<Charged>> = Arc::default();
    let is_cut: Arc<AtomicBool> = Arc::default();
    (
        Sink {
            json: Json::default(),
            parts: sender,
            sent: false,
            charged: Arc::clone(&charged),
            is_cut: Arc::clone(&is_cut),
        },
        Answer { parts, ready: None, interrupter: Some(interrupter), charged, is_cut },
    )
}

impl Answer {
    /// Waits for the first part, and has the response carry what the statements were counted in until then.
    pub(super) async fn into_response(self, status: StatusCode, media_type: &'static str) -> Response {
        let charged = Arc::clone(&self.charged);
        let mut response = self.begun(status, media_type).await;
        response.extensions_mut().insert(*charged.lock());
        response
    }

    /// A short answer is whole with its first part, and gets its length.
    async fn begun(mut self, status: StatusCode, media_type: &'static str) -> Response {
        let body = match self.parts.recv().await {
            Some(Part::Last(bytes)) => {
                self.interrupter = None;
                Body::from(bytes)
            }
            Some(Part::More(bytes)) => {
                self.ready = Some(bytes);
                Body::new(self)
            }
            Some(Part::RefusedWithResults(failure)) => {
                self.interrupter = None;
                return Refusal::from(failure).into_response();
            }
            Some(Part::Refused(failure)) => {
                self.interrupter = None;
                // Only the Query API's status waits for the statement.
                return Refusal::from(failure).without_results();
            }
            None => {
                self.interrupter = None;
                return Refusal::from(Failure::new(Code::Internal, "the statement ended without an answer"))
                    .into_response();
            }
        };
        let mut response = (status, body).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        response
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(bytes) = self.ready.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        self.parts.poll_recv(context).map(|part| match part {
            Some(Part::More(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Part::Last(bytes)) => {
                self.interrupter = None;
                (!bytes.is_empty()).then(|| Ok(Frame::data(bytes)))
            }
            None if self.is_cut.load(Ordering::Acquire) => Some(Err(io::ErrorKind::TimedOut.into())),
            Some(Part::Refused(_) | Part::RefusedWithResults(_)) | None => None,
        })
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(interrupter) = self.interrupter.take() {
            interrupter();
        }
    }
}
