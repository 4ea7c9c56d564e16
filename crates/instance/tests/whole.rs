//! Backups of whole servers and of `system`: made while others work, restored wholly or not at all.
//! Leaves deaths in the midst to `suite/faults`. Start reading at [`f24_a_whole_server_comes_back_as_it_was`].

mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use catalog::{Authentication, KeySource};
use instance::backup::BackupError;
use instance::backup::whole::{Entry, MANIFEST, Manifest, Missing, RestoreError, Watch, Whole, restore, try_restoring};
use instance::{Instance, InstanceError, InstanceOptions, Session, Walk};
use types::{Code, Failure};
use world::{check, failed, on_disk, options, run, session};

/// Does something when a database begins, and nothing else.
struct Then<F>(F);

impl<F: Fn(&str) + Sync> Watch for Then<F> {
    fn begins(&self, name: &str, _: usize, _: usize, _: u64) {
        (self.0)(name);
    }

    fn step(&self, _: u64) -> Result<(), Failure> {
        Ok(())
    }
}

const NOTHING: Then<fn(&str)> = Then(|_| {});

fn with_passwords(folder: &Path) -> InstanceOptions {
    let authentication = Authentication::Password { first: Some("admin-password".to_owned()) };
    InstanceOptions { authentication, ..options(folder) }
}

fn log_in(instance: &Instance, user: &str) -> Session {
    instance.log_in(Some((user, &format!("{user}-password")))).expect("the password is right")
}

