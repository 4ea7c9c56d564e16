//! What stays true when names change, sessions rest and databases close: choices, seats, counts, limits of roles.

mod world;

use std::time::Duration;

use catalog::Authentication;
use instance::{AdmissionError, Instance, RunOptions, Session};
use types::{Code, Failure, Map};
use world::{DONE, check, failed, in_memory, log_in, on_disk, options, run, run_with, session, with_passwords};

const AT: &str = "MATCH (n) RETURN labels(n)[0]";

fn resumed(instance: &Instance, id: &str) -> Session {
    let mut one = session(instance);
    one.resume(id).expect("it is there");
    one
}

#[test]
fn f30_a_session_goes_on_in_its_database_when_that_is_renamed() {
    let instance = in_memory();
    let mut admin = session(&instance);
    check(&mut admin, "CREATE DATABASE first", DONE);
    check(&mut admin, "USE first CREATE (:First)", "[nodes+ 1, labels+ 1]");
    check(&mut admin, "CREATE ALIAS also FOR DATABASE first", DONE);
    let (object, by_alias) = (session(&instance).open_object(), session(&instance).open_object());
    let (object, by_alias) = (object.expect("has room"), by_alias.expect("has room"));
    check(&mut resumed(&instance, &object), "USE first", "");
    check(&mut resumed(&instance, &by_alias), "USE also", "");
    check(&mut admin, "RENAME DATABASE first TO second", DONE);
    check(&mut admin, "CREATE DATABASE first", DONE);
    assert_eq!(resumed(&instance, &object).resolve(None).expect("it follows"), "second");
    for id in [&object, &by_alias] {
        check(&mut resumed(&instance, id), AT, "'First'");
        let mut one = resumed(&instance, id);
        one.begin(&RunOptions::default()).expect("it is there");
        check(&mut one, AT, "'First'");
    }
    assert_eq!(resumed(&instance, &by_alias).resolve(None).expect("an alias is what it stands for"), "also");
    // Another one by the same name is another one.
    check(&mut admin, "DROP DATABASE second CASCADE ALIASES", DONE);
    check(&mut admin, "CREATE DATABASE second", DONE);
    let failure = run(&mut resumed(&instance, &object), AT).expect_err("it is gone");
    assert_eq!(failure.code(), Code::DatabaseNotFound, "{failure}");
    assert!(resumed(&instance, &object).resolve(None).is_err());
    // And whoever stood in it may choose again.
    check(&mut resumed(&instance, &object), "USE sheaf", "");
    check(&mut resumed(&instance, &object), AT, "");
}

#[test]
fn f30_what_bookmarks_carry_follows_a_rename_too() {
    let instance = in_memory();
    let mut admin = session(&instance);
    check(&mut admin, "CREATE DATABASE first", DONE);
    check(&mut admin, "USE first CREATE (:First)", "[nodes+ 1, labels+ 1]");
    let mut one = session(&instance);
    one.carry_choice();
    let mut chose = one.run("USE first", Map::new(), &RunOptions::default()).expect("it is there");
    let (_, summary) = world::take(&mut chose).expect("no rows");
    check(&mut admin, "RENAME DATABASE first TO second", DONE);
    let mut other = session(&instance);
    other.carry_choice();
    let goes_on = RunOptions { bookmarks: summary.bookmark.into_iter().collect(), ..RunOptions::default() };
    assert_eq!(run_with(&mut other, AT, Map::new(), &goes_on).map_err(|it| failed(&it)), Ok("'First'".to_owned()));
}

#[test]
fn f30_what_bookmarks_carry_is_their_users() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    check(&mut admin, "CREATE USER ann SET PASSWORD 'ann-password' CHANGE NOT REQUIRED", DONE);
    check(&mut admin, "CREATE DATABASE films", DONE);
    check(&mut admin, "GRANT LEVEL read ON DATABASE films TO USER ann", DONE);
    admin.carry_choice();
    let mut chose = admin.run("USE films", Map::new(), &RunOptions::default()).expect("it is there");
    let (_, summary) = world::take(&mut chose).expect("no rows");
    let goes_on = RunOptions { bookmarks: summary.bookmark.into_iter().collect(), ..RunOptions::default() };
    for (user, expected) in [("admin", "'films'"), ("ann", "'sheaf'")] {
        let mut other = log_in(&instance, user);
        other.carry_choice();
        let found = run_with(&mut other, "RETURN database()", Map::new(), &goes_on);
        assert_eq!(found.map_err(|it| failed(&it)), Ok(expected.to_owned()), "{user}");
    }
}

