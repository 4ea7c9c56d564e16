//! `CALL dbms.recreateDatabase`: a database made anew, empty, out of a backup, or dense out of what it holds.
//! Its name, owner, privileges, tokens, aliases, limits and options stay; leaves that to `catalog`.
//! Start reading at [`run`].

use std::time::Duration;

use catalog::{Action, Database as Row, DatabaseAccess, DatabaseOptions, Requested};
use cypher::ast::{DatabaseOrigin, Expression, FileName, NameOrParameter};
use types::{Code, DatabaseName, Failure, Value};

use super::database::Contents;
use super::{alias, backup, database, named, seed};
use crate::barring::Fill;
use crate::encryption;
use crate::instance::Shared;
use crate::records::Records;
use crate::statement::Statement;

/// Options that choose among several servers, which there are not.
const OF_SERVERS: [&str; 4] = ["storeFormat", "primaries", "secondaries", "seedConfig"];
const KNOWN: &str = "clearData, seedURI, seedRestoreUntil, seedJournal, seedingServers";

/// What the new files are made of.
enum Seed {
    /// Nothing: it is empty.
    Nothing,
    /// A file of the backup folder.
    Backup(FileName),
    /// One that is played forward to a moment, by the database's own journal or a copy of one.
    Moment(FileName, i64, Option<FileName>),
    /// What it holds; nothing is written to it meanwhile.
    Own,
}

/// Makes a database anew.
pub(super) fn run(
    statement: &mut Statement<'_>,
    name: &NameOrParameter,
    options: Option<&Expression>,
) -> Result<Records, Failure> {
    super::check_may_call(statement, "dbms.recreateDatabase")?;
    super::enter(statement, &Action::CreateDatabase)?;
    super::allow_on(statement, &Action::DropDatabase, name)?;
    let typed = named(name, &statement.parameters)?;
    database::refuse_own(statement, &typed, "recreated")?;
    let seed = seed_of(statement, options)?;
    check_encryption(statement, typed.as_str(), &seed)?;
    super::stand_alone(statement, "dbms.recreateDatabase")?;
    let shared = statement.shared;
    let contents = match &seed {
        Seed::Nothing | Seed::Own => Contents::Own,
        Seed::Backup(_) | Seed::Moment(..) => Contents::Added,
    };
    recreate(shared, &typed, contents, &mut |row| match &seed {
        Seed::Nothing => shared.databases.make(row).map(|_| None),
        Seed::Backup(file) => backup::make_from(statement, &DatabaseOrigin::Backup(file.clone()), row),
        Seed::Moment(file, until, journal) => backup::make_played(statement, file, *until, journal.as_ref(), row),
        Seed::Own => read_only(row).and_then(|()| backup::make_dense(statement, name, row)).map(|()| None),
    })?;
    Ok(super::changed(statement, true))
}

/// Gives a database other files: wholly, or not at all.
pub(crate) fn recreate<'a>(
    shared: &'a Shared,
    name: &DatabaseName,
    contents: Contents,
    fill: &mut Fill<'_, 'a>,
) -> Result<(), Failure> {
    database::check_erasable(shared, name)?;
    let row = shared.catalog.recreate_database(name)?;
    let filled = database::filled(shared, &row, contents, fill);
    let made = database::put_in_place(shared, name, &filled, || shared.catalog.database_recreated(row.id));
    database::settle(shared, &row, made)?;
    if row.requested == Requested::Offline {
        // Making its files opened it.
        shared.databases.refuse(row.id);
        shared.databases.stop(&row, Duration::ZERO)?;
    }
    tracing::info!(database = %row.name, id = %row.id, "database recreated");
    Ok(())
}

/// Reads what is said about the data.
fn seed_of(statement: &Statement<'_>, options: Option<&Expression>) -> Result<Seed, Failure> {
    let (mut clear, mut file, mut until, mut journal) = (false, None, None, None);
    for (key, value) in alias::map(statement, options)?.unwrap_or_default() {
        match (key.as_str(), value) {
            ("clearData", Value::Boolean(wanted)) => clear = wanted,
            ("seedURI", Value::String(uri)) => file = Some(seed::file_in(&statement.shared.backup_folder()?, &uri)?),
            ("seedRestoreUntil", time @ (Value::DateTime(_) | Value::String(_))) => {
                until = Some(backup::moment::nanos(&time, "seedRestoreUntil")?);
            }
            ("seedJournal", Value::String(name)) => journal = Some(FileName::Text(name)),
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
    let refused = |text: &str| Err(Failure::new(Code::ArgumentError, text));
    match (clear, file.map(FileName::Text), until) {
        (true, Some(_), _) => refused("Give either clearData or seedURI: a database is empty or it is not."),
        (_, None, Some(_)) => refused("seedRestoreUntil is a moment after that of a backup: give seedURI too."),
        (_, _, None) if journal.is_some() => refused("seedJournal leads to a moment: give seedRestoreUntil too."),
        (_, Some(file), Some(until)) => Ok(Seed::Moment(file, until, journal)),
        (_, Some(file), None) => Ok(Seed::Backup(file)),
        (true, None, None) => Ok(Seed::Nothing),
        (false, None, None) => Ok(Seed::Own),
    }
}

/// Refuses a backup that is encrypted where the database is not, or the other way round: the files are as the backup is.
fn check_encryption(statement: &Statement<'_>, name: &str, seed: &Seed) -> Result<(), Failure> {
    let (Seed::Backup(file) | Seed::Moment(file, ..)) = seed else { return Ok(()) };
    let names = statement.names;
    let row = names.resolve(name).ok().and_then(|target| names.database(target.database));
    let Some(row) = row else { return Ok(()) };
    let mut options = DatabaseOptions::clone(&row.options);
    options.encryption = Some(options.is_encrypted());
    encryption::choose(statement, Some(&DatabaseOrigin::Backup(file.clone())), &mut options)
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
