//! `CREATE DATABASE ... FROM BACKUP ... UNTIL time`, and `BACKUP JOURNAL FOR DATABASE n`.
//! Leaves journals to `backup` and `store::journal`. Start reading at [`time`] and [`run`].

use std::sync::Arc;

use catalog::Database as Row;
use cypher::ast::{BackupTarget, Expression, ExpressionKind, NameOrParameter};
use store::journal;
use types::temporal::ZoneId;
use types::{Code, CompactString, DatabaseName, DateTime, Failure, Value};

use super::{Source, backed_up, integer, stream, text_of, told};
use crate::answer::{Fetched, Kind, Summary};
use crate::backup::{Folder, JOURNAL_ENDING, Steps};
use crate::index_options;
use crate::records::Records;
use crate::show::instant;
use crate::statement::Statement;

const COLUMNS: [&str; 6] = ["name", "file", "records", "bytes", "from", "until"];

/// Reads a time, in nanoseconds since 1970: `datetime('...')`, a text that is one, or a parameter with either.
pub(super) fn time(statement: &Statement<'_>, asked: &Expression) -> Result<i64, Failure> {
    let given = match &*asked.kind {
        ExpressionKind::Call { name, arguments, .. } if name.text.eq_ignore_ascii_case("datetime") => {
            match arguments.as_slice() {
                [] => return Ok(clamped(statement.shared.options.clock.wall_nanos())),
                [one] => one,
                _ => asked,
            }
        }
        _ => asked,
    };
    let value = match index_options::value(given, &statement.parameters) {
        Err(failure) if failure.code() == Code::ArgumentError => {
            let text = "UNTIL takes a datetime('...'), or a parameter; send times that are computed as a parameter.";
            return Err(Failure::new(Code::ArgumentError, text));
        }
        value => value?,
    };
    nanos(&value, "UNTIL")
}

/// Reads a moment out of a value, in nanoseconds since 1970; `what` it is of stands in refusals.
pub(crate) fn nanos(value: &Value, what: &str) -> Result<i64, Failure> {
    let time = match value {
        Value::DateTime(time) => DateTime::clone(time),
        Value::String(text) => {
            DateTime::parse(text, &ZoneId::UTC).map_err(|error| Failure::new(Code::ArgumentError, error.to_string()))?
        }
        other => {
            let shown: String = types::text::literal(other).chars().take(80).collect();
            let text = format!("{what} takes a datetime, such as datetime('2026-05-01T12:00:00Z'), but got {shown}.");
            return Err(Failure::new(Code::TypeError, text));
        }
    };
    Ok(clamped(i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos)))
}

/// Gives the nearest time that a record can have.
fn clamped(nanos: i128) -> i64 {
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// Copies the journal of a database into a file of the backup folder, or to the client.
pub(super) fn run(
    statement: &mut Statement<'_>,
    name: &NameOrParameter,
    to: &BackupTarget,
) -> Result<Records, Failure> {
    let Source::Graph { row, .. } = &backed_up(statement, name)? else {
        return Err(catalog::CatalogError::SystemProtected { verb: "back up the journal of" }.into());
    };
    if matches!(to, BackupTarget::Stream) {
        return send(statement, Arc::clone(row));
    }
    let folder = statement.shared.backup_folder()?;
    let folder = Folder(&folder);
    let file = match to {
        BackupTarget::File(file) => text_of(file, &statement.parameters)?,
        BackupTarget::NewFile | BackupTarget::Stream => journal_beside(&folder.new_name(
            &row.name,
            &statement.shared.names_made,
            statement.shared.options.clock.wall_nanos(),
        )),
    };
    let _place = statement.shared.enter_copying()?;
    let step = |_| statement.allowance.check();
    let file_there = folder.new_file(&file).map_err(told)?;
    let copied = statement.shared.back_up_journal(row, &file_there, &step).map_err(told)?;
    let mut rows = Fetched::default();
    let time = |nanos: Option<i64>| instant(nanos.map(i128::from));
    rows.push([
        row.name.as_str().into(),
        file.as_str().into(),
        integer(copied.records),
        integer(copied.bytes),
        time(copied.begins),
        time(copied.ends),
    ]);
    let columns = COLUMNS.iter().map(|column| CompactString::const_new(column)).collect();
    let summary = Summary { kind: Kind::Read, database: DatabaseName::system().to_string(), ..Summary::default() };
    Ok(Records::buffered(columns, rows, summary, statement.shared.admission.clone()))
}

/// Names the copy of a journal that lies beside a backup.
pub(super) fn journal_beside(backup: &str) -> String {
    let stem = backup.rsplit_once('.').map_or(backup, |(stem, _)| stem);
    format!("{stem}.{JOURNAL_ENDING}")
}

fn send(statement: &Statement<'_>, row: Arc<Row>) -> Result<Records, Failure> {
    let source = statement.shared.journal_source(&row)?.with_keys(None);
    let allowance = statement.allowance.clone();
    stream::begin(statement, vec![CompactString::const_new("piece")], move |client| {
        let steps = &mut Steps { step: &|_| allowance.check(), before: 0, failed: None };
        let outcome = journal::copy(source, client, &mut |bytes| Ok(steps.done(bytes)?));
        let copied = steps.end(outcome)?;
        std::io::Write::flush(client).map_err(|_| stream::left())?;
        tracing::info!(database = %row.name, bytes = copied.bytes, "journal sent");
        Ok(())
    })
}
