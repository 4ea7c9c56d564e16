//! Relationships followed again and again: `-[r:T*1..3]->`, `((a)-[r:T]->(b) WHERE a.x < b.x){1,3}`.

use types::{Failure, NodeId, NodeRef, RelationshipRef, TypeId, Value};

use super::expand::is_taken;
use super::steps::Around;
use super::{Operator, Step, Walk};
use crate::expression::Context;
use crate::source::{Expansion, RelationshipRecord};
use crate::{Batch, Column};

/// Rows that the first batch waits for; each next one waits for twice as many, so that a limit ends early.
const FIRST_ROWS: usize = 16;

/// Most nodes whose relationships are read ahead at once, and what was found beyond which fewer are.
const AHEAD_NODES_MAX: usize = 256;
const AHEAD_FOUND_MAX: usize = 4_096;

/// For each row, every trail from a node whose rounds lie within bounds: no relationship comes twice in one.
///
/// Trails are found depth first, so that what is kept is one trail and what lies open beside it.
pub(super) struct FindWalks {
    input: Box<dyn Operator>,
    how: Walk,
    /// The types that each step follows, found anew for each batch of the input; `None` where there are none.
    types: Vec<Option<Vec<TypeId>>>,
    under_way: Option<UnderWay>,
    rows_wanted: usize,
}

/// A batch of the input under way.
struct UnderWay {
    batch: Batch,
    /// The node of each row where trails begin, and the row of each.
    starts: Vec<NodeId>,
    rows: Vec<usize>,
    /// Which of them comes next.
    next: usize,
    ahead: Ahead,
    /// The trail under way, and the row that it is for.
    trail: Vec<RelationshipRef>,
    open: Vec<Open>,
    row: usize,
}

/// The relationships to try at one node of the trail.
struct Open {
    node: NodeId,
    steps: Vec<RelationshipRecord>,
    next: usize,
    /// What their other ends lead to.
    ahead: Ahead,
}

/// Relationships of nodes that stand in a row, read before they are asked for.
#[derive(Default)]
struct Ahead {
    first: usize,
    nodes: usize,
    found: Expansion,
    memory_bytes: usize,
}

/// How a trail goes on.
struct Following<'a> {
    source: u16,
    /// The step's place in its round.
    at: usize,
    step: &'a Step,
    types: &'a [TypeId],
}

/// Trails that were found, and what they put into their rows.
#[derive(Default)]
struct Found {
    rows: Vec<usize>,
    ends: Vec<NodeId>,
    trail_ends: Vec<usize>,
    relationships: Vec<RelationshipRef>,
}

impl Ahead {
    /// Gives the relationships of the node at a place, reading those of nodes behind it too.
    fn run(
        &mut self,
        place: usize,
        nodes: impl Iterator<Item = NodeId>,
        how: &Following<'_>,
        context: &mut Context<'_>,
    ) -> Result<&[RelationshipRecord], Failure> {
        if place >= self.first + self.found.ends.len() {
            self.read(place, nodes, how, context)?;
        }
        let at = place - self.first;
        let start = at.checked_sub(1).map_or(0, |before| self.found.ends[before]);
        Ok(&self.found.found[start..self.found.ends[at]])
    }

    fn read(
        &mut self,
        place: usize,
        nodes: impl Iterator<Item = NodeId>,
        how: &Following<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        // More are read ahead the longer this goes on, but few where each has many relationships.
        self.nodes = match self.found.found.len() {
            found if found > AHEAD_FOUND_MAX => 1,
            _ => (self.nodes * 4).clamp(1, AHEAD_NODES_MAX),
        };
        let nodes: Vec<NodeId> = nodes.take(self.nodes).collect();
        self.first = place;
        self.found.ends.clear();
        self.found.found.clear();
        let wanted = (!how.types.is_empty()).then_some(how.types);
        context.sources[usize::from(how.source)].expand(&nodes, how.step.direction, wanted, &mut self.found)?;
        context.budget.pay_rows(self.found.found.len().max(1))?;
        context.budget.give_back_memory(std::mem::take(&mut self.memory_bytes));
        let bytes = self.found.found.len() * size_of::<RelationshipRecord>();
        context.budget.take_memory(bytes)?;
        self.memory_bytes = bytes;
        Ok(())
    }
}

