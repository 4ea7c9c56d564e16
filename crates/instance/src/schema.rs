//! Commands about indexes and constraints, on one database.
//! Leaves what an index or a constraint is to `graph`, their names in words to `rules`, and listings to `show`.
//! Start reading at [`run`].

use std::sync::Arc;
use std::time::Duration;

use cypher::ast::{ConstraintFilter, Expression, GraphReference, IndexKind, Mode, SchemaCommand};
use graph::codec::fact::{
    ConstraintDefinition, ConstraintId, ConstraintKind, IndexDefinition, IndexKind as KeptKind, IndexOptions,
};
use graph::transaction::{NewConstraint, NewIndex, Older};
use graph::{GraphError, Transaction};
use types::{Code, CompactString, Failure, Map, Value};

use crate::admitting::AllAdmitted;
use crate::alone::{Lost, until_through};
use crate::answer::{Counters, Fetched, Kind, Plan, Summary};
use crate::bookmark;
use crate::error::of_graph;
use crate::index_options;
use crate::open_database::OpenDatabase;
use crate::planning::typed_name;
use crate::reach::Reached;
use crate::records::Records;
use crate::rules::{self, Listed};
use crate::running::Allowance;
use crate::show;
use crate::sight;
use crate::statement::Statement;
use crate::table::NoGraph;
use crate::tail::Listing;
use crate::transaction::Did;

/// How often a statement that waits for a constraint looks whether it was interrupted.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A change of the indexes or constraints, ready to be made as often as it takes.
struct Change<'a> {
    command: &'a SchemaCommand,
    parameters: &'a Map,
    /// Settings of a new index.
    options: IndexOptions,
}

/// Runs a command about indexes on the session's database, or on the one that `USE` names.
pub(crate) fn run(
    statement: &mut Statement<'_>,
    mode: Mode,
    using: Option<&GraphReference>,
    command: &SchemaCommand,
) -> Result<Records, Failure> {
    go_to(statement, using)?;
    let rights = sight::schema::check(statement, command)?;
    if mode == Mode::Explain {
        return Ok(explained(statement, "SchemaCommand"));
    }
    let changes = !matches!(command, SchemaCommand::ShowIndexes { .. } | SchemaCommand::ShowConstraints { .. });
    let reached = reach_own(statement)?;
    let _admitted = reached.graph().map(|database| statement.admit_to(database, changes)).transpose()?;
    match command {
        SchemaCommand::ShowIndexes { kind, tail } => {
            let database = statement.shown_database();
            return indexes(statement, *kind)?.answer(statement, tail, database);
        }
        SchemaCommand::ShowConstraints { filter, tail } => {
            let database = statement.shown_database();
            return constraints(statement, filter)?.answer(statement, tail, database);
        }
        _ => {}
    }
    statement.check_may_write()?;
    let change = Change::check(command, &statement.parameters)?;
    let counters = match statement.transaction {
        Some(transaction) => {
            let mut state = transaction.enter()?;
            state.mix(Did::Schema)?;
            state.take_schema_turn(|| statement.allowance.check())?;
            state.write_own(reached)?;
            let made = state.on_written(|transaction| change.make(transaction, Older::Now).map(|made| made.0));
            let made = made.map_err(|failure| sight::refusal::blurred(failure, &rights));
            if made.is_err() {
                state.forget_written_if_clean();
            }
            (made?, None)
        }
        None => {
            let (database, name) = own_graph_to_write(statement)?;
            let allowance = statement.allowance.clone();
            let made = until_through(&database, || allowance.check(), || change.commit(&database, &allowance));
            let blur = |failure| sight::refusal::blurred(failure, &rights);
            let (counters, constraint, version) = made.map_err(blur)?;
            if let Some(constraint) = constraint {
                wait_until_kept(&database, constraint, || allowance.check()).map_err(blur)?;
            }
            (counters, Some(bookmark::write(&name, version)))
        }
    };
    let (counters, bookmark) = counters;
    let database = statement.shown_database();
    let summary = Summary { kind: Kind::Schema, database, counters, bookmark, ..Summary::default() };
    Ok(Records::buffered(Vec::new(), Fetched::default(), summary, statement.shared.admission.clone()))
}

