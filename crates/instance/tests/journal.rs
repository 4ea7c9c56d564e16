//! Journals of commits: restores to any moment, and what refuses them.

mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use instance::Session;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use types::{Clock, SystemClock};
use world::{check, on_disk, run, session, together};

/// Names this very moment as a statement takes it.
fn now() -> String {
    let nanos = i64::try_from(SystemClock.wall_nanos()).expect("before 2262");
    types::temporal::from_epoch(nanos / 1_000_000_000, nanos % 1_000_000_000).expect("a time").to_string()
}

fn refused(session: &mut Session, text: &str) -> String {
    let failure = run(session, text).expect_err(text);
    format!("{:?}: {}", failure.code(), failure.message())
}

/// Restores `file` to a moment as database `then`, gives what `look` gives there, and drops it again.
fn then(session: &mut Session, file: &str, until: &str, look: &str) -> String {
    run(session, &format!("CREATE DATABASE then FROM BACKUP '{file}' UNTIL datetime('{until}')")).expect("restores");
    let seen = run(session, &format!("USE then {look}")).expect("reads");
    run(session, "DROP DATABASE then").expect("drops");
    seen
}

fn folder_of(data: &Path, database: &str) -> PathBuf {
    let folders = fs::read_dir(data).expect("lists").map(|entry| entry.expect("lists").path());
    let is_its = |path: &PathBuf| {
        let name = path.file_name().expect("named").to_string_lossy().into_owned();
        name.strip_prefix(database).is_some_and(|rest| rest.len() == 17 && rest.starts_with('-'))
    };
    folders.into_iter().find(is_its).expect("its folder")
}

fn journal_files(data: &Path, database: &str) -> Vec<PathBuf> {
    let folder = folder_of(data, database).join("journal");
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("lists").path()).collect();
    files.sort();
    files
}

const ALL: &str = "MATCH (n) OPTIONAL MATCH (n)-[r]->(m) WITH n, r, m ORDER BY n.k, m.k, r.w \
                   RETURN collect([n.k, n.v, labels(n), type(r), r.w, m.k])";

/// Makes one random change: nodes, properties, labels, relationships, deletes, an index now and then.
fn change(session: &mut Session, random: &mut StdRng) {
    let (one, two, number) = (random.random_range(0..40), random.random_range(0..40), random.random_range(0..1_000));
    let text = match random.random_range(0..10) {
        0..=3 => format!("USE films MERGE (n:Film {{k: {one}}}) SET n.v = {number}"),
        4 => format!("USE films MATCH (n {{k: {one}}}) DETACH DELETE n"),
        5 => format!("USE films MATCH (n {{k: {one}}}), (m {{k: {two}}}) CREATE (n)-[:LIKES {{w: {number}}}]->(m)"),
        6 => format!("USE films MATCH (n {{k: {one}}})-[r]->() DELETE r"),
        7 => format!("USE films MATCH (n {{k: {one}}}) SET n:Seen{} REMOVE n:Film", number % 5),
        8 => format!("USE films MERGE (n:Film {{k: {one}}}) SET n.v = '{}'", "x".repeat(number * 90)),
        _ => match number % 3 {
            0 => "USE films CREATE INDEX byv IF NOT EXISTS FOR (n:Film) ON (n.v)".to_owned(),
            1 => "USE films DROP INDEX byv IF EXISTS".to_owned(),
            _ => format!("USE films UNWIND range(100, {}) AS k MERGE (:Year {{k: k}})", 100 + number % 50),
        },
    };
    run(session, &text).expect("writes");
}

