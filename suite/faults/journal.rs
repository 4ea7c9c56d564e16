//! Rows A1 and A4 for journals: kill -9 between a record and its commit, within a restore to a moment, and a full disk.

use std::path::Path;
use std::time::Duration;

use bolt::client::Client;
use suite::faults::SmallDisk;
use suite::process::{Process, parameters, run_in, signal_of};
use types::{Code, Map, Value, failpoint};

use crate::pairs::{count, integer};

/// Places on the way of a commit that is recorded, and how often each is passed before the end.
const COMMIT_PLACES: [&str; 14] = [
    "journal.file.begun:1",
    "journal.frame.written:1",
    "journal.frame.written:7",
    "journal.sync.before:1",
    "journal.sync.before:9",
    "journal.sync.after:1",
    "journal.sync.after:2",
    "journal.sync.after:13",
    "store.commit.before:8",
    "store.commit.after:8",
    "graph.commit.checked:5",
    "graph.commit.half:5",
    "graph.commit.durable:5",
    "store.commit.before:20",
];

/// Places on the way of a restore to a moment.
const RESTORE_PLACES: [&str; 9] = [
    "catalog.create.recorded",
    "store.restore.before",
    "store.restore.after",
    "clone.restored",
    "journal.play.before",
    "journal.play.after",
    "clone.adopted",
    "clone.opened",
    "catalog.create.made",
];

/// Places on the way of switching a journal on, and off.
const SWITCH_PLACES: [(&str, bool); 5] = [
    ("catalog.database.altered", true),
    ("journal.begin.made", true),
    ("journal.begin.marked", true),
    ("catalog.database.altered", false),
    ("journal.end.unmarked", false),
];

/// A journal with files of 128 KiB: a few commits begin the next one.
const SMALL: &str = "2MiB";
const COUNT: &str = "MATCH (n:Thing) RETURN count(n)";
const DISTINCT: &str = "MATCH (n:Thing) RETURN count(DISTINCT n.number)";
const CREATE: &str = "CREATE (:Thing {number: $number})";
const CREATE_LONG: &str = "CREATE (:Thing {number: $number, text: $text})";
const THEN: &str = "CREATE DATABASE then FROM BACKUP 'given' UNTIL datetime()";

fn plain(data: &Path) -> Process {
    Process::start(data, [("", ""); 0]).expect("starts without help")
}

fn prepare(data: &Path, journal: &str) {
    prepare_with(data, &format!("journalSize: '{journal}'"));
}

fn prepare_with(data: &Path, options: &str) {
    let server = plain(data);
    let mut client = server.connect().expect("connects");
    let create = format!("CREATE DATABASE source OPTIONS {{journal: true, {options}}}");
    run_in(&mut client, "system", &create, Map::new()).expect("makes");
    run_in(&mut client, "system", "BACKUP DATABASE source TO 'given'", Map::new()).expect("backs up");
    assert!(server.stop().expect("stops").success());
}

/// Writes one thing after the other until the server dies; gives the number of the last that was acknowledged.
fn write_until_it_dies(client: &mut Client, last: u64) -> u64 {
    for number in last + 1.. {
        let values = parameters([("number", integer(number)), ("text", text(number, 8_000))]);
        if run_in(client, "source", CREATE_LONG, values).is_err() {
            return number - 1;
        }
        assert!(number < last + 1_000, "the server should have ended by now");
    }
    unreachable!("the numbers do not end")
}

/// Makes text that hardly gets shorter when it is compressed.
fn text(seed: u64, characters: usize) -> Value {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + u8::try_from(state % 90).expect("below 90"))
    };
    Value::string((0..characters).map(|_| next()).collect::<String>())
}

fn ended(server: &mut Process, place: &str) {
    let signal = server.wait_for_end(Duration::from_secs(60)).and_then(signal_of);
    assert_eq!(signal, Some(6), "the place {place} was not reached: {}", server.log());
}