fn restored(from: &Path, data: &Path) -> Result<instance::backup::whole::Restored, RestoreError> {
    restore(from, options(data), Missing::Refuse, &NOTHING)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("lists").map(|entry| entry.expect("lists").file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The folder of a database below a data folder.
fn folder_of(data: &Path, name: &str) -> PathBuf {
    let begins = format!("{name}-");
    let found = names(data).into_iter().find(|folder| folder.starts_with(&begins));
    data.join(found.unwrap_or_else(|| panic!("{name} has a folder")))
}

const DONE: &str = "[system 1]";
const LISTED: &str = "SHOW DATABASES YIELD name, aliases, access, requestedStatus, currentStatus, default, owner \
                      WHERE name <> 'system'";

/// Everything that `system` knows and a restore has to bring back.
const LISTINGS: [&str; 6] = [
    LISTED,
    "SHOW USERS YIELD user, roles, suspended, home",
    "SHOW ROLES",
    "SHOW PRIVILEGES AS COMMANDS",
    "SHOW ALIASES YIELD name, database, properties",
    "SHOW TOKENS YIELD name, user",
];

fn picture(admin: &mut Session) -> String {
    let listed = LISTINGS.map(|listing| run(admin, listing).unwrap_or_else(|failure| panic!("{listing}: {failure}")));
    let limits = ["sheaf", "films"].map(|name| {
        run(admin, &format!("SHOW LIMITS FOR DATABASE {name} YIELD `limit`, value, source")).expect("lists")
    });
    [listed.join("\n"), limits.join("\n")].join("\n")
}

fn prepare(admin: &mut Session) {
    for text in [
        "CREATE DATABASE films",
        "CREATE DATABASE shop",
        "CREATE DATABASE idle",
        "CREATE USER ann SET PASSWORD 'ann-password' CHANGE NOT REQUIRED SET HOME DATABASE films",
        "CREATE ROLE viewers",
        "GRANT ACCESS ON DATABASE films TO viewers",
        "GRANT MATCH {*} ON GRAPH films TO viewers",
        "GRANT ROLE viewers TO ann",
        "CREATE ALIAS cinema FOR DATABASE films",
        "ALTER DATABASE films SET LIMIT max_nodes = 2000",
        "ALTER DATABASE shop SET ACCESS READ ONLY",
    ] {
        let done = run(admin, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
        assert!(done.starts_with("[system "), "{text}: {done}");
    }
    run(admin, "CREATE TOKEN reports FOR USER ann").expect("makes a token");
    run(admin, "USE films UNWIND range(1, 500) AS n CREATE (:Film {n: n})-[:IN]->(:Year)").expect("fills");
    run(admin, "USE idle CREATE (:Idle)").expect("fills");
    check(admin, "STOP DATABASE idle", DONE);
}

#[test]
fn f24_a_whole_server_comes_back_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, other) = (folder.path().join("data"), folder.path().join("other"));
    let instance = Instance::open(with_passwords(&data)).expect("opens");
    let mut admin = log_in(&instance, "admin");
    prepare(&mut admin);
    let before = picture(&mut admin);
    let got = run(&mut admin, "BACKUP ALL DATABASES TO 'nightly' WITH CHECK").expect("backs up");
    let lines: Vec<&str> = got.lines().collect();
    assert_eq!(lines.len(), 5, "{got}");
    assert!(lines[0].starts_with("'system' | 'nightly/system.sheafbackup' | 0 | 0 | "), "{got}");
    assert!(lines[1].starts_with("'films' | 'nightly/films-") && lines[1].contains("| 1000 | 500 |"), "{got}");
    assert!(
        lines[2].starts_with("'idle' | 'nightly/idle-") && lines[2].contains("| 1 | 0 |"),
        "stopped ones too: {got}"
    );
    assert!(lines.iter().all(|line| line.ends_with("| null")), "no problems: {got}");
    let element = run(&mut admin, "USE films MATCH (f:Film {n: 7}) RETURN elementId(f)").expect("reads");
    // It is a moment: what comes later is not in it.
    run(&mut admin, "USE films CREATE (:Late)").expect("writes");
    check(&mut admin, "CREATE USER eve SET PASSWORD 'eve-password' CHANGE NOT REQUIRED", DONE);
    let set = data.join("backups").join("nightly");
    assert_eq!(names(&set).len(), 6, "five backups and the list");
    drop(admin);
    instance.close();
    drop(instance);

    let looked = try_restoring(&set, &options(&other), Missing::Refuse, &NOTHING).expect("it can be restored");
    assert_eq!(looked.whole.manifest.files().count(), 5);
    assert!(!other.exists(), "a dry run writes nothing");
    let found = restored(&set, &other).expect("restores");
    assert_eq!((found.databases, found.users, found.missing.len()), (4, 2, 0));
    assert_eq!(found.keys_missing, looked.whole.manifest.keys, "the key is in no backup");
    assert_eq!(looked.keys_missing, found.keys_missing, "a dry run says the same");
    let instance = Instance::open(with_passwords(&other)).expect("opens");
    let mut admin = log_in(&instance, "admin");
    assert_eq!(picture(&mut admin), before);
    check(&mut admin, "USE films MATCH (f:Film {n: 7}) RETURN elementId(f)", &element);
    check(&mut admin, "USE cinema MATCH (n) RETURN count(n)", "1000");
    check(&mut admin, "START DATABASE idle", DONE);
    check(&mut admin, "USE idle MATCH (n:Idle) RETURN count(n)", "1");
    assert_eq!(instance.log_in(Some(("eve", "eve-password"))).err().map(|it| it.code()), Some(Code::Unauthorized));
    let mut ann = log_in(&instance, "ann");
    check(&mut ann, "MATCH (n) RETURN count(n)", "1000");
    assert_eq!(failed(&run(&mut ann, "CREATE (:N)").expect_err("she only reads")).split(':').next(), Some("Forbidden"));
    check(
        &mut admin,
        "SHOW AUDIT YIELD kind, operation WHERE kind = 'backup' RETURN operation STARTS WITH 'restore of a whole server'",
        "true",
    );
    drop((admin, ann));
    instance.close();
    drop(instance);
    // What is there is never written over.
    let error = restored(&set, &other).expect_err("a server is there");
    assert!(matches!(&error, RestoreError::NotEmpty { found, .. } if found.contains(&"system".to_owned())), "{error}");
}

#[test]
fn f24_a_key_that_was_put_there_first_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, other) = (folder.path().join("data"), folder.path().join("other"));
    let instance = on_disk(&data);
    let set = folder.path().join("set");
    instance.back_up_all(&set, Walk::No, &NOTHING).expect("backs up");
    instance.close();
    fs::create_dir(&other).expect("makes");
    fs::copy(data.join("seal.key"), other.join("seal.key")).expect("copies");
    let found = restored(&set, &other).expect("a key is no server");
    assert_eq!(found.keys_missing, Vec::<String>::new());
    assert_eq!(fs::read(other.join("seal.key")).expect("reads"), fs::read(data.join("seal.key")).expect("reads"));
}

