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
    assert!(films["created_at"].is_string() && films["id"].is_string() && films["aliases"][0] == "cinema", "{films}");

    let (status, _, made) = ask(http, "POST", "/databases", "", r#"{"name":"Books"}"#);
    assert_eq!((status, made["name"].as_str()), (201, Some("books")));
    let (status, _, again) = ask(http, "POST", "/databases", "", r#"{"name":"books"}"#);
    assert_eq!((status, code_of(&again).as_str()), (400, Code::DatabaseExists.row().neo4j));
    assert_eq!(ask(http, "DELETE", "/databases/books", "", "").0, 204);
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

    assert_eq!(ask(http, "DELETE", &format!("/sessions/{id}"), "", "").0, 204);
    let (status, _, gone) = ask(http, "POST", "/cypher", &header, count);
    assert_eq!((status, code_of(&gone).as_str()), (404, Code::SessionNotFound.row().neo4j), "{gone}");
    assert_eq!(ask(http, "DELETE", "/sessions/session-1", "", "").0, 404);
}
