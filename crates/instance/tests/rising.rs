//! Ways by which somebody could get more than he was given: each of them ends in a refusal.
//! Leaves what levels, owners and tokens are good for to `users` and the scripts under `suite/scripts/rights`.
//! Start reading at [`f92_who_owns_one_database_does_not_choose_the_default_one`].

mod world;

use std::path::Path;

use catalog::Authentication;
use instance::{Instance, InstanceOptions, RunOptions, Session};
use types::{Map, Value};
use world::{all, check, failed, log_in, make, options, refused, run, with_passwords};

/// Makes a token, and logs in with it.
fn by_token(instance: &Instance, maker: &mut Session, command: &str) -> Session {
    let rows = run(maker, command).unwrap_or_else(|failure| panic!("{command}: {failure}"));
    let text = rows.split('\'').find(|part| part.starts_with("sheaf_")).expect("the text is shown once").to_owned();
    instance.log_in(Some(("", &text))).expect("it lets in")
}

#[test]
fn f92_who_owns_one_database_does_not_choose_the_default_one() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "evil");
    make(&mut admin, "ann");
    all(
        &mut admin,
        &[
            "CREATE DATABASE evildb",
            "ALTER DATABASE evildb SET OWNER evil",
            "CREATE ROLE managers",
            "GRANT ALTER DATABASE ON DBMS TO managers",
            "GRANT ROLE managers TO ann",
        ],
    );
    let mut evil = log_in(&instance, "evil");
    all(&mut evil, &["ALTER DATABASE evildb SET OPTION description 'mine'"]);
    refused(&mut evil, &["ALTER DATABASE evildb SET DEFAULT", "CALL dbms.setDefaultDatabase('evildb')"]);
    check(&mut admin, "SHOW DEFAULT DATABASE YIELD name", "'sheaf'");
    // By a token neither, though its user may.
    let made = ["CREATE TOKEN one ON DATABASE evildb", "CREATE TOKEN owner WITH LEVEL owner"];
    for command in made {
        let mut token = by_token(&instance, &mut admin, command);
        let commands = ["ALTER DATABASE evildb SET DEFAULT", "CALL dbms.setDefaultDatabase('evildb')"];
        refused(&mut token, &commands);
    }
    all(&mut log_in(&instance, "ann"), &["ALTER DATABASE evildb SET DEFAULT"]);
    check(&mut admin, "SHOW DEFAULT DATABASE YIELD name", "'evildb'");
}

#[test]
fn f96_a_token_of_somebody_else_does_no_more_than_its_maker_may() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    for user in ["tok", "chief", "ann"] {
        make(&mut admin, user);
    }
    all(
        &mut admin,
        &[
            "CREATE ROLE tokens",
            "GRANT TOKEN MANAGEMENT ON DBMS TO tokens",
            "GRANT ROLE tokens TO tok",
            "CREATE ROLE chiefs",
            "GRANT ALL DBMS PRIVILEGES ON DBMS TO chiefs",
            "GRANT ROLE chiefs TO chief",
            "CREATE DATABASE films",
            "ALTER DATABASE films SET OWNER ann",
        ],
    );
    let mut tok = log_in(&instance, "tok");
    refused(
        &mut tok,
        &[
            "CREATE TOKEN a ON DATABASES * FOR USER admin",
            "CREATE TOKEN a FOR USER admin WITH LEVEL read",
            "CREATE TOKEN a FOR USER ann WITH LEVEL read",
            "CREATE TOKEN a FOR USER nobody WITH LEVEL read",
        ],
    );
    all(&mut admin, &["GRANT IMPERSONATE (ann) ON DBMS TO tokens"]);
    // Then as much as by speaking in her name: no administration.
    refused(
        &mut tok,
        &[
            "CREATE TOKEN a FOR USER ann",
            "CREATE TOKEN a FOR USER ann WITH LEVEL owner",
            "CREATE TOKEN a FOR USER ann WITH LEVEL admin",
            "CREATE TOKEN a ON DATABASE films FOR USER ann",
            "CREATE TOKEN a FOR USER admin WITH LEVEL read",
        ],
    );
    let mut ann = by_token(&instance, &mut tok, "CREATE TOKEN a FOR USER ann WITH LEVEL write");
    check(&mut ann, "USE films CREATE (:Film)", "[nodes+ 1, labels+ 1]");
    refused(
        &mut ann,
        &[
            "DROP DATABASE films",
            "STOP DATABASE films",
            "ALTER DATABASE films SET ACCESS READ ONLY",
            "CREATE ALIAS mine FOR DATABASE films",
            "GRANT LEVEL owner ON DATABASE films TO USER tok",
            "ALTER DATABASE films SET OWNER tok",
            "CREATE TOKEN b",
        ],
    );
    // Who may do everything on the server makes any; an own one needs nothing.
    let mut chief = log_in(&instance, "chief");
    by_token(&instance, &mut chief, "CREATE TOKEN b FOR USER admin");
    by_token(&instance, &mut tok, "CREATE TOKEN own FOR USER tok");
    all(&mut admin, &["DENY CREATE USER ON DBMS TO chiefs"]);
    refused(&mut chief, &["CREATE TOKEN c FOR USER admin"]);
}