#[test]
fn f24_f98_encrypted_databases_come_back_with_the_key_and_wait_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let [data, other, third, set] = ["data", "other", "third", "set"].map(|name| folder.path().join(name));
    let instance = on_disk(&data);
    let mut first = session(&instance);
    check(&mut first, "CREATE DATABASE secret OPTIONS {encryption: true}", DONE);
    run(&mut first, "USE secret CREATE (:Hidden {text: 'nobody reads this'})").expect("fills");
    run(&mut first, "CREATE (:Plain)").expect("fills");
    instance.back_up_all(&set, Walk::Yes, &NOTHING).expect("backs up");
    drop(first);
    instance.close();
    let whole = Whole::open(&set).expect("opens");
    whole.verify(&NOTHING).expect("is sound, which takes no key");
    let tried = |data: &Path, missing| try_restoring(&set, &options(data), missing, &NOTHING);
    for error in [tried(&other, Missing::Refuse).map(drop), restored(&set, &other).map(drop)] {
        let error = error.expect_err("its key is not here");
        assert!(matches!(&error, RestoreError::Keys(keys) if keys.len() == 1 && keys[0].0 == "secret"), "{error}");
        let text = error.to_string();
        assert!(text.contains(&whole.manifest.keys[0]), "it names the key: {text}");
        assert!(text.starts_with("the backup is whole, and ") && !text.contains("not a file"), "{text}");
        assert!(!other.exists());
    }
    let looked = tried(&other, Missing::Leave).expect("the others can be restored");
    assert_eq!((looked.locked.len(), &looked.keys_missing), (1, &whole.manifest.keys));
    // A file of keys that holds others is no better than none, and a dry run makes none.
    let wrong = folder.path().join("wrong.key");
    fs::write(&wrong, "ab".repeat(32)).expect("writes");
    let elsewhere =
        |key: &Path| InstanceOptions { seal_keys: Some(KeySource::File(key.to_owned())), ..options(&other) };
    for (key, why) in [(wrong, "not among the keys"), (folder.path().join("none.key"), "there is no file of keys")] {
        let error = try_restoring(&set, &elsewhere(&key), Missing::Refuse, &NOTHING).map(drop).expect_err("no key");
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(key.exists(), why.starts_with("not"), "none was made");
    }
    let right = data.join("seal.key");
    let looked = try_restoring(&set, &elsewhere(&right), Missing::Refuse, &NOTHING).expect("with the key it goes");
    assert!(looked.locked.is_empty() && looked.keys_missing.is_empty());
    let found = restore(&set, options(&other), Missing::Leave, &NOTHING).expect("restores the others");
    assert_eq!((found.databases, &found.keys_missing), (1, &whole.manifest.keys));
    let instance = on_disk(&other);
    check(
        &mut session(&instance),
        "SHOW DATABASES YIELD name, currentStatus WHERE name <> 'system'",
        "'secret' | 'error'\n'sheaf' | 'online'",
    );
    fs::create_dir(&third).expect("makes");
    fs::copy(data.join("seal.key"), third.join("seal.key")).expect("copies");
    assert_eq!(restored(&set, &third).expect("restores").databases, 2);
    let instance = on_disk(&third);
    check(&mut session(&instance), "USE secret MATCH (n) RETURN n.text", "'nobody reads this'");
}

/// Names this very moment, in nanoseconds since 1970.
fn now() -> i64 {
    i64::try_from(types::Clock::wall_nanos(&types::SystemClock)).expect("before 2262")
}

#[test]
fn f24_moments_are_reached_on_a_restored_server_with_the_journal_of_the_old_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let [data, other, set] = ["data", "other", "set"].map(|name| folder.path().join(name));
    let instance = on_disk(&data);
    let mut first = session(&instance);
    let mut writes = |text: &str| run(&mut first, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    writes("CREATE DATABASE films OPTIONS {journal: true}");
    writes("BACKUP DATABASE films TO 'monday'");
    writes("USE films CREATE (:Film)");
    let tuesday = now();
    writes("USE films CREATE (:Film)");
    instance.back_up_all(&set, Walk::No, &NOTHING).expect("backs up");
    writes("USE films CREATE (:Film)");
    let thursday = now();
    writes("USE films MATCH (f) DETACH DELETE f");
    writes("BACKUP JOURNAL FOR DATABASE films TO 'friday'");
    drop(first);
    instance.close();
    drop(instance);
    restored(&set, &other).expect("restores");
    let instance = on_disk(&other);
    let mut first = session(&instance);
    check(&mut first, "USE films MATCH (f) RETURN count(f)", "2");
    // What goes on from the backup of the server, with the folder of a server that is gone.
    let one = names(&set).into_iter().find(|name| name.starts_with("films-")).expect("its backup");
    let journal = Some(folder_of(&data, "films").join("journal"));
    let moment = instance::backup::Moment { until: thursday, journal };
    let (header, commits) = instance.restore_to("films2", false, &set.join(one), &moment, &|_| Ok(())).expect("plays");
    assert_eq!((header.nodes, commits), (3, 1), "the counts are those of the result");
    // What goes on from an older backup, with a copy of the journal.
    fs::create_dir_all(other.join("backups")).expect("makes");
    for name in ["monday", "friday"] {
        fs::copy(data.join("backups").join(name), other.join("backups").join(name)).expect("copies");
    }
    let time = |nanos: i64| types::temporal::from_epoch(nanos / 1_000_000_000, nanos % 1_000_000_000).expect("a time");
    let create = |until| format!("CREATE DATABASE films3 FROM BACKUP 'monday' USING JOURNAL 'friday' UNTIL '{until}'");
    check(&mut first, &create(time(tuesday)), DONE);
    check(&mut first, "USE films3 MATCH (f) RETURN count(f)", "1");
    // Its own journal begins with it.
    let without = format!("CREATE DATABASE none FROM BACKUP 'monday' UNTIL '{}'", time(tuesday));
    let error = run(&mut first, &without).expect_err("the journal of before is not here");
    assert!(error.message().starts_with("the journal does not go on from this backup"), "{error}");
    run(&mut first, "BACKUP DATABASE films TO 'saturday'").expect("backs up");
    run(&mut first, "USE films CREATE (:Film)").expect("writes");
    check(&mut first, "CREATE DATABASE films4 FROM BACKUP 'saturday' UNTIL datetime()", DONE);
    check(&mut first, "USE films4 MATCH (f) RETURN count(f)", "3");
}

