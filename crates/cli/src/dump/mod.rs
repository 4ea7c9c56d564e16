//! `sheaf dump` and `sheaf load`: databases as text that other programs read, and back.
//! Leaves lines to `write` and `read`.
//! Start reading at [`run`] and [`run_load`].

mod read;
mod value;
mod write;

use std::fs::{DirBuilder, File};
use std::io::{BufRead, BufReader, BufWriter, Read as _, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use catalog::Authentication;
use clap::{Args, ValueEnum};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use instance::backup::{Keys, Part, remove_left, sealed_by};
use instance::{Instance, InstanceError, InstanceOptions, Session};
use types::{Code, DatabaseName, Failure};

use crate::backup::{CommandError, counted, end, name, online};
use crate::exit::Exit;
use crate::progress;
use crate::reach::Reach;
use read::{Fenced, LOADED, PASSWORD};
use write::{Dumped, Wanted};

/// What `sheaf dump` takes.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The database.
    database: String,
    /// The file to write; compressed where its name ends in .gz. There must be none of that name.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// How it is written: jsonl keeps every type, cypher runs on any server.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Only nodes for which this condition on n holds, and relationships between them: "n.tenant = 'acme'".
    #[arg(long = "where", value_name = "CONDITION")]
    filter: Option<String>,
    #[command(flatten)]
    reach: Reach,
}

/// What `sheaf load` takes.
#[derive(Args, Debug)]
pub struct LoadArguments {
    /// The dump: lines of JSON, ours or those of apoc.export.json, or Cypher; compressed or not.
    file: PathBuf,
    /// The database to make.
    #[arg(long = "as", value_name = "NAME", value_parser = name)]
    name: DatabaseName,
    #[command(flatten)]
    reach: Reach,
}

/// How a dump is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// Statements.
    Cypher,
}

/// Writes a database as text.
pub fn run(arguments: &Arguments) -> Exit {
    end(dump(arguments))
}

/// Makes a database out of text.
pub fn run_load(arguments: &LoadArguments) -> Exit {
    end(load(arguments))
}

fn dump(arguments: &Arguments) -> Result<String, CommandError> {
    if DatabaseName::parse(&arguments.database).is_ok_and(|name| name.is_system()) {
        let text = "the database \"system\" holds no graph. Who may use what is in a backup of the whole server: sheaf backup --all";
        return Err(Failure::new(Code::DatabaseProtected, text).into());
    }
    let done = AtomicU64::new(0);
    let dumped = match arguments.reach.filled_folder()? {
        Some(instance) => {
            let dumped = write_out(&instance, &arguments.database, arguments, &done);
            instance.close();
            dumped?
        }
        None => {
            // The server sends a backup, which stands in nobody's way, and what takes long is done here.
            let folder = temporary()?;
            let image = folder.0.join("image");
            online::back_up(&arguments.reach, &arguments.database, &image, &done)?;
            let instance = Instance::open(with_keys_of(&arguments.reach, &image, &folder.0.join("data"))?)?;
            let dumped = instance
                .restore("dumped", false, &image, &|_| Ok(()))
                .map_err(CommandError::from)
                .and_then(|_| write_out(&instance, "dumped", arguments, &done));
            instance.close();
            dumped?
        }
    };
    let Dumped { nodes, relationships } = dumped;
    Ok(format!(
        "database \"{}\": {}, {} in {}",
        arguments.database,
        counted(nodes, "node"),
        counted(relationships, "relationship"),
        arguments.to.display()
    ))
}

/// Gives what a folder is opened with in which a backup of the server is to be opened: with the keys that it needs.
fn with_keys_of(reach: &Reach, backup: &Path, folder: &Path) -> Result<InstanceOptions, CommandError> {
    let options = InstanceOptions::new(folder);
    if sealed_by(backup)?.is_none() {
        return Ok(options);
    }
    let of_server = reach.keys.options(reach.data());
    if let Some(reason) = Keys::of(&of_server).map_err(InstanceError::Seal)?.problem(backup)? {
        let text = format!(
            "the database is encrypted, and its key cannot be had here: {reason}. Name the server's keys after \
             --seal-key-file or in SHEAF_SEAL_KEYS, or its data folder after --data."
        );
        return Err(Failure::new(Code::DatabaseStartFailed, text).into());
    }
    Ok(InstanceOptions { seal_keys: Some(of_server.key_source()), ..options })
}

fn write_out(
    instance: &Instance,
    database: &str,
    arguments: &Arguments,
    done: &AtomicU64,
) -> Result<Dumped, CommandError> {
    remove_left(&arguments.to);
    let mut part = Part::create(&arguments.to)?;
    let wanted =
        Wanted { title: &arguments.database, database, filter: arguments.filter.as_deref(), format: arguments.format };
    let mut session = instance.log_in(None)?;
    done.store(0, Ordering::Relaxed);
    let rows = || (0, done.load(Ordering::Relaxed));
    let dumped = progress::shown(0, &rows, || {
        if is_gzip(&arguments.to) {
            let mut out = GzEncoder::new(BufWriter::new(&mut part), Compression::default());
            let dumped = write::write(&mut session, &wanted, &mut out, done)?;
            let finished = out.finish().and_then(|mut out| out.flush());
            finished
                .map_err(|error| Failure::new(Code::StorageFailed, format!("could not write the dump: {error}")))?;
            Ok::<Dumped, Failure>(dumped)
        } else {
            write::write(&mut session, &wanted, &mut part, done)
        }
    })?;
    part.sync()?;
    part.publish()?;
    Ok(dumped)
}

