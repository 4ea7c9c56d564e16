//! Databases on disk: made, stopped, dropped, closed, damaged, and left half done by a crash.

mod world;

use std::fs::{self, File, OpenOptions as FileOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use catalog::{Authentication, Catalog, FirstStart, Settings};
use instance::{Instance, InstanceError, RunOptions, Session};
use store::{Engine, OpenOptions};
use types::{Code, DatabaseName, Failure, Map, SystemClock};
use world::{check, on_disk, options, run, session};

const STATUS: &str = "requestedStatus, currentStatus, statusMessage";

/// Finds the folder of a database by the name that it begins with.
fn folder_of(data: &Path, name: &str) -> PathBuf {
    let entries = fs::read_dir(data).expect("lists").map(|entry| entry.expect("lists").path());
    let is_its = |path: &PathBuf| path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(name));
    entries.into_iter().find(is_its).expect("the database has a folder")
}

/// Counts the folders that hold a database.
fn folders(data: &Path) -> usize {
    let entries = fs::read_dir(data).expect("lists").map(|entry| entry.expect("lists").path());
    entries.filter(|folder| folder.join("data.mdb").exists()).count()
}

#[test]
fn f1_databases_are_made_used_and_dropped() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    check(&mut session, "CREATE DATABASE films", "[system 1]");
    check(&mut session, "CREATE DATABASE films IF NOT EXISTS", "");
    let failure = run(&mut session, "CREATE DATABASE Films").expect_err("it is there");
    assert_eq!(failure.code(), Code::DatabaseExists);
    check(&mut session, "USE films CREATE (:Film)", "[nodes+ 1, labels+ 1]");
    check(&mut session, "CREATE OR REPLACE DATABASE films", "[system 1]");
    check(&mut session, "USE films MATCH (n) RETURN count(n)", "0");
    assert_eq!(folders(data.path()), 3);
    check(&mut session, "DROP DATABASE films", "[system 1]");
    assert_eq!(folders(data.path()), 2);
    check(&mut session, "DROP DATABASE films IF EXISTS", "");
    check(
        &mut session,
        "DROP DATABASE films",
        "DatabaseNotFound: Failed to delete the specified database 'films': Database does not exist.",
    );
    check(&mut session, "DROP DATABASE sheaf", "DatabaseProtected: Not allowed to delete default database 'sheaf'.");
    check(&mut session, "DROP DATABASE system", "DatabaseProtected: Not allowed to delete system database.");
}

#[test]
fn a_check_walks_everything() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    check(&mut session, "CREATE INDEX FOR (n:A) ON (n.x)", "[indexes+ 1]");
    check(&mut session, "CREATE (:A {x: 1})-[:T]->(:B)", "[nodes+ 2, relationships+ 1, properties 1, labels+ 2]");
    check(&mut session, "CHECK DATABASE sheaf", "'sheaf' | true | 2 | 1 | 1 | [] | 0");
    check(&mut session, "CHECK DATABASE system", "'system' | true | 0 | 0 | 0 | [] | 0");
    let missing = "DatabaseNotFound: Failed to check the specified database 'nobody': Database does not exist.";
    check(&mut session, "CHECK DATABASE nobody", missing);
}

#[test]
fn names_come_from_parameters() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    let parameters = Map::from_iter([("name".into(), "films".into())]);
    world::run_with(&mut session, "CREATE DATABASE $name", parameters, &RunOptions::default()).expect("made");
    check(&mut session, "SHOW DATABASE films YIELD name", "'films'");
    check(&mut session, "DROP DATABASE $name", "ParameterMissing: Expected parameter(s): name");
    check(&mut session, "SHOW DATABASE nobody", "");
}

