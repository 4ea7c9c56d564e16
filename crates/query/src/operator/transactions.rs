//! An inner plan that runs for batches of outer rows, each batch in a transaction of its own.
//! Leaves beginning and committing to [`crate::Transactions`], and the inner plan for one row to `apply`.
//! Start reading at [`RunInTransactions::batch`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use types::{Code, Failure, Map, Value};

use super::apply::RunApply;
use super::foreach::is_simple;
use super::{InTransactions, OnError, Operator, Plan, Site};
use crate::expression::{Compiled, Context, evaluate};
use crate::transactions::{Ran, Retry};
use crate::{Batch, Column};

/// Rows of a transaction where the statement names no number.
const ROWS_DEFAULT: usize = 1_000;

/// Runs an inner plan for batches of outer rows, a transaction for each.
pub(super) struct RunInTransactions {
    pub outer: Box<dyn Operator>,
    pub inner: Arc<Plan>,
    pub site: Site,
    pub how: InTransactions,
    state: State,
    /// Rows that were read and belong to the next batch.
    rest: Option<Batch>,
    /// What goes on, each with the bytes paid for it.
    ready: VecDeque<(Batch, usize)>,
}

/// How far it has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Going,
    /// A batch failed, and the rest is passed on without it.
    Broken,
    /// The outer rows are used up.
    Ended,
}

/// What the report says of a batch.
struct Status {
    id: Option<String>,
    failure: Option<String>,
}

impl RunInTransactions {
    pub fn new(outer: Box<dyn Operator>, inner: Arc<Plan>, site: Site, how: InTransactions) -> Self {
        Self { outer, inner, site, how, state: State::Going, rest: None, ready: VecDeque::new() }
    }

    /// Reads the rows of the next batch, at most `rows_max`; none at the end. What they take is taken from the budget.
    fn read(&mut self, rows_max: usize, context: &mut Context<'_>) -> Result<(Vec<Batch>, usize), Failure> {
        let mut held_bytes = 0;
        let (mut batches, mut rows) = (Vec::new(), 0);
        while rows < rows_max {
            let next = match self.rest.take() {
                Some(rest) => Some(rest),
                None => self.outer.next(context)?,
            };
            let Some(next) = next else { break };
            let bytes = next.memory_bytes();
            context.budget.take_memory(bytes)?;
            held_bytes += bytes;
            let wanted = next.rows.min(rows_max - rows);
            rows += wanted;
            if wanted == next.rows {
                batches.push(next);
            } else {
                self.rest = Some(next.gather(&(wanted..next.rows).collect::<Vec<_>>()));
                batches.push(next.gather(&(0..wanted).collect::<Vec<_>>()));
            }
        }
        Ok((batches, held_bytes))
    }

    /// Runs one batch in its transaction, and makes ready what goes on.
    fn batch(&mut self, batches: Vec<Batch>, context: &mut Context<'_>) -> Result<(), Failure> {
        if self.state == State::Broken {
            return self.pass(batches, &Status { id: None, failure: None }, context);
        }
        let retry = self.retry(context)?;
        let batches: Arc<[Batch]> = batches.into();
        let (counters, memory_bytes) = (*context.counters, context.budget.memory_used_bytes());
        let mut out = Vec::new();
        let mut work = |context: &mut Context<'_>| {
            // Nothing of an earlier try is left.
            out.clear();
            *context.counters = counters;
            context.budget.return_to(memory_bytes);
            context.budget.hold_changes(0)?;
            self.work(&batches, &mut out, context)?;
            // What was computed past the end of the statement's time is not committed.
            context.budget.look()
        };
        let Ran { id, outcome } = match context.transactions {
            Some(transactions) => transactions.run(context, retry, &mut work),
            None => Ran { id: "".into(), outcome: work(context) },
        };
        let Err(failure) = outcome else {
            let status = Status { id: Some(id.into()), failure: None };
            context.budget.return_to(memory_bytes);
            // They are committed.
            context.budget.hold_changes(0)?;
            return if self.how.apply.unit {
                self.pass(batches.to_vec(), &status, context)
            } else {
                out.into_iter().try_for_each(|batch| self.hand_on(batch, &status, context))
            };
        };
        *context.counters = counters;
        context.budget.return_to(memory_bytes);
        if self.how.on_error == OnError::Fail || ends_statement(failure.code()) {
            return Err(failure);
        }
        if self.how.on_error == OnError::Break {
            self.state = State::Broken;
        }
        let failure = match context.transactions {
            Some(transactions) => transactions.passed_over(failure),
            None => failure,
        };
        let status = Status { id: Some(id.into()), failure: Some(failure.message().to_owned()) };
        self.pass(batches.to_vec(), &status, context)
    }

    /// Runs the inner plan for each row; keeps what it gives, unless nobody asks.
    fn work(&self, batches: &Arc<[Batch]>, out: &mut Vec<Batch>, context: &mut Context<'_>) -> Result<(), Failure> {
        let unit = self.how.apply.unit;
        if unit && is_simple(&self.inner) {
            for batch in batches.iter() {
                let mut inner = self.site.build(&self.inner, Some(batch));
                while let Some(rows) = inner.next(context)? {
                    context.budget.pay_rows(rows.rows)?;
                }
            }
            return Ok(());
        }
        let outer = Box::new(Kept { batches: Arc::clone(batches), at: 0 });
        let mut inner = RunApply::new(outer, Arc::clone(&self.inner), self.site.clone(), self.how.apply.clone());
        while let Some(rows) = inner.next(context)? {
            if !unit {
                context.budget.take_memory(rows.memory_bytes())?;
                out.push(rows);
            }
        }
        Ok(())
    }

    /// Hands outer rows on by themselves: the inner plan returns nothing, or nothing of it is left.
    fn pass(&mut self, batches: Vec<Batch>, status: &Status, context: &mut Context<'_>) -> Result<(), Failure> {
        for mut batch in batches {
            let rows = batch.rows;
            for (_, slot) in &self.how.apply.filled {
                batch.set(*slot, Column::Constant { value: Value::Null, rows });
            }
            self.hand_on(batch, status, context)?;
        }
        Ok(())
    }

    fn hand_on(&mut self, mut batch: Batch, status: &Status, context: &mut Context<'_>) -> Result<(), Failure> {
        if let Some(slot) = self.how.report {
            batch.set(slot, Column::Constant { value: status.value(), rows: batch.rows });
        }
        let bytes = batch.memory_bytes();
        context.budget.take_memory(bytes)?;
        self.ready.push_back((batch, bytes));
        Ok(())
    }

    fn retry(&self, context: &mut Context<'_>) -> Result<Option<Retry>, Failure> {
        let Some(time) = &self.how.retry else { return Ok(None) };
        let time_max = match time {
            None => None,
            Some(seconds) => Some(retry_time(seconds, context)?),
        };
        Ok(Some(Retry { time_max }))
    }
}

