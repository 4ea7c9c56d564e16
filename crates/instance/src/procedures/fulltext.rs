//! `db.index.fulltext.*`: searches by words, and which analyzers there are.
//! Leaves the search to the graph.

use graph::fulltext::analyzer::ANALYZERS;
use query::{Search, Sought};
use types::{Code, Failure, Value};

use super::built_in::{Call, Mode, Row, Rows};

pub(super) const ROWS: &[Row] = &[
    Row {
        signature: "db.index.fulltext.queryNodes(indexName :: STRING, queryString :: STRING, options = {} :: MAP) :: \
                    (node :: NODE, score :: FLOAT)",
        description: "Finds nodes by words in their properties, the best first, with Lucene's query syntax.",
        mode: Mode::Read,
        run: |call| query(call, false),
    },
    Row {
        signature: "db.index.fulltext.queryRelationships(indexName :: STRING, queryString :: STRING, \
                    options = {} :: MAP) :: (relationship :: RELATIONSHIP, score :: FLOAT)",
        description: "Finds relationships by words in their properties, the best first, with Lucene's query syntax.",
        mode: Mode::Read,
        run: |call| query(call, true),
    },
    Row {
        signature: "db.index.fulltext.listAvailableAnalyzers() :: (analyzer :: STRING, description :: STRING, \
                    stopwords :: LIST<STRING>)",
        description: "Lists the analyzers that full-text indexes can be made with.",
        mode: Mode::Read,
        run: |call| {
            call.context.budget.pay_rows(ANALYZERS.len())?;
            let words = |words: &[&str]| Value::list(words.iter().map(|word| Value::from(*word)).collect());
            Ok(ANALYZERS.iter().map(|it| vec![it.name.into(), it.description.into(), words(it.stop_words())]).collect())
        },
    },
    Row {
        signature: "db.index.fulltext.awaitEventuallyConsistentIndexRefresh()",
        description: "Waits for full-text indexes that may lag behind; every commit is in them already.",
        mode: Mode::Read,
        run: |_| Ok(Vec::new()),
    },
];

fn query(call: &mut Call<'_, '_>, relationships: bool) -> Rows {
    let (index, text, options) = (call.text(0), call.text(1), call.map(2));
    let (mut skip, mut limit, mut analyzer) = (0, None, None);
    for (name, value) in &options {
        match (name.as_str(), value) {
            ("skip", value) => skip = count(name, value)?,
            ("limit", value) => limit = Some(count(name, value)?),
            ("analyzer", Value::String(name)) => analyzer = Some(name.as_str()),
            (_, Value::Null) => {}
            ("analyzer", other) => {
                let text = format!("The option 'analyzer' is a STRING, not {}", other.type_name());
                return Err(Failure::new(Code::ArgumentError, text));
            }
            _ => {
                let text = format!("There is no option '{name}'; there are 'skip', 'limit' and 'analyzer'.");
                return Err(Failure::new(Code::ArgumentError, text));
            }
        }
    }
    let sought = Sought::Words { query: &text, analyzer, skip, limit };
    found(call, &Search { index: &index, relationships, sought })
}

/// Runs a search; each row is an entity and its score.
pub(super) fn found(call: &mut Call<'_, '_>, search: &Search<'_>) -> Rows {
    let (source, budget) = call.graph()?;
    let found = source.search(search, budget)?;
    let number = call.number();
    let (source, _) = call.graph()?;
    let mut rows = Vec::with_capacity(found.len());
    for (id, score) in found {
        let entity = if search.relationships {
            // One that is gone is in no index.
            let Some(found) = source.relationship(types::RelationshipId(id))? else { continue };
            Value::RelationshipRef(Box::new(types::RelationshipRef { source: number, ..found }))
        } else {
            Value::NodeRef(types::NodeRef { source: number, id: types::NodeId(id) })
        };
        rows.push(vec![entity, Value::Float(score.into())]);
    }
    Ok(rows)
}

fn count(name: &str, value: &Value) -> Result<usize, Failure> {
    match value {
        Value::Integer(count) if *count >= 0 => Ok(usize::try_from(*count).unwrap_or(usize::MAX)),
        other => {
            let text = format!("The option '{name}' is a number from 0 up, not {}", types::text::literal(other));
            Err(Failure::new(Code::ArgumentError, text))
        }
    }
}
