//! A running server: the instance, its faces and its caretaker, started and stopped together.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use catalog::CatalogError;
use instance::{Instance, InstanceError, InstanceOptions};
use server::sessions::Sessions;
use server::{Server, StartError};
use types::Code;

use super::settings::Settings;
use crate::exit::Exit;

/// File descriptors of an open database: its data, its reader table, and the folder now and then.
const DESCRIPTORS_PER_DATABASE: u64 = 3;
/// File descriptors for everything that is neither a connection nor a database.
const DESCRIPTORS_SPARE: u64 = 128;
/// How often the caretaker looks for what is over its time while nobody asks for it, and for idle databases: each may say
/// itself when it is one.
const CARE_EVERY: Duration = Duration::from_secs(1);

/// A server that serves until it is stopped.
pub struct Running {
    instance: Instance,
    server: Server,
    caretaker: JoinHandle<()>,
    stop_care: Sender<()>,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum RunningError {
    /// The data folder cannot be opened.
    #[error(transparent)]
    Instance(InstanceError),
    /// The first password cannot be used; choose another.
    #[error(transparent)]
    Password(CatalogError),
    /// An address is taken, or the network is refused.
    #[error(transparent)]
    Faces(#[from] StartError),
    /// The system gives no thread.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

impl RunningError {
    /// Gives the public code of this failure.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Instance(error) => error.code(),
            Self::Password(error) => error.code(),
            Self::Faces(error) => error.code(),
            Self::Thread(_) => Code::Internal,
        }
    }

    /// Tells how the process ends because of it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Instance(error) => exit_of(error),
            Self::Password(_) => Exit::Usage,
            Self::Faces(_) | Self::Thread(_) => Exit::Failed,
        }
    }
}

impl From<InstanceError> for RunningError {
    fn from(error: InstanceError) -> Self {
        match error {
            // The catalog is sound; what was given to it is not.
            InstanceError::Catalog(error @ (CatalogError::PasswordShort | CatalogError::Password { .. })) => {
                Self::Password(error)
            }
            error => Self::Instance(error),
        }
    }
}

/// Tells how the process ends where an instance cannot be opened.
#[must_use]
pub fn exit_of(error: &InstanceError) -> Exit {
    if matches!(error, InstanceError::InUse { .. }) { Exit::InUse } else { Exit::Failed }
}

impl Running {
    /// Opens the data folder and serves it; returns once clients can connect.
    pub fn start(settings: &Settings) -> Result<Self, RunningError> {
        let mut options = settings.instance.clone();
        fit_descriptors(&mut options, settings.server.connections_max());
        if let Some(address) = settings.server.bolt_addr {
            options.address = settings.server.bolt_advertised.clone().unwrap_or_else(|| address.to_string());
        }
        let instance = Instance::open(options)?;
        tracing::info!(folder = %settings.instance.folder.display(), "the data folder is open");
        Self::serve(instance.clone(), settings).inspect_err(|_| instance.close())
    }

    /// Serves an instance that is open already; it stays open where that fails.
    pub fn serve(instance: Instance, settings: &Settings) -> Result<Self, RunningError> {
        let sessions: Arc<dyn Sessions> = Arc::new(instance.clone());
        let server = Server::start(sessions, settings.server.clone())?;
        let (stop_care, stopped) = mpsc::channel();
        let cared_for = instance.clone();
        let caretaker = thread::Builder::new()
            .name("caretaker".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(CARE_EVERY) == Err(RecvTimeoutError::Timeout) {
                    cared_for.end_unattended();
                    cared_for.close_idle();
                }
            })
            .map_err(RunningError::Thread)?;
        Ok(Self { instance, server, caretaker, stop_care })
    }

    /// Gives the password that this start made up for `admin`, the first time it is asked.
    #[must_use]
    pub fn take_password(&self) -> Option<String> {
        self.instance.take_password()
    }

    /// Gives the address on which Bolt listens.
    #[must_use]
    pub fn bolt_addr(&self) -> Option<SocketAddr> {
        self.server.bolt_addr()
    }

    /// Gives the address on which HTTP listens.
    #[must_use]
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.server.http_addr()
    }

    /// Takes no more clients, lets what runs end within the stop time, then closes the databases.
    pub fn stop(self) {
        let Self { instance, server, caretaker, stop_care } = self;
        server.shutdown();
        drop(stop_care);
        if caretaker.join().is_err() {
            tracing::error!("the caretaker of idle databases ended badly");
        }
        instance.close();
    }
}

/// Raises the limit on file descriptors and keeps no more databases open than fit below it.
fn fit_descriptors(options: &mut InstanceOptions, connections_max: usize) {
    let wanted = options.open_max as u64 * DESCRIPTORS_PER_DATABASE + connections_max as u64 + DESCRIPTORS_SPARE;
    let limit = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => limit,
        Err(error) => {
            tracing::warn!(%error, "cannot raise the limit on file descriptors");
            return;
        }
    };
    if limit < wanted {
        // Connections are refused one by one when descriptors run out; a database that cannot be opened is worse.
        let for_databases = (limit / 2).saturating_sub(DESCRIPTORS_SPARE) / DESCRIPTORS_PER_DATABASE;
        let fits = usize::try_from(for_databases).unwrap_or(usize::MAX).max(1);
        tracing::warn!(limit, wanted, "few file descriptors: raise the limit of the service");
        options.open_max = options.open_max.min(fits);
    }
}
