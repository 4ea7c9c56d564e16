//! Databases put into files and back from outside: backup, restore, dump and load, with and without a server.

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;

use common::{Served, ask, output, path, sheaf, told};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for tests")
}

#[test]
fn f24_a_database_is_backed_up_and_restored_with_and_without_a_server() {
    let data = folder();
    let file = |name: &str| data.path().join(name).to_str().expect("a plain path").to_owned();
    let call = |arguments: &[&str]| told(&output(arguments));
    let served = Served::start(data.path(), &[]);
    let bolt = served.address("bolt").to_owned();
    let make = "UNWIND range(1, 5000) AS n CREATE (:Film {n: n, text: 'film number ' + n})-[:NEXT]->(:Film)";
    assert_eq!(call(&["shell", "--bolt", &bolt, make]).0, Some(0));
    let (code, out, error) = call(&["backup", "sheaf", "--to", &file("online"), "--bolt", &bolt]);
    assert_eq!(code, Some(0), "{out}{error}");
    assert!(out.starts_with("database \"sheaf\": 10000 nodes, 5000 relationships in "), "{out}");
    assert_eq!(call(&["backup", "sheaf", "--to", &file("online"), "--bolt", &bolt]).0, Some(2), "it is there");
    let (code, out, error) = call(&["restore", &file("online"), "--as", "again", "--bolt", &bolt]);
    assert_eq!(code, Some(0), "{out}{error}");
    let count = ["shell", "--bolt", &bolt, "--format", "csv", "USE again MATCH (n) RETURN count(n) AS n"];
    assert_eq!(call(&count).1, "n\n10000\n");
    assert_eq!(call(&["db", "info", "again", "--bolt", &bolt]).0, Some(0));
    let (code, _, error) = call(&["db", "info", "nobody", "--bolt", &bolt]);
    assert_eq!((code, error.as_str()), (Some(1), "error: there is no database 'nobody'\n"));
    assert_eq!(call(&["backup", "verify", &file("online")]).0, Some(0));
    served.end("-TERM");
    let (code, out, error) =
        call(&["backup", "again", "--to", &file("offline"), "--data", path(data.path()), "--check"]);
    assert_eq!(code, Some(0), "{out}{error}");
    let (code, out, error) = call(&["restore", &file("offline"), "--as", "third", "--data", path(data.path())]);
    assert_eq!(code, Some(0), "{out}{error}");
    let (code, out, _) = call(&["admin", "check", "--data", path(data.path())]);
    assert_eq!(code, Some(0));
    assert_eq!(
        out,
        "again: sound, 10000 nodes, 5000 relationships\nsheaf: sound, 10000 nodes, 5000 relationships\n\
         third: sound, 10000 nodes, 5000 relationships\n3 databases sound\n"
    );
    let mut bytes = std::fs::read(file("offline")).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file("bad"), bytes).expect("writes");
    let (code, _, error) = call(&["backup", "verify", &file("bad")]);
    assert!(code == Some(1) && error.contains("is damaged: piece"), "{error}");
}

#[test]
fn f24_a_whole_server_is_backed_up_and_restored_with_and_without_a_server() {
    let data = folder();
    let place = |name: &str| data.path().join(name).to_str().expect("a plain path").to_owned();
    let call = |arguments: &[&str]| told(&output(arguments));
    let first = ["--auth", "password", "--initial-password", "secret of tests"];
    let served = Served::start(&data.path().join("first"), &first);
    let bolt = served.address("bolt").to_owned();
    let admin = ["--bolt", &bolt, "--user", "admin", "--password", "secret of tests"];
    let ask = |text: &str| assert_eq!(call(&[&["shell"], &admin[..], &[text]].concat()).0, Some(0), "{text}");
    ask("CREATE DATABASE films");
    ask("CREATE DATABASE torn");
    ask("USE films UNWIND range(1, 100) AS n CREATE (:Film {n: n})");
    ask("CREATE ALIAS cinema FOR DATABASE films");
    let (code, out, error) = call(&[&["backup", "--all", "--to", &place("online")], &admin[..]].concat());
    assert_eq!(code, Some(0), "{out}{error}");
    assert!(out.contains("database \"films\": copied, 100 nodes, 0 relationships, "), "{out}");
    assert!(out.contains("3 databases and \"system\" in "), "{out}");
    let (code, _, error) = call(&[&["backup", "--all", "--to", &place("online")], &admin[..]].concat());
    assert!(code == Some(2) && error.contains("not empty"), "{error}");
    let (code, out, error) = call(&[&["backup", "system", "--to", &place("system")], &admin[..]].concat());
    assert!(code == Some(0) && out.contains("users, rights and aliases"), "{out}{error}");
    let (code, _, error) = call(&["backup", "--all", "--to", &place("nobody"), "--bolt", &bolt]);
    assert!(code == Some(1) && error.contains("unauthorized"), "{error}");
    assert!(!data.path().join("nobody").exists(), "nothing is left of what was refused");
    served.end("-TERM");

    // One that is damaged is told of, and the exit code says that the backup is not whole.
    let torn = fs::read_dir(data.path().join("first")).expect("lists").map(|entry| entry.expect("lists").path());
    let torn = torn.into_iter().find(|path| path.to_string_lossy().contains("torn-")).expect("its folder");
    fs::write(torn.join("data.mdb"), "nothing of use").expect("writes");
    let (code, out, error) = call(&["backup", "--all", "--to", &place("offline"), "--data", &place("first")]);
    assert!(code == Some(1) && error.contains("not copied: torn"), "{out}{error}");
    let (code, _, error) = call(&["backup", "verify", &place("offline")]);
    assert!(code == Some(1) && error.contains("without \"torn\""), "{error}");
    let (code, _, error) = call(&["restore", "--all", &place("offline"), "--data", &place("third")]);
    assert!(code == Some(1) && error.contains("--missing leave"), "{error}");
    assert!(!data.path().join("third").exists());

    assert_eq!(call(&["backup", "verify", &place("online")]).0, Some(0));
    let (code, out, _) = call(&["restore", "--all", &place("online"), "--data", &place("second"), "--dry-run"]);
    assert!(code == Some(0) && out.contains("nothing was written"), "{out}");
    let (code, out, error) = call(&["restore", "--all", &place("online"), "--data", &place("second")]);
    assert_eq!(code, Some(0), "{out}{error}");
    assert!(out.ends_with(&format!("3 databases and 1 user restored into {}\n", place("second"))), "{out}");
    let (code, _, error) = call(&["restore", "--all", &place("online"), "--data", &place("second")]);
    assert!(code == Some(2) && error.contains("is not empty"), "{error}");
    let served = Served::start(&data.path().join("second"), &["--auth", "password"]);
    let bolt = served.address("bolt").to_owned();
    let count = ["shell", "--bolt", &bolt, "-u", "admin", "-p", "secret of tests", "--format", "csv"];
    let (_, out, error) = call(&[&count[..], &["USE cinema MATCH (n) RETURN count(n) AS n"]].concat());
    assert_eq!(out, "n\n100\n", "{error}");
}

