//! Group E: every limit, through every door, by every way around it that a text can take.
//! A door is a way in; it tells with which code it refused, and nothing else.
//! Start reading at [`attack`].

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bolt::client::{Client, ClientError, ConnectOptions};
use bolt::{AuthToken, Options, Request, Response, Run};
use serde_json::{Value as Json, json};
use suite::process::{Process, now, run_in};
use types::{Code, Map, Value};

use crate::whole::run;

/// How long after its time a statement may end; generous, because other tests share the machine.
const LATE_MAX: Duration = Duration::from_secs(3);

/// How a statement ended: how many records it gave, or the code of its refusal.
type Ended = Result<usize, String>;

/// A way into a database: takes the name under which it is asked, and a statement.
struct Door {
    name: &'static str,
    ask: fn(&Process, &str, &str) -> Ended,
}

const DOORS: [Door; 7] = [
    Door { name: "Bolt", ask: bolt_alone },
    Door { name: "Bolt, in a transaction", ask: bolt_transaction },
    Door { name: "HTTP tx/commit", ask: http_commit },
    Door { name: "HTTP tx", ask: http_transaction },
    Door { name: "Query API", ask: query_alone },
    Door { name: "Query API, in a transaction", ask: query_transaction },
    Door { name: "HTTP /cypher", ask: cypher },
];

/// Where a statement is sent, and what stands in front of it: by its name, an alias, another spelling, from elsewhere.
const ADDRESSES: [(&str, &str); 5] =
    [("sheaf", ""), ("neo4j", ""), ("SHEAF", ""), ("other", "USE sheaf "), ("other", "PROFILE USE `neo4j` ")];

/// A limit, statements that go beyond it, and the code of the refusal.
struct Attack {
    limits: &'static str,
    code: Code,
    texts: &'static [&'static str],
}

const ATTACKS: [Attack; 8] = [
    Attack {
        limits: "max_nodes = 10",
        code: Code::LimitReached,
        texts: &[
            "CREATE (:N), (:N)",
            "UNWIND [1, 2] AS n CREATE (:N {n: n})",
            "MERGE (:N {n: -1}) MERGE (:N {n: -2})",
            "FOREACH (n IN [1, 2] | CREATE (:N))",
            "CALL () { UNWIND [1, 2] AS n CREATE (:N) }",
            "MATCH (n:N) WITH n LIMIT 2 CREATE (n)-[:R]->(:N)",
        ],
    },
    Attack {
        limits: "max_edges = 1",
        code: Code::LimitReached,
        texts: &[
            "MATCH (n:N) WITH n LIMIT 2 CREATE (n)-[:R]->(n)",
            "MATCH (n:N) WITH n LIMIT 2 MERGE (n)-[:R]->(n)",
            "MATCH (n:N) WITH collect(n)[0] AS n FOREACH (x IN [1, 2] | CREATE (n)-[:R]->(n))",
        ],
    },
    Attack {
        limits: "max_storage_bytes = 1",
        code: Code::LimitReached,
        texts: &["CREATE (:N {text: 'x'})", "MATCH (n:N) SET n.text = 'a text', n:Labelled"],
    },
    Attack {
        limits: "max_query_time = 100ms",
        code: Code::TransactionTimedOut,
        texts: &["UNWIND range(1, 100000000000) AS n RETURN count(n)", "UNWIND range(1, 100000000) AS n CREATE (:N)"],
    },
    Attack {
        limits: "max_query_memory = 1MB",
        code: Code::MemoryLimit,
        texts: &["UNWIND range(1, 1000000) AS n RETURN size(collect(n))", "UNWIND range(1, 1000000) AS n CREATE (:N)"],
    },
    Attack {
        limits: "max_results = 3, max_results_policy = fail",
        code: Code::ResultsLimit,
        texts: &["UNWIND range(1, 4) AS n RETURN n", "MATCH (n:N) RETURN n"],
    },
    Attack {
        limits: "max_queries_per_second = 1",
        code: Code::RateLimited,
        texts: &["RETURN 1", "MATCH (n:N) RETURN count(n)"],
    },
    Attack {
        limits: "max_writes_per_second = 1",
        code: Code::RateLimited,
        texts: &["CREATE (n:Short) DELETE n", "MATCH (n:N) SET n:N"],
    },
];

/// Statements within a limit of a rate; the next one is beyond it.
const WITHIN_RATE: usize = 1;

fn bolt_alone(server: &Process, database: &str, text: &str) -> Ended {
    let mut client = server.connect().map_err(code_of)?;
    run_in(&mut client, database, text, Map::new()).map(|rows| rows.len()).map_err(code_of)
}

