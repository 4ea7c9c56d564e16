//! A statement that runs: its plan, its sources and what it may still spend.
//! Leaves where transactions come from and go to the callers.
//! Start reading at [`Running::next`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use catalog::GraphRights;
use compact_str::CompactString;
use cypher::ast::Mode;
use graph::{GraphError, Transaction};
use query::expression::{Context, check_extent};
use query::functions::FunctionContext;
use query::{Batch, Budget, Execution, Pace, Source, Transactions, materialise};
use types::{Clock, Code, DatabaseId, DatabaseName, Failure, Map, Value, effort};

use crate::admission::{Admission, Permit};
use crate::admitting::Bounds;
use crate::answer::Fetched;
use crate::instance::Shared;
use crate::leases::Worker;
use crate::limits::Bound;
use crate::plans::Planned;
use crate::reach::Reached;
use crate::remote::{Door, Import, RemoteOptions};
use crate::turns::{Turn, Turns};
use crate::under_way::Entry;

/// What a statement may spend, and until when.
#[derive(Clone)]
pub(crate) struct Allowance {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) turns: Arc<Turns>,
    pub(crate) memory_max_bytes: usize,
    pub(crate) import: Option<Arc<Import>>,
    pub(crate) import_remote: Arc<RemoteOptions>,
    /// Whether the statement may call procedures, which can ask a graph for more than a plan does.
    pub(crate) calls_procedures: bool,
    /// What bounds what is loaded; nothing for who may load everything.
    pub(crate) loader: Option<Arc<GraphRights>>,
    /// Who asks; nobody while authentication is off.
    pub(crate) user: Option<Arc<str>>,
    pub(crate) interrupted: Arc<AtomicBool>,
    /// How it is listed, which keeps what it spends.
    pub(crate) listed: Option<Arc<Entry>>,
    pub(crate) deadline: Option<Deadline>,
    /// What the databases say of it, where one of them says anything.
    pub(crate) bounds: Option<Arc<Bounds>>,
    /// When the transaction began, in nanoseconds since 1970.
    pub(crate) transaction_nanos: i128,
}

/// When a statement ends at the latest, and who said so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Instant,
    by: By,
}

/// Who says when a statement ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Client,
    Server,
    /// A limit of a database or a role.
    Limit,
}

/// A statement between its start and its last row.
pub(crate) struct Running {
    execution: Execution,
    sources: Vec<Box<dyn Source>>,
    parameters: Arc<Map>,
    budget: Budget,
    counters: query::Counters,
    allowance: Allowance,
    /// What batches of its rows commit by.
    transactions: Option<Arc<dyn Transactions>>,
    statement_nanos: i128,
    database: CompactString,
    turn: Arc<Turn>,
    /// What `LOAD CSV` reads other machines through.
    remote: Door,
    /// Whether it changes anything: then it runs to its end whatever becomes of its rows.
    writes: bool,
    /// The line and the file that `LOAD CSV` read last, for as long as the statement runs.
    linenumber: Option<i64>,
    file: Option<CompactString>,
}

impl Deadline {
    /// Takes the earlier of what the client asks and what the server allows.
    pub(crate) fn of(clock: &dyn Clock, asked: Option<Duration>, time_max: Option<Duration>) -> Option<Self> {
        let (time, by) = match (asked, time_max) {
            (Some(asked), Some(max)) if asked > max => (max, By::Server),
            (Some(asked), _) => (asked, By::Client),
            (None, Some(max)) => (max, By::Server),
            (None, None) => return None,
        };
        Some(Self { at: clock.now().checked_add(time)?, by })
    }

    /// Makes one that somebody set.
    pub(crate) fn at_end(at: Instant, by: By) -> Self {
        Self { at, by }
    }

    /// Tells when it is.
    pub(crate) fn at(self) -> Instant {
        self.at
    }

    fn time_left(self, clock: &dyn Clock) -> Duration {
        self.at.saturating_duration_since(clock.now())
    }