#[test]
fn f4_a_stopped_database_is_refused_also_after_a_restart() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut first = session(&instance);
    check(&mut first, "CREATE DATABASE films", "[system 1]");
    check(&mut first, "USE films CREATE (:Film)", "[nodes+ 1, labels+ 1]");
    let mut holder = session(&instance);
    holder.begin(&RunOptions { database: Some("films".to_owned()), ..RunOptions::default() }).expect("begins");
    check(&mut holder, "CREATE (:Film)", "[nodes+ 1, labels+ 1]");
    check(&mut first, "STOP DATABASE films", "[system 1]");
    let unavailable = "DatabaseUnavailable: Database 'films' is unavailable.";
    check(&mut first, "USE films RETURN 1", unavailable);
    let failure = holder.commit().expect_err("its transaction was ended");
    assert_eq!(failure.code(), Code::DatabaseUnavailable, "{failure}");
    check(&mut first, &format!("SHOW DATABASE films YIELD {STATUS}"), "'offline' | 'offline' | ''");
    drop((first, holder));
    instance.close();
    drop(instance);
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    check(&mut session, "USE films RETURN 1", unavailable);
    check(&mut session, "START DATABASE films", "[system 1]");
    check(&mut session, "USE films MATCH (n) RETURN count(n)", "1");
    check(&mut session, &format!("SHOW DATABASE films YIELD {STATUS}"), "'online' | 'online' | ''");
}

#[test]
fn stopping_ends_statements_and_results_that_are_under_way() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    check(&mut session, "CREATE DATABASE films", "[system 1]");
    let options = RunOptions { database: Some("films".to_owned()), ..RunOptions::default() };
    let mut reader = world::session(&instance);
    let mut half_read = reader.run("UNWIND range(1, 5000) AS x RETURN x", Map::new(), &options).expect("runs");
    let mut fetched = instance::Fetched::default();
    half_read.pull(10, &mut fetched).expect("has rows");
    let endless = {
        let (instance, options) = (instance.clone(), options.clone());
        std::thread::spawn(move || {
            let text = "UNWIND range(1, 1000) AS x UNWIND range(1, 1000) AS y UNWIND range(1, 1000) AS z CREATE (:N {x: x * y})";
            world::run_with(&mut world::session(&instance), text, Map::new(), &options)
        })
    };
    while instance.open_databases() == 0 {
        std::thread::yield_now();
    }
    check(&mut session, "STOP DATABASE films", "[system 1]");
    let failure = endless.join().expect("no panic").expect_err("it was ended");
    assert_eq!(failure.code(), Code::DatabaseUnavailable, "{failure}");
    let failure = half_read.pull(10, &mut fetched).expect_err("it was ended");
    assert_eq!(failure.code(), Code::DatabaseUnavailable);
    reader.reset();
}

#[test]
fn data_survives_a_restart_and_one_process_serves_a_folder() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    check(&mut session(&instance), "CREATE (:A {x: 1})", "[nodes+ 1, properties 1, labels+ 1]");
    let second = Instance::open(options(data.path())).err().expect("it is in use");
    assert!(matches!(second, InstanceError::InUse { .. }), "{second}");
    instance.close();
    drop(instance);
    let instance = on_disk(data.path());
    check(&mut session(&instance), "MATCH (n) RETURN n", "(:A{x: 1})");
}

#[test]
fn idle_databases_are_closed_and_opened_again() {
    let data = tempfile::tempdir().expect("a folder");
    let mut options = options(data.path());
    (options.open_max, options.idle_after) = (2, Duration::ZERO);
    let instance = Instance::open(options).expect("opens");
    let mut session = session(&instance);
    for number in 0..5 {
        check(&mut session, &format!("CREATE DATABASE d{number}"), "[system 1]");
        check(&mut session, &format!("USE d{number} CREATE ({{x: {number}}})"), "[nodes+ 1, properties 1]");
    }
    assert!(instance.open_databases() <= 2, "{}", instance.open_databases());
    for number in 0..5 {
        check(&mut session, &format!("USE d{number} MATCH (n) RETURN n.x"), &number.to_string());
    }
    let used = RunOptions { database: Some("d4".to_owned()), ..RunOptions::default() };
    session.begin(&used).expect("begins");
    instance.close_idle();
    assert_eq!(instance.open_databases(), 1, "the one with a transaction stays");
    check(&mut session, "MATCH (n) RETURN n.x", "4");
    session.rollback().expect("rolls back");
    instance.close_idle();
    assert_eq!(instance.open_databases(), 0);
}

