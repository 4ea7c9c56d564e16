//! Reads that a snapshot and a write transaction have in common.
//! Opens no transaction and keeps nothing; `snapshot` and `writer` do. Start reading at [`get`].

use std::ops::{Bound, Range};
use std::path::Path;

use heed::types::Bytes;
use heed::{AnyTls, RoRange, RoTxn};

use super::error::from_heed;
use crate::{StoreError, VisitMany};

/// The one keyspace of an environment: LMDB's unnamed database, which costs no page of its own.
pub(super) type Keyspace = heed::Database<'static, Bytes, Bytes>;

/// Fewer keys than this are looked up one by one.
const WALK_MIN: usize = 4;
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

    pub(super) fn scan_many(self, ranges: &[Range<&[u8]>], visit: VisitMany<'_>) -> Result<(), StoreError> {
        let mut walk = Walk::new(self);
        for (place, range) in ranges.iter().enumerate() {
            if range.is_empty() {
                continue;
            }
            walk.reach(range)?;
            while let Some((key, value)) = walk.here
                && key < range.end
                && visit(place, key, value)
            {
                walk.step()?;
            }
        }
        Ok(())
    }

    pub(super) fn get_many(
        self,
        keys: &[&[u8]],
        visit: &mut dyn FnMut(usize, Option<&[u8]>),
    ) -> Result<(), StoreError> {
        let mut walk = Walk::new(self);
        // Keys out of order, and keys that lie far apart, are cheaper to look up one by one.
        let walks = keys.len() >= WALK_MIN && keys.is_sorted();
        for (place, key) in keys.iter().enumerate() {
            let value = if walks && !key.is_empty() && walk.luck > 0 {
                walk.reach(&(*key..*key))?;
                walk.here.filter(|(at, _)| at == key).map(|(_, value)| value)
            } else {
                self.get(key)?
            };
            visit(place, value);
        }
        Ok(())
    }

    fn failed(&self, error: heed::Error) -> StoreError {
        from_heed(error, self.file, "read the database")
    }
}

/// Goes through ranges that lie behind each other, by steps where they are near and by searches where they are far.
struct Walk<'t, 'k> {
    reading: Reading<'t>,
    entries: Option<RoRange<'t, Bytes, Bytes>>,
    here: Option<(&'t [u8], &'t [u8])>,
    /// Where the range before ended: nothing behind it was passed.
    end: &'k [u8],
    /// Steps that the next range is worth; grows when they lead there, falls when they do not.
    luck: u32,
    /// Searches since steps were last tried.
    searches: u32,
}

/// Most steps before a search, which costs about as much as eight.
const LUCK_MAX: u32 = 8;
/// Searches after which a step is tried again: ranges that were far apart may have become near.
const SEARCHES_MAX: u32 = 16;

impl<'t, 'k> Walk<'t, 'k> {
    fn new(reading: Reading<'t>) -> Self {
        Self { reading, entries: None, here: None, end: &[], luck: LUCK_MAX, searches: 0 }
    }

    /// Goes to the first entry that is not less than the start of `range`.
    fn reach(&mut self, range: &Range<&'k [u8]>) -> Result<(), StoreError> {
        let start = range.start;
        let is_ahead = self.entries.is_some() && self.end <= start;
        self.end = range.end;
        if is_ahead && self.luck > 0 {
            for _ in 0..=self.luck {
                match self.here {
                    Some((key, _)) if key < start => self.step()?,
                    _ => {
                        self.luck = (self.luck + 2).min(LUCK_MAX);
                        return Ok(());
                    }
                }
            }
            self.luck /= 2;
        }
        self.searches += 1;
        if self.searches.is_multiple_of(SEARCHES_MAX) {
            self.luck = self.luck.max(1);
        }
        let from = if start.is_empty() { Bound::Unbounded } else { Bound::Included(start) };
        let entries = self.reading.keys.range(self.reading.txn, &(from, Bound::Unbounded));
        self.entries = Some(entries.map_err(|error| self.reading.failed(error))?);
        self.step()
    }

    fn step(&mut self) -> Result<(), StoreError> {
        let next = self.entries.as_mut().and_then(Iterator::next).transpose();
        self.here = next.map_err(|error| self.reading.failed(error))?;
        Ok(())
    }
}

/// Words a range as LMDB wants it: an empty key is no key there, so it becomes "from the first".
pub(super) fn bounds<'k>(range: &Range<&'k [u8]>) -> (Bound<&'k [u8]>, Bound<&'k [u8]>) {
    let start = if range.start.is_empty() { Bound::Unbounded } else { Bound::Included(range.start) };
    (start, Bound::Excluded(range.end))
}