fn is_sound(client: &mut Client, database: &str) -> bool {
    let rows = run_in(client, "system", &format!("CHECK DATABASE {database}"), Map::new()).expect("checks");
    rows[0][1] == Value::Boolean(true)
}

#[test]
fn a1_f24_a_kill_between_record_and_commit_loses_nothing_and_records_nothing_twice() {
    let last = survive(&COMMIT_PLACES, "journalSize: '2MiB'");
    assert!(last > 40, "hardly anything was written: {last}");
}

#[test]
fn a1_f24_f98_a_kill_beside_a_sealed_journal_loses_nothing_and_records_nothing_twice() {
    let last = survive(&SEALED_PLACES, "journalSize: '2MiB', encryption: true");
    assert!(last > 10, "hardly anything was written: {last}");
}

/// Places on the way of a commit that is recorded and sealed.
const SEALED_PLACES: [&str; 6] = [
    "journal.file.begun:1",
    "journal.frame.written:1",
    "journal.sync.before:9",
    "journal.sync.after:2",
    "store.commit.before:4",
    "store.commit.after:6",
];

/// Writes until the server dies at each of these places; what was told is there afterwards, and in the journal once.
fn survive(places: &[&str], options: &str) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    prepare_with(&data, options);
    let mut last = 0;
    for &place in places {
        println!("killed at {place}");
        let mut server = Process::start(&data, [(failpoint::VARIABLE, place)]).expect("starts");
        let acknowledged = write_until_it_dies(&mut server.connect().expect("connects"), last);
        ended(&mut server, place);
        let server = plain(&data);
        let mut client = server.connect().expect("connects");
        let kept = count(&mut client, "source", COUNT);
        assert!(
            kept == acknowledged || kept == acknowledged + 1,
            "{acknowledged} were told, {kept} are there: {place}"
        );
        assert!(is_sound(&mut client, "source"), "after {place}");
        run_in(&mut client, "system", THEN, Map::new()).expect("plays");
        for text in [COUNT, DISTINCT] {
            assert_eq!(count(&mut client, "then", text), kept, "the journal differs after {place}");
        }
        run_in(&mut client, "system", "DROP DATABASE then", Map::new()).expect("drops");
        last = kept;
        assert!(server.stop().expect("stops").success());
    }
    last
}

#[test]
fn a1_f24_f98_a_sealed_journal_is_removed_wholly_or_at_the_next_start() {
    for place in ["journal.end.unmarked", "journal.key.erased", "crypt.remove.erased"] {
        println!("killed at {place}");
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        prepare_with(&data, "encryption: true");
        let mut server = Process::start(&data, [(failpoint::VARIABLE, place)]).expect("starts");
        let mut client = server.connect().expect("connects");
        run_in(&mut client, "source", CREATE, parameters([("number", integer(1))])).expect("writes");
        // Switching it off, or dropping the database with it.
        let is_dropped = place.starts_with("crypt");
        let text = if is_dropped { "DROP DATABASE source" } else { "ALTER DATABASE source SET OPTION journal false" };
        run_in(&mut client, "system", text, Map::new()).expect_err("the server is killed");
        ended(&mut server, place);
        let server = plain(&data);
        let mut client = server.connect().expect("connects");
        let listed = "SHOW DATABASES YIELD name WHERE name = 'source' RETURN name";
        let is_there = !run_in(&mut client, "system", listed, Map::new()).expect("lists").is_empty();
        assert_eq!(is_there, !is_dropped, "after {place}");
        if is_there {
            assert_eq!(count(&mut client, "source", COUNT), 1, "after {place}");
            assert!(is_sound(&mut client, "source"), "after {place}");
        }
        let folders = std::fs::read_dir(&data).expect("lists").map(|entry| entry.expect("lists").path());
        let left = folders.map(|folder| folder.join("journal/000000000001.journal")).find(|file| file.exists());
        assert_eq!(left, None, "after {place}");
        assert!(server.stop().expect("stops").success());
    }
}

