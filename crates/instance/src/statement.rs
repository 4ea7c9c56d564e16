//! One statement from its text to its records: plan found or made, sources opened, run.
//! Leaves commands about databases and indexes to `commands` and `schema`, and rows to `records`.
//! Start reading at [`Statement::run`].

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};

use catalog::{Names, Principal, Target};
use cypher::ast::{AdminCommand, Body, Mode, Name, RightsCommand, UserCommand};
use query::Source;
use types::{Code, DatabaseId, Failure, Map, Value, effort};

use crate::admitting::Room;
use crate::answer::{Access, Counters, Fetched, Kind, Notification, Summary};
use crate::error::of_graph;
use crate::instance::Shared;
use crate::leases::{Lease, Work};
use crate::planning::{First, Indexes, Planning, typed_name};
use crate::plans::{Planned, PlannedSource, Versions};
use crate::reach::{Reached, granted_rights, sight_of};
use crate::records::{Records, Stream};
use crate::running::{Allowance, Running};
use crate::sight::{self, Does};
use crate::source::{GraphSource, Writes};
use crate::staging::{Door, StagingTurn};
use crate::table::NoGraph;
use crate::transaction::{Did, OpenTransaction};
use crate::{auditing, bookmark, chain, commands, schema};

/// A statement and everything that it is asked with.
pub(crate) struct Statement<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) principal: &'a Principal,
    pub(crate) names: &'a Names,
    /// The session's database, by the name that was used.
    pub(crate) own: Target,
    pub(crate) text: &'a str,
    pub(crate) parameters: Arc<Map>,
    pub(crate) access: Access,
    pub(crate) allowance: Allowance,
    pub(crate) interrupted: &'a Arc<AtomicBool>,
    /// The transaction in which it runs, where it does not run alone.
    pub(crate) transaction: Option<&'a Arc<OpenTransaction>>,
    /// What it holds while it begins.
    pub(crate) room: Room<'a>,
}

/// What became of a statement's text.
#[expect(clippy::large_enum_variant, reason = "there is one a statement, and it goes straight to the caller")]
pub(crate) enum Outcome {
    /// It ran, or runs.
    Records(Records),
    /// It chooses the session's database, or asks for it.
    UseDatabase(Option<Name>),
}

/// The databases of a plan, open, in its order.
pub(crate) type AllReached = Vec<(DatabaseId, Reached)>;

