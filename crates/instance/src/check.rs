//! `CHECK DATABASE`: walks everything that a database holds, and reports.

use std::sync::Arc;

use catalog::{CatalogError, Target};
use graph::GraphError;
use graph::check::Report;
use types::{Code, CompactString, DatabaseName, Failure, Value, effort};

use crate::answer::{Fetched, Kind, Summary};
use crate::records::Records;
use crate::statement::Statement;

const COLUMNS: [&str; 7] = ["name", "sound", "nodes", "relationships", "indexEntries", "problems", "problemsLeftOut"];

/// What a look at a database found.
enum Found {
    /// Its entries were walked.
    Walked(Report),
    /// It is too damaged to be opened, or to be walked; nothing was counted.
    Unreadable(String),
}

/// Checks a database while others use it, and gives one row, also where damage keeps it from being opened.
///
/// `system` has no graph: its rows are checked whenever it is opened, and it is sound if it was.
pub(crate) fn run(statement: &Statement<'_>, name: &DatabaseName) -> Result<Records, Failure> {
    let target = statement.names.resolve(name.as_str());
    let target = target.map_err(|_| CatalogError::DatabaseMissing { verb: "check", name: name.clone() })?;
    let found = match look(statement, &target) {
        Ok(report) => Found::Walked(report),
        Err(failure) if is_damage(&failure) => Found::Unreadable(failure.to_string()),
        Err(failure) => return Err(failure),
    };
    if !found.is_sound() {
        tracing::error!(database = %target.name, problems = ?found.problems(), "database is damaged");
    }
    let mut rows = Fetched::default();
    rows.push(row(&target.name, &found));
    let columns = COLUMNS.iter().map(|column| CompactString::const_new(column)).collect();
    let summary = Summary { kind: Kind::Read, database: DatabaseName::system().to_string(), ..Summary::default() };
    Ok(Records::buffered(columns, rows, summary, statement.shared.admission.clone()))
}

/// Walks a database; one that damage took out of use while it was open is walked all the same.
fn look(statement: &Statement<'_>, target: &Target) -> Result<Report, Failure> {
    let Some(row) = statement.names.database(target.database).filter(|row| !row.name.is_system()) else {
        return Ok(Report::default());
    };
    let open = statement.shared.databases.peek(row.id).filter(|database| database.damage.get().is_some());
    let database = open.map_or_else(|| statement.shared.open(row), Ok)?;
    // Who ends the statement ends the walk.
    let _watched = effort::watch(Arc::new(statement.allowance.clone()), usize::MAX);
    database.graph.check().map_err(|error| match error {
        GraphError::Stopped => statement.allowance.over(),
        error => database.fail(error),
    })
}

/// Tells whether a failure is about what lies on disk, not about who asks or what the machine lacks.
fn is_damage(failure: &Failure) -> bool {
    matches!(failure.code(), Code::StorageDamaged | Code::DatabaseStartFailed)
}

impl Found {
    fn is_sound(&self) -> bool {
        match self {
            Self::Walked(report) => report.is_sound(),
            Self::Unreadable(_) => false,
        }
    }

    fn problems(&self) -> &[String] {
        match self {
            Self::Walked(report) => &report.problems,
            Self::Unreadable(problem) => std::slice::from_ref(problem),
        }
    }
}

fn row(name: &DatabaseName, found: &Found) -> [Value; COLUMNS.len()] {
    let number = |count: fn(&Report) -> u64| match found {
        Found::Walked(report) => i64::try_from(count(report)).map_or(Value::Null, Value::Integer),
        Found::Unreadable(_) => Value::Null,
    };
    [
        name.as_str().into(),
        found.is_sound().into(),
        number(|report| report.nodes),
        number(|report| report.relationships),
        number(|report| report.index_entries),
        Value::list(found.problems().iter().map(|problem| Value::from(problem.as_str())).collect()),
        number(|report| report.problems_left_out),
    ]
}
