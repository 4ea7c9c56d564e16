//! What a user may not see is not there for him: names of databases behind aliases, names and values of what is hidden.
//! Leaves reading and writing themselves to the unit tests of `sight`.
//! Start reading at [`f88_names_that_only_hidden_entities_bear_are_as_names_that_nothing_has`].

mod world;

use instance::{RunOptions, Session};
use types::Map;
use world::{DONE, all, check, log_in, make, run, run_with, take, with_passwords};

#[test]
fn f44_who_knows_a_database_by_an_alias_alone_keeps_to_it() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    for text in [
        "CREATE DATABASE films",
        "CREATE DATABASE notes",
        "CREATE ALIAS cinema FOR DATABASE films",
        "GRANT LEVEL write ON ALIAS cinema TO USER ann",
    ] {
        check(&mut admin, text, DONE);
    }
    let mut ann = log_in(&instance, "ann");
    check(&mut ann, ":USE cinema", "");
    check(&mut ann, "CREATE (:Film)", "[nodes+ 1, labels+ 1]");
    let own = "SHOW TRANSACTIONS YIELD database, transactionId RETURN database, split(transactionId, '-')[0]";
    check(&mut ann, own, "'cinema' | 'cinema'");

    // A transaction goes on where it began; once the alias leads elsewhere, its right does so too.
    let on = |database: &str| RunOptions { database: Some(database.to_owned()), ..RunOptions::default() };
    ann.begin(&on("cinema")).expect("it may be used");
    check(&mut ann, "MATCH (n) RETURN count(n)", "1");
    check(&mut admin, "ALTER ALIAS cinema SET DATABASE TARGET notes", DONE);
    let refused = run(&mut ann, "MATCH (n) RETURN count(n)").expect_err("the right went with the alias");
    assert_eq!(refused.code(), types::Code::TransactionConflict, "{refused}");
    ann.rollback().expect("it is open");
    check(&mut ann, "MATCH (n) RETURN count(n)", "0");
    assert!(ann.begin(&on("notes")).is_err() && ann.begin(&on("films")).is_err());
}

/// Runs a statement and gives all that a client could be told of it, good or bad.
fn told(session: &mut Session, text: &str, options: &RunOptions) -> String {
    let failed = |failure: &types::Failure| format!("{} {:?}", failure.message(), failure.refusal());
    let mut records = match session.run(text, Map::new(), options) {
        Ok(records) => records,
        Err(failure) => return failed(&failure),
    };
    let rows = take(&mut records).map_or_else(|failure| failed(&failure), |(rows, _)| rows.join("; "));
    let summary = records.summary();
    format!("{rows} {:?} {summary:?}", records.columns())
}

#[test]
fn f88_names_that_only_hidden_entities_bear_are_as_names_that_nothing_has() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    ["ann", "bob"].iter().for_each(|user| make(&mut admin, user));
    for text in [
        "GRANT LEVEL read ON DATABASE sheaf TO USER ann, USER bob",
        "DENY TRAVERSE ON GRAPH sheaf NODES Secret TO USER ann, USER bob",
        "GRANT SET LABEL Person ON GRAPH sheaf TO USER bob",
        "GRANT SET PROPERTY {name} ON GRAPH sheaf TO USER bob",
        "GRANT CREATE ON GRAPH sheaf NODES Person TO USER bob",
    ] {
        check(&mut admin, text, DONE);
    }
    let text = "CREATE (:Person {name: 'Ann'}), (:Secret:Merger {target: 'acme'})-[:BUYS]->(:Secret)";
    run(&mut admin, text).expect("makes them");
    for user in ["ann", "bob"] {
        let mut session = log_in(&instance, user);
        let mut told = |text: &str| {
            let options = RunOptions::default();
            told(&mut session, text, &options)
        };
        for text in [
            "MATCH (n:Merger) RETURN n.name",
            "MATCH (n:Person {target: 1}) RETURN n.name",
            "MATCH (n:Person) WHERE n.target > 1 RETURN count(n.target)",
            "MATCH (a)-[r:BUYS]->(b) RETURN b.name",
            "EXPLAIN MATCH (n:Merger) RETURN n.name",
            "EXPLAIN MATCH (a)-[:BUYS]->(b) RETURN b.name",
            "EXPLAIN MATCH (n:Person) WHERE n.target = 1 RETURN n.name",
            "MATCH (n) RETURN n:Merger, count{(n)-[:BUYS]->()}",
            "CREATE (:Merger)",
            "CREATE (:Person:Merger)",
            "CREATE (:Person {target: 1})",
            "CREATE (:Person)-[:BUYS]->(:Person)",
            "MERGE (n:Merger)",
            "MATCH (n:Person) SET n:Merger",
            "MATCH (n:Person) REMOVE n:Merger",
            "MATCH (n:Person) SET n.target = 1",
            "MATCH (n:Person) SET n.target = null",
            "MATCH (n:Person) SET n += {target: null}",
            "MATCH (n:Person) REMOVE n.target",
        ] {
            let other = text.replace("Merger", "Merges").replace("target", "targex").replace("BUYS", "SELL");
            let expected = told(&other).replace("Merges", "Merger").replace("targex", "target").replace("SELL", "BUYS");
            assert_eq!(told(text), expected, "{user}: {text}");
        }
    }
    // Whoever sees everything is warned as before.
    assert!(told(&mut admin, "MATCH (n:Merges) RETURN n", &RunOptions::default()).contains("UnknownLabel"));
}

