//! Compares a full-text index with the entities that it is about.
//! Leaves where the entities come from to the caller.
//! Start reading at [`check`].

use std::collections::BTreeMap;

use xxhash_rust::xxh3::Xxh3;

use super::analyzer_of;
use super::document::Terms;
use super::keys::{self, Field, Meaning};
use super::posting::{self, Occurrence};
use super::read::read_statistics;
use super::score::Statistics;
use crate::codec::fact::IndexDefinition;
use crate::engines::{Check, Entities};
use crate::error::GraphError;
use crate::keys::{after_prefix, entries_of_index};
use crate::read::View;

/// Adds up what an index has, or ought to have; equal sums are equal postings.
#[derive(Default, PartialEq, Eq)]
struct Sum {
    postings: u64,
    sum: u128,
    statistics: BTreeMap<Field, (i64, i64)>,
}

impl Sum {
    fn add(&mut self, field: Field, term: &str, id: u64, body: &[u8]) {
        let mut hasher = Xxh3::new();
        hasher.update(&field.to_be_bytes());
        hasher.update(&(term.len() as u64).to_be_bytes());
        hasher.update(term.as_bytes());
        hasher.update(&id.to_be_bytes());
        hasher.update(body);
        self.sum = self.sum.wrapping_add(hasher.digest128());
        self.postings += 1;
    }
}

/// Checks one index; `entities` hands on each entity that it is about. Problems go to `check`.
pub(crate) fn check(
    view: View<'_>,
    index: &IndexDefinition,
    entities: Entities<'_>,
    check: &mut Check,
) -> Result<(), GraphError> {
    let analyzer = analyzer_of(index);
    let (mut expected, mut found) = (Sum::default(), Sum::default());
    entities(&mut |id, fields| {
        let terms = Terms::of(index, analyzer, Some(&fields));
        for (field, words) in &terms.words {
            let (documents, sum) = expected.statistics.entry(*field).or_default();
            *documents += 1;
            *sum += i64::from(*words);
        }
        terms.postings.iter().for_each(|((field, term), body)| expected.add(*field, term, id, body));
    })?;
    let prefix = entries_of_index(index.id);
    view.scan(&prefix, &after_prefix(&prefix), |key, sealed| {
        if let Err(error) = entry(key, sealed, &mut found) {
            check.problem(format!("full-text index {}: {error}", index.name));
        }
        Ok(true)
    })?;
    if (expected.postings, expected.sum) != (found.postings, found.sum) {
        check.problem(format!(
            "full-text index {} has {} postings that do not fit the {} of its entities",
            index.name, found.postings, expected.postings
        ));
    }
    if expected.statistics != found.statistics {
        check.problem(format!("full-text index {} counts other words than its entities have", index.name));
    }
    Ok(())
}

fn entry(key: &[u8], sealed: &[u8], found: &mut Sum) -> Result<(), GraphError> {
    match keys::read(key).ok_or_else(|| GraphError::damaged("a key is malformed"))? {
        Meaning::Statistics(field) => {
            let Statistics { documents, words } = read_statistics(sealed)?;
            if documents != 0 || words != 0 {
                found.statistics.insert(field, (documents, words));
            }
            Ok(())
        }
        Meaning::Block { field, term, id: first } => {
            let mut is_first = true;
            posting::visit(sealed, |id, body| {
                if std::mem::take(&mut is_first) && id != first {
                    return Err(GraphError::damaged("a block does not begin with the entity in its key"));
                }
                Occurrence::read(id, body)?.positions(&mut Vec::new())?;
                found.add(field, &term, id, body);
                Ok(true)
            })
            .map(drop)
        }
    }
}
