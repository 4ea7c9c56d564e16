//! Looks for damage in a journal, file by file, and remembers what it has looked at: files of the past are read once.
//! Leaves frames to `chain`, and what becomes of damage to whoever keeps the journal. Start reading at [`Looked::at`].

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::chain::{Chain, Item};
use super::folder::{Form, Segment, Source, Track, segments};
use super::format::{Header, Mark};
use super::{JournalError, Origin, Position};

/// Where a journal is damaged: what lies before can be reached, what lies behind in the same file cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The era that is damaged.
    pub era: [u8; 16],
    /// The last record before the damage.
    pub sequence: u64,
    /// When that was made, in nanoseconds since 1970.
    pub until: i64,
    /// The first record of the next file of the era: from there on it can be read again.
    pub next: Option<u64>,
    /// The file.
    pub file: PathBuf,
    /// Which check failed.
    pub reason: String,
    /// Whether it is damage for sure, and not the end of what a server wrote that died.
    pub is_sure: bool,
}

impl Flaw {
    /// Tells whether what goes on from a backup meets it: files before the one from which that goes on are not read.
    #[must_use]
    pub fn is_on_the_way(&self, from: Position) -> bool {
        self.era == from.era && self.next.is_none_or(|next| from.sequence + 1 < next)
    }
}

/// What is known of the files of one journal.
#[derive(Debug, Default)]
pub struct Looked {
    files: HashMap<PathBuf, Known>,
    /// Sums at places that backups stand at, one for each that was asked about.
    sums: HashMap<([u8; 16], u64), u64>,
}

/// A file as it was when it was read.
#[derive(Debug)]
struct Known {
    bytes: u64,
    modified: Option<SystemTime>,
    stop: u64,
    seen: Seen,
}

/// What a file holds that can be read.
#[derive(Clone, Debug)]
struct Seen {
    /// Its last whole record, the sum behind that, and its time.
    sequence: u64,
    sum: u64,
    time: i64,
    /// Why it could not be read any further.
    problem: Option<String>,
}

impl Looked {
    /// Finds what is damaged in these files, of which the oldest may go meanwhile; `mark` says how far they go.
    pub(super) fn at(&mut self, segments: &[Segment], identity: [u8; 16], mark: Option<Mark>) -> Vec<Flaw> {
        self.files.retain(|path, _| segments.iter().any(|segment| segment.path == *path));
        let with_header: Vec<(&Segment, Header)> =
            segments.iter().filter_map(|segment| Some((segment, segment.header?))).collect();
        let mut flaws = Vec::new();
        for (at, (segment, header)) in with_header.iter().enumerate() {
            let next = with_header.get(at + 1).map(|(_, header)| *header);
            let bound = mark.filter(|mark| mark.position.era == header.era && mark.end > 0);
            let stop = match (next, bound) {
                (Some(next), _) => next.first,
                (None, Some(mark)) => mark.position.sequence + 1,
                (None, None) => u64::MAX,
            };
            let Some(seen) = self.seen(&segment.path, identity, stop, *header) else { continue };
            let reason = match (next.filter(|next| next.era == header.era), next, bound) {
                (Some(next), ..) => is_gap(&seen, &next),
                (None, None, Some(mark)) => is_short(&seen, &mark),
                _ => seen.problem.clone(),
            };
            flaws.extend(reason.map(|reason| Flaw {
                era: header.era,
                sequence: seen.sequence,
                until: seen.time,
                next: next.filter(|next| next.era == header.era).map(|next| next.first),
                file: segment.path.clone(),
                reason,
                // Behind the last record of a closed store something may lie that was never committed.
                is_sure: mark.is_some() || next.is_some(),
            }));
        }
        flaws
    }

    /// Tells whether there is a file, other than the last one, that was not read yet.
    pub(super) fn is_behind(&self, segments: &[Segment]) -> bool {
        self.files.is_empty() || segments.iter().any(|segment| !self.files.contains_key(&segment.path))
    }

    /// Tells whether a backup is of the history that the journal in a folder tells: whether its last commit is there.
    #[must_use]
    pub fn is_of(&mut self, folder: &Path, identity: [u8; 16], from: &Origin) -> bool {
        // Of an older server, which did not say more than the number.
        if from.sum.is_none() {
            return true;
        }
        let Position { era, sequence } = from.position;
        let known = self.sums.get(&(era, sequence)).copied();
        let found = known.or_else(|| sum_at(folder, identity, from.position));
        // Where nothing is recorded yet, that changes.
        if let Some(sum) = found.filter(|sum| *sum != 0) {
            self.sums.insert((era, sequence), sum);
        }
        found.is_some_and(|sum| from.is_at(sum))
    }