#[test]
fn a7_a_damaged_database_tells_why_and_the_others_serve_on() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut first = session(&instance);
    for name in ["flipped", "cut", "gone", "sound"] {
        check(&mut first, &format!("CREATE DATABASE {name}"), "[system 1]");
        let text = format!("USE {name} UNWIND range(1, 500) AS x CREATE (:N {{x: x}})");
        check(&mut first, &text, "[nodes+ 500, properties 500, labels+ 500]");
    }
    drop(first);
    instance.close();
    drop(instance);
    let file = |name: &str| folder_of(data.path(), name).join("data.mdb");
    let whole = File::open(file("cut")).expect("opens").metadata().expect("has a size").len();
    FileOptions::new().write(true).open(file("cut")).expect("opens").set_len(whole / 2).expect("cuts");
    fs::remove_file(file("gone")).expect("removes");
    flip(&file("flipped"), 4096);
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    // Before anybody uses them, listings and whoever watches the server see as much.
    let failed = instance.health().failed;
    check(
        &mut session,
        "SHOW DATABASES YIELD currentStatus WHERE currentStatus = 'error' RETURN count(*)",
        &failed.to_string(),
    );
    assert!(failed >= 2, "{failed}");
    for name in ["flipped", "cut", "gone"] {
        let failure = run(&mut session, &format!("USE {name} MATCH (n) RETURN count(n)")).expect_err("damaged");
        assert!(matches!(failure.code(), Code::StorageDamaged | Code::DatabaseStartFailed), "{name}: {failure}");
        let shown = run(&mut session, &format!("SHOW DATABASE {name} YIELD {STATUS}")).expect("shows");
        assert!(shown.starts_with("'online' | 'error' | '") && shown.len() > 40, "{name}: {shown}");
        // Where its files lie is for who may see settings.
        let folder = folder_of(data.path(), name);
        for place in [data.path(), &*folder, Path::new(folder.file_name().expect("a folder of its own"))] {
            let place = place.display().to_string();
            assert!(!shown.contains(&place) && !failure.message().contains(&place), "{shown}: {failure}");
        }
        check_tells_damage(&mut session, name);
    }
    check(&mut session, "CHECK DATABASE sound", "'sound' | true | 500 | 0 | 0 | [] | 0");
    check(&mut session, "USE sound MATCH (n) RETURN count(n)", "500");
    check(&mut session, "RETURN 1", "1");
    check(&mut session, "DROP DATABASE flipped", "[system 1]");
}

#[test]
fn a_check_that_meets_the_damage_first_gives_its_row() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    check(
        &mut session(&instance),
        "UNWIND range(1, 500) AS x CREATE (:N {x: x})",
        "[nodes+ 500, properties 500, labels+ 500]",
    );
    instance.close();
    drop(instance);
    flip(&folder_of(data.path(), "sheaf").join("data.mdb"), 4096);
    let instance = on_disk(data.path());
    check_tells_damage(&mut session(&instance), "sheaf");
}

/// A check of a damaged database succeeds, and its row says what is wrong.
#[track_caller]
fn check_tells_damage(session: &mut Session, name: &str) {
    let row = run(session, &format!("CHECK DATABASE {name}")).expect("a check gives a row");
    assert!(row.starts_with(&format!("'{name}' | false | ")) && row.contains("['"), "{row}");
}

