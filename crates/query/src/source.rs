//! The way to a graph: what a plan may ask of one database within one transaction, and what it may change.
//! Leaves how a graph is kept to whoever implements it.
//! Start reading at [`Source`].

use std::ops::Bound;

use compact_str::CompactString;
use types::{
    Code, Direction, Failure, IndexId, KeyId, LabelId, Map, NodeId, RelationshipId, RelationshipRef, TypeId, Value,
};

use crate::between::{self, Between, Hop};
use crate::{Budget, Column};

/// One graph in one transaction, read in batches.
///
/// Implemented for a native graph and, later, for an attached SQL database. Everything that a method returns is of one
/// version of the graph, the transaction's own changes included.
pub trait Source: Send {
    /// Gives the name of the database, as `database()` shows it.
    fn database(&self) -> &str;

    /// Counts the reads and writes of nodes, relationships, properties and index entries so far, for `PROFILE`.
    fn hits(&self) -> u64;

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

    /// Finds the number of a label that is to be removed; `None` where no node ever had it.
    fn label_to_remove(&self, name: &str) -> Option<LabelId> {
        self.label_id(name)
    }

    /// Finds the number of a property key whose value is to be removed; `None` where no entity ever had it.
    fn key_to_remove(&self, name: &str) -> Option<KeyId> {
        self.key_id(name)
    }

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

    /// As [`Source::expand`], of each node only what leads to the node at the same place in `ends`.
    fn expand_into(
        &self,
        nodes: &[NodeId],
        ends: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        out: &mut Expansion,
    ) -> Result<(), Failure> {
        let mut all = Expansion::default();
        self.expand(nodes, direction, types, &mut all)?;
        let mut start = 0;
        for (until, wanted) in all.ends.into_iter().zip(ends) {
            out.found.extend(all.found[start..until].iter().filter(|found| found.neighbour == *wanted));
            out.ends.push(out.found.len());
            start = until;
        }
        Ok(())
    }

    /// Finds for each pair of `nodes` and `ends` at one place the ways over one node: by `first` to it, by `second` on.
    fn expand_between(
        &self,
        nodes: &[NodeId],
        ends: &[NodeId],
        hops: (Hop<'_>, Hop<'_>),
        out: &mut Between,
    ) -> Result<(), Failure> {
        between::by_lists(self, nodes, ends, hops, out)
    }

    /// Adds the number of relationships of each node to `out`: of all, or of those to nodes with a label.
    fn degrees(
        &self,
        nodes: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        label: Option<LabelId>,
        out: &mut Vec<u64>,
    ) -> Result<(), Failure> {
        let mut all = Expansion::default();
        self.expand(nodes, direction, types, &mut all)?;
        let mut counts = vec![true; all.found.len()];
        if let Some(label) = label {
            let ends: Vec<NodeId> = all.found.iter().map(|found| found.neighbour).collect();
            counts.clear();
            self.has_label(&ends, label, &mut counts)?;
        }
        let mut start = 0;
        for until in all.ends {
            out.push(counts[start..until].iter().filter(|counts| **counts).count() as u64);
            start = until;
        }
        Ok(())
    }

    /// Adds one value for each node to `out`; null where the node has no such property.
    fn node_property(&self, nodes: &[NodeId], key: KeyId, out: &mut Vec<Value>) -> Result<(), Failure>;

    /// Adds one value for each relationship to `out`; null where it has no such property.
    fn relationship_property(
        &self,
        relationships: &[RelationshipId],
        key: KeyId,
        out: &mut Vec<Value>,
    ) -> Result<(), Failure>;

    /// As [`Source::node_property`], as a column: of a type of its own where all nodes have that type.
    fn node_column(&self, nodes: &[NodeId], key: KeyId) -> Result<Column, Failure> {
        let mut values = Vec::with_capacity(nodes.len());
        self.node_property(nodes, key, &mut values)?;
        Ok(Column::Values(values))
    }

    /// As [`Source::relationship_property`], as a column.
    fn relationship_column(&self, relationships: &[RelationshipId], key: KeyId) -> Result<Column, Failure> {
        let mut values = Vec::with_capacity(relationships.len());
        self.relationship_property(relationships, key, &mut values)?;
        Ok(Column::Values(values))
    }

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

    /// Names the labels, types or property keys that are known.
    fn names(&self, kind: NameKind) -> Vec<CompactString>;

    /// Lists the indexes that can be asked.
    fn indexes(&self) -> Vec<IndexInfo>;

    /// Counts the entries of an index, and about how many different first values they have; both may be estimates.
    fn index_size(&self, index: IndexId) -> Result<IndexSize, Failure>;

