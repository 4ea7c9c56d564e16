//! `sheaf admin`: what is done to a data folder while no server runs.
//! Leaves users to `catalog`, keys to `catalog::seal`, and walks to `graph`. Start reading at [`run`].

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use types::{Code, Failure};

use crate::backup::counted;
use crate::exit::{Exit, complain, say};
use crate::reach::{Keys, Reach, ReachError};

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
    /// Takes databases over from another data folder: copies their files and checks them. What they come from stays.
    #[command(after_help = "Examples: sheaf admin adopt ./old-data --dry-run --data ./data
          sheaf admin adopt ./old-data/films-3f2a9c0412ab55de --as films --data ./data")]
    Adopt {
        /// The folder of one database, or the data folder of a server that does not run.
        #[arg(value_name = "FOLDER")]
        from: PathBuf,
        /// The name to give to the database; without it, it keeps its name.
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
        /// Copies and checks them where nobody finds them, and takes nothing over.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        folder: Folder,
    },
    /// Adds a new key that seals secrets from now on; older keys stay, to open what they sealed.
    RotateKey {
        /// The file of keys is lost for good: makes a new one. Databases that are encrypted stay closed.
        #[arg(long)]
        lost: bool,
        #[command(flatten)]
        folder: Folder,
    },
}

/// A data folder that no server uses.
#[derive(Args, Clone, Debug)]
struct Folder {
    /// The data folder. No server may use it meanwhile.
    #[arg(long, env = "SHEAF_DATA", default_value = "data", value_name = "FOLDER")]
    data: PathBuf,
    #[command(flatten)]
    keys: Keys,
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
    /// Nothing can be taken over from there; the text says why.
    #[error("{0}")]
    Adopt(String),
}

impl AdminError {
    fn exit(&self) -> Exit {
        match self {
            Self::Reach(error) => error.exit(),
            Self::Missing | Self::Adopt(_) => Exit::Usage,
            Self::Input(_) | Self::Refused(_) | Self::Damaged(_) => Exit::Failed,
        }
    }
}

/// Does one of them.
pub fn run(arguments: &Arguments) -> Exit {
    let done = match &arguments.command {
        Command::SetPassword { user, folder } => set_password(user, folder),
        Command::Check { folder } => check(folder),
        Command::Adopt { from, name, dry_run, folder } => adopt(from, name.as_deref(), *dry_run, folder),
        Command::RotateKey { lost: false, folder } => rotate_key(folder),
        Command::RotateKey { lost: true, folder } => make_key(folder),
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
        self.reach().folder_alone()
    }

    fn reach(&self) -> Reach {
        let Self { data, keys } = self.clone();
        Reach { data: Some(data), bolt: None, user: None, password: None, keys }
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
    let recovered = set?;
    let made = if recovered.is_new { ", who was made anew," } else { "" };
    let mut told = format!("The password of {user}{made} is set; {user} is an admin and can log in.");
    for role in &recovered.roles_taken {
        told.push_str(&format!(" The role {role} was taken from {user}, for it denies something."));
    }
    for (role, denials) in &recovered.lifted {
        let holder = role.as_ref().map_or_else(|| format!("user {user}"), |role| format!("role {role}"));
        let were = if *denials == 1 { "was" } else { "were" };
        told.push_str(&format!(" {} of the {holder} {were} taken back.", counted(*denials as u64, "denial")));
    }
    Ok(told)
}

fn check(folder: &Folder) -> Result<String, AdminError> {
    let instance = folder.open()?;
    let (mut sound, mut damaged, mut closed) = (0, Vec::new(), Vec::new());
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
            // Such as one whose key is elsewhere: nothing is wrong with its file.
            Err(failure) if failure.code() == Code::DatabaseStartFailed => {
                say(&format!("{name}: does not open"));
                say(&format!("  {failure}"));
                closed.push(name.to_string());
                return;
            }
            Err(failure) => vec![failure.to_string()],
        };
        say(&format!("{name}: damaged"));
        problems.iter().for_each(|problem| say(&format!("  {problem}")));
        damaged.push(name.to_string());
    });
    instance.close();
    let mut problems = Vec::new();
    if !damaged.is_empty() {
        problems.push(format!("damaged: {}. Restore what is damaged from a backup.", damaged.join(", ")));
    }
    if !closed.is_empty() {
        problems.push(format!("not opened: {}. The reasons are above.", closed.join(", ")));
    }
    match problems.is_empty() {
        true => Ok(format!("{} sound", counted(sound, "database"))),
        false => Err(AdminError::Damaged(problems.join(" "))),
    }
}

