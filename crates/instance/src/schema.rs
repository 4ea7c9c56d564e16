//! Commands about indexes, on one database.
//! Leaves what an index is to `graph`, and the listing's columns to `show`.
//! Start reading at [`run`].

use std::hash::Hasher;
use std::sync::Arc;

use compact_str::{CompactString, format_compact};
use cypher::ast::{Expression, ExpressionKind, GraphReference, IndexKind, IndexTarget, Mode, Name, SchemaCommand};
use graph::codec::fact::{IndexDefinition, IndexKind as KeptKind, IndexOn};
use graph::keys::TokenKind;
use graph::transaction::NewIndex;
use graph::{GraphError, Transaction};
use rustc_hash::FxHasher;
use types::{Code, Failure, KeyId, LabelId, TypeId};

use crate::alone::{Lost, until_through};
use crate::answer::{Counters, Fetched, Kind, Plan, Summary};
use crate::bookmark;
use crate::error::of_graph;
use crate::open_database::OpenDatabase;
use crate::planning::typed_name;
use crate::records::Records;
use crate::show;
use crate::statement::Statement;
use crate::table::NoGraph;
use crate::transaction::Did;

/// A change of the indexes, ready to be made as often as it takes.
struct Change<'a> {
    command: &'a SchemaCommand,
    /// For messages: the place in the text is known from the command.
    if_exists: bool,
}

/// Runs a command about indexes on the session's database, or on the one that `USE` names.
pub(crate) fn run(
    statement: &mut Statement<'_>,
    mode: Mode,
    using: Option<&GraphReference>,
    command: &SchemaCommand,
) -> Result<Records, Failure> {
    if let Some(reference) = using {
        let target = statement.names.resolve(&typed_name(reference)).map_err(Failure::from);
        let target = target.map_err(|failure| failure.at(cypher::position(statement.text, reference.span)))?;
        let stays = target.database == statement.own.database;
        if statement.transaction.is_some() && !stays {
            let text = "The indexes of another database cannot be changed in this transaction.";
            return Err(Failure::new(Code::ForbiddenTransactionType, text));
        }
        statement.own = target;
    }
    if mode == Mode::Explain {
        return Ok(explained(statement, "SchemaCommand"));
    }
    if let SchemaCommand::ShowIndexes(tail) = command {
        let indexes = with_transaction(statement, |transaction| Ok(listed(transaction)))?;
        return show::indexes(statement, indexes, tail);
    }
    statement.check_may_write()?;
    let change = Change::check(command)?;
    let counters = match statement.transaction {
        Some(transaction) => {
            let mut state = transaction.enter()?;
            state.mix(Did::Schema)?;
            state.take_schema_turn(|| statement.allowance.check())?;
            state.write_own()?;
            let made = state.on_written(|transaction| change.make(transaction).map_err(|failed| failed.into_failure()));
            if made.is_err() {
                state.forget_written_if_clean();
            }
            (made?, None)
        }
        None => {
            let database = own_graph(statement, catalog::Access::Write)?;
            let allowance = statement.allowance.clone();
            let (counters, version) = until_through(&database, || allowance.check(), || change.commit(&database))?;
            (counters, Some(bookmark::write(&database.name, version)))
        }
    };
    let (counters, bookmark) = counters;
    let database = statement.shown_database();
    let summary = Summary { kind: Kind::Schema, database, counters, bookmark, ..Summary::default() };
    Ok(Records::buffered(Vec::new(), Fetched::default(), summary, statement.shared.admission.clone()))
}

/// Shows a command as a plan of one step: it has no other.
pub(crate) fn explained(statement: &Statement<'_>, operator: &str) -> Records {
    let plan = Plan { operator: operator.to_owned(), ..Plan::default() };
    let database = statement.shown_database();
    let summary = Summary { kind: Kind::Schema, database, plan: Some(plan), ..Summary::default() };
    Records::buffered(Vec::new(), Fetched::default(), summary, statement.shared.admission.clone())
}

/// One index as the listing shows it.
pub(crate) struct Listed {
    pub(crate) definition: IndexDefinition,
    pub(crate) of: Vec<CompactString>,
    pub(crate) keys: Vec<CompactString>,
}

impl Listed {
    /// Tells whether it is over nodes.
    pub(crate) fn is_on_nodes(&self) -> bool {
        self.definition.on.is_nodes()
    }

