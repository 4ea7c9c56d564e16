//! Rows A1, A4 and A7 for databases that are encrypted: kill -9 at the places of their commands, a full disk, damage.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use suite::faults::SmallDisk;
use suite::process::{Process, parameters, run_in, signal_of};
use types::{Code, Map, Value};

use crate::pairs::count;
use crate::server::sheaf;
use crate::whole::Commands;

const ABOUT_ENCRYPTION: Commands = Commands {
    texts: &[
        "CREATE DATABASE v OPTIONS {encryption: true}",
        "USE v UNWIND range(1, 2000) AS n CREATE (:Old {n: n, t: 'some text that takes some room, and then some'})",
        "ALTER DATABASE v SET OPTION encryption 'rotate'",
        "USE v CREATE (:New)",
        "CREATE DATABASE w FROM v",
        "CREATE DATABASE p FROM sheaf OPTIONS {encryption: true}",
        "ALTER DATABASE w SET OPTION encryption 'rotate' SET OPTION description 'of w'",
        "CREATE OR REPLACE DATABASE v",
        "DROP DATABASE w",
        "DROP DATABASE v",
    ],
    listings: &[
        "SHOW DATABASES YIELD name, options, requestedStatus, currentStatus ORDER BY name",
        "USE v MATCH (n) RETURN labels(n), count(*) ORDER BY count(*)",
        "USE w MATCH (n) RETURN labels(n), count(*) ORDER BY count(*)",
        "USE p MATCH (n) RETURN labels(n), count(*)",
    ],
    // Some are not there yet, or not any more.
    may_miss: true,
};

/// Places on the way of commands about encrypted databases, and how often each is passed first.
const PLACES: [&str; 30] = [
    "store.create.before:3",
    "crypt.create.key:1",
    "crypt.create.key:2",
    "crypt.create.key:3",
    "crypt.create.written:1",
    "crypt.create.written:2",
    "store.create.after:3",
    "catalog.create.recorded:2",
    "catalog.create.made:2",
    "catalog.create.done:3",
    "store.commit.before:12",
    "store.commit.before:15",
    "store.commit.after:13",
    "store.commit.after:17",
    "crypt.rotate.before:1",
    "crypt.rotate.key:1",
    "crypt.rotate.written:1",
    "crypt.rotate.placed:1",
    "crypt.rotate.after:1",
    "crypt.rotate.written:2",
    "crypt.rotate.placed:2",
    "clone.piece:1",
    "clone.restored:1",
    "clone.adopted:2",
    "clone.opened:1",
    "catalog.drop.recorded:1",
    "crypt.erase.written:1",
    "crypt.remove.erased:1",
    "crypt.remove.erased:2",
    "store.remove.after:1",
];

#[test]
fn a1_f98_commands_about_encrypted_databases_happen_wholly_or_not_at_all() {
    let states = ABOUT_ENCRYPTION.states();
    for place in PLACES {
        let folder = ABOUT_ENCRYPTION.die_at(place, &states);
        let data = folder.path().join("data");
        let server = Process::start(&data, [("", ""); 0]).expect("starts without help");
        let mut client = server.connect().expect("connects");
        for name in ["v", "w", "p"] {
            if run_in(&mut client, "system", &format!("DROP DATABASE {name} IF EXISTS"), Map::new()).is_err() {
                client.reset().expect("the connection lives on");
            }
        }
        let left: Vec<PathBuf> = files(&data, &["data.crypt", "data.crypt.new", "data.key"]);
        assert!(left.is_empty(), "{left:?} are left after {place}");
        assert!(server.stop().expect("stops").success());
    }
}

/// A new key of the server seals the keys of databases and of each file of their journals, one after the other.
#[test]
fn a1_f24_f98_a_new_key_of_the_server_seals_journals_wholly_or_goes_on_at_the_next_try() {
    for place in ["journal.key.renewed:1", "journal.key.renewed:2"] {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let server = Process::start(&data, [("", ""); 0]).expect("starts");
        let mut client = server.connect().expect("connects");
        for text in [
            "CREATE DATABASE v OPTIONS {encryption: true, journal: true}",
            "CREATE DATABASE w OPTIONS {encryption: true, journal: true}",
            "USE v CREATE (:Film)",
            "USE w CREATE (:Film)",
        ] {
            run_in(&mut client, "system", text, Map::new()).expect(text);
        }
        assert!(server.stop().expect("stops").success());
        let path = data.to_str().expect("a plain path");
        let tool = |arguments: [&str; 2], place: &str| sheaf(&[arguments[0], arguments[1], "--data", path], place);
        assert_eq!(signal_of(tool(["admin", "rotate-key"], place).status), Some(6), "{place} was not reached");
        // With all keys everything is there, and another try ends what was begun.
        for keys in [3, 1] {
            let rotated = tool(["admin", "rotate-key"], "");
            let told = String::from_utf8_lossy(&rotated.stdout).into_owned();
            assert!(told.contains("need older keys no more"), "{place}: {told}");
            let all = fs::read_to_string(data.join("seal.key")).expect("reads");
            let newest: Vec<&str> = all.lines().rev().take(keys).collect();
            let newest: Vec<&str> = newest.into_iter().rev().collect();
            fs::write(data.join("seal.key"), newest.join("\n") + "\n").expect("writes");
            let checked = tool(["admin", "check"], "");
            let told = String::from_utf8_lossy(&checked.stdout).into_owned();
            assert!(checked.status.success() && told.contains("v: sound, 1 node"), "{place}: {told}");
        }
        let server = Process::start(&data, [("", ""); 0]).expect("starts");
        let mut client = server.connect().expect("connects");
        for name in ["v", "w"] {
            run_in(&mut client, name, "CREATE (:Film)", Map::new()).expect("writes");
            assert_eq!(count(&mut client, name, "MATCH (n) RETURN count(n)"), 2, "{place}");
        }
        assert!(server.stop().expect("stops").success());
    }
}

