//! How the allocator of this process deals with the system.
//! Leaves how much may be held to the limits of statements.

#![expect(unsafe_code, reason = "a setting of the C library; see the one block")]

/// The number of `mi_option_purge_delay` (mimalloc.h).
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
/// How long memory that was freed is kept for what comes next, in milliseconds. A second is usual, in which a statement that
/// grows has left about as much behind as it holds.
const KEPT_MILLIS: i64 = 10;

/// Has freed memory go back to the system soon: what one statement has left is there for others.
pub fn give_back_soon() {
    // SAFETY: sets one number; it is called before there are other threads, and would be safe beside them.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, KEPT_MILLIS) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f51_the_number_is_that_of_the_delay() {
        // SAFETY: reads one number.
        let now = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(now(), 1_000, "what is usual in this version");
        give_back_soon();
        assert_eq!(now(), KEPT_MILLIS);
    }
}
