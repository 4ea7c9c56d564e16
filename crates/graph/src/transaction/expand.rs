//! Who is joined to whom, own changes included.
//! Leaves the stored lists to `read`.
//! Start reading at [`Transaction::expand`].

use types::{Direction, LabelId, NodeId, RelationshipId, TypeId};

use super::Transaction;
use super::state::RelationshipState;
use super::validate::Mark;
use crate::GraphError;
use crate::keys::Side;
use crate::read::Neighbour;

/// One relationship seen from one of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step {
    /// The place of the node among those that were expanded.
    pub input: usize,
    /// The node at the other end.
    pub neighbour: NodeId,
    /// The relationship.
    pub relationship: RelationshipId,
    /// Its type.
    pub kind: TypeId,
    /// The node where it starts.
    pub start: NodeId,
    /// The node where it ends.
    pub end: NodeId,
}

impl Transaction {
    /// Appends the relationships of each node, by type if `types` are given; a self-relationship once.
    pub fn expand(
        &self,
        nodes: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        out: &mut Vec<Step>,
    ) -> Result<(), GraphError> {
        self.expand_each(nodes, direction, types, |step| out.push(step))
    }

    /// As [`Transaction::expand`], but hands each relationship to `visit`: node by node, in the order of `nodes`.
    pub fn expand_each(
        &self,
        nodes: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        mut visit: impl FnMut(Step),
    ) -> Result<(), GraphError> {
        self.note_all(nodes.iter().filter(|node| !self.is_new_node(**node)).map(|node| Mark::Adjacency(*node)));
        let view = self.view();
        let has_own = !self.overlay.has_no_relationships();
        let topology = self.database.topology(self.version);
        if topology.is_none() && !has_own {
            view.each_neighbour_of(nodes, direction, types, |at, found| visit(Step::of(at, nodes[at], found)))?;
            return self.database.note_stored_reads(nodes.len(), view);
        }
        let mut stored = 0;
        for (input, node) in nodes.iter().enumerate() {
            let node = *node;
            let give = |found: Neighbour| {
                if !has_own || !self.is_deleted_relationship(found.relationship) {
                    visit(Step::of(input, node, found));
                }
            };
            match &topology {
                Some(topology) if topology.has(node) => topology.each_neighbour(node, direction, types, give),
                _ if self.is_new_node(node) => {}
                _ => {
                    stored += 1;
                    view.each_neighbour(node, direction, types, give)?;
                }
            }
            if has_own {
                self.expand_own(input, node, direction, types, &mut visit);
            }
        }
        self.database.note_stored_reads(stored, view)
    }

    /// As [`Transaction::expand_each`], of each node only what leads to the node at the same place in `ends`.
    pub fn expand_into(
        &self,
        nodes: &[NodeId],
        ends: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        mut visit: impl FnMut(Step),
    ) -> Result<(), GraphError> {
        self.note_all(nodes.iter().filter(|node| !self.is_new_node(**node)).map(|node| Mark::Adjacency(*node)));
        let view = self.view();
        let has_own = !self.overlay.has_no_relationships();
        let topology = self.database.topology(self.version);
        if topology.is_none() && !has_own {
            view.each_between(nodes, ends, direction, types, |at, found| visit(Step::of(at, nodes[at], found)))?;
            return self.database.note_stored_reads(nodes.len(), view);
        }
        let mut stored = 0;
        for (input, (node, end)) in nodes.iter().zip(ends).enumerate() {
            let (node, end) = (*node, *end);
            let give = |found: Neighbour| {
                if !has_own || !self.is_deleted_relationship(found.relationship) {
                    visit(Step::of(input, node, found));
                }
            };
            match &topology {
                Some(topology) if topology.has(node) => topology.each_between(node, end, direction, types, give),
                _ if self.is_new_node(node) || self.is_new_node(end) => {}
                _ => {
                    stored += 1;
                    let mut give = give;
                    view.each_between(&[node], &[end], direction, types, |_, found| give(found))?;
                }
            }
            if has_own {
                for (relationship, state) in self.overlay.created_between(node, end) {
                    visit_own(input, node, (relationship, state), direction, types, &mut visit);
                }
            }
        }
        self.database.note_stored_reads(stored, view)
    }

