//! Answers a query: entities with their scores, the best first.
//! Leaves the language of queries to `syntax`, and what the index has to `read`.
//! Start reading at [`search`].

use types::CompactString;

use super::analyzer::{Analyzer, Token};
use super::expand::{Form, Near};
use super::keys::Field;
use super::phrase;
use super::read::{Found, Placed, Reading};
use super::score::{Weight, idf};
use super::syntax::{Clause, Occur, Query, Sought};
use crate::error::GraphError;

/// The terms that a fuzzy word stands for, at most.
const FUZZY_TERMS_MAX: usize = 50;

/// An entity and how well it fits.
pub(super) type Hit = (u64, f32);

/// Answers one query in one index.
pub(super) struct Search<'r, 'a> {
    pub reading: &'r mut Reading<'a>,
    pub analyzer: &'static Analyzer,
    /// Names of the property keys, in the order of the index.
    pub fields: &'r [CompactString],
}

impl Search<'_, '_> {
    /// Finds what matches, ascending by id; `None` where the query has no words after all.
    pub fn query(&mut self, query: &Query, boost: f32) -> Result<Option<Vec<Hit>>, GraphError> {
        match query {
            Query::All => self.all(boost).map(Some),
            Query::Boost(query, by) => self.query(query, boost * by),
            Query::Clauses(clauses) => self.clauses(clauses, boost),
            Query::In(field, sought) => self.fields(field.as_deref(), sought, boost),
        }
    }

    fn clauses(&mut self, clauses: &[Clause], boost: f32) -> Result<Option<Vec<Hit>>, GraphError> {
        let (mut must, mut should, mut must_not) = (Vec::new(), Vec::new(), Vec::new());
        for clause in clauses {
            let Some(hits) = self.query(&clause.query, boost)? else { continue };
            match clause.occur {
                Occur::Must => must.push(hits),
                Occur::Should => should.push(hits),
                Occur::MustNot => must_not.push(hits),
            }
        }
        if must.is_empty() && should.is_empty() && must_not.is_empty() {
            return Ok(None);
        }
        let mut found = if must.is_empty() { sum(should) } else { prefer(intersection(must), &sum(should)) };
        for unwanted in must_not {
            found.retain(|(id, _)| unwanted.binary_search_by_key(id, |(id, _)| *id).is_err());
        }
        self.reading.take(size_of_val(&*found))?;
        Ok(Some(found.into_iter().map(|(id, score)| (id, score as f32)).collect()))
    }

    fn fields(&mut self, field: Option<&str>, sought: &Sought, boost: f32) -> Result<Option<Vec<Hit>>, GraphError> {
        let all = 0..Field::try_from(self.fields.len()).expect("an index has at most a few hundred keys");
        let wanted: Vec<Field> = match field {
            None => all.collect(),
            Some(name) => all.filter(|at| self.fields[usize::from(*at)] == name).collect(),
        };
        let mut found = Vec::new();
        for field in wanted {
            match self.sought(field, sought, boost)? {
                Some(hits) => found.push(hits),
                // No field has words then: the text was cut into nothing.
                None => return Ok(None),
            }
        }
        Ok(Some(match found.len() {
            1 => found.remove(0),
            _ => sum(found).into_iter().map(|(id, score)| (id, score as f32)).collect(),
        }))
    }