#[test]
fn f96_a_token_that_reaches_some_databases_lets_nobody_in_elsewhere() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "eve");
    all(&mut admin, &["CREATE DATABASE films", "CREATE DATABASE notes"]);
    for command in ["CREATE TOKEN one ON DATABASE films", "CREATE TOKEN owner WITH LEVEL owner"] {
        let mut token = by_token(&instance, &mut admin, command);
        refused(
            &mut token,
            &[
                "GRANT ALL DBMS PRIVILEGES ON DBMS TO USER eve",
                "GRANT LEVEL read ON DATABASES * TO USER eve",
                "GRANT SET LIMIT ON DATABASE films TO USER eve",
                "GRANT ROLE admin TO eve",
            ],
        );
    }
    let mut token = by_token(&instance, &mut admin, "CREATE TOKEN two ON DATABASE films");
    refused(&mut token, &["GRANT LEVEL read ON DATABASE notes TO USER eve", "DROP DATABASE notes"]);
    check(&mut token, "SHOW DATABASES YIELD name", "'films'\n'system'");
    // What goes on elsewhere is not for it either.
    let on_notes = RunOptions { database: Some("notes".to_owned()), ..RunOptions::default() };
    admin.begin(&on_notes).expect("it is there");
    let under_way = "SHOW TRANSACTIONS YIELD database WHERE database = 'notes'";
    check(&mut token, under_way, "");
    check(&mut log_in(&instance, "admin"), under_way, "'notes'");
    refused(&mut token, &["SHOW ALIASES"]);
}

#[test]
fn f96_a_token_tells_of_itself_alone() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(&mut admin, &["CREATE DATABASE films", "CREATE DATABASE secret"]);
    for name in ["films", "secret"] {
        all(&mut admin, &[&format!("ALTER DATABASE {name} SET OWNER ann")]);
    }
    let mut ann = log_in(&instance, "ann");
    run(&mut ann, "CREATE TOKEN deep ON DATABASE secret").expect("it is hers");
    let mut token = by_token(&instance, &mut ann, "CREATE TOKEN reads ON DATABASE films WITH LEVEL read");
    check(&mut token, "SHOW TOKENS YIELD name, databases", "'reads' | ['films']");
    check(&mut ann, "SHOW TOKENS YIELD name", "'deep'\n'reads'");
    let levels = "SHOW LEVELS YIELD database, user, level, owner WHERE database <> 'sheaf' AND user = 'ann' \
                  RETURN database, level, owner";
    check(&mut token, levels, "'films' | 'read' | false");
    check(&mut ann, levels, "'films' | 'owner' | true\n'secret' | 'owner' | true");
    // It is no password: that one must be changed does not end it, and dropping it does.
    all(&mut admin, &["ALTER USER ann SET PASSWORD CHANGE REQUIRED"]);
    check(&mut ann, "USE films RETURN 1", "CredentialsExpired: Permission denied.");
    check(&mut token, "USE films RETURN 1", "1");
    all(&mut admin, &["DROP TOKEN reads FOR USER ann"]);
    check(&mut token, "USE films RETURN 1", "TokenExpired: The token has expired; log in with another one.");
}

const BOUNDED: &str =
    "SHOW LIMITS FOR DATABASE {name} YIELD limit, text, source WHERE source = 'database' RETURN limit, text";

fn bounds(session: &mut Session, name: &str) -> String {
    run(session, &BOUNDED.replace("{name}", name)).unwrap_or_else(|failure| failed(&failure))
}

