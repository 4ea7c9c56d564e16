//! Indexes as a transaction sees them: what makes an entry, and which change.
//! Leaves the bytes of keys to `keys::order`.
//! Start reading at [`of_node`].

use std::hash::Hasher;

use rustc_hash::FxHasher;
use smallvec::SmallVec;
use types::compare::hash_value;
use types::{IndexId, KeyId, Value};

use super::IndexDefinition;
use super::state::{NodeState, RelationshipState, property};
use crate::codec::fact::IndexOn;
use crate::read::Seek;

/// A change of which indexes there are.
#[derive(Clone, Debug)]
pub(crate) enum SchemaChange {
    Create(IndexDefinition),
    Drop(IndexId),
}

/// Applies changes to a list of indexes.
pub(crate) fn change(indexes: &mut Vec<IndexDefinition>, changes: &[SchemaChange]) {
    for change in changes {
        match change {
            SchemaChange::Create(index) => indexes.push(index.clone()),
            SchemaChange::Drop(id) => indexes.retain(|index| index.id != *id),
        }
    }
}

/// Gives the one first value that a seek means, if it is one.
pub(super) fn first_equal(seek: &Seek) -> Option<&Value> {
    match seek {
        Seek::Equal(values) => values.first(),
        Seek::Range { .. } | Seek::Prefix { .. } => None,
    }
}

/// Hashes a value so that equivalent values hash alike.
pub(super) fn hash(value: &Value) -> u64 {
    let mut hasher = FxHasher::default();
    hash_value(value, &mut hasher);
    hasher.finish()
}

/// The values of an entry, one for each key of its index.
pub(super) type Values<'v> = SmallVec<[&'v Value; 2]>;

/// Gives the values of a node's entry in an index; `None` if it has no entry.
pub(super) fn of_node<'v>(index: &IndexDefinition, node: Option<&'v NodeState>) -> Option<Values<'v>> {
    let node = node?;
    matches!(index.on, IndexOn::Label(label) if node.has(label)).then(|| values(index, &node.properties))?
}

/// Gives the values of a relationship's entry in an index; `None` if it has no entry.
pub(super) fn of_relationship<'v>(index: &IndexDefinition, it: Option<&'v RelationshipState>) -> Option<Values<'v>> {
    let it = it?;
    (index.on == IndexOn::Type(it.kind)).then(|| values(index, &it.properties))?
}

fn values<'v>(index: &IndexDefinition, properties: &'v [(KeyId, Value)]) -> Option<Values<'v>> {
    index.keys.iter().map(|key| property(properties, *key)).collect()
}
