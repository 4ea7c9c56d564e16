//! The files of one store: make, lock, read, mark, remove.
//! Judges nothing; `open` does. Maps nothing; LMDB does. Start reading at [`DataFile::create`].

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::error::from_io;
use super::format::{self, Closed, Doing, Header};
use crate::StoreError;

pub(super) const DATA: &str = "data.mdb";
const DATA_NEW: &str = "data.mdb.new";
const LOCK: &str = "lock.mdb";
/// What LMDB keeps for each reader: a line of the processor's cache.
const READER_BYTES: usize = 64;
/// What stands before the readers, twice what LMDB has there: a table may be too long, never too short.
const TABLE_HEAD_BYTES: usize = 6 * READER_BYTES;
/// Both meta pages, with our header and mark.
const FRONT_BYTES: usize = 2 * format::PAGE_BYTES as usize;

/// `data.mdb`, locked for this process; the lock goes with the value.
pub(super) struct DataFile {
    file: File,
    /// The meta pages, where the file is only looked at: all that a look needs is in them.
    front: Vec<u8>,
    pub(super) path: PathBuf,
}

/// Tells whether a store is in `folder`; where that cannot be seen it is an error, and never a no.
pub(super) fn is_there(folder: &Path) -> Result<bool, StoreError> {
    fs::exists(folder.join(DATA)).map_err(|source| from_io(source, "look for the data file"))
}

impl DataFile {
    /// Makes the file of an empty store; durable, folder entries included, when this returns.
    pub(super) fn create(folder: &Path, header: &Header, map_bytes: u64) -> Result<(), StoreError> {
        let made_folder = !folder.exists();
        fs::create_dir_all(folder).map_err(|source| from_io(source, "make the folder"))?;
        place(folder, |file| file.write_all_at(&format::empty_file(header, map_bytes), 0))?;
        if made_folder && let Some(parent) = folder.parent() {
            sync_folder(parent)?;
        }
        Ok(())
    }

    /// Opens the file and keeps other processes out.
    pub(super) fn lock(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(DATA);
        let file = File::options().read(true).write(true).open(&path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => StoreError::NotFound { folder: folder.to_owned() },
            _ => StoreError::Io { action: "open the data file", source },
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, front: Vec::new(), path }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { folder: folder.to_owned() }),
            Err(TryLockError::Error(source)) => Err(StoreError::Io { action: "lock the data file", source }),
        }
    }

    /// Opens the file to read all of it; fails while anybody has it open.
    pub(super) fn lock_to_read(folder: &Path) -> Result<Self, StoreError> {
        let data = Self::look(folder)?;
        match data.file.try_lock_shared() {
            Ok(()) => Ok(data),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { folder: folder.to_owned() }),
            Err(TryLockError::Error(source)) => Err(StoreError::Io { action: "lock the data file", source }),
        }
    }

    /// Opens the file to look at it, which keeps nobody out.
    pub(super) fn look(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(DATA);
        let file = File::open(&path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => StoreError::NotFound { folder: folder.to_owned() },
            _ => StoreError::Io { action: "open the data file", source },
        })?;
        let mut data = Self { file, front: Vec::new(), path };
        data.front = data.read(0, FRONT_BYTES)?;
        Ok(data)
    }

    /// Reads up to `bytes` bytes at `at`; fewer at the end of the file.
    pub(super) fn read(&self, at: u64, bytes: usize) -> Result<Vec<u8>, StoreError> {
        let mut buffer = vec![0; bytes];
        let filled = self.read_into(at, &mut buffer)?;
        buffer.truncate(filled);
        Ok(buffer)
    }

    /// Reads what the file has at `at` into `buffer`; behind the end of the file the buffer stays as it is. Tells how much was read.
    pub(super) fn read_into(&self, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        let front = usize::try_from(at).ok().and_then(|at| self.front.get(at..at.checked_add(buffer.len())?));
        if let Some(front) = front {
            buffer.copy_from_slice(front);
            return Ok(front.len());
        }
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read_at(&mut buffer[filled..], at + filled as u64) {
                Ok(0) => break,
                Ok(more) => filled += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(StoreError::Io { action: "read the data file", source }),
            }
        }
        Ok(filled)
    }

    pub(super) fn bytes(&self) -> Result<u64, StoreError> {
        self.file.metadata().map(|metadata| metadata.len()).map_err(|source| from_io(source, "measure the data file"))
    }

    pub(super) fn set_bytes(&self, bytes: u64) -> Result<(), StoreError> {
        self.file.set_len(bytes).map_err(|source| from_io(source, "change the length of the data file"))
    }

    /// Says when the file was last modified, in nanoseconds since 1970.
    pub(super) fn modified_ns(&self) -> Result<u64, StoreError> {
        nanos_of(self.file.metadata())
    }

    pub(super) fn doing(&self) -> Result<Doing, StoreError> {
        Ok(Doing::parse(&self.read(format::MARK_AT, format::MARK_BYTES)?))
    }

    /// Says in the file what this process does with it.
    ///
    /// Not synced: the mark tells of the death of a process, which leaves the page cache alone. After a loss of power
    /// an old mark can stand there; then the time of the file gives it away.
    pub(super) fn set_doing(&self, doing: &Doing) -> Result<(), StoreError> {
        let modified_ns = self.modified_ns()?;
        self.file
            .write_all_at(&doing.print(), format::MARK_AT)
            .map_err(|source| from_io(source, "mark the data file"))?;
        // A mark changes nothing of what is kept: the time of the file stays that of the last commit.
        let time: SystemTime = UNIX_EPOCH + Duration::from_nanos(modified_ns);
        self.file.set_modified(time).map_err(|source| from_io(source, "set the time of the data file"))
    }

    /// Marks the file as closed, in a way that shows any later change by others.
    pub(super) fn set_closed(&self, commit: u64) -> Result<(), StoreError> {
        let modified_ns = self.modified_ns()?;
        let metas = self.metas_sum()?;
        self.set_doing(&Doing::Closed(Closed { file_bytes: self.bytes()?, commit, modified_ns, metas }))
    }

    /// Sums up both meta pages.
    pub(super) fn metas_sum(&self) -> Result<u64, StoreError> {
        Ok(format::metas_sum(&self.read(0, FRONT_BYTES)?))
    }
}

