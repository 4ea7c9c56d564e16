//! Lines of CSV files as rows.
//! Leaves which files may be read to `file`, and where their fields end to `records`.
//! Start reading at [`LoadCsv::read`].

mod file;
mod records;

use compact_str::CompactString;
use types::{Failure, Map, Value};

use super::Operator;
use crate::budget::{Budget, Tally};
use crate::expression::{Compiled, Context, evaluate, mismatch};
use crate::{Batch, Column};
use records::Records;

/// Bytes of lines after which a batch is handed on, however few lines they are.
const BATCH_BYTES: usize = 1 << 20;
/// What a line that is a list takes beside its fields.
const LINE_BYTES: usize = 48;
/// Names that a line has no field for, between two looks at the clock.
const NAMES_BETWEEN_LOOKS: usize = 1 << 16;

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
    /// What the lines take that were read last.
    pub memory_bytes: usize,
}

/// A file that is being read.
pub(super) struct Open {
    records: Records,
    /// The names of the columns; none where lines are lists.
    names: Option<Names>,
    /// How many fields the last line had.
    fields: usize,
}

/// The names of columns.
struct Names {
    list: Vec<CompactString>,
    memory_bytes: usize,
    /// What a map takes that has all of them, beside its values.
    map_bytes: usize,
}

impl LoadCsv {
    fn open(&self, address: &Value, context: &mut Context<'_>) -> Result<Open, Failure> {
        let address = match address {
            Value::String(address) => address.clone(),
            other => return Err(mismatch("String", other)),
        };
        let file = context.budget.ended_or(file::open(&address, context.import_folder, context.remote))?;
        let mut open = Open { records: Records::new(address, file, self.terminator), names: None, fields: 0 };
        if self.headers {
            open.read_names(context.budget)?;
        }
        Ok(open)
    }

    /// Reads the next lines of the file under way, a batch at most; none at its end.
    fn read(&mut self, context: &mut Context<'_>) -> Result<Vec<Value>, Failure> {
        // Whoever keeps the lines before has counted them by now.
        context.budget.give_back_memory(std::mem::take(&mut self.memory_bytes));
        let Some(open) = &mut self.open else { return Ok(Vec::new()) };
        let lines_max = if self.single_lines { 1 } else { Batch::ROWS_MAX };
        let (mut lines, mut tally) = (Vec::new(), Tally::default());
        while lines.len() < lines_max && tally.bytes() < BATCH_BYTES {
            match open.line(&mut tally, context.budget)? {
                Some(line) => lines.push(line),
                None => break,
            }
        }
        self.memory_bytes = tally.finish(context.budget)?;
        context.budget.pay_rows(lines.len().max(1))?;
        context.functions.linenumber = Some(i64::try_from(open.records.line).unwrap_or(i64::MAX));
        context.functions.file = Some(open.records.address.clone());
        Ok(lines)
    }

    /// Gives back what the file under way has taken.
    fn close(&mut self, context: &mut Context<'_>) {
        context.budget.give_back_memory(std::mem::take(&mut self.memory_bytes));
        if let Some(open) = self.open.take() {
            context.budget.give_back_memory(open.names.map_or(0, |names| names.memory_bytes));
            open.records.close(context.budget);
        }
    }
}

impl Open {
    fn read_names(&mut self, budget: &mut Budget) -> Result<(), Failure> {
        let (mut list, mut tally, mut long_bytes) = (Vec::new(), Tally::default(), 0);
        self.records.next(budget, |name, budget| {
            let before = list.capacity();
            budget.ask_to_grow(&list, 1)?;
            let name = field(name, budget)?;
            let name_bytes = name.own_bytes();
            long_bytes += name_bytes;
            let name = if let Value::String(name) = name { name } else { CompactString::default() };
            list.push(name);
            let grown = (list.capacity() - before) * size_of::<CompactString>();
            tally.add(grown + name_bytes, budget)
        })?;
        let map_bytes = Value::map_room_bytes(list.len()) + long_bytes;
        self.names = Some(Names { list, memory_bytes: tally.finish(budget)?, map_bytes });
        Ok(())
    }

    /// Reads the next line as a list, or as a map where there are names.
    fn line(&mut self, tally: &mut Tally, budget: &mut Budget) -> Result<Option<Value>, Failure> {
        let Some(names) = &self.names else {
            budget.ask_for(self.fields * size_of::<Value>())?;
            let mut fields = Vec::with_capacity(self.fields);
            tally.add(fields.capacity() * size_of::<Value>() + LINE_BYTES, budget)?;
            let each = |text: &str, budget: &mut Budget| tally.push(&mut fields, field(text, budget)?, budget);
            if !self.records.next(budget, each)? {
                return Ok(None);
            }
            self.fields = fields.len();
            return Ok(Some(Value::list(fields)));
        };
        budget.ask_for(names.map_bytes)?;
        tally.add(names.map_bytes, budget)?;
        let (mut line, mut left) = (Map::with_capacity(names.list.len()), names.list.iter());
        let mut put = |name: &CompactString, value: Value| {
            if !name.is_empty() {
                line.insert(name.clone(), value);
            }
        };
        let is_line = self.records.next(budget, |text, budget| {
            let Some(name) = left.next() else { return Ok(()) };
            let value = field(text, budget)?;
            tally.add(value.own_bytes(), budget)?;
            put(name, value);
            Ok(())
        })?;
        if !is_line {
            return Ok(None);
        }
        for (at, name) in left.enumerate() {
            if at % NAMES_BETWEEN_LOOKS == NAMES_BETWEEN_LOOKS - 1 {
                budget.look()?;
            }
            put(name, Value::Null);
        }
        Ok(Some(Value::map(line)))
    }
}

/// Makes a field a string, where there is room for it; null where it is empty.
fn field(text: &str, budget: &mut Budget) -> Result<Value, Failure> {
    if text.len() > Value::SHORT_BYTES {
        budget.ask_for(text.len())?;
    }
    Ok(if text.is_empty() { Value::Null } else { Value::from(text) })
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
                self.close(context);
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
