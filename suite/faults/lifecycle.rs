//! Row A1 for commands: kill -9 at twenty places of the commands about databases, and at twenty of those about aliases.
//! After the restart each command happened wholly or not at all, and everything that is listed works.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bolt::client::Client;
use suite::process::{Process, run_in, signal_of};
use types::{Map, Value, failpoint};

use crate::pairs;

/// What exists: databases with their access and whether they should run, and aliases with their databases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    databases: BTreeMap<String, (String, String)>,
    aliases: BTreeMap<String, String>,
}

/// A command, and what it makes of what exists.
struct Step {
    text: String,
    change: Box<dyn Fn(&mut Known)>,
}

/// Places on the way of commands about databases, and how often each is passed first.
const DATABASE_PLACES: [(&str, u32); 20] = [
    ("catalog.create.recorded", 1),
    ("catalog.create.recorded", 3),
    ("catalog.create.made", 2),
    ("catalog.create.made", 3),
    ("catalog.create.done", 1),
    ("catalog.create.done", 3),
    ("store.create.before", 2),
    ("store.create.after", 3),
    ("catalog.drop.recorded", 1),
    ("catalog.drop.removed", 1),
    ("catalog.drop.removed", 2),
    ("store.remove.before", 1),
    ("store.remove.after", 1),
    ("catalog.database.altered", 1),
    ("catalog.database.altered", 2),
    ("catalog.database.renamed", 1),
    ("catalog.database.stopped", 1),
    ("catalog.database.started", 1),
    ("store.commit.before", 5),
    ("store.commit.after", 8),
];

/// Places on the way of commands about aliases.
const ALIAS_PLACES: [(&str, u32); 20] = [
    ("catalog.alias.created", 1),
    ("catalog.alias.created", 2),
    ("catalog.alias.created", 3),
    ("catalog.alias.created", 4),
    ("catalog.alias.altered", 1),
    ("catalog.alias.altered", 2),
    ("catalog.alias.altered", 3),
    ("catalog.alias.altered", 4),
    ("catalog.alias.dropped", 1),
    ("catalog.alias.dropped", 2),
    ("catalog.alias.dropped", 3),
    ("catalog.alias.dropped", 4),
    ("store.commit.before", 1),
    ("store.commit.before", 2),
    ("store.commit.before", 3),
    ("store.commit.before", 4),
    ("store.commit.after", 1),
    ("store.commit.after", 2),
    ("store.commit.after", 3),
    ("store.commit.after", 5),
];

fn step(text: String, change: impl Fn(&mut Known) + 'static) -> Step {
    Step { text, change: Box::new(change) }
}

fn new_database(known: &mut Known, name: &str) {
    known.databases.insert(name.to_owned(), ("read-write".to_owned(), "online".to_owned()));
}

/// One of the commands about databases, in turns.
fn database_step(number: usize) -> Step {
    let (round, name) = (number / 9, format!("d{}", number / 9));
    let (other, renamed) = (format!("e{round}"), format!("r{round}"));
    match number % 9 {
        0 => step(format!("CREATE DATABASE {name} WAIT"), move |known| new_database(known, &name)),
        1 => step(format!("CREATE DATABASE {other} OPTIONS {{description: 'other'}}"), move |known| {
            new_database(known, &other);
        }),
        2 => step(format!("ALTER DATABASE {name} SET ACCESS READ ONLY SET OPTION idleTimeout 1m"), move |known| {
            known.databases.insert(name.clone(), ("read-only".to_owned(), "online".to_owned()));
        }),
        3 => step(format!("CREATE OR REPLACE DATABASE {other}"), move |known| new_database(known, &other)),
        4 => step(format!("RENAME DATABASE {name} TO {renamed}"), move |known| {
            if let Some(state) = known.databases.remove(&name) {
                known.databases.insert(renamed.clone(), state);
            }
        }),
        5 => step(format!("STOP DATABASE {renamed}"), move |known| {
            known.databases.entry(renamed.clone()).and_modify(|state| state.1 = "offline".to_owned());
        }),
        6 => step(format!("START DATABASE {renamed}"), move |known| {
            known.databases.entry(renamed.clone()).and_modify(|state| state.1 = "online".to_owned());
        }),
        7 => step(format!("ALTER DATABASE {renamed} SET ACCESS READ WRITE"), move |known| {
            known.databases.entry(renamed.clone()).and_modify(|state| state.0 = "read-write".to_owned());
        }),
        _ => step(format!("DROP DATABASE {other}"), move |known| drop(known.databases.remove(&other))),
    }
}

