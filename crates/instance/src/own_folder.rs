//! Folders of the server's own, which nobody else on the machine reads: databases, hashes of passwords, the audit, backups.
//! Start reading at [`make`]; [`HandOver`] is for tools that root runs on the folder of a service.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, fchown, lchown};
use std::path::{Path, PathBuf};

const ROOT: u32 = 0;
/// What others may do with a folder, as far as it is ours.
const OTHERS: u32 = 0o077;

/// Makes a folder, and those above it that are missing, for its owner alone.
///
/// One that is there stays as somebody made it; what others may read is told in the log.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    let mode = fs::metadata(folder).map_or(0, |there| there.mode() & 0o777);
    if mode & OTHERS != 0 {
        let (folder, mode) = (folder.display(), format!("{mode:o}"));
        tracing::info!(%folder, mode, "other users of this machine may read the folder; chmod 700 keeps them out");
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Gives something that was made in a folder to whom the folder belongs, where root made it.
pub(crate) fn hand_over(made: &File, folder: &Path) -> io::Result<()> {
    let owner = fs::metadata(folder)?;
    if owner.uid() != ROOT && made.metadata()?.uid() == ROOT {
        fchown(made, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

/// Tells whether whom a folder belongs to may read what root puts into it as it is; what others put there is their matter.
pub(crate) fn may_read(folder: &Path, file: &File) -> bool {
    let (Ok(owner), Ok(file)) = (fs::metadata(folder), file.metadata()) else { return false };
    let is_root = rustix::process::geteuid().as_raw() == ROOT;
    !is_root || owner.uid() == ROOT || owner.uid() == file.uid() || file.mode() & 0o004 != 0
}

/// Gives what was made in a folder to whom the folder belongs, when it is dropped: a service does not open what is root's.
pub(crate) struct HandOver(Option<PathBuf>);

impl HandOver {
    /// For a folder that somebody else works with, or for none.
    pub(crate) fn of(folder: Option<&Path>) -> Self {
        Self(folder.map(Path::to_owned))
    }
}

impl Drop for HandOver {
    fn drop(&mut self) {
        let Some(folder) = &self.0 else { return };
        let Ok(owner) = fs::metadata(folder) else { return };
        // Only root gives files away, and only what is root's is in the way of a service.
        if owner.uid() != ROOT {
            give(folder, &owner);
        }
    }
}

fn give(folder: &Path, owner: &Metadata) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        // A file with a second name may be anybody's, put here for this very moment.
        let is_ours = metadata.is_dir() || (metadata.is_file() && metadata.nlink() == 1);
        if is_ours
            && metadata.uid() == ROOT
            && let Err(error) = lchown(&path, Some(owner.uid()), Some(owner.gid()))
        {
            tracing::warn!(file = %path.display(), %error, "it stays root's, and the folder is somebody else's");
        }
        if metadata.is_dir() {
            give(&path, owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn f97_a_folder_is_made_for_its_owner_alone() {
        let above = tempfile::tempdir().expect("a folder");
        let mode = |folder: &Path| fs::metadata(folder).expect("it is there").mode() & 0o777;
        let data = above.path().join("sheaf/data");
        make(&data).expect("makes");
        assert_eq!((mode(&data), mode(&above.path().join("sheaf"))), (0o700, 0o700));
        fs::set_permissions(&data, fs::Permissions::from_mode(0o750)).expect("sets");
        make(&data).expect("it is there");
        assert_eq!(mode(&data), 0o750, "whoever lets his group in has a reason");
    }
}
