//! One user's conversation: its database, its transaction, its interrupt.
//! Leaves statements to `statement`, which database it is on to `choosing`, and who the user is to `catalog`.
//! Start reading at [`Session::run`].

mod choosing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use catalog::{Names, Principal, Target};
use choosing::{is_command, shown, target, without_home};
use types::{Code, DatabaseId, DatabaseName, Failure, Map};

use crate::admission::Permit;
use crate::admitting::{Room, Told, time_bound};
use crate::answer::{Access, RunOptions};
use crate::auditing;
use crate::bookmark::{self, Chosen};
use crate::connections::Connected;
use crate::error::name_refusal;
use crate::instance::Shared;
use crate::limits::{Asking, Guest, Seats};
use crate::memory::Loan;
use crate::metrics::count;
use crate::observation::{self, Observation};
use crate::query_log::Note;
use crate::records::Records;
use crate::running::{Allowance, Deadline};
use crate::session_list::{Moment, ObjectBounds, Place};
use crate::statement::{Outcome, Statement};
use crate::transaction::OpenTransaction;
use crate::under_way::{Begun, Listing, Origin, check_metadata};
use crate::watching::Charges;

/// One user's conversation with one current database. Dropping it rolls back what is open.
pub struct Session {
    shared: Arc<Shared>,
    principal: Principal,
    /// What `USE x` alone chose.
    chosen: Option<Chosen>,
    transaction: Option<Arc<OpenTransaction>>,
    /// As whom the open transaction runs.
    acting: Option<Principal>,
    interrupted: Arc<AtomicBool>,
    /// The databases that it uses, where it counts as a connection.
    seats: Seats,
    /// Its number among the sessions since the start.
    number: u64,
    /// Where it comes from.
    origin: Arc<Origin>,
    /// How others see it, where it is listed.
    place: Option<Place>,
    /// Its place among the connections, where it came from somewhere.
    connected: Option<Connected>,
    /// Whether bookmarks carry what `USE` chose.
    carries_choice: bool,
    /// A digest of whose choice it is.
    chosen_by: u64,
    /// The database that requests named when `USE` chose another.
    over: Option<String>,
    /// What its latest statement was counted in.
    charges: Charges,
}

/// As whom and where a statement runs, and what it may spend.
struct Found {
    names: Arc<Names>,
    principal: Principal,
    own: Target,
    access: Access,
    allowance: Allowance,
}

/// Whose memory it is that requests take while they are read: which database they are for is not known by then.
const OF_REQUESTS: DatabaseId = DatabaseId([0; 16]);

/// Memory for what a request brings; given back when this is dropped.
pub struct Lent {
    _loan: Loan,
}

/// Interrupts a session's statement from any thread. The interrupt holds until the session is reset.
#[derive(Clone)]
pub struct Interrupter(Arc<AtomicBool>);

impl Interrupter {
    /// Interrupts whatever the session runs, or will run.
    pub fn interrupt(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, principal: Principal) -> Self {
        let (interrupted, seats, origin) = (Arc::default(), Seats::default(), Arc::default());
        let number = shared.session_numbers.fetch_add(1, Ordering::Relaxed) + 1;
        count(&shared.metrics.sessions);
        Self {
            shared,
            principal,
            chosen: None,
            transaction: None,
            acting: None,
            interrupted,
            seats,
            number,
            origin,
            place: None,
            connected: None,
            carries_choice: false,
            chosen_by: 0,
            over: None,
            charges: Charges::default(),
        }
    }

    /// Lends what its latest statement was counted in.
    pub(crate) fn charges(&self) -> &Charges {
        &self.charges
    }

    /// Lends what it is made of.
    pub(crate) fn parts(&self) -> (&Arc<Shared>, &Principal) {
        (&self.shared, &self.principal)
    }

    /// Says where the session comes from, for those who look at what is under way.
    pub fn comes_from(&mut self, origin: Origin) {
        self.origin = Arc::new(origin);
        let (owner, origin, now) = (self.principal.clone(), Arc::clone(&self.origin), self.moment().nanos);
        let connections = &self.shared.connections;
        self.connected = Some(connections.enter(self.number, owner, origin, &self.interrupted, now));
    }

    /// Has bookmarks carry what `USE` chooses: for connections that a driver's pool gives to one conversation after
    /// another, and one conversation several of. A choice is then that of who comes with its bookmark, and of nobody else.
    pub fn carry_choice(&mut self) {
        self.carries_choice = true;
    }

