//! What a statement may still spend: time, rows and memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use types::{Clock, Code, Failure, Value, effort};

/// Rows between two looks at the clock.
const ROWS_BETWEEN_LOOKS: u64 = 256;
/// What a statement holds without asking for it.
const FREE_BYTES: usize = 64 << 10;
/// What it asks for at a time, beyond that.
const GRANULE_BYTES: usize = 1 << 20;
/// What is noted before it is taken, where many little things are.
const GRAIN_BYTES: usize = 4 << 10;
/// From so many bytes on the system is asked first: a list or table that it leaves no room to grow ends the whole server.
const ASKED_OF_SYSTEM_BYTES: usize = 16 << 20;
/// What is computed for several rows together takes at most one of so many parts of what is left.
pub(crate) const PARTS_OF_LEFT: usize = 8;

/// What a statement does between two parts of its work, besides looking at the clock.
pub trait Pace: Send + Sync {
    /// Waits where others are to go first.
    fn look(&self);

    /// Hears how many bytes the statement holds now.
    fn holds(&self, _bytes: usize) {}

    /// Lends it bytes of what all statements share.
    ///
    /// # Errors
    ///
    /// [`Code::MemoryPool`] where the others leave none.
    fn lend(&self, _bytes: usize) -> Result<(), Failure> {
        Ok(())
    }

    /// Takes back bytes that were lent.
    fn take_back(&self, _bytes: usize) {}

    /// Lends so many bytes altogether for changes that are not committed: they outlive the statement that made them.
    ///
    /// # Errors
    ///
    /// As for [`Pace::lend`].
    fn lend_for_changes(&self, _bytes: usize) -> Result<(), Failure> {
        Ok(())
    }
}

/// A statement's allowance; every operator pays from it.
pub struct Budget {
    clock: Arc<dyn Clock>,
    deadline: Option<Instant>,
    interrupted: Arc<AtomicBool>,
    rows_until_look: u64,
    memory_used_bytes: usize,
    /// What changes hold that are not committed, and what was lent for them.
    changes_bytes: usize,
    changes_lent_bytes: usize,
    memory_max_bytes: usize,
    /// What it may hold now: less while a portion of rows is computed that may be made smaller.
    bound_bytes: usize,
    /// What one value may take that is counted once it is there.
    made_max_bytes: usize,
    lent: Lent,
    /// Rows that may still go to the client.
    results_left: u64,
}

/// What a statement may hold before it has to ask for more, and whom it asks; given back when it is dropped.
struct Lent {
    /// [`FREE_BYTES`] of them were not lent.
    bytes: usize,
    pace: Option<Arc<dyn Pace>>,
}

impl Budget {
    /// Starts a budget of `time` from now and of `memory_max_bytes`; `interrupted` ends it from outside.
    #[must_use]
    pub fn start(
        clock: Arc<dyn Clock>,
        time: Option<Duration>,
        memory_max_bytes: usize,
        interrupted: Arc<AtomicBool>,
    ) -> Self {
        let deadline = time.and_then(|time| clock.now().checked_add(time));
        Self { rows_until_look: 0, ..Self::until(clock, deadline, memory_max_bytes, interrupted) }
    }

    /// As [`Budget::start`], ending at `deadline`, for who has just looked at the clock himself.
    #[must_use]
    pub fn until(
        clock: Arc<dyn Clock>,
        deadline: Option<Instant>,
        memory_max_bytes: usize,
        interrupted: Arc<AtomicBool>,
    ) -> Self {
        Self {
            clock,
            deadline,
            interrupted,
            rows_until_look: ROWS_BETWEEN_LOOKS,
            memory_used_bytes: 0,
            changes_bytes: 0,
            changes_lent_bytes: 0,
            memory_max_bytes,
            bound_bytes: memory_max_bytes,
            made_max_bytes: usize::MAX,
            lent: Lent { bytes: FREE_BYTES, pace: None },
            results_left: u64::MAX,
        }
    }

    /// Looks at `pace` too, each time that it looks at the clock.
    #[must_use]
    pub fn at(self, pace: Arc<dyn Pace>) -> Self {
        Self { lent: Lent { bytes: FREE_BYTES, pace: Some(pace) }, ..self }
    }

    /// Bounds the rows that go to the client.
    #[must_use]
    pub fn with_results(self, results_max: u64) -> Self {
        Self { results_left: results_max, ..self }
    }

    /// Pays for rows that are to go to the client; gives how many of them may.
    pub fn pay_results(&mut self, rows: usize) -> usize {
        let may = usize::try_from(self.results_left).map_or(rows, |left| left.min(rows));
        self.results_left -= may as u64;
        may
    }

