//! Databases that are encrypted on the disk: what lies in the files, which keys are needed, and how copies turn out.

mod world;

use std::fs;
use std::path::{Path, PathBuf};

use catalog::KeySource;
use instance::{Instance, InstanceError, InstanceOptions, RunOptions, Walk};
use types::{Code, Map};
use world::{check, on_disk, options, run, session, take};

/// What no file of an encrypted database may hold.
const SECRETS: [&[u8]; 4] = [b"Rumpelstiltskin", b"rumpelstiltskin", b"StrawToGold", b"spinsAtNight"];

/// Tells which file below `folder` has these bytes in it.
fn holding(folder: &Path, bytes: &[u8]) -> Option<PathBuf> {
    fs::read_dir(folder).expect("lists").map(|entry| entry.expect("reads").path()).find_map(|path| {
        if path.is_dir() {
            return holding(&path, bytes);
        }
        fs::read(&path).expect("reads").windows(bytes.len()).any(|window| window == bytes).then_some(path)
    })
}

#[track_caller]
fn nothing_shows(folder: &Path, when: &str) {
    for secret in SECRETS {
        let file = holding(folder, secret);
        assert_eq!(file, None, "{} {when}", String::from_utf8_lossy(secret));
    }
}

/// The folder of a database.
fn home_of(data: &Path, name: &str) -> PathBuf {
    let folders = fs::read_dir(data).expect("lists").map(|entry| entry.expect("reads").path());
    let is_its =
        |path: &PathBuf| path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&format!("{name}-")));
    folders.into_iter().find(is_its).unwrap_or_else(|| panic!("{name} has a folder"))
}

fn fill(instance: &Instance, database: &str) {
    let mut one = session(instance);
    let on = |text: &str| format!("USE {database} {text}");
    for text in [
        "CREATE INDEX names FOR (n:StrawToGold) ON (n.spinsAtNight)",
        "CREATE FULLTEXT INDEX words FOR (n:StrawToGold) ON EACH [n.spinsAtNight]",
        "CREATE VECTOR INDEX near FOR (n:StrawToGold) ON (n.where) OPTIONS {indexConfig: \
         {`vector.dimensions`: 2, `vector.similarity_function`: 'euclidean'}}",
        "UNWIND range(1, 2000) AS n CREATE (:StrawToGold {spinsAtNight: 'Rumpelstiltskin ' + n, where: [n * 1.0, 1.0], \
         long: CASE n % 500 WHEN 0 THEN reduce(t = '', i IN range(1, 6000) | t + 'Rumpelstiltskin') ELSE '' END})",
        "MATCH (n:StrawToGold) WHERE n.spinsAtNight ENDS WITH '7' DETACH DELETE n",
        "CALL db.awaitIndexes()",
    ] {
        run(&mut one, &on(text)).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    }
    check(
        &mut one,
        &on("CALL db.index.fulltext.queryNodes('words', 'rumpelstiltskin') YIELD node RETURN count(node)"),
        "1800",
    );
}

fn count(instance: &Instance, database: &str) -> String {
    let text = format!("USE {database} MATCH (n:StrawToGold {{spinsAtNight: 'Rumpelstiltskin 12'}}) RETURN count(n)");
    run(&mut session(instance), &text).unwrap_or_else(|failure| world::failed(&failure))
}

