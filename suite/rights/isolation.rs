//! No value of a database appears in an answer to somebody who may not read it: not by rows, errors, counts, plans,
//! indexes, words, vectors or procedures. Each database has its canary in every value, label, type, key and index name.

use suite::door::Session;
use suite::faults::Seed;
use types::Code;

use crate::statements::Maker;
use crate::world::{TENANTS, World, received, run};

const STATEMENTS: usize = 6_000;

#[test]
fn f90_no_answer_holds_anything_of_a_database_that_is_not_the_users() {
    let world = World::new();
    let seed = Seed::of_this_run();
    let replay = seed.replay();
    let mut maker = Maker::new(seed);
    let (own, foreign) = (TENANTS[0].1, TENANTS[1].1);
    // Some statements name the foreign database, some only the own one; `gone` never was.
    let databases = ["alpha", "al", "beta", "be", "`Beta`", "gone", "sheaf", "system"];
    let mut seen_own = 0;
    for user in ["reader", "writer", "nobody", "denied"] {
        let mut session = world.session(user);
        for _ in 0..STATEMENTS / 4 {
            let text = maker.statement(&databases);
            let got = received(&run(&mut *session, &text));
            assert!(!holds(&got, &text, foreign), "{user} got a canary of beta by {text}: {got}; {replay}");
            if user == "nobody" {
                assert!(!holds(&got, &text, own), "{user} got a canary of alpha by {text}: {got}; {replay}");
            }
            seen_own += usize::from(user != "nobody" && got.contains(own));
        }
    }
    println!("{seen_own} answers held what the user may read");
    assert!(seen_own > 50, "only {seen_own} answers held the user's own canary: the statements say too little");
}

#[test]
fn f91_no_answer_holds_anything_hidden_within_a_database() {
    let world = World::new();
    // Hidden are nodes and relationships by label, type and property; or by the value of a property.
    for (user, own_keys, unplaced) in [("partial", 1, 20), ("valued", 3, 0)] {
        no_answer_holds_anything_hidden(&world, user, own_keys, unplaced);
    }
}

fn no_answer_holds_anything_hidden(world: &World, user: &str, own_keys: i64, unplaced: i64) {
    let seed = Seed::of_this_run();
    let replay = seed.replay();
    let mut maker = Maker::new(seed);
    let canary = TENANTS[0].1;
    let values = ["h-", "r-"].map(|before| format!("{before}{canary}"));
    let names = ["_type", "_key", "_label"].map(|after| format!("{canary}{after}"));
    let hidden: Vec<String> = values.into_iter().chain(names).collect();
    let mut session = world.session(user);
    let (mut seen_own, open) = (0, format!("o-{canary}"));
    for _ in 0..STATEMENTS / 3 {
        let text = maker.reading(&["alpha", "al"]);
        let got = received(&run(&mut *session, &text));
        for secret in &hidden {
            assert!(!holds(&got, &text, secret), "{user}: {secret} in the answer to {text}: {got}; {replay}");
        }
        seen_own += usize::from(got.contains(&open));
    }
    assert!(seen_own > 100, "{user}: only {seen_own} answers held what the user may read");
    // Twenty nodes are open and twenty hidden; what is counted is what is seen.
    for (text, expected) in [
        ("MATCH (n) RETURN count(n)", 20),
        ("MATCH (n:Hidden) RETURN count(n)", 0),
        ("MATCH (n:Hidden) WHERE n.number > 0 RETURN count(n)", 0),
        ("MATCH ()-[r]->() RETURN count(r)", 20),
        ("MATCH ()-[r:HIDES]->() RETURN count(r)", 0),
        ("MATCH (n:Open) RETURN sum(COUNT { (n)--() })", 20),
        ("MATCH (n:Open) WHERE n.place IS NULL AND n.at IS NULL RETURN count(n)", unplaced),
        ("CALL apoc.meta.stats() YIELD nodeCount RETURN nodeCount", 20),
        ("CALL db.labels() YIELD label RETURN count(label)", 1),
        ("CALL db.relationshipTypes() YIELD relationshipType RETURN count(*)", 1),
        ("CALL db.propertyKeys() YIELD propertyKey RETURN count(*)", own_keys),
    ] {
        let answer = run(&mut *session, &format!("USE alpha {text}")).expect("it may be read");
        assert_eq!(answer.records, [[types::Value::Integer(expected)]], "{user}: {text}");
    }
    let plan =
        |session: &mut dyn Session| received(&run(session, "EXPLAIN USE alpha MATCH (n:Hidden)-[r]->(m) RETURN n"));
    let before = plan(&mut *session);
    let mut admin = world.session("admin");
    run(&mut *admin, "USE alpha UNWIND range(100, 3000) AS i CREATE (:Hidden {number: i, hidden: 'more'})")
        .expect("the admin may write");
    assert_eq!(plan(&mut *session), before, "{user}: a plan tells how much is hidden");
    run(&mut *admin, "USE alpha MATCH (n:Hidden) WHERE n.number >= 100 DELETE n").expect("the admin may write");
}

#[test]
fn f91_element_ids_and_numbers_of_hidden_things_find_nothing() {
    let world = World::new();
    let mut admin = world.session("admin");
    let mut users = ["partial", "valued"].map(|user| world.session(user));
    for (database, _) in TENANTS {
        let text = format!("USE {database} MATCH (n:Hidden) RETURN elementId(n), id(n) LIMIT 3");
        for record in run(&mut *admin, &text).expect("the admin may read").records {
            let id = record.iter().map(types::text::literal).collect::<Vec<_>>();
            for text in [
                format!("USE alpha MATCH (n) WHERE elementId(n) = {} RETURN n", id[0]),
                format!("USE alpha MATCH (n) WHERE elementId(n) IN [{}] RETURN n", id[0]),
                format!("USE alpha MATCH (n:Hidden) WHERE id(n) = {} RETURN n", id[1]),
            ] {
                for user in &mut users {
                    let found = run(&mut **user, &text).expect("it may be asked").records;
                    assert!(found.is_empty(), "{text}");
                }
            }
        }
    }
    let mut writer = world.session("nobody");
    let refused = run(&mut *writer, "USE beta MATCH (n) RETURN n").expect_err("it is not there");
    assert!(refused.codes.contains(&Code::DatabaseNotFound), "{refused:?}");
}

/// Tells whether a text that was received holds a canary that the statement itself did not hold.
fn holds(received: &str, text: &str, canary: &str) -> bool {
    received.contains(canary) && !text.contains(canary)
}
