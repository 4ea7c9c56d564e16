//! The graph in memory as a source.

use std::cmp::Ordering;
use std::ops::Bound;

use compact_str::CompactString;
use types::compare::{Inequality, equals, holds, order};
use types::{
    Code, Direction, Failure, IndexId, KeyId, LabelId, Map, NodeId, RelationshipId, RelationshipRef, TypeId, Value,
};

use super::Memory;
use super::memory::{Node, Properties, Relationship};
use crate::source::{Condition, Expansion, IndexInfo, IndexSize, NameKind, RelationshipRecord, Source};

impl Memory {
    fn writable(&mut self) -> Result<&mut Self, Failure> {
        if self.is_read_only {
            return Err(Failure::new(Code::WriteInReadMode, format!("graph \"{}\" is read-only", self.name)));
        }
        Ok(self)
    }

    fn live(&self, id: NodeId) -> Result<&Node, Failure> {
        self.at(id).ok_or_else(|| gone("Node", id.0))
    }

    fn live_mut(&mut self, id: NodeId) -> Result<&mut Node, Failure> {
        self.writable()?.at_mut(id).ok_or_else(|| gone("Node", id.0))
    }

    fn live_relationship(&self, id: RelationshipId) -> Result<&Relationship, Failure> {
        self.held(id).ok_or_else(|| gone("Relationship", id.0))
    }

    fn named(&self, properties: &Properties) -> Map {
        properties.0.iter().map(|(key, value)| (self.keys.name(key.0).clone(), value.clone())).collect()
    }

    /// Lists an index's entries, sorted by their values.
    fn entries<'a, Id: Copy + Ord>(
        &self,
        index: &IndexInfo,
        all: impl Iterator<Item = (Id, &'a Properties)>,
    ) -> Vec<(Vec<Value>, Id)> {
        let keys: Option<Vec<u32>> = index.keys.iter().map(|key| self.keys.find(key)).collect();
        let Some(keys) = keys else { return Vec::new() };
        let values = |properties: &Properties| keys.iter().map(|key| properties.get(KeyId(*key))).collect();
        let mut entries: Vec<(Vec<Value>, Id)> = all.map(|(id, properties)| (values(properties), id)).collect();
        entries.retain(|(values, _)| !values.iter().any(Value::is_null));
        entries.sort_by(|(left, left_id), (right, right_id)| {
            let differ = left.iter().zip(right).map(|(left, right)| order(left, right)).find(|found| found.is_ne());
            differ.unwrap_or(Ordering::Equal).then(left_id.cmp(right_id))
        });
        entries
    }

    fn index_nodes(&self, index: IndexId) -> Vec<(Vec<Value>, NodeId)> {
        let index = &self.indexes[index.0 as usize];
        let label = self.labels.find(&index.of).map(LabelId);
        let all = self.nodes.iter().enumerate().filter_map(|(id, node)| Some((NodeId(id as u64), node.as_ref()?)));
        let all = all.filter(|(_, node)| label.is_some_and(|label| node.labels.contains(&label)));
        self.entries(index, all.map(|(id, node)| (id, &node.properties)))
    }

    fn index_relationships(&self, index: IndexId) -> Vec<(Vec<Value>, RelationshipId)> {
        let index = &self.indexes[index.0 as usize];
        let kind = self.types.find(&index.of).map(TypeId);
        let all = self.relationships.iter().flatten().filter(|held| Some(held.found.kind) == kind);
        self.entries(index, all.map(|held| (held.found.id, &held.properties)))
    }
}

#[cold]
fn gone(kind: &str, id: u64) -> Failure {
    Failure::new(Code::EntityNotFound, format!("{kind} with id {id} has been deleted in this transaction"))
}

fn meets(values: &[Value], wanted: &Condition) -> bool {
    let begins = |first: &[Value]| first.iter().zip(values).all(|(want, value)| equals(want, value) == Some(true));
    match wanted {
        Condition::Equal(first) => begins(first),
        Condition::Range(first, low, high) => {
            let next = &values[first.len()];
            let passes = |bound: &Bound<Value>, or_equal: Inequality, strict: Inequality| match bound {
                Bound::Included(bound) => holds(or_equal, next, bound) == Some(true),
                Bound::Excluded(bound) => holds(strict, next, bound) == Some(true),
                Bound::Unbounded => true,
            };
            begins(first)
                && passes(low, Inequality::GreaterOrEqual, Inequality::Greater)
                && passes(high, Inequality::LessOrEqual, Inequality::Less)
        }
        Condition::Prefix(first, prefix) => {
            begins(first) && matches!(&values[first.len()], Value::String(text) if text.starts_with(prefix.as_str()))
        }
        Condition::Holds(part) => matches!(&values[0], Value::String(text) if text.contains(part.as_str())),
        Condition::Ends(end) => matches!(&values[0], Value::String(text) if text.ends_with(end.as_str())),
        Condition::Within(..) | Condition::Near(..) => matches!(&values[0], Value::Point(_)),
    }
}

