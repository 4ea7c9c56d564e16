//! Commands about databases.

use std::fmt::{self, Display, Formatter};

use crate::ast::{DatabaseCommand, ShowDatabases};

impl Display for DatabaseCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { name, if_not_exists, or_replace } => {
                let replace = if *or_replace { "OR REPLACE " } else { "" };
                let exists = if *if_not_exists { " IF NOT EXISTS" } else { "" };
                write!(f, "CREATE {replace}DATABASE {name}{exists}")
            }
            Self::Drop { name, if_exists } => {
                write!(f, "DROP DATABASE {name}{}", if *if_exists { " IF EXISTS" } else { "" })
            }
            Self::Start { name } => write!(f, "START DATABASE {name}"),
            Self::Stop { name } => write!(f, "STOP DATABASE {name}"),
            Self::Check { name } => write!(f, "CHECK DATABASE {name}"),
        }
    }
}

impl Display for ShowDatabases {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("DATABASES"),
            Self::One(name) => write!(f, "DATABASE {name}"),
            Self::Default => f.write_str("DEFAULT DATABASE"),
            Self::Home => f.write_str("HOME DATABASE"),
        }
    }
}
