//! Computing compiled expressions over a batch.
//!
//! Each operator runs over whole columns. What Cypher computes for some rows only (the branches of `CASE`, the right
//! side of `AND`, what follows in `coalesce`) is computed over a batch of just those rows, so that an error in a row not taken never shows.

use std::borrow::Cow;
use std::path::Path;

use types::compare::{self, Inequality};
use types::{Code, Failure, Map, Value, arithmetic, effort};

use super::{Compiled, Projected, entity, membership, over_lists, subquery, whole};
use crate::budget::{Budget, Tally};
use crate::counters::Counters;
use crate::functions::{FunctionContext, ScalarFunction, operators};
use crate::source::Source;
use crate::{Batch, Column, Remote, Transactions};

/// What an expression may read beside its batch.
pub struct Context<'a> {
    /// The statement's parameters.
    pub parameters: &'a Map,
    /// The statement's sources, by the number in each entity reference.
    pub sources: &'a mut [Box<dyn Source>],
    /// What functions may ask.
    pub functions: FunctionContext<'a>,
    /// What the statement may still spend.
    pub budget: &'a mut Budget,
    /// What the statement has changed.
    pub counters: &'a mut Counters,
    /// Who asks; `None` while nobody logs in.
    pub user: Option<&'a str>,
    /// The folder that `LOAD CSV` may read; `None` where it may read none.
    pub import_folder: Option<&'a Path>,
    /// What opens files on other machines; `None` where nothing does.
    pub remote: Option<&'a dyn Remote>,
    /// Transactions for batches of rows, where the statement has such batches.
    pub transactions: Option<&'a dyn Transactions>,
    /// The number by which whoever runs the statement knows its transaction.
    pub transaction: Option<u64>,
}

impl Context<'_> {
    /// Counts what a source was changed by to the memory of the statement.
    ///
    /// # Errors
    ///
    /// [`types::Code::MemoryLimit`] where that is more than it may hold.
    pub fn hold_changes(&mut self, source: u16) -> Result<(), Failure> {
        let bytes = self.sources.get(usize::from(source)).map_or(0, |source| source.changes_bytes());
        self.budget.hold_changes(bytes)
    }
}

/// Computes an expression for each row of a batch; what it made is the caller's, and no longer counted.
///
/// # Errors
///
/// What the first row that fails reports: a wrong type, an overflow, a missing parameter, a deleted entity, or that values
/// would take more than the statement may hold.
pub fn evaluate(expression: &Compiled, batch: &Batch, context: &mut Context<'_>) -> Result<Column, Failure> {
    let before = context.budget.memory_used_bytes();
    let column = make(expression, batch, context)?;
    context.budget.return_to(before);
    Ok(column)
}

/// As [`evaluate`]; what the column holds stays taken from the budget, for the caller to give back.
///
/// # Errors
///
/// As [`evaluate`].
pub fn make(expression: &Compiled, batch: &Batch, context: &mut Context<'_>) -> Result<Column, Failure> {
    // A condition may have many thousand parts, each of which looks at every row.
    if !effort::pay(batch.rows) {
        return Err(over());
    }
    let before = context.budget.memory_used_bytes();
    let column = compute(expression, batch, context)?;
    // What it was made of is gone.
    context.budget.settle(before, column.own_bytes())?;
    Ok(column)
}

