//! The records of a CSV file, field by field: a record is never there whole, however long its line is.
//! Leaves what becomes of the fields to `load_csv`.
//! Start reading at [`Records::next`].

use std::io::{ErrorKind, Read};

use compact_str::CompactString;
use csv_core::ReadRecordResult;
use types::{Code, Failure};

use super::file::failed;
use crate::Budget;

/// Bytes of a file between two looks at the clock.
const BYTES_BETWEEN_LOOKS: usize = 1 << 16;
/// Bytes of fields, and fields, that are read before they are handed on; longer fields take more bytes.
const BYTES_AHEAD: usize = 1 << 12;
const FIELDS_AHEAD: usize = 1 << 8;
/// Room for bytes that is kept for the next record.
const KEPT_BYTES: usize = 1 << 20;

/// A file that is being read.
pub(super) struct Records {
    pub address: CompactString,
    /// The line at which the last record begins.
    pub line: u64,
    file: Box<dyn Read + Send>,
    /// Bytes of the file as they were read, then as the reader of records takes them, and how many it took.
    read: Vec<u8>,
    made: Vec<u8>,
    taken: usize,
    core: Box<csv_core::Reader>,
    quotes: Quotes,
    /// Bytes of fields that were not handed on, and where in their record each field ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// What was taken for longer fields.
    memory_bytes: usize,
}

impl Records {
    pub fn new(address: CompactString, file: Box<dyn Read + Send>, terminator: u8) -> Self {
        Self {
            address,
            line: 1,
            file,
            read: vec![0; BYTES_BETWEEN_LOOKS],
            made: Vec::with_capacity(BYTES_BETWEEN_LOOKS),
            taken: 0,
            core: Box::new(csv_core::ReaderBuilder::new().delimiter(terminator).escape(Some(b'\\')).build()),
            quotes: Quotes { terminator, place: Place::FieldStart, line: 1, opened_at: 1, followed_at: None },
            bytes: vec![0; BYTES_AHEAD],
            ends: vec![0; FIELDS_AHEAD],
            memory_bytes: 0,
        }
    }

    /// Reads the next record, and hands each of its fields on as soon as it is read; false at the end of the file.
    pub fn next(
        &mut self,
        budget: &mut Budget,
        mut each: impl FnMut(&str, &mut Budget) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        let line = self.core.line();
        // Bytes of the record that were handed on; bytes that were read since, and fields that end among them.
        let (mut done, mut read, mut ended) = (0, 0, 0);
        loop {
            self.fill(budget)?;
            let (state, from_file, bytes, ends) =
                self.core.read_record(&self.made[self.taken..], &mut self.bytes[read..], &mut self.ends[ended..]);
            self.taken += from_file;
            (read, ended) = (read + bytes, ended + ends);
            match state {
                ReadRecordResult::InputEmpty => continue,
                ReadRecordResult::End => return Ok(false),
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull | ReadRecordResult::Record => {}
            }
            self.line = line;
            let mut from = 0;
            for end in &self.ends[..ended] {
                let field = std::str::from_utf8(&self.bytes[from..end - done]).map_err(|_| self.no_text())?;
                each(field, budget)?;
                from = end - done;
            }
            if state == ReadRecordResult::Record {
                self.shrink(budget);
                return Ok(true);
            }
            self.bytes.copy_within(from..read, 0);
            (done, read, ended) = (done + from, read - from, 0);
            if read == self.bytes.len() {
                self.grow(budget)?;
            }
        }
    }

    /// Gives back what was taken for long fields.
    pub fn close(self, budget: &mut Budget) {
        budget.give_back_memory(self.memory_bytes);
    }

