//! The write transaction of an encrypted store as the door shows it; it counts the bytes that it leaves.

use std::ops::Range;

use redb::{ReadableTable, StorageError, Table};

use super::error::of_redb;
use super::reading::Reading;
use super::sizes::Sizes;
use super::vault::Vault;
use crate::{Lent, Reader, StoreError, Writer, check_lengths};

/// A write transaction that is under way.
pub(super) struct CryptWriter<'t> {
    table: Table<'t, &'static [u8], &'static [u8]>,
    vault: &'t Vault,
    /// How much there is now.
    sizes: Sizes,
    /// Bytes that all keys and values may have.
    bytes_max: u64,
    /// The greatest key, where it is known: appending looks there.
    last: Option<Vec<u8>>,
    trouble: Trouble,
}

/// What went wrong so far; nothing of the transaction is kept after either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Nothing,
    /// The largest size is reached.
    Full,
    /// A page could not be written or read.
    Broken,
}

impl<'t> CryptWriter<'t> {
    pub(super) fn new(
        table: Table<'t, &'static [u8], &'static [u8]>,
        vault: &'t Vault,
        sizes: Sizes,
        bytes_max: u64,
    ) -> Self {
        Self { table, vault, sizes, bytes_max, last: None, trouble: Trouble::Nothing }
    }

    pub(super) fn trouble(&self) -> Trouble {
        self.trouble
    }

    /// Tells how much there is now.
    pub(super) fn into_sizes(self) -> Sizes {
        self.sizes
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let old = self.table.insert(key, value).map(|old| old.map(|old| old.value().len()));
        if let Some(old) = old.map_err(|error| self.failed(error))? {
            self.sizes.remove(key, old);
        }
        self.sizes.add(key, value);
        if self.sizes.total() > self.bytes_max {
            self.trouble = Trouble::Full;
            return Err(full(self.bytes_max));
        }
        Ok(())
    }

    fn reading(&self) -> Reading<'_, Table<'t, &'static [u8], &'static [u8]>> {
        Reading { table: &self.table, vault: self.vault }
    }

    fn failed(&mut self, error: StorageError) -> StoreError {
        self.trouble = Trouble::Broken;
        of_redb(error, self.vault, "write the database")
    }
}

/// Says that the largest size is reached.
pub(super) fn full(bytes_max: u64) -> StoreError {
    StoreError::Full { reason: format!("the database reached its largest size of {bytes_max} bytes") }
}

impl Reader for CryptWriter<'_> {
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

impl Writer for CryptWriter<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        check_lengths(key, value)?;
        types::way::step();
        if self.last.as_deref().is_some_and(|last| last < key) {
            self.last = None;
        }
        self.set(key, value)
    }

    fn append(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        check_lengths(key, value)?;
        types::way::step();
        if self.last.is_none() {
            let last = self.table.last().map(|last| last.map(|(last, _)| last.value().to_vec()));
            self.last = last.map_err(|error| self.failed(error))?;
        }
        if self.last.as_deref().is_some_and(|last| last >= key) {
            return Err(StoreError::Order);
        }
        self.set(key, value)?;
        let last = self.last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(key);
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<bool, StoreError> {
        if key.is_empty() {
            return Ok(false);
        }
        types::way::step();
        self.last = None;
        let old = self.table.remove(key).map(|old| old.map(|old| old.value().len()));
        let old = old.map_err(|error| self.failed(error))?;
        if let Some(old) = old {
            self.sizes.remove(key, old);
        }
        Ok(old.is_some())
    }

    fn delete_range(&mut self, range: Range<&[u8]>) -> Result<(), StoreError> {
        if range.is_empty() {
            return Ok(());
        }
        self.last = None;
        let sizes = &mut self.sizes;
        let deleted = self.table.retain_in::<&[u8], _>(range, |key, value| {
            sizes.remove(key, value.len());
            false
        });
        deleted.map_err(|error| self.failed(error))
    }

    fn used_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.sizes.total())
    }
}
