//! What takes the nodes and relationships of a new database: the bulk loader, or a list in tests.

use types::{Failure, KeyId, LabelId, NodeId, TypeId, Value};

/// Takes the content of one new database.
pub trait Fill {
    /// Gives the number of a label.
    fn label(&mut self, name: &str) -> Result<LabelId, Failure>;

    /// Gives the number of a relationship type.
    fn kind(&mut self, name: &str) -> Result<TypeId, Failure>;

    /// Gives the number of a property key.
    fn key(&mut self, name: &str) -> Result<KeyId, Failure>;

    /// Adds a node and gives its id.
    fn node(&mut self, labels: &[LabelId], properties: &[(KeyId, Value)]) -> Result<NodeId, Failure>;

    /// Adds a relationship between two nodes that were added.
    fn relationship(
        &mut self,
        start: NodeId,
        kind: TypeId,
        end: NodeId,
        properties: &[(KeyId, Value)],
    ) -> Result<(), Failure>;
}