/// Takes the database that `USE` names for the session's own.
pub(crate) fn go_to(statement: &mut Statement<'_>, using: Option<&GraphReference>) -> Result<(), Failure> {
    let Some(reference) = using else { return Ok(()) };
    let target = typed_name(reference, statement.names, statement.principal, &statement.parameters).and_then(|typed| {
        // One that the user may not see is told of as one that is not there.
        catalog::access::resolve(statement.names, statement.principal, &typed).map_err(Failure::from)
    });
    let target = target.map_err(|failure| failure.at(cypher::position(statement.text, reference.span)))?;
    let stays = target.database == statement.own.database;
    if statement.transaction.is_some() && !stays {
        let text = "The indexes of another database cannot be changed in this transaction.";
        return Err(Failure::new(Code::ForbiddenTransactionType, text));
    }
    statement.own = target;
    Ok(())
}

/// Lets a statement list indexes and constraints; who may was asked before.
pub(crate) fn admit_listing(statement: &mut Statement<'_>) -> Result<AllAdmitted, Failure> {
    let reached = reach_own(statement)?;
    reached.graph().map_or_else(|| Ok(AllAdmitted::default()), |database| statement.admit_to(database, false))
}

/// Lists the indexes of the statement's database, or those of one kind.
pub(crate) fn indexes(statement: &Statement<'_>, kind: Option<IndexKind>) -> Result<Listing, Failure> {
    let listed = |transaction: &Transaction| {
        let indexes = Listed::<IndexDefinition>::of(transaction).map_err(of_graph)?;
        Ok((indexes, Listed::<ConstraintDefinition>::of(transaction)))
    };
    let (mut indexes, constraints) = with_transaction(statement, listed)?;
    indexes.retain(|index| kind.is_none_or(|kind| kept_kind(kind) == index.definition.kind));
    Ok(show::indexes(indexes, &constraints, &own_graph(statement)?.index_reads))
}

/// Lists the constraints of the statement's database.
pub(crate) fn constraints(statement: &Statement<'_>, filter: &ConstraintFilter) -> Result<Listing, Failure> {
    let listed = |transaction: &Transaction| Ok(Listed::<ConstraintDefinition>::of(transaction));
    Ok(show::constraints(with_transaction(statement, listed)?, filter))
}

/// Waits until older data was held against a constraint, while others read and write; the outcome is the statement's.
///
/// A statement that may not wait any longer leaves no constraint behind.
fn wait_until_kept(
    database: &OpenDatabase,
    constraint: ConstraintId,
    mut check: impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    loop {
        let latest = database.graph.begin_read().map_err(|error| database.fail(error))?;
        match latest.constraints().into_iter().find(|it| it.id == constraint) {
            Some(it) if it.is_online() => return Ok(()),
            Some(_) => {}
            // It was given up, or somebody dropped it meanwhile.
            None => {
                let refused = database.graph.take_refusal(constraint);
                return refused.map_or(Ok(()), |refused| Err(database.fail(refused)));
            }
        }
        drop(latest);
        if database.graph.wait_filled(LOOK_EVERY) {
            std::thread::sleep(LOOK_EVERY);
        }
        if let Err(failure) = check() {
            return if withdraw(database, constraint)? { Err(failure) } else { Ok(()) };
        }
    }
}

