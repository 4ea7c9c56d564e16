//! Backups, restores, copies and the audit of an instance on disk.

mod world;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use catalog::Limit;
use instance::audit::{Kind, verify};
use instance::{Fetched, Instance, InstanceOptions, More, RunOptions, Session, backup};
use types::{Code, Failure, Map, Value};
use world::{check, on_disk, options, run, session, together};

const PROGRESS: backup::Step<'static> = &|_| Ok(());

fn code(session: &mut Session, text: &str) -> String {
    let failure = run(session, text).expect_err(text);
    format!("{:?}: {}", failure.code(), failure.message())
}

fn fill(session: &mut Session) {
    check(session, "CREATE DATABASE films", "[system 1]");
    check(session, "USE films CREATE INDEX title FOR (f:Film) ON (f.title)", "[indexes+ 1]");
    let make = "USE films UNWIND range(1, 500) AS n CREATE (f:Film {title: 'film ' + n})-[:MADE_IN]->(:Year {year: n})";
    run(session, make).expect("creates");
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("lists").map(|entry| entry.expect("lists").file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn f24_a_backup_is_restored_under_any_name() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    fill(&mut session);
    let got = run(&mut session, "BACKUP DATABASE films TO 'films.sheafbackup' WITH CHECK").expect("backs up");
    assert!(got.starts_with("'films' | 'films.sheafbackup' | 1000 | 500 | "), "{got}");
    assert!(got.ends_with("| true"), "{got}");
    check(&mut session, "USE films MATCH (n:Year) DETACH DELETE n", "[nodes- 500, relationships- 500]");
    check(&mut session, "CREATE DATABASE again FROM BACKUP 'films.sheafbackup'", "[system 1]");
    check(&mut session, "USE again MATCH (f:Film {title: 'film 7'})-[:MADE_IN]->(y) RETURN y.year", "7");
    check(&mut session, "USE again MATCH (n) RETURN count(n)", "1000");
    check(&mut session, "USE films MATCH (n) RETURN count(n)", "500");
    check(
        &mut session,
        "SHOW AUDIT YIELD databases, operation WHERE operation CONTAINS 'CREATE DATABASE again' RETURN *",
        "['again', 'films'] | 'CREATE DATABASE again FROM BACKUP 'films.sheafbackup' [file 'films.sheafbackup', a backup \
         of films]'",
    );
    let shown = run(&mut session, "CHECK DATABASE again").expect("checks");
    assert!(shown.starts_with("'again' | true | 1000 | 500"), "{shown}");
    let ids = |session: &mut Session, name: &str| {
        run(session, &format!("USE {name} MATCH (f:Film {{title: 'film 7'}}) RETURN elementId(f)")).expect("reads")
    };
    assert_ne!(ids(&mut session, "films"), ids(&mut session, "again"));
    // It lives: it is written to, and it is there after a restart.
    check(&mut session, "USE again CREATE (:Film {title: 'new'})", "[nodes+ 1, properties 1, labels+ 1]");
    drop(session);
    instance.close();
    drop(instance);
    let instance = on_disk(data.path());
    let mut session = world::session(&instance);
    check(&mut session, "USE again MATCH (n) RETURN count(n)", "1001");
    check(&mut session, "SHOW BACKUPS YIELD file, name, nodes, problem", "'films.sheafbackup' | 'films' | 1000 | null");
    check(
        &mut session,
        "CREATE OR REPLACE DATABASE again FROM BACKUP $file",
        "ParameterMissing: Expected parameter(s): file",
    );
    check(&mut session, "CREATE OR REPLACE DATABASE again FROM BACKUP 'films.sheafbackup'", "[system 1]");
    check(&mut session, "USE again MATCH (n) RETURN count(n)", "1000");
}

#[test]
fn f25_a_copy_is_one_version_and_a_database_of_its_own() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    fill(&mut session);
    check(&mut session, "CREATE DATABASE copy FROM films", "[system 1]");
    check(&mut session, "USE copy MATCH (f:Film) DETACH DELETE f", "[nodes- 500, relationships- 500]");
    check(&mut session, "USE films MATCH (f:Film) RETURN count(f)", "500");
    check(
        &mut session,
        "CREATE DATABASE copy FROM films",
        "DatabaseExists: Failed to create the specified database 'copy': Database name or alias already exists.",
    );
    check(
        &mut session,
        "CREATE DATABASE other FROM nobody",
        "DatabaseNotFound: Failed to copy the specified database 'nobody': Database does not exist.",
    );
    check(&mut session, "CREATE DATABASE other FROM system", "DatabaseProtected: Not allowed to copy system database.");
    check(&mut session, "CREATE OR REPLACE DATABASE films FROM films", "[system 1]");
    check(&mut session, "USE films MATCH (f:Film) RETURN count(f)", "500");
    check(&mut session, "SHOW DATABASES YIELD name WHERE name = 'other' RETURN count(*)", "0");
}