#[test]
fn f29_who_has_no_home_runs_what_names_its_database() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    check(&mut admin, "CREATE USER ann SET PASSWORD 'ann-password' CHANGE NOT REQUIRED", DONE);
    check(&mut admin, "CREATE DATABASE films", DONE);
    check(&mut admin, "GRANT LEVEL admin ON DATABASE films TO USER ann", DONE);
    check(&mut admin, "ALTER USER ann SET HOME DATABASE nowhere", DONE);
    let mut ann = log_in(&instance, "ann");
    for text in ["USE films RETURN 1", "GRAPH[films] RETURN 1", "USE DATABASE films RETURN 1 UNION USE films RETURN 1"]
    {
        check(&mut ann, text, "1");
    }
    check(&mut ann, "USE films CREATE INDEX made FOR (n:Film) ON (n.title)", "[indexes+ 1]");
    let nowhere = "DatabaseNotFound: Database does not exist. Database name: 'nowhere'.";
    check(&mut ann, "USE films RETURN 1 UNION RETURN 1", nowhere);
    check(&mut ann, "RETURN 1", nowhere);
    check(&mut ann, "USE nothing RETURN 1", "DatabaseNotFound: Database does not exist. Database name: 'nothing'.");
}

#[test]
fn f54_session_objects_are_connections_until_they_end() {
    let instance = in_memory();
    let mut admin = session(&instance);
    check(&mut admin, "CREATE DATABASE films", DONE);
    check(&mut admin, "ALTER DATABASE films SET LIMIT max_connections = 2", DONE);
    let open = || session(&instance).open_object().expect("has room");
    let used = "SHOW USAGE FOR DATABASE films YIELD connections";
    let (first, second, third) = (open(), open(), open());
    check(&mut resumed(&instance, &first), "USE films", "");
    check(&mut resumed(&instance, &second), "USE films", "");
    check(&mut admin, used, "2");
    let failure = run(&mut resumed(&instance, &third), "USE films").expect_err("two are there");
    assert_eq!(
        (failure.code(), failure.refusal().map(|it| it.limit)),
        (Code::TooManyConnections, Some("max_connections"))
    );
    // Going on takes no place of its own, and moving gives one back.
    check(&mut resumed(&instance, &first), "RETURN 1", "1");
    check(&mut resumed(&instance, &first), "USE sheaf", "");
    check(&mut admin, used, "1");
    check(&mut resumed(&instance, &third), "USE films", "");
    check(&mut admin, &format!("TERMINATE SESSIONS '{second}', '{third}' YIELD message RETURN count(*)"), "2");
    check(&mut admin, used, "0");
}

#[test]
fn f61_usage_of_closed_and_stopped_databases_is_what_they_held() {
    let data = tempfile::tempdir().expect("a folder");
    let shown = "SHOW USAGE YIELD database, nodes, storageBytes, fileBytes, isOpen WHERE database = 'films' \
                 RETURN nodes, storageBytes > 0, fileBytes >= storageBytes, isOpen";
    let left = "SHOW LIMITS YIELD database, `limit`, current, percent WHERE database = 'films' AND `limit` = 'max_nodes' \
                RETURN current, percent";
    {
        let instance = on_disk(data.path());
        let mut admin = session(&instance);
        check(&mut admin, "CREATE DATABASE films", DONE);
        check(&mut admin, "ALTER DATABASE films SET LIMIT max_nodes = 8", DONE);
        check(&mut admin, "USE films CREATE (:A), (:A)", "[nodes+ 2, labels+ 2]");
        check(&mut admin, shown, "2 | true | true | true");
        check(&mut admin, "STOP DATABASE films", DONE);
        check(&mut admin, shown, "2 | true | true | false");
        check(&mut admin, &shown.replace("SHOW USAGE", "SHOW USAGE FOR DATABASE films"), "2 | true | true | false");
        check(&mut admin, left, "2 | 25.0");
        instance.close();
    }
    let instance = on_disk(data.path());
    let mut admin = session(&instance);
    check(&mut admin, shown, "2 | true | true | false");
    check(&mut admin, left, "2 | 25.0");
}