impl Statement<'_> {
    /// Reads the text, which may be long enough to take longer than the statement may.
    fn read(&self) -> Result<cypher::ast::Statement, Failure> {
        let before = Arc::new(self.allowance_before());
        let watched = effort::watch(Arc::clone(&before) as Arc<dyn effort::Watch>, usize::MAX);
        let read = cypher::parse(self.text);
        if watched.is_over() { Err(before.over()) } else { Ok(read?) }
    }

    /// Runs the statement: one that writes to its end, one that reads as far as its first row is asked for.
    pub(crate) fn run(mut self) -> Result<Outcome, Failure> {
        self.allowance.check()?;
        self.shared.procedures.forget_declared_before(self.text);
        if let Some((planned, reached)) = self.find_plan()? {
            self.room.told.plan_found = Some(true);
            return self.run_plan(&planned, reached).map(Outcome::Records);
        }
        let statement = self.read()?;
        if !is_own_password(&statement.body) {
            catalog::access::check_password(self.names, self.principal)?;
        }
        match statement.body {
            Body::Query(query) => {
                self.room.told.plan_found = Some(false);
                self.leave_what_is_closed(&query)?;
                // The databases have not admitted it yet, and making its plan may take long.
                let before = self.allowance_before();
                let lasting = std::mem::replace(&mut self.allowance, before);
                let planned = self.plan(&query, statement.mode);
                self.allowance = lasting;
                let (planned, reached) = planned?;
                self.run_plan(&planned, reached).map(Outcome::Records)
            }
            Body::Schema { using, command } => {
                schema::run(&mut self, statement.mode, using.as_ref(), &command).map(Outcome::Records)
            }
            Body::Admin(command) => {
                let (turn, names) = self.take_turn(statement.mode, &command)?;
                let ran = match &names {
                    // What it may do, and to what, is seen as it is now.
                    Some(names) => Statement { names, ..self }.administer(statement.mode, &command),
                    None => self.administer(statement.mode, &command),
                };
                drop(turn);
                ran.map(Outcome::Records)
            }
            Body::Chain { using, chain } => {
                chain::run(&mut self, statement.mode, using.as_ref(), &chain).map(Outcome::Records)
            }
            Body::UseDatabase { name } => Ok(Outcome::UseDatabase(name)),
        }
    }

    /// Runs a command.
    fn administer(mut self, mode: Mode, command: &AdminCommand) -> Result<Records, Failure> {
        let ran = commands::run(&mut self, mode, command);
        let mut ran = ran.map_err(|failure| failure.about_all(auditing::databases_of(&self, command)));
        if mode != Mode::Explain && auditing::command(&self, command, &ran) {
            ran = ran.map_err(Failure::noted);
        }
        if ran.is_err()
            && let Some(Ok(mut state)) = self.transaction.map(|transaction| transaction.enter())
        {
            state.staging.leave_turn();
        }
        ran.map(|records| self.bookmarked(records, mode))
    }

    /// Waits for the turn of a command that changes the catalog: the turn of a statement alone, and what there is where
    /// it had to wait. A transaction keeps its turn itself.
    fn take_turn(
        &mut self,
        mode: Mode,
        command: &AdminCommand,
    ) -> Result<(Option<StagingTurn>, Option<Arc<Names>>), Failure> {
        let waits = mode != Mode::Explain && !command.shows() && auditing::waits(command);
        let has_turn = match self.transaction {
            Some(transaction) => !transaction.enter()?.staging.needs_turn(),
            None => false,
        };
        if !waits || has_turn {
            return Ok((None, None));
        }
        let (line, clock) = (&self.shared.staging_line, &*self.shared.options.clock);
        let mut names = None;
        let mut turn = line.try_enter(clock.now());
        if turn.is_none() {
            let (allowance, interrupted) = (&self.allowance, self.interrupted);
            let waited = self.room.permit.pause(&|| allowance.patience(), || line.enter(clock, interrupted));
            turn = waited.map_err(|error| allowance.check().err().unwrap_or_else(|| error.into()))?;
            allowance.check()?;
            names = Some(self.shared.catalog.names());
        }
        if let Some(transaction) = self.transaction {
            transaction.enter()?.staging.keep_turn(turn.take());
        }
        Ok((turn, names))
    }

    /// Tells who ran a command alone what names this moment of `system`.
    fn bookmarked(&self, mut records: Records, mode: Mode) -> Records {
        if self.transaction.is_none() && mode != Mode::Explain {
            records.bookmark(bookmark::write("system", self.shared.catalog.names().version()));
        }
        records
    }

    /// Takes the database that `USE` names in front in the place of the session's own, where that is not there for the
    /// user: a token may reach another one only.
    fn leave_what_is_closed(&mut self, query: &cypher::ast::Query) -> Result<(), Failure> {
        let Some(reference) = &query.first.using else { return Ok(()) };
        if !catalog::access::sees(self.names, self.principal, &self.own) {
            let typed = typed_name(reference, self.names, self.principal, &self.parameters)?;
            let found = catalog::access::resolve(self.names, self.principal, &typed);
            let position = cypher::position(self.text, reference.span);
            self.own = found.map_err(|error| Failure::from(error).at(position))?;
        }
        Ok(())
    }

    /// Finds a plan that was kept for this text, made by what this user sees, and opens its databases.
    fn find_plan(&self) -> Result<Option<(Arc<Planned>, AllReached)>, Failure> {
        // Nearly everybody sees everything; who does not is known once the database is reached.
        let mut sight = 0;
        loop {
            let planned = self.shared.plans.find(self.own.database, sight, self.text, self.versions());
            if let Some(planned) = planned
                && let Some(reached) = self.reach_if_fresh(&planned)?
            {
                return Ok(Some((planned, reached)));
            }
            let own = if sight == 0 { self.own_sight() } else { 0 };
            if own == 0 {
                return Ok(None);
            }
            sight = own;
        }
    }

    /// Gives the fingerprint of what is seen in the session's database; none where it is not there for the user, who may
    /// still run commands.
    fn own_sight(&self) -> u64 {
        sight_of(self.names, self.principal, &self.own).unwrap_or_default()
    }

    /// Tells what a plan made now relies on.
    pub(crate) fn versions(&self) -> Versions {
        Versions { catalog: self.names.version(), procedures: self.shared.procedures.version() }
    }

    /// Makes a plan and opens its databases.
    fn plan(&self, query: &cypher::ast::Query, mode: Mode) -> Result<(Arc<Planned>, AllReached), Failure> {
        let make = |indexes| Planning::plan(self, &self.own, query, mode, indexes).map(Arc::new);
        let planned = make(Indexes::Latest)?;
        // What is said of names that nothing has is true until somebody makes them.
        if !planned.is_personal && !planned.prepared.notifications.iter().any(is_unrecognized) {
            let sight = match planned.first {
                First::Own => planned.sources.first().map_or(0, |own| own.sight),
                // It is looked for by who stands on the session's own name.
                First::Named => self.own_sight(),
            };
            self.shared.plans.keep(self.own.database, sight, self.text, &planned);
        }
        if self.suits_transaction(&planned) {
            let reached = self.reach(&planned)?;
            return Ok((planned, reached));
        }
        let planned = make(Indexes::None)?;
        let reached = self.reach(&planned)?;
        Ok((planned, reached))
    }

    /// Makes the plan anew of a statement that met other indexes than it was planned with.
    pub(crate) fn plan_again(&self) -> Result<(Arc<Planned>, AllReached), Failure> {
        let statement = self.read()?;
        let Body::Query(query) = statement.body else { unreachable!("only queries have plans") };
        self.plan(&query, statement.mode)
    }

    /// Opens the databases of a plan; asks for the right to each of them.
    fn reach(&self, planned: &Planned) -> Result<AllReached, Failure> {
        let mut all = Vec::with_capacity(planned.sources.len());
        // The session's own database, or the one that is used in its place, needs no right to be beside another.
        let beside = planned.touched + 1;
        for (number, source) in (0_u16..).zip(&planned.sources) {
            if usize::from(number) >= beside {
                catalog::access::cross(self.names, self.principal, &source.target)?;
            }
            // Who may not run a statement may not have it explained either.
            let writes = planned.prepared.writes == Some(number);
            let access = if writes { catalog::Access::Write } else { catalog::Access::Read };
            let (principal, names) = (self.principal, self.names);
            let target = self.target_of(planned, number, source);
            let reached = self.shared.reach_within(self.transaction, principal, names, target, access)?;
            let reached = reached.also_named(&source.names);
            if number == 0 && !planned.prepared.uses.is_empty() {
                let grant = catalog::grant(self.names, self.principal, target, access)?;
                sight::check_uses(&granted_rights(&grant), &planned.prepared.uses)?;
            }
            all.push((source.target.database, reached));
        }
        Ok(all)
    }

    /// Gives a database of a plan as this statement means it.
    fn target_of<'p>(&'p self, planned: &Planned, number: u16, source: &'p PlannedSource) -> &'p Target {
        // Whoever made the plan may have named the session's own database otherwise, with other rights.
        let is_own = number == 0 && planned.first == First::Own && source.target.database == self.own.database;
        if is_own { &self.own } else { &source.target }
    }

    /// As [`Statement::reach`]; nothing where the plan does not suit the databases any more.
    fn reach_if_fresh(&self, planned: &Planned) -> Result<Option<AllReached>, Failure> {
        let all = match self.reach(planned) {
            // The plan is somebody else's: making it anew says what would be said of a name that means nothing.
            Err(failure) if failure.code() == Code::DatabaseNotFound => return Ok(None),
            reached => reached?,
        };
        for (number, (source, (_, reached))) in (0_u16..).zip(planned.sources.iter().zip(&all)) {
            let target = self.target_of(planned, number, source);
            let is_other = |named: &&Target| named.alias != target.alias;
            let is_alike = |named| sight_of(self.names, self.principal, named).is_ok_and(|it| it == source.sight);
            if reached.sight() != source.sight || !source.names.iter().filter(is_other).all(is_alike) {
                return Ok(None);
            }
            if let (Some(basis), Some(database)) = (&source.basis, reached.graph())
                && !basis.holds(&database.graph)?
            {
                return Ok(None);
            }
        }
        Ok(self.suits_transaction(planned).then_some(all))
    }

    /// Tells whether the open transaction, if any, sees the indexes that the plan was made with.
    fn suits_transaction(&self, planned: &Planned) -> bool {
        let Some(state) = self.transaction.and_then(|transaction| transaction.enter().ok()) else { return true };
        planned.sources.iter().all(|source| {
            let (planned, seen) = (source.basis.as_ref(), state.schema_version(source.target.database));
            planned.zip(seen).is_none_or(|(basis, seen)| basis.has_schema(seen))
        })
    }

    fn run_plan(mut self, planned: &Planned, reached: AllReached) -> Result<Records, Failure> {
        if planned.first == First::Named {
            self.own = planned.sources[0].target.clone();
        }
        self.allowance.calls_procedures = !planned.prepared.uses.procedures.is_empty();
        if planned.prepared.uses.loads {
            let own = reached.first().and_then(|(_, own)| own.rights());
            self.allowance.loader = own.filter(|rights| !rights.load.is_everything()).map(Arc::clone);
        }
        if planned.asks_graphs {
            self.give_graphs();
        }
        // What is only explained writes nothing.
        let writes = planned.prepared.writes.filter(|_| planned.mode != Mode::Explain);
        let admitted = self.admit(&reached, planned.touched, writes)?;
        if planned.mode != Mode::Explain {
            reached.iter().for_each(|(_, reached)| auditing::as_admin(&self, reached));
            if planned.sources.len() > 1 {
                auditing::crossing(&self, planned);
            }
        }
        let mut records = self.run_admitted(planned, reached)?;
        admitted.wrote(records.changes(), &self.shared.meters);
        records.hold(admitted);
        records.bounded_by(self.allowance.bounds.clone());
        Ok(records)
    }

    /// Gives the functions over graphs their values: the databases that this user sees, under each of their names.
    fn give_graphs(&mut self) {
        let (mut listed, mut kept) = (Vec::new(), Map::new());
        let mut add = |name: &str, properties: &Map| {
            let target = self.names.resolve(name).ok().filter(|target| !target.name.is_system());
            if target.is_some_and(|target| catalog::access::sees(self.names, self.principal, &target)) {
                listed.push(name.to_owned());
                kept.insert(name.into(), Value::map(properties.clone()));
            }
        };
        self.names.databases().iter().for_each(|database| add(database.name.as_str(), &Map::new()));
        self.names.aliases().for_each(|alias| add(alias.name.as_str(), &alias.properties));
        listed.sort_unstable();
        let mut by_id = Map::new();
        for database in self.names.databases() {
            let named = self.own.alias.as_ref().filter(|_| database.id == self.own.database);
            let known = catalog::access::used_name(self.names, self.principal, database.id, named);
            if let Some(known) = known.filter(|_| !database.name.is_system()) {
                by_id.insert(database.id.to_string().into(), known.as_str().into());
            }
        }
        let parameters = Arc::make_mut(&mut self.parameters);
        parameters.insert(query::functions::GRAPH_OF_ELEMENT.into(), Value::map(by_id));
        let listed = Value::list(listed.into_iter().map(Value::string).collect());
        parameters.insert(query::functions::GRAPH_NAMES.into(), listed);
        parameters.insert(query::functions::GRAPH_PROPERTIES.into(), Value::map(kept));
    }

    fn run_admitted(&mut self, planned: &Planned, reached: AllReached) -> Result<Records, Failure> {
        if planned.mode == Mode::Explain {
            let summary = Summary { plan: Some(planned.prepared.describe()), ..self.summary(planned) };
            return Ok(self.buffered(planned, Fetched::default(), summary));
        }
        match (self.transaction, planned.prepared.writes) {
            (Some(transaction), _) => self.run_within(transaction, planned, reached),
            (None, None) => match self.read_alone(planned, reached, false)? {
                Some(records) => Ok(records),
                None => {
                    let (planned, reached) = self.plan_again()?;
                    let read = self.read_alone(&planned, reached, true)?;
                    Ok(read.expect("it takes what there is"))
                }
            },
            (None, Some(number)) if planned.prepared.in_transactions => {
                self.write_in_batches(planned, &reached, number)
            }
            (None, Some(number)) => self.write_alone(planned, &reached, number),
        }
    }

    /// Begins to read; nothing where the indexes are others by now than those that it was planned with, and that is not to
    /// be overlooked.
    fn read_alone(
        &mut self,
        planned: &Planned,
        reached: AllReached,
        overlooks: bool,
    ) -> Result<Option<Records>, Failure> {
        let mut sources: Vec<Box<dyn Source>> = Vec::with_capacity(reached.len());
        let mut summary = self.summary(planned);
        summary.bookmark = Some(bookmark::write(&self.shown_database(), 0));
        for (number, (_, reached)) in (0_u16..).zip(&reached) {
            let (Some(database), Some(rights)) = (reached.graph(), reached.rights()) else {
                sources.push(Box::new(NoGraph));
                continue;
            };
            let transaction = database.graph.begin_read().map_err(of_graph)?;
            let basis = planned.sources[usize::from(number)].basis.as_ref();
            if !overlooks && basis.is_some_and(|basis| !basis.has_schema(transaction.schema_version())) {
                return Ok(None);
            }
            if number == 0 {
                summary.bookmark = Some(bookmark::write(&reached.name(), transaction.version()));
            }
            let source = GraphSource::new(Arc::clone(database), number, transaction, Writes::ReadMode);
            let source = source.called_as(reached);
            sources.push(sight::open(source, rights, &self.allowance, Does::Reads));
        }
        let running = self.start(planned, sources)?;
        if planned.mode == Mode::Profile {
            return self.profiled(planned, running, summary).map(Some);
        }
        let take_leases = |stream: &Arc<Stream>| self.leases(&reached, stream);
        Ok(Some(Records::live(
            planned.prepared.columns.clone(),
            running,
            self.allowance.clone(),
            summary,
            self.shared.room_of(&self.own),
            take_leases,
        )))
    }

    /// Runs in an explicit transaction. A failed statement undoes only itself.
    fn run_within(
        &mut self,
        transaction: &Arc<OpenTransaction>,
        planned: &Planned,
        reached: AllReached,
    ) -> Result<Records, Failure> {
        if planned.prepared.in_transactions {
            let text = "A query with 'CALL { ... } IN TRANSACTIONS' can only be executed in an implicit transaction, \
                        but tried to execute in an explicit transaction.";
            return Err(Failure::new(Code::ImplicitTransactionRequired, text));
        }
        let mut state = transaction.enter()?;
        let writes = planned.prepared.writes;
        if writes.is_some() {
            state.mix(Did::Data)?;
        } else if reached.iter().any(|(_, reached)| reached.graph().is_some()) {
            state.mix(Did::Read)?;
        }
        let has_written = state.has_written();
        let lent = state.lend(transaction, reached, writes, &self.allowance)?;
        let started = self.start(planned, lent.sources);
        let mut summary = self.summary(planned);
        if has_written {
            // What the transaction has made, the planner did not see.
            summary.notifications.retain(|found| found.category != query::Notification::UNRECOGNIZED);
        }
        let Some(savepoint) = lent.savepoint else {
            let running = started?;
            if planned.mode == Mode::Profile || writes.is_some() {
                return self.profiled(planned, running, summary);
            }
            let (columns, admission) = (planned.prepared.columns.clone(), self.shared.room_of(&self.own));
            let records = Records::live(columns, running, self.allowance.clone(), summary, admission, |_| Vec::new());
            state.streams(records.stream());
            return Ok(records);
        };
        // The transaction goes home with its sources, at the end of what runs over them.
        let finished = started.and_then(|mut running| Ok((running.finish()?, running.counters(), running.describe())));
        let finished = finished.and_then(|finished| {
            state.on_written(|transaction| transaction.check().map_err(of_graph))?;
            Ok(finished)
        });
        match finished {
            Ok((rows, counters, description)) => {
                let plan = (planned.mode == Mode::Profile).then_some(description);
                Ok(self.buffered(planned, rows, Summary { counters, plan, ..summary }))
            }
            Err(failure) => {
                state.on_written(|transaction| {
                    transaction.rollback_to(savepoint);
                    Ok(())
                })?;
                state.forget_written_if_clean();
                Err(failure)
            }
        }
    }

    /// Runs what only reads to its end, to tell what each operator did.
    fn profiled(&self, planned: &Planned, mut running: Running, summary: Summary) -> Result<Records, Failure> {
        let rows = running.finish()?;
        let plan = (planned.mode == Mode::Profile).then(|| running.describe());
        let counters = running.counters();
        Ok(self.buffered(planned, rows, Summary { plan, counters, ..summary }))
    }

    /// Begins to run over these sources.
    pub(crate) fn start(&mut self, planned: &Planned, sources: Vec<Box<dyn Source>>) -> Result<Running, Failure> {
        let running = Running::start(planned, sources, self.parameters.clone(), self.allowance.clone())?;
        Ok(if planned.prepared.in_transactions { running.in_transactions(self.reading_batches()) } else { running })
    }

    pub(crate) fn buffered(&self, planned: &Planned, rows: Fetched, summary: Summary) -> Records {
        Records::buffered(planned.prepared.columns.clone(), rows, summary, self.shared.admission.clone())
    }

    /// Begins the summary of a planned statement.
    pub(crate) fn summary(&self, planned: &Planned) -> Summary {
        Summary {
            kind: planned.prepared.kind.into(),
            database: self.database_of(planned),
            notifications: planned.prepared.notifications.iter().map(Notification::from).collect(),
            ..Summary::default()
        }
    }

    /// Names the database that a statement is about: the one that its first `USE` names, else the session's.
    fn database_of(&self, planned: &Planned) -> String {
        match planned.sources.get(usize::from(planned.prepared.about)) {
            Some(PlannedSource { target, .. }) if planned.prepared.about > 0 => {
                target.alias.as_ref().unwrap_or(&target.name).to_string()
            }
            _ => self.shown_database(),
        }
    }

    /// Makes the records of a command that gives no rows, with what its writer should know.
    pub(crate) fn done_noting(
        &self,
        kind: Kind,
        database: String,
        counters: Counters,
        notifications: Vec<Notification>,
    ) -> Records {
        let summary = Summary { kind, database, counters, notifications, ..Summary::default() };
        Records::buffered(Vec::new(), Fetched::default(), summary, self.shared.admission.clone())
    }

    /// Names the session's database as the client did.
    pub(crate) fn shown_database(&self) -> String {
        self.own.alias.as_ref().unwrap_or(&self.own.name).to_string()
    }

    fn leases(&self, reached: &AllReached, stream: &Arc<Stream>) -> Vec<Lease> {
        let work: Weak<dyn Work> = Arc::<Stream>::downgrade(stream);
        let databases =
            reached.iter().filter_map(|(_, reached)| Some((reached.graph()?, self.allowance.worker(reached))));
        databases.map(|(database, worker)| database.leases.take(worker, Weak::clone(&work))).collect()
    }

    /// Gives the catalog that a command changes: for everybody at once, or for its transaction until that commits.
    pub(crate) fn catalog(&self) -> Result<Door<'_>, Failure> {
        match self.transaction {
            None => Ok(Door::Kept(&self.shared.catalog)),
            Some(transaction) => transaction.enter()?.catalog(self.shared),
        }
    }

    /// Refuses to change anything in a transaction for reading.
    pub(crate) fn check_may_write(&self) -> Result<(), Failure> {
        self.check_may_write_to(|| self.shown_database().to_string())
    }

    /// As [`Statement::check_may_write`], for what is not the session's own database.
    pub(crate) fn check_may_write_to(&self, database: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.access == Access::Write {
            return Ok(());
        }
        let text = format!("Writing in read access mode not allowed. Attempted write to {}", database());
        Err(Failure::new(Code::WriteInReadMode, text))
    }
}

fn is_unrecognized(found: &query::Notification) -> bool {
    found.category == query::Notification::UNRECOGNIZED
}

/// Tells whether a statement does what somebody may do whose password has expired.
fn is_own_password(body: &Body) -> bool {
    matches!(body, Body::Admin(AdminCommand::Rights(RightsCommand::User(UserCommand::AlterCurrent { .. }))))
}
