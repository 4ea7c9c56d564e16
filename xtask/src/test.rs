//! The order of the tests: cheap to dear, and no further than the first stage that fails.

use std::process::Command;

use crate::step::{self, Tally};
use crate::{drivers, paths, tools};

/// A stage of the tests: its name, and what runs it.
type Stage = (&'static str, fn() -> Result<Tally, String>);

const STAGES: [Stage; 5] =
    [("format", format), ("lints", lints), ("unit", unit), ("suite", suite), ("drivers", drivers::run)];

/// Runs all stages, or those named; prints the count of passed and failed checks as its last line.
pub fn run(names: &[String]) -> Result<(), String> {
    if let Some(unknown) = names.iter().find(|name| !STAGES.iter().any(|(known, _)| known == name)) {
        let known: Vec<&str> = STAGES.iter().map(|(name, _)| *name).collect();
        return Err(format!("no stage '{unknown}'; there are {}", known.join(", ")));
    }
    let chosen = STAGES.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|chosen| chosen == name));
    let mut total = Tally::default();
    let mut problem = None;
    for (name, stage) in chosen {
        println!("== {name}");
        match stage() {
            Ok(tally) => {
                total.add(tally);
                if tally.failed > 0 {
                    problem = Some(format!("stage '{name}' failed"));
                }
            }
            Err(error) => {
                total.failed += 1;
                problem = Some(format!("stage '{name}' failed: {error}"));
            }
        }
        if problem.is_some() {
            break;
        }
    }
    // Before the count, because the count is the last line that anybody reads.
    if let Some(problem) = &problem {
        println!("{problem}");
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    match problem {
        None => Ok(()),
        Some(_) => std::process::exit(1),
    }
}

/// Runs what every commit must pass: format, lints and tidy.
pub fn check() -> Result<(), String> {
    for stage in [format, lints, tidy] {
        if stage()?.failed > 0 {
            return Err("a check failed".to_owned());
        }
    }
    Ok(())
}

/// A call of cargo in the workspace, with snapshots that must match.
pub fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(paths::workspace()).env("INSTA_UPDATE", "no").args(arguments);
    command
}

fn format() -> Result<Tally, String> {
    step::run(&mut cargo(["fmt", "--check"]))
}

fn lints() -> Result<Tally, String> {
    step::run(&mut cargo(["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn unit() -> Result<Tally, String> {
    if tools::answers("cargo", &["nextest", "--version"]) {
        // All packages are built here, once, with one set of features; the tests of `suite` have a stage of their own.
        return step::run(fuzzing(&mut cargo([
            "nextest",
            "run",
            "--workspace",
            "--filterset",
            "not (package(suite) and kind(test))",
            "--no-fail-fast",
            "--status-level=fail",
            "--final-status-level=fail",
        ])));
    }
    let tests = ["test", "--quiet", "--workspace", "--exclude=suite", "--all-targets", "--no-fail-fast"];
    step::run(fuzzing(&mut cargo(tests)))
}

/// Gives the tests that break statements at random a minute and many statements; alone they take a few seconds.
fn fuzzing(tests: &mut Command) -> &mut Command {
    tests.env("SHEAF_FUZZ_SECONDS", "60").env("SHEAF_FUZZ_STATEMENTS", "20000")
}

/// The tests across crates, in the order of `suite`'s manifest; no further than the first that fails.
fn suite() -> Result<Tally, String> {
    let mut total = Tally::default();
    for name in suite_tests()? {
        println!("-- {name}");
        let tally = suite_test(&name)?;
        total.add(tally);
        if tally.failed > 0 {
            break;
        }
    }
    Ok(total)
}

fn tidy() -> Result<Tally, String> {
    suite_test("tidy")
}

/// Runs one test of `suite`. The whole workspace is named so that features, and so what is built, stay the same.
fn suite_test(name: &str) -> Result<Tally, String> {
    step::run(&mut cargo(["test", "--quiet", "--workspace", "--test", name]))
}

/// Lists the test targets of `suite`.
fn suite_tests() -> Result<Vec<String>, String> {
    let path = paths::workspace().join("suite/Cargo.toml");
    let manifest =
        std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let tables = manifest.split("[[test]]").skip(1);
    let name = |table: &str| Some(table.split_once("name")?.1.split('"').nth(1)?.to_owned());
    Ok(tables.filter_map(name).collect())
}