    /// Names the user as he is called by now; empty while nobody needs a password.
    #[must_use]
    pub fn user(&self) -> String {
        catalog::access::told_user(&self.shared.catalog.names(), &self.principal).unwrap_or_default().to_owned()
    }

    /// Gives a text that stands for the user, whatever he is called; empty while nobody needs a password.
    #[must_use]
    pub fn identity(&self) -> String {
        self.principal.id().map(|id| id.to_string()).unwrap_or_default()
    }

    /// Gives a text that stands for who he is: a user, or a token of one.
    #[must_use]
    pub fn key(&self) -> String {
        self.principal.key().as_deref().unwrap_or_default().to_owned()
    }

    /// Tells whether what somebody with this key began is his own; see [`Session::key`].
    #[must_use]
    pub fn owns(&self, key: &str) -> bool {
        self.principal.owns_key(key)
    }

    /// Lists this conversation among the sessions; gives the id by which it can be ended.
    pub fn enlist(&mut self) -> Result<String, Failure> {
        self.enter(None)
    }

    /// Makes a session object, which stays when this is dropped, until it lies idle for too long; gives its id.
    pub fn open_object(&mut self) -> Result<String, Failure> {
        let options = &self.shared.options;
        let now = self.moment();
        let ends_nanos = catalog::access::ends_nanos(&self.shared.catalog.names(), &self.principal);
        let left = ends_nanos.map(|ends| u64::try_from((ends - now.nanos).max(0)).unwrap_or(u64::MAX));
        let bounds = ObjectBounds {
            idle_max: options.session_idle_max,
            of_user_max: options.sessions_per_user_max,
            // One that is further away than a clock tells is none.
            ends: left.and_then(|nanos| {
                Some(Moment {
                    at: now.at.checked_add(Duration::from_nanos(nanos))?,
                    nanos: now.nanos + i128::from(nanos),
                })
            }),
        };
        let id = self.enter(Some(bounds))?;
        if let Err(failure) = self.bring_choice() {
            if let Some(place) = self.place.take() {
                self.shared.sessions.end(&place.session);
            }
            return Err(failure);
        }
        Ok(id)
    }

