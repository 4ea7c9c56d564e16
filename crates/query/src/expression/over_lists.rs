//! Expressions over the items of lists: each item becomes a row of an inner batch.

use cypher::ast::QuantifierKind;
use types::{Code, Failure, Value};

use super::evaluate::{by_row, evaluate, ternary};
use super::{Compiled, Context};
use crate::functions::operators;
use crate::{Batch, Column};

/// The slots that `reduce` fills for each step.
#[derive(Clone, Copy)]
pub(super) struct ReduceSlots {
    pub accumulator: usize,
    pub item: usize,
}

/// The items of a column of lists, an inner row each.
struct Items {
    /// For each outer row, where its items end in `values`; `None` where its list is null.
    ends: Vec<Option<usize>>,
    /// For each item, the outer row that it belongs to.
    outer: Vec<usize>,
    values: Vec<Value>,
}

impl Items {
    fn of(lists: &Column, context: &mut Context<'_>) -> Result<Self, Failure> {
        let mut items = Self { ends: Vec::new(), outer: Vec::new(), values: Vec::new() };
        for row in 0..lists.rows() {
            let end = match lists.get(row) {
                Value::Null => None,
                Value::List(list) => {
                    context.budget.pay_rows(list.len())?;
                    items.values.extend(list.iter().cloned());
                    items.outer.resize(items.values.len(), row);
                    Some(items.values.len())
                }
                other => {
                    let text = format!("Type mismatch: expected List but was {}", other.type_name());
                    return Err(Failure::new(Code::TypeError, text));
                }
            };
            items.ends.push(end);
        }
        Ok(items)
    }

    /// Gives the batch with a row for each item, the item in its slot.
    fn batch(&self, outer: &Batch, item: usize) -> Batch {
        let mut inner = outer.gather(&self.outer);
        inner.set(item, Column::Values(self.values.clone()));
        inner
    }

    /// Hands each outer row the range of its items, or `None` for a null list.
    fn runs(&self) -> impl Iterator<Item = Option<std::ops::Range<usize>>> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let end = (*end)?;
            let run = start..end;
            start = end;
            Some(run)
        })
    }
}

pub(super) fn comprehension(
    list: &Compiled,
    item: usize,
    filter: Option<&Compiled>,
    projection: Option<&Compiled>,
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<Column, Failure> {
    let items = Items::of(&evaluate(list, batch, context)?, context)?;
    let inner = items.batch(batch, item);
    let kept = match filter {
        None => (0..inner.rows).collect(),
        Some(filter) => {
            let tested = evaluate(filter, &inner, context)?;
            let mut kept = Vec::new();
            for row in 0..inner.rows {
                if operators::truth(&tested.get(row))? == Some(true) {
                    kept.push(row);
                }
            }
            kept
        }
    };
    let values = match projection {
        None => kept.iter().map(|row| items.values[*row].clone()).collect(),
        Some(projection) => evaluate(projection, &inner.gather(&kept), context)?.into_values(),
    };
    let mut left = kept.into_iter().zip(values).peekable();
    let lists = items.runs().map(|run| {
        let Some(run) = run else { return Value::Null };
        let mut list = Vec::new();
        while let Some((_, value)) = left.next_if(|(row, _)| run.contains(row)) {
            list.push(value);
        }
        Value::list(list)
    });
    Ok(Column::Values(lists.collect()))
}

pub(super) fn quantifier(
    kind: QuantifierKind,
    list: &Compiled,
    item: usize,
    filter: &Compiled,
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<Column, Failure> {
    let items = Items::of(&evaluate(list, batch, context)?, context)?;
    let tested = evaluate(filter, &items.batch(batch, item), context)?;
    let truths = (0..tested.rows()).map(|row| operators::truth(&tested.get(row))).collect::<Result<Vec<_>, _>>()?;
    let found = items.runs().map(|run| run.map_or(Value::Null, |run| ternary(judge(kind, &truths[run]))));
    Ok(Column::Values(found.collect()))
}

/// Judges the truths of one list in three-valued logic: unknown items make the answer unknown unless it is decided.
fn judge(kind: QuantifierKind, truths: &[Option<bool>]) -> Option<bool> {
    let count = |wanted: Option<bool>| truths.iter().filter(|truth| **truth == wanted).count();
    let (yes, unknown) = (count(Some(true)), count(None));
    match kind {
        QuantifierKind::All if truths.contains(&Some(false)) => Some(false),
        QuantifierKind::All => (unknown == 0).then_some(true),
        QuantifierKind::Any if yes > 0 => Some(true),
        QuantifierKind::Any => (unknown == 0).then_some(false),
        QuantifierKind::None if yes > 0 => Some(false),
        QuantifierKind::None => (unknown == 0).then_some(true),
        QuantifierKind::Single if yes > 1 => Some(false),
        QuantifierKind::Single => (unknown == 0).then_some(yes == 1),
    }
}

/// Steps through all lists at once: the n-th step runs over the rows whose lists have an n-th item.
pub(super) fn reduce(
    slots: ReduceSlots,
    initial: &Compiled,
    list: &Compiled,
    step: &Compiled,
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<Column, Failure> {
    let items = Items::of(&evaluate(list, batch, context)?, context)?;
    let mut carried = evaluate(initial, batch, context)?.into_values();
    let runs: Vec<_> = items.runs().collect();
    let longest = runs.iter().flatten().map(ExactSizeIterator::len).max().unwrap_or(0);
    for at in 0..longest {
        let rows: Vec<usize> =
            (0..batch.rows).filter(|row| runs[*row].as_ref().is_some_and(|run| at < run.len())).collect();
        let mut inner = batch.gather(&rows);
        let item = |row: &usize| runs[*row].as_ref().map_or(Value::Null, |run| items.values[run.start + at].clone());
        inner.set(slots.item, Column::Values(rows.iter().map(item).collect()));
        inner.set(slots.accumulator, Column::Values(rows.iter().map(|row| carried[*row].clone()).collect()));
        let next = evaluate(step, &inner, context)?;
        for (place, row) in rows.into_iter().enumerate() {
            carried[row] = next.get(place);
        }
    }
    by_row(batch.rows, |row| Ok(if runs[row].is_some() { std::mem::take(&mut carried[row]) } else { Value::Null }))
}