#[test]
fn f98_an_encrypted_database_shows_nothing_on_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let instance = on_disk(&data);
    let mut one = session(&instance);
    run(&mut one, "CREATE DATABASE vault OPTIONS {encryption: true}").expect("creates");
    check(
        &mut one,
        "SHOW DATABASES YIELD name, options, store WHERE options.encryption RETURN name, options, store",
        "'vault' | {encryption: true} | 'crypt-sheaf-1.0'",
    );
    fill(&instance, "vault");
    nothing_shows(&data, "after writing");
    for text in [
        "CREATE DATABASE twin FROM vault",
        "BACKUP DATABASE vault TO 'vault.sheafbackup' WITH CHECK",
        "CREATE DATABASE again FROM BACKUP 'vault.sheafbackup'",
        "ALTER DATABASE vault SET OPTION encryption 'rotate'",
        "DROP DATABASE twin DUMP DATA",
    ] {
        run(&mut one, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
        nothing_shows(&data, text);
    }
    check(
        &mut one,
        "SHOW DATABASES YIELD name, options WHERE options.encryption RETURN name ORDER BY name",
        "'again'\n'vault'",
    );
    let keys = ["vault", "again"].map(|name| fs::read(home_of(&data, name).join("data.key")).expect("reads"));
    assert_ne!(keys[0], keys[1], "each has a key of its own");
    for name in ["vault", "again"] {
        assert_eq!(count(&instance, name), "1");
        let report = run(&mut one, &format!("CHECK DATABASE {name}")).expect("checks");
        assert!(report.contains("true"), "{report}");
    }
    instance.close();
    drop((one, instance));
    nothing_shows(&data, "after closing");
    let instance = on_disk(&data);
    assert_eq!(count(&instance, "vault"), "1");
    // The test itself: a plain database shows all of it.
    run(&mut session(&instance), "CREATE DATABASE plain").expect("creates");
    fill(&instance, "plain");
    for secret in SECRETS {
        assert!(holding(&data, secret).is_some(), "{}", String::from_utf8_lossy(secret));
    }
}

#[test]
fn f98_without_the_keys_of_the_server_a_database_fails_and_the_others_live_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let keys = data.join("seal.key");
    {
        let instance = on_disk(&data);
        run(&mut session(&instance), "CREATE DATABASE vault OPTIONS {encryption: true}").expect("creates");
        fill(&instance, "vault");
        instance.close();
    }
    let kept = fs::read(&keys).expect("reads");
    fs::write(&keys, "ab".repeat(32)).expect("writes");
    let opened = Instance::open(options(&data));
    // The audit is sealed by the same keys and may refuse to go on; with it out of the way the databases are asked.
    let instance = opened.or_else(|_| {
        fs::remove_dir_all(data.join("audit")).expect("removes");
        Instance::open(options(&data))
    });
    let instance = instance.expect("the server starts");
    let mut one = session(&instance);
    let failure = run(&mut one, "USE vault MATCH (n) RETURN count(n)").expect_err("its key cannot be had");
    assert_eq!(failure.code(), Code::DatabaseStartFailed);
    for part in ["its key cannot be had", "sealed with the key", "not among the keys of this server"] {
        assert!(failure.message().contains(part), "{failure}");
    }
    let shown = run(
        &mut one,
        "SHOW DATABASES YIELD name, currentStatus, statusMessage WHERE name IN ['vault', 'sheaf'] \
         RETURN name, currentStatus, statusMessage CONTAINS 'sealed with the key' AS why ORDER BY name",
    );
    assert_eq!(shown.expect("shows"), "'sheaf' | 'online' | false\n'vault' | 'error' | true");
    run(&mut one, "USE sheaf CREATE (n:Alive)").expect("the others live on");
    instance.close();
    drop((one, instance));
    fs::write(&keys, kept).expect("writes");
    let _ = fs::remove_dir_all(data.join("audit"));
    let instance = on_disk(&data);
    assert_eq!(count(&instance, "vault"), "1", "with its keys it is as before");
}

