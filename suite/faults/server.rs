//! Row A1 for whole servers: kill -9 within a backup of everything and within its restore, and servers that a restore
//! left half done. Start reading at [`a1_f24_a_whole_server_is_restored_wholly_or_not_at_all`].

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use bolt::client::Client;
use suite::process::{Process, StartError, binary, parameters, run_in, signal_of};
use types::{Map, Value, failpoint};

use crate::pairs::count;

/// Places on the way of BACKUP ALL DATABASES, with how often each is passed before.
const BACKUP_PLACES: [&str; 22] = [
    "backup.part.before",
    "backup.part.made",
    "whole.begun",
    "backup.part.made:2",
    "backup.piece:1",
    "backup.piece:2",
    "backup.sync.before:1",
    "backup.sync.after:2",
    "backup.publish.linked:1",
    "backup.publish.named:2",
    "backup.publish.after:3",
    "whole.database:1",
    "whole.database:2",
    "whole.database:3",
    "backup.part.made:5",
    "backup.sync.after:4",
    "backup.publish.after:4",
    "whole.system",
    "backup.sync.before:5",
    "whole.list.before",
    "backup.publish.linked:5",
    "whole.list.after",
];

/// Places on the way of `sheaf restore --all`.
const RESTORE_PLACES: [&str; 20] = [
    "whole.restore.marked",
    "store.restore.before:1",
    "store.restore.piece:1",
    "store.restore.written:1",
    "store.restore.after:1",
    "whole.restore.system",
    "store.restore.before:2",
    "store.restore.piece:2",
    "store.restore.piece:3",
    "store.restore.written:2",
    "store.restore.after:2",
    "whole.restore.database:1",
    "store.restore.written:3",
    "whole.restore.database:2",
    "store.restore.after:4",
    "whole.restore.database:3",
    "store.open.mapped:2",
    "whole.restore.opened",
    "whole.restore.before",
    "whole.restore.after",
];

const FILL: &str = "UNWIND range(1, 500) AS number CREATE (:Thing {number: number, text: number + $text})";
const COUNT: &str = "MATCH (n:Thing) RETURN count(n)";
const NODES: u64 = 500;

fn plain(data: &Path) -> Process {
    Process::start(data, [("", ""); 0]).expect("starts without help")
}

/// Makes three databases, an alias, a user and a limit; one of the databases is stopped.
fn prepare(data: &Path) {
    let server = plain(data);
    let mut client = server.connect().expect("connects");
    for text in [
        "CREATE DATABASE one",
        "CREATE DATABASE two",
        "CREATE ALIAS uno FOR DATABASE one",
        "CREATE ROLE viewers",
        "ALTER DATABASE one SET LIMIT max_nodes = 7000",
    ] {
        run_in(&mut client, "system", text, Map::new()).expect(text);
    }
    for database in ["one", "two"] {
        let text = parameters([("text", Value::string("x".repeat(3_000)))]);
        run_in(&mut client, database, FILL, text).expect("fills");
    }
    run_in(&mut client, "system", "STOP DATABASE two", Map::new()).expect("stops");
    assert!(server.stop().expect("stops").success());
}

/// Checks that everything is there that [`prepare`] made.
fn verify(client: &mut Client, place: &str) {
    let mut listed = |text: &str| run_in(client, "system", text, Map::new()).expect("lists").len();
    assert_eq!(listed("SHOW DATABASES YIELD currentStatus WHERE currentStatus = 'error'"), 0, "{place}");
    assert_eq!(listed("SHOW DATABASES YIELD currentStatus WHERE currentStatus = 'offline'"), 1, "{place}");
    assert_eq!(listed("SHOW ROLES YIELD role WHERE role = 'viewers'"), 1, "{place}");
    assert_eq!(listed("SHOW LIMITS FOR DATABASE one YIELD value WHERE value = 7000"), 1, "{place}");
    assert_eq!(count(client, "uno", COUNT), NODES, "{place}");
    run_in(client, "system", "START DATABASE two", Map::new()).expect("starts");
    assert_eq!(count(client, "two", COUNT), NODES, "{place}");
}

