//! Reads an audit back, from the server that writes it or from a folder at rest.
//! Judges nothing; `verify` does. Start reading at [`lines`].

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::AuditError;
use super::record::Entry;

/// Where lines are.
pub(super) enum Source {
    Folder(PathBuf),
    Lines(Vec<String>),
}

/// Lists the files of an audit, the oldest first.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with("audit-") && name.ends_with(".jsonl")) {
            found.push(entry.path());
        }
    }
    // The number of the first line is in the name, with zeros before it.
    found.sort();
    Ok(found)
}

/// The lines of an audit in order, read one at a time.
pub struct Lines {
    files: VecDeque<PathBuf>,
    reader: Option<BufReader<File>>,
}

/// Begins to read the audit in `folder`.
pub fn lines(folder: &Path) -> Result<Lines, AuditError> {
    let files = segments(folder).map_err(AuditError::io("list the audit"))?;
    Ok(Lines { files: files.into(), reader: None })
}

impl Lines {
    /// Gives the next line with its end, as it stands in its file.
    pub(super) fn next_line(&mut self) -> Result<Option<Vec<u8>>, AuditError> {
        loop {
            let reader = match &mut self.reader {
                Some(reader) => reader,
                None => match self.files.pop_front() {
                    None => return Ok(None),
                    Some(path) => {
                        let file = File::open(path).map_err(AuditError::io("open the audit"))?;
                        self.reader.insert(BufReader::new(file))
                    }
                },
            };
            let mut line = Vec::new();
            let bytes = reader.read_until(b'\n', &mut line).map_err(AuditError::io("read the audit"))?;
            if bytes > 0 {
                return Ok(Some(line));
            }
            self.reader = None;
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Entry, AuditError>;

    /// Gives the next line that can be read; `verify` tells of those that cannot.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_line() {
                Ok(None) => return None,
                Ok(Some(line)) => {
                    if let Some(entry) = parse(&line) {
                        return Some(Ok(entry));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Gives the latest entries, the oldest of them first.
pub(super) fn latest(source: Source, entries_max: usize) -> Result<Vec<Entry>, AuditError> {
    match source {
        Source::Lines(lines) => {
            let skipped = lines.len().saturating_sub(entries_max);
            Ok(lines.iter().skip(skipped).filter_map(|line| parse(line.as_bytes())).collect())
        }
        Source::Folder(folder) => {
            let mut files = segments(&folder).map_err(AuditError::io("list the audit"))?;
            let mut found: VecDeque<Entry> = VecDeque::new();
            // From the newest file backwards: an audit may be much larger than what is asked for.
            while let Some(path) = files.pop() {
                let mut lines = Lines { files: VecDeque::from([path]), reader: None };
                let mut older: VecDeque<Entry> = VecDeque::new();
                while let Some(entry) = lines.next().transpose()? {
                    older.push_back(entry);
                    if older.len() + found.len() > entries_max {
                        older.pop_front();
                    }
                }
                older.append(&mut found);
                found = older;
                if found.len() >= entries_max {
                    break;
                }
            }
            Ok(found.into())
        }
    }
}

fn parse(line: &[u8]) -> Option<Entry> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    Entry::parse(line).ok().map(|(entry, _)| entry)
}
