//! Reads that a snapshot and a write transaction have in common.
//! Opens no transaction and keeps nothing; `snapshot` and `writer` do. Start reading at [`get`].

use std::ops::{Bound, Range};
use std::path::Path;

use heed::types::Bytes;
use heed::{AnyTls, RoTxn};

use super::error::from_heed;
use crate::StoreError;

/// The one keyspace of an environment: LMDB's unnamed database, which costs no page of its own.
pub(super) type Keyspace = heed::Database<'static, Bytes, Bytes>;

/// Fewer keys than this are looked up one by one.
const WALK_MIN: usize = 4;
/// Steps that a walk may take for each key, on average.
const STEPS_EACH: u32 = 4;
/// Steps that it may be behind.
const STEPS_AHEAD: u32 = 64;

/// What a read needs; a value of three pointers.
#[derive(Clone, Copy)]
pub(super) struct Reading<'t> {
    pub txn: &'t RoTxn<'t, AnyTls>,
    pub keys: Keyspace,
    pub file: &'t Path,
}

impl<'t> Reading<'t> {
    pub(super) fn get(self, key: &[u8]) -> Result<Option<&'t [u8]>, StoreError> {
        if key.is_empty() {
            return Ok(None);
        }
        self.keys.get(self.txn, key).map_err(|error| self.failed(error))
    }

    pub(super) fn scan(
        self,
        range: Range<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        if range.is_empty() {
            return Ok(());
        }
        let entries = self.keys.range(self.txn, &bounds(&range)).map_err(|error| self.failed(error))?;
        for entry in entries {
            let (key, value) = entry.map_err(|error| self.failed(error))?;
            if !visit(key, value) {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn scan_back(
        self,
        range: Range<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        if range.is_empty() {
            return Ok(());
        }
        let entries = self.keys.rev_range(self.txn, &bounds(&range)).map_err(|error| self.failed(error))?;
        for entry in entries {
            let (key, value) = entry.map_err(|error| self.failed(error))?;
            if !visit(key, value) {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn get_many(
        self,
        keys: &[&[u8]],
        visit: &mut dyn FnMut(usize, Option<&[u8]>),
    ) -> Result<(), StoreError> {
        let walked = if keys.is_sorted() { self.walk(keys, visit)? } else { 0 };
        for (place, key) in keys.iter().enumerate().skip(walked) {
            visit(place, self.get(key)?);
        }
        Ok(())
    }

    /// Looks up ascending keys by walking from one to the next; gives how many it did before they lay too far apart.
    fn walk(self, keys: &[&[u8]], visit: &mut dyn FnMut(usize, Option<&[u8]>)) -> Result<usize, StoreError> {
        let (Some(first), Some(_)) = (keys.first().filter(|key| !key.is_empty()), keys.get(WALK_MIN)) else {
            return Ok(0);
        };
        let range = (Bound::Included(*first), Bound::Unbounded);
        let mut entries = self.keys.range(self.txn, &range).map_err(|error| self.failed(error))?;
        let mut next = || entries.next().transpose().map_err(|error| self.failed(error));
        let mut here = next()?;
        let mut steps_left = STEPS_AHEAD;
        for (place, key) in keys.iter().enumerate() {
            while let Some((at, _)) = here
                && at < *key
            {
                if steps_left == 0 {
                    return Ok(place);
                }
                steps_left -= 1;
                here = next()?;
            }
            visit(place, here.filter(|(at, _)| at == key).map(|(_, value)| value));
            // One step is cheap, a search costs about as much as eight.
            steps_left = (steps_left + STEPS_EACH).min(STEPS_AHEAD);
        }
        Ok(keys.len())
    }

    fn failed(&self, error: heed::Error) -> StoreError {
        from_heed(error, self.file, "read the database")
    }
}

/// Words a range as LMDB wants it: an empty key is no key there, so it becomes "from the first".
pub(super) fn bounds<'k>(range: &Range<&'k [u8]>) -> (Bound<&'k [u8]>, Bound<&'k [u8]>) {
    let start = if range.start.is_empty() { Bound::Unbounded } else { Bound::Included(range.start) };
    (start, Bound::Excluded(range.end))
}