fn compute(expression: &Compiled, batch: &Batch, context: &mut Context<'_>) -> Result<Column, Failure> {
    let rows = batch.rows;
    let constant = |value: Value| Column::Constant { value, rows };
    Ok(match expression {
        Compiled::Constant(value) => constant(value.clone()),
        Compiled::Slot(slot) => match batch.columns.get(*slot) {
            Some(column) => {
                context.budget.ask_for(column.long_bytes())?;
                column.clone()
            }
            None => constant(Value::Null),
        },
        Compiled::Parameter(name) => match context.parameters.get(name) {
            Some(value) => constant(value.clone()),
            None => return Err(Failure::new(Code::ParameterMissing, format!("Expected parameter(s): {name}"))),
        },
        Compiled::List(items) => {
            let columns = operands(items, batch, context)?;
            let mut copied = Copied::default();
            by_row(rows, |row| {
                let items = columns.iter().map(|column| copied.add(column.get(row)));
                Ok(Value::list(items.collect::<Result<_, _>>()?))
            })?
        }
        Compiled::Map(entries) => map(entries, batch, context)?,
        Compiled::Property(of, key) => match &**of {
            Compiled::Slot(slot) if *slot < batch.columns.len() => {
                entity::property(&batch.columns[*slot], key, context)?
            }
            _ => entity::property(&make(of, batch, context)?, key, context)?,
        },
        Compiled::Index(of, key) => {
            let (of, key) = (operand(of, batch, context)?, operand(key, batch, context)?);
            let (mut made, mut other) = (Value::Null, Value::Null);
            by_row_within(rows, context, |row, context| {
                entity::index(of.lend(row, &mut made), key.lend(row, &mut other), context)
            })?
        }
        Compiled::Slice(of, from, to) => {
            let of = operand(of, batch, context)?;
            let from = from.as_ref().map(|from| make(from, batch, context)).transpose()?;
            let to = to.as_ref().map(|to| make(to, batch, context)).transpose()?;
            let mut made = Value::Null;
            by_row_within(rows, context, |row, _| {
                let (from, to) = (from.as_ref().map(|from| from.get(row)), to.as_ref().map(|to| to.get(row)));
                operators::slice(paid(of.lend(row, &mut made))?, from.as_ref(), to.as_ref())
            })?
        }
        Compiled::HasLabels(of, test) => {
            let of = operand(of, batch, context)?;
            entity::has_labels(&of, test, batch, context)?
        }
        Compiled::Not(of) => {
            let of = make(of, batch, context)?;
            by_row(rows, |row| Ok(ternary(operators::truth(&of.get(row))?.map(|truth| !truth))))?
        }
        Compiled::Negate(of) => {
            let of = make(of, batch, context)?;
            by_row(rows, |row| arithmetic::negate(&of.get(row)))?
        }
        Compiled::And(left, right) => either(left, right, Some(false), operators::and, batch, context)?,
        Compiled::Or(left, right) => either(left, right, Some(true), operators::or, batch, context)?,
        Compiled::Xor(left, right) => binary(left, right, batch, context, |left, right| {
            Ok(ternary(operators::xor(operators::truth(left)?, operators::truth(right)?)))
        })?,
        Compiled::Equal { negated, left, right } => {
            let (left, right) = (operand(left, batch, context)?, operand(right, batch, context)?);
            match whole::equal(&left, &right, *negated, rows) {
                Some(found) => found,
                None => pairs(&left, &right, rows, context, |left, right| {
                    Ok(ternary(compare::equals(left, right).map(|equal| equal != *negated)))
                })?,
            }
        }
        Compiled::Inequality(which, left, right) => inequality(*which, left, right, batch, context)?,
        Compiled::Operator(run, left, right) => {
            let (left, right) = (operand(left, batch, context)?, operand(right, batch, context)?);
            match whole::operate(*run, &left, &right, rows)? {
                Some(found) => found,
                None => pairs(&left, &right, rows, context, run)?,
            }
        }
        Compiled::In(value, list) => {
            let (values, lists) = (operand(value, batch, context)?, operand(list, batch, context)?);
            Column::Values(membership::in_lists(&values, &lists)?)
        }
        Compiled::Matches(of, pattern) => {
            let (of, mut made) = (operand(of, batch, context)?, Value::Null);
            by_row(rows, |row| {
                Ok(match paid(of.lend(row, &mut made))? {
                    Value::String(text) => Value::Boolean(pattern.matches(text)),
                    _ => Value::Null,
                })
            })?
        }
        Compiled::IsNull(of, negated) => {
            let (of, mut made) = (operand(of, batch, context)?, Value::Null);
            by_row(rows, |row| Ok(Value::Boolean(of.lend(row, &mut made).is_null() != *negated)))?
        }
        Compiled::IsTyped(of, wanted, negated) => {
            let (of, mut made) = (operand(of, batch, context)?, Value::Null);
            by_row(rows, |row| Ok(Value::Boolean(wanted.holds(of.lend(row, &mut made)) != *negated)))?
        }
        Compiled::LineNumber => constant(context.functions.linenumber.map_or(Value::Null, Value::Integer)),
        Compiled::Call(run, arguments) => call(*run, &operands(arguments, batch, context)?, rows, context)?,
        Compiled::Coalesce(arguments) => coalesce(arguments, batch, context)?,
        Compiled::Entity(function, of) => {
            let of = operand(of, batch, context)?;
            entity::call_all(*function, &of, context)?
        }
        Compiled::Case { subject, branches, otherwise } => {
            case(subject.as_deref(), branches, otherwise, batch, context)?
        }
        Compiled::Comprehension { list, item, filter, projection } => {
            over_lists::comprehension(list, *item, filter.as_deref(), projection.as_deref(), batch, context)?
        }
        Compiled::Quantifier { kind, list, item, filter } => {
            over_lists::quantifier(*kind, list, *item, filter, batch, context)?
        }
        Compiled::Reduce { accumulator, initial, list, item, step, is_sum } => {
            let added = match &**step {
                Compiled::Operator(_, _, added) if *is_sum => Some(&**added),
                _ => None,
            };
            let how = over_lists::Reduce { accumulator: *accumulator, item: *item, step, added };
            over_lists::reduce(how, initial, list, batch, context)?
        }
        Compiled::MapProjection(subject, items) => map_projection(subject, items, batch, context)?,
        Compiled::Subquery(subquery) => subquery::run(subquery, batch, context)?,
        Compiled::Path { start, relationships } => entity::path_of(*start, relationships, batch)?,
    })
}