impl Source for Memory {
    fn database(&self) -> &str {
        &self.name
    }

    fn hits(&self) -> u64 {
        0
    }

    fn node_element_id(&self, id: NodeId) -> CompactString {
        format!("4:{}:{id}", self.name).into()
    }

    fn relationship_element_id(&self, id: RelationshipId) -> CompactString {
        format!("5:{}:{id}", self.name).into()
    }

    fn label_id(&self, name: &str) -> Option<LabelId> {
        self.labels.find(name).map(LabelId)
    }

    fn type_id(&self, name: &str) -> Option<TypeId> {
        self.types.find(name).map(TypeId)
    }

    fn key_id(&self, name: &str) -> Option<KeyId> {
        self.keys.find(name).map(KeyId)
    }

    fn type_name(&self, id: TypeId) -> Result<CompactString, Failure> {
        Ok(self.types.name(id.0).clone())
    }

    fn scan_nodes(
        &self,
        label: Option<LabelId>,
        after: Option<NodeId>,
        limit: usize,
        out: &mut Vec<NodeId>,
    ) -> Result<(), Failure> {
        let start = after.map_or(0, |after| after.0 as usize + 1);
        let found = self.nodes.iter().enumerate().skip(start).filter_map(|(id, node)| Some((id, node.as_ref()?)));
        let found = found.filter(|(_, node)| label.is_none_or(|label| node.labels.contains(&label)));
        out.extend(found.take(limit).map(|(id, _)| NodeId(id as u64)));
        Ok(())
    }

    fn expand(
        &self,
        nodes: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        out: &mut Expansion,
    ) -> Result<(), Failure> {
        for id in nodes {
            // A node that was deleted has no relationships.
            if let Some(node) = self.at(*id) {
                let mut add = |ids: &[RelationshipId], is_outgoing: bool| {
                    for relationship in ids.iter().filter_map(|id| self.held(*id)).map(|held| held.found) {
                        let neighbour = if is_outgoing { relationship.end } else { relationship.start };
                        // Asked both ways, a relationship to the node itself counts once.
                        let is_second = !is_outgoing && direction == Direction::Both && neighbour == *id;
                        if !is_second && types.is_none_or(|types| types.contains(&relationship.kind)) {
                            out.found.push(RelationshipRecord { neighbour, relationship });
                        }
                    }
                };
                if direction != Direction::Incoming {
                    add(&node.outgoing, true);
                }
                if direction != Direction::Outgoing {
                    add(&node.incoming, false);
                }
            }
            out.ends.push(out.found.len());
        }
        Ok(())
    }

    fn node_property(&self, nodes: &[NodeId], key: KeyId, out: &mut Vec<Value>) -> Result<(), Failure> {
        for node in nodes {
            out.push(self.live(*node)?.properties.get(key));
        }
        Ok(())
    }

    fn relationship_property(&self, found: &[RelationshipId], key: KeyId, out: &mut Vec<Value>) -> Result<(), Failure> {
        for relationship in found {
            out.push(self.live_relationship(*relationship)?.properties.get(key));
        }
        Ok(())
    }

    fn labels(&self, node: NodeId) -> Result<Vec<CompactString>, Failure> {
        let mut labels: Vec<_> =
            self.live(node)?.labels.iter().map(|label| self.labels.name(label.0).clone()).collect();
        labels.sort();
        Ok(labels)
    }

    fn node_properties(&self, node: NodeId) -> Result<Map, Failure> {
        Ok(self.named(&self.live(node)?.properties))
    }

    fn relationship_properties(&self, relationship: RelationshipId) -> Result<Map, Failure> {
        Ok(self.named(&self.live_relationship(relationship)?.properties))
    }

    fn count_nodes(&self, label: Option<LabelId>) -> Result<u64, Failure> {
        let mut all = Vec::new();
        self.scan_nodes(label, None, usize::MAX, &mut all)?;
        Ok(all.len() as u64)
    }

    fn count_relationships(&self, kind: Option<TypeId>) -> Result<u64, Failure> {
        let mut all = Vec::new();
        self.scan_relationships(kind, None, usize::MAX, &mut all)?;
        Ok(all.len() as u64)
    }

    fn names(&self, kind: NameKind) -> Vec<CompactString> {
        let names = match kind {
            NameKind::Label => &self.labels,
            NameKind::Type => &self.types,
            NameKind::Key => &self.keys,
        };
        names.all().to_vec()
    }

    fn indexes(&self) -> Vec<IndexInfo> {
        self.indexes.clone()
    }

    fn index_size(&self, index: IndexId) -> Result<IndexSize, Failure> {
        let mut values: Vec<Vec<Value>> = if self.indexes[index.0 as usize].relationships {
            self.index_relationships(index).into_iter().map(|(values, _)| values).collect()
        } else {
            self.index_nodes(index).into_iter().map(|(values, _)| values).collect()
        };
        let entries = values.len() as u64;
        values.dedup();
        Ok(IndexSize { entries, distinct: values.len() as u64 })
    }

