//! The data folder that a whole server is restored into: marked from the first byte to the last, so that no server starts
//! on half of it. Leaves what is put into it to `restore`. Start reading at [`Place::take`].

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use types::failpoint;

use super::RestoreError;
use crate::audit;
use crate::databases::TRIED;
use crate::instance::{KEYS_FILE, SYSTEM_FOLDER};

/// The file that says that a restore did not end.
const MARK: &str = "restore.unfinished";
/// Longest text of a mark.
const MARK_MAX_BYTES: u64 = 1 << 20;
/// What may lie in a data folder that is empty otherwise: a key that was put there before, backups, what file systems make.
const HARMLESS: [&str; 3] = [KEYS_FILE, "backups", "lost+found"];

/// What a mark says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Mark {
    /// The name of the list that is restored.
    whole: String,
    /// Where it lies.
    from: String,
    /// What was in the folder before.
    kept: Vec<String>,
}

/// A data folder that nobody else may use.
pub(super) struct Place {
    folder: PathBuf,
    mark: Mark,
    was_there: bool,
    /// Locked as long as it is open.
    _lock: File,
}

/// Tells what a restore that did not end was restoring into this data folder.
#[must_use]
pub fn unfinished(folder: &Path) -> Option<String> {
    let path = folder.join(MARK);
    fs::symlink_metadata(&path).ok()?;
    let mark = File::open(&path).ok().and_then(|mut file| read(&mut file));
    Some(mark.map_or_else(|| "a backup of a whole server".to_owned(), |mark| mark.from))
}

/// Names what lies in a data folder and is in the way of a restore.
pub(super) fn in_the_way(folder: &Path) -> Result<Vec<String>, RestoreError> {
    let mut names = names_in(folder)?;
    names.retain(|name| !HARMLESS.contains(&name.as_str()));
    Ok(names)
}

impl Place {
    /// Takes an empty folder, or one that a restore of the same whole was in the midst of; another one's rest goes first.
    pub(super) fn take(folder: &Path, whole: &str, from: &Path) -> Result<Self, RestoreError> {
        let was_there = folder.exists();
        crate::own_folder::make(folder).map_err(RestoreError::io("make the data folder"))?;
        let path = folder.join(MARK);
        let (mut file, is_new) = match File::options().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => (file, true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let opened = File::options().read(true).write(true).open(&path);
                (opened.map_err(RestoreError::io("open the mark of the restore"))?, false)
            }
            Err(error) => return Err(RestoreError::io("mark the data folder")(error)),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(RestoreError::UnderWay(folder.to_owned())),
            Err(TryLockError::Error(error)) => return Err(RestoreError::io("lock the data folder")(error)),
        }
        let from = std::path::absolute(from).unwrap_or_else(|_| from.to_owned()).display().to_string();
        let old = if is_new { None } else { read(&mut file) };
        let Some(old) = old else {
            // Nothing is made before the mark says so: what lies there is somebody else's.
            return match in_the_way(folder) {
                Ok(found) if found.is_empty() => {
                    let kept = names_in(folder)?;
                    let mark = Mark { whole: whole.to_owned(), from, kept };
                    Self { folder: folder.to_owned(), mark, was_there, _lock: file }.marked()
                }
                found => {
                    let _ = fs::remove_file(&path);
                    Err(RestoreError::NotEmpty { folder: folder.to_owned(), found: found? })
                }
            };
        };
        let is_same = old.whole == whole;
        let place = Self { folder: folder.to_owned(), mark: old, was_there, _lock: file };
        if is_same {
            return Ok(place);
        }
        place.remove_what_was_made()?;
        let mark = Mark { whole: whole.to_owned(), from, kept: place.mark.kept.clone() };
        Self { mark, ..place }.marked()
    }

    /// Writes the mark, durably.
    fn marked(mut self) -> Result<Self, RestoreError> {
        let text = serde_json::to_vec(&self.mark).expect("plain fields, and memory does not fail to be written");
        let written = (|| {
            self._lock.set_len(0)?;
            std::os::unix::fs::FileExt::write_all_at(&self._lock, &text, 0)?;
            self._lock.flush()?;
            self._lock.sync_all()?;
            File::open(&self.folder)?.sync_all()
        })();
        written.map_err(RestoreError::io("mark the data folder"))?;
        failpoint::reach("whole.restore.marked");
        Ok(self)
    }

    /// Takes the mark away: from now on a server may start.
    pub(super) fn finish(self) -> Result<(), RestoreError> {
        failpoint::reach("whole.restore.before");
        fs::remove_file(self.folder.join(MARK)).map_err(RestoreError::io("take the mark off the data folder"))?;
        failpoint::reach("whole.restore.after");
        let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(RestoreError::io("sync the data folder"))
    }

    /// Leaves the folder as it was; where that fails the mark stays.
    pub(super) fn clear(self) {
        let cleared = self.remove_what_was_made().is_ok() && fs::remove_file(self.folder.join(MARK)).is_ok();
        if !cleared {
            tracing::warn!(folder = %self.folder.display(), "what was restored stays, and the mark with it");
        } else if !self.was_there {
            let _ = fs::remove_dir(&self.folder);
        }
    }

    /// Removes what a restore puts into a folder, and nothing else.
    fn remove_what_was_made(&self) -> Result<(), RestoreError> {
        for name in names_in(&self.folder)?.into_iter().filter(|name| !self.mark.kept.contains(name)) {
            let path = self.folder.join(&name);
            let is_ours = name == SYSTEM_FOLDER
                || name == audit::FOLDER
                || name.starts_with(TRIED)
                || catalog::is_database_folder(&name);
            let removed = match (is_ours, name == KEYS_FILE) {
                (true, _) => fs::remove_dir_all(&path),
                (_, true) => fs::remove_file(&path),
                _ => continue,
            };
            removed.map_err(RestoreError::io("remove what was restored before"))?;
        }
        Ok(())
    }
}

