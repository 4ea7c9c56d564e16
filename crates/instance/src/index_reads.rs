//! How often each index of an open database was read, and when last; counted since the database was opened.
//! Start reading at [`IndexReads::note`].

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use types::{Clock, IndexId, SystemClock};

/// What is known of the reads of one index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    /// How many there were.
    pub(crate) count: u64,
    /// When the last one was, in nanoseconds since 1970.
    pub(crate) last_nanos: Option<i128>,
}

/// The reads of all indexes of a database.
pub(crate) struct IndexReads {
    /// When counting began, in nanoseconds since 1970.
    pub(crate) since_nanos: i128,
    reads: Mutex<FxHashMap<IndexId, Reads>>,
}

impl IndexReads {
    /// Begins to count.
    pub(crate) fn new() -> Self {
        Self { since_nanos: SystemClock.wall_nanos(), reads: Mutex::default() }
    }

    /// Counts a read.
    pub(crate) fn note(&self, index: IndexId) {
        let now = SystemClock.wall_nanos();
        let mut reads = self.reads.lock();
        let of = reads.entry(index).or_default();
        of.count += 1;
        of.last_nanos = Some(now);
    }

    /// Gives what is known of an index.
    pub(crate) fn of(&self, index: IndexId) -> Reads {
        self.reads.lock().get(&index).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_counted_by_index() {
        let reads = IndexReads::new();
        reads.note(IndexId(1));
        reads.note(IndexId(1));
        assert_eq!(reads.of(IndexId(1)).count, 2);
        assert!(reads.of(IndexId(1)).last_nanos >= Some(reads.since_nanos));
        assert_eq!(reads.of(IndexId(2)), Reads::default());
    }
}
