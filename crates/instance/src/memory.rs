//! Memory that all statements share: what they hold together is bounded, and no database takes all of it.
//! Leaves what one statement may hold to its budget.
//! Start reading at [`Memory::lend`].

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use rustix::process::{Resource, getrlimit};
use types::{Code, DatabaseId, Failure, Refusal, SetBy};

use crate::error::RETRY_SOON;

/// How many times what is left afterwards a database may hold: three quarters of all while it is alone, as dynamic
/// thresholds have it (see `admission`), so that there is always some for a database that holds none.
const SHARE: usize = 3;
/// What statements may hold of what the process may have where nobody says, in hundredths; the rest is for the graphs'
/// topology, for connections, and for what is not counted.
const PART_USUAL: usize = 70;
/// One value takes at most this part of all: it is lent once it is there, and several may be made at a time.
const PART_MADE: usize = 8;
/// The setting that bounds it, and what Neo4j calls that.
const SETTING: &str = "statements_memory_max";
pub(crate) const SETTING_OF_NEO4J: &str = "dbms.memory.transaction.total.max";

/// What the statements of a server hold together, and of which database each is.
pub(crate) struct Memory {
    max_bytes: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    bytes: usize,
    bytes_max: usize,
    of: FxHashMap<DatabaseId, usize>,
}

/// What was lent to a statement for what outlives it; goes back when it is dropped.
pub(crate) struct Loan {
    memory: Arc<Memory>,
    whose: DatabaseId,
    bytes: usize,
}

impl Loan {
    /// Has `bytes` lent altogether.
    ///
    /// Errors: as for [`Memory::lend`]; then it has what it had.
    pub(crate) fn change_to(&mut self, bytes: usize) -> Result<(), Failure> {
        match bytes.checked_sub(self.bytes) {
            Some(more) => self.memory.lend_to(self.whose, self.bytes, more)?,
            None => self.memory.take_back(self.whose, self.bytes - bytes),
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Tells how much it is.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes over `bytes` that were lent already.
    pub(crate) fn of(memory: Arc<Memory>, whose: DatabaseId, bytes: usize) -> Self {
        Self { memory, whose, bytes }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.memory.take_back(self.whose, self.bytes);
        }
    }
}

impl Memory {
    /// Makes room for `max_bytes`.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, held: Mutex::default() }
    }

    /// Lends bytes to a statement of a database. Called for a granule at a time, so a lock is cheap enough.
    ///
    /// Errors: [`Code::MemoryPool`] where all statements would hold too much, or its database too much of it.
    pub(crate) fn lend(&self, whose: DatabaseId, bytes: usize) -> Result<(), Failure> {
        let mut held = self.held.lock();
        let own = held.of.get(&whose).copied().unwrap_or(0);
        let wanted = held.bytes.saturating_add(bytes);
        if !may_hold(own.saturating_add(bytes), wanted, self.max_bytes) {
            let all = held.bytes;
            drop(held);
            return Err(self.refused(bytes, all, own));
        }
        held.bytes = wanted;
        held.bytes_max = held.bytes_max.max(wanted);
        held.of.insert(whose, own + bytes);
        Ok(())
    }

    /// As [`Memory::lend`], to a statement that holds `held` bytes already.
    ///
    /// Errors: as there; [`Code::MemoryLimit`] where that is more than may be held by one that is alone: to wait does not help.
    pub(crate) fn lend_to(&self, whose: DatabaseId, held: usize, bytes: usize) -> Result<(), Failure> {
        let all = held.saturating_add(bytes);
        self.lend(whose, bytes).map_err(|failure| match may_hold(all, all, self.max_bytes) {
            true => failure,
            false => self.too_small(),
        })
    }

    /// Tells whether one statement reaches the end of what all may hold before it has `max_bytes`.
    pub(crate) fn is_below(&self, max_bytes: usize) -> bool {
        self.max_bytes < max_bytes
    }

