//! A small blocking Bolt client: for our own shell, load driver and tests.
//! Knows one server and one connection; no pool, no retries, no routing.
//! Start reading at [`Client::connect`] and [`Client::run`].

mod connection;
mod error;

use std::net::ToSocketAddrs;
use std::time::Duration;

use types::{Map, Value};

pub use connection::{Connection, Interrupter};
pub use error::ClientError;

use crate::request::{AuthToken, Demand, Hello, Options, Request, Route, Run};
use crate::response::Response;
use crate::version::Version;

/// How to connect.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// Who we are.
    pub auth: AuthToken,
    /// The name that the server sees.
    pub user_agent: String,
    /// Versions to offer, at most four, the best first.
    pub versions: Vec<Version>,
    /// How long to wait for the connection; a statement may take as long as it likes.
    pub connect_time_max: Duration,
    /// Whether to ask a 4.4 server for date-times in UTC.
    pub utc_patch: bool,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            auth: AuthToken::none(),
            user_agent: concat!("sheaf/", env!("CARGO_PKG_VERSION")).to_owned(),
            versions: vec![Version::V5_4, Version::V5_2, Version::V5_0, Version::V4_4],
            connect_time_max: Duration::from_secs(10),
            utc_patch: true,
        }
    }
}

/// A connection that is logged in and ready for statements.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    server: Map,
    /// Whether the server waits for a RESET after a failure.
    failed: bool,
    /// The latest bookmark, which the next transaction comes with: so the server knows the conversation again.
    bookmark: Option<String>,
}

/// A whole result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The columns' names.
    pub columns: Vec<String>,
    /// The records, a value for each column.
    pub rows: Vec<Vec<Value>>,
    /// What the server says at the end: `type`, `stats`, `plan`, `bookmark`, ...
    pub summary: Map,
}

impl Client {
    /// Connects, agrees on a version and logs in.
    pub fn connect(address: impl ToSocketAddrs, options: &ConnectOptions) -> Result<Self, ClientError> {
        let mut connection = Connection::open(address, &options.versions, options.connect_time_max)?;
        let server = log_in(&mut connection, options)?;
        Ok(Self { connection, server, failed: false, bookmark: None })
    }

    /// Gives what the server said of itself: `server`, `connection_id`, `hints`.
    #[must_use]
    pub fn server(&self) -> &Map {
        &self.server
    }

    /// Gives the version that was agreed on.
    #[must_use]
    pub fn version(&self) -> Version {
        self.connection.dialect().version
    }

    /// Gives the messages below, for pipelines and for tests of the protocol.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Gives a handle that interrupts the running statement from another thread.
    pub fn interrupter(&self) -> Result<Interrupter, ClientError> {
        self.connection.interrupter()
    }

    /// Runs a statement and fetches all of its records.
    ///
    /// After a failure the connection is reset, and an open transaction is gone.
    pub fn run(&mut self, text: &str, parameters: Map) -> Result<Answer, ClientError> {
        self.run_with(text, parameters, Options::default())
    }

    /// As [`Self::run`], in a database, with a timeout and so on.
    pub fn run_with(&mut self, text: &str, parameters: Map, options: Options) -> Result<Answer, ClientError> {
        let mut answer = Answer::default();
        let rows = &mut answer.rows;
        let (columns, summary) = self.stream(text, parameters, options, |row| rows.push(row))?;
        answer.columns = columns;
        answer.summary = summary;
        Ok(answer)
    }

    /// Runs a statement and hands each record to `each` as it comes; gives the columns and the summary.
    pub fn stream(
        &mut self,
        text: &str,
        parameters: Map,
        options: Options,
        mut each: impl FnMut(Vec<Value>),
    ) -> Result<(Vec<String>, Map), ClientError> {
        self.stream_named(text, parameters, options, |_, row| each(row))
    }

    /// As [`Self::stream`], with the columns' names beside each record.
    pub fn stream_named(
        &mut self,
        text: &str,
        parameters: Map,
        mut options: Options,
        mut each: impl FnMut(&[String], Vec<Value>),
    ) -> Result<(Vec<String>, Map), ClientError> {
        self.recover()?;
        self.go_on(&mut options);
        self.connection.send(&Request::Run(Run { text: text.to_owned(), parameters, options }))?;
        self.connection.send(&Request::Pull(Demand::default()))?;
        self.connection.flush()?;
        let head = self.expect_success();
        let head = match head {
            Ok(head) => head,
            Err(error) => {
                // The answer to PULL is on its way too: IGNORED.
                if self.failed {
                    self.connection.receive()?;
                }
                return Err(error);
            }
        };
        let columns = columns_of(&head);
        loop {
            match self.connection.receive()? {
                Response::Record(row) => each(&columns, row),
                other => {
                    let summary = self.success_of(other)?;
                    self.note_bookmark(&summary);
                    return Ok((columns, summary));
                }
            }
        }
    }

