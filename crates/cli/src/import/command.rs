//! `sheaf import` from its arguments to its summary.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;
use graph::bulk::Loaded;
use instance::{Instance, InstanceError, InstanceOptions};
use types::{Clock, Code, DatabaseName, Failure, SystemClock};

use super::error::ImportError;
use super::loading::{self, IndexWish};
use super::pipeline::{Opened, Progress};
use super::report::Report;
use super::rows::ReaderOptions;
use super::source::Source;
use crate::exit::{Exit, complain, say};
use crate::progress;
use crate::serve::exit_of;

/// What `sheaf import` takes.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The data folder; made if it is not there. No server may use it meanwhile.
    #[arg(long, env = "SHEAF_DATA", default_value = "data", value_name = "FOLDER")]
    data: PathBuf,
    /// The database to make.
    #[arg(long, value_name = "NAME", value_parser = name)]
    database: DatabaseName,
    /// Files of nodes: [LABEL[:LABEL]=]FILE[,FILE]. The first of several begins with the header.
    #[arg(long, num_args = 1.., required = true, value_name = "[LABEL=]FILE")]
    nodes: Vec<String>,
    /// Files of relationships: [TYPE=]FILE[,FILE].
    #[arg(long, num_args = 1.., value_name = "[TYPE=]FILE")]
    relationships: Vec<String>,
    /// Puts the new database in the place of one of that name.
    #[arg(long)]
    replace: bool,
    /// Indexes to make.
    #[arg(long, num_args = 1.., value_name = "LABEL(PROPERTY)", value_parser = IndexWish::parse)]
    index: Vec<IndexWish>,
    /// Where the rows that were passed over are listed: file, line and reason.
    #[arg(long, default_value = "bad-rows.csv", value_name = "FILE")]
    bad_rows: PathBuf,
    /// How many rows may be bad; at one more nothing is imported.
    #[arg(long, default_value_t = 1_000, value_name = "NUMBER")]
    bad_rows_max: u64,
    /// Parts fields: one character, or tab.
    #[arg(long, default_value = ",", value_name = "SIGN", value_parser = sign)]
    delimiter: char,
    /// Parts the items of a list, and labels.
    #[arg(long, default_value = ";", value_name = "SIGN", value_parser = sign)]
    list_delimiter: char,
    /// Stands around a field that holds a delimiter.
    #[arg(long, default_value = "\"", value_name = "SIGN", value_parser = sign)]
    quote: char,
}

fn name(text: &str) -> Result<DatabaseName, String> {
    let name = DatabaseName::parse(text).map_err(|error| error.to_string())?;
    if name.is_system() { Err("the database system holds the catalog".to_owned()) } else { Ok(name) }
}

fn sign(text: &str) -> Result<char, String> {
    let mut signs = text.chars();
    match (text, signs.next(), signs.next()) {
        ("tab" | "\\t", ..) => Ok('\t'),
        (_, Some(sign), None) if sign.is_ascii() => Ok(sign),
        _ => Err("give one ASCII character, or tab".to_owned()),
    }
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    /// The files are wrong.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The data folder cannot be opened.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The database cannot be made.
    #[error("{0}")]
    Refused(Failure),
    /// There is a database of that name.
    #[error("there is a database \"{0}\" already. Give --replace to put the new one in its place.")]
    Exists(DatabaseName),
    /// The name is taken, and `--replace` cannot free it.
    #[error(
        "\"{0}\" is the default database or an alias, which an import cannot replace. Give another name after --database."
    )]
    Irreplaceable(DatabaseName),
}

impl CommandError {
    fn exit(&self) -> Exit {
        match self {
            Self::Instance(error) => exit_of(error),
            Self::Import(
                ImportError::NoHeader { .. }
                | ImportError::OpenQuote { .. }
                | ImportError::Header { .. }
                | ImportError::WrongSubject { .. }
                | ImportError::NoType { .. },
            )
            | Self::Exists(_)
            | Self::Irreplaceable(_) => Exit::Usage,
            Self::Import(_) | Self::Refused(_) => Exit::Failed,
        }
    }
}

