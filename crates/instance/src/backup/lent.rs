//! Files that somebody puts into the backup folder to have them restored, and that go again when they were.
//! Whoever lends one holds it locked: it is found by its name alone, and only as long as he is there.
//! Start reading at [`Lent::put`].

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rand::Rng;

use super::folder::{LeftPart, NAME_MAX_BYTES, is_plain};
use crate::own_folder;

/// What the names of these files begin with.
const LENT: &str = "lent-";
/// Random digits behind that.
const DIGITS: usize = 32;

/// A file that lies in the backup folder until this is dropped.
pub struct Lent {
    at: PathBuf,
    name: String,
    /// What keeps it locked; nothing of one that was there before, and stays.
    held: Option<File>,
}

impl Lent {
    /// Chooses the path of a file before it is there, so that who is ended while he puts it there can remove it.
    ///
    /// Nobody guesses it, so who names it has the file in hand: he restores what is not encrypted without a right to back up.
    #[must_use]
    pub fn path(folder: &Path, file: &Path) -> PathBuf {
        let of = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let of: String = of.chars().filter(|sign| is_plain(*sign)).take(NAME_MAX_BYTES / 2).collect();
        folder.join(format!("{LENT}{:032x}-{of}", rand::rng().random::<u128>()))
    }

    /// Puts a file at a path that [`Lent::path`] chose, readable by who owns that folder; one that lies in it stays where
    /// it is. What others left there who died goes.
    ///
    /// # Errors
    ///
    /// Those of the disk. The folder above the backup folder has to be there.
    pub fn put(file: &Path, at: PathBuf) -> io::Result<Self> {
        let folder = at.parent().unwrap_or(Path::new("."));
        let file = file.canonicalize()?;
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if folder.canonicalize().is_ok_and(|folder| file.parent() == Some(&folder)) {
            return Ok(Self { name: name(&file), at: file, held: None });
        }
        make(folder)?;
        sweep(folder);
        let source = File::open(&file)?;
        // Before anybody sees it; several may lend one file.
        let _ = source.lock_shared();
        let linked = own_folder::may_read(folder, &source) && fs::hard_link(&file, &at).is_ok();
        let held = if linked { source } else { copy(source, &at, folder)? };
        Ok(Self { name: name(&at), at, held: Some(held) })
    }

    /// Lends the name that a command gives.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.held.is_some() {
            let _ = fs::remove_file(&self.at);
        }
    }
}

/// Makes the backup folder as the server does with its first backup. Where there is no folder above it either, it is on
/// another machine.
fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new().mode(0o700).create(folder)?;
    match folder.parent() {
        Some(above) => own_folder::hand_over(&File::open(folder)?, above),
        None => Ok(()),
    }
}

fn copy(mut source: File, at: &Path, folder: &Path) -> io::Result<File> {
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(at)?;
    let _ = copy.lock_shared();
    let copied = io::copy(&mut source, &mut copy).and_then(|_| {
        copy.set_permissions(source.metadata()?.permissions())?;
        own_folder::hand_over(&copy, folder)
    });
    if copied.is_err() {
        // It takes room that may be the very thing that is short.
        let _ = fs::remove_file(at);
    }
    copied.map(|()| copy)
}

/// Tells whether a file has a name that [`Lent::path`] made up.
pub(crate) fn is_lent(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix(LENT));
    let digits = name.and_then(|name| name.split('-').next());
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// Tells whether a file was lent by somebody who is gone.
pub(super) fn is_left(file: &Path) -> bool {
    is_lent(file) && LeftPart::of(file).is_some()
}

/// Removes what was lent by those who are gone.
pub(super) fn sweep(folder: &Path) {
    for at in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if is_lent(&at) && LeftPart::of(&at).is_some_and(LeftPart::remove) {
            tracing::info!(file = %at.display(), "removed a file that was lent for a restore");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

    use super::*;
    use crate::backup::{BackupError, Folder, Found};

    fn files(folder: &Path) -> usize {
        fs::read_dir(folder).expect("lists").count()
    }

    #[test]
    fn f24_what_is_lent_is_found_by_its_name_alone_and_as_long_as_its_lender_is_there() {
        let (above, elsewhere) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let (folder, file) = (above.path().join("backups"), elsewhere.path().join("a b.sheafbackup"));
        fs::write(&file, "data").expect("writes");
        let lent =
            [Lent::path(&folder, &file), Lent::path(&folder, &file)].map(|at| Lent::put(&file, at).expect("puts"));
        let [one, other] = &lent;
        assert!(one.name().ends_with("-ab.sheafbackup") && one.name() != other.name(), "{}", one.name());
        let place = Folder(&folder);
        assert!(place.list().expect("lists").is_empty());
        assert!([one, other].iter().all(|lent| place.file_there(lent.name()).is_ok()));
        place.sweep();
        assert_eq!(files(&folder), 2, "they are needed");
        drop(lent);
        assert_eq!((files(&folder), fs::read(&file).expect("stays")), (0, b"data".to_vec()));

        // Whoever was killed holds nothing.
        let left = Lent::path(&folder, &file);
        fs::write(&left, "data").expect("writes");
        let name = left.file_name().and_then(|name| name.to_str()).expect("plain");
        assert!(matches!(place.file_there(name), Err(BackupError::Missing(_))));
        assert!(place.list().expect("lists").is_empty());
        let own = folder.join("own.sheafbackup");
        fs::copy(&file, &own).expect("copies");
        drop(Lent::put(&own, Lent::path(&folder, &own)).expect("it is there"));
        assert_eq!(files(&folder), 2, "what lies in the folder is not lent");
        drop(Lent::put(&file, Lent::path(&folder, &file)).expect("puts"));
        assert!(matches!(&place.list().expect("lists")[..], [Found::File(_)]));
        assert_eq!(files(&folder), 1, "the next restore removes what is left");
        fs::write(&left, "data").expect("writes");
        place.sweep();
        assert_eq!(files(&folder), 1, "and so does the next start");
    }

    #[test]
    fn f24_f97_what_root_lends_can_be_read_by_whose_folder_it_is() {
        const SERVICE: u32 = 65_534;
        let (above, elsewhere) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let (folder, file) = (above.path().join("backups"), elsewhere.path().join("a.sheafbackup"));
        fs::write(&file, "data").expect("writes");
        if fs::metadata(&file).expect("is there").uid() != 0 {
            // Only root works in somebody else's folder.
            return;
        }
        chown(above.path(), Some(SERVICE), Some(SERVICE)).expect("root may");
        for mode in [0o600, 0o644] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("sets");
            let lent = Lent::put(&file, Lent::path(&folder, &file)).expect("puts");
            let there = fs::metadata(folder.join(lent.name())).expect("is there");
            assert!(there.uid() == SERVICE || there.mode() & 0o004 != 0, "{there:?}");
            let (folder, file) = (fs::metadata(&folder).expect("there"), fs::metadata(&file).expect("there"));
            assert_eq!((folder.uid(), folder.mode() & 0o777, file.uid()), (SERVICE, 0o700, 0));
        }
        assert_eq!(files(&folder), 0);
    }
}
