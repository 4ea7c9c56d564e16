//! `sheaf backup --all` and `sheaf restore --all`: whole servers into folders and back.
//! Leaves files, lists and marks to `instance`. Start reading at [`back_up`] and [`restore`].

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use bolt::request::Options;
use clap::ValueEnum;
use instance::Walk;
use instance::backup::whole::{self, Entry, MANIFEST, Manifest, Watch, Whole};
use instance::backup::{BackupError, Part};
use types::{Code, Failure, Map, Value};

use super::{CommandError, counted, size};
use crate::exit::say;
use crate::progress;
use crate::reach::Reach;

/// What becomes of databases that the backup of a whole server does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Missing {
    /// Restores nothing.
    #[default]
    Refuse,
    /// Lists them in state error until each is restored by itself.
    Leave,
    /// Makes them anew, empty.
    Empty,
}

/// What the bar shows now.
#[derive(Default)]
struct Now {
    name: String,
    done: u64,
    total: u64,
}

/// Shows a bar for each database, and a line for each that is done.
#[derive(Default)]
struct Shown {
    now: Mutex<Now>,
    verb: &'static str,
}

impl Shown {
    fn new(verb: &'static str) -> Self {
        Self { verb, ..Self::default() }
    }

    fn under_bar<T>(&self, work: impl FnOnce(&Self) -> T) -> T {
        let look = || {
            let now = self.lock();
            (now.name.clone(), now.done, now.total)
        };
        progress::shown_in_turn(&look, || work(self))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn begin(&self, name: String, total: u64) {
        *self.lock() = Now { name, done: 0, total };
    }
}

impl Watch for Shown {
    fn begins(&self, name: &str, number: usize, of: usize, bytes: u64) {
        self.begin(format!("{name} ({number} of {of})"), bytes);
    }

    fn step(&self, bytes: u64) -> Result<(), Failure> {
        self.lock().done = bytes;
        Ok(())
    }

    fn ends(&self, entry: &Entry) {
        say(&line(self.verb, entry));
    }
}

fn line(verb: &str, entry: &Entry) -> String {
    let Entry { name, nodes, relationships, bytes, .. } = entry;
    match &entry.problem {
        Some(problem) => format!("database \"{name}\": NOT {verb}: {problem}"),
        None if name == "system" => format!("database \"system\": {verb}, {}", size(*bytes)),
        None => {
            let (nodes, relationships) = (counted(*nodes, "node"), counted(*relationships, "relationship"));
            format!("database \"{name}\": {verb}, {nodes}, {relationships}, {}", size(*bytes))
        }
    }
}

/// Backs all databases and `system` up into a folder; fails where one of them could not be copied, though the others were.
pub(super) fn back_up(reach: &Reach, to: &Path, check: bool) -> Result<String, CommandError> {
    let shown = Shown::new("copied");
    let manifest = match reach.filled_folder()? {
        Some(instance) => {
            let walk = if check { Walk::Yes } else { Walk::No };
            let written = shown.under_bar(|watch| instance.back_up_all(to, walk, watch));
            instance.close();
            written?
        }
        None => shown.under_bar(|shown| receive(reach, to, shown))?,
    };
    let missing: Vec<_> = manifest.problems().map(|(entry, _)| entry.name.as_str()).collect();
    let bytes = manifest.files().map(|(entry, _)| entry.bytes).sum();
    let summary = format!("{} in {} of {}", databases(manifest.files().count()), size(bytes), to.display());
    if missing.is_empty() {
        return Ok(summary);
    }
    let text = format!(
        "{summary}; not copied: {}. Its list tells why, and a restore asks what to do about it",
        missing.join(", ")
    );
    Err(Failure::new(Code::StorageDamaged, text).into())
}

fn databases(files: usize) -> String {
    format!("{} and \"system\"", counted(files.saturating_sub(1) as u64, "database"))
}

/// Reads the backup of a whole server and checks every byte of it; with keys, whether they open what is encrypted in it.
pub(super) fn verified(folder: &Path, keys: Option<&instance::backup::Keys>) -> Result<String, CommandError> {
    let whole = Whole::open(folder)?;
    let damaged = Shown::new("sound").under_bar(|watch| whole.damaged(watch))?;
    if !damaged.is_empty() {
        let names: Vec<_> = damaged.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let without_system = damaged.iter().any(|(name, _)| *name == whole.manifest.system.name);
        let then = match without_system {
            true => "without \"system\" nothing of it is restored",
            false => "sheaf restore --all with --missing leave restores the others",
        };
        let text = format!(
            "{} is not sound: {} of {} files are damaged or lost, those of {}; {then}",
            folder.display(),
            damaged.len(),
            whole.manifest.files().count(),
            names.join(", ")
        );
        return Err(Failure::new(Code::StorageDamaged, text).into());
    }
    let summary = told(folder, &whole.manifest)?;
    let encrypted = counted(whole.encrypted()? as u64, "database");
    match keys {
        _ if encrypted.starts_with("0 ") => Ok(summary),
        None => Ok(format!("{summary}; {encrypted} encrypted, whose keys were not looked for (--seal-key-file)")),
        Some(keys) => match whole.locked(keys)? {
            locked if locked.is_empty() => Ok(format!("{summary}; {encrypted} encrypted, whose keys are there")),
            locked => {
                say(&summary);
                Err(super::without_keys(&locked))
            }
        },
    }
}

fn told(folder: &Path, manifest: &Manifest) -> Result<String, CommandError> {
    let taken = types::temporal::from_epoch(manifest.taken_millis.div_euclid(1_000), 0);
    let taken = taken.map_or_else(|_| "an unknown time".to_owned(), |time| time.to_string());
    let found = format!("a whole server at {taken}, {}", databases(manifest.files().count()));
    let missing: Vec<_> = manifest.problems().map(|(entry, why)| format!("\"{}\" ({why})", entry.name)).collect();
    if missing.is_empty() {
        return Ok(format!("{} is sound: {found}", folder.display()));
    }
    let text = format!("{} is sound as far as it goes: {found}; without {}", folder.display(), missing.join(", "));
    Err(Failure::new(Code::StorageDamaged, text).into())
}

/// How a whole server is restored.
pub(super) struct Restore<'a> {
    pub(super) from: &'a Path,
    pub(super) data: &'a Path,
    pub(super) keys: &'a crate::reach::Keys,
    pub(super) missing: Missing,
    pub(super) dry_run: bool,
}