#[test]
fn f24_a_restore_to_any_moment_gives_what_was_committed_by_then() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    let seed = rand::rng().random();
    let mut random = StdRng::seed_from_u64(seed);
    check(&mut session, "CREATE DATABASE films OPTIONS {journal: true, journalSize: '64MiB'}", "[system 1]");
    let (mut moments, mut backups) = (Vec::new(), Vec::new());
    for round in 0..120 {
        if round % 30 == 0 {
            run(&mut session, &format!("BACKUP DATABASE films TO 'films{round}'")).expect("backs up");
            backups.push(round);
        }
        change(&mut session, &mut random);
        moments.push((round, now(), run(&mut session, &format!("USE films {ALL}")).expect("reads")));
    }
    for _ in 0..25 {
        let (round, until, expected) = &moments[random.random_range(0..moments.len())];
        let backup = backups.iter().filter(|backup| *backup <= round).nth(random.random_range(0..=round / 30));
        let file = format!("films{}", backup.expect("one was made before"));
        assert_eq!(&then(&mut session, &file, until, ALL), expected, "{file} to round {round}, seed {seed}");
    }
    // What was restored is sound, lives, and keeps a journal of its own if it is told to.
    let (_, until, expected) = &moments[70];
    let create = format!("CREATE DATABASE again FROM BACKUP 'films30' UNTIL '{until}' OPTIONS {{journal: true}}");
    check(&mut session, &create, "[system 1]");
    assert_eq!(&run(&mut session, &format!("USE again {ALL}")).expect("reads"), expected);
    let seeded = format!(
        "CREATE DATABASE seeded OPTIONS {{seedURI: 'file:{}', seedRestoreUntil: datetime('{until}')}}",
        data.path().join("backups/films30").display()
    );
    check(&mut session, &seeded, "[system 1]");
    assert_eq!(
        &run(&mut session, &format!("USE seeded {ALL}")).expect("reads"),
        expected,
        "as Neo4j's clients write it"
    );
    assert!(run(&mut session, "CHECK DATABASE again").expect("checks").starts_with("'again' | true"));
    run(&mut session, "BACKUP DATABASE again TO 'again'").expect("backs up");
    check(&mut session, "USE again CREATE (:New {k: 1000})", "[nodes+ 1, properties 1, labels+ 1]");
    assert_eq!(then(&mut session, "again", &now(), "MATCH (n:New) RETURN n.k"), "1000");
}

#[test]
fn f24_a_damaged_journal_is_told_of_and_new_backups_lead_on() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut first = session(&instance);
    check(&mut first, "CREATE DATABASE films OPTIONS {journal: true}", "[system 1]");
    run(&mut first, "BACKUP DATABASE films TO 'night'").expect("backs up");
    let mut moments = Vec::new();
    for number in 1..=20 {
        run(&mut first, &format!("USE films CREATE (:Film {{k: {number}, text: '{}'}})", "x".repeat(50)))
            .expect("writes");
        moments.push(now());
    }
    let until = "SHOW BACKUPS YIELD file, restorableUntil WHERE file = 'night' RETURN restorableUntil";
    let reaches = |session: &mut Session, moment: &str| {
        run(
            session,
            &until.replace("RETURN restorableUntil", &format!("RETURN restorableUntil >= datetime('{moment}')")),
        )
        .expect("lists")
    };
    assert_eq!(reaches(&mut first, &moments[19]), "true");
    drop(first);
    instance.close();
    drop(instance);
    let file = journal_files(data.path(), "films").pop().expect("one file");
    let mut bytes = fs::read(&file).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4].iter_mut().for_each(|byte| *byte ^= 0x55);
    fs::write(&file, bytes).expect("writes");
    let instance = on_disk(data.path());
    let mut first = session(&instance);
    // Nobody opened the database yet.
    assert_eq!([0, 19].map(|at| reaches(&mut first, &moments[at])), ["true", "false"]);
    let message = "SHOW DATABASE films YIELD currentStatus, statusMessage";
    check(&mut first, message, "'online' | ''");
    // It is looked at without being asked for, and goes on behind the damage.
    run(&mut first, "USE films CREATE (:Film {k: 21})").expect("writes");
    instance.close_idle();
    let shown = run(&mut first, message).expect("lists");
    assert!(shown.starts_with("'online' | 'Its journal is damaged in 000000000001.journal (record "), "{shown}");
    assert!(shown.ends_with(" only. Make a new one.'"), "{shown}");
    assert_eq!([0, 19].map(|at| reaches(&mut first, &moments[at])), ["true", "false"]);
    let end = run(&mut first, until).expect("lists").replace('\'', "");
    let seen = then(&mut first, "night", &end, "MATCH (f:Film) RETURN count(f)");
    let seen: usize = seen.parse().expect("a number");
    assert!((3..18).contains(&seen), "{seen} came back");
    let error =
        refused(&mut first, &format!("CREATE DATABASE then FROM BACKUP 'night' UNTIL datetime('{}')", moments[19]));
    assert!(error.starts_with("ExternalResourceFailed: the journal goes on from this backup only to "), "{error}");
    run(&mut first, "BACKUP DATABASE films TO 'newer'").expect("backs up");
    run(&mut first, "USE films CREATE (:Film {k: 22})").expect("writes");
    assert_eq!(then(&mut first, "newer", &now(), "MATCH (f:Film) RETURN count(f)"), "22");
}

