//! Relationships of nodes, whole batches of nodes at a time.

use types::{Failure, NodeId, RelationshipId, TypeId, Value};

use super::{Expand, Operator};
use crate::batch::trail;
use crate::expression::Context;
use crate::source::{Expansion, RelationshipRecord};
use crate::{Batch, Column};

/// For each row, the relationships of a node.
pub(super) struct ExpandAll {
    input: Box<dyn Operator>,
    how: Expand,
    under_way: Option<UnderWay>,
    /// How many rows are looked at together: few where nodes have many relationships.
    ahead: usize,
}

/// Relationships read ahead at most, roughly.
const AHEAD_STEPS: usize = 1 << 15;

/// A batch that is expanded a few rows at a time.
struct UnderWay {
    batch: Batch,
    /// The row to go on at.
    row: usize,
    /// What was found for the rows before, and how much of it has been handed on.
    steps: Steps,
    done: usize,
}

/// Relationships that were found, and the row that each was found for.
#[derive(Default)]
struct Steps {
    rows: Vec<usize>,
    found: Vec<RelationshipRecord>,
}

impl ExpandAll {
    pub fn new(input: Box<dyn Operator>, how: Expand) -> Self {
        Self { input, how, under_way: None, ahead: Batch::ROWS_MAX }
    }

    /// Reads the relationships of the nodes of some rows; rows without a node have none.
    fn steps(
        &mut self,
        batch: &Batch,
        range: std::ops::Range<usize>,
        types: &[TypeId],
        context: &mut Context<'_>,
    ) -> Result<Steps, Failure> {
        let (mut rows, mut nodes) = nodes(&batch.column(self.how.from), range);
        let wanted = (!types.is_empty()).then_some(types);
        let mut found = Expansion::default();
        let source = &context.sources[usize::from(self.how.source)];
        if self.how.into {
            let ends = self.ends(batch, &mut rows, &mut nodes);
            source.expand_into(&nodes, &ends, self.how.direction, wanted, &mut found)?;
        } else {
            source.expand(&nodes, self.how.direction, wanted, &mut found)?;
        }
        context.budget.pay_rows(found.found.len().max(1))?;
        let looked = nodes.len();
        self.ahead = match found.found.len() {
            many if many > AHEAD_STEPS => (looked / (many / AHEAD_STEPS + 1)).max(1),
            few if few < AHEAD_STEPS / 4 => (looked * 4).clamp(16, Batch::ROWS_MAX),
            _ => self.ahead,
        };
        let mut steps = Steps { rows: Vec::with_capacity(found.found.len()), found: Vec::new() };
        if self.how.distinct_from.is_empty() {
            for (row, end) in rows.into_iter().zip(found.ends) {
                steps.rows.resize(end, row);
            }
            steps.found = found.found;
            return Ok(steps);
        }
        let mut start = 0;
        for (row, end) in rows.into_iter().zip(found.ends) {
            let run = &found.found[start..end];
            steps.found.extend(run.iter().filter(|step| self.fits(batch, row, step)));
            steps.rows.resize(steps.found.len(), row);
            start = end;
        }
        Ok(steps)
    }

    /// Tells whether a relationship may stand in a row: it is not there already.
    fn fits(&self, batch: &Batch, row: usize, step: &RelationshipRecord) -> bool {
        !is_taken(&self.how.distinct_from, self.how.source, batch, row, step.relationship.id)
    }

