//! What is under way: every transaction with its user and its statement, to be listed and ended.
//! Leaves the columns to `show`.
//! Start reading at [`UnderWay::enter`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use catalog::{Names, Principal, Target};
use compact_str::CompactString;
use parking_lot::Mutex;
use types::{Code, DatabaseId, DatabaseName, Failure, Map};

use crate::memory::Loan;
use crate::turns::{Spending, Turn};

/// What clients may keep with a transaction: notes, which are held as long as it lasts.
const METADATA_BYTES_MAX: usize = 64 << 10;
/// What is kept of a statement's text.
const TEXT_BYTES_MAX: usize = 10_000;

/// The transactions of an instance, those of lone statements included.
#[derive(Default)]
pub(crate) struct UnderWay {
    next: Arc<AtomicU64>,
    listed: Arc<Mutex<Listed>>,
}

type Listed = BTreeMap<u64, Arc<Entry>>;

/// One transaction that is under way.
pub(crate) struct Entry {
    pub(crate) number: u64,
    /// The database in which it was begun.
    pub(crate) database: DatabaseId,
    /// What that was called then.
    begun_in: CompactString,
    /// The alias by which its owner named it, if he did.
    alias: Option<DatabaseName>,
    /// Who began it.
    pub(crate) owner: Principal,
    /// As whom it runs, where that is another in whose name he speaks.
    pub(crate) acting: Principal,
    pub(crate) begun_at: Instant,
    /// In nanoseconds since 1970.
    pub(crate) begun_nanos: i128,
    metadata: Mutex<Map>,
    /// Who asks, and from where.
    pub(crate) origin: Arc<Origin>,
    statement: Mutex<Option<Shown>>,
    interrupted: Arc<AtomicBool>,
    ending: Mutex<Ending>,
    waits: Mutex<Waits>,
    account: Mutex<Account>,
    /// What was lent for changes that are not committed.
    changes: Mutex<Option<Loan>>,
    has_let_go: AtomicBool,
}

/// A statement that runs.
struct Shown {
    number: u64,
    /// When it came.
    at: Instant,
    /// Without secrets.
    text: Box<str>,
    /// None of one that may set a password.
    parameters: Arc<Map>,
    /// Those that it uses, where that is not the one in which the transaction was begun.
    databases: Box<[DatabaseId]>,
}

/// What the statements of a transaction have spent.
#[derive(Default)]
struct Account {
    /// By computations that are over.
    past: Spending,
    /// What was spent before the statement that runs.
    before: Spending,
    /// The computation that goes on.
    turn: Weak<Turn>,
    /// The most that anybody was told of the time that was computed: while it goes on that is an estimate.
    told: Duration,
}

/// Why a transaction is ended by somebody else.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// Somebody said so.
    Asked,
    /// Its statement took longer than its database lets it.
    Overdue,
    /// A database is not there for it any more; its client is told this.
    Database(Failure),
}

#[derive(Default)]
struct Ending {
    why: Option<End>,
    /// Whether its session does something else by now.
    is_over: bool,
}

/// How long the statements of a transaction waited in lines.
#[derive(Default)]
struct Waits {
    /// In all waits that are over.
    past: Duration,
    /// Before the statement that runs.
    before: Duration,
    /// Since when the one waits that runs.
    since: Option<Instant>,
}

/// An entry among them, gone when it is dropped.
pub(crate) struct Listing {
    entry: Arc<Entry>,
    listed: Arc<Mutex<Listed>>,
}

/// What is known of a transaction when it begins.
pub(crate) struct Begun<'a> {
    pub(crate) database: &'a Target,
    pub(crate) owner: &'a Principal,
    pub(crate) acting: &'a Principal,
    pub(crate) at: Instant,
    pub(crate) nanos: i128,
    pub(crate) metadata: &'a Map,
    pub(crate) interrupted: &'a Arc<AtomicBool>,
    pub(crate) origin: &'a Arc<Origin>,
}

/// Where a session comes from, as its face tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The connection by its name: `bolt-7`.
    pub connection: String,
    /// The client's address.
    pub address: String,
    /// `bolt`, `http`, or empty for one in the same process.
    pub protocol: &'static str,
    /// What the client calls itself.
    pub agent: String,
    /// Our end of the connection.
    pub server: String,
    /// When the connection was made, in nanoseconds since 1970; nothing where that is when the session began.
    pub since_nanos: Option<i128>,
    /// The path of a request, where it came by one: `/db/sheaf/query/v2`.
    pub path: Option<String>,
}