/// Makes a folder what another one is, with all that is in it.
fn put_back(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).expect("makes");
    for entry in fs::read_dir(from).expect("lists").map(|entry| entry.expect("lists").path()) {
        let to = to.join(entry.file_name().expect("a name"));
        match entry.is_dir() {
            true => put_back(&entry, &to),
            false => drop(fs::copy(&entry, &to).expect("copies")),
        }
    }
}

#[test]
fn f24_a_backup_of_a_history_that_was_put_back_is_not_played_forward() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, kept, lost) = (folder.path().join("data"), folder.path().join("kept"), folder.path().join("lost"));
    for options in ["{journal: true}", "{journal: true, encryption: true}"] {
        let _ = fs::remove_dir_all(&data);
        let work = |texts: &[&str]| {
            let instance = on_disk(&data);
            let mut session = session(&instance);
            texts.iter().for_each(|text| drop(run(&mut session, text).expect(text)));
            drop(session);
            instance.close();
        };
        work(&[
            &format!("CREATE DATABASE shop OPTIONS {options}"),
            "BACKUP DATABASE shop TO 'first'",
            "USE shop CREATE ({k: 'ann'})",
        ]);
        put_back(&data, &kept);
        work(&["USE shop CREATE ({k: 'lost1'})", "USE shop CREATE ({k: 'lost2'})", "BACKUP DATABASE shop TO 'lost'"]);
        fs::copy(data.join("backups/lost"), &lost).expect("keeps it");
        put_back(&kept, &data);
        fs::copy(&lost, data.join("backups/lost")).expect("brings it");
        let instance = on_disk(&data);
        let mut session = session(&instance);
        for number in 1..=3 {
            run(&mut session, &format!("USE shop CREATE ({{k: 'new{number}'}})")).expect("writes");
            let got = refused(&mut session, "CREATE DATABASE mix FROM BACKUP 'lost' UNTIL datetime()");
            let expected = "ExternalResourceFailed: the journal does not go on from this backup: commit ";
            assert!(got.contains("is not in it or is another one there, as where an older copy"), "{got}");
            assert!(got.starts_with(expected), "{got}");
            let until = "SHOW BACKUPS YIELD file, restorableUntil RETURN file, restorableUntil IS NULL ORDER BY file";
            check(&mut session, until, "'first' | false\n'lost' | true");
        }
        assert_eq!(
            then(&mut session, "first", &now(), "MATCH (n) RETURN collect(n.k)"),
            "['ann', 'new1', 'new2', 'new3']"
        );
        // By itself it is a backup as good as any.
        run(&mut session, "CREATE DATABASE alone FROM BACKUP 'lost'").expect("restores");
        check(&mut session, "USE alone MATCH (n) RETURN collect(n.k)", "['ann', 'lost1', 'lost2']");
        drop(session);
        instance.close();
    }
}