fn bolt_transaction(server: &Process, database: &str, text: &str) -> Ended {
    let mut client = server.connect().map_err(code_of)?;
    client.begin(Options { database: Some(database.to_owned()), ..Options::default() }).map_err(code_of)?;
    let rows = client.run(text, Map::new()).map_err(code_of)?.rows.len();
    client.commit().map_err(code_of)?;
    Ok(rows)
}

fn code_of(error: ClientError) -> String {
    error.code().row().neo4j.to_owned()
}

fn http_commit(server: &Process, database: &str, text: &str) -> Ended {
    let answer = post(server, &format!("/db/{database}/tx/commit"), &statements(text))?;
    Ok(answer["results"][0]["data"].as_array().map_or(0, Vec::len))
}

fn http_transaction(server: &Process, database: &str, text: &str) -> Ended {
    let opened = post(server, &format!("/db/{database}/tx"), &statements(text))?;
    let commit = opened["commit"].as_str().expect("it says where to commit");
    let path = commit.split_once("/db/").expect("an address").1;
    post(server, &format!("/db/{path}"), &json!({"statements": []}))?;
    Ok(opened["results"][0]["data"].as_array().map_or(0, Vec::len))
}

fn query_alone(server: &Process, database: &str, text: &str) -> Ended {
    let answer = post(server, &format!("/db/{database}/query/v2"), &json!({"statement": text}))?;
    Ok(answer["data"]["values"].as_array().map_or(0, Vec::len))
}

fn query_transaction(server: &Process, database: &str, text: &str) -> Ended {
    let opened = post(server, &format!("/db/{database}/query/v2/tx"), &json!({"statement": text}))?;
    let id = opened["transaction"]["id"].as_str().expect("it has an id");
    post(server, &format!("/db/{database}/query/v2/tx/{id}/commit"), &json!({}))?;
    Ok(opened["data"]["values"].as_array().map_or(0, Vec::len))
}

fn cypher(server: &Process, database: &str, text: &str) -> Ended {
    let answer = post(server, "/cypher", &json!({"query": text, "database": database}))?;
    Ok(answer["data"]["values"].as_array().map_or(0, Vec::len))
}

fn statements(text: &str) -> Json {
    json!({"statements": [{"statement": text}]})
}

/// Sends a request; gives the answer, or the code of the error in it.
pub(crate) fn post(server: &Process, path: &str, body: &Json) -> Result<Json, String> {
    let body = body.to_string();
    let mut stream = TcpStream::connect(server.http).expect("it listens");
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Accept: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers with text");
    let (_, body) = answer.split_once("\r\n\r\n").expect("headers end");
    let end = body.rfind('}').map_or(0, |end| end + 1);
    let json: Json = serde_json::from_str(&body[body.find('{').unwrap_or(end)..end]).unwrap_or(Json::Null);
    match json["errors"][0]["code"].as_str() {
        Some(code) => Err(code.to_owned()),
        None => Ok(json),
    }
}

fn counts(client: &mut Client) -> Vec<Vec<Value>> {
    // As an administrator sees it: the limit is on the database, and so is its time.
    let counts =
        "MATCH (n) WITH count(n) AS nodes RETURN nodes, COUNT { ()-->() } AS edges, COUNT { (:Labelled) } AS l";
    run(client, counts).expect("the limits are off")
}

fn limit(client: &mut Client, limits: &str) {
    run(client, &format!("ALTER DATABASE sheaf SET LIMIT {limits}")).expect("it is set");
}

fn unlimit(client: &mut Client, limits: &str) {
    let names: Vec<&str> = limits.split(", ").filter_map(|one| one.split(' ').next()).collect();
    run(client, &format!("ALTER DATABASE sheaf REMOVE LIMIT {}", names.join(", "))).expect("it is taken back");
}

/// Goes beyond a limit through every door; complains where that was not refused, or something of it stayed.
fn attack(server: &Process, admin: &mut Client, attack: &Attack, complaints: &mut Vec<String>) {
    let before = counts(admin);
    for door in &DOORS {
        for (database, front) in ADDRESSES {
            for text in attack.texts {
                // Set anew each time, so that a rate has nothing left of the one before.
                limit(admin, attack.limits);
                let text = format!("{front}{text}");
                let begun = now();
                let ended = match attack.code {
                    Code::RateLimited => beyond_rate(server, door, database, &text),
                    _ => (door.ask)(server, database, &text),
                };
                let taken = begun.elapsed();
                unlimit(admin, attack.limits);
                let Attack { limits, code, .. } = attack;
                let said = |what: String| format!("{limits}: {} on {database}: {text}: {what}", door.name);
                match ended {
                    Ok(rows) => complaints.push(said(format!("it was done, with {rows} rows"))),
                    Err(found) if found != code.row().neo4j => complaints.push(said(found)),
                    Err(_) if taken > LATE_MAX => complaints.push(said(format!("it took {taken:?}"))),
                    Err(_) => {}
                }
            }
        }
    }
    assert_eq!(counts(admin), before, "{}: something of what was refused stayed", attack.limits);
}

