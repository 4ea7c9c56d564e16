//! Reads a backup and believes nothing that it says before it is checked.
//! Leaves what is done with the pieces to the caller. Start reading at [`Reading::open`].

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{self, Xxh3};

use super::format::{
    END_BYTES, End, FORMAT, HEAD_BYTES, HEADER_MAX_BYTES, Header, MAGIC, PIECE_HEAD_BYTES, PIECE_MAX_BYTES, piece_sum,
};
use super::{BackupError, Step};

/// Bytes that are read at a time of a file of which only the head is wanted.
const GLANCE_BYTES: usize = 4 << 10;

/// A backup that is being read, piece by piece.
pub struct Reading {
    file: PathBuf,
    input: Box<dyn Read + Send>,
    header: Header,
    pieces: u64,
    raw_bytes: u64,
    whole: Xxh3,
    stored: Vec<u8>,
    ended: bool,
}

impl Reading {
    /// Opens a file and checks its head.
    pub fn open(file: &Path) -> Result<Self, BackupError> {
        let opened = File::open(file).map_err(|source| match source.kind() {
            ErrorKind::NotFound => BackupError::Missing(file.to_owned()),
            _ => BackupError::Io { action: "open the backup", source },
        })?;
        Self::new(file, Box::new(BufReader::with_capacity(1 << 20, opened)))
    }

    /// Reads from anywhere; `file` stands in messages.
    pub fn new(file: &Path, mut input: Box<dyn Read + Send>) -> Result<Self, BackupError> {
        let refuse = |reason: &str| BackupError::NotBackup { file: file.to_owned(), reason: reason.to_owned() };
        let damaged = |reason: &str| BackupError::Damaged { file: file.to_owned(), reason: reason.to_owned() };
        let mut bytes = vec![0; HEAD_BYTES];
        fill(&mut *input, &mut bytes)?.ok_or_else(|| refuse("it is too short"))?;
        if bytes[..8] != MAGIC {
            return Err(refuse("it does not begin as one"));
        }
        let (format, length) = (u32_at(&bytes, 8), u32_at(&bytes, 12));
        if format > FORMAT {
            return Err(refuse(&format!("it has format {format}, which a newer server wrote")));
        }
        if format == 0 || length > HEADER_MAX_BYTES {
            return Err(damaged("its header has an impossible length"));
        }
        bytes.resize(HEAD_BYTES + length as usize + 8, 0);
        fill(&mut *input, &mut bytes[HEAD_BYTES..])?.ok_or_else(|| damaged("it ends within its header"))?;
        let (head, sum) = bytes.split_at(bytes.len() - 8);
        if u64_at(sum, 0) != xxh3::xxh3_64(head) {
            return Err(damaged("its header fails its checksum"));
        }
        let header: Header = rmp_serde::from_slice(&head[HEAD_BYTES..])
            .map_err(|error| refuse(&format!("its header cannot be read: {error}")))?;
        Ok(Self {
            file: file.to_owned(),
            input,
            header,
            pieces: 0,
            raw_bytes: 0,
            whole: Xxh3::new(),
            stored: Vec::new(),
            ended: false,
        })
    }

    /// Lends what the backup says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Gives the sum of the pieces that were read so far: behind the last one, that of the image.
    #[must_use]
    pub fn sum(&self) -> u128 {
        self.whole.digest128()
    }

    /// Puts the next piece of the image into `piece`; `false` at the end, which was checked then.
    pub fn next(&mut self, piece: &mut Vec<u8>) -> Result<bool, BackupError> {
        piece.clear();
        if self.ended {
            return Ok(false);
        }
        let mut head = [0; PIECE_HEAD_BYTES];
        self.fill(&mut head)?;
        let (raw_bytes, stored_bytes) = (u32_at(&head, 0), u32_at(&head, 4));
        if raw_bytes == 0 {
            self.end(&head)?;
            return Ok(false);
        }
        if raw_bytes > PIECE_MAX_BYTES || stored_bytes > raw_bytes {
            return Err(self.damaged(format!("piece {} has an impossible length", self.pieces)));
        }
        let mut stored = std::mem::take(&mut self.stored);
        stored.resize(stored_bytes as usize, 0);
        self.fill(&mut stored)?;
        if u64_at(&head, 8) != piece_sum(self.pieces, raw_bytes, &stored) {
            return Err(self.damaged(format!("piece {} fails its checksum", self.pieces)));
        }
        if stored_bytes == raw_bytes {
            piece.extend_from_slice(&stored);
        } else {
            piece.resize(raw_bytes as usize, 0);
            let made = lz4_flex::block::decompress_into(&stored, piece);
            if made.ok() != Some(piece.len()) {
                return Err(self.damaged(format!("piece {} cannot be unpacked", self.pieces)));
            }
        }
        self.stored = stored;
        self.whole.update(piece);
        self.pieces += 1;
        self.raw_bytes += u64::from(raw_bytes);
        Ok(true)
    }

