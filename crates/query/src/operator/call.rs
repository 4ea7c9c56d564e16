//! Procedures, called for each row.

use std::sync::Arc;

use types::{Failure, Value};

use super::Operator;
use crate::expression::{Compiled, Context, evaluate};
use crate::procedure::Procedure;
use crate::{Batch, Column};

/// For each row, the rows that a procedure gives.
pub(super) struct Call {
    input: Box<dyn Operator>,
    procedure: Arc<dyn Procedure>,
    arguments: Vec<Compiled>,
    outputs: Vec<(usize, usize)>,
    /// The batch under way, its arguments and the row to go on at.
    under_way: Option<(Batch, Vec<Column>, usize)>,
    /// What the procedure gave for the row under way, and the bytes paid for it.
    given: std::vec::IntoIter<Vec<Value>>,
    memory_bytes: usize,
}

impl Call {
    pub fn new(
        input: Box<dyn Operator>,
        procedure: Arc<dyn Procedure>,
        arguments: Vec<Compiled>,
        outputs: Vec<(usize, usize)>,
    ) -> Self {
        let given = Vec::new().into_iter();
        Self { input, procedure, arguments, outputs, under_way: None, given, memory_bytes: 0 }
    }

    /// Calls the procedure for one row.
    fn call(&mut self, arguments: &[Column], row: usize, context: &mut Context<'_>) -> Result<(), Failure> {
        let arguments: Vec<Value> = arguments.iter().map(|column| column.get(row)).collect();
        let mut given = self.procedure.call(&arguments, context)?;
        if self.outputs.is_empty() {
            // Whatever it gives, the row goes on once.
            given = vec![Vec::new()];
        }
        context.budget.pay_rows(given.len().max(1))?;
        self.memory_bytes = given.iter().flatten().map(Value::memory_bytes).sum();
        context.budget.take_memory(self.memory_bytes)?;
        self.given = given.into_iter();
        Ok(())
    }
}

impl Operator for Call {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            let Some((batch, arguments, mut at)) = self.under_way.take() else {
                let Some(batch) = self.input.next(context)? else { return Ok(None) };
                let arguments = self.arguments.iter().map(|argument| evaluate(argument, &batch, context));
                let arguments = arguments.collect::<Result<_, Failure>>()?;
                self.under_way = Some((batch, arguments, 0));
                continue;
            };
            let mut rows = Vec::new();
            let mut columns = vec![Vec::new(); self.outputs.len()];
            while rows.len() < Batch::ROWS_MAX {
                if let Some(given) = self.given.next() {
                    // The row that was called last is the one before the next.
                    rows.push(at - 1);
                    for ((place, _), column) in self.outputs.iter().zip(&mut columns) {
                        column.push(given.get(*place).cloned().unwrap_or_default());
                    }
                    continue;
                }
                context.budget.give_back_memory(std::mem::take(&mut self.memory_bytes));
                if at == batch.rows {
                    break;
                }
                self.call(&arguments, at, context)?;
                at += 1;
            }
            let out = (!rows.is_empty()).then(|| {
                let mut out = batch.gather(&rows);
                for ((_, slot), column) in self.outputs.iter().zip(columns) {
                    out.set(*slot, Column::Values(column));
                }
                out
            });
            if at < batch.rows || !self.given.as_slice().is_empty() || self.memory_bytes > 0 {
                self.under_way = Some((batch, arguments, at));
            }
            if out.is_some() {
                return Ok(out);
            }
        }
    }
}
