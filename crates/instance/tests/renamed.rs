//! What somebody began is his by who he is, not by what he is called: after a new name, and for who takes the old one.
//! Leaves what privileges hold for to `naming`, and open HTTP transactions to `suite/rights/wire.rs`.
//! Start reading at [`f31_what_somebody_began_stays_his_when_he_is_renamed`].

mod world;

use std::path::Path;
use std::time::Duration;

use catalog::Authentication;
use instance::{Instance, InstanceOptions, RunOptions, Session};
use types::{Clock, Map, SystemClock, Value};
use world::{DONE, all, check, failed, log_in, make, options, run, run_with, with_passwords};

/// Logs in by a name that is not the one of the password.
fn enter(instance: &Instance, user: &str, password: &str) -> Session {
    instance.log_in(Some((user, password))).expect("the password is right")
}

fn from(session: &mut Session, connection: &str) -> String {
    let origin =
        instance::Origin { connection: connection.to_owned(), protocol: "bolt", ..instance::Origin::default() };
    session.comes_from(origin);
    session.enlist().expect("has room")
}

/// Runs a statement with one parameter.
fn asked(session: &mut Session, text: &str, id: &str) -> String {
    let parameters = Map::from_iter([("id".into(), Value::string(id))]);
    run_with(session, text, parameters, &RunOptions::default()).unwrap_or_else(|failure| failed(&failure))
}

/// The ways in which somebody loses his name to another.
const LOSES_HIS_NAME: [&[&str]; 3] = [
    &["RENAME USER ann TO eva", "CREATE USER ann SET PASSWORD 'new-password' CHANGE NOT REQUIRED"],
    &["DROP USER ann", "CREATE USER ann SET PASSWORD 'new-password' CHANGE NOT REQUIRED"],
    &["CREATE OR REPLACE USER ann SET PASSWORD 'new-password' CHANGE NOT REQUIRED"],
];

#[test]
fn f31_who_takes_a_name_over_reaches_nothing_of_whoever_had_it() {
    for loses in LOSES_HIS_NAME {
        let instance = with_passwords();
        let mut admin = log_in(&instance, "admin");
        make(&mut admin, "ann");
        all(&mut admin, &["GRANT LEVEL write ON DATABASE sheaf TO USER ann"]);
        let mut old = log_in(&instance, "ann");
        let (session, object) = (from(&mut old, "bolt-1"), log_in(&instance, "ann").open_object().expect("has room"));
        old.begin(&RunOptions::default()).expect("begins");
        check(&mut old, "CREATE (:Open)", "[nodes+ 1, labels+ 1]");
        let key = old.key();
        let id = run(&mut admin, "SHOW TRANSACTIONS YIELD transactionId, username WHERE username = 'ann'");
        let id = id.expect("lists").split('\'').nth(1).expect("it is open").to_owned();
        all(&mut admin, loses);

        let mut new = enter(&instance, "ann", "new-password");
        assert!(!new.owns(&key) && new.key() != key && new.identity() != old.identity(), "{loses:?}");
        assert_eq!(new.resume(&object).expect_err("it is not his").code(), types::Code::SessionNotFound, "{loses:?}");
        check(&mut new, "SHOW SESSIONS YIELD username", "");
        check(&mut new, "SHOW TRANSACTIONS YIELD currentQuery WHERE NOT currentQuery CONTAINS 'SHOW'", "");
        check(&mut new, "CALL dbms.listConnections() YIELD connectionId", "");
        for (text, id, told) in [
            ("TERMINATE SESSION $id YIELD message", &session, "'Session not found.'"),
            ("TERMINATE SESSION $id YIELD message", &object, "'Session not found.'"),
            ("TERMINATE TRANSACTION $id YIELD message", &id, "'Transaction not found.'"),
            ("CALL dbms.killConnection($id) YIELD message", &"bolt-1".to_owned(), "'No connection found with this id'"),
        ] {
            assert_eq!(asked(&mut new, text, id), told, "{loses:?} {text}");
        }
        assert!(!old.is_ended());
    }
}

#[test]
fn f31_what_somebody_began_stays_his_when_he_is_renamed() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(&mut admin, &["GRANT LEVEL write ON DATABASE sheaf TO USER ann"]);
    let mut old = log_in(&instance, "ann");
    let (session, object) = (from(&mut old, "bolt-1"), log_in(&instance, "ann").open_object().expect("has room"));
    old.begin(&RunOptions::default()).expect("begins");
    check(&mut old, "CREATE (:Open)", "[nodes+ 1, labels+ 1]");
    let key = old.key();
    all(&mut admin, LOSES_HIS_NAME[0]);

    let mut eva = enter(&instance, "eva", "ann-password");
    assert!(eva.owns(&key));
    eva.resume(&object).expect("it is his");
    check(&mut eva, "SHOW SESSIONS YIELD username", "'eva'\n'eva'");
    check(&mut eva, "SHOW TRANSACTIONS YIELD username RETURN DISTINCT username", "'eva'");
    check(&mut eva, "CALL dbms.listConnections() YIELD username", "'eva'");
    check(&mut old, "CALL dbms.showCurrentUser() YIELD username", "'eva'");
    old.commit().expect("he may");
    check(&mut eva, "MATCH (n:Open) RETURN count(n)", "1");
    assert_eq!(
        asked(&mut eva, "TERMINATE SESSION $id YIELD username, message", &session),
        "'eva' | 'Session terminated.'"
    );
    // A right to see what a user runs is about the one who has the name now.
    make(&mut admin, "sam");
    all(&mut admin, &["GRANT SHOW TRANSACTION (ann) ON DATABASE * TO USER sam"]);
    eva.begin(&RunOptions::default()).expect("begins");
    let listed = "SHOW TRANSACTIONS YIELD username RETURN DISTINCT username";
    check(&mut log_in(&instance, "sam"), listed, "'sam'");
    let mut new = enter(&instance, "ann", "new-password");
    new.begin(&RunOptions { database: Some("system".to_owned()), ..RunOptions::default() }).expect("begins");
    check(&mut log_in(&instance, "sam"), "SHOW TRANSACTIONS YIELD username ORDER BY username", "'ann'\n'sam'");
    all(&mut admin, &["GRANT SHOW TRANSACTION (eva) ON DATABASE * TO USER sam"]);
    check(&mut log_in(&instance, "sam"), "SHOW TRANSACTIONS YIELD username ORDER BY username", "'ann'\n'eva'\n'sam'");
}

