//! Administration commands in explicit transactions: seen by their transaction alone, kept together or not at all.
//! Leaves what dies in between to `suite/faults`, and what a command does by itself to the other tests.
//! Start reading at [`f1_rolled_back_commands_leave_nothing`].

mod world;

use std::path::Path;
use std::time::Duration;

use catalog::Authentication;
use instance::{Access, Instance, InstanceOptions, RunOptions, Session};
use types::{Clock, Code, Failure, SystemClock};
use world::{check, failed, in_memory, on_disk, options, run, session};

/// What a command shows that changed something.
const DONE: &str = "[system 1]";
/// Everything that the commands of these tests change.
const LISTINGS: [&str; 6] = [
    "SHOW DATABASES YIELD name, aliases, access, requestedStatus, options, default RETURN *",
    "SHOW USERS YIELD user, roles, home",
    "SHOW ROLES YIELD role",
    "SHOW PRIVILEGES AS COMMANDS",
    "SHOW TOKENS YIELD name, user",
    "SHOW LIMITS YIELD database, limit, value, source WHERE source <> 'default'",
];

fn begin(session: &mut Session) {
    begin_on(session, "system");
}

fn begin_on(session: &mut Session, database: &str) {
    session.begin(&RunOptions { database: Some(database.to_owned()), ..RunOptions::default() }).expect("it is there");
}

fn state(session: &mut Session) -> String {
    LISTINGS.map(|listing| run(session, listing).expect(listing)).join("\n--\n")
}

fn folders(folder: &Path) -> usize {
    let found = std::fs::read_dir(folder).expect("reads").map(|entry| entry.expect("reads").path());
    found.filter(|path| path.join("data.mdb").exists()).count()
}

/// One of each family, each building on those before.
const COMMANDS: [&str; 17] = [
    "CREATE USER ann SET PASSWORD 'ann-password' CHANGE NOT REQUIRED",
    "CREATE ROLE makers",
    "GRANT ROLE makers TO ann",
    "CREATE DATABASE films OPTIONS {description: 'first'}",
    "GRANT MATCH {*} ON GRAPH films TO makers",
    "GRANT LEVEL write ON DATABASE films TO USER ann",
    "CREATE ALIAS movies FOR DATABASE films",
    "ALTER USER ann SET HOME DATABASE movies",
    "ALTER DATABASE films SET LIMIT max_nodes = 5",
    "ALTER DATABASE films SET ACCESS READ ONLY",
    "CREATE TOKEN nightly FOR USER ann ON DATABASE films",
    "ALTER DATABASE films SET OWNER ann",
    "STOP DATABASE old",
    "DROP DATABASE older",
    "RENAME DATABASE oldest TO eldest",
    "CREATE OR REPLACE DATABASE worn",
    "RENAME ROLE makers TO builders",
];

fn prepare(session: &mut Session) {
    for name in ["old", "older", "oldest", "worn"] {
        check(session, &format!("CREATE DATABASE {name}"), DONE);
        run(session, &format!("USE {name} CREATE (:Kept)")).expect("runs");
    }
}

#[test]
fn f1_rolled_back_commands_leave_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let instance = on_disk(folder.path());
    let (mut one, mut other) = (session(&instance), session(&instance));
    prepare(&mut one);
    let (before, files) = (state(&mut other), folders(folder.path()));
    begin(&mut one);
    for text in COMMANDS {
        run(&mut one, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
        assert_eq!(state(&mut other), before, "somebody else sees {text}");
    }
    assert_ne!(state(&mut one), before, "the transaction sees what it did");
    one.rollback().expect("it is open");
    assert_eq!(state(&mut one), before);
    assert_eq!(folders(folder.path()), files);
    check(&mut other, "USE old MATCH (n) RETURN count(n)", "1");
    check(&mut other, "USE older MATCH (n) RETURN count(n)", "1");
    check(&mut other, "USE worn MATCH (n) RETURN count(n)", "1");
    check(&mut other, "CREATE DATABASE films", DONE);
}

