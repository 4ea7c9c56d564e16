//! The one table of errors that a client can see.
//! Each crate's error enum maps to a [`Code`]; faces read the code's row and add nothing.
//! Start reading at [`Code::row`].

use std::fmt;
use std::time::Duration;

use crate::Refusal;

/// One row of the table: how a failure looks on each face.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Neo4j status code, which drivers map to exception classes.
    pub neo4j: &'static str,
    /// Five characters of GQLSTATUS (ISO/IEC 39075, section 23).
    pub gql: &'static str,
    /// HTTP status of the query APIs.
    pub http: u16,
    /// Whether the same statement may succeed when sent again.
    pub retry: bool,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $neo4j:literal, $gql:literal, $http:literal, $retry:literal;)*) => {
        /// What went wrong, as the client is told.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, in the table's order.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// Gives the code's row of the table.
            #[must_use]
            pub fn row(self) -> Row {
                match self {
                    $(Self::$name => Row { neo4j: concat!("Neo.", $neo4j), gql: $gql, http: $http, retry: $retry },)*
                }
            }
        }
    };
}

codes! {
    /// The text is no Cypher.
    SyntaxError = "ClientError.Statement.SyntaxError", "42001", 400, false;
    /// A statement that commits batches was sent in an explicit transaction.
    ImplicitTransactionRequired = "DatabaseError.Transaction.TransactionStartFailed", "25N17", 400, false;
    /// The text is Cypher but cannot mean anything.
    SemanticError = "ClientError.Statement.SemanticError", "42001", 400, false;
    /// `TERMINATE ... WHERE` without `YIELD`.
    YieldMissing = "ClientError.Statement.SyntaxError", "42N84", 400, false;
    /// `TERMINATE TRANSACTIONS` without an id.
    TransactionIdMissing = "ClientError.Statement.SemanticError", "22N06", 400, false;
    /// An id of a transaction or a connection that cannot be one.
    InvalidArguments = "ClientError.General.InvalidArguments", "50N42", 400, false;
    /// A `$parameter` has no value.
    ParameterMissing = "ClientError.Statement.ParameterMissing", "42N51", 400, false;
    /// A value of the wrong type.
    TypeError = "ClientError.Statement.TypeError", "22G03", 400, false;
    /// A value that a function or clause cannot take.
    ArgumentError = "ClientError.Statement.ArgumentError", "22N11", 400, false;
    /// A name of a label, relationship type or property key that cannot be one.
    TokenNameInvalid = "ClientError.Schema.TokenNameError", "22N11", 400, false;
    /// Division by zero, or an integer that does not fit.
    ArithmeticError = "ClientError.Statement.ArithmeticError", "22012", 400, false;
    /// A node or relationship that was deleted.
    EntityNotFound = "ClientError.Statement.EntityNotFound", "25N13", 400, false;
    /// A constraint, or a node that still has relationships.
    ConstraintValidationFailed = "ClientError.Schema.ConstraintValidationFailed", "G1001", 400, false;
    /// An index by that name is there already.
    IndexExists = "ClientError.Schema.IndexWithNameAlreadyExists", "22N71", 400, false;
    /// An index on those properties is there already.
    EquivalentIndexExists = "ClientError.Schema.EquivalentSchemaRuleAlreadyExists", "22N70", 400, false;
    /// No index by that name.
    IndexNotFound = "ClientError.Schema.IndexNotFound", "42N51", 400, false;
    /// A constraint by that name is there already.
    ConstraintNameExists = "ClientError.Schema.ConstraintWithNameAlreadyExists", "22N67", 400, false;
    /// A constraint on those properties is there already, and asks for something else.
    ConstraintExists = "ClientError.Schema.ConstraintAlreadyExists", "22N66", 400, false;
    /// An index on those properties stands in the way of a constraint.
    IndexOnSchemaExists = "ClientError.Schema.IndexAlreadyExists", "22N73", 400, false;
    /// Data that is there does not keep a new constraint.
    ConstraintCreationFailed = "DatabaseError.Schema.ConstraintCreationFailed", "50N11", 400, false;
    /// No constraint by that name.
    ConstraintDropFailed = "DatabaseError.Schema.ConstraintDropFailed", "50N12", 400, false;
    /// The index belongs to a constraint, and goes with it.
    IndexOfConstraint = "ClientError.Schema.ForbiddenOnConstraintIndex", "42N51", 400, false;
    /// No procedure by that name.
    ProcedureNotFound = "ClientError.Procedure.ProcedureNotFound", "42N08", 400, false;
    /// A procedure was called and failed.
    ProcedureCallFailed = "ClientError.Procedure.ProcedureCallFailed", "52N02", 400, false;
    /// A CSV file or address cannot be read.
    ExternalResourceFailed = "ClientError.Statement.ExternalResourceFailed", "22N43", 400, false;
    /// No database or alias by that name.
    DatabaseNotFound = "ClientError.Database.DatabaseNotFound", "22N51", 404, false;
    /// A database or alias by that name is there already.
    DatabaseExists = "ClientError.Database.ExistingDatabaseFound", "42N11", 400, false;
    /// The database still has aliases.
    AliasExists = "ClientError.Database.ExistingAliasFound", "42N82", 400, false;
    /// An alias may not lead to an alias.
    AliasChain = "ClientError.Database.IllegalAliasChain", "08N14", 400, false;
    /// A name that no database can have.
    DatabaseNameInvalid = "ClientError.Statement.ArgumentError", "22N82", 400, false;
    /// `system` or the default database cannot be changed so.
    DatabaseProtected = "ClientError.Statement.ArgumentError", "42N14", 400, false;
    /// The database is stopped, stopping or damaged.
    DatabaseUnavailable = "TransientError.General.DatabaseUnavailable", "08N09", 503, true;
    /// The server holds as many databases as it may.
    DatabaseLimitReached = "DatabaseError.Database.DatabaseLimitReached", "51N55", 400, false;
    /// The database cannot be opened; its state says why.
    DatabaseStartFailed = "DatabaseError.Database.UnableToStartDatabase", "51N40", 500, false;
    /// The statement may not run on `system`.
    NotOnSystemDatabase = "ClientError.Statement.SemanticError", "42N17", 400, false;
    /// The database is read-only.
    DatabaseReadOnly = "ClientError.General.WriteOnReadOnlyAccessDatabase", "42N18", 400, false;
    /// A write in a transaction that was opened for reading.
    WriteInReadMode = "ClientError.Statement.AccessMode", "42N02", 400, false;
    /// A transaction that writes to more than one database.
    WriteToManyDatabases = "ClientError.Statement.AccessMode", "42N03", 400, false;
    /// The command is known to Neo4j and not to this server.
    UnsupportedCommand = "ClientError.Statement.UnsupportedAdministrationCommand", "51N27", 400, false;
    /// An administration command inside a transaction with data work.
    ForbiddenTransactionType = "ClientError.Transaction.ForbiddenDueToTransactionType", "25N01", 400, false;
    /// The user may not do this.
    Forbidden = "ClientError.Security.Forbidden", "42NFF", 403, false;
    /// The user may not speak in that other one's name, or there is no such one.
    ImpersonationRefused = "ClientError.Statement.ArgumentError", "22N11", 400, false;
    /// The user in whose name to speak has to change the password first.
    ImpersonationPasswordExpired = "ClientError.Statement.ArgumentError", "42N83", 400, false;
    /// Wrong or missing credentials.
    Unauthorized = "ClientError.Security.Unauthorized", "42NFF", 401, false;
    /// The password is right and must be changed first of all.
    CredentialsExpired = "ClientError.Security.CredentialsExpired", "42NFD", 403, false;
    /// The token has ended.
    TokenExpired = "ClientError.Security.TokenExpired", "42NFE", 401, false;
    /// Who logged in is no user any more; drivers close what they have open and log in again.
    AuthorizationExpired = "ClientError.Security.AuthorizationExpired", "42NFE", 401, false;
    /// Too many wrong passwords in a row.
    AuthenticationRateLimit = "ClientError.Security.AuthenticationRateLimit", "42NFF", 429, false;
    /// Another transaction changed what this one read; run it again.
    TransactionConflict = "TransientError.Transaction.Outdated", "40001", 409, true;
    /// No transaction by that id.
    TransactionNotFound = "ClientError.Transaction.TransactionNotFound", "25N04", 404, false;
    /// No session by that id.
    SessionNotFound = "ClientError.Request.Invalid", "08N11", 404, false;
    /// Two requests at once in one transaction.
    TransactionAccessedConcurrently = "ClientError.Transaction.TransactionAccessedConcurrently", "25N03", 400, false;
    /// The transaction was ended by somebody, or by a reset.
    TransactionTerminated = "ClientError.Transaction.Terminated", "25N14", 400, false;
    /// The statement took longer than it may.
    TransactionTimedOut = "ClientError.Transaction.TransactionTimedOut", "25N14", 400, false;
    /// The statement took longer than its client allowed.
    TransactionTimedOutClient = "ClientError.Transaction.TransactionTimedOutClientConfiguration", "25N14", 400, false;
    /// The statement needs more memory than it may have.
    MemoryLimit = "ClientError.General.TransactionOutOfMemoryError", "51N73", 400, false;
    /// All statements of the server together hold as much memory as they may; try later.
    MemoryPool = "TransientError.General.MemoryPoolOutOfMemoryError", "51N72", 503, true;
    /// A limit of the database or the server is reached; try later.
    ResourceExhausted = "TransientError.Invalid.ResourceExhaustion", "51N66", 429, true;
    /// The database holds as much as it may; make room, or raise its limit.
    LimitReached = "ClientError.General.LimitReached", "51N66", 507, false;
    /// A session would be one more than may use the database; try later.
    TooManyConnections = "TransientError.Invalid.ResourceExhaustion", "51N66", 429, true;
    /// Statements or writes come faster than they may; try later.
    RateLimited = "TransientError.Invalid.ResourceExhaustion", "51N66", 429, true;
    /// A statement gives more rows than it may; ask for fewer, or raise the limit.
    ResultsLimit = "ClientError.General.LimitReached", "51N66", 400, false;
    /// More statements run than may; try later.
    TooManyTransactions = "TransientError.Transaction.MaximumTransactionLimitReached", "51N74", 429, true;
    /// The commit could not be written; nothing of it is kept.
    CommitFailed = "DatabaseError.Transaction.TransactionCommitFailed", "2DN01", 500, false;
    /// The disk is full or the database's file reached its largest size.
    StorageFull = "TransientError.Invalid.ResourceExhaustion", "51N59", 507, true;
    /// The disk failed, or refused.
    StorageFailed = "DatabaseError.General.UnknownError", "50N00", 500, false;
    /// A file is damaged; the database goes to state error.
    StorageDamaged = "DatabaseError.General.StorageDamageDetected", "50N00", 500, false;
    /// A message that the protocol does not allow here.
    RequestInvalid = "ClientError.Request.Invalid", "08N06", 400, false;
    /// A request whose format is wrong.
    RequestFormat = "ClientError.Request.InvalidFormat", "08N11", 400, false;
    /// A bookmark that cannot be read.
    InvalidBookmark = "ClientError.Transaction.InvalidBookmark", "08N12", 400, false;
    /// A defect of the server; the log has more.
    Internal = "DatabaseError.General.UnknownError", "50N42", 500, false;
}