#[test]
fn f24_a_dump_is_loaded_and_holds_the_same() {
    let data = folder();
    let file = |name: &str| data.path().join(name).to_str().expect("a plain path").to_owned();
    let call = |arguments: &[&str]| {
        let (code, out, error) = told(&output(arguments));
        assert_eq!(code, Some(0), "{arguments:?}: {out}{error}");
        out
    };
    let served = Served::start(data.path(), &[]);
    let bolt = served.address("bolt").to_owned();
    for text in [
        "CREATE CONSTRAINT number FOR (n:Everything) REQUIRE n.number IS UNIQUE",
        "CREATE INDEX title FOR (n:`A label`) ON (n.title, n.`a key`)",
        "CREATE TEXT INDEX words FOR (n:Film) ON (n.text)",
        "CREATE (:Gone), (:Gone)",
        "CREATE (a:Everything:`A label` {number: -9223372036854775808, floats: [0.1, -0.0, 1.0e300], nan: 0.0 / 0.0, \
         inf: 1.0 / 0.0, text: 'it\\'s \\n `x` \\u2028', `a key`: true, date: date('-0044-03-15'), \
         time: time('12:00:00.000000001+01:00'), local: localtime('23:59'), \
         when: localdatetime('9999-12-31T23:59:59.999999999'), zoned: datetime('2024-10-27T02:30+01:00[Europe/Oslo]'), \
         span: duration('P1Y2M3DT4H5M6.000000007S'), place: point({latitude: 59.9, longitude: 10.7, height: 3.5}), \
         flat: point({x: 0.1, y: -2}), dates: [date('2024-01-01')], none: []})-[:`A type` {since: 1.0}]->(a)",
        "MATCH (g:Gone) DELETE g",
        "UNWIND range(1, 1500) AS n CREATE (:Film {n: n, tenant: ['acme', 'initech'][n % 2]})",
        "MATCH (a:Film), (b:Film {n: a.n + 2}) CREATE (a)-[:NEXT {n: a.n}]->(b)",
        "MATCH (a:Film {n: 1}), (b:Film {n: 2}) CREATE (a)-[:ACROSS]->(b)",
    ] {
        call(&["shell", "--bolt", &bolt, text]);
    }
    let out = call(&["dump", "sheaf", "--to", &file("online.jsonl"), "--bolt", &bolt]);
    assert!(out.starts_with("database \"sheaf\": 1501 nodes, 1500 relationships in "), "{out}");
    call(&["load", &file("online.jsonl"), "--as", "online", "--bolt", &bolt]);
    let count = ["shell", "--bolt", &bolt, "--format", "csv", "USE online MATCH (n:Film) RETURN count(n) AS n"];
    assert_eq!(call(&count), "n\n1500\n");
    served.end("-TERM");
    let dump = |database: &str, name: &str, more: &[&str]| {
        let to = file(name);
        call(&[&["dump", database, "--to", &to, "--data", path(data.path())], more].concat());
        to
    };
    let load = |from: &str, name: &str| call(&["load", from, "--as", name, "--data", path(data.path())]);
    let read = |name: &str| fs::read_to_string(name).expect("reads");
    let lines = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    let (first, again) = (dump("sheaf", "first.jsonl", &[]), dump("sheaf", "again.jsonl", &[]));
    assert!(read(&first) == read(&again), "the same graph gives the same file");
    assert!(read(&first) == read(&file("online.jsonl")), "with and without a server");
    // The ids close up when they are loaded; from then on nothing changes any more.
    load(&first, "second");
    let second = dump("second", "second.jsonl.gz", &[]);
    load(&second, "third");
    let third = read(&dump("third", "third.jsonl", &[]));
    load(&dump("sheaf", "first.cypher", &["--format", "cypher"]), "fourth");
    let fourth = read(&dump("fourth", "fourth.jsonl", &[]));
    assert!(lines(&third) == lines(&read(&dump("second", "plain.jsonl", &[]))), "loading keeps everything");
    let sorted = |text: &str| {
        // A script makes nodes of one kind together, so ids differ.
        let mut properties: Vec<String> = text
            .lines()
            .filter_map(|line| line.split_once("\"properties\":").map(|(_, rest)| rest.to_owned()))
            .collect();
        properties.sort();
        properties
    };
    assert!(sorted(&third) == sorted(&fourth), "a script makes the same");
    assert!(sorted(&third) == sorted(&read(&first)), "nothing but ids changes");
    assert!(third.contains("CREATE CONSTRAINT") && third.contains("CREATE TEXT INDEX"), "{}", &third[..500]);
    // One tenant alone.
    let acme = read(&dump("sheaf", "acme.jsonl", &["--where", "n.tenant = 'acme'"]));
    assert_eq!(acme.lines().filter(|line| line.contains("\"type\":\"node\"")).count(), 750);
    assert_eq!(acme.matches("\"type\":\"relationship\"").count(), 749);
    assert!(!acme.contains("initech") && !acme.contains("ACROSS"));
    // As apoc.export.json.all of Neo4j writes it.
    let apoc = "{\"type\":\"node\",\"id\":\"0\",\"labels\":[\"User\"],\"properties\":{\"name\":\"Adam\",\"place\":\
                {\"crs\":\"wgs-84\",\"latitude\":13.1,\"longitude\":33.46789,\"height\":null}}}\n\
                {\"type\":\"node\",\"id\":\"7\",\"labels\":[\"User\"],\"properties\":{\"name\":\"Jim\"}}\n\
                {\"id\":\"0\",\"type\":\"relationship\",\"label\":\"KNOWS\",\"properties\":{\"since\":1993},\
                \"start\":{\"id\":\"0\",\"labels\":[\"User\"]},\"end\":{\"id\":\"7\",\"labels\":[\"User\"]}}\n";
    fs::write(file("apoc.json"), apoc).expect("writes");
    assert_eq!(load(&file("apoc.json"), "apoc"), "database \"apoc\": 2 nodes, 1 relationship\n");
    // What ends early is refused whole.
    let (whole, script) = (read(&first), read(&file("first.cypher")));
    let but_its_end = &script[..script.trim_end().rfind('\n').expect("has lines") + 1];
    let middle = script.len() / 2 + script[script.len() / 2..].find('\n').expect("has lines") + 1;
    for (name, content, expected) in [
        ("short.jsonl", &whole[..whole.len() - 60], "of the dump: "),
        ("short.cypher", but_its_end, "the dump ends early: after line "),
        ("half.cypher", &script[..middle], "the dump ends early: after line "),
        ("empty.jsonl", "", "the dump ends early: the file is empty"),
    ] {
        fs::write(file(name), content).expect("writes");
        let (code, _, error) = told(&output(&["load", &file(name), "--as", "short", "--data", path(data.path())]));
        assert!(code == Some(1) && error.contains(expected), "{name}: {error}");
    }
    let served = Served::start(data.path(), &[]);
    // Wherever the tool is called, and whoever named the server: the folder of backups is the server's own.
    let elsewhere = folder();
    // Nor is a folder meant that lies there by chance.
    fs::create_dir(elsewhere.path().join("data")).expect("makes");
    let mut load = std::process::Command::new(env!("CARGO_BIN_EXE_sheaf"));
    load.args(["load", &second, "--as", "fifth"])
        .current_dir(elsewhere.path())
        .env("SHEAF_BOLT", served.address("bolt"));
    let (code, out, error) = told(&load.output().expect("runs"));
    assert_eq!(code, Some(0), "{out}{error}");
    assert_eq!(fs::read_dir(elsewhere.path().join("data")).expect("reads").count(), 0);
    call(&["shell", "--bolt", served.address("bolt"), "DROP DATABASE fifth"]);
    let names = call(&["shell", "--bolt", served.address("bolt"), "--format", "csv", "SHOW DATABASES YIELD name"]);
    assert_eq!(names, "name\napoc\nfourth\nonline\nsecond\nsheaf\nsystem\nthird\n");
}

