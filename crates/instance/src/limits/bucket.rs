//! Tokens for what is bounded per second, shared fairly among users.
//!
//! Tokens come at the rate of the limit and gather up to the burst. While several users ask, each has a share of a
//! second's tokens to himself; what the others do not take of theirs is anybody's by the end of the second.

use std::time::{Duration, Instant};

use catalog::UserId;
use rustc_hash::FxHashMap;

/// Users are remembered for so long, and their shares are counted anew.
const EPOCH: Duration = Duration::from_secs(1);
/// Most users whose shares are kept apart; beyond them all others share one.
const USERS_MAX: usize = 4_096;

/// How fast tokens come, and how many gather.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pace {
    pub(crate) per_second: u64,
    pub(crate) burst: u64,
}

impl Pace {
    /// Takes a burst of 0 for one second's worth.
    pub(crate) fn new(per_second: u64, burst: u64) -> Self {
        Self { per_second, burst: if burst == 0 { per_second } else { burst } }
    }
}

/// The tokens of one limit.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// Fractions are kept; below zero after changes that were counted when they were done.
    tokens: f64,
    filled_at: Option<Instant>,
    epoch_at: Option<Instant>,
    epoch_ends_at: Option<Instant>,
    /// What everybody took in this epoch.
    taken_now: u64,
    /// What each user took in this epoch; absent who did not ask.
    taken: FxHashMap<Option<UserId>, f64>,
    /// Who asked last in this epoch, and is among those.
    last: Option<Option<UserId>>,
    /// How many users asked in the epoch before.
    asked_before: usize,
    /// What is still set aside for users who asked in the epoch before.
    reserved: f64,
}

impl Bucket {
    /// Begins full.
    pub(crate) fn new() -> Self {
        Self {
            tokens: f64::INFINITY,
            filled_at: None,
            epoch_at: None,
            epoch_ends_at: None,
            taken_now: 0,
            taken: FxHashMap::default(),
            last: None,
            asked_before: 0,
            reserved: 0.0,
        }
    }

    /// Takes a token for `user`, or tells how long to wait for one.
    pub(crate) fn take(&mut self, user: Option<UserId>, pace: Pace, now: Instant) -> Result<(), Duration> {
        self.fill(pace, now);
        if self.last != Some(user) {
            let kept = user.filter(|_| self.taken.len() < USERS_MAX || self.taken.contains_key(&user));
            self.taken.entry(kept).or_insert(0.0);
            self.last = Some(user);
        }
        // Nobody to share with asked in the second before, so nobody's part is counted in this one.
        if self.asked_before <= 1 && self.tokens >= 1.0 {
            self.tokens -= 1.0;
            self.taken_now += 1;
            return Ok(());
        }
        let rate = pace.per_second as f64;
        let share = rate / self.asked_before.max(1) as f64;
        let begun = self.epoch_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let left_of_epoch = 1.0 - (begun.as_secs_f64() / EPOCH.as_secs_f64()).min(1.0);
        let user = user.filter(|_| self.taken.contains_key(&user));
        let Some(taken) = self.taken.get_mut(&user) else { return Err(EPOCH) };
        let own = (share - *taken).max(0.0);
        // What others may still ask for is set aside, less and less as their second goes by.
        // One token is always left for each of them: that much anybody may take as soon as the next second begins.
        let withheld = if self.asked_before > 1 {
            let of_each = (self.asked_before as f64).min(rate / 2.0).max(1.0);
            ((self.reserved - own).max(0.0) * left_of_epoch).max(of_each)
        } else {
            0.0
        };
        // A share comes over the second: who would take all of it at once would leave the others nothing for a while.
        let within_share = *taken < share * (1.0 - left_of_epoch) + 1.0 && self.asked_before > 1;
        if self.tokens >= 1.0 && (within_share || self.tokens - withheld >= 1.0) {
            self.tokens -= 1.0;
            self.taken_now += 1;
            self.reserved -= own.min(1.0);
            *taken += 1.0;
            return Ok(());
        }
        let missing = (1.0 - self.tokens).max(if within_share { 0.0 } else { 1.0 + withheld - self.tokens });
        Err(Duration::try_from_secs_f64((missing / rate).max(0.001)).unwrap_or(EPOCH))
    }

    /// Takes tokens for what was done already; who asks next waits until they are paid.
    pub(crate) fn owe(&mut self, tokens: u64, pace: Pace, now: Instant) {
        self.fill(pace, now);
        // No more than a minute's worth: one large statement must not lock the door for days.
        self.tokens = (self.tokens - tokens as f64).max(-60.0 * pace.per_second as f64);
    }

    /// Counts what is used of a burst that is less than a second's worth, else of the second: changes that are owed too.
    pub(crate) fn used(&self, pace: Pace) -> u64 {
        let gone = |whole: u64| (whole as f64 - self.tokens.floor()).max(0.0) as u64;
        if pace.burst < pace.per_second { gone(pace.burst) } else { gone(pace.per_second).max(self.taken_now) }
    }

    /// Counts the tokens that are there.
    pub(crate) fn left(&mut self, pace: Pace, now: Instant) -> u64 {
        self.fill(pace, now);
        self.tokens.max(0.0) as u64
    }

