//! Commands about databases; they are done when answered.
//! Leaves what the catalog allows to `catalog`, and files to `databases`.
//! Start reading at [`run`].

use catalog::{Action, Cascade, CatalogError, Database as Row};
use cypher::ast::{DatabaseCommand, NameOrParameter};
use types::{DatabaseName, Failure, Map};

use super::typed;
use crate::check;
use crate::databases::Trust;
use crate::instance::Shared;
use crate::records::Records;
use crate::statement::Statement;

/// Runs a command about databases.
pub(crate) fn run(statement: &mut Statement<'_>, command: &DatabaseCommand) -> Result<Records, Failure> {
    if let DatabaseCommand::Check { name } = command {
        super::allow(statement, &Action::CheckDatabase)?;
        let name = DatabaseName::parse(&typed(name, &statement.parameters)?).map_err(CatalogError::from)?;
        return check::run(statement, &name);
    }
    super::change(statement, &action(command), |shared, parameters| change(shared, command, parameters))
}

fn action(command: &DatabaseCommand) -> Action {
    match command {
        DatabaseCommand::Create { .. } => Action::CreateDatabase,
        DatabaseCommand::Drop { .. } => Action::DropDatabase,
        DatabaseCommand::Start { .. } => Action::StartDatabase,
        DatabaseCommand::Stop { .. } => Action::StopDatabase,
        DatabaseCommand::Check { .. } => Action::CheckDatabase,
    }
}

/// Makes the change; tells whether there was anything to change.
fn change(shared: &Shared, command: &DatabaseCommand, parameters: &Map) -> Result<bool, Failure> {
    let parse = |name: &NameOrParameter| -> Result<DatabaseName, Failure> {
        Ok(DatabaseName::parse(&typed(name, parameters)?).map_err(CatalogError::from)?)
    };
    match command {
        DatabaseCommand::Create { name, if_not_exists, or_replace } => {
            let name = parse(name)?;
            if *or_replace {
                drop_database(shared, &name, true)?;
            }
            create_database(shared, &name, *if_not_exists)
        }
        DatabaseCommand::Drop { name, if_exists } => drop_database(shared, &parse(name)?, *if_exists),
        DatabaseCommand::Start { name } => start_database(shared, &parse(name)?),
        DatabaseCommand::Stop { name } => stop_database(shared, &parse(name)?),
        DatabaseCommand::Check { .. } => Ok(false),
    }
}

fn create_database(shared: &Shared, name: &DatabaseName, if_not_exists: bool) -> Result<bool, Failure> {
    let row = match shared.catalog.create_database(name) {
        Ok(row) => row,
        Err(CatalogError::DatabaseExists { .. } | CatalogError::DatabaseIsAlias { .. }) if if_not_exists => {
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    if let Err(failure) = shared.make(&row) {
        // What the catalog recorded is undone here, or by the next start if this fails too.
        undo_create(shared, &row);
        return Err(failure);
    }
    tracing::info!(database = %name, id = %row.id, "database created");
    Ok(true)
}

pub(crate) fn undo_create(shared: &Shared, row: &Row) {
    let removed = shared.databases.stop(row).and_then(|()| shared.databases.remove(row));
    let forgotten = removed.and_then(|()| shared.catalog.database_removed(row.id).map_err(Failure::from));
    if let Err(failure) = forgotten {
        tracing::warn!(database = %row.name, reason = %failure, "a half made database waits for the next start");
    }
}

pub(crate) fn drop_database(shared: &Shared, name: &DatabaseName, if_exists: bool) -> Result<bool, Failure> {
    let row = match shared.catalog.drop_database(name, Cascade::Restrict) {
        Ok(row) => row,
        Err(CatalogError::DatabaseMissing { .. }) if if_exists => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let removed = shared.databases.stop(&row).and_then(|()| shared.databases.remove(&row));
    match removed {
        Ok(()) => shared.catalog.database_removed(row.id).map_err(Failure::from)?,
        // Its name is free and nobody can reach it: it is dropped, and only its files wait.
        Err(failure) => tracing::warn!(database = %name, reason = %failure, "files wait for the next start"),
    }
    tracing::info!(database = %name, id = %row.id, "database dropped");
    Ok(true)
}

/// Starts a database, and opens it to see whether it does.
fn start_database(shared: &Shared, name: &DatabaseName) -> Result<bool, Failure> {
    let row = shared.catalog.start_database(name).map_err(Failure::from)?;
    if name.is_system() {
        return Ok(true);
    }
    shared.databases.allow(row.id);
    shared.databases.open_trusting(&row, Trust::Forgiving)?;
    tracing::info!(database = %name, "database started");
    Ok(true)
}

fn stop_database(shared: &Shared, name: &DatabaseName) -> Result<bool, Failure> {
    let row = shared.catalog.stop_database(name).map_err(Failure::from)?;
    shared.databases.stop(&row)?;
    tracing::info!(database = %name, "database stopped");
    Ok(true)
}
