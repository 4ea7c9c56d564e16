//! The rules of the house, one test each.

use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let trials = suite::tidy::CHECKS.iter().map(|(name, check)| {
        Trial::test(*name, move || match check(&suite::workspace())? {
            problems if problems.is_empty() => Ok(()),
            problems => Err(Failed::from(problems.join("\n"))),
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}
