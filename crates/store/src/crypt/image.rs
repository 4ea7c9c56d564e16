//! The image of an encrypted store: its entries in order, sealed in chunks under a key that is the image's own.
//! Start reading at [`CryptImage::take`], then [`load`]; the table is in `docs/format/crypt.md`.
//!
//! The key of the store does not travel: a backup outlives the key of its database, and a copy gets another one. The
//! key of the image stands at its beginning, sealed by the server.

use std::ops::Bound;
use std::path::PathBuf;

use super::cipher::{DataKey, ID_BYTES, KEY_BYTES, KeyId, SEAL_BYTES, clear};
use super::key_file::SealsKeys;
use super::snapshot::CryptSnapshot;
use super::store::CryptStore;
use crate::{Image, Store, StoreError, check_lengths};

/// What images of this engine are called; the number grows with their format.
pub const KIND: &str = "crypt 1";
const MAGIC: [u8; 8] = *b"SHEAFCI\n";
/// Bytes before the sealed key: magic, name of the key, length.
const HEAD_BYTES: usize = 8 + ID_BYTES + 4;
/// Bytes of a chunk before it is sealed; the last one may be shorter.
const CHUNK_BYTES: usize = 16 << 10;
/// Bytes before an entry: lengths of key and value.
const LENGTHS_BYTES: usize = 8;
/// Bytes of entries that one transaction takes.
const BATCH_BYTES: usize = 4 << 20;
/// Longest sealed key that is believed.
const SEALED_MAX_BYTES: usize = 4096;

/// Tells whether an image begins so.
pub(crate) fn is_image(piece: &[u8]) -> bool {
    piece.starts_with(&MAGIC)
}

/// Lends the key at the beginning of an image, as the server sealed it; nothing where `piece` begins no image.
#[must_use]
pub fn sealed_key(piece: &[u8]) -> Option<&[u8]> {
    let head = head_bytes(piece).filter(|_| is_image(piece))?;
    piece.get(HEAD_BYTES..head)
}

/// Tells whether the key of an image can be had, by its first piece.
///
/// Errors: [`StoreError::ImageKey`] where it cannot; [`StoreError::NotOurs`] where it begins no image.
pub fn try_key(piece: &[u8], seals: &dyn SealsKeys) -> Result<(), StoreError> {
    let refuse = |reason: &str| StoreError::NotOurs { file: PathBuf::from("the image"), reason: reason.to_owned() };
    let head = head_bytes(piece).filter(|head| is_image(piece) && piece.len() >= *head);
    let head = head.ok_or_else(|| refuse("it does not begin as an image of an encrypted database"))?;
    key_of(&piece[..head], seals, &refuse).map(drop)
}

/// All entries of a snapshot, on their way out.
pub(super) struct CryptImage {
    snapshot: CryptSnapshot,
    key: DataKey,
    /// What stands before the first chunk, until it was read.
    head: Vec<u8>,
    bytes: u64,
    /// Chunks in all, and how many were read.
    chunks: u64,
    read: u64,
    /// Entries that were taken and not sealed yet.
    open: Vec<u8>,
    /// The last key that was taken.
    after: Option<Vec<u8>>,
}

impl CryptImage {
    pub(super) fn take(snapshot: CryptSnapshot, seals: &dyn SealsKeys) -> Result<Self, StoreError> {
        let (key, mut secret) = DataKey::new();
        let sealed = seals.seal(&context(key.id), &secret);
        clear(&mut secret);
        let mut head = MAGIC.to_vec();
        head.extend_from_slice(&key.id);
        head.extend_from_slice(&u32::try_from(sealed.len()).expect("a sealed key is short").to_le_bytes());
        head.extend_from_slice(&sealed);
        let plain = snapshot.bytes + LENGTHS_BYTES as u64 * snapshot.entries()?;
        let chunks = plain.div_ceil(CHUNK_BYTES as u64).max(1);
        let bytes = head.len() as u64 + plain + chunks * SEAL_BYTES as u64;
        Ok(Self { snapshot, key, head, bytes, chunks, read: 0, open: Vec::new(), after: None })
    }

    /// Takes entries until a chunk is full, or there are no more.
    fn fill(&mut self) -> Result<(), StoreError> {
        let start = self.after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let reading = self.snapshot.reading();
        let failed = |error: redb::StorageError| super::error::of_redb(error, reading.vault, "read the database");
        let mut last = None;
        for entry in reading.table.range::<&[u8]>((start, Bound::Unbounded)).map_err(failed)? {
            let (key, value) = entry.map_err(failed)?;
            for length in [key.value().len(), value.value().len()] {
                self.open.extend_from_slice(&u32::try_from(length).expect("lengths are bounded").to_le_bytes());
            }
            self.open.extend_from_slice(key.value());
            self.open.extend_from_slice(value.value());
            last = Some(key.value().to_vec());
            // Many chunks at once: finding the place again costs more than keeping them.
            if self.open.len() >= 16 * CHUNK_BYTES {
                break;
            }
        }
        if last.is_some() {
            self.after = last;
        }
        Ok(())
    }

    fn chunk(&mut self, piece: &mut Vec<u8>) -> Result<(), StoreError> {
        if self.open.len() < CHUNK_BYTES {
            self.fill()?;
        }
        let is_last = self.read + 1 == self.chunks;
        let bytes = CHUNK_BYTES.min(self.open.len());
        let from = piece.len();
        piece.resize(from + bytes + SEAL_BYTES, 0);
        self.key.seal(&chunk_context(self.read, is_last), &self.open[..bytes], &mut piece[from..]);
        clear(&mut self.open[..bytes]);
        self.open.drain(..bytes);
        self.read += 1;
        Ok(())
    }
}

