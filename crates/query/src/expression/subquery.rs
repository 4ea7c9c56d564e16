//! Subqueries inside expressions: a plan that runs for the rows of a batch.
//! Leaves what is looked for to the planner, which made the plan.
//! Start reading at [`run`].

use types::{Failure, Value};

use super::evaluate::by_row;
use super::{Context, Subquery, Wanted};
use crate::budget::Tally;
use crate::operator::{Operator, build_on};
use crate::{Batch, Column};

/// Computes a subquery for each row of a batch.
pub(super) fn run(subquery: &Subquery, batch: &Batch, context: &mut Context<'_>) -> Result<Column, Failure> {
    let mut found: Vec<Found> = (0..batch.rows).map(|_| Found::default()).collect();
    let memory_bytes = context.budget.memory_used_bytes();
    match subquery.number {
        Some(slot) => {
            context.budget.take_memory(2 * batch.long_bytes())?;
            let mut numbered = batch.clone();
            let numbers = (0..batch.rows).map(|row| i64::try_from(row).expect("a batch has few rows")).collect();
            numbered.set(slot, Column::Integers(numbers));
            let mut inner = build_on(&subquery.plan, Some(&numbered));
            while let Some(rows) = inner.next(context)? {
                context.budget.pay_rows(rows.rows)?;
                for row in 0..rows.rows {
                    let Value::Integer(number) = rows.columns[slot].get(row) else { continue };
                    let number = usize::try_from(number).expect("the numbers of rows are not negative");
                    found[number].take(subquery.wanted, &rows, row, context)?;
                }
                if subquery.wanted == Wanted::Exists && found.iter().all(|found| found.rows > 0) {
                    break;
                }
            }
        }
        None => {
            let mut kept_bytes = 0;
            for (row, found) in found.iter_mut().enumerate() {
                let mut inner = build_on(&subquery.plan, Some(&batch.gather(&[row])));
                one(subquery.wanted, &mut *inner, found, context)?;
                drop(inner);
                // What was collected stays; what the inner plan held goes with it.
                kept_bytes += std::mem::take(&mut found.held).finish(context.budget)?;
                context.budget.return_to(memory_bytes + kept_bytes);
            }
        }
    }
    let found = by_row(batch.rows, |row| Ok(std::mem::take(&mut found[row]).value(subquery.wanted)));
    // Inner plans that were let go before their end held something, too.
    context.budget.return_to(memory_bytes);
    found
}

/// Runs an inner plan for one row.
fn one(wanted: Wanted, inner: &mut dyn Operator, found: &mut Found, context: &mut Context<'_>) -> Result<(), Failure> {
    while let Some(rows) = inner.next(context)? {
        context.budget.pay_rows(rows.rows)?;
        for row in 0..rows.rows {
            found.take(wanted, &rows, row, context)?;
        }
        if matches!(wanted, Wanted::Exists | Wanted::First(_)) {
            break;
        }
    }
    Ok(())
}

/// What was found for one outer row.
#[derive(Default)]
struct Found {
    rows: i64,
    values: Vec<Value>,
    held: Tally,
}

impl Found {
    fn take(&mut self, wanted: Wanted, rows: &Batch, row: usize, context: &mut Context<'_>) -> Result<(), Failure> {
        self.rows += 1;
        match wanted {
            Wanted::First(_) if self.rows > 1 => {}
            Wanted::Collect(slot) | Wanted::First(slot) => {
                let (column, mut made) = (rows.columns.get(slot), Value::Null);
                let value = column.map_or(&Value::Null, |column| column.lend(row, &mut made));
                self.held.push_copy(&mut self.values, value, context.budget)?;
            }
            Wanted::Exists | Wanted::Count => {}
        }
        Ok(())
    }

    fn value(self, wanted: Wanted) -> Value {
        match wanted {
            Wanted::Exists => Value::Boolean(self.rows > 0),
            Wanted::Count => Value::Integer(self.rows),
            Wanted::Collect(_) => Value::list(self.values),
            Wanted::First(_) => self.values.into_iter().next().unwrap_or_default(),
        }
    }
}