#[test]
fn f1_committed_commands_are_all_there_also_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let instance = on_disk(folder.path());
    let (mut one, mut other) = (session(&instance), session(&instance));
    prepare(&mut one);
    begin(&mut one);
    for text in COMMANDS {
        run(&mut one, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    }
    let seen = state(&mut one);
    let bookmark = one.commit().expect("nobody else changed anything").expect("a bookmark");
    assert!(bookmark.starts_with("sheaf:system:"), "{bookmark}");
    assert_eq!(state(&mut other), seen, "what was shown in the transaction is what was kept");
    check(&mut other, "USE movies MATCH (n) RETURN count(n)", "0");
    check(&mut other, "USE worn MATCH (n) RETURN count(n)", "0");
    check(&mut other, "USE eldest MATCH (n) RETURN count(n)", "1");
    let stopped = run(&mut other, "USE old RETURN 1").expect_err("it was stopped");
    assert_eq!(stopped.code(), Code::DatabaseUnavailable);
    assert_eq!(folders(folder.path()), 6, "system, sheaf, films, old, oldest and worn");
    instance.close();
    drop((one, other, instance));
    let mut after = session(&on_disk(folder.path()));
    assert_eq!(state(&mut after), seen);
    begin(&mut after);
    check(&mut after, "START DATABASE old", DONE);
    check(&mut after, "ALTER DATABASE films SET ACCESS READ WRITE", DONE);
    after.commit().expect("commits");
    check(&mut after, "USE old MATCH (n) RETURN count(n)", "1");
    run(&mut after, "USE films CREATE (:New)").expect("it may be written again");
}

#[test]
fn f1_what_somebody_else_changed_meanwhile_makes_a_conflict_that_is_tried_again() {
    let instance = in_memory();
    let (mut one, mut other) = (session(&instance), session(&instance));
    begin(&mut one);
    check(&mut one, "CREATE DATABASE films", DONE);
    check(&mut other, "CREATE ROLE critics", DONE);
    let failure = one.commit().expect_err("the other was first");
    assert_eq!(failure.code(), Code::TransactionConflict);
    assert!(failure.code().row().retry && failure.code().row().neo4j.starts_with("Neo.TransientError."));
    check(&mut one, "SHOW DATABASE films YIELD name", "");
    begin(&mut one);
    check(&mut one, "CREATE DATABASE films", DONE);
    one.commit().expect("nobody came in between");
    check(&mut other, "SHOW DATABASE films YIELD name", "'films'");

    // What was only looked at counts too, and what others do to data does not.
    begin(&mut one);
    run(&mut one, "SHOW ROLES").expect("lists");
    check(&mut other, "DROP ROLE critics", DONE);
    let refused = run(&mut one, "CREATE ROLE critics").expect_err("what it saw is not so any more");
    assert_eq!(refused.code(), Code::TransactionConflict);
    one.rollback().expect("it is open");
    begin(&mut one);
    check(&mut one, "CREATE ROLE critics", DONE);
    run(&mut other, "CREATE (:Thing)").expect("runs");
    one.commit().expect("data is something else");
}

/// Runs one command in a transaction, and commits it.
fn committed(session: &mut Session, command: &str) -> Result<(), Failure> {
    begin(session);
    run(session, command)?;
    session.commit().map(drop)
}

#[test]
fn f1_transactions_that_come_together_take_turns_and_meet_no_conflict() {
    let instance = in_memory();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let mut session = session(&instance);
            scope.spawn(move || {
                for number in 0..10 {
                    let name = format!("t{thread}x{number}");
                    committed(&mut session, &format!("CREATE DATABASE {name}")).expect("nobody is in the way");
                    run(&mut session, &format!("ALTER DATABASE {name} SET LIMIT max_nodes = 5")).expect("it is there");
                }
            });
        }
    });
    check(&mut session(&instance), "SHOW DATABASES YIELD name WHERE name STARTS WITH 't' RETURN count(*)", "80");
}

#[test]
fn f1_who_leaves_a_transaction_open_is_not_waited_for() {
    let instance = in_memory();
    let (mut idle, mut other) = (session(&instance), session(&instance));
    begin(&mut idle);
    run(&mut idle, "CREATE DATABASE films").expect("there is no such database");
    for number in 0..30 {
        committed(&mut other, &format!("CREATE DATABASE b{number}")).expect("the idle one has had its turn");
    }
    let refused = idle.commit().expect_err("others came first");
    assert_eq!(refused.code(), Code::TransactionConflict);

    // A command that comes to nothing keeps nobody waiting.
    begin(&mut idle);
    run(&mut idle, "DROP DATABASE nowhere").expect_err("there is none");
    let begun = Clock::now(&SystemClock);
    run(&mut other, "CREATE DATABASE notes").expect("nobody is in the way");
    assert!(begun.elapsed() < Duration::from_millis(150), "{:?}", begun.elapsed());
}

