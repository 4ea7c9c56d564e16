//! Row A7: single bits of keys fall over, and no statement gives a wrong answer.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use instance::{Fetched, Instance, InstanceOptions, More, RunOptions, Session};
use suite::faults::{Seed, places_of_keys};
use types::{Code, Failure, Map};

/// Bits that are flipped in one run; which ones, the seed says.
const FLIPS: u64 = 700;

/// Ids with gaps between them, every kind of index, and relationships.
const GRAPH: [&str; 12] = [
    "CREATE CONSTRAINT FOR (p:Person) REQUIRE p.mail IS UNIQUE",
    "CREATE INDEX FOR (p:Person) ON (p.age)",
    "CREATE TEXT INDEX FOR (p:Person) ON (p.name)",
    "CREATE POINT INDEX FOR (p:Person) ON (p.home)",
    "CREATE FULLTEXT INDEX words FOR (p:Person) ON EACH [p.name]",
    "CREATE INDEX FOR ()-[k:KNOWS]-() ON (k.since)",
    "UNWIND range(0, 4000) AS i CREATE (:Gone {i: i})",
    "MATCH (n:Gone) WHERE n.i % 97 <> 0 OR n.i % 5 = 0 DELETE n",
    "MATCH (n:Gone) WITH n, n.i AS i REMOVE n:Gone, n.i \
     SET n:Person, n.mail = 'm' + i, n.age = i % 70, n.name = 'Ann ' + i, n.home = point({x: i, y: -i})",
    "MATCH (a:Person) WITH a ORDER BY id(a) WITH collect(id(a)) AS ids UNWIND range(1, size(ids) - 1) AS i \
     MATCH (a), (b) WHERE id(a) = ids[i - 1] AND id(b) = ids[i] CREATE (a)-[:KNOWS {since: i}]->(b)",
    "MATCH (a)-[k:KNOWS]->(b) WHERE k.since % 3 = 0 CREATE (b)-[:LIKES]->(a)",
    "MATCH (p:Person) WHERE p.age > 60 SET p:Old, p.text = reduce(t = 'x', i IN range(1, 17) | t + t)",
];

const QUESTIONS: [&str; 22] = [
    "MATCH (n) RETURN count(n)",
    "MATCH (n:Person) RETURN count(n)",
    "MATCH ()-[r]->() RETURN count(r)",
    "MATCH ()-[r:LIKES]->() RETURN count(r)",
    "MATCH (n) RETURN id(n), labels(n), n {.mail, .age, .name, .home} ORDER BY id(n)",
    "MATCH (n:Old) RETURN id(n), size(n.text) ORDER BY id(n)",
    "UNWIND range(0, 4100, 1) AS i OPTIONAL MATCH (n) WHERE id(n) = i WITH n WHERE n IS NOT NULL RETURN id(n), n.mail",
    "UNWIND range(0, 4000, 97) AS i OPTIONAL MATCH (p:Person {mail: 'm' + i}) RETURN i, p.age",
    "MATCH (p:Person {mail: 'm97'}) RETURN p.name",
    "MATCH (p:Person {mail: 'nobody'}) RETURN p.name",
    "MATCH (p:Person) WHERE p.age >= 20 AND p.age < 50 RETURN p.age, p.mail ORDER BY p.age, p.mail",
    "MATCH (p:Person) WHERE p.age = 33 RETURN count(*)",
    "MATCH (p:Person) WHERE p.name CONTAINS '9' RETURN p.name ORDER BY p.name",
    "MATCH (p:Person) WHERE p.name ENDS WITH '88' RETURN p.name ORDER BY p.name",
    "MATCH (p:Person) WHERE point.distance(p.home, point({x: 970, y: -970})) < 500 RETURN p.mail ORDER BY p.mail",
    "CALL db.index.fulltext.queryNodes('words', 'Ann') YIELD node RETURN count(node), min(node.mail)",
    "CALL db.index.fulltext.queryNodes('words', '97') YIELD node RETURN node.mail",
    "MATCH (a:Person)-[r]->(b) RETURN id(a), type(r), id(r), id(b), r.since ORDER BY id(r)",
    "MATCH (a:Person {mail: 'm291'})--(b) RETURN b.mail ORDER BY b.mail",
    "MATCH (a:Person)<-[:LIKES]-(b) RETURN a.mail, b.mail ORDER BY a.mail, b.mail",
    "MATCH ()-[k:KNOWS]->() WHERE k.since > 10 AND k.since < 20 RETURN k.since ORDER BY k.since",
    "MATCH p = (a:Person {mail: 'm97'})-[:KNOWS*1..4]->(b) RETURN b.mail ORDER BY b.mail",
];

