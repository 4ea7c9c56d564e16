//! The open databases: opened on first use, kept while used, closed when idle.
//! Leaves names and rights to `catalog`; who comes here holds a grant.
//! Start reading at [`Databases::open`].

mod copy;
mod encrypted;
mod held;
mod journals;
mod standing;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use catalog::{CatalogError, Database as Row, Names, Requested};
use parking_lot::{Condvar, Mutex};
use rustc_hash::FxHashMap;
use store::{Engine, Image, OpenOptions};
use types::{Clock, Code, DatabaseId, DatabaseName, Failure};

use crate::error::of_store;
use crate::instance::Shared;
use crate::limits::Meters;
use crate::open_database::OpenDatabase;

pub(crate) use copy::TRIED;
use held::Held;
pub(crate) use held::{Counts, Place};
use journals::Journals;
use standing::Glances;
pub(crate) use standing::Standing;

/// How long stopping waits for those who use the database.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a file that has to grow waits for its readers, before results that are half read are asked to let go.
const GROW_TIME_MAX: Duration = Duration::from_secs(1);
/// How often it looks whether they are gone.
const CLOSE_LOOK_TIME: Duration = Duration::from_millis(2);

/// How many databases stay open, for how long, and how much they map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) open_max: usize,
    pub(crate) idle_after: Duration,
    pub(crate) map_start_bytes: u64,
}

/// Every database of the instance that is open, or was.
pub(crate) struct Databases {
    engine: Arc<dyn Engine>,
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    begun: Instant,
    bounds: Bounds,
    slots: Mutex<FxHashMap<DatabaseId, Arc<Slot>>>,
    meters: Arc<Meters>,
    glances: Glances,
    held: Held,
    journals: Journals,
}

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    changed: Condvar,
    /// Odd while it is being stopped, dropped or replaced: nobody new gets in. Each change adds one.
    door: AtomicU64,
}

#[derive(Default)]
enum State {
    #[default]
    Closed,
    /// One caller opens it; the others wait for the outcome.
    Opening,
    Open(Arc<OpenDatabase>),
    /// It did not open, and whoever asks next tries again.
    Unopened(Failure),
    /// It does not open until somebody mends it.
    Failed(Failure),
}

impl Slot {
    fn is_barred(&self) -> bool {
        !self.door.load(Ordering::Acquire).is_multiple_of(2)
    }
}

/// A time during which nobody new may use a database: over for good once somebody has let others in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bar(u64);

/// Wakes those who wait for an opening, however it ends: after a defect they try it themselves.
struct Opening<'a>(&'a Slot);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        if matches!(*state, State::Opening) {
            *state = State::Closed;
        }
        drop(state);
        self.0.changed.notify_all();
    }
}

/// What waiting for those who use a database came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It is closed, and nobody new gets in.
    Closed,
    /// Somebody let everybody in again meanwhile, and what was under way goes on.
    Allowed,
}

/// How to treat a file during whose opening the process died twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Refuse it.
    Usual,
    /// Open it all the same: somebody said so.
    Forgiving,
}

impl Databases {
    /// Makes a registry over the folders below `folder`, with nothing open.
    pub(crate) fn new(
        engine: Arc<dyn Engine>,
        folder: PathBuf,
        clock: Arc<dyn Clock>,
        bounds: Bounds,
        meters: Arc<Meters>,
    ) -> Self {
        let begun = clock.now();
        Self {
            engine,
            folder,
            clock,
            begun,
            bounds,
            slots: Mutex::default(),
            meters,
            glances: Glances::default(),
            held: Held::default(),
            journals: Journals::default(),
        }
    }

    /// Gives a database, opening it if nobody did. Callers for the same one wait for one opening. A forgiving one also tries
    /// again what failed before.
    ///
    /// `is_there` is asked before it is opened: whoever comes late with names of before may mean one that is dropped.
    ///
    /// # Errors
    ///
    /// [`Code::DatabaseUnavailable`] while it is stopped, and after it failed to open; [`Code::DatabaseNotFound`].
    pub(crate) fn open(
        &self,
        row: &Row,
        trust: Trust,
        is_there: &dyn Fn() -> bool,
    ) -> Result<Arc<OpenDatabase>, Failure> {
        if row.requested == Requested::Offline {
            return Err(unavailable(&row.name));
        }
        self.open_if(row, trust, &|slot| !slot.is_barred(), is_there)
    }

