//! Makes a data folder out of the backup of a whole server: wholly, or not at all.
//! Leaves the folder and its mark to `place`, and opening a server to `instance`. Start reading at [`restore`].

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::{CatalogError, Database as Row, Keyring, Pictured, Stage};
use store::disk::DiskEngine;
use store::lmdb::LmdbEngine;
use store::{Engine, OpenOptions, StoreError};
use types::{Code, Failure, failpoint};

use super::place::{Place, in_the_way};
use super::{Entry, Watch, Whole, not_listed};
use crate::audit::{Durable, Kind, Outcome, Told};
use crate::backup::ahead::ahead;
use crate::backup::work::piece_by_piece;
use crate::backup::{BackupError, Keys, Reading};
use crate::encryption::ServerKeys;
use crate::error::of_store;
use crate::instance::SYSTEM_FOLDER;
use crate::{Instance, InstanceError, InstanceOptions};

/// What becomes of databases that `system` knows and the backup does not hold, or that do not open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// Nothing is restored.
    #[default]
    Refuse,
    /// They are listed in state error, until each is restored by itself; rights, aliases and limits wait for them.
    Leave,
    /// Those that the backup does not hold, or only in a damaged file, are made anew, empty.
    Empty,
}

/// What was restored.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// Databases, `system` not counted.
    pub databases: usize,
    /// Users.
    pub users: u64,
    /// Databases that were left in state error or made empty, each with the reason.
    pub missing: Vec<(String, String)>,
    /// The keys that sealed secrets of the server, where none of them is here.
    pub keys_missing: Vec<String>,
}

/// What a restore would come to.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The backup.
    pub whole: Whole,
    /// Encrypted databases whose keys cannot be had, each with the reason.
    pub locked: Vec<(String, String)>,
    /// Databases whose files are damaged or lost, each with the reason.
    pub damaged: Vec<(String, String)>,
    /// The keys that sealed secrets of the server, where none of them is here.
    pub keys_missing: Vec<String>,
}

/// Why a whole server was not restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Whole servers come into empty folders only; choose another one, or move what is there.
    #[error(
        "the data folder {} is not empty: {} is there. A whole server is restored into an empty folder only",
        folder.display(), found.join(", ")
    )]
    NotEmpty {
        /// The data folder.
        folder: PathBuf,
        /// What is in it.
        found: Vec<String>,
    },
    /// Wait for the other one.
    #[error("another process restores into the data folder {}", .0.display())]
    UnderWay(PathBuf),
    /// Find another backup, or go on without them.
    #[error(
        "the backup does not hold every database of the server: {}. Nothing was restored. --missing leave restores the \
         others and lists these in state error; --missing empty makes them anew",
        listed(.0)
    )]
    Missing(Vec<(String, String)>),
    /// Without `system` there is no server; find another backup.
    #[error("the backup has no sound file of \"system\", and without that none of it is restored: {0}")]
    System(String),
    /// The backup holds them, and nobody can read them here: bring the keys, or go on without them.
    #[error(
        "the backup is whole, and the keys of encrypted databases in it cannot be had: {}. Put the seal.key of their server \
         there before, or name it after --seal-key-file. Nothing was restored. --missing leave restores the others and \
         lists these in state error",
        listed(.0)
    )]
    Keys(Vec<(String, String)>),
    /// The catalog in the backup and the list beside it speak of different servers.
    #[error("the backup contradicts itself: {0}")]
    Differs(String),
    /// A file of the backup is damaged or is none.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The catalog of the backup cannot be read.
    #[error("could not read the catalog in the backup")]
    Catalog(#[from] CatalogError),
    /// Its store cannot be opened.
    #[error("could not open the database \"system\" of the backup")]
    Store(#[from] StoreError),
    /// Everything is there, and no server starts on it.
    #[error("the restored server does not start")]
    Instance(#[from] InstanceError),
    /// The operating system refused.
    #[error("could not {action}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl RestoreError {
    pub(super) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }

    /// Gives the code of the table.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NotEmpty { .. } | Self::UnderWay(_) | Self::Keys(_) => Code::DatabaseStartFailed,
            Self::Missing(_) | Self::System(_) | Self::Differs(_) => Code::StorageDamaged,
            Self::Backup(error) => error.code(),
            Self::Catalog(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Instance(error) => error.code(),
            Self::Io { .. } => Code::StorageFailed,
        }
    }
}