/// Without a server and with one: the statements of a dump fill the new database, and nothing else hears of them.
#[test]
fn f24_f85_a_dump_speaks_to_its_own_database_alone() {
    let data = folder();
    let file = |name: &str| data.path().join(name).to_str().expect("a plain path").to_owned();
    let served = Served::start(data.path(), &[]);
    ask(served.address("bolt"), "system", "CREATE DATABASE sec");
    ask(served.address("bolt"), "sec", "CREATE (:Secret {v: 'top'})");
    let bolt = served.address("bolt").to_owned();
    let line = |text: &str| format!("CREATE (:Fine);\n\n// what follows is refused\n{text};\n");
    let schema = |text: &str| format!("{{\"type\":\"schema\",\"statement\":\"{text}\"}}\n");
    let missing = "Database does not exist. Database name: 'sec'";
    let cases: Vec<(String, &str, &str)> = [
        ("MATCH (n) FROM DATABASE sec CREATE (:Copy {v: n.v})", "line 4", missing),
        ("USE sec CREATE (:FromDump)", "line 4", missing),
        ("USE sec MATCH (n) DETACH DELETE n", "line 4", missing),
        ("USE system CREATE USER evil SET PASSWORD 'pppppppppp'", "line 4", "Permission denied"),
        ("USE sheaf CREATE (:Lost)", "line 4", "Database does not exist"),
        ("CREATE USER evil SET PASSWORD 'pppppppppp' CHANGE NOT REQUIRED", "line 4", "Permission denied"),
        ("GRANT ROLE admin TO loader", "line 4", "Permission denied"),
        ("DROP DATABASE sec", "line 4", "of the dump: "),
        ("DROP DATABASE loaded", "line 4", "Permission denied"),
        ("STOP DATABASE loaded", "line 4", "Permission denied"),
        ("CALL dbms.recreateDatabase('sec', {clearData: true})", "line 4", "of the dump: "),
        ("CALL dbms.setConfigValue('db.transaction.timeout', '1s')", "line 4", "Permission denied"),
        ("ALTER CURRENT USER SET PASSWORD FROM 'nobody comes here' TO 'qqqqqqqqqq'", "line 4", "does not administer"),
        ("CREATE TOKEN t", "line 4", "does not administer"),
        ("RETURN 1; RETURN\n1 / 0", "line 4", "/ by zero"),
        ("RETURN toInteger({user: \"'loader'\"})", "line 4", "toInteger"),
        (":use sec\nCREATE (:FromDump)", "line 4", ":use is for a shell"),
        (":param n => 1\nRETURN $n", "line 4", ":param is for a shell"),
    ]
    .into_iter()
    .map(|(text, at, reason)| (line(text), at, reason))
    .chain(["DROP DATABASE sec", "USE sec CREATE (:FromDump)"].map(|text| (schema(text), "line 1", "of the dump: ")))
    .collect();
    let refuses = |reach: &[&str]| {
        for (text, at, reason) in &cases {
            fs::write(file("dump"), text).expect("writes");
            let (code, out, error) = told(&output(&[&["load", &file("dump"), "--as", "new"], reach].concat()));
            assert!(code == Some(1) && error.contains(at) && error.contains(reason), "{text}: {code:?} {out}{error}");
            assert!(!error.contains("user 'loader'"), "{text}: {error}");
        }
        let script = "MATCH (n) DETACH DELETE n;\n:begin\nCREATE CONSTRAINT one FOR (n:New) REQUIRE n.key IS UNIQUE;\n:commit\n\
                      CREATE (:New {key: 1})-[:TO]->(:Other); CALL db.awaitIndexes(300);\nSHOW INDEXES;";
        fs::write(file("dump"), script).expect("writes");
        let name = format!("fine{}", reach.len());
        let (code, out, error) = told(&output(&[&["load", &file("dump"), "--as", &name], reach].concat()));
        assert_eq!((code, out), (Some(0), format!("database \"{name}\": 5 statements\n")), "{error}");
    };
    refuses(&["--bolt", &bolt]);
    served.end("-TERM");
    refuses(&["--data", path(data.path()), "--user", "nobody", "--password", "is asked"]);
    let served = Served::start(data.path(), &[]);
    let bolt = served.address("bolt");
    let asked = |database: &str, text: &str| ask(bolt, database, text);
    let names = "SHOW DATABASES YIELD name RETURN collect(name) AS names";
    assert_eq!(asked("system", names), "{\"names\":[\"fine2\",\"fine6\",\"sec\",\"sheaf\",\"system\"]}\n");
    assert_eq!(asked("system", "SHOW USERS YIELD user RETURN collect(user) AS users"), "{\"users\":[]}\n");
    assert_eq!(
        asked("sec", "MATCH (n) RETURN labels(n) AS labels, n.v AS v"),
        "{\"labels\":[\"Secret\"],\"v\":\"top\"}\n"
    );
    for name in ["fine2", "fine6"] {
        assert_eq!(asked(name, "MATCH (:New {key: 1})-->(n) RETURN labels(n) AS n"), "{\"n\":[\"Other\"]}\n");
    }
}

