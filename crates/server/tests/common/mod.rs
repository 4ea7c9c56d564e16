//! A server in this process on free ports, for the tests of the faces.

#![allow(dead_code, reason = "each test file uses a part")]

mod answers;

#[allow(unused_imports, reason = "each test file uses a part")]
pub use answers::{LARGE_BYTES, WRONG_PASSWORD};

use std::sync::Arc;
use std::time::{Duration, Instant};

use bolt::client::{Client, ConnectOptions, Connection};
use bolt::{AuthToken, Hello, Request, Version};
use server::{Server, ServerConfig};
use types::{Clock, SystemClock};

/// A wait that is long for a machine under load and short for a person.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Starts a server with the given changes to its configuration.
pub fn start_with(change: impl FnOnce(&mut ServerConfig)) -> Server {
    let mut config = ServerConfig { drain_time_max: Duration::from_millis(200), ..ServerConfig::on_free_ports() };
    change(&mut config);
    Server::start(Arc::new(answers::Answers), config).expect("free ports")
}

/// Starts a server.
pub fn start() -> Server {
    start_with(|_| {})
}

/// Connects and logs in, in one version.
pub fn connect_in(server: &Server, version: Version) -> Client {
    let options = ConnectOptions { versions: vec![version], ..ConnectOptions::default() };
    Client::connect(server.bolt_addr().expect("Bolt is on"), &options).expect("a server that listens")
}

/// Connects and logs in.
pub fn connect(server: &Server) -> Client {
    connect_in(server, Version::V5_4)
}

/// Connects and agrees on 5.4, no more.
pub fn open(server: &Server) -> Connection {
    let address = server.bolt_addr().expect("Bolt is on");
    let mut connection = Connection::open(address, &[Version::V5_4], PATIENCE).expect("a server that listens");
    connection.set_receive_time_max(Some(PATIENCE)).expect("an open socket");
    connection
}

/// Says hello and logs in on an open connection.
pub fn log_in(connection: &mut Connection) {
    connection.send(&Request::Hello(Hello::default())).expect("short");
    connection.send(&Request::Logon(AuthToken::none())).expect("short");
    connection.flush().expect("an open socket");
    connection.receive().expect("an answer to HELLO");
    connection.receive().expect("an answer to LOGON");
}

/// Reads the clock.
pub fn now() -> Instant {
    SystemClock.now()
}