#[test]
fn f25_copies_and_backups_are_of_one_point_in_time_while_others_write() {
    let data = tempfile::tempdir().expect("a folder");
    // A small map: the file has to grow again and again while it is being copied.
    let small = InstanceOptions { map_start_bytes: 1 << 20, ..options(data.path()) };
    let instance = Instance::open(small).expect("opens");
    let mut first = session(&instance);
    run(&mut first, "CREATE DATABASE bank").expect("creates");
    run(&mut first, "USE bank CREATE INDEX FOR (a:Account) ON (a.number)").expect("creates");
    run(&mut first, "USE bank UNWIND range(0, 99) AS n CREATE (:Account {number: n, sum: 100})").expect("fills");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let (instance, done) = (&instance, &done);
            scope.spawn(move || {
                let mut session = session(instance);
                let mut moved = 0_u64;
                while !done.load(Ordering::Relaxed) || moved < 20 {
                    let (from, to) = ((moved * 7 + writer) % 100, (moved * 13 + writer * 3 + 1) % 100);
                    let text = format!(
                        "USE bank MATCH (a:Account {{number: {from}}}), (b:Account {{number: {to}}}) \
                         SET a.sum = a.sum - 1 SET b.sum = b.sum + 1 CREATE (:Note {{text: '{}'}})",
                        "x".repeat(3_000)
                    );
                    run(&mut session, &text).expect("writers go on while others copy");
                    moved += 1;
                }
            });
        }
        for round in 0..5 {
            run(&mut first, &format!("CREATE DATABASE copy{round} FROM bank")).expect("copies");
            run(&mut first, &format!("BACKUP DATABASE bank TO 'bank{round}' WITH CHECK")).expect("backs up");
            run(&mut first, &format!("CREATE DATABASE restored{round} FROM BACKUP 'bank{round}'")).expect("restores");
            for name in ["copy", "restored"] {
                let sum = format!("USE {name}{round} MATCH (a:Account) RETURN sum(a.sum), count(a)");
                check(&mut first, &sum, "10000 | 100");
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn f24_names_of_files_stay_in_their_folder() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    fill(&mut session);
    let long = "x".repeat(10_000);
    let names =
        ["../x", "a/b", "/etc/passwd", "..", ".", ".hidden", "-rf", "a\\\\b", "nul\\u0000x", "", "fílm", "CON:", &long];
    for name in names {
        let backup = code(&mut session, &format!("BACKUP DATABASE films TO '{name}'"));
        assert!(
            backup.starts_with("ArgumentError: '") && backup.contains("cannot be the name of a backup"),
            "{backup}"
        );
        let restore = code(&mut session, &format!("CREATE DATABASE other FROM BACKUP '{name}'"));
        assert!(restore.starts_with("ArgumentError: '"), "{restore}");
    }
    let missing = code(&mut session, "CREATE DATABASE other FROM BACKUP 'nothing'");
    assert_eq!(missing, "ExternalResourceFailed: there is no backup nothing", "where the folder lies is not told");
    run(&mut session, "BACKUP DATABASE films TO 'films'").expect("backs up");
    let again = code(&mut session, "BACKUP DATABASE films TO 'films'");
    assert_eq!(again, "ArgumentError: there is a file films already");
    let backups = data.path().join("backups");
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", backups.join("link")).expect("links");
    let link = code(&mut session, "CREATE DATABASE other FROM BACKUP 'link'");
    assert!(link.contains("it is no plain file"), "{link}");
    assert_eq!(files(&backups), ["films", "link"]);
    check(&mut session, "SHOW DATABASES YIELD name WHERE name = 'other' RETURN count(*)", "0");
}

#[test]
fn f24_what_is_damaged_is_refused_whole() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    fill(&mut session);
    run(&mut session, "BACKUP DATABASE films TO 'films'").expect("backs up");
    let backups = data.path().join("backups");
    let sound = fs::read(backups.join("films")).expect("reads");
    assert!(backup::verify(&backups.join("films"), PROGRESS).is_ok());
    let before = files(data.path());
    let mut tried = 0;
    let mut refuse = |bytes: &[u8], what: String| {
        tried += 1;
        let file = backups.join("bad");
        fs::write(&file, bytes).expect("writes");
        let found = backup::verify(&file, PROGRESS).expect_err(&what);
        assert!(matches!(found.code(), Code::StorageDamaged | Code::ExternalResourceFailed), "{what}: {found}");
        if tried % 10 == 0 {
            let failure = run(&mut session, "CREATE DATABASE bad FROM BACKUP 'bad'").expect_err(&what);
            assert!(matches!(failure.code(), Code::StorageDamaged | Code::ExternalResourceFailed), "{what}: {failure}");
        }
    };
    for part in 0..40 {
        let at = sound.len() * part / 40;
        refuse(&sound[..at], format!("cut to {at} bytes"));
        let mut changed = sound.clone();
        changed[at] ^= 1 << (part % 8);
        refuse(&changed, format!("byte {at} changed"));
    }
    let mut longer = sound.clone();
    longer.push(0);
    refuse(&longer, "longer".to_owned());
    refuse(b"PK\x03\x04 an archive of another kind", "foreign".to_owned());
    let mut newer = sound;
    newer[8] = 9;
    fs::write(backups.join("newer"), newer).expect("writes");
    let failure = code(&mut session, "CREATE DATABASE bad FROM BACKUP 'newer'");
    assert!(failure.contains("format 9, which a newer server wrote"), "{failure}");
    assert_eq!(files(data.path()), before, "no folder is left of what was refused");
    let problems = run(&mut session, "SHOW BACKUPS YIELD file, problem").expect("lists");
    assert!(problems.contains("'newer' | ") && problems.contains("newer server"), "with the reason: {problems}");
}

