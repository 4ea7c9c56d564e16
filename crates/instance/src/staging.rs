//! Administration commands of an explicit transaction: seen by it alone, kept together when it commits, or not at all.
//! Leaves what a change of the catalog is to `catalog::Staged`, and single commands to `commands`.
//! Start reading at [`Staging::catalog`] and [`commit`].

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use catalog::{Catalog, CatalogError, Database as Row, Names, Prepared, Requested, Stage, Staged, Touched, UserId};
use parking_lot::{Condvar, Mutex};
use types::{Clock, Code, DatabaseId, Failure, failpoint};

use crate::audit::{Durable, Kind, Outcome, Told};
use crate::barring::Barred;
use crate::commands::backup::{self, Copier, Dumped};
use crate::commands::database::{close_stopped, remove_dropped, remove_half_made};
use crate::instance::Shared;
use crate::running::Allowance;

/// How long others wait for a transaction whose client takes its time.
const TURN_MAX: Duration = Duration::from_millis(200);
/// How long a command waits for its turn; then it goes on without one, and may meet a conflict.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// How often one that waits looks whether it was interrupted, or the other one takes too long.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Whose turn it is to change the catalog.
///
/// Who has it meets no conflict, unless he takes too long. It is a courtesy: what holds is what [`Catalog::prepare`] says.
#[derive(Default)]
pub(crate) struct StagingLine {
    turns: Mutex<Turns>,
    moved: Condvar,
}

#[derive(Default)]
struct Turns {
    given: u64,
    /// The number of the turn, and when it was given.
    current: Option<(u64, Instant)>,
}

/// The turn of one command or transaction; over when it is dropped, or when others waited for it too long.
pub(crate) struct StagingTurn {
    line: Arc<StagingLine>,
    number: u64,
}

/// What the administration commands of one transaction came to so far.
#[derive(Default)]
pub(crate) struct Staging {
    staged: Option<Arc<Staged>>,
    /// The version of the catalog that a listing showed first.
    looked_at: Option<u64>,
    /// What the audit will tell once it is over.
    lines: Vec<Line>,
    /// Databases that it drops and that are copied before, each with who asked for that.
    dumps: Vec<(DatabaseId, Option<UserId>)>,
    /// Kept until it is over, so that others stage over what it comes to.
    turn: Option<StagingTurn>,
}

/// One command, for the audit.
pub(crate) struct Line {
    pub(crate) kind: Kind,
    pub(crate) user: Option<String>,
    pub(crate) impersonated: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) databases: Vec<String>,
    pub(crate) operation: String,
}

/// The catalog that a command changes: the one that is kept, or what its transaction makes of it.
pub(crate) enum Door<'s> {
    /// It holds for everybody at once.
    Kept(&'s Catalog),
    /// It waits for the commit.
    Staged(Arc<Staged>),
}

impl StagingLine {
    /// Takes the turn if it is nobody's.
    pub(crate) fn try_enter(self: &Arc<Self>, now: Instant) -> Option<StagingTurn> {
        self.turns.lock().next(now).map(|number| StagingTurn { line: Arc::clone(self), number })
    }

    /// Waits for the turn, or until whoever has it took too long; nothing where it does not come in time.
    pub(crate) fn enter(self: &Arc<Self>, clock: &dyn Clock, interrupted: &AtomicBool) -> Option<StagingTurn> {
        let until = clock.now() + WAIT_MAX;
        let mut turns = self.turns.lock();
        loop {
            let now = clock.now();
            if let Some(number) = turns.next(now) {
                return Some(StagingTurn { line: Arc::clone(self), number });
            }
            if now >= until || interrupted.load(Ordering::Relaxed) {
                return None;
            }
            self.moved.wait_for(&mut turns, LOOK_EVERY);
        }
    }
}

impl Turns {
    fn next(&mut self, now: Instant) -> Option<u64> {
        if self.current.is_some_and(|(_, since)| now.saturating_duration_since(since) < TURN_MAX) {
            return None;
        }
        self.given += 1;
        self.current = Some((self.given, now));
        Some(self.given)
    }
}

impl Drop for StagingTurn {
    fn drop(&mut self) {
        let mut turns = self.line.turns.lock();
        if turns.current.take_if(|(number, _)| *number == self.number).is_some() {
            self.line.moved.notify_one();
        }
    }
}

impl Deref for Door<'_> {
    type Target = Catalog;

    fn deref(&self) -> &Catalog {
        match self {
            Self::Kept(catalog) => catalog,
            Self::Staged(staged) => staged,
        }
    }
}

impl Door<'_> {
    /// Tells whether what is changed waits for a commit.
    pub(crate) fn is_staged(&self) -> bool {
        matches!(self, Self::Staged(_))
    }
}