/// Gives the value of a three-valued truth.
pub(super) fn ternary(truth: Option<bool>) -> Value {
    truth.map_or(Value::Null, Value::Boolean)
}

/// Gives some rows of a batch, in order; what the copies of long texts take is taken from the budget.
fn gathered<'b>(batch: &'b Batch, rows: &[usize], context: &mut Context<'_>) -> Result<Cow<'b, Batch>, Failure> {
    if rows.len() == batch.rows {
        return Ok(Cow::Borrowed(batch));
    }
    let some = batch.gather(rows);
    context.budget.take_memory(some.long_bytes())?;
    Ok(Cow::Owned(some))
}

/// Makes a column by computing each row's value.
pub(super) fn by_row(rows: usize, compute: impl FnMut(usize) -> Result<Value, Failure>) -> Result<Column, Failure> {
    Ok(Column::Values((0..rows).map(compute).collect::<Result<_, Failure>>()?))
}

/// Lends a value for which its reading was paid; fails once the statement is over.
#[inline]
pub(super) fn paid(value: &Value) -> Result<&Value, Failure> {
    if effort::pay_for(value) { Ok(value) } else { Err(over()) }
}

/// Ends a computation of which nothing will be seen: whoever ended the statement has the reason.
#[cold]
pub(crate) fn over() -> Failure {
    Failure::new(Code::TransactionTerminated, "Explicitly terminated by the user.")
}

/// Copies of long texts that one expression makes for the rows of a batch.
#[derive(Default)]
struct Copied(usize);

impl Copied {
    /// Takes a copy; fails where all of them would take more than the statement may.
    fn add(&mut self, value: Value) -> Result<Value, Failure> {
        self.0 += value.long_bytes();
        if effort::may_copy(self.0) { Ok(value) } else { Err(over()) }
    }
}

