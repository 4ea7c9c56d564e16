//! Group B: what many clients do at once could have been done by one after the other, and nobody waits for a sleeper.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bolt::Options;
use bolt::client::{Client, ClientError};
use suite::faults::Seed;
use suite::process::{Process, now, parameters, run_in};
use types::{Map, Value};

const DATABASE: &str = "sheaf";
const CLIENTS: u64 = 8;
const KEYS: u64 = 5;
/// How long the clients go on.
const TIME: Duration = Duration::from_secs(6);
const ACCOUNTS: i64 = 6;
const EACH: i64 = 100;

/// What a transaction did, as its client knows: what it appended to the list of a key, or what it read there.
#[derive(Clone, Debug)]
enum Step {
    Append { key: u64, item: i64 },
    Read { key: u64, items: Vec<i64> },
}

type Transaction = Vec<Step>;

fn start(folder: &std::path::Path) -> Process {
    Process::start(&folder.join("data"), [("", ""); 0]).expect("starts")
}

fn options() -> Options {
    Options { database: Some(DATABASE.to_owned()), ..Options::default() }
}

fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).expect("small"))
}

fn integers(value: &Value) -> Vec<i64> {
    let Value::List(items) = value else { panic!("{value:?} is no list") };
    let number = |item: &Value| if let Value::Integer(number) = item { *number } else { panic!("{item:?}") };
    items.iter().map(number).collect()
}

/// Runs a transaction until it is through; tries again where the server says that it may help.
fn until_through<T>(client: &mut Client, mut work: impl FnMut(&mut Client) -> Result<T, ClientError>) -> T {
    loop {
        let done = client.begin(options()).and_then(|()| work(client)).and_then(|done| client.commit().map(|_| done));
        match done {
            Ok(done) => return done,
            Err(error) if error.status().is_some() && error.code().row().retry => client.reset().expect("goes on"),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Finds what no order of the transactions explains; nothing where one does.
///
/// A list only grows, so the longest reading of a key tells the order of its versions. Who wrote a version comes before
/// who read it or wrote the next one, and who read a version before who wrote the next one; a circle is an anomaly.
fn anomaly(transactions: &[Transaction], finals: &BTreeMap<u64, Vec<i64>>) -> Option<String> {
    let mut writers = BTreeMap::new();
    for (number, transaction) in transactions.iter().enumerate() {
        for step in transaction {
            if let Step::Append { key, item } = step {
                writers.insert(*item, number);
                if !finals.get(key).is_some_and(|items| items.contains(item)) {
                    return Some(format!("{item} was appended to key {key} and is not there"));
                }
            }
        }
    }
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); transactions.len()];
    let mut add = |one: usize, other: usize| {
        if one != other {
            before[other].push(one);
        }
    };
    for items in finals.values() {
        let known = items.iter().map(|item| writers.get(item).copied());
        let Some(order) = known.collect::<Option<Vec<usize>>>() else { return Some("an item of nobody".to_owned()) };
        order.windows(2).for_each(|pair| add(pair[0], pair[1]));
    }
    let written: usize = finals.values().map(Vec::len).sum();
    if written != writers.len() {
        return Some(format!("{} items were appended, and {written} are there", writers.len()));
    }
    for (number, transaction) in transactions.iter().enumerate() {
        for step in transaction {
            let Step::Read { key, items } = step else { continue };
            let all = finals.get(key).map(Vec::as_slice).unwrap_or_default();
            // What it appended itself lies at the end.
            let own = items.iter().rev().take_while(|item| writers.get(item) == Some(&number)).count();
            let seen = items.len() - own;
            if all.get(..seen) != Some(&items[..seen]) {
                return Some(format!("{items:?} of key {key} is no beginning of {all:?}"));
            }
            if let Some(last) = seen.checked_sub(1) {
                add(writers[&all[last]], number);
            }
            if let Some(next) = all.get(seen) {
                add(number, writers[next]);
            }
        }
    }
    circle(&before).map(|number| format!("a circle through {:?}", transactions[number]))
}

/// Finds one that is left when those that nothing comes before are taken away, again and again.
fn circle(before: &[Vec<usize>]) -> Option<usize> {
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); before.len()];
    let mut left: Vec<usize> = before.iter().map(Vec::len).collect();
    before.iter().enumerate().for_each(|(at, all)| all.iter().for_each(|one| after[*one].push(at)));
    let mut free: Vec<usize> = (0..before.len()).filter(|at| left[*at] == 0).collect();
    while let Some(at) = free.pop() {
        for next in &after[at] {
            left[*next] -= 1;
            if left[*next] == 0 {
                free.push(*next);
            }
        }
    }
    left.iter().position(|count| *count > 0)
}

