//! An inner plan that runs to its end for each item of a list.

use std::sync::Arc;

use types::{Failure, Value};

use super::{Operator, Plan, Site};
use crate::expression::{Compiled, Context, Portions, make, mismatch};
use crate::{Batch, Column};

/// The rows; for each item of a list an inner plan runs, and its rows are forgotten.
pub(super) struct Foreach {
    pub input: Box<dyn Operator>,
    pub list: Compiled,
    pub item: usize,
    pub body: Arc<Plan>,
    pub site: Site,
    pub portions: Portions,
}

/// Items that the body runs for together.
#[derive(Default)]
struct Items {
    /// The outer row of each.
    rows: Vec<usize>,
    values: Vec<Value>,
    /// What copies of their long texts take, and of those of their rows.
    long_bytes: usize,
}

impl Foreach {
    /// Runs the body over items, each with its outer row; leaves none of them.
    fn run(&self, batch: &Batch, items: &mut Items, context: &mut Context<'_>) -> Result<(), Failure> {
        let memory_bytes = context.budget.memory_used_bytes();
        items.long_bytes = 0;
        let mut inner = batch.gather(&std::mem::take(&mut items.rows));
        inner.set(self.item, Column::Values(std::mem::take(&mut items.values)));
        context.budget.take_memory(inner.long_bytes())?;
        let mut body = self.site.build(&self.body, Some(&inner));
        while let Some(rows) = body.next(context)? {
            context.budget.pay_rows(rows.rows)?;
        }
        context.budget.return_to(memory_bytes);
        Ok(())
    }
}

impl Operator for Foreach {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        let Some(batch) = self.input.next(context)? else { return Ok(None) };
        let (items_max, mut first) = (if is_simple(&self.body) { Batch::ROWS_MAX } else { 1 }, 0);
        while first < batch.rows {
            let portion =
                self.portions.next(&batch, first, context, |rows, context| make(&self.list, rows, context))?;
            let mut items = Items::default();
            for row in 0..portion.rows {
                let list = match portion.made.get(row) {
                    Value::Null => continue,
                    Value::List(list) => list,
                    other => return Err(mismatch("List", &other)),
                };
                let outer_bytes = batch.long_bytes_of(first + row);
                for item in list.iter() {
                    let long_bytes = outer_bytes + item.long_bytes();
                    if !items.rows.is_empty() && items.long_bytes + long_bytes > Batch::LONG_MAX_BYTES {
                        self.run(&batch, &mut items, context)?;
                    }
                    items.long_bytes += long_bytes;
                    items.rows.push(first + row);
                    items.values.push(item.clone());
                    if items.rows.len() == items_max {
                        self.run(&batch, &mut items, context)?;
                    }
                }
            }
            if !items.rows.is_empty() {
                self.run(&batch, &mut items, context)?;
            }
            first += portion.rows;
            context.budget.give_back_memory(portion.held_bytes);
        }
        Ok(Some(batch))
    }
}

/// Tells whether a body does the same for many items at once as for one after the other.
///
/// So it is with one clause, which takes rows in order, and where things are only made.
pub(super) fn is_simple(body: &Plan) -> bool {
    match body {
        Plan::Argument => true,
        // Which slots are left says nothing about rows.
        Plan::Keep(input, _) => is_simple(input),
        Plan::Create(input, _) => is_made_only(input),
        Plan::Change(input, _) | Plan::Delete { input, .. } | Plan::Merge(input, _) | Plan::Foreach { input, .. } => {
            matches!(**input, Plan::Argument)
        }
        _ => false,
    }
}

fn is_made_only(plan: &Plan) -> bool {
    match plan {
        Plan::Argument => true,
        Plan::Create(input, _) => is_made_only(input),
        _ => false,
    }
}