#[test]
fn f88_counters_do_not_tell_whether_a_hidden_property_is_there() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    for text in ["GRANT LEVEL write ON DATABASE sheaf TO USER ann", "DENY READ {salary} ON GRAPH sheaf TO USER ann"] {
        check(&mut admin, text, DONE);
    }
    run(&mut admin, "CREATE (:Person {name: 'Ann', salary: 5})-[:KNOWS {salary: 1}]->(:Person {name: 'Bob'})")
        .expect("makes");
    run(&mut admin, "MATCH (b {name: 'Bob'}) CREATE (b)-[:KNOWS]->(:Other)").expect("makes");
    let mut ann = log_in(&instance, "ann");
    for (text, expected) in [
        ("MATCH (n:Person {name: $}) SET n.salary = null", "[properties 1]"),
        ("MATCH (n:Person {name: $}) REMOVE n.salary", "[properties 1]"),
        ("MATCH (n:Person {name: $}) SET n += {salary: null, other: null}", "[properties 1]"),
        ("MATCH (:Person {name: $})-[r]->() SET r.salary = null", "[properties 1]"),
        ("MATCH (n:Person {name: $}) REMOVE n.other", ""),
    ] {
        for name in ["'Ann'", "'Bob'"] {
            ann.begin(&RunOptions::default()).expect("begins");
            check(&mut ann, &text.replace('$', name), expected);
            ann.rollback().expect("it is open");
        }
    }
    check(&mut admin, "MATCH (n:Person) RETURN n.salary ORDER BY n.name", "5\nnull");
}

