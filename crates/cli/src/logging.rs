//! The log: `tracing` events to the standard error, as text or as JSON.

use std::fmt::{self, Debug};
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, Ordering};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{self, Writer};
use types::shown::visible;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object a line, for collectors.
    Json,
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Reads a level such as `info`, or levels by place such as `warn,server=debug`.
pub fn parse_level(text: &str) -> Result<EnvFilter, String> {
    // A word alone would be taken for a place of which everything is logged, and nothing of the others.
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    let plain = text.split(',').map(str::trim).filter(|one| !one.is_empty() && !one.contains(['=', '[']));
    if let Some(word) = plain.into_iter().find(|word| !is_level(word)) {
        let levels = LEVELS.join(", ");
        return Err(format!(
            "\"{text}\" is no log level: \"{word}\" is none of {levels}; levels of places are written place=level"
        ));
    }
    EnvFilter::try_new(text).map_err(|error| format!("\"{text}\" is no log level: {error}"))
}

/// Where lines of the log go: what cannot be written is dropped, and how many lines that were is said with the next one.
///
/// A pipe whose reader is gone, or a full disk, is no reason to end what a line is about.
struct Log<W: io::Write> {
    out: W,
    dropped: &'static AtomicU64,
}

/// Lines of this process that could not be written, and nobody was told of yet.
static DROPPED: AtomicU64 = AtomicU64::new(0);

impl<W: io::Write> io::Write for Log<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    /// Takes a whole line: events are written at one go.
    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        let before = self.dropped.swap(0, Ordering::Relaxed);
        let told = match before {
            0 => Ok(()),
            _ => self.out.write_all(left_out(before, line).as_bytes()),
        };
        let lost = match told.and_then(|()| self.out.write_all(line)) {
            Ok(()) => return Ok(()),
            Err(_) => before + 1,
        };
        self.dropped.fetch_add(lost, Ordering::Relaxed);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.out.flush();
        Ok(())
    }
}

/// Says how many lines are missing, in the form of the next one.
fn left_out(lines: u64, next: &[u8]) -> String {
    if next.first() == Some(&b'{') {
        return format!(
            "{{\"level\":\"WARN\",\"message\":\"lines of the log before this one could not be written\",\"lines\":{lines}}}\n"
        );
    }
    format!("WARN lines of the log before this one could not be written lines={lines}\n")
}

/// Writes events from here on; a second call changes nothing.
pub fn start(format: LogFormat, level: EnvFilter) {
    let writer = || Log { out: io::stderr(), dropped: &DROPPED };
    // What it complains of would go where nothing can be written.
    let builder = tracing_subscriber::fmt().with_env_filter(level).log_internal_errors(false).with_writer(writer);
    // Fails only where a log is being written already, which then goes on.
    let _ = match format {
        LogFormat::Text => {
            let fields = format::debug_fn(write_field).delimited(" ");
            builder.with_ansi(io::stderr().is_terminal()).fmt_fields(fields).try_init()
        }
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Writes a field of an event. What clients call themselves is among them, and must not begin a line of its own.
fn write_field(out: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> fmt::Result {
    let value = format!("{value:?}");
    match field.name() {
        "message" => write!(out, "{}", visible(&value)),
        name => write!(out, "{name}={}", visible(&value)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn f99_names_of_clients_begin_no_line_of_the_log() {
        let written = Written::default();
        let out = written.clone();
        let fields = format::debug_fn(write_field).delimited(" ");
        let builder = tracing_subscriber::fmt().without_time().with_ansi(false).fmt_fields(fields);
        tracing::subscriber::with_default(builder.with_writer(move || out.clone()).finish(), || {
            tracing::warn!(user = %"x\n9999 WARN forged\u{1b}[2J", count = 3, reason = "it is so", "wrong name or password");
        });
        let written = String::from_utf8(written.0.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let written = written.expect("the log is text");
        let (_, event) = written.split_once(": ").expect("the place stands in front");
        let expected = "wrong name or password user=x\\n9999 WARN forged\\u{1b}[2J count=3 reason=\"it is so\"\n";
        assert_eq!(event, expected);
    }

    /// A pipe whose reader is gone, and comes back.
    struct Pipe<'p>(&'p mut Vec<u8>, bool);

    impl io::Write for Pipe<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.1 {
                self.0.extend_from_slice(bytes);
                return Ok(bytes.len());
            }
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn f99_what_the_log_cannot_write_is_dropped_and_counted() {
        static DROPPED: AtomicU64 = AtomicU64::new(0);
        let mut out = Vec::new();
        let mut write = |is_open, line: &[u8]| {
            let mut log = Log { out: Pipe(&mut out, is_open), dropped: &DROPPED };
            io::Write::write_all(&mut log, line).and_then(|()| io::Write::flush(&mut log)).expect("never fails");
        };
        write(true, b"one\n");
        write(false, b"two\n");
        write(false, b"three\n");
        write(true, b"four\n");
        write(false, b"{\"five\"}\n");
        write(true, b"{\"six\"}\n");
        let told = "lines of the log before this one could not be written";
        let expected = format!(
            "one\nWARN {told} lines=2\nfour\n{{\"level\":\"WARN\",\"message\":\"{told}\",\"lines\":1}}\n{{\"six\"}}\n"
        );
        assert_eq!(String::from_utf8(out).expect("text"), expected);
    }
}
