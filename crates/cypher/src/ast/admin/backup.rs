//! Commands that copy whole databases: into files, out of files, from each other.

use compact_str::CompactString;

use super::{Expression, Name, NameOrParameter, ShowTail};

/// Copies a database into a file, or lists such files.
#[derive(Clone, Debug)]
pub enum BackupCommand {
    /// `BACKUP DATABASE n [TO 'file' | TO STREAM] [WITH CHECK]`.
    Backup {
        /// The name.
        name: NameOrParameter,
        /// Where the copy goes.
        to: BackupTarget,
        /// Whether the copy is opened and walked before it counts.
        check: bool,
    },
    /// `BACKUP ALL DATABASES [TO 'folder' | TO STREAM] [WITH CHECK]`: a whole server, `system` included.
    All {
        /// Where the copies go.
        to: BackupTarget,
        /// Whether each copy is opened and walked before it counts.
        check: bool,
    },
    /// `BACKUP JOURNAL FOR DATABASE n [TO 'file' | TO STREAM]`.
    Journal {
        /// The name.
        name: NameOrParameter,
        /// Where the copy goes.
        to: BackupTarget,
    },
    /// `SHOW BACKUPS`.
    Show {
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
}

/// Where a backup goes.
#[derive(Clone, Debug)]
pub enum BackupTarget {
    /// A file of the backup folder that the server names; for a whole server a folder in it.
    NewFile,
    /// A file of the backup folder; for a whole server a folder in it.
    File(FileName),
    /// The client: a row for each piece of the file.
    Stream,
}

/// What a new database begins with: the tail of `CREATE DATABASE n`.
#[derive(Clone, Debug)]
pub enum DatabaseOrigin {
    /// `FROM m`: what that database holds now.
    Database(NameOrParameter),
    /// `FROM BACKUP 'file'`: what a file of the backup folder holds.
    Backup(FileName),
    /// `FROM BACKUP 'file' UNTIL time`: that, played forward.
    Moment(Box<Moment>),
}

/// A backup and the moment to which a journal plays it forward.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The backup.
    pub backup: FileName,
    /// The moment.
    pub until: Expression,
    /// `USING JOURNAL 'file'`: a copy of the journal in the backup folder; else that of the database itself.
    pub journal: Option<FileName>,
}

/// A file's name, or the parameter that holds it.
#[derive(Clone, Debug)]
pub enum FileName {
    /// `'films.sheafbackup'`.
    Text(CompactString),
    /// `$file`.
    Parameter(Name),
}
