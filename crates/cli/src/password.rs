//! `sheaf password`: a new password for a user, set where the data lies and no server runs.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;

use clap::Args;
use instance::{Instance, InstanceError, InstanceOptions};
use types::Failure;

use crate::exit::{Exit, complain, say};
use crate::serve::exit_of;

/// What `sheaf password` takes.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The user.
    #[arg(default_value = "admin")]
    user: String,
    /// The data folder. No server may use it meanwhile.
    #[arg(long, env = "SHEAF_DATA", default_value = "data", value_name = "FOLDER")]
    data: PathBuf,
}

/// Why no password was set.
#[derive(Debug, thiserror::Error)]
enum PasswordError {
    /// The first line of the input is the password; give one.
    #[error("no password was given. Write it, or pipe it in, as one line.")]
    Missing,
    /// The input cannot be read.
    #[error("cannot read the password")]
    Input(#[from] io::Error),
    /// There is nothing that could have users.
    #[error("there is no data folder \"{}\"", .0.display())]
    NoFolder(PathBuf),
    /// The data folder cannot be opened.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// There is no such user, or the password is too short.
    #[error("{0}")]
    Refused(#[from] Failure),
}

impl PasswordError {
    fn exit(&self) -> Exit {
        match self {
            Self::Instance(error) => exit_of(error),
            Self::Missing | Self::NoFolder(_) => Exit::Usage,
            Self::Input(_) | Self::Refused(_) => Exit::Failed,
        }
    }
}

/// Reads a password from the standard input and sets it.
pub fn run(arguments: &Arguments) -> Exit {
    match set(arguments) {
        Ok(()) => {
            say(&format!("The password of {} is set.", arguments.user));
            Exit::Done
        }
        Err(error) => {
            complain(&error);
            error.exit()
        }
    }
}

fn set(arguments: &Arguments) -> Result<(), PasswordError> {
    // Opening would make it.
    if !arguments.data.is_dir() {
        return Err(PasswordError::NoFolder(arguments.data.clone()));
    }
    let instance = Instance::open(InstanceOptions::new(&arguments.data))?;
    // Asked for only where it can be set. A closed standard error is no reason to stop.
    let _ = write!(io::stderr(), "New password of {}: ", arguments.user);
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    let set = match (read, line.trim_end_matches(['\r', '\n'])) {
        (Err(error), _) => Err(error.into()),
        (Ok(_), "") => Err(PasswordError::Missing),
        (Ok(_), password) => instance.set_password(&arguments.user, password).map_err(Into::into),
    };
    instance.close();
    set
}
