//! The first page of an encrypted file, the only one that is not: what it is, whose, and under which key.

use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::cipher::{DataKey, ID_BYTES, KeyId, SEAL_BYTES};
use super::error::damaged;
use crate::StoreError;

/// Bytes of the page.
pub(super) const HEADER_BYTES: usize = 4096;
const MAGIC: [u8; 8] = *b"SHEAFCR\n";
const FORMAT: u32 = 1;
/// Bytes that the check is about.
const HEAD_BYTES: usize = 40;
const SUM_AT: usize = HEAD_BYTES + SEAL_BYTES;
const PRINTED_BYTES: usize = SUM_AT + 8;

/// What stands in the open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The id of the database; zeros if none was given.
    pub identity: [u8; 16],
    /// The key that everything else is under.
    pub key: KeyId,
    /// The seal of nothing, which that key opens and no other one.
    check: [u8; SEAL_BYTES],
}

impl Header {
    pub(super) fn new(identity: [u8; 16], key: &DataKey) -> Self {
        let mut header = Self { identity, key: key.id, check: [0; SEAL_BYTES] };
        let head = header.head();
        key.seal(&head, &[], &mut header.check);
        header
    }

    /// Tells whether everything else is under this key, and the header as it was written.
    pub(super) fn is_under(&self, key: &DataKey) -> bool {
        key.open(&self.head(), &self.check, &mut [])
    }

    pub(super) fn print(&self) -> [u8; PRINTED_BYTES] {
        let mut bytes = [0; PRINTED_BYTES];
        bytes[..HEAD_BYTES].copy_from_slice(&self.head());
        bytes[HEAD_BYTES..SUM_AT].copy_from_slice(&self.check);
        let sum = xxh3_64(&bytes[..SUM_AT]);
        bytes[SUM_AT..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    pub(super) fn parse(bytes: &[u8], file: &Path) -> Result<Self, StoreError> {
        let not_ours = |reason: &str| StoreError::NotOurs { file: file.to_owned(), reason: reason.to_owned() };
        let bytes = bytes.get(..PRINTED_BYTES).ok_or_else(|| not_ours("it is too short"))?;
        if bytes[..8] != MAGIC {
            return Err(not_ours("it does not begin as an encrypted database"));
        }
        if bytes[SUM_AT..] != xxh3_64(&bytes[..SUM_AT]).to_le_bytes() {
            return Err(damaged(file, "its header fails its checksum"));
        }
        let format = u32::from_le_bytes(bytes[8..12].try_into().expect("four bytes were cut"));
        if format != FORMAT {
            return Err(not_ours(&format!("it has format {format}")));
        }
        let cut = "bytes were cut to their length";
        Ok(Self {
            identity: bytes[16..32].try_into().expect(cut),
            key: bytes[32..HEAD_BYTES].try_into().expect(cut),
            check: bytes[HEAD_BYTES..SUM_AT].try_into().expect(cut),
        })
    }

    fn head(&self) -> [u8; HEAD_BYTES] {
        let mut head = [0; HEAD_BYTES];
        head[..8].copy_from_slice(&MAGIC);
        head[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        head[16..32].copy_from_slice(&self.identity);
        head[32..32 + ID_BYTES].copy_from_slice(&self.key);
        head
    }
}