#[test]
fn f98_limits_stay_where_a_database_is_replaced_or_copied() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(&mut admin, &["CREATE ROLE makers", "GRANT CREATE DATABASE ON DBMS TO makers", "GRANT ROLE makers TO ann"]);
    let mut ann = log_in(&instance, "ann");
    all(&mut ann, &["CREATE DATABASE films", "CREATE DATABASE other"]);
    all(
        &mut admin,
        &[
            "ALTER DATABASE films SET LIMIT max_nodes = 1, max_results = 7",
            "ALTER DATABASE films SET OPTION weight 10",
            "ALTER DATABASE other SET LIMIT max_nodes = 2",
        ],
    );
    all(&mut ann, &["CREATE OR REPLACE DATABASE films"]);
    let kept = "'max_nodes' | '1'\n'max_results' | '7'";
    assert_eq!(bounds(&mut ann, "films"), kept);
    let options = "SHOW DATABASE films YIELD options RETURN options.weight";
    check(&mut ann, options, "10");
    check(
        &mut ann,
        "USE films UNWIND [1, 2] AS n CREATE (:Film)",
        "LimitReached: The limit max_nodes of database 'films' is 1, 0 are used, and 2 more are wanted.",
    );
    all(&mut ann, &["CREATE DATABASE copy FROM films", "CREATE OR REPLACE DATABASE other FROM films"]);
    assert_eq!(bounds(&mut ann, "copy"), kept);
    assert_eq!(bounds(&mut ann, "other"), "'max_nodes' | '2'\n'max_results' | '7'", "those of the place come first");
    // In a transaction too.
    ann.begin(&RunOptions { database: Some("system".to_owned()), ..RunOptions::default() }).expect("begins");
    all(&mut ann, &["CREATE OR REPLACE DATABASE films"]);
    ann.commit().expect("commits");
    assert_eq!(bounds(&mut ann, "films"), kept);
    // Who may set limits begins afresh.
    all(&mut admin, &["CREATE DATABASE free FROM copy", "CREATE OR REPLACE DATABASE copy"]);
    assert_eq!((bounds(&mut admin, "free"), bounds(&mut admin, "copy")), (String::new(), String::new()));
}

#[test]
fn f98_a_database_made_anew_has_the_servers_limits_and_those_of_roles() {
    let authentication = Authentication::Password { first: Some("admin-password".to_owned()) };
    let mut limits = catalog::Limits::default();
    limits.set(catalog::Limit::MaxNodes, Some(3));
    let options = InstanceOptions { authentication, limits, databases_max: 3, ..options(Path::new("/nowhere")) };
    let instance = Instance::in_memory(options).expect("memory has room");
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(
        &mut admin,
        &[
            "CREATE ROLE makers",
            "GRANT CREATE DATABASE ON DBMS TO makers",
            "GRANT ROLE makers TO ann",
            "ALTER ROLE makers SET LIMIT max_results = 2",
        ],
    );
    let mut ann = log_in(&instance, "ann");
    all(&mut ann, &["CREATE DATABASE films"]);
    all(&mut admin, &["ALTER DATABASE films SET LIMIT max_nodes = 1, max_results = 1"]);
    let rows = "USE {name} UNWIND [1, 2, 3] AS n RETURN n";
    check(&mut ann, &rows.replace("{name}", "films"), "1");
    // A new name sheds nothing.
    all(&mut ann, &["ALTER DATABASE films RENAME TO other"]);
    assert_eq!(bounds(&mut ann, "other"), "'max_nodes' | '1'\n'max_results' | '1'");
    for made in ["films", "other"] {
        // The same name is worth no more than another one.
        all(&mut ann, &["DROP DATABASE other", &format!("CREATE DATABASE {made}")]);
        let whose = format!("of the server for database '{made}'");
        let full = format!("LimitReached: The limit max_nodes {whose} is 3, 0 are used, and 4 more are wanted.");
        check(&mut ann, &format!("USE {made} UNWIND [1, 2, 3, 4] AS n CREATE (:Film)"), &full);
        check(&mut ann, &rows.replace("{name}", made), "1\n2");
        let told =
            run(&mut ann, "CREATE DATABASE third").map_err(|failure| failed(&failure)).expect_err("three are the most");
        assert!(told.starts_with("DatabaseLimitReached: "), "{told}");
        if made == "films" {
            all(&mut ann, &["ALTER DATABASE films RENAME TO other"]);
        }
    }
}

#[test]
fn f98_the_right_to_set_limits_can_be_that_of_one_database() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(
        &mut admin,
        &[
            "CREATE DATABASE films",
            "CREATE DATABASE notes",
            "ALTER DATABASE notes SET OWNER ann",
            "GRANT ACCESS ON DATABASE films TO USER ann",
            "GRANT SET LIMIT ON DATABASE films TO USER ann",
        ],
    );
    let mut ann = log_in(&instance, "ann");
    all(&mut ann, &["ALTER DATABASE films SET LIMIT max_nodes = 5", "ALTER DATABASE films REMOVE LIMIT max_nodes"]);
    refused(
        &mut ann,
        &[
            "ALTER DATABASE notes SET LIMIT max_nodes = 5",
            "ALTER DATABASE sheaf SET LIMIT max_nodes = 5",
            "ALTER ROLE reader SET LIMIT max_results = 5",
        ],
    );
    // Without a name those are listed that one may look at: hers by ownership.
    check(&mut ann, "SHOW LIMITS YIELD database RETURN DISTINCT database", "'notes'");
    check(&mut ann, "SHOW USAGE YIELD database", "'notes'");
    refused(&mut ann, &["SHOW LIMITS FOR DATABASE films", "SHOW LIMITS FOR ROLE reader"]);
    all(&mut admin, &["ALTER DATABASE notes REMOVE OWNER"]);
    refused(&mut ann, &["SHOW LIMITS", "SHOW USAGE"]);
}

