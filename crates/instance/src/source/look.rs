//! What a graph is asked to find out whether somebody may see or change something; nothing of it reaches a client.
//! Leaves the answer to `sight`.

use graph::codec::fact::IndexOn;
use graph::codec::record::Ends;
use graph::keys::TokenKind;
use types::{CompactString, Failure, IndexId, KeyId, LabelId, NodeId, RelationshipId, Value};

use super::GraphSource;

impl GraphSource {
    /// Hands the labels of each node that is there to `visit`, with its place in `nodes`.
    pub(crate) fn labels_of(&self, nodes: &[NodeId], visit: impl FnMut(usize, &[LabelId])) -> Result<(), Failure> {
        self.transaction.labels_of_nodes(nodes, visit).map_err(|error| self.database.fail(error))
    }

    /// Gives the type and the ends of each relationship that is there.
    pub(crate) fn ends_of(&self, relationships: &[RelationshipId]) -> Result<Vec<Option<Ends>>, Failure> {
        let mut found = Vec::with_capacity(relationships.len());
        self.transaction.ends(relationships, &mut found).map_err(|error| self.database.fail(error))?;
        Ok(found)
    }

    /// Gives a property of each node; null where it has none, or is not there.
    pub(crate) fn values_of_nodes(&self, nodes: &[NodeId], key: KeyId) -> Result<Vec<Value>, Failure> {
        let mut values = Vec::with_capacity(nodes.len());
        self.transaction.node_properties(nodes, &[key], &mut values).map_err(|error| self.database.fail(error))?;
        Ok(values)
    }

    /// Gives a property of each relationship; null where it has none, or is not there.
    pub(crate) fn values_of_relationships(
        &self,
        relationships: &[RelationshipId],
        key: KeyId,
    ) -> Result<Vec<Value>, Failure> {
        let mut values = Vec::with_capacity(relationships.len());
        let read = self.transaction.relationship_properties(relationships, &[key], &mut values);
        read.map_err(|error| self.database.fail(error))?;
        Ok(values)
    }

    /// Tells whether this transaction deleted a node.
    pub(crate) fn has_deleted(&self, node: NodeId) -> bool {
        self.transaction.is_deleted_node(node)
    }

    /// Finds the number of a name. It is no read: a right that names something is none of the statement's business.
    pub(crate) fn number_of(&self, kind: TokenKind, name: &str) -> Option<u32> {
        self.transaction.known_token(kind, name)
    }

    /// Gives the name of a number.
    pub(crate) fn name_of(&self, kind: TokenKind, id: u32) -> CompactString {
        self.transaction.token_name(kind, id).unwrap_or_default()
    }

    /// Gives the keys of an index; nothing where there is none by that number.
    pub(crate) fn keys_of_index(&self, index: IndexId) -> Option<Vec<KeyId>> {
        let committed = self.transaction.committed_indexes().iter().find(|known| known.id == index);
        match committed {
            Some(known) => Some(known.keys.clone()),
            None => self.transaction.indexes().into_iter().find(|known| known.id == index).map(|known| known.keys),
        }
    }

    /// Names the labels or types and the keys of an index, and tells whether it is one over relationships.
    pub(crate) fn words_of_named_index(&self, name: &str) -> Option<(bool, Vec<CompactString>, Vec<CompactString>)> {
        let index = self.transaction.committed_indexes().iter().find(|known| known.name == name)?;
        let of = match &index.on {
            IndexOn::Labels(labels) => labels.iter().map(|id| self.name_of(TokenKind::Label, id.0)).collect(),
            IndexOn::Types(kinds) => kinds.iter().map(|id| self.name_of(TokenKind::Type, id.0)).collect(),
        };
        let keys = index.keys.iter().map(|key| self.name_of(TokenKind::Key, key.0)).collect();
        Some((!index.on.is_nodes(), of, keys))
    }

    /// Gives the keys of an index by its name.
    pub(crate) fn keys_of_named_index(&self, name: &str) -> Option<Vec<KeyId>> {
        let committed = self.transaction.committed_indexes().iter().find(|known| known.name == name);
        committed.map(|known| known.keys.clone())
    }
}
