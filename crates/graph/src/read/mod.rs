//! Reads of one consistent view of the stored graph: a snapshot, or a write transaction from inside.
//! Leaves a transaction's own changes to `transaction`; what it hands out is what is stored.
//! Start reading at [`View`]; [`seek`] has the indexes.

mod adjacency;
mod batch;
pub mod seek;
mod size;
#[cfg(test)]
mod tests;

use store::Reader;
use types::{IndexId, KeyId, LabelId, NodeId, RelationshipId, TypeId, Value, effort};

pub use adjacency::Neighbour;
pub use batch::PutValue;
pub use seek::Seek;
pub use size::IndexSize;

use crate::codec::fact::{self, ConstraintDefinition, ConstraintId, IndexDefinition};
use crate::codec::label::Members;
pub use crate::codec::record::Ends;
use crate::codec::record::{NodeRecord, PART_BYTES, Properties, RelationshipRecord, Stored, join_parts};
use crate::codec::{FORMAT, value};
use crate::error::GraphError;
use crate::keys::{self, Counted, Entity, LABEL_BLOCK_NODES, Meta, Table};

/// Asks one consistent view of a stored graph.
#[derive(Clone, Copy)]
pub struct View<'a> {
    reader: &'a dyn Reader,
}

impl<'a> View<'a> {
    /// Makes a view of a snapshot or of a write transaction.
    #[must_use]
    pub fn new(reader: &'a dyn Reader) -> Self {
        Self { reader }
    }