    /// Tells whether somebody ended it: nothing that it is asked will be done.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.place.as_ref().is_some_and(|place| place.session.check().is_err())
    }

    fn enter(&mut self, object: Option<ObjectBounds>) -> Result<String, Failure> {
        let (origin, now) = (Arc::clone(&self.origin), self.moment());
        let (names, owner) = (self.shared.catalog.names(), self.principal.clone());
        let place = self.shared.sessions.enter(&names, owner, origin, &self.interrupted, object, now)?;
        let id = place.session.id.clone();
        self.place = Some(place);
        Ok(id)
    }

    /// Goes on with a session object of the same user: on its database, and ended with it.
    ///
    /// # Errors
    ///
    /// [`Code::SessionNotFound`] where there is none, or none any more, or it is somebody else's.
    pub fn resume(&mut self, id: &str) -> Result<(), Failure> {
        let place = self.shared.sessions.resume(id, &self.principal, self.moment())?;
        self.chosen = place.session.chosen();
        self.seats = place.session.take_seats();
        self.place = Some(place);
        Ok(())
    }

    fn moment(&self) -> Moment {
        let clock = &self.shared.options.clock;
        Moment { at: clock.now(), nanos: clock.wall_nanos() }
    }

    /// Notes that the session is used; refuses it once it was ended.
    fn use_place(&self) -> Result<(), Failure> {
        let Some(place) = &self.place else { return Ok(()) };
        place.session.check()?;
        place.session.touch(self.moment());
        Ok(())
    }

    /// Tells whether the password must be changed before anything else is done.
    #[must_use]
    pub fn credentials_expired(&self) -> bool {
        let names = self.shared.catalog.names();
        let checked = catalog::access::check_password(&names, &self.principal);
        checked.is_err_and(|error| error.code() == Code::CredentialsExpired)
    }

    /// Tells whether he may end whatever anybody runs. Nobody without a name is one: while no password is asked for, all are
    /// alike.
    #[must_use]
    pub fn is_operator(&self) -> bool {
        let names = self.shared.catalog.names();
        let may_end = || catalog::access::allow(&names, &self.principal, &catalog::Action::TerminateTransactions);
        self.principal.is_user() && may_end().is_ok()
    }

    /// Finds a database by name or alias, the session's own without one; gives its name as it was used.
    pub fn resolve(&mut self, database: Option<&str>) -> Result<String, Failure> {
        self.resolve_as(database, None)
    }

    /// As [`Session::resolve`], for another user in whose name the client will speak.
    pub fn resolve_as(&mut self, database: Option<&str>, user: Option<&str>) -> Result<String, Failure> {
        let names = self.shared.catalog.names();
        let refused = |session: &Self, asked: Option<&str>, failure: &Failure| {
            let asked = asked.unwrap_or_default();
            session.refused(user, asked, &format!("USE {}", DatabaseName::shown(asked)), failure);
        };
        let principal = self.acting_as(&names, user).inspect_err(|failure| refused(self, database, failure))?;
        // What an earlier conversation on the connection chose is nothing to the one that begins.
        let followed = match database {
            None if !self.carries_choice => self.follow_rename(&names, &principal),
            _ => Ok(()),
        };
        let asked = database.or(self.chosen_name().filter(|_| !self.carries_choice));
        // Only whether it is there is asked here: commands run on `system`, whatever may be done in this one.
        let target = followed.and_then(|()| target(&names, &principal, asked));
        target.map(|target| shown(&target)).inspect_err(|failure| refused(self, asked, failure))
    }

    /// Starts a statement: in the open transaction, or in one of its own.
    ///
    /// A statement that writes has run to its end, and committed if it is alone, when this returns. One that reads runs
    /// as its records are pulled.
    pub fn run(&mut self, text: &str, parameters: Map, options: &RunOptions) -> Result<Records, Failure> {
        tracing::debug!(session = self.number, user = self.user(), text = %cypher::without_secrets(text), "statement");
        let begun = self.shared.options.clock.now();
        let mut observation = Observation::begin(&self.shared, begun, self.number);
        observation.note(text, &parameters, |note| Note { user: self.user(), session: self.number, ..note });
        let mut ran = self.run_observed(text, Arc::new(parameters), options, begun, &mut observation);
        match &mut ran {
            Ok(records) => {
                records.observe(observation);
                records.carry(self.choice());
            }
            Err(failure) => {
                let database = options.database.as_deref().or(self.chosen_name()).unwrap_or_default();
                self.refused(self.spoken_for(options).as_deref(), database, text, failure);
                observation.end(Some(failure));
            }
        }
        ran.map_err(|failure| self.told(failure, options))
    }

    fn run_observed(
        &mut self,
        text: &str,
        parameters: Arc<Map>,
        options: &RunOptions,
        begun: Instant,
        observation: &mut Observation,
    ) -> Result<Records, Failure> {
        self.charges = Charges::default();
        self.use_place()?;
        bookmark::check(&options.bookmarks)?;
        check_metadata(&options.metadata)?;
        let options = &*self.follow_choice(options);
        let transaction = self.transaction.clone();
        let mut found = self.look_up(options, (text, &parameters))?;
        let room = self.shared.room_of(&found.own);
        let mut permit = match room.try_enter() {
            Some(permit) => permit,
            None => {
                let permit = self.wait_to_run(&found, text, begun)?;
                // Names and rights may be others by now.
                found = self.look_up(options, (text, &parameters))?;
                permit
            }
        };
        let Found { names, principal, own, access, mut allowance } = found;
        let (shown, own_id) = (shown(&own), own.database);
        let listing =
            self.list_statement(transaction.as_deref(), (&own, &principal), (text, &parameters), options, begun)?;
        let listed = match (&listing, &transaction) {
            (Some(listing), _) => Arc::clone(listing.entry()),
            (None, Some(transaction)) => Arc::clone(transaction.enter()?.listing.entry()),
            (None, None) => return Err(Failure::new(Code::Internal, "a statement is listed nowhere")),
        };
        allowance.listed = Some(Arc::clone(&listed));
        let mut told = Told::default();
        let role_limits = names.limits_of(&principal);
        let room = Room {
            permit: &mut permit,
            seats: &mut self.seats,
            role_limits: role_limits.clone(),
            listed: Arc::clone(&listed),
            begun,
            told: &mut told,
        };
        let statement = Statement {
            shared: &self.shared,
            principal: &principal,
            names: &names,
            own,
            text,
            parameters,
            access,
            allowance,
            interrupted: &self.interrupted,
            transaction: transaction.as_ref(),
            room,
        };
        let outcome = statement.run();
        let mut charges = Charges::of(&mut told, principal.id(), role_limits.as_ref());
        let outcome = match (outcome, told.written.clone()) {
            (Err(failure), Some(meter)) => Err(name_refusal(failure, &meter)),
            (Err(failure), None) => {
                Err(self.charge(failure, &mut told, &names, &principal, (own_id, begun), &mut charges))
            }
            (outcome, _) => outcome,
        };
        self.charges = charges;
        observation.admitted(told, &listed);
        if let Some(transaction) = &transaction {
            transaction.rests();
        }
        let outcome = outcome.map_err(|failure| self.shared.why_ended(&listed, failure));
        match outcome.map_err(|failure| failure.about(listed.database_in(&names).to_string()))? {
            Outcome::Records(records) => {
                observation.goes_on(&listed);
                listing.into_iter().for_each(|listing| records.list(listing));
                Ok(records)
            }
            Outcome::UseDatabase(name) => self.use_database(&names, &principal, shown, (options, name)),
        }
    }

    /// Counts a statement that did not get as far as to run among those of its database: to read and plan it costs too.
    /// Gives what its client is told.
    #[cold]
    fn charge(
        &self,
        failure: Failure,
        told: &mut Told,
        names: &Names,
        principal: &Principal,
        (own, begun): (DatabaseId, Instant),
        charges: &mut Charges,
    ) -> Failure {
        let was_read = told.plan_found == Some(false) || failure.code() == Code::SyntaxError;
        let row = names.database(own).filter(|row| was_read && told.meter.is_none() && !row.name.is_system());
        let Some(meter) = row.map(|row| self.shared.meters.of(row)) else { return failure };
        charges.counted_in(&meter);
        // What is charged is counted.
        told.meter = Some(Arc::clone(&meter));
        let role_limits = names.limits_of(principal);
        let asking = Asking {
            user: principal.id(),
            role_limits: role_limits.as_deref(),
            writes: false,
            patience: &|| None,
            begun,
        };
        meter.charge(&asking).err().unwrap_or(failure)
    }

    /// Names the user in whose name a statement was to run, where that is another.
    fn spoken_for(&self, options: &RunOptions) -> Option<String> {
        match self.acting.as_ref().filter(|_| self.transaction.is_some()) {
            Some(acting) => self.other(acting),
            None => options.impersonated_user.clone(),
        }
    }

    /// Names a user in whose name this one speaks.
    fn other(&self, acting: &Principal) -> Option<String> {
        let names = self.shared.catalog.names();
        catalog::access::told_user(&names, acting).filter(|_| acting.is_spoken_for()).map(str::to_owned)
    }

    /// Tells the audit what was refused.
    #[cold]
    fn refused(&self, impersonated: Option<&str>, database: &str, text: &str, failure: &Failure) {
        auditing::refused(&self.shared, (&self.user(), impersonated), &self.origin.address, database, text, failure);
    }

    /// Finds as whom and where a statement runs, and what it may spend.
    fn look_up(&mut self, options: &RunOptions, (text, parameters): (&str, &Map)) -> Result<Found, Failure> {
        let staged = self.transaction.as_ref().and_then(|transaction| transaction.names());
        let names = staged.unwrap_or_else(|| self.shared.catalog.names());
        self.principal.look_up(&names);
        let principal = match (&self.transaction, &self.acting) {
            (Some(_), Some(acting)) => acting.clone(),
            _ => self.acting_as(&names, options.impersonated_user.as_deref())?,
        };
        let (own, access, allowance) = match &self.transaction {
            Some(transaction) => self.within(&principal, transaction)?,
            None => {
                let followed = match options.database {
                    None => self.follow_rename(&names, &principal),
                    Some(_) => Ok(()),
                };
                self.alone(&names, &principal, options, (text, parameters), followed)?
            }
        };
        Ok(Found { names, principal, own, access, allowance })
    }

    /// Waits for a place among the statements of the server, no longer than the statement may take.
    #[cold]
    fn wait_to_run(&self, found: &Found, text: &str, begun: Instant) -> Result<Permit, Failure> {
        let Found { names, principal, own, allowance, .. } = found;
        let room = match is_command(text) {
            true => self.shared.admission.clone(),
            false => self.shared.room_of(own),
        };
        let time = time_bound(&self.shared, names, own, names.limits_of(principal).as_deref());
        allowance.before_admission(begun, time).enter(&room)
    }

    /// Lends memory for what a request brings, until that goes; it counts with what statements hold.
    ///
    /// # Errors
    ///
    /// [`Code::MemoryPool`] where all statements would hold too much, [`Code::MemoryLimit`] where one may never hold that.
    pub fn lend(&self, bytes: usize) -> Result<Lent, Failure> {
        let mut loan = Loan::of(Arc::clone(&self.shared.memory), OF_REQUESTS, 0);
        let lent = loan.change_to(bytes).inspect_err(|failure| {
            self.refused(None, self.chosen_name().unwrap_or_default(), "a request", failure);
            observation::failed(&self.shared, failure, self.number);
        });
        lent.map(|()| Lent { _loan: loan })
    }

    /// Opens a transaction.
    ///
    /// # Errors
    ///
    /// [`Code::RequestInvalid`] if one is open already, and whatever opening the database runs into.
    pub fn begin(&mut self, options: &RunOptions) -> Result<(), Failure> {
        let opened = self.open(options).inspect_err(|failure| {
            let database = options.database.as_deref().or(self.chosen_name()).unwrap_or_default();
            self.refused(options.impersonated_user.as_deref(), database, "BEGIN", failure);
            observation::failed(&self.shared, failure, self.number);
        });
        opened.map_err(|failure| self.told(failure, options))
    }

    fn open(&mut self, options: &RunOptions) -> Result<(), Failure> {
        if self.transaction.is_some() {
            return Err(Failure::new(Code::RequestInvalid, "A transaction is open in this session already."));
        }
        self.use_place()?;
        bookmark::check(&options.bookmarks)?;
        check_metadata(&options.metadata)?;
        let options = &*self.follow_choice(options);
        let names = self.shared.catalog.names();
        let principal = self.acting_as(&names, options.impersonated_user.as_deref())?;
        if options.database.is_none() {
            self.follow_rename(&names, &principal)?;
        }
        let own = target(&names, &principal, options.database.as_deref().or(self.chosen_name()))?;
        // Clients open most transactions for writing; whether a statement writes is asked of its plan.
        let reached = self.shared.reach(&principal, &names, &own, catalog::Access::Read)?;
        let settings = &self.shared.options;
        if let Some(database) = reached.graph() {
            let (user, roles) = (self.principal.id(), names.limits_of(&principal));
            let guest = Guest { user, roles: roles.as_deref(), meters: &self.shared.meters };
            self.seats.take(std::iter::once(&database.meter), guest)?;
        }
        // A database bounds each statement; how long its client thinks in between is between him and the server.
        let time_max = settings.statement_time_max.filter(|time| !time.is_zero());
        let deadline = Deadline::of(&*settings.clock, options.timeout, time_max);
        let begun_nanos = settings.clock.wall_nanos();
        let listing = self.list((&own, &principal), options, settings.clock.now());
        let begun = OpenTransaction::begin(own, reached, options.access, deadline, listing, begun_nanos)?;
        count(&self.shared.metrics.transactions);
        if let Some(place) = &self.place {
            place.session.begins(&begun);
        }
        self.transaction = Some(begun);
        self.acting = Some(principal);
        Ok(())
    }

    /// Commits the open transaction and gives its bookmark. The transaction is over even if that fails.
    pub fn commit(&mut self) -> Result<Option<String>, Failure> {
        let Some(transaction) = self.transaction.take() else {
            return Err(Failure::new(Code::RequestInvalid, "No transaction is open in this session."));
        };
        let who = self.acting.as_ref().unwrap_or(&self.principal);
        let names = self.shared.catalog.names();
        // Who was shut out since then keeps nothing, and what may not be written any more is not.
        if let Err(failure) = transaction.check_commit(&names, who) {
            let database = transaction.enter().map(|state| state.own.name.to_string()).unwrap_or_default();
            transaction.rollback();
            self.forget_interrupt();
            count(&self.shared.metrics.rollbacks);
            observation::failed(&self.shared, &failure, self.number);
            self.refused(self.other(who).as_deref(), &database, "COMMIT", &failure);
            return Err(failure);
        }
        let committed = transaction.commit(&self.shared, &self.interrupted);
        self.forget_interrupt();
        match &committed {
            Ok(_) => count(&self.shared.metrics.commits),
            Err(failure) => observation::failed(&self.shared, failure, self.number),
        }
        let named = transaction.alias().map(|alias| alias.to_string());
        let committed =
            committed.map_err(|failure| self.told(failure, &RunOptions { database: named, ..RunOptions::default() }));
        committed.map(|bookmark| Some(self.choice().map_or(bookmark.clone(), |choice| choice.carry(&bookmark))))
    }

    /// Rolls the open transaction back; without one there is nothing to do.
    pub fn rollback(&mut self) -> Result<(), Failure> {
        if let Some(transaction) = self.transaction.take() {
            transaction.rollback();
            self.forget_interrupt();
            count(&self.shared.metrics.rollbacks);
        }
        Ok(())
    }

    /// Ends what is open, forgets an interrupt and what `USE` chose, and gives back its seats.
    pub fn reset(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            transaction.rollback();
        }
        // The connection may serve another conversation of the same driver next, or lie in its pool for an hour.
        self.seats = Seats::default();
        self.choose(None);
        self.forget_interrupt();
    }

    /// Says that nothing is open and that the client's next request is awaited: for how long, nobody knows.
    ///
    /// A driver keeps connections for an hour after their conversations, and most say nothing when one ends. Who needs the
    /// seats of one that rests may take them over; it asks for new ones with its next statement.
    pub fn rests(&mut self) {
        self.seats.rest(&self.shared.meters);
    }

    /// Goes on after what was interrupted: a transaction that an operator or its database's stop ended is over.
    fn forget_interrupt(&self) {
        self.interrupted.store(false, Ordering::Relaxed);
    }

    /// Gives what interrupts this session's statement, for as long as the session lives.
    #[must_use]
    pub fn interrupter(&self) -> Interrupter {
        Interrupter(Arc::clone(&self.interrupted))
    }

    /// Lists a transaction that begins now, on a database and as somebody.
    fn list(&self, (own, acting): (&Target, &Principal), options: &RunOptions, at: Instant) -> Listing {
        let clock = &self.shared.options.clock;
        self.shared.under_way.enter(&Begun {
            database: own,
            owner: &self.principal,
            acting,
            at,
            nanos: clock.wall_nanos(),
            metadata: &options.metadata,
            interrupted: &self.interrupted,
            origin: &self.origin,
        })
    }

    /// Lists a statement: in its transaction, or with one of its own.
    fn list_statement(
        &self,
        transaction: Option<&OpenTransaction>,
        (own, acting): (&Target, &Principal),
        (text, parameters): (&str, &Arc<Map>),
        options: &RunOptions,
        at: Instant,
    ) -> Result<Option<Listing>, Failure> {
        let number = self.shared.statements.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(transaction) = transaction {
            transaction.enter()?.listing.runs(number, at, text, parameters);
            return Ok(None);
        }
        let listing = self.list((own, acting), options, at);
        listing.runs(number, at, text, parameters);
        Ok(Some(listing))
    }

    /// Tells as whom to run: the session's user, or another in whose name he may speak.
    fn acting_as(&self, names: &Names, user: Option<&str>) -> Result<Principal, Failure> {
        match user.filter(|user| !user.is_empty()) {
            Some(user) => catalog::access::impersonate(names, &self.principal, user).map_err(Failure::from),
            None => Ok(self.principal.clone()),
        }
    }

    fn alone(
        &self,
        names: &Names,
        principal: &Principal,
        options: &RunOptions,
        statement: (&str, &Map),
        followed: Result<(), Failure>,
    ) -> Result<(Target, Access, Allowance), Failure> {
        let settings = &self.shared.options;
        let asked = options.database.as_deref().or(self.chosen_name());
        let own =
            followed.and_then(|()| target(names, principal, asked)).or_else(|failure| match options.database {
                None if failure.code() == Code::DatabaseNotFound => without_home(names, principal, statement, failure),
                _ => Err(failure),
            })?;
        // A database says itself how long its statements may take; the server's own word is its default.
        let time_max = settings.statement_time_max.filter(|_| own.name.is_system());
        let deadline = Deadline::of(&*settings.clock, options.timeout, time_max);
        let allowance = Allowance::of(&self.shared, principal.key(), &self.interrupted, deadline);
        Ok((own, options.access, allowance))
    }

    fn within(
        &self,
        principal: &Principal,
        transaction: &Arc<OpenTransaction>,
    ) -> Result<(Target, Access, Allowance), Failure> {
        let state = transaction.enter()?;
        let allowance = Allowance::of(&self.shared, principal.key(), &self.interrupted, state.deadline);
        let allowance = Allowance { transaction_nanos: state.begun_nanos, ..allowance };
        Ok((state.own.clone(), state.access, allowance))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.metrics.sessions.fetch_sub(1, Ordering::Relaxed);
        if let Some(transaction) = self.transaction.take() {
            transaction.rollback();
        }
        if let Some(place) = &self.place {
            place.session.keep_seats(std::mem::take(&mut self.seats));
        }
    }
}
