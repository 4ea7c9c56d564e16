//! Rows A1 and A8 for copies of databases: kill -9 within a copy, a backup and a restore, a full disk, a damaged source.

use std::fs;
use std::path::Path;
use std::time::Duration;

use bolt::client::Client;
use suite::faults::SmallDisk;
use suite::process::{Process, parameters, run_in, signal_of};
use types::{Code, Map, Value, failpoint};

use crate::pairs::count;

/// Places on the way of CREATE DATABASE ... FROM a database.
const COPY_PLACES: [&str; 20] = [
    "catalog.create.recorded",
    "store.restore.before",
    "clone.piece:1",
    "clone.piece:2",
    "clone.piece:3",
    "clone.piece:4",
    "clone.piece:5",
    "clone.piece:7",
    "store.restore.piece:1",
    "store.restore.piece:2",
    "store.restore.piece:3",
    "store.restore.piece:4",
    "store.restore.piece:6",
    "store.restore.piece:8",
    "store.restore.written",
    "store.restore.after",
    "clone.restored",
    "clone.adopted",
    "clone.opened",
    "catalog.create.made",
];

/// Those that only a restore has on top.
const RESTORE_PLACES: [&str; 8] = [
    "catalog.create.recorded",
    "store.restore.before",
    "store.restore.piece:1",
    "store.restore.piece:7",
    "store.restore.written",
    "clone.restored",
    "clone.opened",
    "catalog.create.made",
];

/// Places on the way of BACKUP DATABASE ... WITH CHECK.
const BACKUP_PLACES: [&str; 20] = [
    "backup.part.before",
    "backup.part.made",
    "backup.piece:1",
    "backup.piece:2",
    "backup.piece:3",
    "backup.piece:4",
    "backup.piece:5",
    "backup.piece:6",
    "backup.piece:7",
    "backup.piece:8",
    "backup.sync.before",
    "backup.sync.after",
    "store.restore.before",
    "store.restore.piece:1",
    "store.restore.piece:5",
    "store.restore.written",
    "store.restore.after",
    "backup.publish.linked",
    "backup.publish.named",
    "backup.publish.after",
];

const NODES: u64 = 3_000;
const FILL: &str = "UNWIND range(1, 3000) AS number CREATE (:Thing {number: number, text: number + $text})";
const COUNT: &str = "MATCH (n:Thing) RETURN count(n)";

fn plain(data: &Path) -> Process {
    Process::start(data, [("", ""); 0]).expect("starts without help")
}

/// Makes the database of which copies are made: some ten pieces long.
fn prepare(data: &Path) {
    let server = plain(data);
    let mut client = server.connect().expect("connects");
    run_in(&mut client, "system", "CREATE DATABASE source", Map::new()).expect("makes");
    let text = parameters([("text", Value::string("x".repeat(3_000)))]);
    run_in(&mut client, "source", FILL, text).expect("fills");
    run_in(&mut client, "system", "BACKUP DATABASE source TO 'given'", Map::new()).expect("backs up");
    assert!(server.stop().expect("stops").success());
}

/// Runs a command on a server that dies at `place`; gives a server that was started again.
fn killed_at(data: &Path, place: &str, command: &str) -> Process {
    let mut server = Process::start(data, [(failpoint::VARIABLE, place)]).expect("starts");
    let mut client = server.connect().expect("connects");
    run_in(&mut client, "system", command, Map::new()).expect_err("the server is killed");
    let signal = server.wait_for_end(Duration::from_secs(60)).and_then(signal_of);
    assert_eq!(signal, Some(6), "the place {place} was not reached: {}", server.log());
    plain(data)
}

fn names(client: &mut Client, text: &str) -> Vec<String> {
    let rows = run_in(client, "system", text, Map::new()).expect("lists");
    let name = |mut row: Vec<Value>| match row.swap_remove(0) {
        Value::String(name) => name.to_string(),
        other => panic!("{other:?} is no name"),
    };
    rows.into_iter().map(name).collect()
}

/// Counts the folders that hold a database.
fn files(data: &Path) -> usize {
    let folders = fs::read_dir(data).expect("reads").map(|entry| entry.expect("reads").path());
    folders.filter(|folder| folder.join("data.mdb").exists() || folder.join("data.mdb.new").exists()).count()
}

