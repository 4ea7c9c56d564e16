//! Row A7: damaged files of some databases, while others serve on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bolt::client::Client;
use suite::faults::{Damage, Seed, damage_file};
use suite::process::{Process, parameters, run_in};
use types::{Map, Value};

use crate::pairs::{count, integer};

/// Damaged databases in each start of the server.
const VICTIMS: u64 = 16;
const STARTS: u64 = 4;
const ENTRIES: u64 = 1_500;

#[test]
fn a7_a_damaged_database_harms_no_other() {
    let mut seed = Seed::of_this_run();
    let folder = tempfile::tempdir().expect("a folder");
    let good = folder.path().join("good");
    let homes = make_databases(&good);
    let mut outcomes = BTreeMap::new();
    for start in 0..STARTS {
        let data = folder.path().join(format!("start{start}"));
        copy_folder(&good, &data);
        let mut harmed = BTreeMap::new();
        for victim in 0..VICTIMS {
            let damage = Damage::ALL[((start * VICTIMS + victim) % Damage::ALL.len() as u64) as usize];
            let file = data.join(&homes[&name(victim)]).join("data.mdb");
            let changed = damage_file(&file, damage, &mut seed).expect("the tester's own disk");
            harmed.insert(victim, (damage, changed));
        }
        let mut server = Process::start(&data, [("", ""); 0]).expect("a damaged database never stops the server");
        let mut client = server.connect().expect("connects");
        for (victim, (damage, changed)) in harmed {
            let outcome = use_database(&mut client, victim);
            assert!(server.is_alive(), "{damage:?} killed the server; {}; {}", seed.replay(), server.log());
            assert!(changed || outcome == "right", "{damage:?} changed nothing, and was {outcome}; {}", seed.replay());
            assert_ne!(outcome, "wrong", "{damage:?} of database {victim} went unnoticed; {}", seed.replay());
            *outcomes.entry(format!("{damage:?}: {outcome}")).or_insert(0) += 1;
            assert_eq!(use_database(&mut client, VICTIMS), "right", "the untouched database");
        }
        assert!(server.stop().expect("stops").success());
    }
    println!("{outcomes:#?}");
}

#[test]
fn a7_swapped_files_and_lost_lock_files_are_noticed_or_harmless() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let homes = make_databases(&data);
    let file = |victim| data.join(&homes[&name(victim)]).join("data.mdb");
    let spare = folder.path().join("spare");
    fs::rename(file(0), &spare).expect("renames");
    fs::rename(file(1), file(0)).expect("renames");
    fs::rename(&spare, file(1)).expect("renames");
    let lock = data.join(&homes[&name(2)]).join("lock.mdb");
    let _ = fs::remove_file(&lock);
    fs::write(data.join(&homes[&name(3)]).join("lock.mdb"), vec![0xAB; 70_000]).expect("writes");
    fs::remove_file(file(4)).expect("removes");
    let mut server = Process::start(&data, [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    let outcomes: Vec<_> = (0..=5).map(|victim| use_database(&mut client, victim)).collect();
    assert_eq!(outcomes, ["refused", "refused", "right", "right", "refused", "right"], "{}", server.log());
    assert!(server.is_alive());
}

/// Makes all databases with a known content in `data`; gives the folder of each, found by its content.
fn make_databases(data: &Path) -> BTreeMap<String, PathBuf> {
    let server = Process::start(data, [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    let mut homes = BTreeMap::new();
    let mut known = folders(data);
    for victim in 0..=VICTIMS {
        let name = name(victim);
        run_in(&mut client, "system", &format!("CREATE DATABASE {name} WAIT"), Map::new()).expect("makes");
        let text = "UNWIND range(1, $entries) AS number CREATE (:Entry {number: number, text: $text + number})";
        let values = [("entries", integer(ENTRIES)), ("text", Value::string(format!("database {name} entry ")))];
        run_in(&mut client, &name, text, parameters(values)).expect("writes");
        let link = "MATCH (a:Entry), (b:Entry) WHERE b.number = a.number + 1 CREATE (a)-[:NEXT]->(b)";
        run_in(&mut client, &name, "CREATE INDEX FOR (e:Entry) ON (e.number)", Map::new()).expect("makes");
        run_in(&mut client, &name, link, Map::new()).expect("writes");
        let now = folders(data);
        let new = now.iter().find(|folder| !known.contains(folder)).expect("a database has a folder").clone();
        homes.insert(name, new);
        known = now;
    }
    assert!(server.stop().expect("stops").success());
    homes
}

/// Reads and writes a database; tells whether what came was right, wrong, or an error.
fn use_database(client: &mut Client, victim: u64) -> &'static str {
    let name = name(victim);
    let text = "MATCH (e:Entry) RETURN e.number, e.text ORDER BY e.number";
    let Ok(rows) = run_in(client, &name, text, Map::new()) else { return "refused" };
    let right = rows.len() as u64 == ENTRIES
        && rows.iter().zip(1..).all(|(row, number)| {
            let expected = format!("database {name} entry {number}");
            matches!(&row[1], Value::String(text) if *text == expected)
        });
    if !right {
        return "wrong";
    }
    let text = "MATCH (a:Entry)-[:NEXT]->(b) WHERE b.number = a.number + 1 RETURN count(*)";
    match run_in(client, &name, text, Map::new()) {
        Ok(rows) if matches!(rows[0][0], Value::Integer(found) if found as u64 == ENTRIES - 1) => {}
        Ok(_) => return "wrong",
        Err(_) => return "refused",
    }
    if run_in(client, &name, "CREATE (n:Fresh) DELETE n", Map::new()).is_err() {
        return "refused";
    }
    assert_eq!(count(client, &name, "MATCH (n) RETURN count(n)"), ENTRIES);
    "right"
}

fn name(victim: u64) -> String {
    format!("victim{victim}")
}

fn folders(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data).expect("reads").map(|entry| entry.expect("reads"));
    let folders = entries.filter(|entry| entry.path().join("data.mdb").exists());
    folders.map(|entry| PathBuf::from(entry.file_name())).collect()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("makes");
    for entry in fs::read_dir(from).expect("reads") {
        let path = entry.expect("reads").path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copies");
        }
    }
}
