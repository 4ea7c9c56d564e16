//! The list of scenarios that fail today, kept in `suite/tck-known-failures.txt`.
//!
//! A failure that is not in the list fails the run, and so does a listed scenario that passes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What the file says about itself.
const HEAD: &str = "\
# Scenarios of the TCK that fail today, one a line; `SHEAF_BLESS=1 cargo test -p suite --test tck` writes this file.
# A failure that is not listed fails the run; so does a listed scenario that passes: take it out.
";

/// Gives the file's place.
#[must_use]
pub fn path() -> PathBuf {
    crate::folder().join("tck-known-failures.txt")
}

/// Reads the list; no file is an empty list.
///
/// # Errors
///
/// A file that is there and cannot be read.
pub fn load(path: &Path) -> Result<BTreeSet<String>, String> {
    if !path.exists() {
        return Ok(BTreeSet::new());
    }
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect())
}

/// Writes the list.
///
/// # Errors
///
/// A file that cannot be written.
pub fn save(path: &Path, failures: &BTreeSet<String>) -> Result<(), String> {
    let lines: String = failures.iter().map(|id| format!("{id}\n")).collect();
    std::fs::write(path, format!("{HEAD}{lines}")).map_err(|error| format!("{}: {error}", path.display()))
}

/// Turns an outcome into the test's verdict.
///
/// # Errors
///
/// A failure that nobody knew of, or a known one that is none any more.
pub fn verdict(id: &str, known: &BTreeSet<String>, outcome: Result<(), String>) -> Result<(), String> {
    match (known.contains(id), outcome) {
        (true, Err(_)) | (false, Ok(())) => Ok(()),
        (false, Err(problem)) => Err(problem),
        (true, Ok(())) => Err("passes now: remove it from tck-known-failures.txt".to_owned()),
    }
}