#[test]
fn f98_a_server_whose_keys_are_gone_makes_no_new_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let (keys, away) = (data.join("seal.key"), folder.path().join("away.key"));
    let instance = on_disk(&data);
    run(&mut session(&instance), "CREATE DATABASE vault OPTIONS {encryption: true}").expect("creates");
    instance.close();
    drop(instance);
    fs::rename(&keys, &away).expect("moves");
    let refused = |options: InstanceOptions| Instance::open(options).map(drop).expect_err("its keys are gone");
    let error = refused(options(&data));
    assert!(matches!(&error, InstanceError::KeysGone { encrypted, .. } if encrypted.len() == 1), "{error}");
    for part in ["vault-", "seal.key is not there", "--seal-key-file", "rotate-key --lost"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(!keys.exists(), "none is made in its place");
    // A name that leads nowhere is no better; the right one is.
    let at = |file: PathBuf| InstanceOptions { seal_keys: Some(KeySource::File(file)), ..options(&data) };
    refused(at(folder.path().join("nowhere.key")));
    let instance = Instance::open(at(away.clone())).expect("the keys are there");
    check(&mut session(&instance), "USE vault MATCH (n) RETURN count(n)", "0");
    instance.close();
    drop(instance);
    // Whoever says that it is lost goes on without what it sealed, and has it again with the key.
    let instance = Instance::open(InstanceOptions { keys_lost: true, ..options(&data) }).expect("he knows");
    let newest = instance.newest_key();
    instance.close();
    drop(instance);
    let instance = on_disk(&data);
    assert_eq!(instance.newest_key(), newest, "it is kept");
    let mut one = session(&instance);
    run(&mut one, "USE vault MATCH (n) RETURN count(n)").expect_err("its key is lost");
    run(&mut one, "USE sheaf MATCH (n) RETURN count(n)").expect("the others live on");
    instance.close();
    drop((one, instance));
    let both = [&away, &keys].map(|path| fs::read_to_string(path).expect("reads"));
    fs::write(&keys, both.concat()).expect("writes");
    check(&mut session(&on_disk(&data)), "USE vault MATCH (n) RETURN count(n)", "0");
}

#[test]
fn f98_a_new_key_of_the_server_seals_the_databases_keys_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let instance = on_disk(&data);
    run(&mut session(&instance), "CREATE DATABASE vault OPTIONS {encryption: true}").expect("creates");
    fill(&instance, "vault");
    let before = fs::read(home_of(&data, "vault").join("data.key")).expect("reads");
    instance.rotate_key().expect("rotates");
    let after = fs::read(home_of(&data, "vault").join("data.key")).expect("reads");
    assert_ne!(before, after);
    instance.close();
    drop(instance);
    // The older key is not needed by the database any more.
    let keys = fs::read_to_string(data.join("seal.key")).expect("reads");
    fs::write(data.join("seal.key"), keys.lines().last().expect("the newest")).expect("writes");
    let instance = on_disk(&data);
    assert_eq!(count(&instance, "vault"), "1");
}

#[test]
fn f98_dropping_destroys_the_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let instance = on_disk(&data);
    let mut one = session(&instance);
    run(&mut one, "CREATE DATABASE vault OPTIONS {encryption: true}").expect("creates");
    fill(&instance, "vault");
    let home = home_of(&data, "vault");
    let (leaked, blocks) = (folder.path().join("leaked"), folder.path().join("blocks"));
    fs::copy(home.join("data.crypt"), &leaked).expect("a thief");
    fs::hard_link(home.join("data.key"), &blocks).expect("links");
    let sealed = fs::read(&blocks).expect("reads")[1024..1200].to_vec();
    run(&mut one, "DROP DATABASE vault").expect("drops");
    assert!(!home.exists());
    let left = fs::read(&blocks).expect("reads");
    assert!(!left.windows(32).any(|window| sealed.windows(32).any(|part| part == window)), "written over where it lay");
}

