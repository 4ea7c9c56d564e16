//! Which crate may use which: the table of ARCHITECTURE.md against every Cargo.toml.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{files, read, shown};

/// Libraries that only one crate may name in its sources.
const OWNED: &[(&str, &[&str])] = &[
    ("heed", &["store"]),
    ("logos", &["cypher"]),
    ("axum", &["server"]),
    ("reedline", &["cli"]),
    ("clap", &["cli", "bench"]),
    ("regex", &["graph", "query"]),
    ("rust_stemmers", &["graph"]),
    ("unicode_segmentation", &["graph"]),
    ("argon2", &["catalog"]),
];

/// Checks that each dependency between our crates is in the table.
pub(super) fn arrows(root: &Path) -> Result<Vec<String>, String> {
    let allowed = table(&read(&root.join("ARCHITECTURE.md"))?);
    let mut problems = Vec::new();
    for (name, manifest) in manifests(root)? {
        let Some(may_use) = allowed.get(&name) else {
            problems.push(format!("crate '{name}' is not in the layer table of ARCHITECTURE.md"));
            continue;
        };
        for dependency in dependencies(&manifest)? {
            let ours = allowed.contains_key(&dependency);
            if ours && !may_use.contains(&dependency) {
                problems.push(format!(
                    "'{name}' uses '{dependency}', which its row in ARCHITECTURE.md does not name; a new arrow needs a row and an ADR"
                ));
            }
        }
    }
    Ok(problems)
}

/// Checks that a library with an owner is named by no other crate.
pub(super) fn owners(root: &Path) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    for (name, manifest) in manifests(root)? {
        let used = dependencies(&manifest)?;
        let foreign =
            OWNED.iter().filter(|(library, owners)| used.contains(*library) && !owners.contains(&name.as_str()));
        problems.extend(foreign.map(|(library, owners)| format!("'{name}' names '{library}'; only {owners:?} may")));
    }
    Ok(problems)
}

/// Reads the layer table: each row's second cell is a crate, its third the crates that it may use.
fn table(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let rows = text.lines().skip_while(|line| !line.starts_with("| layer |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let name = cells.get(2)?.trim_matches('`').to_owned();
        // What stands between back-quotes.
        let uses = cells.get(3)?.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        Some((name, uses))
    })
    .collect()
}

/// Gives the names of our crates and their manifests.
fn manifests(root: &Path) -> Result<Vec<(String, toml::Table)>, String> {
    let mut manifests = Vec::new();
    for path in files(root, &["Cargo.toml"])? {
        let table: toml::Table = read(&path)?.parse().map_err(|error| format!("{}: {error}", shown(root, &path)))?;
        let name = table.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
        if let Some(name) = name {
            manifests.push((name.to_owned(), table));
        }
    }
    Ok(manifests)
}

/// Names what a crate depends on, for its tests too.
fn dependencies(manifest: &toml::Table) -> Result<BTreeSet<String>, String> {
    let mut names = BTreeSet::new();
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        if let Some(table) = manifest.get(section).and_then(toml::Value::as_table) {
            names.extend(table.keys().cloned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_table() {
        let text = "x\n| layer | crate | uses | job |\n|---|---|---|---|\n| 2 | `cypher` | `types` | text |\n| 3 | `query` | `cypher`, `types` | plans |\n\nmore | `no` |\n";
        let table = table(text);
        assert_eq!(table.len(), 2);
        assert!(table["query"].contains("cypher") && table["query"].contains("types"));
        assert_eq!(table["cypher"].len(), 1);
    }
}
