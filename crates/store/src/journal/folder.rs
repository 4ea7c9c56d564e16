//! The files of a journal: which there are, in which order, and how far each counts.
//! Leaves what is in them to `chain`. Start reading at [`Source`].

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chain::{Chain, Item};
use super::format::{HEADER_BYTES, Header, Mark};
use super::look::{Flaw, Looked};
use super::{JournalError, KEY, Position};
use crate::Reader;
use crate::crypt::SealsKeys;

/// What the names of files end with.
const ENDING: &str = "journal";

/// A file of a journal.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub path: PathBuf,
    pub number: u64,
    /// Nothing where it cannot be read.
    pub header: Option<Header>,
    pub bytes: u64,
}

/// What a journal covers, told without reading its records.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// Bytes of its files.
    pub bytes: u64,
    /// How many files there are.
    pub files: usize,
    /// Every era that is there, in their order.
    eras: Vec<Era>,
    /// What is damaged, in the order of the files, if somebody looked.
    pub flaws: Vec<Flaw>,
}

#[derive(Clone, Copy, Debug)]
struct Era {
    era: [u8; 16],
    /// The first record that is kept.
    first: u64,
    /// When it begins, in nanoseconds since 1970.
    begins: i64,
    /// When the next era began; `None` for the last.
    ended: Option<i64>,
}

impl Outline {
    /// Looks at the headers in a folder; what cannot be read is left out.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self::over(&segments(folder).unwrap_or_default())
    }

    /// As [`Outline::of`], and looks for damage in files that are not known yet.
    #[must_use]
    pub fn looked(folder: &Path, identity: [u8; 16], looked: &mut Looked) -> Self {
        let segments = segments(folder).unwrap_or_default();
        Self { flaws: looked.at(&segments, identity, None), ..Self::over(&segments) }
    }

    /// Adds the era of the mark where that has no file yet: nothing was recorded in it, and the one before has ended.
    pub(super) fn going_on(mut self, mark: &Mark) -> Self {
        if mark.end == 0 && self.eras.last().is_none_or(|last| last.era != mark.position.era) {
            let Mark { position: Position { era, sequence }, time, .. } = *mark;
            self.eras.iter_mut().next_back().into_iter().for_each(|last| last.ended = Some(time));
            self.eras.push(Era { era, first: sequence + 1, begins: time, ended: None });
        }
        self
    }

    pub(super) fn over(segments: &[Segment]) -> Self {
        let mut eras: Vec<Era> = Vec::new();
        for header in segments.iter().filter_map(|segment| segment.header) {
            match eras.last_mut() {
                Some(last) if last.era == header.era => continue,
                Some(last) => last.ended = Some(header.time),
                None => {}
            }
            eras.push(Era { era: header.era, first: header.first, begins: header.time, ended: None });
        }
        let bytes = segments.iter().map(|segment| segment.bytes).sum();
        Self { bytes, files: segments.len(), eras, flaws: Vec::new() }
    }

    /// Says when the oldest record that is kept was made, or a little before; nothing where there is none.
    #[must_use]
    pub fn begins(&self) -> Option<i64> {
        self.eras.first().map(|era| era.begins)
    }

    /// Says up to when a backup can be played forward: `Some(None)` is up to now, `None` not at all.
    #[must_use]
    pub fn reach(&self, from: Position) -> Option<Option<i64>> {
        let era = self.eras.iter().find(|era| era.era == from.era)?;
        let ended = (era.first <= from.sequence + 1).then_some(era.ended)?;
        match self.flaws.iter().find(|flaw| flaw.is_on_the_way(from)) {
            Some(flaw) if flaw.sequence <= from.sequence => None,
            Some(flaw) => Some(Some(ended.map_or(flaw.until, |ended| ended.min(flaw.until)))),
            None => Some(ended),
        }
    }
}