    /// Says that one statement alone wants more than all may hold together.
    #[cold]
    pub(crate) fn too_small(&self) -> Failure {
        let max = self.max_bytes;
        let text = format!(
            "The statement needs more memory than one may have of the {max} bytes for all statements of the server together, \
             of which the last part is kept for other databases. {SETTING_OF_NEO4J} threshold reached: see the setting \
             {SETTING}."
        );
        let max = u64::try_from(max).unwrap_or(u64::MAX);
        Failure::new(Code::MemoryLimit, text).because_of(Refusal {
            limit: SETTING,
            database: String::new(),
            set_by: SetBy::Server,
            max,
            used: u64::try_from(self.held_bytes()).unwrap_or(u64::MAX),
            wanted: None,
            retry_after: None,
        })
    }

    /// Takes back what was lent.
    pub(crate) fn take_back(&self, whose: DatabaseId, bytes: usize) {
        let mut held = self.held.lock();
        held.bytes -= bytes;
        if let Some(own) = held.of.get_mut(&whose) {
            *own -= bytes;
            if *own == 0 {
                held.of.remove(&whose);
            }
        }
    }

    /// Tells what one value may take.
    pub(crate) fn made_max_bytes(&self) -> usize {
        self.max_bytes / PART_MADE
    }

    /// Tells what is lent now.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held.lock().bytes
    }

    /// Tells the most that was ever lent at a time.
    pub(crate) fn held_bytes_max(&self) -> usize {
        self.held.lock().bytes_max
    }

    /// Tells what may be lent; nothing where that is not bounded.
    pub(crate) fn max_bytes(&self) -> Option<usize> {
        Some(self.max_bytes).filter(|max| *max < usize::MAX)
    }

    #[cold]
    fn refused(&self, bytes: usize, all: usize, own: usize) -> Failure {
        let max = self.max_bytes;
        let text = format!(
            "The allocation of an extra {bytes} bytes would use more than the limit of {max} bytes for all statements \
             of the server together, of which the last part is kept for databases that hold less. Currently using {all} \
             bytes, {own} of them in this database. {SETTING_OF_NEO4J} threshold reached: see the setting {SETTING}."
        );
        let [max, used, wanted] = [max, all, bytes].map(|bytes| u64::try_from(bytes).unwrap_or(u64::MAX));
        Failure::new(Code::MemoryPool, text).because_of(Refusal {
            limit: SETTING,
            database: String::new(),
            set_by: SetBy::Server,
            max,
            used,
            wanted: Some(wanted),
            retry_after: Some(RETRY_SOON),
        })
    }
}

/// Tells whether a database may hold `own` bytes where all together hold `all` then.
fn may_hold(own: usize, all: usize, max: usize) -> bool {
    max.checked_sub(all).is_some_and(|left| own <= left.saturating_mul(SHARE))
}

/// Tells what all statements may hold where nobody says: a part of what this process may have.
pub(crate) fn usual_max_bytes() -> usize {
    match memory_of_process() {
        Some(bytes) => bytes / 100 * PART_USUAL,
        None => usize::MAX,
    }
}

/// Tells what memory this process may have: what the machine has, its control groups allow, and its address space has
/// room for, whichever is least.
fn memory_of_process() -> Option<usize> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let of_groups = group_files(&groups).into_iter().filter_map(|file| number_in(&fs::read_to_string(file).ok()?));
    [of_machine(), of_address_space()].into_iter().flatten().chain(of_groups).min()
}

fn of_machine() -> Option<usize> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    number_in(line.trim_end_matches("kB")).map(|kibibytes| kibibytes * 1_024)
}

/// Address space holds the files of databases too, beside those that are mapped already.
fn of_address_space() -> Option<usize> {
    let max = usize::try_from(getrlimit(Resource::As).current?).ok()?;
    let used_pages = fs::read_to_string("/proc/self/statm").ok().and_then(|text| number_in(text.split(' ').next()?));
    Some(max.saturating_sub(used_pages.unwrap_or(0) * rustix::param::page_size()))
}

