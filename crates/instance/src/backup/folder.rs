//! The backup folder: which names lead into it, and how a file appears there whole or not at all.
//! Leaves what is in the files to `writer` and `reader`. Start reading at [`Folder::file`] and [`Part::publish`].

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rand::Rng;
use types::{DatabaseId, DatabaseName, failpoint};

use super::whole::MANIFEST;
use super::{BackupError, lent};
use crate::own_folder;

/// What the names of our files end with.
pub(super) const ENDING: &str = "sheafbackup";
/// What the names of files that are being written begin and end with.
const PART: (&str, &str) = (".", ".part");
/// What the names of whole files end with that nobody finds yet, since their databases are about to be dropped.
const HELD: &str = ".held";
/// The shortest time that two names tell apart.
const NAMED_NANOS: i128 = 1_000_000;
/// Longest name of a file, in bytes.
pub(super) const NAME_MAX_BYTES: usize = 200;
/// Tells whether a sign may stand in the name of a backup.
pub(super) fn is_plain(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-' | '_')
}

/// Something in a backup folder that is a backup, or looks like one.
pub(crate) enum Found {
    /// A plain file, whatever its name is.
    File(PathBuf),
    /// A folder with the backup of a whole server, or with the beginnings of one.
    Whole(PathBuf),
    /// Something that is called a backup and cannot be one, with the reason.
    Odd(PathBuf, &'static str),
}

/// What an entry of a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    File,
    Folder,
    Link,
    Other,
}

impl Form {
    fn of(kind: fs::FileType) -> Self {
        match (kind.is_file(), kind.is_dir(), kind.is_symlink()) {
            (true, ..) => Self::File,
            (_, true, _) => Self::Folder,
            (.., true) => Self::Link,
            _ => Self::Other,
        }
    }
}

/// A folder that backups go into and come from.
pub(crate) struct Folder<'p>(pub(crate) &'p Path);

