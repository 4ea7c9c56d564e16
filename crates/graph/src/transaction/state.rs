//! Whole states of entities: what a transaction lays its changes over, and what it leaves.
//! Leaves the bytes to `codec`; knows nothing of transactions.
//! Start reading at [`NodeState`].

use std::collections::BTreeMap;

use smallvec::SmallVec;
use types::{KeyId, LabelId, NodeId, RelationshipId, TypeId, Value, compare};

use crate::GraphError;
use crate::keys::Entity;
use crate::read::View;

/// Labels of one node, sorted.
pub type Labels = SmallVec<[LabelId; 4]>;
/// Properties of one entity, sorted by key; none is null.
pub type Properties = Vec<(KeyId, Value)>;

/// Everything one node carries.
#[derive(Clone, Debug, Default)]
pub struct NodeState {
    /// Its labels, sorted.
    pub labels: Labels,
    /// Its properties, sorted by key.
    pub properties: Properties,
}

impl NodeState {
    /// Tells whether the node carries `label`.
    #[must_use]
    pub fn has(&self, label: LabelId) -> bool {
        self.labels.binary_search(&label).is_ok()
    }

    /// Tells about how many bytes it takes in memory.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&self.labels[..]) + properties_bytes(&self.properties)
    }
}

/// As they are stored: a state that differs in the type of a number is another one.
impl PartialEq for NodeState {
    fn eq(&self, other: &Self) -> bool {
        self.labels == other.labels && are_identical(&self.properties, &other.properties)
    }
}

/// Tells whether properties are the same to the last bit.
fn are_identical(left: &Properties, right: &Properties) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| left.0 == right.0 && compare::identical(&left.1, &right.1))
}

/// Tells about how many bytes properties take.
fn properties_bytes(properties: &Properties) -> usize {
    properties.iter().map(|(_, value)| size_of::<KeyId>() + value.memory_bytes()).sum()
}

/// Everything one relationship carries.
#[derive(Clone, Debug)]
pub struct RelationshipState {
    /// Its type.
    pub kind: TypeId,
    /// The node where it starts.
    pub start: NodeId,
    /// The node where it ends.
    pub end: NodeId,
    /// Its properties, sorted by key.
    pub properties: Properties,
}

/// As for [`NodeState`].
impl PartialEq for RelationshipState {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, self.start, self.end) == (other.kind, other.start, other.end)
            && are_identical(&self.properties, &other.properties)
    }
}

impl RelationshipState {
    /// Tells about how many bytes it takes in memory.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        size_of::<Self>() + properties_bytes(&self.properties)
    }
}

/// Finds a property in a sorted list.
#[must_use]
pub fn property(properties: &[(KeyId, Value)], key: KeyId) -> Option<&Value> {
    properties.binary_search_by_key(&key, |(at, _)| *at).ok().map(|at| &properties[at].1)
}

/// Sets a property in a sorted list; null removes it.
pub fn set_property(properties: &mut Properties, key: KeyId, value: Value) {
    match (properties.binary_search_by_key(&key, |(at, _)| *at), value.is_null()) {
        (Ok(at), true) => drop(properties.remove(at)),
        (Ok(at), false) => properties[at].1 = value,
        (Err(_), true) => {}
        (Err(at), false) => properties.insert(at, (key, value)),
    }
}

/// How many properties are put into their places one by one; more of them are sorted in at once.
const FEW_PROPERTIES: usize = 16;

/// Sets many properties in a sorted list; null removes one, and the last of several values counts.
pub fn set_properties(properties: &mut Properties, changes: &[(KeyId, Value)]) {
    if changes.len() <= FEW_PROPERTIES {
        changes.iter().for_each(|(key, value)| set_property(properties, *key, value.clone()));
        return;
    }
    let mut sorted: BTreeMap<KeyId, Value> = std::mem::take(properties).into_iter().collect();
    for (key, value) in changes {
        if value.is_null() {
            sorted.remove(key);
        } else {
            sorted.insert(*key, value.clone());
        }
    }
    properties.extend(sorted);
}

impl View<'_> {
    /// Reads everything that a node carries.
    pub(crate) fn node_state(&self, id: NodeId) -> Result<Option<NodeState>, GraphError> {
        self.node(id, |record| {
            let properties = self.properties(Entity::Node(id), &record.properties)?;
            Ok(NodeState { labels: record.labels, properties })
        })
    }

    /// Reads everything that a relationship carries.
    pub(crate) fn relationship_state(&self, id: RelationshipId) -> Result<Option<RelationshipState>, GraphError> {
        self.relationship(id, |record| {
            let properties = self.properties(Entity::Relationship(id), &record.properties)?;
            Ok(RelationshipState { kind: record.kind, start: record.start, end: record.end, properties })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_properties_are_set_as_each_of_them_would_be() {
        let key = |at: u32| KeyId(at.wrapping_mul(7_919) % 50);
        let value = |at: u32| if at.is_multiple_of(5) { Value::Null } else { Value::Integer(i64::from(at)) };
        let changes: Vec<(KeyId, Value)> = (0..200).map(|at| (key(at), value(at))).collect();
        let mut one_by_one: Properties = vec![(KeyId(3), Value::Integer(-1)), (KeyId(60), Value::Integer(-2))];
        let mut at_once = one_by_one.clone();
        changes.iter().for_each(|(key, value)| set_property(&mut one_by_one, *key, value.clone()));
        set_properties(&mut at_once, &changes);
        assert_eq!(at_once, one_by_one);
    }

    #[test]
    fn properties_stay_sorted_and_null_removes() {
        let mut properties = vec![];
        for (key, value) in [(3, Value::Integer(3)), (1, Value::Integer(1)), (3, Value::Null), (2, Value::Null)] {
            set_property(&mut properties, KeyId(key), value);
        }
        assert_eq!(properties, [(KeyId(1), Value::Integer(1))]);
        assert_eq!(property(&properties, KeyId(1)), Some(&Value::Integer(1)));
    }
}