#[test]
fn f24_the_list_tells_what_is_no_backup() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    fill(&mut session);
    run(&mut session, "BACKUP DATABASE films TO 'films.sheafbackup'").expect("backs up");
    run(&mut session, "BACKUP ALL DATABASES TO 'all'").expect("backs up");
    let backups = data.path().join("backups");
    let sound = fs::read(backups.join("films.sheafbackup")).expect("reads");
    let put = |name: &str, bytes: &[u8]| fs::write(backups.join(name), bytes).expect("writes");
    put("cut.sheafbackup", &sound[..sound.len() - 1]);
    put("short", &sound[..sound.len() / 2]);
    put("longer", &[&sound[..], b"\0"].concat());
    put("text.sheafbackup", b"no backup at all");
    fs::create_dir(backups.join("folder.sheafbackup")).expect("makes");
    fs::create_dir(backups.join("somebody's")).expect("makes");
    std::os::unix::fs::symlink(backups.join("films.sheafbackup"), backups.join("link.sheafbackup")).expect("links");
    std::os::unix::fs::symlink("/nowhere", backups.join("lost.sheafbackup")).expect("links");
    let listed = run(&mut session, "SHOW BACKUPS YIELD file, problem").expect("lists");
    let cut = "it was cut short, or changed at its end";
    let link = "it is a link; a backup is a file that lies in the backup folder itself";
    let expected = [
        ("all", "null"),
        ("cut.sheafbackup", cut),
        ("films.sheafbackup", "null"),
        ("folder.sheafbackup", "it is a folder, and no backup of a whole server lies in it"),
        ("link.sheafbackup", link),
        ("longer", cut),
        ("lost.sheafbackup", link),
        ("short", cut),
        ("text.sheafbackup", "it does not begin as a backup"),
    ];
    let expected = expected.map(|(file, why)| {
        let why = if why == "null" { why.to_owned() } else { format!("'{why}'") };
        format!("'{file}' | {why}")
    });
    assert_eq!(listed, expected.join("\n"));
    // Of a whole server too, each file is as long as its list says.
    let one = files(&backups.join("all")).into_iter().find(|file| file.starts_with("films-")).expect("is there");
    put(&format!("all/{one}"), &sound[..100]);
    let listed =
        run(&mut session, "SHOW BACKUPS YIELD file, problem WHERE file = 'all' RETURN problem").expect("lists");
    assert!(listed.starts_with(&format!("'its file {one} has 100 bytes, not ")), "{listed}");
}

#[test]
fn f24_f25_what_is_stopped_is_copied_and_stays_stopped() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    fill(&mut session);
    check(&mut session, "CREATE DATABASE vault OPTIONS {encryption: true}", "[system 1]");
    run(&mut session, "USE vault CREATE (:Hidden)").expect("fills");
    for name in ["films", "vault"] {
        check(&mut session, &format!("STOP DATABASE {name}"), "[system 1]");
        run(&mut session, &format!("BACKUP DATABASE {name} TO '{name}' WITH CHECK")).expect("backs up");
        check(&mut session, &format!("CREATE DATABASE {name}2 FROM {name}"), "[system 1]");
        let standing = format!("SHOW DATABASE {name} YIELD requestedStatus, currentStatus");
        check(&mut session, &standing, "'offline' | 'offline'");
        let refused = code(&mut session, &format!("USE {name} MATCH (n) RETURN count(n)"));
        assert!(refused.starts_with("DatabaseUnavailable: "), "{refused}");
    }
    check(&mut session, "CREATE DATABASE sealed FROM films OPTIONS {encryption: true}", "[system 1]");
    for (name, nodes) in [("films2", "1000"), ("vault2", "1"), ("sealed", "1000")] {
        check(&mut session, &format!("USE {name} MATCH (n) RETURN count(n)"), nodes);
    }
    check(&mut session, "DROP DATABASE films DUMP DATA", "[system 1]");
    check(&mut session, "CREATE DATABASE films3 FROM BACKUP 'films'", "[system 1]");
    // Tools on a data folder copy it too.
    let file = data.path().join("vault.sheafbackup");
    let (header, _) = instance.back_up("vault", &file, instance::Walk::Yes, PROGRESS).expect("backs up");
    assert_eq!(header.nodes, 1);
}