#[test]
fn f35_somebody_speaks_as_who_has_the_name_now() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(&mut admin, &["GRANT IMPERSONATE (*) ON DBMS TO USER ann"]);
    let mut old = log_in(&instance, "ann");
    all(&mut admin, LOSES_HIS_NAME[0]);
    let options = RunOptions { impersonated_user: Some("ann".to_owned()), ..RunOptions::default() };
    let who = "CALL dbms.showCurrentUser() YIELD username";
    assert_eq!(run_with(&mut old, who, Map::new(), &options).expect("he may"), "'ann'");
    let options = RunOptions { impersonated_user: Some("eva".to_owned()), ..RunOptions::default() };
    assert_eq!(run_with(&mut old, who, Map::new(), &options).expect("it is himself"), "'eva'");
}

#[test]
fn f55_limits_count_users_whatever_they_are_called() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(&mut admin, &["GRANT ROLE reader TO ann", "ALTER DATABASE sheaf SET LIMIT max_connections_per_user = 1"]);
    let mut old = log_in(&instance, "ann");
    check(&mut old, "RETURN 1", "1");
    all(&mut admin, LOSES_HIS_NAME[0]);
    all(&mut admin, &["GRANT ROLE reader TO ann"]);
    let mut eva = enter(&instance, "eva", "ann-password");
    let refused = run(&mut eva, "RETURN 1").expect_err("his connection counts");
    assert_eq!(refused.code(), types::Code::TooManyConnections);
    let mut new = enter(&instance, "ann", "new-password");
    check(&mut new, "RETURN 1", "1");
    assert_eq!([&mut old, &mut new].map(|session| session.standing(None).expect("his own").connections), [1, 1]);
    assert_eq!(old.standing(None).expect("his own").user, "eva");
}

#[test]
fn f94_the_audit_names_users_as_they_are_called_now() {
    let folder = tempfile::tempdir().expect("there is room");
    let query_log = instance::QueryLogOptions {
        file: folder.path().join("query.log"),
        threshold: Duration::ZERO,
        parameters: false,
        bytes_max: 1 << 20,
        files_max: 1,
    };
    let authentication = Authentication::Password { first: Some("admin-password".to_owned()) };
    let options = InstanceOptions { authentication, query_log: Some(query_log), ..options(Path::new("/nowhere")) };
    let instance = Instance::in_memory(options).expect("memory has room");
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(&mut admin, &["CREATE DATABASE films", "GRANT DATABASE MANAGEMENT ON DBMS TO USER ann"]);
    all(&mut admin, &["GRANT ACCESS ON DATABASE sheaf TO USER ann", "GRANT LEVEL read ON DATABASE films TO USER ann"]);
    let mut old = log_in(&instance, "ann");
    from(&mut old, "bolt-1");
    all(&mut admin, LOSES_HIS_NAME[0]);
    check(&mut old, "CREATE DATABASE his", DONE);
    run(&mut old, "CREATE ROLE nobodys").expect_err("he may not");
    run(
        &mut old,
        "CALL { USE films MATCH (n) RETURN count(n) AS a } CALL { USE his MATCH (n) RETURN count(n) AS b } RETURN a, b",
    )
    .expect("he may");
    check(&mut old, "CALL dbms.killConnection('bolt-1') YIELD username", "'eva'");
    let lines = |user: &str| {
        format!("SHOW AUDIT YIELD user, operation WHERE user = '{user}' RETURN operation ORDER BY operation")
    };
    let told = || run(&mut log_in(&instance, "admin"), &lines("eva")).expect("lists");
    let is_whole =
        || ["CREATE DATABASE", "CREATE ROLE", "USE films", "dbms.kill"].iter().all(|part| told().contains(part));
    let until = SystemClock.now() + Duration::from_secs(20);
    while !is_whole() && SystemClock.now() < until {
        std::thread::yield_now();
    }
    assert!(is_whole(), "{}", told());
    check(&mut admin, &lines("ann"), "'log in'");
    drop((old, admin));
    let log = || std::fs::read_to_string(folder.path().join("query.log")).unwrap_or_default();
    while !log().contains("killConnection") && SystemClock.now() < until {
        std::thread::yield_now();
    }
    let lines = log();
    assert!(lines.lines().any(|line| line.contains("CREATE ROLE") && line.contains(r#""user":"eva""#)), "{lines}");
    assert!(!lines.contains(r#""user":"ann""#), "{lines}");
}
