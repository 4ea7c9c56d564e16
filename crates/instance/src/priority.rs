//! How eagerly the system's scheduler runs the present thread.
//! Leaves who is to step back to `turns`.
//! Start reading at [`step_back`].

use std::cell::Cell;
use std::time::Duration;

use rustix::process::setpriority_process;
use rustix::thread::gettid;
use rustix::time::{ClockId, clock_gettime};

/// The niceness of a thread that steps back: it gets a tenth of what others get, and they never wait for it.
const BACK: i32 = 10;

thread_local! {
    static IS_BACK: Cell<bool> = const { Cell::new(false) };
}

/// Tells whether this process may let a thread step back and come forward again.
///
/// Stepping back is free to all; coming forward wants `CAP_SYS_NICE` or `RLIMIT_NICE` of 20.
pub(crate) fn may_change() -> bool {
    let tried = std::thread::spawn(|| {
        let id = Some(gettid());
        setpriority_process(id, BACK).is_ok() && setpriority_process(id, 0).is_ok()
    });
    tried.join().unwrap_or_default()
}

/// Lets all others go first, until [`come_forward`]: as the scheduler has it, and by giving way in the midst of work.
pub(crate) fn step_back() {
    if !IS_BACK.replace(true) {
        types::way::give(true);
        set(BACK);
    }
}

/// Ends [`step_back`]; without it nothing happens.
pub(crate) fn come_forward() {
    if IS_BACK.replace(false) {
        types::way::give(false);
        set(0);
    }
}

/// Gives the time for which the present thread has had a core.
pub(crate) fn computed() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn set(niceness: i32) {
    if let Err(error) = setpriority_process(Some(gettid()), niceness) {
        tracing::debug!(%error, niceness, "the priority of a thread stays");
    }
}