    /// As [`Databases::open`], to copy it: one that is stopped opens too, and stays stopped for everybody else.
    ///
    /// `is_there` tells whether it is still to be had; who drops it afterwards waits for the copy.
    pub(crate) fn open_to_copy(&self, row: &Row, is_there: &dyn Fn() -> bool) -> Result<Arc<OpenDatabase>, Failure> {
        self.open_if(row, Trust::Usual, &|_| is_there(), is_there)
    }

    /// As [`Databases::open_trusting`], of one that nobody may use yet, to see whether it opens.
    pub(crate) fn open_barred(&self, row: &Row) -> Result<(), Failure> {
        self.open_if(row, Trust::Forgiving, &|_| true, &|| true).map(drop)
    }

    fn open_if(
        &self,
        row: &Row,
        trust: Trust,
        may: &dyn Fn(&Slot) -> bool,
        is_there: &dyn Fn() -> bool,
    ) -> Result<Arc<OpenDatabase>, Failure> {
        let slot = self.slot(row.id);
        let mut state = slot.state.lock();
        loop {
            if !may(&slot) {
                return Err(unavailable(&row.name));
            }
            match &*state {
                State::Open(database) => match database.damage.get() {
                    None if database.is_worn() && Arc::strong_count(database) == 1 => {
                        self.close(&mut state);
                    }
                    None => {
                        database.used_at_millis.store(self.now_millis(), Ordering::Relaxed);
                        return Ok(Arc::clone(database));
                    }
                    Some(failure) => {
                        let failure = failure.clone();
                        *state = State::Failed(failure);
                    }
                },
                State::Opening => slot.changed.wait(&mut state),
                State::Failed(failure) if trust == Trust::Usual => return Err(failed(&row.name, failure)),
                State::Failed(_) | State::Unopened(_) | State::Closed => break,
            }
        }
        // Under the lock: who drops it afterwards waits until it is open, and closes it.
        if !is_there() {
            return Err(gone(&row.name));
        }
        *state = State::Opening;
        self.glances.lock().remove(&row.id);
        self.held.lock().remove(&row.id);
        drop(state);
        let _opening = Opening(&slot);
        self.make_room();
        let opened = self.open_files(row, trust);
        let mut state = slot.state.lock();
        match opened {
            Ok(database) => {
                *state = State::Open(Arc::clone(&database));
                Ok(database)
            }
            Err(failure) => {
                let folder = self.folder.join(&row.folder);
                let (folder, code) = (folder.display(), failure.code());
                tracing::error!(database = %row.name, %folder, ?code, reason = %failure, "database did not open");
                let reported = failed(&row.name, &failure);
                *state = match kind_of(&failure) {
                    Refusal::Lasting => State::Failed(failure),
                    Refusal::OfFiles => State::Unopened(failure),
                    Refusal::Passing => State::Closed,
                };
                Err(reported)
            }
        }
    }

    /// Makes the files of a new database, empty; what an earlier try left there goes first.
    pub(crate) fn make(&self, row: &Row) -> Result<Arc<OpenDatabase>, Failure> {
        self.make_room();
        let slot = self.slot(row.id);
        let mut state = slot.state.lock();
        self.remove_files(row)?;
        let options = OpenOptions { create: true, ..self.options(row, Trust::Usual) };
        let database = self.open_with(row, &options)?;
        *state = State::Open(Arc::clone(&database));
        Ok(database)
    }

    /// Refuses what fills a database that nobody finds yet, where it is more than the database may hold.
    pub(crate) fn check_held(&self, row: &Row) -> Result<(), Failure> {
        let database = self.open_if(row, Trust::Usual, &|_| true, &|| true)?;
        database.graph.check_held().map_err(|error| database.fail(error))
    }

    /// Lets nobody new use a database, until [`Databases::allow`].
    pub(crate) fn refuse(&self, id: DatabaseId) -> Bar {
        Bar(self.slot(id).door.fetch_or(1, Ordering::AcqRel) | 1)
    }

