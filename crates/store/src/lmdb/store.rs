//! One open environment: snapshots, the write turn, growth, copies.
//! Leaves opening and its checks to `open`, walking pages to `walk`. Start reading at [`LmdbStore::write`].
#![expect(unsafe_code, reason = "replacing the map and choosing how to sync; see the two blocks")]

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use heed::{Env, EnvFlags, FlagSetMode, MdbError, WithoutTls};
use parking_lot::FairMutex;
use types::{effort, failpoint};

use super::error::{from_heed, is_full};
use super::files::{self, DataFile};
use super::format::{Doing, Header, Meta};
use super::gate::{Gate, Pass, Visit};
use super::image::LmdbImage;
use super::reading::Keyspace;
use super::snapshot::LmdbSnapshot;
use super::sum::Sums;
use super::walk::{self, Depth};
use super::writer::{LmdbWriter, Trouble};
use super::{MAP_UNIT_BYTES, open, size};
use crate::{Image, Reader, Snapshot, Store, StoreError, Usage, Writer};

/// What one attempt to write came to.
enum Attempt {
    Done,
    MapFull,
}

/// An open store on LMDB.
pub(super) struct LmdbStore {
    shared: Arc<Shared>,
    /// The write turn. Fair, and taken before LMDB's own lock, which is not.
    turn: FairMutex<Turn>,
    gate: Arc<Gate>,
    limits: Limits,
}

/// Whether a commit waits for the disk.
#[derive(Clone, Copy)]
enum Syncing {
    On,
    Off,
}

/// What a store was opened with.
pub(super) struct Limits {
    pub map_max_bytes: u64,
    pub grow_wait_max: Duration,
    pub header: Header,
}

/// What only the writer may touch.
struct Turn {
    map_bytes: u64,
}

/// What store and snapshots share; the last of them closes the file.
pub(super) struct Shared {
    /// `None` only while this value is being dropped.
    env: Option<Env<WithoutTls>>,
    pub(super) keys: Keyspace,
    pub(super) sums: Sums,
    pub(super) data: DataFile,
    /// A commit failed in a way after which the file may not be trusted to take another.
    poisoned: AtomicBool,
    /// There is no map any more: replacing it failed half way.
    unmapped: AtomicBool,
}

impl Shared {
    pub(super) fn new(env: Env<WithoutTls>, keys: Keyspace, data: DataFile, sums: Sums) -> Arc<Self> {
        let (poisoned, unmapped) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { env: Some(env), keys, sums, data, poisoned, unmapped })
    }

    fn env(&self) -> &Env<WithoutTls> {
        self.env.as_ref().expect("the environment goes only when the last owner does")
    }

    fn failed(&self, error: heed::Error, action: &'static str) -> StoreError {
        let error = from_heed(error, &self.data.path, action);
        if matches!(error, StoreError::Poisoned) {
            // LMDB itself gave up, as after a meta page that could not be written.
            self.poisoned.store(true, Ordering::Release);
        }
        error
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Snapshots, which hold the environment too, hold this value longer: here it closes for good.
        self.env = None;
        let folder = self.data.path.parent().expect("the data file lies in a folder").to_owned();
        files::remove_reader_table(&folder);
        if self.poisoned.load(Ordering::Acquire) {
            return; // The mark stays "open", so that the next opening looks closely.
        }
        let closed = open::newest_commit(&self.data).and_then(|commit| self.data.set_closed(commit));
        if let Err(error) = closed {
            tracing::warn!(folder = %folder.display(), %error, "database not marked as closed; the next opening checks it");
        }
    }
}

impl LmdbStore {
    pub(super) fn new(shared: Arc<Shared>, map_bytes: u64, readers_max: u32, limits: Limits) -> Self {
        Self { shared, turn: FairMutex::new(Turn { map_bytes }), gate: Gate::new(readers_max), limits }
    }

    fn enter(&self, visit: Visit) -> Result<Pass, StoreError> {
        let pass = self.gate.enter(visit)?;
        if self.shared.unmapped.load(Ordering::Acquire) {
            return Err(StoreError::Poisoned);
        }
        Ok(pass)
    }

    fn begin_reading(&self, visit: Visit) -> Result<LmdbSnapshot, StoreError> {
        let pass = self.enter(visit)?;
        let txn = self.shared.env().clone().static_read_txn();
        let txn = txn.map_err(|error| self.shared.failed(error, "begin reading"))?;
        Ok(LmdbSnapshot::new(txn, pass, Arc::clone(&self.shared)))
    }

    /// Begins to read the last commit, and gives its meta page.
    ///
    /// Meta pages change with every commit, so the roots are read while nobody commits. The pages below them stay as
    /// they are for as long as the snapshot lives.
    fn look_at_newest(&self) -> Result<(LmdbSnapshot, Meta), StoreError> {
        let _turn = self.turn.lock();
        Ok((self.begin_reading(Visit::Look)?, open::newest(&self.shared.data)?))
    }