/// Asks until it is refused: within a second, that is soon.
fn beyond_rate(server: &Process, door: &Door, database: &str, text: &str) -> Ended {
    let begun = now();
    let mut done = 0;
    while begun.elapsed() < Duration::from_millis(900) {
        (door.ask)(server, database, text)?;
        done += 1;
        if done > WITHIN_RATE + 1 {
            break;
        }
    }
    Ok(done)
}

#[test]
fn e_f46_every_limit_bites_through_every_door() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut server = Process::start(&data, [("", ""); 0]).expect("starts");
    let mut admin = server.connect().expect("connects");
    run(&mut admin, "CREATE DATABASE other").expect("is made");
    run(&mut admin, "UNWIND range(1, 9) AS n CREATE (:N {n: n})").expect("room");
    let mut complaints = Vec::new();
    for one in &ATTACKS {
        attack(&server, &mut admin, one, &mut complaints);
        if one.code == Code::LimitReached {
            // A restart forgets no limit and no count.
            limit(&mut admin, one.limits);
            assert!(server.stop().expect("stops").success());
            server = Process::start(&data, [("", ""); 0]).expect("starts");
            admin = server.connect().expect("connects");
            assert_eq!(
                bolt_alone(&server, "sheaf", one.texts[0]),
                Err(one.code.row().neo4j.to_owned()),
                "{}",
                one.limits
            );
            unlimit(&mut admin, one.limits);
        }
    }
    assert!(complaints.is_empty(), "{} of them:\n{}", complaints.len(), complaints.join("\n"));
    assert!(server.stop().expect("stops").success());
}

#[test]
fn e_f53_f54_places_are_counted_through_every_door() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Process::start(&folder.path().join("data"), [("SHEAF_WAITING_TIME_MAX", "100ms")]).expect("starts");
    let mut admin = server.connect().expect("connects");
    run(&mut admin, "CREATE DATABASE other").expect("is made");
    // Commands run on `system`, so who gives them holds no place of the database.
    let admin_on_system =
        |client: &mut Client, text: &str| run_in(client, "system", text, Map::new()).expect("an admin");
    let mut complaints = Vec::new();
    for (limits, code) in
        [("max_concurrent_queries = 1", Code::TooManyTransactions), ("max_connections = 1", Code::TooManyConnections)]
    {
        let mut holder = server.connect().expect("connects");
        drop(admin);
        admin = server.connect().expect("connects");
        admin_on_system(&mut admin, &format!("ALTER DATABASE sheaf SET LIMIT {limits}"));
        holder.begin(Options { database: Some("sheaf".to_owned()), ..Options::default() }).expect("the only one");
        // It runs, and nobody takes its rows.
        let text = "UNWIND range(1, 100000) AS n RETURN n".to_owned();
        let ask = Request::Run(Run { text, parameters: Map::new(), options: Options::default() });
        let connection = holder.connection();
        connection.send(&ask).and_then(|()| connection.flush()).expect("it is sent");
        assert!(matches!(connection.receive(), Ok(Response::Success(_))), "it runs");
        for door in &DOORS {
            for (database, front) in ADDRESSES {
                match (door.ask)(&server, database, &format!("{front}RETURN 1")) {
                    Err(found) if found == code.row().neo4j => {}
                    other => complaints.push(format!("{limits}: {} on {database}: {other:?}", door.name)),
                }
            }
        }
        drop(holder);
        let names = limits.split(' ').next().expect("a name");
        admin_on_system(&mut admin, &format!("ALTER DATABASE sheaf REMOVE LIMIT {names}"));
        assert_eq!(bolt_alone(&server, "sheaf", "RETURN 1"), Ok(1), "the place is free again");
    }
    assert!(complaints.is_empty(), "{} of them:\n{}", complaints.len(), complaints.join("\n"));
    assert!(server.stop().expect("stops").success());
}

fn connect_as(server: &Process, user: &str) -> Result<Client, ClientError> {
    let auth = AuthToken::basic(user, "a password of tests");
    Client::connect(server.bolt, &ConnectOptions { auth, ..ConnectOptions::default() })
}

