//! Row A10: a server with little memory, and statements that want all of it.

use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::Duration;

use bolt::client::Client;
use serde_json::json;
use suite::process::{Process, now, parameters, run_in};
use types::{Map, Value};

use crate::doors::post;

/// Room that the process has beyond what it takes when it has started.
const ROOM_BYTES: usize = 2 << 30;

/// What requests and statements may hold together where that is to be little.
const POOL_BYTES: usize = 64 << 20;

/// Each takes more than there is, where it may, in another way.
const GIANTS: [&str; 8] = [
    "UNWIND range(1, 40000000) AS x WITH collect(x) AS l RETURN size(l)",
    "UNWIND range(1, 40000000) AS x WITH collect('text of row ' + x + ', which is a long one') AS l RETURN size(l)",
    "UNWIND range(1, 40000000) AS x WITH collect(DISTINCT x) AS l RETURN size(l)",
    "UNWIND range(1, 40000000) AS x WITH collect([x]) AS l RETURN size(l)",
    "UNWIND range(1, 40000000) AS x WITH percentileDisc(x, 0.5) AS p RETURN p",
    "UNWIND range(1, 40000000) AS x WITH collect({a: x}) AS l RETURN size(l)",
    "RETURN size(range(1, 60000000))",
    "RETURN size(reduce(s = '', x IN range(1, 100000) | s + 'a text that doubles' + s))",
];