#[test]
fn f24_a_folder_that_is_not_there_is_not_made() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(&data.path().join("data"));
    let nowhere = data.path().join("nowhere");
    let failures = [
        instance.back_up("sheaf", &nowhere.join("x"), instance::Walk::No, PROGRESS).map(drop),
        instance.back_up_all(&nowhere.join("x"), instance::Walk::No, &Silent).map(drop),
    ];
    for failure in failures {
        let failure = failure.expect_err("there is no such folder");
        assert_eq!(
            failure.message(),
            format!("there is no folder {}; make it, or name another one", nowhere.display())
        );
        assert!(!nowhere.exists());
    }
    instance.back_up_all(&data.path().join("x"), instance::Walk::No, &Silent).expect("its own folder is made");
}

struct Silent;

impl backup::whole::Watch for Silent {
    fn step(&self, _: u64) -> Result<(), Failure> {
        Ok(())
    }
}

#[test]
fn f24_a_stream_is_the_file() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    fill(&mut session);
    let file = data.path().join("streamed");
    let mut out = fs::File::create(&file).expect("makes");
    let mut records =
        session.run("BACKUP DATABASE films TO STREAM", Map::new(), &RunOptions::default()).expect("begins");
    let mut fetched = Fetched::default();
    loop {
        fetched.clear();
        let more = records.pull(1, &mut fetched).expect("sends");
        for row in fetched.iter() {
            let [Value::Bytes(piece)] = row else { panic!("a row holds one piece") };
            out.write_all(piece).expect("writes");
        }
        if more == More::No {
            break;
        }
    }
    let header = backup::verify(&file, PROGRESS).expect("sound");
    assert_eq!((header.database.as_str(), header.nodes, header.relationships), ("films", 1000, 500));
    // A client that leaves ends it, and the database can be dropped.
    let records = session.run("BACKUP DATABASE films TO STREAM", Map::new(), &RunOptions::default()).expect("begins");
    drop(records);
    check(&mut session, "DROP DATABASE films", "[system 1]");
}

#[test]
fn f3_what_is_dropped_can_be_dumped_first() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    fill(&mut session);
    check(&mut session, "DROP DATABASE films DUMP DATA", "[system 1]");
    let backups = files(&data.path().join("backups"));
    assert!(backups.len() == 1 && backups[0].starts_with("films-20"), "{backups:?}");
    check(&mut session, &format!("CREATE DATABASE films FROM BACKUP '{}'", backups[0]), "[system 1]");
    check(&mut session, "USE films MATCH (n) RETURN count(n)", "1000");
}

#[test]
fn f24_a_server_without_files_copies_and_keeps_no_backups() {
    let instance = world::in_memory();
    let mut session = session(&instance);
    fill(&mut session);
    check(&mut session, "CREATE DATABASE copy FROM films", "[system 1]");
    check(&mut session, "USE copy MATCH (n) RETURN count(n)", "1000");
    check(&mut session, "BACKUP DATABASE films", "ArgumentError: This server keeps no files and has no backup folder.");
}

#[test]
fn f94_what_changes_something_is_in_the_audit() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut first = session(&instance);
    fill(&mut first);
    run(&mut first, "CREATE DATABASE shop").expect("creates");
    run(&mut first, "CREATE DATABASE shop").expect_err("it is there");
    run(&mut first, "SHOW DATABASES").expect("lists");
    run(&mut first, "EXPLAIN DROP DATABASE shop").expect("explains");
    run(&mut first, "USE films MATCH (n) RETURN count(n)").expect("reads");
    run(&mut first, "BACKUP DATABASE films TO 'films'").expect("backs up");
    let across = "CALL { USE films MATCH (n) RETURN count(n) AS a } CALL { USE shop MATCH (n) RETURN count(n) AS b } \
                  RETURN a, b";
    run(&mut first, across).expect("reads both");
    check(
        &mut first,
        "SHOW AUDIT YIELD sequence, kind, databases, operation, outcome, code WHERE kind <> 'start' \
         RETURN kind, databases, left(operation, 30), outcome, code ORDER BY sequence",
        "'admin' | ['films'] | 'CREATE DATABASE films' | 'done' | null\n\
         'admin' | ['shop'] | 'CREATE DATABASE shop' | 'done' | null\n\
         'admin' | ['shop'] | 'CREATE DATABASE shop' | 'failed' | 'Neo.ClientError.Database.ExistingDatabaseFound'\n\
         'backup' | ['films'] | 'BACKUP DATABASE films TO 'film' | 'done' | null\n\
         'cross-database' | ['films', 'shop'] | 'CALL { USE films MATCH (n) RET' | 'done' | null",
    );
    // A client in a loop does not fill the disk.
    together(&instance, 4, |_, session| {
        for _ in 0..200 {
            let options = RunOptions { timeout: Some(std::time::Duration::from_millis(1)), ..RunOptions::default() };
            let long = "UNWIND range(1, 10000000) AS x RETURN sum(x * x)";
            let _: Result<String, Failure> = world::run_with(session, long, Map::new(), &options);
        }
    });
    drop(first);
    instance.close();
    drop(instance);
    let found = verify(&data.path().join("audit"), None).expect("reads");
    assert!(found.is_sound() && found.lines > 6, "{found:?}");
    let last =
        instance::audit::lines(&data.path().join("audit")).expect("reads").last().expect("lines").expect("reads");
    assert_eq!(last.kind, Kind::Stop);
}