/// Connects as one user until that is refused; gives the connections and the refusal.
fn fill(server: &Process, user: &str) -> (Vec<Client>, String) {
    let mut open = Vec::new();
    loop {
        match connect_as(server, user) {
            Ok(client) => open.push(client),
            Err(refused) => return (open, refused.to_string()),
        }
        assert!(open.len() < 100, "there is a bound");
    }
}

/// Asks whether the server lives; gives nothing where the connection was ended.
fn health(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(LATE_MAX)).expect("an open socket");
    let mut answer = [0; 1_024];
    let asked = stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    match asked.and_then(|()| stream.read(&mut answer)) {
        Ok(read) => String::from_utf8_lossy(&answer[..read]).into_owned(),
        // What was asked of one that was ended already is answered so.
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => String::new(),
        Err(error) => panic!("it answers in time: {error}"),
    }
}

#[test]
fn d3_f54_nobody_takes_every_connection_of_the_server() {
    const PLACES: usize = 12;
    let folder = tempfile::tempdir().expect("a folder");
    let places = PLACES.to_string();
    let environment = [
        ("SHEAF_AUTH", "password"),
        ("SHEAF_INITIAL_PASSWORD", "a password of tests"),
        ("SHEAF_BOLT_CONNECTIONS_MAX", places.as_str()),
        ("SHEAF_HTTP_CONNECTIONS_MAX", places.as_str()),
    ];
    let server = Process::start(&folder.path().join("data"), environment).expect("starts");
    let mut admin = connect_as(&server, "admin").expect("the first user");
    for user in ["ann", "bob"] {
        let make = format!("CREATE USER {user} SET PASSWORD 'a password of tests' CHANGE NOT REQUIRED");
        run(&mut admin, &make).expect("is made");
    }
    // One user has three quarters of the places, all others the rest, and an operator finds one beyond them.
    let (of_ann, refused) = fill(&server, "ann");
    assert_eq!(of_ann.len(), PLACES * 3 / 4, "{refused}");
    assert!(refused.contains("User 'ann' has 9 connections to the server, as many as one user may have"), "{refused}");
    let (of_bob, refused) = fill(&server, "bob");
    assert_eq!(of_bob.len(), PLACES - 1 - of_ann.len(), "{refused}");
    assert!(refused.contains("the server has no room for another connection"), "{refused}");
    let mut second = connect_as(&server, "admin").expect("a place is kept for him");
    assert_eq!(run(&mut second, "RETURN 1").expect("he may").len(), 1);

    // Whoever says nothing keeps nobody out, however many they are; who is logged in notices nothing.
    let silent: Vec<TcpStream> = (0..PLACES * 4).map(|_| TcpStream::connect(server.bolt).expect("listens")).collect();
    drop(connect_as(&server, "admin").expect("one that is silent goes"));
    drop(of_bob);
    let begun = now();
    let bob = loop {
        // Places are given back when the server has seen the end of those who left.
        match connect_as(&server, "bob") {
            Ok(client) => break client,
            Err(refused) => assert!(begun.elapsed() < LATE_MAX, "{refused}"),
        }
    };
    for mut client in of_ann.into_iter().chain([admin, second, bob]) {
        assert_eq!(run(&mut client, "RETURN 1").expect("it was never ended").len(), 1);
    }
    drop(silent);

    // Over HTTP, too: neither those that never ask nor those that asked once.
    let mut silent: Vec<TcpStream> =
        (0..PLACES * 4).map(|_| TcpStream::connect(server.http).expect("listens")).collect();
    let begun = now();
    let mut idle: Vec<TcpStream> = (0..PLACES * 2).map(|_| TcpStream::connect(server.http).expect("listens")).collect();
    for stream in &mut idle {
        let answer = health(stream);
        // The first of them were ended while the last of them connected.
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let mut asked: Vec<TcpStream> = (0..PLACES * 2)
        .map(|_| {
            let mut stream = TcpStream::connect(server.http).expect("listens");
            assert!(health(&mut stream).starts_with("HTTP/1.1 200"));
            stream
        })
        .collect();
    let taken = begun.elapsed();
    assert!(taken < LATE_MAX, "{taken:?}");
    // Those that asked last are still there; the others were told to leave.
    assert!(health(asked.last_mut().expect("some")).starts_with("HTTP/1.1 200"));
    let mut rest = Vec::new();
    let ended = silent[0].read_to_end(&mut rest).map_err(|error| error.kind());
    assert!(matches!(ended, Ok(0) | Err(std::io::ErrorKind::ConnectionReset)), "{ended:?}");
    assert!(server.stop().expect("stops").success());
}
