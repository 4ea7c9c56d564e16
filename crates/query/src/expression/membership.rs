//! `e IN list` for a column: a list that is the same for all rows is hashed once.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHasher};
use types::compare::{equivalent, hash_value};
use types::{Failure, Value};

use super::evaluate::paid;
use crate::Column;
use crate::functions::operators;

/// Items, and rows, below which looking through the list is as fast as hashing it.
const FEW: usize = 8;

/// Computes `value IN list` for each row: true, false or null.
pub(super) fn in_lists(values: &Column, lists: &Column) -> Result<Vec<Value>, Failure> {
    let (mut made, mut other) = (Value::Null, Value::Null);
    let hashed = match lists {
        Column::Constant { value: Value::List(items), rows } if *rows > FEW && items.len() > FEW => Hashed::of(items),
        _ => None,
    };
    (0..values.rows())
        .map(|row| {
            let value = values.lend(row, &mut made);
            match hashed.as_ref().and_then(|hashed| hashed.find(value)) {
                Some(found) => Ok(found),
                None => operators::in_list(value, paid(lists.lend(row, &mut other))?),
            }
        })
        .collect()
}

/// The items of a list by their hash.
struct Hashed<'a> {
    items: HashTable<&'a Value>,
    has_null: bool,
}

impl<'a> Hashed<'a> {
    /// Hashes a list; `None` where an item may be neither equal nor different, as a list with null in it.
    fn of(items: &'a [Value]) -> Option<Self> {
        let mut hashed = Self { items: HashTable::with_capacity(items.len()), has_null: false };
        for item in items {
            match item {
                Value::Null => hashed.has_null = true,
                // It equals nothing, not even itself.
                Value::Float(float) if float.is_nan() => {}
                item if is_plain(item) => {
                    hashed.items.entry(hash(item), |other| equivalent(other, item), |item| hash(item)).or_insert(item);
                }
                _ => return None,
            }
        }
        Some(hashed)
    }

    /// Looks for a value; `None` where only looking through the list can tell.
    fn find(&self, value: &Value) -> Option<Value> {
        let is_found = match value {
            Value::Null => return Some(Value::Null),
            Value::Float(float) if float.is_nan() => false,
            value if is_plain(value) => self.items.find(hash(value), |item| equivalent(item, value)).is_some(),
            _ => return None,
        };
        Some(match (is_found, self.has_null) {
            (true, _) => Value::Boolean(true),
            (false, false) => Value::Boolean(false),
            (false, true) => Value::Null,
        })
    }
}

/// Tells whether a value equals exactly what it is equivalent to.
fn is_plain(value: &Value) -> bool {
    matches!(
        value,
        Value::Boolean(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::String(_)
            | Value::Date(_)
            | Value::NodeRef(_)
            | Value::RelationshipRef(_)
    )
}

fn hash(value: &Value) -> u64 {
    let mut state: FxHasher = FxBuildHasher.build_hasher();
    hash_value(value, &mut state);
    std::hash::Hasher::finish(&state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashing_changes_no_answer() {
        let samples: Vec<Value> = vec![
            Value::Null,
            1.into(),
            1.0.into(),
            f64::NAN.into(),
            "a".into(),
            true.into(),
            Value::list(vec![Value::Null]),
            Value::list(vec![1.into()]),
            (-0.0).into(),
            0.into(),
        ];
        let filler = || (100..120).map(Value::Integer);
        for extra in &samples {
            for list in [vec![extra.clone()], vec![extra.clone(), Value::Null], vec![]] {
                let list = Value::list(filler().chain(list).collect());
                let values: Vec<Value> = samples.iter().cloned().cycle().take(20).collect();
                let lists = Column::Constant { value: list.clone(), rows: values.len() };
                let found = in_lists(&Column::Values(values.clone()), &lists).expect("it is a list");
                for (value, found) in values.iter().zip(found) {
                    assert_eq!(found, operators::in_list(value, &list).expect("it is a list"), "{value:?} IN {list:?}");
                }
            }
        }
        let wrong = Column::Constant { value: 1.into(), rows: 1 };
        assert!(in_lists(&Column::Integers(vec![1]), &wrong).is_err());
    }
}
