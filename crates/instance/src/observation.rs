//! What is counted and written down of one statement, at the one place where its outcome leaves the session.
//! Leaves the numbers to `metrics` and the log to `query_log`.
//! Start reading at [`Observation::end`].

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use catalog::Limit;
use types::{Code, Failure, Map};

use crate::admitting::Told;
use crate::auditing;
use crate::instance::Shared;
use crate::limits::Meter;
use crate::metrics::count;
use crate::query_log::{Ended, Note};
use crate::under_way::Entry;

/// A statement from its beginning to its last row; it is counted when this ends or is dropped.
pub(crate) struct Observation {
    shared: Arc<Shared>,
    /// The database that admitted it; none for commands on `system` and for what was refused before.
    meter: Option<Arc<Meter>>,
    begun: Instant,
    /// The number of the session.
    session: u64,
    rows: u64,
    waited: Duration,
    plan_found: Option<bool>,
    /// What the log of statements will hold of it, where there is one.
    note: Option<Box<Note>>,
    /// How it is listed while its rows are still computed: a limit may be in the way of those.
    listed: Option<Arc<Entry>>,
    /// Its number, while its rows are still computed.
    number: Option<u64>,
    is_over: bool,
}

impl Observation {
    /// Begins to observe a statement that came at `begun`.
    pub(crate) fn begin(shared: &Arc<Shared>, begun: Instant, session: u64) -> Self {
        let (waited, plan_found) = (Duration::ZERO, None);
        Self {
            shared: Arc::clone(shared),
            meter: None,
            begun,
            session,
            rows: 0,
            waited,
            plan_found,
            note: None,
            listed: None,
            number: None,
            is_over: false,
        }
    }

    /// Notes the statement for the log, where there is one; `more` says who asks.
    pub(crate) fn note(&mut self, text: &str, parameters: &Map, more: impl FnOnce(Note) -> Note) {
        if let Some(log) = &self.shared.query_log {
            self.note = Some(Box::new(more(log.begin(text, parameters))));
        }
    }

    /// Says what is known of it once it has begun.
    pub(crate) fn admitted(&mut self, told: Told, listed: &Entry) {
        match told.plan_found {
            Some(true) => count(&self.shared.metrics.plans_found),
            Some(false) => count(&self.shared.metrics.plans_made),
            None => {}
        }
        self.waited = told.waited;
        self.plan_found = told.plan_found;
        self.meter = told.meter;
        if let Some(note) = &mut self.note {
            let names = self.shared.catalog.names();
            note.database = listed.database_in(&names).to_string();
            note.transaction = listed.id_in(&names);
        }
    }

    /// Says that it goes on after it was answered.
    pub(crate) fn goes_on(&mut self, listed: &Arc<Entry>) {
        self.number = listed.statement_number();
        self.listed = Some(Arc::clone(listed));
    }

    /// Says of a statement that was interrupted why, as far as its database is the reason.
    pub(crate) fn why_ended(&self, failure: Failure) -> Failure {
        match &self.listed {
            Some(listed) => self.shared.why_ended(listed, failure),
            None => failure,
        }
    }

    /// Has a failure name the statement's database as its user did.
    pub(crate) fn told(&self, failure: Failure) -> Failure {
        match &self.listed {
            Some(listed) => listed.told(failure),
            None => failure,
        }
    }

    /// Counts rows that the client got.
    pub(crate) fn add_rows(&mut self, rows: usize) {
        self.rows += rows as u64;
    }

    /// Counts the statement and how it ended; what comes after is not counted.
    pub(crate) fn end(&mut self, failure: Option<&Failure>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let time = self.shared.options.clock.now().saturating_duration_since(self.begun);
        if let Some(meter) = &self.meter {
            let counts = &meter.counts;
            count(&counts.statements);
            counts.rows.fetch_add(self.rows, Ordering::Relaxed);
            counts.times.add(time);
            if failure.is_some() {
                count(&counts.failures);
            }
        }
        if let Some(failure) = failure {
            self.failed(failure, time);
        }
        if let (Some(listed), Some(number)) = (&self.listed, self.number) {
            listed.rests_after(number);
        }
        if let (Some(log), Some(note)) = (&self.shared.query_log, self.note.take()) {
            let ended = Ended {
                wall_nanos: self.shared.options.clock.wall_nanos(),
                time,
                waited: self.waited,
                rows: self.rows,
                plan_found: self.plan_found,
                code: failure.map(|failure| failure.code().row().neo4j),
            };
            log.note(*note, &ended);
        }
    }

    #[cold]
    fn failed(&self, failure: &Failure, time: Duration) {
        failed(&self.shared, failure, self.session);
        if let Some(listed) = &self.listed {
            refused(&self.shared, listed, failure);
        }
        let database = self.meter.as_ref().map(|meter| meter.name()).unwrap_or_default();
        let session = self.session;
        tracing::debug!(%database, session, code = ?failure.code(), ?time, reason = %failure, "statement failed");
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        self.end(None);
    }
}

/// Tells the audit of what was refused to a statement that is listed.
fn refused(shared: &Shared, listed: &Entry, failure: &Failure) {
    let text = listed.statement().map(|(.., text)| text).unwrap_or_default();
    let names = shared.catalog.names();
    let database = listed.database_in(&names);
    let (user, impersonated) = auditing::who(&names, &listed.acting);
    let who = (user.unwrap_or_default(), impersonated);
    auditing::refused(shared, who, &listed.origin.address, &database, &text, failure);
}

/// Counts and notes a failure of a part of a statement, which goes on after it.
#[cold]
pub(crate) fn passed_over(shared: &Shared, listed: &Entry, failure: &Failure) {
    limited(shared, failure, None);
    refused(shared, listed, failure);
}

/// Counts a failure that a client is told, and the limit that was in the way.
pub(crate) fn failed(shared: &Shared, failure: &Failure, session: u64) {
    shared.metrics.failed(failure.code());
    limited(shared, failure, Some(session));
}

/// Counts the limit that was in the way, if one was.
fn limited(shared: &Shared, failure: &Failure, session: Option<u64>) {
    let Some(refusal) = failure.refusal() else { return };
    let names = shared.catalog.names();
    let meter = names.resolve(&refusal.database).ok().and_then(|target| shared.meters.find(target.database));
    if let (Some(meter), Ok(limit)) = (meter, Limit::parse(refusal.limit)) {
        meter.counts.refused(limit, &refusal.set_by);
    }
    let retry_after = refusal.retry_after.map_or(0.0, |time| time.as_secs_f64());
    tracing::info!(
        database = %refusal.database,
        session,
        limit = refusal.limit,
        source = refusal.set_by.word(),
        role = refusal.set_by.role(),
        max = refusal.max,
        used = refusal.used,
        retry_after,
        "a limit was in the way"
    );
    debug_assert!(failure.code().is_limit() || failure.code() == Code::TransactionTimedOutClient);
}