    /// Lists the text and point indexes, each over one key.
    fn narrow_indexes(&self) -> Vec<IndexInfo> {
        Vec::new()
    }

    /// Waits until an index, or every one, can be asked; `false` if that takes longer than `seconds`.
    ///
    /// # Errors
    ///
    /// [`Code::IndexNotFound`] where there is no index by that name.
    fn await_indexes(&self, name: Option<&str>, seconds: u64, budget: &mut Budget) -> Result<bool, Failure> {
        let _ = (name, seconds);
        budget.pay_rows(0).map(|()| true)
    }

    /// Adds the nodes that an index has for a condition to `out`.
    fn seek_nodes(&self, index: IndexId, seek: &Condition, out: &mut Vec<NodeId>) -> Result<(), Failure>;

    /// Adds the relationships that an index has for a condition to `out`.
    fn seek_relationships(
        &self,
        index: IndexId,
        seek: &Condition,
        out: &mut Vec<RelationshipRef>,
    ) -> Result<(), Failure>;

    /// Finds entities by words or by nearness, in an index made for that: ids and scores, the best first.
    ///
    /// # Errors
    ///
    /// [`types::Code::ProcedureCallFailed`] where there is no such index, or what is sought makes no sense for it.
    fn search(&self, search: &Search<'_>, budget: &mut Budget) -> Result<Vec<(u64, f32)>, Failure> {
        budget.pay_rows(1)?;
        let text = format!("There is no index to search in by the name of {}", search.index);
        Err(Failure::new(Code::ProcedureCallFailed, text))
    }

    /// Adds at most `limit` relationships to `out` in id order, those after `after`; all are of `kind` where one is given.
    fn scan_relationships(
        &self,
        kind: Option<TypeId>,
        after: Option<RelationshipId>,
        limit: usize,
        out: &mut Vec<RelationshipRef>,
    ) -> Result<(), Failure>;

    /// Tells whether a node is there.
    fn has_node(&self, id: NodeId) -> Result<bool, Failure>;

    /// Finds a relationship by its number.
    fn relationship(&self, id: RelationshipId) -> Result<Option<RelationshipRef>, Failure>;

    /// Adds for each node whether it has the label.
    fn has_label(&self, nodes: &[NodeId], label: LabelId, out: &mut Vec<bool>) -> Result<(), Failure>;

    /// Gives a label's number for a write, a new one where nobody used the name before.
    ///
    /// This and every method below fail with [`types::Code::WriteToManyDatabases`], [`types::Code::WriteInReadMode`] or
    /// the like where the source was not opened for writing.
    fn make_label(&mut self, name: &str) -> Result<LabelId, Failure>;

    /// Makes a name known before something has it.
    fn make_name(&mut self, kind: NameKind, name: &str) -> Result<(), Failure> {
        match kind {
            NameKind::Label => self.make_label(name).map(drop),
            NameKind::Type => self.make_type(name).map(drop),
            NameKind::Key => self.make_key(name).map(drop),
        }
    }

    /// Tells about how many bytes of memory the changes take that are not committed.
    fn changes_bytes(&self) -> usize {
        0
    }

    /// Gives a relationship type's number for a write.
    fn make_type(&mut self, name: &str) -> Result<TypeId, Failure>;

    /// Gives a property key's number for a write.
    fn make_key(&mut self, name: &str) -> Result<KeyId, Failure>;

    /// Makes a node; properties that are null are left out.
    fn create_node(&mut self, labels: &[LabelId], properties: &[(KeyId, Value)]) -> Result<NodeId, Failure>;

    /// Makes a relationship between two nodes; properties that are null are left out.
    fn create_relationship(
        &mut self,
        start: NodeId,
        kind: TypeId,
        end: NodeId,
        properties: &[(KeyId, Value)],
    ) -> Result<RelationshipId, Failure>;

    /// Sets a property, or removes it where the value is null; tells whether it is or was there.
    fn set_node_property(&mut self, node: NodeId, key: KeyId, value: Value) -> Result<bool, Failure>;

    /// Sets many properties of a node, as [`Source::set_node_property`] does one; tells how many are or were there.
    fn set_node_properties(&mut self, node: NodeId, changes: &[(KeyId, Value)]) -> Result<u64, Failure> {
        let mut changed = 0;
        for (key, value) in changes {
            changed += u64::from(self.set_node_property(node, *key, value.clone())?);
        }
        Ok(changed)
    }

    /// Sets many properties of a relationship; tells how many are or were there.
    fn set_relationship_properties(
        &mut self,
        relationship: RelationshipId,
        changes: &[(KeyId, Value)],
    ) -> Result<u64, Failure> {
        let mut changed = 0;
        for (key, value) in changes {
            changed += u64::from(self.set_relationship_property(relationship, *key, value.clone())?);
        }
        Ok(changed)
    }

