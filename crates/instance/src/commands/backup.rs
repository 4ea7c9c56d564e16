//! `BACKUP DATABASE`, and what `CREATE DATABASE ... FROM` and `DROP DATABASE ... DUMP DATA` do.
//! Leaves files and images to `backup`, whole servers to `all`, `SHOW BACKUPS` to `list`, and changes to `database`.
//! Start reading at [`run`].

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Weak;

use catalog::{Action, CatalogError, Database as Row, Names, Principal, Requested, UserId};
use cypher::ast::{BackupCommand, BackupTarget, DatabaseOrigin, FileName, NameOrParameter};
use types::privilege::Act;
use types::{Code, CompactString, DatabaseId, DatabaseName, Failure, Map, Value};

use super::{allow, named};
use crate::answer::{Fetched, Kind, Summary};
use crate::backup::{BackupError, Folder, Header, Held, Moment, Proof, Taken, Written, maker};
use crate::barring::Barred;
use crate::instance::Shared;
use crate::leases::{Lease, Work};
use crate::open_database::OpenDatabase;
use crate::records::{Records, Stream};
use crate::running::Allowance;
use crate::show::instant;
use crate::statement::Statement;

mod all;
mod list;
pub(crate) mod mine;
pub(crate) mod moment;
mod stream;

const COLUMNS: [&str; 9] =
    ["name", "file", "nodes", "relationships", "bytes", "imageBytes", "version", "taken", "checked"];

/// Runs a command about backups.
pub(crate) fn run(statement: &mut Statement<'_>, command: &BackupCommand) -> Result<Records, Failure> {
    match command {
        BackupCommand::Backup { name, .. } | BackupCommand::Journal { name, .. } => {
            super::allow_on(statement, &Action::BackupDatabase, name)?;
        }
        BackupCommand::All { .. } => allow_server(statement)?,
        // Each row is asked for by itself.
        BackupCommand::Show { .. } => {}
    }
    match command {
        BackupCommand::Backup { .. } => super::stand_alone(statement, "BACKUP DATABASE")?,
        BackupCommand::Journal { .. } => super::stand_alone(statement, "BACKUP JOURNAL")?,
        BackupCommand::All { .. } => super::stand_alone(statement, "BACKUP ALL DATABASES")?,
        BackupCommand::Show { .. } => {}
    }
    match command {
        BackupCommand::Backup { name, to: BackupTarget::Stream, check: _ } => {
            let source = backed_up(statement, name)?;
            stream::run(statement, source)
        }
        BackupCommand::Backup { name, to, check } => back_up(statement, name, to, *check),
        BackupCommand::Journal { name, to } => moment::run(statement, name, to),
        BackupCommand::All { to, check } => all::run(statement, to, *check),
        BackupCommand::Show { tail } => list::show(statement, tail),
    }
}

/// Refuses who may not copy the server as a whole, which holds what proves who everybody is.
fn allow_server(statement: &Statement<'_>) -> Result<(), Failure> {
    allow_server_to(statement.names, statement.principal)
}

fn allow_server_to(names: &Names, principal: &Principal) -> Result<(), Failure> {
    let needed = [Action::BackupDatabase, Action::Do(Act::AllDbms)];
    Ok(needed.iter().try_for_each(|action| catalog::access::allow(names, principal, action))?)
}

