//! Who may do what, where it takes more than one session to see it: sessions that run on, tokens, impersonation, owners.
//! Leaves what one session sees to the scripts under `suite/scripts/rights`.
//! Start reading at [`f95_what_is_changed_holds_from_the_next_statement_on`].

mod world;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use catalog::Authentication;
use instance::{Access, Instance, InstanceOptions, RunOptions, Session};
use types::{Clock, Map, SystemClock};
use world::{DONE, check, failed, log_in, make, options, run, run_with, take};

/// Time that stands still unless it is moved.
struct TestClock {
    start: Instant,
    seconds: AtomicU64,
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        self.start + Duration::from_secs(self.seconds.load(Ordering::Relaxed))
    }

    fn wall_nanos(&self) -> i128 {
        1_000_000_000 * i128::from(1_700_000_000 + self.seconds.load(Ordering::Relaxed))
    }
}

fn clock() -> Arc<TestClock> {
    Arc::new(TestClock { start: SystemClock.now(), seconds: AtomicU64::new(0) })
}

fn with_passwords(clock: &Arc<TestClock>) -> Instance {
    let authentication = Authentication::Password { first: Some("admin-password".to_owned()) };
    let clock: Arc<dyn Clock> = clock.clone();
    let options = InstanceOptions { authentication, clock, ..options(Path::new("/nowhere")) };
    Instance::in_memory(options).expect("memory has room")
}

fn refused(instance: &Instance, user: &str, password: &str) -> String {
    instance.log_in(Some((user, password))).err().map_or_else(|| "let in".to_owned(), |failure| failed(&failure))
}

const UNAUTHORIZED: &str = "Unauthorized: The client is unauthorized due to authentication failure.";
const EXPIRED: &str =
    "AuthorizationExpired: The authorization has expired: the user was dropped, replaced or suspended. Log in again.";

#[test]
fn f95_what_is_changed_holds_from_the_next_statement_on() {
    let instance = with_passwords(&clock());
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "eve");
    check(&mut admin, "CREATE (:Thing)", "[nodes+ 1, labels+ 1]");
    let mut eve = log_in(&instance, "eve");
    check(&mut eve, "MATCH (n) RETURN count(n)", "0");
    check(&mut admin, "GRANT ROLE reader TO eve", DONE);
    check(&mut eve, "MATCH (n) RETURN count(n)", "1");
    check(&mut admin, "ALTER USER eve SET STATUS SUSPENDED", DONE);
    check(&mut eve, "RETURN 1", EXPIRED);
    assert_eq!(refused(&instance, "eve", "eve-password"), UNAUTHORIZED);
    check(&mut admin, "ALTER USER eve SET STATUS ACTIVE", DONE);
    check(&mut eve, "RETURN 1", "1");
    check(&mut admin, "RENAME USER eve TO ada", DONE);
    check(&mut eve, "SHOW CURRENT USER YIELD user", "'ada'");
    check(&mut admin, "DROP USER ada", DONE);
    check(&mut eve, "RETURN 1", EXPIRED);
    // Whoever gets the name of somebody who is gone does not get his session.
    make(&mut admin, "eve");
    check(&mut eve, "RETURN 1", EXPIRED);
    check(&mut log_in(&instance, "eve"), "RETURN 1", "1");
}

#[test]
fn f95_an_expired_password_allows_nothing_but_a_new_one() {
    let instance = with_passwords(&clock());
    let mut admin = log_in(&instance, "admin");
    check(&mut admin, "CREATE USER bob SET PASSWORD 'bob-password'", DONE);
    let mut bob = log_in(&instance, "bob");
    assert!(bob.credentials_expired() && !admin.credentials_expired());
    for text in ["RETURN 1", "SHOW USERS", "SHOW DATABASES", "CREATE DATABASE x", "USE system RETURN 1"] {
        check(&mut bob, text, "CredentialsExpired: Permission denied.");
    }
    check(&mut bob, "ALTER CURRENT USER SET PASSWORD FROM 'bob-password' TO 'other-password'", DONE);
    check(&mut bob, "RETURN 1", "1");
    assert!(!bob.credentials_expired());
    assert_eq!(refused(&instance, "bob", "bob-password"), UNAUTHORIZED);
    // An admin sets it back to be changed, and the session that runs hears of it.
    check(&mut admin, "ALTER USER bob SET PASSWORD CHANGE REQUIRED", DONE);
    check(&mut bob, "RETURN 1", "CredentialsExpired: Permission denied.");
}

#[test]
fn f99_wrong_passwords_are_slowed_down_by_name() {
    let clock = clock();
    let instance = with_passwords(&clock);
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "bob");
    for _ in 0..3 {
        assert_eq!(refused(&instance, "bob", "wrong"), UNAUTHORIZED);
    }
    let limited = "AuthenticationRateLimit: The client has provided incorrect authentication details too many times in \
                   a row. Retry after 5.000 seconds.";
    assert_eq!(refused(&instance, "bob", "bob-password"), limited);
    assert_eq!(refused(&instance, "admin", "admin-password"), "let in");
    // Guessing the old password of a session counts too, and locks neither out for good.
    clock.seconds.fetch_add(6, Ordering::Relaxed);
    assert_eq!(refused(&instance, "bob", "bob-password"), "let in");
}

