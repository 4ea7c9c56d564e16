//! The write transaction as the door shows it; it never leaves the function that began it.
//! Decides nothing about growth or poison; `store` reads [`LmdbWriter::trouble`] and does.
//! Start reading at [`LmdbWriter`].

use std::marker::PhantomData;
use std::ops::{Bound, Range};
use std::path::Path;

use heed::{MdbError, PutFlags, RwTxn};

use super::error::from_heed;
use super::reading::{Keyspace, Reading};
use super::sum::Sums;
use crate::{Lent, Reader, StoreError, VisitMany, Writer, check_lengths};

/// A write transaction that stays on its thread.
pub(super) struct LmdbWriter<'s> {
    txn: RwTxn<'s>,
    keys: Keyspace,
    sums: Sums,
    /// Where values get their sums, one after the other.
    room: Vec<u8>,
    file: &'s Path,
    trouble: Trouble,
    // heed's transaction may be sent to another thread by safe code, where its commit would return `Ok` and then
    // block every later writer: LMDB's mutex belongs to the thread that took it. A raw pointer makes ours stay.
    _stays: PhantomData<*const ()>,
}

/// What went wrong in a transaction so far; LMDB refuses to commit after either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Nothing,
    /// The map has no room; with a larger one the same work may succeed.
    MapFull,
    /// A page could not be written or read.
    Broken,
}

impl<'s> LmdbWriter<'s> {
    pub(super) fn new(txn: RwTxn<'s>, keys: Keyspace, sums: Sums, file: &'s Path) -> Self {
        Self { txn, keys, sums, room: Vec::new(), file, trouble: Trouble::Nothing, _stays: PhantomData }
    }

    pub(super) fn trouble(&self) -> Trouble {
        self.trouble
    }

    pub(super) fn commit(self) -> Result<(), heed::Error> {
        self.txn.commit()
    }

    fn reading(&self) -> Reading<'_> {
        Reading { txn: &self.txn, keys: self.keys, sums: self.sums, file: self.file, is_mapped: false }
    }

    fn failed(&mut self, error: heed::Error) -> StoreError {
        self.trouble = match error {
            heed::Error::Mdb(MdbError::MapFull) => Trouble::MapFull,
            _ => Trouble::Broken,
        };
        from_heed(error, self.file, "write the database")
    }
}

impl Reader for LmdbWriter<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Lent<'_>>, StoreError> {
        Ok(self.reading().get(key)?.map(Lent::Borrowed))
    }

    fn scan(&self, range: Range<&[u8]>, visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError> {
        self.reading().scan(range, visit)
    }

    fn scan_back(&self, range: Range<&[u8]>, visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError> {
        self.reading().scan_back(range, visit)
    }

    fn scan_many(&self, ranges: &[Range<&[u8]>], visit: VisitMany<'_>) -> Result<(), StoreError> {
        self.reading().scan_many(ranges, visit)
    }

    fn get_many(&self, keys: &[&[u8]], visit: &mut dyn FnMut(usize, Option<&[u8]>)) -> Result<(), StoreError> {
        self.reading().get_many(keys, visit)
    }
}

impl Writer for LmdbWriter<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        check_lengths(key, value)?;
        types::way::step();
        let stored = self.sums.with(key, value, &mut self.room);
        self.keys.put(&mut self.txn, key, stored).map_err(|error| self.failed(error))
    }

    fn append(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        check_lengths(key, value)?;
        types::way::step();
        let stored = self.sums.with(key, value, &mut self.room);
        match self.keys.put_with_flags(&mut self.txn, PutFlags::APPEND, key, stored) {
            // LMDB found a greater or an equal key and changed nothing.
            Err(heed::Error::Mdb(MdbError::KeyExist)) => Err(StoreError::Order),
            other => other.map_err(|error| self.failed(error)),
        }
    }

    fn delete(&mut self, key: &[u8]) -> Result<bool, StoreError> {
        if key.is_empty() {
            return Ok(false);
        }
        types::way::step();
        let deleted = self.keys.delete(&mut self.txn, key).map_err(|error| self.failed(error))?;
        if !deleted {
            self.reading().check_gap(key)?;
        }
        Ok(deleted)
    }

    fn delete_range(&mut self, range: Range<&[u8]>) -> Result<(), StoreError> {
        if range.is_empty() {
            return Ok(());
        }
        if self.sums == Sums::Each {
            // What a flipped bit moved into the range is not to go with it, nor what it moved out to stay.
            self.reading().scan(range.clone(), &mut |_, _| true)?;
        }
        let deleted = self.keys.delete_range(&mut self.txn, &bounds(&range));
        deleted.map(drop).map_err(|error| self.failed(error))
    }

    fn used_bytes(&self) -> Result<u64, StoreError> {
        let stat = self.keys.stat(&self.txn).map_err(|error| from_heed(error, self.file, "read the database"))?;
        Ok(super::store::used_bytes(&stat))
    }
}

/// Words a range as LMDB wants it: an empty key is no key there, so it becomes "from the first".
fn bounds<'k>(range: &Range<&'k [u8]>) -> (Bound<&'k [u8]>, Bound<&'k [u8]>) {
    let start = if range.start.is_empty() { Bound::Unbounded } else { Bound::Included(range.start) };
    (start, Bound::Excluded(range.end))
}