#[test]
fn f98_what_the_server_shares_out_is_not_the_owners() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(&mut admin, &["CREATE ROLE makers", "GRANT CREATE DATABASE ON DBMS TO makers", "GRANT ROLE makers TO ann"]);
    let mut ann = log_in(&instance, "ann");
    all(&mut ann, &["CREATE DATABASE films OPTIONS {description: 'mine'}"]);
    refused(
        &mut ann,
        &[
            "ALTER DATABASE films SET OPTION weight 10000",
            "ALTER DATABASE films SET OPTION journal true",
            "ALTER DATABASE films SET OPTION journalAge '7d'",
            "ALTER DATABASE films SET OPTION journalSize '900GB'",
            "ALTER DATABASE films REMOVE OPTION weight",
            "CREATE DATABASE other OPTIONS {weight: 10000}",
            "CREATE OR REPLACE DATABASE films OPTIONS {weight: 10000}",
        ],
    );
    all(&mut ann, &["ALTER DATABASE films SET OPTION idleTimeout '10m'"]);
    all(&mut admin, &["ALTER DATABASE films SET OPTION weight 200", "GRANT SET LIMIT ON DATABASE films TO USER ann"]);
    all(&mut ann, &["ALTER DATABASE films SET OPTION weight 50"]);
}

#[test]
fn f87_the_last_admin_cannot_be_locked_out_by_a_denial() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(&mut admin, &["CREATE ROLE odd", "GRANT ROLE odd TO admin"]);
    let told = "ArgumentError: Not allowed to deny this to every active user with the role 'admin': nobody could take it \
                back. Deny it to other users or roles.";
    for what in ["ALL DBMS PRIVILEGES", "PRIVILEGE MANAGEMENT", "REMOVE PRIVILEGE"] {
        for holder in ["PUBLIC", "odd", "USER admin"] {
            check(&mut admin, &format!("DENY {what} ON DBMS TO {holder}"), told);
        }
    }
    // What can be taken back may be denied, and with another admin all of it.
    all(&mut admin, &["DENY USER MANAGEMENT ON DBMS TO PUBLIC", "REVOKE DENY USER MANAGEMENT ON DBMS FROM PUBLIC"]);
    all(&mut admin, &["GRANT ROLE admin TO ann", "DENY ALL DBMS PRIVILEGES ON DBMS TO USER ann"]);
    check(&mut admin, "DENY ALL DBMS PRIVILEGES ON DBMS TO odd", told);
    all(
        &mut admin,
        &["REVOKE DENY ALL DBMS PRIVILEGES ON DBMS FROM USER ann", "DENY ALL DBMS PRIVILEGES ON DBMS TO odd"],
    );
    refused(&mut admin, &["SHOW USERS"]);
    let mut ann = log_in(&instance, "ann");
    check(
        &mut ann,
        "ALTER USER ann SET STATUS SUSPENDED",
        "ArgumentError: Failed to alter the specified user 'ann': Changing your own activation status is not allowed.",
    );
    check(&mut ann, "REVOKE ROLE admin FROM ann", told);
    all(&mut ann, &["REVOKE DENY ALL DBMS PRIVILEGES ON DBMS FROM odd"]);
    check(&mut admin, "SHOW CURRENT USER YIELD user", "'admin'");
}

#[test]
fn f95_a_hash_that_is_too_dear_is_refused() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    let hash = "$argon2id$v=19$m=4000000,t=1000,p=1$c2FsdHNhbHQ$aGFzaGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaA";
    let parameters: Map = [("hash".into(), Value::from(hash))].into_iter().collect();
    for text in ["CREATE USER dear SET ENCRYPTED PASSWORD $hash", "ALTER USER admin SET ENCRYPTED PASSWORD $hash"] {
        let told = world::run_with(&mut admin, text, parameters.clone(), &Default::default()).expect_err("too dear");
        assert!(
            failed(&told).starts_with("ArgumentError: The password cannot be used: its hash costs m=4000000"),
            "{told}"
        );
    }
}

