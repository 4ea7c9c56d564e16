//! How often something happened in the last second and minute, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// Seconds that are remembered; a minute and the one that goes on.
const SECONDS: u64 = 64;

/// Counts by second: each slot holds its second above and its count below.
pub(crate) struct Rates {
    slots: [AtomicU64; SECONDS as usize],
    peak: AtomicU64,
}

impl Default for Rates {
    fn default() -> Self {
        Self { slots: [const { AtomicU64::new(0) }; SECONDS as usize], peak: AtomicU64::new(0) }
    }
}

impl Rates {
    /// Counts one more in this second.
    pub(crate) fn add(&self, second: u64) {
        let slot = &self.slots[(second % SECONDS) as usize];
        let before = slot.fetch_add(1, Ordering::Relaxed);
        if before >> 32 != second & u64::from(u32::MAX) {
            // The slot is one of an earlier minute; who meets it at the same time may lose a count or two.
            slot.store((second << 32) | 1, Ordering::Relaxed);
            let last = self.slots[(second.wrapping_sub(1) % SECONDS) as usize].load(Ordering::Relaxed);
            self.peak.fetch_max(last & u64::from(u32::MAX), Ordering::Relaxed);
        } else if (before & u64::from(u32::MAX)) + 1 > self.peak.load(Ordering::Relaxed) {
            self.peak.fetch_max((before & u64::from(u32::MAX)) + 1, Ordering::Relaxed);
        }
    }

    /// Counts what happened in the whole second before this one.
    pub(crate) fn last_second(&self, second: u64) -> u64 {
        self.at(second.wrapping_sub(1))
    }

    /// Gives how often it happened in a second, over the whole minute before this second.
    pub(crate) fn last_minute(&self, second: u64) -> f64 {
        let sum: u64 = (1..=60).filter(|back| *back <= second).map(|back| self.at(second - back)).sum();
        sum as f64 / 60.0
    }

    /// Gives the most of one second.
    pub(crate) fn peak(&self, second: u64) -> u64 {
        self.peak.load(Ordering::Relaxed).max(self.at(second)).max(self.last_second(second))
    }

    fn at(&self, second: u64) -> u64 {
        let slot = self.slots[(second % SECONDS) as usize].load(Ordering::Relaxed);
        if slot >> 32 == second & u64::from(u32::MAX) { slot & u64::from(u32::MAX) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f60_rates_forget_what_is_old() {
        let rates = Rates::default();
        for second in 1_000..1_100_u64 {
            (0..second % 10).for_each(|_| rates.add(second));
        }
        assert_eq!((rates.last_second(1_100), rates.last_second(1_099)), (9, 8));
        assert_eq!(rates.last_minute(1_100), 4.5);
        assert_eq!((rates.last_minute(1_130), rates.last_minute(2_000)), (2.25, 0.0));
        assert_eq!(rates.peak(2_000), 9);
    }
}
