//! How long things took: counts by powers of two, four to each, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Parts of each power of two.
const PARTS: u32 = 4;
/// Powers of two of microseconds: up to 134 seconds.
const POWERS: u32 = 27;
const BUCKETS: usize = (PARTS * POWERS) as usize;

/// Counts of times, by how long they were; exact to a quarter.
pub(crate) struct Histogram {
    counts: [AtomicU64; BUCKETS],
    sum_micros: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [const { AtomicU64::new(0) }; BUCKETS], sum_micros: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Counts one time.
    pub(crate) fn add(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket(micros)].fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Gives the time that a part of all do not exceed, such as 0.99; nothing where there were none.
    pub(crate) fn quantile(&self, part: f64) -> Option<Duration> {
        let counts = self.counts.each_ref().map(|count| count.load(Ordering::Relaxed));
        let all: u64 = counts.iter().sum();
        let wanted = (all as f64 * part).ceil() as u64;
        let mut seen = 0;
        let at = counts.iter().position(|count| {
            seen += count;
            all > 0 && seen >= wanted
        });
        at.map(|at| Duration::from_micros(upper_micros(at)))
    }

    /// Counts the times that were no longer than each of the bounds, which rise; then gives the sum of all.
    pub(crate) fn cumulative(&self, bounds: &[Duration]) -> (Vec<u64>, u64, Duration) {
        let (mut below, mut all, mut next) = (vec![0; bounds.len()], 0, 0);
        for (at, count) in self.counts.iter().enumerate() {
            let upper = Duration::from_micros(upper_micros(at));
            while next < bounds.len() && bounds[next] < upper {
                below[next] = all;
                next += 1;
            }
            all += count.load(Ordering::Relaxed);
        }
        below[next..].fill(all);
        (below, all, Duration::from_micros(self.sum_micros.load(Ordering::Relaxed)))
    }
}

fn bucket(micros: u64) -> usize {
    if micros < u64::from(PARTS) {
        return micros as usize;
    }
    let power = micros.ilog2();
    let part = (micros >> (power - 2)) & u64::from(PARTS - 1);
    (((power - 1) * PARTS + part as u32) as usize).min(BUCKETS - 1)
}

/// Gives the longest time of a bucket.
fn upper_micros(bucket: usize) -> u64 {
    let (power, part) = (bucket as u32 / PARTS + 1, bucket as u64 % u64::from(PARTS));
    if power == 1 {
        return bucket as u64;
    }
    ((u64::from(PARTS) + part + 1) << (power - 2)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_lies_in_its_bucket() {
        for micros in (0..5_000).chain([1 << 20, (1 << 20) + 1, 100_000_000]) {
            let at = bucket(micros);
            assert!(micros <= upper_micros(at), "{micros} in {at}");
            assert!(at == 0 || micros > upper_micros(at - 1), "{micros} in {at}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn f60_quantiles_are_exact_to_a_quarter() {
        let times = Histogram::default();
        assert_eq!(times.quantile(0.99), None);
        (1..=1_000).for_each(|millis| times.add(Duration::from_millis(millis)));
        let p99 = times.quantile(0.99).expect("there are some").as_millis();
        assert!((990..=1_240).contains(&p99), "{p99}");
        let (below, all, sum) = times.cumulative(&[Duration::from_millis(1), Duration::from_secs(10)]);
        assert_eq!((below[1], all, sum), (1_000, 1_000, Duration::from_millis(500_500)));
    }
}
