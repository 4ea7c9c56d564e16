//! The files of an audit: appended to, begun anew when they are long, removed when they are many.
//! Leaves what a line looks like to `record`. Start reading at [`Log::append`].

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::Keyring;
use types::failpoint;

use super::head::{self, Found, Head, Heads};
use super::reading::{Source, segments};
use super::record::{Entry, Kind, NOTHING_BEFORE, Outcome};
use super::told::Told;
use super::{AuditError, AuditOptions, Durable};

/// Lines that are kept where there are no files.
const IN_MEMORY_MAX: usize = 10_000;

/// Where lines go, and what the next one is chained to.
pub(super) struct Log {
    target: Target,
    sequence: u64,
    hash: String,
    /// Lines that could not be written since the last one that could.
    missed: u64,
}

enum Target {
    Files(Box<Files>),
    Memory(VecDeque<String>),
}

struct Files {
    folder: PathBuf,
    options: AuditOptions,
    keyring: Arc<Keyring>,
    heads: Heads,
    file: File,
    bytes: u64,
    /// Whether something was written that may not be on the disk.
    is_dirty: bool,
}

impl Log {
    pub(super) fn in_memory() -> Self {
        let target = Target::Memory(VecDeque::new());
        Self { target, sequence: 0, hash: NOTHING_BEFORE.to_owned(), missed: 0 }
    }

    /// Finds the last whole line, cuts off what a death left behind it, and goes on there.
    pub(super) fn open(
        folder: PathBuf,
        options: AuditOptions,
        keyring: Arc<Keyring>,
        now_nanos: i128,
    ) -> Result<Self, AuditError> {
        let failed = || AuditError::io("open the audit");
        fs::create_dir_all(&folder).map_err(failed())?;
        let known = segments(&folder).map_err(failed())?;
        let heads = head::read(&folder, &keyring).map_err(failed())?;
        let mut last = None;
        let mut cut_bytes = 0;
        // The newest file may be there without a line: the process died as it was begun.
        for path in known.iter().rev() {
            let end = Tail::read(path).map_err(failed())?;
            cut_bytes += end.cut_bytes;
            if end.last.is_some() {
                last = end.last;
                break;
            }
        }
        let (sequence, hash) = last.unwrap_or_else(|| (0, NOTHING_BEFORE.to_owned()));
        let path = known.last().cloned().unwrap_or_else(|| segment(&folder, sequence + 1));
        let (file, bytes) = append_to(&path).map_err(failed())?;
        let new_heads = Heads::new(&folder);
        let files = Files { folder, options, keyring, heads: new_heads, file, bytes, is_dirty: false };
        let mut log = Self { target: Target::Files(Box::new(files)), sequence, hash, missed: 0 };
        if cut_bytes > 0 {
            log.alarm(&format!("cut {cut_bytes} bytes of a line that was never finished"), now_nanos);
        }
        log.look_at_heads(heads, sequence, now_nanos);
        Ok(log)
    }

    /// Raises the alarm where the heads do not fit the last line, and tells of lines behind them.
    fn look_at_heads(&mut self, heads: [Found; 2], sequence: u64, now_nanos: i128) {
        let is_missing = matches!(heads[0], Found::Nothing) && sequence > 0;
        let mut furthest = 0;
        for found in heads {
            match found {
                Found::Head(head) => furthest = furthest.max(head.sequence),
                Found::Sealed(error) => self.alarm(&format!("the head cannot be opened: {error}"), now_nanos),
                Found::Nothing => {}
            }
        }
        if is_missing {
            self.alarm("the head is missing", now_nanos);
        }
        if furthest > sequence {
            let text = format!("lines {} to {furthest} are missing: their head is there", sequence + 1);
            self.alarm(&text, now_nanos);
            self.forget_heads();
        } else if (1..sequence).contains(&furthest) {
            // A death between a line and its seal leaves them too, so that it is no alarm.
            let text = behind_seal(furthest, sequence);
            tracing::warn!(reason = text, "the audit goes on behind its seal");
            self.own(Kind::Unsealed, &text, now_nanos);
        }
    }

    /// Forgets the heads of lines that are lost: an alarm tells of them by now.
    fn forget_heads(&mut self) {
        let head = Head { sequence: self.sequence, hash: self.hash.clone() };
        let Target::Files(files) = &mut self.target else { return };
        if let Err(error) = files.heads.write_alone(&head, &files.keyring) {
            tracing::error!(%error, "the head of the audit could not be written");
        }
    }

    /// Chains a line to the last one and writes it.
    pub(super) fn append(&mut self, mut entry: Entry, durable: Durable) {
        if self.missed > 0 {
            let missed = std::mem::take(&mut self.missed);
            let nanos = entry.nanos.parse().unwrap_or_default();
            self.alarm(&format!("{missed} lines before this one could not be written"), nanos);
            if self.missed > 0 {
                // Neither could this alarm; what it told of is still to be told.
                self.missed += missed;
                return;
            }
        }
        entry.sequence = self.sequence + 1;
        entry.previous.clone_from(&self.hash);
        let (line, hash) = entry.print();
        let written = match &mut self.target {
            Target::Memory(lines) => {
                lines.push_back(line);
                if lines.len() > IN_MEMORY_MAX {
                    lines.pop_front();
                }
                Ok(())
            }
            Target::Files(files) => files.write(&line),
        };
        if let Err(error) = written {
            tracing::error!(%error, kind = entry.kind.name(), operation = %entry.operation, "a line of the audit could not be written");
            self.missed += 1;
            return;
        }
        (self.sequence, self.hash) = (entry.sequence, hash);
        if durable == Durable::Now {
            self.sync_if_needed();
        }
        self.turn_over_if_long(&entry.nanos);
    }

