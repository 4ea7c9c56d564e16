//! One consistent view of an encrypted store. Stands in nobody's way: the store writes on and grows.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use redb::{ReadOnlyTable, ReadableTableMetadata};

use super::error::of_redb;
use super::reading::Reading;
use super::store::Opened;
use crate::{Lent, Reader, Snapshot, StoreError};

/// A read transaction that any thread may use; the file stays open as long as it lives.
pub(super) struct CryptSnapshot {
    table: ReadOnlyTable<&'static [u8], &'static [u8]>,
    /// Bytes of all keys and values.
    pub(super) bytes: u64,
    _place: Option<Place>,
    // Goes last: what is read through the table lies in it.
    opened: Arc<Opened>,
}

/// A place among the snapshots that are open at a time.
pub(super) struct Place(Arc<AtomicU32>);

impl Place {
    pub(super) fn take(taken: &Arc<AtomicU32>, readers_max: u32) -> Result<Self, StoreError> {
        if taken.fetch_add(1, Ordering::AcqRel) >= readers_max {
            taken.fetch_sub(1, Ordering::AcqRel);
            return Err(StoreError::Readers { readers_max });
        }
        Ok(Self(Arc::clone(taken)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl CryptSnapshot {
    pub(super) fn new(
        table: ReadOnlyTable<&'static [u8], &'static [u8]>,
        bytes: u64,
        place: Option<Place>,
        opened: Arc<Opened>,
    ) -> Self {
        Self { table, bytes, _place: place, opened }
    }

    pub(super) fn entries(&self) -> Result<u64, StoreError> {
        self.table.len().map_err(|error| of_redb(error, &self.opened.vault, "count the entries"))
    }

    pub(super) fn reading(&self) -> Reading<'_, ReadOnlyTable<&'static [u8], &'static [u8]>> {
        Reading { table: &self.table, vault: &self.opened.vault }
    }
}

impl Snapshot for CryptSnapshot {}

impl Reader for CryptSnapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Lent<'_>>, StoreError> {
        self.reading().get(key)
    }

    fn scan(&self, range: Range<&[u8]>, visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError> {
        self.reading().scan(range, visit)
    }

    fn scan_back(&self, range: Range<&[u8]>, visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError> {
        self.reading().scan_back(range, visit)
    }

    fn get_many(&self, keys: &[&[u8]], visit: &mut dyn FnMut(usize, Option<&[u8]>)) -> Result<(), StoreError> {
        self.reading().get_many(keys, visit)
    }
}
