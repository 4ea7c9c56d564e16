//! The Bolt face, message by message.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use bolt::client::{Client, ClientError, ConnectOptions, Connection};
use bolt::{AuthToken, Demand, Hello, Options, Request, Response, Route, Run, Version};
use common::{PATIENCE, connect, connect_in, log_in, now, open, start, start_with};
use types::{Map, Value};

const LONG_RUN: &str = "UNWIND range(1, 1000000000000) AS x RETURN count(x)";

fn run(text: &str) -> Request {
    Request::Run(Run { text: text.to_owned(), ..Run::default() })
}

fn pull(rows: Option<u64>) -> Request {
    Request::Pull(Demand { rows, result: None })
}

/// Sends the requests in one piece and prints an answer each: the kind, and for failures the code.
fn talk(connection: &mut Connection, requests: &[Request]) -> Vec<String> {
    requests.iter().for_each(|request| connection.send(request).expect("short"));
    connection.flush().expect("an open socket");
    requests.iter().map(|_| answer(connection)).collect()
}

/// Reads records until the answer that ends them.
fn answer(connection: &mut Connection) -> String {
    let mut rows = 0;
    loop {
        return match connection.receive() {
            Ok(Response::Record(_)) => {
                rows += 1;
                continue;
            }
            Ok(Response::Success(map)) if map.contains_key("has_more") => format!("{rows} more"),
            Ok(Response::Success(_)) if rows > 0 => format!("{rows} ok"),
            Ok(Response::Success(_)) => "ok".to_owned(),
            Ok(Response::Ignored) => "ignored".to_owned(),
            Ok(Response::Failure { code, .. }) => code.rsplit('.').next().unwrap_or_default().to_owned(),
            Err(error) => error.to_string(),
        };
    }
}

const CLOSED: &str = "the server closed the connection";

#[test]
fn f115_a_statement_runs_in_every_version() {
    let server = start();
    for version in Version::SERVED {
        let mut client = connect_in(&server, version);
        assert_eq!(client.version(), version);
        let answer = client.run("RETURN 1 AS x", Map::new()).expect("a row");
        assert_eq!(answer.columns, ["x"]);
        assert_eq!(answer.rows, [[Value::Integer(1)]]);
        assert_eq!(answer.summary.get("type"), Some(&Value::string("r")));
        assert!(answer.summary.contains_key("t_last"));
        assert!(answer.summary.contains_key("db"));
        client.close().expect("an open socket");
    }
}

#[test]
fn f115_hello_says_who_we_are() {
    let server = start();
    let client = connect(&server);
    let Some(Value::String(agent)) = client.server().get("server") else { panic!("no agent") };
    assert!(agent.starts_with("Neo4j/"), "{agent}");
    assert!(client.server().contains_key("connection_id"));
    let client = connect_in(&server, Version::V4_4);
    assert_eq!(client.server().get("patch_bolt"), Some(&Value::list(vec![Value::string("utc")])));
}

#[test]
fn f115_summaries_tell_what_was_done() {
    let server = start();
    let mut client = connect(&server);
    let summary = client.run("CREATE (n)", Map::new()).expect("no failure").summary;
    assert_eq!(summary["type"], Value::string("w"));
    assert_eq!(summary["bookmark"], Value::string("FB:one"));
    let Value::Map(stats) = &summary["stats"] else { panic!("no counters") };
    assert_eq!(stats["nodes-created"], Value::Integer(1));
    assert_eq!(stats["contains-updates"], Value::Boolean(true));
    assert_eq!(stats.len(), 2);
    let summary = client.run("EXPLAIN RETURN 1", Map::new()).expect("no failure").summary;
    let Value::Map(plan) = &summary["plan"] else { panic!("no plan") };
    assert_eq!(plan["operatorType"], Value::string("ProduceResults@sheaf"));
    assert!(matches!(&summary["notifications"], Value::List(list) if list.len() == 1));
    assert!(!summary.contains_key("stats"));
    client.begin(Options::default()).expect("no failure");
    assert!(!client.run("CREATE (n)", Map::new()).expect("no failure").summary.contains_key("bookmark"));
    assert_eq!(client.commit().expect("no failure").as_deref(), Some("FB:all"));
}

