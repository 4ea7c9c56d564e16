//! Rows held as columns, typed where the plan knows the type.

use types::value::heap_bytes;
use types::{NodeId, NodeRef, RelationshipRef, Value, effort};

/// One column of a batch: a value for each row.
#[derive(Clone, Debug)]
pub enum Column {
    /// Values of any type.
    Values(Vec<Value>),
    /// Integers without nulls.
    Integers(Vec<i64>),
    /// Floats without nulls.
    Floats(Vec<f64>),
    /// Nodes of one source, without nulls.
    Nodes {
        /// The source's place in the statement's list.
        source: u16,
        /// A node for each row.
        ids: Vec<NodeId>,
    },
    /// Relationships, without nulls.
    Relationships(Vec<RelationshipRef>),
    /// Lists of relationships, without nulls.
    Trails {
        /// Where each row's list ends in `found`; the first begins at 0.
        ends: Vec<usize>,
        /// The lists, one after the other.
        found: Vec<RelationshipRef>,
    },
    /// The same value in each row.
    Constant {
        /// The value.
        value: Value,
        /// How many rows there are.
        rows: usize,
    },
}

impl Column {
    /// Counts the rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Values(values) => values.len(),
            Self::Integers(values) => values.len(),
            Self::Floats(values) => values.len(),
            Self::Nodes { ids, .. } => ids.len(),
            Self::Relationships(found) => found.len(),
            Self::Trails { ends, .. } => ends.len(),
            Self::Constant { rows, .. } => *rows,
        }
    }

    /// Gives the value of one row.
    #[must_use]
    pub fn get(&self, row: usize) -> Value {
        match self {
            Self::Values(values) => values[row].clone(),
            Self::Integers(values) => Value::Integer(values[row]),
            Self::Floats(values) => Value::Float(values[row]),
            Self::Nodes { source, ids } => Value::NodeRef(NodeRef { source: *source, id: ids[row] }),
            Self::Relationships(found) => Value::RelationshipRef(Box::new(found[row])),
            Self::Trails { ends, found } => {
                let list = trail(ends, found, row).iter().map(|found| Value::RelationshipRef(Box::new(*found)));
                Value::list(list.collect())
            }
            Self::Constant { value, .. } => value.clone(),
        }
    }

    /// Lends the value of one row, without a copy where the column holds values; `made` holds it where it does not.
    pub fn lend<'a>(&'a self, row: usize, made: &'a mut Value) -> &'a Value {
        match self {
            Self::Values(values) => &values[row],
            Self::Constant { value, .. } => value,
            typed => {
                *made = typed.get(row);
                made
            }
        }
    }

    /// Gives the column as values, without a copy where it holds values already.
    #[must_use]
    pub fn into_values(self) -> Vec<Value> {
        match self {
            Self::Values(values) => values,
            // Many copies of a long text are refused; the statement fails, so that nobody sees what stands for them.
            Self::Constant { value, rows } if !effort::may_copy(value.long_bytes().saturating_mul(rows)) => {
                vec![Value::Null; rows]
            }
            other => (0..other.rows()).map(|row| other.get(row)).collect(),
        }
    }

    /// Estimates the bytes held, for memory budgets.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Values(values) => values.iter().map(Value::memory_bytes).sum(),
            Self::Integers(_) | Self::Floats(_) | Self::Nodes { .. } => self.rows() * size_of::<u64>(),
            Self::Relationships(found) => found.len() * size_of::<RelationshipRef>(),
            Self::Trails { ends, found } => {
                ends.len() * size_of::<usize>() + heap_bytes(found.len() * size_of::<RelationshipRef>())
            }
            // Put together with others, it becomes a value for each row; texts are copied for that.
            Self::Constant { value, rows } => {
                value.memory_bytes() + rows.saturating_mul(size_of::<Value>() + value.long_bytes())
            }
        }
    }

    /// Estimates the bytes on the heap that nobody but this column holds, beside a place for each row.
    #[must_use]
    pub fn own_bytes(&self) -> usize {
        match self {
            Self::Values(values) => values.iter().map(Value::own_bytes).sum(),
            Self::Constant { value, .. } => value.own_bytes(),
            Self::Trails { found, .. } => found.len() * size_of::<RelationshipRef>(),
            Self::Integers(_) | Self::Floats(_) | Self::Nodes { .. } | Self::Relationships(_) => 0,
        }
    }

    /// Tells the bytes of long texts, which a copy of the column takes again.
    #[must_use]
    pub fn long_bytes(&self) -> usize {
        match self {
            Self::Values(values) => values.iter().map(Value::long_bytes).sum(),
            Self::Constant { value, .. } => value.long_bytes(),
            _ => 0,
        }
    }

    /// Adds the rows of another column at the end.
    pub fn append(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Integers(values), Self::Integers(more)) => values.extend(more),
            (Self::Floats(values), Self::Floats(more)) => values.extend(more),
            (Self::Nodes { source, ids }, Self::Nodes { source: other, ids: more }) if *source == other => {
                ids.extend(more);
            }
            (Self::Relationships(found), Self::Relationships(more)) => found.extend(more),
            (Self::Trails { ends, found }, Self::Trails { ends: more_ends, found: more }) => {
                ends.extend(more_ends.into_iter().map(|end| found.len() + end));
                found.extend(more);
            }
            (Self::Constant { value: Value::Null, rows }, Self::Constant { value: Value::Null, rows: more }) => {
                *rows += more;
            }
            (Self::Values(values), more) => values.extend(more.into_values()),
            (_, other) => {
                let mut values = std::mem::replace(self, Self::Integers(Vec::new())).into_values();
                values.extend(other.into_values());
                *self = Self::Values(values);
            }
        }
    }

    /// Takes the rows from `at` on off the end.
    #[must_use]
    pub fn split_off(&mut self, at: usize) -> Self {
        match self {
            Self::Values(values) => Self::Values(values.split_off(at)),
            Self::Integers(values) => Self::Integers(values.split_off(at)),
            Self::Floats(values) => Self::Floats(values.split_off(at)),
            Self::Nodes { source, ids } => Self::Nodes { source: *source, ids: ids.split_off(at) },
            Self::Relationships(found) => Self::Relationships(found.split_off(at)),
            Self::Trails { ends, found } => {
                let start = at.checked_sub(1).map_or(0, |before| ends[before]);
                let ends = ends.split_off(at).into_iter().map(|end| end - start).collect();
                Self::Trails { ends, found: found.split_off(start) }
            }
            Self::Constant { value, rows } => {
                let rest = Self::Constant { value: value.clone(), rows: *rows - at };
                *rows = at;
                rest
            }
        }
    }

    /// Gives room back that is not filled: for columns that are kept as they are.
    pub fn shrink(&mut self) {
        match self {
            Self::Values(values) => fit(values),
            Self::Integers(values) => fit(values),
            Self::Floats(values) => fit(values),
            Self::Nodes { ids, .. } => fit(ids),
            Self::Relationships(found) => fit(found),
            Self::Trails { ends, found } => {
                fit(ends);
                fit(found);
            }
            Self::Constant { .. } => {}
        }
    }

    /// Tells the bytes that adding so many rows takes for a moment: while a column grows it is there twice.
    #[must_use]
    pub fn growth_bytes(&self, rows: usize) -> usize {
        let (spare, item) = match self {
            Self::Values(values) => (values.capacity() - values.len(), size_of::<Value>()),
            Self::Integers(values) => (values.capacity() - values.len(), size_of::<i64>()),
            Self::Floats(values) => (values.capacity() - values.len(), size_of::<f64>()),
            Self::Nodes { ids, .. } => (ids.capacity() - ids.len(), size_of::<NodeId>()),
            Self::Relationships(found) => (found.capacity() - found.len(), size_of::<RelationshipRef>()),
            // It becomes values.
            Self::Trails { .. } | Self::Constant { .. } => (0, size_of::<Value>()),
        };
        if spare >= rows { 0 } else { (self.rows() + rows) * item }
    }

    /// Picks rows by number, in the order given; a row may come more than once.
    #[must_use]
    pub fn gather(&self, rows: &[usize]) -> Self {
        match self {
            Self::Values(values) => copies(values, rows),
            Self::Integers(values) => Self::Integers(rows.iter().map(|row| values[*row]).collect()),
            Self::Floats(values) => Self::Floats(rows.iter().map(|row| values[*row]).collect()),
            Self::Nodes { source, ids } => {
                Self::Nodes { source: *source, ids: rows.iter().map(|row| ids[*row]).collect() }
            }
            Self::Relationships(found) => Self::Relationships(rows.iter().map(|row| found[*row]).collect()),
            Self::Trails { ends, found } => {
                let (mut picked_ends, mut picked) = (Vec::with_capacity(rows.len()), Vec::new());
                for row in rows {
                    picked.extend_from_slice(trail(ends, found, *row));
                    picked_ends.push(picked.len());
                }
                Self::Trails { ends: picked_ends, found: picked }
            }
            Self::Constant { value, .. } => Self::Constant { value: value.clone(), rows: rows.len() },
        }
    }
}

