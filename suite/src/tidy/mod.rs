//! The rules of the house that no compiler checks: layers, sizes, words, documents.
//! Leaves formatting and lints to their own tools.
//! Start reading at [`CHECKS`].

mod documents;
mod drills;
mod layers;
mod sources;

use std::path::{Path, PathBuf};

/// A check of the whole workspace: gives what it found wrong, one problem a line.
pub type Check = fn(&Path) -> Result<Vec<String>, String>;

/// Every check by name.
pub const CHECKS: &[(&str, Check)] = &[
    ("arrows between crates are in ARCHITECTURE.md", layers::arrows),
    ("only the owner of a library names it", layers::owners),
    ("files hold one idea", sources::sizes),
    ("no leftovers in the sources", sources::words),
    ("modules open with their job", sources::openings),
    ("decisions have their four headings", documents::decisions),
    ("links between documents lead somewhere", documents::links),
    ("f212: every place of a kill has its drill", drills::places),
    ("f213: tests can fail", drills::able_to_fail),
    ("f213: every row has its test", drills::rows),
    ("the table of faults is complete", drills::table),
];

/// Lists the files below a folder whose names end so, sorted; build output and copied data are left out.
fn files(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    collect(folder, endings, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let foreign = matches!(name.as_str(), "target" | "node_modules" | "tck" | "__pycache__" | "data");
            if !foreign && !name.starts_with('.') {
                collect(&path, endings, found)?;
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Shows a path from the workspace on.
fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}
