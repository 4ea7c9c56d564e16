//! The life of databases while others use them: draining, renaming, replacing, switching aliases, idling, thousands.

mod world;

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use instance::{Fetched, Instance, InstanceOptions, More, RunOptions};
use types::{Clock, Code, Map, SystemClock, Value};
use world::{check, in_memory, on_disk, options, run, run_with, session};

fn on(database: &str) -> RunOptions {
    RunOptions { database: Some(database.to_owned()), ..RunOptions::default() }
}

#[test]
fn f12_stopping_lets_what_is_under_way_end() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut admin = session(&instance);
    check(&mut admin, "CREATE DATABASE films OPTIONS {drainTimeout: '30s'}", "[system 1]");
    let mut holder = session(&instance);
    holder.begin(&on("films")).expect("begins");
    check(&mut holder, "CREATE (:Film)", "[nodes+ 1, labels+ 1]");
    let mut planner = session(&instance);
    planner.begin(&on("films")).expect("begins");
    let stopping = std::thread::spawn(move || {
        check(&mut admin, "STOP DATABASE films", "[system 1]");
        admin
    });
    let mut other = session(&instance);
    let stops = || SystemClock.now() + Duration::from_secs(20);
    let deadline = stops();
    while run(&mut other, "SHOW DATABASE films YIELD currentStatus").expect("lists") != "'stopping'" {
        assert!(SystemClock.now() < deadline, "it never began to stop");
        std::thread::sleep(Duration::from_millis(5));
    }
    let failure = run_with(&mut other, "RETURN 1", Map::new(), &on("films")).expect_err("nobody new gets in");
    assert_eq!(failure.code(), Code::DatabaseUnavailable);
    // Who was there before goes on: also with statements that were never planned.
    check(&mut holder, "MATCH (f:Film) SET f.seen = true", "[properties 1]");
    holder.commit().expect("it had time");
    // So does a transaction that changes the schema.
    check(&mut planner, "CREATE INDEX seen FOR (f:Film) ON (f.seen)", "[indexes+ 1]");
    check(&mut planner, "SHOW INDEXES YIELD name WHERE name = 'seen' RETURN name", "'seen'");
    planner.commit().expect("it had time too");
    let mut admin = stopping.join().expect("stops");
    check(&mut admin, "SHOW DATABASE films YIELD currentStatus", "'offline'");
    check(&mut admin, "START DATABASE films", "[system 1]");
    check(&mut admin, "USE films MATCH (f:Film {seen: true}) RETURN count(f)", "1");
    check(&mut admin, "USE films SHOW INDEXES YIELD name WHERE name = 'seen' RETURN name", "'seen'");
}

#[test]
fn a_new_name_holds_at_once_for_what_is_open_under_the_old_one() {
    let instance = in_memory();
    let mut admin = session(&instance);
    check(&mut admin, "CREATE DATABASE films OPTIONS {weight: 200}", "[system 1]");
    check(&mut admin, "ALTER DATABASE films SET LIMIT max_nodes = 1", "[system 1]");
    check(&mut admin, "USE films CREATE (:Film)", "[nodes+ 1, labels+ 1]");
    let mut holder = session(&instance);
    holder.begin(&on("films")).expect("begins");
    check(&mut holder, "MATCH (f:Film) RETURN count(f)", "1");
    let listed = "SHOW TRANSACTIONS YIELD database, transactionId WHERE NOT transactionId STARTS WITH 'sheaf-' \
                  RETURN database, split(transactionId, '-')[0]";
    check(&mut admin, listed, "'films' | 'films'");
    let old_id =
        run(&mut admin, "SHOW TRANSACTIONS YIELD transactionId WHERE transactionId STARTS WITH 'films' RETURN *");
    check(&mut admin, "RENAME DATABASE films TO movies", "[system 1]");
    check(&mut admin, listed, "'movies' | 'movies'");
    check(&mut holder, "RETURN database()", "'movies'");
    let refusal = run(&mut holder, "CREATE (:Film)").expect_err("there is room for one");
    assert!(refusal.message().contains("'movies'") && !refusal.message().contains("films"), "{refusal}");
    check(&mut admin, "ALTER DATABASE movies SET ACCESS READ ONLY", "[system 1]");
    let refusal = run(&mut holder, "MATCH (f:Film) SET f.x = 1").expect_err("it is read-only");
    assert!(refusal.message().contains("'movies'"), "{refusal}");
    let metrics = instance.metrics();
    assert!(metrics.contains("database=\"movies\"") && !metrics.contains("database=\"films\""), "{metrics}");
    // Who noted the id under the old name may use it.
    let ended = format!("TERMINATE TRANSACTION {} YIELD message", old_id.expect("lists"));
    check(&mut admin, &ended, "'Transaction terminated.'");
    holder.commit().expect_err("it was ended");
    // Another one may have the old name, and has nothing of the first.
    check(&mut admin, "CREATE DATABASE films", "[system 1]");
    check(&mut admin, "USE films CREATE (:Book)", "[nodes+ 1, labels+ 1]");
    check(&mut admin, "SHOW DATABASE films YIELD options", "{}");
    check(&mut admin, "SHOW DATABASE movies YIELD options", "{weight: 200}");
}

