//! Rows A4 and A5: no room on the disk, no room in the map.

use suite::faults::SmallDisk;
use suite::process::{Process, parameters, run_in};
use types::{Code, Map, Value};

use crate::pairs::count;

const COUNT: &str = "MATCH (n) RETURN count(n)";
/// Batches of 20 MB: together more than a database has room for at its start.
const GROWING: u64 = 16;
const FILL: &str = "UNWIND range(1, 500) AS number CREATE (:Filler {number: number, text: $text})";

/// The size of the disk.
const DISK_MIB: u32 = 96;
/// What is given back in each round. The file of a database never shrinks, so there is less each time.
const FREED_MIB: [usize; 3] = [48, 32, 16];
/// Few enough that the pages that a delete writes anew fit into what was given back.
const DELETED: u64 = 1_000;

#[test]
fn a4_a_full_disk_stops_writes_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("makes");
    let disk = match SmallDisk::mount(&data, DISK_MIB) {
        Ok(disk) => disk,
        Err(error) => {
            println!("skipped: a small disk could not be mounted: {error}");
            return;
        }
    };
    let mut server = Process::start(&data, [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    run_in(&mut client, "system", "CREATE DATABASE other WAIT", Map::new()).expect("makes");
    run_in(&mut client, "other", "CREATE (:Thing)", Map::new()).expect("writes");
    for (round, mib) in (0..).zip(FREED_MIB) {
        disk.reserve(mib).expect("there is room");
        let text = parameters([("text", Value::string("x".repeat(1_000)))]);
        let mut error = None;
        for _ in 0..1_000 {
            if let Err(full) = run_in(&mut client, "sheaf", FILL, text.clone()) {
                error = Some(full);
                break;
            }
        }
        let error = error.expect("the disk is full by now");
        assert_eq!(error.status(), Some(Code::StorageFull.row().neo4j), "{error}");
        disk.fill().expect("takes the rest");
        let kept = count(&mut client, "sheaf", COUNT);
        assert_eq!(kept % 500, 0, "half a transaction was kept");
        assert_eq!(count(&mut client, "other", COUNT), 1 + round);
        for database in ["sheaf", "other"] {
            let values = parameters([("text", Value::string("x".repeat(100_000)))]);
            let refused = run_in(&mut client, database, "CREATE (:Thing {text: $text})", values);
            let error = refused.expect_err("there is no room");
            assert_eq!(error.status(), Some(Code::StorageFull.row().neo4j), "{database}: {error}");
        }
        assert!(server.is_alive(), "{}", server.log());
        disk.free().expect("frees");
        // Room again, and nobody restarted anything.
        run_in(&mut client, "other", "CREATE (:Thing)", Map::new()).expect("writes again");
        let delete = format!("MATCH (n) WITH n LIMIT {DELETED} DELETE n");
        run_in(&mut client, "sheaf", &delete, Map::new()).expect("deletes");
        assert_eq!(count(&mut client, "sheaf", COUNT), kept - DELETED);
        println!("round {round}: {kept} nodes fitted");
    }
    let before = count(&mut client, "sheaf", COUNT);
    assert!(server.stop().expect("stops").success());
    let server = Process::start(&data, [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    assert_eq!(count(&mut client, "sheaf", COUNT), before);
    assert_eq!(count(&mut client, "other", COUNT), 4);
}

#[test]
fn a4_f11_f98_what_has_no_room_to_open_is_told_and_what_has_none_to_be_made_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("makes");
    let disk = match SmallDisk::mount(&data, DISK_MIB) {
        Ok(disk) => disk,
        Err(error) => {
            println!("skipped: a small disk could not be mounted: {error}");
            return;
        }
    };
    let server = Process::start(&data, [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    run_in(&mut client, "system", "CREATE DATABASE other", Map::new()).expect("makes");
    run_in(&mut client, "other", "CREATE (:Thing)", Map::new()).expect("writes");
    run_in(&mut client, "system", "STOP DATABASE other", Map::new()).expect("stops");
    let folders = || {
        let all = std::fs::read_dir(&data).expect("lists").map(|entry| entry.expect("lists").file_name());
        all.filter(|name| name.to_string_lossy().starts_with("vault-")).count()
    };
    disk.reserve(1).expect("there is room");
    disk.fill().expect("takes the rest");
    for text in ["CREATE DATABASE vault OPTIONS {encryption: true}", "START DATABASE other"] {
        let error = run_in(&mut client, "system", text, Map::new()).expect_err("there is no room");
        assert_eq!(error.status(), Some(Code::StorageFull.row().neo4j), "{text}: {error}");
    }
    assert_eq!(folders(), 0, "it takes room that may be the very thing that is short");
    let standing = "SHOW DATABASE other YIELD requestedStatus, currentStatus, statusMessage";
    let mut stands = || {
        let shown = run_in(&mut client, "system", standing, Map::new()).expect("shows");
        shown[0].clone()
    };
    let stood = stands();
    assert_eq!(stood[..2], ["online", "offline"].map(Value::from), "{stood:?}");
    assert!(format!("{:?}", stood[2]).contains("no room left"), "{stood:?}");
    disk.free().expect("frees");
    assert_eq!(count(&mut server.connect().expect("connects"), "other", COUNT), 1);
    assert_eq!(stands(), ["online", "online", ""].map(Value::from));
    assert!(server.stop().expect("stops").success());
}

#[test]
fn a5_a_database_grows_under_readers() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Process::start(&data, [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut client = server.connect().expect("connects");
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                assert_eq!(count(&mut client, "sheaf", COUNT) % 500, 0);
            }
        });
        let text = parameters([("text", Value::string("x".repeat(40_000)))]);
        let grown = (0..GROWING).try_for_each(|_| run_in(&mut client, "sheaf", FILL, text.clone()).map(drop));
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        grown.expect("the database grows");
        reading.join().expect("readers saw whole transactions");
    });
    assert_eq!(count(&mut client, "sheaf", COUNT), 500 * GROWING);
    let bytes = std::fs::read_dir(&data).expect("reads").map(|entry| {
        let file = entry.expect("reads").path().join("data.mdb");
        std::fs::metadata(file).map_or(0, |file| file.len())
    });
    let (largest, start) = (bytes.max().unwrap_or(0), store::OpenOptions::default().map_start_bytes);
    assert!(largest > start, "{largest} bytes were written, which needs no more room than the first {start}");
    // A file that has outgrown its start opens again.
    assert!(server.stop().expect("stops").success());
    let server = Process::start(&data, [("", ""); 0]).expect("starts");
    let mut client = server.connect().expect("connects");
    assert_eq!(count(&mut client, "sheaf", COUNT), 500 * GROWING);
    run_in(&mut client, "sheaf", "CREATE (:Thing)", Map::new()).expect("writes");
}
