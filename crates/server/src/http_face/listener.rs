//! Accepts HTTP connections, with a deadline for each request's headers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::sessions::Sessions;
use bytes::Bytes;
use hyper::Request;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::watching::{PEER, Peer};
use super::{App, Transactions, router};
use crate::config::ServerConfig;
use crate::room::{Room, Seat};
use crate::stop::Stop;

/// How long to wait when the system has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a connection whose place was needed may take to send what is left of its last answer.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(1);

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
        let room = Arc::new(Room::new(self.config.http_connections_max));
        let mut connections = JoinSet::new();
        let mut accepted_so_far = 0;
        loop {
            let (stream, address) = tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(%error, "an HTTP connection could not be accepted");
                        sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
                () = self.stop.wait() => break,
            };
            // Where all work, this one waits, and those behind it in the kernel.
            let seat = tokio::select! {
                seat = seat_in(&room) => seat,
                () = self.stop.wait() => break,
            };
            accepted_so_far += 1;
            let local = stream.local_addr().ok();
            let since_nanos = self.config.clock.wall_nanos();
            let peer = Peer { address, local, number: accepted_so_far, since_nanos, path: String::new() };
            let time_max = self.config.login_time_max;
            connections.spawn(serve(stream, peer, service.clone(), time_max, self.stop.clone(), seat));
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

async fn seat_in(room: &Arc<Room>) -> Seat {
    loop {
        let changed = room.changed();
        match room.enter() {
            Some(seat) => return seat,
            None => changed.await,
        }
    }
}

async fn serve(
    stream: TcpStream,
    peer: Peer,
    service: TowerToHyperService<axum::Router>,
    headers_time_max: Duration,
    mut stop: Stop,
    seat: Seat,
) {
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(headers_time_max).max_buf_size(HEADERS_MAX_BYTES);
    let seat = Arc::new(seat);
    let at_work = Arc::clone(&seat);
    let service = service_fn(move |request: Request<Incoming>| {
        let path = request.uri().path().to_owned();
        let work = Work::begin(&at_work);
        let answer = PEER.scope(Peer { path, ..peer.clone() }, service.call(request));
        async move { Ok::<_, Infallible>(answer.await?.map(|body| Answer { body, _work: work })) }
    });
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.wait() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = seat.told_to_leave() => {
            // What it asked may be answered and not be sent whole.
            if !seat.was_used() {
                return;
            }
            connection.as_mut().graceful_shutdown();
            match timeout(LEAVE_TIME_MAX, connection.as_mut()).await {
                Ok(ended) => ended,
                Err(_) if seat.is_working() => connection.await,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an HTTP connection ended early");
    }
}

/// A request from its headers to the last byte of its answer; in between its connection does nothing.
struct Work(Arc<Seat>);

impl Work {
    fn begin(seat: &Arc<Seat>) -> Self {
        // Whoever has its place by now is one more for as long.
        seat.works();
        Self(Arc::clone(seat))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.rests();
    }
}

/// An answer's body, with the work that ends with it.
struct Answer {
    body: axum::body::Body,
    _work: Work,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
