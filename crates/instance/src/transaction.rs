//! An explicit transaction: one database that it may write, others that it reads, one statement at a time.
//! Leaves running statements to `statement`; a transaction only lends what they run on.
//! Start reading at [`OpenTransaction::begin`].

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::Duration;

use catalog::{GraphRights, Names, Principal, Target};
use graph::GraphError;
use graph::transaction::Savepoint;
use parking_lot::{Mutex, MutexGuard};
use query::Source;
use types::{Code, DatabaseId, DatabaseName, Failure};

use crate::answer::Access;
use crate::bookmark;
use crate::error::of_graph;
use crate::instance::Shared;
use crate::leases::{Lease, Work, Worker};
use crate::open_database::OpenDatabase;
use crate::reach::{self, Reached};
use crate::records::Stream;
use crate::running::{Allowance, Deadline};
use crate::schema_turn::HeldTurn;
use crate::sight::{self, Does};
use crate::source::{GraphSource, Home, Writes};
use crate::staging::{self, Door, Staging};
use crate::table::NoGraph;
use crate::under_way::Listing;

/// A transaction that a client began; shared with the databases, which may have to end it.
pub(crate) struct OpenTransaction(Mutex<State>);

/// What is known of an open transaction; lent to one statement at a time.
pub(crate) struct State {
    /// Why it is over, where somebody else ended it.
    ended: Option<Failure>,
    pub(crate) own: Target,
    pub(crate) access: Access,
    pub(crate) deadline: Option<Deadline>,
    /// When it began, in nanoseconds since 1970.
    pub(crate) begun_nanos: i128,
    databases: Vec<Taken>,
    /// The one database that it writes, once it does.
    written: Option<DatabaseId>,
    pub(crate) did: Did,
    /// Lists it among what is under way.
    pub(crate) listing: Listing,
    /// The result whose rows are still being computed.
    streaming: Option<Weak<Stream>>,
    /// Whether a statement has run in it: what it read holds it to its version.
    is_used: bool,
    /// Held from the first change of the schema to the end.
    schema_turn: Option<HeldTurn>,
    /// What its administration commands came to.
    pub(crate) staging: Staging,
}

/// What kind of changes a transaction made; they do not mix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Did {
    /// None.
    #[default]
    Nothing,
    /// It read data.
    Read,
    /// It wrote data.
    Data,
    /// It changed indexes.
    Schema,
    /// It ran administration commands, which take effect when it commits.
    Admin,
    /// It ran a command that took effect at once, and can do nothing else.
    Alone,
}

/// What a statement of the transaction runs on.
pub(crate) struct Lent {
    /// In the plan's order.
    pub(crate) sources: Vec<Box<dyn Source>>,
    /// The place to which it goes back if it fails, where it writes.
    pub(crate) savepoint: Option<Savepoint>,
}

/// One database of the transaction.
struct Taken {
    /// As the last statement meant it.
    reached: Reached,
    /// The same of the statements that wrote, once for each name.
    wrote: Vec<Reached>,
    id: DatabaseId,
    /// Where its graph transaction lies between statements; `system` has none.
    home: Home,
    version: u64,
    /// Whether a statement ran in it that may not see everything: then a failed commit does not tell everything either.
    blurs: bool,
    _lease: Option<Lease>,
}

impl OpenTransaction {
    /// Begins on one database.
    pub(crate) fn begin(
        own: Target,
        reached: Reached,
        access: Access,
        deadline: Option<Deadline>,
        listing: Listing,
        begun_nanos: i128,
    ) -> Result<Arc<Self>, Failure> {
        let state = State {
            listing,
            ended: None,
            own: own.clone(),
            access,
            deadline,
            begun_nanos,
            databases: Vec::new(),
            written: None,
            did: Did::Nothing,
            streaming: None,
            is_used: false,
            schema_turn: None,
            staging: Staging::default(),
        };
        let begun = Arc::new(Self(Mutex::new(state)));
        begun.0.lock().take(&begun, own.database, reached)?;
        Ok(begun)
    }