#[test]
fn f1_data_and_administration_do_not_mix() {
    let instance = in_memory();
    let mut one = session(&instance);
    let refused = |one: &mut Session, first: &str, then: &str, expected: &str| {
        begin_on(one, "sheaf");
        run(one, first).expect(first);
        let failure = run(one, then).expect_err(then);
        assert_eq!(
            failed(&failure),
            format!("ForbiddenTransactionType: Tried to execute {expected}"),
            "{first}; {then}"
        );
        assert_eq!(failure.code().row().gql, "25N01");
        one.rollback().expect("it is open");
    };
    let (read, write, index) = ("MATCH (n) RETURN n", "CREATE (:N)", "CREATE INDEX FOR (n:N) ON (n.a)");
    let role = "CREATE ROLE critics";
    refused(&mut one, read, role, "Administration command after executing Read query");
    refused(&mut one, write, role, "Administration command after executing Write query");
    refused(&mut one, index, role, "Administration command after executing Schema modification");
    refused(&mut one, role, read, "Read query after executing Administration command");
    refused(&mut one, role, write, "Write query after executing Administration command");
    refused(&mut one, role, index, "Schema modification after executing Administration command");
    check(&mut one, "SHOW ROLES YIELD role WHERE role = 'critics'", "");

    // A database of this transaction alone has no files to be read.
    begin(&mut one);
    check(&mut one, "CREATE DATABASE films", DONE);
    let failure = run(&mut one, "USE films MATCH (n) RETURN n").expect_err("it is not there yet");
    assert_eq!(failure.code(), Code::ForbiddenTransactionType);
    check(&mut one, "SHOW DATABASE films YIELD name, currentStatus, statusMessage", "'films' | 'online' | ''");
    run(&mut one, "SHOW USAGE FOR DATABASE films").ok();
    one.commit().expect("commits");
    check(&mut one, "USE films MATCH (n) RETURN count(n)", "0");
    check(&mut one, "SHOW DATABASE films YIELD name, currentStatus, statusMessage", "'films' | 'online' | ''");
}

#[test]
fn f1_commands_that_take_effect_at_once_stand_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let instance = on_disk(folder.path());
    let mut one = session(&instance);
    prepare(&mut one);
    let alone = [
        "BACKUP DATABASE old TO 'old.backup'",
        "CREATE DATABASE copy FROM old",
        "ALTER DATABASE old SET OPTION journal true",
    ];
    for text in alone {
        begin(&mut one);
        check(&mut one, "CREATE ROLE critics", DONE);
        let failure = run(&mut one, text).expect_err(text);
        assert_eq!(failure.code(), Code::ForbiddenTransactionType, "{text}: {failure}");
        assert!(failure.message().contains("by itself"), "{failure}");
        one.rollback().expect("it is open");
        check(&mut one, "SHOW DATABASE copy YIELD name", "");
    }
    begin(&mut one);
    run(&mut one, "CREATE DATABASE copy FROM old").expect("it is the only one");
    let failure = run(&mut one, "CREATE ROLE critics").expect_err("it is the only one");
    assert_eq!(failure.code(), Code::ForbiddenTransactionType);
    one.rollback().expect("it is open");
    check(&mut one, "USE copy MATCH (n) RETURN count(n)", "1");
}

