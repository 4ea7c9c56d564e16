//! Backups and restores through a server that runs.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bolt::client::{Client, ClientError};
use bolt::request::Options;
use instance::backup::{BackupError, Header, Lent, Part, verify, verify_journal};
use types::{Code, DatabaseName, Failure, Map, Value};

use super::{CommandError, counted, shown};
use crate::reach::Reach;
use crate::signals::{self, Signals};

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
    let lending = Lending::to(folder)?;
    let lent = lending.put(restore.from)?;
    let journal = restore.journal.map(|journal| lending.put(journal)).transpose()?;
    let made = Made { name: restore.name, file: lent.name(), replace: restore.replace };
    let moment = Some((restore.until.text.as_str(), journal.as_ref().map(Lent::name)));
    let restored = made.run(&mut client, moment);
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
        Some(Value::String(folder)) if !folder.is_empty() => Ok(PathBuf::from(folder.as_str())),
        Some(_) => Err(Failure::new(Code::ArgumentError, "this server keeps no files and has no backup folder").into()),
        // Whoever may make databases is told.
        None => {
            let text = "Permission denied. The privilege CREATE DATABASE ON DBMS is missing or denied; see SHOW USER \
                        PRIVILEGES.";
            Err(Failure::new(Code::Forbidden, text).into())
        }
    }
}

/// Puts a backup into the server's backup folder, where that is on this machine, and has it restored from there.
pub(crate) fn restore(reach: &Reach, name: &DatabaseName, replace: bool, file: &Path) -> Result<Header, CommandError> {
    let header = verify(file, &|_| Ok(()))?;
    let mut client = reach.connect()?;
    let folder = backup_folder(reach, &mut client)?;
    let lent = Lending::to(folder)?.put(file)?;
    let restored = Made { name, file: lent.name(), replace }.run(&mut client, None);
    drop(lent);
    restored.map_err(|error| reach.failed(error))?;
    Ok(header)
}

/// A database that is made out of a file of the server's backup folder.
struct Made<'a> {
    name: &'a DatabaseName,
    file: &'a str,
    replace: bool,
}

impl Made<'_> {
    /// Has it made, or has one that is to be replaced get these data: all that was said about that one stays.
    fn run(&self, client: &mut Client, moment: Option<(&str, Option<&str>)>) -> Result<(), ClientError> {
        let text = |text: &str| Value::string(text);
        let name = ("name".into(), text(self.name.as_str()));
        // By an alias too.
        let listed = "SHOW DATABASE $name YIELD name";
        if self.replace && !client.run(listed, [name.clone()].into_iter().collect())?.rows.is_empty() {
            let until = moment.map(|(until, _)| ("seedRestoreUntil".into(), text(until)));
            let journal = moment.and_then(|(_, journal)| journal).map(|journal| ("seedJournal".into(), text(journal)));
            let seed: Map = [("seedURI".into(), text(self.file))].into_iter().chain(until).chain(journal).collect();
            let options = ("options".into(), Value::map(seed));
            return client
                .run("CALL dbms.recreateDatabase($name, $options)", [name, options].into_iter().collect())
                .map(drop);
        }
        let replace = if self.replace { "OR REPLACE " } else { "" };
        let mut create = format!("CREATE {replace}DATABASE $name FROM BACKUP $file");
        let mut parameters: Map = [name, ("file".into(), text(self.file))].into_iter().collect();
        if let Some((until, journal)) = moment {
            create.push_str(" UNTIL $until");
            parameters.insert("until".into(), text(until));
            if let Some(journal) = journal {
                create.push_str(" USING JOURNAL $journal");
                parameters.insert("journal".into(), text(journal));
            }
        }
        client.run(&create, parameters).map(drop)
    }
}

/// Files that lie in the server's backup folder for as long as they are needed. A signal that ends the process meanwhile
/// removes them.
struct Lending {
    folder: PathBuf,
    paths: Arc<Mutex<Vec<PathBuf>>>,
}

impl Lending {
    fn to(folder: PathBuf) -> Result<Self, CommandError> {
        let listened = Signals::listen();
        let signals = listened.map_err(|source| BackupError::Io { action: "listen for signals", source })?;
        let paths = Arc::<Mutex<Vec<PathBuf>>>::default();
        let lent = Arc::clone(&paths);
        std::thread::spawn(move || {
            signals.wait();
            let lent = lent.lock().unwrap_or_else(PoisonError::into_inner);
            lent.iter().for_each(|path| drop(fs::remove_file(path)));
            std::process::exit(signals::EXIT_CODE);
        });
        Ok(Self { folder, paths })
    }

    fn put(&self, file: &Path) -> Result<Lent, CommandError> {
        let path = Lent::path(&self.folder, file);
        self.paths.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
        Lent::put(file, path).map_err(|source| {
            let action = "put the backup into the server's backup folder; where that is on another machine, copy it \
                          there and write CREATE DATABASE ... FROM BACKUP 'file'";
            BackupError::Io { action, source }.into()
        })
    }
}
