//! Every user, every form of a statement and every name of a database, over each face: allowed ones answer, all others
//! give nothing and change nothing. A database that is not the user's is refused as one that never was.

use std::sync::Arc;

use suite::door::bolt::Bolt;
use suite::door::direct::Direct;
use suite::door::http::Http;
use suite::door::{Problem, Session, System};
use types::Code;

use crate::world::{TENANTS, USERS, World, received, run};

/// What a form does to the database that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Reads,
    Writes,
    Changes,
}

/// Forms of statements; `{d}` is the database.
const FORMS: &[(Does, &str)] = &[
    (Does::Reads, "USE {d} MATCH (n:Open) RETURN n.open LIMIT 1"),
    (Does::Reads, "use {d} match (n:Open) return n LIMIT 1"),
    (Does::Reads, "/* CREATE */ USE {d} MATCH (n:Open) RETURN n.open LIMIT 1"),
    (Does::Reads, "// CREATE\nUSE {d} MATCH (n:Open) RETURN n.open LIMIT 1"),
    (Does::Reads, "GRAPH[{d}] MATCH (n:Open) RETURN n.open LIMIT 1"),
    (Does::Reads, "CALL { USE {d} MATCH (n:Open) RETURN n.open AS x LIMIT 1 } RETURN x"),
    (Does::Reads, "UNWIND [1] AS i CALL { USE {d} MATCH (n:Open) RETURN n.open AS x LIMIT 1 } RETURN x"),
    (Does::Reads, "CALL { CALL { USE {d} MATCH (n:Open) RETURN n.open AS x LIMIT 1 } RETURN x } RETURN x"),
    (Does::Reads, "MATCH (n:Open) FROM DATABASE {d} RETURN n.open LIMIT 1"),
    (Does::Reads, "MATCH (n:Open) IN DATABASE {d} RETURN n.open LIMIT 1"),
    (Does::Reads, "USE DATABASE {d} AS q MATCH (n:Open) IN q RETURN n.open LIMIT 1"),
    (Does::Reads, "RETURN 'none' AS x UNION USE {d} MATCH (n:Open) RETURN n.open AS x LIMIT 1"),
    (Does::Reads, "USE {d} CALL db.index.fulltext.queryNodes('words', 'o') YIELD node RETURN node LIMIT 1"),
    (Does::Reads, "PROFILE USE {d} MATCH (n:Open) RETURN n.open LIMIT 1"),
    (Does::Writes, "USE {d} CREATE (n:Open)"),
    (Does::Writes, "/* MATCH (n) RETURN n */ USE {d} CREATE (n:Open)"),
    (Does::Writes, "EXPLAIN USE {d} CREATE (n:Open)"),
    (Does::Writes, "PROFILE USE {d} MERGE (n:Open {open: 'made'})"),
    (Does::Writes, "USE {d} MERGE (n:Open {open: 'made'})"),
    (Does::Writes, "USE {d} MATCH (n:Open) SET n.open = 'changed'"),
    (Does::Writes, "USE {d} MATCH (n:Open) REMOVE n.open"),
    (Does::Writes, "USE {d} MATCH (n:Open) SET n:Hidden"),
    (Does::Writes, "USE {d} MATCH (n) DETACH DELETE n"),
    (Does::Writes, "USE {d} MATCH ()-[r]->() DELETE r"),
    (Does::Writes, "USE {d} FOREACH (i IN [1] | CREATE (:Open))"),
    (Does::Writes, "CALL { USE {d} CREATE (n:Open) } RETURN 1"),
    (Does::Writes, "UNWIND [1] AS i CALL { USE {d} CREATE (n:Open) RETURN n } RETURN i"),
    (Does::Writes, "USE {d} UNWIND [1, 2] AS i CALL { WITH i CREATE (n:Open) } IN TRANSACTIONS OF 1 ROW"),
    (Does::Writes, "CREATE (n:Open) IN DATABASE {d}"),
    (Does::Writes, "USE {d} CALL apoc.create.node(['Open'], {}) YIELD node RETURN 1"),
    (Does::Writes, "USE {d} CALL apoc.merge.node(['Open'], {open: 'x'}) YIELD node RETURN 1"),
    (Does::Writes, "USE {d} CALL db.createProperty('made')"),
    (Does::Writes, "USE {d} LOAD CSV FROM 'file:///none.csv' AS line CREATE (:Open)"),
    (Does::Writes, "GRAPH[{d}] CREATE (n:Open)"),
    (Does::Changes, "USE {d} CREATE INDEX made FOR (n:Open) ON (n.open, n.at)"),
    (Does::Changes, "EXPLAIN USE {d} DROP INDEX words"),
    (Does::Changes, "USE {d} DROP INDEX words"),
    (Does::Changes, "USE {d} CREATE CONSTRAINT made FOR (n:Open) REQUIRE n.made IS UNIQUE"),
    (Does::Changes, "USE {d} SHOW INDEXES"),
    (Does::Changes, "USE {d} CALL db.index.vector.createNodeIndex('made', 'Open', 'at', 2, 'cosine')"),
    (Does::Changes, "DROP DATABASE {d}"),
    (Does::Changes, "STOP DATABASE {d}"),
    (Does::Changes, "ALTER DATABASE {d} SET ACCESS READ ONLY"),
    (Does::Changes, "CREATE OR REPLACE DATABASE {d}"),
    (Does::Changes, "ALTER DATABASE {d} SET LIMIT max_nodes = 1"),
    (Does::Changes, "CREATE ALIAS made FOR DATABASE {d}"),
    (Does::Changes, "CHECK DATABASE {d}"),
    (Does::Changes, "GRANT LEVEL owner ON DATABASE {d} TO USER nobody"),
    (Does::Changes, "REVOKE LEVEL read ON DATABASE {d} FROM PUBLIC"),
];