    /// Says whose limit it was.
    fn explain(self, failure: Failure, bounds: Option<&Bounds>, now: Instant) -> Failure {
        if failure.code() != Code::TransactionTimedOut {
            return failure;
        }
        match (self.by, bounds.and_then(|bounds| Some((bounds.begun, bounds.time.as_ref()?)))) {
            (By::Limit, Some((begun, time))) => return time.time_refused(now.saturating_duration_since(begun)),
            (By::Limit, _) => return failure,
            (By::Server, _) => {
                let text = "The transaction has been terminated. Retry your operation in a new transaction, and you \
                            should see a successful result. The transaction has not completed within the specified \
                            timeout (db.transaction.timeout). You may want to retry with a longer timeout. ";
                return Failure::new(Code::TransactionTimedOut, text);
            }
            (By::Client, _) => {}
        }
        let text = "The transaction has been terminated. Retry your operation in a new transaction, and you should see \
                    a successful result. The transaction has not completed within the timeout specified at its start \
                    by the client. You may want to retry with a longer timeout. ";
        Failure::new(Code::TransactionTimedOutClient, text)
    }
}

impl Allowance {
    /// Gives what the instance allows a statement of a session.
    pub(crate) fn of(
        shared: &Shared,
        user: Option<Arc<str>>,
        interrupted: &Arc<AtomicBool>,
        deadline: Option<Deadline>,
    ) -> Self {
        let options = &shared.options;
        Self {
            clock: Arc::clone(&options.clock),
            turns: Arc::clone(&shared.turns),
            memory_max_bytes: options.statement_memory_max_bytes,
            import: shared.import.clone(),
            import_remote: Arc::clone(&options.import_remote),
            calls_procedures: true,
            loader: None,
            user,
            interrupted: Arc::clone(interrupted),
            listed: None,
            deadline,
            bounds: None,
            transaction_nanos: options.clock.wall_nanos(),
        }
    }

    /// Gives what bounds it until its databases admit it: what the session's own says of time, from `begun` on.
    pub(crate) fn before_admission(&self, begun: Instant, time: Option<Bound>) -> Self {
        let mut before = self.clone();
        let Some(time) = time else { return before };
        let Some(at) = begun.checked_add(Duration::from_millis(time.max)) else { return before };
        if self.deadline.is_none_or(|deadline| at < deadline.at) {
            before.deadline = Some(Deadline { at, by: By::Limit });
            before.bounds = Some(Arc::new(Bounds::of_time(time, begun)));
        }
        before
    }

    /// Tells how much longer it may wait for something; nothing once it is over.
    pub(crate) fn patience(&self) -> Option<Duration> {
        if self.interrupted.load(Ordering::Relaxed) {
            return None;
        }
        let left = self.deadline.map(|deadline| deadline.time_left(&*self.clock));
        left.map_or(Some(Duration::MAX), |left| Some(left).filter(|left| !left.is_zero()))
    }

    /// Tells a database who works on it, and by which name its user knows it.
    pub(crate) fn worker(&self, reached: &Reached) -> Worker {
        self.worker_as(reached.known().cloned())
    }

    /// As [`Allowance::worker`], where a name is known.
    pub(crate) fn worker_as(&self, known: Option<DatabaseName>) -> Worker {
        match &self.listed {
            Some(entry) => Worker::Listed(Arc::clone(entry), known),
            None => Worker::Unseen(Arc::clone(&self.interrupted)),
        }
    }

    /// Takes a place among the statements of the server, or waits for one as long as it may.
    pub(crate) fn enter(&self, admission: &Admission) -> Result<Permit, Failure> {
        let entered = admission.enter_while(&|| self.patience());
        entered.map_err(|error| self.check().err().unwrap_or_else(|| error.into()))
    }