#[test]
fn f21_who_made_a_database_and_when_what_happened_to_it() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut admin = session(&instance);
    check(&mut admin, "CREATE DATABASE films", "[system 1]");
    check(&mut admin, "USE films CREATE (:Film)", "[nodes+ 1, labels+ 1]");
    let times = "SHOW DATABASE films YIELD creationTime, updatedTime, lastStartTime, lastStopTime, lastWriteTime \
                 RETURN creationTime <= updatedTime, lastStartTime = creationTime, lastStopTime, \
                 creationTime <= lastWriteTime AND lastWriteTime <= datetime()";
    check(&mut admin, times, "true | true | null | true");
    let written = "SHOW DATABASE films YIELD lastWriteTime RETURN toString(lastWriteTime)";
    let first = run(&mut admin, written).expect("shows");
    // Reading, closing and opening again are no writes; nor is a restart.
    check(&mut admin, "USE films MATCH (f) RETURN count(f)", "1");
    check(&mut admin, "STOP DATABASE films", "[system 1]");
    check(&mut admin, written, &first);
    check(&mut admin, "START DATABASE films", "[system 1]");
    check(&mut admin, "USE films MATCH (f) RETURN count(f)", "1");
    check(&mut admin, written, &first);
    let stopped = "SHOW DATABASE films YIELD creationTime, lastStartTime, lastStopTime \
                   RETURN creationTime < lastStopTime AND lastStopTime < lastStartTime";
    check(&mut admin, stopped, "true");
    drop(admin);
    instance.close();
    drop(instance);
    let instance = on_disk(data.path());
    let mut admin = session(&instance);
    check(&mut admin, written, &first);
    check(&mut admin, "USE films CREATE (:Film)", "[nodes+ 1, labels+ 1]");
    assert_ne!(run(&mut admin, written).expect("shows"), first);
    let path = run(&mut admin, "SHOW DATABASE films YIELD path").expect("shows");
    assert!(std::path::Path::new(path.trim_matches('\'')).join("data.mdb").exists(), "{path}");
    check(&mut admin, "SHOW DATABASE films YIELD createdBy, owner", "null | null");
}

#[test]
fn f32_a_transaction_keeps_its_database() {
    let instance = in_memory();
    let mut admin = session(&instance);
    for name in ["films", "books"] {
        check(&mut admin, &format!("CREATE DATABASE {name}"), "[system 1]");
    }
    check(&mut admin, "CREATE ALIAS cinema FOR DATABASE films", "[system 1]");
    let mut holder = session(&instance);
    holder.begin(&on("cinema")).expect("begins");
    check(&mut holder, "CREATE (:Film)", "[nodes+ 1, labels+ 1]");
    check(&mut admin, "ALTER ALIAS cinema SET DATABASE TARGET books", "[system 1]");
    check(&mut admin, "RENAME DATABASE films TO movies", "[system 1]");
    check(&mut holder, "MATCH (f:Film) RETURN count(f)", "1");
    let text = "SemanticError: The database of an open transaction cannot be changed; commit it or roll it back first.";
    check(&mut holder, "USE books", text);
    for verb in ["DROP", "STOP"] {
        let failure = run(&mut holder, &format!("{verb} DATABASE movies")).expect_err("it is its own");
        assert_eq!(failure.code(), Code::ForbiddenTransactionType, "{failure}");
    }
    holder.commit().expect("its database is there");
    check(&mut admin, "USE movies MATCH (f:Film) RETURN count(f), database()", "1 | 'movies'");
    check(&mut admin, "USE cinema MATCH (n) RETURN count(n)", "0");
    check(&mut admin, "USE cinema RETURN database()", "'books'");
}

