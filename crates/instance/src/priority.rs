//! How eagerly the system's scheduler runs the present thread, for how long at a time, and on which cores.
//! Leaves who is to step back to `turns`.
//! Start reading at [`step_back`].

#![expect(unsafe_code, reason = "a call to the system that no library wraps; see the one block")]

use std::cell::Cell;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{getpriority_process, setpriority_process};
use rustix::thread::{CpuSet, gettid, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// How much nicer a thread is that steps back: it gets a tenth of what others get, and they never wait for it.
const BACK: i32 = 10;
/// The niceness beyond which there is none.
const NICEST: i32 = 19;
/// How long a thread computes at a time that did not step back: whoever has more to do waits for it at once.
///
/// Who wakes with a shorter slice than the thread that has the core takes the core from it, since Linux 6.12; with the same
/// slice it waits until the other one's is over, or for the next tick, which is up to 4 ms. Shorter ones there are not.
const SLICE: Duration = Duration::from_micros(100);
/// The slice that the system gives to everybody.
const SLICE_USUAL: Duration = Duration::ZERO;

/// What this process may do with its threads.
struct Means {
    /// The niceness with which the process was started.
    usual: i32,
    /// Whether a thread may step back by its niceness and come forward again: that wants a right.
    may_be_nice: bool,
    /// Whether a thread may choose how long it computes at a time.
    may_slice: bool,
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

/// Ends [`step_back`]; without it, the thread computes for a short time at once and is soon back.
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
    if let Err(error) = means.rank(back) {
        tracing::debug!(%error, back, "the priority of a thread stays");
    }
    if means.all != means.most
        && let Err(error) = sched_setaffinity(None, if back { &means.most } else { &means.all })
    {
        tracing::debug!(%error, back, "the cores of a thread stay");
    }
}

impl Means {
    /// Gives the present thread its niceness and its slice, as far as that is allowed.
    fn rank(&self, back: bool) -> io::Result<()> {
        let nice = if back && self.may_be_nice { (self.usual + BACK).min(NICEST) } else { self.usual };
        if self.may_slice {
            return schedule(nice, if back { SLICE_USUAL } else { SLICE });
        }
        if self.may_be_nice { be_nice(nice) } else { Ok(()) }
    }
}

/// Tries it on a thread of its own.
///
/// To leave a core to others is free to all, and so is a slice. Stepping back by niceness is too, but coming forward wants
/// `CAP_SYS_NICE` or an `RLIMIT_NICE` of 20.
fn means() -> &'static Means {
    static MEANS: OnceLock<Means> = OnceLock::new();
    MEANS.get_or_init(|| {
        let usual = getpriority_process(None).unwrap_or_default();
        let tried = std::thread::spawn(move || {
            let may_slice = schedule(usual, SLICE).is_ok();
            (may_slice, be_nice((usual + BACK).min(NICEST)).is_ok() && be_nice(usual).is_ok())
        });
        let (may_slice, may_be_nice) = tried.join().unwrap_or_default();
        let all = sched_getaffinity(None).unwrap_or_default();
        let mut most = all;
        let first = (0..CpuSet::MAX_CPU).find(|core| all.is_set(*core));
        if let Some(first) = first.filter(|_| all.count() > 1) {
            most.unset(first);
        }
        Means { usual, may_be_nice, may_slice, all, most }
    })
}

/// Sets the niceness of the present thread.
fn be_nice(nice: i32) -> io::Result<()> {
    Ok(setpriority_process(Some(gettid()), nice)?)
}

/// Sets the niceness of the present thread and how long it computes at a time, and leaves its policy as it is.
///
/// Kernels before 6.12 take the slice and do nothing with it: sched_setattr(2).
fn schedule(nice: i32, slice: Duration) -> io::Result<()> {
    let attributes = libc::sched_attr {
        size: u32::try_from(size_of::<libc::sched_attr>()).expect("a few numbers"),
        sched_policy: 0,
        sched_flags: u64::try_from(libc::SCHED_FLAG_KEEP_POLICY).expect("a flag"),
        sched_nice: nice,
        sched_priority: 0,
        sched_runtime: u64::try_from(slice.as_nanos()).expect("less than a second"),
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the system reads as many bytes as `size` says, and all of them are there until it returns.
    let result = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
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

    /// The slice of the present thread in nanoseconds, where the kernel tells.
    fn slice() -> Option<u128> {
        let told = std::fs::read_to_string("/proc/thread-self/sched").ok()?;
        let line = told.lines().find(|line| line.starts_with("se.slice"))?;
        line.rsplit_once(' ')?.1.parse().ok()
    }

    /// Tells whether the kernel knows slices: since 6.12.
    fn has_slices() -> bool {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let numbers: Vec<u32> = release.split('.').map_while(|part| part.parse().ok()).take(2).collect();
        numbers >= vec![6, 12]
    }

    #[test]
    fn a_thread_that_waits_for_its_client_computes_for_a_short_time_at_once() {
        prepare();
        let Some(usual) = slice().filter(|_| means().may_slice && has_slices()) else { return };
        come_forward();
        assert_eq!(slice(), Some(SLICE.as_nanos()));
        step_back();
        assert_eq!(slice(), Some(usual));
        come_forward();
    }

    #[test]
    fn niceness_is_counted_from_where_the_process_was_started() {
        let tried = std::thread::spawn(|| {
            let usual = getpriority_process(Some(gettid())).expect("it has one") + 3;
            be_nice(usual).expect("anybody may be nicer");
            let means = Means { usual, ..*means() };
            let nice = || getpriority_process(Some(gettid())).expect("it has one");
            means.rank(true).expect("anybody may be nicer");
            assert_eq!(nice(), if means.may_be_nice { usual + BACK } else { usual });
            means.rank(false).expect("it may come forward where it stepped back");
            assert_eq!(nice(), usual);
        });
        tried.join().expect("no panic");
    }
}