impl UnderWay {
    /// Lists a transaction until the listing is dropped.
    pub(crate) fn enter(&self, begun: &Begun<'_>) -> Listing {
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let entry = Arc::new(Entry {
            number,
            database: begun.database.database,
            begun_in: begun.database.name.as_str().into(),
            alias: begun.database.alias.clone(),
            owner: begun.owner.clone(),
            acting: begun.acting.clone(),
            begun_at: begun.at,
            begun_nanos: begun.nanos,
            metadata: Mutex::new(begun.metadata.clone()),
            origin: Arc::clone(begun.origin),
            statement: Mutex::new(None),
            interrupted: Arc::clone(begun.interrupted),
            ending: Mutex::default(),
            waits: Mutex::default(),
            account: Mutex::default(),
            changes: Mutex::default(),
            has_let_go: AtomicBool::new(false),
        });
        self.listed.lock().insert(number, Arc::clone(&entry));
        Listing { entry, listed: Arc::clone(&self.listed) }
    }

    /// Gives what hands out the numbers of transactions.
    pub(crate) fn numbers(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.next)
    }

    /// Counts what is under way.
    pub(crate) fn count(&self) -> usize {
        self.listed.lock().len()
    }

    /// Gives the transaction of this number.
    pub(crate) fn find(&self, number: u64) -> Option<Arc<Entry>> {
        self.listed.lock().get(&number).cloned()
    }

    /// Gives everything that is under way, the oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Entry>> {
        self.listed.lock().values().cloned().collect()
    }
}

impl Entry {
    /// Gives the name that its database has now; once that is dropped, the last one that is known here.
    pub(crate) fn database_in(&self, names: &Names) -> CompactString {
        names.database(self.database).map_or_else(|| self.begun_in.clone(), |row| row.name.as_str().into())
    }

    /// Gives the name by which whoever it runs as knows its database: an alias, where he sees it by that alone.
    pub(crate) fn shown_database(&self, names: &Names) -> CompactString {
        self.known_to(names, &self.acting).unwrap_or_else(|| match &self.alias {
            Some(alias) => alias.as_str().into(),
            None => self.database_in(names),
        })
    }

    /// Gives the name of its database that is told to somebody: the one by which he knows it, or by which whoever it runs as
    /// does, where it is his own; else its own name, on which the right is to see the transactions of others.
    pub(crate) fn database_told_to(&self, names: &Names, viewer: &Principal) -> CompactString {
        match self.is_of(viewer) {
            true => self.known_to(names, viewer).unwrap_or_else(|| self.shown_database(names)),
            false => self.database_in(names),
        }
    }

    /// Tells whether it is somebody's own: he began it, or it runs as him.
    fn is_of(&self, somebody: &Principal) -> bool {
        [&self.owner, &self.acting].iter().any(|one| one.id() == somebody.id())
    }

    fn known_to(&self, names: &Names, somebody: &Principal) -> Option<CompactString> {
        let known = catalog::access::told_name(names, somebody, self.database, self.alias.as_ref())?;
        Some(known.as_str().into())
    }

    /// Has a failure name its database as its owner did.
    pub(crate) fn told(&self, failure: Failure) -> Failure {
        match &self.alias {
            Some(alias) => failure.calling(&self.begun_in, alias.as_str()),
            None => failure,
        }
    }

    /// Names the user; empty while nobody needs a password.
    pub(crate) fn user<'n>(&'n self, names: &'n Names) -> &'n str {
        catalog::access::told_user(names, &self.owner).unwrap_or_default()
    }

    /// Gives what its client keeps with it.
    pub(crate) fn metadata(&self) -> Map {
        self.metadata.lock().clone()
    }

    /// Keeps something else with it.
    pub(crate) fn keep(&self, metadata: Map) {
        *self.metadata.lock() = metadata;
    }

    /// Writes its id for whoever runs the server, who knows databases by their own names.
    pub(crate) fn id_in(&self, names: &Names) -> String {
        transaction_id(&self.database_in(names), self.number)
    }