#[test]
fn f40_b4_each_statement_runs_on_one_side_of_a_switch() {
    let instance = in_memory();
    let mut admin = session(&instance);
    for (name, nodes) in [("left", 3), ("right", 5)] {
        check(&mut admin, &format!("CREATE DATABASE {name}"), "[system 1]");
        let text = format!("USE {name} UNWIND range(1, {nodes}) AS x CREATE (:Here {{in: '{name}'}})");
        run(&mut admin, &text).expect("fills");
    }
    check(&mut admin, "CREATE ALIAS now FOR DATABASE left", "[system 1]");
    let (over, seen) = (AtomicBool::new(false), [AtomicU64::new(0), AtomicU64::new(0)]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut reader = session(&instance);
                while !over.load(Ordering::Relaxed) {
                    let text = "USE now MATCH (n:Here) RETURN count(n), collect(DISTINCT n.in)";
                    match run(&mut reader, text).expect("there is always a target").as_str() {
                        "3 | ['left']" => seen[0].fetch_add(1, Ordering::Relaxed),
                        "5 | ['right']" => seen[1].fetch_add(1, Ordering::Relaxed),
                        other => panic!("a statement saw {other}"),
                    };
                }
            });
        }
        for switch in 0..50 {
            let target = ["right", "left"][switch % 2];
            run(&mut admin, &format!("ALTER ALIAS now SET DATABASE TARGET {target}")).expect("switches");
            std::thread::sleep(Duration::from_millis(1));
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(seen.iter().all(|seen| seen.load(Ordering::Relaxed) > 0), "one side was never seen: {seen:?}");
}

#[test]
fn f2_a_replaced_database_serves_until_the_new_one_is_there() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut admin = session(&instance);
    check(&mut admin, "CREATE DATABASE films", "[system 1]");
    check(&mut admin, "USE films CREATE (:Old)", "[nodes+ 1, labels+ 1]");
    let failed = instance.import_database("films", true, &mut |_| {
        let mut other = session(&instance);
        check(&mut other, "USE films MATCH (n:Old) RETURN count(n)", "1");
        Err(types::Failure::new(Code::ExternalResourceFailed, "no such file"))
    });
    assert_eq!(failed.expect_err("it was given up").code(), Code::ExternalResourceFailed);
    check(&mut admin, "USE films MATCH (n:Old) RETURN count(n)", "1");
    instance.import_database("films", true, &mut |_| Ok(())).expect("made");
    check(&mut admin, "USE films MATCH (n) RETURN count(n)", "0");
    let folders = fs::read_dir(data.path()).expect("lists").map(|entry| entry.expect("lists").path());
    assert_eq!(folders.filter(|folder| folder.join("data.mdb").exists()).count(), 3, "the old files are gone");
}

#[test]
fn f13_f15_idle_databases_close_by_their_own_time_and_open_on_demand() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut admin = session(&instance);
    check(&mut admin, "CREATE DATABASE soon OPTIONS {idleTimeout: 1}", "[system 1]");
    check(&mut admin, "CREATE DATABASE never OPTIONS {idleTimeout: 0}", "[system 1]");
    for name in ["soon", "never"] {
        check(&mut admin, &format!("USE {name} CREATE (:Thing)"), "[nodes+ 1, labels+ 1]");
    }
    std::thread::sleep(Duration::from_millis(20));
    instance.close_idle();
    let status = "SHOW DATABASES YIELD name, currentStatus, suspended WHERE name IN ['never', 'soon'] \
                  RETURN name, currentStatus, suspended";
    check(&mut admin, status, "'never' | 'online' | false\n'soon' | 'online' | true");
    check(&mut admin, "USE soon MATCH (n) RETURN count(n)", "1");
    check(&mut admin, status, "'never' | 'online' | false\n'soon' | 'online' | false");
}

