//! The rows of a statement on their way out: computed as they are pulled, or waiting in a buffer.
//! Leaves starting the statement to `statement`.
//! Start reading at [`Records::pull`].

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use compact_str::CompactString;
use parking_lot::Mutex;
use query::Batch;
use types::{Code, Failure, Value};

use crate::Admission;
use crate::admitting::{AllAdmitted, Bounds};
use crate::answer::{Fetched, More, Summary};
use crate::bookmark::Choice;
use crate::instance::Shared;
use crate::leases::{Lease, Work};
use crate::observation::Observation;
use crate::running::{Allowance, Running};
use crate::under_way::Listing;

/// What is handed on at once, roughly: a slow client has so much of a statement that is over, and no more.
const HANDED_BYTES: usize = 1 << 17;

/// The records of a statement that was started. Dropping them ends the statement.
pub struct Records {
    columns: Vec<CompactString>,
    summary: Summary,
    admission: Admission,
    stream: Arc<Stream>,
    /// What bounds its rows, to tell in the end whether some were cut off.
    bounds: Option<Arc<Bounds>>,
    /// What its session has chosen, where bookmarks carry that.
    carries: Option<Choice>,
}

/// Makes at most so many rows.
pub(crate) type MakeRows = Box<dyn FnMut(usize, &mut Fetched) -> More + Send>;

/// What is left of a result; shared with whoever may have to end it.
pub(crate) struct Stream(Mutex<Rest>);

enum Rest {
    /// Rows are computed as they are asked for.
    Live(Box<Live>),
    /// Rows are there.
    Buffered { rows: Fetched, width: usize, next: usize },
    /// Rows are made as they are asked for, out of what does not change.
    Made(MakeRows),
    /// Somebody else sends rows, and drops his end after the last.
    Fed(Receiver<Result<Vec<Value>, Failure>>),
    /// There are none any more, or there will be none.
    Ended(Result<(), Failure>),
}

struct Live {
    running: Running,
    allowance: Allowance,
    width: usize,
    /// Rows that are computed and not taken yet, from the number on.
    batch: Option<(Batch, usize)>,
    /// What the rows take that were handed on last: they are on their way until somebody asks for more.
    handed_bytes: usize,
    /// Tells the databases that they are in use.
    _leases: Vec<Lease>,
    /// Lists the transaction of a lone statement.
    listing: Option<Listing>,
    /// Its places in the databases, until the last row.
    admitted: Option<AllAdmitted>,
    /// Counts it once it is over.
    observation: Option<Observation>,
}

impl Records {
    /// Makes records whose rows are there already.
    pub(crate) fn buffered(columns: Vec<CompactString>, rows: Fetched, summary: Summary, admission: Admission) -> Self {
        let width = columns.len();
        let stream = Arc::new(Stream(Mutex::new(Rest::Buffered { rows, width, next: 0 })));
        Self { columns, summary, admission, stream, bounds: None, carries: None }
    }

    /// Makes records whose rows are made as they are pulled, and hold nothing up meanwhile.
    pub(crate) fn made(columns: Vec<CompactString>, make: MakeRows, summary: Summary, admission: Admission) -> Self {
        let stream = Arc::new(Stream(Mutex::new(Rest::Made(make))));
        Self { columns, summary, admission, stream, bounds: None, carries: None }
    }

    /// Makes records that another thread sends; dropping them makes its sending fail.
    pub(crate) fn fed(
        columns: Vec<CompactString>,
        rows: Receiver<Result<Vec<Value>, Failure>>,
        summary: Summary,
        admission: Admission,
    ) -> Self {
        Self {
            columns,
            summary,
            admission,
            stream: Arc::new(Stream(Mutex::new(Rest::Fed(rows)))),
            bounds: None,
            carries: None,
        }
    }

    /// Makes records that are computed as they are pulled; `leases` come from the databases that are read.
    pub(crate) fn live(
        columns: Vec<CompactString>,
        running: Running,
        allowance: Allowance,
        summary: Summary,
        admission: Admission,
        leases: impl FnOnce(&Arc<Stream>) -> Vec<Lease>,
    ) -> Self {
        let stream = Arc::new(Stream(Mutex::new(Rest::Ended(Ok(())))));
        let live = Live {
            running,
            allowance,
            width: columns.len(),
            batch: None,
            handed_bytes: 0,
            _leases: leases(&stream),
            listing: None,
            admitted: None,
            observation: None,
        };
        let bounds = live.allowance.bounds.clone();
        *stream.0.lock() = Rest::Live(Box::new(live));
        Self { columns, summary, admission, stream, bounds, carries: None }
    }

