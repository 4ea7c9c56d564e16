//! Expressions over the items of lists: each item becomes a row of an inner batch.

use std::sync::Arc;

use cypher::ast::QuantifierKind;
use types::{Code, Failure, Value, arithmetic};

use super::evaluate::{by_row, make, operand, ternary};
use super::{Compiled, Context, Portions, select};
use crate::budget::Tally;
use crate::functions::operators;
use crate::{Batch, Column};

/// Steps of `reduce` between two looks at how deep and how large its values have become.
const STEPS_BETWEEN_LOOKS: usize = 8;
/// How deep values may be nested: whoever walks through them goes down as many levels.
const NESTED_MAX: usize = 1_000;
/// The most that one value may take written out, where the statement may take more.
const WRITTEN_MAX_BYTES: usize = 4 << 30;

/// What `reduce` does for each step.
#[derive(Clone, Copy)]
pub(super) struct Reduce<'e> {
    /// The slots that it fills.
    pub accumulator: usize,
    pub item: usize,
    pub step: &'e Compiled,
    /// What the step adds to what is carried, where it does nothing else with that.
    pub added: Option<&'e Compiled>,
}

/// The items of a column of lists, an inner row each; they stay in their lists.
struct Items {
    /// For each outer row its list; `None` where that is null.
    lists: Vec<Option<Arc<Vec<Value>>>>,
    /// For each outer row, how many items it and the rows before it have.
    ends: Vec<usize>,
}

impl Items {
    fn of(lists: &Column, context: &mut Context<'_>) -> Result<Self, Failure> {
        let (mut items, mut end) = (Self { lists: Vec::new(), ends: Vec::new() }, 0);
        for row in 0..lists.rows() {
            items.lists.push(match lists.get(row) {
                Value::Null => None,
                Value::List(list) => {
                    context.budget.pay_rows(list.len())?;
                    end += list.len();
                    Some(list)
                }
                other => {
                    let text = format!("Type mismatch: expected List but was {}", other.type_name());
                    return Err(Failure::new(Code::TypeError, text));
                }
            });
            items.ends.push(end);
        }
        Ok(items)
    }

    /// Counts all items.
    fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Gives the items of one row.
    fn list(&self, row: usize) -> Option<&[Value]> {
        self.lists[row].as_ref().map(|list| list.as_slice())
    }

    /// Cuts the items into parts that are computed together: as many as a batch has rows, fewer where they are long.
    fn next_part(&self, start: usize) -> Part<'_> {
        let mut part = Part { rows: Vec::new(), items: Vec::new() };
        let (mut row, mut bytes) = (self.ends.partition_point(|end| *end <= start), 0);
        let mut place = start - row.checked_sub(1).map_or(0, |before| self.ends[before]);
        while row < self.lists.len() && part.items.len() < Batch::ROWS_MAX && bytes < Batch::LONG_MAX_BYTES {
            match self.list(row).and_then(|list| list.get(place)) {
                Some(item) => {
                    bytes += item.long_bytes();
                    part.rows.push(row);
                    part.items.push(item);
                    place += 1;
                }
                None => (row, place) = (row + 1, 0),
            }
        }
        part
    }
}

/// Some items, each with its outer row.
struct Part<'i> {
    rows: Vec<usize>,
    items: Vec<&'i Value>,
}

impl Part<'_> {
    /// Gives a batch with a row for each item, the item in its slot.
    fn batch(&self, outer: &Batch, item: usize) -> Batch {
        let mut inner = outer.gather(&self.rows);
        inner.set(item, Column::Values(self.items.iter().map(|item| (*item).clone()).collect()));
        inner
    }
}

