//! The clock, so that tests own the time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Tells the time; tests hand in their own.
pub trait Clock: Send + Sync {
    /// Gives a reading that only moves forward, for deadlines.
    fn now(&self) -> Instant;
    /// Gives the wall clock as nanoseconds since 1970-01-01T00:00:00Z.
    fn wall_nanos(&self) -> i128;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the real clock")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall_nanos(&self) -> i128 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
            Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
        }
    }
}
