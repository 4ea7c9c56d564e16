//! The second walk, only where sums differ: looks each thing up where it should stand, in both directions.

use types::{KeyId, LabelId, NodeId, RelationshipId};

use super::Report;
use super::walk::{Differing, place_of, places};
use crate::codec::adjacency;
use crate::codec::fact::IndexDefinition;
use crate::codec::label::Members;
use crate::codec::record::{NodeRecord, Properties, RelationshipRecord, Stored};
use crate::error::GraphError;
use crate::index;
use crate::keys::{self, Entity, LABEL_BLOCK_NODES, Table};
use crate::read::View;
use crate::transaction::Place;

/// Names what is missing and what is too much.
///
/// Damaged entries are in the report already, and nothing is said here about what they may have held.
pub(super) fn look(view: View<'_>, differing: &Differing, report: &mut Report) -> Result<(), GraphError> {
    let mut closer = Closer { view, report };
    if differing.labels {
        closer.labels_of_nodes()?;
        closer.nodes_of_labels()?;
    }
    if differing.places {
        closer.places_of_relationships()?;
        closer.relationships_of_places()?;
    }
    if differing.long {
        closer.long_values()?;
    }
    for index in &differing.indexes {
        closer.entries_of_entities(index)?;
        closer.entities_of_entries(index)?;
    }
    Ok(())
}

struct Closer<'a, 'r> {
    view: View<'a>,
    report: &'r mut Report,
}

impl Closer<'_, '_> {
    /// Walks a table until the report is full; entries that `visit` cannot read were reported by the first walk.
    fn table(
        &mut self,
        prefix: &[u8],
        mut visit: impl FnMut(&mut Self, &[u8], &[u8]) -> Result<(), GraphError>,
    ) -> Result<(), GraphError> {
        let view = self.view;
        view.scan(prefix, &keys::after_prefix(prefix), |key, value| match visit(self, key, value) {
            Ok(()) | Err(GraphError::Damaged { .. }) => Ok(!self.report.is_full()),
            Err(error) => Err(error),
        })
    }

    fn labels_of_nodes(&mut self) -> Result<(), GraphError> {
        self.table(&[Table::Node as u8], |this, key, value| {
            let id = NodeId(id_at(key, 1)?);
            for label in NodeRecord::decode(id, value)?.labels {
                if !this.view.has_label(id, label).unwrap_or(true) {
                    this.report.add(format!("node {id} is missing among the nodes with label {label}"));
                }
            }
            Ok(())
        })
    }

    fn nodes_of_labels(&mut self) -> Result<(), GraphError> {
        self.table(&[Table::Label as u8], |this, key, value| {
            let label = LabelId(keys::u32_at(key, 1).ok_or_else(|| GraphError::damaged("a key"))?);
            let first = id_at(key, 5)?.saturating_mul(LABEL_BLOCK_NODES);
            for place in Members::decode(value)?.iter() {
                let id = NodeId(first + u64::from(place));
                let has_label = this.view.node(id, |node| Ok(node.has_label(label)));
                if has_label.is_ok_and(|has| has != Some(true)) {
                    this.report
                        .add(format!("node {id} stands among the nodes with label {label} and does not have it"));
                }
            }
            Ok(())
        })
    }

    fn places_of_relationships(&mut self) -> Result<(), GraphError> {
        self.table(&[Table::Relationship as u8], |this, key, value| {
            let record = RelationshipRecord::decode(RelationshipId(id_at(key, 1)?), value)?;
            for place in places(&record) {
                if !this.has_place(place).unwrap_or(true) {
                    let (side, node) = (place.side, place.node);
                    this.report
                        .add(format!("relationship {} is missing in the {side:?} list of node {node}", record.id));
                }
            }
            Ok(())
        })
    }

    fn has_place(&self, place: Place) -> Result<bool, GraphError> {
        let list = keys::adjacency_of_type(place.node, place.side, place.kind);
        let end = [&place.key()[..], &[0]].concat();
        let (mut pairs, mut outcome) = (Vec::new(), Ok(()));
        self.view.reader().scan_back(&list[..]..&end, &mut |_, block| {
            outcome = adjacency::decode(block, &mut pairs);
            false
        })?;
        outcome?;
        Ok(pairs.binary_search(&(place.neighbour, place.relationship)).is_ok())
    }

    fn relationships_of_places(&mut self) -> Result<(), GraphError> {
        self.table(&[Table::Adjacency as u8], |this, key, value| {
            let first = place_of(key)?;
            let mut pairs = Vec::new();
            adjacency::decode(value, &mut pairs)?;
            for (neighbour, relationship) in pairs {
                let place = Place { neighbour, relationship, ..first };
                let is_there = this.view.relationship(relationship, |record| Ok(places(&record).contains(&place)));
                if is_there.is_ok_and(|is_there| is_there != Some(true)) {
                    let (side, node) = (place.side, place.node);
                    this.report.add(format!(
                        "relationship {relationship} stands in the {side:?} list of node {node} and does not belong there"
                    ));
                }
            }
            Ok(())
        })
    }

    fn long_values(&mut self) -> Result<(), GraphError> {
        // Missing parts were reported with the record that lacks them; what is left are parts without a record.
        self.table(&[Table::Long as u8], |this, key, _| {
            let id = id_at(key, 2)?;
            let entity = if key[1] == 0 { Entity::Node(NodeId(id)) } else { Entity::Relationship(RelationshipId(id)) };
            let at = |at| keys::u32_at(key, at).ok_or_else(|| GraphError::damaged("the key of a long value"));
            let (property, part) = (KeyId(at(10)?), at(14)?);
            let is_of = |properties: &Properties<'_>| {
                Ok(matches!(properties.get(property)?, Some(Stored::Long { parts }) if part < parts))
            };
            let is_of_it = match entity {
                Entity::Node(id) => this.view.node(id, |record| is_of(&record.properties))?,
                Entity::Relationship(id) => this.view.relationship(id, |record| is_of(&record.properties))?,
            };
            if is_of_it != Some(true) {
                this.report.add(format!("part {part} of a long value belongs to no property of {entity:?}"));
            }
            Ok(())
        })
    }

    fn entries_of_entities(&mut self, index: &IndexDefinition) -> Result<(), GraphError> {
        let table = if index.on.is_nodes() { Table::Node } else { Table::Relationship };
        self.table(&[table as u8], |this, key, _| {
            let id = id_at(key, 1)?;
            let Some(values) = this.view.values_of(index, id)? else { return Ok(()) };
            let mut missing = false;
            index::entries(index, &values, id, |key| {
                missing |= this.view.reader().get(&key)?.is_none();
                Ok(())
            })?;
            if missing {
                this.report.add(format!("index {} has no entry of {table:?} {id}", index.name));
            }
            Ok(())
        })
    }

    fn entities_of_entries(&mut self, index: &IndexDefinition) -> Result<(), GraphError> {
        self.table(&keys::entries_of_index(index.id), |this, key, _| {
            let id = id_at(key, key.len().saturating_sub(8))?;
            let mut is_expected = false;
            if let Some(values) = this.view.values_of(index, id)? {
                index::entries(index, &values, id, |expected| {
                    is_expected |= expected == key;
                    Ok(())
                })?;
            }
            if !is_expected {
                this.report.add(format!("index {} has an entry of {id} that does not fit its properties", index.name));
            }
            Ok(())
        })
    }
}

fn id_at(key: &[u8], at: usize) -> Result<u64, GraphError> {
    keys::u64_at(key, at).ok_or_else(|| GraphError::damaged("a key is too short"))
}