fn read(file: &mut File) -> Option<Mark> {
    let mut text = Vec::new();
    file.take(MARK_MAX_BYTES).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Names what lies in a folder, the mark left out.
fn names_in(folder: &Path) -> Result<Vec<String>, RestoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(RestoreError::io("list the data folder")(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(RestoreError::io("list the data folder"))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.retain(|name| name != MARK);
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f24_a_folder_is_taken_by_one_restore_and_goes_back_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let from = Path::new("set");
        assert_eq!(unfinished(&data), None);
        let place = Place::take(&data, "one", from).expect("it is empty");
        assert!(unfinished(&data).is_some_and(|from| from.ends_with("set")));
        assert!(matches!(Place::take(&data, "one", from), Err(RestoreError::UnderWay(_))));
        fs::create_dir(data.join(SYSTEM_FOLDER)).expect("makes");
        fs::write(data.join(KEYS_FILE), "a new key").expect("writes");
        place.clear();
        assert!(!data.exists());

        fs::create_dir(&data).expect("makes");
        fs::write(data.join(KEYS_FILE), "the old key").expect("writes");
        let place = Place::take(&data, "one", from).expect("a key is no server");
        let films = data.join("films-3f2a9c0412ab55de");
        fs::create_dir(&films).expect("makes");
        drop(place);
        // As after a death: the same goes on with what is there, another one begins anew.
        drop(Place::take(&data, "one", from).expect("it goes on"));
        assert!(films.exists());
        let place = Place::take(&data, "other", from).expect("it begins anew");
        assert!(!films.exists() && data.join(KEYS_FILE).exists());
        place.finish().expect("takes the mark off");
        assert_eq!(unfinished(&data), None);
        fs::create_dir(data.join(SYSTEM_FOLDER)).expect("makes");
        let taken = Place::take(&data, "one", from);
        assert!(matches!(&taken, Err(RestoreError::NotEmpty { found, .. }) if found == &["system"]));
        assert_eq!(unfinished(&data), None, "a server that is there is left alone");
    }
}