#[test]
fn f24_what_is_made_dropped_and_renamed_meanwhile() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, other) = (folder.path().join("data"), folder.path().join("other"));
    let instance = on_disk(&data);
    let mut first = session(&instance);
    for name in ["aaa", "bbb", "ccc", "ddd"] {
        check(&mut first, &format!("CREATE DATABASE {name}"), DONE);
        run(&mut first, &format!("USE {name} CREATE (:First {{name: '{name}'}})")).expect("fills");
    }
    let set = folder.path().join("set");
    // Who takes a database away waits for those who read it, so that it happens beside them.
    let workers = Mutex::new(Vec::new());
    let beside = |texts: &'static [&'static str], then: &str| {
        let other = instance.clone();
        let work = move || texts.iter().for_each(|text| drop(run(&mut session(&other), text).expect(text)));
        workers.lock().expect("one at a time").push(std::thread::spawn(work));
        let mut looking = session(&instance);
        while run(&mut looking, then).expect("looks") != "true" {
            std::thread::yield_now();
        }
    };
    let seen = Mutex::new(Vec::new());
    let then = Then(|name: &str| {
        let mut seen = seen.lock().expect("one at a time");
        if seen.iter().any(|seen| seen == name) {
            return;
        }
        seen.push(name.to_owned());
        let listed = |condition: &str| format!("SHOW DATABASES YIELD * WHERE {condition} RETURN count(*) > 0");
        match name {
            // The one that is read now goes, one that was not read yet goes, and new ones come.
            "aaa" => beside(
                &["CREATE DATABASE eee", "USE eee CREATE (:Made)", "DROP DATABASE aaa"],
                "SHOW DATABASES YIELD name WHERE name = 'aaa' RETURN count(*) = 0",
            ),
            "bbb" => {
                beside(&["RENAME DATABASE bbb TO zzz"], &listed("name = 'zzz'"));
                beside(&["DROP DATABASE ccc", "CREATE DATABASE ccc"], &listed("name = 'ccc' AND lastCommittedTxn = 0"));
            }
            "ddd" => beside(&["STOP DATABASE ddd"], &listed("name = 'ddd' AND requestedStatus = 'offline'")),
            _ => {}
        }
    });
    let manifest = instance.back_up_all(&set, Walk::No, &then).expect("backs up");
    let listed: Vec<&str> = manifest.databases.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(listed, ["ccc", "ddd", "eee", "sheaf", "zzz"]);
    assert_eq!(manifest.problems().count(), 0, "{manifest:?}");
    assert_eq!(names(&set).len(), 7, "what was dropped is not in it: {:?}", names(&set));
    let whole = Whole::open(&set).expect("opens");
    whole.verify(&NOTHING).expect("every file is the one that is listed");
    workers.into_inner().expect("nobody panicked").into_iter().for_each(|worker| worker.join().expect("it is done"));
    drop(first);
    instance.close();
    assert_eq!(restored(&set, &other).expect("restores").databases, 5);
    let instance = on_disk(&other);
    let mut first = session(&instance);
    check(&mut first, "USE zzz MATCH (n) RETURN n.name", "'bbb'");
    check(&mut first, "USE ccc MATCH (n) RETURN count(n)", "0");
    check(&mut first, "USE eee MATCH (n) RETURN labels(n)", "['Made']");
    check(&mut first, "SHOW DATABASES YIELD name, currentStatus WHERE currentStatus <> 'online'", "'ddd' | 'offline'");
}

