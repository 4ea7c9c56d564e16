//! `CALL { } IN TRANSACTIONS`: a statement whose batches of rows commit one by one.
//! Leaves which rows make a batch to `query`, and running again after a conflict to `alone`.
//! Start reading at [`Statement::write_in_batches`], then [`Batches::run`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use catalog::{GraphRights, Principal};
use compact_str::CompactString;
use graph::GraphError;
use parking_lot::Mutex;
use query::expression::Context;
use query::{BatchWork, Ran, Retry, Transactions};
use types::{DatabaseId, Failure};

use crate::alone::{Lost, open_all, pause, until_through};
use crate::answer::Summary;
use crate::bookmark;
use crate::error::name_refusal;
use crate::instance::Shared;
use crate::leases::Lease;
use crate::observation;
use crate::open_database::OpenDatabase;
use crate::plans::Planned;
use crate::reach::{self, Reached};
use crate::records::Records;
use crate::running::Allowance;
use crate::sight::{self, Does};
use crate::source::{GraphSource, Home, Writes};
use crate::statement::{AllReached, Statement};
use crate::table::NoGraph;
use crate::under_way::transaction_id;

/// How long a failed batch is tried again where the statement does not say.
const RETRY_TIME: Duration = Duration::from_secs(30);

/// The transactions of a statement's batches.
struct Batches {
    /// The database that is written; `None` where batches only read.
    written: Option<Written>,
    /// The name by which its user knows the statement's database.
    database: CompactString,
    numbers: Arc<AtomicU64>,
    allowance: Allowance,
    shared: Arc<Shared>,
}

struct Written {
    database: Arc<OpenDatabase>,
    author: Author,
    /// Its number among the statement's sources.
    number: u16,
    writes: Writes,
    /// What its user may see and change.
    rights: Arc<GraphRights>,
    allowance: Allowance,
    /// Where a transaction lies between its work and its commit.
    home: Home,
    /// The version of the last commit, or of what was read at first.
    version: Mutex<u64>,
    /// Reads and writes of the sources so far, for `PROFILE`.
    hits: AtomicU64,
}

/// Whose statement it is and where it writes, to ask at each commit whether he still may.
struct Author {
    shared: Arc<Shared>,
    principal: Principal,
    written: (DatabaseId, Reached),
}

impl Author {
    fn check_commit(&self) -> Result<(), Failure> {
        let (id, reached) = &self.written;
        let names = self.shared.catalog.names();
        reach::check_commit(&names, &self.principal, Some((*id, reached)))
    }
}

impl Statement<'_> {
    /// Runs a statement that writes in batches, to its end; what is committed stays even if a later batch fails.
    pub(crate) fn write_in_batches(
        &mut self,
        planned: &Planned,
        reached: &AllReached,
        number: u16,
    ) -> Result<Records, Failure> {
        let (database, writes) = self.written(reached, number)?;
        let rights = reached[usize::from(number)].1.rights().map(Arc::clone).ok_or_else(NoGraph::refused)?;
        let _leases: Vec<Lease> = self.interruptible(reached);
        let transaction = database.graph.begin_read().map_err(|error| database.fail(error))?;
        let version = Mutex::new(transaction.version());
        // Nobody keeps the place where it lies: it ends with its source.
        let sources = open_all(reached, number, &Home::new(Mutex::new(Some(transaction))), &self.allowance)?;
        let (id, place) = &reached[usize::from(number)];
        let written = (*id, place.clone());
        let author = Author { shared: Arc::clone(self.shared), principal: self.principal.clone(), written };
        let written = Written {
            database: Arc::clone(&database),
            author,
            number,
            writes,
            rights,
            allowance: self.allowance.clone(),
            home: Home::default(),
            version,
            hits: AtomicU64::new(0),
        };
        let batches = Arc::new(self.batches(Some(written)));
        let batches_of = Arc::clone(&batches) as Arc<dyn Transactions>;
        let mut running = self.start(planned, sources)?.in_transactions(batches_of);
        let rows = running.finish()?;
        let counters = running.counters();
        let plan = (planned.mode == cypher::ast::Mode::Profile).then(|| running.describe());
        // The last transaction goes home with its source, and the other snapshots end before the commit.
        drop(running);
        let version = batches.finish()?;
        let bookmark = Some(bookmark::write(&reached[usize::from(number)].1.name(), version));
        let summary = Summary { bookmark, counters, plan, ..self.summary(planned) };
        Ok(self.buffered(planned, rows, summary))
    }

    /// Gives the transactions of batches that only read: each sees what the statement sees.
    pub(crate) fn reading_batches(&self) -> Arc<dyn Transactions> {
        Arc::new(self.batches(None))
    }

    fn batches(&self, written: Option<Written>) -> Batches {
        Batches {
            written,
            database: self.room.listed.shown_database(self.names),
            numbers: self.shared.under_way.numbers(),
            allowance: self.allowance.clone(),
            shared: Arc::clone(self.shared),
        }
    }
}

