//! Two plans joined on equal values, by a hash table over the rows of one.

use types::compare::equals;
use types::{Failure, Value};

use super::groups::Groups;
use super::rows::Rows;
use super::{HashJoin, Operator};
use crate::expression::{Compiled, Context, Portions, make};
use crate::{Batch, Budget, Column};

/// Bytes that a kept row costs beside its values.
const ROW_BYTES: usize = 16;

/// Where a chain of rows ends.
const NONE: u32 = u32::MAX;

/// The pairs of rows whose keys are equal; null equals nothing.
pub(super) struct Join {
    /// Its rows go through one batch at a time.
    probe: Box<dyn Operator>,
    /// Its rows are kept.
    build: Box<dyn Operator>,
    how: HashJoin,
    kept: Kept,
    is_built: bool,
    portions: Portions,
    memory_bytes: usize,
    under_way: Option<Probed>,
}

/// The rows of one plan, by their key.
struct Kept {
    /// The slots that go on, in the order of `HashJoin::kept`.
    rows: Rows,
    keys: Groups,
    /// For each key its first and its last row, for each row the next one of its key.
    ends: Vec<(u32, u32)>,
    next: Vec<u32>,
}

/// A batch of the other plan under way.
struct Probed {
    batch: Batch,
    keys: Vec<Column>,
    /// The row to go on at, and the kept row that comes next in its chain; none where the row has not been looked up.
    row: usize,
    chain: Option<u32>,
}

impl Kept {
    fn new() -> Self {
        Self { rows: Rows::default(), keys: Groups::new(), ends: Vec::new(), next: Vec::new() }
    }

    /// Keeps rows; tells the bytes that it took for them.
    fn add(&mut self, keys: &[Column], rows: Batch, budget: &mut Budget) -> Result<usize, Failure> {
        let (mut numbers, before) = (Vec::new(), self.keys.taken_bytes());
        self.keys.assign(keys, rows.rows, &mut numbers, budget)?;
        let bytes = rows.memory_bytes() + rows.rows * ROW_BYTES;
        budget.take_memory(bytes)?;
        budget.ask_to_grow(&self.next, rows.rows)?;
        budget.ask_to_grow(&self.ends, self.keys.len() - self.ends.len())?;
        self.ends.resize(self.keys.len(), (NONE, NONE));
        for number in numbers {
            let row = u32::try_from(self.next.len()).expect("memory ends before numbers do");
            self.next.push(NONE);
            let (first, last) = &mut self.ends[number as usize];
            if *first == NONE {
                *first = row;
            } else {
                self.next[*last as usize] = row;
            }
            *last = row;
        }
        self.rows.push(rows);
        Ok(bytes + self.keys.taken_bytes() - before)
    }

    /// Finds the first kept row with the key of a row.
    fn first(&self, keys: &[Column], row: usize) -> u32 {
        if !can_equal(keys, row) {
            return NONE;
        }
        self.keys.find(keys, row).map_or(NONE, |number| self.ends[number as usize].0)
    }
}

impl Join {
    pub fn new(probe: Box<dyn Operator>, build: Box<dyn Operator>, how: HashJoin) -> Self {
        Self {
            probe,
            build,
            how,
            kept: Kept::new(),
            is_built: false,
            portions: Portions::default(),
            memory_bytes: 0,
            under_way: None,
        }
    }

    fn build(&mut self, context: &mut Context<'_>) -> Result<(), Failure> {
        while let Some(batch) = self.build.next(context)? {
            context.budget.pay_rows(batch.rows)?;
            let (how, kept, memory_bytes) = (&self.how, &mut self.kept, &mut self.memory_bytes);
            let make = |batch: &Batch, context: &mut Context<'_>| keys(&how.build_keys, batch, context);
            self.portions.each(batch, context, make, |batch, mut keys, context| {
                let columns = how.kept.iter().map(|slot| batch.column(*slot)).collect();
                let mut rows = Batch { columns, rows: batch.rows };
                let able: Vec<usize> = (0..batch.rows).filter(|row| can_equal(&keys, *row)).collect();
                if able.len() < batch.rows {
                    keys = keys.iter().map(|column| column.gather(&able)).collect();
                    rows = rows.gather(&able);
                }
                if rows.rows > 0 {
                    *memory_bytes += kept.add(&keys, rows, context.budget)?;
                }
                Ok(())
            })?;
        }
        self.is_built = true;
        Ok(())
    }

    /// Gives the next pairs of the batch under way, a batch of them at most; none at its end.
    fn pairs(&mut self) -> (Vec<usize>, Vec<u32>) {
        let (mut rows, mut kept) = (Vec::new(), Vec::new());
        let Some(probed) = &mut self.under_way else { return (rows, kept) };
        while probed.row < probed.batch.rows {
            let mut at = probed.chain.take().unwrap_or_else(|| self.kept.first(&probed.keys, probed.row));
            while at != NONE {
                if rows.len() == Batch::ROWS_MAX {
                    probed.chain = Some(at);
                    return (rows, kept);
                }
                rows.push(probed.row);
                kept.push(at);
                at = self.kept.next[at as usize];
            }
            probed.row += 1;
        }
        (rows, kept)
    }
}

impl Operator for Join {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        let mut first = None;
        if !self.is_built {
            // The probed rows begin first: what is below them may change what the others are read from.
            first = self.probe.next(context)?;
            if first.is_none() {
                return Ok(None);
            }
            self.build(context)?;
        }
        loop {
            if self.under_way.is_none() {
                // Where nothing was kept there are no pairs: the other plan need not run on.
                let next = match (first.take(), self.kept.rows.len()) {
                    (_, 0) => None,
                    (Some(first), _) => Some(first),
                    (None, _) => self.probe.next(context)?,
                };
                let Some(batch) = next else {
                    self.kept = Kept::new();
                    context.budget.give_back_memory(std::mem::take(&mut self.memory_bytes));
                    return Ok(None);
                };
                let before = context.budget.memory_used_bytes();
                let keys = keys(&self.how.probe_keys, &batch, context)?;
                context.budget.return_to(before);
                self.under_way = Some(Probed { batch, keys, row: 0, chain: None });
            }
            let (rows, kept) = self.pairs();
            context.budget.pay_rows(rows.len().max(1))?;
            let Some(probed) = self.under_way.as_ref().filter(|_| !rows.is_empty()) else {
                self.under_way = None;
                continue;
            };
            let mut out = probed.batch.gather(&rows);
            for (slot, column) in self.how.kept.iter().zip(self.kept.rows.pick(&kept).columns) {
                out.set(*slot, column);
            }
            return Ok(Some(out));
        }
    }
}

fn keys(parts: &[Compiled], batch: &Batch, context: &mut Context<'_>) -> Result<Vec<Column>, Failure> {
    parts.iter().map(|part| make(part, batch, context)).collect()
}

/// Tells whether a row's key can equal another one: null does not, nor does NaN, nor a list with one of them in it.
fn can_equal(keys: &[Column], row: usize) -> bool {
    let mut made = Value::Null;
    keys.iter().all(|column| match column {
        Column::Integers(_) | Column::Nodes { .. } | Column::Relationships(_) => true,
        column => {
            let value = column.lend(row, &mut made);
            match value {
                Value::Null => false,
                Value::Integer(_) | Value::String(_) | Value::NodeRef(_) => true,
                value => equals(value, value) == Some(true),
            }
        }
    })
}