    fn sought(&mut self, field: Field, sought: &Sought, boost: f32) -> Result<Option<Vec<Hit>>, GraphError> {
        match sought {
            Sought::Text(text) => {
                let tokens = self.tokens(text);
                let mut found = Vec::new();
                for token in &tokens {
                    found.push(self.term(field, &token.term, boost)?);
                }
                Ok(match found.len() {
                    0 => None,
                    1 => Some(found.remove(0)),
                    _ => Some(sum(found).into_iter().map(|(id, score)| (id, score as f32)).collect()),
                })
            }
            Sought::Phrase { text, slop } => match &self.tokens(text)[..] {
                [] => Ok(None),
                [token] => self.term(field, &token.term, boost).map(Some),
                tokens => self.phrase(field, tokens, *slop, boost).map(Some),
            },
            Sought::Prefix(text) => {
                let prefix = self.analyzer.normalize(text);
                self.constant(field, &prefix, |_| true, boost).map(Some)
            }
            Sought::Wildcard(pieces) => {
                let form = Form::new(pieces, |text| self.analyzer.normalize(text));
                self.constant(field, &form.prefix, |term| form.matches(term), boost).map(Some)
            }
            Sought::Regex(pattern) => {
                let regex = regex::Regex::new(&format!("^(?s:{pattern})$")).map_err(|_| GraphError::QueryRefused {
                    class: "java.lang.IllegalArgumentException",
                    text: format!("/{pattern}/ is not a regular expression"),
                })?;
                self.constant(field, "", |term| regex.is_match(term), boost).map(Some)
            }
            Sought::Range { low, high, with_low, with_high } => {
                let low = low.as_ref().map(|low| self.analyzer.normalize(low));
                let high = high.as_ref().map(|high| self.analyzer.normalize(high));
                let is_in = |term: &str| {
                    low.as_deref().is_none_or(|low| if *with_low { term >= low } else { term > low })
                        && high.as_deref().is_none_or(|high| if *with_high { term <= high } else { term < high })
                };
                self.constant(field, "", is_in, boost).map(Some)
            }
            Sought::Fuzzy { text, similarity } => self.fuzzy(field, text, *similarity, boost).map(Some),
        }
    }

    /// Finds every entity that has any word in any field.
    fn all(&mut self, boost: f32) -> Result<Vec<Hit>, GraphError> {
        let mut ids = Vec::new();
        for field in 0..Field::try_from(self.fields.len()).expect("an index has at most a few hundred keys") {
            ids.extend(self.constant(field, "", |_| true, boost)?.into_iter().map(|(id, _)| id));
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids.into_iter().map(|id| (id, boost)).collect())
    }

    fn term(&mut self, field: Field, term: &str, boost: f32) -> Result<Vec<Hit>, GraphError> {
        let found = self.reading.found(field, term)?;
        self.reading.take(size_of_val(&*found))?;
        let statistics = self.reading.statistics(field)?;
        let weight = Weight::new(idf(found.len() as u64, statistics), boost, statistics);
        Ok(found.iter().map(|it| (it.id, weight.score(it.count as f32, it.length))).collect())
    }

    fn phrase(&mut self, field: Field, tokens: &[Token], slop: u32, boost: f32) -> Result<Vec<Hit>, GraphError> {
        let statistics = self.reading.statistics(field)?;
        let (mut words, mut weight) = (Vec::new(), 0.0);
        for token in tokens {
            let placed = self.reading.placed(field, &token.term)?;
            self.reading.take(size_of_val(&*placed.found))?;
            if placed.found.is_empty() {
                return Ok(Vec::new());
            }
            weight += f64::from(idf(placed.found.len() as u64, statistics));
            words.push((i64::from(token.position), placed));
        }
        let weight = Weight::new(weight as f32, boost, statistics);
        let rarest = words.iter().min_by_key(|(_, placed)| placed.found.len());
        let candidates: Vec<Found> = rarest.map(|(_, placed)| placed.found.clone()).unwrap_or_default();
        let mut out = Vec::new();
        for candidate in candidates {
            self.reading.pay(1)?;
            let Some(lists) = places(&words, candidate.id) else { continue };
            let count = phrase::frequency(&lists, slop);
            if count > 0.0 {
                out.push((candidate.id, weight.score(count, candidate.length)));
            }
        }
        Ok(out)
    }

    /// Finds what has any of the terms that are wanted; all are worth the same.
    fn constant(
        &mut self,
        field: Field,
        prefix: &str,
        is_wanted: impl FnMut(&str) -> bool,
        boost: f32,
    ) -> Result<Vec<Hit>, GraphError> {
        let mut ids = Vec::new();
        for term in self.reading.terms(field, prefix, is_wanted)? {
            let found = self.reading.found(field, &term)?;
            self.reading.take(size_of::<u64>() * found.len())?;
            ids.extend(found.iter().map(|it| it.id));
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids.into_iter().map(|id| (id, boost)).collect())
    }

