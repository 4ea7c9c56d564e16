//! Entities changed as rows go by: properties and labels.
//! Leaves what a property may hold to `stored`.
//! Start reading at [`change`].

use compact_str::CompactString;
use types::{Code, Failure, KeyId, Map, Value};

use super::properties::{Keys, Names, source};
use super::reads::Reads;
use super::stored::stored;
use super::{Change, Operator};
use crate::Batch;
use crate::expression::{Context, make, mismatch, properties_of};

/// The rows, entities changed as they go by.
pub(super) struct ChangeAll {
    pub input: Box<dyn Operator>,
    pub changes: Vec<Change>,
}

impl Operator for ChangeAll {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        let Some(batch) = self.input.next(context)? else { return Ok(None) };
        change(&self.changes, &batch, context)?;
        Ok(Some(batch))
    }
}

/// Makes changes for each row of a batch, as if all of one row were made before the next row is looked at.
pub(super) fn change(changes: &[Change], batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
    context.budget.pay_rows(batch.rows)?;
    if batch.rows == 1 || Reads::of(changes).is_apart(batch) {
        return changes.iter().try_for_each(|each| one(each, batch, context));
    }
    // A row may read what an earlier row has changed: `UNWIND [1, 2] AS i SET n.x = n.x + i`.
    for row in 0..batch.rows {
        let row = batch.gather(&[row]);
        changes.iter().try_for_each(|each| one(each, &row, context))?;
    }
    Ok(())
}

/// Makes one change for each row of a batch.
fn one(change: &Change, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
    let (mut keys, before) = (Keys::default(), context.budget.memory_used_bytes());
    match change {
        Change::Property(target, key, value) => {
            let (targets, values) = (make(target, batch, context)?, make(value, batch, context)?);
            for row in 0..batch.rows {
                set(&targets.get(row), key, values.get(row), &mut keys, context)?;
            }
        }
        Change::DynamicProperty(target, key, value) => {
            let targets = make(target, batch, context)?;
            let (names, values) = (make(key, batch, context)?, make(value, batch, context)?);
            for row in 0..batch.rows {
                match (targets.get(row), names.get(row)) {
                    (Value::Null, _) => {}
                    (target, Value::String(key)) => set(&target, &key, values.get(row), &mut keys, context)?,
                    (_, other) => return Err(mismatch("String", &other)),
                }
            }
        }
        Change::Replace(target, from) | Change::Merge(target, from) => {
            let (targets, maps) = (make(target, batch, context)?, make(from, batch, context)?);
            let is_replaced = matches!(change, Change::Replace(..));
            for row in 0..batch.rows {
                let target = targets.get(row);
                if !target.is_null() {
                    set_all(&target, &maps.get(row), is_replaced, &mut keys, context)?;
                }
            }
        }
        Change::AddLabels(target, labels) => {
            let (targets, labels) = (make(target, batch, context)?, Names::compute(labels, batch, context)?);
            for row in 0..batch.rows {
                add_labels(&targets.get(row), labels.row(row), context)?;
            }
        }
        Change::RemoveLabels(target, labels) => {
            let (targets, labels) = (make(target, batch, context)?, Names::compute(labels, batch, context)?);
            for row in 0..batch.rows {
                remove_labels(&targets.get(row), labels.row(row), context)?;
            }
        }
    }
    context.budget.return_to(before);
    Ok(())
}

/// Sets a property of an entity, or removes it where the value is null; null as target is passed over.
fn set(
    target: &Value,
    key: &CompactString,
    value: Value,
    keys: &mut Keys,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let number = match target {
        Value::Null => return Ok(()),
        Value::NodeRef(node) => node.source,
        Value::RelationshipRef(found) => found.source,
        other => return Err(mismatch("Node or Relationship", other)),
    };
    let value = stored(value)?;
    let key: KeyId = if value.is_null() {
        // A key that nobody ever used is on no entity.
        let Some(key) = source(context, number).key_to_remove(key) else { return Ok(()) };
        key
    } else {
        keys.make(number, key, context)?
    };
    let source = source(context, number);
    let is_changed = match target {
        Value::NodeRef(node) => source.set_node_property(node.id, key, value)?,
        Value::RelationshipRef(found) => source.set_relationship_property(found.id, key, value)?,
        _ => false,
    };
    context.counters.properties_set += u64::from(is_changed);
    context.hold_changes(number)
}

/// Sets the properties of a map or of another entity; `is_replaced` removes all others.
fn set_all(
    target: &Value,
    from: &Value,
    is_replaced: bool,
    keys: &mut Keys,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let wanted: Map = match from {
        Value::Map(_) | Value::NodeRef(_) | Value::RelationshipRef(_) => properties_of(from, context)?,
        other => {
            let text = format!("Type mismatch: expected Map, Node or Relationship but was {}", other.type_name());
            return Err(Failure::new(Code::TypeError, format!("{text} (InvalidArgumentType)")));
        }
    };
    let mut removed = Vec::new();
    if is_replaced {
        if !matches!(target, Value::NodeRef(_) | Value::RelationshipRef(_)) {
            return Err(mismatch("Node or Relationship", target));
        }
        let old = properties_of(target, context)?.into_keys();
        removed.extend(old.filter(|key| !wanted.contains_key(key)).map(|key| (key, Value::Null)));
    }
    // All at once: one by one each of them would be a change of the whole entity.
    let number = match target {
        Value::NodeRef(node) => node.source,
        Value::RelationshipRef(found) => found.source,
        other => return Err(mismatch("Node or Relationship", other)),
    };
    let mut changes = Vec::with_capacity(removed.len() + wanted.len());
    for (key, value) in removed.into_iter().chain(wanted) {
        let value = stored(value)?;
        if !value.is_null() {
            changes.push((keys.make(number, &key, context)?, value));
        } else if let Some(key) = source(context, number).key_to_remove(&key) {
            changes.push((key, value));
        }
    }
    let source = source(context, number);
    context.counters.properties_set += match target {
        Value::NodeRef(node) => source.set_node_properties(node.id, &changes)?,
        Value::RelationshipRef(found) => source.set_relationship_properties(found.id, &changes)?,
        _ => 0,
    };
    context.hold_changes(number)
}

fn add_labels(target: &Value, labels: &[CompactString], context: &mut Context<'_>) -> Result<(), Failure> {
    let node = match target {
        Value::Null => return Ok(()),
        Value::NodeRef(node) => node,
        other => return Err(mismatch("Node", other)),
    };
    let source = source(context, node.source);
    let labels = labels.iter().map(|name| source.make_label(name)).collect::<Result<Vec<_>, _>>()?;
    context.counters.labels_added += source.add_labels(node.id, &labels)?;
    context.hold_changes(node.source)
}

fn remove_labels(target: &Value, labels: &[CompactString], context: &mut Context<'_>) -> Result<(), Failure> {
    let node = match target {
        Value::Null => return Ok(()),
        Value::NodeRef(node) => node,
        other => return Err(mismatch("Node", other)),
    };
    for name in labels {
        let source = source(context, node.source);
        // A label that nobody ever used is on no node.
        let Some(label) = source.label_to_remove(name) else { continue };
        let was_there = source.remove_label(node.id, label)?;
        context.counters.labels_removed += u64::from(was_there);
    }
    context.hold_changes(node.source)
}
