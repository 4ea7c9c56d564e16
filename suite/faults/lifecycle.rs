//! Row A1 for commands: kill -9 at twenty places of the commands about databases, and at twenty of those about aliases.
//! After the restart each command happened wholly or not at all, and everything that is listed works and can go.

use std::path::Path;

use bolt::client::Client;
use suite::process::{Process, run_in};
use types::{Map, Value};

use crate::pairs;
use crate::whole::Commands;

const ABOUT_DATABASES: Commands = Commands {
    texts: &[
        "CREATE DATABASE a WAIT",
        "CREATE DATABASE b OPTIONS {description: 'second', weight: 50}",
        "USE b CREATE (:Old)",
        "ALTER DATABASE a SET ACCESS READ ONLY SET OPTION idleTimeout 1m",
        "CREATE OR REPLACE DATABASE b",
        "RENAME DATABASE a TO c",
        "STOP DATABASE c",
        "START DATABASE c",
        "ALTER DATABASE c SET ACCESS READ WRITE REMOVE OPTION idleTimeout SET DEFAULT",
        "USE c CREATE (:New)",
        "CREATE DATABASE d FROM c",
        "ALTER DATABASE sheaf SET DEFAULT",
        "DROP DATABASE b",
        "DROP DATABASE c",
    ],
    listings: &[
        "SHOW DATABASES YIELD name, access, requestedStatus, currentStatus, options, default ORDER BY name",
        "USE b MATCH (n) RETURN labels(n)",
        "USE c MATCH (n) RETURN labels(n)",
        "USE d MATCH (n) RETURN labels(n)",
    ],
    // Some are not there yet, or not any more.
    may_miss: true,
};

/// Places on the way of commands about databases, and how often each is passed first; the first start passes some.
const DATABASE_PLACES: [&str; 24] = [
    "catalog.create.recorded:1",
    "catalog.create.recorded:3",
    "catalog.create.recorded:4",
    "catalog.create.made:2",
    "catalog.create.made:4",
    "catalog.create.done:2",
    "catalog.create.done:4",
    "store.create.before:3",
    "store.create.after:4",
    "catalog.drop.recorded:1",
    "catalog.drop.recorded:2",
    "catalog.drop.removed:1",
    "catalog.drop.removed:3",
    "store.remove.before:1",
    "store.remove.after:2",
    "catalog.database.altered:1",
    "catalog.database.altered:2",
    "catalog.database.altered:3",
    "catalog.database.renamed:1",
    "catalog.database.stopped:1",
    "catalog.database.started:1",
    "clone.restored:1",
    "clone.adopted:1",
    "clone.opened:1",
];

const ABOUT_ALIASES: Commands = Commands {
    texts: &[
        "CREATE DATABASE a",
        "CREATE DATABASE b",
        "CREATE ALIAS x FOR DATABASE a",
        "ALTER ALIAS x SET DATABASE TARGET b PROPERTIES {n: 1}",
        "CREATE ALIAS y FOR DATABASE b",
        "CREATE OR REPLACE ALIAS x FOR DATABASE a PROPERTIES {m: 'two'}",
        "ALTER ALIAS y SET DATABASE TARGET a",
        "CREATE ALIAS z FOR DATABASE a",
        "DROP ALIAS x FOR DATABASE",
        "ALTER ALIAS y SET DATABASE PROPERTIES {k: [1, 2]}",
        "DROP ALIAS y",
        "DROP DATABASE a CASCADE ALIASES",
        "CREATE ALIAS a FOR DATABASE b",
    ],
    listings: &[
        "SHOW ALIASES YIELD name, database, properties ORDER BY name",
        "SHOW DATABASES YIELD name, aliases ORDER BY name",
    ],
    may_miss: false,
};

/// Places on the way of commands about aliases. Five changes of the catalog come before the first of them.
const ALIAS_PLACES: [&str; 20] = [
    "catalog.alias.created:1",
    "catalog.alias.created:2",
    "catalog.alias.created:3",
    "catalog.alias.created:4",
    "catalog.alias.created:5",
    "catalog.alias.altered:1",
    "catalog.alias.altered:2",
    "catalog.alias.altered:3",
    "catalog.alias.dropped:1",
    "catalog.alias.dropped:2",
    "catalog.change.planned:6",
    "catalog.change.written:6",
    "catalog.change.planned:7",
    "catalog.change.written:7",
    "catalog.change.planned:9",
    "catalog.change.written:9",
    "catalog.change.planned:12",
    "catalog.change.written:12",
    "catalog.change.planned:15",
    "catalog.change.written:15",
];