    /// Sets a property, or removes it where the value is null; tells whether it is or was there.
    fn set_relationship_property(
        &mut self,
        relationship: RelationshipId,
        key: KeyId,
        value: Value,
    ) -> Result<bool, Failure>;

    /// Adds a label; tells whether the node did not have it.
    fn add_label(&mut self, node: NodeId, label: LabelId) -> Result<bool, Failure>;

    /// Adds many labels; tells how many the node did not have.
    fn add_labels(&mut self, node: NodeId, labels: &[LabelId]) -> Result<u64, Failure> {
        let mut added = 0;
        for label in labels {
            added += u64::from(self.add_label(node, *label)?);
        }
        Ok(added)
    }

    /// Removes a label; tells whether the node had it.
    fn remove_label(&mut self, node: NodeId, label: LabelId) -> Result<bool, Failure>;

    /// Deletes a node; tells whether it was there. Its relationships must be gone when the statement ends.
    fn delete_node(&mut self, node: NodeId) -> Result<bool, Failure>;

    /// Makes an index of vectors and commits it at once, apart from the statement.
    fn make_vector_index(&mut self, index: &VectorIndex<'_>) -> Result<(), Failure> {
        let text = format!("The index {} cannot be made here.", index.name);
        Err(Failure::new(Code::ProcedureCallFailed, text))
    }

    /// Deletes a relationship; tells whether it was there.
    fn delete_relationship(&mut self, relationship: RelationshipId) -> Result<bool, Failure>;
}

/// An index of the vectors of nodes, as it is to be made.
#[derive(Clone, Copy, Debug)]
pub struct VectorIndex<'a> {
    /// Its name.
    pub name: &'a str,
    /// The label of its nodes.
    pub label: &'a str,
    /// The property key of the vectors.
    pub key: &'a str,
    /// Numbers that a vector has.
    pub dimensions: i64,
    /// How alike two vectors are, by name.
    pub similarity: &'a str,
}

/// A search in an index of words or of vectors.
#[derive(Clone, Debug)]
pub struct Search<'a> {
    /// The name of the index.
    pub index: &'a str,
    /// Whether relationships are sought, not nodes.
    pub relationships: bool,
    /// What is sought.
    pub sought: Sought<'a>,
}

/// What a [`Search`] looks for.
#[derive(Clone, Debug)]
pub enum Sought<'a> {
    /// Words in texts.
    Words {
        /// The query, in Lucene's syntax.
        query: &'a str,
        /// The analyzer that cuts the query instead of the index's own.
        analyzer: Option<&'a str>,
        /// The best ones that are left out.
        skip: usize,
        /// The most that are wanted after those.
        limit: Option<usize>,
    },
    /// Neighbours of a vector.
    Near {
        /// The vector.
        vector: &'a [f64],
        /// The most that are wanted.
        count: usize,
    },
}

/// The kinds of names that a graph keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// Labels of nodes.
    Label,
    /// Types of relationships.
    Type,
    /// Keys of properties.
    Key,
}

/// An index that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexInfo {
    /// Its number.
    pub id: IndexId,
    /// Its name.
    pub name: CompactString,
    /// Whether it is over relationships, not nodes.
    pub relationships: bool,
    /// The label or type.
    pub of: CompactString,
    /// The property keys in order.
    pub keys: Vec<CompactString>,
    /// Whether no two entities have the same values.
    pub unique: bool,
    /// What it was made for.
    pub kind: IndexUse,
}

/// What an index answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IndexUse {
    /// Equality, ranges and beginnings of strings.
    #[default]
    Range,
    /// What strings begin with, end with and hold.
    Text,
    /// Points in a box, or near another one.
    Point,
}

/// How much an index holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IndexSize {
    /// Its entries.
    pub entries: u64,
    /// Different values of all its keys together.
    pub distinct: u64,
}

/// What an index is asked for. Null and NaN are found by no condition, and a range holds values of one type only.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Entries whose first values are these; with no values, all entries.
    Equal(Vec<Value>),
    /// Entries with these first values whose next one lies between two bounds.
    Range(Vec<Value>, Bound<Value>, Bound<Value>),
    /// Entries with these first values whose next one is a string with this beginning.
    Prefix(Vec<Value>, CompactString),
    /// Strings that hold this; more may be found, and whoever asks looks at them. For text indexes.
    Holds(CompactString),
    /// Strings with this end; more may be found, as with the others below. For text indexes.
    Ends(CompactString),
    /// Points in the box between two points. For point indexes.
    Within(Value, Value),
    /// Points no farther from a point than a distance. For point indexes.
    Near(Value, f64),
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
