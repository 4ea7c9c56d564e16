//! Reads a journal frame by frame and sees to it that each goes on from the one before.
//! Leaves to `way` and `copy` what becomes of the frames. Start reading at [`Chain::next`].

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::PathBuf;
use std::sync::Arc;

use super::folder::{Form, Source, Track, failed};
use super::format::{FORMAT, HEAD_BYTES, HEADER_BYTES, Head, Header, HeaderFault, Kind, MAGIC, SUMMED_BYTES};
use super::sealed::{BLOCK_BYTES, FileKey, is_block};
use super::{JournalError, Position};
use crate::crypt::SealsKeys;

/// Bytes that are read at a time.
const READ_BYTES: usize = 256 << 10;
/// Bytes that tell a header from a frame.
const FRONT_BYTES: usize = MAGIC.len();

/// What comes next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item {
    /// A file begins.
    Header(Header),
    /// A frame; what it holds is in the chain.
    Frame(Head),
}

/// A journal that is being read.
pub(super) struct Chain {
    identity: [u8; 16],
    form: Form,
    bound: Option<Position>,
    /// Whether the era of the bound has no file yet.
    is_fresh: bool,
    tracks: VecDeque<Track>,
    input: Option<Input>,
    /// The file that was opened last.
    path: PathBuf,
    header: Option<Header>,
    sum: u64,
    /// The last whole record.
    sequence: u64,
    part: u32,
    has_end: bool,
    /// What kept a file from being read to its end; no harm if the next one goes on from there.
    problem: Option<(PathBuf, String)>,
    /// The bytes of the item as they lie in the file.
    bytes: Vec<u8>,
    /// What the frame holds; nothing where it is sealed and nobody gave keys.
    raw: Vec<u8>,
    /// What opens the keys of sealed files; without it they are only summed.
    seals: Option<Arc<dyn SealsKeys>>,
    /// The key of the file that is read, where it is sealed and can be opened.
    key: Option<FileKey>,
    /// Room for what was sealed.
    opened: Vec<u8>,
}

struct Input {
    path: PathBuf,
    reader: BufReader<File>,
    stop: u64,
}

impl Chain {
    /// Begins at the first file.
    pub fn over(source: Source) -> Self {
        Self {
            identity: source.identity,
            form: source.form,
            bound: source.bound,
            is_fresh: source.fresh.is_some(),
            path: PathBuf::new(),
            tracks: source.tracks.into(),
            input: None,
            header: None,
            sum: 0,
            sequence: 0,
            part: 0,
            has_end: false,
            problem: None,
            bytes: Vec::new(),
            raw: Vec::new(),
            seals: source.seals,
            key: None,
            opened: Vec::new(),
        }
    }

    /// Lends the changes of the frame that came last, or what else it holds.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Lends the bytes of what came last, as they lie in the file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Gives the sum of the frame that came last, and the number of the last whole record.
    pub fn end(&self) -> (u64, u64) {
        (self.sum, self.sequence)
    }

    /// Reads on; nothing where the journal ends.
    ///
    /// Errors: [`JournalError::Damaged`] where something is missing that was there.
    pub fn next(&mut self) -> Result<Option<Item>, JournalError> {
        loop {
            if let Some(mut input) = self.input.take() {
                let item = self.item(&mut input)?;
                if item.is_some() {
                    self.input = Some(input);
                    return Ok(item);
                }
            }
            let Some(Track { path, file, stop, header: _ }) = self.tracks.pop_front() else { return Ok(None) };
            self.path.clone_from(&path);
            self.input = Some(Input { path, reader: BufReader::with_capacity(READ_BYTES, file), stop });
        }
    }

    /// Says whether the journal was read to the record that is known to be its last.
    pub fn finish(&mut self) -> Result<(), JournalError> {
        let at = self.header.map(|header| Position { era: header.era, sequence: self.sequence });
        let is_whole = match (self.form, self.bound) {
            (Form::Copy, _) => self.has_end,
            (Form::Folder, Some(_)) if self.is_fresh => true,
            (Form::Folder, Some(bound)) => at == Some(bound) && self.part == 0,
            (Form::Folder, None) => true,
        };
        if is_whole { Ok(()) } else { Err(self.lost(self.path.clone(), "it ends before its last record")) }
    }

    /// Gives what kept a file from being read to its end, if the next one did not make up for it.
    pub fn take_problem(&mut self) -> Option<JournalError> {
        self.problem.take().map(|(file, reason)| JournalError::Damaged { file, reason })
    }

    fn item(&mut self, input: &mut Input) -> Result<Option<Item>, JournalError> {
        self.bytes.resize(FRONT_BYTES, 0);
        match fill(&mut input.reader, &mut self.bytes)? {
            0 => return Ok(None),
            FRONT_BYTES => {}
            _ => return self.broken(input, "it ends within a frame"),
        }
        if self.bytes == MAGIC {
            return self.header(input);
        }
        if self.header.is_none() && self.form == Form::Copy {
            let reason = "it does not begin as one".to_owned();
            return Err(JournalError::NotJournal { file: input.path.clone(), reason });
        }
        // Room that was taken ahead of what comes there.
        if self.form == Form::Folder && self.bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        self.frame(input)
    }

