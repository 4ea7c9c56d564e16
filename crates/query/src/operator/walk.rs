//! Relationships followed again and again: `-[r:T*1..3]->`.

use types::{Failure, NodeId, NodeRef, RelationshipRef, TypeId, Value};

use super::expand::{is_taken, known_types};
use super::{Expand, Operator};
use crate::expression::Context;
use crate::source::{Expansion, RelationshipRecord};
use crate::{Batch, Column};

/// Rows that the first batch waits for; each next one waits for twice as many, so that a limit ends early.
const FIRST_ROWS: usize = 16;

/// Most nodes whose relationships are read ahead at once, and what was found beyond which fewer are.
const AHEAD_NODES_MAX: usize = 256;
const AHEAD_FOUND_MAX: usize = 4_096;

/// For each row, every trail from a node whose length lies within bounds: no relationship comes twice in one.
///
/// Trails are found depth first, so that what is kept is one trail and what lies open beside it.
pub(super) struct Walk {
    input: Box<dyn Operator>,
    how: Expand,
    min: u64,
    max: Option<u64>,
    /// The types that are followed, found anew for each batch of the input; `None` where there are none.
    types: Option<Vec<TypeId>>,
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
#[derive(Default)]
struct Open {
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
        how: (&Expand, &[TypeId]),
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
        (how, types): (&Expand, &[TypeId]),
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
        let wanted = (!types.is_empty()).then_some(types);
        context.sources[usize::from(how.source)].expand(&nodes, how.direction, wanted, &mut self.found)?;
        context.budget.pay_rows(self.found.found.len().max(1))?;
        context.budget.give_back_memory(std::mem::take(&mut self.memory_bytes));
        let bytes = self.found.found.len() * size_of::<RelationshipRecord>();
        context.budget.take_memory(bytes)?;
        self.memory_bytes = bytes;
        Ok(())
    }
}

impl Open {
    fn of(steps: &[RelationshipRecord], context: &mut Context<'_>) -> Result<Self, Failure> {
        context.budget.take_memory(size_of_val(steps))?;
        Ok(Self { steps: steps.to_vec(), ..Self::default() })
    }

    fn close(self, context: &mut Context<'_>) {
        context.budget.give_back_memory(size_of_val(self.steps.as_slice()) + self.ahead.memory_bytes);
    }
}

impl Walk {
    pub fn new(input: Box<dyn Operator>, how: Expand, (min, max): (u64, Option<u64>)) -> Self {
        Self { input, how, min, max, types: None, under_way: None, rows_wanted: FIRST_ROWS }
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

    /// Tells whether a trail may be longer than `length`.
    fn may_grow(&self, length: usize) -> bool {
        self.types.is_some() && self.max.is_none_or(|max| u64::try_from(length).is_ok_and(|length| length < max))
    }

    /// Takes the trail under way in where it is long enough and ends where it has to.
    fn offer(&self, under_way: &UnderWay, end: NodeId, found: &mut Found) {
        if u64::try_from(under_way.trail.len()).is_ok_and(|length| length < self.min) {
            return;
        }
        let end_ref = NodeRef { source: self.how.source, id: end };
        let wanted = || under_way.batch.value(self.how.to, under_way.row);
        if self.how.into && !matches!(wanted(), Value::NodeRef(wanted) if wanted == end_ref) {
            return;
        }
        found.rows.push(under_way.row);
        found.ends.push(end);
        found.relationships.extend_from_slice(&under_way.trail);
        found.trail_ends.push(found.relationships.len());
    }

    /// Begins the trails of the next row; false after the last one.
    fn start(&self, under_way: &mut UnderWay, found: &mut Found, context: &mut Context<'_>) -> Result<bool, Failure> {
        let at = under_way.next;
        let Some(start) = under_way.starts.get(at).copied() else { return Ok(false) };
        under_way.next += 1;
        under_way.row = under_way.rows[at];
        self.offer(under_way, start, found);
        if self.may_grow(0) {
            let nodes = under_way.starts[at..].iter().copied();
            let types = self.types.as_deref().unwrap_or_default();
            let open = Open::of(under_way.ahead.run(at, nodes, (&self.how, types), context)?, context)?;
            under_way.open.push(open);
        }
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
        if under_way.trail.iter().any(|walked| walked.id == id)
            || is_taken(&self.how, &under_way.batch, under_way.row, id)
        {
            return Ok(());
        }
        under_way.trail.push(step.relationship);
        self.offer(under_way, step.neighbour, found);
        if !self.may_grow(under_way.trail.len()) {
            under_way.trail.pop();
            return Ok(());
        }
        let Some(Open { steps, ahead, .. }) = under_way.open.last_mut() else { return Ok(()) };
        let nodes = steps[at..].iter().map(|step| step.neighbour);
        let types = self.types.as_deref().unwrap_or_default();
        let next = Open::of(ahead.run(at, nodes, (&self.how, types), context)?, context)?;
        under_way.open.push(next);
        Ok(())
    }

    fn filled(&self, batch: &Batch, found: Found) -> Batch {
        let mut out = batch.gather(&found.rows);
        if !self.how.into {
            out.set(self.how.to, Column::Nodes { source: self.how.source, ids: found.ends });
        }
        out.set(self.how.relationship, Column::Trails { ends: found.trail_ends, found: found.relationships });
        out
    }
}

impl Operator for Walk {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            let Some(mut under_way) = self.under_way.take() else {
                let Some(batch) = self.input.next(context)? else { return Ok(None) };
                self.types = known_types(&self.how, context);
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