    fn fill(&mut self, pace: Pace, now: Instant) {
        let since = self.filled_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.tokens = (self.tokens + since.as_secs_f64() * pace.per_second as f64).min(pace.burst as f64);
        self.filled_at = Some(self.filled_at.map_or(now, |at| at.max(now)));
        if self.epoch_ends_at.is_none_or(|end| now >= end) {
            let is_long_over = self.epoch_at.is_some_and(|at| now.saturating_duration_since(at) >= EPOCH * 2);
            self.asked_before = if is_long_over { 0 } else { self.taken.len() };
            self.reserved = pace.per_second as f64;
            self.taken.clear();
            self.taken_now = 0;
            self.last = None;
            self.epoch_at = Some(now);
            self.epoch_ends_at = now.checked_add(EPOCH);
        }
    }
}

#[cfg(test)]
mod tests {
    use types::{Clock, SystemClock};

    use super::*;

    fn user(name: &str) -> Option<UserId> {
        let number = name.bytes().fold(0_u128, |number, byte| number << 8 | u128::from(byte));
        UserId::parse(&format!("{number:x}"))
    }

    fn at(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn f56_a_burst_and_then_the_rate() {
        let (mut bucket, start, pace) = (Bucket::new(), SystemClock.now(), Pace::new(10, 20));
        let taken = (0..50).filter(|_| bucket.take(user("ann"), pace, start).is_ok()).count();
        assert_eq!(taken, 20, "the burst");
        assert_eq!(bucket.used(pace), 20, "all of it in one second");
        let wait = bucket.take(user("ann"), pace, start).expect_err("it is empty");
        assert_eq!(wait, Duration::from_millis(100));
        let taken = (0..1_000).filter(|step| bucket.take(user("ann"), pace, at(start, step * 10)).is_ok()).count();
        assert!((98..=101).contains(&taken), "ten seconds of ten: {taken}");
        assert_eq!(bucket.left(pace, at(start, 60_000)), 20);
    }

    #[test]
    fn f56_a_greedy_user_leaves_the_others_their_share() {
        let (mut bucket, start, pace) = (Bucket::new(), SystemClock.now(), Pace::new(100, 100));
        let (mut greedy, mut modest) = (0, 0);
        for step in 0..10_000_u64 {
            let now = at(start, step);
            for _ in 0..3 {
                greedy += u32::from(bucket.take(user("greedy"), pace, now).is_ok());
            }
            // Asks for 40 a second, which is less than half.
            if step % 25 == 0 {
                modest += u32::from(bucket.take(user("modest"), pace, now).is_ok());
            }
        }
        // In the first second nobody knows yet that there are two.
        assert!(modest >= 340, "of 400 that were asked for, {modest} were granted");
        assert!((1_000..=1_110).contains(&(greedy + modest)), "nothing is wasted: {greedy} and {modest}");
    }

    #[test]
    fn f56_who_keeps_to_his_share_is_not_refused() {
        let check = |asks_per_second: u64| {
            let (mut bucket, start, pace) = (Bucket::new(), SystemClock.now(), Pace::new(20, 20));
            let (mut refused, every) = (0, 1_000 / asks_per_second);
            for step in 0..20_000_u64 {
                let now = at(start, step);
                (0..4).for_each(|_| _ = bucket.take(user("greedy"), pace, now));
                // In the first second nobody knows yet that there are two.
                if step % every == 0 && bucket.take(user("calm"), pace, now).is_err() && step >= 2_000 {
                    refused += 1;
                }
            }
            assert_eq!(refused, 0, "of {asks_per_second} a second");
        };
        [1, 3, 4, 6, 7, 9].into_iter().for_each(check);
    }

    #[test]
    fn f56_what_is_used_is_counted_as_it_is() {
        let check = |pace: Pace, asked: usize, at_millis: u64, expected: u64| {
            let (mut bucket, start) = (Bucket::new(), SystemClock.now());
            (0..asked).for_each(|_| _ = bucket.take(None, pace, start));
            bucket.left(pace, at(start, at_millis));
            assert_eq!(bucket.used(pace), expected, "{pace:?} {asked} {at_millis}");
        };
        check(Pace::new(5, 2), 3, 0, 2);
        check(Pace::new(5, 2), 3, 200, 1);
        check(Pace::new(5, 0), 6, 0, 5);
        check(Pace::new(5, 20), 21, 0, 20);
        check(Pace::new(5, 20), 21, 1_100, 0);
    }

    #[test]
    fn f57_debts_are_paid_before_the_next_token() {
        let (mut bucket, start, pace) = (Bucket::new(), SystemClock.now(), Pace::new(10, 10));
        bucket.take(None, pace, start).expect("it is full");
        bucket.owe(19, pace, start);
        let wait = bucket.take(None, pace, start).expect_err("ten are owed");
        assert_eq!(wait, Duration::from_millis(1_100));
        assert!(bucket.take(None, pace, at(start, 1_100)).is_ok());
    }

    #[test]
    fn a_clock_that_stands_gives_no_tokens() {
        let (mut bucket, start, pace) = (Bucket::new(), SystemClock.now(), Pace::new(1, 1));
        bucket.take(None, pace, at(start, 500)).expect("it is full");
        assert!(bucket.take(None, pace, start).is_err());
        assert!(bucket.take(None, pace, at(start, 500)).is_err());
    }
}