#[test]
fn a1_f24_a_restore_to_a_moment_happens_wholly_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    prepare(&data, SMALL);
    let server = plain(&data);
    let mut client = server.connect().expect("connects");
    for number in 1..=30 {
        run_in(&mut client, "source", CREATE, parameters([("number", integer(number))])).expect("writes");
    }
    assert!(server.stop().expect("stops").success());
    for place in RESTORE_PLACES {
        println!("killed at {place}");
        let mut server = Process::start(&data, [(failpoint::VARIABLE, place)]).expect("starts");
        let mut client = server.connect().expect("connects");
        run_in(&mut client, "system", THEN, Map::new()).expect_err("the server is killed");
        ended(&mut server, place);
        let server = plain(&data);
        let mut client = server.connect().expect("connects");
        let there = "SHOW DATABASES YIELD name WHERE name = 'then' RETURN name";
        if !run_in(&mut client, "system", there, Map::new()).expect("lists").is_empty() {
            assert_eq!(count(&mut client, "then", COUNT), 30, "half a restore after {place}");
            run_in(&mut client, "system", "DROP DATABASE then", Map::new()).expect("drops");
        }
        let folders = std::fs::read_dir(&data).expect("lists").map(|entry| entry.expect("lists").file_name());
        let left: Vec<_> = folders.filter(|name| name.to_string_lossy().starts_with("then-")).collect();
        assert!(left.is_empty(), "{left:?} after {place}");
        assert_eq!(count(&mut client, "source", COUNT), 30);
        assert!(server.stop().expect("stops").success());
    }
    let server = plain(&data);
    let mut client = server.connect().expect("connects");
    run_in(&mut client, "system", THEN, Map::new()).expect("the name is free");
    assert_eq!(count(&mut client, "then", COUNT), 30);
}

#[test]
fn a1_f24_a_journal_is_switched_wholly_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    prepare(&data, SMALL);
    let mut written = 0;
    for (place, on) in SWITCH_PLACES {
        println!("killed at {place}, switching {on}");
        let set = |on: bool| format!("ALTER DATABASE source SET OPTION journal {on}");
        let server = plain(&data);
        let mut client = server.connect().expect("connects");
        run_in(&mut client, "system", &set(!on), Map::new()).expect("switches");
        assert!(server.stop().expect("stops").success());
        let mut server = Process::start(&data, [(failpoint::VARIABLE, place)]).expect("starts");
        let mut client = server.connect().expect("connects");
        count(&mut client, "source", COUNT);
        run_in(&mut client, "system", &set(on), Map::new()).expect_err("the server is killed");
        ended(&mut server, place);
        let server = plain(&data);
        let mut client = server.connect().expect("connects");
        run_in(&mut client, "source", CREATE, parameters([("number", integer(written))])).expect("writes");
        written += 1;
        assert_eq!(count(&mut client, "source", COUNT), written, "after {place}");
        assert!(is_sound(&mut client, "source"), "after {place}");
        // What the option says is what is done.
        let asked = "SHOW DATABASE source YIELD options RETURN options.journal IS NOT NULL AS on";
        let rows = run_in(&mut client, "system", asked, Map::new()).expect("lists");
        let copied = run_in(&mut client, "system", "BACKUP JOURNAL FOR DATABASE source", Map::new());
        assert_eq!(rows[0][0], Value::Boolean(copied.is_ok()), "after {place}: {copied:?}");
        assert!(server.stop().expect("stops").success());
    }
}

/// Places on the way of leaving damage behind: the old era gets its last word, then the store names the new one.
const LEAVING_PLACES: [&str; 5] = [
    "journal.frame.written:1",
    "journal.sync.before:1",
    "journal.sync.after:1",
    "store.commit.before:1",
    "store.commit.after:1",
];

