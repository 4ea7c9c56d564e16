//! `sheaf backup journal` and `sheaf restore --until`: journals of commits, and the moments that they lead to.
//! Leaves records to `instance`. Start reading at [`restore`].

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use instance::backup::{Copied, Reading, verify_journal};
use types::temporal::ZoneId;
use types::{Code, DatabaseName, Failure};

use super::{CommandError, counted, counts, online, shown, size};
use crate::exit::say;
use crate::reach::Reach;

/// What a copy of a journal begins with.
const MAGIC: [u8; 8] = *b"SHEAFJN\n";

/// A moment, as it was typed.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) text: String,
    nanos: i64,
}

/// Reads a moment off the command line; without a zone it is in UTC.
pub(super) fn moment(text: &str) -> Result<Moment, String> {
    let time = types::DateTime::parse(text, &ZoneId::UTC).map_err(|error| error.to_string())?;
    let nanos = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
    let nanos = i64::try_from(nanos).map_err(|_| "the time is too far away".to_owned())?;
    Ok(Moment { text: text.to_owned(), nanos })
}

/// What is restored, and to when.
pub(crate) struct Restore<'a> {
    pub(crate) from: &'a Path,
    pub(crate) name: &'a DatabaseName,
    pub(crate) replace: bool,
    pub(crate) until: &'a Moment,
    pub(crate) journal: Option<&'a Path>,
    pub(crate) reach: &'a Reach,
}

/// Makes a database out of a backup, played forward to a moment.
pub(super) fn restore(restore: &Restore<'_>) -> Result<String, CommandError> {
    let (counts, commits) = match restore.reach.folder()? {
        Some(instance) => {
            let done = AtomicU64::new(0);
            let total = Reading::open(restore.from)?.header().image_bytes;
            let step = |bytes| {
                done.store(bytes, Ordering::Relaxed);
                Ok(())
            };
            let journal = restore.journal.map(Path::to_owned);
            let moment = instance::backup::Moment { until: restore.until.nanos, journal };
            let restored = shown(total, &done, || {
                instance.restore_to(restore.name.as_str(), restore.replace, restore.from, &moment, &step)
            });
            instance.close();
            let (header, commits) = restored?;
            (Some(counts(&header)), format!(" and {}", counted(commits, "later commit")))
        }
        None => (online::restore_to(restore)?, String::new()),
    };
    Ok(told(restore, counts.as_deref(), &commits))
}

/// Says what is in the database that was made: not what was in the backup.
fn told(restore: &Restore<'_>, counts: Option<&str>, commits: &str) -> String {
    let (name, from, until) = (restore.name, restore.from.display(), &restore.until.text);
    let counts = counts.map(|counts| format!("{counts} ")).unwrap_or_default();
    format!("database \"{name}\": {counts}from {from}{commits}, played forward to {until}")
}

/// Copies the journal of a database into a file.
pub(super) fn copy(reach: &Reach, database: &str, to: &Path) -> Result<String, CommandError> {
    match reach.filled_folder()? {
        Some(instance) => {
            let copied = instance.back_up_journal(database, to, &|_| Ok(()));
            instance.close();
            copied?;
        }
        None => online::back_up_journal(reach, database, to)?,
    }
    let copied = verify_journal(to)?;
    Ok(format!("journal of database \"{database}\": {} in {}", facts(&copied), to.display()))
}

/// Tells whether a file is the copy of a journal.
pub(super) fn is_one(file: &Path) -> bool {
    let mut magic = [0; MAGIC.len()];
    File::open(file).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == MAGIC
}

/// Reads the copy of a journal and checks every byte of it.
pub(super) fn verified(file: &Path, keys: Option<&instance::backup::Keys>) -> Result<String, CommandError> {
    let copied = verify_journal(file)?;
    let summary = format!("{} is sound: {}", file.display(), facts(&copied));
    match keys.filter(|_| copied.is_sealed) {
        None if copied.is_sealed => {
            Ok(format!("{summary}; sealed, and its keys were not looked for (--seal-key-file)"))
        }
        None => Ok(summary),
        Some(keys) => match keys.journal_problem(file)? {
            None => Ok(format!("{summary}; sealed, and its keys are there")),
            Some(reason) => {
                say(&summary);
                let text = format!("the keys of the journal cannot be had: {reason}");
                Err(Failure::new(Code::DatabaseStartFailed, text).into())
            }
        },
    }
}

fn facts(copied: &Copied) -> String {
    let time = |nanos: Option<i64>| {
        let time = nanos.and_then(|nanos| types::temporal::from_epoch(nanos / 1_000_000_000, 0).ok());
        time.map_or_else(|| "an unknown time".to_owned(), |time| time.to_string())
    };
    let (from, until) = (time(copied.begins), time(copied.ends));
    format!("{} from {from} to {until} in {}", counted(copied.records, "commit"), size(copied.bytes))
}
