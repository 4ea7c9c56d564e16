//! Rows with equivalent values, by number: what grouping, `DISTINCT` and hash joins share.
//! Leaves what a group is for to its users.
//! Start reading at [`Groups::assign`].

use std::hash::Hasher;
use std::ops::Range;

use hashbrown::HashMap;
use hashbrown::hash_table::{Entry, HashTable};
use rustc_hash::{FxBuildHasher, FxHasher};
use types::compare::{equivalent, hash_value};
use types::{Failure, NodeId, Value};

use crate::{Budget, Column};

/// A table that is full makes one of so many times its size, and moves into it.
const GROWN: usize = 2;
/// What new values take before there is a question for it.
const ASKED_BYTES: usize = 64 << 10;

/// Groups of rows, numbered in the order in which they were first seen.
pub(super) struct Groups {
    known: Known,
    /// What the values take beside their places.
    heap_bytes: usize,
    /// What was taken from the budget for all of it.
    taken_bytes: usize,
}

/// The groups that are known, in the cheapest form that can tell them apart.
enum Known {
    /// No row was seen.
    Nothing,
    /// No column tells rows apart: there is one group.
    One,
    /// One column of nodes of one source.
    Nodes { source: u16, numbers: HashMap<NodeId, u32, FxBuildHasher>, ids: Vec<NodeId> },
    /// Any columns.
    Any(Table),
}

/// A hash table over the values of several columns.
#[derive(Default)]
struct Table {
    columns: usize,
    /// The hash of each group, and its number.
    numbers: HashTable<(u64, u32)>,
    /// The values of all groups, one group after the other.
    values: Vec<Value>,
    groups: u32,
}

impl Groups {
    pub fn new() -> Self {
        Self { known: Known::Nothing, heap_bytes: 0, taken_bytes: 0 }
    }

    /// Counts the groups.
    pub fn len(&self) -> usize {
        match &self.known {
            Known::Nothing => 0,
            Known::One => 1,
            Known::Nodes { ids, .. } => ids.len(),
            Known::Any(table) => table.groups as usize,
        }
    }

    /// Puts the number of each row's group into `out`, new ones in order. Takes what new groups need from the budget.
    pub fn assign(
        &mut self,
        columns: &[Column],
        rows: usize,
        out: &mut Vec<u32>,
        budget: &mut Budget,
    ) -> Result<(), Failure> {
        out.clear();
        if rows == 0 {
            return Ok(());
        }
        if let Known::Any(table) = &self.known
            && table.columns > columns.len()
        {
            let missing = Column::Constant { value: Value::Null, rows };
            let all: Vec<Column> =
                columns.iter().cloned().chain(std::iter::repeat(missing)).take(table.columns).collect();
            return self.assign(&all, rows, out, budget);
        }
        self.fit(columns, budget)?;
        match &mut self.known {
            Known::Nothing => {}
            Known::One => out.resize(rows, 0),
            Known::Nodes { numbers, ids, .. } => {
                let Some(Column::Nodes { ids: nodes, .. }) = columns.first() else { return Ok(()) };
                for node in nodes {
                    let next = u32::try_from(ids.len()).expect("memory ends before numbers do");
                    if numbers.len() == numbers.capacity() {
                        budget.ask_for(GROWN * numbers.allocation_size())?;
                    }
                    let number = *numbers.entry(*node).or_insert_with(|| {
                        ids.push(*node);
                        next
                    });
                    out.push(number);
                }
            }
            Known::Any(table) => self.heap_bytes += table.assign(columns, rows, out, budget)?,
        }
        self.take(budget)
    }

    /// Tells what was taken from the budget, for whoever lets the groups go.
    pub fn taken_bytes(&self) -> usize {
        self.taken_bytes
    }

