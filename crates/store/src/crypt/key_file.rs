//! The file in which a database's key lies, sealed by the server: two places, of which one holds the key in use.
//! Leaves sealing to [`SealsKeys`] and the data to `vault`. Start reading at [`KeyFile::find`].
//!
//! Everything is written in place: a key that goes is overwritten where it lay, and never left behind in a file that
//! was renamed away. Nobody writes into the place that holds the key in use, so a write that is cut short hurts nothing.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rand::RngCore;
use types::failpoint;
use xxhash_rust::xxh3::xxh3_64;

use super::cipher::{DataKey, ID_BYTES, KEY_BYTES, KeyId, clear};
use super::error::of_io;
use crate::StoreError;

/// Name of the file.
pub(super) const KEY: &str = "data.key";
const MAGIC: [u8; 8] = *b"SHEAFKY\n";
const FORMAT: u32 = 1;
const FILE_BYTES: usize = 4096;
/// Where the two places lie; each is a sector of the disk by itself.
const PLACES: [u64; 2] = [1024, 2048];
const PLACE_BYTES: usize = 512;
/// Bytes of a place before the sealed key: name of the key, length.
const HEAD_BYTES: usize = ID_BYTES + 2;
const SUM_AT: usize = PLACE_BYTES - 8;
/// Only the owner reads and writes it.
const OWNER_ONLY: u32 = 0o600;

/// Seals the keys of databases, and opens them again; the server's keyring does.
pub trait SealsKeys: Send + Sync {
    /// Seals a secret; opening it needs the same `context`.
    fn seal(&self, context: &str, secret: &[u8]) -> Vec<u8>;

