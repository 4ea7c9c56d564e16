//! The items of lists, a row each; a range of numbers is never made a list.

use types::{Failure, Value};

use super::Operator;
use crate::expression::{Compiled, Context, evaluate, make};
use crate::functions::range_bounds;
use crate::{Batch, Column};

/// Bytes of lists that are made ahead of their rows.
const AHEAD_BYTES: usize = 1 << 16;
/// Bytes of long items after which no more of them go on together.
const LONG_BYTES: usize = 1 << 20;

/// For each row, the items of a list.
pub(super) struct Unwind {
    input: Box<dyn Operator>,
    list: Compiled,
    item: usize,
    /// How many rows' lists are made at once: few where lists are long.
    ahead: usize,
    under_way: Option<UnderWay>,
}

/// A batch whose lists are unwound.
struct UnderWay {
    batch: Batch,
    /// The lists of some of its rows, the first of those rows, and what the lists take.
    lists: Column,
    first: usize,
    memory_bytes: usize,
    /// The row and the place in its list to go on at.
    row: usize,
    place: usize,
}

impl Unwind {
    pub fn new(input: Box<dyn Operator>, list: Compiled, item: usize) -> Self {
        Self { input, list, item, ahead: 1, under_way: None }
    }

    /// Makes the lists of the next rows.
    fn make(&mut self, context: &mut Context<'_>) -> Result<(), Failure> {
        let Some(state) = &mut self.under_way else { return Ok(()) };
        context.budget.give_back_memory(std::mem::take(&mut state.memory_bytes));
        let end = state.batch.rows.min(state.row + self.ahead);
        let rows: Vec<usize> = (state.row..end).collect();
        state.first = state.row;
        let before = context.budget.memory_used_bytes();
        let lists = make(&self.list, &state.batch.gather(&rows), context)?;
        state.memory_bytes = context.budget.memory_used_bytes() - before;
        state.lists = match lists {
            // The same list for every row, whoever holds it.
            Column::Constant { value, .. } => Column::Constant { value, rows: state.batch.rows - state.first },
            lists => {
                self.ahead = if state.memory_bytes < AHEAD_BYTES { (self.ahead * 4).min(Batch::ROWS_MAX) } else { 1 };
                lists
            }
        };
        Ok(())
    }

    /// Takes the items of the next rows, a batch of them at most and fewer where they are long, from lists that are made.
    fn items(&mut self) -> (Vec<usize>, Vec<Value>) {
        let (mut rows, mut items, mut bytes) = (Vec::new(), Vec::new(), 0);
        let Some(state) = &mut self.under_way else { return (rows, items) };
        let made = state.first + state.lists.rows();
        while state.row < made && items.len() < Batch::ROWS_MAX && bytes < LONG_BYTES {
            let list = match state.lists.get(state.row - state.first) {
                Value::Null => Vec::new().into(),
                Value::List(list) => list,
                // What is no list counts as a list of one.
                other => vec![other].into(),
            };
            let mut end = list.len().min(state.place + Batch::ROWS_MAX - items.len());
            for (at, item) in list[state.place..end].iter().enumerate() {
                bytes += item.long_bytes();
                items.push(item.clone());
                if bytes >= LONG_BYTES {
                    end = state.place + at + 1;
                    break;
                }
            }
            rows.resize(items.len(), state.row);
            if end == list.len() {
                (state.row, state.place) = (state.row + 1, 0);
            } else {
                state.place = end;
            }
        }
        (rows, items)
    }
}

impl Operator for Unwind {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            let Some(state) = &self.under_way else {
                let Some(batch) = self.input.next(context)? else { return Ok(None) };
                let lists = Column::Values(Vec::new());
                self.under_way = Some(UnderWay { batch, lists, first: 0, memory_bytes: 0, row: 0, place: 0 });
                continue;
            };
            if state.row == state.batch.rows {
                context.budget.give_back_memory(state.memory_bytes);
                self.under_way = None;
                continue;
            }
            if state.row >= state.first + state.lists.rows() {
                self.make(context)?;
            }
            let (rows, items) = self.items();
            context.budget.pay_rows(items.len().max(1))?;
            let Some(state) = self.under_way.as_ref().filter(|_| !items.is_empty()) else { continue };
            let mut out = state.batch.gather(&rows);
            out.set(self.item, Column::Values(items));
            return Ok(Some(out));
        }
    }
}

/// For each row, the numbers of a range.
pub(super) struct Range {
    input: Box<dyn Operator>,
    bounds: Vec<Compiled>,
    item: usize,
    /// The batch under way, its bounds, the row to go on at, and how many of its numbers have been handed on.
    under_way: Option<(Batch, Vec<Column>, usize, usize)>,
}

impl Range {
    pub fn new(input: Box<dyn Operator>, bounds: Vec<Compiled>, item: usize) -> Self {
        Self { input, bounds, item, under_way: None }
    }
}

impl Operator for Range {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            let Some((batch, bounds, row, done)) = &mut self.under_way else {
                let Some(batch) = self.input.next(context)? else { return Ok(None) };
                let bounds = self.bounds.iter().map(|bound| evaluate(bound, &batch, context));
                let bounds = bounds.collect::<Result<_, _>>()?;
                self.under_way = Some((batch, bounds, 0, 0));
                continue;
            };
            let (mut rows, mut items) = (Vec::new(), Vec::new());
            while *row < batch.rows && items.len() < Batch::ROWS_MAX {
                let values: Vec<Value> = bounds.iter().map(|bound| bound.get(*row)).collect();
                // A range with a null has no numbers.
                let (start, step, count) = range_bounds(&values)?.unwrap_or((0, 1, 0));
                let end = count.min(*done + Batch::ROWS_MAX - items.len());
                let number = |at: usize| start.wrapping_add(step.wrapping_mul(at as i64));
                items.extend((*done..end).map(number));
                rows.resize(items.len(), *row);
                if end == count {
                    (*row, *done) = (*row + 1, 0);
                } else {
                    *done = end;
                }
            }
            context.budget.pay_rows(items.len().max(1))?;
            let mut out = batch.gather(&rows);
            if *row == batch.rows {
                self.under_way = None;
            }
            if !items.is_empty() {
                out.set(self.item, Column::Integers(items));
                return Ok(Some(out));
            }
        }
    }
}
