//! Properties, labels and types that a write names, made ready for a whole batch of rows.
//! Leaves the writing to `create`, `merge` and `change`.
//! Start reading at [`Properties`].

use std::hash::BuildHasherDefault;

use compact_str::CompactString;
use hashbrown::HashMap;
use rustc_hash::FxHasher;
use types::{Code, Failure, KeyId, LabelId, TypeId, Value};

use super::stored::stored;
use super::{LabelSource, PropertySource};
use crate::expression::{Compiled, Context, make, mismatch, wanted_names};
use crate::source::Source;
use crate::{Batch, Column};

/// Gives the source of a number, to write to it.
pub(super) fn source<'a>(context: &'a mut Context<'_>, number: u16) -> &'a mut dyn Source {
    // The binder numbers the sources, and a plan only names one of them.
    context.sources[usize::from(number)].as_mut()
}

/// Properties of something to be made, for each row of a batch.
pub(super) enum Properties {
    /// A column for each key.
    Each(Vec<(KeyId, Column)>),
    /// What each row's map holds.
    Rows(Vec<Vec<(KeyId, Value)>>),
}

impl Properties {
    /// Computes all values before anything is made; they stay taken from the budget, for the caller to give back. `refuse` makes the failure of a null, which is else left out.
    pub fn compute(
        properties: &PropertySource,
        number: u16,
        refuse: Option<&dyn Fn(&str) -> Failure>,
        batch: &Batch,
        context: &mut Context<'_>,
    ) -> Result<Self, Failure> {
        match properties {
            PropertySource::Each(entries) => {
                let mut columns = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let column = make(value, batch, context)?;
                    if let Some(refuse) = refuse
                        && (0..batch.rows).any(|row| column.get(row).is_null())
                    {
                        return Err(refuse(key));
                    }
                    columns.push((source(context, number).make_key(key)?, column));
                }
                Ok(Self::Each(columns))
            }
            PropertySource::Map(map) => Self::of_maps(map, number, refuse, batch, context),
        }
    }

    fn of_maps(
        map: &Compiled,
        number: u16,
        refuse: Option<&dyn Fn(&str) -> Failure>,
        batch: &Batch,
        context: &mut Context<'_>,
    ) -> Result<Self, Failure> {
        let maps = make(map, batch, context)?;
        let mut keys = Keys::default();
        let mut rows = Vec::with_capacity(batch.rows);
        for row in 0..batch.rows {
            let map = match maps.get(row) {
                Value::Map(map) => map,
                other => return Err(mismatch("Map", &other)),
            };
            let mut properties = Vec::with_capacity(map.len());
            for (key, value) in map.iter() {
                match (value, refuse) {
                    (Value::Null, Some(refuse)) => return Err(refuse(key)),
                    (Value::Null, None) => {}
                    _ => properties.push((keys.make(number, key, context)?, value.clone())),
                }
            }
            rows.push(properties);
        }
        Ok(Self::Rows(rows))
    }

    /// Puts the properties of one row into `out`, without those that are null.
    pub fn row(&self, row: usize, out: &mut Vec<(KeyId, Value)>) -> Result<(), Failure> {
        out.clear();
        match self {
            Self::Each(columns) => {
                for (key, column) in columns {
                    let value = column.get(row);
                    if !value.is_null() {
                        out.push((*key, stored(value)?));
                    }
                }
            }
            Self::Rows(rows) => {
                for (key, value) in &rows[row] {
                    out.push((*key, stored(value.clone())?));
                }
            }
        }
        Ok(())
    }
}

/// Keys that were looked up for the batch under way.
#[derive(Default)]
pub(super) struct Keys(HashMap<(u16, CompactString), KeyId, BuildHasherDefault<FxHasher>>);

impl Keys {
    /// Gives a key's number for a write.
    pub fn make(&mut self, number: u16, name: &CompactString, context: &mut Context<'_>) -> Result<KeyId, Failure> {
        if let Some(found) = self.0.get(&(number, name.clone())) {
            return Ok(*found);
        }
        let made = source(context, number).make_key(name)?;
        self.0.insert((number, name.clone()), made);
        Ok(made)
    }
}

/// Labels or types that a write names, for each row of a batch.
pub(super) enum Names {
    /// The same for all rows.
    Fixed(Vec<CompactString>),
    /// Computed for each.
    Rows(Vec<Vec<CompactString>>),
}

impl Names {
    /// Computes the names; each once in a row. They stay taken from the budget, for the caller to give back.
    pub fn compute(sources: &[LabelSource], batch: &Batch, context: &mut Context<'_>) -> Result<Self, Failure> {
        let mut rows = vec![Vec::new()];
        let mut is_fixed = true;
        for source in sources {
            match source {
                LabelSource::Name(name) => rows.iter_mut().for_each(|row| add(row, name)),
                LabelSource::Dynamic(names) => {
                    let column = make(names, batch, context)?;
                    if std::mem::take(&mut is_fixed) {
                        rows = vec![rows.swap_remove(0); batch.rows];
                    }
                    for (at, row) in rows.iter_mut().enumerate() {
                        wanted_names(&column.get(at))?.iter().for_each(|name| add(row, name));
                    }
                }
            }
        }
        Ok(if is_fixed { Self::Fixed(rows.swap_remove(0)) } else { Self::Rows(rows) })
    }

    /// Gives the names of one row.
    pub fn row(&self, row: usize) -> &[CompactString] {
        match self {
            Self::Fixed(names) => names,
            Self::Rows(rows) => &rows[row],
        }
    }
}

fn add(names: &mut Vec<CompactString>, name: &CompactString) {
    if !names.contains(name) {
        names.push(name.clone());
    }
}

/// Numbers of labels or types in one source, for each row of a batch.
pub(super) enum Numbers<Id> {
    /// The same for all rows.
    Fixed(Vec<Id>),
    /// Those of each row.
    Rows(Vec<Vec<Id>>),
}

impl<Id> Numbers<Id> {
    fn of(names: &Names, mut find: impl FnMut(&str) -> Result<Id, Failure>) -> Result<Self, Failure> {
        let mut all = |names: &[CompactString]| names.iter().map(|name| find(name)).collect::<Result<Vec<_>, _>>();
        Ok(match names {
            Names::Fixed(names) => Self::Fixed(all(names)?),
            Names::Rows(rows) => Self::Rows(rows.iter().map(|names| all(names)).collect::<Result<_, _>>()?),
        })
    }

    /// Gives the numbers of one row.
    pub fn row(&self, row: usize) -> &[Id] {
        match self {
            Self::Fixed(ids) => ids,
            Self::Rows(rows) => &rows[row],
        }
    }
}

/// Finds the labels of new nodes, makes those that are not known yet.
pub(super) fn labels(
    sources: &[LabelSource],
    number: u16,
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<Numbers<LabelId>, Failure> {
    let names = Names::compute(sources, batch, context)?;
    Numbers::of(&names, |name| source(context, number).make_label(name))
}

/// Finds the type of new relationships, makes it where it is not known yet.
pub(super) fn kind(
    named: &LabelSource,
    number: u16,
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<Numbers<TypeId>, Failure> {
    let names = Names::compute(std::slice::from_ref(named), batch, context)?;
    for row in 0..batch.rows {
        if names.row(row).len() != 1 {
            let text = "Exactly one relationship type must be specified for a new relationship";
            return Err(Failure::new(Code::TypeError, text));
        }
    }
    Numbers::of(&names, |name| source(context, number).make_type(name))
}
