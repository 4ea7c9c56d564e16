//! What makes tests worth their time: each can fail, and what they promise to try is tried.

use std::path::Path;

use super::{files, read, shown};

/// Rows of the list of features that this check answers for: limits, operation and quality. Others have their own tests.
const ROWS: [std::ops::RangeInclusive<u32>; 3] = [24..=25, 46..=63, 204..=213];
/// The table of what is tried against faults.
const FAULTS: &str = "suite/faults/README.md";

/// Places that no drill reaches, and why.
const UNREACHED: [(&str, &str); 3] = [
    ("audit.turned", "a file of the audit takes 16 MiB, and refusals are written ten a second"),
    ("audit.retained", "the files of the audit take 4 GiB before one goes"),
    ("store.sync.before", "only a load calls it, whose own places lie around it"),
];

/// Places where a test can kill the process are there to be used.
pub(super) fn places(root: &Path) -> Result<Vec<String>, String> {
    let (mut places, mut tests) = (Vec::new(), String::new());
    for path in files(root, &[".rs"])? {
        let text = read(&path)?;
        if path.starts_with(root.join("suite/faults")) || path.components().any(|part| part.as_os_str() == "tests") {
            tests.push_str(&text);
        } else {
            places.extend(reached(&text).map(|place| (place.to_owned(), shown(root, &path))));
        }
    }
    if places.len() < 20 {
        return Err(format!("only {} places were found", places.len()));
    }
    let is_unused = |(place, _): &&(String, String)| {
        !tests.contains(place.as_str()) && !UNREACHED.iter().any(|(unreached, _)| unreached == place)
    };
    let unused = places.iter().filter(is_unused);
    Ok(unused.map(|(place, file)| format!("{file}: no test kills the process at \"{place}\"")).collect())
}

/// Finds the names of places: literals that are handed to `failpoint::reach`.
fn reached(text: &str) -> impl Iterator<Item = &str> {
    text.split("failpoint::reach(\"").skip(1).filter_map(|rest| rest.split('"').next())
}

/// A test that is ignored, or that asks for nothing, cannot fail.
pub(super) fn able_to_fail(root: &Path) -> Result<Vec<String>, String> {
    // In two pieces, so that this file does not hold it.
    let ignored = ["#[ign", "ore"].concat();
    let mut problems = Vec::new();
    for path in files(root, &[".rs"])? {
        let text = read(&path)?;
        if text.contains(&ignored) {
            problems.push(format!("{} holds a test that is ignored", shown(root, &path)));
        }
        for body in text.split("#[test]\n").skip(1) {
            let body = until_closed(body);
            if !asks(body, &text) {
                let name = body.split("fn ").nth(1).and_then(|rest| rest.split('(').next()).unwrap_or("?");
                problems.push(format!("{}: the test {name} asks for nothing", shown(root, &path)));
            }
        }
    }
    Ok(problems)
}

/// Cuts a function off where its last brace closes.
fn until_closed(text: &str) -> &str {
    let indent = text.len() - text.trim_start_matches(' ').len();
    let end = format!("\n{}}}", " ".repeat(indent));
    text.split_once(&end).map_or(text, |(body, _)| body)
}

/// Tells whether a test has anything that can fail: an assertion, a value that must be there, or a helper that asks.
fn asks(body: &str, file: &str) -> bool {
    const WORDS: [&str; 10] =
        ["assert", "expect", "panic", "unwrap", "check", "refuse", "prop", "?;", "die_at", "same("];
    WORDS.iter().any(|word| body.contains(word)) || calls_helper(body, file)
}

/// Tells whether a test calls a function of its own file.
fn calls_helper(body: &str, file: &str) -> bool {
    let calls = body.match_indices('(').map(|(at, _)| {
        let before = &body[..at];
        let is_part = |character: char| character.is_alphanumeric() || character == '_';
        &before[before.trim_end_matches(is_part).len()..]
    });
    // The first one is the test itself.
    calls.skip(1).any(|name| !name.is_empty() && ["(", "<"].iter().any(|end| file.contains(&format!("fn {name}{end}"))))
}

/// What is promised is tried: each row has a test, a script or a driver's test that names it.
pub(super) fn rows(root: &Path) -> Result<Vec<String>, String> {
    let mut all = String::new();
    for path in files(root, &[".rs", ".txt", ".py"])? {
        let is_test = !path.ends_with("tidy/drills.rs");
        all.extend(is_test.then(|| read(&path)).transpose()?.map(|text| text.to_lowercase() + "\n"));
    }
    let missing = ROWS.into_iter().flatten().filter(|row| !names(&all, *row));
    Ok(missing.map(|row| format!("no test names row f{row}")).collect())
}

fn names(text: &str, row: u32) -> bool {
    let word = format!("f{row}");
    text.match_indices(&word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(|after| after.is_ascii_digit())
    })
}

/// The table of faults names tests that are there, and each drill is in it.
pub(super) fn table(root: &Path) -> Result<Vec<String>, String> {
    let table = read(&root.join(FAULTS))?;
    let named: Vec<&str> = table.split('`').skip(1).step_by(2).filter(|word| word.contains('_')).collect();
    let mut functions = String::new();
    for path in files(root, &[".rs", ".py"])? {
        functions.push_str(&read(&path)?);
    }
    let is_there =
        |name: &str| functions.contains(&format!("fn {name}(")) || functions.contains(&format!("def {name}("));
    let mut problems: Vec<String> =
        named.iter().filter(|name| !is_there(name)).map(|name| format!("{FAULTS}: there is no test {name}")).collect();
    for path in files(&root.join("suite/faults"), &[".rs"])? {
        let text = read(&path)?;
        for test in text.split("#[test]\nfn ").skip(1).filter_map(|rest| rest.split('(').next()) {
            if !named.contains(&test) {
                problems.push(format!("{}: {test} is not in {FAULTS}", shown(root, &path)));
            }
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_by_their_names() {
        let text = "failpoint::reach(\"a.b\"); types::failpoint::reach(\"c\");";
        assert_eq!(reached(text).collect::<Vec<_>>(), ["a.b", "c"]);
    }

    #[test]
    fn f213_a_test_without_a_question_is_found() {
        let file = "fn prints() { println!(\"ok\"); } fn asks_more() {} fn through() { asks_more(); }";
        assert!(!asks("fn prints() { println!(\"ok\"); }", file) && asks("fn one() { assert_eq!(1, 1); }", file));
        assert!(asks("    fn through() { asks_more(); }", file));
        assert_eq!(until_closed("    fn a() {\n        x();\n    }\n    fn b() {}"), "    fn a() {\n        x();");
    }

    #[test]
    fn a_row_is_named_by_its_own_number() {
        assert!(names("fn f46_limits", 46) && names("# f46: x", 46) && !names("f460", 46) && !names("of46", 46));
    }
}
