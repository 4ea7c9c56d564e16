//! The door itself: three traits, narrow enough for an embedded engine and for one over object storage.

use std::borrow::Cow;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Longest key, in bytes.
pub const KEY_MAX_BYTES: usize = 480;
/// Longest value, in bytes; who has more cuts it into chunks.
pub const VALUE_MAX_BYTES: usize = 64 << 10;

/// A key above all others: no key begins with so many bytes of 0xFF.
pub const END: &[u8] = &[0xFF; KEY_MAX_BYTES + 1];

/// Makes and removes stores, each a keyspace of its own with its own files.
pub trait Engine: Send + Sync {
    /// Lends what seals the keys of encrypted stores, where there are such stores.
    fn seals(&self) -> Option<Arc<dyn crate::crypt::SealsKeys>> {
        None
    }

    /// Opens the store in `folder`, making it first if `options.create`.
    ///
    /// Checks the files before it trusts them. Errors: [`StoreError::InUse`] if another process has it,
    /// [`StoreError::NotOurs`] and [`StoreError::Damaged`] if the files fail the checks.
    fn open(&self, folder: &std::path::Path, options: &OpenOptions) -> Result<Arc<dyn Store>, StoreError>;

    /// Names the kind of images that this engine makes and takes; of the usual ones, where there are several.
    fn kind(&self) -> &'static str;

    /// Tells whether a store can be made out of an image of this kind.
    fn takes(&self, kind: &str) -> bool {
        kind == self.kind()
    }

    /// Makes a store in `folder` out of an image: all of it, durably, or nothing.
    ///
    /// `next` puts the next piece of the image into the buffer, and tells whether there was one. The store gets the
    /// identity that is given here. Opening it checks every page, as after an unclean stop.
    /// Errors: [`StoreError::Exists`] if a store is there, [`StoreError::NotOurs`] if the pieces are no image, and
    /// what `next` fails with.
    fn restore(
        &self,
        folder: &std::path::Path,
        identity: Option<[u8; 16]>,
        next: &mut dyn FnMut(&mut Vec<u8>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError>;

    /// Takes the image of a store that nobody has open, its files as they are; nothing is written.
    ///
    /// Whether they are sound is found out by who opens what is made of it.
    fn closed_image(&self, folder: &std::path::Path) -> Result<Box<dyn Image>, StoreError>;

    /// Tells whether the key of an encrypted store could be erased, which is what removing it begins with; erases nothing.
    fn can_erase(&self, _folder: &std::path::Path) -> Result<(), StoreError> {
        Ok(())
    }

    /// Removes the store's files; the store must be closed.
    fn remove(&self, folder: &std::path::Path) -> Result<(), StoreError>;

    /// Tells whether a store is in `folder`.
    fn exists(&self, folder: &std::path::Path) -> bool;

    /// Says when the store in `folder` was written last, in nanoseconds since 1970; open or closed, it costs one look.
    fn written_nanos(&self, folder: &std::path::Path) -> Option<i128>;

    /// Looks at a closed store without opening it, as far as a few reads tell: errors as [`Engine::open`] would.
    ///
    /// That nothing is found does not mean that nothing is wrong.
    fn glance(&self, folder: &std::path::Path, _options: &OpenOptions) -> Result<(), StoreError> {
        if self.exists(folder) { Ok(()) } else { Err(StoreError::NotFound { folder: folder.to_owned() }) }
    }

    /// Gives the number of the last commit of a store that was closed in peace and that nobody touched since; costs one look.
    ///
    /// Nothing where that cannot be told, which says nothing about the store.
    fn closed_commit(&self, _folder: &std::path::Path, _options: &OpenOptions) -> Option<u64> {
        None
    }

    /// Tells whether the store in `folder` is encrypted.
    fn is_encrypted(&self, _folder: &std::path::Path) -> bool {
        false
    }

    /// Encrypts a closed store anew under a new key, wholly or not at all; the old key is gone when this returns.
    ///
    /// `step` hears how many bytes are done, and may end the work. Errors: [`StoreError::Plain`].
    fn change_key(
        &self,
        folder: &std::path::Path,
        _step: &mut dyn FnMut(u64) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        Err(StoreError::Plain { folder: folder.to_owned() })
    }

    /// Seals the key of an encrypted store anew where an older key of the server sealed it; tells whether one did.
    ///
    /// Errors: [`StoreError::Plain`].
    fn renew_key(&self, folder: &std::path::Path) -> Result<bool, StoreError> {
        Err(StoreError::Plain { folder: folder.to_owned() })
    }
}

/// How to open a store.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Makes the store when it is not there.
    pub create: bool,
    /// Address space to begin with; grows by doubling.
    pub map_start_bytes: u64,
    /// Largest size; a batch beyond it fails with [`StoreError::Full`].
    pub map_max_bytes: u64,
    /// Most snapshots at a time.
    pub readers_max: u32,
    /// How long growing waits for the readers of the old map.
    pub grow_wait_max: std::time::Duration,
    /// Sixteen bytes by which the caller knows the database: written when the store is made, compared ever after.
    ///
    /// A file that was swapped with another database's fails with [`StoreError::Damaged`]. `None` compares nothing.
    pub identity: Option<[u8; 16]>,
    /// Largest file that is checked page by page after an unclean stop; of a larger one only the upper pages are.
    pub check_max_bytes: u64,
    /// Counts the caller's first reads as a part of opening, until [`Store::confirm`].
    ///
    /// If the process dies before that twice in a row, the file is taken for the reason.
    pub confirm: bool,
    /// Opens the store although two processes died while opening it.
    pub forgive: bool,
    /// Makes the store encrypted; one that is there has to be so.
    pub encrypted: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            create: false,
            // Address space only: neither memory nor disk is taken before it is used.
            map_start_bytes: 256 << 20,
            map_max_bytes: 1 << 40,
            readers_max: 512,
            grow_wait_max: std::time::Duration::from_secs(5),
            identity: None,
            check_max_bytes: 4 << 30,
            confirm: false,
            forgive: false,
            encrypted: false,
        }
    }
}

