//! `DISTINCT` in front of any aggregate: lets each different value in once.

use std::hash::{Hash, Hasher};

use hashbrown::{Equivalent, HashSet};
use rustc_hash::FxBuildHasher;
use types::compare::{Key, equivalent, hash_value};
use types::{Failure, Value};

use super::Accumulator;

/// Lends a value as a key, so that a value seen before costs no copy.
struct Lent<'a>(&'a Value);

impl Hash for Lent<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_value(self.0, state);
    }
}

impl Equivalent<Key> for Lent<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        equivalent(self.0, &key.0)
    }
}

/// Passes a row on where its first argument has not been seen.
pub(super) struct Distinct {
    seen: HashSet<Key, FxBuildHasher>,
    /// What they take beside their places.
    held_bytes: usize,
    inner: Box<dyn Accumulator>,
}

impl Distinct {
    pub(super) fn around(inner: Box<dyn Accumulator>) -> Self {
        Self { seen: HashSet::default(), held_bytes: 0, inner }
    }
}

impl Accumulator for Distinct {
    fn update(&mut self, values: &[Value]) -> Result<(), Failure> {
        let Some(value) = values.first().filter(|value| !value.is_null()) else { return Ok(()) };
        if self.seen.contains(&Lent(value)) {
            return Ok(());
        }
        self.held_bytes += value.memory_bytes() - size_of::<Value>();
        self.seen.insert(Key(value.clone()));
        self.inner.update(values)
    }

    fn finish(&mut self) -> Result<Value, Failure> {
        self.inner.finish()
    }

    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.held_bytes + self.seen.allocation_size() + self.inner.memory_bytes()
    }

    fn growth_bytes(&self) -> usize {
        if self.seen.len() < self.seen.capacity() { 0 } else { 2 * self.seen.allocation_size() }
    }

    fn result_bytes(&self) -> usize {
        self.inner.result_bytes()
    }
}