    /// Opens a transaction; statements run in it until it ends.
    pub fn begin(&mut self, mut options: Options) -> Result<(), ClientError> {
        self.go_on(&mut options);
        self.ask(&Request::Begin(options)).map(|_| ())
    }

    /// Commits the open transaction and gives its bookmark.
    pub fn commit(&mut self) -> Result<Option<String>, ClientError> {
        let summary = self.ask(&Request::Commit)?;
        self.note_bookmark(&summary);
        Ok(match summary.get("bookmark") {
            Some(Value::String(bookmark)) => Some(bookmark.to_string()),
            _ => None,
        })
    }

    /// Rolls the open transaction back.
    pub fn rollback(&mut self) -> Result<(), ClientError> {
        self.ask(&Request::Rollback).map(|_| ())
    }

    /// Clears a failure and ends an open transaction.
    pub fn reset(&mut self) -> Result<(), ClientError> {
        self.failed = true;
        self.recover()
    }

    /// Asks for the routing table of a database.
    pub fn route(&mut self, database: Option<String>) -> Result<Map, ClientError> {
        self.ask(&Request::Route(Route { database, ..Route::default() }))
    }

    /// Says goodbye and closes.
    pub fn close(mut self) -> Result<(), ClientError> {
        self.connection.send(&Request::Goodbye)?;
        self.connection.flush()
    }

    /// Comes with the latest bookmark, as drivers do within one session.
    fn go_on(&self, options: &mut Options) {
        if options.bookmarks.is_empty() {
            options.bookmarks.extend(self.bookmark.clone());
        }
    }

    fn note_bookmark(&mut self, summary: &Map) {
        if let Some(Value::String(bookmark)) = summary.get("bookmark") {
            self.bookmark = Some(bookmark.to_string());
        }
    }

    fn ask(&mut self, request: &Request) -> Result<Map, ClientError> {
        self.recover()?;
        self.connection.send(request)?;
        self.connection.flush()?;
        self.expect_success()
    }

    fn expect_success(&mut self) -> Result<Map, ClientError> {
        let response = self.connection.receive()?;
        self.success_of(response)
    }

    fn success_of(&mut self, response: Response) -> Result<Map, ClientError> {
        match response {
            Response::Success(map) => Ok(map),
            Response::Failure { code, message, .. } => {
                self.failed = true;
                Err(ClientError::Failed { code, message })
            }
            Response::Ignored => {
                self.failed = true;
                Err(ClientError::Ignored)
            }
            Response::Record(_) => Err(ClientError::Unexpected { got: "RECORD" }),
        }
    }

    /// Sends RESET after a failure, or after an [`Interrupter`] did, and reads until it is answered.
    fn recover(&mut self) -> Result<(), ClientError> {
        let mut resets = self.connection.take_interrupts();
        if self.failed {
            self.connection.send(&Request::Reset)?;
            self.connection.flush()?;
            resets += 1;
        }
        while resets > 0 {
            match self.connection.receive()? {
                Response::Success(_) => resets -= 1,
                Response::Ignored | Response::Record(_) => {}
                Response::Failure { code, message, .. } => return Err(ClientError::Failed { code, message }),
            }
        }
        self.failed = false;
        Ok(())
    }
}

fn columns_of(head: &Map) -> Vec<String> {
    match head.get("fields") {
        Some(Value::List(fields)) => fields
            .iter()
            .filter_map(|field| if let Value::String(name) = field { Some(name.to_string()) } else { None })
            .collect(),
        _ => Vec::new(),
    }
}

fn log_in(connection: &mut Connection, options: &ConnectOptions) -> Result<Map, ClientError> {
    let dialect = connection.dialect();
    let mut agent = Map::new();
    agent.insert("product".into(), Value::string(options.user_agent.as_str()));
    let mut hello = Hello {
        user_agent: Some(options.user_agent.clone()),
        bolt_agent: (dialect.version >= Version::V5_3).then_some(agent),
        ..Hello::default()
    };
    if dialect.has_logon() {
        connection.send(&Request::Hello(hello))?;
        connection.send(&Request::Logon(options.auth.clone()))?;
    } else {
        hello.auth = Some(options.auth.clone());
        if dialect.version == Version::V4_4 && options.utc_patch {
            hello.patches = vec!["utc".to_owned()];
        }
        connection.send(&Request::Hello(hello))?;
    }
    connection.flush()?;
    let server = success(connection.receive()?)?;
    if let Some(Value::List(patches)) = server.get("patch_bolt") {
        let agreed = patches.iter().any(|patch| matches!(patch, Value::String(name) if name == "utc"));
        connection.set_utc_patch(agreed);
    }
    if dialect.has_logon() {
        success(connection.receive()?)?;
    }
    Ok(server)
}

fn success(response: Response) -> Result<Map, ClientError> {
    match response {
        Response::Success(map) => Ok(map),
        Response::Failure { code, message, .. } => Err(ClientError::Failed { code, message }),
        Response::Ignored => Err(ClientError::Ignored),
        Response::Record(_) => Err(ClientError::Unexpected { got: "RECORD" }),
    }
}
