//! Starts the faces on a runtime of their own, and stops them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::sessions::Sessions;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch::Sender;
use tokio::task::JoinHandle;
use types::Code;

use crate::bolt_face;
use crate::config::ServerConfig;
use crate::http_face;

/// Threads beyond one for each connection: for the runtime itself and for HTTP.
const SPARE_THREADS: usize = 64;

/// Why the faces could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours; choose another one.
    #[error("could not listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system gives us no threads or no events.
    #[error("could not start the network runtime")]
    Runtime(#[source] io::Error),
}

impl StartError {
    /// Gives the code of the failure.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Listen { .. } | Self::Runtime(_) => Code::Internal,
        }
    }
}

/// The running faces. Dropping it stops them.
#[derive(Debug)]
pub struct Server {
    runtime: Option<Runtime>,
    stop: Sender<bool>,
    faces: Vec<JoinHandle<()>>,
    bolt_addr: Option<SocketAddr>,
    http_addr: Option<SocketAddr>,
    drain_time_max: Duration,
}

impl Server {
    /// Binds the addresses and serves sessions on them; returns once clients can connect.
    pub fn start(sessions: Arc<dyn Sessions>, config: ServerConfig) -> Result<Self, StartError> {
        let runtime = runtime(&config).map_err(StartError::Runtime)?;
        let bolt = config.bolt_addr.map(|address| listen(&runtime, address)).transpose()?;
        let http = config.http_addr.map(|address| listen(&runtime, address)).transpose()?;
        let bolt_addr = bolt.as_ref().map(|(_, address)| *address);
        let http_addr = http.as_ref().map(|(_, address)| *address);
        let drain_time_max = config.drain_time_max;
        let (stop, stopped) = crate::stop::signal();
        let config = Arc::new(config);
        let mut faces = Vec::new();
        if let Some((listener, address)) = bolt {
            tracing::info!(%address, "Bolt is ready");
            let (sessions, config, stop) = (Arc::clone(&sessions), Arc::clone(&config), stopped.clone());
            faces.push(runtime.spawn(bolt_face::Listener { listener, sessions, config, stop }.run()));
        }
        if let Some((listener, address)) = http {
            tracing::info!(%address, "HTTP is ready");
            let (config, stop) = (Arc::clone(&config), stopped);
            faces.push(runtime.spawn(http_face::Listener { listener, sessions, config, bolt_addr, stop }.run()));
        }
        Ok(Self { runtime: Some(runtime), stop, faces, bolt_addr, http_addr, drain_time_max })
    }

    /// Gives the address on which Bolt listens.
    #[must_use]
    pub fn bolt_addr(&self) -> Option<SocketAddr> {
        self.bolt_addr
    }

    /// Gives the address on which HTTP listens.
    #[must_use]
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.http_addr
    }

    /// Waits until the process is asked to end (Ctrl-C, or SIGTERM).
    pub fn wait_for_signal(&self) -> io::Result<()> {
        match &self.runtime {
            Some(runtime) => runtime.block_on(signal()),
            None => Ok(()),
        }
    }

    /// Stops accepting, lets open transactions end within the drain time, then cuts what is left.
    pub fn shutdown(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        // Nobody listens any more if both faces have ended.
        let _ = self.stop.send(true);
        let faces = std::mem::take(&mut self.faces);
        runtime.block_on(async {
            for face in faces {
                if let Err(error) = face.await {
                    tracing::error!(%error, "a face ended badly");
                }
            }
        });
        runtime.shutdown_timeout(self.drain_time_max);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Stack of a thread that runs statements: deep plans are walked down. Only what is used takes memory.
const STACK_BYTES: usize = 64 << 20;

/// Every connection may hold a thread while its statement runs, so there have to be as many.
fn runtime(config: &ServerConfig) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if let Some(threads) = config.worker_threads {
        builder.worker_threads(threads.max(1));
    }
    builder
        .thread_name("face")
        .thread_stack_size(STACK_BYTES)
        .max_blocking_threads(config.connections_max() + SPARE_THREADS)
        .enable_all()
        .build()
}

fn listen(runtime: &Runtime, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listen = |source| StartError::Listen { address, source };
    let listener = runtime.block_on(TcpListener::bind(address)).map_err(listen)?;
    let bound = listener.local_addr().map_err(listen)?;
    Ok((listener, bound))
}

#[cfg(unix)]
async fn signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn signal() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
