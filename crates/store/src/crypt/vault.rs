//! The file of an encrypted store: what redb takes for a plain file, and what of it lies on the disk.
//! Knows sectors and nothing of trees. Start reading at [`Vault::open`]; the table is in `docs/format/crypt.md`.
//!
//! Every sector of 4,096 bytes is sealed by itself, with its number, and lies with its nonce and its tag in a place of
//! 4,136 bytes. redb never writes over a page that a commit counts on, so a place that was cut short while it was
//! written belongs to nobody. The first sector alone is written over again and again: it has two places, which take
//! turns, is written with each sync and not before, and the newer one that is whole counts.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use redb::StorageBackend;

use super::cipher::{DataKey, SEAL_BYTES};
use super::error::of_io;
use super::header::{HEADER_BYTES, Header};
use crate::StoreError;

/// Name of the file.
pub(super) const DATA: &str = "data.crypt";
/// Name of a file that is not finished; it may be removed.
pub(super) const DATA_NEW: &str = "data.crypt.new";
/// Bytes of a sector as redb sees it; its pages are whole ones.
pub(super) const SECTOR_BYTES: usize = 4096;
/// Bytes of a sector as it lies on the disk.
const PLACE_BYTES: usize = SECTOR_BYTES + SEAL_BYTES;
/// Where the two places of the first sector lie; each begins with its number, eight bytes.
const FRONT_AT: [u64; 2] = [4096, 12_288];
const FRONT_BYTES: usize = 8 + PLACE_BYTES;
/// Where the second sector lies; the others follow.
const SECTORS_AT: u64 = 20_480;

type Sector = [u8; SECTOR_BYTES];

/// What writing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    /// Changes the file, which may have a header and nothing else yet.
    New,
    /// Changes the file.
    Through,
    /// Stays in memory: the file is looked at as if it could be changed, and is left as it is.
    Aside,
}

/// The file of an encrypted store, locked for this process; the lock goes with the last copy of the file.
pub(super) struct Vault {
    file: File,
    pub(super) path: PathBuf,
    key: DataKey,
    /// Bytes that redb believes the file has.
    bytes: AtomicU64,
    loose: Mutex<Loose>,
    front: Mutex<Front>,
    /// Whether a sync waits for the disk.
    is_waiting: AtomicBool,
    /// What was written aside.
    aside: Option<Mutex<HashMap<u64, Box<Sector>>>>,
    /// The first thing that went wrong.
    trouble: Mutex<Option<(ErrorKind, String)>>,
}

/// The first sector, and which of its places is to be written next.
struct Front {
    plain: Option<Box<Sector>>,
    number: u64,
    place: usize,
    /// Whether it was changed since it was written; the next sync does.
    is_changed: bool,
}

/// What was written since the last commit.
struct Loose {
    /// The number that the first sector had then.
    front: u64,
    sectors: Vec<u64>,
}

impl Vault {
    /// Takes a file that has all of a store, or its header and nothing behind it where it is new.
    pub(super) fn open(file: File, path: PathBuf, key: DataKey, writing: Writing) -> Result<Arc<Self>, StoreError> {
        let failed = |source| of_io(source, &path, "read the data file");
        let length = file.metadata().map_err(failed)?.len();
        let front = Front::read(&file, &key).map_err(failed)?;
        let bytes = match length.checked_sub(SECTORS_AT) {
            Some(rest) => SECTOR_BYTES as u64 * (1 + rest / PLACE_BYTES as u64),
            None => 0,
        };
        if (bytes == 0 || front.plain.is_none()) && writing != Writing::New {
            return Err(super::error::damaged(&path, "it was cut, or neither copy of its first sector is whole"));
        }
        Ok(Arc::new(Self {
            file,
            path,
            key,
            bytes: AtomicU64::new(bytes),
            loose: Mutex::new(Loose { front: front.number, sectors: Vec::new() }),
            front: Mutex::new(front),
            is_waiting: AtomicBool::new(true),
            aside: (writing == Writing::Aside).then(Mutex::default),
            trouble: Mutex::new(None),
        }))
    }

    /// Takes the same file anew, after something went wrong that has passed.
    pub(super) fn again(&self) -> Result<Arc<Self>, StoreError> {
        let file = self.file.try_clone().map_err(|source| of_io(source, &self.path, "open the data file again"))?;
        Self::open(file, self.path.clone(), self.key.clone(), Writing::Through)
    }

    /// Says that everything in the file counts from now on.
    pub(super) fn keep(&self) {
        *self.loose.lock() = Loose { front: self.front.lock().number, sectors: Vec::new() };
    }

