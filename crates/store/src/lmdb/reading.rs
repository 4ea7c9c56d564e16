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
        for (place, key) in keys.iter().enumerate() {
            visit(place, self.get(key)?);
        }
        Ok(())
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
