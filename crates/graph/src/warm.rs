//! What nodes and relationships carry, decoded and in memory, by pages of 1,024: what is read again and again.
//! Never needed for an answer: what is not here, or has changed since, is read from the store.
//! Start reading at [`Warm::take_values`].

use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use parking_lot::RwLock;
use smallvec::SmallVec;
use types::{KeyId, LabelId, Value};

use crate::codec::label::Members;
use crate::column::{Column, PageColumn, place};
use crate::keys::LABEL_BLOCK_NODES;
use crate::read::PutValue;

/// Entities of one page; those of nodes are the blocks of a label.
pub(crate) const PAGE: u64 = LABEL_BLOCK_NODES;

/// Values that were read from the store before the page is decoded whole: the second time that all of it is wanted.
const READS_MIN: u32 = PAGE as u32 * 3 / 2;

/// Pages beyond this number are always read from the store.
const PAGES_MAX: u64 = 1 << 24;

/// Values above this size, in bytes, are read from the store.
const VALUE_MAX_BYTES: usize = 256;

/// Memory that this takes in all databases of this process now.
static USED_BYTES: AtomicU64 = AtomicU64::new(0);

/// Tells the memory that the pages of all databases take.
pub(crate) fn used_bytes() -> u64 {
    USED_BYTES.load(Ordering::Relaxed)
}

/// The pages of the nodes, or of the relationships, of one database.
///
/// A page belongs to every version from its last change on. A commit notes that before anyone can see the commit, and
/// drops what the page holds; a reader of an older version neither uses nor fills the page afterwards.
pub(crate) struct Warm {
    max_bytes: u64,
    pages: RwLock<Vec<Page>>,
}

#[derive(Default)]
struct Page {
    /// The version that changed it last; what is here is of that one and all later ones.
    changed: u64,
    values: Vec<(KeyId, PageColumn)>,
    labels: Vec<(LabelId, Members)>,
    /// Keys whose values are too large to be here.
    refused: Vec<KeyId>,
    reads: AtomicU32,
    bytes: u64,
}

/// What is left to the store.
#[derive(Default)]
pub(crate) struct Missed {
    /// Places in the batch, to be read one by one.
    pub cold: Vec<usize>,
    /// Places of whole pages that are worth decoding, by page.
    pub due: Vec<(u64, Range<usize>)>,
}

impl Warm {
    /// Makes it empty; all databases of this process together take `max_bytes` at most, 0 for none.
    pub fn new(max_bytes: u64) -> Self {
        Self { max_bytes, pages: RwLock::default() }
    }

    /// Hands the values that are here to `put`, as a view of `version` sees them, and tells which are not.
    ///
    /// `number` gives the id of an entity; entities with one page stand beside each other at best.
    pub fn take_values<T: Copy>(
        &self,
        version: u64,
        (ids, number): (&[T], fn(T) -> u64),
        keys: &[KeyId],
        put: PutValue<'_>,
    ) -> Missed {
        let mut missed = Missed::default();
        let mut last = 0;
        let pages = self.pages.read();
        for (page, places) in runs(ids, number) {
            last = last.max(page);
            let kept = pages.get(usize::try_from(page).unwrap_or(usize::MAX)).filter(|kept| kept.changed <= version);
            let columns = kept.and_then(|kept| kept.columns(keys));
            match (columns, kept) {
                (Some(columns), _) => {
                    for (at, column) in columns.iter().enumerate() {
                        for row in places.clone() {
                            let value = column.get(place(number(ids[row])));
                            if !value.is_null() {
                                put(row, at, value);
                            }
                        }
                    }
                }
                (None, Some(kept)) if kept.is_due(places.len(), keys) => missed.due.push((page, places)),
                (None, _) => missed.cold.extend(places),
            }
        }
        let is_new = last >= pages.len() as u64 && !ids.is_empty();
        drop(pages);
        if is_new && self.max_bytes > 0 {
            self.reach(last);
        }
        missed
    }

    /// Gives one property of all entities if all of it is here, as a view of `version` sees it.
    pub fn take_column<T: Copy>(
        &self,
        version: u64,
        (ids, number): (&[T], fn(T) -> u64),
        key: KeyId,
    ) -> Option<Column> {
        let mut column = Column::Values(Vec::new());
        let pages = self.pages.read();
        for (page, places) in runs(ids, number) {
            let kept = pages.get(usize::try_from(page).ok()?).filter(|kept| kept.changed <= version)?;
            column.add(kept.column(key)?, (&ids[places], number), ids.len());
        }
        Some(column)
    }

