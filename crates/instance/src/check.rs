//! `CHECK DATABASE`: walks everything that a database holds, and reports.

use catalog::{Access, CatalogError};
use types::{DatabaseName, Failure, Value};

use crate::answer::{Fetched, Kind, Summary};
use crate::error::of_store;
use crate::records::Records;
use crate::statement::Statement;

/// Checks a database while others use it; a row for each problem, or one that says that there is none.
pub(crate) fn run(statement: &Statement<'_>, name: &DatabaseName) -> Result<Records, Failure> {
    let target = statement.names.resolve(name.as_str());
    let target = target.map_err(|_| CatalogError::DatabaseMissing { verb: "check", name: name.clone() })?;
    let reached = statement.shared.reach(statement.principal, statement.names, &target, Access::Read)?;
    let mut rows = Fetched::default();
    if let Some(database) = reached.graph() {
        database.graph.store().check().map_err(|error| of_store(&error))?;
    }
    rows.push([Value::from(name.as_str())]);
    let summary = Summary { kind: Kind::Read, database: "system".to_owned(), ..Summary::default() };
    let columns = vec!["database".into()];
    Ok(Records::buffered(columns, rows, summary, statement.shared.admission.clone()))
}
