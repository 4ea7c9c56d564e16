//! A file's rows, one after another, as nodes or relationships.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use compact_str::CompactString;
use csv::ByteRecord;
use flate2::bufread::MultiGzDecoder;
use types::{Map, Value};

use super::error::ImportError;
use super::header::{Column, Header, Role, Subject};

/// The bytes with which every gzip file begins.
const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];
/// Bytes read from a file at once.
const READ_BYTES: usize = 256 * 1024;

/// A node's name while an import runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The group within which the id is unique; empty for the group without a name.
    pub group: CompactString,
    /// The id as it is written.
    pub id: CompactString,
}

/// A node to make.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeRow {
    /// Its name for relationships; none where the file gives none.
    pub key: Option<Key>,
    /// Its labels.
    pub labels: Vec<CompactString>,
    /// Its properties, none of them null.
    pub properties: Map,
}

/// A relationship to make.
#[derive(Clone, Debug, PartialEq)]
pub struct RelationshipRow {
    /// Its type; none where the file has no such column and the caller knows it.
    pub kind: Option<CompactString>,
    /// The node where it starts.
    pub start: Key,
    /// The node where it ends.
    pub end: Key,
    /// Its properties, none of them null.
    pub properties: Map,
}

/// What a line of a file makes.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A node.
    Node(NodeRow),
    /// A relationship.
    Relationship(RelationshipRow),
}

/// A row that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// The line where it begins, from 1.
    pub line: u64,
    /// Why, for people.
    pub reason: String,
}

/// How a file is written.
#[derive(Clone, Copy, Debug)]
pub struct ReaderOptions {
    /// Parts fields.
    pub delimiter: u8,
    /// Parts the items of a list, and labels.
    pub list_delimiter: char,
    /// Stands around a field that holds a delimiter.
    pub quote: u8,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self { delimiter: b',', list_delimiter: ';', quote: b'"' }
    }
}

/// Reads a file row by row, in constant memory.
pub struct Reader {
    path: PathBuf,
    csv: csv::Reader<Box<dyn Read + Send>>,
    header: Header,
    list_delimiter: char,
    record: ByteRecord,
}

impl Reader {
    /// Opens a file, plain or gzipped, whose first line is its header.
    pub fn open(path: &Path, options: &ReaderOptions) -> Result<Self, ImportError> {
        let failed = |source| ImportError::Read { path: path.to_owned(), source };
        let input = unzipped(File::open(path).map_err(failed)?).map_err(failed)?;
        Self::new(path, input, options)
    }

    /// Reads from anywhere; `path` is for messages.
    pub fn new(path: &Path, input: Box<dyn Read + Send>, options: &ReaderOptions) -> Result<Self, ImportError> {
        let mut csv = csv::ReaderBuilder::new()
            .delimiter(options.delimiter)
            .quote(options.quote)
            // A row that is too short or too long is bad, but does not end the import.
            .flexible(true)
            .from_reader(input);
        let failed = |error: csv::Error| ImportError::Read { path: path.to_owned(), source: error.into() };
        let texts = csv.headers().map_err(failed)?;
        let header = Header::parse(texts).map_err(|source| ImportError::Header { path: path.to_owned(), source })?;
        let (path, list_delimiter) = (path.to_owned(), options.list_delimiter);
        Ok(Self { path, csv, header, list_delimiter, record: ByteRecord::new() })
    }

    /// Gives the header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Gives the file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the next row; the inner result is a bad row, after which reading goes on.
    pub fn next_row(&mut self) -> Result<Option<Result<Row, BadRow>>, ImportError> {
        let read = self.csv.read_byte_record(&mut self.record);
        if !read.map_err(|error| ImportError::Read { path: self.path.clone(), source: error.into() })? {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        Ok(Some(self.row().map_err(|reason| BadRow { line, reason })))
    }

    fn row(&self) -> Result<Row, String> {
        let (fields, columns) = (self.record.len(), self.header.columns.len());
        if fields != columns {
            return Err(format!("{fields} fields under {columns} columns"));
        }
        let mut parts = Parts::default();
        for (column, field) in self.header.columns.iter().zip(&self.record) {
            let text = std::str::from_utf8(field).map_err(|_| named(column, "the text is no UTF-8"))?;
            parts.add(column, text, self.list_delimiter)?;
        }
        parts.into_row(self.header.subject)
    }
}

impl Iterator for Reader {
    type Item = Result<Result<Row, BadRow>, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_row().transpose()
    }
}