#[test]
fn f35_the_database_comes_with_the_statement() {
    let server = start();
    let mut client = connect(&server);
    let on = |name: &str| Options { database: Some(name.to_owned()), ..Options::default() };
    let summary = client.run_with("RETURN 1 AS x", Map::new(), on("films")).expect("no failure").summary;
    assert_eq!(summary["db"], Value::string("films"));
    let error = client.run_with("RETURN 1 AS x", Map::new(), on("nobody")).expect_err("no such database");
    assert_eq!(error.status(), Some("Neo.ClientError.Database.DatabaseNotFound"));
    assert!(client.begin(on("nobody")).is_err());
    assert!(client.route(Some("nobody".to_owned())).is_err());
    assert_eq!(client.run("RETURN 1 AS x", Map::new()).expect("a row").rows.len(), 1);
}

#[test]
fn f115_wrong_passwords_close_the_connection() {
    let server = start();
    for version in [Version::V5_4, Version::V4_4] {
        let auth = AuthToken::basic("ann", common::WRONG_PASSWORD);
        let options = ConnectOptions { auth, versions: vec![version], ..ConnectOptions::default() };
        let error = Client::connect(server.bolt_addr().expect("Bolt is on"), &options).expect_err("refused");
        assert_eq!(error.status(), Some("Neo.ClientError.Security.Unauthorized"));
    }
    let mut connection = open(&server);
    let wrong = Request::Logon(AuthToken::basic("ann", common::WRONG_PASSWORD));
    let answers = talk(&mut connection, &[Request::Hello(Hello::default()), wrong, Request::Reset, run("RETURN 1")]);
    assert_eq!(answers, ["ok", "Unauthorized", CLOSED, CLOSED]);
}

#[test]
fn f115_parameters_come_back() {
    let server = start();
    let mut client = connect(&server);
    let long = "x".repeat(300_000);
    let value =
        Value::list(vec![Value::Null, Value::Float(1.5), Value::string(long.as_str()), Value::Integer(i64::MIN)]);
    let mut parameters = Map::new();
    parameters.insert("x".into(), value.clone());
    let answer = client.run("RETURN $x AS x", parameters).expect("a row");
    assert_eq!(answer.rows, [[value]]);
}

#[test]
fn f115_results_come_in_parts() {
    let server = start();
    let mut connection = open(&server);
    log_in(&mut connection);
    let rows = run("UNWIND range(1, 10) AS x RETURN x");
    assert_eq!(talk(&mut connection, &[rows.clone(), pull(Some(3)), pull(Some(3))]), ["ok", "3 more", "3 more"]);
    assert_eq!(talk(&mut connection, &[pull(Some(4))]), ["4 ok"]);
    let discard = |rows| Request::Discard(Demand { rows, result: None });
    assert_eq!(talk(&mut connection, &[rows.clone(), discard(Some(4)), pull(None)]), ["ok", "0 more", "6 ok"]);
    assert_eq!(talk(&mut connection, &[rows, pull(Some(4)), discard(None)]), ["ok", "4 more", "ok"]);
    assert_eq!(talk(&mut connection, &[run("RETURN 1 AS x"), pull(None)]), ["ok", "1 ok"]);
}

#[test]
fn f115_large_results_stream() {
    let server = start();
    let mut client = connect(&server);
    let mut count = 0;
    let text = "UNWIND range(1, 200000) AS x RETURN x";
    client.stream(text, Map::new(), Options::default(), |_| count += 1).expect("rows");
    assert_eq!(count, 200_000);
}

#[test]
fn f115_several_results_are_open_in_a_transaction() {
    let server = start();
    let mut connection = open(&server);
    log_in(&mut connection);
    let begin = Request::Begin(Options::default());
    let rows = run("UNWIND range(1, 10) AS x RETURN x");
    let of = |result, rows| Request::Pull(Demand { rows, result: Some(result) });
    assert_eq!(
        talk(
            &mut connection,
            &[begin.clone(), rows.clone(), rows.clone(), of(0, Some(2)), of(1, None), of(0, None), Request::Commit]
        ),
        ["ok", "ok", "ok", "2 more", "10 ok", "8 ok", "ok"]
    );
    assert_eq!(talk(&mut connection, &[begin.clone(), rows.clone(), Request::Rollback]), ["ok", "ok", "ok"]);
    assert_eq!(
        talk(&mut connection, &[begin, rows, of(7, None), Request::Commit, Request::Reset]),
        ["ok", "ok", "Invalid", "ignored", "ok"]
    );
}

