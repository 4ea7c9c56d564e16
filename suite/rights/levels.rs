//! Levels over HTTP: set, listed and taken back as statements do it, by who may, of databases, patterns, users and roles.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::wire::{basic, send, serve};
use crate::world::{World, open, run};

/// Somebody who asks a server over HTTP.
struct Asker {
    address: SocketAddr,
    user: &'static str,
}

impl Asker {
    fn ask(&self, what: &str, body: &str) -> (u16, Value) {
        let authorization = basic(self.user, &format!("{}-password", self.user));
        let (status, answer) = send(self.address, what, &authorization, "", body);
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let read = || serde_json::from_str(body).unwrap_or_else(|error| panic!("{what}: {error}: {answer}"));
        (status, if body.is_empty() { Value::Null } else { read() })
    }

    fn levels(&self, what: &str) -> Vec<String> {
        let (status, answer) = self.ask(what, "");
        assert_eq!(status, 200, "{answer}");
        let text = |row: &Value, key: &str| row[key].as_str().expect("a text").to_owned();
        let rows = answer["levels"].as_array().expect("a list").iter();
        rows.map(|row| ["kind", "name", "level", "database"].map(|key| text(row, key)).join(" ")).collect()
    }

    fn count(&self, database: &str) -> u16 {
        let read = r#"{"statement": "MATCH (n) RETURN count(n)"}"#;
        self.ask(&format!("POST /db/{database}/query/v2"), read).0
    }

