//! Keys of the journals of encrypted databases: each file has one of its own, which the server seals.
//! Leaves the cipher to `crypt` and frames to `format`. Start reading at [`FileKey::new`].
//!
//! The key stands behind the header, so a copy of a file is read by whoever has the server's keys, after the database has a
//! new key or is gone. A file that goes has its key written over first.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rand::RngCore;
use types::failpoint;
use xxhash_rust::xxh3::xxh3_64;

use super::JournalError;
use super::folder::failed;
use super::format::HEADER_BYTES;
use crate::crypt::SealsKeys;
use crate::crypt::cipher::{DataKey, ID_BYTES, KEY_BYTES, KeyId, SEAL_BYTES, clear};

/// Bytes of the sealed key behind a header.
pub(super) const BLOCK_BYTES: usize = 168;
/// Bytes before the sealed key: name of the key, length.
const FRONT_BYTES: usize = ID_BYTES + 2;
const SUM_AT: usize = BLOCK_BYTES - 8;

/// What opens the records of one file.
pub(super) struct FileKey(DataKey);

impl FileKey {
    /// Makes up a key; gives the block that stands for it behind the header.
    pub fn new(seals: &dyn SealsKeys, identity: [u8; 16]) -> (Self, [u8; BLOCK_BYTES]) {
        let (key, mut secret) = DataKey::new();
        let sealed = seals.seal(&context(identity, key.id), &secret);
        clear(&mut secret);
        let block = block_of(key.id, &sealed);
        (Self(key), block)
    }

    /// Opens the key of a file; the error says in words what is missing.
    pub fn open(seals: &dyn SealsKeys, identity: [u8; 16], block: &[u8; BLOCK_BYTES]) -> Result<Self, String> {
        let (id, sealed) = parts(block)?;
        let mut secret = seals.unseal(&context(identity, id), sealed)?;
        let key = <&[u8; KEY_BYTES]>::try_from(&secret[..]).map(|bytes| DataKey::of(id, bytes));
        clear(&mut secret);
        key.map(Self).map_err(|_| "its key has another length than keys have".to_owned())
    }

    /// Seals what a frame holds into `out`, longer by [`SEAL_BYTES`]; it opens behind this head only.
    pub fn seal(&self, head: &[u8], plain: &[u8], out: &mut [u8]) {
        self.0.seal(head, plain, out);
    }

    /// Opens what a frame holds into `out`; `false` where it is not authentic.
    #[must_use]
    pub fn unseal(&self, head: &[u8], sealed: &[u8], out: &mut Vec<u8>) -> bool {
        out.clear();
        let Some(bytes) = sealed.len().checked_sub(SEAL_BYTES) else { return false };
        out.resize(bytes, 0);
        self.0.open(head, sealed, out)
    }
}

/// Tells whether a block is as it was written.
pub(super) fn is_block(block: &[u8; BLOCK_BYTES]) -> bool {
    block[SUM_AT..] == xxh3_64(&block[..SUM_AT]).to_le_bytes()
}

/// Has the newest key of the server seal the key of a file, and waits for the disk; tells whether an older one did.
pub(super) fn renew(path: &Path, identity: [u8; 16], seals: &dyn SealsKeys) -> Result<bool, JournalError> {
    let file = File::options().read(true).write(true).open(path).map_err(failed("open a journal"))?;
    let mut block = [0; BLOCK_BYTES];
    file.read_exact_at(&mut block, HEADER_BYTES as u64).map_err(failed("read the key of a journal"))?;
    let unknown = |reason: String| JournalError::Key { file: path.to_owned(), reason };
    if !is_block(&block) {
        return Err(unknown("the key behind its header fails its checksum".to_owned()));
    }
    let (id, sealed) = parts(&block).map_err(|reason| unknown(reason.to_owned()))?;
    let Some(sealed) = seals.renew(&context(identity, id), sealed).map_err(unknown)? else { return Ok(false) };
    // It lies within the file's first 512 bytes, which a disk writes wholly or not at all.
    let written = file.write_all_at(&block_of(id, &sealed), HEADER_BYTES as u64);
    written.and_then(|()| file.sync_all()).map_err(failed("write the key of a journal"))?;
    failpoint::reach("journal.key.renewed");
    Ok(true)
}

/// Writes the block that stands for a sealed key.
fn block_of(id: KeyId, sealed: &[u8]) -> [u8; BLOCK_BYTES] {
    let mut block = [0; BLOCK_BYTES];
    block[..ID_BYTES].copy_from_slice(&id);
    let length = u16::try_from(sealed.len()).expect("a sealed key is short");
    block[ID_BYTES..FRONT_BYTES].copy_from_slice(&length.to_le_bytes());
    block[FRONT_BYTES..FRONT_BYTES + sealed.len()].copy_from_slice(sealed);
    let sum = xxh3_64(&block[..SUM_AT]);
    block[SUM_AT..].copy_from_slice(&sum.to_le_bytes());
    block
}

/// Cuts a block into the name of its key and the sealed key.
fn parts(block: &[u8; BLOCK_BYTES]) -> Result<(KeyId, &[u8]), &'static str> {
    let id: KeyId = block[..ID_BYTES].try_into().expect("bytes were cut to their length");
    let length = usize::from(u16::from_le_bytes([block[ID_BYTES], block[ID_BYTES + 1]]));
    let sealed = block[FRONT_BYTES..SUM_AT].get(..length).ok_or("its key has an impossible length")?;
    Ok((id, sealed))
}

/// Writes over the key of a file and waits for the disk: from then on nobody reads what stays of it.
pub(super) fn erase(path: &Path) -> io::Result<()> {
    let file = File::options().write(true).open(path)?;
    let mut noise = [0; BLOCK_BYTES];
    rand::rng().fill_bytes(&mut noise);
    file.write_all_at(&noise, HEADER_BYTES as u64)?;
    file.sync_all()?;
    failpoint::reach("journal.key.erased");
    Ok(())
}

/// What a key is sealed for: no other database's journal, and no other key's.
fn context(identity: [u8; 16], id: KeyId) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("journal:{}:{}", hex(&identity), hex(&id))
}