/// As [`by_row`], for values that may be long: each is counted before the next is made.
pub(super) fn by_row_within(
    rows: usize,
    context: &mut Context<'_>,
    mut compute: impl FnMut(usize, &mut Context<'_>) -> Result<Value, Failure>,
) -> Result<Column, Failure> {
    let (mut values, mut held) = (Vec::with_capacity(rows), Tally::default());
    for row in 0..rows {
        let value = compute(row, context)?;
        // A long list that was made took as long as one that is read.
        held.add(paid(&value)?.own_bytes(), context.budget)?;
        values.push(value);
    }
    Ok(Column::Values(values))
}

/// Calls a function for each row. A single argument is lent; several are copied, long texts only where there is room: what
/// the copies take, the result may not.
fn call(
    run: ScalarFunction,
    columns: &[Cow<'_, Column>],
    rows: usize,
    context: &mut Context<'_>,
) -> Result<Column, Failure> {
    let (mut values, mut made) = (Vec::with_capacity(columns.len()), Value::Null);
    by_row_within(rows, context, |row, context| {
        context.functions.memory_max_bytes = context.budget.memory_left_bytes();
        if let [column] = columns {
            return run(&mut context.functions, std::slice::from_ref(paid(column.lend(row, &mut made))?));
        }
        let mut copied = Copied::default();
        values.clear();
        for column in columns {
            values.push(copied.add(column.get(row))?);
        }
        values.iter().try_for_each(|value| paid(value).map(drop))?;
        context.functions.memory_max_bytes = context.functions.memory_max_bytes.saturating_sub(copied.0);
        run(&mut context.functions, &values)
    })
}

fn operands<'b>(
    expressions: &[Compiled],
    batch: &'b Batch,
    context: &mut Context<'_>,
) -> Result<Vec<Cow<'b, Column>>, Failure> {
    expressions.iter().map(|expression| operand(expression, batch, context)).collect()
}

fn binary(
    left: &Compiled,
    right: &Compiled,
    batch: &Batch,
    context: &mut Context<'_>,
    run: impl FnMut(&Value, &Value) -> Result<Value, Failure>,
) -> Result<Column, Failure> {
    let (left, right) = (operand(left, batch, context)?, operand(right, batch, context)?);
    pairs(&left, &right, batch.rows, context, run)
}

/// Computes each row of two columns.
fn pairs(
    left: &Column,
    right: &Column,
    rows: usize,
    context: &mut Context<'_>,
    mut run: impl FnMut(&Value, &Value) -> Result<Value, Failure>,
) -> Result<Column, Failure> {
    let (mut made, mut other) = (Value::Null, Value::Null);
    by_row_within(rows, context, |row, _| run(paid(left.lend(row, &mut made))?, paid(right.lend(row, &mut other))?))
}

/// As [`make`]; what a slot has is only lent: it may be long texts.
pub(super) fn operand<'b>(
    expression: &Compiled,
    batch: &'b Batch,
    context: &mut Context<'_>,
) -> Result<Cow<'b, Column>, Failure> {
    match expression {
        Compiled::Slot(slot) if *slot < batch.columns.len() => Ok(Cow::Borrowed(&batch.columns[*slot])),
        other => make(other, batch, context).map(Cow::Owned),
    }
}

