//! Expressions over the items of lists: each item becomes a row of an inner batch.

use cypher::ast::QuantifierKind;
use types::{Code, Failure, Value};

use super::evaluate::{Held, by_row, evaluate, ternary};
use super::{Compiled, Context};
use crate::functions::operators;
use crate::{Batch, Column};

/// Steps of `reduce` between two looks at how deep and how large its values have become.
const STEPS_BETWEEN_LOOKS: usize = 8;
/// How deep values may be nested: whoever walks through them goes down as many levels.
const NESTED_MAX: usize = 1_000;
/// The most that one value may take written out, where the statement may take more.
const WRITTEN_MAX_BYTES: usize = 4 << 30;

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

    /// Gives a batch with a row for each item of a part, the item in its slot.
    fn batch(&self, outer: &Batch, item: usize, part: std::ops::Range<usize>) -> Batch {
        let mut inner = outer.gather(&self.outer[part.clone()]);
        inner.set(item, Column::Values(self.values[part].to_vec()));
        inner
    }

    /// Cuts the items into parts that are computed together: as many as a batch has rows.
    fn parts(&self) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        let items = self.values.len();
        (0..items).step_by(Batch::ROWS_MAX).map(move |start| start..items.min(start + Batch::ROWS_MAX))
    }

    /// Tells what the items take beside their lists.
    fn memory_bytes(&self) -> usize {
        self.values.len() * (size_of::<Value>() + size_of::<usize>())
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
    context.budget.take_memory(items.memory_bytes())?;
    let mut lists: Vec<Vec<Value>> = vec![Vec::new(); batch.rows];
    let mut held = Held::new(context.budget.memory_left_bytes());
    for part in items.parts() {
        context.budget.pay_rows(part.len())?;
        let inner = items.batch(batch, item, part.clone());
        let kept: Vec<usize> = match filter {
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
            None => kept.iter().map(|row| items.values[part.start + row].clone()).collect(),
            Some(projection) => evaluate(projection, &inner.gather(&kept), context)?.into_values(),
        };
        for (row, value) in kept.into_iter().zip(values) {
            held.add(&value)?;
            lists[items.outer[part.start + row]].push(value);
        }
    }
    context.budget.give_back_memory(items.memory_bytes());
    let lists = items.ends.iter().zip(lists);
    let lists = lists.map(|(end, list)| if end.is_some() { Value::list(list) } else { Value::Null });
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
    context.budget.take_memory(items.memory_bytes())?;
    let mut truths = Vec::with_capacity(items.values.len());
    for part in items.parts() {
        context.budget.pay_rows(part.len())?;
        let tested = evaluate(filter, &items.batch(batch, item, part), context)?;
        for row in 0..tested.rows() {
            truths.push(operators::truth(&tested.get(row))?);
        }
    }
    context.budget.give_back_memory(items.memory_bytes());
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
        inner.set(
            slots.accumulator,
            Column::Values(rows.iter().map(|row| std::mem::take(&mut carried[*row])).collect()),
        );
        let next = evaluate(step, &inner, context)?.into_values();
        drop(inner);
        // What grows from step to step takes longer each time.
        let mut held = Held::new(context.budget.memory_left_bytes());
        next.iter().try_for_each(|value| held.add(value))?;
        context.budget.pay_rows(next.len() + held.bytes() / 64)?;
        if at % STEPS_BETWEEN_LOOKS == STEPS_BETWEEN_LOOKS - 1 {
            next.iter().try_for_each(|value| check_extent(value, context.budget.memory_left_bytes()))?;
        }
        for (row, value) in rows.into_iter().zip(next) {
            carried[row] = value;
        }
    }
    by_row(batch.rows, |row| Ok(if runs[row].is_some() { std::mem::take(&mut carried[row]) } else { Value::Null }))
}

/// Refuses a value that is nested too deep, or that would be too large written out: one that holds itself many times over
/// takes little memory.
///
/// # Errors
///
/// [`Code::MemoryLimit`].
pub fn check_extent(value: &Value, left_bytes: usize) -> Result<(), Failure> {
    let bytes_max = left_bytes.min(WRITTEN_MAX_BYTES);
    if value.is_within(NESTED_MAX, bytes_max) {
        return Ok(());
    }
    let text = format!(
        "A value is nested deeper than {NESTED_MAX} levels, or would take more than {bytes_max} bytes written out; \
         make it smaller, or raise the statement's limit."
    );
    Err(Failure::new(Code::MemoryLimit, text))
}