fn adopt(from: &Path, name: Option<&str>, dry_run: bool, folder: &Folder) -> Result<String, AdminError> {
    let unread = |error: io::Error| AdminError::Adopt(format!("cannot read {}: {error}", from.display()));
    std::fs::read_dir(from).map_err(unread)?;
    let instance = folder.open()?;
    let adopted = adopt_all(&instance, from, name, dry_run);
    instance.close();
    adopted
}

fn adopt_all(
    instance: &instance::Instance,
    from: &Path,
    named: Option<&str>,
    dry_run: bool,
) -> Result<String, AdminError> {
    let none = || AdminError::Adopt(format!("there is no database in {}", from.display()));
    let found = instance.find_databases(from).map_err(|_| none())?;
    if found.is_empty() {
        return Err(none());
    }
    if found.len() > 1 && named.is_some() {
        let all = counted(found.len() as u64, "database");
        let text = format!("there are {all} in {}; name the folder of one", from.display());
        return Err(AdminError::Adopt(text));
    }
    let (mut taken, mut left) = (0, Vec::new());
    for instance::Found { folder, name: old, is_known } in &found {
        let Some(name) = named.or(old.as_deref()) else {
            return Err(AdminError::Adopt(format!("{} does not tell its name; give one after --as", folder.display())));
        };
        let problem = if dry_run {
            instance.try_adopting(folder, name).map(|problems| problems.first().cloned())
        } else {
            instance.adopt(folder, name).map(|()| None)
        };
        let problem = problem.unwrap_or_else(|failure| Some(failure.to_string()));
        match problem {
            None => {
                let done = if dry_run { "can be taken over" } else { "taken over" };
                let guess = match (named, is_known) {
                    (None, false) => "; the folder was made for this name, and no catalog is there that knows another",
                    _ => "",
                };
                say(&format!("database \"{name}\": {done} from {}{guess}", folder.display()));
                taken += 1;
            }
            Some(problem) => {
                say(&format!("database \"{name}\": {problem}"));
                left.push(name.to_owned());
            }
        }
    }
    if !left.is_empty() {
        return Err(AdminError::Damaged(format!("not taken over: {}", left.join(", "))));
    }
    let done = if dry_run { "can be taken over" } else { "taken over" };
    Ok(format!("{} {done}", counted(taken, "database")))
}

/// Makes keys where the old ones are lost; where they are not, it makes none.
fn make_key(folder: &Folder) -> Result<String, AdminError> {
    let instance = folder.reach().folder_with_lost_keys()?;
    let newest = instance.newest_key();
    instance.close();
    Ok(format!(
        "The key {newest} seals from now on. What keys sealed that are lost stays closed. Keep a copy of it apart."
    ))
}

fn rotate_key(folder: &Folder) -> Result<String, AdminError> {
    let instance = folder.open()?;
    let rotated = instance.rotate_key();
    instance.close();
    let (key, left) = rotated?;
    let mut told = format!("The key {key} seals from now on. Keep a copy of seal.key apart from backups.");
    if left.is_empty() {
        told.push_str(
            " Databases and their journals need older keys no more; sealed backups and copies of journals do.",
        );
    } else {
        told.push_str(" Keep the older keys: these could not be sealed anew.");
        left.iter().for_each(|reason| told.push_str(&format!("\n  {reason}")));
    }
    Ok(told)
}