#[test]
fn f44_f98_who_knows_a_database_by_an_alias_alone_is_told_no_other_name() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    ["ann", "bob"].iter().for_each(|user| make(&mut admin, user));
    for text in [
        "CREATE DATABASE hidden_one OPTIONS {drainTimeout: '0s'}",
        "CREATE DATABASE other",
        "CREATE ALIAS reports FOR DATABASE hidden_one",
        "CREATE ALIAS home FOR DATABASE hidden_one",
        "GRANT LEVEL write ON ALIAS reports TO USER ann",
        "GRANT LEVEL write ON DATABASE other TO USER ann",
        "ALTER USER bob SET HOME DATABASE home",
        "GRANT MATCH {*} ON HOME GRAPH TO USER bob",
        "GRANT WRITE ON HOME GRAPH TO USER bob",
        "GRANT NAME MANAGEMENT ON HOME DATABASE TO USER bob",
    ] {
        check(&mut admin, text, DONE);
    }
    let on = |database: &str| RunOptions { database: Some(database.to_owned()), ..RunOptions::default() };
    let found = std::cell::RefCell::new(Vec::new());
    let leak = |what: String| found.borrow_mut().push(what);
    for (user, known) in [("ann", "reports"), ("bob", "home")] {
        let mut session = log_in(&instance, user);
        let look = |session: &mut Session, text: &str| {
            let told = told(session, text, &on(known));
            if told.contains("hidden_one") {
                leak(format!("{user}: {text}: {told}"));
            }
            told
        };
        let dull = [
            "CREATE (:Film {title: 'Ran'})",
            "MATCH (n) RETURN n",
            "EXPLAIN MATCH (n) RETURN n",
            "PROFILE MATCH (n) RETURN n",
            "EXPLAIN USE other MATCH (n) RETURN n",
            "MATCH (n:Nothing) RETURN n.nothing",
            "SHOW DATABASES YIELD *",
            "SHOW HOME DATABASE YIELD *",
            "SHOW DATABASE reports YIELD *",
            "SHOW TRANSACTIONS YIELD *",
            "SHOW LEVELS",
            "SHOW CURRENT USER",
            "SHOW INDEXES YIELD *",
            "SHOW USAGE",
            "SHOW LIMITS",
            "SHOW SESSIONS YIELD *",
            "CALL db.info()",
            "CALL dbms.routing.getRoutingTable({})",
            "CALL dbms.listConnections()",
            "RETURN graph.names()",
            "MATCH (n) RETURN graph.nameOfElement(n)",
            "MATCH (n) RETURN db.nameFromElementId(elementId(n))",
            "RETURN database()",
            ":USE",
            "CREATE INDEX x FOR (n:Film) ON (n.title)",
            "USE other CREATE (:X) WITH 1 AS x MATCH (n) RETURN n",
            "CREATE (:X) WITH 1 AS x CALL { USE other CREATE (:Y) }",
            "RETURN 1 / 0",
            "RETURN nothing",
            "CHECK DATABASE reports",
            "SHOW USER PRIVILEGES",
            "SHOW ALIASES",
            "CREATE TOKEN t ON DATABASE reports",
            "CREATE TOKEN u ON DATABASE home",
            "SHOW TOKENS",
        ];
        dull.iter().for_each(|text| drop(look(&mut session, text)));
        let shown = look(&mut session, "SHOW TOKENS YIELD databases");
        assert!(shown.contains(&format!("['{known}']")), "{shown}");
        for (set, unset, text) in [
            ("SET LIMIT max_nodes = 1", "REMOVE LIMIT max_nodes", "UNWIND range(1, 5) AS n CREATE (:Film)"),
            ("SET LIMIT max_results = 1", "REMOVE LIMIT max_results", "UNWIND range(1, 5) AS n RETURN n"),
            (
                "SET LIMIT max_results = 1, max_results_policy = 'truncate'",
                "REMOVE LIMIT max_results, max_results_policy",
                "UNWIND range(1, 5) AS n RETURN n",
            ),
            (
                "SET LIMIT max_query_memory = 1000",
                "REMOVE LIMIT max_query_memory",
                "UNWIND range(1, 100000) AS n RETURN collect(n)",
            ),
            ("SET LIMIT max_queries_per_second = 1", "REMOVE LIMIT max_queries_per_second", "RETURN 1"),
            ("SET ACCESS READ ONLY", "SET ACCESS READ WRITE", "CREATE (:Film)"),
        ] {
            check(&mut admin, &format!("ALTER DATABASE hidden_one {set}"), DONE);
            let first = look(&mut session, text);
            let second = look(&mut session, text);
            if !first.contains(&format!("'{known}'")) && !second.contains(&format!("'{known}'")) {
                leak(format!("{user}: {set}: {first} {second}"));
            }
            check(&mut admin, &format!("ALTER DATABASE hidden_one {unset}"), DONE);
        }
        let tell = |what: &str, outcome: String| {
            if outcome.contains("hidden_one") {
                leak(format!("{user}: {what}: {outcome}"));
            }
        };
        session.begin(&on(known)).expect("begins");
        tell("explicit", told(&mut session, "CREATE (:Film)", &RunOptions::default()));
        tell("commit", format!("{:?}", session.commit()));
        session.begin(&on(known)).expect("begins");
        tell("explicit", told(&mut session, "CREATE (:Film)", &RunOptions::default()));
        check(&mut admin, "ALTER DATABASE hidden_one SET ACCESS READ ONLY", DONE);
        tell("commit to read-only", format!("{:?}", session.commit()));
        check(&mut admin, "ALTER DATABASE hidden_one SET ACCESS READ WRITE", DONE);
        check(&mut admin, "ALTER DATABASE hidden_one SET LIMIT max_storage_bytes = 1", DONE);
        session.begin(&on(known)).expect("begins");
        tell("explicit", told(&mut session, "CREATE (:Film)", &RunOptions::default()));
        let full = session.commit().expect_err("there is no room");
        assert!(full.message().contains(&format!("database '{known}'")), "{full}");
        tell("commit without room", format!("{full:?}"));
        tell("alone", told(&mut session, "CREATE (:Film)", &on(known)));
        check(&mut admin, "ALTER DATABASE hidden_one REMOVE LIMIT max_storage_bytes", DONE);
        tell("standing", format!("{:?}", session.standing(Some(known))));
        session.begin(&on(known)).expect("begins");
        check(&mut admin, "STOP DATABASE hidden_one", DONE);
        tell("stopped while open", told(&mut session, "RETURN 1", &RunOptions::default()));
        session.rollback().expect("it is over");
        tell("stopped", told(&mut session, "RETURN 1", &on(known)));
        tell("stopped begin", format!("{:?}", session.begin(&on(known))));
        check(&mut admin, "START DATABASE hidden_one", DONE);
        // What is not there is told as it was asked for.
        let unknown = told(&mut session, "USE hidden_one RETURN 1", &on(known));
        assert!(unknown.contains("Database name: 'hidden_one'"), "{unknown}");
    }
    let leaks = found.into_inner();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

