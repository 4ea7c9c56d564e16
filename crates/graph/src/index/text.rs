//! Text indexes: where strings begin, where they end, and each three bytes that stand in them.
//! Leaves exactness to who asks: what is found may hold what is sought, and what is not found does not.
//! Start reading at [`entries`] and [`find`].

use rustc_hash::FxHashSet;
use types::IndexId;

use crate::error::GraphError;
use crate::keys;
use crate::read::View;

/// Bytes of a string that the entries of its beginning and its end have.
const ENDS_MAX_BYTES: usize = 64;
/// Places of a sought string at which three bytes are compared.
const GRAMS_MAX: usize = 8;

/// Which entry of a string it is; the byte behind the index's number.
const GRAM: u8 = 0;
pub(super) const BEGINNING: u8 = 1;
const END: u8 = 2;

/// What is looked for in strings.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sought<'s> {
    Begins(&'s str),
    Ends(&'s str),
    Holds(&'s str),
}

/// Hands out the keys of a string's entries, its beginning first.
pub(super) fn entries(
    index: IndexId,
    text: &str,
    id: u64,
    mut take: impl FnMut(Vec<u8>) -> Result<(), GraphError>,
) -> Result<(), GraphError> {
    let bytes = text.as_bytes();
    let with_id = |mut key: Vec<u8>| {
        key.extend_from_slice(&id.to_be_bytes());
        key
    };
    take(with_id(beginning(index, bytes)))?;
    take(with_id(end(index, bytes)))?;
    let mut seen = FxHashSet::default();
    for gram in bytes.windows(3).filter(|gram| seen.insert([gram[0], gram[1], gram[2]])) {
        take(with_id(self::gram(index, gram)))?;
    }
    Ok(())
}

/// Lists the ids, ascending and each once, of strings that may have what is sought.
pub(crate) fn find(view: View<'_>, index: IndexId, sought: Sought<'_>) -> Result<Vec<u64>, GraphError> {
    match sought {
        Sought::Begins(text) => within(view, &beginning(index, text.as_bytes())),
        Sought::Ends(text) => within(view, &end(index, text.as_bytes())),
        // No three bytes to compare: every string is looked at.
        Sought::Holds(text) if text.len() < 3 => within(view, &beginning(index, &[])),
        Sought::Holds(text) => holding(view, &spread(index, text.as_bytes())),
    }
}

fn with_kind(index: IndexId, kind: u8) -> Vec<u8> {
    let mut key = keys::entries_of_index(index).to_vec();
    key.push(kind);
    key
}

fn beginning(index: IndexId, text: &[u8]) -> Vec<u8> {
    let mut key = with_kind(index, BEGINNING);
    key.extend_from_slice(&text[..text.len().min(ENDS_MAX_BYTES)]);
    key
}

fn end(index: IndexId, text: &[u8]) -> Vec<u8> {
    let mut key = with_kind(index, END);
    key.extend(text.iter().rev().take(ENDS_MAX_BYTES));
    key
}

fn gram(index: IndexId, gram: &[u8]) -> Vec<u8> {
    let mut key = with_kind(index, GRAM);
    key.extend_from_slice(gram);
    key
}

/// Chooses the three bytes that are compared: all of a short text, places far apart of a long one.
fn spread(index: IndexId, text: &[u8]) -> Vec<Vec<u8>> {
    let places = text.len() - 2;
    let count = places.min(GRAMS_MAX);
    let at = |number: usize| if count == 1 { 0 } else { number * (places - 1) / (count - 1) };
    let mut grams: Vec<Vec<u8>> = (0..count).map(|number| gram(index, &text[at(number)..at(number) + 3])).collect();
    grams.sort_unstable();
    grams.dedup();
    grams
}

/// Lists the ids of all entries whose keys begin so.
fn within(view: View<'_>, prefix: &[u8]) -> Result<Vec<u64>, GraphError> {
    let mut ids = Vec::new();
    view.scan(prefix, &keys::after_prefix(prefix), |key, _| {
        ids.push(id_of(key)?);
        Ok(true)
    })?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Lists the ids that all of some lists have, each list ascending: from one list to the next the id only grows.
fn holding(view: View<'_>, lists: &[Vec<u8>]) -> Result<Vec<u64>, GraphError> {
    let (mut ids, mut candidate, mut agreed, mut at) = (Vec::new(), 0, 0, 0);
    loop {
        let Some(found) = first_from(view, &lists[at], candidate)? else { return Ok(ids) };
        agreed = if found == candidate { agreed + 1 } else { 1 };
        candidate = found;
        if agreed >= lists.len() {
            ids.push(candidate);
            let Some(next) = candidate.checked_add(1) else { return Ok(ids) };
            (candidate, agreed) = (next, 0);
        }
        at = (at + 1) % lists.len();
    }
}

/// Gives the first id from `from` on in a list.
fn first_from(view: View<'_>, list: &[u8], from: u64) -> Result<Option<u64>, GraphError> {
    let mut found = None;
    view.scan(&[list, &from.to_be_bytes()].concat(), &keys::after_prefix(list), |key, _| {
        found = Some(id_of(key)?);
        Ok(false)
    })?;
    Ok(found)
}

fn id_of(key: &[u8]) -> Result<u64, GraphError> {
    let id = key.len().checked_sub(8).and_then(|at| keys::u64_at(key, at));
    id.ok_or_else(|| GraphError::damaged("an entry of a text index"))
}