/// Makes a database with a journal, a backup 'b0' and three commits, the last of which is damaged in the journal, and
/// starts again on it.
fn with_damage(data: &Path) -> instance::Instance {
    let instance = on_disk(data);
    let mut first = session(&instance);
    check(&mut first, "CREATE DATABASE films OPTIONS {journal: true}", "[system 1]");
    run(&mut first, "BACKUP DATABASE films TO 'b0'").expect("backs up");
    for number in 1..=3 {
        run(&mut first, &format!("USE films CREATE (:Film {{k: {number}}})")).expect("writes");
    }
    drop(first);
    instance.close();
    drop(instance);
    let file = journal_files(data, "films").pop().expect("one file");
    let mut bytes = fs::read(&file).expect("reads");
    let end = bytes.len();
    bytes[end - 20..].fill(0);
    fs::write(&file, bytes).expect("writes");
    let instance = on_disk(data);
    run(&mut session(&instance), "USE films CREATE (:Film {k: 4})").expect("writes");
    instance
}

#[test]
fn f24_damage_that_somebody_meets_is_told_of_until_there_is_a_new_backup() {
    for meets in [
        Some("CREATE DATABASE then FROM BACKUP 'b0' UNTIL datetime()"),
        Some("BACKUP JOURNAL FOR DATABASE films TO 'copy'"),
        // A backup looks by itself.
        None,
    ] {
        let data = tempfile::tempdir().expect("a folder");
        let instance = with_damage(data.path());
        let mut session = session(&instance);
        let message = "SHOW DATABASE films YIELD statusMessage";
        check(&mut session, message, "''");
        if let Some(text) = meets {
            let got = refused(&mut session, text);
            assert!(got.starts_with("StorageDamaged: the journal "), "{text}: {got}");
            assert!(got.contains("000000000001.journal is damaged"), "{text}: {got}");
            let shown = run(&mut session, message).expect("lists");
            assert!(shown.starts_with("'Its journal is damaged in 000000000001.journal (record "), "{text}: {shown}");
        }
        run(&mut session, "BACKUP DATABASE films TO 'b1'").expect("backs up");
        check(&mut session, message, "''");
        run(&mut session, "USE films CREATE (:Film {k: 5})").expect("writes");
        assert_eq!(then(&mut session, "b1", &now(), "MATCH (f:Film) RETURN count(f)"), "5");
        check(&mut session, message, "''");
        let old = refused(&mut session, "CREATE DATABASE then FROM BACKUP 'b0' UNTIL datetime()");
        assert!(old.starts_with("ExternalResourceFailed: the journal goes on from this backup only to "), "{old}");
    }
}

#[test]
fn f24_commits_of_many_writers_are_all_in_the_journal() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut first = session(&instance);
    check(&mut first, "CREATE DATABASE films OPTIONS {journal: true}", "[system 1]");
    run(&mut first, "BACKUP DATABASE films TO 'empty'").expect("backs up");
    together(&instance, 4, |writer, session| {
        for number in 0..25 {
            run(session, &format!("USE films CREATE (:Film {{k: {writer} * 100 + {number}}})")).expect("writes");
        }
    });
    let all = "MATCH (n:Film) RETURN count(n), count(DISTINCT n.k)";
    assert_eq!(then(&mut first, "empty", &now(), all), "100 | 100");
}