impl Folder<'_> {
    /// Turns a typed name into the path of a file that lies in the folder itself, whatever the name is.
    pub(crate) fn file(&self, name: &str) -> Result<PathBuf, BackupError> {
        let refuse = |reason| BackupError::Name { name: name.chars().take(80).collect(), reason };
        if name.is_empty() {
            return Err(refuse("it is empty"));
        }
        if name.len() > NAME_MAX_BYTES {
            return Err(refuse("it is longer than 200 bytes"));
        }
        if !name.chars().all(is_plain) {
            return Err(refuse(
                "it may hold ASCII letters, digits, '.', '-' and '_' only; it names a file, not a path",
            ));
        }
        if name.starts_with(['.', '-']) {
            return Err(refuse("it begins with a dot or a hyphen"));
        }
        Ok(self.0.join(name))
    }

    /// As [`Folder::file`], for a file that is to be written; makes the folder if it is not there.
    pub(crate) fn new_file(&self, name: &str) -> Result<PathBuf, BackupError> {
        let path = self.file(name)?;
        own_folder::make(self.0).map_err(BackupError::io("make the backup folder"))?;
        Ok(path)
    }

    /// As [`Folder::file`], for a file that is to be read: a link that leads out of the folder is none.
    pub(crate) fn file_there(&self, name: &str) -> Result<PathBuf, BackupError> {
        let path = self.file(name)?;
        match fs::symlink_metadata(&path) {
            // Whoever lent it is gone.
            Ok(_) if lent::is_left(&path) => Err(BackupError::Missing(path)),
            Ok(metadata) if metadata.is_file() => Ok(path),
            Ok(_) => Err(BackupError::NotBackup { file: path, reason: "it is no plain file".to_owned() }),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(BackupError::Missing(path)),
            Err(source) => Err(BackupError::Io { action: "look at the backup", source }),
        }
    }

    /// Makes up the name of a new backup: what it is of, and the time.
    pub(crate) fn new_name(&self, database: &DatabaseName, made: &NamesMade, nanos: i128) -> String {
        made.take(self, nanos, |nanos| format!("{database}-{}.{ENDING}", time_in_name(nanos)))
    }

    /// Makes up the name of a folder for the backup of a whole server.
    pub(crate) fn new_whole_name(&self, made: &NamesMade, nanos: i128) -> String {
        made.take(self, nanos, |nanos| format!("all-{}", time_in_name(nanos)))
    }

    /// Lists the plain files, and the folders that hold backups of whole servers; hidden ones are none, nor is what is lent.
    pub(crate) fn list(&self) -> Result<Vec<Found>, BackupError> {
        let mut found = Vec::new();
        for (path, form) in self.entries()? {
            match form {
                Form::File if lent::is_lent(&path) => {}
                Form::File => found.push(Found::File(path)),
                Form::Folder if path.join(MANIFEST).exists() || Folder(&path).holds_backups() => {
                    found.push(Found::Whole(path));
                }
                Form::Folder if ends_as_ours(&path) => {
                    found.push(Found::Odd(path, "it is a folder, and no backup of a whole server lies in it"));
                }
                Form::Link if ends_as_ours(&path) => {
                    found.push(Found::Odd(
                        path,
                        "it is a link; a backup is a file that lies in the backup folder itself",
                    ));
                }
                Form::Other if ends_as_ours(&path) => found.push(Found::Odd(path, "it is no plain file")),
                Form::Folder | Form::Link | Form::Other => {}
            }
        }
        Ok(found)
    }

    /// Tells whether files lie in it that end as ours do.
    pub(crate) fn holds_backups(&self) -> bool {
        let is_ours = |(path, form): &(PathBuf, Form)| *form == Form::File && ends_as_ours(path);
        self.entries().is_ok_and(|entries| entries.iter().any(is_ours))
    }

    /// Gives what lies in it by name, hidden things left out.
    fn entries(&self) -> Result<Vec<(PathBuf, Form)>, BackupError> {
        let mut all = Vec::new();
        let entries = match fs::read_dir(self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(all),
            Err(source) => return Err(BackupError::Io { action: "list the backup folder", source }),
        };
        for entry in entries {
            let entry = entry.map_err(BackupError::io("list the backup folder"))?;
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            if let (false, Ok(kind)) = (is_hidden, entry.file_type()) {
                all.push((entry.path(), Form::of(kind)));
            }
        }
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(all)
    }

    /// Removes what writers that died left behind.
    pub(crate) fn sweep(&self) {
        self.sweep_parts();
        lent::sweep(self.0);
        let entries = self.entries().unwrap_or_default();
        for (folder, _) in entries.into_iter().filter(|(_, form)| *form == Form::Folder) {
            if Folder(&folder).sweep_whole() {
                // Whatever else lies in it is not ours, and then it stays.
                let _ = fs::remove_dir(&folder);
            }
        }
    }

    /// Settles what a death left of backups of databases that were about to be dropped: where the database is still there, it
    /// was not dropped and they go; otherwise they get their names.
    pub(crate) fn sweep_held(&self, server: DatabaseId, is_there: &dyn Fn(DatabaseId) -> bool) {
        let entries = fs::read_dir(self.0).into_iter().flatten().flatten();
        for at in entries.map(|entry| entry.path()) {
            let Some((target, database)) = held_name(&name_of(&at), server) else { continue };
            let (Some(left), target) = (LeftPart::of(&at), self.0.join(target)) else { continue };
            let file = target.display();
            if is_there(database) {
                if left.remove() {
                    tracing::info!(%file, "removed a backup of a database that was not dropped after all");
                }
                continue;
            }
            match give_name(&at, &target) {
                Ok(()) => tracing::info!(%file, "a backup of a database that was dropped has its name"),
                // It had two for a moment.
                Err(_) if is_same(&at, &target) => drop(left.remove()),
                Err(error) => {
                    tracing::warn!(file = %at.display(), %error, "a backup of a database that was dropped is hidden")
                }
            }
        }
    }

    /// Removes the backup of a whole server that was never finished, and that nobody writes any more; tells whether there
    /// was one.
    pub(super) fn sweep_whole(&self) -> bool {
        // The list of a whole server is begun first and named last.
        let lists: Vec<_> = self.parts().filter(|part| name_of(part).contains(MANIFEST)).collect();
        let is_left = !lists.is_empty() && lists.iter().all(|list| LeftPart::of(list).is_some());
        if !is_left || self.0.join(MANIFEST).exists() {
            return false;
        }
        let files = self.entries().unwrap_or_default();
        files.iter().filter(|(path, _)| ends_as_ours(path)).for_each(|(path, _)| drop(fs::remove_file(path)));
        self.sweep_parts();
        tracing::info!(folder = %self.0.display(), "removed a backup of a whole server that was never finished");
        true
    }

    /// Removes the files that were begun and that nobody writes any more.
    pub(super) fn sweep_parts(&self) {
        for part in self.parts() {
            if LeftPart::of(&part).is_some_and(LeftPart::remove) {
                tracing::info!(file = %part.display(), "removed a backup that was never finished");
            }
        }
    }

    /// Gives the files that somebody is writing, or was.
    fn parts(&self) -> impl Iterator<Item = PathBuf> {
        let entries = fs::read_dir(self.0).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| {
            let name = name_of(path);
            name.starts_with(PART.0) && name.ends_with(PART.1) && name.contains(ENDING)
        })
    }
}

