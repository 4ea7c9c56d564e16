//! Folders of the server's own, which nobody else on the machine reads: databases, hashes of passwords, the audit, backups.
//! Start reading at [`make`].

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

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
