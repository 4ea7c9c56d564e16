//! What the documents look like: headings of decisions, and links.

use std::path::Path;

use super::{files, read, shown};

/// What every decision tells.
const HEADINGS: [&str; 4] = ["## Context", "## Decision", "## What we gave up", "## When to look again"];

/// A decision has its four headings, and a number of its own.
pub(super) fn decisions(root: &Path) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    let mut numbers = std::collections::BTreeMap::new();
    for path in files(&root.join("docs/adr"), &[".md"])? {
        let text = read(&path)?;
        let name = shown(root, &path);
        let missing = HEADINGS.iter().filter(|heading| !text.lines().any(|line| line.trim_end() == **heading));
        problems.extend(missing.map(|heading| format!("{name} has no '{heading}'")));
        let number: String = path.file_name().unwrap_or_default().to_string_lossy().chars().take(4).collect();
        if let Some(other) = numbers.insert(number, name.clone()) {
            problems.push(format!("{name} has the number of {other}"));
        }
    }
    Ok(problems)
}

/// A link to a file of the project leads to a file that is there.
pub(super) fn links(root: &Path) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    for path in files(root, &[".md"])? {
        let folder = path.parent().unwrap_or(root).to_owned();
        for target in targets(&read(&path)?) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !folder.join(file).exists() {
                problems.push(format!("{} links to '{target}', which is not there", shown(root, &path)));
            }
        }
    }
    Ok(problems)
}

/// Lists the targets of Markdown links that are no addresses.
fn targets(text: &str) -> Vec<String> {
    let behind = text.split("](").skip(1);
    let targets = behind.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.trim().to_owned());
    targets
        .filter(|target| !target.contains("://") && !target.contains(' ') && !target.starts_with("mailto:"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_links_to_files() {
        let text = "[a](x/y.md#part) and [b](https://z) and [c](q.md)";
        assert_eq!(targets(text), ["x/y.md#part", "q.md"]);
    }
}
