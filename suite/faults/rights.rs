//! Row A1 for commands about rights: kill -9 at named places, then each command happened wholly or not at all.

use std::path::Path;
use std::time::Duration;

use bolt::client::Client;
use suite::process::{Process, run_in, signal_of};
use types::{Map, Value, failpoint};

/// Every family of commands about rights, each building on those before.
const COMMANDS: [&str; 24] = [
    "CREATE USER ann SET PASSWORD 'ann-password' CHANGE NOT REQUIRED",
    "CREATE USER bob SET PASSWORD 'bob-password'",
    "ALTER USER bob SET STATUS SUSPENDED SET HOME DATABASE films",
    "CREATE ROLE watchers AS COPY OF reader",
    "CREATE ROLE makers",
    "GRANT ROLE watchers, makers TO ann, bob",
    "GRANT MATCH {title, year} ON GRAPH sheaf NODES Film, Person TO makers, watchers",
    "DENY TRAVERSE ON GRAPH * RELATIONSHIPS BY TO makers",
    "GRANT LEVEL admin ON DATABASES tenant_* TO USER ann",
    "CREATE TOKEN nightly FOR USER ann WITH LEVEL read",
    "CREATE TOKEN weekly FOR USER bob ON DATABASES sheaf",
    "ALTER DATABASE sheaf SET OWNER bob",
    "ALTER DATABASE sheaf SET ISOLATION SOFT",
    "RENAME ROLE makers TO builders",
    "RENAME USER ann TO ada",
    "REVOKE GRANT MATCH {title} ON GRAPH sheaf NODES Film FROM builders",
    "REVOKE ROLE watchers FROM bob",
    "DROP TOKEN nightly FOR USER ada",
    "ALTER DATABASE sheaf SET OWNER ada",
    "CREATE OR REPLACE ROLE watchers AS COPY OF builders",
    "DROP ROLE builders",
    "DROP USER bob",
    "CREATE OR REPLACE USER ada SET PASSWORD 'ada-password'",
    "REVOKE ACCESS ON HOME DATABASE FROM PUBLIC",
];

/// Twenty-two places: before each family's change, before and after the write of some, and before some answers.
const PLACES: [&str; 22] = [
    "rights.create_user:1",
    "rights.create_user:3",
    "rights.alter_user:1",
    "rights.create_role:1",
    "rights.create_role:3",
    "rights.grant_role:1",
    "rights.privileges:1",
    "rights.privileges:3",
    "rights.create_token:2",
    "rights.owner:1",
    "rights.isolation:1",
    "rights.rename_role:1",
    "rights.rename_user:1",
    "rights.revoke_role:1",
    "rights.drop_token:1",
    "rights.drop_role:1",
    "rights.drop_user:1",
    "catalog.change.planned:8",
    "catalog.change.written:8",
    "catalog.change.written:16",
    "catalog.change.written:23",
    "rights.done:20",
];

#[test]
fn a1_f85_commands_about_rights_happen_wholly_or_not_at_all() {
    let states = states();
    for place in PLACES {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let mut server = Process::start(&data, [(failpoint::VARIABLE, place)]).expect("starts");
        let mut client = server.connect().expect("connects");
        let answered = COMMANDS.iter().take_while(|command| run(&mut client, command).is_some()).count();
        let signal = server.wait_for_end(Duration::from_secs(30)).and_then(signal_of);
        assert_eq!(signal, Some(6), "the place {place} was not reached: {}", server.log());
        let found = state_of(&data);
        assert!(answered < COMMANDS.len(), "the server outlived every command, {place}");
        assert!(
            found == states[answered] || found == states[answered + 1],
            "after {place}, killed in {}:\n{found}\nis neither\n{}\nnor\n{}",
            COMMANDS[answered],
            states[answered],
            states[answered + 1]
        );
    }
}

/// Gives what is seen of the rights after none, one, two... of the commands.
fn states() -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Process::start(&folder.path().join("data"), [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    let mut states = vec![state(&mut client)];
    for command in COMMANDS {
        run(&mut client, command).unwrap_or_else(|| panic!("{command} fails"));
        states.push(state(&mut client));
    }
    assert!(server.stop().expect("stops").success());
    states
}

fn state_of(data: &Path) -> String {
    let server = Process::start(data, [("", ""); 0]).expect("starts without help");
    let state = state(&mut server.connect().expect("connects"));
    assert!(server.stop().expect("stops").success());
    state
}

fn state(client: &mut Client) -> String {
    const LISTINGS: [&str; 5] = [
        "SHOW USERS YIELD *",
        "SHOW ROLES WITH USERS YIELD *",
        "SHOW PRIVILEGES AS COMMANDS YIELD command ORDER BY command",
        "SHOW TOKENS YIELD name, user, databases, level",
        "SHOW DATABASES YIELD name, owner",
    ];
    let mut all = String::new();
    for listing in LISTINGS {
        let rows = run(client, listing).unwrap_or_else(|| panic!("{listing} fails"));
        for row in rows {
            all.push_str(&row.iter().map(types::text::literal).collect::<Vec<_>>().join(" | "));
            all.push('\n');
        }
    }
    all
}

fn run(client: &mut Client, text: &str) -> Option<Vec<Vec<Value>>> {
    run_in(client, "system", text, Map::new()).ok()
}