    /// Hands to `put` whether each node has the label, as far as it is here; gives the others by page.
    pub fn take_labels<T: Copy>(
        &self,
        version: u64,
        (ids, number): (&[T], fn(T) -> u64),
        label: LabelId,
        mut put: impl FnMut(usize, bool),
    ) -> Vec<(u64, Range<usize>)> {
        let mut missed = Vec::new();
        let pages = self.pages.read();
        for (page, places) in runs(ids, number) {
            let kept = pages.get(usize::try_from(page).unwrap_or(usize::MAX)).filter(|kept| kept.changed <= version);
            let members = kept.and_then(|kept| kept.labels.iter().find(|(of, _)| *of == label));
            match members {
                Some((_, members)) => places.for_each(|at| put(at, members.contains(place(number(ids[at]))))),
                None => missed.push((page, places)),
            }
        }
        missed
    }

    /// Keeps what a view of `version` saw in a page, a column for each key, if there is room and nothing has changed.
    pub fn keep_values(&self, version: u64, page: u64, keys: &[KeyId], columns: Vec<Box<[Value]>>) {
        for (key, column) in keys.iter().zip(columns) {
            let is_large = column.iter().any(|value| value.memory_bytes() > VALUE_MAX_BYTES);
            let column = PageColumn::of(column);
            let bytes = if is_large { 0 } else { column.memory_bytes() };
            self.keep(version, page, bytes, |kept| {
                if is_large {
                    kept.refused.push(*key);
                } else if kept.values.iter().all(|(of, _)| of != key) {
                    kept.values.push((*key, column));
                }
            });
        }
    }

    /// Notes that values of these keys are too large for a page of them to be kept.
    pub fn refuse(&self, version: u64, page: u64, keys: &[KeyId]) {
        self.keep(version, page, 0, |kept| kept.refused.extend(keys));
    }

    /// As [`Warm::keep_values`], of the nodes of a page that have a label.
    pub fn keep_label(&self, version: u64, page: u64, label: LabelId, members: Members) {
        if page < PAGES_MAX {
            self.reach(page);
        }
        self.keep(version, page, size_of::<(LabelId, Members)>() as u64, |kept| {
            if kept.labels.iter().all(|(of, _)| *of != label) {
                kept.labels.push((label, members));
            }
        });
    }

    fn keep(&self, version: u64, page: u64, bytes: u64, keep: impl FnOnce(&mut Page)) {
        let mut pages = self.pages.write();
        let Some(kept) = usize::try_from(page).ok().and_then(|page| pages.get_mut(page)) else { return };
        kept.reads.store(0, Ordering::Relaxed);
        if kept.changed > version || !reserve(bytes, self.max_bytes) {
            return;
        }
        kept.bytes += bytes;
        keep(kept);
    }

    /// Says that pages are about to change with `version`, before anyone can see it.
    pub fn mark(&self, changed: impl Iterator<Item = u64>, version: u64) {
        let mut pages = self.pages.write();
        for page in changed.filter(|page| *page < PAGES_MAX) {
            reach(&mut pages, page);
            let Some(kept) = usize::try_from(page).ok().and_then(|page| pages.get_mut(page)) else { continue };
            USED_BYTES.fetch_sub(kept.bytes, Ordering::AcqRel);
            *kept = Page { changed: version, ..Page::default() };
        }
    }

    /// Says that everything is about to change with `version`.
    pub fn mark_all(&self, version: u64) {
        let pages = self.pages.read().len() as u64;
        self.mark(0..pages, version);
    }

    fn reach(&self, page: u64) {
        if page < PAGES_MAX && self.pages.read().len() as u64 <= page {
            reach(&mut self.pages.write(), page);
        }
    }
}

impl Drop for Warm {
    fn drop(&mut self) {
        self.mark_all(0);
    }
}

impl Page {
    /// Lends the values of all `keys`, if all are here.
    fn columns(&self, keys: &[KeyId]) -> Option<SmallVec<[&PageColumn; 4]>> {
        keys.iter().map(|key| self.column(*key)).collect()
    }

    fn column(&self, key: KeyId) -> Option<&PageColumn> {
        self.values.iter().find(|(of, _)| *of == key).map(|(_, column)| column)
    }

    /// Counts values that are read from the store; tells whether to decode the page whole would have paid off.
    fn is_due(&self, values: usize, keys: &[KeyId]) -> bool {
        let values = u32::try_from(values).unwrap_or(u32::MAX / 2);
        let reads = self.reads.fetch_add(values, Ordering::Relaxed).saturating_add(values);
        reads >= READS_MIN && !keys.iter().any(|key| self.refused.contains(key))
    }
}

/// Hands one column's values at `places` of a batch to `put`, the key being the `at`-th.
pub(crate) fn put_column<T: Copy>(
    column: &[Value],
    (ids, number): (&[T], fn(T) -> u64),
    places: Range<usize>,
    at: usize,
    put: PutValue<'_>,
) {
    for place in places {
        let value = &column[(number(ids[place]) % PAGE) as usize];
        if *value != Value::Null {
            put(place, at, value.clone());
        }
    }
}

/// Gives the pages of a batch with the places of those that stand beside each other.
fn runs<T: Copy>(ids: &[T], number: fn(T) -> u64) -> impl Iterator<Item = (u64, Range<usize>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let first = at;
        let page = number(*ids.get(first)?) / PAGE;
        at += ids[first..].iter().take_while(|id| number(**id) / PAGE == page).count();
        Some((page, first..at))
    })
}