    /// Fails where the session was interrupted or the time is over, before anything runs.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.end_if(self.deadline.is_some_and(|deadline| deadline.at <= self.clock.now()))
    }

    /// As [`Allowance::check`], by somebody else's reading of the clock.
    fn check_at(&self, now: Instant) -> Result<(), Failure> {
        self.end_if(self.deadline.is_some_and(|deadline| deadline.at <= now))
    }

    fn end_if(&self, is_over: bool) -> Result<(), Failure> {
        if is_over || self.interrupted.load(Ordering::Relaxed) {
            return self.explain(self.budget().look());
        }
        Ok(())
    }

    /// Commits a transaction, which is given up where its time ends before the store has everything.
    ///
    /// Errors: [`GraphError::Stopped`] then; [`Allowance::over`] tells why.
    pub(crate) fn commit(&self, transaction: Transaction) -> Result<u64, GraphError> {
        let _watched = effort::watch(Arc::new(self.clone()), usize::MAX);
        transaction.commit()
    }

    /// Says why a commit was given up.
    pub(crate) fn over(&self) -> Failure {
        self.check().err().unwrap_or_else(|| self.explain_failure(self.budget().over()))
    }

    fn budget(&self) -> Budget {
        let (clock, interrupted) = (Arc::clone(&self.clock), Arc::clone(&self.interrupted));
        let budget = Budget::until(clock, self.deadline.map(Deadline::at), self.memory_max_bytes, interrupted);
        let budget = budget.with_made_max(self.turns.made_max_bytes());
        match self.bounds.as_deref().and_then(|bounds| bounds.results.as_ref()) {
            Some(results) => budget.with_results(results.max),
            None => budget,
        }
    }

    fn explain<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        result.map_err(|failure| self.explain_failure(failure))
    }

    #[cold]
    pub(crate) fn explain_failure(&self, failure: Failure) -> Failure {
        let bounds = self.bounds.as_deref();
        if failure.code() == Code::MemoryLimit {
            // Who refused it may have said already whose bound it was.
            let told = failure.refusal().is_some();
            if let Some(refused) = self.turns.refused_below(self.memory_max_bytes).filter(|_| !told) {
                return refused;
            }
            if told {
                return failure;
            }
        }
        match (failure.code(), self.deadline, bounds.and_then(|bounds| bounds.memory.as_ref())) {
            (Code::MemoryLimit, _, Some(memory)) => memory.memory_refused(failure.message()),
            (_, Some(deadline), _) => deadline.explain(failure, bounds, self.clock.now()),
            (_, None, _) => failure,
        }
    }
}

impl effort::Watch for Allowance {
    fn may_go_on(&self) -> bool {
        self.patience().is_some()
    }
}

impl Running {
    /// Begins to run; `sources` are in the plan's order.
    ///
    /// Errors: where the parameters take more memory than the statement may hold.
    pub(crate) fn start(
        planned: &Planned,
        sources: Vec<Box<dyn Source>>,
        parameters: Arc<Map>,
        allowance: Allowance,
    ) -> Result<Self, Failure> {
        // Its own name, whatever its user calls it.
        let database: CompactString =
            planned.sources.first().map(|source| source.target.name.as_str().into()).unwrap_or_default();
        if let Some(bounds) = &allowance.bounds {
            // A statement that runs again after a conflict begins anew.
            bounds.truncated.store(false, Ordering::Relaxed);
        }
        let id = planned.sources.first().map_or(DatabaseId([0; 16]), |source| source.target.database);
        let turn = allowance.turns.begin(id, &database, Arc::clone(&allowance.interrupted));
        let turn = turn.until(allowance.deadline.map(Deadline::at)).listed(allowance.listed.clone());
        let turn = Arc::new(turn);
        if let Some(listed) = &allowance.listed {
            listed.computes(&turn);
        }
        let mut budget = allowance.budget().at(Arc::clone(&turn) as Arc<dyn Pace>);
        let parameters_bytes = parameters.values().map(Value::memory_bytes).sum();
        allowance.explain(budget.take_memory(parameters_bytes))?;
        Ok(Self {
            execution: match planned.mode {
                Mode::Profile => planned.prepared.start_profiled(),
                Mode::Run | Mode::Explain => planned.prepared.start(),
            },
            sources,
            parameters,
            budget,
            counters: query::Counters::default(),
            statement_nanos: allowance.clock.wall_nanos(),
            transactions: None,
            database,
            remote: Door::of(&allowance, &turn),
            turn,
            writes: planned.prepared.writes.is_some(),
            linenumber: planned.counts_lines.then_some(0),
            file: None,
            allowance,
        })
    }

