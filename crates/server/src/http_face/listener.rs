//! Accepts HTTP connections, with a deadline for each request's headers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::sessions::Sessions;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::watching::{PEER, Peer};
use super::{App, Transactions, router};
use crate::config::ServerConfig;
use crate::stop::Stop;

/// How long to wait when the system has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bytes of one request's headers.
const HEADERS_MAX_BYTES: usize = 64 * 1024;

/// Listens for HTTP.
pub(crate) struct Listener {
    pub(crate) listener: TcpListener,
    pub(crate) sessions: Arc<dyn Sessions>,
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) bolt_addr: Option<SocketAddr>,
    pub(crate) stop: Stop,
}

impl Listener {
    /// Accepts until the server stops, then lets running requests end, for as long as configured.
    pub(crate) async fn run(mut self) {
        let transactions = Arc::new(Transactions::new(&self.config));
        let sweeping = tokio::spawn(Arc::clone(&transactions).sweep());
        let app = App {
            sessions: self.sessions,
            config: Arc::clone(&self.config),
            transactions: Arc::clone(&transactions),
            bolt_addr: self.bolt_addr,
            stop: self.stop.clone(),
            limits_turn: Arc::default(),
        };
        let service = TowerToHyperService::new(router(app));
        let places = Arc::new(Semaphore::new(self.config.http_connections_max));
        let mut connections = JoinSet::new();
        let mut accepted_so_far = 0;
        loop {
            // A place first: without one the connection waits in the kernel.
            let place = tokio::select! {
                place = Arc::clone(&places).acquire_owned() => place.expect("the semaphore is never closed"),
                () = self.stop.wait() => break,
            };
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, address)) => {
                        let time_max = self.config.login_time_max;
                        accepted_so_far += 1;
                        let local = stream.local_addr().ok();
                        let since_nanos = self.config.clock.wall_nanos();
                        let peer = Peer { address, local, number: accepted_so_far, since_nanos, path: String::new() };
                        connections.spawn(serve(stream, peer, service.clone(), time_max, self.stop.clone(), place));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "an HTTP connection could not be accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
                () = self.stop.wait() => break,
            }
            while connections.try_join_next().is_some() {}
        }
        drop(self.listener);
        let deadline = Instant::now() + self.config.drain_time_max;
        while let Ok(Some(_)) = timeout_at(deadline, connections.join_next()).await {}
        transactions.interrupt_all();
        connections.shutdown().await;
        sweeping.abort();
        transactions.roll_back_all();
    }
}

async fn serve(
    stream: TcpStream,
    peer: Peer,
    service: TowerToHyperService<axum::Router>,
    headers_time_max: Duration,
    mut stop: Stop,
    place: OwnedSemaphorePermit,
) {
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(headers_time_max).max_buf_size(HEADERS_MAX_BYTES);
    let service = service_fn(move |request: Request<Incoming>| {
        let path = request.uri().path().to_owned();
        PEER.scope(Peer { path, ..peer.clone() }, service.call(request))
    });
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.wait() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an HTTP connection ended early");
    }
    drop(place);
}