#[test]
fn f3_f94_dumps_and_restores_are_backups_in_the_audit_however_they_are_asked_for() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    fill(&mut session);
    run(&mut session, "BACKUP DATABASE films TO 'films'").expect("backs up");
    run(&mut session, "CALL dbms.recreateDatabase('films', {seedURI: 'films'})").expect("restores");
    run(&mut session, "CALL dbms.recreateDatabase('films', {clearData: true})").expect("empties");
    run(&mut session, "CREATE DATABASE seeded OPTIONS {seedURI: 'films'}").expect("makes");
    run(&mut session, "DROP DATABASE films DUMP DATA").expect("dumps and drops");
    check(
        &mut session,
        "SHOW AUDIT YIELD sequence, kind, databases, operation WHERE 'films' IN databases AND NOT operation STARTS WITH \
         'CREATE DATABASE films' RETURN kind, left(operation, 45) ORDER BY sequence",
        "'backup' | 'BACKUP DATABASE films TO 'films''\n\
         'backup' | 'CALL dbms.recreateDatabase('films', {seedURI:'\n\
         'admin' | 'CALL dbms.recreateDatabase('films', {clearDat'\n\
         'backup' | 'CREATE DATABASE seeded OPTIONS {seedURI: 'fil'\n\
         'backup' | 'DROP DATABASE films DUMP DATA'",
    );
}

#[test]
fn f3_f24_what_was_answered_before_a_drop_is_in_its_dump() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut admin = session(&instance);
    for (round, (options, is_staged)) in
        [("", false), ("", true), ("OPTIONS {journal: true}", false), ("OPTIONS {encryption: true}", true)]
            .into_iter()
            .enumerate()
    {
        let name = format!("busy{round}");
        run(&mut admin, &format!("CREATE DATABASE {name} {options}")).expect("makes");
        run(&mut admin, &format!("USE {name} UNWIND range(1, 20000) AS n CREATE (:Film {{title: 'film ' + n}})"))
            .expect("fills");
        let begun = std::sync::Barrier::new(3);
        let answered: u64 = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let mut writer = session(&instance);
                        let mut answered = 0;
                        begun.wait();
                        while run(&mut writer, &format!("USE {name} CREATE (:Late)")).is_ok() {
                            answered += 1;
                        }
                        answered
                    })
                })
                .collect();
            begun.wait();
            let drop_it = format!("DROP DATABASE {name} DUMP DATA");
            if is_staged {
                admin.begin(&RunOptions::default()).expect("begins");
                run(&mut admin, &drop_it).expect("stages");
                admin.commit().expect("dumps and drops");
            } else {
                run(&mut admin, &drop_it).expect("dumps and drops");
            }
            writers.into_iter().map(|writer| writer.join().expect("writes")).sum()
        });
        let backups = files(&data.path().join("backups"));
        let file = backups.iter().find(|file| file.starts_with(&name) && !file.contains("journal"));
        let file = file.unwrap_or_else(|| panic!("no backup of {name} among {backups:?}"));
        run(&mut admin, &format!("CREATE DATABASE again{round} FROM BACKUP '{file}'")).expect("restores");
        check(&mut admin, &format!("USE again{round} MATCH (n:Late) RETURN count(n)"), &answered.to_string());
    }
}

#[test]
fn f25_a_database_that_is_copied_into_its_own_place_loses_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut admin = session(&instance);
    run(&mut admin, "CREATE DATABASE busy").expect("makes");
    run(&mut admin, "USE busy UNWIND range(1, 20000) AS n CREATE (:Film {title: 'film ' + n})").expect("fills");
    let (begun, is_over) = (std::sync::Barrier::new(2), AtomicBool::new(false));
    let answered: u64 = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (mut writer, mut answered) = (session(&instance), 0);
            begun.wait();
            while !is_over.load(Ordering::Relaxed) {
                answered += u64::from(run(&mut writer, "USE busy CREATE (:Late)").is_ok());
            }
            answered
        });
        begun.wait();
        let copied = (0..3).try_for_each(|_| run(&mut admin, "CREATE OR REPLACE DATABASE busy FROM busy").map(drop));
        is_over.store(true, Ordering::Relaxed);
        copied.expect("copies");
        writer.join().expect("writes")
    });
    check(&mut admin, "USE busy MATCH (n:Late) RETURN count(n)", &answered.to_string());
    check(&mut admin, "USE busy MATCH (n:Film) RETURN count(n)", "20000");
}