fn reach(pages: &mut Vec<Page>, page: u64) {
    let wanted = usize::try_from(page + 1).unwrap_or(usize::MAX);
    if pages.len() < wanted {
        pages.resize_with(wanted, Page::default);
    }
}

/// Takes memory from what all databases share; false if there is not so much left.
fn reserve(bytes: u64, max_bytes: u64) -> bool {
    let fits = |used: u64| used.checked_add(bytes).filter(|used| *used <= max_bytes);
    USED_BYTES.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: KeyId = KeyId(1);

    fn number(id: u64) -> u64 {
        id
    }

    fn column(value: impl Fn(u64) -> Value) -> Vec<Box<[Value]>> {
        vec![(0..PAGE).map(value).collect()]
    }

    /// What is here for two nodes of page 0, in a view of `version`.
    fn taken(warm: &Warm, version: u64) -> Vec<(usize, Value)> {
        let mut found = Vec::new();
        warm.take_values(version, (&[3, 5], number), &[KEY], &mut |at, _, value| found.push((at, value)));
        found
    }

    #[test]
    fn a_page_is_decoded_once_it_was_read_often_enough() {
        let warm = Warm::new(1 << 20);
        let ids: Vec<u64> = (0..PAGE).collect();
        let take = || warm.take_values(7, (&ids, number), &[KEY], &mut |_, _, _| {});
        assert_eq!(take().cold.len(), ids.len(), "never heard of");
        assert_eq!(take().cold.len(), ids.len(), "read once");
        assert_eq!(take().due, [(0, 0..ids.len())]);
        warm.keep_values(7, 0, &[KEY], column(|id| Value::Integer(id.cast_signed())));
        let missed = take();
        assert!(missed.cold.is_empty() && missed.due.is_empty());
        assert_eq!(taken(&warm, 9), [(0, Value::Integer(3)), (1, Value::Integer(5))]);
    }

    #[test]
    fn a_column_is_given_whole_or_not_at_all() {
        let warm = Warm::new(1 << 20);
        warm.reach(1);
        warm.keep_values(5, 0, &[KEY], column(|id| Value::Integer(id.cast_signed())));
        let take = |version, ids: &[u64]| warm.take_column(version, (ids, number), KEY);
        assert_eq!(take(5, &[3, 2, 3]), Some(Column::Integers(vec![3, 2, 3])));
        assert_eq!(take(5, &[]), Some(Column::Values(Vec::new())));
        assert_eq!((take(5, &[3, PAGE]), take(5, &[3, 9 * PAGE])), (None, None));
        warm.keep_values(5, 1, &[KEY], column(|_| "a".into()));
        assert_eq!(take(5, &[3, PAGE]), Some(Column::Values(vec![3.into(), "a".into()])));
        warm.mark([0].into_iter(), 6);
        assert_eq!((take(5, &[3]), take(6, &[3])), (None, None));
    }

    #[test]
    fn a_change_is_seen_by_nobody_too_early_or_too_late() {
        let warm = Warm::new(1 << 20);
        warm.reach(0);
        warm.keep_values(5, 0, &[KEY], column(|_| Value::Integer(1)));
        assert_eq!(taken(&warm, 5).len(), 2);
        warm.mark([0].into_iter(), 6);
        assert!(taken(&warm, 5).is_empty(), "dropped");
        warm.keep_values(5, 0, &[KEY], column(|_| Value::Integer(1)));
        assert!(taken(&warm, 6).is_empty(), "an older view does not fill a page for a newer one");
        warm.keep_values(6, 0, &[KEY], column(|_| Value::Integer(2)));
        assert_eq!(taken(&warm, 6)[0].1, Value::Integer(2));
        assert!(taken(&warm, 5).is_empty(), "the older view does not see the change");
    }

    #[test]
    fn large_values_and_too_many_of_them_stay_in_the_store() {
        let warm = Warm::new(1 << 20);
        warm.reach(0);
        warm.keep_values(1, 0, &[KEY], column(|_| Value::string("x".repeat(VALUE_MAX_BYTES + 1))));
        assert!(taken(&warm, 1).is_empty());
        let none = Warm::new(0);
        none.reach(0);
        none.keep_values(1, 0, &[KEY], column(|_| Value::Integer(1)));
        assert!(taken(&none, 1).is_empty());
    }

    #[test]
    fn labels_are_kept_by_page() {
        let warm = Warm::new(1 << 20);
        let mut members = Members::default();
        members.insert(5);
        warm.keep_label(1, 2, LabelId(4), members);
        let ids = [2 * PAGE + 5, 2 * PAGE + 6, 5];
        let mut found = Vec::new();
        let missed = warm.take_labels(1, (&ids, number), LabelId(4), |at, has| found.push((at, has)));
        assert_eq!((found, missed), (vec![(0, true), (1, false)], vec![(0, 2..3)]));
    }
}