#[test]
fn f99_guesses_that_come_at_once_are_no_more_than_others() {
    let clock = clock();
    let instance = with_passwords(&clock);
    make(&mut log_in(&instance, "admin"), "bob");
    for checked in [3, 1] {
        let told: Vec<String> = std::thread::scope(|scope| {
            let guess = || scope.spawn(|| refused(&instance, "bob", "wrong"));
            let all: Vec<_> = std::iter::repeat_with(guess).take(24).collect();
            all.into_iter().map(|one| one.join().expect("no panic")).collect()
        });
        let (wrong, late): (Vec<_>, Vec<_>) = told.iter().partition(|told| *told == UNAUTHORIZED);
        assert_eq!(wrong.len(), checked, "{told:?}");
        assert!(late.iter().all(|told| told.starts_with("AuthenticationRateLimit")), "{told:?}");
        clock.seconds.fetch_add(6, Ordering::Relaxed);
    }
    // Many who know the password come in at once.
    std::thread::scope(|scope| {
        let one = || scope.spawn(|| refused(&instance, "bob", "bob-password"));
        let all: Vec<_> = std::iter::repeat_with(one).take(12).collect();
        all.into_iter().for_each(|one| assert_eq!(one.join().expect("no panic"), "let in"));
    });
}

/// Takes the text of a new token out of the row that shows it.
fn token(session: &mut Session, text: &str) -> String {
    let row = run(session, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    let text = row.split(" | ").nth(1).expect("the second column is the token");
    text.trim_matches('\'').to_owned()
}

#[test]
fn f96_tokens_do_less_than_their_user_and_end() {
    let clock = clock();
    let instance = with_passwords(&clock);
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    for database in ["films", "notes"] {
        check(&mut admin, &format!("CREATE DATABASE {database}"), DONE);
        check(&mut admin, &format!("USE {database} CREATE (:Thing)"), "[nodes+ 1, labels+ 1]");
    }
    check(&mut admin, "GRANT ROLE architect TO ann", DONE);
    let mut ann = log_in(&instance, "ann");
    let reading = token(&mut ann, "CREATE TOKEN nightly ON DATABASES films WITH LEVEL read EXPIRES AFTER '1h'");
    check(
        &mut ann,
        "CREATE TOKEN nightly",
        "ArgumentError: Failed to create the specified token 'nightly': The user has a token by that name.",
    );
    check(
        &mut ann,
        "CREATE TOKEN other FOR USER admin",
        "Forbidden: Permission denied. The privilege TOKEN MANAGEMENT ON DBMS is missing or denied for user 'ann' with roles [PUBLIC, architect]; see SHOW USER PRIVILEGES.",
    );

    let mut program = instance.log_in(Some(("", &reading))).expect("the token is right");
    assert_eq!(program.user(), "ann");
    assert_eq!(refused(&instance, "admin", &reading), UNAUTHORIZED, "a token is its user's alone");
    let (before, last) = reading.split_at(reading.len() - 1);
    let other = if last == "x" { "y" } else { "x" };
    assert_eq!(refused(&instance, "", &format!("{before}{other}")), UNAUTHORIZED);
    check(&mut program, "USE films MATCH (n) RETURN count(n)", "1");
    let unknown = "DatabaseNotFound: Database does not exist. Database name: 'notes'.";
    check(&mut program, "USE notes MATCH (n) RETURN count(n)", unknown);
    check(&mut program, "SHOW DATABASES YIELD name", "'films'\n'system'");
    assert!(run(&mut program, "USE films CREATE (:Thing)").is_err());
    assert!(run(&mut program, "USE films CREATE INDEX FOR (n:Thing) ON (n.x)").is_err());
    assert!(run(&mut program, "CREATE TOKEN more").is_err());
    let own = "ALTER CURRENT USER SET PASSWORD FROM 'ann-password' TO 'new-password'";
    let by_person = "Forbidden: Permission denied. A token cannot do this; log in with a password.";
    check(&mut program, own, by_person);
    // Not by one that does all that its user may either: what was opened by a password would outlive it.
    let of_admin = token(&mut admin, "CREATE TOKEN everything");
    let mut everything = instance.log_in(Some(("", &of_admin))).expect("the token is right");
    for text in [
        "CREATE USER hidden SET PASSWORD 'hidden-password' CHANGE NOT REQUIRED",
        "CREATE OR REPLACE USER ann SET PASSWORD 'other-password'",
        "ALTER USER admin SET PASSWORD 'other-password' CHANGE NOT REQUIRED",
        "ALTER USER ann REMOVE ALL AUTH",
        "CREATE TOKEN second FOR USER ann",
    ] {
        check(&mut everything, text, by_person);
    }
    check(&mut everything, "ALTER USER ann SET HOME DATABASE films", DONE);
    check(&mut everything, "ALTER USER ann REMOVE HOME DATABASE", DONE);
    check(&mut admin, "DROP TOKEN everything", DONE);

    // What its user does elsewhere is none of its business; what it does is the user's.
    let [of_user, of_program] = [&mut ann, &mut program].map(|one| one.enlist().expect("has room"));
    ann.begin(&RunOptions { database: Some("notes".into()), ..RunOptions::default() }).expect("begins");
    let databases = "SHOW TRANSACTIONS YIELD database RETURN collect(database)";
    check(&mut program, databases, "['sheaf']");
    let ids = "SHOW TRANSACTIONS YIELD database, transactionId WHERE database = 'notes' RETURN transactionId";
    let id = run(&mut admin, ids).expect("the admin sees it");
    check(&mut program, &format!("TERMINATE TRANSACTION {id} YIELD message"), "'Transaction not found.'");
    check(&mut program, "SHOW SESSIONS YIELD sessionId", &format!("'{of_program}'"));
    check(&mut program, &format!("TERMINATE SESSION '{of_user}' YIELD message"), "'Session not found.'");
    ann.rollback().expect("it is there still");
    let both = "SHOW SESSIONS YIELD sessionId RETURN count(*)";
    check(&mut ann, both, "2");

    // It never does more than its user: what he loses, it loses.
    check(&mut admin, "REVOKE ROLE architect FROM ann", DONE);
    assert!(run(&mut program, "USE films MATCH (n) RETURN count(n)").is_err());
    check(&mut admin, "GRANT ROLE architect TO ann", DONE);
    check(&mut program, "USE films MATCH (n) RETURN count(n)", "1");

    // Its end bites in a session that runs.
    check(
        &mut ann,
        "SHOW TOKENS YIELD name, user, databases, level, expired",
        "'nightly' | 'ann' | ['films'] | 'read' | false",
    );
    clock.seconds.fetch_add(3_601, Ordering::Relaxed);
    let expired = "TokenExpired: The token has expired; log in with another one.";
    check(&mut program, "USE films MATCH (n) RETURN count(n)", expired);
    assert_eq!(refused(&instance, "", &reading), expired);

    // So does taking it back.
    let whole = token(&mut admin, "CREATE TOKEN whole FOR USER ann");
    let mut program = instance.log_in(Some(("ann", &whole))).expect("the token is right");
    check(&mut program, "USE notes CREATE (:Thing)", "[nodes+ 1, labels+ 1]");
    program.begin(&RunOptions { database: Some("notes".into()), ..RunOptions::default() }).expect("begins");
    check(&mut program, "CREATE (:Thing)", "[nodes+ 1, labels+ 1]");
    let mut idle = instance.log_in(Some(("", &whole))).expect("the token is right");
    check(&mut ann, "DROP TOKEN whole", DONE);
    // Whatever is asked, and of whatever there is or is not: the token is over. Nothing is told of databases.
    for statement in ["RETURN 1", "SHOW DATABASES", "CALL dbms.components()", "SHOW TRANSACTIONS", "CREATE DATABASE x"]
    {
        check(&mut program, statement, expired);
        check(&mut idle, statement, expired);
    }
    for database in ["films", "secret", "nobody", "system"] {
        check(&mut idle, &format!("USE {database} RETURN 1"), expired);
        let on = RunOptions { database: Some(database.into()), ..RunOptions::default() };
        assert_eq!(idle.begin(&on).expect_err("it is over").code(), types::Code::TokenExpired);
        assert_eq!(idle.resolve(Some(database)).expect_err("it is over").code(), types::Code::TokenExpired);
    }
    // What it wrote and did not commit is not kept.
    assert_eq!(program.commit().expect_err("it is over").code(), types::Code::TokenExpired);
    check(&mut ann, "USE notes MATCH (n) RETURN count(n)", "2");
    // Who logs in with it again hears the same; a text that nobody was ever let in by is wrong.
    assert_eq!(refused(&instance, "", &whole), expired);
    let (before, last) = whole.split_at(whole.len() - 1);
    let other = if last == "x" { "y" } else { "x" };
    assert_eq!(refused(&instance, "", &format!("{before}{other}")), UNAUTHORIZED);
    // The audit names who came with it, as far as that is known, and never its text.
    let audited = "SHOW AUDIT YIELD kind, user, operation, outcome, code WHERE kind = 'login' AND outcome = 'failed' \
                   RETURN user, operation, split(code, '.')[3]";
    let expected = "'admin' | 'log in by the token 'nightly'' | 'Unauthorized'\n\
                    null | 'log in by a token' | 'Unauthorized'\n\
                    'ann' | 'log in by the token 'nightly'' | 'TokenExpired'\n\
                    'ann' | 'log in by the token 'whole'' | 'TokenExpired'\n\
                    null | 'log in by a token' | 'Unauthorized'";
    check(&mut admin, audited, expected);
    let told =
        "SHOW AUDIT YIELD operation, reason WHERE operation + coalesce(reason, '') CONTAINS 'sheaf_' RETURN count(*)";
    check(&mut admin, told, "0");
    let used = "SHOW AUDIT YIELD kind, user, code, operation WHERE kind = 'refusal' AND code ENDS WITH 'TokenExpired' \
                RETURN DISTINCT user, operation LIMIT 2";
    check(&mut admin, used, "'ann' | 'USE films MATCH (n) RETURN count(n)'\n'ann' | 'RETURN 1'");
    check(
        &mut ann,
        "DROP TOKEN whole",
        "ArgumentError: Failed to delete the specified token 'whole' of user 'ann': Token does not exist.",
    );
    check(&mut ann, "DROP TOKEN whole IF EXISTS", "");
}

#[test]
fn f96_a_token_is_shown_what_it_may_do_and_no_more() {
    let clock = clock();
    let instance = with_passwords(&clock);
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    for text in [
        "CREATE DATABASE films",
        "CREATE DATABASE secret",
        "CREATE ALIAS hidden FOR DATABASE secret",
        "ALTER DATABASE films SET OWNER ann",
        "GRANT LEVEL write ON DATABASE secret TO USER ann",
        "GRANT ACCESS ON ALIAS hidden TO USER ann",
        "GRANT LEVEL read ON DATABASES secr* TO USER ann",
        "GRANT ALL GRAPH PRIVILEGES ON GRAPH * TO USER ann",
        "GRANT CREATE DATABASE ON DBMS TO USER ann",
    ] {
        check(&mut admin, text, DONE);
    }
    let mut ann = log_in(&instance, "ann");
    let text = token(&mut ann, "CREATE TOKEN t ON DATABASE films WITH LEVEL read");
    let mut program = instance.log_in(Some(("", &text))).expect("the token is right");
    let text = token(&mut ann, "CREATE TOKEN o ON DATABASE films WITH LEVEL owner EXPIRES AFTER duration('PT1H')");
    let lasting =
        "SHOW TOKENS YIELD name, created, expires WHERE name = 'o' RETURN expires = created + duration('PT1H')";
    check(&mut ann, lasting, "true");
    let mut owner = instance.log_in(Some(("", &text))).expect("the token is right");

    let told = "SHOW USER PRIVILEGES YIELD access, action, graph, segment, role WHERE role IS NULL \
                RETURN access, action, graph, segment ORDER BY action, segment";
    let read = "'GRANTED' | 'access' | 'films' | 'database'\n'GRANTED' | 'match' | 'films' | 'NODE(*)'\n\
                'GRANTED' | 'match' | 'films' | 'RELATIONSHIP(*)'\n\
                'GRANTED' | 'show_constraint' | 'films' | 'database'\n'GRANTED' | 'show_index' | 'films' | 'database'";
    check(&mut program, &told.replace("RETURN", "RETURN DISTINCT"), read);
    check(&mut program, "SHOW USER PRIVILEGES YIELD graph WHERE graph CONTAINS 'sec' OR graph = 'hidden'", "");
    let commands = "SHOW USER PRIVILEGES AS COMMANDS YIELD command \
                    WHERE command CONTAINS 'sec' OR command CONTAINS 'hidden' OR command CONTAINS 'OWNER' \
                    OR command CONTAINS 'CREATE DATABASE'";
    check(&mut program, commands, "");
    check(&mut owner, commands, "'ALTER DATABASE `films` SET OWNER `ann`'");
    let all = "SHOW USER PRIVILEGES YIELD graph, role WHERE role IS NULL RETURN DISTINCT graph ORDER BY graph";
    check(&mut ann, all, "'*'\n'ALIAS hidden'\n'films'\n'secr*'\n'secret'");

    let held = "SHOW LEVELS YIELD database, level, owner";
    check(&mut program, held, "'films' | 'read' | false");
    check(&mut owner, held, "'films' | 'owner' | false\n'films' | 'owner' | true");
    let granted = "SHOW GRANTED LEVELS YIELD level, database, owner WHERE level <> 'cross_db'";
    check(&mut program, granted, "'read' | 'films' | false");
    check(&mut owner, granted, "'owner' | 'films' | true");
    check(&mut ann, "SHOW GRANTED LEVELS YIELD level WHERE level <> 'cross_db' RETURN count(*)", "3");
}

#[test]
fn f89_an_owner_reads_the_numbers_of_his_database() {
    let clock = clock();
    let instance = with_passwords(&clock);
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    make(&mut admin, "bob");
    for text in ["CREATE DATABASE films", "CREATE DATABASE notes", "ALTER DATABASE films SET OWNER ann"] {
        check(&mut admin, text, DONE);
    }
    for database in ["films", "notes"] {
        check(&mut admin, &format!("USE {database} CREATE (:Thing)"), "[nodes+ 1, labels+ 1]");
    }
    check(&mut admin, "GRANT LEVEL write ON DATABASE notes TO USER ann", DONE);
    let ann = log_in(&instance, "ann");
    let told = ann.metrics().expect("she may see what is used of hers");
    assert!(told.contains("sheaf_database_nodes{database=\"films\"} 1"), "{told}");
    assert!(!told.contains("\"notes\"") && told.contains("\"other\""), "{told}");
    let failure = log_in(&instance, "bob").metrics().expect_err("he owns none");
    assert_eq!(failure.code(), types::Code::Forbidden);
}

fn as_user(user: &str) -> RunOptions {
    RunOptions { impersonated_user: Some(user.to_owned()), ..RunOptions::default() }
}

fn check_as(session: &mut Session, user: &str, text: &str, expected: &str) {
    let got = run_with(session, text, Map::new(), &as_user(user)).unwrap_or_else(|failure| failed(&failure));
    assert_eq!(got, expected, "{text}");
}

#[test]
fn f35_somebody_speaks_as_another_with_no_more_than_the_other_may() {
    let instance = with_passwords(&clock());
    let mut admin = log_in(&instance, "admin");
    for user in ["ann", "bob", "carl"] {
        make(&mut admin, user);
    }
    check(&mut admin, "CREATE (:Thing)", "[nodes+ 1, labels+ 1]");
    check(&mut admin, "GRANT ROLE reader TO ann", DONE);
    check(&mut admin, "GRANT IMPERSONATE (ann) ON DBMS TO USER bob", DONE);
    let mut bob = log_in(&instance, "bob");
    check(&mut bob, "MATCH (n) RETURN count(n)", "0");
    check_as(&mut bob, "ann", "MATCH (n) RETURN count(n)", "1");
    check_as(&mut bob, "ann", "SHOW CURRENT USER YIELD user", "'ann'");
    check_as(&mut bob, "bob", "SHOW CURRENT USER YIELD user", "'bob'");
    for other in ["carl", "nobody", "admin"] {
        let expected = format!("ImpersonationRefused: Cannot impersonate user '{other}'.");
        check_as(&mut bob, other, "RETURN 1", &expected);
    }
    let updating = "Forbidden: Not allowed to run updating system commands when impersonating a user.";
    check_as(&mut bob, "ann", "ALTER CURRENT USER SET PASSWORD FROM 'ann-password' TO 'new-password'", updating);
    check_as(&mut admin, "admin", "CREATE ROLE a", DONE);
    let mut boss = log_in(&instance, "admin");
    check(&mut boss, "GRANT ROLE admin TO ann", DONE);
    check_as(&mut bob, "ann", "CREATE ROLE b", updating);
    for text in [
        "CREATE DATABASE of_another",
        "ALTER DATABASE sheaf SET ACCESS READ ONLY",
        "ALTER DATABASE sheaf SET LIMIT max_nodes = 5",
        "STOP DATABASE sheaf",
        "DROP DATABASE sheaf",
        "CREATE ALIAS of_another FOR DATABASE sheaf",
        "ALTER ALIAS nothing SET DATABASE TARGET sheaf",
        "DROP ALIAS nothing",
        "ALTER DATABASE sheaf RENAME TO of_another",
        "CALL dbms.setDefaultDatabase('sheaf')",
    ] {
        check_as(&mut bob, "ann", text, updating);
    }
    check(
        &mut admin,
        "SHOW DATABASES YIELD name, access ORDER BY name",
        "'sheaf' | 'read-write'\n'system' | 'read-write'",
    );

    // A transaction keeps whom it runs as.
    bob.begin(&as_user("ann")).expect("bob may speak as ann");
    check(&mut bob, "MATCH (n) RETURN count(n)", "1");
    bob.rollback().expect("rolls back");
    check(&mut bob, "MATCH (n) RETURN count(n)", "0");
    // What was begun in her name ends with the right to it.
    let begin = |bob: &mut Session| {
        let options = RunOptions { database: Some("sheaf".to_owned()), ..as_user("ann") };
        bob.begin(&options).expect("he may speak for her");
        run(bob, "MERGE (:ByBob)").expect("she may write");
    };
    let ended = "ImpersonationRefused: Cannot impersonate user 'ann'.";
    let must_change = "ImpersonationPasswordExpired: Cannot impersonate user 'ann' while the password has to be changed. \
                       The user must log in and change it.";
    check(&mut admin, "ALTER USER ann SET PASSWORD CHANGE REQUIRED", DONE);
    check_as(&mut bob, "ann", "RETURN 1", must_change);
    check(&mut admin, "ALTER USER ann SET PASSWORD CHANGE NOT REQUIRED", DONE);
    for (taken, given) in [
        ("REVOKE IMPERSONATE (ann) ON DBMS FROM USER bob", "GRANT IMPERSONATE (ann) ON DBMS TO USER bob"),
        ("DENY IMPERSONATE (ann) ON DBMS TO USER bob", "REVOKE DENY IMPERSONATE (ann) ON DBMS FROM USER bob"),
        ("ALTER USER bob SET STATUS SUSPENDED", "ALTER USER bob SET STATUS ACTIVE"),
        ("ALTER USER ann SET PASSWORD CHANGE REQUIRED", "ALTER USER ann SET PASSWORD CHANGE NOT REQUIRED"),
    ] {
        begin(&mut bob);
        check(&mut admin, taken, DONE);
        let expected = match taken {
            _ if taken.contains("CHANGE REQUIRED") => must_change,
            _ if taken.starts_with("ALTER") => EXPIRED,
            _ => ended,
        };
        let told = run(&mut bob, "RETURN 1").expect_err("he may not speak for her any more");
        assert_eq!(failed(&told), expected, "{taken}");
        bob.rollback().expect("rolls back");
        check(&mut admin, given, DONE);

        begin(&mut bob);
        check(&mut admin, taken, DONE);
        assert_eq!(failed(&bob.commit().expect_err("nor keep anything")), expected, "{taken}");
        check(&mut admin, given, DONE);
    }
    check(&mut admin, "MATCH (n:ByBob) RETURN count(n)", "0");
    let audited = "SHOW AUDIT YIELD user, impersonatedUser, operation, kind WHERE operation = 'COMMIT' RETURN DISTINCT user, \
                   impersonatedUser, kind";
    check(&mut admin, audited, "'bob' | 'ann' | 'refusal'");

    check(&mut admin, "REVOKE IMPERSONATE (ann) ON DBMS FROM USER bob", DONE);
    check_as(&mut bob, "ann", "RETURN 1", "ImpersonationRefused: Cannot impersonate user 'ann'.");

    // Whichever way it is tried, the audit has a line of it.
    bob.begin(&as_user("carl")).expect_err("not as carl");
    bob.resolve_as(None, Some("carl")).expect_err("not as carl");
    let audited = "SHOW AUDIT YIELD user, impersonatedUser, operation, kind, code WHERE impersonatedUser = 'carl' RETURN user, \
                   operation, kind, code";
    let refused =
        |operation: &str| format!("'bob' | '{operation}' | 'refusal' | 'Neo.ClientError.Statement.ArgumentError'");
    check(&mut admin, audited, &["RETURN 1", "BEGIN", "USE "].map(refused).join("\n"));
}

#[test]
fn f29_homes_are_each_users_own() {
    let instance = with_passwords(&clock());
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    check(&mut admin, "CREATE DATABASE films", DONE);
    check(&mut admin, "CREATE ALIAS cinema FOR DATABASE films", DONE);
    check(&mut admin, "GRANT ROLE reader TO ann", DONE);
    let mut ann = log_in(&instance, "ann");
    check(&mut ann, "RETURN db.name() AS n", "'sheaf'");
    check(&mut admin, "ALTER USER ann SET HOME DATABASE cinema", DONE);
    assert_eq!(ann.resolve(None).expect("its home"), "cinema");
    check(&mut ann, "SHOW HOME DATABASE YIELD name", "'films'");
    check(&mut admin, "ALTER USER ann SET HOME DATABASE films", DONE);
    check(&mut admin, "ALTER DATABASE films RENAME TO movies", DONE);
    check(&mut ann, "RETURN db.name() AS n", "'movies'");
    check(&mut admin, "ALTER USER ann SET HOME DATABASE nowhere", DONE);
    check(&mut ann, "RETURN 1", "DatabaseNotFound: Database does not exist. Database name: 'nowhere'.");
    // Commands run on `system` from any session, also from one that has no home.
    check(&mut ann, "SHOW HOME DATABASE YIELD name", "");
    check(&mut ann, "SHOW DEFAULT DATABASE YIELD name", "'sheaf'");
    check(&mut ann, "ALTER CURRENT USER SET PASSWORD FROM 'ann-password' TO 'another-password'", DONE);
    check(&mut ann, "ALTER CURRENT USER SET PASSWORD FROM 'another-password' TO 'ann-password'", DONE);
    check(&mut admin, "ALTER USER ann REMOVE HOME DATABASE", DONE);
    check(&mut ann, "RETURN 1", "1");
    // Nothing but commands is left to whom even the home is closed.
    check(&mut admin, "REVOKE ROLE reader FROM ann", DONE);
    check(&mut admin, "REVOKE ACCESS ON HOME DATABASE FROM PUBLIC", DONE);
    check(&mut ann, "RETURN 1", "DatabaseNotFound: Database does not exist. Database name: 'sheaf'.");
    check(&mut ann, "SHOW DATABASES YIELD name", "'system'");
}

#[test]
fn f90_a_plan_of_somebody_else_tells_nothing() {
    let instance = with_passwords(&clock());
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "bob");
    check(&mut admin, "CREATE DATABASE secret", DONE);
    let text = |name: &str| format!("USE `{name}` MATCH (n) RETURN count(n) AS n");
    for name in ["secret", "SECRET", "nowhere", "NOWHERE"] {
        let _ = run(&mut admin, &text(name));
        let mut bob = log_in(&instance, "bob");
        let failure = run(&mut bob, &text(name)).expect_err("it is not there for bob");
        assert_eq!(failed(&failure), format!("DatabaseNotFound: Database does not exist. Database name: '{name}'."));
        assert_eq!(failure.position().map(|place| place.offset), Some(4), "{name}");
    }
}

