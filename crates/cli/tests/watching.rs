//! A server as those see it who watch and bound it over HTTP and Bolt: limits, usage, metrics, health, logs, settings.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bolt::client::{Client, ConnectOptions};
use bolt::{Demand, Options, Request, Run};
use common::{Served, ask, output, path, sheaf, told};
use serde_json::Value;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for tests")
}

/// What came back: the status, the headers in lower case, the body.
struct Answer {
    status: u16,
    headers: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

fn http(served: &Served, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut stream = TcpStream::connect(served.address("http")).expect("HTTP listens");
    stream.set_read_timeout(Some(common::PATIENCE)).expect("a socket");
    let mut request = format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
    headers.iter().for_each(|(name, value)| request.push_str(&format!("{name}: {value}\r\n")));
    request.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes()).expect("is sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, headers: head.to_lowercase(), body: body.to_owned() }
}

fn get(served: &Served, target: &str) -> Answer {
    http(served, "GET", target, &[], "")
}

fn query(served: &Served, database: &str, statement: &str) -> Answer {
    let body = format!("{{\"statement\": \"{statement}\"}}");
    http(served, "POST", &format!("/db/{database}/query/v2"), &[], &body)
}

fn commit(served: &Served, statement: &str) -> Answer {
    let body = format!("{{\"statements\": [{{\"statement\": \"{statement}\"}}]}}");
    http(served, "POST", "/db/sheaf/tx/commit", &[], &body)
}

#[test]
fn f61_limits_and_usage_over_http() {
    let data = folder();
    let served = Served::start(data.path(), &[]);
    let first = get(&served, "/db/neo4j/limits");
    let mark = first.header("etag").expect("a mark").to_owned();
    assert_eq!((first.status, first.json()["database"].as_str()), (200, Some("sheaf")));
    assert_eq!(first.json()["limits"]["max_nodes"]["value"], 0);

    let limits = r#"{"max_nodes": 1, "max_query_time": "60s"}"#;
    let set = http(&served, "PUT", "/db/sheaf/limits", &[("if-match", &mark)], limits);
    assert_eq!((set.status, set.json()["limits"]["max_query_time"]["text"].as_str()), (200, Some("1m")));
    let stale = http(&served, "PUT", "/db/sheaf/limits", &[("if-match", &mark)], r#"{"max_nodes": 7}"#);
    assert_eq!(stale.status, 412, "{}", stale.body);
    let mark = set.header("etag").expect("a mark").to_owned();
    let set = http(&served, "PUT", "/db/sheaf/limits", &[("if-match", &mark)], r#"{"max_query_time": null}"#);
    assert_eq!(set.json()["limits"]["max_query_time"]["source"], "default");
    let wrong = http(&served, "PUT", "/db/sheaf/limits", &[], r#"{"max_nodes": 2, "max_nodez": 2}"#);
    assert!(wrong.status == 400 && wrong.body.contains("Unknown limit 'max_nodez'"), "{}", wrong.body);
    let twice = http(&served, "PUT", "/db/sheaf/limits", &[], r#"{"max_nodes": 2, "max_nodes": 3}"#);
    assert!(twice.status == 400 && twice.body.contains("is named twice"), "{}", twice.body);
    assert_eq!(get(&served, "/db/sheaf/limits").json()["limits"]["max_nodes"]["value"], 1, "all or nothing");

    // It bites over both faces.
    assert_eq!(query(&served, "sheaf", "CREATE (:A)").status, 202);
    let refused = query(&served, "sheaf", "CREATE (:A)");
    assert_eq!((refused.status, refused.header("retry-after")), (507, None), "{}", refused.body);
    assert!(refused.body.contains("The limit max_nodes of database 'sheaf' is 1, 1 are used, and 1 more is wanted."));
    let bolt = served.address("bolt");
    let (code, _, complaint) = told(&output(&["shell", "--bolt", bolt, "CREATE (:A)"]));
    assert!(code == Some(1) && complaint.contains("max_nodes"), "{complaint}");

    let usage = get(&served, "/db/sheaf/usage").json();
    assert_eq!((&usage["nodes"], &usage["rejectionsByLimit"]["max_nodes"]), (&1.into(), &2.into()), "{usage}");
    let standing = get(&served, "/cluster/stats/self?database=neo4j").json();
    assert_eq!(standing["limits"]["max_nodes"]["remaining"], 0, "{standing}");
    assert_eq!(get(&served, "/db/nobody/limits").status, 404);
    assert_eq!(get(&served, "/db/nobody/usage").status, 404);
    assert_eq!(get(&served, "/cluster/stats/self?database=nobody").status, 404);
}

#[test]
fn f56_too_many_requests_over_http_and_bolt() {
    let data = folder();
    let served = Served::start(data.path(), &[]);
    let limits = r#"{"max_queries_per_second": 1, "max_queries_burst": 3}"#;
    assert_eq!(http(&served, "PUT", "/db/sheaf/limits", &[], limits).status, 200);
    let first = query(&served, "sheaf", "RETURN 1");
    let told_of = ["x-ratelimit-limit", "x-ratelimit-remaining"].map(|name| first.header(name).map(str::to_owned));
    // Three may come at once, and one did.
    assert_eq!(told_of, [Some("3".to_owned()), Some("2".to_owned())]);
    assert!(commit(&served, "RETURN 1").status == 200 && commit(&served, "RETURN 1").status == 200);
    for refused in [query(&served, "sheaf", "RETURN 1"), commit(&served, "RETURN 1")] {
        assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")), "{}", refused.body);
        assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
        assert!(refused.body.contains("Neo.TransientError.Invalid.ResourceExhaustion"), "{}", refused.body);
        assert!(refused.body.contains("Retry after "), "{}", refused.body);
    }
    let (code, _, complaint) = told(&output(&["shell", "--bolt", served.address("bolt"), "RETURN 1"]));
    assert!(code == Some(1) && complaint.contains("max_queries_per_second"), "{complaint}");
}

#[test]
fn f99_who_guesses_passwords_is_told_when_to_come_back() {
    let data = folder();
    let served = Served::start(data.path(), &["--auth", "password", "--initial-password", "secret of tests"]);
    let wrong = [("authorization", "Basic YWRtaW46Z3Vlc3M=")];
    let body = r#"{"statement": "RETURN 1"}"#;
    for _ in 0..3 {
        let refused = http(&served, "POST", "/db/sheaf/query/v2", &wrong, body);
        assert_eq!((refused.status, refused.header("retry-after")), (401, None), "{}", refused.body);
    }
    // For the right one too.
    let admin = [("authorization", "Basic YWRtaW46c2VjcmV0IG9mIHRlc3Rz")];
    for path in ["/db/sheaf/query/v2", "/db/sheaf/tx/commit"] {
        let refused = http(&served, "POST", path, &admin, body);
        let seconds = refused.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
        assert!(refused.status == 429 && seconds.is_some_and(|seconds| (1..=5).contains(&seconds)), "{}", refused.body);
        assert!(refused.body.contains("Retry after "), "{}", refused.body);
    }
    let arguments = ["shell", "--bolt", served.address("bolt"), "-u", "admin", "-p", "secret of tests", "RETURN 1"];
    let (code, _, complaint) = told(&output(&arguments));
    assert!(code != Some(0) && complaint.contains("Retry after "), "{complaint}");
}

#[test]
fn f54_a_client_that_dies_gives_its_connection_back() {
    let data = folder();
    let served = Served::start(data.path(), &[]);
    let bolt = served.address("bolt");
    assert_eq!(http(&served, "PUT", "/db/sheaf/limits", &[], r#"{"max_connections": 1}"#).status, 200);
    let mut child = sheaf(&["shell", "--bolt", bolt, "UNWIND range(1, 100000000000) AS n RETURN n"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // It has a row, so it has its seat.
    let mut byte = [0];
    child.stdout.as_mut().expect("a pipe").read_exact(&mut byte).expect("a row");
    let refused = query(&served, "sheaf", "RETURN 1");
    assert!(refused.status == 429 && refused.body.contains("max_connections"), "{}", refused.body);
    child.kill().expect("it runs");
    child.wait().expect("it ran");
    let deadline = 200;
    let free = (0..deadline).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        query(&served, "sheaf", "RETURN 1").status == 202
    });
    assert!(free, "the seat is given back soon after the client died");
}

#[test]
fn f54_f55_a_pooled_connection_that_rests_keeps_nobody_out() {
    let data = folder();
    let served = Served::start(data.path(), &[]);
    let connect = || Client::connect(served.address("bolt"), &ConnectOptions::default()).expect("a connection");
    let run = |client: &mut Client, text: &str| match client.run(text, types::Map::new()) {
        Ok(answer) => format!("{:?}", answer.rows),
        Err(failure) => failure.to_string(),
    };
    let used = || http(&served, "GET", "/db/sheaf/usage", &[], "").json()["connections"].clone();
    for (limit, other) in
        [("max_connections", "max_connections_per_user"), ("max_connections_per_user", "max_connections")]
    {
        let body = format!(r#"{{"{limit}": 1, "{other}": null}}"#);
        assert_eq!(http(&served, "PUT", "/db/sheaf/limits", &[], &body).status, 200);
        // Their drivers say nothing when a conversation ends.
        let (mut one, mut two, mut three) = (connect(), connect(), connect());
        assert_eq!(run(&mut one, "RETURN 1"), "[[Integer(1)]]");
        let at_once = run(&mut two, "RETURN 2");
        assert!(at_once.contains(limit), "{at_once}");
        std::thread::sleep(Duration::from_millis(1_200));
        assert_eq!(used(), 1);
        assert_eq!(run(&mut two, "RETURN 2"), "[[Integer(2)]]");
        assert_eq!(used(), 1);
        // An open transaction rests never.
        std::thread::sleep(Duration::from_millis(1_200));
        three.begin(Options::default()).expect("the seat of the second");
        std::thread::sleep(Duration::from_millis(1_200));
        for client in [&mut one, &mut two] {
            let refused = run(client, "RETURN 3");
            assert!(refused.contains(limit), "{refused}");
        }
        // Over HTTP it is the same seat.
        assert_eq!(query(&served, "sheaf", "RETURN 1").status, 429);
        three.commit().expect("nothing was done");
        // Nor does an open result.
        let run_alone = Run { text: "UNWIND range(1, 100000) AS x RETURN x".to_owned(), ..Run::default() };
        three.connection().send(&Request::Run(run_alone)).expect("it listens");
        three.connection().send(&Request::Pull(Demand { rows: Some(1), result: None })).expect("it listens");
        three.connection().flush().expect("it listens");
        for _ in 0..3 {
            three.connection().receive().expect("columns, a row, and that there are more");
        }
        std::thread::sleep(Duration::from_millis(1_200));
        assert!(run(&mut one, "RETURN 4").contains(limit));
        three.connection().send(&Request::Discard(Demand::default())).expect("it listens");
        three.connection().flush().expect("it listens");
        three.connection().receive().expect("the end");
        std::thread::sleep(Duration::from_millis(1_200));
        assert_eq!(query(&served, "sheaf", "RETURN 1").status, 202);
        // A request is over soon after its answer.
        let free = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            run(&mut one, "RETURN 5") == "[[Integer(5)]]"
        });
        assert!(free, "{limit}");
        drop((one, two, three));
        let free = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            used() == 0
        });
        assert!(free, "{limit}");
    }
}

#[test]
fn f206_who_logs_in_hears_of_the_health_of_his_own_databases() {
    let (admin, bob) = ([("authorization", "Basic YWRtaW46c2VjcmV0IG9mIHRlc3Rz")], "Basic Ym9iOmJvYi1wYXNzd29yZA==");
    let bob = [("authorization", bob)];
    let arguments = ["--auth", "password", "--initial-password", "secret of tests"];
    let data = folder();
    let served = Served::start(data.path(), &arguments);
    let run = |served: &Served, statement: &str| {
        let body = format!("{{\"statement\": \"{statement}\"}}");
        let ran = http(served, "POST", "/db/system/query/v2", &admin, &body);
        assert_eq!(ran.status, 202, "{statement}: {}", ran.body);
    };
    for statement in [
        "CREATE DATABASE films",
        "CREATE DATABASE hidden",
        "CREATE USER bob SET PASSWORD 'bob-password' CHANGE NOT REQUIRED",
        "GRANT ACCESS ON DATABASE films TO USER bob",
        "GRANT SET LIMITS ON DATABASE films TO USER bob",
    ] {
        run(&served, statement);
    }
    // Who may set limits and not see them hears that they are set.
    let set = http(&served, "PUT", "/db/films/limits", &bob, r#"{"max_nodes": 5}"#);
    assert_eq!((set.status, set.body.as_str()), (204, ""));
    served.end("-TERM");
    let mut homes = fs::read_dir(data.path()).expect("is there").flatten().map(|home| home.path());
    let hidden = homes.find(|home| path(home).contains("hidden-")).expect("its folder");
    fs::write(hidden.join("data.mdb"), [7; 40_000]).expect("the tester's own disk");
    let served = Served::start(data.path(), &arguments);
    let told = |who: &[(&str, &str)]| http(&served, "GET", "/health", who, "").json();
    assert_eq!(told(&admin)["status"], "degraded");
    let of_bob = told(&bob);
    assert_eq!((&of_bob["status"], &of_bob["databases"]["failed"]), (&"ok".into(), &0.into()), "{of_bob}");
    // What is told of it does not say where its files lie.
    let shown = told(&admin).to_string();
    assert!(!shown.contains(path(&hidden)) && !shown.contains("hidden-"), "{shown}");
}

#[test]
fn f206_health_tells_life_readiness_and_databases() {
    let data = folder();
    let served = Served::start(data.path(), &[]);
    ask(served.address("bolt"), "system", "CREATE DATABASE films");
    ask(served.address("bolt"), "system", "STOP DATABASE films");
    assert_eq!(get(&served, "/health/live").json()["status"], "ok");
    assert_eq!(get(&served, "/health/ready").status, 200);
    let health = get(&served, "/health");
    let databases = &health.json()["databases"];
    assert_eq!((&databases["online"], &databases["offline"], &databases["failed"]), (&1.into(), &1.into(), &0.into()));
    assert!(!health.body.contains("films"), "names are for those who log in: {}", health.body);
    let named = http(&served, "GET", "/health", &[("authorization", "Basic YTpi")], "").json();
    let films = named["services"].as_array().and_then(|all| all.iter().find(|one| one["name"] == "films").cloned());
    assert_eq!(films.expect("it is listed")["currentStatus"], "offline");
}

/// Starts a server of which one commit fails as if the disk had: the one of this number.
fn failing(data: &std::path::Path, number: u32) -> Served {
    let ports = ["--bolt", "127.0.0.1:0", "--http", "127.0.0.1:0"];
    let mut command = sheaf(&["serve", "--data", path(data)]);
    Served::wait(command.args(ports).env("SHEAF_FAILPOINT", format!("store.commit.fails:{number}")))
}

#[test]
fn f11_f206_a_database_that_takes_no_more_writes_says_so_until_it_is_opened_again() {
    let data = folder();
    let served = Served::start(data.path(), &[]);
    ask(served.address("bolt"), "system", "CREATE DATABASE films");
    query(&served, "films", "CREATE (:N)");
    served.end("-TERM");
    let served = failing(data.path(), 6);
    let status = || {
        let shown = "SHOW DATABASES YIELD name, currentStatus, statusMessage WHERE name IN ['films', 'system'] \
                     RETURN name, currentStatus, statusMessage";
        ask(served.address("bolt"), "system", shown)
    };
    // While somebody reads it, it cannot be closed.
    let mut reader = Client::connect(served.address("bolt"), &ConnectOptions::default()).expect("connects");
    reader.begin(Options { database: Some("films".to_owned()), ..Options::default() }).expect("begins");
    reader.run("MATCH (n) RETURN count(n)", types::Map::new()).expect("reads");
    let refused = (0..20).map(|_| query(&served, "films", "CREATE (:N)")).find(|answer| answer.status != 202);
    let refused = refused.expect("one of them fails");
    assert!(refused.body.contains("could not commit"), "{}", refused.body);
    let refused = query(&served, "films", "CREATE (:N)");
    assert!(refused.body.contains("takes no more writes"), "{}", refused.body);
    let shown = status();
    let reason = "an earlier write could not be made durable; the database takes no more writes until it is reopened";
    let worn = format!(r#"{{"name":"films","currentStatus":"error","statusMessage":"{reason}"}}"#);
    assert!(shown.contains(&worn) && shown.contains(r#""system","currentStatus":"online""#), "{shown}");
    assert_eq!(get(&served, "/health").json()["databases"]["failed"], 1);
    assert_eq!(get(&served, "/health/ready").status, 200, "it is not the default database");
    drop(reader);
    // The next statement opens it again as soon as nobody holds it.
    let begun = types::Clock::now(&types::SystemClock);
    while query(&served, "films", "CREATE (:N)").status != 202 {
        assert!(types::Clock::now(&types::SystemClock).duration_since(begun) < common::PATIENCE);
    }
    assert!(status().contains(r#"{"name":"films","currentStatus":"online","statusMessage":""}"#), "{}", status());
    assert_eq!(get(&served, "/health").json()["databases"]["failed"], 0);
}

#[test]
fn f11_f206_a_server_whose_catalog_takes_no_more_changes_is_not_ready() {
    let data = folder();
    Served::start(data.path(), &[]).end("-TERM");
    let served = failing(data.path(), 4);
    assert_eq!(get(&served, "/health/ready").status, 200);
    let refused = (0..20).map(|number| query(&served, "system", &format!("CREATE ROLE r{number}")));
    let refused = refused.into_iter().find(|answer| answer.status >= 400).expect("one of them fails");
    assert!(refused.body.contains("could not commit"), "{}", refused.body);
    let shown = ask(served.address("bolt"), "system", "SHOW DATABASE system YIELD currentStatus, statusMessage");
    assert!(shown.contains(r#""currentStatus":"error""#) && shown.contains("until the server is restarted"), "{shown}");
    assert_eq!(get(&served, "/health/ready").status, 503);
    let health = get(&served, "/health").json();
    assert_eq!((&health["status"], &health["ready"]), (&"degraded".into(), &false.into()), "{health}");
    // What databases hold is as ever.
    assert_eq!(query(&served, "sheaf", "CREATE (:N)").status, 202);
    served.end("-TERM");
    let served = Served::start(data.path(), &[]);
    assert_eq!(get(&served, "/health/ready").status, 200);
    assert_eq!(query(&served, "system", "CREATE ROLE more").status, 202);
}

#[test]
fn f207_metrics_are_text_with_bounded_labels() {
    let data = folder();
    let served = Served::start(data.path(), &["--metrics-databases-max", "1"]);
    for name in ["a", "b", "c"] {
        ask(served.address("bolt"), "system", &format!("CREATE DATABASE {name}"));
        query(&served, name, "CREATE (:N)");
        query(&served, name, "RETURN 1 / 0");
    }
    query(&served, "a", "RETURN 1");
    let answer = get(&served, "/metrics");
    let text = &answer.body;
    assert_eq!(answer.status, 200);
    for line in [
        "sheaf_database_statements_total{database=\"a\"} 3",
        "sheaf_database_statements_total{database=\"other\"} 4",
        "sheaf_errors_total{code=\"ArithmeticError\",status=\"Neo.ClientError.Statement.ArithmeticError\"} 3",
        "sheaf_database_nodes{database=\"other\"} 2",
        "sheaf_database_statement_seconds_count{database=\"a\"} 3",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line} in {text}");
    }
    let sound = |line: &str| {
        line.starts_with('#') || line.rsplit_once(' ').is_some_and(|(_, value)| value.parse::<f64>().is_ok())
    };
    assert!(text.lines().all(sound), "{text}");
    drop(served);
    let served = Served::start(data.path(), &["--metrics", "off"]);
    assert_eq!(get(&served, "/metrics").status, 404);
    drop(served);
    let password = ["--auth", "password", "--initial-password", "secret of tests", "--metrics", "password"];
    let served = Served::start(data.path(), &password);
    assert_eq!(get(&served, "/metrics").status, 401);
    let admin = [("authorization", "Basic YWRtaW46c2VjcmV0IG9mIHRlc3Rz")];
    assert_eq!(http(&served, "GET", "/metrics", &admin, "").status, 200);
    drop(served);
    // Where passwords are asked for, this machine has totals; who may see databases has their names.
    let served = Served::start(data.path(), &password[..4]);
    http(&served, "GET", "/databases/a", &admin, "");
    let named = "sheaf_database_statements_total{database=\"a\"}";
    let body = r#"{"statement": "RETURN 1"}"#;
    let typed = [admin[0], ("content-type", "application/json")];
    assert_eq!(http(&served, "POST", "/db/a/query/v2", &typed, body).status, 202);
    assert!(!get(&served, "/metrics").body.contains(named));
    assert!(http(&served, "GET", "/metrics", &admin, "").body.contains(named));
    drop(served);
    let served = Served::start(data.path(), &["--auth", "password", "--metrics", "everybody"]);
    assert_eq!(http(&served, "POST", "/db/a/query/v2", &typed, body).status, 202);
    assert!(get(&served, "/metrics").body.contains(named));
}

#[test]
fn f207_an_owner_reads_the_numbers_of_her_databases_and_no_others() {
    let data = folder();
    let password = ["--auth", "password", "--initial-password", "secret of tests", "--metrics", "password"];
    let served = Served::start(data.path(), &password);
    let run = |who: &str, database: &str, statement: &str| {
        let body = format!("{{\"statement\": \"{statement}\"}}");
        let answer = http(&served, "POST", &format!("/db/{database}/query/v2"), &[("authorization", who)], &body);
        assert_eq!(answer.status, 202, "{statement}: {}", answer.body);
        answer
    };
    let admin = "Basic YWRtaW46c2VjcmV0IG9mIHRlc3Rz";
    // The users `ann`, `bob` and `eve`, each with a password like `ann-password`.
    let (ann, bob, eve) =
        ("Basic YW5uOmFubi1wYXNzd29yZA==", "Basic Ym9iOmJvYi1wYXNzd29yZA==", "Basic ZXZlOmV2ZS1wYXNzd29yZA==");
    for (user, database) in [("ann", "hers"), ("bob", "his"), ("eve", "nobodys")] {
        run(admin, "system", &format!("CREATE USER {user} SET PASSWORD '{user}-password' CHANGE NOT REQUIRED"));
        run(admin, "system", &format!("CREATE DATABASE {database}"));
        run(admin, database, "CREATE (:Seen)");
    }
    run(admin, "system", "CREATE DATABASE hers2");
    run(admin, "hers2", "CREATE (:Seen)");
    for (database, owner) in [("hers", "ann"), ("hers2", "ann"), ("his", "bob")] {
        run(admin, "system", &format!("ALTER DATABASE {database} SET OWNER {owner}"));
    }
    run(admin, "system", "GRANT ACCESS ON DATABASE nobodys TO USER eve");
    let metrics = |who: &str| http(&served, "GET", "/metrics", &[("authorization", who)], "");
    let labels = |answer: &Answer| {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let lines = answer.body.lines().filter_map(|line| line.split("database=\"").nth(1)?.split('"').next());
        let mut found: Vec<String> = lines.map(str::to_owned).collect();
        found.sort();
        found.dedup();
        found
    };
    assert_eq!(labels(&metrics(ann)), ["hers", "hers2", "other"]);
    assert_eq!(labels(&metrics(bob)), ["his", "other"]);
    let nodes = "sheaf_database_nodes{database=\"his\"} 1\n";
    assert!(metrics(bob).body.contains(nodes), "{}", metrics(bob).body);
    // Who may use a database and owns none is told nothing, nor is who gives no name or a wrong one.
    assert_eq!(metrics(eve).status, 403);
    assert_eq!(get(&served, "/metrics").status, 401);
    assert_eq!(metrics("Basic YW5uOndyb25n").status, 401);
    // Her token for one of them tells of that one; what is not hers any more has no name for her.
    let made = run(ann, "hers", "CREATE TOKEN scrape ON DATABASE hers WITH LEVEL owner").json();
    let token = made["data"]["values"][0][1].as_str().expect("the text of the token").to_owned();
    assert_eq!(labels(&metrics(&format!("Bearer {token}"))), ["hers", "other"]);
    run(admin, "system", "ALTER DATABASE hers2 SET OWNER bob");
    assert_eq!(labels(&metrics(ann)), ["hers", "other"]);
    assert_eq!(labels(&metrics(bob)), ["hers2", "his", "other"]);
    assert!(labels(&metrics(admin)).contains(&"nobodys".to_owned()));
}

#[test]
fn f208_slow_and_failed_statements_are_logged_without_secrets() {
    let data = folder();
    let log = data.path().join("query.log");
    let with = ["--query-log", path(&log), "--query-log-threshold", "0", "--query-log-parameters"];
    let served = Served::start(data.path(), &with);
    let bolt = served.address("bolt").to_owned();
    ask(&bolt, "sheaf", "UNWIND [1, 2] AS n RETURN n");
    let typed = [("content-type", "application/json")];
    for statement in ["RETURN $pw = 'x'", "CREATE USER eve SET PASSWORD $pw"] {
        let pw = if statement.starts_with("RETURN") { "shown as asked" } else { "secret of eve" };
        let body = format!("{{\"statement\": \"{statement}\", \"parameters\": {{\"pw\": \"{pw}\"}}}}");
        assert_eq!(http(&served, "POST", "/db/sheaf/query/v2", &typed, &body).status, 202);
    }
    let bad = output(&["shell", "--bolt", &bolt, "RETURN 1 / 0"]);
    assert_eq!(bad.status.code(), Some(1));
    ask(&bolt, "system", "CREATE USER bob SET PASSWORD 'secret of bob'");
    assert_eq!(served.end("-TERM").0, Some(0));
    let text = fs::read_to_string(&log).expect("a log");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |part: &str| {
        let is_it = |line: &&Value| line["query"].as_str().is_some_and(|query| query.contains(part));
        lines.iter().find(is_it).unwrap_or_else(|| panic!("{part} in {text}"))
    };
    let unwound = of("UNWIND");
    assert_eq!((&unwound["rows"], &unwound["database"]), (&2.into(), &"sheaf".into()));
    assert!(unwound["session"].as_u64().is_some() && unwound["duration_ms"].as_f64().is_some(), "{unwound}");
    assert_eq!(of("1 / 0")["error"], "Neo.ClientError.Statement.ArithmeticError");
    assert!(!text.contains("secret of") && text.contains("shown as asked"), "{text}");
}

#[test]
fn f18_f204_f205_the_first_start_makes_the_default_database_that_a_setting_names() {
    let ports = ["--bolt", "127.0.0.1:0", "--http", "127.0.0.1:0"];
    for way in ["flag", "environment", "file"] {
        let data = folder();
        let start = |name: &str| {
            let mut command = sheaf(&["serve", "--data", path(data.path())]);
            command.args(ports);
            match way {
                "flag" => command.args(["--default-database", name]),
                "environment" => command.env("SHEAF_DEFAULT_DATABASE", name),
                _ => {
                    let file = data.path().join("sheaf.toml");
                    fs::write(&file, format!("default_database = '{name}'\n")).expect("a folder for tests");
                    command.arg("--config").arg(file)
                }
            };
            command
        };
        let listed = "SHOW DATABASES YIELD name, default, aliases WHERE name <> 'system' RETURN name, default, aliases";
        let set = "SHOW SETTINGS YIELD name, source WHERE name = 'sheaf.default_database' RETURN source";
        // The first start makes it; the later ones find it, however the name is written.
        for name in ["Films", "films", "FILMS", "neo4j"] {
            let served = Served::wait(&mut start(name));
            let bolt = served.address("bolt");
            let expected = "{\"name\":\"films\",\"default\":true,\"aliases\":[\"neo4j\"]}\n";
            assert_eq!(ask(bolt, "system", listed), expected, "{way} {name}");
            assert_eq!(ask(bolt, "system", set), format!("{{\"source\":\"{way}\"}}\n"), "{name}");
            assert_eq!(served.end("-TERM").0, Some(0));
        }
        // Another one is refused, and what the refusal says helps.
        let (code, _, complaint) = told(&start("shop").output().expect("the binary starts"));
        let said = "default_database says \"shop\", and the default database of this data folder is \"films\"";
        assert!(code == Some(1) && complaint.contains(said), "{complaint}");
        let served = Served::start(data.path(), &[]);
        ask(served.address("bolt"), "system", "CREATE DATABASE shop IF NOT EXISTS");
        ask(served.address("bolt"), "system", "ALTER DATABASE shop SET DEFAULT");
        assert_eq!(served.end("-TERM").0, Some(0));
        let served = Served::wait(&mut start("shop"));
        assert_eq!(ask(served.address("bolt"), "system", set), format!("{{\"source\":\"{way}\"}}\n"));
    }
    // So it is where passwords are asked for from the first start on.
    let data = folder();
    let mut command =
        sheaf(&["serve", "--data", path(data.path()), "--default-database", "films", "--auth", "password"]);
    let served = Served::wait(command.args(ports).env("SHEAF_INITIAL_PASSWORD", "secret of tests"));
    assert_eq!(served.end("-TERM").0, Some(0));
}

#[test]
fn f204_settings_show_their_sources_and_unknown_ones_are_errors() {
    let data = folder();
    let file = data.path().join("sheaf.toml");
    fs::write(&file, "open_max = 9\nlimits = \"max_results=1000\"\n").expect("a folder for tests");
    let mut command = sheaf(&["serve", "--data", path(data.path()), "--config", path(&file), "--running-max", "7"]);
    command.args(["--bolt", "127.0.0.1:0", "--http", "127.0.0.1:0"]).env("SHEAF_IDLE_AFTER", "1m");
    let served = Served::wait(command.env("NEO4J_initial_dbms_default__database", "films"));
    let text = "SHOW SETTINGS YIELD name, value, defaultValue, source WHERE name IN ['sheaf.open_max', 'sheaf.running_max', \
                'sheaf.idle_after', 'sheaf.default_database', 'sheaf.waiting_max'] RETURN name, value, defaultValue, source";
    assert_eq!(
        ask(served.address("bolt"), "system", text),
        "{\"name\":\"sheaf.default_database\",\"value\":\"films\",\"defaultValue\":\"sheaf\",\"source\":\"environment\"}\n\
         {\"name\":\"sheaf.idle_after\",\"value\":\"1m\",\"defaultValue\":\"5m\",\"source\":\"environment\"}\n\
         {\"name\":\"sheaf.open_max\",\"value\":\"9\",\"defaultValue\":\"256\",\"source\":\"file\"}\n\
         {\"name\":\"sheaf.running_max\",\"value\":\"7\",\"defaultValue\":\"64\",\"source\":\"flag\"}\n\
         {\"name\":\"sheaf.waiting_max\",\"value\":\"1024\",\"defaultValue\":\"1024\",\"source\":\"default\"}\n"
    );
    let limit =
        "SHOW LIMITS FOR DATABASE films YIELD limit, value, source WHERE limit = 'max_results' RETURN value, source";
    assert_eq!(ask(served.address("bolt"), "films", limit), "{\"value\":1000,\"source\":\"server\"}\n");
    // Neo4j's variable names the default of the first start; what a command changed since is told.
    ask(served.address("bolt"), "system", "CREATE DATABASE shop");
    ask(served.address("bolt"), "system", "ALTER DATABASE shop SET DEFAULT");
    let changed = "SHOW SETTINGS YIELD name, value, source WHERE name = 'sheaf.default_database' RETURN value, source";
    assert_eq!(ask(served.address("bolt"), "system", changed), "{\"value\":\"shop\",\"source\":\"command\"}\n");
    drop(served);
    // Our own says what the default is, and is refused where it is another.
    for (name, part) in [("films", "ALTER DATABASE films SET DEFAULT"), ("system", "system cannot be the default")] {
        let refused = output(&["serve", "--data", path(data.path()), "--default-database", name]);
        let (code, _, complaint) = told(&refused);
        assert!(code != Some(0) && complaint.contains(part), "{complaint}");
    }
    let wrong = sheaf(&["serve", "--data", path(data.path())]).env("SHEAF_OPNE_MAX", "3").output().expect("starts");
    let (code, _, complaint) = told(&wrong);
    assert!(code == Some(2) && complaint.contains("SHEAF_OPNE_MAX is no setting"), "{complaint}");
}

#[test]
fn f63_show_transactions_tells_where_clients_are() {
    let data = folder();
    let served = Served::start(data.path(), &[]);
    let shown = "SHOW TRANSACTIONS YIELD connectionId, clientAddress, protocol, username RETURN connectionId, clientAddress, protocol";
    let row: Value = serde_json::from_str(&ask(served.address("bolt"), "sheaf", shown)).expect("a row");
    assert!(row["connectionId"].as_str().is_some_and(|id| id.starts_with("bolt-")), "{row}");
    assert!(row["clientAddress"].as_str().is_some_and(|address| address.starts_with("127.0.0.1:")), "{row}");
    let over_http = query(&served, "sheaf", shown).json();
    let row = &over_http["data"]["values"][0];
    assert!(row[0].as_str().is_some_and(|id| id.starts_with("http-")) && row[2] == "http", "{over_http}");
}
