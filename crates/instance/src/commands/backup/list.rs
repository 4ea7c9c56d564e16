//! `SHOW BACKUPS`: what lies in the backup folder, by what it says of itself.
//! Leaves heads and lists to `backup`. Start reading at [`show`].

use std::path::Path;

use catalog::Action;
use cypher::ast::ShowTail;
use types::{DatabaseName, Failure, Value};

use super::{allow, integer, mine, of_header, told};
use crate::backup::whole::Manifest;
use crate::backup::{BackupError, Folder, Found, Glance, Header, Holds, ends_as_ours, glance};
use crate::records::Records;
use crate::show::instant;
use crate::statement::Statement;
use crate::tail::{self, Column};

const COLUMNS: [(&str, bool); 14] = [
    ("file", true),
    ("type", true),
    ("name", true),
    ("nodes", true),
    ("relationships", true),
    ("bytes", true),
    ("taken", true),
    ("problem", true),
    ("databases", false),
    ("imageBytes", false),
    ("version", false),
    ("madeBy", false),
    ("kind", false),
    ("restorableUntil", false),
];

/// Lists backups, whatever their names end with; of one that has no sound head or list, the reason.
pub(super) fn show(statement: &mut Statement<'_>, tail: &ShowTail) -> Result<Records, Failure> {
    let allowed = allow(statement, &Action::BackupDatabase);
    if !mine::is_any(statement) && !mine::may_restore(statement) {
        allowed.clone()?;
    }
    let (sees_all, path) = (allowed.is_ok(), statement.shared.backup_folder()?);
    // Journals are looked at for who wants to know: it takes a while the first time.
    let until = tail.yields.as_ref().is_some_and(|yields| yields.all) || statement.text.contains("restorableUntil");
    let mut rows = Vec::new();
    for found in Folder(&path).list().map_err(told)? {
        statement.allowance.check()?;
        rows.extend(if sees_all { any(statement, &found, until) } else { own(statement, &found, until) });
    }
    let columns = COLUMNS.map(|(name, usual)| Column { name, usual });
    tail::run(statement, &columns, rows, tail, DatabaseName::system().to_string())
}

/// Makes the row of whatever is a backup, or should be one.
fn any(statement: &Statement<'_>, found: &Found, until: bool) -> Option<Vec<Value>> {
    Some(match found {
        Found::File(path) => match glance(path) {
            Ok(Some(seen)) => of_file(statement, path, &seen, until),
            // What is called a backup and is none is somebody's loss; any other file is none of ours.
            Ok(None) if ends_as_ours(path) => broken(path, "file", "it does not begin as a backup"),
            Ok(None) => return None,
            Err(error) => broken(path, "file", &text(error)),
        },
        Found::Whole(path) => match Manifest::read(path) {
            Ok(manifest) => of_whole(path, &manifest),
            Err(error) => broken(path, "server", &text(error)),
        },
        Found::Odd(path, problem) => broken(path, "file", problem),
    })
}

/// Makes the row of a backup of a database that the user may back up; all else is not his.
fn own(statement: &Statement<'_>, found: &Found, until: bool) -> Option<Vec<Value>> {
    let Found::File(path) = found else { return None };
    let seen = glance(path).ok().flatten().filter(|seen| mine::has(statement, &seen.header))?;
    Some(of_file(statement, path, &seen, until))
}

fn of_file(statement: &Statement<'_>, path: &Path, seen: &Glance, until: bool) -> Vec<Value> {
    let Glance { header, problem } = seen;
    let [database, nodes, relationships, image_bytes, version, taken] = of_header(header);
    let holds = match header.holds {
        Holds::Graph => "database",
        Holds::Catalog => "system",
    };
    let bytes = integer(path.metadata().map_or(0, |metadata| metadata.len()));
    let (made_by, kind) = (Value::from(header.made_by.as_str()), Value::from(header.kind.as_str()));
    let one = Value::Integer(1);
    // What cannot be restored leads nowhere.
    let until = if until && problem.is_none() { restorable_until(statement, header) } else { Value::Null };
    let usual = [
        name_of(path),
        holds.into(),
        database,
        nodes,
        relationships,
        bytes,
        taken,
        problem.map_or(Value::Null, Value::from),
    ];
    usual.into_iter().chain([one, image_bytes, version, made_by, kind, until]).collect()
}

/// Says up to when the journal of its database plays a backup forward; nothing where it does not.
fn restorable_until(statement: &Statement<'_>, header: &Header) -> Value {
    let reach = || {
        let at = header.journal.as_ref()?;
        let row = statement.names.database(header.database_id())?;
        statement.shared.databases.journal_reach(row, at.into())
    };
    match reach() {
        // It goes on.
        Some(None) => instant(Some(statement.shared.options.clock.wall_nanos())),
        Some(Some(until)) => instant(Some(i128::from(until))),
        None => Value::Null,
    }
}

fn of_whole(path: &Path, manifest: &Manifest) -> Vec<Value> {
    let sum = |of: fn(&crate::backup::whole::Entry) -> u64| integer(manifest.files().map(|(entry, _)| of(entry)).sum());
    let missing: Vec<&str> = manifest.problems().map(|(entry, _)| entry.name.as_str()).collect();
    let problem = match missing.is_empty() {
        true => manifest.problem_in(path).map_or(Value::Null, Value::string),
        false => Value::string(format!("it holds no copy of {}", missing.join(", "))),
    };
    let taken = instant(Some(i128::from(manifest.taken_millis) * 1_000_000));
    let usual = [
        name_of(path),
        "server".into(),
        Value::Null,
        sum(|entry| entry.nodes),
        sum(|entry| entry.relationships),
        sum(|entry| entry.bytes),
        taken,
        problem,
    ];
    let rest = [
        integer(manifest.files().count() as u64),
        sum(|entry| entry.image_bytes),
        integer(manifest.system.version),
        manifest.made_by.as_str().into(),
        manifest.kind.as_str().into(),
        Value::Null,
    ];
    usual.into_iter().chain(rest).collect()
}

fn broken(path: &Path, holds: &str, problem: &str) -> Vec<Value> {
    let bytes = path.metadata().ok().filter(std::fs::Metadata::is_file).map_or(Value::Null, |it| integer(it.len()));
    let mut row = vec![Value::Null; COLUMNS.len()];
    (row[0], row[1], row[5], row[7]) = (name_of(path), holds.into(), bytes, problem.into());
    row
}

fn name_of(path: &Path) -> Value {
    Value::string(path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
}

fn text(error: BackupError) -> String {
    told(error).to_string()
}
