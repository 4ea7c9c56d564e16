//! Whether changes of one row may be read by another row, so that rows have to be taken one by one.
//! Leaves the changes themselves to `change`.
//! Start reading at [`Reads::is_apart`].

use hashbrown::HashSet;
use rustc_hash::FxBuildHasher;
use types::Value;

use super::Change;
use super::expressions::change;
use crate::expression::Compiled;
use crate::{Batch, Column};

/// What the expressions of changes read.
#[derive(Default)]
pub(super) struct Reads {
    /// Slots that are used by an expression that may ask for what an entity holds, and those that are changed.
    slots: Vec<usize>,
    /// Whether anything asks for what an entity holds.
    entities: bool,
    /// Whether a whole plan is run.
    plans: bool,
}

impl Reads {
    /// Finds out what changes read.
    pub fn of(changes: &[Change]) -> Self {
        let mut reads = Self::default();
        for each in changes {
            // An entity as the value is read whole; a map is not, but only the row tells which it is.
            reads.entities |= matches!(each, Change::Replace(..) | Change::Merge(..));
            change(each, &mut |value| reads.expression(value));
        }
        reads
    }

    /// Tells whether no row of a batch reads what another row changes.
    ///
    /// So it is where nothing reads entities, where only values are read, or where each row is about an entity of its
    /// own: then a row reads no other row's entity.
    pub fn is_apart(&mut self, batch: &Batch) -> bool {
        if self.plans {
            return false;
        }
        if !self.entities {
            return true;
        }
        self.slots.sort_unstable();
        self.slots.dedup();
        let with_entities: Vec<&Column> = self
            .slots
            .iter()
            .filter_map(|slot| batch.columns.get(*slot))
            .filter(|column| holds_entities(column))
            .collect();
        match with_entities.as_slice() {
            [] => true,
            [column] => are_different(column),
            _ => false,
        }
    }

    fn expression(&mut self, expression: &Compiled) {
        match expression {
            Compiled::Slot(slot) => self.slots.push(*slot),
            Compiled::Subquery(_) | Compiled::Path { .. } => self.plans = true,
            Compiled::Property(..)
            | Compiled::Entity(..)
            | Compiled::HasLabels(..)
            | Compiled::Index(..)
            | Compiled::MapProjection(..) => self.entities = true,
            _ => {}
        }
        expression.each_child(&mut |child| self.expression(child));
    }
}

fn holds_entities(column: &Column) -> bool {
    match column {
        Column::Integers(_) | Column::Floats(_) => false,
        Column::Nodes { .. } | Column::Relationships(_) | Column::Trails { .. } => true,
        Column::Values(values) => values.iter().any(has_entity),
        Column::Constant { value, .. } => has_entity(value),
    }
}

/// Tells whether a value is an entity or holds one.
fn has_entity(value: &Value) -> bool {
    match value {
        Value::NodeRef(_) | Value::RelationshipRef(_) | Value::PathRef(_) => true,
        Value::List(items) => items.iter().any(has_entity),
        Value::Map(entries) => entries.values().any(has_entity),
        _ => false,
    }
}

/// Tells whether a column holds single entities, no one twice.
fn are_different(column: &Column) -> bool {
    match column {
        Column::Nodes { ids, .. } => {
            let mut seen = HashSet::with_capacity_and_hasher(ids.len(), FxBuildHasher);
            ids.iter().all(|id| seen.insert(id.0))
        }
        Column::Relationships(found) => {
            let mut seen = HashSet::with_capacity_and_hasher(found.len(), FxBuildHasher);
            found.iter().all(|found| seen.insert((found.source, found.id.0)))
        }
        Column::Values(values) => {
            let mut seen = HashSet::with_capacity_and_hasher(values.len(), FxBuildHasher);
            values.iter().all(|value| match value {
                Value::Null => true,
                Value::NodeRef(node) => seen.insert((node.source, node.id.0, false)),
                Value::RelationshipRef(found) => seen.insert((found.source, found.id.0, true)),
                _ => false,
            })
        }
        _ => false,
    }
}