#[test]
fn f3_a_database_that_a_transaction_drops_is_dumped_when_that_commits() {
    let folder = tempfile::tempdir().expect("a folder");
    let instance = on_disk(folder.path());
    let (mut one, mut other) = (session(&instance), session(&instance));
    prepare(&mut one);
    check(&mut one, "ALTER DATABASE old SET OPTION journal true", DONE);
    check(&mut one, "CREATE ALIAS former FOR DATABASE old", DONE);
    let backups = "SHOW BACKUPS YIELD name, type RETURN name, type ORDER BY type";
    let drop_it = "DROP DATABASE old CASCADE ALIASES DUMP DATA";
    let files = || std::fs::read_dir(folder.path().join("backups")).map_or(0, Iterator::count);
    // First of its transaction, or behind others: nothing happens before the commit, nor at all without one.
    for first in [None, Some("CREATE ROLE critics")] {
        begin(&mut one);
        first.iter().for_each(|first| check(&mut one, first, DONE));
        check(&mut one, drop_it, DONE);
        check(&mut one, "SHOW DATABASE old YIELD name", "");
        check(&mut other, "USE old MATCH (n) RETURN count(n)", "1");
        one.rollback().expect("it is open");
        check(&mut one, "USE old MATCH (n) RETURN count(n)", "1");
        check(&mut one, backups, "");
    }
    // Whose commit fails leaves nothing either.
    begin(&mut one);
    check(&mut one, drop_it, DONE);
    run(&mut other, "CREATE ROLE others").expect("another one changes something");
    let failure = one.commit().expect_err("a conflict");
    assert_eq!(failure.code(), Code::TransactionConflict, "{failure}");
    assert_eq!(files(), 0);
    check(&mut one, "USE old MATCH (n) RETURN count(n)", "1");
    // Nor does one that cannot be done alone.
    run(&mut one, "DROP DATABASE old RESTRICT DUMP DATA").expect_err("it has an alias");
    assert_eq!(files(), 0);

    begin(&mut one);
    check(&mut one, "CREATE ROLE critics", DONE);
    check(&mut one, drop_it, DONE);
    check(&mut one, "CREATE DATABASE made", DONE);
    check(&mut one, "DROP DATABASE made DUMP DATA", DONE);
    check(&mut one, "DROP DATABASE nothing IF EXISTS DUMP DATA", "");
    check(&mut other, "USE old CREATE (:Late)", "[nodes+ 1, labels+ 1]");
    one.commit().expect("commits");
    check(&mut one, "SHOW DATABASES YIELD name WHERE name IN ['old', 'made']", "");
    check(&mut one, "SHOW ROLES YIELD role WHERE role = 'critics'", "'critics'");
    check(&mut one, backups, "'old' | 'database'");
    assert_eq!(files(), 2, "with its journal");
    let file = run(&mut one, "SHOW BACKUPS YIELD file").expect("lists");
    check(&mut one, &format!("CREATE DATABASE again FROM BACKUP {file}"), DONE);
    check(&mut one, "USE again MATCH (n) RETURN count(n)", "2");
}

#[test]
fn f1_a_command_that_fails_leaves_the_others_of_its_transaction() {
    let mut one = session(&in_memory());
    begin(&mut one);
    check(&mut one, "CREATE ROLE critics", DONE);
    run(&mut one, "CREATE ROLE critics").expect_err("it is there, in the eyes of the transaction");
    check(&mut one, "CREATE ROLE critics IF NOT EXISTS", "");
    one.commit().expect("commits");
    check(&mut one, "SHOW ROLES YIELD role WHERE role = 'critics'", "'critics'");

    // A transaction for reading changes nothing.
    let reads = RunOptions { access: Access::Read, ..RunOptions::default() };
    one.begin(&reads).expect("begins");
    assert_eq!(run(&mut one, "DROP ROLE critics").expect_err("it reads").code(), Code::WriteInReadMode);
}

#[test]
fn f94_the_audit_tells_of_a_transaction_when_it_is_over() {
    let authentication = Authentication::Password { first: Some("admin-password".to_owned()) };
    let options = InstanceOptions { authentication, ..options(Path::new("/nowhere")) };
    let instance = Instance::in_memory(options).expect("memory has room");
    let log_in = || instance.log_in(Some(("admin", "admin-password"))).expect("the password is right");
    let (mut one, mut other) = (log_in(), log_in());
    let told = "SHOW AUDIT YIELD kind, operation, outcome WHERE kind = 'admin' RETURN operation, outcome";
    let lines = |session: &mut Session| run(session, told).expect("lists");
    begin(&mut one);
    check(&mut one, "CREATE ROLE critics", DONE);
    check(&mut one, "CREATE DATABASE films", DONE);
    assert_eq!(lines(&mut other), "", "nothing happened yet");
    one.rollback().expect("it is open");
    assert_eq!(lines(&mut other), "", "nothing happened");
    begin(&mut one);
    check(&mut one, "CREATE ROLE critics", DONE);
    check(&mut one, "CREATE DATABASE films", DONE);
    one.commit().expect("commits");
    let both = "'CREATE ROLE critics' | 'done'\n'CREATE DATABASE films' | 'done'";
    assert_eq!(lines(&mut other), both);
    begin(&mut one);
    check(&mut one, "DROP ROLE critics", DONE);
    check(&mut other, "CREATE ROLE others", DONE);
    one.commit().expect_err("the other was first");
    let after = "'CREATE ROLE others' | 'done'\n'DROP ROLE critics' | 'failed'";
    assert_eq!(lines(&mut other), format!("{both}\n{after}"));
}