    /// Lends the state to a statement; another result that is still being computed is finished first.
    pub(crate) fn enter(&self) -> Result<MutexGuard<'_, State>, Failure> {
        let mut state = self.0.lock();
        if let Some(failure) = &state.ended {
            return Err(failure.clone());
        }
        if let Some(stream) = state.streaming.take().and_then(|stream| stream.upgrade()) {
            stream.settle();
        }
        Ok(state)
    }

    /// Fails where its user may not commit it any more.
    pub(crate) fn check_commit(&self, names: &Names, principal: &Principal) -> Result<(), Failure> {
        let state = self.0.lock();
        let written = state.written.and_then(|id| state.databases.iter().find(|taken| taken.id == id));
        let Some(written) = written else { return reach::check_commit(names, principal, None) };
        written.wrote.iter().try_for_each(|wrote| reach::check_commit(names, principal, Some((written.id, wrote))))
    }

    /// Commits what was written, unless somebody interrupted the session or its time is over; gives the bookmark.
    pub(crate) fn commit(&self, shared: &Arc<Shared>, interrupted: &Arc<AtomicBool>) -> Result<String, Failure> {
        let mut state = self.0.lock();
        state.abandon_stream();
        if let Some(failure) = state.ended.take() {
            return Err(failure);
        }
        let allowance = Allowance::of(shared, None, interrupted, state.deadline);
        if let Err(failure) = allowance.check() {
            state.databases.clear();
            return Err(failure);
        }
        if state.staging.is_begun() {
            let staging = std::mem::take(&mut state.staging);
            // What the transaction drops or stops, it does not hold any more.
            state.databases.clear();
            return Ok(bookmark::write("system", staging::commit(shared, staging, &allowance)?));
        }
        let State { databases, written, .. } = &mut *state;
        let at = written.and_then(|id| databases.iter().position(|taken| taken.id == id)).unwrap_or(0);
        let taken = databases.swap_remove(at);
        let name = taken.wrote.last().unwrap_or(&taken.reached).name();
        let transaction = taken.home.lock().take();
        // The others go first: a store that has to grow waits for its readers.
        databases.clear();
        let version = match transaction {
            Some(transaction) => allowance.commit(transaction).map_err(|error| {
                let failure = match (error, taken.reached.graph()) {
                    (GraphError::Stopped, _) => return allowance.over(),
                    (error, Some(database)) => database.fail(error),
                    (error, None) => of_graph(error),
                };
                if taken.blurs { sight::refusal::blurred(failure, &GraphRights::nothing()) } else { failure }
            })?,
            None => taken.version,
        };
        state.schema_turn = None;
        Ok(bookmark::write(&name, version))
    }

    /// Gives the alias by which its database was named, if it was.
    pub(crate) fn alias(&self) -> Option<DatabaseName> {
        self.0.lock().own.alias.clone()
    }

    /// Says that no statement runs in it now, unless its rows are still being computed.
    pub(crate) fn rests(&self) {
        let state = self.0.lock();
        if state.streaming.is_none() {
            state.listing.rests();
        }
    }

    /// Gives everything up.
    pub(crate) fn rollback(&self) {
        let mut state = self.0.lock();
        state.abandon_stream();
        state.databases.clear();
        state.schema_turn = None;
        state.staging = Staging::default();
    }

    /// Gives what exists in the eyes of the transaction, where it is not what exists for everybody.
    pub(crate) fn names(&self) -> Option<Arc<Names>> {
        self.0.lock().staging.names()
    }
}

impl State {
    /// Tells why it cannot go on, whatever its client does next: somebody ended it, its time did, or its user is shut out.
    fn why_over(&self, shared: &Shared) -> Option<Failure> {
        let entry = self.listing.entry();
        let interrupted = Arc::new(AtomicBool::new(entry.ended().is_some()));
        let over = Allowance::of(shared, None, &interrupted, self.deadline).check().err();
        let over = over.map(|failure| shared.why_ended(entry, failure));
        over.or_else(|| Some(catalog::access::check_here(&shared.catalog.names(), &entry.owner).err()?.into()))
    }