#[test]
fn f3_f98_what_cannot_be_removed_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let instance = on_disk(&data);
    let mut one = session(&instance);
    run(&mut one, "CREATE DATABASE vault OPTIONS {encryption: true}").expect("creates");
    run(&mut one, "CREATE DATABASE plain").expect("creates");
    fill(&instance, "vault");
    // A key that nobody can write over: what was dropped could be read with it.
    let (key, away) = (home_of(&data, "vault").join("data.key"), folder.path().join("data.key"));
    fs::rename(&key, &away).expect("renames");
    fs::create_dir(&key).expect("makes");
    let drops = [
        "DROP DATABASE vault",
        "CREATE OR REPLACE DATABASE vault",
        "CALL dbms.recreateDatabase('vault', {clearData: true})",
    ];
    for text in drops {
        let failure = run(&mut one, text).expect_err(text);
        let told = "Failed to delete the specified database 'vault': its key cannot be destroyed: could not erase";
        assert!(failure.message().starts_with(told), "{text}: {failure}");
    }
    one.begin(&RunOptions::default()).expect("begins");
    run(&mut one, "DROP DATABASE vault").expect_err("the same in a transaction");
    one.rollback().expect("rolls back");
    check(&mut one, "SHOW DATABASES YIELD name WHERE name = 'vault'", "'vault'");
    fs::remove_dir(&key).expect("removes");
    fs::rename(&away, &key).expect("renames");
    assert_eq!(count(&instance, "vault"), "1");
    run(&mut one, "DROP DATABASE vault").expect("drops");
    assert!(!key.exists());
    // A plain one is dropped all the same, and who dropped it hears that it takes room.
    run(&mut one, "STOP DATABASE plain").expect("stops");
    let file = home_of(&data, "plain").join("data.mdb");
    fs::remove_file(&file).expect("removes");
    fs::create_dir_all(file.join("in the way")).expect("makes");
    let mut records = one.run("DROP DATABASE plain", Map::new(), &RunOptions::default()).expect("drops");
    let (_, summary) = take(&mut records).expect("is done");
    let told: Vec<_> = summary.notifications.iter().map(|one| (&*one.code, &*one.description)).collect();
    let reason = "The database is dropped, and its files wait for the next start of the server: could not remove the files: Is a directory (os error 21)";
    assert_eq!(told, [("Neo.ClientNotification.Database.FilesLeft", reason)]);
    check(&mut one, "SHOW DATABASES YIELD name WHERE name = 'plain'", "");
    drop((records, one));
    instance.close();
    drop(instance);
    fs::remove_dir_all(&file).expect("removes");
    on_disk(&data).close();
    assert!(!file.parent().expect("its folder").exists(), "the next start removes the rest");
}

#[test]
fn f98_copies_between_plain_and_encrypted() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let instance = on_disk(&data);
    let mut one = session(&instance);
    run(&mut one, "CREATE DATABASE plain").expect("creates");
    fill(&instance, "plain");
    run(&mut one, "CREATE DATABASE vault FROM plain OPTIONS {encryption: true}").expect("copies");
    assert_eq!(count(&instance, "vault"), "1");
    let report = run(&mut one, "CHECK DATABASE vault").expect("checks");
    assert!(report.contains("true"), "{report}");
    nothing_shows(&home_of(&data, "vault"), "after copying a plain one");
    run(&mut one, "CREATE DATABASE twin FROM vault").expect("copies");
    nothing_shows(&home_of(&data, "twin"), "after copying");
    let refused = |text: &str, part: &str| {
        let failure = run(&mut session(&instance), text).expect_err(text);
        assert!(failure.code() == Code::ArgumentError && failure.message().contains(part), "{text}: {failure}");
    };
    // The other way only if somebody says so.
    run(&mut one, "CREATE DATABASE open FROM vault OPTIONS {encryption: false}").expect("copies");
    check(&mut one, "SHOW DATABASE open YIELD options, store", "{} | 'lmdb-sheaf-1.0'");
    assert_eq!(count(&instance, "open"), "1");
    let report = run(&mut one, "CHECK DATABASE open").expect("checks");
    assert!(report.contains("true"), "{report}");
    assert!(holding(&home_of(&data, "open"), SECRETS[0]).is_some(), "it is plain");
    run(&mut one, "USE open CREATE (:Later)").expect("it lives");
    run(&mut one, "BACKUP DATABASE plain TO 'plain.sheafbackup'").expect("backs up");
    run(&mut one, "BACKUP DATABASE vault TO 'vault.sheafbackup'").expect("backs up");
    refused("CREATE DATABASE b FROM BACKUP 'plain.sheafbackup' OPTIONS {encryption: true}", "was not encrypted");
    refused("CREATE DATABASE b FROM BACKUP 'vault.sheafbackup' OPTIONS {encryption: false}", "restored as one");
    refused("ALTER DATABASE plain SET OPTION encryption true", "from its beginning or not at all");
    refused("ALTER DATABASE vault SET OPTION encryption false", "from its beginning or not at all");
    refused("ALTER DATABASE vault REMOVE OPTION encryption", "from its beginning or not at all");
    refused("ALTER DATABASE plain SET OPTION encryption 'rotate'", "is not encrypted");
    refused("CREATE DATABASE b OPTIONS {encryptionKey: 'k'}", "the server makes the key");
    check(&mut one, "SHOW DATABASES YIELD name WHERE name IN ['b', 'c']", "");
    // What replaces an encrypted one is not plain by accident.
    run(&mut one, "CREATE OR REPLACE DATABASE twin").expect("replaces");
    check(&mut one, "SHOW DATABASE twin YIELD options RETURN options", "{encryption: true}");
    // With a tool, while no server runs.
    drop(one);
    let file = data.join("backups").join("vault.sheafbackup");
    instance.restore("offline", false, &file, &|_| Ok(())).expect("restores");
    check(&mut session(&instance), "SHOW DATABASE offline YIELD options RETURN options", "{encryption: true}");
    instance.back_up("offline", &folder.path().join("offline.sheafbackup"), Walk::Yes, &|_| Ok(())).expect("backs up");
}

