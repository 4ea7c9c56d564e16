//! The way to a graph: what a plan may ask of one database within one transaction.

use compact_str::CompactString;
use types::{Direction, Failure, KeyId, LabelId, Map, NodeId, RelationshipId, RelationshipRef, TypeId, Value};

/// One graph in one transaction, read in batches.
///
/// Implemented for a native graph and, later, for an attached SQL database. Everything that a method returns is of one
/// version of the graph, the transaction's own changes included.
pub trait Source: Send {
    /// Gives the name of the database, as `database()` shows it.
    fn database(&self) -> &str;

    /// Gives the element id of a node: its name among all databases.
    fn node_element_id(&self, id: NodeId) -> CompactString;

    /// Gives the element id of a relationship: its name among all databases.
    fn relationship_element_id(&self, id: RelationshipId) -> CompactString;

    /// Finds a label's number; `None` where no node ever had it.
    fn label_id(&self, name: &str) -> Option<LabelId>;

    /// Finds a relationship type's number; `None` where no relationship ever had it.
    fn type_id(&self, name: &str) -> Option<TypeId>;

    /// Finds a property key's number; `None` where no entity ever had it.
    fn key_id(&self, name: &str) -> Option<KeyId>;

    /// Gives a type's name.
    fn type_name(&self, id: TypeId) -> Result<CompactString, Failure>;

    /// Adds at most `limit` nodes to `out` in id order, those after `after`; all have `label` where one is given.
    fn scan_nodes(
        &self,
        label: Option<LabelId>,
        after: Option<NodeId>,
        limit: usize,
        out: &mut Vec<NodeId>,
    ) -> Result<(), Failure>;

    /// Adds the relationships of each node to `out`; `types` of `None` means all types.
    fn expand(
        &self,
        nodes: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        out: &mut Expansion,
    ) -> Result<(), Failure>;

    /// Adds one value for each node to `out`; null where the node has no such property.
    fn node_property(&self, nodes: &[NodeId], key: KeyId, out: &mut Vec<Value>) -> Result<(), Failure>;

    /// Adds one value for each relationship to `out`; null where it has no such property.
    fn relationship_property(
        &self,
        relationships: &[RelationshipId],
        key: KeyId,
        out: &mut Vec<Value>,
    ) -> Result<(), Failure>;

    /// Gives the names of a node's labels, sorted.
    fn labels(&self, node: NodeId) -> Result<Vec<CompactString>, Failure>;

    /// Gives all properties of a node.
    fn node_properties(&self, node: NodeId) -> Result<Map, Failure>;

    /// Gives all properties of a relationship.
    fn relationship_properties(&self, relationship: RelationshipId) -> Result<Map, Failure>;

    /// Counts the nodes, or those with a label, without reading them.
    fn count_nodes(&self, label: Option<LabelId>) -> Result<u64, Failure>;

    /// Counts the relationships, or those of a type, without reading them.
    fn count_relationships(&self, kind: Option<TypeId>) -> Result<u64, Failure>;
}

/// A relationship as it is found from one of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelationshipRecord {
    /// The node at the other end.
    pub neighbour: NodeId,
    /// The relationship, its type and both of its ends.
    pub relationship: RelationshipRef,
}

/// What [`Source::expand`] found: for each node that was asked for, a run of relationships.
#[derive(Clone, Debug, Default)]
pub struct Expansion {
    /// Where each node's run ends in `found`; the first begins at 0.
    pub ends: Vec<usize>,
    /// The runs, one after the other.
    pub found: Vec<RelationshipRecord>,
}
