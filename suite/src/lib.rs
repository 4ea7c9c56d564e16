//! Tools of the tests that cross crates: openCypher's TCK, scripts, faults, and the rules of the house.
//! Holds no test itself; those lie beside this folder, one target a kind.
//! Start reading at [`door`], by which scripts and scenarios speak to the system, or at [`process::Process`].

pub mod door;
pub mod faults;
pub mod names;
pub mod process;
pub mod script;
pub mod system;
pub mod tck;
pub mod tidy;

use std::path::PathBuf;

/// Gives the folder of this crate, where the data of its tests lies.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Gives the folder of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    folder().parent().expect("the crate lies in the workspace").to_owned()
}
