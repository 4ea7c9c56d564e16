//! Which backups somebody may list and restore: any, or those of the databases that he may back up.
//! Leaves rights to `catalog::access` and heads to `backup`. Start reading at [`backup`].

use std::path::PathBuf;

use catalog::Action;
use cypher::ast::FileName;
use types::{DatabaseId, Failure};

use super::{allow, text_of, told};
use crate::backup::{BackupError, Folder, Header, Holds, glance};
use crate::statement::Statement;

/// Finds a backup that is to be read.
///
/// Who may not read it hears the same whether it is there or not.
pub(crate) fn backup(statement: &Statement<'_>, name: &FileName) -> Result<PathBuf, Failure> {
    there(statement, name, |path| glance(path).ok().flatten().is_some_and(|seen| has(statement, &seen.header)))
}

/// As [`backup`], of the copy of a journal.
pub(super) fn journal(statement: &Statement<'_>, name: &FileName) -> Result<PathBuf, Failure> {
    there(statement, name, |path| {
        store::journal::identity_of(path).is_some_and(|id| may_back_up(statement, DatabaseId(id)))
    })
}

/// Tells whether somebody may list and restore what this is the head of.
pub(super) fn has(statement: &Statement<'_>, header: &Header) -> bool {
    header.holds == Holds::Graph && may_back_up(statement, header.database_id())
}

/// Tells whether there is a database that somebody may back up.
pub(super) fn is_any(statement: &Statement<'_>) -> bool {
    statement.names.databases_from("").any(|row| !row.name.is_system() && may_back_up(statement, row.id))
}

fn there(
    statement: &Statement<'_>,
    name: &FileName,
    is_his: impl FnOnce(&std::path::Path) -> bool,
) -> Result<PathBuf, Failure> {
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
    let Some(row) = statement.names.database(id) else { return false };
    catalog::access::allow_on(statement.names, statement.principal, &Action::BackupDatabase, &row.name).is_ok()
}
