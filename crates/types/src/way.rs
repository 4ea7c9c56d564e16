//! Giving way: a thread whose work can wait lets others have its core in the midst of it.
//!
//! The system's scheduler lets a thread finish its slice, which on many machines ends with the next tick of 4 ms,
//! whoever was woken meanwhile and however much more eager that one is. So a thread that stepped back for others asks
//! the scheduler itself, every now and then, whether somebody waits. Who decides about that is `instance`; the places
//! that work long in small steps say [`step`].

use std::cell::Cell;

/// Steps between two questions: some 20 microseconds of changes in a store.
const STEPS_BETWEEN_QUESTIONS: u32 = 16;

thread_local! {
    /// Steps until the next question; nobody asks while it is zero.
    static STEPS_LEFT: Cell<u32> = const { Cell::new(0) };
}

/// Says whether this thread gives way to others.
pub fn give(way: bool) {
    STEPS_LEFT.set(if way { STEPS_BETWEEN_QUESTIONS } else { 0 });
}

/// Counts a small step of work; a thread that gives way lets others go first after some of them.
#[inline]
pub fn step() {
    let left = STEPS_LEFT.get();
    if left > 0 {
        count_down(left);
    }
}

fn count_down(left: u32) {
    if left == 1 {
        now();
    } else {
        STEPS_LEFT.set(left - 1);
    }
}

/// Lets others go first now, if this thread gives way at all.
pub fn now() {
    if STEPS_LEFT.get() > 0 {
        STEPS_LEFT.set(STEPS_BETWEEN_QUESTIONS);
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_gives_way_counts_its_steps() {
        step();
        now();
        assert_eq!(STEPS_LEFT.get(), 0);
        give(true);
        (0..STEPS_BETWEEN_QUESTIONS - 1).for_each(|_| step());
        assert_eq!(STEPS_LEFT.get(), 1);
        step();
        assert_eq!(STEPS_LEFT.get(), STEPS_BETWEEN_QUESTIONS);
        give(false);
        step();
        assert_eq!(STEPS_LEFT.get(), 0);
    }
}