    /// Pays for `rows` rows that an operator looked at.
    ///
    /// # Errors
    ///
    /// [`Code::TransactionTimedOut`] past the deadline, [`Code::TransactionTerminated`] after an interrupt,
    /// [`Code::MemoryLimit`] where a text was too large to be copied.
    pub fn pay_rows(&mut self, rows: usize) -> Result<(), Failure> {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        if self.rows_until_look > rows {
            self.rows_until_look -= rows;
            return Ok(());
        }
        self.rows_until_look = ROWS_BETWEEN_LOOKS;
        if let Some(pace) = &self.lent.pace {
            pace.look();
        }
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(Failure::new(Code::TransactionTerminated, "Explicitly terminated by the user."));
        }
        if self.deadline.is_some_and(|deadline| deadline <= self.clock.now()) {
            let text = "The transaction has been terminated. The statement took longer than it may; \
                        raise its timeout, or narrow what it matches.";
            return Err(Failure::new(Code::TransactionTimedOut, text));
        }
        if effort::forget_too_large() {
            // What stands for a text that was too large is nothing to go on with.
            return Err(self.crowded());
        }
        self.bound_copies();
        Ok(())
    }

    /// Looks at the clock now, whatever was paid: before something that cannot be taken back.
    ///
    /// # Errors
    ///
    /// As for [`Budget::pay_rows`].
    pub fn look(&mut self) -> Result<(), Failure> {
        self.rows_until_look = 0;
        self.pay_rows(0)
    }

    /// Gives the reason why a statement is over that was ended within a computation.
    pub fn over(&mut self) -> Failure {
        let ended = self.look().err();
        ended.unwrap_or_else(|| Failure::new(Code::TransactionTerminated, "Explicitly terminated by the user."))
    }

    /// Gives the reason why a statement is over that would have had to copy more than it may hold.
    #[must_use]
    pub fn crowded(&self) -> Failure {
        let max = self.memory_max_bytes;
        let text = format!(
            "The texts of some rows would take more than the limit of {max} bytes together; make them shorter, or take \
             fewer rows at a time."
        );
        Failure::new(Code::MemoryLimit, text)
    }

    /// Gives a result; where it failed and the statement was ended meanwhile, that is the reason.
    ///
    /// # Errors
    ///
    /// That of the result, or of [`Budget::pay_rows`].
    pub fn ended_or<T>(&mut self, result: Result<T, Failure>) -> Result<T, Failure> {
        if result.is_err() {
            self.look()?;
        }
        result
    }

    /// Takes memory that an operator keeps: a sort, a hash table, a list.
    ///
    /// # Errors
    ///
    /// [`Code::MemoryLimit`] where the statement would hold more than it may, [`Code::MemoryPool`] where all would.
    pub fn take_memory(&mut self, bytes: usize) -> Result<(), Failure> {
        let wanted = self.memory_used_bytes.saturating_add(bytes);
        if wanted.saturating_add(self.changes_bytes) > self.bound_bytes {
            let (used, max) = (self.memory_used_bytes + self.changes_bytes, self.memory_max_bytes);
            let text = format!(
                "The allocation of an extra {bytes} bytes would use more than the limit of {max} bytes. \
                 Currently using {used} bytes."
            );
            return Err(Failure::new(Code::MemoryLimit, text));
        }
        self.lent.grow_to(wanted)?;
        self.set_used(wanted);
        Ok(())
    }

    /// Counts `bytes` in place of whatever was taken above `before_bytes`.
    ///
    /// # Errors
    ///
    /// As for [`Budget::take_memory`].
    pub fn settle(&mut self, before_bytes: usize, bytes: usize) -> Result<(), Failure> {
        let wanted = before_bytes.saturating_add(bytes);
        match wanted.checked_sub(self.memory_used_bytes) {
            Some(0) => Ok(()),
            Some(more) => self.take_memory(more),
            None => {
                self.set_used(wanted);
                Ok(())
            }
        }
    }

    /// Leaves what it was lent to whoever keeps what the statement held, up to `bytes`; tells how much that is.
    #[must_use]
    pub fn leave_lent(&mut self, bytes: usize) -> usize {
        let left = bytes.div_ceil(GRANULE_BYTES).saturating_mul(GRANULE_BYTES).min(self.lent.bytes - FREE_BYTES);
        self.lent.bytes -= left;
        left
    }

    /// Fails where so many bytes more could not be taken now: for what is there for a moment, and gone before anything else
    /// is taken.
    ///
    /// # Errors
    ///
    /// As for [`Budget::take_memory`]; [`Code::MemoryPool`] also where the system has no block of that size.
    pub fn ask_for(&mut self, bytes: usize) -> Result<(), Failure> {
        if bytes > 0 {
            self.take_memory(bytes)?;
            self.give_back_memory(bytes);
        }
        if bytes < ASKED_OF_SYSTEM_BYTES { Ok(()) } else { ask_system(bytes) }
    }

    /// Fails where there is no room for a list to grow by so many items; while it grows it is there twice.
    ///
    /// # Errors
    ///
    /// As for [`Budget::take_memory`].
    pub fn ask_to_grow<T>(&mut self, list: &Vec<T>, items: usize) -> Result<(), Failure> {
        if list.capacity() - list.len() >= items {
            return Ok(());
        }
        self.ask_for((list.len() + items).saturating_mul(size_of::<T>()))
    }

    /// Says how many bytes the changes take that are not committed; they count until that is said anew.
    ///
    /// # Errors
    ///
    /// [`Code::MemoryLimit`] where the statement holds more than it may, [`Code::MemoryPool`] where all do.
    pub fn hold_changes(&mut self, bytes: usize) -> Result<(), Failure> {
        self.changes_bytes = bytes;
        self.tell();
        // A little is free, as it is for what the statement holds itself.
        let lent_bytes = if bytes <= FREE_BYTES { 0 } else { bytes.next_multiple_of(GRANULE_BYTES) };
        if let Some(pace) = self.lent.pace.as_ref().filter(|_| lent_bytes != self.changes_lent_bytes) {
            pace.lend_for_changes(lent_bytes)?;
            self.changes_lent_bytes = lent_bytes;
        }
        if self.memory_used_bytes.saturating_add(bytes) > self.memory_max_bytes {
            let (used, max) = (self.memory_used_bytes, self.memory_max_bytes);
            let text = format!(
                "The changes of the transaction take {bytes} bytes beside {used} bytes that the statement uses, more than \
                 the limit of {max} bytes. `CALL {{ ... }} IN TRANSACTIONS` commits them in batches."
            );
            return Err(Failure::new(Code::MemoryLimit, text));
        }
        Ok(())
    }

    fn set_used(&mut self, bytes: usize) {
        let is_less = bytes < self.memory_used_bytes;
        self.memory_used_bytes = bytes;
        self.tell();
        if is_less {
            self.lent.shrink_to(bytes);
        }
    }

    fn tell(&self) {
        if let Some(pace) = &self.lent.pace {
            pace.holds(self.memory_used_bytes + self.changes_bytes);
        }
        self.bound_copies();
    }

    /// Says to those who copy texts deep in a computation what they may copy.
    pub fn bound_copies(&self) {
        effort::leave(self.memory_left_bytes());
    }

    /// Bounds what may be taken by an eighth of what is left; gives the bound so far, to go back to with
    /// [`Budget::loosen`].
    #[must_use]
    pub fn tighten(&mut self) -> usize {
        let used = self.memory_used_bytes + self.changes_bytes;
        let tight = used + self.bound_bytes.saturating_sub(used) / PARTS_OF_LEFT;
        let before = std::mem::replace(&mut self.bound_bytes, tight);
        self.bound_copies();
        before
    }

    /// Goes back to the bound before.
    pub fn loosen(&mut self, before: usize) {
        self.bound_bytes = before;
        self.bound_copies();
    }

    /// Gives back memory that was taken.
    pub fn give_back_memory(&mut self, bytes: usize) {
        self.set_used(self.memory_used_bytes.saturating_sub(bytes));
    }

    /// Tells the bytes that are taken, to come back to with [`Budget::return_to`].
    #[must_use]
    pub fn memory_used_bytes(&self) -> usize {
        self.memory_used_bytes
    }

    /// Gives back whatever was taken above `memory_bytes`: what operators held that were let go before their end.
    pub fn return_to(&mut self, memory_bytes: usize) {
        if memory_bytes < self.memory_used_bytes {
            self.set_used(memory_bytes);
        }
    }

    /// Tells the time, for what is measured.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Tells the bytes that the statement may hold altogether.
    #[must_use]
    pub fn memory_max_bytes(&self) -> usize {
        self.memory_max_bytes
    }

    /// Bounds what one value takes, which is counted once it is there.
    #[must_use]
    pub fn with_made_max(self, made_max_bytes: usize) -> Self {
        Self { made_max_bytes, ..self }
    }

    /// Tells the bytes that one value may still take.
    #[must_use]
    pub fn memory_left_bytes(&self) -> usize {
        let left = self.bound_bytes.saturating_sub(self.memory_used_bytes + self.changes_bytes);
        left.min(self.made_max_bytes)
    }
}