impl Operator for RunInTransactions {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            if let Some((batch, bytes)) = self.ready.pop_front() {
                context.budget.give_back_memory(bytes);
                return Ok(Some(batch));
            }
            if self.state == State::Ended {
                return Ok(None);
            }
            let rows_max = rows_max(self.how.rows.as_ref(), context)?;
            let (batches, held_bytes) = self.read(rows_max, context)?;
            if batches.is_empty() {
                self.state = State::Ended;
                if let Some(transactions) = context.transactions {
                    transactions.end(context)?;
                }
                continue;
            }
            self.batch(batches, context)?;
            context.budget.give_back_memory(held_bytes);
        }
    }
}

impl Status {
    fn value(&self) -> Value {
        let text = |text: &Option<String>| text.as_ref().map_or(Value::Null, |text| Value::string(text.as_str()));
        let started = self.id.is_some();
        Value::map(Map::from_iter([
            ("started".into(), Value::Boolean(started)),
            ("committed".into(), Value::Boolean(started && self.failure.is_none())),
            ("transactionId".into(), text(&self.id)),
            ("errorMessage".into(), text(&self.failure)),
        ]))
    }
}

/// Batches that stay where they are, as often as they are read.
struct Kept {
    batches: Arc<[Batch]>,
    at: usize,
}

impl Operator for Kept {
    fn next(&mut self, _: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        let batch = self.batches.get(self.at).cloned();
        self.at += 1;
        Ok(batch)
    }
}

/// Tells whether a failure is about the statement as a whole, so that no other batch may run after it.
fn ends_statement(code: Code) -> bool {
    matches!(code, Code::TransactionTerminated | Code::TransactionTimedOut | Code::TransactionTimedOutClient)
}

fn rows_max(rows: Option<&Compiled>, context: &mut Context<'_>) -> Result<usize, Failure> {
    let Some(rows) = rows else { return Ok(ROWS_DEFAULT) };
    match of_no_row(rows, context)? {
        Value::Integer(rows) if rows > 0 => Ok(usize::try_from(rows).unwrap_or(usize::MAX)),
        other => {
            let shown = types::text::literal(&other);
            let text = format!("Invalid input. '{shown}' is not a valid value. Must be a positive integer.");
            Err(Failure::new(Code::ArgumentError, text))
        }
    }
}

fn retry_time(seconds: &Compiled, context: &mut Context<'_>) -> Result<Duration, Failure> {
    let found = of_no_row(seconds, context)?;
    let seconds = match found {
        #[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^53 seconds")]
        Value::Integer(seconds) => seconds as f64,
        Value::Float(seconds) => seconds,
        _ => -1.0,
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        let shown = types::text::literal(&found);
        let text = format!("Invalid input. '{shown}' is not a valid value. Must be a positive number of seconds.");
        Failure::new(Code::ArgumentError, text)
    })
}

fn of_no_row(value: &Compiled, context: &mut Context<'_>) -> Result<Value, Failure> {
    let unit = Batch { columns: Vec::new(), rows: 1 };
    Ok(evaluate(value, &unit, context)?.get(0))
}
