//! How many nodes and relationships a database holds, also while it is closed: told without opening it.
//!
//! What was counted when it was closed is kept in memory, and in a small file beside the data that says of which commit it
//! tells. A file of another commit, or a data file that was not closed in peace, tells nothing.
//! Start reading at [`Databases::counts`].

use std::fs;
use std::path::{Path, PathBuf};

use catalog::Database as Row;
use graph::keys::Counted;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use store::Engine;
use types::DatabaseId;
use xxhash_rust::xxh3;

use super::{Databases, Standing, State, Trust};
use crate::open_database::OpenDatabase;

/// The file beside the data.
const FILE: &str = "counts";
const MAGIC: &[u8; 8] = b"sheafcn3";
const BYTES: usize = 80;
/// Stands for a number that could not be told.
const UNKNOWN: u64 = u64::MAX;

/// What closed databases held when they were closed; nothing where that could not be told.
pub(super) type Held = Mutex<FxHashMap<DatabaseId, Option<Counts>>>;

/// How much a database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) nodes: u64,
    pub(crate) relationships: u64,
    /// Bytes of live data.
    pub(crate) used_bytes: u64,
    /// Bytes of the file.
    pub(crate) file_bytes: u64,
    /// Those of the bytes of live data that indexes took when it was closed.
    pub(crate) index_bytes: Option<u64>,
}

/// Which files a database has that is about to be closed.
pub(crate) struct Place {
    pub(crate) id: DatabaseId,
    pub(crate) folder: PathBuf,
    pub(crate) is_encrypted: bool,
}

impl Counts {
    fn of(database: &OpenDatabase) -> Option<Self> {
        let read = database.damage.get().is_none().then(|| database.graph.begin_read().ok()).flatten()?;
        let count = |counted| read.count(counted).ok();
        let store = database.graph.store().usage().ok()?;
        Some(Self {
            nodes: count(Counted::Nodes)?,
            relationships: count(Counted::Relationships)?,
            used_bytes: store.used_bytes,
            file_bytes: store.file_bytes,
            index_bytes: None,
        })
    }

    /// Writes down what the files held at a commit. Without it the counts are unknown after a restart, so nobody waits for the disk.
    fn write(self, place: &Place, commit: u64) {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&place.id.0);
        let index_bytes = self.index_bytes.unwrap_or(UNKNOWN);
        for number in [commit, self.nodes, self.relationships, self.used_bytes, self.file_bytes, index_bytes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&xxh3::xxh3_64(&bytes).to_le_bytes());
        if let Err(error) = fs::write(place.folder.join(FILE), bytes) {
            tracing::debug!(folder = %place.folder.display(), %error, "counts are not kept");
        }
    }

    /// Reads what was written for a commit of a database.
    fn read(folder: &Path, id: DatabaseId, commit: u64) -> Option<Self> {
        let bytes: [u8; BYTES] = fs::read(folder.join(FILE)).ok()?.try_into().ok()?;
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let is_sound = bytes.starts_with(MAGIC) && number(BYTES - 8) == xxh3::xxh3_64(&bytes[..BYTES - 8]);
        let is_meant = is_sound && bytes[8..24] == id.0 && number(24) == commit;
        is_meant.then(|| Self {
            nodes: number(32),
            relationships: number(40),
            used_bytes: number(48),
            file_bytes: number(56),
            index_bytes: Some(number(64)).filter(|bytes| *bytes != UNKNOWN),
        })
    }
}

/// Removes the file, before the folder goes.
pub(super) fn remove(folder: &Path) {
    let _ = fs::remove_file(folder.join(FILE));
}

impl Databases {
    /// Tells how much a database holds, as far as that is known without opening it.
    pub(crate) fn counts(&self, row: &Row) -> Option<Counts> {
        match self.standing(row.id) {
            Standing::Open(database) => Counts::of(&database),
            Standing::Closed => self.counts_of_closed(row),
            Standing::Opening | Standing::Unopened(_) | Standing::Failed(_) => None,
        }
    }

    fn counts_of_closed(&self, row: &Row) -> Option<Counts> {
        if row.name.is_system() {
            return None;
        }
        if let Some(known) = self.held.lock().get(&row.id) {
            return *known;
        }
        let folder = self.folder.join(&row.folder);
        let commit = self.engine.closed_commit(&folder, &self.options(row, Trust::Usual));
        let read = commit.and_then(|commit| Counts::read(&folder, row.id, commit));
        // Whoever opened it meanwhile counts anew when it is closed.
        self.held.lock().insert(row.id, read);
        read
    }

    /// Closes a database that nobody else holds, and remembers how much is in it.
    pub(super) fn close(&self, state: &mut State) {
        let State::Open(database) = std::mem::replace(state, State::Closed) else { return };
        let counts = Counts::of(&database);
        let counts = counts.map(|counts| Counts { index_bytes: database.graph.index_bytes().ok(), ..counts });
        let place = database.place();
        drop(database);
        self.held.lock().insert(place.id, counts);
        // What an encrypted database holds is not written in plain.
        if let Some(counts) = counts.filter(|_| !place.is_encrypted) {
            keep(&*self.engine, &place, counts);
        }
    }
}

fn keep(engine: &dyn Engine, place: &Place, counts: Counts) {
    let options = store::OpenOptions { identity: Some(place.id.0), ..Default::default() };
    if let Some(commit) = engine.closed_commit(&place.folder, &options) {
        counts.write(place, commit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_of_its_commit_and_database_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let id = DatabaseId([7; 16]);
        let place = Place { id, folder: folder.path().to_owned(), is_encrypted: false };
        let counts =
            Counts { nodes: 3, relationships: 2, used_bytes: 8_192, file_bytes: 12_288, index_bytes: Some(512) };
        counts.write(&place, 9);
        assert_eq!(Counts::read(folder.path(), id, 9), Some(counts));
        assert_eq!(Counts::read(folder.path(), id, 10), None);
        assert_eq!(Counts::read(folder.path(), DatabaseId([8; 16]), 9), None);
        let path = folder.path().join(FILE);
        let bytes = fs::read(&path).expect("is there");
        for (bit, cut) in [(100, bytes.len()), (300, bytes.len()), (0, 40), (0, 0)] {
            let mut bad = bytes[..cut].to_vec();
            if let Some(byte) = bad.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
            fs::write(&path, bad).expect("writes");
            assert_eq!(Counts::read(folder.path(), id, 9), None, "bit {bit} of {cut} bytes");
        }
        remove(folder.path());
        assert_eq!(Counts::read(folder.path(), id, 9), None);
    }
}