/// Memory that is taken bit by bit, and asked for in grains.
#[derive(Debug, Default)]
pub struct Tally {
    bytes: usize,
    taken_bytes: usize,
}

impl Tally {
    /// Takes bytes, or notes that they are to be taken soon.
    ///
    /// # Errors
    ///
    /// As for [`Budget::take_memory`].
    pub fn add(&mut self, bytes: usize, budget: &mut Budget) -> Result<(), Failure> {
        self.bytes += bytes;
        if self.bytes - self.taken_bytes >= GRAIN_BYTES { self.take(budget) } else { Ok(()) }
    }

    /// Tells what was added so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a value to a list, for which there has to be room; what the list grows by is taken.
    ///
    /// # Errors
    ///
    /// As for [`Budget::take_memory`].
    pub fn push(&mut self, list: &mut Vec<Value>, value: Value, budget: &mut Budget) -> Result<(), Failure> {
        self.make_room(list, budget)?;
        self.add(value.own_bytes(), budget)?;
        list.push(value);
        Ok(())
    }

    /// As [`Tally::push`] for a copy, which is counted whole: what it shares with the value goes when that does.
    ///
    /// # Errors
    ///
    /// As for [`Budget::take_memory`].
    pub fn push_copy(&mut self, list: &mut Vec<Value>, value: &Value, budget: &mut Budget) -> Result<(), Failure> {
        self.make_room(list, budget)?;
        budget.ask_for(value.long_bytes())?;
        self.add(value.memory_bytes() - size_of::<Value>(), budget)?;
        list.push(value.clone());
        Ok(())
    }