#[test]
fn f90_an_alias_does_not_tell_which_databases_there_are() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(
        &mut admin,
        &[
            "CREATE DATABASE secret",
            "CREATE ALIAS hidden FOR DATABASE secret",
            "CREATE ALIAS open FOR DATABASE sheaf",
            "CREATE ROLE namers",
            "GRANT ALIAS MANAGEMENT ON DBMS TO namers",
            "GRANT ROLE namers TO ann",
        ],
    );
    let mut ann = log_in(&instance, "ann");
    let commands = [
        "CREATE ALIAS mine FOR DATABASE {}",
        "CREATE ALIAS mine IF NOT EXISTS FOR DATABASE {}",
        "CREATE ALIAS open FOR DATABASE {}",
        "CREATE OR REPLACE ALIAS open FOR DATABASE {}",
        "ALTER ALIAS open SET DATABASE TARGET {}",
    ];
    for command in commands {
        let mut told = |name: &str| {
            let text = command.replace("{}", name);
            let failure = run(&mut ann, &text).expect_err(&text);
            failed(&failure).replace(name, "x")
        };
        let unknown = told("nope");
        assert_eq!(told("secret"), unknown, "{command}");
        assert_eq!(told("hidden"), unknown, "{command}");
    }
    check(&mut ann, "SHOW ALIASES YIELD name, database WHERE name = 'open'", "'open' | 'sheaf'");
    all(&mut ann, &["CREATE ALIAS mine FOR DATABASE sheaf"]);
    // Who owns a database does not lead those to it who came by the alias of another.
    make(&mut admin, "evil");
    all(&mut admin, &["CREATE DATABASE evildb", "ALTER DATABASE evildb SET OWNER evil"]);
    let mut evil = log_in(&instance, "evil");
    refused(&mut evil, &["CREATE OR REPLACE ALIAS open FOR DATABASE evildb"]);
    all(
        &mut evil,
        &["CREATE OR REPLACE ALIAS bad FOR DATABASE evildb", "CREATE OR REPLACE ALIAS bad FOR DATABASE evildb"],
    );
}

#[test]
fn f90_who_manages_databases_is_shown_all_of_them() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(&mut admin, &["CREATE DATABASE films", "CREATE ROLE some", "GRANT ROLE some TO ann"]);
    let mut ann = log_in(&instance, "ann");
    let (few, every) = ("'sheaf'\n'system'", "'films'\n'sheaf'\n'system'");
    let names = "SHOW DATABASES YIELD name";
    check(&mut ann, names, few);
    for what in [
        "CREATE DATABASE",
        "DROP DATABASE",
        "ALTER DATABASE",
        "SET DATABASE ACCESS",
        "SET DATABASE DEFAULT LANGUAGE",
        "DATABASE MANAGEMENT",
    ] {
        all(&mut admin, &[&format!("GRANT {what} ON DBMS TO some")]);
        check(&mut ann, names, every);
        check(&mut ann, "SHOW DATABASE films YIELD name, nodes", "'films' | null");
        assert_eq!(run(&mut ann, "SHOW DATABASES").expect("lists").lines().count(), 3, "{what}");
        check(&mut ann, "USE films RETURN 1", "DatabaseNotFound: Database does not exist. Database name: 'films'.");
        all(&mut admin, &[&format!("REVOKE {what} ON DBMS FROM some")]);
        check(&mut ann, names, few);
    }
    // Who does something to one as a whole is shown that one.
    for what in ["START", "STOP", "BACKUP", "CHECK", "SHOW LIMIT", "SET LIMIT"] {
        all(&mut admin, &["CREATE DATABASE other", &format!("GRANT {what} ON DATABASE films TO some")]);
        check(&mut ann, names, every);
        check(&mut ann, "SHOW DATABASE films YIELD name, nodes", "'films' | null");
        assert_eq!(run(&mut ann, "SHOW DATABASES").expect("lists").lines().count(), 3, "{what}");
        check(&mut ann, "USE films RETURN 1", "DatabaseNotFound: Database does not exist. Database name: 'films'.");
        all(&mut admin, &["DROP DATABASE other", &format!("REVOKE {what} ON DATABASE films FROM some")]);
        check(&mut ann, names, few);
    }
}