#[test]
fn f24_moments_that_nothing_leads_to_are_refused_and_leave_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    check(&mut session, "CREATE DATABASE films", "[system 1]");
    run(&mut session, "BACKUP DATABASE films TO 'without'").expect("backs up");
    let early = now();
    check(&mut session, "ALTER DATABASE films SET OPTION journal true", "[system 1]");
    run(&mut session, "BACKUP DATABASE films TO 'films'").expect("backs up");
    check(&mut session, "USE films CREATE (:Film)", "[nodes+ 1, labels+ 1]");
    let create = |file: &str, until: &str| format!("CREATE DATABASE then FROM BACKUP '{file}' UNTIL {until}");
    let moment = format!("datetime('{}')", now());
    let mut refuse = |text: String, expected: &str| {
        let got = refused(&mut session, &text);
        assert!(got.starts_with(expected), "{got}");
    };
    refuse(create("without", &moment), "ExternalResourceFailed: no journal was kept when the backup was made");
    refuse(create("films", &format!("datetime('{early}')")), "ArgumentError: ");
    refuse(create("films", "datetime('2199-01-01T00:00:00Z')"), "ArgumentError: 2199-01-01T00:00Z is after the end");
    refuse(create("films", "7"), "TypeError: UNTIL takes a datetime");
    refuse(create("films", "'yesterday'"), "ArgumentError: ");
    refuse(create("films", "datetime() - duration('PT1H')"), "ArgumentError: UNTIL takes a datetime");
    refuse(create("films", "$when"), "ParameterMissing: ");
    refuse(create("nothing", &moment), "ExternalResourceFailed: there is no backup");
    refuse(create("films", &format!("{moment} USING JOURNAL 'nothing'")), "ExternalResourceFailed: there is no backup");
    refuse(
        create("films", &format!("{moment} USING JOURNAL '../films'")),
        "ArgumentError: '../films' cannot be the name",
    );
    refuse(create("films", &format!("{moment} USING JOURNAL 'films'")), "ExternalResourceFailed: ");
    // Switched off and on: what came between is not recorded.
    check(&mut session, "ALTER DATABASE films SET OPTION journal false", "[system 1]");
    assert!(journal_files(data.path(), "films").is_empty());
    let got = refused(&mut session, &create("films", &moment));
    assert!(got.starts_with("ExternalResourceFailed: database 'films' keeps no journal"), "{got}");
    check(&mut session, "USE films CREATE (:Film)", "[nodes+ 1, labels+ 1]");
    check(&mut session, "ALTER DATABASE films SET OPTION journal true", "[system 1]");
    let got = refused(&mut session, &create("films", &moment));
    assert!(got.starts_with("ExternalResourceFailed: the journal does not go on from this backup"), "{got}");
    // The journal of another database of the same name is none of the backup's.
    run(&mut session, "BACKUP DATABASE films TO 'films2'").expect("backs up");
    run(&mut session, "DROP DATABASE films").expect("drops");
    check(&mut session, "CREATE DATABASE films OPTIONS {journal: true}", "[system 1]");
    let late = format!("datetime('{}')", now());
    let got = refused(&mut session, &create("films2", &late));
    assert!(
        got.starts_with("ExternalResourceFailed: the database that the backup is of is not on this server"),
        "{got}"
    );
    run(&mut session, "BACKUP JOURNAL FOR DATABASE films TO 'other'").expect("copies");
    let got = refused(&mut session, &create("films2", &format!("{late} USING JOURNAL 'other'")));
    assert!(got.contains("is of another database than the backup"), "{got}");
    check(&mut session, "SHOW DATABASES YIELD name WHERE name = 'then' RETURN count(*)", "0");
    let folders = fs::read_dir(data.path()).expect("lists");
    let left: Vec<_> = folders.map(|entry| entry.expect("lists").file_name().to_string_lossy().into_owned()).collect();
    assert!(!left.iter().any(|name| name.starts_with("then-")), "{left:?}");
}