    /// Takes what came to it since that was done last.
    fn take(&mut self, budget: &mut Budget) -> Result<(), Failure> {
        let bytes = self.heap_bytes
            + match &self.known {
                Known::Nothing | Known::One => 0,
                Known::Nodes { numbers, ids, .. } => numbers.allocation_size() + ids.len() * size_of::<NodeId>(),
                Known::Any(table) => table.numbers.allocation_size() + table.values.len() * size_of::<Value>(),
            };
        let more = bytes.saturating_sub(self.taken_bytes);
        budget.take_memory(more)?;
        self.taken_bytes += more;
        Ok(())
    }

    /// Finds the group of one row, where there is one.
    pub fn find(&self, columns: &[Column], row: usize) -> Option<u32> {
        match &self.known {
            Known::Nothing => None,
            Known::One => Some(0),
            Known::Nodes { source, numbers, .. } => match columns.first()?.get(row) {
                Value::NodeRef(node) if node.source == *source => numbers.get(&node.id).copied(),
                _ => None,
            },
            Known::Any(table) => table.find(columns, row),
        }
    }

    /// Gives the values of some groups, a column for each of those that tell them apart.
    pub fn columns(&self, groups: Range<usize>) -> Vec<Column> {
        match &self.known {
            Known::Nothing | Known::One => Vec::new(),
            Known::Nodes { source, ids, .. } => vec![Column::Nodes { source: *source, ids: ids[groups].to_vec() }],
            Known::Any(table) => {
                let value = |at: usize, group: usize| table.values[group * table.columns + at].clone();
                let column = |at| Column::Values(groups.clone().map(|group| value(at, group)).collect());
                (0..table.columns).map(column).collect()
            }
        }
    }

    /// Takes the form that can hold these columns, with the groups that are known already.
    fn fit(&mut self, columns: &[Column], budget: &mut Budget) -> Result<(), Failure> {
        let fits = match (&self.known, columns) {
            (Known::One, []) => true,
            (Known::Nodes { source, .. }, [Column::Nodes { source: other, .. }]) => source == other,
            (Known::Any(table), columns) => table.columns == columns.len(),
            _ => false,
        };
        if fits {
            return Ok(());
        }
        self.known = match (&self.known, columns) {
            (Known::Nothing, []) => Known::One,
            (Known::Nothing, [Column::Nodes { source, .. }]) => {
                Known::Nodes { source: *source, numbers: HashMap::default(), ids: Vec::new() }
            }
            _ => {
                let (table, heap_bytes) = self.table(columns.len(), budget)?;
                self.heap_bytes = heap_bytes;
                Known::Any(table)
            }
        };
        Ok(())
    }

    /// Makes a table of the groups that are known; a column that they do not have is null in them.
    ///
    /// Gives what its values take beside their places as well.
    fn table(&self, columns: usize, budget: &mut Budget) -> Result<(Table, usize), Failure> {
        let groups = self.len();
        let mut known = self.columns(0..groups);
        known.resize_with(columns, || Column::Constant { value: Value::Null, rows: groups });
        let mut table = Table { columns, ..Table::default() };
        let heap_bytes = table.assign(&known, groups, &mut Vec::new(), budget)?;
        Ok((table, heap_bytes))
    }
}

impl Table {
    /// Tells what the values of new groups take beside their places.
    fn assign(
        &mut self,
        columns: &[Column],
        rows: usize,
        out: &mut Vec<u32>,
        budget: &mut Budget,
    ) -> Result<usize, Failure> {
        let (mut bytes, mut asked_bytes) = (0, 0);
        for row in 0..rows {
            let hash = hash(columns, row);
            if self.numbers.len() == self.numbers.capacity() {
                budget.ask_for(bytes + GROWN * self.numbers.allocation_size())?;
            }
            let (width, values, groups) = (self.columns, &self.values, self.groups);
            let is_same = |(other, number): &(u64, u32)| {
                *other == hash && is_group(columns, row, &values[*number as usize * width..][..width])
            };
            match self.numbers.entry(hash, is_same, |(hash, _)| *hash) {
                Entry::Occupied(found) => out.push(found.get().1),
                Entry::Vacant(vacant) => {
                    vacant.insert((hash, groups));
                    out.push(groups);
                    if self.values.capacity() - self.values.len() < width {
                        budget.ask_for(bytes + (self.values.len() + width) * size_of::<Value>())?;
                    }
                    let first = self.values.len();
                    self.values.extend(columns.iter().map(|column| column.get(row)));
                    bytes += self.values[first..]
                        .iter()
                        .map(|value| value.memory_bytes() - size_of::<Value>())
                        .sum::<usize>();
                    if bytes - asked_bytes > ASKED_BYTES {
                        budget.ask_for(bytes)?;
                        asked_bytes = bytes;
                    }
                    self.groups = groups.checked_add(1).expect("memory ends before numbers do");
                }
            }
        }
        Ok(bytes)
    }

