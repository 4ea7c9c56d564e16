//! Commands that copy whole databases.

use std::fmt::{self, Display, Formatter};

use super::super::expression::text;
use super::super::{Key, Optional};
use crate::ast::{BackupCommand, BackupTarget, DatabaseOrigin, FileName, Moment};

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
            Self::Journal { name, to } => write!(f, "BACKUP JOURNAL FOR DATABASE {name}{to}"),
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
            Self::Moment(moment) => {
                let Moment { backup, until, journal } = &**moment;
                let journal = Optional(" USING JOURNAL ", journal);
                write!(f, " FROM BACKUP {backup} UNTIL {until}{journal}")
            }
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
