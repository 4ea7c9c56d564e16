//! Reads a full-text index: what is committed, with what one transaction changed laid over it.
//! Leaves what a query means to `search`.
//! Start reading at [`Reading`].

use std::collections::BTreeMap;
use std::ops::Bound;

use rustc_hash::FxHashSet;
use types::IndexId;

use super::document::Terms;
use super::keys::{self, Field, Meaning};
use super::posting::{self, Occurrence};
use super::score::Statistics;
use super::{Meter, analyzer_of};
use crate::codec::fact::IndexDefinition;
use crate::codec::{Fields, open};
use crate::engines::Document;
use crate::error::GraphError;
use crate::keys::after_prefix;
use crate::read::View;

/// Blocks of one term that are passed by one after another before the next term is searched for.
const PASSED_MAX: usize = 8;

/// Reads what is counted about a field.
pub(super) fn statistics(view: View<'_>, index: IndexId, field: Field) -> Result<Statistics, GraphError> {
    let Some(sealed) = view.reader().get(&keys::statistics(index, field))? else { return Ok(Statistics::default()) };
    read_statistics(&sealed)
}

/// Reads the value of what is counted about a field.
pub(super) fn read_statistics(sealed: &[u8]) -> Result<Statistics, GraphError> {
    const WHAT: &str = "the statistics of a full-text index";
    let mut fields = Fields::new(open(sealed, WHAT)?, WHAT);
    let statistics = Statistics { documents: fields.signed()?, words: fields.signed()? };
    fields.end()?;
    Ok(statistics)
}

/// One entity that has a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub id: u64,
    /// Words of the field as one byte.
    pub length: u8,
    /// How often it has the term.
    pub count: u32,
}

/// The entities that have a term, and where they have it.
#[derive(Debug, Default)]
pub(super) struct Placed {
    pub found: Vec<Found>,
    positions: Vec<u32>,
    /// Where the positions of each end.
    ends: Vec<usize>,
}

impl Placed {
    /// Lends the places of the `at`-th entity.
    pub fn positions(&self, at: usize) -> &[u32] {
        let from = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.positions[from..self.ends[at]]
    }
}

/// Bodies of postings by entity.
type Bodies = BTreeMap<u64, Box<[u8]>>;

/// Changes of a transaction that are not committed yet.
#[derive(Debug, Default)]
struct Own {
    /// Entities that it changed: what is committed of them does not count.
    hidden: FxHashSet<u64>,
    /// By field and term, then by entity.
    postings: BTreeMap<(Field, String), Bodies>,
    statistics: BTreeMap<Field, Statistics>,
}

/// One index as one transaction sees it.
pub(super) struct Reading<'a> {
    view: View<'a>,
    index: &'a IndexDefinition,
    own: Own,
    meter: &'a mut dyn Meter,
}

impl<'a> Reading<'a> {
    /// Lays `documents`, changed and not committed, over what is committed.
    pub fn new(
        view: View<'a>,
        index: &'a IndexDefinition,
        documents: &[Document],
        meter: &'a mut dyn Meter,
    ) -> Result<Self, GraphError> {
        let analyzer = analyzer_of(index);
        let mut own = Own::default();
        for document in documents {
            own.hidden.insert(document.id);
            let before = Terms::of(index, analyzer, document.before.as_ref());
            let now = Terms::of(index, analyzer, document.now.as_ref());
            for (by, terms) in [(-1, &before), (1, &now)] {
                for (field, words) in &terms.words {
                    let statistics = own.statistics.entry(*field).or_default();
                    statistics.documents += by;
                    statistics.words += by * i64::from(*words);
                }
            }
            meter.pay(1 + now.postings.len())?;
            for (key, body) in now.postings {
                own.postings.entry(key).or_default().insert(document.id, body);
            }
        }
        Ok(Self { view, index, own, meter })
    }

    /// Pays for work that the caller does.
    pub fn pay(&mut self, rows: usize) -> Result<(), GraphError> {
        self.meter.pay(rows)
    }

    /// Takes memory that the caller keeps to the end.
    pub fn take(&mut self, bytes: usize) -> Result<(), GraphError> {
        self.meter.take(bytes)
    }