    /// Has room for one value more in a list; what the list grows by is taken.
    fn make_room(&mut self, list: &mut Vec<Value>, budget: &mut Budget) -> Result<(), Failure> {
        if list.len() == list.capacity() {
            budget.ask_to_grow(list, 1)?;
            let before = list.capacity();
            list.reserve(1);
            self.add((list.capacity() - before) * size_of::<Value>(), budget)?;
        }
        Ok(())
    }

    /// Takes what was only noted so far; tells how much was taken altogether.
    ///
    /// # Errors
    ///
    /// As for [`Budget::take_memory`].
    pub fn finish(mut self, budget: &mut Budget) -> Result<usize, Failure> {
        self.take(budget)?;
        Ok(self.taken_bytes)
    }

    fn take(&mut self, budget: &mut Budget) -> Result<(), Failure> {
        budget.take_memory(self.bytes - self.taken_bytes)?;
        self.taken_bytes = self.bytes;
        Ok(())
    }
}

/// Fails where the system has no block of so many bytes; none of it is touched.
fn ask_system(bytes: usize) -> Result<(), Failure> {
    Vec::<u8>::new().try_reserve_exact(bytes).map_err(|_| {
        let text = format!(
            "The system does not give the server an extra {bytes} bytes. Try again later; where that goes on, lower \
             `statements_memory_max`."
        );
        Failure::new(Code::MemoryPool, text)
    })
}

impl Lent {
    /// Has so many bytes lent altogether, in whole granules.
    fn grow_to(&mut self, bytes: usize) -> Result<(), Failure> {
        let Some(missing) = bytes.checked_sub(self.bytes).filter(|missing| *missing > 0) else { return Ok(()) };
        let granules = missing.div_ceil(GRANULE_BYTES).saturating_mul(GRANULE_BYTES);
        if let Some(pace) = &self.pace {
            pace.lend(granules)?;
        }
        self.bytes = self.bytes.saturating_add(granules);
        Ok(())
    }

    /// Gives back what is no longer held, but for a granule: what is let go is often taken again.
    fn shrink_to(&mut self, bytes: usize) {
        let idle = self.bytes.saturating_sub(bytes.max(FREE_BYTES)) / GRANULE_BYTES;
        self.give_back(idle.saturating_sub(1) * GRANULE_BYTES);
    }