    /// Counts the relationships of each node without listing them, where the stored lists allow it.
    pub fn degrees(
        &self,
        nodes: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        out: &mut Vec<u64>,
    ) -> Result<(), GraphError> {
        let first = out.len();
        out.resize(first + nodes.len(), 0);
        if !self.overlay.has_no_relationships() {
            return self.expand_each(nodes, direction, types, |step| out[first + step.input] += 1);
        }
        self.note_all(nodes.iter().map(|node| Mark::Adjacency(*node)));
        let Some(topology) = self.database.topology(self.version) else {
            self.view().degrees(nodes, direction, types, &mut out[first..])?;
            return self.database.note_stored_reads(nodes.len(), self.view());
        };
        let mut stored = 0;
        for (degree, node) in out[first..].iter_mut().zip(nodes) {
            if topology.has(*node) {
                *degree = topology.degree(*node, direction, types);
            } else {
                stored += 1;
                *degree = self.view().degree(*node, direction, types)?;
            }
        }
        self.database.note_stored_reads(stored, self.view())
    }

    /// As [`Transaction::degrees`], of those relationships whose other end has a label.
    pub fn degrees_to(
        &self,
        nodes: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        label: LabelId,
        out: &mut Vec<u64>,
    ) -> Result<(), GraphError> {
        /// Ends that are looked at together.
        const ENDS_MAX: usize = 4_096;
        let first = out.len();
        out.resize(first + nodes.len(), 0);
        let (mut ends, mut places, mut has) = (Vec::new(), Vec::new(), Vec::new());
        let mut count = |ends: &mut Vec<NodeId>, places: &mut Vec<usize>| {
            has.clear();
            self.has_label(ends, label, &mut has)?;
            places.iter().zip(&has).for_each(|(at, has)| out[first + at] += u64::from(*has));
            ends.clear();
            places.clear();
            Ok::<_, GraphError>(())
        };
        let mut failed = Ok(());
        self.expand_each(nodes, direction, types, |step| {
            ends.push(step.neighbour);
            places.push(step.input);
            if ends.len() >= ENDS_MAX && failed.is_ok() {
                failed = count(&mut ends, &mut places);
            }
        })?;
        failed?;
        count(&mut ends, &mut places)
    }

    fn expand_own(
        &self,
        input: usize,
        node: NodeId,
        direction: Direction,
        types: Option<&[TypeId]>,
        visit: &mut impl FnMut(Step),
    ) {
        for own in self.overlay.created_at(node) {
            visit_own(input, node, own, direction, types, visit);
        }
    }

    /// Tells whether this transaction made the node, so that the store has nothing of it.
    fn is_new_node(&self, node: NodeId) -> bool {
        self.overlay.node(node).is_some_and(|change| change.before.is_none())
    }
}

/// Hands a relationship that the transaction made at a node to `visit`, if it is meant.
fn visit_own(
    input: usize,
    node: NodeId,
    (relationship, state): (RelationshipId, &RelationshipState),
    direction: Direction,
    types: Option<&[TypeId]>,
    visit: &mut impl FnMut(Step),
) {
    let (kind, start, end) = (state.kind, state.start, state.end);
    let is_meant = match direction {
        Direction::Outgoing => start == node,
        Direction::Incoming => end == node,
        Direction::Both => true,
    };
    if is_meant && types.is_none_or(|types| types.contains(&kind)) {
        let neighbour = if start == node { end } else { start };
        visit(Step { input, neighbour, relationship, kind, start, end });
    }
}

impl Step {
    /// Makes a step out of what stands in a node's list.
    pub(super) fn of(input: usize, node: NodeId, found: Neighbour) -> Self {
        let Neighbour { node: neighbour, relationship, kind, side } = found;
        let (start, end) = match side {
            Side::Outgoing => (node, neighbour),
            Side::Incoming => (neighbour, node),
        };
        Self { input, neighbour, relationship, kind, start, end }
    }
}