/// Takes back a constraint whose statement is over before older data was held against it; tells whether it could: one
/// that is complete meanwhile stays.
fn withdraw(database: &OpenDatabase, constraint: ConstraintId) -> Result<bool, Failure> {
    loop {
        let mut transaction = database.graph.begin().map_err(|error| database.fail(error))?;
        let made = transaction.constraints().into_iter().find(|it| it.id == constraint);
        let Some(made) = made else { return Ok(true) };
        if made.is_online() {
            return Ok(false);
        }
        transaction.drop_constraint(&made.name).map_err(|error| database.fail(error))?;
        match transaction.commit() {
            Ok(_) => return Ok(true),
            // Others write; whoever fills it has put it online, or given it up.
            Err(GraphError::Conflict) => {}
            Err(other) => return Err(database.fail(other)),
        }
    }
}

/// Shows a command as a plan of one step: it has no other.
pub(crate) fn explained(statement: &Statement<'_>, operator: &str) -> Records {
    let plan = Plan { operator: operator.to_owned(), ..Plan::default() };
    let database = statement.shown_database();
    let summary = Summary { kind: Kind::Schema, database, plan: Some(plan), ..Summary::default() };
    Records::buffered(Vec::new(), Fetched::default(), summary, statement.shared.admission.clone())
}

/// Reads in the open transaction, or in one for this purpose.
fn with_transaction<T>(
    statement: &Statement<'_>,
    read: impl FnOnce(&Transaction) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match statement.transaction {
        Some(transaction) => transaction.enter()?.on_own(|transaction| read(transaction)),
        None => {
            let database = own_graph(statement)?;
            let transaction = database.graph.begin_read().map_err(|error| database.fail(error))?;
            read(&transaction)
        }
    }
}

fn own_graph(statement: &Statement<'_>) -> Result<Arc<OpenDatabase>, Failure> {
    reach_own(statement)?.graph().map(Arc::clone).ok_or_else(NoGraph::refused)
}

fn own_graph_to_write(statement: &Statement<'_>) -> Result<(Arc<OpenDatabase>, CompactString), Failure> {
    let reached = reach_own(statement)?;
    let database = reached.graph().ok_or_else(NoGraph::refused)?;
    reached.writes().check(&reached.name())?;
    Ok((Arc::clone(database), reached.name()))
}

/// Opens the statement's own database; who may do what to its schema was asked by `sight::schema`.
fn reach_own(statement: &Statement<'_>) -> Result<Reached, Failure> {
    let Statement { shared, principal, names, own, transaction, .. } = statement;
    shared.reach_within(*transaction, principal, names, own, catalog::Access::Read)
}

/// What a change did, and the constraint that it made.
type Made = (Counters, Option<ConstraintId>);

impl<'a> Change<'a> {
    fn check(command: &'a SchemaCommand, parameters: &'a Map) -> Result<Self, Failure> {
        let mut made = Self { command, parameters, options: Vec::new() };
        match command {
            SchemaCommand::CreateIndex { kind, options, .. } => {
                if matches!(kind, IndexKind::Fulltext | IndexKind::Vector) {
                    made.options = index_options::settings(*kind, options.as_ref(), parameters)?;
                } else {
                    check_no_options(options.as_ref(), index_options::shown_provider(kept_kind(*kind)), parameters)?;
                }
            }
            SchemaCommand::CreateConstraint { options, .. } => {
                check_no_options(options.as_ref(), "range-1.0", parameters)?;
            }
            SchemaCommand::DropIndex { .. }
            | SchemaCommand::DropConstraint { .. }
            | SchemaCommand::ShowIndexes { .. }
            | SchemaCommand::ShowConstraints { .. } => {}
        }
        Ok(made)
    }

    fn commit(
        &self,
        database: &OpenDatabase,
        allowance: &Allowance,
    ) -> Result<(Counters, Option<ConstraintId>, u64), Lost> {
        let mut transaction = database.graph.begin().map_err(|error| Lost::Failed(database.fail(error)))?;
        let (counters, constraint) = self.make(&mut transaction, Older::Later).map_err(Lost::Failed)?;
        let version = allowance.commit(transaction).map_err(|error| Lost::at_commit(database, allowance, error))?;
        Ok((counters, constraint, version))
    }