/// Makes the files of a new database out of another one, or out of a backup.
///
/// Who makes databases calls it between the two halves of the change; it asks for the rights to the source.
pub(crate) fn make_from<'a>(
    statement: &'a Statement<'_>,
    origin: &DatabaseOrigin,
    row: &Row,
) -> Result<Option<Barred<'a>>, Failure> {
    match origin {
        DatabaseOrigin::Database(name) => super::allow_on(statement, &Action::BackupDatabase, name)?,
        // The file says whether it is for him.
        DatabaseOrigin::Backup(_) | DatabaseOrigin::Moment(_) => {}
    }
    let step = |_| statement.allowance.check();
    match origin {
        DatabaseOrigin::Database(name) => {
            let copier = Copier::of(statement);
            let _place = statement.shared.enter_copying()?;
            let from = found(statement, name, "copy")?.ok_or(CatalogError::SystemProtected { verb: "copy" })?;
            // What is answered while a database is copied into its own place would be in neither.
            let barred = (from.name == row.name).then(|| Barred::begin(statement.shared, vec![Arc::clone(&from)]));
            let barred = barred.transpose()?;
            let source = if barred.is_some() { Source::open_barred } else { Source::open }(&copier, from)?;
            let Source::Graph { database, row: from, .. } = &source else {
                return Err(CatalogError::SystemProtected { verb: "copy" }.into());
            };
            statement.shared.copy_database((from, database), row, &step).map(|()| barred)
        }
        DatabaseOrigin::Backup(file) => {
            let path = mine::backup(statement, file)?;
            let _place = statement.shared.enter_copying()?;
            statement.shared.restore(row, &path, &step).map(|_| None).map_err(told)
        }
        DatabaseOrigin::Moment(asked) => {
            let until = moment::time(statement, &asked.until)?;
            make_played(statement, &asked.backup, until, asked.journal.as_ref(), row)
        }
    }
}

/// Makes the files of a database out of a backup, played forward to a moment by its own journal or a copy of one.
pub(crate) fn make_played<'a>(
    statement: &'a Statement<'_>,
    file: &FileName,
    until: i64,
    journal: Option<&FileName>,
    row: &Row,
) -> Result<Option<Barred<'a>>, Failure> {
    let folder = statement.shared.backup_folder()?;
    let path = mine::backup(statement, file)?;
    let journal = journal.map(|name| mine::journal(statement, name)).transpose()?;
    let _place = statement.shared.enter_copying()?;
    let step = |_| statement.allowance.check();
    statement.shared.restore_to(row, &path, &Moment { until, journal }, &step).map_err(told)?;
    keep_journal_of_replaced(statement, &Folder(&folder), row)
}

/// Makes the files of a database out of what one holds now, entry by entry: what was deleted takes no room there.
pub(crate) fn make_dense(statement: &Statement<'_>, from: &NameOrParameter, row: &Row) -> Result<(), Failure> {
    let Source::Graph { database, .. } = &source(statement, from, "recreate")? else {
        return Err(CatalogError::SystemProtected { verb: "recreate" }.into());
    };
    let _place = statement.shared.enter_copying()?;
    let copied = statement.shared.copy_entries(&database.graph, row, &|_| statement.allowance.check());
    copied.map_err(told)
}

/// Leaves a copy of the journal of the database that a new one replaces: other moments are still to be had then, up to its
/// last, for nobody uses it any more.
fn keep_journal_of_replaced<'a>(
    statement: &'a Statement<'_>,
    folder: &Folder<'_>,
    new: &Row,
) -> Result<Option<Barred<'a>>, Failure> {
    let replaced = statement.names.resolve(new.name.as_str()).ok();
    let replaced = replaced.and_then(|target| statement.names.database(target.database));
    let Some(old) = replaced.filter(|old| old.name == new.name && old.options.journal) else { return Ok(None) };
    let barred = Barred::begin(statement.shared, vec![Arc::clone(old)])?;
    let name = folder.new_name(&old.name, &statement.shared.names_made, statement.shared.options.clock.wall_nanos());
    let file = folder.new_file(&moment::journal_beside(&name)).map_err(told)?;
    statement.shared.back_up_journal(old, &file, &|_| statement.allowance.check()).map_err(told)?;
    Ok(Some(barred))
}

/// For whom a database is copied: a statement, or a transaction that commits.
pub(crate) struct Copier<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) allowance: &'a Allowance,
    /// Who will have made the copy.
    pub(crate) maker: Option<UserId>,
}

impl<'a> Copier<'a> {
    pub(crate) fn of(statement: &'a Statement<'_>) -> Self {
        Self { shared: statement.shared, allowance: &statement.allowance, maker: statement.principal.id() }
    }
}

/// Files that were made of a database which is about to be dropped: nobody finds them before it is, and they are gone again
/// where it is not.
#[must_use]
pub(crate) struct Dumped(Vec<Held>);

impl Dumped {
    /// Gives the files their names, now that the database is dropped.
    pub(crate) fn publish(self) -> Result<(), Failure> {
        let named: Vec<_> = self.0.into_iter().map(Held::publish).collect();
        named.into_iter().collect::<Result<(), _>>().map_err(told)
    }

