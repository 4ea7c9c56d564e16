//! Lets waiting threads do their work in groups: the first leads, the others wait for their results.
//! Knows neither transactions nor storage.
//! Start reading at [`Sequencer::submit`].

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

/// A queue of jobs without a thread of its own; whoever comes when nobody leads does the work of all.
pub struct Sequencer<J, R> {
    state: Mutex<State<J, R>>,
    wake: Condvar,
    bounds: GroupBounds,
    /// What those get whose leader died.
    abandoned: fn() -> R,
}

struct State<J, R> {
    /// Jobs with their weights and the places of their results.
    queue: VecDeque<(J, usize, Seat<R>)>,
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

/// Where a waiting thread finds its result.
type Seat<R> = Arc<Mutex<Option<R>>>;

impl<J, R> Sequencer<J, R> {
    /// Makes an empty queue whose groups are no larger than `bounds`.
    pub fn new(bounds: GroupBounds, abandoned: fn() -> R) -> Self {
        let state = Mutex::new(State { queue: VecDeque::new(), has_leader: false });
        Self { state, wake: Condvar::new(), bounds, abandoned }
    }

    /// Gives the result of `job`, after this thread or another one ran it in a group.
    ///
    /// `run` gets the jobs in the order in which they came, and gives a result for each in that order. Never two
    /// groups run at a time.
    pub fn submit(&self, job: J, weight: usize, run: impl Fn(Vec<J>) -> Vec<R>) -> R {
        let seat = Seat::default();
        let mut state = self.state.lock();
        state.queue.push_back((job, weight, Arc::clone(&seat)));
        loop {
            if let Some(result) = seat.lock().take() {
                return result;
            }
            if state.has_leader {
                self.wake.wait(&mut state);
                continue;
            }
            state.has_leader = true;
            let size = self.bounds.size(state.queue.iter().map(|(_, weight, _)| *weight));
            let (jobs, seats) = state.queue.drain(..size).map(|(job, _, seat)| (job, seat)).unzip();
            drop(state);
            let mut lead = Lead { sequencer: self, seats, results: Vec::new() };
            lead.results = run(jobs);
            drop(lead);
            state = self.state.lock();
        }
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

/// Hands out the results and gives the lead up, also when the work panicked.
struct Lead<'a, J, R> {
    sequencer: &'a Sequencer<J, R>,
    seats: Vec<Seat<R>>,
    results: Vec<R>,
}

impl<J, R> Drop for Lead<'_, J, R> {
    fn drop(&mut self) {
        let mut results = std::mem::take(&mut self.results).into_iter();
        for seat in &self.seats {
            *seat.lock() = Some(results.next().unwrap_or_else(self.sequencer.abandoned));
        }
        self.sequencer.state.lock().has_leader = false;
        self.sequencer.wake.notify_all();
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