/// One open store.
pub trait Store: Send + Sync {
    /// Lends what seals the keys of an encrypted store; what is kept beside it is sealed too. Nothing for a plain one.
    fn seals(&self) -> Option<Arc<dyn crate::crypt::SealsKeys>> {
        None
    }

    /// Takes a consistent view of what is committed now.
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError>;

    /// Runs `work` in the one write transaction, then commits it durably.
    ///
    /// Everything happens on the calling thread; callers take turns. When this returns `Ok`, the changes are on
    /// disk and every later snapshot sees them. When `work` or the commit fails nothing is kept. When the map is
    /// full the store grows and runs `work` once more, so `work` must be repeatable.
    fn write(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>) -> Result<(), StoreError>;

    /// As [`Store::write`], but does not wait for the disk: for loads of which nothing counts before the end.
    ///
    /// Until [`Store::sync`], losing power may leave a store that fails its checks. Losing the process may not.
    fn write_unsynced(
        &self,
        work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.write(work)
    }

    /// Waits until everything that was written is on disk.
    fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Tells the bytes in use and the sizes of the file and the map.
    fn usage(&self) -> Result<Usage, StoreError>;

    /// Tells how many of [`Usage::used_bytes`] hold entries whose keys begin with the byte `first`.
    ///
    /// Values so long that an engine keeps them apart from their keys are looked for in the ranges `long` alone; those
    /// elsewhere may not be counted. Here every entry is read; engines on disk know it sooner.
    fn bytes_under(&self, first: u8, _long: &[Range<&[u8]>]) -> Result<u64, StoreError> {
        let mut bytes = 0;
        let end = [first.saturating_add(1)];
        self.snapshot()?.scan(&[first]..if first == u8::MAX { END } else { &end }, &mut |key, value| {
            bytes += (key.len() + value.len()) as u64;
            true
        })?;
        Ok(bytes)
    }

