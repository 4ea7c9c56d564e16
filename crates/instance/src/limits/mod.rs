//! Room to start: what each database is bounded by, and what is used of it.
//! Leaves time, rows and memory of one statement to `query::Budget`, and what a database holds to `graph`.
//! Start reading at [`Meter::admit`].

mod bucket;
mod gate;
mod refuse;
mod seats;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use catalog::limits::LIMITS;
use catalog::{Database as Row, Limit, Limits, Names, RoleLimits, UserId};
use compact_str::CompactString;
use parking_lot::{Mutex, RwLock};
use rustc_hash::FxHashMap;
use types::{Clock, DatabaseId, Failure, SetBy};

use crate::admission::Patience;
use crate::metrics::Counts;
use bucket::{Bucket, Pace};
use gate::{Gate, Place, Wait};
pub(crate) use refuse::{Bound, RefusedBy};
use seats::Seating;
pub(crate) use seats::{Guest, Seats};

/// Runs what it is handed while the statement gives back what it holds of the server.
type Pause<'p> = &'p mut dyn FnMut(&mut dyn FnMut() -> Result<(), Failure>) -> Result<(), Failure>;

/// Users of whom something is kept apart, beyond those who are there now.
const USERS_KEPT_MAX: usize = 1_024;

/// The meters of all databases that were used since the server began.
pub(crate) struct Meters {
    pub(crate) clock: Arc<dyn Clock>,
    /// What holds where neither the database nor a role says anything.
    pub(crate) defaults: Limits,
    pub(crate) waiting_max: usize,
    pub(crate) waiting_time_max: Duration,
    /// Seconds are counted from here.
    pub(crate) begun: Instant,
    meters: RwLock<FxHashMap<DatabaseId, Arc<Meter>>>,
}

/// What one database is bounded by, what is used of it, and what became of its statements.
///
/// It outlives the database's closing, so that nobody starts with a full bucket by waiting for that.
pub(crate) struct Meter {
    name: RwLock<CompactString>,
    /// What holds for everybody who has no role with limits: the database's own, else the default; 0 for none.
    limits: [AtomicU64; LIMITS],
    /// Which of them are the database's own: a bit each.
    own: AtomicU64,
    /// Whether any is set that is looked at when a statement begins.
    is_bounded: AtomicBool,
    gate: Arc<Gate>,
    queries: Mutex<Bucket>,
    writes: Mutex<Bucket>,
    /// Who has limits by a role is counted by himself.
    users: Mutex<FxHashMap<Option<UserId>, Arc<UserMeter>>>,
    pub(crate) seating: Seating,
    pub(crate) counts: Counts,
}

/// What is used by one user whom a role bounds.
#[derive(Default)]
struct UserMeter {
    gate: Arc<Gate>,
    queries: Mutex<Option<Bucket>>,
    writes: Mutex<Option<Bucket>>,
}

/// What admits a statement to one database; given back when it is dropped.
#[must_use]
pub(crate) struct Admitted {
    pub(crate) meter: Arc<Meter>,
    /// How changes are counted when they are done, where they are.
    rows: Option<Rows>,
    _places: (Place, Option<Place>),
}

/// Changes that are counted when they are done.
struct Rows {
    pace: Pace,
    /// The user whose own they are, where a role bounds him.
    user: Option<Option<UserId>>,
}

/// Who asks to be admitted, and for what.
pub(crate) struct Asking<'a> {
    /// Nobody stands for everybody while authentication is off.
    pub(crate) user: Option<UserId>,
    /// What the user's roles say, where one of them says anything.
    pub(crate) role_limits: Option<&'a RoleLimits>,
    pub(crate) writes: bool,
    /// How much longer it may wait.
    pub(crate) patience: Patience<'a>,
    /// When it came: for its rates, that is now.
    pub(crate) begun: Instant,
}

/// Finds what holds: the database's own value, else that of the roles, else the server's; nobody set it where there is none.
pub(crate) fn effective(
    limit: Limit,
    row: &Limits,
    roles: Option<&RoleLimits>,
    defaults: &Limits,
) -> (u64, Option<SetBy>) {
    if let Some(value) = row.get(limit) {
        return (value, Some(SetBy::Database));
    }
    let roles = roles.filter(|_| limit.about().suits_roles);
    let of_role = roles.and_then(|roles| Some((roles.get(limit)?, roles.role_of(limit)?)));
    match (of_role, defaults.get(limit)) {
        (Some((value, role)), _) => (value, Some(SetBy::Role(role.clone()))),
        (None, Some(value)) => (value, Some(SetBy::Server)),
        (None, None) => (0, None),
    }
}