#[test]
fn a_reader_reads_in_a_transaction_that_was_opened_for_writing() {
    let instance = with_passwords(&clock());
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    check(&mut admin, "GRANT ROLE reader TO ann", DONE);
    let mut ann = log_in(&instance, "ann");
    ann.begin(&RunOptions { access: Access::Write, ..RunOptions::default() }).expect("most clients open them so");
    check(&mut ann, "MATCH (n) RETURN count(n)", "0");
    assert!(run(&mut ann, "CREATE (:Thing)").is_err());
    ann.rollback().expect("rolls back");
}

#[test]
fn f84_commands_without_effect_say_so() {
    let instance = with_passwords(&clock());
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "bob");
    for (text, updates, code) in [
        ("GRANT ROLE reader TO bob", 1, ""),
        (
            "ALTER DATABASE nobody IF EXISTS SET LIMIT max_nodes = 1",
            0,
            "Neo.ClientNotification.Database.CommandHasNoEffect",
        ),
        ("GRANT ROLE reader TO bob", 0, "Neo.ClientNotification.Security.CommandHasNoEffect"),
        ("GRANT ACCESS ON DATABASE * TO USER bob", 1, ""),
        ("GRANT ACCESS ON DATABASE * TO USER bob", 0, "Neo.ClientNotification.Security.CommandHasNoEffect"),
        ("REVOKE ACCESS ON DATABASE * FROM USER bob", 1, ""),
        ("REVOKE ACCESS ON DATABASE * FROM USER bob", 0, "Neo.ClientNotification.Security.ImpossibleRevokeCommand"),
        (
            "CREATE USER bob IF NOT EXISTS SET PASSWORD 'other-password'",
            0,
            "Neo.ClientNotification.Security.CommandHasNoEffect",
        ),
    ] {
        let mut records = admin.run(text, Map::new(), &RunOptions::default()).expect("it is allowed");
        let (_, summary) = take(&mut records).expect("there are no rows");
        let codes: Vec<&str> = summary.notifications.iter().map(|note| note.code.as_str()).collect();
        assert_eq!((summary.counters.system_updates, codes.join(" ").as_str()), (updates, code), "{text}");
        assert!(summary.notifications.iter().all(|note| !note.title.contains("other-password")), "{text}");
    }
}

