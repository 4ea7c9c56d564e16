//! Arithmetic and comparison over columns of integers, which never become values.
//! Leaves every other column to `evaluate`. Start reading at [`operate`].

use types::compare::Inequality;
use types::{Failure, Value};

use crate::Column;

/// An integer for each row.
enum Whole<'a> {
    Each(&'a [i64]),
    Same(i64),
}

impl<'a> Whole<'a> {
    fn of(column: &'a Column) -> Option<Self> {
        match column {
            Column::Integers(numbers) => Some(Self::Each(numbers)),
            Column::Constant { value: Value::Integer(number), .. } => Some(Self::Same(*number)),
            _ => None,
        }
    }

    fn get(&self, row: usize) -> i64 {
        match self {
            Self::Each(numbers) => numbers[row],
            Self::Same(number) => *number,
        }
    }
}

/// Computes an operator; nothing where a side or a result is no integer.
pub(super) fn operate(
    run: fn(&Value, &Value) -> Result<Value, Failure>,
    left: &Column,
    right: &Column,
    rows: usize,
) -> Result<Option<Column>, Failure> {
    let (Some(left), Some(right)) = (Whole::of(left), Whole::of(right)) else { return Ok(None) };
    let mut found = Vec::with_capacity(rows);
    for row in 0..rows {
        match run(&Value::Integer(left.get(row)), &Value::Integer(right.get(row)))? {
            Value::Integer(number) => found.push(number),
            _ => return Ok(None),
        }
    }
    Ok(Some(Column::Integers(found)))
}

/// Tells which rows are equal, or with `negated` which are not; nothing where a side is no integer.
pub(super) fn equal(left: &Column, right: &Column, negated: bool, rows: usize) -> Option<Column> {
    test(left, right, rows, |left, right| (left == right) != negated)
}

/// Compares by size; nothing where a side is no integer.
pub(super) fn compare(which: Inequality, left: &Column, right: &Column, rows: usize) -> Option<Column> {
    test(left, right, rows, |left, right| which.accepts(left.cmp(&right)))
}

fn test(left: &Column, right: &Column, rows: usize, holds: impl Fn(i64, i64) -> bool) -> Option<Column> {
    let (left, right) = (Whole::of(left)?, Whole::of(right)?);
    Some(Column::Values((0..rows).map(|row| Value::Boolean(holds(left.get(row), right.get(row)))).collect()))
}

#[cfg(test)]
mod tests {
    use types::arithmetic;

    use super::*;

    #[test]
    fn integers_stay_integers_and_nothing_else_is_touched() {
        let numbers = Column::Integers(vec![7, -8]);
        let two = Column::Constant { value: 2.into(), rows: 2 };
        let operate = |run, right: &Column| operate(run, &numbers, right, 2);
        assert!(matches!(operate(arithmetic::modulo, &two), Ok(Some(Column::Integers(found))) if found == [1, 0]));
        assert!(matches!(operate(arithmetic::power, &two), Ok(None)), "a float");
        assert!(operate(arithmetic::multiply, &Column::Integers(vec![1, i64::MIN])).is_err(), "beyond 64 bits");
        assert!(matches!(operate(arithmetic::add, &Column::Values(vec![Value::Null, 1.into()])), Ok(None)));
        let found = |found: Option<Column>| found.map(|found| [found.get(0), found.get(1)]);
        assert_eq!(found(equal(&numbers, &Column::Integers(vec![7, 7]), false, 2)), Some([true.into(), false.into()]));
        assert_eq!(found(equal(&numbers, &two, true, 2)), Some([true.into(), true.into()]));
        assert_eq!(found(compare(Inequality::Less, &numbers, &two, 2)), Some([false.into(), true.into()]));
        assert!(equal(&numbers, &Column::Floats(vec![7.0, 7.0]), false, 2).is_none());
    }
}
