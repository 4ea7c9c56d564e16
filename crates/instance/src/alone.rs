//! A writing statement in a transaction of its own: run, commit, and run again where another one came first.
//!
//! Isolation is optimistic, so that two statements on the same node conflict and one of them loses. A client that sent
//! one statement did nothing wrong and gets no error: the statement runs again. So that it does not lose for ever, it
//! gets more room with each try:
//!
//! | tries | runs beside |
//! |---|---|
//! | first few | everybody |
//! | then | everybody but the other losers, who stand in line |
//! | last | no other statement that writes alone |

use std::sync::Arc;
use std::time::Duration;

use catalog::GraphRights;
use graph::GraphError;
use parking_lot::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};
use query::Source;
use types::{Code, Failure};

use crate::answer::{Counters, Fetched, Plan, Summary};
use crate::bookmark;
use crate::error::of_graph;
use crate::leases::{Lease, Work};
use crate::open_database::OpenDatabase;
use crate::plans::Planned;
use crate::records::{Records, Stream};
use crate::running::Allowance;
use crate::sight::{self, Does};
use crate::source::{GraphSource, Home, Writes};
use crate::statement::{AllReached, Statement};
use crate::table::NoGraph;

/// Tries after which the client hears of the conflict.
pub(crate) const TRIES_MAX: u32 = 20;
/// Tries after which the client hears that there was no room.
const CROWDED_TRIES_MAX: u32 = 5;
/// Tries beside everybody.
const FREE_TRIES: u32 = 3;
/// Tries after which everybody else waits.
const LINED_TRIES: u32 = 8;
/// How long it waits to be alone, before it tries beside others once more.
const ALONE_WAIT_MAX: Duration = Duration::from_secs(2);
/// Longest pause between two tries.
const PAUSE_MAX_MICROS: u64 = 20_000;

/// What a try may run beside; given back when it is dropped.
enum Room<'a> {
    Everybody(#[expect(dead_code, reason = "held, never read")] RwLockReadGuard<'a, ()>),
    Line(
        #[expect(dead_code, reason = "held, never read")] MutexGuard<'a, ()>,
        #[expect(dead_code, reason = "held, never read")] RwLockReadGuard<'a, ()>,
    ),
    Nobody(
        #[expect(dead_code, reason = "held, never read")] MutexGuard<'a, ()>,
        #[expect(dead_code, reason = "held, never read")] RwLockWriteGuard<'a, ()>,
    ),
}

/// Why a try came to nothing.
pub(crate) enum Lost {
    /// Somebody else came first; try again.
    Conflict,
    /// The indexes are others than those that the statement was planned with; try again with a new plan.
    Outdated,
    /// There was no room while others read; they were asked to let go, so try again.
    Crowded(Failure),
    /// The client is told.
    Failed(Failure),
}

impl From<Failure> for Lost {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Lost {
    /// Tells a lost race from what another try would run into again.
    pub(crate) fn at_commit(database: &OpenDatabase, allowance: &Allowance, error: GraphError) -> Self {
        match error {
            GraphError::Stopped => Self::Failed(allowance.over()),
            GraphError::Conflict => Self::Conflict,
            GraphError::CommitFailed { code: Code::ResourceExhausted, .. } => Self::Crowded(database.fail(error)),
            other => Self::Failed(database.fail(other)),
        }
    }
}

struct Won {
    rows: Fetched,
    counters: Counters,
    plan: Option<Plan>,
    version: u64,
}

/// Tries until it is through, each time with more room.
pub(crate) fn until_through<T>(
    database: &OpenDatabase,
    mut check: impl FnMut() -> Result<(), Failure>,
    mut attempt: impl FnMut() -> Result<T, Lost>,
) -> Result<T, Failure> {
    for tried in 0..TRIES_MAX {
        let room = make_room(database, tried);
        match attempt() {
            Ok(won) => return Ok(won),
            Err(Lost::Failed(failure)) => return Err(failure),
            Err(Lost::Crowded(failure)) if tried + 1 >= CROWDED_TRIES_MAX => return Err(failure),
            Err(Lost::Crowded(_)) => drop(room),
            Err(Lost::Conflict | Lost::Outdated) => drop(room),
        }
        tracing::debug!(database = %database.name(), tried, "statement met a conflict, and runs again");
        check()?;
        pause(tried);
    }
    Err(of_graph(GraphError::Conflict))
}

impl Lost {
    /// Says no more of what was in the way than who made the statement may see.
    pub(crate) fn blurred(self, rights: Option<&Arc<GraphRights>>) -> Self {
        match (self, rights) {
            (Self::Failed(failure), Some(rights)) => Self::Failed(sight::refusal::blurred(failure, rights)),
            (lost, _) => lost,
        }
    }
}

impl Statement<'_> {
    /// Runs a statement that writes, and commits it.
    pub(crate) fn write_alone(
        &mut self,
        planned: &Planned,
        reached: &AllReached,
        number: u16,
    ) -> Result<Records, Failure> {
        let (database, _) = self.written(reached, number)?;
        let _leases: Vec<Lease> = self.interruptible(reached);
        let allowance = self.allowance.clone();
        let mut latest: Option<(Arc<Planned>, AllReached)> = None;
        let mut is_outdated = false;
        let won = until_through(
            &database,
            || allowance.check(),
            || {
                if is_outdated {
                    latest = Some(self.plan_again()?);
                }
                let (made, opened) = latest.as_ref().map_or((planned, reached), |(made, opened)| (&**made, opened));
                let tried = self.try_once(made, opened, number, &database);
                is_outdated = matches!(tried, Err(Lost::Outdated));
                tried
            },
        )?;
        let planned = latest.as_ref().map_or(planned, |(made, _)| made);
        let summary = self.summary(planned);
        let bookmark = Some(bookmark::write(&reached[usize::from(number)].1.name(), won.version));
        let summary = Summary { bookmark, counters: won.counters, plan: won.plan, ..summary };
        Ok(self.buffered(planned, won.rows, summary))
    }

