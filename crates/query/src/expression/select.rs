//! Rows for which a condition holds, found without a column of truths where that can be done.
//! Leaves every other condition to [`make`], and bounds of one property to `within`.
//! Start reading at [`select`].

use types::compare::{self, Inequality};
use types::{Failure, Value};

use super::entity::with_label;
use super::evaluate::operand;
use super::{Compiled, Context, LabelTest, make, within};
use crate::functions::operators;
use crate::{Batch, Column};

/// Lists the rows of a batch for which a condition is true; where it is null, it is not. What it was computed from stays
/// taken from the budget, for the caller to give back.
///
/// # Errors
///
/// As [`make`] does. A part of `AND` is computed for the rows only that passed the parts before it.
pub fn select(condition: &Compiled, batch: &Batch, context: &mut Context<'_>) -> Result<Vec<usize>, Failure> {
    match condition {
        Compiled::And(left, right) => {
            let passed = select(left, batch, context)?;
            if passed.is_empty() {
                return Ok(passed);
            }
            if passed.len() == batch.rows {
                return select(right, batch, context);
            }
            let left = select(right, &batch.gather(&passed), context)?;
            Ok(left.into_iter().map(|row| passed[row]).collect())
        }
        Compiled::Inequality(which, left, right) => {
            let (left, right) = (operand(left, batch, context)?, operand(right, batch, context)?);
            Ok(inequality(*which, &left, &right))
        }
        Compiled::Equal { negated, left, right } => {
            let (left, right) = (operand(left, batch, context)?, operand(right, batch, context)?);
            Ok(equal(*negated, &left, &right))
        }
        Compiled::HasLabels(of, LabelTest::Name(name)) => {
            let of = operand(of, batch, context)?;
            let Column::Nodes { source, ids } = &*of else { return truths(condition, batch, context) };
            let found = with_label(*source, ids, name, context)?;
            Ok((0..found.len()).filter(|row| found[*row]).collect())
        }
        Compiled::IsNull(of, negated) => {
            let (of, mut made) = (operand(of, batch, context)?, Value::Null);
            Ok((0..batch.rows).filter(|row| of.lend(*row, &mut made).is_null() != *negated).collect())
        }
        other => truths(other, batch, context),
    }
}

fn truths(condition: &Compiled, batch: &Batch, context: &mut Context<'_>) -> Result<Vec<usize>, Failure> {
    let tested = make(condition, batch, context)?;
    let (mut kept, mut made) = (Vec::with_capacity(batch.rows), Value::Null);
    for row in 0..batch.rows {
        if operators::truth(tested.lend(row, &mut made))? == Some(true) {
            kept.push(row);
        }
    }
    Ok(kept)
}

fn inequality(which: Inequality, left: &Column, right: &Column) -> Vec<usize> {
    if let Column::Constant { value, .. } = right
        && let Some(kept) = within::rows_in(left, &[(which, value)])
    {
        return kept;
    }
    let (mut made, mut other) = (Value::Null, Value::Null);
    let holds = |row: &usize| match (left.lend(*row, &mut made), right.lend(*row, &mut other)) {
        (Value::Integer(left), Value::Integer(right)) => which.accepts(left.cmp(right)),
        (left, right) => compare::holds(which, left, right) == Some(true),
    };
    (0..left.rows()).filter(holds).collect()
}

fn equal(negated: bool, left: &Column, right: &Column) -> Vec<usize> {
    if let (Column::Nodes { source, ids }, Column::Nodes { source: other, ids: others }) = (left, right) {
        let same = |row: &usize| (ids[*row] == others[*row] && source == other) != negated;
        return (0..ids.len()).filter(same).collect();
    }
    if let (Column::Integers(values), Column::Constant { value: Value::Integer(value), .. }) = (left, right) {
        return (0..values.len()).filter(|row| (values[*row] == *value) != negated).collect();
    }
    let (mut made, mut other) = (Value::Null, Value::Null);
    let holds = |row: &usize| match (left.lend(*row, &mut made), right.lend(*row, &mut other)) {
        (Value::Integer(left), Value::Integer(right)) => (left == right) != negated,
        (left, right) => compare::equals(left, right) == Some(!negated),
    };
    (0..left.rows()).filter(holds).collect()
}