    /// Writes the id by which somebody names it.
    pub(crate) fn id_told_to(&self, names: &Names, viewer: &Principal) -> String {
        transaction_id(&self.database_told_to(names, viewer), self.number)
    }

    /// Tells whether somebody names it so, or did before its database was renamed. A name of the database that he does not
    /// know means nothing.
    pub(crate) fn has_id(&self, id: &str, names: &Names, viewer: &Principal) -> bool {
        let (told, own) = (self.database_told_to(names, viewer), self.database_in(names));
        let is_id_under = |database: &str| id == transaction_id(database, self.number);
        let knows_own = told == own || self.alias.is_none();
        let is_known = |name: &str| self.is_of(viewer) || catalog::access::resolve(names, viewer, name).is_ok();
        let is_id_by = |name: &str| is_id_under(name) && is_known(name);
        is_id_under(&told)
            || is_id_by(&self.shown_database(names))
            || (knows_own && (is_id_under(&own) || is_id_under(&self.begun_in)))
            || self.alias.as_ref().is_some_and(|alias| is_id_by(alias.as_str()))
    }

    /// Gives the number of the statement that runs, when it came, and its text; nothing between two statements.
    pub(crate) fn statement(&self) -> Option<(u64, Instant, Box<str>)> {
        self.statement.lock().as_ref().map(|shown| (shown.number, shown.at, shown.text.clone()))
    }

    /// Gives the parameters of the statement that runs; none of one that may set a password.
    pub(crate) fn parameters(&self) -> Arc<Map> {
        self.statement.lock().as_ref().map(|shown| shown.parameters.clone()).unwrap_or_default()
    }

    /// Gives the number of the statement that runs; nothing between two statements.
    pub(crate) fn statement_number(&self) -> Option<u64> {
        self.statement.lock().as_ref().map(|shown| shown.number)
    }

    /// Notes which databases the statement uses that runs.
    pub(crate) fn uses(&self, databases: impl Iterator<Item = DatabaseId> + Clone) {
        if databases.clone().eq([self.database]) {
            return;
        }
        if let Some(shown) = &mut *self.statement.lock() {
            shown.databases = databases.collect();
        }
    }

    /// Gives the databases whose limits hold for the statement that runs, and when that came; nothing between two statements.
    pub(crate) fn bounded_by(&self) -> Option<(Box<[DatabaseId]>, Instant)> {
        let statement = self.statement.lock();
        let shown = statement.as_ref()?;
        let own = || Box::from([self.database]);
        Some((if shown.databases.is_empty() { own() } else { shown.databases.clone() }, shown.at))
    }

    /// Says that a statement is over, unless another one runs already.
    pub(crate) fn rests_after(&self, number: u64) {
        let mut statement = self.statement.lock();
        if statement.as_ref().is_some_and(|shown| shown.number == number) {
            *statement = None;
        }
    }

    /// Interrupts whatever a transaction does, and whatever it would do next; the first reason holds. What is over is left
    /// in peace, for its session does something else by now.
    pub(crate) fn end(&self, why: End) {
        let mut ending = self.ending.lock();
        if !ending.is_over {
            ending.why.get_or_insert(why);
            self.interrupted.store(true, Ordering::Relaxed);
        }
    }

    /// Tells why it was ended before it was over.
    pub(crate) fn ended(&self) -> Option<End> {
        self.ending.lock().why.clone()
    }

    /// Says that its statement waits in a line from `at` on.
    pub(crate) fn waits(&self, at: Instant) {
        self.waits.lock().since = Some(at);
    }

    /// Says that the wait is over at `at`; gives how long it was.
    pub(crate) fn waited(&self, at: Instant) -> Duration {
        let mut waits = self.waits.lock();
        let time = waits.since.take().map(|since| at.saturating_duration_since(since)).unwrap_or_default();
        waits.past += time;
        time
    }

