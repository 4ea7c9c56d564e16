//! Commands about databases; they are done when answered, or when their transaction commits.
//! Leaves what the catalog allows to `catalog`, files to `databases`, and copies to `backup`.
//! Start reading at [`run`].

use std::sync::Arc;
use std::time::Duration;

use catalog::access::Naming;
use catalog::{
    Action, Cascade, CatalogError, Change, Database as Row, DatabaseAccess, DatabaseOption, Made, NewDatabase,
    Requested, Stage,
};
use cypher::ast::{
    CreateDatabase, DatabaseChange, DatabaseCommand, Language, LimitValue, NameOrParameter, ShowTail, Wait,
};
use types::privilege::Act;
use types::{Code, DatabaseName, Failure, Map, Value};

use super::backup::Copier;
use super::{alias, named, seed};
use crate::barring::{Barred, Fill};
use crate::check;
use crate::databases::{Ended, Trust, gone, unavailable};
use crate::encryption;
use crate::instance::Shared;
use crate::records::Records;
use crate::staging::Door;
use crate::statement::Statement;
use crate::tail::{Listing, usual};

/// Runs a command about databases.
pub(crate) fn run(statement: &mut Statement<'_>, command: &DatabaseCommand) -> Result<Records, Failure> {
    match command {
        DatabaseCommand::Create(create) => run_create(statement, create),
        DatabaseCommand::Drop { name, if_exists, cascade, dump, wait } => {
            super::enter_on(statement, &Action::DropDatabase, name)?;
            let cascade = if *cascade { Cascade::Aliases } else { Cascade::Restrict };
            if cascade == Cascade::Aliases {
                super::allow_on(statement, &Action::DropAlias, name)?;
            }
            let name = named(name, &statement.parameters)?;
            refuse_own(statement, &name, "dropped")?;
            let copied = if *dump { copied_before(statement, &name, *if_exists)? } else { None };
            let door = statement.catalog()?;
            check_erasable(statement.shared, &name)?;
            let dropped = if door.is_staged() {
                let dropped = match door.drop_database(&name, cascade) {
                    Err(CatalogError::DatabaseMissing { .. }) if *if_exists => false,
                    dropped => dropped.map(|_| true)?,
                };
                if let (Some(row), Some(transaction)) = (copied, statement.transaction) {
                    transaction.enter()?.staging.dump(row.id, statement.principal.id());
                }
                dropped.then(Dropped::default)
            } else {
                let mut barred = None;
                let dumped = match copied {
                    Some(row) => {
                        // What refuses the drop does so before the work.
                        statement.shared.catalog.stage().drop_database(&name, cascade)?;
                        barred = Some(Barred::begin(statement.shared, vec![Arc::clone(&row)])?);
                        Some(super::backup::dump(&Copier::of(statement), &row)?)
                    }
                    None => None,
                };
                let mut dropped = drop_database(statement.shared, &name, *if_exists, cascade, barred.as_ref());
                match (&mut dropped, dumped) {
                    (Ok(Some(dropped)), Some(dumped)) => dropped.left = dumped.publish().err().or(dropped.left.take()),
                    (_, Some(dumped)) => dumped.undo(statement.shared),
                    (_, None) => {}
                }
                dropped.map_err(|failure| say_alias(statement, &name, failure))?
            };
            Ok(match dropped {
                None => missing(statement, &name),
                Some(Dropped { left: None }) => done(statement, true, *wait),
                Some(Dropped { left: Some(why) }) => super::files_left(statement, &why, *wait),
            })
        }
        DatabaseCommand::Alter { name, if_exists, changes, wait } => {
            run_alter(statement, name, *if_exists, changes, *wait)
        }
        DatabaseCommand::Rename { name, if_exists, to, wait } => {
            super::enter_on(statement, &Action::AlterDatabase, name)?;
            let (name, to) = (named(name, &statement.parameters)?, named(to, &statement.parameters)?);
            super::allow_naming(statement, &name, Naming::Renamed(&to))?;
            let door = statement.catalog()?;
            match door.rename_database(&name, &to) {
                Err(CatalogError::DatabaseMissing { .. }) if *if_exists => Ok(missing(statement, &name)),
                renamed => {
                    let row = renamed.map_err(|error| say_alias(statement, &name, error.into()))?;
                    if !door.is_staged() {
                        statement.shared.renamed(&name, &row);
                    }
                    tracing::info!(database = %name, to = %to, "database renamed");
                    Ok(done(statement, name != to, *wait))
                }
            }
        }
        DatabaseCommand::Start { name, wait } => {
            super::enter_on(statement, &Action::StartDatabase, name)?;
            let (name, door) = (named(name, &statement.parameters)?, statement.catalog()?);
            let changed = match door.is_staged() {
                true => door.start_database(&name)?.1,
                false => start_database(statement.shared, &name)?,
            };
            Ok(done(statement, changed, *wait))
        }
        DatabaseCommand::Stop { name, wait } => {
            super::enter_on(statement, &Action::StopDatabase, name)?;
            let name = named(name, &statement.parameters)?;
            refuse_own(statement, &name, "stopped")?;
            let door = statement.catalog()?;
            let changed = match door.is_staged() {
                true => door.stop_database(&name)?.1,
                false => stop_database(statement.shared, &name)?,
            };
            Ok(done(statement, changed, *wait))
        }
        DatabaseCommand::Check { name } => {
            super::allow_on(statement, &Action::CheckDatabase, name)?;
            check::run(statement, &named(name, &statement.parameters)?)
        }
        DatabaseCommand::Recreate { name, options } => super::recreate::run(statement, name, options.as_ref()),
        DatabaseCommand::SetDefault { name, tail } => set_default(statement, name, tail),
    }
}