fn flip(file: &Path, at: u64) {
    let mut file = FileOptions::new().read(true).write(true).open(file).expect("opens");
    let mut page = [0; 64];
    file.seek(SeekFrom::Start(at)).expect("seeks");
    file.read_exact(&mut page).expect("reads");
    page.iter_mut().for_each(|byte| *byte ^= 0x5A);
    file.seek(SeekFrom::Start(at)).expect("seeks");
    file.write_all(&page).expect("writes");
}

#[test]
fn what_a_crash_left_half_done_is_swept() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut first = session(&instance);
    check(&mut first, "CREATE DATABASE dropped", "[system 1]");
    drop(first);
    instance.close();
    drop(instance);
    half_do(data.path());
    let orphan = data.path().join("lost-0123456789abcdef");
    fs::create_dir(&orphan).expect("makes");
    fs::write(orphan.join("data.mdb"), b"x").expect("writes");
    let tried = data.path().join("_check-0123456789abcdef");
    fs::create_dir(&tried).expect("makes");
    fs::write(tried.join("data.mdb"), b"x").expect("writes");
    fs::create_dir(data.path().join("somebody-elses")).expect("makes");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    check(&mut session, "SHOW DATABASES YIELD name", "'sheaf'\n'system'");
    assert!(!tried.exists());
    assert!(orphan.join("data.mdb").exists(), "it may be somebody's");
    assert!(data.path().join("somebody-elses").exists());
    fs::remove_dir_all(&orphan).expect("removes");
    assert_eq!(folders(data.path()), 2, "system and sheaf");
    check(&mut session, "CREATE DATABASE made", "[system 1]");
    check(&mut session, "CREATE DATABASE dropped", "[system 1]");
}

#[test]
fn f23_databases_are_taken_over_by_their_names_of_now() {
    let home = tempfile::tempdir().expect("a folder");
    let (old, new) = (home.path().join("old"), home.path().join("new"));
    let instance = on_disk(&old);
    let mut first = session(&instance);
    for text in [
        "CREATE DATABASE x",
        "CREATE DATABASE y",
        "USE x CREATE (:Tenant {name: 'x'})",
        "RENAME DATABASE x TO tmp",
        "RENAME DATABASE y TO x",
        "RENAME DATABASE tmp TO y",
    ] {
        run(&mut first, text).expect(text);
    }
    drop(first);
    instance.close();
    drop(instance);
    let next = on_disk(&new);
    let found = next.find_databases(&old).expect("reads");
    let named = |name: &str| {
        let its = found.iter().filter(|found| found.name.as_deref() == Some(name) && found.is_known);
        its.map(|found| found.folder.clone()).collect::<Vec<_>>()
    };
    assert_eq!((named("x"), named("y")), (vec![folder_of(&old, "y-")], vec![folder_of(&old, "x-")]), "{found:?}");
    let alone = next.find_databases(&folder_of(&old, "x-")).expect("reads");
    assert_eq!((alone.len(), alone[0].name.as_deref(), alone[0].is_known), (1, Some("y"), true));
    next.adopt(&named("y")[0], "y").expect("takes over");
    check(&mut session(&next), "USE y MATCH (n:Tenant) RETURN n.name", "'x'");
    // Without it there is what the folders tell.
    fs::remove_dir_all(old.join("system")).expect("removes");
    let guessed = next.find_databases(&old).expect("reads");
    assert!(guessed.iter().all(|found| !found.is_known) && guessed.len() == found.len(), "{guessed:?}");
}