    fn make(&self, transaction: &mut Transaction, older: Older) -> Result<Made, Failure> {
        match self.command {
            SchemaCommand::CreateIndex { .. } => self.create_index(transaction),
            SchemaCommand::DropIndex { name, if_exists } => {
                let name = rules::typed_name(name, self.parameters)?;
                match transaction.drop_index(&name) {
                    Ok(()) => Ok((Counters { indexes_removed: 1, ..Counters::default() }, None)),
                    Err(GraphError::IndexNotFound { .. }) if *if_exists => Ok(Made::default()),
                    Err(GraphError::IndexNotFound { name }) => {
                        let text = format!("Unable to drop index: Index not found: {name}.");
                        Err(Failure::new(Code::IndexNotFound, text))
                    }
                    Err(other) => Err(of_graph(other)),
                }
            }
            SchemaCommand::CreateConstraint { .. } => self.create_constraint(transaction, older),
            SchemaCommand::DropConstraint { name, if_exists } => {
                let name = rules::typed_name(name, self.parameters)?;
                if transaction.drop_constraint(&name).map_err(of_graph)? {
                    Ok((Counters { constraints_removed: 1, ..Counters::default() }, None))
                } else if *if_exists {
                    Ok(Made::default())
                } else {
                    let text = format!("Unable to drop constraint `{name}`: No such constraint {name}.");
                    Err(Failure::new(Code::ConstraintDropFailed, text))
                }
            }
            SchemaCommand::ShowIndexes { .. } | SchemaCommand::ShowConstraints { .. } => Ok(Made::default()),
        }
    }

    fn create_index(&self, transaction: &mut Transaction) -> Result<Made, Failure> {
        let SchemaCommand::CreateIndex { name, if_not_exists, kind, target, keys, .. } = self.command else {
            return Ok(Made::default());
        };
        let kept = kept_kind(*kind);
        if matches!(kept, KeptKind::Text | KeptKind::Point | KeptKind::Vector) && keys.len() > 1 {
            let text = format!(
                "Only single property {} indexes are supported",
                graph::constraint::words::kind_name(kept).to_lowercase()
            );
            return Err(Failure::new(Code::SyntaxError, text));
        }
        let name = match name {
            Some(name) => rules::typed_name(name, self.parameters)?,
            None => rules::made_name(transaction, "index", graph::constraint::words::kind_name(kept), target, keys),
        };
        let (on, keys) = rules::numbers(transaction, target, keys).map_err(of_graph)?;
        let mut new = NewIndex::new(name, on, keys, kept);
        new.options.clone_from(&self.options);
        // The very same index, its name included, is told so: tools that install theirs again rely on it.
        let is_same = |index: &IndexDefinition| {
            index.name == new.name && index.on == new.on && index.keys == new.keys && index.kind == new.kind
        };
        let same = transaction.indexes().into_iter().any(|index| is_same(&index));
        match transaction.create_index(new) {
            Err(GraphError::IndexExists { name }) if same && !*if_not_exists => {
                let there = transaction.indexes().into_iter().find(|index| index.name == name);
                let shown = there.map(|index| format!(", '{}'", transaction.index_in_words(&index)));
                let text = format!("An equivalent index already exists{}.", shown.unwrap_or_default());
                Err(Failure::new(Code::EquivalentIndexExists, text))
            }
            Ok(_) => Ok((Counters { indexes_added: 1, ..Counters::default() }, None)),
            Err(GraphError::IndexExists { .. } | GraphError::EquivalentIndexExists { .. }) if *if_not_exists => {
                Ok(Made::default())
            }
            // A constraint keeps an index for itself, which is there as well.
            Err(GraphError::SchemaRefused { code: Code::ConstraintExists, .. }) if *if_not_exists => {
                Ok(Made::default())
            }
            Err(GraphError::IndexExists { name }) => {
                let text = format!("There already exists an index called '{name}'.");
                Err(Failure::new(Code::IndexExists, text))
            }
            Err(GraphError::EquivalentIndexExists { name }) => {
                let there = transaction.indexes().into_iter().find(|index| index.name == name);
                let shown =
                    there.map_or_else(String::new, |index| format!(", '{}'", transaction.index_in_words(&index)));
                let text = format!("An equivalent index already exists{shown}.");
                Err(Failure::new(Code::EquivalentIndexExists, text))
            }
            Err(other) => Err(of_graph(other)),
        }
    }