impl From<Failure> for RestoreError {
    fn from(failure: Failure) -> Self {
        Self::Backup(failure.into())
    }
}

fn listed(missing: &[(String, String)]) -> String {
    missing.iter().map(|(name, reason)| format!("\"{name}\" ({reason})")).collect::<Vec<_>>().join(", ")
}

/// Restores a whole server into the data folder of `options`, which is empty or not there.
///
/// Until it returns no server starts on the folder. When it fails the folder is as it was; when the process dies, the same
/// call goes on where it was.
pub fn restore(
    from: &Path,
    options: InstanceOptions,
    missing: Missing,
    watch: &dyn Watch,
) -> Result<Restored, RestoreError> {
    let whole = Whole::open(from)?;
    check(&whole, missing)?;
    let keys = Keys::of(&options).map_err(InstanceError::Seal)?;
    locked(&whole, &keys, missing)?;
    let place = Place::take(&options.folder, &whole.manifest.sum(), from)?;
    match fill(&whole, from, options, missing, watch) {
        Ok(restored) => {
            place.finish()?;
            Ok(restored)
        }
        Err(error) => {
            place.clear();
            Err(error)
        }
    }
}

/// Looks at all that [`restore`] would need and writes nothing: every byte of the backup, the keys of what is encrypted in it,
/// and whether the folder is empty.
pub fn try_restoring(
    from: &Path,
    options: &InstanceOptions,
    missing: Missing,
    watch: &dyn Watch,
) -> Result<Tried, RestoreError> {
    let (whole, folder) = (Whole::open(from)?, &options.folder);
    check(&whole, missing)?;
    let found = if super::unfinished(folder).is_some() { Vec::new() } else { in_the_way(folder)? };
    if !found.is_empty() {
        return Err(RestoreError::NotEmpty { folder: folder.clone(), found });
    }
    let damaged = whole.damaged(watch)?;
    if let Some((_, reason)) = damaged.iter().find(|(name, _)| *name == whole.manifest.system.name) {
        return Err(RestoreError::System(reason.clone()));
    }
    if missing == Missing::Refuse && !damaged.is_empty() {
        return Err(RestoreError::Missing(damaged));
    }
    let keys = Keys::of(options).map_err(InstanceError::Seal)?;
    let mut locked = locked(&whole, &keys, missing)?;
    locked.retain(|(name, _)| damaged.iter().all(|(damaged, _)| damaged != name));
    let keys_missing = if keys.has_none_of(&whole.manifest.keys) { whole.manifest.keys.clone() } else { Vec::new() };
    Ok(Tried { whole, locked, damaged, keys_missing })
}

/// Finds the encrypted databases whose keys cannot be had; refuses, unless somebody said what becomes of those.
fn locked(whole: &Whole, keys: &Keys, missing: Missing) -> Result<Vec<(String, String)>, RestoreError> {
    let locked = whole.locked(keys)?;
    if missing == Missing::Refuse && !locked.is_empty() { Err(RestoreError::Keys(locked)) } else { Ok(locked) }
}

/// Refuses what can be refused by the list alone.
fn check(whole: &Whole, missing: Missing) -> Result<(), RestoreError> {
    let kind = &whole.manifest.kind;
    if !LmdbEngine.takes(kind) {
        let reason = format!("it holds images of kind \"{kind}\", not \"{}\"", LmdbEngine.kind());
        return Err(BackupError::NotBackup { file: whole.folder.clone(), reason }.into());
    }
    let problems: Vec<_> = whole.manifest.problems().map(|(entry, why)| (entry.name.clone(), why.to_owned())).collect();
    if missing == Missing::Refuse && !problems.is_empty() { Err(RestoreError::Missing(problems)) } else { Ok(()) }
}