impl Line {
    /// Writes the line.
    pub(crate) fn note(&self, shared: &Shared, outcome: Outcome) {
        let told = Told {
            user: self.user.as_deref(),
            impersonated: self.impersonated.as_deref(),
            address: self.address.as_deref(),
            databases: &self.databases,
            operation: &self.operation,
        };
        shared.audit.note(self.kind, told, outcome, Durable::Now);
    }
}

impl Staging {
    /// Gives the catalog as the transaction sees it, beginning to stage if it did not yet.
    ///
    /// # Errors
    ///
    /// A conflict where a listing of this transaction showed what is not true any more.
    pub(crate) fn catalog(&mut self, shared: &Shared) -> Result<Arc<Staged>, Failure> {
        if let Some(staged) = &self.staged {
            return Ok(Arc::clone(staged));
        }
        let staged = shared.catalog.stage();
        if self.looked_at.is_some_and(|version| version != staged.base()) {
            return Err(CatalogError::Outdated.into());
        }
        Ok(Arc::clone(self.staged.insert(Arc::new(staged))))
    }

    /// Gives what exists in the eyes of the transaction, where it changed anything.
    pub(crate) fn names(&self) -> Option<Arc<Names>> {
        self.staged.as_ref().map(|staged| staged.names())
    }

    /// Remembers what a listing shows: what is changed afterwards may rest on it.
    pub(crate) fn looks(&mut self, names: &Names) {
        if self.staged.is_none() {
            self.looked_at.get_or_insert(names.version());
        }
    }