    /// Tells what is counted about a field.
    pub fn statistics(&self, field: Field) -> Result<Statistics, GraphError> {
        let committed = statistics(self.view, self.index.id, field)?;
        let own = self.own.statistics.get(&field).copied().unwrap_or_default();
        Ok(Statistics { documents: committed.documents + own.documents, words: committed.words + own.words })
    }

    /// Finds the entities that have a term, ascending.
    pub fn found(&mut self, field: Field, term: &str) -> Result<Vec<Found>, GraphError> {
        let mut out = Vec::new();
        self.each(field, term, |occurrence| {
            out.push(Found { id: occurrence.id, length: occurrence.length, count: occurrence.count });
            Ok(())
        })?;
        Ok(out)
    }

    /// As [`Reading::found`], with the places of the term.
    pub fn placed(&mut self, field: Field, term: &str) -> Result<Placed, GraphError> {
        let mut out = Placed::default();
        self.each(field, term, |occurrence| {
            out.found.push(Found { id: occurrence.id, length: occurrence.length, count: occurrence.count });
            occurrence.positions(&mut out.positions)?;
            out.ends.push(out.positions.len());
            Ok(())
        })?;
        Ok(out)
    }

    /// Lists the terms of a field that begin with `prefix` and that `is_wanted` wants, ascending.
    pub fn terms(
        &mut self,
        field: Field,
        prefix: &str,
        mut is_wanted: impl FnMut(&str) -> bool,
    ) -> Result<Vec<String>, GraphError> {
        let mut out = self.committed_terms(field, prefix, &mut is_wanted)?;
        let from = (field, prefix.to_owned());
        let own = self.own.postings.range((Bound::Included(from), Bound::Unbounded)).map(|(key, _)| key);
        let own = own.take_while(|(at, term)| *at == field && term.starts_with(prefix));
        out.extend(own.filter(|(_, term)| is_wanted(term)).map(|(_, term)| term.clone()));
        out.sort_unstable();
        out.dedup();
        Ok(out)
    }

    fn committed_terms(
        &mut self,
        field: Field,
        prefix: &str,
        is_wanted: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Vec<String>, GraphError> {
        let mut from = keys::postings_of_prefix(self.index.id, field, prefix);
        let end = after_prefix(&from);
        let (mut out, mut last) = (Vec::new(), None::<String>);
        loop {
            let mut passed = 0;
            let meter = &mut *self.meter;
            self.view.scan(&from, &end, |key, _| {
                let Some(Meaning::Block { term, .. }) = keys::read(key) else {
                    return Err(GraphError::damaged("a key of a full-text index is malformed"));
                };
                meter.pay(1)?;
                if last.as_deref() == Some(&*term) {
                    passed += 1;
                    return Ok(passed < PASSED_MAX);
                }
                passed = 0;
                if is_wanted(&term) {
                    out.push(term.clone());
                }
                last = Some(term);
                Ok(true)
            })?;
            match &last {
                Some(term) if passed == PASSED_MAX => {
                    from = after_prefix(&keys::postings_of_term(self.index.id, field, term));
                }
                _ => return Ok(out),
            }
        }
    }

    /// Hands on what the index has of a term, own changes in their place.
    fn each(
        &mut self,
        field: Field,
        term: &str,
        mut visit: impl FnMut(Occurrence<'_>) -> Result<(), GraphError>,
    ) -> Result<(), GraphError> {
        let list = keys::postings_of_term(self.index.id, field, term);
        let empty = Bodies::new();
        let own = self.own.postings.get(&(field, term.to_owned())).unwrap_or(&empty);
        let mut own = own.iter().peekable();
        let (meter, hidden) = (&mut *self.meter, &self.own.hidden);
        self.view.scan(&list, &after_prefix(&list), |_, sealed| {
            let mut count = 0;
            posting::visit(sealed, |id, body| {
                count += 1;
                while let Some((id, body)) = own.next_if(|(own, _)| **own < id) {
                    visit(Occurrence::read(*id, body)?)?;
                }
                if !hidden.contains(&id) {
                    visit(Occurrence::read(id, body)?)?;
                }
                Ok(true)
            })?;
            meter.pay(count)?;
            Ok(true)
        })?;
        own.try_for_each(|(id, body)| visit(Occurrence::read(*id, body)?))
    }
}
