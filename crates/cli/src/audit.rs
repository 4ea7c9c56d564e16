//! `sheaf audit`: reads and verifies the audit of a data folder, whether a server runs on it or not.
//! Leaves lines and hashes to `instance::audit`. Start reading at [`run`].

use std::borrow::Cow;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use catalog::{KeySource, Keyring, SealError};
use clap::{Args, Subcommand};
use instance::audit::{AuditError, Entry, FOLDER, lines, verify};
use types::shown::visible;
use types::{Clock, SystemClock};

use crate::backup::counted;
use crate::exit::{Exit, complain, say};
use crate::units::Time;

/// What `sheaf audit` takes.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Walks the whole chain and finds any line that was changed, removed or added.
    Verify {
        /// The data folder.
        #[arg(long, env = "SHEAF_DATA", default_value = "data", value_name = "FOLDER")]
        data: PathBuf,
        /// The file of keys that seal the end of the chain [default: seal.key in the data folder].
        #[arg(long, env = "SHEAF_SEAL_KEY_FILE", value_name = "FILE")]
        seal_key_file: Option<PathBuf>,
    },
    /// Prints lines, the oldest first.
    List {
        /// The data folder.
        #[arg(long, env = "SHEAF_DATA", default_value = "data", value_name = "FOLDER")]
        data: PathBuf,
        /// Only what came later: a date or date and time in UTC, such as 2026-11-21T13:00, or a span of time such as 2h.
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Only what this user did.
        #[arg(long)]
        user: Option<String>,
        /// Only what is about this database.
        #[arg(long)]
        database: Option<String>,
        /// Prints the lines as they are kept, as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Why an audit could not be read, or is not sound.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    /// There is no audit; name another folder.
    #[error("there is no audit in \"{}\"", .0.display())]
    NoAudit(PathBuf),
    /// A time that makes no sense.
    #[error(
        "\"{0}\" is no time. Write a date such as 2026-11-21, a time such as 2026-11-21T13:00, or a span such as 2h."
    )]
    Since(String),
    /// The files cannot be read.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The keys cannot be read.
    #[error(transparent)]
    Keys(#[from] SealError),
    /// Somebody changed it.
    #[error("the audit was tampered with, or is damaged: {0}")]
    Unsound(String),
}

impl CommandError {
    fn exit(&self) -> Exit {
        match self {
            Self::NoAudit(_) | Self::Since(_) => Exit::Usage,
            Self::Audit(_) | Self::Keys(_) | Self::Unsound(_) => Exit::Failed,
        }
    }
}

/// Verifies or lists.
pub fn run(arguments: &Arguments) -> Exit {
    let done = match &arguments.command {
        Command::Verify { data, seal_key_file } => verified(data, seal_key_file.as_deref()),
        Command::List { data, since, user, database, json } => {
            listed(data, since.as_deref(), *json, &|entry: &Entry| {
                user.as_ref().is_none_or(|user| entry.user.as_ref() == Some(user))
                    && database.as_ref().is_none_or(|name| entry.databases.contains(&name.to_lowercase()))
            })
        }
    };
    match done {
        Ok(()) => Exit::Done,
        Err(error) => {
            complain(&error);
            error.exit()
        }
    }
}

fn folder_of(data: &Path) -> Result<PathBuf, CommandError> {
    let folder = data.join(FOLDER);
    if folder.is_dir() { Ok(folder) } else { Err(CommandError::NoAudit(data.to_owned())) }
}

fn verified(data: &Path, keys: Option<&Path>) -> Result<(), CommandError> {
    let folder = folder_of(data)?;
    let file = keys.map_or_else(|| data.join("seal.key"), Path::to_owned);
    // Opening a file of keys that is not there would make one.
    let keyring = match std::env::var("SHEAF_SEAL_KEYS") {
        Ok(text) => Some(Keyring::open(KeySource::Text(text))?),
        Err(_) if file.exists() => Some(Keyring::open(KeySource::File(file))?),
        Err(_) => None,
    };
    let verdict = verify(&folder, keyring.as_ref())?;
    if !verdict.is_sound() {
        return Err(CommandError::Unsound(verdict.problems.join("; ")));
    }
    say(&format!("sound: {}, {} to {}", counted(verdict.lines, "line"), verdict.first, verdict.last));
    for alarm in verdict.alarms {
        say(&format!("an alarm was raised in {alarm}"));
    }
    for unsealed in verdict.unsealed {
        say(&format!("behind the seal: {unsealed}"));
    }
    if let Some(why) = verdict.end_unchecked {
        say(&format!("whether lines are missing at the end is not known: {why}"));
    }
    Ok(())
}