impl Image for CryptImage {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read(&mut self, piece: &mut Vec<u8>, bytes_max: usize) -> Result<bool, StoreError> {
        piece.clear();
        piece.append(&mut self.head);
        while self.read < self.chunks && (piece.is_empty() || piece.len() + CHUNK_BYTES < bytes_max) {
            self.chunk(piece)?;
        }
        Ok(!piece.is_empty())
    }
}

/// Puts the entries of an image into an empty store, in order and unsynced.
pub(super) fn load(
    store: &CryptStore,
    seals: &dyn SealsKeys,
    refuse: &dyn Fn(&str) -> StoreError,
    next: &mut dyn FnMut(&mut Vec<u8>) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let (mut sealed, mut piece) = (Vec::new(), Vec::new());
    let mut more = true;
    while more && head_bytes(&sealed).is_none_or(|bytes| sealed.len() < bytes) {
        more = next(&mut piece)?;
        if more {
            sealed.extend_from_slice(&piece);
        }
        if sealed.len() >= 8 && !is_image(&sealed) {
            return Err(refuse("it does not begin as an image of an encrypted database"));
        }
    }
    let head = head_bytes(&sealed).filter(|bytes| sealed.len() >= *bytes);
    let head = head.ok_or_else(|| refuse("it ends before it begins"))?;
    let key = key_of(&sealed[..head], seals, refuse)?;
    sealed.drain(..head);
    let (mut read, mut entries) = (0, Vec::new());
    loop {
        // The last chunk is known by nothing following: only what has something behind it is opened as not the last.
        while sealed.len() > CHUNK_BYTES + SEAL_BYTES {
            open(&key, read, false, &sealed[..CHUNK_BYTES + SEAL_BYTES], &mut entries, refuse)?;
            sealed.drain(..CHUNK_BYTES + SEAL_BYTES);
            read += 1;
            if entries.len() >= BATCH_BYTES {
                put(store, &mut entries, refuse)?;
            }
        }
        if !(more && next(&mut piece)?) {
            break;
        }
        sealed.extend_from_slice(&piece);
    }
    open(&key, read, true, &sealed, &mut entries, refuse)?;
    put(store, &mut entries, refuse)?;
    if entries.is_empty() { Ok(()) } else { Err(refuse("it ends within an entry")) }
}

/// Counts the bytes before the first chunk, once enough of them are there to tell.
fn head_bytes(sealed: &[u8]) -> Option<usize> {
    let length = sealed.get(8 + ID_BYTES..HEAD_BYTES)?;
    let length = u32::from_le_bytes(length.try_into().expect("four bytes were cut"));
    Some(HEAD_BYTES + (length as usize).min(SEALED_MAX_BYTES))
}

fn key_of(head: &[u8], seals: &dyn SealsKeys, refuse: &dyn Fn(&str) -> StoreError) -> Result<DataKey, StoreError> {
    let id: KeyId = head[8..8 + ID_BYTES].try_into().expect("bytes were cut to their length");
    let opened = seals.unseal(&context(id), &head[HEAD_BYTES..]);
    let mut secret = opened.map_err(|reason| StoreError::ImageKey { reason })?;
    let key = <&[u8; KEY_BYTES]>::try_from(&secret[..]).map(|bytes| DataKey::of(id, bytes));
    clear(&mut secret);
    key.map_err(|_| refuse("its key has another length than keys have"))
}

fn open(
    key: &DataKey,
    number: u64,
    is_last: bool,
    sealed: &[u8],
    entries: &mut Vec<u8>,
    refuse: &dyn Fn(&str) -> StoreError,
) -> Result<(), StoreError> {
    let from = entries.len();
    let bytes = sealed.len().checked_sub(SEAL_BYTES).ok_or_else(|| refuse("it ends within a chunk"))?;
    entries.resize(from + bytes, 0);
    if key.open(&chunk_context(number, is_last), sealed, &mut entries[from..]) {
        return Ok(());
    }
    Err(refuse(&format!("chunk {number} was changed, or is not where it belongs")))
}

/// Puts whole entries into the store; what is left is the beginning of the next one.
fn put(store: &CryptStore, entries: &mut Vec<u8>, refuse: &dyn Fn(&str) -> StoreError) -> Result<(), StoreError> {
    let mut taken = 0;
    store.write_unsynced(&mut |writer| {
        taken = 0;
        while let Some((key, value)) = entry(&entries[taken..]) {
            check_lengths(key, value)?;
            match writer.append(key, value) {
                Err(StoreError::Order) => return Err(refuse("its entries are not in order")),
                put => put?,
            }
            taken += LENGTHS_BYTES + key.len() + value.len();
        }
        Ok(())
    })?;
    entries.drain(..taken);
    Ok(())
}

fn entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (lengths, rest) = bytes.split_at_checked(LENGTHS_BYTES)?;
    let length = |at: usize| u32::from_le_bytes(lengths[at..at + 4].try_into().expect("four bytes were cut"));
    let (key, rest) = rest.split_at_checked(length(0) as usize)?;
    Some((key, rest.get(..length(4) as usize)?))
}

fn context(id: KeyId) -> String {
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("image:{hex}")
}

fn chunk_context(number: u64, is_last: bool) -> [u8; 9] {
    let mut context = [u8::from(is_last); 9];
    context[..8].copy_from_slice(&number.to_le_bytes());
    context
}