    fn create_constraint(&self, transaction: &mut Transaction, older: Older) -> Result<Made, Failure> {
        let SchemaCommand::CreateConstraint { name, if_not_exists, target, keys, kind, .. } = self.command else {
            return Ok(Made::default());
        };
        let kind = rules::constraint_kind(kind)?;
        if keys.len() > 1 && !kind.has_index() {
            let what = if matches!(kind, ConstraintKind::Exists) { "IS NOT NULL" } else { "IS TYPED" };
            let text = format!("Constraint type '{what}' does not allow multiple properties");
            return Err(Failure::new(Code::SyntaxError, text));
        }
        let name = match name {
            Some(name) => rules::typed_name(name, self.parameters)?,
            None => rules::made_name(transaction, "constraint", &format!("{kind:?}"), target, keys),
        };
        let (on, keys) = rules::numbers(transaction, target, keys).map_err(of_graph)?;
        match transaction.create_constraint(NewConstraint { name, on, keys, kind }, older) {
            Ok(id) => Ok((Counters { constraints_added: 1, ..Counters::default() }, Some(id))),
            Err(GraphError::SchemaRefused {
                code: Code::EquivalentIndexExists | Code::ConstraintNameExists, ..
            }) if *if_not_exists => Ok(Made::default()),
            Err(other) => Err(of_graph(other)),
        }
    }
}

/// Refuses options of a kind that has none, but for naming its only provider, and the bounds of point indexes, which
/// are needed by other ways of keeping points than ours.
fn check_no_options(options: Option<&Expression>, provider: &str, parameters: &Map) -> Result<(), Failure> {
    let kind = provider.split('-').next().unwrap_or_default();
    let refused =
        |why: String| Failure::new(Code::ArgumentError, format!("Could not create {kind} index with specified {why}"));
    let Some(options) = options else { return Ok(()) };
    let Value::Map(given) = index_options::value(options, parameters)? else {
        return Err(refused("OPTIONS: a map is expected.".to_owned()));
    };
    for (name, value) in given.iter() {
        match (name.as_str(), value) {
            // There were two of texts.
            ("indexProvider", Value::String(named)) if named == provider || (kind == "text" && named == "text-1.0") => {
            }
            ("indexProvider", other) => {
                let why = format!("index provider {}. The only one is '{provider}'.", types::text::literal(other));
                return Err(refused(why));
            }
            ("indexConfig", Value::Map(config)) => {
                let is_bound = |(name, value): (&CompactString, &Value)| {
                    name.starts_with("spatial.") && matches!(value, Value::List(_)) && kind == "point"
                };
                if let Some((name, _)) = config.iter().find(|(name, value)| !is_bound((name, value))) {
                    return Err(refused(format!("index config '{name}'.")));
                }
            }
            _ => {
                return Err(refused(format!(
                    "OPTIONS: '{name}' is no option; there are indexProvider and indexConfig."
                )));
            }
        }
    }
    Ok(())
}

fn kept_kind(kind: IndexKind) -> KeptKind {
    match kind {
        IndexKind::Range => KeptKind::Range,
        IndexKind::Text => KeptKind::Text,
        IndexKind::Point => KeptKind::Point,
        IndexKind::Lookup => KeptKind::Lookup,
        IndexKind::Fulltext => KeptKind::FullText,
        IndexKind::Vector => KeptKind::Vector,
    }
}
