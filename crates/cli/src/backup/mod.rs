//! `sheaf backup`, `sheaf restore` and `sheaf backup verify`: whole databases into files and back.
//! Leaves images and their bytes to `instance`, whole servers to `whole`, and journals to `journal`.
//! Start reading at [`run`].

mod journal;
pub(crate) mod online;
mod whole;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{Args, Subcommand};
use instance::backup::whole::RestoreError;
use instance::backup::{BackupError, Header, Holds, sealed_by, verify};
use instance::{InstanceError, Walk};
use types::{DatabaseName, Failure};

use crate::exit::{Exit, complain, say};
use crate::progress;
use crate::reach::{Keys, Reach, ReachError};
use crate::serve::exit_of;

/// What `sheaf backup` takes.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The database; `system` for users, rights and aliases.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    database: Option<String>,
    /// Backs up every database and `system`, into a folder.
    #[arg(long)]
    all: bool,
    /// The file to write; there must be none of that name. With --all a folder, empty or not there.
    #[arg(long, required = true, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Restores the copy where nobody finds it and walks all of it, before it counts.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Reads a backup and checks every byte of it.
    Verify {
        /// The backup: a file, the folder of a whole server, or the copy of a journal.
        file: PathBuf,
        /// Where the keys are: with them, those of encrypted databases are looked for too.
        #[command(flatten)]
        keys: Keys,
    },
    /// Copies the journal of a database, with which older backups lead to any moment before the copy.
    Journal {
        /// The database, which keeps a journal: ALTER DATABASE name SET OPTION journal true.
        database: String,
        /// The file to write; there must be none of that name.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        #[command(flatten)]
        reach: Reach,
    },
}

/// What `sheaf restore` takes.
#[derive(Args, Debug)]
pub struct RestoreArguments {
    /// The backup. With --all the folder of a whole server, or a backup of `system` alone.
    file: PathBuf,
    /// The database to make.
    #[arg(long = "as", value_name = "NAME", value_parser = name, required_unless_present = "all")]
    name: Option<DatabaseName>,
    /// Puts it in the place of a database of that name, whose owner, rights, aliases and limits stay.
    #[arg(long, conflicts_with = "all")]
    replace: bool,
    /// Plays the backup forward, by the journal of its database, to this moment: 2026-05-01T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = journal::moment, conflicts_with = "all")]
    until: Option<journal::Moment>,
    /// With --until: a copy of the journal, or a folder with one; else that of the database itself is taken.
    #[arg(long, value_name = "FILE", requires = "until")]
    journal: Option<PathBuf>,
    /// Restores a whole server into a data folder that is empty or not there.
    #[arg(long, conflicts_with_all = ["name", "bolt"])]
    all: bool,
    /// Reads and checks everything that --all needs, and writes nothing.
    #[arg(long, requires = "all")]
    dry_run: bool,
    /// With --all: what becomes of databases that the backup does not hold, or that do not open.
    #[arg(long, value_enum, default_value_t, requires = "all")]
    missing: whole::Missing,
    #[command(flatten)]
    reach: Reach,
}

pub(crate) fn name(text: &str) -> Result<DatabaseName, String> {
    let name = DatabaseName::parse(text).map_err(|error| error.to_string())?;
    if name.is_system() { Err("the database system holds the catalog".to_owned()) } else { Ok(name) }
}