/// Computes something for all items, some of them together; `take` gets it with the items' outer rows and the items.
fn each_portion<T>(
    (items, item): (&Items, usize),
    batch: &Batch,
    context: &mut Context<'_>,
    make: impl Fn(&Batch, &mut Context<'_>) -> Result<T, Failure>,
    mut take: impl FnMut(&[usize], &[&Value], T, &mut Context<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (mut portions, mut done) = (Portions::default(), 0);
    while done < items.len() {
        let part = items.next_part(done);
        done += part.items.len();
        context.budget.pay_rows(part.items.len())?;
        let inner = part.batch(batch, item);
        let long_bytes = inner.long_bytes();
        context.budget.take_memory(long_bytes)?;
        let mut first = 0;
        while first < inner.rows {
            let portion = portions.next(&inner, first, context, &make)?;
            let places = first..first + portion.rows;
            first = places.end;
            take(&part.rows[places.clone()], &part.items[places], portion.made, context)?;
            context.budget.give_back_memory(portion.held_bytes);
        }
        context.budget.give_back_memory(long_bytes);
    }
    Ok(())
}

/// The places of items that passed a filter, where there is one, and what was computed of them, where that is anything.
type Kept = (Option<Vec<usize>>, Option<Column>);

pub(super) fn comprehension(
    list: &Compiled,
    item: usize,
    filter: Option<&Compiled>,
    projection: Option<&Compiled>,
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<Column, Failure> {
    let items = Items::of(&*operand(list, batch, context)?, context)?;
    let (mut lists, mut held) = (vec![Vec::new(); batch.rows], Tally::default());
    let make = |inner: &Batch, context: &mut Context<'_>| {
        let kept: Option<Vec<usize>> = filter.map(|filter| select(filter, inner, context)).transpose()?;
        let values = match (projection, &kept) {
            (None, _) => None,
            (Some(projection), None) => Some(make(projection, inner, context)?),
            (Some(projection), Some(kept)) => Some(make(projection, &inner.gather(kept), context)?),
        };
        Ok((kept, values))
    };
    let take = |rows: &[usize], parts: &[&Value], (kept, values): Kept, context: &mut Context<'_>| {
        let kept = kept.unwrap_or_else(|| (0..parts.len()).collect());
        let mut values = values.map(|values| values.into_values().into_iter());
        for at in kept {
            let outer = rows[at];
            if filter.is_none() && lists[outer].is_empty() {
                // There will be as many as there were.
                let all = items.list(outer).map_or(0, <[Value]>::len);
                held.add(all * size_of::<Value>(), context.budget)?;
                lists[outer].reserve_exact(all);
            }
            let value = match &mut values {
                None => parts[at].clone(),
                Some(values) => values.next().unwrap_or_default(),
            };
            held.push(&mut lists[outer], value, context.budget)?;
        }
        Ok(())
    };
    each_portion((&items, item), batch, context, make, take)?;
    let lists = items.lists.iter().zip(lists);
    let lists = lists.map(|(of, list)| if of.is_some() { Value::list(list) } else { Value::Null });
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
    let items = Items::of(&*operand(list, batch, context)?, context)?;
    let mut found: Vec<Truths> = (0..batch.rows).map(|_| Truths::default()).collect();
    let make = |inner: &Batch, context: &mut Context<'_>| make(filter, inner, context);
    let take = |rows: &[usize], _: &[&Value], tested: Column, _: &mut Context<'_>| {
        let mut made = Value::Null;
        for (at, row) in rows.iter().enumerate() {
            found[*row].add(operators::truth(tested.lend(at, &mut made))?);
        }
        Ok(())
    };
    each_portion((&items, item), batch, context, make, take)?;
    let found = items.lists.iter().zip(found);
    let found = found.map(|(of, found)| of.as_ref().map_or(Value::Null, |_| ternary(found.judge(kind))));
    Ok(Column::Values(found.collect()))
}

/// How many items of one list are true, false, and neither.
#[derive(Default)]
struct Truths {
    yes: usize,
    no: usize,
    unknown: usize,
}

impl Truths {
    fn add(&mut self, truth: Option<bool>) {
        *match truth {
            Some(true) => &mut self.yes,
            Some(false) => &mut self.no,
            None => &mut self.unknown,
        } += 1;
    }

    /// Judges them in three-valued logic: unknown items make the answer unknown unless it is decided.
    fn judge(&self, kind: QuantifierKind) -> Option<bool> {
        let Self { yes, no, unknown } = *self;
        match kind {
            QuantifierKind::All if no > 0 => Some(false),
            QuantifierKind::All => (unknown == 0).then_some(true),
            QuantifierKind::Any if yes > 0 => Some(true),
            QuantifierKind::Any => (unknown == 0).then_some(false),
            QuantifierKind::None if yes > 0 => Some(false),
            QuantifierKind::None => (unknown == 0).then_some(true),
            QuantifierKind::Single if yes > 1 => Some(false),
            QuantifierKind::Single => (unknown == 0).then_some(yes == 1),
        }
    }
}

