//! Operators that group rows: aggregation and `DISTINCT`.

use std::ops::Range;

use types::{Failure, Value};

use super::groups::Groups;
use super::{Aggregate, Operator};
use crate::budget::Tally;
use crate::expression::{Compiled, Context, Portions, make};
use crate::functions::aggregate::Fast;
use crate::functions::{Accumulator, AggregateKind, accumulator};
use crate::{Batch, Budget, Column};

/// One row for each group: its keys, then its aggregates. Groups come in the order in which they were first seen.
pub(super) struct Aggregation {
    input: Box<dyn Operator>,
    keys: Vec<Compiled>,
    aggregates: Vec<Aggregate>,
    groups: Groups,
    states: Vec<State>,
    portions: Portions,
    /// What was taken for the states.
    memory_bytes: usize,
    /// How many groups have been handed on; `None` until all rows were read.
    done: Option<usize>,
}

impl Aggregation {
    pub fn new(input: Box<dyn Operator>, keys: Vec<Compiled>, aggregates: Vec<Aggregate>) -> Self {
        let states = aggregates.iter().map(State::new).collect();
        Self {
            input,
            keys,
            aggregates,
            groups: Groups::new(),
            states,
            portions: Portions::default(),
            memory_bytes: 0,
            done: None,
        }
    }

    fn read(&mut self, context: &mut Context<'_>) -> Result<(), Failure> {
        let mut numbers = Vec::new();
        while let Some(batch) = self.input.next(context)? {
            context.budget.pay_rows(batch.rows)?;
            let (keys, aggregates) = (&self.keys, &self.aggregates);
            let make = |batch: &Batch, context: &mut Context<'_>| {
                let keys = make_all(keys, batch, context)?;
                let arguments = aggregates.iter().map(|aggregate| make_all(&aggregate.arguments, batch, context));
                Ok((keys, arguments.collect::<Result<Vec<_>, _>>()?))
            };
            let (known, states, memory_bytes) = (&mut self.groups, &mut self.states, &mut self.memory_bytes);
            self.portions.each(batch, context, make, |batch, (keys, arguments), context| {
                known.assign(&keys, batch.rows, &mut numbers, context.budget)?;
                let groups = known.len();
                for (state, arguments) in states.iter_mut().zip(&arguments) {
                    *memory_bytes += state.grow(groups, context.budget)?;
                    *memory_bytes += state.take_in(&numbers, groups, arguments, context.budget)?;
                }
                Ok(())
            })?;
        }
        if self.keys.is_empty() && self.groups.len() == 0 {
            // Without keys there is one group, even of no rows.
            self.groups.assign(&[], 1, &mut numbers, context.budget)?;
        }
        let groups = self.groups.len();
        for state in &mut self.states {
            self.memory_bytes += state.grow(groups, context.budget)?;
        }
        Ok(())
    }
}

impl Operator for Aggregation {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        if self.done.is_none() {
            self.read(context)?;
        }
        let start = self.done.unwrap_or(0);
        let end = self.groups.len().min(start + Batch::ROWS_MAX);
        self.done = Some(end);
        if start == end {
            let taken_bytes = std::mem::take(&mut self.memory_bytes) + self.groups.taken_bytes();
            (self.groups, self.states, self.done) = (Groups::new(), Vec::new(), Some(0));
            context.budget.give_back_memory(taken_bytes);
            return Ok(None);
        }
        let mut columns = self.groups.columns(start..end);
        for state in &mut self.states {
            context.budget.ask_for(state.result_bytes(start..end))?;
            let values = (start..end).map(|group| state.finish(group)).collect::<Result<_, _>>()?;
            columns.push(Column::Values(values));
        }
        Ok(Some(Batch { columns, rows: end - start }))
    }
}

fn make_all(values: &[Compiled], batch: &Batch, context: &mut Context<'_>) -> Result<Vec<Column>, Failure> {
    values.iter().map(|value| make(value, batch, context)).collect()
}

