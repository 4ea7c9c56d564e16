//! A source's rows, one after another, as lines of a batch.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use compact_str::CompactString;
use csv::ByteRecord;
use types::{KeyId, NodeId, Value};

use super::batch::{BadRow, Batch, Line, What, Words};
use super::error::ImportError;
use super::header::{Column, Header, Role, Subject};
use super::ids::Ids;
use super::source::{Input, Source};

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

/// Reads a source row by row, in constant memory.
pub struct Reader {
    path: PathBuf,
    csv: csv::Reader<Input>,
    files_left: VecDeque<PathBuf>,
    read_bytes: Arc<AtomicU64>,
    options: ReaderOptions,
    header: Header,
    record: ByteRecord,
    row: Row,
}

/// What is known once the database is open and, for relationships, all nodes are in it.
pub struct Known<'a> {
    /// The number of each column's property; none where the column is none.
    pub keys: &'a [Option<KeyId>],
    /// Which node an id means; looked at for relationships.
    pub ids: Option<&'a Ids>,
}

impl Reader {
    /// Opens a source, plain or gzipped, and reads its header; `read_bytes` counts what is read of the files.
    pub fn open(source: &Source, options: &ReaderOptions, read_bytes: &Arc<AtomicU64>) -> Result<Self, ImportError> {
        let mut files_left = VecDeque::from(source.files.clone());
        let path = files_left.pop_front().unwrap_or_default();
        let input = Input::open(&path, Arc::clone(read_bytes))?;
        let mut reader = Self::new(&path, input, options, &source.names)?;
        (reader.files_left, reader.read_bytes) = (files_left, Arc::clone(read_bytes));
        Ok(reader)
    }

    fn new(path: &Path, input: Input, options: &ReaderOptions, names: &[CompactString]) -> Result<Self, ImportError> {
        let (path, options) = (path.to_owned(), *options);
        let mut csv = open_csv(input, &options, true);
        let failed = |error: csv::Error| ImportError::Read { path: path.clone(), source: error.into() };
        let texts = csv.headers().map_err(failed)?.clone();
        if texts.is_empty() {
            return Err(ImportError::NoHeader { path });
        }
        refuse_open_quote(&csv, texts.as_byte_record(), &path)?;
        let header = Header::parse(&texts).map_err(|source| ImportError::Header { path: path.clone(), source })?;
        let row = Row { names: names.to_vec(), list_delimiter: options.list_delimiter, ..Row::default() };
        let (files_left, read_bytes, record) = Default::default();
        Ok(Self { path, csv, files_left, read_bytes, options, header, record, row })
    }

    /// Gives the header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Gives the path of the file that is being read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds rows to a batch until it is full or the file ends; false once nothing is left.
    ///
    /// A batch holds rows of one file only, because bad rows are told by their line.
    pub fn fill(&mut self, batch: &mut Batch, known: &Known<'_>) -> Result<bool, ImportError> {
        batch.file.clone_from(&self.path);
        while !batch.is_full() {
            self.csv.get_mut().row_begins();
            let read = self.csv.read_byte_record(&mut self.record);
            if !read.map_err(|error| ImportError::Read { path: self.path.clone(), source: error.into() })? {
                self.row.words.tell(batch);
                return self.next_file();
            }
            refuse_open_quote(&self.csv, &self.record, &self.path)?;
            let number = self.record.position().map_or(0, csv::Position::line);
            let (values, ids) = (batch.values.len(), batch.ids.len());
            match self.row.read(&self.header, &self.record, known, batch) {
                Ok(what) => batch.lines.push(Line { number, what, values_end: batch.values.len() }),
                Err(reason) => {
                    batch.values.truncate(values);
                    batch.ids.truncate(ids);
                    batch.bad.push(BadRow { line: number, reason });
                }
            }
        }
        self.row.words.tell(batch);
        Ok(true)
    }

