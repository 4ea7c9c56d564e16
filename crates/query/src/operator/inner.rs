//! Plans inside a plan: an inner plan runs for the rows of an outer one.
//!
//! The inner plan begins at [`super::Plan::Argument`]. It gets a whole batch of outer rows at once, each with its number
//! in a slot of its own, and the numbers of the rows that come out tell which outer rows found something.

use std::sync::Arc;

use types::{Failure, Value};

use super::{Inner, Operator, Plan, Site, WhenInner};
use crate::expression::Context;
use crate::{Batch, Column};

/// The outer rows, handed to the inner plan.
pub(super) struct Argument(pub Option<Batch>);

impl Operator for Argument {
    fn next(&mut self, _: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        Ok(self.0.take().filter(|batch| batch.rows > 0))
    }
}

/// The rows, each with values of the one outer row.
pub(super) struct Recall {
    input: Box<dyn Operator>,
    values: Vec<(usize, Value)>,
}

impl Recall {
    pub fn new(input: Box<dyn Operator>, argument: Option<&Batch>, slots: &[(usize, usize)]) -> Self {
        let value = |from: usize| argument.map_or(Value::Null, |outer| outer.value(from, 0));
        Self { input, values: slots.iter().map(|(from, to)| (*to, value(*from))).collect() }
    }
}

impl Operator for Recall {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        let Some(mut batch) = self.input.next(context)? else { return Ok(None) };
        let rows = batch.rows;
        for (slot, value) in &self.values {
            batch.set(*slot, Column::Constant { value: value.clone(), rows });
        }
        Ok(Some(batch))
    }
}

/// An inner plan at work, which may be let go before its end.
pub(super) struct Running {
    plan: Box<dyn Operator>,
    /// What the plan took and did not give back.
    memory_bytes: usize,
}

impl Running {
    /// Begins a plan on rows of its own; what copies of their long texts take is taken from the budget.
    pub fn begin(plan: &Arc<Plan>, site: &Site, rows: &Batch, context: &mut Context<'_>) -> Result<Self, Failure> {
        let memory_bytes = rows.long_bytes();
        context.budget.take_memory(memory_bytes)?;
        Ok(Self { plan: site.build(plan, Some(rows)), memory_bytes })
    }

    pub fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        let before = context.budget.memory_used_bytes();
        let found = self.plan.next(context);
        self.memory_bytes = (self.memory_bytes + context.budget.memory_used_bytes()).saturating_sub(before);
        found
    }

    /// Lets go of the plan and gives back what it held.
    pub fn end(self, context: &mut Context<'_>) {
        context.budget.give_back_memory(self.memory_bytes);
    }
}

/// Runs an inner plan for each batch of outer rows.
pub(super) struct RunInner {
    outer: Box<dyn Operator>,
    inner: Arc<Plan>,
    site: Site,
    how: Inner,
    /// The outer batch, the inner plan at work on it, and which outer rows have found something.
    under_way: Option<(Batch, Running, Vec<bool>)>,
}

impl RunInner {
    pub fn new(outer: Box<dyn Operator>, inner: Arc<Plan>, site: Site, how: Inner) -> Self {
        Self { outer, inner, site, how, under_way: None }
    }

    fn begin(&mut self, mut batch: Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        let numbers = (0..batch.rows).map(|row| i64::try_from(row).expect("a batch has few rows")).collect();
        batch.set(self.how.number, Column::Integers(numbers));
        let inner = Running::begin(&self.inner, &self.site, &batch, context)?;
        let found = vec![false; batch.rows];
        self.under_way = Some((batch, inner, found));
        Ok(())
    }

    /// Gives what the outer batch itself contributes once the inner plan has ended.
    fn rest(&self, batch: &Batch, found: &[bool]) -> Batch {
        let wanted = self.how.when == WhenInner::Exists;
        let rows: Vec<usize> = (0..batch.rows).filter(|row| found[*row] == wanted).collect();
        let mut rest = batch.gather(&rows);
        for slot in &self.how.filled {
            rest.set(*slot, Column::Constant { value: Value::Null, rows: rest.rows });
        }
        rest
    }
}

impl Operator for RunInner {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            let Some((_, inner, found)) = &mut self.under_way else {
                let Some(batch) = self.outer.next(context)? else { return Ok(None) };
                self.begin(batch, context)?;
                continue;
            };
            // A row that is only asked whether it finds something needs no second look once all have.
            let is_decided = self.how.when != WhenInner::Optional && found.iter().all(|found| *found);
            let rows = if is_decided { None } else { inner.next(context)? };
            match rows {
                Some(rows) => {
                    context.budget.pay_rows(rows.rows)?;
                    for row in 0..rows.rows {
                        if let Value::Integer(number) = rows.columns[self.how.number].get(row) {
                            let number = usize::try_from(number).expect("the numbers of rows are not negative");
                            found[number] = true;
                        }
                    }
                    if self.how.when == WhenInner::Optional {
                        return Ok(Some(rows));
                    }
                }
                None => {
                    let Some((batch, inner, found)) = self.under_way.take() else { return Ok(None) };
                    inner.end(context);
                    let rest = self.rest(&batch, &found);
                    if rest.rows > 0 {
                        return Ok(Some(rest));
                    }
                }
            }
        }
    }
}