#[test]
fn a10_f52_giant_statements_fail_and_the_server_lives() {
    let folder = tempfile::tempdir().expect("a folder");
    // What it maps and how many threads it has is known once it runs.
    let first = Process::start(&folder.path().join("first"), [("", ""); 0]).expect("starts");
    // Nearly all of it: room is left in pieces too, where a table that is to grow finds none of its size.
    let total = ROOM_BYTES * 8 / 10;
    assert!(first.stop().expect("stops").success());
    let mut server = with_pool(&folder, total);
    let mut client = server.connect().expect("connects");
    run_in(&mut client, "system", "CREATE DATABASE calm WAIT", Map::new()).expect("makes");
    run_in(&mut client, "calm", "UNWIND range(1, 1000) AS n CREATE (:N {n: n})", Map::new()).expect("fills");
    bound(server.id());
    let failures = thread::scope(|scope| {
        let greedy: Vec<_> = GIANTS
            .into_iter()
            .map(|text| {
                let mut client = server.connect().expect("connects");
                scope.spawn(move || run_in(&mut client, "sheaf", text, Map::new()).expect_err("too large"))
            })
            .collect();
        let begun = now();
        while !greedy.iter().all(thread::ScopedJoinHandle::is_finished) {
            let counted = run_in(&mut client, "calm", "MATCH (n:N) WITH collect(n.n) AS l RETURN size(l)", Map::new());
            assert_eq!(counted.expect("the other database answers"), [[Value::Integer(1_000)]]);
            assert!(begun.elapsed().as_secs() < 300, "they end");
        }
        greedy.into_iter().map(|client| client.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert!(server.is_alive(), "{}", server.log());
    for failure in &failures {
        let failure = format!("{failure:?}");
        let is_typed = ["MemoryPoolOutOfMemoryError", "TransactionOutOfMemoryError"];
        assert!(is_typed.iter().any(|code| failure.contains(code)), "{failure}");
    }
    assert!(failures.iter().any(|failure| failure.to_string().contains("statements_memory_max")), "{failures:?}");
    // All of it comes back.
    assert!(holds_nothing(&mut client));
    assert!(server.stop().expect("stops").success());
}

/// Parameters of a few megabytes that take hundreds once they are values; as many as there is memory for are none.
#[test]
fn a10_f51_parameters_are_refused_before_they_take_what_there_is_not() {
    const ITEMS: usize = 2_000_000;
    let folder = tempfile::tempdir().expect("a folder");
    let server = with_pool(&folder, POOL_BYTES);
    let mut client = server.connect().expect("connects");
    let size = "RETURN size($list)";
    let of = |items: Vec<Value>| parameters([("list", Value::list(items))]);
    let few = of(vec![Value::map(Map::new()); 100_000]);
    assert_eq!(run_in(&mut client, "sheaf", size, few).expect("there is room"), [[Value::Integer(100_000)]]);
    let before = server.resident_peak_bytes().expect("it runs");
    for item in [Value::map(Map::new()), Value::list(Vec::new()), Value::list(vec![Value::Null])] {
        let failure = run_in(&mut client, "sheaf", size, of(vec![item; ITEMS])).expect_err("too large");
        assert!(format!("{failure:?}").contains("OutOfMemoryError"), "{failure:?}");
    }
    for item in [json!({}), json!([]), json!({"a": 1})] {
        let list = json!({"list": vec![item; ITEMS]});
        let query = json!({"statement": size, "parameters": list});
        let refused = post(&server, "/db/sheaf/query/v2", &query).expect_err("too large");
        assert!(refused.ends_with("OutOfMemoryError"), "{refused}");
        let statements = json!({"statements": [query]});
        let refused = post(&server, "/db/sheaf/tx/commit", &statements).expect_err("too large");
        assert!(refused.ends_with("OutOfMemoryError"), "{refused}");
    }
    let grown = server.resident_peak_bytes().expect("it runs") - before;
    assert!(grown < POOL_BYTES as u64, "{grown} bytes");
    // The connection goes on, and nothing is held.
    assert!(holds_nothing(&mut client));
    assert!(server.stop().expect("stops").success());
}

/// Requests whose end does not come: what is here of them counts as what statements hold does.
#[test]
fn a10_f51_requests_that_are_half_sent_take_no_more_than_there_is() {
    const CLIENTS: usize = 16;
    let folder = tempfile::tempdir().expect("a folder");
    let server = with_pool(&folder, POOL_BYTES);
    let mut client = server.connect().expect("connects");
    let before = server.resident_peak_bytes().expect("it runs");
    let piece = [[0xFF; 2].as_slice(), &[b'x'; 0xFFFF]].concat();
    let half_message = piece.repeat(16 << 4);
    let head = "POST /db/sheaf/query/v2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 33554432\r\n\r\n";
    for is_bolt in [true, false] {
        let mut bolts = Vec::new();
        let mut https = Vec::new();
        for _ in 0..CLIENTS {
            // Whom the server leaves cannot send all of it.
            if is_bolt {
                let mut one = server.connect().expect("connects");
                one.connection().send_raw(&half_message);
                let _ = one.connection().flush();
                bolts.push(one);
            } else {
                let mut one = TcpStream::connect(server.http).expect("it listens");
                one.write_all(head.as_bytes()).expect("it reads");
                let _ = one.write_all(&half_message);
                https.push(one);
            }
        }
        let grown = server.resident_peak_bytes().expect("it runs") - before;
        assert!((8 << 20..2 * POOL_BYTES as u64).contains(&grown), "{grown} bytes, is Bolt: {is_bolt}");
        assert!(!holds_nothing(&mut client), "what some have sent is held");
        drop((bolts, https));
        let begun = now();
        while !holds_nothing(&mut client) {
            assert!(begun.elapsed().as_secs() < 30, "it is given back");
            thread::sleep(Duration::from_millis(20));
        }
    }
    assert!(server.stop().expect("stops").success());
}

/// Starts a server whose statements and requests may hold so much together.
fn with_pool(folder: &tempfile::TempDir, bytes: usize) -> Process {
    let setting = bytes.to_string();
    let environment = [("SHEAF_STATEMENTS_MEMORY_MAX", setting.as_str())];
    Process::start(&folder.path().join("data"), environment).expect("starts")
}

/// Tells whether all that statements and requests held was given back.
fn holds_nothing(client: &mut Client) -> bool {
    let pools = "CALL dbms.listPools() YIELD pool, heapMemoryUsedBytes AS used WHERE pool = 'Statements' RETURN used";
    run_in(client, "system", pools, Map::new()).expect("lists") == [[Value::from("0")]]
}

/// Leaves a process so much address space beyond what it has.
fn bound(process: u32) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).expect("a size");
    let kibibytes: usize = size.trim().trim_end_matches("kB").trim().parse().expect("a number");
    let most = kibibytes * 1_024 + ROOM_BYTES;
    let set = Command::new("prlimit").arg(format!("--pid={process}")).arg(format!("--as={most}")).status();
    assert!(set.expect("prlimit runs").success());
}
