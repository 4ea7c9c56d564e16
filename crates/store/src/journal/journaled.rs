//! A store with a journal beside it, or without one: it is switched on and off while the store is open.
//! Leaves files to `trail`. Start reading at [`Journaled::open`].

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{FairMutex, RwLock};
use types::{Clock, failpoint};

use super::format::Mark;
use super::recorder::Recorder;
use super::trail::{Begun, Place, Trail, nanos};
use super::{Flaw, JournalError, KEY, Keep, Looked, Outline, Rupture, Source, verify};
use crate::crypt::SealsKeys;
use crate::{Image, Reader, Snapshot, Store, StoreError, Usage, Writer};

/// A store whose commits are recorded, as long as somebody wants it.
pub struct Journaled {
    inner: Arc<dyn Store>,
    folder: PathBuf,
    identity: [u8; 16],
    clock: Arc<dyn Clock>,
    trail: RwLock<Option<FairMutex<Trail>>>,
    /// Bytes of all its files.
    bytes: AtomicU64,
}

/// What one run of somebody's work came to.
enum Recorded {
    /// Nothing changed.
    Nothing,
    /// The store commits this mark, unless it fails.
    Marked(Mark, Option<Begun>),
    /// The journal could not be written.
    Failed,
}

impl Journaled {
    /// Puts a journal in `folder` beside a store, or none.
    ///
    /// What a crash left behind the store's last commit is cut off. Where the journal is not what it was a new era
    /// begins; where none is wanted any more it is removed.
    pub fn open(
        inner: Arc<dyn Store>,
        folder: PathBuf,
        identity: [u8; 16],
        keep: Option<Keep>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let opened = Self { inner, folder, identity, clock, trail: RwLock::new(None), bytes: AtomicU64::new(0) };
        let (is_marked, mark) = opened.stored_mark()?;
        match (keep, mark) {
            (None, _) => {
                if is_marked || opened.folder.exists() {
                    opened.end(is_marked)?;
                }
            }
            (Some(keep), Some(mark)) => {
                let (trail, is_sound) = Trail::resume(opened.place(), keep, Arc::clone(&opened.clock), mark)?;
                if !is_sound {
                    opened.put_mark(trail.mark())?;
                }
                opened.bytes.store(trail.bytes(), Ordering::Relaxed);
                *opened.trail.write() = Some(FairMutex::new(trail));
            }
            (Some(keep), None) => opened.begin(keep, &mut opened.trail.write())?,
        }
        Ok(opened)
    }