/// The names that were made up of late, so that none is made up twice: the files of most are still being written.
#[derive(Default)]
pub(crate) struct NamesMade(Mutex<(i128, HashSet<String>)>);

impl NamesMade {
    /// Makes a name up out of a moment, that of now or the next of which it is free.
    fn take(&self, folder: &Folder<'_>, nanos: i128, name_at: impl Fn(i128) -> String) -> String {
        let mut made = self.0.lock();
        let (latest, names) = &mut *made;
        let mut at = nanos;
        if at.div_euclid(NAMED_NANOS) > latest.div_euclid(NAMED_NANOS) {
            names.clear();
        }
        loop {
            let name = name_at(at);
            if !folder.0.join(&name).exists() && names.insert(name.clone()) {
                *latest = at.max(*latest);
                return name;
            }
            at += NAMED_NANOS;
        }
    }
}

fn time_in_name(nanos: i128) -> String {
    let millis = i64::try_from(nanos.div_euclid(1_000_000)).unwrap_or(0);
    let time = types::temporal::from_epoch(millis.div_euclid(1_000), millis.rem_euclid(1_000) * 1_000_000);
    let time = time.map_or_else(|_| millis.to_string(), |time| time.to_string());
    time.chars().filter(|sign| !matches!(sign, ':' | '-')).collect()
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Tells whether a file is meant to be a backup, whatever is in it.
pub(crate) fn ends_as_ours(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == ENDING)
}

/// Removes what killed runs left of files that they wrote into the folder of `target`; what is still being written stays.
pub fn remove_left(target: &Path) {
    Folder(folder_of(target)).sweep_parts();
}

/// A file that was begun by somebody who died. Nobody else removes it meanwhile.
pub(super) struct LeftPart<'p>(&'p Path, File);

impl<'p> LeftPart<'p> {
    /// Looks whether a file is one: whoever writes one holds it locked.
    pub(super) fn of(path: &'p Path) -> Option<Self> {
        if !fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file()) {
            return None;
        }
        let file = File::open(path).ok()?;
        match file.try_lock() {
            Ok(()) => Some(Self(path, file)),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
        }
    }

    pub(super) fn remove(self) -> bool {
        let Self(path, _held) = self;
        fs::remove_file(path).is_ok()
    }
}

/// A file that is being written under another name; gone when it is dropped unpublished.
pub struct Part {
    out: BufWriter<File>,
    at: PathBuf,
    target: PathBuf,
    is_published: bool,
}

impl Part {
    /// Begins a file that is to be `target`, in a folder that is there.
    pub fn create(target: &Path) -> Result<Self, BackupError> {
        if target.exists() {
            return Err(BackupError::Exists(target.to_owned()));
        }
        let folder = folder_of(target);
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        failpoint::reach("backup.part.before");
        let (file, at) = loop {
            let number: u64 = rand::rng().random();
            // Our ending is in it wherever the backup goes, so that a sweep knows it.
            let at = folder.join(format!("{}{name}.{ENDING}-{number:016x}{}", PART.0, PART.1));
            let file = File::create_new(&at).map_err(|source| match source.kind() {
                ErrorKind::NotFound => BackupError::NoFolder(folder.to_owned()),
                _ => BackupError::Io { action: "make the backup", source },
            })?;
            // A sweep leaves alone what is locked, and may have come before the lock. Where there are no locks it leaves all.
            let is_locked = file.lock().is_ok();
            if !is_locked || file.metadata().is_ok_and(|metadata| metadata.nlink() > 0) {
                break (file, at);
            }
        };
        failpoint::reach("backup.part.made");
        Ok(Self { out: BufWriter::with_capacity(1 << 20, file), at, target: target.to_owned(), is_published: false })
    }

