//! `CALL dbms.recreateDatabase`: a database made anew, empty, out of a backup, or dense out of what it holds.
//! Its name, owner, privileges, tokens, aliases, limits and options stay; leaves that to `catalog`.
//! Start reading at [`run`].

use std::time::Duration;

use catalog::{Action, Database as Row, DatabaseAccess, DatabaseOptions, Requested};
use cypher::ast::{DatabaseOrigin, Expression, FileName, NameOrParameter};
use types::{Code, Failure, Value};

use super::{alias, backup, database, named};
use crate::encryption;
use crate::records::Records;
use crate::statement::Statement;

/// Options that choose among several servers, which there are not.
const OF_SERVERS: [&str; 4] = ["storeFormat", "primaries", "secondaries", "seedConfig"];
const KNOWN: &str = "clearData, seedURI, seedingServers";

/// What the new files are made of.
enum Seed {
    /// Nothing: it is empty.
    Nothing,
    /// A file of the backup folder.
    Backup(DatabaseOrigin),
    /// What it holds; nothing is written to it meanwhile.
    Own,
}

/// Makes a database anew.
pub(super) fn run(
    statement: &mut Statement<'_>,
    name: &NameOrParameter,
    options: Option<&Expression>,
) -> Result<Records, Failure> {
    super::enter(statement, &Action::CreateDatabase)?;
    super::allow_on(statement, &Action::DropDatabase, name)?;
    let typed = named(name, &statement.parameters)?;
    database::refuse_own(statement, &typed, "recreated")?;
    let seed = seed_of(statement, options)?;
    check_encryption(statement, typed.as_str(), &seed)?;
    super::stand_alone(statement, "dbms.recreateDatabase")?;
    let shared = statement.shared;
    let row = shared.catalog.recreate_database(&typed)?;
    let filled = match &seed {
        Seed::Nothing => shared.databases.make(&row).map(drop),
        Seed::Backup(origin) => backup::make_from(statement, origin, &row),
        Seed::Own => read_only(&row).and_then(|()| backup::make_dense(statement, name, &row)),
    };
    let made = filled.and_then(|()| shared.catalog.database_recreated(row.id).map_err(Failure::from));
    database::settle(shared, &row, made)?;
    if row.requested == Requested::Offline {
        // Making its files opened it.
        shared.databases.refuse(row.id);
        shared.databases.stop(&row, Duration::ZERO)?;
    }
    tracing::info!(database = %row.name, id = %row.id, "database recreated");
    Ok(super::changed(statement, true))
}

/// Reads what is said about the data.
fn seed_of(statement: &Statement<'_>, options: Option<&Expression>) -> Result<Seed, Failure> {
    let (mut clear, mut file) = (false, None);
    for (key, value) in alias::map(options, &statement.parameters)?.unwrap_or_default() {
        match (key.as_str(), value) {
            ("clearData", Value::Boolean(wanted)) => clear = wanted,
            ("seedURI", Value::String(name)) => file = Some(name),
            ("seedingServers", Value::List(servers)) if servers.is_empty() => {}
            (key, _) if key == "seedingServers" || OF_SERVERS.contains(&key) => {
                let text = format!("dbms.recreateDatabase takes no '{key}' here: there is one server.");
                return Err(Failure::new(Code::UnsupportedCommand, text));
            }
            (key, value) => {
                let text = match KNOWN.split(", ").any(|known| known == key) {
                    true => format!("Invalid value for '{key}': {}", types::text::literal(&value)),
                    false => format!("Unrecognized option '{key}'. Expected: {KNOWN}."),
                };
                return Err(Failure::new(Code::ArgumentError, text));
            }
        }
    }
    match (clear, file) {
        (true, Some(_)) => Err(Failure::new(
            Code::ArgumentError,
            "Give either clearData or seedURI: a database is empty or it is not.",
        )),
        (true, None) => Ok(Seed::Nothing),
        (false, Some(name)) => Ok(Seed::Backup(DatabaseOrigin::Backup(FileName::Text(name)))),
        (false, None) => Ok(Seed::Own),
    }
}

/// Refuses a backup that is encrypted where the database is not, or the other way round: the files are as the backup is.
fn check_encryption(statement: &Statement<'_>, name: &str, seed: &Seed) -> Result<(), Failure> {
    let Seed::Backup(origin) = seed else { return Ok(()) };
    let names = statement.names;
    let row = names.resolve(name).ok().and_then(|target| names.database(target.database));
    let Some(row) = row else { return Ok(()) };
    let mut options = DatabaseOptions::clone(&row.options);
    options.encryption = Some(options.is_encrypted());
    encryption::choose(statement, Some(origin), &mut options)
}

/// Refuses to make a database out of what it holds while that may change.
fn read_only(row: &Row) -> Result<(), Failure> {
    if row.access == DatabaseAccess::ReadOnly {
        return Ok(());
    }
    let text = format!(
        "Database '{}' takes writes, which would be lost. ALTER DATABASE `{0}` SET ACCESS READ ONLY first; or say \
         clearData: true, or seedURI.",
        row.name
    );
    Err(Failure::new(Code::ArgumentError, text))
}