    /// Gives it what batches of its rows commit by.
    pub(crate) fn in_transactions(mut self, transactions: Arc<dyn Transactions>) -> Self {
        self.transactions = Some(transactions);
        self
    }

    /// Computes the next rows, entities by reference; `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<Batch>, Failure> {
        let now = self.turn.start();
        let next = self.allowance.check_at(now).and_then(|()| self.compute());
        self.turn.rest();
        next
    }

    fn compute(&mut self) -> Result<Option<Batch>, Failure> {
        if self.is_cut() && !self.writes {
            return Ok(None);
        }
        let mut random = rand::random::<u64>;
        let clock = &*self.allowance.clock;
        let mut context = Context {
            parameters: &self.parameters,
            sources: &mut self.sources,
            functions: FunctionContext {
                statement_nanos: self.statement_nanos,
                transaction_nanos: self.allowance.transaction_nanos,
                realtime_nanos: &|| clock.wall_nanos(),
                random: &mut random,
                database: &self.database,
                linenumber: self.linenumber,
                file: self.file.take(),
                memory_max_bytes: self.budget.memory_left_bytes(),
                limit_bytes: self.budget.memory_max_bytes(),
            },
            budget: &mut self.budget,
            counters: &mut self.counters,
            user: self.allowance.user.as_deref(),
            import_folder: self.allowance.import.as_ref().map(|import| import.folder.as_path()),
            remote: Some(&self.remote),
            transactions: self.transactions.as_deref(),
            transaction: self.allowance.listed.as_ref().map(|listed| listed.number),
        };
        let watch = Arc::clone(&self.turn) as Arc<dyn effort::Watch>;
        let watched = effort::watch(watch, context.budget.memory_left_bytes());
        let next = self.execution.next(&mut context);
        (self.linenumber, self.file) = (context.functions.linenumber, context.functions.file);
        // Where a walk through a large value was cut short, what came of it is nothing.
        let next = match (watched.is_over(), watched.is_too_large()) {
            (true, _) => Err(self.budget.over()),
            (false, true) => Err(self.budget.crowded()),
            (false, false) => next,
        };
        let next = self.allowance.explain(next);
        if self.allowance.bounds.is_some() { self.bound_results(next) } else { next }
    }

    /// Cuts off rows that are too many, or fails because of them.
    fn bound_results(&mut self, next: Result<Option<Batch>, Failure>) -> Result<Option<Batch>, Failure> {
        let bounds = self.allowance.bounds.as_deref();
        let bounded = bounds.and_then(|bounds| Some((bounds, bounds.results.as_ref()?)));
        let Some((bounds, results)) = bounded else { return next };
        let Some(mut batch) = next? else { return Ok(None) };
        let may = self.budget.pay_results(batch.rows);
        if may == batch.rows {
            return Ok(Some(batch));
        }
        if bounds.results_fail {
            return Err(results.results_refused());
        }
        bounds.truncated.store(true, Ordering::Relaxed);
        batch.rows = may;
        Ok(Some(batch))
    }

    /// Tells whether rows were cut off: of what only reads, the others need not be computed.
    fn is_cut(&self) -> bool {
        self.allowance.bounds.as_deref().is_some_and(|bounds| bounds.truncated.load(Ordering::Relaxed))
    }

    /// Runs to the end, then makes all rows whole: what they show is the end of the statement.
    ///
    /// A statement that took long keeps its turn at computing until [`Running::turn`] rests: it has yet to commit.
    pub(crate) fn finish(&mut self) -> Result<Fetched, Failure> {
        self.turn.start();
        let mut batches = Vec::new();
        while let Some(batch) = self.compute()? {
            let bytes =
                batch.columns.iter().map(|column| column.rows() * size_of::<Value>() + column.own_bytes()).sum();
            self.budget.take_memory(bytes)?;
            batches.push((batch, bytes));
        }
        let (mut fetched, mut bytes) = (Fetched::default(), 0);
        for (batch, batch_bytes) in batches {
            bytes += self.fetch_all(&batch, 0, &mut fetched)?;
            self.budget.give_back_memory(batch_bytes);
        }
        self.leave(bytes, &mut fetched);
        Ok(fetched)
    }

    /// Leaves what was lent for rows with them: they may outlive the statement.
    pub(crate) fn leave(&mut self, bytes: usize, rows: &mut Fetched) {
        rows.on_loan(self.turn.loan(self.budget.leave_lent(bytes)));
    }

    /// Appends the rows of a batch from `row` on, and pays for them: they stay here until the client takes them. Tells what
    /// they take.
    pub(crate) fn fetch_all(&mut self, batch: &Batch, row: usize, fetched: &mut Fetched) -> Result<usize, Failure> {
        let mut all_bytes = 0;
        for row in row..batch.rows {
            all_bytes += self.fetch_paid(batch, row, fetched)?;
        }
        Ok(all_bytes)
    }

    /// Appends one row, its entities made whole, and pays for it; tells what it takes.
    pub(crate) fn fetch_paid(&mut self, batch: &Batch, row: usize, fetched: &mut Fetched) -> Result<usize, Failure> {
        let before = self.budget.memory_used_bytes();
        let pushed = fetched.try_push(batch.columns.iter().map(|column| self.made_whole(column.get(row))));
        let paid = pushed.and_then(|()| {
            let bytes = fetched.last_row(batch.columns.len()).iter().map(Value::memory_bytes).sum();
            self.budget.settle(before, bytes).map(|()| bytes)
        });
        if paid.is_err() {
            self.budget.return_to(before);
        }
        self.allowance.explain(paid)
    }

    /// Makes a value whole. There is a bound for one that may be large, and the statement may end meanwhile.
    fn made_whole(&mut self, value: Value) -> Result<Value, Failure> {
        let Self { budget, sources, .. } = self;
        match value {
            Value::List(_) | Value::Map(_) | Value::PathRef(_) => check_extent(&value, budget.memory_left_bytes())?,
            Value::NodeRef(_) | Value::RelationshipRef(_) => {}
            plain => return Ok(plain),
        }
        let watched = effort::watch(Arc::clone(&self.turn) as Arc<dyn effort::Watch>, budget.memory_left_bytes());
        let whole = materialise(value, sources, &mut |bytes| budget.take_memory(bytes));
        match (watched.is_over(), watched.is_too_large()) {
            (true, _) => self.allowance.check().and(whole),
            (false, true) => Err(self.budget.crowded()),
            (false, false) => whole,
        }
    }

    /// Gives back what was paid for rows that are gone.
    pub(crate) fn are_gone(&mut self, bytes: usize) {
        self.budget.give_back_memory(bytes);
    }

    /// Lends the turn at computing, which may outlive the computation.
    pub(crate) fn turn(&self) -> Arc<Turn> {
        Arc::clone(&self.turn)
    }

    /// Tells what was changed so far.
    pub(crate) fn counters(&self) -> query::Counters {
        self.counters
    }

    /// Shows the plan with what each operator did so far.
    pub(crate) fn describe(&self) -> query::Description {
        self.execution.describe()
    }
}