    fn seek_nodes(&self, index: IndexId, seek: &Condition, out: &mut Vec<NodeId>) -> Result<(), Failure> {
        let entries = self.index_nodes(index);
        out.extend(entries.into_iter().filter(|(values, _)| meets(values, seek)).map(|(_, id)| id));
        Ok(())
    }

    fn seek_relationships(
        &self,
        index: IndexId,
        seek: &Condition,
        out: &mut Vec<RelationshipRef>,
    ) -> Result<(), Failure> {
        let entries = self.index_relationships(index).into_iter().filter(|(values, _)| meets(values, seek));
        out.extend(entries.filter_map(|(_, id)| Some(self.held(id)?.found)));
        Ok(())
    }

    fn scan_relationships(
        &self,
        kind: Option<TypeId>,
        after: Option<RelationshipId>,
        limit: usize,
        out: &mut Vec<RelationshipRef>,
    ) -> Result<(), Failure> {
        let start = after.map_or(0, |after| after.0 as usize + 1);
        let found = self.relationships.iter().skip(start).flatten().map(|held| held.found);
        out.extend(found.filter(|found| kind.is_none_or(|kind| found.kind == kind)).take(limit));
        Ok(())
    }

    fn has_node(&self, id: NodeId) -> Result<bool, Failure> {
        Ok(self.at(id).is_some())
    }

    fn relationship(&self, id: RelationshipId) -> Result<Option<RelationshipRef>, Failure> {
        Ok(self.held(id).map(|held| held.found))
    }

    fn has_label(&self, nodes: &[NodeId], label: LabelId, out: &mut Vec<bool>) -> Result<(), Failure> {
        for node in nodes {
            out.push(self.live(*node)?.labels.contains(&label));
        }
        Ok(())
    }

    fn make_label(&mut self, name: &str) -> Result<LabelId, Failure> {
        Ok(LabelId(self.writable()?.labels.make(name)))
    }

    fn make_type(&mut self, name: &str) -> Result<TypeId, Failure> {
        Ok(TypeId(self.writable()?.types.make(name)))
    }

    fn make_key(&mut self, name: &str) -> Result<KeyId, Failure> {
        Ok(KeyId(self.writable()?.keys.make(name)))
    }

    fn create_node(&mut self, labels: &[LabelId], properties: &[(KeyId, Value)]) -> Result<NodeId, Failure> {
        Ok(self.writable()?.add_node(labels, stored(properties)?))
    }

    fn create_relationship(
        &mut self,
        start: NodeId,
        kind: TypeId,
        end: NodeId,
        properties: &[(KeyId, Value)],
    ) -> Result<RelationshipId, Failure> {
        self.live(start)?;
        self.live(end)?;
        Ok(self.writable()?.add_relationship(start, kind, end, stored(properties)?))
    }

    fn set_node_property(&mut self, node: NodeId, key: KeyId, value: Value) -> Result<bool, Failure> {
        Ok(self.live_mut(node)?.properties.set(key, storable(value)?))
    }

    fn set_relationship_property(
        &mut self,
        relationship: RelationshipId,
        key: KeyId,
        value: Value,
    ) -> Result<bool, Failure> {
        let held = self.writable()?.held_mut(relationship);
        let held = held.ok_or_else(|| gone("Relationship", relationship.0))?;
        Ok(held.properties.set(key, storable(value)?))
    }

    fn add_label(&mut self, node: NodeId, label: LabelId) -> Result<bool, Failure> {
        Ok(self.live_mut(node)?.labels.insert(label))
    }

    fn remove_label(&mut self, node: NodeId, label: LabelId) -> Result<bool, Failure> {
        Ok(self.live_mut(node)?.labels.remove(&label))
    }

    fn delete_node(&mut self, node: NodeId) -> Result<bool, Failure> {
        let place = usize::try_from(node.0).ok().and_then(|at| self.nodes.get_mut(at));
        Ok(place.is_some_and(|place| place.take().is_some()))
    }

    fn delete_relationship(&mut self, relationship: RelationshipId) -> Result<bool, Failure> {
        let place = usize::try_from(relationship.0).ok().and_then(|at| self.relationships.get_mut(at));
        Ok(place.is_some_and(|place| place.take().is_some()))
    }
}

fn stored(properties: &[(KeyId, Value)]) -> Result<Properties, Failure> {
    let mut kept = Properties::default();
    for (key, value) in properties {
        kept.set(*key, storable(value.clone())?);
    }
    Ok(kept)
}

/// Refuses what no graph stores.
fn storable(value: Value) -> Result<Value, Failure> {
    match value {
        Value::Map(_) | Value::NodeRef(_) | Value::RelationshipRef(_) | Value::PathRef(_) => {
            let text = format!(
                "Property values can only be of primitive types or arrays thereof. Encountered: {}.",
                value.type_name()
            );
            Err(Failure::new(Code::TypeError, text))
        }
        value => Ok(value),
    }
}
