//! Commands about databases. They run on `system` whatever the session's database is, and are done when answered.
//! Leaves what the catalog allows to `catalog`, files to `databases`, and listings to `show`.
//! Start reading at [`run`].

use catalog::{Access, Cascade, CatalogError, Database as Row};
use cypher::ast::{AdminCommand, Mode, NameOrParameter, ShowDatabases};
use types::{Code, DatabaseName, Failure, Map, Value};

use crate::answer::{Counters, Kind};
use crate::databases::Trust;
use crate::instance::Shared;
use crate::records::Records;
use crate::statement::Statement;
use crate::transaction::Did;
use crate::{check, listings, schema, show, transactions};

/// Runs a command about databases.
pub(crate) fn run(statement: &mut Statement<'_>, mode: Mode, command: &AdminCommand) -> Result<Records, Failure> {
    if mode == Mode::Explain {
        return Ok(schema::explained(statement, "AdministrationCommand"));
    }
    if let AdminCommand::ShowDatabases { which, tail } = command {
        let which = match which {
            ShowDatabases::All => show::Which::All,
            ShowDatabases::One(name) => show::Which::Named(typed(name, &statement.parameters)?),
            ShowDatabases::Default | ShowDatabases::Home => show::Which::Default,
        };
        return show::databases(statement, &which, tail);
    }
    match command {
        AdminCommand::ShowTransactions { ids, tail } => {
            let ids = transactions::ids(ids, &statement.parameters)?;
            return transactions::show(statement, &ids, tail);
        }
        AdminCommand::ShowKnown { what, tail } => return listings::show(statement, what, tail),
        AdminCommand::TerminateTransactions { ids, tail } => {
            let ids = transactions::ids(ids, &statement.parameters)?;
            return transactions::terminate(statement, &ids, tail);
        }
        _ => {}
    }
    let system = statement.names.resolve(DatabaseName::system().as_str()).map_err(Failure::from)?;
    catalog::grant(statement.principal, &system, Access::Write).map_err(Failure::from)?;
    if let AdminCommand::CheckDatabase { name } = command {
        let name = DatabaseName::parse(&typed(name, &statement.parameters)?).map_err(CatalogError::from)?;
        return check::run(statement, &name);
    }
    statement.check_may_write()?;
    if let Some(transaction) = statement.transaction {
        transaction.enter()?.mix(Did::Admin)?;
    }
    let changed = change(statement.shared, command, &statement.parameters)?;
    let counters = Counters { system_updates: changed.into(), ..Counters::default() };
    Ok(statement.done(Kind::Schema, system.name.to_string(), counters))
}

/// Makes one change at a time; tells whether there was anything to change.
fn change(shared: &Shared, command: &AdminCommand, parameters: &Map) -> Result<bool, Failure> {
    let parse = |name: &NameOrParameter| -> Result<DatabaseName, Failure> {
        Ok(DatabaseName::parse(&typed(name, parameters)?).map_err(CatalogError::from)?)
    };
    let _turn = shared.changes.lock();
    match command {
        AdminCommand::CreateDatabase { name, if_not_exists, or_replace } => {
            let name = parse(name)?;
            if *or_replace {
                drop_database(shared, &name, true)?;
            }
            create_database(shared, &name, *if_not_exists)
        }
        AdminCommand::DropDatabase { name, if_exists } => drop_database(shared, &parse(name)?, *if_exists),
        AdminCommand::StartDatabase { name } => start_database(shared, &parse(name)?),
        AdminCommand::StopDatabase { name } => stop_database(shared, &parse(name)?),
        AdminCommand::CheckDatabase { .. }
        | AdminCommand::ShowDatabases { .. }
        | AdminCommand::ShowTransactions { .. }
        | AdminCommand::ShowKnown { .. }
        | AdminCommand::TerminateTransactions { .. } => Ok(false),
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

/// Gives the name as it was typed, or as the parameter has it.
fn typed(name: &NameOrParameter, parameters: &Map) -> Result<String, Failure> {
    match name {
        NameOrParameter::Name(name) => Ok(name.text.to_string()),
        NameOrParameter::Parameter(parameter) => match parameters.get(&parameter.text) {
            Some(Value::String(text)) => Ok(text.to_string()),
            Some(other) => {
                let text =
                    format!("Expected parameter ${} to have type String but was {}", parameter.text, other.type_name());
                Err(Failure::new(Code::TypeError, text))
            }
            None => Err(Failure::new(Code::ParameterMissing, format!("Expected parameter(s): {}", parameter.text))),
        },
    }
}