#[test]
fn f24_f98_an_encrypted_database_keeps_a_sealed_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let instance = on_disk(&data);
    let mut one = session(&instance);
    run(&mut one, "CREATE DATABASE vault OPTIONS {encryption: true, journal: true}").expect("creates");
    run(&mut one, "BACKUP DATABASE vault TO 'empty'").expect("backs up");
    fill(&instance, "vault");
    run(&mut one, "BACKUP JOURNAL FOR DATABASE vault TO 'copy'").expect("copies");
    nothing_shows(&data, "with a journal");
    let files = fs::read_dir(home_of(&data, "vault").join("journal")).expect("lists").count();
    assert!(files > 0, "there is a journal");
    // A new key of the database leaves the journal readable; what is switched on and off on the way, too.
    run(&mut one, "ALTER DATABASE vault SET OPTION encryption 'rotate'").expect("rotates");
    run(&mut one, "USE vault CREATE (:StrawToGold {spinsAtNight: 'Rumpelstiltskin 12'})").expect("writes");
    run(&mut one, "CREATE DATABASE then FROM BACKUP 'empty' UNTIL datetime()").expect("plays");
    assert_eq!(count(&instance, "then"), "2");
    check(&mut one, "SHOW DATABASE then YIELD options RETURN options", "{encryption: true}");
    assert!(run(&mut one, "CHECK DATABASE vault").expect("checks").starts_with("'vault' | true"));
    nothing_shows(&data, "after playing it");
    drop(one);
    instance.close();
    drop(instance);
    let instance = on_disk(&data);
    let mut one = session(&instance);
    run(&mut one, "USE vault CREATE (:StrawToGold {spinsAtNight: 'Rumpelstiltskin 12'})").expect("goes on");
    run(&mut one, "CREATE OR REPLACE DATABASE then FROM BACKUP 'empty' UNTIL datetime()").expect("plays");
    assert_eq!(count(&instance, "then"), "3");
    // A copy outlives the database, and a plain one begins a plain journal of its own.
    let until =
        run(&mut one, "SHOW BACKUPS YIELD taken WHERE taken IS NOT NULL RETURN toString(max(taken))").expect("lists");
    let open = "CREATE DATABASE open FROM vault OPTIONS {encryption: false, journal: true}";
    run(&mut one, open).expect("copies");
    run(&mut one, "DROP DATABASE vault").expect("drops");
    let create = format!("CREATE DATABASE late FROM BACKUP 'empty' USING JOURNAL 'copy' UNTIL {until}");
    run(&mut one, &create).expect("plays");
    run(&mut one, "BACKUP DATABASE open TO 'open'").expect("backs up");
    run(&mut one, "USE open CREATE (:StrawToGold {spinsAtNight: 'Rumpelstiltskin 12'})").expect("writes");
    run(&mut one, "CREATE OR REPLACE DATABASE then FROM BACKUP 'open' UNTIL datetime()").expect("plays");
    assert_eq!(count(&instance, "then"), "4");
}