    /// Tells whether nobody new could use a database since then.
    pub(crate) fn is_refused_since(&self, id: DatabaseId, bar: Bar) -> bool {
        self.slot(id).door.load(Ordering::Acquire) == bar.0
    }

    /// Closes a database that nobody new may use: what is under way gets the time `drain` to end, then it is ended.
    ///
    /// Somebody who allows it again in between has his way.
    ///
    /// # Errors
    ///
    /// [`Code::DatabaseUnavailable`] where somebody does not let go of it in time.
    pub(crate) fn stop(&self, row: &Row, drain: Duration) -> Result<Ended, Failure> {
        self.end(row, drain, &unavailable(&row.name))
    }

    /// As [`Databases::stop`]; whoever comes back to what was under way hears `ended`.
    pub(crate) fn end(&self, row: &Row, drain: Duration, ended: &Failure) -> Result<Ended, Failure> {
        let slot = self.slot(row.id);
        let ends_at = self.clock.now() + drain;
        let deadline = ends_at + CLOSE_TIME_MAX;
        loop {
            if !slot.is_barred() {
                return Ok(Ended::Allowed);
            }
            let mut state = slot.state.lock();
            let database = match &*state {
                State::Opening => {
                    slot.changed.wait_for(&mut state, CLOSE_LOOK_TIME);
                    None
                }
                State::Open(database) if Arc::strong_count(database) > 1 => Some(Arc::clone(database)),
                State::Open(_) => {
                    self.close(&mut state);
                    return Ok(Ended::Closed);
                }
                State::Closed | State::Unopened(_) | State::Failed(_) => {
                    *state = State::Closed;
                    return Ok(Ended::Closed);
                }
            };
            drop(state);
            if let Some(database) = database {
                if self.clock.now() >= ends_at {
                    database.leases.end_all(&row.name, ended, CLOSE_LOOK_TIME);
                }
                drop(database);
                std::thread::sleep(CLOSE_LOOK_TIME);
            }
            if self.clock.now() >= deadline {
                let text = format!("Database '{}' is still in use by statements that do not end.", row.name);
                return Err(Failure::new(Code::DatabaseUnavailable, text));
            }
        }
    }