/// Why nothing was backed up or restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The data folder cannot be opened.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The instance refused or failed.
    #[error("{0}")]
    Refused(#[from] Failure),
    /// The file cannot be written or read.
    #[error(transparent)]
    File(#[from] BackupError),
    /// The backup of a whole server cannot be restored.
    #[error(transparent)]
    Whole(#[from] RestoreError),
    /// Neither the folder nor a server can be reached.
    #[error(transparent)]
    Reach(#[from] ReachError),
}

impl CommandError {
    fn exit(&self) -> Exit {
        match self {
            Self::Instance(error) => exit_of(error),
            Self::Reach(error) => error.exit(),
            Self::File(error) | Self::Whole(RestoreError::Backup(error)) => match error {
                BackupError::Exists(_)
                | BackupError::NoFolder(_)
                | BackupError::Missing(_)
                | BackupError::NotEmpty(_) => Exit::Usage,
                _ => Exit::Failed,
            },
            Self::Whole(RestoreError::NotEmpty { .. }) => Exit::Usage,
            Self::Whole(RestoreError::UnderWay(_)) => Exit::InUse,
            Self::Refused(_) | Self::Whole(_) => Exit::Failed,
        }
    }
}

pub(crate) fn end(done: Result<String, CommandError>) -> Exit {
    match done {
        Ok(summary) => {
            say(&summary);
            Exit::Done
        }
        Err(error) => {
            complain(&error);
            error.exit()
        }
    }
}

/// Backs a database up, or verifies a backup.
pub fn run(arguments: &Arguments) -> Exit {
    end(match (&arguments.command, &arguments.database, &arguments.to) {
        (Some(Command::Journal { database, to, reach }), ..) => journal::copy(reach, database, to),
        (Some(Command::Verify { file, keys }), ..) => {
            keys.there().map_err(CommandError::from).and_then(|keys| match (journal::is_one(file), file.is_dir()) {
                (true, _) => journal::verified(file, keys.as_ref()),
                (false, true) => whole::verified(file, keys.as_ref()),
                (false, false) => verified(file, keys.as_ref()),
            })
        }
        (None, None, Some(to)) if arguments.all => whole::back_up(&arguments.reach, to, arguments.check),
        (None, Some(database), Some(to)) => back_up(arguments, database, to),
        // Clap asks for both.
        (None, ..) => Err(Failure::new(types::Code::ArgumentError, "give a database and a file").into()),
    })
}

/// Makes a database out of a backup.
pub fn run_restore(arguments: &RestoreArguments) -> Exit {
    end(match (&arguments.name, &arguments.until) {
        (Some(name), Some(until)) => journal::restore(&journal::Restore {
            from: &arguments.file,
            name,
            replace: arguments.replace,
            until,
            journal: arguments.journal.as_deref(),
            reach: &arguments.reach,
        }),
        (Some(name), None) => restore(arguments, name),
        (None, _) => whole::restore(&whole::Restore {
            from: &arguments.file,
            data: arguments.reach.data(),
            keys: &arguments.reach.keys,
            missing: arguments.missing,
            dry_run: arguments.dry_run,
        }),
    })
}

fn back_up(arguments: &Arguments, database: &str, to: &Path) -> Result<String, CommandError> {
    let done = AtomicU64::new(0);
    instance::backup::remove_left(to);
    let (header, bytes) = match arguments.reach.filled_folder()? {
        Some(instance) => {
            let walk = if arguments.check { Walk::Yes } else { Walk::No };
            let total = instance.database_bytes(database)?;
            let step = |bytes| {
                done.store(bytes, Ordering::Relaxed);
                Ok(())
            };
            let written = shown(total, &done, || instance.back_up(database, to, walk, &step));
            instance.close();
            let (header, written) = written?;
            (header, written.file_bytes)
        }
        None => online::back_up(&arguments.reach, database, to, &done)?,
    };
    Ok(format!("database \"{}\": {} in {} of {}", header.database, counts(&header), size(bytes), to.display()))
}

fn restore(arguments: &RestoreArguments, name: &DatabaseName) -> Result<String, CommandError> {
    let done = AtomicU64::new(0);
    let header = match arguments.reach.folder()? {
        Some(instance) => {
            let total = instance::backup::Reading::open(&arguments.file)?.header().image_bytes;
            let step = |bytes| {
                done.store(bytes, Ordering::Relaxed);
                Ok(())
            };
            let restored =
                shown(total, &done, || instance.restore(name.as_str(), arguments.replace, &arguments.file, &step));
            instance.close();
            restored?
        }
        None => online::restore(&arguments.reach, name, arguments.replace, &arguments.file)?,
    };
    Ok(format!("database \"{name}\": {} from {}", counts(&header), arguments.file.display()))
}

fn verified(file: &Path, keys: Option<&instance::backup::Keys>) -> Result<String, CommandError> {
    let total = instance::backup::Reading::open(file)?.header().image_bytes;
    let done = AtomicU64::new(0);
    let step = |bytes| {
        done.store(bytes, Ordering::Relaxed);
        Ok(())
    };
    let header = shown(total, &done, || verify(file, &step))?;
    let bytes = File::open(file).and_then(|file| file.metadata()).map_or(0, |metadata| metadata.len());
    let taken = types::temporal::from_epoch(i64::try_from(header.taken_nanos / 1_000_000_000).unwrap_or(0), 0);
    let taken = taken.map_or_else(|_| "an unknown time".to_owned(), |time| time.to_string());
    let summary = format!(
        "{} is sound: database \"{}\" at {taken}, version {}, {} in {}",
        file.display(),
        header.database,
        header.version,
        counts(&header),
        size(bytes)
    );
    let Some(key) = sealed_by(file)? else { return Ok(summary) };
    let Some(keys) = keys else {
        return Ok(format!("{summary}; encrypted, and its key {key} was not looked for (--seal-key-file)"));
    };
    match keys.problem(file)? {
        None => Ok(format!("{summary}; encrypted, and its key {key} is there")),
        Some(reason) => {
            say(&summary);
            Err(without_keys(&[(header.database, reason)]))
        }
    }
}

/// Says of a backup that is sound which keys of it nobody has.
fn without_keys(locked: &[(String, String)]) -> CommandError {
    let locked: Vec<_> = locked.iter().map(|(name, reason)| format!("\"{name}\" ({reason})")).collect();
    let text = format!("the keys of encrypted databases in it cannot be had: {}", locked.join(", "));
    Failure::new(types::Code::DatabaseStartFailed, text).into()
}

/// Shows how many bytes of an image are done.
fn shown<T>(total: u64, done: &AtomicU64, work: impl FnOnce() -> T) -> T {
    progress::shown_bytes(total, &|| done.load(Ordering::Relaxed), work)
}

fn counts(header: &Header) -> String {
    if header.holds == Holds::Catalog {
        return "users, rights and aliases".to_owned();
    }
    format!("{}, {}", counted(header.nodes, "node"), counted(header.relationships, "relationship"))
}

/// Puts a number before its noun.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Writes a size for people.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{size:.1} {}", UNITS[unit]) }
}
