//! What a server answers: SUCCESS, RECORD, IGNORED and FAILURE.

use types::{Map, Value};

use crate::frame;
use crate::packstream::{PackError, Packer, UnpackError, Unpacker};
use crate::version::Dialect;

mod signature {
    pub const SUCCESS: u8 = 0x70;
    pub const RECORD: u8 = 0x71;
    pub const IGNORED: u8 = 0x7E;
    pub const FAILURE: u8 = 0x7F;
}

/// Collects answers as bytes, ready to send.
///
/// Values go straight into the buffer, which keeps its memory from one answer to the next.
#[derive(Debug)]
pub struct Outbox {
    bytes: Vec<u8>,
    dialect: Dialect,
}

impl Outbox {
    /// Starts empty.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        Self { bytes: Vec::new(), dialect }
    }

    /// Changes how values are written, once HELLO has agreed on patches.
    pub fn set_dialect(&mut self, dialect: Dialect) {
        self.dialect = dialect;
    }

    /// Gives the bytes that wait to be sent.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets the bytes, because they were sent. Gives memory back beyond `kept_max_bytes`.
    pub fn clear(&mut self, kept_max_bytes: usize) {
        self.bytes.clear();
        if self.bytes.capacity() > kept_max_bytes {
            self.bytes = Vec::new();
        }
    }

    /// Appends a SUCCESS whose map `fill` writes.
    pub fn success(&mut self, fill: impl FnOnce(&mut Entries<'_>) -> Result<(), PackError>) -> Result<(), PackError> {
        self.message(|packer| {
            packer.structure(1, signature::SUCCESS);
            let dialect = packer.dialect();
            let mut entries = Entries::begin(packer.out(), dialect);
            fill(&mut entries)?;
            entries.end()
        })
    }

    /// Appends a SUCCESS that says nothing more.
    pub fn done(&mut self) {
        self.success(|_| Ok(())).expect("an empty map is short");
    }

    /// Appends a RECORD. On an error nothing is appended.
    pub fn record<'v>(&mut self, values: impl ExactSizeIterator<Item = &'v Value>) -> Result<(), PackError> {
        self.message(|packer| {
            packer.structure(1, signature::RECORD);
            packer.list_header(values.len())?;
            values.into_iter().try_for_each(|value| packer.value(value))
        })
    }

    /// Appends an IGNORED.
    pub fn ignored(&mut self) {
        let start = frame::open(&mut self.bytes);
        Packer::new(&mut self.bytes, self.dialect).structure(0, signature::IGNORED);
        frame::close(&mut self.bytes, start);
    }

    /// Appends a FAILURE with a status code and a text.
    pub fn failure(&mut self, code: &str, message: &str) {
        let written = self.failure_with(code, message, |_| Ok(()));
        written.expect("codes and messages are shorter than 4 GiB");
    }

    /// As [`Outbox::failure`], with more that `fill` writes into the map; clients pass over what they do not know.
    pub fn failure_with(
        &mut self,
        code: &str,
        message: &str,
        fill: impl FnOnce(&mut Entries<'_>) -> Result<(), PackError>,
    ) -> Result<(), PackError> {
        self.message(|packer| {
            packer.structure(1, signature::FAILURE);
            let dialect = packer.dialect();
            let mut entries = Entries::begin(packer.out(), dialect);
            entries.string("code", code)?;
            entries.string("message", message)?;
            fill(&mut entries)?;
            entries.end()
        })
    }

    fn message(&mut self, write: impl FnOnce(&mut Packer<'_>) -> Result<(), PackError>) -> Result<(), PackError> {
        let start = frame::open(&mut self.bytes);
        let written = write(&mut Packer::new(&mut self.bytes, self.dialect));
        match written {
            Ok(()) => frame::close(&mut self.bytes, start),
            Err(_) => self.bytes.truncate(start),
        }
        written
    }
}

/// A map that is written entry by entry; its size is filled in at the end.
#[derive(Debug)]
pub struct Entries<'a> {
    packer: Packer<'a>,
    start: usize,
    count: usize,
}

impl<'a> Entries<'a> {
    /// Begins a map at the end of `out`.
    pub(crate) fn begin(out: &'a mut Vec<u8>, dialect: Dialect) -> Self {
        let start = out.len();
        // Nearly every such map is tiny; `end` makes room if this one is not.
        out.push(0xA0);
        Self { packer: Packer::new(out, dialect), start, count: 0 }
    }

    /// Ends the map.
    pub(crate) fn end(self) -> Result<(), PackError> {
        let dialect = self.packer.dialect();
        let out = self.packer.into_out();
        match u8::try_from(self.count) {
            Ok(count @ 0..=15) => out[self.start] |= count,
            _ => {
                let mut header = Vec::with_capacity(5);
                Packer::new(&mut header, dialect).map_header(self.count)?;
                out.splice(self.start..=self.start, header);
            }
        }
        Ok(())
    }

    /// Adds a string.
    pub fn string(&mut self, key: &str, text: &str) -> Result<(), PackError> {
        self.key(key)?;
        self.packer.string(text)
    }

    /// Adds an integer.
    pub fn integer(&mut self, key: &str, number: i64) -> Result<(), PackError> {
        self.key(key)?;
        self.packer.integer(number);
        Ok(())
    }

    /// Adds a truth value.
    pub fn boolean(&mut self, key: &str, truth: bool) -> Result<(), PackError> {
        self.key(key)?;
        self.packer.boolean(truth);
        Ok(())
    }

    /// Adds a list of strings.
    pub fn strings(&mut self, key: &str, texts: &[impl AsRef<str>]) -> Result<(), PackError> {
        self.key(key)?;
        self.packer.list_header(texts.len())?;
        texts.iter().try_for_each(|text| self.packer.string(text.as_ref()))
    }

