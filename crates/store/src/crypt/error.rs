//! Turns what redb and the operating system report into the errors of the door.

use std::io::{self, ErrorKind};
use std::path::Path;

use redb::Error;

use super::vault::Vault;
use crate::StoreError;
use crate::lmdb::error::from_io;

/// Words `error`, which came up while doing `action` to the file of `vault`.
pub(super) fn of_redb(error: impl Into<Error>, vault: &Vault, action: &'static str) -> StoreError {
    match error.into() {
        Error::Io(source) => of_io(source, &vault.path, action),
        // Everything fails after the first time: what counts is why that was.
        Error::PreviousIo | Error::DatabaseClosed => match vault.trouble() {
            Some((kind, reason)) => of_io(io::Error::new(kind, reason), &vault.path, action),
            None => StoreError::Poisoned,
        },
        Error::Corrupted(reason) => damaged(&vault.path, reason),
        other => damaged(&vault.path, other.to_string()),
    }
}

/// Words an error of reading or writing sectors.
pub(super) fn of_io(source: io::Error, file: &Path, action: &'static str) -> StoreError {
    match source.kind() {
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof => damaged(file, source.to_string()),
        _ => from_io(source, action),
    }
}

pub(super) fn damaged(file: &Path, reason: impl Into<String>) -> StoreError {
    StoreError::Damaged { file: file.to_owned(), reason: reason.into() }
}
