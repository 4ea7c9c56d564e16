//! Names from outside, through each place that takes the name of a database: refused with the reason, nothing touched.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use suite::door::Session;

use crate::world::{World, run};

/// Names that no database can have, and a few that stand for another one.
fn hostile() -> Vec<String> {
    let mut all: Vec<String> = [
        "..",
        ".",
        "../x",
        "a/b",
        "a\\\\b",
        "%2e%2e%2f",
        "x\u{0}y",
        "CON ",
        "_x",
        "system2",
        "systemx",
        "a b",
        "a'b",
        "a\"b",
        "-a",
        ".a",
        "a-",
        "a.",
        "na\u{ef}ve",
        "na\u{308}ive",
        "\u{202e}abc",
        "\u{1f980}",
        "аlpha",
        "ａlpha",
        "",
        " ",
        "\n",
        "a\tb",
        "$(x)",
        "a;b",
        "a*",
        "?",
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    all.push("a".repeat(64));
    all.push("a".repeat(10_000));
    all.extend(["x", "é", "/"].map(|letter| letter.repeat(300)));
    all
}

#[test]
fn f4_hostile_names_are_refused_wherever_a_name_is_taken() {
    let world = World::new();
    let mut admin = world.session("admin");
    let before = (folders(world.folder.path()), databases(&mut *admin));
    for name in hostile() {
        let quoted = format!("`{}`", name.replace('`', "``"));
        for text in [
            format!("CREATE DATABASE {quoted}"),
            format!("CREATE DATABASE {quoted} IF NOT EXISTS"),
            format!("CREATE ALIAS {quoted} FOR DATABASE alpha"),
            format!("CREATE ALIAS made FOR DATABASE {quoted}"),
            format!("DROP DATABASE {quoted}"),
            format!("START DATABASE {quoted}"),
            format!("STOP DATABASE {quoted}"),
            format!("USE {quoted} MATCH (n) RETURN n"),
            format!("USE {quoted} CREATE (n)"),
            format!("GRAPH[{quoted}] MATCH (n) RETURN n"),
            format!("MATCH (n) FROM DATABASE {quoted} RETURN n"),
            format!("GRANT ACCESS ON DATABASE {quoted} TO reader_role"),
            format!("GRANT LEVEL read ON DATABASE {quoted} TO reader_role"),
            format!("SHOW LEVELS FOR DATABASE {quoted}"),
            format!("SHOW GRANTED LEVELS FOR DATABASE {quoted}"),
        ] {
            let outcome = run(&mut *admin, &text);
            let shown: String = text.chars().take(80).collect();
            let is_pattern = text.starts_with("GRANT") && name.contains(['*', '?']);
            assert!(outcome.is_err() || is_pattern, "{shown} was taken");
            let message = outcome.err().map(|problem| problem.message).unwrap_or_default();
            assert!(message.len() < 30_000, "{shown}: the message has {} bytes", message.len());
        }
    }
    assert_eq!((folders(world.folder.path()), databases(&mut *admin)), before, "something was made");
}

#[test]
fn f4_twins_of_a_name_never_become_two_databases() {
    let world = World::new();
    let mut admin = world.session("admin");
    let before = databases(&mut *admin);
    for name in ["ALPHA", "Alpha", "`alpha`", "al", "AL", "sheaf", "NEO4J", "System"] {
        assert!(run(&mut *admin, &format!("CREATE DATABASE {name}")).is_err(), "{name} was taken");
        assert!(run(&mut *admin, &format!("CREATE ALIAS {name} FOR DATABASE beta")).is_err(), "{name} was taken");
    }
    assert_eq!(databases(&mut *admin), before);
}

fn databases(admin: &mut dyn Session) -> Vec<String> {
    let answer = run(admin, "SHOW DATABASES YIELD name, aliases").expect("the admin may see them");
    answer.records.iter().map(|record| format!("{record:?}")).collect()
}

/// Lists all folders within one, and those beside it that begin as it does.
fn folders(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is the test's own").flatten() {
            if entry.path().is_dir() {
                found.insert(entry.path().display().to_string());
                left.push(entry.path());
            }
        }
    }
    found
}