    /// Reads a file unless it is as it was; nothing where it is gone.
    fn seen(&mut self, path: &Path, identity: [u8; 16], stop: u64, header: Header) -> Option<Seen> {
        let metadata = match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            metadata => metadata.ok(),
        };
        let (bytes, modified) = metadata.map_or((0, None), |metadata| (metadata.len(), metadata.modified().ok()));
        if let Some(known) = self.files.get(path)
            && (known.bytes, known.modified, known.stop) == (bytes, modified, stop)
            && modified.is_some()
        {
            return Some(known.seen.clone());
        }
        let seen = read(path, identity, stop, header);
        self.files.insert(path.to_owned(), Known { bytes, modified, stop, seen: seen.clone() });
        Some(seen)
    }
}

/// Says what is missing between a file and the next one of its era.
fn is_gap(seen: &Seen, next: &Header) -> Option<String> {
    // Whatever stands behind its last record does not count where the next file goes on from there.
    if next.first == seen.sequence + 1 && next.before == seen.sum {
        return None;
    }
    let missing = || format!("records {} to {} are missing", seen.sequence + 1, next.first);
    Some(seen.problem.clone().unwrap_or_else(missing))
}

/// Says what is missing at the end of the last file.
fn is_short(seen: &Seen, mark: &Mark) -> Option<String> {
    if seen.sequence == mark.position.sequence && seen.sum == mark.sum {
        return None;
    }
    Some(seen.problem.clone().unwrap_or_else(|| "it ends before its last record".to_owned()))
}

/// Reads all of a file that can be read.
fn read(path: &Path, identity: [u8; 16], stop: u64, header: Header) -> Seen {
    let mut seen =
        Seen { sequence: header.first.saturating_sub(1), sum: header.before, time: header.time, problem: None };
    let done = one_file(path, identity, stop, header).and_then(|source| {
        let mut chain = Chain::over(source);
        let mut is_whole = true;
        while let Some(item) = chain.next()? {
            let Item::Frame(head) = item else { continue };
            is_whole = head.last;
            if head.last {
                (seen.sum, seen.sequence) = chain.end();
                seen.time = head.time;
            }
        }
        let problem = chain.take_problem().map(text);
        Ok(problem.or_else(|| (!is_whole).then(|| "it ends within a record".to_owned())))
    });
    seen.problem = done.unwrap_or_else(|error| Some(text(error)));
    seen
}

/// Reads the sum of everything in an era up to a record; nothing where that is not there, or cannot be read.
fn sum_at(folder: &Path, identity: [u8; 16], at: Position) -> Option<u64> {
    let segments = segments(folder).ok()?;
    let mut own = segments
        .iter()
        .filter_map(|segment| Some((segment, segment.header?)))
        .filter(|(_, header)| header.era == at.era);
    let Some((segment, header)) = own.clone().rfind(|(_, header)| header.first <= at.sequence + 1) else {
        // Where nothing of the era was recorded yet, there is nothing to sum.
        return own.next().is_none().then_some(0);
    };
    if header.first == at.sequence + 1 {
        return Some(header.before);
    }
    let mut chain = Chain::over(one_file(&segment.path, identity, at.sequence + 1, header).ok()?);
    let mut sum = None;
    while let Ok(Some(item)) = chain.next() {
        if let Item::Frame(head) = item {
            sum = (head.last && head.sequence == at.sequence).then_some(head.sum);
        }
    }
    sum
}

/// Opens one file by itself, up to a record.
fn one_file(path: &Path, identity: [u8; 16], stop: u64, header: Header) -> Result<Source, JournalError> {
    let file = File::open(path).map_err(super::folder::failed("open the journal"))?;
    let track = Track { path: path.to_owned(), file, header: Some(header), stop };
    Ok(Source {
        identity,
        tracks: vec![track],
        form: Form::Folder,
        bound: None,
        sum: None,
        fresh: None,
        end: None,
        seals: None,
    })
}

fn text(error: JournalError) -> String {
    match error {
        JournalError::Damaged { reason, .. } => reason,
        other => other.to_string(),
    }
}
