//! Nodes found by their own number, and counts that a source keeps.

use compact_str::CompactString;
use hashbrown::HashSet;
use rustc_hash::FxBuildHasher;
use types::{Failure, LabelId, NodeId, TypeId, Value};

use super::Operator;
use crate::expression::{Compiled, Context, evaluate};
use crate::source::Source;
use crate::{Batch, Column};

/// For each row, the nodes with given numbers.
pub(super) struct NodesById {
    input: Box<dyn Operator>,
    source: u16,
    ids: Compiled,
    node: usize,
    /// The batch under way, its nodes with their rows, and how many of them have been handed on.
    under_way: Option<(Batch, Vec<Found>, usize)>,
}

/// A node, and the row that it was found for.
type Found = (usize, NodeId);

impl NodesById {
    pub fn new(input: Box<dyn Operator>, source: u16, ids: Compiled, node: usize) -> Self {
        Self { input, source, ids, node, under_way: None }
    }

    /// Finds the nodes of each row that are there, each once.
    fn found(&self, batch: &Batch, context: &mut Context<'_>) -> Result<Vec<Found>, Failure> {
        let wanted = evaluate(&self.ids, batch, context)?;
        let source = context.sources[usize::from(self.source)].as_ref();
        let (mut all, mut seen) = (Vec::new(), HashSet::<NodeId, FxBuildHasher>::default());
        for row in 0..batch.rows {
            seen.clear();
            let value = wanted.get(row);
            let single = std::slice::from_ref(&value);
            for item in if let Value::List(items) = &value { items.as_slice() } else { single } {
                let Some(id) = node_id(item, source) else { continue };
                if seen.insert(id) && source.has_node(id)? {
                    all.push((row, id));
                }
            }
        }
        context.budget.pay_rows(all.len().max(batch.rows))?;
        Ok(all)
    }
}

/// Reads the number of a node: an integer, or an element id of this source.
fn node_id(value: &Value, source: &dyn Source) -> Option<NodeId> {
    match value {
        Value::Integer(id) => u64::try_from(*id).ok().map(NodeId),
        Value::String(name) => {
            let id = NodeId(name.rsplit(':').next()?.parse().ok()?);
            (source.node_element_id(id) == *name).then_some(id)
        }
        _ => None,
    }
}

impl Operator for NodesById {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            let Some((batch, found, done)) = &mut self.under_way else {
                let Some(batch) = self.input.next(context)? else { return Ok(None) };
                let found = self.found(&batch, context)?;
                self.under_way = Some((batch, found, 0));
                continue;
            };
            let run = &found[*done..found.len().min(*done + Batch::ROWS_MAX)];
            if run.is_empty() {
                self.under_way = None;
                continue;
            }
            let mut out = batch.gather(&run.iter().map(|(row, _)| *row).collect::<Vec<_>>());
            let ids = run.iter().map(|(_, id)| *id).collect();
            out.set(self.node, Column::Nodes { source: self.source, ids });
            *done += run.len();
            return Ok(Some(out));
        }
    }
}

/// One row with a count that a source keeps.
pub(super) struct Count {
    pub source: u16,
    pub relationships: bool,
    pub of: Option<CompactString>,
    pub slot: usize,
    pub is_done: bool,
}

impl Count {
    fn count(&self, source: &dyn Source) -> Result<u64, Failure> {
        // A name that nobody ever used is on nothing.
        match (&self.of, self.relationships) {
            (None, false) => source.count_nodes(None),
            (None, true) => source.count_relationships(None),
            (Some(label), false) => {
                source.label_id(label).map_or(Ok(0), |label: LabelId| source.count_nodes(Some(label)))
            }
            (Some(kind), true) => {
                source.type_id(kind).map_or(Ok(0), |kind: TypeId| source.count_relationships(Some(kind)))
            }
        }
    }
}

impl Operator for Count {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        if std::mem::replace(&mut self.is_done, true) {
            return Ok(None);
        }
        context.budget.pay_rows(1)?;
        let count = self.count(context.sources[usize::from(self.source)].as_ref())?;
        let mut out = Batch { columns: Vec::new(), rows: 1 };
        out.set(self.slot, Column::Integers(vec![i64::try_from(count).unwrap_or(i64::MAX)]));
        Ok(Some(out))
    }
}