#[test]
fn f24_writers_go_on_and_each_database_is_of_one_moment() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, other) = (folder.path().join("data"), folder.path().join("other"));
    let instance = Instance::open(InstanceOptions { map_start_bytes: 1 << 20, ..options(&data) }).expect("opens");
    let mut first = session(&instance);
    for bank in ["bank1", "bank2"] {
        run(&mut first, &format!("CREATE DATABASE {bank}")).expect("creates");
        run(&mut first, &format!("USE {bank} UNWIND range(0, 9) AS n CREATE (:Account {{n: n, sum: 100}})"))
            .expect("fills");
    }
    let (done, set) = (AtomicBool::new(false), folder.path().join("set"));
    std::thread::scope(|scope| {
        for bank in ["bank1", "bank2"] {
            let (instance, done) = (&instance, &done);
            scope.spawn(move || {
                let mut session = session(instance);
                for moved in 0_u64.. {
                    let text = format!(
                        "USE {bank} MATCH (a:Account {{n: {}}}), (b:Account {{n: {}}}) SET a.sum = a.sum - 1, \
                         b.sum = b.sum + 1 CREATE (:Note {{text: '{}'}})",
                        moved % 10,
                        (moved + 3) % 10,
                        "x".repeat(2_000)
                    );
                    run(&mut session, &text).expect("writers go on");
                    if moved > 20 && done.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        for round in 0..3 {
            let _ = fs::remove_dir_all(&set);
            instance.back_up_all(&set, Walk::Yes, &NOTHING).unwrap_or_else(|failure| panic!("{round}: {failure}"));
        }
        done.store(true, Ordering::Relaxed);
    });
    drop(first);
    instance.close();
    restored(&set, &other).expect("restores");
    let instance = on_disk(&other);
    for bank in ["bank1", "bank2"] {
        check(
            &mut session(&instance),
            &format!("USE {bank} MATCH (a:Account) RETURN sum(a.sum), count(a)"),
            "1000 | 10",
        );
    }
}

/// Makes a backup of a server one of whose databases cannot be read.
fn with_a_damaged_one(folder: &Path) -> (PathBuf, Manifest) {
    let (data, set) = (folder.join("data"), folder.join("set"));
    let instance = on_disk(&data);
    let mut first = session(&instance);
    run(&mut first, "CREATE DATABASE bad").expect("creates");
    run(&mut first, "USE bad UNWIND range(1, 200) AS n CREATE (:Bad {n: n})").expect("fills");
    run(&mut first, "CREATE DATABASE good").expect("creates");
    run(&mut first, "USE good CREATE (:Good)").expect("fills");
    run(&mut first, "CREATE ALIAS worse FOR DATABASE bad").expect("creates");
    run(&mut first, "ALTER DATABASE bad SET LIMIT max_nodes = 7000").expect("limits");
    drop(first);
    instance.back_up("bad", &folder.join("older"), Walk::No, &|_| Ok(())).expect("while it was sound");
    instance.close();
    drop(instance);
    let file = folder_of(&data, "bad").join("data.mdb");
    let bytes = fs::read(&file).expect("reads");
    fs::write(&file, &bytes[..bytes.len() / 2]).expect("cuts");
    let instance = on_disk(&data);
    let manifest = instance.back_up_all(&set, Walk::No, &NOTHING).expect("the others are copied");
    let mut first = session(&instance);
    let shown = run(&mut first, "BACKUP ALL DATABASES TO 'again'").expect("copies the others");
    let bad = shown.lines().find(|line| line.starts_with("'bad' | null | null")).expect("it is not left out silently");
    assert!(bad.contains("unavailable"), "{bad}");
    check(
        &mut first,
        "SHOW BACKUPS YIELD file, type, databases, problem",
        "'again' | 'server' | 3 | 'it holds no copy of bad'",
    );
    drop(first);
    instance.close();
    (set, manifest)
}

#[test]
fn f24_a_damaged_database_is_told_of_and_the_others_are_copied() {
    let folder = tempfile::tempdir().expect("a folder");
    let (set, manifest) = with_a_damaged_one(folder.path());
    let problems: Vec<&Entry> = manifest.problems().map(|(entry, _)| entry).collect();
    assert!(problems.len() == 1 && problems[0].name == "bad" && problems[0].file.is_none(), "{problems:?}");
    assert_eq!(manifest.files().count(), 3);
    // Not half of a server without somebody saying so.
    let other = folder.path().join("other");
    let error = restored(&set, &other).expect_err("one is missing");
    assert!(matches!(&error, RestoreError::Missing(missing) if missing.len() == 1 && missing[0].0 == "bad"), "{error}");
    assert!(!other.exists());
    let found = restore(&set, options(&other), Missing::Leave, &NOTHING).expect("restores the others");
    assert_eq!((found.databases, found.missing.len()), (2, 1));
    let instance = on_disk(&other);
    let mut first = session(&instance);
    let listed = "SHOW DATABASES YIELD name, currentStatus WHERE name <> 'system'";
    check(&mut first, listed, "'bad' | 'error'\n'good' | 'online'\n'sheaf' | 'online'");
    check(&mut first, "USE good MATCH (n) RETURN count(n)", "1");
    assert_eq!(run(&mut first, "USE bad RETURN 1").expect_err("no files").code(), Code::DatabaseStartFailed);
    drop(first);
    // A backup of its own brings it back, and its aliases and limits have waited.
    instance.close();
    drop(instance);
    let instance = on_disk(&other);
    instance.restore("bad", false, &folder.path().join("older"), &|_| Ok(())).expect("fills it");
    let mut first = session(&instance);
    check(&mut first, "USE worse MATCH (n) RETURN count(n)", "200");
    check(
        &mut first,
        "SHOW LIMITS FOR DATABASE bad YIELD value, source WHERE source = 'database' RETURN value",
        "7000",
    );
    let again = instance.restore("bad", false, &folder.path().join("older"), &|_| Ok(()));
    assert_eq!(again.expect_err("it has files now").code(), Code::DatabaseExists);
}

#[test]
fn f24_missing_databases_can_be_made_empty() {
    let folder = tempfile::tempdir().expect("a folder");
    let (set, _) = with_a_damaged_one(folder.path());
    let other = folder.path().join("other");
    restore(&set, options(&other), Missing::Empty, &NOTHING).expect("restores");
    let instance = on_disk(&other);
    check(&mut session(&instance), "USE worse MATCH (n) RETURN count(n)", "0");
    check(&mut session(&instance), "USE worse CREATE (:N)", "[nodes+ 1, labels+ 1]");
}

#[test]
fn f24_system_alone_is_a_server_whose_databases_wait() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, other, third) = (folder.path().join("data"), folder.path().join("other"), folder.path().join("third"));
    let instance = Instance::open(with_passwords(&data)).expect("opens");
    let mut admin = log_in(&instance, "admin");
    prepare(&mut admin);
    let got = run(&mut admin, "BACKUP DATABASE system TO 'rights' WITH CHECK").expect("backs up");
    assert!(got.starts_with("'system' | 'rights' | 0 | 0 | ") && got.ends_with("| true"), "{got}");
    run(&mut admin, "BACKUP DATABASE films TO 'films'").expect("backs up");
    check(
        &mut admin,
        "SHOW BACKUPS YIELD file, type, name, problem",
        "'films' | 'database' | 'films' | null\n'rights' | 'system' | 'system' | null",
    );
    // It makes no database, and its copy is no graph.
    let refused = run(&mut admin, "CREATE DATABASE x FROM BACKUP 'rights'").expect_err("it is no graph");
    assert!(refused.code() == Code::ArgumentError && refused.message().contains("sheaf restore --all"), "{refused}");
    check(&mut admin, "CREATE DATABASE x FROM system", "DatabaseProtected: Not allowed to copy system database.");
    drop(admin);
    instance.close();
    drop(instance);
    let backups = data.join("backups");
    let error = restored(&backups.join("rights"), &other).expect_err("no database is in it");
    assert!(matches!(&error, RestoreError::Missing(missing) if missing.len() == 4), "{error}");
    assert!(!other.exists());
    let wrong = restored(&backups.join("films"), &other).expect_err("one database is no server");
    assert!(matches!(wrong, RestoreError::Backup(BackupError::NotBackup { .. })), "{wrong}");
    let found = restore(&backups.join("rights"), options(&other), Missing::Leave, &NOTHING).expect("restores");
    assert_eq!((found.databases, found.users, found.missing.len()), (0, 2, 4));
    let instance = Instance::open(with_passwords(&other)).expect("opens");
    instance.restore("films", false, &backups.join("films"), &|_| Ok(())).expect("fills it");
    let mut ann = log_in(&instance, "ann");
    check(&mut ann, "USE cinema MATCH (n) RETURN count(n)", "1000");
    drop(ann);
    instance.close();
    restore(&backups.join("rights"), options(&third), Missing::Empty, &NOTHING).expect("restores");
    let instance = Instance::open(with_passwords(&third)).expect("opens");
    check(&mut log_in(&instance, "ann"), "MATCH (n) RETURN count(n)", "0");
}

#[test]
fn f24_f82_only_administrators_copy_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let instance = Instance::open(with_passwords(&folder.path().join("data"))).expect("opens");
    let mut admin = log_in(&instance, "admin");
    prepare(&mut admin);
    for text in [
        "CREATE USER bob SET PASSWORD 'bob-password' CHANGE NOT REQUIRED",
        "CREATE ROLE copiers",
        "GRANT ACCESS ON DATABASE * TO copiers",
        "GRANT BACKUP ON DATABASE * TO copiers",
        "GRANT ROLE copiers TO bob",
    ] {
        run(&mut admin, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    }
    let mut bob = log_in(&instance, "bob");
    run(&mut bob, "BACKUP DATABASE films TO 'films'").expect("that is his right");
    for text in [
        "BACKUP DATABASE system TO 'system'",
        "BACKUP DATABASE system TO STREAM",
        "BACKUP ALL DATABASES TO 'all'",
        "BACKUP ALL DATABASES TO STREAM",
    ] {
        let failure = run(&mut bob, text).expect_err(text);
        assert_eq!(failure.code(), Code::Forbidden, "{text}: {failure}");
    }
    // What is denied of all of them binds an administrator too.
    for text in ["GRANT ROLE admin TO bob", "DENY BACKUP ON DATABASE * TO copiers"] {
        run(&mut admin, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    }
    let failure = run(&mut bob, "BACKUP ALL DATABASES TO 'all'").expect_err("it is denied");
    assert_eq!(failure.code(), Code::Forbidden, "{failure}");
    assert_eq!(names(&folder.path().join("data").join("backups")), ["films"], "nothing is left of what was refused");
    check(
        &mut admin,
        "SHOW AUDIT YIELD kind, user, databases WHERE user = 'bob' AND kind = 'refusal' RETURN count(*) >= 4",
        "true",
    );
}

#[test]
fn f24_f82_no_owner_keeps_the_server_without_a_backup() {
    let folder = tempfile::tempdir().expect("a folder");
    let instance = Instance::open(with_passwords(&folder.path().join("data"))).expect("opens");
    let mut admin = log_in(&instance, "admin");
    run(&mut admin, "CREATE USER own SET PASSWORD 'own-password' CHANGE NOT REQUIRED").expect("makes");
    run(&mut admin, "GRANT CREATE DATABASE ON DBMS TO USER own").expect("grants");
    let mut own = log_in(&instance, "own");
    for text in [
        "CREATE DATABASE his",
        "DENY ACCESS ON DATABASE his TO PUBLIC",
        "DENY ACCESS ON DATABASE his TO USER admin",
        "DENY BACKUP ON DATABASE his TO USER admin",
    ] {
        run(&mut own, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    }
    let failure = run(&mut admin, "BACKUP DATABASE his TO 'his'").expect_err("by itself it is denied");
    assert_eq!(failure.code(), Code::Forbidden, "{failure}");
    let listed = run(&mut admin, "BACKUP ALL DATABASES TO 'all'").expect("copies all");
    assert!(listed.lines().any(|line| line.starts_with("'his' | 'all/his-") && line.ends_with("| null")), "{listed}");
    run(&mut admin, "BACKUP ALL DATABASES TO STREAM").expect("sends all");
    assert_eq!(run(&mut own, "BACKUP ALL DATABASES").expect_err("he owns one").code(), Code::Forbidden);
}

#[test]
fn f24_whatever_is_changed_in_a_backup_of_a_whole_server_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let (set, other) = (folder.path().join("set"), folder.path().join("other"));
    let instance = on_disk(&folder.path().join("data"));
    for name in ["one", "two"] {
        run(&mut session(&instance), &format!("CREATE DATABASE {name}")).expect("creates");
        run(&mut session(&instance), &format!("USE {name} CREATE (:{name})")).expect("fills");
    }
    instance.back_up_all(&set, Walk::No, &NOTHING).expect("backs up");
    let again = instance.back_up_all(&set, Walk::No, &NOTHING).expect_err("it is not empty");
    assert!(again.message().contains("not empty"), "{again}");
    let (later, system) = (folder.path().join("later"), set.join("system.sheafbackup"));
    run(&mut session(&instance), "USE one CREATE (:More)").expect("writes");
    instance.back_up_all(&later, Walk::No, &NOTHING).expect("backs up");
    let file = |set: &Path, name: &str| {
        let found = names(set).into_iter().find(|file| file.starts_with(&format!("{name}-")));
        set.join(found.expect("it has a file"))
    };
    let refuse = |path: &Path, bytes: Option<Vec<u8>>, what: &str| {
        let kept = fs::read(path).expect("reads");
        match bytes {
            Some(bytes) => fs::write(path, bytes).expect("writes"),
            None => fs::remove_file(path).expect("removes"),
        }
        let verified = Whole::open(&set).and_then(|whole| whole.verify(&NOTHING));
        assert!(verified.is_err(), "{what} is not found");
        let error = restored(&set, &other).expect_err(what);
        assert!(!other.exists(), "{what} leaves something: {error}");
        fs::write(path, kept).expect("writes");
    };
    let one = file(&set, "one");
    refuse(&one, Some(fs::read(file(&later, "one")).expect("reads")), "a file of another moment");
    refuse(&one, Some(fs::read(file(&set, "two")).expect("reads")), "a file of another database");
    refuse(&one, Some(fs::read(&one).expect("reads")[..99].to_vec()), "a file that was cut");
    refuse(&one, None, "a file that is gone");
    refuse(&system, None, "system");
    refuse(&set.join(MANIFEST), Some(b"{}".to_vec()), "the list");
    refuse(&set.join(MANIFEST), None, "no list");
    restored(&set, &other).expect("unchanged it is whole");
}

#[test]
fn f24_a_damaged_or_lost_file_of_a_whole_server_costs_that_database_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let set = folder.path().join("set");
    let instance = on_disk(&folder.path().join("data"));
    for name in ["one", "two", "six"] {
        run(&mut session(&instance), &format!("CREATE DATABASE {name}")).expect("creates");
        run(&mut session(&instance), &format!("USE {name} CREATE (:{name})")).expect("fills");
    }
    instance.back_up_all(&set, Walk::No, &NOTHING).expect("backs up");
    let file = |name: &str| folder_of(&set, name);
    let spoilt = |bytes: &[u8]| {
        let middle = bytes.len() / 2;
        [&bytes[..middle], &[!bytes[middle], !bytes[middle + 1]], &bytes[middle + 2..]].concat()
    };
    let whole = fs::read(file("one")).expect("reads");
    for (number, bytes) in [Some(spoilt(&whole)), Some(Vec::new()), None].into_iter().enumerate() {
        let (lost, made) = (folder.path().join(format!("lost{number}")), folder.path().join(format!("made{number}")));
        let one = file("one");
        match bytes {
            Some(bytes) => fs::write(&one, bytes).expect("writes"),
            None => fs::remove_file(&one).expect("removes"),
        }
        let two = fs::read(file("two")).expect("reads");
        fs::write(file("two"), &two[..two.len() - 1]).expect("cuts");
        // All of it is looked at, and nothing is restored by who did not say what becomes of these.
        let damaged = Whole::open(&set).and_then(|whole| whole.damaged(&NOTHING)).expect("looks at all");
        assert_eq!(damaged.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
        let tried = |missing| try_restoring(&set, &options(&lost), missing, &NOTHING);
        let refused = tried(Missing::Refuse).map(drop).expect_err("two are damaged");
        assert!(matches!(&refused, RestoreError::Missing(missing) if missing.len() == 2), "{refused}");
        assert_eq!(tried(Missing::Leave).expect("one can be had").damaged.len(), 2);
        let refused = restored(&set, &lost).expect_err("two are damaged");
        assert!(refused.to_string().contains("--missing leave"), "{refused}");
        assert!(!lost.exists());
        for (missing, data, status) in [(Missing::Leave, &lost, "error"), (Missing::Empty, &made, "online")] {
            let found = restore(&set, options(data), missing, &NOTHING).expect("restores the others");
            assert_eq!((found.databases, found.missing.len()), (2, 2));
            let instance = on_disk(data);
            let mut first = session(&instance);
            check(&mut first, "USE six MATCH (n) RETURN labels(n)", "['six']");
            let listed = "SHOW DATABASES YIELD name, currentStatus WHERE name IN ['one', 'two']";
            check(&mut first, listed, &format!("'one' | '{status}'\n'two' | '{status}'"));
        }
        fs::write(&one, &whole).expect("writes");
        fs::write(one.with_file_name(file("two").file_name().expect("a file")), two).expect("writes");
    }
    // Without `system` there is nothing to restore them into.
    let system = set.join("system.sheafbackup");
    fs::write(&system, spoilt(&fs::read(&system).expect("reads"))).expect("writes");
    let other = folder.path().join("other");
    let tried = try_restoring(&set, &options(&other), Missing::Leave, &NOTHING).map(drop);
    for refused in [tried, restore(&set, options(&other), Missing::Leave, &NOTHING).map(drop)] {
        let refused = refused.expect_err("system is damaged");
        assert!(matches!(&refused, RestoreError::System(_)), "{refused}");
        assert!(!other.exists());
    }
}

#[test]
fn f24_no_server_starts_on_half_of_a_restore() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("makes");
    fs::write(data.join("restore.unfinished"), "whatever is in it").expect("writes");
    let error = Instance::open(options(&data)).err().expect("it is not whole");
    assert!(matches!(error, InstanceError::RestoreUnfinished { .. }), "{error}");
    assert!(error.to_string().contains("sheaf restore --all"), "{error}");
    assert_eq!(names(&data), ["restore.unfinished"]);
}

#[test]
fn f24_backups_are_listed_by_what_is_in_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let instance = on_disk(&data);
    let mut first = session(&instance);
    run(&mut first, "CREATE (:N)").expect("fills");
    run(&mut first, "BACKUP DATABASE sheaf TO 'monday'").expect("backs up");
    run(&mut first, "BACKUP DATABASE sheaf TO 'tuesday.bak'").expect("backs up");
    run(&mut first, "BACKUP ALL DATABASES TO 'week'").expect("backs up");
    let backups = data.join("backups");
    fs::write(backups.join("notes.txt"), "buy milk").expect("writes");
    fs::write(backups.join("empty"), "").expect("writes");
    fs::write(backups.join("torn"), &fs::read(backups.join("monday")).expect("reads")[..40]).expect("writes");
    fs::write(backups.join("fake.sheafbackup"), "no backup").expect("writes");
    fs::create_dir_all(backups.join("half")).expect("makes");
    fs::copy(backups.join("monday"), backups.join("half").join("sheaf.sheafbackup")).expect("copies");
    fs::create_dir_all(backups.join("photos")).expect("makes");
    check(
        &mut first,
        "SHOW BACKUPS YIELD file, type, name, nodes, databases, problem RETURN file, type, name, nodes, databases, \
         problem IS NULL, right(problem, 13)",
        "'fake.sheafbackup' | 'file' | null | null | null | false | 'n as a backup'\n\
         'half' | 'server' | null | null | null | false | 't did not end'\n\
         'monday' | 'database' | 'sheaf' | 1 | 1 | true | null\n\
         'torn' | 'file' | null | null | null | false | 'in its header'\n\
         'tuesday.bak' | 'database' | 'sheaf' | 1 | 1 | true | null\n\
         'week' | 'server' | null | 1 | 2 | true | null",
    );
}
