//! Commands that run on `system`, as text; one file for each area.
//! Leaves indexes and constraints to `schema`.
//! Start reading at the printer of [`AdminCommand`].

use std::fmt::{self, Display, Formatter};

use super::{Joined, Key, Optional, Word};
use crate::ast::{AdminCommand, Executable, Functions, Known, NameOrParameter, ShowTail};

mod alias;
mod backup;
mod chain;
mod database;
mod limit;
mod rights;
mod session;

impl Display for AdminCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(command) => command.fmt(f),
            Self::Alias(command) => command.fmt(f),
            Self::Session(command) => command.fmt(f),
            Self::Backup(command) => command.fmt(f),
            Self::ShowServers { tail } => write!(f, "SHOW SERVERS{tail}"),
            Self::ShowAudit { tail } => write!(f, "SHOW AUDIT{tail}"),
            Self::Limit(command) => command.fmt(f),
            Self::Rights(command) => command.fmt(f),
            Self::ShowDatabases { which, tail } => write!(f, "SHOW {which}{tail}"),
            Self::ShowTransactions { ids, tail } if ids.is_empty() => write!(f, "SHOW TRANSACTIONS{tail}"),
            Self::ShowTransactions { ids, tail } => write!(f, "SHOW TRANSACTIONS {}{tail}", Joined(ids.iter(), ", ")),
            Self::ShowKnown { what, tail } => write!(f, "SHOW {what}{tail}"),
            Self::TerminateTransactions { ids, tail } if ids.is_empty() => write!(f, "TERMINATE TRANSACTIONS{tail}"),
            Self::TerminateTransactions { ids, tail } => {
                write!(f, "TERMINATE TRANSACTIONS {}{tail}", Joined(ids.iter(), ", "))
            }
        }
    }
}

impl Display for Known {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Functions { which, executable } => {
                f.write_str(match which {
                    Functions::All => "FUNCTIONS",
                    Functions::BuiltIn => "BUILT IN FUNCTIONS",
                    Functions::UserDefined => "USER DEFINED FUNCTIONS",
                })?;
                executable.fmt(f)
            }
            Self::Procedures { executable } => write!(f, "PROCEDURES{executable}"),
            Self::Settings { names } if names.is_empty() => f.write_str("SETTINGS"),
            Self::Settings { names } => write!(f, "SETTINGS {}", Joined(names.iter(), ", ")),
        }
    }
}

impl Display for Executable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByAnybody => Ok(()),
            Self::ByMe => f.write_str(" EXECUTABLE"),
            Self::By(user) => write!(f, " EXECUTABLE BY {}", Word(user)),
        }
    }
}

impl Display for NameOrParameter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => Word(name).fmt(f),
            Self::Parameter(name) => write!(f, "${}", Key(name)),
        }
    }
}

impl Display for ShowTail {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { yields, filter, returns } = self;
        let (yields, filter) = (Optional(" YIELD ", yields), Optional(" WHERE ", filter));
        write!(f, "{yields}{filter}{}", Optional(" RETURN ", returns))
    }
}