/// Transactions of several commands, each of which happens as a whole.
const TOGETHER: Commands = Commands {
    texts: &[
        "BEGIN; CREATE DATABASE a; CREATE DATABASE b; CREATE ALIAS x FOR DATABASE a; CREATE ROLE makers; \
         GRANT LEVEL write ON DATABASE a TO makers",
        "USE b CREATE (:Old)",
        "BEGIN; CREATE OR REPLACE DATABASE b; CREATE DATABASE c; ALTER DATABASE a SET ACCESS READ ONLY; \
         CREATE USER ann SET PASSWORD 'ann-password'; GRANT ROLE makers TO ann",
        "BEGIN; DROP DATABASE c; RENAME DATABASE a TO c; DROP ALIAS x; STOP DATABASE c; \
         ALTER DATABASE b SET LIMIT max_nodes = 7; REVOKE ROLE makers FROM ann",
        "BEGIN; START DATABASE c; DROP DATABASE b DUMP DATA; CREATE DATABASE d; CREATE DATABASE e; DROP DATABASE d; \
         DROP USER ann; DROP ROLE makers",
    ],
    listings: &[
        "SHOW DATABASES YIELD name, aliases, access, requestedStatus, currentStatus ORDER BY name",
        "SHOW ALIASES YIELD name, database, properties ORDER BY name",
        "SHOW USERS YIELD user, roles",
        "SHOW PRIVILEGES AS COMMANDS YIELD command ORDER BY command",
        "SHOW LIMITS YIELD database, limit, value WHERE limit = 'max_nodes' AND value > 0 RETURN database, value",
        "USE b MATCH (n) RETURN labels(n)",
        "USE c MATCH (n) RETURN labels(n)",
        "USE e MATCH (n) RETURN labels(n)",
    ],
    // Some are not there yet, or not any more.
    may_miss: true,
};

/// Places on the way of a transaction of commands: before and after each write of the catalog, and each file.
const TOGETHER_PLACES: [&str; 25] = [
    "catalog.transaction.recorded:1",
    "catalog.transaction.recorded:2",
    "catalog.transaction.recorded:3",
    "catalog.transaction.recorded:4",
    "catalog.transaction.made:1",
    "catalog.transaction.made:2",
    "catalog.transaction.made:3",
    "catalog.transaction.made:4",
    "catalog.transaction.done:1",
    "catalog.transaction.done:2",
    "catalog.transaction.done:3",
    "catalog.transaction.done:4",
    "instance.transaction.file:1",
    "instance.transaction.file:2",
    "instance.transaction.file:3",
    "instance.transaction.file:4",
    "instance.transaction.file:5",
    "instance.transaction.dumped:1",
    "store.create.before:3",
    "store.create.after:4",
    "store.remove.before:1",
    "store.remove.after:1",
    "store.remove.before:3",
    "catalog.drop.removed:1",
    "catalog.drop.removed:2",
];

/// A database made anew: empty, and out of what it holds.
const ANEW: Commands = Commands {
    texts: &[
        "CREATE DATABASE a OPTIONS {description: 'kept'}",
        "CREATE ALIAS x FOR DATABASE a",
        "CREATE ROLE readers",
        "GRANT LEVEL read ON DATABASE a TO readers",
        "ALTER DATABASE a SET LIMIT max_nodes = 7",
        "USE a CREATE (:Old)",
        "CALL dbms.recreateDatabase('a', {clearData: true})",
        "USE a CREATE (:New)",
        "ALTER DATABASE a SET ACCESS READ ONLY",
        "CALL dbms.recreateDatabase('x')",
        "ALTER DATABASE a SET ACCESS READ WRITE",
        "ALTER DATABASE a SET DEFAULT",
        "CALL dbms.recreateDatabase('a', {clearData: true})",
        "ALTER DATABASE sheaf SET DEFAULT",
    ],
    listings: &[
        "SHOW DATABASES YIELD name, aliases, access, default, options ORDER BY name",
        "SHOW PRIVILEGES AS COMMANDS YIELD command ORDER BY command",
        "SHOW LIMITS YIELD database, limit, value WHERE limit = 'max_nodes' AND value > 0 RETURN database, value",
        "USE a MATCH (n) RETURN labels(n)",
        "USE x MATCH (n) RETURN labels(n)",
    ],
    // It is not there yet at first.
    may_miss: true,
};