/// Runs the tool; where a place is named it dies there.
pub fn sheaf(arguments: &[&str], place: &str) -> Output {
    let mut command = Command::new(binary());
    command.args(arguments).env(failpoint::VARIABLE, place).stdin(Stdio::null());
    command.output().expect("the tool starts")
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

fn restore(set: &Path, data: &Path, place: &str) -> Output {
    sheaf(&["restore", "--all", path(set), "--data", path(data)], place)
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("lists").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a1_f24_a_whole_server_is_backed_up_wholly_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    prepare(&data);
    let backups = data.join("backups");
    let mut whole = 0;
    for place in BACKUP_PLACES {
        println!("killed at {place}");
        let mut server = Process::start(&data, [(failpoint::VARIABLE, place)]).expect("starts");
        let mut client = server.connect().expect("connects");
        let killed = run_in(&mut client, "system", "BACKUP ALL DATABASES TO 'tried'", Map::new());
        killed.expect_err("the server is killed");
        let signal = server.wait_for_end(std::time::Duration::from_secs(60)).and_then(signal_of);
        assert_eq!(signal, Some(6), "the place {place} was not reached: {}", server.log());
        let set = backups.join("tried");
        let is_whole = set.join("manifest").exists();
        // What is not whole is told from what is, before a server sweeps it.
        let verified = sheaf(&["backup", "verify", path(&set)], "");
        assert_eq!(verified.status.success(), is_whole, "{place}: {verified:?}");
        let server = plain(&data);
        let mut client = server.connect().expect("connects");
        let listed = run_in(&mut client, "system", "SHOW BACKUPS YIELD file, problem", Map::new()).expect("lists");
        if is_whole {
            whole += 1;
            assert!(listed.len() == 1 && listed[0][1] == Value::Null, "{listed:?} after {place}");
            fs::remove_dir_all(&set).expect("removes");
        } else {
            // The folder alone, made before anything of ours lay in it, may be anybody's.
            assert_eq!((names(&set), listed.len()), (Vec::new(), 0), "what never became whole is swept, {place}");
            assert!(!set.exists() || place == BACKUP_PLACES[0], "the folder stays after {place}");
        }
        verify(&mut client, place);
        run_in(&mut client, "system", "STOP DATABASE two", Map::new()).expect("stops");
        assert!(server.stop().expect("stops").success());
    }
    assert!(whole > 0, "the last places come after the list");
}

#[test]
fn a1_f24_a_tool_that_was_killed_in_a_backup_begins_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    prepare(&data);
    let begins_anew = |from: [&str; 2], place: &str| {
        let set = folder.path().join("set");
        let all = ["backup", "--all", "--to", path(&set), from[0], from[1]];
        let killed = sheaf(&all, place);
        assert_eq!(signal_of(killed.status), Some(6), "the place {place} was not reached: {killed:?}");
        let was_done = set.join("manifest").exists();
        let again = sheaf(&all, "");
        assert_eq!(again.status.success(), !was_done, "{place}: {again:?}");
        assert!(sheaf(&["backup", "verify", path(&set)], "").status.success(), "{place}");
        assert!(was_done || names(&set).iter().all(|name| !name.starts_with('.')), "{place}: {:?}", names(&set));
        fs::remove_dir_all(&set).expect("removes");
    };
    for place in BACKUP_PLACES {
        begins_anew(["--data", path(&data)], place);
    }
    // What is somebody else's is not touched, and what is still being written neither.
    let set = folder.path().join("set");
    fs::create_dir(&set).expect("a folder");
    let live = instance::backup::Part::create(&set.join("manifest")).expect("begins");
    let all = ["backup", "--all", "--to", path(&set), "--data", path(&data)];
    assert!(!sheaf(&all, "").status.success());
    assert_eq!(names(&set).len(), 1);
    drop(live);
    fs::write(set.join(".manifest.sheafbackup-0123456789abcdef.part"), "").expect("writes");
    fs::write(set.join("letter.txt"), "mine").expect("writes");
    assert!(!sheaf(&all, "").status.success());
    assert!(names(&set).contains(&"letter.txt".to_owned()));
    fs::remove_dir_all(&set).expect("removes");

    // So it is off a running server, and with backups and dumps of one database.
    let server = plain(&data);
    let bolt = server.bolt.to_string();
    for place in ["backup.part.made", "backup.part.made:2", "backup.publish.linked:1", "backup.sync.after:3"] {
        begins_anew(["--bolt", &bolt], place);
    }
    let set = folder.path().join("single");
    fs::create_dir(&set).expect("a folder");
    // A dump of a running server is made out of a backup and a database of it, which lie elsewhere and are written first.
    for (command, file, place) in
        [("backup", "one.sheafbackup", "backup.sync.before"), ("dump", "one.jsonl", "backup.sync.before:2")]
    {
        let to = set.join(file);
        let call = [command, "one", "--to", path(&to), "--bolt", &bolt];
        let killed = sheaf(&call, place);
        assert_eq!(signal_of(killed.status), Some(6), "{command}: {killed:?}");
        assert!(!to.exists() && names(&set).iter().any(|name| name.starts_with('.')), "{:?}", names(&set));
        let again = sheaf(&call, "");
        assert!(again.status.success(), "{command}: {again:?}");
        assert!(names(&set).iter().all(|name| !name.starts_with('.')), "{:?}", names(&set));
    }
    assert!(server.stop().expect("stops").success());
}