/// Looks at the first bytes, not at the name: pipes and renamed files have none that helps.
fn unzipped(file: File) -> io::Result<Box<dyn Read + Send>> {
    let mut file = BufReader::with_capacity(READ_BYTES, file);
    Ok(if file.fill_buf()?.starts_with(&GZIP_MAGIC) { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// What was read of a row.
#[derive(Default)]
struct Parts {
    key: Option<Key>,
    start: Option<Key>,
    end: Option<Key>,
    kind: Option<CompactString>,
    labels: Vec<CompactString>,
    properties: Map,
}

impl Parts {
    /// Takes a field in; an empty one says nothing.
    fn add(&mut self, column: &Column, text: &str, list_delimiter: char) -> Result<(), String> {
        if text.is_empty() {
            return match &column.role {
                Role::Type => Err(named(column, "a relationship needs a type")),
                Role::Start(_) | Role::End(_) => Err(named(column, "a relationship needs both ends")),
                _ => Ok(()),
            };
        }
        let key = |group: &CompactString| Some(Key { group: group.clone(), id: text.into() });
        match &column.role {
            Role::Id { group, property } => {
                self.key = key(group);
                if let Some(name) = property {
                    self.properties.insert(name.clone(), Value::string(text));
                }
            }
            Role::Start(group) => self.start = key(group),
            Role::End(group) => self.end = key(group),
            Role::Type => self.kind = Some(text.into()),
            Role::Label => {
                for label in text.split(list_delimiter).map(str::trim).filter(|label| !label.is_empty()) {
                    if !self.labels.iter().any(|known| known == label) {
                        self.labels.push(label.into());
                    }
                }
            }
            Role::Property { name, kind, is_list } => {
                let read = |text| kind.read(text).map_err(|reason| named(column, &reason));
                let value = if *is_list {
                    Value::list(text.split(list_delimiter).map(read).collect::<Result<_, _>>()?)
                } else {
                    read(text)?
                };
                self.properties.insert(name.clone(), value);
            }
            Role::Ignore => {}
        }
        Ok(())
    }

    fn into_row(self, subject: Subject) -> Result<Row, String> {
        let Self { key, start, end, kind, labels, properties } = self;
        match (subject, start, end) {
            (Subject::Nodes, ..) => Ok(Row::Node(NodeRow { key, labels, properties })),
            (Subject::Relationships, Some(start), Some(end)) => {
                Ok(Row::Relationship(RelationshipRow { kind, start, end, properties }))
            }
            (Subject::Relationships, ..) => Err("a relationship needs both ends".to_owned()),
        }
    }
}

fn named(column: &Column, reason: &str) -> String {
    format!("column \"{}\": {reason}", column.text)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use types::text::literal;

    use super::*;

    fn shown(row: Result<Row, BadRow>) -> String {
        let key = |key: &Key| format!("{}/{}", key.group, key.id);
        match row {
            Ok(Row::Node(node)) => {
                let name = node.key.as_ref().map(key).unwrap_or_default();
                format!("({name} {} {})", node.labels.join(":"), literal(&Value::map(node.properties)))
            }
            Ok(Row::Relationship(row)) => {
                let kind = row.kind.unwrap_or_default();
                format!("{} -{kind}-> {} {}", key(&row.start), key(&row.end), literal(&Value::map(row.properties)))
            }
            Err(bad) => format!("line {}: {}", bad.line, bad.reason),
        }
    }

    fn check(text: &'static str, expected: &[&str]) {
        let input = Box::new(text.as_bytes());
        let reader = Reader::new(Path::new("x.csv"), input, &ReaderOptions::default()).expect("a header");
        let rows: Vec<_> = reader.map(|row| shown(row.expect("memory can be read"))).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn f157_rows_of_nodes() {
        check(
            "code:ID(Airport),name,runways:int[],:LABEL\nJFK,\"Kennedy, NY\",4;13,Airport;Hub\nLGA,,,Airport\n",
            &[
                "(Airport/JFK Airport:Hub {code: 'JFK', name: 'Kennedy, NY', runways: [4, 13]})",
                "(Airport/LGA Airport {code: 'LGA'})",
            ],
        );
    }

    #[test]
    fn f157_rows_of_relationships() {
        check(
            ":START_ID(F),:END_ID(A),:TYPE,since:date\n1,JFK,FROM,2013-01-01\n",
            &["F/1 -FROM-> A/JFK {since: '2013-01-01'}"],
        );
    }

    #[test]
    fn f157_bad_rows_tell_line_and_reason() {
        check(
            ":ID,n:int\n1,one\n2,\"2\n\"\n3\n4,4\n",
            &[
                "line 2: column \"n:int\": \"one\" is no whole number of 64 bits",
                "(/2  {n: 2})",
                "line 5: 1 fields under 2 columns",
                "(/4  {n: 4})",
            ],
        );
        check(":START_ID,:END_ID,:TYPE\n1,,X\n", &["line 2: column \":END_ID\": a relationship needs both ends"]);
    }

    #[test]
    fn f157_gzip_is_known_by_its_bytes() {
        let folder = tempfile::tempdir().expect("a folder for tests");
        let path = folder.path().join("nodes");
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(b":ID\n7\n").expect("memory");
        std::fs::write(&path, gzip.finish().expect("memory")).expect("a folder for tests");
        let mut reader = Reader::open(&path, &ReaderOptions::default()).expect("a header");
        assert_eq!(reader.header().subject, Subject::Nodes);
        let row = reader.next_row().expect("a sound file").expect("a row");
        assert_eq!(shown(row), "(/7  {})");
        assert!(reader.next_row().expect("a sound file").is_none());
    }

    #[test]
    fn f157_files_that_are_not_there_are_named() {
        let error = Reader::open(Path::new("/nowhere/x.csv"), &ReaderOptions::default()).err().expect("no such file");
        assert_eq!(error.to_string(), "cannot read \"/nowhere/x.csv\"");
    }
}