/// Ways to write the name of a database, each with the database that it means.
fn names(database: &str) -> Vec<String> {
    vec![database.to_owned(), database.to_uppercase(), format!("`{database}`"), database[..2].to_owned()]
}

/// Tells what a user may do to a database under a name: whether it is there, whether its open nodes are read, whether it
/// is written.
fn may(user: &str, database: &str, name: &str) -> (bool, bool, bool) {
    match (user, database) {
        ("aliased", "alpha") => (name == "al", name == "al", false),
        ("reader" | "partial" | "denied" | "valued", "alpha") => (true, true, false),
        ("writer" | "unvalued", "alpha") => (true, true, true),
        ("blind", "alpha") => (true, false, true),
        _ => (false, false, false),
    }
}

#[test]
fn f82_every_user_form_and_name_in_process() {
    let world = World::new();
    let cells = play(&world, &Direct::new(Arc::clone(&world.instance) as _), 1);
    println!("{cells} cells");
}

#[test]
fn f82_every_user_form_and_name_over_bolt() {
    let world = World::new();
    let server = Bolt::start(Arc::clone(&world.instance) as _).expect("a port is free");
    let cells = play(&world, &server, 1);
    println!("{cells} cells");
}

#[test]
fn f82_every_user_and_form_over_http() {
    let world = World::new();
    let server = Http::start(Arc::clone(&world.instance) as _).expect("a port is free");
    // A password is proved with each request, which is slow on purpose: every fourth cell stands for its neighbours.
    let cells = play(&world, &server, 4);
    println!("{cells} cells");
}

/// Plays every `step`th cell of the table.
fn play(world: &World, system: &dyn System, step: usize) -> usize {
    let mut admin = world.session("admin");
    let mut contents = TENANTS.map(|(name, _)| world.content(&mut *admin, name));
    let forms = known_forms();
    let mut cells = 0;
    for (user, _) in USERS {
        let mut session = system.session(Some(user)).expect("the user is known");
        for (at, (database, canary)) in TENANTS.into_iter().enumerate() {
            for (does, form) in &forms {
                for name in names(database) {
                    cells += 1;
                    if cells % step != 0 {
                        continue;
                    }
                    let cell = format!("{user}: {form} on {name}");
                    let outcome = cell_of(&mut *session, *does, form, &name, may(user, database, &name), &cell);
                    let got = received(&outcome);
                    assert!(may(user, database, &name).1 || !got.contains(canary), "{cell}: {got}");
                    let changed = world.content(&mut *admin, database) != contents[at];
                    assert!(!changed || may(user, database, &name).2, "{cell} changed something");
                    if changed {
                        contents[at] = restore(world, &mut *admin, database, canary);
                    }
                }
            }
        }
    }
    cells / step
}

/// Leaves out the forms that the language does not have; there are few of them.
fn known_forms() -> Vec<(Does, &'static str)> {
    let is_known = |(_, form): &(Does, &str)| cypher::parse(&form.replace("{d}", "alpha")).is_ok();
    let known: Vec<_> = FORMS.iter().copied().filter(is_known).collect();
    assert!(known.len() + 3 >= FORMS.len(), "{} of {} forms are known", known.len(), FORMS.len());
    known
}

