//! Backups and restores through a server that runs.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bolt::client::Client;
use bolt::request::Options;
use instance::backup::{BackupError, Header, Part, verify, verify_journal};
use types::{Code, DatabaseName, Failure, Map, Value};

use super::{CommandError, counted, shown};
use crate::reach::Reach;

/// Takes a backup off the server's wire and writes it here; gives its header and its length.
pub(crate) fn back_up(
    reach: &Reach,
    database: &str,
    to: &Path,
    done: &AtomicU64,
) -> Result<(Header, u64), CommandError> {
    let mut client = reach.connect()?;
    let mut part = Part::create(to)?;
    let parameters: Map = [("name".into(), Value::string(database))].into_iter().collect();
    let (mut bytes, mut failed) = (0_u64, None);
    let each = |row: Vec<Value>| {
        let Some(Value::Bytes(piece)) = row.first() else { return };
        bytes += piece.len() as u64;
        done.store(bytes, Ordering::Relaxed);
        if let Err(source) = part.write_all(piece)
            && failed.is_none()
        {
            failed = Some(BackupError::Io { action: "write the backup", source });
        }
    };
    // Nobody knows how long a backup gets that is compressed on the way.
    let text = "BACKUP DATABASE $name TO STREAM";
    let streamed = shown(0, done, || client.stream(text, parameters, Options::default(), each));
    streamed.map_err(|error| reach.failed(error))?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    part.sync()?;
    let header = verify(part.path(), &|_| Ok(()))?;
    part.publish()?;
    Ok((header, bytes))
}

/// Takes a copy of a journal off the server's wire and writes it here.
pub(crate) fn back_up_journal(reach: &Reach, database: &str, to: &Path) -> Result<(), CommandError> {
    let mut client = reach.connect()?;
    let mut part = Part::create(to)?;
    let parameters: Map = [("name".into(), Value::string(database))].into_iter().collect();
    let mut written = Ok(());
    let each = |row: Vec<Value>| {
        if let (Some(Value::Bytes(piece)), Ok(())) = (row.first(), &written) {
            written = part.write_all(piece);
        }
    };
    let text = "BACKUP JOURNAL FOR DATABASE $name TO STREAM";
    client.stream(text, parameters, Options::default(), each).map_err(|error| reach.failed(error))?;
    written.map_err(|source| BackupError::Io { action: "write the journal", source })?;
    part.sync()?;
    verify_journal(part.path())?;
    part.publish()?;
    Ok(())
}

/// As [`restore`], played forward to a moment; the journal is the server's, unless a file is given.
///
/// Gives what is in the database now, where the user may count it.
pub(crate) fn restore_to(restore: &super::journal::Restore<'_>) -> Result<Option<String>, CommandError> {
    verify(restore.from, &|_| Ok(()))?;
    let mut client = restore.reach.connect()?;
    let folder = backup_folder(restore.reach, &mut client)?;
    let lent = Lent::put(&folder, restore.from, "sheafbackup")?;
    let journal = restore.journal.map(|journal| Lent::put(&folder, journal, "sheafjournal")).transpose()?;
    let replace = if restore.replace { "OR REPLACE " } else { "" };
    let using = if journal.is_some() { " USING JOURNAL $journal" } else { "" };
    let text = format!("CREATE {replace}DATABASE $name FROM BACKUP $file UNTIL $until{using}");
    let named = journal.as_ref().map(|journal| ("journal".into(), Value::string(journal.name.as_str())));
    let parameters: Map = [
        ("name".into(), Value::string(restore.name.as_str())),
        ("file".into(), Value::string(lent.name.as_str())),
        ("until".into(), Value::string(restore.until.text.as_str())),
    ]
    .into_iter()
    .chain(named)
    .collect();
    let restored = client.run(&text, parameters);
    drop((lent, journal));
    restored.map_err(|error| restore.reach.failed(error))?;
    Ok(counts_in(&mut client, restore.name))
}

/// Counts what is in a database; nothing where the user may not look into it.
fn counts_in(client: &mut Client, name: &DatabaseName) -> Option<String> {
    let mut count = |text: &str, noun: &str| {
        let options = Options { database: Some(name.to_string()), ..Options::default() };
        let answer = client.run_with(text, Map::new(), options).ok()?;
        match answer.rows.first()?.first()? {
            Value::Integer(number) => Some(counted(number.unsigned_abs(), noun)),
            _ => None,
        }
    };
    let nodes = count("MATCH (n) RETURN count(n)", "node")?;
    Some(format!("{nodes}, {}", count("MATCH ()-[r]->() RETURN count(r)", "relationship")?))
}

/// Asks the server where its backup folder is.
fn backup_folder(reach: &Reach, client: &mut Client) -> Result<PathBuf, CommandError> {
    let asked = "SHOW SETTINGS 'server.backup.folder' YIELD value";
    let answer = client.run(asked, Map::new()).map_err(|error| reach.failed(error))?;
    match answer.rows.first().and_then(|row| row.first()) {
        Some(Value::String(folder)) => Ok(PathBuf::from(folder.as_str())),
        _ => Err(Failure::new(Code::ArgumentError, "the server names no backup folder").into()),
    }
}

/// Puts a backup into the server's backup folder, where that is on this machine, and has it restored from there.
pub(crate) fn restore(reach: &Reach, name: &DatabaseName, replace: bool, file: &Path) -> Result<Header, CommandError> {
    let header = verify(file, &|_| Ok(()))?;
    let mut client = reach.connect()?;
    let folder = backup_folder(reach, &mut client)?;
    let lent = Lent::put(&folder, file, "sheafbackup")?;
    let replace = if replace { "OR REPLACE " } else { "" };
    let text = format!("CREATE {replace}DATABASE $name FROM BACKUP $file");
    let parameters: Map =
        [("name".into(), Value::string(name.as_str())), ("file".into(), Value::string(lent.name.as_str()))]
            .into_iter()
            .collect();
    let restored = client.run(&text, parameters);
    drop(lent);
    restored.map_err(|error| reach.failed(error))?;
    Ok(header)
}

/// A file that lies in the server's backup folder for as long as it is needed.
struct Lent {
    path: PathBuf,
    name: String,
    /// Whether it was there before, and stays.
    is_its_own: bool,
}

impl Lent {
    fn put(folder: &Path, file: &Path, ending: &str) -> Result<Self, CommandError> {
        let is_inside = || Some(file.canonicalize().ok()?.parent()? == folder.canonicalize().ok()?);
        if is_inside() == Some(true)
            && let Some(name) = file.file_name().and_then(|name| name.to_str())
        {
            return Ok(Self { path: file.to_owned(), name: name.to_owned(), is_its_own: true });
        }
        let name = format!("restore-{}.{ending}", std::process::id());
        let path = folder.join(&name);
        // The server makes it with its first backup; where there is no data folder either, it is another machine's.
        let made = if folder.is_dir() { Ok(()) } else { fs::create_dir(folder) };
        let here = made.and_then(|()| fs::hard_link(file, &path).or_else(|_| fs::copy(file, &path).map(drop)));
        here.map_err(|source| BackupError::Io {
            action: "put the backup into the server's backup folder; where that is on another machine, copy it there \
                     and write CREATE DATABASE ... FROM BACKUP 'file'",
            source,
        })?;
        Ok(Self { path, name, is_its_own: false })
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.is_its_own {
            let _ = fs::remove_file(&self.path);
        }
    }
}
