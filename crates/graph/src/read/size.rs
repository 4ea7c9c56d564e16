//! How much an index holds: entries counted, different values counted while they are few, and estimated from a sample.

use types::IndexId;

use super::View;
use crate::codec::fact::{IndexDefinition, IndexKind};
use crate::error::GraphError;
use crate::keys::{self, Counted};

/// Different values that are counted one by one.
const VALUES_COUNTED: u64 = 512;
/// Places of an index that are looked at.
const PLACES: u64 = 8;
/// Entries that are read at each place.
const PLACE_ENTRIES: u64 = 64;

/// How many entries an index has, and about how many different values they have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexSize {
    /// Entries, exactly.
    pub entries: u64,
    /// Different values of all keys together; exact if there are not many, or the index is small.
    pub distinct: u64,
}

impl IndexSize {
    /// Scales the estimate to another number of entries.
    #[must_use]
    pub fn grown_to(self, entries: u64) -> Self {
        let scaled = u128::from(self.distinct) * u128::from(entries) / u128::from(self.entries.max(1));
        let least = u64::from(entries > 0);
        Self { entries, distinct: u64::try_from(scaled).unwrap_or(entries).clamp(least, entries) }
    }
}

impl View<'_> {
    /// Counts the entries of an index without reading them.
    pub fn count_entries(&self, index: IndexId) -> Result<u64, GraphError> {
        let count = self.count(Counted::Entries(index))?;
        u64::try_from(count).map_err(|_| GraphError::damaged("a count is negative"))
    }

    /// Counts the entries of an index and its different values; more than 512 of these are estimated from as many entries.
    pub fn index_size(&self, definition: &IndexDefinition) -> Result<IndexSize, GraphError> {
        let entries = self.count_entries(definition.id)?;
        if definition.is_unique() || definition.kind != IndexKind::Range || entries <= 1 {
            return Ok(IndexSize { entries, distinct: entries });
        }
        let start = keys::entries_of_index(definition.id).to_vec();
        let end = keys::after_prefix(&start);
        if entries <= PLACES * PLACE_ENTRIES {
            let sample = self.sample(&start, &end, u64::MAX)?;
            return Ok(IndexSize { entries, distinct: sample.distinct });
        }
        // A sample of neighbours tells nothing of values that hundreds have.
        if let Some(distinct) = self.count_values(&start, &end)? {
            return Ok(IndexSize { entries, distinct });
        }
        let mut all = Sample::default();
        for place in self.places(&start, &end)? {
            let sample = self.sample(&place, &end, PLACE_ENTRIES)?;
            all.entries += sample.entries;
            all.distinct += sample.distinct;
        }
        let sampled = IndexSize { entries: all.entries, distinct: all.distinct };
        let sampled = sampled.grown_to(entries);
        Ok(IndexSize { distinct: sampled.distinct.max(VALUES_COUNTED).min(entries), ..sampled })
    }

    /// Counts different values by going from each to the next one; `None` where there are too many.
    fn count_values(&self, start: &[u8], end: &[u8]) -> Result<Option<u64>, GraphError> {
        let mut from = start.to_vec();
        for found in 0..=VALUES_COUNTED {
            let mut next = None;
            self.scan(&from, end, |key, _| {
                next = Some(keys::after_prefix(&key[..key.len().saturating_sub(8)]));
                Ok(false)
            })?;
            match next {
                Some(next) => from = next,
                None => return Ok(Some(found)),
            }
        }
        Ok(None)
    }

    /// Reads up to `limit` entries from `start` on, and tells how many different values they have.
    fn sample(&self, start: &[u8], end: &[u8], limit: u64) -> Result<Sample, GraphError> {
        let (mut sample, mut last) = (Sample::default(), Vec::new());
        self.scan(start, end, |key, _| {
            let values = &key[..key.len().saturating_sub(8)];
            if sample.entries == 0 || values != last {
                sample.distinct += 1;
                last.clear();
                last.extend_from_slice(values);
            }
            sample.entries += 1;
            Ok(sample.entries < limit)
        })?;
        Ok(sample)
    }

    /// Spreads places evenly over the bytes between the first key and the last.
    fn places(&self, start: &[u8], end: &[u8]) -> Result<Vec<Vec<u8>>, GraphError> {
        let (mut first, mut last) = (Vec::new(), Vec::new());
        self.scan(start, end, |key, _| {
            first = key.to_vec();
            Ok(false)
        })?;
        self.reader.scan_back(start..end, &mut |key, _| {
            last = key.to_vec();
            false
        })?;
        let common = first.iter().zip(&last).take_while(|(a, b)| a == b).count();
        let number = |key: &[u8]| {
            let mut bytes = [0; 8];
            let rest = key.get(common..).unwrap_or_default();
            let length = rest.len().min(8);
            bytes[..length].copy_from_slice(&rest[..length]);
            u64::from_be_bytes(bytes)
        };
        let (low, high) = (number(&first), number(&last));
        let step = high.saturating_sub(low) / PLACES;
        Ok((0..PLACES).map(|place| [&first[..common], &(low + step * place).to_be_bytes()].concat()).collect())
    }
}

/// What some entries of an index look like.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    entries: u64,
    distinct: u64,
}
