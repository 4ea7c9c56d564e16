//! Open HTTP transactions: who owns them, and when they lapse.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::sessions::{Interrupter, Session};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::time::interval;
use types::{Clock, Code, Failure};

use super::answer::End;
use crate::config::ServerConfig;

/// How often lapsed transactions are looked for.
const SWEEP_EVERY: Duration = Duration::from_millis(500);

/// The transactions that clients have opened and not ended.
pub(super) struct Transactions {
    open: Mutex<HashMap<u64, Open>>,
    last: AtomicU64,
    clock: Arc<dyn Clock>,
    idle_max: Duration,
    count_max: usize,
}

struct Open {
    owner: Owner,
    interrupter: Interrupter,
    /// Absent while a request runs in it.
    session: Option<Box<dyn Session>>,
    lapses_at: Instant,
}

/// To whom a transaction belongs, and where it was opened; for anybody else, and elsewhere, it does not exist.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    key: String,
    database: String,
    /// As whom it runs, where that is somebody else.
    impersonated_user: Option<String>,
}

impl Owner {
    pub(super) fn new(session: &dyn Session, database: &str, impersonated_user: Option<&str>) -> Self {
        let impersonated_user = impersonated_user.map(str::to_owned);
        Self { key: session.key(), database: database.to_ascii_lowercase(), impersonated_user }
    }
}

/// A transaction in use by one request. Unless it is put back, it is gone.
pub(super) struct Lease {
    transactions: Arc<Transactions>,
    id: u64,
    session: Option<Box<dyn Session>>,
}

impl Transactions {
    pub(super) fn new(config: &ServerConfig) -> Self {
        Self {
            open: Mutex::default(),
            last: AtomicU64::new(0),
            clock: Arc::clone(&config.clock),
            idle_max: config.http_transaction_idle_max,
            count_max: config.http_transactions_max,
        }
    }

    /// Takes a new transaction in, in use by the caller.
    pub(super) fn enter(self: &Arc<Self>, owner: Owner, session: Box<dyn Session>) -> Result<Lease, Failure> {
        let mut open = self.open.lock();
        if open.len() >= self.count_max {
            let message = format!("{} HTTP transactions are open, which is as many as may be", open.len());
            return Err(Failure::new(Code::TooManyTransactions, message));
        }
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let interrupter = session.interrupter();
        open.insert(id, Open { owner, interrupter, session: None, lapses_at: self.lapses_at() });
        Ok(Lease { transactions: Arc::clone(self), id, session: Some(session) })
    }

    /// Takes an open transaction into use, for whoever it belongs to; as whom it runs was said when it began.
    pub(super) fn take(
        self: &Arc<Self>,
        id: &str,
        who: &dyn Session,
        database: &str,
        impersonated_user: Option<&str>,
    ) -> Result<Lease, Failure> {
        let is_his = |owner: &Owner| owner.database == database.to_ascii_lowercase() && who.owns(&owner.key);
        let mut open = self.open.lock();
        let found = id.parse().ok().and_then(|id: u64| Some((id, open.get_mut(&id)?)));
        let (id, found) = found.filter(|(_, found)| is_his(&found.owner)).ok_or_else(not_found)?;
        if impersonated_user.is_some() && impersonated_user != found.owner.impersonated_user.as_deref() {
            let text = "impersonatedUser cannot change within a transaction; begin another one.";
            return Err(Failure::new(Code::RequestInvalid, text));
        }
        let session = found.session.take().ok_or_else(|| {
            let message = "The transaction is used by another request; wait for its answer.";
            Failure::new(Code::TransactionAccessedConcurrently, message)
        })?;
        Ok(Lease { transactions: Arc::clone(self), id, session: Some(session) })
    }

    /// Interrupts every statement that runs in an open transaction.
    pub(super) fn interrupt_all(&self) {
        self.open.lock().values().for_each(|open| (open.interrupter)());
    }

    /// Rolls back everything that no request uses.
    pub(super) fn roll_back_all(&self) {
        let sessions: Vec<_> = self.open.lock().drain().filter_map(|(_, open)| open.session).collect();
        sessions.into_iter().for_each(roll_back);
    }

    /// Rolls back what lay idle for too long, for ever.
    pub(super) async fn sweep(self: Arc<Self>) {
        let mut ticks = interval(SWEEP_EVERY);
        loop {
            ticks.tick().await;
            let lapsed = self.take_lapsed();
            if !lapsed.is_empty() {
                tokio::task::block_in_place(|| lapsed.into_iter().for_each(roll_back));
            }
        }
    }

    fn take_lapsed(&self) -> Vec<Box<dyn Session>> {
        let now = self.clock.now();
        let lapsed = |open: &Open| open.session.is_some() && open.lapses_at <= now;
        let mut open = self.open.lock();
        open.extract_if(|_, open| lapsed(open)).filter_map(|(_, open)| open.session).collect()
    }

    /// Gives the wall-clock time at which a transaction lapses that is last used now.
    pub(super) fn lapses_at_time(&self) -> Timestamp {
        let idle = i128::try_from(self.idle_max.as_nanos()).unwrap_or(i128::MAX);
        Timestamp::from_nanosecond(self.clock.wall_nanos().saturating_add(idle)).unwrap_or(Timestamp::MAX)
    }

    fn lapses_at(&self) -> Instant {
        self.clock.now() + self.idle_max
    }
}

impl Lease {
    /// Gives the transaction's number, as its address has it.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Gives the session in which the transaction is open.
    pub(super) fn session(&mut self) -> &mut dyn Session {
        self.session.as_deref_mut().expect("the session leaves only with the lease")
    }

    /// Puts the transaction back if it goes on, ends it otherwise, and only then lets the client hear of it: its
    /// next request may come at once.
    pub(super) fn end(self, goes_on: bool, answer: Option<End>) {
        if goes_on && answer.as_ref().is_some_and(End::is_awaited) {
            self.put_back();
        } else {
            drop(self);
        }
        if let Some(answer) = answer {
            answer.send();
        }
    }

    /// Puts the transaction back for the next request; its idle time starts anew.
    fn put_back(mut self) {
        let session = self.session.take();
        if let Some(open) = self.transactions.open.lock().get_mut(&self.id) {
            open.session = session;
            open.lapses_at = self.transactions.lapses_at();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.transactions.open.lock().remove(&self.id);
            roll_back(session);
        }
    }
}

fn roll_back(mut session: Box<dyn Session>) {
    // It may have ended already, by commit or by its own failure.
    let _ = session.rollback();
}

fn not_found() -> Failure {
    let message = "Unrecognized transaction id. Transaction may have timed out and been rolled back.";
    Failure::new(Code::TransactionNotFound, message)
}