/// Copies values; long texts, which no two values share, are kept once where all are the same, and else bounded.
fn copies(values: &[Value], rows: &[usize]) -> Column {
    let (mut bytes, mut copied) = (0, Vec::with_capacity(rows.len()));
    for row in rows {
        let size = values[*row].long_bytes();
        if size > 0 {
            if copied.is_empty() && rows.len() > 1 && rows.iter().all(|other| other == row) {
                return Column::Constant { value: values[*row].clone(), rows: rows.len() };
            }
            bytes += size;
            if !effort::may_copy(bytes) {
                copied.resize(rows.len(), Value::Null);
                return Column::Values(copied);
            }
        }
        copied.push(values[*row].clone());
    }
    Column::Values(copied)
}

/// Gives room back where it is worth the copy.
fn fit<T>(list: &mut Vec<T>) {
    if list.capacity() - list.len() > list.len() / 16 {
        list.shrink_to_fit();
    }
}

/// Gives the relationships of one row of [`Column::Trails`].
pub(crate) fn trail<'a>(ends: &[usize], found: &'a [RelationshipRef], row: usize) -> &'a [RelationshipRef] {
    let start = row.checked_sub(1).map_or(0, |before| ends[before]);
    &found[start..ends[row]]
}

/// Rows between two operators: a column for each slot of the plan.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The columns, by slot; all have `rows` rows.
    pub columns: Vec<Column>,
    /// How many rows there are; a batch may have rows and no columns.
    pub rows: usize,
}