/// Steps through all lists at once: the n-th step runs over the rows whose lists have an n-th item.
pub(super) fn reduce(
    how: Reduce<'_>,
    initial: &Compiled,
    list: &Compiled,
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<Column, Failure> {
    let items = Items::of(&*operand(list, batch, context)?, context)?;
    let before = context.budget.memory_used_bytes();
    let mut carried = make(initial, batch, context)?.into_values();
    let longest = items.lists.iter().flatten().map(|list| list.len()).max().unwrap_or(0);
    let (mut inner, mut inner_rows) = (Batch::default(), Vec::new());
    // What lies deeper in lists that grow where they are, and how many rows have one.
    let (mut deeper_bytes, mut grew) = (vec![0; batch.rows], false);
    for at in 0..longest {
        let rows: Vec<usize> =
            (0..batch.rows).filter(|row| items.list(*row).is_some_and(|list| at < list.len())).collect();
        if rows != inner_rows {
            inner = batch.gather(&rows);
        }
        let of = |row: &usize| items.list(*row).map_or(&Value::Null, |list| &list[at]);
        context.budget.take_memory(rows.iter().map(|row| of(row).long_bytes()).sum())?;
        inner.set(how.item, Column::Values(rows.iter().map(|row| of(row).clone()).collect()));
        if let Some(added) = how.added.filter(|_| rows.iter().all(|row| matches!(carried[*row], Value::List(_)))) {
            let added = make(added, &inner, context)?.into_values();
            context.budget.pay_rows(added.len() + added.iter().map(shallow_bytes).sum::<usize>() / 64)?;
            for (row, value) in rows.iter().zip(added) {
                deeper_bytes[*row] += append(&mut carried[*row], value, context)?;
            }
            let grown_bytes = carried.iter().zip(&deeper_bytes).map(|(value, deeper)| room_bytes(value) + deeper);
            context.budget.settle(before, grown_bytes.sum())?;
            (inner_rows, grew) = (rows, true);
            continue;
        }
        inner.set(how.accumulator, Column::Values(rows.iter().map(|row| std::mem::take(&mut carried[*row])).collect()));
        let next = make(how.step, &inner, context)?.into_values();
        // What was carried to this step is gone.
        inner.set(how.accumulator, Column::Constant { value: Value::Null, rows: inner.rows });
        // What grows from step to step takes longer each time.
        context.budget.pay_rows(next.len() + next.iter().map(shallow_bytes).sum::<usize>() / 64)?;
        if at % STEPS_BETWEEN_LOOKS == STEPS_BETWEEN_LOOKS - 1 {
            next.iter().try_for_each(|value| check_extent(value, context.budget.memory_left_bytes()))?;
        }
        for (row, value) in rows.iter().zip(next) {
            carried[*row] = value;
        }
        context.budget.settle(before, carried.iter().map(shallow_bytes).sum())?;
        inner_rows = rows;
    }
    if grew {
        carried.iter().try_for_each(|value| check_extent(value, context.budget.memory_left_bytes()))?;
    }
    by_row(batch.rows, |row| {
        Ok(if items.list(row).is_some() { std::mem::take(&mut carried[row]) } else { Value::Null })
    })
}

/// Adds to a list where it is, as `+` does; tells what lies deeper in what was added.
///
/// A list that somebody else holds too is copied first.
fn append(carried: &mut Value, added: Value, context: &mut Context<'_>) -> Result<usize, Failure> {
    let Value::List(list) = carried else { return Ok(0) };
    let Some(list) = Arc::get_mut(list).filter(|_| !added.is_null()) else {
        *carried = arithmetic::add(carried, &added)?;
        // What was too large to be copied is told of by the budget.
        context.budget.look()?;
        return Ok(carried.own_bytes().saturating_sub(room_bytes(carried)));
    };
    let deeper_bytes = added.own_bytes().saturating_sub(room_bytes(&added));
    match added {
        Value::List(items) => {
            context.budget.ask_to_grow(list, items.len())?;
            context.budget.ask_for(items.iter().map(Value::long_bytes).sum())?;
            list.extend(items.iter().cloned());
        }
        item => {
            context.budget.ask_to_grow(list, 1)?;
            list.push(item);
        }
    }
    Ok(deeper_bytes)
}

/// Tells what a list that grows takes, without what lies deeper in it.
fn room_bytes(value: &Value) -> usize {
    match value {
        Value::List(items) => size_of::<Value>() * items.capacity(),
        other => shallow_bytes(other),
    }
}

/// Tells what a value takes that is carried from step to step, roughly and at once: nothing of what lies deeper in it.
fn shallow_bytes(value: &Value) -> usize {
    match value {
        Value::List(items) => size_of::<Value>() * items.len(),
        Value::Map(entries) => 2 * size_of::<Value>() * entries.len(),
        other => other.own_bytes(),
    }
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