#[test]
fn a1_a7_f24_a_damaged_journal_is_left_behind_wholly_or_not_at_all() {
    for place in LEAVING_PLACES {
        println!("killed at {place}");
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        prepare(&data, "1GiB");
        let server = plain(&data);
        let mut client = server.connect().expect("connects");
        for number in 1..=20 {
            run_in(&mut client, "source", CREATE, parameters([("number", integer(number))])).expect("writes");
        }
        assert!(server.stop().expect("stops").success());
        damage(&data);
        let mut server = Process::start(&data, [(failpoint::VARIABLE, place)]).expect("starts");
        let mut client = server.connect().expect("connects");
        // Opens it; who asks how far backups lead has its journal looked at.
        count(&mut client, "source", COUNT);
        let asked = "SHOW BACKUPS YIELD restorableUntil";
        run_in(&mut client, "system", asked, Map::new()).expect_err("the server is killed");
        ended(&mut server, place);
        let server = plain(&data);
        let mut client = server.connect().expect("connects");
        assert_eq!(count(&mut client, "source", COUNT), 20, "after {place}");
        run_in(&mut client, "system", asked, Map::new()).expect("lists");
        // Behind it, backups lead on; before it, none leads past.
        run_in(&mut client, "system", "BACKUP DATABASE source TO 'newer'", Map::new()).expect("backs up");
        run_in(&mut client, "source", CREATE, parameters([("number", integer(21))])).expect("writes");
        run_in(&mut client, "system", THEN, Map::new()).expect_err("it leads to the damage");
        client.reset().expect("the connection lives on");
        run_in(&mut client, "system", &THEN.replace("given", "newer"), Map::new()).expect("plays");
        assert_eq!(count(&mut client, "then", COUNT), 21, "after {place}");
        assert!(server.stop().expect("stops").success());
    }
}

/// Changes four bytes in the middle of the journal.
fn damage(data: &Path) {
    let folders = std::fs::read_dir(data).expect("lists").map(|entry| entry.expect("lists").path());
    let file = folders.map(|folder| folder.join("journal/000000000001.journal")).find(|file| file.exists());
    let file = file.expect("a journal");
    let mut bytes = std::fs::read(&file).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4].iter_mut().for_each(|byte| *byte ^= 0x55);
    std::fs::write(&file, bytes).expect("writes");
}

#[test]
fn a4_f24_a_journal_without_room_fails_the_commit_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("makes");
    let disk = match SmallDisk::mount(&data, 64) {
        Ok(disk) => disk,
        Err(error) => {
            println!("skipped: a small disk could not be mounted: {error}");
            return;
        }
    };
    prepare(&data, "1GiB");
    let mut server = plain(&data);
    let mut client = server.connect().expect("connects");
    disk.reserve(24).expect("there is room");
    let values = |number| parameters([("number", integer(number)), ("text", text(number, 40_000))]);
    let (mut number, mut full) = (0, None);
    while full.is_none() {
        full = run_in(&mut client, "source", CREATE_LONG, values(number)).err();
        number += u64::from(full.is_none());
        assert!(number < 10_000, "the disk should be full by now");
    }
    let error = full.expect("it is full");
    assert_eq!(error.status(), Some(Code::StorageFull.row().neo4j), "{error}");
    assert!(server.is_alive(), "{}", server.log());
    assert_eq!(count(&mut client, "source", COUNT), number, "reads go on, and nothing of it is kept");
    disk.fill().expect("takes the rest");
    disk.free().expect("frees");
    run_in(&mut client, "source", CREATE, parameters([("number", integer(number))])).expect("writes again");
    assert!(is_sound(&mut client, "source"));
    assert!(server.stop().expect("stops").success());
    let server = plain(&data);
    let mut client = server.connect().expect("connects");
    assert_eq!(count(&mut client, "source", COUNT), number + 1);
    let copied =
        run_in(&mut client, "system", "BACKUP JOURNAL FOR DATABASE source TO 'j'", Map::new()).expect("copies");
    // The founding of the graph is the first record.
    assert_eq!(copied[0][2], integer(number + 2), "each commit is recorded once");
}
