//! Named places at which a test can end the process, as a crash would, or have something fail, as a disk would.
//! Does nothing at all unless `SHEAF_FAILPOINT` is set when the process starts.
//! Start reading at [`reach`].

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The variable: `name` for the first time a place is reached, `name:3` for the third.
pub const VARIABLE: &str = "SHEAF_FAILPOINT";

static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

/// Ends the process here if the environment asked for it; otherwise costs one load.
///
/// Nothing is cleaned up: no destructor runs and nothing is flushed, which is what the caller wants to survive.
#[inline]
pub fn reach(name: &'static str) {
    if fails(name) {
        std::process::abort();
    }
}

/// Tells whether what comes here is to fail because the environment asked for it; otherwise costs one load.
#[inline]
#[must_use]
pub fn fails(name: &'static str) -> bool {
    let armed = ARMED.get_or_init(|| Armed::parse(&std::env::var(VARIABLE).ok()?));
    armed.as_ref().is_some_and(|armed| armed.is_due(name))
}

struct Armed {
    name: String,
    /// How many more times the place is passed unharmed.
    left: AtomicU32,
}

impl Armed {
    fn parse(text: &str) -> Option<Self> {
        let (name, time) = match text.split_once(':') {
            Some((name, time)) => (name, time.parse::<u32>().ok()?),
            None => (text, 1),
        };
        Some(Self { name: name.to_owned(), left: AtomicU32::new(time.checked_sub(1)?) })
    }

    fn is_due(&self, name: &str) -> bool {
        // Once: behind it comes a number of times that nobody waits for.
        self.name == name && self.left.fetch_sub(1, Ordering::AcqRel) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_times() {
        let armed = Armed::parse("commit:3").expect("well formed");
        let due: Vec<bool> = ["commit", "other", "commit", "commit", "commit"].map(|name| armed.is_due(name)).into();
        assert_eq!(due, [false, false, false, true, false]);
    }

    #[test]
    fn refuses_nonsense() {
        assert!(Armed::parse("commit:0").is_none() && Armed::parse("commit:x").is_none());
        assert!(Armed::parse("commit").expect("once").is_due("commit"));
    }
}
