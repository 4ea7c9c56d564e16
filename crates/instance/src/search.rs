//! Searches by words and by nearness in one graph, for the procedures that clients call.
//! Leaves how an index answers to `graph`.
//! Start reading at [`search`].

use graph::codec::fact::{IndexDefinition, IndexKind, IndexOn};
use graph::fulltext::Request;
use graph::fulltext::analyzer::Analyzer;
use graph::keys::TokenKind;
use graph::meter::Meter;
use graph::transaction::NewIndex;
use graph::vector::{Settings, options};
use graph::{GraphError, Transaction};
use query::{Budget, Search, Sought, VectorIndex};
use types::{Code, CompactString, Failure, KeyId, LabelId};

use crate::index_options;
use crate::open_database::OpenDatabase;

/// How often an index is tried to be made while others change the schema.
const TRIES_MAX: u32 = 10;

/// Finds the ids of entities and their scores, the best first.
pub(crate) fn search(
    database: &OpenDatabase,
    transaction: &Transaction,
    search: &Search<'_>,
    budget: &mut Budget,
) -> Result<Vec<(u64, f32)>, Failure> {
    let index = index(transaction, search)?;
    let mut paying = Paying { budget, failed: None };
    let found = match &search.sought {
        Sought::Words { query, analyzer, skip, limit } => {
            let analyzer = analyzer.map(|name| Analyzer::find(name).ok_or_else(|| no_analyzer(search, name)));
            let name = |key: &types::KeyId| transaction.token_name(TokenKind::Key, key.0).unwrap_or_default();
            let fields: Vec<CompactString> = index.keys.iter().map(name).collect();
            let (analyzer, limit) = (analyzer.transpose()?, limit.unwrap_or(usize::MAX));
            let request = Request { query, fields: &fields, analyzer, skip: *skip, limit };
            transaction.search_words(index.id, request, &mut paying)
        }
        Sought::Near { vector, count } => {
            let wanted = wanted(search, &Settings::of(index), vector)?;
            transaction.search_near(index.id, &wanted, *count, &mut paying)
        }
    };
    let failed = paying.failed;
    found.map_err(|error| match error {
        GraphError::QueryRefused { class, text } => caused(search, class, &text),
        error => failed.unwrap_or_else(|| database.fail(error)),
    })
}

/// Finds the index that is named; it has to be of the right kind, about the right entities, and complete.
fn index<'t>(transaction: &'t Transaction, search: &Search<'_>) -> Result<&'t IndexDefinition, Failure> {
    let kind = match search.sought {
        Sought::Words { .. } => IndexKind::FullText,
        Sought::Near { .. } => IndexKind::Vector,
    };
    let named = transaction.committed_indexes().iter().find(|index| index.name == search.index && index.kind == kind);
    let Some(index) = named else {
        return Err(no_such(search));
    };
    if index.on.is_nodes() == search.relationships {
        let (is, asked) = if search.relationships { ("NODE", "relationships") } else { ("RELATIONSHIP", "nodes") };
        let text = format!("The '{}' index is an index on {is}, so it cannot be queried for {asked}.", search.index);
        return Err(illegal(search, &text));
    }
    if let Some(why) = index.failure() {
        let text = format!("The '{}' index was given up: {why}.", search.index);
        return Err(caused(search, "java.lang.IllegalStateException", &text));
    }
    if !index.is_online() {
        let text = format!("The '{}' index is still populating; call db.awaitIndex and try again.", search.index);
        return Err(caused(search, "java.lang.IllegalStateException", &text));
    }
    Ok(index)
}

/// Makes the vector that is searched for ready to be compared.
fn wanted(search: &Search<'_>, settings: &Settings, vector: &[f64]) -> Result<Vec<f32>, Failure> {
    if let Some(dimensions) = settings.dimensions.filter(|dimensions| *dimensions != vector.len()) {
        let given = vector.len();
        let text = format!("Index query vector has {given} dimensions, but indexed vectors have {dimensions}.");
        return Err(illegal(search, &text));
    }
    settings.similarity.prepared(vector).ok_or_else(|| {
        let text = format!(
            "Index query vector contains invalid values: for {} similarity all of them must be finite{}.",
            settings.similarity.name(),
            if settings.similarity.name() == "COSINE" { ", and not all zero" } else { "" }
        );
        illegal(search, &text)
    })
}

/// Tells that there is no such index.
pub(crate) fn no_such(search: &Search<'_>) -> Failure {
    let kind = if matches!(search.sought, Sought::Words { .. }) { "fulltext" } else { "vector" };
    illegal(search, &format!("There is no such {kind} schema index: {}", search.index))
}

fn no_analyzer(search: &Search<'_>, name: &str) -> Failure {
    illegal(search, &format!("No such full-text analyzer: '{name}'"))
}

/// Makes an index of vectors in a transaction of its own.
pub(crate) fn make_vector_index(database: &OpenDatabase, index: &VectorIndex<'_>) -> Result<(), Failure> {
    let mut config = types::Map::new();
    config.insert(options::DIMENSIONS.into(), index.dimensions.into());
    config.insert(options::SIMILARITY.into(), index.similarity.into());
    let settings = index_options::vector(&config)?;
    for try_number in 1.. {
        let made = database.graph.begin().and_then(|mut transaction| {
            let label = LabelId(transaction.make_token(TokenKind::Label, index.label)?);
            let key = KeyId(transaction.make_token(TokenKind::Key, index.key)?);
            let mut new = NewIndex::new(index.name, IndexOn::label(label), vec![key], IndexKind::Vector);
            new.options.clone_from(&settings);
            transaction.create_index(new)?;
            transaction.commit()
        });
        match made {
            Err(GraphError::Conflict) if try_number < TRIES_MAX => {}
            Err(GraphError::IndexExists { name }) => {
                let text = format!("There already exists an index called '{name}'.");
                return Err(Failure::new(Code::IndexExists, text));
            }
            Err(GraphError::EquivalentIndexExists { name }) => {
                let text = format!("An equivalent index already exists, '{name}'.");
                return Err(Failure::new(Code::EquivalentIndexExists, text));
            }
            made => return made.map(drop).map_err(|error| database.fail(error)),
        }
    }
    Ok(())
}

/// Tells of an argument that makes no sense, as Neo4j words it.
pub(crate) fn illegal(search: &Search<'_>, text: &str) -> Failure {
    caused(search, "java.lang.IllegalArgumentException", text)
}

fn caused(search: &Search<'_>, class: &str, text: &str) -> Failure {
    let kind = if matches!(search.sought, Sought::Words { .. }) { "fulltext" } else { "vector" };
    let what = if search.relationships { "queryRelationships" } else { "queryNodes" };
    let text = format!("Failed to invoke procedure `db.index.{kind}.{what}`: Caused by: {class}: {text}");
    Failure::new(Code::ProcedureCallFailed, text)
}

/// Pays out of a statement's budget, and keeps the reason when that is spent.
struct Paying<'b> {
    budget: &'b mut Budget,
    failed: Option<Failure>,
}

impl Paying<'_> {
    fn keep(&mut self, paid: Result<(), Failure>) -> Result<(), GraphError> {
        paid.map_err(|failure| {
            self.failed = Some(failure);
            GraphError::Stopped
        })
    }
}

impl Meter for Paying<'_> {
    fn pay(&mut self, rows: usize) -> Result<(), GraphError> {
        let paid = self.budget.pay_rows(rows);
        self.keep(paid)
    }

    fn take(&mut self, bytes: usize) -> Result<(), GraphError> {
        let taken = self.budget.take_memory(bytes);
        self.keep(taken)
    }
}
