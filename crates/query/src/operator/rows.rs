//! Rows that an operator keeps: in batches, because a column that grew as one would be there twice each time.
//! Leaves their order, and what they are kept for, to the operators.
//! Start reading at [`Rows::push`], then [`Rows::pick`].

use types::{Value, effort};

use crate::{Batch, Column};

/// Kept rows, numbered in the order in which they came.
#[derive(Default)]
pub(super) struct Rows {
    /// All but the last are full, and take no more room than their rows.
    batches: Vec<Batch>,
}

impl Rows {
    /// Counts the rows.
    pub fn len(&self) -> usize {
        self.batches.last().map_or(0, |last| (self.batches.len() - 1) * Batch::ROWS_MAX + last.rows)
    }

    /// Adds rows at the end.
    pub fn push(&mut self, mut batch: Batch) {
        if let Some(last) = self.batches.last_mut() {
            let room = Batch::ROWS_MAX - last.rows;
            let rest = (room < batch.rows).then(|| batch.split_off(room));
            last.append(batch);
            shrink_full(last);
            match rest {
                Some(rest) => batch = rest,
                None => return,
            }
        }
        while batch.rows > Batch::ROWS_MAX {
            let rest = batch.split_off(Batch::ROWS_MAX);
            shrink_full(&mut batch);
            self.batches.push(std::mem::replace(&mut batch, rest));
        }
        if batch.rows > 0 {
            shrink_full(&mut batch);
            self.batches.push(batch);
        }
    }

    /// Copies rows by number, in the order given.
    pub fn pick(&self, numbers: &[u32]) -> Batch {
        let columns = (0..self.slots()).map(|slot| match self.pick_typed(slot, numbers) {
            Some(column) => column,
            None => self.pick_values(slot, numbers),
        });
        Batch { columns: columns.collect(), rows: numbers.len() }
    }

    /// As [`Rows::pick`] for rows that are not asked for again: their values are moved.
    pub fn take(&mut self, numbers: &[u32]) -> Batch {
        let mut out = Batch { columns: Vec::new(), rows: numbers.len() };
        for slot in 0..self.slots() {
            let column = match self.pick_typed(slot, numbers) {
                Some(column) => column,
                None => Column::Values(numbers.iter().map(|number| self.take_value(slot, *number)).collect()),
            };
            out.columns.push(column);
        }
        out
    }

    /// Estimates the bytes held, for memory budgets.
    pub fn memory_bytes(&self) -> usize {
        self.batches.iter().map(Batch::memory_bytes).sum()
    }

    /// Counts the slots: rows that came later may have more of them.
    fn slots(&self) -> usize {
        let of = |batch: Option<&Batch>| batch.map_or(0, |batch| batch.columns.len());
        of(self.batches.first()).max(of(self.batches.last()))
    }

    fn at(&self, slot: usize, number: u32) -> (Option<&Column>, usize) {
        let (batch, row) = place(number);
        (self.batches[batch].columns.get(slot), row)
    }

    fn take_value(&mut self, slot: usize, number: u32) -> Value {
        let (batch, row) = place(number);
        match self.batches[batch].columns.get_mut(slot) {
            Some(Column::Values(values)) => std::mem::take(&mut values[row]),
            Some(column) => column.get(row),
            None => Value::Null,
        }
    }