/// Gives the word for whose limit it is in listings.
pub(crate) fn source_word(set_by: Option<&SetBy>) -> &'static str {
    set_by.map_or("default", SetBy::word)
}

impl Meters {
    /// Makes meters for no database yet.
    pub(crate) fn new(clock: Arc<dyn Clock>, defaults: Limits, waiting_max: usize, waiting_time_max: Duration) -> Self {
        let begun = clock.now();
        Self { clock, defaults, waiting_max, waiting_time_max, begun, meters: RwLock::default() }
    }

    /// Gives the meter of a database, with the name and the limits that its row has now.
    pub(crate) fn of(&self, row: &Row) -> Arc<Meter> {
        if let Some(meter) = self.meters.read().get(&row.id) {
            meter.follow(row, &self.defaults);
            return Arc::clone(meter);
        }
        let mut meters = self.meters.write();
        let meter = meters.entry(row.id).or_insert_with(|| Arc::new(Meter::new(row, &self.defaults)));
        Arc::clone(meter)
    }

    /// Gives the meter of a database that was used already.
    pub(crate) fn find(&self, id: DatabaseId) -> Option<Arc<Meter>> {
        self.meters.read().get(&id).cloned()
    }

    /// Gives the meters of all databases that were used.
    pub(crate) fn all(&self) -> Vec<(DatabaseId, Arc<Meter>)> {
        self.meters.read().iter().map(|(id, meter)| (*id, Arc::clone(meter))).collect()
    }

    /// Takes over what the catalog says now, and forgets databases that are gone.
    pub(crate) fn follow(&self, names: &Names) {
        self.meters.write().retain(|id, meter| match names.database(*id) {
            Some(row) => {
                meter.follow(row, &self.defaults);
                true
            }
            None => Arc::strong_count(meter) > 1,
        });
    }

