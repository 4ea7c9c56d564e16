//! The one door to a storage engine: ordered bytes, one keyspace a database.
//! Knows no nodes and no names of databases; `graph` and `catalog` decide what the bytes mean.
//! Start reading at [`Engine`]; behind it stand LMDB in [`lmdb`], encrypted stores in [`crypt`], and [`memory`].

mod copy;
pub mod crypt;
pub mod disk;
pub mod door;
pub mod journal;
pub mod lmdb;
pub mod memory;

pub use copy::copy;
pub use door::*;

/// Holds every engine to the limits of the door.
pub(crate) fn check_lengths(key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    if key.is_empty() || key.len() > KEY_MAX_BYTES || value.len() > VALUE_MAX_BYTES {
        return Err(StoreError::TooLong { key_bytes: key.len(), value_bytes: value.len() });
    }
    Ok(())
}