#[test]
fn f11_f22_a_damaged_file_is_told_without_a_touch_and_harms_nobody() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut admin = session(&instance);
    for name in ["hurt", "short", "well"] {
        check(&mut admin, &format!("CREATE DATABASE {name}"), "[system 1]");
        check(&mut admin, &format!("USE {name} CREATE (:Thing)"), "[nodes+ 1, labels+ 1]");
    }
    drop(admin);
    instance.close();
    drop(instance);
    let file = |name: &str| {
        let entries = fs::read_dir(data.path()).expect("lists").map(|entry| entry.expect("lists").path());
        let mut its = entries.filter(|path| path.to_string_lossy().contains(&format!("/{name}-")));
        its.next().expect("it has a folder").join("data.mdb")
    };
    let mut bytes = fs::read(file("hurt")).expect("reads");
    bytes[..8_192].fill(0xA5);
    fs::write(file("hurt"), bytes).expect("writes");
    let short = fs::File::options().write(true).open(file("short")).expect("opens");
    short.set_len(8_192).expect("cuts");
    let instance = on_disk(data.path());
    let mut admin = session(&instance);
    let status = "SHOW DATABASES YIELD name, currentStatus, statusMessage WHERE name IN ['hurt', 'short', 'well'] \
                  RETURN name, currentStatus, statusMessage <> '' AS reason";
    check(&mut admin, status, "'hurt' | 'error' | true\n'short' | 'error' | true\n'well' | 'online' | false");
    assert_eq!(instance.open_databases(), 0, "nothing was opened for that");
    check(&mut admin, "USE well MATCH (n) RETURN count(n)", "1");
    run(&mut admin, "USE hurt MATCH (n) RETURN count(n)").expect_err("it is damaged");
    check(&mut admin, "USE well MATCH (n) RETURN count(n)", "1");
    check(&mut admin, "DROP DATABASE hurt", "[system 1]");
}

#[test]
fn f11_one_that_is_dropped_while_it_is_looked_at_is_not_damaged() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    check(&mut session(&instance), "CREATE DATABASE vault OPTIONS {encryption: true}", "[system 1]");
    instance.close();
    drop(instance);
    let instance = on_disk(data.path());
    let [mut one, mut other] = [session(&instance), session(&instance)];
    let mut listed = one.run("SHOW DATABASES", Map::new(), &RunOptions::default()).expect("runs");
    let mut rows = Fetched::default();
    assert_eq!(listed.pull(2, &mut rows).expect("lists"), More::Yes, "vault comes last");
    check(&mut other, "DROP DATABASE vault", "[system 1]");
    assert_eq!(listed.pull(2, &mut rows).expect("lists"), More::No);
    let column = |name: &str| listed.columns().iter().position(|column| column == name).expect("it is listed");
    let names = ["name", "currentStatus", "statusMessage"].map(column);
    let last = rows.iter().last().expect("vault");
    assert_eq!(names.map(|at| last[at].clone()), ["vault", "online", ""].map(Value::from));
}

#[test]
fn f11_f22_files_that_cannot_be_opened_are_told_and_harm_nobody() {
    let data = tempfile::tempdir().expect("a folder");
    let instance = on_disk(data.path());
    let mut admin = session(&instance);
    for name in ["folder", "hidden", "table", "well"] {
        check(&mut admin, &format!("CREATE DATABASE {name}"), "[system 1]");
        check(&mut admin, &format!("USE {name} CREATE (:Thing)"), "[nodes+ 1, labels+ 1]");
        check(&mut admin, &format!("STOP DATABASE {name}"), "[system 1]");
    }
    let home = |name: &str| {
        let entries = fs::read_dir(data.path()).expect("lists").map(|entry| entry.expect("lists").path());
        let mut its = entries.filter(|path| path.to_string_lossy().contains(&format!("/{name}-")));
        its.next().expect("it has a folder")
    };
    let (file, hidden, table) = (home("folder").join("data.mdb"), home("hidden"), home("table").join("lock.mdb"));
    let away = |path: &std::path::Path| data.path().join(format!("away-{}", path.file_name().unwrap().display()));
    fs::rename(&file, away(&file)).expect("renames");
    fs::create_dir(&file).expect("makes");
    // Nobody can look into it, whoever he is.
    fs::rename(&hidden, away(&hidden)).expect("renames");
    std::os::unix::fs::symlink(&hidden, &hidden).expect("links");
    // This one is seen only by who opens it.
    fs::create_dir_all(table.join("in the way")).expect("makes");
    let names = ["folder", "hidden", "table", "well"];
    for name in names {
        let started = run(&mut admin, &format!("START DATABASE {name}"));
        assert_eq!(started.is_ok(), name == "well", "{name}: {started:?}");
    }
    drop(admin);
    instance.close();
    drop(instance);
    let instance = on_disk(data.path());
    let mut admin = session(&instance);
    let status = "SHOW DATABASES YIELD name, requestedStatus, currentStatus, statusMessage \
                  WHERE name IN ['folder', 'hidden', 'table', 'well'] \
                  RETURN name, requestedStatus, currentStatus, statusMessage";
    let [folder, hidden_text, well] = [
        "'folder' | 'online' | 'offline' | 'could not read the data file: Is a directory (os error 21)'",
        "'hidden' | 'online' | 'offline' | 'could not open the data file: Too many levels of symbolic links (os error 40)'",
        "'well' | 'online' | 'online' | ''",
    ];
    let before = [folder, hidden_text, "'table' | 'online' | 'online' | ''", well].join("\n");
    check(&mut admin, status, &before);
    assert_eq!((instance.health().online, instance.health().failed), (3, 2), "one of them is the default one");
    for name in &names[..3] {
        let failure = run(&mut admin, &format!("USE {name} RETURN 1")).expect_err("it does not open");
        assert_eq!(failure.code(), Code::StorageFailed, "{failure}");
        assert!(!failure.message().contains("no database"), "{failure}");
    }
    check(&mut admin, "USE well MATCH (n) RETURN count(n)", "1");
    let shown = run(&mut admin, status).expect("lists");
    for (name, line) in names.iter().zip(shown.lines()) {
        let is_well = *name == "well";
        assert_eq!(line.contains("'online' | 'online' | ''"), is_well, "{line}");
        assert_eq!(line.contains("'online' | 'offline' | 'could not "), !is_well, "{line}");
    }
    assert_eq!(instance.health().failed, 3);
    // Somebody mends it, and the next statement finds it so.
    fs::remove_dir(&file).expect("removes");
    fs::rename(away(&file), &file).expect("renames");
    fs::remove_file(&hidden).expect("removes");
    fs::rename(away(&hidden), &hidden).expect("renames");
    fs::remove_dir_all(&table).expect("removes");
    for name in names {
        check(&mut admin, &format!("USE {name} MATCH (n) RETURN count(n)"), "1");
    }
    let healed = names.map(|name| format!("'{name}' | 'online' | 'online' | ''")).join("\n");
    check(&mut admin, status, &healed);
}

