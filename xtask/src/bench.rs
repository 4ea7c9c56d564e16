//! Benchmarks, built for release: cargo runs every target that a crate declares under `[[bench]]`.

use crate::step;
use crate::test::cargo;

/// Runs all benchmarks, or those whose name has `NAME` in it.
pub fn run(names: &[String]) -> Result<(), String> {
    // Not `--benches`: that builds the unit tests of every crate once more, for release, and runs none of them.
    let mut command = cargo(["bench", "--workspace", "--bench", "*"]);
    if !names.is_empty() {
        command.arg("--").args(names);
    }
    match step::run(&mut command)?.failed {
        0 => Ok(()),
        _ => Err("a benchmark failed".to_owned()),
    }
}