    /// Removes the files of a database that was not dropped. Where nobody knows whether it was, the next start does.
    pub(crate) fn undo(self, shared: &Shared) {
        if !shared.catalog.takes_changes() {
            self.0.into_iter().for_each(Held::leave);
        }
    }
}

/// Backs a database up into new files of the backup folder, because it is about to be dropped; they have no names yet.
///
/// Nobody may use it by then, see [`crate::barring`].
pub(crate) fn dump(copier: &Copier<'_>, row: &Arc<Row>) -> Result<Dumped, Failure> {
    let shared = copier.shared;
    let source = Source::open_barred(copier, Arc::clone(row))?;
    let folder = shared.backup_folder()?;
    let name = Folder(&folder).new_name(&row.name, &shared.names_made, shared.options.clock.wall_nanos());
    let file = Folder(&folder).new_file(&name).map_err(told)?;
    let step = |_| copier.allowance.check();
    let backup = {
        let _place = shared.enter_copying()?;
        shared.back_up_held(source.take(copier)?, &file, row.id, &step).map_err(told)?
    };
    let mut dumped = Dumped(vec![backup]);
    if let Source::Graph { database, row, .. } = &source
        && database.journal.is_on()
    {
        // With it, older backups still lead to any moment before the end.
        let file = Folder(&folder).new_file(&moment::journal_beside(&name)).map_err(told)?;
        let _place = shared.enter_copying()?;
        dumped.0.push(shared.back_up_journal_held(row, &file, &step).map_err(told)?);
    }
    Ok(dumped)
}

/// A database that is copied.
enum Source {
    /// One with a graph, kept open and told when it is to be stopped.
    Graph { database: Arc<OpenDatabase>, row: Arc<Row>, _lease: Lease, _closing: Closing },
    /// `system`.
    Catalog,
}

/// Closes a stopped database again that was opened to be copied; dropped behind what keeps it open.
struct Closing(Arc<Shared>, DatabaseId);

impl Drop for Closing {
    fn drop(&mut self) {
        let is_stopped = |row: &Arc<Row>| row.requested == Requested::Offline;
        if self.0.catalog.names().database(self.1).is_some_and(is_stopped) {
            self.0.databases.close_unused(self.1);
        }
    }
}

impl Source {
    /// Opens a database, one that is stopped too: that stays stopped for everybody else.
    fn open(copier: &Copier<'_>, row: Arc<Row>) -> Result<Self, Failure> {
        match row.requested {
            Requested::Online => Ok(Self::of(copier, copier.shared.open(&row)?, row)),
            Requested::Offline => Self::open_barred(copier, row),
        }
    }

    /// Opens a database that nobody else may use.
    fn open_barred(copier: &Copier<'_>, row: Arc<Row>) -> Result<Self, Failure> {
        let shared = copier.shared;
        let database = shared.databases.open_to_copy(&row, &|| shared.is_there(row.id))?;
        Ok(Self::of(copier, database, row))
    }

    fn of(copier: &Copier<'_>, database: Arc<OpenDatabase>, row: Arc<Row>) -> Self {
        let work: Weak<dyn Work> = Weak::<Stream>::new();
        let lease = database.leases.take(copier.allowance.worker_as(None), work);
        let closing = Closing(Arc::clone(copier.shared), row.id);
        Self::Graph { database, row, _lease: lease, _closing: closing }
    }

    fn name(&self) -> DatabaseName {
        match self {
            Self::Graph { row, .. } => row.name.clone(),
            Self::Catalog => DatabaseName::system(),
        }
    }

    fn take(&self, copier: &Copier<'_>) -> Result<Taken, Failure> {
        let shared = copier.shared;
        let mut taken = match self {
            Self::Graph { database, row, .. } => shared.take_image(database, row),
            Self::Catalog => shared.take_catalog_image(),
        }?;
        taken.header.maker = copier.maker.and_then(|maker| maker::seal(&shared.keyring, &taken.header, maker));
        Ok(taken)
    }
}