#[test]
fn f24_a_damaged_journal_is_noticed_and_refused() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    check(&mut session, "CREATE DATABASE films OPTIONS {journal: true}", "[system 1]");
    run(&mut session, "BACKUP DATABASE films TO 'films'").expect("backs up");
    for number in 0..20 {
        run(&mut session, &format!("USE films CREATE (:Film {{k: {number}}})")).expect("writes");
    }
    let moment = now();
    let file = journal_files(data.path(), "films").remove(0);
    let middle = fs::read(&file).expect("reads").len() / 2;
    // What is written meanwhile stays.
    let flip = || {
        let mut bytes = fs::read(&file).expect("reads");
        bytes[middle] ^= 1;
        fs::write(&file, bytes).expect("writes");
    };
    flip();
    let restore = format!("CREATE DATABASE then FROM BACKUP 'films' UNTIL datetime('{moment}')");
    let got = refused(&mut session, &restore);
    assert!(got.starts_with("StorageDamaged: the journal ") && got.contains("checksum"), "{got}");
    // It goes on behind the damage, which stays.
    run(&mut session, "USE films CREATE (:Later)").expect("writes");
    let checked = run(&mut session, "CHECK DATABASE films").expect("checks");
    assert!(checked.starts_with("'films' | false") && checked.contains("fails its checksum"), "{checked}");
    flip();
    assert!(run(&mut session, "CHECK DATABASE films").expect("checks").starts_with("'films' | true"));
    assert_eq!(then(&mut session, "films", &moment, "MATCH (n) RETURN count(n)"), "20");
    check(&mut session, "SHOW DATABASES YIELD name WHERE name = 'then' RETURN count(*)", "0");
}

#[test]
fn f24_a_journal_lives_and_dies_with_its_database() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut first = session(&instance);
    check(&mut first, "CREATE DATABASE films OPTIONS {journal: true}", "[system 1]");
    run(&mut first, "BACKUP DATABASE films TO 'films'").expect("backs up");
    check(&mut first, "USE films CREATE (:Film {k: 1})", "[nodes+ 1, properties 1, labels+ 1]");
    // A copy begins its own; it has none unless it is told to.
    check(&mut first, "CREATE DATABASE copy FROM films", "[system 1]");
    assert!(journal_files(data.path(), "copy").is_empty());
    check(&mut first, "CREATE DATABASE copy2 FROM films OPTIONS {journal: true}", "[system 1]");
    run(&mut first, "BACKUP DATABASE copy2 TO 'copy2'").expect("backs up");
    check(&mut first, "USE copy2 CREATE (:Film {k: 7})", "[nodes+ 1, properties 1, labels+ 1]");
    let count = "MATCH (n) RETURN count(n)";
    assert_eq!(then(&mut first, "copy2", &now(), count), "2");
    // Another name, a stop, and a restart of the server.
    check(&mut first, "ALTER DATABASE films RENAME TO movies", "[system 1]");
    check(&mut first, "USE movies CREATE (:Film {k: 2})", "[nodes+ 1, properties 1, labels+ 1]");
    check(&mut first, "STOP DATABASE movies", "[system 1]");
    assert_eq!(then(&mut first, "films", &now(), count), "2", "a stopped one is read as well");
    check(&mut first, "START DATABASE movies", "[system 1]");
    drop(first);
    instance.close();
    drop(instance);
    let instance = on_disk(data.path());
    let mut first = session(&instance);
    check(&mut first, "USE movies CREATE (:Film {k: 3})", "[nodes+ 1, properties 1, labels+ 1]");
    let before = now();
    assert_eq!(then(&mut first, "films", &before, "MATCH (n) RETURN collect(n.k)"), "[1, 2, 3]");
    // In the place of what went wrong.
    check(&mut first, "USE movies MATCH (n) DETACH DELETE n", "[nodes- 3]");
    let deleted = now();
    let replace = format!("CREATE OR REPLACE DATABASE movies FROM BACKUP 'films' UNTIL datetime('{before}')");
    check(&mut first, &replace, "[system 1]");
    check(&mut first, "USE movies MATCH (n) RETURN count(n)", "3");
    // Its journal went with it; the copy that was left leads to other moments.
    let backups = fs::read_dir(data.path().join("backups")).expect("lists");
    let names = backups.map(|entry| entry.expect("lists").file_name().to_string_lossy().into_owned());
    let journal = names.into_iter().find(|name| name.starts_with("movies") && name.ends_with(".sheafjournal"));
    let using = format!("UNTIL datetime('{deleted}') USING JOURNAL '{}'", journal.expect("it was left"));
    check(&mut first, &format!("CREATE OR REPLACE DATABASE movies FROM BACKUP 'films' {using}"), "[system 1]");
    check(&mut first, "USE movies MATCH (n) RETURN count(n)", "0");
    let folder = folder_of(data.path(), "copy2");
    check(&mut first, "DROP DATABASE copy2", "[system 1]");
    assert!(!folder.exists(), "nothing is left of it");
}

