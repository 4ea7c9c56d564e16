//! Commands about aliases.

use std::fmt::{self, Display, Formatter};

use super::super::Optional;
use crate::ast::AliasCommand;

impl Display for AliasCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { alias, if_not_exists, or_replace, target, properties } => {
                let replace = if *or_replace { "OR REPLACE " } else { "" };
                let exists = if *if_not_exists { " IF NOT EXISTS" } else { "" };
                let properties = Optional(" PROPERTIES ", properties);
                write!(f, "CREATE {replace}ALIAS {alias}{exists} FOR DATABASE {target}{properties}")
            }
            Self::Alter { alias, if_exists, target, properties } => {
                let exists = if *if_exists { " IF EXISTS" } else { "" };
                let (target, properties) = (Optional(" TARGET ", target), Optional(" PROPERTIES ", properties));
                write!(f, "ALTER ALIAS {alias}{exists} SET DATABASE{target}{properties}")
            }
            Self::Drop { alias, if_exists } => {
                write!(f, "DROP ALIAS {alias}{} FOR DATABASE", if *if_exists { " IF EXISTS" } else { "" })
            }
            Self::Show { alias, database, tail } => {
                let (alias, word) = (Optional(" ", alias), if database.is_some() { "DATABASE" } else { "DATABASES" });
                write!(f, "SHOW ALIASES{alias} FOR {word}{}{tail}", Optional(" ", database))
            }
        }
    }
}
