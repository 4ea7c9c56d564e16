//! Tokens, expired passwords and speaking as somebody else, as the wire carries them: Bolt and HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use bolt::client::{Client, ClientError, ConnectOptions, Connection};
use bolt::{AuthToken, Hello, Options, Request, Response, Version};
use server::{Server, ServerConfig};
use types::{Code, Map, Value};

use crate::world::{World, run};

pub fn serve(world: &World) -> Server {
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
    send(address, &format!("POST /db/{database}/query/v2"), authorization, "", body)
}

/// Sends a request with more headers; gives the status and the whole answer.
pub fn send(address: SocketAddr, what: &str, authorization: &str, headers: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!(
        "{what} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {authorization}\r\n{headers}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers with text");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
    (status, answer)
}

pub fn basic(user: &str, password: &str) -> String {
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
fn f59_the_limit_of_a_role_is_told_as_one_through_both_faces() {
    let world = World::new();
    let server = serve(&world);
    let mut admin = world.session("admin");
    let limits = "ALTER ROLE reader_role SET LIMIT max_queries_per_second = 1";
    run(&mut *admin, limits).expect("is set");
    let told = "The limit max_queries_per_second of role 'reader_role' for database 'alpha' is 1, and 1 are used.";

    let (http, who) = (server.http_addr().expect("HTTP is on"), basic("reader", "reader-password"));
    let read = r#"{"statement": "RETURN 1"}"#;
    let refused =
        (0..50).map(|_| send(http, "POST /db/alpha/query/v2", &who, "", read)).find(|(status, _)| *status == 429);
    let (_, refused) = refused.expect("one a second");
    assert!(refused.contains(told), "{refused}");
    assert!(refused.contains(r#""source":"role","role":"reader_role""#), "{refused}");
    assert!(refused.contains("x-ratelimit-limit: 1\r\n"), "his own rate: {refused}");

    let bolt = server.bolt_addr().expect("Bolt is on");
    let patience = std::time::Duration::from_secs(20);
    let mut connection = Connection::open(bolt, &[Version::V5_4], patience).expect("it listens");
    connection.set_receive_time_max(Some(patience)).expect("it is open");
    let mut requests =
        vec![Request::Hello(Hello::default()), Request::Logon(AuthToken::basic("reader", "reader-password"))];
    for _ in 0..50 {
        let options = Options { database: Some("alpha".to_owned()), ..Options::default() };
        requests.push(Request::Run(bolt::Run { text: "RETURN 1".to_owned(), options, ..bolt::Run::default() }));
        requests.push(Request::Discard(bolt::Demand { rows: None, result: None }));
    }
    requests.iter().for_each(|request| connection.send(request).expect("short"));
    connection.flush().expect("it is open");
    let details = (0..requests.len()).find_map(|_| match connection.receive().expect("it answers") {
        Response::Failure { details, message, .. } => Some((details, message)),
        _ => None,
    });
    let (details, message) = details.expect("one a second");
    assert!(message.starts_with(told), "{message}");
    let word = |key: &str| details.get(key).map(text_of);
    assert_eq!([word("source"), word("role")], [Some("role".to_owned()), Some("reader_role".to_owned())]);
    assert_eq!(word("database").as_deref(), Some("alpha"));
}

/// Cuts an id out of an answer: what stands behind this.
fn id_behind(answer: &str, before: &str) -> String {
    let rest = answer.split(before).nth(1).unwrap_or_else(|| panic!("{before} in {answer}"));
    rest.chars().take_while(|found| found.is_ascii_alphanumeric() || *found == '-').collect()
}

#[test]
fn f82_f102_a_transaction_over_http_is_its_users_whatever_he_is_called() {
    let new = "CREATE USER writer SET PASSWORD 'new-password' CHANGE NOT REQUIRED";
    for loses in [["RENAME USER writer TO author", new], ["DROP USER writer", new]] {
        let world = World::new();
        let server = serve(&world);
        let http = server.http_addr().expect("HTTP is on");
        let (old, taker) = (basic("writer", "writer-password"), basic("writer", "new-password"));
        let begun = ["query/v2/tx", "tx"].map(|api| {
            let body = r#"{"statement": "CREATE (:Open)", "statements": [{"statement": "CREATE (:Open)"}]}"#;
            let (_, answer) = send(http, &format!("POST /db/alpha/{api}"), &old, "", body);
            format!("{api}/{}", id_behind(&answer, if api == "tx" { "/tx/" } else { "\"id\":\"" }))
        });
        let object = id_behind(&send(http, "POST /sessions", &old, "", "").1, "\"sessionId\":\"");
        let mut admin = world.session("admin");
        loses.iter().for_each(|text| _ = run(&mut *admin, text).expect("is done"));
        let header = format!("X-Sheaf-Session: {object}\r\n");
        for path in &begun {
            for end in ["", "/commit"] {
                let (status, answer) = send(http, &format!("POST /db/alpha/{path}{end}"), &taker, "", "{}");
                assert!(status == 404 && answer.contains("TransactionNotFound"), "{path}{end}: {answer}");
            }
            assert_eq!(send(http, &format!("DELETE /db/alpha/{path}"), &taker, "", "").0, 404, "{path}");
        }
        assert_eq!(send(http, "GET /session/database", &taker, &header, "").0, 404);
        assert!(!send(http, "GET /sessions", &taker, "", "").1.contains(&object));
        if !loses[0].starts_with("RENAME") {
            continue;
        }
        let author = basic("author", "writer-password");
        assert_eq!(send(http, "GET /session/database", &author, &header, "").0, 200);
        for path in &begun {
            let (status, answer) = send(http, &format!("POST /db/alpha/{path}/commit"), &author, "", "{}");
            assert!(status / 100 == 2 && !answer.contains("Neo."), "{path}: {answer}");
        }
    }
}

#[test]
fn f96_what_a_user_began_is_not_his_tokens_and_a_dropped_token_has_expired() {
    let world = World::new();
    let server = serve(&world);
    let http = server.http_addr().expect("HTTP is on");
    let mut writer = world.session("writer");
    let made = run(&mut *writer, "CREATE TOKEN t ON DATABASES alpha WITH LEVEL read").expect("made");
    let token = text_of(&made.records[0][1]);
    let (of_user, of_token) = (basic("writer", "writer-password"), format!("Bearer {token}"));

    // A transaction over HTTP, through both APIs.
    for api in ["query/v2/tx", "tx"] {
        let path = |id: &str| format!("POST /db/alpha/{api}/{id}");
        let (_, answer) = send(http, &format!("POST /db/alpha/{api}"), &of_user, "", "{}");
        let users = id_behind(&answer, if api == "tx" { "/tx/" } else { "\"id\":\"" });
        assert_eq!(send(http, &path(&users), &of_token, "", "{}").0, 404, "{api}: it is the user's");
        assert_eq!(send(http, &path(&users), &of_user, "", "{}").0 / 100, 2);
        let (_, answer) = send(http, &format!("POST /db/alpha/{api}"), &of_token, "", "{}");
        let own = id_behind(&answer, if api == "tx" { "/tx/" } else { "\"id\":\"" });
        assert_eq!(send(http, &path(&own), &of_token, "", "{}").0 / 100, 2);
        assert_eq!(send(http, &path(&own), &of_user, "", "{}").0 / 100, 2, "{api}: what his token began is his");
    }
    // A session object.
    let header = |id: &str| format!("X-Sheaf-Session: {id}\r\n");
    let object = |who: &str| id_behind(&send(http, "POST /sessions", who, "", "").1, "\"sessionId\":\"");
    let (users, tokens) = (object(&of_user), object(&of_token));
    let come_back = |who: &str, id: &str| send(http, "GET /session/database", who, &header(id), "").0;
    assert_eq!([come_back(&of_user, &users), come_back(&of_token, &users)], [200, 404]);
    assert_ne!(come_back(&of_token, &tokens), 404);
    assert_eq!(come_back(&of_user, &tokens), 200);

    // Once it is dropped, all that is open by it hears so, and nothing of databases.
    let mut client = connect(&server, bearer(&token)).expect("the token is right");
    run(&mut *writer, "DROP TOKEN t").expect("it is there");
    let expired = Code::TokenExpired.row().neo4j;
    for database in ["alpha", "beta", "nowhere"] {
        let on = Options { database: Some(database.to_owned()), ..Options::default() };
        let refused = client.run_with("RETURN 1", Map::new(), on).expect_err("it has ended");
        assert_eq!(refused.status(), Some(expired), "{database}");
        client.reset().expect("resets");
        for what in [format!("POST /db/{database}/query/v2"), format!("POST /db/{database}/tx/commit")] {
            let (status, answer) = send(http, &what, &of_token, "", r#"{"statement": "RETURN 1"}"#);
            assert!(status == 401 && answer.contains(expired), "{what}: {answer}");
        }
        let (status, answer) = send(http, &format!("GET /databases/{database}"), &of_token, "", "");
        assert!(status == 401 && answer.contains(expired), "{answer}");
    }
}

#[test]
fn f207_metrics_and_health_name_databases_to_who_may_see_them() {
    let world = World::new();
    let server = serve(&world);
    let http = server.http_addr().expect("HTTP is on");
    let mut admin = world.session("admin");
    for database in ["alpha", "beta"] {
        run(&mut *admin, &format!("USE {database} RETURN 1")).expect("the admin may");
    }
    let anonymous = |path: &str| {
        let mut stream = TcpStream::connect(http).expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers with text");
        answer
    };
    let label = |database: &str| format!("database=\"{database}\"");
    let nobody = anonymous("/metrics");
    assert!(nobody.contains("sheaf_sessions ") && nobody.contains(&label("other")), "{nobody}");
    assert!(!nobody.contains(&label("alpha")) && !nobody.contains(&label("beta")), "{nobody}");
    let as_admin = send(http, "GET /metrics", &basic("admin", "admin-password"), "", "").1;
    assert!(as_admin.contains(&label("alpha")) && as_admin.contains(&label("beta")), "{as_admin}");
    // Who may look at the numbers of one database hears of that one by name.
    run(&mut *admin, "CREATE USER monitor SET PASSWORD 'monitor-password' CHANGE NOT REQUIRED").expect("made");
    let monitor = basic("monitor", "monitor-password");
    let totals = send(http, "GET /metrics", &monitor, "", "").1;
    assert!(!totals.contains(&label("alpha")), "he may not see usage yet: {totals}");
    run(&mut *admin, "GRANT SHOW LIMITS ON DATABASE alpha TO USER monitor").expect("granted");
    let one = send(http, "GET /metrics", &monitor, "", "").1;
    assert!(one.contains(&label("alpha")) && one.contains(&label("other")) && !one.contains(&label("beta")), "{one}");
    let made = run(&mut *admin, "CREATE TOKEN scrape FOR USER monitor").expect("made");
    let by_token = send(http, "GET /metrics", &format!("Bearer {}", text_of(&made.records[0][1])), "", "").1;
    assert!(by_token.contains(&label("alpha")) && !by_token.contains(&label("beta")), "{by_token}");
    // Health counts databases for who logs in, and only his.
    let health = anonymous("/health");
    assert!(health.contains("\"status\":\"ok\"") && !health.contains("online"), "{health}");
    let health = send(http, "GET /health", &monitor, "", "").1;
    assert!(health.contains("\"online\":2") && health.contains("alpha") && !health.contains("beta"), "{health}");
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
    let (status, answer) = send(http, "GET /session/database", &basic("late", "late-password"), "", "");
    assert!(status == 403 && answer.contains(expired), "{answer}");

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
    let transactional = |path: &str, user: &str| {
        let body = format!(
            r#"{{"statements": [{{"statement": "MATCH (n:Open) RETURN count(n) > 0 AS some"}}], "impersonatedUser": "{user}"}}"#
        );
        send(http, &format!("POST {path}"), &nobody, "", &body)
    };
    let (_, answer) = transactional("/db/alpha/tx/commit", "reader");
    assert!(answer.contains(r#""row":[true]"#), "{answer}");
    let (_, answer) = transactional("/db/alpha/tx/commit", "writer");
    assert!(answer.contains("Cannot impersonate user 'writer'."), "{answer}");
    let (status, answer) = transactional("/db/alpha/tx", "reader");
    assert!(status == 201 && answer.contains(r#""row":[true]"#), "{answer}");
    let commit = answer.split("http://localhost").nth(1).and_then(|rest| rest.split("/commit").next()).expect("an id");
    let place = commit.split(char::is_whitespace).next().expect("a path").to_owned();
    let (status, answer) = transactional(&place, "writer");
    assert!(status == 400 && answer.contains("impersonatedUser cannot change"), "{answer}");
    let (status, answer) = transactional(&place, "reader");
    assert!(status == 200 && answer.contains(r#""row":[true]"#), "{answer}");
}