    /// Has bytes of the file at hand, unless it is at its end.
    fn fill(&mut self, budget: &mut Budget) -> Result<(), Failure> {
        if self.taken < self.made.len() {
            return Ok(());
        }
        budget.look()?;
        let filled = loop {
            match self.file.read(&mut self.read) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                filled => break filled.map_err(|error| failed(&self.address, &error.to_string())),
            }
        };
        let bytes = &self.read[..budget.ended_or(filled)?];
        self.taken = 0;
        self.made.clear();
        self.quotes.pass(bytes, &mut self.made);
        if let Some(line) = self.quotes.followed_at {
            let text = format!(
                "a field of line {line} goes on behind the quote that closes it; put all of the field in quotes, and double \
                 those within it"
            );
            return Err(failed(&self.address, &text));
        }
        match self.quotes.open().filter(|_| bytes.is_empty()) {
            Some(line) => {
                let text = format!("the quote that opens at line {line} is never closed");
                Err(failed(&self.address, &text))
            }
            None => Ok(()),
        }
    }

    /// Makes room for a longer field.
    fn grow(&mut self, budget: &mut Budget) -> Result<(), Failure> {
        let more = self.bytes.len();
        // Both copies are there for a moment.
        let asked = budget.ask_for(2 * more).and_then(|()| budget.take_memory(more));
        asked.map_err(|failure| self.too_long(&failure))?;
        self.memory_bytes += more;
        self.bytes.resize(2 * more, 0);
        Ok(())
    }

    fn shrink(&mut self, budget: &mut Budget) {
        if self.bytes.len() > KEPT_BYTES {
            self.bytes = vec![0; BYTES_AHEAD];
            budget.give_back_memory(std::mem::take(&mut self.memory_bytes));
        }
    }

    #[cold]
    fn too_long(&self, failure: &Failure) -> Failure {
        let hint = match self.quotes.open() {
            Some(line) => format!("; look for a quote that is not closed, from line {line} on"),
            None => String::new(),
        };
        let text = format!("{} A field of '{}' is very long{hint}.", failure.message(), self.address);
        Failure::new(failure.code(), text)
    }

    #[cold]
    fn no_text(&self) -> Failure {
        Failure::new(
            Code::ExternalResourceFailed,
            format!("'{}' is not UTF-8 at line {}. Save the file as UTF-8.", self.address, self.line),
        )
    }
}

/// Follows quotes through a file, as the reader of its records does, to which every backslash within them is an escape. As
/// Neo4j has it, one stands for itself unless a quote or another one is behind it.
struct Quotes {
    terminator: u8,
    place: Place,
    line: u64,
    /// The line of the last quote that opened a field.
    opened_at: u64,
    /// The first line in which something stands between a closing quote and the end of its field.
    followed_at: Option<u64>,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    FieldStart,
    Field,
    Quoted,
    /// Behind a backslash within quotes.
    Escape,
    /// Behind a quote within quotes: the end of the field, or half of a quote that is meant.
    QuoteInQuotes,
}

impl Quotes {
    /// Passes bytes on; a backslash that stands for itself twice.
    fn pass(&mut self, bytes: &[u8], made: &mut Vec<u8>) {
        for byte in bytes {
            if self.place == Place::Escape && !matches!(byte, b'"' | b'\\') {
                made.push(b'\\');
            }
            made.push(*byte);
            self.line += u64::from(*byte == b'\n');
            self.place = match (self.place, *byte) {
                (Place::Quoted, b'"') => Place::QuoteInQuotes,
                (Place::Quoted, b'\\') => Place::Escape,
                (Place::Quoted | Place::Escape, _) | (Place::QuoteInQuotes, b'"') => Place::Quoted,
                (Place::FieldStart, b'"') => {
                    self.opened_at = self.line;
                    Place::Quoted
                }
                (_, b'\n' | b'\r') => Place::FieldStart,
                // A byte order mark stands in front of the first field.
                (Place::FieldStart, 0xef | 0xbb | 0xbf) => Place::FieldStart,
                (_, byte) if byte == self.terminator => Place::FieldStart,
                (Place::QuoteInQuotes, _) => {
                    self.followed_at = self.followed_at.or(Some(self.line));
                    Place::Field
                }
                _ => Place::Field,
            };
        }
    }

    /// Gives the line of the quote that is open.
    fn open(&self) -> Option<u64> {
        matches!(self.place, Place::Quoted | Place::Escape).then_some(self.opened_at)
    }
}