/// One of the commands about aliases, in turns.
fn alias_step(number: usize) -> Step {
    let (first, second) = (format!("x{}", number / 6), format!("y{}", number / 6));
    let leads = |alias: String, database: &'static str| {
        move |known: &mut Known| {
            known.aliases.insert(alias.clone(), database.to_owned());
        }
    };
    match number % 6 {
        0 => step(format!("CREATE ALIAS {first} FOR DATABASE a"), leads(first, "a")),
        1 => step(format!("ALTER ALIAS {first} SET DATABASE TARGET b PROPERTIES {{n: 1}}"), leads(first, "b")),
        2 => step(format!("CREATE ALIAS {second} FOR DATABASE b"), leads(second, "b")),
        3 => step(format!("CREATE OR REPLACE ALIAS {first} FOR DATABASE a"), leads(first, "a")),
        4 => step(format!("ALTER ALIAS {second} SET DATABASE TARGET a"), leads(second, "a")),
        _ => step(format!("DROP ALIAS {first} FOR DATABASE"), move |known| drop(known.aliases.remove(&first))),
    }
}

fn plain(data: &Path) -> Process {
    Process::start(data, [("", ""); 0]).expect("starts without help")
}

fn texts(client: &mut Client, text: &str) -> Vec<Vec<String>> {
    let rows = run_in(client, "system", text, Map::new()).expect("lists");
    let text = |value: Value| match value {
        Value::String(text) => text.to_string(),
        other => panic!("{other:?} is no text"),
    };
    rows.into_iter().map(|row| row.into_iter().map(text).collect()).collect()
}

/// Lists what exists beside what the first start made, and uses all of it.
fn look(client: &mut Client) -> Known {
    let mut known = Known::default();
    let shown = "SHOW DATABASES YIELD name, access, requestedStatus, currentStatus";
    for row in texts(client, shown) {
        let [name, access, requested, current] = row.try_into().expect("four columns");
        assert_eq!(requested, current, "{name}");
        if !["sheaf", "system"].contains(&name.as_str()) {
            if requested == "online" {
                pairs::count(client, &name, "MATCH (n) RETURN count(n)");
            }
            known.databases.insert(name, (access, requested));
        }
    }
    for row in texts(client, "SHOW ALIASES YIELD name, database") {
        let [name, database] = row.try_into().expect("two columns");
        if name != "neo4j" {
            pairs::count(client, &name, "MATCH (n) RETURN count(n)");
            known.aliases.insert(name, database);
        }
    }
    known
}

/// Runs the steps until the server dies at `place`; then everything is as before the last step, or as after it.
fn die_at(data: &Path, place: &str, next: fn(usize) -> Step, number: &mut usize) {
    println!("killed at {place}");
    let mut server = Process::start(data, [(failpoint::VARIABLE, place)]).expect("starts");
    let mut client = server.connect().expect("connects");
    let mut before = look(&mut client);
    let begun = *number;
    let (after, text) = loop {
        let Step { text, change } = next(*number);
        *number += 1;
        let mut after = before.clone();
        change(&mut after);
        if run_in(&mut client, "system", &text, Map::new()).is_err() {
            break (after, text);
        }
        before = after;
        assert!(*number < begun + 200, "the place {place} should have been reached by now");
    };
    let signal = server.wait_for_end(Duration::from_secs(30)).and_then(signal_of);
    assert_eq!(signal, Some(6), "the place {place} was not reached, but {text} failed: {}", server.log());
    let server = plain(data);
    let mut client = server.connect().expect("connects");
    let found = look(&mut client);
    assert!(found == before || found == after, "{text}, killed at {place}, left {found:?} of {before:?}");
    // Nothing is left behind that would be in the way: what is there goes, and what is not there can be made.
    for alias in found.aliases.keys() {
        run_in(&mut client, "system", &format!("DROP ALIAS {alias}"), Map::new()).expect("drops");
    }
    for name in found.databases.keys().filter(|name| !["a", "b"].contains(&name.as_str())) {
        run_in(&mut client, "system", &format!("DROP DATABASE {name}"), Map::new()).expect("drops");
    }
    let folders = std::fs::read_dir(data).expect("reads").map(|entry| entry.expect("reads").path());
    let kept = found.databases.keys().filter(|name| ["a", "b"].contains(&name.as_str())).count();
    assert_eq!(folders.filter(|it| it.join("data.mdb").exists()).count(), 2 + kept, "files are left after {place}");
    assert!(server.stop().expect("stops").success());
}

#[test]
fn a1_f16_commands_about_databases_happen_wholly_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    plain(&data).stop().expect("stops");
    for (round, (place, times)) in (0..).zip(DATABASE_PLACES) {
        // Each round begins with new names and with the first command.
        let mut number = round * 90;
        die_at(&data, &format!("{place}:{times}"), database_step, &mut number);
    }
}

#[test]
fn a1_f43_commands_about_aliases_happen_wholly_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = plain(&data);
    let mut client = server.connect().expect("connects");
    for name in ["a", "b"] {
        run_in(&mut client, "system", &format!("CREATE DATABASE {name}"), Map::new()).expect("makes");
    }
    assert!(server.stop().expect("stops").success());
    for (round, (place, times)) in (0..).zip(ALIAS_PLACES) {
        let mut number = round * 60;
        die_at(&data, &format!("{place}:{times}"), alias_step, &mut number);
    }
}