    fn write_in(
        &self,
        turn: &mut Turn,
        work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        loop {
            if self.shared.poisoned.load(Ordering::Acquire) {
                return Err(StoreError::Poisoned);
            }
            match self.attempt(work)? {
                Attempt::Done => return Ok(()),
                Attempt::MapFull => self.grow(turn)?,
            }
        }
    }

    /// Says whether commits wait for the disk; holding the turn means that no other thread says it.
    fn set_syncing(&self, _turn: &Turn, syncing: Syncing) -> Result<(), StoreError> {
        let mode = match syncing {
            Syncing::On => FlagSetMode::Disable,
            Syncing::Off => FlagSetMode::Enable,
        };
        // SAFETY: LMDB asks that one thread at a time sets flags: that is who has the turn. Without syncs the file may
        // not survive losing power, which the door says; memory is as safe as ever, for the file is not mapped for
        // writing. `unsynced_writes_are_read_back` is the test.
        let set = unsafe { self.shared.env().set_flags(EnvFlags::NO_SYNC, mode) };
        set.map_err(|error| self.shared.failed(error, "choose how to sync"))
    }

    fn attempt(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>) -> Result<Attempt, StoreError> {
        let shared = &*self.shared;
        let txn = shared.env().write_txn().map_err(|error| shared.failed(error, "begin writing"))?;
        let mut writer = LmdbWriter::new(txn, shared.keys, shared.sums, &shared.data.path);
        let worked = work(&mut writer);
        match (writer.trouble(), worked) {
            (Trouble::MapFull, _) => return Ok(Attempt::MapFull),
            (Trouble::Broken, Ok(())) => return Err(StoreError::Aborted),
            (Trouble::Broken, Err(error)) => {
                drop(writer);
                return Err(self.judge_write(error));
            }
            (Trouble::Nothing, worked) => worked?,
        }
        failpoint::reach("store.commit.before");
        if failpoint::fails("store.commit.fails") {
            let source = std::io::Error::other("a test wants it so");
            return Err(self.judge_write(StoreError::Io { action: "commit", source }));
        }
        match writer.commit() {
            Ok(()) => {
                failpoint::reach("store.commit.after");
                Ok(Attempt::Done)
            }
            Err(heed::Error::Mdb(MdbError::MapFull)) => Ok(Attempt::MapFull),
            Err(error) => Err(self.judge_write(shared.failed(error, "commit"))),
        }
    }

    /// Decides what a failed write means for the next one.
    ///
    /// Pages that a full disk cut short belong to nobody yet, so the store is as before and may try again. After
    /// anything else we cannot know what reached the disk: the page cache may show what a later read would not.
    fn judge_write(&self, error: StoreError) -> StoreError {
        let error = match error {
            StoreError::Io { source, .. } if self.was_disk_full(&source) => {
                StoreError::Full { reason: "the disk is full".to_owned() }
            }
            other => other,
        };
        match error {
            StoreError::Full { .. } if !self.has_given_up() => self.cut_tail(),
            _ => self.shared.poisoned.store(true, Ordering::Release),
        }
        error
    }

    /// Tells whether LMDB takes no more transactions: it was the meta page that did not get to the disk.
    fn has_given_up(&self) -> bool {
        let begun = self.shared.env().write_txn().map(|txn| txn.abort());
        begun.is_err_and(|error| matches!(self.shared.failed(error, "begin writing"), StoreError::Poisoned))
    }

    fn was_disk_full(&self, error: &std::io::Error) -> bool {
        is_full(error) || self.shared.data.path.parent().is_some_and(files::disk_is_full)
    }

    /// Gives back the pages past the last one of the last commit, so that one failed write does not keep the disk full.
    fn cut_tail(&self) {
        let cut = open::newest(&self.shared.data).and_then(|meta| {
            // Under the write turn nobody else writes; readers never look past the last page of their commit.
            let used = (meta.last_page + 1) * u64::from(meta.page_bytes);
            if self.shared.data.bytes()? > used { self.shared.data.set_bytes(used) } else { Ok(()) }
        });
        if let Err(error) = cut {
            tracing::warn!(%error, "could not give back the room of a failed write");
        }
    }

