//! `CHECK DATABASE`: walks everything that a database holds, and reports.

use catalog::{Access, CatalogError};
use graph::check::Report;
use types::{CompactString, DatabaseName, Failure, Value};

use crate::answer::{Fetched, Kind, Summary};
use crate::records::Records;
use crate::statement::Statement;

const COLUMNS: [&str; 7] = ["name", "sound", "nodes", "relationships", "indexEntries", "problems", "problemsLeftOut"];

/// Checks a database while others use it, and gives one row.
///
/// `system` has no graph: its rows are checked whenever it is opened, and it is sound if it was.
pub(crate) fn run(statement: &Statement<'_>, name: &DatabaseName) -> Result<Records, Failure> {
    let target = statement.names.resolve(name.as_str());
    let target = target.map_err(|_| CatalogError::DatabaseMissing { verb: "check", name: name.clone() })?;
    let reached = statement.shared.reach(statement.principal, statement.names, &target, Access::Read)?;
    let report = match reached.graph() {
        Some(database) => database.graph.check().map_err(|error| database.fail(error))?,
        None => Report::default(),
    };
    if !report.is_sound() {
        tracing::error!(database = %target.name, problems = ?report.problems, "database is damaged");
    }
    let mut rows = Fetched::default();
    rows.push(row(&target.name, &report));
    let columns = COLUMNS.iter().map(|column| CompactString::const_new(column)).collect();
    let summary = Summary { kind: Kind::Read, database: DatabaseName::system().to_string(), ..Summary::default() };
    Ok(Records::buffered(columns, rows, summary, statement.shared.admission.clone()))
}

fn row(name: &DatabaseName, report: &Report) -> [Value; COLUMNS.len()] {
    let number = |count: u64| i64::try_from(count).map_or(Value::Null, Value::Integer);
    [
        name.as_str().into(),
        report.is_sound().into(),
        number(report.nodes),
        number(report.relationships),
        number(report.index_entries),
        Value::list(report.problems.iter().map(|problem| Value::from(problem.as_str())).collect()),
        number(report.problems_left_out),
    ]
}