/// Makes a data folder out of the backup of a whole server, or looks whether that would go.
pub(super) fn restore(asked: &Restore<'_>) -> Result<String, CommandError> {
    let missing = match asked.missing {
        Missing::Refuse => whole::Missing::Refuse,
        Missing::Leave => whole::Missing::Leave,
        Missing::Empty => whole::Missing::Empty,
    };
    let options = asked.keys.options(asked.data);
    if asked.dry_run {
        let shown = Shown::new("sound");
        let tried = shown.under_bar(|watch| whole::try_restoring(asked.from, &options, missing, watch))?;
        for (name, reason) in &tried.locked {
            let would = if missing == whole::Missing::Empty { "made anew, empty" } else { "in state error" };
            say(&format!("database \"{name}\" would be {would}: its key cannot be had: {reason}"));
        }
        for (name, reason) in &tried.damaged {
            let would = if missing == whole::Missing::Empty { "made anew, empty" } else { "in state error" };
            say(&format!("database \"{name}\" would be {would}: {reason}"));
        }
        say_missing(&tried.keys_missing, asked);
        let files = databases(tried.whole.manifest.files().count() - tried.locked.len() - tried.damaged.len());
        return Ok(format!("{files} can be restored into {}; nothing was written", asked.data.display()));
    }
    let shown = Shown::new("restored");
    let restored = shown.under_bar(|watch| whole::restore(asked.from, options, missing, watch))?;
    for (name, reason) in &restored.missing {
        let became = if missing == whole::Missing::Empty { "made anew, empty" } else { "in state error" };
        say(&format!("database \"{name}\": {became}: {reason}"));
    }
    say_missing(&restored.keys_missing, asked);
    if let Some(file) = &asked.keys.seal_key_file {
        say(&format!("Its keys are in {}: sheaf serve needs --seal-key-file too.", file.display()));
    }
    let found = counted(restored.databases as u64, "database");
    Ok(format!("{found} and {} restored into {}", counted(restored.users, "user"), asked.data.display()))
}

fn say_missing(keys: &[String], asked: &Restore<'_>) {
    if keys.is_empty() {
        return;
    }
    let file = asked.keys.seal_key_file.clone().unwrap_or_else(|| asked.data.join("seal.key"));
    say(&format!(
        "None of the keys that sealed secrets of that server is here ({}). What they sealed stays closed until the lines of \
         its seal.key stand in front of those of {}.",
        keys.join(", "),
        file.display()
    ));
}