#[test]
fn f95_who_is_shut_out_hears_nothing_of_databases() {
    let instance = with_passwords(&clock());
    let mut admin = log_in(&instance, "admin");
    for user in ["ann", "bob"] {
        make(&mut admin, user);
    }
    let [mut ann, mut bob] = ["ann", "bob"].map(|user| log_in(&instance, user));
    check(&mut admin, "ALTER USER ann SET STATUS SUSPENDED", DONE);
    check(&mut admin, "DROP USER bob", DONE);
    for database in ["sheaf", "nobody", "system"] {
        for session in [&mut ann, &mut bob] {
            let on = RunOptions { database: Some(database.into()), ..RunOptions::default() };
            let failure = run_with(session, "RETURN 1", Map::new(), &on).expect_err("shut out");
            assert_eq!(failed(&failure), EXPIRED, "{database}");
            assert_eq!(failed(&session.begin(&on).expect_err("shut out")), EXPIRED, "{database}");
        }
    }
}

#[test]
fn connections_are_listed_and_ended_by_those_who_may() {
    let instance = with_passwords(&clock());
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    let from = |session: &mut Session, connection: &str, protocol: &'static str| {
        session.comes_from(instance::Origin {
            connection: connection.to_owned(),
            address: "10.0.0.7:5000".into(),
            protocol,
            agent: "shell/1.0".into(),
            server: "10.0.0.1:7687".into(),
            since_nanos: Some(0),
            path: None,
        });
        session.enlist().expect("has room")
    };
    let [mut ann, mut second] = ["ann", "ann"].map(|user| log_in(&instance, user));
    from(&mut admin, "bolt-1", "bolt");
    from(&mut ann, "bolt-2", "bolt");
    from(&mut second, "bolt-3", "bolt");
    let text = token(&mut ann, "CREATE TOKEN reading WITH LEVEL read");
    let mut program = instance.log_in(Some(("", &text))).expect("the token is right");
    from(&mut program, "bolt-4", "bolt");
    let listed = "CALL dbms.listConnections() YIELD connectionId, username RETURN connectionId, username";
    check(&mut admin, listed, "'bolt-1' | 'admin'\n'bolt-2' | 'ann'\n'bolt-3' | 'ann'\n'bolt-4' | 'ann'");
    check(&mut ann, listed, "'bolt-2' | 'ann'\n'bolt-3' | 'ann'\n'bolt-4' | 'ann'");
    check(&mut program, listed, "'bolt-4' | 'ann'");
    check(
        &mut admin,
        "CALL dbms.listConnections() YIELD connectionId AS c, connectTime AS t, connector AS k, username AS u, \
         userAgent AS a, serverAddress AS s, clientAddress AS o WHERE c = 'bolt-2' RETURN c, t, k, u, a, s, o",
        "'bolt-2' | '1970-01-01T00:00Z' | 'bolt' | 'ann' | 'shell/1.0' | '10.0.0.1:7687' | '10.0.0.7:5000'",
    );
    let kill = "CALL dbms.killConnection($id) YIELD connectionId, username, message RETURN *";
    let id = |id: &str| Map::from_iter([("id".into(), types::Value::string(id))]);
    let killed = |session: &mut Session, which: &str| {
        run_with(session, kill, id(which), &RunOptions::default()).unwrap_or_else(|failure| failed(&failure))
    };
    let none = |which: &str| format!("'{which}' | 'No connection found with this id' | 'n/a'");
    assert_eq!(killed(&mut ann, "bolt-1"), none("bolt-1"), "it is the admin's");
    assert_eq!(killed(&mut program, "bolt-2"), none("bolt-2"), "it is not the token's own");
    assert!(!admin.is_ended() && !ann.is_ended());
    second.begin(&RunOptions::default()).expect("begins");
    assert_eq!(killed(&mut ann, "bolt-3"), "'bolt-3' | 'Connection found' | 'ann'");
    assert!(second.is_ended());
    second.commit().expect_err("its transaction was ended");
    // One's own connection has its answer, and is closed then.
    let both = "CALL dbms.killConnections(['bolt-2', 'bolt-9']) YIELD connectionId, message RETURN *";
    check(&mut ann, both, "'bolt-2' | 'Connection found'\n'bolt-9' | 'No connection found with this id'");
    assert!(ann.is_ended());
    drop((ann, second));
    check(&mut admin, listed, "'bolt-1' | 'admin'\n'bolt-4' | 'ann'");
    check(&mut admin, "SHOW AUDIT YIELD operation WHERE operation CONTAINS 'kill' RETURN count(*)", "2");
}

