//! Keeps LMDB's page lists out of memory until they are used.
//!
//! Each open environment asks the C allocator for some 2 MB of zeroed lists, of which most databases never touch a
//! page. Fresh from the operating system they cost address space only. glibc however stops taking such pieces from
//! there once it has given one back, and clears recycled memory by hand: 256 open databases took 537 MB instead of 16.
#![cfg_attr(
    all(target_os = "linux", target_env = "gnu"),
    expect(unsafe_code, reason = "a setting of the C library; see the one block")
)]

use std::sync::Once;

static SET: Once = Once::new();

/// Lets pieces of more than 128 KiB always come from, and go back to, the operating system. Works on glibc only.
pub(super) fn keep_off_the_heap() {
    SET.call_once(set);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn set() {
    use std::ffi::c_int;

    /// `M_MMAP_THRESHOLD` of `malloc.h`; once it is set, glibc does not move it any more.
    const MMAP_THRESHOLD: c_int = -3;
    const BYTES: c_int = 128 << 10;

    unsafe extern "C" {
        fn mallopt(parameter: c_int, value: c_int) -> c_int;
    }
    // SAFETY: `mallopt` may be called at any time from any thread, takes two numbers and keeps no pointer.
    let set = unsafe { mallopt(MMAP_THRESHOLD, BYTES) };
    if set != 1 {
        tracing::debug!("the C library takes no bound for its heap; open databases take more memory");
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn set() {}
