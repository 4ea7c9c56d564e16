//! Where a walk stands along the parts of a path, and what it may do next.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;
use types::{Failure, NodeId, RelationshipRef, TypeId};

use super::Search;
use crate::expression::Context;
use crate::operator::{Part, Shortest};
use crate::source::RelationshipRecord;

/// How far a walk has come: parts are numbered from 1, and 0 stands before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct State {
    pub part: usize,
    /// Whole rounds of the part; no more are counted than make a difference.
    pub rounds: u64,
    /// Steps of the round that is not whole.
    pub step: usize,
}

impl State {
    pub const START: Self = Self { part: 0, rounds: 0, step: 0 };
}

/// The round under way: each node with the relationship that was followed from it.
pub(super) type Round = Vec<(NodeId, RelationshipRef)>;

/// What an automaton of parts may do, from one of the ends.
#[derive(Clone, Copy)]
pub(super) struct Route<'a> {
    pub how: &'a Shortest,
    pub parts: &'a [Part],
    pub from_start: bool,
}

/// What may be done at a node.
#[derive(Debug, Default)]
pub(super) struct Openings {
    /// States from which a relationship may be followed.
    pub states: SmallVec<[State; 2]>,
    /// Whether the walk may end here.
    pub ends: bool,
}

impl<'a> Route<'a> {
    pub fn new(how: &'a Shortest, from_start: bool) -> Self {
        Self { how, parts: if from_start { &how.parts } else { &how.backward }, from_start }
    }

    /// Gives the number of a part as it is counted from the start.
    pub fn number(&self, part: usize) -> usize {
        if self.from_start { part } else { self.parts.len() + 1 - part }
    }

