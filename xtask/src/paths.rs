//! Where things are: the workspace, and the target folder that holds everything made by a chore.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Gives the folder of the workspace that cargo was called in.
///
/// Asked when it runs: checkouts that share a target folder share this executable too.
pub fn workspace() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        Path::new(&package).parent().expect("xtask lies in the workspace").to_owned()
    });
    &FOLDER
}

/// Gives the target folder, as cargo would choose it.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => workspace().join(folder),
        None => workspace().join("target"),
    }
}
