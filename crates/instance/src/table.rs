//! A source without a graph: what `system` is to a statement, and what the tail of a `SHOW` runs on.

use compact_str::CompactString;
use query::{Condition, Expansion, IndexInfo, IndexSize, NameKind, Source};
use types::{
    Code, Direction, Failure, IndexId, KeyId, LabelId, Map, NodeId, RelationshipId, RelationshipRef, TypeId, Value,
};

/// A database that holds no nodes and refuses to be asked for any.
pub(crate) struct NoGraph;

/// Every name gets this number, so that a plan asks for the nodes behind it, and is refused.
const ANY: u32 = 0;

impl NoGraph {
    /// Says that there is no graph here.
    pub(crate) fn refused() -> Failure {
        Failure::new(
            Code::NotOnSystemDatabase,
            "Not a recognised system command or procedure. This Cypher command can only be executed in a user \
             database; name one with USE.",
        )
    }

    /// As [`NoGraph::refused`], with the statement.
    pub(crate) fn refuses(text: &str) -> Failure {
        let text = cypher::without_secrets(text);
        let shown = text.trim();
        let shown = &shown[..shown.floor_char_boundary(SHOWN_BYTES_MAX)];
        let text = format!(
            "Not a recognised system command or procedure. This Cypher command can only be executed in a user database: \
             {shown}"
        );
        Failure::new(Code::NotOnSystemDatabase, text)
    }
}

/// What is shown of a statement that is refused.
const SHOWN_BYTES_MAX: usize = 1_000;

fn refused<T>() -> Result<T, Failure> {
    Err(NoGraph::refused())
}

impl Source for NoGraph {
    fn database(&self) -> &str {
        "system"
    }

    fn hits(&self) -> u64 {
        0
    }

    fn node_element_id(&self, id: NodeId) -> CompactString {
        compact_str::format_compact!("4:system:{id}")
    }

    fn relationship_element_id(&self, id: RelationshipId) -> CompactString {
        compact_str::format_compact!("5:system:{id}")
    }

    fn label_id(&self, _name: &str) -> Option<LabelId> {
        Some(LabelId(ANY))
    }

    fn type_id(&self, _name: &str) -> Option<TypeId> {
        Some(TypeId(ANY))
    }

    fn key_id(&self, _name: &str) -> Option<KeyId> {
        Some(KeyId(ANY))
    }

    fn type_name(&self, _id: TypeId) -> Result<CompactString, Failure> {
        refused()
    }

    fn scan_nodes(
        &self,
        _label: Option<LabelId>,
        _after: Option<NodeId>,
        _limit: usize,
        _out: &mut Vec<NodeId>,
    ) -> Result<(), Failure> {
        refused()
    }

    fn expand(
        &self,
        _nodes: &[NodeId],
        _direction: Direction,
        _types: Option<&[TypeId]>,
        _out: &mut Expansion,
    ) -> Result<(), Failure> {
        refused()
    }

    fn node_property(&self, _nodes: &[NodeId], _key: KeyId, _out: &mut Vec<Value>) -> Result<(), Failure> {
        refused()
    }

    fn relationship_property(
        &self,
        _relationships: &[RelationshipId],
        _key: KeyId,
        _out: &mut Vec<Value>,
    ) -> Result<(), Failure> {
        refused()
    }

    fn labels(&self, _node: NodeId) -> Result<Vec<CompactString>, Failure> {
        refused()
    }

    fn node_properties(&self, _node: NodeId) -> Result<Map, Failure> {
        refused()
    }

    fn relationship_properties(&self, _relationship: RelationshipId) -> Result<Map, Failure> {
        refused()
    }

    fn count_nodes(&self, _label: Option<LabelId>) -> Result<u64, Failure> {
        refused()
    }

    fn count_relationships(&self, _kind: Option<TypeId>) -> Result<u64, Failure> {
        refused()
    }

    fn names(&self, _kind: NameKind) -> Vec<CompactString> {
        Vec::new()
    }

    fn indexes(&self) -> Vec<IndexInfo> {
        Vec::new()
    }

    fn index_size(&self, _index: IndexId) -> Result<IndexSize, Failure> {
        refused()
    }

    fn seek_nodes(&self, _index: IndexId, _seek: &Condition, _out: &mut Vec<NodeId>) -> Result<(), Failure> {
        refused()
    }

    fn seek_relationships(
        &self,
        _index: IndexId,
        _seek: &Condition,
        _out: &mut Vec<RelationshipRef>,
    ) -> Result<(), Failure> {
        refused()
    }

    fn scan_relationships(
        &self,
        _kind: Option<TypeId>,
        _after: Option<RelationshipId>,
        _limit: usize,
        _out: &mut Vec<RelationshipRef>,
    ) -> Result<(), Failure> {
        refused()
    }

    fn has_node(&self, _id: NodeId) -> Result<bool, Failure> {
        refused()
    }

    fn relationship(&self, _id: RelationshipId) -> Result<Option<RelationshipRef>, Failure> {
        refused()
    }

    fn has_label(&self, _nodes: &[NodeId], _label: LabelId, _out: &mut Vec<bool>) -> Result<(), Failure> {
        refused()
    }

    fn make_label(&mut self, _name: &str) -> Result<LabelId, Failure> {
        refused()
    }

    fn make_type(&mut self, _name: &str) -> Result<TypeId, Failure> {
        refused()
    }

    fn make_key(&mut self, _name: &str) -> Result<KeyId, Failure> {
        refused()
    }

    fn create_node(&mut self, _labels: &[LabelId], _properties: &[(KeyId, Value)]) -> Result<NodeId, Failure> {
        refused()
    }

    fn create_relationship(
        &mut self,
        _start: NodeId,
        _kind: TypeId,
        _end: NodeId,
        _properties: &[(KeyId, Value)],
    ) -> Result<RelationshipId, Failure> {
        refused()
    }

    fn set_node_property(&mut self, _node: NodeId, _key: KeyId, _value: Value) -> Result<bool, Failure> {
        refused()
    }

    fn set_relationship_property(
        &mut self,
        _relationship: RelationshipId,
        _key: KeyId,
        _value: Value,
    ) -> Result<bool, Failure> {
        refused()
    }

    fn add_label(&mut self, _node: NodeId, _label: LabelId) -> Result<bool, Failure> {
        refused()
    }

    fn remove_label(&mut self, _node: NodeId, _label: LabelId) -> Result<bool, Failure> {
        refused()
    }

    fn delete_node(&mut self, _node: NodeId) -> Result<bool, Failure> {
        refused()
    }

    fn delete_relationship(&mut self, _relationship: RelationshipId) -> Result<bool, Failure> {
        refused()
    }
}
