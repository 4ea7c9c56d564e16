//! Runs one program, shows what it prints, and counts the tests that it reports.

use std::io::{BufRead, BufReader};
use std::process::Command;

/// How many checks passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Checks that passed.
    pub passed: i64,
    /// Checks that failed.
    pub failed: i64,
}

impl Tally {
    /// One check that passed or failed as a whole.
    pub fn single(passed: bool) -> Self {
        Self { passed: i64::from(passed), failed: i64::from(!passed) }
    }

    /// Adds another tally.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Runs a program with its output on the terminal; counts the tests that it reports, or itself where it reports none.
///
/// A program that fails without a failed test counts as one failure.
pub fn run(command: &mut Command) -> Result<Tally, String> {
    let name = format!("{command:?}");
    let failed = |error: std::io::Error| format!("cannot run {name}: {error}");
    let (reader, writer) = std::io::pipe().map_err(failed)?;
    let copy = writer.try_clone().map_err(failed)?;
    let mut child = command.stdout(writer).stderr(copy).spawn().map_err(failed)?;
    // The command keeps the pipe's other end open until it is replaced; reading would never end.
    command.stdout(std::process::Stdio::inherit()).stderr(std::process::Stdio::inherit());
    let mut counted: Option<Tally> = None;
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.map_err(failed)?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        if let Some(found) = read_tally(&line) {
            counted.get_or_insert_default().add(found);
        }
    }
    let succeeded = child.wait().map_err(failed)?.success();
    let mut tally = counted.unwrap_or_else(|| Tally::single(succeeded));
    // Python also counts what failed around its tests, so that more may fail than were run.
    tally.passed = tally.passed.max(0);
    if !succeeded && tally.failed == 0 {
        tally.failed = 1;
    }
    Ok(tally)
}

/// Reads the summary line of a test runner: cargo's own, nextest's, Python's and Node's.
fn read_tally(line: &str) -> Option<Tally> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("test result: ") {
        return Some(Tally { passed: number_before(rest, " passed")?, failed: number_before(rest, " failed")? });
    }
    if line.starts_with("Summary [") {
        let failed = number_before(line, " failed").unwrap_or(0) + number_before(line, " timed out").unwrap_or(0);
        return Some(Tally { passed: number_before(line, " passed")?, failed });
    }
    if let Some(rest) = line.strip_prefix("Ran ") {
        return Some(Tally { passed: rest.split(' ').next()?.parse().ok()?, failed: 0 });
    }
    if let Some(rest) = line.strip_prefix("FAILED (").or_else(|| line.strip_prefix("OK (")) {
        // Python has counted these among those that it ran.
        let failed = number_after(rest, "failures=") + number_after(rest, "errors=");
        return Some(Tally { passed: -failed - number_after(rest, "skipped="), failed });
    }
    if let Some(count) = line.strip_prefix("# pass ").or_else(|| line.strip_prefix("\u{2139} pass ")) {
        return Some(Tally { passed: count.parse().ok()?, failed: 0 });
    }
    // A test that ran into its time limit is cancelled.
    let failed = ["# fail ", "# cancelled ", "\u{2139} fail ", "\u{2139} cancelled "];
    if let Some(count) = failed.into_iter().find_map(|word| line.strip_prefix(word)) {
        return Some(Tally { passed: 0, failed: count.parse().ok()? });
    }
    None
}

/// Finds the number that stands after a word; 0 where the word is not there.
fn number_after(text: &str, word: &str) -> i64 {
    let after = text.split_once(word).map_or("", |(_, after)| after);
    after.split(|letter: char| !letter.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Finds the number that stands before a word.
fn number_before(text: &str, word: &str) -> Option<i64> {
    let (before, _) = text.split_once(word)?;
    before.rsplit(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, passed: i64, failed: i64) {
        assert_eq!(read_tally(line), Some(Tally { passed, failed }), "{line}");
    }

    #[test]
    fn reads_the_summaries_of_all_runners() {
        check("test result: ok. 44 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out", 44, 0);
        check("test result: FAILED. 40 passed; 4 failed; 0 ignored", 40, 4);
        check("     Summary [   0.353s] 123 tests run: 120 passed (1 slow), 2 failed, 1 timed out, 3 skipped", 120, 3);
        check("Ran 61 tests in 12.3s", 61, 0);
        check("FAILED (failures=2, errors=1, skipped=4)", -7, 3);
        check("OK (skipped=2)", -2, 0);
        check("# pass 17", 17, 0);
        check("# fail 2", 0, 2);
        check("# cancelled 1", 0, 1);
        assert_eq!(read_tally("test types::works ... ok"), None);
    }
}