impl Batch {
    /// Most rows of a batch.
    pub const ROWS_MAX: usize = 1_024;
    /// Bytes of long texts after which no more are copied into one batch.
    pub const LONG_MAX_BYTES: usize = 1 << 20;

    /// Picks rows by number, in the order given.
    #[must_use]
    pub fn gather(&self, rows: &[usize]) -> Self {
        Self { columns: self.columns.iter().map(|column| column.gather(rows)).collect(), rows: rows.len() }
    }

    /// Takes the rows from `at` on off the end.
    #[must_use]
    pub fn split_off(&mut self, at: usize) -> Self {
        let rows = std::mem::replace(&mut self.rows, at) - at;
        Self { columns: self.columns.iter_mut().map(|column| column.split_off(at)).collect(), rows }
    }

    /// Gives the value of a slot in one row; null where nothing ever filled the slot.
    #[must_use]
    pub fn value(&self, slot: usize, row: usize) -> Value {
        self.columns.get(slot).map_or(Value::Null, |column| column.get(row))
    }

    /// Gives the column of a slot; nulls where nothing ever filled the slot.
    #[must_use]
    pub fn column(&self, slot: usize) -> Column {
        let empty = || Column::Constant { value: Value::Null, rows: self.rows };
        self.columns.get(slot).cloned().unwrap_or_else(empty)
    }