#[test]
fn f98_a_backup_needs_the_keys_of_its_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, other) = (folder.path().join("data"), folder.path().join("other"));
    let instance = on_disk(&data);
    run(&mut session(&instance), "CREATE DATABASE vault OPTIONS {encryption: true}").expect("creates");
    fill(&instance, "vault");
    let file = folder.path().join("vault.sheafbackup");
    instance.back_up("vault", &file, Walk::No, &|_| Ok(())).expect("backs up");
    nothing_shows(folder.path(), "after a backup");
    let stranger = on_disk(&other);
    let failure = stranger.restore("vault", false, &file, &|_| Ok(())).expect_err("another server's keys");
    assert!(failure.message().contains("not among the keys of this server"), "{failure}");
    check(&mut session(&stranger), "SHOW DATABASES YIELD name WHERE name = 'vault'", "");
    stranger.close();
    drop(stranger);
    // The keys travel by hand: the other server's come last, and go on sealing.
    let all = [data.join("seal.key"), other.join("seal.key")].map(|path| fs::read_to_string(path).expect("reads"));
    fs::write(other.join("seal.key"), all.concat()).expect("writes");
    let stranger = on_disk(&other);
    stranger.restore("vault", false, &file, &|_| Ok(())).expect("restores");
    assert_eq!(count(&stranger, "vault"), "1");
}

#[test]
fn f98_an_encrypted_database_is_taken_over_by_who_has_the_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, other) = (folder.path().join("data"), folder.path().join("other"));
    let instance = on_disk(&data);
    run(&mut session(&instance), "CREATE DATABASE vault OPTIONS {encryption: true}").expect("creates");
    fill(&instance, "vault");
    instance.close();
    drop(instance);
    let home = home_of(&data, "vault");
    let before = fs::read(home.join("data.crypt")).expect("reads");
    let stranger = on_disk(&other);
    let failure = stranger.adopt(&home, "taken").expect_err("another server's keys");
    assert!(failure.message().contains("not among the keys of this server"), "{failure}");
    stranger.close();
    drop(stranger);
    fs::remove_dir_all(&other).expect("removes");
    fs::create_dir(&other).expect("makes");
    fs::copy(data.join("seal.key"), other.join("seal.key")).expect("copies");
    let stranger = on_disk(&other);
    assert_eq!(stranger.try_adopting(&home, "taken").expect("looks"), [""; 0]);
    stranger.adopt(&home, "taken").expect("takes it over");
    assert_eq!(count(&stranger, "taken"), "1");
    check(&mut session(&stranger), "SHOW DATABASE taken YIELD options RETURN options", "{encryption: true}");
    nothing_shows(folder.path(), "after it was taken over");
    assert!(fs::read(home.join("data.crypt")).expect("reads") == before, "what it came from is as it was");
}

#[test]
fn f98_a_server_can_encrypt_whatever_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let instance = Instance::open(InstanceOptions { encrypt_new: true, ..options(&data) }).expect("opens");
    let mut one = session(&instance);
    run(&mut one, "CREATE DATABASE a").expect("creates");
    run(&mut one, "CREATE DATABASE b OPTIONS {encryption: false}").expect("creates");
    run(&mut one, "CREATE DATABASE c FROM b").expect("copies");
    check(
        &mut one,
        "SHOW DATABASES YIELD name, options WHERE options.encryption RETURN name ORDER BY name",
        "'a'\n'c'\n'sheaf'",
    );
    fill(&instance, "sheaf");
    nothing_shows(&data, "from the start");
}

#[test]
fn f98_a_plain_file_in_the_place_of_an_encrypted_one_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let instance = on_disk(&data);
    let mut one = session(&instance);
    run(&mut one, "CREATE DATABASE vault OPTIONS {encryption: true}").expect("creates");
    run(&mut one, "STOP DATABASE vault").expect("stops");
    let home = home_of(&data, "vault");
    for name in ["data.crypt", "data.key"] {
        fs::remove_file(home.join(name)).expect("removes");
    }
    fs::copy(home_of(&data, "sheaf").join("data.mdb"), home.join("data.mdb")).expect("copies");
    let failure = run(&mut one, "START DATABASE vault").expect_err("it would be written to in the open");
    assert!(failure.message().contains("it is not encrypted, and its database is"), "{failure}");
}