    /// Lends the path under which it lies now.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.at
    }

    /// Writes out what is buffered and waits for the disk.
    pub fn sync(&mut self) -> Result<(), BackupError> {
        failpoint::reach("backup.sync.before");
        self.out.flush().map_err(BackupError::io("write the backup"))?;
        self.out.get_ref().sync_all().map_err(BackupError::io("sync the backup"))?;
        failpoint::reach("backup.sync.after");
        Ok(())
    }

    /// Gives the file its name, durably. Never takes the place of a file that is there.
    pub fn publish(mut self) -> Result<(), BackupError> {
        give_name(&self.at, &self.target)?;
        self.is_published = true;
        Ok(())
    }

    /// Keeps the file, durably, where nobody finds it before its database is dropped; after a death the next start decides.
    pub(crate) fn hold(mut self, server: DatabaseId, database: DatabaseId) -> Result<Held, BackupError> {
        let folder = folder_of(&self.target);
        let at = folder.join(name_held(&name_of(&self.target), server, database));
        fs::rename(&self.at, &at).map_err(BackupError::io("name the backup"))?;
        self.at = at;
        sync(folder)?;
        Ok(Held(self))
    }
}

/// A whole backup of a database that is about to be dropped; gone when it is dropped unsettled.
#[must_use]
pub(crate) struct Held(Part);

impl Held {
    /// Gives the file its name, now that the database is dropped. Where that fails it stays, and the next start tries again.
    pub(crate) fn publish(mut self) -> Result<(), BackupError> {
        self.0.is_published = true;
        give_name(&self.0.at, &self.0.target)
    }

    /// Leaves it as it is, for the next start to settle.
    pub(crate) fn leave(mut self) {
        self.0.is_published = true;
    }
}

fn name_held(name: &str, server: DatabaseId, database: DatabaseId) -> String {
    let hex = |id: DatabaseId| format!("{:032x}", u128::from_be_bytes(id.0));
    format!("{}{name}.{ENDING}-{}-{}{HELD}", PART.0, hex(server), hex(database))
}

/// Takes such a name apart, of a file of this server: the name that it is to have, and the database that it is of.
fn held_name(name: &str, server: DatabaseId) -> Option<(String, DatabaseId)> {
    let (target, ids) = name.strip_prefix(PART.0)?.strip_suffix(HELD)?.rsplit_once(&format!(".{ENDING}-"))?;
    let (of, database) = ids.split_once('-')?;
    let parse = |hex: &str| u128::from_str_radix(hex, 16).ok().map(|id| DatabaseId(id.to_be_bytes()));
    (parse(of)? == server).then_some((target.to_owned(), parse(database)?))
}

/// Gives a file its name, durably. Never takes the place of a file that is there.
fn give_name(at: &Path, target: &Path) -> Result<(), BackupError> {
    let failed = |source: io::Error| match source.kind() {
        ErrorKind::AlreadyExists => BackupError::Exists(target.to_owned()),
        _ => BackupError::Io { action: "name the backup", source },
    };
    // A second name and then one less: renaming would write over what came there meanwhile.
    match fs::hard_link(at, target) {
        Err(error) if error.kind() == ErrorKind::Unsupported || error.kind() == ErrorKind::PermissionDenied => {
            if target.exists() {
                return Err(BackupError::Exists(target.to_owned()));
            }
            fs::rename(at, target).map_err(failed)?;
        }
        linked => {
            linked.map_err(failed)?;
            failpoint::reach("backup.publish.linked");
            let _ = fs::remove_file(at);
        }
    }
    failpoint::reach("backup.publish.named");
    sync(folder_of(target))?;
    failpoint::reach("backup.publish.after");
    Ok(())
}

/// Tells whether two names are of one file.
fn is_same(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()));
    id(one).is_some() && id(one) == id(other)
}

fn sync(folder: &Path) -> Result<(), BackupError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(BackupError::io("sync the backup folder"))
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_published {
            // It takes room that may be the very thing that is short.
            let _ = fs::remove_file(&self.at);
        }
    }
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
