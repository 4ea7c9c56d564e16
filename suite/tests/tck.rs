//! openCypher's Technology Compatibility Kit: one test a scenario, in process.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use libtest_mimic::{Arguments, Failed, Trial};
use suite::tck::feature::{self, Scenario};
use suite::tck::scenario::{Graphs, load_graphs, play};
use suite::tck::{known, texts};

/// How often each statement is broken in another way for the parser.
const ROUNDS: u64 = 3;

fn main() -> std::process::ExitCode {
    let folder = suite::folder().join("tck");
    let scenarios = feature::load(&folder.join("features")).expect("the features can be read");
    let graphs = Arc::new(load_graphs(&folder.join("graphs")).expect("the graphs can be read"));
    if std::env::var_os("SHEAF_BLESS").is_some() {
        return bless(&scenarios, &graphs);
    }
    let known = Arc::new(known::load(&known::path()).expect("the list of known failures can be read"));
    let missing = unknown_names(&scenarios, &known);
    let mut trials = vec![
        Trial::test("the list of known failures names scenarios", move || match missing {
            names if names.is_empty() => Ok(()),
            names => Err(Failed::from(names.join("\n"))),
        }),
        Trial::test("what is parsed prints and parses again", || Ok(prints()?)),
    ];
    for scenario in scenarios {
        let (known, graphs) = (Arc::clone(&known), Arc::clone(&graphs));
        trials.push(Trial::test(scenario.id.clone(), move || {
            Ok(known::verdict(&scenario.id, &known, outcome(&scenario, &graphs))?)
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Plays a scenario; a panic is a failure like any other.
fn outcome(scenario: &Scenario, graphs: &Graphs) -> Result<(), String> {
    let play = || play(scenario, graphs, &mut suite::system::test_session()?);
    catch_unwind(AssertUnwindSafe(play)).unwrap_or_else(|_| Err("it panicked".to_owned()))
}

fn unknown_names(scenarios: &[Scenario], known: &BTreeSet<String>) -> Vec<String> {
    let ids: BTreeSet<&String> = scenarios.iter().map(|scenario| &scenario.id).collect();
    known.iter().filter(|id| !ids.contains(id)).map(|id| format!("there is no scenario '{id}'")).collect()
}

/// Holds the printer to its law, with the statements of the TCK as they stand and broken.
fn prints() -> Result<(), String> {
    let statements = texts::statements(&suite::folder().join("tck/features"))?;
    for (at, text) in statements.iter().enumerate() {
        texts::check_print(text)?;
        for round in 0..ROUNDS {
            let seed = round * 1_000_003 + at as u64;
            let other = &statements[(at * 7_919 + round as usize * 31) % statements.len()];
            texts::check_print(&texts::broken(text, other, seed))
                .map_err(|problem| format!("seed {seed}: {problem}"))?;
        }
    }
    Ok(())
}

/// Plays everything and writes the list of failures.
#[expect(clippy::print_stdout, reason = "this is what the command is for")]
fn bless(scenarios: &[Scenario], graphs: &Graphs) -> std::process::ExitCode {
    let failures: Mutex<BTreeMap<&str, String>> = Mutex::new(BTreeMap::new());
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(problem) = outcome(scenario, graphs) {
                failures.lock().expect("nobody panics with the lock").insert(&scenario.id, problem);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().expect("nobody panics with the lock");
    for (id, problem) in &failures {
        println!("{id}\n    {problem}");
    }
    println!("{} of {} scenarios pass", scenarios.len() - failures.len(), scenarios.len());
    let ids = failures.keys().map(ToString::to_string).collect();
    known::save(&known::path(), &ids).expect("the list of known failures can be written");
    std::process::ExitCode::SUCCESS
}
