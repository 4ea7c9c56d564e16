//! Steps from node to node: how each is followed, and which of them a condition admits.
//! Leaves the order in which trails are tried to `walk` and `shortest`.
//! Start reading at [`Part`], then [`Around::admit`].

use compact_str::CompactString;
use types::{Direction, Failure, NodeId, NodeRef, TypeId, Value};

use super::Expand;
use crate::expression::{Compiled, Context, select};
use crate::source::RelationshipRecord;
use crate::{Batch, Column};

/// A part of a path: steps that follow each other, so many rounds of them.
#[derive(Clone, Debug)]
pub struct Part {
    /// The steps of one round, in the order of walking.
    pub steps: Vec<Step>,
    /// At least so many rounds.
    pub min: u64,
    /// At most so many.
    pub max: Option<u64>,
}

/// One relationship that is followed.
#[derive(Clone, Debug)]
pub struct Step {
    /// Which way.
    pub direction: Direction,
    /// The types; none means all.
    pub types: Vec<CompactString>,
    /// The slot of the node where it begins, for conditions.
    pub from: usize,
    /// The slot of the relationship, for conditions.
    pub relationship: usize,
    /// The slot of the node where it leads, for conditions.
    pub to: usize,
    /// A condition on the node where it begins, asked before anything is read.
    pub ahead: Option<Test>,
    /// A condition on what is found.
    pub filter: Option<Test>,
}

/// A condition, and the slots of the row around that it looks at.
#[derive(Clone, Debug)]
pub struct Test {
    /// The condition.
    pub condition: Compiled,
    /// Slots of the row.
    pub sees: Vec<usize>,
    /// Whether it looks at earlier steps of the same round.
    pub looks_back: bool,
}

/// How trails are followed, from one node or between two.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The source's place in the statement's list.
    pub source: u16,
    /// The slot of the node where trails begin.
    pub from: usize,
    /// What is walked, again and again.
    pub part: Part,
    /// The slot of the list of a trail's relationships.
    pub trail: usize,
    /// The slot of the node where a trail ends.
    pub to: usize,
    /// Whether `to` is filled already, so that only trails to that node count.
    pub into: bool,
    /// Slots of relationships of the same pattern, which may not come again.
    pub distinct_from: Vec<usize>,
    /// Whether the list is wanted from its end: the pattern is walked against the way in which it is written.
    pub turned: bool,
    /// Whether a relationship may come again.
    pub repeatable: bool,
    /// Whether it was written as a path in parentheses, for people.
    pub is_path: bool,
}

impl Walk {
    /// Makes a walk of relationships without conditions: their list takes the slot of the one relationship.
    #[must_use]
    pub fn run(expand: Expand, bounds: (u64, Option<u64>)) -> Self {
        Self {
            source: expand.source,
            from: expand.from,
            part: Part::run(expand.direction, expand.types, bounds),
            trail: expand.relationship,
            to: expand.to,
            into: expand.into,
            distinct_from: expand.distinct_from,
            turned: false,
            repeatable: false,
            is_path: false,
        }
    }
}

/// How many paths are wanted for each pair of ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// So many, shorter ones first.
    Paths(u64),
    /// All of so many lengths, shorter ones first.
    Groups(u64),
}

impl Wanted {
    /// Tells whether only the shortest are wanted.
    #[must_use]
    pub fn only_shortest(self) -> bool {
        matches!(self, Self::Paths(1) | Self::Groups(1))
    }
}

/// How the shortest trails along a path are looked for.
#[derive(Clone, Debug)]
pub struct Shortest {
    /// The source's place in the statement's list.
    pub source: u16,
    /// The slot of the node where the search begins.
    pub from: usize,
    /// The slot of the node where it ends.
    pub to: usize,
    /// Whether `to` is filled already; every node that can be reached is an end otherwise.
    pub into: bool,
    /// The parts of the path, in the order of walking.
    pub parts: Vec<Part>,
    /// The same as they are walked from the end; empty where conditions stand against that.
    pub backward: Vec<Part>,
    /// The slot of what each part takes: a list of relationships, or one.
    pub lists: Vec<(usize, Takes)>,
    /// The slots of the nodes between the parts, each with a condition on it.
    pub between: Vec<(usize, Option<Test>)>,
    /// A condition on the end, where it is not filled before.
    pub end: Option<Test>,
    /// How many are wanted.
    pub wanted: Wanted,
    /// A condition on each path as a whole.
    pub filter: Option<PathTest>,
    /// Slots of relationships of the same pattern, which may not come again.
    pub distinct_from: Vec<usize>,
    /// Whether lists are wanted from their end: the pattern is walked against the way in which it is written.
    pub turned: bool,
    /// Whether nothing but a path of no relationship leads from a node to itself (`shortestPath`).
    pub ends_differ: bool,
}

