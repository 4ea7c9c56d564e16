//! Whether changes of one row may be read by another row, so that rows have to be taken one by one.
//! Leaves the changes themselves to `change`.
//! Start reading at [`Reads::is_apart`].

use hashbrown::HashSet;
use rustc_hash::FxBuildHasher;
use types::Value;

use super::{Change, LabelSource};
use crate::expression::{Compiled, LabelTest, Projected};
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
        for change in changes {
            match change {
                Change::Property(target, _, value) => reads.all(target, &[value]),
                Change::DynamicProperty(target, key, value) => reads.all(target, &[key, value]),
                Change::Replace(target, from) | Change::Merge(target, from) => {
                    // An entity as the value is read whole; a map is not, but only the row tells which it is.
                    reads.entities = true;
                    reads.all(target, &[from]);
                }
                Change::AddLabels(target, labels) | Change::RemoveLabels(target, labels) => {
                    reads.target(target);
                    labels.iter().for_each(|label| match label {
                        LabelSource::Name(_) => {}
                        LabelSource::Dynamic(names) => reads.expression(names),
                    });
                }
            }
        }
        reads
    }

    fn all(&mut self, target: &Compiled, values: &[&Compiled]) {
        self.target(target);
        values.iter().for_each(|value| self.expression(value));
    }

    /// A bare slot as the target is changed, not read.
    fn target(&mut self, target: &Compiled) {
        match target {
            Compiled::Slot(slot) => self.slots.push(*slot),
            other => self.expression(other),
        }
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
            Compiled::Constant(_) | Compiled::Parameter(_) => {}
            Compiled::Subquery(_) => self.plans = true,
            Compiled::Path { .. } => self.plans = true,
            Compiled::Property(of, _) => {
                self.entities = true;
                self.expression(of);
            }
            Compiled::Entity(_, of) => {
                self.entities = true;
                self.expression(of);
            }
            Compiled::HasLabels(of, test) => {
                self.entities = true;
                self.expression(of);
                self.label_test(test);
            }
            Compiled::Index(of, key) => {
                self.entities = true;
                self.expression(of);
                self.expression(key);
            }
            Compiled::MapProjection(of, items) => {
                self.entities = true;
                self.expression(of);
                items.iter().for_each(|item| match item {
                    Projected::All => {}
                    Projected::Entry(_, value) => self.expression(value),
                });
            }
            Compiled::Not(of)
            | Compiled::Negate(of)
            | Compiled::Matches(of, _)
            | Compiled::IsNull(of, _)
            | Compiled::IsTyped(of, ..) => self.expression(of),
            Compiled::And(left, right)
            | Compiled::Or(left, right)
            | Compiled::Xor(left, right)
            | Compiled::In(left, right)
            | Compiled::Equal { left, right, .. }
            | Compiled::Inequality(_, left, right)
            | Compiled::Operator(_, left, right) => {
                self.expression(left);
                self.expression(right);
            }
            Compiled::Slice(of, from, to) => {
                self.expression(of);
                from.iter().chain(to).for_each(|bound| self.expression(bound));
            }
            Compiled::List(items) | Compiled::Call(_, items) => items.iter().for_each(|item| self.expression(item)),
            Compiled::Map(entries) => entries.iter().for_each(|(_, value)| self.expression(value)),
            Compiled::Case { subject, branches, otherwise } => {
                subject.iter().for_each(|subject| self.expression(subject));
                branches.iter().for_each(|(when, then)| {
                    self.expression(when);
                    self.expression(then);
                });
                self.expression(otherwise);
            }
            Compiled::Comprehension { list, filter, projection, .. } => {
                self.expression(list);
                filter.iter().chain(projection).for_each(|inner| self.expression(inner));
            }
            Compiled::Quantifier { list, filter, .. } => {
                self.expression(list);
                self.expression(filter);
            }
            Compiled::Reduce { initial, list, step, .. } => {
                self.expression(initial);
                self.expression(list);
                self.expression(step);
            }
        }
    }

    fn label_test(&mut self, test: &LabelTest) {
        match test {
            LabelTest::Name(_) | LabelTest::Any => {}
            LabelTest::Dynamic(names) => self.expression(names),
            LabelTest::Not(inner) => self.label_test(inner),
            LabelTest::And(parts) | LabelTest::Or(parts) => parts.iter().for_each(|part| self.label_test(part)),
        }
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
