//! Operators that hand rows on one batch at a time and keep none.

use types::{Code, Failure, Value};

use super::Operator;
use crate::expression::{Compiled, Context, Part, Portions, evaluate, make};
use crate::{Batch, Column};

/// One row without values.
pub(super) struct Unit(pub bool);

impl Operator for Unit {
    fn next(&mut self, _: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        Ok((!std::mem::replace(&mut self.0, true)).then_some(Batch { columns: Vec::new(), rows: 1 }))
    }
}

/// The rows for which a condition holds.
pub(super) struct Filter {
    input: Box<dyn Operator>,
    /// The parts of the condition, all of which have to hold; each is tested on what the ones before it left.
    parts: Vec<Part>,
    portions: Portions,
}

impl Filter {
    pub fn new(input: Box<dyn Operator>, condition: &Compiled) -> Self {
        Self { input, parts: Part::all_of(condition), portions: Portions::default() }
    }
}

impl Operator for Filter {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        'batches: while let Some(mut batch) = self.input.next(context)? {
            context.budget.pay_rows(batch.rows)?;
            for part in &self.parts {
                let (mut kept, mut first) = (Vec::new(), 0);
                while first < batch.rows {
                    let select = |rows: &Batch, context: &mut Context<'_>| part.select(rows, context);
                    let portion = self.portions.next(&batch, first, context, select)?;
                    context.budget.give_back_memory(portion.held_bytes);
                    match portion.some {
                        None => kept = portion.made,
                        Some(_) => kept.extend(portion.made.into_iter().map(|row| first + row)),
                    }
                    first += portion.rows;
                }
                if kept.is_empty() {
                    continue 'batches;
                }
                if kept.len() < batch.rows {
                    batch = batch.gather(&kept);
                }
            }
            return Ok(Some(batch));
        }
        Ok(None)
    }
}

/// Each row with more slots filled.
pub(super) struct Compute {
    input: Box<dyn Operator>,
    values: Vec<(usize, Compiled)>,
    portions: Portions,
    /// The batch under way, and the row to go on at.
    under_way: Option<(Batch, usize)>,
    /// What the values take that were handed on last.
    held_bytes: usize,
}

impl Compute {
    pub fn new(input: Box<dyn Operator>, values: Vec<(usize, Compiled)>) -> Self {
        Self { input, values, portions: Portions::default(), under_way: None, held_bytes: 0 }
    }
}

impl Operator for Compute {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        context.budget.give_back_memory(std::mem::take(&mut self.held_bytes));
        let (batch, first) = match self.under_way.take() {
            Some(under_way) => under_way,
            None => match self.input.next(context)? {
                Some(batch) => (batch, 0),
                None => return Ok(None),
            },
        };
        // All are computed before one is set: no value sees another's new slot.
        let values = |rows: &Batch, context: &mut Context<'_>| {
            context.budget.pay_rows(rows.rows)?;
            self.values.iter().map(|(_, value)| make(value, rows, context)).collect::<Result<Vec<_>, _>>()
        };
        let portion = self.portions.next(&batch, first, context, values)?;
        let (mut out, left) = match portion.some {
            None => (batch, None),
            Some(some) => (some, (first + portion.rows < batch.rows).then_some((batch, first + portion.rows))),
        };
        (self.under_way, self.held_bytes) = (left, portion.held_bytes);
        for ((slot, _), column) in self.values.iter().zip(portion.made) {
            out.set(*slot, column);
        }
        Ok(Some(out))
    }
}

/// Each row with only some slots left.
pub(super) struct Keep {
    pub input: Box<dyn Operator>,
    pub slots: Vec<usize>,
}

impl Operator for Keep {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        let Some(mut batch) = self.input.next(context)? else { return Ok(None) };
        let rows = batch.rows;
        let mut columns: Vec<Column> = Vec::with_capacity(self.slots.len());
        for (place, slot) in self.slots.iter().enumerate() {
            // The last place that a slot goes to takes the column itself.
            let is_last = !self.slots[place + 1..].contains(slot);
            columns.push(match batch.columns.get_mut(*slot) {
                Some(column) if is_last => std::mem::replace(column, Column::Constant { value: Value::Null, rows }),
                Some(column) => column.clone(),
                None => Column::Constant { value: Value::Null, rows },
            });
        }
        Ok(Some(Batch { columns, rows }))
    }
}

/// The rows after the first few.
pub(super) struct Skip {
    pub input: Box<dyn Operator>,
    pub rows: Compiled,
    pub left: Option<usize>,
}

impl Operator for Skip {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        let mut left = match self.left {
            Some(left) => left,
            None => row_count(&self.rows, "SKIP", context)?,
        };
        while let Some(batch) = self.input.next(context)? {
            let skipped = left.min(batch.rows);
            left -= skipped;
            self.left = Some(left);
            if skipped < batch.rows {
                return Ok(Some(batch.gather(&(skipped..batch.rows).collect::<Vec<_>>())));
            }
        }
        Ok(None)
    }
}

/// The first few rows; the operators below are not asked for more.
pub(super) struct Limit {
    pub input: Box<dyn Operator>,
    pub rows: Compiled,
    pub left: Option<usize>,
}

impl Operator for Limit {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        let left = match self.left {
            Some(left) => left,
            None => {
                let left = row_count(&self.rows, "LIMIT", context)?;
                if left == 0 {
                    // What is wanted of the rows may be their making: writes below run before the first row comes.
                    self.input.next(context)?;
                }
                left
            }
        };
        self.left = Some(left);
        if left == 0 {
            return Ok(None);
        }
        let Some(batch) = self.input.next(context)? else { return Ok(None) };
        self.left = Some(left.saturating_sub(batch.rows));
        if batch.rows <= left {
            return Ok(Some(batch));
        }
        Ok(Some(batch.gather(&(0..left).collect::<Vec<_>>())))
    }
}

/// Computes the number of `SKIP` or `LIMIT`, which sees no row.
pub(super) fn row_count(rows: &Compiled, clause: &str, context: &mut Context<'_>) -> Result<usize, Failure> {
    let unit = Batch { columns: Vec::new(), rows: 1 };
    match evaluate(rows, &unit, context)?.get(0) {
        Value::Integer(rows) if rows >= 0 => Ok(usize::try_from(rows).unwrap_or(usize::MAX)),
        Value::Integer(rows) => {
            let text = format!("{clause} must not be negative, but was {rows} (NegativeIntegerArgument)");
            Err(Failure::new(Code::SyntaxError, text))
        }
        other => {
            let text = format!("{clause} must be an integer, but was {} (InvalidArgumentType)", other.type_name());
            Err(Failure::new(Code::SyntaxError, text))
        }
    }
}

/// The rows of one operator, then of the other.
pub(super) struct Append {
    pub first: Option<Box<dyn Operator>>,
    pub second: Box<dyn Operator>,
}

impl Operator for Append {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        if let Some(first) = &mut self.first {
            if let Some(batch) = first.next(context)? {
                return Ok(Some(batch));
            }
            // What the first side kept is given back before the second side begins.
            self.first = None;
        }
        self.second.next(context)
    }
}