    /// Gives the second that it is, counted from the start of the server and a minute before it.
    pub(crate) fn second(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.begun).as_secs() + 60
    }

    /// Gives the nanoseconds since the start of the server.
    fn nanos(&self) -> u64 {
        u64::try_from(self.clock.now().saturating_duration_since(self.begun).as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Meter {
    fn new(row: &Row, defaults: &Limits) -> Self {
        let meter = Self {
            name: RwLock::new(row.name.as_str().into()),
            limits: [const { AtomicU64::new(0) }; LIMITS],
            own: AtomicU64::new(0),
            is_bounded: AtomicBool::new(false),
            gate: Arc::default(),
            queries: Mutex::new(Bucket::new()),
            writes: Mutex::new(Bucket::new()),
            users: Mutex::default(),
            seating: Seating::default(),
            counts: Counts::default(),
        };
        meter.follow(row, defaults);
        meter
    }

    fn follow(&self, row: &Row, defaults: &Limits) {
        if *self.name.read() != row.name.as_str() {
            *self.name.write() = row.name.as_str().into();
        }
        let mut own = 0;
        for limit in Limit::ALL {
            let (value, source) = effective(limit, &row.limits, None, defaults);
            own |= u64::from(source == Some(SetBy::Database)) << limit as usize;
            self.limits[limit as usize].store(value, Ordering::Relaxed);
        }
        self.own.store(own, Ordering::Relaxed);
        let bounds =
            [Limit::MaxConcurrentQueries, Limit::MaxQueriesPerSecond, Limit::MaxWritesPerSecond, Limit::MaxQueryTime];
        let others = [Limit::MaxResults, Limit::MaxQueryMemory];
        let is_set = |limit: &Limit| self.limit(*limit) > 0;
        self.is_bounded.store(bounds.iter().chain(&others).any(is_set), Ordering::Release);
    }

    /// Names the database.
    pub(crate) fn name(&self) -> CompactString {
        self.name.read().clone()
    }

    /// Gives the value of a limit for who has no role that says something else; 0 for none.
    pub(crate) fn limit(&self, limit: Limit) -> u64 {
        self.limits[limit as usize].load(Ordering::Relaxed)
    }

    /// Gives the value of a limit for one who asks, and whether a role says so.
    pub(crate) fn limit_for(&self, limit: Limit, roles: Option<&RoleLimits>) -> (u64, bool) {
        let of_role = roles.filter(|_| !self.is_own(limit)).and_then(|roles| roles.get(limit));
        of_role.map_or_else(|| (self.limit(limit), false), |value| (value, true))
    }

    /// Tells whose limit it is that holds for one who asks.
    pub(crate) fn set_by(&self, limit: Limit, roles: Option<&RoleLimits>) -> SetBy {
        if self.is_own(limit) {
            return SetBy::Database;
        }
        let role = roles.and_then(|roles| roles.role_of(limit));
        role.map_or(SetBy::Server, |role| SetBy::Role(role.clone()))
    }

    fn is_own(&self, limit: Limit) -> bool {
        self.own.load(Ordering::Relaxed) >> limit as usize & 1 == 1
    }

    /// Tells whether anything has to be looked at when a statement begins.
    pub(crate) fn is_bounded(&self) -> bool {
        self.is_bounded.load(Ordering::Acquire)
    }

    /// Counts the statements that run on it, and the most that ever did.
    pub(crate) fn running(&self) -> (u64, u64) {
        (self.gate.running(), self.gate.running_peak())
    }

    /// Counts the statements that wait for it.
    pub(crate) fn waiting(&self) -> u64 {
        self.gate.waiting()
    }

    /// Lets a statement begin, unless it comes too soon or too many run; it may wait, for which `pause` gives back
    /// what the statement holds of the server meanwhile.
    pub(crate) fn admit(
        self: &Arc<Self>,
        meters: &Meters,
        asking: &Asking<'_>,
        pause: Pause<'_>,
    ) -> Result<Admitted, Failure> {
        if asking.role_limits.is_none() && !self.is_bounded() {
            let place = self.gate.try_enter(0).expect("without a bound there is room");
            return Ok(Admitted { meter: Arc::clone(self), rows: None, _places: (place, None) });
        }
        let refused_by = self.check_rates(asking, asking.begun);
        refused_by.map_err(|by| self.refuse(by, asking.role_limits))?;
        let mut places = (None, None);
        let (max, by_role) = self.limit_for(Limit::MaxConcurrentQueries, asking.role_limits);
        if by_role {
            let user = self.user(asking.user);
            places.1 = Some(self.enter(&user.gate, &|| max, meters, asking, pause)?);
        }
        let whole = || if by_role { 0 } else { self.limit(Limit::MaxConcurrentQueries) };
        places.0 = Some(self.enter(&self.gate, &whole, meters, asking, pause)?);
        let by_rows = asking.writes
            && self.limit_for(Limit::MaxWritesCounted, asking.role_limits).0 == 1
            && self.limit_for(Limit::MaxWritesPerSecond, asking.role_limits).0 > 0;
        Ok(Admitted {
            meter: Arc::clone(self),
            rows: by_rows.then(|| self.rows(asking)),
            _places: (places.0.expect("it was put there just now"), places.1),
        })
    }

    fn rows(&self, asking: &Asking<'_>) -> Rows {
        let (rate, by_role) = self.limit_for(Limit::MaxWritesPerSecond, asking.role_limits);
        let pace = self.pace(Limit::MaxWritesPerSecond, rate, asking.role_limits);
        Rows { pace, user: by_role.then_some(asking.user) }
    }

    fn enter(
        &self,
        gate: &Arc<Gate>,
        max: &dyn Fn() -> u64,
        meters: &Meters,
        asking: &Asking<'_>,
        pause: Pause<'_>,
    ) -> Result<Place, Failure> {
        if let Some(place) = gate.try_enter(max()) {
            return Ok(place);
        }
        let begun = meters.clock.now();
        let until = begun + meters.waiting_time_max;
        let wait = Wait { clock: &*meters.clock, waiting_max: meters.waiting_max, until, patience: asking.patience };
        let mut place = None;
        pause(&mut || {
            let entered = gate.enter(max, &wait);
            let refused = |shut| self.refuse(RefusedBy::Concurrency { shut, max: max(), gate }, asking.role_limits);
            place = Some(entered.map_err(refused)?);
            Ok(())
        })?;
        self.counts.waited(meters.clock.now().saturating_duration_since(begun));
        Ok(place.expect("waiting that went well left a place"))
    }

    /// Counts a statement that was not admitted; says whether it came too soon.
    pub(crate) fn charge(&self, asking: &Asking<'_>) -> Result<(), Failure> {
        self.check_rates(asking, asking.begun).map_err(|by| self.refuse(by, asking.role_limits))
    }

    fn check_rates(&self, asking: &Asking<'_>, now: Instant) -> Result<(), RefusedBy<'static>> {
        self.take(Limit::MaxQueriesPerSecond, asking, now)?;
        if asking.writes {
            self.take(Limit::MaxWritesPerSecond, asking, now)?;
        }
        Ok(())
    }

    fn take(&self, limit: Limit, asking: &Asking<'_>, now: Instant) -> Result<(), RefusedBy<'static>> {
        let (rate, by_role) = self.limit_for(limit, asking.role_limits);
        if rate == 0 {
            return Ok(());
        }
        let pace = self.pace(limit, rate, asking.role_limits);
        let take = |bucket: &mut Bucket| {
            bucket.take(asking.user, pace, now).map_err(|retry_after| (retry_after, bucket.used(pace)))
        };
        let taken = if by_role {
            let user = self.user(asking.user);
            take(user.bucket(limit).lock().get_or_insert_with(Bucket::new))
        } else {
            take(&mut self.bucket(limit).lock())
        };
        taken.map_err(|(retry_after, used)| {
            // A burst of less than a second's worth is what is in the way.
            let (limit, max) = if pace.burst < rate { (burst_of(limit), pace.burst) } else { (limit, rate) };
            RefusedBy::Rate { limit, max, used, retry_after }
        })
    }

    fn pace(&self, limit: Limit, rate: u64, roles: Option<&RoleLimits>) -> Pace {
        Pace::new(rate, self.limit_for(burst_of(limit), roles).0)
    }

    fn bucket(&self, limit: Limit) -> &Mutex<Bucket> {
        if limit == Limit::MaxWritesPerSecond { &self.writes } else { &self.queries }
    }

    /// Tells how a rate is bounded and how many of its tokens are left: of those of everybody, or of a user's own where
    /// a role bounds him.
    pub(crate) fn left(
        &self,
        limit: Limit,
        of_role: Option<&(Option<UserId>, Arc<RoleLimits>)>,
        now: Instant,
    ) -> Option<(Pace, u64)> {
        let roles = of_role.map(|(_, roles)| &**roles);
        let (rate, by_role) = self.limit_for(limit, roles);
        let pace = self.pace(limit, rate, roles);
        let left = |bucket: &mut Bucket| bucket.left(pace, now);
        (rate > 0).then(|| match of_role.filter(|_| by_role) {
            Some((user, _)) => (pace, left(self.user(*user).bucket(limit).lock().get_or_insert_with(Bucket::new))),
            None => (pace, left(&mut self.bucket(limit).lock())),
        })
    }

    fn user(&self, user: Option<UserId>) -> Arc<UserMeter> {
        let mut users = self.users.lock();
        if let Some(found) = users.get(&user) {
            return Arc::clone(found);
        }
        if users.len() >= USERS_KEPT_MAX {
            users.retain(|_, kept| Arc::strong_count(kept) > 1 || kept.gate.running() > 0);
        }
        Arc::clone(users.entry(user).or_default())
    }

    /// Says a refusal; it is counted where it leaves the session.
    pub(crate) fn refuse(&self, by: RefusedBy<'_>, roles: Option<&RoleLimits>) -> Failure {
        by.failure(&self.name(), |limit| self.set_by(limit, roles))
    }
}

/// Names the limit that says how many may come at once.
fn burst_of(limit: Limit) -> Limit {
    if limit == Limit::MaxWritesPerSecond { Limit::MaxWritesBurst } else { Limit::MaxQueriesBurst }
}

impl UserMeter {
    fn bucket(&self, limit: Limit) -> &Mutex<Option<Bucket>> {
        if limit == Limit::MaxWritesPerSecond { &self.writes } else { &self.queries }
    }
}

impl Admitted {
    /// Counts the changes that a statement made, where those are what is bounded.
    pub(crate) fn wrote(&self, changes: u64, meters: &Meters) {
        let Some(Rows { pace, user }) = self.rows.as_ref().filter(|_| changes > 1) else { return };
        let owe = |bucket: &mut Bucket| bucket.owe(changes - 1, *pace, meters.clock.now());
        match user {
            Some(user) => owe(self.meter.user(*user).writes.lock().get_or_insert_with(Bucket::new)),
            None => owe(&mut self.meter.writes.lock()),
        }
    }
}