impl Transactions for Batches {
    fn run(&self, context: &mut Context<'_>, retry: Option<Retry>, work: BatchWork<'_>) -> Ran {
        let clock = &self.allowance.clock;
        let until = retry.and_then(|retry| clock.now().checked_add(retry.time_max.unwrap_or(RETRY_TIME)));
        for tried in 0_u32.. {
            let number = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
            let id = transaction_id(&self.database, number).into();
            let outcome = self.once(context, work);
            let may_pass = outcome.as_ref().is_err_and(|failure| failure.code().row().retry);
            if !may_pass || until.is_none_or(|until| until <= clock.now()) {
                return Ran { id, outcome };
            }
            pause(tried);
        }
        unreachable!("the loop ends with its time, which comes before 2^32 pauses")
    }

    fn passed_over(&self, failure: Failure) -> Failure {
        let failure = self.allowance.explain_failure(failure);
        let failure = match &self.written {
            Some(written) => name_refusal(failure, &written.database.meter),
            None => failure,
        };
        let Some(listed) = &self.allowance.listed else { return failure };
        observation::passed_over(&self.shared, listed, &failure);
        let failure = listed.told(failure);
        match &self.written {
            Some(written) => written.author.written.1.told(failure),
            None => failure,
        }
    }

    fn end(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        self.written.as_ref().map_or(Ok(()), |written| written.open(context))
    }
}

impl Batches {
    /// Does a batch's work and commits it, again where another transaction came first.
    fn once(&self, context: &mut Context<'_>, work: BatchWork<'_>) -> Result<(), Failure> {
        self.allowance.check()?;
        let Some(written) = &self.written else { return work(context) };
        let done = until_through(
            &written.database,
            || self.allowance.check(),
            || {
                written.open(context)?;
                let done = work(context);
                // No source may be left at the commit: a store that must grow waits for its readers.
                written.remove(context);
                let transaction = written.home.lock().take().expect("the source was dropped, and gave it back");
                done?;
                written.author.check_commit()?;
                let lost =
                    |error| Lost::at_commit(&written.database, &self.allowance, error).blurred(Some(&written.rights));
                self.allowance.commit(transaction).map_err(lost)
            },
        );
        let version = written.read(context);
        *written.version.lock() = *done.as_ref().or(version.as_ref()).unwrap_or(&0);
        done.map(|_| ())
    }

    /// Commits what was written after the last batch; gives the version that has everything.
    fn finish(&self) -> Result<u64, Failure> {
        let Some(written) = &self.written else { return Ok(0) };
        match written.home.lock().take() {
            Some(transaction) => {
                written.author.check_commit()?;
                let blur = |error| match error {
                    GraphError::Stopped => self.allowance.over(),
                    error => sight::refusal::blurred(written.database.fail(error), &written.rights),
                };
                self.allowance.commit(transaction).map_err(blur)
            }
            None => Ok(*written.version.lock()),
        }
    }
}

impl Written {
    /// Begins a transaction that writes, as the context's source.
    fn open(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        // The snapshot of the statement itself goes first: what it read is no part of the batch.
        self.remove(context);
        let begun = self.database.graph.begin().map_err(|error| self.database.fail(error))?;
        *self.home.lock() = Some(begun);
        let database = Arc::clone(&self.database);
        let source = GraphSource::lend(database, self.number, &self.home, self.writes.clone());
        self.put(context, source.expect("it was put there just now"));
        Ok(())
    }

    /// Makes the latest version the context's source; without one, later reads say that there is no graph.
    fn read(&self, context: &mut Context<'_>) -> Result<u64, Failure> {
        let begun = self.database.graph.begin_read().map_err(|error| self.database.fail(error))?;
        let version = begun.version();
        let source = GraphSource::new(Arc::clone(&self.database), self.number, begun, Writes::ReadMode);
        self.put(context, source);
        Ok(version)
    }

    /// Makes a source the context's, which counts on from the one before.
    fn put(&self, context: &mut Context<'_>, source: GraphSource) {
        self.remove(context);
        let source = source.counting_from(self.hits.load(Ordering::Relaxed));
        context.sources[usize::from(self.number)] = sight::open(source, &self.rights, &self.allowance, Does::Writes);
    }

    /// Ends the context's source.
    fn remove(&self, context: &mut Context<'_>) {
        let source = &mut context.sources[usize::from(self.number)];
        self.hits.fetch_max(source.hits(), Ordering::Relaxed);
        *source = Box::new(NoGraph);
    }
}
