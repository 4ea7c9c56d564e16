//! Rows with equivalent values, by number: what grouping, `DISTINCT` and hash joins share.
//! Leaves what a group is for to its users.
//! Start reading at [`Groups::assign`].

use std::hash::Hasher;
use std::ops::Range;

use hashbrown::HashMap;
use hashbrown::hash_table::{Entry, HashTable};
use rustc_hash::{FxBuildHasher, FxHasher};
use types::compare::{equivalent, hash_value};
use types::{NodeId, Value};

use crate::Column;

/// Bytes that a group costs beside its values: its place in the table.
const GROUP_BYTES: usize = 32;

/// Groups of rows, numbered in the order in which they were first seen.
pub(super) struct Groups {
    known: Known,
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
        Self { known: Known::Nothing }
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

    /// Puts the number of each row's group into `out`, new ones in order; tells the bytes that new groups take.
    pub fn assign(&mut self, columns: &[Column], rows: usize, out: &mut Vec<u32>) -> usize {
        out.clear();
        if rows == 0 {
            return 0;
        }
        if let Known::Any(table) = &self.known
            && table.columns > columns.len()
        {
            let missing = Column::Constant { value: Value::Null, rows };
            let all: Vec<Column> =
                columns.iter().cloned().chain(std::iter::repeat(missing)).take(table.columns).collect();
            return self.assign(&all, rows, out);
        }
        self.fit(columns);
        match &mut self.known {
            Known::Nothing => 0,
            Known::One => {
                out.resize(rows, 0);
                0
            }
            Known::Nodes { numbers, ids, .. } => {
                let Some(Column::Nodes { ids: nodes, .. }) = columns.first() else { return 0 };
                let before = ids.len();
                for node in nodes {
                    let next = u32::try_from(ids.len()).expect("memory ends before numbers do");
                    let number = *numbers.entry(*node).or_insert_with(|| {
                        ids.push(*node);
                        next
                    });
                    out.push(number);
                }
                (ids.len() - before) * (GROUP_BYTES + size_of::<NodeId>())
            }
            Known::Any(table) => table.assign(columns, rows, out),
        }
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
    fn fit(&mut self, columns: &[Column]) {
        let fits = match (&self.known, columns) {
            (Known::One, []) => true,
            (Known::Nodes { source, .. }, [Column::Nodes { source: other, .. }]) => source == other,
            (Known::Any(table), columns) => table.columns == columns.len(),
            _ => false,
        };
        if fits {
            return;
        }
        self.known = match (&self.known, columns) {
            (Known::Nothing, []) => Known::One,
            (Known::Nothing, [Column::Nodes { source, .. }]) => {
                Known::Nodes { source: *source, numbers: HashMap::default(), ids: Vec::new() }
            }
            _ => Known::Any(self.table(columns.len())),
        };
    }

    /// Makes a table of the groups that are known; a column that they do not have is null in them.
    fn table(&self, columns: usize) -> Table {
        let groups = self.len();
        let mut known = self.columns(0..groups);
        known.resize_with(columns, || Column::Constant { value: Value::Null, rows: groups });
        let mut table = Table { columns, ..Table::default() };
        table.assign(&known, groups, &mut Vec::new());
        table
    }
}

impl Table {
    fn assign(&mut self, columns: &[Column], rows: usize, out: &mut Vec<u32>) -> usize {
        let mut bytes = 0;
        for row in 0..rows {
            let hash = hash(columns, row);
            let (width, values, groups) = (self.columns, &self.values, self.groups);
            let is_same = |(other, number): &(u64, u32)| {
                *other == hash && is_group(columns, row, &values[*number as usize * width..][..width])
            };
            match self.numbers.entry(hash, is_same, |(hash, _)| *hash) {
                Entry::Occupied(found) => out.push(found.get().1),
                Entry::Vacant(vacant) => {
                    vacant.insert((hash, groups));
                    out.push(groups);
                    let first = self.values.len();
                    self.values.extend(columns.iter().map(|column| column.get(row)));
                    bytes += GROUP_BYTES + self.values[first..].iter().map(Value::memory_bytes).sum::<usize>();
                    self.groups = groups.checked_add(1).expect("memory ends before numbers do");
                }
            }
        }
        bytes
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
        hash_value(column.lend(row, &mut made), &mut state);
    }
    state.finish()
}

fn is_group(columns: &[Column], row: usize, values: &[Value]) -> bool {
    let mut made = Value::Null;
    columns.iter().zip(values).all(|(column, value)| match (column, value) {
        (Column::Nodes { source, ids }, Value::NodeRef(node)) => node.id == ids[row] && node.source == *source,
        (column, value) => equivalent(column.lend(row, &mut made), value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(groups: &mut Groups, columns: &[Column], expected: &[u32]) {
        let (mut out, rows) = (Vec::new(), expected.len());
        groups.assign(columns, rows, &mut out);
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
        groups.assign(&[Column::Values(vec![Value::Null, 5.into()])], 2, &mut out);
        assert_eq!(out, [0, 1]);
    }
}