fn listed(
    data: &Path,
    since: Option<&str>,
    is_json: bool,
    is_wanted: &dyn Fn(&Entry) -> bool,
) -> Result<(), CommandError> {
    let since = since.map(|text| Since::parse(text).ok_or_else(|| CommandError::Since(text.to_owned()))).transpose()?;
    for entry in lines(&folder_of(data)?)? {
        let entry = entry?;
        let is_late = since.as_ref().is_none_or(|since| since.is_before(&entry));
        if is_late && is_wanted(&entry) {
            say(&if is_json { json(&entry) } else { shown(&entry) });
        }
    }
    Ok(())
}

fn shown(entry: &Entry) -> String {
    let user = entry.user.as_deref().map_or("-".into(), field);
    let databases: Vec<_> = entry.databases.iter().map(|name| field(name)).collect();
    let databases = if databases.is_empty() { "-".to_owned() } else { databases.join(",") };
    let outcome = entry.code.as_deref().unwrap_or(&entry.outcome);
    let operation = entry.operation.replace(['\n', '\r', '\t'], " ");
    format!(
        "{:>6}  {}  {:<14}  {user}  {databases}  {outcome}  {}",
        entry.sequence,
        entry.time,
        entry.kind.name(),
        visible(&operation)
    )
}

/// Writes a name so that it stays one: in quotes where it could be taken for more than one field.
fn field(name: &str) -> Cow<'_, str> {
    let is_plain = |sign: char| !sign.is_whitespace() && !matches!(sign, '\'' | ',');
    match visible(name) {
        Cow::Borrowed(name) if !name.is_empty() && name != "-" && name.chars().all(is_plain) => Cow::Borrowed(name),
        shown => Cow::Owned(format!("'{}'", shown.replace('\'', "\\'"))),
    }
}

/// Gives an entry as it is kept. JSON leaves some of what terminals obey as it is, which is written out: it reads as the
/// same.
fn json(entry: &Entry) -> String {
    let kept = serde_json::to_string(entry).unwrap_or_default();
    kept.chars().fold(String::with_capacity(kept.len()), |mut line, sign| {
        if sign.is_control() {
            let _ = write!(line, "\\u{:04x}", u32::from(sign));
        } else {
            line.push(sign);
        }
        line
    })
}

/// From when on lines are wanted.
enum Since {
    /// Nanoseconds since 1970.
    Nanos(i128),
    /// The beginning of a time as lines have it, which sorts as times do.
    Text(String),
}

impl Since {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(Time(span)) = Time::parse(text) {
            return Some(Self::Nanos(SystemClock.wall_nanos() - i128::try_from(span.as_nanos()).ok()?));
        }
        let is_time = text.char_indices().all(|(at, sign)| match at {
            4 | 7 => sign == '-',
            10 => matches!(sign, 'T' | ' '),
            13 | 16 => sign == ':',
            19 => matches!(sign, '.' | 'Z'),
            _ => sign.is_ascii_digit() || (at > 19 && sign == 'Z'),
        });
        (is_time && text.len() >= 10).then(|| Self::Text(text.trim_end_matches('Z').replace(' ', "T")))
    }

    fn is_before(&self, entry: &Entry) -> bool {
        match self {
            Self::Nanos(nanos) => entry.nanos.parse::<i128>().is_ok_and(|at| at >= *nanos),
            Self::Text(text) => entry.time.as_str() >= text.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f94_names_with_more_than_letters_stay_one_field() {
        let check = |name: &str, expected: &str| assert_eq!(field(name), expected);
        check("ann", "ann");
        check("x  -  -", "'x  -  -'");
        check("-", "'-'");
        check("a,b", "'a,b'");
        check("x\n  9999  2026", "'x\\n  9999  2026'");
        check("\u{1b}[2J", "'\\u{1b}[2J'");
    }

    #[test]
    fn f94_times_are_dates_times_or_spans() {
        let check = |text: &str, expected: bool| assert_eq!(Since::parse(text).is_some(), expected, "{text}");
        check("2026-11-21", true);
        check("2026-11-21T13", true);
        check("2026-11-21 13:05:59.5Z", true);
        check("2h", true);
        check("yesterday", false);
        check("2026", false);
        check("21.11.2026", false);
    }
}