#[test]
fn f24_f61_f90_one_right_to_a_whole_database_is_enough_to_use_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let authentication = Authentication::Password { first: Some("admin-password".to_owned()) };
    let options = InstanceOptions { authentication, ..options(folder.path()) };
    let instance = Instance::open(options).expect("the folder is the test's own");
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(&mut admin, &["CREATE DATABASE films", "CREATE DATABASE secret", "CREATE ROLE some", "GRANT ROLE some TO ann"]);
    run(&mut admin, "USE films CREATE (:Film)").expect("it is the admin's");
    let mut ann = log_in(&instance, "ann");
    for (right, text) in [
        ("BACKUP", "BACKUP DATABASE {} TO 'films.sheafbackup'"),
        ("BACKUP", "BACKUP DATABASE {} TO STREAM"),
        ("CHECK", "CHECK DATABASE {}"),
        ("SHOW LIMIT", "SHOW LIMITS FOR DATABASE {}"),
        ("SHOW LIMIT", "SHOW USAGE FOR DATABASE {}"),
        ("SET LIMIT", "ALTER DATABASE {} SET LIMIT max_nodes = 77"),
        ("STOP", "STOP DATABASE {}"),
        ("START", "START DATABASE {}"),
    ] {
        let (text, other, nowhere) =
            (&text.replace("{}", "films"), text.replace("{}", "secret"), text.replace("{}", "no"));
        refused(&mut ann, &[text]);
        all(&mut admin, &[&format!("GRANT {right} ON DATABASE films TO some")]);
        run(&mut ann, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
        refused(&mut ann, &[&other, &nowhere]);
        check(&mut ann, "USE films RETURN 1", "DatabaseNotFound: Database does not exist. Database name: 'films'.");
        all(&mut admin, &[&format!("REVOKE {right} ON DATABASE films FROM some")]);
    }
    refused(&mut ann, &["SHOW LIMITS", "SHOW USAGE"]);
    assert!(ann.metrics().is_err());
    all(&mut admin, &["GRANT SHOW LIMIT ON DATABASE films TO some"]);
    check(&mut ann, "SHOW LIMITS YIELD database RETURN DISTINCT database", "'films'");
    check(&mut ann, "SHOW USAGE YIELD database, nodes", "'films' | 1");
    let numbers = ann.metrics().expect("she may look at those of one");
    assert!(numbers.contains("database=\"films\"") && !numbers.contains("database=\"secret\""), "{numbers}");
}

#[test]
fn f60_f96_a_token_below_admin_is_shown_no_limits_and_no_use() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    all(&mut admin, &["CREATE DATABASE films"]);
    let (limits, usage) = ("SHOW LIMITS FOR DATABASE films", "SHOW USAGE FOR DATABASE films");
    for (name, bounds) in
        [("a", "ON DATABASE films WITH LEVEL read"), ("b", "WITH LEVEL read"), ("c", "WITH LEVEL write")]
    {
        let mut token = by_token(&instance, &mut admin, &format!("CREATE TOKEN {name} {bounds}"));
        refused(&mut token, &[limits, usage, "SHOW LIMITS", "SHOW USAGE", "SHOW LIMITS FOR ROLE reader"]);
        assert!(token.metrics().is_err(), "{bounds}");
    }
    for (name, bounds) in [("d", "ON DATABASE films WITH LEVEL admin"), ("e", "WITH LEVEL owner"), ("f", "")] {
        let mut token = by_token(&instance, &mut admin, &format!("CREATE TOKEN {name} {bounds}"));
        run(&mut token, limits).expect(bounds);
        run(&mut token, usage).expect(bounds);
        assert!(token.metrics().expect(bounds).contains("database=\"films\""), "{bounds}");
    }
}

#[test]
fn f96_a_token_has_each_name_once() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    all(&mut admin, &["CREATE DATABASE films", "CREATE DATABASE notes", "CREATE ALIAS cinema FOR DATABASE films"]);
    let told = run(&mut admin, "CREATE TOKEN t ON DATABASES films, cinema, notes, films").expect("makes one");
    assert!(told.contains("| ['films', 'notes', 'cinema'] |"), "{told}");
    let told = run(&mut admin, "CREATE TOKEN u ON DATABASES films, f*, F*, films").expect("makes one");
    assert!(told.contains("| ['films', 'f*'] |"), "{told}");
    let listed = "SHOW TOKENS YIELD name, databases RETURN databases ORDER BY name";
    check(&mut admin, listed, "['films', 'notes', 'cinema']\n['films', 'f*']");
}