    fn next_file(&mut self) -> Result<bool, ImportError> {
        let Some(path) = self.files_left.pop_front() else { return Ok(false) };
        self.csv = open_csv(Input::open(&path, Arc::clone(&self.read_bytes))?, &self.options, false);
        self.path = path;
        Ok(true)
    }
}

/// Refuses a file whose last field was ended by the end of the file: what it swallowed may be thousands of rows.
fn refuse_open_quote(csv: &csv::Reader<Input>, record: &ByteRecord, path: &Path) -> Result<(), ImportError> {
    if !csv.get_ref().is_taken_in(csv.position().byte()) {
        return Ok(());
    }
    let before = record.iter().take(record.len().saturating_sub(1));
    let lines: usize = before.map(|field| field.iter().filter(|byte| **byte == b'\n').count()).sum();
    let line = record.position().map_or(1, csv::Position::line) + lines as u64;
    Err(ImportError::OpenQuote { path: path.to_owned(), line })
}

fn open_csv(input: Input, options: &ReaderOptions, has_headers: bool) -> csv::Reader<Input> {
    csv::ReaderBuilder::new()
        .delimiter(options.delimiter)
        .quote(options.quote)
        .has_headers(has_headers)
        // A row that is too short or too long is bad, but does not end the import.
        .flexible(true)
        .buffer_capacity(64 * 1024)
        .from_reader(input)
}

/// What turns one record into a line; its memory is used again for each.
#[derive(Default)]
struct Row {
    /// What the source says of rows that say nothing.
    names: Vec<CompactString>,
    list_delimiter: char,
    words: Words,
    /// All label fields of the row.
    labels: String,
}

/// The parts of a relationship that have been read.
#[derive(Default)]
struct Ends {
    start: Option<NodeId>,
    end: Option<NodeId>,
    kind: Option<u32>,
}

impl Row {
    /// Reads a record; what is bad about it is told in words.
    fn read(
        &mut self,
        header: &Header,
        record: &ByteRecord,
        known: &Known<'_>,
        batch: &mut Batch,
    ) -> Result<What, String> {
        let (fields, columns) = (record.len(), header.columns.len());
        if fields != columns {
            return Err(format!("{fields} fields under {columns} columns"));
        }
        self.labels.clear();
        let (mut id, mut ends) = (None, Ends::default());
        for ((column, field), key) in header.columns.iter().zip(record).zip(known.keys) {
            let text = std::str::from_utf8(field).map_err(|_| named(column, "the text is no UTF-8"))?;
            if text.is_empty() {
                continue;
            }
            match &column.role {
                Role::Id { .. } => {
                    id = Some(keep(&mut batch.ids, text));
                    batch.values.extend(key.map(|key| (key, Value::string(text))));
                }
                Role::Label => {
                    self.labels.push_str(text);
                    self.labels.push(self.list_delimiter);
                }
                Role::Start(group) => ends.start = Some(node(column, group, text, known)?),
                Role::End(group) => ends.end = Some(node(column, group, text, known)?),
                Role::Type => ends.kind = Some(self.words.number(text, |text| vec![text.into()])),
                Role::Property { kind, is_list, .. } => {
                    let key = key.expect("the loader numbers every column of a property");
                    let read = |text| kind.read(text).map_err(|reason| named(column, &reason));
                    let value = if *is_list {
                        Value::list(text.split(self.list_delimiter).map(read).collect::<Result<_, _>>()?)
                    } else {
                        read(text)?
                    };
                    batch.values.push((key, value));
                }
                Role::Ignore => {}
            }
        }
        match header.subject {
            Subject::Nodes => Ok(What::Node { id, labels: self.labels() }),
            Subject::Relationships => self.relationship(ends),
        }
    }

    /// Gives the number of the row's labels.
    fn labels(&mut self) -> u32 {
        let Self { names, list_delimiter, words, labels } = self;
        words.number(labels, |text| {
            let mut all = names.clone();
            for label in text.split(*list_delimiter).map(str::trim).filter(|label| !label.is_empty()) {
                if !all.iter().any(|known| known == label) {
                    all.push(label.into());
                }
            }
            all
        })
    }

