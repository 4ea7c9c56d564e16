//! `sheaf serve`: one instance behind its faces, from start to stop.
//! Leaves statements to `instance` and sockets to `server`.
//! Start reading at [`run`]; [`Settings`] says what can be set.

mod arguments;
mod running;
mod settings;
mod sources;

use std::io;

pub use arguments::{Arguments, Auth, Given};
pub use running::{Running, RunningError, exit_of};
pub use settings::{Settings, SettingsError};

use crate::exit::{Exit, complain, mention};
use crate::logging;
use crate::signals::Signals;

/// Serves until the process is asked to end.
pub fn run(arguments: &Arguments) -> Exit {
    let settings = match Settings::gather(arguments) {
        Ok(settings) => settings,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    if let Ok(level) = logging::parse_level(&settings.log_level) {
        logging::start(settings.log, level);
    }
    match serve(&settings) {
        Ok(()) => Exit::Done,
        Err(ServeError::Running(error)) => {
            complain(&error);
            error.exit()
        }
        Err(error) => {
            complain(&error);
            Exit::Failed
        }
    }
}

/// Why serving failed.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    /// The system gives no signals.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    /// The server did not start.
    #[error(transparent)]
    Running(#[from] RunningError),
}

fn serve(settings: &Settings) -> Result<(), ServeError> {
    let signals = Signals::listen().map_err(ServeError::Signals)?;
    let running = Running::start(settings)?;
    if let Some(password) = running.take_password() {
        mention(&format!("The user admin has the password {password}. It is not shown again."));
    }
    mention(&ready_line(settings, &running));
    signals.wait();
    tracing::info!("asked to end");
    running.stop();
    tracing::info!("ended");
    Ok(())
}

/// Tells where clients find the server: `sheaf is ready: bolt://… http://… data …`.
fn ready_line(settings: &Settings, running: &Running) -> String {
    let mut line = "sheaf is ready:".to_owned();
    for (scheme, address) in [("bolt", running.bolt_addr()), ("http", running.http_addr())] {
        if let Some(address) = address {
            line.push_str(&format!(" {scheme}://{address}"));
        }
    }
    line.push_str(&format!(" data {}", settings.instance.folder.display()));
    line
}
