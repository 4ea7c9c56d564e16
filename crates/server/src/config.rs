//! What can be set about the faces.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use types::{Clock, SystemClock};

/// Addresses, bounds and deadlines of the faces.
#[derive(Clone)]
pub struct ServerConfig {
    /// Where Bolt listens; port 0 takes a free one; `None` switches Bolt off.
    pub bolt_addr: Option<SocketAddr>,
    /// Where HTTP listens; port 0 takes a free one; `None` switches HTTP off.
    pub http_addr: Option<SocketAddr>,
    /// The `host:port` that routing tables name; `None` repeats the address that the client used.
    pub bolt_advertised: Option<String>,
    /// Bolt connections of users at a time; more are refused with a code.
    pub bolt_connections_max: usize,
    /// Bolt connections beyond those, for who may end whatever anybody runs.
    pub bolt_connections_kept: usize,
    /// Bolt connections of one user at a time; `None` for three quarters of all, 0 for no bound. Who may end whatever anybody
    /// runs has none.
    pub bolt_connections_per_user_max: Option<usize>,
    /// HTTP connections at a time; more take the place of one that does nothing, or wait to be accepted.
    pub http_connections_max: usize,
    /// Bytes of one Bolt message after login; before it, 64 KiB.
    pub message_max_bytes: usize,
    /// Bytes of one HTTP request's body.
    pub body_max_bytes: usize,
    /// From the first byte to a login over Bolt, and to the end of the headers over HTTP.
    pub login_time_max: Duration,
    /// How long a client may take no bytes at all while an answer waits for it.
    pub write_time_max: Duration,
    /// How long the body of one HTTP request may take to arrive.
    pub body_time_max: Duration,
    /// How long a shutdown waits for open transactions.
    pub drain_time_max: Duration,
    /// How long an open HTTP transaction may lie idle.
    pub http_transaction_idle_max: Duration,
    /// Open HTTP transactions at a time.
    pub http_transactions_max: usize,
    /// How long drivers may keep a routing table.
    pub routing_ttl: Duration,
    /// How often running connections are looked at: whether the client is gone or wants an interrupt.
    pub watch_interval: Duration,
    /// Threads that move bytes; `None` for as many as the machine has cores.
    pub worker_threads: Option<usize>,
    /// Who may read the metrics.
    pub metrics_access: MetricsAccess,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// Who may read the metrics: they tell how much databases are used, and name them to who may see them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Nobody: there is no such page.
    Off,
    /// Everybody on this machine, without the names of databases; with them, and from elsewhere, who has the right to see
    /// limits.
    #[default]
    Loopback,
    /// Who has the right to see limits, wherever he is.
    Password,
    /// Everybody who reaches the server, with the names of all databases.
    Everybody,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            bolt_addr: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 7687))),
            http_addr: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 7474))),
            bolt_advertised: None,
            bolt_connections_max: 4_096,
            bolt_connections_kept: 8,
            bolt_connections_per_user_max: None,
            http_connections_max: 1_024,
            message_max_bytes: bolt::frame::MESSAGE_MAX_BYTES,
            body_max_bytes: 64 * 1024 * 1024,
            login_time_max: Duration::from_secs(10),
            write_time_max: Duration::from_secs(60),
            body_time_max: Duration::from_secs(30),
            drain_time_max: Duration::from_secs(10),
            http_transaction_idle_max: Duration::from_secs(30),
            http_transactions_max: 1_000,
            routing_ttl: Duration::from_secs(300),
            watch_interval: Duration::from_millis(20),
            worker_threads: None,
            metrics_access: MetricsAccess::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

impl ServerConfig {
    /// Tells how many connections there may be at a time, over all faces.
    #[must_use]
    pub fn connections_max(&self) -> usize {
        self.bolt_places_max().saturating_add(self.http_connections_max)
    }

    /// Tells how many there may be over Bolt.
    pub(crate) fn bolt_places_max(&self) -> usize {
        self.bolt_connections_max.saturating_add(self.bolt_connections_kept)
    }

    /// Tells how many there may be of one user; nothing for no bound.
    pub(crate) fn bolt_user_max(&self) -> Option<usize> {
        let usual = self.bolt_connections_max.saturating_mul(3).div_ceil(4);
        Some(self.bolt_connections_per_user_max.unwrap_or(usual)).filter(|max| *max > 0)
    }

    /// Listens on free ports of the loopback address: for tests.
    #[must_use]
    pub fn on_free_ports() -> Self {
        let any = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        Self { bolt_addr: any, http_addr: any, ..Self::default() }
    }
}