    /// Keeps the transaction of a lone statement listed for as long as rows of it are computed.
    pub(crate) fn list(&self, listing: Listing) {
        if let Rest::Live(live) = &mut *self.stream.0.lock() {
            live.listing = Some(listing);
        }
    }

    /// Keeps the statement's places in its databases for as long as rows of it are computed.
    pub(crate) fn hold(&self, admitted: AllAdmitted) {
        if let Rest::Live(live) = &mut *self.stream.0.lock() {
            live.admitted = Some(admitted);
        }
    }

    /// Counts what the statement changed, as far as it is known.
    pub(crate) fn changes(&self) -> u64 {
        let counters = &self.summary.counters;
        [
            counters.nodes_created,
            counters.nodes_deleted,
            counters.relationships_created,
            counters.relationships_deleted,
            counters.properties_set,
            counters.labels_added,
            counters.labels_removed,
        ]
        .iter()
        .sum()
    }

    /// Has its bookmark carry what its session has chosen.
    pub(crate) fn carry(&mut self, choice: Option<Choice>) {
        self.carries = choice;
    }

    /// Tells in the end by which bookmark what it did is named.
    pub(crate) fn bookmark(&mut self, bookmark: String) {
        self.summary.bookmark = Some(bookmark);
    }

    /// Tells in the end whether rows were cut off.
    pub(crate) fn bounded_by(&mut self, bounds: Option<Arc<Bounds>>) {
        self.bounds = bounds;
    }

    /// Counts the statement when its last row was computed: now, where that is so already.
    pub(crate) fn observe(&self, mut observation: Observation) {
        match &mut *self.stream.0.lock() {
            Rest::Live(live) => live.observation = Some(observation),
            Rest::Buffered { rows, .. } => {
                observation.add_rows(rows.len());
                observation.end(None);
            }
            // Rows that come from elsewhere are not counted here.
            Rest::Made(_) | Rest::Fed(_) | Rest::Ended(_) => observation.end(None),
        }
    }

    /// Lends what is left of the result.
    pub(crate) fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Names the columns.
    #[must_use]
    pub fn columns(&self) -> &[CompactString] {
        &self.columns
    }

    /// Appends at most `rows_max` rows to `fetched` and tells whether more may come. Of large rows there are fewer, and
    /// their statement goes on until more is asked for: who asks has sent those.
    ///
    /// # Errors
    ///
    /// What the statement runs into. No rows come after that.
    pub fn pull(&mut self, rows_max: usize, fetched: &mut Fetched) -> Result<More, Failure> {
        let mut rest = self.stream.0.lock();
        let outcome = match &mut *rest {
            Rest::Live(live) => {
                let _permit = live.allowance.enter(&self.admission)?;
                live.pull(rows_max, fetched)
            }
            Rest::Buffered { rows, width, next } => {
                let (until, mut bytes) = (rows.len().min(next.saturating_add(rows_max)), 0);
                while *next < until && bytes < HANDED_BYTES {
                    bytes += rows.row_bytes(*next, *width);
                    fetched.push(rows.take_row(*next, *width));
                    *next += 1;
                }
                Ok(if *next < rows.len() || bytes >= HANDED_BYTES { More::Yes } else { More::No })
            }
            Rest::Made(make) => {
                let _permit = self.admission.enter()?;
                Ok(make(rows_max, fetched))
            }
            Rest::Fed(rows) => take_fed(rows, rows_max, fetched),
            Rest::Ended(outcome) => return outcome.clone().map(|()| More::No),
        };
        match &outcome {
            Ok(More::Yes) => {}
            Ok(More::No) => *rest = Rest::Ended(Ok(())),
            Err(failure) => *rest = Rest::Ended(Err(failure.clone())),
        }
        outcome
    }

    /// Tells whether it ended before its last row: in failure, or because somebody ended it.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.stream.0.try_lock().is_some_and(|rest| matches!(*rest, Rest::Ended(Err(_))))
    }

    /// Tells what the statement did.
    #[must_use]
    pub fn summary(&mut self) -> Summary {
        let mut summary = self.summary.clone();
        if let (Some(choice), Some(bookmark)) = (&self.carries, &mut summary.bookmark) {
            *bookmark = choice.carry(bookmark);
        }
        if let Some(bounds) = self.bounds.as_deref().filter(|bounds| bounds.truncated.load(Ordering::Relaxed)) {
            summary.truncated = true;
            summary.notifications.extend(bounds.notification());
        }
        summary
    }
}

