//! Letting a statement begin on the databases that it touches, and bounding it by what they say.
//! Leaves what the bounds are to `limits`, and what is counted of a statement to `observation`.
//! Start reading at [`Statement::admit`].

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use catalog::{Limit, Names, Principal, RoleLimits, Target, access};
use compact_str::CompactString;
use types::Failure;

use crate::admission::Permit;
use crate::answer::Notification;
use crate::instance::Shared;
use crate::limits::{Admitted, Asking, Bound, Guest, Meter, Seats, effective};
use crate::open_database::OpenDatabase;
use crate::running::{Allowance, By, Deadline};
use crate::statement::{AllReached, Statement};
use crate::under_way::Entry;

/// What a statement holds of the server and the databases while it begins.
pub(crate) struct Room<'a> {
    /// Its place among the statements of the server.
    pub(crate) permit: &'a mut Permit,
    /// The session's seats.
    pub(crate) seats: &'a mut Seats,
    /// What the roles of its user say of limits, where one says anything.
    pub(crate) role_limits: Option<Arc<RoleLimits>>,
    /// How it is listed, to say that it waits.
    pub(crate) listed: Arc<Entry>,
    /// When it came.
    pub(crate) begun: Instant,
    /// What becomes known of it meanwhile.
    pub(crate) told: &'a mut Told,
}

/// What becomes known of a statement while it begins.
#[derive(Default)]
pub(crate) struct Told {
    /// The database that admitted it: the session's own, where it touches several.
    pub(crate) meter: Option<Arc<Meter>>,
    /// All that were asked to admit it, where it touches several.
    pub(crate) several: Vec<Arc<Meter>>,
    /// The database that it writes.
    pub(crate) written: Option<Arc<Meter>>,
    /// How long it waited in lines.
    pub(crate) waited: Duration,
    /// Whether its plan was there already; nothing where it needs none.
    pub(crate) plan_found: Option<bool>,
}

/// What admitted a statement to each of its databases.
#[derive(Default)]
#[must_use]
pub(crate) struct AllAdmitted {
    first: Option<Admitted>,
    others: Vec<Admitted>,
}

/// What its databases say of one statement; of several, what the strictest says.
pub(crate) struct Bounds {
    pub(crate) begun: Instant,
    /// In milliseconds.
    pub(crate) time: Option<Bound>,
    /// In bytes.
    pub(crate) memory: Option<Bound>,
    pub(crate) results: Option<Bound>,
    pub(crate) results_fail: bool,
    /// Whether rows were cut off.
    pub(crate) truncated: AtomicBool,
}

impl Bounds {
    /// Bounds time alone.
    pub(crate) fn of_time(time: Bound, begun: Instant) -> Self {
        let truncated = AtomicBool::new(false);
        Self { begun, time: Some(time), memory: None, results: None, results_fail: false, truncated }
    }

    /// Says that rows were cut off; there is nothing to say where those are not bounded.
    pub(crate) fn notification(&self) -> Option<Notification> {
        let results = self.results.as_ref()?;
        Some(Notification {
            code: "Neo.ClientNotification.Statement.ResultsTruncated".to_owned(),
            title: "The result was cut off.".to_owned(),
            description: format!(
                "The {} is {}, and the statement gave more rows.",
                results.named(Limit::MaxResults),
                results.max
            ),
            severity: "WARNING".to_owned(),
            category: "GENERIC".to_owned(),
            position: None,
        })
    }
}

impl AllAdmitted {
    fn push(&mut self, admitted: Admitted) {
        match self.first {
            None => self.first = Some(admitted),
            Some(_) => self.others.push(admitted),
        }
    }

    /// Counts the changes that a statement made, in the databases where those are bounded.
    pub(crate) fn wrote(&self, statement_changes: u64, meters: &crate::limits::Meters) {
        self.first.iter().chain(&self.others).for_each(|admitted| admitted.wrote(statement_changes, meters));
    }
}

/// Tells how long statements of a database may take by what it, a role or the server says; `system` bounds nothing.
pub(crate) fn time_bound(shared: &Shared, names: &Names, of: &Target, roles: Option<&RoleLimits>) -> Option<Bound> {
    let row = names.database(of.database).filter(|row| !row.name.is_system())?;
    let (max, set_by) = effective(Limit::MaxQueryTime, &row.limits, roles, &shared.meters.defaults);
    let set_by = set_by.filter(|_| max > 0)?;
    Some(Bound { max, database: of.name.as_str().into(), set_by })
}