    fn give_back(&mut self, bytes: usize) {
        self.bytes -= bytes;
        if let Some(pace) = self.pace.as_ref().filter(|_| bytes > 0) {
            pace.take_back(bytes);
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.give_back(self.bytes - FREE_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A clock that stands still until it is moved.
    struct Stopped(Mutex<Instant>);

    impl Clock for Stopped {
        fn now(&self) -> Instant {
            *self.0.lock().expect("no test panics while it holds the clock")
        }

        fn wall_nanos(&self) -> i128 {
            0
        }
    }

    fn code(result: Result<(), Failure>) -> Option<Code> {
        result.err().map(|failure| failure.code())
    }

    #[test]
    fn time_ends_at_the_deadline() {
        let clock = Arc::new(Stopped(Mutex::new(types::SystemClock.now())));
        let interrupted = Arc::new(AtomicBool::new(false));
        let mut budget = Budget::start(clock.clone(), Some(Duration::from_secs(5)), 0, interrupted.clone());
        assert_eq!(code(budget.pay_rows(5_000)), None);
        *clock.0.lock().expect("nobody panics") += Duration::from_secs(5);
        assert_eq!(code(budget.pay_rows(5_000)), Some(Code::TransactionTimedOut));
        interrupted.store(true, Ordering::Relaxed);
        assert_eq!(code(budget.pay_rows(5_000)), Some(Code::TransactionTerminated));
    }

    #[test]
    fn f52_rows_for_the_client_are_bounded() {
        let budget = Budget::start(Arc::new(types::SystemClock), None, 100, Arc::default());
        let mut budget = budget.with_results(10);
        assert_eq!([7, 7, 7].map(|rows| budget.pay_results(rows)), [7, 3, 0]);
    }

    #[test]
    fn memory_is_taken_and_given_back() {
        let mut budget = Budget::start(Arc::new(types::SystemClock), None, 100, Arc::default());
        assert_eq!(code(budget.take_memory(60)), None);
        assert_eq!(code(budget.take_memory(60)), Some(Code::MemoryLimit));
        budget.give_back_memory(60);
        assert_eq!(code(budget.take_memory(100)), None);
        assert_eq!(budget.memory_left_bytes(), 0);
    }

    #[test]
    fn f52_a_block_that_the_system_does_not_have_is_refused_beforehand() {
        let mut budget = Budget::start(Arc::new(types::SystemClock), None, usize::MAX, Arc::default());
        assert_eq!(code(budget.ask_for(ASKED_OF_SYSTEM_BYTES)), None);
        assert_eq!(code(budget.ask_for(1 << 60)), Some(Code::MemoryPool));
        assert_eq!(budget.memory_used_bytes(), 0);
    }

    /// Lends up to a bound, and keeps what is lent.
    struct Lender {
        lent: Mutex<usize>,
        for_changes: Mutex<usize>,
        max: usize,
    }

    impl Pace for Lender {
        fn look(&self) {}

        fn lend(&self, bytes: usize) -> Result<(), Failure> {
            let mut lent = self.lent.lock().expect("nobody panics");
            if *lent + bytes > self.max {
                return Err(Failure::new(Code::MemoryPool, "no more"));
            }
            *lent += bytes;
            Ok(())
        }

        fn take_back(&self, bytes: usize) {
            *self.lent.lock().expect("nobody panics") -= bytes;
        }

        fn lend_for_changes(&self, bytes: usize) -> Result<(), Failure> {
            *self.for_changes.lock().expect("nobody panics") = bytes;
            Ok(())
        }
    }

    #[test]
    fn f52_what_many_share_is_lent_in_granules_and_comes_back() {
        let lender = Arc::new(Lender { lent: Mutex::default(), for_changes: Mutex::default(), max: 9 * GRANULE_BYTES });
        let lent = || *lender.lent.lock().expect("nobody panics") / GRANULE_BYTES;
        let for_changes = || *lender.for_changes.lock().expect("nobody panics");
        let budget = Budget::start(Arc::new(types::SystemClock), None, usize::MAX, Arc::default());
        let mut budget = budget.at(Arc::clone(&lender) as Arc<dyn Pace>);
        assert_eq!((code(budget.take_memory(FREE_BYTES)), lent()), (None, 0), "a little is free");
        assert_eq!((code(budget.take_memory(1)), lent()), (None, 1));
        assert_eq!((code(budget.take_memory(5 * GRANULE_BYTES)), lent()), (None, 6));
        // Changes are lent to the transaction, which outlives the statement.
        assert_eq!((code(budget.hold_changes(FREE_BYTES)), for_changes()), (None, 0));
        assert_eq!((code(budget.hold_changes(GRANULE_BYTES + 1)), for_changes()), (None, 2 * GRANULE_BYTES));
        assert_eq!((code(budget.take_memory(4 * GRANULE_BYTES)), lent()), (Some(Code::MemoryPool), 6));
        budget.give_back_memory(5 * GRANULE_BYTES);
        assert_eq!(lent(), 2, "one more than is held");
        assert_eq!(budget.leave_lent(1), GRANULE_BYTES);
        drop(budget);
        assert_eq!((lent(), for_changes()), (1, 2 * GRANULE_BYTES), "what was left to somebody is his");
    }
}