/// One aggregate over all groups, in the cheapest form that it has.
enum State {
    /// `count(*)`: rows of each group.
    Rows(Vec<i64>),
    /// Numbers of each group, and extremes.
    Fast { kind: AggregateKind, groups: Vec<Fast> },
    /// `count(DISTINCT x)`: the pairs of a group and a value, and how many there are of each group.
    Different { seen: Groups, counts: Vec<i64> },
    /// Everything else.
    Other { kind: AggregateKind, distinct: bool, groups: Vec<Box<dyn Accumulator>> },
}

impl State {
    fn new(aggregate: &Aggregate) -> Self {
        let kind = aggregate.kind;
        match (kind, aggregate.distinct, aggregate.arguments.len()) {
            (AggregateKind::Count, _, 0) => Self::Rows(Vec::new()),
            (AggregateKind::Count, true, _) => Self::Different { seen: Groups::new(), counts: Vec::new() },
            (_, false, _) if Fast::new(kind).is_some() => Self::Fast { kind, groups: Vec::new() },
            (_, distinct, _) => Self::Other { kind, distinct, groups: Vec::new() },
        }
    }

    /// Makes room for new groups; tells the bytes that it took for them.
    fn grow(&mut self, groups: usize, budget: &mut Budget) -> Result<usize, Failure> {
        let bytes = match self {
            Self::Rows(counts) | Self::Different { counts, .. } => {
                let new = groups - counts.len();
                budget.ask_to_grow(counts, new)?;
                counts.resize(groups, 0);
                new * size_of::<i64>()
            }
            Self::Fast { kind, groups: states } => {
                let new = groups - states.len();
                budget.ask_to_grow(states, new)?;
                states.resize_with(groups, || Fast::new(*kind).expect("the state was made for such a kind"));
                new * size_of::<Fast>()
            }
            Self::Other { kind, distinct, groups: states } => {
                let before = states.len();
                budget.ask_to_grow(states, groups - before)?;
                states.resize_with(groups, || accumulator(*kind, *distinct));
                states[before..].iter().map(|state| size_of_val(state) + state.memory_bytes()).sum()
            }
        };
        budget.take_memory(bytes)?;
        Ok(bytes)
    }

    /// Takes the rows of a batch in, each into its group; tells the bytes that it took for it.
    fn take_in(
        &mut self,
        numbers: &[u32],
        groups: usize,
        arguments: &[Column],
        budget: &mut Budget,
    ) -> Result<usize, Failure> {
        match self {
            Self::Rows(counts) => {
                if let [count] = counts.as_mut_slice() {
                    *count += i64::try_from(numbers.len()).expect("a batch has few rows");
                } else {
                    numbers.iter().for_each(|number| counts[*number as usize] += 1);
                }
                Ok(0)
            }
            Self::Fast { groups: states, .. } => fast(states, numbers, &arguments[0], budget),
            Self::Different { seen, counts } => different(seen, counts, numbers, groups, (&arguments[0], budget)),
            Self::Other { groups: states, .. } => other(states, numbers, arguments, budget),
        }
    }

    /// Tells the bytes that giving the results of some groups takes, beside what is held.
    fn result_bytes(&self, some: Range<usize>) -> usize {
        match self {
            Self::Other { groups, .. } => groups[some].iter().map(|state| state.result_bytes()).max().unwrap_or(0),
            Self::Rows(_) | Self::Fast { .. } | Self::Different { .. } => 0,
        }
    }

    fn finish(&mut self, group: usize) -> Result<Value, Failure> {
        match self {
            Self::Rows(counts) | Self::Different { counts, .. } => Ok(Value::Integer(counts[group])),
            Self::Fast { groups, .. } => groups[group].result(),
            Self::Other { groups, .. } => groups[group].finish(),
        }
    }
}

