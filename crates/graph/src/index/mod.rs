//! Which entries an entity has in an index of the table of entries.
//! Leaves the bytes of range entries to `keys::order`, and seeks to `read`.
//! Start reading at [`takes`] and [`entries`].

pub(crate) mod fill;

use std::borrow::Borrow;

use types::Value;

use crate::codec::fact::{IndexDefinition, IndexKind};
use crate::error::GraphError;
use crate::keys::order;

/// Tells whether an entity with these values, one for each key, has entries in an index.
pub(crate) fn takes<V: Borrow<Value>>(index: &IndexDefinition, values: &[V]) -> bool {
    match index.kind {
        IndexKind::Range => true,
        IndexKind::Text => matches!(values.first().map(Borrow::borrow), Some(Value::String(_))),
        IndexKind::Point => matches!(values.first().map(Borrow::borrow), Some(Value::Point(_))),
        IndexKind::Lookup | IndexKind::FullText | IndexKind::Vector => false,
    }
}

/// Hands the key of each entry of an entity to `take`; the first is the one that is counted.
pub(crate) fn entries<V: Borrow<Value>>(
    index: &IndexDefinition,
    values: &[V],
    id: u64,
    mut take: impl FnMut(Vec<u8>) -> Result<(), GraphError>,
) -> Result<(), GraphError> {
    take(order::entry(index.id, values.iter().map(Borrow::borrow), id)?)
}

/// Tells whether an entry is the counted one of its entity.
pub(crate) fn is_counted(_index: &IndexDefinition, _key: &[u8]) -> bool {
    true
}