#[test]
fn f44_what_is_written_under_an_alias_alone_is_committed_under_it() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    ["ann", "bob"].iter().for_each(|user| make(&mut admin, user));
    for text in [
        "CREATE DATABASE hidden_one",
        "CREATE ALIAS reports FOR DATABASE hidden_one",
        "GRANT LEVEL write ON ALIAS reports TO USER ann",
        // Under its own name he only reads.
        "GRANT LEVEL write ON ALIAS reports TO USER bob",
        "GRANT LEVEL read ON DATABASE hidden_one TO USER bob",
    ] {
        check(&mut admin, text, DONE);
    }
    let on = |database: Option<&str>| RunOptions { database: database.map(str::to_owned), ..RunOptions::default() };
    let count = "USE hidden_one MATCH (n) RETURN count(n)";
    let mut written = 0;
    for user in ["ann", "bob"] {
        let mut session = log_in(&instance, user);
        for database in [None, Some("system"), Some("reports")] {
            for text in ["USE reports CREATE (:Film)", "CREATE (:Film) IN DATABASE reports"] {
                session.begin(&on(database)).expect("begins");
                run(&mut session, text).unwrap_or_else(|failure| panic!("{user} {database:?} {text}: {failure}"));
                if user == "bob" {
                    run(&mut session, "USE hidden_one MATCH (n) RETURN n")
                        .expect("he may read it under its own name too");
                }
                session.commit().unwrap_or_else(|failure| panic!("{user} {database:?} {text}: {failure}"));
                written += 1;
                check(&mut admin, count, &written.to_string());
            }
            for text in [
                "USE reports UNWIND [1, 2] AS i CALL (i) { CREATE (:Film) } IN TRANSACTIONS OF 1 ROW",
                "UNWIND [1, 2] AS i CALL (i) { USE reports CREATE (:Film) } IN TRANSACTIONS OF 1 ROW",
                "UNWIND [1, 2] AS i CALL (i) { USE graph.byName('reports') CREATE (:Film) } IN TRANSACTIONS OF 1 ROW \
                 ON ERROR CONTINUE REPORT STATUS AS s RETURN s.errorMessage, s.transactionId",
            ] {
                let told = told(&mut session, text, &on(database));
                assert!(user == "bob" || !told.contains("hidden_one"), "{database:?} {text}: {told}");
                written += 2;
                check(&mut admin, count, &written.to_string());
            }
        }
    }
    // What is in the way is told under the alias, and counted for the database.
    check(&mut admin, &format!("ALTER DATABASE hidden_one SET LIMIT max_nodes = {written}"), DONE);
    let mut ann = log_in(&instance, "ann");
    for text in [
        "UNWIND [1, 2] AS i CALL (i) { USE reports CREATE (:Film) } IN TRANSACTIONS OF 1 ROW ON ERROR CONTINUE REPORT \
         STATUS AS s RETURN s.errorMessage",
        "USE reports UNWIND [1, 2] AS i CALL (i) { CREATE (:Film) } IN TRANSACTIONS OF 1 ROW",
        "USE reports CREATE (:Film)",
    ] {
        let told = told(&mut ann, text, &on(None));
        assert!(told.contains("reports") && !told.contains("hidden_one"), "{text}: {told}");
    }
    // Once the right is taken, or the alias leads elsewhere, nothing is committed, and no other name is told.
    let taken = [
        ("REVOKE LEVEL write ON ALIAS reports FROM USER ann", "GRANT LEVEL write ON ALIAS reports TO USER ann"),
        ("ALTER ALIAS reports SET DATABASE TARGET sheaf", "ALTER ALIAS reports SET DATABASE TARGET hidden_one"),
    ];
    check(&mut admin, "ALTER DATABASE hidden_one REMOVE LIMIT max_nodes", DONE);
    for (take, give) in taken {
        ann.begin(&on(Some("system"))).expect("begins");
        check(&mut ann, "USE reports CREATE (:Film)", "[nodes+ 1, labels+ 1]");
        run(&mut admin, take).expect("is taken");
        let refused = ann.commit().expect_err(take).to_string();
        assert!(refused.contains("reports") && !refused.contains("hidden_one"), "{take}: {refused}");
        run(&mut admin, give).expect("is given back");
    }
    check(&mut admin, count, &written.to_string());
}