fn fast(states: &mut [Fast], numbers: &[u32], argument: &Column, budget: &mut Budget) -> Result<usize, Failure> {
    if let [state] = states {
        // One group takes whole columns in.
        let rows = argument.rows() as u64;
        match (&mut *state, argument) {
            (state, Column::Integers(values)) => return state.update_integers(values).map(|()| 0),
            (state, Column::Floats(values)) => return state.update_floats(values).map(|()| 0),
            (Fast::Count(count), Column::Nodes { .. } | Column::Relationships(_)) => {
                *count += rows;
                return Ok(0);
            }
            _ => {}
        }
    }
    let (mut held, mut made) = (Tally::default(), Value::Null);
    for (row, number) in numbers.iter().enumerate() {
        let state = &mut states[*number as usize];
        let value = argument.lend(row, &mut made);
        if matches!(state, Fast::Min(_) | Fast::Max(_)) {
            let before = state.memory_bytes();
            budget.ask_for(value.long_bytes())?;
            state.update_value(value)?;
            held.add(state.memory_bytes().saturating_sub(before), budget)?;
        } else {
            state.update_value(value)?;
        }
    }
    held.finish(budget)
}

/// Counts the rows whose value is new to their group; null is no value.
fn different(
    seen: &mut Groups,
    counts: &mut [i64],
    numbers: &[u32],
    groups: usize,
    (argument, budget): (&Column, &mut Budget),
) -> Result<usize, Failure> {
    let mut made = Value::Null;
    let rows: Vec<usize> = (0..numbers.len()).filter(|row| !argument.lend(*row, &mut made).is_null()).collect();
    let mut columns = vec![if rows.len() == numbers.len() { argument.clone() } else { argument.gather(&rows) }];
    if groups > 1 {
        // As long as there was one group, pairs had no column for it; it counts as null in them, and so null stands for
        // the first group.
        let group = |row: &usize| match numbers[*row] {
            0 => Value::Null,
            number => Value::Integer(i64::from(number)),
        };
        columns.push(Column::Values(rows.iter().map(group).collect()));
    }
    let (mut pairs, mut next, before) = (Vec::new(), seen.len(), seen.taken_bytes());
    seen.assign(&columns, rows.len(), &mut pairs, budget)?;
    for (row, pair) in rows.iter().zip(pairs) {
        if pair as usize == next {
            next += 1;
            counts[numbers[*row] as usize] += 1;
        }
    }
    Ok(seen.taken_bytes() - before)
}

fn other(
    states: &mut [Box<dyn Accumulator>],
    numbers: &[u32],
    arguments: &[Column],
    budget: &mut Budget,
) -> Result<usize, Failure> {
    let (mut held, mut values, mut made) = (Tally::default(), Vec::with_capacity(arguments.len()), Value::Null);
    for (row, number) in numbers.iter().enumerate() {
        let state = &mut states[*number as usize];
        let one = if let [argument] = arguments {
            std::slice::from_ref(argument.lend(row, &mut made))
        } else {
            values.clear();
            values.extend(arguments.iter().map(|column| column.get(row)));
            &values
        };
        let (before, growth_bytes) = (state.memory_bytes(), state.growth_bytes());
        budget.ask_for(growth_bytes + one.iter().map(Value::long_bytes).sum::<usize>())?;
        state.update(one)?;
        held.add(state.memory_bytes().saturating_sub(before), budget)?;
    }
    held.finish(budget)
}

/// Equal rows once, the first of each.
pub(super) struct Distinct {
    input: Box<dyn Operator>,
    seen: Groups,
}

impl Distinct {
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input, seen: Groups::new() }
    }
}

impl Operator for Distinct {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        let mut numbers = Vec::new();
        while let Some(batch) = self.input.next(context)? {
            context.budget.pay_rows(batch.rows)?;
            let mut next = self.seen.len();
            self.seen.assign(&batch.columns, batch.rows, &mut numbers, context.budget)?;
            let mut kept = Vec::new();
            for (row, number) in numbers.iter().enumerate() {
                if *number as usize == next {
                    next += 1;
                    kept.push(row);
                }
            }
            if kept.len() == batch.rows {
                return Ok(Some(batch));
            }
            if !kept.is_empty() {
                return Ok(Some(batch.gather(&kept)));
            }
        }
        context.budget.give_back_memory(std::mem::replace(&mut self.seen, Groups::new()).taken_bytes());
        Ok(None)
    }
}