#[test]
fn f12_a_stop_that_somebody_undoes_is_an_error() {
    let instance = in_memory();
    let mut admin = session(&instance);
    check(&mut admin, "CREATE DATABASE films", "[system 1]");
    check(&mut admin, "ALTER DATABASE films SET OPTION drainTimeout '60s'", "[system 1]");
    for (stop, renamed) in
        [("STOP DATABASE films", false), ("STOP DATABASE films WAIT", false), ("STOP DATABASE films", true)]
    {
        let mut user = session(&instance);
        user.begin(&on("films")).expect("begins");
        run(&mut user, "CREATE (:Thing)").expect("writes");
        let stopping = std::thread::scope(|scope| {
            let stopping = scope.spawn(|| run(&mut session(&instance), stop));
            while run(&mut admin, "SHOW DATABASE films YIELD requestedStatus").expect("lists") != "'offline'" {
                std::thread::yield_now();
            }
            let name = if renamed { "movies" } else { "films" };
            if renamed {
                check(&mut admin, "RENAME DATABASE films TO movies", "[system 1]");
            }
            check(&mut admin, &format!("START DATABASE {name}"), "[system 1]");
            stopping.join().expect("it ends")
        });
        let failure = stopping.expect_err("it did not stop");
        assert_eq!(failure.code(), Code::TransactionTerminated, "{failure}");
        let text =
            "Failed to stop the specified database 'films': It was started again before what was under way had ended.";
        assert_eq!(failure.message(), text);
        // What was under way goes on.
        run(&mut user, "CREATE (:Thing)").expect("writes");
        user.commit().expect("commits");
    }
    check(&mut admin, "USE movies MATCH (n) RETURN count(n)", "6");
    check(&mut admin, "STOP DATABASE movies", "[system 1]");
}