/// A condition on a path as a whole, over the row with the slots of its parts filled.
#[derive(Clone, Debug)]
pub struct PathTest {
    /// Slots that are computed for it.
    pub values: Vec<(usize, Compiled)>,
    /// The condition.
    pub condition: Compiled,
}

/// What a part of a path puts into its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A list of relationships.
    Many,
    /// One relationship.
    One,
}

impl Part {
    /// Makes a part of one relationship without conditions, which repeats.
    #[must_use]
    pub fn run(direction: Direction, types: Vec<CompactString>, (min, max): (u64, Option<u64>)) -> Self {
        let step = Step { direction, types, from: 0, relationship: 0, to: 0, ahead: None, filter: None };
        Self { steps: vec![step], min, max }
    }

    /// Tells whether a condition looks at earlier steps of its round.
    #[must_use]
    pub fn looks_back(&self) -> bool {
        self.tests().any(|test| test.looks_back)
    }

    /// Lists the conditions on its steps.
    pub fn tests(&self) -> impl Iterator<Item = &Test> {
        self.steps.iter().flat_map(|step| step.ahead.iter().chain(&step.filter))
    }
}

impl Step {
    /// Finds the types that are followed; `None` where none of them ever was, so that nothing matches.
    pub(super) fn known_types(&self, source: u16, context: &Context<'_>) -> Option<Vec<TypeId>> {
        let source = &context.sources[usize::from(source)];
        let known: Vec<TypeId> = self.types.iter().filter_map(|name| source.type_id(name)).collect();
        (self.types.is_empty() || !known.is_empty()).then_some(known)
    }
}

/// The row for which steps are tried.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub batch: &'a Batch,
    pub row: usize,
    pub source: u16,
}

impl Around<'_> {
    /// Gives rows that a condition can be asked on: what it sees of the row around, in each of them.
    fn rows(&self, test: &Test, rows: usize) -> Batch {
        let mut made = Batch { columns: Vec::new(), rows };
        for slot in &test.sees {
            made.set(*slot, Column::Constant { value: self.batch.value(*slot, self.row), rows });
        }
        made
    }

    /// Tells whether a node passes a condition on it alone.
    pub fn passes(
        &self,
        test: Option<&Test>,
        slot: usize,
        node: NodeId,
        context: &mut Context<'_>,
    ) -> Result<bool, Failure> {
        let Some(test) = test else { return Ok(true) };
        Ok(!self.passing(test, slot, vec![node], context)?.is_empty())
    }

    /// Lists the places of the nodes that pass a condition on them alone.
    pub fn passing(
        &self,
        test: &Test,
        slot: usize,
        nodes: Vec<NodeId>,
        context: &mut Context<'_>,
    ) -> Result<Vec<usize>, Failure> {
        let mut passing = Vec::new();
        for (at, nodes) in nodes.chunks(Batch::ROWS_MAX).enumerate() {
            let mut asked = self.rows(test, nodes.len());
            asked.set(slot, Column::Nodes { source: self.source, ids: nodes.to_vec() });
            let passed = select(&test.condition, &asked, context)?;
            passing.extend(passed.into_iter().map(|place| at * Batch::ROWS_MAX + place));
        }
        Ok(passing)
    }

    /// Keeps of what was found at a node what the step's condition admits; `before` is what the round has so far.
    pub fn admit(
        &self,
        step: &Step,
        before: &[(usize, Value)],
        from: NodeId,
        found: Vec<RelationshipRecord>,
        context: &mut Context<'_>,
    ) -> Result<Vec<RelationshipRecord>, Failure> {
        let Some(test) = &step.filter else { return Ok(found) };
        let mut admitted = Vec::new();
        for found in found.chunks(Batch::ROWS_MAX) {
            let rows = found.len();
            let mut asked = self.rows(test, rows);
            for (slot, value) in before {
                asked.set(*slot, Column::Constant { value: value.clone(), rows });
            }
            let from = Value::NodeRef(NodeRef { source: self.source, id: from });
            asked.set(step.from, Column::Constant { value: from, rows });
            asked.set(step.relationship, Column::Relationships(found.iter().map(|step| step.relationship).collect()));
            let ids = found.iter().map(|step| step.neighbour).collect();
            asked.set(step.to, Column::Nodes { source: self.source, ids });
            let passed = select(&test.condition, &asked, context)?;
            admitted.extend(passed.into_iter().map(|place| found[place]));
        }
        Ok(admitted)
    }
}
