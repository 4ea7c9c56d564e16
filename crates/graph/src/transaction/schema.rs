//! Indexes as a transaction sees them: what makes an entry, and what a seek accepts.
//! Leaves the bytes of keys to `keys::order`.
//! Start reading at [`Seek`].

use std::cmp::Ordering;
use std::hash::Hasher;
use std::ops::Bound;

use rustc_hash::FxHasher;
use types::compare::{equivalent, hash_value, order};
use types::{IndexId, KeyId, Value};

use super::IndexDefinition;
use super::overlay::{NodeState, RelationshipState, property};
use crate::codec::fact::IndexOn;
use crate::keys::order::tag;

/// A change of which indexes there are.
#[derive(Clone, Debug)]
pub(crate) enum SchemaChange {
    Create(IndexDefinition),
    Drop(IndexId),
}

/// Applies changes to a list of indexes.
pub(super) fn change(indexes: &mut Vec<IndexDefinition>, changes: &[SchemaChange]) {
    for change in changes {
        match change {
            SchemaChange::Create(index) => indexes.push(index.clone()),
            SchemaChange::Drop(id) => indexes.retain(|index| index.id != *id),
        }
    }
}

/// What to look for in an index.
#[derive(Clone, Debug)]
pub enum Seek {
    /// These values of the first keys, one or more.
    Equal(Vec<Value>),
    /// Values of the first key between two bounds, of the type of the bounds.
    Range {
        /// Where the range begins.
        lower: Bound<Value>,
        /// Where it ends.
        upper: Bound<Value>,
    },
    /// Strings of the first key that begin so.
    Prefix(String),
    /// Every entry.
    All,
}

impl Seek {
    /// Tells whether an entity with these values of the index's keys is meant.
    #[must_use]
    pub fn accepts(&self, values: &[Value]) -> bool {
        let Some(first) = values.first() else { return false };
        match self {
            Self::Equal(wanted) => {
                wanted.len() <= values.len() && wanted.iter().zip(values).all(|(a, b)| equivalent(a, b))
            }
            Self::Range { lower, upper } => is_above(first, lower) && is_below(first, upper),
            Self::Prefix(prefix) => matches!(first, Value::String(text) if text.starts_with(prefix.as_str())),
            Self::All => true,
        }
    }

    /// Gives the one first value that is meant, if it is one.
    pub(super) fn first_equal(&self) -> Option<&Value> {
        match self {
            Self::Equal(values) => values.first(),
            _ => None,
        }
    }
}

fn is_above(value: &Value, lower: &Bound<Value>) -> bool {
    match lower {
        Bound::Included(bound) => is_alike(value, bound) && order(value, bound) != Ordering::Less,
        Bound::Excluded(bound) => is_alike(value, bound) && order(value, bound) == Ordering::Greater,
        Bound::Unbounded => true,
    }
}

fn is_below(value: &Value, upper: &Bound<Value>) -> bool {
    match upper {
        Bound::Included(bound) => is_alike(value, bound) && order(value, bound) != Ordering::Greater,
        Bound::Excluded(bound) => is_alike(value, bound) && order(value, bound) == Ordering::Less,
        Bound::Unbounded => true,
    }
}

fn is_alike(left: &Value, right: &Value) -> bool {
    matches!((tag(left), tag(right)), (Ok(left), Ok(right)) if left == right)
}

/// Hashes a value so that equivalent values hash alike.
pub(super) fn hash(value: &Value) -> u64 {
    let mut hasher = FxHasher::default();
    hash_value(value, &mut hasher);
    hasher.finish()
}

/// Gives the values of a node's entry in an index; `None` if it has no entry.
pub(super) fn of_node(index: &IndexDefinition, node: Option<&NodeState>) -> Option<Vec<Value>> {
    let node = node?;
    matches!(index.on, IndexOn::Label(label) if node.has(label)).then(|| values(index, &node.properties))?
}

/// Gives the values of a relationship's entry in an index; `None` if it has no entry.
pub(super) fn of_relationship(index: &IndexDefinition, it: Option<&RelationshipState>) -> Option<Vec<Value>> {
    let it = it?;
    (index.on == IndexOn::Type(it.kind)).then(|| values(index, &it.properties))?
}

fn values(index: &IndexDefinition, properties: &[(KeyId, Value)]) -> Option<Vec<Value>> {
    index.keys.iter().map(|key| property(properties, *key).cloned()).collect()
}