#[test]
fn f24_what_was_answered_before_a_database_went_back_is_in_the_journal_that_is_left() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut admin = session(&instance);
    for (name, is_recreated) in [("one", true), ("two", false)] {
        run(&mut admin, &format!("CREATE DATABASE {name} OPTIONS {{journal: true}}")).expect("makes");
        run(&mut admin, &format!("BACKUP DATABASE {name} TO 'b-{name}'")).expect("backs up");
        run(&mut admin, &format!("USE {name} UNWIND range(1, 20000) AS n CREATE (:Old {{n: n}})")).expect("fills");
        let moment = now();
        let (begun, is_over) = (std::sync::Barrier::new(3), AtomicBool::new(false));
        let write = || {
            let (mut writer, mut answered) = (session(&instance), 0);
            begun.wait();
            while !is_over.load(Ordering::Relaxed) {
                // One that comes while the files are exchanged is refused, and later ones are in the new database.
                answered += u64::from(run(&mut writer, &format!("USE {name} CREATE (:Late)")).is_ok());
            }
            answered
        };
        let answered: u64 = std::thread::scope(|scope| {
            let writers = [scope.spawn(write), scope.spawn(write)];
            begun.wait();
            let back = if is_recreated {
                let seed = format!("{{seedURI: 'b-{name}', seedRestoreUntil: datetime('{moment}')}}");
                format!("CALL dbms.recreateDatabase('{name}', {seed})")
            } else {
                format!("CREATE OR REPLACE DATABASE {name} FROM BACKUP 'b-{name}' UNTIL datetime('{moment}')")
            };
            let went_back = run(&mut admin, &back);
            is_over.store(true, Ordering::Relaxed);
            went_back.expect("goes back");
            writers.into_iter().map(|writer| writer.join().expect("writes")).sum()
        });
        let backups = fs::read_dir(data.path().join("backups")).expect("lists");
        let mut names = backups.map(|entry| entry.expect("lists").file_name().to_string_lossy().into_owned());
        let left = names.find(|file| file.starts_with(&format!("{name}-")) && file.ends_with(".sheafjournal"));
        let left = left.expect("it was left");
        let to = |until: &str| {
            format!("CREATE DATABASE `again-{name}` FROM BACKUP 'b-{name}' UNTIL {until} USING JOURNAL '{left}'")
        };
        // It says itself how far it leads.
        let beyond = refused(&mut admin, &to("datetime()"));
        let (_, end) = beyond.split_once("tells of everything to ").expect("it has an end");
        run(&mut admin, &to(&format!("datetime('{}')", end.trim_end_matches('.')))).expect("restores");
        let mut count = |of: &str| -> u64 {
            let counted = run(&mut admin, &format!("USE {of} MATCH (n:Late) RETURN count(n)")).expect("counts");
            counted.parse().expect("a number")
        };
        let (before, after) = (count(&format!("`again-{name}`")), count(name));
        assert!(before > 0, "nobody wrote meanwhile");
        assert_eq!(before + after, answered, "{before} before, {after} after");
    }
}

