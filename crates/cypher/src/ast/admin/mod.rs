//! Commands about what the server keeps: databases, users, limits, transactions, what it knows; a file for each area.
//! Leaves indexes and constraints to `schema`.
//! Start reading at [`AdminCommand`].

use super::{Expression, Name, Projection};

mod alias;
mod backup;
mod chain;
mod database;
mod limit;
mod rights;
mod session;

pub use alias::*;
pub use backup::*;
pub use chain::*;
pub use database::*;
pub use limit::*;
pub use rights::*;
pub use session::*;

/// Commands that run on `system`, whatever the session's database is; each area has a type of its own.
#[derive(Clone, Debug)]
pub enum AdminCommand {
    /// Makes, changes, starts, stops or drops a database.
    Database(DatabaseCommand),
    /// Makes, changes, drops or lists aliases.
    Alias(AliasCommand),
    /// Lists or ends sessions.
    Session(SessionCommand),
    /// Copies a database into a file, or lists such files.
    Backup(BackupCommand),
    /// `SHOW SERVERS`: the servers that there are, which is this one.
    ShowServers {
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
    /// `SHOW AUDIT`: what was recorded of who did what.
    ShowAudit {
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
    /// Sets, takes back or lists limits.
    Limit(LimitCommand),
    /// Makes, changes, drops or lists users, roles, privileges and tokens.
    Rights(RightsCommand),
    /// `SHOW DATABASES`, `SHOW DATABASE n`, `SHOW DEFAULT DATABASE`, `SHOW HOME DATABASE`.
    ShowDatabases {
        /// Which ones.
        which: ShowDatabases,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
    /// `SHOW TRANSACTIONS`, `SHOW TRANSACTION 'a', $b`.
    ShowTransactions {
        /// Which ones, by their ids; none for every one.
        ids: Vec<Expression>,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
    /// `SHOW FUNCTIONS`, `SHOW PROCEDURES`, `SHOW SETTINGS`.
    ShowKnown {
        /// What is shown.
        what: Known,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
    /// `TERMINATE TRANSACTIONS 'a', $b`.
    TerminateTransactions {
        /// Which ones, by their ids.
        ids: Vec<Expression>,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
}

impl AdminCommand {
    /// Tells whether it changes what there is, copies it, or ends what others do.
    #[must_use]
    pub fn changes(&self) -> bool {
        !self.shows() && !matches!(self, Self::Database(DatabaseCommand::Check { .. }))
    }

    /// Tells whether it only lists what there is.
    #[must_use]
    pub fn shows(&self) -> bool {
        match self {
            Self::Alias(command) => matches!(command, AliasCommand::Show { .. }),
            Self::Session(command) => matches!(command, SessionCommand::Show { .. }),
            Self::Backup(command) => matches!(command, BackupCommand::Show { .. }),
            Self::Limit(command) => {
                matches!(command, LimitCommand::ShowLimits { .. } | LimitCommand::ShowUsage { .. })
            }
            Self::Rights(RightsCommand::User(command)) => matches!(command, UserCommand::Show { .. }),
            Self::Rights(RightsCommand::Role(command)) => matches!(command, RoleCommand::Show { .. }),
            Self::Rights(RightsCommand::Privilege(command)) => matches!(
                command,
                PrivilegeCommand::Show { .. }
                    | PrivilegeCommand::ShowSupported { .. }
                    | PrivilegeCommand::ShowLevels { .. }
            ),
            Self::Rights(RightsCommand::Token(command)) => matches!(command, TokenCommand::Show { .. }),
            Self::ShowServers { .. }
            | Self::ShowAudit { .. }
            | Self::ShowDatabases { .. }
            | Self::ShowTransactions { .. }
            | Self::ShowKnown { .. } => true,
            Self::Database(_) | Self::TerminateTransactions { .. } => false,
        }
    }
}

/// What a server knows and can list.
#[derive(Clone, Debug)]
pub enum Known {
    /// `[ALL | BUILT IN | USER DEFINED] FUNCTIONS [EXECUTABLE [BY ...]]`.
    Functions {
        /// Which ones.
        which: Functions,
        /// Who may call them.
        executable: Executable,
    },
    /// `PROCEDURES [EXECUTABLE [BY ...]]`.
    Procedures {
        /// Who may call them.
        executable: Executable,
    },
    /// `SETTINGS ['a', $b]`.
    Settings {
        /// Which ones, by their names; none for every one.
        names: Vec<Expression>,
    },
}

/// Which functions are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Functions {
    /// Every one.
    All,
    /// Those of the language.
    BuiltIn,
    /// Those that came on top.
    UserDefined,
}

/// Who may call what is shown.
#[derive(Clone, Debug)]
pub enum Executable {
    /// Nobody is named.
    ByAnybody,
    /// Who asks.
    ByMe,
    /// A user.
    By(Name),
}

/// A name, or the parameter that holds it.
#[derive(Clone, Debug)]
pub enum NameOrParameter {
    /// `n`, or `a.b` as one text.
    Name(Name),
    /// `$n`.
    Parameter(Name),
}

/// `YIELD a, b AS c ORDER BY ... SKIP n LIMIT n WHERE e RETURN ...` after a `SHOW`.
#[derive(Clone, Debug, Default)]
pub struct ShowTail {
    /// `YIELD`: the body of a `WITH` over the command's columns.
    pub yields: Option<Projection>,
    /// `WHERE`.
    pub filter: Option<Expression>,
    /// `RETURN` after `YIELD`.
    pub returns: Option<Projection>,
}
