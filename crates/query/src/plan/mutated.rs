//! Real statements with something broken: the parser, the planner and the operators give rows or an error, never a panic.
//! Leaves what the right answer is to other tests.
//! Start reading at [`broken_statements_end_well`].

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cypher::ast::Body;
use types::{Clock, SystemClock};

use super::forms::{Random, graph};
use super::tests::{prepared, rows_of};

/// How long it goes on, unless `SHEAF_FUZZ_SECONDS` says another time.
const SECONDS: u64 = 10;

/// Where statements that once failed are kept, to be played first in every run.
const KEPT: &str = "corpus/cypher";

/// The stack of a thread that runs statements, as the server makes it.
const STACK_BYTES: usize = 64 << 20;

/// Pieces that are put into statements.
const PIECES: [&str; 60] = [
    "MATCH",
    "OPTIONAL",
    "WHERE",
    "WITH",
    "RETURN",
    "UNWIND",
    "CREATE",
    "MERGE",
    "SET",
    "REMOVE",
    "DELETE",
    "CALL",
    "UNION",
    "ORDER BY",
    "LIMIT",
    "SKIP",
    "AS",
    "IN",
    "IS",
    "NOT",
    "NULL",
    "CASE",
    "WHEN",
    "THEN",
    "END",
    "EXISTS",
    "COUNT",
    "COLLECT",
    "FOREACH",
    "SHORTEST 2",
    "*",
    "+",
    "-",
    "->",
    "<-",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "|",
    ":",
    "::",
    ",",
    ".",
    "..",
    "$p",
    "'",
    "\"",
    "`",
    "/*",
    "//",
    "0",
    "-1",
    "9223372036854775807",
    "1e400",
    "n",
    "é",
    "\u{0}",
];

/// Gathers the statements of the scripts and of openCypher's features.
fn statements() -> Vec<String> {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../suite");
    let mut files = Vec::new();
    for folder in ["scripts", "tck"] {
        gather(&suite.join(folder), &mut files);
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a file of the tests can be read");
        if file.extension().is_some_and(|extension| extension == "feature") {
            found.extend(text.split("\"\"\"").skip(1).step_by(2).map(str::to_owned));
        } else {
            let statement = |line: &str| line.split_once("> ").map(|(_, statement)| statement.to_owned());
            found.extend(text.lines().filter(|line| line.starts_with(['>', '!', '['])).filter_map(statement));
        }
    }
    found
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            gather(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "feature" || extension == "txt") {
            files.push(path);
        }
    }
}

/// Cuts a text where a word ends or begins.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut in_word = false;
    for character in text.chars() {
        let of_word = character.is_alphanumeric() || character == '_';
        match words.last_mut().filter(|_| of_word && in_word) {
            Some(word) => word.push(character),
            None => words.push(character.to_string()),
        }
        in_word = of_word;
    }
    words
}

fn below(random: &mut Random, bound: usize) -> usize {
    usize::try_from(random.below(bound.max(1) as u64)).expect("it is below a size")
}

fn mutated(random: &mut Random, all: &[String]) -> String {
    let mut pieces = words(&all[below(random, all.len())]);
    for _ in 0..1 + below(random, 3) {
        if pieces.is_empty() {
            break;
        }
        let at = below(random, pieces.len());
        match random.below(9) {
            0 => drop(pieces.remove(at)),
            1 => pieces.insert(at, pieces[at].clone()),
            2 => {
                let other = below(random, pieces.len());
                pieces.swap(at, other);
            }
            3 => pieces.truncate(at),
            4 => pieces.insert(at, format!(" {} ", PIECES[below(random, PIECES.len())])),
            5 => pieces[at] = PIECES[below(random, PIECES.len())].to_owned(),
            6 => {
                let other = words(&all[below(random, all.len())]);
                let from = below(random, other.len());
                pieces.splice(at.., other.into_iter().skip(from));
            }
            7 => {
                // A part of it many times over.
                let end = (at + 1 + below(random, 4)).min(pieces.len());
                let part = pieces[at..end].concat();
                pieces.insert(at, part.repeat(1 + below(random, 300)));
            }
            _ => {
                let other = words(&all[below(random, all.len())]);
                pieces[at] = other.get(below(random, other.len())).cloned().unwrap_or_default();
            }
        }
    }
    pieces.concat()
}

/// Takes one statement through all stages.
fn play(text: &str, seed: u64) {
    let Ok(statement) = cypher::parse(text) else { return };
    let Body::Query(query) = statement.body else { return };
    let _again = cypher::parse(&query.to_string());
    let mut world = graph(seed % 13, seed.is_multiple_of(2));
    world.time_max = Some(Duration::from_millis(200));
    if let Ok(plan) = prepared(&world, text) {
        let _shown = plan.describe();
        let _outcome = rows_of(&mut world, &plan);
    }
}

/// Plays a statement on a thread of its own; tells whether it did not panic.
fn ends_well(text: &str, seed: u64) -> bool {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        thread.spawn_scoped(scope, || play(text, seed)).expect("a thread starts").join().is_ok()
    })
}

fn kept_statements(folder: &Path) -> Vec<String> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("the corpus is there").flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "cypher"));
    files.sort();
    assert!(!files.is_empty(), "{} has no statement", folder.display());
    files.iter().map(|path| fs::read_to_string(path).expect("a statement can be read")).collect()
}

#[test]
fn broken_statements_end_well() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let all = statements();
    assert!(all.len() > 2_000, "{} statements to begin with", all.len());
    if let Some(seed) = number("SHEAF_FUZZ_SEED") {
        return play(&mutated(&mut Random(seed), &all), seed);
    }
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../suite").join(KEPT);
    for (at, text) in kept_statements(&kept).iter().enumerate() {
        assert!(ends_well(text, at as u64), "{}: {text}", kept.display());
    }
    // It goes on for both, a time and a number.
    let time = Duration::from_secs(number("SHEAF_FUZZ_SECONDS").unwrap_or(SECONDS));
    let least = number("SHEAF_FUZZ_STATEMENTS").unwrap_or(100);
    let started = SystemClock.now();
    let first = number("SHEAF_SEED").unwrap_or(20_260) << 32;
    let mut seed = first;
    while seed - first < least || SystemClock.now() - started < time {
        let text = mutated(&mut Random(seed), &all);
        let before = SystemClock.now();
        if !ends_well(&text, seed) {
            // It stays in the corpus, so that it never fails again.
            let _kept = fs::write(kept.join(format!("{seed}.cypher")), &text);
            panic!("SHEAF_FUZZ_SEED={seed} fails: {text}");
        }
        let spent = SystemClock.now() - before;
        assert!(spent < Duration::from_secs(10), "SHEAF_FUZZ_SEED={seed} takes {spent:?}: {text}");
        seed += 1;
    }
}