/// Runs one cell and checks how it ends.
fn cell_of(
    session: &mut dyn Session,
    does: Does,
    form: &str,
    name: &str,
    (is_there, reads, writes): (bool, bool, bool),
    cell: &str,
) -> Result<suite::door::Answer, Problem> {
    let outcome = run(session, &form.replace("{d}", name));
    let code = |problem: &Problem| problem.codes.first().copied();
    match (&outcome, does) {
        (Err(problem), _) if !is_there => {
            let plain = name.trim_matches('`').to_lowercase();
            let missing = run(session, &form.replace("{d}", "gone")).expect_err("it never was");
            let expected = missing.message.replace("gone", &plain);
            let got = problem.message.replace(name.trim_matches('`'), &plain);
            assert_eq!((code(problem), first(&got)), (code(&missing), first(&expected)), "{cell}");
        }
        (Ok(_), _) if !is_there => panic!("{cell}: it is not there, and answers"),
        (Ok(answer), Does::Reads) => {
            let is_empty = answer.records.iter().all(|record| record == &[types::Value::from("none")]);
            assert!(reads || is_empty, "{cell}: {:?}", answer.records);
        }
        // Who can find nothing in an index, and may not list it, hears that there is none of this name.
        (Err(problem), Does::Reads)
            if !cell.starts_with("reader") && problem.message.ends_with("no such fulltext schema index: words") => {}
        (Err(problem), Does::Reads) => panic!("{cell}: {}", problem.message),
        (Ok(_), Does::Writes) => assert!(writes, "{cell}: it was not refused"),
        (Err(problem), Does::Writes) if !writes => {
            assert_eq!(code(problem), Some(Code::Forbidden), "{cell}: {}", problem.message)
        }
        // What a writer may not find, or a file that is not there, ends for other reasons.
        (Err(_), Does::Writes) => {}
        (Ok(_), Does::Changes) => panic!("{cell}: it was not refused"),
        (Err(problem), Does::Changes) => {
            assert_eq!(code(problem), Some(Code::Forbidden), "{cell}: {}", problem.message)
        }
    }
    outcome
}

fn first(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    // The place in the text moves with the length of the name.
    line.split(" (line ").next().unwrap_or_default().to_owned()
}

/// Puts a tenant's data back after a write that was allowed.
fn restore(world: &World, admin: &mut dyn Session, database: &str, canary: &str) -> String {
    let texts = crate::world::seed(canary);
    let data = texts.iter().find(|text| text.starts_with("UNWIND")).expect("the seed has data");
    for text in [format!("USE {database} MATCH (n) DETACH DELETE n"), format!("USE {database} {data}")] {
        run(admin, &text).unwrap_or_else(|problem| panic!("{text}: {}", problem.message));
    }
    world.content(admin, database)
}

#[test]
fn f82_rights_hold_in_explicit_transactions_and_bite_at_the_next_statement() {
    use instance::{Fetched, More, RunOptions};
    let world = World::new();
    let mut admin = world.session("admin");
    let mut session = world.instance.log_in(Some(("writer", "writer-password"))).expect("the user is known");
    let options = RunOptions { database: Some("alpha".to_owned()), ..RunOptions::default() };
    session.begin(&options).expect("it may be used");
    let mut write = |text: &str| {
        let mut records = session.run(text, types::Map::new(), &RunOptions::default()).map_err(|it| it.code())?;
        let mut fetched = Fetched::default();
        while records.pull(100, &mut fetched).map_err(|it| it.code())? == More::Yes {}
        Ok(fetched.iter().count())
    };
    assert_eq!(write("CREATE (n:Open {open: 'within'}) RETURN n"), Ok(1));
    assert_eq!(write("USE beta MATCH (n) RETURN n"), Err(Code::DatabaseNotFound));
    run(&mut *admin, "DENY WRITE ON GRAPH alpha TO writer_role").expect("the admin may");
    assert_eq!(write("CREATE (:Open {open: 'within'})"), Err(Code::Forbidden));
    run(&mut *admin, "REVOKE MATCH {*} ON GRAPH alpha FROM writer_role").expect("the admin may");
    assert_eq!(write("MATCH (n:Open) RETURN n"), Ok(0), "what may not be read any more is not there");
    run(&mut *admin, "REVOKE ACCESS ON DATABASE alpha FROM writer_role").expect("the admin may");
    assert_eq!(write("MATCH (n:Open) RETURN n"), Err(Code::DatabaseNotFound));
    session.rollback().expect("it is open");
    let beta = RunOptions { database: Some("beta".to_owned()), ..RunOptions::default() };
    assert!(session.begin(&beta).is_err_and(|failure| failure.code() == Code::DatabaseNotFound));
}