    /// Gives the nodes that relationships are to lead to; rows without one in the same graph are left out.
    fn ends(&self, batch: &Batch, rows: &mut Vec<usize>, nodes: &mut Vec<NodeId>) -> Vec<NodeId> {
        let mut ends = Vec::with_capacity(rows.len());
        match batch.columns.get(self.how.to) {
            Some(Column::Nodes { source, ids }) if *source == self.how.source => {
                ends.extend(rows.iter().map(|row| ids[*row]));
            }
            Some(column) => {
                let (mut made, mut kept) = (Value::Null, 0);
                for at in 0..rows.len() {
                    if let Value::NodeRef(end) = column.lend(rows[at], &mut made)
                        && end.source == self.how.source
                    {
                        ends.push(end.id);
                        (rows[kept], nodes[kept]) = (rows[at], nodes[at]);
                        kept += 1;
                    }
                }
            }
            None => {}
        }
        rows.truncate(ends.len());
        nodes.truncate(ends.len());
        ends
    }
}

/// Lists those of some rows that have a node, and their nodes.
pub(super) fn nodes(column: &Column, range: std::ops::Range<usize>) -> (Vec<usize>, Vec<NodeId>) {
    if let Column::Nodes { ids, .. } = column {
        return (range.clone().collect(), ids[range].to_vec());
    }
    let mut made = Value::Null;
    let node = |row: usize| match column.lend(row, &mut made) {
        Value::NodeRef(node) => Some((row, node.id)),
        _ => None,
    };
    range.filter_map(node).unzip()
}

/// Tells whether another part of a row's pattern has a relationship, alone or in a list.
pub(super) fn is_taken(slots: &[usize], source: u16, batch: &Batch, row: usize, id: RelationshipId) -> bool {
    let mut made = Value::Null;
    slots.iter().any(|slot| match batch.columns.get(*slot) {
        Some(Column::Relationships(found)) => found[row].id == id && found[row].source == source,
        Some(Column::Trails { ends, found }) => {
            trail(ends, found, row).iter().any(|found| found.id == id && found.source == source)
        }
        Some(column) => has_relationship(column.lend(row, &mut made), source, id),
        None => false,
    })
}

/// Finds the types that are followed; `None` where none of them ever was, so that nothing matches.
pub(super) fn known_types(how: &Expand, context: &Context<'_>) -> Option<Vec<TypeId>> {
    let source = &context.sources[usize::from(how.source)];
    let known: Vec<TypeId> = how.types.iter().filter_map(|name| source.type_id(name)).collect();
    (how.types.is_empty() || !known.is_empty()).then_some(known)
}

/// Tells whether a value is a relationship, or a list with it in it.
fn has_relationship(value: &Value, source: u16, id: RelationshipId) -> bool {
    match value {
        Value::RelationshipRef(found) => found.id == id && found.source == source,
        Value::List(items) => items.iter().any(|item| has_relationship(item, source, id)),
        _ => false,
    }
}

impl Operator for ExpandAll {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            let Some(mut state) = self.under_way.take() else {
                let Some(batch) = self.input.next(context)? else { return Ok(None) };
                self.under_way = Some(UnderWay { batch, row: 0, steps: Steps::default(), done: 0 });
                continue;
            };
            let end = state.steps.rows.len().min(state.done + Batch::ROWS_MAX);
            let run = state.done..end;
            if run.is_empty() {
                // Only asked once there are rows: what is below may be what makes the first relationship of a type.
                let Some(types) = known_types(&self.how, context).filter(|_| state.row < state.batch.rows) else {
                    continue;
                };
                let rows = state.row..state.batch.rows.min(state.row + self.ahead);
                state.row = rows.end;
                state.steps = self.steps(&state.batch, rows, &types, context)?;
                state.done = 0;
                self.under_way = Some(state);
                continue;
            }
            let mut out = state.batch.gather(&state.steps.rows[run.clone()]);
            let run = &state.steps.found[run];
            let relationships = run.iter().map(|step| step.relationship).collect();
            out.set(self.how.relationship, Column::Relationships(relationships));
            if !self.how.into {
                let ids = run.iter().map(|step| step.neighbour).collect();
                out.set(self.how.to, Column::Nodes { source: self.how.source, ids });
            }
            state.done = end;
            self.under_way = Some(state);
            return Ok(Some(out));
        }
    }
}