#[test]
fn f12_a_stop_of_what_is_dropped_or_replaced_meanwhile_is_an_error_in_a_transaction_too() {
    let instance = in_memory();
    let mut admin = session(&instance);
    check(&mut admin, "CREATE DATABASE films", "[system 1]");
    let gone: &[&str] = &["DROP DATABASE films", "CREATE DATABASE films"];
    let replaced: &[&str] = &["CREATE OR REPLACE DATABASE films"];
    let started: &[&str] = &["START DATABASE films"];
    for (undo, in_transaction, told) in [
        (gone, false, "dropped or replaced"),
        (replaced, false, "dropped or replaced"),
        (gone, true, "dropped or replaced"),
        (started, true, "started again"),
    ] {
        check(&mut admin, "ALTER DATABASE films SET OPTION drainTimeout '60s'", "[system 1]");
        let mut user = session(&instance);
        user.begin(&on("films")).expect("begins");
        run(&mut user, "CREATE (:Thing)").expect("writes");
        let stopping = std::thread::scope(|scope| {
            let stopping = scope.spawn(|| {
                let mut session = session(&instance);
                if !in_transaction {
                    return run(&mut session, "STOP DATABASE films WAIT");
                }
                session.begin(&on("system")).expect("begins");
                run(&mut session, "STOP DATABASE films").expect("is staged");
                session.commit().map(Option::unwrap_or_default)
            });
            while run(&mut admin, "SHOW DATABASE films YIELD requestedStatus").expect("lists") != "'offline'" {
                std::thread::yield_now();
            }
            undo.iter().for_each(|text| drop(run(&mut admin, text).unwrap_or_else(|why| panic!("{text}: {why}"))));
            stopping.join().expect("it ends")
        });
        let failure = stopping.expect_err("it did not stop");
        assert_eq!(failure.code(), Code::TransactionTerminated, "{undo:?}: {failure}");
        let text = format!(
            "Failed to stop the specified database 'films': It was {told} before what was under way had ended."
        );
        assert_eq!(failure.message(), text, "{undo:?}");
        check(&mut admin, "SHOW DATABASE films YIELD currentStatus", "'online'");
        user.reset();
    }
    check(&mut admin, "STOP DATABASE films", "[system 1]");
}

#[test]
fn f11_a_file_that_was_cut_is_told_of_as_it_opens() {
    let data = tempfile::tempdir().expect("a folder");
    let good = data.path().join("good");
    let instance = on_disk(&good);
    let mut admin = session(&instance);
    check(&mut admin, "CREATE DATABASE cut", "[system 1]");
    run(&mut admin, "USE cut UNWIND range(1, 20000) AS n CREATE (:Thing {n: n})").expect("writes");
    // What this frees lies at the end of the file too.
    run(&mut admin, "USE cut MATCH (n) WHERE n.n > 10 DETACH DELETE n").expect("deletes");
    // And this takes pages in front of that.
    (0..20).for_each(|_| check(&mut admin, "USE cut CREATE (:Thing)", "[nodes+ 1, labels+ 1]"));
    drop(admin);
    instance.close();
    drop(instance);
    let mut seen = Vec::new();
    for cut in [1, 1_234, 4_096, 100_000, u64::MAX] {
        let place = data.path().join(format!("cut-{cut}"));
        let copied =
            std::process::Command::new("cp").args(["-a".as_ref(), good.as_os_str(), place.as_os_str()]).status();
        assert!(copied.expect("cp is there").success());
        let homes = fs::read_dir(&place).expect("lists").map(|entry| entry.expect("lists").path());
        let is_its = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("cut-");
        let home = homes.into_iter().find(is_its);
        let file = fs::File::options().write(true).open(home.expect("its folder").join("data.mdb")).expect("opens");
        let bytes = file.metadata().expect("is there").len();
        file.set_len(bytes.saturating_sub(cut).max(8_192)).expect("cuts");
        let instance = on_disk(&place);
        let mut admin = session(&instance);
        let status = run(&mut admin, "SHOW DATABASE cut YIELD currentStatus").expect("lists");
        let counted = run(&mut admin, "USE cut MATCH (n) RETURN count(n)");
        assert_eq!(status == "'online'", counted.is_ok(), "{cut}: {status} and {counted:?}");
        assert!(counted.as_ref().is_err() || counted.as_ref().is_ok_and(|count| count == "30"), "{counted:?}");
        check(&mut admin, "SHOW DATABASE cut YIELD currentStatus", &status);
        seen.push(status);
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, ["'error'", "'online'"], "it depends on what is missing");
}

