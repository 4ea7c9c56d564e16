//! The log of statements: a line of JSON for each that took long enough, in a file that is turned over by its size.
//! Never holds a parameter unless that was asked for, and never a password.
//! Start reading at [`QueryLog::note`].

use std::fs::{File, OpenOptions, rename};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use types::shown::without_user_info;
use types::{Map, Value};

/// Lines that wait for the disk; further ones are left out and counted.
const WAITING_MAX: usize = 4_096;
/// What is kept of a statement's text.
const TEXT_BYTES_MAX: usize = 10_000;

/// Where and what is logged of statements.
#[derive(Clone, Debug)]
pub struct QueryLogOptions {
    /// The file.
    pub file: PathBuf,
    /// Statements that took less are left out.
    pub threshold: Duration,
    /// Whether the values of parameters are written too.
    pub parameters: bool,
    /// The size at which the file is turned over.
    pub bytes_max: u64,
    /// Files that were turned over and are kept: `file.1` is the latest.
    pub files_max: u32,
}

/// Writes the log on a thread of its own, so that no statement waits for the disk.
#[derive(Clone)]
pub(crate) struct QueryLog {
    lines: SyncSender<Line>,
    left_out: Arc<AtomicU64>,
    threshold: Duration,
    parameters: bool,
}

/// What is noted of a statement when it begins.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) database: String,
    pub(crate) user: String,
    pub(crate) session: u64,
    pub(crate) transaction: String,
    pub(crate) text: String,
    pub(crate) parameters: Option<Map>,
}

/// What is known when it has ended.
pub(crate) struct Ended {
    pub(crate) wall_nanos: i128,
    pub(crate) time: Duration,
    pub(crate) waited: Duration,
    pub(crate) rows: u64,
    pub(crate) plan_found: Option<bool>,
    pub(crate) code: Option<&'static str>,
}

#[derive(Serialize)]
struct Line {
    time: String,
    database: String,
    user: String,
    session: u64,
    transaction: String,
    duration_ms: f64,
    wait_ms: f64,
    rows: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_cached: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    query: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<String>,
    /// Lines that were left out before this one.
    #[serde(skip_serializing_if = "is_zero")]
    left_out: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl QueryLog {
    /// Opens the file, which goes on where it ends.
    pub(crate) fn open(options: &QueryLogOptions) -> io::Result<Self> {
        let file = Turned::open(options.clone())?;
        let (lines, written) = sync_channel(WAITING_MAX);
        thread::Builder::new().name("query-log".to_owned()).spawn(move || write_all(&written, file))?;
        let (threshold, parameters) = (options.threshold, options.parameters);
        Ok(Self { lines, left_out: Arc::default(), threshold, parameters })
    }

    /// Notes a statement that begins.
    pub(crate) fn begin(&self, text: &str, parameters: &Map) -> Note {
        Note {
            database: String::new(),
            user: String::new(),
            session: 0,
            transaction: String::new(),
            // Both asked of the whole text: what is cut off may be what tells that it holds a password.
            text: shown_text(text),
            parameters: (self.parameters && !cypher::sets_secret(text)).then(|| parameters.clone()),
        }
    }

    /// Writes a statement down that has ended, if it took long enough or failed.
    pub(crate) fn note(&self, note: Note, ended: &Ended) {
        if ended.time < self.threshold && ended.code.is_none() {
            return;
        }
        let millis = |time: Duration| (time.as_secs_f64() * 1_000_000.0).round() / 1_000.0;
        let line = Line {
            time: shown_time(ended.wall_nanos),
            database: note.database,
            user: note.user,
            session: note.session,
            transaction: note.transaction,
            duration_ms: millis(ended.time),
            wait_ms: millis(ended.waited),
            rows: ended.rows,
            plan_cached: ended.plan_found,
            error: ended.code,
            query: note.text,
            parameters: note.parameters.map(|map| types::text::literal(&without_secrets(&Value::map(map)))),
            left_out: self.left_out.swap(0, Ordering::Relaxed),
        };
        let left_out = line.left_out;
        if self.lines.try_send(line).is_err() {
            self.left_out.fetch_add(left_out + 1, Ordering::Relaxed);
        }
    }
}

/// Gives the text as it may be shown to others: cut, and without passwords.
fn shown_text(text: &str) -> String {
    let shown = cypher::without_secrets(text);
    shown[..shown.floor_char_boundary(TEXT_BYTES_MAX)].to_owned()
}

/// Gives a value without user and password in addresses, and without what stands under the keys of secrets.
pub(crate) fn without_secrets(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::string(&*without_user_info(text)),
        Value::List(items) => Value::list(items.iter().map(without_secrets).collect()),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| match cypher::is_secret_key(key) {
                true => (key.clone(), Value::string("******")),
                false => (key.clone(), without_secrets(value)),
            });
            Value::map(entries.collect())
        }
        other => other.clone(),
    }
}