#[test]
fn a1_f25_a_copy_is_made_wholly_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    prepare(&data);
    let copies = COPY_PLACES.map(|place| (place, "CREATE DATABASE copy FROM source"));
    let restores = RESTORE_PLACES.map(|place| (place, "CREATE DATABASE copy FROM BACKUP 'given'"));
    let mut whole = 0;
    for (place, command) in copies.into_iter().chain(restores) {
        println!("killed at {place}: {command}");
        let server = killed_at(&data, place, command);
        let mut client = server.connect().expect("connects");
        if names(&mut client, "SHOW DATABASES YIELD name").contains(&"copy".to_owned()) {
            whole += 1;
            assert_eq!(count(&mut client, "copy", COUNT), NODES, "a half copy after {place}");
            run_in(&mut client, "system", "DROP DATABASE copy", Map::new()).expect("drops");
        }
        assert_eq!(files(&data), 3, "files are left after {place}");
        assert_eq!(count(&mut client, "source", COUNT), NODES);
        assert!(server.stop().expect("stops").success());
    }
    println!("{whole} of them were made");
    let server = plain(&data);
    let mut client = server.connect().expect("connects");
    run_in(&mut client, "system", "CREATE DATABASE copy FROM source", Map::new()).expect("the name is free");
    let kinds = names(&mut client, "SHOW AUDIT YIELD kind WHERE kind = 'alarm' RETURN kind");
    assert!(kinds.is_empty(), "the audit came through as well");
}

#[test]
fn a1_f24_a_backup_is_there_wholly_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    prepare(&data);
    let backups = data.join("backups");
    for place in BACKUP_PLACES {
        println!("killed at {place}");
        let command = "BACKUP DATABASE source TO 'tried.sheafbackup' WITH CHECK";
        let server = killed_at(&data, place, command);
        let mut client = server.connect().expect("connects");
        let left: Vec<_> = fs::read_dir(&backups).expect("lists").map(|it| it.expect("lists").file_name()).collect();
        let tried = backups.join("tried.sheafbackup");
        if tried.exists() {
            let again = "CREATE DATABASE again FROM BACKUP 'tried.sheafbackup'";
            run_in(&mut client, "system", again, Map::new()).expect("what is there is whole");
            assert_eq!(count(&mut client, "again", COUNT), NODES);
            run_in(&mut client, "system", "DROP DATABASE again", Map::new()).expect("drops");
            fs::remove_file(tried).expect("removes");
            assert_eq!(left.len(), 2, "{left:?} after {place}");
        } else {
            assert_eq!(left.len(), 1, "{left:?} after {place}");
        }
        assert_eq!(files(&data), 3, "files are left after {place}");
        assert!(server.stop().expect("stops").success());
    }
}

#[test]
fn a4_f24_a_backup_that_finds_no_room_leaves_none_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    prepare(&data);
    let small = folder.path().join("small");
    fs::create_dir(&small).expect("makes");
    let disk = match SmallDisk::mount(&small, 2) {
        Ok(disk) => disk,
        Err(error) => {
            println!("skipped: a small disk could not be mounted: {error}");
            return;
        }
    };
    disk.fill().expect("takes the room");
    let folder = small.to_str().expect("a plain path");
    let server = Process::start(&data, [("SHEAF_BACKUP_FOLDER", folder)]).expect("starts");
    let mut client = server.connect().expect("connects");
    let refused = run_in(&mut client, "system", "BACKUP DATABASE source TO 'full'", Map::new());
    let error = refused.expect_err("there is no room");
    assert_eq!(error.status(), Some(Code::StorageFull.row().neo4j), "{error}");
    assert!(!small.join("full").exists());
    let parts = fs::read_dir(&small)
        .expect("lists")
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().ends_with(".part")));
    assert_eq!(parts.count(), 0);
    // The database does not notice: it is written to, and backed up where there is room.
    run_in(&mut client, "source", "CREATE (:Thing)", Map::new()).expect("writes");
    assert_eq!(count(&mut client, "source", COUNT), NODES + 1);
    assert!(server.stop().expect("stops").success());
}

#[test]
fn a7_f24_a_damaged_database_is_not_backed_up_unnoticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    prepare(&data);
    let source = fs::read_dir(&data).expect("lists").map(|it| it.expect("lists").path());
    let source = source
        .into_iter()
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("source-")));
    let file = source.expect("its folder").join("data.mdb");
    let mut bytes = fs::read(&file).expect("reads");
    // Somewhere in the values, where no page looks wrong.
    let at = bytes.len() / 2 / 4096 * 4096 + 2_000;
    bytes[at..at + 64].fill(b'!');
    fs::write(&file, bytes).expect("writes");
    let server = plain(&data);
    let mut client = server.connect().expect("connects");
    let checked = run_in(&mut client, "system", "BACKUP DATABASE source TO 'bad' WITH CHECK", Map::new());
    let error = checked.expect_err("the check finds it");
    assert_eq!(error.status(), Some(Code::StorageDamaged.row().neo4j), "{error}");
    assert!(!data.join("backups").join("bad").exists());
    assert_eq!(files(&data), 3);
    // The others never notice, and the good backup is still there.
    run_in(&mut client, "sheaf", "CREATE (:Thing)", Map::new()).expect("writes");
    run_in(&mut client, "system", "CREATE DATABASE good FROM BACKUP 'given'", Map::new()).expect("restores");
    assert_eq!(count(&mut client, "good", COUNT), NODES);
}