    fn create(&self, database: &str) -> u16 {
        self.ask(&format!("POST /db/{database}/query/v2"), r#"{"statement": "CREATE (:Open)"}"#).0
    }
}

/// Asks as the admin for the levels of a user or role.
fn of(admin: &Asker, name: &str, what: &str) -> Vec<String> {
    admin.levels(what).into_iter().filter(|row| row.contains(&format!(" {name} "))).collect()
}

#[test]
fn f82_a_level_is_set_listed_and_taken_back_over_http() {
    let world = World::new();
    let server = serve(&world);
    let address = server.http_addr().expect("HTTP is on");
    let (admin, nobody) = (Asker { address, user: "admin" }, Asker { address, user: "nobody" });
    assert_eq!((nobody.count("beta"), nobody.create("beta")), (404, 404));

    let (status, answer) = admin.ask("PUT /db/beta/levels", r#"{"user": "nobody", "level": "write"}"#);
    assert_eq!(status, 200, "{answer}");
    let row = json!({"kind": "user", "name": "nobody", "level": "write", "database": "beta", "owner": false});
    assert!(answer["levels"].as_array().expect("a list").contains(&row), "{answer}");
    let held = json!({"user": "nobody", "level": "write", "crossDatabase": true, "owner": false});
    assert!(answer["users"].as_array().expect("a list").contains(&held), "{answer}");
    assert_eq!((nobody.count("beta"), nobody.create("beta")), (202, 202));

    // A lower level is all that is left then; the database is named by an alias, in another case.
    for (level, expected) in
        [("owner", "owner"), ("admin", "admin"), ("viewer", "read"), ("admin", "admin"), ("read", "read")]
    {
        let body = json!({"user": "nobody", "level": level}).to_string();
        assert_eq!(admin.ask("PUT /db/BE/levels", &body).0, 200, "{level}");
        assert_eq!(of(&admin, "nobody", "GET /db/be/levels"), [format!("user nobody {expected} beta")]);
    }
    assert_eq!((nobody.count("beta"), nobody.create("beta")), (202, 403));
    // To use it beside another is a level of its own.
    assert_eq!(admin.ask("PUT /db/beta/levels", r#"{"user": "nobody", "level": "cross_db"}"#).0, 200);
    let both = ["user nobody read beta", "user nobody cross_db beta"];
    assert_eq!(of(&admin, "nobody", "GET /db/beta/levels"), both);
    assert_eq!(admin.ask("DELETE /db/beta/levels?user=nobody&level=cross_db", ""), (204, Value::Null));
    assert_eq!(of(&admin, "nobody", "GET /db/beta/levels"), both[..1]);
    assert_eq!(admin.ask("DELETE /db/beta/levels?user=nobody", "").0, 204);
    assert_eq!(of(&admin, "nobody", "GET /db/beta/levels"), [""; 0]);
    assert_eq!(nobody.count("beta"), 404);

    // What is wrong is told of what was asked for.
    let (status, answer) = admin.ask("PUT /db/beta/levels", r#"{"user": "missing", "level": "read"}"#);
    let text = "Failed to grant privilege to user 'missing': User does not exist.";
    assert_eq!((status, &answer["errors"][0]["message"]), (400, &json!(text)), "{answer}");
    let twice = r#"{"user": "nobody", "levels": {"BETA": "read", "beta": "write"}}"#;
    assert_eq!(admin.ask("PUT /levels", twice).0, 400);
    assert_eq!(of(&admin, "nobody", "GET /db/beta/levels"), [""; 0]);

    // The audit has them as the statements that they are.
    let mut session = world.session("admin");
    let lines = "SHOW AUDIT YIELD operation, databases WHERE operation CONTAINS 'GRANT LEVEL write' RETURN databases";
    let noted = run(&mut *session, lines).expect("the admin may").records;
    assert_eq!(noted.len(), 1, "{noted:?}");
    assert_eq!(types::text::literal(&noted[0][0]), "['beta']");
}

#[test]
fn f86_f87_a_role_has_databases_by_patterns_over_http_and_after_a_restart() {
    let world = World::new();
    let server = serve(&world);
    let admin = Asker { address: server.http_addr().expect("HTTP is on"), user: "admin" };
    let all = |admin: &Asker| of(admin, "nobody_role", "GET /levels?role=nobody_role");
    let set = |admin: &Asker, levels: Value| {
        admin.ask("PUT /levels", &json!({"role": "nobody_role", "levels": levels}).to_string())
    };
    assert_eq!(set(&admin, json!({"alp*": "read", "beta": "write", "*": "cross_db"})), (204, Value::Null));
    let granted = ["role nobody_role cross_db *", "role nobody_role read alp*", "role nobody_role write beta"];
    assert_eq!(all(&admin), granted);

    let nobody = Asker { user: "nobody", ..admin };
    let both = |nobody: &Asker| ["alpha", "beta"].map(|it| (nobody.count(it), nobody.create(it)));
    assert_eq!(both(&nobody), [(202, 403), (202, 202)]);
    // A pattern means what comes later too.
    let mut session = world.session("admin");
    run(&mut *session, "CREATE DATABASE alpine").expect("made");
    assert_eq!((nobody.count("alpine"), nobody.create("alpine")), (202, 403));
    // All of it, or nothing.
    let (status, answer) = set(&admin, json!({"alp*": "write", "gone": "read", "beta": null}));
    assert_eq!((status, &answer["errors"][0]["code"]), (404, &json!("Neo.ClientError.Database.DatabaseNotFound")));
    assert_eq!(all(&admin), granted);

    drop((server, session));
    let World { instance, folder } = world;
    drop(instance);
    let world = World { instance: Arc::new(open(folder.path())), folder };
    let server = serve(&world);
    let address = server.http_addr().expect("HTTP is on");
    let (admin, nobody) = (Asker { address, ..admin }, Asker { address, ..nobody });
    assert_eq!(all(&admin), granted);
    assert_eq!(both(&nobody), [(202, 403), (202, 202)]);
    // Pages, and everybody's.
    let (_, first) = admin.ask("GET /levels?limit=1", "");
    assert_eq!((first["levels"].as_array().map(Vec::len), &first["next"]), (Some(1), &json!(1)));
    assert!(admin.levels("GET /levels").contains(&"role reader read *".to_owned()));
    assert_eq!(set(&admin, json!({"alp*": null, "beta": "read"})).0, 204);
    assert_eq!(both(&nobody), [(404, 404), (202, 403)]);
    assert_eq!(all(&admin), ["role nobody_role cross_db *", "role nobody_role read beta"]);
}

#[test]
fn f82_levels_over_http_are_refused_as_statements_are() {
    let world = World::new();
    let server = serve(&world);
    let address = server.http_addr().expect("HTTP is on");
    let (admin, reader) = (Asker { address, user: "admin" }, Asker { address, user: "reader" });
    let before = admin.levels("GET /levels");
    let code = |answer: &Value| answer["errors"][0]["code"].as_str().unwrap_or_default().to_owned();

    // Who may not change rights hears so, of a database that he sees, does not see, or that is not there.
    for database in ["alpha", "al", "beta", "gone"] {
        for (what, body) in [
            (format!("PUT /db/{database}/levels"), r#"{"user": "reader", "level": "owner"}"#.to_owned()),
            (format!("DELETE /db/{database}/levels?role=writer_role"), String::new()),
            ("PUT /levels".to_owned(), json!({"user": "reader", "levels": {database: "owner"}}).to_string()),
        ] {
            let (status, answer) = reader.ask(&what, &body);
            assert_eq!((status, code(&answer)), (403, "Neo.ClientError.Security.Forbidden".to_owned()), "{what}");
        }
    }
    // He sees what he has himself, and of the others nothing.
    assert_eq!(reader.levels("GET /db/alpha/levels"), ["role PUBLIC cross_db *"]);
    assert_eq!(reader.levels("GET /levels?user=admin"), [""; 0]);
    for database in ["beta", "be", "gone", "a*", "%60"] {
        assert_eq!(reader.ask(&format!("GET /db/{database}/levels"), "").0, 404, "{database}");
    }

    // Who has a database under an alias alone hears of this name and no other.
    let aliased = Asker { address, user: "aliased" };
    let mut session = world.session("admin");
    run(&mut *session, "GRANT LEVEL read ON ALIAS al TO USER aliased").expect("the admin may");
    let (status, seen) = aliased.ask("GET /db/al/levels", "");
    assert!(status == 200 && seen.to_string().contains("ALIAS al") && !seen.to_string().contains("alpha"), "{seen}");
    assert_eq!(aliased.ask("GET /db/alpha/levels", "").0, 404);
    run(&mut *session, "REVOKE LEVEL read ON ALIAS al FROM USER aliased").expect("the admin may");

    let put = |body: &str| admin.ask("PUT /db/alpha/levels", body);
    for body in [
        "",
        "no",
        "[]",
        "{}",
        r#"{"user": "reader"}"#,
        r#"{"user": "reader", "level": null}"#,
        r#"{"level": "read"}"#,
        r#"{"user": "reader", "role": "reader_role", "level": "read"}"#,
        r#"{"user": "reader", "level": "read", "database": "beta"}"#,
        r#"{"user": "reader", "level": "read", "level": "owner"}"#,
        r#"{"user": "reader", "level": "boss"}"#,
        r#"{"user": "reader", "level": ""}"#,
        r#"{"user": "ghost", "level": "read"}"#,
        r#"{"user": "", "level": "read"}"#,
        r#"{"role": "ghost", "level": "read"}"#,
        r#"{"user": "reader` SET LEVEL", "level": "read"}"#,
        r#"{"user": "reader", "level": "read` ON DATABASE * TO reader //"}"#,
    ] {
        let (status, answer) = put(body);
        assert!(status == 400 && !code(&answer).is_empty(), "{body}: {status} {answer}");
    }
    for levels in [
        json!({"alpha": 1}),
        json!({"alpha": "boss"}),
        json!({"": "read"}),
        json!({"alpha` TO reader //": "read"}),
        json!({"../x": "read"}),
        json!({"a\u{0}b": "owner"}),
        json!({"system": "owner", "gone": "read"}),
    ] {
        let (status, answer) = admin.ask("PUT /levels", &json!({"role": "reader_role", "levels": levels}).to_string());
        assert!([400, 404].contains(&status) && !code(&answer).is_empty(), "{levels}: {status} {answer}");
    }
    let many: serde_json::Map<String, Value> = (0..1_001).map(|at| (format!("t{at}_*"), json!("read"))).collect();
    assert_eq!(admin.ask("PUT /levels", &json!({"role": "reader_role", "levels": many}).to_string()).0, 400);
    for path in ["/levels?who=x", "/levels?limit=-1", "/levels?user=a&role=b"] {
        assert_eq!(admin.ask(&format!("GET {path}"), "").0, 400, "{path}");
    }
    for path in ["?", "?user=reader&level=boss", "?user=a&role=b", "?user=reader&bogus=1"] {
        assert_eq!(admin.ask(&format!("DELETE /db/alpha/levels{path}"), "").0, 400, "{path}");
    }
    assert_eq!(admin.ask("PUT /db/*/levels", r#"{"user": "reader", "level": "read"}"#).0, 400, "it is no pattern");
    assert_eq!(admin.levels("GET /levels"), before, "nothing was changed");

    // An owner lets others in, to his own and no other.
    assert_eq!(put(r#"{"user": "reader", "level": "owner"}"#).0, 200);
    let body = r#"{"user": "nobody", "level": "read"}"#;
    assert_eq!(reader.ask("PUT /db/alpha/levels", body).0, 200);
    assert_eq!(reader.ask("PUT /db/beta/levels", body).0, 403);
    assert!(reader.levels("GET /db/alpha/levels").contains(&"user nobody read alpha".to_owned()));
}

#[test]
fn f96_f89_tokens_and_owners_stay_with_a_database_that_is_made_anew() {
    let world = World::new();
    let server = serve(&world);
    let mut admin = world.session("admin");
    let mut writer = world.session("writer");
    run(&mut *admin, "ALTER DATABASE beta SET OWNER nobody").expect("he is there");
    let made = run(&mut *writer, "CREATE TOKEN t ON DATABASES alpha WITH LEVEL write").expect("made");
    let token = types::text::to_text(&made.records[0][1]).expect("a text").to_string();
    let write = |address: SocketAddr, database: &str| {
        let body = r#"{"statement": "CREATE (n:Open) WITH n MATCH (m) RETURN count(m)"}"#;
        send(address, &format!("POST /db/{database}/query/v2"), &format!("Bearer {token}"), "", body).0
    };
    let address = server.http_addr().expect("HTTP is on");
    assert_eq!([write(address, "alpha"), write(address, "beta")], [202, 404]);
    for database in ["alpha", "beta"] {
        run(&mut *admin, &format!("CALL dbms.recreateDatabase('{database}', {{clearData: true}})")).expect("it may");
    }
    let count = |world: &World, user: &str, database: &str| {
        let answer = run(&mut *world.session(user), &format!("USE {database} MATCH (n) RETURN count(n)"));
        answer.map(|answer| types::text::literal(&answer.records[0][0]).to_string()).unwrap_or_default()
    };
    assert_eq!(count(&world, "admin", "alpha"), "0");
    assert_eq!([write(address, "alpha"), write(address, "al"), write(address, "beta")], [202, 202, 404]);
    let seen = |world: &World| ["alpha", "beta"].map(|it| ["reader", "nobody", "partial"].map(|u| count(world, u, it)));
    let expected = [["2", "", "2"], ["", "0", ""]].map(|row| row.map(str::to_owned));
    assert_eq!(seen(&world), expected);

    drop((server, admin, writer));
    let World { instance, folder } = world;
    drop(instance);
    let world = World { instance: Arc::new(open(folder.path())), folder };
    assert_eq!(seen(&world), expected);
    let server = serve(&world);
    assert_eq!(["alpha", "beta"].map(|it| write(server.http_addr().expect("on"), it)), [202, 404]);
}
