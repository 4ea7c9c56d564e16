//! Letting a statement begin on the databases that it touches, and bounding it by what they say.
//! Leaves what the bounds are to `limits`, and what is counted of a statement to `observation`.
//! Start reading at [`Statement::admit`].

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use catalog::{Limit, Limits, Names, access};
use compact_str::CompactString;
use types::{DatabaseId, Failure};

use crate::admission::Permit;
use crate::answer::Notification;
use crate::instance::Shared;
use crate::limits::{Admitted, Asking, Meter, Seats, effective};
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
    pub(crate) role_limits: Option<Arc<Limits>>,
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
    /// The database that it writes.
    pub(crate) written: Option<CompactString>,
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

/// What a database says of one statement, beyond time and memory in numbers.
pub(crate) struct Bounds {
    pub(crate) database: CompactString,
    pub(crate) begun: Instant,
    pub(crate) time_max: Option<Duration>,
    pub(crate) memory_max_bytes: Option<u64>,
    pub(crate) results_max: Option<u64>,
    pub(crate) results_fail: bool,
    /// Whether rows were cut off.
    pub(crate) truncated: AtomicBool,
}

impl Bounds {
    /// Bounds time alone.
    pub(crate) fn of_time(database: &str, begun: Instant, time_max: Duration) -> Self {
        Self {
            database: database.into(),
            begun,
            time_max: Some(time_max),
            memory_max_bytes: None,
            results_max: None,
            results_fail: false,
            truncated: AtomicBool::new(false),
        }
    }

