//! A writer that writes and records what it writes.
//! Leaves files to `trail`. Start reading at [`Recorder`].

use std::ops::Range;

use super::changes::Change;
use super::trail::Record;
use crate::{Lent, Reader, StoreError, VisitMany, Writer};

/// Writes to a store and notes each change in a record.
pub(super) struct Recorder<'w, 'r, 't> {
    pub writer: &'w mut dyn Writer,
    pub record: &'r mut Record<'t>,
}

impl Reader for Recorder<'_, '_, '_> {
    fn get(&self, key: &[u8]) -> Result<Option<Lent<'_>>, StoreError> {
        self.writer.get(key)
    }

    fn scan(&self, range: Range<&[u8]>, visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError> {
        self.writer.scan(range, visit)
    }

    fn scan_back(&self, range: Range<&[u8]>, visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError> {
        self.writer.scan_back(range, visit)
    }

    fn scan_many(&self, ranges: &[Range<&[u8]>], visit: VisitMany<'_>) -> Result<(), StoreError> {
        self.writer.scan_many(ranges, visit)
    }

    fn get_many(&self, keys: &[&[u8]], visit: &mut dyn FnMut(usize, Option<&[u8]>)) -> Result<(), StoreError> {
        self.writer.get_many(keys, visit)
    }
}

impl Writer for Recorder<'_, '_, '_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        // First the store, which refuses what is too long to be recorded.
        self.writer.put(key, value)?;
        self.record.note(Change::Put(key, value))
    }

    fn append(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.writer.append(key, value)?;
        self.record.note(Change::Put(key, value))
    }

    fn delete(&mut self, key: &[u8]) -> Result<bool, StoreError> {
        let was_there = self.writer.delete(key)?;
        if was_there {
            self.record.note(Change::Delete(key))?;
        }
        Ok(was_there)
    }

    fn delete_range(&mut self, range: Range<&[u8]>) -> Result<(), StoreError> {
        self.writer.delete_range(range.clone())?;
        if range.is_empty() { Ok(()) } else { self.record.note(Change::DeleteRange(range.start, range.end)) }
    }

    fn used_bytes(&self) -> Result<u64, StoreError> {
        self.writer.used_bytes()
    }
}
