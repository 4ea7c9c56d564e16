//! Why a backup could not be made, read or named.

use std::io;
use std::path::PathBuf;

use store::StoreError;
use store::journal::JournalError;
use types::{Code, Failure};

/// Why a backup could not be made, read or named.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Only plain names of files in the backup folder are taken; choose another.
    #[error("'{name}' cannot be the name of a backup: {reason}")]
    Name {
        /// The text as it was typed, cut to 80 characters.
        name: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// A file is there, and backups never write over one; choose another name.
    #[error("there is a file {} already", .0.display())]
    Exists(PathBuf),
    /// The folder of a new file is not there, which may be a disk that is not mounted; make it, or name another one.
    #[error("there is no folder {}; make it, or name another one", .0.display())]
    NoFolder(PathBuf),
    /// No such file; look with `SHOW BACKUPS`.
    #[error("there is no backup {}", .0.display())]
    Missing(PathBuf),
    /// A file of another program, or of a newer server.
    #[error("{} is not a backup that this server reads: {reason}", file.display())]
    NotBackup {
        /// The file.
        file: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// The file was cut short or changed; use another one.
    #[error("the backup {} is damaged: {reason}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Which check failed.
        reason: String,
    },
    /// The backup of a whole server without its list: whoever wrote it did not end. Make another one.
    #[error("the backup of a whole server in {} is not whole: it has no list of its files, so it did not end", .0.display())]
    Unfinished(PathBuf),
    /// Backups of whole servers begin in a folder of their own; choose another one.
    #[error("the folder {} is there already and not empty", .0.display())]
    NotEmpty(PathBuf),
    /// The backup of `system` makes no database; restore a whole server from it.
    #[error(
        "{} holds the database \"system\" of a server, which becomes part of a server by `sheaf restore --all` only",
        .0.display()
    )]
    Catalog(PathBuf),
    /// The copy was opened, and what it holds does not hold together.
    #[error("the copy fails its check: {0}")]
    Unsound(String),
    /// Switch it on for the next time: `ALTER DATABASE ... SET OPTION journal true`.
    #[error("database '{0}' keeps no journal")]
    NoJournal(String),
    /// The database is gone, or was never here; name a copy of its journal.
    #[error(
        "the database that the backup is of is not on this server; name a copy of its journal with USING JOURNAL 'file'"
    )]
    NoDatabase,
    /// A journal does not lead where it should.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Whoever asked has to be told this.
    #[error("{0}")]
    Failed(Failure),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system refused.
    #[error("could not {action}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl BackupError {
    /// Gives the code that a client sees.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Name { .. } | Self::Exists(_) | Self::NoFolder(_) | Self::NotEmpty(_) | Self::Catalog(_) => {
                Code::ArgumentError
            }
            Self::Missing(_) | Self::NotBackup { .. } | Self::NoJournal(_) | Self::NoDatabase => {
                Code::ExternalResourceFailed
            }
            Self::Journal(error) => error.code(),
            Self::Damaged { .. } | Self::Unfinished(_) | Self::Unsound(_) => Code::StorageDamaged,
            Self::Failed(failure) => failure.code(),
            Self::Store(error) => error.code(),
            Self::Io { source, .. } if is_full(source) => Code::StorageFull,
            Self::Io { .. } => Code::StorageFailed,
        }
    }

    /// Tells whether one file is at fault: other files of the same backup may be sound.
    pub(crate) fn is_of_file(&self) -> bool {
        match self {
            Self::Missing(_) | Self::NotBackup { .. } | Self::Damaged { .. } | Self::Io { .. } => true,
            Self::Name { .. }
            | Self::Exists(_)
            | Self::NoFolder(_)
            | Self::Unfinished(_)
            | Self::NotEmpty(_)
            | Self::Catalog(_)
            | Self::Unsound(_)
            | Self::NoJournal(_)
            | Self::NoDatabase
            | Self::Journal(_)
            | Self::Failed(_)
            | Self::Store(_) => false,
        }
    }

    /// As it is told to whoever named a file of the backup folder: where that folder lies is not for everybody.
    pub(crate) fn without_folders(self) -> Self {
        let bare = |path: PathBuf| path.file_name().map_or(path.clone(), PathBuf::from);
        match self {
            Self::Exists(path) => Self::Exists(bare(path)),
            Self::NoFolder(path) => Self::NoFolder(bare(path)),
            Self::Missing(path) => Self::Missing(bare(path)),
            Self::Unfinished(path) => Self::Unfinished(bare(path)),
            Self::NotEmpty(path) => Self::NotEmpty(bare(path)),
            Self::Catalog(path) => Self::Catalog(bare(path)),
            Self::NotBackup { file, reason } => Self::NotBackup { file: bare(file), reason },
            Self::Damaged { file, reason } => Self::Damaged { file: bare(file), reason },
            Self::Journal(JournalError::Foreign(path)) => Self::Journal(JournalError::Foreign(bare(path))),
            Self::Journal(JournalError::NotJournal { file, reason }) => {
                Self::Journal(JournalError::NotJournal { file: bare(file), reason })
            }
            Self::Journal(JournalError::Damaged { file, reason }) => {
                Self::Journal(JournalError::Damaged { file: bare(file), reason })
            }
            Self::Journal(JournalError::Key { file, reason }) => {
                Self::Journal(JournalError::Key { file: bare(file), reason })
            }
            other => other,
        }
    }

    /// Wraps what the operating system said about an action.
    pub(crate) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

impl From<Failure> for BackupError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Failed(failure) => failure,
            BackupError::Io { action, ref source } => Self::new(error.code(), format!("could not {action}: {source}")),
            other => Self::new(other.code(), other.to_string()),
        }
    }
}