    /// Says that rows were cut off.
    pub(crate) fn notification(&self) -> Notification {
        let (limit, max) = (Limit::MaxResults, self.results_max.unwrap_or_default());
        Notification {
            code: "Neo.ClientNotification.Statement.ResultsTruncated".to_owned(),
            title: "The result was cut off.".to_owned(),
            description: format!(
                "The limit {limit} of database '{}' is {max}, and the statement gave more rows.",
                self.database
            ),
            severity: "WARNING".to_owned(),
            category: "GENERIC".to_owned(),
            position: None,
        }
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
pub(crate) fn time_max(shared: &Shared, names: &Names, of: DatabaseId, roles: Option<&Limits>) -> Option<Duration> {
    let row = names.database(of).filter(|row| !row.name.is_system())?;
    let (millis, _) = effective(Limit::MaxQueryTime, &row.limits, roles, &shared.meters.defaults);
    (millis > 0).then(|| Duration::from_millis(millis))
}

impl Statement<'_> {
    /// Gives what bounds the statement until it is admitted, and commands, which never are.
    pub(crate) fn allowance_before(&self) -> Allowance {
        let roles = self.room.role_limits.as_deref();
        let time_max = time_max(self.shared, self.names, self.own.database, roles);
        let mut before = self.allowance.before_admission(self.own.name.as_str(), self.room.begun, time_max);
        if let Some(row) = self.names.database(self.own.database).filter(|row| !row.name.is_system()) {
            let (bytes, _) = effective(Limit::MaxQueryMemory, &row.limits, roles, &self.shared.meters.defaults);
            let bytes_max = usize::try_from(bytes).ok().filter(|bytes| *bytes > 0).unwrap_or(usize::MAX);
            before.memory_max_bytes = before.memory_max_bytes.min(bytes_max);
        }
        before
    }

    /// Lets the statement begin on every database of its plan, or says which limit is in the way.
    pub(crate) fn admit(&mut self, reached: &AllReached, writes: Option<u16>) -> Result<AllAdmitted, Failure> {
        let graphs = || reached.iter().filter_map(|(_, reached)| reached.graph());
        self.take_seats(graphs().map(|database| &database.meter))?;
        let written = writes.and_then(|number| reached[usize::from(number)].1.graph());
        self.room.told.written = written.map(|database| database.name());
        let mut admitted = AllAdmitted::default();
        if reached.len() == 1 {
            for database in graphs() {
                self.admit_one(database, written.is_some(), &mut admitted)?;
            }
            return Ok(admitted);
        }
        // In one order, so that no two statements wait for places that the other holds.
        let mut ordered: Vec<_> = reached.iter().filter_map(|(id, reached)| Some((*id, reached.graph()?))).collect();
        ordered.sort_by_key(|(id, _)| *id);
        ordered.dedup_by_key(|(id, _)| *id);
        for (_, database) in ordered {
            let is_written = written.is_some_and(|written| Arc::ptr_eq(written, database));
            self.admit_one(database, is_written, &mut admitted)?;
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
        self.admit_one(database, writes, &mut admitted)?;
        Ok(admitted)
    }

    fn take_seats<'m>(&mut self, meters: impl Iterator<Item = &'m Arc<Meter>> + Clone) -> Result<(), Failure> {
        let user = self.principal.name().unwrap_or_default();
        let Room { seats, role_limits, .. } = &mut self.room;
        if self.transaction.is_none() {
            return seats.take(meters, user, role_limits.as_deref());
        }
        for meter in meters {
            seats.add(meter, user, role_limits.as_deref())?;
        }
        Ok(())
    }

    fn admit_one(
        &mut self,
        database: &Arc<OpenDatabase>,
        writes: bool,
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
        let asking = Asking {
            user: self.principal.name().unwrap_or_default(),
            role_limits: role_limits.as_deref(),
            writes,
            interrupted: self.interrupted,
            deadline: self.allowance.deadline.map(Deadline::at),
            begun: self.room.begun,
        };
        let allowance = &self.allowance;
        let Room { permit, listed, told, .. } = &mut self.room;
        let mut pause = |wait: &mut dyn FnMut() -> Result<(), Failure>| {
            let begun = meters.clock.now();
            listed.waits(true);
            let waiting = permit.pause(&|| allowance.patience(), wait);
            listed.waits(false);
            let time = meters.clock.now().saturating_duration_since(begun);
            told.waited += time;
            listed.waited(time);
            waiting.map_err(|error| allowance.check().err().unwrap_or_else(|| error.into()))?
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
        let limit = |limit| Some(meter.limit_for(limit, roles).0).filter(|value| *value > 0);
        let time_max = limit(Limit::MaxQueryTime).map(Duration::from_millis);
        let memory = limit(Limit::MaxQueryMemory);
        let results = limit(Limit::MaxResults);
        let before = self.allowance.bounds.as_deref();
        let is_stricter = |new: Option<u64>, old: Option<u64>| new.is_some_and(|new| old.is_none_or(|old| new < old));
        let results_before = before.and_then(|bounds| bounds.results_max);
        let memory_before = before.and_then(|bounds| bounds.memory_max_bytes);
        let by_time = time_max.and_then(|time| Some(Deadline::at_end(self.room.begun.checked_add(time)?, By::Limit)));
        let later = |old: Deadline, new: Deadline| new.at() < old.at();
        let takes_time = by_time.filter(|new| self.allowance.deadline.is_none_or(|old| later(old, *new)));
        if let Some(deadline) = takes_time {
            self.allowance.deadline = Some(deadline);
        }
        let bytes = memory.map_or(usize::MAX, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        self.allowance.memory_max_bytes =
            if before.is_some() { bytes.min(self.allowance.memory_max_bytes) } else { bytes };
        let takes_results = is_stricter(results, results_before);
        self.allowance.bounds = Some(Arc::new(Bounds {
            database: match before {
                Some(before) if takes_time.is_none() && !takes_results => before.database.clone(),
                _ => {
                    let (id, own) = (database.id(), &self.own);
                    let named = own.alias.as_ref().filter(|_| own.database == id);
                    let told = access::told_name(self.names, self.principal, id, named);
                    told.map_or_else(|| database.name(), |name| name.as_str().into())
                }
            },
            begun: self.room.begun,
            time_max: if takes_time.is_some() { time_max } else { before.and_then(|bounds| bounds.time_max) },
            memory_max_bytes: if is_stricter(memory, memory_before) { memory } else { memory_before },
            results_max: if takes_results { results } else { results_before },
            results_fail: if takes_results {
                meter.limit_for(Limit::MaxResultsPolicy, roles).0 == 1
            } else {
                before.is_some_and(|bounds| bounds.results_fail)
            },
            truncated: AtomicBool::new(false),
        }));
    }
}