#[test]
fn f24_a_backup_that_replaces_its_database_stays_the_databases_own_with_and_without_a_server() {
    let data = folder();
    let first = ["serve", "--data", path(data.path()), "--bolt", "127.0.0.1:0", "--http", "off"];
    let served = Served::wait(sheaf(&first).env("SHEAF_INITIAL_PASSWORD", "admin-password"));
    let call = |bolt: &str, user: &str, text: &str| {
        let password = format!("{user}-password");
        told(&output(&["shell", "--bolt", bolt, "-u", user, "-p", &password, "--format", "csv", text]))
    };
    let admin = |bolt: &str, text: &str| assert_eq!(call(bolt, "admin", text).0, Some(0), "{text}");
    let bolt = served.address("bolt").to_owned();
    for text in [
        "CREATE USER ann SET PASSWORD 'ann-password' CHANGE NOT REQUIRED",
        "CREATE DATABASE films",
        "BACKUP DATABASE films TO 'night.sheafbackup'",
        "CREATE OR REPLACE DATABASE films FROM BACKUP 'night.sheafbackup'",
        "GRANT LEVEL admin ON DATABASE films TO USER ann",
    ] {
        admin(&bolt, text);
    }
    let listed = "SHOW BACKUPS YIELD file";
    let (_, with_server, _) = call(&bolt, "ann", listed);
    assert_eq!(with_server, "file\nnight.sheafbackup\n");
    served.end("-TERM");
    let file = data.path().join("backups").join("night.sheafbackup");
    // Twice: each time it is the backup of what was there before.
    for _ in 0..2 {
        let restore = ["restore", path(&file), "--as", "films", "--replace", "--data", path(data.path())];
        let (code, out, error) = told(&output(&restore));
        assert_eq!(code, Some(0), "{out}{error}");
    }
    let served = Served::start(data.path(), &[]);
    let bolt = served.address("bolt").to_owned();
    assert_eq!(call(&bolt, "ann", listed).1, with_server, "what she may do stays");
    // One that replaces some other database's does not become its own.
    admin(&bolt, "CREATE DATABASE other");
    admin(&bolt, "REVOKE LEVEL admin ON DATABASE films FROM USER ann");
    served.end("-TERM");
    let restore = ["restore", path(&file), "--as", "other", "--replace", "--data", path(data.path())];
    assert_eq!(told(&output(&restore)).0, Some(0));
    let served = Served::start(data.path(), &[]);
    let bolt = served.address("bolt").to_owned();
    admin(&bolt, "GRANT LEVEL admin ON DATABASE other TO USER ann");
    assert_eq!(call(&bolt, "ann", listed).1, "file\n");
}

#[test]
fn f24_f85_what_was_said_about_a_database_outlives_its_restore_with_and_without_a_server() {
    let data = folder();
    let served = Served::wait(
        sheaf(&["serve", "--data", path(data.path()), "--bolt", "127.0.0.1:0", "--http", "off"])
            .env("SHEAF_INITIAL_PASSWORD", "admin-password"),
    );
    let call = |arguments: &[&str]| {
        let (code, out, error) = told(&output(arguments));
        assert_eq!(code, Some(0), "{arguments:?}: {out}{error}");
        out
    };
    let login = |bolt: &str| ["--bolt", bolt, "-u", "admin", "-p", "admin-password"].map(str::to_owned);
    let run = |bolt: &str, text: &str| {
        let login = login(bolt);
        let login = login.iter().map(String::as_str);
        call(&["shell"].into_iter().chain(login).chain(["--format", "csv", text]).collect::<Vec<_>>())
    };
    let bolt = served.address("bolt").to_owned();
    for text in [
        "CREATE DATABASE films OPTIONS {journal: true}",
        "CREATE USER own SET PASSWORD 'own-password' CHANGE NOT REQUIRED",
        "CREATE USER ann SET PASSWORD 'ann-password' CHANGE NOT REQUIRED",
        "ALTER DATABASE films SET OWNER own",
        "ALTER DATABASE films SET LIMIT max_nodes = 70",
        "GRANT LEVEL read ON DATABASE films TO USER ann",
        "CREATE ALIAS cinema FOR DATABASE films",
        "CREATE TOKEN reports FOR USER ann ON DATABASE films",
        "USE films CREATE (:Film)",
        "BACKUP DATABASE films TO 'night'",
        "USE films CREATE (:Film)",
    ] {
        run(&bolt, text);
    }
    let said = |bolt: &str| {
        [
            "SHOW DATABASE films YIELD name, owner, aliases, options",
            "SHOW LIMITS FOR DATABASE films YIELD `limit`, value WHERE value = 70",
            "SHOW GRANTED LEVELS FOR DATABASE films",
            "SHOW TOKENS YIELD name, databases",
        ]
        .map(|text| run(bolt, text))
        .join("")
    };
    let films = |bolt: &str| run(bolt, "USE cinema MATCH (n) RETURN count(n) AS n");
    let before = said(&bolt);
    assert!(before.contains("own") && before.contains("cinema") && before.contains("70"), "{before}");
    let file = data.path().join("backups").join("night");
    let restore = ["restore", path(&file), "--as", "films", "--replace"];
    let online = |more: &[&str]| {
        let login = login(&bolt);
        let all = restore.into_iter().chain(login.iter().map(String::as_str)).chain(more.iter().copied());
        call(&all.collect::<Vec<_>>());
        assert_eq!(said(&bolt), before, "{more:?}");
    };
    // To a moment first: what is made anew begins a journal of its own.
    let now = run(&bolt, "RETURN toString(datetime()) AS now");
    online(&["--until", now.lines().nth(1).expect("a time")]);
    assert_eq!(films(&bolt), "n\n2\n");
    online(&[]);
    assert_eq!(films(&bolt), "n\n1\n");
    served.end("-TERM");
    call(&[&restore[..], &["--data", path(data.path())]].concat());
    let served = Served::start(data.path(), &[]);
    assert_eq!(said(served.address("bolt")), before);
    assert_eq!(films(served.address("bolt")), "n\n1\n");
}