/// Imports files into a new database, all or nothing.
pub fn run(arguments: &Arguments) -> Exit {
    match import(arguments) {
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

fn import(arguments: &Arguments) -> Result<String, CommandError> {
    let started = SystemClock.now();
    let sources = |texts: &[String]| texts.iter().map(|text| Source::parse(text)).collect::<Vec<_>>();
    let (nodes, relationships) = (sources(&arguments.nodes), sources(&arguments.relationships));
    let progress = Progress::default();
    let opened = Opened::open(&nodes, &relationships, &arguments.reader_options(), &progress)?;
    // Where the folder is in use, the report of an earlier import stays as it is.
    let instance = Instance::open(InstanceOptions { hands_over: true, ..InstanceOptions::new(&arguments.data) })?;
    let mut report = Report::create(&arguments.bad_rows, arguments.bad_rows_max)?;
    let files_bytes = nodes.iter().chain(&relationships).map(Source::bytes).sum();
    let made =
        progress::shown(files_bytes, &|| progress.done(), || arguments.make(&instance, opened, &mut report, &progress));
    let finished = report.finish();
    instance.close();
    let loaded = made?;
    let bad_rows = finished?;
    let seconds = SystemClock.now().saturating_duration_since(started).as_secs_f64();
    Ok(arguments.summary(loaded, bad_rows, seconds))
}

impl Arguments {
    fn reader_options(&self) -> ReaderOptions {
        // They were checked to be ASCII.
        let byte = |sign: char| u8::try_from(sign).unwrap_or(b',');
        ReaderOptions { delimiter: byte(self.delimiter), list_delimiter: self.list_delimiter, quote: byte(self.quote) }
    }

    fn make(
        &self,
        instance: &Instance,
        opened: Opened,
        report: &mut Report,
        progress: &Progress,
    ) -> Result<Loaded, CommandError> {
        let (mut opened, mut loaded, mut failed) = (Some(opened), None, None);
        let made = instance.import_database(self.database.as_str(), self.replace, &mut |database| {
            let Some(opened) = opened.take() else {
                return Err(Failure::new(Code::Internal, "files can be read once only"));
            };
            match loading::load(database, &self.index, |fill| opened.load(fill, report, progress)) {
                Ok(all) => {
                    loaded = Some(all);
                    Ok(())
                }
                Err(error) => {
                    let failure = Failure::new(error.code(), error.to_string());
                    failed = Some(error);
                    Err(failure)
                }
            }
        });
        match (made, failed, loaded) {
            (Ok(()), _, Some(loaded)) => Ok(loaded),
            (Err(_), Some(error), _) => Err(error.into()),
            (Err(failure), ..)
                if matches!(failure.code(), Code::DatabaseExists | Code::DatabaseProtected)
                    && !instance.can_replace(&self.database) =>
            {
                Err(CommandError::Irreplaceable(self.database.clone()))
            }
            (Err(failure), ..) if failure.code() == Code::DatabaseExists => {
                Err(CommandError::Exists(self.database.clone()))
            }
            (Err(failure), ..) => Err(CommandError::Refused(failure)),
            (Ok(()), ..) => Err(CommandError::Refused(Failure::new(Code::Internal, "nothing was loaded"))),
        }
    }

    fn summary(&self, loaded: Loaded, bad_rows: u64, seconds: f64) -> String {
        let Loaded { nodes, relationships, .. } = loaded;
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = (nodes + relationships) as f64 / seconds.max(0.001);
        let mut text = format!(
            "database \"{}\": {} and {} in {seconds:.2} s ({rate:.0} records/s)",
            self.database,
            counted(nodes, "node"),
            counted(relationships, "relationship")
        );
        if bad_rows > 0 {
            let was = if bad_rows == 1 { "was" } else { "were" };
            let rows = counted(bad_rows, "bad row");
            text.push_str(&format!("\n{rows} {was} passed over: see {}", self.bad_rows.display()));
        }
        text
    }
}

/// Puts a number before its noun.
fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

impl Progress {
    /// Reads how many bytes and rows are done.
    pub(crate) fn done(&self) -> (u64, u64) {
        (self.read_bytes.load(Ordering::Relaxed), self.rows.load(Ordering::Relaxed))
    }
}
