//! Entities changed as rows go by: properties and labels.
//! Leaves what a property may hold to `stored`.
//! Start reading at [`change`].

use compact_str::CompactString;
use types::{Code, Failure, KeyId, Map, Value};

use super::properties::{Keys, Names, source};
use super::reads::Reads;
use super::stored::stored;
use super::{Change, Operator};
use crate::expression::{Compiled, Context, Portions, make, mismatch, properties_of};
use crate::{Batch, Column};

/// The rows, entities changed as they go by.
pub(super) struct ChangeAll {
    pub input: Box<dyn Operator>,
    pub changes: Vec<Change>,
    pub portions: Portions,
}

impl Operator for ChangeAll {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        let Some(batch) = self.input.next(context)? else { return Ok(None) };
        change(&self.changes, &batch, &mut self.portions, context)?;
        Ok(Some(batch))
    }
}

/// Makes changes for each row of a batch, as if all of one row were made before the next row is looked at.
pub(super) fn change(
    changes: &[Change],
    batch: &Batch,
    portions: &mut Portions,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    context.budget.pay_rows(batch.rows)?;
    if batch.rows == 1 || Reads::of(changes).is_apart(batch) {
        return changes.iter().try_for_each(|each| one(each, batch, portions, context));
    }
    // A row may read what an earlier row has changed: `UNWIND [1, 2] AS i SET n.x = n.x + i`.
    for row in 0..batch.rows {
        let row = batch.gather(&[row]);
        changes.iter().try_for_each(|each| one(each, &row, portions, context))?;
    }
    Ok(())
}

/// Makes one change for each row of a batch, for as many rows at a time as there is room for.
fn one(change: &Change, batch: &Batch, portions: &mut Portions, context: &mut Context<'_>) -> Result<(), Failure> {
    let (mut keys, mut first) = (Keys::default(), 0);
    while first < batch.rows {
        let portion = portions.next(batch, first, context, |rows, context| Computed::of(change, rows, context))?;
        for row in 0..portion.rows {
            portion.made.apply(change, row, &mut keys, context)?;
        }
        first += portion.rows;
        context.budget.give_back_memory(portion.held_bytes);
    }
    Ok(())
}

/// What a change is to be made of, for each row.
struct Computed {
    targets: Column,
    /// Names of properties, where they are computed.
    names: Column,
    values: Column,
    labels: Option<Names>,
}

impl Computed {
    fn of(change: &Change, batch: &Batch, context: &mut Context<'_>) -> Result<Self, Failure> {
        let nothing = || Column::Constant { value: Value::Null, rows: batch.rows };
        let mut column = |value: &Compiled| make(value, batch, context);
        Ok(match change {
            Change::Property(target, _, value) | Change::Replace(target, value) | Change::Merge(target, value) => {
                Self { targets: column(target)?, names: nothing(), values: column(value)?, labels: None }
            }
            Change::DynamicProperty(target, name, value) => {
                Self { targets: column(target)?, names: column(name)?, values: column(value)?, labels: None }
            }
            Change::AddLabels(target, labels) | Change::RemoveLabels(target, labels) => {
                let targets = column(target)?;
                let labels = Some(Names::compute(labels, batch, context)?);
                Self { targets, names: nothing(), values: nothing(), labels }
            }
        })
    }

    fn apply(&self, change: &Change, row: usize, keys: &mut Keys, context: &mut Context<'_>) -> Result<(), Failure> {
        let target = self.targets.get(row);
        let labels = self.labels.as_ref().map_or(&[][..], |labels| labels.row(row));
        match change {
            Change::Property(_, key, _) => set(&target, key, self.values.get(row), keys, context),
            Change::DynamicProperty(..) => match (target, self.names.get(row)) {
                (Value::Null, _) => Ok(()),
                (target, Value::String(key)) => set(&target, &key, self.values.get(row), keys, context),
                (_, other) => Err(mismatch("String", &other)),
            },
            Change::Replace(..) | Change::Merge(..) if target.is_null() => Ok(()),
            Change::Replace(..) => set_all(&target, &self.values.get(row), true, keys, context),
            Change::Merge(..) => set_all(&target, &self.values.get(row), false, keys, context),
            Change::AddLabels(..) => add_labels(&target, labels, context),
            Change::RemoveLabels(..) => remove_labels(&target, labels, context),
        }
    }
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
