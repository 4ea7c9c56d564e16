//! Every way in over HTTP, as the server's own table of routes lists them: without credentials, with wrong ones, and by
//! somebody who may not see the database. A route that is added is tried here without being named here.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use bolt::client::{Client, ClientError, ConnectOptions};
use bolt::{AuthToken, Options};
use server::{Server, ServerConfig};
use suite::process::now;
use types::Map;

use crate::world::{TENANTS, World};

/// What answers anybody: that the server is there, and where.
///
/// Numbers for Prometheus go to this machine without being asked who it is, unless a setting says otherwise.
const OPEN: [&str; 5] = ["/", "/health", "/health/live", "/health/ready", "/metrics"];
/// Wrong passwords after which the next try has to wait.
const WRONG_MAX: u32 = 11;

/// One way in: a method and a path with holes.
#[derive(Debug)]
struct Way {
    method: &'static str,
    path: String,
}

/// Reads the routes out of the files that have them.
fn ways() -> Vec<Way> {
    let folder = suite::workspace().join("crates/server/src/http_face");
    let files = std::fs::read_dir(folder).expect("the server's routes are there").flatten();
    let rust = files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|it| it == "rs"));
    let text: String = rust.map(|path| std::fs::read_to_string(path).expect("it can be read")).collect();
    let mut found = Vec::new();
    for route in text.split(".route(").skip(1) {
        let Some(path) = route.split('"').nth(1) else { continue };
        let end = route.find('\n').unwrap_or(route.len());
        for (word, method) in
            [("get(", "GET"), ("post(", "POST"), ("put(", "PUT"), ("delete(", "DELETE"), ("patch(", "PATCH")]
        {
            if route[..end].contains(word) {
                found.push(Way { method, path: path.to_owned() });
            }
        }
    }
    assert!(found.len() >= 25, "the routes were not found: {found:?}");
    found
}

#[test]
fn f82_nothing_but_its_health_is_told_without_credentials() {
    let world = World::new();
    let server = serve(&world);
    for way in ways() {
        for (database, canary) in TENANTS {
            for user in [None, Some(("reader", "wrong-password")), Some(("ghost", "reader-password")), Some(("", ""))] {
                // Each try is another user: what is told does not hang on how often it was tried.
                let answer = ask(server.address, &way, database, user);
                let is_open = OPEN.contains(&way.path.as_str());
                // Who gives wrong credentials may be told so anywhere.
                assert!(user.is_some() || (answer.status == 200) == is_open, "{way:?}: {}", answer.text);
                assert!(is_open || [401, 429].contains(&answer.status), "{way:?} as {user:?}: {}", answer.text);
                assert!(!answer.text.contains(canary), "{way:?} as {user:?}: {}", answer.text);
            }
        }
    }
}

#[test]
fn f90_a_database_that_is_not_the_users_answers_as_one_that_never_was() {
    let world = World::new();
    let server = serve(&world);
    for way in ways().iter().filter(|way| way.path.contains("{database}")) {
        for user in ["nobody", "reader"] {
            let login = Some((user, format!("{user}-password")));
            let login = login.as_ref().map(|(user, password)| (*user, password.as_str()));
            let missing = ask(server.address, way, "gone", login);
            for name in ["beta", "BETA", "be"] {
                let answer = ask(server.address, way, name, login);
                let told = |answer: &Answer| (answer.status, without(&answer.text, &[name, "beta", "gone"]));
                assert_eq!(told(&answer), told(&missing), "{way:?} on {name} as {user}");
            }
        }
    }
}

#[test]
fn f90_every_message_that_names_a_database_answers_as_if_it_never_was() {
    let world = World::new();
    let config = ServerConfig { http_addr: None, worker_threads: Some(1), ..ServerConfig::on_free_ports() };
    let server = Server::start(Arc::clone(&world.instance) as _, config).expect("a port is free");
    let address = server.bolt_addr().expect("Bolt is on");
    for user in ["nobody", "reader"] {
        let auth = AuthToken::basic(user, format!("{user}-password"));
        let mut client =
            Client::connect(address, &ConnectOptions { auth, ..ConnectOptions::default() }).expect("known");
        let mut told = |name: &str| -> Vec<String> {
            let options = || Options { database: Some(name.to_owned()), ..Options::default() };
            let call = format!("CALL dbms.routing.getRoutingTable({{}}, '{name}')");
            let outcomes = [
                client.route(Some(name.to_owned())).map(drop),
                client.begin(options()),
                client.run_with("MATCH (n) RETURN n", Map::new(), options()).map(drop),
                client.run_with("CREATE (n)", Map::new(), options()).map(drop),
                client.run_with("SHOW INDEXES", Map::new(), options()).map(drop),
                client.run(&call, Map::new()).map(drop),
            ];
            let text = |outcome: Result<(), ClientError>| match outcome {
                Ok(()) => "answered".to_owned(),
                Err(error) => without(&format!("{:?} {error}", error.status()), &[name, "beta", "gone"]),
            };
            let told = outcomes.into_iter().map(text).collect();
            client.reset().expect("it listens");
            told
        };
        let missing = told("gone");
        assert!(!missing.contains(&"answered".to_owned()), "{missing:?}");
        for name in ["beta", "BETA", "be"] {
            assert_eq!(told(name), missing, "{name} as {user}");
        }
    }
}