/// Reads a dump into an instance of its own, and hands on what came of it as an image: whatever a dump says, it is said
/// where there is nothing else, and is in the new database whole or not at all.
fn load(arguments: &LoadArguments) -> Result<String, CommandError> {
    // Held from here on, so that no server starts in between.
    let into = arguments.reach.folder()?;
    let folder = temporary()?;
    // With users, so that a dump can be read by one who may do nothing else.
    let authentication = Authentication::Password { first: Some(PASSWORD.to_owned()) };
    let options = InstanceOptions { authentication, ..InstanceOptions::new(folder.0.join("data")) };
    let instance = Instance::open(options)?;
    let loaded = read_in(&instance, arguments).map_err(CommandError::from).and_then(|summary| {
        // The audit tells the name.
        let dump = arguments.file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let dump: String = dump.chars().take(50).collect();
        let image = folder.0.join(format!("load-{dump}"));
        instance.back_up(LOADED, &image, instance::Walk::No, &|_| Ok(()))?;
        match &into {
            Some(into) => into.restore(arguments.name.as_str(), false, &image, &|_| Ok(()))?,
            None => online::restore(&arguments.reach, &arguments.name, false, &image)?,
        };
        Ok(summary)
    });
    instance.close();
    if let Some(into) = &into {
        into.close();
    }
    Ok(format!("database \"{}\": {}", arguments.name, loaded?))
}

/// Fills the database [`LOADED`] of an instance that has nothing else.
fn read_in(instance: &Instance, arguments: &LoadArguments) -> Result<String, Failure> {
    let mut session = instance.log_in(Some(("admin", PASSWORD)))?;
    let done = AtomicU64::new(0);
    let total = std::fs::metadata(&arguments.file).map_or(0, |metadata| metadata.len());
    let work = || fill(instance, &mut session, &arguments.file, &done);
    progress::shown_bytes(if is_gzip(&arguments.file) { 0 } else { total }, &|| done.load(Ordering::Relaxed), work)
}

fn fill(instance: &Instance, session: &mut Session, file: &Path, done: &AtomicU64) -> Result<String, Failure> {
    let mut input = open(file)?;
    if is_script(&mut *input)? {
        read::run(session, "system", &format!("CREATE DATABASE `{LOADED}`"))?;
        let statements = Fenced::new(instance, session)?.load_script(&mut *input, done)?;
        return Ok(counted(statements, "statement"));
    }
    let mut found = None;
    instance.import_database(LOADED, false, &mut |database| {
        found = Some(read::load_lines(database, &mut *input, done)?);
        Ok(())
    })?;
    let found = found.unwrap_or_default();
    let mut fenced = Fenced::new(instance, session)?;
    for (line, statement) in &found.schema {
        fenced.run(*line, statement)?;
    }
    let loaded = found.loaded;
    Ok(format!("{}, {}", counted(loaded.nodes, "node"), counted(loaded.relationships, "relationship")))
}

fn open(file: &Path) -> Result<Box<dyn BufRead>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Code::ExternalResourceFailed, format!("could not read {}: {error}", file.display()))
    };
    let mut head = [0; 2];
    let mut opened = File::open(file).map_err(failed)?;
    let is_gzip = opened.read(&mut head).map_err(failed)? == 2 && head == [0x1F, 0x8B];
    let opened = File::open(file).map_err(failed)?;
    Ok(if is_gzip { Box::new(BufReader::new(MultiGzDecoder::new(opened))) } else { Box::new(BufReader::new(opened)) })
}

/// Tells Cypher from lines of JSON by the first sign that is no blank.
fn is_script(input: &mut dyn BufRead) -> Result<bool, Failure> {
    let head = input.fill_buf().map_err(|error| Failure::new(Code::ExternalResourceFailed, error.to_string()))?;
    Ok(head.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{'))
}

fn is_gzip(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "gz")
}

/// A folder for the time of one command.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Makes a folder for our eyes alone; one that is there already may be somebody else's.
fn temporary() -> Result<Temporary, Failure> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let path = std::env::temp_dir().join(format!("sheaf-dump-{}-{}", std::process::id(), now.as_nanos()));
    let made = DirBuilder::new().mode(0o700).create(&path).and_then(|()| std::fs::create_dir(path.join("data")));
    made.map_err(|error| Failure::new(Code::StorageFailed, format!("could not make {}: {error}", path.display())))?;
    Ok(Temporary(path))
}
