//! A journal of commits beside a store: with it a backup is played forward to any moment that it covers.
//! Knows keys and values only; who keeps databases decides which have one, and what becomes of it.
//! Start reading at [`Journaled`], which records, then [`Way`], which plays. The bytes: `docs/format/journal.md`.
//!
//! A commit is one record. It is on disk before the store's own commit is, and the store itself says, under [`KEY`] and in
//! the same commit, which record was its last and where that ends: what a crash left behind it is cut off. Records of
//! one *era* follow each other without a gap. Whatever could not be recorded begins a new era, so that nobody plays past it.

mod chain;
mod changes;
mod copy;
mod error;
mod folder;
mod format;
mod journaled;
mod look;
mod recorder;
mod sealed;
#[cfg(test)]
mod tests;
mod trail;
mod way;

use std::time::Duration;

pub use copy::{Copied, copy, verify};
pub use error::{JournalError, Rupture};
pub use folder::{Outline, Source, identity_of, remove, renew_keys};
pub use journaled::Journaled;
pub use look::{Flaw, Looked};
pub use way::{Played, Way};

/// The key under which a store says how far its journal goes; no database has one so short.
pub const KEY: [u8; 1] = [0];

/// What a journal's folder is called, in the folder of its store.
pub const FOLDER: &str = "journal";

/// How much of a journal is kept; the oldest goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Bytes of all its files; nothing larger than this can be recorded.
    pub bytes_max: u64,
    /// Age of what is kept; `None` keeps it whatever its age.
    pub age_max: Option<Duration>,
}

/// The place of a state of a store among its commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which unbroken row of records.
    pub era: [u8; 16],
    /// The last record that is in it.
    pub sequence: u64,
}

/// Where a backup stands, and what tells its history from others that have commits of the same numbers.
///
/// Of one era there are several where older files of a store were put back, or copies of them go on by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its place.
    pub position: Position,
    /// The sum of everything in the era up to there; nothing in a backup of a server that did not write it.
    pub sum: Option<u64>,
}

impl Origin {
    /// Reads where a view of a store stands; nothing where no journal is kept of it, or it cannot be read.
    #[must_use]
    pub fn of(reader: &dyn crate::Reader) -> Option<Self> {
        let value = reader.get(&KEY).ok()??;
        format::Mark::parse(&value).map(|mark| Self { position: mark.position, sum: Some(mark.sum) })
    }

    /// Tells whether a journal with this sum at its place is the one that it stands in.
    fn is_at(&self, sum: u64) -> bool {
        self.sum.is_none_or(|own| own == sum)
    }
}
