//! The HTTP face, request by request.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use common::{LARGE_BYTES, PATIENCE, now, start, start_with};
use serde_json::{Value, json};
use server::Server;

/// An answer: status, headers as text, body.
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Sends one request on a connection of its own and reads to the end.
fn send(server: &Server, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let mut socket = connect(server);
    write!(
        socket,
        "{method} {path} HTTP/1.1\r\nHost: localhost:7474\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .expect("an open socket");
    let mut text = String::new();
    socket.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head[9..12].parse().expect("a status");
    let body =
        if head.to_ascii_lowercase().contains("transfer-encoding: chunked") { unchunk(body) } else { body.to_owned() };
    Reply { status, head: head.to_owned(), body }
}

fn unchunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size");
        whole.push_str(&rest[..size]);
        body = &rest[size + 2..];
    }
    whole
}

fn connect(server: &Server) -> TcpStream {
    let socket = TcpStream::connect(server.http_addr().expect("HTTP is on")).expect("a server that listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("an open socket");
    socket
}

fn post(server: &Server, path: &str, body: &Value) -> Reply {
    send(server, "POST", path, "Content-Type: application/json\r\n", &body.to_string())
}

fn one(text: &str) -> Value {
    json!({"statements": [{"statement": text}]})
}

#[test]
fn f103_discovery_and_health() {
    let server = start();
    let reply = send(&server, "GET", "/", "", "");
    assert_eq!(reply.status, 200);
    let port = server.bolt_addr().expect("Bolt is on").port();
    assert_eq!(reply.json()["bolt_direct"], format!("bolt://localhost:{port}"));
    assert_eq!(reply.json()["transaction"], "http://localhost:7474/db/{databaseName}/tx");
    assert!(reply.json()["neo4j_version"].is_string());
    let reply = send(&server, "GET", "/health", "", "");
    assert_eq!(
        (reply.status, reply.json()["status"].as_str(), reply.json()["ready"].as_bool()),
        (200, Some("ok"), Some(true))
    );
}

#[test]
fn f102_statements_run_and_commit() {
    let server = start();
    let reply = post(&server, "/db/neo4j/tx/commit", &one("RETURN 1 AS x"));
    assert_eq!(reply.status, 200);
    let answer = reply.json();
    assert_eq!(answer["results"][0]["columns"], json!(["x"]));
    assert_eq!(answer["results"][0]["data"], json!([{"row": [1], "meta": [null]}]));
    assert_eq!(answer["errors"], json!([]));
    assert!(answer["lastBookmarks"].is_array());
    let two =
        json!({"statements": [{"statement": "RETURN 1 AS x"}, {"statement": "UNWIND range(1, 3) AS x RETURN x"}]});
    let answer = post(&server, "/db/neo4j/tx/commit", &two).json();
    assert_eq!(answer["results"][1]["data"].as_array().map(Vec::len), Some(3));
}

#[test]
fn f102_large_results_stream() {
    let server = start();
    let answer = post(&server, "/db/neo4j/tx/commit", &one("UNWIND range(1, 50000) AS x RETURN x")).json();
    assert_eq!(answer["results"][0]["data"].as_array().map(Vec::len), Some(50_000));
    assert_eq!(answer["errors"], json!([]));
}

#[test]
fn f102_failed_statements_are_told_in_the_body() {
    let server = start();
    let two = json!({"statements": [{"statement": "RETURN 1 AS x"}, {"statement": "RETRUN 1"}, {"statement": "RETURN 1 AS x"}]});
    let reply = post(&server, "/db/neo4j/tx/commit", &two);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["errors"][0]["code"], "Neo.ClientError.Statement.SyntaxError");
    assert_eq!(reply.json()["results"].as_array().map(Vec::len), Some(1));
}

#[test]
fn f102_a_transaction_lives_across_requests() {
    let server = start();
    let opened = post(&server, "/db/neo4j/tx", &one("RETURN 1 AS x"));
    assert_eq!(opened.status, 201);
    let location = opened.header("location").expect("an address").to_owned();
    assert_eq!(opened.json()["commit"], format!("{location}/commit"));
    assert!(opened.json()["transaction"]["expires"].as_str().is_some_and(|date| date.ends_with("GMT")));
    let path = location.strip_prefix("http://localhost:7474").expect("our host");
    assert_eq!(post(&server, path, &one("RETURN 1 AS x")).status, 200);
    assert_eq!(post(&server, path, &json!({"statements": []})).status, 200);
    let committed = post(&server, &format!("{path}/commit"), &one("RETURN 1 AS x"));
    assert_eq!((committed.status, &committed.json()["errors"]), (200, &json!([])));
    let gone = post(&server, path, &one("RETURN 1 AS x"));
    assert_eq!(gone.status, 404);
    assert_eq!(gone.json()["errors"][0]["code"], "Neo.ClientError.Transaction.TransactionNotFound");
}