#[test]
fn f90_not_yours_and_not_there_take_the_same_time() {
    let world = World::new();
    let mut session = world.session("nobody");
    let mut time = |name: &str| {
        let mut best = Duration::MAX;
        for _ in 0..200 {
            let begun = now();
            for text in
                ["USE {d} MATCH (n) RETURN n", "USE {d} CREATE (n)", "CALL { USE {d} MATCH (n) RETURN n } RETURN 1"]
            {
                crate::world::run(&mut *session, &text.replace("{d}", name)).expect_err("it is not there");
            }
            best = best.min(now() - begun);
        }
        best.as_secs_f64()
    };
    let (foreign, missing) = (time("beta"), time("gone"));
    let ratio = foreign / missing;
    println!("not yours: {:.1} µs, not there: {:.1} µs", foreign * 1e6, missing * 1e6);
    assert!((0.5..2.0).contains(&ratio), "{foreign} and {missing} seconds tell them apart");
}

#[test]
fn f99_wrong_passwords_slow_the_next_one() {
    let world = World::new();
    let server = serve(&world);
    let way = Way { method: "POST", path: "/db/{database}/query/v2".to_owned() };
    let mut statuses = Vec::new();
    for _ in 0..WRONG_MAX {
        statuses.push(ask(server.address, &way, "alpha", Some(("reader", "wrong-password"))).status);
    }
    assert!(statuses.contains(&429) || statuses.ends_with(&[401]), "{statuses:?}");
    assert!(statuses.last() == Some(&429), "{WRONG_MAX} wrong passwords were all looked at: {statuses:?}");
    // The others are not kept waiting.
    assert!(ask(server.address, &way, "alpha", Some(("writer", "writer-password"))).status < 300);
}

/// Leaves names out of a text, where they stand as words.
fn without(text: &str, names: &[&str]) -> String {
    let words = text.split_inclusive(|letter: char| !letter.is_alphanumeric());
    let kept = words.map(|word| {
        let bare = word.trim_end_matches(|letter: char| !letter.is_alphanumeric());
        if names.contains(&bare) { format!("*{}", &word[bare.len()..]) } else { word.to_owned() }
    });
    kept.collect()
}

/// A server that listens until it is dropped.
struct Serving {
    address: SocketAddr,
    _server: Server,
}

fn serve(world: &World) -> Serving {
    let config = ServerConfig { bolt_addr: None, worker_threads: Some(1), ..ServerConfig::on_free_ports() };
    let server = Server::start(Arc::clone(&world.instance) as _, config).expect("a port is free");
    Serving { address: server.http_addr().expect("HTTP is on"), _server: server }
}

struct Answer {
    status: u16,
    text: String,
}

/// Sends a request of one line of Cypher, whatever the way in makes of it.
fn ask(address: SocketAddr, way: &Way, database: &str, user: Option<(&str, &str)>) -> Answer {
    let mut path = way.path.replace("{database}", database).replace("{id}", "1");
    if way.method == "DELETE" && path.ends_with("/levels") {
        path.push_str("?user=reader");
    }
    let body = match () {
        () if way.path.contains("query") => r#"{"statement": "MATCH (n) RETURN n"}"#,
        () if way.path.ends_with("/start") || way.path.ends_with("/stop") => "{}",
        () if way.path == "/levels" => r#"{"user": "reader", "levels": {"beta": "owner"}}"#,
        () if way.path.ends_with("/levels") => r#"{"user": "reader", "level": "owner"}"#,
        () => r#"{"statements": [{"statement": "MATCH (n) RETURN n"}]}"#,
    };
    let authorization = user.map_or(String::new(), |(user, password)| {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        format!("Authorization: Basic {pair}\r\n")
    });
    let request = format!(
        "{} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{authorization}Content-Type: application/json\r\n\
         Accept: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        way.method,
        body.len()
    );
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the server answers");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    Answer { status, text: body }
}
