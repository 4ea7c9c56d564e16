//! Backups of whole servers: every database and `system`, in one folder, with a list that is written last.
//! Leaves the files in it to `writer` and `reader`, and who may to `commands::backup`.
//! Start reading at [`Manifest`], then `make` and [`restore`].

mod make;
mod manifest;
mod place;
mod restore;
mod target;

use std::path::{Path, PathBuf};

use types::Failure;

use super::reader::{Reading, verify_sum};
use super::{BackupError, Holds, Keys};
use crate::encryption::is_sealed;

pub use manifest::{Entry, MANIFEST, Manifest};
pub use place::unfinished;
pub use restore::{Missing, RestoreError, Restored, Tried, restore, try_restoring};
pub(crate) use target::{Fill, Target};
pub use target::{FolderTarget, begin_list};

/// Follows the backup or the restore of a whole server, and may end it.
pub trait Watch: Sync {
    /// A database begins: its name, its number among so many, and the bytes of its image.
    fn begins(&self, _name: &str, _number: usize, _of: usize, _bytes: u64) {}

    /// So many bytes of it are done; an error ends the whole.
    fn step(&self, bytes: u64) -> Result<(), Failure>;

    /// A database is done, or could not be.
    fn ends(&self, _entry: &Entry) {}
}

/// Hears what became of each file, and may end the whole.
type EachFile<'e> = &'e mut dyn FnMut(&Entry, Result<(), BackupError>) -> Result<(), BackupError>;

/// The backup of a whole server that lies in a folder, or a backup of `system` alone, of which the rest is missing.
#[derive(Clone, Debug)]
pub struct Whole {
    folder: PathBuf,
    /// What is in it.
    pub manifest: Manifest,
}

impl Whole {
    /// Opens a folder by its list, or the backup of `system` by its file.
    pub fn open(path: &Path) -> Result<Self, BackupError> {
        if path.is_file() {
            return Self::of_system(path);
        }
        Ok(Self { folder: path.to_owned(), manifest: Manifest::read(path)? })
    }

    /// Takes a folder whose list is known already, though not written there yet.
    #[must_use]
    pub fn of(folder: &Path, manifest: Manifest) -> Self {
        Self { folder: folder.to_owned(), manifest }
    }

    fn of_system(file: &Path) -> Result<Self, BackupError> {
        let refuse = |reason: &str| BackupError::NotBackup { file: file.to_owned(), reason: reason.to_owned() };
        let (header, sum) = verify_sum(file, &|_| Ok(()))?;
        if header.holds != Holds::Catalog {
            return Err(refuse(
                "it holds one database; a whole server begins with a folder, or with a backup of system",
            ));
        }
        let name = file.file_name().and_then(|name| name.to_str()).ok_or_else(|| refuse("its name is not text"))?;
        let bytes = file.metadata().map_err(BackupError::io("measure the backup"))?.len();
        let manifest = Manifest {
            made_by: header.made_by.clone(),
            kind: header.kind.clone(),
            taken_millis: i64::try_from(header.taken_nanos / 1_000_000).unwrap_or_default(),
            keys: Vec::new(),
            system: Entry::written(name, &header, bytes, sum),
            databases: Vec::new(),
        };
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { folder, manifest })
    }

    /// Finds the encrypted databases whose keys are not among these, each with the reason; a file that cannot be read tells
    /// of no key.
    pub fn locked(&self, keys: &Keys) -> Result<Vec<(String, String)>, BackupError> {
        let mut locked = Vec::new();
        for (entry, file) in self.manifest.files() {
            let problem = readable(keys.problem(&self.folder.join(file)))?.flatten();
            locked.extend(problem.map(|reason| (entry.name.clone(), reason)));
        }
        Ok(locked)
    }

    /// Counts the databases that are encrypted.
    pub fn encrypted(&self) -> Result<usize, BackupError> {
        let mut count = 0;
        for (_, file) in self.manifest.files() {
            let reading = readable(Reading::open(&self.folder.join(file)))?;
            count += usize::from(reading.is_some_and(|reading| is_sealed(reading.header())));
        }
        Ok(count)
    }

    /// Reads every file and checks every byte, and that each is the one that the list names; fails at the first that is not.
    pub fn verify(&self, watch: &dyn Watch) -> Result<(), BackupError> {
        self.look(watch, &mut |_, looked| looked)
    }

    /// As [`Whole::verify`], and goes on to the end: gives each file that is damaged or lost, by its database, with the reason.
    pub fn damaged(&self, watch: &dyn Watch) -> Result<Vec<(String, String)>, BackupError> {
        let mut damaged = Vec::new();
        self.look(watch, &mut |entry, looked| match looked {
            Err(error) if error.is_of_file() => {
                let problem = error.to_string();
                watch.ends(&Entry { problem: Some(problem.clone()), ..entry.clone() });
                damaged.push((entry.name.clone(), problem));
                Ok(())
            }
            looked => looked,
        })?;
        Ok(damaged)
    }

    fn look(&self, watch: &dyn Watch, each: EachFile<'_>) -> Result<(), BackupError> {
        let of = self.manifest.files().count();
        for (number, (entry, file)) in (1..).zip(self.manifest.files()) {
            watch.begins(&entry.name, number, of, entry.image_bytes);
            let path = self.folder.join(file);
            let looked = verify_sum(&path, &|bytes| watch.step(bytes))
                .and_then(|(header, sum)| if entry.fits(&header, sum) { Ok(()) } else { Err(not_listed(path)) });
            if looked.is_ok() {
                watch.ends(entry);
            }
            each(entry, looked)?;
        }
        Ok(())
    }
}

/// Passes over a file that is damaged or lost: who reads all of it says so.
fn readable<T>(read: Result<T, BackupError>) -> Result<Option<T>, BackupError> {
    match read {
        Err(error) if error.is_of_file() => Ok(None),
        read => read.map(Some),
    }
}

/// Says that a file, sound in itself, belongs to another backup.
fn not_listed(file: PathBuf) -> BackupError {
    BackupError::Damaged { file, reason: "it is not the file that the list of the whole server names".to_owned() }
}