fn fill(
    whole: &Whole,
    from: &Path,
    options: InstanceOptions,
    missing: Missing,
    watch: &dyn Watch,
) -> Result<Restored, RestoreError> {
    let folder = options.folder.clone();
    let system = folder.join(SYSTEM_FOLDER);
    let engine = engine(&options)?;
    let of = whole.manifest.files().count();
    put(&engine, whole, &whole.manifest.system, (1, of), (&system, None), watch).map_err(|error| match error {
        RestoreError::Backup(error) if error.is_of_file() => RestoreError::System(error.to_string()),
        error => error,
    })?;
    failpoint::reach("whole.restore.system");
    let pictured = look(&engine, &system)?;
    let mut absent = compare(whole, &pictured)?;
    if missing == Missing::Refuse && !absent.is_empty() {
        let absent = absent.iter().map(|(row, reason)| (row.name.to_string(), reason.clone()));
        return Err(RestoreError::Missing(absent.collect()));
    }
    let mut number = 1;
    for row in &pictured.databases {
        let Some(entry) = whole.manifest.entry(row.id).filter(|entry| entry.file.is_some()) else { continue };
        number += 1;
        let target = (&*folder.join(&row.folder), Some(row.id.0));
        match put(&engine, whole, entry, (number, of), target, watch) {
            Ok(()) => {}
            Err(error) => {
                let reason = of_one(error)?;
                if missing == Missing::Refuse {
                    return Err(RestoreError::Missing(vec![(row.name.to_string(), reason)]));
                }
                absent.push((Arc::clone(row), reason));
            }
        }
        failpoint::reach("whole.restore.database");
    }
    let instance = Instance::open_restored(options)?;
    let tried = settle(&instance, whole, &pictured, absent, missing);
    failpoint::reach("whole.restore.opened");
    if let Ok(restored) = &tried {
        let operation = format!("restore of a whole server from {}: {} databases", from.display(), restored.databases);
        let told = Told { operation: &operation, ..Told::default() };
        instance.shared.audit.note(Kind::Backup, told, Outcome::Done, Durable::Now);
    }
    instance.close();
    tried
}

/// Opens each database of the server that was made, as the first of its users would.
fn settle(
    instance: &Instance,
    whole: &Whole,
    pictured: &Pictured,
    absent: Vec<(Arc<Row>, String)>,
    missing: Missing,
) -> Result<Restored, RestoreError> {
    let shared = &instance.shared;
    let here: Vec<String> = shared.keyring.names().iter().map(ToString::to_string).collect();
    let keys = &whole.manifest.keys;
    let keys_missing = if keys.iter().any(|key| here.contains(key)) { Vec::new() } else { keys.clone() };
    let (mut restored, mut closed) =
        (Restored { users: pictured.users, keys_missing, ..Restored::default() }, Vec::new());
    for row in &pictured.databases {
        if absent.iter().any(|(absent, _)| absent.id == row.id) {
            continue;
        }
        // This looks at every page, and leaves the file marked as sound.
        let opened = shared.databases.open_to_copy(row, &|| row.stage == Stage::Ready).map(drop);
        shared.databases.close_unused(row.id);
        match opened {
            Ok(()) => restored.databases += 1,
            Err(failure) => closed.push((row.name.to_string(), failure.message().to_owned())),
        }
    }
    if missing == Missing::Refuse && !closed.is_empty() {
        return Err(RestoreError::Missing(closed));
    }
    restored.missing = closed;
    for (row, reason) in absent {
        if missing == Missing::Empty {
            shared.databases.make(&row)?;
        }
        restored.missing.push((row.name.to_string(), reason));
    }
    Ok(restored)
}