#[test]
fn transactions_keep_data_and_servers_tell_of_themselves() {
    let instance = with_passwords(&clock());
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    let mut ann = log_in(&instance, "ann");
    let metadata = Map::from_iter([("app".into(), types::Value::string("shop"))]);
    ann.begin(&RunOptions { metadata, ..RunOptions::default() }).expect("begins");
    check(&mut ann, "CALL tx.getMetaData()", "{app: 'shop'}");
    check(&mut ann, "CALL tx.setMetaData({app: 'till', run: 7})", "");
    check(&mut ann, "CALL tx.getMetaData() YIELD metadata RETURN metadata.run", "7");
    let shown = "SHOW TRANSACTIONS YIELD username, metaData WHERE username = 'ann' RETURN metaData.app";
    check(&mut admin, shown, "'till'");
    ann.rollback().expect("rolls back");
    check(&mut ann, "CALL tx.getMetaData()", "{}");
    let forbidden = run(&mut ann, "SHOW SERVERS").expect_err("it is not his business");
    assert_eq!(forbidden.code(), types::Code::Forbidden);
    let pools = "CALL dbms.listPools() YIELD pool RETURN collect(pool)";
    assert_eq!(run(&mut ann, pools).expect_err("it is not his business").code(), types::Code::Forbidden);
    check(&mut admin, pools, "['Statements', 'Topology', 'Warm pages']");
    check(
        &mut admin,
        "SHOW SERVERS YIELD state, health, hosting, modeConstraint",
        "'Enabled' | 'Available' | ['sheaf', 'system'] | 'NONE'",
    );
    check(&mut admin, "GRANT SHOW SERVERS ON DBMS TO USER ann", DONE);
    check(&mut ann, "SHOW SERVERS YIELD hosting", "['sheaf', 'system']");
    let made = run(&mut admin, "CREATE (n:Thing) RETURN elementId(n) AS e").expect("makes");
    let named = format!(
        "RETURN db.nameFromElementId({}) AS name, db.nameFromElementId('4:x:1') AS none",
        made.split('\n').next().expect("a row")
    );
    check(&mut admin, &named, "'sheaf' | null");
    check(&mut admin, "CREATE DATABASE secret", DONE);
    let made = run(&mut admin, "USE secret CREATE (n:Thing) RETURN elementId(n) AS e").expect("makes");
    let named = format!("RETURN db.nameFromElementId({}) AS name", made.split('\n').next().expect("a row"));
    check(&mut admin, &named, "'secret'");
    check(&mut ann, &named, "null");
}