#[test]
fn f28_f33_f44_functions_call_a_database_by_the_alias_by_which_it_is_known() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(
        &mut admin,
        &[
            "CREATE DATABASE hidden_one",
            "CREATE DATABASE other",
            "CREATE ALIAS a_longer_name FOR DATABASE hidden_one",
            "CREATE ALIAS reports FOR DATABASE hidden_one",
            "GRANT LEVEL write ON ALIAS reports TO USER ann",
            "GRANT LEVEL read ON DATABASE other TO USER ann",
        ],
    );
    let mut ann = log_in(&instance, "ann");
    check(&mut ann, ":USE reports", "");
    check(&mut ann, "CREATE (:Film)", "[nodes+ 1, labels+ 1]");
    check(&mut ann, "RETURN db.name(), database(), db()", "'reports' | 'reports' | 'reports'");
    check(&mut ann, "CALL { USE other RETURN DB.NAME() AS there } RETURN there, db.name()", "'other' | 'reports'");
    let id = run(&mut ann, "MATCH (n) RETURN elementId(n)").expect("reads");
    let find = format!("USE graph.byElementId({id}) MATCH (n) RETURN count(n), db.name()");
    let name = format!("RETURN db.nameFromElementId({id})");
    check(&mut ann, &name, "'reports'");
    check(&mut ann, &find, "1 | 'reports'");
    check(&mut ann, ":USE other", "");
    check(&mut ann, "RETURN db.name()", "'other'");
    check(&mut ann, &name, "'reports'");
    check(&mut ann, &find, "1 | 'reports'");
    check(&mut admin, &name, "'hidden_one'");
    check(&mut admin, &find, "1 | 'hidden_one'");
    // Of what she knows by no name nothing is told, neither by an alias that is not hers.
    all(&mut admin, &["REVOKE LEVEL write ON ALIAS reports FROM USER ann"]);
    check(&mut ann, &name, "null");
    let failure = run(&mut ann, &find).expect_err("it is not there");
    assert_eq!(failure.code(), types::Code::DatabaseNotFound);
}

#[test]
fn f82_the_language_of_a_database_is_a_right_of_its_own() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(&mut admin, &["CREATE DATABASE films", "CREATE ROLE some", "GRANT ROLE some TO ann"]);
    let mut ann = log_in(&instance, "ann");
    let language = "ALTER DATABASE films SET DEFAULT LANGUAGE CYPHER 25";
    refused(&mut ann, &[language]);
    all(&mut admin, &["GRANT SET DATABASE DEFAULT LANGUAGE ON DBMS TO some"]);
    all(&mut ann, &[language]);
    refused(&mut ann, &["ALTER DATABASE films SET ACCESS READ ONLY", "ALTER DATABASE films SET OPTION weight 5"]);
    refused(&mut ann, &["ALTER DATABASE films SET DEFAULT LANGUAGE CYPHER 5 SET ACCESS READ ONLY"]);
    check(
        &mut admin,
        "SHOW ROLE some PRIVILEGES AS COMMANDS",
        "'GRANT SET DATABASE DEFAULT LANGUAGE ON DBMS TO `some`'",
    );
    // It is part of the greater ones.
    all(
        &mut admin,
        &["REVOKE SET DATABASE DEFAULT LANGUAGE ON DBMS FROM some", "GRANT ALTER DATABASE ON DBMS TO some"],
    );
    all(&mut ann, &["ALTER DATABASE films SET DEFAULT LANGUAGE CYPHER 5"]);
}

#[test]
fn f32_session_objects_are_bounded_by_user_and_end_with_him() {
    let authentication = Authentication::Password { first: Some("admin-password".to_owned()) };
    let options = InstanceOptions { authentication, sessions_per_user_max: 2, ..options(Path::new("/nowhere")) };
    let instance = Instance::in_memory(options).expect("memory has room");
    let mut admin = log_in(&instance, "admin");
    ["ann", "bob", "eve"].iter().for_each(|user| make(&mut admin, user));
    let open = |session: &mut Session| session.open_object().map_err(|failure| failed(&failure));
    let mut ann = log_in(&instance, "ann");
    let first = open(&mut ann).expect("there is room");
    open(&mut ann).expect("there is room");
    let told = open(&mut ann).expect_err("two are the most");
    assert!(told.starts_with("TooManyConnections: User 'ann' has 2 sessions"), "{told}");
    // Others have their own, and one that ends makes room.
    open(&mut log_in(&instance, "bob")).expect("there is room");
    run(&mut admin, &format!("TERMINATE SESSION '{first}'")).expect("she has it");
    open(&mut ann).expect("there is room again");
    let mut eve = log_in(&instance, "eve");
    run(&mut eve, "CREATE TOKEN mine").expect("it is hers");
    let mut token = by_token(&instance, &mut eve, "CREATE TOKEN gone");
    open(&mut token).expect("there is room");
    let listed = "SHOW SESSIONS YIELD username RETURN username ORDER BY username";
    check(&mut admin, listed, "'ann'\n'ann'\n'bob'\n'eve'");
    all(&mut admin, &["ALTER USER ann SET STATUS SUSPENDED"]);
    check(&mut admin, listed, "'bob'\n'eve'");
    all(&mut admin, &["DROP TOKEN gone FOR USER eve"]);
    check(&mut admin, listed, "'bob'");
    // In a transaction with its commit.
    admin.begin(&RunOptions { database: Some("system".to_owned()), ..RunOptions::default() }).expect("begins");
    all(&mut admin, &["DROP USER bob"]);
    check(&mut log_in(&instance, "admin"), listed, "'bob'");
    admin.commit().expect("commits");
    check(&mut admin, listed, "");
}

