//! Which backups somebody may list and restore: any, or those of the databases that he may back up.
//! Leaves rights to `catalog::access` and heads to `backup`. Start reading at [`backup`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::access::allow_on;
use catalog::{Action, Database as Row, Names};
use cypher::ast::{CreateDatabase, DatabaseCommand, DatabaseOrigin, FileName};
use types::{DatabaseId, DatabaseName, Failure, Value};

use super::super::{alias, seed, typed};
use super::{allow, text_of, told};
use crate::backup::{BackupError, Folder, Header, Holds, glance, is_lent, maker};
use crate::encryption::is_sealed;
use crate::statement::Statement;

/// Finds a backup that is to be read.
///
/// Who may not read it hears the same whether it is there or not.
pub(crate) fn backup(statement: &Statement<'_>, name: &FileName) -> Result<PathBuf, Failure> {
    there(statement, name, |path| {
        let seen = glance(path).ok().flatten();
        seen.is_some_and(|seen| has(statement, &seen.header) || has_in_hand(path, &seen.header))
    })
}

/// As [`backup`], of the copy of a journal.
pub(super) fn journal(statement: &Statement<'_>, name: &FileName) -> Result<PathBuf, Failure> {
    there(statement, name, |path| {
        store::journal::identity_of(path).is_some_and(|id| may_back_up(statement, DatabaseId(id)))
    })
}

/// Tells whether somebody may list and restore what this is the head of.
pub(super) fn has(statement: &Statement<'_>, header: &Header) -> bool {
    header.holds == Holds::Graph && (may_back_up(statement, header.database_id()) || made(statement, header))
}

/// Tells whether somebody made a backup of a database that is gone; while it is there, the rights to it decide.
fn made(statement: &Statement<'_>, header: &Header) -> bool {
    let principal = statement.principal;
    let id = header.database_id();
    let is_gone = || !statement.names.databases_from("").any(|row| is_of(row, id));
    let is_by = |user| maker::is_by(&statement.shared.keyring, header, user);
    header.maker.is_some() && may_restore(statement) && is_gone() && principal.id().is_some_and(is_by)
}

/// Tells whether somebody may make databases, in his own name and by no token: what he made is looked for then.
pub(super) fn may_restore(statement: &Statement<'_>) -> bool {
    let is_himself = !statement.principal.is_token() && !statement.principal.is_spoken_for();
    is_himself && allow(statement, &Action::CreateDatabase).is_ok()
}

/// Names the file that a command that succeeded made a database out of, and the database that it is a backup of.
pub(crate) fn restored_from(statement: &Statement<'_>, command: &DatabaseCommand) -> Option<(String, Option<String>)> {
    let parameters = &statement.parameters;
    let file = match command {
        DatabaseCommand::Create(create) => {
            let options = alias::map(statement, create.options.as_ref()).ok()?.unwrap_or_default();
            let create = seed::with_origin(create, &options, || statement.shared.backup_folder()).ok()?;
            match create.origin.as_ref()? {
                DatabaseOrigin::Database(_) => return None,
                DatabaseOrigin::Backup(file) => text_of(file, parameters).ok()?,
                DatabaseOrigin::Moment(moment) => text_of(&moment.backup, parameters).ok()?,
            }
        }
        DatabaseCommand::Recreate { options, .. } => {
            let options = alias::map(statement, options.as_ref()).ok()??;
            match options.get("seedURI")? {
                Value::String(file) => file.to_string(),
                _ => return None,
            }
        }
        _ => return None,
    };
    let folder = statement.shared.backup_folder().ok()?;
    let seen = Folder(&folder).file_there(&file).ok().and_then(|path| glance(&path).ok().flatten());
    Some((file.chars().take(200).collect(), seen.map(|seen| seen.header.database)))
}

/// Tells whether who names a file put it there himself; the key of an encrypted one is the server's, and not in his hand.
fn has_in_hand(path: &Path, header: &Header) -> bool {
    header.holds == Holds::Graph && is_lent(path) && !is_sealed(header)
}

/// Finds the databases whose backups are those of a new one: it is made out of one to come into the place of its own.
pub(crate) fn formerly(
    statement: &Statement<'_>,
    create: &CreateDatabase,
    name: &DatabaseName,
) -> Result<Vec<DatabaseId>, Failure> {
    let file = match &create.origin {
        Some(DatabaseOrigin::Backup(file)) if create.or_replace => file,
        Some(DatabaseOrigin::Moment(moment)) if create.or_replace => &moment.backup,
        _ => return Ok(Vec::new()),
    };
    let header = glance(&backup(statement, file)?).ok().flatten().map(|seen| seen.header);
    Ok(header.map_or_else(Vec::new, |header| formerly_of(statement.names, name, header.database_id())))
}

/// As [`formerly`], of one that a backup of `of` replaces by whatever way.
pub(crate) fn formerly_of(names: &Names, name: &DatabaseName, of: DatabaseId) -> Vec<DatabaseId> {
    let named = names.databases_from(name.as_str()).next().filter(|row| row.name == *name);
    let Some(row) = named.filter(|row| is_of(row, of)) else { return Vec::new() };
    [row.id].into_iter().chain(row.formerly.iter().copied()).take(FORMERLY_MAX).collect()
}

/// Finds the databases out of which a new one is made: by name, or by the backup of one of them.
pub(crate) fn databases_of(statement: &Statement<'_>, origin: &DatabaseOrigin) -> Result<Vec<Arc<Row>>, Failure> {
    let names = statement.names;
    let file = match origin {
        DatabaseOrigin::Database(name) => {
            let target = names.resolve(&typed(name, &statement.parameters)?).ok();
            return Ok(target.and_then(|target| names.database(target.database)).cloned().into_iter().collect());
        }
        DatabaseOrigin::Backup(file) => file,
        DatabaseOrigin::Moment(moment) => &moment.backup,
    };
    let Some(seen) = glance(&backup(statement, file)?).ok().flatten() else { return Ok(Vec::new()) };
    let id = seen.header.database_id();
    Ok(names.databases_from("").filter(|row| is_of(row, id)).cloned().collect())
}

/// Most databases whose backups are those of another one.
const FORMERLY_MAX: usize = 32;

fn is_of(row: &Row, id: DatabaseId) -> bool {
    row.id == id || row.formerly.contains(&id)
}

/// Tells whether there is a database that somebody may back up.
pub(super) fn is_any(statement: &Statement<'_>) -> bool {
    statement.names.databases_from("").any(|row| !row.name.is_system() && may_back_up(statement, row.id))
}

fn there(statement: &Statement<'_>, name: &FileName, is_his: impl FnOnce(&Path) -> bool) -> Result<PathBuf, Failure> {
    let folder = statement.shared.backup_folder()?;
    let path = Folder(&folder).file_there(&text_of(name, &statement.parameters)?);
    match (allow(statement, &Action::BackupDatabase), path) {
        (Ok(()), path) => path.map_err(told),
        (Err(_), Ok(path)) if is_his(&path) => Ok(path),
        // No file of such a name is a fact about the name.
        (Err(_), Err(error @ BackupError::Name { .. })) => Err(told(error)),
        (Err(denied), _) => Err(denied),
    }
}

fn may_back_up(statement: &Statement<'_>, id: DatabaseId) -> bool {
    let names = statement.names;
    // A backup outlives its database; then it is of the one that came into its place, if one did.
    let mut rows = names.database(id).into_iter().chain(names.databases_from("").filter(|row| is_of(row, id)));
    rows.any(|row| allow_on(names, statement.principal, &Action::BackupDatabase, &row.name).is_ok())
}
