//! Which entries an entity has in an index of the table of entries.
//! Leaves the bytes of range entries to `keys::order`, and seeks in those to `read`.
//! Start reading at [`takes`] and [`entries`].

pub(crate) mod fill;
mod point;
mod text;

use std::borrow::Borrow;

use types::Value;

use crate::codec::fact::{IndexDefinition, IndexKind};
use crate::error::GraphError;
use crate::keys::{self, order};
use crate::read::{Seek, View};

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
    match (index.kind, values.first().map(Borrow::borrow)) {
        (IndexKind::Text, Some(Value::String(text))) => text::entries(index.id, text, id, take),
        (IndexKind::Point, Some(Value::Point(point))) => take(point::entry(index.id, point, id)),
        _ => take(order::entry(index.id, values.iter().map(Borrow::borrow), id)?),
    }
}

/// Tells whether an entry is the counted one of its entity.
pub(crate) fn is_counted(index: &IndexDefinition, key: &[u8]) -> bool {
    index.kind != IndexKind::Text || key.get(keys::entries_of_index(index.id).len()) == Some(&text::BEGINNING)
}

/// Lists the ids, ascending, of entities that may have what is sought in a text or point index.
///
/// None is left out, and some may be too many: who asks looks at the values.
pub(crate) fn find(view: View<'_>, index: &IndexDefinition, seek: &Seek) -> Result<Vec<u64>, GraphError> {
    let sought = match seek {
        Seek::Equal(values) => match values.as_slice() {
            [] => text::Sought::Begins(""),
            [Value::String(text), ..] => text::Sought::Begins(text),
            _ => return Ok(Vec::new()),
        },
        Seek::Prefix { prefix, .. } => text::Sought::Begins(prefix),
        Seek::Holds(text) => text::Sought::Holds(text),
        Seek::Ends(text) => text::Sought::Ends(text),
        Seek::Within(Value::Point(low), Value::Point(high)) => {
            return point::find(view, index.id, &point::Area::between(low, high));
        }
        Seek::Near(Value::Point(center), distance) => {
            return point::find(view, index.id, &point::Area::around(center, *distance));
        }
        Seek::Within(..) | Seek::Near(..) => return Ok(Vec::new()),
        // Strings between two others: every one is looked at.
        Seek::Range { .. } => text::Sought::Begins(""),
    };
    if index.kind == IndexKind::Text { text::find(view, index.id, sought) } else { Ok(Vec::new()) }
}
