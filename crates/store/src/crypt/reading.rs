//! Reads that a snapshot and a write transaction have in common.

use std::ops::Range;

use redb::{ReadableTable, TableDefinition};

use super::error::of_redb;
use super::vault::Vault;
use crate::{Lent, StoreError};

/// The one keyspace of a store.
pub(super) const KEYSPACE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("keyspace");
/// What is known of it as a whole.
pub(super) const FACTS: TableDefinition<'_, &str, u64> = TableDefinition::new("facts");
/// Under this name: how many bytes all keys and values have together. Behind it, as `bytes 20`, those of keys with one first byte.
pub(super) const BYTES: &str = "bytes";

/// What a read needs.
pub(super) struct Reading<'t, T> {
    pub table: &'t T,
    pub vault: &'t Vault,
}

impl<'t, T: ReadableTable<&'static [u8], &'static [u8]>> Reading<'t, T> {
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Lent<'t>>, StoreError> {
        if key.is_empty() {
            return Ok(None);
        }
        let found = self.table.get(key).map_err(|error| self.failed(error))?;
        // What was opened lies in a cache that may let go of it: the caller gets his own.
        Ok(found.map(|value| Lent::Owned(value.value().to_vec())))
    }

    pub(super) fn scan(
        &self,
        range: Range<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        if range.is_empty() {
            return Ok(());
        }
        for entry in self.table.range::<&[u8]>(range).map_err(|error| self.failed(error))? {
            let (key, value) = entry.map_err(|error| self.failed(error))?;
            if !visit(key.value(), value.value()) {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn scan_back(
        &self,
        range: Range<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        if range.is_empty() {
            return Ok(());
        }
        for entry in self.table.range::<&[u8]>(range).map_err(|error| self.failed(error))?.rev() {
            let (key, value) = entry.map_err(|error| self.failed(error))?;
            if !visit(key.value(), value.value()) {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn get_many(
        &self,
        keys: &[&[u8]],
        visit: &mut dyn FnMut(usize, Option<&[u8]>),
    ) -> Result<(), StoreError> {
        for (place, key) in keys.iter().enumerate() {
            let found = if key.is_empty() { None } else { self.table.get(*key).map_err(|error| self.failed(error))? };
            visit(place, found.as_ref().map(redb::AccessGuard::value));
        }
        Ok(())
    }

    fn failed(&self, error: redb::StorageError) -> StoreError {
        of_redb(error, self.vault, "read the database")
    }
}