    /// Writes the command that makes the index.
    pub(crate) fn statement(&self) -> String {
        let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
        let of: Vec<String> = self.of.iter().map(|of| quoted(of)).collect();
        let (name, of) = (quoted(&self.definition.name), of.join("|"));
        let keys: Vec<String> = self.keys.iter().map(|key| format!("e.{}", quoted(key))).collect();
        let entity = if self.is_on_nodes() { format!("(e:{of})") } else { format!("()-[e:{of}]-()") };
        match self.definition.kind {
            KeptKind::Lookup if self.is_on_nodes() => format!("CREATE LOOKUP INDEX {name} FOR (n) ON EACH labels(n)"),
            KeptKind::Lookup => format!("CREATE LOOKUP INDEX {name} FOR ()-[r]-() ON EACH type(r)"),
            _ => format!("CREATE RANGE INDEX {name} FOR {entity} ON ({})", keys.join(", ")),
        }
    }

    /// Writes the entities and keys as Neo4j does: `(:Person {name})`.
    fn schema(&self) -> String {
        let keys = self.keys.join(", ");
        let of = self.of.join("|");
        if self.is_on_nodes() { format!("(:{of} {{{keys}}})") } else { format!("()-[:{of} {{{keys}}}]-()") }
    }
}

fn listed(transaction: &Transaction) -> Vec<Listed> {
    let name = |kind, id| transaction.token_name(kind, id).unwrap_or_default();
    let listed = |definition: IndexDefinition| Listed {
        of: match &definition.on {
            IndexOn::Labels(labels) => labels.iter().map(|label| name(TokenKind::Label, label.0)).collect(),
            IndexOn::Types(kinds) => kinds.iter().map(|kind| name(TokenKind::Type, kind.0)).collect(),
        },
        keys: definition.keys.iter().map(|key| name(TokenKind::Key, key.0)).collect(),
        definition,
    };
    transaction.indexes().into_iter().map(listed).collect()
}

/// Reads in the open transaction, or in one for this purpose.
fn with_transaction<T>(
    statement: &Statement<'_>,
    read: impl FnOnce(&Transaction) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match statement.transaction {
        Some(transaction) => transaction.enter()?.on_own(|transaction| read(transaction)),
        None => {
            let database = own_graph(statement, catalog::Access::Read)?;
            let transaction = database.graph.begin_read().map_err(|error| database.fail(error))?;
            read(&transaction)
        }
    }
}

fn own_graph(statement: &Statement<'_>, access: catalog::Access) -> Result<Arc<OpenDatabase>, Failure> {
    let Statement { shared, principal, names, own, .. } = statement;
    let reached = shared.reach(principal, names, own, access)?;
    let Some(database) = reached.graph() else { return Err(NoGraph::refused()) };
    if access == catalog::Access::Write {
        reached.writes().check(&database.name)?;
    }
    Ok(Arc::clone(database))
}

impl<'a> Change<'a> {
    fn check(command: &'a SchemaCommand) -> Result<Self, Failure> {
        match command {
            SchemaCommand::CreateIndex { kind, if_not_exists, options, .. } => {
                if *kind != IndexKind::Range {
                    return Err(unsupported_kind(*kind));
                }
                if options.as_ref().is_some_and(|options| !is_empty_map(options)) {
                    let text = "Unsupported administration command: CREATE INDEX ... OPTIONS. \
                                Range indexes have no options.";
                    return Err(Failure::new(Code::UnsupportedCommand, text));
                }
                Ok(Self { command, if_exists: *if_not_exists })
            }
            SchemaCommand::DropIndex { if_exists, .. } => Ok(Self { command, if_exists: *if_exists }),
            SchemaCommand::ShowIndexes(_) => Ok(Self { command, if_exists: false }),
        }
    }

    fn commit(&self, database: &OpenDatabase) -> Result<(Counters, u64), Lost> {
        let mut transaction = database.graph.begin().map_err(|error| Lost::Failed(database.fail(error)))?;
        let counters = self.make(&mut transaction).map_err(|failed| Lost::Failed(failed.into_failure()))?;
        let version = transaction.commit().map_err(|error| Lost::at_commit(database, error))?;
        Ok((counters, version))
    }

    fn make(&self, transaction: &mut Transaction) -> Result<Counters, Refused> {
        match self.command {
            SchemaCommand::CreateIndex { name, target, keys, .. } => {
                let new = definition(transaction, name.as_ref(), target, keys)
                    .map_err(|error| Refused::Failed(of_graph(error)))?;
                let before = listed(transaction);
                match create(transaction, new, &before) {
                    Ok(()) => Ok(Counters { indexes_added: 1, ..Counters::default() }),
                    Err(Refused::Exists(_)) if self.if_exists => Ok(Counters::default()),
                    Err(other) => Err(other),
                }
            }
            SchemaCommand::DropIndex { name, .. } => match transaction.drop_index(&name.text) {
                Ok(()) => Ok(Counters { indexes_removed: 1, ..Counters::default() }),
                Err(GraphError::IndexNotFound { .. }) if self.if_exists => Ok(Counters::default()),
                Err(GraphError::IndexNotFound { name }) => {
                    let text = format!("Unable to drop index: Index not found: {name}.");
                    Err(Refused::Failed(Failure::new(Code::IndexNotFound, text)))
                }
                Err(other) => Err(Refused::Failed(of_graph(other))),
            },
            SchemaCommand::ShowIndexes(_) => Ok(Counters::default()),
        }
    }
}

