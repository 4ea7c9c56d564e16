//! The end of a journal that is being written: one record at a time, in files of which the oldest go.
//! Leaves the store's commit to `journaled`. Start reading at [`Trail::begin`].
//!
//! What is written of a record counts only once the store has committed the mark that [`Record::finish`] gives. Until
//! then it can be begun anew as often as need be, and is cut off by whoever opens the journal next.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use rand::Rng;
use types::{Clock, failpoint};

use super::changes::Change;
use super::folder::{Outline, Segment, name, remove_file, segments};
use super::format::{Frame, HEADER_BYTES, Header, Kind, Mark, RAW_MAX_BYTES};
use super::sealed::{BLOCK_BYTES, FileKey, is_block};
use super::{Keep, Position, Rupture};
use crate::StoreError;
use crate::crypt::SealsKeys;
use crate::lmdb::error::from_io;

/// Changes that are kept in memory before they are written, in bytes.
const BUFFER_BYTES: usize = 1 << 20;
/// Into how many files a journal of its full size is cut, so that what goes is a small part.
const FILES: u64 = 16;
/// Bounds of a file's size, beyond which the next record begins another one.
const FILE_MIN_BYTES: u64 = 64 << 10;
const FILE_MAX_BYTES: u64 = 32 << 20;

/// Where a journal lies, whose it is, and what seals the keys of its files if they are sealed.
pub(super) struct Place {
    pub folder: PathBuf,
    pub identity: [u8; 16],
    pub seals: Option<Arc<dyn SealsKeys>>,
}

/// The end of a journal.
pub(super) struct Trail {
    /// What seals the keys of its files, where it is the journal of an encrypted store.
    seals: Option<Arc<dyn SealsKeys>>,
    folder: PathBuf,
    identity: [u8; 16],
    clock: Arc<dyn Clock>,
    keep: Keep,
    /// How far it goes, as the store says.
    mark: Mark,
    /// Every file, the one that is written last.
    files: VecDeque<Segment>,
    /// The file in which the mark lies.
    current: Option<Tail>,
    /// The file that was begun for a record which is not committed yet.
    begun: Option<PathBuf>,
    /// Something is behind the last record that could not be cut off: the next one begins another file.
    is_spoilt: bool,
    /// Room for the bytes of one frame.
    out: Vec<u8>,
}

/// A file that is appended to.
struct Tail {
    file: File,
    /// Bytes that the file has, those ahead included.
    bytes: u64,
    header: Header,
    /// What seals its records.
    key: Option<FileKey>,
}

/// A record that is being written.
pub(super) struct Record<'t> {
    trail: &'t mut Trail,
    /// Where it ends so far.
    at: Mark,
    /// The file that begins with it.
    begun: Option<Tail>,
    raw: Vec<u8>,
    part: u32,
    time: i64,
    /// Bytes written.
    written: u64,
    is_too_large: bool,
}

impl Trail {
    /// Begins a journal anew in `folder`; nothing of an earlier one stays. The mark has yet to be committed.
    pub fn found(place: Place, keep: Keep, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let folder = &place.folder;
        super::remove(folder).map_err(|source| from_io(source, "remove an old journal"))?;
        fs::create_dir_all(folder).map_err(|source| from_io(source, "make the folder of the journal"))?;
        let mark = Mark {
            position: Position { era: new_era(), sequence: 0 },
            time: nanos(&*clock),
            number: 1,
            end: 0,
            sum: 0,
        };
        Ok(Self::over(place, keep, clock, mark))
    }

    /// Goes on with a journal where the store's mark says, and cuts off what is behind it.
    ///
    /// `false` says that what the mark tells of is not there: a new era begins, and its mark has yet to be committed.
    pub fn resume(place: Place, keep: Keep, clock: Arc<dyn Clock>, mark: Mark) -> Result<(Self, bool), StoreError> {
        // Without it, the store was carried here from where its journal goes on.
        let is_there = place.folder.is_dir();
        fs::create_dir_all(&place.folder).map_err(|source| from_io(source, "make the folder of the journal"))?;
        let mut trail = Self::over(place, keep, clock, mark);
        let failed = |source| from_io(source, "open the journal");
        for segment in segments(&trail.folder).map_err(failed)? {
            if segment.number > mark.number || segment.number == mark.number && mark.end == 0 {
                // Begun for a record that was never committed.
                remove_file(&segment.path).map_err(failed)?;
            } else {
                trail.files.push_back(segment);
            }
        }
        if mark.end == 0 && is_there || trail.reopen()? {
            trail.prune();
            return Ok((trail, true));
        }
        tracing::warn!(folder = %trail.folder.display(), "the journal is not what it was; from here on a new backup is needed");
        trail.mark = trail.next_era(mark.position.sequence);
        Ok((trail, false))
    }