fn number_in(text: &str) -> Option<usize> {
    text.trim().parse().ok()
}

/// Lists the files that bound the memory of a process in these control groups, and in those around them.
fn group_files(groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            of if of.split(',').any(|controller| controller == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let path = Path::new(path.trim_start_matches('/'));
        files.extend(path.ancestors().map(|group| Path::new(root).join(group).join(file)));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: DatabaseId = DatabaseId([1; 16]);
    const B: DatabaseId = DatabaseId([2; 16]);

    #[test]
    fn f52_no_database_takes_all_memory() {
        let memory = Memory::new(100);
        let taken = |whose| (0..100).take_while(|_| memory.lend(whose, 1).is_ok()).count();
        assert_eq!(taken(A), 75);
        let refused = memory.lend(A, 1).expect_err("it has three quarters");
        assert_eq!(refused.code(), Code::MemoryPool);
        assert!(refused.message().contains(SETTING), "{refused:?}");
        assert_eq!(taken(B), 18, "another finds some");
        memory.take_back(A, 75);
        assert_eq!((taken(B), memory.held_bytes(), memory.held_bytes_max()), (57, 75, 93));
        memory.take_back(B, 75);
        assert_eq!((memory.held_bytes(), memory.held.lock().of.len()), (0, 0));
        assert!(memory.lend(B, usize::MAX).is_err(), "what overflows is too much");
    }

    #[test]
    fn f52_what_never_fits_is_not_to_be_tried_again() {
        let memory = Memory::new(100);
        memory.lend(B, 50).expect("room");
        let code = |held, bytes| memory.lend_to(A, held, bytes).expect_err("too much").code();
        assert_eq!((code(0, 75), code(20, 55)), (Code::MemoryPool, Code::MemoryPool), "others hold it now");
        assert_eq!((code(0, 76), code(20, 56)), (Code::MemoryLimit, Code::MemoryLimit), "it would not fit alone");
        assert!(memory.lend_to(A, 0, 20).is_ok() && memory.is_below(101) && !memory.is_below(100));
    }

    #[test]
    fn f52_a_loan_goes_back() {
        let memory = Arc::new(Memory::new(100));
        memory.lend(A, 30).expect("room");
        let loan = Loan::of(Arc::clone(&memory), A, 30);
        assert_eq!(memory.held_bytes(), 30);
        let mut loan = loan;
        assert!(loan.change_to(200).is_err() && (loan.bytes(), memory.held_bytes()) == (30, 30), "it has what it had");
        loan.change_to(50).expect("room");
        assert_eq!((loan.bytes(), memory.held_bytes()), (50, 50));
        loan.change_to(10).expect("less");
        assert_eq!((loan.bytes(), memory.held_bytes()), (10, 10));
        drop(loan);
        assert_eq!(memory.held_bytes(), 0);
    }

    #[test]
    fn f52_what_is_not_bounded_is_counted() {
        let memory = Memory::new(usize::MAX);
        memory.lend(A, 1 << 40).expect("no bound");
        assert_eq!((memory.held_bytes(), memory.max_bytes()), (1 << 40, None));
    }

    #[test]
    fn f52_control_groups_and_those_around_them_bound() {
        let files = group_files("12:pids:/x\n4:cpu,memory:/docker/a\n0::/user/b\n");
        let files: Vec<_> = files.iter().map(|file| file.to_str().expect("plain")).collect();
        let expected = [
            "/sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/user/b/memory.max",
            "/sys/fs/cgroup/user/memory.max",
            "/sys/fs/cgroup/memory.max",
        ];
        assert_eq!(files, expected);
        assert_eq!((number_in("max\n"), number_in("1024\n")), (None, Some(1_024)));
        assert!(memory_of_process().is_some_and(|bytes| bytes > 1 << 20));
    }
}