#[test]
fn f46_limits_of_roles_are_copied_and_outlive_replacing() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    for text in [
        "CREATE ROLE guest",
        "ALTER ROLE guest SET LIMIT max_results = 2",
        "CREATE ROLE twin AS COPY OF guest",
        "CREATE USER bob SET PASSWORD 'bob-password' CHANGE NOT REQUIRED",
        "CREATE ROLE keeper",
        "GRANT ROLE MANAGEMENT ON DBMS TO keeper",
        "GRANT PRIVILEGE MANAGEMENT ON DBMS TO keeper",
        "GRANT ROLE keeper TO bob",
    ] {
        check(&mut admin, text, DONE);
    }
    let made = run(&mut admin, "CREATE TOKEN one ON DATABASE neo4j").expect("an alias");
    assert!(made.contains("['neo4j']"), "for the name that was given: {made}");
    check(&mut admin, "SHOW TOKENS YIELD databases", "['neo4j']");
    let limits = |role: &str| format!("SHOW LIMITS FOR ROLE {role} YIELD `limit`, value");
    check(&mut admin, &limits("twin"), "'max_results' | 2");
    let mut bob = log_in(&instance, "bob");
    check(&mut bob, "CREATE OR REPLACE ROLE guest", DONE);
    check(&mut admin, &limits("guest"), "'max_results' | 2");
    check(&mut bob, "CREATE OR REPLACE ROLE guest AS COPY OF keeper", DONE);
    check(&mut admin, &limits("guest"), "'max_results' | 2");
    check(&mut admin, "CREATE OR REPLACE ROLE guest", DONE);
    check(&mut admin, &limits("guest"), "");
}

#[test]
fn f52_the_servers_own_bounds_say_which_setting_they_are_and_when_to_come_again() {
    let mut settings = options(std::path::Path::new("/nowhere"));
    settings.sessions_per_user_max = 1;
    settings.authentication = Authentication::Password { first: Some("admin-password".into()) };
    let instance = Instance::in_memory(settings).expect("memory has room");
    for full in [
        AdmissionError::LineFull { running_max: 4, waiting_max: 4 },
        AdmissionError::WaitedTooLong { running_max: 4, wait_max: Duration::from_secs(1) },
    ] {
        let failure = Failure::from(full);
        let refusal = failure.refusal().unwrap_or_else(|| panic!("{failure}"));
        assert_eq!((refusal.limit, refusal.max, refusal.used), ("running_max", 4, 4));
        assert!(refusal.retry_after.is_some() && failure.message().contains("the settings running_max"), "{failure}");
    }
    log_in(&instance, "admin").open_object().expect("the first");
    let failure = log_in(&instance, "admin").open_object().expect_err("one is there");
    let refusal = failure.refusal().unwrap_or_else(|| panic!("{failure}"));
    assert_eq!((refusal.limit, refusal.max, refusal.used), ("sessions_per_user_max", 1, 1));
}

#[test]
fn f18_every_command_about_a_database_answers_wait() {
    let instance = in_memory();
    let mut admin = session(&instance);
    check(&mut admin, "CREATE DATABASE films", DONE);
    check(
        &mut admin,
        "ALTER DATABASE films SET OPTION weight 5 SET ACCESS READ WRITE SET OPTION drainTimeout 600",
        DONE,
    );
    let shown = "SHOW DATABASE films YIELD options RETURN options.weight, options.drainTimeout";
    check(&mut admin, shown, "5 | '600ms'");
    for command in [
        "ALTER DATABASE films SET LIMIT max_nodes = 5 WAIT",
        "ALTER DATABASE films REMOVE LIMIT max_nodes WAIT 5 SECONDS",
        "ALTER DATABASE films SET ISOLATION STRICT WAIT",
        "RENAME DATABASE films TO movies WAIT",
        "ALTER DATABASE movies RENAME TO films WAIT",
    ] {
        let got = run(&mut admin, command).unwrap_or_else(|failure| panic!("{command}: {failure}"));
        assert!(got.contains("'CaughtUp' | 'caught up' | true"), "{command}: {got}");
    }
    check(&mut admin, "CREATE ALIAS also FOR DATABASE films", DONE);
    let alias = "specified database 'also': Database does not exist. 'also' is an alias.";
    for (command, verb) in [("DROP DATABASE also", "delete"), ("RENAME DATABASE also TO other", "rename")] {
        check(&mut admin, command, &format!("DatabaseNotFound: Failed to {verb} the {alias}"));
    }
    let parameters: Map = [("id".into(), types::Value::string("x".repeat(1_000)))].into_iter().collect();
    let told = run_with(&mut admin, "TERMINATE SESSION $id", parameters, &RunOptions::default()).expect("a row");
    assert!(told.len() < 200, "{told}");
}