    /// Gives back the room of what was written since the last commit, which nothing counts on.
    pub(super) fn give_back(&self) {
        let mut loose = self.loose.lock();
        // Once the first sector was written it may say that they count after all.
        if loose.front != self.front.lock().number {
            return;
        }
        loose.sectors.sort_unstable();
        let mut rest = &loose.sectors[..];
        while let Some(first) = rest.first() {
            let run = rest.iter().zip(*first..).take_while(|(sector, wanted)| *sector == wanted).count();
            self.punch(place_of(*first), (run * PLACE_BYTES) as u64);
            rest = &rest[run..];
        }
        loose.sectors.clear();
    }

    #[cfg(target_os = "linux")]
    fn punch(&self, at: u64, bytes: u64) {
        use rustix::fs::{FallocateFlags, fallocate};
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        if let Err(error) = fallocate(&self.file, flags, at, bytes) {
            tracing::debug!(file = %self.path.display(), %error, "the room of a failed write stays taken");
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn punch(&self, _at: u64, _bytes: u64) {}

    /// Says when what the file keeps was changed last.
    pub(super) fn modified(&self) -> Result<SystemTime, StoreError> {
        let modified = self.file.metadata().and_then(|metadata| metadata.modified());
        modified.map_err(|source| of_io(source, &self.path, "read the time of the data file"))
    }

    /// Sets that time back, after something was written that changes nothing of what is kept.
    pub(super) fn set_modified(&self, time: SystemTime) -> Result<(), StoreError> {
        if self.aside.is_some() {
            return Ok(());
        }
        let set = self.file.set_modified(time);
        set.map_err(|source| of_io(source, &self.path, "set the time of the data file"))
    }

    /// Says what went wrong first, if anything did.
    pub(super) fn trouble(&self) -> Option<(ErrorKind, String)> {
        self.trouble.lock().clone()
    }

    /// Has syncs wait for the disk, or not.
    pub(super) fn wait_for_disk(&self, waits: bool) {
        self.is_waiting.store(waits, Ordering::Release);
    }

    /// Waits until everything that was written is on the disk.
    pub(super) fn sync_file(&self) -> Result<(), StoreError> {
        let synced = self.noting(|| self.file.sync_data());
        synced.map_err(|source| of_io(source, &self.path, "sync"))
    }

    /// Counts the bytes of the file as it lies on the disk.
    pub(super) fn file_bytes(&self) -> Result<u64, StoreError> {
        let metadata = self.file.metadata().map_err(|source| of_io(source, &self.path, "measure the data file"))?;
        Ok(metadata.len())
    }

    /// Copies every sector into `to`, which has a header and nothing behind it, under the key that `to` has.
    ///
    /// A sector that is not whole belongs to nobody, or was damaged: the copy has none there, and whoever looks for it
    /// is told. `step` hears how many bytes are done.
    pub(super) fn copy_into(
        &self,
        to: &Self,
        step: &mut dyn FnMut(u64) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let bytes = self.bytes.load(Ordering::Acquire);
        let failed = |source| of_io(source, &self.path, "copy the data file");
        to.set_len(bytes).map_err(failed)?;
        let mut sector = [0; SECTOR_BYTES];
        for number in 0..bytes / SECTOR_BYTES as u64 {
            match self.read_sector(number, &mut sector) {
                Ok(()) => to.write_sectors(number, &sector).map_err(failed)?,
                Err(error) if error.kind() == ErrorKind::InvalidData => {}
                Err(error) => return Err(failed(error)),
            }
            if number % 256 == 0 {
                step(number * SECTOR_BYTES as u64)?;
                // What is half copied is removed as a whole: nobody has to know its sectors.
                to.keep();
            }
        }
        to.sync_data().map_err(failed)?;
        to.sync_file()
    }

    /// Does something, and remembers the first time that it fails.
    fn noting<T>(&self, run: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        run().inspect_err(|error| {
            self.trouble.lock().get_or_insert_with(|| (error.kind(), error.to_string()));
        })
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if offset + out.len() as u64 > self.bytes.load(Ordering::Acquire) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let mut sector = [0; SECTOR_BYTES];
        for piece in pieces(offset, out.len()) {
            let part = &mut out[piece.at..piece.at + piece.bytes];
            match <&mut Sector>::try_from(&mut *part) {
                Ok(whole) => self.read_sector(piece.sector, whole)?,
                Err(_) => {
                    self.read_sector(piece.sector, &mut sector)?;
                    part.copy_from_slice(&sector[piece.from..piece.from + piece.bytes]);
                }
            }
        }
        Ok(())
    }

    fn read_sector(&self, number: u64, out: &mut Sector) -> io::Result<()> {
        if let Some(written) = self.aside.as_ref().and_then(|aside| aside.lock().get(&number).cloned()) {
            *out = *written;
            return Ok(());
        }
        if number == 0 {
            let front = self.front.lock();
            let plain = front.plain.as_ref().ok_or_else(|| never_written(0))?;
            *out = **plain;
            return Ok(());
        }
        let mut sealed = [0; PLACE_BYTES];
        self.file.read_exact_at(&mut sealed, place_of(number))?;
        if self.key.open(&context_of(number), &sealed, out) {
            return Ok(());
        }
        if is_blank(&sealed) {
            return Err(never_written(number));
        }
        Err(io::Error::new(ErrorKind::InvalidData, format!("sector {number} is not as it was written")))
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        for piece in pieces(offset, data.len()) {
            let part = &data[piece.at..piece.at + piece.bytes];
            match <&Sector>::try_from(part) {
                Ok(whole) => self.write_sectors(piece.sector, whole)?,
                Err(_) => {
                    let mut sector = [0; SECTOR_BYTES];
                    match self.read_sector(piece.sector, &mut sector) {
                        // What was never written holds nothing that would have to stay.
                        Err(error) if error.kind() != ErrorKind::InvalidData => return Err(error),
                        _ => {}
                    }
                    sector[piece.from..piece.from + piece.bytes].copy_from_slice(part);
                    self.write_sectors(piece.sector, &sector)?;
                }
            }
        }
        Ok(())
    }

    fn write_sectors(&self, number: u64, plain: &Sector) -> io::Result<()> {
        if let Some(aside) = &self.aside {
            aside.lock().insert(number, Box::new(*plain));
            return Ok(());
        }
        if number == 0 {
            self.front.lock().put(plain);
            return Ok(());
        }
        let mut sealed = [0; PLACE_BYTES];
        self.key.seal(&context_of(number), plain, &mut sealed);
        self.loose.lock().sectors.push(number);
        self.file.write_all_at(&sealed, place_of(number))
    }
}

impl Front {
    fn read(file: &File, key: &DataKey) -> io::Result<Self> {
        let mut newest = Self { plain: None, number: 0, place: 0, is_changed: false };
        for (place, at) in FRONT_AT.into_iter().enumerate() {
            let (mut bytes, mut plain) = ([0; FRONT_BYTES], Box::new([0; SECTOR_BYTES]));
            match file.read_exact_at(&mut bytes, at) {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => continue,
                read => read?,
            }
            let number = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes were cut"));
            if number >= newest.number && key.open(&front_context(number), &bytes[8..], &mut *plain) {
                newest = Self { plain: Some(plain), number, place, is_changed: false };
            }
        }
        Ok(newest)
    }

    fn put(&mut self, plain: &Sector) {
        self.plain = Some(Box::new(*plain));
        self.is_changed = true;
    }

    /// Writes what was changed into the place that is not the newest: that one stays whole whatever happens.
    fn write(&mut self, file: &File, key: &DataKey) -> io::Result<()> {
        let Some(plain) = self.plain.as_ref().filter(|_| self.is_changed) else { return Ok(()) };
        let (number, place) = (self.number + 1, 1 - self.place);
        let mut bytes = [0; FRONT_BYTES];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        key.seal(&front_context(number), &plain[..], &mut bytes[8..]);
        file.write_all_at(&bytes, FRONT_AT[place])?;
        (self.number, self.place, self.is_changed) = (number, place, false);
        Ok(())
    }
}

/// A vault as redb takes it.
#[derive(Debug)]
pub(super) struct Backend(pub(super) Arc<Vault>);

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Vault").field(&self.path).finish()
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.bytes.load(Ordering::Acquire))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.noting(|| self.0.read_at(offset, out))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.noting(|| self.0.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.noting(|| self.0.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.noting(|| self.0.write_at(offset, data))
    }
}

impl Vault {
    fn set_len(&self, bytes: u64) -> io::Result<()> {
        if self.aside.is_none() {
            let behind = (bytes / SECTOR_BYTES as u64).saturating_sub(1);
            self.file.set_len(SECTORS_AT + behind * PLACE_BYTES as u64)?;
        }
        self.bytes.store(bytes, Ordering::Release);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.aside.is_some() {
            return Ok(());
        }
        // With every sync, and never before: what it says of other sectors is written after them.
        self.front.lock().write(&self.file, &self.key)?;
        if self.is_waiting.load(Ordering::Acquire) { self.file.sync_data() } else { Ok(()) }
    }
}

/// Opens a file of a store and keeps other processes out.
pub(super) fn lock(folder: &Path) -> Result<(File, PathBuf), StoreError> {
    let path = folder.join(DATA);
    let file = File::options().read(true).write(true).open(&path);
    let file = file.map_err(|source| not_there(source, folder, &path))?;
    held(file.try_lock(), folder)?;
    Ok((file, path))
}

/// Tells whether a store is in `folder`; where that cannot be seen it is an error, and never a no.
pub(super) fn is_there(folder: &Path) -> Result<bool, StoreError> {
    let path = folder.join(DATA);
    fs::exists(&path).map_err(|source| of_io(source, &path, "look for the data file"))
}

/// As [`lock`], to read only; others may do so too.
pub(super) fn lock_to_read(folder: &Path) -> Result<(File, PathBuf), StoreError> {
    let (file, path) = look(folder)?;
    held(file.try_lock_shared(), folder)?;
    Ok((file, path))
}

/// Opens a file of a store to look at it, which keeps nobody out.
pub(super) fn look(folder: &Path) -> Result<(File, PathBuf), StoreError> {
    let path = folder.join(DATA);
    let file = File::open(&path).map_err(|source| not_there(source, folder, &path))?;
    Ok((file, path))
}

/// Begins a file that is to become the data of a store, with its header; an unfinished one goes.
pub(super) fn begin(folder: &Path, header: &Header) -> Result<(File, PathBuf), StoreError> {
    let path = folder.join(DATA_NEW);
    let made = (|| {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
        file.try_lock().map_err(|error| io::Error::other(error.to_string()))?;
        let mut bytes = header.print().to_vec();
        bytes.resize(HEADER_BYTES, 0);
        file.write_all_at(&bytes, 0)?;
        Ok(file)
    })();
    let file = made.map_err(|source| of_io(source, &path, "make the data file"))?;
    Ok((file, path))
}

/// Puts a finished file in its place, durably.
pub(super) fn place(folder: &Path) -> Result<(), StoreError> {
    let renamed = fs::rename(folder.join(DATA_NEW), folder.join(DATA));
    renamed.map_err(|source| of_io(source, folder, "put the data file in its place"))?;
    super::key_file::sync_folder(folder)
}

/// Reads the header of a file.
pub(super) fn header(file: &File, path: &Path) -> Result<Header, StoreError> {
    let mut bytes = vec![0; HEADER_BYTES];
    let not_ours = |reason: &str| StoreError::NotOurs { file: path.to_owned(), reason: reason.to_owned() };
    match file.read_exact_at(&mut bytes, 0) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(not_ours("it is too short")),
        Err(source) => Err(of_io(source, path, "read the data file")),
        Ok(()) => Header::parse(&bytes, path),
    }
}

