//! A database under several names: each part of a statement has the rights that hold under the name that it gives.
//! Leaves what an alias hides to `hidden`.
//! Start reading at [`f44_use_counts_the_rights_of_the_name_it_gives`].

mod world;

use instance::{RunOptions, Session};
use types::Map;
use world::{all, failed, log_in, make, run_with, with_passwords};

/// A database `secret` with the aliases `al` and `be`; ann may everything but under `be`.
fn of_three_names() -> (instance::Instance, Session) {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(
        &mut admin,
        &[
            "CREATE DATABASE secret",
            "CREATE DATABASE other",
            "CREATE ALIAS al FOR DATABASE secret",
            "CREATE ALIAS be FOR DATABASE secret",
            "GRANT LEVEL write ON DATABASE secret TO USER ann",
            "GRANT LEVEL write ON DATABASE other TO USER ann",
            "DENY WRITE ON ALIAS be TO USER ann",
            "DENY READ {n} ON ALIAS be TO USER ann",
        ],
    );
    world::check(&mut admin, "USE secret CREATE (:S {n: 'top'})", "[nodes+ 1, properties 1, labels+ 1]");
    (instance, admin)
}

/// Checks what a statement gives in a session on a database.
#[track_caller]
fn check(session: &mut Session, own: Option<&str>, text: &str, expected: &str) {
    let options = RunOptions { database: own.map(str::to_owned), ..RunOptions::default() };
    let got = run_with(session, text, Map::new(), &options).unwrap_or_else(|failure| failed(&failure));
    assert_eq!(got, expected, "{own:?}: {text}");
}

const REFUSED: &str =
    "Forbidden: Set property for property 'k' on database 'secret' is not allowed for user 'ann' with roles [PUBLIC].";

#[test]
fn f44_use_counts_the_rights_of_the_name_it_gives() {
    let (instance, _) = of_three_names();
    let mut ann = log_in(&instance, "ann");
    // Twice: made anew, and as kept for whoever stands on any other name.
    for _ in 0..2 {
        for own in [None, Some("secret"), Some("al"), Some("be")] {
            check(&mut ann, own, "USE be MATCH (n:S) RETURN n.n", "null");
            check(&mut ann, own, "USE al MATCH (n:S) RETURN n.n", "'top'");
            check(&mut ann, own, "USE secret MATCH (n:S) RETURN n.n", "'top'");
            check(&mut ann, own, "USE be MATCH (n:S) SET n.k = 2", REFUSED);
            check(&mut ann, own, "USE al MATCH (n:S) SET n.k = 1", "[properties 1]");
            check(&mut ann, own, "CALL { USE be MATCH (n:S) RETURN n.n AS x } RETURN x", "null");
            check(&mut ann, own, "MATCH (n:S) FROM DATABASE be RETURN n.n", "null");
            let made = "Forbidden: Create node with labels 'S' on database 'secret' is not allowed for user 'ann' with roles [PUBLIC].";
            check(&mut ann, own, "CREATE (:S) IN DATABASE be", made);
        }
        check(&mut ann, Some("be"), "MATCH (n:S) RETURN n.n", "null");
        check(&mut ann, Some("al"), "MATCH (n:S) RETURN n.n", "'top'");
    }
}

#[test]
fn f44_two_names_of_other_rights_do_not_meet_in_a_statement() {
    let (instance, mut admin) = of_three_names();
    let mut ann = log_in(&instance, "ann");
    let told = |one, other| {
        format!(
            "Forbidden: '{one}' and '{other}' are one database, and you have different rights on it under each name. Name \
             it in one way within a statement."
        )
    };
    let both = |one, other| {
        format!(
            "CALL {{ USE {one} MATCH (n:S) RETURN n.n AS x }} CALL {{ USE {other} MATCH (n:S) RETURN n.n AS y }} RETURN x, y"
        )
    };
    check(&mut ann, None, &both("secret", "be"), &told("secret", "be"));
    check(&mut ann, None, &both("be", "secret"), &told("be", "secret"));
    check(&mut ann, Some("other"), &both("al", "be"), &told("al", "be"));
    check(&mut ann, Some("al"), &both("secret", "be"), &told("al", "be"));
    check(&mut ann, Some("al"), "MATCH (m) CALL { USE be MATCH (n) RETURN n } RETURN n.n", &told("al", "be"));
    check(
        &mut ann,
        Some("be"),
        "CALL db.labels() YIELD label CALL { USE al MATCH (n) RETURN n } RETURN n.n",
        &told("be", "al"),
    );
    // Names of the same rights are one, and others hear nothing of it, though the plan is kept for all.
    check(&mut ann, None, &both("secret", "al"), "'top' | 'top'");
    for own in [None, Some("secret"), Some("be"), Some("other")] {
        check(&mut admin, own, &both("secret", "be"), "'top' | 'top'");
    }
    check(&mut admin, Some("al"), "MATCH (m) CALL { USE be MATCH (n) RETURN n } RETURN n.n", "'top'");
    check(&mut ann, Some("al"), "MATCH (m) CALL { USE be MATCH (n) RETURN n } RETURN n.n", &told("al", "be"));
    check(&mut ann, None, &both("secret", "be"), &told("secret", "be"));
}