/// Says why one database cannot be had, where it alone is at fault and not the disk that all of them go to: its file is
/// damaged or lost, or nobody here can open its key.
fn of_one(error: RestoreError) -> Result<String, RestoreError> {
    match error {
        RestoreError::Backup(error) if error.is_of_file() => Ok(error.to_string()),
        RestoreError::Backup(BackupError::Failed(failure))
            if matches!(failure.code(), Code::StorageDamaged | Code::DatabaseStartFailed) =>
        {
            Ok(failure.message().to_owned())
        }
        error => Err(error),
    }
}

/// Gives what makes stores as the server will open them: with the keys that are in the folder, or where the options say.
fn engine(options: &InstanceOptions) -> Result<DiskEngine, RestoreError> {
    let keyring = Keyring::open(options.key_source()).map_err(InstanceError::Seal)?;
    let keys = Arc::new(ServerKeys::default());
    keys.set(&Arc::new(keyring));
    Ok(DiskEngine::new(keys))
}

/// Writes one store out of its file. One that is there is whole: it got its name when it was.
fn put(
    engine: &DiskEngine,
    whole: &Whole,
    entry: &Entry,
    (number, of): (usize, usize),
    (folder, identity): (&Path, Option<[u8; 16]>),
    watch: &dyn Watch,
) -> Result<(), RestoreError> {
    if engine.exists(folder) {
        return Ok(());
    }
    if folder.exists() {
        // What a death left of it.
        engine.remove(folder)?;
    }
    let file = entry.file.as_deref().ok_or_else(|| RestoreError::Differs(format!("{} has no file", entry.name)))?;
    watch.begins(&entry.name, number, of, entry.image_bytes);
    let path = whole.folder.join(file);
    let mut reading = Reading::open(&path)?;
    let mut done = 0;
    let is_listed = |reading: &Reading| match entry.fits(reading.header(), reading.sum()) {
        true => Ok(()),
        false => Err(not_listed(path.clone())),
    };
    ahead(&mut reading, &is_listed, |pieces| {
        piece_by_piece(
            &mut |piece| {
                let more = pieces(piece)?;
                done += piece.len() as u64;
                watch.step(done)?;
                Ok(more)
            },
            |next| engine.restore(folder, identity, next).map_err(|error| of_store(&error)),
        )
    })?;
    watch.ends(entry);
    Ok(())
}

/// Reads the catalog that was just put there.
fn look(engine: &DiskEngine, system: &Path) -> Result<Pictured, RestoreError> {
    let store = engine.open(system, &OpenOptions { forgive: true, ..OpenOptions::default() })?;
    Ok(catalog::picture(&*store)?)
}

/// Compares the catalog with the list; gives the databases that the backup does not hold.
fn compare(whole: &Whole, pictured: &Pictured) -> Result<Vec<(Arc<Row>, String)>, RestoreError> {
    let mut absent = Vec::new();
    for row in &pictured.databases {
        // It names a folder of ours to be, and nothing else.
        if !catalog::is_database_folder(&row.folder) {
            return Err(RestoreError::Differs(format!("database \"{}\" lies in \"{}\"", row.name, row.folder)));
        }
        match whole.manifest.entry(row.id) {
            Some(entry) if entry.file.is_some() => {}
            Some(entry) => absent.push((Arc::clone(row), entry.problem.clone().unwrap_or_default())),
            None => absent.push((Arc::clone(row), "the backup has no file of it".to_owned())),
        }
    }
    let known = |entry: &Entry| pictured.databases.iter().any(|row| row.id.to_string() == entry.id);
    match whole.manifest.databases.iter().find(|entry| !known(entry)) {
        Some(entry) => Err(RestoreError::Differs(format!("its catalog knows no database \"{}\"", entry.name))),
        None => Ok(absent),
    }
}