#[test]
fn f102_a_transaction_can_be_rolled_back_and_dies_of_a_failure() {
    let server = start();
    let open = || {
        let opened = post(&server, "/db/neo4j/tx", &json!({"statements": []}));
        let location = opened.header("location").expect("an address").to_owned();
        location.strip_prefix("http://localhost:7474").expect("our host").to_owned()
    };
    let path = open();
    assert_eq!(send(&server, "DELETE", &path, "", "").status, 200);
    assert_eq!(send(&server, "DELETE", &path, "", "").status, 404);
    let path = open();
    assert_eq!(post(&server, &path, &one("RETRUN")).json()["errors"].as_array().map(Vec::len), Some(1));
    assert_eq!(post(&server, &path, &one("RETURN 1 AS x")).status, 404);
    // Under another database's name it does not exist.
    let path = open().replace("neo4j", "system");
    assert_eq!(post(&server, &path, &one("RETURN 1 AS x")).status, 404);
}

#[test]
fn f102_idle_transactions_lapse() {
    let server = start_with(|config| config.http_transaction_idle_max = Duration::from_millis(10));
    let opened = post(&server, "/db/neo4j/tx", &json!({"statements": []}));
    let location = opened.header("location").expect("an address").to_owned();
    let path = location.strip_prefix("http://localhost:7474").expect("our host");
    let begun = now();
    thread::sleep(Duration::from_millis(1_200));
    assert_eq!(post(&server, path, &one("RETURN 1 AS x")).status, 404, "{:?}", begun.elapsed());
}

#[test]
fn f102_the_query_api_answers_with_a_status() {
    let server = start();
    let path = "/db/neo4j/query/v2";
    let reply = post(&server, path, &json!({"statement": "RETURN 1 AS x", "includeCounters": true}));
    assert_eq!(reply.status, 202);
    assert_eq!(reply.json()["data"], json!({"fields": ["x"], "values": [[1]]}));
    assert_eq!(reply.json()["bookmarks"].as_array().map(Vec::len), Some(1));
    assert_eq!(reply.json()["queryType"], "r");
    assert!(reply.json()["counters"].is_object());
    let failed = post(&server, path, &json!({"statement": "RETRUN 1"}));
    assert_eq!(failed.status, 400);
    assert_eq!(failed.json()["errors"][0]["code"], "Neo.ClientError.Statement.SyntaxError");
    assert_eq!(post(&server, path, &json!({})).status, 400);
    assert_eq!(post(&server, path, &json!({"statement": "RETURN 1 AS x", "accessMode": "?"})).status, 400);
}

#[test]
fn f102_the_query_api_keeps_types() {
    let server = start();
    let typed =
        "Content-Type: application/vnd.neo4j.query\r\nAccept: application/vnd.neo4j.query, application/json\r\n";
    let value = json!({"$type": "List", "_value": [{"$type": "Integer", "_value": "9223372036854775807"},
        {"$type": "Date", "_value": "2024-02-29"}]});
    let body = json!({"statement": "RETURN $x AS x", "parameters": {"x": value}}).to_string();
    let reply = send(&server, "POST", "/db/neo4j/query/v2", typed, &body);
    assert_eq!((reply.status, &reply.json()["data"]["values"][0][0]), (202, &value));
    assert_eq!(reply.header("content-type"), Some("application/vnd.neo4j.query"));
}

#[test]
fn f102_the_query_api_keeps_transactions() {
    let server = start();
    let path = "/db/neo4j/query/v2/tx";
    let opened = post(&server, path, &json!({"statement": "RETURN 1 AS x"})).json();
    let id = opened["transaction"]["id"].as_str().expect("a number");
    assert_eq!(opened["data"]["values"], json!([[1]]));
    assert_eq!(post(&server, &format!("{path}/{id}"), &json!({})).status, 202);
    let committed = post(&server, &format!("{path}/{id}/commit"), &json!({"statement": "RETURN 1 AS x"})).json();
    assert_eq!(committed["bookmarks"].as_array().map(Vec::len), Some(1));
    assert_eq!(post(&server, &format!("{path}/{id}"), &json!({})).status, 404);
}

