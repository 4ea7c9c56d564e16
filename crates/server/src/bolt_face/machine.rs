//! The conversation's state: which request may come now, and what it does.
//! Opens no socket; bytes go to the outbox and statements to the session.
//! Start reading at [`Machine::handle`].

use std::net::SocketAddr;
use std::sync::Arc;

use crate::sessions::{Lent, Session, Sessions, UNWEIGHED_MAX_BYTES, buffer_bytes};
use bolt::{Dialect, Filter, FrameError, Options, Outbox, PackError, Request, RequestError};
use types::{Code, Failure};

use super::logins::{LoggedIn, Logins};
use super::results::Results;
use super::summary;
use super::wire::Wire;
use crate::config::ServerConfig;
use crate::room::Seat;

/// Why a message was not read.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is none, or says what cannot be.
    Wrong(RequestError),
    /// There is no memory for it.
    Refused(Failure),
}

impl From<RequestError> for Unread {
    fn from(error: RequestError) -> Self {
        Self::Wrong(error)
    }
}

impl From<Failure> for Unread {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

/// Our end of the socket, and the connection's number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) local: SocketAddr,
    /// Where the client is.
    pub(super) peer: SocketAddr,
    pub(super) number: u64,
    /// When it was made, in nanoseconds since 1970.
    pub(super) since_nanos: i128,
}

/// The connection's place among all, and where it is counted once it is somebody's.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) seat: Arc<Seat>,
    pub(super) logins: Arc<Logins>,
}

/// How far the login has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// HELLO is awaited.
    Hello,
    /// LOGON is awaited (5.1+).
    Logon,
    /// The client is somebody.
    Done,
}

/// What a client may ask next, and the session in which it is answered.
pub(super) struct Machine {
    pub(super) sessions: Arc<dyn Sessions>,
    pub(super) config: Arc<ServerConfig>,
    pub(super) wire: Arc<Wire>,
    pub(super) place: Place,
    pub(super) outbox: Outbox,
    pub(super) dialect: Dialect,
    pub(super) login: Login,
    /// What the client calls itself.
    pub(super) agent: String,
    pub(super) session: Option<Box<dyn Session>>,
    pub(super) door: Door,
    /// Counts the client among those who are somebody.
    pub(super) logged_in: Option<LoggedIn>,
    /// Whether BEGIN was answered and neither COMMIT nor ROLLBACK.
    pub(super) in_transaction: bool,
    pub(super) results: Results,
    /// For what is here of a long message whose end is not, and how much that may be.
    incoming: Option<(usize, Lent)>,
    /// Which notifications the client wants to hear, and in the open transaction.
    pub(super) wanted: Filter,
    pub(super) wanted_in_transaction: Filter,
    /// Whether requests are passed over until RESET.
    failed: bool,
    closing: bool,
}

impl Machine {
    /// Begins a conversation: HELLO is awaited.
    pub(super) fn new(
        sessions: Arc<dyn Sessions>,
        config: Arc<ServerConfig>,
        wire: Arc<Wire>,
        dialect: Dialect,
        place: Place,
        door: Door,
    ) -> Self {
        Self {
            sessions,
            config,
            wire,
            place,
            outbox: Outbox::new(dialect),
            dialect,
            login: Login::Hello,
            agent: String::new(),
            session: None,
            door,
            logged_in: None,
            in_transaction: false,
            results: Results::default(),
            incoming: None,
            wanted: Filter::default(),
            wanted_in_transaction: Filter::default(),
            failed: false,
            closing: false,
        }
    }

    /// Gives the answers that wait to be sent.
    pub(super) fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Tells whether the client is somebody.
    pub(super) fn is_logged_in(&self) -> bool {
        self.login == Login::Done
    }

    /// Tells whether the connection is to be closed once the outbox is sent.
    pub(super) fn is_closing(&self) -> bool {
        self.closing
    }

    /// Tells whether nothing is lost by closing now.
    pub(super) fn is_at_rest(&self) -> bool {
        !self.in_transaction && self.results.is_empty()
    }

    /// Tells the session that nothing is left to do before the client says more.
    pub(super) fn awaits(&mut self) {
        let is_at_rest = self.is_at_rest();
        if let Some(session) = self.session.as_deref_mut().filter(|_| is_at_rest) {
            session.rests();
        }
    }

    /// Reads a message, with memory lent for what is in it until that is answered.
    pub(super) fn read(&self, message: &[u8]) -> Result<(Request, Option<Lent>), Unread> {
        // Nobody who is not logged in sends more than this.
        let large = self.session.as_deref().filter(|_| message.len() > UNWEIGHED_MAX_BYTES);
        let weight = large.map(|_| bolt::request::weigh(message, self.dialect)).transpose()?;
        let lent = large.zip(weight).map(|(session, bytes)| session.lend(bytes)).transpose()?;
        Ok((Request::parse(message, self.dialect)?, lent))
    }

    /// Hears how many bytes are here of a message whose end is not: memory is lent for them, or the connection ends.
    pub(super) fn receives(&mut self, bytes: usize) {
        if bytes <= UNWEIGHED_MAX_BYTES {
            self.incoming = None;
            return;
        }
        let room_bytes = buffer_bytes(bytes);
        let Some(session) = self.session.as_deref() else { return };
        if self.incoming.as_ref().is_some_and(|(lent_bytes, _)| *lent_bytes >= room_bytes) {
            return;
        }
        self.incoming = None;
        match session.lend(room_bytes) {
            Ok(lent) => self.incoming = Some((room_bytes, lent)),
            Err(failure) => self.fail_and_close(&failure),
        }
    }

    /// Tells whether the end of a long message is awaited.
    pub(super) fn is_receiving(&self) -> bool {
        self.incoming.is_some()
    }