    fn take(&mut self, transaction: &Arc<OpenTransaction>, id: DatabaseId, reached: Reached) -> Result<usize, Failure> {
        let (home, version, lease) = match &reached {
            Reached::System => (Home::default(), 0, None),
            Reached::Graph { database, .. } => {
                let begun = match self.access {
                    Access::Read => database.graph.begin_read(),
                    Access::Write => database.graph.begin(),
                };
                let begun = begun.map_err(of_graph)?;
                let work: Weak<dyn Work> = Arc::<OpenTransaction>::downgrade(transaction);
                let worker = Worker::Listed(Arc::clone(self.listing.entry()), reached.known().cloned());
                let lease = database.leases.take(worker, work);
                (Home::new(Mutex::new(None)), begun.version(), Some((lease, begun)))
            }
        };
        let lease = lease.map(|(lease, begun)| {
            *home.lock() = Some(begun);
            lease
        });
        self.databases.push(Taken { reached, wrote: Vec::new(), id, home, version, blurs: false, _lease: lease });
        Ok(self.databases.len() - 1)
    }

    /// Lends the sources of a statement, in the plan's order; `writes` is the number of the one that it writes.
    ///
    /// Every other database keeps its own snapshot until the transaction ends.
    pub(crate) fn lend(
        &mut self,
        transaction: &Arc<OpenTransaction>,
        reached: Vec<(DatabaseId, Reached)>,
        writes: Option<u16>,
        allowance: &Allowance,
    ) -> Result<Lent, Failure> {
        self.is_used = true;
        let mut places = Vec::with_capacity(reached.len());
        let mut rights = Vec::with_capacity(reached.len());
        for (id, reached) in reached {
            // As they are for this statement: since the transaction began a right may have been taken, or the database
            // made read-only. It is the same open one.
            rights.push(reached.rights().map(Arc::clone));
            places.push(match self.databases.iter().position(|taken| taken.id == id) {
                Some(place) => {
                    self.databases[place].reached = reached;
                    place
                }
                None => self.take(transaction, id, reached)?,
            });
        }
        if let Some(number) = writes {
            self.write_to(places[usize::from(number)])?;
        }
        let savepoint = writes.and_then(|_| self.savepoint());
        let mut sources: Vec<Box<dyn Source>> = Vec::with_capacity(places.len());
        for (number, (place, rights)) in (0..).zip(places.into_iter().zip(rights)) {
            let taken = &mut self.databases[place];
            taken.blurs |= rights.as_ref().is_some_and(|rights| !rights.sees_everything());
            sources.push(self.source(
                number,
                &self.databases[place],
                writes == Some(number),
                rights.as_ref(),
                allowance,
            )?);
        }
        Ok(Lent { sources, savepoint })
    }

    fn source(
        &self,
        number: u16,
        taken: &Taken,
        writes: bool,
        rights: Option<&Arc<GraphRights>>,
        allowance: &Allowance,
    ) -> Result<Box<dyn Source>, Failure> {
        let (Some(database), Some(rights)) = (taken.reached.graph(), rights) else { return Ok(Box::new(NoGraph)) };
        let source = GraphSource::lend(Arc::clone(database), number, &taken.home, self.writes(taken));
        let source =
            source.ok_or_else(|| Failure::new(Code::Internal, "a statement of this transaction still runs"))?;
        let does = if writes { Does::Writes } else { Does::Reads };
        Ok(sight::open(source.called_as(&taken.reached), rights, allowance, does))
    }

