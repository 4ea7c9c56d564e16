//! Entries from one store into another, whatever engines they are of.

use crate::{END, Reader, Store, StoreError};

/// Bytes that one transaction takes.
const BATCH_BYTES: usize = 4 << 20;

/// Copies every entry of `from` into `to`, which is empty; all of it is on the disk when this returns.
///
/// `step` hears how many bytes are done, and may end the work; what is in `to` then counts for nothing.
pub fn copy(
    from: &dyn Reader,
    to: &dyn Store,
    step: &mut dyn FnMut(u64) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (mut after, mut done) = (Vec::new(), 0);
    loop {
        let mut batch: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut bytes = 0;
        from.scan(&after[..]..END, &mut |key, value| {
            bytes += key.len() + value.len();
            batch.push((key.to_vec(), value.to_vec()));
            bytes < BATCH_BYTES
        })?;
        let Some((last, _)) = batch.last() else { return to.sync() };
        // The key right behind it.
        after = [last, &[0][..]].concat();
        to.write_unsynced(&mut |writer| batch.iter().try_for_each(|(key, value)| writer.append(key, value)))?;
        done += bytes as u64;
        step(done)?;
    }
}