/// Where in the statement a failure points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Position {
    /// Characters before the place.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// A failure as a client is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    code: Code,
    message: String,
    position: Option<Position>,
    refusal: Option<Refusal>,
    retry_after: Option<Duration>,
    about: Vec<String>,
    is_all_said: bool,
    is_noted: bool,
}

impl Code {
    /// Tells whether a limit was in the way: of a database, of a role or of the server.
    #[must_use]
    pub fn is_limit(self) -> bool {
        matches!(
            self,
            Self::ResourceExhausted
                | Self::TooManyConnections
                | Self::RateLimited
                | Self::ResultsLimit
                | Self::TooManyTransactions
                | Self::LimitReached
                | Self::DatabaseLimitReached
                | Self::MemoryLimit
                | Self::MemoryPool
                | Self::TransactionTimedOut
        )
    }
}

impl Failure {
    /// Makes the failure of a limit that was in the way; its text is the refusal's.
    #[must_use]
    pub fn refused(code: Code, refusal: Refusal) -> Self {
        Self::new(code, refusal.to_string()).because_of(refusal)
    }

    /// Adds which limit was in the way.
    #[must_use]
    pub fn because_of(mut self, refusal: Refusal) -> Self {
        self.0.refusal = Some(refusal);
        self
    }

    /// Gives the limit that was in the way, where it was one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        self.0.refusal.as_ref()
    }

    /// Calls a database by the name by which whoever is told knows it, in a text that has nothing of a statement in it.
    #[must_use]
    pub fn calling(mut self, own: &str, known: &str) -> Self {
        if own != known {
            // A role may be called as the database is, and keeps its name.
            let (role, own_quoted, known_quoted) = (format!("role '{own}'"), format!("'{own}'"), format!("'{known}'"));
            let parts: Vec<_> =
                self.0.message.split(&role).map(|part| part.replace(&own_quoted, &known_quoted)).collect();
            self.0.message = parts.join(&role);
            if let Some(refusal) = self.0.refusal.as_mut().filter(|refusal| refusal.database == own) {
                known.clone_into(&mut refusal.database);
            }
        }
        self
    }

    /// Says when the same may succeed, where waiting helps.
    #[must_use]
    pub fn later(mut self, retry_after: Duration) -> Self {
        self.0.retry_after = Some(retry_after);
        self
    }

    /// Gives the time after which the same may succeed, where waiting helps.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after.or_else(|| self.refusal()?.retry_after)
    }

    /// Makes a failure with its code and its text.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            position: None,
            refusal: None,
            retry_after: None,
            about: Vec::new(),
            is_all_said: false,
            is_noted: false,
        }))
    }

    /// Adds a database that it is about, for those who keep count of refusals; no client is told.
    #[must_use]
    pub fn about(mut self, database: impl Into<String>) -> Self {
        let database = database.into();
        let is_new = !self.0.about.iter().any(|known| known.eq_ignore_ascii_case(&database));
        if is_new && !self.0.is_all_said {
            self.0.about.push(database);
        }
        self
    }

    /// Says all the databases that it is about: those of a command, whatever its session is on.
    #[must_use]
    pub fn about_all(mut self, databases: Vec<String>) -> Self {
        (self.0.about, self.0.is_all_said) = (databases, true);
        self
    }

    /// Gives the databases that it is about, as far as they are known, and whether those are all.
    #[must_use]
    pub fn databases(&self) -> (&[String], bool) {
        (&self.0.about, self.0.is_all_said)
    }

    /// Says that the audit has a line of it.
    #[must_use]
    pub fn noted(mut self) -> Self {
        self.0.is_noted = true;
        self
    }

    /// Tells whether the audit has a line of it.
    #[must_use]
    pub fn is_noted(&self) -> bool {
        self.0.is_noted
    }

    /// Adds the place in the statement.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        self.0.position = Some(position);
        self
    }

    /// Gives the code, whose row of the table says how each face shows it.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Gives the text for the client.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Gives the place in the statement, where there is one.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Failure {}