    /// Tells whether a database may be written: the first one that is, and no other.
    fn writes(&self, taken: &Taken) -> Writes {
        if self.access == Access::Read {
            return Writes::ReadMode;
        }
        match self.written.filter(|id| *id != taken.id) {
            Some(id) => {
                let written = self.databases.iter().find(|taken| taken.id == id);
                let name = written.map(|taken| taken.reached.name());
                Writes::Elsewhere(name.unwrap_or_default())
            }
            None => taken.reached.writes(),
        }
    }

    fn check_write(&self, taken: &Taken) -> Result<(), Failure> {
        self.writes(taken).check(&taken.reached.name())
    }

    /// Refuses to mix data, indexes and administration in one transaction.
    pub(crate) fn mix(&mut self, next: Did) -> Result<(), Failure> {
        self.did = match (self.did, next) {
            (Did::Nothing | Did::Read, next @ (Did::Read | Did::Data | Did::Schema)) => next,
            (Did::Nothing | Did::Admin, Did::Admin) => next,
            (Did::Nothing, Did::Alone) => next,
            (did @ (Did::Data | Did::Schema), Did::Read) => did,
            (did, next) if did == next && did != Did::Alone => did,
            (did, next) => return Err(does_not_mix(did, next)),
        };
        Ok(())
    }

    /// Refuses a command that takes effect at once in a transaction that does anything else.
    pub(crate) fn stand_alone(&mut self, command: &str) -> Result<(), Failure> {
        if self.staging.is_begun() || !matches!(self.did, Did::Nothing | Did::Admin) {
            let text = format!(
                "{command} takes effect at once and cannot be part of a transaction with other work; commit it or roll it \
                 back, then run the command by itself."
            );
            return Err(Failure::new(Code::ForbiddenTransactionType, text));
        }
        self.did = Did::Alone;
        Ok(())
    }