    fn over(place: Place, keep: Keep, clock: Arc<dyn Clock>, mark: Mark) -> Self {
        let Place { folder, identity, seals } = place;
        let files = VecDeque::new();
        Self {
            seals,
            folder,
            identity,
            clock,
            keep,
            mark,
            files,
            current: None,
            begun: None,
            is_spoilt: false,
            out: Vec::new(),
        }
    }

    /// Opens the file in which the mark lies; `false` if it is not what it was.
    fn reopen(&mut self) -> Result<bool, StoreError> {
        let mark = self.mark;
        let Some(segment) = self.files.back_mut().filter(|segment| segment.number == mark.number) else {
            return Ok(false);
        };
        let fits = |header: &Header| header.identity == self.identity && header.era == mark.position.era;
        let Some(header) = segment.header.filter(fits) else { return Ok(false) };
        if segment.bytes < mark.end {
            return Ok(false);
        }
        let failed = |source| from_io(source, "open the journal");
        let file = File::options().read(true).write(true).open(&segment.path).map_err(failed)?;
        if segment.bytes > mark.end {
            file.set_len(mark.end).map_err(failed)?;
            segment.bytes = mark.end;
        }
        // A journal is sealed or not from the beginning, as its store is.
        let key = match (&self.seals, header.is_sealed) {
            (None, false) => None,
            (Some(seals), true) => {
                let mut block = [0; BLOCK_BYTES];
                file.read_exact_at(&mut block, HEADER_BYTES as u64).map_err(failed)?;
                match FileKey::open(&**seals, self.identity, &block) {
                    Ok(key) if is_block(&block) => Some(key),
                    _ => return Ok(false),
                }
            }
            _ => return Ok(false),
        };
        self.current = Some(Tail { file, bytes: mark.end, header, key });
        Ok(true)
    }

    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// Counts the bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Names the file that is appended to.
    pub fn current_path(&self) -> Option<PathBuf> {
        self.current.as_ref().and_then(|_| self.files.back().map(|segment| segment.path.clone()))
    }

    pub fn segments(&self) -> Vec<Segment> {
        Vec::from(self.files.clone())
    }

    pub fn outline(&self) -> Outline {
        Outline::over(&self.segments()).going_on(&self.mark)
    }

    /// Bounds it anew; what is too much goes at once.
    pub fn set_keep(&mut self, keep: Keep) {
        self.keep = keep;
        self.prune();
    }