#[test]
fn a_session_object_that_lies_idle_gives_its_seat_back() {
    let mut settings = options(std::path::Path::new("/nowhere"));
    settings.session_idle_max = Duration::from_millis(50);
    let instance = Instance::in_memory(settings).expect("memory has room");
    let id = session(&instance).open_object().expect("has room");
    check(&mut resumed(&instance, &id), "USE sheaf", "");
    let used = "SHOW USAGE FOR DATABASE sheaf YIELD connections";
    check(&mut session(&instance), used, "1");
    std::thread::sleep(Duration::from_millis(60));
    instance.close_idle();
    check(&mut session(&instance), used, "0");
}

/// Bytes of indexes and of all live data, as `SHOW USAGE` tells them.
fn bytes_of(one: &mut Session, database: &str) -> (u64, u64) {
    let told = run(
        one,
        &format!(
            "SHOW USAGE YIELD database, indexBytes, storageBytes WHERE database = '{database}' RETURN indexBytes, storageBytes"
        ),
    );
    let told = told.expect("tells");
    let (indexes, all) = told.split_once(" | ").expect("two columns");
    (indexes.parse().unwrap_or_else(|_| panic!("{told}")), all.parse().expect("a number"))
}

#[test]
fn f50_bytes_of_indexes_are_told_apart() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut one = session(&instance);
    for options in ["", "OPTIONS {journal: true}", "OPTIONS {encryption: true}"] {
        let films = if options.contains("encryption") {
            "sealed"
        } else if options.is_empty() {
            "films"
        } else {
            "kept"
        };
        let on = |text: &str| format!("USE {films} {text}");
        check(&mut one, &format!("CREATE DATABASE {films} {options}"), DONE);
        let fill = "UNWIND range(1, 3000) AS n CREATE (:Film {title: 'the title of film ' + n, near: [i IN range(1, 800) | n * 1.0]})";
        run(&mut one, &on(fill)).expect("writes");
        let (none, before) = bytes_of(&mut one, films);
        assert_eq!(none, 0, "{options}");
        let mut known = 0;
        // Each index takes what its entries take, and that is what the whole database grows by.
        for (index, least) in [
            ("CREATE INDEX titles FOR (n:Film) ON (n.title)", 3_000 * 36),
            ("CREATE FULLTEXT INDEX words FOR (n:Film) ON EACH [n.title]", 3_000 * 6),
            (
                "CREATE VECTOR INDEX places FOR (n:Film) ON (n.near) OPTIONS {indexConfig: \
                 {`vector.dimensions`: 800, `vector.similarity_function`: 'euclidean'}}",
                3_000 * 3_200,
            ),
        ] {
            run(&mut one, &on(index)).expect("makes it");
            run(&mut one, &on("CALL db.awaitIndexes()")).expect("fills it");
            let (indexes, all) = bytes_of(&mut one, films);
            assert!(indexes >= known + least, "{options} {index}: {indexes} after {known}");
            let grown = all - before;
            assert!(
                indexes <= grown + 8_192 && grown <= indexes + indexes / 20 + 40_960,
                "{options} {index}: {indexes} of {grown}"
            );
            known = indexes;
        }
        check(&mut one, &format!("STOP DATABASE {films}"), DONE);
        let closed = bytes_of(&mut one, films).0;
        assert!(closed >= known, "{options}: {closed} while it is closed");
        check(&mut one, &format!("START DATABASE {films}"), DONE);
        run(&mut one, &on("DROP INDEX places")).expect("drops it");
        run(&mut one, &on("MATCH (n) DELETE n")).expect("deletes");
        let mut left = bytes_of(&mut one, films).0;
        for _ in 0..200 {
            if left < 4_096 {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
            left = bytes_of(&mut one, films).0;
        }
        assert!(left < 4_096, "{options}: {left} bytes without an entry");
    }
}