/// Takes the files of a whole server off the wire, in turn, and writes them here; what was written goes again if it fails.
fn receive(reach: &Reach, to: &Path, shown: &Shown) -> Result<Manifest, CommandError> {
    let mut client = reach.connect()?;
    let mut inbox = Inbox::begin(to)?;
    let (mut failed, mut done) = (None, 0);
    let each = |row: Vec<Value>| {
        if failed.is_none() {
            failed = inbox.take(&row, shown, &mut done).err();
        }
    };
    let streamed = client.stream("BACKUP ALL DATABASES TO STREAM", Map::new(), Options::default(), each);
    streamed.map_err(|error| reach.failed(error))?;
    match failed {
        Some(error) => Err(error),
        None => inbox.finish(),
    }
}

/// A folder that files come into.
struct Inbox<'t> {
    to: &'t Path,
    was_there: bool,
    /// The file that comes now, by its name.
    now: Option<(String, Part)>,
    list: Vec<u8>,
    /// Where the list goes in the end; nothing once it is there.
    file: Option<Part>,
    written: HashMap<String, PathBuf>,
}

impl<'t> Inbox<'t> {
    fn begin(to: &'t Path) -> Result<Self, CommandError> {
        let was_there = to.exists();
        // Begun first, so that it is seen of what the folder is the beginning.
        let file = Some(whole::begin_list(to)?);
        Ok(Self { to, was_there, now: None, list: Vec::new(), file, written: HashMap::new() })
    }

    fn take(&mut self, row: &[Value], shown: &Shown, done: &mut u64) -> Result<(), CommandError> {
        let [Value::String(name), piece] = row else { return Ok(()) };
        if self.now.as_ref().is_some_and(|(now, _)| now != name.as_str()) {
            // One that is taken back is not published first.
            match piece {
                Value::Null => {}
                _ => self.publish()?,
            }
        }
        match piece {
            Value::Bytes(piece) if name.as_str() == MANIFEST => self.list.extend_from_slice(piece),
            Value::Bytes(piece) => {
                if self.now.is_none() {
                    *done = 0;
                    // How long a file gets that is compressed on the way, nobody knows.
                    shown.begin(name.to_string(), 0);
                    self.now = Some((name.to_string(), Part::create(&self.path(name)?)?));
                }
                if let Some((_, part)) = &mut self.now {
                    part.write_all(piece).map_err(|source| BackupError::Io { action: "write the backup", source })?;
                }
                *done += piece.len() as u64;
                shown.step(*done)?;
            }
            _ => {
                if self.now.as_ref().is_some_and(|(now, _)| now == name.as_str()) {
                    self.now = None;
                } else if let Some(path) = self.written.remove(name.as_str()) {
                    let removed = fs::remove_file(path);
                    removed
                        .map_err(|source| BackupError::Io { action: "remove a backup that is of no use", source })?;
                }
            }
        }
        Ok(())
    }

    /// A server that is somebody else's does not choose where its files go.
    fn path(&self, name: &str) -> Result<PathBuf, CommandError> {
        let is_plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-' | '_');
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
            let text = format!("the server sends a file of an impossible name, {name:?}");
            return Err(Failure::new(Code::RequestInvalid, text).into());
        }
        Ok(self.to.join(name))
    }

    fn publish(&mut self) -> Result<(), CommandError> {
        let Some((name, mut part)) = self.now.take() else { return Ok(()) };
        part.sync()?;
        part.publish()?;
        self.written.insert(name.clone(), self.to.join(name));
        Ok(())
    }

    /// Reads everything back, and writes the list.
    fn finish(mut self) -> Result<Manifest, CommandError> {
        self.publish()?;
        let path = self.to.join(MANIFEST);
        let text = String::from_utf8(std::mem::take(&mut self.list));
        let text = text.map_err(|_| Failure::new(Code::RequestInvalid, "the server sends no list of its files"))?;
        let manifest = Manifest::parse(&text, &path)?;
        Whole::of(self.to, manifest.clone()).verify(&Shown::new("copied"))?;
        let mut part = self.file.take().ok_or_else(|| BackupError::Exists(path.clone()))?;
        part.write_all(text.as_bytes())
            .map_err(|source| BackupError::Io { action: "write the list of the backup", source })?;
        part.sync()?;
        part.publish()?;
        self.written.clear();
        for (entry, _) in manifest.problems() {
            say(&line("copied", entry));
        }
        Ok(manifest)
    }
}

impl Drop for Inbox<'_> {
    fn drop(&mut self) {
        let was_finished = self.file.take().is_none() && self.written.is_empty();
        if was_finished {
            return;
        }
        self.now = None;
        self.written.values().for_each(|path| drop(fs::remove_file(path)));
        if !self.was_there {
            let _ = fs::remove_dir(self.to);
        }
    }
}
