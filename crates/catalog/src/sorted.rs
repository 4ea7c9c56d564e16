//! An ordered map whose copies share what a change leaves alone.
//!
//! Entries lie in runs of up to [`RUN_MAX`]. A change of a copy costs one run and the list of runs: microseconds for tens
//! of thousands of entries, where copying a whole map costs milliseconds.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::sync::Arc;

/// Most entries of a run; a fuller one is cut in half.
const RUN_MAX: usize = 128;

/// Some entries in a row.
type Run<K, V> = Arc<Vec<(K, V)>>;

/// An ordered map that is cheap to copy and to change afterwards.
pub(crate) struct Sorted<K, V> {
    /// In order, none of them empty.
    runs: Arc<Vec<Run<K, V>>>,
    count: usize,
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self { runs: Arc::default(), count: 0 }
    }
}

impl<K, V> Clone for Sorted<K, V> {
    fn clone(&self) -> Self {
        Self { runs: Arc::clone(&self.runs), count: self.count }
    }
}

impl<K: std::fmt::Debug, V: std::fmt::Debug> std::fmt::Debug for Sorted<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K, V> Sorted<K, V> {
    /// Counts the entries.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Gives the entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.runs.iter().flat_map(|run| run.iter()).map(|(key, value)| (key, value))
    }

    /// Gives the values in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

impl<K: Ord + Clone, V: Clone> Sorted<K, V> {
    /// Gives the value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let run = self.runs.get(self.run_of(key))?;
        let at = run.binary_search_by(|(known, _)| known.borrow().cmp(key)).ok()?;
        Some(&run[at].1)
    }

    /// Gives the entries from the first whose key is not less than `start`.
    pub fn from<'m, Q: Ord + ?Sized>(&'m self, start: &Q) -> impl Iterator<Item = (&'m K, &'m V)>
    where
        K: Borrow<Q>,
    {
        self.iter_from(|key| key.borrow() >= start)
    }

    /// Gives the entries from the first for which `begins` holds; it must hold for every later one too.
    pub fn iter_from(&self, begins: impl Fn(&K) -> bool) -> impl Iterator<Item = (&K, &V)> {
        let first = self.runs.partition_point(|run| !begins(&run[run.len() - 1].0));
        let skipped = self.runs.get(first).map_or(0, |run| run.partition_point(|(key, _)| !begins(key)));
        let entries = self.runs.iter().skip(first).flat_map(|run| run.iter()).skip(skipped);
        entries.map(|(key, value)| (key, value))
    }

    /// Sets the value of a key; gives the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let place = self.run_of(&key);
        let runs = Arc::make_mut(&mut self.runs);
        let Some(run) = runs.get_mut(place) else {
            runs.push(Arc::new(vec![(key, value)]));
            self.count += 1;
            return None;
        };
        let run = Arc::make_mut(run);
        match run.binary_search_by(|(known, _)| known.cmp(&key)) {
            Ok(at) => return Some(std::mem::replace(&mut run[at].1, value)),
            Err(at) => run.insert(at, (key, value)),
        }
        self.count += 1;
        if run.len() > RUN_MAX {
            let upper = run.split_off(RUN_MAX / 2);
            runs.insert(place + 1, Arc::new(upper));
        }
        None
    }

    /// Takes an entry out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.get(key)?;
        let place = self.run_of(key);
        let runs = Arc::make_mut(&mut self.runs);
        let run = Arc::make_mut(&mut runs[place]);
        let at = run.binary_search_by(|(known, _)| known.borrow().cmp(key)).ok()?;
        let (_, value) = run.remove(at);
        if run.is_empty() {
            runs.remove(place);
        }
        self.count -= 1;
        Some(value)
    }

    /// Gives the place of the run in which a key is, or would be.
    fn run_of<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        let starts_behind = |run: &Arc<Vec<(K, V)>>| run[0].0.borrow().cmp(key) == Ordering::Greater;
        self.runs.partition_point(|run| !starts_behind(run)).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn check(map: &Sorted<u32, u32>, model: &BTreeMap<u32, u32>) {
        assert!(map.iter().eq(model.iter()), "{map:?} is not {model:?}");
        assert_eq!(map.len(), model.len());
        for key in 0..2_000 {
            assert_eq!(map.get(&key), model.get(&key), "{key}");
            assert!(map.from(&key).take(3).eq(model.range(key..).take(3)), "from {key}");
        }
    }

    #[test]
    fn it_is_a_map_and_its_copies_stay_as_they_were() {
        let (mut map, mut model) = (Sorted::default(), BTreeMap::new());
        let (mut copies, mut random) = (Vec::new(), 7_u32);
        for step in 0..6_000_u32 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let key = (random >> 16) % 2_000;
            // Grows first, then shrinks to almost nothing.
            if random >> 8 & 7 < if step < 3_000 { 6 } else { 1 } {
                assert_eq!(map.insert(key, step), model.insert(key, step));
            } else {
                assert_eq!(map.remove(&key), model.remove(&key));
            }
            if step % 1_000 == 0 {
                copies.push((map.clone(), model.clone()));
            }
        }
        copies.push((map, model));
        copies.iter().for_each(|(map, model)| check(map, model));
    }

    #[test]
    fn a_change_of_a_copy_shares_the_other_runs() {
        let mut map: Sorted<u32, u32> = Sorted::default();
        (0..10_000).for_each(|key| assert_eq!(map.insert(key, key), None));
        let mut copy = map.clone();
        copy.insert(5_000, 0);
        let shared = map.runs.iter().zip(copy.runs.iter()).filter(|(a, b)| Arc::ptr_eq(a, b)).count();
        assert_eq!(shared, map.runs.len() - 1);
    }
}
