//! What a transaction changed and has not committed: each entity it touched, before and now.
//! Knows no storage; reads merge it with a snapshot in `read`, commits diff it in `apply`.
//! Start reading at [`Overlay`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use types::{LabelId, NodeId, RelationshipId, TypeId};

use super::state::{NodeState, RelationshipState};
use crate::keys::{Counted, Entity};

/// One entity that the transaction touched: `None` before is created, `None` now is deleted.
#[derive(Clone, Debug)]
pub struct Change<T> {
    /// As the snapshot has it.
    pub before: Option<Arc<T>>,
    /// As the transaction leaves it.
    pub now: Option<Arc<T>>,
}

/// A place to go back to; valid until the overlay goes back to an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Savepoint(usize);

/// What was there before something was put, and how many bytes that took.
#[derive(Debug)]
enum Undo {
    Node(NodeId, Option<Change<NodeState>>, usize),
    Relationship(RelationshipId, Option<Change<RelationshipState>>, usize),
}

/// About what an entry takes in the maps and lists of an overlay, besides the states themselves.
const ENTRY_BYTES: usize = 128;

/// The changes of one transaction.
#[derive(Debug, Default)]
pub struct Overlay {
    nodes: BTreeMap<NodeId, Change<NodeState>>,
    relationships: BTreeMap<RelationshipId, Change<RelationshipState>>,
    /// Nodes that carried a label at some time in here; who asks looks at the node itself.
    labelled: FxHashMap<LabelId, BTreeSet<NodeId>>,
    /// Created relationships at a node, also those undone since; who asks looks at the relationship itself.
    touching: FxHashMap<NodeId, BTreeSet<RelationshipId>>,
    /// Nodes and relationships that there are more now than before.
    more_nodes: i64,
    more_relationships: i64,
    undo: Vec<Undo>,
    /// About how many bytes all of this takes.
    held_bytes: usize,
}

