//! Walks in order of their length, from one end: what stands where after so many relationships.

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;
use types::{Failure, NodeId, RelationshipRef};

use super::Search;
use super::states::{Round, Route, State};
use crate::Batch;
use crate::expression::Context;

/// Bytes that a place costs where it is kept.
const ENTRY_BYTES: usize = 192;

/// A relationship of a path, with the number of its part.
pub(super) type Taken = (RelationshipRef, usize);

/// What stands at a node after so many relationships.
struct Entry {
    node: NodeId,
    state: State,
    /// The round under way, where a condition looks back at it.
    round: Round,
    /// The last steps of all walks to here.
    before: SmallVec<[Before; 1]>,
}

/// A last step: where it came from, and by which relationship of which part.
struct Before {
    entry: usize,
    by: RelationshipRef,
    part: usize,
}

type Place = (NodeId, State, Round);

/// The walks from one end, by length.
pub(super) struct Side {
    pub from_start: bool,
    layers: Vec<Vec<Entry>>,
    /// Where any walk stood, where longer walks to there are of no use.
    seen: Option<HashSet<Place, FxBuildHasher>>,
    pub memory_bytes: usize,
}

impl Side {
    /// Begins at a node. Where `once`, only the shortest walks to each place are kept.
    pub fn new(begin: NodeId, from_start: bool, once: bool) -> Self {
        let first = Entry { node: begin, state: State::START, round: Round::new(), before: SmallVec::new() };
        let seen = once.then(|| std::iter::once((begin, State::START, Round::new())).collect());
        Self { from_start, layers: vec![vec![first]], seen, memory_bytes: 0 }
    }

    /// Tells how many relationships the longest walks have.
    pub fn length(&self) -> usize {
        self.layers.len() - 1
    }

    /// Counts the places where the longest walks stand.
    pub fn width(&self) -> usize {
        self.layers[self.length()].len()
    }