/// Says when a file was last modified, in nanoseconds since 1970.
pub(super) fn modified_ns(path: &Path) -> Result<u64, StoreError> {
    nanos_of(fs::metadata(path))
}

fn nanos_of(metadata: io::Result<fs::Metadata>) -> Result<u64, StoreError> {
    let modified = metadata.and_then(|metadata| metadata.modified());
    let modified = modified.map_err(|source| from_io(source, "read the time of the data file"))?;
    let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// Writes a data file under another name, then puts it in its place.
pub(super) fn place(folder: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), StoreError> {
    let new = folder.join(DATA_NEW);
    let mut options = File::options();
    let options = options.read(true).write(true).create(true).truncate(true);
    let written = options.open(&new).and_then(|mut file| {
        fill(&mut file)?;
        file.sync_all()?;
        fs::rename(&new, folder.join(DATA))
    });
    if let Err(source) = written {
        // What is left of it takes room that may be the very thing that is short.
        let _ = fs::remove_file(&new);
        return Err(from_io(source, "write the data file"));
    }
    sync_folder(folder)
}

/// Makes the reader table of this process in place of an earlier one's, with its room on the disk; only while the data file is locked.
///
/// LMDB would make it as one long hole and write through a map of it, where a disk without room for the first page of
/// it kills the process. A table that is long enough stays as it is.
pub(super) fn place_reader_table(folder: &Path, readers_max: u32) -> Result<(), StoreError> {
    remove_reader_table(folder);
    let bytes = TABLE_HEAD_BYTES + READER_BYTES * readers_max as usize;
    let path = folder.join(LOCK);
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(true).open(&path);
    file.and_then(|file| file.write_all_at(&vec![0; bytes], 0)).map_err(|source| {
        let _ = fs::remove_file(&path);
        from_io(source, "make the reader table")
    })
}

/// Removes the reader table of an earlier process; only while the data file is locked.
pub(super) fn remove_reader_table(folder: &Path) {
    // A table that stays is no harm: LMDB clears it when it is the only process.
    let _ = fs::remove_file(folder.join(LOCK));
}

/// Removes every file of a store, and the folder if nothing else is in it.
pub(super) fn remove_all(folder: &Path) -> Result<(), StoreError> {
    for name in [LOCK, DATA_NEW, DATA] {
        match fs::remove_file(folder.join(name)) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                return Err(StoreError::Io { action: "remove the files", source });
            }
            _ => {}
        }
    }
    // Other people's files in the folder keep it; they are not ours to remove.
    let _ = fs::remove_dir(folder);
    Ok(())
}

/// Tells whether the disk under `folder` has no room for even a small file.
///
/// LMDB reports a write cut short by a full disk as a general I/O error; this tells the two apart.
pub(super) fn disk_is_full(folder: &Path) -> bool {
    let probe = folder.join("probe.tmp");
    let written = File::create(&probe).and_then(|file| file.write_all_at(&vec![0xA5; 1 << 20], 0));
    let _ = fs::remove_file(&probe);
    written.is_err_and(|error| super::error::is_full(&error) || error.kind() == ErrorKind::WriteZero)
}

fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| from_io(source, "sync the folder"))
}
