//! Full-text indexes: the words of properties, kept as postings in the database's own keyspace.
//! Leaves which entities belong to an index to `engines`, and what clients call to the layers above.
//! Start reading at [`search`]; [`write::change`] is how the index follows the graph.

pub mod analyzer;
mod check;
mod document;
mod expand;
mod keys;
mod phrase;
mod posting;
mod read;
mod score;
mod search;
pub mod syntax;
#[cfg(test)]
mod tests;
mod write;

use types::{CompactString, Value};

pub(crate) use check::check;
pub(crate) use write::change;

use analyzer::Analyzer;

use crate::codec::fact::IndexDefinition;
use crate::engines::Document;
use crate::error::GraphError;
use crate::meter::Meter;
use crate::read::View;

/// The setting that names the analyzer of an index.
pub const ANALYZER: &str = "fulltext.analyzer";
/// The setting that lets an index lag behind; it never does here.
pub const EVENTUALLY_CONSISTENT: &str = "fulltext.eventually_consistent";

/// What is asked of an index.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The query, in Lucene's syntax.
    pub query: &'a str,
    /// Names of the property keys of the index, in its order.
    pub fields: &'a [CompactString],
    /// Cuts the query's texts instead of the index's own analyzer.
    pub analyzer: Option<&'static Analyzer>,
    /// The best ones that are left out.
    pub skip: usize,
    /// The most that are wanted after those.
    pub limit: usize,
}

/// Finds the entities that match, the best first, with their scores.
///
/// `own` are changes that are not committed yet. Errors: [`GraphError::QueryRefused`] if the query cannot be read.
pub(crate) fn search(
    view: View<'_>,
    index: &IndexDefinition,
    own: &[Document],
    request: Request<'_>,
    meter: &mut dyn Meter,
) -> Result<Vec<(u64, f32)>, GraphError> {
    let Some(query) = syntax::parse(request.query)
        .map_err(|error| GraphError::QueryRefused { class: error.class, text: error.text })?
    else {
        return Ok(Vec::new());
    };
    let mut reading = read::Reading::new(view, index, own, meter)?;
    let analyzer = request.analyzer.unwrap_or_else(|| analyzer_of(index));
    let mut search = search::Search { reading: &mut reading, analyzer, fields: request.fields };
    let hits = search.query(&query, 1.0)?.unwrap_or_default();
    Ok(search::best(hits, request.skip, request.limit))
}

/// Gives the analyzer of an index.
fn analyzer_of(index: &IndexDefinition) -> &'static Analyzer {
    let named = match index.option(ANALYZER) {
        Some(Value::String(name)) => Analyzer::find(name),
        _ => None,
    };
    named.unwrap_or_else(|| Analyzer::find(analyzer::DEFAULT).expect("the default analyzer is one of them"))
}