/// `CALL dbms.setDefaultDatabase`: its row is made before anything is changed, so that what follows it fails alone.
fn set_default(statement: &mut Statement<'_>, name: &NameOrParameter, tail: &ShowTail) -> Result<Records, Failure> {
    super::check_may_call(statement, "dbms.setDefaultDatabase")?;
    super::allow(statement, &Action::AlterDatabase)
        .or_else(|refused| super::allow(statement, &Action::Do(Act::ExecuteAdmin)).map_err(|_| refused))?;
    super::begin(statement)?;
    let name = named(name, &statement.parameters)?;
    super::allow_naming(statement, &name, Naming::Default)?;
    let names = statement.names;
    let target = names.resolve(name.as_str()).ok();
    let is_so = target.is_some_and(|target| target.database == names.default_database().id);
    let text = match is_so {
        true => format!("Default database already set to {name}, no change required"),
        false => format!("Default database set to {name}"),
    };
    let rows = vec![vec![Value::string(text)]];
    let records = Listing::of(&[usual("result")], rows).answer(statement, tail, DatabaseName::system().to_string())?;
    let (row, changed) = statement.catalog()?.alter_database(&name, &[Change::Default])?;
    tracing::info!(database = %row.name, changed, "database altered");
    Ok(records)
}

fn run_create(statement: &mut Statement<'_>, create: &CreateDatabase) -> Result<Records, Failure> {
    super::enter(statement, &Action::CreateDatabase)?;
    if create.or_replace {
        super::allow_on(statement, &Action::DropDatabase, &create.name)?;
    }
    let name = named(&create.name, &statement.parameters)?;
    if create.or_replace {
        refuse_own(statement, &name, "replaced")?;
    }
    let options = alias::map(statement, create.options.as_ref())?.unwrap_or_default();
    let create = &*seed::with_origin(create, &options, || statement.shared.backup_folder())?;
    let mut new = NewDatabase {
        creator: statement.names.user_name_of(statement.principal).map(str::to_owned),
        replace: create.or_replace,
        language: create.language.map(language).unwrap_or_default(),
        ..NewDatabase::default()
    };
    let mut given = Vec::new();
    for (key, value) in options.into_iter().filter(|(key, _)| !seed::is_seed(key)) {
        let option = option_at_creation(&key)?;
        if given.contains(&option) {
            let text = format!("The option '{key}' is given twice, in other letters.");
            return Err(Failure::new(Code::ArgumentError, text));
        }
        given.push(option);
        if option.is_of_server() {
            super::allow_on(statement, &Action::SetLimit, &create.name)?;
        }
        new.options.set(option, &value)?;
    }
    if create.if_not_exists && statement.names.resolve(name.as_str()).is_ok() {
        // What it would be made of is not looked at.
        return Ok(taken(statement, &name));
    }
    new.formerly = super::backup::mine::formerly(statement, create, &name)?;
    check_journal(statement.shared, new.options.journal)?;
    encryption::choose(statement, create.origin.as_ref(), &mut new.options)?;
    keep_bounds(statement, create, &name, &mut new)?;
    if create.origin.is_some() {
        super::stand_alone(statement, "CREATE DATABASE ... FROM")?;
    }
    let door = statement.catalog()?;
    let made = match &create.origin {
        None if door.is_staged() => stage_database(statement.shared, &door, &name, new),
        None => {
            let fill = &mut |row: &Row| statement.shared.databases.make(row).map(|_| None);
            create_database(statement.shared, &name, new, Contents::Own, fill)
        }
        Some(origin) => {
            let fill = &mut |row: &Row| super::backup::make_from(statement, origin, row);
            create_database(statement.shared, &name, new, Contents::Added, fill)
        }
    };
    match made {
        Err(failure) if create.if_not_exists && failure.code() == Code::DatabaseExists => Ok(taken(statement, &name)),
        made => {
            made?;
            Ok(done(statement, true, create.wait))
        }
    }
}

