//! One open encrypted store: snapshots, the write turn, and what a failure means for the next write.
//! Leaves opening and keys to `open`, sectors to `vault`. Start reading at [`CryptStore::write_in`].

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use parking_lot::{FairMutex, RwLock};
use redb::{Builder, Database, ReadOnlyTable, ReadableDatabase, WriteTransaction};
use types::{effort, failpoint};

use super::error::{damaged, of_redb};
use super::image::CryptImage;
use super::key_file::SealsKeys;
use super::reading::{BYTES, FACTS, KEYSPACE, Reading};
use super::sizes::Sizes;
use super::snapshot::{CryptSnapshot, Place};
use super::vault::{Backend, Vault};
use super::writer::{CryptWriter, Trouble, full};
use crate::lmdb::error::is_full;
use crate::{END, Image, Reader, Snapshot, Store, StoreError, Usage, Writer};

/// Opened pages that one store keeps in memory, half of them at most while they wait to be written.
const CACHE_BYTES: usize = 16 << 20;

/// What a store was opened with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub bytes_max: u64,
    pub readers_max: u32,
}

/// An open encrypted store.
pub(super) struct CryptStore {
    opened: RwLock<Arc<Opened>>,
    turn: FairMutex<()>,
    readers: Arc<AtomicU32>,
    limits: Limits,
    /// A commit failed in a way after which the file may not be trusted to take another.
    is_poisoned: AtomicBool,
    /// Seals the keys of images.
    seals: Arc<dyn SealsKeys>,
}

/// The tree over its file; the last snapshot or store that holds it closes it.
pub(super) struct Opened {
    /// `None` only while this value is being dropped.
    database: Option<Database>,
    pub(super) vault: Arc<Vault>,
    /// How much there is after the last commit.
    sizes: RwLock<Sizes>,
}

/// Why a transaction was not committed.
enum Stopped {
    Error(StoreError),
    Panic(Box<dyn Any + Send>),
}

impl Opened {
    /// Opens the tree; makes an empty one where the file has nothing yet.
    pub(super) fn new(vault: Arc<Vault>) -> Result<Self, StoreError> {
        let modified = vault.modified()?;
        let backend = Backend(Arc::clone(&vault));
        // What redb believes impossible is a panic there, and damage to us.
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let database = Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(backend);
            let database = database.map_err(|error| of_redb(error, &vault, "open the database"))?;
            let sizes = made(&database, &vault)?;
            Ok::<_, StoreError>((database, sizes))
        }));
        let (database, sizes) =
            opened.unwrap_or_else(|_| Err(damaged(&vault.path, "its tree does not hold together")))?;
        // That it is open is written into the file, and changes nothing of what it keeps.
        vault.set_modified(modified)?;
        vault.keep();
        Ok(Self { database: Some(database), vault, sizes: RwLock::new(sizes) })
    }

    fn database(&self) -> &Database {
        self.database.as_ref().expect("the tree goes only when the last owner does")
    }

    /// Begins to read what is committed now.
    pub(super) fn snapshot(self: &Arc<Self>, place: Option<Place>) -> Result<CryptSnapshot, StoreError> {
        let failed = |error: redb::Error| of_redb(error, &self.vault, "begin reading");
        let txn = self.database().begin_read().map_err(|error| failed(error.into()))?;
        let table = txn.open_table(KEYSPACE).map_err(|error| failed(error.into()))?;
        let facts = txn.open_table(FACTS).map_err(|error| failed(error.into()))?;
        let bytes = facts.get(BYTES).map_err(|error| failed(error.into()))?.map_or(0, |bytes| bytes.value());
        Ok(CryptSnapshot::new(table, bytes, place, Arc::clone(self)))
    }

    /// Tells whether the disk was full, which may have passed; until it is opened anew everything fails.
    fn was_full(&self) -> bool {
        self.vault.trouble().is_some_and(|(kind, _)| is_full(&kind.into()))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let modified = self.vault.modified();
        // Closing writes down which pages are free, which changes nothing of what is kept.
        if catch_unwind(AssertUnwindSafe(|| self.database = None)).is_err() {
            tracing::error!(file = %self.vault.path.display(), "closing an encrypted database failed; opening it repairs it");
        }
        if let Err(error) = modified.and_then(|modified| self.vault.set_modified(modified)) {
            tracing::debug!(file = %self.vault.path.display(), %error, "the time of the file stays");
        }
    }
}