#[test]
fn f16_wait_in_a_transaction_tells_what_that_transaction_shows() {
    let folder = tempfile::tempdir().expect("a folder");
    let instance = on_disk(folder.path());
    let [mut one, mut other] = [session(&instance), session(&instance)];
    check(&mut one, "CREATE DATABASE old", DONE);
    let before = folders(folder.path());
    let shown = "SHOW DATABASES YIELD name, currentStatus WHERE name IN ['old', 'new']";
    for (ending, then) in [(false, "'old' | 'online'"), (true, "'new' | 'online'\n'old' | 'offline'")] {
        begin(&mut one);
        for command in ["CREATE DATABASE new WAIT", "STOP DATABASE old WAIT"] {
            let told = run(&mut one, command).expect(command);
            assert!(told.ends_with("| 'CaughtUp' | 'caught up' | true\n[system 1]"), "{told}");
        }
        check(&mut one, shown, "'new' | 'online'\n'old' | 'stopping'");
        check(&mut other, shown, "'old' | 'online'");
        assert_eq!(folders(folder.path()), before, "files come with the commit");
        match ending {
            false => one.rollback().expect("it is open"),
            true => drop(one.commit().expect("commits")),
        }
        check(&mut other, shown, then);
    }
    assert_eq!(folders(folder.path()), before + 1);
    check(&mut other, "USE new CREATE (:Film)", "[nodes+ 1, labels+ 1]");
}

#[test]
fn f18_the_default_database_is_set_by_a_command_however_it_is_written() {
    let instance = in_memory();
    let mut one = session(&instance);
    for text in ["CREATE DATABASE films", "CREATE DATABASE notes"] {
        check(&mut one, text, DONE);
    }
    let default = "SHOW DEFAULT DATABASE YIELD name";
    let call = "CALL dbms.setDefaultDatabase('films')";
    // In a transaction it comes with the commit, or not at all, and does not mix with data.
    let mut other = session(&instance);
    begin(&mut one);
    check(&mut one, "CREATE ROLE critics", DONE);
    check(&mut one, call, "'Default database set to films'");
    check(&mut one, default, "'films'");
    check(&mut other, default, "'sheaf'");
    one.rollback().expect("it is open");
    check(&mut one, default, "'sheaf'");
    begin_on(&mut one, "notes");
    run(&mut one, "MATCH (n) RETURN n").expect("reads");
    assert_eq!(run(&mut one, call).expect_err("it is a command").code(), Code::ForbiddenTransactionType);
    one.rollback().expect("it is open");
    // Nobody who only reads does it, and what fails has done nothing.
    let reads = RunOptions { access: Access::Read, ..RunOptions::default() };
    for text in [call, "ALTER DATABASE films SET DEFAULT"] {
        let failure = world::run_with(&mut one, text, types::Map::new(), &reads).expect_err(text);
        assert_eq!(failure.code(), Code::WriteInReadMode, "{text}: {failure}");
    }
    let within = [
        "UNWIND ['films', 'notes'] AS d CALL dbms.setDefaultDatabase(d) YIELD result RETURN result",
        "CALL dbms.setDefaultDatabase('films') YIELD result WITH result CREATE (:Half) RETURN 1",
        "CALL dbms.setDefaultDatabase('films') YIELD result RETURN 1 / 0",
        "CALL dbms.setDefaultDatabase('films') YIELD nothing",
        "RETURN EXISTS { CALL dbms.setDefaultDatabase('films') YIELD result RETURN 1 }",
        "RETURN COUNT { CALL dbms.setDefaultDatabase('films') YIELD result RETURN 1 }",
        "RETURN COLLECT { CALL dbms.setDefaultDatabase('films') YIELD result RETURN 1 }",
        "CALL { CALL dbms.setDefaultDatabase('films') YIELD result RETURN result } RETURN result",
        "MATCH (n) CALL dbms.setDefaultDatabase('films') YIELD result RETURN result",
        "EXPLAIN CALL dbms.setDefaultDatabase('films')",
    ];
    for text in within {
        let ran = run(&mut one, text);
        let is_nothing = text.starts_with("EXPLAIN") || text.starts_with("MATCH");
        assert!(ran.is_err() || is_nothing, "{text}: {ran:?}");
        check(&mut one, default, "'sheaf'");
    }
    let text = "CALL dbms.setDefaultDatabase('films') YIELD result AS r WHERE r CONTAINS 'set' RETURN toUpper(r)";
    check(&mut one, text, "'DEFAULT DATABASE SET TO FILMS'");
    check(&mut one, call, "'Default database already set to films, no change required'");
    check(&mut one, default, "'films'");
}