/// Takes rows that somebody else sends.
fn take_fed(
    rows: &Receiver<Result<Vec<Value>, Failure>>,
    rows_max: usize,
    fetched: &mut Fetched,
) -> Result<More, Failure> {
    for _ in 0..rows_max {
        match rows.recv() {
            Ok(row) => fetched.push(row?),
            Err(_) => return Ok(More::No),
        }
    }
    Ok(More::Yes)
}

impl Live {
    fn pull(&mut self, rows_max: usize, fetched: &mut Fetched) -> Result<More, Failure> {
        let before = fetched.len();
        let mut pulled = self.pull_rows(rows_max, fetched);
        if let Some(observation) = &mut self.observation {
            pulled = pulled.map_err(|failure| observation.why_ended(failure));
            observation.add_rows(fetched.len() - before);
            match &pulled {
                Ok(More::Yes) => {}
                Ok(More::No) => observation.end(None),
                Err(failure) => observation.end(Some(failure)),
            }
        }
        pulled
    }

    fn pull_rows(&mut self, rows_max: usize, fetched: &mut Fetched) -> Result<More, Failure> {
        // Who computes the next rows looks at the clock anyway.
        if self.batch.is_some() {
            self.allowance.check()?;
        }
        self.running.are_gone(std::mem::take(&mut self.handed_bytes));
        let mut left = rows_max;
        while left > 0 && self.handed_bytes < HANDED_BYTES {
            let Some((batch, mut next)) = self.advance()? else { return Ok(More::No) };
            let until = batch.rows.min(next.saturating_add(left));
            left -= until - next;
            while next < until && self.handed_bytes < HANDED_BYTES {
                self.handed_bytes += self.running.fetch_paid(&batch, next, fetched)?;
                next += 1;
            }
            left += until - next;
            self.batch = (next < batch.rows).then_some((batch, next));
        }
        Ok(More::Yes)
    }

    /// Gives the batch that is being taken, or the next one.
    fn advance(&mut self) -> Result<Option<(Batch, usize)>, Failure> {
        match self.batch.take() {
            Some(batch) => Ok(Some(batch)),
            None => Ok(self.running.next()?.map(|batch| (batch, 0))),
        }
    }

    /// Computes all the rest.
    fn drain(&mut self) -> Result<Fetched, Failure> {
        let (mut rows, mut bytes) = (Fetched::default(), 0);
        while let Some((batch, next)) = self.advance()? {
            bytes += self.running.fetch_all(&batch, next, &mut rows)?;
        }
        self.running.leave(bytes, &mut rows);
        if let Some(observation) = &mut self.observation {
            observation.add_rows(rows.len());
        }
        Ok(rows)
    }
}

impl Stream {
    /// Computes all rows that are left and lets go of the databases: another statement is about to run.
    pub(crate) fn settle(&self) {
        self.0.lock().settle();
    }

    /// Gives up what is still to be computed: the transaction ends. Rows that are there stay.
    pub(crate) fn abandon(&self) {
        let mut rest = self.0.lock();
        if matches!(&*rest, Rest::Live(_)) {
            *rest = Rest::Ended(Err(Failure::new(
                Code::TransactionTerminated,
                "The transaction ended before the rest of this result was taken.",
            )));
        }
    }
}

impl Rest {
    fn settle(&mut self) {
        if let Self::Live(live) = self {
            *self = match live.drain() {
                Ok(rows) => Self::Buffered { rows, width: live.width, next: 0 },
                Err(failure) => {
                    if let Some(observation) = &mut live.observation {
                        observation.end(Some(&failure));
                    }
                    Self::Ended(Err(failure))
                }
            };
        }
    }
}

impl Work for Stream {
    fn end(&self, failure: &Failure, wait_max: Duration) {
        let Some(mut rest) = self.0.try_lock_for(wait_max) else { return };
        if let Rest::Live(live) = &*rest {
            let told = |observation: &Observation| observation.told(failure.clone());
            let failure = live.observation.as_ref().map_or_else(|| failure.clone(), told);
            *rest = Rest::Ended(Err(failure));
        }
    }

    fn end_unattended(&self, _shared: &Shared) {
        let Some(mut rest) = self.0.try_lock() else { return };
        if let Rest::Live(live) = &mut *rest
            && let Err(mut failure) = live.allowance.check()
        {
            if let Some(observation) = &mut live.observation {
                failure = observation.why_ended(failure);
                observation.end(Some(&failure));
            }
            *rest = Rest::Ended(Err(failure));
        }
    }

    /// Computes the rest of the rows, which then wait without the database.
    fn let_go(&self, wait_max: Duration) {
        if let Some(mut rest) = self.0.try_lock_for(wait_max) {
            rest.settle();
        }
    }
}
