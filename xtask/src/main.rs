//! The project's chores: `cargo xtask test`, `check` and `bench`.
//! Leaves what is tested to the crates and to `suite`; here is only in which order, and what must be installed first.
//! Start reading at [`test::run`].
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal")]

mod bench;
mod drivers;
mod paths;
mod server;
mod step;
mod test;
mod tools;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <chore>

chores:
  test            format, lints, unit tests, scripts, TCK, faults, drivers: all that must pass, cheap to dear
  test STAGE ...  only the stages named: format lints unit suite drivers
  check           format, lints and tidy: seconds after the first time
  bench [NAME]    benchmarks";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (chore, rest) = match arguments.split_first() {
        Some((chore, rest)) => (chore.as_str(), rest),
        None => ("", &[][..]),
    };
    let outcome = match chore {
        "test" => test::run(rest),
        "check" => test::check(),
        "bench" => bench::run(rest),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}