#[test]
fn f14_f82_batches_end_with_what_their_user_may_do() {
    const ROWS: i64 = 100_000;
    let instance = with_passwords(&clock());
    let mut admin = log_in(&instance, "admin");
    check(&mut admin, "CREATE DATABASE films", DONE);
    make(&mut admin, "ann");
    check(&mut admin, "GRANT LEVEL write ON DATABASE films TO USER ann", DONE);
    let on_films = RunOptions { database: Some("films".to_owned()), ..RunOptions::default() };
    let count = |admin: &mut Session| -> i64 {
        let counted = run(admin, "USE films MATCH (n) RETURN count(n)").expect("reads");
        counted.parse().expect("a number")
    };
    let mut before = 0;
    for (take, give, expected) in TAKEN {
        let (mut ann, on_films) = (log_in(&instance, "ann"), on_films.clone());
        let text = format!("UNWIND range(1, {ROWS}) AS i CALL (i) {{ CREATE (:Film) }} IN TRANSACTIONS OF 1 ROW");
        let batches = std::thread::spawn(move || run_with(&mut ann, &text, Map::new(), &on_films));
        while count(&mut admin) == before && !batches.is_finished() {
            std::thread::yield_now();
        }
        run(&mut admin, take).expect("is taken");
        let kept = count(&mut admin);
        let failure = batches.join().expect("no panic").expect_err(take);
        assert!(failed(&failure).contains(expected), "{take}: {failure} {}", failed(&failure));
        run(&mut admin, give).expect("is given back");
        // The batch that was being committed meanwhile may be there.
        let after = count(&mut admin);
        assert!(before < kept && (kept..=kept + 1).contains(&after), "{take}: {before}, {kept}, {after}");
        before = after;
    }
}