fn shown_time(nanos: i128) -> String {
    types::text::to_text(&crate::show::instant(Some(nanos))).map_or_else(String::new, |text| text.to_string())
}

/// Writes until the server is gone; what is waiting goes out with one call to the system.
fn write_all(lines: &Receiver<Line>, mut file: Turned) {
    while let Ok(line) = lines.recv() {
        let mut next = Ok(line);
        while let Ok(line) = next {
            if let Err(error) = file.write(&line) {
                tracing::warn!(%error, "the log of statements cannot be written");
            }
            next = lines.try_recv();
        }
        if let Err(error) = file.out.flush() {
            tracing::warn!(%error, "the log of statements cannot be written");
        }
        if next.err() == Some(TryRecvError::Disconnected) {
            return;
        }
    }
}

/// Values of statements are nobody else's to read.
const OWNER_ONLY: u32 = 0o600;

/// A file that is turned over by its size.
struct Turned {
    options: QueryLogOptions,
    out: BufWriter<File>,
    bytes: u64,
}

impl Turned {
    fn open(options: QueryLogOptions) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(OWNER_ONLY).open(&options.file)?;
        let bytes = file.metadata()?.len();
        Ok(Self { options, out: BufWriter::new(file), bytes })
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let length = text.len() as u64;
        if self.bytes > 0 && self.bytes + length > self.options.bytes_max {
            self.turn_over()?;
        }
        self.bytes += length;
        self.out.write_all(&text)
    }

    fn turn_over(&mut self) -> io::Result<()> {
        self.out.flush()?;
        let numbered = |number: u32| {
            let mut name = self.options.file.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        for number in (1..self.options.files_max).rev() {
            let (from, to) = (numbered(number), numbered(number + 1));
            if from.exists() {
                rename(from, to)?;
            }
        }
        if self.options.files_max > 0 {
            rename(&self.options.file, numbered(1))?;
        } else {
            std::fs::remove_file(&self.options.file)?;
        }
        *self = Self::open(self.options.clone())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(text: &str) -> Note {
        Note {
            database: "sheaf".into(),
            user: "ann".into(),
            session: 7,
            transaction: "sheaf-transaction-3".into(),
            text: text.to_owned(),
            parameters: None,
        }
    }

    fn ended(millis: u64, code: Option<&'static str>) -> Ended {
        let time = Duration::from_millis(millis);
        Ended { wall_nanos: 0, time, waited: Duration::ZERO, rows: 2, plan_found: Some(true), code }
    }

    #[test]
    fn f208_parameters_of_password_commands_are_left_out_whatever_is_set() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, threshold) = (folder.path().join("query.log"), Duration::ZERO);
        let options = QueryLogOptions { file, threshold, parameters: true, bytes_max: 1 << 20, files_max: 1 };
        let log = QueryLog::open(&options).expect("opens");
        let parameters = Map::from_iter([("pw".into(), Value::string("secret"))]);
        let check = |text: &str, is_kept: bool| {
            assert_eq!(log.begin(text, &parameters).parameters.is_some(), is_kept, "{text}");
        };
        check("RETURN $pw", true);
        check("MATCH (u:USER {alias: $pw}) RETURN u", true);
        check("CREATE DATABASE user IF NOT EXISTS", true);
        check("CREATE USER ann SET PASSWORD $pw", false);
        check("CYPHER 25 CREATE OR REPLACE USER ann SET AUTH 'native' {SET PASSWORD $pw}", false);
        check("alter current user set password from $pw to $pw", false);
        check("EXPLAIN ALTER USER ann SET ENCRYPTED PASSWORD $pw", false);
        check("CREATE USER ann SET PASSWRD $pw", false);
        check("CREATE ALIAS far FOR DATABASE d AT 'u' USER x PASSWORD $pw", false);
        check(&format!("/*{}*/ CREATE USER ann SET PASSWORD $pw", "x".repeat(20_000)), false);
        check(&format!("/*{}*/ CREATE USER ann SET PASSWORD $pw", "x".repeat(200_000)), false);
    }

    #[test]
    fn f208_parameters_are_written_without_credentials() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, threshold) = (folder.path().join("query.log"), Duration::ZERO);
        let options =
            QueryLogOptions { file: file.clone(), threshold, parameters: true, bytes_max: 1 << 20, files_max: 1 };
        let log = QueryLog::open(&options).expect("opens");
        let address = Value::string("http://ann:canary@host/x");
        let seed = Map::from_iter([("seedCredentials".into(), Value::string("canary")), ("x".into(), address.clone())]);
        let parameters = Map::from_iter([("urls".into(), Value::list(vec![address])), ("o".into(), Value::map(seed))]);
        // What is cut off is the end of an address.
        let long = format!("/*{}*/ LOAD CSV FROM 'http://ann:canary@host/x' AS r", "x".repeat(TEXT_BYTES_MAX - 40));
        log.note(log.begin(&long, &parameters), &ended(50, None));
        let read = || std::fs::read_to_string(&file).unwrap_or_default();
        while read().lines().count() < 1 {
            thread::yield_now();
        }
        let line = read();
        assert!(!line.contains("canary") && !line.contains("ann:c"), "{line}");
        for shown in ["urls: ['http://******@host/x']", "{seedCredentials: '******', x: 'http://******@host/x'}"] {
            assert!(line.contains(shown), "{line}");
        }
    }

    #[test]
    fn f208_lines_are_json_above_the_threshold_and_files_turn_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("query.log");
        let options = QueryLogOptions {
            file: file.clone(),
            threshold: Duration::from_millis(10),
            parameters: false,
            bytes_max: 600,
            files_max: 2,
        };
        let log = QueryLog::open(&options).expect("opens");
        log.note(note("RETURN 'quick'"), &ended(9, None));
        log.note(note("RETURN 'failed'"), &ended(1, Some("Neo.ClientError.Statement.SyntaxError")));
        log.note(log.begin("CREATE USER bob SET PASSWORD 'secret of bob'", &Map::new()), &ended(11, None));
        let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap_or_default();
        while read(&file).lines().count() < 2 {
            thread::yield_now();
        }
        let lines = read(&file);
        assert!(!lines.contains("quick") && !lines.contains("secret"), "{lines}");
        let first: serde_json::Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
        assert_eq!((&first["user"], &first["rows"], &first["plan_cached"]), (&"ann".into(), &2.into(), &true.into()));
        assert_eq!(first["error"], "Neo.ClientError.Statement.SyntaxError");
        for _ in 0..20 {
            log.note(note("RETURN 'long'"), &ended(50, None));
        }
        let turned = |number: u32| folder.path().join(format!("query.log.{number}"));
        while !turned(2).exists() || !turned(1).exists() {
            thread::yield_now();
        }
        assert!(!turned(3).exists());
        assert!(std::fs::metadata(turned(1)).expect("it is there").len() <= 600);
    }
}
