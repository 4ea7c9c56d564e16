//! Two steps of a pattern taken as one: to a node that rows do not have, and on to one that they have.
//! Leaves the order of steps to `order`.
//! Start reading at [`Solver::meeting`].

use std::sync::Arc;

use types::{Direction, Failure};

use super::cost;
use super::graph::PatternRelationship;
use super::order::Step;
use super::solve::{Solver, State};
use crate::operator::{Meet, Plan};

/// A relationship that is followed, and the node from which it is, both by place.
type Followed = (usize, usize);

impl Solver<'_, '_> {
    /// Tells whether two steps that follow each other find a node between two: what both lists share is then looked
    /// for, and not everything that hangs on one of them.
    pub(super) fn meeting(&self, state: &State, step: &Step, next: Option<&Step>) -> Option<[Followed; 2]> {
        let (&Step::Follow(first, from), Some(&Step::Follow(second, _))) = (step, next) else { return None };
        let graph = self.graph;
        let has = |node: usize| state.solved.contains(&graph.nodes[node].slot) || graph.nodes[node].is_bound;
        // Lists of one type, seen from one side, are in order of the nodes that they lead to.
        let is_plain = |relationship: &PatternRelationship| {
            relationship.repeat.is_none()
                && relationship.same_as.is_none()
                && relationship.types.len() == 1
                && relationship.direction != Direction::Both
        };
        let relationships = [first, second].map(|place| &graph.relationships[place]);
        let between = relationships[0].other(from);
        let is_after = relationships[1].left == between || relationships[1].right == between;
        let end = relationships[1].other(between);
        let fits =
            self.planner.is_by_cost && is_after && between != from && !has(between) && has(end) && end != between;
        (fits && relationships.into_iter().all(is_plain)).then_some([(first, from), (second, between)])
    }

    /// Finds the node between two.
    pub(super) fn meet(&self, state: &mut State, [first, second]: [Followed; 2]) -> Result<Meet, Failure> {
        let graph = self.graph;
        let source = self.planner.graphs.source(graph.source);
        for (place, from) in [first, second] {
            state.rows *= cost::degree(graph, &graph.relationships[place], from, source);
        }
        state.rows = (state.rows / source.count_nodes(None)?.max(1) as f64).max(0.01);
        let near = self.expand(state, first.0, first.1);
        self.take(state, first);
        let far = self.expand(state, second.0, second.1);
        self.take(state, second);
        Ok(Meet { first: near, second: far })
    }

    /// Notes that rows have a relationship, and the node that it leads to.
    fn take(&self, state: &mut State, (place, from): Followed) {
        let relationship = &self.graph.relationships[place];
        state.solved.extend([relationship.slot, self.graph.nodes[relationship.other(from)].slot]);
        state.relationships.push(place);
    }

    /// Puts the operator of two steps on top.
    pub(super) fn met_between(&mut self, state: &mut State, steps: [Followed; 2]) -> Result<(), Failure> {
        let details = steps.map(|(place, from)| self.picture(place, from)).join(", ");
        let meet = self.meet(state, steps)?;
        state.plan = self.planner.put(Plan::Meet(Arc::clone(&state.plan), meet), state.rows, details);
        Ok(())
    }
}