impl Statement<'_> {
    /// Gives what bounds the statement until it is admitted, and commands, which never are.
    pub(crate) fn allowance_before(&self) -> Allowance {
        let roles = self.room.role_limits.as_deref();
        let time = time_bound(self.shared, self.names, &self.own, roles);
        let mut before = self.allowance.before_admission(self.room.begun, time);
        if let Some(row) = self.names.database(self.own.database).filter(|row| !row.name.is_system()) {
            let (bytes, _) = effective(Limit::MaxQueryMemory, &row.limits, roles, &self.shared.meters.defaults);
            let bytes_max = usize::try_from(bytes).ok().filter(|bytes| *bytes > 0).unwrap_or(usize::MAX);
            before.memory_max_bytes = before.memory_max_bytes.min(bytes_max);
        }
        before
    }

    /// Lets the statement begin on every database of its plan from `first` on, or says which limit is in the way.
    pub(crate) fn admit(
        &mut self,
        reached: &AllReached,
        first: usize,
        writes: Option<u16>,
    ) -> Result<AllAdmitted, Failure> {
        let written = writes.and_then(|number| reached[usize::from(number)].1.graph());
        let reached = &reached[first..];
        let graphs = || reached.iter().filter_map(|(_, reached)| reached.graph());
        self.take_seats(graphs().map(|database| &database.meter))?;
        self.room.listed.uses(graphs().map(|database| database.id()));
        self.room.told.written = written.map(|database| Arc::clone(&database.meter));
        let mut admitted = AllAdmitted::default();
        if reached.len() == 1 {
            for database in graphs() {
                self.admit_one(database, written.is_some(), &[database], &mut admitted)?;
            }
            return Ok(admitted);
        }
        // In one order, so that no two statements wait for places that the other holds.
        let mut ordered: Vec<_> = reached.iter().filter_map(|(id, reached)| Some((*id, reached.graph()?))).collect();
        ordered.sort_by_key(|(id, _)| *id);
        ordered.dedup_by_key(|(id, _)| *id);
        let all: Vec<_> = ordered.into_iter().map(|(_, database)| database).collect();
        for database in &all {
            let is_written = written.is_some_and(|written| Arc::ptr_eq(written, database));
            self.room.told.several.push(Arc::clone(&database.meter));
            self.admit_one(database, is_written, &all, &mut admitted)?;
        }
        // What is told of the statement as a whole is told of the session's own database.
        if let Some(own) = graphs().next() {
            self.room.told.meter = Some(Arc::clone(&own.meter));
        }
        Ok(admitted)
    }

    /// As [`Statement::admit`] for a command on one database.
    pub(crate) fn admit_to(&mut self, database: &Arc<OpenDatabase>, writes: bool) -> Result<AllAdmitted, Failure> {
        self.take_seats(std::iter::once(&database.meter))?;
        let mut admitted = AllAdmitted::default();
        self.admit_one(database, writes, &[database], &mut admitted)?;
        Ok(admitted)
    }

    fn take_seats<'m>(&mut self, meters: impl Iterator<Item = &'m Arc<Meter>> + Clone) -> Result<(), Failure> {
        let user = self.principal.id();
        let Room { seats, role_limits, .. } = &mut self.room;
        let guest = Guest { user, roles: role_limits.as_deref(), meters: &self.shared.meters };
        if self.transaction.is_none() {
            return seats.take(meters, guest);
        }
        for meter in meters {
            seats.add(meter, guest)?;
        }
        Ok(())
    }

    /// Lets the statement begin on one of `all` its databases.
    fn admit_one(
        &mut self,
        database: &Arc<OpenDatabase>,
        writes: bool,
        all: &[&Arc<OpenDatabase>],
        admitted: &mut AllAdmitted,
    ) -> Result<(), Failure> {
        let meters = &self.shared.meters;
        let meter = &database.meter;
        let second = meters.second(self.room.begun);
        meter.counts.queries.add(second);
        if writes {
            meter.counts.writes.add(second);
        }
        if self.room.told.meter.is_none() {
            self.room.told.meter = Some(Arc::clone(meter));
        }
        let role_limits = self.room.role_limits.clone();
        let roles = role_limits.as_deref();
        let (begun, allowance) = (self.room.begun, &self.allowance);
        let (asker, catalog) = ((self.names, self.principal, &self.own), &self.shared.catalog);
        // The time for waiting is the statement's own, and a limit may change meanwhile.
        let waiting = || {
            let roles = catalog.names().limits_of(asker.1);
            all.iter().fold(allowance.clone(), |waiting, database| {
                let name = told_name(database, asker);
                waiting.before_admission(begun, bound(Limit::MaxQueryTime, &database.meter, &name, roles.as_deref()))
            })
        };
        let patience = || waiting().patience();
        let asking = Asking { user: self.principal.id(), role_limits: roles, writes, patience: &patience, begun };
        let Room { permit, listed, told, .. } = &mut self.room;
        let mut pause = |wait: &mut dyn FnMut() -> Result<(), Failure>| {
            listed.waits(meters.clock.now());
            let paused = permit.pause(&patience, wait);
            told.waited += listed.waited(meters.clock.now());
            let paused = paused.unwrap_or_else(|error| Err(error.into()));
            // Whose time is over hears of that, whatever the line says.
            paused.map_err(|failure| waiting().check().err().unwrap_or(failure))
        };
        let let_in = meter.admit(meters, &asking, &mut pause)?;
        admitted.push(let_in);
        if meter.is_bounded() || role_limits.is_some() {
            self.bound_by(database);
        }
        Ok(())
    }

    /// Takes over what the database says of time, memory and rows; of several databases, the strictest.
    fn bound_by(&mut self, database: &OpenDatabase) {
        let (meter, roles) = (&database.meter, self.room.role_limits.as_deref());
        let name = told_name(database, (self.names, self.principal, &self.own));
        let bound = |limit| bound(limit, meter, &name, roles);
        let (time, memory) = (bound(Limit::MaxQueryTime), bound(Limit::MaxQueryMemory));
        let results = bound(Limit::MaxResults);
        let before = self.allowance.bounds.as_deref();
        let at_end = |time: &Bound| {
            let at = self.room.begun.checked_add(Duration::from_millis(time.max))?;
            Some(Deadline::at_end(at, By::Limit))
        };
        let is_sooner = |new: &Deadline| self.allowance.deadline.is_none_or(|old| new.at() < old.at());
        let deadline = time.as_ref().and_then(at_end).filter(is_sooner);
        let bytes = memory.as_ref().map_or(usize::MAX, |memory| usize::try_from(memory.max).unwrap_or(usize::MAX));
        self.allowance.memory_max_bytes =
            if before.is_some() { bytes.min(self.allowance.memory_max_bytes) } else { bytes };
        let results_before = before.and_then(|bounds| bounds.results.as_ref());
        let takes_results = stricter(results.as_ref(), results_before);
        let or_before = |takes: bool, new: Option<Bound>, old: fn(&Bounds) -> &Option<Bound>| {
            if takes { new } else { before.and_then(|bounds| old(bounds).clone()) }
        };
        let takes_memory = stricter(memory.as_ref(), before.and_then(|bounds| bounds.memory.as_ref()));
        let bounds = Bounds {
            begun: self.room.begun,
            time: or_before(deadline.is_some(), time, |bounds| &bounds.time),
            memory: or_before(takes_memory, memory, |bounds| &bounds.memory),
            results_fail: match takes_results {
                true => meter.limit_for(Limit::MaxResultsPolicy, roles).0 == 1,
                false => before.is_some_and(|bounds| bounds.results_fail),
            },
            results: or_before(takes_results, results, |bounds| &bounds.results),
            truncated: AtomicBool::new(false),
        };
        self.allowance.deadline = deadline.or(self.allowance.deadline);
        self.allowance.bounds = Some(Arc::new(bounds));
    }
}

/// Gives the name by which somebody knows a database; `own` is the session's.
fn told_name(database: &OpenDatabase, (names, principal, own): (&Names, &Principal, &Target)) -> CompactString {
    let id = database.id();
    let named = own.alias.as_ref().filter(|_| own.database == id);
    let told = access::told_name(names, principal, id, named);
    told.map_or_else(|| database.name(), |name| name.as_str().into())
}

/// Gives what a database says of one statement.
pub(crate) fn bound(limit: Limit, meter: &Meter, name: &CompactString, roles: Option<&RoleLimits>) -> Option<Bound> {
    let max = Some(meter.limit_for(limit, roles).0).filter(|max| *max > 0)?;
    Some(Bound { max, database: name.clone(), set_by: meter.set_by(limit, roles) })
}

/// Tells whether a bound is stricter than one that holds already.
fn stricter(new: Option<&Bound>, old: Option<&Bound>) -> bool {
    new.is_some_and(|new| old.is_none_or(|old| new.max < old.max))
}