#[test]
fn b1_the_checker_knows_anomalies() {
    let finals = |pairs: &[(u64, &[i64])]| pairs.iter().map(|(key, items)| (*key, items.to_vec())).collect();
    let append = |key, item| Step::Append { key, item };
    let read = |key, items: &[i64]| Step::Read { key, items: items.to_vec() };
    let all = finals(&[(0, &[1]), (1, &[2])]);
    let serial = [vec![append(0, 1)], vec![read(0, &[1]), append(1, 2)], vec![read(1, &[2]), read(0, &[1])]];
    assert_eq!(anomaly(&serial, &all), None);
    let own = [vec![append(0, 1), read(0, &[1])], vec![read(0, &[1]), append(1, 2), read(1, &[2])]];
    assert_eq!(anomaly(&own, &all), None);
    let skewed = [vec![read(1, &[]), append(0, 1)], vec![read(0, &[]), append(1, 2)]];
    assert!(anomaly(&skewed, &all).is_some(), "write skew");
    let torn = [vec![append(0, 1), append(1, 2)], vec![read(0, &[1]), read(1, &[])]];
    assert!(anomaly(&torn, &all).is_some(), "half a transaction is seen");
    let dirty = [vec![append(0, 1)], vec![append(1, 2)], vec![read(0, &[7])]];
    assert!(anomaly(&dirty, &all).is_some(), "what nobody wrote is seen");
    let lost = [vec![append(0, 1)], vec![append(0, 3)], vec![append(1, 2)]];
    assert!(anomaly(&lost, &all).is_some(), "an item is lost");
}

#[test]
fn b1_lists_grow_as_if_by_one_after_the_other() {
    let mut seed = Seed::of_this_run();
    println!("{}", seed.replay());
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(folder.path());
    let mut client = server.connect().expect("connects");
    let make = "UNWIND range(0, $keys - 1) AS key CREATE (:List {key: key, items: []})";
    run_in(&mut client, DATABASE, make, parameters([("keys", integer(KEYS))])).expect("makes");
    let began = now();
    let transactions: Vec<Transaction> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (server, mut seed) = (&server, Seed::new(seed.number()));
                scope.spawn(move || {
                    let mut client = server.connect().expect("connects");
                    let (mut done, mut item) = (Vec::new(), i64::try_from(number).expect("few") * 1_000_000);
                    while began.elapsed() < TIME {
                        let plan: Vec<(bool, u64)> =
                            (0..1 + seed.below(4)).map(|_| (seed.below(2) == 0, seed.below(KEYS))).collect();
                        let first = item;
                        item += i64::try_from(plan.len()).expect("few");
                        done.push(until_through(&mut client, |client| play(client, &plan, first)));
                    }
                    done
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().expect("no panic")).collect()
    });
    let rows = run_in(&mut client, DATABASE, "MATCH (l:List) RETURN l.key, l.items", Map::new()).expect("reads");
    let key = |value: &Value| if let Value::Integer(key) = value { key.unsigned_abs() } else { panic!("{value:?}") };
    let finals = rows.iter().map(|row| (key(&row[0]), integers(&row[1]))).collect();
    assert!(transactions.len() > 100, "hardly anything was done: {}", transactions.len());
    println!("{} transactions", transactions.len());
    assert_eq!(anomaly(&transactions, &finals), None, "{}", seed.replay());
    assert!(server.stop().expect("stops").success());
}

/// Plays the steps of a transaction; a step appends, or else reads.
fn play(client: &mut Client, plan: &[(bool, u64)], first: i64) -> Result<Transaction, ClientError> {
    let mut steps = Vec::new();
    for (item, (appends, key)) in (first..).zip(plan) {
        let values = parameters([("key", integer(*key)), ("item", Value::Integer(item))]);
        if *appends {
            client.run_with("MATCH (l:List {key: $key}) SET l.items = l.items + $item", values, Options::default())?;
            steps.push(Step::Append { key: *key, item });
        } else {
            let read = client.run_with("MATCH (l:List {key: $key}) RETURN l.items", values, Options::default())?;
            steps.push(Step::Read { key: *key, items: integers(&read.rows[0][0]) });
        }
    }
    Ok(steps)
}

