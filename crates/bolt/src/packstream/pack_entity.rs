//! Nodes, relationships and paths to bytes.

use std::collections::HashMap;
use std::sync::Arc;

use types::{Node, Path, Relationship};

use super::pack::{PackError, Packer};
use super::tag;

impl Packer<'_> {
    pub(super) fn node(&mut self, node: &Node) -> Result<(), PackError> {
        let with_element_id = self.dialect.has_element_ids();
        self.structure(if with_element_id { 4 } else { 3 }, tag::NODE);
        self.id(node.id);
        self.list_header(node.labels.len())?;
        node.labels.iter().try_for_each(|label| self.string(label))?;
        self.map(&node.properties)?;
        if with_element_id {
            self.string(&node.element_id)?;
        }
        Ok(())
    }

    pub(super) fn relationship(&mut self, relationship: &Relationship) -> Result<(), PackError> {
        let with_element_ids = self.dialect.has_element_ids();
        self.structure(if with_element_ids { 8 } else { 5 }, tag::RELATIONSHIP);
        self.id(relationship.id);
        self.id(relationship.start);
        self.id(relationship.end);
        self.string(&relationship.kind)?;
        self.map(&relationship.properties)?;
        if with_element_ids {
            self.string(&relationship.element_id)?;
            self.string(&relationship.start_element_id)?;
            self.string(&relationship.end_element_id)?;
        }
        Ok(())
    }

    /// Each entity of a path is written once; the walk is a list of their places.
    pub(super) fn path(&mut self, path: &Path) -> Result<(), PackError> {
        let nodes = Places::of(&path.nodes, |node| node.id);
        let relationships = Places::of(&path.relationships, |relationship| relationship.id);
        self.structure(3, tag::PATH);
        self.list_header(nodes.firsts.len())?;
        nodes.firsts.iter().try_for_each(|node| self.node(node))?;
        self.list_header(relationships.firsts.len())?;
        relationships.firsts.iter().try_for_each(|relationship| self.unbound(relationship))?;
        self.list_header(2 * path.relationships.len())?;
        for (step, relationship) in path.relationships.iter().enumerate() {
            let place = relationships.places[step] + 1;
            let forward = path.nodes.get(step).is_some_and(|from| from.id == relationship.start);
            self.integer(if forward { place } else { -place });
            self.integer(nodes.places.get(step + 1).copied().unwrap_or_default());
        }
        Ok(())
    }

    fn unbound(&mut self, relationship: &Relationship) -> Result<(), PackError> {
        let with_element_id = self.dialect.has_element_ids();
        self.structure(if with_element_id { 4 } else { 3 }, tag::UNBOUND_RELATIONSHIP);
        self.id(relationship.id);
        self.string(&relationship.kind)?;
        self.map(&relationship.properties)?;
        if with_element_id {
            self.string(&relationship.element_id)?;
        }
        Ok(())
    }

    /// Ids stay far below 2^63: they count from zero and are given one at a time.
    fn id(&mut self, id: u64) {
        self.integer(i64::try_from(id).unwrap_or(i64::MAX));
    }
}

/// The distinct entities of a path, and for each step the place of its entity among them.
struct Places<'a, T> {
    firsts: Vec<&'a T>,
    places: Vec<i64>,
}

impl<'a, T> Places<'a, T> {
    fn of(entities: &'a [Arc<T>], id: impl Fn(&T) -> u64) -> Self {
        let mut seen = HashMap::with_capacity(entities.len());
        let mut firsts = Vec::with_capacity(entities.len());
        let mut places = Vec::with_capacity(entities.len());
        for entity in entities {
            let place = *seen.entry(id(entity)).or_insert_with(|| {
                firsts.push(&**entity);
                i64::try_from(firsts.len() - 1).expect("a path in memory has fewer entities than 2^63")
            });
            places.push(place);
        }
        Self { firsts, places }
    }
}