#[test]
fn f24_f82_who_may_make_databases_restores_and_loads_files_that_he_holds() {
    let data = folder();
    let served = Served::wait(
        sheaf(&["serve", "--data", path(data.path()), "--bolt", "127.0.0.1:0", "--http", "off"])
            .env("SHEAF_INITIAL_PASSWORD", "admin-password"),
    );
    let bolt = served.address("bolt").to_owned();
    let call = |user: &str, arguments: &[&str]| {
        let password = format!("{user}-password");
        let all = [arguments, &["--bolt", &bolt, "-u", user, "-p", &password]].concat();
        told(&output(&all))
    };
    let run = |user: &str, text: &str| call(user, &["shell", "--format", "csv", text]);
    for text in [
        "CREATE USER bk SET PASSWORD 'bk-password' CHANGE NOT REQUIRED",
        "CREATE ROLE makers",
        "GRANT CREATE DATABASE ON DBMS TO makers",
        "GRANT ROLE makers TO bk",
        "CREATE DATABASE films",
        "CREATE DATABASE vault OPTIONS {encryption: true}",
        "USE films CREATE (:Film)",
        "BACKUP DATABASE films TO 'films.sheafbackup'",
    ] {
        let (code, out, error) = run("admin", text);
        assert_eq!(code, Some(0), "{text}: {out}{error}");
    }
    let elsewhere = folder();
    let file = |name: &str| path(&elsewhere.path().join(name)).to_owned();
    let (plain, sealed, dump) = (file("films 1.bak"), file("vault.bak"), file("films.jsonl"));
    for arguments in
        [["backup", "films", "--to", &plain], ["backup", "vault", "--to", &sealed], ["dump", "films", "--to", &dump]]
    {
        let (code, out, error) = call("admin", &arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {out}{error}");
    }
    for (arguments, name) in [(["restore", &plain], "mine"), (["load", &dump], "loaded")] {
        let (code, out, error) = call("bk", &[&arguments[..], &["--as", name]].concat());
        assert_eq!(code, Some(0), "{arguments:?}: {out}{error}");
        assert_eq!(run("bk", &format!("USE {name} MATCH (n) RETURN count(n) AS n")).1, "n\n1\n");
    }
    // Who may not make databases hears which right that takes.
    assert_eq!(run("admin", "CREATE USER eve SET PASSWORD 'eve-password' CHANGE NOT REQUIRED").0, Some(0));
    for arguments in [["restore", &plain], ["load", &dump]] {
        let (code, out, error) = call("eve", &[&arguments[..], &["--as", "none"]].concat());
        assert!(code == Some(1) && error.contains("CREATE DATABASE ON DBMS"), "{arguments:?}: {out}{error}");
    }
    // The audit says what it was made of.
    let audited = "SHOW AUDIT YIELD kind, user, databases, operation WHERE user = 'bk' AND kind = 'backup' \
                   RETURN databases, operation ORDER BY operation";
    let lines = run("admin", audited).1;
    assert!(lines.contains("mine") && lines.contains("-films1.bak', a backup of films]"), "{lines}");
    assert!(lines.contains("films\"\"]\",") && lines.contains("-load-films.jsonl', a backup of loaded]"), "{lines}");
    // The key of an encrypted one is not in his hand, and what lies on the server is not his for being named.
    let (code, _, error) = call("bk", &["restore", &sealed, "--as", "opened"]);
    assert!(code == Some(1) && error.contains("BACKUP ON DATABASE *"), "{error}");
    let (code, _, error) = run("bk", "CREATE DATABASE taken FROM BACKUP 'films.sheafbackup'");
    assert!(code != Some(0) && error.contains("BACKUP ON DATABASE *"), "{error}");
    assert_eq!(fs::read_dir(data.path().join("backups")).expect("lists").count(), 1, "nothing stays in the folder");
}

#[test]
fn f24_f48_restore_and_load_keep_to_what_a_database_may_hold() {
    let data = folder();
    let served = Served::start(data.path(), &["--limits", "max_nodes=10"]);
    let elsewhere = folder();
    let file = |name: &str| path(&elsewhere.path().join(name)).to_owned();
    let (script, lines, backup) = (file("many.cypher"), file("many.jsonl"), file("many.sheafbackup"));
    fs::write(&script, "UNWIND range(1, 20) AS x CREATE (:N {x: x});\n").expect("writes");
    let other = file("data");
    fs::create_dir(&other).expect("is made");
    for arguments in [
        ["load", &script, "--as", "many", "--data", &other],
        ["dump", "many", "--to", &lines, "--data", &other],
        ["backup", "many", "--to", &backup, "--data", &other],
    ] {
        let (code, out, error) = told(&output(&arguments));
        assert_eq!(code, Some(0), "{arguments:?}: {out}{error}");
    }
    for arguments in [["load", &script], ["load", &lines], ["restore", &backup]] {
        let all = [&arguments[..], &["--as", "more", "--bolt", served.address("bolt")]].concat();
        let (code, out, error) = told(&output(&all));
        assert_eq!(code, Some(1), "{arguments:?}: {out}");
        let reason = "The limit max_nodes of the server for database 'more' is 10, 0 are used, and 20 more are wanted.";
        assert!(error.contains(reason), "{arguments:?}: {error}");
    }
    // An explicit limit holds in a folder without a server too.
    let shell = |text: &str| told(&output(&["shell", "--bolt", served.address("bolt"), "--format", "csv", text])).1;
    shell("CREATE DATABASE mine");
    shell("ALTER DATABASE mine SET LIMIT max_nodes = 5");
    assert_eq!(shell("SHOW DATABASES YIELD name WHERE name = 'more'"), "name\n");
    drop(served);
    let replaced = output(&["restore", &backup, "--as", "mine", "--replace", "--data", path(data.path())]);
    let (code, out, error) = told(&replaced);
    assert!(code == Some(1) && error.contains("The limit max_nodes of database 'mine' is 5"), "{out}{error}");
}

#[test]
fn f24_f98_an_encrypted_database_is_dumped_while_a_server_runs() {
    let data = folder();
    let served = Served::start(data.path(), &[]);
    let bolt = served.address("bolt");
    let run = |text: &str| told(&output(&["shell", "--bolt", bolt, "--format", "csv", text])).1;
    run("CREATE DATABASE vault OPTIONS {encryption: true}");
    run("USE vault CREATE (:Film {title: 'Alien'})");
    let (dump, keys) = (data.path().join("vault.jsonl"), data.path().join("seal.key"));
    let to = ["dump", "vault", "--to", path(&dump)];
    let elsewhere = folder();
    for (more, is_enough) in [
        (vec!["--bolt", bolt, "--data", path(elsewhere.path())], false),
        (vec!["--bolt", bolt, "--seal-key-file", path(&keys)], true),
        (vec!["--data", path(data.path()), "--bolt", bolt], true),
    ] {
        let (code, _, error) = told(&output(&[&to[..], &more[..]].concat()));
        assert_eq!(code == Some(0), is_enough, "{more:?}: {error}");
        let dumped = fs::read_to_string(&dump).unwrap_or_default();
        assert_eq!(dumped.contains("Alien"), is_enough, "{dumped}");
        assert!(is_enough || error.contains("Name the server's keys after --seal-key-file"), "{error}");
        let _ = fs::remove_file(&dump);
    }
    assert_eq!(fs::read_dir(elsewhere.path()).expect("reads").count(), 0, "no key is made");
}

#[test]
fn f24_f98_keys_that_the_server_of_a_folder_does_not_have_seal_nothing_in_it() {
    let (old, new, elsewhere) = (folder(), folder(), folder());
    let served = Served::start(old.path(), &[]);
    let vault = path(&elsewhere.path().join("vault.sheafbackup")).to_owned();
    for text in ["CREATE DATABASE vault OPTIONS {encryption: true}", "USE vault CREATE (:Secret)"] {
        ask(served.address("bolt"), "sheaf", text);
    }
    assert_eq!(told(&output(&["backup", "vault", "--to", &vault, "--bolt", served.address("bolt")])).0, Some(0));
    served.end("-TERM");
    Served::start(new.path(), &[]).end("-TERM");
    let (data, keys) = (path(new.path()), old.path().join("seal.key"));
    let restore = ["restore", &vault, "--as", "v", "--data", data];
    for arguments in [&restore[..], &["admin", "adopt", path(old.path()), "--data", data]] {
        let (code, _, error) = told(&output(&[arguments, &["--seal-key-file", path(&keys)]].concat()));
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
        assert!(error.starts_with("error: the data folder has keys of its own in "), "{error}");
    }
    assert!(told(&output(&["audit", "verify", "--data", data])).1.starts_with("sound: "));
    // In front of its own they open what they sealed, and seal nothing.
    let own = new.path().join("seal.key");
    let both = [fs::read_to_string(&keys).expect("reads"), fs::read_to_string(&own).expect("reads")].concat();
    fs::write(&own, both).expect("writes");
    let (code, _, error) = told(&output(&restore));
    assert_eq!(code, Some(0), "{error}");
    assert!(told(&output(&["audit", "verify", "--data", data])).1.starts_with("sound: "));
    let served = Served::start(new.path(), &[]);
    assert_eq!(ask(served.address("bolt"), "v", "MATCH (n) RETURN count(n) AS n"), "{\"n\":1}\n");
}

#[test]
fn f24_f98_after_a_new_key_of_the_server_journals_open_without_the_older_one() {
    let data = folder();
    let call = |arguments: &[&str]| {
        let (code, out, error) = told(&output(arguments));
        assert_eq!(code, Some(0), "{arguments:?}: {out}{error}");
        out
    };
    let served = Served::start(data.path(), &[]);
    let run = |served: &Served, text: &str| call(&["shell", "--bolt", served.address("bolt"), "--format", "csv", text]);
    run(&served, "CREATE DATABASE vault OPTIONS {encryption: true, journal: true}");
    run(&served, "USE vault UNWIND range(1, 100) AS n CREATE (:Film {n: n})");
    let from = "SHOW USAGE YIELD database, journalFrom WHERE database = 'vault' RETURN toString(journalFrom) AS t";
    let begun = run(&served, from);
    served.end("-TERM");
    let keys = data.path().join("seal.key");
    let older = fs::read_to_string(&keys).expect("reads");
    let told_of = call(&["admin", "rotate-key", "--data", path(data.path())]);
    assert!(told_of.contains("Databases and their journals need older keys no more"), "{told_of}");
    let both = fs::read_to_string(&keys).expect("reads");
    assert!(both.starts_with(older.trim_end()) && both.lines().count() > older.lines().count(), "{both}");
    fs::write(&keys, format!("{}\n", both.lines().last().expect("the newest"))).expect("writes");
    // The older one is gone: everything is read all the same, and the journal goes on where it was.
    let sound = call(&["admin", "check", "--data", path(data.path())]);
    assert!(sound.contains("vault: sound, 100 nodes"), "{sound}");
    let backup = data.path().join("new.sheafbackup");
    call(&["backup", "vault", "--to", path(&backup), "--data", path(data.path())]);
    let served = Served::start(data.path(), &[]);
    run(&served, "USE vault CREATE (:Film {n: 101})");
    assert_eq!(run(&served, from), begun, "no new journal was begun");
    let until = run(&served, "RETURN toString(datetime()) AS t");
    let until = until.lines().nth(1).expect("one row").trim_matches('"').to_owned();
    run(&served, "USE vault CREATE (:Film {n: 102})");
    served.end("-TERM");
    let restore = ["restore", path(&backup), "--as", "again", "--until", &until, "--data", path(data.path())];
    call(&restore);
    // A copy of it is sealed: whether its key is there is told by who has keys.
    let (elsewhere, others) = (folder(), folder());
    let copy = elsewhere.path().join("vault.sheafjournal");
    let copy = path(&copy);
    call(&["backup", "journal", "vault", "--to", copy, "--data", path(data.path())]);
    let verify = |keys: &[&str]| told(&output(&[&["backup", "verify", copy], keys].concat()));
    let (code, out, _) = verify(&[]);
    assert!(code == Some(0) && out.ends_with("sealed, and its keys were not looked for (--seal-key-file)\n"), "{out}");
    let (code, out, error) = verify(&["--seal-key-file", path(&keys)]);
    assert!(code == Some(0) && out.ends_with("sealed, and its keys are there\n"), "{out}{error}");
    Served::start(others.path(), &[]).end("-TERM");
    for wrong in [others.path().join("seal.key"), elsewhere.path().join("no.key")] {
        let (code, out, error) = verify(&["--seal-key-file", path(&wrong)]);
        assert!(code == Some(1) && out.contains(" is sound: "), "{code:?} {out}{error}");
        assert!(error.starts_with("error: the keys of the journal cannot be had: "), "{error}");
    }
    let served = Served::start(data.path(), &[]);
    assert_eq!(run(&served, "USE again MATCH (n) RETURN count(n) AS n"), "n\n101\n");
}

#[test]
fn f97_f100_what_root_does_to_the_folder_of_a_service_stays_the_services() {
    const SERVICE: u32 = 65_534;
    let (data, elsewhere) = (folder(), folder());
    let file = elsewhere.path().join("one.sheafbackup");
    let call = |arguments: &[&str]| {
        let (code, out, error) = told(&output(&[arguments, &["--data", path(data.path())]].concat()));
        assert_eq!(code, Some(0), "{arguments:?}: {out}{error}");
    };
    Served::start(data.path(), &[]).end("-TERM");
    if fs::metadata(data.path()).expect("is there").uid() != 0 {
        // Only root works on somebody else's folder.
        return;
    }
    let given = std::process::Command::new("chown").args(["-R", &SERVICE.to_string(), path(data.path())]).status();
    assert!(given.expect("chown is there").success());
    call(&["backup", "sheaf", "--to", path(&file)]);
    call(&["restore", path(&file), "--as", "again"]);
    let served = Served::start(data.path(), &[]);
    let (code, out, error) =
        told(&output(&["restore", path(&file), "--as", "served", "--bolt", served.address("bolt")]));
    assert_eq!(code, Some(0), "{out}{error}");
    // A server of the service's own would make the database, and not this folder.
    assert_eq!(fs::metadata(data.path().join("backups")).expect("is there").uid(), SERVICE);
    served.end("-TERM");
    call(&["admin", "rotate-key"]);
    call(&["admin", "check"]);
    let names = elsewhere.path().join("names.csv");
    fs::write(&names, "name:ID\nann\n").expect("writes");
    let bad = elsewhere.path().join("bad.csv");
    call(&["import", "--database", "people", "--bad-rows", path(&bad), "--nodes", path(&names)]);
    let mut left = vec![data.path().to_owned()];
    while let Some(place) = left.pop() {
        let owner = fs::metadata(&place).expect("is there").uid();
        assert_eq!(owner, SERVICE, "{}", place.display());
        if place.is_dir() {
            left.extend(fs::read_dir(&place).expect("lists").map(|entry| entry.expect("lists").path()));
        }
    }
    // What it gave away is no link to what somebody else has.
    let (own, link) = (elsewhere.path().join("own"), data.path().join("link"));
    fs::write(&own, "root's").expect("writes");
    fs::hard_link(&own, &link).expect("links");
    std::os::unix::fs::symlink(&file, data.path().join("soft")).expect("links");
    call(&["admin", "rotate-key"]);
    let owners = [&own, &file].map(|file| fs::metadata(file).expect("is there").uid());
    assert_eq!(owners, [0, 0]);
}

#[test]
fn f24_a_restore_that_is_ended_leaves_nothing_in_the_folder_of_the_server() {
    let (data, elsewhere) = (folder(), folder());
    let served = Served::start(data.path(), &[]);
    let bolt = served.address("bolt");
    ask(bolt, "sheaf", "UNWIND range(1, 100000) AS i CREATE (:N {i: i})");
    let file = elsewhere.path().join("a.sheafbackup");
    let (code, out, error) = told(&output(&["backup", "sheaf", "--to", path(&file), "--bolt", bolt]));
    assert_eq!(code, Some(0), "{out}{error}");
    let backups = data.path().join("backups");
    let left = || fs::read_dir(&backups).map_or(0, Iterator::count);
    for (number, signal) in ["-TERM", "-INT", "-TERM", "-KILL"].iter().enumerate() {
        let name = format!("x{number}");
        let mut restoring =
            sheaf(&["restore", path(&file), "--as", &name, "--bolt", bolt]).spawn().expect("the binary starts");
        while left() == 0 && restoring.try_wait().expect("a child").is_none() {
            std::thread::yield_now();
        }
        let sent = std::process::Command::new("kill").args([*signal, &restoring.id().to_string()]).status();
        assert!(sent.expect("kill").success());
        restoring.wait().expect("a child");
        let listed = ask(bolt, "system", "SHOW BACKUPS YIELD file RETURN count(*) AS n");
        assert_eq!(listed.trim(), r#"{"n":0}"#, "{signal}");
        assert!(left() == 0 || *signal == "-KILL", "{signal}");
    }
    fs::copy(&file, backups.join("lent-0123456789abcdef0123456789abcdef-a.sheafbackup")).expect("copies");
    served.end("-TERM");
    let served = Served::start(data.path(), &[]);
    assert_eq!(left(), 0, "the next start removes what a killed one left");
    let (code, out, error) =
        told(&output(&["restore", path(&file), "--as", "whole", "--bolt", served.address("bolt")]));
    assert_eq!(code, Some(0), "{out}{error}");
}

#[test]
fn f24_f3_a_database_that_is_dropped_and_its_backup_are_never_both_there() {
    let data = folder();
    let start = |place: &str| {
        let mut command = sheaf(&["serve", "--data", path(data.path()), "--bolt", "127.0.0.1:0", "--http", "off"]);
        Served::wait(command.env("SHEAF_FAILPOINT", place))
    };
    let served = start("");
    ask(served.address("bolt"), "system", "CREATE DATABASE films OPTIONS {journal: true}");
    ask(served.address("bolt"), "films", "CREATE (:Film)");
    served.end("-TERM");
    let seen = |served: &Served| {
        let bolt = served.address("bolt");
        let there = ask(bolt, "system", "SHOW DATABASES YIELD name WHERE name = 'films' RETURN count(*) AS n");
        let backups = ask(bolt, "system", "SHOW BACKUPS YIELD type ORDER BY type RETURN collect(type) AS n");
        let files = fs::read_dir(data.path().join("backups")).map_or(0, Iterator::count);
        (there.trim() == r#"{"n":1}"#, backups.trim().to_owned(), files)
    };
    for in_transaction in [false, true] {
        // It dies when the backup is whole and the drop is not kept.
        let served = start("catalog.change.planned");
        let drop_it = "DROP DATABASE films DUMP DATA";
        let script = if in_transaction { format!(":begin\n{drop_it};\n:commit") } else { drop_it.to_owned() };
        let call = |served: &Served| {
            output(&["shell", "--bolt", served.address("bolt"), "--database", "system", &script]);
        };
        call(&served);
        drop(served);
        let held = fs::read_dir(data.path().join("backups")).expect("lists").count();
        assert_eq!(held, 2, "a backup and a journal that nobody finds");
        let served = start("");
        assert_eq!(seen(&served), (true, r#"{"n":[]}"#.to_owned(), 0));
        served.end("-TERM");
    }
    // It dies when the drop is kept.
    // The first time is when it is asked whether it may be dropped.
    let served = start("catalog.drop.recorded:2");
    output(&["shell", "--bolt", served.address("bolt"), "--database", "system", "DROP DATABASE films DUMP DATA"]);
    drop(served);
    let served = start("");
    assert_eq!(seen(&served), (false, r#"{"n":["database"]}"#.to_owned(), 2), "and the copy of its journal");
    let name =
        ask(served.address("bolt"), "system", "SHOW BACKUPS YIELD file, type WHERE type = 'database' RETURN file");
    let file = name.split('"').nth(3).expect("a name").to_owned();
    ask(served.address("bolt"), "system", &format!("CREATE DATABASE again FROM BACKUP '{file}'"));
    assert_eq!(ask(served.address("bolt"), "again", "MATCH (n) RETURN count(n) AS n").trim(), r#"{"n":1}"#);
}

#[test]
fn f24_f41_a_database_is_replaced_by_its_second_name_with_and_without_a_server() {
    let (data, elsewhere) = (folder(), folder());
    let file = elsewhere.path().join("films.sheafbackup");
    let call = |arguments: &[&str]| told(&output(arguments));
    let served = Served::start(data.path(), &[]);
    let bolt = served.address("bolt").to_owned();
    for statement in ["CREATE DATABASE films", "CREATE ALIAS sal FOR DATABASE films"] {
        ask(&bolt, "system", statement);
    }
    ask(&bolt, "films", "CREATE (:Film)");
    assert_eq!(call(&["backup", "films", "--to", path(&file), "--bolt", &bolt]).0, Some(0));
    ask(&bolt, "films", "CREATE (:Film)");
    let count = |bolt: &str| ask(bolt, "sal", "MATCH (n) RETURN count(n) AS n").trim().to_owned();
    let (code, out, error) = call(&["restore", path(&file), "--as", "sal", "--replace", "--bolt", &bolt]);
    assert_eq!((code, count(&bolt).as_str()), (Some(0), r#"{"n":1}"#), "{out}{error}");
    ask(&bolt, "films", "CREATE (:Film)");
    // Nobody is told where something lay meanwhile.
    let dump = elsewhere.path().join("system.jsonl");
    let refusal = "error: the database \"system\" holds no graph. Who may use what is in a backup of the whole server: sheaf backup --all\n";
    let (code, _, error) = call(&["dump", "system", "--to", path(&dump), "--bolt", &bolt]);
    assert_eq!((code, error.as_str()), (Some(1), refusal));
    served.end("-TERM");
    let (code, _, error) = call(&["dump", "system", "--to", path(&dump), "--data", path(data.path())]);
    assert_eq!((code, error.as_str()), (Some(1), refusal));
    let (code, out, error) = call(&["restore", path(&file), "--as", "sal", "--replace", "--data", path(data.path())]);
    assert_eq!(code, Some(0), "{out}{error}");
    assert_eq!(call(&["restore", path(&file), "--as", "sal", "--data", path(data.path())]).0, Some(1), "it is taken");
    let served = Served::start(data.path(), &[]);
    assert_eq!(count(served.address("bolt")), r#"{"n":1}"#);
    let shown = ask(served.address("bolt"), "system", "SHOW DATABASE films YIELD aliases");
    assert_eq!(shown.trim(), r#"{"aliases":["sal"]}"#);
}
