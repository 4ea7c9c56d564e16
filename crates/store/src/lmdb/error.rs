//! Turns what LMDB and the operating system report into the errors of the door.
//! Decides nothing about retries; `store` does. Start reading at [`from_heed`].

use std::io;
use std::path::Path;

use heed::MdbError;

use crate::StoreError;

/// Words `error`, which came up while doing `action` to `file`.
pub(super) fn from_heed(error: heed::Error, file: &Path, action: &'static str) -> StoreError {
    match error {
        heed::Error::Io(source) => from_io(source, action),
        heed::Error::Mdb(error) => from_lmdb(error, file, action),
        heed::Error::EnvAlreadyOpened => StoreError::InUse { folder: file.parent().unwrap_or(file).to_owned() },
        heed::Error::Encoding(source) | heed::Error::Decoding(source) => {
            StoreError::Io { action, source: io::Error::other(source) }
        }
    }
}

fn from_lmdb(error: MdbError, file: &Path, action: &'static str) -> StoreError {
    match error {
        MdbError::MapFull => StoreError::Full { reason: "the map is full".to_owned() },
        MdbError::TxnFull => StoreError::Full { reason: "one write changes too many pages".to_owned() },
        MdbError::ReadersFull => StoreError::Readers { readers_max: 0 },
        MdbError::Panic => StoreError::Poisoned,
        MdbError::PageNotFound | MdbError::Corrupted | MdbError::CursorFull | MdbError::PageFull => {
            StoreError::Damaged { file: file.to_owned(), reason: error.to_string() }
        }
        MdbError::Invalid | MdbError::VersionMismatch => {
            StoreError::NotOurs { file: file.to_owned(), reason: error.to_string() }
        }
        other => StoreError::Io { action, source: io::Error::other(other) },
    }
}

/// Words an error of the operating system; a full disk is its own kind.
pub(crate) fn from_io(source: io::Error, action: &'static str) -> StoreError {
    if is_full(&source) {
        StoreError::Full { reason: "the disk is full".to_owned() }
    } else {
        StoreError::Io { action, source }
    }
}

/// Tells whether `error` means that the disk, the quota or the largest file size is reached.
pub(crate) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}