/// Makes the two tables where they are not there yet; gives how much is in them.
fn made(database: &Database, vault: &Vault) -> Result<Sizes, StoreError> {
    let failed = |error: redb::Error| of_redb(error, vault, "make the tables");
    let txn = database.begin_read().map_err(|error| failed(error.into()))?;
    match txn.open_table(FACTS) {
        Ok(facts) => match Sizes::read(&facts).map_err(|error| failed(error.into()))? {
            Some(sizes) => Ok(sizes),
            None => counted(&txn.open_table(KEYSPACE).map_err(|error| failed(error.into()))?, vault),
        },
        Err(redb::TableError::TableDoesNotExist(_)) => {
            let mut txn = database.begin_write().map_err(|error| failed(error.into()))?;
            txn.set_two_phase_commit(true);
            txn.open_table(KEYSPACE).map_err(|error| failed(error.into()))?;
            txn.open_table(FACTS).map_err(|error| failed(error.into()))?;
            txn.commit().map_err(|error| failed(error.into()))?;
            Ok(Sizes::default())
        }
        Err(error) => Err(failed(error.into())),
    }
}

/// Reads every entry to count it: for a file that an older server wrote, until its next commit.
fn counted(table: &ReadOnlyTable<&'static [u8], &'static [u8]>, vault: &Vault) -> Result<Sizes, StoreError> {
    let mut sizes = Sizes::default();
    Reading { table, vault }.scan(&[]..END, &mut |key, value| {
        sizes.add(key, value);
        true
    })?;
    Ok(sizes)
}

impl CryptStore {
    pub(super) fn new(opened: Opened, limits: Limits, seals: Arc<dyn SealsKeys>) -> Self {
        Self {
            opened: RwLock::new(Arc::new(opened)),
            turn: FairMutex::default(),
            readers: Arc::default(),
            limits,
            is_poisoned: AtomicBool::new(false),
            seals,
        }
    }

    /// Gives the tree, opened anew after the disk was full.
    ///
    /// Snapshots of before then fail: nobody keeps their pages any more.
    fn opened(&self) -> Result<Arc<Opened>, StoreError> {
        let opened = Arc::clone(&self.opened.read());
        if !opened.was_full() {
            return Ok(opened);
        }
        drop(opened);
        let mut place = self.opened.write();
        if place.was_full() {
            *place = Arc::new(Opened::new(place.vault.again()?)?);
            tracing::info!(file = %place.vault.path.display(), "opened again after the disk was full");
        }
        Ok(Arc::clone(&place))
    }

    fn write_in(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>) -> Result<(), StoreError> {
        if self.is_poisoned.load(Ordering::Acquire) {
            return Err(StoreError::Poisoned);
        }
        let opened = self.opened()?;
        let txn = opened.database().begin_write();
        let mut txn = txn.map_err(|error| self.judge(of_redb(error, &opened.vault, "begin writing")))?;
        // The pages first, then the word that they count: what is torn is never mistaken for what was written.
        txn.set_two_phase_commit(true);
        match self.attempt(&opened, &txn, work) {
            Ok(sizes) => {
                failpoint::reach("store.commit.before");
                if let Err(error) = txn.commit() {
                    let error = self.judge(of_redb(error, &opened.vault, "commit"));
                    if opened.was_full() {
                        opened.vault.give_back();
                    }
                    return Err(error);
                }
                failpoint::reach("store.commit.after");
                opened.vault.keep();
                *opened.sizes.write() = sizes;
                Ok(())
            }
            Err(stopped) => {
                // While unwinding redb would keep the pages of the transaction: it is ended before.
                let ended = txn.abort();
                if let Err(error) = ended {
                    tracing::debug!(%error, "a transaction that failed could not be ended either");
                }
                if opened.was_full() {
                    opened.vault.give_back();
                }
                match stopped {
                    Stopped::Error(error) => Err(error),
                    Stopped::Panic(panic) => resume_unwind(panic),
                }
            }
        }
    }