    /// Waits for the disk if something is not there yet, then seals how far the audit goes.
    pub(super) fn sync_if_needed(&mut self) {
        let Target::Files(files) = &mut self.target else { return };
        if !files.is_dirty {
            return;
        }
        let head = Head { sequence: self.sequence, hash: self.hash.clone() };
        match files.sync(&head) {
            Ok(()) => files.is_dirty = false,
            Err(error) => tracing::error!(%error, "the audit could not be synced"),
        }
    }

    /// Tells where the lines are.
    pub(super) fn source(&self) -> Source {
        match &self.target {
            Target::Files(files) => Source::Folder(files.folder.clone()),
            Target::Memory(lines) => Source::Lines(lines.iter().cloned().collect()),
        }
    }

    fn alarm(&mut self, operation: &str, nanos: i128) {
        tracing::error!(reason = operation, "something is wrong with the audit");
        self.own(Kind::Alarm, operation, nanos);
    }

    /// Writes a line of the audit about itself.
    fn own(&mut self, kind: Kind, operation: &str, nanos: i128) {
        let told = Told { operation, ..Told::default() };
        self.append(told.entry(kind, Outcome::Done, nanos), Durable::Now);
    }

    fn turn_over_if_long(&mut self, nanos: &str) {
        let Target::Files(files) = &mut self.target else { return };
        if files.bytes < files.options.segment_max_bytes {
            return;
        }
        self.sync_if_needed();
        let Target::Files(files) = &mut self.target else { return };
        let next = segment(&files.folder, self.sequence + 1);
        match append_to(&next).and_then(|opened| sync_folder(&files.folder).map(|()| opened)) {
            Ok((file, bytes)) => (files.file, files.bytes) = (file, bytes),
            // The old one is written on; the next line tries again.
            Err(error) => return tracing::error!(%error, "the audit could not begin a new file"),
        }
        failpoint::reach("audit.turned");
        let old = files.beyond_bound();
        let Some(last) = old.last() else { return };
        match first_of_next(&files.folder, last) {
            Ok(Some((to, hash))) => {
                let text = format!("removed the lines to {to}, ending in {hash}");
                self.own(Kind::Retention, &text, nanos.parse().unwrap_or_default());
                failpoint::reach("audit.retained");
                old.iter().for_each(|path| drop(fs::remove_file(path)));
            }
            Ok(None) | Err(_) => tracing::warn!("old files of the audit stay: the one behind them cannot be read"),
        }
    }
}

impl Files {
    fn write(&mut self, line: &str) -> io::Result<()> {
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // Half a line would be taken for tampering.
            let _ = self.file.set_len(self.bytes);
            return Err(error);
        }
        self.bytes += line.len() as u64;
        self.is_dirty = true;
        Ok(())
    }

    fn sync(&mut self, head: &Head) -> io::Result<()> {
        self.file.sync_data()?;
        failpoint::reach("audit.synced");
        self.heads.write(head, &self.keyring)
    }

    /// Lists the oldest files that are too many, never the newest.
    fn beyond_bound(&self) -> Vec<PathBuf> {
        if self.options.keep_max_bytes == 0 {
            return Vec::new();
        }
        let mut known = segments(&self.folder).unwrap_or_default();
        known.pop();
        let bytes = |path: &PathBuf| fs::metadata(path).map_or(0, |metadata| metadata.len());
        let mut left: u64 = known.iter().map(bytes).sum();
        let mut old = Vec::new();
        for path in known {
            if left <= self.options.keep_max_bytes {
                break;
            }
            left = left.saturating_sub(bytes(&path));
            old.push(path);
        }
        old
    }
}

/// Says of lines that they lie behind the sealed end.
pub(super) fn behind_seal(sealed: u64, last: u64) -> String {
    let lines =
        if sealed + 1 == last { format!("line {last} was") } else { format!("lines {} to {last} were", sealed + 1) };
    format!(
        "{lines} not sealed: a server at work, or one that died, leaves such lines, and so does who adds some without its keys"
    )
}

/// Gives the number and the hash of the last line of `segment`, as the first line behind it tells.
fn first_of_next(folder: &Path, segment: &Path) -> io::Result<Option<(u64, String)>> {
    let known = segments(folder)?;
    let next = known.iter().position(|path| path == segment).and_then(|at| known.get(at + 1));
    let end = Tail::read(segment)?;
    Ok(end.last.filter(|_| next.is_some()))
}

/// What a file ends with.
struct Tail {
    last: Option<(u64, String)>,
    cut_bytes: u64,
}

impl Tail {
    /// Finds the last line that can be read, and cuts off half a line behind it.
    fn read(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut text)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let cut_bytes = (text.len() - whole) as u64;
        if cut_bytes > 0 {
            file.set_len(whole as u64)?;
        }
        let lines = String::from_utf8_lossy(&text[..whole]);
        let last = lines.lines().rev().find_map(|line| {
            let (entry, hashes) = Entry::parse(line).ok()?;
            Some((entry.sequence, hashes.found))
        });
        Ok(Self { last, cut_bytes })
    }
}

/// Names the file that begins with line `first`.
fn segment(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("audit-{first:012}.jsonl"))
}

fn append_to(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