/// Compares the values of two columns.
fn inequality(
    which: Inequality,
    left: &Compiled,
    right: &Compiled,
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<Column, Failure> {
    let (left, right) = (operand(left, batch, context)?, operand(right, batch, context)?);
    if let Some(found) = whole::compare(which, &left, &right, batch.rows) {
        return Ok(found);
    }
    let (mut made, mut other) = (Value::Null, Value::Null);
    let mut holds = |row| compare::holds(which, left.lend(row, &mut made), right.lend(row, &mut other));
    let found = (0..batch.rows).map(|row| ternary(holds(row))).collect();
    Ok(Column::Values(found))
}

/// `AND` and `OR`: the right side is computed only for rows that the left side does not decide.
fn either(
    left: &Compiled,
    right: &Compiled,
    decides: Option<bool>,
    join: fn(Option<bool>, Option<bool>) -> Option<bool>,
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<Column, Failure> {
    let left = make(left, batch, context)?;
    let left = (0..batch.rows).map(|row| operators::truth(&left.get(row))).collect::<Result<Vec<_>, _>>()?;
    let open: Vec<usize> = (0..batch.rows).filter(|row| left[*row] != decides).collect();
    let mut found: Vec<Value> = left.iter().map(|truth| ternary(*truth)).collect();
    if !open.is_empty() {
        let right = make(right, &*gathered(batch, &open, context)?, context)?;
        for (at, row) in open.into_iter().enumerate() {
            found[row] = ternary(join(left[row], operators::truth(&right.get(at))?));
        }
    }
    Ok(Column::Values(found))
}

fn case(
    subject: Option<&Compiled>,
    branches: &[(Compiled, Compiled)],
    otherwise: &Compiled,
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<Column, Failure> {
    let subject = subject.map(|subject| operand(subject, batch, context)).transpose()?;
    let mut found = vec![Value::Null; batch.rows];
    let mut open: Vec<usize> = (0..batch.rows).collect();
    for (when, then) in branches {
        if open.is_empty() {
            break;
        }
        let before = context.budget.memory_used_bytes();
        let tested = make(when, &*gathered(batch, &open, context)?, context)?;
        context.budget.settle(before, tested.own_bytes())?;
        let (mut taken, mut left) = (Vec::new(), Vec::new());
        for (at, row) in open.into_iter().enumerate() {
            let holds = match &subject {
                Some(subject) => compare::equals(&subject.get(row), &tested.get(at)),
                None => operators::truth(&tested.get(at))?,
            };
            if holds == Some(true) { taken.push(row) } else { left.push(row) }
        }
        scatter(then, &taken, &mut found, batch, context)?;
        open = left;
    }
    scatter(otherwise, &open, &mut found, batch, context)?;
    Ok(Column::Values(found))
}

/// `coalesce`: each argument is computed only for rows in which those before it are null.
fn coalesce(arguments: &[Compiled], batch: &Batch, context: &mut Context<'_>) -> Result<Column, Failure> {
    let (first, others) = arguments.split_first().expect("the compiler counted the arguments");
    let (first, mut made) = (make(first, batch, context)?, Value::Null);
    let mut open: Vec<usize> = (0..batch.rows).filter(|row| first.lend(*row, &mut made).is_null()).collect();
    if open.is_empty() {
        return Ok(first);
    }
    let mut found = first.into_values();
    for argument in others {
        scatter(argument, &open, &mut found, batch, context)?;
        open.retain(|row| found[*row].is_null());
    }
    Ok(Column::Values(found))
}

/// Computes an expression for some rows and puts each value in its row's place.
fn scatter(
    expression: &Compiled,
    rows: &[usize],
    found: &mut [Value],
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    let before = context.budget.memory_used_bytes();
    let some = match expression {
        // What reads no row needs nothing of it.
        Compiled::Constant(_) | Compiled::Parameter(_) => Cow::Owned(Batch { columns: Vec::new(), rows: rows.len() }),
        _ => gathered(batch, rows, context)?,
    };
    let made = make(expression, &some, context)?;
    context.budget.settle(before, made.own_bytes())?;
    for (row, value) in rows.iter().zip(made.into_values()) {
        found[*row] = value;
    }
    Ok(())
}

fn map(
    entries: &[(compact_str::CompactString, Compiled)],
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<Column, Failure> {
    let columns = entries
        .iter()
        .map(|(key, value)| Ok((key, make(value, batch, context)?)))
        .collect::<Result<Vec<_>, Failure>>()?;
    let mut copied = Copied::default();
    by_row(batch.rows, |row| {
        let entries = columns.iter().map(|(key, column)| Ok(((*key).clone(), copied.add(column.get(row))?)));
        Ok(Value::map(entries.collect::<Result<_, Failure>>()?))
    })
}

fn map_projection(
    subject: &Compiled,
    items: &[Projected],
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<Column, Failure> {
    let subject = operand(subject, batch, context)?;
    let (mut made, mut held) = (vec![Map::new(); batch.rows], Tally::default());
    for item in items {
        match item {
            Projected::All => {
                for (row, entries) in made.iter_mut().enumerate() {
                    let all = entity::properties_of(&subject.get(row), context)?;
                    held.add(all.values().map(Value::own_bytes).sum(), context.budget)?;
                    entries.extend(all);
                }
            }
            Projected::Entry(key, value) => {
                let values = make(value, batch, context)?.into_values();
                for (entries, value) in made.iter_mut().zip(values) {
                    entries.insert(key.clone(), value);
                }
            }
        }
    }
    let mut made = made.into_iter();
    by_row(batch.rows, |row| {
        let entries = made.next().unwrap_or_default();
        Ok(if subject.get(row).is_null() { Value::Null } else { Value::map(entries) })
    })
}