    /// Begins a record; what an earlier try left is cut off.
    pub fn begin(&mut self) -> Record<'_> {
        self.roll_back();
        let (at, time) = (self.mark, nanos(&*self.clock).max(self.mark.time));
        Record { at, begun: None, raw: Vec::new(), part: 0, time, written: 0, is_too_large: false, trail: self }
    }

    /// Cuts off what is behind the last record that the store committed.
    pub fn roll_back(&mut self) {
        if let Some(tail) = self.current.as_mut().filter(|tail| tail.bytes > self.mark.end) {
            match tail.file.set_len(self.mark.end) {
                Ok(()) => tail.bytes = self.mark.end,
                Err(error) => {
                    tracing::warn!(folder = %self.folder.display(), %error, "the journal goes on in another file");
                    self.is_spoilt = true;
                }
            }
        }
        if let Some(begun) = self.begun.take() {
            // If it stays it is written over.
            let _ = remove_file(&begun);
        }
    }

    /// Takes over what the store has committed.
    pub fn commit(&mut self, mark: Mark, begun: Option<Begun>) {
        let is_new = begun.is_some();
        self.begun = None;
        if let Some(Begun(tail)) = begun {
            let (path, header) = (self.folder.join(name(tail.header.number)), Some(tail.header));
            // What was taken ahead in the last file goes back.
            if let Some(last) = self.current.take() {
                let _ = last.file.set_len(self.mark.end);
                self.measure(self.mark.end);
            }
            self.files.push_back(Segment { path, number: tail.header.number, header, bytes: tail.bytes });
            self.current = Some(tail);
            self.is_spoilt = false;
        }
        if let Some(tail) = &self.current {
            let bytes = tail.bytes;
            self.measure(bytes);
        }
        self.mark = mark;
        if mark.end == 0 {
            self.current = None;
        }
        if is_new {
            self.prune();
        }
    }

    fn measure(&mut self, bytes: u64) {
        if let Some(last) = self.files.back_mut() {
            last.bytes = bytes;
        }
    }

    /// Notes that a file of the journal failed: the next record begins another one.
    pub fn spoil(&mut self) {
        self.is_spoilt = true;
    }

    /// Makes the mark of a new era, which begins behind a sequence number with the next file.
    fn next_era(&self, sequence: u64) -> Mark {
        let last = self.files.back().map_or(0, |last| last.number).max(self.mark.number);
        let position = Position { era: new_era(), sequence };
        let time = nanos(&*self.clock).max(self.mark.time);
        Mark { position, time, number: last + 1, end: 0, sum: 0 }
    }

    /// Removes the oldest files, as far as there are too many bytes or they are too old; never the last one.
    fn prune(&mut self) {
        let oldest = self.keep.age_max.map(|age| {
            let age = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
            nanos(&*self.clock).saturating_sub(age)
        });
        let mut bytes = self.bytes();
        while self.files.len() > 1 {
            // Its last record is as old as the next file says.
            let ended = self.files[1].header.map_or(i64::MIN, |header| header.time);
            if bytes <= self.keep.bytes_max && oldest.is_none_or(|oldest| ended >= oldest) {
                return;
            }
            let first = &self.files[0];
            if let Err(error) = remove_file(&first.path) {
                tracing::warn!(file = %first.path.display(), %error, "an old file of a journal stays");
                return;
            }
            bytes -= first.bytes;
            self.files.pop_front();
        }
    }

    /// Tells whether the next record begins another file.
    fn is_full(&self, time: i64) -> bool {
        let Some(tail) = &self.current else { return true };
        let bytes_max = (self.keep.bytes_max / FILES).clamp(FILE_MIN_BYTES, FILE_MAX_BYTES);
        let age_max = self.keep.age_max.map(|age| i64::try_from(age.as_nanos()).unwrap_or(i64::MAX) / FILES as i64);
        self.is_spoilt
            || self.mark.end >= bytes_max
            || age_max.is_some_and(|age| time.saturating_sub(tail.header.time) > age)
    }
}

/// A file that began with the record that was committed.
pub(super) struct Begun(Tail);

