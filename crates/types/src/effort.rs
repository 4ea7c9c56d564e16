//! Work on large values: the thread that does it asks from time to time whether it may go on.
//!
//! A list may hold another one many times over, so that a small value takes for ever to walk through; and comparing,
//! hashing and sorting have no place for an error. So whoever runs a statement says here whom to ask, the walks pay for
//! what they look at, and once the answer was no they end with whatever they have. The statement then fails, and nobody
//! sees what they had. Start reading at [`watch`] and [`pay`].

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::sync::Arc;

use crate::value::Value;

/// Parts of values that are looked at between two questions.
const PARTS_BETWEEN_LOOKS: usize = 1 << 16;
/// Bytes of text that cost as much as one part of a list.
const BYTES_OF_A_PART: usize = 64;

/// Says whether the statement that a thread works for may go on.
pub trait Watch: Send + Sync {
    /// Tells whether to go on. Once it says no it stays with that.
    fn may_go_on(&self) -> bool;
}

thread_local! {
    static LEFT: Cell<usize> = const { Cell::new(PARTS_BETWEEN_LOOKS) };
    static IS_OVER: Cell<bool> = const { Cell::new(false) };
    static WATCH: RefCell<Option<Arc<dyn Watch>>> = const { RefCell::new(None) };
    static COPY_MAX_BYTES: Cell<usize> = const { Cell::new(usize::MAX) };
    static IS_TOO_LARGE: Cell<bool> = const { Cell::new(false) };
}

/// Whoever is asked by this thread, until this is dropped.
#[must_use]
pub struct Watched {
    before: Option<Arc<dyn Watch>>,
    was_over: bool,
    copy_max_bytes_before: usize,
    was_too_large: bool,
}

/// Lets `by` be asked whenever this thread has looked at many parts of values; texts that are copied together may take
/// `copy_max_bytes`.
pub fn watch(by: Arc<dyn Watch>, copy_max_bytes: usize) -> Watched {
    Watched {
        before: WATCH.replace(Some(by)),
        was_over: IS_OVER.replace(false),
        copy_max_bytes_before: COPY_MAX_BYTES.replace(copy_max_bytes),
        was_too_large: IS_TOO_LARGE.replace(false),
    }
}

impl Watched {
    /// Tells whether the answer was no: what was computed since is worth nothing.
    #[must_use]
    pub fn is_over(&self) -> bool {
        IS_OVER.get()
    }

    /// Tells whether texts were too large to be copied: what was computed since is worth nothing.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        IS_TOO_LARGE.get()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        WATCH.set(self.before.take());
        IS_OVER.set(self.was_over);
        COPY_MAX_BYTES.set(self.copy_max_bytes_before);
        IS_TOO_LARGE.set(self.was_too_large);
        LEFT.set(PARTS_BETWEEN_LOOKS);
    }
}

/// Tells whether texts of so many bytes may be copied together; once they may not, the statement fails.
#[must_use]
pub fn may_copy(bytes: usize) -> bool {
    let may = bytes <= COPY_MAX_BYTES.get();
    if !may {
        IS_TOO_LARGE.set(true);
    }
    may
}

/// As [`may_copy`] for one of several texts that are made one after the other: what it takes, the next ones may not.
#[must_use]
pub fn may_make(bytes: usize) -> bool {
    let may = may_copy(bytes);
    if may {
        leave(COPY_MAX_BYTES.get() - bytes);
    }
    may
}

/// Says how many bytes may be copied together from now on, where that was bounded.
pub fn leave(bytes: usize) {
    if COPY_MAX_BYTES.get() < usize::MAX {
        COPY_MAX_BYTES.set(bytes.min(usize::MAX - 1));
    }
}

/// Tells whether texts were too large to be copied, and forgets it: for who computes the same with fewer rows then.
#[must_use]
pub fn forget_too_large() -> bool {
    IS_TOO_LARGE.replace(false)
}

/// Pays for looking at so many parts of a value; tells whether to go on.
#[inline]
pub fn pay(parts: usize) -> bool {
    let left = LEFT.get();
    if left > parts {
        LEFT.set(left - parts);
        return true;
    }
    ask()
}

/// Pays for reading so many bytes of a text; tells whether to go on.
#[inline]
pub fn pay_bytes(bytes: usize) -> bool {
    bytes < BYTES_OF_A_PART || pay(bytes / BYTES_OF_A_PART)
}

/// Asks now whether to go on: before work that cannot be paid for in parts.
#[must_use]
pub fn look() -> bool {
    ask()
}

/// Pays for reading a value as it stands, without what lies deeper in it; tells whether to go on.
#[inline]
pub fn pay_for(value: &Value) -> bool {
    match value {
        Value::String(text) => pay_bytes(text.len()),
        Value::Bytes(bytes) => pay_bytes(bytes.len()),
        Value::List(items) => pay(items.len()),
        Value::Map(entries) => pay(entries.len()),
        _ => true,
    }
}

#[cold]
fn ask() -> bool {
    let goes_on = !IS_OVER.get() && WATCH.with_borrow(|watch| watch.as_ref().is_none_or(|watch| watch.may_go_on()));
    IS_OVER.set(!goes_on);
    // Once over, every payment comes here again.
    LEFT.set(if goes_on { PARTS_BETWEEN_LOOKS } else { 0 });
    goes_on
}

