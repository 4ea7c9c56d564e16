//! Indexes as a transaction sees them: what makes an entry, and which change.
//! Leaves the bytes of keys to `keys::order`.
//! Start reading at [`of_node`].

use std::hash::Hasher;

use rustc_hash::FxHasher;
use smallvec::SmallVec;
use types::compare::hash_value;
use types::{KeyId, Value};

use super::IndexDefinition;
use super::state::{NodeState, RelationshipState, property};
use crate::codec::fact::ConstraintDefinition;
use crate::engines::Fields;
use crate::index::takes;
use crate::read::Seek;

/// A change of which indexes there are.
#[derive(Clone, Debug)]
pub(crate) enum SchemaChange {
    Create(IndexDefinition),
    Drop(IndexDefinition),
    CreateConstraint(ConstraintDefinition),
    DropConstraint(ConstraintDefinition),
}

/// Applies changes to a list of indexes and one of constraints.
pub(crate) fn change(
    indexes: &mut Vec<IndexDefinition>,
    constraints: &mut Vec<ConstraintDefinition>,
    changes: &[SchemaChange],
) {
    for change in changes {
        match change {
            SchemaChange::Create(index) => indexes.push(index.clone()),
            SchemaChange::Drop(gone) => indexes.retain(|index| index.id != gone.id),
            SchemaChange::CreateConstraint(constraint) => constraints.push(constraint.clone()),
            SchemaChange::DropConstraint(gone) => constraints.retain(|constraint| constraint.id != gone.id),
        }
    }
}

/// Gives the one first value that a seek means, if it is one.
pub(super) fn first_equal(seek: &Seek) -> Option<&Value> {
    match seek {
        Seek::Equal(values) => values.first(),
        _ => None,
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
    index.on.takes_node(|label| node.has(label)).then(|| values(index, &node.properties))?
}

/// Gives the values of a relationship's entry in an index; `None` if it has no entry.
pub(super) fn of_relationship<'v>(index: &IndexDefinition, it: Option<&'v RelationshipState>) -> Option<Values<'v>> {
    let it = it?;
    index.on.takes_kind(it.kind).then(|| values(index, &it.properties))?
}

/// Gives what an engine keeps of a node; `None` if that is nothing.
pub(super) fn document_of_node(index: &IndexDefinition, node: Option<&NodeState>) -> Option<Fields> {
    let node = node?;
    index.on.takes_node(|label| node.has(label)).then(|| fields(index, &node.properties))?
}

/// Gives what an engine keeps of a relationship; `None` if that is nothing.
pub(super) fn document_of_relationship(index: &IndexDefinition, it: Option<&RelationshipState>) -> Option<Fields> {
    let it = it?;
    index.on.takes_kind(it.kind).then(|| fields(index, &it.properties))?
}

fn values<'v>(index: &IndexDefinition, properties: &'v [(KeyId, Value)]) -> Option<Values<'v>> {
    let values: Values<'v> = index.keys.iter().map(|key| property(properties, *key)).collect::<Option<_>>()?;
    takes(index, &values).then_some(values)
}

fn fields(index: &IndexDefinition, properties: &[(KeyId, Value)]) -> Option<Fields> {
    let kept = |(key, value): &(KeyId, Value)| index.keys.contains(key).then(|| (*key, value.clone()));
    let fields: Fields = properties.iter().filter_map(kept).collect();
    (!fields.is_empty()).then_some(fields)
}