#[test]
fn f31_sessions_are_listed_and_ended() {
    let instance = in_memory();
    let mut admin = session(&instance);
    check(&mut admin, "CREATE DATABASE films", "[system 1]");
    let mut talk = session(&instance);
    let id = talk.enlist().expect("has room");
    check(&mut talk, "USE films", "");
    talk.begin(&RunOptions::default()).expect("begins");
    let shown = "SHOW SESSIONS YIELD database, status, expiryTime RETURN database, status, expiryTime";
    check(&mut admin, shown, "'films' | 'in transaction' | null");
    check(&mut admin, &format!("TERMINATE SESSION '{id}' YIELD message"), "'Session terminated.'");
    check(&mut admin, &format!("TERMINATE SESSION '{id}' YIELD message"), "'Session not found.'");
    assert!(talk.is_ended() && !admin.is_ended(), "a face closes its connection");
    talk.commit().expect_err("its transaction was ended");
    talk.reset();
    check(&mut talk, "RETURN 1", "TransactionTerminated: The session was ended; open another one.");
    check(&mut admin, shown, "");

    let id = session(&instance).open_object().expect("has room");
    let mut first = session(&instance);
    first.resume(&id).expect("it is there");
    check(&mut first, "USE films", "");
    drop(first);
    let mut second = session(&instance);
    second.resume(&id).expect("it is still there");
    check(&mut second, "RETURN database()", "'films'");
    check(&mut second, ":USE", "'films'");
    check(&mut admin, &format!("TERMINATE SESSIONS ['{id}'] YIELD message"), "'Session terminated.'");
    let failure = session(&instance).resume(&id).expect_err("it was ended");
    assert_eq!(failure.code(), Code::SessionNotFound);
}

#[test]
fn f31_session_objects_lapse() {
    let idle = Duration::from_millis(30);
    let options = InstanceOptions { session_idle_max: idle, ..options(std::path::Path::new("/nowhere")) };
    let instance = Instance::in_memory(options).expect("memory has room");
    let id = session(&instance).open_object().expect("has room");
    session(&instance).resume(&id).expect("it is young");
    std::thread::sleep(2 * idle);
    let failure = session(&instance).resume(&id).expect_err("it lay idle");
    assert_eq!(failure.code(), Code::SessionNotFound);
}

#[test]
fn f210_a_thousand_databases_are_written_side_by_side() {
    let instance = in_memory();
    let mut admin = session(&instance);
    for number in 0..1_000 {
        run(&mut admin, &format!("CREATE DATABASE tenant{number}")).expect("makes");
    }
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let instance = &instance;
            scope.spawn(move || {
                let mut session = session(instance);
                for number in (writer..1_000).step_by(8) {
                    let parameters = Map::from_iter([("n".into(), Value::Integer(number))]);
                    let text = "CREATE (:Own {tenant: $n})";
                    run_with(&mut session, text, parameters, &on(&format!("tenant{number}"))).expect("writes");
                }
            });
        }
    });
    for number in [0, 1, 499, 998, 999] {
        let text = format!("USE tenant{number} MATCH (n) RETURN collect(n.tenant)");
        check(&mut admin, &text, &format!("[{number}]"));
    }
    // A page costs a page, and a change of the catalog does not cost a copy of it. Bounds are loose: others work here too.
    let time_of = |work: &mut dyn FnMut()| {
        let begun = SystemClock.now();
        work();
        begun.elapsed()
    };
    let page = time_of(&mut || drop(run(&mut admin, "SHOW DATABASES YIELD * LIMIT 100").expect("lists")));
    assert!(page < Duration::from_secs(1), "a page took {page:?}");
    let changes = time_of(&mut || {
        for switch in 0..100 {
            let text = format!("CREATE OR REPLACE ALIAS one FOR DATABASE tenant{switch}");
            run(&mut admin, &text).expect("switches");
        }
    });
    assert!(changes < Duration::from_secs(5), "a hundred changes took {changes:?}");
}

#[test]
fn f12_what_is_open_on_a_dropped_database_hears_that_it_is_gone() {
    let instance = in_memory();
    let mut admin = session(&instance);
    for (name, ending, code) in [
        ("dropped", "DROP DATABASE dropped", Code::DatabaseNotFound),
        ("stopped", "STOP DATABASE stopped", Code::DatabaseUnavailable),
        ("replaced", "CREATE OR REPLACE DATABASE replaced", Code::DatabaseUnavailable),
    ] {
        check(&mut admin, &format!("CREATE DATABASE {name} OPTIONS {{drainTimeout: '0s'}}"), "[system 1]");
        let [mut open, mut written] = [session(&instance), session(&instance)];
        for holder in [&mut open, &mut written] {
            holder.begin(&on(name)).expect("begins");
            check(holder, "CREATE (:Film)", "[nodes+ 1, labels+ 1]");
        }
        // Statements that compute at that moment hear the same: alone and in a transaction, with rows and without.
        let endless = "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y WITH x, y WHERE x + y < 0 RETURN x, y";
        let writes =
            "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y WITH x, y WHERE x + y < 0 CREATE (:Film)";
        let running =
            [(endless, false), (writes, false), (endless, true), (writes, true)].map(|(text, is_explicit)| {
                let mut session = session(&instance);
                std::thread::spawn(move || {
                    if is_explicit {
                        session.begin(&on(name)).expect("begins");
                    }
                    let options = if is_explicit { RunOptions::default() } else { on(name) };
                    run_with(&mut session, text, Map::new(), &options)
                })
            });
        let under_way = format!(
            "SHOW TRANSACTIONS YIELD database, currentQuery WHERE database = '{name}' AND currentQuery <> '' RETURN count(*)"
        );
        while run(&mut admin, &under_way).expect("lists") != "4" {
            std::thread::yield_now();
        }
        check(&mut admin, ending, "[system 1]");
        for statement in running {
            let failure = statement.join().expect("no panic").expect_err("it was ended");
            assert_eq!(failure.code(), code, "{name}: {failure}");
        }
        for _ in 0..2 {
            assert_eq!(run(&mut open, "MATCH (n) RETURN n").expect_err("it is over").code(), code, "{name}");
        }
        assert_eq!(written.commit().expect_err("it is over").code(), code, "{name}");
    }
}