    /// Tells whether its statement waits in a line.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waits.lock().since.is_some()
    }

    /// Gives how long its statements have waited in lines until `at`, and how long of that the one that runs has.
    pub(crate) fn waited_time(&self, at: Instant) -> (Duration, Duration) {
        let waits = self.waits.lock();
        let now = waits.since.map(|since| at.saturating_duration_since(since)).unwrap_or_default();
        let all = waits.past + now;
        (all, all.saturating_sub(waits.before))
    }

    /// Notes that one of its statements computes now.
    pub(crate) fn computes(&self, turn: &Arc<Turn>) {
        self.account.lock().turn = Arc::downgrade(turn);
    }

    /// Has so many bytes lent altogether for changes that are not committed; `begin` makes an empty loan.
    ///
    /// Errors: [`types::Code::MemoryPool`] where the others leave no more.
    pub(crate) fn lend_for_changes(&self, bytes: usize, begin: impl FnOnce() -> Loan) -> Result<(), Failure> {
        self.changes.lock().get_or_insert_with(begin).change_to(bytes)
    }

    /// Says that it holds nothing any more, though its client does not know yet that it is over.
    pub(crate) fn lets_go(&self) {
        self.has_let_go.store(true, Ordering::Relaxed);
        *self.changes.lock() = None;
    }

    /// Tells whether it is over: somebody ended it, or its time did.
    pub(crate) fn is_terminated(&self) -> bool {
        self.has_let_go.load(Ordering::Relaxed) || self.ended().is_some()
    }

    /// Adds what a computation spent that is over.
    pub(crate) fn computed(&self, spent: Spending) {
        let mut account = self.account.lock();
        account.past = account.past.and(spent);
        account.past.held_bytes = 0;
    }

    /// Tells what it has spent so far, and what of that its present statement has; who asks later never hears of less time.
    pub(crate) fn spending(&self, now: Instant) -> (Spending, Spending) {
        let (past, before, turn) = {
            let account = self.account.lock();
            (account.past, account.before, account.turn.upgrade())
        };
        let mut all = match turn {
            Some(turn) => past.and(turn.spending(now)),
            // Between two statements it holds its changes.
            None => Spending { held_bytes: self.changes.lock().as_ref().map_or(0, Loan::bytes), ..past },
        };
        let mut account = self.account.lock();
        all.computed = all.computed.max(account.told);
        account.told = all.computed;
        (all, all.since(before))
    }
}

/// Refuses what a client wants kept with a transaction where that is more than a note.
///
/// Errors: [`Code::InvalidArguments`].
pub(crate) fn check_metadata(metadata: &Map) -> Result<(), Failure> {
    let bytes: usize = metadata.iter().map(|(key, value)| key.len() + value.memory_bytes()).sum();
    if bytes <= METADATA_BYTES_MAX {
        return Ok(());
    }
    let text = format!(
        "The metadata of a transaction may take {METADATA_BYTES_MAX} bytes in memory, these take {bytes}. Give data to \
         statements as parameters."
    );
    Err(Failure::new(Code::InvalidArguments, text))
}

/// Writes the id by which users name a transaction.
pub(crate) fn transaction_id(database: &str, number: u64) -> String {
    format!("{database}-transaction-{number}")
}

impl Listing {
    /// Lends what is listed.
    pub(crate) fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }

    /// Says which statement runs now.
    pub(crate) fn runs(&self, number: u64, at: Instant, text: &str, parameters: &Arc<Map>) {
        let shown = cypher::without_secrets(text);
        // What was left as it is sets no password, and neither do its parameters.
        let is_open = matches!(shown, Cow::Borrowed(shown) if std::ptr::eq(shown, text));
        let parameters = if is_open { Arc::clone(parameters) } else { Arc::default() };
        let cut = shown.floor_char_boundary(TEXT_BYTES_MAX);
        *self.entry.statement.lock() =
            Some(Shown { number, at, text: shown[..cut].into(), parameters, databases: Box::default() });
        {
            let mut waits = self.entry.waits.lock();
            waits.before = waits.past;
        }
        let mut account = self.entry.account.lock();
        // What the one before held at most is not this one's.
        account.past.held_bytes_max = 0;
        account.before = account.past;
        account.before.computed = account.past.computed.max(account.told);
    }

    /// Says that no statement runs now.
    pub(crate) fn rests(&self) {
        *self.entry.statement.lock() = None;
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        self.listed.lock().remove(&self.entry.number);
        let mut ending = self.entry.ending.lock();
        ending.is_over = true;
        if ending.why.is_some() {
            // The session goes on with something else.
            self.entry.interrupted.store(false, Ordering::Relaxed);
        }
    }
}
