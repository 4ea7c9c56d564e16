//! Logging in, slowed down after wrong passwords.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;
use types::CompactString;

use crate::rights::Token;
use crate::{Catalog, CatalogError, Principal, tokens, users};

/// Wrong passwords in a row before a name is locked.
const FAILURES_MAX: u32 = 3;
/// How long a name stays locked after the last wrong password.
const LOCK_TIME: Duration = Duration::from_secs(5);
/// Names that are watched at a time.
const NAMES_MAX: usize = 10_000;
/// What is kept of a name that somebody tried.
const NAME_MAX_CHARACTERS: usize = 80;

/// Tokens of which it is known that they were good once.
const TOKENS_MAX: usize = 10_000;

/// Who tried to log in of late: the wrong passwords by user name, and the tokens that were right.
#[derive(Default)]
pub(crate) struct Attempts {
    failures: HashMap<CompactString, Failures>,
    /// How many passwords of a name are being compared now.
    checking: HashMap<CompactString, u32>,
    /// By their ids: one that was dropped since has ended, and is not a wrong one.
    let_in: HashMap<CompactString, Arc<Token>>,
}

struct Failures {
    count: u32,
    last: Instant,
    /// Whether such a user exists. Made-up names must not push a real one out of the map.
    known: bool,
}

impl Attempts {
    /// Tells how long a name is still locked; nothing where it is not.
    fn locked_for(&self, name: &str, now: Instant) -> Option<Duration> {
        let failures = self.failures.get(name).filter(|failures| failures.count >= FAILURES_MAX)?;
        let left = LOCK_TIME.checked_sub(now.saturating_duration_since(failures.last))?;
        Some(left).filter(|left| !left.is_zero())
    }

    /// Begins to compare a password of a name, unless as many are being compared as may be wrong before it is locked.
    fn begin(&mut self, name: &CompactString) -> bool {
        let checking = self.checking.get(name).copied().unwrap_or_default();
        let failures = self.failures.get(name).map_or(0, |failures| failures.count);
        let may = checking == 0 || failures.saturating_add(checking) < FAILURES_MAX;
        if may {
            self.checking.insert(name.clone(), checking + 1);
        }
        may
    }

    fn end(&mut self, name: &CompactString) {
        if let Some(checking) = self.checking.get_mut(name) {
            *checking -= 1;
            if *checking == 0 {
                self.checking.remove(name);
            }
        }
    }

    fn failed(&mut self, name: CompactString, known: bool, now: Instant) {
        if self.failures.len() >= NAMES_MAX && !self.failures.contains_key(&name) {
            self.failures
                .retain(|_, failures| failures.known || now.saturating_duration_since(failures.last) < LOCK_TIME);
        }
        if self.failures.len() >= NAMES_MAX && !known && !self.failures.contains_key(&name) {
            // Ten thousand made-up names within one lock time: the next ones go unwatched, and unknown they fail anyway.
            return;
        }
        let failures = self.failures.entry(name).or_insert(Failures { count: 0, last: now, known });
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
    }

    fn succeeded(&mut self, name: &str) {
        self.failures.remove(name);
    }

    fn let_in(&mut self, token: &Arc<Token>) {
        if self.let_in.len() >= TOKENS_MAX && !self.let_in.contains_key(&token.id) {
            self.let_in.clear();
        }
        self.let_in.insert(token.id.clone(), Arc::clone(token));
    }

    /// Tells whether somebody was let in by this since the start.
    fn was_let_in(&self, text: &str) -> bool {
        let known = tokens::id_in(text).and_then(|id| self.let_in.get(id));
        known.is_some_and(|token| token.is(text))
    }
}