#[test]
fn f44_a_transaction_commits_under_each_name_by_which_it_wrote() {
    let (instance, mut admin) = of_three_names();
    let begin = |own: &str| {
        let mut ann = log_in(&instance, "ann");
        let options = RunOptions { database: Some(own.to_owned()), ..RunOptions::default() };
        ann.begin(&options).expect("ann sees it");
        ann
    };
    let mut ann = begin("al");
    check(&mut ann, None, "MATCH (n:S) RETURN n.n", "'top'");
    check(&mut ann, None, "USE be MATCH (n:S) RETURN n.n, db.name()", "null | 'secret'");
    check(&mut ann, None, "USE secret MATCH (n:S) SET n.k = 5", "[properties 1]");
    check(&mut ann, None, "USE be MATCH (n:S) RETURN n.n, n.k", "null | 5");
    check(&mut ann, None, "USE be MATCH (n:S) SET n.k = 3", REFUSED);
    ann.rollback().expect("it is open");
    // Written under one name and then under another: whoever loses the rights under the first commits nothing.
    for (first, second) in [("al", "secret"), ("secret", "al")] {
        let mut ann = begin("secret");
        check(&mut ann, None, &format!("USE {first} MATCH (n:S) SET n.k = 6"), "[properties 1]");
        check(&mut ann, None, &format!("USE {second} MATCH (n:S) SET n.k = 7"), "[properties 1]");
        check(&mut ann, None, "MATCH (n:S) RETURN n.k", "7");
        all(&mut admin, &["DENY WRITE ON ALIAS al TO USER ann"]);
        let refused = ann.commit().expect_err("she may not under that name any more");
        assert_eq!(refused.code(), types::Code::TransactionConflict, "{refused}");
        all(&mut admin, &["REVOKE DENY WRITE ON ALIAS al FROM USER ann"]);
    }
    let mut ann = begin("al");
    check(&mut ann, None, "USE secret MATCH (n:S) SET n.k = 8", "[properties 1]");
    ann.commit().expect("she may, under either name");
    check(&mut admin, None, "USE secret MATCH (n:S) RETURN n.k", "8");
}

#[test]
fn f44_who_knows_two_aliases_alone_has_the_rights_of_each_under_it() {
    let (instance, mut admin) = of_three_names();
    make(&mut admin, "eve");
    all(
        &mut admin,
        &[
            "GRANT LEVEL write ON ALIAS al TO USER eve",
            "GRANT ACCESS ON ALIAS be TO USER eve",
            "GRANT MATCH {n} ON ALIAS be NODE P TO USER eve",
        ],
    );
    let mut eve = log_in(&instance, "eve");
    check(&mut eve, Some("be"), "USE al CREATE (:P {n: 1, s: 2})", "[nodes+ 1, properties 2, labels+ 1]");
    for own in ["al", "be"] {
        check(&mut eve, Some(own), "USE be MATCH (n) RETURN labels(n), n.n, n.s, db.name()", "['P'] | 1 | null | 'be'");
        check(&mut eve, Some(own), "USE al MATCH (n:S) RETURN labels(n), n.n, db.name()", "['S'] | 'top' | 'al'");
        let refused =
            "Forbidden: Write operations on database 'be' are not allowed for user 'eve' with roles [PUBLIC].";
        check(&mut eve, Some(own), "USE be CREATE (:P)", refused);
        check(&mut eve, Some(own), "USE be CALL db.labels()", "'P'");
    }
    // Nothing that she does not know is told.
    check(
        &mut eve,
        Some("al"),
        "USE secret RETURN 1",
        "DatabaseNotFound: Database does not exist. Database name: 'secret'.",
    );
}