#[test]
fn f23_databases_without_their_catalog_are_kept_and_taken_over() {
    let home = tempfile::tempdir().expect("a folder");
    let (old, new) = (home.path().join("old"), home.path().join("new"));
    let instance = on_disk(&old);
    let mut first = session(&instance);
    check(&mut first, "CREATE DATABASE films", "[system 1]");
    check(&mut first, "USE films CREATE (:Film {title: 'Heat'})", "[nodes+ 1, properties 1, labels+ 1]");
    let films = folder_of(&old, "films-");
    let next = on_disk(&new);
    let failure = next.adopt(&films, "films").expect_err("its server runs");
    assert_eq!(failure.code(), Code::DatabaseStartFailed, "{failure}");
    drop(first);
    instance.close();
    drop(instance);

    // A start without the catalog would hide what is there: it is refused, and nothing is touched.
    fs::remove_dir_all(old.join("system")).expect("removes");
    let before = (folders(&old), fs::read(films.join("data.mdb")).expect("reads"));
    let error = Instance::open(options(&old)).err().expect("the catalog is gone").to_string();
    assert!(error.contains("films-") && error.contains("sheaf admin adopt"), "{error}");
    assert!(!old.join("system").exists());

    // What would be taken over, tried first and left alone; then taken over.
    let found: Vec<_> = next.find_databases(&old).expect("reads").into_iter().filter_map(|found| found.name).collect();
    assert_eq!(found, ["films", "sheaf"]);
    assert_eq!(next.try_adopting(&films, "films").expect("tries"), [""; 0]);
    assert_eq!(folders(&new), 2, "a trial leaves nothing");
    assert_eq!(next.try_adopting(&films, "sheaf").expect_err("the name is taken").code(), Code::DatabaseExists);
    assert_eq!(next.adopt(&films, "../x").expect_err("no name").code(), Code::DatabaseNameInvalid);
    next.adopt(&films, "movies").expect("takes over");
    let mut session = session(&next);
    check(&mut session, "USE movies MATCH (f:Film) RETURN f.title", "'Heat'");
    check(&mut session, "CHECK DATABASE movies", "'movies' | true | 1 | 0 | 0 | [] | 0");
    assert_eq!(
        (folders(&old), fs::read(films.join("data.mdb")).expect("reads")),
        before,
        "the old one stays as it was"
    );

    // A damaged one is told of, by a trial too, and nothing comes over.
    flip(&films.join("data.mdb"), 4096);
    let tried = next.try_adopting(&films, "again");
    assert!(tried.map_or(true, |problems| !problems.is_empty()), "the damage was overlooked");
    next.adopt(&films, "again").expect_err("it is damaged");
    check(&mut session, "SHOW DATABASE again", "");
    assert_eq!(folders(&new), 3);
}

/// Records one database that is never made and one drop that is never finished, as a crash would leave them.
fn half_do(data: &Path) {
    let store = store::lmdb::LmdbEngine.open(&data.join("system"), &OpenOptions::default()).expect("opens");
    let settings = Settings {
        first_start: FirstStart::default(),
        authentication: Authentication::Off,
        databases_max: 100,
        clock: Arc::new(SystemClock),
    };
    let catalog = Catalog::open(store, settings).expect("opens");
    let name = |text| DatabaseName::parse(text).expect("legal");
    let made = catalog.create_database(&name("made"), catalog::NewDatabase::default()).expect("recorded");
    fs::create_dir(data.join(&made.folder)).expect("makes");
    fs::write(data.join(&made.folder).join("data.mdb"), vec![0; 8192]).expect("writes");
    catalog.drop_database(&name("dropped"), catalog::Cascade::Restrict).expect("recorded");
}

#[test]
fn an_import_that_fails_leaves_no_database() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut session = session(&instance);
    let fill = |label: &'static str| {
        move |database: &graph::Database| {
            let mut transaction = database.begin().map_err(told)?;
            let label =
                types::LabelId(transaction.make_token(graph::keys::TokenKind::Label, label).expect("a short name"));
            transaction.create_node(&[label], &[]).map_err(told)?;
            transaction.commit().map_err(told)?;
            Ok(())
        }
    };
    instance.import_database("films", false, &mut fill("Film")).expect("imports");
    check(&mut session, "USE films MATCH (n) RETURN n", "(:Film{})");
    let exists = instance.import_database("films", false, &mut fill("Film")).expect_err("it is there");
    assert_eq!(exists.code(), Code::DatabaseExists);
    instance.import_database("films", true, &mut fill("Movie")).expect("imports");
    check(&mut session, "USE films MATCH (n) RETURN n", "(:Movie{})");
    let mut fails = |_: &graph::Database| Err(Failure::new(Code::ArgumentError, "no such file"));
    let failure = instance.import_database("books", false, &mut fails).expect_err("fails");
    assert_eq!(failure.code(), Code::ArgumentError);
    check(&mut session, "SHOW DATABASE books", "");
    assert_eq!(folders(data.path()), 3);
}

