//! `SHOW AUDIT`: what was recorded of who did what, the latest lines of it.
//! Leaves reading to `audit`, and `YIELD` to `tail`.

use catalog::Action;
use cypher::ast::ShowTail;
use types::{DatabaseName, Failure, Value};

use crate::audit::Entry;
use crate::records::Records;
use crate::show::instant;
use crate::statement::Statement;
use crate::tail::{self, Column};

/// Lines that a listing goes back; `sheaf audit list` reads all.
const LINES_MAX: usize = 50_000;

/// Lists the latest lines, the oldest of them first.
pub(crate) fn show(statement: &mut Statement<'_>, tail: &ShowTail) -> Result<Records, Failure> {
    super::allow(statement, &Action::ShowAudit)?;
    let usual = |name| Column { name, usual: true };
    let extra = |name| Column { name, usual: false };
    let columns = [
        usual("sequence"),
        usual("time"),
        usual("user"),
        usual("address"),
        usual("databases"),
        usual("kind"),
        usual("operation"),
        usual("outcome"),
        usual("code"),
        extra("reason"),
        extra("impersonatedUser"),
        extra("hash"),
        extra("previous"),
    ];
    let entries = statement.shared.audit.latest(LINES_MAX)?;
    statement.allowance.check()?;
    let rows = entries.iter().map(row).collect();
    tail::run(statement, &columns, rows, tail, DatabaseName::system().to_string())
}

fn row(entry: &Entry) -> Vec<Value> {
    let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
    vec![
        i64::try_from(entry.sequence).map_or(Value::Null, Value::Integer),
        instant(entry.nanos.parse().ok()),
        text(&entry.user),
        text(&entry.address),
        Value::list(entry.databases.iter().map(|name| Value::from(name.as_str())).collect()),
        entry.kind.name().into(),
        entry.operation.as_str().into(),
        entry.outcome.as_str().into(),
        text(&entry.code),
        text(&entry.reason),
        text(&entry.impersonated),
        Value::string(entry.hash()),
        entry.previous.as_str().into(),
    ]
}