    fn fuzzy(&mut self, field: Field, text: &str, similarity: f32, boost: f32) -> Result<Vec<Hit>, GraphError> {
        let mut near = Near::new(&self.analyzer.normalize(text), similarity);
        let mut terms = Vec::new();
        for term in self.reading.terms(field, "", |term| near.similarity(term).is_some())? {
            terms.push((near.similarity(&term).unwrap_or_default(), term));
        }
        terms.sort_by(|(a, left), (b, right)| b.total_cmp(a).then_with(|| left.cmp(right)));
        terms.truncate(FUZZY_TERMS_MAX);
        let statistics = self.reading.statistics(field)?;
        let mut found = Vec::new();
        for (worth, term) in terms {
            found.push((worth, self.reading.found(field, &term)?));
        }
        // All are as rare as the most frequent one: a slip of the pen is no rare word.
        let having = found.iter().map(|(_, found)| found.len()).max().unwrap_or_default();
        let idf = idf(having as u64, statistics);
        let scored = found.into_iter().map(|(worth, found)| {
            let weight = Weight::new(idf, boost * worth, statistics);
            found.iter().map(|it| (it.id, weight.score(it.count as f32, it.length))).collect()
        });
        Ok(sum(scored.collect()).into_iter().map(|(id, score)| (id, score as f32)).collect())
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        let mut tokens = Vec::new();
        self.analyzer.analyze(text, 0, &mut tokens);
        tokens
    }
}

/// Puts the best first, equal ones by id, and takes those that are wanted.
pub(super) fn best(mut hits: Vec<Hit>, skip: usize, limit: usize) -> Vec<Hit> {
    let order = |a: &Hit, b: &Hit| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    let wanted = skip.saturating_add(limit);
    if wanted < hits.len() && wanted > 0 {
        hits.select_nth_unstable_by(wanted - 1, order);
    }
    hits.truncate(wanted);
    hits.sort_unstable_by(order);
    hits.drain(..skip.min(hits.len()));
    hits
}

/// Gives the places of each word in one entity, less the word's own place; `None` if it lacks a word.
fn places(words: &[(i64, Placed)], id: u64) -> Option<Vec<Vec<i64>>> {
    let list = |(own, placed): &(i64, Placed)| {
        let at = placed.found.binary_search_by_key(&id, |found| found.id).ok()?;
        Some(placed.positions(at).iter().map(|place| i64::from(*place) - own).collect())
    };
    words.iter().map(list).collect()
}

/// Adds up scores of what any of the lists has.
fn sum(lists: Vec<Vec<Hit>>) -> Vec<(u64, f64)> {
    let mut lists = lists.into_iter();
    let first = lists.next().unwrap_or_default();
    let mut out: Vec<(u64, f64)> = first.into_iter().map(|(id, score)| (id, score.into())).collect();
    for list in lists {
        out = merge(out, &list);
    }
    out
}

fn merge(left: Vec<(u64, f64)>, right: &[Hit]) -> Vec<(u64, f64)> {
    let mut out = Vec::with_capacity(left.len() + right.len());
    let mut right = right.iter().map(|(id, score)| (*id, f64::from(*score))).peekable();
    for (id, score) in left {
        while let Some(other) = right.next_if(|(other, _)| *other < id) {
            out.push(other);
        }
        let more = right.next_if(|(other, _)| *other == id).map_or(0.0, |(_, more)| more);
        out.push((id, score + more));
    }
    out.extend(right);
    out
}

/// Keeps what all lists have, with their scores added up.
fn intersection(mut lists: Vec<Vec<Hit>>) -> Vec<(u64, f64)> {
    lists.sort_by_key(Vec::len);
    let mut lists = lists.into_iter();
    let first = lists.next().unwrap_or_default();
    let mut out: Vec<(u64, f64)> = first.into_iter().map(|(id, score)| (id, score.into())).collect();
    for list in lists {
        out.retain_mut(|(id, score)| match list.binary_search_by_key(id, |(id, _)| *id) {
            Ok(at) => {
                *score += f64::from(list[at].1);
                true
            }
            Err(_) => false,
        });
    }
    out
}

/// Adds scores to what is found already.
fn prefer(mut found: Vec<(u64, f64)>, better: &[(u64, f64)]) -> Vec<(u64, f64)> {
    for (id, score) in &mut found {
        if let Ok(at) = better.binary_search_by_key(id, |(id, _)| *id) {
            *score += better[at].1;
        }
    }
    found
}