    /// Runs `work`; gives how much it leaves.
    fn attempt(
        &self,
        opened: &Opened,
        txn: &WriteTransaction,
        work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>,
    ) -> Result<Sizes, Stopped> {
        let vault = &*opened.vault;
        let failed = |error: redb::Error| Stopped::Error(self.judge(of_redb(error, vault, "write the database")));
        let table = txn.open_table(KEYSPACE).map_err(|error| failed(error.into()))?;
        let before = opened.sizes.read().clone();
        let mut writer = CryptWriter::new(table, vault, before.clone(), self.limits.bytes_max);
        let worked = catch_unwind(AssertUnwindSafe(|| work(&mut writer))).map_err(Stopped::Panic)?;
        match (writer.trouble(), worked) {
            (Trouble::Full, _) => return Err(Stopped::Error(full(self.limits.bytes_max))),
            (Trouble::Broken, Ok(())) => return Err(Stopped::Error(StoreError::Aborted)),
            (Trouble::Broken, Err(error)) => return Err(Stopped::Error(self.judge(error))),
            (Trouble::Nothing, worked) => worked.map_err(Stopped::Error)?,
        }
        let mut sizes = writer.into_sizes();
        if sizes != before {
            let mut facts = txn.open_table(FACTS).map_err(|error| failed(error.into()))?;
            sizes.write(&before, &mut facts).map_err(|error| failed(error.into()))?;
        }
        Ok(sizes)
    }

    /// Decides what a failed write means for the next one: a full disk passes, of anything else nobody knows what
    /// reached the disk.
    fn judge(&self, error: StoreError) -> StoreError {
        if !matches!(error, StoreError::Full { .. }) {
            self.is_poisoned.store(true, Ordering::Release);
        }
        error
    }
}

impl Store for CryptStore {
    fn seals(&self) -> Option<Arc<dyn SealsKeys>> {
        Some(Arc::clone(&self.seals))
    }

    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        let place = Place::take(&self.readers, self.limits.readers_max)?;
        Ok(Arc::new(self.opened()?.snapshot(Some(place))?))
    }

    fn write(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let _turn = self.turn.lock();
        self.write_in(work)
    }

    fn write_unsynced(
        &self,
        work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let _turn = self.turn.lock();
        let vault = Arc::clone(&self.opened()?.vault);
        vault.wait_for_disk(false);
        // Back in any case: the next writer counts on it.
        let written = catch_unwind(AssertUnwindSafe(|| self.write_in(work)));
        vault.wait_for_disk(true);
        written.unwrap_or_else(|panic| resume_unwind(panic))
    }

    fn sync(&self) -> Result<(), StoreError> {
        let _turn = self.turn.lock();
        if self.is_poisoned.load(Ordering::Acquire) {
            return Err(StoreError::Poisoned);
        }
        failpoint::reach("store.sync.before");
        self.opened()?.vault.sync_file().map_err(|error| self.judge(error))
    }

    fn usage(&self) -> Result<Usage, StoreError> {
        let opened = Arc::clone(&self.opened.read());
        Ok(Usage {
            used_bytes: opened.sizes.read().total(),
            file_bytes: opened.vault.file_bytes()?,
            // Nothing is mapped.
            map_bytes: 0,
            readers: self.readers.load(Ordering::Acquire),
        })
    }

    fn bytes_under(&self, first: u8, _long: &[Range<&[u8]>]) -> Result<u64, StoreError> {
        Ok(self.opened.read().sizes.read().under(first))
    }

    fn image(&self, look: &mut dyn FnMut(&dyn Reader) -> Result<(), StoreError>) -> Result<Box<dyn Image>, StoreError> {
        let snapshot = self.opened()?.snapshot(None)?;
        look(&snapshot)?;
        Ok(Box::new(CryptImage::take(snapshot, &*self.seals)?))
    }

    fn check(&self) -> Result<(), StoreError> {
        let opened = self.opened()?;
        let snapshot = opened.snapshot(None)?;
        let (mut entries, mut bytes) = (0, 0);
        // Every page on the way is opened, and what is opened is authentic.
        snapshot.scan(&[]..END, &mut |key, value| {
            entries += 1;
            bytes += (key.len() + value.len()) as u64;
            effort::pay(1)
        })?;
        // Nobody wants to know any more.
        if !effort::look() {
            return Ok(());
        }
        let counted = snapshot.entries()?;
        if (entries, bytes) != (counted, snapshot.bytes) {
            let reason = format!(
                "{entries} entries of {bytes} bytes were read where {counted} of {} are counted",
                snapshot.bytes
            );
            return Err(damaged(&opened.vault.path, reason));
        }
        Ok(())
    }
    fn takes_writes(&self) -> bool {
        let opened = self.opened.read();
        // Redb does nothing more after any trouble; a full disk passes, and then it is opened again here.
        !self.is_poisoned.load(Ordering::Acquire) && (opened.vault.trouble().is_none() || opened.was_full())
    }
}