impl Record<'_> {
    /// Adds a change.
    pub fn note(&mut self, change: Change<'_>) -> Result<(), StoreError> {
        if self.is_too_large {
            return Ok(());
        }
        change.print(&mut self.raw);
        if self.raw.len() < BUFFER_BYTES.min(RAW_MAX_BYTES) {
            return Ok(());
        }
        self.flush(false)
    }

    /// Ends the record; gives the mark that the store has to commit, or nothing if nothing changed.
    ///
    /// It is not on the disk before [`Record::sync`].
    pub fn finish(&mut self) -> Result<Option<Mark>, StoreError> {
        if self.raw.is_empty() && self.part == 0 && !self.is_too_large {
            return Ok(None);
        }
        if !self.is_too_large {
            self.flush(true)?;
        }
        if self.is_too_large {
            tracing::warn!(folder = %self.trail.folder.display(), "a commit is larger than the journal; from here on a new backup is needed");
            return self.rupture(Rupture::TooLarge).map(Some);
        }
        self.at.position.sequence += 1;
        self.at.time = self.time;
        Ok(Some(self.at))
    }

    /// Says in place of the record that there is none; gives the mark that the store has to commit.
    pub fn rupture(&mut self, reason: Rupture) -> Result<Mark, StoreError> {
        self.begun = None;
        self.trail.roll_back();
        self.at = self.trail.mark;
        // An era of which nothing is recorded needs no end.
        if self.trail.current.is_some() && !self.trail.is_spoilt {
            let frame = Frame {
                kind: Kind::Rupture,
                last: true,
                part: 0,
                sequence: self.at.position.sequence + 1,
                time: self.time,
            };
            self.trail.out.clear();
            frame.print(&[reason as u8], self.at.sum, None, &mut self.trail.out);
            self.put_out()?;
        }
        let sequence = self.trail.mark.position.sequence + 1;
        let next = self.trail.next_era(sequence);
        self.at = Mark { time: self.time, ..next };
        Ok(self.at)
    }

    /// Waits for the disk.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        let failed = |source| from_io(source, "sync the journal");
        failpoint::reach("journal.sync.before");
        match (&self.begun, &self.trail.current) {
            (Some(tail), _) => {
                tail.file.sync_all().map_err(failed)?;
                File::open(&self.trail.folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
            }
            (None, Some(tail)) => tail.file.sync_data().map_err(failed)?,
            (None, None) => {}
        }
        failpoint::reach("journal.sync.after");
        Ok(())
    }

    /// Gives the file that began with it.
    pub fn into_begun(self) -> Option<Begun> {
        self.begun.map(Begun)
    }

    /// Writes the changes so far as a frame.
    fn flush(&mut self, last: bool) -> Result<(), StoreError> {
        if self.part == 0 && self.trail.is_full(self.time) {
            self.begin_file()?;
        }
        let sequence = self.at.position.sequence + 1;
        let frame = Frame { kind: Kind::Changes, last, part: self.part, sequence, time: self.time };
        self.trail.out.clear();
        let tail = self.begun.as_ref().or(self.trail.current.as_ref());
        let key = tail.and_then(|tail| tail.key.as_ref());
        let sum = frame.print(&self.raw, self.at.sum, key, &mut self.trail.out);
        self.raw.clear();
        self.written += self.trail.out.len() as u64;
        if self.written > self.trail.keep.bytes_max {
            self.is_too_large = true;
            self.begun = None;
            self.trail.roll_back();
            return Ok(());
        }
        self.put_out()?;
        self.at.sum = sum;
        self.part += 1;
        Ok(())
    }

    fn begin_file(&mut self) -> Result<(), StoreError> {
        let mark = self.trail.mark;
        let number = if mark.end == 0 { mark.number } else { mark.number + 1 };
        let header = Header {
            identity: self.trail.identity,
            era: mark.position.era,
            number,
            first: mark.position.sequence + 1,
            time: mark.time,
            before: mark.sum,
            is_sealed: self.trail.seals.is_some(),
        };
        let failed = |source| from_io(source, "begin a file of the journal");
        let path = self.trail.folder.join(name(number));
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).map_err(failed)?;
        self.trail.begun = Some(path);
        let mut front = header.print().to_vec();
        let sealed = self.trail.seals.as_ref().map(|seals| FileKey::new(&**seals, header.identity));
        let key = sealed.map(|(key, block)| {
            front.extend_from_slice(&block);
            key
        });
        file.write_all_at(&front, 0).map_err(failed)?;
        failpoint::reach("journal.file.begun");
        let bytes = front.len() as u64;
        self.begun = Some(Tail { file, bytes, header, key });
        self.at = Mark { number, end: bytes, ..mark };
        Ok(())
    }

    /// Appends what is in the buffer for bytes to the file.
    fn put_out(&mut self) -> Result<(), StoreError> {
        let out = std::mem::take(&mut self.trail.out);
        let Some(tail) = self.begun.as_mut().or(self.trail.current.as_mut()) else {
            // A record begins a file where there is none.
            return Err(StoreError::Aborted);
        };
        let end = self.at.end + out.len() as u64;
        let written = tail.file.write_all_at(&out, self.at.end);
        tail.bytes = tail.bytes.max(end);
        failpoint::reach("journal.frame.written");
        self.trail.out = out;
        written.map_err(|source| from_io(source, "write the journal"))?;
        self.at.end = end;
        Ok(())
    }
}

fn new_era() -> [u8; 16] {
    rand::rng().random()
}

/// Tells the time, in nanoseconds since 1970.
pub(super) fn nanos(clock: &dyn Clock) -> i64 {
    i64::try_from(clock.wall_nanos()).unwrap_or(i64::MAX)
}
