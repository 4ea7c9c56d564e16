//! Logging in, slowed down after wrong passwords.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use types::CompactString;

use crate::{Catalog, CatalogError, Principal, users};

/// Wrong passwords in a row before a name is locked.
const FAILURES_MAX: u32 = 3;
/// How long a name stays locked after the last wrong password.
const LOCK_TIME: Duration = Duration::from_secs(5);
/// Names that are watched at a time.
const NAMES_MAX: usize = 10_000;
/// What is kept of a name that somebody tried.
const NAME_MAX_CHARACTERS: usize = 80;

/// The wrong passwords of late, by user name.
#[derive(Default)]
pub(crate) struct Attempts(HashMap<CompactString, Failures>);

struct Failures {
    count: u32,
    last: Instant,
    /// Whether such a user exists. Made-up names must not push a real one out of the map.
    known: bool,
}

impl Attempts {
    fn is_locked(&self, name: &str, now: Instant) -> bool {
        self.0.get(name).is_some_and(|failures| {
            failures.count >= FAILURES_MAX && now.saturating_duration_since(failures.last) < LOCK_TIME
        })
    }

    fn failed(&mut self, name: CompactString, known: bool, now: Instant) {
        if self.0.len() >= NAMES_MAX && !self.0.contains_key(&name) {
            self.0.retain(|_, failures| failures.known || now.saturating_duration_since(failures.last) < LOCK_TIME);
        }
        if self.0.len() >= NAMES_MAX && !known && !self.0.contains_key(&name) {
            // Ten thousand made-up names within one lock time: the next ones go unwatched, and unknown they fail anyway.
            return;
        }
        let failures = self.0.entry(name).or_insert(Failures { count: 0, last: now, known });
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
    }

    fn succeeded(&mut self, name: &str) {
        self.0.remove(name);
    }
}

impl Catalog {
    /// Lets a user in by name and password.
    ///
    /// After three wrong passwords in a row the name is locked for five seconds, for the right password too, and
    /// each wrong one after that locks it again. Takes tens of milliseconds on purpose.
    pub fn authenticate(&self, name: &str, password: &str) -> Result<Principal, CatalogError> {
        if !self.password_needed {
            return Ok(Principal::anonymous());
        }
        let watched: CompactString = name.chars().take(NAME_MAX_CHARACTERS).collect();
        if self.attempts.lock().is_locked(&watched, self.clock.now()) {
            return Err(CatalogError::RateLimit);
        }
        // The lock is not held meanwhile, so that one slow check does not hold up all users. Guesses that run side by
        // side may therefore overshoot the bound, by as many as there are threads.
        let row = self.user(name)?;
        let right = users::verify(row.as_ref(), password)?;
        match row {
            Some(row) if right => {
                self.attempts.lock().succeeded(&watched);
                Ok(Principal::user(name, row.admin))
            }
            row => {
                tracing::warn!(user = %watched, "wrong name or password");
                self.attempts.lock().failed(watched, row.is_some(), self.clock.now());
                Err(CatalogError::Unauthorized)
            }
        }
    }

    /// Lets somebody in without a name, which only goes while authentication is off.
    pub fn anonymous(&self) -> Result<Principal, CatalogError> {
        if self.password_needed { Err(CatalogError::Unauthorized) } else { Ok(Principal::anonymous()) }
    }
}

#[cfg(test)]
mod tests {
    use types::{Clock, SystemClock};

    use super::*;

    #[test]
    fn a_flood_of_names_pushes_no_user_out() {
        let (mut attempts, now) = (Attempts::default(), SystemClock.now());
        for _ in 0..FAILURES_MAX {
            attempts.failed("admin".into(), true, now);
        }
        for at in 0..NAMES_MAX * 2 {
            attempts.failed(format!("guess{at}").into(), false, now);
        }
        assert_eq!(attempts.0.len(), NAMES_MAX);
        assert!(attempts.is_locked("admin", now));
        attempts.failed("guess".into(), false, now + LOCK_TIME);
        assert_eq!(attempts.0.len(), 2, "old guesses are forgotten, a user's failures are not");
        assert!(!attempts.is_locked("admin", now + LOCK_TIME));
        attempts.failed("admin".into(), true, now + LOCK_TIME);
        assert!(attempts.is_locked("admin", now + LOCK_TIME), "one more wrong password locks again");
    }
}