fn taken(statement: &Statement<'_>, name: &DatabaseName) -> Records {
    super::without_effect(statement, &format!("The name '{name}' is taken already."))
}

/// Has a new database keep what bounds the one that it copies, and above all the one in whose place it comes.
///
/// Whoever may set limits there begins afresh.
fn keep_bounds(
    statement: &Statement<'_>,
    create: &CreateDatabase,
    name: &DatabaseName,
    new: &mut NewDatabase,
) -> Result<(), Failure> {
    let names = statement.names;
    let replaced = names.databases_from(name.as_str()).next().filter(|row| create.or_replace && row.name == *name);
    let may_set =
        |row: &Row| catalog::access::allow_on(names, statement.principal, &Action::SetLimit, &row.name).is_ok();
    let copied = match &create.origin {
        Some(origin) => super::backup::mine::databases_of(statement, origin)?,
        None => Vec::new(),
    };
    for row in copied.iter().chain(replaced).filter(|row| !may_set(row)) {
        row.limits.iter().for_each(|(limit, value)| new.limits.set(limit, Some(value)));
        new.options.weight = row.options.weight.or(new.options.weight);
    }
    // What is encrypted keeps no journal, whoever asked for it.
    let may_keep = !statement.shared.options.encrypt_new && !new.options.is_encrypted();
    if let Some(old) = replaced.filter(|row| may_keep && row.options.journal && !may_set(row)) {
        new.options.journal = true;
        new.options.journal_age_millis = old.options.journal_age_millis;
        new.options.journal_max_bytes = old.options.journal_max_bytes;
    }
    Ok(())
}

/// Makes a database for the eyes of one transaction; its files come with the commit.
fn stage_database(
    shared: &Shared,
    door: &Door<'_>,
    name: &DatabaseName,
    mut new: NewDatabase,
) -> Result<Arc<Row>, Failure> {
    shared.settle_encryption(&door.names(), name, new.replace, &mut new.options)?;
    let row = door.create_database(name, new)?;
    door.database_made(row.id)?;
    Ok(row)
}

/// Finds an option of `CREATE DATABASE`; those that choose where another server finds files are known and not there.
fn option_at_creation(key: &str) -> Result<DatabaseOption, Failure> {
    const SEEDS: [&str; 6] = [
        "existingData",
        "existingDataSeedServer",
        "existingDataSeedInstance",
        "seedConfig",
        "seedCredentials",
        "seedSourceDatabase",
    ];
    if let Some(seed) = SEEDS.iter().find(|seed| seed.eq_ignore_ascii_case(key)) {
        let text = format!(
            "Unsupported administration command: CREATE DATABASE ... OPTIONS {{{seed}}}. Write CREATE DATABASE a FROM b, \
             or CREATE DATABASE a FROM BACKUP 'file'."
        );
        return Err(Failure::new(Code::UnsupportedCommand, text));
    }
    DatabaseOption::parse(key).map_err(Failure::from)
}

/// What the files of a new database are filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    /// Nothing, or what the database holds already: its limits bind what is added.
    Own,
    /// Something from elsewhere: all of it is added, and held against the limits.
    Added,
}