#[test]
fn a7_a_flipped_bit_of_a_key_never_gives_a_wrong_answer() {
    let mut seed = Seed::of_this_run();
    let folder = tempfile::tempdir().expect("a folder");
    let instance = Instance::open(InstanceOptions::new(folder.path())).expect("the folder is the test's own");
    let mut session = instance.log_in(None).expect("there are no passwords");
    ask(&mut session, "system", "CREATE DATABASE victim WAIT").expect("makes");
    GRAPH.iter().for_each(|text| drop(ask(&mut session, "victim", text).unwrap_or_else(|failure| panic!("{failure}"))));
    ask(&mut session, "victim", "CALL db.awaitIndexes()").expect("waits");
    let right: Vec<_> = QUESTIONS
        .iter()
        .map(|text| ask(&mut session, "victim", text).unwrap_or_else(|failure| panic!("{text}: {failure}")))
        .collect();
    assert!(right.iter().filter(|rows| rows.is_empty()).count() == 1, "all but one find something: {right:?}");
    ask(&mut session, "system", "STOP DATABASE victim WAIT").expect("stops");
    let victim = Victim::of(folder.path());
    let good = fs::read(&victim.path).expect("reads");
    let places = places_of_keys(&good);
    let mut noticed = 0;
    for _ in 0..FLIPS {
        let (at, bit) = (places[seed.below(places.len() as u64) as usize], seed.below(8));
        let mut file = good.clone();
        file[at] ^= 1 << bit;
        victim.put(&file);
        // Damage may show as early as that.
        let started = ask(&mut session, "system", "START DATABASE victim WAIT").map(drop);
        let mut is_noticed = started.as_ref().is_err_and(|failure| failure.code() == Code::StorageDamaged);
        assert!(started.is_ok() || is_noticed, "{started:?}");
        for (text, right) in QUESTIONS.iter().zip(&right) {
            match ask(&mut session, "victim", text) {
                Ok(rows) => assert_eq!(rows, *right, "bit {bit} at {at}; {}; {text}", seed.replay()),
                Err(failure) => {
                    assert_eq!(failure.code(), Code::StorageDamaged, "{failure}; {text}");
                    is_noticed = true;
                }
            }
        }
        noticed += u64::from(is_noticed);
        ask(&mut session, "system", "STOP DATABASE victim WAIT").expect("others go on");
    }
    println!("{noticed} of {FLIPS} bits were noticed");
    // No question reads the whole of an index of words, and not every bit matters where two pages meet.
    assert!(noticed * 2 > FLIPS, "{noticed} of {FLIPS}");
    victim.put(&good);
    ask(&mut session, "system", "START DATABASE victim WAIT").expect("starts");
    assert_eq!(ask(&mut session, "victim", QUESTIONS[4]).expect("sound again"), right[4]);
}

/// The file of the database that is damaged.
struct Victim {
    path: PathBuf,
    modified: SystemTime,
}

impl Victim {
    /// Finds the file of the database, which is closed.
    fn of(data: &Path) -> Self {
        let mut folders = fs::read_dir(data).expect("reads").map(|entry| entry.expect("reads").path());
        let is_its =
            |folder: &PathBuf| folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("victim-"));
        let path = folders.find(is_its).expect("a database has a folder").join("data.mdb");
        let modified = fs::metadata(&path).and_then(|metadata| metadata.modified()).expect("a time");
        Self { path, modified }
    }

    /// Changes the file as a disk does: its time stays, so that nobody walks over its pages when it is opened.
    fn put(&self, bytes: &[u8]) {
        fs::write(&self.path, bytes).expect("writes");
        let file = File::options().write(true).open(&self.path).expect("opens");
        file.set_modified(self.modified).expect("sets the time");
    }
}

/// Runs a statement in a database; gives its rows.
fn ask(session: &mut Session, database: &str, text: &str) -> Result<Vec<String>, Failure> {
    let options = RunOptions { database: Some(database.to_owned()), ..RunOptions::default() };
    let mut records = session.run(text, Map::new(), &options)?;
    let (mut rows, mut fetched) = (Vec::new(), Fetched::default());
    loop {
        fetched.clear();
        let more = records.pull(1_000, &mut fetched)?;
        rows.extend(fetched.iter().map(|row| format!("{:?}", row.iter().collect::<Vec<_>>())));
        if more == More::No {
            return Ok(rows);
        }
    }
}
