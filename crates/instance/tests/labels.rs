//! Names of labels, types and properties: whose they are until they are committed, and which there can be.
//! Leaves names of databases and users to `naming`.
//! Start reading at [`f50_names_are_charged_to_who_makes_them_and_to_nobody_else`].

mod world;

use instance::{RunOptions, Session};
use types::{Code, Map, Value};
use world::{DONE, check, in_memory, run, run_with, session};

#[test]
fn f50_names_are_charged_to_who_makes_them_and_to_nobody_else() {
    let instance = in_memory();
    let mut one = session(&instance);
    let refused = |session: &mut Session, text: &str| {
        let failure = run(session, text).expect_err("there is no room");
        let limit = failure.refusal().map(|refusal| (refusal.limit, refusal.database.as_str()));
        assert_eq!((failure.code(), limit), (Code::LimitReached, Some(("max_storage_bytes", "sheaf"))), "{failure}");
    };
    run(&mut one, "CREATE (:Kept {name: 'kept'})-[:KEPT]->()").expect("room");
    check(&mut one, "ALTER DATABASE sheaf SET LIMIT max_storage_bytes = 100KB", DONE);
    let used = |session: &mut Session| run(session, "SHOW USAGE FOR DATABASE sheaf YIELD storageBytes").expect("shows");
    let long = "reduce(s = toString(i), j IN range(1, 10) | s + '----------------------------------------')";
    let many = [
        format!("UNWIND range(1, 500) AS i CREATE (x:$({long}))"),
        format!("UNWIND range(1, 500) AS i CREATE (x:$({long})) DELETE x"),
        format!("MATCH (a:Kept) UNWIND range(1, 500) AS i CREATE (a)-[r:$({long})]->(a) DELETE r"),
        format!("MATCH (a:Kept) UNWIND range(1, 500) AS i SET a[{long}] = 1"),
        format!("UNWIND range(1, 500) AS i CALL db.createLabel({long}) FINISH"),
    ];
    let labels = "CALL db.labels() YIELD label RETURN collect(label)";
    for text in &many {
        let before = used(&mut one);
        refused(&mut one, text);
        assert_eq!(used(&mut one), before, "{text}");
        // Nothing of it is left for who comes next, in the same session or after a rollback.
        run(&mut one, "MATCH (n:Kept) SET n.name = 'still'").expect("room");
        one.begin(&RunOptions::default()).expect("begins");
        run(&mut one, text).expect("the commit asks for room");
        one.rollback().expect("rolls back");
        one.begin(&RunOptions::default()).expect("begins");
        run(&mut one, &format!("{text} RETURN 1 / 0")).expect_err("divided, or no such clause there");
        let _ = one.rollback();
        run(&mut one, "MATCH (n:Kept) SET n.name = 'there'").expect("room");
    }
    check(&mut one, labels, "['Kept']");
    check(&mut one, "CALL db.createLabel('Made')", "");
    check(&mut one, "MATCH (n:Kept) SET n:Other REMOVE n:Other", "[labels+ 1, labels- 1]");
    assert_eq!(run(&mut one, "MATCH (n) RETURN count(n)").expect("counts"), "2");
}

#[test]
fn f46_names_are_neither_empty_nor_have_zero_bytes() {
    let instance = in_memory();
    let mut one = session(&instance);
    run(&mut one, "CREATE (:N), ()-[:T]->()").expect("room");
    for name in ["", "\0", "a\0b"] {
        let parameters = Map::from_iter([("p".into(), Value::string(name))]);
        for text in [
            "CREATE (x:$($p))",
            "MERGE (x:$($p))",
            "MATCH (n:N) SET n:$($p)",
            "MATCH (n:N) CREATE (n)-[:$($p)]->(n)",
            "MATCH (n:N) SET n[$p] = 1",
            "CALL db.createLabel($p)",
            "CALL db.createRelationshipType($p)",
            "CALL db.createProperty($p)",
            "CALL apoc.create.node([$p], {}) YIELD node RETURN node",
            "MATCH (n:N) CALL apoc.create.addLabels(n, [$p]) YIELD node RETURN node",
        ] {
            let failure = run_with(&mut one, text, parameters.clone(), &RunOptions::default()).expect_err(text);
            let says = "is not a valid token name. Token names cannot be empty or contain any null-bytes.";
            assert_eq!(failure.message(), format!("'{name}' {says}"), "{text}");
            assert_eq!(failure.code().row().neo4j, "Neo.ClientError.Schema.TokenNameError", "{text}");
        }
        let map = Map::from_iter([("p".into(), Value::map(Map::from_iter([(name.into(), Value::Integer(1))])))]);
        for text in ["CREATE (n $p)", "MATCH (n:N) SET n = $p", "MATCH (n:N) SET n += $p"] {
            let failure = run_with(&mut one, text, map.clone(), &RunOptions::default()).expect_err(text);
            assert_eq!(failure.code(), Code::TokenNameInvalid, "{text}");
        }
        // What is only looked for is not there.
        let looked = "MATCH (n:N) RETURN n[$p], n:$($p)";
        assert_eq!(run_with(&mut one, looked, parameters, &RunOptions::default()).expect("reads"), "null | false");
    }
}
