//! What a client asks: one message each, as typed structures.
//! Says nothing about when a message is allowed; `server` keeps the states.
//! Start reading at [`Request::parse`].

mod parse;
mod write;

pub use parse::{is_reset, weigh};

use std::fmt;
use std::time::Duration;

use types::{Code, Map};

use crate::packstream::UnpackError;

/// The byte that names a request.
mod signature {
    pub const HELLO: u8 = 0x01;
    pub const GOODBYE: u8 = 0x02;
    pub const RESET: u8 = 0x0F;
    pub const RUN: u8 = 0x10;
    pub const BEGIN: u8 = 0x11;
    pub const COMMIT: u8 = 0x12;
    pub const ROLLBACK: u8 = 0x13;
    pub const DISCARD: u8 = 0x2F;
    pub const PULL: u8 = 0x3F;
    pub const TELEMETRY: u8 = 0x54;
    pub const ROUTE: u8 = 0x66;
    pub const LOGON: u8 = 0x6A;
    pub const LOGOFF: u8 = 0x6B;
}

/// One message from a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Opens the conversation; carries the credentials before 5.1.
    Hello(Hello),
    /// Brings credentials (5.1+).
    Logon(AuthToken),
    /// Gives up the identity, keeps the connection (5.1+).
    Logoff,
    /// Tells which driver interface was used (5.4+).
    Telemetry {
        /// 0 managed, 1 explicit, 2 implicit, 3 `execute_query`.
        api: i64,
    },
    /// Ends the conversation; nothing is answered.
    Goodbye,
    /// Interrupts what runs and clears a failure.
    Reset,
    /// Starts a statement.
    Run(Run),
    /// Opens a transaction.
    Begin(Options),
    /// Asks for records.
    Pull(Demand),
    /// Passes over records.
    Discard(Demand),
    /// Ends the transaction and keeps its changes.
    Commit,
    /// Ends the transaction and drops its changes.
    Rollback,
    /// Asks where a database is served.
    Route(Route),
}

/// What HELLO says of the client.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hello {
    /// The client's product and version.
    pub user_agent: Option<String>,
    /// The address that the client used and its URI parameters; `None` for a direct connection.
    pub routing: Option<Map>,
    /// The driver's own identity (5.3+).
    pub bolt_agent: Option<Map>,
    /// Credentials; only before 5.1.
    pub auth: Option<AuthToken>,
    /// Changes to the protocol that the client asks for: `utc`.
    pub patches: Vec<String>,
    /// Which notifications the client wants.
    pub filter: Filter,
}

/// Who the client says it is. Printing it never shows the password.
#[derive(Clone, Default, PartialEq)]
pub struct AuthToken {
    /// `none`, `basic`, `bearer`, ...
    pub scheme: String,
    /// The user's name.
    pub principal: Option<String>,
    /// The password or token.
    pub credentials: Option<String>,
    /// The authority that knows the user.
    pub realm: Option<String>,
}

impl fmt::Debug for AuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthToken")
            .field("scheme", &self.scheme)
            .field("principal", &self.principal)
            .field("credentials", &self.credentials.as_ref().map(|_| "******"))
            .field("realm", &self.realm)
            .finish()
    }
}

impl AuthToken {
    /// Makes the token of a user with a password.
    pub fn basic(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            scheme: "basic".to_owned(),
            principal: Some(user.into()),
            credentials: Some(password.into()),
            realm: None,
        }
    }

    /// Makes the token of nobody, for servers that ask for none.
    #[must_use]
    pub fn none() -> Self {
        Self { scheme: "none".to_owned(), ..Self::default() }
    }
}

/// A statement with its parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// The statement's text.
    pub text: String,
    /// Its `$parameters`.
    pub parameters: Map,
    /// How to run it; empty inside an explicit transaction.
    pub options: Options,
}

/// Whether a transaction may write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Reads only; a write fails.
    Read,
    /// Reads and writes.
    #[default]
    Write,
}

/// How a transaction is to run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// The database by name; `None` for the user's home database.
    pub database: Option<String>,
    /// The user on whose behalf to run.
    pub impersonated_user: Option<String>,
    /// Whether it may write.
    pub mode: Mode,
    /// Commits that it must see.
    pub bookmarks: Vec<String>,
    /// How long it may take; zero asks for no bound.
    pub timeout: Option<Duration>,
    /// What the client wants listed with the transaction.
    pub metadata: Map,
    /// Which notifications the client wants; `None` parts keep what HELLO said.
    pub filter: Filter,
}

/// Which notifications a client wants (5.2+).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// `OFF`, `WARNING` or `INFORMATION`.
    pub minimum_severity: Option<String>,
    /// Categories that are not wanted.
    pub disabled_categories: Option<Vec<String>>,
}

/// How many records of which result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// At most so many; `None` for all.
    pub rows: Option<u64>,
    /// The result by its `qid`; `None` for the last one.
    pub result: Option<u64>,
}

/// A question for a database's servers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Route {
    /// The address that the client used and its URI parameters.
    pub routing: Map,
    /// Commits that the servers must know.
    pub bookmarks: Vec<String>,
    /// The database by name; `None` for the user's home database.
    pub database: Option<String>,
    /// The user on whose behalf the client asks.
    pub impersonated_user: Option<String>,
}

/// Why bytes are no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The values inside are broken or cannot be taken; ask [`Self::is_malformed`] which.
    #[error("{0}")]
    Unpack(#[from] UnpackError),
    /// The protocol version has no such message.
    #[error("message 0x{0:02X} is not known in this protocol version")]
    Unknown(u8),
    /// A message with too many or too few fields.
    #[error("message 0x{signature:02X} cannot have {fields} fields")]
    Fields {
        /// The message.
        signature: u8,
        /// How many fields it has.
        fields: u8,
    },
    /// A setting of a message that cannot be.
    #[error("'{key}' must be {expected}")]
    Setting {
        /// Its name.
        key: &'static str,
        /// What it may be.
        expected: &'static str,
    },
}

impl RequestError {
    /// Gives the code that the client is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unpack(error) => error.code(),
            Self::Unknown(_) | Self::Fields { .. } | Self::Setting { .. } => Code::RequestInvalid,
        }
    }

    /// Tells whether the connection has to be closed; otherwise only this request fails.
    #[must_use]
    pub fn is_malformed(&self) -> bool {
        match self {
            Self::Unpack(error) => error.is_malformed(),
            Self::Unknown(_) | Self::Fields { .. } | Self::Setting { .. } => true,
        }
    }
}

impl Request {
    /// Names the message as errors and logs do.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "HELLO",
            Self::Logon(_) => "LOGON",
            Self::Logoff => "LOGOFF",
            Self::Telemetry { .. } => "TELEMETRY",
            Self::Goodbye => "GOODBYE",
            Self::Reset => "RESET",
            Self::Run(_) => "RUN",
            Self::Begin(_) => "BEGIN",
            Self::Pull(_) => "PULL",
            Self::Discard(_) => "DISCARD",
            Self::Commit => "COMMIT",
            Self::Rollback => "ROLLBACK",
            Self::Route(_) => "ROUTE",
        }
    }
}
