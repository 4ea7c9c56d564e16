//! Which databases a token reaches, by names and by patterns of names, and what it does there by its level.
//! Leaves what tokens do for as long as they last to `users`.
//! Start reading at [`f96_tokens_by_patterns_of_names_and_by_parameters`].

mod world;

use catalog::Authentication;
use instance::{Instance, InstanceOptions, RunOptions, Session};
use types::{Map, Value};
use world::{check, failed, run, take};

/// What a command shows that changed something.
const DONE: &str = "[system 1]";

fn with_passwords<E: std::fmt::Debug>(
    options: InstanceOptions,
    open: impl FnOnce(InstanceOptions) -> Result<Instance, E>,
) -> Instance {
    let authentication = Authentication::Password { first: Some("admin-password".to_owned()) };
    open(InstanceOptions { authentication, ..options }).expect("the folder is the test's own")
}

fn log_in(instance: &Instance, user: &str) -> Session {
    instance.log_in(Some((user, &format!("{user}-password")))).expect("the password is right")
}

/// Makes a token; gives its text.
fn token(session: &mut Session, text: &str) -> String {
    let row = run(session, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    let text = row.split(" | ").nth(1).expect("the second column is the token");
    text.trim_matches('\'').to_owned()
}

#[test]
fn f96_tokens_by_patterns_of_names_and_by_parameters() {
    let instance = with_passwords(InstanceOptions::new("/nowhere"), Instance::in_memory);
    let mut admin = log_in(&instance, "admin");
    check(&mut admin, "CREATE USER ann SET PASSWORD 'ann-password' CHANGE NOT REQUIRED", DONE);
    for text in [
        "CREATE DATABASE tenant_a",
        "CREATE DATABASE notes",
        "CREATE DATABASE other",
        "CREATE ALIAS tenant_alias FOR DATABASE other",
        "GRANT ROLE architect TO ann",
    ] {
        check(&mut admin, text, DONE);
    }
    let mut ann = log_in(&instance, "ann");
    let usual = RunOptions::default();
    let parameters = Map::from_iter([
        ("l".into(), Value::string("READ")),
        ("d".into(), Value::string("notes")),
        ("n".into(), Value::string("t")),
    ]);
    let mut make_token = |text: &str| {
        let mut records = ann.run(text, parameters.clone(), &usual)?;
        take(&mut records)
    };
    let text = "CREATE TOKEN $n IF NOT EXISTS ON DATABASES TENANT_*, $d WITH LEVEL $l";
    let (made, _) = make_token(text).expect("made");
    assert!(made[0].contains("['notes', 'tenant_*'] | 'read'"), "{made:?}");
    let made = made[0].split('\'').nth(3).expect("the second column is the text").to_owned();
    // It is kept as it is, and its text is not told again.
    let (again, summary) = make_token("CREATE TOKEN t IF NOT EXISTS WITH LEVEL owner").expect("is fine");
    assert_eq!((again, summary.notifications.len()), (Vec::new(), 1));
    make_token("CREATE TOKEN t").expect_err("the name is taken");
    let unknown = make_token("CREATE TOKEN u WITH LEVEL $d").expect_err("no level");
    assert!(unknown.message().starts_with("There is no level 'notes'. The levels are: "), "{unknown}");
    make_token("CREATE TOKEN u ON DATABASES nothing").expect_err("no such database");
    check(&mut ann, "SHOW TOKENS YIELD name, databases, level", "'t' | ['notes', 'tenant_*'] | 'read'");

    let mut program = instance.log_in(Some(("", &made))).expect("the token is right");
    check(&mut program, "USE tenant_a MATCH (n) RETURN count(n)", "0");
    check(&mut program, "USE notes MATCH (n) RETURN count(n)", "0");
    for name in ["other", "tenant_alias", "tenant_b"] {
        let unknown = format!("DatabaseNotFound: Database does not exist. Database name: '{name}'.");
        check(&mut program, &format!("USE {name} MATCH (n) RETURN count(n)"), &unknown);
    }
    // One that is made later is among those too, and one that gets another name is not any more.
    check(&mut admin, "CREATE DATABASE tenant_b", DONE);
    check(&mut program, "USE tenant_b MATCH (n) RETURN count(n)", "0");
    check(&mut program, "SHOW DATABASES YIELD name", "'notes'\n'system'\n'tenant_a'\n'tenant_b'");
    let graphs = "SHOW USER PRIVILEGES YIELD graph, action WHERE action = 'match' RETURN DISTINCT graph ORDER BY graph";
    check(&mut program, graphs, "'notes'\n'tenant_a'\n'tenant_b'");
    check(&mut admin, "ALTER DATABASE tenant_b RENAME TO former", DONE);
    assert!(run(&mut program, "USE former RETURN 1").is_err());

    // What forbids is the level of the token, and that is said.
    let by_token = "for user 'ann' with roles [PUBLIC, architect] by token 't' of level 'read'";
    for text in ["USE notes CREATE (:Thing)", "USE notes CREATE INDEX FOR (n:Thing) ON (n.x)", "STOP DATABASE notes"] {
        let told = run(&mut program, text).unwrap_or_else(|failure| failed(&failure));
        assert!(told.starts_with("Forbidden: ") && told.contains(by_token), "{text}: {told}");
    }
    let told = run(&mut log_in(&instance, "ann"), "STOP DATABASE notes").unwrap_or_else(|failure| failed(&failure));
    assert!(told.starts_with("Forbidden: ") && !told.contains("by token"), "{told}");
}

#[test]
fn f96_tokens_with_patterns_are_kept() {
    let data = tempfile::tempdir().expect("a folder");
    let open = || with_passwords(InstanceOptions::new(data.path()), Instance::open);
    let text = {
        let instance = open();
        let mut admin = log_in(&instance, "admin");
        check(&mut admin, "CREATE DATABASE tenant_a", DONE);
        let text = token(&mut admin, "CREATE TOKEN t ON DATABASE tenant_* WITH LEVEL write");
        instance.close();
        text
    };
    let instance = open();
    let mut program = instance.log_in(Some(("", &text))).expect("the token is right");
    check(&mut program, "USE tenant_a CREATE (:Thing)", "[nodes+ 1, labels+ 1]");
    assert!(run(&mut program, "USE sheaf RETURN 1").is_err());
    // `*` alone binds to nothing, as if no databases were named.
    let text = token(&mut log_in(&instance, "admin"), "CREATE TOKEN u ON DATABASES *");
    let mut everywhere = instance.log_in(Some(("", &text))).expect("the token is right");
    check(&mut everywhere, "CREATE DATABASE more", DONE);
}

#[test]
fn f96_an_owner_and_the_token_of_one_do_the_same_to_the_database_and_no_more() {
    let instance = with_passwords(InstanceOptions::new("/nowhere"), Instance::in_memory);
    let mut admin = log_in(&instance, "admin");
    check(&mut admin, "CREATE USER ann SET PASSWORD 'ann-password' CHANGE NOT REQUIRED", DONE);
    check(&mut admin, "CREATE USER bob SET PASSWORD 'bob-password' CHANGE NOT REQUIRED", DONE);
    // As a user, by a token bound to the database, and by one that reaches all that its user does.
    for made in ["", "CREATE TOKEN t ON DATABASE films WITH LEVEL owner", "CREATE TOKEN t WITH LEVEL owner"] {
        check(&mut admin, "CREATE DATABASE films", DONE);
        check(&mut admin, "GRANT LEVEL owner ON DATABASE films TO USER ann", DONE);
        let mut ann = log_in(&instance, "ann");
        let mut owner = match made {
            "" => log_in(&instance, "ann"),
            made => instance.log_in(Some(("", &token(&mut ann, made)))).expect("the token is right"),
        };
        for text in [
            "ALTER DATABASE films SET ACCESS READ ONLY",
            "ALTER DATABASE films SET ACCESS READ WRITE",
            "ALTER DATABASE films SET OPTION description 'hers'",
            "STOP DATABASE films",
            "START DATABASE films",
            "CREATE ALIAS movies FOR DATABASE films",
            "DROP ALIAS movies",
            "GRANT LEVEL read ON DATABASE films TO USER bob",
            "REVOKE LEVEL read ON DATABASE films FROM USER bob",
            "ALTER DATABASE films SET ISOLATION SOFT",
            "ALTER DATABASE films SET ISOLATION STRICT",
        ] {
            assert_eq!(run(&mut owner, text).as_deref(), Ok(DONE), "{text} by {made:?}");
        }
        for text in [
            "CREATE DATABASE other",
            "CREATE OR REPLACE DATABASE films",
            "ALTER DATABASE films SET DEFAULT",
            "ALTER DATABASE films SET LIMIT max_nodes = 1",
            "ALTER DATABASE sheaf SET ACCESS READ ONLY",
            "DROP DATABASE sheaf",
            "GRANT LEVEL read ON DATABASE sheaf TO USER bob",
            "GRANT LEVEL read ON DATABASES * TO USER bob",
            "SHOW USERS",
        ] {
            let told = run(&mut owner, text).unwrap_or_else(|failure| failed(&failure));
            assert!(told.starts_with("Forbidden: "), "{text} by {made:?}: {told}");
        }
        assert_eq!(run(&mut owner, "DROP DATABASE films").as_deref(), Ok(DONE), "by {made:?}");
        run(&mut ann, "DROP TOKEN t IF EXISTS").expect("it is hers");
    }
    // Less than an owner's token takes nothing of this, whoever its user is.
    check(&mut admin, "CREATE DATABASE films OPTIONS {}", DONE);
    let writes = token(&mut admin, "CREATE TOKEN w ON DATABASE films WITH LEVEL admin");
    let mut program = instance.log_in(Some(("", &writes))).expect("the token is right");
    for text in
        ["ALTER DATABASE films SET ACCESS READ ONLY", "DROP DATABASE films", "ALTER DATABASE films SET OWNER bob"]
    {
        let told = run(&mut program, text).unwrap_or_else(|failure| failed(&failure));
        assert!(told.starts_with("Forbidden: "), "{text}: {told}");
    }
}

#[test]
fn f96_a_token_ends_before_the_year_10000() {
    let instance = with_passwords(InstanceOptions::new("/nowhere"), Instance::in_memory);
    let mut admin = log_in(&instance, "admin");
    for time in ["3000000d", "99999999999d"] {
        let text = format!("CREATE TOKEN far EXPIRES AFTER '{time}'");
        let failure = failed(&run(&mut admin, &text).expect_err("too far away"));
        assert!(failure.contains("after the year 9999"), "{time}: {failure}");
    }
    check(&mut admin, "SHOW TOKENS YIELD name", "");
    token(&mut admin, "CREATE TOKEN far EXPIRES AFTER '2900000d'");
    check(&mut admin, "SHOW TOKENS YIELD expires RETURN expires.year > 9900", "true");
}

#[test]
fn f31_f96_a_session_object_ends_with_the_time_of_its_token() {
    let instance = with_passwords(InstanceOptions::new("/nowhere"), Instance::in_memory);
    let mut admin = log_in(&instance, "admin");
    let (short, long) = (
        token(&mut admin, "CREATE TOKEN short EXPIRES AFTER 1s"),
        token(&mut admin, "CREATE TOKEN long EXPIRES AFTER '1h'"),
    );
    let open = |token: &str| instance.log_in(Some(("", token))).and_then(|mut session| session.open_object());
    let (ends, stays) = (open(&short).expect("it is young"), open(&long).expect("it is young"));
    let own = log_in(&instance, "admin").open_object().expect("has room");
    let listed = "SHOW SESSIONS YIELD sessionId RETURN count(*)";
    check(
        &mut admin,
        "SHOW SESSIONS YIELD expiryTime, lastUseTime RETURN count(CASE WHEN expiryTime <= lastUseTime + duration('PT1S') THEN 1 END)",
        "1",
    );
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    check(&mut admin, listed, "2");
    let resume = |id: &str| log_in(&instance, "admin").resume(id).map_err(|failure| failure.code());
    assert_eq!((resume(&ends), resume(&stays), resume(&own)), (Err(types::Code::SessionNotFound), Ok(()), Ok(())));
}

/// Logs in by a new token.
fn by(instance: &Instance, maker: &mut Session, command: &str) -> Session {
    let text = token(maker, command);
    instance.log_in(Some(("", &text))).expect("the token is right")
}

/// Two databases; ann knows the first as `wide` and as `narrow`, where she sees less, and by no other name.
fn of_two_aliases() -> (Instance, Session, Session) {
    let instance = world::with_passwords();
    let mut admin = world::log_in(&instance, "admin");
    world::make(&mut admin, "ann");
    world::all(
        &mut admin,
        &[
            "CREATE DATABASE hidden_one",
            "CREATE DATABASE hidden_two",
            "CREATE ALIAS wide FOR DATABASE hidden_one",
            "CREATE ALIAS narrow FOR DATABASE hidden_one",
            "GRANT LEVEL write ON ALIAS wide TO USER ann",
            "GRANT ACCESS ON ALIAS narrow TO USER ann",
            "GRANT MATCH {k} ON ALIAS narrow NODES P TO USER ann",
        ],
    );
    for text in ["USE hidden_one CREATE (:P {k: 1, s: 2}), (:S)", "USE hidden_two CREATE (:P {k: 9})"] {
        run(&mut admin, text).expect("admin may");
    }
    let ann = world::log_in(&instance, "ann");
    (instance, admin, ann)
}

const UNKNOWN: &str = "DatabaseNotFound: Database does not exist. Database name: ";

#[test]
fn f44_f96_a_token_has_no_more_than_under_the_name_it_was_made_for() {
    let (instance, mut admin, mut ann) = of_two_aliases();
    let mut program = by(&instance, &mut ann, "CREATE TOKEN t ON DATABASES narrow WITH LEVEL write");
    let seen = "MATCH (n) RETURN n.k, n.s";
    check(&mut program, &format!("USE narrow {seen}"), "1 | null");
    check(&mut program, &format!("USE wide {seen}"), &format!("{UNKNOWN}'wide'."));
    check(&mut program, &format!("USE hidden_one {seen}"), &format!("{UNKNOWN}'hidden_one'."));
    let listed = "SHOW TOKENS YIELD databases";
    check(&mut program, listed, "['narrow']");
    check(&mut ann, listed, "['narrow']");
    check(&mut admin, listed, "['narrow']");
    check(&mut program, "SHOW DATABASES YIELD name WHERE name <> 'system'", "'narrow'");
    let granted = run(&mut program, "SHOW USER PRIVILEGES AS COMMANDS").expect("they are its own");
    assert!(granted.contains("ON ALIAS `narrow` NODE `P`") && !granted.contains("wide"), "{granted}");
    // It goes where the name goes, and ends with it.
    check(&mut admin, "ALTER ALIAS narrow SET DATABASE TARGET hidden_two", DONE);
    check(&mut program, &format!("USE narrow {seen}"), "9 | null");
    check(&mut admin, "DROP ALIAS narrow", DONE);
    check(&mut program, &format!("USE narrow {seen}"), &format!("{UNKNOWN}'narrow'."));
    check(&mut admin, "CREATE ALIAS narrow FOR DATABASE hidden_one", DONE);
    check(&mut admin, "GRANT LEVEL read ON ALIAS narrow TO USER ann", DONE);
    check(&mut program, &format!("USE narrow {seen}"), &format!("{UNKNOWN}'narrow'."));
    check(&mut ann, "USE narrow MATCH (n:P) RETURN n.k", "1");
    check(&mut program, listed, "[]");
}

#[test]
fn f44_f96_a_token_for_the_databases_own_name_has_no_rights_of_an_alias() {
    let (instance, mut admin, mut ann) = of_two_aliases();
    for text in [
        "GRANT ACCESS ON DATABASE hidden_one TO USER ann",
        "GRANT MATCH {k, s} ON GRAPH hidden_one NODES P TO USER ann",
        "DENY READ {s} ON ALIAS wide TO USER ann",
    ] {
        check(&mut admin, text, DONE);
    }
    let texts = ["CREATE TOKEN t ON DATABASES hidden_one", "CREATE TOKEN u ON DATABASES hidden_*"];
    for mut program in texts.map(|text| by(&instance, &mut ann, text)) {
        check(&mut program, "USE hidden_one MATCH (n) RETURN n.k, n.s", "1 | 2");
        // Under an alias denials count that are about it, and no grants.
        check(&mut program, "USE wide MATCH (n) RETURN n.k, n.s", "1 | null");
        let refused = run(&mut program, "USE wide CREATE (:P)").expect_err("it may write under the alias alone");
        assert_eq!(refused.code(), types::Code::Forbidden);
    }
    let counted = "USE wide MATCH (n) RETURN count(n)";
    check(&mut ann, counted, "2");
    // Who has nothing on the alias has by it what he has on the database.
    check(&mut admin, "CREATE ALIAS third FOR DATABASE hidden_one", DONE);
    let mut program = by(&instance, &mut ann, "CREATE TOKEN v ON DATABASES third");
    check(&mut program, "USE third MATCH (n) RETURN n.k, n.s", "1 | 2");
    check(&mut program, "USE hidden_one RETURN 1", &format!("{UNKNOWN}'hidden_one'."));
    check(&mut program, counted, &format!("{UNKNOWN}'wide'."));
}

#[test]
fn f44_f96_a_pattern_of_a_token_tells_no_name_that_its_user_does_not_know() {
    let (instance, _, mut ann) = of_two_aliases();
    let reached = |ann: &mut Session, number: usize, pattern: &str| {
        let mut program = by(&instance, ann, &format!("CREATE TOKEN t{number} ON DATABASES {pattern} WITH LEVEL read"));
        let privileges = run(&mut program, "SHOW USER PRIVILEGES YIELD graph WHERE graph <> '*' RETURN DISTINCT graph");
        let names = run(&mut program, "SHOW DATABASES YIELD name WHERE name <> 'system' RETURN name ORDER BY name");
        (names.expect("lists them"), privileges.expect("lists them"))
    };
    for (number, pattern) in ["h*", "hidden_?ne", "?????????e", "*_*"].into_iter().enumerate() {
        assert_eq!(reached(&mut ann, number, pattern), (String::new(), String::new()), "{pattern}");
    }
    assert_eq!(reached(&mut ann, 7, "w*").0, "'wide'");
    assert_eq!(reached(&mut ann, 8, "*r*").0, "'narrow'");
    assert_eq!(reached(&mut ann, 9, "*").0, "'narrow'\n'sheaf'\n'wide'");
}