    /// Gives the node and the state of each place where the longest walks stand.
    pub fn places(&self) -> impl Iterator<Item = (NodeId, State)> + '_ {
        self.layers[self.length()].iter().map(|entry| (entry.node, entry.state))
    }

    /// Makes every walk one relationship longer, in every way.
    pub fn grow(&mut self, search: &mut Search<'_>, context: &mut Context<'_>) -> Result<(), Failure> {
        let route = Route::new(search.how, self.from_start);
        let mut open: Vec<(State, usize)> = Vec::new();
        for at in 0..self.width() {
            let (node, state) = (self.layers[self.length()][at].node, self.layers[self.length()][at].state);
            let openings = route.openings(search, node, state, context)?;
            open.extend(openings.states.into_iter().map(|state| (state, at)));
        }
        // What is read in the same way is read together.
        open.sort_by_key(|(state, at)| (state.part, state.step, *at));
        let mut next = Next::default();
        for same in open.chunk_by(|(left, _), (right, _)| (left.part, left.step) == (right.part, right.step)) {
            for opened in same.chunks(Batch::ROWS_MAX) {
                self.follow(search, &route, opened, &mut next, context)?;
            }
        }
        self.layers.push(next.entries);
        match &mut self.seen {
            Some(seen) => seen.extend(next.places.into_keys()),
            None => self.keep_trails(context)?,
        }
        Ok(())
    }

    fn follow(
        &mut self,
        search: &mut Search<'_>,
        route: &Route<'_>,
        opened: &[(State, usize)],
        next: &mut Next,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        let last = &self.layers[self.layers.len() - 1];
        let nodes: Vec<(NodeId, &Round)> = opened.iter().map(|(_, at)| (last[*at].node, &last[*at].round)).collect();
        let runs = search.follow(route, opened[0].0, &nodes, context)?;
        for ((state, at), run) in opened.iter().zip(runs) {
            let (entry, after) = (&last[*at], route.after(*state));
            let part = route.number(state.part);
            let looks_back = route.part(state.part).looks_back();
            for found in run {
                let by = found.relationship;
                // A way back over the only relationship that leads here is no trail. Where longer walks are not looked
                // at it still tells that something is there.
                if self.seen.is_none()
                    && !entry.before.is_empty()
                    && entry.before.iter().all(|before| before.by.id == by.id)
                {
                    continue;
                }
                let mut round = Round::new();
                if looks_back && after.step > 0 {
                    round = entry.round.clone();
                    round.push((entry.node, by));
                }
                let place = (found.neighbour, after, round);
                let bytes = match next.places.get(&place) {
                    Some(known) => {
                        next.entries[*known].before.push(Before { entry: *at, by, part });
                        size_of::<Before>()
                    }
                    None if self.seen.as_ref().is_some_and(|seen| seen.contains(&place)) => continue,
                    None => {
                        let before = SmallVec::from_iter([Before { entry: *at, by, part }]);
                        let (node, state, round) = place.clone();
                        next.entries.push(Entry { node, state, round, before });
                        next.places.insert(place, next.entries.len() - 1);
                        ENTRY_BYTES
                    }
                };
                context.budget.take_memory(bytes)?;
                self.memory_bytes += bytes;
            }
        }
        Ok(())
    }

    /// Lets go of the places where no walk is a trail: nothing that goes on from there is one.
    fn keep_trails(&mut self, context: &mut Context<'_>) -> Result<(), Failure> {
        let mut kept = Vec::new();
        let depth = self.length();
        for at in 0..self.width() {
            if self.each_way(depth, at, &mut Vec::new(), context, &mut |_, _| Ok(true))? {
                kept.push(at);
            }
        }
        let last = std::mem::take(&mut self.layers[depth]);
        let mut kept = kept.into_iter().peekable();
        let is_kept = |(at, _): &(usize, Entry)| kept.next_if_eq(at).is_some();
        self.layers[depth] = last.into_iter().enumerate().filter(is_kept).map(|(_, entry)| entry).collect();
        Ok(())
    }

    /// Walks every trail from a place back to where this side began, and puts its relationships behind those that
    /// `trail` has; calls `visit` with each whole one, until that says that it is enough. Tells whether it did.
    pub fn each_way(
        &self,
        depth: usize,
        place: usize,
        trail: &mut Vec<Taken>,
        context: &mut Context<'_>,
        visit: Visit<'_>,
    ) -> Result<bool, Failure> {
        let held = trail.len();
        // Each place on the way back, and which of its last steps comes next.
        let mut open: Vec<(usize, usize)> = vec![(place, 0)];
        while let Some((at, next)) = open.last_mut() {
            let depth = depth - (trail.len() - held);
            if depth == 0 {
                if visit(trail, context)? {
                    trail.truncate(held);
                    return Ok(true);
                }
                open.pop();
                if trail.len() > held {
                    trail.pop();
                }
                continue;
            }
            let entry = &self.layers[depth][*at];
            let Some(before) = entry.before.get(*next) else {
                open.pop();
                if trail.len() > held {
                    trail.pop();
                }
                continue;
            };
            *next += 1;
            context.budget.pay_rows(1)?;
            if trail.iter().all(|(walked, _)| walked.id != before.by.id) {
                trail.push((before.by, before.part));
                open.push((before.entry, 0));
            }
        }
        Ok(false)
    }

    /// Gives back what it holds.
    pub fn close(self, context: &mut Context<'_>) {
        context.budget.give_back_memory(self.memory_bytes);
    }
}

/// Takes a whole trail; tells whether no more are wanted.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&mut Vec<Taken>, &mut Context<'_>) -> Result<bool, Failure>;

/// The places where walks stand that are one relationship longer.
#[derive(Default)]
struct Next {
    entries: Vec<Entry>,
    places: HashMap<Place, usize, FxBuildHasher>,
}