impl Open {
    fn of(node: NodeId, steps: Vec<RelationshipRecord>, context: &mut Context<'_>) -> Result<Self, Failure> {
        context.budget.take_memory(size_of_val(steps.as_slice()))?;
        Ok(Self { node, steps, next: 0, ahead: Ahead::default() })
    }

    fn close(self, context: &mut Context<'_>) {
        context.budget.give_back_memory(size_of_val(self.steps.as_slice()) + self.ahead.memory_bytes);
    }
}

impl UnderWay {
    /// Tells what the round has so far, where a condition looks back at it.
    fn before(&self, how: &Walk, step: usize) -> Vec<(usize, Value)> {
        let steps = &how.part.steps;
        if !steps[step].filter.as_ref().is_some_and(|filter| filter.looks_back) {
            return Vec::new();
        }
        let first = self.trail.len() - step;
        let of_round = (first..self.trail.len()).zip(steps);
        of_round
            .flat_map(|(at, step)| {
                let node = NodeRef { source: how.source, id: self.open[at].node };
                let relationship = Value::RelationshipRef(Box::new(self.trail[at]));
                [(step.from, Value::NodeRef(node)), (step.relationship, relationship)]
            })
            .collect()
    }
}

impl FindWalks {
    pub fn new(input: Box<dyn Operator>, how: Walk) -> Self {
        Self { input, how, types: Vec::new(), under_way: None, rows_wanted: FIRST_ROWS }
    }

    /// Takes a batch of the input; rows without a node have no trails.
    fn begin(&self, batch: Batch) -> UnderWay {
        let (mut starts, mut rows) = (Vec::new(), Vec::new());
        for row in 0..batch.rows {
            if let Value::NodeRef(node) = batch.value(self.how.from, row) {
                starts.push(node.id);
                rows.push(row);
            }
        }
        let (trail, open, ahead) = (Vec::new(), Vec::new(), Ahead::default());
        UnderWay { batch, starts, rows, next: 0, ahead, trail, open, row: 0 }
    }