#[test]
fn f115_a_failure_is_cleared_by_reset() {
    let server = start();
    let mut connection = open(&server);
    log_in(&mut connection);
    assert_eq!(
        talk(&mut connection, &[run("RETRUN 1"), pull(None), run("RETURN 1 AS x"), Request::Reset]),
        ["SyntaxError", "ignored", "ignored", "ok"]
    );
    assert_eq!(talk(&mut connection, &[run("RETURN 1 AS x"), pull(None)]), ["ok", "1 ok"]);
    let begin = Request::Begin(Options::default());
    assert_eq!(
        talk(&mut connection, &[begin, run("RETRUN 1"), Request::Commit, Request::Reset, run("RETURN 1 AS x")]),
        ["ok", "SyntaxError", "ignored", "ok", "ok"]
    );
}

#[test]
fn f115_reset_interrupts_a_running_statement() {
    let server = start();
    let mut connection = open(&server);
    log_in(&mut connection);
    let requests = [run(LONG_RUN), pull(None), run("RETURN 1 AS x"), Request::Reset];
    let answers = talk(&mut connection, &requests);
    assert_eq!(answers[2..], ["ignored", "ok"]);
    assert_eq!(talk(&mut connection, &[run("RETURN 1 AS x"), pull(None)]), ["ok", "1 ok"]);
}

#[test]
fn f115_an_interrupter_works_from_another_thread() {
    let server = start();
    let mut client = connect(&server);
    let interrupter = client.interrupter().expect("an open socket");
    let waiting = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        interrupter.interrupt().expect("an open socket");
    });
    let error = client.run(LONG_RUN, Map::new()).expect_err("an interrupt");
    assert!(matches!(error, ClientError::Failed { .. } | ClientError::Ignored), "{error}");
    waiting.join().expect("no panic");
    assert_eq!(client.run("RETURN 1 AS x", Map::new()).expect("a row").rows.len(), 1);
}

#[test]
fn f115_routes_lead_here() {
    let server = start();
    let mut connection = open(&server);
    log_in(&mut connection);
    let mut routing = Map::new();
    routing.insert("address".into(), Value::string("example.org:1234"));
    connection.send(&Request::Route(Route { routing, ..Route::default() })).expect("short");
    connection.flush().expect("an open socket");
    let Ok(Response::Success(map)) = connection.receive() else { panic!("no table") };
    let Some(Value::Map(table)) = map.get("rt") else { panic!("no table") };
    let Some(Value::List(servers)) = table.get("servers") else { panic!("no servers") };
    assert_eq!(servers.len(), 3);
    let Value::Map(first) = &servers[0] else { panic!("no server") };
    assert_eq!(first["addresses"], Value::list(vec![Value::string("example.org:1234")]));
    assert_eq!(table["ttl"], Value::Integer(300));
}

#[test]
fn f115_logoff_and_logon_in_one_piece() {
    let server = start();
    let mut connection = open(&server);
    log_in(&mut connection);
    let again = [Request::Logoff, Request::Logon(AuthToken::none()), run("RETURN 1 AS x"), pull(None)];
    assert_eq!(talk(&mut connection, &again), ["ok", "ok", "ok", "1 ok"]);
    assert_eq!(talk(&mut connection, &[Request::Telemetry { api: 2 }]), ["ok"]);
    assert_eq!(talk(&mut connection, &[Request::Logoff, run("RETURN 1 AS x")])[1], "Invalid");
    assert_eq!(answer(&mut connection), CLOSED);
}

#[test]
fn nothing_runs_before_a_login() {
    let server = start();
    for requests in [
        vec![run("RETURN 1 AS x")],
        vec![Request::Reset],
        vec![Request::Hello(Hello::default()), run("RETURN 1 AS x")],
        vec![Request::Hello(Hello::default()), Request::Reset, run("RETURN 1 AS x")],
    ] {
        let mut connection = open(&server);
        let answers = talk(&mut connection, &requests);
        assert!(answers.contains(&"Invalid".to_owned()), "{answers:?}");
        assert_eq!(answer(&mut connection), CLOSED);
    }
}