#[test]
fn f96_a_token_tells_no_name_that_its_user_does_not_know() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    ["ann", "bob"].iter().for_each(|user| make(&mut admin, user));
    for text in [
        "CREATE DATABASE hidden_one",
        "CREATE ALIAS reports FOR DATABASE hidden_one",
        "CREATE ALIAS home FOR DATABASE hidden_one",
        "GRANT LEVEL read ON ALIAS reports TO USER ann",
        "GRANT START ON DATABASE other_* TO USER ann",
        "GRANT SHOW TRANSACTION (*) ON DATABASE * TO USER ann",
        "ALTER USER bob SET HOME DATABASE home",
    ] {
        check(&mut admin, text, DONE);
    }
    let shown = |user: &str, alias: &str| {
        let made = run(&mut log_in(&instance, user), &format!("CREATE TOKEN t ON DATABASES {alias} WITH LEVEL read"));
        let made = made.expect("the database is there");
        let text = made.split(" | ").nth(1).expect("the second column is the token").trim_matches('\'').to_owned();
        let mut program = instance.log_in(Some(("", &text))).expect("the token is right");
        let usual = RunOptions::default();
        let listings = ["", " AS COMMANDS", " AS REVOKE COMMANDS"].map(|how| {
            let listing = format!("SHOW USER PRIVILEGES{how}");
            let told = told(&mut program, &listing, &usual);
            assert!(!told.contains("hidden_one"), "{user}: {listing}: {told}");
            told
        });
        listings[1].clone()
    };
    let (of_ann, of_bob) = (shown("ann", "reports"), shown("bob", "home"));
    for granted in
        ["GRANT CROSS DATABASE ON ALIAS `reports` TO `PUBLIC`", "GRANT ACCESS ON ALIAS `reports` TO USER `ann`"]
    {
        assert!(of_ann.contains(granted), "{of_ann}");
    }
    assert!(!of_ann.contains("HOME") && !of_ann.contains("TRANSACTION"), "{of_ann}");
    assert!(of_bob.contains("GRANT ACCESS ON HOME DATABASE TO `PUBLIC`"), "{of_bob}");
}