#[test]
fn f102_counters_and_plans_are_told() {
    let server = start();
    let body = json!({"statements": [{"statement": "CREATE (n)", "includeStats": true}, {"statement": "EXPLAIN x"}]});
    let answer = post(&server, "/db/neo4j/tx/commit", &body).json();
    let stats = answer["results"][0]["stats"].as_object().expect("counters");
    assert_eq!((stats.len(), &stats["nodes_created"], &stats["contains_updates"]), (14, &json!(1), &json!(true)));
    assert_eq!(answer["results"][1]["plan"]["root"]["operatorType"], "ProduceResults");
    assert_eq!(answer["notifications"][0]["code"], "Neo.X");
}

#[test]
fn f111_unknown_databases_and_wrong_passwords_have_a_status() {
    let server = start();
    for path in ["/db/nobody/tx/commit", "/db/nobody/tx", "/db/nobody/query/v2", "/db/nobody/query/v2/tx"] {
        let body = json!({"statement": "RETURN 1 AS x", "statements": []});
        let reply = post(&server, path, &body);
        assert_eq!(reply.status, 404, "{path}");
        assert_eq!(reply.json()["errors"][0]["code"], "Neo.ClientError.Database.DatabaseNotFound");
    }
    // ann:wrong
    let headers = "Authorization: Basic YW5uOndyb25n\r\nContent-Type: application/json\r\n";
    let reply = send(&server, "POST", "/db/neo4j/tx/commit", headers, "{}");
    assert_eq!(reply.status, 401);
    assert_eq!(reply.json()["errors"][0]["message"], "Invalid username or password.");
    assert!(reply.header("www-authenticate").is_some());
}

#[test]
fn f102_transactions_belong_to_their_user() {
    let server = start();
    let opened = post(&server, "/db/neo4j/tx", &json!({"statements": []}));
    let location = opened.header("location").expect("an address").to_owned();
    let path = location.strip_prefix("http://localhost:7474").expect("our host");
    // bob:x
    let headers = "Authorization: Basic Ym9iOng=\r\nContent-Type: application/json\r\n";
    assert_eq!(send(&server, "POST", path, headers, "{}").status, 404);
    assert_eq!(send(&server, "DELETE", path, headers, "").status, 404);
    assert_eq!(post(&server, path, &json!({"statements": []})).status, 200);
}

#[test]
fn c2_wrong_requests_are_refused() {
    let server = start_with(|config| config.body_max_bytes = 1_000);
    let path = "/db/neo4j/tx/commit";
    let json = "Content-Type: application/json\r\n";
    assert_eq!(send(&server, "POST", path, json, "{").status, 400);
    assert_eq!(send(&server, "POST", path, json, &"[".repeat(900)).status, 400);
    assert_eq!(send(&server, "POST", path, "Content-Type: text/plain\r\n", "{}").status, 415);
    assert_eq!(send(&server, "POST", path, json, &" ".repeat(1_001)).status, 413);
    assert_eq!(send(&server, "POST", path, "Authorization: Basic %%\r\n", "").status, 400);
    assert_eq!(send(&server, "GET", "/nothing", "", "").status, 404);
    assert_eq!(send(&server, "GET", path, "", "").status, 405);
}