impl Catalog {
    /// Lets a user in by name and password, or by a token in the place of the password.
    ///
    /// After three wrong passwords in a row the name is locked for five seconds, for the right password too, and
    /// each wrong one after that locks it again. Takes tens of milliseconds on purpose.
    pub fn authenticate(&self, name: &str, password: &str) -> Result<Principal, CatalogError> {
        if !self.password_needed {
            return Ok(Principal::anonymous());
        }
        if tokens::is_token(password) {
            let (principal, names) = (self.authenticate_token(password)?, self.names());
            // Clients that must send a name with a token send the user's, or none.
            let fits = name.is_empty() || names.user_name_of(&principal) == Some(name);
            return if fits { Ok(principal) } else { Err(CatalogError::Unauthorized) };
        }
        let names = self.names();
        let user = names.user(name);
        let right = self.is_right_password(name, user.map(|user| user.password_hash.as_str()), password)?;
        match user {
            // Asked only now: that somebody is suspended is told to nobody who does not know the password.
            Some(user) if right && !user.suspended => Ok(Principal::user(user, None)),
            _ => Err(CatalogError::Unauthorized),
        }
    }

    /// Lets somebody in by a token alone.
    pub fn authenticate_token(&self, text: &str) -> Result<Principal, CatalogError> {
        if !self.password_needed {
            return Ok(Principal::anonymous());
        }
        let names = self.names();
        let token = tokens::find(&names, text).ok_or_else(|| {
            if self.attempts.lock().was_let_in(text) {
                return CatalogError::TokenExpired;
            }
            tracing::warn!("wrong token");
            CatalogError::Unauthorized
        })?;
        if token.is_over(self.clock.wall_nanos()) {
            return Err(CatalogError::TokenExpired);
        }
        match names.book().user_by_id(token.user) {
            Some(user) if !user.suspended => {
                self.attempts.lock().let_in(token);
                Ok(Principal::user(user, Some(token.id.clone())))
            }
            _ => Err(CatalogError::Unauthorized),
        }
    }

    /// Tells whose token a text is, and what it is called: also one that has ended, or was dropped since it let somebody in.
    #[must_use]
    pub fn known_token(&self, text: &str) -> Option<(String, String)> {
        let names = self.names();
        let known = tokens::id_in(text).and_then(|id| self.attempts.lock().let_in.get(id).cloned());
        let token = tokens::find(&names, text).cloned().or_else(|| known.filter(|token| token.is(text)))?;
        let user = names.book().user_by_id(token.user)?;
        Some((user.name.to_string(), token.name.to_string()))
    }

    /// Lets somebody in without a name, which only goes while authentication is off.
    pub fn anonymous(&self) -> Result<Principal, CatalogError> {
        if self.password_needed { Err(CatalogError::Unauthorized) } else { Ok(Principal::anonymous()) }
    }

    /// Compares a password with a hash, unless the name was tried too often; counts what was wrong.
    pub(crate) fn is_right_password(
        &self,
        name: &str,
        hash: Option<&str>,
        password: &str,
    ) -> Result<bool, CatalogError> {
        let watched: CompactString = name.chars().take(NAME_MAX_CHARACTERS).collect();
        let mut attempts = self.attempts.lock();
        loop {
            if let Some(retry_after) = attempts.locked_for(&watched, self.clock.now()) {
                return Err(CatalogError::RateLimit { retry_after });
            }
            if attempts.begin(&watched) {
                break;
            }
            self.attempt_ended.wait(&mut attempts);
        }
        // The lock is not held meanwhile, so that one slow check does not hold up all users.
        let right = MutexGuard::unlocked(&mut attempts, || users::verify(hash, password));
        attempts.end(&watched);
        self.attempt_ended.notify_all();
        let right = right?;
        if right {
            attempts.succeeded(&watched);
        } else {
            tracing::warn!(user = %watched, "wrong name or password");
            attempts.failed(watched, hash.is_some(), self.clock.now());
        }
        Ok(right)
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
        assert_eq!(attempts.failures.len(), NAMES_MAX);
        assert_eq!(attempts.locked_for("admin", now), Some(LOCK_TIME));
        attempts.failed("guess".into(), false, now + LOCK_TIME);
        assert_eq!(attempts.failures.len(), 2, "old guesses are forgotten, a user's failures are not");
        assert_eq!(attempts.locked_for("admin", now + LOCK_TIME), None);
        attempts.failed("admin".into(), true, now + LOCK_TIME);
        assert!(attempts.locked_for("admin", now + LOCK_TIME).is_some(), "one more wrong password locks again");
    }
}
