//! What rights cost a point read: nothing that can be measured for who may do everything, little for everybody else.

use std::sync::Arc;
use std::time::Duration;

use catalog::Authentication;
use instance::{Instance, InstanceOptions};
use suite::door::direct::Direct;
use suite::door::{Session, System};
use suite::process::now;
use types::{Map, Value};

use crate::world::run;

const READ: &str = "MATCH (p:Person {id: $id}) RETURN p.name";
const ROUNDS: usize = 30;
const READS: u32 = 500;

/// Who reads, and what says what they may; the first one may do everything.
const READERS: [(&str, &[&str]); 4] = [
    ("admin", &[]),
    ("all", &["GRANT ACCESS ON DATABASE * TO all_role", "GRANT MATCH {*} ON GRAPH * TO all_role"]),
    (
        "half",
        &[
            "GRANT ACCESS ON DATABASE * TO half_role",
            "GRANT MATCH {*} ON GRAPH * TO half_role",
            "DENY TRAVERSE ON GRAPH * NODES Secret TO half_role",
            "DENY READ {salary} ON GRAPH * NODES Person TO half_role",
        ],
    ),
    (
        "valued",
        &[
            "GRANT ACCESS ON DATABASE * TO valued_role",
            "GRANT MATCH {*} ON GRAPH * FOR (n:Person) WHERE n.salary < 2000 TO valued_role",
        ],
    ),
];

#[test]
fn rights_cost_a_point_read_little() {
    let authentication = Authentication::Password { first: Some("admin-password".to_owned()) };
    let options = InstanceOptions { authentication, ..InstanceOptions::new("data") };
    let system = Direct::new(Arc::new(Instance::in_memory(options).expect("memory has room")));
    let open = Direct::new(Arc::new(Instance::in_memory(InstanceOptions::new("data")).expect("memory has room")));
    let mut admin = system.session(Some("admin")).expect("the first user");
    let mut anonymous = open.session(None).expect("nobody needs a password");
    for session in [&mut admin, &mut anonymous] {
        for text in [
            "CREATE INDEX FOR (p:Person) ON (p.id)",
            "UNWIND range(1, 1000) AS i CREATE (:Person {id: i, name: 'n' + i, salary: i})",
        ] {
            run(&mut **session, text).expect("there is room");
        }
    }
    let mut sessions: Vec<(&str, Box<dyn Session>)> = vec![("nobody", anonymous)];
    for (user, grants) in READERS {
        let made = [
            format!("CREATE USER {user} SET PASSWORD '{user}-password' CHANGE NOT REQUIRED"),
            format!("CREATE ROLE {user}_role"),
            format!("GRANT ROLE {user}_role TO {user}"),
        ];
        if !grants.is_empty() {
            for text in made.iter().map(String::as_str).chain(grants.iter().copied()) {
                run(&mut *admin, text).unwrap_or_else(|problem| panic!("{text}: {}", problem.message));
            }
        }
        sessions.push((user, system.session(Some(user)).expect("the user was made")));
    }
    // One after the other in short rounds, and the best round of each: what else the machine does hits all alike.
    let mut best = vec![Duration::MAX; sessions.len()];
    for round in 0..ROUNDS {
        for (at, (_, session)) in sessions.iter_mut().enumerate() {
            let begun = now();
            for read in 0..READS {
                let id = i64::from(read) + i64::try_from(round).expect("few rounds");
                let parameters: Map = [("id".into(), Value::Integer(id % 1_000 + 1))].into_iter().collect();
                let answer = session.run(READ, parameters).expect("it may be read");
                assert_eq!(answer.records.len(), 1);
            }
            best[at] = best[at].min(now() - begun);
        }
    }
    let each = |at: usize| best[at].as_secs_f64() * 1e6 / f64::from(READS);
    for (at, (user, _)) in sessions.iter().enumerate() {
        println!("{user}: {:.2} µs a read, {:+.1} %", each(at), (each(at) / each(0) - 1.0) * 100.0);
    }
    // Far from the aim of 3 %, since the machine is shared; near enough to notice a question asked of every row.
    assert!(each(1) < each(0) * 1.3, "who may do everything pays for it");
    assert!(each(3) < each(0) * 3.0, "who may not see everything pays too much");
    assert!(each(4) < each(0) * 4.0, "who sees by values pays too much");
}