#[test]
fn requests_out_of_place_close_the_connection() {
    let server = start();
    for requests in [
        vec![pull(None)],
        vec![Request::Commit],
        vec![Request::Begin(Options::default()), Request::Begin(Options::default())],
        vec![run("RETURN 1 AS x"), run("RETURN 1 AS x")],
        vec![Request::Hello(Hello::default())],
    ] {
        let mut connection = open(&server);
        log_in(&mut connection);
        let answers = talk(&mut connection, &requests);
        assert_eq!(answers.last().map(String::as_str), Some("Invalid"), "{requests:?}");
        assert_eq!(answer(&mut connection), CLOSED);
    }
}

#[test]
fn c1_malformed_messages_close_one_connection() {
    let server = start();
    let mut other = connect(&server);
    let deep = [&b"\xB3\x10\x88RETURN 1\xA1\x81p"[..], &vec![0x91; 60_000], b"\xA0"].concat();
    for message in [&b"\xFF"[..], b"\xB0\x77", b"\xB3\x10\xD2\x7F\xFF\xFF\xFFx", b"\xB3\x10\x82\xC3\x28\xA0\xA0", &deep]
    {
        let mut connection = open(&server);
        log_in(&mut connection);
        connection.send_message(message);
        connection.flush().expect("an open socket");
        assert_eq!(answer(&mut connection), "Invalid");
        assert_eq!(answer(&mut connection), CLOSED);
    }
    // A parameter that cannot be is that request's failure alone.
    let mut connection = open(&server);
    log_in(&mut connection);
    connection.send_message(b"\xB3\x10\x81x\xA1\x81p\xB4\x4E\x01\x90\xA0\x811\xA0");
    connection.flush().expect("an open socket");
    assert_eq!(answer(&mut connection), "TypeError");
    assert_eq!(talk(&mut connection, &[Request::Reset, run("RETURN 1 AS x")]), ["ok", "ok"]);
    assert_eq!(other.run("RETURN 1 AS x", Map::new()).expect("a row").rows.len(), 1);
}

#[test]
fn c1_long_messages_are_refused() {
    let server = start_with(|config| config.message_max_bytes = 100_000);
    let mut connection = open(&server);
    connection.send_raw(&[0xFF, 0xFF]);
    connection.send_raw(&vec![0; 0xFFFF]);
    connection.send_raw(&[0xFF, 0xFF]);
    connection.flush().expect("an open socket");
    assert_eq!(answer(&mut connection), "Invalid");
    let mut connection = open(&server);
    log_in(&mut connection);
    connection.send_message(&vec![0; 100_001]);
    // The server may close before it has read everything.
    let _ = connection.flush();
    let answer = answer(&mut connection);
    assert!(answer == "Invalid" || answer == CLOSED, "{answer}");
}

#[test]
fn d3_slow_handshakes_end() {
    let server = start_with(|config| config.login_time_max = Duration::from_millis(300));
    let address = server.bolt_addr().expect("Bolt is on");
    let mut sockets: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(address).expect("room")).collect();
    for (at, socket) in sockets.iter_mut().enumerate() {
        socket.set_read_timeout(Some(PATIENCE)).expect("an open socket");
        let begun = bolt::handshake::opening(&[Version::V5_4]);
        socket.write_all(&begun[..at % 21]).expect("an open socket");
    }
    for socket in &mut sockets {
        // All that may come is the answer to a handshake, then the end.
        let mut rest = Vec::new();
        let ended = socket.read_to_end(&mut rest);
        assert!(ended.is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock) || rest.len() <= 4);
    }
    assert_eq!(connect(&server).run("RETURN 1 AS x", Map::new()).expect("a row").rows.len(), 1);
}