#[test]
fn f12_a_drop_ends_what_runs_there_and_nothing_that_comes_after() {
    const DROPS: usize = 150;
    let instance = in_memory();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let working: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let (mut worker, mut told) = (session(&instance), Vec::new());
                    while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                        for text in ["USE brief CREATE (:Z)", "USE brief UNWIND range(1, 3000) AS x RETURN sum(x)"] {
                            told.extend(run(&mut worker, text).err().map(|failure| failure.code()));
                            // The same session goes on elsewhere.
                            told.extend(run(&mut worker, "RETURN 1").err().map(|_| Code::Internal));
                        }
                    }
                    told
                })
            })
            .collect();
        let mut admin = session(&instance);
        for _ in 0..DROPS {
            check(&mut admin, "CREATE DATABASE brief", "[system 1]");
            std::thread::sleep(std::time::Duration::from_millis(1));
            check(&mut admin, "DROP DATABASE brief", "[system 1]");
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        for worker in working {
            let told = worker.join().expect("no panic");
            let is_right = |code: &Code| matches!(code, Code::DatabaseNotFound | Code::DatabaseUnavailable);
            assert!(told.iter().all(is_right), "{:?}", told.iter().find(|code| !is_right(code)));
        }
    });
}

#[test]
fn f41_closed_databases_tell_what_they_hold_without_being_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = || InstanceOptions { idle_after: Duration::ZERO, ..options(folder.path()) };
    let shown = "SHOW DATABASE films YIELD nodes, relationships, suspended";
    let instance = Instance::open(options()).expect("the folder is the test's own");
    let mut admin = session(&instance);
    check(&mut admin, "CREATE DATABASE films", "[system 1]");
    run(&mut admin, "USE films CREATE (:Film)-[:BY]->(:Person)").expect("runs");
    check(&mut admin, shown, "2 | 1 | false");
    instance.close_idle();
    check(&mut admin, shown, "2 | 1 | true");
    run(&mut admin, "USE films CREATE (:Film)").expect("runs");
    check(&mut admin, shown, "3 | 1 | false");
    instance.close();
    drop((admin, instance));

    // After a restart as well, and a stopped one too.
    let instance = Instance::open(options()).expect("the folder is the test's own");
    let mut admin = session(&instance);
    check(&mut admin, shown, "3 | 1 | true");
    check(&mut admin, "STOP DATABASE films", "[system 1]");
    check(&mut admin, shown, "3 | 1 | false");
    assert_eq!(instance.open_databases(), 0);
    check(&mut admin, "START DATABASE films", "[system 1]");
    check(&mut admin, shown, "3 | 1 | false");
    instance.close();
    drop((admin, instance));

    // What was written by somebody who did not close it in peace is not known: the old count would be wrong.
    let data = std::fs::read_dir(folder.path()).expect("reads").flatten().map(|entry| entry.path());
    let films =
        data.into_iter().find(|path| path.to_string_lossy().contains("films-")).expect("is there").join("data.mdb");
    let bytes = std::fs::read(&films).expect("reads");
    std::fs::write(&films, &bytes).expect("writes");
    let instance = Instance::open(options()).expect("the folder is the test's own");
    let mut admin = session(&instance);
    check(&mut admin, shown, "null | null | true");
    run(&mut admin, "USE films MATCH (n) RETURN n").expect("runs");
    check(&mut admin, shown, "3 | 1 | false");
    check(&mut admin, "DROP DATABASE films", "[system 1]");
    assert!(!films.parent().expect("has one").exists(), "nothing is left of it");
}