    /// Keeps a journal from now on, or keeps none any more and removes what there is.
    ///
    /// It holds for the next commit when this returns. What fails changes nothing.
    pub fn set_keep(&self, keep: Option<Keep>) -> Result<(), StoreError> {
        let mut trail = self.trail.write();
        match (keep, &*trail) {
            (None, None) => Ok(()),
            (None, Some(_)) => {
                self.end(true)?;
                *trail = None;
                self.bytes.store(0, Ordering::Relaxed);
                Ok(())
            }
            (Some(keep), None) => self.begin(keep, &mut trail),
            (Some(keep), Some(trail)) => {
                let mut trail = trail.lock();
                trail.set_keep(keep);
                self.bytes.store(trail.bytes(), Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Tells whether commits are recorded.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.trail.read().is_some()
    }

    /// Tells how large the journal is, as of the last commit: it waits for nobody. Nothing where none is kept.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.is_on().then(|| self.bytes.load(Ordering::Relaxed))
    }

    /// Tells what the journal covers; nothing where none is kept.
    #[must_use]
    pub fn outline(&self) -> Option<Outline> {
        self.trail.read().as_ref().map(|trail| trail.lock().outline())
    }

    /// As [`Journaled::outline`], and looks for damage in files that are not known yet; nobody waits for it.
    #[must_use]
    pub fn look(&self, looked: &mut Looked) -> Option<Outline> {
        let (mut outline, segments, mark) = {
            let trail = self.trail.read();
            let trail = trail.as_ref()?.lock();
            (trail.outline(), trail.segments(), trail.mark())
        };
        outline.flaws = looked.at(&segments, self.identity, Some(mark));
        Some(outline)
    }

    /// Tells whether files were finished, or the journal opened, since somebody looked.
    #[must_use]
    pub fn is_ahead_of(&self, looked: &Looked) -> bool {
        self.trail.read().as_ref().is_some_and(|trail| looked.is_behind(&trail.lock().segments()))
    }

    /// Begins a new era where one of these flaws is in the one that goes on: what is recorded from now on can be played from
    /// new backups. Tells whether it did.
    pub fn leave_behind(&self, flaws: &[Flaw]) -> Result<bool, StoreError> {
        let trail = self.trail.read();
        let Some(trail) = &*trail else { return Ok(false) };
        let mut trail = trail.lock();
        let (mark, current) = (trail.mark(), trail.current_path());
        // One in an older file does not keep new backups from leading on.
        let is_now = |flaw: &Flaw| flaw.era == mark.position.era && current.as_ref() == Some(&flaw.file);
        if !flaws.iter().any(is_now) {
            return Ok(false);
        }
        self.write_ruptured(&mut trail, Rupture::Damage, Inner::Synced, &mut |_| Ok(()))?;
        Ok(true)
    }

    /// Opens the journal to be read up to the last commit, while others write; nothing where none is kept.
    pub fn source(&self) -> Result<Option<Source>, JournalError> {
        let trail = self.trail.read();
        let Some(trail) = &*trail else { return Ok(None) };
        // Nobody commits meanwhile, so nothing up to now is missing.
        let trail = trail.lock();
        let source = Source::settled(&self.folder, self.identity, trail.mark(), nanos(&*self.clock))?;
        Ok(Some(source.with_keys(self.inner.seals())))
    }

    fn place(&self) -> Place {
        Place { folder: self.folder.clone(), identity: self.identity, seals: self.inner.seals() }
    }

    /// Reads the mark that the store has: whether there is one, and what it says if it can be read.
    fn stored_mark(&self) -> Result<(bool, Option<Mark>), StoreError> {
        let snapshot = self.inner.snapshot()?;
        let value = snapshot.get(&KEY)?;
        Ok((value.is_some(), value.as_deref().and_then(Mark::parse)))
    }

    fn begin(&self, keep: Keep, place: &mut Option<FairMutex<Trail>>) -> Result<(), StoreError> {
        let trail = Trail::found(self.place(), keep, Arc::clone(&self.clock))?;
        failpoint::reach("journal.begin.made");
        self.put_mark(trail.mark())?;
        failpoint::reach("journal.begin.marked");
        *place = Some(FairMutex::new(trail));
        Ok(())
    }

    fn end(&self, is_marked: bool) -> Result<(), StoreError> {
        if is_marked {
            self.inner.write(&mut |writer| writer.delete(&KEY).map(drop))?;
        }
        failpoint::reach("journal.end.unmarked");
        let removed = super::remove(&self.folder);
        removed.map_err(|source| crate::lmdb::error::from_io(source, "remove the journal"))
    }

    /// Writes what is not recorded, and begins a new era for what comes behind it.
    fn write_ruptured(
        &self,
        trail: &mut Trail,
        reason: Rupture,
        inner: Inner,
        work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut recorded = Recorded::Nothing;
        let ruptured = &mut |writer: &mut dyn Writer| {
            let mut record = trail.begin();
            work(writer)?;
            recorded = Recorded::Failed;
            let mark = record.rupture(reason)?;
            record.sync()?;
            recorded = Recorded::Nothing;
            writer.put(&KEY, &mark.print())?;
            recorded = Recorded::Marked(mark, None);
            Ok(())
        };
        let written = match inner {
            Inner::Synced => self.inner.write(ruptured),
            Inner::Unsynced => self.inner.write_unsynced(ruptured),
        };
        settle(trail, recorded, &written);
        written
    }

    fn put_mark(&self, mark: Mark) -> Result<(), StoreError> {
        self.inner.write(&mut |writer| writer.put(&KEY, &mark.print()))
    }

    /// Records what the work writes, and has the store commit it with the mark of the record.
    fn write_recorded(
        &self,
        trail: &mut Trail,
        work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut recorded = Recorded::Nothing;
        let written = self.inner.write(&mut |writer| {
            let mut record = trail.begin();
            recorded = Recorded::Nothing;
            work(&mut Recorder { writer: &mut *writer, record: &mut record })?;
            recorded = Recorded::Failed;
            let Some(mark) = record.finish()? else {
                recorded = Recorded::Nothing;
                return Ok(());
            };
            // A map without room for it grows, and all begins anew.
            writer.put(&KEY, &mark.print()).inspect_err(|_| recorded = Recorded::Nothing)?;
            record.sync()?;
            recorded = Recorded::Marked(mark, record.into_begun());
            Ok(())
        });
        settle(trail, recorded, &written);
        written
    }
}

/// How the store is written to.
#[derive(Clone, Copy)]
enum Inner {
    Synced,
    Unsynced,
}

/// Tells the journal what became of the record.
fn settle(trail: &mut Trail, recorded: Recorded, written: &Result<(), StoreError>) {
    match (recorded, written) {
        (Recorded::Marked(mark, begun), Ok(())) => trail.commit(mark, begun),
        (Recorded::Nothing, Ok(())) => {}
        // Nobody knows whether the store has it: it takes no more writes, and who opens it next looks.
        (Recorded::Marked(..), Err(StoreError::Io { .. } | StoreError::Poisoned)) => {}
        (recorded, _) => {
            if matches!((&recorded, written), (Recorded::Failed, Err(StoreError::Io { .. }))) {
                trail.spoil();
            }
            trail.roll_back();
        }
    }
}

impl Store for Journaled {
    fn seals(&self) -> Option<Arc<dyn SealsKeys>> {
        self.inner.seals()
    }

    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        self.inner.snapshot()
    }

    fn write(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>) -> Result<(), StoreError> {
        match &*self.trail.read() {
            None => self.inner.write(work),
            Some(trail) => {
                let mut trail = trail.lock();
                let written = self.write_recorded(&mut trail, work);
                self.bytes.store(trail.bytes(), Ordering::Relaxed);
                written
            }
        }
    }

    fn write_unsynced(
        &self,
        work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let trail = self.trail.read();
        let Some(trail) = &*trail else { return self.inner.write_unsynced(work) };
        self.write_ruptured(&mut trail.lock(), Rupture::Load, Inner::Unsynced, work)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.inner.sync()
    }

    fn usage(&self) -> Result<Usage, StoreError> {
        self.inner.usage()
    }

    fn bytes_under(&self, first: u8, long: &[Range<&[u8]>]) -> Result<u64, StoreError> {
        self.inner.bytes_under(first, long)
    }

    fn image(&self, look: &mut dyn FnMut(&dyn Reader) -> Result<(), StoreError>) -> Result<Box<dyn Image>, StoreError> {
        self.inner.image(look)
    }

    fn check(&self) -> Result<(), StoreError> {
        self.inner.check()?;
        let checked = self.source().and_then(|source| source.map(verify).transpose());
        checked.map(drop).map_err(|error| match error {
            JournalError::Store(error) => error,
            JournalError::Damaged { file, reason } => StoreError::Damaged { file, reason },
            other => StoreError::Damaged { file: self.folder.clone(), reason: other.to_string() },
        })
    }

    fn confirm(&self) -> Result<(), StoreError> {
        self.inner.confirm()
    }

    fn takes_writes(&self) -> bool {
        self.inner.takes_writes()
    }
}