/// Why an index was not made.
enum Refused {
    /// There is one by that name, or for the same purpose.
    Exists(Failure),
    Failed(Failure),
}

impl Refused {
    fn into_failure(self) -> Failure {
        match self {
            Self::Exists(failure) | Self::Failed(failure) => failure,
        }
    }
}

fn create(transaction: &mut Transaction, new: NewIndex, before: &[Listed]) -> Result<(), Refused> {
    match transaction.create_index(new) {
        Ok(_) => Ok(()),
        Err(GraphError::IndexExists { name }) => {
            let text = format!("There already exists an index called '{name}'.");
            Err(Refused::Exists(Failure::new(Code::IndexExists, text)))
        }
        Err(GraphError::EquivalentIndexExists { name }) => {
            let shown = before.iter().find(|index| index.definition.name == name).map_or_else(String::new, |index| {
                let (id, schema) = (index.definition.id, index.schema());
                format!(", 'Index( id={id}, name='{name}', type='RANGE', schema={schema}, indexProvider='range-1.0' )'")
            });
            let text = format!("An equivalent index already exists{shown}.");
            Err(Refused::Exists(Failure::new(Code::EquivalentIndexExists, text)))
        }
        Err(other) => Err(Refused::Failed(of_graph(other))),
    }
}

fn definition(
    transaction: &Transaction,
    name: Option<&Name>,
    target: &IndexTarget,
    keys: &[Name],
) -> Result<NewIndex, GraphError> {
    let on = match target {
        IndexTarget::Node(labels) => {
            let labels = labels.iter().map(|label| transaction.make_token(TokenKind::Label, &label.text).map(LabelId));
            IndexOn::Labels(labels.collect::<Result<_, _>>()?)
        }
        IndexTarget::Relationship(kinds) => {
            let kinds = kinds.iter().map(|kind| transaction.make_token(TokenKind::Type, &kind.text).map(TypeId));
            IndexOn::Types(kinds.collect::<Result<_, _>>()?)
        }
    };
    let name = name.map_or_else(|| made_name(transaction, target, keys), |name| name.text.clone());
    let keys = keys.iter().map(|key| transaction.make_token(TokenKind::Key, &key.text).map(KeyId));
    Ok(NewIndex::new(name, on, keys.collect::<Result<_, _>>()?, KeptKind::Range))
}

/// Makes up a name out of what the index is for, so that the same index gets the same name everywhere.
fn made_name(transaction: &Transaction, target: &IndexTarget, keys: &[Name]) -> CompactString {
    let mut hasher = FxHasher::default();
    let (IndexTarget::Node(of) | IndexTarget::Relationship(of)) = target;
    hasher.write_u8(matches!(target, IndexTarget::Node(_)).into());
    for part in of.iter().chain(keys) {
        hasher.write(part.text.as_bytes());
        hasher.write_u8(0xFF);
    }
    let taken = transaction.indexes();
    let mut number = (hasher.finish() >> 32) as u32;
    loop {
        let name = format_compact!("index_{number:08x}");
        // Somebody may have given just this name to another index.
        let is_taken = |index: &IndexDefinition| index.name == name;
        if !taken.iter().any(is_taken) {
            return name;
        }
        number = number.wrapping_add(1);
    }
}

fn is_empty_map(options: &Expression) -> bool {
    matches!(&*options.kind, ExpressionKind::Map(entries) if entries.is_empty())
}

fn unsupported_kind(kind: IndexKind) -> Failure {
    let name = match kind {
        IndexKind::Range => "RANGE",
        IndexKind::Text => "TEXT",
        IndexKind::Point => "POINT",
        IndexKind::Lookup => "LOOKUP",
        IndexKind::Fulltext => "FULLTEXT",
        IndexKind::Vector => "VECTOR",
    };
    let hint = match kind {
        IndexKind::Lookup => "Labels and types are always looked up by an index of their own.",
        _ => "Use CREATE INDEX or CREATE RANGE INDEX, which also finds beginnings of strings.",
    };
    Failure::new(Code::UnsupportedCommand, format!("Unsupported administration command: CREATE {name} INDEX. {hint}"))
}