    fn find(&self, columns: &[Column], row: usize) -> Option<u32> {
        let hash = hash(columns, row);
        let width = self.columns;
        let is_same = |(other, number): &(u64, u32)| {
            *other == hash && is_group(columns, row, &self.values[*number as usize * width..][..width])
        };
        self.numbers.find(hash, is_same).map(|(_, number)| *number)
    }
}

fn hash(columns: &[Column], row: usize) -> u64 {
    let mut state = FxHasher::default();
    let mut made = Value::Null;
    for column in columns {
        match column {
            // Without a value in memory: rows would wait for each other to read it back.
            Column::Integers(numbers) => hash_value(&Value::Integer(numbers[row]), &mut state),
            other => hash_value(other.lend(row, &mut made), &mut state),
        }
    }
    state.finish()
}

fn is_group(columns: &[Column], row: usize, values: &[Value]) -> bool {
    let mut made = Value::Null;
    columns.iter().zip(values).all(|(column, value)| match (column, value) {
        (Column::Nodes { source, ids }, Value::NodeRef(node)) => node.id == ids[row] && node.source == *source,
        (Column::Integers(numbers), Value::Integer(number)) => numbers[row] == *number,
        (column, value) => equivalent(column.lend(row, &mut made), value),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn budget() -> Budget {
        Budget::start(Arc::new(types::SystemClock), None, usize::MAX, Arc::default())
    }

    fn check(groups: &mut Groups, columns: &[Column], expected: &[u32]) {
        let (mut out, rows) = (Vec::new(), expected.len());
        groups.assign(columns, rows, &mut out, &mut budget()).expect("room");
        assert_eq!(out, expected);
        assert!((0..rows).all(|row| groups.find(columns, row) == Some(out[row])));
    }

    fn nodes(source: u16, ids: &[u64]) -> Column {
        Column::Nodes { source, ids: ids.iter().copied().map(NodeId).collect() }
    }

    #[test]
    fn groups_survive_a_change_of_form() {
        let mut groups = Groups::new();
        check(&mut groups, &[nodes(0, &[7, 8, 7])], &[0, 1, 0]);
        check(&mut groups, &[nodes(1, &[7, 8])], &[2, 3]);
        let values = vec![nodes(0, &[8]).get(0), 1.into(), 1.0.into(), Value::Null, f64::NAN.into(), f64::NAN.into()];
        check(&mut groups, &[Column::Values(values)], &[1, 4, 4, 5, 6, 6]);
        check(&mut groups, &[nodes(0, &[7])], &[0]);
        assert_eq!((groups.len(), groups.columns(4..5)[0].get(0)), (7, 1.into()));
    }

    #[test]
    fn columns_that_are_missing_count_as_null() {
        let mut groups = Groups::new();
        check(&mut groups, &[], &[0, 0]);
        check(&mut groups, &[Column::Integers(vec![5])], &[1]);
        check(&mut groups, &[Column::Integers(vec![5, 5]), Column::Values(vec![Value::Null, "a".into()])], &[1, 2]);
        let mut out = Vec::new();
        groups.assign(&[Column::Values(vec![Value::Null, 5.into()])], 2, &mut out, &mut budget()).expect("room");
        assert_eq!(out, [0, 1]);
    }
}
