//! Sessions as limits count them: given back, taken over from who rests, and never more than the limit.
//! Start reading at [`f54_f55_who_rests_gives_way_to_who_needs_the_seat`].

mod world;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use catalog::Authentication;
use instance::{Instance, InstanceOptions, RunOptions, Session};
use types::{Clock, Code, Failure, Map, SystemClock};
use world::{check, in_memory, run, session, take, together};

const SYSTEM: &str = "[system 1]";

fn limit(session: &mut Session, limits: &str) {
    check(session, &format!("ALTER DATABASE sheaf SET LIMIT {limits}"), SYSTEM);
}

#[track_caller]
fn refused(session: &mut Session, text: &str, code: Code, limit: &str) -> Failure {
    let failure = run(session, text).expect_err("a limit is in the way");
    let refusal = failure.refusal().unwrap_or_else(|| panic!("{failure}"));
    assert_eq!((failure.code(), refusal.limit, refusal.database.as_str()), (code, limit, "sheaf"), "{failure}");
    assert!(failure.code().is_limit());
    failure
}

/// Time that stands still unless it is moved.
struct TestClock {
    start: Instant,
    millis: AtomicU64,
}

impl TestClock {
    fn pass(&self, millis: u64) {
        self.millis.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        self.start + Duration::from_millis(self.millis.load(Ordering::Relaxed))
    }

    fn wall_nanos(&self) -> i128 {
        SystemClock.wall_nanos()
    }
}

fn with_clock(authentication: Authentication) -> (Instance, Arc<TestClock>) {
    let clock = Arc::new(TestClock { start: SystemClock.now(), millis: AtomicU64::new(0) });
    let shared: Arc<dyn Clock> = clock.clone();
    let options = InstanceOptions { clock: shared, authentication, ..world::options(Path::new("/nowhere")) };
    (Instance::in_memory(options).expect("memory has room"), clock)
}

#[test]
fn f54_sessions_are_counted_and_given_back() {
    let instance = in_memory();
    let mut one = session(&instance);
    check(&mut one, "CREATE DATABASE other", SYSTEM);
    limit(&mut one, "max_connections = 2");
    let mut two = session(&instance);
    check(&mut one, "RETURN 1", "1");
    check(&mut two, "RETURN 1", "1");
    let mut three = session(&instance);
    let failure = refused(&mut three, "RETURN 1", Code::TooManyConnections, "max_connections");
    assert_eq!(
        failure.message(),
        "The limit max_connections of database 'sheaf' is 2, and 2 are used. Retry after 0.200 seconds."
    );
    refused(&mut three, "USE sheaf RETURN 1", Code::TooManyConnections, "max_connections");
    assert_eq!(three.begin(&RunOptions::default()).map_err(|failure| failure.code()), Err(Code::TooManyConnections));
    check(&mut one, "SHOW USAGE FOR DATABASE sheaf YIELD rejections", "3");
    // By another way in: through a database that has room.
    check(&mut three, "USE DATABASE other", "");
    let failure = run(&mut three, "CALL () { USE sheaf RETURN 1 AS x } RETURN x").expect_err("sheaf has no room");
    assert_eq!(failure.code(), Code::TooManyConnections);
    check(&mut three, "RETURN 1", "1");
    drop(two);
    check(&mut three, "USE sheaf RETURN 1", "1");
    drop(one);
    drop(three);
    let mut one = session(&instance);
    check(&mut one, "SHOW USAGE FOR DATABASE sheaf YIELD connections, connectionsPeak", "0 | 2");
    limit(&mut one, "max_connections_per_user = 1");
    check(&mut one, "RETURN 1", "1");
    refused(&mut session(&instance), "RETURN 1", Code::TooManyConnections, "max_connections_per_user");
    // A connection that goes back into its pool is reset.
    one.reset();
    let mut two = session(&instance);
    check(&mut two, "RETURN 1", "1");
    refused(&mut one, "RETURN 1", Code::TooManyConnections, "max_connections_per_user");
    two.reset();
    check(&mut one, "RETURN 1", "1");
}