impl Overlay {
    /// Tells whether nothing was changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.relationships.is_empty()
    }

    /// Tells about how many bytes the changes take, older states of what was changed again included.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Lends the change of a node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Change<NodeState>> {
        self.nodes.get(&id)
    }

    /// Lends the change of a relationship.
    #[must_use]
    pub fn relationship(&self, id: RelationshipId) -> Option<&Change<RelationshipState>> {
        self.relationships.get(&id)
    }

    /// Lends every changed node, in order.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Change<NodeState>)> {
        self.nodes.iter().map(|(id, change)| (*id, change))
    }

    /// Lends every changed relationship, in order.
    pub fn relationships(&self) -> impl Iterator<Item = (RelationshipId, &Change<RelationshipState>)> {
        self.relationships.iter().map(|(id, change)| (*id, change))
    }

    /// Lists changed nodes after `after` that are there now and carry `label`, in order.
    pub fn nodes_with(&self, label: Option<LabelId>, after: Option<NodeId>) -> Box<dyn Iterator<Item = NodeId> + '_> {
        let range = (after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded), std::ops::Bound::Unbounded);
        match label {
            None => Box::new(self.nodes.range(range).filter(|(_, change)| change.now.is_some()).map(|(id, _)| *id)),
            Some(label) => {
                Box::new(self.labelled.get(&label).into_iter().flat_map(move |ids| ids.range(range)).copied().filter(
                    move |id| {
                        self.nodes.get(id).and_then(|change| change.now.as_ref()).is_some_and(|now| now.has(label))
                    },
                ))
            }
        }
    }

    /// Lists relationships that were created at `node` and are there now, in order.
    pub fn created_at(&self, node: NodeId) -> impl Iterator<Item = (RelationshipId, &RelationshipState)> {
        self.touching.get(&node).into_iter().flatten().filter_map(|id| {
            let change = self.relationships.get(id)?;
            Some((*id, change.now.as_deref()?))
        })
    }

    /// As [`Overlay::created_at`], only those between two nodes: looked for at the one that has fewer.
    pub fn created_between(
        &self,
        node: NodeId,
        other: NodeId,
    ) -> impl Iterator<Item = (RelationshipId, &RelationshipState)> {
        let count = |node: NodeId| self.touching.get(&node).map_or(0, BTreeSet::len);
        let fewer = if count(other) < count(node) { other } else { node };
        let ends = if node <= other { (node, other) } else { (other, node) };
        self.created_at(fewer)
            .filter(move |(_, state)| (state.start, state.end) == ends || (state.end, state.start) == ends)
    }

    /// Gives by how much the transaction changes a count.
    #[must_use]
    pub fn count_change(&self, counted: Counted) -> i64 {
        fn of<T>(change: &Change<T>, counts: impl Fn(&T) -> bool) -> i64 {
            let one = |state: &Option<Arc<T>>| i64::from(state.as_deref().is_some_and(&counts));
            one(&change.now) - one(&change.before)
        }
        match counted {
            Counted::Nodes => self.more_nodes,
            Counted::Label(label) => self.nodes.values().map(|change| of(change, |node| node.has(label))).sum(),
            Counted::Relationships => self.more_relationships,
            Counted::Type(kind) => self.relationships.values().map(|change| of(change, |it| it.kind == kind)).sum(),
            // Entries are made at commit; until then only the committed ones count.
            Counted::Entries(_) => 0,
        }
    }

    /// Puts a node as it is now; `before` counts only the first time.
    pub fn put_node(&mut self, id: NodeId, before: Option<Arc<NodeState>>, now: Option<Arc<NodeState>>) {
        for label in now.iter().flat_map(|now| &now.labels) {
            self.labelled.entry(*label).or_default().insert(id);
        }
        let old = self.nodes.get(&id).cloned();
        let first = if old.is_some() { None } else { before.as_deref() };
        let bytes = ENTRY_BYTES + first.into_iter().chain(now.as_deref()).map(NodeState::held_bytes).sum::<usize>();
        self.held_bytes += bytes;
        let was = old.as_ref().map_or(before.is_some(), |old| old.now.is_some());
        self.more_nodes += i64::from(now.is_some()) - i64::from(was);
        let before = old.as_ref().map_or(before, |old| old.before.clone());
        self.nodes.insert(id, Change { before, now });
        self.undo.push(Undo::Node(id, old, bytes));
    }

    /// Puts a relationship as it is now; `before` counts only the first time.
    pub fn put_relationship(
        &mut self,
        id: RelationshipId,
        before: Option<Arc<RelationshipState>>,
        now: Option<Arc<RelationshipState>>,
    ) {
        let old = self.relationships.get(&id).cloned();
        let first = if old.is_some() { None } else { before.as_deref() };
        let states = first.into_iter().chain(now.as_deref());
        let bytes = ENTRY_BYTES + states.map(RelationshipState::held_bytes).sum::<usize>();
        self.held_bytes += bytes;
        let was = old.as_ref().map_or(before.is_some(), |old| old.now.is_some());
        self.more_relationships += i64::from(now.is_some()) - i64::from(was);
        let before = old.as_ref().map_or(before, |old| old.before.clone());
        if let (None, Some(now)) = (&before, &now) {
            self.touching.entry(now.start).or_default().insert(id);
            self.touching.entry(now.end).or_default().insert(id);
        }
        self.relationships.insert(id, Change { before, now });
        self.undo.push(Undo::Relationship(id, old, bytes));
    }

    /// Lists what was put from the `from`-th time on, in order; the same entity may come again.
    pub fn put_since(&self, from: usize) -> impl Iterator<Item = Entity> {
        self.undo.iter().skip(from).map(|undo| match undo {
            Undo::Node(id, ..) => Entity::Node(*id),
            Undo::Relationship(id, ..) => Entity::Relationship(*id),
        })
    }

    /// Tells how many times something was put.
    #[must_use]
    pub fn puts(&self) -> usize {
        self.undo.len()
    }

    /// Tells whether no node was changed.
    #[must_use]
    pub fn has_no_nodes(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Tells whether no relationship was changed.
    #[must_use]
    pub fn has_no_relationships(&self) -> bool {
        self.relationships.is_empty()
    }

    /// Lists changed relationships after `after` that are there now, of one type if `kind` is given, in order.
    pub fn relationships_of(
        &self,
        kind: Option<TypeId>,
        after: Option<RelationshipId>,
    ) -> impl Iterator<Item = (RelationshipId, &RelationshipState)> {
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let range = self.relationships.range((from, std::ops::Bound::Unbounded));
        range.filter_map(move |(id, change)| {
            let now = change.now.as_deref()?;
            kind.is_none_or(|kind| now.kind == kind).then_some((*id, now))
        })
    }

    /// Marks the place to which [`Overlay::rollback_to`] goes back.
    #[must_use]
    pub fn savepoint(&self) -> Savepoint {
        Savepoint(self.undo.len())
    }

    /// Undoes every change since `savepoint`.
    pub fn rollback_to(&mut self, savepoint: Savepoint) {
        /// Puts back what was there; gives by how much the count of what is there changes.
        fn undo<K: Ord, T>(changes: &mut BTreeMap<K, Change<T>>, id: K, old: Option<Change<T>>) -> i64 {
            let was = old.as_ref().map(|old| old.now.is_some());
            let undone = match old {
                Some(old) => changes.insert(id, old),
                None => changes.remove(&id),
            };
            let Some(undone) = undone else { return 0 };
            i64::from(was.unwrap_or(undone.before.is_some())) - i64::from(undone.now.is_some())
        }
        while self.undo.len() > savepoint.0 {
            match self.undo.pop() {
                Some(Undo::Node(id, old, bytes)) => {
                    self.more_nodes += undo(&mut self.nodes, id, old);
                    self.held_bytes -= bytes;
                }
                Some(Undo::Relationship(id, old, bytes)) => {
                    self.more_relationships += undo(&mut self.relationships, id, old);
                    self.held_bytes -= bytes;
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(labels: &[u32]) -> Option<Arc<NodeState>> {
        let labels = labels.iter().map(|label| LabelId(*label)).collect();
        Some(Arc::new(NodeState { labels, properties: vec![] }))
    }

    fn listed(overlay: &Overlay, label: u32, after: Option<u64>) -> Vec<u64> {
        overlay.nodes_with(Some(LabelId(label)), after.map(NodeId)).map(|id| id.0).collect()
    }

    #[test]
    fn lists_by_label_what_is_there_now() {
        let mut overlay = Overlay::default();
        for id in [3, 1, 2] {
            overlay.put_node(NodeId(id), None, node(&[7]));
        }
        assert_eq!(listed(&overlay, 7, None), [1, 2, 3]);
        assert_eq!(listed(&overlay, 7, Some(1)), [2, 3]);
        overlay.put_node(NodeId(2), None, node(&[8]));
        overlay.put_node(NodeId(3), None, None);
        assert_eq!((listed(&overlay, 7, None), listed(&overlay, 8, None)), (vec![1], vec![2]));
    }

    #[test]
    fn goes_back_to_a_savepoint() {
        let mut overlay = Overlay::default();
        overlay.put_node(NodeId(1), node(&[7]), node(&[8]));
        let (place, held_bytes) = (overlay.savepoint(), overlay.held_bytes());
        overlay.put_node(NodeId(1), None, None);
        overlay.put_node(NodeId(2), None, node(&[8]));
        let state = RelationshipState { kind: TypeId(1), start: NodeId(1), end: NodeId(2), properties: vec![] };
        overlay.put_relationship(RelationshipId(1), None, Some(Arc::new(state)));
        assert_eq!(overlay.created_at(NodeId(1)).count(), 1);
        assert!(overlay.held_bytes() > held_bytes + 3 * ENTRY_BYTES);
        overlay.rollback_to(place);
        assert_eq!(overlay.held_bytes(), held_bytes);
        assert_eq!(listed(&overlay, 8, None), [1]);
        assert_eq!(overlay.node(NodeId(1)).and_then(|change| change.before.clone()), node(&[7]));
        assert_eq!((overlay.created_at(NodeId(1)).count(), overlay.nodes().count()), (0, 1));
    }
}
