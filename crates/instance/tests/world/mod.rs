//! An instance to test with, in memory or on disk, and one way to say what a statement should give.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use catalog::Authentication;
use instance::{Fetched, Instance, InstanceOptions, More, Records, RunOptions, Session, Summary};
use types::{Failure, Map, Value};

/// Opens an instance in memory.
pub fn in_memory() -> Instance {
    Instance::in_memory(options(Path::new("/nowhere"))).expect("memory has room")
}

/// Opens an instance on disk.
pub fn on_disk(folder: &Path) -> Instance {
    Instance::open(options(folder)).expect("the folder is the test's own")
}

/// Gives the options that the tests change.
pub fn options(folder: &Path) -> InstanceOptions {
    // Stopping a database waits for nobody for long.
    InstanceOptions { stop_drain_max: Duration::from_millis(50), ..InstanceOptions::new(folder) }
}

/// Opens a session of nobody in particular.
pub fn session(instance: &Instance) -> Session {
    instance.log_in(None).expect("there are no passwords")
}

/// Runs a statement to its end; gives its rows, one a line, then what it changed.
pub fn run(session: &mut Session, text: &str) -> Result<String, Failure> {
    run_with(session, text, Map::new(), &RunOptions::default())
}

/// As [`run`], with parameters and options.
pub fn run_with(session: &mut Session, text: &str, parameters: Map, options: &RunOptions) -> Result<String, Failure> {
    let mut records = session.run(text, parameters, options)?;
    let (rows, summary) = take(&mut records)?;
    Ok([rows, shown(&summary)].concat().join("\n"))
}

/// Takes all rows; each becomes one line.
pub fn take(records: &mut Records) -> Result<(Vec<String>, Summary), Failure> {
    let (mut rows, mut fetched) = (Vec::new(), Fetched::default());
    loop {
        fetched.clear();
        let more = records.pull(100, &mut fetched)?;
        rows.extend(fetched.iter().map(|row| row.iter().map(show).collect::<Vec<_>>().join(" | ")));
        if more == More::No {
            return Ok((rows, records.summary()));
        }
    }
}

/// Checks what a statement gives: rows and changes, or `Code: message` of its failure.
#[track_caller]
pub fn check(session: &mut Session, text: &str, expected: &str) {
    let got = run(session, text).unwrap_or_else(|failure| failed(&failure));
    assert_eq!(got, expected, "{text}");
}

/// Writes a failure as the tests expect it: the first line, without the place.
pub fn failed(failure: &Failure) -> String {
    let line = failure.message().lines().next().unwrap_or_default();
    let line = line.split(" (line ").next().unwrap_or_default();
    format!("{:?}: {line}", failure.code())
}

fn shown(summary: &Summary) -> Vec<String> {
    let counters = summary.counters;
    let all = [
        ("nodes+", counters.nodes_created),
        ("nodes-", counters.nodes_deleted),
        ("relationships+", counters.relationships_created),
        ("relationships-", counters.relationships_deleted),
        ("properties", counters.properties_set),
        ("labels+", counters.labels_added),
        ("labels-", counters.labels_removed),
        ("indexes+", counters.indexes_added),
        ("indexes-", counters.indexes_removed),
        ("system", counters.system_updates),
    ];
    let all: Vec<String> =
        all.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name} {count}")).collect();
    if all.is_empty() { Vec::new() } else { vec![format!("[{}]", all.join(", "))] }
}

/// Writes a value as a Cypher literal, near enough.
pub fn show(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{text}'"),
        Value::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => entity("", &[], entries),
        Value::Node(node) => {
            let labels: Vec<&str> = node.labels.iter().map(|label| label.as_str()).collect();
            format!("({})", entity(":", &labels, &node.properties))
        }
        Value::Relationship(found) => format!("[{}]", entity(":", &[found.kind.as_str()], &found.properties)),
        Value::Path(path) => format!("path of {}", path.relationships.len()),
        other => types::text::to_text(other).map_or_else(|| "null".to_owned(), |text| text.to_string()),
    }
}

fn entity(mark: &str, names: &[&str], entries: &Map) -> String {
    let mut keys: Vec<_> = entries.keys().collect();
    keys.sort();
    let entries: Vec<String> = keys.iter().map(|key| format!("{key}: {}", show(&entries[*key]))).collect();
    let names: String = names.iter().map(|name| format!("{mark}{name}")).collect();
    format!("{names}{{{}}}", entries.join(", "))
}

/// Runs the same statements on many threads, each in a session of its own.
pub fn together(instance: &Instance, threads: usize, work: impl Fn(usize, &mut Session) + Send + Sync + 'static) {
    let work = Arc::new(work);
    let handles: Vec<_> = (0..threads)
        .map(|number| {
            let (instance, work) = (instance.clone(), Arc::clone(&work));
            std::thread::spawn(move || work(number, &mut session(&instance)))
        })
        .collect();
    for handle in handles {
        handle.join().expect("no thread of the test panics");
    }
}

/// What a command shows that changed something.
pub const DONE: &str = "[system 1]";

/// An instance in memory whose users need passwords; the first one is `admin`.
pub fn with_passwords() -> Instance {
    let authentication = Authentication::Password { first: Some("admin-password".to_owned()) };
    let options = InstanceOptions { authentication, ..options(Path::new("/nowhere")) };
    Instance::in_memory(options).expect("memory has room")
}

/// Logs in somebody whom [`make`] made, or `admin`.
pub fn log_in(instance: &Instance, user: &str) -> Session {
    instance.log_in(Some((user, &format!("{user}-password")))).expect("the password is right")
}

/// Makes a user.
pub fn make(admin: &mut Session, user: &str) {
    all(admin, &[&format!("CREATE USER {user} SET PASSWORD '{user}-password' CHANGE NOT REQUIRED")]);
}

/// Runs commands of which each changes something.
#[track_caller]
pub fn all(session: &mut Session, commands: &[&str]) {
    commands.iter().for_each(|text| check(session, text, DONE));
}

/// Checks that commands are refused because of the rights of whoever sends them.
#[track_caller]
pub fn refused(session: &mut Session, commands: &[&str]) {
    for text in commands {
        let told = run(session, text).unwrap_or_else(|failure| failed(&failure));
        assert!(told.starts_with("Forbidden: "), "{text}: {told}");
    }
}