fn not_there(source: io::Error, folder: &Path, path: &Path) -> StoreError {
    match source.kind() {
        ErrorKind::NotFound => StoreError::NotFound { folder: folder.to_owned() },
        _ => of_io(source, path, "open the data file"),
    }
}

fn held(locked: Result<(), TryLockError>, folder: &Path) -> Result<(), StoreError> {
    locked.map_err(|error| match error {
        TryLockError::WouldBlock => StoreError::InUse { folder: folder.to_owned() },
        TryLockError::Error(source) => StoreError::Io { action: "lock the data file", source },
    })
}

/// A part of a read or a write that lies in one sector.
struct Piece {
    sector: u64,
    /// Where it begins in the sector.
    from: usize,
    /// Where it begins in the caller's bytes.
    at: usize,
    bytes: usize,
}

fn pieces(offset: u64, bytes: usize) -> impl Iterator<Item = Piece> {
    let mut at = 0;
    std::iter::from_fn(move || {
        (at < bytes).then(|| {
            let here = offset + at as u64;
            let from = usize::try_from(here % SECTOR_BYTES as u64).expect("it lies in a sector");
            let piece =
                Piece { sector: here / SECTOR_BYTES as u64, from, at, bytes: (SECTOR_BYTES - from).min(bytes - at) };
            at += piece.bytes;
            piece
        })
    })
}

fn place_of(number: u64) -> u64 {
    SECTORS_AT + number.saturating_sub(1) * PLACE_BYTES as u64
}

fn context_of(number: u64) -> [u8; 8] {
    number.to_le_bytes()
}

fn front_context(number: u64) -> [u8; 13] {
    let mut context = *b"front........";
    context[5..].copy_from_slice(&number.to_le_bytes());
    context
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

fn never_written(number: u64) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("sector {number} was never written"))
}
