//! What a source file looks like: its size, its first lines, and words that it must not hold.

use std::path::Path;

use super::{files, read, shown};

/// Most lines of a source file.
const LINES_MAX: usize = 900;

/// Files are one idea each; a file beyond the bound holds two.
pub(super) fn sizes(root: &Path) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    for path in files(root, &[".rs"])? {
        let lines = read(&path)?.lines().count();
        if lines > LINES_MAX {
            problems.push(format!("{} has {lines} lines; the bound is {LINES_MAX}", shown(root, &path)));
        }
    }
    Ok(problems)
}

/// Words that mark unfinished work do not stay; work that is left is in an issue.
pub(super) fn words(root: &Path) -> Result<Vec<String>, String> {
    // Spelled in two pieces, so that this file does not hold them.
    let banned = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["HA", "CK"]].map(|[a, b]| format!("{a}{b}"));
    let mut problems = Vec::new();
    for path in files(root, &[".rs", ".md", ".toml", ".script", ".py", ".mjs"])? {
        for (at, line) in read(&path)?.lines().enumerate() {
            if let Some(word) = banned.iter().find(|word| holds_word(line, word)) {
                problems.push(format!("{}:{}: '{word}'", shown(root, &path), at + 1));
            }
        }
    }
    Ok(problems)
}

fn holds_word(line: &str, word: &str) -> bool {
    let plain = |character: Option<char>| !character.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word)
        .any(|(at, _)| plain(line[..at].chars().next_back()) && plain(line[at + word.len()..].chars().next()))
}

/// A crate's root says its job, what it leaves to others, and where to start.
pub(super) fn openings(root: &Path) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    for path in files(&root.join("crates"), &["lib.rs", "mod.rs", "main.rs"])? {
        let text = read(&path)?;
        let opening = text.lines().take_while(|line| line.starts_with("//!")).count();
        if opening < 3 && !path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "benches") {
            problems.push(format!("{} opens with {opening} lines of '//!'; three are wanted", shown(root, &path)));
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_alone() {
        assert!(holds_word("// WORD: x", "WORD"));
        assert!(!holds_word("PASSWORD", "WORD"));
        assert!(!holds_word("WORD_MAX", "WORD"));
    }
}
