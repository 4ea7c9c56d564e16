//! Tokens, expired passwords and speaking as somebody else, as the wire carries them: Bolt and HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use bolt::client::{Client, ClientError, ConnectOptions};
use bolt::{AuthToken, Options};
use server::{Server, ServerConfig};
use types::{Code, Map, Value};

use crate::world::{World, run};

fn serve(world: &World) -> Server {
    let config = ServerConfig { worker_threads: Some(1), ..ServerConfig::on_free_ports() };
    Server::start(Arc::clone(&world.instance) as _, config).expect("ports are free")
}

fn connect(server: &Server, auth: AuthToken) -> Result<Client, ClientError> {
    let options = ConnectOptions { auth, ..ConnectOptions::default() };
    Client::connect(server.bolt_addr().expect("Bolt is on"), &options)
}

fn bearer(token: &str) -> AuthToken {
    AuthToken { scheme: "bearer".to_owned(), credentials: Some(token.to_owned()), ..AuthToken::default() }
}

/// Asks over HTTP; gives the status and the body.
fn post(address: SocketAddr, authorization: &str, database: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!(
        "POST /db/{database}/query/v2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {authorization}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers with text");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
    (status, answer)
}

fn basic(user: &str, password: &str) -> String {
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {pair}")
}

fn text_of(value: &Value) -> String {
    types::text::to_text(value).map(|text| text.to_string()).unwrap_or_default()
}

#[test]
fn f96_a_token_lets_in_over_bolt_and_http() {
    let world = World::new();
    let server = serve(&world);
    let http = server.http_addr().expect("HTTP is on");
    let mut writer = world.session("writer");
    let made =
        run(&mut *writer, "CREATE TOKEN t ON DATABASES alpha WITH LEVEL read EXPIRES AFTER 'P1D'").expect("made");
    let token = text_of(&made.records[0][1]);

    let auths = [bearer(&token), AuthToken::basic("writer", &token), AuthToken::basic("", &token)];
    for auth in auths {
        let mut client = connect(&server, auth).expect("the token is right");
        let rows = client.run("USE alpha MATCH (n:Open) RETURN count(n) > 0", Map::new()).expect("it may read").rows;
        assert_eq!(rows, [[Value::Boolean(true)]]);
        let refused = client.run("USE alpha CREATE (:Open)", Map::new()).expect_err("it may not write");
        assert_eq!(refused.status(), Some(Code::Forbidden.row().neo4j));
    }
    let (before, last) = token.split_at(token.len() - 1);
    let wrong = format!("{before}{}", if last == "x" { "y" } else { "x" });
    assert!(connect(&server, bearer(&wrong)).is_err());
    assert!(connect(&server, AuthToken::basic("reader", &token)).is_err(), "a token is its user's alone");

    let read = r#"{"statement": "MATCH (n:Open) RETURN count(n) > 0 AS some"}"#;
    let (status, answer) = post(http, &format!("Bearer {token}"), "alpha", read);
    assert!(status < 300 && answer.contains("true"), "{answer}");
    assert_eq!(post(http, &basic("writer", &token), "alpha", read).0 / 100, 2);
    assert_eq!(post(http, &format!("Bearer {token}"), "beta", read).0, 404);
    assert_eq!(post(http, &format!("Bearer {wrong}"), "alpha", read).0, 401);
    let (status, answer) = post(http, &format!("Bearer {token}"), "alpha", r#"{"statement": "CREATE (:Open)"}"#);
    assert!(status >= 400 && answer.contains("Forbidden"), "{answer}");

    run(&mut *writer, "DROP TOKEN t").expect("it is there");
    assert!(connect(&server, bearer(&token)).is_err());
    assert_eq!(post(http, &format!("Bearer {token}"), "alpha", read).0, 401);
}

#[test]
fn f95_an_expired_password_is_told_and_changed_over_bolt_and_http() {
    let world = World::new();
    let server = serve(&world);
    let http = server.http_addr().expect("HTTP is on");
    let mut admin = world.session("admin");
    run(&mut *admin, "CREATE USER late SET PASSWORD 'late-password'").expect("the name is free");
    let expired = Code::CredentialsExpired.row().neo4j;

    let mut client = connect(&server, AuthToken::basic("late", "late-password")).expect("the password is right");
    let refused = client.run("RETURN 1", Map::new()).expect_err("it must be changed");
    assert_eq!(refused.status(), Some(expired));
    client.reset().expect("resets");
    let (_, answer) = post(http, &basic("late", "late-password"), "system", r#"{"statement": "RETURN 1"}"#);
    assert!(answer.contains(expired), "{answer}");

    let change = r#"{"statement": "ALTER CURRENT USER SET PASSWORD FROM 'late-password' TO 'next-password'"}"#;
    let (status, answer) = post(http, &basic("late", "late-password"), "system", change);
    assert!(status < 300, "{answer}");
    client.run("RETURN 1", Map::new()).expect("the session goes on");
    let change = "ALTER CURRENT USER SET PASSWORD FROM 'next-password' TO 'last-password'";
    client.run(change, Map::new()).expect("it may change its own");
    assert!(connect(&server, AuthToken::basic("late", "next-password")).is_err());
    connect(&server, AuthToken::basic("late", "last-password")).expect("the new one holds");
}

#[test]
fn f35_somebody_speaks_as_another_over_bolt_and_http() {
    let world = World::new();
    let server = serve(&world);
    let http = server.http_addr().expect("HTTP is on");
    let mut admin = world.session("admin");
    run(&mut *admin, "GRANT IMPERSONATE (reader) ON DBMS TO nobody_role").expect("the role is there");
    run(&mut *admin, "ALTER USER reader SET HOME DATABASE alpha").expect("the user is there");

    let mut client = connect(&server, AuthToken::basic("nobody", "nobody-password")).expect("the password is right");
    let as_user = |user: &str| Options { impersonated_user: Some(user.to_owned()), ..Options::default() };
    let text = "MATCH (n:Open) RETURN count(n) > 0";
    let rows = client.run_with(text, Map::new(), as_user("reader")).expect("it may speak as reader").rows;
    assert_eq!(rows, [[Value::Boolean(true)]], "in the home of reader");
    client.begin(as_user("reader")).expect("it may speak as reader");
    assert_eq!(client.run(text, Map::new()).expect("it reads").rows, [[Value::Boolean(true)]]);
    client.rollback().expect("rolls back");
    assert_eq!(client.run(text, Map::new()).expect("its own home is empty").rows, [[Value::Boolean(false)]]);
    let refused = client.run_with("RETURN 1", Map::new(), as_user("writer")).expect_err("not as writer");
    assert!(refused.to_string().contains("Cannot impersonate user 'writer'."), "{refused}");

    let body = |user: &str| {
        format!(r#"{{"statement": "MATCH (n:Open) RETURN count(n) > 0 AS some", "impersonatedUser": "{user}"}}"#)
    };
    let nobody = basic("nobody", "nobody-password");
    let (status, answer) = post(http, &nobody, "sheaf", &body("writer"));
    assert!(status >= 400 && answer.contains("Cannot impersonate user 'writer'."), "{answer}");
}