    fn grow(&self, turn: &mut Turn) -> Result<(), StoreError> {
        if turn.map_bytes >= self.limits.map_max_bytes {
            return Err(StoreError::Full {
                reason: format!("the database reached its largest size of {} bytes", self.limits.map_max_bytes),
            });
        }
        let larger = turn.map_bytes.saturating_mul(2).min(self.limits.map_max_bytes);
        let _closed = self.gate.close(self.limits.grow_wait_max)?;
        let bytes = usize::try_from(larger).expect("64-bit machines only");
        // SAFETY: LMDB asks that the process has no transaction open in this environment. Readers hold a pass as long
        // as their transaction lives and the gate is closed with everyone out; the one write transaction was aborted
        // by our caller, who holds the write turn. What is left are pins: read transactions that never read again. LMDB
        // touches no page on behalf of one, its end included, which only clears a place in the reader table, and
        // looks at them here no more than it looks at readers of other processes. So nothing points into the map that
        // goes away; `an_image_outlives_the_growth_of_its_store` is the test.
        match unsafe { self.shared.env().resize(bytes) } {
            Ok(()) => {
                tracing::debug!(file = %self.shared.data.path.display(), map_bytes = larger, "map grown");
                turn.map_bytes = larger;
                failpoint::reach("store.grow");
                Ok(())
            }
            Err(error) => {
                // LMDB unmaps before it maps: whatever failed, the old map may be gone.
                self.shared.unmapped.store(true, Ordering::Release);
                self.shared.poisoned.store(true, Ordering::Release);
                Err(self.shared.failed(error, "grow the map"))
            }
        }
    }
}

impl Store for LmdbStore {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        Ok(Arc::new(self.begin_reading(Visit::Snapshot)?))
    }

    fn write(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.write_in(&mut self.turn.lock(), work)
    }

    fn write_unsynced(
        &self,
        work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut turn = self.turn.lock();
        self.set_syncing(&turn, Syncing::Off)?;
        let written = self.write_in(&mut turn, work);
        // Back in any case: the next writer counts on it.
        let back = self.set_syncing(&turn, Syncing::On);
        written.and(back)
    }

    fn sync(&self) -> Result<(), StoreError> {
        let _turn = self.turn.lock();
        if self.shared.poisoned.load(Ordering::Acquire) {
            return Err(StoreError::Poisoned);
        }
        failpoint::reach("store.sync.before");
        let synced = self.shared.env().force_sync();
        synced.map_err(|error| self.judge_write(self.shared.failed(error, "sync")))
    }

    fn usage(&self) -> Result<Usage, StoreError> {
        let _pass = self.enter(Visit::Look)?;
        let stat = self.shared.env().unnamed_database_stat();
        Ok(Usage {
            used_bytes: used_bytes(&stat),
            file_bytes: self.shared.data.bytes()?,
            map_bytes: self.shared.env().info().map_size as u64,
            readers: self.gate.readers(),
        })
    }

    fn bytes_under(&self, first: u8, long: &[Range<&[u8]>]) -> Result<u64, StoreError> {
        // Nobody is kept from committing. Where two commits overtook the snapshot, its roots are gone: a new one is taken.
        loop {
            let snapshot = self.begin_reading(Visit::Look)?;
            let (number, _pin) = (snapshot.commit(), snapshot.pin());
            if let Some(meta) = open::commit(&self.shared.data, number)? {
                return size::bytes_under(&self.shared.data, &meta.main, first, long);
            }
        }
    }

    fn image(&self, look: &mut dyn FnMut(&dyn Reader) -> Result<(), StoreError>) -> Result<Box<dyn Image>, StoreError> {
        let (snapshot, meta) = self.look_at_newest()?;
        look(&snapshot)?;
        let image = LmdbImage::take(Arc::clone(&self.shared), snapshot.pin(), &meta, &self.limits.header)?;
        Ok(Box::new(image))
    }

    fn check(&self) -> Result<(), StoreError> {
        let (snapshot, meta) = self.look_at_newest()?;
        walk::walk(&self.shared.data, &meta, Depth::Leaves)?;
        let mut entries = 0;
        snapshot.reading().scan(&[]..&[0xFF; 512], &mut |_, _| {
            entries += 1;
            effort::pay(1)
        })?;
        // Nobody wants to know any more.
        if !effort::look() {
            return Ok(());
        }
        if entries != meta.main.entries {
            let reason = format!("{entries} entries were read where {} are counted", meta.main.entries);
            return Err(StoreError::Damaged { file: self.shared.data.path.clone(), reason });
        }
        Ok(())
    }

    fn confirm(&self) -> Result<(), StoreError> {
        self.shared.data.set_doing(&Doing::Open)
    }

    fn takes_writes(&self) -> bool {
        !self.shared.poisoned.load(Ordering::Acquire)
    }
}

/// Rounds a size of the map up to what every operating system accepts.
pub(super) fn whole_units(bytes: u64) -> u64 {
    bytes.div_ceil(MAP_UNIT_BYTES).max(1).saturating_mul(MAP_UNIT_BYTES)
}

/// Gives the bytes of the pages that hold data, and of the two that say where it is.
pub(super) fn used_bytes(stat: &heed::DatabaseStat) -> u64 {
    let pages = stat.branch_pages + stat.leaf_pages + stat.overflow_pages + 2;
    pages as u64 * u64::from(stat.page_size)
}