/// Places on the way of making a database anew.
const ANEW_PLACES: [&str; 20] = [
    "catalog.recreate.recorded:1",
    "catalog.recreate.recorded:2",
    "catalog.recreate.recorded:3",
    "catalog.recreate.made:1",
    "catalog.recreate.made:2",
    "catalog.recreate.made:3",
    "catalog.recreate.done:1",
    "catalog.recreate.done:2",
    "catalog.recreate.done:3",
    "store.create.before:3",
    "store.create.after:3",
    "store.create.before:4",
    "store.create.after:4",
    "store.create.after:5",
    "store.remove.before:1",
    "store.remove.after:1",
    "store.remove.before:2",
    "store.remove.after:2",
    "catalog.drop.removed:1",
    "catalog.drop.removed:3",
];

#[test]
fn a1_f2_a_database_made_anew_is_so_wholly_or_not_at_all() {
    die_at_all(&ANEW, &ANEW_PLACES);
}

#[test]
fn a1_f1_transactions_of_commands_happen_wholly_or_not_at_all() {
    die_at_all(&TOGETHER, &TOGETHER_PLACES);
}

#[test]
fn a1_f16_commands_about_databases_happen_wholly_or_not_at_all() {
    die_at_all(&ABOUT_DATABASES, &DATABASE_PLACES);
}

#[test]
fn a1_f43_commands_about_aliases_happen_wholly_or_not_at_all() {
    die_at_all(&ABOUT_ALIASES, &ALIAS_PLACES);
}

fn die_at_all(commands: &Commands, places: &[&str]) {
    let states = commands.states();
    for place in places {
        let folder = commands.die_at(place, &states);
        use_and_remove_all(&folder.path().join("data"), place);
    }
}

/// Uses everything that is there by each of its names, then drops it: nothing is left behind that would be in the way.
fn use_and_remove_all(data: &Path, place: &str) {
    let server = Process::start(data, [("", ""); 0]).expect("starts without help");
    let mut client = server.connect().expect("connects");
    let databases = texts(&mut client, "SHOW DATABASES YIELD name, requestedStatus, currentStatus");
    for [name, requested, current] in databases {
        assert_eq!(requested, current, "{name} after {place}");
        if requested == "online" && name != "system" {
            pairs::count(&mut client, &name, "MATCH (n) RETURN count(n)");
        }
    }
    for [alias, database, _] in texts(&mut client, "SHOW ALIASES YIELD name, database, location") {
        pairs::count(&mut client, &alias, "MATCH (n) RETURN count(n)");
        if database != "sheaf" {
            run_in(&mut client, "system", &format!("DROP ALIAS {alias}"), Map::new()).expect("drops");
        }
    }
    run_in(&mut client, "system", "ALTER DATABASE sheaf SET DEFAULT", Map::new()).expect("it is there");
    for [name, ..] in texts(&mut client, "SHOW DATABASES YIELD name, type, access WHERE type = 'standard'") {
        if name != "sheaf" {
            run_in(&mut client, "system", &format!("DROP DATABASE {name}"), Map::new()).expect("drops");
        }
    }
    let folders = std::fs::read_dir(data).expect("reads").map(|entry| entry.expect("reads").path());
    assert_eq!(folders.filter(|it| it.join("data.mdb").exists()).count(), 2, "files are left after {place}");
    assert!(server.stop().expect("stops").success());
}

fn texts(client: &mut Client, text: &str) -> Vec<[String; 3]> {
    let rows = run_in(client, "system", text, Map::new()).expect("lists");
    let text = |value: Value| match value {
        Value::String(text) => text.to_string(),
        other => panic!("{other:?} is no text"),
    };
    rows.into_iter()
        .map(|row| row.into_iter().map(text).collect::<Vec<_>>().try_into().expect("three columns"))
        .collect()
}
