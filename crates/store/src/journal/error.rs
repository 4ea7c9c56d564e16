//! Why a journal could not be read, or does not lead where somebody wants to go.

use std::io;
use std::path::PathBuf;

use types::Code;

use crate::StoreError;

/// Why a journal could not be read, or does not lead where somebody wants to go.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No journal was kept when the backup was made; take one that was made since.
    #[error("no journal was kept when the backup was made")]
    NotKept,
    /// The journal of one database does not go on from the backup of another.
    #[error("the journal {} is of another database than the backup", .0.display())]
    Foreign(PathBuf),
    /// The journal has nothing that goes on from the backup; take another backup.
    #[error("the journal does not go on from this backup; a backup made after {} would do", moment(*begins))]
    Gap {
        /// When what the journal has begins, in nanoseconds since 1970.
        begins: i64,
    },
    /// The backup is of another history: older files were put back since, or it comes from a copy. Take a newer backup.
    #[error(
        "the journal does not go on from this backup: commit {sequence}, the last in the backup, is not in it or is \
         another one there, as where an older copy of the database was put back; a new backup would do"
    )]
    OtherHistory {
        /// The number of that commit.
        sequence: u64,
    },
    /// The journal goes on from the backup and ends before the time; choose one before, or another backup.
    #[error("the journal goes on from this backup only to {}: {reason}; a backup made after that would do", moment(*at))]
    Ruptured {
        /// When it ended.
        at: i64,
        /// Why.
        reason: Rupture,
    },
    /// The backup is of later; take an earlier one.
    #[error("{} is before the backup, which was made at {}", moment(*until), moment(*taken))]
    Before {
        /// The time that was asked for.
        until: i64,
        /// When the backup was made.
        taken: i64,
    },
    /// The journal does not tell of that time yet, or not any more.
    #[error("{} is after the end of the journal, which tells of everything to {}", moment(*until), moment(*end))]
    After {
        /// The time that was asked for.
        until: i64,
        /// Up to when it tells of everything.
        end: i64,
    },
    /// A file of another program, or of a newer server.
    #[error("{} is not a journal that this server reads: {reason}", file.display())]
    NotJournal {
        /// The file.
        file: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// A file of the journal was cut short, changed or removed; what lies before it can be reached.
    #[error("the journal {} is damaged: {reason}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Which check failed.
        reason: String,
    },
    /// The journal of an encrypted database whose key cannot be had; bring back the key that the reason names.
    #[error("the journal {} is sealed, and its key cannot be had: {reason}", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// The store that it is played into failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system refused.
    #[error("could not {action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

/// Why an era ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Rupture {
    /// Writes that do not wait for the disk are not recorded.
    Load = 1,
    /// A commit was larger than the whole journal may be.
    TooLarge = 2,
    /// The journal was damaged, and a new one begun.
    Damage = 3,
}

impl Rupture {
    pub(super) fn parse(byte: Option<&u8>) -> Self {
        match byte {
            Some(1) => Self::Load,
            Some(2) => Self::TooLarge,
            _ => Self::Damage,
        }
    }
}

impl std::fmt::Display for Rupture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Load => "a bulk load, which is not recorded, came then",
            Self::TooLarge => "a commit larger than the whole journal came then",
            Self::Damage => "it was found damaged then and begun anew",
        })
    }
}

impl JournalError {
    /// Gives the code that a client sees.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NotKept
            | Self::Foreign(_)
            | Self::Gap { .. }
            | Self::OtherHistory { .. }
            | Self::Ruptured { .. }
            | Self::NotJournal { .. } => Code::ExternalResourceFailed,
            Self::Before { .. } | Self::After { .. } => Code::ArgumentError,
            Self::Key { .. } => Code::DatabaseStartFailed,
            Self::Damaged { .. } => Code::StorageDamaged,
            Self::Store(error) => error.code(),
            Self::Io { source, .. } if crate::lmdb::error::is_full(source) => Code::StorageFull,
            Self::Io { .. } => Code::StorageFailed,
        }
    }
}

/// Writes a time as people read it.
fn moment(nanos: i64) -> String {
    const SECOND: i64 = types::temporal::NANOS_PER_SECOND;
    let time = types::temporal::from_epoch(nanos.div_euclid(SECOND), nanos.rem_euclid(SECOND));
    time.map_or_else(|_| nanos.to_string(), |time| time.to_string())
}
