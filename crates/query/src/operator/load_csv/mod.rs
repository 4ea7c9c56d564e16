//! Lines of CSV files as rows.
//! Leaves which files may be read to `file`.
//! Start reading at [`LoadCsv::read`].

mod file;

use std::io::Read;

use compact_str::CompactString;
use types::{Code, Failure, Map, Value};

use super::Operator;
use crate::expression::{Compiled, Context, evaluate, mismatch};
use crate::{Batch, Column};
use file::{Bounded, failed};

/// Bytes of lines after which a batch is handed on, however few lines they are.
const BATCH_BYTES: usize = 1 << 20;

/// For each row, the lines of a CSV file.
pub(super) struct LoadCsv {
    pub input: Box<dyn Operator>,
    pub address: Compiled,
    pub headers: bool,
    pub terminator: u8,
    pub line: usize,
    /// Whether lines come one by one, so that each has its number.
    pub single_lines: bool,
    /// The batch under way, its addresses and the row to go on at.
    pub under_way: Option<(Batch, Column, usize)>,
    /// The file of that row, where it is open.
    pub open: Option<Open>,
}

/// A file that is being read.
pub(super) struct Open {
    address: CompactString,
    reader: csv::Reader<Bounded<Box<dyn Read + Send>>>,
    /// The names of the columns; none where lines are lists.
    names: Option<Vec<CompactString>>,
    record: csv::ByteRecord,
}

impl LoadCsv {
    fn open(&self, address: &Value, context: &mut Context<'_>) -> Result<Open, Failure> {
        let address = match address {
            Value::String(address) => address.clone(),
            other => return Err(mismatch("String", other)),
        };
        let file = context.budget.ended_or(file::open(&address, context.import_folder, context.remote))?;
        let file = Bounded::new(file, self.terminator);
        let mut builder = csv::ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(self.terminator).escape(Some(b'\\'));
        let mut open = Open { address, reader: builder.from_reader(file), names: None, record: csv::ByteRecord::new() };
        if self.headers {
            open.next(context)?;
            open.names = Some(open.record.iter().map(|name| open.text(name)).collect::<Result<_, _>>()?);
        }
        Ok(open)
    }

    /// Reads the next lines of the file under way, a batch at most; none at its end.
    fn read(&mut self, context: &mut Context<'_>) -> Result<Vec<Value>, Failure> {
        let Some(open) = &mut self.open else { return Ok(Vec::new()) };
        let lines_max = if self.single_lines { 1 } else { Batch::ROWS_MAX };
        let (mut lines, mut bytes) = (Vec::new(), 0);
        while lines.len() < lines_max && bytes < BATCH_BYTES && open.next(context)? {
            bytes += open.record.as_slice().len();
            lines.push(open.line()?);
        }
        context.budget.pay_rows(lines.len().max(1))?;
        let position = open.record.position().map(|position| i64::try_from(position.line()).unwrap_or(i64::MAX));
        context.functions.linenumber = position;
        context.functions.file = Some(open.address.clone());
        Ok(lines)
    }
}

impl Open {
    /// Reads one record; false at the end of the file.
    fn next(&mut self, context: &mut Context<'_>) -> Result<bool, Failure> {
        // A quote that nobody closes would read the whole file as one field.
        self.reader.get_mut().allow(context.budget.memory_left_bytes());
        let read = self.reader.read_byte_record(&mut self.record);
        let read = context.budget.ended_or(read.map_err(|error| failed(&self.address, &error.to_string())))?;
        match self.reader.get_ref().open_quote() {
            Some(line) => {
                let text = format!("the quote that opens at line {line} is never closed");
                Err(failed(&self.address, &text))
            }
            None => Ok(read),
        }
    }

    fn line(&self) -> Result<Value, Failure> {
        let Some(names) = &self.names else {
            let fields = self.record.iter().map(|field| self.field(field));
            return Ok(Value::list(fields.collect::<Result<_, _>>()?));
        };
        let mut line = Map::with_capacity(names.len());
        for (at, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let field = self.record.get(at).map_or(Ok(Value::Null), |field| self.field(field))?;
            line.insert(name.clone(), field);
        }
        Ok(Value::map(line))
    }

    /// Gives a field as a string; null where it is empty.
    fn field(&self, field: &[u8]) -> Result<Value, Failure> {
        if field.is_empty() { Ok(Value::Null) } else { self.text(field).map(Value::String) }
    }

    fn text(&self, field: &[u8]) -> Result<CompactString, Failure> {
        CompactString::from_utf8(field).map_err(|_| {
            let line = self.record.position().map_or(0, csv::Position::line);
            Failure::new(
                Code::ExternalResourceFailed,
                format!("'{}' is not UTF-8 at line {line}. Save the file as UTF-8.", self.address),
            )
        })
    }
}

impl Operator for LoadCsv {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            let Some((batch, addresses, row)) = self.under_way.take() else {
                let Some(batch) = self.input.next(context)? else { return Ok(None) };
                let addresses = evaluate(&self.address, &batch, context)?;
                self.under_way = Some((batch, addresses, 0));
                continue;
            };
            if self.open.is_none() {
                self.open = Some(self.open(&addresses.get(row), context)?);
            }
            let lines = self.read(context)?;
            if lines.is_empty() {
                self.open = None;
                if row + 1 < batch.rows {
                    self.under_way = Some((batch, addresses, row + 1));
                }
                continue;
            }
            let mut out = batch.gather(&vec![row; lines.len()]);
            out.set(self.line, Column::Values(lines));
            self.under_way = Some((batch, addresses, row));
            return Ok(Some(out));
        }
    }
}