#[test]
fn d4_connections_over_the_limit_are_told_so() {
    let server = start_with(|config| config.bolt_connections_max = 2);
    let first = connect(&server);
    let second = connect(&server);
    let options = ConnectOptions::default();
    let address = server.bolt_addr().expect("Bolt is on");
    let refused = Client::connect(address, &options).expect_err("no room");
    assert_eq!(refused.status(), Some("Neo.TransientError.Invalid.ResourceExhaustion"));
    first.close().expect("an open socket");
    drop(second);
    let begun = now();
    while Client::connect(address, &options).is_err() {
        assert!(begun.elapsed() < PATIENCE, "the places were not given back");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn d5_a_client_that_leaves_stops_its_statement() {
    let server = start_with(|config| config.bolt_connections_max = 1);
    for request in [pull(None), Request::Discard(Demand::default())] {
        let mut client = retry(&server);
        let connection = client.connection();
        connection.send(&run(LONG_RUN)).expect("short");
        connection.send(&request).expect("short");
        connection.flush().expect("an open socket");
        thread::sleep(Duration::from_millis(200));
        let left_at = now();
        connection.abort().expect("an open socket");
        // The only place is free again once the statement has stopped.
        drop(retry(&server));
        assert!(left_at.elapsed() < Duration::from_secs(1), "{:?}", left_at.elapsed());
    }
}

#[test]
fn d3_f52_what_an_ended_statement_left_waits_for_no_slow_client() {
    let server = start_with(|config| {
        config.bolt_connections_max = 1;
        config.write_time_max = Duration::from_secs(600);
    });
    let mut client = retry(&server);
    let connection = client.connection();
    connection.send(&run("RETURN large")).expect("short");
    connection.send(&pull(None)).expect("short");
    connection.flush().expect("an open socket");
    // It takes nothing, and the only place comes free all the same.
    drop(retry(&server));
}

/// Connects once there is a place, however long that takes.
fn retry(server: &server::Server) -> Client {
    let begun = now();
    loop {
        match Client::connect(server.bolt_addr().expect("Bolt is on"), &ConnectOptions::default()) {
            Ok(client) => return client,
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
        assert!(begun.elapsed() < PATIENCE, "no place came free");
    }
}

#[test]
fn d5_a_client_that_leaves_in_mid_stream_frees_its_place() {
    let server = start();
    for _ in 0..20 {
        let mut connection = open(&server);
        log_in(&mut connection);
        connection.send(&run("UNWIND range(1, 100000000) AS x RETURN x")).expect("short");
        connection.send(&pull(None)).expect("short");
        connection.flush().expect("an open socket");
        for _ in 0..100 {
            connection.receive().expect("a record");
        }
        connection.abort().expect("an open socket");
    }
    let begun = now();
    assert_eq!(connect(&server).run("RETURN 1 AS x", Map::new()).expect("a row").rows.len(), 1);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn reset_ends_a_long_stream() {
    let server = start();
    let mut connection = open(&server);
    log_in(&mut connection);
    connection.send(&run("UNWIND range(1, 1000000000) AS x RETURN x")).expect("short");
    connection.send(&pull(None)).expect("short");
    connection.flush().expect("an open socket");
    connection.receive().expect("columns");
    for _ in 0..1_000 {
        connection.receive().expect("a record");
    }
    connection.send(&Request::Reset).expect("short");
    connection.flush().expect("an open socket");
    assert_eq!(answer(&mut connection).split(' ').next_back(), Some("Terminated"));
    assert_eq!(answer(&mut connection), "ok");
    assert_eq!(talk(&mut connection, &[run("RETURN 1 AS x"), pull(None)]), ["ok", "1 ok"]);
}

#[test]
fn shutdown_closes_idle_connections_and_waits_for_transactions() {
    let server = start_with(|config| config.drain_time_max = PATIENCE);
    let mut idle = open(&server);
    log_in(&mut idle);
    let mut busy = open(&server);
    log_in(&mut busy);
    assert_eq!(talk(&mut busy, &[Request::Begin(Options::default())]), ["ok"]);
    let stopping = thread::spawn(move || server.shutdown());
    assert_eq!(answer(&mut idle), CLOSED);
    assert_eq!(talk(&mut busy, &[run("RETURN 1 AS x"), pull(None), Request::Commit]), ["ok", "1 ok", "ok"]);
    stopping.join().expect("no panic");
}

#[test]
fn shutdown_cuts_what_does_not_end() {
    let server = start_with(|config| config.drain_time_max = Duration::from_millis(100));
    let mut connection = open(&server);
    log_in(&mut connection);
    connection.send(&run(LONG_RUN)).expect("short");
    connection.send(&pull(None)).expect("short");
    connection.flush().expect("an open socket");
    thread::sleep(Duration::from_millis(100));
    let begun = now();
    server.shutdown();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