#[test]
fn f102_load_csv_reads_nothing_of_the_servers_own() {
    let import = tempfile::tempdir().expect("a folder");
    let at = |name: &str| import.path().join(name);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let key = elsewhere.path().join("keys").join("seal.key");
    for folder in [at("d1"), at("copies"), at("plain"), elsewhere.path().join("keys")] {
        std::fs::create_dir_all(folder).expect("makes");
    }
    let options = InstanceOptions {
        import_folder: Some(elsewhere.path().to_owned()),
        seal_keys: Some(catalog::KeySource::File(key.clone())),
        backup_folder: Some(at("copies")),
        ..options(&at("d1"))
    };
    std::fs::write(at("copies").join("x.csv"), "secret").expect("writes");
    std::fs::write(at("plain").join("x.csv"), "open").expect("writes");
    let instance = Instance::open(InstanceOptions { import_folder: Some(import.path().to_owned()), ..options.clone() });
    let instance = instance.expect("the folder is the test's own");
    std::fs::write(at("d1").join("x.csv"), "secret").expect("writes");
    std::os::unix::fs::symlink(at("d1"), at("link")).expect("links");
    std::os::unix::fs::symlink(at("copies").join("x.csv"), at("plain").join("y.csv")).expect("links");
    let mut session = world::session(&instance);
    let mut told = |name: &str| {
        let shown = run(&mut session, &format!("LOAD CSV FROM 'file:///{name}' AS line RETURN line"));
        shown.unwrap_or_else(|failure| failed(&failure)).replace(name, "x")
    };
    let missing = told("nope.csv");
    assert!(missing.contains("there is no such file in the import folder"), "{missing}");
    assert_eq!(told("plain/x.csv"), "['open']");
    let own = ["d1/x.csv", "plain/../d1/x.csv", "link/x.csv", "d1/audit/audit.jsonl", "copies/x.csv", "plain/y.csv"];
    for name in own {
        assert_eq!(told(name), missing, "{name}");
    }
    instance.close();
    drop((session, instance));
    // The files of the keys, the log of statements with its older ones, and the settings, wherever they lie.
    assert!(key.is_file());
    let log = elsewhere.path().join("statements.log");
    let settings = elsewhere.path().join("sheaf.toml");
    for file in ["statements.log.1", "statements.log.12", "sheaf.toml"] {
        std::fs::write(elsewhere.path().join(file), "secret").expect("writes");
    }
    std::fs::write(elsewhere.path().join("statements.csv"), "open").expect("writes");
    std::os::unix::fs::symlink(&key, elsewhere.path().join("innocent.csv")).expect("links");
    std::os::unix::fs::symlink(elsewhere.path(), elsewhere.path().join("here")).expect("links");
    let query_log = instance::QueryLogOptions {
        file: log.clone(),
        threshold: std::time::Duration::ZERO,
        parameters: true,
        bytes_max: 1 << 20,
        files_max: 3,
    };
    let options = InstanceOptions { query_log: Some(query_log), private_files: vec![settings], ..options };
    let instance = Instance::open(options).expect("the folder is the test's own");
    assert!(log.is_file());
    let mut session = world::session(&instance);
    let mut told = |name: &str| {
        let shown = run(&mut session, &format!("LOAD CSV FROM 'file:///{name}' AS line RETURN line"));
        shown.unwrap_or_else(|failure| failed(&failure)).replace(name, "x")
    };
    let own =
        ["keys/seal.key", "innocent.csv", "statements.log", "statements.log.1", "statements.log.12", "sheaf.toml"];
    for name in own.into_iter().chain(["here/statements.log.1", "here/keys/../sheaf.toml"]) {
        assert_eq!(told(name), missing, "{name}");
    }
    assert_eq!(told("statements.csv"), "['open']");
    // Older ones are the server's own also where the newest is gone.
    std::fs::remove_file(&log).expect("it is there");
    assert_eq!(told("statements.log.1"), missing);
}
