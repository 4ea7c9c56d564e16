//! How many bytes all keys and values have, by the first byte of the key: counted as they are written.
//! Start reading at [`Sizes`].

use redb::{ReadableTable, StorageError, Table};

use super::reading::BYTES;

/// Bytes of keys and values, for each first byte of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    total: u64,
    by_first: Box<[u64; 256]>,
    /// All of it stands in the file, up to what changed since.
    is_written: bool,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { total: 0, by_first: Box::new([0; 256]), is_written: false }
    }
}

impl Sizes {
    /// Reads what was written down; nothing where a server that did not know the parts wrote last.
    pub(super) fn read(facts: &impl ReadableTable<&'static str, u64>) -> Result<Option<Self>, StorageError> {
        let mut sizes = Self { is_written: true, ..Self::default() };
        for first in 0..=u8::MAX {
            let bytes = facts.get(&*name(first))?.map_or(0, |bytes| bytes.value());
            sizes.by_first[usize::from(first)] = bytes;
            sizes.total = sizes.total.saturating_add(bytes);
        }
        let total = facts.get(BYTES)?.map_or(0, |bytes| bytes.value());
        Ok((sizes.total == total).then_some(sizes))
    }

    /// Writes down what differs from what was there before.
    pub(super) fn write(
        &mut self,
        before: &Self,
        facts: &mut Table<'_, &'static str, u64>,
    ) -> Result<(), StorageError> {
        facts.insert(BYTES, self.total)?;
        for first in 0..=u8::MAX {
            let bytes = self.under(first);
            if bytes != before.under(first) || (bytes > 0 && !before.is_written) {
                facts.insert(&*name(first), bytes)?;
            }
        }
        self.is_written = true;
        Ok(())
    }

    /// Counts all keys and values.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Counts those whose keys begin with `first`.
    pub(super) fn under(&self, first: u8) -> u64 {
        self.by_first[usize::from(first)]
    }

    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) {
        let bytes = (key.len() + value.len()) as u64;
        self.total = self.total.saturating_add(bytes);
        let part = self.part(key);
        *part = part.saturating_add(bytes);
    }

    pub(super) fn remove(&mut self, key: &[u8], value_bytes: usize) {
        let bytes = (key.len() + value_bytes) as u64;
        self.total = self.total.saturating_sub(bytes);
        let part = self.part(key);
        *part = part.saturating_sub(bytes);
    }

    fn part(&mut self, key: &[u8]) -> &mut u64 {
        &mut self.by_first[usize::from(key.first().copied().unwrap_or_default())]
    }
}

fn name(first: u8) -> String {
    format!("{BYTES} {first:02x}")
}

#[cfg(test)]
mod tests {
    use redb::backends::InMemoryBackend;
    use redb::{Database, ReadableDatabase};

    use super::super::reading::FACTS;
    use super::*;

    fn read(database: &Database) -> Option<Sizes> {
        let txn = database.begin_read().expect("reads");
        Sizes::read(&txn.open_table(FACTS).expect("is there")).expect("reads")
    }

    fn write(database: &Database, write: impl FnOnce(&mut Table<'_, &'static str, u64>)) {
        let txn = database.begin_write().expect("writes");
        write(&mut txn.open_table(FACTS).expect("is there"));
        txn.commit().expect("room");
    }

    #[test]
    fn f50_parts_that_an_older_server_did_not_count_are_written_with_the_next_commit() {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).expect("makes one");
        let mut sizes = Sizes::default();
        sizes.add(b"\x10a", b"12345678");
        sizes.add(b"\x20b", b"");
        write(&database, |facts| drop(facts.insert(BYTES, 12).expect("room")));
        assert_eq!(read(&database), None, "only the sum is known");
        let before = sizes.clone();
        sizes.remove(b"\x20b", 0);
        sizes.add(b"\x20c", b"1");
        write(&database, |facts| sizes.write(&before, facts).expect("room"));
        assert_eq!(read(&database), Some(sizes.clone()));
        assert_eq!((sizes.total(), sizes.under(0x10), sizes.under(0x20)), (13, 10, 3));
        write(&database, |facts| drop(facts.insert(BYTES, 20).expect("room")));
        assert_eq!(read(&database), None, "an older server wrote since");
    }
}
