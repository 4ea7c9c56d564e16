//! Holds the data that is there against a new constraint.
//! Leaves new data to `transaction::enforce`.
//! Start reading at [`values`] and [`equal_pair`].

use types::{KeyId, NodeId, RelationshipId, Value};

use super::words::Words;
use super::{Violation, hold};
use crate::codec::fact::{ConstraintDefinition, IndexDefinition};
use crate::error::GraphError;
use crate::index::fill::Candidates;
use crate::keys::{self, Entity, order};
use crate::read::View;

/// What a step over older data found.
pub(crate) enum Held {
    /// All is well so far; the next step begins at this id, or there is none.
    Next(Option<u64>),
    /// This one is refused.
    Refused(Box<Violation>),
}

/// Makes the entity that an id stands for.
pub(crate) fn entity_of(is_nodes: bool, id: u64) -> Entity {
    if is_nodes { Entity::Node(NodeId(id)) } else { Entity::Relationship(RelationshipId(id)) }
}

/// Holds about `limit` entities from the id `from` on against a constraint, all but equal values.
pub(crate) fn values(
    view: View<'_>,
    words: Words<'_>,
    it: &ConstraintDefinition,
    from: u64,
    limit: usize,
) -> Result<Held, GraphError> {
    let Candidates { ids, next } = view.candidates(&it.on, from, limit)?;
    for id in ids {
        let entity = entity_of(it.on.is_nodes(), id);
        let properties = view.properties_of(&it.on, id, &it.keys)?;
        let property = |key: KeyId| properties.iter().find(|(known, _)| *known == key).map(|(_, value)| value.clone());
        if let Err(violation) = hold(words, it, entity, property) {
            return Ok(Held::Refused(violation));
        }
    }
    Ok(Held::Next(next))
}

/// Finds two entities with equal values in an index that has all of them; `goes_on` is asked now and then.
pub(crate) fn equal_pair(
    view: View<'_>,
    words: Words<'_>,
    it: &ConstraintDefinition,
    index: &IndexDefinition,
    goes_on: impl Fn() -> bool,
) -> Result<Option<Box<Violation>>, GraphError> {
    let start = keys::entries_of_index(index.id);
    let (mut before, mut looked_at) = (Vec::new(), 0_u32);
    // Entries whose values were cut stand together by what was kept; those are compared by their values.
    let mut cut: Vec<(u64, Vec<Value>)> = Vec::new();
    let mut found = None;
    view.scan(&start, &keys::after_prefix(&start), |key, _| {
        let (values, id) = key.split_at(key.len().saturating_sub(8));
        let id = keys::u64_at(id, 0).ok_or_else(|| GraphError::damaged("an entry of an index"))?;
        let is_same = !before.is_empty() && values == id_less(&before);
        if order::is_cut(key) {
            if !is_same {
                cut.clear();
            }
            let own = view.values_of(index, id)?.unwrap_or_default();
            found = cut.iter().find(|(_, other)| equal(other, &own)).map(|(other, _)| (*other, id));
            cut.push((id, own));
        } else if is_same && !has_nan(&view.values_of(index, id)?.unwrap_or_default()) {
            found = keys::u64_at(&before, before.len() - 8).map(|other| (other, id));
        }
        before.clear();
        before.extend_from_slice(key);
        looked_at = looked_at.wrapping_add(1);
        Ok(found.is_none() && (looked_at % 1_024 != 0 || goes_on()))
    })?;
    let Some((one, other)) = found else { return Ok(None) };
    let values = view.values_of(index, one)?.unwrap_or_default();
    let (low, high) = (one.min(other), one.max(other));
    let pair = (entity_of(it.on.is_nodes(), low), entity_of(it.on.is_nodes(), high));
    Ok(Some(Box::new(Violation::both(words, it, pair, values))))
}

fn id_less(key: &[u8]) -> &[u8] {
    &key[..key.len().saturating_sub(8)]
}

/// Finds two entities with equal values among those that are there, before there is an index.
pub(crate) fn equal_pair_unindexed(
    view: View<'_>,
    words: Words<'_>,
    it: &ConstraintDefinition,
    index: &IndexDefinition,
) -> Result<Option<Box<Violation>>, GraphError> {
    /// Entities that are looked at in one go.
    const BATCH: usize = 1_024;
    let mut hashes: Vec<(u64, u64)> = Vec::new();
    let mut from = Some(0);
    while let Some(at) = from {
        let Candidates { ids, next } = view.candidates(&it.on, at, BATCH)?;
        for id in ids {
            if let Some(values) = view.values_of(index, id)?.filter(|values| !has_nan(values)) {
                hashes.push((hash(&values), id));
            }
        }
        from = next;
    }
    hashes.sort_unstable();
    let mut first: Option<(u64, u64, Vec<Value>)> = None;
    for same in hashes.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
        let mut seen: Vec<(u64, Vec<Value>)> = Vec::new();
        for (_, id) in same {
            let own = view.values_of(index, *id)?.unwrap_or_default();
            if let Some((other, _)) = seen.iter().find(|(_, other)| equal(other, &own)) {
                if first.as_ref().is_none_or(|(_, known, _)| id < known) {
                    first = Some((*other, *id, own));
                }
                break;
            }
            seen.push((*id, own));
        }
    }
    let is_nodes = it.on.is_nodes();
    Ok(first.map(|(one, other, values)| {
        Box::new(Violation::both(words, it, (entity_of(is_nodes, one), entity_of(is_nodes, other)), values))
    }))
}

fn hash(values: &[Value]) -> u64 {
    use std::hash::Hasher;
    let mut hasher = rustc_hash::FxHasher::default();
    values.iter().for_each(|value| types::compare::hash_value(value, &mut hasher));
    hasher.finish()
}

fn equal(left: &[Value], right: &[Value]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(a, b)| types::compare::order(a, b) == std::cmp::Ordering::Equal)
}

/// NaN equals nothing, itself included.
fn has_nan(values: &[Value]) -> bool {
    values.iter().any(|value| matches!(value, Value::Float(float) if float.is_nan()))
}