#[test]
fn a1_f24_a_whole_server_is_restored_wholly_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, set) = (folder.path().join("data"), folder.path().join("set"));
    prepare(&data);
    let copied = sheaf(&["backup", "--all", "--to", path(&set), "--data", path(&data)], "");
    assert!(copied.status.success(), "{copied:?}");
    for (number, place) in RESTORE_PLACES.into_iter().enumerate() {
        println!("killed at {place}");
        let other = folder.path().join(format!("other{number}"));
        let killed = restore(&set, &other, place);
        assert_eq!(signal_of(killed.status), Some(6), "the place {place} was not reached: {killed:?}");
        if other.join("restore.unfinished").exists() {
            // Never a server with half of its databases, and a reason that says what to do.
            match Process::start(&other, [("", ""); 0]) {
                Err(StartError::Ended { log, .. }) => assert!(log.contains("the restore did not end"), "{log}"),
                Err(other) => panic!("{other}"),
                Ok(_) => panic!("a server starts after {place}"),
            }
            // The same restore goes on where it was.
            let done = restore(&set, &other, "");
            assert!(done.status.success(), "after {place}: {done:?}");
        } else {
            let again = restore(&set, &other, "");
            assert_eq!(again.status.code(), Some(2), "it was complete, and is not written over: {again:?}");
        }
        let server = plain(&other);
        let mut client = server.connect().expect("connects");
        verify(&mut client, place);
        run_in(&mut client, "one", "CREATE (:Thing)", Map::new()).expect("writes");
        let kinds = run_in(&mut client, "system", "SHOW AUDIT YIELD kind WHERE kind = 'alarm'", Map::new());
        assert_eq!(kinds.expect("lists").len(), 0);
        assert!(server.stop().expect("stops").success());
        fs::remove_dir_all(&other).expect("removes");
    }
}

#[test]
fn a8_f24_another_restore_begins_anew_and_a_damaged_one_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, other) = (folder.path().join("data"), folder.path().join("other"));
    let sets = ["first", "second"].map(|name| folder.path().join(name));
    prepare(&data);
    for set in &sets {
        let copied = sheaf(&["backup", "--all", "--to", path(set), "--data", path(&data)], "");
        assert!(copied.status.success(), "{copied:?}");
    }
    let killed = restore(&sets[0], &other, "whole.restore.database:2");
    assert_eq!(signal_of(killed.status), Some(6), "{killed:?}");
    let done = restore(&sets[1], &other, "");
    assert!(done.status.success(), "{done:?}");
    verify(&mut plain(&other).connect().expect("connects"), "another set");
    // A bit somewhere in a file: nothing is left of the whole.
    let file = names(&sets[0]).into_iter().find(|name| name.starts_with("two-")).expect("it is in the set");
    let mut bytes = fs::read(sets[0].join(&file)).expect("reads");
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(sets[0].join(&file), bytes).expect("writes");
    let third = folder.path().join("third");
    for arguments in [
        vec!["backup", "verify", path(&sets[0])],
        vec!["restore", "--all", path(&sets[0]), "--data", path(&third), "--dry-run"],
        vec!["restore", "--all", path(&sets[0]), "--data", path(&third)],
    ] {
        let refused = sheaf(&arguments, "");
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(1) && told.contains("damaged"), "{arguments:?}: {refused:?}");
        assert!(!third.exists(), "{arguments:?}");
    }
}
