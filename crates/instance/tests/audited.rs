//! What the audit says of refusals and commands: which databases they were about.
//! Leaves the audit's file to `audit`.
//! Start reading at [`f94_a_refusal_names_what_it_was_about`].

mod world;

use std::time::Duration;

use instance::{RunOptions, Session};
use types::{Code, Map, Value};
use world::{DONE, check, in_memory, log_in, run, run_with, session, with_passwords};

#[test]
fn f62_refusals_are_audited() {
    let instance = in_memory();
    let mut one = session(&instance);
    check(&mut one, "ALTER DATABASE sheaf SET LIMIT max_nodes = 1", DONE);
    let refused = run(&mut one, "UNWIND [1, 2] AS n CREATE (:A)").expect_err("too many");
    assert_eq!(refused.code(), Code::LimitReached);
    let is_noted = |audited: &str| audited.contains("SET LIMIT") && audited.contains("LimitReached");
    let mut audited = String::new();
    for _ in 0..100 {
        audited = run(&mut one, "SHOW AUDIT YIELD *").expect("lists");
        if is_noted(&audited) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(is_noted(&audited), "{audited}");
}

/// Lists the audit's lines of one kind, oldest first, until there are so many.
fn audited(admin: &mut Session, kind: &str, lines: usize) -> String {
    let text = format!(
        "SHOW AUDIT YIELD sequence, kind, databases, operation WHERE kind = '{kind}' \
         RETURN databases, left(operation, 40) ORDER BY sequence"
    );
    let mut listed = String::new();
    for _ in 0..100 {
        listed = run(admin, &text).expect("lists");
        if listed.lines().count() >= lines {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    listed
}

#[test]
fn f94_a_refusal_names_what_it_was_about() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    for text in [
        "CREATE DATABASE secret",
        "CREATE ALIAS hush FOR DATABASE secret",
        "CREATE DATABASE xa",
        "CREATE DATABASE xb",
        "CREATE USER pat SET PASSWORD 'pat-password' CHANGE NOT REQUIRED",
        "GRANT LEVEL read ON DATABASES xa, xb TO USER pat",
        "DENY CROSS DATABASE ON DATABASE xb TO USER pat",
    ] {
        run(&mut admin, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    }
    let mut pat = log_in(&instance, "pat");
    let named = Map::from_iter([("database".into(), Value::string("secret"))]);
    let usual = RunOptions::default();
    pat.run("DROP DATABASE $database", named, &usual).map(drop).expect_err("no right");
    run(&mut pat, "DROP DATABASE hush").expect_err("no right");
    run(&mut pat, "USE Secret RETURN 1").expect_err("not there for him");
    run(&mut pat, "USE nothing").expect_err("not there");
    let on_xa = RunOptions { database: Some("xa".to_owned()), ..RunOptions::default() };
    let across = "MATCH (n) CALL { USE xb MATCH (m) RETURN count(m) AS m } RETURN m";
    run_with(&mut pat, across, Map::new(), &on_xa).expect_err("not beside another");
    pat.resolve(Some("hidden")).expect_err("not there");
    // A name that can be none is one name, as it can be read.
    pat.resolve(Some("y\n  6666 forged")).expect_err("not there");
    let begun = RunOptions { database: Some("secret".to_owned()), ..RunOptions::default() };
    pat.begin(&begun).expect_err("not there for him");
    let listed = audited(&mut admin, "refusal", 8);
    assert_eq!(
        listed,
        "['secret'] | 'DROP DATABASE $database'\n\
         ['hush', 'secret'] | 'DROP DATABASE hush'\n\
         ['secret', 'sheaf'] | 'USE Secret RETURN 1'\n\
         ['nothing'] | 'USE nothing'\n\
         ['xa', 'xb'] | 'MATCH (n) CALL { USE xb MATCH (m) RETURN'\n\
         ['hidden'] | 'USE hidden'\n\
         ['y\\n  6666 forged'] | 'USE y\\n  6666 forged'\n\
         ['secret'] | 'BEGIN'",
    );
}

#[test]
fn f94_every_command_names_its_databases() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    let commands = [
        ("CREATE DATABASE audc", "['audc']"),
        ("CREATE ROLE guest", "[]"),
        ("ALTER DATABASE audc SET OWNER admin", "['audc']"),
        ("ALTER DATABASE audc SET ISOLATION SOFT", "['audc']"),
        ("CREATE ALIAS aud FOR DATABASE audc", "['audc', 'aud']"),
        ("GRANT ACCESS ON DATABASES audc, sheaf TO guest", "['audc', 'sheaf']"),
        ("GRANT ACCESS ON DATABASE * TO guest", "['*']"),
        ("ALTER DATABASE aud SET LIMIT max_nodes = 5", "['aud', 'audc']"),
        ("CREATE USER pat SET PASSWORD 'pat-password' SET HOME DATABASE AudC", "['audc']"),
        ("ALTER USER pat SET HOME DATABASE aud", "['aud', 'audc']"),
        ("ALTER USER pat SET HOME DATABASE later", "['later']"),
        ("ALTER USER pat REMOVE HOME DATABASE", "[]"),
        ("ALTER USER pat SET HOME DATABASE $home", "['aud', 'audc']"),
        ("DROP ALIAS aud FOR DATABASE", "['aud', 'audc']"),
        ("CALL dbms.setDefaultDatabase('audc')", "['audc']"),
    ];
    let home = Map::from_iter([("home".into(), Value::string("aud"))]);
    for (text, _) in commands {
        run_with(&mut admin, text, home.clone(), &RunOptions::default())
            .unwrap_or_else(|failure| panic!("{text}: {failure}"));
    }
    let expected: Vec<&str> = commands.iter().map(|(_, databases)| *databases).collect();
    let listed = audited(&mut admin, "admin", expected.len());
    let found: Vec<&str> = listed.lines().filter_map(|line| line.split(" | ").next()).collect();
    assert_eq!(found, expected, "{listed}");
}

#[test]
fn f35_f94_who_did_it_and_in_whose_name() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    for text in [
        "CREATE DATABASE secret",
        "CREATE USER ki SET PASSWORD 'ki-password' CHANGE NOT REQUIRED",
        "GRANT IMPERSONATE (admin) ON DBMS TO USER ki",
    ] {
        check(&mut admin, text, DONE);
    }
    let mut ki = log_in(&instance, "ki");
    let as_admin = RunOptions { impersonated_user: Some("admin".to_owned()), ..RunOptions::default() };
    run_with(&mut ki, "CHECK DATABASE secret", Map::new(), &as_admin).expect("it changes nothing");
    run_with(&mut ki, "SHOW TRANSACTIONS", Map::new(), &as_admin).expect("it only looks");
    let refused = [
        "BACKUP DATABASE secret",
        "BACKUP ALL DATABASES TO STREAM",
        "TERMINATE TRANSACTION 'secret-transaction-1'",
        "TERMINATE SESSION 'x'",
        "SHOW TRANSACTIONS YIELD transactionId AS t TERMINATE TRANSACTIONS t YIELD message RETURN message",
        "CREATE ROLE guest",
        "CALL dbms.killConnection('x')",
        "CALL dbms.setDefaultDatabase('secret')",
    ];
    for text in refused {
        let failure = run_with(&mut ki, text, Map::new(), &as_admin).expect_err(text);
        let updating = "Not allowed to run updating system commands when impersonating a user.";
        assert_eq!((failure.code(), failure.message()), (Code::Forbidden, updating), "{text}");
    }
    let text = "SHOW AUDIT YIELD sequence, user, impersonatedUser, kind, operation WHERE user = 'ki' AND kind <> 'login' \
                RETURN impersonatedUser, kind, operation ORDER BY sequence";
    let line = |kind: &str, operation: &str| format!("'admin' | '{kind}' | '{}'", operation);
    let lines = refused.iter().map(|operation| line("refusal", operation));
    let expected: Vec<String> = [line("admin", "CHECK DATABASE secret")].into_iter().chain(lines).collect();
    let mut listed = String::new();
    for _ in 0..100 {
        listed = run(&mut admin, text).expect("lists");
        if listed.lines().count() >= expected.len() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let plain = |text: &str| text.replace(['`', '\\'], "");
    assert_eq!(plain(&listed), expected.join("\n"));
}