    /// Gives the catalog that an administration command changes.
    pub(crate) fn catalog<'s>(&mut self, shared: &'s Shared) -> Result<Door<'s>, Failure> {
        match self.did {
            Did::Alone => Ok(Door::Kept(&shared.catalog)),
            _ => Ok(Door::Staged(self.staging.catalog(shared)?)),
        }
    }

    /// Marks the place to which a failed statement goes back, in the database that it writes.
    fn savepoint(&self) -> Option<Savepoint> {
        let id = self.written?;
        let taken = self.databases.iter().find(|taken| taken.id == id)?;
        taken.home.lock().as_ref().map(graph::Transaction::savepoint)
    }

    /// Works on the graph transaction of the database that is written.
    pub(crate) fn on_written<T>(
        &mut self,
        work: impl FnOnce(&mut graph::Transaction) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let id = self.written.unwrap_or(self.own.database);
        let taken = self.databases.iter().find(|taken| taken.id == id);
        let mut home = taken.map(|taken| taken.home.lock());
        match home.as_deref_mut() {
            Some(Some(transaction)) => work(transaction),
            _ => Err(NoGraph::refused()),
        }
    }

    /// Works on the graph transaction of the transaction's own database.
    pub(crate) fn on_own<T>(
        &mut self,
        work: impl FnOnce(&mut graph::Transaction) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut home = self.databases.first().map(|taken| taken.home.lock());
        match home.as_deref_mut() {
            Some(Some(transaction)) => work(transaction),
            _ => Err(NoGraph::refused()),
        }
    }

    /// Chooses the transaction's own database as the one that it writes.
    ///
    /// `reached` tells how the catalog has it now.
    pub(crate) fn write_own(&mut self, reached: Reached) -> Result<(), Failure> {
        self.databases[0].reached = reached;
        self.write_to(0)
    }

    /// Chooses a database as the one that it writes, by the name by which it is meant now.
    fn write_to(&mut self, place: usize) -> Result<(), Failure> {
        self.check_write(&self.databases[place])?;
        let Taken { reached, wrote, id, .. } = &mut self.databases[place];
        wrote.retain(|before| before.names() != reached.names());
        wrote.push(reached.clone());
        self.written = Some(*id);
        Ok(())
    }

    /// Waits until no other transaction changes the schema; one that has read nothing yet sees what the last one made.
    pub(crate) fn take_schema_turn(&mut self, check: impl Fn() -> Result<(), Failure>) -> Result<(), Failure> {
        let Some(database) = self.databases[0].reached.graph().map(Arc::clone) else { return Ok(()) };
        if self.schema_turn.is_none() && self.access == Access::Write {
            self.schema_turn = database.schema_turn.take(check)?;
            if !std::mem::replace(&mut self.is_used, true) {
                let begun = database.graph.begin().map_err(of_graph)?;
                let taken = &mut self.databases[0];
                taken.version = begun.version();
                *taken.home.lock() = Some(begun);
            }
        }
        Ok(())
    }

    /// Tells whether a statement before this one wrote.
    pub(crate) fn has_written(&self) -> bool {
        self.written.is_some()
    }

    /// Takes back the choice of the written database after a statement that wrote nothing to it.
    pub(crate) fn forget_written_if_clean(&mut self) {
        let clean = self.on_written(|transaction| Ok(!transaction.has_changes())).unwrap_or(true);
        if clean {
            self.written = None;
            self.databases.iter_mut().for_each(|taken| taken.wrote.clear());
            self.did = Did::Read;
        }
    }

    /// Gives the version of the schema that the transaction sees in a database, where it is open in it.
    pub(crate) fn schema_version(&self, id: DatabaseId) -> Option<u64> {
        let taken = self.databases.iter().find(|taken| taken.id == id)?;
        taken.home.lock().as_ref().map(graph::Transaction::schema_version)
    }

    /// Tells whether it uses a database.
    pub(crate) fn holds(&self, id: DatabaseId) -> bool {
        self.databases.iter().any(|taken| taken.id == id)
    }

    /// Gives a database that it has open.
    pub(crate) fn held(&self, id: DatabaseId) -> Option<Arc<OpenDatabase>> {
        let taken = self.databases.iter().find(|taken| taken.id == id)?;
        taken.reached.graph().map(Arc::clone)
    }

    /// Remembers a result whose rows are computed while the client takes them.
    pub(crate) fn streams(&mut self, stream: &Arc<Stream>) {
        self.streaming = Some(Arc::downgrade(stream));
    }

    fn abandon_stream(&mut self) {
        if let Some(stream) = self.streaming.take().and_then(|stream| stream.upgrade()) {
            stream.abandon();
        }
    }
}

fn does_not_mix(did: Did, next: Did) -> Failure {
    let name = |did| match did {
        Did::Nothing | Did::Read => "Read query",
        Did::Data => "Write query",
        Did::Schema => "Schema modification",
        Did::Admin => "Administration command",
        Did::Alone => "a command that stands alone",
    };
    let text = format!("Tried to execute {} after executing {}", name(next), name(did));
    Failure::new(Code::ForbiddenTransactionType, text)
}

impl Work for OpenTransaction {
    fn end(&self, failure: &Failure, wait_max: Duration) {
        let Some(mut state) = self.0.try_lock_for(wait_max) else { return };
        if let Some(stream) = state.streaming.take().and_then(|stream| stream.upgrade()) {
            stream.end(failure, wait_max);
        }
        let told = |failure, taken: &Taken| taken.reached.told(failure);
        state.ended = Some(state.databases.iter().fold(failure.clone(), told));
        state.databases.clear();
        state.schema_turn = None;
        state.staging = Staging::default();
        state.listing.entry().lets_go();
    }

    /// A transaction sees one version until it ends.
    fn let_go(&self, _wait_max: Duration) {}

    fn end_unattended(&self, shared: &Shared) {
        let Some(state) = self.0.try_lock() else { return };
        if let Some(stream) = state.streaming.as_ref().and_then(Weak::upgrade) {
            stream.end_unattended(shared);
        }
        let over = state.why_over(shared).filter(|_| state.ended.is_none());
        drop(state);
        if let Some(failure) = over {
            self.end(&failure, Duration::ZERO);
        }
    }
}
