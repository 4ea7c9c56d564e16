//! Which database a name means, through every face that takes one; databases and sessions as things over HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use bolt::Options;
use bolt::client::{Client, ConnectOptions};
use instance::{Instance, InstanceOptions};
use serde_json::Value as Json;
use server::{Server, ServerConfig};
use types::{Code, Map, Value};

/// A server that knows no users, with `films` and its alias `cinema`.
fn serve() -> Server {
    let instance = Instance::in_memory(InstanceOptions::new("data")).expect("memory has room");
    let mut session = instance.log_in(None).expect("nobody needs a password");
    for text in ["CREATE DATABASE films", "CREATE ALIAS cinema FOR DATABASE films", "USE films CREATE (:Film)"] {
        session.run(text, Map::new(), &instance::RunOptions::default()).expect("runs");
    }
    let config = ServerConfig { worker_threads: Some(1), ..ServerConfig::on_free_ports() };
    Server::start(Arc::new(instance), config).expect("ports are free")
}

/// Sends one request over HTTP; gives the status, the headers and the body.
fn ask(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> (u16, String, Json) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers with text");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
    let (head, body) = answer.split_once("\r\n\r\n").expect("headers end");
    let begin = body.find(['{', '[']).unwrap_or(body.len());
    let end = body.rfind(['}', ']']).map_or(begin, |end| end + 1);
    (status, head.to_owned(), serde_json::from_str(&body[begin..end]).unwrap_or(Json::Null))
}

