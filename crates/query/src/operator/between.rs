//! Nodes between two that rows have: one step from the one, one step on to the other.
//! Leaves how they are found to the source.
//! Start reading at [`ExpandBetween`].

use std::ops::Range;

use types::{Failure, NodeId, TypeId, Value};

use super::expand::{is_taken, known_types};
use super::{Expand, Meet, Operator};
use crate::between::{Between, Hop};
use crate::expression::Context;
use crate::source::RelationshipRecord;
use crate::{Batch, Column};

/// Ways that are read ahead at most, roughly.
const AHEAD_WAYS: usize = 1 << 14;

/// For each row, the nodes between two of its nodes, with the relationships that lead to them and on.
pub(super) struct ExpandBetween {
    input: Box<dyn Operator>,
    how: Meet,
    under_way: Option<UnderWay>,
    /// How many rows are looked at together: few where nodes have much between them.
    ahead: usize,
}

/// A batch that is looked at a few rows at a time.
struct UnderWay {
    batch: Batch,
    /// The row to go on at.
    row: usize,
    /// What was found for the rows before: the row of each way, and how many of them have been handed on.
    rows: Vec<usize>,
    found: Vec<(RelationshipRecord, types::RelationshipRef)>,
    done: usize,
}

impl ExpandBetween {
    pub fn new(input: Box<dyn Operator>, how: Meet) -> Self {
        Self { input, how, under_way: None, ahead: Batch::ROWS_MAX }
    }

    /// Looks at some rows of a batch.
    fn look(&mut self, state: &mut UnderWay, types: &Types, context: &mut Context<'_>) -> Result<(), Failure> {
        let range = state.row..state.batch.rows.min(state.row + self.ahead);
        state.row = range.end;
        let (rows, nodes, ends) = self.pairs(&state.batch, range);
        let hop = |how: &Expand, types| Hop { direction: how.direction, types };
        let hops = (hop(&self.how.first, types.first()), hop(&self.how.second, types.second()));
        let mut found = Between::default();
        context.sources[usize::from(self.how.first.source)].expand_between(&nodes, &ends, hops, &mut found)?;
        context.budget.pay_rows(nodes.len() + found.found.len())?;
        self.ahead = match found.found.len() {
            many if many > AHEAD_WAYS => (nodes.len() / (many / AHEAD_WAYS + 1)).max(1),
            few if few < AHEAD_WAYS / 4 => (nodes.len() * 4).clamp(16, Batch::ROWS_MAX),
            _ => self.ahead,
        };
        (state.rows, state.found, state.done) = (Vec::with_capacity(found.found.len()), Vec::new(), 0);
        let mut start = 0;
        for (row, end) in rows.into_iter().zip(found.ends) {
            let run = &found.found[start..end];
            state.found.extend(run.iter().filter(|way| self.fits(&state.batch, row, way)));
            state.rows.resize(state.found.len(), row);
            start = end;
        }
        Ok(())
    }

    /// Lists those of some rows that have both nodes.
    fn pairs(&self, batch: &Batch, range: Range<usize>) -> (Vec<usize>, Vec<NodeId>, Vec<NodeId>) {
        let (mut rows, mut nodes, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        let (from, to) = (batch.column(self.how.first.from), batch.column(self.how.second.to));
        let (mut made, mut other) = (Value::Null, Value::Null);
        for row in range {
            let (node, end) = match (&from, &to) {
                (Column::Nodes { ids, .. }, Column::Nodes { ids: others, .. }) => (ids[row], others[row]),
                _ => match (from.lend(row, &mut made), to.lend(row, &mut other)) {
                    (Value::NodeRef(node), Value::NodeRef(end)) => (node.id, end.id),
                    _ => continue,
                },
            };
            rows.push(row);
            nodes.push(node);
            ends.push(end);
        }
        (rows, nodes, ends)
    }

    /// Tells whether neither relationship stands in a row already, nor both are one.
    fn fits(&self, batch: &Batch, row: usize, way: &(RelationshipRecord, types::RelationshipRef)) -> bool {
        let (first, second) = (&self.how.first, &self.how.second);
        let (near, far) = (way.0.relationship.id, way.1.id);
        let is_one = near == far && second.distinct_from.contains(&first.relationship);
        !is_one
            && !is_taken(&first.distinct_from, first.source, batch, row, near)
            && !is_taken(&second.distinct_from, second.source, batch, row, far)
    }

    fn filled(&self, state: &UnderWay, run: Range<usize>) -> Batch {
        let mut out = state.batch.gather(&state.rows[run.clone()]);
        let (first, second, run) = (&self.how.first, &self.how.second, &state.found[run]);
        let between = run.iter().map(|(near, _)| near.neighbour).collect();
        out.set(first.to, Column::Nodes { source: first.source, ids: between });
        out.set(first.relationship, Column::Relationships(run.iter().map(|(near, _)| near.relationship).collect()));
        out.set(second.relationship, Column::Relationships(run.iter().map(|(_, far)| *far).collect()));
        out
    }
}

/// The types that both steps follow; none where any will do.
struct Types([Vec<TypeId>; 2]);

impl Types {
    fn of(how: &Meet, context: &Context<'_>) -> Option<Self> {
        Some(Self([known_types(&how.first, context)?, known_types(&how.second, context)?]))
    }

    fn first(&self) -> Option<&[TypeId]> {
        Some(self.0[0].as_slice()).filter(|types| !types.is_empty())
    }

    fn second(&self) -> Option<&[TypeId]> {
        Some(self.0[1].as_slice()).filter(|types| !types.is_empty())
    }
}

impl Operator for ExpandBetween {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            let Some(mut state) = self.under_way.take() else {
                let Some(batch) = self.input.next(context)? else { return Ok(None) };
                self.under_way = Some(UnderWay { batch, row: 0, rows: Vec::new(), found: Vec::new(), done: 0 });
                continue;
            };
            let run = state.done..state.rows.len().min(state.done + Batch::ROWS_MAX);
            if run.is_empty() {
                // Only asked once there are rows: what is below may be what makes the first relationship of a type.
                if state.row < state.batch.rows
                    && let Some(types) = Types::of(&self.how, context)
                {
                    self.look(&mut state, &types, context)?;
                    self.under_way = Some(state);
                }
                continue;
            }
            let out = self.filled(&state, run.clone());
            state.done = run.end;
            self.under_way = Some(state);
            return Ok(Some(out));
        }
    }
}
