//! How eagerly the system's scheduler runs the present thread, and on which cores.
//! Leaves who is to step back to `turns`.
//! Start reading at [`step_back`].

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::setpriority_process;
use rustix::thread::{CpuSet, gettid, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// The niceness of a thread that steps back: it gets a tenth of what others get, and they never wait for it.
const BACK: i32 = 10;

/// What this process may do with its threads.
struct Means {
    /// Whether a thread may step back by its niceness and come forward again: that wants a right.
    may_be_nice: bool,
    /// The cores that the process may use.
    all: CpuSet,
    /// These without one, which is left to those who do not step back; the same where there is but one.
    most: CpuSet,
}

thread_local! {
    /// Nothing yet of a new thread: it has the place of whoever made it.
    static IS_BACK: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Finds out what this process may do; called before any thread steps back.
pub(crate) fn prepare() {
    means();
}

/// Lets all others go first, until [`come_forward`]: by niceness, by leaving one core to them, and by giving way in the
/// midst of work.
pub(crate) fn step_back() {
    go(true);
}

/// Ends [`step_back`]; without it nothing happens.
pub(crate) fn come_forward() {
    go(false);
}

/// Gives the time for which the present thread has had a core.
pub(crate) fn computed() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn go(back: bool) {
    if IS_BACK.replace(Some(back)) == Some(back) {
        return;
    }
    let means = means();
    types::way::give(back);
    if means.may_be_nice
        && let Err(error) = setpriority_process(Some(gettid()), if back { BACK } else { 0 })
    {
        tracing::debug!(%error, back, "the priority of a thread stays");
    }
    if means.all != means.most
        && let Err(error) = sched_setaffinity(None, if back { &means.most } else { &means.all })
    {
        tracing::debug!(%error, back, "the cores of a thread stay");
    }
}

/// Tries it on a thread of its own.
///
/// To leave a core to others is free to all. Stepping back by niceness is too, but coming forward wants `CAP_SYS_NICE`
/// or an `RLIMIT_NICE` of 20.
fn means() -> &'static Means {
    static MEANS: OnceLock<Means> = OnceLock::new();
    MEANS.get_or_init(|| {
        let tried = std::thread::spawn(|| {
            let id = Some(gettid());
            setpriority_process(id, BACK).is_ok() && setpriority_process(id, 0).is_ok()
        });
        let may_be_nice = tried.join().unwrap_or_default();
        let all = sched_getaffinity(None).unwrap_or_default();
        let mut most = all;
        let first = (0..CpuSet::MAX_CPU).find(|core| all.is_set(*core));
        if let Some(first) = first.filter(|_| all.count() > 1) {
            most.unset(first);
        }
        Means { may_be_nice, all, most }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cores() -> CpuSet {
        sched_getaffinity(None).expect("every thread has cores")
    }

    #[test]
    fn a_thread_that_steps_back_leaves_a_core_and_comes_forward_to_all() {
        let (all, cores_max) = (cores(), cores().count());
        prepare();
        step_back();
        assert_eq!(cores().count(), if cores_max > 1 { cores_max - 1 } else { 1 });
        // One that is made meanwhile begins where its maker is.
        let of_another = std::thread::spawn(|| {
            come_forward();
            cores()
        });
        assert_eq!(of_another.join().expect("no panic"), all);
        come_forward();
        assert_eq!(cores(), all);
    }
}