fn code_of(body: &Json) -> String {
    body["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
}

/// The names, and whether each is one of the database that holds a film.
const NAMES: [(&str, bool); 7] = [
    ("films", true),
    ("cinema", true),
    ("FILMS", true),
    ("Cinema", true),
    ("nobody", false),
    ("cinemas", false),
    ("films2", false),
];

#[test]
fn f34_f35_f41_a_name_means_the_same_through_every_face() {
    let server = serve();
    let http = server.http_addr().expect("HTTP is on");
    let bolt = server.bolt_addr().expect("Bolt is on");
    let unknown = Code::DatabaseNotFound.row();
    let count = "MATCH (f:Film) RETURN count(f) AS films";
    for (name, is_there) in NAMES {
        // Over Bolt: the session's database, and the four ways to write it into a statement.
        let mut client = Client::connect(bolt, &ConnectOptions::default()).expect("connects");
        let own = Options { database: Some(name.to_owned()), ..Options::default() };
        let mut ran = vec![("db", client.run_with(count, Map::new(), own.clone()))];
        let statements = [
            ("USE", format!("USE {name} {count}")),
            ("quoted", format!("USE `{name}` {count}")),
            ("USE DATABASE", format!("USE DATABASE {name} AS x MATCH (f:Film) IN x RETURN count(f) AS films")),
            ("FROM DATABASE", format!("MATCH (f:Film) FROM DATABASE {name} RETURN count(f) AS films")),
            ("GRAPH", format!("GRAPH[{name}] {count}")),
            ("CALL", format!("CALL {{ USE {name} {count} }} RETURN films")),
        ];
        for (face, text) in &statements {
            let _ = client.reset();
            ran.push((*face, client.run(text, Map::new())));
        }
        for (face, outcome) in ran {
            match outcome {
                Ok(answer) => {
                    assert!(is_there, "{face} found {name}");
                    assert_eq!(answer.rows, [vec![Value::Integer(1)]], "{face} {name}");
                }
                Err(error) => {
                    assert!(!is_there, "{face} did not find {name}: {error}");
                    assert_eq!(error.status(), Some(unknown.neo4j), "{face} {name}");
                }
            }
        }
        let _ = client.reset();
        let begun = client.begin(own);
        assert_eq!(begun.is_ok(), is_there, "BEGIN {name}");
        let _ = client.reset();
        assert_eq!(client.route(Some(name.to_owned())).is_ok(), is_there, "ROUTE {name}");
        // `:USE` alone moves the session.
        let _ = client.reset();
        let used = client.run(&format!(":USE {name}"), Map::new()).and_then(|_| client.run(count, Map::new()));
        assert_eq!(used.is_ok(), is_there, ":USE {name}");

        // Over HTTP: the path of each API, the body, and the database as a thing.
        let statement = format!(r#"{{"statement":"{count}"}}"#);
        let statements = format!(r#"{{"statements":[{statement}]}}"#);
        let somewhere = format!(r#"{{"query":"{count}","database":"{name}"}}"#);
        for (method, path, body) in [
            ("POST", format!("/db/{name}/tx/commit"), statements.as_str()),
            ("POST", format!("/db/{name}/tx"), statements.as_str()),
            ("POST", format!("/db/{name}/query/v2"), statement.as_str()),
            ("POST", format!("/db/{name}/query/v2/tx"), statement.as_str()),
            ("POST", "/cypher".to_owned(), somewhere.as_str()),
            ("GET", format!("/databases/{name}"), ""),
            ("GET", format!("/db/{name}"), ""),
            ("GET", format!("/db/{name}/limits"), ""),
            ("GET", format!("/db/{name}/usage"), ""),
            ("GET", format!("/db/{name}/levels"), ""),
            ("PUT", format!("/db/{name}/levels"), r#"{"role":"PUBLIC","level":"read"}"#),
            ("PUT", "/levels".to_owned(), &format!(r#"{{"role":"PUBLIC","levels":{{"{name}":"read"}}}}"#)),
            ("DELETE", format!("/db/{name}/levels?role=PUBLIC&level=read"), ""),
        ] {
            let (status, _, answer) = ask(http, method, &path, "", body);
            if is_there {
                assert!((200..300).contains(&status) && code_of(&answer).is_empty(), "{path}: {status} {answer}");
            } else {
                assert_eq!((status, code_of(&answer).as_str()), (unknown.http, unknown.neo4j), "{path}: {answer}");
            }
        }
    }
}

#[test]
fn f18_the_default_database_is_the_same_through_every_face_and_can_be_another() {
    let server = serve();
    let (http, bolt) = (server.http_addr().expect("on"), server.bolt_addr().expect("on"));
    let mut early = Client::connect(bolt, &ConnectOptions::default()).expect("connects");
    let mut look = |expected: &str| {
        let mut late = Client::connect(bolt, &ConnectOptions::default()).expect("connects");
        for client in [&mut early, &mut late] {
            let answer = client.run("RETURN database()", Map::new()).expect("runs");
            assert_eq!(answer.rows, [vec![Value::string(expected)]]);
            let table = client.route(None).expect("routes");
            assert!(format!("{table:?}").contains(&format!("{expected:?}")), "{table:?} is not of {expected}");
        }
        let (_, _, asked) = ask(http, "POST", "/cypher", "", r#"{"query":"RETURN database()"}"#);
        assert_eq!(asked["data"]["values"][0][0], Json::from(expected));
        assert_eq!(ask(http, "GET", "/session/database", "", "").2["database"], Json::from(expected));
        assert_eq!(ask(http, "GET", "/databases", "", "").2["default_database"], Json::from(expected));
        let (_, _, info) = ask(http, "GET", &format!("/databases/{expected}"), "", "");
        assert_eq!((&info["default"], &info["home"]), (&Json::from(true), &Json::from(true)), "{info}");
    };
    look("sheaf");
    let change = r#"{"query":"ALTER DATABASE films SET DEFAULT"}"#;
    assert_eq!(ask(http, "POST", "/cypher", "", change).0, 202);
    look("films");
    assert_eq!(ask(http, "DELETE", "/databases/films", "", "").0, 400, "the default database stays");
    assert_eq!(ask(http, "DELETE", "/databases/sheaf?cascade=true", "", "").0, 204, "the old one may go");
    look("films");
}

#[test]
fn f30_a_request_says_where_it_goes() {
    let server = serve();
    let http = server.http_addr().expect("HTTP is on");
    let ask = |headers: &str, body: &str| {
        let (status, _, answer) = ask(http, "POST", "/cypher", headers, body);
        (status, code_of(&answer), answer["data"]["values"][0][0].clone())
    };
    let there = |name: &str| (202, String::new(), Json::from(name));
    assert_eq!(ask("", r#"{"query":"RETURN database()","database":"Cinema"}"#), there("films"));
    assert_eq!(ask("", r#"{"statement":"RETURN database()","database":"films"}"#), there("films"));
    for nowhere in [r#"{"query":"RETURN database()"}"#, r#"{"query":"RETURN database()","database":null}"#] {
        assert_eq!(ask("", nowhere), there("sheaf"), "{nowhere}");
    }
    // Only for that request: a session that is elsewhere stays there, and what the statement says comes first.
    let (_, _, opened) = self::ask(http, "POST", "/sessions", "", r#"{"database":"sheaf"}"#);
    let header = format!("X-Sheaf-Session: {}\r\n", opened["sessionId"].as_str().expect("it has an id"));
    assert_eq!(ask(&header, r#"{"query":"RETURN database()","database":"films"}"#), there("films"));
    assert_eq!(ask(&header, r#"{"query":"RETURN database()"}"#), there("sheaf"));
    assert_eq!(ask("", r#"{"query":"USE system RETURN database()","database":"films"}"#), there("system"));
    // Unknown: 404 and a code that says so, and nothing ran anywhere.
    let unknown = (404, Code::DatabaseNotFound.row().neo4j.to_owned(), Json::Null);
    for name in ["nobody", "", " ", "../films", "films/", "fi\\u0000lms"] {
        assert_eq!(ask("", &format!(r#"{{"query":"CREATE (:Film)","database":"{name}"}}"#)), unknown, "{name}");
    }
    for wrong in ["7", "[]", "{}", "true"] {
        let (status, code, _) = ask("", &format!(r#"{{"query":"CREATE (:Film)","database":{wrong}}}"#));
        assert_eq!((status, code.as_str()), (400, Code::RequestFormat.row().neo4j), "{wrong}");
    }
    assert_eq!(ask("", r#"{"query":"USE films MATCH (f:Film) RETURN count(f)"}"#).2, Json::from(1));
}

/// Names from outside that no database can have.
fn hostile() -> Vec<String> {
    let few = [
        "..",
        ".",
        "../x",
        "../../etc",
        "a/b",
        "a\\b",
        "%2e%2e%2f",
        "%",
        "x\0y",
        "a\nb",
        "CON ",
        "_x",
        "_check-0",
        "system2",
        "a b",
        "a'b",
        "a`b",
        "a\"b",
        "-a",
        "a-",
        "na\u{ef}ve",
        "\u{202e}abc",
        "\u{1f980}",
        "\u{430}lpha",
        "fi\u{217c}ms",
        "$(x)",
        "a;b",
        "*",
        "?",
    ];
    let long = [63, 64, 300, 10_000].map(|length| "f".repeat(length + 1));
    few.map(str::to_owned).into_iter().chain(long).collect()
}

fn percent(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn json(name: &str) -> String {
    serde_json::to_string(name).expect("text")
}

#[test]
fn f20_names_from_outside_are_refused_by_every_face() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let instance = Arc::new(Instance::open(InstanceOptions::new(&data)).expect("the folder is the test's own"));
    let config = ServerConfig { worker_threads: Some(1), ..ServerConfig::on_free_ports() };
    let server = Server::start(instance, config).expect("ports are free");
    let (http, bolt) = (server.http_addr().expect("on"), server.bolt_addr().expect("on"));
    let (_, _, opened) = ask(http, "POST", "/sessions", "", "");
    let session = format!("X-Sheaf-Session: {}\r\n", opened["sessionId"].as_str().expect("it has an id"));
    let entries = |folder: &std::path::Path| {
        let mut names: Vec<_> = std::fs::read_dir(folder).expect("reads").flatten().map(|it| it.file_name()).collect();
        names.sort();
        names
    };
    let before = (entries(folder.path()), entries(&data));
    let mut client = Client::connect(bolt, &ConnectOptions::default()).expect("connects");
    for name in hostile() {
        let shown: String = name.chars().take(20).collect();
        let own = Options { database: Some(name.clone()), ..Options::default() };
        let parameter = || Map::from_iter([("name".into(), Value::string(name.as_str()))]);
        let quoted = format!("`{}`", name.replace('`', "``"));
        let mut refused = vec![
            ("RUN", client.run_with("RETURN 1", Map::new(), own.clone()).map(drop)),
            ("BEGIN", {
                let _ = client.reset();
                client.begin(own).map(drop)
            }),
            ("ROUTE", {
                let _ = client.reset();
                client.route(Some(name.clone())).map(drop)
            }),
        ];
        for text in [
            "CREATE DATABASE $name",
            "CREATE DATABASE $name IF NOT EXISTS",
            "CREATE OR REPLACE DATABASE $name",
            "CREATE DATABASE $name FROM sheaf",
            "CREATE ALIAS $name FOR DATABASE sheaf",
            "CREATE ALIAS made FOR DATABASE $name",
            "ALTER ALIAS neo4j SET DATABASE TARGET $name",
            "RENAME DATABASE $name TO made",
            "DROP DATABASE $name",
            "STOP DATABASE $name",
            "ALTER DATABASE $name SET ACCESS READ ONLY",
            "USE graph.byName($name) CREATE (:Never)",
        ] {
            let _ = client.reset();
            refused.push((text, client.run(text, parameter()).map(drop)));
        }
        for text in ["USE", ":USE", "USE DATABASE"] {
            let _ = client.reset();
            refused.push((text, client.run(&format!("{text} {quoted}"), Map::new()).map(drop)));
        }
        for (face, outcome) in refused {
            let error = outcome.expect_err(&format!("{face} took {shown}"));
            assert!(error.status().is_some(), "{face} {shown}: the connection broke: {error}");
            assert!(error.to_string().len() < 2_000, "{face} {shown}: a refusal as long as the name");
        }
        let _ = client.reset();
        let (path, text) = (percent(&name), json(&name));
        for (method, path, headers, body) in [
            ("POST", format!("/db/{path}/tx/commit"), "", r#"{"statements":[{"statement":"RETURN 1"}]}"#.to_owned()),
            ("POST", format!("/db/{path}/query/v2"), "", r#"{"statement":"RETURN 1"}"#.to_owned()),
            ("GET", format!("/db/{path}"), "", String::new()),
            ("GET", format!("/databases/{path}"), "", String::new()),
            ("DELETE", format!("/databases/{path}"), "", String::new()),
            ("GET", format!("/db/{path}/limits"), "", String::new()),
            ("GET", format!("/db/{path}/usage"), "", String::new()),
            ("GET", format!("/db/{path}/levels"), "", String::new()),
            ("PUT", format!("/db/{path}/levels"), "", r#"{"role":"PUBLIC","level":"read"}"#.to_owned()),
            ("DELETE", format!("/db/{path}/levels?role=PUBLIC"), "", String::new()),
            // A pattern is none of the names that this refuses.
            (
                "PUT",
                "/levels".to_owned(),
                "",
                format!(r#"{{"role":"PUBLIC","levels":{{{}:"read"}}}}"#, json(&name.replace(['*', '?'], "/"))),
            ),
            ("POST", "/databases".to_owned(), "", format!(r#"{{"name":{text}}}"#)),
            ("POST", "/sessions".to_owned(), "", format!(r#"{{"database":{text}}}"#)),
            ("PUT", "/session/database".to_owned(), &session, format!(r#"{{"database":{text}}}"#)),
            ("POST", "/cypher".to_owned(), "", format!(r#"{{"query":"RETURN 1","database":{text}}}"#)),
        ] {
            let (status, _, answer) = ask(http, method, &path, headers, &body);
            assert!((400..500).contains(&status), "{method} {path} {body}: {status} {answer}");
        }
    }
    // A name of ten million letters is turned away as well, where it fits into a message at all.
    let huge = "f".repeat(10_000_000);
    assert!((400..500).contains(&ask(http, "POST", "/databases", "", &format!(r#"{{"name":"{huge}"}}"#)).0));
    let _ =
        client.run("CREATE DATABASE $name", Map::from_iter([("name".into(), Value::string(huge.as_str()))])).map(drop);
    let own = Options { database: Some(huge), ..Options::default() };
    let mut other = Client::connect(bolt, &ConnectOptions::default()).expect("connects");
    other.run_with("RETURN 1", Map::new(), own).expect_err("it is no name");
    // Nothing was made, moved or left behind, and the server goes on.
    assert_eq!((entries(folder.path()), entries(&data)), before);
    assert_eq!(ask(http, "GET", "/session/database", &session, "").2["database"].as_str(), Some("sheaf"));
    let mut client = Client::connect(bolt, &ConnectOptions::default()).expect("connects");
    let answer = client.run("SHOW ALIASES YIELD name, database", Map::new()).expect("it serves on");
    assert_eq!(answer.rows, [vec![Value::string("neo4j"), Value::string("sheaf")]]);
    for (again, mine) in [("SHEAF", "sheaf"), ("Neo4j", "neo4j"), ("System", "system")] {
        let taken = client.run(&format!("CREATE DATABASE {again}"), Map::new()).expect_err("a twin");
        assert_eq!(taken.status(), Some(Code::DatabaseExists.row().neo4j), "{again} is {mine}");
        let _ = client.reset();
    }
}

#[test]
fn f7_f10_databases_are_listed_by_pages_and_looked_at() {
    let server = serve();
    let http = server.http_addr().expect("HTTP is on");
    let (status, _, all) = ask(http, "GET", "/databases", "", "");
    let names: Vec<&str> =
        all["databases"].as_array().expect("a list").iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!((status, names), (200, vec!["films", "sheaf", "system"]));
    assert_eq!((all["default_database"].as_str(), &all["next"]), (Some("sheaf"), &Json::Null));
    let (_, _, page) = ask(http, "GET", "/databases?skip=1&limit=1", "", "");
    assert_eq!((page["databases"][0]["name"].as_str(), page["next"].as_i64()), (Some("sheaf"), Some(2)));

    let (_, _, films) = ask(http, "GET", "/databases/Cinema", "", "");
    for (key, expected) in [("name", "films"), ("status", "online"), ("state", "online"), ("access", "read-write")] {
        assert_eq!(films[key].as_str(), Some(expected), "{key}");
    }
    for key in ["node_count", "nodeCount", "nodes"] {
        assert_eq!(films[key].as_i64(), Some(1), "{key}");
    }
    assert_eq!((films["relationship_count"].as_i64(), films["edgeCount"].as_i64()), (Some(0), Some(0)));
    // All that other servers' clients look for, under their names.
    for key in ["id", "created_at", "createdAt", "updated_at", "last_start", "last_write", "lastWrite", "lastWriteTime"]
    {
        assert!(films[key].is_string(), "{key}: {films}");
    }
    for key in ["storage_size", "storageSize", "storageBytes"] {
        assert!(films[key].as_i64().is_some_and(|bytes| bytes > 0), "{key}: {films}");
    }
    assert_eq!((films["default"].as_bool(), films.get("path")), (Some(false), Some(&Json::Null)), "it lies in memory");
    assert!(films["created_at"].is_string() && films["id"].is_string() && films["aliases"][0] == "cinema", "{films}");

    let (status, _, made) = ask(http, "POST", "/databases", "", r#"{"name":"Books"}"#);
    assert_eq!((status, made["name"].as_str()), (201, Some("books")));
    let (status, _, again) = ask(http, "POST", "/databases", "", r#"{"name":"books"}"#);
    assert_eq!((status, code_of(&again).as_str()), (409, Code::DatabaseExists.row().neo4j));
    // f11: stopped and started from here, as by a command.
    for (what, status) in [("stop", "offline"), ("stop", "offline"), ("start", "online")] {
        let (code, _, told) = ask(http, "POST", &format!("/databases/books/{what}"), "", "");
        assert_eq!((code, told["status"].as_str()), (200, Some(status)), "{what}: {told}");
        let (code, _, asked) = ask(http, "POST", "/cypher", "", r#"{"query":"RETURN 1","database":"books"}"#);
        assert_eq!(code, if status == "online" { 202 } else { 503 }, "{asked}");
    }
    for (body, expected) in [("{}", 200), (r#"{"force": true}"#, 400), ("[]", 400), ("no", 400), ("null", 400)] {
        let (code, _, told) = ask(http, "POST", "/databases/books/stop", "", body);
        assert_eq!(code, expected, "{body}: {told}");
        let (code, _, told) = ask(http, "POST", "/databases/books/start", "", body);
        assert_eq!(code, expected, "{body}: {told}");
    }
    assert_eq!(ask(http, "POST", "/databases/nobody/stop", "", "").0, 404);
    assert_eq!(ask(http, "POST", "/databases/sheaf/stop", "", "").0, 400);
    ask(http, "POST", "/cypher", "", r#"{"query":"CREATE ALIAS shelf FOR DATABASE books"}"#);
    assert_eq!(ask(http, "DELETE", "/databases/books", "", "").0, 409, "it has an alias");
    let (status, _, again) = ask(http, "POST", "/databases", "", r#"{"name":"shelf"}"#);
    assert_eq!((status, code_of(&again).as_str()), (409, Code::DatabaseExists.row().neo4j), "an alias has the name");
    // A statement is told as Neo4j's clients know it.
    let (status, ..) = ask(http, "POST", "/cypher", "", r#"{"query":"CREATE DATABASE books"}"#);
    assert_eq!(status, 400);
    assert_eq!(ask(http, "DELETE", "/databases/books?cascade=true", "", "").0, 204);
    assert_eq!(ask(http, "DELETE", "/databases/books", "", "").0, 404);
    assert_eq!(ask(http, "POST", "/databases", "", r#"{"name":"../x"}"#).0, 400);
}

#[test]
fn f31_f36_requests_come_back_to_their_session() {
    let server = serve();
    let http = server.http_addr().expect("HTTP is on");
    let (status, head, opened) = ask(http, "POST", "/sessions", "", r#"{"database":"cinema"}"#);
    assert_eq!((status, opened["database"].as_str()), (201, Some("cinema")), "{opened}");
    let id = opened["sessionId"].as_str().expect("it has an id").to_owned();
    assert!(head.to_lowercase().contains(&format!("set-cookie: sheaf-session={id}; path=/; httponly")), "{head}");
    let header = format!("X-Sheaf-Session: {id}\r\n");
    let cookie = format!("Cookie: a=b; sheaf-session={id}\r\n");

    let count = r#"{"query":"MATCH (f:Film) RETURN count(f) AS n, database() AS d"}"#;
    let (status, _, counted) = ask(http, "POST", "/cypher", &header, count);
    assert_eq!((status, &counted["data"]["values"][0]), (202, &serde_json::json!([1, "films"])), "{counted}");
    let (_, _, moved) = ask(http, "PUT", "/session/database", &cookie, r#"{"database":"sheaf"}"#);
    assert_eq!(moved["database"].as_str(), Some("sheaf"));
    assert_eq!(ask(http, "GET", "/session/database", &header, "").2["database"].as_str(), Some("sheaf"));
    let (status, _, refused) = ask(http, "PUT", "/session/database", &header, r#"{"database":"nobody"}"#);
    assert_eq!((status, code_of(&refused).as_str()), (404, Code::DatabaseNotFound.row().neo4j));
    // A statement moves it too, and the next request finds it there.
    ask(http, "POST", "/cypher", &header, r#"{"query":":USE films"}"#);
    assert_eq!(ask(http, "GET", "/session/database", &header, "").2["database"].as_str(), Some("films"));
    // Without a session there is the home database, and nothing to move.
    assert_eq!(ask(http, "GET", "/session/database", "", "").2["database"].as_str(), Some("sheaf"));
    assert_eq!(ask(http, "PUT", "/session/database", "", r#"{"database":"films"}"#).0, 400);
    let (status, _, refused) = ask(http, "POST", "/cypher", "", r#"{"query":":USE films"}"#);
    assert!(status == 400 && refused["errors"][0].to_string().contains("POST /sessions"), "{refused}");
    // One that could not be put where it was to be is not there.
    let before = ask(http, "GET", "/sessions", "", "").2["sessions"].as_array().map(Vec::len);
    assert_eq!(ask(http, "POST", "/sessions", "", r#"{"database":"nobody"}"#).0, 404);
    assert_eq!(ask(http, "GET", "/sessions", "", "").2["sessions"].as_array().map(Vec::len), before);
    let ended =
        r#"{"query":"SHOW AUDIT YIELD operation WHERE operation STARTS WITH 'TERMINATE' RETURN count(*) AS n"}"#;
    assert_eq!(ask(http, "POST", "/cypher", "", ended).2["data"]["values"][0][0].as_i64(), Some(0));

    // Bolt's conversations are listed beside it, and ended from here.
    let bolt = server.bolt_addr().expect("Bolt is on");
    let mut client = Client::connect(bolt, &ConnectOptions::default()).expect("connects");
    client.run("RETURN 1", Map::new()).expect("runs");
    let (_, _, listed) = ask(http, "GET", "/sessions", "", "");
    let sessions = listed["sessions"].as_array().expect("a list");
    let of = |connector: &str| sessions.iter().find(|it| it["connector"] == connector).expect("it is listed");
    assert_eq!(of("http")["sessionId"].as_str(), Some(id.as_str()));
    let talk = of("bolt")["sessionId"].as_str().expect("it has an id");
    assert_eq!(ask(http, "DELETE", &format!("/sessions/{talk}"), "", "").0, 204);
    let ended = client.run("RETURN 1", Map::new()).expect_err("it was ended");
    assert_eq!(ended.status(), Some(Code::TransactionTerminated.row().neo4j));
    // Whoever goes on with the connection hears that it is closed, and opens another one.
    assert!(client.reset().is_err());

    assert_eq!(ask(http, "DELETE", &format!("/sessions/{id}"), "", "").0, 204);
    let (status, _, gone) = ask(http, "POST", "/cypher", &header, count);
    assert_eq!((status, code_of(&gone).as_str()), (404, Code::SessionNotFound.row().neo4j), "{gone}");
    assert_eq!(ask(http, "DELETE", "/sessions/session-1", "", "").0, 404);
}

#[test]
fn f1_f102_commands_of_one_transaction_over_http_are_kept_together_or_not_at_all() {
    let server = serve();
    let http = server.http_addr().expect("HTTP is on");
    let one = |text: &str| format!(r#"{{"statement":"{text}"}}"#);
    let many = |text: &str| format!(r#"{{"statements":[{}]}}"#, one(text));
    for path in ["/db/system/tx", "/db/system/query/v2/tx"] {
        let body = |text: &str| if path.ends_with("v2/tx") { one(text) } else { many(text) };
        let is_there = || {
            let texts = ["SHOW DATABASE made YIELD name", "SHOW ROLES YIELD role WHERE role = 'maker'"];
            texts.map(|text| {
                let (_, _, answer) = ask(http, "POST", "/db/system/query/v2", "", &one(text));
                answer["data"]["values"].as_array().is_some_and(|rows| !rows.is_empty())
            })
        };
        let begin = || {
            let (status, _, answer) = ask(http, "POST", path, "", &body("CREATE ROLE maker"));
            assert!((200..300).contains(&status) && code_of(&answer).is_empty(), "{path}: {status} {answer}");
            let commit = answer["commit"].as_str().and_then(|url| url.split('/').rev().nth(1).map(str::to_owned));
            let id = commit.or_else(|| answer["transaction"]["id"].as_str().map(str::to_owned)).expect("an id");
            let own = format!("{path}/{id}");
            let (_, _, answer) = ask(http, "POST", &own, "", &body("CREATE DATABASE made"));
            assert_eq!(code_of(&answer), "", "{path}: {answer}");
            let (_, _, answer) = ask(http, "POST", &own, "", &body("SHOW DATABASE made YIELD name"));
            assert!(answer.to_string().contains(r#""made""#), "{path}: the transaction sees what it did: {answer}");
            own
        };
        let (status, _, answer) = ask(http, "DELETE", &begin(), "", "");
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        assert_eq!(is_there(), [false, false], "{path}: rolled back");
        let (_, _, answer) =
            ask(http, "POST", &format!("{}/commit", begin()), "", &body("CREATE ALIAS m FOR DATABASE made"));
        assert_eq!(code_of(&answer), "", "{path}: {answer}");
        assert_eq!(is_there(), [true, true], "{path}: committed");
        for text in ["DROP DATABASE made CASCADE ALIASES", "DROP ROLE maker"] {
            let (_, _, answer) = ask(http, "POST", "/db/system/query/v2", "", &one(text));
            assert_eq!(code_of(&answer), "", "{answer}");
        }

        // Data of one database, then a command: nothing of both.
        let data = path.replace("system", "films");
        let (_, _, answer) = ask(http, "POST", &data, "", &body("MATCH (n) RETURN n"));
        let commit = answer["commit"].as_str().and_then(|url| url.split('/').rev().nth(1).map(str::to_owned));
        let id = commit.or_else(|| answer["transaction"]["id"].as_str().map(str::to_owned)).expect("an id");
        let (_, _, answer) = ask(http, "POST", &format!("{data}/{id}"), "", &body("CREATE ROLE maker"));
        assert_eq!(code_of(&answer), Code::ForbiddenTransactionType.row().neo4j, "{path}: {answer}");
        assert_eq!(is_there(), [false, false]);
    }
}

#[test]
fn f61_f99_limits_are_marked_and_their_refusals_have_fields() {
    let server = serve();
    let http = server.http_addr().expect("HTTP is on");
    let burst = r#"{"max_queries_per_second": 5, "max_queries_burst": 2}"#;
    assert_eq!(ask(http, "PUT", "/db/films/limits", "", burst).0, 200);
    let (_, head, _) = ask(http, "GET", "/db/films/limits", "", "");
    let mark = head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("it is marked").to_owned();
    let known = || ask(http, "GET", "/db/films/limits", &format!("If-None-Match: \"x\", W/{mark}\r\n"), "").0;
    assert_eq!(known(), 304);
    assert_eq!(ask(http, "GET", "/db/films/limits", "If-None-Match: \"x\"\r\n", "").0, 200);

    let policy = r#"{"max_results": 9, "max_results_policy": "fail"}"#;
    assert_eq!(ask(http, "PUT", "/db/sheaf/limits", "", policy).0, 200);
    let (_, _, own) = ask(http, "GET", "/cluster/stats/self?database=sheaf", "", "");
    let value = |limit: &str| own["limits"][limit]["value"].clone();
    assert_eq!((value("max_results"), value("max_results_policy")), (9.into(), "fail".into()), "{own}");
    // What is used of them shows, and is no change of what was set.
    let create = r#"{"query": "CREATE (:Film)", "database": "films"}"#;
    assert_eq!(ask(http, "POST", "/cypher", "", create).0, 202);
    assert_eq!(known(), 200);
    assert_eq!(ask(http, "PUT", "/db/films/limits", &format!("If-Match: {mark}\r\n"), burst).0, 200);

    let body = r#"{"query": "RETURN 1", "database": "films"}"#;
    let (_, head, _) = ask(http, "POST", "/cypher", "", body);
    assert!(head.contains("x-ratelimit-limit: 2") && head.contains("x-ratelimit-remaining: "), "{head}");
    let refused = (0..50).map(|_| ask(http, "POST", "/cypher", "", body)).find(|(status, ..)| *status == 429);
    let (_, head, refused) = refused.expect("a burst of two");
    assert!(head.contains("x-ratelimit-remaining: 0") && head.contains("retry-after: 1"), "{head}");
    let error = &refused["errors"][0];
    assert_eq!((&error["limit"], &error["database"]), (&"max_queries_burst".into(), &"films".into()), "{error}");
    assert_eq!((&error["value"], &error["use"]), (&2.into(), &2.into()), "{error}");
    assert!(error["retry_after"].as_f64().is_some_and(|seconds| seconds > 0.0 && seconds <= 1.0), "{error}");
}

#[test]
fn f58_headers_speak_of_the_database_that_was_charged() {
    let server = serve();
    let http = server.http_addr().expect("HTTP is on");
    let burst = r#"{"max_queries_per_second": 1, "max_queries_burst": 20}"#;
    assert_eq!(ask(http, "PUT", "/db/films/limits", "", burst).0, 200);
    let limit = |head: &str| {
        let told = head.lines().find_map(|line| line.strip_prefix("x-ratelimit-limit: "));
        told.map(|limit| limit.trim().to_owned())
    };
    let across = "CALL { USE sheaf RETURN 1 AS a } CALL { USE films RETURN 1 AS b } RETURN a";
    for (database, statement, expected) in [
        ("sheaf", "USE films RETURN 1", Some("20")),
        ("sheaf", across, Some("20")),
        ("sheaf", "RETURN 1", None),
        ("films", "RETURN 1", Some("20")),
        // The request's own database does not count a statement that goes elsewhere.
        ("films", "USE sheaf RETURN 1", None),
    ] {
        let one = format!(r#"{{"statement": "{statement}"}}"#);
        let several = format!(r#"{{"statements": [{one}]}}"#);
        let anywhere = format!(r#"{{"query": "{statement}", "database": "{database}"}}"#);
        for (path, body) in [
            (format!("/db/{database}/query/v2"), &one),
            (format!("/db/{database}/tx/commit"), &several),
            (format!("/db/{database}/tx"), &several),
            (format!("/db/{database}/query/v2/tx"), &one),
            ("/cypher".to_owned(), &anywhere),
        ] {
            let (status, head, answer) = ask(http, "POST", &path, "", body);
            assert!((200..300).contains(&status), "{path} {statement}: {status} {answer}");
            assert_eq!(limit(&head).as_deref(), expected, "{path} {statement}");
        }
    }
    let body = r#"{"statement": "USE films RETURN 1"}"#;
    let refused =
        (0..100).map(|_| ask(http, "POST", "/db/sheaf/query/v2", "", body)).find(|(status, ..)| *status == 429);
    let (_, head, refused) = refused.expect("a burst of twenty");
    assert!(limit(&head).as_deref() == Some("20") && head.contains("x-ratelimit-remaining: 0"), "{head}");
    let error = &refused["errors"][0];
    assert_eq!((&error["database"], &error["source"]), (&"films".into(), &"database".into()), "{error}");
}

#[test]
fn f102_typed_answers_say_the_version_that_was_asked_for() {
    let server = serve();
    let http = server.http_addr().expect("HTTP is on");
    let asked = |accept: &str| {
        let header = format!("Accept: {accept}\r\n");
        let (status, head, _) = ask(http, "POST", "/db/films/query/v2", &header, r#"{"statement": "RETURN 1"}"#);
        let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default().to_owned();
        (status, kind)
    };
    let typed = |version: &str| format!("application/vnd.neo4j.query{version}");
    assert_eq!(asked(&typed("")), (202, typed("")));
    assert_eq!(asked(&typed(".v1.1")), (202, typed(".v1.1")));
    assert_eq!(asked(&format!("{}, {}", typed(".v9"), typed(".v1.0"))), (202, typed(".v1.0")));
    assert_eq!(asked(&format!("{}, application/json", typed(".v9"))), (202, "application/json".to_owned()));
    assert_eq!(asked(&typed(".v9")).0, 406);
}