/// Where a journal is read from: a folder, or a copy in one file.
pub struct Source {
    pub(super) identity: [u8; 16],
    pub(super) tracks: Vec<Track>,
    pub(super) form: Form,
    /// The last record that counts; `None` where nobody knows it yet.
    pub(super) bound: Option<Position>,
    /// The sum of everything in its era up to that record.
    pub(super) sum: Option<u64>,
    /// What the file of an era would begin with that has none yet, since nothing was recorded in it.
    pub(super) fresh: Option<Header>,
    /// Up to when it tells of everything; `None` where nobody knows it yet.
    pub(super) end: Option<i64>,
    /// What opens the keys of the files, where they are sealed.
    pub(super) seals: Option<Arc<dyn SealsKeys>>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("form", &self.form).field("tracks", &self.tracks).finish_non_exhaustive()
    }
}

/// How the bytes of a journal lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In files, of which each goes on from the one before.
    Folder,
    /// In one file with an end of its own.
    Copy,
}

/// A file that is read, open already: it may be removed meanwhile.
#[derive(Debug)]
pub(super) struct Track {
    pub path: PathBuf,
    pub file: File,
    pub header: Option<Header>,
    /// From this record on nothing in it counts: the next file has it.
    pub stop: u64,
}

impl Source {
    /// Gives it what opens sealed files; without that they can be copied and summed, not played.
    #[must_use]
    pub fn with_keys(self, seals: Option<Arc<dyn SealsKeys>>) -> Self {
        Self { seals, ..self }
    }

    /// Takes a copy in one file; `identity` is the database's.
    pub fn file(path: &Path, identity: [u8; 16]) -> Result<Self, JournalError> {
        let file = File::open(path).map_err(failed("open the journal"))?;
        let track = Track { path: path.to_owned(), file, header: None, stop: u64::MAX };
        Ok(Self {
            identity,
            tracks: vec![track],
            form: Form::Copy,
            bound: None,
            sum: None,
            fresh: None,
            end: None,
            seals: None,
        })
    }

    /// As [`Source::file`], whosever it is.
    pub fn any_file(path: &Path) -> Result<Self, JournalError> {
        let mut bytes = [0; HEADER_BYTES];
        let mut file = File::open(path).map_err(failed("open the journal"))?;
        let read = file.read_exact(&mut bytes).ok().and_then(|()| Header::parse(&bytes).ok());
        // Without a header, whoever reads it says what it is.
        Self::file(path, read.map_or([0; 16], |header| header.identity))
    }