/// Finds a database that is to be backed up, by somebody who may do that; `system` is for who may copy the server.
fn backed_up(statement: &Statement<'_>, name: &NameOrParameter) -> Result<Source, Failure> {
    let found = source(statement, name, "back up")?;
    if matches!(found, Source::Catalog) {
        allow_server(statement)?;
    }
    Ok(found)
}

/// Finds a database that is to be copied, by somebody who may do that: it takes no right to look into it.
fn source(statement: &Statement<'_>, name: &NameOrParameter, verb: &'static str) -> Result<Source, Failure> {
    match found(statement, name, verb)? {
        Some(row) => Source::open(&Copier::of(statement), row),
        None => Ok(Source::Catalog),
    }
}

/// Finds the database that a name means; none for `system`.
fn found(statement: &Statement<'_>, name: &NameOrParameter, verb: &'static str) -> Result<Option<Arc<Row>>, Failure> {
    let name = named(name, &statement.parameters)?;
    let target = statement.names.resolve(name.as_str());
    let target = target.map_err(|_| CatalogError::DatabaseMissing { verb, name: name.clone() })?;
    Ok(statement.names.database(target.database).filter(|row| !row.name.is_system()).cloned())
}

fn back_up(
    statement: &mut Statement<'_>,
    name: &NameOrParameter,
    to: &BackupTarget,
    check: bool,
) -> Result<Records, Failure> {
    let source = backed_up(statement, name)?;
    let path = statement.shared.backup_folder()?;
    let folder = Folder(&path);
    let file = match to {
        BackupTarget::File(file) => text_of(file, &statement.parameters)?,
        BackupTarget::NewFile | BackupTarget::Stream => {
            folder.new_name(&source.name(), &statement.shared.names_made, statement.shared.options.clock.wall_nanos())
        }
    };
    let proof = if check { Proof::Check } else { Proof::Read };
    let (header, written) = write_file(&Copier::of(statement), &source, folder.new_file(&file).map_err(told)?, proof)?;
    let mut rows = Fetched::default();
    rows.push(row(&file, &header, written.file_bytes, check.into()));
    let columns = COLUMNS.iter().map(|column| CompactString::const_new(column)).collect();
    let summary = Summary { kind: Kind::Read, database: DatabaseName::system().to_string(), ..Summary::default() };
    Ok(Records::buffered(columns, rows, summary, statement.shared.admission.clone()))
}

fn write_file(copier: &Copier<'_>, source: &Source, file: PathBuf, proof: Proof) -> Result<(Header, Written), Failure> {
    let _place = copier.shared.enter_copying()?;
    let step = |_| copier.allowance.check();
    copier.shared.back_up(source.take(copier)?, &file, proof, &step).map_err(told)
}

/// Tells whoever named a file what became of it, and not where it lies.
pub(crate) fn told(error: BackupError) -> Failure {
    error.without_folders().into()
}

fn row(file: &str, header: &Header, file_bytes: u64, checked: Value) -> [Value; COLUMNS.len()] {
    let [database, nodes, relationships, image_bytes, version, taken] = of_header(header);
    [database, file.into(), nodes, relationships, integer(file_bytes), image_bytes, version, taken, checked]
}

fn of_header(header: &Header) -> [Value; 6] {
    [
        header.database.as_str().into(),
        integer(header.nodes),
        integer(header.relationships),
        integer(header.image_bytes),
        integer(header.version),
        instant(Some(header.taken_nanos)),
    ]
}

fn integer(number: u64) -> Value {
    i64::try_from(number).map_or(Value::Null, Value::Integer)
}

/// Gives the name as it was typed, or as the parameter has it.
pub(crate) fn text_of(file: &FileName, parameters: &Map) -> Result<String, Failure> {
    match file {
        FileName::Text(text) => Ok(text.to_string()),
        FileName::Parameter(name) => match parameters.get(&name.text) {
            Some(Value::String(text)) => Ok(text.to_string()),
            Some(other) => {
                let text =
                    format!("Expected parameter ${} to have type String but was {}", name.text, other.type_name());
                Err(Failure::new(Code::TypeError, text))
            }
            None => Err(Failure::new(Code::ParameterMissing, format!("Expected parameter(s): {}", name.text))),
        },
    }
}