    /// Finds the database that a lone statement writes, if the session may.
    pub(crate) fn written(&self, reached: &AllReached, number: u16) -> Result<(Arc<OpenDatabase>, Writes), Failure> {
        self.check_may_write()?;
        let (_, written) = &reached[usize::from(number)];
        let writes = written.writes();
        let database = written.graph().map(Arc::clone);
        writes.check(&written.name())?;
        let database = database.ok_or_else(NoGraph::refused)?;
        Ok((database, writes))
    }

    fn try_once(
        &mut self,
        planned: &Planned,
        reached: &AllReached,
        number: u16,
        database: &Arc<OpenDatabase>,
    ) -> Result<Won, Lost> {
        let home = Home::default();
        let transaction = database.graph.begin().map_err(|error| database.fail(error))?;
        let basis = planned.sources[usize::from(number)].basis.as_ref();
        if basis.is_some_and(|basis| !basis.has_schema(transaction.schema_version())) {
            return Err(Lost::Outdated);
        }
        *home.lock() = Some(transaction);
        let sources = open_all(reached, number, &home, &self.allowance)?;
        let mut running = self.start(planned, sources)?;
        let rows = running.finish().map_err(|failure| match failure.code() {
            Code::TransactionConflict => Lost::Outdated,
            _ => Lost::Failed(failure),
        })?;
        let counters = running.counters();
        let plan = (planned.mode == cypher::ast::Mode::Profile).then(|| running.describe());
        // What the commit computes is counted too; dropped after it.
        let turn = running.turn();
        turn.commits();
        // The transaction goes home with its sources, and the other snapshots end before the commit.
        drop(running);
        let transaction = home.lock().take().expect("the source was dropped, and gave it back");
        let rights = reached[usize::from(number)].1.rights();
        let lost = |error| Lost::at_commit(database, &self.allowance, error).blurred(rights);
        let version = self.allowance.commit(transaction).map_err(lost)?;
        Ok(Won { rows, counters, plan, version })
    }

    /// Lets whoever stops a database interrupt this statement.
    pub(crate) fn interruptible(&self, reached: &AllReached) -> Vec<Lease> {
        let nothing: std::sync::Weak<dyn Work> = std::sync::Weak::<Stream>::new();
        let databases =
            reached.iter().filter_map(|(_, reached)| Some((reached.graph()?, self.allowance.worker(reached))));
        databases.map(|(database, worker)| database.leases.take(worker, nothing.clone())).collect()
    }
}

pub(crate) fn open_all(
    reached: &AllReached,
    number: u16,
    home: &Home,
    allowance: &Allowance,
) -> Result<Vec<Box<dyn Source>>, Failure> {
    let written = reached[usize::from(number)].1.name();
    let mut sources: Vec<Box<dyn Source>> = Vec::with_capacity(reached.len());
    for (at, (_, reached)) in (0_u16..).zip(reached) {
        let (Some(database), Some(rights)) = (reached.graph().map(Arc::clone), reached.rights()) else {
            sources.push(Box::new(NoGraph));
            continue;
        };
        let source = if at == number {
            GraphSource::lend(database, at, home, Writes::Allowed).expect("it was put there just now")
        } else {
            let transaction = database.graph.begin_read().map_err(|error| database.fail(error))?;
            GraphSource::new(database, at, transaction, Writes::Elsewhere(written.clone()))
        };
        let does = if at == number { Does::Writes } else { Does::Reads };
        sources.push(sight::open(source.called_as(reached), rights, allowance, does));
    }
    Ok(sources)
}

fn make_room(database: &OpenDatabase, tried: u32) -> Room<'_> {
    if tried < FREE_TRIES {
        return Room::Everybody(database.gate.read());
    }
    let line = database.unlucky.lock();
    if tried >= LINED_TRIES
        && let Some(alone) = database.gate.try_write_for(ALONE_WAIT_MAX)
    {
        return Room::Nobody(line, alone);
    }
    Room::Line(line, database.gate.read())
}

/// Waits a random while, so that two losers do not meet again at once.
pub(crate) fn pause(tried: u32) {
    let longest = (100_u64 << tried.min(8)).min(PAUSE_MAX_MICROS);
    std::thread::sleep(Duration::from_micros(rand::random_range(0..=longest)));
}
