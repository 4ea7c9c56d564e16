//! An inner plan that runs to its end for each item of a list.

use std::sync::Arc;

use types::{Failure, Value};

use super::{Operator, Plan, Site};
use crate::expression::{Compiled, Context, evaluate, mismatch};
use crate::{Batch, Column};

/// The rows; for each item of a list an inner plan runs, and its rows are forgotten.
pub(super) struct Foreach {
    pub input: Box<dyn Operator>,
    pub list: Compiled,
    pub item: usize,
    pub body: Arc<Plan>,
    pub site: Site,
}

impl Foreach {
    /// Runs the body over items, each with its outer row.
    fn run(&self, batch: &Batch, items: &[(usize, Value)], context: &mut Context<'_>) -> Result<(), Failure> {
        let mut inner = batch.gather(&items.iter().map(|(row, _)| *row).collect::<Vec<_>>());
        inner.set(self.item, Column::Values(items.iter().map(|(_, item)| item.clone()).collect()));
        let memory_bytes = context.budget.memory_used_bytes();
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
        let lists = evaluate(&self.list, &batch, context)?;
        let items_max = if is_simple(&self.body) { Batch::ROWS_MAX } else { 1 };
        let mut items = Vec::new();
        for row in 0..batch.rows {
            let list = match lists.get(row) {
                Value::Null => continue,
                Value::List(list) => list,
                other => return Err(mismatch("List", &other)),
            };
            for item in list.iter() {
                items.push((row, item.clone()));
                if items.len() == items_max {
                    self.run(&batch, &items, context)?;
                    items.clear();
                }
            }
        }
        if !items.is_empty() {
            self.run(&batch, &items, context)?;
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