/// Makes a database that exists once `fill` made its files: wholly, or not at all.
///
/// One that replaces another comes into its place at that moment; until then the old one serves.
pub(crate) fn create_database<'a>(
    shared: &'a Shared,
    name: &DatabaseName,
    mut new: NewDatabase,
    contents: Contents,
    fill: &mut Fill<'_, 'a>,
) -> Result<Arc<Row>, Failure> {
    shared.settle_encryption(&shared.catalog.names(), name, new.replace, &mut new.options)?;
    if new.replace {
        check_erasable(shared, name)?;
    }
    let row = shared.catalog.create_database(name, new).map_err(Failure::from)?;
    let filled = filled(shared, &row, contents, fill);
    let made = put_in_place(shared, name, &filled, || shared.catalog.database_made(row.id));
    settle(shared, &row, made)?;
    tracing::info!(database = %name, id = %row.id, "database created");
    Ok(row)
}

/// Makes the files of a database that nobody finds yet, and refuses those that hold more than it may.
pub(super) fn filled<'a>(
    shared: &Shared,
    row: &Row,
    contents: Contents,
    fill: &mut Fill<'_, 'a>,
) -> Result<Option<Barred<'a>>, Failure> {
    let barred = fill(row)?;
    if contents == Contents::Added {
        shared.databases.check_held(row)?;
    }
    Ok(barred)
}

/// Lets `swap` put a new database in the place of the one called `name`, unless somebody used that one since it was barred.
pub(super) fn put_in_place(
    shared: &Shared,
    name: &DatabaseName,
    filled: &Result<Option<Barred<'_>>, Failure>,
    swap: impl FnOnce() -> Result<Made, CatalogError>,
) -> Result<Made, Failure> {
    let barred = filled.as_ref().map_err(Failure::clone)?;
    let _turn = shared.changes.lock();
    if let Some(barred) = barred {
        barred.check(|_| shared.catalog.names().resolve(name.as_str()).ok().map(|target| target.database))?;
    }
    Ok(swap()?)
}

/// Removes the files of the database that a new one replaced, or of the new one where it could not be made.
pub(super) fn settle(shared: &Shared, row: &Row, made: Result<Made, Failure>) -> Result<(), Failure> {
    let made = match made {
        Ok(made) => made,
        Err(failure) => {
            // What the catalog recorded is undone here, or by the next start if this fails too.
            undo_create(shared, row);
            return Err(failure);
        }
    };
    if let Some(old) = made.replaced {
        shared.databases.refuse(old.id);
        remove_dropped(shared, &old);
    }
    shared.weighed(row);
    Ok(())
}

/// Removes the files of a database that nobody could use yet.
pub(crate) fn remove_half_made(shared: &Shared, row: &Row) -> Result<(), Failure> {
    shared.databases.refuse(row.id);
    shared.databases.stop(row, Duration::ZERO).and_then(|_| shared.databases.remove(row))
}

fn undo_create(shared: &Shared, row: &Row) {
    let removed = remove_half_made(shared, row);
    let forgotten = removed.and_then(|()| shared.catalog.database_removed(row.id).map_err(Failure::from));
    if let Err(failure) = forgotten {
        tracing::warn!(database = %row.name, reason = %failure, "a half made database waits for the next start");
    }
}

/// What became of a database that was dropped.
#[derive(Default)]
pub(crate) struct Dropped {
    /// Why its files are still there, if they are.
    pub(crate) left: Option<Failure>,
}

/// Refuses to drop or replace a database whose key could not be destroyed.
pub(super) fn check_erasable(shared: &Shared, name: &DatabaseName) -> Result<(), Failure> {
    let names = shared.catalog.names();
    let found = names.resolve(name.as_str()).ok().and_then(|target| names.database(target.database));
    found.map_or(Ok(()), |row| shared.databases.check_erasable(row))
}