    /// Answers one request.
    pub(super) fn handle(&mut self, request: Request) {
        match request {
            Request::Goodbye => self.closing = true,
            // What it failed with was told; a driver would keep the connection for others otherwise.
            Request::Reset if self.session.as_deref().is_some_and(Session::is_ended) => self.closing = true,
            Request::Reset if self.is_logged_in() => self.reset(),
            _ if self.passes_over() => self.outbox.ignored(),
            request => match self.login {
                Login::Hello => self.handle_hello(request),
                Login::Logon => self.handle_logon(request),
                Login::Done => self.handle_ready(request),
            },
        }
    }

    /// After a failure, and ahead of a RESET that was seen already, requests are passed over.
    fn passes_over(&self) -> bool {
        self.is_logged_in() && (self.failed || self.wire.is_reset_ahead())
    }

    fn handle_ready(&mut self, request: Request) {
        let streaming = !self.results.is_empty();
        let answered = match request {
            Request::Run(run) if self.in_transaction || !streaming => self.run(run),
            Request::Pull(demand) if streaming => self.pull(demand),
            Request::Discard(demand) if streaming => self.discard(demand),
            Request::Begin(options) if !self.in_transaction && !streaming => self.begin(&options),
            Request::Commit if self.in_transaction && !streaming => self.commit(),
            Request::Rollback if self.in_transaction => self.rollback(),
            Request::Route(route) if !self.in_transaction && !streaming => self.route(&route),
            Request::Telemetry { .. } if !self.in_transaction && !streaming => {
                self.outbox.done();
                Ok(())
            }
            Request::Logoff if !self.in_transaction && !streaming => {
                self.log_off();
                Ok(())
            }
            other => return self.refuse_state(&other),
        };
        if let Err(failure) = answered {
            self.fail(&failure);
        }
    }

    fn begin(&mut self, options: &Options) -> Result<(), Failure> {
        self.wanted_in_transaction = options.filter.clone();
        let options = self.run_options(options);
        self.session_mut().begin(&options)?;
        self.in_transaction = true;
        self.results.restart();
        self.outbox.done();
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Failure> {
        // Whatever comes of it, the transaction is over.
        self.in_transaction = false;
        let bookmark = self.session_mut().commit()?;
        let written = self.outbox.success(|map| match &bookmark {
            Some(bookmark) => map.string("bookmark", bookmark),
            None => Ok(()),
        });
        written.map_err(pack_failure)
    }

    fn rollback(&mut self) -> Result<(), Failure> {
        self.in_transaction = false;
        self.results.clear();
        self.session_mut().rollback()?;
        self.outbox.done();
        Ok(())
    }

    /// Ends what is open and clears a failure.
    fn reset(&mut self) {
        self.end_work();
        self.wire.reset_reached();
        self.session_mut().reset();
        self.failed = false;
        self.outbox.done();
    }

    /// Gives up results and the transaction.
    fn end_work(&mut self) {
        self.results.clear();
        if std::mem::take(&mut self.in_transaction) {
            // The client hears of a failure or of its reset; that the rollback had nothing left to do is no news.
            let _ = self.session_mut().rollback();
        }
    }

    /// Tells of a failure. What follows is passed over until RESET.
    pub(super) fn fail(&mut self, failure: &Failure) {
        self.tell(failure);
        self.failed = true;
        self.end_work();
    }

    /// Tells of a failure and closes: nothing goes on after a failed login or a broken message.
    pub(super) fn fail_and_close(&mut self, failure: &Failure) {
        self.tell(failure);
        self.closing = true;
    }

    /// Writes a failure down, and which limit was in the way beside its text.
    fn tell(&mut self, failure: &Failure) {
        let code = failure.code().row().neo4j;
        let written = self.outbox.failure_with(code, failure.message(), |map| match failure.refusal() {
            Some(refusal) => map.nested("diagnostic_record", |map| summary::write_refusal(map, refusal)),
            None => Ok(()),
        });
        written.expect("codes and messages are shorter than 4 GiB");
    }

    /// Answers a message that is no request.
    pub(super) fn refuse_request(&mut self, unread: &Unread) {
        let (failure, is_malformed) = match unread {
            Unread::Wrong(error) => (Failure::new(error.code(), error.to_string()), error.is_malformed()),
            Unread::Refused(failure) => (failure.clone(), false),
        };
        if is_malformed || !self.is_logged_in() {
            self.fail_and_close(&failure);
        } else if self.passes_over() {
            self.outbox.ignored();
        } else {
            self.fail(&failure);
        }
    }

    /// Answers bytes that cannot become a message.
    pub(super) fn refuse_frame(&mut self, error: &FrameError) {
        self.fail_and_close(&Failure::new(error.code(), error.to_string()));
    }

    /// Answers a request that may not come now.
    pub(super) fn refuse_state(&mut self, request: &Request) {
        let state = match (self.login, self.in_transaction, self.results.is_empty()) {
            (Login::Hello, ..) => "NEGOTIATION",
            (Login::Logon, ..) => "AUTHENTICATION",
            (Login::Done, false, true) => "READY",
            (Login::Done, false, false) => "STREAMING",
            (Login::Done, true, true) => "TX_READY",
            (Login::Done, true, false) => "TX_STREAMING",
        };
        let message =
            format!("Message of type {} cannot be handled by a session in the {state} state.", request.name());
        self.fail_and_close(&Failure::new(Code::RequestInvalid, message));
    }

    pub(super) fn session_mut(&mut self) -> &mut dyn Session {
        self.session.as_deref_mut().expect("a login makes the session, and nothing but a login comes before it")
    }
}

/// Tells of a value that the protocol cannot carry.
pub(super) fn pack_failure(error: PackError) -> Failure {
    Failure::new(error.code(), error.to_string())
}