#[test]
fn f44_who_knows_a_database_by_an_alias_alone_is_told_no_folder() {
    let data = tempfile::tempdir().expect("a folder");
    let authentication = catalog::Authentication::Password { first: Some("admin-password".to_owned()) };
    let options = instance::InstanceOptions { authentication, ..world::options(data.path()) };
    let instance = instance::Instance::open(options).expect("the folder is the test's own");
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    for text in [
        "CREATE DATABASE hidden_one",
        "CREATE ALIAS reports FOR DATABASE hidden_one",
        "GRANT LEVEL read ON ALIAS reports TO USER ann",
        "GRANT LEVEL read ON DATABASE sheaf TO USER ann",
        "GRANT SHOW SETTINGS * ON DBMS TO USER ann",
    ] {
        check(&mut admin, text, DONE);
    }
    let text = "SHOW DATABASES YIELD name, path WHERE name <> 'system' RETURN name, path CONTAINS name ORDER BY name";
    check(&mut log_in(&instance, "ann"), text, "'reports' | null\n'sheaf' | true");
    check(&mut admin, text, "'hidden_one' | true\n'sheaf' | true");
    instance.close();
}

#[test]
fn f35_f44_whose_transaction_it_is_decides_which_name_is_told() {
    const LISTED: &str = "'al' | 'al'";
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    ["ann", "backend", "operator", "helper"].iter().for_each(|user| make(&mut admin, user));
    all(
        &mut admin,
        &[
            "CREATE DATABASE hidden_one",
            "CREATE ALIAS al FOR DATABASE hidden_one",
            "GRANT LEVEL write ON ALIAS al TO USER ann",
            "GRANT IMPERSONATE (ann) ON DBMS TO USER backend",
            // He may not come in, by whatever name.
            "GRANT TRANSACTION MANAGEMENT (*) ON DATABASE hidden_one TO USER operator",
            "DENY ACCESS ON ALIAS al TO USER operator",
            // He may, by the alias alone.
            "GRANT TRANSACTION MANAGEMENT (*) ON DATABASE hidden_one TO USER helper",
            "GRANT ACCESS ON ALIAS al TO USER helper",
        ],
    );
    let as_ann = RunOptions {
        database: Some("al".to_owned()),
        impersonated_user: Some("ann".to_owned()),
        ..RunOptions::default()
    };
    let own = RunOptions { impersonated_user: None, ..as_ann.clone() };
    let (mut ann, mut backend) = (log_in(&instance, "ann"), log_in(&instance, "backend"));
    let mut others = ["admin", "operator", "helper"].map(|user| log_in(&instance, user));
    let batches = "UNWIND [1] AS i CALL (i) { CREATE (:W {i: i}) } IN TRANSACTIONS ON ERROR CONTINUE REPORT STATUS AS s RETURN s.transactionId";
    for (session, options) in [(&mut ann, &own), (&mut backend, &as_ann)] {
        let id = run_with(session, batches, Map::new(), options).expect("ann may write");
        assert!(id.starts_with("'al-transaction-"), "{id}");
    }
    // As its own user, as who speaks for her, and as who knows the database by its own name.
    let listed = "SHOW TRANSACTIONS YIELD database, transactionId AS id WHERE NOT database IN ['sheaf', 'system'] \
                  RETURN database, split(id, '-')[0] AS id";
    for (mut session, options) in [(log_in(&instance, "ann"), &own), (log_in(&instance, "backend"), &as_ann)] {
        session.begin(options).expect("ann may");
        let (of_ann, of_backend) = if options.impersonated_user.is_some() { ("", LISTED) } else { (LISTED, "") };
        check(&mut ann, listed, of_ann);
        check(&mut backend, listed, of_backend);
        others.iter_mut().for_each(|other| check(other, listed, "'hidden_one' | 'hidden_one'"));
        let by_name = "SHOW TRANSACTIONS YIELD database WHERE database = 'hidden_one' RETURN count(*)";
        check(&mut admin, by_name, "1");
        // A name that is not known ends nothing, be it the right one.
        let number = run(
            &mut admin,
            "SHOW TRANSACTIONS YIELD database, transactionId AS id WHERE database = 'hidden_one' RETURN split(id, '-')[2]",
        );
        let number = number.expect("it is listed").trim_matches('\'').to_owned();
        let unknown = format!("'hidden_one-transaction-{number}' | null | 'Transaction not found.'");
        let other = if options.impersonated_user.is_some() { &mut backend } else { &mut ann };
        check(other, &format!("TERMINATE TRANSACTION 'hidden_one-transaction-{number}'"), &unknown);
        // Who has the right on its own name finds it by that, and by the name under which it was begun if he knows that.
        for (other, knows_alias) in others.iter_mut().zip([true, false, true]) {
            for (name, is_found) in [("hidden_one", true), ("al", knows_alias), ("nothing", false)] {
                let id = format!("'{name}-transaction-{number}'");
                let listed = run(other, &format!("SHOW TRANSACTIONS {id} YIELD username RETURN count(*)"));
                assert_eq!(listed.expect("he may"), u8::from(is_found).to_string(), "{name}");
                let ended = run(other, &format!("TERMINATE TRANSACTION {id}")).expect("he may");
                let message = if is_found { "'Transaction terminated.'" } else { "'Transaction not found.'" };
                assert!(ended.ends_with(message), "{name}: {ended}");
            }
        }
        session.rollback().expect("it is there");
    }
}

