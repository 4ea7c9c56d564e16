//! Accepts connections, within a bound, until the server stops.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Instant, sleep, timeout_at};

use crate::sessions::Sessions;
use bolt::frame::MESSAGE_MAX_BYTES_BEFORE_LOGIN;

use super::connection;
use super::logins::Logins;
use super::machine::{Door, Machine, Place};
use super::refusal;
use super::watch::Watch;
use super::wire::Wire;
use crate::config::ServerConfig;
use crate::room::Room;
use crate::stop::Stop;

/// Connections over the bound that are told why, at a time; the others are just closed.
const REFUSALS_MAX: usize = 64;

/// How long to wait when the system has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Listens for Bolt.
pub(crate) struct Listener {
    pub(crate) listener: TcpListener,
    pub(crate) sessions: Arc<dyn Sessions>,
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) stop: Stop,
}

impl Listener {
    /// Accepts until the server stops, then waits for open transactions, for as long as configured.
    pub(crate) async fn run(self) {
        let mut stop = self.stop.clone();
        let watch = Arc::new(Watch::default());
        let watching = tokio::spawn(Arc::clone(&watch).run(self.config.watch_interval));
        let room = Arc::new(Room::new(self.config.bolt_places_max()));
        let logins = Arc::new(Logins::new(self.config.bolt_connections_max, self.config.bolt_user_max()));
        let refusals = Arc::new(Semaphore::new(REFUSALS_MAX));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => match room.enter() {
                        Some(seat) => {
                            let door = Door { seat: Arc::new(seat), logins: Arc::clone(&logins) };
                            connections.spawn(self.connection(stream, Arc::clone(&watch), door));
                        }
                        None => {
                            if let Ok(place) = Arc::clone(&refusals).try_acquire_owned() {
                                connections.spawn(refusal::refuse(stream, place));
                            }
                        }
                    },
                    Err(error) => {
                        tracing::warn!(%error, "a Bolt connection could not be accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
                () = stop.wait() => break,
            }
        }
        drop(self.listener);
        drain(&mut connections, &watch, self.config.drain_time_max).await;
        watching.abort();
    }

    /// Makes the future that serves one connection.
    fn connection(
        &self,
        stream: TcpStream,
        watch: Arc<Watch>,
        door: Door,
    ) -> impl Future<Output = ()> + Send + 'static {
        let sessions = Arc::clone(&self.sessions);
        let config = Arc::clone(&self.config);
        let stop = self.stop.clone();
        async move {
            let seat = Arc::clone(&door.seat);
            let served = tokio::select! {
                served = converse(stream, watch, sessions, &config, stop, door) => served,
                // It did not log in yet, so nothing is lost.
                () = seat.told_to_leave() => Err(io::Error::other("its place was needed before it logged in")),
            };
            if let Err(error) = served {
                tracing::debug!(%error, "a Bolt connection ended early");
            }
        }
    }
}

async fn converse(
    mut stream: TcpStream,
    watch: Arc<Watch>,
    sessions: Arc<dyn Sessions>,
    config: &Arc<ServerConfig>,
    stop: Stop,
    door: Door,
) -> io::Result<()> {
    prepare(&stream)?;
    let deadline = Instant::now() + config.login_time_max;
    let Some(dialect) = connection::shake_hands(&mut stream, deadline).await? else { return Ok(()) };
    let (local, peer) = (stream.local_addr()?, stream.peer_addr()?);
    let wire = Arc::new(Wire::new(stream.into_std()?, MESSAGE_MAX_BYTES_BEFORE_LOGIN));
    let watched = watch.enter(Arc::clone(&wire));
    let since_nanos = config.clock.wall_nanos();
    let place = Place { local, peer, number: watched.number(), since_nanos };
    let mut machine = Machine::new(sessions, Arc::clone(config), Arc::clone(&wire), dialect, place, door);
    let served = connection::serve(&wire, &mut machine, config, deadline, stop).await;
    // Ends the session, which may have a transaction to roll back.
    block_in_place(|| drop(machine));
    served
}

/// Answers go out at once, and a client that vanished without a word is noticed within a minute.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let probes =
        TcpKeepalive::new().with_time(Duration::from_secs(30)).with_interval(Duration::from_secs(10)).with_retries(3);
    SockRef::from(stream).set_tcp_keepalive(&probes)
}

async fn drain(connections: &mut JoinSet<()>, watch: &Watch, time_max: Duration) {
    let deadline = Instant::now() + time_max;
    while let Ok(Some(_)) = timeout_at(deadline, connections.join_next()).await {}
    // What is left is cut: statements end with an error, transactions are rolled back.
    watch.interrupt_all();
    connections.shutdown().await;
}