    /// Picks from columns of numbers or entities; none where one of them holds values, or they differ.
    fn pick_typed(&self, slot: usize, numbers: &[u32]) -> Option<Column> {
        let at = |number: &u32| self.at(slot, *number);
        let column = match at(numbers.first()?).0? {
            Column::Integers(_) => {
                let one =
                    |number| if let (Some(Column::Integers(of)), row) = at(number) { Some(of[row]) } else { None };
                Column::Integers(numbers.iter().map(one).collect::<Option<_>>()?)
            }
            Column::Floats(_) => {
                let one = |number| if let (Some(Column::Floats(of)), row) = at(number) { Some(of[row]) } else { None };
                Column::Floats(numbers.iter().map(one).collect::<Option<_>>()?)
            }
            Column::Nodes { source, .. } => {
                let one = |number| match at(number) {
                    (Some(Column::Nodes { source: other, ids }), row) if source == other => Some(ids[row]),
                    _ => None,
                };
                Column::Nodes { source: *source, ids: numbers.iter().map(one).collect::<Option<_>>()? }
            }
            Column::Relationships(_) => {
                let one = |number| match at(number) {
                    (Some(Column::Relationships(of)), row) => Some(of[row]),
                    _ => None,
                };
                Column::Relationships(numbers.iter().map(one).collect::<Option<_>>()?)
            }
            Column::Values(_) | Column::Trails { .. } | Column::Constant { .. } => return None,
        };
        Some(column)
    }

    /// Copies values; long texts, which no two values share, are bounded.
    fn pick_values(&self, slot: usize, numbers: &[u32]) -> Column {
        let (mut bytes, mut made) = (0, Value::Null);
        let one = |number: &u32| match self.at(slot, *number) {
            (Some(column), row) => {
                let value = column.lend(row, &mut made);
                bytes += value.long_bytes();
                if bytes == 0 || effort::may_copy(bytes) { value.clone() } else { Value::Null }
            }
            (None, _) => Value::Null,
        };
        Column::Values(numbers.iter().map(one).collect())
    }
}

/// Gives back what a batch has room for beyond its rows, once no more are added.
fn shrink_full(batch: &mut Batch) {
    if batch.rows == Batch::ROWS_MAX {
        batch.columns.iter_mut().for_each(Column::shrink);
    }
}

fn place(number: u32) -> (usize, usize) {
    let number = number as usize;
    (number / Batch::ROWS_MAX, number % Batch::ROWS_MAX)
}

#[cfg(test)]
mod tests {
    use types::NodeId;

    use super::*;

    fn batch(from: i64, rows: usize) -> Batch {
        let numbers = || (0..rows).map(|row| from + i64::try_from(row).expect("few"));
        let columns = vec![
            Column::Integers(numbers().collect()),
            Column::Values(numbers().map(|number| Value::from(format!("row {number}").as_str())).collect()),
            Column::Nodes { source: 0, ids: numbers().map(|number| NodeId(number.unsigned_abs())).collect() },
        ];
        Batch { columns, rows }
    }

    #[test]
    fn f52_rows_are_found_by_number_however_they_came() {
        let (mut rows, mut next) = (Rows::default(), 0_u32);
        for size in [1, 1_000, 0, 24, 1_024, 3_000, 7, 1_023] {
            rows.push(batch(i64::from(next), size));
            next += u32::try_from(size).expect("few");
        }
        assert_eq!(rows.len(), next as usize);
        assert!(rows.batches.iter().rev().skip(1).all(|batch| batch.rows == Batch::ROWS_MAX));
        let numbers: Vec<u32> = (0..next).map(|at| at * 7_919 % next).collect();
        let picked = rows.pick(&numbers);
        assert!(matches!(picked.columns[2], Column::Nodes { .. }));
        let taken = rows.take(&numbers);
        for out in [&picked, &taken] {
            assert_eq!(out.rows, numbers.len());
            for (row, number) in numbers.iter().enumerate() {
                assert_eq!(out.value(0, row), Value::Integer(i64::from(*number)));
                assert_eq!(out.value(1, row), Value::from(format!("row {number}").as_str()));
            }
        }
        assert!(rows.pick(&[0]).value(1, 0).is_null(), "it was taken");
    }

    #[test]
    fn f52_columns_that_differ_become_values() {
        let mut rows = Rows::default();
        rows.push(batch(0, 1_024));
        rows.push(Batch { columns: vec![Column::Floats(vec![0.5])], rows: 1 });
        let picked = rows.pick(&[1_024, 3]);
        assert_eq!(picked.columns[0].clone().into_values(), [Value::Float(0.5), 3.into()]);
        assert!(picked.value(1, 0).is_null() && picked.value(1, 1) == Value::from("row 3"));
    }
}
