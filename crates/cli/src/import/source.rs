//! What an argument such as `Person:Actor=header.csv,people.csv.gz` names, and the bytes behind it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use compact_str::CompactString;
use flate2::bufread::MultiGzDecoder;

use super::error::ImportError;

/// The bytes with which every gzip file begins.
const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];
/// Bytes read from a file at once.
const READ_BYTES: usize = 256 * 1024;
/// Bytes of one row; a quote that is never closed would else take in the rest of the file.
const ROW_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Follows every text. The first newline ends the last row; only an open quote takes in the second one as well.
const TAIL: &[u8] = b"\n\n";

/// Files that share one header, and what their rows are without saying so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Labels of every node, or the type of relationships that have none of their own.
    pub names: Vec<CompactString>,
    /// The first begins with the header; the others go on.
    pub files: Vec<PathBuf>,
}

impl Source {
    /// Reads `[NAME[:NAME]=]FILE[,FILE]`; a file whose name has such signs is taken as it is.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if Path::new(text).exists() {
            return Self { names: Vec::new(), files: vec![text.into()] };
        }
        let (names, files) = text.split_once('=').unwrap_or(("", text));
        let names = names.split(':').filter(|name| !name.is_empty()).map(CompactString::from).collect();
        let one = Path::new(files).exists();
        let files = if one { vec![files.into()] } else { files.split(',').map(PathBuf::from).collect() };
        Self { names, files }
    }

    /// Counts the bytes of the files as they lie on disk.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
    }
}

/// A file's text, unzipped where it is zipped.
pub(crate) struct Input {
    text: Box<dyn Read + Send>,
    left: u64,
    /// Bytes given so far, the tail with them.
    given: u64,
    /// What is still to come of [`TAIL`].
    tail: &'static [u8],
}

impl Input {
    /// Opens a file; `read_bytes` counts what was read of it.
    pub fn open(path: &Path, read_bytes: Arc<AtomicU64>) -> Result<Self, ImportError> {
        let failed = |source| ImportError::Read { path: path.to_owned(), source };
        let file = Counted { file: File::open(path).map_err(failed)?, read_bytes };
        Ok(Self::new(unzipped(file).map_err(failed)?))
    }

    /// Reads from anywhere.
    pub fn new(text: Box<dyn Read + Send>) -> Self {
        Self { text, left: ROW_MAX_BYTES, given: 0, tail: TAIL }
    }

    /// Tells whether a row that ends before byte `end` took in everything, which is so where a quote stays open.
    pub fn is_taken_in(&self, end: u64) -> bool {
        self.tail.is_empty() && end == self.given
    }

    /// Notes that a row begins: it may be as long as any other.
    pub fn row_begins(&mut self) {
        self.left = ROW_MAX_BYTES;
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut read = self.text.read(buffer)?;
        if read == 0 {
            read = self.tail.read(buffer)?;
        }
        self.given += read as u64;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other("a row is longer than 64 MiB. Is a quote missing?")),
        }
        Ok(read)
    }
}

struct Counted {
    file: File,
    read_bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read_bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Looks at the first bytes, not at the name: pipes and renamed files have none that helps.
fn unzipped(file: Counted) -> io::Result<Box<dyn Read + Send>> {
    let mut file = BufReader::with_capacity(READ_BYTES, file);
    Ok(if file.fill_buf()?.starts_with(&GZIP_MAGIC) { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, names: &[&str], files: &[&str]) {
        let source = Source::parse(text);
        assert_eq!(source.names, names);
        assert_eq!(source.files, files.iter().map(PathBuf::from).collect::<Vec<_>>());
    }

    #[test]
    fn f157_sources_name_labels_and_files() {
        check("people.csv", &[], &["people.csv"]);
        check("Person:Actor=a.csv", &["Person", "Actor"], &["a.csv"]);
        check("KNOWS=header.csv,b.csv.gz", &["KNOWS"], &["header.csv", "b.csv.gz"]);
        check("A=b=c.csv", &["A"], &["b=c.csv"]);
    }

    #[test]
    fn f157_a_file_that_is_there_keeps_its_signs() {
        let folder = tempfile::tempdir().expect("a folder for tests");
        let path = folder.path().join("a=b,c.csv");
        std::fs::write(&path, ":ID\n").expect("a folder for tests");
        let path = path.to_str().expect("a plain name");
        check(path, &[], &[path]);
        check(&format!("Label={path}"), &["Label"], &[path]);
    }

    #[test]
    fn f157_a_quote_that_is_never_closed_ends_the_import() {
        let mut csv = csv::ReaderBuilder::new().from_reader(Input::new(Box::new(io::repeat(b'x'))));
        let error = csv.read_byte_record(&mut csv::ByteRecord::new()).expect_err("too long");
        assert!(error.to_string().contains("a quote missing"), "{error}");
    }
}