#[test]
fn f54_f55_who_rests_gives_way_to_who_needs_the_seat() {
    let (instance, clock) = with_clock(Authentication::Off);
    let mut one = session(&instance);
    limit(&mut one, "max_connections = 2");
    let (mut two, mut three) = (session(&instance), session(&instance));
    let connections = |session: &mut Session, expected: &str| {
        check(session, "SHOW USAGE FOR DATABASE sheaf YIELD connections, connectionsPeak", expected);
    };
    let rest = |session: &mut Session, millis| {
        session.rests();
        clock.pass(millis);
    };
    check(&mut one, "RETURN 1", "1");
    rest(&mut one, 100);
    check(&mut two, "RETURN 1", "1");
    rest(&mut two, 800);
    // Not yet: for 900 ms one is no longer than a program between two statements.
    refused(&mut three, "RETURN 1", Code::TooManyConnections, "max_connections");
    clock.pass(100);
    check(&mut three, "RETURN 1", "1");
    connections(&mut one, "2 | 2");
    // The first has rested longest, so it is the one; it has to ask as everybody else, and the second by now gives way.
    check(&mut two, "RETURN 1", "1");
    refused(&mut one, "RETURN 1", Code::TooManyConnections, "max_connections");
    let begun = one.begin(&RunOptions::default());
    assert_eq!(begun.map_err(|failure| failure.code()), Err(Code::TooManyConnections));
    rest(&mut two, 2_000);
    check(&mut one, "RETURN 1", "1");
    connections(&mut one, "2 | 2");
    // Whoever does something else meanwhile goes on resting; whoever says again that he rests, rests no shorter.
    rest(&mut one, 600);
    check(&mut one, "SHOW DATABASES YIELD name WHERE name = 'sheaf'", "'sheaf'");
    rest(&mut one, 600);
    two.begin(&RunOptions::default()).expect("the first one's seat");
    // Nobody takes over what an open transaction or a result holds.
    clock.pass(10_000);
    refused(&mut one, "RETURN 1", Code::TooManyConnections, "max_connections");
    two.commit().expect("nothing was done");
    two.rests();
    let mut open = two.run("UNWIND range(1, 1000) AS x RETURN x", Map::new(), &RunOptions::default()).expect("reads");
    clock.pass(10_000);
    refused(&mut one, "RETURN 1", Code::TooManyConnections, "max_connections");
    take(&mut open).expect("reads");
    drop(open);
    // What is lost is given back once.
    rest(&mut two, 1_000);
    rest(&mut three, 1_000);
    check(&mut one, "RETURN 1", "1");
    drop(two);
    connections(&mut one, "2 | 2");
    drop(three);
    connections(&mut one, "1 | 2");
    one.reset();
    connections(&mut one, "0 | 2");
}

#[test]
fn f55_a_users_limit_takes_from_the_user_himself() {
    let (instance, clock) = with_clock(Authentication::Password { first: Some("admin-password".to_owned()) });
    let mut admin = world::log_in(&instance, "admin");
    world::all(
        &mut admin,
        &[
            "CREATE USER ann SET PASSWORD 'ann-password' CHANGE NOT REQUIRED",
            "CREATE USER bob SET PASSWORD 'bob-password' CHANGE NOT REQUIRED",
            "GRANT ROLE reader TO ann, bob",
        ],
    );
    limit(&mut admin, "max_connections_per_user = 1, max_connections = 3");
    drop(admin);
    let log_in = |user: &str| world::log_in(&instance, user);
    let (mut bob, mut ann, mut other) = (log_in("bob"), log_in("ann"), log_in("ann"));
    check(&mut bob, "RETURN 1", "1");
    bob.rests();
    clock.pass(5_000);
    check(&mut ann, "RETURN 1", "1");
    // Bob has rested for longer, which is of no use to her.
    refused(&mut other, "RETURN 1", Code::TooManyConnections, "max_connections_per_user");
    ann.rests();
    clock.pass(1_000);
    check(&mut other, "RETURN 1", "1");
    refused(&mut ann, "RETURN 1", Code::TooManyConnections, "max_connections_per_user");
    check(&mut bob, "RETURN 1", "1");
    other.rests();
    clock.pass(1_000);
    check(&mut ann, "RETURN 1", "1");
}

#[test]
fn f54_never_more_seats_than_the_limit_while_many_rest_and_come_back() {
    let (instance, clock) = with_clock(Authentication::Off);
    limit(&mut session(&instance), "max_connections = 3");
    let (inside, done) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let (finished, others) = (Arc::clone(&done), instance.clone());
    together(&instance, 8, move |number, one| {
        for turn in 0..300 {
            match one.begin(&RunOptions::default()) {
                Ok(()) => {
                    assert!(inside.fetch_add(1, Ordering::SeqCst) < 3, "more seats than the limit");
                    check(one, "RETURN 1", "1");
                    inside.fetch_sub(1, Ordering::SeqCst);
                    one.commit().expect("nothing was done");
                    finished.fetch_add(1, Ordering::Relaxed);
                }
                Err(failure) => assert_eq!(failure.code(), Code::TooManyConnections),
            }
            one.rests();
            clock.pass(250);
            if turn % 50 == number {
                let usage = run(&mut session(&others), "SHOW USAGE FOR DATABASE sheaf YIELD connections");
                assert!(usage.expect("shows").parse::<u64>().expect("a number") <= 3);
            }
            if turn % 97 == number {
                one.reset();
            }
        }
    });
    assert!(done.load(Ordering::Relaxed) > 300, "seats change hands: {done:?}");
    let mut one = session(&instance);
    check(&mut one, "SHOW USAGE FOR DATABASE sheaf YIELD connections, connectionsPeak", "0 | 3");
    check(&mut one, "RETURN 1", "1");
}

#[test]
fn f55_sessions_of_one_user_are_counted_apart() {
    let instance = world::with_passwords();
    let mut admin = world::log_in(&instance, "admin");
    for text in [
        "CREATE USER bob SET PASSWORD 'bob-password' CHANGE NOT REQUIRED",
        "GRANT ROLE reader TO bob",
        "ALTER DATABASE sheaf SET LIMIT max_connections_per_user = 1",
        "RETURN 1",
    ] {
        run(&mut admin, text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    }
    let bob = || instance.log_in(Some(("bob", "bob-password"))).expect("the user was made");
    let (mut one, mut two) = (bob(), bob());
    check(&mut one, "RETURN 1", "1");
    refused(&mut two, "RETURN 1", Code::TooManyConnections, "max_connections_per_user");
    drop(one);
    check(&mut two, "RETURN 1", "1");
    assert_eq!(two.standing(None).expect("his own").connections, 1);
}
