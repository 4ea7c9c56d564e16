//! Nodes of a source, a batch at a time.

use compact_str::CompactString;
use types::{Failure, LabelId, NodeId};

use super::Operator;
use crate::expression::Context;
use crate::{Batch, Column};

/// For each row of the input, the nodes of a source.
pub(super) struct Scan {
    input: Box<dyn Operator>,
    source: u16,
    label: Option<CompactString>,
    node: usize,
    /// The batch under way, the row of it, and the node after which to go on.
    under_way: Option<(Batch, usize, Option<NodeId>)>,
}

impl Scan {
    pub fn new(input: Box<dyn Operator>, source: u16, label: Option<CompactString>, node: usize) -> Self {
        Self { input, source, label, node, under_way: None }
    }

    /// Finds the label; a label that no node ever had matches nothing.
    fn label_id(&self, context: &Context<'_>) -> Option<Option<LabelId>> {
        match &self.label {
            None => Some(None),
            Some(name) => context.sources[usize::from(self.source)].label_id(name).map(Some),
        }
    }
}

impl Operator for Scan {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            if self.under_way.is_none() {
                let Some(batch) = self.input.next(context)? else { return Ok(None) };
                self.under_way = Some((batch, 0, None));
            }
            // Only asked once there are rows: what is below may be what makes the first node with the label.
            let Some(label) = self.label_id(context) else {
                self.under_way = None;
                continue;
            };
            let Some((batch, row, after)) = &mut self.under_way else { return Ok(None) };
            let mut ids = Vec::new();
            context.sources[usize::from(self.source)].scan_nodes(label, *after, Batch::ROWS_MAX, &mut ids)?;
            context.budget.pay_rows(ids.len().max(1))?;
            let Some(last) = ids.last() else {
                (*row, *after) = (*row + 1, None);
                if *row >= batch.rows {
                    self.under_way = None;
                }
                continue;
            };
            *after = Some(*last);
            let mut out = batch.gather(&vec![*row; ids.len()]);
            out.set(self.node, Column::Nodes { source: self.source, ids });
            return Ok(Some(out));
        }
    }
}
