//! Reads that a snapshot and a write transaction have in common.
//! Opens no transaction and keeps nothing; `snapshot` and `writer` do. Start reading at [`Reading::get`].
//!
//! A changed bit in a key, of an entry or of a page above, leads a search astray or moves an entry past it, and always
//! right beside where the search ends. So whoever finds an entry checks its checksum, and whoever finds none, or begins a
//! range between two entries, checks both of these: their sums, and that they lie on either side.

use std::ops::{Bound, Range};
use std::path::Path;

use heed::types::Bytes;
use heed::{AnyTls, RoRange, RoTxn};

use super::beside;
use super::error::from_heed;
use super::sum::Sums;
use crate::{StoreError, VisitMany};

/// The one keyspace of an environment: LMDB's unnamed database, which costs no page of its own.
pub(super) type Keyspace = heed::Database<'static, Bytes, Bytes>;

/// Fewer keys than this are looked up one by one.
const WALK_MIN: usize = 4;

/// An entry where it lies, its value without its checksum.
type Entry<'t> = (&'t [u8], &'t [u8]);

/// What a read needs; a few pointers.
#[derive(Clone, Copy)]
pub(super) struct Reading<'t> {
    pub txn: &'t RoTxn<'t, AnyTls>,
    pub keys: Keyspace,
    pub sums: Sums,
    pub file: &'t Path,
    /// Every entry lies in the map: a write transaction has pages elsewhere.
    pub is_mapped: bool,
}

impl<'t> Reading<'t> {
    pub(super) fn get(self, key: &[u8]) -> Result<Option<&'t [u8]>, StoreError> {
        if key.is_empty() {
            return Ok(None);
        }
        match self.keys.get(self.txn, key).map_err(|error| self.failed(error))? {
            Some(stored) => self.open(key, stored).map(Some),
            None => self.check_gap(key).map(|()| None),
        }
    }

    pub(super) fn scan(
        self,
        range: Range<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        self.scan_many(&[range], &mut |_, key, value| visit(key, value))
    }

    pub(super) fn scan_back(
        self,
        range: Range<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        if range.is_empty() {
            return Ok(());
        }
        self.check_behind(range.end)?;
        let down = (Bound::Unbounded, Bound::Excluded(range.end));
        for entry in self.keys.rev_range(self.txn, &down).map_err(|error| self.failed(error))? {
            let (key, value) = self.opened(entry)?;
            self.check(key < range.end)?;
            if key < range.start || !visit(key, value) {
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

    /// Checks the entries between which `key` would lie, which is not there.
    ///
    /// Costs one more search, which those who find what they look for do not pay.
    pub(super) fn check_gap(self, key: &[u8]) -> Result<(), StoreError> {
        let behind = self.check_behind(key)?;
        self.check(behind.is_none_or(|(behind, _)| behind > key))?;
        self.check_before(key, behind)
    }

    /// Checks the last entry before `key`; `behind` is the one that comes next.
    fn check_before(self, key: &[u8], behind: Option<Entry<'t>>) -> Result<(), StoreError> {
        if self.sums == Sums::None {
            return Ok(());
        }
        match self.before(key, behind)? {
            Some(before) => self.open(before.0, before.1).and_then(|_| self.check(before.0 < key)),
            None => Ok(()),
        }
    }

    /// Gives the last entry before `key`, as it is stored.
    #[expect(unsafe_code, reason = "looking on the page of an entry; see the one block")]
    fn before(self, key: &[u8], behind: Option<Entry<'t>>) -> Result<Option<Entry<'t>>, StoreError> {
        let before = match behind {
            // SAFETY: `is_mapped` says that the transaction, which outlives `'t`, only reads; the entry comes from it.
            Some((behind, _)) if self.is_mapped => unsafe { beside::before(behind) },
            Some(_) => None,
            None => return self.keys.last(self.txn).map_err(|error| self.failed(error)),
        };
        match before {
            Some(before) => Ok(Some(before)),
            None => self.keys.get_lower_than(self.txn, key).map_err(|error| self.failed(error)),
        }
    }

    /// Checks the first entry that is not before `key`, and gives it; nothing where entries have no sums.
    fn check_behind(self, key: &[u8]) -> Result<Option<Entry<'t>>, StoreError> {
        if self.sums == Sums::None {
            return Ok(None);
        }
        let behind = self.keys.get_greater_than_or_equal_to(self.txn, key).transpose();
        let behind = behind.map(|behind| self.opened(behind)).transpose()?;
        self.check(behind.is_none_or(|(behind, _)| behind >= key))?;
        Ok(behind)
    }

    /// Gives an entry without its checksum, which has to be right.
    fn opened(self, entry: Result<Entry<'t>, heed::Error>) -> Result<Entry<'t>, StoreError> {
        let (key, stored) = entry.map_err(|error| self.failed(error))?;
        Ok((key, self.open(key, stored)?))
    }

    #[inline]
    fn open(self, key: &[u8], stored: &'t [u8]) -> Result<&'t [u8], StoreError> {
        self.sums.open(key, stored).ok_or_else(|| self.damaged("an entry fails its checksum"))
    }

    /// Fails where entries with sums are not in the order of their keys.
    fn check(self, in_order: bool) -> Result<(), StoreError> {
        if in_order || self.sums == Sums::None { Ok(()) } else { Err(self.damaged("its keys are out of order")) }
    }

    #[cold]
    fn damaged(&self, reason: &str) -> StoreError {
        StoreError::Damaged { file: self.file.to_owned(), reason: reason.to_owned() }
    }

    fn failed(&self, error: heed::Error) -> StoreError {
        from_heed(error, self.file, "read the database")
    }
}

/// Goes through ranges that lie behind each other, by steps where they are near and by searches where they are far.
struct Walk<'t, 'k> {
    reading: Reading<'t>,
    entries: Option<RoRange<'t, Bytes, Bytes>>,
    here: Option<Entry<'t>>,
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
        self.step()?;
        match self.here {
            // Nothing lies between a key and itself.
            Some((key, _)) if key == start => Ok(()),
            here => {
                self.reading.check(here.is_none_or(|(key, _)| key > start))?;
                if start.is_empty() { Ok(()) } else { self.reading.check_before(start, here) }
            }
        }
    }

    fn step(&mut self) -> Result<(), StoreError> {
        let next = self.entries.as_mut().and_then(Iterator::next);
        self.here = next.map(|entry| self.reading.opened(entry)).transpose()?;
        Ok(())
    }
}