    /// Adds a map of values.
    pub fn map(&mut self, key: &str, entries: &Map) -> Result<(), PackError> {
        self.key(key)?;
        self.packer.map(entries)
    }

    /// Adds any value.
    pub fn value(&mut self, key: &str, value: &Value) -> Result<(), PackError> {
        self.key(key)?;
        self.packer.value(value)
    }

    /// Adds a map that `fill` writes.
    pub fn nested(
        &mut self,
        key: &str,
        fill: impl FnOnce(&mut Entries<'_>) -> Result<(), PackError>,
    ) -> Result<(), PackError> {
        self.key(key)?;
        let dialect = self.packer.dialect();
        let mut entries = Entries::begin(self.packer.out(), dialect);
        fill(&mut entries)?;
        entries.end()
    }

    fn key(&mut self, key: &str) -> Result<(), PackError> {
        self.count += 1;
        self.packer.string(key)
    }
}

/// One message from a server, as a client reads it.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// It worked; the map says more.
    Success(Map),
    /// One row of a result.
    Record(Vec<Value>),
    /// Passed over, because an earlier request failed.
    Ignored,
    /// It failed.
    Failure {
        /// The status code, such as `Neo.ClientError.Statement.SyntaxError`.
        code: String,
        /// The text for people.
        message: String,
        /// What else is told of it: which limit was in the way, and whose.
        details: Map,
    },
}

impl Response {
    /// Reads one message, as [`crate::Framer`] gives it.
    pub fn parse(message: &[u8], dialect: Dialect) -> Result<Self, UnpackError> {
        let mut reader = Unpacker::of_response(message, dialect);
        let response = match reader.structure_header()? {
            (1, signature::SUCCESS) => Self::Success(reader.map()?),
            (1, signature::RECORD) => {
                let mut values = Vec::new();
                for _ in 0..reader.list_header()? {
                    values.push(reader.value()?);
                }
                Self::Record(values)
            }
            (0, signature::IGNORED) => Self::Ignored,
            (1, signature::FAILURE) => {
                let map = reader.map()?;
                let text = |key| match map.get(key) {
                    Some(Value::String(text)) => text.to_string(),
                    _ => String::new(),
                };
                let details = match map.get("diagnostic_record") {
                    Some(Value::Map(details)) => Map::clone(details),
                    _ => Map::new(),
                };
                Self::Failure { code: text("code"), message: text("message"), details }
            }
            (fields, tag) => return Err(UnpackError::Structure { tag, fields }),
        };
        reader.finish()?;
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Framer;
    use crate::version::Version;

    #[test]
    fn f99_a_failure_carries_more_than_its_text() {
        let dialect = Dialect::of(Version::V5_4);
        let mut outbox = Outbox::new(dialect);
        let more = |map: &mut Entries<'_>| map.nested("diagnostic_record", |map| map.integer("use", 2));
        outbox.failure_with("Neo.X", "why", more).expect("short");
        let mut framer = Framer::new(1 << 20);
        framer.feed(outbox.bytes());
        let message = framer.next_message().expect("within bounds").expect("whole");
        let details = Map::from_iter([("use".into(), Value::Integer(2))]);
        let expected = Response::Failure { code: "Neo.X".to_owned(), message: "why".to_owned(), details };
        assert_eq!(Response::parse(message, dialect).expect("well-formed"), expected);
    }

    fn check(write: impl FnOnce(&mut Outbox), expected: &str) {
        let dialect = Dialect::of(Version::V5_4);
        let mut outbox = Outbox::new(dialect);
        write(&mut outbox);
        let mut framer = Framer::new(1 << 20);
        framer.feed(outbox.bytes());
        let mut got = Vec::new();
        while let Some(message) = framer.next_message().expect("within bounds") {
            got.push(format!("{:?}", Response::parse(message, dialect).expect("well-formed")));
        }
        assert_eq!(got.join(" "), expected);
    }

    #[test]
    fn answers_come_back() {
        check(Outbox::done, "Success({})");
        check(Outbox::ignored, "Ignored");
        check(|out| out.failure("Neo.X", "why"), "Failure { code: \"Neo.X\", message: \"why\", details: {} }");
        check(
            |out| {
                out.record([Value::Integer(1), Value::Null].iter()).expect("short");
                out.record([].iter()).expect("short");
            },
            "Record([Integer(1), Null]) Record([])",
        );
        check(
            |out| {
                out.success(|map| {
                    map.integer("t_first", 1)?;
                    map.nested("stats", |stats| stats.integer("nodes-created", 2))
                })
                .expect("short");
            },
            "Success({\"t_first\": Integer(1), \"stats\": Map({\"nodes-created\": Integer(2)})})",
        );
    }

    #[test]
    fn maps_beyond_fifteen_entries_have_a_longer_header() {
        check(
            |out| {
                out.success(|map| (0..20).try_for_each(|at| map.integer(&format!("k{at}"), at))).expect("short");
            },
            &format!(
                "Success({{{}}})",
                (0..20).map(|at| format!("\"k{at}\": Integer({at})")).collect::<Vec<_>>().join(", ")
            ),
        );
    }

    #[test]
    fn a_value_too_deep_leaves_nothing_behind() {
        let mut deep = Value::Null;
        for _ in 0..2_000 {
            deep = Value::list(vec![deep]);
        }
        let mut outbox = Outbox::new(Dialect::of(Version::V5_4));
        outbox.done();
        let before = outbox.bytes().to_vec();
        assert_eq!(outbox.record([deep].iter()), Err(PackError::TooDeep));
        assert_eq!(outbox.bytes(), before);
    }
}