    /// Lets a stopped database be opened again.
    pub(crate) fn allow(&self, id: DatabaseId) {
        let door = &self.slot(id).door;
        let _ = door.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| Some(count.next_multiple_of(2)));
    }

    /// Closes a database unless somebody uses it.
    pub(crate) fn close_unused(&self, id: DatabaseId) {
        let slot = self.slots.lock().get(&id).cloned();
        if let Some(slot) = slot {
            self.close_if_unused(&slot);
        }
    }

    /// Refuses to drop an encrypted database whose key could not be destroyed; nothing is done to it.
    pub(crate) fn check_erasable(&self, row: &Row) -> Result<(), Failure> {
        if !row.options.is_encrypted() {
            return Ok(());
        }
        self.engine.can_erase(&self.folder.join(&row.folder)).map_err(|error| {
            let why = of_store(&error);
            let text =
                format!("Failed to delete the specified database '{}': its key cannot be destroyed: {why}", row.name);
            Failure::new(why.code(), text)
        })
    }

    /// Removes the files of a database that nobody has open, and forgets it.
    pub(crate) fn remove(&self, row: &Row) -> Result<(), Failure> {
        self.remove_files(row)?;
        self.slots.lock().remove(&row.id);
        self.glances.lock().remove(&row.id);
        self.held.lock().remove(&row.id);
        self.journals.forget(row.id);
        Ok(())
    }

    /// Removes a folder that was made only to try something.
    pub(crate) fn remove_tried(&self, folder: &str) -> Result<(), Failure> {
        let path = self.folder.join(folder);
        self.engine.remove(&path).map_err(|error| of_store(&error))?;
        // Whatever else lies in it is not ours, and then it stays.
        let _ = fs::remove_dir(&path);
        Ok(())
    }

    /// Says when the files of a database were last written, in nanoseconds since 1970.
    pub(crate) fn written_nanos(&self, row: &Row) -> Option<i128> {
        self.engine.written_nanos(&self.folder.join(&row.folder))
    }

    /// Names the folder of a database, where it has one on disk.
    pub(crate) fn folder_of(&self, row: &Row) -> Option<PathBuf> {
        let folder = self.folder.join(&row.folder);
        self.is_on_disk().then(|| std::path::absolute(&folder).unwrap_or(folder))
    }

    /// Tells whether a database's files lie in a folder, whosever they are.
    pub(crate) fn lies_in(&self, folder: &Path) -> bool {
        self.engine.exists(folder)
    }

    /// Takes the image of a database that nobody has open.
    pub(crate) fn closed_image(&self, folder: &Path) -> Result<Box<dyn Image>, Failure> {
        self.engine.closed_image(folder).map_err(|error| of_store(&error))
    }

    /// Gives a database if it is open already.
    pub(crate) fn peek(&self, id: DatabaseId) -> Option<Arc<OpenDatabase>> {
        let slot = self.slots.lock().get(&id).cloned()?;
        match &*slot.state.lock() {
            State::Open(database) => Some(Arc::clone(database)),
            State::Closed | State::Opening | State::Unopened(_) | State::Failed(_) => None,
        }
    }

    /// Closes every database that nobody used for as long as its option says, or the server's; counts them.
    pub(crate) fn close_idle(&self, names: &Names) -> usize {
        let usual_millis = u64::try_from(self.bounds.idle_after.as_millis()).unwrap_or(u64::MAX);
        let now_millis = self.now_millis();
        let is_idle = |(id, used_at): (DatabaseId, u64)| {
            let own_millis = names.database(id).and_then(|row| row.options.idle_timeout_millis);
            // 0 keeps it open. Just after the start nothing can be idle for long, whatever the subtraction says.
            let idle_millis = own_millis.map_or(usual_millis, |own| if own == 0 { u64::MAX } else { own });
            now_millis.saturating_sub(used_at) >= idle_millis
        };
        let slots = self.open_slots();
        let idle = slots.iter().filter(|(id, used_at, _)| is_idle((*id, *used_at)));
        idle.filter(|(_, _, slot)| self.close_if_unused(slot)).count()
    }

    /// Ends results and transactions in any database that are over their time while their clients do nothing.
    pub(crate) fn end_unattended(&self, shared: &Shared) {
        for (_, _, slot) in self.open_slots() {
            let open = match slot.state.try_lock().as_deref() {
                Some(State::Open(database)) => Some(Arc::clone(database)),
                _ => None,
            };
            open.into_iter().for_each(|database| database.leases.end_unattended(shared));
        }
    }

    /// Bounds every open database by the limits that it has now.
    pub(crate) fn follow_limits(&self) {
        let slots: Vec<Arc<Slot>> = self.slots.lock().values().cloned().collect();
        for slot in slots {
            if let State::Open(database) = &*slot.state.lock() {
                database.follow_limits();
            }
        }
    }

    /// Counts the open databases.
    pub(crate) fn count(&self) -> usize {
        self.open_slots().len()
    }

    /// Ends all work and closes every database.
    pub(crate) fn close_all(&self, rows: &[Arc<Row>]) {
        for row in rows.iter().filter(|row| !row.name.is_system()) {
            self.refuse(row.id);
            if let Err(failure) = self.stop(row, Duration::ZERO) {
                tracing::warn!(database = %row.name, reason = %failure, "database stays open");
            }
        }
    }

    /// Closes the least recently used databases that nobody uses, until one more has room.
    fn make_room(&self) {
        let mut slots = self.open_slots();
        if slots.len() < self.bounds.open_max {
            return;
        }
        slots.sort_by_key(|(_, used_at, _)| *used_at);
        let mut excess = slots.len() + 1 - self.bounds.open_max;
        for (_, _, slot) in slots {
            if excess == 0 {
                return;
            }
            excess -= usize::from(self.close_if_unused(&slot));
        }
        // All others are in use; they are no more than statements and transactions, which are bounded.
    }

    /// Lists the open databases, with the time at which each was used last.
    fn open_slots(&self) -> Vec<(DatabaseId, u64, Arc<Slot>)> {
        let slots: Vec<(DatabaseId, Arc<Slot>)> =
            self.slots.lock().iter().map(|(id, slot)| (*id, Arc::clone(slot))).collect();
        let used_at = |slot: &Arc<Slot>| match slot.state.try_lock().as_deref() {
            Some(State::Open(database)) => Some(database.used_at_millis.load(Ordering::Relaxed)),
            _ => None,
        };
        slots.into_iter().filter_map(|(id, slot)| Some((id, used_at(&slot)?, slot))).collect()
    }

    fn slot(&self, id: DatabaseId) -> Arc<Slot> {
        Arc::clone(self.slots.lock().entry(id).or_default())
    }

    fn open_files(&self, row: &Row, trust: Trust) -> Result<Arc<OpenDatabase>, Failure> {
        self.open_with(row, &self.options(row, trust))
    }

    fn open_with(&self, row: &Row, options: &OpenOptions) -> Result<Arc<OpenDatabase>, Failure> {
        let begun = self.clock.now();
        let (folder, kept) = (self.folder.join(&row.folder), (self.keep_of(row), Arc::clone(&self.clock)));
        let database = OpenDatabase::open(&*self.engine, &folder, row, options, self.meters.of(row), kept)?;
        let time = self.clock.now().saturating_duration_since(begun);
        tracing::debug!(database = %row.name, ?time, "database opened");
        database.used_at_millis.store(self.now_millis(), Ordering::Relaxed);
        Ok(Arc::new(database))
    }

    fn options(&self, row: &Row, trust: Trust) -> OpenOptions {
        let forgive = trust == Trust::Forgiving;
        OpenOptions {
            identity: Some(row.id.0),
            confirm: true,
            forgive,
            encrypted: row.options.is_encrypted(),
            map_start_bytes: self.bounds.map_start_bytes,
            grow_wait_max: GROW_TIME_MAX,
            ..OpenOptions::default()
        }
    }

    fn remove_files(&self, row: &Row) -> Result<(), Failure> {
        let path = self.folder.join(&row.folder);
        if self.engine.exists(&path) || path.exists() {
            held::remove(&path);
            self.engine.remove(&path).map_err(|error| of_store(&error))?;
            self.remove_journal(row)?;
            let _ = fs::remove_dir(&path);
        }
        Ok(())
    }

    /// Closes a database unless somebody holds it; tells whether it did.
    fn close_if_unused(&self, slot: &Slot) -> bool {
        let Some(mut state) = slot.state.try_lock() else { return false };
        let unused = matches!(&*state, State::Open(database) if Arc::strong_count(database) == 1);
        if unused {
            // Dropped under the lock: whoever comes next must not open the files before they are closed.
            self.close(&mut state);
        }
        unused
    }

    fn now_millis(&self) -> u64 {
        u64::try_from(self.clock.now().saturating_duration_since(self.begun).as_millis()).unwrap_or(u64::MAX)
    }
}

/// Says that a stopped database cannot be used.
pub(crate) fn unavailable(name: &DatabaseName) -> Failure {
    Failure::new(Code::DatabaseUnavailable, format!("Database '{name}' is unavailable."))
}

/// Says that a dropped database is not there any more.
pub(crate) fn gone(name: &DatabaseName) -> Failure {
    CatalogError::NotFound { name: name.to_string() }.into()
}

/// What a client sees of a failed opening: the reason, with a code that does not make drivers try again.
fn failed(name: &DatabaseName, failure: &Failure) -> Failure {
    Failure::new(failure.code(), format!("Database '{name}' is unavailable: {failure}"))
}

/// What a failed opening means for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// What is wrong with the files stays so: only who starts the database has it tried again.
    Lasting,
    /// The files cannot be had, such as for missing permission or on a full disk: somebody may mend that at any time.
    OfFiles,
    /// Nothing is wrong with the files: the server is short of something, and that passes.
    Passing,
}

fn kind_of(failure: &Failure) -> Refusal {
    match failure.code() {
        Code::StorageDamaged | Code::DatabaseStartFailed => Refusal::Lasting,
        Code::StorageFailed | Code::StorageFull => Refusal::OfFiles,
        _ => Refusal::Passing,
    }
}