/// What may be taken from ann who writes to films, how it is given back, and what she hears at a commit.
const TAKEN: [(&str, &str, &str); 5] = [
    ("REVOKE LEVEL write ON DATABASE films FROM USER ann", "GRANT LEVEL write ON DATABASE films TO USER ann", ""),
    ("ALTER DATABASE films SET ACCESS READ ONLY", "ALTER DATABASE films SET ACCESS READ WRITE", "DatabaseReadOnly"),
    (
        "DENY CREATE ON GRAPH films NODES Secret TO USER ann",
        "REVOKE DENY CREATE ON GRAPH films NODES Secret FROM USER ann",
        "TransactionConflict",
    ),
    ("ALTER USER ann SET STATUS SUSPENDED", "ALTER USER ann SET STATUS ACTIVE", "AuthorizationExpired"),
    ("DROP USER ann", "SHOW USERS YIELD user WHERE false", "AuthorizationExpired"),
];

#[test]
fn f14_f82_what_was_taken_away_meanwhile_is_not_committed() {
    let instance = with_passwords(&clock());
    let mut admin = log_in(&instance, "admin");
    check(&mut admin, "CREATE DATABASE films", DONE);
    make(&mut admin, "ann");
    check(&mut admin, "GRANT LEVEL write ON DATABASE films TO USER ann", DONE);
    let on_films = RunOptions { database: Some("films".to_owned()), ..RunOptions::default() };
    for (take, give, expected) in TAKEN {
        let mut ann = log_in(&instance, "ann");
        ann.begin(&on_films).expect("begins");
        check(&mut ann, "CREATE (:Film)", "[nodes+ 1, labels+ 1]");
        run(&mut admin, take).expect("is taken");
        let failure = ann.commit().expect_err(take);
        assert!(failed(&failure).contains(expected), "{take}: {failure} {}", failed(&failure));
        run(&mut admin, give).expect("is given back");
    }
    check(&mut admin, "USE films MATCH (n) RETURN count(n)", "0");
    let told =
        "SHOW AUDIT YIELD operation, databases WHERE operation = 'COMMIT' RETURN count(*) > 0, collect(databases)[0]";
    check(&mut admin, told, "true | ['films']");
}