    /// Checks the end against what was read, and that nothing follows.
    fn end(&mut self, head: &[u8; PIECE_HEAD_BYTES]) -> Result<(), BackupError> {
        let mut bytes = [0; END_BYTES];
        bytes[..PIECE_HEAD_BYTES].copy_from_slice(head);
        self.fill(&mut bytes[PIECE_HEAD_BYTES..])?;
        let end = End { pieces: self.pieces, raw_bytes: self.raw_bytes, whole: self.whole.digest128() };
        if bytes != end.print() {
            return Err(self.damaged("its end does not fit its pieces".to_owned()));
        }
        if self.raw_bytes != self.header.image_bytes {
            return Err(self.damaged("it holds another number of bytes than its header says".to_owned()));
        }
        if fill(&mut *self.input, &mut [0])?.is_some() {
            return Err(self.damaged("something follows its end".to_owned()));
        }
        self.ended = true;
        Ok(())
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), BackupError> {
        match fill(&mut *self.input, bytes)? {
            Some(()) => Ok(()),
            None => Err(self.damaged(format!("it ends after {} pieces", self.pieces))),
        }
    }

    fn damaged(&self, reason: String) -> BackupError {
        BackupError::Damaged { file: self.file.clone(), reason }
    }
}

/// Reads a whole backup and checks every byte of it; nothing is written.
pub fn verify(file: &Path, step: Step<'_>) -> Result<Header, BackupError> {
    verify_sum(file, step).map(|(header, _)| header)
}

/// As [`verify`]; gives the sum of the image too.
pub(super) fn verify_sum(file: &Path, step: Step<'_>) -> Result<(Header, u128), BackupError> {
    let mut reading = Reading::open(file)?;
    let (mut piece, mut done) = (Vec::new(), 0);
    while reading.next(&mut piece)? {
        done += piece.len() as u64;
        step(done)?;
    }
    let sum = reading.sum();
    Ok((reading.header, sum))
}

/// What the head and the end of a file tell of it.
pub(crate) struct Glance {
    pub(crate) header: Header,
    /// Why it cannot be restored, as far as these two tell.
    pub(crate) problem: Option<&'static str>,
}

/// Reads no more of a file than what it says of itself; nothing where it does not begin as a backup.
pub(crate) fn glance(file: &Path) -> Result<Option<Glance>, BackupError> {
    let mut opened = File::open(file).map_err(BackupError::io("open the backup"))?;
    let mut magic = [0; MAGIC.len()];
    if fill(&mut opened, &mut magic)?.is_none() || magic != MAGIC {
        return Ok(None);
    }
    let again = opened.try_clone().map_err(BackupError::io("open the backup"))?;
    let head = Box::new(BufReader::with_capacity(GLANCE_BYTES, (&MAGIC[..]).chain(opened)));
    let header = Reading::new(file, head)?.header;
    let problem = problem_at_the_end(&again, &header)?;
    Ok(Some(Glance { header, problem }))
}

/// Looks whether a file ends as a backup with this header does; what lies between the two is not read.
fn problem_at_the_end(file: &File, header: &Header) -> Result<Option<&'static str>, BackupError> {
    let bytes = file.metadata().map_err(BackupError::io("measure the backup"))?.len();
    let mut end = [0; END_BYTES];
    let Some(at) = bytes.checked_sub(END_BYTES as u64) else { return Ok(Some(CUT)) };
    file.read_exact_at(&mut end, at).map_err(BackupError::io("read the backup"))?;
    Ok(match End::parse(&end) {
        None => Some(CUT),
        Some(end) if end.raw_bytes != header.image_bytes => Some("its end is that of another backup"),
        Some(_) => None,
    })
}

/// What a file is without a sound end.
const CUT: &str = "it was cut short, or changed at its end";

/// Fills `bytes`; nothing where the input ends before.
fn fill(input: &mut dyn Read, bytes: &mut [u8]) -> Result<Option<()>, BackupError> {
    match input.read_exact(bytes) {
        Ok(()) => Ok(Some(())),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(source) => Err(BackupError::Io { action: "read the backup", source }),
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes were cut"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were cut"))
}