    /// Opens what was sealed for the same `context`; the error says in words which key is missing, or what is wrong.
    fn unseal(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, String>;

    /// Seals anew what an older key sealed; nothing where the newest key did.
    fn renew(&self, context: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, String>;
}

/// The file of a database's keys.
pub(super) struct KeyFile {
    file: File,
    path: PathBuf,
}

/// A sealed key, where it lies.
struct Sealed {
    place: usize,
    id: KeyId,
    sealed: Vec<u8>,
}

impl KeyFile {
    /// Makes the file with a new key in it, for a store whose files are made behind it.
    pub(super) fn create(folder: &Path, seals: &dyn SealsKeys, identity: [u8; 16]) -> Result<DataKey, StoreError> {
        let path = folder.join(KEY);
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(true).mode(OWNER_ONLY);
        let made = options.open(&path).and_then(|file| {
            let mut bytes = vec![0; FILE_BYTES];
            bytes[..8].copy_from_slice(&MAGIC);
            bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
            file.write_all_at(&bytes, 0)?;
            file.sync_all()?;
            Ok(file)
        });
        let file = made.map_err(|source| of_io(source, &path, "make the file of the key"))?;
        let this = Self { file, path };
        let key = this.add(seals, identity, 0)?;
        sync_folder(folder)?;
        Ok(key)
    }

    /// Opens the file, to find keys in it and to change it.
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(KEY);
        let opened = File::options().read(true).write(true).open(&path);
        Self::opened(folder, path, opened)
    }

    /// Opens the file to read it.
    pub(super) fn look(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(KEY);
        let opened = File::open(&path);
        Self::opened(folder, path, opened)
    }

    fn opened(folder: &Path, path: PathBuf, opened: io::Result<File>) -> Result<Self, StoreError> {
        let file = opened.map_err(|source| match source.kind() {
            ErrorKind::NotFound => {
                let reason = format!("its file {KEY} is gone, and without it nobody reads the database").to_owned();
                StoreError::Key { folder: folder.to_owned(), reason }
            }
            _ => of_io(source, &path, "open the file of the key"),
        })?;
        let this = Self { file, path };
        let head = this.read(0, 12)?;
        if head[..8] != MAGIC || head[8..12] != FORMAT.to_le_bytes() {
            return Err(this.refused("its file of keys is none that this server reads"));
        }
        Ok(this)
    }

    /// Opens the key of this name; tells in which place it lies.
    pub(super) fn find(
        &self,
        seals: &dyn SealsKeys,
        identity: [u8; 16],
        id: KeyId,
    ) -> Result<(DataKey, usize), StoreError> {
        let mut refused = None;
        // Both hold it where sealing it anew was cut short; either will do.
        for sealed in self.sealed(id)? {
            match self.unseal(seals, identity, &sealed) {
                Ok(key) => return Ok((key, sealed.place)),
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.unwrap_or_else(|| self.refused("its file of keys does not hold the key that its data is under")))
    }

    /// Adds a new key in the place that is not in use, beside the key that is; tells which place that is.
    pub(super) fn add_beside(
        &self,
        seals: &dyn SealsKeys,
        identity: [u8; 16],
        in_use: usize,
    ) -> Result<(DataKey, usize), StoreError> {
        let place = 1 - in_use;
        Ok((self.add(seals, identity, place)?, place))
    }

    /// Clears the place that is not this one: what a change that was cut short left, or what a finished one needs no more.
    pub(super) fn keep_only(&self, kept: usize) -> Result<(), StoreError> {
        let other = self.read(PLACES[1 - kept], PLACE_BYTES)?;
        if other.iter().any(|byte| *byte != 0) {
            self.write(1 - kept, &[0; PLACE_BYTES])?;
        }
        Ok(())
    }

    /// Seals the key anew if an older key of the server sealed it; tells whether one did.
    pub(super) fn renew(&self, seals: &dyn SealsKeys, identity: [u8; 16], id: KeyId) -> Result<bool, StoreError> {
        let mut renewed = Err(self.refused("its file of keys does not hold the key that its data is under"));
        for old in self.sealed(id)? {
            match seals.renew(&context(identity, id), &old.sealed) {
                Ok(None) => return self.keep_only(old.place).map(|()| false),
                Ok(Some(sealed)) => renewed = Ok((old.place, sealed)),
                Err(reason) if renewed.is_err() => renewed = Err(self.refused(reason)),
                Err(_) => {}
            }
        }
        let (old, sealed) = renewed?;
        let place = 1 - old;
        self.write(place, &print(&Sealed { place, id, sealed }))?;
        failpoint::reach("crypt.renew.added");
        self.write(old, &[0; PLACE_BYTES])?;
        Ok(true)
    }

    /// Tells whether [`KeyFile::erase`] could write over the file; one that is not there needs none of it.
    pub(super) fn can_erase(folder: &Path) -> Result<(), StoreError> {
        let path = folder.join(KEY);
        match File::options().write(true).open(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(of_io(error, &path, "erase the file of the key")),
            _ => Ok(()),
        }
    }

    /// Writes over all that the file holds, waits for the disk, and removes it.
    pub(super) fn erase(folder: &Path) -> Result<(), StoreError> {
        let path = folder.join(KEY);
        let erased = File::options().write(true).open(&path).and_then(|file| {
            // What a full disk left of a file takes no more than it has.
            let bytes = usize::try_from(file.metadata()?.len()).unwrap_or(FILE_BYTES);
            let mut noise = vec![0; bytes.min(FILE_BYTES)];
            rand::rng().fill_bytes(&mut noise);
            file.write_all_at(&noise, 0)?;
            file.sync_all()?;
            failpoint::reach("crypt.erase.written");
            fs::remove_file(&path)
        });
        match erased {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(source) => Err(of_io(source, &path, "erase the file of the key")),
            Ok(()) => sync_folder(folder),
        }
    }

    fn add(&self, seals: &dyn SealsKeys, identity: [u8; 16], place: usize) -> Result<DataKey, StoreError> {
        let (key, mut bytes) = DataKey::new();
        let sealed = seals.seal(&context(identity, key.id), &bytes);
        clear(&mut bytes);
        self.write(place, &print(&Sealed { place, id: key.id, sealed }))?;
        Ok(key)
    }

    fn unseal(&self, seals: &dyn SealsKeys, identity: [u8; 16], sealed: &Sealed) -> Result<DataKey, StoreError> {
        let opened = seals.unseal(&context(identity, sealed.id), &sealed.sealed);
        let mut secret = opened.map_err(|reason| self.refused(reason))?;
        let key = <&[u8; KEY_BYTES]>::try_from(&secret[..]).map(|bytes| DataKey::of(sealed.id, bytes));
        clear(&mut secret);
        key.map_err(|_| self.refused("its key has another length than keys have"))
    }

    /// Reads the places that hold the key of this name.
    fn sealed(&self, id: KeyId) -> Result<Vec<Sealed>, StoreError> {
        let mut found = Vec::new();
        for (place, at) in PLACES.into_iter().enumerate() {
            let sealed = parse(place, &self.read(at, PLACE_BYTES)?);
            found.extend(sealed.filter(|sealed| sealed.id == id));
        }
        Ok(found)
    }

    fn read(&self, at: u64, bytes: usize) -> Result<Vec<u8>, StoreError> {
        let mut buffer = vec![0; bytes];
        match self.file.read_exact_at(&mut buffer, at) {
            Ok(()) => Ok(buffer),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(self.refused("its file of keys was cut")),
            Err(source) => Err(of_io(source, &self.path, "read the file of the key")),
        }
    }

    fn write(&self, place: usize, bytes: &[u8]) -> Result<(), StoreError> {
        let written = self.file.write_all_at(bytes, PLACES[place]).and_then(|()| self.file.sync_all());
        written.map_err(|source| of_io(source, &self.path, "write the file of the key"))
    }

    fn refused(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Key { folder: self.path.parent().unwrap_or(&self.path).to_owned(), reason: reason.into() }
    }
}

/// What a key is sealed for: no other database's, and no other key's.
fn context(identity: [u8; 16], id: KeyId) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("database:{}:{}", hex(&identity), hex(&id))
}

fn print(sealed: &Sealed) -> [u8; PLACE_BYTES] {
    let mut bytes = [0; PLACE_BYTES];
    let length = u16::try_from(sealed.sealed.len()).expect("a sealed key is short");
    bytes[..ID_BYTES].copy_from_slice(&sealed.id);
    bytes[ID_BYTES..HEAD_BYTES].copy_from_slice(&length.to_le_bytes());
    bytes[HEAD_BYTES..HEAD_BYTES + sealed.sealed.len()].copy_from_slice(&sealed.sealed);
    let sum = xxh3_64(&bytes[..SUM_AT]);
    bytes[SUM_AT..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn parse(place: usize, bytes: &[u8]) -> Option<Sealed> {
    let (body, sum) = bytes.split_at_checked(SUM_AT)?;
    if sum != xxh3_64(body).to_le_bytes() {
        return None;
    }
    let length = u16::from_le_bytes([body[ID_BYTES], body[ID_BYTES + 1]]);
    let sealed = body.get(HEAD_BYTES..HEAD_BYTES + usize::from(length))?.to_vec();
    Some(Sealed { place, id: body[..ID_BYTES].try_into().ok()?, sealed })
}

/// Waits until the entries of a folder are on the disk.
pub(super) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let synced = File::open(folder).and_then(|opened| opened.sync_all());
    synced.map_err(|source| of_io(source, folder, "sync the folder"))
}