    /// Takes the journal in a folder that nobody writes, with all that is whole in it.
    ///
    /// The last record of a server that died may be of a commit that it never answered.
    pub fn folder(folder: &Path, identity: [u8; 16]) -> Result<Self, JournalError> {
        let mut source = Self::open(folder, identity)?;
        let mut chain = Chain::over(Self::open(folder, identity)?);
        let (mut era, mut whole, mut time, mut sum) = ([0; 16], None, i64::MIN, None);
        loop {
            match chain.next() {
                Ok(Some(Item::Header(header))) => {
                    era = header.era;
                    time = time.max(header.time);
                }
                Ok(Some(Item::Frame(head))) if head.last => {
                    whole = Some(Position { era, sequence: head.sequence });
                    (time, sum) = (head.time, Some(head.sum));
                }
                Ok(Some(Item::Frame(_))) => {}
                // What is damaged before the end is found again by who needs it.
                Ok(None) | Err(JournalError::Damaged { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        source.set_bound(whole, time);
        source.sum = sum;
        Ok(source)
    }

    /// As [`Source::folder`], for a journal of whose store somebody has a view: then it tells of everything to `now`.
    ///
    /// Nothing where the store has no journal.
    pub fn of_store(
        folder: &Path,
        identity: [u8; 16],
        reader: &dyn Reader,
        now: i64,
    ) -> Result<Option<Self>, JournalError> {
        let mark = reader.get(&KEY)?.as_deref().and_then(Mark::parse);
        mark.map(|mark| Self::settled(folder, identity, mark, now)).transpose()
    }

    pub(super) fn settled(folder: &Path, identity: [u8; 16], mark: Mark, now: i64) -> Result<Self, JournalError> {
        let mut source = Self::open(folder, identity)?;
        let Mark { position, time, number, .. } = mark;
        source.set_bound(Some(position), now.max(time));
        source.sum = Some(mark.sum);
        if mark.end == 0 {
            let Position { era, sequence } = position;
            source.fresh =
                Some(Header { identity, era, number, first: sequence + 1, time, before: 0, is_sealed: false });
        }
        Ok(source)
    }

    fn set_bound(&mut self, last: Option<Position>, end: i64) {
        self.bound = last;
        self.end = Some(end);
        let stop = last.map_or(0, |last| last.sequence + 1);
        self.tracks.iter_mut().for_each(|track| track.stop = track.stop.min(stop));
    }

    fn open(folder: &Path, identity: [u8; 16]) -> Result<Self, JournalError> {
        let segments = segments(folder).map_err(failed("list the journal"))?;
        let mut tracks: Vec<Track> = Vec::with_capacity(segments.len());
        for segment in segments {
            let file = match File::open(&segment.path) {
                Ok(file) => file,
                // The oldest went just now.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(source) => return Err(JournalError::Io { action: "open the journal", source }),
            };
            if let (Some(last), Some(header)) = (tracks.last_mut(), segment.header) {
                last.stop = header.first;
            }
            tracks.push(Track { path: segment.path, file, header: segment.header, stop: u64::MAX });
        }
        Ok(Self { identity, tracks, form: Form::Folder, bound: None, sum: None, fresh: None, end: None, seals: None })
    }
}

/// Tells whose journal a file is a copy of, or a part; nothing where it does not begin as one.
#[must_use]
pub fn identity_of(path: &Path) -> Option<[u8; 16]> {
    header_of(path).map(|header| header.identity)
}

pub(super) fn failed(action: &'static str) -> impl FnOnce(io::Error) -> JournalError {
    move |source| JournalError::Io { action, source }
}

/// Has the newest key of the server seal the keys of a journal's files; gives those that stay as they were, and why.
///
/// Nobody may write the journal meanwhile.
///
/// # Errors
///
/// The folder cannot be listed.
pub fn renew_keys(folder: &Path, seals: &dyn SealsKeys) -> io::Result<Vec<JournalError>> {
    let sealed = segments(folder)?.into_iter().filter_map(|segment| {
        let header = segment.header.filter(|header| header.is_sealed)?;
        super::sealed::renew(&segment.path, header.identity, seals).err()
    });
    Ok(sealed.collect())
}

/// Removes a journal; nothing where there is none.
pub fn remove(folder: &Path) -> io::Result<()> {
    for segment in segments(folder)? {
        remove_file(&segment.path)?;
    }
    // Other people's files keep the folder.
    let _ = fs::remove_dir(folder);
    Ok(())
}

pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    if header_of(path).is_some_and(|header| header.is_sealed) {
        super::sealed::erase(path)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Names the file of a number.
pub(super) fn name(number: u64) -> String {
    format!("{number:012}.{ENDING}")
}

/// Lists the files of a journal by their numbers; none where there is no folder.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<Segment>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let Some(number) = number_of(&path) else { continue };
        let bytes = path.metadata().map_or(0, |metadata| metadata.len());
        found.push(Segment { header: header_of(&path), path, number, bytes });
    }
    found.sort_by_key(|segment| segment.number);
    Ok(found)
}

fn number_of(path: &Path) -> Option<u64> {
    let number = path.file_stem()?.to_str()?;
    let is_ours = path.extension()? == ENDING && number.len() >= 12 && number.bytes().all(|it| it.is_ascii_digit());
    is_ours.then(|| number.parse().ok()).flatten()
}

fn header_of(path: &Path) -> Option<Header> {
    let mut bytes = [0; HEADER_BYTES];
    File::open(path).and_then(|mut file| file.read_exact(&mut bytes)).ok()?;
    Header::parse(&bytes).ok()
}