#[test]
fn f102_every_refusal_is_json_with_a_code() {
    let server = start();
    let json = "Content-Type: application/json\r\n";
    let invalid = "Neo.ClientError.Request.InvalidFormat";
    let refusals = [
        ("GET", "/databases?skip=-1", "", 400, "skip must be a whole number from 0 on, and is '-1'"),
        ("GET", "/databases?limit=ten", "", 400, "limit must be a whole number from 0 on, and is 'ten'"),
        ("GET", "/databases?skp=1", "", 400, "unknown field `skp`, expected `skip` or `limit`"),
        ("POST", "/databases", r#"{"nam":"x"}"#, 400, "unknown field `nam`, expected one of `name`"),
        ("POST", "/databases", "{}", 400, "missing field `name`"),
        ("POST", "/databases", "[]", 400, "expected an object"),
        ("POST", "/databases", "\"x\"", 400, "expected an object"),
        ("DELETE", "/databases/x?cascade=7", "", 400, "cascade"),
        ("GET", "/databases/%ff", "", 400, "Invalid UTF-8 in `database`"),
        ("POST", "/sessions", r#"{"databas":"x"}"#, 400, "unknown field `databas`, expected `database`"),
        ("PUT", "/session/database", "7", 400, "expected an object"),
        ("PUT", "/db/x/limits", "[]", 400, "expected"),
        ("GET", "/cluster/stats/self?database=a&database=b", "", 400, "duplicate field `database`"),
        ("POST", "/db/x/tx/commit", "[]", 400, "expected an object"),
        ("POST", "/db/x/tx/commit", r#"{"statements":[["RETURN 1"]]}"#, 400, "expected an object"),
        ("POST", "/db/x/tx/commit", "null", 400, "expected an object"),
        ("POST", "/db/%ff/tx/commit", "{}", 400, "Invalid UTF-8 in `database`"),
        ("POST", "/db/x/query/v2", "[]", 400, "expected an object"),
        ("POST", "/db/%ff/query/v2", "{}", 400, "Invalid UTF-8 in `database`"),
        ("POST", "/cypher", "[]", 400, "expected an object"),
        (
            "POST",
            "/cypher",
            r#"{"query":"RETURN 1","databse":"x"}"#,
            400,
            "unknown field `databse`, expected one of `statement`, `query`, `database`",
        ),
    ];
    for (method, path, body, status, part) in refusals {
        let reply = send(&server, method, path, json, body);
        assert!(reply.head.to_ascii_lowercase().contains("content-type: application/json"), "{path}: {}", reply.head);
        let error = &reply.json()["errors"][0];
        assert_eq!((reply.status, error["code"].as_str()), (status, Some(invalid)), "{method} {path} {body}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains(part)), "{path}: {error}");
        // Only the Query API has no results beside its errors.
        let is_query_api = path.contains("/query/") || path == "/cypher";
        assert_eq!(reply.json().get("results").is_none(), is_query_api, "{path}");
    }
    for (method, path, status) in [("GET", "/nothing", 404), ("PUT", "/a/b/c", 404), ("PATCH", "/databases", 405)] {
        let reply = send(&server, method, path, "", "");
        assert_eq!(reply.status, status);
        assert_eq!(reply.json()["errors"][0]["code"], "Neo.ClientError.Request.Invalid");
    }
}

#[test]
fn d3_slow_headers_end() {
    let server = start_with(|config| config.login_time_max = Duration::from_millis(300));
    let mut socket = connect(&server);
    socket.write_all(b"POST / HTTP/1.1\r\nHost: x\r\n").expect("an open socket");
    let begun = now();
    let mut rest = Vec::new();
    // An answer of 408 or nothing; the connection ends either way.
    let _ = socket.read_to_end(&mut rest);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn d5_a_client_that_leaves_stops_its_statement() {
    let server = start_with(|config| config.http_connections_max = 1);
    let mut socket = connect(&server);
    let body = one("UNWIND range(1, 1000000000000) AS x RETURN count(x)").to_string();
    let length = body.len();
    write!(
        socket,
        "POST /db/neo4j/tx/commit HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("an open socket");
    thread::sleep(Duration::from_millis(200));
    drop(socket);
    let begun = now();
    assert_eq!(send(&server, "GET", "/health", "", "").status, 200);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let stopping = now();
    server.shutdown();
    assert!(stopping.elapsed() < Duration::from_secs(1), "the statement runs on: {:?}", stopping.elapsed());
}

#[test]
fn d3_f52_what_an_ended_statement_left_waits_for_no_slow_client() {
    let server = start();
    let requests =
        [("/db/neo4j/tx/commit", one("RETURN large")), ("/db/neo4j/query/v2", json!({"statement": "RETURN large"}))];
    for (path, body) in requests {
        let mut socket = connect(&server);
        let (body, head) = (body.to_string(), "Host: x\r\nConnection: close\r\nContent-Type: application/json");
        write!(socket, "POST {path} HTTP/1.1\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            .expect("an open socket");
        // Longer than between two looks at the statement.
        thread::sleep(Duration::from_secs(3));
        let mut got = Vec::new();
        // It may be reset in the midst.
        let _ = socket.read_to_end(&mut got);
        assert!(got.len() < LARGE_BYTES && !got.ends_with(b"0\r\n\r\n"), "the answer is cut off: {}", got.len());
    }
}
