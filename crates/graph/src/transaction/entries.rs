//! Entries that a transaction's own changes have in an index, made when somebody seeks in it.
//! Leaves what is committed to `read`.
//! Start reading at [`OwnEntries::of`].

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use types::IndexId;

use super::IndexDefinition;
use super::overlay::Overlay;
use super::schema::{of_node, of_relationship};
use crate::GraphError;
use crate::keys::{Entity, order};

/// For each index that was sought: keys of all states that the transaction's entities had since.
///
/// A key whose entity has changed again stays; who asks looks at the entity itself. That way a write costs nothing
/// until there is a seek, and a seek costs only what was written since the one before.
#[derive(Debug, Default)]
pub(super) struct OwnEntries {
    indexes: FxHashMap<IndexId, Own>,
}

#[derive(Debug, Default)]
struct Own {
    keys: BTreeSet<Vec<u8>>,
    /// How many of the overlay's puts are in.
    puts: usize,
}

impl OwnEntries {
    /// Forgets everything, after the overlay went back.
    pub fn clear(&mut self) {
        self.indexes.clear();
    }

    /// Lends the keys for an index, up to date with the overlay.
    pub fn of(&mut self, index: &IndexDefinition, overlay: &Overlay) -> Result<&BTreeSet<Vec<u8>>, GraphError> {
        let own = self.indexes.entry(index.id).or_default();
        for entity in overlay.put_since(own.puts) {
            own.keys.extend(key_of(index, overlay, entity)?);
        }
        own.puts = overlay.puts();
        Ok(&own.keys)
    }
}

/// Makes the key of the entry that a changed entity has now, if it has one.
pub(super) fn key_of(
    index: &IndexDefinition,
    overlay: &Overlay,
    entity: Entity,
) -> Result<Option<Vec<u8>>, GraphError> {
    let (id, values) = match (index.on.is_nodes(), entity) {
        (true, Entity::Node(id)) => (id.0, of_node(index, overlay.node(id).and_then(|change| change.now.as_deref()))),
        (false, Entity::Relationship(id)) => {
            (id.0, of_relationship(index, overlay.relationship(id).and_then(|change| change.now.as_deref())))
        }
        _ => return Ok(None),
    };
    values.map(|values| order::entry(index.id, values, id)).transpose()
}