#[test]
fn f25_who_starts_and_stops_a_database_while_it_is_replaced_loses_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut admin = session(&instance);
    run(&mut admin, "CREATE DATABASE busy").expect("makes");
    run(&mut admin, "USE busy UNWIND range(1, 60000) AS n CREATE (:Film {title: 'film ' + n})").expect("fills");
    let is_over = AtomicBool::new(false);
    let answered: u64 = std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let (mut other, mut answered) = (session(&instance), 0);
            while !is_over.load(Ordering::Relaxed) {
                // Each of them may come too late.
                let _ = run(&mut other, "START DATABASE busy");
                answered += u64::from(run(&mut other, "USE busy CREATE (:Late)").is_ok());
                let _ = run(&mut other, "STOP DATABASE busy");
            }
            let _ = run(&mut other, "START DATABASE busy");
            answered
        });
        for _ in 0..20 {
            // Who was in between is told, or is in the copy.
            let _ = run(&mut admin, "CREATE OR REPLACE DATABASE busy FROM busy");
        }
        is_over.store(true, Ordering::Relaxed);
        other.join().expect("ends")
    });
    check(&mut admin, "USE busy MATCH (n:Late) RETURN count(n)", &answered.to_string());
    check(&mut admin, "USE busy MATCH (n:Film) RETURN count(n)", "60000");
}

#[test]
fn f3_a_database_whose_dump_fails_goes_on() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut admin = session(&instance);
    fill(&mut admin);
    run(&mut admin, "BACKUP DATABASE films").expect("makes the folder");
    // No folder any more, and no place for one.
    fs::remove_dir_all(data.path().join("backups")).expect("goes");
    fs::write(data.path().join("backups"), "in the way").expect("writes");
    for is_staged in [false, true] {
        if is_staged {
            admin.begin(&RunOptions::default()).expect("begins");
        }
        let dropped = run(&mut admin, "DROP DATABASE films DUMP DATA");
        let dropped = if is_staged { dropped.and_then(|_| admin.commit().map(|_| String::new())) } else { dropped };
        dropped.expect_err("there is no place for the dump");
        let _ = admin.rollback();
        check(&mut admin, "USE films MATCH (n:Film) RETURN count(n)", "500");
    }
}

/// Time that stands still.
struct Still(std::time::Instant);

impl types::Clock for Still {
    fn now(&self) -> std::time::Instant {
        self.0
    }

    fn wall_nanos(&self) -> i128 {
        1_700_000_000_000_000_000
    }
}

#[test]
fn f24_backups_without_a_name_in_one_moment_have_names_of_their_own() {
    let data = tempfile::tempdir().expect("a folder");
    let clock = std::sync::Arc::new(Still(types::Clock::now(&types::SystemClock)));
    let open = || Instance::open(InstanceOptions { clock: clock.clone(), ..options(data.path()) }).expect("opens");
    let instance = open();
    let mut session = session(&instance);
    fill(&mut session);
    for _ in 0..3 {
        run(&mut session, "BACKUP DATABASE films").expect("the name is free");
    }
    run(&mut session, "BACKUP ALL DATABASES").expect("the name is free");
    run(&mut session, "BACKUP ALL DATABASES").expect("the name is free");
    // A restart forgets what it made up, and sees what is there.
    drop(session);
    instance.close();
    drop(instance);
    let instance = open();
    let mut session = world::session(&instance);
    run(&mut session, "DROP DATABASE films DUMP DATA").expect("the name is free");
    assert_eq!(files(&data.path().join("backups")).len(), 6);
}

#[test]
fn f94_f97_credentials_of_other_machines_are_stars() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut first = session(&instance);
    for text in [
        "CREATE DATABASE s OPTIONS {seedURI: 's3://x', seedConfig: 'canary1', seedCredentials: 'canary2'}",
        "CREATE DATABASE s OPTIONS {seedURI: 'http://ann:canary3@127.0.0.1:9/x'}",
        "CREATE DATABASE nope.nope OPTIONS {seedCredentials: 'canary4'",
        "DROP DATABASE nope; CALL dbms.security.createUser('x', 'canary5', false)",
        "USE nope LOAD CSV FROM 'http://ann:canary6@127.0.0.1:9/x' AS r RETURN r",
        "USE nope CALL dbms.setConfigValue('seal_keys', 'canary7')",
    ] {
        let failure = run(&mut first, text).expect_err(text);
        assert!(!failure.to_string().contains("canary2") && !failure.to_string().contains("canary3"), "{failure}");
    }
    let lines = run(&mut first, "SHOW AUDIT YIELD *").expect("it is listed");
    assert!(lines.contains("seedCredentials: '******'") && lines.contains("******@127.0.0.1"), "{lines}");
    assert!(lines.contains("dbms.setConfigValue('******'"), "{lines}");
    assert!(!lines.contains("canary"), "{lines}");
}

