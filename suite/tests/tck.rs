//! openCypher's Technology Compatibility Kit: one test a scenario in process, and one a folder over Bolt.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use suite::system;
use suite::tck::feature::{self, Scenario};
use suite::tck::scenario::{Graphs, TestSession, load_graphs, play};
use suite::tck::texts;

/// How often each statement is broken in another way for the parser.
const ROUNDS: u64 = 3;
/// Scenarios of each folder that are played over Bolt, spread over it; of fewer, all.
const BOLT_SCENARIOS: usize = 12;

fn main() -> std::process::ExitCode {
    let folder = suite::folder().join("tck");
    let scenarios = feature::load(&folder.join("features")).expect("the features can be read");
    let graphs = Arc::new(load_graphs(&folder.join("graphs")).expect("the graphs can be read"));
    let mut trials = vec![Trial::test("what is parsed prints and parses again", || Ok(prints()?))];
    for (folder, sample) in samples(&scenarios) {
        let graphs = Arc::clone(&graphs);
        trials.push(Trial::test(format!("over Bolt: {folder}"), move || over_bolt(&sample, &graphs)));
    }
    for scenario in scenarios {
        let graphs = Arc::clone(&graphs);
        let name = scenario.id.clone();
        trials.push(Trial::test(name, move || Ok(outcome(&scenario, &graphs, system::test_session)?)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Plays a scenario; a panic is a failure like any other.
fn outcome<S: TestSession>(
    scenario: &Scenario,
    graphs: &Graphs,
    open: impl FnOnce() -> Result<S, String>,
) -> Result<(), String> {
    let play = || play(scenario, graphs, &mut open()?);
    catch_unwind(AssertUnwindSafe(play)).unwrap_or_else(|_| Err("it panicked".to_owned()))
}

/// Chooses scenarios of each folder, evenly.
fn samples(scenarios: &[Scenario]) -> BTreeMap<String, Vec<Scenario>> {
    let mut folders: BTreeMap<String, Vec<&Scenario>> = BTreeMap::new();
    for scenario in scenarios {
        let file = scenario.id.split("::").next().unwrap_or_default();
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        folders.entry(folder.to_owned()).or_default().push(scenario);
    }
    let sample = |all: Vec<&Scenario>| {
        let wanted = all.len().min(BOLT_SCENARIOS);
        (0..wanted).map(|at| all[at * all.len() / wanted].clone()).collect()
    };
    folders.into_iter().map(|(folder, all)| (folder, sample(all))).collect()
}

/// Plays scenarios through a socket, each on a server of its own.
fn over_bolt(scenarios: &[Scenario], graphs: &Graphs) -> Result<(), Failed> {
    let problems: Vec<String> = scenarios
        .iter()
        .filter_map(|scenario| {
            let problem = outcome(scenario, graphs, system::bolt_test_session).err()?;
            Some(format!("{}\n    {problem}", scenario.id))
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Failed::from(problems.join("\n"))) }
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