    /// Takes an image of what is committed now, to be read while others read and write.
    ///
    /// `look` sees the same commit first, and is over soon. The image stands in nobody's way, however long it is read:
    /// the store writes on and grows. Until it is dropped, no room is used again that was freed meanwhile.
    fn image(&self, look: &mut dyn FnMut(&dyn Reader) -> Result<(), StoreError>) -> Result<Box<dyn Image>, StoreError>;

    /// Walks every page and record that the engine can check.
    fn check(&self) -> Result<(), StoreError>;

    /// Tells whether it takes writes: after one of which nobody knows what reached the disk it takes none until it is opened again.
    fn takes_writes(&self) -> bool {
        true
    }

    /// Says that the caller read the store and lives; see [`OpenOptions::confirm`].
    fn confirm(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// All of a store as one commit left it, as bytes that engines of one kind understand.
pub trait Image: Send {
    /// Names the kind of the image; see [`Engine::takes`].
    fn kind(&self) -> &'static str;

    /// Counts the bytes of the whole image.
    fn bytes(&self) -> u64;

    /// Puts the next piece into `piece`, about `bytes_max` bytes of it; `false` when there is no more.
    fn read(&mut self, piece: &mut Vec<u8>, bytes_max: usize) -> Result<bool, StoreError>;
}

/// Takes an entry and the place of the range that it was found for; `false` ends that range.
pub type VisitMany<'v> = &'v mut dyn FnMut(usize, &[u8], &[u8]) -> bool;

/// A value as a store gives it: lent where it lies in memory as it is, of its own where it had to be opened first.
pub type Lent<'s> = Cow<'s, [u8]>;

/// Reads of one consistent view of a store.
pub trait Reader {
    /// Lends the value of `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Lent<'_>>, StoreError>;

    /// Hands each entry of `range` in key order to `visit`, until it returns `false`.
    fn scan(&self, range: Range<&[u8]>, visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError>;

    /// As [`Reader::scan`], from the last key to the first.
    fn scan_back(&self, range: Range<&[u8]>, visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError>;

    /// As [`Reader::scan`] for each of many ranges, cheapest in key order; `visit` gets the range's place too.
    ///
    /// When `visit` returns `false` the next range is scanned.
    fn scan_many(&self, ranges: &[Range<&[u8]>], visit: VisitMany<'_>) -> Result<(), StoreError> {
        for (place, range) in ranges.iter().enumerate() {
            self.scan(range.clone(), &mut |key, value| visit(place, key, value))?;
        }
        Ok(())
    }

    /// Looks up many keys, cheapest in key order; `visit` gets the key's place in `keys` and its value.
    fn get_many(&self, keys: &[&[u8]], visit: &mut dyn FnMut(usize, Option<&[u8]>)) -> Result<(), StoreError>;
}

/// A consistent view of one store, for as long as it lives; usable from any thread.
pub trait Snapshot: Reader + Send + Sync {}

/// The write transaction: reads its own writes, and stays on its thread.
pub trait Writer: Reader {
    /// Sets `key` to `value`.
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError>;

    /// Sets `key`, which must be greater than every key of the store; much faster than [`Writer::put`].
    fn append(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError>;

    /// Removes `key`; tells whether it was there.
    fn delete(&mut self, key: &[u8]) -> Result<bool, StoreError>;

    /// Removes every key of `range`.
    fn delete_range(&mut self, range: Range<&[u8]>) -> Result<(), StoreError>;

    /// Tells how many bytes hold live data, what was written so far included; measured as [`Usage::used_bytes`].
    fn used_bytes(&self) -> Result<u64, StoreError>;
}

/// How large a store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes that hold live data.
    pub used_bytes: u64,
    /// Bytes of the file on disk.
    pub file_bytes: u64,
    /// Bytes of address space now mapped.
    pub map_bytes: u64,
    /// Snapshots open now.
    pub readers: u32,
}

/// What the door can fail with.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has this folder open; stop it, or choose another folder.
    #[error("folder {} is in use by another process", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// Nothing is stored there, and it was not asked to be made.
    #[error("no database in folder {}", folder.display())]
    NotFound {
        /// The folder.
        folder: PathBuf,
    },
    /// A store is there already; choose another folder.
    #[error("a database is in folder {} already", folder.display())]
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// A file of another program, or of a newer format.
    #[error("{} is not a file of this server: {reason}", file.display())]
    NotOurs {
        /// The file.
        file: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// The file fails its checks; restore it from a backup.
    #[error("{} is damaged: {reason}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Which check failed.
        reason: String,
    },
    /// An encrypted database's key cannot be had: bring back what the reason names.
    #[error("the database in folder {} is encrypted, and its key cannot be had: {reason}", folder.display())]
    Key {
        /// The folder.
        folder: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// What was copied out of an encrypted database cannot be opened: bring back the key that the reason names.
    #[error("what is to be restored is encrypted, and its key cannot be had: {reason}")]
    ImageKey {
        /// What is missing.
        reason: String,
    },
    /// Only an encrypted database has a key.
    #[error("the database in folder {} is not encrypted", folder.display())]
    Plain {
        /// The folder.
        folder: PathBuf,
    },
    /// The disk is full, or the file reached its largest size; make room and try again.
    #[error("no room left: {reason}")]
    Full {
        /// Which room ran out.
        reason: String,
    },
    /// Readers hold the old map for too long; try again.
    #[error("the database could not grow while {readers} readers held it")]
    Busy {
        /// Snapshots that were open.
        readers: u32,
    },
    /// Too many snapshots at a time; try again.
    #[error("all {readers_max} reader places are taken")]
    Readers {
        /// How many places there are.
        readers_max: u32,
    },
    /// A sync failed earlier; the store takes no more writes, and maybe no new snapshots, until it is opened again.
    #[error("an earlier write could not be made durable; the database takes no more writes until it is reopened")]
    Poisoned,
    /// A key or a value is longer than the door lets through: a defect above.
    #[error("a key of {key_bytes} or a value of {value_bytes} bytes is too long")]
    TooLong {
        /// Length of the key.
        key_bytes: usize,
        /// Length of the value.
        value_bytes: usize,
    },
    /// A key was appended that is not greater than all others: a defect above.
    #[error("a key was appended out of order")]
    Order,
    /// Stops a write on purpose, for a reason of the caller's.
    #[error("the write was given up")]
    Aborted,
    /// The operating system refused.
    #[error("could not {action}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
}

impl StoreError {
    /// Gives the code that a client sees.
    #[must_use]
    pub fn code(&self) -> types::Code {
        use types::Code;
        match self {
            Self::InUse { .. }
            | Self::NotFound { .. }
            | Self::NotOurs { .. }
            | Self::Exists { .. }
            | Self::Key { .. }
            | Self::ImageKey { .. } => Code::DatabaseStartFailed,
            Self::Plain { .. } => Code::ArgumentError,
            Self::Damaged { .. } => Code::StorageDamaged,
            Self::Full { .. } => Code::StorageFull,
            Self::Busy { .. } | Self::Readers { .. } => Code::ResourceExhausted,
            Self::Poisoned | Self::Io { .. } => Code::StorageFailed,
            Self::TooLong { .. } | Self::Order | Self::Aborted => Code::Internal,
        }
    }

    /// Tells whether it is about the files of a store, and not about what the process or the disk is short of just now.
    #[must_use]
    pub fn is_of_files(&self) -> bool {
        match self {
            Self::Io { source, .. } => !is_shortage(source),
            Self::Full { .. } | Self::Busy { .. } | Self::Readers { .. } => false,
            _ => true,
        }
    }
}

/// Tells whether a process or the machine has too many files open, or no memory: any other file would fail so.
fn is_shortage(error: &std::io::Error) -> bool {
    let errno = rustix::io::Errno::from_io_error(error);
    let is_files = matches!(errno, Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE));
    is_files || error.kind() == std::io::ErrorKind::OutOfMemory
}
