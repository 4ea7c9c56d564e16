//! Compares a vector index with the entities that it is about.
//! Leaves where the entities come from to the caller. How good the graph is, is no question here: it is only a help.
//! Start reading at [`check`].

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

use super::keys::{self, Kind, Summary};
use super::settings::Settings;
use super::write::vector;
use crate::codec::fact::IndexDefinition;
use crate::engines::{Check, Entities};
use crate::error::GraphError;
use crate::keys::{after_prefix, entries_of_index};
use crate::read::View;

/// What an index has.
#[derive(Default)]
struct Found {
    /// A hash of each vector.
    vectors: BTreeMap<u64, u64>,
    fresh: FxHashSet<u64>,
    linked: FxHashSet<u64>,
    summary: Summary,
}

/// Checks one index; `entities` hands on each entity that it is about. Problems go to `check`.
pub(crate) fn check(
    view: View<'_>,
    index: &IndexDefinition,
    entities: Entities<'_>,
    check: &mut Check,
) -> Result<(), GraphError> {
    let settings = Settings::of(index);
    let mut found = Found::default();
    let prefix = entries_of_index(index.id);
    view.scan(&prefix, &after_prefix(&prefix), |key, value| {
        if let Err(error) = found.entry(key, value) {
            check.problem(format!("vector index {}: {error}", index.name));
        }
        Ok(true)
    })?;
    let mut expected = 0_u64;
    entities(&mut |id, fields| {
        let Some(vector) = vector(index, &settings, Some(&fields)) else { return };
        expected += 1;
        if found.vectors.remove(&id) != Some(xxh3_64(&keys::encode_vector(&vector))) {
            check.problem(format!("vector index {} has not the vector of {id}", index.name));
        } else if !found.fresh.contains(&id) && !found.linked.contains(&id) {
            check.problem(format!("vector index {} cannot find {id}", index.name));
        }
    })?;
    if let Some(id) = found.vectors.keys().next() {
        let count = found.vectors.len();
        check.problem(format!("vector index {} has {count} vectors too many, the first of {id}", index.name));
    }
    let Summary { vectors, fresh, linked, .. } = found.summary;
    let counted = (expected, found.fresh.len() as u64, found.linked.len() as u64);
    if (vectors, fresh, linked) != counted {
        check.problem(format!("vector index {} counts {vectors}, {fresh}, {linked} of {counted:?}", index.name));
    }
    Ok(())
}

impl Found {
    fn entry(&mut self, key: &[u8], value: &[u8]) -> Result<(), GraphError> {
        match keys::read(key).ok_or_else(|| GraphError::damaged("a key is malformed"))? {
            (Kind::Vector, id) => {
                keys::open_vector(value)?;
                self.vectors.insert(id, xxh3_64(value));
            }
            (Kind::Fresh, id) => {
                self.fresh.insert(id);
            }
            (Kind::Links, id) => {
                keys::visit_links(value, |_, _| {})?;
                self.linked.insert(id);
            }
            (Kind::Summary, _) => self.summary = Summary::decode(value)?,
        }
        Ok(())
    }
}