#[test]
fn f94_a_name_that_leads_nowhere_leaves_one_line_whatever_the_command() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut first = session(&instance);
    for text in [
        "DROP DATABASE nope",
        "ALTER DATABASE nope SET LIMIT max_nodes = 1",
        "// a comment in front\nSHOW LIMITS FOR DATABASE nope",
        "/* and here */ CHECK DATABASE nope",
        "USE nope RETURN 1",
        "EXPLAIN USE nope RETURN 1",
    ] {
        let failure = run(&mut first, text).expect_err(text);
        assert_eq!(failure.code(), Code::DatabaseNotFound, "{text}: {failure}");
    }
    check(
        &mut first,
        "SHOW AUDIT YIELD sequence, kind, databases, operation WHERE 'nope' IN databases \
         RETURN kind, databases, left(replace(operation, '\n', ' '), 30) ORDER BY sequence",
        "'admin' | ['nope'] | 'DROP DATABASE nope'\n\
         'admin' | ['nope'] | 'ALTER DATABASE nope SET LIMIT '\n\
         'refusal' | ['nope'] | '// a comment in front SHOW LIM'\n\
         'admin' | ['nope'] | 'CHECK DATABASE nope'\n\
         'refusal' | ['nope', 'sheaf'] | 'USE nope RETURN 1'\n\
         'refusal' | ['nope', 'sheaf'] | 'EXPLAIN USE nope RETURN 1'",
    );
}

/// Tells the format of the file of a database, as its header has it.
fn format_of(data: &Path, name: &str) -> u8 {
    let is_its = |folder: &String| folder.starts_with(&format!("{name}-"));
    let folder = files(data).into_iter().find(is_its).expect("a database has a folder");
    fs::read(data.join(folder).join("data.mdb")).expect("reads")[2048 + 8]
}

/// `older/format-1.sheafbackup` was made by the last server whose files had format 1.
#[test]
fn a9_a_backup_of_format_1_is_restored_used_and_copied_into_format_2() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    let backups = data.path().join("backups");
    fs::create_dir_all(&backups).expect("makes");
    let older = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/older/format-1.sheafbackup");
    fs::copy(older, backups.join("older.sheafbackup")).expect("copies");
    check(&mut session, "CREATE DATABASE films FROM BACKUP 'older.sheafbackup'", "[system 1]");
    check(&mut session, "CREATE DATABASE copied FROM films", "[system 1]");
    for (name, format) in [("films", 1), ("copied", 2)] {
        let ask =
            |session: &mut Session, text: &str, expected: &str| check(session, &format!("USE {name} {text}"), expected);
        ask(&mut session, "MATCH (f:Film) RETURN count(*), sum(f.year), sum(size(f.text))", "52 | 102784 | 65536");
        ask(
            &mut session,
            "MATCH (f:Film {title: 'Film 8'})-[:BEFORE]->(g) RETURN f.year, g.title ORDER BY g.title",
            "1968 | 'Film 49'\n1968 | 'Film 9'",
        );
        ask(&mut session, "MATCH (f:Film) WHERE f.year >= 1970 AND f.year < 1980 RETURN count(*)", "18");
        ask(&mut session, "MATCH (f:Film {title: 'Film 9'}) DETACH DELETE f", "[nodes- 1, relationships- 4]");
        ask(&mut session, "CREATE (f:Film {title: 'Film 61', year: 2000})", "[nodes+ 1, properties 2, labels+ 1]");
        let again =
            run(&mut session, &format!("USE {name} CREATE (f:Film {{title: 'Film 61'}})")).expect_err("it is there");
        assert_eq!(again.code(), Code::ConstraintValidationFailed);
        let checked = run(&mut session, &format!("CHECK DATABASE {name}")).expect("checks");
        assert!(checked.starts_with(&format!("'{name}' | true | 52 | ")), "{checked}");
        assert_eq!(format_of(data.path(), name), format);
        // What is made of its backup is as it was.
        run(&mut session, &format!("BACKUP DATABASE {name} TO '{name}.sheafbackup' WITH CHECK")).expect("backs up");
        check(&mut session, &format!("CREATE DATABASE {name}2 FROM BACKUP '{name}.sheafbackup'"), "[system 1]");
        check(&mut session, &format!("USE {name}2 MATCH (f:Film) RETURN count(*)"), "52");
        assert_eq!(format_of(data.path(), &format!("{name}2")), format);
    }
    instance.close();
    drop((session, instance));
    let instance = on_disk(data.path());
    let mut session = world::session(&instance);
    check(&mut session, "USE films MATCH (f:Film {title: 'Film 61'}) RETURN f.year", "2000");
    check(&mut session, "USE copied MATCH (f:Film {title: 'Film 61'}) RETURN f.year", "2000");
}