/// Lists the files of these names in the folders of databases.
fn files(data: &Path, names: &[&str]) -> Vec<PathBuf> {
    let folders = fs::read_dir(data).expect("lists").map(|entry| entry.expect("reads").path());
    folders.flat_map(|folder| names.iter().map(move |name| folder.join(name))).filter(|file| file.exists()).collect()
}

#[test]
fn a4_f98_a_full_disk_stops_writes_to_encrypted_databases_and_nothing_else() {
    const FILL: &str = "UNWIND range(1, 500) AS number CREATE (:Filler {number: number, text: $text})";
    const COUNT: &str = "MATCH (n) RETURN count(n)";
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("makes");
    let disk = match SmallDisk::mount(&data, 96) {
        Ok(disk) => disk,
        Err(error) => {
            println!("skipped: a small disk could not be mounted: {error}");
            return;
        }
    };
    let mut server = Process::start(&data, [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    for text in ["CREATE DATABASE vault OPTIONS {encryption: true}", "CREATE DATABASE other"] {
        run_in(&mut client, "system", text, Map::new()).expect("makes");
    }
    run_in(&mut client, "other", "CREATE (:Thing)", Map::new()).expect("writes");
    for (round, mib) in (0..).zip([48, 24]) {
        disk.reserve(mib).expect("there is room");
        let text = parameters([("text", Value::string("x".repeat(1_000)))]);
        let full = (0..1_000).find_map(|_| run_in(&mut client, "vault", FILL, text.clone()).err());
        let error = full.expect("the disk is full by now");
        assert_eq!(error.status(), Some(Code::StorageFull.row().neo4j), "{error}");
        disk.fill().expect("takes the rest");
        let kept = count(&mut client, "vault", COUNT);
        assert_eq!(kept % 500, 0, "half a transaction was kept");
        assert_eq!(count(&mut client, "other", COUNT), 1 + round);
        let values = parameters([("text", Value::string("x".repeat(1_000_000)))]);
        let refused = run_in(&mut client, "vault", "CREATE (:Thing {text: $text})", values);
        let error = refused.expect_err("there is no room");
        assert_eq!(error.status(), Some(Code::StorageFull.row().neo4j), "{error}");
        assert!(server.is_alive(), "{}", server.log());
        disk.free().expect("frees");
        // Room again, and nobody restarted anything.
        run_in(&mut client, "other", "CREATE (:Thing)", Map::new()).expect("writes again");
        run_in(&mut client, "vault", FILL, text.clone()).expect("writes again");
        assert_eq!(count(&mut client, "vault", COUNT), kept + 500);
        println!("round {round}: {kept} nodes fitted");
    }
    let before = count(&mut client, "vault", COUNT);
    assert!(server.stop().expect("stops").success());
    let server = Process::start(&data, [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    assert_eq!(count(&mut client, "vault", COUNT), before);
    assert_eq!(count(&mut client, "other", COUNT), 3);
}

#[test]
fn a7_f98_damage_to_an_encrypted_database_is_noticed_and_harms_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Process::start(&data, [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    for name in ["one", "two", "sound"] {
        let make = format!("CREATE DATABASE {name} OPTIONS {{encryption: true}}");
        run_in(&mut client, "system", &make, Map::new()).expect("makes");
        run_in(&mut client, name, "UNWIND range(1, 5000) AS n CREATE (:Thing {n: n})", Map::new()).expect("fills");
    }
    assert!(server.stop().expect("stops").success());
    let file_of = |name: &str, file: &str| {
        let all = files(&data, &[file]);
        let is_its = |path: &&PathBuf| {
            path.parent().is_some_and(|folder| folder.to_string_lossy().contains(&format!("/{name}-")))
        };
        all.iter().find(is_its).expect("it has one").clone()
    };
    let file = fs::File::options().read(true).write(true).open(file_of("one", "data.crypt")).expect("opens");
    let bytes = file.metadata().expect("reads").len();
    // A bit in every sector behind the first.
    for at in (20_480 + 2_000..bytes).step_by(4_136) {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).expect("reads");
        file.write_all_at(&[byte[0] ^ 1], at).expect("writes");
    }
    fs::remove_file(file_of("two", "data.key")).expect("removes");
    let server = Process::start(&data, [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    for (name, code) in [("one", Code::StorageDamaged), ("two", Code::DatabaseStartFailed)] {
        let error = run_in(&mut client, name, "MATCH (n:Thing) RETURN sum(n.n)", Map::new()).expect_err("noticed");
        assert_eq!(error.status(), Some(code.row().neo4j), "{name}: {error}");
        client.reset().expect("the connection lives on");
    }
    assert_eq!(count(&mut client, "sound", "MATCH (n:Thing) RETURN count(n)"), 5_000);
    let error = "SHOW DATABASES YIELD name, currentStatus WHERE currentStatus = 'error' RETURN name ORDER BY name";
    let rows = run_in(&mut client, "system", error, Map::new()).expect("lists");
    assert_eq!(rows, [[Value::string("one")], [Value::string("two")]]);
    assert!(server.stop().expect("stops").success());
}