#[test]
fn b2_money_is_moved_and_never_made() {
    let mut seed = Seed::of_this_run();
    let replay = seed.replay();
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(folder.path());
    let mut client = server.connect().expect("connects");
    let make = format!("UNWIND range(1, {ACCOUNTS}) AS n CREATE (:Account {{n: n, money: {EACH}}})");
    run_in(&mut client, DATABASE, &make, Map::new()).expect("makes");
    run_in(&mut client, DATABASE, "CREATE CONSTRAINT FOR (m:Move) REQUIRE m.id IS UNIQUE", Map::new()).expect("makes");
    let (began, is_over) = (now(), AtomicBool::new(false));
    let moved: u64 = thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut client = server.connect().expect("connects");
            while !is_over.load(Ordering::Relaxed) {
                let text = "MATCH (a:Account) RETURN sum(a.money), min(a.money) >= 0";
                let rows = run_in(&mut client, DATABASE, text, Map::new()).expect("reads");
                assert_eq!(rows, [[Value::Integer(ACCOUNTS * EACH), Value::Boolean(true)]], "{}", replay);
            }
        });
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (server, mut seed) = (&server, Seed::new(seed.number()));
                scope.spawn(move || {
                    let mut client = server.connect().expect("connects");
                    let mut moved = 0;
                    while began.elapsed() < TIME / 2 {
                        let accounts = u64::try_from(ACCOUNTS).expect("few");
                        let values = parameters([
                            ("from", integer(1 + seed.below(accounts))),
                            ("to", integer(1 + seed.below(accounts))),
                            ("amount", integer(1 + seed.below(60))),
                            ("id", integer(number * 1_000_000 + moved)),
                        ]);
                        until_through(&mut client, |client| transfer(client, &values));
                        moved += 1;
                    }
                    moved
                })
            })
            .collect();
        let moved = clients.into_iter().map(|client| client.join().expect("no panic")).sum();
        is_over.store(true, Ordering::Relaxed);
        watcher.join().expect("the sum was right all the time");
        moved
    });
    let rows = run_in(&mut client, DATABASE, "MATCH (m:Move) RETURN count(m)", Map::new()).expect("counts");
    assert_eq!(rows, [[integer(moved)]], "each move is there once; {}", replay);
    assert!(server.stop().expect("stops").success());
}

/// Moves money from one account to another if it is there, and writes down that it was tried.
fn transfer(client: &mut Client, values: &Map) -> Result<(), ClientError> {
    let own = Options::default;
    let found = client.run_with("MATCH (a:Account {n: $from}) RETURN a.money >= $amount", values.clone(), own())?;
    if found.rows == [[Value::Boolean(true)]] {
        client.run_with("MATCH (a:Account {n: $from}) SET a.money = a.money - $amount", values.clone(), own())?;
        client.run_with("MATCH (a:Account {n: $to}) SET a.money = a.money + $amount", values.clone(), own())?;
    }
    client.run_with("CREATE (:Move {id: $id})", values.clone(), own()).map(drop)
}

#[test]
fn b3_nobody_waits_for_a_client_that_sleeps() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(folder.path());
    let (mut sleeper, mut other) = (server.connect().expect("connects"), server.connect().expect("connects"));
    run_in(&mut other, DATABASE, "CREATE (:N {x: 0})", Map::new()).expect("makes");
    sleeper.begin(options()).expect("begins");
    sleeper.run("MATCH (n:N) SET n.x = n.x + 1", Map::new()).expect("writes");
    let asked = now();
    for _ in 0..10 {
        run_in(&mut other, DATABASE, "MATCH (n:N) SET n.x = n.x + 10", Map::new()).expect("nobody is in the way");
    }
    assert!(asked.elapsed() < Duration::from_secs(10), "it waited {:?}", asked.elapsed());
    let refused = sleeper.commit().expect_err("others came first");
    assert!(refused.code().row().retry, "{refused}");
    let rows = run_in(&mut other, DATABASE, "MATCH (n:N) RETURN n.x", Map::new()).expect("reads");
    assert_eq!(rows, [[Value::Integer(100)]]);
    assert!(server.stop().expect("stops").success());
}

#[test]
fn b5_a_statement_over_databases_sees_one_moment_of_each() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(folder.path());
    let mut client = server.connect().expect("connects");
    for name in ["one", "two"] {
        run_in(&mut client, "system", &format!("CREATE DATABASE {name}"), Map::new()).expect("makes");
        run_in(&mut client, name, "UNWIND range(1, 50) AS n CREATE (:Pair {x: 0})", Map::new()).expect("makes");
    }
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for name in ["one", "two"] {
            let (server, is_over) = (&server, &is_over);
            scope.spawn(move || {
                let mut client = server.connect().expect("connects");
                while !is_over.load(Ordering::Relaxed) {
                    run_in(&mut client, name, "MATCH (p:Pair) SET p.x = p.x + 1", Map::new()).expect("writes");
                }
            });
        }
        let text = "CALL () { USE one MATCH (p:Pair) RETURN count(DISTINCT p.x) AS a } \
                    CALL () { USE two MATCH (p:Pair) RETURN count(DISTINCT p.x) AS b } RETURN a, b";
        let seen: Vec<_> = (0..300).map(|_| run_in(&mut client, "one", text, Map::new())).collect();
        is_over.store(true, Ordering::Relaxed);
        for rows in seen {
            assert_eq!(rows.expect("reads"), [[Value::Integer(1), Value::Integer(1)]]);
        }
    });
    assert!(server.stop().expect("stops").success());
}
