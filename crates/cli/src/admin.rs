//! `sheaf admin`: what is done to a data folder while no server runs.
//! Leaves users to `catalog`, keys to `catalog::seal`, and walks to `graph`. Start reading at [`run`].

use std::io::{self, BufRead, Write};

use clap::{Args, Subcommand};
use types::Failure;

use crate::backup::counted;
use crate::exit::{Exit, complain, say};
use crate::reach::{Reach, ReachError};

/// What `sheaf admin` takes.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a user an admin who can log in: sets the password, gives the role back, lifts lock-outs.
    ///
    /// The first line of the input is the new password. For whoever lost the last admin's: only the data folder is asked for.
    #[command(after_help = "Example: sheaf admin set-password --data ./data < password.txt")]
    SetPassword {
        /// The user; made if there is none.
        #[arg(long, default_value = "admin")]
        user: String,
        #[command(flatten)]
        folder: Folder,
    },
    /// Opens every database and walks all of it.
    Check {
        #[command(flatten)]
        folder: Folder,
    },
    /// Adds a new key that seals secrets from now on; older keys stay, to open what they sealed.
    RotateKey {
        #[command(flatten)]
        folder: Folder,
    },
}

/// A data folder that no server uses.
#[derive(Args, Debug)]
struct Folder {
    /// The data folder. No server may use it meanwhile.
    #[arg(long, env = "SHEAF_DATA", default_value = "data", value_name = "FOLDER")]
    data: std::path::PathBuf,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
enum AdminError {
    /// The first line of the input is the password; give one.
    #[error("no password was given. Write it, or pipe it in, as one line.")]
    Missing,
    /// The input cannot be read.
    #[error("cannot read the password")]
    Input(#[from] io::Error),
    /// The data folder cannot be opened.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// The password is too short, or the key comes from elsewhere.
    #[error("{0}")]
    Refused(#[from] Failure),
    /// Databases are damaged; restore them from backups.
    #[error("{0}")]
    Damaged(String),
}

impl AdminError {
    fn exit(&self) -> Exit {
        match self {
            Self::Reach(error) => error.exit(),
            Self::Missing => Exit::Usage,
            Self::Input(_) | Self::Refused(_) | Self::Damaged(_) => Exit::Failed,
        }
    }
}

/// Does one of them.
pub fn run(arguments: &Arguments) -> Exit {
    let done = match &arguments.command {
        Command::SetPassword { user, folder } => set_password(user, folder),
        Command::Check { folder } => check(folder),
        Command::RotateKey { folder } => rotate_key(folder),
    };
    match done {
        Ok(summary) => {
            say(&summary);
            Exit::Done
        }
        Err(error) => {
            complain(&error);
            error.exit()
        }
    }
}

impl Folder {
    fn open(&self) -> Result<instance::Instance, ReachError> {
        Reach { data: self.data.clone(), bolt: None, user: None, password: None }.folder_alone()
    }
}

fn set_password(user: &str, folder: &Folder) -> Result<String, AdminError> {
    let instance = folder.open()?;
    // Asked for only where it can be set. A closed standard error is no reason to stop.
    let _ = write!(io::stderr(), "New password of {user}: ");
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    let set = match (read, line.trim_end_matches(['\r', '\n'])) {
        (Err(error), _) => Err(error.into()),
        (Ok(_), "") => Err(AdminError::Missing),
        (Ok(_), password) => instance.recover_admin(user, password).map_err(AdminError::from),
    };
    instance.close();
    let is_new = set?;
    let made = if is_new { ", who was made anew," } else { "" };
    Ok(format!("The password of {user}{made} is set; {user} is an admin and can log in."))
}

fn check(folder: &Folder) -> Result<String, AdminError> {
    let instance = folder.open()?;
    let (mut sound, mut damaged) = (0, Vec::new());
    instance.check_all(&mut |name, found| {
        let problems = match &found {
            Ok(report) if report.is_sound() => {
                sound += 1;
                say(&format!(
                    "{name}: sound, {}, {}",
                    counted(report.nodes, "node"),
                    counted(report.relationships, "relationship")
                ));
                return;
            }
            Ok(report) => report.problems.clone(),
            Err(failure) => vec![failure.to_string()],
        };
        say(&format!("{name}: damaged"));
        problems.iter().for_each(|problem| say(&format!("  {problem}")));
        damaged.push(name.to_string());
    });
    instance.close();
    if damaged.is_empty() {
        Ok(format!("{} sound", counted(sound, "database")))
    } else {
        Err(AdminError::Damaged(format!("damaged: {}. Restore what is damaged from a backup.", damaged.join(", "))))
    }
}

fn rotate_key(folder: &Folder) -> Result<String, AdminError> {
    let instance = folder.open()?;
    let rotated = instance.rotate_key();
    instance.close();
    Ok(format!("The key {} seals from now on. Keep a copy of seal.key apart from backups.", rotated?))
}