    /// Gives how a trail of `length` relationships goes on; `None` where it cannot be longer.
    fn following(&self, length: usize) -> Option<Following<'_>> {
        let steps = &self.how.part.steps;
        let (rounds, at) = (length / steps.len(), length % steps.len());
        let may_grow = at > 0 || self.how.part.max.is_none_or(|max| u64::try_from(rounds).is_ok_and(|now| now < max));
        let types = self.types.get(at)?.as_deref().filter(|_| may_grow)?;
        Some(Following { source: self.how.source, at, step: &steps[at], types })
    }

    /// Takes the trail under way in where it is long enough and ends where it has to.
    fn offer(&self, under_way: &UnderWay, end: NodeId, found: &mut Found) {
        let (length, round) = (under_way.trail.len(), self.how.part.steps.len());
        if length % round != 0 || u64::try_from(length / round).is_ok_and(|rounds| rounds < self.how.part.min) {
            return;
        }
        let end_ref = NodeRef { source: self.how.source, id: end };
        let wanted = || under_way.batch.value(self.how.to, under_way.row);
        if self.how.into && !matches!(wanted(), Value::NodeRef(wanted) if wanted == end_ref) {
            return;
        }
        found.rows.push(under_way.row);
        found.ends.push(end);
        match self.how.turned {
            true => found.relationships.extend(under_way.trail.iter().rev()),
            false => found.relationships.extend_from_slice(&under_way.trail),
        }
        found.trail_ends.push(found.relationships.len());
    }

    /// Begins the trails of the next row; false after the last one.
    fn start(&self, under_way: &mut UnderWay, found: &mut Found, context: &mut Context<'_>) -> Result<bool, Failure> {
        let at = under_way.next;
        let Some(start) = under_way.starts.get(at).copied() else { return Ok(false) };
        under_way.next += 1;
        under_way.row = under_way.rows[at];
        self.offer(under_way, start, found);
        let Some(how) = self.following(0) else { return Ok(true) };
        let around = Around { batch: &under_way.batch, row: under_way.row, source: self.how.source };
        if !around.passes(how.step.ahead.as_ref(), how.step.from, start, context)? {
            return Ok(true);
        }
        let nodes = under_way.starts[at..].iter().copied();
        let steps = under_way.ahead.run(at, nodes, &how, context)?.to_vec();
        let around = Around { batch: &under_way.batch, row: under_way.row, source: self.how.source };
        let steps = around.admit(how.step, &[], start, steps, context)?;
        under_way.open.push(Open::of(start, steps, context)?);
        Ok(true)
    }

    /// Goes one relationship on, or one back.
    fn step(&self, under_way: &mut UnderWay, found: &mut Found, context: &mut Context<'_>) -> Result<(), Failure> {
        let Some(open) = under_way.open.last_mut() else { return Ok(()) };
        let at = open.next;
        let Some(step) = open.steps.get(at).copied() else {
            under_way.open.pop().into_iter().for_each(|open| open.close(context));
            under_way.trail.pop();
            return Ok(());
        };
        open.next += 1;
        let id = step.relationship.id;
        let is_again = !self.how.repeatable && under_way.trail.iter().any(|walked| walked.id == id);
        if is_again || is_taken(&self.how.distinct_from, self.how.source, &under_way.batch, under_way.row, id) {
            return Ok(());
        }
        under_way.trail.push(step.relationship);
        self.offer(under_way, step.neighbour, found);
        let around = Around { batch: &under_way.batch, row: under_way.row, source: self.how.source };
        let goes_on = match self.following(under_way.trail.len()) {
            Some(how) if around.passes(how.step.ahead.as_ref(), how.step.from, step.neighbour, context)? => Some(how),
            _ => None,
        };
        let Some(how) = goes_on else {
            under_way.trail.pop();
            return Ok(());
        };
        let Some(Open { steps, ahead, .. }) = under_way.open.last_mut() else { return Ok(()) };
        let nodes = steps[at..].iter().map(|step| step.neighbour);
        let next = ahead.run(at, nodes, &how, context)?.to_vec();
        let around = Around { batch: &under_way.batch, row: under_way.row, source: self.how.source };
        let next = around.admit(how.step, &under_way.before(&self.how, how.at), step.neighbour, next, context)?;
        under_way.open.push(Open::of(step.neighbour, next, context)?);
        Ok(())
    }

    fn filled(&self, batch: &Batch, found: Found) -> Batch {
        let mut out = batch.gather(&found.rows);
        if !self.how.into {
            out.set(self.how.to, Column::Nodes { source: self.how.source, ids: found.ends });
        }
        out.set(self.how.trail, Column::Trails { ends: found.trail_ends, found: found.relationships });
        out
    }
}

impl Operator for FindWalks {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            let Some(mut under_way) = self.under_way.take() else {
                let Some(batch) = self.input.next(context)? else { return Ok(None) };
                let steps = self.how.part.steps.iter();
                self.types = steps.map(|step| step.known_types(self.how.source, context)).collect();
                self.under_way = Some(self.begin(batch));
                continue;
            };
            let mut found = Found::default();
            let mut has_more = true;
            while has_more && found.rows.len() < self.rows_wanted {
                if under_way.open.is_empty() {
                    has_more = self.start(&mut under_way, &mut found, context)?;
                } else {
                    self.step(&mut under_way, &mut found, context)?;
                }
            }
            self.rows_wanted = (self.rows_wanted * 2).min(Batch::ROWS_MAX);
            let out = (!found.rows.is_empty()).then(|| self.filled(&under_way.batch, found));
            if has_more {
                self.under_way = Some(under_way);
            } else {
                context.budget.give_back_memory(under_way.ahead.memory_bytes);
            }
            if out.is_some() {
                return Ok(out);
            }
        }
    }
}