    /// Keeps a line for the audit until the transaction is over.
    pub(crate) fn tell(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Has the commit leave a copy of a database behind that the transaction drops.
    pub(crate) fn dump(&mut self, database: DatabaseId, maker: Option<UserId>) {
        self.dumps.push((database, maker));
    }

    /// Tells whether a command that changes something has to ask for its turn first.
    pub(crate) fn needs_turn(&self) -> bool {
        self.staged.is_none() && self.turn.is_none()
    }

    /// Keeps the turn until the transaction is over.
    pub(crate) fn keep_turn(&mut self, turn: Option<StagingTurn>) {
        self.turn = turn;
    }

    /// Lets others have the turn where nothing was changed so far, after a command that failed.
    pub(crate) fn leave_turn(&mut self) {
        self.staged.take_if(|staged| staged.names().version() == staged.base());
        self.turn.take_if(|_| self.staged.is_none());
    }

    /// Tells whether anything waits for the commit.
    pub(crate) fn is_begun(&self) -> bool {
        self.staged.is_some()
    }
}

/// Commits what a transaction staged: catalog and files, wholly or not at all. Gives the version of the catalog.
///
/// Where others undo a stop before it is over, all was kept, and it fails as `STOP DATABASE` alone does.
pub(crate) fn commit(shared: &Arc<Shared>, staging: Staging, allowance: &Allowance) -> Result<u64, Failure> {
    let Some(staged) = staging.staged else { return Ok(shared.catalog.names().version()) };
    let names = shared.catalog.names();
    let copied: Vec<_> = staging.dumps.iter().filter_map(|(id, _)| names.database(*id).cloned()).collect();
    let kept = current(shared, &staging.dumps, &staged).and_then(|()| {
        let barred = Barred::begin(shared, copied)?;
        let dumped = dump(shared, &staging.dumps, allowance)?;
        keep(shared, &staged, dumped, &barred)
    });
    staging.lines.iter().for_each(|line| line.note(shared, Outcome::from(&kept)));
    let (version, touched) = kept?;
    // What comes into the place of a dropped one has its name.
    let (dropped, others): (Vec<&Touched>, Vec<&Touched>) = touched.iter().partition(|touched| is_dropped(touched));
    let undone: Vec<_> =
        dropped.into_iter().chain(others).filter_map(|touched| follow(shared, touched).err()).collect();
    shared.limits_changed();
    shared.end_shut_out();
    tracing::info!(version, databases = touched.len(), commands = staging.lines.len(), "catalog changed");
    undone.into_iter().next().map_or(Ok(version), Err)
}

/// Fails where the catalog was changed since, as the commit would, only before the work.
fn current(shared: &Shared, dumps: &[(DatabaseId, Option<UserId>)], staged: &Staged) -> Result<(), Failure> {
    let is_current = dumps.is_empty() || shared.catalog.names().version() == staged.base();
    if is_current { Ok(()) } else { Err(CatalogError::Outdated.into()) }
}

/// Copies databases that are about to be dropped, while others change the catalog; what the transaction made itself holds
/// nothing.
fn dump(
    shared: &Arc<Shared>,
    dumps: &[(DatabaseId, Option<UserId>)],
    allowance: &Allowance,
) -> Result<Vec<Dumped>, Failure> {
    let names = shared.catalog.names();
    let there = dumps.iter().filter_map(|(id, maker)| Some((names.database(*id)?, *maker)));
    let dumped = there.map(|(row, maker)| backup::dump(&Copier { shared, allowance, maker }, row)).collect();
    failpoint::reach("instance.transaction.dumped");
    dumped
}

/// Makes the files of new databases, then keeps all changes in one write; nobody else changes anything meanwhile.
fn keep(
    shared: &Shared,
    staged: &Staged,
    dumped: Vec<Dumped>,
    barred: &Barred<'_>,
) -> Result<(u64, Vec<Touched>), Failure> {
    let _turn = shared.changes.lock();
    let prepared = shared.catalog.prepare(staged)?;
    let kept = barred.check(|row| Some(row.id)).and_then(|()| make(shared, &prepared));
    let kept = kept.and_then(|()| prepared.commit().map_err(Failure::from));
    let version = match kept {
        Ok(version) => version,
        Err(failure) => {
            dumped.into_iter().for_each(|dumped| dumped.undo(shared));
            unmake(shared, &prepared);
            return Err(failure);
        }
    };
    for failure in dumped.into_iter().filter_map(|dumped| dumped.publish().err()) {
        tracing::warn!(reason = %failure, "the backup of a dropped database waits for the next start");
    }
    let touched = prepared.touched().to_vec();
    // Before anybody else changes anything: who starts again what this one stopped has his way.
    touched.iter().for_each(|touched| bar(shared, touched));
    Ok((version, touched))
}

/// Makes the files of new databases, looks whether the keys of dropped ones can be destroyed, and opens those that are to run again, to see whether they do.
fn make(shared: &Shared, prepared: &Prepared<'_>) -> Result<(), Failure> {
    for touched in prepared.touched() {
        if touched.is_made() {
            shared.databases.make(&touched.after)?;
            failpoint::reach("instance.transaction.file");
        } else if is_dropped(touched) {
            shared.databases.check_erasable(&touched.after)?;
        } else if runs(&touched.after) && touched.before.as_ref().is_some_and(|before| !runs(before)) {
            // Nobody gets in before it is allowed.
            shared.databases.open_barred(&touched.after)?;
        }
    }
    Ok(())
}

/// Removes what [`make`] made; what does not go is removed at the next start.
fn unmake(shared: &Shared, prepared: &Prepared<'_>) {
    let made = || prepared.touched().iter().filter(|touched| touched.is_made());
    let removed: Result<(), Failure> = made().try_for_each(|touched| remove_half_made(shared, &touched.after));
    let forgotten = removed.and_then(|()| prepared.abandon().map_err(Failure::from));
    if let Err(failure) = forgotten {
        tracing::warn!(reason = %failure, "half made databases wait for the next start");
    }
    let stays_stopped = |touched: &&Touched| touched.before.as_ref().is_some_and(|before| !runs(before));
    prepared.touched().iter().filter(stays_stopped).for_each(|touched| shared.databases.close_unused(touched.after.id));
}

/// Lets nobody new use what is dropped or stopped, and everybody what runs again; leaves the others alone.
fn bar(shared: &Shared, touched: &Touched) {
    match (touched.before.as_deref().is_some_and(runs), runs(&touched.after)) {
        (false, true) => shared.databases.allow(touched.after.id),
        (_, false) => drop(shared.databases.refuse(touched.after.id)),
        (true, true) => {}
    }
}

/// Does to an open database and its files what the catalog says by now. What fails here is tried at the next start.
///
/// # Errors
///
/// [`Code::TransactionTerminated`] where somebody undid a stop meanwhile.
fn follow(shared: &Shared, touched: &Touched) -> Result<(), Failure> {
    let (before, after) = (touched.before.as_deref(), &touched.after);
    if is_dropped(touched) {
        if let Some(before) = before {
            shared.turns.weigh(before.name.as_str(), None);
        }
        remove_dropped(shared, after);
        tracing::info!(database = %after.name, id = %after.id, "database dropped");
        return Ok(());
    }
    match before {
        Some(before) if before.name != after.name => shared.renamed(&before.name, after),
        _ => shared.weighed(after),
    }
    let was_running = before.is_none_or(runs);
    if was_running && !runs(after) {
        match close_stopped(shared, &after.name, after) {
            Err(undone) if undone.code() == Code::TransactionTerminated => return Err(undone),
            Err(failure) => {
                tracing::warn!(database = %after.name, reason = %failure, "a stopped database is still in use");
            }
            Ok(()) => {}
        }
    }
    Ok(())
}

fn is_dropped(touched: &Touched) -> bool {
    touched.after.stage == Stage::Dropping
}

fn runs(row: &Row) -> bool {
    row.stage == Stage::Ready && row.requested == Requested::Online
}
