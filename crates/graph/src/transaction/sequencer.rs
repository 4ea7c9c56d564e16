//! Lets waiting threads do their work in groups: the first leads, the others wait for their results.
//! Knows neither transactions nor storage.
//! Start reading at [`Sequencer::submit`].

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

/// A queue of jobs without a thread of its own; whoever comes when nobody leads does the work of all.
pub struct Sequencer<J, R> {
    state: Mutex<State<J, R>>,
    bounds: GroupBounds,
    /// What those get whose leader died.
    abandoned: fn() -> R,
}

struct State<J, R> {
    /// Jobs with their weights and the places of their results.
    queue: VecDeque<(J, usize, Arc<Seat<R>>)>,
    /// Without a leader the queue is empty.
    has_leader: bool,
}

/// How large a group may be.
#[derive(Clone, Copy, Debug)]
pub struct GroupBounds {
    /// Jobs.
    pub jobs_max: usize,
    /// Weights together; a job that is heavier goes alone.
    pub weight_max: usize,
}

/// Where one thread waits. It has its own wake, so that only those are woken who have something to do.
struct Seat<R> {
    call: Mutex<Option<Call<R>>>,
    wake: Condvar,
}

/// Why a thread is woken.
enum Call<R> {
    /// Its job is the first of the next group.
    Lead,
    /// Its job is done.
    Done(R),
}

impl<R> Seat<R> {
    fn new() -> Self {
        Self { call: Mutex::new(None), wake: Condvar::new() }
    }

    fn call(&self, call: Call<R>) {
        *self.call.lock() = Some(call);
        self.wake.notify_one();
    }

    fn wait(&self) -> Call<R> {
        let mut call = self.call.lock();
        loop {
            match call.take() {
                Some(call) => return call,
                None => self.wake.wait(&mut call),
            }
        }
    }
}

impl<J, R> Sequencer<J, R> {
    /// Makes an empty queue whose groups are no larger than `bounds`.
    pub fn new(bounds: GroupBounds, abandoned: fn() -> R) -> Self {
        let state = Mutex::new(State { queue: VecDeque::new(), has_leader: false });
        Self { state, bounds, abandoned }
    }

    /// Gives the result of `job`, after this thread or another one ran it in a group.
    ///
    /// `run` gets the jobs in the order in which they came, and gives a result for each in that order. Never two
    /// groups run at a time.
    pub fn submit(&self, job: J, weight: usize, run: impl Fn(Vec<J>) -> Vec<R>) -> R {
        let seat = Arc::new(Seat::new());
        let mut state = self.state.lock();
        state.queue.push_back((job, weight, Arc::clone(&seat)));
        let must_wait = std::mem::replace(&mut state.has_leader, true);
        drop(state);
        if must_wait && let Call::Done(result) = seat.wait() {
            return result;
        }
        self.lead(run);
        match seat.wait() {
            Call::Done(result) => result,
            Call::Lead => unreachable!("the job of a leader is the first of its group, so it is done"),
        }
    }

    /// Runs the group at the head of the queue.
    fn lead(&self, run: impl Fn(Vec<J>) -> Vec<R>) {
        let mut state = self.state.lock();
        let size = self.bounds.size(state.queue.iter().map(|(_, weight, _)| *weight));
        let (jobs, seats) = state.queue.drain(..size).map(|(job, _, seat)| (job, seat)).unzip();
        drop(state);
        let mut lead = Lead { sequencer: self, seats, results: Vec::new() };
        lead.results = run(jobs);
    }
}

impl GroupBounds {
    /// Tells how many of the jobs that wait go into one group; at least one, if there is one.
    fn size(&self, weights: impl Iterator<Item = usize>) -> usize {
        let mut sum = 0_usize;
        let fits = |weight: &usize| {
            sum = sum.saturating_add(*weight);
            sum <= self.weight_max
        };
        let mut weights = weights.peekable();
        let least = usize::from(weights.peek().is_some());
        weights.take_while(fits).take(self.jobs_max).count().max(least)
    }
}

/// Hands on the lead and gives out the results, also when the work panicked.
struct Lead<'a, J, R> {
    sequencer: &'a Sequencer<J, R>,
    seats: Vec<Arc<Seat<R>>>,
    results: Vec<R>,
}

impl<J, R> Drop for Lead<'_, J, R> {
    fn drop(&mut self) {
        let mut state = self.sequencer.state.lock();
        let next = state.queue.front().map(|(_, _, seat)| Arc::clone(seat));
        state.has_leader = next.is_some();
        drop(state);
        // First of all: the disk is idle until the next group begins.
        if let Some(next) = next {
            next.call(Call::Lead);
        }
        let mut results = std::mem::take(&mut self.results).into_iter();
        for seat in &self.seats {
            seat.call(Call::Done(results.next().unwrap_or_else(self.sequencer.abandoned)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    const BOUNDS: GroupBounds = GroupBounds { jobs_max: 4, weight_max: 100 };

    #[test]
    fn groups_are_bounded_by_jobs_and_by_weight() {
        let size = |weights: &[usize]| BOUNDS.size(weights.iter().copied());
        assert_eq!(size(&[1, 1, 1, 1, 1]), 4);
        assert_eq!(size(&[60, 40, 1]), 2);
        assert_eq!(size(&[60, 41, 1]), 1);
        assert_eq!(size(&[500, 1]), 1);
        assert_eq!(size(&[]), 0);
    }

    #[test]
    fn everyone_gets_the_result_of_the_own_job() {
        let sequencer = Sequencer::new(BOUNDS, || usize::MAX);
        let groups = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for thread in 0..16_usize {
                let (sequencer, groups) = (&sequencer, &groups);
                scope.spawn(move || {
                    for round in 0..20 {
                        let job = thread * 100 + round;
                        let doubled = sequencer.submit(job, 1, |jobs: Vec<usize>| {
                            assert!(jobs.len() <= 4);
                            groups.fetch_add(1, Ordering::Relaxed);
                            std::thread::sleep(Duration::from_micros(200));
                            jobs.iter().map(|job| job * 2).collect()
                        });
                        assert_eq!(doubled, job * 2);
                    }
                });
            }
        });
        assert!(groups.into_inner() < 320);
    }

    #[test]
    fn a_leader_that_panics_leaves_the_queue_usable() {
        let sequencer = Sequencer::new(BOUNDS, || -1);
        let died = std::thread::scope(|scope| scope.spawn(|| sequencer.submit(1, 1, |_| panic!("on purpose"))).join());
        assert!(died.is_err());
        assert_eq!(sequencer.submit(2, 1, |jobs| jobs), 2);
    }
}