    fn relationship(&mut self, ends: Ends) -> Result<What, String> {
        let (Some(start), Some(end)) = (ends.start, ends.end) else {
            return Err("a relationship needs both ends".to_owned());
        };
        let kind = match (ends.kind, self.names.first()) {
            (Some(kind), _) => kind,
            (None, Some(name)) => self.words.number(name, |name| vec![name.into()]),
            (None, None) => return Err("a relationship needs a type".to_owned()),
        };
        Ok(What::Relationship { start, kind, end })
    }
}

/// Appends a text and tells where it is.
fn keep(texts: &mut String, text: &str) -> Range<usize> {
    let start = texts.len();
    texts.push_str(text);
    start..texts.len()
}

fn node(column: &Column, group: &str, id: &str, known: &Known<'_>) -> Result<NodeId, String> {
    let found = known.ids.and_then(|ids| ids.group(ids.find(group)?).get(id));
    found.ok_or_else(|| named(column, &format!("no node has the id \"{id}\"")))
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

    /// Reads everything; properties are numbered by their column, nodes by the order of `ids`.
    fn rows(mut reader: Reader, ids: &[&str]) -> Vec<String> {
        let is_property = |role: &Role| matches!(role, Role::Property { .. } | Role::Id { property: Some(_), .. });
        let columns = (0..).zip(&reader.header().columns);
        let keys: Vec<_> = columns.map(|(at, column)| is_property(&column.role).then_some(KeyId(at))).collect();
        let mut known = Ids::default();
        for group in ["", "F", "A"] {
            let place = known.place(group);
            for (at, id) in ids.iter().enumerate() {
                known.group_mut(place).insert(id, NodeId(at as u64));
            }
        }
        let (mut words, mut shown) = (Vec::new(), Vec::new());
        loop {
            let mut batch = Batch::default();
            let more = reader.fill(&mut batch, &Known { keys: &keys, ids: Some(&known) }).expect("a sound file");
            words.append(&mut batch.words);
            let mut values = batch.values.iter();
            let mut from = 0;
            for line in &batch.lines {
                let row = values.by_ref().take(line.values_end - from);
                let row: Vec<_> = row.map(|(key, value)| format!("{key}={}", literal(value))).collect();
                from = line.values_end;
                shown.push((line.number, show(&line.what, &words, &batch.ids) + &row.join(" ")));
            }
            shown.extend(batch.bad.into_iter().map(|bad| (bad.line, format!("line {}: {}", bad.line, bad.reason))));
            if !more {
                shown.sort();
                return shown.into_iter().map(|(_, text)| text).collect();
            }
        }
    }

    fn show(what: &What, words: &[Vec<CompactString>], ids: &str) -> String {
        match what {
            What::Node { id, labels } => {
                let id = id.clone().map(|id| &ids[id]).unwrap_or_default();
                format!("({id}:{}) ", words[*labels as usize].join(":"))
            }
            What::Relationship { start, kind, end } => format!("{start} -{}-> {end} ", words[*kind as usize][0]),
        }
    }

    fn check(names: &[&str], text: &'static str, expected: &[&str]) {
        let names: Vec<_> = names.iter().map(|name| CompactString::from(*name)).collect();
        let input = Input::new(Box::new(text.as_bytes()));
        let reader = Reader::new(Path::new("x.csv"), input, &ReaderOptions::default(), &names).expect("a header");
        assert_eq!(rows(reader, &["1", "JFK"]), expected);
    }

    #[test]
    fn f157_rows_of_nodes() {
        check(
            &[],
            "code:ID(Airport),name,runways:int[],:LABEL\nJFK,\"Kennedy, NY\",4;13,Airport;Hub\nLGA,,,Airport\n",
            &["(JFK:Airport:Hub) 0='JFK' 1='Kennedy, NY' 2=[4, 13]", "(LGA:Airport) 0='LGA'"],
        );
        check(&["City"], ":LABEL,:LABEL\nPort,Hub;City\n,\n", &["(:City:Port:Hub) ", "(:City) "]);
    }

    #[test]
    fn f157_rows_of_relationships() {
        check(
            &["TO"],
            ":START_ID(F),:END_ID(A),:TYPE,since:date\n1,JFK,FROM,2013-01-01\n1,JFK,,\n",
            &["0 -FROM-> 1 3='2013-01-01'", "0 -TO-> 1 "],
        );
    }

    #[test]
    fn f157_bad_rows_tell_line_and_reason() {
        check(
            &[],
            ":ID,n:int\n1,one\n2,\"2\n\"\n3\n4,4\n",
            &[
                "line 2: column \"n:int\": \"one\" is no whole number of 64 bits",
                "(2:) 1=2",
                "line 5: 1 fields under 2 columns",
                "(4:) 1=4",
            ],
        );
        check(
            &[],
            ":START_ID,:END_ID,:TYPE\n1,,X\n1,LGA,X\n1,1,\n",
            &[
                "line 2: a relationship needs both ends",
                "line 3: column \":END_ID\": no node has the id \"LGA\"",
                "line 4: a relationship needs a type",
            ],
        );
    }

    #[test]
    fn f157_quotes_that_stay_open_and_missing_headers_are_refused() {
        let check = |text: &'static str, expected: &str| {
            let input = Input::new(Box::new(text.as_bytes()));
            let read = Reader::new(Path::new("x.csv"), input, &ReaderOptions::default(), &[]).and_then(|mut reader| {
                let keys = vec![Some(KeyId(0)); reader.header().columns.len()];
                let mut batch = Batch::default();
                while reader.fill(&mut batch, &Known { keys: &keys, ids: None })? {}
                Ok(batch.lines.len())
            });
            let shown = read.map_or_else(|error| error.to_string(), |rows| rows.to_string());
            assert!(shown.starts_with(expected), "{text:?}: {shown}");
        };
        check(":ID,n\n1,x\n2,\"y\n3,z\n", "\"x.csv\": the quote that opens in line 3 is never closed");
        check(":ID,n\n\"1\n\",\"y", "\"x.csv\": the quote that opens in line 3 is never closed");
        check(":ID,\"n\n1,x\n", "\"x.csv\": the quote that opens in line 1 is never closed");
        check(":ID,n\n1,\"x\n\n\"", "1");
        check(":ID,n\n1,\"x\n\"\n", "1");
        check(":ID,n\r\n1,\"x\"\r\n2,y\r\n", "2");
        check(":ID,n\n1,5\"\n2,a\"b", "2");
        check(":ID,n", "0");
        check("", "\"x.csv\" has no header");
        check("\n\n", "\"x.csv\" has no header");
    }

    #[test]
    fn f157_one_header_serves_several_files_zipped_or_not() {
        let folder = tempfile::tempdir().expect("a folder for tests");
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("a folder for tests");
            path
        };
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(b"7\n").expect("memory");
        let zipped = gzip.finish().expect("memory");
        let files = vec![write("header", b":ID\n"), write("one", &zipped), write("two", b"8\n9,9\n")];
        let source = Source { names: vec!["N".into()], files };
        let read_bytes = Arc::default();
        let reader = Reader::open(&source, &ReaderOptions::default(), &read_bytes).expect("a header");
        assert_eq!(rows(reader, &[]), ["(7:N) ", "(8:N) ", "line 2: 2 fields under 1 columns"]);
        assert_eq!(read_bytes.load(std::sync::atomic::Ordering::Relaxed), source.bytes());
    }

    #[test]
    fn f157_files_that_are_not_there_are_named() {
        let source = Source::parse("/nowhere/x.csv");
        let error = Reader::open(&source, &ReaderOptions::default(), &Arc::default()).err().expect("no such file");
        assert_eq!(error.to_string(), "cannot read \"/nowhere/x.csv\"");
    }
}