/// Sorts stably, and asks on the way whether to go on; without an order once it may not.
///
/// The first `run_max` items of each part are left to the library's sort, which panics where an order contradicts itself:
/// 1 for an order that walks through values and may be cut short, more for one that cannot be.
pub fn sort_by<T: Default>(items: &mut Vec<T>, run_max: usize, mut compare: impl FnMut(&T, &T) -> Ordering) {
    let mut width = run_max.max(1);
    if width > 1 {
        for run in items.chunks_mut(width) {
            if !pay(run.len()) {
                return;
            }
            run.sort_by(&mut compare);
        }
    }
    let mut merged = Vec::new();
    while width < items.len() {
        merged.reserve(items.len());
        for pair in items.chunks_mut(width.saturating_mul(2)) {
            let (left, right) = pair.split_at_mut(width.min(pair.len()));
            if !merge(left, right, &mut merged, &mut compare) {
                return;
            }
        }
        std::mem::swap(items, &mut merged);
        merged.clear();
        width = width.saturating_mul(2);
    }
}

/// Moves two sorted runs into one; of equal items those of the left run come first.
fn merge<T: Default>(
    left: &mut [T],
    right: &mut [T],
    merged: &mut Vec<T>,
    compare: &mut impl FnMut(&T, &T) -> Ordering,
) -> bool {
    let (mut left, mut right) = (left.iter_mut().peekable(), right.iter_mut().peekable());
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        let taken = if compare(other, one).is_lt() { right.next() } else { left.next() };
        merged.extend(taken.map(std::mem::take));
        if !pay(1) {
            return false;
        }
    }
    merged.extend(left.chain(right).map(std::mem::take));
    true
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering as Memory};

    use super::*;
    use crate::compare::{equals, order};

    /// Says yes so many times.
    struct Times(AtomicUsize);

    impl Watch for Times {
        fn may_go_on(&self) -> bool {
            self.0.fetch_update(Memory::Relaxed, Memory::Relaxed, |left| left.checked_sub(1)).is_ok()
        }
    }

    fn times(times: usize) -> Arc<Times> {
        Arc::new(Times(AtomicUsize::new(times)))
    }

    /// A value of a few bytes with 2^60 parts.
    fn huge() -> Value {
        (0..60).fold(Value::list(Vec::new()), |inner, _| Value::list(vec![inner.clone(), inner]))
    }

    #[test]
    fn a_walk_ends_when_it_is_told_to() {
        let (one, other) = (huge(), huge());
        let watched = watch(times(3), usize::MAX);
        assert!(!watched.is_over());
        assert_eq!(order(&one, &other), Ordering::Equal);
        assert!(watched.is_over());
        assert!(!pay(1) && !look(), "it stays over");
        let _ = (one.memory_bytes(), equals(&one, &other));
        assert!(!one.is_within(1_000, usize::MAX));
        drop(watched);
        assert!(pay(1), "and is so for that statement alone");
    }

    #[test]
    fn a_value_is_bounded_by_what_it_is_written_out() {
        assert!(!huge().is_within(1_000, 1 << 20), "too large");
        assert!(!huge().is_within(59, usize::MAX), "too deep");
        let flat = Value::list((0..100).map(Value::Integer).collect());
        assert!(flat.is_within(1, 100 * size_of::<Value>()) && !flat.is_within(1, 99 * size_of::<Value>()));
        assert!(!flat.is_within(0, usize::MAX) && Value::from("text").is_within(0, 4));
    }

    #[test]
    fn the_outer_one_is_asked_again_after_the_inner_one() {
        let outer = watch(times(1_000), usize::MAX);
        let inner = watch(times(0), usize::MAX);
        assert!(!pay(PARTS_BETWEEN_LOOKS));
        assert!(inner.is_over());
        drop(inner);
        assert!(pay(PARTS_BETWEEN_LOOKS) && !outer.is_over());
    }

    #[test]
    fn copies_are_bounded_while_somebody_watches() {
        assert!(may_copy(usize::MAX));
        let watched = watch(times(1), 1_000);
        assert!(may_copy(1_000) && !watched.is_too_large() && !may_copy(1_001) && watched.is_too_large());
        assert!(forget_too_large() && !watched.is_too_large());
        assert!(may_make(600) && !may_make(600) && may_make(400) && !may_make(1));
        leave(50);
        assert!(may_make(50) && !may_make(1));
        drop(watched);
        leave(1);
        assert!(may_copy(usize::MAX));
    }

    #[test]
    fn sorting_is_stable_whatever_the_runs() {
        let items: Vec<(u32, u32)> = (0..1_000).map(|at| (at * 7_919 % 31, at)).collect();
        let mut expected = items.clone();
        expected.sort_by_key(|(key, _)| *key);
        for run_max in [0, 1, 2, 7, 64, 999, 1_000, 5_000] {
            let mut sorted = items.clone();
            sort_by(&mut sorted, run_max, |one, other| one.0.cmp(&other.0));
            assert_eq!(sorted, expected, "{run_max}");
        }
        sort_by(&mut Vec::<u8>::new(), 4, Ord::cmp);
    }

    #[test]
    fn sorting_ends_when_it_is_told_to() {
        let mut lists: Vec<Value> = (0..100).map(|_| huge()).collect();
        let watched = watch(times(3), usize::MAX);
        sort_by(&mut lists, 1, order);
        assert!(watched.is_over());
    }
}