fn told(error: graph::GraphError) -> Failure {
    Failure::new(error.code(), error.to_string())
}

#[test]
fn f101_users_need_their_password() {
    let data = tempfile::tempdir().expect("a folder");
    let mut options = options(data.path());
    options.authentication = Authentication::Password { first: None };
    let instance = Instance::open(options).expect("opens");
    let password = instance.take_password().expect("the first start makes one");
    assert!(instance.take_password().is_none());
    let refused = |user| instance.log_in(user).err().map(|failure| failure.code());
    assert_eq!(refused(None), Some(Code::Unauthorized));
    assert_eq!(refused(Some(("admin", "guess"))), Some(Code::Unauthorized));
    let mut session = instance.log_in(Some(("admin", &password))).expect("right");
    assert_eq!(session.user(), "admin");
    check(&mut session, "RETURN 1", "1");
    let impersonate = RunOptions { impersonated_user: Some("eve".to_owned()), ..RunOptions::default() };
    let failure = session.run("RETURN 1", Map::new(), &impersonate).err().expect("refused");
    assert_eq!(failure.message(), "Cannot impersonate user 'eve'.");
}

#[test]
fn f8_all_columns_of_some_databases_are_those_of_each() {
    let instance = world::in_memory();
    let mut admin = session(&instance);
    for number in 10..22 {
        check(&mut admin, &format!("CREATE DATABASE d{number}"), "[system 1]");
    }
    check(&mut admin, "STOP DATABASE d13", "[system 1]");
    check(&mut admin, "USE d17 CREATE (:Thing)", "[nodes+ 1, labels+ 1]");
    let mut rows = |names: &[&str], what: &str| {
        let row = |name: &&str| run(&mut admin, &format!("SHOW DATABASE {name} {what}")).expect(name);
        names.iter().map(row).collect::<Vec<_>>().join("\n")
    };
    let all = "YIELD *";
    let expected = [
        ("YIELD * WHERE currentStatus <> 'online'", rows(&["d13"], all)),
        ("YIELD * ORDER BY name DESC SKIP 3 LIMIT 2", rows(&["d20", "d19"], all)),
        ("YIELD * ORDER BY creationTime DESC LIMIT 3 WHERE name <> 'd20'", rows(&["d21", "d19"], all)),
        ("YIELD * ORDER BY type DESC, name LIMIT 2", rows(&["system", "d10"], all)),
        ("YIELD * LIMIT 1", rows(&["d10"], all)),
        ("YIELD * WHERE nodes = 1 RETURN *", rows(&["d17"], all)),
        (
            "YIELD * WHERE name STARTS WITH 'd1' RETURN *, name + '!' AS more ORDER BY more DESC LIMIT 1",
            rows(&["d19"], "YIELD * RETURN *, name + '!'"),
        ),
        ("YIELD * WHERE requestedStatus = 'offline' RETURN name, currentStatus", "'d13' | 'offline'".to_owned()),
        ("YIELD * WHERE name < 'd12' RETURN count(*) AS count", "2".to_owned()),
        ("YIELD * WHERE name = 'nobody'", String::new()),
    ];
    for (tail, rows) in expected {
        check(&mut admin, &format!("SHOW DATABASES {tail}"), &rows);
    }
    let failure = run(&mut admin, "SHOW DATABASES YIELD * WHERE color = 'red'").expect_err("there is no such column");
    let text = failure.message();
    assert!(text.starts_with("Variable `color` not defined") && text.contains("(line 1, column 30"), "{text}");
}
