//! Commands about databases.

use std::fmt::{self, Display, Formatter};

use super::super::{Joined, Key, Optional};
use crate::ast::{
    CreateDatabase, DatabaseChange, DatabaseCommand, FileName, Language, NameOrParameter, ShowDatabases, Wait,
};

impl Display for DatabaseCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let exists = |if_exists: &bool| if *if_exists { " IF EXISTS" } else { "" };
        match self {
            Self::Create(create) => create.fmt(f),
            Self::Drop { name, if_exists, cascade, dump, wait } => {
                let cascade = if *cascade { " CASCADE ALIASES" } else { "" };
                let dump = if *dump { " DUMP DATA" } else { "" };
                write!(f, "DROP DATABASE {name}{}{cascade}{dump}{wait}", exists(if_exists))
            }
            Self::Alter { name, if_exists, changes, wait } => {
                write!(f, "ALTER DATABASE {name}{} {}{wait}", exists(if_exists), Joined(changes.iter(), " "))
            }
            Self::Rename { name, if_exists, to, wait } => {
                write!(f, "RENAME DATABASE {name}{} TO {to}{wait}", exists(if_exists))
            }
            Self::Start { name, wait } => write!(f, "START DATABASE {name}{wait}"),
            Self::Stop { name, wait } => write!(f, "STOP DATABASE {name}{wait}"),
            Self::Check { name } => write!(f, "CHECK DATABASE {name}"),
            Self::Recreate { name, options } => {
                write!(f, "CALL dbms.recreateDatabase({}{})", argument(name), Optional(", ", options))
            }
            Self::SetDefault { name, tail } => write!(f, "CALL dbms.setDefaultDatabase({}){tail}", argument(name)),
        }
    }
}

/// Writes the name of a database as procedures take it: as a text.
fn argument(name: &NameOrParameter) -> FileName {
    match name.clone() {
        NameOrParameter::Name(name) => FileName::Text(name.text),
        NameOrParameter::Parameter(name) => FileName::Parameter(name),
    }
}

impl Display for CreateDatabase {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { name, if_not_exists, or_replace, origin, language, options, wait } = self;
        let replace = if *or_replace { "OR REPLACE " } else { "" };
        let exists = if *if_not_exists { " IF NOT EXISTS" } else { "" };
        let (origin, language) = (Optional("", origin), Optional(" DEFAULT LANGUAGE ", language));
        let options = Optional(" OPTIONS ", options);
        write!(f, "CREATE {replace}DATABASE {name}{exists}{origin}{language}{options}{wait}")
    }
}

impl Display for DatabaseChange {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Access { read_only: true } => f.write_str("SET ACCESS READ ONLY"),
            Self::Access { read_only: false } => f.write_str("SET ACCESS READ WRITE"),
            Self::SetOption { key, value } => write!(f, "SET OPTION {} {value}", Key(key)),
            Self::RemoveOption { key } => write!(f, "REMOVE OPTION {}", Key(key)),
            Self::Default => f.write_str("SET DEFAULT"),
            Self::Language(language) => write!(f, "SET DEFAULT LANGUAGE {language}"),
            Self::Topology => f.write_str("SET TOPOLOGY 1 PRIMARY"),
        }
    }
}

impl Display for Language {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cypher5 => "CYPHER 5",
            Self::Cypher25 => "CYPHER 25",
        })
    }
}

impl Display for Wait {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::No { "" } else { " WAIT" })
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