#[test]
fn f24_what_is_dropped_leaves_a_copy_of_its_journal_if_told_so() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    check(&mut session, "CREATE DATABASE films OPTIONS {journal: true}", "[system 1]");
    run(&mut session, "BACKUP DATABASE films TO 'films'").expect("backs up");
    check(&mut session, "USE films CREATE (:Film {k: 1})", "[nodes+ 1, properties 1, labels+ 1]");
    let moment = now();
    check(&mut session, "USE films MATCH (n) DELETE n", "[nodes- 1]");
    let copied = run(&mut session, "BACKUP JOURNAL FOR DATABASE films TO 'films.sheafjournal'").expect("copies");
    assert!(copied.starts_with("'films' | 'films.sheafjournal' | 3 | "), "{copied}");
    check(&mut session, "DROP DATABASE films DUMP DATA", "[system 1]");
    let backups = fs::read_dir(data.path().join("backups")).expect("lists");
    let mut names: Vec<String> =
        backups.map(|entry| entry.expect("lists").file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.ends_with(".sheafjournal"));
    assert_eq!(names.len(), 2, "{names:?}");
    for name in names {
        let text = format!(
            "CREATE OR REPLACE DATABASE then FROM BACKUP 'films' UNTIL datetime('{moment}') USING JOURNAL '{name}'"
        );
        check(&mut session, &text, "[system 1]");
        check(&mut session, "USE then MATCH (n) RETURN n.k", "1");
    }
    check(&mut session, "BACKUP JOURNAL FOR DATABASE then", "ExternalResourceFailed: database 'then' keeps no journal");
    check(
        &mut session,
        "BACKUP JOURNAL FOR DATABASE system",
        "DatabaseProtected: Not allowed to back up the journal of system database.",
    );
}

#[test]
fn f24_a_database_whose_file_is_lost_comes_back_from_backup_and_journal() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut first = session(&instance);
    check(&mut first, "CREATE DATABASE films OPTIONS {journal: true}", "[system 1]");
    run(&mut first, "BACKUP DATABASE films TO 'films'").expect("backs up");
    for number in 0..10 {
        run(&mut first, &format!("USE films CREATE (:Film {{k: {number}}})")).expect("writes");
    }
    let moment = now();
    run(&mut first, "USE films CREATE (:Film {k: 'last'})").expect("writes");
    drop(first);
    instance.close();
    drop(instance);
    let file = folder_of(data.path(), "films").join("data.mdb");
    let bytes = fs::read(&file).expect("reads");
    fs::write(&file, &bytes[..8_192]).expect("cuts");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    assert!(run(&mut session, "USE films MATCH (n) RETURN count(n)").is_err());
    assert_eq!(then(&mut session, "films", &moment, "MATCH (n) RETURN count(n)"), "10");
}

#[test]
fn f24_what_a_journal_covers_is_shown() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    check(&mut session, "CREATE DATABASE films OPTIONS {journal: true, journalAge: '2d'}", "[system 1]");
    check(&mut session, "SHOW DATABASE films YIELD options RETURN options", "{journal: true, journalAge: '2d'}");
    check(&mut session, "CREATE DATABASE plain", "[system 1]");
    run(&mut session, "BACKUP DATABASE plain TO 'plain'").expect("backs up");
    run(&mut session, "BACKUP DATABASE films TO 'films'").expect("backs up");
    run(&mut session, "USE films CREATE (:Film)").expect("writes");
    let shown = "SHOW USAGE YIELD database, journalBytes, journalFrom \
                 RETURN database, journalBytes > 100 AS big, journalFrom <= datetime() AS since ORDER BY database";
    check(&mut session, shown, "'films' | true | true\n'plain' | null | null\n'sheaf' | null | null");
    let shown = "SHOW BACKUPS YIELD file, taken, restorableUntil \
                 RETURN file, restorableUntil > taken AS later ORDER BY file";
    check(&mut session, shown, "'films' | true\n'plain' | null");
    let metrics = instance.metrics();
    assert!(metrics.contains("sheaf_database_journal_bytes{database=\"films\"}"), "{metrics}");
    assert!(!metrics.contains("sheaf_database_journal_bytes{database=\"plain\"}"));
}

#[test]
fn f24_a_server_without_files_keeps_no_journals() {
    let instance = world::in_memory();
    let mut session = session(&instance);
    let none = "ArgumentError: This server keeps no files, and so no journals.";
    check(&mut session, "CREATE DATABASE films OPTIONS {journal: true}", none);
    check(&mut session, "CREATE DATABASE films OPTIONS {journal: false}", "[system 1]");
    check(&mut session, "ALTER DATABASE films SET OPTION journal true", none);
}