    pub fn part(&self, number: usize) -> &'a Part {
        &self.parts[number - 1]
    }

    /// Tells whether the part of a state may be left.
    fn may_leave(&self, state: State) -> bool {
        state.step == 0 && (state.part == 0 || state.rounds >= self.part(state.part).min)
    }

    /// Lists what may be done in a state at a node.
    pub fn openings(
        &self,
        search: &mut Search<'_>,
        node: NodeId,
        state: State,
        context: &mut Context<'_>,
    ) -> Result<Openings, Failure> {
        let mut openings = Openings::default();
        if state.part > 0 && (state.step > 0 || self.part(state.part).max.is_none_or(|max| state.rounds < max)) {
            openings.states.push(state);
        }
        if !self.may_leave(state) {
            return Ok(openings);
        }
        let mut part = state.part;
        while self.may_cross(search, node, part, context)? {
            part += 1;
            if part > self.parts.len() {
                openings.ends = true;
                break;
            }
            openings.states.push(State { part, rounds: 0, step: 0 });
            if self.part(part).min > 0 {
                break;
            }
        }
        Ok(openings)
    }

    /// Tells whether a node may stand between a part and the next one.
    fn may_cross(
        &self,
        search: &mut Search<'_>,
        node: NodeId,
        part: usize,
        context: &mut Context<'_>,
    ) -> Result<bool, Failure> {
        if part == 0 || part == self.parts.len() {
            return Ok(true);
        }
        let at = if self.from_start { part - 1 } else { self.parts.len() - 1 - part };
        let (slot, test) = &self.how.between[at];
        let Some(test) = test else { return Ok(true) };
        if let Some(known) = search.crossings.get(&(at, node)) {
            return Ok(*known);
        }
        let passes = search.around.passes(Some(test), *slot, node, context)?;
        search.crossings.insert((at, node), passes);
        Ok(passes)
    }

    /// Gives the state after one more step.
    pub fn after(&self, state: State) -> State {
        let part = self.part(state.part);
        if state.step + 1 < part.steps.len() {
            return State { step: state.step + 1, ..state };
        }
        let counted = if is_alone(self.how) { part.min } else { part.max.unwrap_or(part.min) };
        State { rounds: (state.rounds + 1).min(counted), step: 0, ..state }
    }

    /// Tells whether a walk from the start in one state and a walk from the end in another make a whole path, where
    /// both stand at a node.
    pub fn joins(
        &self,
        search: &mut Search<'_>,
        node: NodeId,
        (first, last): (State, State),
        context: &mut Context<'_>,
    ) -> Result<bool, Failure> {
        let last_part = self.parts.len() + 1 - last.part;
        if first.part == last_part {
            let part = self.part(first.part);
            let broken = match (first.step, last.step) {
                (0, 0) => 0,
                (before, behind) if before > 0 && behind > 0 && before + behind == part.steps.len() => 1,
                _ => return Ok(false),
            };
            let rounds = first.rounds + last.rounds + broken;
            let is_counted = part.max == Some(part.min) || !is_alone(self.how);
            // Where rounds are not counted to the end, the length of the whole path is bounded.
            return Ok(rounds >= part.min && (!is_counted || part.max.is_none_or(|max| rounds <= max)));
        }
        let is_whole =
            |state: State, number: usize| state.step == 0 && (state.part == 0 || state.rounds >= self.part(number).min);
        if first.part > last_part || !is_whole(first, first.part) || !is_whole(last, last_part) {
            return Ok(false);
        }
        for part in first.part..last_part {
            let is_between = part > first.part;
            if (is_between && self.part(part).min > 0) || !self.may_cross(search, node, part, context)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Tells whether only one part repeats without a fixed count, so that the length of a path tells its rounds.
pub(super) fn is_alone(how: &Shortest) -> bool {
    how.parts.iter().filter(|part| part.max != Some(part.min)).count() == 1
}

/// Gives the most relationships that a path may have.
pub(super) fn length_max(how: &Shortest) -> Option<u64> {
    how.parts.iter().try_fold(0_u64, |length, part| {
        let steps = u64::try_from(part.steps.len()).ok()?;
        Some(length.saturating_add(part.max?.saturating_mul(steps)))
    })
}

/// The types that each step of each part follows; `None` where none of them ever was.
pub(super) type Types = Vec<Vec<Option<Vec<TypeId>>>>;

/// What passed or failed between two parts, by place and node.
pub(super) type Crossings = HashMap<(usize, NodeId), bool, FxBuildHasher>;

impl Search<'_> {
    /// Reads the relationships that a step may follow from nodes, each with the round so far; a run for each node.
    pub(super) fn follow(
        &mut self,
        route: &Route<'_>,
        state: State,
        nodes: &[(NodeId, &Round)],
        context: &mut Context<'_>,
    ) -> Result<Vec<Vec<RelationshipRecord>>, Failure> {
        let step = &route.part(state.part).steps[state.step];
        let types = if route.from_start { self.types } else { self.types_backward };
        let mut runs = vec![Vec::new(); nodes.len()];
        let Some(types) = types[state.part - 1][state.step].as_deref() else { return Ok(runs) };
        let mut places: Vec<usize> = (0..nodes.len()).collect();
        if let Some(test) = &step.ahead {
            let ids = nodes.iter().map(|(node, _)| *node).collect();
            places = self.around.passing(test, step.from, ids, context)?;
        }
        let asked: Vec<NodeId> = places.iter().map(|place| nodes[*place].0).collect();
        let found = self.expand(&asked, step.direction, types, context)?;
        let mut start = 0;
        for (place, end) in places.into_iter().zip(found.ends) {
            let (node, round) = nodes[place];
            let is_new = |found: &&RelationshipRecord| {
                self.is_free(found) && round.iter().all(|(_, walked)| walked.id != found.relationship.id)
            };
            let run: Vec<RelationshipRecord> = found.found[start..end].iter().filter(is_new).copied().collect();
            let before = self.before(route.part(state.part), round);
            runs[place] = self.around.admit(step, &before, node, run, context)?;
            start = end;
        }
        Ok(runs)
    }
}