#[test]
fn f24_f25_f48_what_fills_a_new_database_is_held_against_its_limits() {
    let data = tempfile::tempdir().expect("a folder");
    let file = data.path().join("backups").join("films.sheafbackup");
    let mut limits = catalog::Limits::default();
    limits.set(Limit::MaxNodes, Some(600));
    let instance = Instance::open(InstanceOptions { limits, ..options(data.path()) }).expect("opens");
    let mut one = session(&instance);
    check(&mut one, "CREATE DATABASE films", "[system 1]");
    check(&mut one, "ALTER DATABASE films SET LIMIT max_nodes = unlimited", "[system 1]");
    run(&mut one, "USE films UNWIND range(1, 500) AS n CREATE (:Film {n: n})-[:IN]->(:Year)").expect("creates");
    run(&mut one, "BACKUP DATABASE films TO 'films.sheafbackup'").expect("backs up");
    check(&mut one, "CREATE DATABASE small", "[system 1]");
    check(&mut one, "ALTER DATABASE small SET LIMIT max_nodes = 1000, max_edges = 5", "[system 1]");
    check(&mut one, "USE small CREATE (:Kept)", "[nodes+ 1, labels+ 1]");
    let of_server = "LimitReached: The limit max_nodes of the server for database 'more' is 600, 0 are used, and 1000 more \
                     are wanted.";
    let of_database =
        "LimitReached: The limit max_edges of database 'small' is 5, 0 are used, and 500 more are wanted.";
    for (text, refusal) in [
        ("CREATE DATABASE more FROM films", of_server),
        ("CREATE DATABASE more FROM BACKUP 'films.sheafbackup'", of_server),
        ("CREATE DATABASE more OPTIONS {seedURI: 'films.sheafbackup'}", of_server),
        ("CREATE DATABASE more FROM films OPTIONS {encryption: true}", of_server),
        ("CALL dbms.recreateDatabase('small', {seedURI: 'films.sheafbackup'})", of_database),
    ] {
        let failure = run(&mut one, text).expect_err(text);
        assert_eq!(format!("{:?}: {}", failure.code(), failure.message()), refusal, "{text}");
        let refusal = failure.refusal().expect("says which limit");
        assert_eq!((refusal.used, refusal.max < 1_000), (0, true), "{text}");
    }
    // With the folder in hand: an explicit limit holds, and the server's are those that it was opened with.
    let offline = instance.restore("small", true, &file, PROGRESS).expect_err("as online");
    assert_eq!(format!("{:?}: {}", offline.code(), offline.message()), of_database);
    let offline = instance.restore("more", false, &file, PROGRESS).expect_err("as online");
    assert_eq!(format!("{:?}: {}", offline.code(), offline.message()), of_server);
    // Nothing is left of what was refused, and what was to be replaced is as it was.
    check(&mut one, "SHOW DATABASES YIELD name WHERE name STARTS WITH 'more'", "");
    check(&mut one, "USE small MATCH (n) RETURN labels(n)", "['Kept']");
    let folders = files(data.path());
    assert!(!folders.iter().any(|folder| folder.starts_with("more")), "{folders:?}");
    assert_eq!(folders.iter().filter(|folder| folder.starts_with("small-")).count(), 1, "{folders:?}");
    // Bytes too; room that is given first is enough.
    check(&mut one, "ALTER DATABASE small SET LIMIT max_edges = 500, max_storage_bytes = 20KB", "[system 1]");
    let bytes = code(&mut one, "CALL dbms.recreateDatabase('small', {seedURI: 'films.sheafbackup'})");
    assert!(bytes.starts_with("LimitReached: The limit max_storage_bytes of database 'small' is 20000,"), "{bytes}");
    check(&mut one, "ALTER DATABASE small REMOVE LIMIT max_storage_bytes", "[system 1]");
    run(&mut one, "CALL dbms.recreateDatabase('small', {seedURI: 'films.sheafbackup'})").expect("there is room");
    check(&mut one, "USE small MATCH (n) RETURN count(n)", "1000");
    // What a database holds already it keeps, however low its limits are by now.
    check(&mut one, "ALTER DATABASE small SET LIMIT max_nodes = 10", "[system 1]");
    check(&mut one, "ALTER DATABASE small SET ACCESS READ ONLY", "[system 1]");
    run(&mut one, "CALL dbms.recreateDatabase('small')").expect("it is made dense");
    check(&mut one, "USE small MATCH (n) RETURN count(n)", "1000");
}