#[test]
fn f88_who_may_not_read_all_is_told_of_no_constraint_which_node_it_was() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(
        &mut admin,
        &[
            "GRANT TRAVERSE ON GRAPH sheaf TO USER ann",
            "GRANT READ {k} ON GRAPH sheaf TO USER ann",
            "GRANT WRITE ON GRAPH sheaf TO USER ann",
        ],
    );
    for text in [
        "CREATE (:A {k: 1})-[:R]->(:E {zz: 1, k: 2}), (:X), (:Y {t: 1}), (:K {a: 1, b: 2}), ()-[:Q {w: 1}]->()",
        "CREATE CONSTRAINT ex FOR (n:E) REQUIRE n.zz IS NOT NULL",
        "CREATE CONSTRAINT ty FOR (n:Y) REQUIRE n.k IS :: STRING",
        "CREATE CONSTRAINT nk FOR (n:K) REQUIRE (n.a, n.b) IS NODE KEY",
        "CREATE CONSTRAINT re FOR ()-[r:Q]-() REQUIRE r.w IS NOT NULL",
    ] {
        run(&mut admin, text).expect("admin may");
    }
    let told = "ConstraintValidationFailed: A constraint of this database would be violated. What stands against it is \
                shown to those only who may read all of the database.";
    let mut ann = log_in(&instance, "ann");
    for text in [
        "MATCH (n:A) SET n:E",
        "MATCH (n:E) REMOVE n.zz",
        "MATCH (n:A) SET n:Y",
        "MATCH (n:A) SET n:K",
        "MATCH (a:A), (e:E) CREATE (a)-[:Q]->(e)",
    ] {
        check(&mut ann, text, told);
        let plain = run(&mut admin, text).expect_err(text);
        assert!(plain.message().contains("with "), "{text}: {plain}");
    }
}

#[test]
fn f37_f88_an_alias_that_is_denied_is_told_nowhere() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(
        &mut admin,
        &[
            "CREATE DATABASE films",
            "CREATE ALIAS cinema FOR DATABASE films",
            "CREATE ALIAS secret FOR DATABASE films",
            "GRANT LEVEL read ON DATABASE films TO USER ann",
            "DENY ACCESS ON ALIAS secret TO USER ann",
        ],
    );
    let mut ann = log_in(&instance, "ann");
    let aliases = "SHOW DATABASES YIELD name, aliases WHERE name = 'films' RETURN aliases";
    check(&mut ann, aliases, "['cinema']");
    check(&mut admin, aliases, "['cinema', 'secret']");
    for name in ["secret", "nobody"] {
        check(&mut ann, &format!("SHOW DATABASE {name} YIELD name"), "");
    }
    for session in [&mut ann, &mut admin] {
        check(session, "SHOW DATABASE cinema YIELD name", "'films'");
    }
    check(&mut admin, "SHOW DATABASE secret YIELD name", "'films'");
}
