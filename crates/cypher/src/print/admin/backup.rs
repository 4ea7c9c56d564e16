//! Commands that copy whole databases.

use std::fmt::{self, Display, Formatter};

use super::super::Key;
use super::super::expression::text;
use crate::ast::{BackupCommand, BackupTarget, DatabaseOrigin, FileName};

impl Display for BackupCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backup { name, to, check } => {
                let check = if *check { " WITH CHECK" } else { "" };
                write!(f, "BACKUP DATABASE {name}{to}{check}")
            }
            Self::All { to, check } => {
                let check = if *check { " WITH CHECK" } else { "" };
                write!(f, "BACKUP ALL DATABASES{to}{check}")
            }
            Self::Show { tail } => write!(f, "SHOW BACKUPS{tail}"),
        }
    }
}

impl Display for BackupTarget {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewFile => Ok(()),
            Self::File(file) => write!(f, " TO {file}"),
            Self::Stream => f.write_str(" TO STREAM"),
        }
    }
}

impl Display for DatabaseOrigin {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(name) => write!(f, " FROM {name}"),
            Self::Backup(file) => write!(f, " FROM BACKUP {file}"),
        }
    }
}

impl Display for FileName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(name) => text(f, name),
            Self::Parameter(name) => write!(f, "${}", Key(name)),
        }
    }
}