    /// Adds the rows of another batch at the end; a slot that only one of them has is null in the other's rows.
    pub fn append(&mut self, mut other: Self) {
        if self.rows == 0 {
            *self = other;
            return;
        }
        let (rows, slots) = (self.rows, self.columns.len().max(other.columns.len()));
        let empty = |rows| Column::Constant { value: Value::Null, rows };
        self.columns.resize_with(slots, || empty(rows));
        other.columns.resize_with(slots, || empty(other.rows));
        for (column, more) in self.columns.iter_mut().zip(other.columns) {
            column.append(more);
        }
        self.rows += other.rows;
    }

    /// Estimates the bytes held, for memory budgets.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.columns.iter().map(Column::memory_bytes).sum()
    }

    /// Tells the bytes of long texts, which a copy of the rows takes again.
    #[must_use]
    pub fn long_bytes(&self) -> usize {
        self.columns.iter().map(Column::long_bytes).sum()
    }

    /// As [`Batch::long_bytes`] for one row.
    #[must_use]
    pub fn long_bytes_of(&self, row: usize) -> usize {
        let of = |column: &Column| match column {
            Column::Values(values) => values[row].long_bytes(),
            Column::Constant { value, .. } => value.long_bytes(),
            _ => 0,
        };
        self.columns.iter().map(of).sum()
    }

    /// Adds a column at the end, or at a slot that is there already.
    pub fn set(&mut self, slot: usize, column: Column) {
        while self.columns.len() <= slot {
            self.columns.push(Column::Constant { value: Value::Null, rows: self.rows });
        }
        self.columns[slot] = column;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_picked_in_any_order() {
        let mut batch = Batch { columns: Vec::new(), rows: 3 };
        batch.set(1, Column::Integers(vec![10, 20, 30]));
        batch.set(2, Column::Nodes { source: 0, ids: vec![NodeId(1), NodeId(2), NodeId(3)] });
        let picked = batch.gather(&[2, 0, 2]);
        assert_eq!(picked.rows, 3);
        assert!(picked.columns[0].get(1).is_null());
        assert_eq!(picked.columns[1].clone().into_values(), [30, 10, 30].map(Value::Integer));
        assert_eq!(picked.columns[2].get(0), Value::NodeRef(NodeRef { source: 0, id: NodeId(3) }));
    }

    #[test]
    fn trails_are_lists_of_relationships() {
        let step = |id| RelationshipRef {
            source: 0,
            id: types::RelationshipId(id),
            kind: types::TypeId(0),
            start: NodeId(0),
            end: NodeId(0),
        };
        let mut column = Column::Trails { ends: vec![2, 2], found: vec![step(1), step(2)] };
        column.append(Column::Trails { ends: vec![1], found: vec![step(3)] });
        let list =
            |ids: &[u64]| Value::list(ids.iter().map(|id| Value::RelationshipRef(Box::new(step(*id)))).collect());
        assert_eq!(column.gather(&[2, 1, 0]).into_values(), [list(&[3]), list(&[]), list(&[1, 2])]);
        assert_eq!(column.rows(), 3);
        let mut whole = column.clone();
        let rest = whole.split_off(1);
        assert_eq!((whole.into_values(), rest.into_values()), (vec![list(&[1, 2])], vec![list(&[]), list(&[3])]));
        column.append(Column::Integers(vec![4]));
        assert_eq!((column.get(2), column.get(3)), (list(&[3]), 4.into()));
    }

    #[test]
    fn batches_are_joined_whatever_their_columns() {
        let mut batch = Batch { columns: vec![Column::Integers(vec![1])], rows: 1 };
        batch.append(Batch { columns: vec![Column::Integers(vec![2]), Column::Floats(vec![0.5])], rows: 1 });
        assert!(matches!(&batch.columns[0], Column::Integers(values) if values == &[1, 2]));
        assert_eq!(batch.columns[1].clone().into_values(), [Value::Null, Value::Float(0.5)]);
        batch.append(Batch { columns: vec![Column::Constant { value: "a".into(), rows: 2 }], rows: 2 });
        assert_eq!(batch.columns[0].clone().into_values(), [1.into(), 2.into(), "a".into(), "a".into()]);
        assert!((batch.rows == 4) && batch.value(1, 3).is_null() && batch.value(7, 0).is_null());
    }
}