    /// Lends what the view reads.
    pub(crate) fn reader(&self) -> &'a dyn Reader {
        self.reader
    }

    /// Checks that the graph has a format that this version reads; `false` if there is no graph yet.
    pub fn check_format(&self) -> Result<bool, GraphError> {
        let Some(sealed) = self.reader.get(&keys::meta(Meta::Format))? else { return Ok(false) };
        match fact::decode_format(&sealed)? {
            1..=FORMAT => Ok(true),
            found => Err(GraphError::FormatUnknown { found, known: FORMAT }),
        }
    }

    /// Gives the id of the database that the graph was made for.
    pub fn database(&self) -> Result<Option<types::DatabaseId>, GraphError> {
        self.reader.get(&keys::meta(Meta::Database))?.map(|sealed| fact::decode_database(&sealed)).transpose()
    }

    /// Gives a number of the table of single facts; 0 if it was never written.
    pub fn number(&self, meta: Meta) -> Result<u64, GraphError> {
        self.reader.get(&keys::meta(meta))?.map_or(Ok(0), |sealed| fact::decode_number(&sealed))
    }

    /// Gives a count; 0 if it was never written.
    pub fn count(&self, counted: Counted) -> Result<i64, GraphError> {
        self.reader.get(&keys::count(counted))?.map_or(Ok(0), |sealed| fact::decode_count(&sealed))
    }

    /// Lists the definitions of all indexes by id.
    pub fn indexes(&self) -> Result<Vec<IndexDefinition>, GraphError> {
        let mut indexes = Vec::new();
        self.scan(&[Table::Index as u8], &keys::after_prefix(&[Table::Index as u8]), |key, sealed| {
            let id = keys::u32_at(key, 1).ok_or_else(|| GraphError::damaged("the key of an index"))?;
            indexes.push(IndexDefinition::decode(IndexId(id), sealed)?);
            Ok(true)
        })?;
        Ok(indexes)
    }

    /// Lists the definitions of all constraints by id.
    pub fn constraints(&self) -> Result<Vec<ConstraintDefinition>, GraphError> {
        let mut constraints = Vec::new();
        self.scan(&[Table::Constraint as u8], &[Table::Constraint as u8 + 1], |key, sealed| {
            let id = keys::u32_at(key, 1).ok_or_else(|| GraphError::damaged("the key of a constraint"))?;
            constraints.push(ConstraintDefinition::decode(ConstraintId(id), sealed)?);
            Ok(true)
        })?;
        Ok(constraints)
    }

    /// Gives the first id that an index which is being filled has not looked at; `None` if it is complete.
    pub fn progress(&self, index: IndexId) -> Result<Option<u64>, GraphError> {
        self.reader.get(&keys::progress(index))?.map(|sealed| fact::decode_number(&sealed)).transpose()
    }

    /// Finds a node and hands it to `see`; `None` if it is not there.
    pub fn node<T>(
        &self,
        id: NodeId,
        see: impl FnOnce(NodeRecord<'_>) -> Result<T, GraphError>,
    ) -> Result<Option<T>, GraphError> {
        self.reader.get(&keys::node(id))?.map(|sealed| see(NodeRecord::decode(id, &sealed)?)).transpose()
    }

    /// Tells whether there is a node, without reading its record.
    pub fn has_node(&self, id: NodeId) -> Result<bool, GraphError> {
        Ok(self.reader.get(&keys::node(id))?.is_some())
    }

    /// Finds a relationship and hands it to `see`; `None` if it is not there.
    pub fn relationship<T>(
        &self,
        id: RelationshipId,
        see: impl FnOnce(RelationshipRecord<'_>) -> Result<T, GraphError>,
    ) -> Result<Option<T>, GraphError> {
        let sealed = self.reader.get(&keys::relationship(id))?;
        sealed.map(|sealed| see(RelationshipRecord::decode(id, &sealed)?)).transpose()
    }

    /// Reads one property of an entity whose record is at hand; also where the value is kept outside.
    pub fn property(
        &self,
        entity: Entity,
        properties: &Properties<'_>,
        key: KeyId,
    ) -> Result<Option<Value>, GraphError> {
        properties.get(key)?.map(|stored| self.value(entity, key, stored)).transpose()
    }

    /// Reads all properties of an entity whose record is at hand, ascending by key.
    pub fn properties(&self, entity: Entity, properties: &Properties<'_>) -> Result<Vec<(KeyId, Value)>, GraphError> {
        properties
            .iter()
            .map(|line| line.and_then(|(key, stored)| Ok((key, self.value(entity, key, stored)?))))
            .collect()
    }

    /// Appends up to `limit` nodes behind `after` in order of id; fewer means that there are no more.
    pub fn scan_nodes(&self, after: Option<NodeId>, limit: usize, out: &mut Vec<NodeId>) -> Result<(), GraphError> {
        self.scan_ids(Table::Node, after.map(|id| id.0), limit, &mut |id| out.push(NodeId(id)))
    }

    /// Appends up to `limit` relationships behind `after`, as [`View::scan_nodes`] does nodes.
    pub fn scan_relationships(
        &self,
        after: Option<RelationshipId>,
        limit: usize,
        out: &mut Vec<RelationshipId>,
    ) -> Result<(), GraphError> {
        self.scan_ids(Table::Relationship, after.map(|id| id.0), limit, &mut |id| out.push(RelationshipId(id)))
    }

    /// Appends type and ends of up to `limit` relationships behind `after`, of one type if `kind` is given.
    ///
    /// Leaves out those of which `is_wanted` says so; fewer than `limit` means that there are no more.
    pub fn scan_ends(
        &self,
        kind: Option<TypeId>,
        after: Option<RelationshipId>,
        limit: usize,
        is_wanted: impl Fn(RelationshipId) -> bool,
        out: &mut Vec<Ends>,
    ) -> Result<(), GraphError> {
        let full = out.len().saturating_add(limit);
        let mut start = vec![Table::Relationship as u8];
        if let Some(after) = after {
            start = keys::relationship(after).to_vec();
            start.push(0);
        }
        if limit == 0 {
            return Ok(());
        }
        self.scan(&start, &[Table::Relationship as u8 + 1], |key, sealed| {
            let id = keys::u64_at(key, 1).ok_or_else(|| GraphError::damaged("the key of a record"))?;
            let ends = RelationshipRecord::decode(RelationshipId(id), sealed)?.ends();
            if kind.is_none_or(|kind| ends.kind == kind) && is_wanted(ends.id) {
                out.push(ends);
            }
            Ok(out.len() < full)
        })
    }

    /// Appends up to `limit` nodes with a label, as [`View::scan_nodes`] does any.
    pub fn scan_label(
        &self,
        label: LabelId,
        after: Option<NodeId>,
        limit: usize,
        out: &mut Vec<NodeId>,
    ) -> Result<(), GraphError> {
        if limit == 0 {
            return Ok(());
        }
        let start = keys::label(label, after.unwrap_or_default());
        let end = keys::after_prefix(&start[..5]);
        let full = out.len().saturating_add(limit);
        self.scan(&start, &end, |key, sealed| {
            let block = keys::u64_at(key, 5).ok_or_else(|| GraphError::damaged("the key of a label block"))?;
            let first = block.checked_mul(LABEL_BLOCK_NODES).ok_or_else(|| GraphError::damaged("a label block"))?;
            let nodes = Members::decode(sealed)?.iter().map(|place| NodeId(first + u64::from(place)));
            let wanted = nodes.filter(|id| after.is_none_or(|after| *id > after));
            out.extend(wanted.take(full - out.len()));
            Ok(out.len() < full)
        })
    }

    /// Tells whether a node has a label, from the label's own blocks.
    pub fn has_label(&self, node: NodeId, label: LabelId) -> Result<bool, GraphError> {
        let block = self.reader.get(&keys::label(label, node))?.as_deref().map(Members::decode).transpose()?;
        Ok(block.is_some_and(|members| members.contains(Members::place(node))))
    }

    fn value(&self, entity: Entity, key: KeyId, stored: Stored<'_>) -> Result<Value, GraphError> {
        match stored {
            Stored::Here(bytes) => value::decode(bytes),
            Stored::Long { parts } => self.long_value(entity, key, parts),
        }
    }

    fn long_value(&self, entity: Entity, key: KeyId, count: u32) -> Result<Value, GraphError> {
        // All parts but the last are full. Not read at all where nothing of it may be kept: then the statement is over.
        let least_bytes = usize::try_from(count.saturating_sub(1)).map_or(usize::MAX, |full| full * PART_BYTES);
        if !effort::may_copy(least_bytes) {
            return Err(GraphError::Stopped);
        }
        let mut parts = Vec::new();
        for part in 0..count {
            let sealed = self.reader.get(&keys::long(entity, key, part))?;
            parts.push(sealed.ok_or_else(|| GraphError::damaged("a part of a long value is missing"))?);
        }
        join_parts(parts.iter().map(|part| &**part))
    }

    fn scan_ids(
        &self,
        table: Table,
        after: Option<u64>,
        limit: usize,
        take: &mut dyn FnMut(u64),
    ) -> Result<(), GraphError> {
        let mut left = limit;
        if left == 0 {
            return Ok(());
        }
        let mut start = vec![table as u8];
        if let Some(after) = after {
            start.extend_from_slice(&after.to_be_bytes());
            start.push(0);
        }
        self.scan(&start, &keys::after_prefix(&[table as u8]), |key, _| {
            take(keys::u64_at(key, 1).ok_or_else(|| GraphError::damaged("the key of a record"))?);
            left -= 1;
            Ok(left > 0)
        })
    }

    /// As [`Reader::scan`], with a visit that can fail.
    pub(crate) fn scan(
        &self,
        start: &[u8],
        end: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool, GraphError>,
    ) -> Result<(), GraphError> {
        if start >= end {
            return Ok(());
        }
        let mut failed = None;
        self.reader.scan(start..end, &mut |key, value| {
            visit(key, value).unwrap_or_else(|error| {
                failed = Some(error);
                false
            })
        })?;
        failed.map_or(Ok(()), Err)
    }
}
