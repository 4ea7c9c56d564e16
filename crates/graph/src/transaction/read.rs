//! Reads of a transaction: the snapshot and its own changes as one graph.
//! Leaves to `read` how the snapshot is read, and to `validate` what the noted reads are for.
//! Start reading at [`Transaction::scan_nodes`].

use std::sync::Arc;

use types::{CompactString, KeyId, LabelId, NodeId, RelationshipId, TypeId, Value};

use super::Transaction;
use super::state::{NodeState, RelationshipState, property};
use super::validate::Mark;
use crate::GraphError;
use crate::codec::label::Members;
use crate::column::Column;
use crate::keys::{Counted, Entity, TokenKind};
use crate::read::{Ends, View};
use crate::warm::{PAGE, put_column};

impl Transaction {
    pub(super) fn view(&self) -> View<'_> {
        View::new(&*self.snapshot)
    }

    pub(super) fn note(&self, mark: Mark) {
        if self.is_writing {
            self.reads.lock().add(mark);
        }
    }

    pub(super) fn note_all(&self, marks: impl IntoIterator<Item = Mark>) {
        if self.is_writing {
            let mut reads = self.reads.lock();
            marks.into_iter().for_each(|mark| reads.add(mark));
        }
    }

    /// Appends up to `limit` nodes after `after` in order of id; fewer means that there are no more.
    pub fn scan_nodes(
        &self,
        label: Option<LabelId>,
        after: Option<NodeId>,
        limit: usize,
        out: &mut Vec<NodeId>,
    ) -> Result<(), GraphError> {
        self.note(label.map_or(Mark::AllNodes, Mark::Label));
        if self.overlay.has_no_nodes() {
            return self.scan_stored(label, after, limit, out);
        }
        let mut own = self.overlay.nodes_with(label, after).peekable();
        let mut left = limit;
        let mut base_after = after;
        while left > 0 {
            let mut batch = Vec::new();
            self.scan_stored(label, base_after, limit, &mut batch)?;
            let is_last = batch.len() < limit;
            base_after = batch.last().copied().or(base_after);
            for id in batch {
                while left > 0 && own.peek().is_some_and(|next| *next < id) {
                    out.extend(own.next());
                    left -= 1;
                }
                if left == 0 {
                    return Ok(());
                }
                if self.overlay.node(id).is_none() {
                    out.push(id);
                    left -= 1;
                }
            }
            if is_last {
                out.extend(own.take(left));
                return Ok(());
            }
        }
        Ok(())
    }

    fn scan_stored(
        &self,
        label: Option<LabelId>,
        after: Option<NodeId>,
        limit: usize,
        out: &mut Vec<NodeId>,
    ) -> Result<(), GraphError> {
        match label {
            Some(label) => self.view().scan_label(label, after, limit, out),
            None => self.view().scan_nodes(after, limit, out),
        }
    }

    /// Appends up to `limit` relationships after `after` in order of id; fewer means that there are no more.
    pub fn scan_relationships(
        &self,
        kind: Option<TypeId>,
        after: Option<RelationshipId>,
        limit: usize,
        out: &mut Vec<RelationshipId>,
    ) -> Result<(), GraphError> {
        let mut ends = Vec::new();
        self.scan_ends(kind, after, limit, &mut ends)?;
        out.extend(ends.iter().map(|ends| ends.id));
        Ok(())
    }

    /// As [`Transaction::scan_relationships`], with the type and both ends of each; no property is read.
    pub fn scan_ends(
        &self,
        kind: Option<TypeId>,
        after: Option<RelationshipId>,
        limit: usize,
        out: &mut Vec<Ends>,
    ) -> Result<(), GraphError> {
        self.note(kind.map_or(Mark::AllRelationships, Mark::Type));
        let first = out.len();
        let has_some = match kind {
            Some(kind) => self.view().count(Counted::Type(kind))? > 0,
            None => true,
        };
        let has_own = !self.overlay.has_no_relationships();
        if has_some {
            let is_ours = |id| !has_own || self.overlay.relationship(id).is_none();
            self.view().scan_ends(kind, after, limit, is_ours, out)?;
        }
        if has_own {
            // Ids only grow: what the transaction made comes behind nearly all that is stored.
            out.extend(self.overlay.relationships_of(kind, after).take(limit).map(|(id, now)| Ends {
                id,
                kind: now.kind,
                start: now.start,
                end: now.end,
            }));
            out[first..].sort_unstable_by_key(|ends| ends.id);
            out.truncate(first.saturating_add(limit));
        }
        Ok(())
    }

    /// Gives a node's labels and properties; `None` if there is no such node.
    pub fn node(&self, id: NodeId) -> Result<Option<Arc<NodeState>>, GraphError> {
        if let Some(change) = self.overlay.node(id) {
            return Ok(change.now.clone());
        }
        self.note(Mark::Node(id));
        Ok(self.view().node_state(id)?.map(Arc::new))
    }

    /// Tells whether this transaction deleted a node.
    #[must_use]
    pub fn is_deleted_node(&self, id: NodeId) -> bool {
        self.overlay.node(id).is_some_and(|change| change.now.is_none())
    }

    /// Tells whether this transaction deleted a relationship.
    #[must_use]
    pub fn is_deleted_relationship(&self, id: RelationshipId) -> bool {
        self.overlay.relationship(id).is_some_and(|change| change.now.is_none())
    }

    /// Tells whether a node is there.
    pub fn has_node(&self, id: NodeId) -> Result<bool, GraphError> {
        if let Some(change) = self.overlay.node(id) {
            return Ok(change.now.is_some());
        }
        self.note(Mark::Existence(id));
        self.view().has_node(id)
    }

    /// Gives a node's labels, sorted; none if there is no such node.
    pub fn labels(&self, id: NodeId) -> Result<Vec<LabelId>, GraphError> {
        let mut labels = Vec::new();
        self.labels_of_nodes(&[id], |_, found| labels.extend_from_slice(found))?;
        Ok(labels)
    }

    /// Hands the labels of each node that is there to `visit`, sorted, with the node's place in `nodes`; in any order.
    pub fn labels_of_nodes(
        &self,
        nodes: &[NodeId],
        mut visit: impl FnMut(usize, &[LabelId]),
    ) -> Result<(), GraphError> {
        let stored = self.split_nodes(nodes, |at, now| {
            if let Some(now) = now {
                visit(at, &now.labels);
            }
        });
        self.note_nodes(&stored, nodes);
        self.view().each_node(&stored.ids(nodes), |at, record| {
            visit(stored.place(at), &record.labels);
            Ok(())
        })
    }

    /// Appends for each node whether it has the label.
    pub fn has_label(&self, nodes: &[NodeId], label: LabelId, out: &mut Vec<bool>) -> Result<(), GraphError> {
        let first = out.len();
        out.resize(first + nodes.len(), false);
        let stored = self.split_nodes(nodes, |at, now| out[first + at] = now.is_some_and(|now| now.has(label)));
        self.note_nodes(&stored, nodes);
        let (ids, warm) = (stored.ids(nodes), self.database.warm_nodes());
        let mut put = |at: usize, has| out[first + stored.place(at)] = has;
        for (page, places) in warm.take_labels(self.version, (&ids, number_of_node), label, &mut put) {
            let members = self.view().label_block(label, page)?;
            places.for_each(|at| put(at, members.contains(Members::place(ids[at]))));
            warm.keep_label(self.version, page, label, members);
        }
        Ok(())
    }

    /// Appends for each node the values of `keys`, null where there is none.
    pub fn node_properties(&self, nodes: &[NodeId], keys: &[KeyId], out: &mut Vec<Value>) -> Result<(), GraphError> {
        let first = out.len();
        out.resize(first + nodes.len() * keys.len(), Value::Null);
        let values = &mut out[first..];
        let stored = self.split_nodes(nodes, |at, now| {
            if let Some(now) = now {
                pick(&now.properties, keys, &mut values[at * keys.len()..]);
            }
        });
        self.note_nodes(&stored, nodes);
        let mut put = |at: usize, key: usize, value| values[stored.place(at) * keys.len() + key] = value;
        let (ids, warm, view) = (stored.ids(nodes), self.database.warm_nodes(), self.view());
        let mut missed = warm.take_values(self.version, (&ids, number_of_node), keys, &mut put);
        for (page, places) in missed.due {
            // What is wrong with a node that nobody asked for is not told here.
            let columns = match view.node_columns(page * PAGE..(page + 1) * PAGE, keys) {
                Ok(Some(columns)) => columns,
                not_read => {
                    if not_read.is_ok() {
                        warm.refuse(self.version, page, keys);
                    }
                    missed.cold.extend(places);
                    continue;
                }
            };
            for (at, column) in columns.iter().enumerate() {
                put_column(column, (&ids, number_of_node), places.clone(), at, &mut put);
            }
            warm.keep_values(self.version, page, keys, columns);
        }
        let cold: Vec<NodeId> = missed.cold.iter().map(|at| ids[*at]).collect();
        view.properties_of_nodes(&cold, keys, &mut |at, key, value| put(missed.cold[at], key, value))
    }

    /// Gives one property of all nodes: in its own type where it is at hand so.
    pub fn node_column(&self, nodes: &[NodeId], key: KeyId) -> Result<Column, GraphError> {
        if self.overlay.has_no_nodes() {
            let warm = self.database.warm_nodes();
            if let Some(column) = warm.take_column(self.version, (nodes, number_of_node), key) {
                self.note_nodes(&Stored::All, nodes);
                return Ok(column);
            }
        }
        let mut values = Vec::new();
        self.node_properties(nodes, &[key], &mut values)?;
        Ok(Column::Values(values))
    }

    /// As [`Transaction::node_column`], of relationships.
    pub fn relationship_column(&self, relationships: &[RelationshipId], key: KeyId) -> Result<Column, GraphError> {
        if self.overlay.has_no_relationships() {
            let warm = self.database.warm_relationships();
            if let Some(column) = warm.take_column(self.version, (relationships, number_of_relationship), key) {
                self.note_all(relationships.iter().map(|id| Mark::Relationship(*id)));
                return Ok(column);
            }
        }
        let mut values = Vec::new();
        self.relationship_properties(relationships, &[key], &mut values)?;
        Ok(Column::Values(values))
    }

    /// Appends for each relationship the values of `keys`, null where there is none.
    pub fn relationship_properties(
        &self,
        relationships: &[RelationshipId],
        keys: &[KeyId],
        out: &mut Vec<Value>,
    ) -> Result<(), GraphError> {
        let first = out.len();
        out.resize(first + relationships.len() * keys.len(), Value::Null);
        let values = &mut out[first..];
        let stored = self.split_relationships(relationships, |at, now| {
            if let Some(now) = now {
                pick(&now.properties, keys, &mut values[at * keys.len()..]);
            }
        });
        let ids = stored.ids(relationships);
        self.note_all(ids.iter().map(|id| Mark::Relationship(*id)));
        let mut put = |at: usize, key: usize, value| values[stored.place(at) * keys.len() + key] = value;
        let (warm, view) = (self.database.warm_relationships(), self.view());
        let mut missed = warm.take_values(self.version, (&ids, number_of_relationship), keys, &mut put);
        for (page, places) in missed.due {
            let columns = match view.relationship_columns(page * PAGE..(page + 1) * PAGE, keys) {
                Ok(Some(columns)) => columns,
                not_read => {
                    if not_read.is_ok() {
                        warm.refuse(self.version, page, keys);
                    }
                    missed.cold.extend(places);
                    continue;
                }
            };
            for (at, column) in columns.iter().enumerate() {
                put_column(column, (&ids, number_of_relationship), places.clone(), at, &mut put);
            }
            warm.keep_values(self.version, page, keys, columns);
        }
        let cold: Vec<RelationshipId> = missed.cold.iter().map(|at| ids[*at]).collect();
        view.properties_of_relationships(&cold, keys, &mut |at, key, value| put(missed.cold[at], key, value))
    }

    /// Appends for each relationship its type and both ends, `None` if it is not there; no property is read.
    pub fn ends(&self, relationships: &[RelationshipId], out: &mut Vec<Option<Ends>>) -> Result<(), GraphError> {
        let first = out.len();
        out.resize(first + relationships.len(), None);
        let stored = self.split_relationships(relationships, |at, now| {
            let id = relationships[at];
            out[first + at] = now.map(|now| Ends { id, kind: now.kind, start: now.start, end: now.end });
        });
        let ids = stored.ids(relationships);
        self.note_all(ids.iter().map(|id| Mark::Relationship(*id)));
        self.view().each_relationship(&ids, |at, record| {
            out[first + stored.place(at)] = Some(record.ends());
            Ok(())
        })
    }

    /// Gives a relationship's type, ends and properties; `None` if there is no such relationship.
    pub fn relationship(&self, id: RelationshipId) -> Result<Option<Arc<RelationshipState>>, GraphError> {
        if let Some(change) = self.overlay.relationship(id) {
            return Ok(change.now.clone());
        }
        self.note(Mark::Relationship(id));
        Ok(self.view().relationship_state(id)?.map(Arc::new))
    }

    /// Gives the number of nodes, relationships, or those with a label or of a type.
    pub fn count(&self, counted: Counted) -> Result<u64, GraphError> {
        self.note(match counted {
            Counted::Nodes => Mark::AllNodes,
            Counted::Relationships => Mark::AllRelationships,
            Counted::Label(label) => Mark::Label(label),
            Counted::Type(kind) => Mark::Type(kind),
            Counted::Entries(index) => Mark::WholeIndex(index),
        });
        let base = u64::try_from(self.view().count(counted)?);
        let base = base.map_err(|_| GraphError::damaged("a count is negative"))?;
        Ok(base.saturating_add_signed(self.overlay.count_change(counted)))
    }

    /// Gives the number of a name, if there is such a name.
    ///
    /// That there is none is something read: whoever is the first to use the name meets this transaction.
    #[must_use]
    pub fn find_token(&self, kind: TokenKind, name: &str) -> Option<u32> {
        let found = self.known_token(kind, name);
        if found.is_none() {
            match kind {
                TokenKind::Label => self.note(Mark::AllNodes),
                TokenKind::Type => self.note(Mark::AllRelationships),
                TokenKind::Key => self.note_all([Mark::AnyNode, Mark::AnyRelationship]),
            }
        }
        found
    }

    /// As [`Transaction::find_token`], and is no read: for what is none of the transaction's business.
    #[must_use]
    pub fn known_token(&self, kind: TokenKind, name: &str) -> Option<u32> {
        let stored = self.database.tokens().find(kind, name);
        stored.or_else(|| self.made.lock().find(kind, name))
    }

    /// Lists the names of a kind, those that it made itself among them.
    #[must_use]
    pub fn token_names(&self, kind: TokenKind) -> Vec<CompactString> {
        self.made.lock().names(kind)
    }

    /// Gives the name of a number.
    #[must_use]
    pub fn token_name(&self, kind: TokenKind, id: u32) -> Option<CompactString> {
        self.database.tokens().name(kind, id)
    }

    /// Gives the properties of a node or relationship, sorted by key; `None` if it is not there.
    pub fn properties(&self, entity: Entity) -> Result<Option<Vec<(KeyId, Value)>>, GraphError> {
        Ok(match entity {
            Entity::Node(id) => self.node(id)?.map(|node| node.properties.clone()),
            Entity::Relationship(id) => self.relationship(id)?.map(|relationship| relationship.properties.clone()),
        })
    }

    fn note_nodes(&self, stored: &Stored, nodes: &[NodeId]) {
        self.note_all(stored.ids(nodes).iter().map(|id| Mark::Node(*id)));
    }

    /// Hands out those nodes that the transaction changed, and tells which are left to the store.
    fn split_nodes(&self, nodes: &[NodeId], mut own: impl FnMut(usize, Option<&NodeState>)) -> Stored {
        if self.overlay.has_no_nodes() {
            return Stored::All;
        }
        let is_stored = |at: &usize| match self.overlay.node(nodes[*at]) {
            Some(change) => {
                own(*at, change.now.as_deref());
                false
            }
            None => true,
        };
        Stored::Some((0..nodes.len()).filter(is_stored).collect())
    }

    fn split_relationships(
        &self,
        relationships: &[RelationshipId],
        mut own: impl FnMut(usize, Option<&RelationshipState>),
    ) -> Stored {
        if self.overlay.has_no_relationships() {
            return Stored::All;
        }
        let is_stored = |at: &usize| match self.overlay.relationship(relationships[*at]) {
            Some(change) => {
                own(*at, change.now.as_deref());
                false
            }
            None => true,
        };
        Stored::Some((0..relationships.len()).filter(is_stored).collect())
    }
}

/// Which entities of a batch the transaction has not changed.
enum Stored {
    /// None of them: the batch goes to the store as it is.
    All,
    /// Those at these places.
    Some(Vec<usize>),
}

impl Stored {
    fn ids<'i, T: Copy>(&self, all: &'i [T]) -> std::borrow::Cow<'i, [T]> {
        match self {
            Self::All => all.into(),
            Self::Some(places) => places.iter().map(|at| all[*at]).collect::<Vec<_>>().into(),
        }
    }

    /// Gives the place in the whole batch.
    fn place(&self, at: usize) -> usize {
        match self {
            Self::All => at,
            Self::Some(places) => places[at],
        }
    }
}

fn pick(properties: &[(KeyId, Value)], keys: &[KeyId], out: &mut [Value]) {
    for (value, key) in out.iter_mut().zip(keys) {
        *value = property(properties, *key).cloned().unwrap_or_default();
    }
}

fn number_of_node(id: NodeId) -> u64 {
    id.0
}

fn number_of_relationship(id: RelationshipId) -> u64 {
    id.0
}