    fn header(&mut self, input: &mut Input) -> Result<Option<Item>, JournalError> {
        if !self.more(input, HEADER_BYTES)? {
            return self.broken(input, "it ends within its header");
        }
        let bytes: &[u8; HEADER_BYTES] = self.bytes[..].try_into().expect("as many were read");
        let header = match Header::parse(bytes) {
            Ok(header) => header,
            Err(HeaderFault::Newer(format)) => {
                let reason = format!("it has format {format}, this server reads {FORMAT}");
                return Err(JournalError::NotJournal { file: input.path.clone(), reason });
            }
            Err(HeaderFault::Foreign | HeaderFault::Damaged) => {
                return self.broken(input, "its header fails its checksum");
            }
        };
        if header.identity != self.identity {
            return Err(JournalError::Foreign(input.path.clone()));
        }
        if self.header.is_some_and(|last| last.era == header.era) {
            if header.first != self.sequence + 1 || header.before != self.sum || self.part != 0 {
                let reason = format!("records {} to {} are missing", self.sequence + 1, header.first);
                return Err(self.lost(input.path.clone(), &reason));
            }
            self.problem = None;
        }
        self.key = None;
        if header.is_sealed && !self.open_key(input, &header)? {
            return self.broken(input, "the key behind its header fails its checksum");
        }
        (self.header, self.sum, self.sequence, self.part) = (Some(header), header.before, header.first - 1, 0);
        Ok(Some(Item::Header(header)))
    }

    /// Reads the key behind a header, and opens it where there is something to open it with; `false` where it is damaged.
    fn open_key(&mut self, input: &mut Input, header: &Header) -> Result<bool, JournalError> {
        if !self.more(input, HEADER_BYTES + BLOCK_BYTES)? {
            return Ok(false);
        }
        let block: &[u8; BLOCK_BYTES] = self.bytes[HEADER_BYTES..].try_into().expect("as many were read");
        if !is_block(block) {
            return Ok(false);
        }
        let Some(seals) = &self.seals else { return Ok(true) };
        let opened = FileKey::open(&**seals, header.identity, block);
        self.key = Some(opened.map_err(|reason| JournalError::Key { file: input.path.clone(), reason })?);
        Ok(true)
    }

    /// Says whether what the file holds that is read now can be told.
    pub fn check_open(&self) -> Result<(), JournalError> {
        match self.header {
            Some(header) if header.is_sealed && self.key.is_none() => {
                let reason = "nobody gave the keys of its server".to_owned();
                Err(JournalError::Key { file: self.path.clone(), reason })
            }
            _ => Ok(()),
        }
    }

    fn frame(&mut self, input: &mut Input) -> Result<Option<Item>, JournalError> {
        if !self.more(input, HEAD_BYTES)? {
            return self.broken(input, "it ends within a frame");
        }
        let bytes: [u8; HEAD_BYTES] = self.bytes[..].try_into().expect("as many were read");
        let Some(head) = Head::parse(&bytes) else { return self.broken(input, "a frame is none") };
        if head.sequence >= input.stop && head.kind != Kind::End {
            return Ok(None);
        }
        if self.header.is_none() || head.sequence != self.sequence + 1 || head.part != self.part {
            return self.broken(input, &format!("record {} is not where it belongs", head.sequence));
        }
        if !self.more(input, HEAD_BYTES + head.stored as usize)? {
            return self.broken(input, "it ends within a frame");
        }
        let stored = &self.bytes[HEAD_BYTES..];
        if !head.is_sound(&bytes, stored, self.sum) {
            return self.broken(input, &format!("record {} fails its checksum", head.sequence));
        }
        self.raw.clear();
        let is_sealed = head.kind == Kind::Changes && self.header.is_some_and(|header| header.is_sealed);
        let stored = match (is_sealed, &self.key) {
            (false, _) => Some(stored),
            (true, None) => None,
            (true, Some(key)) => {
                if !key.unseal(&bytes[..SUMMED_BYTES], stored, &mut self.opened) {
                    return self.broken(input, &format!("record {} was changed since it was sealed", head.sequence));
                }
                Some(&self.opened[..])
            }
        };
        match stored {
            None => {}
            Some(stored) if stored.len() == head.raw as usize => self.raw.extend_from_slice(stored),
            Some(stored) => {
                self.raw.resize(head.raw as usize, 0);
                let made = lz4_flex::block::decompress_into(stored, &mut self.raw);
                if made.ok() != Some(self.raw.len()) {
                    return self.broken(input, &format!("record {} cannot be unpacked", head.sequence));
                }
            }
        }
        self.sum = head.sum;
        self.part = if head.last { 0 } else { head.part + 1 };
        self.sequence += u64::from(head.last);
        self.has_end = head.kind == Kind::End;
        Ok(Some(Item::Frame(head)))
    }

    /// Reads on until the item has so many bytes; tells whether there were so many.
    fn more(&mut self, input: &mut Input, bytes: usize) -> Result<bool, JournalError> {
        let have = self.bytes.len();
        self.bytes.resize(bytes, 0);
        Ok(fill(&mut input.reader, &mut self.bytes[have..])? == bytes - have)
    }

    /// Notes that a file cannot be read any further: whether that matters, the next one says.
    fn broken(&mut self, input: &Input, reason: &str) -> Result<Option<Item>, JournalError> {
        if self.form == Form::Copy {
            return Err(JournalError::Damaged { file: input.path.clone(), reason: reason.to_owned() });
        }
        self.problem = Some((input.path.clone(), reason.to_owned()));
        Ok(None)
    }

    fn lost(&mut self, file: PathBuf, reason: &str) -> JournalError {
        self.take_problem().unwrap_or_else(|| JournalError::Damaged { file, reason: reason.to_owned() })
    }
}

/// Fills `bytes` as far as the input goes.
fn fill(input: &mut impl Read, bytes: &mut [u8]) -> Result<usize, JournalError> {
    let mut filled = 0;
    while filled < bytes.len() {
        match input.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(source) => return Err(failed("read the journal")(source)),
        }
    }
    Ok(filled)
}