/// Drops a database; nothing where it was not there. One that was copied before is dropped as `barred` has kept it.
pub(crate) fn drop_database(
    shared: &Shared,
    name: &DatabaseName,
    if_exists: bool,
    cascade: Cascade,
    barred: Option<&Barred<'_>>,
) -> Result<Option<Dropped>, Failure> {
    let row = {
        let _turn = shared.changes.lock();
        if let Some(barred) = barred {
            barred.check(|_| shared.catalog.names().resolve(name.as_str()).ok().map(|target| target.database))?;
        }
        match shared.catalog.drop_database(name, cascade) {
            Ok(row) => {
                shared.databases.refuse(row.id);
                row
            }
            Err(CatalogError::DatabaseMissing { .. }) if if_exists => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    };
    shared.turns.weigh(name.as_str(), None);
    let left = remove_dropped(shared, &row);
    tracing::info!(database = %name, id = %row.id, "database dropped");
    Ok(Some(Dropped { left }))
}

/// Ends what is under way on a dropped database and removes its files; says why they stay, where they do.
pub(crate) fn remove_dropped(shared: &Shared, row: &Row) -> Option<Failure> {
    // Where another one has come into its place, the same may succeed there.
    let is_replaced = shared.catalog.names().resolve(row.name.as_str()).is_ok();
    let ended = if is_replaced { unavailable(&row.name) } else { gone(&row.name) };
    let removed = shared.databases.end(row, Duration::ZERO, &ended).and_then(|_| shared.databases.remove(row));
    let forgotten = removed.and_then(|()| shared.catalog.database_removed(row.id).map_err(Failure::from));
    let failure = forgotten.err()?;
    // Its name is free and nobody can reach it: it is dropped, and only its files wait.
    tracing::warn!(database = %row.name, reason = %failure, "files wait for the next start");
    Some(failure)
}

/// Finds a database that is to be copied before it is dropped, by somebody who may do both.
fn copied_before(statement: &Statement<'_>, name: &DatabaseName, if_exists: bool) -> Result<Option<Arc<Row>>, Failure> {
    let found = statement.names.resolve(name.as_str()).ok().filter(|target| target.alias.is_none());
    let Some(row) = found.and_then(|target| statement.names.database(target.database).cloned()) else {
        let missing = CatalogError::DatabaseMissing { verb: "delete", name: name.clone() };
        return if if_exists { Ok(None) } else { Err(missing.into()) };
    };
    catalog::access::allow_on(statement.names, statement.principal, &Action::BackupDatabase, &row.name)?;
    statement.shared.backup_folder()?;
    Ok(Some(row))
}

fn run_alter(
    statement: &mut Statement<'_>,
    name: &NameOrParameter,
    if_exists: bool,
    changes: &[DatabaseChange],
    wait: Wait,
) -> Result<Records, Failure> {
    for change in changes {
        let action = match change {
            DatabaseChange::Access { .. } => Action::SetDatabaseAccess,
            DatabaseChange::Language(_) => Action::SetDatabaseLanguage,
            _ => Action::AlterDatabase,
        };
        super::allow_on(statement, &action, name)?;
    }
    for change in changes {
        if let DatabaseChange::SetOption { key, .. } | DatabaseChange::RemoveOption { key } = change
            && DatabaseOption::parse(&key.text)?.is_of_server()
        {
            super::allow_on(statement, &Action::SetLimit, name)?;
        }
    }
    if changes.iter().any(|change| matches!(change, DatabaseChange::Default)) {
        // Which database everybody means who names none is no business of the owner of one.
        super::allow(statement, &Action::AlterDatabase)?;
    }
    super::begin(statement)?;
    let name = named(name, &statement.parameters)?;
    if changes.iter().any(|change| matches!(change, DatabaseChange::Default)) {
        super::allow_naming(statement, &name, Naming::Default)?;
    }
    let mut steps = Vec::with_capacity(changes.len());
    let mut rotates = false;
    for change in changes {
        match asks_for_new_key(change, &statement.parameters)? {
            true => rotates = true,
            false => steps.extend(change_of(change, &statement.parameters)?),
        }
    }
    if rotates {
        refuse_own(statement, &name, "given a new key")?;
    }
    let journals = |step: &Change| matches!(step, Change::SetOption(DatabaseOption::Journal, _));
    check_journal(statement.shared, steps.iter().any(journals))?;
    if rotates || steps.iter().any(changes_journal) {
        super::stand_alone(statement, "ALTER DATABASE ... OPTION encryption or journal")?;
    }
    let before =
        statement.names.resolve(name.as_str()).ok().and_then(|target| statement.names.database(target.database));
    let door = statement.catalog()?;
    match door.alter_database(&name, &steps) {
        Err(CatalogError::DatabaseMissing { .. } | CatalogError::DefaultMissing { .. }) if if_exists => {
            Ok(missing(statement, &name))
        }
        altered => {
            let (row, changed) = altered?;
            if door.is_staged() {
                return Ok(done(statement, changed, wait));
            }
            statement.shared.weighed(&row);
            if before.is_some_and(|before| before.options.kept_journal() != row.options.kept_journal()) {
                keep_journal(statement.shared, &row, before.map(|before| before.options.journal))?;
            }
            tracing::info!(database = %row.name, changed, "database altered");
            if rotates {
                let drain = drain_of(statement.shared, &row);
                statement.shared.change_key(&row, drain, &|_| statement.allowance.check())?;
            }
            Ok(done(statement, changed || rotates, wait))
        }
    }
}

/// Tells whether a change asks for a new key: `SET OPTION encryption 'rotate'`.
fn asks_for_new_key(change: &DatabaseChange, parameters: &Map) -> Result<bool, Failure> {
    let DatabaseChange::SetOption { key, value } = change else { return Ok(false) };
    if DatabaseOption::parse(&key.text)? != DatabaseOption::Encryption {
        return Ok(false);
    }
    Ok(matches!(option_value(value, parameters)?, Value::String(text) if text.eq_ignore_ascii_case("rotate")))
}

/// Tells whether a change begins or ends a journal, which an open database does at once.
fn changes_journal(step: &Change) -> bool {
    matches!(step, Change::SetOption(DatabaseOption::Journal, _) | Change::RemoveOption(DatabaseOption::Journal))
}

/// Says how long stopping a database waits for what is under way.
pub(crate) fn drain_of(shared: &Shared, row: &Row) -> Duration {
    row.options.drain_timeout_millis.map_or(shared.options.stop_drain_max, Duration::from_millis)
}

/// Refuses a journal where there is no disk for it.
fn check_journal(shared: &Shared, is_wanted: bool) -> Result<(), Failure> {
    if is_wanted && !shared.databases.is_on_disk() {
        return Err(Failure::new(Code::ArgumentError, "This server keeps no files, and so no journals."));
    }
    Ok(())
}

/// Begins or ends a journal as the options say now; where that fails, the option is what it was before.
fn keep_journal(shared: &Shared, row: &Row, before: Option<bool>) -> Result<(), Failure> {
    let Err(failure) = shared.databases.follow_journal(row) else { return Ok(()) };
    let back = Change::SetOption(DatabaseOption::Journal, before.unwrap_or_default().into());
    match shared.catalog.alter_database(&row.name, &[back]) {
        // The state that is kept is as before; this says so to who opens it.
        Ok((row, _)) => drop(shared.databases.follow_journal(&row)),
        Err(error) => tracing::warn!(database = %row.name, %error, "the journal begins or ends when it is opened next"),
    }
    Err(failure)
}

fn change_of(change: &DatabaseChange, parameters: &Map) -> Result<Option<Change>, Failure> {
    Ok(Some(match change {
        DatabaseChange::Access { read_only: true } => Change::Access(DatabaseAccess::ReadOnly),
        DatabaseChange::Access { read_only: false } => Change::Access(DatabaseAccess::ReadWrite),
        DatabaseChange::SetOption { key, value } => {
            Change::SetOption(DatabaseOption::parse(&key.text)?, option_value(value, parameters)?)
        }
        DatabaseChange::RemoveOption { key } => Change::RemoveOption(DatabaseOption::parse(&key.text)?),
        DatabaseChange::Language(asked) => Change::Language(language(*asked)),
        DatabaseChange::Default => Change::Default,
        // The parser lets nothing else through than what there is.
        DatabaseChange::Topology => return Ok(None),
    }))
}

fn option_value(value: &LimitValue, parameters: &Map) -> Result<Value, Failure> {
    match value {
        LimitValue::Given(value) => Ok(value.clone()),
        LimitValue::Parameter(name) => parameters
            .get(&name.text)
            .cloned()
            .ok_or_else(|| Failure::new(Code::ParameterMissing, format!("Expected parameter(s): {}", name.text))),
    }
}

fn language(asked: Language) -> catalog::Language {
    match asked {
        Language::Cypher5 => catalog::Language::Cypher5,
        Language::Cypher25 => catalog::Language::Cypher25,
    }
}

/// Starts a database, and opens it to see whether it does.
fn start_database(shared: &Shared, name: &DatabaseName) -> Result<bool, Failure> {
    let (row, changed) = {
        let _turn = shared.changes.lock();
        let started = shared.catalog.start_database(name).map_err(Failure::from)?;
        shared.databases.allow(started.0.id);
        started
    };
    if row.name.is_system() {
        return Ok(changed);
    }
    shared.databases.open(&row, Trust::Forgiving, &|| shared.is_there(row.id))?;
    tracing::info!(database = %row.name, "database started");
    Ok(changed)
}

/// Stops a database: what is under way gets a while to end, and nobody new gets in.
///
/// Who starts it meanwhile has his way, and then this fails.
fn stop_database(shared: &Shared, name: &DatabaseName) -> Result<bool, Failure> {
    let (row, changed) = {
        let _turn = shared.changes.lock();
        let stopped = shared.catalog.stop_database(name).map_err(Failure::from)?;
        shared.databases.refuse(stopped.0.id);
        stopped
    };
    close_stopped(shared, name, &row)?;
    tracing::info!(database = %row.name, "database stopped");
    Ok(changed)
}

/// Closes a database that is stopped by now, when what is under way had its time.
///
/// # Errors
///
/// [`Code::TransactionTerminated`] where somebody started, dropped or replaced it meanwhile, and as [`Databases::stop`].
///
/// [`Databases::stop`]: crate::databases::Databases::stop
pub(crate) fn close_stopped(shared: &Shared, name: &DatabaseName, row: &Row) -> Result<(), Failure> {
    loop {
        let ended = shared.databases.stop(row, drain_of(shared, row))?;
        let _turn = shared.changes.lock();
        let names = shared.catalog.names();
        let undone = match (names.database(row.id).filter(|now| now.stage == Stage::Ready), ended) {
            (None, _) => "dropped or replaced",
            (Some(_), Ended::Closed) => return Ok(()),
            (Some(now), Ended::Allowed) if now.requested == Requested::Online => "started again",
            (Some(_), Ended::Allowed) => {
                // Whoever renewed its key let everybody in again, and it is to stop all the same.
                shared.databases.refuse(row.id);
                continue;
            }
        };
        let text = format!(
            "Failed to stop the specified database '{name}': It was {undone} before what was under way had ended."
        );
        return Err(Failure::new(Code::TransactionTerminated, text));
    }
}

/// Refuses to take its database away from the transaction in which the command runs.
pub(super) fn refuse_own(statement: &Statement<'_>, name: &DatabaseName, verb: &str) -> Result<(), Failure> {
    let Some(transaction) = statement.transaction else { return Ok(()) };
    let is_held = statement.names.resolve(name.as_str()).is_ok_and(|target| {
        transaction.enter().is_ok_and(|state| !target.name.is_system() && state.holds(target.database))
    });
    if !is_held {
        return Ok(());
    }
    let text = format!(
        "Database '{name}' cannot be {verb} in a transaction that uses it; commit the transaction or roll it back first."
    );
    Err(Failure::new(Code::ForbiddenTransactionType, text))
}

/// Says of a database that is not there that its name is an alias, to who may see that.
fn say_alias(statement: &Statement<'_>, name: &DatabaseName, failure: Failure) -> Failure {
    let target = catalog::access::resolve(statement.names, statement.principal, name.as_str());
    let is_alias = target.is_ok_and(|target| target.alias.is_some());
    if failure.code() != Code::DatabaseNotFound || !is_alias {
        return failure;
    }
    Failure::new(failure.code(), format!("{} '{name}' is an alias.", failure.message()))
}

fn missing(statement: &Statement<'_>, name: &DatabaseName) -> Records {
    super::without_effect(statement, &format!("There is no database '{name}'."))
}

/// Answers a command that is done; `WAIT` asks to hear it for each server.
fn done(statement: &Statement<'_>, changed: bool, wait: Wait) -> Records {
    super::changed_for(statement, changed, wait)
}
