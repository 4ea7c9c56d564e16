//! Where the files of a whole server go: a folder here; a stream to a client is in `commands::backup`.
//! Leaves what is in the files to those who fill them. Start reading at [`Target`].

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use types::{Code, failpoint};

use super::{MANIFEST, Watch};
use crate::backup::work::Proof;
use crate::backup::{BackupError, Folder, Holds, Part, Written, verify};
use crate::instance::Shared;

/// Writes all of a file.
pub(crate) type Fill<'f> = &'f mut dyn FnMut(&mut dyn Write) -> Result<Written, BackupError>;

/// Takes the files of a whole server.
pub(crate) trait Target {
    /// Writes a backup: whole and proved when this returns, or not at all.
    fn put(&mut self, file: &str, holds: Holds, fill: Fill<'_>) -> Result<Written, BackupError>;

    /// Takes back a file that turned out to be of no use.
    fn take_back(&mut self, file: &str) -> Result<(), BackupError>;

    /// Writes the list, by which all the rest counts.
    fn finish(&mut self, list: &str) -> Result<(), BackupError>;
}

/// A folder that takes the backup of a whole server; what is in it goes again unless the list was written.
pub struct FolderTarget<'a> {
    shared: &'a Shared,
    folder: PathBuf,
    proof: Proof,
    watch: &'a dyn Watch,
    /// Begun first, so that it is seen of what a folder is the beginning.
    list: Option<Part>,
    written: Vec<PathBuf>,
    was_there: bool,
}

impl<'a> FolderTarget<'a> {
    /// Begins in a folder that is empty, or not there, or that a run left which died.
    pub(crate) fn begin(
        shared: &'a Shared,
        folder: &Path,
        proof: Proof,
        watch: &'a dyn Watch,
    ) -> Result<Self, BackupError> {
        let was_there = folder.exists();
        let list = Some(begin_list(folder)?);
        failpoint::reach("whole.begun");
        Ok(Self { shared, folder: folder.to_owned(), proof, watch, list, written: Vec::new(), was_there })
    }
}

/// Begins the list of a whole server, in a folder that is made for it, or that is empty. What a run left there that died goes
/// before: without its list nothing of it counts.
pub fn begin_list(folder: &Path) -> Result<Part, BackupError> {
    if folder.exists() && !is_empty(folder)? && !(Folder(folder).sweep_whole() && is_empty(folder)?) {
        return Err(BackupError::NotEmpty(folder.to_owned()));
    }
    make_folder(folder)?;
    Part::create(&folder.join(MANIFEST))
}

/// Makes the folder of the backup of a whole server, in one that is there; no harm if it is there itself.
fn make_folder(folder: &Path) -> Result<(), BackupError> {
    fs::create_dir(folder).or_else(|source| match source.kind() {
        ErrorKind::AlreadyExists => Ok(()),
        ErrorKind::NotFound => Err(BackupError::NoFolder(folder.parent().unwrap_or(folder).to_owned())),
        _ => Err(BackupError::Io { action: "make the folder of the backup", source }),
    })
}

/// Tells whether nothing lies in a folder that anybody would miss.
fn is_empty(folder: &Path) -> Result<bool, BackupError> {
    let entries = fs::read_dir(folder).map_err(|source| match source.kind() {
        ErrorKind::NotADirectory => BackupError::Exists(folder.to_owned()),
        _ => BackupError::Io { action: "list the folder of the backup", source },
    })?;
    // A volume that was made for the backup has this one from the beginning.
    Ok(entries.flatten().all(|entry| entry.file_name() == "lost+found"))
}

impl Target for FolderTarget<'_> {
    fn put(&mut self, file: &str, holds: Holds, fill: Fill<'_>) -> Result<Written, BackupError> {
        let path = Folder(&self.folder).file(file)?;
        let mut part = Part::create(&path)?;
        let written = fill(&mut part)?;
        part.sync()?;
        verify(part.path(), &|bytes| self.watch.step(bytes))?;
        if self.proof == Proof::Check {
            let tried = self.shared.try_backup(part.path(), holds, &|bytes| self.watch.step(bytes));
            tried.map_err(|error| match error {
                BackupError::Failed(failure) if failure.code() == Code::StorageDamaged => {
                    BackupError::Unsound(failure.message().to_owned())
                }
                other => other,
            })?;
        }
        part.publish()?;
        self.written.push(path);
        Ok(written)
    }

    fn take_back(&mut self, file: &str) -> Result<(), BackupError> {
        let path = Folder(&self.folder).file(file)?;
        fs::remove_file(&path).map_err(BackupError::io("remove a backup that is of no use"))?;
        self.written.retain(|written| *written != path);
        Ok(())
    }

    fn finish(&mut self, list: &str) -> Result<(), BackupError> {
        let mut part = self.list.take().ok_or_else(|| BackupError::Exists(self.folder.join(MANIFEST)))?;
        part.write_all(list.as_bytes()).map_err(BackupError::io("write the list of the backup"))?;
        part.sync()?;
        failpoint::reach("whole.list.before");
        part.publish()?;
        failpoint::reach("whole.list.after");
        self.written.clear();
        Ok(())
    }
}

impl Drop for FolderTarget<'_> {
    fn drop(&mut self) {
        let was_finished = self.list.take().is_none() && self.written.is_empty();
        if was_finished {
            return;
        }
        self.written.iter().for_each(|path| drop(fs::remove_file(path)));
        if !self.was_there {
            let _ = fs::remove_dir(&self.folder);
        }
    }
}
